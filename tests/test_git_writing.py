"""Commits that leave the work tree alone."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from conftest import git, write
from galleryctl.errors import GitError
from galleryctl.git import Signature, at, commit
from test_git import folder
from test_git_merging import state

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["folder"]  # a fixture


def test_a_branch_is_made_and_nothing_else_changes(folder: Path) -> None:
    write(folder, {"registry/a.yaml": "a: dirty\n", "untracked": "u"})
    git(folder, "add", "registry/a.yaml")
    before = state(folder)[1:]
    files = {"a.yaml": None, "new/c.yaml": b"c: \xff\r\n", "sub": b"a file where a folder was"}
    made = commit(folder / "registry", "topic/one", files, message="Say\n\nwhy", base="main")
    assert state(folder)[1:] == before
    assert git(folder, "rev-parse", "topic/one") == made
    tree = at(folder, made)
    assert set(tree.entries()) == {"README.md", "registry/new/c.yaml", "registry/sub"}
    assert tree.read("registry/new/c.yaml") == b"c: \xff\r\n"
    assert {entry.mode for entry in tree.entries().values()} == {"100644"}
    assert git(folder, "log", "-1", "--format=%P %B", made) == f"{git(folder, 'rev-parse', 'main')} Say\n\nwhy\n"


def test_a_branch_goes_on_and_starts_anew(folder: Path) -> None:
    first = commit(folder, "topic", {"x": b"1"}, message="one", base="main")
    second = commit(folder, "topic", {"y": b"1"}, message="two", base="topic")
    assert git(folder, "rev-parse", f"{second}^") == first
    anew = commit(folder, "topic", {"z": b"1"}, message="three", base="main")
    assert set(at(folder, "topic").entries()) == {"README.md", "registry/a.yaml", "registry/sub/b.yaml", "z"}
    assert git(folder, "rev-parse", f"{anew}^") == git(folder, "rev-parse", "main")


def test_sign_off(folder: Path) -> None:
    who = Signature("Release Bot", "bot@acme.example")
    made = commit(folder, "a", {"x": b"1"}, message="one\n\nCo-authored-by: X <x@y>", base="main", sign_off=True)
    assert git(folder, "log", "-1", "--format=%(trailers)", made).splitlines() == [
        "Co-authored-by: X <x@y>",
        "Signed-off-by: Ada <ada@acme.example>",
    ]
    made = commit(folder, "b", {"x": b"1"}, message="one", base="main", sign_off=True, author=who)
    assert git(folder, "log", "-1", "--format=%an %ce%n%B", made) == (
        "Release Bot bot@acme.example\none\n\nSigned-off-by: Release Bot <bot@acme.example>\n"
    )
    again = commit(
        folder, "b", {"x": b"2"}, message=git(folder, "log", "-1", "--format=%B", made), base="b", sign_off=True,
        author=who,
    )  # fmt: skip
    assert git(folder, "log", "-1", "--format=%B", again).count("Signed-off-by") == 1


def test_a_bare_repository(folder: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(folder), "bare.git")
    commit(tmp_path / "bare.git", "main", {"x": b"1"}, message="one", base="main")
    assert at(tmp_path / "bare.git", "main").read("x") == b"1"


def test_what_is_checked_out_stays(folder: Path) -> None:
    with pytest.raises(GitError, match="checked out"):
        commit(folder, "main", {"x": b"1"}, message="one", base="main")


def test_nothing_to_commit(folder: Path) -> None:
    with pytest.raises(GitError, match="nothing differs"):
        commit(folder, "topic", {"README.md": b"outside\n"}, message="one", base="main")
    with pytest.raises(GitError, match="nothing differs"):
        commit(folder, "topic", {}, message="one", base="main")


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../b", ".git/config", "a/.GIT/x", "", "a//b"])
def test_paths_that_lead_elsewhere(folder: Path, path: str) -> None:
    with pytest.raises(GitError, match="no path"):
        commit(folder, "topic", {path: b""}, message="one", base="main")


@pytest.mark.parametrize("branch", ["-x", "a..b", "x.lock", "", "a b"])
def test_names_that_are_no_branch(folder: Path, branch: str) -> None:
    with pytest.raises(GitError, match="no name of a branch"):
        commit(folder, branch, {"x": b""}, message="one", base="main")


def test_a_branch_that_moves_meanwhile_is_not_overwritten(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = commit(folder, "topic", {"x": b"1"}, message="one", base="main")
    theirs = git(folder, "commit-tree", "-p", mine, "-m", "theirs", "main^{tree}")
    real = shutil.which("git")
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    move = f"{real} -C {folder} update-ref refs/heads/topic {theirs}"
    fake.write_text(f'#!/bin/sh\ncase "$*" in *commit-tree*) {move};; esac\nexec {real} "$@"\n')
    fake.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
        with pytest.raises(GitError, match="topic"):
            commit(folder, "topic", {"x": b"2"}, message="two", base=mine)
    assert git(folder, "rev-parse", "topic") == theirs
