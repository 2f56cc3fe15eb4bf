"""The parts of a model's releases, each with the file and the place where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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


def releases(subject: Subject) -> Iterator[PlacedRelease]:
    for version, release in subject.definition.releases.items():
        yield PlacedRelease(version, subject.release_file(version), release)


def variants(subject: Subject) -> Iterator[PlacedVariant]:
    for version, release in subject.definition.releases.items():
        path = subject.release_file(version)
        for index, variant in enumerate(release.variants):
            yield PlacedVariant(path, ("variants", index), variant, release)


def files(subject: Subject) -> Iterator[PlacedFile]:
    for placed in variants(subject):
        for quantization, group in placed.variant.files.items():
            for index, file in enumerate(group):
                pointer = (*placed.pointer, "files", quantization, index)
                yield PlacedFile(placed.path, pointer, file, quantization, placed.variant)


def hubs(subject: Subject) -> Iterator[PlacedHub]:
    for path, pointer, variant, _ in variants(subject):
        if variant.sources:
            for kind, hub in variant.sources.hubs().items():
                yield PlacedHub(path, (*pointer, "sources", kind), kind, hub, variant)


def weights(group: tuple[File, ...]) -> tuple[File, ...]:
    """Files without projectors, tokenizers and the like."""
    return tuple(file for file in group if file.role in {None, "model"})


def block(spec: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A map inside a spec block or an overlay; empty where there is none."""
    found = spec.get(name)
    return found if isinstance(found, dict) else {}


def texts(spec: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The texts of a list inside a spec block; empty where there is none."""
    found = spec.get(name)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()
