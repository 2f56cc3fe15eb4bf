"""Sources of models: what each says of a model at one moment. One module for each kind; each library has one home."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from galleryctl.errors import UsageError
from galleryctl.hubs.base import Hub, RemoteFile, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from galleryctl.fetch import Fetcher

__all__ = ["HUBS", "Hub", "RemoteFile", "Snapshot", "of"]

HUBS = {
    "huggingface": "galleryctl.hubs.huggingface",
    "modelscope": "galleryctl.hubs.modelscope",
    "object": "galleryctl.hubs.objects",
    "oci": "galleryctl.hubs.oci",
}
"""Kinds of source: name → module, imported on use. Each has `hub(fetcher) -> Hub`."""


def of(kind: str, fetcher: Fetcher) -> Hub:
    """The hub of a kind of source, read through `fetcher`. `UsageError` for a kind that nothing here reads."""
    if kind not in HUBS:
        raise UsageError(f"nothing here reads sources of kind {kind!r}; known are {', '.join(HUBS)}")
    make: Callable[[Fetcher], Hub] = import_module(HUBS[kind]).hub
    return make(fetcher)
