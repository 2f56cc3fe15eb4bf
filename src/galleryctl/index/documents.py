"""The documents that list models, joined from the canonical parts that the entries keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from galleryctl import canonical, layout
from galleryctl.spec.base import version_key
from galleryctl.spec.published import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from galleryctl.audience import View
    from galleryctl.gallery import Entry, Outline
    from galleryctl.spec import Tombstone


@dataclass(frozen=True)
class Part:
    """One document that the head names: its stable path, its bytes by digest and length, how many models it has."""

    path: str
    sha256: str
    length: int
    count: int | None
    data: bytes
    models: Mapping[str, bytes] = field(default_factory=dict)
    """Canonical value by id, in a document that has deltas."""
    frame: Mapping[str, bytes] = field(default_factory=dict)
    """Its other members."""

    @property
    def address(self) -> str:
        """The immutable path."""
        return layout.addressed(self.path, self.sha256)


def part(path: str, data: bytes, count: int | None = None) -> Part:
    return Part(path, canonical.digest(data), len(data), count, data)


def types(name: str, entries: tuple[Entry, ...]) -> Part:
    """Every listed model of one type."""
    frame = {"schema": canonical.dumps(SCHEMA), "type": canonical.dumps(name)}
    return _listing(layout.type_document(name), {entry.id: entry.listing for entry in entries}, frame, len(entries))


def directory(view: View) -> Part:
    """Every id."""
    stones = view.tombstones
    removed = {
        identifier: {"since": stone.since.isoformat(), "reason": stone.reason}
        | ({"successor": stone.successor} if stone.successor else {})
        | ({"releases": sorted(set(stone.releases), key=version_key)} if stone.releases else {})
        for identifier, stone in stones.items()
        if stone.whole
    }
    frame = {
        "aliases": canonical.dumps(dict(view.gallery.aliases)),
        "removed": canonical.dumps(removed),
        "schema": canonical.dumps(SCHEMA),
    }
    models = {entry.id: _row(entry.outline, stones.get(entry.id)) for entry in view.gallery}
    return _listing(layout.DIRECTORY, models, frame, None)


def _listing(path: str, models: Mapping[str, bytes], frame: Mapping[str, bytes], count: int | None) -> Part:
    data = canonical.join([("models", canonical.join(models.items())), *frame.items()])
    return Part(path, canonical.digest(data), len(data), count, data, models, frame)


def _row(outline: Outline, stone: Tombstone | None) -> bytes:
    versions: Iterable[str] = reversed(outline.releases)
    if stone is not None:  # of some releases: they stay taken
        versions = sorted({*outline.releases, *stone.releases}, key=version_key)
    shown = b"" if outline.visibility == "public" else b',"visibility":"%s"' % outline.visibility.encode()
    return b'{"length":%d,"releases":[%s],"sha256":"%s","type":%s%s}' % (
        outline.length,
        ",".join(f'"{version}"' for version in versions).encode(),
        outline.sha256.encode(),
        canonical.dumps(outline.type),
        shown,
    )
