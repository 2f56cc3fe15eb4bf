"""Who may let what in: stories of pull requests, each in a real repository, judged by the roles of base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from galleryctl.problems import Severity
from galleryctl.spec.review import Login
from proposing import (
    ACCOUNTS,
    MODEL,
    NOW,
    RELEASE,
    ROLES,
    Story,
    changed,
    codes,
    missing,
    release,
    remark,
    said,
    with_more,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EDIT = changed(MODEL, "for tests", "for trials")
LICENCE = changed(MODEL, "Apache-2.0", "MIT")


@pytest.fixture
def story(registry: Callable[..., Path], commit: Callable[..., str]) -> Story:
    return Story(registry({"roles.yaml": ROLES}), commit)


@pytest.fixture
def stories(registry: Callable[..., Path], commit: Callable[..., str]) -> Callable[..., Story]:
    """A story with another base."""

    def make(files: dict[str, str | None]) -> Story:
        return Story(registry({"roles.yaml": ROLES, **files}, name=f"repository-{len(files)}"), commit)

    return make


# -- whose approval counts


def test_a_stranger_waits_for_an_owner_and_nobody_else(story: Story) -> None:
    head = story.propose(EDIT)
    found = story.verdict(head, "zoe")
    assert (found.state, found.lane, found.turn, found.waiting_on) == ("pending", "manual", "owner", ("ada", "bob"))
    assert found.why == "Waiting for ada or bob to approve edit of acme/tiny."
    assert codes(found) == {"OWN001"}
    assert story.verdict(head, "zoe", said("chen")).turn == "owner", "a reviewer is no owner"
    assert story.verdict(head, "zoe", said("ada")).state == "success"


def test_an_owner_needs_somebody_else_for_what_no_fast_lane_takes(story: Story) -> None:
    head = story.propose(LICENCE)
    found = story.verdict(head, "ada")
    assert (found.lane, found.risks, found.waiting_on) == ("manual", ("licence",), ("bob", "chen", "eve"))
    assert story.verdict(head, "ada", said("ada")).state == "pending", "the author approves nothing"
    assert story.verdict(head, "ada", said("bob")).state == "success"


def test_an_approval_is_about_the_newest_commit(story: Story) -> None:
    head = story.propose(EDIT)
    found = story.verdict(head, "zoe", said("ada", commit=story.base))
    assert (found.state, missing(found)) == ("pending", [("owner", "edit", 1)])
    told = next(problem for problem in found.problems if problem.code == "OWN002")
    assert told.severity is Severity.NOTE
    assert told.message == (
        f"the approval of ada does not count: ada approved {story.base[:7]}, not the newest commit {head[:7]}"
    )


def test_who_pushed_last_does_not_approve(story: Story) -> None:
    head = story.propose(EDIT)
    assert story.verdict(head, "zoe", said("ada"), pusher=ACCOUNTS["ada"]).state == "pending"
    assert story.verdict(head, "zoe", said("ada"), said("bob"), pusher=ACCOUNTS["ada"]).state == "success"


def test_a_program_approves_nothing(story: Story) -> None:
    head = story.propose(EDIT)
    assert story.verdict(head, "zoe", said("releases")).state == "pending"
    passing_for_ada = {**said("ada"), "by": Login(id=1001, login="ada", bot=True)}
    assert story.verdict(head, "zoe", passing_for_ada).state == "pending"


def test_the_number_of_an_account_counts_and_not_its_login(story: Story) -> None:
    head = story.propose(EDIT)
    renamed = {**said("ada"), "by": Login(id=1001, login="ada-lovelace")}
    assert story.verdict(head, "zoe", renamed).state == "success"
    taken = {**said("ada"), "by": Login(id=4444, login="ada")}
    found = story.verdict(head, "zoe", taken)
    assert (found.state, codes(found)) == ("pending", {"OWN001", "OWN002"})


def test_what_all_workflows_act_as_may_nothing(stories: Callable[..., Story]) -> None:
    workflows = ROLES.replace("acme-releases[bot]", "github-actions[bot]").replace(", kind: bot}", "}")
    story = stories({"roles.yaml": workflows})
    head = story.propose(release("1.1.0"))
    everyone = Login(id=2001, login="github-actions[bot]")
    assert story.verdict(head, everyone).lane == "manual"
    assert story.verdict(head, "zoe", {**said("ada"), "by": everyone}).state == "pending"


def test_who_makes_himself_an_owner_is_none_yet(story: Story) -> None:
    own = changed("publishers/acme.yaml", "[acme]", "[acme, dora]") | EDIT
    found = story.verdict(own, "dora")
    assert found.state == "failure", "maintainers and content in one pull request"
    assert "OWN005" in codes(found)
    alone = story.verdict(changed("publishers/acme.yaml", "[acme]", "[acme, dora]"), "dora")
    assert missing(alone) == [("owner", "edit", 1)]
    assert alone.waiting_on == ("ada", "bob")


def test_who_gives_himself_a_grant_has_none_yet(story: Story) -> None:
    roles = ROLES.replace("{role: admin, to: [bob, chen, eve]", "{role: admin, to: [bob, chen, dora, eve]")
    head = story.propose({"roles.yaml": roles})
    found = story.verdict(head, "dora", said("dora"), said("bob"))
    assert (found.lane, found.state, missing(found)) == ("governance", "pending", [("admin", "govern", 1)])
    assert story.verdict(head, "dora", said("bob"), said("chen")).state == "success"


def test_a_policy_that_would_approve_itself_is_judged_by_the_one_before(story: Story) -> None:
    roles = ROLES.replace("admin_quorum: 2", "admin_quorum: 1\n  author_may_approve: true")
    found = story.verdict({"roles.yaml": roles}, "bob", said("bob"), said("chen"), pusher=ACCOUNTS["zoe"])
    assert (found.state, missing(found)) == ("pending", [("admin", "govern", 1)])


def test_a_request_for_changes_stands_until_it_is_lifted(story: Story) -> None:
    first, second = {"at": NOW.replace(hour=9)}, {"at": NOW.replace(hour=10)}
    head = story.propose(EDIT)
    no = said("bob", "changes_requested", commit=story.base) | first
    found = story.verdict(head, "zoe", no, said("ada"))
    assert (found.state, found.turn) == ("pending", "author")
    assert found.why == "bob asked for changes: answer them, then ask for another review."
    assert story.verdict(head, "zoe", no, said("bob", "commented") | second, said("ada")).turn == "author"
    assert story.verdict(head, "zoe", no, said("bob") | second).state == "success"
    stranger = {**no, "by": Login(id=5555, login="noise")}
    assert story.verdict(head, "zoe", stranger, said("ada")).state == "success", "a stranger blocks nobody"


def test_a_request_for_changes_after_an_approval_takes_it_back(story: Story) -> None:
    head = story.propose(EDIT)
    later = {"at": NOW}
    assert story.verdict(head, "zoe", said("ada"), said("ada", "changes_requested") | later).turn == "author"
    assert story.verdict(head, "zoe", said("ada"), said("ada", "dismissed") | later).turn == "owner"
    assert story.verdict(head, "zoe", said("ada"), said("ada", "commented") | later).state == "success"


def test_an_owner_of_another_model_stops_nothing(stories: Callable[..., Story]) -> None:
    other = "models/llm/other/thing/model.yaml"
    files = {other: "title: Thing\nsummary: Another.\nlicense: MIT\nmaintainers: [dora]\n"}
    roles = ROLES.replace("to: [chen, dora], scope", "to: [bob, chen], scope")
    story = stories({**files, "roles.yaml": roles, "publishers/other.yaml": "title: Other\nmaintainers: [dora]\n"})
    found = story.verdict(EDIT, "zoe", said("dora", "changes_requested"), said("ada"))
    assert found.state == "success"


def test_the_owners_had_half_a_year(story: Story) -> None:
    head = story.propose(EDIT)
    long_ago = NOW.replace(year=2025, month=6)
    assert story.verdict(head, "zoe", said("chen"), opened=NOW.replace(day=1)).state == "pending"
    assert story.verdict(head, "zoe", said("chen"), opened=long_ago).state == "success"
    spoken = story.verdict(head, "zoe", said("chen"), opened=long_ago, remarks=(remark("ada", "Not this way."),))
    assert spoken.state == "pending", "an owner who answers is not silent"


# -- rules that may be set aside

UNKNOWN_TAG = changed(MODEL, "[chat]", "[chat, talk]")


def test_a_steward_sets_a_rule_aside_with_a_reason(story: Story) -> None:
    head = story.propose(UNKNOWN_TAG)
    assert story.verdict(head, "ada").state == "failure"
    found = story.verdict(head, "ada", said("chen", text="Fine.\noverride TAX001: the word comes next"))
    assert found.state == "success"
    assert [(each.code, each.by, each.reason) for each in found.overrides] == [
        ("TAX001", "chen", "the word comes next")
    ]
    assert {problem.severity for problem in found.problems if problem.code == "TAX001"} == {Severity.WARN}
    assert found.lane == "manual"


@pytest.mark.parametrize(
    ("who", "text", "state"),
    [
        ("bob", "override TAX001: please", "approved"),  # no steward
        ("zoe", "override TAX001: please", "approved"),
        ("chen", "override TAX001: please", "commented"),  # no approval
        ("chen", "override TAX001:", "approved"),  # no reason
        ("chen", "override TAX001", "approved"),
        ("chen", "do not override TAX001: never", "approved"),
        ("chen", "override TAX002: another", "approved"),
    ],
)
def test_no_other_line_sets_a_rule_aside(story: Story, who: str, text: str, state: str) -> None:
    found = story.verdict(UNKNOWN_TAG, "ada", said(who, state, text=text))
    assert (found.state, found.overrides) == ("failure", ())


def test_rules_that_protect_others_are_never_set_aside(story: Story) -> None:
    other = changed(RELEASE, "3f79bb", "4f79bb")
    found = story.verdict(other, "ada", said("chen", text="override IMM002: harmless\noverride IMM001: harmless"))
    assert found.state == "failure"
    assert {"IMM002", "GOV007"} <= codes(found)


def test_an_override_is_about_the_newest_commit(story: Story) -> None:
    head = story.propose(UNKNOWN_TAG)
    found = story.verdict(head, "ada", said("chen", text="override TAX001: yes", commit=story.base))
    assert (found.state, "GOV007" in codes(found)) == ("failure", True)


# -- governance


def test_governance_needs_its_quorum_and_no_clock_helps(story: Story) -> None:
    head = story.propose({"policy.yaml": "version: 1\nclocks: {undo: 24h}\n"})
    found = story.verdict(head, "chen", said("bob"), since=NOW.replace(year=2025))
    assert (found.lane, found.state, found.turn, found.waiting_on) == ("governance", "pending", "admin", ("eve",))
    assert "GOV005" in codes(found)
    assert story.verdict(head, "chen", said("bob"), said("eve")).state == "success"
    assert story.verdict(head, "chen", said("bob"), said("chen"), said("zoe")).state == "pending"


def test_one_admin_is_enough_for_a_person_without_rights(story: Story) -> None:
    added = ROLES.replace("groups:", "groups:", 1).replace(
        "  eve: {github", "  dua: {github: {id: 1009, login: dua}}\n  eve: {github", 1
    )
    head = story.propose({"roles.yaml": added})
    assert missing(story.verdict(head, "ada")) == [("admin", "govern", 1)]
    assert story.verdict(head, "ada", said("eve")).state == "success"
    granted = added.replace("partners: [chen, dora]", "partners: [chen, dora, dua]")
    assert missing(story.verdict({"roles.yaml": granted}, "ada")) == [("admin", "govern", 2)]


def test_governance_and_content_together_are_refused(story: Story) -> None:
    both = EDIT | {"policy.yaml": "version: 1\nclocks: {undo: 24h}\n"}
    found = story.verdict(both, "ada", said("bob"), said("chen"), said("eve"))
    assert (found.lane, found.state) == ("governance", "failure")
    assert "GOV001" in codes(found)


def test_a_smaller_group_needs_a_steward_and_names_the_models(stories: Callable[..., Story]) -> None:
    restricted = with_more(MODEL, "visibility: restricted\nallowed: [partners]\n")
    story = stories({**restricted, "policy.yaml": "version: 1\nrepository: private\n"})
    head = story.propose({"roles.yaml": ROLES.replace("partners: [chen, dora]", "partners: [chen]")})
    found = story.verdict(head, "ada", said("bob"), said("eve"))
    assert missing(found) == [("steward", "override", 1)]
    assert any(problem.code == "VIS006" and "acme/tiny" in problem.message for problem in found.problems)
    assert story.verdict(head, "ada", said("bob"), said("eve"), said("dora")).state == "success"


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (MODEL, [("owner", ("ada", "bob"))]),
        ("publishers/acme.yaml", [("owner", ("ada", "bob"))]),
        ("taxonomy.yaml", [("reviewer", ("chen", "eve"))]),
        ("roles.yaml", [("admin", ("bob", "chen", "eve"))]),
    ],
)
def test_what_no_change_tells_is_still_somebodys_to_approve(
    story: Story, path: str, asked: list[tuple[str, tuple[str, ...]]]
) -> None:
    text = (story.registry / path).read_text()
    found = story.verdict({path: f"{text}# a comment\n"}, "zoe", since=NOW.replace(year=2025))
    assert found.state == "pending"
    assert [(need.role, need.of) for need in found.approvals] == asked
