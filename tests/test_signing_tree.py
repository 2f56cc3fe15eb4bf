"""Trees that are not what their head says, and trees made to lead elsewhere."""

# ruff: noqa: F811 - fixtures are imported, and parameters have their names

from __future__ import annotations

import datetime as dt
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from galleryctl import canonical, layout
from galleryctl.fetch import Http
from galleryctl.signing import tree
from galleryctl.signing.errors import SignatureError
from galleryctl.signing.places import Folder, Site, place
from made import NOW
from publishing import Published, _signed, serve, signed  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def ref(data: bytes, **more: object) -> dict[str, Any]:
    return {"sha256": canonical.digest(data), "length": len(data), **more}


def change(site: Path, **members: object) -> None:
    """Give the head other members and the next serial, as whoever makes trees can."""
    data = json.loads((site / layout.CATALOG).read_bytes())
    data |= {"serial": data["serial"] + 1} | members
    head = canonical.dumps(data)
    for path in (layout.CATALOG, layout.addressed(layout.CATALOG, canonical.digest(head))):
        (site / path).unlink(missing_ok=True)
        (site / path).write_bytes(head)


def document(site: Path, path: str, value: object, **more: object) -> dict[str, Any]:
    """Put a document under its digest; what names it."""
    data = canonical.dumps(value)
    named = site / layout.addressed(path, canonical.digest(data))
    named.parent.mkdir(parents=True, exist_ok=True)
    named.write_bytes(data)
    return ref(data, **more)


def named(site: Path) -> list[Path]:
    """All files that the head names."""
    head = tree.head(Folder(site))
    return [site / each.path for each in tree.everything(Folder(site), head.catalog)]


def refused(signed: Published) -> str:
    """Why a tree is not signed; it is left as it was."""
    before = {path: path.read_bytes() for path in signed.site.rglob("*") if path.is_file()}
    with pytest.raises(SignatureError) as caught:
        signed.sign(NOW)
    assert {path: path.read_bytes() for path in signed.site.rglob("*") if path.is_file()} == before
    return str(caught.value)


def test_every_document_of_the_index_is_read(signed: Published) -> None:
    paths = named(signed.site)
    assert len(paths) == len(set(paths))
    kinds = {path.relative_to(signed.site).parts[1] for path in paths}
    assert {"types", "revoked", "models", "directory"} <= kinds
    for path in paths:
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert "has the digest" in refused(signed), path
        path.write_bytes(data[:-1])
        assert f"has {len(data) - 1} bytes, expected {len(data)}" in refused(signed), path
        path.write_bytes(data + b" ")
        assert f"has {len(data) + 1} bytes, expected {len(data)} at most" in refused(signed), path
        path.unlink()
        assert "is missing in" in refused(signed), path
        path.write_bytes(data)
    signed.sign(NOW)


def test_the_head_lies_under_its_digest_too(signed: Published) -> None:
    data = (signed.site / layout.CATALOG).read_bytes()
    (signed.site / layout.addressed(layout.CATALOG, canonical.digest(data))).unlink()
    assert "catalog.json is missing in" in refused(signed)


def test_a_giant_file_is_not_read(signed: Published) -> None:
    path = named(signed.site)[0]
    path.unlink()
    with path.open("wb") as file:
        file.truncate(2**40)  # a hole: it takes no space, and reading it would take hours
    with pytest.raises(SignatureError, match="has 1099511627776 bytes, expected"):
        signed.sign(NOW)
    with (signed.site / layout.CATALOG).open("r+b") as file:
        file.truncate(2**40)
    with pytest.raises(SignatureError, match=r"v1/catalog\.json has 1099511627776 bytes, expected 4194304 at most"):
        signed.sign(NOW)


def test_links_are_not_followed(signed: Published, tmp_path: Path) -> None:
    path = named(signed.site)[0]
    (tmp_path / "secret").write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(tmp_path / "secret")
    assert "is a symbolic link, and none is followed" in refused(signed)
    path.unlink()
    (tmp_path / "secret").rename(path)
    folder = path.parent
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert f"{folder.relative_to(signed.site)} is a symbolic link" in refused(signed)


@pytest.mark.parametrize("name", ["metadata", "metadata/timestamp.json", "metadata/1.root.json"])
def test_nothing_is_written_over_a_link(signed: Published, tmp_path: Path, name: str) -> None:
    path = signed.site / name
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    before = sorted(each.stat().st_mtime_ns for each in tmp_path.rglob("*") if each.is_file())
    with pytest.raises(SignatureError, match=f"{name} is a symbolic link, and none is followed"):
        signed.sign(NOW + dt.timedelta(days=20))
    assert sorted(each.stat().st_mtime_ns for each in tmp_path.rglob("*") if each.is_file()) == before


def test_what_is_no_file_is_not_waited_for(signed: Published) -> None:
    path = named(signed.site)[0]
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(SignatureError, match="is no file; build again"):
        signed.sign(NOW)


@pytest.mark.parametrize(
    "kind", ["../../outside", "/etc", "a/../../../../outside", "..", "a\\b", "a\0b", "a//b", "./a", "a\nb"]
)
def test_paths_do_not_lead_out(signed: Published, kind: str) -> None:
    data = json.loads((signed.site / layout.CATALOG).read_bytes())
    change(signed.site, types={kind: next(iter(data["types"].values()))})
    assert "leads out of the tree, and is not read" in refused(signed)


@pytest.mark.parametrize("digest", ["../../../x", "A" * 64, "", "0" * 63, "é" * 64])
def test_a_digest_is_a_digest(signed: Published, digest: str) -> None:
    change(signed.site, revoked={"since": 1, "sha256": digest, "length": 5})
    assert "which is no SHA-256" in refused(signed)


def test_an_id_is_an_id(signed: Published) -> None:
    data = b"{}"
    value = {"schema": "1.0", "models": {"../x": {"type": "llm"} | ref(data)}}
    change(signed.site, directory=document(signed.site, layout.DIRECTORY, value, since=1))
    assert "cannot be read: models" in refused(signed)


def natives(signed: Published, runtime: str, path: str, data: bytes, **wrong: object) -> None:
    value = {"schema": "1.0", "runtimes": {runtime: {path: ref(data) | wrong}}}
    change(signed.site, runtimes=document(signed.site, layout.NATIVES, value, since=1))


def test_native_files_belong_to_the_tree(signed: Published) -> None:
    natives(signed, "xinference", "llm.json", b"[]")
    assert "runtimes/xinference/llm/" in refused(signed)
    path = signed.site / layout.addressed("runtimes/xinference/llm.json", canonical.digest(b"[]"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"[]")
    signed.sign(NOW)
    natives(signed, "xinference", "llm.json", b"[]", length=3)
    assert "has 2 bytes, expected 3" in refused(signed)
    natives(signed, "..", "llm.json", b"[]")
    assert "leads out of the tree" in refused(signed)


def generations(signed: Published, files: dict[str, int], head: bytes) -> None:
    row = {"serial": 1, "epoch": 1, "built": "2026-01-01T00:00:00Z", "files": files} | ref(head)
    value = {"schema": "1.0", "generations": [row]}
    change(signed.site, generations=document(signed.site, layout.GENERATIONS, value, since=2))


def test_files_of_earlier_heads_belong_to_the_tree(signed: Published) -> None:
    head = (signed.site / layout.CATALOG).read_bytes()
    path = f"v1/types/llm/{canonical.digest(b'old')}.json"
    generations(signed, {path: 3}, head)
    assert f"{path} is missing" in refused(signed)
    (signed.site / path).write_bytes(b"odd")
    assert "has the digest" in refused(signed)
    (signed.site / path).write_bytes(b"old")
    signed.sign(NOW)
    generations(signed, {path: 3}, b"no such head")
    assert ".catalog.json is missing" in refused(signed)
    generations(signed, {"index.html": 3}, head)
    assert "keeps index.html, which is not named by a digest" in refused(signed)
    generations(signed, {f"../{canonical.digest(b'old')}.json": 3}, head)
    assert "leads out of the tree" in refused(signed)


def test_deltas_belong_to_the_tree(signed: Published) -> None:
    data = json.loads((signed.site / layout.CATALOG).read_bytes())
    for kind in ("llm", "directory"):
        delta = {"from": 1, "sha256": canonical.digest(b"delta"), "length": 5}
        if kind == "llm":
            change(signed.site, types={"llm": data["types"]["llm"] | {"deltas": [delta]}})
        else:
            change(signed.site, directory=data["directory"] | {"deltas": [delta]})
        path = signed.site / layout.delta_document(kind, canonical.digest(b"delta"))
        assert f"v1/delta/{kind}/" in refused(signed)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"delta")
    signed._replace(site=signed.site).sign(NOW)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"schema": "2.0"}, "has schema 2.0, known is 1.0; use a newer galleryctl"),
        ({"serial": "many"}, "v1/catalog.json cannot be read: serial: "),
        ({"types": None}, "v1/catalog.json cannot be read: types: "),
    ],
)
def test_a_head_that_cannot_be_read(signed: Published, members: dict[str, Any], reason: str) -> None:
    change(signed.site, **members)
    assert reason in refused(signed)


def test_a_newer_minor_schema_is_signed(signed: Published) -> None:
    change(signed.site, schema="1.9", later={"field": 1})
    signed.sign(NOW)


@pytest.mark.parametrize(
    "spoil", [lambda site: (site / layout.CATALOG).unlink(), lambda site: (site / layout.DISCOVERY).unlink()]
)
def test_a_folder_that_is_no_gallery(signed: Published, spoil: Callable[[Path], None]) -> None:
    spoil(signed.site)
    assert "galleryctl build" in refused(signed) or "build it again" in refused(signed)


@pytest.mark.parametrize("data", [b"[]", b"{", b"\xff", b"[" * 100_000])
def test_a_discovery_document_that_is_none(signed: Published, data: bytes) -> None:
    path = signed.site / layout.DISCOVERY
    path.unlink()
    path.write_bytes(data)
    assert ".well-known/gallery.json is no JSON object" in refused(signed)


def test_an_address_is_read_like_a_folder(signed: Published) -> None:
    catalog = tree.head(Folder(signed.site)).catalog
    with serve(signed.site) as host:
        remote = Site(f"{host.url}/", Http(allow_private=True))
        assert tree.check(remote, catalog) == tree.check(Folder(signed.site), catalog)
        path = named(signed.site)[0]
        path.write_bytes(path.read_bytes() + b" ")
        with pytest.raises(SignatureError, match=r"has more than \d+ bytes, which is all that is expected"):
            tree.check(remote, catalog)
        with pytest.raises(SignatureError, match="leads out of the tree"):
            remote.read("v1/../../x", 5)
        assert remote.read("v1/nothing.json", 5) is None


def test_a_place_is_a_folder_or_an_address(tmp_path: Path) -> None:
    assert place("https://gallery.example/", Http()).where == "https://gallery.example"
    with pytest.raises(SignatureError, match="is no folder: name the root of a gallery, or its address"):
        place(str(tmp_path / "nothing"), Http())


@pytest.mark.parametrize(("name", "number"), [("epoch", 2**53), ("serial", 2**53), ("epoch", -1)])
def test_numbers_that_no_reader_counts_to(signed: Published, name: str, number: int) -> None:
    data = json.dumps(json.loads((signed.site / layout.CATALOG).read_bytes()) | {name: number}).encode()
    for path in (layout.CATALOG, layout.addressed(layout.CATALOG, canonical.digest(data))):
        (signed.site / path).write_bytes(data)
    before = (signed.site / layout.TIMESTAMP).read_bytes()
    with pytest.raises(SignatureError, match=rf"has the {name} {number}, and readers count to 9007199254740991: set"):
        signed.sign(NOW)
    assert (signed.site / layout.TIMESTAMP).read_bytes() == before


def test_a_document_that_no_reader_takes(signed: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    head = tree.head(Folder(signed.site)).catalog
    longest = max(each.length for each in tree.everything(Folder(signed.site), head))
    monkeypatch.setattr(layout, "LARGEST", longest)
    signed.sign(NOW)
    monkeypatch.setattr(layout, "LARGEST", longest - 1)
    with pytest.raises(SignatureError, match=rf"has {longest:,} bytes, and readers take {longest - 1:,} of a document"):
        signed.sign(NOW)
