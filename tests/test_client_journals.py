"""What others put where something was noted down: it keeps nobody waiting, and leads nowhere."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

import worlds
from galleryctl.client import Gallery, homes, journals
from galleryctl.client.homes import JOURNAL, State
from galleryctl.client.parts import Part
from galleryctl.client.verified import Verified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

world, served, gallery = worlds.world, worlds.served, worlds.gallery


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    def late(*_: object) -> None:
        raise AssertionError("it waits for what a named pipe never says")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_only_plain_files_and_no_more_than_asked(tmp_path: Path) -> None:
    place, link, pipe = (tmp_path / name for name in ("plain", "link", "pipe"))
    place.write_bytes(b"12345")
    link.symlink_to(place)
    os.mkfifo(pipe)
    assert (journals.read(place), journals.read(place, 2)) == (b"12345", b"12")
    for other in (link, pipe, tmp_path, tmp_path / "none"):
        with pytest.raises(OSError, match=str(other)):
            journals.read(other)


def test_a_pipe_for_what_was_verified(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "verified.json")
    place = tmp_path / "a"
    place.write_bytes(b"1")
    known = Verified(tmp_path)
    known.add("a", place.stat(), "ab" * 32)
    assert Verified(tmp_path).holds("a", place.stat(), "ab" * 32)


def test_a_pipe_for_a_part(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    part = Part(tmp_path, "a", 3, threading.Event())
    assert part.acquire(lambda: False, lambda: None)
    part.write(0, b"12")
    part.save()
    part.close()
    assert Part(tmp_path, "a", 3, threading.Event()).peek() == 2


def test_a_pipe_for_the_files_of_a_runtime(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / JOURNAL)
    state = State("https://models.acme.example/", 1, 1)
    assert homes.lay(tmp_path, "xinference", {"llm.json": b"[1]"}, state).written
    assert homes.serial(tmp_path, "xinference", state.gallery) == (1, 1)


def test_a_pipe_beside_the_cache(gallery: Callable[..., Gallery], tmp_path: Path) -> None:
    gallery().sync()
    (kept,) = tmp_path.rglob("*.kept.json")
    kept.unlink()
    os.mkfifo(kept)
    kept.with_name(kept.name.replace(".kept.json", ".sqlite")).write_bytes(b"no database at all" * 100)
    assert gallery().sync().serial == 1
    assert kept.is_file()
