"""Signed galleries for tests: built from a real registry, signed with real keys, served over real http."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import building, canonical
from galleryctl.signing import keyset, online, publication
from galleryctl.signing.places import Folder
from galleryctl.signing.trust import Trust
from servers import Answer, Asked, Served, ranged, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Published(NamedTuple):
    """A gallery as it is published."""

    site: Path
    keys: Path
    root: Path
    """The first root, which a client starts from."""

    @property
    def trust(self) -> Trust:
        return Trust.read(self.keys / "trust")

    def sign(self, now: dt.datetime | None = None, *, earlier: Path | None = None) -> publication.Signed:
        """Sign the tree as it is, without building it again."""
        trust = self.trust
        signer = online.from_folder(self.keys, trust)
        before = Folder(earlier) if earlier else None
        return publication.sign(self.site, trust, signer, now=now or dt.datetime.now(dt.UTC), earlier=before)


def publish(registry: Path, site: Path, keys: Path, *, now: dt.datetime | None = None, **wanted: object) -> Published:
    """Build a registry into `site` and sign it; `keys` are made where there are none. Call it again after a change.

    `now` is the real time unless given: clients judge by theirs. `wanted` are further fields of `building.Wanted`.
    """
    now = now or dt.datetime.now(dt.UTC)
    if not keys.exists():
        keyset.create(keys, now)
    done = building.build(building.Wanted(registry, site, now=now, **wanted))  # type: ignore[arg-type]
    assert done.errors == ()
    published = Published(site, keys, keys / "trust" / "1.root.json")
    published.sign(now)
    return published


@contextmanager
def serve(site: Path) -> Iterator[Served]:
    """The folder as a plain host has it, as it is at each request: ranges, validators, no redirects."""

    def answer(asked: Asked) -> Answer:
        path = site / asked.path.partition("?")[0].lstrip("/")
        if not path.is_file():
            return Answer(404)
        data = path.read_bytes()
        tag = f'"{canonical.digest(data)[:32]}"'
        if asked.headers.get("if-none-match") == tag:
            return Answer(304, b"", {"ETag": tag})
        return ranged(asked, data, {"ETag": tag})

    with serving(answer) as served:
        yield served
