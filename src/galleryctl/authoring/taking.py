"""Taking files and folders out of a registry and putting files in, at once: all of it, or none.

Everything is moved aside and in by renames. What fails is undone at once; Ctrl-C waits for the moves to end; what a
killed process left is undone by the next run (`arriving.mend`), from a journal that was on the disk before the first
move. Only when the journal is gone is anything deleted.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from galleryctl import git, layout
from galleryctl.errors import OutputError
from galleryctl.output import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_ASIDE, _STAGING = "taken", "staging"
_TAKEN = frozenset({"release", "template", "tombstone"})
"""Kinds of single files that are ever taken; models go as folders."""


def take(registry: Path, gone: Sequence[str], written: Mapping[str, str], mend: Callable[[Path, Path], None]) -> None:
    """Take these files and folders out, then put these files in; paths are relative to the registry.

    A file that is both is replaced. `mend(registry, workshop)` undoes what a killed run left. Raises `OutputError`
    where it cannot be done; then nothing is changed.
    """
    try:
        with disk.workshop(registry, lambda work: mend(registry, work)) as work:
            for path in (*gone, *written):
                _refuse_links(registry, path)
            taken = [*gone, *(path for path in written if os.path.lexists(registry / path) and path not in gone)]
            try:
                _stage(work, taken, written)
                with disk.uninterrupted():
                    _move(registry, work, taken, written)
            except BaseException:
                with disk.uninterrupted():
                    mend(registry, work)
                raise
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        raise OutputError(f"cannot write {registry}: {error.strerror}{where}; nothing was changed") from error
    _drop_empty(registry, gone)


def _refuse_links(registry: Path, path: str) -> None:
    for above in (path, *_above(path)):
        if (registry / above).is_symlink():
            raise OutputError(f"{registry.name}/{above} is a symbolic link: nothing was changed")


def _stage(work: Path, taken: Sequence[str], written: Mapping[str, str]) -> None:
    disk.create(f"{work}/.gitignore", b"*\n")
    (work / _ASIDE).mkdir()
    (work / _STAGING).mkdir()
    digests = {}
    for index, (path, text) in enumerate(written.items()):
        disk.create(f"{work}/{_STAGING}/{index}", text.encode(), sync=True)
        digests[path] = hashlib.sha256(text.encode()).hexdigest()
    journal = {"taken": list(taken), "written": digests}
    disk.create(f"{work}/{disk.JOURNAL}", json.dumps(journal).encode(), sync=True)


def _move(registry: Path, work: Path, taken: Sequence[str], written: Mapping[str, str]) -> None:
    for index, path in enumerate(taken):
        (registry / path).rename(work / _ASIDE / str(index))
    for index, path in enumerate(written):
        (registry / path).parent.mkdir(parents=True, exist_ok=True)
        (work / _STAGING / str(index)).rename(registry / path)
    (work / disk.JOURNAL).unlink()


def is_journal(journal: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a journal is of this kind, whoever wrote it."""
    return isinstance(journal, dict) and journal.keys() == {"taken", "written"}


def put_back(registry: Path, work: Path, journal: Any) -> None:  # noqa: ANN401 - any JSON value
    """Undo what the journal says, as far as it was done; can be done again. The caller removes the journal."""
    if not _is_ours(registry, journal):
        return
    for path, digest in journal["written"].items():
        if _digest(registry / path) == digest and not _is_committed(registry, path, digest):
            (registry / path).unlink()
    for index, path in enumerate(journal["taken"]):
        aside, target = work / _ASIDE / str(index), registry / path
        if os.path.lexists(aside) and not aside.is_symlink() and not os.path.lexists(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            aside.rename(target)
    _drop_empty(registry, list(journal["written"]))


def _is_ours(registry: Path, journal: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a removal may have written this: whoever wrote the repository could have put a journal into it."""
    taken, written = journal["taken"], journal["written"]
    if not isinstance(taken, list) or not isinstance(written, dict):
        return False
    for path in (*taken, *written):
        if not isinstance(path, str) or {"", ".", ".."} & set(path.split("/")):
            return False
        known = layout.place(path)
        if not (known and known.kind in _TAKEN) and (path in written or not layout.model_in(path)):
            return False
        if any((registry / above).is_symlink() for above in _above(path)):
            return False
    return True


def _is_committed(registry: Path, path: str, digest: str) -> bool:
    """Whether the checked-out commit has a file with these contents: then somebody meant it."""
    if git.head(registry.parent) is None:
        return False
    with suppress(FileNotFoundError, ValueError):
        data = git.at(registry.parent, "HEAD").read(f"{registry.name}/{path}")
        return hashlib.sha256(data).hexdigest() == digest
    return False


def _digest(path: Path) -> str:
    plain = path.is_file() and not path.is_symlink()
    return hashlib.sha256(path.read_bytes()).hexdigest() if plain else ""


def _drop_empty(registry: Path, paths: Sequence[str]) -> None:
    """Folders that hold nothing now; git knows none of them."""
    for above in sorted({above for path in paths for above in _above(path)}, key=len, reverse=True):
        with suppress(OSError):
            (registry / above).rmdir()


def _above(path: str) -> Iterator[str]:
    """The folders above, innermost first."""
    while path := path.rpartition("/")[0]:
        yield path
