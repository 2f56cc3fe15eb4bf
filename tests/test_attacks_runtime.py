"""Attacks on what a runtime keeps: by a host without keys, by a thief of the online key, by others on the machine."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
import rfc8785
from securesystemslib.signer import CryptoSigner

import worlds
from galleryctl import canonical
from galleryctl.client import ClientError, DamagedError, Gallery, OfflineError, RollbackError, asking, homes
from galleryctl.client.asking import Counted, Reader
from galleryctl.fetch import Limits
from servers import Answer
from worlds import World, listing, news, refused, titles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Result
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

    @pytest.mark.parametrize("port", ["99999", "abc", "1:2", "-1"])
    @pytest.mark.parametrize("path", [".well-known/gallery.json", "metadata/timestamp.json"])
    def test_a_redirect_to_no_port(self, gallery: Callable[..., Gallery], world: World, port: str, path: str) -> None:
        reader = gallery()
        world.bend = lambda asked, answer: (
            Answer(302, b"", {"Location": f"http://127.0.0.1:{port}/x"}) if asked.path.endswith(path) else answer
        )
        with pytest.raises(OfflineError, match="is redirected to what is no address"):
            reader.sync()

    def test_compressed_nothing_without_end(self, gallery: Callable[..., Gallery], world: World) -> None:
        sent = []

        def nothing() -> Iterator[bytes]:
            for _ in range(4096):
                sent.append(gzip.compress(b"") * 1000)
                yield sent[-1]

        reader = gallery()
        reader.sync()
        coded = {"Content-Encoding": "gzip"}
        world.bend = lambda asked, answer: (
            Answer(200, nothing, coded) if asked.path.endswith("timestamp.json") else answer
        )
        refused(reader, DamagedError, "is larger than 16,384 bytes", "timestamp")
        assert len(sent) < 1000


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


class TestRecovery:
    """A thief counts as far as numbers go; the root that takes his key away takes his numbers away too."""

    @pytest.mark.parametrize("numbers", [(2**53 - 1, 1), (1, 2**53 - 2), (2**53 - 1, 2**53 - 2)])
    def test_epoch_and_serial(self, gallery: Callable[..., Gallery], world: World, numbers: tuple[int, int]) -> None:
        reader = gallery()
        reader.sync()
        thief = world.copy()
        thief.epoch, thief.serial = numbers
        world.files, files = thief.publish(llm={"acme/one": listing("Mine")}).files, world.files
        assert reader.sync().epoch == numbers[0]
        world.files = files
        world.rotate(CryptoSigner.generate_ed25519())
        news(world)
        assert (reader.sync().serial, titles(reader, "llm")["acme/one"]) == (2, "Uno")
        older = world.copy()
        older.serial = 0  # from here on it counts again
        world.files = older.publish().files
        refused(reader, RollbackError, "is older than serial 2", "catalog")

    def test_a_key_more_is_no_reason_to_forget(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        world.serial = 5
        world.publish()
        reader.sync()
        world.rotate()  # a new root with the same keys
        world.serial = 1
        world.publish()
        refused(reader, RollbackError, "serial 2 of epoch 1 is older than serial 6", "catalog")


class TestTerminals:
    """Texts of definitions, in every command that tells of them."""

    ODD = "x\x1b[2J\x9b31m\u202e\x07\r\n"

    @pytest.mark.parametrize("where", ["reason", "path", "url"])
    def test_nothing_is_drawn(self, run: Callable[..., Result], tmp_path: Path, where: str) -> None:
        model = listing("One")
        file = model["releases"]["1.0.0"]["variants"][0]["files"]["Q4_K_M"][0]
        if where == "reason":
            model |= {"status": "deprecated", "reason": self.ODD}
        else:
            file |= {where: self.ODD} if where == "path" else {"url": f"https://models.example.org/{self.ODD}"}
        file["sha256"] = None if where == "path" else file["sha256"]
        world = World(now=dt.datetime.now(dt.UTC), models={"llm": {"acme/one": model}})
        leading = {"gallery": 1, "title": "Models", "metadata": "metadata/", "signed": True}
        world.files[".well-known/gallery.json"] = json.dumps(leading).encode()
        (tmp_path / "root.json").write_bytes(world.publish().root)
        with world.serving() as served:
            common = ["--gallery", served.url, "--root", str(tmp_path / "root.json")]
            cached = [*common, "--cache", str(tmp_path / "cache")]
            told = ""
            for words in (
                ["sync", *cached],
                ["resolve", "acme/one", *cached],
                ["resolve", "acme/one", "--format", "json", *cached],
                ["pull", "acme/one", "--into", str(tmp_path / "models"), *cached],
                ["pull", "acme/one", "--into", str(tmp_path / "models"), "--dry-run", "--format", "json", *cached],
                ["mirror", str(tmp_path / "mirror"), "--weights", "acme/one", *common],
            ):
                done = run(*words)
                told += done.stdout + done.stderr
        assert "31m" in told
        assert not {"\x1b", "\x9b", "\u202e", "\x07", "\r"} & set(told)


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
