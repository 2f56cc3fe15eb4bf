"""From verdicts to what the forge shows: one status, labels, one comment, requests for review. Twice is once.

Everything is recomputed each time and written only where it differs, so a run that is cut off is completed by the next
one. What fails on our side for one pull request is said there and does not hold up the others.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from galleryctl.errors import GalleryError
from galleryctl.forge import ForgeError
from galleryctl.reviewing import comment, labels, queue
from galleryctl.reviewing.comment import MARKER, Links, Report
from galleryctl.reviewing.markdown import plain
from galleryctl.spec.review import Pull, QueuedPull

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from galleryctl.forge import Forge, Mark, Note, PullRequest
    from galleryctl.policy import Verdict
    from galleryctl.spec import Roles
    from galleryctl.spec.review import Login, Remark, Review, State

CONTEXT = "galleryctl/verdict"
"""Name of the status."""
ASKED = 2
"""How many people are asked for a review at a time."""
_MENTION = re.compile(r"<!-- galleryctl:asked ((?:[A-Za-z0-9-]+ )+)-->")
_LOGIN = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}").fullmatch
_WORST: tuple[State, ...] = ("failure", "error", "pending", "success")
_WINDOW, _CLOSED = dt.timedelta(days=30), 200  # what first answers are counted over: two calls for each
_PATIENCE = 3  # pull requests in a row that the forge may fail for, before it counts as down
_AUTHORS = "turn author, "
_NEW = "turn us, lane manual: it is being judged"
_FAILED = "turn us, lane manual: something on our side failed; it is tried again by itself"


class Judged(Protocol):
    """What the sweep needs of a judgement."""

    @property
    def verdict(self) -> Verdict: ...

    @property
    def base(self) -> str:
        """Commit of the default branch that it was judged on."""

    @property
    def conflicts(self) -> Sequence[str]: ...

    @property
    def files(self) -> int: ...


@dataclass(frozen=True)
class Desk:
    """What a sweep works with."""

    forge: Forge
    account: Login
    """Ours: only its statuses and comments count as ours."""
    judge: Callable[[PullRequest, Pull], Judged]
    """Raises `GalleryError` where it cannot."""
    links: Links
    roles: Roles
    """Of the base revision."""
    now: dt.datetime
    stale: dt.timedelta
    target: dt.timedelta
    """Within which an author may expect a first answer."""
    preview: str = ""
    """Address of the preview, where only one pull request is swept."""


@dataclass(frozen=True)
class Facts:
    """What the forge recorded about one pull request."""

    pull: PullRequest
    reviews: tuple[Review, ...]
    remarks: tuple[Remark, ...]
    notes: tuple[Note, ...]
    marks: tuple[Mark, ...]
    """Statuses of its head, also those of others."""
    pusher: Login | None
    """Who pushed its head last, where the forge says so."""

    def ours(self, account: Login) -> list[Mark]:
        return [mark for mark in self.marks if mark.by is not None and mark.by.id == account.id]

    def recorded(self, account: Login) -> Pull:
        """The input of a verdict: no output of ours is part of it."""
        own = (MARKER, "<!-- galleryctl:asked ")
        return Pull(
            author=self.pull.author,
            pusher=self.pusher,
            reviews=self.reviews,
            remarks=tuple(
                each for each in self.remarks if each.by.id != account.id or not any(mark in each.text for mark in own)
            ),
            since=_begun(self.ours(account)),
            opened=self.pull.opened,
            draft=self.pull.draft,
        )


def _begun(marks: Sequence[Mark]) -> dt.datetime | None:
    """When a head was first seen, but not as a draft or with mistakes: nobody looks at what is its author's turn."""
    last = max((index for index, mark in enumerate(marks) if mark.description.startswith(_AUTHORS)), default=-1)
    return min((mark.at for mark in marks[last + 1 :]), default=None)


@dataclass
class Swept:
    """What a sweep did."""

    pulls: list[QueuedPull] = field(default_factory=list)
    waits: list[queue.Wait] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    """Pull requests that failed on our side, with the reason."""


@dataclass(frozen=True)
class _Result:
    facts: Facts
    judged: Judged


def facts(forge: Forge, pull: PullRequest) -> Facts:
    """Ask the forge for all that it recorded about a pull request."""
    return Facts(
        pull=pull,
        reviews=tuple(forge.reviews(pull.number)),
        remarks=tuple(forge.remarks(pull.number)),
        notes=tuple(forge.notes(pull.number)),
        marks=tuple(forge.marks(pull.head, CONTEXT)),
        pusher=forge.pusher(pull),
    )


def sweep(desk: Desk, pulls: Iterable[PullRequest]) -> Swept:
    """Judge pull requests and write what differs. Those into another branch than the default one are told so.

    All open pull requests that share a head have to be among `pulls`: their one status is the worst verdict.
    """
    done = Swept()
    heads: dict[str, list[PullRequest]] = defaultdict(list)
    for pull in pulls:
        if pull.base == desk.links.branch:
            heads[pull.head].append(pull)
        else:
            _guarded(done, pull, lambda pull=pull: _astray(desk, pull))  # type: ignore[misc]  # bound now
    row = 0
    for group in heads.values():
        before = len(done.failed)
        _head(desk, group, done)
        row = row + 1 if len(done.failed) > before and _down(desk) else 0
        if row == _PATIENCE:
            raise ForgeError(f"the forge does not answer; the sweep stopped: {next(reversed(done.failed.values()))}")
    return done


def _down(desk: Desk) -> bool:
    try:
        desk.forge.me()
    except ForgeError:
        return True
    return False


def _guarded(done: Swept, pull: PullRequest, act: Callable[[], None]) -> bool:
    """Whether it went well; else the reason is kept."""
    try:
        act()
    except GalleryError as error:
        done.failed[pull.number] = str(error)
    except Exception as error:  # noqa: BLE001 - a bug that one pull request meets must not hide the others
        done.failed[pull.number] = f"a bug in galleryctl, {type(error).__name__}: {error}"
    return pull.number not in done.failed


def _head(desk: Desk, group: Sequence[PullRequest], done: Swept) -> None:
    """One head: judge its pull requests, write the worst as its status, then what each shows."""
    results: list[_Result] = []

    def judge(pull: PullRequest) -> None:
        found = _seen(desk, facts(desk.forge, pull))
        results.append(_Result(found, desk.judge(pull, found.recorded(desk.account))))

    for pull in group:
        _guarded(done, pull, lambda pull=pull: judge(pull))  # type: ignore[misc]  # bound now
    broken = [pull for pull in group if pull.number in done.failed]
    _guarded(done, group[0], lambda: _status(desk, group[0].head, results, failed=bool(broken)))
    for pull in broken:
        with suppress(ForgeError):  # it is said already; the next run writes what this one could not
            desk.forge.label(pull.number, labels.broken(desk.links.site))
    for result in results:
        _guarded(done, result.facts.pull, lambda result=result: _shown(desk, result, done))  # type: ignore[misc]


def _seen(desk: Desk, found: Facts) -> Facts:
    """A head that is new gets a status at once: its time, as the forge has it, is when clocks start."""
    if found.ours(desk.account):
        return found
    desk.forge.mark(found.pull.head, CONTEXT, "pending", _NEW, found.pull.url)
    return replace(found, marks=tuple(desk.forge.marks(found.pull.head, CONTEXT)))


def _status(desk: Desk, head: str, results: Sequence[_Result], *, failed: bool) -> None:
    states = [(result.judged.verdict.state, described(result.judged), result.facts.pull.url) for result in results]
    if failed:
        states.append(("error", _FAILED, ""))
    state, text, address = min(states, key=lambda each: _WORST.index(each[0]))
    text = plain(text, 140)
    marks = results[0].facts.marks if results else tuple(desk.forge.marks(head, CONTEXT))
    last = marks[-1] if marks else None
    ours = last is not None and last.by is not None and last.by.id == desk.account.id
    if last is None or not ours or (last.state, last.description) != (state, text):
        desk.forge.mark(head, CONTEXT, state, text, address)


def described(judged: Judged) -> str:
    """The text of a status: what `merge` and the queue can read, then the sentence for people."""
    verdict = judged.verdict
    if verdict.state == "success":
        return f"ready, lane {verdict.lane}, base {judged.base[:12]}: {verdict.why}"
    return f"turn {verdict.turn}, lane {verdict.lane}: {verdict.why}"


def _shown(desk: Desk, result: _Result, done: Swept) -> None:
    """Labels, comment and requests of one pull request."""
    found, verdict, pull = result.facts, result.judged.verdict, result.facts.pull
    own = queue.ours(found.notes, desk.account)
    before = queue.recalled(own[-1].text, pull) if own else None
    first = before.first if before else not desk.forge.contributed(pull.author)
    marks = found.ours(desk.account)
    said: list[Review | Remark] = [*found.reviews, *found.remarks]
    seen = [each.at for each in said if each.by.id != desk.account.id]
    queued = queue.judged(
        pull,
        verdict,
        before=before,
        conflicts=bool(result.judged.conflicts),
        seen=[*seen, *([marks[0].at] if marks else [])],
        now=desk.now,
        first=first,
        files=result.judged.files,
    )
    stale = queued.since is not None and desk.now - queued.since > desk.stale
    waited = queue.wait(pull, found.reviews, found.remarks)
    done.pulls.append(queued)
    done.waits.append(waited)
    desk.forge.label(pull.number, labels.labels(verdict, desk.links.site, first=first, stale=stale))
    reviewers = verdict.turn in queue.REVIEWERS or verdict.state == "error"
    report = Report(
        verdict=verdict,
        number=pull.number,
        author=pull.author.login,
        head=pull.head,
        branch=pull.branch,
        answer=pull.opened + desk.target if reviewers and waited.seconds is None else None,
        conflicts=tuple(result.judged.conflicts),
        preview=desk.preview,
        checks=f"{pull.url}/checks" if pull.url else "",
    )
    done.reports.append(report)
    memory = queue.remembered(queued)
    if not own or not comment.unchanged(own[-1].text, report, desk.links, memory=memory):
        _say(desk, pull.number, comment.comment(report, desk.links, at=desk.now, memory=memory), own)
    _tidied(desk, own)
    _ask(desk, found, verdict)


def _say(desk: Desk, number: int, text: str, own: Sequence[Note]) -> None:
    """Write the one comment: in place where it is there, else once, also where another run does so at the same time."""
    if not own:
        own = queue.ours(desk.forge.notes(number), desk.account)
    if own:
        desk.forge.edit_comment(own[-1], text)
        return
    desk.forge.comment(number, text)
    _tidied(desk, queue.ours(desk.forge.notes(number), desk.account))


def _tidied(desk: Desk, own: Sequence[Note]) -> None:
    """Older duplicates go."""
    for note in own[:-1]:
        try:
            desk.forge.delete_comment(note)
        except ForgeError as error:
            if not error.missing:  # another run was first
                raise


def _ask(desk: Desk, found: Facts, verdict: Verdict) -> None:
    """Ask at most two people whose turn it is, or mention them once where the forge does not let us ask."""
    if verdict.turn not in queue.REVIEWERS or found.pull.draft:
        return
    wanted = list(_rotated(desk, found, verdict))
    mentioned = {login for note in found.notes if note.by.id == desk.account.id for login in _mentioned(note.text)}
    asked = set(desk.forge.asked(found.pull.number))
    here = [login for login in wanted if login in asked or login in mentioned]
    missing = [login for login in wanted if login not in here][: max(0, ASKED - len(here))]
    if not missing:
        return
    refused = [login for login in desk.forge.ask(found.pull.number, missing) if _LOGIN(login)]
    if refused:
        names = ", ".join(f"@{login}" for login in refused)
        text = f"{names}: it is your turn to look at this.\n\n<!-- galleryctl:asked {' '.join(refused)} -->\n"
        desk.forge.comment(found.pull.number, text)


def _rotated(desk: Desk, found: Facts, verdict: Verdict) -> Iterator[str]:
    """Logins of those whose turn it is, by turns: another pull request begins with another person."""
    done = {review.by.id for review in found.reviews if review.commit == found.pull.head} | {found.pull.author.id}
    people = [desk.roles.people[name] for name in verdict.waiting_on if name in desk.roles.people]
    people = [each for each in people if each.kind == "person" and each.github.id not in done]
    start = found.pull.number % len(people) if people else 0
    yield from (each.github.login for each in [*people[start:], *people[:start]])


def _mentioned(text: str) -> list[str]:
    found = _MENTION.search(text)
    return found[1].split() if found else []


def _astray(desk: Desk, pull: PullRequest) -> None:
    own = queue.ours(desk.forge.notes(pull.number), desk.account)
    text = comment.astray(pull.base, desk.links, number=pull.number, branch=pull.branch)
    if not own or own[-1].text.strip() != text.strip():
        _say(desk, pull.number, text, own)
    _tidied(desk, own)


def closed(forge: Forge, branch: str, *, now: dt.datetime) -> list[queue.Wait]:
    """How long the authors of closed pull requests waited that were opened in the last thirty days."""
    start = now - _WINDOW
    found: list[queue.Wait] = []
    for pull in forge.pulls(state="closed", base=branch):
        if pull.updated < start or len(found) == _CLOSED:
            break
        if pull.opened >= start:
            found.append(queue.wait(pull, forge.reviews(pull.number), forge.remarks(pull.number)))
    return found


def recent(waits: Iterable[queue.Wait], *, now: dt.datetime) -> list[queue.Wait]:
    return [wait for wait in waits if wait.opened >= now - _WINDOW]
