"""What differs between two commits: their trees are walked side by side, and only into what is not the same.

One of them may be a stranger's, and a tree of a few kilobytes can stand for billions of paths, so the walk is bounded
in paths and in depth. Git's own `diff-tree` lists all before it says the first.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from galleryctl.errors import GitError
from galleryctl.git import process as run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

MOST = 200_000
"""Paths of one comparison."""
_DEEPEST = 64  # folders in each other
_BATCH = 500  # requests that fit into a pipe, whose answers are then read
_FOLDER = "040000"
_DOUBLE = "000001"  # no mode of git's


class ExcessError(GitError):
    """More differs than is read, or all of it: its author has to propose less."""

    exit_code: ClassVar[int] = 1


class _Entry(NamedTuple):
    mode: str
    id: str


_Names = dict[bytes, _Entry]
_Pair = tuple[bytes, str | None, str | None]
"""A folder with the slash at its end, and its tree on either side."""


def between(folder: Path, base: str, head: str) -> Iterator[tuple[str, tuple[str, int, str] | None]]:
    """Path from the top of the repository, and the mode, no size and id that `head` has there.

    Raises ExcessError for more than `MOST` paths, or for folders that lie too deep.
    """
    count = 0
    with _Objects(folder) as objects:
        pending: list[_Pair] = [(b"", f"{base}^{{tree}}", f"{head}^{{tree}}")]
        for _ in range(_DEEPEST):
            following: list[_Pair] = []
            for prefix, old, new in objects.read(pending):
                for path, entry in _differing(prefix, old, new, following):
                    count += 1
                    yield os.fsdecode(path), entry and (entry.mode, 0, entry.id)
                if count + len(following) > MOST:
                    raise ExcessError(f"more than {MOST:,} files differ between {base} and {head}: propose fewer")
            pending = following
            if not pending:
                return
    raise ExcessError(f"folders lie more than {_DEEPEST} deep where {base} and {head} differ: propose fewer")


def _differing(
    prefix: bytes, old: _Names, new: _Names, following: list[_Pair]
) -> Iterator[tuple[bytes, _Entry | None]]:
    """Files that differ in one folder; folders that do are looked into later."""
    for name in old.keys() | new.keys():
        one, other = old.get(name), new.get(name)
        if one == other:
            continue
        trees = [each.id if each and each.mode == _FOLDER else None for each in (one, other)]
        if any(trees):
            following.append((prefix + name + b"/", trees[0], trees[1]))
        if other is not None and trees[1] is None:
            yield prefix + name, other
        elif one is not None and trees[0] is None:
            yield prefix + name, None


def sizes(folder: Path, blobs: Iterable[str]) -> Mapping[str, int]:
    """Lengths of objects; they are not read."""
    wanted = "".join(f"{blob}\n" for blob in dict.fromkeys(blobs))
    if not wanted:
        return {}
    process = run.start(folder, "cat-file", "--batch-check=%(objectname) %(objectsize)", fed=True)
    said = run.finish(process, wanted.encode()).decode().splitlines()
    pairs = (line.split() for line in said)
    return {blob: int(size) for blob, size in pairs if size.isdecimal()}


class _Objects:
    """Trees by id, from one process."""

    def __init__(self, folder: Path) -> None:
        self._process = run.start(folder, "cat-file", "--batch", fed=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        with suppress(BrokenPipeError):
            self._process.communicate()

    def read(self, pairs: Sequence[_Pair]) -> Iterator[tuple[bytes, _Names, _Names]]:
        for start in range(0, len(pairs), _BATCH):
            some = pairs[start : start + _BATCH]
            wanted = list(dict.fromkeys(each for _, *sides in some for each in sides if each))
            found = dict(zip(wanted, self._ask(wanted), strict=True))
            for prefix, old, new in some:
                yield prefix, found[old] if old else {}, found[new] if new else {}

    def _ask(self, wanted: Sequence[str]) -> Iterator[_Names]:
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None  # noqa: S101 - both are pipes
        assert answers is not None  # noqa: S101
        with suppress(BrokenPipeError):
            requests.write("".join(f"{each}\n" for each in wanted).encode())
            requests.flush()
        for each in wanted:
            words = answers.readline().split()
            if len(words) != 3 or words[1] != b"tree":  # noqa: PLR2004 - "<id> tree <size>", else "<id> missing"
                raise GitError(f"git cannot read the tree {each}: run `git fsck`")
            yield _parsed(answers.read(int(words[2]) + 1)[:-1], len(words[0]) // 2)


def _parsed(raw: bytes, width: int) -> _Names:
    """The entries of a tree. A name that stands there twice is neither of the two."""
    found: _Names = {}
    at = 0
    while at < len(raw):
        blank, end = raw.index(b" ", at), raw.index(b"\0", at)
        name, mode = raw[blank + 1 : end], raw[at:blank].decode().rjust(6, "0")
        at = end + 1 + width
        found[name] = _Entry(_DOUBLE if name in found else mode, raw[end + 1 : at].hex())
    return found
