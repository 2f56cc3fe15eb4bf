"""A client that is killed, shared, and served by hosts that fail: its state is the whole old or the whole new one."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import threading
import time
import traceback
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import worlds
from galleryctl.client import Gallery, OfflineError, VerificationError
from galleryctl.fetch import Http, Limits
from servers import Answer, Asked
from worlds import QUICK, Clock, World, listing, titles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from galleryctl.fetch import Response

world, served, gallery = worlds.world, worlds.served, worlds.gallery

KILLED = 77


def everything(reader: Gallery) -> tuple[object, ...]:
    """All that a runtime sees."""
    state = reader.state()
    natives = reader.native("xinference")
    return state.serial, state.built, state.types, tuple(map(str, reader.models())), tuple(natives.items())


class Counting(sqlite3.Connection):
    """Ends the process before its `left`-th statement."""

    left = 0

    def __init__(self, *given: Any, **named: Any) -> None:  # noqa: ANN401 - those of the library
        super().__init__(*given, **named)
        self.set_trace_callback(self._one)

    @classmethod
    def _one(cls, _: str) -> None:
        if cls.left == 0:
            os._exit(KILLED)
        cls.left -= 1


class Dying(Http):
    """Ends the process before or after its `left`-th answer."""

    def __init__(self, left: int, *, after: bool) -> None:
        super().__init__(allow_private=True)
        self._left = left
        self._after = after

    def _counted(self, ask: Callable[[], Response]) -> Response:
        self._left -= 1
        if self._left < 0 and not self._after:
            os._exit(KILLED)
        answer = ask()
        if self._left < 0:
            os._exit(KILLED)
        return answer

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None) -> Response:
        return self._counted(lambda: super(Dying, self).get(url, headers=headers, limits=limits))

    def head(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        follow: bool = True,
        limits: Limits | None = None,
    ) -> Response:
        return self._counted(lambda: super(Dying, self).head(url, headers=headers, follow=follow, limits=limits))


def child(work: Callable[[], None]) -> int:
    """Exit code of a forked process: everything is imported there already."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - a child that goes on would run the tests after this one
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def change(world: World) -> None:
    world.models["llm"]["acme/one"] = listing("Uno", "2.0.0")
    del world.models["llm"]["acme/two"]
    world.models["image"] |= {f"acme/i{number}": listing("I") for number in range(5)}
    world.revoked = [{"id": "acme/old", "releases": ["1.0.0"]}]
    world.natives["xinference"]["llm.json"] = b"[2]"
    world.publish()


class TestKilled:
    @pytest.fixture
    def before(self, world: World) -> World:
        world.natives = {"xinference": {"llm.json": b"[1]", "image.json": b"[1]"}}
        return world.publish()

    def _story(
        self,
        gallery: Callable[..., Gallery],
        world: World,
        tmp_path: Path,
        doomed: Callable[[Path, int], Callable[[], None]],
    ) -> int:
        """Kill a synchronisation at every point; how many there are."""
        reader = gallery(cache=tmp_path / "start")
        reader.sync(natives="xinference")
        old = everything(reader)
        (start,) = (tmp_path / "start").glob("*.sqlite")
        image = start.read_bytes()
        change(world)
        fresh = gallery(cache=tmp_path / "fresh")
        fresh.sync(natives="xinference")
        new = everything(fresh)
        assert old != new
        seen = []
        for point in range(2000):
            folder = tmp_path / f"at{point}"
            folder.mkdir()
            (folder / start.name).write_bytes(image)
            code = child(doomed(folder, point))
            assert code in {0, KILLED}
            after = gallery(cache=folder)
            found = everything(after)
            assert found in (old, new)
            seen.append(found == new)
            if point % 7 == 0:
                assert after.sync().warnings == ()
                assert everything(after) == new
            if code == 0:
                assert found == new
                assert seen == sorted(seen)  # once it is there it stays
                return point
        raise AssertionError("it never came to an end")

    @pytest.mark.usefixtures("before")
    def test_at_every_statement(self, gallery: Callable[..., Gallery], world: World, tmp_path: Path) -> None:
        connect = sqlite3.connect

        def doomed(folder: Path, point: int) -> Callable[[], None]:
            def work() -> None:
                Counting.left = point
                sqlite3.connect = lambda *given, **named: connect(*given, **named, factory=Counting)  # type: ignore[assignment]
                gallery(cache=folder).sync()

            return work

        assert self._story(gallery, world, tmp_path, doomed) > 40

    @pytest.mark.usefixtures("before")
    @pytest.mark.parametrize("after", [False, True])
    def test_at_every_answer(self, gallery: Callable[..., Gallery], world: World, tmp_path: Path, after: bool) -> None:
        def doomed(folder: Path, point: int) -> Callable[[], None]:
            return lambda: (gallery(cache=folder, fetcher=Dying(point, after=after)).sync(), None)[1]

        assert self._story(gallery, world, tmp_path, doomed) == 10

    @pytest.mark.usefixtures("before")
    def test_at_any_moment(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync(natives="xinference")
        chance = random.Random(5)  # noqa: S311 - chance that comes again
        for _ in range(30):
            old = everything(reader)
            world.models["llm"]["acme/one"]["title"] = f"T{chance.random()}"
            world.publish()
            pid = os.fork()
            if pid == 0:
                try:
                    gallery().sync()
                finally:
                    os._exit(0)
            time.sleep(chance.random() * 0.05)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            found = everything(gallery())
            assert found == old or found[0] == world.serial
            assert reader.sync().warnings == ()
            assert everything(reader)[0] == world.serial

    def test_the_first_synchronisation(self, gallery: Callable[..., Gallery], tmp_path: Path) -> None:
        def doomed(folder: Path, point: int) -> Callable[[], None]:
            return lambda: (gallery(cache=folder, fetcher=Dying(point, after=True)).sync(), None)[1]

        for point in range(200):
            folder = tmp_path / f"at{point}"
            code = child(doomed(folder, point))
            reader = gallery(cache=folder)
            if code == 0:
                break
            with pytest.raises(OfflineError):
                reader.state()
            assert reader.sync().serial == 1
        assert point == 10


def hammer(url: str, root: bytes, cache: Path, seed: int, found: Any) -> None:  # noqa: ANN401 - a queue
    try:
        chance = random.Random(seed)  # noqa: S311 - chance that comes again
        highest = 0
        for _ in range(8):
            reader = Gallery(url, root=root, cache=cache, now=Clock(), limits=Limits(seconds=20, attempts=1))
            synced = reader.sync(chance.choice([None, ["llm"], ["image"]]))
            assert not synced.stale, synced.stale
            models = titles(reader, "llm")
            assert synced.serial >= highest
            highest = synced.serial
            if "llm" in reader.state().types:
                assert len(set(models.values())) <= 1, models  # all models of a serial have its title
        found.put("")
    except BaseException:  # noqa: BLE001 - told by the parent
        found.put(traceback.format_exc())


def test_processes_share_a_cache(tmp_path: Path) -> None:
    world = World()
    names = [f"acme/m{number}" for number in range(20)]

    def publish() -> None:
        title = f"At {world.serial + 1}"
        world.publish(llm={name: listing(title) for name in names}, image={"acme/paint": listing(title)})

    publish()
    fork = multiprocessing.get_context("fork")
    found = fork.SimpleQueue()
    with world.serving() as host:
        processes = [
            fork.Process(target=hammer, args=(host.url, world.root, tmp_path, seed, found)) for seed in range(4)
        ]
        for process in processes:
            process.start()
        while any(process.is_alive() for process in processes):
            publish()
            time.sleep(0.3)
        assert [found.get() for _ in processes] == [""] * 4


class Chaos:
    """A host that drops, delays, truncates and fails at random, while the gallery changes."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - chance that comes again
        self.calm = False
        self.lock = threading.Lock()

    def __call__(self, _: Asked, answer: Answer) -> Answer:
        with self.lock:
            dice, cut = self.chance.random(), self.chance.random()
        if self.calm or dice < 0.8:
            return answer
        if dice < 0.84:
            raise ConnectionResetError
        if dice < 0.87:
            time.sleep(0.02)
            return answer
        if dice < 0.94 and isinstance(answer.body, bytes):
            part = answer.body[: int(len(answer.body) * cut)]
            whole = {**answer.headers, "Content-Length": str(len(answer.body))}
            return Answer(answer.status, lambda: iter([part]), whole)
        if dice < 0.96 and isinstance(answer.body, bytes):
            return Answer(answer.status, answer.body[: int(len(answer.body) * cut)], answer.headers)
        return Answer(500 + int(cut * 5))


def synchronised(reader: Gallery, counts: Counter[str]) -> int | None:
    """The serial that is at hand after one attempt, whatever became of it: nothing else is raised."""
    try:
        counts["stale" if reader.sync(["llm"]).stale else "fresh"] += 1
    except OfflineError:
        counts["offline"] += 1
    except VerificationError:  # a truncated document whose host says that this is all
        counts["refused"] += 1
    try:
        return reader.state().serial
    except OfflineError:
        return None


def test_a_thousand_synchronisations_against_a_host_that_fails(tmp_path: Path) -> None:
    chance = random.Random(11)  # noqa: S311 - chance that comes again
    world, chaos = World(), Chaos(12)
    world.publish()
    truth: dict[int, dict[str, str]] = {}

    def publish() -> None:
        rows = world.models["llm"]
        name = f"acme/m{chance.randrange(12)}"
        if name in rows and chance.random() < 0.4:
            del rows[name]
        else:
            rows[name] = listing(f"T{chance.random()}")
        world.publish()
        for path in [path for path in world.files if path.startswith(("v1/models", "v1/directory"))]:
            del world.files[path]  # nothing here asks for them
        truth[world.serial] = {each: row["title"] for each, row in rows.items()}

    counts = Counter[str]()
    with world.serving() as host:
        fetcher = Http(allow_private=True)
        reader = Gallery(host.url, root=world.root, cache=tmp_path, now=Clock(), limits=QUICK, fetcher=fetcher)
        world.bend = chaos
        for number in range(1000):
            if number % 5 == 0:
                publish()
            if number % 200 == 199:
                (file,) = tmp_path.glob("*.sqlite")
                file.write_bytes(b"broken" * 100)
            before = counts["fresh"]
            serial = synchronised(reader, counts)
            if serial is not None:
                assert titles(reader) == truth[serial]
            assert counts["fresh"] == before or serial == world.serial
        chaos.calm = True
        assert reader.sync(["llm"]).serial == world.serial
    assert titles(reader) == truth[world.serial]
    assert min(counts["fresh"], counts["stale"], 20 * counts["refused"]) > 100, counts
