"""Policy and rules of the review as types: their defaults, and what is no policy."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

import judged
from conftest import MINIMAL
from galleryctl.document import parse
from galleryctl.spec import Clocks, Lanes, Limits, Policy, Roles, Rules, time_span

REGISTRY = Path(__file__).parents[1] / "registry"


@pytest.mark.parametrize(
    ("text", "seconds"), [("0m", 0), ("90s", 90), ("10m", 600), ("72h", 3 * 86_400), ("180d", 180 * 86_400)]
)
def test_durations(text: str, seconds: int) -> None:
    assert time_span(text) == dt.timedelta(seconds=seconds)


def test_a_policy_that_says_nothing_has_the_lanes_and_clocks_of_the_documentation() -> None:
    policy = Policy()
    assert (policy.lanes.release.wait, policy.lanes.text.wait) == ("10m", "10m")
    assert (policy.lanes.new.owner, policy.lanes.new.reviewer) == ("72h", "10m")
    assert (policy.lanes.urgent.wait, policy.lanes.urgent.confirm) == ("0m", "24h")
    assert (policy.clocks.widen, policy.clocks.undo, policy.clocks.stale) == ("24h", "72h", "30d")
    assert all(getattr(policy.lanes, name).open for name in Lanes.model_fields)


def test_one_line_of_a_clock_leaves_the_others() -> None:
    assert Policy.model_validate({"clocks": {"undo": "1h"}}).clocks == Clocks(undo="1h", widen="24h", stale="30d")


def test_rules_of_the_review() -> None:
    assert Roles().rules == Rules(
        admin_quorum=2,
        author_may_approve=False,
        maintainer_consent=True,
        new_publisher=("reviewer", "proof"),
        remove=("owner", "steward"),
        lift_quarantine=("steward", "steward"),
        owner_silent_after="180d",
    )


@pytest.mark.parametrize(("name", "form"), [("policy", Policy), ("roles", Roles)])
def test_what_this_gallery_says_is_what_is_meant_without_it(name: str, form: type[Policy | Roles]) -> None:
    """Nothing of this registry's lanes, clocks and rules differs from the defaults, so neither is written in vain."""
    document, problems = parse(f"{name}.yaml", (REGISTRY / f"{name}.yaml").read_bytes(), Limits())
    assert document is not None
    assert not problems
    value = form.model_validate_json(json.dumps(document.data), strict=True, extra="forbid")
    if isinstance(value, Policy):
        assert (value.lanes, value.clocks) == (Lanes(), Clocks())
    else:
        assert value.rules == Rules()


@pytest.mark.parametrize(
    ("files", "code", "message"),
    [
        ({"policy.yaml": "version: 1\nclocks: {undo: 3 days}\n"}, "SCH003", "`3 days` is no duration"),
        ({"policy.yaml": "version: 1\nlanes: {relase: {wait: 10m}}\n"}, "SCH001", "unknown field `relase`"),
        ({"policy.yaml": "version: 1\ndeclined: [{name: acme/x}]\n"}, "SCH002", "`reason` is missing"),
    ],
)
def test_what_is_no_policy(files: dict[str, str], code: str, message: str) -> None:
    assert judged.messages(files, code) == [message]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("admin_quorum: 0", "0 is too small for `admin_quorum`"),
        ("remove: [owner, stewart]", "`stewart` is no value of an item of `remove`"),
        ("owner_silent_after: long", "`long` is no duration"),
    ],
)
def test_what_is_no_rule_of_the_review(line: str, message: str) -> None:
    text = (MINIMAL["roles.yaml"] or "").replace("admin_quorum: 2", line)
    assert judged.messages({"roles.yaml": text}, "SCH003") == [message]
