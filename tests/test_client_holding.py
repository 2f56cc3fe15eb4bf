"""What resolving reads of a synchronised gallery: all answers of one state, or again of the next."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
import rfc8785

import worlds
from galleryctl.client import ClientError, DamagedError, Gallery, RefusedError, UnknownError, VerificationError
from galleryctl.client.holding import Holding
from worlds import World, listing, sha

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

world, served, gallery = worlds.world, worlds.served, worlds.gallery


def test_unknown_ids_are_told_with_the_nearest(gallery: Callable[..., Gallery]) -> None:
    reader = gallery()
    reader.sync()
    with pytest.raises(UnknownError, match="acme/paint"):
        reader.resolve("acme/pant")
    with pytest.raises(UnknownError, match="acme/one"):
        reader.resolve("acme/onee")


def test_removed_ids_say_so(gallery: Callable[..., Gallery], world: World) -> None:
    world.removed = {"acme/gone": {"since": "2026-03-01", "reason": "rights", "successor": "acme/one"}}
    world.publish()
    reader = gallery()
    reader.sync(["llm"])
    with pytest.raises(RefusedError, match=r"acme/gone.*acme/one"):
        reader.resolve("acme/gone")


@pytest.mark.parametrize(
    ("directory", "match"),
    [
        ({"removed": {"acme/odd": 7}}, "directory: acme/odd: cannot be read"),
        ({"models": {"acme/odd": 7}}, "directory: acme/odd: cannot be read"),
        ({"models": {"acme/odd": {"type": "llm", "sha256": "../x", "length": 3}}}, "leads nowhere"),
        ({"models": {"acme/odd": {"type": "llm", "sha256": "0" * 64, "length": -3}}}, "leads nowhere"),
    ],
)
def test_a_directory_that_is_wrong(
    gallery: Callable[..., Gallery], world: World, directory: dict[str, object], match: str
) -> None:
    data = rfc8785.dumps({"schema": "1.0", "models": {}, "aliases": {}, "removed": {}, **directory})  # type: ignore[dict-item]
    world.files[f"v1/directory/{sha(data)}.json"] = data
    world.catalog["directory"] = {"since": 1, "sha256": sha(data), "length": len(data)}
    world.put_head(rfc8785.dumps(world.catalog))
    reader = gallery()
    reader.sync()
    with pytest.raises(DamagedError, match=match):
        reader.resolve("acme/odd")


def test_aliases_that_are_none(gallery: Callable[..., Gallery], world: World) -> None:
    data = rfc8785.dumps({"schema": "1.0", "models": {}, "aliases": {"acme/odd": "../../x"}, "removed": []})
    world.files[f"v1/directory/{sha(data)}.json"] = data
    world.catalog["directory"] = {"since": 1, "sha256": sha(data), "length": len(data)}
    world.put_head(rfc8785.dumps(world.catalog))
    reader = gallery()
    reader.sync()
    with pytest.raises(UnknownError):
        reader.resolve("acme/odd")


def test_a_state_that_changes_while_it_is_read(
    gallery: Callable[..., Gallery], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, other = gallery(), gallery()
    reader.sync()
    asked = Holding.revocations
    times: list[int] = []

    def meanwhile(self: Holding, identifier: str) -> object:
        if not times:
            times.append(1)
            world.publish(llm={"acme/one": listing("Uno", "2.0.0")})
            other.sync()
        return asked(self, identifier)

    monkeypatch.setattr(Holding, "revocations", meanwhile)
    assert reader.resolve("acme/one").version in {"1.0.0", "2.0.0"}
    times.clear()
    assert [each.id for each in reader.models("llm")] == ["acme/one"]
    assert reader.resolve("acme/one").version == "2.0.0"


def test_a_native_file_that_is_damaged(gallery: Callable[..., Gallery], world: World, tmp_path: Path) -> None:
    world.natives = {"xinference": {"llm.json": b"[1]"}}
    world.publish()
    reader = gallery()
    reader.sync(natives="xinference")
    (file,) = (tmp_path / "cache").glob("*.sqlite")
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE files SET data = ?", [b"[2]"])
    connection.close()
    with pytest.raises(ClientError, match=r"nothing of it is at hand|are at hand"):
        reader.native("xinference")
    assert reader.sync(natives="xinference").stale == ""
    assert reader.native("xinference") == {"llm.json": b"[1]"}


def test_what_survives_cannot_be_written(gallery: Callable[..., Gallery], tmp_path: Path) -> None:
    reader = gallery()
    reader.sync()
    (kept,) = (tmp_path / "cache").glob("*.kept.json")
    again = gallery(cache=tmp_path / "other")
    (tmp_path / "other" / kept.name).mkdir(parents=True)
    (said,) = again.sync().warnings
    assert "a damaged cache would lose more" in said


def test_a_head_that_nobody_names(gallery: Callable[..., Gallery], world: World) -> None:
    from tuf.api.metadata import Targets  # noqa: PLC0415 - only here

    world.versions["catalog"] += 1
    world._put("catalog", Targets(world.versions["catalog"], expires=world.until("catalog")))  # noqa: SLF001 - a thief
    world.snap()
    with pytest.raises(VerificationError, match=r"no role names v1/catalog\.json by SHA-256") as caught:
        gallery().sync()
    assert caught.value.step == "catalog"
