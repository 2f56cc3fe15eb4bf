"""Other users of the machine, and folders that came from elsewhere: what they say of files counts for nothing."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

import worlds
from galleryctl.client import ClientError, Gallery
from galleryctl.client.errors import PullError
from galleryctl.client.places import WORK
from pulls import DATA, parts, pulled, sha256, wanted
from servers import serving
from worlds import titles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

world, served, gallery = worlds.world, worlds.served, worlds.gallery


@pytest.fixture
def give_away(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Make a file that of another user: in truth where that is allowed."""

    def give(path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, 12345, -1, follow_symlinks=False)
        else:
            monkeypatch.setattr("os.geteuid", lambda: 12345)

    return give


class TestCaches:
    @pytest.mark.parametrize("name", ["*.sqlite", "*.kept.json"])
    def test_what_another_user_planted(
        self, gallery: Callable[..., Gallery], tmp_path: Path, give_away: Callable[[Path], None], name: str
    ) -> None:
        gallery().sync()
        cache = tmp_path / "cache"
        give_away(next(cache.glob(name)))
        cache.chmod(0o1777)
        reader = gallery()
        for ask in (reader.sync, reader.state):
            with pytest.raises(ClientError, match="another user made it"):
                ask()
        cache.chmod(0o700)  # who may write here is trusted
        assert gallery().sync().serial == 1

    def test_a_folder_of_everybody_is_no_harm_by_itself(self, gallery: Callable[..., Gallery], tmp_path: Path) -> None:
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache").chmod(0o777)  # a volume that is made for a container
        reader = gallery()
        reader.sync()
        assert titles(reader)
        assert gallery().sync().serial == 1


class TestFolders:
    def test_a_journal_that_came_along(self, tmp_path: Path) -> None:
        """Unpacked with its times, or copied: what another machine verified, or says so."""
        with serving(parts()) as served:
            pulled(tmp_path / "first", wanted(f"{served.url}/x", name="model.gguf"))
            shutil.copytree(tmp_path / "first", tmp_path / "second")
            place = tmp_path / "second/model.gguf"
            times = place.stat()
            place.write_bytes(b"x" + DATA[1:])
            os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
            found = pulled(tmp_path / "second", wanted(f"{served.url}/x", name="model.gguf"))
        assert found.fetched == len(DATA)
        assert place.read_bytes() == DATA

    @pytest.mark.parametrize(
        "said",
        [
            '{"size": null, "origins": {}, "done": [[0, 1e999]]}',
            '{"size": null, "origins": {}, "done": [[-5, 5]]}',
            '{"size": null, "origins": {}, "done": [[9, 5]]}',
            '{"size": "9", "origins": {}, "done": []}',
            '{"size": -1, "origins": {}, "done": []}',
            '{"size": true, "origins": {}, "done": [["0", "9"]]}',
            '{"size": 1e999, "origins": {}, "done": []}',
        ],
    )
    @pytest.mark.parametrize("size", [len(DATA), None])
    def test_a_journal_of_nonsense(self, tmp_path: Path, said: str, size: int | None) -> None:
        work = tmp_path / WORK
        work.mkdir()
        (work / f"{sha256(DATA)}.part").write_bytes(b"x" * 100)
        (work / f"{sha256(DATA)}.json").write_text(said)
        with serving(parts()) as served:
            pulled(tmp_path, wanted(f"{served.url}/x", name="model.gguf", size=size))
        assert (tmp_path / "model.gguf").read_bytes() == DATA

    def test_a_workplace_that_another_user_planted(self, tmp_path: Path, give_away: Callable[[Path], None]) -> None:
        into = tmp_path / "shared"
        (into / WORK).mkdir(parents=True)
        (into / WORK).chmod(0o777)
        into.chmod(0o1777)
        give_away(into / WORK)
        with serving(parts()) as served, pytest.raises(PullError, match="another user made it"):
            pulled(into, wanted(f"{served.url}/x", name="model.gguf"))
        assert [path.name for path in into.rglob("*")] == [WORK]
