"""Reading from an offset on: files of this machine, objects of a store, addresses of the web."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from galleryctl.client.errors import PullError
from galleryctl.client.origins import ChangedError, local, origin
from galleryctl.client.sources import Address
from galleryctl.fetch import FetchError, Http, Limits, MissingError, RefusedError
from pulls import DATA, OTHER, PIECE, bounds, http, parts, pulled, wanted
from servers import Answer, ranged, serving
from stores import BUCKET

if TYPE_CHECKING:
    from pathlib import Path

    from stores import Client

LIMITS = Limits(bytes=2**30)


def read(url: str, start: int, stop: int | None, validator: str = "") -> tuple[Any, bytes]:
    with origin(Address(url, "url"), http()).read(start, stop, validator, LIMITS) as body:
        return body, b"".join(body.chunks)


class TestFiles:
    def test_parts_of_them(self, tmp_path: Path) -> None:
        place = tmp_path / "a b"
        place.write_bytes(DATA)
        body, data = read(place.as_uri(), 5, 10)
        assert (body.start, body.size, body.parts, data) == (5, len(DATA), True, DATA[5:10])
        assert read(place.as_uri(), 0, None)[1] == DATA
        place.write_bytes(OTHER + b"x")
        with pytest.raises(ChangedError):
            read(place.as_uri(), 5, 10, body.validator)

    def test_what_is_no_file(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(MissingError):
            read((tmp_path / "missing").as_uri(), 0, None)
        for name in ("pipe", "."):
            with pytest.raises(FetchError, match="is no file"):
                read((tmp_path / name).as_uri(), 0, None)

    @pytest.mark.parametrize("url", ["file:x", "file://host/x", "file:///a%00b", "https://x/"])
    def test_addresses_that_name_none(self, url: str) -> None:
        with pytest.raises(RefusedError):
            local(url)

    def test_pulled(self, tmp_path: Path) -> None:
        (tmp_path / "source").write_bytes(DATA)
        into = tmp_path / "into"
        pulled(into, wanted((tmp_path / "source").as_uri()))
        assert (into / "model.gguf").read_bytes() == DATA
        assert (into / "model.gguf").stat().st_ino != (tmp_path / "source").stat().st_ino


class TestObjects:
    def test_parts_of_them(self, s3: Client) -> None:
        s3.put_object(Bucket=BUCKET, Key="deep/model x.gguf", Body=DATA)
        url = f"s3://{BUCKET}/deep/model x.gguf"
        body, data = read(url, 5, 10)
        assert (body.start, body.size, body.parts, data) == (5, len(DATA), True, DATA[5:10])
        s3.put_object(Bucket=BUCKET, Key="deep/model x.gguf", Body=OTHER)
        with pytest.raises(ChangedError):
            read(url, 5, 10, body.validator)

    def test_pulled(self, s3: Client, tmp_path: Path) -> None:
        s3.put_object(Bucket=BUCKET, Key="model.gguf", Body=DATA)
        found = pulled(tmp_path, wanted(f"s3://{BUCKET}/model.gguf"))
        assert found.fetched == len(DATA)
        assert (tmp_path / "model.gguf").read_bytes() == DATA

    def test_the_next_source_where_there_is_none(self, s3: Client, tmp_path: Path) -> None:  # noqa: ARG002
        with serving(parts()) as served:
            found = pulled(tmp_path, wanted(f"s3://{BUCKET}/missing", "s3://no-such-bucket/x", served.url))
        assert len(found.warnings) == 2
        assert (tmp_path / "model.gguf").read_bytes() == DATA

    def test_a_store_inside_this_network_is_allowed_first(self, s3: Client, tmp_path: Path) -> None:
        s3.put_object(Bucket=BUCKET, Key="model.gguf", Body=DATA)
        with pytest.raises(PullError, match="only https is asked"):
            pulled(tmp_path, wanted(f"s3://{BUCKET}/model.gguf"), fetcher=Http())

    @pytest.mark.usefixtures("s3")
    def test_without_the_library_another_source_may_do(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "s3fs", None)
        with serving(parts()) as served:
            found = pulled(tmp_path, wanted(f"s3://{BUCKET}/x", "s3://X", served.url))
        assert "pip install 'galleryctl[s3]'" in found.warnings[0]
        assert "is no prefix of an object store" in found.warnings[1]


class TestTheWeb:
    def test_conditions_are_sent_where_they_mean_something(self) -> None:
        with serving(lambda asked: ranged(asked, DATA, {"ETag": '"a"'})) as served:
            assert read(served.url, 0, None)[0].parts is False
            assert read(served.url, 0, 9, '"a"')[1] == DATA[:9]
            assert read(served.url, 9, None, '"a"')[1] == DATA[9:]
            sent = [(asked.headers.get("range"), asked.headers.get("if-range")) for asked in served.asked]
        assert sent == [(None, None), ("bytes=0-8", None), ("bytes=9-", '"a"')]

    @pytest.mark.parametrize("etag", ['W/"a"', "a", '"a', '"a\u00e9"', '""', ""])
    def test_tags_that_do_not_stand_for_bytes(self, etag: str) -> None:
        with serving(lambda asked: ranged(asked, DATA, {"ETag": etag})) as served:
            assert read(served.url, 0, 9)[0].validator == ""

    def test_a_change_between_two_parts(self) -> None:
        with serving(parts(DATA, '"b"')) as served, pytest.raises(ChangedError):
            read(served.url, 9, 20, '"a"')

    @pytest.mark.parametrize(
        "said", ["", "bytes 0-8/9", "bytes 9-8", "bytes */9", "items 9-20/99", "bytes 9-20/" + "9" * 40]
    )
    def test_parts_that_nobody_asked_for(self, said: str) -> None:
        with (
            serving(lambda _: Answer(206, DATA[9:21], {"Content-Range": said})) as served,
            pytest.raises(FetchError, match="another part"),
        ):
            read(served.url, 9, 21)


def test_a_pull_in_small_pieces_over_one_connection(tmp_path: Path) -> None:
    with serving(parts()) as served:
        pulled(tmp_path, wanted(served.url), bounds=bounds(ranges=1, piece=PIECE // 3))
        assert len(served.asked) == 31
    assert (tmp_path / "model.gguf").read_bytes() == DATA
