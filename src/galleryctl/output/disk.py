"""Files and folders on the disk: a place to work in alone, and the few ways a file comes to be."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import stat
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from galleryctl.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

WORK = ".galleryctl-work"
JOURNAL = "journal.json"
"""In a workshop: what must be undone if the run does not end. While it is there the workshop stays."""

_PATIENCE = 10.0  # seconds for the children of a run that was killed to notice it


@contextmanager
def workshop(out: Path, mend: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """An empty folder on the file system of `out`, locked for this run and gone after it.

    A child inherits the lock, so nobody gets it while one is still writing. `mend` is shown what a run that was killed
    left in it, before that goes.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = workplace(out)
        lock = _locked(work, out)
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror}: {error.filename}") from error
    try:
        if mend:
            mend(work)
        for leftover in work.iterdir():
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
        yield work
    finally:
        if not (work / JOURNAL).exists():
            shutil.rmtree(work, ignore_errors=True)
        os.close(lock)


def workplace(out: Path) -> Path:
    """Where the workshop of a folder is: beside it, or inside where that is another file system or not ours."""
    beside = not out.exists() or (out.stat().st_dev == out.parent.stat().st_dev and os.access(out.parent, os.W_OK))
    return out.parent / f".{out.name}{WORK}" if beside else out / WORK


def _locked(work: Path, out: Path) -> int:
    end = time.monotonic() + _PATIENCE
    while True:
        with suppress(FileExistsError):
            work.mkdir()
        try:
            lock = os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        except NotADirectoryError:  # a link in a repository of strangers would have another folder emptied
            raise OutputError(f"{work} is in the way: it is no folder; remove it") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if work.lstat().st_ino == os.fstat(lock).st_ino:
                return lock
        except FileNotFoundError:  # the run before ours removed it on its way out
            pass
        except BlockingIOError:
            if time.monotonic() > end:
                os.close(lock)
                raise OutputError(f"another run is writing {out}: wait for it to end") from None
            time.sleep(0.05)
        os.close(lock)


def size(path: str) -> int | None:
    """Length of a regular file; none where there is no such."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def create(path: str, data: bytes, *, sync: bool = False) -> None:
    """Write a file that is not there yet, and the folders it needs."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - texts: there are thirty thousand of them
        descriptor = os.open(path, flags, 0o666)
    try:
        written = os.write(descriptor, data)
        while written < len(data):  # one call writes 2 GiB at most
            written += os.write(descriptor, data[written:])
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def link(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
    try:
        os.link(source, target)
    except OSError:  # the file system has no links, or too many of this file
        shutil.copyfile(source, target)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the end. Other threads than the main one are never interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []

    def wait(number: int, _frame: FrameType | None) -> None:
        waiting.append(number)

    handler = signal.signal(signal.SIGINT, wait)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if waiting:
            signal.raise_signal(signal.SIGINT)
