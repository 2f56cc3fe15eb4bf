"""Which files of a source make a variant: those that the definition names, else all that a runtime loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.hubs import RemoteFile, Snapshot
    from galleryctl.spec import Hub, Variant

WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".gguf", ".onnx", ".npz", ".tflite")
_OTHERS = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".gguf", ".onnx", ".tflite")
"""Weights in another form, of which a repository with safetensors has copies."""
_NOT_LOADED = (".md", ".gitattributes", ".gitignore", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".pdf", ".mp4")


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
    roles = {path: "projector" for path in hub.projectors or () if hub.file}
    every = dict.fromkeys([*names, *roles])
    stated = {file.path: file.role for file in variant.files.get(quantization, ())}
    return tuple(Listed(path, roles.get(path) or stated.get(path), found.file(path)) for path in every)


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
    """What a runtime loads of a whole repository: one form of the weights, and what stands beside them."""
    if variant.format == "gguf":
        return []  # a repository of GGUF files holds many models: which one is for `file` to say
    paths = [file.path for file in found.files if not file.path.lower().endswith(_NOT_LOADED)]
    paths = [path for path in paths if path.rpartition("/")[2].upper() not in {"LICENSE", "NOTICE", "LICENSE.TXT"}]
    if any(path.endswith(".safetensors") for path in paths):
        return [path for path in paths if not path.lower().endswith(_OTHERS)]
    return paths
