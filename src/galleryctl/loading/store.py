"""What was made of each model folder, kept so that an unchanged folder is not parsed again.

One SQLite file in the git directory, keyed by everything the result depends on: the blob ids of the folder, the
program, the schemas and settings, the provenance and the day. Of commits that others were compared with it also has the
keys of their folders and the problems of the whole, and of each registry the history as it was read last. It can be
deleted at any time; a damaged one is.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from galleryctl.git import Commit, Past

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_NAME = "definitions-3.sqlite"
_SELECT = "SELECT key, outline, wire, listing, cards, problems FROM folder"
_SHAPE = (
    "PRAGMA page_size = 32768",  # a row takes one page, not five; of a new file only
    "CREATE TABLE IF NOT EXISTS folder (key TEXT PRIMARY KEY, outline, wire, listing, cards, problems)",
    "CREATE TABLE IF NOT EXISTS snapshot (key TEXT PRIMARY KEY, keys BLOB, problems BLOB)",
    "CREATE TABLE IF NOT EXISTS listing (name TEXT PRIMARY KEY, value BLOB)",
    "CREATE TABLE IF NOT EXISTS history (folder TEXT PRIMARY KEY, tip TEXT, value TEXT)",
)
_FEW = 1_000  # so many are looked up one by one; for more, all are read
_SNAPSHOTS = 4  # the base goes on with every merge
_SPARE = 3  # times as many rows as one run uses: a pull request reads two trees, and somebody may switch back


class Row(NamedTuple):
    """One folder: the JSON of its outline and problems, its published bytes, its cards. No outline means no entry."""

    outline: bytes
    wire: bytes
    listing: bytes
    cards: bytes
    problems: bytes


class Snapshot(NamedTuple):
    """A commit as it was found: the keys of its model folders by path, and the JSON of all its problems."""

    keys: Mapping[str, str]
    problems: bytes


class Store:
    """The file, or nothing where there is no place for it."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / _NAME if folder else None

    def get(self, keys: Iterable[str]) -> dict[str, Row]:
        """The rows known by these keys."""
        if self._path is None or not self._path.exists():
            return {}
        wanted = set(keys)
        try:
            with closing(sqlite3.connect(self._path)) as base:
                base.execute("PRAGMA mmap_size = 4294967296")
                if len(wanted) > _FEW:
                    found = base.execute(_SELECT)
                    return {key: Row(*rest) for key, *rest in found if key in wanted}
                each = (base.execute(f"{_SELECT} WHERE key = ?", (key,)).fetchone() for key in wanted)
                return {found[0]: Row(*found[1:]) for found in each if found}
        except sqlite3.Error:
            self.discard()
            return {}

    def put(self, rows: Mapping[str, Row], used: Iterable[str]) -> None:
        """Keep new rows; forget those this run does not use when they are many. What cannot be kept is made again."""
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path)) as base, base:
                _shape(base)
                self._put(base, rows, used)
        except (sqlite3.Error, OSError):
            self.discard()

    def _put(self, base: sqlite3.Connection, rows: Mapping[str, Row], used: Iterable[str]) -> None:
        base.execute("PRAGMA synchronous = OFF")
        base.executemany(
            "INSERT OR REPLACE INTO folder VALUES (?, ?, ?, ?, ?, ?)", ((key, *row) for key, row in rows.items())
        )
        wanted = {*used, *rows}
        (count,) = base.execute("SELECT count(*) FROM folder").fetchone()
        if count > _SPARE * max(len(wanted), 1):
            known = [key for (key,) in base.execute("SELECT key FROM folder")]
            base.executemany("DELETE FROM folder WHERE key = ?", ((key,) for key in known if key not in wanted))

    def snapshot(self, key: str) -> Snapshot | None:
        """What was found in a commit before."""
        if self._path is None or not self._path.exists():
            return None
        try:
            with closing(sqlite3.connect(self._path)) as base:
                found = base.execute("SELECT keys, problems FROM snapshot WHERE key = ?", (key,)).fetchone()
            return Snapshot(dict(json.loads(found[0])), found[1]) if found else None
        except (sqlite3.Error, ValueError, TypeError):  # no table yet, or damaged: then it is made again
            return None

    def keep(self, key: str, snapshot: Snapshot) -> None:
        """Keep what was found in a commit; the oldest are forgotten."""
        values = (key, json.dumps(dict(snapshot.keys)), snapshot.problems)
        self._write(
            ("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?)", values),
            (
                "DELETE FROM snapshot WHERE rowid NOT IN (SELECT rowid FROM snapshot ORDER BY rowid DESC LIMIT ?)",
                (_SNAPSHOTS,),
            ),
        )

    def listing(self, name: str) -> bytes | None:
        """What git said lies in a commit."""
        if self._path is None or not self._path.exists():
            return None
        try:
            with closing(sqlite3.connect(self._path)) as base:
                found = base.execute("SELECT value FROM listing WHERE name = ?", (name,)).fetchone()
        except sqlite3.Error:  # no table yet, or damaged
            return None
        return found[0] if found and isinstance(found[0], bytes) else None

    def keep_listing(self, name: str, value: bytes) -> None:
        """Keep it; the oldest are forgotten."""
        self._write(
            ("INSERT OR REPLACE INTO listing VALUES (?, ?)", (name, value)),
            (
                "DELETE FROM listing WHERE rowid NOT IN (SELECT rowid FROM listing ORDER BY rowid DESC LIMIT ?)",
                (_SNAPSHOTS,),
            ),
        )

    def _write(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path)) as base, base:
                _shape(base)
                for statement, values in statements:
                    base.execute(statement, values)
        except (sqlite3.Error, OSError):
            self.discard()

    def past(self, folder: str) -> Past | None:
        """The history of a registry's folder, as it was when it was read last."""
        if self._path is None or not self._path.exists():
            return None
        try:
            with closing(sqlite3.connect(self._path)) as base:
                found = base.execute("SELECT tip, value FROM history WHERE folder = ?", (folder,)).fetchone()
            if found is None:
                return None
            value = json.loads(found[1])
            commits = [Commit(each, who, datetime.fromtimestamp(when, UTC)) for each, who, when in value["commits"]]
            paths = {path: tuple(commits[index] for index in indices) for path, indices in value["paths"].items()}
            return Past(found[0], paths)
        except (sqlite3.Error, ValueError, TypeError, KeyError, IndexError):  # no table yet, or damaged
            return None

    def remember(self, folder: str, past: Past) -> None:
        """Keep a history for the next run."""
        numbers: dict[str, int] = {}
        commits: list[tuple[str, str, int]] = []
        for commit in chain.from_iterable(past.commits.values()):
            if commit.id not in numbers:
                numbers[commit.id] = len(commits)
                commits.append((commit.id, commit.author, int(commit.when.timestamp())))
        paths = {path: [numbers[commit.id] for commit in found] for path, found in past.commits.items()}
        value = json.dumps({"commits": commits, "paths": paths})
        self._write(
            ("INSERT OR REPLACE INTO history VALUES (?, ?, ?)", (folder, past.tip, value)),
        )

    def discard(self) -> None:
        """Throw the file away; what was kept is made again."""
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


def _shape(base: sqlite3.Connection) -> None:
    for statement in _SHAPE:
        base.execute(statement)
