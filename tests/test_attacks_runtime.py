"""Attacks on what a runtime keeps: by a host without keys, by a thief of the online key, by others on the machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import rfc8785

import worlds
from galleryctl import canonical
from galleryctl.client import ClientError, DamagedError, Gallery, asking, homes
from galleryctl.client.asking import Counted, Reader
from galleryctl.fetch import Limits
from worlds import World, news, refused, titles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers import Served

world, served, gallery = worlds.world, worlds.served, worlds.gallery


class TestHostsWithoutKeys:
    @pytest.mark.parametrize("etag", ['"é"', '"\x80"', '"' + "x" * 9000 + '"', "unquoted", '"a\tb"'])
    def test_an_etag_that_cannot_be_sent_back(
        self, gallery: Callable[..., Gallery], world: World, served: Served, etag: str
    ) -> None:
        reader = gallery()
        world.bend = lambda _, answer: answer._replace(headers={**answer.headers, "ETag": etag})
        assert reader.sync().stale == ""
        world.bend = World.bend
        served.asked.clear()
        news(world)
        synced = reader.sync()
        assert (synced.serial, synced.stale) == (2, "")
        assert not any("if-none-match" in each.headers for each in served.asked)


class TestSignedByAThief:
    @pytest.mark.parametrize("row", ["requires", ["requires"], {"a": "requires"}, {"requires": None}, 5, None])
    def test_a_row_that_is_no_model_costs_itself_alone(
        self, gallery: Callable[..., Gallery], world: World, monkeypatch: pytest.MonkeyPatch, row: object
    ) -> None:
        reader = gallery()
        write = world._document  # noqa: SLF001 - the tests' own

        def bent(kind: str, rows: dict[str, Any]) -> dict[str, Any]:
            return write(kind, {**rows, "acme/odd": row} if kind == "llm" else rows)

        monkeypatch.setattr(world, "_document", bent)
        news(world)
        reader.sync()
        assert titles(reader, "llm").keys() == {"acme/one", "acme/two", "acme/new"}
        assert [each for each, _ in reader.skipped()] == ["acme/odd"]

    @pytest.mark.parametrize("numbers", [{"serial": 2**63}, {"epoch": 2**70}, {"epoch": -1}, {"serial": 2**53}])
    def test_numbers_that_nobody_can_count_to(
        self, gallery: Callable[..., Gallery], world: World, numbers: dict[str, int]
    ) -> None:
        reader = gallery()
        reader.sync()
        head = {**world.catalog, "serial": 2, **numbers}
        world.put_head(json.dumps(head, separators=(",", ":"), sort_keys=True).encode())
        refused(reader, ClientError, "epoch", "catalog")

    @pytest.mark.parametrize("where", ["types", "directory", "revoked"])
    def test_documents_that_nobody_could_hold(
        self, gallery: Callable[..., Gallery], world: World, served: Served, where: str
    ) -> None:
        reader = gallery()
        reader.sync()
        head = json.loads(rfc8785.dumps(world.catalog)) | {"serial": 2}
        ref = head["types"]["llm"] if where == "types" else head[where]
        ref |= {"length": 2**31 - 1, "sha256": "ab" * 32, "deltas": []}
        world.put_head(rfc8785.dumps(head))
        served.asked.clear()
        refused(reader, DamagedError, "leads nowhere", "catalog")
        assert not any("abab" in each.path for each in served.asked)

    def test_no_document_is_asked_for_that_is_too_long(self, served: Served) -> None:
        reader = Reader(served.url, None, Limits(), Counted())
        with pytest.raises(DamagedError, match="none may have 64,000,000"):
            reader.document("runtimes/x/y.json", "ab" * 32, asking.LARGEST + 1)
        with pytest.raises(DamagedError, match="none may have"):
            reader.document("runtimes/x/y.json", "ab" * 32, -1)


class TestHomes:
    @pytest.mark.parametrize("how", ["absolute", "climbing"])
    def test_a_journal_leads_nowhere_else(self, tmp_path: Path, how: str) -> None:
        """Who may write a home may be another user than the one who synchronises, and less trusted."""
        home, other = tmp_path / "home", tmp_path / "secret.conf"
        home.mkdir()
        other.write_bytes(b"known content")
        state = homes.State("https://models.example.org/", 1, 1)
        homes.lay(home, "xinference", {"llm.json": b'[{"model_name": "a"}]'}, state)
        journal = home / homes.JOURNAL
        said = json.loads(journal.read_bytes())
        path = str(other) if how == "absolute" else "model/../../secret.conf"
        said["runtimes"]["xinference"]["files"][path] = [canonical.digest(b"known content")]
        journal.write_text(json.dumps(said))
        (home / "model").mkdir(exist_ok=True)
        done = homes.lay(home, "xinference", {}, homes.State("https://models.example.org/", 1, 2))
        assert done.emptied == ("model/v2/builtin/llm/llm_models.json",)
        assert other.read_bytes() == b"known content"
        assert "secret" not in journal.read_text()
