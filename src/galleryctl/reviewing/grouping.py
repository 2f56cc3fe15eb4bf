"""A merge queue: the commit that would become the default branch is judged, with the pull request it is made of.

Number and base stand in the name of a branch that only the forge may write; what was judged has to be what the commit
holds, and its base the default branch or an entry before it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import git
from galleryctl.reviewing import judging, sentences, sweep
from galleryctl.reviewing.markdown import plain

if TYPE_CHECKING:
    from galleryctl.reviewing.fetching import Clone
    from galleryctl.spec.review import Login, State

_QUEUE = "refs/heads/gh-readonly-queue/"


class Group(NamedTuple):
    """One entry of the queue."""

    number: int
    base: str
    """Commit that it was merged into."""
    ref: str


def find(clone: Clone, head: str) -> Group | None:
    """The entry of the queue that a commit belongs to; none where it is no such commit."""
    prefix = f"{_QUEUE}{clone.branch}/"
    refs = [f"{prefix}*", f"refs/heads/{clone.branch}"]
    found = git.advertised(clone.root, clone.forge.clone_url(), refs, clone.token)
    for ref, commit in sorted(found.items()):
        match = re.fullmatch(rf"{re.escape(prefix)}pr-([0-9]+)-([0-9a-f]{{40}})", ref)
        if match and commit == head and match[2] in found.values():
            return Group(int(match[1]), match[2], ref)
    return None


def judge(clone: Clone, group: Group, head: str, account: Login) -> tuple[State, str]:
    """Judge an entry of the queue, write the status of its commit, and return what was written.

    Only success lets it in: whatever else the verdict is takes it out of the queue, where it can be mended.
    """
    address = clone.forge.clone_url()
    git.fetch(clone.root, address, [group.ref, f"refs/pull/{group.number}/head"], clone.token)
    pull = clone.forge.pull(group.number)
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
    verdict = judged.verdict
    state: State = "success" if verdict.state == "success" else "failure"
    said = f"#{group.number}: {sentences.why(verdict)}"
    if state == "success" and not _same(clone, judged.merged, head):
        state, said = "failure", f"#{group.number}: the queue merged something else than was judged"
    clone.forge.mark(head, sweep.CONTEXT, state, plain(said, 140), pull.url)
    return state, said


def _same(clone: Clone, one: str | None, other: str) -> bool:
    """Whether two commits hold the same files."""
    return one is not None and git.at(clone.root, one).entries() == git.at(clone.root, other).entries()
