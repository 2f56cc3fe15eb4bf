"""What a client remembers: a file that is damaged, full, busy or of another version costs a fetch, and no trust."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

import worlds
from galleryctl.client import ClientError, Gallery, OfflineError
from galleryctl.client import cache as remembering
from worlds import World, listing, titles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


world, served, gallery = worlds.world, worlds.served, worlds.gallery


class TestDamaged:
    @pytest.mark.parametrize(
        "damage",
        [
            lambda _: b"",
            lambda _: b"no database at all" * 100,
            lambda data: data[: len(data) // 2],
            lambda data: data[:100] + bytes(len(data) - 100),
            lambda data: data.replace(b'"title":"One"', b'"title":"Two"'),
            lambda data: data.replace(b'"serial":1', b'"serial":3'),
            lambda data: data.replace(b"CREATE TABLE rows", b"CREATE TABLE rowz"),
            lambda data: data.replace(b'"every"', b'"\xff\x1b[2"'),
            lambda data: data.replace(b'"_type":"root"', b'"_type":"roo\xff"'),
            lambda data: data.replace(b'"releases":', b'"\xffeleases":'),
        ],
        ids=["empty", "other", "half", "zeroes", "row", "head", "table", "text", "root", "revoked"],
    )
    def test_is_discarded_and_fetched_again(
        self, gallery: Callable[..., Gallery], world: World, tmp_path: Path, damage: Callable[[bytes], bytes]
    ) -> None:
        world.revoked = [{"id": "acme/one", "releases": ["1.0.0"]}]
        world.rotate()
        world.publish()
        world.serial = 10
        world.publish()
        reader = gallery(root=world.root)
        reader.sync()
        good = list(reader.models()), reader.state().serial
        (file,) = (tmp_path / "cache").glob("*.sqlite")
        data = file.read_bytes()
        file.unlink()
        file.write_bytes(damage(data))
        again = gallery(root=world.root)
        try:
            found = list(again.models())
        except OfflineError as error:
            assert "damaged" in str(error) or file.stat().st_size  # noqa: PT017 - said, or there was nothing to say
            found = []
        assert found in ([], good[0])
        synced = again.sync(["llm", "image"])
        assert (list(again.models()), again.state().serial) == good
        assert all("damaged" in each and "were kept" in each and each.isprintable() for each in synced.warnings)

    def test_revocations_and_roots_outlive_it(
        self, gallery: Callable[..., Gallery], world: World, tmp_path: Path
    ) -> None:
        world.revoked = [{"id": "acme/one", "releases": ["1.0.0"]}]
        world.rotate()
        world.publish()
        reader = gallery(root=world.root)
        reader.sync()
        (file,) = (tmp_path / "cache").glob("*.sqlite")
        file.write_bytes(b"broken" * 1000)
        del world.files["metadata/2.root.json"]  # a host that would have us follow the first root again
        synced = reader.sync()
        (told,) = synced.warnings
        assert told == (
            "the cache was damaged (file is not a database) and is fetched again; "
            "the roots and revocations known so far were kept"
        )
        kept = file.with_suffix(".kept.json")
        assert b"acme/one" in kept.read_bytes()
        kept.write_bytes(kept.read_bytes().replace(b"acme/one", b"acme/two"))
        file.write_bytes(b"broken" * 1000)
        (told,) = reader.sync().warnings  # what does not have its sum is not believed
        assert told.endswith("trust starts at the root given again")

    def test_one_that_another_discards(self, gallery: Callable[..., Gallery], tmp_path: Path) -> None:
        reader = gallery()
        reader.sync()
        (file,) = (tmp_path / "cache").glob("*.sqlite")
        file.unlink()
        gallery().sync()
        assert len(titles(reader)) == 3
        assert reader.sync().warnings == ()

    def test_a_form_of_another_version(self, gallery: Callable[..., Gallery], tmp_path: Path) -> None:
        gallery().sync()
        (file,) = (tmp_path / "cache").glob("*.sqlite")
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA user_version = 9")
        connection.close()
        assert "it has the form 9" in gallery().sync().warnings[0]

    def test_a_disk_that_is_full(self, gallery: Callable[..., Gallery], world: World) -> None:
        reader = gallery()
        reader.sync()
        before = reader.state()

        class Full(sqlite3.Connection):
            def __init__(self, *given: Any, **named: Any) -> None:  # noqa: ANN401 - those of the library
                super().__init__(*given, **named)
                pages = self.execute("PRAGMA page_count").fetchone()[0]
                self.execute(f"PRAGMA max_page_count = {pages}")

        world.models["llm"] |= {f"acme/m{number}": listing("M" * 500) for number in range(200)}
        world.publish()
        connect = sqlite3.connect
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sqlite3, "connect", lambda *given, **named: connect(*given, **named, factory=Full))
            with pytest.raises(ClientError, match="the cache cannot be used: database or disk is full"):
                gallery().sync()
        assert reader.state() == before
        assert reader.sync().serial == 2


def test_a_busy_cache(gallery: Callable[..., Gallery], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "_PATIENCE", 0.2)
    gallery().sync()
    (file,) = (tmp_path / "cache").glob("*.sqlite")
    blocking = sqlite3.connect(file, isolation_level=None)
    blocking.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ClientError, match="the cache cannot be used: database is locked"):
        gallery().sync()
    blocking.execute("ROLLBACK")
    blocking.close()
    assert gallery().sync().serial == 1
