"""Documents bent at random: whatever they are, a client raises what is documented, and keeps its state."""

from __future__ import annotations

import copy
import json
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

import worlds
from galleryctl.client import ClientError, Gallery, SchemaError, VerificationError
from servers import Answer, Asked
from worlds import World, listing, sha

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

world, served, gallery = worlds.world, worlds.served, worlds.gallery

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 2**63, 1.5, "", "é", "../../x", "2.0", "1.0", "a" * 300, [], {}, [[]], {"a": None}, [None],
    {"": {}}, "2026-11-01T12:00:00Z", "not a time", "\ud800", 10**400,
)  # fmt: skip


def bent(document: Any, chance: random.Random) -> Any:  # noqa: ANN401 - JSON
    """A copy with one value replaced, one member renamed, or one taken away."""
    made = copy.deepcopy(document)
    places: list[tuple[Any, Any]] = []
    queue = [made]
    while queue:
        each = queue.pop()
        keys = list(each) if isinstance(each, dict) else range(len(each))
        places += [(each, key) for key in keys]
        queue += [each[key] for key in keys if isinstance(each[key], dict | list)]
    if not places:
        return made
    where, key = chance.choice(places)
    match chance.randrange(4):
        case 0 if isinstance(where, dict):
            del where[key]
        case 1 if isinstance(where, dict):
            where[chance.choice(["", "../x", "é", "A/B", "a/b"])] = where.pop(key)
        case _:
            where[key] = chance.choice(ODD)
    return made


def used(reader: Gallery) -> None:
    """All that a runtime may do with what it took: nothing but documented errors."""
    for ask in (
        lambda: list(reader.models()),
        reader.skipped,
        lambda: reader.resolve("acme/one"),
        lambda: reader.resolve("acme/one@0.1.0"),
        lambda: reader.resolve("acme/two-old@1.0.0:q4_k_m", runtime="llama.cpp", memory=2**40),
        lambda: reader.native("xinference"),
    ):
        with suppress(ClientError):
            ask()


def put(world: World, name: str, data: bytes) -> None:
    """A document under its digest, in a head that is signed for it."""
    path = {"revoked": "v1/revoked", "directory": "v1/directory", "runtimes": "v1/runtimes"}.get(
        name, f"v1/types/{name}"
    )
    world.files[f"{path}/{sha(data)}.json"] = data
    refs = world.catalog["types"] if name in world.catalog["types"] else world.catalog
    refs[name] = {"since": world.serial, "sha256": sha(data), "length": len(data)}
    world.put_head(json.dumps(world.catalog).encode())


@pytest.mark.parametrize("name", ["catalog", "llm", "revoked", "directory", "runtimes"])
def test_signed_documents(gallery: Callable[..., Gallery], world: World, name: str) -> None:
    chance = random.Random(name)  # noqa: S311 - chance that comes again
    world.natives = {"xinference": {"llm.json": b"[]"}}
    world.revoked = [{"id": "acme/else", "releases": ["1.0.0"], "files": ["0" * 64], "since": "2026-11-01T12:00:00Z"}]
    reader = gallery()
    world.publish()
    reader.sync(natives="xinference")
    refused = 0
    for _ in range(40):
        world.models["llm"]["acme/one"]["title"] = f"T{chance.random()}"
        world.publish()
        serial, models = reader.state().serial, list(map(str, reader.skipped()))
        good = world.files["v1/catalog.json"] if name == "catalog" else world.past[name][1]
        data = json.dumps(bent(json.loads(good), chance)).encode()
        if name == "catalog":
            world.put_head(data)
        else:
            put(world, name, data)
        try:
            reader.sync()
        except (SchemaError, VerificationError):
            refused += 1
            assert reader.state().serial == serial
            assert list(map(str, reader.skipped())) == models
        used(reader)
    world.publish()
    world.serial += 2**40  # above what a bent head may have said
    world.publish()
    assert gallery(cache=None, url=reader.url + "?").sync().stale == ""
    assert refused > 5


def test_metadata(gallery: Callable[..., Gallery], world: World, tmp_path: Path) -> None:
    chance = random.Random(3)  # noqa: S311 - chance that comes again
    reader = gallery()
    reader.sync()
    before = list(reader.models())
    world.rotate()
    world.publish(llm={"acme/one": listing("Uno")})
    role = ""

    def bend(asked: Asked, answer: Answer) -> Answer:
        if asked.method != "GET" or role not in asked.path or answer.status != 200:
            return answer
        data = json.loads(world.files[asked.path.lstrip("/")])
        return Answer(200, json.dumps(bent(data, chance)).encode())

    steps = set()
    for each in ("root", "timestamp", "snapshot", "targets", "catalog"):
        role, world.bend = each, bend
        for number in range(10):
            with suppress(VerificationError):
                gallery(cache=tmp_path / f"{each}{number}").sync()
            try:
                reader.sync()
            except VerificationError as error:
                steps.add(error.step)
                assert list(reader.models()) == before
                break
    assert steps == {"root", "timestamp", "snapshot", "targets", "catalog"}
    world.bend = World.bend
    assert reader.sync().serial == 2
