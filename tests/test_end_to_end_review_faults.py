"""A forge that goes down, hangs up or talks nonsense at every request in turn: the next run completes what is begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from community import CAROL, TINY, Community
from conftest import MINIMAL, git
from forges.accounts import ADA, BOB, ROBOT
from galleryctl.forge import api
from galleryctl.reviewing.comment import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result
    from forges.server import Asked, Server
    from forges.state import Thread

    Kind = Literal["down", "lost", "nonsense"]

PATH = f"{TINY}/model.yaml"
MODEL = MINIMAL["models/llm/acme/tiny/model.yaml"] or ""
KINDS = ("down", "lost", "nonsense")


class Outage:
    """A forge that fails from its `start`-th request on.

    `down` answers 503 and repeats the token, `lost` does what it is asked and hangs up, `nonsense` answers a page. What
    is lost is what writes; the others fail at whatever is asked.
    """

    def __init__(self, server: Server, kind: Kind) -> None:
        self.start, self.hit = 0, False
        self._kind, self._count, self._server = kind, 0, server
        self._real = server.answer
        server.answer = self._answer  # type: ignore[method-assign]  # the same server, with its cable pulled

    def begin(self, start: int) -> None:
        self.start, self._count, self.hit = start, 0, False

    def _answer(self, asked: Asked) -> tuple[int, object, dict[str, str]]:
        self._count += self._kind != "lost" or asked.method != "GET"
        if not self.start or self._count < self.start:
            return self._real(asked)
        self.hit = True
        token = asked.headers.get("authorization", "").rpartition(" ")[2]
        if self._kind == "down":
            return 503, {"message": f"{token} cannot be served"}, {"X-Request": token}
        if self._kind == "nonsense":
            return 200, f"<html>{token}</html>", {}
        if asked.method != "GET":
            self._real(asked)
        raise ConnectionResetError


@pytest.fixture
def community(
    forge_server: Server, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Community:
    monkeypatch.setattr(api, "_FIRST_PAUSE", 0.0)  # it tries again as it does, and waits for nothing
    return Community(forge_server, run, monkeypatch, tmp_path).start()


def proposed(community: Community, branch: str) -> Thread:
    """A stranger's change, which wants labels, a comment, and requests for review."""
    data = MODEL.replace("title: Tiny", f"title: Tiny {branch}").encode()
    community.server.push(branch, {PATH: data}, by=BOB)
    return community.server.state.propose(CAROL, branch, title=branch)


def shown(community: Community, thread: Thread) -> tuple[object, ...]:
    assert thread.pull
    marks = [(mark.state, mark.description) for mark in community.server.state.marks[thread.pull.head]]
    asked = len(thread.pull.asked)
    return sorted(thread.labels), marks[-1], asked, community.said(thread).partition("<sub>")[0], len(thread.comments)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sweep_that_is_cut_off_is_completed_by_the_next(community: Community, kind: Kind) -> None:
    whole, cut = proposed(community, "whole"), proposed(community, "cut")
    community.sweep(str(whole.number))
    outage = Outage(community.server, kind)
    start = 0
    while start == 0 or outage.hit:
        start += 1
        outage.begin(start)
        done = community.sweep(str(cut.number), code=None)
        assert done.exit_code == (3 if outage.hit else 0), done.stderr
        own = [each for each in cut.comments if each.by == ROBOT and MARKER in each.body]
        assert len(own) <= 1
        assert community.state(cut) != "success"
    assert start > (3 if kind == "lost" else 15), "it was cut off at each of its requests"
    outage.begin(0)
    expected = shown(community, whole)
    assert shown(community, cut) == expected
    before = len(community.server.asked)
    community.sweep(str(cut.number))
    assert {each.method for each in community.server.asked[before:] if each.path != "/graphql"} == {"GET"}


@pytest.mark.parametrize("kind", KINDS)
def test_handing_in_again_after_a_failure_makes_one_pull_request(community: Community, kind: Kind) -> None:
    place = community.current(CAROL)
    (place / PATH).write_text(MODEL.replace("for tests", "for trials"))
    outage = Outage(community.server, kind)
    start = 0
    while start == 0 or outage.hit:
        start += 1
        outage.begin(start)
        done = community.do(CAROL, "submit", code=None)
        assert done.exit_code in ({0, 3} if outage.hit else {0}), done.stderr
        assert "for trials" in (place / PATH).read_text(), "nothing of hers is lost"
    assert start > (2 if kind == "lost" else 4)
    (thread,) = community.server.state.threads.values()
    assert thread.pull
    assert thread.pull.head == git(place, "rev-parse", "HEAD")
    assert git(place, "rev-list", "--count", "origin/main..HEAD") == "1"
    fork = community.server.state.repositories["carol/gallery"].bare
    assert set(fork.branches()) == {"main", thread.pull.branch}
    assert git(place, "status", "--porcelain") == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_merge_is_made_once_and_never_blindly(community: Community, kind: Kind) -> None:
    community.server.push("change", {PATH: MODEL.replace("for tests", "for trials").encode()}, by=BOB)
    thread = community.server.state.propose(BOB, "change", title="change")
    community.sweep()
    community.later(minutes=11)
    community.sweep()
    assert community.state(thread) == "success"
    assert thread.pull
    main = git(community.server.path, "rev-parse", "main")
    outage = Outage(community.server, kind)
    start = 0
    while not thread.pull.merged:
        start += 1
        outage.begin(start)
        words = ("review", "merge", str(thread.number), "--judge", ROBOT.login)
        done = community.do(ADA, *words, code=None)
        assert done.exit_code == (3 if outage.hit else 0), done.stderr
    outage.begin(0)
    assert start == 1 if kind == "lost" else start > 3
    assert git(community.server.path, "rev-parse", "main~1") == main
    again = community.do(ADA, "review", "merge", str(thread.number), "--judge", ROBOT.login, code=1)
    assert "it is merged already" in again.stderr
    assert git(community.server.path, "rev-parse", "main~1") == main
