"""Merge what the verdict allows: the exact commit that was judged, on the base that it was judged on.

What allows it is a status that our own account wrote last. Where the base has moved since, the verdict is asked again:
two pull requests that are fine apart can be wrong together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from galleryctl.errors import GalleryError
from galleryctl.forge import ForgeError
from galleryctl.reviewing import fetching, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.forge import Mark, PullRequest
    from galleryctl.reviewing.fetching import Base, Clone

_READY = re.compile(r"ready, lane (?P<lane>[a-z]+), base (?P<base>[0-9a-f]{12}): ")


class Account(NamedTuple):
    """Whose statuses count: a numeric id, which is certain, or a login."""

    word: str

    def wrote(self, mark: Mark) -> bool:
        if mark.by is None:
            return False
        if self.word.isdecimal():  # a login may be made of digits, and then it is anybody's
            return self.word == str(mark.by.id)
        return self.word.casefold() == mark.by.login.casefold()


class Outcome(NamedTuple):
    """What became of one pull request."""

    number: int
    merged: bool
    said: str
    failed: bool = False
    """Whether it is our side that failed."""


@dataclass(frozen=True)
class _Allowed:
    """What the last status says."""

    mark: Mark
    lane: str
    base: str


def ready(clone: Clone, account: Account) -> Iterator[Outcome]:
    """Merge all that may be merged by itself, oldest first; lane governance never is."""
    for pull in list(clone.forge.pulls(base=clone.branch)):
        try:
            found = _allowed(clone, account, pull)
            if isinstance(found, _Allowed) and found.lane != "governance":
                yield _merge(clone, pull, found)
        except GalleryError as error:
            yield Outcome(pull.number, merged=False, said=str(error), failed=True)


def one(clone: Clone, account: Account, number: int) -> Outcome:
    """Merge one pull request, in any lane, if its verdict allows it."""
    pull = clone.forge.pull(number)
    if pull.state != "open" or pull.base != clone.branch:
        state = "merged already" if pull.merged else pull.state
        said = f"it is {state}" if pull.state != "open" else f"it goes into {pull.base}, not into {clone.branch}"
        return Outcome(number, merged=False, said=said)
    found = _allowed(clone, account, pull)
    return Outcome(number, merged=False, said=found) if isinstance(found, str) else _merge(clone, pull, found)


def _allowed(clone: Clone, account: Account, pull: PullRequest) -> _Allowed | str:
    """What allows it, else why it is not allowed."""
    marks = clone.forge.marks(pull.head, sweep.CONTEXT)
    if not marks:
        return "it is not judged yet"
    last = marks[-1]
    if not account.wrote(last):
        return f"its last status is not of {account.word}, so it does not count"
    match = _READY.match(last.description)
    if last.state != "success" or match is None:
        return f"its verdict is {last.state}: {last.description}"
    if pull.draft:
        return "it is a draft"
    return _Allowed(last, match["lane"], match["base"])


def _merge(clone: Clone, pull: PullRequest, allowed: _Allowed) -> Outcome:
    onto = fetching.base(clone)
    if not onto.commit.startswith(allowed.base) and (refusal := _again(clone, onto, pull, allowed)):
        return Outcome(pull.number, merged=False, said=refusal)
    try:
        clone.forge.merge(pull.number, pull.head)
    except ForgeError as error:
        if not error.conflict:
            raise
        return Outcome(pull.number, merged=False, said=str(error))
    return Outcome(pull.number, merged=True, said=f"merged {pull.head[:7]}, lane {allowed.lane}")


def _again(clone: Clone, onto: Base, pull: PullRequest, allowed: _Allowed) -> str:
    """Why it may not be merged into the base as it is now; empty where it may."""
    if allowed.mark.by is None:
        raise AssertionError("unreachable: somebody wrote it")
    fetching.heads(clone, [pull])
    recorded = sweep.facts(clone.forge, pull).recorded(allowed.mark.by)
    verdict = fetching.judge(clone, onto, pull, recorded).verdict
    if verdict.state == "success":
        return ""
    return f"the base has moved, and its verdict is now {verdict.state}: {verdict.why}"
