"""What only GitHub does, and how few calls it takes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from forges.accounts import ADA, BOB, EVE, MALLORY, ROBOT, Account
from forges.server import Fault
from forges.state import Judged, Tag
from galleryctl.forge import ForgeError
from galleryctl.forge.github import GitHub
from galleryctl.forge.reading import GHOST

if TYPE_CHECKING:
    from forges.server import Server
    from galleryctl.forge import Forge

CONTEXT = "galleryctl/verdict"


def _opened(server: Server, branch: str = "change", by: Account = BOB) -> tuple[Forge, int, str]:
    head = server.push(branch, {f"{branch}.txt": branch.encode()}, by=by)
    return server.forge(ADA), server.forge(by).open(title=branch, body="", branch=branch, base="main").number, head


def _calls(server: Server) -> list[str]:
    """What was asked since the last look."""
    found = [f"{each.method} {each.path.removeprefix('/repos/acme/gallery')}" for each in server.asked]
    server.asked.clear()
    return found


def test_250_pull_requests_are_three_pages(forge_server: Server) -> None:
    ada, state = forge_server.forge(ADA), forge_server.state
    state.push("many", {"many.txt": b"many"})
    first = state.propose(BOB, "many")
    for number in range(2, 251):
        thread = replace(first, number=number, at=state.now(), pull=replace(first.pull) if first.pull else None)
        state.threads[number] = thread
    forge_server.asked.clear()
    assert [pull.number for pull in ada.pulls()] == list(range(1, 251))
    assert len(_calls(forge_server)) == 3
    assert first.pull
    assert len(ada.by_head(first.pull.head)) == 250
    state.threads[7].state = "closed"
    assert [pull.number for pull in ada.pulls(state="closed")] == [7]


def test_lists_are_read_to_their_end(forge_server: Server) -> None:
    ada, number, head = _opened(forge_server)
    thread = forge_server.state.threads[number]
    for index in range(130):
        at = forge_server.state.now()
        ada.mark(head, "other" if index % 2 else CONTEXT, "pending", str(index))
        assert thread.pull
        thread.pull.reviews.append(Judged(index + 1, EVE, "COMMENTED", str(index), head, at))
    assert [each.description for each in ada.marks(head, CONTEXT)] == [str(index) for index in range(0, 130, 2)]
    assert [each.text for each in ada.reviews(number)] == [str(index) for index in range(130)]


@pytest.mark.parametrize("classic", [False, True])
def test_a_queue_is_entered_with_the_head_that_was_judged(forge_server: Server, classic: bool) -> None:
    ada, number, head = _opened(forge_server)
    forge_server.state.main.merge_queue, forge_server.state.main.classic = True, classic
    ada.merge(number, head)
    ada.merge(number, head)  # again is no error
    assert forge_server.state.queue == [number]
    assert ada.pull(number).state == "open"
    assert forge_server.state.dequeue() == [number]
    assert ada.pull(number).merged
    mutations = [json.loads(each.body) for each in forge_server.asked if each.path == "/graphql"]
    assert mutations[0]["variables"]["input"]["expectedHeadOid"] == head


def test_a_queue_refuses_whom_it_does_not_know(forge_server: Server) -> None:
    _, number, head = _opened(forge_server)
    forge_server.state.main.merge_queue = True
    with pytest.raises(ForgeError, match="permissions"):
        forge_server.forge(MALLORY).merge(number, head)
    assert forge_server.state.queue == []


def test_what_waits_for_a_check_merges_by_itself(forge_server: Server) -> None:
    ada, number, head = _opened(forge_server)
    stored, thread = forge_server.state.main, forge_server.state.threads[number]
    stored.required = (CONTEXT,)
    with pytest.raises(ForgeError, match="is expected"):
        ada.merge(number, head)
    stored.auto_merge = True
    ada.merge(number, head)
    assert thread.pull
    assert (thread.pull.automatic, thread.state) == (True, "open")
    ada.mark(head, CONTEXT, "success", "Fine")
    ada.merge(number, head)
    assert ada.pull(number).merged


def test_a_conflict_is_not_merged(forge_server: Server) -> None:
    ada, number, head = _opened(forge_server)
    forge_server.push("main", {"change.txt": b"otherwise"})
    with pytest.raises(ForgeError, match="not mergeable") as raised:
        ada.merge(number, head)
    assert raised.value.conflict
    assert forge_server.state.threads[number].state == "open"


def test_a_merge_is_real_git(forge_server: Server) -> None:
    ada, number, head = _opened(forge_server)
    ada.merge(number, head)
    assert ada.read("change.txt", "main") == b"change"
    assert forge_server.state.main.bare.say("log", "--format=%s", "-1", "main") == f"change (#{number})"


def test_labels_take_few_calls(forge_server: Server) -> None:
    ada, number, _ = _opened(forge_server)
    wanted = {"kind/new": "A new model", "turn/owner": "An owner has to act", "fail/IMM002": "Bytes"}
    _calls(forge_server)
    assert ada.label(number, wanted)
    assert len(_calls(forge_server)) == 2 + 3 + 1  # two looks, three made, one call puts them on
    assert not ada.label(number, wanted)
    assert _calls(forge_server) == [f"GET /issues/{number}/labels?per_page=100"]
    del wanted["turn/owner"]
    assert ada.label(number, wanted)
    assert [each.partition(" ")[0] for each in _calls(forge_server)] == ["GET", "DELETE"]


def test_labels_of_others_stay_as_they_are(forge_server: Server) -> None:
    ada, number, _ = _opened(forge_server)
    state = forge_server.state
    state.tags |= {name: Tag(state.identity(), name, "000000", "Theirs") for name in ("help wanted", "turning")}
    state.threads[number].labels += ["help wanted", "turning"]
    ada.label(number, {"turn/us": "This program has to act"})
    assert set(ada.pull(number).labels) == {"help wanted", "turning", "turn/us"}
    assert state.tags["turning"].description == "Theirs"
    tag = state.tags["turn/us"]
    assert (tag.color, tag.description) == ("fbca04", "This program has to act")


def test_descriptions_of_labels_are_kept_right_and_short(forge_server: Server) -> None:
    ada, number, _ = _opened(forge_server)
    state = forge_server.state
    state.tags["stale"] = Tag(state.identity(), "Stale", "000000", "Nobody cares")
    assert ada.label(number, {"stale": "x" * 300})
    assert state.tags["stale"].description == "x" * 100
    assert not forge_server.forge(ADA).label(number, {"stale": "x" * 300})
    assert ada.pull(number).labels == ("Stale",)


def test_two_runs_may_set_labels_at_once(forge_server: Server) -> None:
    ada, number, _ = _opened(forge_server)
    other = forge_server.forge(ROBOT)
    ada.label(number, {"turn/us": "Ours"})
    other.label(number, {"turn/us": "Ours"})
    ada.label(number, {"kind/new": "New"})  # each remembers what labels there are
    other.label(number, {"kind/new": "New"})
    assert ada.pull(number).labels == ("kind/new",)


def test_who_is_gone_is_a_ghost(forge_server: Server) -> None:
    ada, number, head = _opened(forge_server)
    ada.mark(head, CONTEXT, "success", "Fine")
    thread = forge_server.state.threads[number]
    assert thread.pull
    thread.by = forge_server.state.marks[head][0].by = None
    thread.pull.reviews.append(Judged(1, None, "APPROVED", "", head, forge_server.state.now()))
    assert ada.pull(number).author.login == "ghost"
    assert ada.reviews(number)[0].by == GHOST
    assert ada.marks(head, CONTEXT)[0].by is None
    assert not ada.contributed(GHOST)


def test_what_was_begun_is_no_review(forge_server: Server) -> None:
    ada, number, head = _opened(forge_server)
    pull = forge_server.state.threads[number].pull
    assert pull
    at = forge_server.state.now()
    pull.reviews += [Judged(1, EVE, "PENDING", "", head, at), Judged(2, EVE, "DISMISSED", "", head, at)]
    assert [each.state for each in ada.reviews(number)] == ["dismissed"]


def test_a_head_may_lie_in_a_repository_that_is_gone(forge_server: Server) -> None:
    mallory = forge_server.forge(MALLORY)
    name = mallory.fork()
    head = forge_server.push("change", {"new.txt": b"new"}, repository=name, by=MALLORY)
    pull = mallory.open(title="From a fork", body="", branch="change", base="main", repository=name)
    assert forge_server.forge(ADA).pusher(pull) == MALLORY.known
    del forge_server.state.repositories[name]
    seen = forge_server.forge(ADA).pull(pull.number)
    assert (seen.repository, seen.head) == ("", head)
    assert forge_server.forge(ADA).pusher(seen) is None


def test_who_pushed_is_not_guessed_while_the_forge_is_broken(forge_server: Server) -> None:
    ada, number, _ = _opened(forge_server)
    pull = ada.pull(number)
    forge_server.fail(*[Fault(503)] * 4)
    with pytest.raises(ForgeError, match="broken"):
        ada.pusher(pull)
    forge_server.fail(Fault(404, "Not Found"))
    assert ada.pusher(pull) is None


def test_a_label_may_vanish_meanwhile(forge_server: Server) -> None:
    ada, number, _ = _opened(forge_server)
    ada.label(number, {"turn/us": "Ours", "kind/new": "New"})
    raw = json.dumps([{"name": "turn/us"}, {"name": "kind/new"}]).encode()
    ada.label(number, {"kind/new": "New"})
    forge_server.fail(Fault(200, raw=raw))  # seen before somebody else removed one
    assert ada.label(number, {"kind/new": "New"})
    forge_server.fail(Fault(200, raw=raw), Fault(403, "No"))
    with pytest.raises(ForgeError, match="may not"):
        ada.label(number, {"kind/new": "New"})


def test_nobody_knows_who_pushed_past_the_forge(forge_server: Server) -> None:
    ada, number, _ = _opened(forge_server)
    forge_server.state.main.bare.files("change", {"quiet.txt": b"quiet"})
    assert ada.pusher(ada.pull(number)) is None


def test_a_merged_contribution_is_one_of_the_same_account(forge_server: Server) -> None:
    ada, number, head = _opened(forge_server)
    ada.update(number, state="closed")
    assert not ada.contributed(BOB.known)
    ada, number, head = _opened(forge_server, "second")
    ada.merge(number, head)
    assert ada.contributed(BOB.known)
    taken = BOB.known.model_copy(update={"id": 5})  # somebody else, under the name that bob gave up
    assert not ada.contributed(taken)
    forge_server.fail(Fault(422, "The listed users cannot be searched"))
    assert not ada.contributed(BOB.known.model_copy(update={"login": "nobody"}))


def test_markers_of_strangers_do_not_count(forge_server: Server) -> None:
    marker = "<!-- galleryctl:site -->"
    forged = forge_server.forge(MALLORY).issue("Mine", "", marker)
    robot = forge_server.forge(ROBOT)
    number = robot.issue("The site is old", "Since Monday", marker)
    assert number != forged
    assert robot.issue("The site is old", "Since Monday", marker) == number
    writes = [each.method for each in forge_server.asked if each.method != "GET" and each.path != "/graphql"]
    assert writes == ["POST", "POST"]  # what stands already is not written again
    assert f"Since Monday\n\n{marker}" == forge_server.state.threads[number].body


def test_a_commit_that_stands_is_not_pushed_again(forge_server: Server) -> None:
    ada = forge_server.forge(ADA)
    first = ada.commit_files("proposal", "main", "Expire", {"a.txt": b"a", "b.bin": b"\xff\x00"})
    pushes = len(forge_server.state.pushed)
    assert ada.commit_files("proposal", "main", "Expire", {"a.txt": b"a", "b.bin": b"\xff\x00"}) == first
    assert len(forge_server.state.pushed) == pushes
    assert ada.commit_files("proposal", "main", "Expire more", {"a.txt": b"a", "b.bin": b"\xff\x00"}) != first
    with pytest.raises(ForgeError) as raised:
        ada.commit_files("proposal", "absent", "Expire", {"a.txt": b"a"})
    assert raised.value.missing


def test_a_commit_may_lie_in_a_fork(forge_server: Server) -> None:
    mallory = forge_server.forge(MALLORY)
    name = mallory.fork()
    base = forge_server.push("main", {"later.txt": b"later"})  # the fork is behind
    new = mallory.commit_files("proposal", "main", "Propose", {"a.txt": b"a"}, repository=name)
    assert forge_server.state.repositories[name].bare.say("rev-parse", f"{new}^") == base
    with pytest.raises(ForgeError, match="may not"):
        mallory.commit_files("proposal", "main", "Propose", {"a.txt": b"a"})


def test_large_files_are_read_in_another_way(forge_server: Server) -> None:
    data = bytes(range(256)) * 8192
    forge_server.push("main", {"large file.bin": data, "ümlaut/ä b#c?.txt": b"x"})
    ada = forge_server.forge(ADA)
    assert ada.read("large file.bin", "main") == data
    assert ada.read("ümlaut/ä b#c?.txt", "main") == b"x"
    assert ada.read("absent", "main") is None
    assert ada.read("README.md", "absent") is None


def test_a_fork_is_waited_for(forge_server: Server) -> None:
    waits: list[float] = []
    forge = GitHub("acme/gallery", MALLORY.token, address=forge_server.url, sleep=waits.append)
    forge.fork()
    raw = json.dumps({"full_name": "mallory/gallery", "default_branch": "main"}).encode()
    busy = Fault(409, "Git Repository is empty.")
    forge_server.fail(Fault(202, raw=raw), Fault(200, raw=raw), busy, busy)
    assert forge.fork() == "mallory/gallery"
    assert waits == [2.0, 2.0]
    forge_server.fail(Fault(202, raw=raw), Fault(200, raw=raw), *[busy] * 10)
    with pytest.raises(ForgeError, match="not there yet"):
        forge.fork()
    with pytest.raises(ForgeError, match="may not"):
        forge_server.forge(ROBOT).fork()


@pytest.mark.parametrize(
    "address",
    ["ext::sh -c evil", "http://git.example/a.git", "ssh://git.example/a", "--upload-pack=evil", "", "https://", "file:///a",
     "https://git.example/a\n.git"],
)  # fmt: skip
def test_addresses_for_git_are_https(forge_server: Server, address: str) -> None:
    forge_server.fail(Fault(200, raw=json.dumps({"clone_url": address}).encode()))
    with pytest.raises(ForgeError, match="not https"):
        forge_server.forge(ADA).clone_url()


def test_addresses_for_git_hold_no_login(forge_server: Server) -> None:
    forge_server.fail(Fault(200, raw=b'{"clone_url": "https://ada:secret@git.example:8443/acme/gallery.git"}'))
    assert forge_server.forge(ADA).clone_url() == "https://git.example:8443/acme/gallery.git"


def test_settings_are_what_an_admin_sees(forge_server: Server) -> None:
    options = forge_server.state.options
    options.rules = [{"type": "deletion"}, {"type": "non_fast_forward"}]
    options.environments = {"verdict": ("main",), "open": None}
    forge_server.state.main.merge_queue = True
    found = forge_server.forge(ADA).settings()
    assert (found.default_branch, found.private) == ("main", False)
    assert (found.workflow_token, found.workflows_approve) == ("read", False)
    assert (found.first_timers, found.pages) == ("first_time_contributors", "workflow")
    assert found.rules
    assert [rule["type"] for rule in found.rules] == ["deletion", "non_fast_forward", "merge_queue"]
    assert found.environments == {"verdict": ("main",), "open": ()}
    assert found.writers == ("bob",)
    options.pages = None
    assert forge_server.forge(ADA).settings().pages == ""


def test_settings_that_are_not_shown_are_absent(forge_server: Server) -> None:
    found = forge_server.forge(EVE).settings()
    assert (found.workflow_token, found.workflows_approve, found.first_timers) == (None, None, None)
    assert (found.writers, found.pages) == (None, None)
    assert found.environments == {}
    forge_server.fail(*[Fault(503)] * 4)
    with pytest.raises(ForgeError, match="broken"):  # that is no answer to what it is set to
        forge_server.forge(EVE).settings()


def test_texts_are_harmless_and_bounded(forge_server: Server) -> None:
    ada, number, _ = _opened(forge_server)
    title = "Add\u202e \x1b[31mevil\u2028\x07 model\ufeff " + "x" * 500
    ada.update(number, title=title, body="one\r\ntwo\x00\x1b]0;\u2066three\n\tfour \u200dfive")
    pull = ada.pull(number)
    assert pull.title.startswith("Add [31mevil model xxx")
    assert len(pull.title) == 300
    assert pull.body == "one\ntwo]0;three\n\tfour \u200dfive"


def test_comments_have_a_length(forge_server: Server) -> None:
    ada, number, _ = _opened(forge_server)
    note = ada.comment(number, "x" * 65_536)
    forge_server.asked.clear()
    with pytest.raises(ForgeError, match=re.escape("65,536")):
        ada.comment(number, "x" * 65_537)
    with pytest.raises(ForgeError, match=re.escape("65,537")):
        ada.edit_comment(note, "x" * 65_537)
    assert forge_server.asked == []


def test_proposals_that_cannot_be_are_refused(forge_server: Server) -> None:
    ada = forge_server.forge(ADA)
    with pytest.raises(ForgeError, match="refused"):
        ada.open(title="No branch", body="", branch="absent", base="main")
    forge_server.state.main.bare.git("branch", "same", "main")
    with pytest.raises(ForgeError, match="No commits between main and same"):
        ada.open(title="No change", body="", branch="same", base="main")
    _, number, head = _opened(forge_server)
    ada.merge(number, head)
    with pytest.raises(ForgeError, match="refused"):
        ada.update(number, state="open")
