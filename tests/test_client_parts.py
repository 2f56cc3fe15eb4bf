"""A file on its way: what a kill leaves is resumed or thrown away, and nobody else takes it for whole."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galleryctl.client.errors import PullError
from galleryctl.client.parts import Part, StoppedError, key, prune
from galleryctl.client.places import WORK, workplace
from pulls import DATA, OTHER, PIECE, bounds, first, http, parts, plain, pulled, sha256, strays, wanted
from servers import Answer, Asked, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from pulls import PIECE, bounds, pulled, wanted
for _ in range(int(sys.argv[4])):
    pulled(Path(sys.argv[2]), wanted(sys.argv[3]), told=lambda text: print(text, file=sys.stderr))
"""


def child(into: Path, url: str, times: int = 1) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", _CHILD, str(Path(__file__).parent), str(into), url, str(times)]
    return subprocess.Popen(words, stderr=subprocess.PIPE)


def slowly(seconds: float, data: bytes = DATA) -> Callable[[Asked], Answer]:
    """A server that takes its time for each part."""
    serve = parts(data)

    def answer(asked: Asked) -> Answer:
        found = serve(asked)
        body = found.body
        assert isinstance(body, bytes)

        def drip() -> Iterator[bytes]:
            for index in range(0, len(body), 8192):
                time.sleep(seconds)
                yield body[index : index + 8192]

        return Answer(found.status, drip, {**found.headers, "Content-Length": str(len(body))})

    return answer


def leave(into: Path, done: list[list[int]], data: bytes = DATA, said: list[list[int]] | None = None) -> None:
    """What a pull that was killed leaves."""
    work = workplace(into)
    with (work / f"{sha256(DATA)}.part").open("wb") as file:
        for start, stop in done:
            file.seek(start)
            file.write(data[start:stop])
    journal = {"size": len(DATA), "origins": {}, "done": said or done}
    (work / f"{sha256(DATA)}.json").write_text(json.dumps(journal))


def open_part(work: Path, size: int | None = len(DATA)) -> Part:
    part = Part(work, sha256(DATA), size, threading.Event())
    assert part.acquire(lambda: False, lambda: None)
    return part


class TestResuming:
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(st.tuples(st.integers(0, len(DATA)), st.integers(0, len(DATA))).map(sorted), max_size=4),
        st.booleans(),
    )
    def test_wherever_it_was_cut(
        self, tmp_path_factory: pytest.TempPathFactory, done: list[list[int]], ranged: bool
    ) -> None:
        into = tmp_path_factory.mktemp("into")
        leave(into, done)
        with serving(parts() if ranged else plain()) as served:
            found = pulled(into, wanted(served.url))
        assert (into / "model.gguf").read_bytes() == DATA
        if ranged:
            there = len({byte for start, stop in done for byte in range(start, stop)})
            assert (found.fetched, found.reused) == (len(DATA) - there, there)

    def test_what_is_there_is_read_again(self, tmp_path: Path) -> None:
        leave(tmp_path, [[0, 5 * PIECE]], OTHER)
        with serving(parts()) as served:
            found = pulled(tmp_path, wanted(served.url))
        assert (tmp_path / "model.gguf").read_bytes() == DATA
        assert "in several pulls" in found.warnings[0]

    @pytest.mark.parametrize(
        "journal",
        ["", "{", "[]", "null", '{"size": 1, "done": []}', '{"size": 655483, "origins": {}, "done": [[-5, 9]]}',
         '{"size": 655483, "origins": [], "done": [[0, 9]]}', '{"size": 655483, "origins": {}, "done": [["a", "b"]]}',
         '{"size": 655483, "origins": {}, "done": [[0, 99999999999]]}', '{"size": 5, "origins": {}, "done": [[0, 5]]}',
         "[" * 100_000],
    )  # fmt: skip
    def test_journals_that_are_none(self, journal: str, tmp_path: Path) -> None:
        leave(tmp_path, [[0, 100]], OTHER)
        (tmp_path / WORK / f"{sha256(DATA)}.json").write_text(journal)
        with serving(parts()) as served:
            pulled(tmp_path, wanted(served.url))
        assert (tmp_path / "model.gguf").read_bytes() == DATA

    def test_a_journal_that_says_more_than_the_file_holds(self, tmp_path: Path) -> None:
        leave(tmp_path, [[0, 100]], said=[[0, len(DATA)]])
        with serving(parts()) as served:
            found = pulled(tmp_path, wanted(served.url))
        assert found.reused == 100
        assert (tmp_path / "model.gguf").read_bytes() == DATA

    def test_without_a_digest_only_of_the_same_state(self, tmp_path: Path) -> None:
        stop, bare = [True], wanted(sha256=None)

        def breaks(asked: Asked) -> Answer:
            return Answer(404) if first(asked) >= 3 * PIECE and stop[0] else parts(OTHER, '"a"')(asked)

        def changed(asked: Asked) -> Answer:
            return parts(DATA, '"b"')(asked)

        for now, again in ((breaks, OTHER), (changed, DATA)):
            stop[0], into = True, tmp_path / now.__name__
            serve = [breaks]
            with serving(lambda asked, serve=serve: serve[0](asked)) as served:  # type: ignore[misc]
                bare = wanted(served.url, sha256=None)
                with pytest.raises(PullError):
                    pulled(into, bare, bounds=bounds(ranges=1), allow_unverified=True)
                stop[0], serve[0] = False, now
                found = pulled(into, bare, allow_unverified=True)
            assert (into / "model.gguf").read_bytes() == again
            assert found.reused == 3 * PIECE


class TestKills:
    @pytest.mark.parametrize("seed", range(3))
    def test_a_kill_leaves_nothing_that_looks_whole(self, seed: int, tmp_path: Path) -> None:
        chance = random.Random(seed)  # noqa: S311 - the same in every run
        with serving(slowly(0.002)) as served:
            for _ in range(6):
                process = child(tmp_path, served.url)
                time.sleep(chance.uniform(0.3, 1.0))
                process.kill()
                process.communicate()
                named = tmp_path / "model.gguf"
                assert not named.exists() or named.read_bytes() == DATA
        with serving(parts()) as served:
            pulled(tmp_path, wanted(served.url))
        assert (tmp_path / "model.gguf").read_bytes() == DATA
        assert strays(tmp_path) == ["model.gguf"]

    def test_an_interrupt_leaves_what_came(self, tmp_path: Path) -> None:
        with serving(slowly(0.02)) as served:
            process = child(tmp_path, served.url)
            end = time.monotonic() + 20
            while len(served.asked) < 8 and time.monotonic() < end:
                time.sleep(0.02)
            start = time.monotonic()
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=20)[1]
            assert time.monotonic() - start < 5
        assert b"KeyboardInterrupt" in said
        assert process.returncode != 0
        assert not (tmp_path / "model.gguf").exists()
        with serving(parts()) as served:
            found = pulled(tmp_path, wanted(served.url))
        assert found.reused > PIECE
        assert (tmp_path / "model.gguf").read_bytes() == DATA


class TestTwoAtOnce:
    def test_processes_share_one_download(self, tmp_path: Path) -> None:
        with serving(slowly(0.15)) as served:
            processes = [child(tmp_path, served.url)]
            while not served.asked:
                time.sleep(0.02)
            processes += [child(tmp_path, served.url) for _ in range(2)]
            said = [process.communicate(timeout=60)[1] for process in processes]
            assert [process.returncode for process in processes] == [0, 0, 0], said
            assert len(served.asked) == 11
        assert any(b"another process is fetching it" in each for each in said)
        assert (tmp_path / "model.gguf").read_bytes() == DATA
        assert strays(tmp_path) == ["model.gguf"]

    def test_threads_likewise(self, tmp_path: Path) -> None:
        failed: list[BaseException] = []

        def run(url: str) -> None:
            try:
                pulled(tmp_path, wanted(url))
            except BaseException as error:  # noqa: BLE001 - told below
                failed.append(error)

        with serving(parts()) as served:
            threads = [threading.Thread(target=run, args=(served.url,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert failed == []
        assert (tmp_path / "model.gguf").read_bytes() == DATA
        assert strays(tmp_path) == ["model.gguf"]

    def test_the_lock_of_a_killed_process_is_free(self, tmp_path: Path) -> None:
        work = workplace(tmp_path)
        part = open_part(work)
        stop = threading.Event()
        other = Part(work, sha256(DATA), len(DATA), stop)
        told: list[bool] = []
        threading.Timer(0.2, part.close).start()
        assert other.acquire(lambda: False, lambda: told.append(True))
        assert told == [True]
        other.close()

    def test_who_waits_can_be_stopped(self, tmp_path: Path) -> None:
        work, stop = workplace(tmp_path), threading.Event()
        part = open_part(work)
        threading.Timer(0.2, stop.set).start()
        with pytest.raises(StoppedError):
            Part(work, sha256(DATA), len(DATA), stop).acquire(lambda: False, lambda: None)
        part.close()


class TestFullDisks:
    def test_the_text_says_what_to_do(self, tmp_path: Path) -> None:
        part = open_part(workplace(tmp_path))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (PIECE, hard))
            with pytest.raises(PullError, match="files may not be so large here; what came so far stays"):
                part.write(0, DATA)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert part.frontier == PIECE
        part.close()

    def test_and_the_next_pull_goes_on(self, tmp_path: Path) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        with serving(parts()) as served:
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (5 * PIECE, hard))
                with pytest.raises(PullError, match="what came so far stays"):
                    pulled(tmp_path, wanted(served.url), bounds=bounds(ranges=1))
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            found = pulled(tmp_path, wanted(served.url))
        assert found.reused == 5 * PIECE
        assert (tmp_path / "model.gguf").read_bytes() == DATA

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
    def test_a_full_device(self, tmp_path: Path) -> None:
        work = workplace(tmp_path)
        part = open_part(work)
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, part._descriptor)  # noqa: SLF001 - nothing else can be full at will
        os.close(full)
        with pytest.raises(PullError, match="the disk is full") as caught:
            part.write(0, DATA)
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno == errno.ENOSPC
        part.close()


def test_the_digest_is_of_what_is_on_the_disk(tmp_path: Path) -> None:
    part = open_part(workplace(tmp_path))
    part.hash()
    for start in range(0, len(DATA), PIECE):
        part.write(start, DATA[start : start + PIECE])
    assert part.whole
    assert part.digest() == sha256(DATA)
    status = part.finish(tmp_path / "deep" / "model.gguf")
    part.close()
    assert (status.st_size, status.st_mode & 0o777) == (len(DATA), 0o644)
    assert strays(tmp_path) == ["deep/model.gguf"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(11)))
def test_pieces_may_come_in_any_order(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    work = workplace(tmp_path_factory.mktemp("into"))
    part = open_part(work)
    part.hash()
    for index in order:
        assert not part.whole
        part.write(index * PIECE, DATA[index * PIECE : (index + 1) * PIECE])
    assert part.digest() == sha256(DATA)
    part.reset()
    assert part.have == 0
    part.write(0, DATA)
    assert part.digest() == sha256(DATA)
    part.close()


def test_nobody_writes_into_what_was_closed(tmp_path: Path) -> None:
    part = open_part(workplace(tmp_path))
    part.close()
    with pytest.raises(StoppedError):
        part.write(0, DATA)
    assert strays(tmp_path) == []


def test_a_part_that_is_a_link(tmp_path: Path) -> None:
    work = workplace(tmp_path)
    (work / f"{sha256(DATA)}.part").symlink_to(tmp_path / "elsewhere")
    with serving(parts()) as served, pytest.raises(PullError, match="cannot be written"):
        pulled(tmp_path, wanted(served.url))
    assert not (tmp_path / "elsewhere").exists()


def test_what_nobody_goes_on_with_goes(tmp_path: Path) -> None:
    work = workplace(tmp_path)
    for name in ("old", "new", "busy"):
        (work / f"{name}.part").write_bytes(DATA)
        (work / f"{name}.json").write_text("{}")
    now = time.time()
    for name in ("old", "busy"):
        os.utime(work / f"{name}.part", (now - 31 * 86400, now - 31 * 86400))
    with (work / "busy.part").open("rb+") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)
        prune(work, now)
    assert sorted(path.name for path in work.iterdir()) == ["busy.json", "busy.part", "new.json", "new.part"]


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    with serving(parts()) as served, pytest.raises(PullError, match="knows no locks"):
        pulled(tmp_path, wanted(served.url))
    assert served.asked == []


def test_keys_are_digests_or_stand_for_what_is_meant() -> None:
    assert key("a" * 64, []) == "a" * 64
    assert key(None, ["x"]) == key(None, ["x"]) != key(None, ["y"])
    assert http() is not None
