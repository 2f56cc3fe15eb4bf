"""Dates and terms: how they may change, judged at one day."""

from __future__ import annotations

import pytest

import crossed
from conftest import MINIMAL
from judged import TINY, model

TODAY = "2026-01-02"  # `judged.NOW`
GONE = dict.fromkeys((f"{TINY}/model.yaml", f"{TINY}/1.0.0.yaml", f"{TINY}/README.md"))
TINY_FILES = {path: text for path, text in MINIMAL.items() if path.startswith(TINY)}
FIRST = MINIMAL[f"{TINY}/1.0.0.yaml"] or ""
SECOND = {f"{TINY}/1.1.0.yaml": FIRST.replace("First", "Second").replace("3f79", "4f79")}


@pytest.mark.parametrize(
    ("expires", "found"),
    [
        ("2025-12-31", "would expire on 2025-12-31, which is no day to come"),
        (TODAY, f"would expire on {TODAY}, which is no day to come"),
        ("2026-01-03", ""),
        ("2031-01-06", ""),  # 1830 days ahead
        ("2031-01-07", "would expire on 2031-01-07: more than 1830 days ahead (policy.yaml: expires_days)"),
    ],
)
def test_when_a_new_model_may_end(expires: str, found: str) -> None:
    said = crossed.messages(GONE, {**TINY_FILES, **model(f"expires: {expires}")}, "TRM001")
    assert [message.removeprefix("acme/tiny is new, and ").removeprefix("acme/tiny ") for message in said] == (
        [found] if found else []
    )


def test_the_limit_is_that_of_base() -> None:
    policy = {"policy.yaml": "version: 1\nlimits: {expires_days: 30}\n"}
    later = model("expires: 2026-03-01")
    (problem,) = crossed.problems(policy, {**later, "policy.yaml": "version: 1\n"}, "TRM001")
    assert problem.fix == "write 2026-02-01 or an earlier date"
    assert crossed.messages({}, {**later, **policy}, "TRM001") == []


def test_a_model_that_is_there_may_end_today() -> None:
    """That is what `expire` does."""
    ended = model(f"expires: {TODAY}\nreason: Its source is gone.")
    assert crossed.messages({}, ended, "TRM001") == []


def test_a_date_that_does_not_change_is_not_judged_again() -> None:
    far = model("expires: 2040-01-01")
    assert crossed.messages(far, model("expires: 2040-01-01\nregions: []"), "TRM001") == []


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("expires: 2027-12-31", "expires: 2027-12-30", True),
        ("expires: 2027-12-31", "expires: 2027-12-30\nreason: Its source closes.", False),
        ("expires: 2027-12-31", 'expires: 2027-12-30\nreason: " "', True),
        ("expires: 2027-12-31", "expires: 2028-01-01", False),
        ("expires: 2027-12-31", "expires: 2027-12-31\nregions: []", False),
        ("expires: 2027-12-31", "", False),
        ("", "expires: 2027-12-31", False),  # nothing was said before
    ],
)
def test_an_earlier_end_needs_a_reason(before: str, after: str, found: bool) -> None:
    assert bool(crossed.messages(model(before), model(after), "TRM002")) is found


def test_a_new_model_may_say_when_it_ends() -> None:
    assert crossed.messages(GONE, {**TINY_FILES, **model("expires: 2027-12-31")}, "TRM002") == []


PAID, FREE = "terms: {price: paid}", "terms: {price: free}"


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("", PAID, "free is paid now"),
        (FREE, PAID, "free is paid now"),
        (PAID, FREE, ""),
        (PAID, "", ""),
        ("", "terms: {free_days: 30}", "no limit became 30 days"),
        ("terms: {free_days: 30}", "terms: {free_days: 7}", "30 days became 7 days"),
        ("terms: {free_days: 7}", "terms: {free_days: 30}", ""),
        ("terms: {free_days: 7}", "", ""),
        (
            "expires: 2027-01-31\nrenewable: true",
            "expires: 2027-01-31\nrenewable: false",
            "it can no longer be renewed",
        ),
        ("expires: 2027-01-31\nrenewable: true", "expires: 2027-01-31", "it can no longer be renewed"),
        ("expires: 2027-01-31\nrenewable: true", "", ""),
        ("expires: 2027-01-31\nrenewable: false", "expires: 2027-01-31\nrenewable: true", ""),
        ("", "terms: {edition: enterprise}", ""),
        (FREE, "terms: {price: paid, free_days: 7}", "free is paid now, no limit became 7 days"),
        (f"visibility: private\n{FREE}", f"visibility: private\n{PAID}", ""),
    ],
)
def test_stricter_terms_begin_on_a_day(before: str, after: str, found: str) -> None:
    policy = {"policy.yaml": "version: 1\nrepository: private\n"}
    said = crossed.messages({**policy, **model(before)}, model(after), "TRM005")
    prefix = f"terms of acme/tiny became stricter than in base ({TINY}/model.yaml): "
    assert said == ([f"{prefix}{found}; no `effective_from`"] if found else [])


DATED = "terms: {{price: paid, effective_from: {}}}"


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("2025-06-01", "terms: {price: paid}", "they hold for everybody, and not from 2025-06-01; no `effective_from`"),
        (
            "2026-06-01",
            DATED.format("2025-01-01"),
            "they hold from 2025-01-01, and not from 2026-06-01; `effective_from` is 2025-01-01, which is over",
        ),
        ("2026-06-01", DATED.format("2026-03-01"), ""),  # still to come
        ("2025-06-01", DATED.format("2025-06-01") + "\nregions: []", ""),
        ("2025-06-01", DATED.format("2025-07-01"), ""),
        ("2025-06-01", "terms: {price: free}", ""),
    ],
)
def test_a_day_that_was_named_holds(before: str, after: str, found: str) -> None:
    """Without it the stricter terms would hold for pins that were made under the old ones."""
    said = crossed.messages(model(DATED.format(before)), model(after), "TRM005")
    assert [message.partition("): ")[2] for message in said] == ([found] if found else [])


@pytest.mark.parametrize(
    ("start", "found"),
    [("2027-01-01", False), (TODAY, False), ("2026-01-01", True)],
)
def test_the_day_is_not_over(start: str, found: bool) -> None:
    after = model(f"terms: {{price: paid, effective_from: {start}}}")
    said = crossed.messages(model(FREE), after, "TRM005")
    assert bool(said) is found
    assert all(message.endswith(f"`effective_from` is {start}, which is over") for message in said)


AGREEMENTS = {"policy.yaml": "version: 1\nagreements: {publishing: 2, service: 1}\n"}


@pytest.mark.parametrize(
    ("accepted", "found"),
    [
        ("", ["no publishing agreement", "no service agreement"]),
        ("agreements: {publishing: 2}", ["no service agreement"]),
        ("agreements: {publishing: 1, service: 1}", ["version 1 of the publishing agreement"]),
        ("agreements: {publishing: 2, service: 1}", []),
        ("agreements: {publishing: 3, service: 1}", []),
    ],
)
@pytest.mark.parametrize("new", [True, False], ids=["model", "release"])
def test_agreements_of_the_day(accepted: str, found: list[str], new: bool) -> None:
    base = {**AGREEMENTS, **(GONE if new else model(accepted))}
    said = crossed.messages(base, {**TINY_FILES, **model(accepted)} if new else SECOND, "TRM006")
    what = "acme/tiny is new" if new else "acme/tiny@1.1.0 is new"
    numbers = {"publishing": 2, "service": 1}
    assert said == [
        f"{what}, and {each} is accepted; policy.yaml asks for version {numbers[each.split()[-2]]}" for each in found
    ]


def test_what_does_not_publish_agrees_to_nothing_new() -> None:
    assert crossed.messages(AGREEMENTS, model("regions: []"), "TRM006") == []
    assert crossed.messages(AGREEMENTS, {f"{TINY}/README.md": "# Tiny, again\n"}, "TRM006") == []


def test_a_policy_asks_from_the_merge_on() -> None:
    """The pull request that raises a version is not held up by it, nor does one that lowers it get around it."""
    assert crossed.messages({}, {**SECOND, **AGREEMENTS}, "TRM006") == []
    assert len(crossed.messages(AGREEMENTS, {**SECOND, "policy.yaml": "version: 1\n"}, "TRM006")) == 2
