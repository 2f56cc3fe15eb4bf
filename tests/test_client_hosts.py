"""Hosts that are broken or hostile, and documents that were signed and are wrong all the same: nothing of it counts."""

from __future__ import annotations

import gzip
import itertools
import json
import re
import time
from typing import TYPE_CHECKING

import pytest
import rfc8785

import worlds
from galleryctl.client import (
    ClientError,
    DamagedError,
    Gallery,
    VerificationError,
)
from galleryctl.fetch import Limits
from servers import Answer, Asked, serving
from worlds import (
    STEPS,
    World,
    asked,
    bent,
    intact,
    listing,
    news,
    refused,
    sha,
    titles,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers import Served

world, served, gallery = worlds.world, worlds.served, worlds.gallery


def endless(_: bytes) -> Answer:
    return Answer(200, lambda: itertools.repeat(b"x" * 65536, 4096))


def dripping(_: bytes) -> Answer:
    def drip() -> Iterator[bytes]:
        for _ in range(100):
            time.sleep(0.05)
            yield b" "

    return Answer(200, drip)


def cut(data: bytes) -> Answer:
    return Answer(200, lambda: iter([data[:-9]]), {"Content-Length": str(len(data))})


class TestHosts:
    @pytest.mark.parametrize("pattern", STEPS)
    def test_endless_data(self, gallery: Callable[..., Gallery], world: World, pattern: str) -> None:
        reader = gallery()
        reader.sync()
        world.revoked = [{"id": "acme/gone", "releases": ["1.0.0"]}]
        news(world)
        world.bend = bent(pattern, endless)
        refused(reader, DamagedError, "is larger than .* more than was signed")

    def test_endless_discovery(self, gallery: Callable[..., Gallery], world: World) -> None:
        world.files[".well-known/gallery.json"] = b"{}"
        world.bend = bent(r"\.well-known.*", endless)
        assert gallery().sync().serial == 1

    @pytest.mark.parametrize("pattern", STEPS)
    def test_slow_retrieval(self, gallery: Callable[..., Gallery], world: World, pattern: str) -> None:
        reader = gallery(limits=Limits(seconds=0.3, attempts=1))
        reader.sync()
        world.revoked = [{"id": "acme/gone", "releases": ["1.0.0"]}]
        news(world)
        world.bend = bent(pattern, dripping)
        begin = time.monotonic()
        with intact(reader):
            assert "took longer" in reader.sync().stale
        assert time.monotonic() - begin < 3

    def test_slow_everywhere_ends_too(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery(limits=Limits(seconds=0.3, attempts=1))
        reader.sync()

        def slow(_: Asked, answer: Answer) -> Answer:
            time.sleep(0.25)
            return answer

        for number in range(12):
            world.models[f"kind{number}"] = {f"acme/k{number}": listing("K")}
        news(world)
        world.bend = slow
        begin = time.monotonic()
        with intact(reader):
            assert re.search("took longer|the time for one synchronisation is over", reader.sync().stale)
        assert time.monotonic() - begin < 4

    @pytest.mark.parametrize("pattern", STEPS)
    def test_truncated(self, gallery: Callable[..., Gallery], world: World, pattern: str) -> None:
        reader = gallery()
        reader.sync()
        world.revoked = [{"id": "acme/gone", "releases": ["1.0.0"]}]
        news(world)
        world.bend = bent(pattern, cut)
        with intact(reader):
            assert reader.sync().stale
        world.bend = bent(pattern, lambda data: data[:-9])  # and the host says that this is all
        with intact(reader), pytest.raises(VerificationError):
            reader.sync()

    @pytest.mark.parametrize("pattern", STEPS)
    def test_gzip_bombs(self, gallery: Callable[..., Gallery], world: World, pattern: str) -> None:
        reader = gallery()
        reader.sync()
        world.revoked = [{"id": "acme/gone", "releases": ["1.0.0"]}]
        news(world)
        bomb = gzip.compress(bytes(2**27), 9)
        world.bend = bent(pattern, lambda _: Answer(200, bomb, {"Content-Encoding": "gzip"}))
        begin = time.process_time()
        refused(reader, DamagedError, "is larger than")
        assert time.process_time() - begin < 2

    @pytest.mark.parametrize("pattern", STEPS)
    def test_redirects_to_another_host(self, gallery: Callable[..., Gallery], world: World, pattern: str) -> None:
        reader = gallery()
        reader.sync()
        world.revoked = [{"id": "acme/gone", "releases": ["1.0.0"]}]
        news(world)
        with serving(world.answer) as other:
            there = other.url

            def away(asked: Asked, answer: Answer) -> Answer:
                matches = re.fullmatch(pattern, asked.path.lstrip("/"))
                return Answer(302, b"", {"Location": there + asked.path}) if matches else answer

            world.bend = away
            with intact(reader):
                assert "is redirected to another host" in reader.sync().stale
            assert other.asked == []

    def test_a_root_that_is_elsewhere(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        world.bend = lambda asked, answer: Answer(302, b"", {"Location": "/login"}) if "root" in asked.path else answer
        with intact(reader):
            assert "neither yes nor no" in reader.sync().stale

    @pytest.mark.parametrize("status", [405, 501])
    def test_a_host_that_answers_no_head(self, gallery: Callable[..., Gallery], world: World, status: int) -> None:
        world.bend = lambda asked, answer: Answer(status) if asked.method == "HEAD" else answer
        reader = gallery()
        assert reader.sync().serial == 1
        assert not reader.sync().changed
        world.rotate()
        news(world)
        assert reader.sync().changed
        world.bend = lambda asked, answer: Answer(status) if asked.method == "HEAD" or "root" in asked.path else answer
        with intact(reader):
            assert f"the server answers {status}" in reader.sync().stale

    @pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 403, 404, 410, 418, 429, 500, 502, 503, 504])
    def test_every_status(self, gallery: Callable[..., Gallery], world: World, status: int) -> None:
        reader = gallery()
        reader.sync()
        news(world)
        for part in ("timestamp", "v1/"):
            world.bend = lambda asked, answer, part=part: Answer(status) if part in asked.path else answer  # type: ignore[misc]
            if (status, part) == (304, "timestamp"):
                assert not reader.sync().changed  # nobody can tell that from the truth
                continue
            with intact(reader):
                assert str(status) in reader.sync().stale


class TestDocuments:
    """What a publisher signed may still be wrong: then it goes nowhere."""

    @pytest.mark.parametrize(
        "name", ["../../../../etc", "..", "llm/../..", "LLM", "llm\n", "", "a" * 97, "a%2f..", "/", "a b"]
    )
    def test_a_type_that_climbs_out(
        self, gallery: Callable[..., Gallery], world: World, served: Served, tmp_path: Path, name: str
    ) -> None:
        reader = gallery()
        reader.sync()
        world.publish()
        world.catalog["types"][name] = world.catalog["types"].pop("llm")
        world.put_head(rfc8785.dumps(world.catalog))
        asked(served)
        refused(reader, DamagedError, "names .* in a way that leads nowhere", "catalog")
        assert not [path for path in asked(served) if ".." in path or "etc" in path]
        assert [each.name for each in tmp_path.iterdir()] == ["cache"]

    @pytest.mark.parametrize(
        "ref",
        [
            {"sha256": "../../../../../../etc/passwd"},
            {"sha256": "A" * 64},
            {"length": -1},
            {"length": 2**40},
            {"length": "many"},
            {"sha256": None},
            {"deltas": [{"from": 1, "sha256": "../x", "length": 3}]},
            {"deltas": [{"from": 1, "sha256": "0" * 64, "length": 2**60}]},
        ],
    )
    def test_digests_that_climb_out(
        self, gallery: Callable[..., Gallery], world: World, ref: dict[str, object]
    ) -> None:
        reader = gallery()
        reader.sync()
        world.publish()
        world.catalog["types"]["llm"] |= ref
        world.put_head(json.dumps(world.catalog).encode())
        refused(reader, DamagedError, "^catalog: ", "catalog")

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"[]",
            b"null",
            b"\xff",
            b"{" * 200_000,
            b'{"a":' * 100_000,
            b"[" * 900 + b"]" * 900,
            b"NaN",
            b'{"schema":NaN}',
        ],
        ids=range(9),
    )
    def test_a_head_that_is_none(self, gallery: Callable[..., Gallery], world: World, data: bytes) -> None:
        reader = gallery()
        reader.sync()
        world.put_head(data or b" ")
        refused(reader, DamagedError, "^catalog: is no JSON")

    @pytest.mark.parametrize(
        "data",
        [
            b"[]",
            b'{"schema":"1.0","models":[]}',
            b'{"schema":"1.0","models":' + b"[" * 200_000,
            b'{"schema":"1.0","models":{"a/b":' + b"[" * 990 + b"]" * 990 + b"}}",
            b'{"schema":"1.0","models":{"a/b":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}}",
            b'{"schema":"1.0","models":{"a/b":{"n":1' + b"0" * 5000 + b"}}}",
            b'{"schema":"1.0","models":{"a/b":{"n":Infinity}}}',
            b'{"schema":"1.0","models":{"a/b":{"n":"\\ud800"}}}',
            b'{"schema":"1.0","models":{"a/b":{"n":9007199254740993}}}',
        ],
        ids=range(9),
    )
    def test_a_type_document_that_is_none(self, gallery: Callable[..., Gallery], world: World, data: bytes) -> None:
        reader = gallery()
        reader.sync()
        world.publish()
        world.files[f"v1/types/llm/{sha(data)}.json"] = data
        world.catalog["types"]["llm"] = {"since": 2, "sha256": sha(data), "length": len(data)}
        world.put_head(rfc8785.dumps(world.catalog))
        refused(reader, DamagedError, "types/llm")

    @pytest.mark.parametrize(
        "bad",
        [
            {"patch": {"models": {"acme/one": {"title": "Wrong"}}}},
            {"patch": {"models": None}},
            {"patch": {"models": {"../../x": {}}}},
            {"patch": {"models": {"acme/one": None}}},
            {"patch": []},
            {"patch": {"schema": "1.1"}},
            {"from": {"serial": 1, "sha256": "0" * 64}},
            {"to": {"serial": 2, "sha256": "0" * 64}},
            {"to": None},
            {"schema": "2.0"},
            {"patch": {"models": {"acme/one": 7}}},
        ],
        ids=range(11),
    )
    def test_a_signed_delta_that_is_wrong(
        self, gallery: Callable[..., Gallery], world: World, served: Served, bad: dict[str, object]
    ) -> None:
        reader = gallery()
        reader.sync()
        news(world)
        ref = world.catalog["types"]["llm"]["deltas"][0]
        data = rfc8785.dumps(json.loads(world.files[f"v1/delta/llm/{ref['sha256']}.json"]) | bad)
        world.files[f"v1/delta/llm/{sha(data)}.json"] = data
        ref |= {"sha256": sha(data), "length": len(data)}
        world.put_head(rfc8785.dumps(world.catalog))
        asked(served)
        assert reader.sync().stale == ""
        assert titles(reader, "llm") == {"acme/one": "Uno", "acme/two": "Two", "acme/new": "New"}
        assert [path.split("/")[1] for path in asked(served) if "/llm/" in path] == ["delta", "types"]

    @pytest.mark.parametrize("said", [{"revoked": [{"id": 7}]}, {"revoked": 3}, {"schema": "2.0"}])
    def test_revocations_that_nobody_understands(
        self, gallery: Callable[..., Gallery], world: World, said: dict[str, object]
    ) -> None:
        reader = gallery()
        reader.sync()
        news(world)
        data = json.dumps({"schema": "1.0", "revoked": [], **said}).encode()
        world.files[f"v1/revoked/{sha(data)}.json"] = data
        world.catalog["revoked"] |= {"sha256": sha(data), "length": len(data)}
        world.put_head(rfc8785.dumps(world.catalog))
        refused(reader, ClientError, "^revoked: ")
