"""Many things at once: what computes in forked processes, what waits for answers in threads (`together`).

* A child inherits what it needs, and only results travel: the function may close over data of any size.
* Results come in order, whatever process made them; one process gives the same as many.
* A child never outlives the loop that reads its results, nor for long a parent that was killed.
"""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import pickle
import signal
import traceback
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

# A process that ends need not look for cycles in a whole gallery first: that is a sixth of a short command.
atexit.register(gc.freeze)

Value = TypeVar("Value")
Result = TypeVar("Result")

_PATIENCE = 10.0  # seconds for a child that has sent all its results to exit
_WAITING = 8
"""Threads that wait for answers at the same time: they do not compute."""


def default_jobs() -> int:
    """The processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the cyclic collector: it walks a growing heap of values that form no cycles, a quarter of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def together(work: Callable[[Value], Result], values: Iterable[Value]) -> Iterator[Result]:
    """`work` of every value, in order, in threads: for what waits for answers of others."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - on use: most commands ask nobody

    with ThreadPoolExecutor(_WAITING, thread_name_prefix="ask") as pool:
        yield from pool.map(work, values)


def map_chunks(function: Callable[[int, int], Result], count: int, jobs: int, chunk: int = 64) -> Iterator[Result]:
    """`function(start, stop)` for each slice of `range(count)`, in order; results must pickle.

    The first exception ends all children and is raised here. With one job, one slice, or on a system that cannot fork,
    it all happens in this process. A child that is killed raises `RuntimeError`.
    """
    slices = [(start, min(start + chunk, count)) for start in range(0, count, chunk)]
    jobs = min(jobs, len(slices))
    if jobs <= 1 or "fork" not in multiprocessing.get_all_start_methods():
        yield from (function(start, stop) for start, stop in slices)
        return
    with _children(function, slices, jobs) as readers:
        for number in range(len(slices)):
            try:
                done, value = readers[number % jobs].recv()
            except EOFError:
                raise RuntimeError("a child process died: was it short of memory? Try fewer jobs") from None
            if not done:
                raise value
            yield value


@contextmanager
def _children(
    function: Callable[[int, int], object], slices: list[tuple[int, int]], jobs: int
) -> Iterator[list[Connection]]:
    """Start `jobs` children, the k-th for every jobs-th slice from k on, and give the ends of their pipes."""
    context = multiprocessing.get_context("fork")
    readers: list[Connection] = []
    children: list[ForkProcess] = []
    gc.freeze()  # a collection in a child would copy the memory it shares with this process
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # an interrupt is this process's to handle
    try:
        for number in range(jobs):
            reader, writer = context.Pipe(duplex=False)
            readers.append(reader)
            child = context.Process(target=_child, args=(function, slices[number::jobs], writer, readers), daemon=True)
            child.start()
            children.append(child)
            writer.close()
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        gc.unfreeze()
        yield readers
        for child in children:
            child.join(_PATIENCE)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        gc.unfreeze()
        for child in children:
            child.kill()
            child.join()
        for reader in readers:
            reader.close()


def _child(
    function: Callable[[int, int], object], slices: list[tuple[int, int]], writer: Connection, readers: list[Connection]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for reader in readers:
        reader.close()  # so that sending fails as soon as the parent is gone
    with suppress(BrokenPipeError):
        serve(function, slices, writer.send)


def serve(
    function: Callable[[int, int], object], slices: list[tuple[int, int]], send: Callable[[tuple[bool, object]], None]
) -> None:
    """What a child does: send each result as `(True, result)`, or what was raised as `(False, exception)` and stop."""
    for start, stop in slices:
        try:
            result = function(start, stop)
        except BaseException as error:  # noqa: BLE001 - raised again in the parent
            send((False, _portable(error)))
            return
        try:
            send((True, result))
        except (pickle.PicklingError, TypeError, AttributeError) as error:  # nothing was sent
            send((False, _portable(error)))
            return


def _portable(error: BaseException) -> BaseException:
    """The exception with the child's traceback as a note, or its text where it does not survive the journey."""
    trace = "".join(traceback.format_exception(error))
    error.add_note(trace)
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made on this line
    except Exception:  # noqa: BLE001 - a foreign exception's constructor may raise anything
        return RuntimeError(trace)
    return error
