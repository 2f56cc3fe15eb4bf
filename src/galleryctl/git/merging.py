"""What a pull request would make of the base branch, and what it brings: read from objects, nothing checked out."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from galleryctl.errors import GitError
from galleryctl.git import differing
from galleryctl.git import process as run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FIRST = (2, 38)  # the first git that merges without a work tree
_SETTINGS = (
    "merge.renames=true",
    "merge.directoryRenames=conflict",
    "merge.renameLimit=1000",  # more would let a stranger choose how long this takes
    "merge.conflictStyle=merge",
    "merge.default=text",
    f"core.attributesFile={os.devnull}",
    "commit.gpgSign=false",
    "i18n.commitEncoding=UTF-8",
)
_NOBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "galleryctl"), ("EMAIL", "galleryctl@invalid"))
}
_SHAPE = ("-z", "--name-only", "--no-messages")
_MOST = 1000
_TEXT = 16 * 2**20
"""Bytes of all messages together: they compress well, and a stranger writes them."""
_SIGNED = "signed-off-by:"


class Merged(NamedTuple):
    """The merge of a head into a base as a commit that no branch names, or the paths that both changed differently."""

    commit: str | None
    conflicts: tuple[str, ...]
    """From the top of the repository; sorted."""


class Proposed(NamedTuple):
    """One commit of a pull request. Who made it is what its author claims."""

    id: str
    author: str
    email: str
    committer: str
    committer_email: str
    merge: bool
    signed_off: bool
    """The message has a `Signed-off-by` line of its author or committer, by name and address."""


def merged(root: Path, base: str, head: str) -> Merged:
    """Merge two revisions as git would, in the object store alone: no branch, no index and no file changes.

    The same revisions give the same commit. Raises GitError where git is older than 2.38, `ExcessError` where the two
    have nothing in common, or the head changes more files than are read.
    """
    place = run.required(root)
    ours, theirs = run.commit(place, base), run.commit(place, head)
    start = merge_base(root, ours, theirs)
    if start is None and not place.shallow:
        raise differing.ExcessError(f"{head} and {base} have unrelated histories: start a branch from {base}")
    if start:  # a merge looks into what the head brings, so it is bounded first
        for _ in differing.between(place.folder, start, theirs):
            pass
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    _require(place)
    # Attributes beside the files could name a program, or join two sides where the forge sees a conflict. They are
    # looked for where git is started, and in its own directory there are none.
    plain = {"GIT_DIR": str(place.directory), "GIT_ATTR_NOSYSTEM": "1"}
    process = run.start(place.directory, *settings, "merge-tree", "--write-tree", *_SHAPE, ours, theirs, more=plain)
    output = run.finish(process, fine=(0, 1))
    tree, *conflicts = run.names(output)
    if conflicts:
        return Merged(None, tuple(sorted({path for path in conflicts if path})))
    moment = run.finish(run.start(place.folder, "show", "--no-patch", "--format=%ct", ours)).decode().strip()
    dates = {"GIT_AUTHOR_DATE": f"@{moment} +0000", "GIT_COMMITTER_DATE": f"@{moment} +0000"}
    words = ("commit-tree", tree, "-p", ours, "-p", theirs, "-F", "-")
    process = run.start(place.folder, *settings, *words, fed=True, more=_NOBODY | dates)
    return Merged(run.finish(process, f"Merge {theirs} into {ours}\n".encode()).decode().strip(), ())


def merge_base(root: Path, one: str, other: str) -> str | None:
    """The newest commit that both revisions have; none where they have nothing in common."""
    place = run.required(root)
    words = ("merge-base", run.commit(place, one), run.commit(place, other))
    return run.finish(run.start(place.folder, *words), fine=(0, 1)).decode().strip() or None


def commits(root: Path, base: str, head: str) -> tuple[Proposed, ...]:
    """The commits that `head` has and `base` has not, oldest first; of more than a thousand the newest.

    Raises `ExcessError` where their messages are longer than anybody reads.
    """
    place = run.required(root)
    between = f"{run.commit(place, base)}..{run.commit(place, head)}"
    shape = "--format=%H%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%B"
    words = ("log", "-z", "--no-color", "--no-show-signature", "--no-patch", "--encoding=UTF-8", f"-n{_MOST}", shape)
    process = run.start(place.folder, *words, between)
    assert process.stdout is not None  # noqa: S101 - a pipe
    output = process.stdout.read(_TEXT + 1)
    if len(output) > _TEXT:
        process.kill()
        process.communicate()
        raise differing.ExcessError(f"the messages of {between} have more than {_TEXT // 2**20} MiB: shorten them")
    run.finish(process)
    fields = output.decode(errors="replace").split("\0")
    return tuple(_proposed(*fields[start : start + 7]) for start in range(0, len(fields) - 6, 7))[::-1]


def _proposed(
    identifier: str, parents: str, author: str, email: str, committer: str, committer_email: str, message: str
) -> Proposed:
    makers = {(author.casefold(), email.casefold()), (committer.casefold(), committer_email.casefold())}
    signed = any((name.casefold(), address.casefold()) in makers for name, address in _sign_offs(message))
    merge = " " in parents
    return Proposed(identifier, author, email, committer, committer_email, merge, signed)


def _sign_offs(message: str) -> Iterator[tuple[str, str]]:
    """Name and address of each `Signed-off-by` line. By hand: a pattern could take hours for a line that is made so."""
    for line in message.split("\n"):
        if line[: len(_SIGNED)].lower() == _SIGNED:
            name, opened, address = line[len(_SIGNED) :].strip().rpartition("<")
            if opened and address.endswith(">"):
                yield name.strip(), address[:-1]


def _require(place: run.Place) -> None:
    said = run.finish(run.start(place.folder, "version")).decode()
    found = re.search(r"(\d+)\.(\d+)", said)
    if found and (int(found[1]), int(found[2])) < _FIRST:
        raise GitError(f"{said.strip()} cannot merge without a work tree: install git 2.38 or newer")
