"""The queue: its order, whose turn took how long, first answers, and what our comment keeps of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from forges.accounts import BOB, EVE, MALLORY, ROBOT
from forges.memory import START, Hub
from galleryctl.changes import Change, Kind
from galleryctl.forge import Note
from galleryctl.reviewing import queue
from galleryctl.reviewing.queue import Wait
from galleryctl.spec.review import Answers, QueuedPull, Remark, Review
from verdicts import DIGEST, verdict

HOUR = dt.timedelta(hours=1)
HEAD = "a" * 40
PULL = Hub().seed(MALLORY, HEAD, title="Add acme/foo")
OPENED = PULL.opened


def at(hours: float) -> dt.datetime:
    return OPENED + hours * HOUR


def judged(
    hours: float = 0, *, before: QueuedPull | None = None, seen: tuple[float, ...] = (), **given: object
) -> QueuedPull:
    return queue.judged(
        PULL, verdict(**given), before=before, seen=[at(each) for each in seen], now=at(hours), first=True, files=4
    )


def test_what_is_known_after_a_verdict() -> None:
    found = judged(problems=(DIGEST,), changes=(Change("acme/bar", Kind.FIELD_CHANGED, type="llm"),))
    assert found == QueuedPull(
        number=1, title="Add acme/foo", url=PULL.url, author="mallory", first=True, models=("acme/bar",),
        kinds=("text",), risks=("licence",), lane="manual", turn="owner", waiting_on=("ada", "bob"),
        why="An owner of acme/bar has to approve.", since=OPENED, checks="problems", codes=("IMM002",), files=4,
        head=HEAD, opened=OPENED,
    )  # fmt: skip


@pytest.mark.parametrize(("conflicts", "checks"), [(True, "unknown"), (False, "ok")])
def test_a_conflict_leaves_checks_unknown(conflicts: bool, checks: str) -> None:
    found = queue.judged(PULL, verdict(), before=None, seen=[], now=at(0), first=True, files=1, conflicts=conflicts)
    assert found.checks == checks


def test_a_subject_that_is_no_id_is_left_out() -> None:
    odd = Change("acme/<b>", Kind.FIELD_CHANGED, type="llm")
    assert judged(changes=(odd,)).models == ()


def test_turns_pass_when_something_was_recorded() -> None:
    first = judged(1)
    assert (first.since, first.spent) == (OPENED, {})
    same = judged(4, before=first, seen=(3,))
    assert (same.since, same.spent) == (OPENED, {})
    second = judged(9, before=same, seen=(2, 6, 12), turn="author")
    assert (second.since, second.spent) == (at(6), {"owner": 6 * 3600})
    third = judged(20, before=second, turn="owner")
    assert (third.since, third.spent) == (at(20), {"author": 14 * 3600, "owner": 6 * 3600})


def test_a_clock_ends_when_it_ends() -> None:
    clock = judged(1, turn="clock", lane="release", earliest=at(2))
    done = judged(5, before=clock, state="success", turn="us", lane="release", earliest=at(2))
    assert (done.since, done.spent) == (at(2), {"clock": 2 * 3600})


def test_the_oldest_turn_of_reviewers_comes_first() -> None:
    rows = [
        QueuedPull(number=number, title="", url="", author="", turn=turn, since=at(since))
        for number, turn, since in (
            (1, "author", 0), (2, "clock", 0), (3, "us", 0), (4, "reviewer", 5), (5, "steward", 2), (6, "owner", 9),
        )
    ]  # fmt: skip
    found = queue.queue(rows, now=at(10), target=60, answers=Answers())
    assert [pull.number for pull in found.pulls] == [5, 4, 6, 3, 2, 1]
    assert found.pulls[0].spent == {"steward": 8 * 3600}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([], Answers()),
        ([None], Answers()),
        ([60], Answers(median=60, p95=60)),
        ([30, None, 10], Answers(median=10, p95=30)),
        (range(1, 101), Answers(median=50, p95=95)),
    ],
)
def test_first_answers(seconds: list[int | None], expected: Answers) -> None:
    assert queue.answers(Wait(OPENED, each) for each in seconds) == expected


def test_an_answer_is_given_by_another_person() -> None:
    later = [at(hours) for hours in range(6)]
    remarks = [
        Remark(by=MALLORY.known, at=later[1], text="Hello?"),
        Remark(by=ROBOT.known, at=later[2], text="### Waiting"),
        Remark(by=BOB.known, at=later[3], text="Our account is a person's.\n\n<!-- galleryctl:1 -->"),
        Remark(by=BOB.known, at=later[5], text="Looks good."),
    ]
    reviews = [Review(by=EVE.known, state="commented", commit=HEAD, at=later[4])]
    assert queue.wait(PULL, reviews, remarks).seconds == 4 * 3600
    assert queue.wait(PULL, (), remarks[:3]).seconds is None


# -- what our comment keeps


def note(text: str) -> Note:
    return Note(1, ROBOT.known, START, text)


def test_what_our_comment_keeps_comes_back() -> None:
    found = judged(9, before=judged(1), seen=(6,), turn="author", problems=(DIGEST,))
    line = queue.remembered(found)
    assert queue.recalled(f"### A comment\n\n{line}\n", PULL) == found
    assert queue.listed(PULL, note(line)) == found


def test_nothing_ends_the_line_early() -> None:
    hostile = "--> </details> @ada\n<!-- galleryctl:1 -->"
    found = judged(why=hostile, waiting_on=(hostile,))
    line = queue.remembered(found)
    assert line.startswith("<!-- galleryctl:queue {")
    assert (line.count("-->"), line.count("<"), "\n" in line) == (1, 1, False)
    known = queue.recalled(line, PULL)
    assert known is not None
    assert known.why == hostile


def test_the_line_is_short() -> None:
    long = judged(why="é" * 9000, waiting_on=tuple(f"{'ü' * 100}{number}" for number in range(30)))
    assert len(queue.remembered(long)) < 7000
    assert queue.recalled(queue.remembered(long), PULL) is not None


@pytest.mark.parametrize(
    "text",
    [
        "", "<!-- galleryctl:queue {} x -->", '<!-- galleryctl:queue {"turn": 7} -->',
        '<!-- galleryctl:queue {"turn": -->', "<!-- galleryctl:queue {[]} -->",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_nothing(text: str) -> None:
    assert queue.recalled(text, PULL) is None


def test_a_newer_head_is_not_judged_yet() -> None:
    line = queue.remembered(judged())
    found = queue.listed(replace(PULL, head="b" * 40), note(line))
    assert (found.turn, found.why, found.checks) == ("us", "Its newest commit is not judged yet.", "unknown")


def test_without_our_comment_labels_tell() -> None:
    names = ("kind/new", "lane/new", "turn/clock", "risk/owners", "fail/IMM002", "first-contribution", "bug", "lane/x")
    found = queue.listed(replace(PULL, labels=names), None)
    assert (found.kinds, found.lane, found.turn, found.risks) == (("new",), "new", "clock", ("owners",))
    assert (found.codes, found.first, found.since) == (("IMM002",), True, OPENED)
    assert queue.listed(PULL, None).turn == "us"


def test_only_what_waits_for_me() -> None:
    rows = [judged(), judged(turn="author", waiting_on=()), judged(turn="reviewer", waiting_on=("bob", "eve"))]
    whole = queue.queue(rows, now=at(1), target=1, answers=Answers())
    assert [pull.turn for pull in queue.chosen(whole, person="bob").pulls] == ["owner", "reviewer"]
    assert [pull.turn for pull in queue.chosen(whole, role="reviewer").pulls] == ["reviewer"]
    assert [pull.turn for pull in queue.chosen(whole, role="owner", person="eve").pulls] == []
    assert len(queue.chosen(whole).pulls) == 3


def test_only_our_own_comment_counts() -> None:
    line = f"{queue.remembered(judged())}\n\n<!-- galleryctl:1 -->"
    notes = [
        Note(1, MALLORY.known, START, line),
        Note(2, ROBOT.known, START, "Hello"),
        Note(3, ROBOT.known, START, line),
    ]
    assert [each.id for each in queue.ours(notes, ROBOT.known)] == [3]
