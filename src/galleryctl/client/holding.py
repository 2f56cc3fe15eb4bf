"""One verified state of a gallery, as resolving reads it: the port `Shelf` over the cache.

* All answers are of one head: where somebody stores a newer one in between, `MovedError` says so, and who asked starts
  again.
* Revocations are those of the state, and the newest ones that were ever verified here: whatever became of the rest.
"""

from __future__ import annotations

import datetime as dt
import json
from itertools import chain
from typing import TYPE_CHECKING, Any

from galleryctl import layout
from galleryctl.client import documents, finding, heads, syncing
from galleryctl.client.errors import DamagedError, RefusedError
from galleryctl.spec.published import DirectoryEntry, Removed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from galleryctl.client.cache import Base, Cache
    from galleryctl.client.results import Resolved
    from galleryctl.spec.published import Catalog, Revocation

    Fetch = Callable[[str, str, int], bytes]

_DIRECTORY = "directory"
_DOCUMENT = "documents"


class Holding:
    """A state by its number. `fetch` gives a document by path, digest and length, verified."""

    def __init__(self, cache: Cache, base: Base, url: str, fetch: Fetch, now: Callable[[], dt.datetime]) -> None:
        if base.catalog is None:
            raise AssertionError("unreachable: nothing is held")
        self._cache = cache
        self._number = base.number
        self._fetch = fetch
        self._url = url
        self._now = now
        self.catalog: Catalog = heads.read(base.catalog)
        held = cache.documents()
        self.types = tuple(sorted(name.removeprefix("types/") for name in held if name.startswith("types/")))
        self._directory = held.get(_DIRECTORY)
        self._frame: dict[str, Any] | None = None
        revoked = held.get("revoked")
        self._revoked = syncing.revocations(revoked.frame).revoked if revoked is not None else ()
        newest = cache.newest()
        if newest is not None and (revoked is None or newest.revoked != revoked.frame):
            self._revoked += syncing.revocations(newest.revoked).revoked
        self.newest = newest[:2] if newest is not None else None

    @property
    def url(self) -> str:
        return self._url

    @property
    def today(self) -> dt.date:
        return self._now().astimezone(dt.UTC).date()

    @property
    def number(self) -> int:
        return self._number

    def listing(self, identifier: str) -> tuple[str, bytes] | None:
        for each in self.types:
            row = self._cache.row(f"types/{each}", identifier, self._number)
            if row is not None:
                return each, row
        return None

    def rows(self, kind: str) -> dict[str, bytes]:
        """All listings of a type by id."""
        return self._cache.rows(f"types/{kind}", self._number)

    def revocations(self, identifier: str) -> Sequence[Revocation]:
        return tuple(each for each in self._revoked if each.id == identifier)

    def revoking(self, digests: Collection[str]) -> Sequence[Revocation]:
        wanted = set(digests)
        return tuple(each for each in self._revoked if not wanted.isdisjoint(each.files))

    def permit(self, build: Resolved) -> None:
        """Raise `RefusedError` where a build was revoked since it was resolved."""
        digests = {file.sha256.lower() for file in build.files if file.sha256}
        hit = finding.revoked(self, build.id, build.version) or next(iter(self.revoking(digests)), None)
        if hit is not None:
            why = f": {hit.reason}" if hit.reason else ""
            raise RefusedError(f"{build.id} {build.version} was revoked since it was resolved{why}; resolve anew")

    def entry(self, identifier: str) -> DirectoryEntry | None:
        self._filled()
        row = self._cache.row(_DIRECTORY, identifier, self._number)
        return None if row is None else _entry(identifier, row)

    def document(self, identifier: str) -> bytes | None:
        entry = self.entry(identifier)
        if entry is None or not documents.identifier(identifier):
            return None
        found = self._cache.file(_DOCUMENT, identifier, entry.sha256)
        if found is None:
            path = layout.addressed(layout.model_document(identifier), entry.sha256)
            found = self._fetch(path, entry.sha256, entry.length)
            self._cache.add(_DOCUMENT, identifier, found)
        return found

    def alias(self, identifier: str) -> str | None:
        found = self._member("aliases").get(identifier)
        return found if documents.identifier(found) else None

    def removed(self, identifier: str) -> Removed | None:
        found = self._member("removed").get(identifier)
        return None if found is None else documents.model(Removed, found, f"directory: {identifier}")

    def ids(self) -> Iterator[str]:
        names = [f"types/{each}" for each in self.types]
        if self._directory is not None:
            names.append(_DIRECTORY)
        found = set(chain.from_iterable(self._cache.ids(name, self._number) for name in names))
        if self._directory is not None:
            found.update(filter(documents.identifier, self._member("aliases")))
        return iter(sorted(found))

    def _filled(self) -> None:
        """The directory is fetched when somebody first asks for what only it knows; from then on it is kept in step."""
        if self._directory is not None:
            return
        ref = self.catalog.directory
        data = self._fetch(layout.addressed(layout.DIRECTORY, ref.sha256), ref.sha256, ref.length)
        document = syncing.whole(_DIRECTORY, ref, data)
        self._cache.add_document(_DIRECTORY, document, self._number)
        self._directory = document

    def _member(self, name: str) -> dict[str, Any]:
        self._filled()
        if self._frame is None and self._directory is not None:
            self._frame = json.loads(self._directory.frame)
        found = (self._frame or {}).get(name, {})
        return found if isinstance(found, dict) else {}


def _entry(identifier: str, row: bytes) -> DirectoryEntry:
    entry = documents.model(DirectoryEntry, json.loads(row), f"directory: {identifier}")
    if not (documents.digest(entry.sha256) and entry.length > 0):
        raise DamagedError(f"directory: names the document of {identifier} in a way that leads nowhere")
    return entry
