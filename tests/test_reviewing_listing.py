"""The queue on a terminal: everything fits, at every width, and nothing of a title does more than stand there."""

from __future__ import annotations

import datetime as dt

import pytest

from galleryctl.reviewing import listing, sentences
from galleryctl.reviewing.telling import cells
from galleryctl.spec.review import Answers, Queue, QueuedPull

NOW = dt.datetime(2026, 11, 21, 15, 0, tzinfo=dt.UTC)


def pull(number: int, title: str, hours: float, **given: object) -> QueuedPull:
    since = NOW - dt.timedelta(hours=hours)
    return QueuedPull(number=number, title=title, url="", author="contributor", since=since, **given)


WHOLE = Queue(
    at=NOW,
    first_answer=Answers(median=9 * 3600, p95=61 * 3600),
    pulls=(
        pull(812, "Add acme/foo-7b and say everything that there is to say about it, at length", 101, first=True,
             kinds=("new",), lane="new", turn="reviewer", waiting_on=("bob", "chen", "dora"), models=("acme/foo-7b",)),
        pull(7, "Another licence", 5, kinds=("text",), risks=("licence",), turn="owner", waiting_on=("ada",)),
        pull(9, "模型\u202e\x1b[31m", 49, turn="author", codes=("IMM002", "TAX001"),
             models=("a/a", "a/b", "a/c", "a/d")),
        pull(10, "Clock", 0.1, kinds=("release",), lane="release", turn="clock"),
    ),
)  # fmt: skip


def test_a_table() -> None:
    assert listing.queue(WHOLE, width=100).splitlines() == [
        "      waits      for                    lane     what            title",
        "#812  4 days     reviewer bob, chen +1  new      new             Add acme/foo-7b and say everything…",
        "#7    5 hours    owner ada              manual   text, !licence  Another licence",
        "#9    2 days     its author             manual   IMM002, TAX001  模型\\u202e\\x1b[31m",
        "#10   6 minutes  the clock              release  release         Clock",
        "",
        "4 open pull requests, 2 for reviewers; first answer after 9 hours, 19 of 20 within 3 days",
    ]


def test_blocks() -> None:
    assert listing.queue(WHOLE, width=60).splitlines()[:9] == [
        "#812 Add acme/foo-7b and say everything that there is to say",
        "about it, at length",
        "  waits 4 days for reviewer bob, chen +1",
        "  lane new · new · acme/foo-7b · by contributor, first time",
        "",
        "#7 Another licence",
        "  waits 5 hours for owner ada",
        "  lane manual · text · !licence · by contributor",
        "",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 90, 100, 120])
def test_it_fits(width: int) -> None:
    text = listing.queue(WHOLE, width=width)
    assert max(map(cells, text.splitlines())) <= width
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert all(f"#{each.number} " in text for each in WHOLE.pulls)


def test_late_ones_are_red() -> None:
    lines = listing.queue(WHOLE, width=100, colour=True).splitlines()
    assert [line.startswith(style) for line, style in zip(lines[1:3], ("\x1b[31m", "\x1b[33m"), strict=True)] == [
        True
    ] * 2


def test_nothing_waits() -> None:
    assert listing.queue(Queue(at=NOW), width=100) == "nothing waits\n"


@pytest.mark.parametrize(
    ("seconds", "before", "after"),
    [
        (0, "a minute", "a minute"),
        (61, "2 minutes", "a minute"),
        (480, "8 minutes", "8 minutes"),
        (119 * 60, "119 minutes", "119 minutes"),
        (7201, "3 hours", "2 hours"),
        (47 * 3600, "47 hours", "47 hours"),
        (49 * 3600, "3 days", "2 days"),
    ],
)
def test_spans(seconds: int, before: str, after: str) -> None:
    assert (sentences.span(seconds), sentences.age(seconds)) == (before, after)
