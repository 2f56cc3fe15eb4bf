"""Reading what is not on this machine: one port with limits, retries, and addresses that are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.fetch.port import (
    BrokenError,
    DeniedError,
    Fetcher,
    FetchError,
    LargeError,
    Limits,
    MethodError,
    MissingError,
    Opened,
    RefusedError,
    Response,
    Streamer,
)
from galleryctl.fetch.ranged import Ranged

if TYPE_CHECKING:
    from galleryctl.fetch.http import Http

__all__ = [
    "BrokenError",
    "DeniedError",
    "FetchError",
    "Fetcher",
    "Http",
    "LargeError",
    "Limits",
    "MethodError",
    "MissingError",
    "Opened",
    "Ranged",
    "RefusedError",
    "Response",
    "Streamer",
]


def __getattr__(name: str) -> object:
    """`Http` on use: most commands know its errors and never ask anybody."""
    if name != "Http":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from galleryctl.fetch.http import Http  # noqa: PLC0415 - see above

    return Http
