"""Who brought a file, and when; repositories that are hostile, broken, empty or not there."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from conftest import git, write
from galleryctl.errors import GitError
from galleryctl.git import Past, at, head, history, private, toplevel, working
from test_git import OTHER, folder, plain, save

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["folder"]  # a fixture


def test_history_since_the_last_addition(folder: Path) -> None:
    write(folder, {"registry/a.yaml": "a: 2\n"})
    second = save(folder, date="2026-02-01T00:00:00Z", author="Bob")
    write(folder, {"registry/sub/b.yaml": None})
    save(folder)
    write(folder, {"registry/sub/b.yaml": "again"})
    third = save(folder, date="2026-03-01T00:00:00+02:00")
    (folder / "registry/a.yaml").chmod(0o755)
    fourth = save(folder)
    write(folder, {"registry/gone": "g"})
    save(folder)
    write(folder, {"registry/gone": None})
    save(folder)
    found = history(folder / "registry")
    assert found is not None
    assert list(found) == ["a.yaml", "sub/b.yaml"]
    assert [commit.id for commit in found["a.yaml"]] == [
        fourth,
        second,
        git(folder, "rev-list", "--max-parents=0", "HEAD"),
    ]
    (added,) = found["sub/b.yaml"]
    assert added == (third, "Ada", datetime(2026, 2, 28, 22, tzinfo=UTC))
    assert found["a.yaml"][1].author == "Bob"
    assert list(history(folder, "registry/sub") or ()) == ["registry/sub/b.yaml"]
    assert list(history(folder / "registry", "sub") or ()) == ["sub/b.yaml"]
    assert list(history(folder, revision=second) or ()) == ["README.md", "registry/a.yaml", "registry/sub/b.yaml"]


def test_a_merge_dates_what_it_brings(folder: Path) -> None:
    git(folder, "switch", "-q", "-c", "side")
    write(folder, {"registry/side.yaml": "s"})
    save(folder, date="2026-02-01T00:00:00Z")
    write(folder, {"registry/side.yaml": "s2"})
    save(folder, date="2026-02-02T00:00:00Z")
    git(folder, "switch", "-q", "main")
    write(folder, {"registry/a.yaml": "a: 5\n"})
    save(folder, date="2026-03-01T00:00:00Z")
    git(folder, "merge", "-q", "--no-ff", "-m", "merge", "side", GIT_COMMITTER_DATE="2026-04-01T00:00:00Z")
    found = history(folder, "registry")
    assert found is not None
    (merge,) = found["registry/side.yaml"]
    assert merge.id == head(folder)
    assert merge.when == datetime(2026, 4, 1, tzinfo=UTC)
    assert [commit.when.month for commit in found["registry/a.yaml"]] == [3, 1]


def test_an_impossible_time(folder: Path) -> None:
    write(folder, {"registry/late.yaml": "a: 1\n"})
    save(folder, date="@99999999999999 +0000")
    found = history(folder, "registry")
    assert found is not None
    assert found["registry/late.yaml"][0].when.year == 9999


def test_a_rename_is_a_new_file(folder: Path) -> None:
    git(folder, "mv", "registry/a.yaml", "registry/moved.yaml")
    moved = save(folder)
    found = history(folder, "registry")
    assert found is not None
    assert [commit.id for commit in found["registry/moved.yaml"]] == [moved]
    assert "registry/a.yaml" not in found


def test_history_does_not_depend_on_settings(folder: Path) -> None:
    expected = history(folder / "registry")
    for name, value in {
        "log.showRoot": "false", "log.showSignature": "true", "color.ui": "always", "diff.renames": "copies",
        "diff.relative": "true", "log.follow": "true", "i18n.logOutputEncoding": "latin1", "log.mailmap": "false",
        "diff.ignoreSubmodules": "all", "log.diffMerges": "off", "core.quotePath": "true", "log.decorate": "full",
    }.items():  # fmt: skip
        git(folder, "config", name, value)
    assert history(folder / "registry") == expected
    assert len(expected or ()) == 2


def test_names_in_history(folder: Path) -> None:
    write(folder, {"registry/A": "one letter like a status", "registry/\x01": "a mark", "registry/D\nM": "lines"})
    (folder / "registry" / OTHER).write_text("x")
    save(folder, author="Zoë 王")
    found = history(folder / "registry")
    assert found is not None
    assert list(found) == sorted(working(folder / "registry").entries())
    assert found[OTHER][0].author == "Zoë 王"


def test_a_shallow_clone_has_no_history(folder: Path, tmp_path: Path) -> None:
    save(folder)
    git(tmp_path, "clone", "-q", "--depth=1", folder.as_uri(), "shallow")
    with pytest.raises(GitError, match=r"(?s)git fetch --unshallow.*fetch-depth: 0"):
        history(tmp_path / "shallow")
    assert at(tmp_path / "shallow", "HEAD").read("README.md") == b"outside\n"


def test_inherited_variables_do_not_lead_astray(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    git(elsewhere, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(elsewhere / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(elsewhere))
    monkeypatch.setenv("GIT_INDEX_FILE", str(elsewhere / "index"))
    monkeypatch.setenv("GIT_PREFIX", "x/")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert toplevel(folder) == folder
    assert list(working(folder).entries("registry")) == ["registry/a.yaml", "registry/sub/b.yaml"]
    assert at(folder, "HEAD").read("registry/a.yaml") == b"a: 1\n"
    assert history(folder)
    outside = tmp_path / "outside"
    outside.mkdir()
    assert head(outside) is None


def test_outside_of_a_repository(tmp_path: Path) -> None:
    assert (head(tmp_path), toplevel(tmp_path), private(tmp_path), history(tmp_path)) == (None, None, None, None)
    with pytest.raises(GitError, match="not in a git repository"):
        at(tmp_path, "HEAD")


def test_before_the_first_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    write(tmp_path, {"a": "a"})
    assert head(tmp_path) is None
    assert history(tmp_path) is None
    assert toplevel(tmp_path) == tmp_path
    assert working(tmp_path).entries() == {"a": plain("a")}
    with pytest.raises(GitError, match="git knows no commit 'HEAD'"):
        at(tmp_path, "HEAD")


def test_without_git(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert working(folder).read("registry/a.yaml") == b"a: 1\n"
    assert list(working(folder).entries()) == ["README.md", "registry/a.yaml", "registry/sub/b.yaml"]
    assert history(folder) is None
    with pytest.raises(GitError, match="git is missing"):
        at(folder, "HEAD")


def test_somebody_elses_repository(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    for path in (folder, folder / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(GitError, match=r"git config --global --add safe\.directory .*/repository`") as caught:
        working(folder)
    assert "another user" in str(caught.value)


def test_a_broken_repository(folder: Path) -> None:
    tree = working(folder)
    (folder / ".git/index").write_bytes(b"broken")
    with pytest.raises(GitError, match=r"`git .* failed: (error|fatal): .*index"):
        tree.entries()
    (folder / ".git/config").write_text("[broken")
    with pytest.raises(GitError, match="bad config"):
        working(folder)


def test_a_bare_repository(folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    git(tmp_path, "clone", "-q", "--bare", str(folder), str(bare))
    assert at(bare / "registry", "HEAD").read("a.yaml") == b"a: 1\n"
    assert toplevel(bare) is None
    assert head(bare) == head(folder)
    assert set(history(bare / "registry") or ()) == {"a.yaml", "sub/b.yaml"}
    assert "HEAD" in working(bare).entries()


def test_a_repository_planted_among_the_files(folder: Path, tmp_path: Path) -> None:
    """Its settings would be obeyed as if the user had written them."""
    git(folder, "init", "-q", "--bare", str(folder / "registry"))
    proof = tmp_path / "proof"
    git(folder / "registry", "config", "core.fsmonitor", f"touch {proof}")
    git(folder / "registry", "config", "core.worktree", "..")
    git(folder / "registry", "config", "core.bare", "false")
    with pytest.raises(GitError, match="looks like one itself"):
        working(folder / "registry").entries()
    assert not proof.exists()


def test_no_program_of_the_settings_is_run(folder: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    git(folder, "config", "core.fsmonitor", f"touch {proof}")
    assert working(folder).entries("registry")
    assert not proof.exists()


def test_a_linked_working_tree(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(folder, "worktree", "add", "-q", str(other))
    assert toplevel(other / "registry") == other
    assert private(other) not in {None, private(folder)}
    assert working(other).entries() == working(folder).entries()


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_history_goes_on_from_an_earlier_one(folder: Path, steps: int) -> None:
    """Whatever came since: the same as if all were read."""
    start = save(folder)
    earlier = history(folder, "registry")
    assert earlier is not None
    changes: list[dict[str, str | None]] = [
        {"registry/a.yaml": "a: 2\n", "registry/new": "n"},
        {"registry/sub/b.yaml": None},
        {"registry/sub/b.yaml": "again", "README.md": "r"},
        {"registry/new": None, "registry/a.yaml": None},
        {"registry/a.yaml": "a: 3\n"},
    ]
    for number, files in enumerate(changes[:steps], 1):
        write(folder, files)
        save(folder, date=f"2026-02-0{number}T00:00:00Z")
    whole = history(folder, "registry")
    assert whole is not None
    since = history(folder, "registry", earlier=Past(start, earlier))
    assert since == whole
    assert list(since) == list(whole)
    assert history(folder, "registry", earlier=Past(git(folder, "rev-parse", "HEAD"), whole)) is whole


def test_a_history_of_something_else_is_not_gone_on_from(folder: Path) -> None:
    root = git(folder, "rev-parse", "HEAD")
    git(folder, "switch", "-q", "-c", "side")
    write(folder, {"registry/side": "s"})
    side = save(folder, date="2026-02-01T00:00:00Z")
    wrong = Past(side, history(folder, "registry") or {})
    git(folder, "switch", "-q", "main")
    git(folder, "merge", "-q", "--no-ff", "-m", "merge", "side", GIT_COMMITTER_DATE="2026-04-01T00:00:00Z")
    whole = history(folder, "registry")
    assert history(folder, "registry", earlier=wrong) == whole  # the merge dates what it brings
    assert history(folder, "registry", root, earlier=wrong) == history(folder, "registry", root)
    assert history(folder, "registry", earlier=Past("0" * 40, {"x": ()})) == whole
