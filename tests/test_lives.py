"""The life of models and releases: one step at a time, told, and never by deleting."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crossed
from conftest import MINIMAL
from galleryctl.checks.lives import STEPS
from galleryctl.spec.base import Status
from judged import TINY, model
from test_immutable import GONE, moved
from test_released import FIRST, MODEL, release, releases, tombstone

STATES: tuple[Status, ...] = get_args(Status)
WHY = "reason: It answers nonsense. There is no successor."


def in_state(status: str, text: str = MODEL) -> str:
    return text if status == "active" else f"{text}status: {status}\n{WHY}\n"


def of_model(status: str) -> dict[str, str | None]:
    return {f"{TINY}/model.yaml": in_state(status)}


def of_release(status: str, version: str = "1.0.0") -> dict[str, str | None]:
    return {f"{TINY}/{version}.yaml": in_state(status, FIRST)}


# -- steps


def test_the_table_is_closed() -> None:
    known = {*STATES, "removed"}
    assert set(STEPS) == known
    assert all(state not in following <= known for state, following in STEPS.items())
    assert STEPS["removed"] == frozenset()
    assert all("removed" in following for state, following in STEPS.items() if state != "removed")
    assert all("quarantined" in STEPS[state] for state in STATES if state != "quarantined")


@given(st.sampled_from(STATES), st.sampled_from(STATES))
def test_every_state_is_reached_from_every_other_by_reinstating_first(start: Status, end: Status) -> None:
    assert start == end or end in STEPS[start] or ("active" in STEPS[start] and end in STEPS["active"])


ILLEGAL = {("discontinued", "deprecated"), ("quarantined", "deprecated")}


@pytest.mark.parametrize(("before", "after"), [*itertools.permutations(STATES, 2)])
def test_each_step_of_a_model_and_of_a_release(before: str, after: str) -> None:
    other = release("1.0.1")
    found = crossed.messages(of_model(before) | other, of_model(after), "LIF001")
    assert bool(found) == ((before, after) in ILLEGAL)
    found = crossed.messages(of_release(before) | other, of_release(after), "LIF001")
    assert bool(found) == ((before, after) in ILLEGAL)


def test_an_illegal_step_names_both_places_and_the_way() -> None:
    (problem,) = crossed.problems(of_release("quarantined"), of_release("deprecated"), "LIF001")
    path = f"{TINY}/1.0.0.yaml"
    assert problem.path == f"registry/{path}"
    assert problem.message == f"acme/tiny@1.0.0 is quarantined ({path} of base) and cannot become deprecated"
    assert "`galleryctl reinstate acme/tiny@1.0.0`" in problem.fix


def test_what_was_removed_stays_removed_even_without_its_tombstone() -> None:
    base = GONE | tombstone("0.9.0", whole=True)
    back = {path: MINIMAL[path] for path in GONE}
    merged = {**back, "removed/acme/tiny.yaml": None}
    (message,) = crossed.messages(base, merged, "LIF001")
    assert message == "acme/tiny was removed on 2025-12-30 (removed/acme/tiny.yaml of base) and cannot come back"


# -- none left


@pytest.mark.parametrize("status", ["discontinued", "quarantined"])
def test_one_of_two_may_go(status: str) -> None:
    assert crossed.messages(release("1.0.1"), of_release(status), "LIF003") == []


def test_the_last_may_not_be_discontinued() -> None:
    base = releases("1.0.1", "1.0.2") | of_release("discontinued", "1.0.1")
    merged = of_release("discontinued", "1.0.2") | of_release("discontinued")
    (problem,) = crossed.problems(base, merged, "LIF003")
    assert problem.path == f"registry/{TINY}/1.0.2.yaml"
    assert problem.message == "acme/tiny@1.0.2 is discontinued, and acme/tiny is active with no release to use"


def test_the_last_may_not_be_removed_from_a_living_model() -> None:
    base = release("1.0.1") | of_release("discontinued")
    merged = {f"{TINY}/1.0.1.yaml": None} | tombstone("1.0.1")
    (problem,) = crossed.problems(base, merged, "LIF003")
    assert problem.message == "acme/tiny@1.0.1 is gone, and acme/tiny is active with no release to use"


@pytest.mark.parametrize(
    ("base", "merged"),
    [
        ({}, of_release("discontinued") | of_model("discontinued")),  # the model goes along
        ({}, of_release("deprecated")),  # still of use
        ({}, of_release("quarantined")),  # never waits
        ({}, of_release("discontinued") | release("1.0.1")),  # another one is there at once
        (of_release("discontinued"), {f"{TINY}/model.yaml": MODEL + "featured: true\n"}),  # was so before
        (of_model("discontinued"), of_release("discontinued")),
    ],
)
def test_where_nothing_is_lost(base: crossed.Files, merged: crossed.Files) -> None:
    assert crossed.messages(base, merged, "LIF003") == []


# -- edits and steps


WITHDRAWN = f"listed: false\n{WHY}\n"


@pytest.mark.parametrize(
    "edit",
    [
        {f"{TINY}/model.yaml": MODEL.replace("Tiny", "Tiny!") + WITHDRAWN},
        {f"{TINY}/model.yaml": MODEL + WITHDRAWN + "tags: [reasoning]\n".replace("tags", "categories")},
        {f"{TINY}/model.yaml": MODEL + WITHDRAWN + "visibility: organisation\n"},
        {f"{TINY}/model.yaml": MODEL + WITHDRAWN, f"{TINY}/README.md": "# Another card\n"},
        {f"{TINY}/model.yaml": MODEL + WITHDRAWN, f"{TINY}/README.zh.md": "# 卡片\n"},
        {f"{TINY}/model.yaml": MODEL.replace("Tiny", "Tiny!"), **of_release("deprecated")},
    ],
)
def test_an_edit_and_a_step_in_one_pull_request(edit: crossed.Files) -> None:
    assert len(crossed.messages({}, edit, "LIF004")) == 1


@pytest.mark.parametrize(
    "step",
    [
        {f"{TINY}/model.yaml": MODEL + WITHDRAWN},
        {f"{TINY}/model.yaml": MODEL + WITHDRAWN + "successor: acme/tiny-2\nexpires: 2027-01-01\n"},
        of_release("deprecated") | release("1.1.0"),
        {f"{TINY}/1.0.0.yaml": in_state("deprecated", FIRST.replace("First", "Very first"))},
        {f"{TINY}/model.yaml": MODEL.replace("Tiny", "Tiny!"), **release("1.1.0")},
        {f"{TINY}/model.yaml": f"# A note\n{MODEL}{WITHDRAWN}"},
    ],
)
def test_a_step_alone_or_an_edit_alone(step: crossed.Files) -> None:
    assert crossed.messages({}, step, "LIF004") == []


def test_a_step_of_one_model_and_an_edit_of_another() -> None:
    other = {f"models/llm/acme/large/{name}": MINIMAL[f"{TINY}/{name}"] for name in ("model.yaml", "1.0.0.yaml")}
    edit = {"models/llm/acme/large/model.yaml": MODEL.replace("Tiny", "Large")}
    assert crossed.messages(other, {**edit, f"{TINY}/model.yaml": MODEL + WITHDRAWN}, "LIF004") == []


# -- withdrawal


@pytest.mark.parametrize("name", ["1.0.0.yaml", "README.md"])
def test_a_withdrawal_deletes_nothing(name: str) -> None:
    merged = {f"{TINY}/model.yaml": MODEL + WITHDRAWN, f"{TINY}/{name}": None}
    (problem,) = crossed.problems(release("1.0.1"), {**merged, **tombstone("1.0.0")}, "LIF005")
    assert problem.path == f"registry/{TINY}/{name}"
    assert crossed.messages({}, {f"{TINY}/{name}": None, **tombstone("1.0.0")}, "LIF005") == []


def test_a_withdrawal_may_write_the_model_as_json() -> None:
    merged = {f"{TINY}/model.yaml": None, f"{TINY}/model.json": '{"title": "Tiny", "listed": false, "reason": "x"}\n'}
    assert crossed.messages({}, merged, "LIF005") == []


# -- tombstones


@pytest.mark.parametrize(
    ("named", "ledger", "missing"),
    [
        (("1.0.0", "1.1.0"), set(), ""),
        (("1.1.0",), set(), "1.0.0"),
        (("1.0.0", "1.1.0"), {"0.9.0"}, "0.9.0"),
        ((), {"1.10.0"}, "1.0.0, 1.1.0, 1.10.0"),
        (("0.1.0", "1.0.0", "1.1.0"), set(), ""),
    ],
)
def test_a_tombstone_names_all(named: tuple[str, ...], ledger: set[str], missing: str) -> None:
    merged = {**GONE, f"{TINY}/1.1.0.yaml": None, **tombstone(*named, whole=True)}
    found = crossed.messages(releases("1.1.0"), merged, "LIF007", ledger={"acme/tiny": ledger})
    assert found == (
        [f"acme/tiny was published as {missing} too ({TINY} of base), and its tombstone does not say so"]
        if missing
        else []
    )


def test_a_tombstone_of_single_releases_names_those() -> None:
    assert crossed.messages(release("1.0.1"), {f"{TINY}/1.0.1.yaml": None, **tombstone("1.0.1")}, "LIF007") == []


def test_a_tombstone_that_grows_forgets_nothing() -> None:
    base = tombstone("0.9.0")
    assert len(crossed.messages(base, GONE | tombstone("1.0.0", whole=True), "LIF007")) == 1
    assert crossed.messages(base, GONE | tombstone("0.9.0", "1.0.0", whole=True), "LIF007") == []


# -- deletion (the window is proved in test_immutable)


def test_deleting_without_dates_is_told() -> None:
    (message,) = crossed.messages({}, GONE, "LIF010")
    assert message == "acme/tiny was deleted: when it was published is not known"
    (message,) = crossed.messages(release("1.0.1"), {f"{TINY}/1.0.1.yaml": None}, "LIF010")
    assert message == "acme/tiny@1.0.1 was deleted: when it was published is not known"


@pytest.mark.parametrize("merged", [GONE | tombstone("1.0.0", whole=True), moved(), model(summary="Other words.")])
def test_removal_rename_and_edit_delete_nothing(merged: crossed.Files) -> None:
    assert crossed.messages({}, merged, "LIF010") == []
