"""The queue of reviews: whose turn it has been since when, what each turn took, and how long first answers take.

Times are those that the forge recorded. What was known at the last sweep stands in our own comment as a line that
nobody sees; it is read for this queue and for nothing that decides.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, NamedTuple, get_args

from pydantic import ValidationError

from galleryctl import changes
from galleryctl.problems import Severity
from galleryctl.reviewing import comment, labels
from galleryctl.spec.base import is_name
from galleryctl.spec.review import Answers, Lane, Queue, QueuedPull, Turn

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

    from galleryctl.forge import Note, PullRequest
    from galleryctl.policy import Verdict
    from galleryctl.spec.review import Login, Remark, Review

REVIEWERS = frozenset({"owner", "reviewer", "steward", "clearance", "admin"})
"""Turns in which an author waits for people."""
_RANKS = {"us": 1, "clock": 2, "author": 3}
_LINE = re.compile(r"^<!-- galleryctl:queue (\{.*\}) -->$", re.MULTILINE)
_MOST, _LONGEST = 20, 6_000
_AFRESH = {"number", "title", "url", "author", "opened"}
"""What the forge says of a pull request at any time, so that it need not be kept."""


def judged(pull: PullRequest, verdict: Verdict, *, before: QueuedPull | None, seen: Sequence[dt.datetime],
           now: dt.datetime, first: bool, files: int, conflicts: bool = False) -> QueuedPull:  # fmt: skip
    """A pull request of the queue after a verdict; `spent` ends where its turn began. A conflict leaves checks unknown.

    `before` is what the last sweep knew, `seen` are the times of reviews, comments and first sights of heads: the turn
    passed at the newest of them. `files` are counted by the judge: the forge leaves them out of its lists.
    """
    since, spent = _turns(pull, verdict.turn, before, seen, now)
    models = [each for each in changes.of_models(verdict.changes) if _is_id(each)]
    errors = any(problem.severity is Severity.ERROR for problem in verdict.problems)
    return _shown(pull).model_copy(
        update={
            "first": first,
            "files": files,
            "models": tuple(models[:_MOST]),
            "kinds": verdict.kinds,
            "risks": verdict.risks,
            "lane": verdict.lane,
            "turn": verdict.turn,
            "waiting_on": verdict.waiting_on[:_MOST],
            "why": verdict.why,
            "since": since,
            "spent": spent,
            "earliest": verdict.earliest,
            "checks": "problems" if errors else "unknown" if conflicts else "ok",
            "codes": labels.failures(verdict),
        }
    )


def _is_id(subject: str) -> bool:
    publisher, _, name = subject.partition("/")
    return is_name(publisher) and is_name(name)


def _shown(pull: PullRequest) -> QueuedPull:
    return QueuedPull(
        number=pull.number,
        title=pull.title,
        url=pull.url,
        author=pull.author.login,
        head=pull.head,
        opened=pull.opened,
    )


def _turns(
    pull: PullRequest, turn: Turn, before: QueuedPull | None, seen: Sequence[dt.datetime], now: dt.datetime
) -> tuple[dt.datetime, dict[str, int]]:
    """When the turn began, and the seconds of the turns before."""
    if before is None or before.since is None:
        return pull.opened, {}
    if before.turn == turn:
        return before.since, dict(before.spent)
    ended = [before.earliest] if before.turn == "clock" and before.earliest else []
    moment = max((each for each in (*seen, *ended) if before.since < each <= now), default=now)
    return moment, _added(before.spent, before.turn, (moment - before.since).total_seconds())


def _added(spent: dict[str, int], turn: Turn, seconds: float) -> dict[str, int]:
    total = spent | {turn: spent.get(turn, 0) + int(seconds)}
    return {name: count for name, count in sorted(total.items()) if count > 0}


def remembered(queued: QueuedPull) -> str:
    """A line of our comment that nobody sees. No text can end it, whatever it says."""
    kept = queued.model_dump(mode="json", exclude=_AFRESH, exclude_defaults=True)
    for shorter in ({}, {"why": ""}, {"why": "", "models": ()}, {"why": "", "models": (), "waiting_on": ()}):
        text = json.dumps({**kept, **shorter}, separators=(",", ":"))
        text = text.replace("-", "\\u002d").replace("<", "\\u003c").replace(">", "\\u003e")
        if len(text) <= _LONGEST:
            return f"<!-- galleryctl:queue {text} -->"
    return ""


def recalled(text: str, pull: PullRequest) -> QueuedPull | None:
    """What our comment keeps about a pull request; none where it keeps nothing that can be read."""
    found = _LINE.findall(text)
    if not found:
        return None
    fresh = _shown(pull).model_dump(mode="json", include=_AFRESH)
    try:
        return QueuedPull.model_validate_json(json.dumps({**json.loads(found[-1]), **fresh}), extra="ignore")
    except (ValidationError, ValueError, TypeError):  # an older version wrote it, or somebody edited our comment
        return None


def ours(notes: Iterable[Note], account: Login) -> list[Note]:
    """Comments that are the one comment: by marker and author. Oldest first."""
    return [note for note in notes if note.by.id == account.id and comment.MARKER in note.text]


def listed(pull: PullRequest, note: Note | None) -> QueuedPull:
    """A pull request of the queue without judging it: what our comment keeps, else what our labels say."""
    known = recalled(note.text, pull) if note else None
    if known is not None and known.head == pull.head:
        return known
    if known is not None:
        why = "Its newest commit is not judged yet."
        return known.model_copy(update={"turn": "us", "waiting_on": (), "why": why, "checks": "unknown", "head": ""})
    turns, lanes = (list(labels.told(pull.labels, family)) for family in ("turn", "lane"))
    return _shown(pull).model_copy(
        update={
            "first": "first-contribution" in pull.labels,
            "kinds": tuple(labels.told(pull.labels, "kind")),
            "risks": tuple(labels.told(pull.labels, "risk")),
            "codes": tuple(labels.told(pull.labels, "fail")),
            "turn": next((turn for turn in turns if turn in get_args(Turn)), "us"),
            "lane": next((lane for lane in lanes if lane in get_args(Lane)), "manual"),
            "since": pull.opened,
            "head": "",
        }
    )


def queue(pulls: Iterable[QueuedPull], *, now: dt.datetime, target: int, answers: Answers) -> Queue:
    """The document: the oldest turn of reviewers first, then ours, the clock's and the authors'."""
    counted = [_until(pull, now) for pull in pulls]
    ordered = sorted(counted, key=lambda pull: (_RANKS.get(pull.turn, 0), pull.since or now, pull.number))
    return Queue(at=now, target=target, first_answer=answers, pulls=tuple(ordered))


def _until(pull: QueuedPull, now: dt.datetime) -> QueuedPull:
    if pull.since is None:
        return pull
    seconds = max(0.0, (now - pull.since).total_seconds())
    return pull.model_copy(update={"spent": _added(pull.spent, pull.turn, seconds)})


class Wait(NamedTuple):
    """How long one author waited for the first answer of a person; none while there is none."""

    opened: dt.datetime
    seconds: float | None


def wait(pull: PullRequest, reviews: Iterable[Review], remarks: Iterable[Remark]) -> Wait:
    """The first answer is a review or comment by somebody else who is no program."""
    said: list[Review | Remark] = [*reviews, *remarks]
    people = [each for each in said if not each.by.bot and each.by.id != pull.author.id]
    times = [each.at for each in people if comment.MARKER not in each.text]
    return Wait(pull.opened, max(0.0, (min(times) - pull.opened).total_seconds()) if times else None)


def answers(waits: Iterable[Wait]) -> Answers:
    """Median and 95th percentile, by nearest rank; nothing where nobody was answered."""
    found = sorted(each.seconds for each in waits if each.seconds is not None)
    if not found:
        return Answers()
    median, p95 = (int(found[math.ceil(share * len(found)) - 1]) for share in (0.5, 0.95))
    return Answers(median=median, p95=p95)


def chosen(whole: Queue, *, role: str = "", person: str = "") -> Queue:
    """Only what waits for a role, or for one person of `roles.yaml`."""
    return whole.model_copy(update={"pulls": tuple(_choose(whole.pulls, role, person))})


def _choose(pulls: Sequence[QueuedPull], role: str, person: str) -> Iterator[QueuedPull]:
    for pull in pulls:
        if role in {"", pull.turn} and (not person or person in pull.waiting_on):
            yield pull
