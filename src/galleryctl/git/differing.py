"""What differs between two commits, by git's own listing; bounded, since a stranger may have made one of them.

A tree of a few kilobytes can stand for billions of paths, so a listing is read as it comes and ends at a limit.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

from galleryctl.errors import GitError
from galleryctl.git import process as run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

MOST = 200_000
"""Paths of one comparison."""
_LONGEST = 64 * 2**20  # bytes of a listing: paths may be long as well as many
_CHUNK = 2**16
_DELETED = "000000"
_DOUBLE = "000001"  # no mode of git's
_SETTINGS = ("-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--no-ext-diff", "--ignore-submodules=none")


class ExcessError(GitError):
    """More differs than is read: its author has to propose less."""

    exit_code: ClassVar[int] = 1


def between(folder: Path, base: str, head: str) -> Iterator[tuple[str, tuple[str, int, str] | None]]:
    """Path from the top of the repository, and the mode, no size and id that `head` has there.

    Raises ExcessError for more than `MOST` paths.
    """
    fields = iter(_listed(folder, base, head))
    seen: set[str] = set()
    for record in fields:  # ":100644 100644 <id> <id> M", then the path
        path, (_, mode, _, blob, _) = next(fields), record.split()
        if mode == _DELETED:
            if path not in seen:
                yield path, None
        else:
            yield path, (_DOUBLE if path in seen else mode, 0, blob)
        seen.add(path)


def sizes(folder: Path, blobs: Iterable[str]) -> Mapping[str, int]:
    """Lengths of objects; they are not read."""
    wanted = "".join(f"{blob}\n" for blob in dict.fromkeys(blobs))
    if not wanted:
        return {}
    process = run.start(folder, "cat-file", "--batch-check=%(objectname) %(objectsize)", fed=True)
    said = run.finish(process, wanted.encode()).decode().splitlines()
    pairs = (line.split() for line in said)
    return {blob: int(size) for blob, size in pairs if size.isdecimal()}


def _listed(folder: Path, base: str, head: str) -> list[str]:
    process = run.start(folder, "diff-tree", *_SETTINGS, base, head)
    assert process.stdout is not None  # noqa: S101 - a pipe
    parts, length, count = [], 0, 0
    while part := process.stdout.read(_CHUNK):
        parts.append(part)
        length += len(part)
        count += part.count(b"\0")
        if length > _LONGEST or count > 2 * MOST:
            process.kill()
            process.communicate()
            raise ExcessError(f"more than {MOST:,} files differ between {base} and {head}: nobody can review that")
    run.finish(process)
    return os.fsdecode(b"".join(parts)).split("\0")[:-1]
