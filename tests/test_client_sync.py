"""Synchronising: what is asked for, what is kept, what is told; over real http with real signatures."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import rfc8785
from securesystemslib.signer import CryptoSigner

from galleryctl.client import (
    ClientError,
    ExpiredError,
    Gallery,
    OfflineError,
    SchemaError,
    Synced,
    UnknownError,
    VerificationError,
    locking,
)
from galleryctl.client import gallery as facade
from galleryctl.fetch import Http, Limits
from servers import Answer
from worlds import START, World, listing, paths, sha

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers import Served

QUICK = Limits(seconds=5.0, attempts=1)


class Clock:
    """A clock that stands, until it is moved."""

    def __init__(self, now: dt.datetime = START) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def world() -> World:
    return World().publish()


@pytest.fixture
def served(world: World) -> Iterator[Served]:
    with world.serving() as served:
        yield served


@pytest.fixture
def gallery(world: World, served: Served, tmp_path: Path) -> Callable[..., Gallery]:
    def make(**options: Any) -> Gallery:  # noqa: ANN401 - those of the class
        root = None if options.get("unsigned") else world.root
        given = {"root": root, "cache": tmp_path / "cache", "now": Clock(), "limits": QUICK, **options}
        return Gallery(given.pop("url", served.url), **given)

    return make


def titles(gallery: Gallery, kind: str | None = None) -> dict[str, object]:
    return {each.id: each.listing.title for each in gallery.models(kind)}


def asked(served: Served) -> list[str]:
    found = list(paths(served))
    served.asked.clear()
    return found


class TestFirst:
    def test_everything(self, gallery: Callable[..., Gallery]) -> None:
        reader = gallery()
        synced = reader.sync()
        assert (synced.serial, synced.epoch, synced.changed, synced.stale) == (1, 1, True, "")
        assert (synced.types, synced.built, synced.checked) == (("image", "llm"), START, START)
        assert synced.expires == START + dt.timedelta(days=7)
        assert synced.warnings == ()
        assert titles(reader) == {"acme/paint": "Paint", "acme/one": "One", "acme/two": "Two"}
        assert titles(reader, "image") == {"acme/paint": "Paint"}

    def test_order_of_trust(self, gallery: Callable[..., Gallery], world: World, served: Served) -> None:
        gallery().sync(["llm"])
        head = world.catalog
        assert asked(served) == [
            ".well-known/gallery.json",
            "metadata/2.root.json",
            "metadata/timestamp.json",
            "metadata/1.snapshot.json",
            "metadata/1.targets.json",
            "metadata/1.catalog.json",
            f"v1/{sha(rfc8785.dumps(head))}.catalog.json",
            f"v1/revoked/{head['revoked']['sha256']}.json",
            f"v1/types/llm/{head['types']['llm']['sha256']}.json",
        ]

    def test_types_that_were_not_asked_for_stay_away(
        self, gallery: Callable[..., Gallery], world: World, served: Served
    ) -> None:
        reader = gallery()
        assert reader.sync(["llm"]).types == ("llm",)
        world.models["image"]["acme/paint"]["title"] = "Paints"
        world.publish()
        reader.sync()
        assert not [path for path in asked(served) if "types/image" in path or "delta/image" in path]
        assert reader.sync("image").types == ("image", "llm")  # a string is one type, not its letters
        assert titles(reader)["acme/paint"] == "Paints"

    def test_no_type_at_all(self, gallery: Callable[..., Gallery]) -> None:
        assert gallery().sync([]).types == ()

    def test_a_type_that_there_is_not(self, gallery: Callable[..., Gallery]) -> None:
        synced = gallery().sync(["llm", "speech"])
        assert synced.types == ("llm",)
        assert synced.warnings == ("the gallery has no models of the type speech; its types: image, llm",)

    def test_all_types_means_those_to_come_too(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        world.publish(video={"acme/film": listing("Film")})
        assert reader.sync().types == ("image", "llm", "video")

    def test_a_type_goes(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        del world.models["image"]
        world.publish()
        assert reader.sync().types == ("llm",)
        assert "acme/paint" not in titles(reader)

    def test_nothing_at_hand(self, gallery: Callable[..., Gallery]) -> None:
        reader = gallery()
        for ask in (reader.state, lambda: list(reader.models()), lambda: reader.native("xinference")):
            with pytest.raises(OfflineError, match="nothing of it is at hand yet"):
                ask()


class TestAgain:
    def test_nothing_new_costs_two_requests_and_a_kilobyte(
        self, gallery: Callable[..., Gallery], served: Served
    ) -> None:
        reader = gallery()
        reader.sync()
        asked(served)
        synced = reader.sync()
        assert (synced.requests, synced.bytes, synced.changed) == (2, 0, False)
        heads = [
            f"{each.method} {each.path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in each.headers.items())
            for each in served.asked
        ]
        answers = 2 * len("HTTP/1.1 304 Not Modified\r\nServer: BaseHTTP/0.6 Python/3.11.2\r\nContent-Length: 26\r\n")
        assert [each.method for each in served.asked] == ["HEAD", "GET"]
        assert sum(map(len, heads)) + answers + 2 * len("Date: Sat, 21 Nov 2026 18:57:22 GMT\r\n\r\n") <= 1024

    def test_a_change_comes_as_a_delta(self, gallery: Callable[..., Gallery], world: World, served: Served) -> None:
        reader = gallery()
        reader.sync()
        asked(served)
        world.models["llm"]["acme/three"] = listing("Three")
        world.models["llm"]["acme/one"]["title"] = "Uno"
        del world.models["llm"]["acme/two"]
        world.publish()
        synced = reader.sync()
        assert (synced.serial, synced.changed) == (2, True)
        assert [path.rpartition("/")[0] for path in asked(served) if path.startswith("v1/")] == ["v1", "v1/delta/llm"]
        assert titles(reader, "llm") == {"acme/one": "Uno", "acme/three": "Three"}

    def test_as_if_it_were_new(self, gallery: Callable[..., Gallery], world: World, tmp_path: Path) -> None:
        old = gallery()
        old.sync()
        for number in range(8):
            world.models["llm"][f"acme/m{number}"] = listing(f"M{number}", tags=["chat", "é", "𝔘"], metrics=[])
            world.models["llm"].pop(f"acme/m{number - 3}", None)
            world.publish()
            old.sync()
            fresh = gallery(cache=tmp_path / f"cache{number}")
            fresh.sync()
            assert list(old.models()) == list(fresh.models())

    def test_without_deltas(self, gallery: Callable[..., Gallery], world: World, served: Served) -> None:
        world.deltas = False
        reader = gallery()
        reader.sync()
        asked(served)
        world.models["llm"]["acme/one"]["title"] = "Uno"
        world.publish()
        reader.sync()
        assert any("v1/types/llm/" in path for path in asked(served))
        assert titles(reader)["acme/one"] == "Uno"

    def test_signed_again(self, gallery: Callable[..., Gallery], world: World) -> None:
        clock = Clock()
        reader = gallery(now=clock)
        reader.sync()
        world.now = clock.now = START + dt.timedelta(days=3)
        world.stamp()
        synced = reader.sync()
        assert (synced.changed, synced.checked) == (False, clock.now)
        assert synced.expires == START + dt.timedelta(days=10)

    def test_what_is_not_canonical_is_read_whole(self, gallery: Callable[..., Gallery], world: World) -> None:
        world.document = {"note": 1.0}  # the reference library writes 1, so these are other bytes than are served
        ref = world.publish().catalog["types"]["llm"]
        data = json.dumps(json.loads(world.files[f"v1/types/llm/{ref['sha256']}.json"])).encode()
        world.files[f"v1/types/llm/{sha(data)}.json"] = data
        ref |= {"sha256": sha(data), "length": len(data)}
        world.put_head(rfc8785.dumps(world.catalog))
        reader = gallery()
        reader.sync()
        assert titles(reader, "llm") == {"acme/one": "One", "acme/two": "Two"}
        world.models["llm"]["acme/one"]["title"] = "Uno"
        world.publish()
        reader.sync()
        assert titles(reader)["acme/one"] == "Uno"


class TestTrust:
    def test_no_root(self, served: Served) -> None:
        with pytest.raises(VerificationError, match=r"none was given: take N\.root\.json .*\(--unsigned\)") as caught:
            Gallery(served.url)
        assert caught.value.step == "root"

    def test_root_from_a_file(self, gallery: Callable[..., Gallery], world: World, tmp_path: Path) -> None:
        (tmp_path / "root.json").write_bytes(world.root)
        assert gallery(root=tmp_path / "root.json").sync().serial == 1
        assert gallery(root=str(tmp_path / "root.json")).sync().serial == 1
        with pytest.raises(VerificationError, match="cannot be read"):
            gallery(root=tmp_path / "none.json")

    def test_a_root_that_is_none(self, gallery: Callable[..., Gallery]) -> None:
        with pytest.raises(VerificationError, match="what is trusted is no root"):
            gallery(root=b"{}").sync()

    def test_two_roots_later(self, gallery: Callable[..., Gallery], world: World, served: Served) -> None:
        reader = gallery()
        reader.sync()
        world.rotate(CryptoSigner.generate_ed25519())
        world.rotate(CryptoSigner.generate_ecdsa(), [CryptoSigner.generate_ed25519() for _ in range(2)])
        world.publish()
        asked(served)
        assert reader.sync().serial == 2
        assert asked(served)[:3] == ["metadata/2.root.json"] * 2 + ["metadata/3.root.json"]
        reader.sync()
        assert asked(served)[0] == "metadata/4.root.json"  # the roots on the way are remembered

    def test_unsigned(self, gallery: Callable[..., Gallery], world: World, served: Served) -> None:
        reader = gallery(unsigned=True)
        synced = reader.sync()
        assert (synced.serial, synced.expires) == (1, None)
        assert not [path for path in asked(served) if path.startswith("metadata/")]
        assert reader.sync().requests == 1
        world.models["llm"]["acme/one"]["title"] = "Uno"
        world.publish()
        assert reader.sync().changed
        assert titles(reader)["acme/one"] == "Uno"

    def test_unsigned_and_a_root(self, served: Served, world: World) -> None:
        with pytest.raises(VerificationError, match="not both"):
            Gallery(served.url, root=world.root, unsigned=True)

    def test_a_gallery_that_says_it_is_not_signed(self, gallery: Callable[..., Gallery], world: World) -> None:
        world.files[".well-known/gallery.json"] = b'{"gallery":1,"title":"x","signed":false}'
        assert gallery().sync().serial == 1  # it says so, and it is
        for name in [name for name in world.files if name.startswith("metadata/")]:
            if name != "metadata/1.root.json":
                del world.files[name]
        with pytest.raises(VerificationError, match="is not signed, and a root was given"):
            Gallery(gallery().url, root=world.root + b"\n", cache=None).sync()

    def test_metadata_elsewhere(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()

        def move(prefix: str) -> None:
            world.files[".well-known/gallery.json"] = json.dumps({"gallery": 1, "metadata": prefix}).encode()
            for name in [name for name in world.files if ".json" in name and "metadata/" in name]:
                world.files[prefix + name.rpartition("/")[2]] = world.files.pop(name)

        move("signatures/now/")
        assert reader.sync().stale == ""
        assert not reader.sync().changed

    def test_metadata_nowhere_else_than_below(self, gallery: Callable[..., Gallery], world: World) -> None:
        for prefix in ("../x/", "https://evil.example/", "//evil.example/x", "a/../../b", 7):
            world.files[".well-known/gallery.json"] = json.dumps({"gallery": 1, "metadata": prefix}).encode()
            assert gallery(url=gallery().url + f"/?{prefix}").sync().serial == 1


class TestOffline:
    def test_the_last_good_state_is_served_with_its_age(
        self, gallery: Callable[..., Gallery], world: World, tmp_path: Path
    ) -> None:
        clock = Clock()
        with world.serving() as host:
            reader = gallery(url=host.url, now=clock)
            reader.sync()
            before = titles(reader)
        clock.now += dt.timedelta(hours=5)
        reader = Gallery(host.url, root=world.root, cache=tmp_path / "cache", now=clock, limits=QUICK)
        synced = reader.sync()
        assert "cannot be read" in synced.stale
        assert "the index of 2026-11-01 (serial 1) is served, checked 5 hours ago" in synced.stale
        assert (synced.changed, synced.checked, titles(reader)) == (False, START, before)

    def test_nothing_is_at_hand(self, gallery: Callable[..., Gallery]) -> None:
        with pytest.raises(OfflineError, match=r"127\.0\.0\.1:9/.*nothing is at hand"):
            gallery(url="http://127.0.0.1:9/").sync()

    def test_strict_stops_when_it_has_expired(self, gallery: Callable[..., Gallery]) -> None:
        clock = Clock()
        reader = gallery(now=clock)
        reader.sync()
        clock.now += dt.timedelta(days=6, hours=23)
        assert len(titles(reader)) == 3
        clock.now += dt.timedelta(hours=1)
        with pytest.raises(ExpiredError, match="nobody vouches for this state since 2026-11-08") as caught:
            reader.models()
        assert caught.value.step == "timestamp"
        assert "nobody vouches for it since 2026-11-08T12:00:00Z; checked 7 days ago" in reader.state().stale
        with pytest.raises(ExpiredError, match=r"expired on 2026-11-08T12:00:00Z.* clock says 2026-11-08"):
            reader.sync()

    def test_grace(self, gallery: Callable[..., Gallery]) -> None:
        clock = Clock()
        reader = gallery(now=clock, policy=dt.timedelta(days=30))
        reader.sync()
        clock.now += dt.timedelta(days=36)
        synced = reader.sync()
        assert "timestamp: expired on 2026-11-08" in synced.stale
        assert len(titles(reader)) == 3
        assert "The index is old" in reader.resolve("acme/one").warnings[-1]
        clock.now += dt.timedelta(days=1)
        with pytest.raises(ExpiredError, match="the grace of 30 days is over"):
            reader.models()
        with pytest.raises(ExpiredError):
            reader.sync()

    def test_a_mirror_answers_for_it(self, world: World, tmp_path: Path) -> None:
        with world.serving() as mirror:
            world.head = {"mirrors": ["http://127.0.0.1:9/", mirror.url]}
            with world.publish().serving() as host:
                reader = Gallery(
                    host.url, root=world.root, cache=tmp_path, now=Clock(), limits=QUICK, allow_private=True
                )
                reader.sync()
                closed = Gallery(
                    host.url, root=world.root, cache=tmp_path, now=Clock(), limits=QUICK, allow_private=False
                )
            world.publish(llm={"acme/new": listing("New")})
            assert closed.sync().stale  # whoever runs the gallery may not send us into our own network
            synced = reader.sync()
            assert (synced.serial, synced.stale) == (world.serial, "")
            assert titles(reader, "llm") == {"acme/new": "New"}

    def test_a_folder(self, world: World, tmp_path: Path) -> None:
        site = tmp_path / "site folder"
        for name, data in world.files.items():
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_bytes(data)
        for url in (site, str(site), site.as_uri()):
            reader = Gallery(url, root=world.root, cache=tmp_path / "cache", now=Clock())
            assert reader.sync(["llm"]).serial == 1
        assert set(titles(reader)) == {"acme/one", "acme/two"}
        (site / "metadata/timestamp.json").unlink()
        assert "there is nothing" in reader.sync().stale


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

    def test_a_runtime_that_there_is_not(self, gallery: Callable[..., Gallery], world: World) -> None:
        assert gallery().sync(natives="vllm").warnings == ("the gallery publishes no files for runtimes",)
        world.natives = {"localai": {"index.yaml": b"- a\n"}}
        world.publish()
        synced = gallery().sync(natives="vllm")
        assert synced.warnings == ("the gallery publishes no files for vllm; it does for: localai",)
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
        world.head = {"schema": "1.9", "colour": {"deep": [1, 2]}, "reader": "1.4"}
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

    @pytest.mark.parametrize("member", ["schema", "reader"])
    def test_a_later_major_is_refused_with_advice(
        self, gallery: Callable[..., Gallery], world: World, member: str
    ) -> None:
        reader = gallery()
        before = reader.sync()
        world.head = {member: "2.0", "types": {"llm": {"wholly": "other"}}}
        world.publish()
        with pytest.raises(SchemaError, match=rf"catalog: has the {member} 2\.0, .* update galleryctl"):
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
        assert [each.partition(",")[0] for each in told] == ["acme/new needs ['teleport']"]
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
    spent = []
    for _ in range(3):
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", "import sys, galleryctl.client; print(*sys.modules)"],
            capture_output=True,
            text=True,
            check=True,
        )
        spent.append(time.perf_counter() - begin)
    heavy = {"pydantic", "tuf", "httpx2", "cryptography", "sqlite3", "click", "rfc8785"}
    assert heavy.isdisjoint(done.stdout.split())
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    assert min(spent) - (time.perf_counter() - begin) < 0.6  # a fifth of that where nothing else runs
