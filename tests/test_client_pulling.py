"""Files of a build, brought here from real servers: whole or not at all."""

from __future__ import annotations

import gzip
import json
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from galleryctl.client import pulling
from galleryctl.client.connections import Patience
from galleryctl.client.errors import PullError
from galleryctl.client.places import WORK
from galleryctl.client.pulling import Progress, plan
from galleryctl.client.sources import Address
from galleryctl.fetch import Http
from pulls import DATA, OTHER, PIECE, bounds, dying, http, parts, plain, pulled, sha256, strays, wanted
from servers import Answer, Asked, files, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Server = Callable[[], Callable[[Asked], Answer]]


@pytest.mark.parametrize("ranges", [1, 4])
@pytest.mark.parametrize("server", [parts, plain])
def test_a_file_comes_whole(server: Server, ranges: int, tmp_path: Path) -> None:
    with serving(server()) as served:
        found = pulled(tmp_path, wanted(f"{served.url}/x", name="deep/model.gguf"), bounds=bounds(ranges=ranges))
    place = tmp_path / "deep" / "model.gguf"
    assert found.files == {"deep/model.gguf": place}
    assert place.read_bytes() == DATA
    assert place.stat().st_mode & 0o777 == 0o644
    assert (found.folder, found.fetched, found.reused, found.warnings) == (tmp_path, len(DATA), 0, ())
    assert strays(tmp_path) == ["deep/model.gguf"]


def test_large_files_come_in_pieces_over_several_connections(tmp_path: Path) -> None:
    lock, now, most = threading.Lock(), [0], [0]
    serve = parts()

    def slow(asked: Asked) -> Answer:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        return serve(asked)

    with serving(slow) as served:
        pulled(tmp_path, wanted(served.url))
        assert sorted(int(asked.headers["range"][6:].partition("-")[0]) for asked in served.asked) == [
            PIECE * index for index in range(11)
        ]
    assert most[0] == 4
    assert (tmp_path / "model.gguf").read_bytes() == DATA


def test_an_empty_file_is_one_too(tmp_path: Path) -> None:
    with serving(parts(b"")) as served:
        for size in (0, None):
            found = pulled(tmp_path / str(size), wanted(served.url, data=b"", size=size))
            assert found.files["model.gguf"].read_bytes() == b""


@pytest.mark.parametrize("server", [parts, plain])
def test_sizes_need_not_be_known(server: Server, tmp_path: Path) -> None:
    with serving(server()) as served:
        assert pulled(tmp_path, wanted(served.url, size=None)).files["model.gguf"].read_bytes() == DATA


def test_sizes_that_nobody_says(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield DATA

    with serving(lambda _: Answer(200, chunks)) as served:
        assert pulled(tmp_path, wanted(served.url, size=None)).files["model.gguf"].read_bytes() == DATA


def test_a_server_that_compresses_all_the_same(tmp_path: Path) -> None:
    with serving(lambda _: Answer(200, gzip.compress(DATA), {"Content-Encoding": "gzip"})) as served:
        assert pulled(tmp_path, wanted(served.url)).files["model.gguf"].read_bytes() == DATA


def test_many_files_share_connections(tmp_path: Path) -> None:
    contents = {f"f{index}": DATA[index : index + 1000 * index] for index in range(20)}
    with serving(files(contents)) as served:
        found = pulled(
            tmp_path, *(wanted(f"{served.url}/{name}", data=data, name=name) for name, data in contents.items())
        )
    assert {name: path.read_bytes() for name, path in found.files.items()} == contents


def test_the_same_bytes_under_two_names_come_once(tmp_path: Path) -> None:
    with serving(parts()) as served:
        found = pulled(tmp_path, wanted(served.url, name="a"), wanted(served.url, name="b"))
    assert found.fetched == len(DATA)
    assert [path.read_bytes() == DATA for path in found.files.values()] == [True, True]


class TestWhatIsHere:
    def test_is_not_fetched_again(self, tmp_path: Path) -> None:
        with serving(parts()) as served:
            pulled(tmp_path, wanted(served.url))
            asked = len(served.asked)
            found = pulled(tmp_path, wanted(served.url))
            assert len(served.asked) == asked
        assert (found.fetched, found.reused) == (0, len(DATA))

    def test_needs_no_journal(self, tmp_path: Path) -> None:
        (tmp_path / "model.gguf").write_bytes(DATA)
        found = pulled(tmp_path, wanted("https://192.0.2.1/"))
        assert (found.fetched, found.reused) == (0, len(DATA))
        assert json.loads((tmp_path / WORK / "verified.json").read_text())["model.gguf"][2] == sha256(DATA)

    def test_is_believed_by_size_and_time_and_read_again_on_request(self, tmp_path: Path) -> None:
        with serving(parts()) as served:
            place = pulled(tmp_path, wanted(served.url)).files["model.gguf"]
            status = place.stat()
            place.write_bytes(OTHER)  # bytes that rot change no time
            os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
            journal = tmp_path / WORK / "verified.json"
            row = [len(OTHER), status.st_mtime_ns, sha256(DATA), place.stat().st_ctime_ns]
            journal.write_text(json.dumps({"model.gguf": row}))
            assert pulled(tmp_path, wanted(served.url)).fetched == 0
            assert place.read_bytes() == OTHER
            assert pulled(tmp_path, wanted(served.url), verify=True).fetched == len(DATA)
            assert place.read_bytes() == DATA

    @pytest.mark.parametrize("found", [OTHER, DATA[:-1], b""])
    def test_is_replaced_where_it_is_another_file(self, found: bytes, tmp_path: Path) -> None:
        (tmp_path / "model.gguf").write_bytes(found)
        with serving(parts()) as served:
            assert pulled(tmp_path, wanted(served.url)).fetched == len(DATA)
        assert (tmp_path / "model.gguf").read_bytes() == DATA

    def test_stays_where_the_new_file_does_not_come(self, tmp_path: Path) -> None:
        (tmp_path / "model.gguf").write_bytes(OTHER)
        with serving(lambda _: Answer(404)) as served, pytest.raises(PullError, match="404"):
            pulled(tmp_path, wanted(served.url))
        assert (tmp_path / "model.gguf").read_bytes() == OTHER


class TestRefusedBeforeAByteIsFetched:
    @pytest.mark.parametrize("names", [("../x",), ("ok", "OK"), ("a", "a/b"), ("/etc/x",)])
    def test_names(self, names: tuple[str, ...], tmp_path: Path) -> None:
        with serving(parts()) as served, pytest.raises(PullError, match="would write"):
            pulled(tmp_path, *(wanted(served.url, name=name) for name in names))
        assert served.asked == []
        assert list(tmp_path.iterdir()) == []

    def test_links(self, tmp_path: Path) -> None:
        (tmp_path / "model.gguf").symlink_to(tmp_path / "elsewhere")
        with serving(parts()) as served, pytest.raises(PullError, match="is a link"):
            pulled(tmp_path, wanted(served.url))
        assert served.asked == []

    def test_digests_that_nobody_recorded(self, tmp_path: Path) -> None:
        with serving(parts()) as served:
            bare = wanted(served.url, sha256=None)
            with pytest.raises(PullError, match="galleryctl release"):
                pulled(tmp_path, bare)
            assert served.asked == []
            found = pulled(tmp_path, bare, allow_unverified=True)
        assert found.files["model.gguf"].read_bytes() == DATA
        assert found.warnings == ("model.gguf: no digest is recorded, so nobody can verify it",)

    def test_addresses_inside_this_network(self, tmp_path: Path) -> None:
        with serving(parts()) as served, pytest.raises(PullError, match="allow-private"):
            pulled(tmp_path, wanted(served.url), fetcher=Http())
        assert served.asked == []

    def test_but_not_the_address_that_the_operator_named(self, tmp_path: Path) -> None:
        with serving(parts()) as served:
            own = wanted(addresses=(Address(served.url, "mirror", own=True),))
            assert pulled(tmp_path, own, fetcher=Http(), own=http()).fetched == len(DATA)

    def test_other_addresses_stay_in_use(self, tmp_path: Path) -> None:
        with serving(parts()) as served:
            found = pulled(tmp_path, wanted("https://user:secret@example.org/x", served.url))
        assert found.fetched == len(DATA)
        assert "not asked" in found.warnings[0]
        assert "secret" not in found.warnings[0].partition("credentials")[2]

    def test_what_was_not_asked_is_told_where_nothing_gives_it(self, tmp_path: Path) -> None:
        with serving(lambda _: Answer(404)) as served, pytest.raises(PullError) as caught:
            pulled(tmp_path, wanted("https://user:secret@example.org/x", served.url))
        first, failed, left = str(caught.value).split("\n  ")
        assert first == "model.gguf: no source gave it"
        assert failed.startswith(served.url)
        assert left.startswith("not asked: ")

    def test_more_than_the_quota(self, tmp_path: Path) -> None:
        with serving(parts()) as served, pytest.raises(PullError, match="more than the quota"):
            pulled(tmp_path, wanted(served.url), bounds=bounds(quota=len(DATA) - 1))
        assert served.asked == []

    def test_more_than_the_disk_has(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pulling, "free", lambda _: len(DATA) + 99)
        with serving(parts()) as served:
            with pytest.raises(PullError, match=f"{len(DATA):,} bytes are missing"):
                pulled(tmp_path, wanted(served.url), bounds=bounds(margin=100))
            assert served.asked == []
            pulled(tmp_path, wanted(served.url), bounds=bounds(margin=99))

    def test_nothing_of_a_build_where_one_file_is_refused(self, tmp_path: Path) -> None:
        with serving(parts()) as served, pytest.raises(PullError, match="OCI"):
            pulled(tmp_path, wanted(served.url), wanted(name="b", missing="it is in an OCI artifact"))
        assert served.asked == []


def test_a_plan_asks_nobody(tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(OTHER)
    with serving(parts()) as served:
        asked = [wanted(served.url), wanted(served.url, data=OTHER, name="here")]
        found = plan(asked, tmp_path, fetcher=http())
        assert served.asked == []
    assert [each.name for each in found.wanted] == ["model.gguf"]
    assert [each.name for each in found.here] == ["here"]
    assert found.total == len(DATA) + len(OTHER)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here"]


class TestLimits:
    def test_a_quota_holds_where_sizes_lie(self, tmp_path: Path) -> None:
        def endless() -> Iterator[bytes]:
            while True:
                yield DATA

        with (
            serving(lambda _: Answer(200, endless)) as served,
            pytest.raises(PullError, match="quota of 2,000,000 bytes"),
        ):
            pulled(tmp_path, wanted(served.url, size=None), bounds=bounds(quota=2_000_000))
        assert [name for name in strays(tmp_path) if not name.startswith(WORK)] == []

    def test_a_quota_counts_what_was_in_vain(self, tmp_path: Path) -> None:
        with serving(parts(OTHER)) as wrong, serving(parts()) as served, pytest.raises(PullError, match="quota"):
            pulled(tmp_path, wanted(wrong.url, served.url), bounds=bounds(quota=len(DATA) + 10))

    def test_what_is_almost_silent_is_not_waited_for(self, tmp_path: Path) -> None:
        def drip() -> Iterator[bytes]:
            for index in range(len(DATA)):
                yield DATA[index : index + 1]
                time.sleep(0.02)

        patience = Patience(step=5, window=0.3, slowest=1024, pause=0.01)
        with (
            serving(lambda _: Answer(200, drip, {"Content-Length": str(len(DATA))})) as slow,
            serving(parts()) as served,
        ):
            start = time.monotonic()
            found = pulled(tmp_path, wanted(slow.url, served.url), bounds=bounds(patience=patience))
            assert time.monotonic() - start < 5
        assert "almost nothing" in found.warnings[0]
        assert (tmp_path / "model.gguf").read_bytes() == DATA

    def test_what_is_silent_is_not_waited_for(self, tmp_path: Path) -> None:
        def silent() -> Iterator[bytes]:
            yield DATA[:100]
            time.sleep(3)

        patience = Patience(step=0.2, pause=0.01, tries=2)
        with (
            serving(lambda _: Answer(200, silent, {"Content-Length": str(len(DATA))})) as slow,
            pytest.raises(PullError, match="does not answer in time"),
        ):
            pulled(tmp_path, wanted(slow.url), bounds=bounds(patience=patience))

    def test_all_of_it_takes_no_longer_than_it_may(self, tmp_path: Path) -> None:
        def drip() -> Iterator[bytes]:
            for index in range(0, len(DATA), 1000):
                yield DATA[index : index + 1000]
                time.sleep(0.05)

        with (
            serving(lambda _: Answer(200, drip, {"Content-Length": str(len(DATA))})) as slow,
            pytest.raises(PullError, match="longer than"),
        ):
            pulled(tmp_path, wanted(slow.url), bounds=bounds(patience=Patience(seconds=0.5, pause=0.01)))

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_busy_server_is_asked_again(self, status: int, tmp_path: Path) -> None:
        serve, count = parts(), [0]

        def busy(asked: Asked) -> Answer:
            count[0] += 1
            return Answer(status, b"", {"Retry-After": "1"}) if count[0] % 2 else serve(asked)

        with serving(busy) as served:
            pulled(tmp_path, wanted(served.url), bounds=bounds(ranges=1))
        assert (tmp_path / "model.gguf").read_bytes() == DATA

    def test_one_that_stays_busy_is_left_for_the_next(self, tmp_path: Path) -> None:
        with serving(lambda _: Answer(503, b"", {"Retry-After": "3600"})) as busy, serving(parts()) as served:
            found = pulled(tmp_path, wanted(busy.url, served.url))
            assert len(busy.asked) == 1
        assert "503" in found.warnings[0]


def test_progress_reaches_the_whole(tmp_path: Path) -> None:
    seen: list[Progress] = []
    (tmp_path / "here").write_bytes(OTHER)
    with serving(dying(times=3)) as served:
        asked = [wanted(served.url), wanted(served.url, data=OTHER, name="here")]
        pulled(tmp_path, *asked, progress=seen.append)
    assert [one.bytes for one in seen] == sorted(one.bytes for one in seen)
    assert seen[-1][:4] == (2, 2, len(DATA) + len(OTHER), len(DATA) + len(OTHER))
