"""The one writer: files that change together, and only those that must.

What is stale is decided without rendering: a manifest in the folder holds, for each file, the fingerprint of what it
depends on, its SHA-256 and its length. Only files that the manifest lists are ever removed.

What holds when a run is stopped:

* The first build appears as a whole, by one rename; stopped before it, nothing is there.
* A later build renders beside the folder. Stopped by a signal, an exception or the death of the process while it
  renders, the folder is as it was, to the byte.
* Then the files are moved in one by one: first those named by their content, last the catalogue and the document that
  leads to it, so what a reader reaches from a catalogue is whole at any moment. Ctrl-C waits for this to end. A process
  that dies there leaves some files of each build; the manifest was marked before the first move, so the next run makes
  all of them again, and prunes what it does not want.
* A power failure may lose what the system had not written to the disk yet. A lost or shortened file is noticed by its
  length in the next run; only the manifest is forced to the disk.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import stat
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import layout, parallel
from galleryctl.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path
    from types import FrameType

MANIFEST = ".galleryctl-manifest.json"

_FORMAT = 1
_WORK = ".galleryctl-work"
_PATIENCE = 10.0  # seconds for the children of a run that was killed to notice it
_CHUNK = 64  # files a child renders before it reports
_BY_CONTENT = re.compile(r"[0-9a-f]{16}")
_LAST = (layout.CATALOG, layout.DISCOVERY)


@dataclass(frozen=True, slots=True)
class Output:
    """One published file. `depends_on` tells apart all that its bytes depend on; `render` is called only if it changed.

    `links` is the path of another output with the same bytes: the file becomes a link to that one, and is not rendered.
    """

    path: str
    depends_on: str
    render: Callable[[], bytes]
    links: str | None = None


@dataclass(frozen=True)
class Written:
    """What a run did: files with new bytes, the number of those left alone, files removed, bytes written."""

    new: tuple[str, ...]
    kept: int
    pruned: tuple[str, ...]
    bytes: int

    def __str__(self) -> str:
        parts = [f"{len(self.new):,} written"] if self.new else []
        parts += [f"{self.kept:,} unchanged"] if self.kept else []
        parts += [f"{len(self.pruned):,} removed"] if self.pruned else []
        return ", ".join(parts) or "nothing to do"


class _Row(NamedTuple):
    fingerprint: str  # empty while the file may be of either build
    sha256: str
    length: int


class _Staged(NamedTuple):
    name: str  # below the staging folder, empty where the file has these bytes already
    sha256: str
    length: int


def write(
    out: Path,
    outputs: Iterable[Output],
    *,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
    keep: Collection[str] = (),
    stamp: str = "",
) -> Written:
    """Make the folder hold these files, and of those it held before the ones in `keep`; see the module for what holds.

    `progress(done, total)` counts rendered files. `stamp` is noted for `unchanged`. OutputError: the folder holds what this program did not write, cannot
    be written, or another run is writing it.
    """
    out = out.resolve()
    wanted = _sorted(outputs)
    with _workshop(out) as work:
        before = _read(out)
        run = _Run(
            out, work / "staging", wanted, {} if before is None else before, fresh=before is None and work.parent != out
        )
        run.render(jobs, progress)
        run.link()
        return run.publish(frozenset(keep), stamp)


def unchanged(out: Path, stamp: str) -> Written | None:
    """What a run with this stamp would do where the last one had it and its files are all there: nothing. Else none."""
    if not (out / MANIFEST).is_file():
        return None
    if _stamp(out) != stamp:
        return None
    rows = _read(out) or {}
    if any(_size(f"{out}/{path}") != row.length for path, row in rows.items()):
        return None
    return Written((), len(rows), (), 0)


def replace(path: Path, text: str | bytes) -> bool:
    """Give one file these contents, atomically, permissions kept; false where it has them already."""
    data = text.encode() if isinstance(text, str) else text
    try:
        if path.is_file() and path.read_bytes() == data:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            _create(str(temporary), data, sync=True)
            if path.exists():
                shutil.copymode(path, temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    return True


class _Run:
    """One call of `write`, step by step."""

    def __init__(
        self, out: Path, staging: Path, wanted: Mapping[str, Output], before: Mapping[str, _Row], *, fresh: bool
    ) -> None:
        self._out = out
        self._staging = staging
        self._wanted = wanted
        self._before = before
        self._fresh = fresh
        self._after: dict[str, _Row] = {}
        self._moves: dict[str, str] = {}  # path → name below the staging folder
        staging.mkdir()

    def render(self, jobs: int, progress: Callable[[int, int], None] | None) -> None:
        """Render what is stale into the staging folder: as the tree to be where that is all, else numbered."""
        stale = []
        for output in self._wanted.values():
            row = self._before.get(output.path)
            if output.links is not None:
                continue
            if row and row.fingerprint == _fingerprint(output) and self._intact(row, output.path):
                self._after[output.path] = row
            else:
                stale.append(output)

        def work(start: int, stop: int) -> list[_Staged]:
            return [self._stage(stale[number], f"{start}/{number}") for number in range(start, stop)]

        done = 0
        for staged in parallel.map_chunks(work, len(stale), jobs, _CHUNK):
            for name, sha256, length in staged:
                output = stale[done]
                self._after[output.path] = _Row(_fingerprint(output), sha256, length)
                if name:
                    self._moves[output.path] = name
                done += 1
            if progress:
                progress(done, len(stale))

    def link(self) -> None:
        """Give outputs that are another's bytes a second name of the same file, or a copy where links do not work."""
        for number, output in enumerate(self._wanted.values()):
            if output.links is None:
                continue
            target = self._after[output.links]
            row = self._before.get(output.path)
            self._after[output.path] = target._replace(fingerprint=_fingerprint(output))
            if row and row.sha256 == target.sha256 and self._intact(row, output.path):
                continue
            name = self._moves[output.path] = output.path if self._fresh else f"links/{number}"
            moved = self._moves.get(output.links)
            source = f"{self._staging}/{moved}" if moved else f"{self._out}/{output.links}"
            _link(source, f"{self._staging}/{name}")

    def publish(self, keep: frozenset[str], stamp: str) -> Written:
        """Let the staged files take the place of the old ones."""
        gone = []
        for path, row in self._before.items():
            if path not in self._wanted:
                if path in keep and _size(f"{self._out}/{path}") is not None:
                    self._after[path] = row
                else:
                    gone.append(path)
        after = dict(sorted(self._after.items()))
        try:
            with _uninterrupted():
                if self._fresh:
                    _create(str(self._staging / MANIFEST), _manifest(after, stamp), sync=True)
                    self._staging.rename(self._out)
                elif after != self._before or self._moves or stamp != _stamp(self._out):
                    self._move(gone, after, stamp)
        except OSError as error:
            raise OutputError(f"cannot write {self._out}: {error.strerror}: {error.filename}") from error
        written = sum(after[path].length for path in self._moves)
        return Written(tuple(sorted(self._moves)), len(self._wanted) - len(self._moves), tuple(gone), written)

    def _move(self, gone: list[str], after: dict[str, _Row], stamp: str) -> None:
        """Mark, move in, prune, and write down. The mark makes each step repeatable by a later run."""
        in_motion = {path: _Row("", "", -1) for path in self._moves}
        if self._moves or gone:
            self._note({**self._before, **in_motion}, "")
        for path in _in_the_way(gone, after):
            self._remove(path)
        for path in sorted(self._moves, key=_rank):
            source, target = f"{self._staging}/{self._moves[path]}", f"{self._out}/{path}"
            try:
                os.replace(source, target)  # noqa: PTH105 - as below
            except FileNotFoundError:
                os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120 - as below
                os.replace(source, target)  # noqa: PTH105
        for path in gone:
            self._remove(path)
        self._note(after, stamp)

    def _note(self, rows: Mapping[str, _Row], stamp: str) -> None:
        temporary = self._staging / MANIFEST
        _create(str(temporary), _manifest(rows, stamp), sync=True)
        temporary.replace(self._out / MANIFEST)

    def _remove(self, path: str) -> None:
        """A file that is gone already is fine; folders that hold nothing any more go with it."""
        with suppress(FileNotFoundError, NotADirectoryError):
            (self._out / path).unlink()
        for folder in _parents(path):
            try:
                (self._out / folder).rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                break

    def _stage(self, output: Output, number: str) -> _Staged:
        data = output.render()
        sha256 = hashlib.sha256(data).hexdigest()
        row = self._before.get(output.path)
        if row and row.sha256 == sha256 and self._intact(row, output.path):
            return _Staged("", sha256, len(data))
        name = output.path if self._fresh else number
        try:
            _create(f"{self._staging}/{name}", data)
        except OSError as error:
            raise OutputError(f"cannot write {self._staging}: {error.strerror}") from error
        return _Staged(name, sha256, len(data))

    def _intact(self, row: _Row, path: str) -> bool:
        return _size(f"{self._out}/{path}") == row.length


def _sorted(outputs: Iterable[Output]) -> dict[str, Output]:
    """By path, in order. What cannot all be written is a mistake of the program, so it is an AssertionError."""
    found = sorted(outputs, key=lambda output: output.path)
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for output in found:
        path = output.path
        if path.startswith("/") or path in {"", MANIFEST} or {"", ".", ".."} & set(path.split("/")):
            raise AssertionError(f"{path!r} is not a path of an output")
        if (other := seen.setdefault(path.casefold(), path)) is not path:
            raise AssertionError(f"two outputs are one file where case does not count: {other!r} and {path!r}")
        folder = path.rpartition("/")[0].casefold()
        while folder and folder not in folders:
            folders[folder] = path
            folder = folder.rpartition("/")[0]
    wanted = {output.path: output for output in found}
    for folder in folders.keys() & seen.keys():
        raise AssertionError(f"{seen[folder]!r} is a file and a folder: it holds {folders[folder]!r}")
    for output in found:
        if output.links is not None and (output.links not in wanted or wanted[output.links].links is not None):
            raise AssertionError(
                f"{output.path!r} links to {output.links!r}, which is not an output with bytes of its own"
            )
    return wanted


@contextmanager
def _workshop(out: Path) -> Iterator[Path]:
    """An empty folder on the file system of `out`, locked for this run and gone after it.

    A child inherits the lock, so nobody gets it while one is still writing.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = not out.exists() or (out.stat().st_dev == out.parent.stat().st_dev and os.access(out.parent, os.W_OK))
        work = out.parent / f".{out.name}{_WORK}" if beside else out / _WORK
        lock = _locked(work, out)
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror}: {error.filename}") from error
    try:
        for leftover in work.iterdir():
            shutil.rmtree(leftover)
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(lock)


def _locked(work: Path, out: Path) -> int:
    end = time.monotonic() + _PATIENCE
    while True:
        work.mkdir(exist_ok=True)
        lock = os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if work.exists() and os.path.samestat(os.fstat(lock), work.stat()):
                return lock
        except BlockingIOError:
            if time.monotonic() > end:
                os.close(lock)
                raise OutputError(f"another run is writing {out}: wait for it to end") from None
            time.sleep(0.05)
        os.close(lock)  # the run before ours removed it on its way out, or is still there


def _read(out: Path) -> dict[str, _Row] | None:
    """The manifest of the folder; none where there is nothing in it, or no folder."""
    try:
        data = json.loads((out / MANIFEST).read_bytes())
        rows = {path: _Row(*row) for path, row in data["files"].items()}
    except FileNotFoundError:
        if not out.exists() or all(path.name == _WORK for path in out.iterdir()):
            return None
        raise OutputError(
            f"{out} holds files that galleryctl did not write: choose a folder that is empty or does not exist"
        ) from None
    except NotADirectoryError:
        raise OutputError(f"{out} is a file: choose a folder that is empty or does not exist") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise OutputError(f"{out / MANIFEST} is damaged: delete {out} and build again") from error
    if data["format"] != _FORMAT:
        raise OutputError(f"{out} was written by another version of galleryctl: delete it and build again")
    return rows


def _stamp(out: Path) -> str:
    """The stamp of the last whole run; it stands at the start of the manifest."""
    with (out / MANIFEST).open("rb") as file:
        found = re.match(rb'{"format":\d+,"stamp":"([^"]*)"', file.read(200))
    return found[1].decode() if found else ""


def _manifest(rows: Mapping[str, _Row], stamp: str = "") -> bytes:
    data = {"format": _FORMAT, "stamp": stamp, "files": dict(sorted(rows.items()))}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape") + b"\n"


def _fingerprint(output: Output) -> str:
    return hashlib.sha256(output.depends_on.encode("utf-8", "surrogateescape")).hexdigest()


def _size(path: str) -> int | None:
    """Length of a regular file; none where there is no such."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _rank(path: str) -> tuple[int, str]:
    """The order in which files appear: what others point at comes before what points."""
    if path in _LAST:
        return 2 + _LAST.index(path), path
    return 0 if _BY_CONTENT.search(path) else 1, path


def _in_the_way(gone: Iterable[str], moves: Iterable[str]) -> list[str]:
    """Files of the last build where this one has a folder, and those in folders where this one has a file."""
    files = set(moves)
    folders = {folder for path in files for folder in _parents(path)}
    return [path for path in gone if path in folders or files.intersection(_parents(path))]


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _create(path: str, data: bytes, *, sync: bool = False) -> None:
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


def _link(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
    try:
        os.link(source, target)
    except OSError:  # the file system has no links, or too many of this file
        shutil.copyfile(source, target)


@contextmanager
def _uninterrupted() -> Iterator[None]:
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
