"""Which files of a source make a variant: those that the definition names, else all that a runtime loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from galleryctl.hubs import loaded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.hubs import RemoteFile, Snapshot
    from galleryctl.spec import Hub, Variant


class Listed(NamedTuple):
    """A file of a variant. A file that the source does not have has neither size nor digest."""

    path: str
    role: str | None
    known: RemoteFile | None


def listed(variant: Variant, hub: Hub, quantization: str, found: Snapshot) -> tuple[Listed, ...]:
    """The files of one quantization, in the order in which they are named; projectors last."""
    names = list(_named(hub, quantization)) or list(_stated(variant, quantization))
    if not names or not all(found.file(path) for path in names if not hub.file):
        names = _whole(variant, found) or names
    projectors = {path: "projector" for path in hub.projectors or () if hub.file}
    stated = {file.path: file.role for file in variant.files.get(quantization, ())}
    every = dict.fromkeys([*names, *projectors])
    return tuple(Listed(path, projectors.get(path) or _role(path, stated, hub), found.file(path)) for path in every)


def _role(path: str, stated: Mapping[str, str | None], hub: Hub) -> str | None:
    """What is said of a file already; of one that is new in a whole repository, what its name tells."""
    if path in stated:
        return stated[path]
    return None if hub.file or loaded.holds_weights(path) else loaded.role(path)


def _named(hub: Hub, quantization: str) -> Iterator[str]:
    """What `file`, or `parts_file` with its parts, gives for a quantization."""
    parts = (hub.parts or {}).get(quantization, ())
    if hub.parts_file and parts:
        pattern = hub.parts_file.replace("{quantization}", quantization)
        yield from (pattern.replace("{part}", part) for part in parts)
    elif hub.file:
        yield hub.file.replace("{quantization}", quantization)


def _stated(variant: Variant, quantization: str) -> Iterator[str]:
    """Files that the definition lists already, but for those with an address of their own."""
    yield from (file.path for file in variant.files.get(quantization, ()) if not file.url)


def _whole(variant: Variant, found: Snapshot) -> list[str]:
    """What a runtime loads of a whole repository, the weights first, as an import lists it."""
    if variant.format == "gguf":
        return []  # a repository of GGUF files holds many models: which one is for `file` to say
    paths = [file.path for file in loaded.loaded(found.files)]
    return sorted(paths, key=lambda path: (not loaded.is_weights(path), path))
