"""The Run, Memory and Files sections of a model page: what can be loaded, how, in how much memory, from where."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup

from galleryctl import runtimes
from galleryctl.runtimes import RUNTIMES, Command
from galleryctl.runtimes.base import files as target_files
from galleryctl.runtimes.base import fill
from galleryctl.site import fit, native, wording
from galleryctl.spec.base import parameter_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from galleryctl.gallery import Outline
    from galleryctl.memory import Build
    from galleryctl.runtimes import Target
    from galleryctl.site.frame import Frame
    from galleryctl.site.native import Exported, NativeFile
    from galleryctl.spec.release import File, Hub, Release, Variant

_COMMANDS = 128
"""Targets whose commands the page holds, so that a person can choose among them."""
_CONTEXTS = (4096, 8192, 16384, 32768, 65536, 131072)
_COLUMNS = 6


class Run(NamedTuple):
    """One runtime: the command, or why there is none, and its native files."""

    name: str
    title: str
    home: str
    command: str
    note: str
    target: str
    natives: tuple[NativeFile, ...]
    more: tuple[NativeFile, ...]
    left: tuple[tuple[str, str], ...]


class Choice(NamedTuple):
    place: int
    label: str
    group: str
    chosen: bool


class Runs(NamedTuple):
    runs: tuple[Run, ...]
    choices: tuple[Choice, ...]
    target: str
    memory: str
    data: Markup


class Cell(NamedTuple):
    state: fit.State
    memory: str


class MemoryRow(NamedTuple):
    label: str
    weights: str
    data: str
    cells: tuple[Cell, ...]


class MemoryTable(NamedTuple):
    contexts: tuple[tuple[int, str], ...]
    sizes: tuple[tuple[str, tuple[MemoryRow, ...]], ...]


class Source(NamedTuple):
    kind: str
    label: str
    href: str
    revision: str
    gated: bool


class FileRow(NamedTuple):
    path: str
    size: str
    sha256: str
    role: str


class Group(NamedTuple):
    """One target in the table of files."""

    parameters: str
    format: str
    quantization: str
    files: tuple[FileRow, ...]
    pattern: str
    size: str
    sources: tuple[Source, ...]
    engines: str


def label(variant: Variant, quantization: str) -> str:
    """What a target is called, as `memory.builds` calls it."""
    name = variant.format if quantization == "none" else quantization
    return " ".join(part for part in (variant.parameters, name) if part) or variant.name


def runs(frame: Frame, outline: Outline, release: Release) -> Runs | None:
    """How to run the current release on each runtime of the gallery; none where there is nothing to run."""
    found = list(runtimes.targets(outline.id, outline.type, outline.latest or "", release))
    names = [name for name, each in RUNTIMES.items() if each.run and name in frame.view.settings.runtimes]
    exported = native.of(frame, outline.id)
    if not found or not (names or exported):
        return None
    memory = {build.label: fit.need(build, fit.CONTEXT) for build in outline.sizes}
    labels = [label(target.variant, target.quantization) for target in found]
    chosen = _best(labels, outline.sizes)
    words: dict[str, int] = {}
    table = [{name: _said(frame, name, target, words) for name in names} for target in found[:_COMMANDS]]
    return Runs(
        runs=(
            *(_run(name, table, labels, chosen, list(words), exported.get(name)) for name in names),
            *(_only_native(each) for name, each in exported.items() if name not in names),
        ),
        choices=tuple(
            Choice(
                index,
                labels[index],
                f"{found[index].variant.parameters or ''} {found[index].variant.format or ''}".strip(),
                index == chosen,
            )
            for index in range(len(table))
        ),
        target=labels[chosen],
        memory=fit.gib(memory[labels[chosen]]) if labels[chosen] in memory else "",
        data=embedded({"labels": labels[:_COMMANDS], "words": list(words), "commands": table}),
    )


def _best(labels: Sequence[str], builds: Sequence[Build]) -> int:
    """The target that a machine of the page without script would take."""
    if not builds:
        return 0
    found = [fit.need(build, fit.CONTEXT) for build in builds]
    best = builds[fit.choose(found, [fit.state(memory) for memory in found])].label
    index = labels.index(best) if best in labels else 0
    return index if index < _COMMANDS else 0


def _said(frame: Frame, runtime: str, target: Target, words: dict[str, int]) -> list[int]:
    """`[command, note]` or `[reason]`, as numbers into the list of words: most notes and reasons are the same."""
    said = runtimes.command(runtime, target)
    texts = [said.text, frame.text(said.note)] if isinstance(said, Command) else [frame.text(said.reason)]
    return [words.setdefault(text, len(words)) for text in texts]


def _only_native(each: Exported) -> Run:
    """A runtime that has no command for one model, only files."""
    return Run(each.name, each.title, each.home, "", each.why, "", each.files, each.more, each.left)


def _run(
    name: str,
    table: Sequence[dict[str, Any]],
    labels: Sequence[str],
    chosen: int,
    words: Sequence[str],
    exported: Exported | None,
) -> Run:
    """The command for the chosen target, else for the first that this runtime can load, else why there is none."""
    size = labels[chosen].partition(" ")[0]
    order = sorted(
        range(len(table)), key=lambda index: (index != chosen, labels[index].partition(" ")[0] != size, index)
    )
    index = next((index for index in order if len(table[index][name]) > 1), chosen)
    said = [words[number] for number in table[index][name]]
    runtime = RUNTIMES[name]
    command, note = ("", said[0]) if len(said) == 1 else (said[0], said[1])
    target = "" if index == chosen or not command else labels[index]
    files, more, left = (exported.files, exported.more, exported.left) if exported else ((), (), ())
    # what is said of the command already is not said again
    told = tuple((what, reason) for what, reason in left if reason != note)
    return Run(name, runtime.title, runtime.home, command, note, target, files, more, told)


def memory(outline: Outline) -> MemoryTable | None:
    """GiB of each build at several lengths of context; none where no size is known."""
    if not outline.sizes:
        return None
    limit = outline.facts.get("context_length")
    contexts: tuple[int, ...] = ()
    if any(build.cache for build in outline.sizes):
        longest = limit if isinstance(limit, int) and not isinstance(limit, bool) else _CONTEXTS[3]
        contexts = (*[context for context in _CONTEXTS if context < longest][: _COLUMNS - 1], longest)
    sizes: dict[str, list[MemoryRow]] = {}
    for build in outline.sizes:
        size, _, name = build.label.rpartition(" ")
        cells = [fit.need(build, context) for context in contexts or (0,)]
        data = f"{build.weights:g}|{build.cache:g}"
        row = MemoryRow(
            name, fit.gib(build.weights), data, tuple(Cell(fit.state(value), fit.gib(value)) for value in cells)
        )
        sizes.setdefault(size, []).append(row)
    heads = tuple((context, wording.tokens(context)) for context in contexts)
    return MemoryTable(heads, tuple((size, tuple(found)) for size, found in sizes.items()))


def files(outline: Outline, release: Release) -> list[Group]:
    """Every target of the current release with its files and sources."""
    return [_group(target) for target in runtimes.targets(outline.id, outline.type, outline.latest or "", release)]


def _group(target: Target) -> Group:
    variant, quantization = target.variant, target.quantization
    known = target_files(target)
    total = sum(file.size or 0 for file in known)
    return Group(
        parameters=_size(variant),
        format=variant.format or "",
        quantization="" if quantization == "none" else quantization,
        files=tuple(_file(file) for file in known),
        pattern=next((fill(hub.file, quantization) for hub in _hubs(variant) if hub.file), ""),
        size=wording.size(total) if total else "",
        sources=tuple(_sources(variant, quantization)),
        engines=", ".join(variant.engines),
    )


def _size(variant: Variant) -> str:
    if variant.parameters and variant.active and parameter_count(variant.active) != parameter_count(variant.parameters):
        return f"{variant.parameters}-A{variant.active}"
    return variant.parameters or ""


def _file(file: File) -> FileRow:
    return FileRow(
        file.install_as or file.path,
        wording.size(file.size) if file.size is not None else "",
        file.sha256 or "",
        file.role or "",
    )


def _hubs(variant: Variant) -> Iterator[Hub]:
    yield from (variant.sources.hubs() if variant.sources else {}).values()


def _sources(variant: Variant, quantization: str) -> Iterator[Source]:
    if variant.sources is None:
        return
    for kind, hub in variant.sources.hubs().items():
        if quantization in (hub.quantizations or (quantization,)):
            repo = fill(hub.repo, quantization)
            title, address = wording.hub(kind, repo, hub.revision)
            yield Source(title, repo, address, (hub.revision or "")[:7], bool(hub.gated))
    if variant.sources.oci:
        yield Source("OCI", variant.sources.oci.image, "", "", gated=False)
    for kind, prefix in (("Object store", variant.sources.object), ("Web", variant.sources.url)):
        if prefix:
            yield Source(kind, prefix.prefix, wording.safe(prefix.prefix), "", gated=False)


def embedded(value: object) -> Markup:
    """JSON that may stand in a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    safe = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return Markup(safe)  # noqa: S704 - no tag can begin in it
