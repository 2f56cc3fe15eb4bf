"""The whole story of a model: proposed from a fork, mended, approved, merged, published, and each step of its life.

Git is real on both sides, the forge answers over HTTP, and everybody works through the command line.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from community import CAROL, ROLES, Community
from conftest import git
from forges.accounts import ADA, BOB, EVE, ROBOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result
    from forges.server import Server

BEACON = "acme/beacon"
FOLDER = f"registry/models/llm/{BEACON}"
EVERYWHERE = {"home", "list", "search", "sitemap", "type document"}
WRONG = "Wrong tokenizer."
CARD = (
    "# Beacon\n\n## Background\n\nMade for tests.\n\n## Introduction\n\nIt chats.\n\n"
    "## Usage\n\nLoad it.\n\n## Constraints\n\nIt knows nothing.\n"
)
CATALOGUE = [
    {
        "version": 2,
        "model_name": "Beacon",
        "model_description": "A small chat model that came from a catalogue.",
        "context_length": 8192,
        "model_lang": ["en"],
        "model_ability": ["chat"],
        "model_specs": [
            {
                "model_format": "ggufv2",
                "model_size_in_billions": 1,
                "model_src": {
                    "huggingface": {
                        "model_id": "Acme/Beacon",
                        "model_revision": "1a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
                        "model_file_name_template": "beacon-{quantization}.gguf",
                        "quantizations": ["Q4_K_M"],
                    }
                },
            }
        ],
        "updated_at": 1766473037,
        "featured": False,
    }
]
"""What a contributor has: one model of Xinference's list, without a licence and without a card."""


@pytest.fixture
def community(
    forge_server: Server, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Community:
    return Community(forge_server, run, monkeypatch, tmp_path).start()


def test_the_whole_story(community: Community) -> None:
    proposes_from_a_fork_and_is_told_what_is_wrong(community)
    mends_it_and_two_people_approve(community)
    releases_and_discontinues(community)
    expires_and_is_renewed(community)
    is_withdrawn_and_deployed(community)
    is_reinstated(community)
    is_removed_for_good(community)
    is_not_added_again(community)
    for folder in (community.folder / "clones").iterdir():
        config = (folder / ".git/config").read_text()
        assert not [token for token in community.tokens if token in config], "no clone keeps a token"


def imports(community: Community) -> Path:
    """Carol writes the model of the catalogue into her clone."""
    place = community.current(CAROL)
    (place / "llm.json").write_text(json.dumps(CATALOGUE))
    community.do(CAROL, "import", "llm.json", "--all")
    return place / FOLDER


def proposes_from_a_fork_and_is_told_what_is_wrong(community: Community) -> None:
    imports(community)
    refused = community.do(CAROL, "submit", code=1)
    assert "LIC001" in refused.stderr
    assert "DOC001" in refused.stderr
    assert community.server.state.threads == {}
    thread = community.submits(CAROL, "--draft", "--why", "Colleagues ask for it.")
    assert thread.pull
    assert (thread.number, thread.title, thread.pull.repository) == (1, f"Add {BEACON}", "carol/gallery")
    assert list(community.server.state.main.bare.branches()) == ["main"], "she pushed to her fork only"
    community.sweep()
    assert community.state(thread) == "failure"
    assert {"turn/author", "kind/new", "first-contribution", "fail/DOC001", "fail/LIC001"} <= set(thread.labels)
    said = community.said(thread)
    assert said.startswith("### Not ready: your turn, carol (2 things to fix) ")
    assert f"`{FOLDER}/model.yaml:1:1`" in said
    assert f"blob/{thread.pull.head}/{FOLDER}/model.yaml#L1" in said
    assert f"galleryctl readme {BEACON}" in said, "a command that mends it"
    first = community.publish()
    assert first.serial == 1
    assert first.shown(BEACON) == set(), "what is proposed is not published"
    assert f"Add {BEACON}" in first.text("review/index.html")
    assert [pull["turn"] for pull in first.json("review/queue.json")["pulls"]] == ["author"]


def mends_it_and_two_people_approve(community: Community) -> None:
    thread = community.server.state.threads[1]
    assert thread.pull
    community.do(CAROL, "edit", BEACON, "license=Apache-2.0")
    (community.clone(CAROL) / FOLDER / "README.md").write_text(CARD)
    assert community.submits(CAROL) is thread
    community.sweep()
    assert "turn/author" in thread.labels, "it is a draft still"
    thread.pull.draft = False  # she clicks on "ready for review"
    community.sweep()
    assert community.state(thread) == "pending"
    assert {"turn/owner", "lane/manual"} <= set(thread.labels)
    assert not [name for name in thread.labels if name.startswith("fail/")]
    assert community.said(thread).startswith("### Waiting for an owner: ada or bob (2 approvals missing) ")
    assert "Waiting for ada or bob" in community.do(CAROL, "status").stdout
    community.merge(thread, code=1)
    waiting = community.do(BOB, "review", "queue", "--me").stdout
    assert f"Add {BEACON}" in waiting
    assert "licence" in community.do(BOB, "review", "show", "1").stdout.lower()
    community.do(BOB, "review", "approve", "1", "--yes")
    community.sweep()
    assert community.state(thread) == "pending", "a reviewer has to agree too: she is no owner"
    community.do(EVE, "review", "approve", "1", "--yes")
    community.sweep()
    assert community.state(thread) == "success"
    assert community.said(thread).startswith("### Ready: all that is needed is there ")
    writes = [each for each in community.server.asked if each.method != "GET" and each.path != "/graphql"]
    community.sweep()
    again = [each for each in community.server.asked if each.method != "GET" and each.path != "/graphql"]
    assert again == writes, "a sweep with nothing new writes nothing"
    community.merge(thread)
    site = community.publish()
    assert (site.serial, site.shown(BEACON)) == (2, EVERYWHERE)
    assert site.listed()[BEACON] == ["1.0.0"]
    assert "carol" not in site.text("review/index.html"), "the queue is empty"


def releases_and_discontinues(community: Community) -> None:
    words = ("--bump", "minor", "--notes", "Mended.", "--offline")
    community.lands(ADA, "release", BEACON, *words, approved=(BOB,))
    site = community.publish()
    assert (site.serial, site.listed()[BEACON]) == (3, ["1.1.0"])
    thread = community.lands(ADA, "discontinue", f"{BEACON}@1.0.0", "--reason", WRONG, approved=(BOB,))
    assert "kind/lifecycle" in thread.labels
    site = community.publish()
    assert (site.serial, site.shown(BEACON), site.listed()[BEACON]) == (4, EVERYWHERE, ["1.1.0"])
    ended = site.pinned(BEACON)["releases"]["1.0.0"]
    assert (ended["status"], ended["reason"]) == ("discontinued", WRONG)
    assert ended["variants"], "a pin has all that it needs"
    community.current(ADA)
    last = community.do(ADA, "discontinue", f"{BEACON}@1.1.0", "--reason", WRONG, code=2)
    assert "LIF003" in last.stderr, "one release in use remains"


def expires_and_is_renewed(community: Community) -> None:
    community.lands(ADA, "edit", BEACON, "expires=2026-02-01", "renewable=true", approved=(BOB,))
    site = community.publish()
    assert (site.serial, site.shown(BEACON)) == (5, EVERYWHERE)
    assert site.banners(BEACON).startswith("Expires on 1 Feb 2026.")
    community.later(days=31)
    site = community.publish()
    assert (site.serial, site.shown(BEACON)) == (6, set()), "its day has come: no commit was needed"
    assert site.banners(BEACON).startswith("Expired on 1 Feb 2026.")
    assert set(site.pinned(BEACON)["releases"]) == {"1.0.0", "1.1.0"}
    community.current(ROBOT)
    community.do(ROBOT, "review", "expire")
    proposed = community.server.state.threads[max(community.server.state.threads)]
    assert proposed.title == f"Discontinue {BEACON}, which expired"
    community.lands(ADA, "renew", BEACON, "--until", "2027-01-31", approved=(BOB,))
    community.current(ROBOT)
    community.do(ROBOT, "review", "expire")
    assert proposed.state == "closed", "nothing is due any more"
    site = community.publish()
    assert (site.serial, site.shown(BEACON)) == (7, EVERYWHERE)
    assert site.json("v1/types/llm.json")["models"][BEACON]["expires"] == "2027-01-31"


def is_withdrawn_and_deployed(community: Community) -> None:
    community.lands(ADA, "withdraw", BEACON, "--reason", "Its card is being rewritten.", approved=(BOB,))
    site = community.publish()
    assert (site.serial, site.shown(BEACON)) == (8, set())
    assert "Withdrawn from the lists." in site.banners(BEACON)
    assert (site.pinned(BEACON)["listed"], site.pinned(BEACON)["latest"]) == (False, "1.1.0")
    admin = community.folder / "admin"
    place = community.clone()
    community.do(ROBOT, "build", "--head", "origin/main", "--include", "unlisted", "--out", str(admin))
    assert BEACON in (admin / "types/llm/index.html").read_text(), "who keeps the gallery sees it"
    assert git(place, "status", "--porcelain") == ""
    community.lands(ADA, "deploy", BEACON, approved=(BOB,))
    site = community.publish()
    assert (site.serial, site.shown(BEACON), "Withdrawn" in site.banners(BEACON)) == (9, EVERYWHERE, False)


def is_reinstated(community: Community) -> None:
    community.lands(ADA, "reinstate", f"{BEACON}@1.0.0", approved=(BOB,))
    site = community.publish()
    assert site.serial == 10
    assert "status" not in site.pinned(BEACON)["releases"]["1.0.0"]
    assert "reason" not in site.pinned(BEACON)["releases"]["1.0.0"]


def is_removed_for_good(community: Community) -> None:
    """An owner and a steward."""
    thread = community.proposes(ADA, "remove", BEACON, "--reason", "Its data may not be used.", "--yes")
    community.sweep()
    assert {"risk/removal", "turn/steward"} <= set(thread.labels)
    community.do(BOB, "review", "approve", str(thread.number), "--yes")
    community.sweep()
    assert community.state(thread) == "pending", "two owners are no steward"
    community.do(EVE, "review", "approve", str(thread.number), "--yes")
    community.sweep()
    community.merge(thread)
    site = community.publish()
    assert (site.serial, site.shown(BEACON), site.pinned(BEACON)) == (11, set(), None)
    gone = site.json("v1/directory.json")["removed"][BEACON]
    assert (gone["reason"], gone["releases"]) == ("Its data may not be used.", ["1.0.0", "1.1.0"])
    assert "Its data may not be used." in site.banners(BEACON)


def is_not_added_again(community: Community) -> None:
    """Neither by the command, nor by hand in a fork, nor where the tombstone goes along."""
    place = community.current(CAROL)
    assert "never comes back" in community.do(CAROL, "import", "llm.json", "--all", code=1).stdout
    old = git(community.server.path, "rev-list", "-1", "main~1")
    files: dict[str, bytes | None] = {
        f"{FOLDER}/{name}": community.server.state.main.bare.git("show", f"{old}:{FOLDER}/{name}")
        for name in ("model.yaml", "README.md", "1.0.0.yaml", "1.1.0.yaml")
    }
    for branch, more in (("again", {}), ("grave", {f"registry/removed/{BEACON}.yaml": None})):
        git(place, "push", "-q", str(community.server.state.repositories["carol/gallery"].bare.path), "main")
        community.server.push(branch, {**files, **more}, repository="carol/gallery", by=CAROL)
        thread = community.server.state.propose(CAROL, branch, title="Beacon", repository="carol/gallery")
        for each in (ADA, EVE):
            community.server.forge(each).review(thread.number, str(thread.pull and thread.pull.head), "APPROVE", "Yes.")
        community.sweep(str(thread.number))
        assert community.state(thread) == "failure", branch
        community.later(days=30)
        community.sweep(str(thread.number))
        assert community.state(thread) == "failure", branch
        assert f"`registry/{'removed' if more else 'models'}" in community.said(thread)
        community.merge(thread, code=1)


def test_a_quarantine_is_in_force_at_once_and_lifted_by_two(community: Community) -> None:
    """One steward suffices to stop a model, by a lane of its own; two let it back, and no owner does."""
    roles = ROLES.replace("steward, to: eve", "steward, to: [bob, eve]").encode()
    community.server.push("main", {"registry/roles.yaml": roles})
    before = community.publish()
    assert (before.json("v1/revoked.json")["revoked"], before.shown("acme/tiny")) == ([], EVERYWHERE)
    thread = community.proposes(EVE, "quarantine", "acme/tiny@1.0.0", "--reason", "It runs code when it is loaded.")
    assert thread.pull
    assert thread.pull.repository == "eve/gallery", "she may not push, and needs not"
    community.sweep()
    assert (community.state(thread), "lane/urgent" in thread.labels) == ("success", True)
    done = community.do(ADA, "review", "merge", "--ready", "--judge", ROBOT.login)
    assert f"#{thread.number} merged" in done.stdout
    site = community.publish()
    (revoked,) = site.json("v1/revoked.json")["revoked"]
    assert (site.serial, revoked["id"], revoked["releases"]) == (before.serial + 1, "acme/tiny", ["1.0.0"])
    assert revoked["files"] == ["3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea"]
    assert site.pinned("acme/tiny")["releases"]["1.0.0"]["status"] == "quarantined"
    lifted = community.proposes(ADA, "reinstate", "acme/tiny@1.0.0")
    for by, state in ((None, "pending"), (BOB, "pending"), (EVE, "success")):
        if by:
            community.do(by, "review", "approve", str(lifted.number), "--yes")
        community.sweep()
        assert community.state(lifted) == state
    community.merge(lifted)
    after = community.publish()
    assert (after.json("v1/revoked.json")["revoked"], after.shown("acme/tiny")) == ([], EVERYWHERE)
