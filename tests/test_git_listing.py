"""The listing of a commit as it is kept: the same entries in the same order, and nothing of what is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conftest import git as run
from conftest import write
from galleryctl import git
from galleryctl.git import TreeEntry, listing
from galleryctl.loading.store import Store

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = {
    "models/llm/acme/tiny/model.yaml": TreeEntry("100644", 120, "a" * 40),
    "odd\nname\udcff": TreeEntry("120000", 7, "b" * 40),
    "twice": TreeEntry("000001", 0, "c" * 40),
}


@pytest.mark.parametrize("entries", [{}, ENTRIES], ids=["none", "some"])
def test_comes_back_as_it_was(entries: dict[str, TreeEntry]) -> None:
    found = listing.unpacked(listing.packed(entries), TreeEntry)
    assert found == entries
    assert list(found) == list(entries)
    assert all(type(entry) is TreeEntry for entry in found.values())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        b"3\0",
        listing.packed(ENTRIES)[:-1],
        listing.packed(ENTRIES)[:-60],
        listing.packed(ENTRIES) + b"x\0",
        listing.packed(ENTRIES).replace(b"120\0", b"many\0"),
        listing.packed(ENTRIES).replace(b"twice", b"odd\nname\xff"),
    ],
)
def test_what_is_damaged_is_nothing(raw: bytes) -> None:
    assert listing.unpacked(raw, TreeEntry) is None


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    run(tmp_path, "init", "-q", "-b", "main")
    paths = ("gallery.yaml", "roles.yaml", "models/llm/acme/tiny/model.yaml")
    write(tmp_path / "registry", dict.fromkeys(paths, "title: Tiny\n"))
    run(tmp_path, "add", ".")
    run(tmp_path, "commit", "-qm", "Add")
    return tmp_path


def test_only_some_paths_are_listed(repository: Path) -> None:
    tree = git.at(repository, "main", only=["registry/roles.yaml", "registry/roles.json"])
    assert list(tree.entries()) == ["registry/roles.yaml"]
    assert tree.read("registry/roles.yaml") == b"title: Tiny\n"
    inside = git.at(repository / "registry", "main", only=["gallery.yaml"])
    assert list(inside.entries()) == ["gallery.yaml"]


def test_is_kept_for_each_commit_and_folder(repository: Path) -> None:
    store = Store(repository / ".git" / "galleryctl")
    plain = git.at(repository, "main").entries()
    assert git.at(repository, "main", kept=store).entries() == plain
    name = f"{git.resolve(repository, 'main')}:"
    raw = store.listing(name)
    assert raw == listing.packed(plain)
    assert git.at(repository, "main", kept=store).entries() == plain
    below = git.at(repository / "registry", "main", kept=store).entries()
    assert below == git.at(repository / "registry", "main").entries()
    assert store.listing(f"{name}registry/") is not None
    # It is what counts, unless it is damaged.
    store.keep_listing(name, listing.packed({}))
    assert git.at(repository, "main", kept=store).entries() == {}
    store.keep_listing(name, b"nonsense")
    assert git.at(repository, "main", kept=store).entries() == plain
    assert store.listing(name) == raw


def test_the_oldest_are_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(10):
        store.keep_listing(str(number), b"%d" % number)
    assert [number for number in range(10) if store.listing(str(number))] == [6, 7, 8, 9]
