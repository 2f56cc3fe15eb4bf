"""What the server of a file says of it: size, digest, commit, and whether it has moved for good.

A hub tells of a large file by `x-linked-*` where it redirects to its store; other servers may state a digest as in RFC
9530. An ETag alone is no digest.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from galleryctl.hubs import shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.fetch import Fetcher

_RFC9530 = re.compile(r"(?:^|[, ])sha-256=:([A-Za-z0-9+/=]+):")
_PERMANENT = {301, 308}
_DIGITS = 16  # of a size; no store has larger files


class Stated(NamedTuple):
    """What is not said is none."""

    size: int | None = None
    """Bytes."""
    sha256: str | None = None
    commit: str | None = None
    """Of the repository at a hub."""
    moved: str = ""
    """Where the address leads for good; empty where it stays."""


def of(fetcher: Fetcher, url: str) -> Stated:
    """Raises `FetchError`."""
    first = fetcher.head(url, follow=False)
    last = first if first.status < 300 else fetcher.head(url)  # noqa: PLR2004 - redirects
    return Stated(
        _count(first.headers.get("x-linked-size") or last.headers.get("content-length", "")),
        shapes.digest(first.headers.get("x-linked-etag", "").strip('"')) or _digest(last.headers),
        shapes.commit(first.headers.get("x-repo-commit")),
        last.url if first.status in _PERMANENT and "location" in first.headers else "",
    )


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else None


def _digest(headers: Mapping[str, str]) -> str | None:
    """A SHA-256 of the representation."""
    for name in ("repr-digest", "content-digest"):
        if said := _RFC9530.search(headers.get(name, "")):
            try:
                raw = base64.b64decode(said[1], validate=True)
            except binascii.Error:
                continue
            if len(raw) == hashlib.sha256().digest_size:
                return raw.hex()
    return None
