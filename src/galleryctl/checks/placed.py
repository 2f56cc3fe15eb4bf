"""The parts of a model's releases, each with the file and the place where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from galleryctl.checks.rule import Pointer, Subject
    from galleryctl.spec import File, Hub, Release, Variant

PLAIN = ("none",)
"""What a variant without quantizations offers."""


class PlacedRelease(NamedTuple):
    version: str
    path: str
    """Relative to the registry."""
    release: Release

    @property
    def name(self) -> str:
        """File name, by which the document is found."""
        return self.path.rpartition("/")[2]


class PlacedVariant(NamedTuple):
    path: str
    pointer: Pointer
    variant: Variant
    release: Release

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


class PlacedFile(NamedTuple):
    path: str
    pointer: Pointer
    file: File
    quantization: str
    variant: Variant


class PlacedHub(NamedTuple):
    path: str
    pointer: Pointer
    kind: str
    hub: Hub
    variant: Variant


class Parts:
    """All parts of one model, listed once: more than a hundred rules walk them."""

    def __init__(self, subject: Subject) -> None:
        self.releases = [
            PlacedRelease(version, subject.release_file(version), release)
            for version, release in subject.definition.releases.items()
        ]
        self.variants = [
            PlacedVariant(path, ("variants", index), variant, release)
            for _, path, release in self.releases
            for index, variant in enumerate(release.variants)
        ]
        self.files = [
            PlacedFile(path, ("variants", pointer[1], "files", quantization, index), file, quantization, variant)
            for path, pointer, variant, _ in self.variants
            for quantization, group in variant.files.items()
            for index, file in enumerate(group)
        ]
        self.hubs = [
            PlacedHub(path, ("variants", pointer[1], "sources", kind), kind, hub, variant)
            for path, pointer, variant, _ in self.variants
            if variant.sources
            for kind, hub in variant.sources.hubs().items()
        ]


def releases(subject: Subject) -> Sequence[PlacedRelease]:
    return subject.parts.releases


def variants(subject: Subject) -> Sequence[PlacedVariant]:
    return subject.parts.variants


def files(subject: Subject) -> Sequence[PlacedFile]:
    return subject.parts.files


def hubs(subject: Subject) -> Sequence[PlacedHub]:
    return subject.parts.hubs


def weights(group: tuple[File, ...]) -> tuple[File, ...]:
    """Files without projectors, tokenizers and the like."""
    return tuple([file for file in group if file.role is None or file.role == "model"])


def block(spec: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A map inside a spec block or an overlay; empty where there is none."""
    found = spec.get(name)
    return found if isinstance(found, dict) else {}


def overlays(release: Release) -> Iterator[tuple[Pointer, Mapping[str, Any]]]:
    """What a release says to each runtime, and to each for single variants, with the place where it stands."""
    for runtime, overlay in release.runtimes.items():
        yield ("runtimes", runtime), overlay
        for variant in block(overlay, "per_variant"):
            yield ("runtimes", runtime, "per_variant", variant), block(block(overlay, "per_variant"), variant)


def texts(spec: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The texts of a list inside a spec block; empty where there is none."""
    found = spec.get(name)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()
