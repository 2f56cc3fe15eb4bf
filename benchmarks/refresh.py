"""Measure what staying up to date costs a runtime: bytes, requests and processor time after 1, 7 and 30 days.

    python -m benchmarks.refresh [--models 1700] [--days 80] [--many 10000] [--keep DIR]

A gallery of one type is published and signed once a day, as a real catalogue changes: five entries a day in the
median, some days many more, most of them new. Clients that stopped at different days synchronise with the last one
over http from a host that compresses, and every byte of an answer counts, its head included. The yardstick is the full
document of the type, compressed by the same host.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import math
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import generate
from benchmarks.__main__ import HERE
from galleryctl import audience, canonical, git, index, layout, output, schemas
from galleryctl.building import earlier
from galleryctl.client import Gallery
from galleryctl.gallery import Entry
from galleryctl.gallery import Gallery as Entries
from galleryctl.signing import developing, online, publication
from galleryctl.signing.trust import Trust
from galleryctl.spec import Definition, Model, Provenance, Release, Roles, Settings, Taxonomy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.generate import Made
    from galleryctl.audience import View

TYPE = "llm"
AFTER = {1: 0.01, 7: 0.04, 30: 0.20}
"""Days without a refresh, and the most it may cost then: a part of the full document, compressed."""
MEDIAN = 5
"""Entries that change on a day, in the median and on the last day."""
_WHO = "curator"


class Wire(NamedTuple):
    """What a synchronisation cost."""

    requests: int
    bytes: int
    cpu: float
    wall: float


class History:
    """A gallery over some days; the last one is today, for clients judge by their clock."""

    def __init__(self, folder: Path, models: int, days: int) -> None:
        self.site, self.keys = folder / "site", folder / "keys"
        self._source = random.Random(11)  # noqa: S311 - made-up facts
        self._spare = [made for made in generate.models(3 * models + 50 * days) if made.type == TYPE]
        self._days = days
        self._start = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(days=days)
        self._made = {made.id: made for made in self._take(models)}
        self._entries = {made.id: _entry(made, self._start, self._start) for made in self._made.values()}
        developing.create(self.keys, self._start)
        self.changed: list[int] = []
        self.now = self._start
        self.day = 0

    @property
    def ids(self) -> list[str]:
        return list(self._made)

    def _take(self, count: int) -> list[Made]:
        taken, self._spare = self._spare[:count], self._spare[count:]
        return taken

    def publish(self) -> None:
        """One day: some entries change, most of them new ones; the index is built and signed."""
        self.now = now = self._start + dt.timedelta(days=self.day)
        if self.day:
            drawn = round(self._source.lognormvariate(math.log(MEDIAN), 1.5))
            count = MEDIAN if self.day == self._days else max(1, min(150, drawn))
            self.changed.append(count)
            new = round(count * 0.6)
            for made in self._take(new):
                self._made[made.id] = made
                self._entries[made.id] = _entry(made, now, now)
            for identifier in self._source.sample(sorted(self._made), count - new):
                made = self._made[identifier]
                self._entries[identifier] = _entry(made, self._start, now, summary=f"Changed on day {self.day}.")
        view = _view(self._entries.values(), now)
        own = earlier.built(self.site) if self.day else None
        with earlier.opened(own, None, None) as past:
            output.write(self.site, index.outputs(view, schemas={}, earlier=past))
        trust = Trust.read(self.keys / "trust")
        publication.sign(self.site, trust, online.from_folder(self.keys, trust), now=now)
        self.day += 1


def _entry(made: Made, added: dt.datetime, updated: dt.datetime, **changed: str) -> Entry:
    """With its newest release alone, as the catalogues of runtimes have it."""
    version = max(made.releases)
    definition = Definition(
        model=Model.model_validate(made.model | changed),
        releases={version: Release.model_validate(_small(made.releases[version]))},
    )
    provenance = Provenance(added=added, by=_WHO, updated=updated, commit="0" * 40)
    return Entry.of(made.id, TYPE, definition, provenance=provenance)


def _small(release: dict[str, object]) -> dict[str, object]:
    """One variant: an entry of a real catalogue is about 1.4 KB."""
    variants = release["variants"]
    assert isinstance(variants, list)  # noqa: S101 - the generator's own
    return release | {"variants": variants[:1]}


def _view(entries: object, now: dt.datetime) -> View:
    return audience.project(
        Entries.of(entries),  # type: ignore[arg-type]  # entries
        settings=Settings(title="Benchmark"),
        roles=Roles(),
        taxonomy=Taxonomy(),
        types={TYPE: schemas.types(git.working(HERE.parent))[TYPE]},
        publishers={},
        consumers={},
        tombstones={},
        now=now,
    )


@contextmanager
def compressing(site: Path) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """A plain host that compresses JSON and knows validators; its address, and the bytes of every answer."""
    sent: list[tuple[str, int]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            path = site / self.path.partition("?")[0].lstrip("/")
            data = path.read_bytes() if path.is_file() else None
            tag = f'"{canonical.digest(data)[:16]}"' if data is not None else ""
            fresh = data is not None and self.headers.get("if-none-match") == tag
            body = b"" if data is None or fresh else gzip.compress(data, 6)
            head = [f"HTTP/1.1 {404 if data is None else 304 if fresh else 200} -"]
            head += [f"ETag: {tag}"] if tag else []
            head += ["Content-Encoding: gzip"] if body else []
            head += [f"Content-Length: {len(body)}", "Content-Type: application/json", "", ""]
            raw = "\r\n".join(head).encode() + (b"" if self.command == "HEAD" else body)
            sent.append((f"{self.command} {self.path}", len(raw)))
            self.wfile.write(raw)

        do_GET = do_HEAD = answer  # noqa: N815 - the names the standard library calls

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", sent
    finally:
        server.shutdown()
        server.server_close()


class Client:
    """What one runtime has, and what it pays to stay up to date."""

    def __init__(self, url: str, root: Path, cache: Path, sent: list[tuple[str, int]]) -> None:
        self._gallery = Gallery(url, root=root, cache=cache, now=lambda: self.now)
        self._sent = sent
        self.now = dt.datetime.now(dt.UTC)

    def sync(self, now: dt.datetime) -> Wire:
        self.now = now
        before = len(self._sent)
        start, cpu = time.perf_counter(), time.thread_time()
        self._gallery.sync([TYPE])
        cpu, wall = time.thread_time() - cpu, time.perf_counter() - start
        answers = self._sent[before:]
        return Wire(len(answers), sum(size for _, size in answers), cpu, wall)

    def resolving(self, references: list[str]) -> list[float]:
        """Seconds for each reference."""
        found = []
        for reference in references:
            start = time.perf_counter()
            self._gallery.resolve(reference, memory=24 * 2**30)
            found.append(time.perf_counter() - start)
        return found


def _days(folder: Path, models: int, days: int) -> None:
    past = History(folder, models, days)
    root = past.keys / "trust" / "1.root.json"
    with compressing(past.site) as (url, sent):
        clients = {after: Client(url, root, folder / f"cache-{after}", sent) for after in (*AFTER, 0)}
        for day in range(days + 1):
            past.publish()
            for after, client in clients.items():
                if day == days - after:
                    first = client.sync(past.now)
        full = len(gzip.compress((past.site / layout.type_document(TYPE)).read_bytes(), 6))
        print(f"{models} models, {days} days, {sum(past.changed)} changes, {statistics.median(past.changed):g} a day")
        print(f"full document {full:,} bytes compressed; first synchronisation {first.bytes:,} in {first.requests}")
        clients[0].sync(past.now)  # what a process imports on use is no part of what follows
        print("| days | changes | requests | bytes | of the full document | bound | processors | clock |")
        print("|---|---|---|---|---|---|---|---|")
        for after, client in sorted(clients.items()):
            wire = client.sync(past.now)
            bound = f"{AFTER[after]:.0%}" if after else "1 KB"
            changes = sum(past.changed[-after:]) if after else 0
            cost = f"{wire.requests} | {wire.bytes:,} | {wire.bytes / full:.2%} | {bound}"
            print(f"| {after} | {changes} | {cost} | {1000 * wire.cpu:.0f} ms | {1000 * wire.wall:.0f} ms |")


def _resolving(folder: Path, models: int) -> None:
    past = History(folder, models, 0)
    past.publish()
    with compressing(past.site) as (url, sent):
        client = Client(url, past.keys / "trust" / "1.root.json", folder / "cache", sent)
        first = client.sync(past.now)
        again = Client(url, past.keys / "trust" / "1.root.json", folder / "cache", sent)
        chosen = random.Random(3).sample(sorted(past.ids), min(models, 400))  # noqa: S311 - which ones does not matter
        again.resolving(chosen[:1])
        times = again.resolving(chosen[1:])
    slowest = statistics.quantiles(times, n=20)[-1]
    print(f"{models} models: first synchronisation {first.wall:.1f} s, {first.bytes:,} bytes; resolve", end=" ")
    print(f"{1000 * statistics.median(times):.2f} ms in the median, {1000 * slowest:.2f} ms at 95 %; bound 5 ms")


def _importing() -> None:
    def seconds(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - start

    plain, ours = ([seconds(code) for _ in range(15)] for code in ("pass", "import galleryctl.client"))
    taken = 1000 * (statistics.median(ours) - statistics.median(plain))
    print(f"import galleryctl.client: {taken:.0f} ms beside an empty Python; bound 120 ms")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=1700)
    parser.add_argument("--days", type=int, default=80)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--keep", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = wanted.keep or Path(temporary)
        _days(folder, wanted.models, wanted.days)
        _resolving(folder / "many", wanted.many)
    _importing()


if __name__ == "__main__":
    main()
