"""The queue as text for a terminal: a line for each pull request, or a few where the terminal is narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.changes.values import shown
from galleryctl.reviewing import sentences
from galleryctl.reviewing.queue import REVIEWERS
from galleryctl.reviewing.telling import ENDLESS, Page, cells

if TYPE_CHECKING:
    from galleryctl.spec.review import Queue, QueuedPull

_BOLD, _DIM, _YELLOW, _RED = "\x1b[1m", "\x1b[2m", "\x1b[33m", "\x1b[31m"
_WIDE = 90
"""Columns from which it is a table."""
_WAITS = {"us": "the gallery", "clock": "the clock", "author": "its author"}
_HEADS = ("", "waits", "for", "lane", "what", "title")
_NAMES, _MODELS, _TITLE, _WHAT = 2, 3, 20, 30


def queue(whole: Queue, *, width: int = ENDLESS, colour: bool = False) -> str:
    """The whole queue, the longest wait on reviewers first."""
    page = Page(width, colour=colour)
    if not _table(page, whole):
        for pull in whole.pulls:
            _block(page, whole, pull)
    if whole.pulls:
        page.lines.append("")
    page.add(_summary(whole), style=_DIM)
    return str(page)


def _table(page: Page, whole: Queue) -> bool:
    """False where there is nothing, or no room."""
    rows = [_HEADS, *(_row(whole, pull) for pull in whole.pulls)]
    widths = [max(cells(row[column]) for row in rows) for column in range(len(_HEADS) - 1)]
    left = page.width - sum(widths) - 2 * len(widths)
    if len(rows) == 1 or page.width < _WIDE or left < _TITLE:
        return False
    for index, row in enumerate(rows):
        *first, title = row
        start = "  ".join(cell + " " * (wide - cells(cell)) for cell, wide in zip(first, widths, strict=True))
        style = _tone(whole, whole.pulls[index - 1]) if index else _DIM
        page.lines.append(page.styled(f"{start}  {_cut(title, left)}".rstrip(), style))
    return True


def _row(whole: Queue, pull: QueuedPull) -> tuple[str, str, str, str, str, str]:
    what = ", ".join((*pull.kinds, *(f"!{risk}" for risk in pull.risks), *pull.codes))
    return f"#{pull.number}", _age(whole, pull), _whom(pull), pull.lane, _cut(what, _WHAT), shown(pull.title)


def _block(page: Page, whole: Queue, pull: QueuedPull) -> None:
    if page.lines:
        page.lines.append("")
    page.add(f"#{pull.number} {shown(pull.title, 200)}", style=_BOLD)
    said = f"waits {_age(whole, pull)} for {_whom(pull)}"
    page.add(said, indent="  ", style=_tone(whole, pull))
    models = ", ".join(pull.models[:_MODELS]) + (
        f" and {len(pull.models) - _MODELS} more" * (len(pull.models) > _MODELS)
    )
    author = f"by {shown(pull.author, 60)}{', first time' if pull.first else ''}"
    risks = ", ".join(f"!{risk}" for risk in pull.risks)
    facts = (f"lane {pull.lane}", ", ".join(pull.kinds), risks, models, author)
    page.add(" · ".join(fact for fact in facts if fact), indent="  ", style=_DIM)
    if pull.codes:
        page.add(f"to fix: {', '.join(pull.codes)}", indent="  ", style=_RED)


def _age(whole: Queue, pull: QueuedPull) -> str:
    return sentences.age((whole.at - pull.since).total_seconds()) if pull.since else "–"


def _whom(pull: QueuedPull) -> str:
    if pull.turn in _WAITS:
        return _WAITS[pull.turn]
    names = [shown(name, 40) for name in pull.waiting_on[:_NAMES]]
    more = f" +{len(pull.waiting_on) - _NAMES}" if len(pull.waiting_on) > _NAMES else ""
    return f"{pull.turn} {', '.join(names)}{more}".rstrip()


def _tone(whole: Queue, pull: QueuedPull) -> str:
    """What waits for reviewers stands out, more so after the target."""
    if pull.turn not in REVIEWERS:
        return _DIM
    late = pull.since is not None and (whole.at - pull.since).total_seconds() > whole.target
    return _RED if late else _YELLOW


def _summary(whole: Queue) -> str:
    count = len(whole.pulls)
    waiting = sum(pull.turn in REVIEWERS for pull in whole.pulls)
    parts = [
        f"{count} open pull request{'' if count == 1 else 's'}, {waiting} for reviewers" if count else "nothing waits"
    ]
    answers = whole.first_answer
    if answers.median is not None and answers.p95 is not None:
        parts.append(
            f"first answer after {sentences.span(answers.median)}, 19 of 20 within {sentences.span(answers.p95)}"
        )
    return "; ".join(parts)


def _cut(text: str, width: int) -> str:
    if cells(text) <= width:
        return text
    kept = ""
    for letter in text:
        if cells(kept + letter) > width - 1:
            break
        kept += letter
    return f"{kept.rstrip()}…"
