"""A merge queue: the commit that would become the default branch is judged, with the pull request it is made of.

Number and base stand in the name of a branch. Whoever may push can make such a branch too, so its name proves nothing:
its base has to be the default branch, or an entry that may be merged itself, and the commit has to be what git makes of
the pull request there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import git
from galleryctl.reviewing import judging, sweep
from galleryctl.reviewing.markdown import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.forge import PullRequest
    from galleryctl.reviewing.fetching import Clone
    from galleryctl.spec.review import Login, State

_QUEUE = "refs/heads/gh-readonly-queue/"


class Group(NamedTuple):
    """One entry of the queue."""

    number: int
    commit: str
    base: str
    """Commit that it was merged into."""
    ref: str
    below: Group | None = None
    """The entry that it lies on; none where that is the default branch."""


def find(clone: Clone, head: str) -> Group | None:
    """The entry of the queue that a commit belongs to; none where it is no such commit."""
    prefix, main = f"{_QUEUE}{clone.branch}/", f"refs/heads/{clone.branch}"
    found = git.advertised(clone.root, clone.forge.clone_url(), [f"{prefix}*", main], clone.token)
    known = {}
    for ref, commit in sorted(found.items()):
        if match := re.fullmatch(rf"{re.escape(prefix)}pr-([0-9]+)-([0-9a-f]{{40}})", ref):
            known[commit] = Group(int(match[1]), commit, match[2], ref)
    return _grounded(known, head, found.get(main))


def _grounded(known: Mapping[str, Group], commit: str, main: str | None) -> Group | None:
    """The entry with all that it lies on; none where that does not end at the default branch."""
    group = known.get(commit)
    if group is None or group.base == main:
        return group
    others = {name: each for name, each in known.items() if name != commit}  # names may lead in a circle
    below = _grounded(others, group.base, main)
    return group._replace(below=below) if below else None


def judge(clone: Clone, group: Group, account: Login) -> tuple[State, str]:
    """Judge an entry of the queue, write the status of its commit, and return what was written.

    Only success lets it in: whatever else the verdict is takes it out of the queue, where it can be mended.
    """
    pull = clone.forge.pull(group.number)
    state, said = _judged(clone, group, pull, account)
    said = f"#{group.number}: {said}"
    clone.forge.mark(group.commit, sweep.CONTEXT, state, plain(said, 140), pull.url)
    return state, said


def _judged(clone: Clone, group: Group, pull: PullRequest, account: Login) -> tuple[State, str]:
    below = group.below  # its roles and policy count here, so it is judged before they do
    if below and _judged(clone, below, clone.forge.pull(below.number), account)[0] != "success":
        return "failure", f"it lies on #{below.number}, which may not be merged"
    address = clone.forge.clone_url()
    git.fetch(clone.root, address, [group.ref, f"refs/pull/{group.number}/head"], clone.token)
    judged = judging.judge(
        clone.root,
        clone.registry.name,
        base=group.base,
        head=pull.head,
        pull=sweep.facts(clone.forge, pull).recorded(account),
        now=clone.now,
        ledger=clone.ledger,
        jobs=clone.jobs,
    )
    said = judged.verdict.why
    if judged.verdict.state != "success":
        return "failure", said
    same = judged.merged and not git.touched(git.at(clone.root, judged.merged), git.at(clone.root, group.commit))
    return ("success", said) if same else ("failure", "the queue merged something else than was judged")
