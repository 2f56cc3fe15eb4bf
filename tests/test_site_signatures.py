"""What a gallery says of its signatures on the page about it."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from galleryctl.signing import developing, pairs, rotating
from galleryctl.signing.trust import Trust
from galleryctl.site import signatures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result

    Run = Callable[..., Result]

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


def section(run: Run, folder: Path, now: str = "2026-01-02") -> str:
    """The text of the section, without marks."""
    done = run("build", "--out", folder.parent / "site", "--now", now, cwd=folder.parent)
    assert done.exit_code == 0, done.stderr
    page = (folder.parent / "site/about/index.html").read_text()
    found = re.search(r'<section id="signatures">(.*?)</section>', page, re.DOTALL)
    assert found
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", found[1])).split())


@pytest.fixture
def signed(registry: Callable[..., Path]) -> tuple[Path, Path]:
    """A registry with keys, and the keys."""
    folder = registry()
    keys = folder.parent / "keys"
    developing.create(keys, NOW)
    (keys / "trust").rename(folder / "trust")
    (keys / "trust").symlink_to(folder / "trust")
    return folder, keys


def test_a_gallery_without_keys_says_that_it_is_not_signed(registry: Callable[..., Path], run: Run) -> None:
    said = section(run, registry())
    assert "The index is not signed." in said
    assert "galleryctl verify" not in said


def test_the_newest_keys_and_how_to_verify(signed: tuple[Path, Path], run: Run) -> None:
    folder, keys = signed
    online = pairs.from_file(keys / "online.pem", password=str).public_key.keyid[:12]
    said = section(run, folder)
    assert "The index is signed." in said
    assert "Root version 1 until 2027-01-02 Targets version 1 until 2027-01-02" in said
    assert f"Online key {online}" in said
    assert "Other keys need 2 of 3 holders." in said
    assert re.search(r"galleryctl verify https://\S+ --root 1\.root\.json", said)
    assert re.search(r"galleryctl sync --gallery https://\S+ --root 1\.root\.json", said)
    assert "renewed" not in said
    assert run("keys", "rotate", "root", "--add", "dora", "--keys", keys, "--now", "2026-02-02").exit_code == 0
    said = section(run, folder)
    assert "Root version 2 until 2027-02-02 Targets version 1" in said
    assert "Other keys need 2 of 4 holders." in said
    assert re.search(r"dora [0-9a-f]{12}\b", said)


def test_people_are_told_early(signed: tuple[Path, Path], run: Run) -> None:
    folder, keys = signed
    assert run("keys", "renew", "root", "--keys", keys, "--now", "2026-06-02").exit_code == 0
    assert "renewed" not in section(run, folder, "2026-11-03")
    said = section(run, folder, "2026-11-04")
    assert "Keys have to be renewed. Targets expires on 2027-01-02: its holders have to sign again" in said
    assert "Root expires" not in said
    assert "Targets expired on 2027-01-02: runtimes take nothing new" in section(run, folder, "2027-01-03")


def test_a_draft_is_none_of_it(signed: tuple[Path, Path], run: Run) -> None:
    folder, keys = signed
    before = section(run, folder)
    trust = keys / "trust"
    state, _ = rotating.propose(trust, rotating.renewed(Trust.read(trust), NOW + dt.timedelta(days=9)))
    assert state
    assert section(run, folder) == before
    files = {f"trust/{path.relative_to(trust)}": path.read_bytes() for path in trust.rglob("*.json")}
    assert len(files) == 4
    shown = signatures.about(files, NOW)
    assert shown is not None
    assert shown["parts"] == [("Root", 1, "2027-01-02"), ("Targets", 1, "2027-01-02")]
    assert signatures.about({path: raw for path, raw in files.items() if "draft" in path}, NOW) is None
