"""Pull requests that attack, through the whole line: from objects that a stranger pushed to what the forge shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from community import CAROL, CONTEXT, ROLES, TINY, Community
from conftest import MINIMAL, git
from forges.accounts import ADA, BOB, MALLORY, ROBOT, Account
from galleryctl.reviewing.comment import MARKER
from test_comparing import retyped
from test_hostile_heads import blob, head, many, model, tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result
    from forges.server import Server
    from forges.state import Thread

MODEL = (MINIMAL["models/llm/acme/tiny/model.yaml"] or "").rstrip()
BAD = f"{MODEL}\n".replace("tags: [chat]", "tags: [chatt]").encode()
SUMMARY = MODEL.replace("for tests", "for trials").encode() + b"\n"
PATH = f"{TINY}/model.yaml"


@pytest.fixture
def community(
    forge_server: Server, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Community:
    return Community(forge_server, run, monkeypatch, tmp_path).start()


def proposed(community: Community, branch: str, files: dict[str, bytes | None], by: Account = CAROL) -> Thread:
    community.server.push(branch, files, by=by)
    return community.server.state.propose(by, branch, title=branch)


def review(community: Community, thread: Thread, by: Account, event: str = "APPROVE", text: str = "Good.") -> None:
    assert thread.pull
    community.server.forge(by).review(thread.number, thread.pull.head, event, text)  # type: ignore[arg-type]  # a word


# -- objects


def hostile(root: Path) -> dict[str, str]:
    """Commits by what is wrong with them, written into the repository of the forge as no work tree would hold them."""
    registry, folder = root / "registry", "registry/models/llm/acme"
    passwd, evil = blob(root, b"/etc/passwd"), model(root, "evil")
    inner = tree(root, [("100644", blob(root, b"x"), b"f%d" % number) for number in range(10)])
    for _ in range(9):
        inner = tree(root, [("40000", inner, b"d%d" % number) for number in range(10)])
    deep = tree(root, [("100644", blob(root, b"x"), b"x")])
    for _ in range(100):
        deep = tree(root, [("40000", deep, b"d")])
    alias = b"a: &a [x, x, x]\nb: &b [*a, *a, *a]\ntitle: [*b, *b]\n"
    links = [("120000", passwd, b"model.yaml"), *(each for each in evil if each[2] != b"model.yaml")]
    return {
        "a symbolic link": head(registry, TINY, [("120000", passwd, b"README.zh.md")]),
        "a definition that is one": head(registry, f"{folder}/evil", links),
        "a submodule": head(registry, TINY, [("160000", git(root, "rev-parse", "main"), b"sub")]),
        "an executable": head(registry, TINY, [("100755", passwd, b"README.zh.md")]),
        "twins by case": head(registry, TINY, [("100644", passwd, b"readme.md")]),
        "a name that reads backwards": head(registry, TINY, [("100644", passwd, "model\u202elmay.yaml".encode())]),
        "a name of two lines": head(registry, TINY, [("100644", passwd, b"a\nb")]),
        "no name at all": head(registry, TINY, [("100644", passwd, b"\xff\xfe")]),
        "the folder above": head(registry, f"{folder}/..", evil),
        "settings of git": head(registry, f"{folder}/.git/hooks", [("100755", passwd, b"post-checkout")]),
        "a bomb of folders": head(registry, folder, [("40000", inner, b"bomb")]),
        "a deep path": head(registry, folder, [("40000", deep, b"deep")]),
        "a bomb of aliases": head(registry, TINY, [("100644", blob(root, alias), b"model.yaml")]),
        "a history of its own": git(root, "commit-tree", "main^{tree}", "-m", "alone"),
        "ten thousand files": many(registry, 10_000, lambda number: {f"{folder}/m{number}/model.yaml": "title: x\n"}),
    }


def armed(clone: Path, canary: Path) -> None:
    """Everything in a clone that a checkout, a merge or a diff would start."""
    hooks = clone / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    names = ("post-checkout", "post-merge", "pre-commit", "post-index-change", "reference-transaction", "fsmonitor")
    for name in names:
        (hooks / name).write_text(f"#!/bin/sh\ntouch {canary}\n")
        (hooks / name).chmod(0o755)
    keys = ("filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "diff.evil.textconv", "diff.evil.command")
    for key in (*keys, "merge.evil.driver", "diff.external", "core.sshCommand", "uploadpack.packObjectsHook"):
        git(clone, "config", key, f"touch {canary}")
    git(clone, "config", "core.fsmonitor", str(hooks / "fsmonitor"))


def seen(folder: Path) -> dict[str, bytes]:
    """Every file of a clone but for objects: work tree, index, references, settings."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if not name.startswith((".git/objects/", ".git/galleryctl")) and (path.is_file() or path.is_symlink()):
            found[name] = bytes(path.readlink()) if path.is_symlink() else path.read_bytes()
    return found


def test_nothing_of_a_hostile_head_is_run_or_checked_out(community: Community) -> None:
    """All of them and a good one in one sweep: each gets its verdict, and the clone is as it was."""
    root, canary = community.server.path, community.folder / "ran"
    threads = {}
    for number, (name, commit) in enumerate(hostile(root).items()):
        git(root, "update-ref", f"refs/heads/hostile-{number}", commit)
        threads[name] = community.server.state.propose(MALLORY, f"hostile-{number}", title=name)
    rules = b"* filter=evil diff=evil merge=evil\n"
    filters = proposed(community, "filters", {".gitattributes": rules, PATH: SUMMARY})
    good = proposed(community, "good", {PATH: SUMMARY}, by=BOB)
    clone = community.clone()
    armed(clone, canary)
    before = seen(clone)
    community.sweep()
    assert {name: community.state(thread) for name, thread in threads.items()} == dict.fromkeys(threads, "failure")
    for name, thread in threads.items():
        assert "turn/author" in thread.labels, name
        assert all(line.isprintable() for line in community.said(thread).splitlines()), name
    assert community.state(filters) == "failure", "PRQ002: content and something else"
    assert (community.state(good), "lane/text" in good.labels) == ("pending", True)
    assert seen(clone) == before
    assert not canary.exists()
    assert git(clone, "for-each-ref", "refs/pull", "refs/galleryctl") == ""


# -- governance


def test_what_a_head_says_of_the_rules_counts_for_nothing(community: Community) -> None:
    """Each changes who may what, or what is wrong, and uses that in the same pull request or has it approved so."""
    grown = ROLES.replace("acme: [ada, bob]", "acme: [ada, bob, carol]")
    mine = grown.replace("  eve: {", "  carol: {github: {id: 1888, login: carol}}\n  eve: {").encode()
    off = b"version: 1\nseverities: {TAX: off, GOV: off, PRQ: off, OWN: off}\n"
    release = (MINIMAL["models/llm/acme/tiny/1.0.0.yaml"] or "").replace("context_length: 4096", "context_length: many")
    wrong: dict[str, bytes | None] = {f"{TINY}/1.0.0.yaml": release.encode()}
    lone = proposed(community, "roles", {"registry/roles.yaml": mine})
    used = proposed(community, "roles-and-model", {"registry/roles.yaml": mine, PATH: SUMMARY})
    hidden = proposed(community, "policy-and-model", {"registry/policy.yaml": off, PATH: BAD})
    loose = proposed(
        community, "schema-and-model", {**wrong, "schemas/types/llm.schema.json": retyped("string").encode()}
    )
    own = proposed(community, "maintainer", {PATH: MODEL.encode() + b"\nmaintainers: [carol]\n"})
    review(community, lone, BOB)
    community.sweep()
    community.later(days=10)
    community.sweep()
    assert (community.state(lone), "lane/governance" in lone.labels) == ("pending", True), "one admin is no quorum"
    for thread, code in ((used, "GOV001"), (hidden, "GOV001"), (loose, "GOV001"), (own, "OWN007")):
        assert community.state(thread) == "failure", thread.title
        assert f"fail/{code}" in thread.labels, (thread.title, thread.labels)
    assert "fail/TAX001" in hidden.labels
    assert "fail/SCH005" in loose.labels


# -- words


def test_only_the_word_of_the_right_person_about_this_head_counts(community: Community) -> None:
    """What a reader may take for an approval, and is none."""
    thread = proposed(community, "change", {PATH: MODEL.replace("Tiny", "Tinier").encode() + b"\n"})
    review(community, thread, MALLORY)
    review(community, thread, ROBOT)
    community.server.forge(CAROL).comment(thread.number, "Approved by ada: /approve /lgtm")
    review(community, thread, ADA, "COMMENT", "Approved, if you mend the title.")
    community.server.forge(BOB).label(thread.number, {"lane/urgent": "x", "turn/us": "x", "approved": "x"})
    community.server.forge(BOB).mark(
        str(thread.pull and thread.pull.head), CONTEXT, "success", "ready, lane text, base x"
    )
    forged = f'### Ready: all that is needed is there\n\n<!-- galleryctl:queue {{"turn":"us"}} -->\n\n{MARKER}\n'
    community.server.forge(MALLORY).comment(thread.number, forged)
    community.sweep()
    assert community.state(thread) == "pending"
    assert {"turn/owner", "lane/manual", "approved"} <= set(thread.labels)
    assert not {"turn/us", "lane/urgent"} & set(thread.labels)
    assert community.said(thread).startswith("### Waiting for an owner: ada or bob ")
    assert [each.by.login for each in thread.comments if each.by and MARKER in each.body] == ["mallory", ROBOT.login]
    review(community, thread, BOB)
    community.sweep()
    assert community.state(thread) == "success"
    community.server.push("change", {PATH: MODEL.replace("Tiny", "Tiniest").encode() + b"\n"}, by=CAROL)
    community.merge(thread, code=1)
    community.sweep()
    assert community.state(thread) == "pending", "it was approved before the last push"
    community.merge(thread, code=1)
    refused = community.do(CAROL, "review", "approve", str(thread.number), "--yes", code=2)
    assert "yours" in refused.stderr


def test_a_name_that_was_taken_over_is_not_the_person(community: Community) -> None:
    """Ada gave her login up, and somebody else took it."""
    thread = proposed(community, "change", {PATH: MODEL.replace("Tiny", "Tinier").encode() + b"\n"})
    taken = Account(7777, "ada", "write")
    community.server.state.accounts["ada"] = taken
    review(community, thread, taken)
    community.sweep()
    assert community.state(thread) == "pending"


def test_one_head_in_two_pull_requests_has_one_status_the_worst(community: Community) -> None:
    """The same commit into the default branch and into one where rules are lax; and twice into the default branch."""
    bare = community.server.state.main.bare
    first = proposed(community, "one", {PATH: SUMMARY}, by=BOB)
    assert first.pull
    bare.git("update-ref", "refs/heads/two", first.pull.head)
    bare.git("update-ref", "refs/heads/lax", "main")
    lax = community.server.state.propose(BOB, "two", title="lax", base="lax")
    community.sweep()
    community.later(minutes=11)
    community.sweep("--head", first.pull.head)
    assert community.state(first) == "success"
    assert "only `main` is published" in community.said(lax)
    second = community.server.state.propose(CAROL, "two", title="again")
    community.sweep("--head", first.pull.head)
    assert community.state(first) == "pending", "Carol is no owner, and the status is that of both"
    assert "turn/owner" in second.labels
    community.merge(first, code=1)


def test_the_robot_says_nothing_that_a_definition_wants_it_to_say(community: Community) -> None:
    """Markdown, mentions, markers and control characters of a definition are told as text."""
    title = f'"@everyone </details> ![x](https://evil.example/x.png) {MARKER} \\u202e [see](javascript:x)"'
    text = MODEL.replace("title: Tiny", f"title: {title}").encode() + b"\n"
    thread = proposed(community, "text", {PATH: text})
    community.sweep()
    said = community.said(thread)
    assert said.count(MARKER) == 1
    assert "@everyone" not in said
    assert "](https://evil" not in said
    assert "](javascript:" not in said
    assert "\u202e" not in said
    assert said.count("<details>") == said.count("</details>")
    before = list(thread.comments)
    community.sweep()
    assert [each.body for each in thread.comments] == [each.body for each in before]
