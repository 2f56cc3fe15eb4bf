"""What models give to their runtimes, kept so that a model that did not change is not exported again.

One SQLite file, keyed by everything the result depends on: the published document, the cover, the program and the
runtimes. It can be deleted at any time; what is not found is made again. A process opens it for itself: connections do
not survive a fork.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

NAME = "exports-1.sqlite"
_SPARE = 3  # times as many rows as one run uses: other audiences and revisions are built in turn
_TABLES = """
CREATE TABLE IF NOT EXISTS told (key TEXT PRIMARY KEY, names TEXT, missing BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS made (path TEXT, key TEXT, data BLOB, PRIMARY KEY (path, key)) WITHOUT ROWID;
"""


class Kept(NamedTuple):
    """One model: the paths of its own files and of those it has a part in, what was left out (JSON), data by path."""

    names: tuple[tuple[str, ...], tuple[str, ...]]
    left: bytes
    data: Mapping[str, bytes]


class Store:
    """The file. Paths are those of published files; a model's part in a shared file lies under that file's path."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: tuple[int, sqlite3.Connection] | None = None

    def names(self, keys: Iterable[str]) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        """The paths of the models that are known, by key."""
        if not self._path.exists():
            return {}
        wanted = set(keys)
        seen: dict[str, tuple[str, ...]] = {}  # models of one kind have parts in the same files
        try:
            with closing(sqlite3.connect(self._path)) as base:
                found = {}
                for key, text in base.execute("SELECT key, names FROM told"):
                    if key in wanted:
                        own, _, shared = text.partition("\n")
                        parts = seen.setdefault(shared, tuple(shared.split("\t")) if shared else ())
                        found[key] = (tuple(own.split("\t")) if own else (), parts)
                return found
        except sqlite3.Error:
            self.discard()
            return {}

    def put(self, rows: Mapping[str, Kept]) -> None:
        """Keep what models gave. What cannot be kept is made again."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path)) as base, base:
                base.executescript(f"PRAGMA synchronous = OFF; {_TABLES}")
                base.executemany(
                    "INSERT OR REPLACE INTO told VALUES (?, ?, ?)",
                    ((key, "\n".join("\t".join(paths) for paths in row.names), row.left) for key, row in rows.items()),
                )
                base.executemany(
                    "INSERT OR REPLACE INTO made VALUES (?, ?, ?)",
                    ((path, key, data) for key, row in rows.items() for path, data in row.data.items()),
                )
        except (sqlite3.Error, OSError):
            self.discard()

    def forget(self, used: Iterable[str]) -> None:
        """Drop what no model of this run needs, once that is most of the file."""
        wanted = set(used)
        try:
            with closing(sqlite3.connect(self._path)) as base, base:
                known = {key for (key,) in base.execute("SELECT key FROM told")}
                if len(known) > _SPARE * max(len(wanted), 1):
                    gone = [(key,) for key in known - wanted]
                    base.executemany("DELETE FROM told WHERE key = ?", gone)
                    base.execute("DELETE FROM made WHERE key NOT IN (SELECT key FROM told)")
        except (sqlite3.Error, OSError):
            self.discard()

    def data(self, path: str, key: str) -> bytes | None:
        """A file of a model, or its part in a shared one; none where it is not known."""
        return self._one("SELECT data FROM made WHERE path = ? AND key = ?", path, key)

    def left(self, key: str) -> bytes | None:
        """What was left out of a model; none where it is not known."""
        return self._one("SELECT missing FROM told WHERE key = ?", key)

    def _one(self, query: str, *values: str) -> bytes | None:
        try:
            if self._open is None or self._open[0] != os.getpid():
                uri = f"{self._path.absolute().as_uri()}?mode=ro"
                self._open = (os.getpid(), sqlite3.connect(uri, uri=True, check_same_thread=False))
            row = self._open[1].execute(query, values).fetchone()
        except sqlite3.Error:
            return None
        found: bytes | None = row[0] if row else None
        return found

    def discard(self) -> None:
        """Throw the file away; what was kept is made again."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
