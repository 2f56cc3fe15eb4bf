"""Git, and a folder outside git, as trees of files and as history: the only module that runs git.

* Inherited `GIT_*` go (a hook sets them for another repository), but for those that say where git and its settings are.
* Names are NUL-terminated everywhere; one that is not UTF-8 comes out with surrogate escapes.
* Nothing is checked out and no symbolic link is followed. Only `writing`, `merging` and `remotes` write: objects, and
  the branch that they are told.
* A clean file's blob id comes from git's index and its bytes are not read.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from galleryctl.errors import GitError
from galleryctl.git import process as run
from galleryctl.git.merging import Merged, Proposed, commits, merge_base, merged
from galleryctl.git.remotes import advertised, fetch, push
from galleryctl.git.trees import LIMIT, Checkout, Folder, Revision, Tree, TreeEntry, Unwritten
from galleryctl.git.writing import Signature, commit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "LIMIT",
    "Commit",
    "Merged",
    "Proposed",
    "Signature",
    "Tree",
    "TreeEntry",
    "Unwritten",
    "advertised",
    "at",
    "commit",
    "commits",
    "fetch",
    "head",
    "history",
    "merge_base",
    "merged",
    "private",
    "push",
    "resolve",
    "toplevel",
    "working",
]

_LATEST = 253402300799  # the last second of the year 9999


class Commit(NamedTuple):
    """Who and when: the author's name, and the time of the commit (UTC), which for a merge is the time of the merge."""

    id: str
    author: str
    when: datetime


def working(root: Path) -> Tree:
    """The files on disk: in a repository those tracked and those neither tracked nor ignored, elsewhere all."""
    place = run.place_of(root) if root.is_dir() else None
    return Folder(root) if place is None or place.top is None else Checkout(root, place.algorithm)


def at(root: Path, revision: str) -> Tree:
    """The same folder in a revision, read from the objects; the folder itself need not exist on disk."""
    place = run.required(root)
    return Revision(place, run.commit(place, revision))


def history(root: Path, under: str = "", revision: str = "HEAD") -> Mapping[str, tuple[Commit, ...]] | None:
    """Path relative to `root` → its commits, newest first, since it was last added: the last one brought the file.

    Along first parents, so what came with a pull request is dated by its merge. Only paths that `revision` has. None
    outside git and before the first commit; a shallow clone raises GitError, since its dates would be wrong.
    """
    place = run.place_of(root)
    if place is None or (revision == "HEAD" and head(root) is None):
        return None
    if place.shallow:
        raise GitError(
            f"the clone at {place.directory} is shallow, so the dates of its files are unknown: "
            "run `git fetch --unshallow`, or in a workflow set `fetch-depth: 0` for the checkout"
        )
    words = ["-c", "log.showRoot=true", "log", "--first-parent", "-m", "--name-status", "-z", "--no-renames"]
    words += ["--no-color", "--no-ext-diff", "--no-show-signature", "--encoding=UTF-8", "--no-relative"]
    words += ["--ignore-submodules=none", "--format=%x01%H%x00%aN%x00%ct", run.commit(place, revision)]
    scope = (place.prefix + under).rstrip("/")
    log = run.finish(run.start(place.top or place.folder, *words, *(["--", scope] if scope else [])))
    return _walk(log.decode("utf-8", "surrogateescape"), len(place.prefix))


def head(root: Path) -> str | None:
    """Id of the commit that is checked out; none outside git and before the first commit."""
    return run.resolve(run.existing(root), "HEAD") if run.place_of(root) else None


def resolve(root: Path, revision: str) -> str:
    """Id of the commit that a revision names; GitError where there is none."""
    return run.commit(run.required(root), revision)


def toplevel(root: Path) -> Path | None:
    """The working folder of the repository that `root` lies in."""
    place = run.place_of(root)
    return place.top if place else None


def private(root: Path) -> Path | None:
    """A folder inside the git directory, for what may be thrown away at any time. It may not exist yet."""
    place = run.place_of(root)
    return place.directory / "galleryctl" if place else None


def _walk(log: str, skip: int) -> dict[str, tuple[Commit, ...]]:
    """Newest first: a path is done with where it was added, and is gone where a deletion comes first."""
    found: dict[str, list[Commit]] = {}
    done = set()
    commit = None
    fields = iter(log.split("\0"))
    for field in fields:
        if field.startswith("\1"):
            name, seconds = next(fields), int(next(fields))  # whoever commits may claim any time
            commit = Commit(field[1:], name, datetime.fromtimestamp(min(max(seconds, 0), _LATEST), UTC))
        elif status := field.strip("\n"):
            path = next(fields)[skip:]
            if path in done or commit is None:
                continue
            if status != "D":
                found.setdefault(path, []).append(commit)
            if status in {"A", "D"}:
                done.add(path)
    return {path: tuple(commits) for path, commits in sorted(found.items())}
