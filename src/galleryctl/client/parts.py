"""A file that is not whole yet: written in any order, hashed from its start while it is written, resumed after a kill.

* It lies in a folder of its own under a name made of its digest, and gets its own name once it was verified.
* Beside it a journal says which bytes are there. It is written after they are on the disk, so it never says too much;
  what came since the last time is fetched again.
* A lock keeps other processes out, and goes with the process that holds it.
* The digest is of what is read back, never of what was meant to be written.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from galleryctl.client import journals
from galleryctl.client.errors import PullError
from galleryctl.client.spans import Span, Spans

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_BLOCK = 2**22
_POLL = 0.1  # seconds between two looks whether another process is done
BEFORE = "before"
"""The giver of what an earlier pull fetched."""
_OLD = 30 * 24 * 3600.0  # seconds after which an unfinished file is given up
_JOURNAL = 2**20  # bytes of a journal: one of more is none of ours
_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your share of the disk is used up",
    errno.EFBIG: "files may not be so large here",
}
_sync = getattr(os, "fdatasync", os.fsync)


class StoppedError(Exception):
    """Somebody asked to stop."""


class Part:
    """One file on its way. `size` may be none until the source tells it. Threads may write at the same time."""

    def __init__(self, work: Path, key: str, size: int | None, stop: threading.Event) -> None:
        self.path = work / f"{key}.part"
        self.size = size
        self.origins: dict[str, str] = {}
        """Validators of what was fetched from, by source."""
        self.givers: set[str] = set()
        """Sources of what is there."""
        self._recorded = size
        self._journal = work / f"{key}.json"
        self._stop = stop
        self._changed = threading.Condition()
        self._spans = Spans()
        self._saved = time.monotonic()
        self._descriptor = -1
        self._behind: _Behind | None = None
        self._writing = 0
        self._done = False

    def acquire(self, ready: Callable[[], bool], waiting: Callable[[], None]) -> bool:
        """Lock the file and read what is there; false where another process finished it, as `ready` says."""
        told = False
        while True:
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise PullError(f"{self.path}: cannot be written: {error.strerror}") from error
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.lstat(self.path).st_ino == os.fstat(descriptor).st_ino:
                    if ready():
                        self.path.unlink()
                        self._journal.unlink(missing_ok=True)
                        os.close(descriptor)
                        return False
                    self._descriptor = descriptor
                    self._load(os.fstat(descriptor).st_size)
                    return True
            except (BlockingIOError, FileNotFoundError):  # in use; or renamed between two lines
                pass
            except OSError as error:
                os.close(descriptor)
                raise PullError(f"{self.path}: this file system knows no locks: {error.strerror}") from error
            os.close(descriptor)
            if not told:
                told = True
                waiting()
            if self._stop.wait(_POLL):
                raise StoppedError

    def peek(self) -> int:
        """Bytes that can be resumed, without the lock."""
        try:
            self._load(self.path.lstat().st_size)
        except OSError:
            return 0
        return self._spans.bytes

    def _load(self, there: int) -> None:
        try:
            said = json.loads(journals.read(self._journal, _JOURNAL))
            size = said["size"]
            if not (size is None or (type(size) is int and size >= 0)):
                return
            if self.size is not None and size is not None and size != self.size:
                return
            done = ((int(start), min(int(stop), there)) for start, stop in said["done"])
            self._spans = Spans((start, stop) for start, stop in done if 0 <= start < stop)
            self.origins = {str(source): str(validator) for source, validator in said["origins"].items()}
            self.size = size if self.size is None else self.size
            self.givers = {BEFORE} if self._spans.bytes else set()
        except (OSError, ArithmeticError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self._spans = Spans()

    @property
    def have(self) -> int:
        """Bytes that are there."""
        with self._changed:
            return self._spans.bytes

    @property
    def frontier(self) -> int:
        with self._changed:
            return self._spans.frontier

    @property
    def whole(self) -> bool:
        with self._changed:
            return self.size is not None and self._spans.frontier >= self.size

    def missing(self) -> list[Span]:
        """What is not there. Without a size, everything behind the frontier, as far as a file can reach."""
        with self._changed:
            if self.size is None:
                return [Span(self._spans.frontier, 2**62)]
            return list(self._spans.missing(self.size))

    def write(self, at: int, data: bytes) -> None:
        view, offset = memoryview(data), at
        with self._changed:
            if self._descriptor < 0:
                raise StoppedError
            self._writing += 1
        try:
            while view:
                written = os.pwrite(self._descriptor, view, offset)
                view, offset = view[written:], offset + written
        except OSError as error:
            why = _FULL.get(error.errno or 0, error.strerror)
            raise PullError(
                f"{self.path.parent}: {why}; what came so far stays there, and the next pull goes on from it"
            ) from error
        finally:
            with self._changed:
                self._writing -= 1
                self._spans.add(at, offset)
                self._changed.notify_all()

    def measured(self, size: int) -> None:
        """Take a size that a source told, or that the end of its answer did."""
        with self._changed:
            self.size = size
            self._changed.notify_all()

    def save(self, every: float = 0.0) -> None:
        """Write down what is there, once it is on the disk; not again within `every` seconds."""
        if time.monotonic() - self._saved < every or self._descriptor < 0 or self._done:
            return
        with self._changed:
            done = [list(span) for span in self._spans]
        said = {"size": self.size, "origins": self.origins, "done": done}
        fresh = self._journal.with_suffix(".new")
        with suppress(OSError):  # a full disk: then less of it is resumed
            _sync(self._descriptor)
            fresh.write_text(json.dumps(said), encoding="utf-8")
            fresh.replace(self._journal)
        self._saved = time.monotonic()

    def reset(self) -> None:
        """Forget all that is there. Nobody else may be writing."""
        hashing = self._behind is not None
        self._halt()
        self._journal.unlink(missing_ok=True)
        with self._changed:
            self._spans = Spans()
            self.origins = {}
            self.givers = set()
            self.size = self._recorded
            os.ftruncate(self._descriptor, 0)
        if hashing:
            self.hash()

    def hash(self) -> None:
        """Start to hash what is there and what comes, in a thread of its own."""
        if self._behind is None:
            self._behind = _Behind(self)
            self._behind.start()

    def digest(self) -> str:
        """SHA-256 of the whole file, once it is there."""
        self.hash()
        behind = self._behind
        assert behind is not None  # noqa: S101 - made on the line above
        while behind.is_alive():
            behind.join(_POLL)
            if self._stop.is_set():
                raise StoppedError
        if behind.error is not None:
            raise PullError(f"{self.path}: cannot be read back: {behind.error}") from behind.error
        return behind.counted.hexdigest()

    def finish(self, place: Path) -> os.stat_result:
        """Give the file its name, once all of it is on the disk."""
        try:
            if self.size is not None:
                os.ftruncate(self._descriptor, self.size)
            os.fchmod(self._descriptor, 0o644)
            os.fsync(self._descriptor)
            place.parent.mkdir(parents=True, exist_ok=True)
            self.path.replace(place)
            self._done = True
            found = os.fstat(self._descriptor)
            for folder in {place.parent, self.path.parent}:
                _sync_folder(folder)
        except OSError as error:
            raise PullError(f"{place}: cannot be written: {error.strerror}") from error
        self._journal.unlink(missing_ok=True)
        return found

    def close(self) -> None:
        """Let go of the file; what is not whole stays for the next time."""
        self._halt()
        with self._changed:
            descriptor, self._descriptor = self._descriptor, -1
            while self._writing:
                self._changed.wait()
        if descriptor >= 0:
            if not self.have and not self._done:
                self.path.unlink(missing_ok=True)
            os.close(descriptor)

    def _halt(self) -> None:
        behind, self._behind = self._behind, None
        if behind is not None:
            with self._changed:
                behind.ended = True
                self._changed.notify_all()
            behind.join()

    def reach(self, at: int, behind: _Behind) -> int:
        """Wait until a block can be read from here, or what is left of the file; 0 where nothing will come."""
        with self._changed:
            while not behind.ended:
                frontier = self._spans.frontier
                if frontier - at >= _BLOCK:
                    return min(frontier - at, _BLOCK)
                if self.size is not None and frontier >= self.size:
                    return self.size - at
                self._changed.wait()
        return 0

    def read(self, buffer: memoryview, at: int) -> int:
        return os.preadv(self._descriptor, [buffer], at)


class _Behind(threading.Thread):
    """Reads a file from its start as it grows, and hashes it: none of the writers waits for that."""

    def __init__(self, part: Part) -> None:
        super().__init__(name="hash", daemon=True)
        self.counted = hashlib.sha256()
        self.ended = False
        self.error: OSError | None = None
        self._part = part

    def run(self) -> None:
        buffer, at = memoryview(bytearray(_BLOCK)), 0
        try:
            while wanted := self._part.reach(at, self):
                found = self._part.read(buffer[:wanted], at)
                if not found:
                    self.error = OSError(errno.EIO, "it is shorter than what was written")
                    return
                self.counted.update(buffer[:found])
                at += found
        except OSError as error:
            self.error = error


def prune(work: Path, now: float) -> None:
    """Take away what nobody went on with for a month: its file was replaced, or is not wanted any more."""
    for path in work.glob("*.part"):
        with suppress(OSError):
            if now - path.lstat().st_mtime < _OLD:
                continue
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                path.with_suffix(".json").unlink(missing_ok=True)
            finally:
                os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:  # some network file systems know no such thing
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.EBADF}:
            raise
    finally:
        os.close(descriptor)


def key(sha256: str | None, identity: Any) -> str:  # noqa: ANN401 - whatever json can say
    """Name of a part: by its digest, else by what it is meant to be."""
    return sha256 or f"u-{hashlib.sha256(json.dumps(identity).encode()).hexdigest()}"
