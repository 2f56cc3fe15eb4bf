"""Many new folders and files of a registry at once: all of them, or none.

Everything is written beside the registry first, then moved in by renames. Nothing is overwritten, no symbolic link is
followed. What fails is undone at once; Ctrl-C waits for the moves to end; what a killed process left is undone by the
next run, from a journal that was on the disk before the first move. A folder that somebody changed or committed in the
meantime stays.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl import git, layout, parallel
from galleryctl.authoring import house, taking
from galleryctl.authoring.files import Files
from galleryctl.authoring.numbering import number
from galleryctl.errors import OutputError, UsageError
from galleryctl.output import disk
from galleryctl.spec.base import VERSION_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from galleryctl.authoring.numbering import Part


_BROUGHT = frozenset({"publisher", "model", "release", "card", "cover", "template"})
"""Kinds of files that an import writes."""
_VERSION = re.compile(rf"^{VERSION_PATTERN}")


class Arrival(NamedTuple):
    """One new model: the bytes of its folder's files by name."""

    type: str
    id: str
    files: Mapping[str, bytes]

    @property
    def folder(self) -> str:
        return layout.folder(self.type, self.id)


class Added(NamedTuple):
    """A release that came to an existing model. Paths begin with the registry's name."""

    id: str
    version: str
    paths: tuple[str, ...]


class _Move(NamedTuple):
    target: str
    """Relative to the registry."""
    files: Mapping[str, bytes]
    """By name; one, with an empty name, where the target is a file."""


def arrive(registry: Path, arrivals: Iterable[Arrival], beside: Mapping[str, bytes], *, jobs: int = 1) -> None:
    """Write these models, and `beside` them files by path relative to the registry, such as new publishers' profiles.

    Raises `OutputError` where something is there already, or cannot be written; then nothing is changed.
    """
    moves = [_Move(path, {"": data}) for path, data in beside.items()]
    moves += [_Move(arrival.folder, arrival.files) for arrival in arrivals]
    _moved(registry.resolve(), moves, jobs)


def undo(registry: Path) -> None:
    """Take back what an import that was killed left in the registry."""
    registry = registry.resolve()
    if disk.workplace(registry).exists():
        with disk.workshop(registry, lambda work: mend(registry, work)):
            pass


def add_release(
    registry: Path,
    identifier: str,
    kind: str,
    release: Mapping[str, Any],
    beside: Mapping[str, bytes],
    *,
    version: str | None = None,
    bump: Part = "patch",
) -> Added:
    """Give an existing model one more release, numbered as `release` numbers them; no other file changes.

    `beside` are the release's further files by name, such as `1.0.0.jinja`: they are renamed, and so is what names them
    in the release. `UsageError` where the model is of another type.
    """
    registry = registry.resolve()
    files = Files(registry)
    place = files.find(identifier)
    if place.type != kind:
        raise UsageError(f"{identifier} is of type {place.type}, and this is of type {kind}: nothing was written")
    chosen = number(files, place, version=version, bump=bump)
    folder = layout.folder(place.type, identifier)
    names = {name: _VERSION.sub(chosen, name, count=1) for name in beside}
    texts = {f"{folder}/{chosen}.yaml": house.release(_renamed(release, names))}
    texts |= {f"{folder}/{names[name]}": data for name, data in beside.items()}
    _moved(registry, [_Move(path, {"": data}) for path, data in texts.items()])
    return Added(identifier, chosen, tuple(f"{registry.name}/{path}" for path in texts))


def _renamed(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON value
    """The same value with other names of files where it has `file: NAME`."""
    if isinstance(value, dict):
        return {
            key: names.get(member, member) if key == "file" and isinstance(member, str) else _renamed(member, names)
            for key, member in value.items()
        }
    return [_renamed(item, names) for item in value] if isinstance(value, list) else value


def _moved(registry: Path, moves: Sequence[_Move], jobs: int = 1) -> None:
    try:
        with disk.workshop(registry, lambda work: mend(registry, work)) as work:
            plain: set[str] = set()
            for move in moves:
                _refuse(registry, move, plain)
            try:
                _stage(work, moves, jobs)
                with disk.uninterrupted():
                    _move(registry, work, moves)
            except BaseException:
                with disk.uninterrupted():
                    mend(registry, work)
                raise
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        raise OutputError(f"cannot write {registry}: {error.strerror}{where}; nothing was changed") from error


def _refuse(registry: Path, move: _Move, plain: set[str]) -> None:
    """Raise `OutputError` where a target is there, or a folder above it is a link or a file. An empty folder may be.

    `plain` are folders that were looked at before.
    """
    for above in reversed(_parents(move.target)):
        if above in plain:
            continue
        try:
            mode = (registry / above).lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(mode):
            what = "a symbolic link" if stat.S_ISLNK(mode) else "a file"
            raise OutputError(f"{registry.name}/{above} is {what}, no folder: nothing was written")
        plain.add(above)
    target = registry / move.target
    if not os.path.lexists(target):
        return
    if "" in move.files or target.is_symlink() or not target.is_dir() or any(target.iterdir()):
        raise OutputError(f"{registry.name}/{move.target} is there already: nothing was written")


def _stage(work: Path, moves: Sequence[_Move], jobs: int) -> None:
    disk.create(f"{work}/.gitignore", b"*\n")
    staging = f"{work}/staging"
    os.mkdir(staging)  # noqa: PTH102 - texts: there are thousands of them

    def write(start: int, stop: int) -> list[dict[str, str]]:
        return [_staged(f"{staging}/{index}", moves[index].files) for index in range(start, stop)]

    digests = [each for chunk in parallel.map_chunks(write, len(moves), jobs) for each in chunk]
    journal = {move.target: each for move, each in zip(moves, digests, strict=True)}
    disk.create(f"{work}/{disk.JOURNAL}", json.dumps(journal).encode(), sync=True)


def _staged(path: str, files: Mapping[str, bytes]) -> dict[str, str]:
    """Write a file, or a folder of files; their digests by name."""
    if "" not in files:
        os.mkdir(path)  # noqa: PTH102
    for name, data in files.items():
        disk.create(f"{path}/{name}" if name else path, data)
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def _move(registry: Path, work: Path, moves: Sequence[_Move]) -> None:
    made: set[Path] = set()
    for index, move in enumerate(moves):
        source, target = work / "staging" / str(index), registry / move.target
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        if "" in move.files:
            _named(source, target)
        else:
            source.rename(target)  # refused by the system where a folder with content is there
    (work / disk.JOURNAL).unlink()


def _named(source: Path, target: Path) -> None:
    """Give a file its name, unless somebody has it."""
    try:
        target.hardlink_to(source)
    except FileExistsError:
        raise
    except OSError:  # the file system has no links
        disk.create(str(target), source.read_bytes())
    source.unlink()


def mend(registry: Path, work: Path) -> None:
    """Undo what a run that was killed left, of an import or of a removal.

    What was moved in and is as it was written goes; the journal goes last, so undoing can be done again.
    """
    try:
        journal = json.loads((work / disk.JOURNAL).read_bytes())
    except (FileNotFoundError, ValueError):  # nothing was moved before it was whole
        return
    if taking.is_journal(journal):
        taking.put_back(registry, work, journal)
        (work / disk.JOURNAL).unlink()
        return
    if not _is_ours(registry, journal):
        (work / disk.JOURNAL).unlink()
        return
    committed = _committed(registry)
    for index, (target, digests) in enumerate(journal.items()):
        place = registry / target
        if os.path.lexists(work / "staging" / str(index)) and digests.keys() != {""}:
            continue  # it was never moved, so what is there is somebody else's
        if target in committed or _contents(place) != digests:
            continue
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()
    for above in sorted({above for target in journal for above in _parents(target)}, key=len, reverse=True):
        with suppress(OSError):
            (registry / above).rmdir()
    (work / disk.JOURNAL).unlink()


def _is_ours(registry: Path, journal: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether an import may have written this: whoever wrote the repository could have put a journal into it.

    Then it names only what an import makes, in folders and not behind links.
    """
    if not isinstance(journal, dict):
        return False
    for target, digests in journal.items():
        paths = [f"{target}/{name}".removesuffix("/") for name in digests] if isinstance(digests, dict) else []
        places = [layout.place(path) for path in paths if not {"", ".", ".."} & set(path.split("/"))]
        if not places or len(places) < len(paths) or not all(place and place.kind in _BROUGHT for place in places):
            return False
        if any((registry / above).is_symlink() for above in _parents(target)):
            return False
    return True


def _committed(registry: Path) -> frozenset[str]:
    """Paths of files and folders that the checked-out commit has."""
    if git.head(registry.parent) is None:
        return frozenset()
    paths = [path.removeprefix(f"{registry.name}/") for path in git.at(registry.parent, "HEAD").entries(registry.name)]
    return frozenset(paths).union(*(_parents(path) for path in paths))


def _contents(place: Path) -> dict[str, str] | None:
    """Digests of a file, or of the files of a folder, by name; none where anything else is there."""
    if place.is_symlink():
        return None
    if place.is_file():
        return {"": _digest(place)}
    if not place.is_dir():
        return None
    found = list(place.iterdir())
    if any(path.is_symlink() or not path.is_file() for path in found):
        return None
    return {path.name: _digest(path) for path in found}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _parents(path: str) -> list[str]:
    """The folders above, innermost first."""
    return list(_above(path))


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
