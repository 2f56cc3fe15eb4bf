"""What a forge does, whichever it is: the one in memory, and GitHub's stand-in by way of the adapter, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from forges.accounts import ADA, BOB, EVE, MALLORY, ROBOT
from forges.memory import Hub
from galleryctl.forge import ForgeError
from galleryctl.spec.review import Login

if TYPE_CHECKING:
    from collections.abc import Mapping

    from forges.accounts import Account
    from galleryctl.forge import Forge

CONTEXT = "galleryctl/verdict"
FILES = {"registry/gallery.yaml": b"title: Gallery\n"}


class Place(Protocol):
    """A forge of either kind, with its people."""

    def forge(self, account: Account) -> Forge: ...

    def push(
        self, branch: str, files: Mapping[str, bytes | None], *, repository: str = "", by: Account = ADA
    ) -> str: ...

    def demand_queue(self) -> None: ...

    def crowd(self, count: int, by: Account) -> None: ...


@pytest.fixture(params=["memory", "github"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "memory":
        return Hub()
    server: Place = request.getfixturevalue("forge_server")
    return server


def _opened(place: Place, branch: str = "change", by: Account = BOB) -> tuple[Forge, int, str]:
    """Ada's view, and the number and head of a pull request."""
    head = place.push(branch, {f"{branch}.txt": branch.encode()}, by=by)
    pull = place.forge(by).open(title=f"Add {branch}", body="Please.", branch=branch, base="main")
    return place.forge(ADA), pull.number, head


def test_everybody_is_known_by_number(place: Place) -> None:
    assert place.forge(ADA).me() == Login(id=1001, login="ada")
    assert place.forge(ROBOT).me() == Login(id=2001, login="galleryctl[bot]", bot=True)


def test_pull_requests_are_opened_found_changed_and_closed(place: Place) -> None:
    ada, number, head = _opened(place)
    pull = ada.pull(number)
    assert (pull.title, pull.body, pull.author.id, pull.head) == ("Add change", "Please.", BOB.id, head)
    assert (pull.branch, pull.base, pull.repository) == ("change", "main", "acme/gallery")
    assert (pull.state, pull.merged, pull.draft) == ("open", False, False)
    assert [each.number for each in ada.pulls()] == [number]
    assert list(ada.pulls(base="other")) == []
    assert [each.number for each in ada.by_head(head)] == [number]
    found = ada.of_branch("change")
    assert found is not None
    assert found.number == number
    assert ada.of_branch("other") is None
    assert ada.update(number, title="Better", body="Now").title == "Better"
    assert ada.update(number, state="closed").state == "closed"
    assert list(ada.pulls()) == []
    assert [each.number for each in ada.pulls(state="closed")] == [number]


def test_a_branch_has_one_open_pull_request(place: Place) -> None:
    ada, _, _ = _opened(place)
    with pytest.raises(ForgeError, match="already") as raised:
        ada.open(title="Again", body="", branch="change", base="main")
    assert raised.value.conflict
    with pytest.raises(ForgeError) as raised:
        ada.open(title="Nothing", body="", branch="absent", base="main")
    assert raised.value.refused


def test_the_head_follows_the_branch(place: Place) -> None:
    ada, number, first = _opened(place)
    second = place.push("change", {"more.txt": b"more"}, by=EVE)
    pull = ada.pull(number)
    assert pull.head == second != first
    assert ada.by_head(first) == []
    pusher = ada.pusher(pull)
    assert pusher is not None
    assert pusher.id == EVE.id


def test_what_is_not_there_is_missing(place: Place) -> None:
    with pytest.raises(ForgeError) as raised:
        place.forge(ADA).pull(99)
    assert raised.value.missing


def test_reviews_are_of_a_commit(place: Place) -> None:
    ada, number, head = _opened(place)
    ada.review(number, head, "APPROVE", "Fine")
    second = place.push("change", {"more.txt": b"more"})
    place.forge(EVE).review(number, second, "REQUEST_CHANGES", "Why?")
    found = [(each.by.id, each.state, each.commit, each.text) for each in ada.reviews(number)]
    assert found == [(ADA.id, "approved", head, "Fine"), (EVE.id, "changes_requested", second, "Why?")]
    assert ada.reviews(number)[0].at < ada.reviews(number)[1].at


def test_nobody_approves_their_own(place: Place) -> None:
    _, number, head = _opened(place)
    with pytest.raises(ForgeError, match="own pull request") as raised:
        place.forge(BOB).review(number, head, "APPROVE", "")
    assert raised.value.refused
    place.forge(BOB).review(number, head, "COMMENT", "It is mine")


def test_comments_are_edited_in_place_and_deleted(place: Place) -> None:
    ada, number, _ = _opened(place)
    first = ada.comment(number, "One\n\n<!-- galleryctl:1 -->")
    second = place.forge(MALLORY).comment(number, "Two")
    ada.edit_comment(first, "Three")
    assert [(each.id, each.by.id, each.text) for each in ada.notes(number)] == [
        (first.id, ADA.id, "Three"),
        (second.id, MALLORY.id, "Two"),
    ]
    assert [(each.by.id, each.text) for each in ada.remarks(number)] == [(ADA.id, "Three"), (MALLORY.id, "Two")]
    ada.delete_comment(second)
    assert [each.id for each in ada.notes(number)] == [first.id]
    with pytest.raises(ForgeError) as raised:
        place.forge(MALLORY).edit_comment(first, "Mine now")
    assert raised.value.forbidden
    with pytest.raises(ForgeError) as raised:
        ada.delete_comment(second)
    assert raised.value.missing


def test_statuses_keep_their_history(place: Place) -> None:
    ada, _, head = _opened(place)
    assert ada.marks(head, CONTEXT) == []
    ada.mark(head, CONTEXT, "pending", "Waits for an owner")
    ada.mark(head, "other", "success", "Not ours")
    ada.mark(head, CONTEXT, "success", "x" * 200, "https://gallery.example/review/")
    found = ada.marks(head, CONTEXT)
    assert [(each.state, each.description) for each in found] == [
        ("pending", "Waits for an owner"),
        ("success", "x" * 140),
    ]
    assert [each.by.id for each in found if each.by] == [ADA.id, ADA.id]
    assert found[0].at < found[1].at


def test_only_writers_mark(place: Place) -> None:
    _, _, head = _opened(place)
    with pytest.raises(ForgeError, match="may not") as raised:
        place.forge(EVE).mark(head, CONTEXT, "success", "Forged")
    assert raised.value.forbidden
    with pytest.raises(ForgeError, match="may not"):
        place.forge(EVE).commit_files("mine", "main", "Mine", FILES)


def test_labels_of_ours_are_exact_and_others_stay(place: Place) -> None:
    ada, number, _ = _opened(place)
    assert ada.label(number, {"kind/new": "A new model", "turn/owner": "An owner has to act"})
    assert not ada.label(number, {"kind/new": "A new model", "turn/owner": "An owner has to act"})
    assert set(ada.pull(number).labels) == {"kind/new", "turn/owner"}
    assert ada.label(number, {"kind/new": "A new model", "turn/clock": "Time has to pass"})
    assert set(ada.pull(number).labels) == {"kind/new", "turn/clock"}
    assert ada.label(number, {})
    assert ada.pull(number).labels == ()
    assert not ada.label(number, {})


def test_reviews_are_asked_of_those_with_access_only(place: Place) -> None:
    ada, number, head = _opened(place)
    assert ada.ask(number, []) == ()
    assert ada.ask(number, ["eve", "mallory"]) == ("mallory",)
    assert ada.asked(number) == ("eve",)
    assert ada.ask(number, ["bob"]) == ("bob",)  # it is theirs
    place.forge(EVE).review(number, head, "COMMENT", "Seen")
    assert ada.asked(number) == ()


def test_merging_needs_the_head_that_was_judged(place: Place) -> None:
    ada, number, head = _opened(place)
    second = place.push("change", {"more.txt": b"more"})
    with pytest.raises(ForgeError) as raised:
        ada.merge(number, head)
    assert raised.value.conflict
    ada.merge(number, second)
    pull = ada.pull(number)
    assert (pull.state, pull.merged) == ("closed", True)
    assert ada.contributed(BOB.known)
    assert not ada.contributed(EVE.known)
    with pytest.raises(ForgeError) as raised:
        ada.merge(number, second)
    assert raised.value.conflict


def test_forks_propose(place: Place) -> None:
    mallory = place.forge(MALLORY)
    assert not mallory.can_push()
    assert place.forge(BOB).can_push()
    name = mallory.fork()
    assert name == mallory.fork() == "mallory/gallery"
    head = place.push("change", {"new.txt": b"new"}, repository=name, by=MALLORY)
    pull = mallory.open(title="From a fork", body="", branch="change", base="main", repository=name)
    assert (pull.head, pull.repository) == (head, name)
    assert mallory.of_branch("change") is None
    found = mallory.of_branch("change", name)
    assert found is not None
    assert found.number == pull.number
    assert name in mallory.clone_url(name)


def test_files_are_committed_and_read(place: Place) -> None:
    ada = place.forge(ADA)
    first = ada.commit_files("proposal", "main", "Add a gallery", {**FILES, "logo.png": b"\x89PNG\xff"})
    assert ada.read("registry/gallery.yaml", "proposal") == b"title: Gallery\n"
    assert ada.read("logo.png", first) == b"\x89PNG\xff"
    assert ada.read("README.md", "proposal") == b"# Gallery\n"
    assert ada.read("registry/gallery.yaml", "main") is None
    assert ada.read("registry", "proposal") is None  # a folder
    second = ada.commit_files("proposal", first, "Remove it", {"logo.png": None, "absent.png": None})
    assert ada.read("logo.png", "proposal") is None
    assert ada.read("registry/gallery.yaml", second) == b"title: Gallery\n"
    ada.commit_files("proposal", "main", "Once more", {"other.txt": b"other"})
    assert ada.read("registry/gallery.yaml", "proposal") is None


def test_what_the_forge_switched_off_is_switched_on_again(place: Place) -> None:
    workflows = place.workflows if isinstance(place, Hub) else place.state.workflows  # type: ignore[attr-defined]
    workflows |= {"sweep": "disabled_inactivity", "mine": "disabled_manually", "check": "active"}
    assert place.forge(ADA).enable_workflows() == ("sweep",)
    assert place.forge(ADA).enable_workflows() == ()
    assert workflows == {"sweep": "active", "mine": "disabled_manually", "check": "active"}


def test_an_issue_is_closed_by_its_marker(place: Place) -> None:
    ada = place.forge(ADA)
    number = ada.issue("The site is old", "Since Monday", "<!-- galleryctl:site -->")
    assert ada.close_issue("<!-- galleryctl:else -->") is None
    assert ada.close_issue("<!-- galleryctl:site -->") == number
    assert ada.close_issue("<!-- galleryctl:site -->") is None
    assert ada.issue("The site is old", "Again", "<!-- galleryctl:site -->") != number


def test_an_issue_is_opened_once(place: Place) -> None:
    ada = place.forge(ADA)
    number = ada.issue("The site is old", "Since Monday", "<!-- galleryctl:site -->")
    assert ada.issue("The site is old", "Since Tuesday", "<!-- galleryctl:site -->") == number
    assert ada.issue("Something else", "", "<!-- galleryctl:else -->") != number


def test_a_queue_merges_later(place: Place) -> None:
    ada, number, head = _opened(place)
    place.demand_queue()
    ada.merge(number, head)
    ada.merge(number, head)
    assert (ada.pull(number).state, ada.pull(number).merged) == ("open", False)


def test_settings_name_the_default_branch(place: Place) -> None:
    found = place.forge(ADA).settings()
    assert (found.default_branch, found.private) == ("main", False)


def test_250_pull_requests(place: Place) -> None:
    place.crowd(250, BOB)
    found = list(place.forge(ADA).pulls())
    assert [each.number for each in found] == list(range(1, 251))
    assert len({each.branch for each in found}) == 250
