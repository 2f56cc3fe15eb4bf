"""Attacks on what surrounds a verdict: its clock, who wrote a status, what goes elsewhere in our name."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conftest import git
from forges.accounts import ADA, MALLORY, ROBOT
from forges.memory import Hub
from galleryctl.forge import Mark
from galleryctl.reviewing import merging, upstream
from galleryctl.reviewing.sweep import Facts
from galleryctl.spec.review import Login
from proposing import MODEL, NOW, ROLES, Story, changed, said
from test_attacks_review import like

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def story(registry: Callable[..., Path], commit: Callable[..., str]) -> Story:
    return Story(registry({"roles.yaml": ROLES}), commit)


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


# -- what hangs, or fills the memory


@pytest.mark.parametrize(
    "line",
    ["Signed-off-by: " + " " * 100_000 + "x", "Signed-off-by: " + "x " * 50_000, "Signed-off-by: " + "<" * 100_000],
    ids=["blanks", "words", "brackets"],
)
def test_a_message_takes_no_longer_than_it_is_long(story: Story, line: str) -> None:
    """Anybody can write one, and whoever judges all pull requests would never come to the others."""
    head = story.propose(changed(MODEL, "for tests", "for trials"), message=f"x\n\n{line}")
    start = time.monotonic()
    assert story.verdict(head, "ada").lane == "text"
    assert time.monotonic() - start < 30  # seconds; it was hours


def test_an_approval_takes_no_longer_than_it_is_long(story: Story) -> None:
    text = "override LIF003: x" + " " * 65_000 + "y"
    start = time.monotonic()
    story.verdict(changed(MODEL, "for tests", "for trials"), "ada", *[said("zoe", text=text)] * 20)
    assert time.monotonic() - start < 30


def test_messages_of_gigabytes_are_not_read(story: Story) -> None:
    """They are small where they are packed."""
    head = story.propose(changed(MODEL, "for tests", "for trials"))
    tree, long = git(story.registry, "rev-parse", f"{head}^{{tree}}"), story.registry.parent / "message"
    long.write_text("x" * 9 * 2**20)
    for _ in range(2):
        head = git(story.registry, "commit-tree", tree, "-p", head, "-F", str(long))
    found = story.verdict(head, "ada", said("bob"), said("chen", text="override PRQ001: It is fine."))
    assert found.state != "success"
    assert "shorten them" in found.problems[0].message


# -- what goes into the files of others

THEIRS = "- name: tiny\n  urls: [https://huggingface.co/somebody/tiny]\n- name: other\n"
OURS = "- name: tiny\n  files:\n  - uri: huggingface://{}/tiny/tiny.gguf\n"


def test_an_entry_of_somebody_else_is_not_taken_over() -> None:
    made = {"index.yaml": OURS.format("acme").encode()}
    with pytest.raises(ValueError, match="a tiny of somebody else: huggingface"):
        upstream.merged(THEIRS.encode(), "gallery/index.yaml", made, "acme/tiny")
    made = {"index.yaml": OURS.format("somebody").encode()}
    assert b"huggingface://somebody" in upstream.merged(THEIRS.encode(), "gallery/index.yaml", made, "somebody/tiny")


@pytest.mark.parametrize("path", [".github/workflows/x.yml", "../x.yml", "/etc/x.yml", "a/.git/x.yml", "a//x.yml"])
def test_no_export_becomes_a_workflow(path: str) -> None:
    with pytest.raises(ValueError, match="no place for a definition"):
        upstream.merged(None, path, {"acme/tiny.yml": b"on: push"}, "acme/tiny")
