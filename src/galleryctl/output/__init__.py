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

import hashlib
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import layout, parallel
from galleryctl.errors import OutputError
from galleryctl.output import disk, manifest
from galleryctl.output.manifest import MANIFEST, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["MANIFEST", "Output", "Written", "replace", "unchanged", "write"]

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

    `progress(done, total)` counts rendered files; `stamp`, a short text, is noted for `unchanged`. OutputError: the
    folder holds what this program did not write, cannot be written, or another run is writing it.
    """
    out = out.resolve()
    wanted = _sorted(outputs)
    with disk.workshop(out) as work:
        before = manifest.read(out)
        run = _Run(
            out, work / "staging", wanted, {} if before is None else before, fresh=before is None and work.parent != out
        )
        run.render(jobs, progress)
        run.link()
        return run.publish(frozenset(keep), stamp)


def unchanged(out: Path, stamp: str) -> Written | None:
    """What a run with this stamp would do where the last one had it and its files are all there: nothing. Else none."""
    if not os.path.isfile(out / MANIFEST):  # noqa: PTH113 - a name that is too long is no error here
        return None
    if manifest.stamp(out) != stamp:
        return None
    rows = manifest.read(out) or {}
    if any(disk.size(f"{out}/{path}") != row.length for path, row in rows.items()):
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
            disk.create(str(temporary), data, sync=True)
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
        self, out: Path, staging: Path, wanted: Mapping[str, Output], before: Mapping[str, Row], *, fresh: bool
    ) -> None:
        self._out = out
        self._staging = staging
        self._wanted = wanted
        self._before = before
        self._fresh = fresh
        self._after: dict[str, Row] = {}
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
                self._after[output.path] = Row(_fingerprint(output), sha256, length)
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
            disk.link(source, f"{self._staging}/{name}")

    def publish(self, keep: frozenset[str], stamp: str) -> Written:
        """Let the staged files take the place of the old ones."""
        gone = []
        for path, row in self._before.items():
            if path not in self._wanted:
                length = disk.size(f"{self._out}/{path}") if path in keep else None
                if length is not None:
                    self._after[path] = row._replace(length=length)
                else:
                    gone.append(path)
        after = dict(sorted(self._after.items()))
        early = [] if self._fresh else self._in_the_way(gone)
        try:
            with disk.uninterrupted():
                if self._fresh:
                    disk.create(str(self._staging / MANIFEST), manifest.dumps(after, stamp), sync=True)
                    self._staging.rename(self._out)
                elif after != self._before or self._moves or stamp != manifest.stamp(self._out):
                    self._move(early, gone, after, stamp)
        except OSError as error:
            raise OutputError(f"cannot write {self._out}: {error.strerror}: {error.filename}") from error
        written = sum(after[path].length for path in self._moves)
        return Written(tuple(sorted(self._moves)), len(self._wanted) - len(self._moves), tuple(gone), written)

    def _move(self, early: list[str], gone: list[str], after: dict[str, Row], stamp: str) -> None:
        """Mark, move in, prune, and write down. The mark makes each step repeatable by a later run."""
        in_motion = {path: Row("", "", -1) for path in self._moves}
        if self._moves or gone:
            self._note({**self._before, **in_motion}, "")
        for path in early:
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

    def _in_the_way(self, gone: list[str]) -> list[str]:
        """Files of the last build where this one has a folder, or in folders where it has a file: they go first.

        What is not ours and in the way is an OutputError, before anything has changed.
        """
        ours = set(gone)
        folders = {folder for path in self._moves for folder in _parents(path)}
        early = [path for path in gone if path in folders or any(folder in self._moves for folder in _parents(path))]
        theirs = [path for path in folders - ours if (self._out / path).exists() and not (self._out / path).is_dir()]
        theirs += [path for path in {*folders, *chain(*map(_parents, gone))} if (self._out / path).is_symlink()]
        going = ours.union(*map(_parents, early))
        for path in self._moves:
            if os.path.isdir(f"{self._out}/{path}") and not os.path.islink(f"{self._out}/{path}"):  # noqa: PTH112, PTH114
                found = [path, *(str(below.relative_to(self._out)) for below in (self._out / path).rglob("*"))]
                theirs += [below for below in found if below not in going]
        if theirs:
            raise OutputError(f"{self._out / min(theirs)} is in the way, and galleryctl did not make it: move it away")
        return early

    def _note(self, rows: Mapping[str, Row], stamp: str) -> None:
        temporary = self._staging / MANIFEST
        disk.create(str(temporary), manifest.dumps(rows, stamp), sync=True)
        temporary.replace(self._out / MANIFEST)

    def _remove(self, path: str) -> None:
        """A file that is gone already is fine; folders that hold nothing any more go with it."""
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
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
            disk.create(f"{self._staging}/{name}", data)
        except OSError as error:
            raise OutputError(f"cannot write {self._staging}: {error.strerror}") from error
        return _Staged(name, sha256, len(data))

    def _intact(self, row: Row, path: str) -> bool:
        return disk.size(f"{self._out}/{path}") == row.length


def _sorted(outputs: Iterable[Output]) -> dict[str, Output]:
    """By path, in order. What cannot all be written is a mistake of the program, so it is an AssertionError."""
    found = sorted(outputs, key=lambda output: output.path)
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for output in found:
        path = output.path
        if path[:1] in {"", "/", "."} or path[-1] == "/" or "//" in path or "/." in path:
            _refuse_odd(path)
        folded = path.casefold()
        if other := seen.get(folded):
            raise AssertionError(f"two outputs are one file where case does not count: {other!r} and {path!r}")
        seen[folded] = path
        folder = folded.rpartition("/")[0]
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


def _refuse_odd(path: str) -> None:
    if path == MANIFEST or {"", ".", ".."}.intersection(path.split("/")):
        raise AssertionError(f"{path!r} is not a path of an output")


def _rank(path: str) -> tuple[int, str]:
    """The order in which files appear: what others point at comes before what points."""
    if path in _LAST:
        return 2 + _LAST.index(path), path
    return 0 if _BY_CONTENT.search(path) else 1, path


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _fingerprint(output: Output) -> str:
    return hashlib.sha256(output.depends_on.encode("utf-8", "surrogateescape")).hexdigest()
