"""A review of exactly the commit that was shown, and whether it will count before it is handed in.

Whether it counts is asked of the policy, by judging once with it and once without: no second opinion about rights.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import policy
from galleryctl.errors import UsageError
from galleryctl.forge import ForgeError
from galleryctl.policy.saying import listed
from galleryctl.spec.review import Review

if TYPE_CHECKING:
    import datetime as dt

    from galleryctl.forge import Forge, PullRequest
    from galleryctl.policy import Need, Verdict
    from galleryctl.reviewing.judging import Judged
    from galleryctl.spec.review import Login, Pull

_CODE = re.compile(r"[A-Z]{3}[0-9]{3}").fullmatch


class Counts(NamedTuple):
    """What a review would do."""

    counts: bool
    said: str
    """A sentence for whoever is about to hand it in."""


def worded(reason: str, override: str = "") -> str:
    """What an approval says; an override is a line of its own, which the verdict looks for."""
    if not override:
        return reason
    code = override.upper()
    if not _CODE(code):
        raise UsageError(f"{override} is no code of a rule; they are like LIC006")
    if not reason.strip():
        raise UsageError("an override is shown with its reason: add --reason TEXT")
    if "\n" in reason.strip():
        raise UsageError("the reason of an override stands on one line")
    return f"override {code}: {reason.strip()}"


def approving(judged: Judged, recorded: Pull, me: Login, text: str, *, now: dt.datetime) -> Counts:
    """Whether an approval of `me` would count, and for what."""
    own = Review(by=me, state="approved", commit=judged.head, at=now, text=text)
    before, after = judged.verdict, _with(judged, recorded, own, now)
    gained = [need for need in after.approvals if not _has(need, before)]
    names = list(dict.fromkeys(f"{need.action} of {need.subject} ({need.role})" for need in gained))
    set_aside = [each.code for each in after.overrides if each not in before.overrides]
    parts = [f"as approval of {listed(names, many=5)}"] if names else []
    parts += [f"as override of {listed(set_aside)}"] if set_aside else []
    if parts:
        return Counts(counts=True, said=f"It counts {' and '.join(parts)}.")
    if after.lane != before.lane or after.earliest != before.earliest:
        return Counts(counts=True, said=f"It counts: the lane is then {after.lane}.")
    if _approved(judged, recorded, me):
        return Counts(counts=False, said="You approved this commit already: once more changes nothing.")
    if me.id == recorded.author.id:
        return Counts(counts=False, said="It does not count: nobody approves what they proposed.")
    if not any(need.missing for need in before.approvals):
        return Counts(counts=False, said="It does not count for anything: no approval is missing.")
    return Counts(
        counts=False, said="It does not count: by the roles of the base branch you may not approve what is missing."
    )


def _approved(judged: Judged, recorded: Pull, me: Login) -> bool:
    """Whether the last word of somebody on this commit was an approval."""
    said = [review for review in recorded.reviews if review.by.id == me.id and review.state != "commented"]
    return bool(said) and (said[-1].state, said[-1].commit) == ("approved", judged.head)


def _has(need: Need, before: Verdict) -> bool:
    """Whether nothing was added to what one need has."""
    same = [
        each
        for each in before.approvals
        if (each.role, each.action, each.subject) == (need.role, need.action, need.subject)
    ]
    return any(set(need.given) <= set(each.given) for each in same) or not need.given


def rejecting(judged: Judged, recorded: Pull, me: Login, text: str, *, now: dt.datetime) -> Counts:
    """Whether a request for changes by `me` would stop it, were nothing else in its way."""
    own = Review(by=me, state="changes_requested", commit=judged.head, at=now, text=text)
    alone = recorded.model_copy(update={"reviews": (own,), "draft": False})
    found = policy.judge(
        judged.compared.comparison, (), alone, head=judged.head, commits=judged.commits, now=now, conflicts=()
    )
    if found.turn == "author":
        return Counts(counts=True, said="It stops the pull request until you approve it, or dismiss your review.")
    return Counts(counts=False, said="It stops nothing: by the roles of the base branch you have no say in this.")


def _with(judged: Judged, recorded: Pull, own: Review, now: dt.datetime) -> Verdict:
    return policy.judge(
        judged.compared.comparison,
        () if judged.conflicts else judged.compared.problems,
        recorded.model_copy(update={"reviews": (*recorded.reviews, own)}),
        head=judged.head,
        commits=judged.commits,
        now=now,
        conflicts=judged.conflicts,
    )


def hand_in(forge: Forge, pull: PullRequest, *, approve: bool, said: str) -> None:
    """Hand the review in, if the head is still the one that was shown."""
    if (newest := forge.pull(pull.number)).head != pull.head:
        raise ForgeError(
            f"#{pull.number} was pushed to meanwhile, from {pull.head[:7]} to {newest.head[:7]}: look at it again",
            conflict=True,
        )
    forge.review(pull.number, pull.head, "APPROVE" if approve else "REQUEST_CHANGES", said)
