"""Merges in the object store, and what a pull request brings."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from conftest import git, write
from galleryctl.errors import GitError
from galleryctl.git import at, commits, merge_base, merged
from test_git import folder, save

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["folder"]  # a fixture


def branch(root: Path, name: str, files: dict[str, str | None], start: str = "main") -> str:
    """A commit on a new branch; the work tree is back at `main` afterwards."""
    git(root, "switch", "-q", "-c", name, start)
    write(root, files)
    made = save(root, f"to {name}")
    git(root, "switch", "-q", "main")
    return made


def state(root: Path) -> tuple[str, ...]:
    touched = (root / ".git" / "index").stat().st_mtime_ns
    return git(root, "for-each-ref"), git(root, "--no-optional-locks", "status", "--porcelain"), str(touched)


def test_a_head_that_is_behind_undoes_nothing(folder: Path) -> None:
    head = branch(folder, "topic", {"registry/new.yaml": "n: 1\n"})
    write(folder, {"registry/later.yaml": "l: 1\n"})
    base = save(folder)
    before = state(folder)
    found = merged(folder, "main", "topic")
    assert found.conflicts == ()
    assert found.commit
    assert set(at(folder, found.commit).entries("registry")) == {
        "registry/a.yaml",
        "registry/sub/b.yaml",
        "registry/later.yaml",
        "registry/new.yaml",
    }
    assert git(folder, "rev-list", "--parents", "-1", found.commit) == f"{found.commit} {base} {head}"
    assert merged(folder, base, head) == found
    assert state(folder) == before
    assert merge_base(folder, "main", "topic") == git(folder, "rev-parse", "main~1")


def test_it_works_in_a_bare_repository_and_for_whoever_asks(folder: Path, tmp_path: Path) -> None:
    branch(folder, "topic", {"registry/new.yaml": "n: 1\n"})
    git(tmp_path, "clone", "-q", "--bare", str(folder), "bare.git")
    bare = tmp_path / "bare.git"
    git(bare, "config", "user.name", "Somebody Else")
    assert merged(bare, "main", "topic") == merged(folder, "main", "topic")


def test_a_conflict_names_its_paths(folder: Path) -> None:
    branch(folder, "topic", {"registry/a.yaml": "a: 2\n", "registry/sub/b.yaml": None, "registry/näw": "n"})
    write(folder, {"registry/a.yaml": "a: 3\n", "registry/sub/b.yaml": "b: 2\n"})
    save(folder)
    assert merged(folder, "main", "topic") == (None, ("registry/a.yaml", "registry/sub/b.yaml"))


def test_nothing_in_common(folder: Path) -> None:
    git(folder, "switch", "-q", "--orphan", "other")
    write(folder, {"x": "x"})
    save(folder)
    assert merge_base(folder, "main", "other") is None
    with pytest.raises(GitError, match="unrelated"):
        merged(folder, "main", "other")


def test_a_git_that_is_too_old(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.which("git")
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\ncase "$*" in *" version") echo git version 2.37.7;; *) exec {real} "$@";; esac\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(GitError, match=r"2\.38"):
        merged(folder, "main", "main")


def test_replacements_and_grafts_change_nothing(folder: Path) -> None:
    head = branch(folder, "topic", {"registry/a.yaml": "a: evil\n"})
    good = branch(folder, "good", {"registry/a.yaml": "a: good\n"})
    clean = merged(folder, "main", head)
    git(folder, "replace", head, good)
    git(folder, "replace", git(folder, "rev-parse", f"{head}:registry/a.yaml"), git(folder, "hash-object", "README.md"))
    (folder / ".git" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "info" / "grafts").write_text(f"{head}\n")
    assert merged(folder, "main", head) == clean
    assert at(folder, head).read("registry/a.yaml") == b"a: evil\n"
    assert merge_base(folder, "main", head) == git(folder, "rev-parse", "main")


def test_a_planted_merge_driver_is_not_run(folder: Path, tmp_path: Path) -> None:
    canary = tmp_path / "ran"
    for hook in ("post-merge", "pre-commit", "post-checkout", "reference-transaction", "post-index-change"):
        path = folder / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {canary}\n")
        path.chmod(0o755)
    git(folder, "-c", "core.hooksPath=/dev/null", "config", "filter.evil.smudge", f"touch {canary}")
    git(folder, "-c", "core.hooksPath=/dev/null", "config", "filter.evil.clean", f"touch {canary}; cat")
    tree = git(folder, "write-tree")
    blob = git(folder, "hash-object", "-w", "--no-filters", "README.md")
    rule = tmp_path / "rule"
    rule.write_text("* filter=evil\n")
    attributes = git(folder, "hash-object", "-w", "--no-filters", str(rule))
    own = {"GIT_INDEX_FILE": str(tmp_path / "index")}
    plain = ("-c", "core.hooksPath=/dev/null")
    git(folder, *plain, "read-tree", tree, **own)
    for name, each in {".gitattributes": attributes, "registry/new.yaml": blob}.items():
        git(folder, *plain, "update-index", "--add", "--cacheinfo", f"100644,{each},{name}", **own)
    head = git(folder, "commit-tree", "-p", "HEAD", "-m", "evil", git(folder, *plain, "write-tree", **own))
    canary.unlink(missing_ok=True)
    found = merged(folder, "main", head)
    assert found.commit
    assert at(folder, found.commit).read("registry/new.yaml") == b"outside\n"
    assert not canary.exists()


def test_the_commits_of_a_pull_request_and_their_sign_offs(folder: Path) -> None:
    git(folder, "switch", "-q", "-c", "topic")
    messages = [
        "no",
        "yes\n\nSigned-off-by: Ada <a@b>\n",
        "other\n\nSigned-off-by: Bob <bob@b>\n",
        "committer\n\nsigned-off-by: ada <ADA@acme.example>\nCo-authored-by: X <x@y>\n",
        "quoted Signed-off-by: Ada <a@b>",
    ]
    ids = [save(folder, message) for message in messages]
    found = commits(folder, "main", "topic")
    assert [each.id for each in found] == ids
    assert [each.signed_off for each in found] == [False, True, False, True, False]
    assert found[0][1:6] == ("Ada", "a@b", "Ada", "ada@acme.example", False)
    assert commits(folder, "topic", "main") == ()


def test_a_merge_into_a_pull_request_is_told_apart(folder: Path) -> None:
    branch(folder, "topic", {"x": "x"})
    save(folder)
    git(folder, "switch", "-q", "topic")
    git(folder, "merge", "-q", "--no-ff", "-m", "update", "main")
    assert [each.merge for each in commits(folder, "main", "topic")] == [False, True]
