"""What the sources of one model say of themselves, gathered beforehand, so that the rules about it are pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from galleryctl.checks import placed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.checks.rule import Pointer, Subject
    from galleryctl.hubs import Snapshot
    from galleryctl.spec import Variant
    from galleryctl.spec.release import Sources

ASKED = ("huggingface", "modelscope")
"""Hubs that can be asked what a repository holds, now and at a commit."""
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".npz", ".dill")
"""Endings of files that may hold pickles."""


class Silence(NamedTuple):
    """Why a source gave no answer: it is not there, wants a login, may not be asked, or did not say anything."""

    kind: Literal["missing", "denied", "refused", "silent"]
    text: str


class Address(NamedTuple):
    """What an address says of itself. What it does not state is none."""

    size: int | None = None
    """Bytes."""
    sha256: str | None = None
    moved: str = ""
    """Where it says that it has gone for good; empty where it stays."""


class Config(NamedTuple):
    """What `config.json` or the header of a GGUF file says."""

    file: str
    """The file that says so."""
    classes: tuple[str, ...] = ()
    model_type: str | None = None
    context_length: int | None = None
    dimensions: int | None = None
    parameters: int | None = None
    template: str | None = None
    """Chat template of the source."""
    code: tuple[str, ...] = ()
    """Python files that `auto_map` names."""


class Card(NamedTuple):
    """The card of the source as it is now."""

    revision: str | None
    changed: bool
    """Whether its text differs from the one that was taken over."""


class Scan(NamedTuple):
    """What was found in one file, by what means. Neither trouble nor findings: it is clean."""

    findings: tuple[str, ...] = ()
    trouble: str = ""
    """Why it could not be looked at, or not as a whole."""


@dataclass(frozen=True)
class Observed:
    """Keys of sources are `kind:repo@revision`, or `kind:repo` for the newest; of files, `:path` is added."""

    sources: Mapping[str, Snapshot | Silence] = field(default_factory=dict)
    addresses: Mapping[str, Address | Silence] = field(default_factory=dict)
    configs: Mapping[str, Config] = field(default_factory=dict)
    """By source and quantization, `default` for plain weights: GGUF files may differ from each other."""
    stored: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Hashes by which a hub stores a file, none of them its SHA-256; asked for where a digest differs."""
    card: Card | None = None
    pickles: Mapping[str, Scan] = field(default_factory=dict)
    """By source and file."""
    images: Mapping[str, Scan] = field(default_factory=dict)
    """What the scanner of images said, by image."""
    outside: Mapping[str, Scan] = field(default_factory=dict)
    """What the scanner of files said, by address of the file."""

    def snapshot(self, kind: str, repo: str, revision: str | None = None) -> Snapshot | None:
        """What a source says; none where it gave no answer."""
        found = self.sources.get(key(kind, repo, revision))
        return None if found is None or isinstance(found, Silence) else found


class Repository(NamedTuple):
    """One repository that a definition names."""

    path: str
    pointer: Pointer
    """Of the block that holds `repo`."""
    kind: str
    repo: str
    revision: str | None
    gated: bool | None
    variant: Variant
    main: bool
    """Whether it holds the weights, not what is added to them."""
    field: str = "repo"
    """The field of the block that names it: repo, image, prefix."""

    @property
    def place(self) -> Pointer:
        """Of the field that names it."""
        return (*self.pointer, self.field)

    @property
    def key(self) -> str:
        return key(self.kind, self.repo, self.revision)


def key(kind: str, repo: str, revision: str | None = None) -> str:
    return f"{kind}:{repo}@{revision}" if revision else f"{kind}:{repo}"


_CARD = re.compile(
    r"(?:(?P<kind>huggingface|modelscope):|(?:https://)?(?P<host>huggingface\.co|(?:www\.)?modelscope\.cn/models)/)?"
    r"(?P<repo>[\w.-]+/[\w.-]+)(?:/(?:blob|resolve|tree)/.*)?/?"
)


def origin(source: str) -> tuple[str, str] | None:
    """Kind and repository that `readme.source` means: `huggingface:owner/name`, or an address there."""
    match = _CARD.fullmatch(source)
    if match is None:
        return None
    return match["kind"] or ("modelscope" if "modelscope" in (match["host"] or "") else "huggingface"), match["repo"]


def repositories(subject: Subject) -> Iterator[Repository]:
    """Every repository that can be asked, of releases that may still be used."""
    alive = set(living(subject))
    for path, pointer, kind, hub, variant in placed.hubs(subject):
        if kind not in ASKED or path not in alive:
            continue
        if "{" not in hub.repo:
            yield Repository(path, pointer, kind, hub.repo, hub.revision, hub.gated, variant, main=True)
        for name, more in (
            ("draft", hub.draft),
            ("lora", hub.lora or variant.lora),
            ("gguf", hub.gguf or variant.gguf),
        ):
            if more is not None and "{" not in more.repo:
                own = getattr(hub, name) is not None
                place = (*pointer, name) if own else (*pointer[:2], name)
                revision = getattr(more, "revision", None)  # an add-on in GGUF has none
                yield Repository(path, place, kind, more.repo, revision, hub.gated, variant, main=False)
    for path, pointer, variant, _ in placed.variants(subject):
        if variant.sources and path in alive:
            yield from _stores(path, (*pointer, "sources"), variant, variant.sources)


def _stores(path: str, pointer: Pointer, variant: Variant, sources: Sources) -> Iterator[Repository]:
    if sources.oci:
        name, _, digest = sources.oci.image.partition("@")
        place = (*pointer, "oci")
        yield Repository(path, place, "oci", name, digest or None, None, variant, main=True, field="image")
    if sources.object:
        place = (*pointer, "object")
        yield Repository(path, place, "object", sources.object.prefix, None, None, variant, main=True, field="prefix")


def living(subject: Subject) -> Iterator[str]:
    """Files of the releases that are neither discontinued nor quarantined."""
    model = subject.definition.model.status
    for each in placed.releases(subject):
        if not {model, each.release.status} & {"discontinued", "quarantined"}:
            yield each.path
