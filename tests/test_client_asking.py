"""Where a gallery is read from, and which paths are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from galleryctl.client import DamagedError, asking
from galleryctl.fetch import FetchError, Http, Limits, MissingError
from servers import Answer, serving

LIMITS = Limits(seconds=5.0, attempts=1)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://models.example", "https://models.example/"),
        ("https://models.example/gallery///", "https://models.example/gallery/"),
        ("https://models.example/?token=1#x", "https://models.example/"),
        (Path("/srv/site"), "file:///srv/site/"),
        ("/srv/my site", "file:///srv/my%20site/"),
        ("file:///srv/site", "file:///srv/site/"),
    ],
)
def test_addresses(url: str | Path, address: str) -> None:
    assert asking.base(url) == address


def test_a_login_is_not_shown() -> None:
    assert asking.shown("https://ada:secret@models.example:8443/x/") == "https://models.example:8443/x/"


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.", "a b", "a%2fb", "a\\b", "a?b", "é"])
def test_paths_that_are_none(path: str, tmp_path: Path) -> None:
    assert not asking.plain(path)
    counted = asking.Counted()
    with pytest.raises(DamagedError, match="is no path of a gallery"):
        asking.Reader(tmp_path.as_uri() + "/", None, LIMITS, counted).get(path, 10)
    assert counted.requests == 0


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1/a.json").write_bytes(b"12345")
    counted = asking.Counted()
    reader = asking.Reader(tmp_path.as_uri() + "/", None, LIMITS, counted)
    assert reader.get("v1/a.json", 5).body == b"12345"
    assert (reader.exists("v1/a.json"), reader.exists("v1"), reader.exists("v1/b.json")) == (True, False, False)
    with pytest.raises(DamagedError, match="is larger than 4 bytes"):
        reader.get("v1/a.json", 4)
    with pytest.raises(MissingError):
        reader.get("v1/b.json", 4)
    with pytest.raises(MissingError):
        reader.get("v1/a.json/b", 4)
    with pytest.raises(FetchError, match="cannot be read"):
        reader.get("v1", 4)
    assert (counted.requests, counted.bytes) == (8, 5)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_is_not_there(status: int) -> None:
    with serving(lambda _: Answer(status, b"a long page of the host" * 100)) as served:
        reader = asking.Reader(f"{served.url}/", Http(allow_private=True), LIMITS, asking.Counted())
        assert not reader.exists("metadata/2.root.json")
    assert [each.method for each in served.asked] == ["HEAD"]


def test_what_came_is_counted_as_it_came() -> None:
    import gzip  # noqa: PLC0415 - only here

    data = b"x" * 10_000
    packed = gzip.compress(data)
    counted = asking.Counted()
    with serving(lambda _: Answer(200, packed, {"Content-Encoding": "gzip"})) as served:
        reader = asking.Reader(f"{served.url}/", Http(allow_private=True), LIMITS, counted)
        assert reader.get("a.json", 10_000).body == data
    assert (counted.requests, counted.bytes) == (1, len(packed))
