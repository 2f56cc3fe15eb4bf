"""Fetching and pushing between repositories on disk, and what a token may be seen by."""

from __future__ import annotations

import base64
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from conftest import git, write
from galleryctl.errors import GitError
from galleryctl.git import advertised, at, commit, fetch, merged, push
from test_git import folder, save

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["folder"]  # a fixture
SECRET = "ghp_averysecrettoken0123456789"  # noqa: S105 - made up


@pytest.fixture
def forge(folder: Path, tmp_path: Path) -> Path:
    """A bare repository that `folder` knows as `origin`."""
    git(tmp_path, "clone", "-q", "--bare", str(folder), "forge.git")
    git(folder, "remote", "add", "origin", str(tmp_path / "forge.git"))
    return tmp_path / "forge.git"


@pytest.fixture
def fork(forge: Path, tmp_path: Path) -> Path:
    """Somebody else's copy, with a commit of its own."""
    git(tmp_path, "clone", "-q", str(forge), "fork")
    write(tmp_path / "fork", {"registry/new.yaml": "n: 1\n"})
    save(tmp_path / "fork")
    git(tmp_path / "fork", "tag", "v1")
    return tmp_path / "fork"


def test_a_fork_is_fetched_as_objects_only(folder: Path, fork: Path) -> None:
    before = git(folder, "for-each-ref"), git(folder, "status", "--porcelain")
    refs = advertised(folder, str(fork), ["refs/heads/main"])
    head = refs["refs/heads/main"]
    fetch(folder, str(fork), [head])
    assert (git(folder, "for-each-ref"), git(folder, "status", "--porcelain")) == before
    assert not (folder / ".git" / "FETCH_HEAD").exists()
    found = merged(folder, "main", head).commit
    assert found
    assert at(folder, found).read("registry/new.yaml") == b"n: 1\n"


def test_a_ref_is_kept_where_it_is_named(folder: Path, forge: Path, fork: Path) -> None:
    git(fork, "push", "-q", "origin", "main:refs/pull/7/head")
    fetch(folder, "origin", ["+refs/pull/7/head:refs/remotes/origin/pull/7"])
    assert git(folder, "rev-parse", "origin/pull/7") == git(fork, "rev-parse", "main")
    assert advertised(folder, "origin") == {
        "HEAD": git(forge, "rev-parse", "main"),
        "refs/heads/main": git(forge, "rev-parse", "main"),
        "refs/pull/7/head": git(fork, "rev-parse", "main"),
    }


def test_a_branch_is_pushed_and_replaced_only_on_a_lease(folder: Path, forge: Path) -> None:
    first = commit(folder, "topic", {"x": b"1"}, message="one", base="main")
    push(folder, "origin", "topic")
    assert git(forge, "rev-parse", "topic") == first
    second = commit(folder, "topic", {"x": b"2"}, message="two", base="main")
    with pytest.raises(GitError, match="did not take the branch topic"):
        push(folder, "origin", "topic")
    with pytest.raises(GitError, match="stale info"):
        push(folder, "origin", "topic", force_with_lease=second)
    assert git(forge, "rev-parse", "topic") == first
    push(folder, "origin", "topic", force_with_lease=first)
    assert git(forge, "rev-parse", "topic") == second
    commit(folder, "fresh", {"x": b"1"}, message="one", base="main")
    push(folder, "origin", "fresh", force_with_lease="")
    assert git(folder, "config", "--default", "none", "--get", "branch.topic.remote") == "none"


def test_hooks_of_the_repository_do_not_run(folder: Path, forge: Path, fork: Path, tmp_path: Path) -> None:
    for hook in ("pre-push", "reference-transaction", "post-rewrite", "post-checkout"):
        path = folder / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        path.chmod(0o755)
    commit(folder, "topic", {"x": b"1"}, message="one", base="main")
    push(folder, "origin", "topic")
    fetch(folder, str(fork), ["refs/heads/main:refs/remotes/fork/main"])
    assert not (tmp_path / "ran").exists()
    assert git(forge, "rev-parse", "topic") == git(folder, "rev-parse", "topic")


def test_words_that_are_options(folder: Path) -> None:
    with pytest.raises(GitError, match="no name of a remote"):
        fetch(folder, "--upload-pack=touch x", ["main"])
    with pytest.raises(GitError, match="no name of a remote"):
        fetch(folder, "origin", ["--upload-pack=touch x"])
    with pytest.raises(GitError, match="no name of a remote"):
        push(folder, "--exec=x", "main")


class _Seen(ThreadingHTTPServer):
    def __init__(self, answer: int, location: str = "") -> None:
        self.headers: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.headers += self.headers.get_all("Authorization", ["none"])
                self.send_response(answer)
                if location:
                    self.send_header("Location", location)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def elsewhere() -> Iterator[_Seen]:
    with _Seen(404) as server:
        yield server
        server.shutdown()


@pytest.mark.parametrize("answer", [401, 403, 404, 500])
def test_a_token_reaches_its_remote_and_no_text(folder: Path, answer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TRACE_CURL", "1")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "http.extraHeader")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "Authorization: Basic old")
    expected = base64.b64encode(f"x-access-token:{SECRET}".encode()).decode()
    with _Seen(answer) as server:
        for act in (
            lambda: fetch(folder, f"{server.url}/a/b.git", ["main"], SECRET),
            lambda: push(folder, f"{server.url}/a/b.git", "main", SECRET),
            lambda: advertised(folder, f"{server.url}/a/b.git", token=SECRET),
        ):
            with pytest.raises(GitError) as caught:
                act()
            assert SECRET not in str(caught.value)
            assert expected not in str(caught.value)
        assert set(server.headers) == {f"Basic {expected}"}
        server.shutdown()
    kept = [path for path in (folder / ".git").rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert kept == []


def test_a_token_is_not_carried_to_another_host(folder: Path, elsewhere: _Seen) -> None:
    with _Seen(302, f"{elsewhere.url}/a/b.git/info/refs?service=git-upload-pack") as server:
        with pytest.raises(GitError):
            fetch(folder, f"{server.url}/a/b.git", ["main"], SECRET)
        server.shutdown()
    assert elsewhere.headers == []


def test_a_token_is_not_sent_in_the_clear(folder: Path, tmp_path: Path) -> None:
    """A process list shows no token, for no process has it among its words; over plain http none is sent at all."""
    seen = tmp_path / "seen"
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    real = git(folder, "--exec-path")
    fake.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >>{seen}\nenv | grep -c "{SECRET}" >>{seen}\nexec {real}/git "$@"\n'
    )
    fake.chmod(0o755)
    os.environ["PATH"] = f"{fake.parent}{os.pathsep}{os.environ['PATH']}"
    try:
        with pytest.raises(GitError):
            fetch(folder, "http://gallery.invalid/a/b.git", ["main"], SECRET)
    finally:
        os.environ["PATH"] = os.environ["PATH"].partition(os.pathsep)[2]
    assert SECRET not in seen.read_text()
    assert base64.b64encode(f"x-access-token:{SECRET}".encode()).decode() not in seen.read_text()


def test_a_login_in_an_address_is_not_told(folder: Path) -> None:
    with pytest.raises(GitError) as caught:
        fetch(folder, f"http://ada:{SECRET}@127.0.0.1:1/x.git", ["main"])
    assert SECRET not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
