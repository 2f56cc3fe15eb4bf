"""Synchronising: what is asked for, what is kept, what is told; over real http with real signatures."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest
import rfc8785
from securesystemslib.signer import CryptoSigner

import worlds
from galleryctl.client import (
    ExpiredError,
    Gallery,
    OfflineError,
    VerificationError,
)
from servers import Answer
from worlds import QUICK, START, Clock, World, asked, listing, sha, titles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers import Served

world, served, gallery = worlds.world, worlds.served, worlds.gallery


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

    def test_all_types_where_only_some_were_at_hand(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        assert reader.sync(["llm"]).types == ("llm",)
        synced = reader.sync("all")
        assert (synced.types, synced.warnings) == (("image", "llm"), ())
        world.publish(video={"acme/film": listing("Film")})
        assert reader.sync().types == ("image", "llm", "video")
        world.publish(audio={"acme/song": listing("Song")})
        synced = reader.sync(["all", "llm", "typo"])
        assert synced.types == ("audio", "image", "llm", "video")
        assert synced.lacking == synced.warnings
        assert len(synced.lacking) == 1

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

    def test_no_more_than_sixteen_mirrors_are_asked(self, world: World, tmp_path: Path) -> None:
        with world.serving() as host:
            world.head = {"mirrors": [f"{host.url}/mirror{number}" for number in range(40)]}
            world.publish()
            reader = Gallery(host.url, root=world.root, cache=tmp_path, now=Clock(), limits=QUICK, allow_private=True)
            reader.sync()
            host.asked.clear()
            world.bend = lambda *_: Answer(404, b"")
            assert reader.sync().stale
            mirrors = {each.path.split("/")[1] for each in host.asked if each.path.startswith("/mirror")}
        assert mirrors == {f"mirror{number}" for number in range(16)}

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
