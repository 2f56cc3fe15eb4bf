"""Verifying a published gallery: what passes, what each fault is told as, and how both commands read on a terminal."""

# ruff: noqa: F811 - fixtures are imported, and parameters have their names

from __future__ import annotations

import datetime as dt
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from tuf.api.metadata import Metadata, MetaFile

from galleryctl import building, canonical, layout, signing
from galleryctl.fetch import Http
from galleryctl.signing import developing, metadata, online, publication, tree, verifying
from galleryctl.signing.errors import SignatureError
from galleryctl.signing.places import Folder, Site
from made import NOW
from publishing import Published, _signed, publish, renumber, rotate, serve, signed  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result

    Run = Callable[..., Result]

DAY = dt.timedelta(days=1)


def verify(signed: Published, now: dt.datetime = NOW, **options: Any) -> verifying.Verified:  # noqa: ANN401 - of verify
    return verifying.verify(Folder(signed.site), signed.root.read_bytes(), now=now, **options)


def refused(signed: Published, now: dt.datetime = NOW, **options: Any) -> str:  # noqa: ANN401 - of verify
    with pytest.raises(SignatureError) as caught:
        verify(signed, now, **options)
    return str(caught.value)


def test_a_published_gallery_verifies_over_http(signed: Published) -> None:
    with serve(signed.site) as host:
        remote = Site(host.url, Http(allow_private=True))
        done = verifying.verify(remote, signed.root.read_bytes(), now=NOW)
    assert done.warnings == ()
    assert done.head.data == (signed.site / layout.CATALOG).read_bytes()
    assert {role: each.version for role, each in done.roles.items()} == dict.fromkeys(verifying.ROLES, 1)
    assert done.roles["timestamp"].expires == NOW + 7 * DAY
    assert len(done.roles["root"].keys) == 2
    assert done.roles["timestamp"].keys == (signed.trust.online[0].keyid,)
    assert done.files == len(list(tree.everything(Folder(signed.site), done.head.catalog)))


def test_a_clock_that_is_behind_is_told(signed: Published) -> None:
    verify(signed, NOW - DAY)
    told = refused(signed, NOW - 2 * DAY)
    assert "was built on 2026-01-02 03:04 UTC, and it is 2025-12-31 03:04; set the clock right" in told


def test_after_a_rotation_it_verifies_from_the_first_root(signed: Published) -> None:
    rotate(signed.keys, now=NOW)
    rotate(signed.keys, now=NOW)
    signed.sign(NOW)
    assert verify(signed).roles["root"].version == 3
    (signed.site / "metadata/1.root.json").unlink()
    assert "metadata/1.root.json is missing" in refused(signed)
    (signed.site / "metadata/2.root.json").unlink()
    assert "timestamp was signed by 0/1 keys" in refused(signed)


def test_every_document_counts(signed: Published) -> None:
    head = tree.head(Folder(signed.site))
    for named in list(tree.everything(Folder(signed.site), head.catalog)):
        path = signed.site / named.path
        data = path.read_bytes()
        path.unlink()
        assert f"{named.path} is missing" in refused(signed)
        path.write_bytes(data.replace(b'"', b"'", 1))
        assert f"{named.path} has the digest" in refused(signed)
        path.write_bytes(data)
    verify(signed)


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        (6.9, ""),
        (
            7.1,
            "timestamp 1 expired on 2026-01-09 03:04 UTC, and it is 2026-01-09 05:28; sign the tree again, or",
        ),
        (
            366,
            "root 1 expired on 2027-01-02 03:04 UTC, and it is 2027-01-03 03:04; its holders have to sign the",
        ),
    ],
)
def test_what_is_too_old(signed: Published, days: float, reason: str) -> None:
    if reason:
        assert reason in refused(signed, NOW + days * DAY)
    else:
        verify(signed, NOW + days * DAY)


def test_the_canary_sees_what_is_coming(signed: Published) -> None:
    verify(signed, online_for=2 * DAY, offline_for=30 * DAY)
    late = NOW + 5.5 * DAY
    verify(signed, late)
    told = "timestamp 1 expires on 2026-01-09 03:04 UTC, expected later than 2026-01-09 15:04: signing again is overdue"
    assert told in refused(signed, late, online_for=2 * DAY)
    signed.sign(NOW + 340 * DAY)
    verify(signed, NOW + 340 * DAY, online_for=2 * DAY)
    assert "targets 1 expires on 2027-01-02" in refused(signed, NOW + 340 * DAY, offline_for=30 * DAY)


def test_with_a_memory_nothing_older_is_accepted(signed: Published, tmp_path: Path) -> None:
    old, memory = tmp_path / "old", tmp_path / "memory"
    shutil.copytree(signed.site, old)
    verify(signed, state=memory)
    verify(signed, state=memory)
    renumber(signed.site, serial=2)
    signed.sign(NOW)
    assert verify(signed, state=memory).head.catalog.serial == 2
    assert "New timestamp version 1 must be >= 2" in refused(signed._replace(site=old), state=memory)
    verify(signed._replace(site=old))  # a new client cannot tell: hence the memory


def test_a_lower_serial_is_refused_even_when_it_is_signed(signed: Published, tmp_path: Path) -> None:
    renumber(signed.site, serial=5)
    signed.sign(NOW)
    verify(signed, state=tmp_path / "memory")
    for path in (signed.site / "v1").glob("*.catalog.json"):
        path.unlink()  # the head that would stop a rollback in this folder
    renumber(signed.site, serial=4)
    signed.sign(NOW)
    assert "serial 4 of epoch 1 came after serial 5 of epoch 1" in refused(signed, state=tmp_path / "memory")
    renumber(signed.site, serial=4, epoch=2)
    signed.sign(NOW)
    verify(signed, state=tmp_path / "memory")


def test_the_numbers_of_a_thief_go_with_his_key(signed: Published, tmp_path: Path) -> None:
    good, memory = tmp_path / "good", tmp_path / "memory"
    shutil.copytree(signed.site, good)
    renumber(signed.site, epoch=2**53 - 1)
    signed.sign(NOW)
    verify(signed, state=memory)
    shutil.rmtree(signed.site)
    good.rename(signed.site)
    for serial in (2, 3):
        renumber(signed.site, serial=serial)
        signed.sign(NOW)
    told = refused(signed, state=memory)
    assert "serial 3 of epoch 1 came after serial 1 of epoch 9007199254740991" in told
    rotate(signed.keys, now=NOW)
    signed.sign(NOW)
    directory = tree.head(Folder(signed.site)).catalog.directory.sha256
    missing = signed.site / layout.addressed(layout.DIRECTORY, directory)
    data = missing.read_bytes()
    missing.unlink()
    assert "is missing" in refused(signed, state=memory)  # the metadata are remembered already, the head is not
    missing.write_bytes(data)
    assert verify(signed, state=memory).head.catalog.serial == 3
    for path in (signed.site / "v1").glob("*.catalog.json"):
        path.unlink()
    renumber(signed.site, serial=1)
    signed.sign(NOW)
    told = refused(signed, state=memory)  # from here on it counts again
    assert "serial 1 of epoch 1 came after serial 3 of epoch 1" in told
    assert "where a thief signed it, replace the online key" in told


def resigned(signed: Published, role: str, change: Callable[[Any], Any]) -> None:
    """Change what the online key vouches for, as its thief can, or a program that is not ours."""
    signer, folder = online.from_folder(signed.keys, signed.trust), signed.site / "metadata"
    files = {"catalog": "1.catalog.json", "snapshot": "1.snapshot.json", "timestamp": "timestamp.json"}
    made: dict[str, Metadata[Any]] = {
        name: Metadata[Any].from_bytes((folder / file).read_bytes()) for name, file in files.items()
    }
    change(made[role].signed)
    for name in ("catalog", "snapshot", "timestamp"):
        above = {"catalog": "snapshot", "snapshot": "timestamp"}.get(name)
        made[name].sign(signer)
        data = metadata.dumps(made[name])
        (folder / files[name]).write_bytes(data)
        if above == "snapshot" and "catalog.json" in made[above].signed.meta:
            made[above].signed.meta["catalog.json"] = MetaFile.from_data(1, data, ["sha256"])
        elif above == "timestamp":
            made[above].signed.snapshot_meta = MetaFile.from_data(1, data, ["sha256"])


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "catalog"])
def test_each_role_that_expired_is_told(signed: Published, role: str) -> None:
    resigned(signed, role, lambda it: setattr(it, "expires", NOW - DAY))
    told = f"{role} 1 expired on 2026-01-01 03:04 UTC, and it is 2026-01-02 03:04; sign the tree again, or set"
    assert told in refused(signed)


@pytest.mark.parametrize(
    ("role", "change", "verifying_says", "signing_says"),
    [
        ("snapshot", lambda it: it.meta.pop("catalog.json"), "catalog was delegated but is not part of snapshot",
         "metadata/1.snapshot.json in SITE names no catalog"),
        ("snapshot", lambda it: it.meta.pop("targets.json"), "Role targets was delegated but", "names no targets"),
        ("snapshot", lambda it: setattr(it.meta["targets.json"], "version", 7), "metadata/7.targets.json is missing",
         "metadata/7.targets.json is missing in SITE, and metadata/1.snapshot.json leads there"),
        ("catalog", lambda it: it.targets.clear(), "the role catalog signs no v1/catalog.json",
         "metadata/1.catalog.json names no v1/catalog.json with its SHA-256"),
    ],
)  # fmt: skip
def test_what_an_online_key_cannot_make_us_stumble_over(
    signed: Published, tmp_path: Path, role: str, change: Callable[[Any], Any], verifying_says: str, signing_says: str
) -> None:
    resigned(signed, role, change)
    assert verifying_says in refused(signed)
    live = tmp_path / "live"
    shutil.copytree(signed.site, live)
    shutil.rmtree(signed.site / "metadata")
    with pytest.raises(SignatureError) as caught:
        signed.sign(NOW, earlier=live)
    assert signing_says.replace("SITE", str(live)) in str(caught.value)
    assert "after a theft go on from a copy of the last good tree, with --earlier DIR" in str(caught.value)


def strangers(signed: Published, tmp_path: Path) -> None:
    developing.create(tmp_path / "others", NOW)
    shutil.rmtree(signed.site / "metadata")
    signed._replace(keys=tmp_path / "others").sign(NOW)


def cut(signed: Published, _: Path) -> None:
    path = signed.site / "metadata/1.snapshot.json"
    path.write_bytes(path.read_bytes()[:-10])


def endless(signed: Published, _: Path) -> None:
    with (signed.site / "metadata/timestamp.json").open("r+b") as file:
        file.truncate(2**40)


def another_head(signed: Published, _: Path) -> None:
    path = next((signed.site / "v1").glob("*.catalog.json"))
    path.write_bytes(path.read_bytes().replace(b"public", b"secret"))


def mixed(signed: Published, tmp_path: Path) -> None:
    shutil.copy(signed.site / "metadata/timestamp.json", tmp_path / "old")
    renumber(signed.site, serial=2)
    signed.sign(NOW)
    shutil.copy(signed.site / "metadata/2.snapshot.json", signed.site / "metadata/1.snapshot.json")
    shutil.copy(tmp_path / "old", signed.site / "metadata/timestamp.json")


def unsigned(signed: Published, _: Path) -> None:
    shutil.rmtree(signed.site / "metadata")
    path = signed.site / layout.DISCOVERY
    path.write_bytes(path.read_bytes().replace(b'"signed":true', b'"signed":false'))


def hidden(signed: Published, _: Path) -> None:
    (signed.site / "metadata/timestamp.json").unlink()


def empty(signed: Published, _: Path) -> None:
    shutil.rmtree(signed.site)
    signed.site.mkdir()


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (strangers, "does not verify: timestamp was signed by 0/1 keys; its keys are not those of the root"),
        (cut, "does not verify: Observed length 586 does not match expected length 596"),
        (endless, "metadata/timestamp.json has 1099511627776 bytes, expected 16384 at most"),
        (another_head, "does not verify: Observed hash"),
        (mixed, "does not verify: Observed hash"),
        (unsigned, "is not signed: nobody vouches for what it says; `galleryctl sign` signs it"),
        (hidden, "says that it is signed, and has no metadata/timestamp.json; publish it again"),
        (empty, "is no gallery: it has neither .well-known/gallery.json nor v1/catalog.json"),
    ],
)
def test_attacks(
    signed: Published, tmp_path: Path, run: Run, attack: Callable[[Published, Path], None], reason: str
) -> None:
    attack(signed, tmp_path)
    assert reason in refused(signed)
    done = run("verify", signed.site, "--root", signed.root, "--now", "2026-01-02T03:04:05Z")
    assert done.exit_code == 3
    assert reason in done.stderr
    assert done.stdout == ""
    with serve(signed.site) as host:
        there = run("verify", host.url, "--root", signed.root, "--now", "2026-01-02T03:04:05Z", "--format", "json")
    assert there.exit_code == 3
    assert json.loads(there.stdout)["verified"] is False
    assert json.loads(there.stdout)["problem"] in there.stderr


def test_names_that_nothing_signs_are_warned_of(signed: Published) -> None:
    path = signed.site / layout.CATALOG
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data.replace(b"public", b"secret"))
    (signed.site / layout.DISCOVERY).unlink()
    (signed.site / layout.DISCOVERY).write_bytes(canonical.dumps({"gallery": 1, "audience": "acme"}))
    assert verify(signed).warnings == (
        "v1/catalog.json is not the head that was signed: readers that verify nothing see another one",
        ".well-known/gallery.json does not say that the gallery is signed",
        ".well-known/gallery.json is for acme, and the head for public",
    )


# -- the commands


def test_the_commands_from_keys_to_verify(registry: Callable[..., Path], run: Run, tmp_path: Path) -> None:
    site, keys = tmp_path / "site", tmp_path / "keys"
    assert run("build", "--registry", registry(), "--out", site, "--now", "2026-01-02").exit_code == 0
    assert run("keys", "init", "--out", keys, "--now", "2026-01-02").exit_code == 0
    first = run("sign", site, "--keys", keys, "--now", "2026-01-02")
    assert (first.exit_code, first.stdout) == (0, "")
    assert first.stderr.startswith(f"{site}: signed\nserial 1, epoch 1, ")
    again = run("sign", site, "--keys", keys, "--now", "2026-01-02T12:00:00Z")
    assert again.stderr.startswith(f"{site}: nothing was due\n")
    later = run("sign", site, "--keys", keys, "--now", "2026-01-10", "--earlier", "none")
    assert [line.split()[:2] for line in later.stderr.splitlines()[2:]] == [
        ["timestamp", "2"], ["snapshot", "2"], ["catalog", "1"], ["targets", "1"], ["root", "1"]
    ]  # fmt: skip
    root = keys / "trust/1.root.json"
    done = run("verify", site, "--root", root, "--now", "2026-01-12T06:00:00Z")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "built 2026-01-02 00:00 UTC, 10 days ago" in done.stdout
    assert all(len(line) <= 60 for line in done.stdout.splitlines() if str(tmp_path) not in line)
    data = json.loads(run("verify", site, "--root", root, "--now", "2026-01-12T06:00:00Z", "--format", "json").stdout)
    assert (data["verified"], data["serial"], data["epoch"], data["age"]) == (True, 1, 1, 10 * 86400 + 6 * 3600)
    assert data["roles"]["snapshot"]["version"] == 2
    assert data["roles"]["timestamp"]["expires"] == "2026-01-17T00:00:00Z"
    assert len(data["roles"]["root"]["keys"]) == 2
    held = run("keys", "status", "--keys", keys, "--now", "2026-01-12").stdout
    assert all(key[:12] in held and key[:12] in done.stdout for key in data["roles"]["root"]["keys"])
    short = run("verify", site, "--root", root, "--now", "2026-01-12", "--online-for", "6d")
    assert (short.exit_code, "timestamp 2 expires on 2026-01-17" in short.stderr) == (3, True)


def test_going_on_from_an_address_on_the_command_line(signed: Published, run: Run, tmp_path: Path) -> None:
    live = tmp_path / "live"
    shutil.copytree(signed.site, live)
    shutil.rmtree(signed.site / "metadata")
    with serve(live) as host:
        words = ("sign", signed.site, "--keys", signed.keys, "--refuse-rollback-from", host.url, "--now")
        assert run(*words, "2026-01-09").exit_code == 0
        renumber(signed.site, serial=0)
        old = run(*words, "2026-01-09")
    assert old.exit_code == 3
    assert "serial 0 of epoch 1 is older than what" in old.stderr
    gone = run(*words, "2026-01-09")
    assert gone.exit_code == 3
    assert host.url in gone.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["sign", "SITE"], "no trust in registry/trust: No such file or directory"),
        (["sign", "SITE", "--trust", "KEYS/trust"], "no online key: give --online URI or --keys DIR"),
        (["sign", "SITE", "--keys", "KEYS", "--earlier", "nowhere"], "nowhere is no folder"),
        (["sign", "nowhere", "--keys", "KEYS"], "Directory 'nowhere' does not exist"),
        (["verify", "SITE"], "name the root that is trusted with --root"),
        (["verify", "SITE", "--root", "KEYS/trust/1.root.json", "--online-for", "soon"], "'soon' is no time"),
        (["verify", "SITE", "--root", "KEYS/online.pem"], "does not verify"),
    ],
)
def test_wrong_words(signed: Published, run: Run, tmp_path: Path, words: list[str], reason: str) -> None:
    given = [each.replace("SITE", str(signed.site)).replace("KEYS", str(signed.keys)) for each in words]
    done = run(*given, cwd=tmp_path)
    assert done.exit_code in {2, 3}
    assert reason in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_history_of_publications(registry: Callable[..., Path], commit: Callable[..., str], tmp_path: Path) -> None:
    root = registry()
    memory = tmp_path / "memory"
    published = publish(root, tmp_path / "site", tmp_path / "keys", now=NOW)
    for number in range(1, 4):
        verify(published, NOW + number * DAY, state=memory)
        model = f"title: Tiny\nsummary: Release {number}.\nlicense: Apache-2.0\n"
        commit(root, {"models/llm/acme/tiny/model.yaml": model})
        published = publish(root, tmp_path / "site", tmp_path / "keys", now=NOW + number * DAY)
        done = verify(published, NOW + number * DAY, state=memory)
        assert done.head.catalog.serial == number + 1
        assert done.roles["catalog"].version == number + 1


def test_a_history_of_publications_in_new_folders(
    registry: Callable[..., Path], commit: Callable[..., str], tmp_path: Path
) -> None:
    """As it is in a workflow: nothing but the address is left of the publication before."""
    root, keys, live = registry(), tmp_path / "keys", tmp_path / "live"
    first = publish(root, live, keys, now=NOW)
    trust, fetcher = first.trust, Http(allow_private=True)
    verify(first, state=tmp_path / "memory")
    heads = [tree.head(Folder(live))]
    with serve(live) as host:
        for number in range(1, 4):
            now = NOW + number * DAY
            commit(root, {"models/llm/acme/tiny/model.yaml": f"title: T\nsummary: Change {number}.\nlicense: MIT\n"})
            site = tmp_path / f"site-{number}"
            done = building.build(
                building.Wanted(root, site, now=now, earlier=host.url),
                reader=lambda where: signing.published(where, keys / "trust", fetcher),
            )
            assert done.errors == ()
            signer = online.from_folder(keys, trust)
            publication.sign(site, trust, signer, now=now, earlier=Site(host.url, fetcher))
            shutil.rmtree(live)  # a deployment replaces the whole
            site.rename(live)
            verify(first, now, state=tmp_path / "memory")
            heads.append(tree.head(Folder(live)))
    assert [each.catalog.serial for each in heads] == [1, 2, 3, 4]
    for each in heads:  # what a cache still leads to is all there
        tree.check(Folder(live), each.catalog)
    assert sorted(Folder(live).metadata()) == sorted(
        [("root", 1), ("targets", 1), *((role, number) for role in ("catalog", "snapshot") for number in (1, 2, 3, 4))]
    )


def test_where_nothing_says_where_it_is_published_no_command_asks_this_machine(
    registry: Callable[..., Path], run: Run, tmp_path: Path
) -> None:
    folder, keys, site = registry(), tmp_path / "keys", tmp_path / "site"
    lines = (folder / "gallery.yaml").read_text().splitlines(keepends=True)
    (folder / "gallery.yaml").write_text("".join(line for line in lines if not line.startswith("url:")))
    assert run("keys", "init", "--out", keys).exit_code == 0
    assert run("build", "-r", folder, "--out", site).exit_code == 0
    root = keys / "trust/1.root.json"
    for words in (
        ("build", "--out", tmp_path / "other", "--earlier", "site"),
        ("sign", site, "--keys", keys, "--earlier", "site"),
        ("verify", "--root", root),
    ):
        done = run(*words, "-r", folder)
        assert (done.exit_code, "set `url` in gallery.yaml" in done.stderr) == (2, True), done.stderr
