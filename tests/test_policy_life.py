"""Who ends what: removals and those who depend on them, discontinued releases, new maintainers, renames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL
from proposing import (
    ACCOUNTS,
    CARD,
    HOUR,
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

Files = dict[str, str | None]
CHAT: Files = {"consumers/chat.yaml": "title: Chat\nowners: [dora]\npins:\n  - {model: acme/tiny, version: 1.0.0}\n"}
GONE: Files = {
    MODEL: None,
    RELEASE: None,
    CARD: None,
    "removed/acme/tiny.yaml": (
        'type: llm\nreason: The rights holder withdrew the licence.\nsince: "2026-01-10"\nreleases: [1.0.0]\n'
    ),
}
UNPINNED: Files = {"consumers/chat.yaml": "title: Chat\nowners: [dora]\npins: []\n"}
MONTH = 30 * 24 * HOUR
STOPPED = "status: discontinued\nreason: Wrong tokenizer.\n"


@pytest.fixture
def stories(registry: Callable[..., Path], commit: Callable[..., str]) -> Callable[..., Story]:
    def make(files: Files | None = None, name: str = "repository") -> Story:
        return Story(registry({"roles.yaml": ROLES, **(files or {})}, name=name), commit)

    return make


@pytest.fixture
def story(stories: Callable[..., Story]) -> Story:
    return stories()


# -- removal


def test_a_removal_takes_an_owner_and_a_steward(story: Story) -> None:
    head = story.propose(GONE)
    late = {"now": NOW + MONTH}
    found = story.verdict(head, "zoe", **late)
    assert (found.risks, missing(found)) == (("removal",), [("owner", "remove", 1), ("steward", "remove", 1)])
    assert story.verdict(head, "zoe", said("chen"), said("dora"), **late).turn == "owner"
    assert story.verdict(head, "zoe", said("ada"), said("bob"), **late).turn == "steward"
    assert story.verdict(head, "zoe", said("ada"), said("chen"), **late).state == "success"


def test_an_owner_who_proposes_it_agrees_to_it(story: Story) -> None:
    head = story.propose(GONE)
    late = {"now": NOW + MONTH}
    assert missing(story.verdict(head, "ada", **late)) == [("steward", "remove", 1)]
    assert story.verdict(head, "ada", said("chen"), **late).state == "success"
    pushed = story.verdict(head, "ada", said("chen"), pusher=ACCOUNTS["zoe"], **late)
    assert missing(pushed) == [("owner", "remove", 1)], "what somebody else pushed was not proposed by the owner"


def test_one_person_with_both_roles_is_still_one(stories: Callable[..., Story]) -> None:
    story = stories({"roles.yaml": ROLES.replace("role: steward, to: [chen, dora]", "role: steward, to: [bob, chen]")})
    head = story.propose(GONE)
    late = {"now": NOW + MONTH}
    assert story.verdict(head, "zoe", said("bob"), **late).state == "pending"
    assert story.verdict(head, "zoe", said("bob"), said("ada"), **late).state == "success"
    assert story.verdict(head, "bob", **late).state == "pending"


def test_an_owner_takes_back_alone_what_was_just_published(stories: Callable[..., Story]) -> None:
    story = stories()
    head = story.propose(GONE)
    soon = {"now": NOW.replace(day=3)}  # published on the second
    assert story.verdict(head, "ada", **soon).state == "success"
    assert story.verdict(head, "zoe", said("ada"), **soon).state == "pending"
    assert story.verdict(head, "ada", now=NOW).state == "pending", "after three days it was published"
    used = stories(CHAT, name="used")
    found = used.verdict(GONE | UNPINNED, "ada", **soon)
    assert ("consumer", "remove", 1) in missing(found), "somebody uses it"
    assert ("steward", "remove", 1) in missing(found)


def test_a_new_release_of_an_old_model_is_taken_back_by_its_owner(stories: Callable[..., Story]) -> None:
    story = stories()
    late = NOW + MONTH
    story.base = story.commit(story.registry, release("1.1.0"), date=late.isoformat())
    tombstone = 'type: llm\nreason: Wrong files.\nsince: "2026-01-10"\nreleases: [1.1.0]\nwhole: false\n'
    head = story.propose({"models/llm/acme/tiny/1.1.0.yaml": None, "removed/acme/tiny.yaml": tombstone})
    assert missing(story.verdict(head, "ada", now=late + HOUR)) == []
    assert missing(story.verdict(head, "ada", now=late + MONTH)) == [("steward", "remove", 1)]


def test_services_are_asked_before_what_they_pin_goes(stories: Callable[..., Story]) -> None:
    story = stories(CHAT)
    head = story.propose(GONE | UNPINNED)
    late = {"now": NOW + MONTH}
    found = story.verdict(head, "ada", said("chen"), **late)
    assert (found.state, found.turn) == ("pending", "owner")
    assert missing(found) == [("consumer", "edit", 1), ("consumer", "remove", 1)]
    assert any(each.code == "LIF006" and "service chat" in each.message for each in found.problems)
    assert story.verdict(head, "ada", said("chen"), said("dora"), **late).state == "success"


def test_a_service_that_pins_another_release_is_not_asked(stories: Callable[..., Story]) -> None:
    story = stories(CHAT | release("1.1.0"))
    tombstone = 'type: llm\nreason: Wrong files.\nsince: "2026-01-10"\nreleases: [1.1.0]\nwhole: false\n'
    gone: Files = {"models/llm/acme/tiny/1.1.0.yaml": None, "removed/acme/tiny.yaml": tombstone}
    found = story.verdict(gone, "ada", said("chen"), now=NOW + MONTH)
    assert [need.role for need in found.approvals if need.subject == "chat"] == []
    assert missing(found) == []


def test_owners_of_what_was_made_from_it_are_asked(stories: Callable[..., Story]) -> None:
    text = (MINIMAL[MODEL] or "").replace("Tiny", "Thing").replace("acme/tiny", "other/thing")
    other: Files = {
        "publishers/other.yaml": "title: Other\nmaintainers: [eve]\n",
        "models/llm/other/thing/model.yaml": text + "base_models: [acme/tiny]\n",
    }
    found = stories(other).verdict(GONE, "ada", said("chen"), now=NOW + MONTH)
    assert [(need.role, need.subject, need.of) for need in found.approvals if need.missing] == [
        ("owner", "other/thing", ("eve",))
    ]


# -- discontinuing


def test_the_newest_release_takes_one_approval_more(stories: Callable[..., Story]) -> None:
    newer = release("1.1.0")
    story = stories(newer | {"roles.yaml": ROLES.replace("acme: [ada, bob]", "acme: [ada, bob, eve]")})
    path = "models/llm/acme/tiny/1.1.0.yaml"
    newest = story.propose({path: f"{newer[path]}{STOPPED}"})
    found = story.verdict(newest, "zoe")
    assert ("LIF008" in codes(found), missing(found)) == (True, [("owner", "discontinue", 2)])
    assert story.verdict(newest, "zoe", said("ada")).state == "pending"
    assert story.verdict(newest, "zoe", said("ada"), said("bob")).state == "success"
    older = story.verdict(with_more(RELEASE, STOPPED), "zoe")
    assert ("LIF008" in codes(older), missing(older)) == (False, [("owner", "discontinue", 1)])


@pytest.mark.parametrize(
    ("more", "action"),
    [
        ("listed: false\nreason: Not ready.\n", "withdraw"),
        ("status: deprecated\nreason: Old.\n", "deprecate"),
        (STOPPED, "discontinue"),
        ('expires: "2026-12-01"\n', "expire"),
    ],
)
def test_each_step_of_a_life_is_an_action_of_its_own(story: Story, more: str, action: str) -> None:
    found = story.verdict(with_more(MODEL, more), "zoe")
    assert missing(found) == [("owner", action, 1)]
    assert found.kinds == ("lifecycle",)


@pytest.mark.parametrize(
    ("more", "action"),
    [
        ("listed: false\nreason: Not ready.\n", "deploy"),
        ("status: deprecated\nreason: Old.\n", "reinstate"),
        ('expires: "2026-12-01"\n', "renew"),
    ],
)
def test_each_step_back_is_one_too(stories: Callable[..., Story], more: str, action: str) -> None:
    story = stories(with_more(MODEL, more))
    assert missing(story.verdict({MODEL: MINIMAL[MODEL]}, "zoe")) == [("owner", action, 1)]


def test_who_may_only_expire_may_approve_nothing_else(stories: Callable[..., Story]) -> None:
    grant = "grants:\n  - {role: owner, to: dora, scope: acme/*, only: [expire]}"
    story = stories({"roles.yaml": ROLES.replace("grants:", grant, 1)})
    assert story.verdict(with_more(MODEL, 'expires: "2026-12-01"\n'), "zoe", said("dora")).state == "success"
    assert story.verdict(with_more(MODEL, STOPPED), "zoe", said("dora")).state == "pending"


# -- owners


def test_a_new_maintainer_agrees(story: Story) -> None:
    head = story.propose(changed("publishers/acme.yaml", "[acme]", "[acme, eve]"))
    found = story.verdict(head, "ada", said("bob"))
    assert (found.turn, found.waiting_on, codes(found)) == ("owner", ("eve",), {"OWN003"})
    assert found.why == "Waiting for eve to agree to maintain acme."
    assert story.verdict(head, "ada", said("bob"), remarks=(remark("eve", "Gladly."),)).state == "success"
    assert story.verdict(head, "ada", said("bob"), said("eve")).state == "success"
    assert story.verdict(head, "eve", said("bob")).state == "success", "proposing it is agreeing to it"
    taken = remark("eve").model_copy(update={"by": ACCOUNTS["eve"].model_copy(update={"id": 7777})})
    assert story.verdict(head, "ada", said("bob"), remarks=(taken,)).state == "pending"
    no = story.verdict(head, "ada", said("bob"), said("eve", "changes_requested"))
    assert no.state == "pending"


def test_a_model_that_is_handed_over_takes_a_steward(stories: Callable[..., Story]) -> None:
    story = stories(with_more(MODEL, "maintainers: [ada]\n"))
    text = (MINIMAL[MODEL] or "") + "maintainers: [dora]\n"
    head = story.propose({MODEL: text})
    found = story.verdict(head, "dora")
    assert missing(found) == [("owner", "transfer", 1), ("steward", "transfer", 1)]
    assert found.risks == ("owners",)
    assert story.verdict(head, "dora", said("ada"), said("chen")).state == "success"


def test_a_new_name_takes_a_steward_and_the_owners_word(story: Story) -> None:
    folder, new = "models/llm/acme/tiny", "models/llm/acme/mini"
    files: Files = {f"{new}/{path.rpartition('/')[2]}": MINIMAL[path] for path in (MODEL, RELEASE, CARD)}
    files[f"{new}/model.yaml"] = (MINIMAL[MODEL] or "") + "aliases: [acme/tiny]\n"
    files |= {f"{folder}/{path.rpartition('/')[2]}": None for path in (MODEL, RELEASE, CARD)}
    head = story.propose(files)
    found = story.verdict(head, "ada")
    assert ("steward", "rename", 1) in missing(found)
    assert ("owner", "rename", 1) not in missing(found)
    assert found.lane == "manual"


def test_pins_of_a_service_are_its_owners(stories: Callable[..., Story]) -> None:
    story = stories(CHAT)
    head = story.propose({"consumers/chat.yaml": (CHAT["consumers/chat.yaml"] or "").replace("Chat", "Chats")})
    assert [(need.role, need.of) for need in story.verdict(head, "zoe").approvals] == [("consumer", ("dora",))]
    assert story.verdict(head, "zoe", said("dora")).state == "success"


def test_words_of_the_gallery_are_reviewed(story: Story) -> None:
    word = changed(
        "taxonomy.yaml", "reasoning: {label: Reasoning}", "reasoning: {label: Reasoning}\n      vision: {label: Vision}"
    )
    found = story.verdict(word, "ada")
    assert (found.lane, found.turn, found.waiting_on) == ("manual", "reviewer", ("chen", "eve"))
