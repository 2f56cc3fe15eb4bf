"""Which files of a folder were verified: a digest for each, as long as its size and its time of change stay the same.

Reading a hundred gigabytes again takes minutes; looking at the times of a few files takes none. Who wants it reads them
again all the same: bytes that rot on a disk change no time.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from galleryctl.client import journals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME = "verified.json"
_MOST = 64 * 2**20
_BLOCK = 2**20


class Verified:
    """The journal of one folder. Threads and processes may use it at the same time."""

    def __init__(self, work: Path) -> None:
        self._path = work / _NAME
        self._lock = work / "lock"
        self._known = self._read()

    def holds(self, name: str, status: os.stat_result, sha256: str) -> bool:
        """Whether this very file, as it is, was verified to have this digest."""
        return self._known.get(name) == _row(status, sha256)

    def add(self, name: str, status: os.stat_result, sha256: str) -> None:
        """Remember it; what cannot be written is forgotten, and read again next time."""
        if not self._path.parent.is_dir():
            return
        with suppress(OSError), self._locked():
            self._known = {**self._read(), name: _row(status, sha256)}
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps(self._known, indent=1, sort_keys=True), encoding="utf-8")
            fresh.replace(self._path)

    def _read(self) -> dict[str, list[object]]:
        try:
            found = json.loads(journals.read(self._path, _MOST))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _row(status: os.stat_result, sha256: str) -> list[object]:
    """With the time that nobody can choose: a journal that came along with a folder does not speak for its files."""
    return [status.st_size, status.st_mtime_ns, sha256, status.st_ctime_ns]


def look(place: Path) -> os.stat_result | None:
    """What stands at a place; none where there is no file."""
    try:
        found = os.lstat(place)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def digest(place: Path) -> str | None:
    """SHA-256 of a file; none where it cannot be read."""
    counted, buffer = hashlib.sha256(), memoryview(bytearray(_BLOCK))
    try:
        with place.open("rb", buffering=0) as file:
            while count := file.readinto(buffer):
                counted.update(buffer[:count])
    except OSError:
        return None
    return counted.hexdigest()
