"""What one pull request may hold together, what rights it may give, and what was declined before."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

import crossed
from conftest import MINIMAL, git
from fakes import MemoryTree
from galleryctl import loading
from galleryctl.checks.rule import Ledger
from galleryctl.loading import comparing
from judged import NOW, OUTSIDE, TINY, model, other

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from conftest import Result
    from galleryctl.problems import Problem

ROLES = MINIMAL["roles.yaml"] or ""
FIRST = MINIMAL[f"{TINY}/1.0.0.yaml"] or ""
SECOND = {f"{TINY}/1.1.0.yaml": FIRST.replace("First", "Second").replace("3f79", "4f79")}
SETTINGS = {"gallery.yaml": f"{MINIMAL['gallery.yaml']}contact: ada@acme.example\n"}
TAXONOMY = MINIMAL["taxonomy.yaml"] or ""
WORDS = {"taxonomy.yaml": TAXONOMY.replace("{label: Reasoning}", "{label: Thinks}")}
LICENCES = {"taxonomy.yaml": TAXONOMY.replace("  MIT: {label: MIT License, commercial: allowed}\n", "")}


def whole(base: Mapping[str, str], merged: Mapping[str, str | None], code: str) -> list[Problem]:
    """Problems of the way between two trees with more than a registry; paths are from their top."""
    moment = dt.datetime.fromisoformat(NOW)
    files = {f"registry/{path}": text for path, text in MINIMAL.items() if text is not None}
    files |= base
    before = MemoryTree(files)
    after = MemoryTree({path: text for path, text in {**files, **merged}.items() if text is not None})
    old = loading.load(OUTSIDE, now=moment, tree=before)
    new = loading.load(OUTSIDE, now=moment, tree=after, base=old)
    found = comparing.of(old, new, before, after, name="registry", now=moment, ledger=Ledger()).problems
    return [problem for problem in found if problem.code == code]


# -- governance, content, and all else


@pytest.mark.parametrize(
    ("merged", "found"),
    [
        (SETTINGS, False),
        (model("regions: []"), False),
        (WORDS, False),
        (LICENCES, False),
        ({**WORDS, **model("regions: []")}, False),
        ({**SETTINGS, **LICENCES}, False),
        ({**SETTINGS, **model("regions: []")}, True),
        ({**SETTINGS, **WORDS}, True),
        ({**LICENCES, **SECOND}, True),
        ({"taxonomy.yaml": LICENCES["taxonomy.yaml"].replace("{label: Reasoning}", "{label: Thinks}")}, True),
        ({"policy.yaml": "version: 1\n# a comment is a change of the file\n", **SECOND}, True),
        ({"roles.yaml": ROLES + "# a comment\n", f"{TINY}/README.md": "# Tiny\n"}, True),
        ({"publishers/acme.yaml": "title: Acme!\nmaintainers: [acme]\n", **SETTINGS}, True),
    ],
)
def test_governance_changes_apart(merged: Mapping[str, str], found: bool) -> None:
    assert bool(crossed.messages({}, merged, "GOV001")) is found


@pytest.mark.parametrize(
    "path",
    ["schemas/types/notes.md", "site_templates/x.html", ".github/workflows/check.yml", "src/x.py", "uv.lock"],
)
def test_what_governs_lies_outside_the_registry_too(path: str) -> None:
    changed = {path: "{}", f"registry/{TINY}/README.md": "# Tiny\n"}
    (problem,) = whole({path: "{ }"}, changed, "GOV001")
    assert problem.path == f"registry/{TINY}/README.md"
    assert problem.message == f"governance ({path}) together with content (registry/{TINY}/README.md)"
    assert whole({path: "{ }"}, {path: "{}"}, "GOV001") == []
    assert whole({path: "{ }"}, changed, "PRQ002") == []


@pytest.mark.parametrize(
    ("merged", "found"),
    [
        ({"docs/guide.md": "# New\n"}, ""),
        ({"docs/guide.md": "# New\n", "registry/notes.txt": "x"}, ""),
        ({f"registry/{TINY}/README.md": "# Tiny\n"}, ""),
        ({f"registry/{TINY}/README.md": "# Tiny\n", "docs/guide.md": "# New\n"}, "docs/guide.md"),
        ({f"registry/{TINY}/README.md": "# Tiny\n", "docs/guide.md": None}, "docs/guide.md"),
        ({f"registry/{TINY}/README.md": None, "README.md": MINIMAL[f"{TINY}/README.md"]}, "README.md"),
        ({f"registry/{TINY}/README.md": "# Guide\n", "docs/guide.md": None}, "docs/guide.md"),
        ({f"registry/{TINY}/README.md": "# Tiny\n", f"registry/{TINY}/run.sh": "x"}, f"registry/{TINY}/run.sh"),
        ({f"registry/{TINY}/README.md": "# Tiny\n", "registry2/gallery.yaml": "x"}, "registry2/gallery.yaml"),
    ],
)
def test_content_travels_alone(merged: Mapping[str, str | None], found: str) -> None:
    said = whole({"docs/guide.md": "# Guide\n"}, merged, "PRQ002")
    assert [problem.fix for problem in said] == ([f"two pull requests: take {found} out of this one"] if found else [])


def test_a_registry_begins_with_all_of_it_at_once(
    registry: Callable[..., Path], commit: Callable[..., str], run: Callable[..., Result]
) -> None:
    root = registry(many(21))
    git(root.parent, "rm", "-rq", "--cached", "registry")
    commit(root.parent / "docs", {"guide.md": "# Guide\n"})
    judged_ = run("check", "--registry", root, "--base", "HEAD", "--now", NOW)
    assert "22 models checked" in judged_.stderr
    assert not {"GOV001", "PRQ001", "PRQ002"} & {word for line in judged_.stdout.splitlines() for word in line.split()}


# -- how much


def many(count: int) -> dict[str, str]:
    return {path: text for number in range(count) for path, text in other(f"acme/m{number}").items()}


def test_twenty_models_and_a_hundred_files() -> None:
    assert crossed.messages({}, many(20), "PRQ001") == []
    assert crossed.messages({}, many(21), "PRQ001") == [
        "21 models in one pull request, and policy.yaml allows 20 (limits.models)"
    ]
    cards = {f"{TINY}/README.{letter}{other_}.md": "# T\n" for letter in "abcdefghij" for other_ in "abcdefghijk"}
    assert crossed.messages({}, cards, "PRQ001") == [
        "110 files in one pull request, and policy.yaml allows 100 (limits.files)"
    ]


def test_what_is_deleted_counts_as_well() -> None:
    limit = {"policy.yaml": "version: 1\nlimits: {models: 1}\n"}
    gone = dict.fromkeys([*other("acme/two"), *other("acme/three")])
    base = {**limit, **other("acme/two"), **other("acme/three")}
    assert len(crossed.messages(base, gone, "PRQ001")) == 1


def test_the_limit_is_that_of_base() -> None:
    limit = {"policy.yaml": "version: 1\nlimits: {models: 1}\n"}
    assert len(crossed.messages(limit, {**many(2), "policy.yaml": "version: 1\n"}, "PRQ001")) == 1


# -- owners

MINE = model("maintainers: [acme, eve]")
PUBLISHER = {"publishers/acme.yaml": "title: Acme\nlinks: {homepage: https://acme.example}\nmaintainers: [acme, eve]\n"}
NEW = {"publishers/beta.yaml": "title: Beta\nmaintainers: [eve]\n"}


@pytest.mark.parametrize(
    ("merged", "found"),
    [
        (MINE, []),
        (PUBLISHER, []),
        ({**MINE, **PUBLISHER}, []),
        (SECOND, []),
        ({**MINE, **SECOND}, ["maintainers of acme/tiny change"]),
        (model("maintainers: [acme, eve]\nregions: []"), []),  # regions are empty without that line, too
        (model("maintainers: [acme, eve]\nfeatured: true"), ["maintainers of acme/tiny change"]),
        ({**PUBLISHER, **SECOND}, ["publisher acme changes"]),
        ({**PUBLISHER, **WORDS}, ["publisher acme changes"]),
        ({"publishers/acme.yaml": None, **SECOND}, ["publisher acme changes"]),
        (other("acme/two", "maintainers: [eve]"), []),  # nobody owned it
        ({**NEW, **other("beta/two")}, []),  # nothing of it was there
        ({**NEW, **SECOND}, []),
    ],
)
def test_owners_change_apart(merged: crossed.Files, found: list[str]) -> None:
    said = crossed.messages({}, merged, "OWN005")
    assert [message.partition(" together")[0] for message in said] == found


def test_a_profile_for_models_that_are_there_makes_owners() -> None:
    """A publisher without a file, kept by a grant: whoever adds the file would own what is there."""
    said = crossed.messages(other("beta/one"), {**NEW, **other("beta/two")}, "OWN005")
    assert said == ["publisher beta changes together with content (models/llm/beta/two/model.yaml)"]


def test_a_transfer_is_no_change_of_maintainers() -> None:
    gone = dict.fromkeys([f"{TINY}/model.yaml", f"{TINY}/1.0.0.yaml", f"{TINY}/README.md"])
    moved = {
        path.replace("/acme/tiny/", "/beta/tiny/"): text for path, text in MINIMAL.items() if path.startswith(TINY)
    }
    moved["models/llm/beta/tiny/model.yaml"] = f"{MINIMAL[f'{TINY}/model.yaml']}aliases: [acme/tiny]\n"
    assert crossed.messages(NEW, {**gone, **moved}, "OWN005") == []


@pytest.mark.parametrize(
    ("merged", "found"),
    [
        (NEW, ["publisher beta is new, and nothing proves its name: it stays unclaimed"]),
        ({"publishers/beta.yaml": f"{NEW['publishers/beta.yaml']}proof: {{kind: forge, value: beta}}\n"}, []),
        (PUBLISHER, []),
    ],
)
def test_a_name_is_proved_or_unclaimed(merged: crossed.Files, found: list[str]) -> None:
    assert crossed.messages({}, merged, "OWN004") == found


# -- grants

ADMIN = '{role: admin, to: [ada, bob, eve], scope: "*"}'
LIMITED = ROLES.replace(ADMIN, "{role: admin, to: [ada, bob, eve], scope: acme/*}")
NARROW = ROLES.replace(ADMIN, '{role: admin, to: [ada, bob, eve], scope: "*", visibility: [private, restricted]}')


def granting(roles: str, line: str) -> str:
    return roles.replace("rules:\n", f"  - {line}\nrules:\n")


@pytest.mark.parametrize(
    ("base", "merged", "found"),
    [
        (ROLES, granting(ROLES, '{role: owner, to: eve, scope: "*"}'), False),
        (LIMITED, granting(LIMITED, '{role: owner, to: eve, scope: "*"}'), True),
        (LIMITED, granting(LIMITED, "{role: owner, to: eve, scope: type:llm}"), True),
        (LIMITED, granting(LIMITED, "{role: owner, to: eve, scope: beta/*}"), True),
        (LIMITED, granting(LIMITED, "{role: owner, to: eve, scope: acme/*}"), False),
        (LIMITED, granting(LIMITED, "{role: owner, to: eve, scope: acme/tiny}"), False),
        (LIMITED, granting(LIMITED, '{role: reviewer, to: eve, scope: "*"}'), False),  # as before
        (LIMITED, granting(LIMITED, '{role: admin, to: ada, scope: "*"}'), True),
        (LIMITED, ROLES, True),
        (LIMITED, LIMITED.replace("reviewer: [new, edit, release]", "reviewer: [new, edit, release, govern]"), True),
        (LIMITED, LIMITED.replace("acme: [ada, bob]", "acme: [ada, bob, eve]"), False),
        (NARROW, granting(NARROW, '{role: owner, to: eve, scope: "*"}'), True),
        (NARROW, granting(NARROW, '{role: owner, to: eve, scope: "*", visibility: [private]}'), False),
        (NARROW, granting(NARROW, '{role: owner, to: eve, scope: "*", visibility: [private, public]}'), True),
        (ROLES.replace(ADMIN, '{role: owner, to: ada, scope: "*"}'), ROLES, False),  # a gallery without any admin
    ],
)
def test_nobody_grants_more_than_is_governed(base: str, merged: str, found: bool) -> None:
    said = crossed.messages({"roles.yaml": base}, {"roles.yaml": merged}, "GOV004")
    assert bool(said) is found


def test_a_longer_group_widens_every_grant_it_has() -> None:
    base = LIMITED.replace("{role: owner, to: acme, scope: acme/*}", '{role: owner, to: acme, scope: "*"}')
    (problem,) = crossed.problems(
        {"roles.yaml": base}, {"roles.yaml": base.replace("acme: [ada, bob]", "acme: [ada, bob, eve]")}, "GOV004"
    )
    assert problem.message == ("eve would get 'deploy' by role 'owner' for *, and admins of base govern only acme/*")
    assert problem.line == base[: base.index("{role: owner")].count("\n") + 1


def test_roles_that_nobody_can_read_are_told_by_others() -> None:
    assert crossed.messages({"roles.yaml": LIMITED}, {"roles.yaml": "grants: 7\n"}, "GOV004") == []
    assert crossed.codes({"roles.yaml": LIMITED}, {"roles.yaml": "grants: 7\n"}) >= {"SCH003"}


# -- declined

SAID = "was proposed before and declined, says policy.yaml"
DECLINED = """\
version: 1
declined:
  - {name: acme/two, reason: Its licence forbids redistribution., link: https://acme.example/7}
  - {name: beta, reason: the name of another company}
  - {name: acme/three, reason: too early, until: "2026-01-01"}
"""


@pytest.mark.parametrize(
    ("merged", "found"),
    [
        (other("acme/one"), []),
        (other("acme/two"), [f"acme/two {SAID}: Its licence forbids redistribution (https://acme.example/7)"]),
        (other("acme/three"), []),
        (NEW, [f"beta {SAID}: the name of another company"]),
        (other("beta/one"), [f"beta {SAID}: the name of another company"]),
        ({**NEW, **other("beta/one")}, [f"beta {SAID}: the name of another company"]),
        (model("regions: []"), []),
    ],
)
def test_who_proposes_it_again_is_told_why_it_was_declined(merged: crossed.Files, found: list[str]) -> None:
    assert crossed.messages({"policy.yaml": DECLINED}, merged, "PRQ004") == found


def test_a_name_spelled_a_little_otherwise_is_the_same_name() -> None:
    declined = {"policy.yaml": DECLINED.replace("acme/two", "acme/two_b")}
    assert len(crossed.messages(declined, other("acme/two-b"), "PRQ004")) == 1


def test_a_pull_request_cannot_forget_what_was_declined() -> None:
    merged = {**other("acme/two"), "policy.yaml": "version: 1\n"}
    assert len(crossed.messages({"policy.yaml": DECLINED}, merged, "PRQ004")) == 1
