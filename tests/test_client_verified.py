"""What was verified is believed as long as size and time stay the same."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from galleryctl.client.verified import Verified, digest, look
from pulls import DATA, OTHER, sha256

if TYPE_CHECKING:
    from pathlib import Path


def test_size_and_time_are_what_counts(tmp_path: Path) -> None:
    place = tmp_path / "model.gguf"
    place.write_bytes(DATA)
    status = look(place)
    assert status is not None
    Verified(tmp_path).add("model.gguf", status, sha256(DATA))
    known = Verified(tmp_path)
    assert known.holds("model.gguf", status, sha256(DATA))
    assert not known.holds("model.gguf", status, sha256(OTHER))
    assert not known.holds("other", status, sha256(DATA))
    os.utime(place, ns=(1, 1))
    assert not known.holds("model.gguf", place.stat(), sha256(DATA))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', "[" * 100_000, "\udcff"])
def test_a_journal_that_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "verified.json").write_text(text, errors="surrogateescape")
    (tmp_path / "a").write_bytes(DATA)
    known, status = Verified(tmp_path), (tmp_path / "a").stat()
    assert not known.holds("a", status, sha256(DATA))
    known.add("a", status, sha256(DATA))
    assert Verified(tmp_path).holds("a", status, sha256(DATA))


def test_threads_lose_nothing(tmp_path: Path) -> None:
    place = tmp_path / "a"
    place.write_bytes(DATA)
    status = place.stat()

    def add(index: int) -> None:
        Verified(tmp_path).add(f"file-{index}", status, sha256(DATA))

    threads = [threading.Thread(target=add, args=(index,)) for index in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(Verified(tmp_path).holds(f"file-{index}", status, sha256(DATA)) for index in range(20))


def test_without_a_folder_nothing_is_remembered(tmp_path: Path) -> None:
    place = tmp_path / "a"
    place.write_bytes(DATA)
    Verified(tmp_path / "missing").add("a", place.stat(), sha256(DATA))
    assert not (tmp_path / "missing").exists()


def test_digests_of_what_is_there(tmp_path: Path) -> None:
    place = tmp_path / "a"
    assert digest(place) is None
    assert look(place) is None
    place.write_bytes(DATA)
    assert digest(place) == sha256(DATA)
    (tmp_path / "link").symlink_to(place)
    assert look(tmp_path / "link") is None
    assert look(place / "below") is None
