"""Who may do what, and the files that say so."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

import judged
from conftest import MINIMAL
from galleryctl import checks
from galleryctl.checks import people
from galleryctl.spec import Busy
from judged import model, other

ROLES = """\
version: 1
people:
  ada: {github: {id: 1001, login: ada}}
  bob: {github: {id: 1002, login: bob}}
  eve: {github: {id: 1003, login: eve}}
  releases: {github: {id: 2001, login: "acme-releases[bot]"}, kind: bot}
groups:
  acme: [ada, bob]
  empty: []
roles:
  owner: [edit, release]
  reviewer: [new, edit]
  steward: [quarantine, remove]
  admin: [govern]
grants:
  - {role: owner, to: acme, scope: acme/*}
  - {role: owner, to: releases, scope: acme/*, only: [release]}
  - {role: admin, to: [ada, bob, eve], scope: "*"}
rules: {admin_quorum: 2}
"""


def said(old: str, new: str, code: str) -> list[tuple[int, str]]:
    assert old in ROLES
    found = judged.problems({"roles.yaml": ROLES.replace(old, new)}, code)
    return [(problem.line, problem.message) for problem in found]


def test_an_orderly_file_is_left_alone() -> None:
    assert said("version: 1", "version: 1", "GOV002") == []
    assert said("version: 1", "version: 1", "GOV003") == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("id: 1003, ", "", (5, "person 'eve' has no numeric account id")),
        ("id: 1003", 'id: "1003"', (5, "person 'eve' has no numeric account id")),
        ("id: 1003", "id: 1001", (5, "account 1001 of 'eve' is that of 'ada' already (people.ada)")),
        ("  eve:", "  abe:", (5, "person 'abe' stands after 'bob'")),
        ("  acme: [ada, bob]", "  ada: [ada, bob]", (8, "'ada' is a person and a group")),
        ("  empty: []", "  aaa: []", (9, "group 'aaa' stands after 'acme'")),
        ("[ada, bob]\n", "[bob, ada]\n", (8, "members of group 'acme' are not sorted")),
        ("[ada, bob]\n", "[ada, ada]\n", (8, "'ada' is in group 'acme' twice")),
        ("[ada, bob]\n", "[ada, releasez]\n", (8, "nobody is called 'releasez'; nearest is 'releases'")),
        ("[edit, release]", "[edit, relese]", (11, "unknown action 'relese'; nearest is 'release'")),
        ("[edit, release]", "[edit, edit, release]", (11, "action 'edit' stands twice")),
        ("role: owner, to: acme", "role: boss, to: acme", (16, "unknown role 'boss'")),
        ("to: acme", "to: acne", (16, "nobody is called 'acne'; nearest is 'acme'")),
        ("only: [release]", "only: [new]", (17, "role 'owner' does not cover 'new'")),
        ("scope: acme/*}", "scope: acme}", (16, "scope 'acme' covers nothing")),
        ('scope: "*"', "scope: type:audio", None),
        ('scope: "*"', "scope: acme/tiny", None),
        (
            "only: [release]}",
            "only: [release]}\n  - {role: owner, to: acme, scope: acme/*}",
            (18, "grant stands twice (grants[0])"),
        ),
    ],
)
def test_what_is_untidy(old: str, new: str, found: tuple[int, str] | None) -> None:
    assert (found in said(old, new, "GOV002")) if found else said(old, new, "GOV002") == []


@pytest.mark.parametrize(
    "text", ["people: 1\n", "people: {ada: 1}\n", "groups: {a: 1}\n", "grants: [1]\n", "grants: {}\n"]
)
def test_a_file_that_is_no_such_file_stops_nothing(text: str) -> None:
    judged.problems({"roles.yaml": f"version: 1\n{text}"}, "GOV002")
    judged.problems({"roles.yaml": f"version: 1\n{text}"}, "GOV003")


@pytest.mark.parametrize(
    ("old", "new", "messages"),
    [
        ("to: [ada, bob, eve]", "to: [ada, bob]", ["2 admins, and a quorum of 2 needs 3"]),
        ("to: [ada, bob, eve]", "to: [acme, eve]", []),
        ("admin_quorum: 2", "admin_quorum: 1", []),
        ("admin_quorum: 2", "remove: [owner]", []),
        ('scope: "*"', "scope: type:audio", ["0 admins, and a quorum of 2 needs 3"]),
        ("to: [ada, bob, eve]", "to: [ada, bob, eve, releases]", ["bot 'releases' gets govern by role 'admin'"]),
        ("only: [release]}", "only: [release]}\n  - {role: steward, to: releases, scope: '*', only: [quarantine]}",
         ["bot 'releases' gets quarantine by role 'steward'"]),
        ("acme-releases[bot]", "github-actions[bot]",
         ["'releases' is github-actions[bot], the name under which every workflow acts"]),
    ],
)  # fmt: skip
def test_admins_are_enough_and_people(old: str, new: str, messages: list[str]) -> None:
    assert [message for _, message in said(old, new, "GOV003")] == messages


@pytest.mark.parametrize(
    ("maintainers", "grant", "messages"),
    [
        ("[ada]", "", []),
        ("[acme]", "", []),
        ("[adda]", "", ["maintainer 'adda' is not in roles.yaml; nearest is 'ada'"]),
        ("[]", "", ["nobody maintains publisher beta"]),
        ("[empty]", "", ["nobody maintains publisher beta"]),
        ("[]", "{role: owner, to: ada, scope: beta/*}", []),
        ("[]", "{role: owner, to: ada, scope: '*'}", []),
        ("[]", "{role: owner, to: empty, scope: '*'}", ["nobody maintains publisher beta"]),
        ("[]", "{role: steward, to: ada, scope: '*'}", ["nobody maintains publisher beta"]),
    ],
)
def test_a_publisher_has_somebody(maintainers: str, grant: str, messages: list[str]) -> None:
    roles = ROLES.replace("rules:", f"  - {grant}\nrules:") if grant else ROLES
    files = {"roles.yaml": roles, "publishers/beta.yaml": f"title: Beta\nmaintainers: {maintainers}\n"}
    assert judged.messages(files, "OWN007") == messages


def test_maintainers_of_a_model_are_known() -> None:
    (problem,) = judged.problems(model("maintainers: [ada, nobody]") | other("acme/two"), "OWN007")
    assert (problem.line, problem.column, problem.message) == (6, 20, "maintainer 'nobody' is not in roles.yaml")


@pytest.mark.parametrize(
    ("line", "messages"),
    [
        ("LIC007: error", []),
        ("TAX: note", []),
        ('LNG004: "off"', []),
        ("VIS003: error", []),
        ("VIS003: warn", ["VIS003 protects others and stays an error"]),
        ('VIS: "off"', None),
        ("LIC77: error", ["no rule or group is called 'LIC77'"]),
        ("lic007: error", ["no rule or group is called 'lic007'"]),
    ],
)
def test_severities(line: str, messages: list[str] | None) -> None:
    found = judged.messages({"policy.yaml": f"version: 1\nseverities:\n  {line}\n"}, "GOV006")
    if messages is None:
        fixed = [code for code, rule in checks.RULES.items() if code.startswith("VIS") and rule.fixed]
        messages = [f"group VIS has rules that stay errors: {', '.join(fixed)}"]
    assert found == messages


def test_the_roles_of_this_repository_are_in_order() -> None:
    text = (Path(__file__).parents[1] / "registry" / "roles.yaml").read_text(encoding="utf-8")
    for code in ("GOV002", "GOV003"):
        assert judged.messages({"roles.yaml": text, "publishers/acme.yaml": "title: Acme\n"}, code) == []


@pytest.mark.parametrize(
    ("window", "now", "open_"),
    [
        ({"from": "09:00", "until": "12:00"}, "2026-01-02T09:00", True),
        ({"from": "09:00", "until": "12:00"}, "2026-01-02T12:00", False),
        ({"from": "09:00", "until": "12:00", "days": ["fri"]}, "2026-01-02T10:00", True),
        ({"from": "09:00", "until": "12:00", "days": ["mon"]}, "2026-01-02T10:00", False),
        ({"from": "22:00", "until": "02:00", "days": ["fri"]}, "2026-01-02T23:00", True),
        ({"from": "22:00", "until": "02:00", "days": ["fri"]}, "2026-01-03T01:00", True),
        ({"from": "22:00", "until": "02:00", "days": ["fri"]}, "2026-01-03T23:00", False),
        ({"from": "22:00", "until": "02:00", "days": ["fri"]}, "2026-01-02T01:00", False),
        ({"from": "2025-12-24", "until": "2026-01-02"}, "2026-01-02T23:59", True),
        ({"from": "2025-12-24", "until": "2026-01-02"}, "2026-01-03T00:00", False),
        ({"from": "2025-12-24", "until": "2026-01-02T08:00:00+08:00"}, "2026-01-02T00:00", False),
        ({"from": "2026-01-02T07:59:00+08:00", "until": "2026-01-02T08:01:00+08:00"}, "2026-01-02T00:00", True),
    ],
)
def test_windows(window: dict[str, object], now: str, open_: bool) -> None:
    moment = dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC)
    busy = Busy.model_validate_json(json.dumps(window), strict=True, extra="forbid")
    assert (people._busy_until(busy, moment) is not None) is open_  # noqa: SLF001 - the calendar of the rule


@pytest.mark.parametrize(
    "window", ['{from: "2026-02-31", until: "2026-03-01"}', '{from: "09:00", until: "2026-03-01"}']
)
def test_a_window_nobody_can_read_is_told(window: str) -> None:
    (message,) = judged.messages({"policy.yaml": f"version: 1\nbusy: [{window}]\n"}, "PRQ005")
    assert message.startswith("busy window cannot be read: ")


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ("{}", "`from` is missing"),
        ('{from: "09:00"}', "`until` is missing"),
        ('{from: soon, until: "12:00"}', "`soon` is no time of a day and no date"),
        ('{from: "09:00", until: "10:00", days: [someday]}', "`someday` is no value of an item of `days`"),
    ],
)
def test_a_window_of_another_form_is_no_policy(window: str, message: str) -> None:
    files = {"policy.yaml": f"version: 1\nbusy: [{window}]\n"}
    assert message in [*judged.messages(files, "SCH002"), *judged.messages(files, "SCH003")]


def test_the_base_registry_is_calm() -> None:
    assert MINIMAL["policy.yaml"] == "version: 1\n"
    assert judged.messages({}, "PRQ005") == []
