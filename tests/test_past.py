"""What the last commit of a model changed, in words, on the page of changes and in the feed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL, git
from galleryctl import loading
from galleryctl.building import Wanted, build
from galleryctl.loading import past

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Path]
    Commit = Callable[..., str]

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
TINY = "models/llm/acme/tiny"
MODEL = f"{MINIMAL[f'{TINY}/model.yaml']}"
RELEASE = f"{MINIMAL[f'{TINY}/1.0.0.yaml']}"
LATER = "2026-03-01T00:00:00Z"
CHANGED = {f"{TINY}/model.yaml": MODEL.replace("Apache-2.0", "MIT"), f"{TINY}/README.md": "# Other\n"}
LINES = ("licence Apache-2.0 → MIT", "card changed")


def told(folder: Path) -> dict[str, tuple[str, ...]]:
    loaded = loading.load(folder.parent, folder.name, now=NOW)
    return past.told(folder.parent, folder.name, loaded.gallery.entries, loaded.world.context)


def test_the_last_commit_is_told(registry: Make, commit: Commit) -> None:
    folder = registry()
    assert told(folder) == {}, "it was only added"
    commit(folder, CHANGED, date=LATER)
    assert told(folder) == {"acme/tiny": LINES}
    commit(folder, {f"{TINY}/model.yaml": MODEL}, date="2026-04-01T00:00:00Z")
    assert told(folder) == {"acme/tiny": ("licence MIT → Apache-2.0",)}


def test_a_pull_request_is_told_as_a_whole(registry: Make, commit: Commit) -> None:
    folder = registry()
    git(folder.parent, "switch", "-q", "-c", "next")
    for path, text in CHANGED.items():
        commit(folder, {path: text}, date=LATER)
    git(folder.parent, "switch", "-q", "main")
    git(folder.parent, "merge", "-q", "--no-ff", "-m", "merge", "next", GIT_COMMITTER_DATE=LATER)
    assert told(folder) == {"acme/tiny": LINES}


def test_it_is_told_once_for_each_commit(registry: Make, commit: Commit, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = registry()
    commit(folder, CHANGED, date=LATER)
    first = told(folder)
    with monkeypatch.context() as patch:
        patch.setattr(past, "_side", None)  # whoever compares again fails
        assert told(folder) == first
    (folder.parent / ".git/galleryctl/past-1.sqlite").write_bytes(b"damaged")
    assert told(folder) == first


@pytest.mark.parametrize(
    "narrow",
    [
        "visibility: private\nmaintainers: [ada]\n",
        "visibility: restricted\nallowed: [acme]\n",
        "visibility: organisation\n",
    ],
)
def test_what_was_not_everybodys_to_know_is_not_told(registry: Make, commit: Commit, narrow: str) -> None:
    """The word `secret` stood there while fewer people saw the model."""
    hidden = MODEL.replace("A small chat model", "A secret chat model")
    folder = registry({"policy.yaml": "version: 1\nrepository: private\n", f"{TINY}/model.yaml": hidden + narrow})
    commit(folder, {f"{TINY}/model.yaml": MODEL}, date=LATER)
    assert told(folder) == {}


def test_many_lines_are_cut(registry: Make, commit: Commit) -> None:
    folder = registry()
    text = MODEL.replace("Tiny", "Small").replace("A small", "A very small").replace("Apache-2.0", "MIT")
    commit(
        folder,
        {
            f"{TINY}/model.yaml": text.replace("[chat]", "[reasoning]") + "featured: true\nexpires: 2027-01-01\n",
            f"{TINY}/README.md": "# Other\n",
        },
        date=LATER,
    )
    lines = told(folder)["acme/tiny"]
    assert len(lines) == 6
    assert lines[-1] == "and 2 more"


def test_pages_and_the_feed_say_it_and_a_clean_build_says_the_same(
    registry: Make, commit: Commit, tmp_path: Path
) -> None:
    folder = registry()
    assert build(Wanted(folder, tmp_path / "out", NOW)).errors == ()
    commit(folder, CHANGED, date=LATER)
    build(Wanted(folder, tmp_path / "out", NOW))
    page, feed = ((tmp_path / "out" / name).read_text() for name in ("changes/index.html", "feed.atom"))
    assert "licence Apache-2.0 → MIT · card changed" in page
    assert "<summary>licence Apache-2.0 → MIT · card changed</summary>" in feed
    assert "#changed-2026-03-01T00:00:00Z</id>" in feed
    model = (tmp_path / "out/models/acme/tiny/index.html").read_text()
    assert "<dt>What changed</dt><dd>licence Apache-2.0 → MIT<br>card changed</dd>" in model
    (folder.parent / ".git/galleryctl/past-1.sqlite").unlink()
    build(Wanted(folder, tmp_path / "clean", NOW))
    for name in ("changes/index.html", "feed.atom", "models/acme/tiny/index.html"):
        assert (tmp_path / "clean" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_outside_of_git_nothing_is_told(registry: Make, tmp_path: Path) -> None:
    folder = registry()
    (folder.parent / ".git").rename(tmp_path / "elsewhere")
    assert told(folder) == {}
