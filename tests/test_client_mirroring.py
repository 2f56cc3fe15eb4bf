"""Mirrors: copies of signed galleries that python-tuf and our own rules take for the original, whatever interrupts."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root
from tuf.ngclient import Updater

from galleryctl import layout
from galleryctl.client import mirroring
from galleryctl.client.errors import DamagedError, ExpiredError, RollbackError, SchemaError, VerificationError
from galleryctl.errors import OutputError
from galleryctl.fetch import FetchError, Http, Limits
from publishing import Published, publish, serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
SUMMARY = "models/llm/acme/tiny/model.yaml"
MODEL = """\
title: Tiny
summary: {}
license: Apache-2.0
tags: [chat]
links: {{repository: https://huggingface.co/acme/tiny}}
"""
RUNTIMES = {"gallery.yaml": "title: Test gallery\nurl: https://gallery.example\nruntimes: [xinference, localai]\n"}


@pytest.fixture
def gallery(registry: Callable[..., Path], tmp_path: Path) -> Published:
    return publish(registry(RUNTIMES), tmp_path / "site", tmp_path / "keys", now=NOW)


def again(gallery: Published, commit: Callable[..., str], summary: str, *, hours: int = 1) -> None:
    """Another state of the gallery."""
    registry = gallery.site.parent / "repository" / "registry"
    commit(registry, {SUMMARY: MODEL.format(summary)}, message=summary)
    publish(registry, gallery.site, gallery.keys, now=NOW + dt.timedelta(hours=hours))


def mirror(gallery: Published, out: Path, url: str | Path | None = None, **options: object) -> mirroring.Copied:
    asked = {"fetcher": Http(allow_private=True), "now": NOW + dt.timedelta(hours=2), **options}
    return mirroring.mirror(url or gallery.site, gallery.root.read_bytes(), out, **asked)  # type: ignore[arg-type]


def files(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {path: data for path, data in found.items() if path != mirroring.JOURNAL}


def whole(gallery: Published, out: Path, work: Path) -> int:
    """Follow a copy by python-tuf, and every digest from the head on; the serial of the head."""
    work.mkdir()
    with serve(out) as served:
        updater = Updater(
            str(work), f"{served.url}/metadata/", str(work), f"{served.url}/", bootstrap=gallery.root.read_bytes()
        )
        target = updater.get_targetinfo(layout.CATALOG)
        assert target is not None
        catalog = json.loads((work / updater.download_target(target, str(work / "catalog.json"))).read_bytes())
    assert json.loads((out / layout.CATALOG).read_bytes()) == catalog
    for kind, ref in catalog["types"].items():
        assert addressed(out, layout.type_document(kind), ref)
    assert addressed(out, layout.REVOKED, catalog["revoked"])
    for identifier, ref in addressed(out, layout.DIRECTORY, catalog["directory"])["models"].items():
        assert addressed(out, layout.model_document(identifier), ref)["id"] == identifier
    serial: int = catalog["serial"]
    return serial


def addressed(out: Path, path: str, ref: dict[str, Any]) -> dict[str, Any]:
    data = (out / layout.addressed(path, ref["sha256"])).read_bytes()
    assert (out / path).read_bytes() == data
    found: dict[str, Any] = json.loads(data)
    return found


# -- what a mirror holds


@pytest.mark.parametrize("how", ["http", "folder", "file"])
def test_a_mirror_verifies_with_the_original_root(gallery: Published, tmp_path: Path, how: str) -> None:
    out = tmp_path / "mirror"
    with serve(gallery.site) as served:
        addresses: dict[str, str | Path] = {"http": served.url, "folder": gallery.site, "file": gallery.site.as_uri()}
        url = addresses[how]
        copied = mirror(gallery, out, url)
    assert whole(gallery, out, tmp_path / "work") == copied.serial
    assert copied.models == 1
    assert copied.expires == NOW + dt.timedelta(days=7)
    original = files(gallery.site)
    found = files(out)
    assert {path: original.get(path) for path in found} == found
    assert {
        layout.DISCOVERY,
        layout.TIMESTAMP,
        "metadata/1.root.json",
        "v1/schemas/catalog.schema.json",
    } <= found.keys()
    assert not [path for path in found if path.endswith(".html")]
    assert (copied.written, copied.kept, copied.pruned) == (len(found), 0, 0)


def test_a_mirror_of_a_mirror_is_the_same(gallery: Published, tmp_path: Path) -> None:
    mirror(gallery, tmp_path / "one")
    mirror(gallery, tmp_path / "two", tmp_path / "one")
    assert files(tmp_path / "two") == files(tmp_path / "one")


def test_a_second_run_writes_nothing_and_fetches_little(gallery: Published, tmp_path: Path) -> None:
    out = tmp_path / "mirror"
    first = mirror(gallery, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    second = mirror(gallery, out)
    assert (second.written, second.pruned, second.kept) == (0, 0, first.written)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == before
    assert not list(tmp_path.glob(".mirror*"))


def test_a_change_brings_what_changed_and_keeps_the_state_before(
    gallery: Published, commit: Callable[..., str], tmp_path: Path
) -> None:
    out = tmp_path / "mirror"
    serial = mirror(gallery, out).serial
    first = files(out)
    again(gallery, commit, "A better chat model.")
    second = mirror(gallery, out)
    assert whole(gallery, out, tmp_path / "work") == second.serial == serial + 1
    assert second.pruned == 0
    assert first.keys() - files(out).keys() == set(), "who reads the state before finds all of it"
    again(gallery, commit, "A still better chat model.", hours=2)
    third = mirror(gallery, out)
    assert third.pruned > 0
    assert whole(gallery, out, tmp_path / "more") == serial + 2
    old = {path for path in first if path.startswith("v1/models/") and path.count("/") == 4}
    assert len(old) == 1
    assert not old & files(out).keys()


def test_what_a_disk_lost_comes_back(gallery: Published, tmp_path: Path) -> None:
    out = tmp_path / "mirror"
    mirror(gallery, out)
    good = files(out)
    for number, path in enumerate(sorted(good)):
        if number % 2:
            (out / path).unlink()
        else:
            data = good[path]
            (out / path).unlink()
            (out / path).write_bytes(bytes([data[0] ^ 1]) + data[1:])
    mirror(gallery, out)
    assert files(out) == good


def test_types_that_are_not_asked_for_are_left_out(gallery: Published, tmp_path: Path) -> None:
    out = tmp_path / "mirror"
    assert mirror(gallery, out, types={"image"}).models == 0
    assert not [path for path in files(out) if path.startswith(("v1/types/llm", "v1/models/acme"))]
    assert mirror(gallery, out).models == 1
    whole(gallery, out, tmp_path / "work")


def rotate(gallery: Published, version: int) -> Path:
    """The next root, signed by two of its holders."""
    trust = gallery.keys / "trust"
    root = Metadata[Root].from_bytes((trust / f"{version - 1}.root.json").read_bytes())
    root.signed.version = version
    root.signatures.clear()
    for number in (1, 2):
        private = load_pem_private_key((gallery.keys / f"root-{number}.pem").read_bytes(), None)
        assert isinstance(private, Ed25519PrivateKey)
        root.sign(CryptoSigner(private), append=True)
    path = trust / f"{version}.root.json"
    path.write_bytes(root.to_bytes())
    return path


def test_earlier_roots_come_along_for_who_trusts_them(gallery: Published, tmp_path: Path) -> None:
    rotate(gallery, 2)
    newest = gallery._replace(root=rotate(gallery, 3))
    gallery.sign(NOW)
    out = tmp_path / "mirror"
    mirror(newest, out)
    assert {"metadata/1.root.json", "metadata/2.root.json", "metadata/3.root.json"} <= files(out).keys()
    whole(gallery, out, tmp_path / "work")
    assert mirror(newest, out).written == 0


def test_earlier_roots_that_lead_elsewhere_are_refused(
    gallery: Published, registry: Callable[..., Path], tmp_path: Path
) -> None:
    other = publish(registry(name="other"), tmp_path / "other-site", tmp_path / "other-keys", now=NOW)
    newest = gallery._replace(root=rotate(gallery, 2))
    gallery.sign(NOW)
    first = gallery.site / "metadata/1.root.json"
    good = first.read_bytes()
    first.write_bytes(other.root.read_bytes())
    with pytest.raises(VerificationError):
        mirror(newest, tmp_path / "mirror")
    first.unlink()
    mirror(newest, tmp_path / "mirror")
    assert "metadata/1.root.json" not in files(tmp_path / "mirror"), "it is of use to those only who trust it"
    first.write_bytes(good)
    mirror(newest, tmp_path / "mirror")
    whole(gallery, tmp_path / "mirror", tmp_path / "work")


# -- what is refused


def test_what_is_not_what_was_signed_stops_the_run(
    gallery: Published, commit: Callable[..., str], tmp_path: Path
) -> None:
    out = tmp_path / "mirror"
    mirror(gallery, out)
    before = files(out)
    again(gallery, commit, "A better chat model.")
    (changed,) = [
        path for path in files(gallery.site) if path.startswith("v1/models/acme/tiny/") and path not in before
    ]
    good = (gallery.site / changed).read_bytes()
    (gallery.site / changed).unlink()
    (gallery.site / changed).write_bytes(good.replace(b"better", b"badder"))
    with pytest.raises(DamagedError, match="has the digest"):
        mirror(gallery, out)
    assert {path: files(out)[path] for path in before} == before
    whole(gallery, out, tmp_path / "work")
    (gallery.site / changed).unlink()
    with pytest.raises(FetchError, match="there is nothing"):
        mirror(gallery, out)
    (gallery.site / changed).write_bytes(good)
    assert mirror(gallery, out).written > 0
    whole(gallery, out, tmp_path / "more")


def test_an_older_gallery_does_not_replace_a_newer_one(
    gallery: Published, commit: Callable[..., str], tmp_path: Path
) -> None:
    out, older = tmp_path / "mirror", tmp_path / "older"
    mirror(gallery, older)
    again(gallery, commit, "A better chat model.")
    mirror(gallery, out)
    before = files(out)
    with pytest.raises(RollbackError):
        mirror(gallery, out, older)
    assert files(out) == before


def test_another_root_is_refused(gallery: Published, registry: Callable[..., Path], tmp_path: Path) -> None:
    other = publish(registry(name="other"), tmp_path / "other-site", tmp_path / "other-keys", now=NOW)
    with pytest.raises(VerificationError):
        mirror(other, tmp_path / "mirror", gallery.site)
    assert not (tmp_path / "mirror").exists()


def test_the_mirror_of_another_gallery_is_not_overwritten(
    gallery: Published, registry: Callable[..., Path], tmp_path: Path
) -> None:
    other = publish(registry(name="other"), tmp_path / "other-site", tmp_path / "other-keys", now=NOW)
    out = tmp_path / "mirror"
    mirror(gallery, out)
    before = files(out)
    with pytest.raises(OutputError, match="another root"):
        mirror(other, out)
    assert files(out) == before


def test_expired_metadata_are_not_copied(gallery: Published, tmp_path: Path) -> None:
    with pytest.raises(ExpiredError, match="timestamp"):
        mirror(gallery, tmp_path / "mirror", now=NOW + dt.timedelta(days=8))
    assert not (tmp_path / "mirror").exists()


def test_a_folder_with_other_things_is_not_touched(gallery: Published, tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "photo.jpg").write_bytes(b"1")
    with pytest.raises(OutputError, match="holds what no mirror wrote"):
        mirror(gallery, tmp_path / "mirror")
    assert files(tmp_path / "mirror") == {"photo.jpg": b"1"}


@pytest.mark.parametrize("text", ["", "[]", '{"mirror":1}', '{"mirror":1,"now":["../x"],"before":[],"coming":[]}'])
def test_a_journal_that_nobody_understands_stops_the_run(gallery: Published, tmp_path: Path, text: str) -> None:
    out = tmp_path / "mirror"
    mirror(gallery, out)
    (out / mirroring.JOURNAL).write_text(text)
    before = files(out)
    with pytest.raises(OutputError, match="cannot be read"):
        mirror(gallery, out)
    assert files(out) == before


def test_other_files_in_a_mirror_stay(gallery: Published, commit: Callable[..., str], tmp_path: Path) -> None:
    out = tmp_path / "mirror"
    mirror(gallery, out)
    (out / "README").write_text("Ask Ada.")
    (out / "v1" / "types" / "mine.json").write_text("{}")
    for number in range(3):
        again(gallery, commit, f"Number {number}.", hours=number)
        mirror(gallery, out)
    assert (out / "README").read_text() == "Ask Ada."
    assert (out / "v1" / "types" / "mine.json").is_file()


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_what_is_in_the_way_is_not_replaced(gallery: Published, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "mirror"
    mirror(gallery, out)
    (out / layout.REVOKED).unlink()
    if kind == "link":
        (out / layout.REVOKED).symlink_to(tmp_path / "elsewhere")
    else:
        (out / layout.REVOKED).mkdir()
    with pytest.raises(OutputError, match="is in the way"):
        mirror(gallery, out)
    assert not (tmp_path / "elsewhere").exists()
    assert (out / layout.REVOKED).is_symlink() == (kind == "link")


def test_what_nobody_vouches_for_may_be_missing_and_is_told(gallery: Published, tmp_path: Path) -> None:
    (gallery.site / "v1/schemas/delta.schema.json").unlink()
    assert mirror(gallery, tmp_path / "mirror").missing == ("v1/schemas/delta.schema.json",)
    whole(gallery, tmp_path / "mirror", tmp_path / "work")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"metadata": "tuf/"}, SchemaError),
        ({"catalog": "../catalog.json"}, SchemaError),
        ({"title": 7}, SchemaError),
        (None, DamagedError),
    ],
)
def test_the_document_that_leads_to_the_index_has_to_lead_there(
    gallery: Published, tmp_path: Path, change: dict[str, object] | None, error: type[Exception]
) -> None:
    path = gallery.site / layout.DISCOVERY
    told = json.loads(path.read_bytes())
    path.write_text("[]" if change is None else json.dumps(told | change))
    with pytest.raises(error):
        mirror(gallery, tmp_path / "mirror")
    assert not (tmp_path / "mirror" / layout.TIMESTAMP).exists(), "no client takes it for a gallery"


# -- what interruptions leave


def killed(step: int, work: Callable[[], object]) -> bool:
    """Do it in another process, which dies before it changes a name in a mirror for the nth time; whether it did."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = step

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in {"os.rename", "os.remove", "os.link"} and "mirror" in f"{arguments[0]}{arguments[1]}":
            left -= 1
            if left == 0:
                os._exit(9)

    sys.addaudithook(count)
    try:
        work()
    except BaseException:  # noqa: BLE001 - nothing may come back into the test
        os._exit(1)
    os._exit(0)


def test_a_kill_anywhere_leaves_a_whole_gallery(gallery: Published, commit: Callable[..., str], tmp_path: Path) -> None:
    old = tmp_path / "old"
    mirror(gallery, old)
    again(gallery, commit, "Second.")
    mirror(gallery, old)
    serial = whole(gallery, old, tmp_path / "work")
    again(gallery, commit, "Third.", hours=2)
    later = NOW + dt.timedelta(hours=3)
    seen, step, dead = set(), 0, True
    while dead:
        out = tmp_path / f"mirror-{step}"
        subprocess.run(["cp", "-a", str(old), str(out)], check=True)
        dead = killed(step + 1, partial(mirror, gallery, out, now=later))
        seen.add(whole_by_digest(gallery, out, tmp_path / f"work-{step}"))
        mirror(gallery, out, now=later)
        assert json.loads((out / layout.CATALOG).read_bytes())["serial"] == serial + 1
        shutil.rmtree(out)
        step += 1
    assert seen == {serial, serial + 1}
    assert step > 20


def whole_by_digest(gallery: Published, out: Path, work: Path) -> int:
    """As `whole`, for who starts from the timestamp: stable names may be those of either state for a moment."""
    work.mkdir()
    with serve(out) as served:
        updater = Updater(
            str(work), f"{served.url}/metadata/", str(work), f"{served.url}/", bootstrap=gallery.root.read_bytes()
        )
        target = updater.get_targetinfo(layout.CATALOG)
        assert target is not None
        catalog = json.loads((work / updater.download_target(target, str(work / "catalog.json"))).read_bytes())
    for kind, ref in catalog["types"].items():
        assert (out / layout.addressed(layout.type_document(kind), ref["sha256"])).is_file()
    path = out / layout.addressed(layout.DIRECTORY, catalog["directory"]["sha256"])
    for identifier, ref in json.loads(path.read_bytes())["models"].items():
        assert (out / layout.addressed(layout.model_document(identifier), ref["sha256"])).is_file()
    serial: int = catalog["serial"]
    return serial


def test_a_host_that_sends_without_end_is_cut_off(gallery: Published, tmp_path: Path) -> None:
    out = tmp_path / "mirror"
    (gallery.site / layout.TIMESTAMP).write_bytes(b"x" * 20_000)
    with pytest.raises(DamagedError):
        mirror(gallery, out, limits=Limits(seconds=5, attempts=1))
