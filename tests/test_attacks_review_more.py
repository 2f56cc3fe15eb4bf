"""Attacks on what surrounds a verdict: its clock, who wrote a status, what goes elsewhere in our name."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from forges.accounts import ADA, MALLORY, ROBOT
from forges.memory import Hub
from galleryctl.forge import Mark
from galleryctl.reviewing import merging
from galleryctl.reviewing.sweep import Facts
from galleryctl.spec.review import Login
from proposing import NOW, ROLES, Story
from test_attacks_review import like

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOUR = dt.timedelta(hours=1)


# -- clocks


def facts(*marks: tuple[str, dt.datetime]) -> Facts:
    pull = Hub().seed(MALLORY, "a" * 40)
    return Facts(pull, (), (), (), tuple(Mark("pending", text, at, ROBOT.known) for text, at in marks), None)


@pytest.mark.parametrize(
    ("marks", "since"),
    [
        ([("turn us, lane manual: it is being judged", NOW)], NOW),
        ([("turn us, lane manual: it", NOW), ("turn clock, lane new: wait", NOW + HOUR)], NOW),
        ([("turn us, lane manual: it", NOW), ("turn author, lane new: It is a draft", NOW + HOUR)], None),
        ([("turn author, lane new: It is a draft", NOW), ("turn clock, lane new: wait", NOW + HOUR)], NOW + HOUR),
        ([], None),
    ],
    ids=["new", "waiting", "a draft", "no draft any more", "not seen"],
)
def test_a_draft_waits_for_nobody_to_look_at_it(
    marks: list[tuple[str, dt.datetime]], since: dt.datetime | None
) -> None:
    """Else a draft is left alone for three days, made ready, and merged at once."""
    assert facts(*marks).recorded(ROBOT.known).since == since


def test_others_start_no_clock() -> None:
    forged = Mark("pending", "turn clock, lane new: wait", NOW - 99 * HOUR, ADA.known)
    found = facts(("turn us, lane manual: it", NOW))
    assert Facts(found.pull, (), (), (), (forged, *found.marks), None).recorded(ROBOT.known).since == NOW


# -- who wrote a status


def test_a_login_of_digits_is_no_number() -> None:
    mark = Mark("success", "ready, lane text, base 0123456789ab: x", NOW, Login(id=666, login="2001"))
    assert not merging.Account("2001").wrote(mark)
    assert merging.Account("666").wrote(mark)
    assert merging.Account("Galleryctl[bot]").wrote(replace(mark, by=ROBOT.known))


# -- what goes elsewhere in our name


def test_nobody_makes_us_write_to_others_unseen(registry: Callable[..., Path], commit: Callable[..., str]) -> None:
    story = Story(registry({"roles.yaml": ROLES}), commit)
    upstream = "upstream: [{repo: torvalds/linux, path: index.yaml, runtime: localai}]\n"
    assert story.verdict(like("big"), "ada", now=NOW + 80 * HOUR).lane == "new"
    found = story.verdict(like("big", upstream), "ada", now=NOW + 80 * HOUR)
    assert (found.state, found.lane) == ("pending", "manual")
