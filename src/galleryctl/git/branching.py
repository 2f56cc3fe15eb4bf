"""The branch that is checked out, and commits of what lies on the disk: as a person would make them, hooks included."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from galleryctl.errors import GitError
from galleryctl.git import process as run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def branch(root: Path) -> str | None:
    """Name of the branch that is checked out; none where HEAD is a commit, or outside git."""
    place = run.place_of(root)
    if place is None:
        return None
    process = run.start(place.folder, "symbolic-ref", "--quiet", "--short", "HEAD")
    return run.finish(process, fine=(0, 1)).decode().strip() or None


def switch(root: Path, name: str) -> None:
    """Start a branch at HEAD and check it out: files stay as they are. Raises GitError where it is there already."""
    place = run.required(root)
    if name.startswith("-"):
        raise GitError(f"{name!r} is no name of a branch")
    run.finish(run.start(place.folder, "switch", "--quiet", "--create", name))


def record(root: Path, paths: Sequence[str], message: str, *, sign_off: bool = True) -> str | None:
    """Commit these files and folders as they are on the disk, and nothing else; the commit's id.

    `paths` are relative to `root`. None where they are as in HEAD. Hooks and signatures are those of the repository.
    """
    place = run.required(root)
    names = [f"{place.prefix}{path}" for path in paths]
    top = place.top or place.folder
    if not run.finish(run.start(top, "status", "--porcelain", "-z", "--untracked-files=all", "--", *names)):
        return None
    run.finish(run.start(top, "add", "--all", "--", *names))
    words = ("commit", "--quiet", "--file=-", *(("--signoff",) if sign_off else ()), "--only", "--", *names)
    run.finish(run.start(top, *words, fed=True), message.encode())
    return run.finish(run.start(top, "rev-parse", "HEAD")).decode().strip()


def snapshot(root: Path, paths: Sequence[str]) -> str:
    """HEAD with these files and folders as they are on the disk, as a commit that no branch names; its id.

    Neither the index nor a branch changes, and no hook runs.
    """
    place = run.required(root)
    names = [f"{place.prefix}{path}" for path in paths]
    top = place.top or place.folder
    with tempfile.TemporaryDirectory(prefix="galleryctl-") as folder:
        own = {"GIT_INDEX_FILE": f"{folder}/index"}
        run.finish(run.start(top, "read-tree", "HEAD", more=own))
        run.finish(run.start(top, "add", "--all", "--", *names, more=own))
        tree = run.finish(run.start(top, "write-tree", more=own)).decode().strip()
    words = ("-c", "commit.gpgSign=false", "commit-tree", tree, "-p", "HEAD", "-m", "snapshot")
    return run.finish(run.start(top, *words)).decode().strip()


def remote(root: Path, name: str = "origin") -> str | None:
    """Address of a remote; none where there is no such."""
    place = run.place_of(root)
    if place is None:
        return None
    return (
        run.finish(run.start(place.folder, "remote", "get-url", "--", name), fine=(0, 2, 128)).decode().strip() or None
    )


def branches(root: Path) -> frozenset[str]:
    """Names of all branches."""
    place = run.required(root)
    words = ("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/")
    return frozenset(run.finish(run.start(place.folder, *words)).decode().split("\n")) - {""}
