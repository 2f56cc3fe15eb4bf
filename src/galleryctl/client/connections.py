"""One source giving one file, by several connections where it sends parts, until the file is whole or the source fails.

What a source sends is written where it belongs; whether it is right, only the digest of the whole can tell.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from galleryctl.client.errors import PullError
from galleryctl.client.parts import StoppedError
from galleryctl.client.spans import cut
from galleryctl.fetch.port import BrokenError, FetchError, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from galleryctl.client.origins import Body, Origin
    from galleryctl.client.parts import Part
    from galleryctl.client.sources import Address

PIECE = 2**26
"""Bytes of one request, where a source sends parts."""
_SAVED = 5.0  # seconds between two entries of the journal
_PARTING = 2.0  # seconds for a connection that was cut to notice it
_FASTER = 1.15  # times the speed before: less is no reason for one more connection
_AGAIN = 10.0  # seconds until one more is tried all the same
_WORTH = 2**16  # bytes of an attempt that was not in vain
_ENDLESS = 2**45


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a source is borne with."""

    step: float = 30.0
    """Seconds without a byte."""
    window: float = 60.0
    """Seconds over which the speed is measured."""
    slowest: int = 1024
    """Bytes a second; slower is not waited for."""
    seconds: float = 7 * 24 * 3600.0
    """For the whole of one file."""
    tries: int = 5
    """Attempts in a row that bring nothing."""
    pause: float = 0.5
    """Seconds before the second attempt; doubled each time."""
    ramp: float = 0.5
    """Seconds after which another connection is tried, if the last one made it faster."""


class Meter:
    """What came over the wire in one pull. Safe for threads."""

    def __init__(self, quota: int | None = None) -> None:
        self.quota = quota
        self.bytes = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """Raises `PullError` beyond the quota."""
        with self._lock:
            self.bytes += count
            over = self.quota is not None and self.bytes > self.quota
        if over:
            raise PullError(
                f"more than the quota of {self.quota:,} bytes would have to be fetched: a source sends more than it "
                "should, or the quota is too small; what came so far stays for the next pull"
            )


@dataclass(frozen=True, slots=True)
class Job:
    """What all sources of one file share."""

    path: str
    part: Part
    meter: Meter
    stop: threading.Event
    patience: Patience
    ranges: int
    piece: int
    end: float
    """`time.monotonic` at which the file has to be here."""


@dataclass(slots=True)
class Source:
    """One address of one file, and what was seen of it so far."""

    address: Address
    origin: Origin
    key: str
    validator: str = ""
    trusted: bool = True
    """Whether its validator means something; it does not where it is another one in each answer."""
    changes: int = 0
    last: bool = False
    """Whether it was put behind the others, since it sends no parts."""
    wrong: bool = False
    """Whether it gave other bytes than it should."""


class LaterError(Exception):
    """The source would have to start anew; another one might go on."""


@dataclass(slots=True)
class _Cursor:
    """How far one worker came with its piece."""

    at: int
    stop: int
    parts: bool = True
    tries: int = 0
    cut: Callable[[], None] | None = field(default=None)


class Ramp:
    """Whether one more connection is worth it: it is not where the last one brought nothing, as on a busy machine."""

    def __init__(self, every: float, counted: int = 0) -> None:
        self._every = every
        self._since = time.monotonic()
        self._bytes = counted
        self._best = 0.0

    def up(self, counted: int) -> bool:
        """`counted` are the bytes so far."""
        passed = time.monotonic() - self._since
        if passed < self._every:
            return False
        speed = (counted - self._bytes) / passed if passed else 0.0
        if self._every and speed < self._best * _FASTER and passed < _AGAIN:
            return False
        self._since, self._bytes, self._best = time.monotonic(), counted, speed
        return True


class Reading:
    """What is missing of a file, from one source. With `others`, another one could go on instead."""

    def __init__(self, job: Job, source: Source, *, others: bool) -> None:
        self._job = job
        self._part = job.part
        self._source = source
        self._others = others
        missing = self._part.missing()
        self._pieces = deque(missing if self._part.size is None else cut(missing, job.piece))
        self._halt = threading.Event()
        self._lock = threading.Lock()
        self._cursors: list[_Cursor] = []
        self._errors: list[BaseException] = []
        self._workers: list[threading.Thread] = []
        self._parts = False
        self._ramp = Ramp(job.patience.ramp, job.meter.bytes)

    def run(self) -> None:
        """Raises `FetchError` where the source fails, `LaterError`, `PullError`, `StoppedError`."""
        self._start()
        end = 0.0
        while alive := [worker for worker in self._workers if worker.is_alive()]:
            alive[0].join(0.05)
            if self._over():
                end = end or time.monotonic() + _PARTING
                self._cut()
                if time.monotonic() > end and self._job.stop.is_set():
                    break  # it waits for an answer, and will see that nobody wants it any more
            elif self._more() and self._ramp.up(self._job.meter.bytes):
                self._start()
            self._part.save(_SAVED)
        if self._job.stop.is_set():
            raise StoppedError
        for error in sorted(self._errors, key=lambda error: isinstance(error, FetchError)):
            raise error

    def _more(self) -> bool:
        """Whether another connection would have something to do."""
        return self._parts and bool(self._pieces) and len(self._workers) < self._job.ranges

    def _start(self) -> None:
        worker = threading.Thread(target=self._work, name="pull", daemon=True)
        self._workers.append(worker)
        worker.start()

    def _cut(self) -> None:
        with self._lock:
            for cursor in self._cursors:
                if cursor.cut:
                    cursor.cut()

    def _over(self) -> bool:
        return self._halt.is_set() or self._job.stop.is_set()

    def _work(self) -> None:
        try:
            while not self._over():
                with self._lock:
                    if not self._pieces:
                        return
                    cursor = _Cursor(*self._pieces.popleft())
                    self._cursors.append(cursor)
                self._bring(cursor)
                with self._lock:
                    self._cursors.remove(cursor)
        except BaseException as error:  # noqa: BLE001 - raised again by `run`
            if not self._over():
                self._errors.append(error)
            self._halt.set()

    def _bring(self, cursor: _Cursor) -> None:
        """One piece, asked for again from where it broke off."""
        patience = self._job.patience
        while cursor.at < cursor.stop and not self._over():
            before = cursor.at
            try:
                self._ask(cursor)
            except BrokenError as error:
                gained = cursor.parts and cursor.at - before >= _WORTH
                cursor.tries = 1 if gained else cursor.tries + 1
                if cursor.tries >= patience.tries:
                    raise FetchError(f"{error}, {cursor.tries} times in a row") from error
                self._halt.wait(patience.pause * 2 ** (cursor.tries - 1))

    def _ask(self, cursor: _Cursor) -> None:
        """One request."""
        size, patience = self._part.size, self._job.patience
        left = self._job.end - time.monotonic()
        if left <= 0:
            raise PullError(f"{self._job.path}: takes longer than {patience.seconds:,.0f} seconds")
        most = _ENDLESS if size is None else max(size, 1)
        limits = Limits(
            bytes=most, seconds=left, step=patience.step, attempts=2 if self._others else 4,
            same_host=self._source.address.own,  # it may lead inside this network, and then only to itself
        )  # fmt: skip
        stop = None if size is None else cursor.stop
        validator = self._source.validator if self._source.trusted else ""
        with self._source.origin.read(cursor.at, stop, validator, limits) as body:
            cursor.cut = body.cut
            try:
                self._agree(body, cursor)
                self._pour(body, cursor)
            finally:
                with self._lock:
                    cursor.cut = None

    def _agree(self, body: Body, cursor: _Cursor) -> None:
        """Whether an answer fits what is known of the file; then more connections help, or none does."""
        source, part = self._source, self._part
        if body.size is not None and part.size not in {None, body.size}:
            raise FetchError(
                f"{source.address.label}: is {body.size:,} bytes long there instead of {part.size:,}; "
                "that is another file"
            )
        if not body.parts and cursor.at > 0:
            self._anew()
        with self._lock:
            part.givers.add(source.key)
            if body.validator:
                source.validator = part.origins[source.key] = body.validator
            if body.size is not None and part.size is None:
                part.measured(body.size)
            if not body.parts:
                self._pieces.clear()
                cursor.at, cursor.stop, cursor.parts = 0, 2**62, False
            if part.size is not None:
                cursor.stop = min(cursor.stop, part.size)
            self._parts = body.parts

    def _anew(self) -> None:
        """A source that sends no parts begins at the start, if no other one can go on."""
        if self._others and not self._source.last:
            raise LaterError
        if len(self._workers) > 1:
            raise BrokenError(f"{self._source.address.label}: sends parts at one time, and none at another")
        self._part.reset()

    def _pour(self, body: Body, cursor: _Cursor) -> None:
        """Write a body where it belongs."""
        patience, label = self._job.patience, self._source.address.label
        since, counted = time.monotonic(), 0
        for chunk in body.chunks:
            if self._over():
                return
            if self._source.address.kind != "here":
                self._job.meter.add(len(chunk))
            if cursor.at + len(chunk) > cursor.stop:
                raise FetchError(f"{label}: sends more bytes than it should")
            self._part.write(cursor.at, chunk)
            cursor.at, counted = cursor.at + len(chunk), counted + len(chunk)
            now = time.monotonic()
            if now - since > patience.window:
                if counted < patience.slowest * patience.window:
                    raise FetchError(f"{label}: sends almost nothing, and is not waited for")
                since, counted = now, 0
        if self._part.size is None:
            self._part.measured(cursor.at)
            cursor.stop = cursor.at
        elif cursor.at < cursor.stop:
            raise BrokenError(f"{label}: ends in the middle, after {cursor.at:,} bytes")
