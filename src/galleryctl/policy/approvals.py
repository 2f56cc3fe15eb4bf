"""Reviews as the forge recorded them: which approvals count and why others do not, who blocks, what was set aside.

An approval counts at the head commit, from a person whom base knows by the account's number, who is neither the author
nor the last pusher. It does not matter what anybody's login is now, nor what labels or titles say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from galleryctl.policy.rights import Rights
    from galleryctl.spec.review import Login, Pull, Remark, Review

_OVERRIDE = re.compile(r"^[ \t]*override[ \t]+([A-Z]{3}[0-9]{3})[ \t]*:(.*)$", re.MULTILINE)


_QUOTED = re.compile(r"<!--.*?(?:-->|\Z)|^[ \t]*(```+|~~~+).*?(?:^[ \t]*\1|\Z)", re.MULTILINE | re.DOTALL)
"""Comments that nobody sees, and blocks of code: what stands there is shown, and not said."""


@dataclass(frozen=True)
class Approvals:
    """What reviews amount to."""

    people: frozenset[str]
    """Who approved, in a way that counts."""
    refused: tuple[tuple[str, str], ...]
    """Who approved in vain, and why; the reason is the rest of a sentence."""
    blocking: frozenset[str]
    """People of base who asked for changes and did not lift that since, whatever commit it was about."""
    consenting: frozenset[str]
    """Who said something, as a new maintainer has to: approved or commented, and does not ask for changes."""
    speaking: frozenset[str]
    """Who said something other than an approval."""
    requests: tuple[Request, ...] = field(default=())
    """Rules that reviews ask to set aside, whether or not that counts."""


@dataclass(frozen=True, slots=True)
class Request:
    """A line `override CODE: reason` of a review."""

    code: str
    reason: str
    login: str
    person: str | None
    """Who wrote it, where base knows the account."""
    refused: str
    """Why it does not count, as the rest of a sentence; empty where it may."""


def counted(pull: Pull, head: str, rights: Rights, *, author_may: bool = False) -> Approvals:
    """Read the reviews and comments of a pull request."""
    reviews = sorted(pull.reviews, key=lambda review: review.at)
    people: set[str] = set()
    refused: dict[str, str] = {}
    requests = []
    for each in _by_account(reviews):
        standing = _standing(each)
        for review in standing:
            person = rights.person(review.by)
            reason = _refusal(review, pull, head, rights, author_may=author_may)
            if reason:
                refused.setdefault(review.by.login, reason)
            elif person:
                people.add(person)
                refused.pop(review.by.login, None)
            for code, why in _OVERRIDE.findall(_QUOTED.sub("", review.text)):
                if why.strip():
                    requests.append(Request(code, why.strip(), review.by.login, person, reason))
    return Approvals(
        people=frozenset(people),
        refused=tuple(sorted(refused.items())),
        blocking=frozenset(_blocking(reviews, pull, rights)),
        consenting=frozenset(_consenting(reviews, pull, rights)),
        speaking=frozenset(_speaking(pull, rights)),
        requests=tuple(requests),
    )


def _by_account(reviews: Iterable[Review]) -> Iterator[Sequence[Review]]:
    found: dict[int, list[Review]] = {}
    for review in reviews:
        found.setdefault(review.by.id, []).append(review)
    yield from found.values()


def _standing(reviews: Sequence[Review]) -> Iterator[Review]:
    """Approvals of one account that nothing of its own took back later. A comment takes nothing back."""
    approved: list[Review] = []
    for review in reviews:
        if review.state == "approved":
            approved.append(review)
        elif review.state in {"changes_requested", "dismissed"}:
            approved.clear()
    yield from approved


def _refusal(review: Review, pull: Pull, head: str, rights: Rights, *, author_may: bool) -> str:
    """Why an approval does not count; empty where it does."""
    person = rights.person(review.by)
    if review.by.id == pull.author.id and not (author_may and pull.pusher and pull.pusher.id != pull.author.id):
        return "is the author"
    if pull.pusher and review.by.id == pull.pusher.id:
        return "pushed the newest commit"
    if review.by.bot or (person and rights.is_bot(person)):
        return "is a program"
    if person is None:
        return "is nobody of roles.yaml"
    if review.commit != head:
        return f"approved {review.commit[:7]}, not the newest commit {head[:7]}"
    return ""


def _blocking(reviews: Sequence[Review], pull: Pull, rights: Rights) -> Iterator[str]:
    """A request for changes stands until its author approves, whatever was pushed since, or the forge dismisses it."""
    for each in _by_account(reviews):
        last = [review for review in each if review.state in {"approved", "changes_requested"}][-1:]
        for review in last:
            person = rights.person(review.by)
            if review.state == "changes_requested" and person and review.by.id != pull.author.id:
                yield person


def _speaking(pull: Pull, rights: Rights) -> Iterator[str]:
    logins = [review.by for review in pull.reviews if review.state != "approved"]
    for login in (*logins, *(remark.by for remark in pull.remarks)):
        person = rights.person(login)
        if person:
            yield person


def _consenting(reviews: Sequence[Review], pull: Pull, rights: Rights) -> Iterator[str]:
    spoken: dict[int, tuple[Login, bool]] = {remark.by.id: (remark.by, True) for remark in pull.remarks}
    for review in reviews:
        if review.state != "dismissed":
            refuses = review.state == "changes_requested"
            known = spoken.get(review.by.id)
            agrees = not refuses and (review.state == "approved" or known is None or known[1])
            spoken[review.by.id] = (review.by, agrees)
    spoken[pull.author.id] = (pull.author, True)  # proposing it is agreeing to it
    for login, agrees in spoken.values():
        person = rights.person(login)
        if agrees and person and not login.bot:
            yield person


def matched(slots: Sequence[frozenset[str]], present: Iterable[str]) -> Mapping[int, str]:
    """Fill as many slots as there are people for, nobody twice: slot → person."""
    people = sorted(present)
    taken: dict[str, int] = {}

    def place(slot: int, tried: set[str]) -> bool:
        for person in people:
            if person in slots[slot] and person not in tried:
                tried.add(person)
                if person not in taken or place(taken[person], tried):
                    taken[person] = slot
                    return True
        return False

    for slot in range(len(slots)):
        place(slot, set())
    return {slot: person for person, slot in taken.items()}


def objections(pull: Pull, start: dt.datetime, end: dt.datetime) -> tuple[str, ...]:
    """Logins of people other than the author who said something while a clock ran, without `[noblock]`; sorted."""
    reviews = (review for review in pull.reviews if review.state in {"commented", "changes_requested"})
    spoken: list[Review | Remark] = [*pull.remarks, *reviews]
    return tuple(
        sorted(
            {
                said.by.login
                for said in spoken
                if said.by.id != pull.author.id
                and not said.by.bot
                and start <= said.at < end
                and "[noblock]" not in said.text.lower()
            }
        )
    )
