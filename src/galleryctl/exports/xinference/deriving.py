"""What Xinference must be told of a GGUF repository, taken from the files that a variant is known to have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from galleryctl.runtimes.base import PLAIN
from galleryctl.spec.release import Hub, Sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.spec.release import File, Variant

_ADDRESS = re.compile(r"https://huggingface\.co/([^/\s]+/[^/\s]+)/resolve/([^/\s]+)/([^\s?#]+)(?:\?download=true)?")
_SHARD = re.compile(r"-[0-9]{5}-of-[0-9]{5}\.gguf$")


def complete(variant: Variant) -> Iterator[Variant]:
    """The variant with names of files at Hugging Face, where they can be told; one for each name that is no pattern."""
    if variant.format != "gguf":
        yield variant
        return
    hubs = variant.sources.hubs() if variant.sources else {}
    if hubs and all(hub.file is not None or hub.parts for hub in hubs.values()):
        yield variant
        return
    source = hubs.get("huggingface")
    found = {
        quantization: _located(variant, source, quantization) for quantization in variant.quantizations or (PLAIN,)
    }
    known = {quantization: hub for quantization, hub in found.items() if hub is not None}
    if len(known) != len(found):
        yield variant
        return
    groups: dict[str, tuple[Hub, list[str]]] = {}
    for quantization, hub in known.items():
        pattern = (hub.file or "").replace(quantization, "{quantization}") if quantization != PLAIN else hub.file or ""
        one = hub.model_copy(update={"file": pattern})
        groups.setdefault(one.model_dump_json(), (one, []))[1].append(quantization)
    for hub, quantizations in groups.values():
        sources = Sources.model_validate({"huggingface": hub.model_dump(exclude_unset=True, exclude_none=True)})
        yield variant.model_copy(
            update={"key": variant.name, "quantizations": tuple(quantizations), "sources": sources}
        )


def _located(variant: Variant, source: Hub | None, quantization: str) -> Hub | None:
    """The repository with the one file of a quantization."""
    files = variant.files.get(quantization) or variant.files.get("default") or ()
    weights = [file for file in files if file.role in {None, "model"}]
    if len(weights) != 1 or _SHARD.search(weights[0].path):
        return None
    place = _place(weights[0], source)
    if place is None:
        return None
    repo, revision, path = place
    values: dict[str, object] = {"repo": repo, "file": path, **({"revision": revision} if revision else {})}
    projectors = [_place(file, source) for file in files if file.role == "projector"]
    beside = [found[2] for found in projectors if found and found[0] == repo]
    return Hub.model_validate(values | ({"projectors": beside} if beside else {}))


def _place(file: File, source: Hub | None) -> tuple[str, str | None, str] | None:
    """Repository, revision and path of a file."""
    if file.url is None:
        return (source.repo, source.revision, file.path) if source else None
    match = _ADDRESS.fullmatch(file.url)
    if match is None:
        return None
    revision = None if match[2] in {"main", "master"} else match[2]
    return match[1], revision, match[3]
