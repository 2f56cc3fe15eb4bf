"""What every runtime is made of, and what they all ask of a release."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from galleryctl.runtimes.sentences import say

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from galleryctl.spec.base import Text
    from galleryctl.spec.release import File, Hub, Release, Variant

T = TypeVar("T")
PLAIN = "none"
"""The quantization of weights that are not quantized."""
_WIDTH = 78


class Target(NamedTuple):
    """What a person runs: one quantization of one variant of one release of a model."""

    id: str
    type: str
    version: str
    release: Release
    variant: Variant
    quantization: str = PLAIN


@dataclass(frozen=True, slots=True)
class Command:
    """How to run a target. `export` is the published file the runtime must know first, relative to the site's root."""

    words: tuple[str, ...]
    note: Text
    export: str | None = None

    @property
    def line(self) -> str:
        """One line for a POSIX shell, quoted."""
        return shlex.join(self.words)

    @property
    def text(self) -> str:
        """The same for the eye: a long command goes on in indented lines, each starting with an option."""
        lines = [""]
        for group in _groups(self.words):
            if lines[-1] and len(lines[-1]) + len(group) >= _WIDTH:
                lines.append(group)
            else:
                lines[-1] = f"{lines[-1]} {group}".strip()
        return " \\\n  ".join(lines)


@dataclass(frozen=True, slots=True)
class Served:
    """What a runtime is told of a target, before it is words of a command or lines of a file."""

    options: Mapping[str, object]
    """Long options without dashes, in the order of the command; `True` for one that takes no value."""
    note: Text
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Why a runtime cannot run a target."""

    reason: Text


class Native(NamedTuple):
    """What the native export for one runtime holds of a model. Paths are published ones."""

    runtime: str
    files: tuple[str, ...]
    """Files of this model alone."""
    shared: tuple[str, ...]
    """Files that it shares with other models."""
    left: tuple[tuple[str, str, Text], ...]
    """What was left out: variant, quantization, reason. Empty names mean the whole variant, or the whole model."""


class Natives(Protocol):
    """The native exports of a gallery, as pages tell of them."""

    def native(self, identifier: str) -> Sequence[Native]:
        """What each runtime gets of a model; nothing of one that is not shown."""

    def shared(self) -> Sequence[str]:
        """Published paths of the files that models share."""


@dataclass(frozen=True)
class Runtime:
    """One inference runtime."""

    name: str
    title: str
    home: str
    formats: Mapping[str, frozenset[str]]
    """What it loads by model type; a type that stands there with no formats takes any."""
    hubs: tuple[str, ...]
    """Model hubs from which it loads, best first."""
    names: re.Pattern[str]
    """Names it accepts for a model."""
    alphabet: str
    """The same in words."""
    run: Callable[[Target], Command | Skipped] | None = None
    """None where a person runs nothing for one model: the runtime reads files only."""
    export: str | None = None
    """Published file it reads, with `{type}`; none where it loads straight from the hub."""

    def takes(self, type_: str, formats: Collection[str]) -> bool:
        """Whether it loads a model of a type that comes in these formats."""
        known = self.formats.get(type_)
        return known is not None and (not known or not known.isdisjoint(formats))


def unfit(runtime: Runtime, target: Target) -> Skipped | None:
    """Why a runtime cannot load a target wherever it lies; none where it can."""
    if target.type not in runtime.formats:
        return Skipped(say("type", runtime=runtime.title, type=target.type))
    formats, format_ = runtime.formats[target.type], target.variant.format
    if not formats or format_ in formats:
        return None
    return Skipped(
        say("format", runtime=runtime.title, format=format_) if format_ else say("no format", runtime=runtime.title)
    )


def targets(identifier: str, type_: str, version: str, release: Release) -> Iterator[Target]:
    """Every target of a release, in the order of the file."""
    for variant in release.variants:
        yield from of_variant(identifier, type_, version, release, variant)


def of_variant(identifier: str, type_: str, version: str, release: Release, variant: Variant) -> Iterator[Target]:
    """Every target of one variant."""
    for quantization in variant.quantizations or (PLAIN,):
        yield Target(identifier, type_, version, release, variant, quantization)


def overlay(release: Release, runtime: str, variant: Variant | None = None) -> Mapping[str, Any]:
    """What a release says to one runtime only; with a variant, what it says of that laid over it."""
    block: Mapping[str, Any] | None = release.runtimes.get(runtime)
    if not block:
        return {}
    by_variant = block.get("per_variant")
    own = by_variant.get(variant.name) if variant and isinstance(by_variant, dict) else None
    return {**block, **own} if isinstance(own, dict) else block


def exported_name(runtime: str, identifier: str, release: Release) -> str:
    """The name by which a runtime knows a model: that of the overlay, else the last part of the id."""
    name = overlay(release, runtime).get("name")
    return name if isinstance(name, str) else identifier.rpartition("/")[2]


def hub(target: Target, kinds: tuple[str, ...]) -> tuple[str, Hub] | None:
    """The first of the hubs that offers a target: its kind and its repository, with the placeholder filled in."""
    sources = target.variant.sources
    for kind in kinds if sources else ():
        source: Hub | None = getattr(sources, kind)
        if source and target.quantization in (source.quantizations or (target.quantization,)):
            repo = fill(source.repo, target.quantization)
            return kind, source if repo == source.repo else source.model_copy(update={"repo": repo})
    return None


def fill(pattern: str, quantization: str, part: str = "") -> str:
    """A name with its placeholders filled in."""
    if "{" not in pattern:
        return pattern
    return pattern.replace("{quantization}", quantization).replace("{part}", part)


def files(target: Target) -> tuple[File, ...]:
    """The files a target is known to have."""
    found = target.variant.files
    return found.get(target.quantization) or found.get("default") or ()


def weights(target: Target) -> tuple[File, ...]:
    """The same without projectors, tokenizers and the like."""
    return tuple(file for file in files(target) if file.role in {None, "model"})


def weight_path(target: Target, source: Hub) -> str | None:
    """Path of the file to load, of the first shard where there are several; none where it is not known."""
    parts = (source.parts or {}).get(target.quantization)
    if parts and source.parts_file:
        return fill(source.parts_file, target.quantization, parts[0])
    if source.file:
        return fill(source.file, target.quantization)
    known = weights(target)
    return known[0].path if known else None


def arguments(target: Target, runtime: str) -> dict[str, object]:
    """The overlay's arguments: `{max-num-seqs: 64, enforce-eager: true}`."""
    found = overlay(target.release, runtime, target.variant).get("arguments")
    return found if isinstance(found, dict) else {}


def options(named: Mapping[str, object], short: Mapping[str, str] | None = None) -> list[str]:
    """Arguments as words of a command. `short` spells some of them otherwise."""
    words: list[str] = []
    for key, value in named.items():
        spelled = (short or {}).get(key, f"--{key}")
        if value is True:
            words.append(spelled)
        elif value is not False and isinstance(value, str | int | float):
            words += [spelled, str(value)]
    return words


def told(target: Target, runtime: Runtime, serve: Callable[[Target], T | Skipped]) -> T | Skipped:
    """What a runtime is told of a target, wherever that is written; else why there is nothing to tell."""
    return unfit(runtime, target) or serve(target)


_quoted = lru_cache(4096)(shlex.quote)
"""Words of commands: most are options, which all commands share."""


def _groups(words: tuple[str, ...]) -> Iterator[str]:
    """The command, then each option with its values, quoted."""
    start = 0
    for index, word in enumerate(words):
        if index and word.startswith("-"):
            yield " ".join(map(_quoted, words[start:index]))
            start = index
    yield " ".join(map(_quoted, words[start:]))
