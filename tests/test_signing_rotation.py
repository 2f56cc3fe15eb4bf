"""Rotation, expiry, revocation and recovery of each role, seen by python-tuf's client with the state of yesterday."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tuf.api.exceptions import ExpiredMetadataError, RepositoryError, UnsignedMetadataError
from tuf.api.metadata import Metadata, Root, Snapshot, Timestamp

from galleryctl.signing import ceremony, developing, draft, metadata, online, pairs, rotating
from galleryctl.signing.errors import SignatureError
from galleryctl.signing.trust import Trust
from publishing import Published, _signed, holder, renumber, serve  # noqa: F401 - a fixture among them
from tufclient import Yesterday

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from securesystemslib.signer import CryptoSigner

    from conftest import Result

    Run = Callable[..., Result]

TODAY = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


class Gallery(NamedTuple):
    """A signed gallery on a host, and a client that has its first publication."""

    published: Published
    url: str
    client: Yesterday
    folder: Path

    @property
    def trust(self) -> Path:
        return self.published.keys / "trust"

    def another(self, serial: int, now: dt.datetime = TODAY) -> bytes:
        """Publish another head; its bytes."""
        renumber(self.published.site, serial=serial, title=f"number {serial}")
        self.published.sign(now, earlier=self.published.site)
        return (self.published.site / "v1/catalog.json").read_bytes()

    def newcomer(self, name: str) -> Yesterday:
        """Another client, which begins with the first root."""
        return Yesterday(self.folder / name, self.url, self.published.root.read_bytes())


@pytest.fixture
def galleries(tmp_path: Path, _signed: Path) -> Iterator[Callable[..., Gallery]]:  # noqa: F811
    from contextlib import ExitStack  # noqa: PLC0415 - here only

    with ExitStack() as stack:

        def make(now: dt.datetime = TODAY) -> Gallery:
            site, keys = tmp_path / "site", tmp_path / "keys"
            shutil.copytree(_signed / "site", site)
            shutil.rmtree(site / "metadata")
            developing.create(keys, now)
            published = Published(site, keys, keys / "trust/1.root.json")
            published.sign(now)
            url = stack.enter_context(serve(site)).url
            client = Yesterday(tmp_path / "client", url, published.root.read_bytes())
            return Gallery(published, url, client, tmp_path)

        yield make


@pytest.fixture
def gallery(galleries: Callable[..., Gallery]) -> Gallery:
    found = galleries()
    assert found.client.head() == (found.published.site / "v1/catalog.json").read_bytes()
    return found


CHANGES = {
    "root": ("rotate", "root", "--key", "root-1"),
    "root-more": ("rotate", "root", "--add", "dora", "--add", "eve", "--threshold", "3"),
    "targets": ("rotate", "targets", "--add", "dora", "--remove", "root-1"),
    "online": ("rotate", "online"),
    "renew": ("renew",),
    "renew-targets": ("renew", "targets"),
    "revoke": ("revoke", "root-2"),
    "recover": ("recover", "--stolen"),
}


@pytest.mark.parametrize("words", CHANGES.values(), ids=CHANGES)
def test_a_client_of_yesterday_follows(gallery: Gallery, run: Run, words: tuple[str, ...]) -> None:
    before = Trust.read(gallery.trust)
    done = run("keys", *words, "--keys", gallery.published.keys)
    assert done.exit_code == 0, done.stderr
    after = Trust.read(gallery.trust)
    assert (len(after.roots), len(after.targets)) > (len(before.roots), len(before.targets))
    assert not (gallery.trust / "draft").exists()
    head = gallery.another(2)
    assert json.loads(head)["title"] == "number 2"
    assert gallery.client.head() == head
    assert gallery.newcomer("new").head() == head


def test_a_client_that_skipped_every_step_follows(gallery: Gallery, run: Run) -> None:
    taken = {"targets": ("rotate", "targets", "--add", "fay", "--remove", "root-2"), "revoke": ("revoke", "root-3")}
    for number, words in enumerate((CHANGES | taken).values(), 2):
        done = run("keys", *words, "--keys", gallery.published.keys)
        assert done.exit_code == 0, (words, done.stderr)
        head = gallery.another(number)
    assert len(Trust.read(gallery.trust).roots) == len(CHANGES)  # the first, and one for each but `renew targets`
    assert gallery.client.head() == head


def test_the_same_once_more_changes_nothing(gallery: Gallery, run: Run) -> None:
    run("keys", "rotate", "root", "--add", "dora", "--keys", gallery.published.keys)
    held = {path.name: path.read_bytes() for path in gallery.trust.iterdir()}
    again = run("keys", "rotate", "root", "--add", "dora", "--keys", gallery.published.keys)
    assert "it is so already" in again.stderr
    assert {path.name: path.read_bytes() for path in gallery.trust.iterdir()} == held


# -- what no longer counts


def forged(gallery: Gallery, signer: CryptoSigner, version: int) -> None:
    """Timestamp and snapshot of a version far ahead, by this key: what a thief would publish."""
    site = gallery.published.site
    timestamp = Metadata[Timestamp].from_file(str(site / "metadata/timestamp.json"))
    known = timestamp.signed.snapshot_meta.version
    snapshot = Metadata[Snapshot].from_file(str(site / f"metadata/{known}.snapshot.json"))
    snapshot.signed.version = version
    snapshot.sign(signer)
    data = metadata.dumps(snapshot)
    (site / f"metadata/{version}.snapshot.json").write_bytes(data)
    timestamp.signed.version = version
    timestamp.signed.snapshot_meta = type(timestamp.signed.snapshot_meta).from_data(version, data, ["sha256"])
    timestamp.sign(signer)
    (site / "metadata/timestamp.json").write_bytes(metadata.dumps(timestamp))


def test_an_old_online_key_counts_no_more(gallery: Gallery, run: Run) -> None:
    keys = gallery.published.keys
    old = pairs.from_file(keys / "online.pem", password=str)
    run("keys", "recover", "--keys", keys)
    gallery.another(2)
    assert old.public_key.keyid not in {key.keyid for key in Trust.read(gallery.trust).online}
    gallery.client.head()
    forged(gallery, old, 1000)
    with pytest.raises(UnsignedMetadataError):
        gallery.client.head()
    with pytest.raises(UnsignedMetadataError):
        gallery.newcomer("new").head()
    with pytest.raises(SignatureError, match="may not sign"):
        online.from_pem(old.private_bytes, Trust.read(gallery.trust), "the old key")


def test_clients_that_followed_a_thief_far_ahead_come_back(gallery: Gallery, run: Run) -> None:
    keys = gallery.published.keys
    forged(gallery, pairs.from_file(keys / "online.pem", password=str), 1_000_000)
    gallery.client.head()
    stored = Metadata[Timestamp].from_file(str(gallery.client.folder / "metadata/timestamp.json"))
    assert stored.signed.version == 1_000_000
    done = run("keys", "recover", "--stolen", "--keys", keys)
    assert "raise `epoch` by one" in done.stderr
    shutil.rmtree(gallery.published.site / "metadata")  # nothing that can be gone on from: versions begin anew
    renumber(gallery.published.site, serial=2)
    gallery.published.sign(TODAY)
    head = (gallery.published.site / "v1/catalog.json").read_bytes()
    assert gallery.client.head() == head
    stored = Metadata[Timestamp].from_file(str(gallery.client.folder / "metadata/timestamp.json"))
    assert stored.signed.version == 1


def test_a_revoked_holder_cannot_make_the_next_root(gallery: Gallery, run: Run) -> None:
    keys = gallery.published.keys
    gone, left = holder(keys, 1), holder(keys, 2)
    run("keys", "revoke", "root-1", "--keys", keys)
    assert not (keys / "root-1.pem").exists()
    gallery.another(2)
    gallery.client.head()
    state, _ = rotating.propose(gallery.trust, rotating.renewed(Trust.read(gallery.trust), TODAY, ["root"]))
    ceremony.sign(state, left)
    assert state.root is not None
    with pytest.raises(Exception, match="signs nothing here"):
        ceremony.sign(draft.read(gallery.trust), gone)
    state.root.sign(gone, append=True)  # as somebody would who writes into the file
    draft.write(gallery.trust, [state.root])
    with pytest.raises(SignatureError, match="1 of 2"):
        draft.finish(gallery.trust)
    (gallery.published.site / "metadata/3.root.json").write_bytes(metadata.dumps(state.root))
    with pytest.raises(RepositoryError):
        gallery.client.head()


def test_a_root_needs_the_holders_of_the_old_one_too(gallery: Gallery) -> None:
    trust, keys = Trust.read(gallery.trust), gallery.published.keys
    thieves = {name: pairs.generate() for name in ("mallory", "trudy")}
    taken = rotating.with_holders(
        trust,
        "root",
        TODAY,
        added={name: each.public_key for name, each in thieves.items()},
        removed=[holder(keys, number).public_key.keyid for number in (1, 2, 3)],
    )
    state, _ = rotating.propose(gallery.trust, taken)
    for each in thieves.values():
        ceremony.sign(draft.read(gallery.trust), each)
    with pytest.raises(SignatureError, match="0 of 2 signatures of the holders of root 1"):
        draft.finish(gallery.trust)
    ceremony.sign(draft.read(gallery.trust), holder(keys, 1))
    with pytest.raises(SignatureError, match="1 of 2 signatures of the holders of root 1"):
        draft.finish(gallery.trust)
    root = draft.read(gallery.trust).root
    assert root is not None
    (gallery.published.site / "metadata/2.root.json").write_bytes(metadata.dumps(root))
    with pytest.raises(UnsignedMetadataError):
        gallery.client.head()
    ceremony.sign(draft.read(gallery.trust), holder(keys, 2))
    assert draft.finish(gallery.trust).root.version == 2
    assert state.root is not None


# -- a threshold that one key meets twice


def test_one_key_counts_once_under_whatever_id(gallery: Gallery) -> None:
    trust, one = Trust.read(gallery.trust), holder(gallery.published.keys, 1)
    root = Root.from_dict(trust.root.to_dict())
    root.version = 2
    twin = one.public_key
    copy = type(twin)("ab" * 32, twin.keytype, twin.scheme, dict(twin.keyval))
    root.keys[copy.keyid] = copy
    root.roles["root"].keyids.append(copy.keyid)
    proposed = Metadata(root)
    made = proposed.sign(one)
    proposed.signatures[copy.keyid] = type(made)(copy.keyid, made.signature)
    assert root.get_verification_result("root", proposed.signed_bytes, proposed.signatures).verified, "so tuf counts"
    draft.write(gallery.trust, [proposed])
    with pytest.raises(SignatureError, match="are one key"):
        draft.read(gallery.trust)
    with pytest.raises(SignatureError, match="are one key"):
        draft.finish(gallery.trust)
    draft.discard(gallery.trust)
    (gallery.trust / "2.root.json").write_bytes(metadata.dumps(proposed))
    with pytest.raises(SignatureError):
        Trust.read(gallery.trust)


def test_one_signature_twice_in_a_file_is_no_file(gallery: Gallery) -> None:
    rotating.propose(gallery.trust, rotating.renewed(Trust.read(gallery.trust), TODAY, ["root"]))
    ceremony.sign(draft.read(gallery.trust), holder(gallery.published.keys, 1))
    path = gallery.trust / "draft/2.root.json"
    data = json.loads(path.read_bytes())
    data["signatures"] *= 2
    path.write_text(json.dumps(data))
    with pytest.raises(SignatureError):
        draft.finish(gallery.trust)


# -- expiry


@pytest.mark.parametrize("role", ["root", "targets"])
def test_what_expired_stops_clients_until_it_is_renewed(gallery: Gallery, run: Run, role: str) -> None:
    keys, other = gallery.published.keys, "targets" if role == "root" else "root"
    soon, late = (TODAY + dt.timedelta(days=days) for days in (364, 366))
    assert run("keys", "renew", other, "--keys", keys, "--now", (TODAY + 300 * DAY).isoformat()).exit_code == 0
    head = gallery.another(2, soon)
    assert gallery.client.head(soon) == head
    with pytest.raises(ExpiredMetadataError, match=role):
        gallery.client.head(late)
    status = run("keys", "status", "--keys", keys, "--now", late.isoformat())
    assert status.exit_code == 1
    assert f"due: {role}: expired on" in status.stdout
    assert f"due: {other}" not in status.stdout
    assert f"galleryctl keys renew {role}" in status.stderr
    with pytest.raises(SignatureError, match="expired"):
        gallery.another(3, late)
    assert run("keys", "renew", role, "--keys", keys, "--now", late.isoformat()).exit_code == 0
    assert run("keys", "status", "--keys", keys, "--now", late.isoformat()).exit_code == 0
    head = gallery.another(4, late)
    assert gallery.client.head(late) == head


# -- interruptions


def test_a_new_online_key_takes_its_place_whenever_it_stops(gallery: Gallery) -> None:
    keys = gallery.published.keys
    old = (keys / "online.pem").read_bytes()
    developing.online(keys)  # stopped here: the next call takes the same key
    waiting = (keys / "online.next.pem").read_bytes()
    assert developing.online(keys).keyid == pairs.from_file(keys / "online.next.pem", password=str).public_key.keyid
    assert (keys / "online.pem").read_bytes() == old
    developing.complete(keys, lambda trust: rotating.with_online(trust, [developing.online(keys)], TODAY))
    assert (keys / "online.pem").read_bytes() == waiting
    (keys / "online.pem").rename(keys / "online.next.pem")  # stopped before the last step
    (keys / "online.pem").write_bytes(old)
    developing.read(keys)
    assert (keys / "online.pem").read_bytes() == waiting
    assert gallery.another(2) == gallery.client.head()


@pytest.mark.parametrize("moved", ["2.root.json", "2.targets.json"])
def test_an_interrupted_finish_is_ended_by_the_next(gallery: Gallery, run: Run, moved: str) -> None:
    keys, trust = gallery.published.keys, Trust.read(gallery.trust)
    fresh = pairs.generate()
    rotating.propose(gallery.trust, rotating.with_online(trust, [fresh.public_key], TODAY))
    for number in (1, 2):
        ceremony.sign(draft.read(gallery.trust), holder(keys, number))
    shutil.copy(gallery.trust / "draft" / moved, gallery.trust / moved)
    words = ("--trust", gallery.trust)
    status = run("keys", "status", *words)
    assert status.exit_code == 1
    assert "a ceremony was interrupted as it ended" in status.stdout
    assert run("keys", "ceremony", "discard", *words).exit_code == 2
    assert run("keys", "renew", *words).exit_code == 3
    done = run("keys", "ceremony", "finish", *words)
    assert done.exit_code == 0, done.stderr
    assert not (gallery.trust / "draft").exists()
    assert [key.keyid for key in Trust.read(gallery.trust).online] == [fresh.public_key.keyid]
    assert run("keys", "ceremony", "finish", *words).exit_code == 0
