"""One source, several connections: how much may come, and how a piece that broke off goes on."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from galleryctl.client.connections import Job, LaterError, Meter, Ramp, Reading, Source
from galleryctl.client.errors import PullError
from galleryctl.client.origins import origin
from galleryctl.client.parts import Part, StoppedError
from galleryctl.client.places import workplace
from galleryctl.client.sources import Address
from galleryctl.fetch import FetchError
from pulls import DATA, PIECE, QUICK, dying, first, http, parts, plain, sha256
from servers import Answer, Asked, ranged, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def job(into: Path, have: int = 0, ranges: int = 4) -> Job:
    part = Part(workplace(into), sha256(DATA), len(DATA), threading.Event())
    assert part.acquire(lambda: False, lambda: None)
    part.write(0, DATA[:have])
    return Job("model.gguf", part, Meter(), threading.Event(), QUICK, ranges, PIECE, time.monotonic() + 60)


def source(url: str) -> Source:
    address = Address(url, "url")
    return Source(address, origin(address, http()), "key")


def test_a_quota_is_never_passed_unseen() -> None:
    meter = Meter(10)
    meter.add(10)
    with pytest.raises(PullError, match="quota of 10 bytes"):
        meter.add(1)
    assert meter.bytes == 11


def test_a_source_without_parts_waits_for_those_with_them(tmp_path: Path) -> None:
    work = job(tmp_path, have=PIECE)
    with serving(plain()) as served:
        only = source(served.url)
        with pytest.raises(LaterError):
            Reading(work, only, others=True).run()
        assert work.part.have == PIECE
        only.last = True
        Reading(work, only, others=True).run()
    assert work.part.whole
    assert work.part.digest() == sha256(DATA)


def test_pieces_go_on_where_they_broke_off(tmp_path: Path) -> None:
    work = job(tmp_path)
    with serving(dying(after=PIECE // 3, times=12)) as served:
        Reading(work, source(served.url), others=False).run()
        assert sum(1 for asked in served.asked if first(asked) % PIECE) > 0
    assert work.meter.bytes == len(DATA)
    assert work.part.digest() == sha256(DATA)


def test_one_failure_ends_the_other_connections(tmp_path: Path) -> None:
    def endless(asked: Asked) -> Answer:
        if first(asked) == 2 * PIECE:
            return Answer(404)
        found = ranged(asked, DATA)

        def slow() -> Iterator[bytes]:
            yield DATA[:1]
            time.sleep(5)

        return Answer(found.status, slow, {**found.headers, "Content-Length": str(PIECE)})

    work = job(tmp_path)
    start = time.monotonic()
    with serving(endless) as served, pytest.raises(FetchError, match="404"):
        Reading(work, source(served.url), others=False).run()
    assert time.monotonic() - start < 4


def test_who_stops_does_not_wait_for_answers(tmp_path: Path) -> None:
    def silent(_: Asked) -> Answer:
        time.sleep(4)
        return Answer(404)

    work = job(tmp_path)
    start = time.monotonic()
    threading.Timer(0.1, work.stop.set).start()
    with serving(silent) as served:
        with pytest.raises(StoppedError):
            Reading(work, source(served.url), others=False).run()
        assert time.monotonic() - start < 3.5


def test_no_more_connections_than_pieces(tmp_path: Path) -> None:
    work = job(tmp_path, have=len(DATA) - 10, ranges=16)
    with serving(parts()) as served:
        Reading(work, source(served.url), others=False).run()
        assert [asked.headers["range"] for asked in served.asked] == [f"bytes={len(DATA) - 10}-{len(DATA) - 1}"]


def test_one_more_connection_only_while_it_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    ramp = Ramp(0.5, counted=1000)
    asked = []
    for seconds, counted in [(0.4, 1400), (0.1, 1500), (0.5, 2500), (0.5, 3550), (9.0, 9000), (0.6, 9900), (0.1, 9900)]:
        now[0] += seconds
        asked.append(ramp.up(counted))
    #               too early; the first; twice as fast; no faster; not yet again; again; too early
    assert asked == [False, True, True, False, False, True, False]
