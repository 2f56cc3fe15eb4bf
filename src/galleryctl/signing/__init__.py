"""The publisher's side of trust: what a tree is signed with, and whether a published one verifies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from galleryctl import index

if TYPE_CHECKING:
    from pathlib import Path

    from galleryctl.fetch import Fetcher
    from galleryctl.signing.places import Place
    from galleryctl.spec.published import Catalog

_MOST = 2**29
"""Bytes of a document that is read without knowing its length."""


@dataclass(frozen=True)
class Published:
    """A gallery as it was published last, verified but for its age: what a build goes on from (`index.Published`)."""

    head_bytes: bytes = field(repr=False)
    head: Catalog = field(repr=False)
    place: Place
    signed: bool
    """Whether anybody vouched for it."""

    def read(self, path: str) -> bytes | None:
        """A file with a digest in its name, checked against it; none where it is gone or has other bytes."""
        if index.named(path) is None:
            return None
        return index.checked(path, self.place.read(path, _MOST))


def published(where: str, trust: Path, fetcher: Fetcher) -> Published | None:
    """The gallery at a folder or an address, verified with a trust folder; none where there never was one.

    One that was never signed, and says so, is taken as it is: the first signed publication goes on from there, and its
    contents come from git. Raises `SignatureError` for what does not verify, `FetchError` where an address is silent.
    """
    from galleryctl.signing import places, state, tree  # noqa: PLC0415 - on use: building without trust needs no TUF
    from galleryctl.signing.trust import Trust  # noqa: PLC0415 - on use

    place = places.place(where, fetcher)
    found = state.read(place, Trust.read(trust))
    if found is None:
        state.refuse_hidden(place)
        head = tree.unsigned(place)
    elif (head := state.head(place, found)) is None:
        raise state.headless(place)
    return Published(head.data, head.catalog, place, found is not None) if head else None
