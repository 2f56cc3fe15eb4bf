"""Git, and a folder outside git, as trees of files and as history: the only module that runs git.

* Inherited `GIT_*` go (a hook sets them for another repository), but for those that say where git and its settings are.
* Names are NUL-terminated everywhere; one that is not UTF-8 comes out with surrogate escapes.
* Nothing is checked out and no symbolic link is followed. Only `writing`, `merging` and `remotes` write: objects, and
  the branch that they are told.
* A clean file's blob id comes from git's index and its bytes are not read.
"""

from __future__ import annotations

import posixpath
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from galleryctl.errors import GitError
from galleryctl.git import process as run
from galleryctl.git.branching import branch, branches, record, remote, snapshot, switch
from galleryctl.git.differing import ExcessError
from galleryctl.git.merging import Merged, Proposed, commits, merge_base, merged
from galleryctl.git.process import steady
from galleryctl.git.proposing import Proposal
from galleryctl.git.remotes import advertised, fetch, push
from galleryctl.git.trees import LIMIT, Checkout, Folder, Listings, Revision, Tree, TreeEntry, Unwritten
from galleryctl.git.writing import Signature, commit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = [
    "LIMIT",
    "Commit",
    "ExcessError",
    "Merged",
    "Past",
    "Proposal",
    "Proposed",
    "Signature",
    "Tree",
    "TreeEntry",
    "Unwritten",
    "advertised",
    "at",
    "branch",
    "branches",
    "commit",
    "commits",
    "fetch",
    "head",
    "history",
    "merge_base",
    "merged",
    "private",
    "proposed",
    "push",
    "record",
    "remote",
    "resolve",
    "snapshot",
    "steady",
    "switch",
    "toplevel",
    "touched",
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


def at(
    root: Path,
    revision: str,
    like: Tree | None = None,
    *,
    only: Sequence[str] = (),
    kept: Listings | None = None,
) -> Tree:
    """The same folder in a revision, read from the objects; the folder itself need not exist on disk.

    `like` is another revision of the same folder that was read before: what is the same in both is not listed again.
    Only some paths are listed with `only`; what all paths are may be `kept`.
    """
    place = run.required(root)
    commit = run.commit(place, revision)
    if isinstance(like, Revision):
        return like if like.commit == commit else Revision(place, commit, like if like.place == place else None)
    return Revision(place, commit, only=only, kept=kept)


def proposed(root: Path, base: Tree, fork: str, name: str) -> Proposal:
    """The files on disk as they would be merged into `base`, which is a revision of `root`.

    `fork` is the commit that both have in common. What differs from it on disk counts, the rest is as in `base`. Beside
    the folder `name` only files that git knows count: what a build left there is proposed by nobody.
    """
    place = run.required(root)
    top = place.top or place.folder
    outside = () if top == place.folder.resolve() or not place.prefix else _outside(place, top, fork)
    return Proposal(base, at(root, fork, like=base), working(root), outside, _unknown(place, name))


def touched(before: Tree, after: Tree) -> frozenset[str]:
    """Paths that differ, relative to the folder of both; those of the repository outside of it begin with `../`.

    Raises `ExcessError` where more differ than are read.
    """
    if isinstance(before, Revision) and isinstance(after, Revision) and before.place == after.place:
        return frozenset(_relative(path, before.place.prefix) for path in before.differing(after))
    if isinstance(after, Proposal) and after.base is before:
        return after.touched
    old, new = before.entries(), after.entries()
    found = {path for path, entry in new.items() if (one := old.get(path)) is None or _unlike(one, entry)}
    return frozenset(found | (old.keys() - new.keys()))


def _unlike(one: TreeEntry, other: TreeEntry) -> bool:
    return one is not other and (one.mode, one.blob) != (other.mode, other.blob)


def _relative(path: str, prefix: str) -> str:
    if path.startswith(prefix):
        return path[len(prefix) :]
    return posixpath.relpath(path, prefix)


def _outside(place: run.Place, top: Path, fork: str) -> frozenset[str]:
    """What differs on disk in the repository beside the folder."""
    names = ("diff", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "-z", "--ignore-submodules", fork)
    found = run.names(run.finish(run.start(top, *names, "--")))
    return frozenset(_relative(path, place.prefix) for path in found if not path.startswith(place.prefix))


def _unknown(place: run.Place, name: str) -> frozenset[str]:
    """Files beside a folder that git was never told of."""
    found = run.names(run.finish(run.start(place.folder, "ls-files", "--others", "--exclude-standard", "-z")))
    return frozenset(path for path in found if not path.startswith(f"{name}/"))


class Past(NamedTuple):
    """The history of a folder as it was found for an earlier commit."""

    tip: str
    commits: Mapping[str, tuple[Commit, ...]]


def history(
    root: Path, under: str = "", revision: str = "HEAD", earlier: Past | None = None
) -> Mapping[str, tuple[Commit, ...]] | None:
    """Path relative to `root` → its commits, newest first, since it was last added: the last one brought the file.

    Along first parents, so what came with a pull request is dated by its merge. Only paths that `revision` has. None
    outside git and before the first commit; a shallow clone raises GitError, since its dates would be wrong. Of the
    same folder's `earlier` history only what came since is read, where it is a part of this one.
    """
    place = run.place_of(root)
    if place is None or (revision == "HEAD" and head(root) is None):
        return None
    if place.shallow:
        raise GitError(
            f"the clone at {place.directory} is shallow, so the dates of its files are unknown: "
            "run `git fetch --unshallow`, or in a workflow set `fetch-depth: 0` for the checkout"
        )
    tip = run.commit(place, revision)
    if earlier is not None and earlier.tip == tip:
        return earlier.commits
    since = earlier if earlier is not None and _goes_on(place, earlier.tip, tip) else None
    words = ["-c", "log.showRoot=true", "log", "--first-parent", "-m", "--name-status", "-z", "--no-renames"]
    words += ["--no-color", "--no-ext-diff", "--no-show-signature", "--encoding=UTF-8", "--no-relative"]
    words += ["--ignore-submodules=none", "--format=%x01%H%x00%aN%x00%ct", f"{since.tip}..{tip}" if since else tip]
    scope = (place.prefix + under).rstrip("/")
    log = run.finish(run.start(place.top or place.folder, *words, *(["--", scope] if scope else [])))
    return _walk(log.decode("utf-8", "surrogateescape"), len(place.prefix), since.commits if since else {})


def _goes_on(place: run.Place, earlier: str, tip: str) -> bool:
    """Whether the first parents of one commit lead to the other."""
    process = run.start(place.folder, "rev-list", "--first-parent", "--parents", f"{earlier}..{tip}")
    lines = process.communicate()[0].decode().splitlines()  # it fails where that commit is gone
    return not process.returncode and bool(lines) and lines[-1].split()[1:2] == [earlier]


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


def _walk(log: str, skip: int, earlier: Mapping[str, tuple[Commit, ...]]) -> dict[str, tuple[Commit, ...]]:
    """Newest first: a path is done with where it was added, and is gone where a deletion comes first.

    What is not done with goes on as it was `earlier`.
    """
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
    whole = {path: commits for path, commits in earlier.items() if path not in done}
    whole |= {path: (*commits, *whole.get(path, ())) for path, commits in found.items()}
    return dict(sorted(whole.items()))
