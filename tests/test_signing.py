"""Signing a built gallery: what is due, what is refused, and what clients make of it."""

# ruff: noqa: F811 - fixtures are imported, and parameters have their names

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tuf.ngclient import Updater

from galleryctl import canonical, index, output
from galleryctl import signing as published_by
from galleryctl.errors import OutputError
from galleryctl.fetch import Http
from galleryctl.signing import developing, metadata, online, publication
from galleryctl.signing.errors import SignatureError
from galleryctl.signing.places import Folder, Site
from made import NOW
from publishing import Published, _signed, first_targets, holder, publish, renumber, rotate, serve, signed  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = dt.timedelta(days=1)


def updated(site: Path, root: Path, folder: Path, now: dt.datetime) -> bytes:
    """What a TUF client that knows nothing of galleries fetches over http; `folder` is what it remembers."""
    with serve(site) as host:
        client = Updater(
            str(folder), f"{host.url}/metadata/", target_base_url=f"{host.url}/", bootstrap=root.read_bytes()
        )
        client._trusted_set.reference_time = now  # noqa: SLF001 - it has no parameter for the clock
        client.refresh()
        target = client.get_targetinfo("v1/catalog.json")
        assert target is not None
        return Path(client.download_target(target, str(folder / "head"))).read_bytes()


def remembering(tmp_path: Path) -> Path:
    folder = tmp_path / "client"
    folder.mkdir(exist_ok=True)
    return folder


def head(site: Path) -> bytes:
    return (site / "v1/catalog.json").read_bytes()


def tree(site: Path) -> dict[str, tuple[bytes, int]]:
    """Every file, with the time of its last change: a file that was written again counts as changed."""
    found = sorted(path for path in site.rglob("*") if path.is_file())
    return {path.relative_to(site).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def versions(done: publication.Signed) -> tuple[int, int, int]:
    return done.versions["catalog"], done.versions["snapshot"], done.versions["timestamp"]


# -- what is due


def test_a_tuf_client_fetches_the_head(registry: Callable[..., Path], tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    published = publish(registry(), tmp_path / "site", tmp_path / "keys")
    assert updated(published.site, published.root, remembering(tmp_path), now) == head(published.site)


def test_what_a_reader_fetches_is_small_and_plain(signed: Published) -> None:
    folder = signed.site / "metadata"
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    names, signature = 3 * len('"x-galleryctl-holder":"root-1",'), 214  # holders are named, two sign targets too
    assert sizes == {
        "1.root.json": 2049 + names, "1.targets.json": 729 + signature, "1.catalog.json": 461, "1.snapshot.json": 596,
        "timestamp.json": 469,
    }  # fmt: skip
    for path in folder.iterdir():
        text = path.read_bytes().decode("ascii")
        assert text.isprintable()
        assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) == text


def test_a_second_run_writes_nothing(signed: Published) -> None:
    before = tree(signed.site)
    assert signed.sign(NOW).due == {}
    assert signed.sign(NOW + 23 * dt.timedelta(hours=1)).written == ()
    assert tree(signed.site) == before


def test_discovery_says_that_it_is_signed_and_keeps_what_else_it_says(signed: Published) -> None:
    path = signed.site / ".well-known/gallery.json"
    path.write_bytes(canonical.dumps({"gallery": 1, "title": "T", "later": ["field"], "signed": False}))
    signed.sign(NOW)
    assert json.loads(path.read_bytes()) == {
        "gallery": 1, "title": "T", "later": ["field"], "signed": True, "metadata": "metadata/"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0.9, (1, 1, 1)),
        (1.1, (1, 1, 2)),  # of the seven days of the timestamp less than six remain
        (6.9, (1, 1, 2)),
        (7.1, (1, 2, 2)),
        (14.9, (1, 2, 2)),
        (15.1, (2, 2, 2)),
        (400, None),  # root and targets are over
    ],
)
def test_what_is_due_after_days(signed: Published, days: float, expected: tuple[int, int, int] | None) -> None:
    if expected is None:
        with pytest.raises(SignatureError, match=r"^root 1 expired on 2027-01-02 03:04 UTC, .* have to sign the next"):
            signed.sign(NOW + days * DAY)
    else:
        assert versions(signed.sign(NOW + days * DAY)) == expected
        assert signed.sign(NOW + days * DAY).due == {}


def test_no_reader_meets_an_expired_role_between_two_runs(signed: Published, tmp_path: Path) -> None:
    folder, now = remembering(tmp_path), NOW
    for _ in range(60):  # sixty days, a run every 23 hours, a reader just before the next one
        signed.sign(now)
        now += dt.timedelta(hours=23)
        assert updated(signed.site, signed.root, folder, now) == head(signed.site)


def test_a_reader_follows_a_new_head(signed: Published, tmp_path: Path) -> None:
    folder = remembering(tmp_path)
    first = updated(signed.site, signed.root, folder, NOW)
    renumber(signed.site, serial=2)
    done = signed.sign(NOW + 2 * DAY)
    assert versions(done) == (2, 2, 2)
    assert done.due["catalog"] == "the head is new"
    second = updated(signed.site, signed.root, folder, NOW + 2 * DAY)
    assert first != second == head(signed.site)
    assert (signed.site / "metadata/1.catalog.json").is_file()  # for who holds the timestamp before


def test_a_clock_that_ran_ahead_is_mended(signed: Published, tmp_path: Path) -> None:
    renumber(signed.site, serial=2)
    signed.sign(NOW + 200 * DAY)
    done = signed.sign(NOW)
    assert set(done.due.values()) == {"it was signed by a clock that ran ahead", "what it names is new"}
    assert done.expires["timestamp"] == NOW + 7 * DAY
    assert updated(signed.site, signed.root, remembering(tmp_path), NOW) == head(signed.site)


def test_holders_are_asked_for_in_time(signed: Published) -> None:
    assert signed.sign(NOW + 300 * DAY).warnings == ()
    late = signed.sign(NOW + 306 * DAY).warnings
    assert late == (
        "root 1 expires in 59 days: its holders have to sign the next one",
        "targets 1 expires in 59 days: its holders have to sign the next one",
    )


# -- going on from what was published


def fresh(signed: Published, tmp_path: Path) -> Path:
    """A copy of the tree as it was published, and the tree as a build into a new folder leaves it."""
    live = tmp_path / "live"
    shutil.copytree(signed.site, live)
    shutil.rmtree(signed.site / "metadata")
    return live


def test_versions_go_on_in_a_new_folder(signed: Published, tmp_path: Path) -> None:
    signed.sign(NOW + 8 * DAY)
    folder = remembering(tmp_path)
    updated(signed.site, signed.root, folder, NOW + 8 * DAY)
    live = fresh(signed, tmp_path)
    renumber(signed.site, serial=2)
    done = signed.sign(NOW + 9 * DAY, earlier=live)
    assert versions(done) == (2, 3, 3)
    assert {"1.catalog.json", "1.snapshot.json", "2.snapshot.json"} <= {
        path.name for path in (signed.site / "metadata").iterdir()
    }
    assert updated(signed.site, signed.root, folder, NOW + 9 * DAY) == head(signed.site)


def test_nothing_due_in_a_new_folder_gives_the_same_bytes(signed: Published, tmp_path: Path) -> None:
    live = fresh(signed, tmp_path)
    done = signed.sign(NOW, earlier=live)
    assert done.due == {}
    assert {path.name: path.read_bytes() for path in (signed.site / "metadata").iterdir()} == {
        path.name: path.read_bytes() for path in (live / "metadata").iterdir()
    }


def test_going_on_from_an_address(signed: Published, tmp_path: Path) -> None:
    live = fresh(signed, tmp_path)
    trust = signed.trust
    with serve(live) as host:
        done = publication.sign(
            signed.site, trust, online.from_folder(signed.keys, trust), now=NOW + 2 * DAY,
            earlier=Site(host.url, Http(allow_private=True)),
        )  # fmt: skip
    assert versions(done) == (1, 1, 2)


def test_two_runs_that_signed_the_same_version_are_brought_together(signed: Published, tmp_path: Path) -> None:
    live, folder = tmp_path / "live", remembering(tmp_path)
    shutil.copytree(signed.site, live)
    renumber(live, serial=2)
    signed._replace(site=live).sign(NOW + DAY)
    updated(live, signed.root, folder, NOW + DAY)
    renumber(signed.site, serial=3)
    signed.sign(NOW + 2 * DAY)  # it did not look at what was live
    done = signed.sign(NOW + 2 * DAY, earlier=live)
    assert set(done.due.values()) == {"another run signed the same version", "what it names is new"}
    assert versions(done) == (3, 3, 3)
    assert updated(signed.site, signed.root, folder, NOW + 2 * DAY) == head(signed.site)


def test_where_nothing_was_published_it_begins(signed: Published, tmp_path: Path) -> None:
    fresh(signed, tmp_path)
    (tmp_path / "nothing").mkdir()
    assert versions(signed.sign(NOW, earlier=tmp_path / "nothing")) == (1, 1, 1)


def test_a_host_that_hides_its_metadata_is_no_beginning(signed: Published, tmp_path: Path) -> None:
    live = fresh(signed, tmp_path)
    (live / "metadata/timestamp.json").unlink()
    with pytest.raises(SignatureError, match=r"says that it is signed, and has no metadata/timestamp\.json"):
        signed.sign(NOW, earlier=live)


def test_a_published_state_without_its_head_is_no_beginning(signed: Published, tmp_path: Path) -> None:
    live = fresh(signed, tmp_path)
    for path in (live / "v1").glob("*.catalog.json"):
        path.unlink()
    with pytest.raises(SignatureError, match="lacks the head that it signed"):
        signed.sign(NOW, earlier=live)


@pytest.mark.parametrize("where", ["the folder", "the address"])
@pytest.mark.parametrize(
    ("published", "built", "reason"),
    [
        (
            {"serial": 3},
            {"serial": 2},
            "serial 2 of epoch 1 is older than what .* has, serial 3 of epoch 1; build again",
        ),
        ({"epoch": 2}, {"serial": 9}, "serial 9 of epoch 1 is older than what .* has, serial 1 of epoch 2"),
        ({"serial": 3}, {"serial": 3, "title": "x"}, "serial 3 of epoch 1 is another one in .*: [0-9a-f]{12} there"),
        ({"serial": 3}, {"serial": 4}, ""),
        ({"serial": 3}, {"serial": 1, "epoch": 2}, ""),
    ],
)
def test_no_older_state_is_signed(
    signed: Published, tmp_path: Path, where: str, published: dict[str, Any], built: dict[str, Any], reason: str
) -> None:
    renumber(signed.site, **published)
    signed.sign(NOW)
    live = fresh(signed, tmp_path) if where == "the address" else None
    renumber(signed.site, **built)
    before = tree(signed.site)
    if not reason:
        assert "catalog" in signed.sign(NOW, earlier=live).due
        return
    with pytest.raises(SignatureError, match=reason):
        signed.sign(NOW, earlier=live)
    assert tree(signed.site) == before


def test_another_audience_is_another_gallery(signed: Published, tmp_path: Path) -> None:
    live = fresh(signed, tmp_path)
    renumber(signed.site, serial=2, audience="acme")
    with pytest.raises(SignatureError, match="is for public, this tree for acme: each audience has an address and"):
        signed.sign(NOW, earlier=live)


def test_an_older_trust_does_not_win(signed: Published, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(signed.keys, old)
    rotate(signed.keys, now=NOW)
    signed.sign(NOW)
    live = fresh(signed, tmp_path)
    with pytest.raises(SignatureError, match=r"has root 2, the trust ends at 1: .* sign from the newest one"):
        signed._replace(keys=old).sign(NOW, earlier=live)
    with pytest.raises(SignatureError, match="and no root up to 1 ever named that key"):
        published_by.published(str(live), old / "trust", Http())


def test_targets_of_an_older_trust_do_not_win(signed: Published, tmp_path: Path) -> None:
    following = first_targets(signed.trust.online[0], NOW, version=2)
    following.sign(holder(signed.keys, 1))
    path = signed.keys / "trust/2.targets.json"
    path.write_bytes(metadata.dumps(following))
    assert versions(signed.sign(NOW)) == (1, 2, 2)
    path.unlink()
    with pytest.raises(SignatureError, match="has targets 2, the trust has 1"):
        signed.sign(NOW, earlier=fresh(signed, tmp_path))


def test_another_gallery_is_not_gone_on_from(signed: Published, tmp_path: Path) -> None:
    live = fresh(signed, tmp_path)
    developing.create(tmp_path / "others", NOW)
    with pytest.raises(SignatureError, match="is this another gallery's trust"):
        signed._replace(keys=tmp_path / "others").sign(NOW, earlier=live)


def test_metadata_of_another_trust_in_the_folder_is_told_and_replaced(signed: Published, tmp_path: Path) -> None:
    developing.create(tmp_path / "others", NOW)
    other = signed._replace(keys=tmp_path / "others", root=tmp_path / "others/trust/1.root.json")
    done = other.sign(NOW)
    assert len(done.warnings) == 1
    assert "is not gone on from" in done.warnings[0]
    assert versions(done) == (2, 2, 1)  # no name is used for other bytes
    assert updated(signed.site, other.root, remembering(tmp_path), NOW) == head(signed.site)


@pytest.mark.parametrize("change", ["snapshot", "catalog", "timestamp"])
def test_a_changed_role_is_not_gone_on_from(signed: Published, tmp_path: Path, change: str) -> None:
    live = fresh(signed, tmp_path)
    path = live / "metadata" / ("timestamp.json" if change == "timestamp" else f"1.{change}.json")
    path.write_bytes(path.read_bytes().replace(b'"expires":"2026', b'"expires":"2029'))
    with pytest.raises(SignatureError, match=change):
        signed.sign(NOW, earlier=live)


def test_old_metadata_stays_as_long_as_documents(signed: Published, tmp_path: Path) -> None:
    now = NOW
    for serial in range(2, 36):  # 34 publications in 34 days
        renumber(signed.site, serial=serial)
        now += DAY
        signed.sign(now)
    kept = sorted(version for role, version in Folder(signed.site).metadata() if role == "catalog")
    assert kept == list(range(6, 36))
    live = fresh(signed, tmp_path)
    assert signed.sign(now, earlier=live).due == {}
    assert sorted(version for role, version in Folder(signed.site).metadata() if role == "catalog") == kept
    for serial in range(36, 76):  # 40 in one day: more than thirty, and none older than seven days
        renumber(signed.site, serial=serial)
        signed.sign(now)
    kept = sorted(version for role, version in Folder(signed.site).metadata() if role == "catalog")
    assert kept == list(range(29, 76))
    assert (signed.site / "metadata/1.root.json").is_file()


def test_metadata_that_nobody_is_led_to_goes(signed: Published) -> None:
    folder = signed.site / "metadata"
    for name in ("7.snapshot.json", "2147483648.catalog.json"):
        (folder / name).write_bytes(b"left by a run that was killed, or by a thief")
    done = signed.sign(NOW + 8 * DAY)
    assert done.removed == ("metadata/2147483648.catalog.json", "metadata/7.snapshot.json")
    assert sorted(path.name for path in folder.iterdir()) == [
        "1.catalog.json", "1.root.json", "1.snapshot.json", "1.targets.json", "2.snapshot.json", "timestamp.json"
    ]  # fmt: skip


# -- failing


def test_a_run_that_fails_takes_back_what_it_wrote(signed: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: data for path, (data, _) in tree(signed.site).items()}
    real = output.replace

    def full(path: Path, text: str | bytes) -> bool:
        if path.name == "timestamp.json":
            raise OutputError("cannot write timestamp.json: No space left on device")
        return real(path, text)

    monkeypatch.setattr(output, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        signed.sign(NOW + 16 * DAY)
    assert {path: data for path, (data, _) in tree(signed.site).items()} == before


def test_a_build_goes_on_from_the_verified_head(signed: Published, tmp_path: Path) -> None:
    found = going_on(signed.site, signed)
    assert (found.head_bytes, found.signed) == (head(signed.site), True)
    path = f"v1/directory/{found.head.directory.sha256}.json"
    assert found.read(path) == (signed.site / path).read_bytes()
    (signed.site / path).unlink()
    (signed.site / path).write_bytes(b"{}")
    assert found.read(path) is None
    assert found.read("v1/directory.json") is None  # nothing vouches for a name without a digest
    assert found.read(f"v1/directory/{'0' * 64}.json") is None
    (tmp_path / "empty").mkdir()
    assert published_by.published(str(tmp_path / "empty"), signed.keys / "trust", Http()) is None


def going_on(site: Path, signed: Published) -> published_by.Published:
    found = published_by.published(str(site), signed.keys / "trust", Http())
    assert found is not None
    port: index.Published = found  # what a build asks for
    assert port.head == found.head
    return found


def test_the_first_signed_publication_goes_on_from_an_unsigned_one(signed: Published) -> None:
    shutil.rmtree(signed.site / "metadata")
    with pytest.raises(SignatureError, match="says that it is signed, and has no metadata/timestamp"):
        going_on(signed.site, signed)
    path = signed.site / ".well-known/gallery.json"
    path.write_bytes(path.read_bytes().replace(b'"signed":true', b'"signed":false'))
    found = going_on(signed.site, signed)
    assert (found.head_bytes, found.signed) == (head(signed.site), False)
