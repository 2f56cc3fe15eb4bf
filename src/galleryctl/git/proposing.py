"""The files on disk as a proposal: what they would make of a base that went on without them, merged path by path."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from galleryctl.git.trees import LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from galleryctl.git.trees import Tree, TreeEntry


class Proposal:
    """`base` with the files that differ between `fork` and `mine`.

    A file that both sides changed differently is a conflict: it stands here as in `mine`. New files that are `unknown`
    do not count.
    """

    root = None

    def __init__(
        self, base: Tree, fork: Tree, mine: Tree, outside: Iterable[str] = (), unknown: Iterable[str] = ()
    ) -> None:
        self.base = base
        self._fork = fork
        self._mine = mine
        self._outside = frozenset(outside)
        self._unknown = frozenset(unknown)

    def entries(self, under: str = "") -> Mapping[str, TreeEntry]:
        if not under:
            return self._all
        inside = under.rstrip("/") + "/"
        return {path: entry for path, entry in self._all.items() if path == under or path.startswith(inside)}

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        return (self._mine if path in self._own else self.base).read(path, limit)

    @property
    def touched(self) -> frozenset[str]:
        """Paths that differ from the base, also those outside the folder."""
        old = self.base.entries()
        return self._outside | {path for path, entry in self._own.items() if not _same(old.get(path), entry)}

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Paths that base and disk changed differently; sorted."""
        old, fork = self.base.entries(), self._fork.entries()
        return tuple(
            sorted(
                path
                for path, entry in self._own.items()
                if not _same(old.get(path), fork.get(path)) and not _same(old.get(path), entry)
            )
        )

    @cached_property
    def _own(self) -> dict[str, TreeEntry | None]:
        """What was changed on disk since the fork; none for what was deleted."""
        fork, mine = self._fork.entries(), self._mine.entries()
        found: dict[str, TreeEntry | None] = {
            path: entry
            for path, entry in mine.items()
            if not _same(fork.get(path), entry) and (path in fork or path not in self._unknown)
        }
        found.update((path, None) for path in fork if path not in mine)
        return found

    @cached_property
    def _all(self) -> dict[str, TreeEntry]:
        found = dict(self.base.entries())
        for path, entry in self._own.items():
            if entry is None:
                found.pop(path, None)
            else:
                found[path] = entry
        return dict(sorted(found.items()))


def _same(one: TreeEntry | None, other: TreeEntry | None) -> bool:
    return one is other or (one is not None and other is not None and (one.mode, one.blob) == (other.mode, other.blob))
