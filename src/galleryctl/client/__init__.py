"""The runtime's side of a gallery: a verified copy of the index, and the files of its models.

    from galleryctl.client import Gallery, OfflineError

    gallery = Gallery("https://models.example.org/", root=Path("root.json"))
    synced = gallery.sync(["llm"])              # a few kilobytes a day; keeps the last good state when it cannot
    for model in gallery.models("llm"):
        print(model.id, model.listing.title)
    build = gallery.resolve("qwen/qwen3@^1", runtime="llama.cpp", memory=12 * 2**30)
    gallery.pull(build, "/srv/models/qwen3")    # whole and verified, or an error that says why not

Every error is a `ClientError` (`galleryctl.client.errors` draws the tree). What is heavy is imported on use. Lock files
are read and written by `galleryctl.client.locking`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.client.errors import (
    ClientError,
    ClockError,
    DamagedError,
    ExpiredError,
    LockError,
    NoFitError,
    OfflineError,
    PullError,
    RefusedError,
    ResolveError,
    RollbackError,
    SchemaError,
    UnknownError,
    VerificationError,
)
from galleryctl.client.results import Host, Listed, Pulled, Rejected, Resolved, Synced

if TYPE_CHECKING:
    from galleryctl.client.gallery import Gallery
    from galleryctl.client.locking import Lock, Pin
    from galleryctl.client.outdated import Outdated
    from galleryctl.client.pulling import Bounds, Progress
    from galleryctl.client.references import Reference

__all__ = [
    "Bounds",
    "ClientError",
    "ClockError",
    "DamagedError",
    "ExpiredError",
    "Gallery",
    "Host",
    "Listed",
    "Lock",
    "LockError",
    "NoFitError",
    "OfflineError",
    "Outdated",
    "Pin",
    "Progress",
    "PullError",
    "Pulled",
    "Reference",
    "RefusedError",
    "Rejected",
    "ResolveError",
    "Resolved",
    "RollbackError",
    "SchemaError",
    "Synced",
    "UnknownError",
    "VerificationError",
]


_ON_USE = {
    "Bounds": "pulling",
    "Gallery": "gallery",
    "Lock": "locking",
    "Outdated": "outdated",
    "Pin": "locking",
    "Progress": "pulling",
    "Reference": "references",
}


def __getattr__(name: str) -> object:
    """What has a module of its own, on use: who only catches errors does not wait for it."""
    if name not in _ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - see above

    return getattr(import_module(f"galleryctl.client.{_ON_USE[name]}"), name)
