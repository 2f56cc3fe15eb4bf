"""What was found in files of commits, kept for the next run: a commit never changes, and scanning it costs requests.

One SQLite file in the git directory. It can be deleted at any time; where it cannot be used, everything is asked anew.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from galleryctl import resources
from galleryctl.checks.observed import Scan

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "sources-1.sqlite"
_MOST = 100_000


@dataclass(frozen=True)
class Kept:
    """The file, or nothing without a folder. Answers hold for one version of the program and of the scanner."""

    folder: Path | None = None

    def get(self, name: str) -> Scan | None:
        if self.folder is None or not (self.folder / _NAME).exists():
            return None
        with suppress(sqlite3.Error, ValueError, TypeError), closing(self._open(self.folder)) as base:
            found = base.execute("SELECT value FROM answer WHERE name = ?", (_keyed(name),)).fetchone()
            if found is not None:
                return Scan(tuple(json.loads(found[0])))
        return None

    def put(self, name: str, scan: Scan) -> None:
        if self.folder is None:
            return
        with suppress(sqlite3.Error, OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with closing(self._open(self.folder)) as base, base:
                base.execute("CREATE TABLE IF NOT EXISTS answer (name TEXT PRIMARY KEY, value TEXT)")
                base.execute("INSERT OR REPLACE INTO answer VALUES (?, ?)", (_keyed(name), json.dumps(scan.findings)))
                base.execute("DELETE FROM answer WHERE rowid <= (SELECT max(rowid) FROM answer) - ?", (_MOST,))

    def _open(self, folder: Path) -> sqlite3.Connection:
        return sqlite3.connect(folder / _NAME, timeout=30)


def _keyed(name: str) -> str:
    return f"{resources.program()} {version('picklescan')} {name}"
