"""What models give to their runtimes, kept so that a model that did not change is not exported again.

One SQLite file, keyed by everything the result depends on: the published document, the cover, the program and the
runtimes. It can be deleted at any time; what is not found is made again. A process opens it for itself: connections do
not survive a fork.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

NAME = "exports-2.sqlite"
_SPARE = 3  # times as many rows as one run uses: other audiences and revisions are built in turn
_FAST = "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA cache_size = -16000;"
_UNFINISHED = 1
"""Stands in the file while it is written: no journal is, so what a crash leaves is thrown away."""
_TABLES = """
CREATE TABLE IF NOT EXISTS told (key TEXT PRIMARY KEY, names TEXT, missing BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS made (path TEXT, key TEXT, data BLOB, PRIMARY KEY (path, key));
"""
_DIGESTS = "CREATE TABLE IF NOT EXISTS whole (fingerprint TEXT PRIMARY KEY, sha256 TEXT, length INTEGER)"
_NOTED = 1000
"""Shared files whose digest is remembered: a build has some twenty, other audiences and revisions theirs."""


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
                found: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
                if base.execute("PRAGMA user_version").fetchone()[0] == _UNFINISHED:
                    return found
                for key, text in base.execute("SELECT key, names FROM told"):
                    if key in wanted:
                        own, _, shared = text.partition("\n")
                        parts = seen.setdefault(shared, tuple(shared.split("\t")) if shared else ())
                        found[key] = (tuple(own.split("\t")) if own else (), parts)
                return found
        except sqlite3.Error:
            self.discard()
            return {}

    @contextmanager
    def keeping(self) -> Iterator[Callable[[Mapping[str, Kept]], None]]:
        """A function that keeps what models gave; what cannot be kept is made again. One process keeps at a time."""
        base = self._writable()
        try:
            yield lambda rows: self._put(base, rows) if base else None
            if base:
                with suppress(sqlite3.Error):
                    base.execute("COMMIT")
                    base.execute("PRAGMA user_version = 0")
        finally:
            if base:
                base.close()

    def _writable(self) -> sqlite3.Connection | None:
        """The file, locked and marked as unfinished; none where another process has it, or nothing can be written."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._unfinished():
                self.discard()
            base = sqlite3.connect(self._path, isolation_level=None, timeout=0)
            base.executescript(f"{_FAST} {_TABLES} PRAGMA user_version = {_UNFINISHED}; BEGIN EXCLUSIVE")
        except (sqlite3.Error, OSError):
            return None
        return base

    def _unfinished(self) -> bool:
        """Whether a process died while it wrote, so that nothing in the file can be trusted."""
        if not self._path.exists():
            return False
        with closing(sqlite3.connect(self._path, timeout=0)) as base:
            base.execute("BEGIN EXCLUSIVE")  # refused while somebody writes
            found: int = base.execute("PRAGMA user_version").fetchone()[0]
            return found == _UNFINISHED

    def _put(self, base: sqlite3.Connection, rows: Mapping[str, Kept]) -> None:
        try:
            base.executemany(
                "INSERT OR REPLACE INTO told VALUES (?, ?, ?)",
                ((key, "\n".join("\t".join(paths) for paths in row.names), row.left) for key, row in rows.items()),
            )
            base.executemany(
                "INSERT OR REPLACE INTO made VALUES (?, ?, ?)",
                ((path, key, data) for key, row in rows.items() for path, data in row.data.items()),
            )
        except sqlite3.Error:  # the disk is full: the mark stays, and the file goes with the next run
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

    def digests(self, fingerprints: Iterable[str]) -> dict[str, tuple[str, int]]:
        """Digest and bytes of the shared files that were rendered before."""
        found = {}
        for fingerprint in fingerprints:
            row = self._row("SELECT sha256, length FROM whole WHERE fingerprint = ?", fingerprint)
            if row is not None:
                found[fingerprint] = (str(row[0]), int(row[1]))
        return found

    def note(self, digests: Mapping[str, tuple[str, int]]) -> None:
        """Remember them; what cannot be noted is rendered again."""
        if not digests:
            return
        with suppress(sqlite3.Error, OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path)) as base, base:
                base.execute(_DIGESTS)
                rows = [(fingerprint, *row) for fingerprint, row in digests.items()]
                base.executemany("INSERT OR REPLACE INTO whole VALUES (?, ?, ?)", rows)
                base.execute("DELETE FROM whole WHERE rowid <= (SELECT max(rowid) FROM whole) - ?", (_NOTED,))

    def data(self, path: str, key: str) -> bytes | None:
        """A file of a model, or its part in a shared one; none where it is not known."""
        return self._one("SELECT data FROM made WHERE path = ? AND key = ?", path, key)

    def left(self, key: str) -> bytes | None:
        """What was left out of a model; none where it is not known."""
        return self._one("SELECT missing FROM told WHERE key = ?", key)

    def _one(self, query: str, *values: str) -> bytes | None:
        row = self._row(query, *values)
        found: bytes | None = row[0] if row else None
        return found

    def _row(self, query: str, *values: str) -> tuple[Any, ...] | None:
        try:
            if self._open is None or self._open[0] != os.getpid():
                uri = f"{self._path.absolute().as_uri()}?mode=ro"
                self._open = (os.getpid(), sqlite3.connect(uri, uri=True, check_same_thread=False))
            row: tuple[Any, ...] | None = self._open[1].execute(query, values).fetchone()
        except sqlite3.Error:
            return None
        return row

    def discard(self) -> None:
        """Throw the file away; what was kept is made again."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
