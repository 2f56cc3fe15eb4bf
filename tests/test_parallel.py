"""Real child processes."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl import parallel
from galleryctl.errors import OutputError
from galleryctl.parallel import default_jobs, map_chunks, serve, together

if TYPE_CHECKING:
    from collections.abc import Callable


def squares(start: int, stop: int) -> list[int]:
    return [number**2 for number in range(start, stop)]


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="children are listed in /proc only on Linux")


@pytest.mark.parametrize("jobs", [1, 2, 3, 50])
@pytest.mark.parametrize(("count", "chunk"), [(0, 4), (1, 4), (4, 4), (5, 4), (103, 4), (103, 1), (103, 200)])
def test_results_come_in_order(jobs: int, count: int, chunk: int) -> None:
    chunks = list(map_chunks(squares, count, jobs, chunk))
    assert [number for chunk in chunks for number in chunk] == squares(0, count)
    assert all(len(part) == chunk for part in chunks[:-1])


@given(st.integers(0, 40), st.integers(1, 4), st.integers(1, 9))
def test_the_number_of_jobs_does_not_show(count: int, jobs: int, chunk: int) -> None:
    assert list(map_chunks(squares, count, jobs, chunk)) == list(map_chunks(squares, count, 1, chunk))


def test_many_jobs_are_many_processes() -> None:
    mine = set(map_chunks(lambda _start, _stop: os.getpid(), 8, 1, 1))
    theirs = set(map_chunks(lambda _start, _stop: os.getpid(), 8, 2, 1))
    assert mine == {os.getpid()}
    assert len(theirs) == 2
    assert os.getpid() not in theirs


def test_one_slice_needs_no_process() -> None:
    assert list(map_chunks(lambda _start, _stop: os.getpid(), 64, 8)) == [os.getpid()]


def test_a_system_that_cannot_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiprocessing.get_all_start_methods", lambda: ["spawn"])
    assert set(map_chunks(lambda _start, _stop: os.getpid(), 8, 2, 1)) == {os.getpid()}


def test_the_function_sees_what_it_closes_over() -> None:
    large = [object() for _ in range(10)]  # objects do not pickle
    names = [hex(id(thing)) for thing in large]
    found = map_chunks(lambda start, stop: [hex(id(thing)) for thing in large[start:stop]], 10, 2, 1)
    assert [name for chunk in found for name in chunk] == names


def test_results_larger_than_a_pipe() -> None:
    for number, data in enumerate(map_chunks(lambda start, _stop: bytes([start]) * 3_000_000, 6, 2, 1)):
        assert data == bytes([number]) * 3_000_000


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_first_exception_is_raised(jobs: int) -> None:
    def fail(start: int, _stop: int) -> int:
        if start >= 5:
            raise OutputError(f"slice {start}")
        return start

    seen: list[int] = []
    with pytest.raises(OutputError, match="slice 5") as caught:
        seen.extend(map_chunks(fail, 50, jobs, 1))
    assert seen == [0, 1, 2, 3, 4]
    assert str(caught.value) == "slice 5"
    notes: list[str] = getattr(caught.value, "__notes__", [])
    assert ["in fail" in note for note in notes] == ([True] if jobs > 1 else [])  # where in the child it happened


class Odd(Exception):  # noqa: N818 - an exception that pickles but cannot be read back
    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def test_an_exception_that_does_not_travel() -> None:
    def fail(_start: int, _stop: int) -> int:
        raise Odd("very", "odd")

    with pytest.raises(RuntimeError, match=r"(?s)in fail.*Odd: very odd"):
        list(map_chunks(fail, 4, 2, 1))


def test_a_result_that_does_not_travel() -> None:
    with pytest.raises(AttributeError, match="Can't pickle"):
        list(map_chunks(lambda _start, _stop: lambda: None, 4, 2, 1))


def answers(function: Callable[[int, int], object]) -> list[object]:
    """What a child with this function sends, made in this process."""
    sent: list[object] = []

    def send(answer: object) -> None:
        pickle.dumps(answer)
        sent.append(answer)

    serve(function, [(0, 2), (2, 4)], send)
    return sent


def test_what_a_child_sends() -> None:
    def odd(_start: int, _stop: int) -> int:
        raise Odd("very", "odd")

    def late(start: int, _stop: int) -> int:
        return 1 // (start - 2)

    def kinds(function: Callable[[int, int], object]) -> list[str]:
        return [repr(answer).partition("(")[2].partition("(")[0] for answer in answers(function)]

    assert answers(squares) == [(True, [0, 1]), (True, [4, 9])]
    assert kinds(late) == ["True, -1)", "False, ZeroDivisionError"]
    assert kinds(odd) == ["False, RuntimeError"]
    assert kinds(lambda _start, _stop: lambda: None) == ["False, AttributeError"]


@needs_proc
def test_children_end_with_the_loop() -> None:
    before = children()

    def slow(start: int, _stop: int) -> int:
        time.sleep(30 if start > 1 else 0)
        return start

    results = map_chunks(slow, 10, 2, 1)
    assert next(results) == 0
    assert len(children() - before) == 2
    began = time.monotonic()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 10
    assert children() - before == set()


@needs_proc
def test_children_end_with_an_exception_in_the_loop() -> None:
    before = children()
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        for _ in map_chunks(squares, 100, 2, 1):
            raise ZeroDivisionError
    gc.collect()
    assert children() - before == set()


def test_a_killed_child_is_an_error() -> None:
    def die(start: int, _stop: int) -> int:
        if start == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return start

    with pytest.raises(RuntimeError, match="a child process died"):
        list(map_chunks(die, 10, 2, 1))


def test_the_collector_is_left_as_it_was() -> None:
    frozen = gc.get_freeze_count()
    list(map_chunks(squares, 10, 2, 1))
    assert gc.get_freeze_count() == frozen
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            with parallel.uncollected():
                assert not gc.isenabled()
            assert gc.isenabled() == enabled
        finally:
            gc.enable()


def test_default_jobs() -> None:
    assert 1 <= default_jobs() <= (os.cpu_count() or 1)


PROGRAM = r"""
import os, sys, time
from galleryctl.parallel import map_chunks

def slow(start, stop):
    os.write(1, b"%d\n" % os.getpid())
    time.sleep(0.2)
    return b"x" * 1_000_000

try:
    for _ in map_chunks(slow, 1000, 2, 1):
        pass
except KeyboardInterrupt:
    print("interrupted", file=sys.stderr, flush=True)
    raise SystemExit(130)
"""


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_no_child_outlives_its_parent(number: signal.Signals) -> None:
    """Ctrl-C reaches the whole group; the other signals only the parent, whose children notice when they report."""
    program = [sys.executable, "-c", textwrap.dedent(PROGRAM)]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stderr is not None
        pids = {int(parent.stdout.readline()) for _ in range(4)}
        assert len(pids) == 2
        if number is signal.SIGINT:
            os.killpg(parent.pid, number)
        else:
            parent.send_signal(number)
        code = parent.wait(20)
        end = time.monotonic() + 20
        while any(alive(pid) for pid in pids) and time.monotonic() < end:
            time.sleep(0.05)
        assert [pid for pid in pids if alive(pid)] == []
        complaint = parent.stderr.read()
    if number is signal.SIGINT:
        assert code == 130
        assert complaint == "interrupted\n"  # and no traceback of a child
    else:
        assert code == -number


def test_many_wait_at_the_same_time_and_answer_in_order() -> None:
    waiting = threading.Barrier(4, timeout=30)
    assert list(together(lambda number: (waiting.wait(), number)[1], range(4))) == [0, 1, 2, 3]
