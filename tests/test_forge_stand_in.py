"""The stand-in itself: GitHub's own client uses it as it uses GitHub, and GitHub's description sees what is wrong."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest
from github import Auth, Github, GithubException, InputGitTreeElement

from conftest import git
from forges.accounts import ADA, BOB, EVE, MALLORY
from forges.calls import HANDLERS, REPO
from forges.description import FILE, WRONG, Description, description, needed

if TYPE_CHECKING:
    from pathlib import Path

    from github.Repository import Repository

    from forges.accounts import Account
    from forges.server import Server

GALLERY = "/repos/acme/gallery"


def _client(server: Server, account: Account = ADA) -> Github:
    return Github(
        base_url=server.url,
        auth=Auth.Token(account.token),
        retry=None,
        timeout=20,
        seconds_between_requests=0,
        seconds_between_writes=0,
        per_page=100,
    )


@pytest.fixture
def gallery(forge_server: Server) -> Repository:
    return _client(forge_server).get_repo("acme/gallery")


def _refused(status: int) -> Any:  # noqa: ANN401 - a context of pytest
    return pytest.raises(GithubException, check=lambda error: error.status == status)


def test_branches_and_files(gallery: Repository) -> None:
    main = gallery.get_branch("main").commit.sha
    gallery.create_git_ref("refs/heads/change", main)
    with _refused(422):
        gallery.create_git_ref("refs/heads/change", main)
    made = gallery.create_file("a/b.txt", "Add", "one", branch="change")
    first = made["content"]
    with _refused(422):
        gallery.create_file("a/b.txt", "Add", "two", branch="change")
    gallery.update_file("a/b.txt", "Change", "two", first.sha, branch="change")
    with _refused(409):
        gallery.update_file("a/b.txt", "Change", "three", first.sha, branch="change")
    found = gallery.get_contents("a/b.txt", ref="change")
    assert not isinstance(found, list)
    assert found.decoded_content == b"two"
    folder = gallery.get_contents("a", ref="change")
    assert isinstance(folder, list)
    assert [each.path for each in folder] == ["a/b.txt"]


def test_several_files_in_one_commit(gallery: Repository) -> None:
    main = gallery.get_git_commit(gallery.get_branch("main").commit.sha)
    elements = [InputGitTreeElement(name, "100644", "blob", content=name) for name in ("a.txt", "b/c.txt")]
    tree = gallery.create_git_tree(elements, gallery.get_git_tree(main.tree.sha))
    commit = gallery.create_git_commit("Add two", tree, [main])
    gallery.create_git_ref("refs/heads/two", commit.sha)
    assert gallery.get_git_commit(commit.sha).message == "Add two"
    assert gallery.get_branch("two").commit.sha == commit.sha
    gallery.get_git_ref("heads/two").edit(main.sha, force=True)
    assert gallery.get_branch("two").commit.sha == main.sha
    with _refused(422):
        gallery.get_git_ref("heads/main").edit(gallery.create_git_commit("Alone", tree, []).sha)


def test_a_pull_request_from_branch_to_merge(forge_server: Server, gallery: Repository) -> None:
    head = forge_server.push("change", {"new.txt": b"new"}, by=BOB)
    bobs = _client(forge_server, BOB).get_repo("acme/gallery")
    pull = bobs.create_pull(base="main", head="change", title="Add", body="")
    with _refused(422):
        gallery.create_pull(base="main", head="change", title="Again", body="")
    pull = gallery.get_pull(pull.number)
    assert (pull.head.sha, pull.user.id, pull.merged, pull.changed_files) == (head, BOB.id, False, 1)
    assert [each.filename for each in pull.get_files()] == ["new.txt"]
    assert pull.create_review(body="Fine", event="APPROVE").user.id == ADA.id
    assert [(each.state, each.commit_id) for each in pull.get_reviews()] == [("APPROVED", head)]
    comment = pull.create_issue_comment("One")
    comment.edit("Two")
    assert [each.body for each in pull.get_issue_comments()] == ["Two"]
    gallery.create_label("kind", "ededed", "A kind")
    with _refused(422):
        gallery.create_label("Kind", "ededed")
    with _refused(409):
        pull.merge(sha="0" * 40)
    assert pull.merge(sha=head, merge_method="squash").merged
    assert gallery.get_pull(pull.number).merged
    with _refused(405):
        pull.merge()
    assert [each.number for each in gallery.get_pulls(state="closed")] == [pull.number]


def test_review_requests_and_rights(forge_server: Server, gallery: Repository) -> None:
    forge_server.push("change", {"new.txt": b"new"})
    pull = gallery.create_pull(base="main", head="change", title="Add", body="")
    pull.create_review_request(["eve"])
    assert [each.login for each in gallery.get_pull(pull.number).requested_reviewers] == ["eve"]
    for login in ("mallory", "ada", "nobody"):
        with _refused(422):
            pull.create_review_request([login])
    stranger = _client(forge_server, MALLORY).get_repo("acme/gallery")
    with _refused(403):
        stranger.create_label("kind", "ededed")
    with _refused(403):
        stranger.get_pull(pull.number).edit(title="Mine")
    forge_server.state.main.private = True
    with _refused(404):
        _client(forge_server, MALLORY).get_repo("acme/gallery")
    assert _client(forge_server, EVE).get_repo("acme/gallery").private


def test_refs_of_pull_requests_follow_forks(forge_server: Server, tmp_path: Path) -> None:
    fork = _client(forge_server, MALLORY).get_repo("acme/gallery").create_fork()
    assert (fork.full_name, fork.fork) == ("mallory/gallery", True)
    first = forge_server.push("change", {"new.txt": b"new"}, repository="mallory/gallery", by=MALLORY)
    thread = forge_server.state.propose(MALLORY, "change", repository="mallory/gallery")
    bare = forge_server.state.main.bare
    assert bare.commit(f"refs/pull/{thread.number}/head") == first
    second = forge_server.push("change", {"more.txt": b"more"}, repository="mallory/gallery", by=MALLORY)
    assert bare.commit(f"refs/pull/{thread.number}/head") == second
    clone = forge_server.clone(tmp_path / "clone", "mallory/gallery")
    assert (clone / "README.md").read_text() == "# Gallery\n"


def _raw(server: Server, method: str, path: str, body: object = None, token: str = ADA.token) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    login = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(server.url + path, data, login, method=method)  # noqa: S310 - this machine
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - this machine
            return answer.status, json.loads(answer.read() or b"null")
    except HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@pytest.mark.parametrize(
    ("method", "path", "body", "complaint"),
    [
        ("GET", f"{GALLERY}/pulls?colour=red", None, "colour is no parameter"),
        ("GET", f"{GALLERY}/pulls?state=asleep", None, "'asleep' is not one of"),
        ("GET", f"{GALLERY}/pulls/one", None, "'one' is not of type 'integer'"),
        ("GET", f"{GALLERY}/pullz", None, "no such call"),
        ("GET", f"{GALLERY}/stargazers", None, "the stand-in cannot do that"),
        ("POST", f"{GALLERY}/labels", {"colour": "red"}, "'name' is a required property"),
        ("POST", f"{GALLERY}/labels", {"name": 7}, "7 is not of type 'string'"),
        ("POST", f"{GALLERY}/statuses/abc", None, "body is missing"),
        ("DELETE", f"{GALLERY}/issues/comments/1", {"why": 1}, "a body that nobody reads"),
    ],
)
def test_wrong_requests_are_complained_about(
    forge_server: Server, method: str, path: str, body: object, complaint: str
) -> None:
    _raw(forge_server, method, path, body)
    found, forge_server.complaints = forge_server.complaints, []
    assert any(complaint in each for each in found), found


def test_wrong_answers_are_complained_about() -> None:
    needed()
    operation = description().operation("GET", "/repos/acme/gallery/issues/1/labels")
    assert operation is not None
    least = description().answer(operation, 200, [{"name": "kind"}], "http://forge.example")
    assert description().of_answer(operation, 200, least) == []
    assert least[0]["url"].startswith("http://forge.example")
    del least[0]["color"]
    assert description().of_answer(operation, 200, least) == ["answer: 0: 'color' is a required property"]
    assert description().of_answer(operation, 200, {"name": "kind"}) != []
    assert description().of_answer(operation, 201, [])[0].endswith("no status 201")


def test_what_is_let_pass_is_wrong_in_the_description() -> None:
    """Each correction is needed: without it the description refuses what GitHub answers."""
    needed()
    whole = json.loads(FILE.read_bytes())
    for place, word, right, reason in WRONG:
        here = whole
        for part in place:
            here = here[part]
        assert here[word] != right, reason
    Description(whole)


def test_every_handler_is_of_a_call_that_github_has() -> None:
    needed()
    paths = json.loads(FILE.read_bytes())["paths"]
    assert [(method, path) for method, path in HANDLERS if method not in paths.get(path, {})] == []
    assert sum(path.startswith(REPO) for _, path in HANDLERS) > 40


def test_nobody_is_let_in_without_a_token(forge_server: Server) -> None:
    assert _raw(forge_server, "GET", GALLERY, token="ghp_wrong")[0] == 401  # noqa: S106 - no token
    assert _raw(forge_server, "GET", "/repos/acme/absent")[0] == 404


def test_pages_lead_to_each_other(forge_server: Server) -> None:
    forge_server.push("change", {"new.txt": b"new"})
    for _ in range(5):
        forge_server.state.propose(BOB, "change")
    client = _client(forge_server)
    client.per_page = 2
    found = client.get_repo("acme/gallery").get_pulls()
    assert [each.number for each in found] == [5, 4, 3, 2, 1]
    assert found.totalCount == 5
    assert [each.path.partition("?")[2].count("page=3") for each in forge_server.asked].count(1) >= 1


def test_ci_needs_the_description(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("forges.description.FILE", tmp_path / "absent.json")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="make github"):
        needed()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="make github"):
        needed()


def _push(folder: Path, address: str, token: str, branch: str) -> str:
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    login = {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "http.extraHeader", "GIT_CONFIG_KEY_1": "credential.helper"}
    login |= {"GIT_CONFIG_VALUE_0": f"Authorization: Basic {secret}", "GIT_CONFIG_VALUE_1": ""}
    command = ["git", "push", "-q", address, f"HEAD:refs/heads/{branch}"]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **login}, capture_output=True, text=True, check=False)
    return done.stderr


def test_git_speaks_http_and_says_who_it_is(forge_server: Server, tmp_path: Path) -> None:
    forge_server.state.remote = True
    bob = forge_server.forge(BOB)
    address = bob.clone_url()
    assert address == f"{forge_server.url}/acme/gallery.git"
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", address, str(clone))
    (clone / "large.bin").write_bytes(os.urandom(3 * 1024**2))  # sent in chunks
    git(clone, "add", "large.bin")
    git(clone, "commit", "-qm", "Add")
    assert _push(clone, address, BOB.token, "change") == ""
    pull = bob.open(title="Add", body="", branch="change", base="main")
    assert pull.head == git(clone, "rev-parse", "HEAD")
    assert bob.pusher(pull) == BOB.known
    git(clone, "commit", "-qm", "More", "--allow-empty")
    assert "403" in _push(clone, address, EVE.token, "change")
    assert "could not read Username" in _push(clone, address, "ghp_wrong", "change")
    assert _push(clone, address, ADA.token, "change") == ""
    assert bob.pull(pull.number).head == git(clone, "rev-parse", "HEAD")
    git(clone, "fetch", "-q", address, f"refs/pull/{pull.number}/head")
    assert git(clone, "rev-parse", "FETCH_HEAD") == git(clone, "rev-parse", "HEAD")
