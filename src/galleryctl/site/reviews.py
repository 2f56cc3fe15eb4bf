"""The queue of reviews: its page, and what is open about one model. Data is that of one moment, and says so.

Titles and names come from the forge, written by strangers: one line, without characters that nobody sees.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl import canonical, layout
from galleryctl.output import Output
from galleryctl.site import wording
from galleryctl.spec.review import KINDS, LANES, OTHERS, RISKS
from galleryctl.spec.review import TURNS as WHOSE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.gallery import Outline
    from galleryctl.site.frame import Frame
    from galleryctl.spec.review import Queue, QueuedPull

TURNS = {
    "reviewer": "Reviewer",
    "owner": "Owner",
    "steward": "Steward",
    "clearance": "Clearance",
    "admin": "Admin",
    "author": "Author",
    "clock": "Clock",
    "us": "Gallery",
}
"""Whose turn it may be, in the order of the buttons."""
_LEGEND: tuple[tuple[str, str, Mapping[Any, str]], ...] = (
    ("Kinds", "kind/", KINDS),
    ("Lanes", "lane/", LANES),
    ("Turns", "turn/", WHOSE),
    ("Risks", "risk/", RISKS),
    ("Others", "", OTHERS),
)
"""Labels on the forge link here."""
_LONGEST = 160
_CHECKS = {"ok": ("ok", "ok", "passed"), "problems": ("bad", "warn", "problems"), "unknown": ("line", "", "not known")}
_NOT_REVIEWERS = frozenset({"author", "clock", "us"})


class Mention(NamedTuple):
    """A model that a pull request changes; without `href` the gallery does not hold it."""

    id: str
    href: str


class Row(NamedTuple):
    """One open pull request."""

    number: int
    title: str
    href: str
    author: str
    first: bool
    models: tuple[Mention, ...]
    more: int
    kinds: tuple[str, ...]
    risks: tuple[str, ...]
    turn: str
    turn_title: str
    waiting_on: str
    why: str
    waited: str
    share: int
    """Of the target, in percent, 100 at most."""
    over: bool
    since: str
    since_day: str
    lane: str
    lane_note: str
    checks: tuple[str, str, str]
    codes: tuple[str, ...]
    author_share: int
    spent: str
    files: int


def outputs(frame: Frame) -> Iterator[Output]:
    """The page and the document of the queue; the page alone where nobody told what is open."""
    queue = frame.view.queue
    data = canonical.dumps(queue.model_dump(mode="json", exclude_none=True)) if queue else b""
    known = "".join(sorted(model for pull in (queue.pulls if queue else ()) for model in _known(frame, pull)))
    key = frame.fingerprint("review", canonical.digest(data), known)
    yield frame.output("review/index.html", "review.html", key, partial(_page, frame, queue))
    if queue is not None:
        yield Output("review/queue.json", canonical.digest(data), partial(bytes, data))


def key(frame: Frame, identifier: str) -> str:
    """What the part about open reviews of a model's page depends on."""
    queue = frame.view.queue
    if queue is None:
        return ""
    return f"{queue.at.isoformat()}{[pull.model_dump_json() for pull in queue.pulls if identifier in pull.models]}"


def about(frame: Frame, outline: Outline) -> dict[str, Any]:
    """What is open about one model."""
    queue = frame.view.queue
    pulls = [pull for pull in queue.pulls if outline.id in pull.models] if queue else []
    return {
        "known": queue is not None,
        "at": wording.iso(queue.at) if queue else "",
        "at_day": _moment(queue.at) if queue else "",
        "rows": [_row(frame, pull, queue) for pull in pulls] if queue else [],
    }


def by_publisher(frame: Frame, publisher: str) -> list[Row]:
    """What is open about the models of a publisher."""
    queue = frame.view.queue
    if queue is None:
        return []
    return [
        _row(frame, pull, queue)
        for pull in queue.pulls
        if any(model.startswith(f"{publisher}/") for model in pull.models)
    ]


def _page(frame: Frame, queue: Queue | None) -> dict[str, Any]:
    rows = [_row(frame, pull, queue) for pull in queue.pulls] if queue else []
    counts = {turn: sum(row.turn == turn for row in rows) for turn in TURNS}
    return {
        "nav": "review",
        "title": "Review queue",
        "description": "Open pull requests, the longest wait on reviewers first.",
        "noindex": False,
        "known": queue is not None,
        "rows": rows,
        "turns": [(turn, title, counts[turn]) for turn, title in TURNS.items() if counts[turn]],
        "at": wording.iso(queue.at) if queue else "",
        "at_day": _moment(queue.at) if queue else "",
        "target": duration(queue.target) if queue else "",
        "median": duration(queue.first_answer.median) if queue and queue.first_answer.median is not None else "",
        "slowest": duration(queue.first_answer.p95) if queue and queue.first_answer.p95 is not None else "",
        "late": sum(row.over for row in rows),
        "legend": [
            (family, [(f"{prefix}{word}".replace("/", "-"), f"{prefix}{word}", said) for word, said in words.items()])
            for family, prefix, words in _LEGEND
        ],
        "pulls": wording.safe(f"{frame.view.settings.repository}/pulls") if frame.view.settings.repository else "",
    }


def _row(frame: Frame, pull: QueuedPull, queue: Queue) -> Row:
    known = set(_known(frame, pull))
    models = [
        Mention(model, layout.address(layout.model_page(model)) if model in known else "") for model in pull.models[:3]
    ]
    waited = int((queue.at - pull.since).total_seconds()) if pull.since else 0
    theirs = pull.turn not in _NOT_REVIEWERS
    by_author = pull.spent.get("author", 0)
    by_others = sum(seconds for turn, seconds in pull.spent.items() if turn not in _NOT_REVIEWERS)
    together = by_author + by_others
    return Row(
        number=pull.number,
        title=plain(pull.title),
        href=wording.safe(pull.url),
        author=plain(pull.author),
        first=pull.first,
        models=tuple(models),
        more=len(pull.models) - len(models),
        kinds=pull.kinds,
        risks=pull.risks,
        turn=pull.turn,
        turn_title=TURNS[pull.turn],
        waiting_on=", ".join(pull.waiting_on[:3])
        + (f" and {len(pull.waiting_on) - 3} more" if pull.waiting_on[3:] else ""),
        why=plain(pull.why),
        waited=duration(waited) if pull.since else "not known",
        share=min(100, round(100 * waited / max(queue.target, 1))) if theirs else 0,
        over=theirs and waited > queue.target,
        since=wording.iso(pull.since),
        since_day=_moment(pull.since) if pull.since else "",
        lane=pull.lane,
        lane_note=_lane(pull, queue.at),
        checks=_CHECKS[pull.checks],
        codes=pull.codes,
        author_share=round(100 * by_author / together) if together else 0,
        spent=f"author {duration(by_author)}, others {duration(by_others)}" if together else "",
        files=pull.files,
    )


def _known(frame: Frame, pull: QueuedPull) -> Iterator[str]:
    yield from (model for model in pull.models if model in frame.view.gallery.by_id)


def _lane(pull: QueuedPull, at: dt.datetime) -> str:
    if pull.earliest is None:
        return ""
    left = int((pull.earliest - at).total_seconds())
    return f"in {duration(left)}" if left > 0 else "time is up"


def duration(seconds: int) -> str:
    """`4 d 3 h`, `2 h`, `8 min`: two units at most."""
    minutes = max(0, seconds) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    return f"{hours} h" if hours else f"{rest} min"


def _moment(when: dt.datetime) -> str:
    return f"{wording.day(when.date())}, {when.astimezone(dt.UTC):%H:%M} UTC"


def plain(text: str) -> str:
    """One line of a stranger's text, without what nobody sees."""
    kept = "".join(character for character in text if unicodedata.category(character) not in {"Cc", "Cf", "Co", "Cs"})
    line = " ".join(kept.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
