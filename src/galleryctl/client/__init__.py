"""The runtime's side of a gallery: a verified copy of the index, and the files of its models.

    from galleryctl.client import Gallery, OfflineError

    gallery = Gallery("https://models.example.org/", root=Path("root.json"))
    synced = gallery.sync(["llm"])              # a few kilobytes a day; keeps the last good state when it cannot
    for model in gallery.models("llm"):
        print(model.id, model.listing.title)

Every error is a `ClientError` (`galleryctl.client.errors` draws the tree). What is heavy is imported on use.
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

__all__ = [
    "ClientError",
    "ClockError",
    "DamagedError",
    "ExpiredError",
    "Gallery",
    "Host",
    "Listed",
    "LockError",
    "NoFitError",
    "OfflineError",
    "PullError",
    "Pulled",
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


def __getattr__(name: str) -> object:
    """`Gallery` on use: who only catches its errors does not wait for it."""
    if name != "Gallery":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from galleryctl.client.gallery import Gallery  # noqa: PLC0415 - see above

    return Gallery
