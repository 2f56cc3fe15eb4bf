"""Pull requests that are fine apart and wrong together, and a default branch that cannot be published."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from community import CONTEXT, ROLES, Community
from conftest import MINIMAL, git
from forges.accounts import ADA, BOB, EVE, MALLORY, ROBOT
from judged import other

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from conftest import Files, Result
    from forges.server import Server
    from forges.state import Thread

MODEL = (MINIMAL["models/llm/acme/tiny/model.yaml"] or "").rstrip()
NOVA = other("acme/nova", "links: {repository: https://huggingface.co/acme/nova}")
FOLDER = "models/llm/acme/nova"


class Race(NamedTuple):
    """Two changes of a gallery, and the rule that their sum breaks."""

    one: Files
    other: Files
    codes: set[str]
    start: Mapping[str, str] = {}


RACES = {
    "one id under two types": Race(
        {**NOVA},
        {path.replace("/llm/", "/rerank/"): text.replace("  abilities: [chat]\n", "") for path, text in NOVA.items()},
        {"IDN002"},
    ),
    "an alias that is a new id": Race(
        {"models/llm/acme/tiny/model.yaml": f"{MODEL}\naliases: [acme/nova]\n"}, {**NOVA}, {"IDN005"}
    ),
    "a successor that goes": Race(
        {
            "models/llm/acme/tiny/model.yaml": (
                f"{MODEL}\nstatus: deprecated\nreason: Nova is better.\nsuccessor: acme/nova\n"
            )
        },
        {
            **dict.fromkeys(NOVA),
            "removed/acme/nova.yaml": 'type: llm\nreason: By mistake.\nsince: "2026-01-02"\nreleases: [1.0.0]\n',
        },
        {"REF001"},
        NOVA,
    ),
}


@pytest.fixture
def start(
    forge_server: Server, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Community]:
    def make(files: Files | None = None) -> Community:
        return Community(forge_server, run, monkeypatch, tmp_path).start(files)

    return make


def proposed(community: Community, branch: str, files: Files) -> Thread:
    community.dated()
    data = {f"registry/{path}": None if text is None else text.encode() for path, text in files.items()}
    community.server.push(branch, data, by=BOB)
    pull = community.server.forge(BOB).open(title=branch, body="", branch=branch, base="main")
    for each in (ADA, EVE):
        community.server.forge(each).review(pull.number, pull.head, "APPROVE", "Good.")
    return community.server.state.threads[pull.number]


@pytest.mark.parametrize("turned", [False, True], ids=["", "the other way round"])
@pytest.mark.parametrize("name", RACES)
def test_fine_apart_and_wrong_together(start: Callable[..., Community], name: str, turned: bool) -> None:
    race = RACES[name]
    community = start(race.start)
    first, second = proposed(community, "one", race.one), proposed(community, "other", race.other)
    community.sweep()
    assert [community.state(each) for each in (first, second)] == ["success", "success"]
    if turned:
        first, second = second, first
    community.merge(first)
    refused = community.merge(second, code=1)
    assert "the base has moved, and its verdict is now failure" in refused.stderr
    community.sweep()
    assert community.state(second) == "failure"
    assert "turn/author" in second.labels
    assert race.codes <= {name.removeprefix("fail/") for name in second.labels if name.startswith("fail/")}


# -- a merge queue


def grouped(community: Community, thread: Thread, onto: str, *, by: dict[str, bytes] | None = None) -> str:
    """The commit that the queue makes of a pull request, with its branch; `by` is what it slips in."""
    bare, pull = community.server.state.main.bare, thread.pull
    assert pull
    tree = bare.merged(onto, pull.head)
    assert tree, "no conflict"
    for path, data in (by or {}).items():
        tree = bare.tree(tree, {path: ("100644", bare.blob(data))})
    commit = bare.committed(tree, [onto], f"{thread.title} (#{thread.number})")
    bare.git("update-ref", f"refs/heads/gh-readonly-queue/main/pr-{thread.number}-{onto}", commit)
    return commit


def verdict_of(community: Community, commit: str) -> str:
    """The last status of a commit, once the robot was woken for it."""
    community.sweep("--head", commit)
    marks = [mark for mark in community.server.state.marks.get(commit, []) if mark.context == CONTEXT]
    assert all(mark.by == ROBOT for mark in marks)
    return marks[-1].state if marks else ""


@pytest.mark.parametrize("name", RACES)
def test_a_queue_judges_what_it_would_merge(start: Callable[..., Community], name: str) -> None:
    race = RACES[name]
    community = start(race.start)
    first, second = proposed(community, "one", race.one), proposed(community, "other", race.other)
    community.sweep()
    assert [community.state(each) for each in (first, second)] == ["success", "success"]
    main = git(community.server.path, "rev-parse", "main")
    one = grouped(community, first, main)
    alone, other_ = grouped(community, second, main), grouped(community, second, one)
    assert [verdict_of(community, commit) for commit in (one, alone, other_)] == ["success", "success", "failure"]
    assert [community.state(each) for each in (first, second)] == ["success", "success"], "apart they are fine still"


def test_a_queue_that_makes_something_else_is_not_believed(start: Callable[..., Community]) -> None:
    community = start()
    thread = proposed(community, "one", NOVA)
    community.sweep()
    main = git(community.server.path, "rev-parse", "main")
    path = "registry/models/llm/acme/tiny/README.md"
    assert verdict_of(community, grouped(community, thread, main, by={path: b"# Other\n"})) == "failure"
    assert verdict_of(community, grouped(community, thread, main, by={".github/x.yml": b"on: push\n"})) == "failure"
    assert verdict_of(community, grouped(community, thread, main)) == "success"


def test_an_entry_on_one_that_was_not_let_in_is_not_let_in(start: Callable[..., Community]) -> None:
    """Whoever may push makes branches like the queue's: the first with laxer roles, the second on top of it."""
    community = start()
    community.server.push("new", {f"registry/{path}": (text or "").encode() for path, text in NOVA.items()}, by=BOB)
    pull = community.server.forge(BOB).open(title="Nova", body="", branch="new", base="main")
    thread = community.server.state.threads[pull.number]
    community.server.forge(MALLORY).review(pull.number, pull.head, "APPROVE", "Mine.")
    community.sweep()
    assert community.state(thread) == "pending", "Mallory may approve nothing"
    main = git(community.server.path, "rev-parse", "main")
    known = ROLES.replace("groups:", "  mallory: {github: {id: 1666, login: mallory}}\ngroups:")
    lax = known.replace("reviewer, to: eve", "reviewer, to: [eve, mallory]").encode()
    community.server.push("lax", {"registry/roles.yaml": lax}, by=BOB)
    base = grouped(community, community.server.state.propose(BOB, "lax"), main)
    assert verdict_of(community, base) == "failure"
    assert "Waiting for 2 of ada and eve" in community.server.state.marks[base][-1].description, "of the admins"
    assert verdict_of(community, grouped(community, thread, base)) != "success"


# -- publishing


def test_a_gallery_that_cannot_be_published_stays_as_it_was(start: Callable[..., Community]) -> None:
    community = start()
    good = community.publish()
    before = {path: path.read_bytes() for path in good.folder.rglob("*") if path.is_file()}
    bad = (MINIMAL["models/llm/acme/tiny/model.yaml"] or "").replace("tags: [chat]", "tags: [chatt]")
    community.server.push("main", {"registry/models/llm/acme/tiny/model.yaml": bad.encode()})  # an admin forces it
    assert community.publish(code=1).folder == good.folder
    place = community.clone()
    words = ("build", "--head", "origin/main", "--earlier", str(good.folder), "--out", str(good.folder))
    done = community.do(ROBOT, *words, code=1)
    assert "TAX001" in done.stderr
    assert f"not built: 1 model checked: 1 error; {good.folder} is as it was" in done.stderr
    assert {path: path.read_bytes() for path in good.folder.rglob("*") if path.is_file()} == before
    assert not (community.folder / "site-2").exists()
    assert git(place, "status", "--porcelain") == ""
    alarmed(community)
    community.server.push("main", {"registry/models/llm/acme/tiny/model.yaml": f"{MODEL}\nfeatured: true\n".encode()})
    assert community.publish().serial == good.serial + 1


def alarmed(community: Community) -> None:
    """One issue, however often it fails; a stranger's with our marker is not ours; closed when it works again."""
    run = "https://github.com/acme/gallery/actions/runs/{}"
    threads = community.server.state.threads
    forged = community.server.forge(MALLORY).issue("Sale", "", "<!-- galleryctl:alarm publish -->")
    for number in (1, 2):
        community.do(ROBOT, "alarm", "publish", "--outcome", "failure", "--run", run.format(number))
    (issue,) = [thread for thread in threads.values() if thread.by == ROBOT]
    assert (issue.number, issue.state) == (forged + 1, "open")
    assert run.format(2) in issue.body
    assert "The last good gallery stays up." in issue.body
    for outcome, state in (("cancelled", "open"), ("success", "closed"), ("success", "closed")):
        community.do(ROBOT, "alarm", "publish", "--outcome", outcome, "--run", run.format(3))
        assert issue.state == state
    assert threads[forged].state == "open"
