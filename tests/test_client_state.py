"""What a synchronised gallery gives: files of runtimes, documents, schemas to come, threads, a quick start."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
import rfc8785

import worlds
from galleryctl.client import (
    ClientError,
    Gallery,
    OfflineError,
    RefusedError,
    SchemaError,
    Synced,
    UnknownError,
    VerificationError,
    locking,
)
from galleryctl.client import gallery as facade
from galleryctl.fetch import Http, Limits
from servers import Answer
from worlds import START, World, asked, listing, sha, titles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers import Served

world, served, gallery = worlds.world, worlds.served, worlds.gallery


class TestNatives:
    def test_on_request_and_in_step_from_then_on(
        self, gallery: Callable[..., Gallery], world: World, served: Served
    ) -> None:
        world.natives = {"xinference": {"llm.json": b"[1]", "image.json": b"[2]"}, "localai": {"index.yaml": b"- a\n"}}
        world.publish()
        reader = gallery()
        reader.sync(["llm"])
        with pytest.raises(UnknownError, match=r"sync\(natives='xinference'\)"):
            reader.native("xinference")
        asked(served)
        assert reader.sync(natives="xinference").changed
        assert reader.native("xinference") == {"llm.json": b"[1]", "image.json": b"[2]"}
        assert not any("localai" in path for path in asked(served))
        world.natives["xinference"]["llm.json"] = b"[3]"
        world.publish()
        reader.sync()
        assert reader.native("xinference") == {"llm.json": b"[3]", "image.json": b"[2]"}
        assert [path for path in asked(served) if path.startswith("runtimes/")] == [
            f"runtimes/xinference/llm/{sha(b'[3]')}.json"
        ]

    def test_a_runtime_that_went_and_came_back(self, gallery: Callable[..., Gallery], world: World) -> None:
        world.natives = {"xinference": {"llm.json": b"[1]"}, "localai": {"index.yaml": b"- a\n"}}
        world.publish()
        reader = gallery()
        reader.sync([], natives="xinference")
        gone = world.natives.pop("xinference")
        world.publish()
        reader.sync()
        with pytest.raises(UnknownError):
            reader.native("xinference")
        world.natives["xinference"] = gone
        world.publish()
        reader.sync()
        assert reader.native("xinference") == {"llm.json": b"[1]"}

    def test_a_runtime_that_there_is_not(self, gallery: Callable[..., Gallery], world: World) -> None:
        assert gallery().sync(natives="vllm").warnings == (
            "the gallery publishes no files for vllm, which `runtimes` of its gallery.yaml do not name",
        )
        world.natives = {"localai": {"index.yaml": b"- a\n"}}
        world.publish()
        synced = gallery().sync(natives="vllm")
        said = "the gallery publishes no files for vllm, which `runtimes` of its gallery.yaml do not name"
        assert synced.warnings == synced.lacking == (f"{said}; it does for: localai",)
        assert not gallery().sync(natives="vllm").changed

    @pytest.mark.parametrize("path", ["../../x.json", "/etc/x.json", "a//b.json", "a/./b.json", "a\\b.json", "", ".."])
    def test_paths_that_climb(self, gallery: Callable[..., Gallery], world: World, path: str) -> None:
        world.natives = {"xinference": {"llm.json": b"[1]"}}
        world.publish()
        listed = rfc8785.dumps({"schema": "1.0", "runtimes": {"xinference": {path: {"sha256": "0" * 64, "length": 1}}}})
        world.files[f"v1/runtimes/{sha(listed)}.json"] = listed
        world.catalog["runtimes"] = {"since": 2, "sha256": sha(listed), "length": len(listed)}
        world.put_head(rfc8785.dumps(world.catalog))
        with pytest.raises(VerificationError, match="leads nowhere"):
            gallery().sync(natives="xinference")


class TestDocuments:
    def test_the_directory_comes_when_somebody_asks(
        self, gallery: Callable[..., Gallery], world: World, served: Served
    ) -> None:
        reader = gallery()
        reader.sync(["llm"])
        asked(served)
        assert reader.resolve("acme/one").id == "acme/one"
        assert asked(served) == []
        assert reader.resolve("acme/paint-old@1.0.0").id == "acme/paint"
        assert [path.split("/")[1] for path in asked(served)] == ["directory", "models"]
        reader.resolve("acme/paint@1.0.0")
        assert asked(served) == []
        world.models["image"]["acme/paint"]["title"] = "Paints"
        world.publish()
        reader.sync()
        assert any(path.startswith("v1/directory/") for path in asked(served))
        assert reader.resolve("acme/paint@1.0.0").id == "acme/paint"
        assert len(asked(served)) == 1  # its document has changed

    def test_a_document_that_cannot_be_had(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync(["llm"])
        for name in [name for name in world.files if name.startswith(("v1/models/", "v1/directory/"))]:
            del world.files[name]
        with pytest.raises(OfflineError, match="what is at hand goes on working"):
            reader.resolve("acme/paint")

    def test_outdated(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        pin = locking.of("acme/one", reader.resolve("acme/one"), START.date())
        lock = locking.Lock(reader.url, {"acme/one": pin})
        assert [each.status for each in reader.outdated(lock)] == ["current"]
        assert reader.resolve("acme/one", lock=lock).pinned
        world.models["llm"]["acme/one"] = listing("One", "1.1.0")
        world.publish()
        reader.sync()
        assert [each.status for each in reader.outdated(lock)] != ["current"]


class TestSchemas:
    def test_a_later_minor_is_read(self, gallery: Callable[..., Gallery], world: World) -> None:
        world.head = {"schema": "1.9", "colour": {"deep": [1, 2]}, "reader": "1.0"}
        world.document = {"schema": "1.9", "shape": "round"}
        world.models["llm"]["acme/one"] |= {"mood": "good", "releases": {"1.0.0": {"aura": 3, "spec": {"x": 1}}}}
        world.publish()
        reader = gallery()
        assert reader.sync().serial == 2
        assert len(titles(reader)) == 3
        world.models["llm"]["acme/one"]["mood"] = "better"
        world.publish()
        assert reader.sync().serial == 3
        assert reader.skipped() == ()

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            ({"schema": "2.0"}, r"catalog: has the schema 2\.0, .* update galleryctl"),
            ({"reader": "2.0"}, r"catalog: is for readers that know the schema 2\.0, .* update galleryctl"),
            ({"reader": "1.1"}, r"catalog: is for readers that know the schema 1\.1, .* update galleryctl"),
        ],
    )
    def test_a_later_schema_is_refused_with_advice(
        self, gallery: Callable[..., Gallery], world: World, said: dict[str, str], told: str
    ) -> None:
        reader = gallery()
        before = reader.sync()
        world.head = {**said, "types": {"llm": {"wholly": "other"}}}
        world.publish()
        with pytest.raises(SchemaError, match=told):
            reader.sync()
        assert (reader.state().serial, len(titles(reader))) == (before.serial, 3)

    def test_a_type_document_of_a_later_major(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        world.document = {"schema": "2.0"}
        world.publish()
        with pytest.raises(SchemaError, match=r"has the schema 2\.0"):
            reader.sync()
        assert len(titles(reader)) == 3

    @pytest.mark.parametrize("said", [1, None, "1", "one", "1.x", ["1.0"]])
    def test_no_schema(self, gallery: Callable[..., Gallery], world: World, said: object) -> None:
        world.head = {"schema": said}
        world.publish()
        with pytest.raises(SchemaError, match="where a version such as"):
            gallery().sync()

    def test_what_needs_the_unknown_is_skipped_and_told(self, gallery: Callable[..., Gallery], world: World) -> None:
        world.models["llm"]["acme/new"] = listing("New", requires=["teleport"])
        world.models["llm"]["acme/odd"] = listing("Odd", status="levitating")
        world.publish()
        reader = gallery()
        told = reader.sync().warnings
        assert [each.partition(",")[0] for each in told] == ["acme/new needs teleport"]
        assert set(titles(reader, "llm")) == {"acme/one", "acme/two"}
        skipped = dict(reader.skipped("llm"))
        assert skipped["acme/new"].startswith("needs teleport, which this client does not know")
        assert skipped["acme/odd"].startswith("cannot be read: status")
        assert reader.sync().warnings == ()


def test_revoked_releases_are_told(gallery: Callable[..., Gallery], world: World) -> None:
    world.revoked = [{"id": "acme/one", "releases": ["1.0.0"], "reason": "Malicious pickle."}]
    world.publish()
    reader = gallery()
    reader.sync()
    assert {each.id: each.revoked for each in reader.models("llm")} == {"acme/one": ("1.0.0",), "acme/two": ()}


def test_a_cache_folder_that_cannot_be(gallery: Callable[..., Gallery], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ClientError, match="cannot be written"):
        gallery(cache=tmp_path / "file" / "cache").sync()


@pytest.mark.parametrize(
    ("platform", "environment", "end"),
    [
        ("linux", {}, ".cache/galleryctl"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/galleryctl"),
        ("darwin", {}, "Library/Caches/galleryctl"),
        ("win32", {"LOCALAPPDATA": "/y"}, "/y/galleryctl"),
    ],
)
def test_cache_folder(monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], end: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert str(facade.folder()).endswith(end)


def test_threads(gallery: Callable[..., Gallery], world: World) -> None:
    reader, failed, found = gallery(), list[BaseException](), list[Synced]()

    def work() -> None:
        try:
            for _ in range(4):
                found.append(reader.sync())
                assert len(titles(reader)) >= 3
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for number in range(3):
        world.publish(llm={**world.models["llm"], f"acme/t{number}": listing("T")})
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(found) == 24
    assert not any(each.stale for each in found)


def test_the_pause_between_attempts_is_ours_to_set(gallery: Callable[..., Gallery], world: World) -> None:
    slept: list[float] = []
    reader = gallery(fetcher=Http(allow_private=True, sleep=slept.append), limits=Limits(attempts=4))
    reader.sync()
    world.bend = lambda _, __: Answer(503)
    assert "503" in reader.sync().stale
    assert len(slept) == 3


def test_importing_is_quick() -> None:
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    spent = []
    for _ in range(3):
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", "import sys, galleryctl.client; print(*sys.modules)"],
            capture_output=True,
            text=True,
            check=True,
            env=unmeasured,
        )
        spent.append(time.perf_counter() - begin)
    heavy = {"pydantic", "tuf", "httpx2", "cryptography", "sqlite3", "click", "rfc8785"}
    assert heavy.isdisjoint(done.stdout.split())
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True, env=unmeasured)
    assert min(spent) - (time.perf_counter() - begin) < 0.6  # a fifth of that where nothing else runs


def test_a_build_that_was_revoked_since(gallery: Callable[..., Gallery], world: World, tmp_path: Path) -> None:
    reader = gallery()
    reader.sync()
    one, two = reader.resolve("acme/one"), reader.resolve("acme/paint")
    world.revoked = [{"id": "acme/one", "releases": ["1.0.0"], "reason": "Malicious pickle."}]
    world.publish()
    reader.sync()
    with pytest.raises(RefusedError, match=r"acme/one 1\.0\.0 was revoked since it was resolved: Malicious pickle\."):
        reader.pull(one, tmp_path / "one")
    world.revoked = [{"id": "acme/else", "releases": ["1.0.0"], "files": ["3f" * 32]}]
    world.publish()
    reader.sync()
    with pytest.raises(RefusedError, match="acme/paint"):
        reader.pull(two, tmp_path / "two")
    assert not (tmp_path / "one").exists()


def test_a_day_of_a_large_gallery(gallery: Callable[..., Gallery], world: World) -> None:
    names = [f"acme/m{number}" for number in range(1700)]
    world.publish(llm={name: listing(name, description="What it is good for. " * 35) for name in names})
    whole = world.catalog["types"]["llm"]["length"]
    reader = gallery()
    begin = time.thread_time()
    reader.sync(["llm"])
    first, spent = time.thread_time() - begin, []
    for day in range(4):
        for name in names[day * 5 : day * 5 + 5]:
            world.models["llm"][name]["title"] = f"Day {day}"
        world.publish()
        begin = time.thread_time()
        synced = reader.sync()
        spent.append(time.thread_time() - begin)
        assert synced.bytes < 0.01 * whole
    assert min(spent) < first / 3  # a tenth of it is usual, 25 ms where the whole takes 270
