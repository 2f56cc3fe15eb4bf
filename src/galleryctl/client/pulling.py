"""Bring the files of a build here: verified, resumed, from the first source that gives them whole.

* Everything that can be refused is refused before a byte is fetched: names, links, digests, addresses, space, quota.
* Nothing has its name before all of it was hashed and is on the disk; what is not whole lies in a folder of its own.
* A file that is here already, with the right digest, is not fetched again.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from galleryctl.client.connections import PIECE, Job, Meter, Patience
from galleryctl.client.errors import PullError
from galleryctl.client.parts import Part, key, prune
from galleryctl.client.places import WORK, places, refuse_links, workplace
from galleryctl.client.results import Pulled
from galleryctl.client.sources import Address, Wanted
from galleryctl.client.transfer import Transfer
from galleryctl.client.verified import Verified, digest, look
from galleryctl.fetch.port import FetchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from galleryctl.fetch.port import Streamer

_TICK = 0.1  # seconds between two calls of the progress


class Progress(NamedTuple):
    """How far a pull came."""

    files: int
    """Files that are here."""
    of: int
    bytes: int
    """Of all files, with what was here before."""
    total: int | None
    """None where a size is not known."""
    fetched: int
    """Bytes that came over the wire."""
    path: str
    """A file on its way; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a pull may take."""

    ranges: int = 4
    """Connections at the same time."""
    quota: int | None = None
    """Bytes over the wire."""
    margin: int = 64 * 2**20
    """Bytes of the disk that are left to others."""
    piece: int = PIECE
    """Bytes of one request, where a source sends parts."""
    patience: Patience = field(default_factory=Patience)


class Options(TypedDict, total=False):
    """What a pull may be told beside its files; see `pull`."""

    allow_unverified: bool
    verify: bool
    bounds: Bounds | None
    progress: Callable[[Progress], None] | None
    told: Callable[[str], None] | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pull would do."""

    folder: Path
    wanted: tuple[Wanted, ...]
    """What has to be fetched, with the addresses that may be asked."""
    here: tuple[Wanted, ...]
    """What is here already, verified."""
    places: Mapping[str, Path]
    """Every file, by its name below the folder."""
    warnings: tuple[str, ...] = ()

    @property
    def total(self) -> int | None:
        """Bytes of all files; none where a size is not known."""
        sizes = [each.size for each in (*self.wanted, *self.here)]
        return None if None in sizes else sum(size or 0 for size in sizes)


def free(folder: Path) -> int:
    """Bytes that may be written on the disk of a folder."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def plan(
    files: Sequence[Wanted],
    into: Path,
    *,
    fetcher: Streamer,
    own: Streamer | None = None,
    allow_unverified: bool = False,
    verify: bool = False,
) -> Plan:
    """What a pull of these files would fetch, and what is here. Nobody is asked, nothing written. See `pull`."""
    into = into.resolve()
    put = places([each.name for each in files], into)
    unknown = [each.path for each in files if each.sha256 is None]
    if unknown and not allow_unverified:
        more = f" and {len(unknown) - 1} more have" if len(unknown) > 1 else " has"
        raise PullError(
            f"{unknown[0]!r}{more} no recorded SHA-256, so nobody could tell whether what comes is right. The "
            "publisher pins digests with `galleryctl release`; --allow-unverified takes files as they come"
        )
    warnings = [f"{path}: no digest is recorded, so nobody can verify it" for path in unknown]
    journal = Verified(into / WORK)
    here = tuple(each for each in files if _stands(each, put[each.name], journal, verify=verify))
    permitted = tuple(_permitted(each, fetcher, own, warnings) for each in files if each not in here)
    return Plan(into, permitted, here, put, tuple(dict.fromkeys(warnings)))


def pull(  # noqa: PLR0913 - each is a choice of the operator's
    files: Sequence[Wanted],
    into: Path,
    *,
    fetcher: Streamer,
    own: Streamer | None = None,
    allow_unverified: bool = False,
    verify: bool = False,
    bounds: Bounds | None = None,
    progress: Callable[[Progress], None] | None = None,
    told: Callable[[str], None] | None = None,
) -> Pulled:
    """Bring files into a folder, verified.

    Args:
        files: What is wanted, as `sources.wanted` says it of a build.
        into: Folder of the files; made where it is missing.
        fetcher: Asks the addresses of definitions.
        own: Asks the addresses that the operator named, perhaps inside this network.
        allow_unverified: Also take files without a recorded digest.
        verify: Read again what is here, even where its size and time say that it is what was verified.
        bounds: How much it may take.
        progress: Called ten times a second, in this thread.
        told: Called with each sentence that people should read, from any thread.

    Returns:
        The files by their path inside the source.

    Raises:
        PullError: A file cannot be brought here whole: the text says why, for each source. What came stays in a folder
            beside, and the next pull goes on from it.
        KeyboardInterrupt: Likewise resumable.

    """
    found = plan(files, into, fetcher=fetcher, own=own, allow_unverified=allow_unverified, verify=verify)
    return _Pull(found, bounds or Bounds(), fetcher, own, told or (lambda _: None)).run(progress or (lambda _: None))


class _Pull:
    """One run over a plan."""

    def __init__(
        self, found: Plan, bounds: Bounds, fetcher: Streamer, own: Streamer | None, told: Callable[[str], None]
    ) -> None:
        self._plan = found
        self._bounds = bounds
        self._fetcher = fetcher
        self._own = own or fetcher
        self._told = told
        self._warnings = list(found.warnings)
        self._work = workplace(found.folder)
        self._verified = Verified(self._work)
        self._meter = Meter(bounds.quota)
        self._stop = threading.Event()
        self._unwell: set[str] = set()
        self._parts: dict[str, Part] = {}
        self._lock = threading.Lock()
        self._done: dict[str, int] = {each.name: _length(found.places[each.name]) for each in found.here}
        self._reused = sum(self._done.values())
        for each in found.here:  # the first pull into a folder had no journal to write this into
            status = look(found.places[each.name])
            if status and each.sha256 and not self._verified.holds(each.name, status, each.sha256):
                self._verified.add(each.name, status, each.sha256)

    def run(self, progress: Callable[[Progress], None]) -> Pulled:
        self._room()
        for sentence in self._warnings:
            self._told(sentence)
        first = {each.sha256 or each.name: each for each in reversed(self._plan.wanted)}
        twins = [each for each in self._plan.wanted if first[each.sha256 or each.name] is not each]
        large = [each for each in first.values() if (each.size or 0) >= 2 * self._bounds.piece]
        small = [each for each in first.values() if each not in large]
        pool = ThreadPoolExecutor(self._bounds.ranges, thread_name_prefix="file")
        try:
            self._await([pool.submit(self._one, each, 1) for each in small], progress)
            for each in (*large, *twins):
                self._await([pool.submit(self._one, each, self._bounds.ranges)], progress)
        finally:
            self._stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
        progress(self._progress())
        prune(self._work, time.time())
        plan = self._plan
        files = {each.path: plan.places[each.name] for each in (*plan.here, *plan.wanted)}
        return Pulled(plan.folder, files, self._meter.bytes, self._reused, tuple(self._warnings))

    def _room(self) -> None:
        """Raise `PullError` unless what is missing fits the quota and the disk."""
        missing = 0
        for each in {each.sha256 or each.name: each for each in self._plan.wanted}.values():
            missing += max(0, (each.size or 0) - self._part(each).peek())
        quota = self._bounds.quota
        if quota is not None and missing > quota:
            raise PullError(f"{missing:,} bytes would have to be fetched, more than the quota of {quota:,}")
        there = free(self._plan.folder)
        if missing and missing + self._bounds.margin > there:
            raise PullError(
                f"{self._plan.folder}: {missing:,} bytes are missing, and only {there:,} are free there "
                f"({self._bounds.margin:,} of them are left to others)"
            )

    def _part(self, wanted: Wanted) -> Part:
        urls = [each.url for each in wanted.addresses]
        return Part(self._work, key(wanted.sha256, [wanted.name, wanted.size, urls]), wanted.size, self._stop)

    def _await(self, futures: Iterable[Future[None]], progress: Callable[[Progress], None]) -> None:
        """Until all are done; the first failure ends the rest, as an interrupt does."""
        left = set(futures)
        while left:
            done, left = wait(left, _TICK, FIRST_COMPLETED)
            progress(self._progress())
            for future in done:
                future.result()

    def _progress(self) -> Progress:
        with self._lock:
            done = dict(self._done)
            parts = {name: part for name, part in self._parts.items() if name not in done}
        return Progress(
            len(done), len(self._plan.places), sum(done.values()) + sum(part.have for part in parts.values()),
            self._plan.total, self._meter.bytes, next(iter(parts), ""),
        )  # fmt: skip

    def _one(self, wanted: Wanted, ranges: int) -> None:
        """One file, from its lock to its name."""
        place, part = self._plan.places[wanted.name], self._part(wanted)
        before = look(place)

        def ready() -> bool:
            now = look(place)
            same = before is not None and now is not None and before.st_mtime_ns == now.st_mtime_ns
            return now is not None and not same and _stands(wanted, place, Verified(self._work))

        waiting = f"{wanted.path}: another process is fetching it; waiting for that"
        if not part.acquire(ready, lambda: self._told(waiting)):
            with self._lock:
                self._done[wanted.name] = _length(place)
                self._reused += self._done[wanted.name]
            return
        try:
            with self._lock:
                self._parts[wanted.name] = part
                self._reused += part.have
            self._transfer(wanted, part, ranges)
            refuse_links(place, self._plan.folder)
            status = part.finish(place)
            if wanted.sha256:
                self._verified.add(wanted.name, status, wanted.sha256)
            with self._lock:
                self._done[wanted.name] = status.st_size
        finally:
            part.save()
            part.close()

    def _transfer(self, wanted: Wanted, part: Part, ranges: int) -> None:
        bounds = self._bounds
        job = Job(
            wanted.path, part, self._meter, self._stop, bounds.patience, ranges, bounds.piece,
            time.monotonic() + bounds.patience.seconds,
        )  # fmt: skip
        addresses = [*self._twins(wanted), *sorted(wanted.addresses, key=lambda each: each.host in self._unwell)]
        transfer = Transfer(replace(wanted, addresses=tuple(addresses)), job, self._asking, self._tell)
        try:
            transfer.run()
        finally:
            with self._lock:
                self._unwell |= transfer.unwell

    def _twins(self, wanted: Wanted) -> Iterator[Address]:
        """The same file under another name, which came before."""
        for each in (*self._plan.here, *self._plan.wanted):
            if wanted.sha256 and each.sha256 == wanted.sha256 and each.name in self._done:
                yield Address(self._plan.places[each.name].as_uri(), "here", own=True)
                return

    def _asking(self, address: Address) -> Streamer:
        return self._own if address.own else self._fetcher

    def _tell(self, sentence: str) -> None:
        self._warnings.append(sentence)
        self._told(sentence)


def _stands(wanted: Wanted, place: Path, journal: Verified, *, verify: bool = False) -> bool:
    """Whether a file is at its place, with the digest it should have."""
    status = look(place)
    if status is None or wanted.sha256 is None or wanted.size not in {None, status.st_size}:
        return False
    if not verify and journal.holds(wanted.name, status, wanted.sha256):
        return True
    if digest(place) != wanted.sha256:
        return False
    now = look(place)
    if now is not None and now.st_mtime_ns == status.st_mtime_ns:
        journal.add(wanted.name, status, wanted.sha256)
    return True


def _permitted(wanted: Wanted, fetcher: Streamer, own: Streamer | None, warnings: list[str]) -> Wanted:
    """A file with those of its addresses that may be asked. Raises `PullError` where none is left."""
    left, refused = [], []
    for address in wanted.addresses:
        try:
            if address.url.startswith("http"):
                (own if own and address.own else fetcher).permit(address.url)
        except FetchError as error:
            refused.append((address, str(error).removeprefix(f"{address.url}: ")))
        else:
            left.append(address)
    if not left:
        why = "\n  ".join(f"{each.label}: {why}" for each, why in refused) or wanted.missing or "it has no address"
        raise PullError(f"{wanted.path}: cannot be fetched: {why}")
    warnings += [f"{wanted.path}: not asked: {each.label}: {why}" for each, why in refused]
    return replace(
        wanted, addresses=tuple(left), missing="\n  ".join(f"not asked: {each.title}: {why}" for each, why in refused)
    )


def _length(place: Path) -> int:
    found = look(place)
    return found.st_size if found else 0
