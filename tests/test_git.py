"""Real repositories in temporary folders."""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import git, write
from fakes import MemoryTree
from galleryctl import parallel
from galleryctl.errors import GitError
from galleryctl.git import TreeEntry, Unwritten, at, head, history, private, resolve, working

if TYPE_CHECKING:
    from collections.abc import Callable

    from galleryctl.git import Tree

Commit = "Callable[..., str]"
OTHER = os.fsdecode(b"\xff\xfe")  # a name that is not UTF-8


def blob(data: bytes | str) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return hashlib.sha1(b"blob %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()


def plain(data: bytes | str) -> TreeEntry:
    return TreeEntry("100644", len(data.encode() if isinstance(data, str) else data), blob(data))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty repository with one commit of two files below `registry`."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q")
    write(root, {"registry/a.yaml": "a: 1\n", "registry/sub/b.yaml": "b: 1\n", "README.md": "outside\n"})
    save(root)
    return root


def save(root: Path, message: str = "change", date: str = "2026-01-02T03:04:05Z", author: str = "Ada") -> str:
    git(root, "add", "--all")
    git(root, "commit", "-q", "--allow-empty", "-m", message, "--author", f"{author} <a@b>", GIT_COMMITTER_DATE=date)
    return git(root, "rev-parse", "HEAD")


def crooked(root: Path) -> dict[str, TreeEntry]:
    """Files with every kind of name and type, and how a tree shows them."""
    names = [
        "plain.yaml",
        "with space",
        "näme.yaml",
        "line\nbreak",
        'quo"te\\',
        "tab\there",
        "*",
        ":(top)x",
        "-x",
        OTHER,
    ]
    for name in names:
        (root / name).write_text(name, encoding="utf-8", errors="surrogateescape")
    found = {name: plain(os.fsencode(name)) for name in names}
    (root / "run.sh").write_text("run")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("plain.yaml")
    (root / "dangling").symlink_to("/nowhere")
    (root / "folder.yaml").mkdir()
    (root / "folder.yaml" / "x").write_text("x")
    (root / "way").symlink_to("folder.yaml")
    found["run.sh"] = TreeEntry("100755", 3, blob("run"))
    found["folder.yaml/x"] = plain("x")
    for name, target in {"link": "plain.yaml", "dangling": "/nowhere", "way": "folder.yaml"}.items():
        found[name] = TreeEntry("120000", len(target), blob(target))
    return dict(sorted(found.items()))


def test_a_folder_outside_git(tmp_path: Path) -> None:
    expected = crooked(tmp_path)
    tree = working(tmp_path)
    assert list(tree.entries().items()) == list(expected.items())
    assert tree.root == tmp_path


def test_tracked_untracked_and_committed_files_look_alike(folder: Path) -> None:
    root = folder / "odd"
    root.mkdir()
    expected = crooked(root)
    assert list(working(root).entries().items()) == list(expected.items())
    save(folder)
    assert list(working(root).entries().items()) == list(expected.items())
    assert list(at(root, "HEAD").entries().items()) == list(expected.items())
    for tree in (working(root), at(root, "HEAD")):
        for name, entry in expected.items():
            if entry.regular:
                assert blob(tree.read(name)) == entry.blob


@pytest.mark.parametrize("make", [working, lambda root: at(root, "HEAD")], ids=["working", "revision"])
def test_entries_below(folder: Path, make: Callable[[Path], Tree]) -> None:
    tree = make(folder)
    assert list(tree.entries()) == ["README.md", "registry/a.yaml", "registry/sub/b.yaml"]
    assert list(tree.entries("registry")) == ["registry/a.yaml", "registry/sub/b.yaml"]
    assert list(tree.entries("registry/sub")) == ["registry/sub/b.yaml"]
    assert list(tree.entries("registry/a.yaml")) == ["registry/a.yaml"]
    assert list(tree.entries("regis")) == []
    assert list(tree.entries("nothing/here")) == []
    assert list(make(folder / "registry").entries()) == ["a.yaml", "sub/b.yaml"]
    assert list(make(folder / "registry").entries("sub")) == ["sub/b.yaml"]
    assert make(folder / "registry").read("sub/b.yaml") == b"b: 1\n"


def test_entries_below_outside_git(tmp_path: Path) -> None:
    write(tmp_path, {"registry/a.yaml": "a", "other": "o"})
    (tmp_path / "link").symlink_to("registry")
    tree = working(tmp_path)
    assert list(tree.entries("registry")) == ["registry/a.yaml"]
    assert list(tree.entries("other")) == ["other"]
    assert list(tree.entries("link")) == ["link"]
    assert list(tree.entries("absent")) == []
    assert list(working(tmp_path / "absent").entries()) == []


def test_changed_files_are_hashed(folder: Path) -> None:
    write(folder, {"registry/a.yaml": "a: 2\n", "registry/new.yaml": "new\n", "registry/sub/b.yaml": None})
    assert working(folder).entries("registry") == {
        "registry/a.yaml": plain("a: 2\n"),
        "registry/new.yaml": plain("new\n"),
    }
    git(folder, "add", "registry/a.yaml")
    write(folder, {"registry/a.yaml": "a: 3\n"})
    assert working(folder / "registry").entries()["a.yaml"] == plain("a: 3\n")


def test_a_file_that_was_only_touched_keeps_its_id(folder: Path) -> None:
    os.utime(folder / "registry/a.yaml", (1, 1))
    assert working(folder).entries("registry")["registry/a.yaml"] == plain("a: 1\n")


def test_ignored_files_are_left_out(folder: Path) -> None:
    write(folder, {"registry/.gitignore": "*.tmp\nbuilt/\n", "registry/x.tmp": "x", "registry/built/y": "y"})
    assert "registry/.gitignore" in working(folder).entries()
    assert not {"registry/x.tmp", "registry/built/y"} & working(folder).entries().keys()


def test_a_file_that_changed_its_kind(folder: Path) -> None:
    write(folder, {"registry/c.yaml": "c", "registry/d.yaml": "d", "registry/e.yaml": "e", "registry/deep/f": "f"})
    save(folder)
    for name in ("a", "c", "d"):
        (folder / f"registry/{name}.yaml").unlink()
    shutil.rmtree(folder / "registry/deep")
    (folder / "registry/a.yaml").symlink_to("e.yaml")
    (folder / "registry/c.yaml").mkdir()
    os.mkfifo(folder / "registry/d.yaml")
    (folder / "registry/e.yaml").chmod(0o755)
    (folder / "registry/deep").write_text("a file now")
    modes = {path: entry.mode for path, entry in working(folder / "registry").entries().items()}
    assert modes == {
        "a.yaml": "120000", "c.yaml": "040000", "d.yaml": "010000", "deep": "100644", "e.yaml": "100755",
        "sub/b.yaml": "100644",
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"d\.yaml is not a regular file"):
        working(folder / "registry").read("d.yaml")


def test_a_conflict_shows_the_file_on_disk(folder: Path) -> None:
    git(folder, "switch", "-q", "-c", "side")
    write(folder, {"registry/a.yaml": "a: side\n"})
    save(folder)
    git(folder, "switch", "-q", "main")
    write(folder, {"registry/a.yaml": "a: main\n"})
    save(folder)
    with pytest.raises(AssertionError):
        git(folder, "merge", "-q", "side")
    text = (folder / "registry/a.yaml").read_bytes()
    assert b"<<<<<<<" in text
    assert working(folder).entries()["registry/a.yaml"] == plain(text)


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_files_git_was_told_not_to_look_at(folder: Path, flag: str) -> None:
    git(folder, "update-index", flag, "registry/a.yaml", "registry/sub/b.yaml")
    write(folder, {"registry/a.yaml": "a: 9\n", "registry/sub/b.yaml": None})
    assert working(folder).entries("registry") == {"registry/a.yaml": plain("a: 9\n")}


def test_intent_to_add(folder: Path) -> None:
    write(folder, {"registry/c.yaml": "c"})
    git(folder, "add", "--intent-to-add", "registry/c.yaml")
    assert working(folder).entries()["registry/c.yaml"] == plain("c")


NAMES = st.sampled_from(["a", "b", "b/c", "ä", "*", "d/e/f"])
STEPS = st.one_of(
    st.tuples(st.just("write"), NAMES, st.sampled_from(["x", "y", ""])),
    st.tuples(st.sampled_from(["remove", "link", "run", "touch"]), NAMES, st.just("")),
    st.tuples(st.sampled_from(["add", "commit", "reset"]), st.just(""), st.just("")),
)


def step(root: Path, act: str, name: str, text: str) -> None:
    path = root / name
    if act in {"write", "link", "remove"} and (path.is_symlink() or path.exists()):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if act in {"write", "link"}:
        for parent in path.parents:
            if parent.is_symlink() or parent.is_file():
                parent.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to("b") if act == "link" else path.write_text(text)
    elif act == "run" and path.is_file():
        path.chmod(0o755)
    elif act == "touch" and path.is_file():
        os.utime(path, (1, 1))
    elif act in {"add", "commit"}:
        git(root, "add", "--all")
        if act == "commit":
            git(root, "commit", "-q", "--allow-empty", "-m", "c")
    elif act == "reset":
        git(root, "reset", "-q", "--mixed")


@settings(max_examples=25)
@given(st.lists(STEPS, min_size=3, max_size=10))
def test_what_the_index_says_is_what_hashing_says(steps: list[tuple[str, str, str]]) -> None:
    """Whatever happened, git or no git, the same files are listed; but for a folder where git has a file."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place, "repository")
        root.mkdir()
        git(root, "init", "-q")
        git(root, "commit", "-q", "--allow-empty", "-m", "start")
        for act, name, text in steps:
            step(root, act, name, text)
        found = {path: entry for path, entry in working(root).entries().items() if entry.mode != "040000"}
        shutil.move(root / ".git", Path(place, "git"))
        assert found == working(root).entries()


def test_repositories_inside_are_seen_and_not_entered(folder: Path) -> None:
    inner = folder / "registry/inner"
    write(inner, {"x": "x"})
    git(inner, "init", "-q")
    commit = save(inner)
    assert working(folder).entries()["registry/inner"].mode == "160000"
    git(folder, "-c", "advice.addEmbeddedRepo=false", "add", "registry/inner")
    git(folder, "commit", "-q", "-m", "inner")
    assert working(folder).entries()["registry/inner"] == TreeEntry("160000", 0, commit)
    assert at(folder, "HEAD").entries()["registry/inner"] == TreeEntry("160000", 0, commit)
    with pytest.raises(ValueError, match="not a regular file"):
        at(folder, "HEAD").read("registry/inner")
    with pytest.raises(ValueError, match="not a regular file"):
        working(folder).read("registry/inner")


def test_a_repository_with_longer_ids(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    write(tmp_path, {"a": "a"})
    dirty_id = working(tmp_path).entries()["a"].blob
    save(tmp_path)
    assert working(tmp_path).entries()["a"].blob == at(tmp_path, "HEAD").entries()["a"].blob == dirty_id
    assert len(dirty_id) == 64
    assert at(tmp_path, "HEAD").read("a") == b"a"


@pytest.mark.parametrize("kind", ["folder", "checkout", "revision", "memory"])
def test_reading_is_limited(folder: Path, tmp_path: Path, kind: str) -> None:
    write(folder, {"registry/big": "x" * 100, "registry/empty": ""})
    (folder / "registry/link").symlink_to("big")
    save(folder)
    write(tmp_path / "copy", {"registry/big": "x" * 100, "registry/empty": ""})
    (tmp_path / "copy/registry/link").symlink_to("big")
    memory = {"registry/big": "x" * 100, "registry/empty": "", "registry/link": "big"}
    trees: dict[str, Callable[[], Tree]] = {
        "folder": lambda: working(tmp_path / "copy"),
        "checkout": lambda: working(folder),
        "revision": lambda: at(folder, "HEAD"),
        "memory": lambda: MemoryTree(memory, {"registry/link": "120000"}),
    }
    tree = trees[kind]()
    assert tree.read("registry/big", 100) == b"x" * 100
    assert tree.read("registry/empty", 0) == b""
    with pytest.raises(ValueError, match="registry/big has more than 99 bytes"):
        tree.read("registry/big", 99)
    with pytest.raises(ValueError, match="registry/link is not a regular file"):
        tree.read("registry/link")
    with pytest.raises(FileNotFoundError):
        tree.read("registry/absent")
    with pytest.raises(FileNotFoundError):
        tree.read("absent/absent")
    assert tree.read("registry/big", 100) == b"x" * 100
    assert set(tree.entries("registry/big")) == {"registry/big"}
    named = {path: entry.size for path, entry in tree.entries("registry").items() if path in memory}
    assert named == {"registry/big": 100, "registry/empty": 0, "registry/link": 3}


def test_reading_stays_inside(folder: Path) -> None:
    write(folder.parent, {"secret/key": "k"})
    (folder / "registry/way").symlink_to("../../secret")
    tree = working(folder / "registry")
    for path in ("../../secret/key", str(folder.parent / "secret/key"), "sub/../../README.md"):
        with pytest.raises(ValueError, match="not a path of the tree"):
            tree.read(path)
    with pytest.raises(ValueError, match="way/key passes through a symbolic link"):
        tree.read("way/key")
    with pytest.raises(ValueError, match=r"a\.yaml/x is not a regular file"):
        tree.read("a.yaml/x")


def test_a_file_that_may_not_be_read(folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    tree = working(folder)
    (folder / "registry/a.yaml").chmod(0)
    (folder / "registry/b.yaml").touch(0)
    with pytest.raises(GitError, match=r"registry/a\.yaml may not be read"):
        tree.read("registry/a.yaml")
    with pytest.raises(GitError, match="may not be read"):
        tree.entries("registry")


def test_a_revision_is_not_the_working_copy(folder: Path) -> None:
    first = head(folder)
    assert first is not None
    write(folder, {"registry/a.yaml": "a: 2\n"})
    git(folder, "tag", "-a", "-m", "t", "v1", first)
    for revision in (first, "HEAD", "main", "v1", first[:9]):
        assert at(folder, revision).read("registry/a.yaml") == b"a: 1\n"
    assert (folder / "registry/a.yaml").read_text() == "a: 2\n"
    assert at(folder, "HEAD").root is None
    assert resolve(folder, "v1") == first
    assert resolve(folder / "registry", "main") == first


def test_a_folder_that_is_gone_from_the_disk(folder: Path) -> None:
    shutil.rmtree(folder / "registry")
    assert list(at(folder / "registry", "HEAD").entries()) == ["a.yaml", "sub/b.yaml"]
    assert at(folder / "registry/sub", "HEAD").read("b.yaml") == b"b: 1\n"
    assert set(history(folder / "registry") or ()) == {"a.yaml", "sub/b.yaml"}
    assert head(folder / "registry") == head(folder)


def test_a_file_in_place_of_the_folder(folder: Path) -> None:
    shutil.rmtree(folder / "registry")
    write(folder, {"registry": "a file"})
    save(folder)
    assert at(folder / "registry", "HEAD").entries() == {}


@pytest.mark.parametrize("revision", ["nowhere", "--all", "", "HEAD:registry/a.yaml", "0" * 40])
def test_an_unknown_revision(folder: Path, revision: str) -> None:
    for read in (at, resolve):
        with pytest.raises(GitError, match="git knows no commit"):
            read(folder, revision)
    with pytest.raises(GitError, match="git knows no commit"):
        history(folder, revision=revision)


def test_a_lost_object(folder: Path) -> None:
    tree = at(folder, "HEAD")
    entry = tree.entries()["registry/a.yaml"]
    assert tree.read("README.md") == b"outside\n"
    (folder / ".git/objects" / entry.blob[:2] / entry.blob[2:]).unlink()
    with pytest.raises(GitError, match=rf"{entry.blob}: run `git fsck`"):
        tree.read("registry/a.yaml")
    assert tree.read("README.md") == b"outside\n"


def test_many_processes_read_one_revision(folder: Path) -> None:
    names = [f"registry/{number}.yaml" for number in range(300)]
    write(folder, {name: name * 50 for name in names})
    save(folder)
    tree = at(folder, "HEAD")
    assert tree.read(names[0]) == (names[0] * 50).encode()
    chunks = parallel.map_chunks(lambda start, stop: [tree.read(name) for name in names[start:stop]], 300, 3, 16)
    for number, data in enumerate(data for chunk in chunks for data in chunk):
        assert data == (names[number] * 50).encode()
        assert tree.read(names[number]) == data


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="children are listed in /proc only on Linux")
def test_the_reading_process_ends_with_the_tree(folder: Path) -> None:
    before = children()
    tree = at(folder, "HEAD")
    tree.read("registry/a.yaml")
    assert len(children() - before) == 1
    (reader,) = children() - before
    os.kill(int(reader), 9)
    for _ in range(3):
        with pytest.raises(GitError, match="git fsck"):
            tree.read("registry/a.yaml")
    del tree
    gc.collect()
    assert children() - before == set()


def test_nothing_is_written(folder: Path) -> None:
    os.utime(folder / "registry/a.yaml", (1, 1))  # git would like to refresh its index
    before = {path: path.stat().st_mtime_ns for path in (folder / ".git").rglob("*")}
    tree = working(folder)
    tree.entries()
    history(folder)
    at(folder, "HEAD").read("README.md")
    assert {path: path.stat().st_mtime_ns for path in (folder / ".git").rglob("*")} == before
    place = private(folder)
    assert place == folder / ".git/galleryctl"
    assert not place.exists()


def test_a_listing_survives_what_vanishes_meanwhile(folder: Path) -> None:
    write(folder, {"registry/sub/b.yaml": None})
    (folder / "registry/sub").rmdir()
    (folder / "registry/sub").write_text("x")
    assert working(folder).entries("registry") == {"registry/a.yaml": plain("a: 1\n"), "registry/sub": plain("x")}


def test_files_that_lie_nowhere_yet_are_a_tree() -> None:
    tree = Unwritten({"models/b": b"12", "models/a": b"1", "my/models/c": b"123"})
    assert list(tree.entries()) == ["models/a", "models/b", "my/models/c"]
    assert list(tree.entries("models")) == ["models/a", "models/b"]
    assert (tree.entries("models/b")["models/b"].size, tree.read("models/b")) == (2, b"12")
    with pytest.raises(ValueError, match="more than 1"):
        tree.read("models/b", 1)
    with pytest.raises(FileNotFoundError):
        tree.read("models/x")
