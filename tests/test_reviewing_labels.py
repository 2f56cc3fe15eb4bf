"""The exact set of labels, each with a sentence and its page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from galleryctl.forge import owned
from galleryctl.problems import Severity
from galleryctl.reviewing.labels import broken, labels, told
from verdicts import DIGEST, verdict

SITE = "https://gallery.example"
CODES = ("VIS001", "IMM002", "IMM001", "LIC004", "LIF001", "GOV001")


def test_the_whole_set() -> None:
    found = labels(verdict(kinds=("release", "text"), risks=("licence", "owners")), SITE, first=True)
    assert found == {
        "first-contribution": "The author's first pull request here: https://gallery.example/review/#first-contribution",
        "kind/release": "Adds a release: https://gallery.example/review/#kind-release",
        "kind/text": "Changes texts of models: https://gallery.example/review/#kind-text",
        "lane/manual": "Needs approvals: https://gallery.example/review/#lane-manual",
        "risk/licence": "A licence changes: https://gallery.example/review/#risk-licence",
        "risk/owners": "Somebody else may act for a model: https://gallery.example/review/#risk-owners",
        "turn/owner": "Waits for an owner of the model: https://gallery.example/review/#turn-owner",
    }


@pytest.mark.parametrize("turn", ["author", "owner", "reviewer", "steward", "clearance", "admin", "clock", "us"])
@pytest.mark.parametrize("lane", ["release", "text", "new", "urgent", "manual", "governance"])
def test_one_turn_and_one_lane(turn: str, lane: str) -> None:
    found = labels(verdict(turn=turn, lane=lane), f"{SITE}/with/a/rather/long/path/on/it/so/that/addresses/are/long/")
    assert list(told(found, "turn")) == [turn]
    assert list(told(found, "lane")) == [lane]
    assert all(owned(name) for name in found)
    assert all(len(text) <= 100 for text in found.values())


def test_five_rules_at_most_and_errors_only() -> None:
    problems = tuple(replace(DIGEST, code=code) for code in CODES)
    warning = replace(DIGEST, code="AAA001", severity=Severity.WARN)
    found = labels(verdict(state="failure", turn="author", problems=(*problems, *problems, warning)), SITE)
    assert list(told(found, "fail")) == ["GOV001", "IMM001", "IMM002", "LIC004", "LIF001"]
    assert found["fail/IMM002"] == "See the rule: https://gallery.example/rules/#IMM002"


def test_stale_and_our_own_failures_never_share_a_turn() -> None:
    assert "stale" in labels(verdict(turn="author"), SITE, stale=True)
    assert "stale" not in labels(verdict(turn="reviewer"), SITE, stale=True)
    assert "service-problem" in labels(verdict(state="error", turn="us"), SITE)
    assert "service-problem" not in labels(verdict(), SITE)
    assert set(broken(SITE)) == {"service-problem", "turn/us"}
