"""The publisher's side of trust: what a tree is signed with, and whether a published one verifies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from galleryctl.fetch import Fetcher
    from galleryctl.signing.places import Place
    from galleryctl.spec.published import Catalog


@dataclass(frozen=True)
class Published:
    """A gallery as it was published last, verified but for its age: a build goes on from it."""

    data: bytes
    """The head."""
    catalog: Catalog
    """What it says."""
    place: Place

    def read(self, path: str, sha256: str, length: int) -> bytes:
        """A document that the head names, verified; raises `SignatureError`."""
        from galleryctl.signing import tree  # noqa: PLC0415 - on use: building without trust needs no TUF

        return tree.fetch(self.place, tree.Named(path, sha256, length))


def published(where: str, trust: Path, fetcher: Fetcher) -> Published | None:
    """The gallery at a folder or an address, verified with a trust folder; none where nothing was ever signed there.

    Raises `SignatureError` for what does not verify, `FetchError` where an address does not answer.
    """
    from galleryctl.signing import places, state  # noqa: PLC0415 - on use
    from galleryctl.signing.trust import Trust  # noqa: PLC0415 - on use

    place = places.place(where, fetcher)
    found = state.read(place, Trust.read(trust))
    if found is None:
        state.refuse_hidden(place)
        return None
    head = state.head(place, found)
    if head is None:
        raise state.headless(place)
    return Published(head.data, head.catalog, place)
