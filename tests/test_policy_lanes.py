"""How a pull request may be merged: which lane takes it, why no faster one does, and what its clock says."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL
from galleryctl.checks.rule import Ledger
from galleryctl.spec.review import Login
from proposing import (
    ACCOUNTS,
    CARD,
    HOUR,
    MODEL,
    NOW,
    PUSHED,
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

    from galleryctl.policy import Verdict

LATER = NOW + 100 * HOUR
SUMMARY = changed(MODEL, "for tests", "for trials")
QUARANTINE = with_more(MODEL, "status: quarantined\nreason: It phones home.\n")


@pytest.fixture
def stories(registry: Callable[..., Path], commit: Callable[..., str]) -> Callable[..., Story]:
    def make(files: dict[str, str | None] | None = None, name: str = "repository") -> Story:
        return Story(registry({"roles.yaml": ROLES, **(files or {})}, name=name), commit)

    return make


@pytest.fixture
def story(stories: Callable[..., Story]) -> Story:
    return stories()


def new(name: str = "small", publisher: str = "acme", more: str = "", seed: str = "b") -> dict[str, str | None]:
    """A model of its own."""
    text, card = MINIMAL[MODEL], MINIMAL[CARD]
    assert text is not None
    assert card is not None
    text = text.replace("Tiny", name.title()).replace("acme/tiny", f"{publisher}/{name}") + more
    folder = f"models/llm/{publisher}/{name}"
    own = release("1.0.0", seed, of=f"{publisher}/{name}", old="repo: acme/tiny", new=f"repo: {publisher}/{name}")
    return {f"{folder}/model.yaml": text, f"{folder}/README.md": card.replace("Tiny", name.title())} | own


def reasons(found: Verdict, lane: str) -> list[str]:
    return [each.reason for each in found.passed_over if each.lane == lane]


# -- release


def test_a_release_by_its_owner_waits_ten_minutes(story: Story) -> None:
    head = story.propose(release("1.1.0"))
    found = story.verdict(head, "ada")
    assert (found.lane, found.state, found.turn, found.approvals) == ("release", "pending", "clock", ())
    assert found.earliest == PUSHED + dt.timedelta(minutes=10)
    assert found.why == "Nothing is missing: lane release lets it in after 2026-01-10 12:09 UTC."
    assert story.verdict(head, "ada", now=PUSHED + dt.timedelta(minutes=10)).state == "success"
    assert found.kinds == ("release",)


def test_a_registered_program_may_release_and_nothing_else(story: Story) -> None:
    assert story.verdict(release("1.1.0"), "releases").lane == "release"
    assert story.verdict(SUMMARY, "releases").lane == "manual"
    assert story.verdict(release("1.1.0"), Login(id=2002, login="acme-releases[bot]", bot=True)).lane == "manual"


def test_a_release_by_a_reviewer_or_a_stranger_waits_for_an_owner(story: Story) -> None:
    head = story.propose(release("1.1.0"))
    for author in ("chen", "zoe"):
        found = story.verdict(head, author)
        assert (found.lane, missing(found)) == ("manual", [("owner", "release", 1)])
        assert reasons(found, "release") == ["the author is not an owner of acme/tiny"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (SUMMARY, "it also changes summary of acme/tiny"),
        (changed(MODEL, "[chat]", "[]"), "it also changes tags"),
        (changed(MODEL, "Apache-2.0", "MIT"), "it also changes license of acme/tiny"),
        (changed(RELEASE, "First release.", "The first."), "it also changes notes of acme/tiny@1.0.0"),
        (QUARANTINE, "it also changes reason of acme/tiny, status of acme/tiny"),
        (changed(MODEL, "title: Tiny", "# a comment\ntitle: Tiny"), "models/llm/acme/tiny/model.yaml changed"),
        (changed("publishers/acme.yaml", "Acme", "Acme Labs"), "it also changes title of acme"),
        (new("small"), "it also changes model of acme/small"),
    ],
    ids=["summary", "tags", "licence", "notes", "status", "comment", "publisher", "model"],
)
def test_one_thing_more_makes_a_release_manual(story: Story, more: dict[str, str | None], reason: str) -> None:
    found = story.verdict(release("1.1.0") | more, "ada")
    assert found.lane == "manual"
    assert any(each.startswith(reason) for each in reasons(found, "release")), reasons(found, "release")


def test_a_file_beside_the_registry_makes_a_release_manual(story: Story) -> None:
    story.propose(release("1.1.0"))
    head = story.commit(story.registry.parent, {"NOTES.txt": "hello\n"})
    found = story.verdict(head, "ada", said("bob"), said("chen"), said("dora"), said("eve"))
    assert found.state == "failure", "content comes alone"
    assert reasons(found, "release")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("revision: aaaa2c3d4e5f60718293a4b5c6d7e8f901234567", "revision: main", "not every source of 1.1.0 is pinned"),
        ("size: 2000000000", "role: model", "not every source of 1.1.0 is pinned"),
        ("repo: acme/tiny", "repo: mallory/tiny", "it also changes sources of acme/tiny@1.1.0"),
    ],
)
def test_a_release_from_elsewhere_or_without_facts_is_manual(story: Story, old: str, new: str, reason: str) -> None:
    found = story.verdict(release("1.1.0", old=old, new=new), "ada")
    assert found.lane == "manual"
    assert any(each.startswith(reason) for each in reasons(found, "release")), reasons(found, "release")


def test_a_version_that_somebody_saw_before_is_not_new(story: Story) -> None:
    head = story.propose(release("1.1.0"))
    ledger = Ledger({"acme/tiny": frozenset({"1.0.0", "2.0.0"})}, {})
    found = story.verdict(head, "ada", ledger=ledger)
    assert found.lane == "manual"
    assert "1.1.0 is not higher than 2.0.0" in reasons(found, "release")


def test_a_push_by_somebody_else_is_not_the_authors_word(story: Story) -> None:
    head = story.propose(release("1.1.0"))
    found = story.verdict(head, "ada", pusher=ACCOUNTS["zoe"])
    assert (found.lane, reasons(found, "release")) == ("manual", ["who pushed last is not an owner of acme/tiny"])
    assert story.verdict(head, "ada", pusher=ACCOUNTS["bob"]).lane == "release"


# -- text


@pytest.mark.parametrize(
    "files",
    [
        SUMMARY,
        {CARD: (MINIMAL[CARD] or "") + "\nMore.\n"},
        changed(MODEL, "/tiny}", "/tiny, paper: https://arxiv.org/abs/2401.00001}"),
    ],
    ids=["summary", "card", "links"],
)
def test_texts_of_an_owner_wait_ten_minutes(story: Story, files: dict[str, str | None]) -> None:
    found = story.verdict(files, "ada")
    assert (found.lane, found.kinds, found.earliest) == ("text", ("text",), PUSHED + dt.timedelta(minutes=10))


def test_a_title_is_no_mere_text(story: Story) -> None:
    found = story.verdict(changed(MODEL, "title: Tiny", "title: Tiny One"), "ada")
    assert (found.lane, missing(found)) == ("manual", [("owner", "edit", 1)])


def test_a_warning_keeps_out_of_the_fast_lanes(story: Story) -> None:
    found = story.verdict({CARD: "# Tiny\n"}, "ada")
    assert found.lane == "manual"
    assert any(each.endswith("found something") for each in reasons(found, "text"))


def test_a_closed_lane_takes_nothing(stories: Callable[..., Story]) -> None:
    story = stories({"policy.yaml": "version: 1\nlanes: {text: {open: false}}\n"})
    found = story.verdict(SUMMARY, "ada")
    assert (found.lane, reasons(found, "text")) == ("manual", ["policy.yaml closes it"])


# -- clocks


def test_somebody_who_speaks_up_stops_the_clock(story: Story) -> None:
    head = story.propose(SUMMARY)
    spoken = {"remarks": (remark("zoe", "Is that so?"),), "now": LATER}
    found = story.verdict(head, "ada", **spoken)
    assert (found.lane, found.turn, missing(found)) == ("manual", "owner", [("owner", "edit", 1)])
    assert reasons(found, "text") == ["zoe said something while the clock ran"]
    assert story.verdict(head, "ada", said("bob"), **spoken).state == "success"


@pytest.mark.parametrize(
    "said_so",
    [
        remark("zoe", "Nice! [noblock]"),
        remark("ada", "This is why."),
        remark("releases", "Preview is ready."),
        remark("zoe", "Before the push.", at=PUSHED - HOUR),
        remark("zoe", "Too late.", at=PUSHED + HOUR),
    ],
    ids=["noblock", "author", "program", "before", "after"],
)
def test_other_words_stop_nothing(story: Story, said_so: object) -> None:
    assert story.verdict(SUMMARY, "ada", remarks=(said_so,), now=LATER).state == "success"


def test_a_clock_starts_when_the_forge_saw_the_head_and_not_when_a_commit_says(story: Story) -> None:
    old = story.propose(SUMMARY)  # its commit claims a day last week
    assert story.verdict(old, "ada", since=None).earliest == NOW + dt.timedelta(minutes=10)
    assert story.verdict(old, "ada", since=NOW - HOUR, opened=NOW).earliest == NOW + dt.timedelta(minutes=10)


def test_a_wider_audience_waits_a_day_and_is_cleared(stories: Callable[..., Story]) -> None:
    restricted = with_more(MODEL, "visibility: restricted\nallowed: [partners]\n")
    story = stories({**restricted, "policy.yaml": "version: 1\nrepository: private\n"})
    head = story.propose({MODEL: MINIMAL[MODEL]})
    found = story.verdict(head, "ada")
    assert ("clearance", "widen", 1) in missing(found)
    assert "visibility" in found.risks
    assert found.earliest == PUSHED + 24 * HOUR
    assert story.verdict(head, "ada", said("bob")).state == "pending"
    cleared = story.verdict(head, "ada", said("eve"), said("bob"))
    assert (cleared.turn, cleared.why.startswith("Nothing is missing")) == ("clock", True)
    assert story.verdict(head, "ada", said("eve"), said("bob"), now=LATER).state == "success"


# -- new


def test_a_new_model_of_an_owner_waits_three_days_or_for_a_reviewer(story: Story) -> None:
    head = story.propose(new())
    found = story.verdict(head, "ada")
    assert (found.lane, found.turn, found.approvals, found.kinds) == ("new", "clock", (), ("new",))
    assert found.earliest == PUSHED + 72 * HOUR
    assert story.verdict(head, "ada", said("zoe")).state == "pending"
    assert story.verdict(head, "ada", said("chen")).state == "success"
    assert story.verdict(head, "ada", now=LATER).state == "success"


def test_who_may_add_models_needs_no_review(story: Story) -> None:
    head = story.propose(new())
    assert story.verdict(head, "chen").earliest == PUSHED + dt.timedelta(minutes=10)
    assert story.verdict(head, "chen", now=NOW + HOUR).state == "success"
    broken = story.verdict(new(more="tagz: [chat]\n"), "chen", now=NOW + HOUR)
    assert broken.state == "failure", "and what the checks say is never skipped"


def test_a_new_model_of_a_stranger_needs_a_reviewer_and_an_owner(story: Story) -> None:
    head = story.propose(new())
    found = story.verdict(head, "zoe")
    assert (found.lane, missing(found)) == ("manual", [("owner", "new", 1), ("reviewer", "new", 1)])
    assert reasons(found, "new")
    assert story.verdict(head, "zoe", said("chen")).state == "pending"
    assert story.verdict(head, "zoe", said("chen"), said("bob")).state == "success"


def test_a_new_publisher_needs_a_reviewer(story: Story) -> None:
    files = new("thing", "other") | {"publishers/other.yaml": "title: Other\nmaintainers: [dora]\n"}
    head = story.propose({"publishers/other.yaml": files["publishers/other.yaml"]})
    found = story.verdict(head, "dora")
    assert (found.lane, missing(found)) == ("manual", [("reviewer", "new", 1)])
    assert story.verdict(head, "dora", said("chen")).state == "success"
    assert story.verdict(head, "zoe", said("chen")).turn == "owner", "dora has to agree"


def test_an_id_that_was_published_before_is_not_new(story: Story) -> None:
    known = Ledger({"acme/small": frozenset()}, {"acme/small": frozenset({"public"})})
    found = story.verdict(new(), "ada", ledger=known)
    assert found.lane == "manual"
    assert "acme/small was published before" in reasons(found, "new")


def test_deleting_and_adding_again_is_no_way_around(story: Story) -> None:
    gone = {MODEL: None, RELEASE: None, CARD: None}
    found = story.verdict(gone | new(), "ada", said("bob"), said("chen"), said("dora"))
    assert found.state == "failure"
    assert {"IMM003", "IDN006"} & codes(found)


# -- private registries

PRIVATE = {"policy.yaml": "version: 1\nrepository: private\n"}
PUBLIC_ONLY = ROLES.replace(
    '{role: reviewer, to: [chen, eve], scope: "*"}',
    '{role: reviewer, to: chen, scope: "*"}\n  - {role: reviewer, to: eve, scope: "*", visibility: [private]}',
)


def test_a_private_model_needs_no_review(stories: Callable[..., Story]) -> None:
    story = stories(PRIVATE)
    head = story.propose(new(more="maintainers: [dora]\nvisibility: private\n"))
    found = story.verdict(head, "dora", now=NOW + HOUR)
    assert (found.lane, found.state) == ("new", "success")


def test_a_public_model_of_a_private_registry_waits_for_those_who_may_add_it(stories: Callable[..., Story]) -> None:
    story = stories(PRIVATE | {"roles.yaml": PUBLIC_ONLY})
    head = story.propose(new())
    without = story.verdict(head, "eve", now=LATER)
    assert (without.lane, without.state) == ("manual", "pending")
    assert ("reviewer", "new", 1) in missing(without)
    assert reasons(without, "new") == ["who proposes it may not add public models of the community edition"]
    assert story.verdict(head, "chen", now=LATER).state == "success"
    assert "visibility" in without.risks


def test_whoever_may_do_something_public_may_act_on_private_models(stories: Callable[..., Story]) -> None:
    private = with_more(MODEL, "visibility: private\n")
    roles = ROLES.replace("grants:", "grants:\n  - {role: owner, to: dora, scope: '*', only: [expire]}", 1)
    story = stories(PRIVATE | private | {"roles.yaml": roles})
    text = private[MODEL]
    assert text is not None
    found = story.verdict({MODEL: text.replace("for tests", "for trials")}, "dora")
    assert found.lane == "text"
    public = stories({"roles.yaml": roles}, name="public")
    edit = public.verdict(SUMMARY, "dora")
    assert (edit.lane, missing(edit)) == ("manual", [("owner", "edit", 1)]), "expire alone is no right to edit"
    assert missing(public.verdict(with_more(MODEL, "expires: 2027-01-01\n"), "ada", said("dora"))) == []


def test_an_enterprise_model_needs_its_own_permission(stories: Callable[..., Story]) -> None:
    roles = ROLES.replace(
        '{role: reviewer, to: [chen, eve], scope: "*"}',
        '{role: reviewer, to: chen, scope: "*"}\n  - {role: reviewer, to: eve, scope: "*", edition: [community]}',
    )
    story = stories({"roles.yaml": roles})
    head = story.propose(with_more(MODEL, "terms: {edition: enterprise}\n"))
    assert ("reviewer", "new", 1) in missing(story.verdict(head, "ada", said("bob"), said("eve")))
    assert story.verdict(head, "ada", said("chen")).state == "success"
    enterprise = story.propose(new(more="terms: {edition: enterprise}\n"))
    assert [story.verdict(enterprise, who).lane for who in ("eve", "ada", "chen")] == ["manual", "manual", "new"]


# -- urgent


def test_a_steward_quarantines_at_once(story: Story) -> None:
    head = story.propose(QUARANTINE)
    found = story.verdict(head, "chen", since=None)
    assert (found.lane, found.state, found.turn) == ("urgent", "success", "us")
    ahead = story.verdict(head, "chen", since=NOW + HOUR)
    assert (ahead.state, ahead.earliest) == ("success", None), "whose clock is right does not matter"
    owner = story.verdict(head, "ada")
    assert (owner.lane, missing(owner)) == ("manual", [("steward", "quarantine", 1)])
    assert story.verdict(head, "ada", said("dora")).state == "success"
    assert story.verdict(QUARANTINE | release("1.1.0"), "chen").lane == "manual"


def test_two_stewards_end_a_quarantine(stories: Callable[..., Story]) -> None:
    roles = ROLES.replace("role: steward, to: [chen, dora]", "role: steward, to: [bob, chen, dora]")
    story = stories(QUARANTINE | {"roles.yaml": roles})
    head = story.propose({MODEL: MINIMAL[MODEL]})
    found = story.verdict(head, "ada", said("chen"))
    assert (found.turn, missing(found)) == ("steward", [("steward", "reinstate", 1)])
    assert found.waiting_on == ("bob", "dora")
    assert story.verdict(head, "ada", said("chen"), said("bob")).state == "success"
    assert story.verdict(head, "bob", said("chen"), said("bob")).state == "pending"
