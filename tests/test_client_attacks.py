"""Attacks on a client, one story each: what came is refused, the text says why, and the old state goes on working."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest
from securesystemslib.signer import CryptoSigner

import worlds
from galleryctl.client import (
    ClientError,
    ClockError,
    DamagedError,
    ExpiredError,
    Gallery,
    OfflineError,
    RollbackError,
    VerificationError,
)
from servers import Answer
from worlds import (
    START,
    TAMPERED,
    Clock,
    World,
    asked,
    bent,
    flipped,
    intact,
    listing,
    news,
    refused,
    titles,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers import Served

world, served, gallery = worlds.world, worlds.served, worlds.gallery


class TestTampered:
    @pytest.mark.parametrize(("pattern", "kind", "step"), TAMPERED)
    def test_one_letter(
        self, gallery: Callable[..., Gallery], world: World, pattern: str, kind: type[ClientError], step: str
    ) -> None:
        reader = gallery()
        reader.sync()
        world.revoked = [{"id": "acme/gone", "releases": ["1.0.0"]}]
        news(world)
        world.bend = bent(pattern, flipped)
        refused(reader, kind, step if step != "document" else "has the digest [0-9a-f]{64} instead of", step)
        world.bend = World.bend
        assert reader.sync().serial == 2

    def test_targets_and_a_new_root(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        world.rotate()
        world.publish()
        world.bend = bent(r"metadata/2\.targets\.json", flipped)
        refused(reader, DamagedError, "^targets: ", "targets")
        world.rotate()
        world.publish()
        world.bend = bent(r"metadata/3\.root\.json", lambda data: data.replace(b"2027", b"2047"))
        refused(reader, VerificationError, "^root: is not signed by the keys that are trusted", "root")

    @pytest.mark.parametrize("pattern", [row[0] for row in TAMPERED])
    def test_what_was_never_seen(self, gallery: Callable[..., Gallery], world: World, pattern: str) -> None:
        world.publish()
        world.bend = bent(pattern, flipped)
        reader = gallery()
        with pytest.raises(VerificationError):
            reader.sync()
        with pytest.raises(OfflineError, match="nothing of it is at hand"):
            reader.state()

    def test_a_tampered_delta_costs_only_the_whole_document(
        self, gallery: Callable[..., Gallery], world: World, served: Served
    ) -> None:
        reader = gallery()
        reader.sync()
        news(world)
        world.bend = bent("v1/delta/.*", flipped)
        assert reader.sync().stale == ""
        assert titles(reader, "llm") == {"acme/one": "Uno", "acme/two": "Two", "acme/new": "New"}
        assert any(path.startswith("v1/types/llm/") for path in asked(served))

    def test_a_document_that_was_fetched_on_demand(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        world.bend = bent("v1/(models|directory)/.*", flipped)
        with intact(reader), pytest.raises(DamagedError):
            reader.resolve("acme/one@0.9.0")

    def test_unsigned_documents_too(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery(unsigned=True)
        reader.sync()
        news(world)
        world.bend = bent("v1/(types|delta)/.*", flipped)
        refused(reader, DamagedError, "instead of")


class TestKeys:
    def test_a_gallery_of_somebody_else(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        thief = World()
        thief.publish()
        thief.publish(llm={"acme/one": listing("Mine")})
        world.files = thief.files
        refused(reader, VerificationError, r"^root: .*not signed by the keys|^timestamp: is not signed", None)

    def test_the_old_online_key(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        stolen = world.copy()
        world.rotate(CryptoSigner.generate_ed25519())
        world.publish()
        assert reader.sync().serial == 2
        for _ in range(3):
            stolen.publish(llm={"acme/one": listing("Mine")})
        stolen.files |= {name: data for name, data in world.files.items() if "root" in name or "targets" in name}
        world.files = stolen.files
        refused(reader, VerificationError, "timestamp: is not signed by the keys that are trusted", "timestamp")

    def test_recovery_from_a_thief_who_pushed_everything_ahead(
        self, gallery: Callable[..., Gallery], world: World
    ) -> None:
        reader = gallery()
        reader.sync()
        stolen = world.copy()
        stolen.versions |= dict.fromkeys(("catalog", "snapshot", "timestamp"), 900_000)
        stolen.serial = 2**40
        stolen.publish(llm={"acme/one": listing("Mine")})
        honest, world.files = world.files, stolen.files
        assert reader.sync().serial == 2**40 + 1  # who has the key is believed, until it is replaced
        world.files = honest
        refused(reader, RollbackError, "^timestamp: ", "timestamp")
        world.rotate(CryptoSigner.generate_ed25519())
        news(world)
        assert reader.sync().serial == 2  # his serial went with his key
        world.epoch = 2
        world.publish()
        assert reader.sync().serial == 3
        assert titles(reader)["acme/one"] == "Uno"

    def test_one_key_twice_is_one(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        world.rotate()
        made = json.loads(world.files["metadata/2.root.json"])
        made["signatures"] = [made["signatures"][0]] * 2
        world.files["metadata/2.root.json"] = json.dumps(made).encode()
        refused(reader, VerificationError, "^root: ", "root")

    def test_a_missing_root(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        world.rotate(CryptoSigner.generate_ed25519())
        del world.files["metadata/2.root.json"]
        world.publish()
        refused(reader, VerificationError, "timestamp: is not signed", "timestamp")


class TestRollback:
    def test_the_host_goes_back(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        old = dict(world.files)
        news(world)
        reader.sync()
        world.files = old
        refused(reader, RollbackError, "^timestamp: .*an older state than the one that was seen", "timestamp")

    def test_snapshot(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        old = world.files["metadata/1.snapshot.json"]
        reader.sync()
        news(world)
        world.files["metadata/2.snapshot.json"] = old
        refused(reader, DamagedError, "^snapshot: is not what the signed metadata name", "snapshot")

    @pytest.mark.parametrize("role", ["snapshot", "catalog", "targets"])
    def test_versions_signed_again(self, gallery: Callable[..., Gallery], world: World, role: str) -> None:
        world.rotate()
        news(world)
        reader = gallery(root=world.root)
        reader.sync()
        world.versions[role] -= 2 if role == "catalog" else 1  # a thief with the online key
        if role == "snapshot":
            world.stamp()
        elif role == "targets":
            world.sign()
        else:
            world.versions["catalog"] = 0
            world.sign()
        step = "timestamp" if role == "snapshot" else "snapshot"
        refused(reader, RollbackError, f"^{step}: ", step)

    def test_root(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        world.files["metadata/2.root.json"] = world.root
        refused(reader, RollbackError, "^root: Expected root version 2 instead got version 1", "root")

    def test_serial(self, gallery: Callable[..., Gallery], world: World) -> None:
        news(world)
        reader = gallery()
        reader.sync()
        world.serial = 0
        news(world)
        refused(reader, RollbackError, "serial 1 of epoch 1 is older than serial 2 of epoch 1", "catalog")
        world.epoch = 2
        world.serial = 0
        world.publish()
        assert reader.sync().epoch == 2
        world.epoch = 1
        world.serial = 99
        world.publish()
        refused(reader, RollbackError, "serial 100 of epoch 1 is older than serial 1 of epoch 2", "catalog")

    def test_serial_of_an_unsigned_gallery(self, gallery: Callable[..., Gallery], world: World) -> None:
        old = dict(world.files)
        news(world)
        reader = gallery(unsigned=True)
        reader.sync()
        world.files = old
        refused(reader, RollbackError, "serial 1 of epoch 1 is older", "catalog")

    def test_another_audience(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        world.head = {"audience": "staff"}
        world.publish()
        refused(reader, VerificationError, "is for the audience 'staff', and 'public' was expected", "catalog")

    def test_a_cache_that_was_lost_remembers_how_far_it_was(
        self, gallery: Callable[..., Gallery], world: World, tmp_path: Path
    ) -> None:
        old = dict(world.files)
        news(world)
        gallery().sync()
        (file,) = (tmp_path / "cache").glob("*.sqlite")
        file.unlink()
        world.files = old
        with pytest.raises(RollbackError, match="serial 1 of epoch 1 is older than serial 2"):
            gallery().sync()


class TestFreeze:
    def test_nobody_signs_any_more(self, gallery: Callable[..., Gallery], world: World) -> None:
        clock = Clock()
        reader = gallery(now=clock, policy=dt.timedelta(days=2))
        reader.sync()
        clock.now += dt.timedelta(days=8)
        with intact(reader):
            assert "timestamp: expired on 2026-11-08T12:00:00Z" in reader.sync().stale
        fresh = gallery(now=clock, url=reader.url + "?")
        with pytest.raises(ExpiredError):
            fresh.sync()
        world.now = clock.now
        news(world)
        assert reader.sync().stale == ""

    @pytest.mark.parametrize(("role", "days"), [("snapshot", 15), ("catalog", 31), ("root", 366)])
    def test_a_role_that_is_forgotten(
        self, gallery: Callable[..., Gallery], world: World, role: str, days: int
    ) -> None:
        clock = Clock()
        reader = gallery(now=clock)
        reader.sync()
        world.now = clock.now = START + dt.timedelta(days=days)
        if role == "catalog":
            world.snap()
        elif role == "snapshot":
            world.stamp()
        else:
            world.sign()
        with pytest.raises(ExpiredError, match=f"{role}: expired on") as caught:
            reader.sync()
        assert caught.value.step == role

    def test_revocations_count_when_all_else_has_expired(self, gallery: Callable[..., Gallery], world: World) -> None:
        world.revoked = [{"id": "acme/one", "releases": ["1.0.0"]}]
        world.publish()
        clock = Clock()
        reader = gallery(now=clock, policy=dt.timedelta(days=90))
        reader.sync()
        clock.now += dt.timedelta(days=80)
        with pytest.raises(ClientError, match="acme/one"):
            reader.resolve("acme/one")

    def test_revocations_count_when_the_rest_is_held_back(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        world.revoked = [{"id": "acme/one", "releases": ["1.0.0"]}]
        news(world)
        world.bend = lambda asked, answer: Answer(503) if "/llm/" in asked.path else answer
        assert "503" in reader.sync().stale
        assert reader.state().serial == 1
        again = gallery()  # remembered, not only in this process
        for each in (reader, again):
            with pytest.raises(ClientError, match="revoked"):
                each.resolve("acme/one")
        assert next(iter(again.models("llm"))).revoked == ("1.0.0",)


def test_mix_and_match(gallery: Callable[..., Gallery], world: World) -> None:
    reader = gallery()
    reader.sync()
    other = world.copy()
    other.publish(llm={"acme/one": listing("Other")})
    news(world)
    for name in ("metadata/2.snapshot.json", "metadata/2.catalog.json"):
        genuine = world.files[name]
        assert genuine != other.files[name]
        world.files[name] = other.files[name]
        refused(reader, DamagedError, "is not what the signed metadata name", name.split(".")[1])
        world.files[name] = genuine
    assert reader.sync().serial == 2


class TestClock:
    def test_behind(self, gallery: Callable[..., Gallery]) -> None:
        clock = Clock(START - dt.timedelta(hours=23))
        reader = gallery(now=clock)
        reader.sync()
        clock.now = START - dt.timedelta(days=400)
        with pytest.raises(ClockError, match=r"was built on 2026-11-01T12:00:00Z, .*clock says 2025-.*set the clock"):
            reader.sync()
        with pytest.raises(ClockError):
            reader.models()
        clock.now = START
        assert len(titles(reader)) == 3

    def test_ahead(self, gallery: Callable[..., Gallery]) -> None:
        clock = Clock()
        reader = gallery(now=clock)
        reader.sync()
        clock.now = START + dt.timedelta(days=900)
        with pytest.raises(ExpiredError, match=r"expired on .*this machine's clock says 2029-.*if the clock is right"):
            reader.sync()
        clock.now = START
        assert reader.sync().stale == ""
