"""A shelf in memory: entries with the bytes they are published with, and a count of what was asked."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

from galleryctl.gallery import Entry, Gallery
from galleryctl.spec.base import version_key
from galleryctl.spec.published import DirectoryEntry, Removed, Revocation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from galleryctl.client.shelf import Shelf

TODAY = dt.date(2026, 11, 21)


class MemoryShelf:
    """What `Gallery` is to the rules of resolving. `online` false: nothing more can be fetched."""

    url = "https://gallery.example/"

    def __init__(
        self,
        *entries: Entry,
        revoked: Sequence[Mapping[str, Any]] = (),
        removed: Mapping[str, Mapping[str, Any]] | None = None,
        gone: Mapping[str, Sequence[str]] | None = None,
        today: dt.date = TODAY,
        synced: Collection[str] | None = None,
        documents: Mapping[str, bytes] | None = None,
    ) -> None:
        self.today = today
        self.calls: Counter[str] = Counter()
        self._gallery = Gallery.of(entries)
        self._listed = {entry.id: entry for entry in self._gallery.at(today).shown()}
        self._synced = synced
        self._revoked = [Revocation.model_validate(each) for each in revoked]
        self._removed = {key: Removed.model_validate(value) for key, value in (removed or {}).items()}
        self._gone = gone or {}
        self._documents = {entry.id: entry.wire for entry in entries} | dict(documents or {})

    def listing(self, identifier: str) -> tuple[str, bytes] | None:
        self.calls["listing"] += 1
        entry = self._listed.get(identifier)
        if entry is None or (self._synced is not None and entry.outline.type not in self._synced):
            return None
        return entry.outline.type, entry.listing

    def revocations(self, identifier: str) -> Sequence[Revocation]:
        return [each for each in self._revoked if each.id == identifier]

    def revoking(self, digests: Collection[str]) -> Sequence[Revocation]:
        return [each for each in self._revoked if not set(each.files).isdisjoint(digests)]

    def entry(self, identifier: str) -> DirectoryEntry | None:
        self.calls["directory"] += 1
        found = self._gallery.by_id.get(identifier)
        if found is None:
            return None
        versions = sorted({*found.outline.releases, *self._gone.get(identifier, ())}, key=version_key)
        outline = found.outline
        return DirectoryEntry(type=outline.type, sha256=outline.sha256, length=outline.length, releases=tuple(versions))

    def document(self, identifier: str) -> bytes | None:
        self.calls["document"] += 1
        return self._documents.get(identifier)

    def alias(self, identifier: str) -> str | None:
        self.calls["directory"] += 1
        return self._gallery.aliases.get(identifier)

    def removed(self, identifier: str) -> Removed | None:
        self.calls["directory"] += 1
        return self._removed.get(identifier)

    def ids(self) -> Iterable[str]:
        return [*self._gallery.by_id, *self._gallery.aliases]


def satisfied() -> type[Shelf]:
    """For the type checker: it is one."""
    return MemoryShelf
