"""What readers do when the online key is replaced, lost or stolen, and when somebody signs with another one."""

# ruff: noqa: F811 - fixtures are imported, and parameters have their names

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import BadVersionNumberError, ExpiredMetadataError, UnsignedMetadataError
from tuf.api.metadata import Metadata, MetaFile, Snapshot, Timestamp

from galleryctl.signing import metadata, online, publication
from galleryctl.signing.errors import SignatureError
from made import NOW
from publishing import Published, _signed, rotate, signed  # noqa: F401 - fixtures
from test_signing import DAY, head, remembering, tree, updated, versions

if TYPE_CHECKING:
    from pathlib import Path


def test_readers_follow_a_replaced_key_by_themselves(signed: Published, tmp_path: Path) -> None:
    folder = remembering(tmp_path)
    updated(signed.site, signed.root, folder, NOW)
    rotate(signed.keys, now=NOW)
    done = signed.sign(NOW)
    assert set(done.due.values()) == {"its key was replaced", "what it names is new"}
    assert versions(done) == (2, 2, 2)
    assert updated(signed.site, signed.root, folder, NOW) == head(signed.site)


def pushed(signed: Published, version: int) -> None:
    """What a thief of the online key publishes: versions far ahead."""
    signer = online.from_folder(signed.keys, signed.trust)
    snapshot = Metadata[Snapshot].from_bytes((signed.site / "metadata/1.snapshot.json").read_bytes())
    snapshot.signed.version = version
    snapshot.sign(signer)
    data = metadata.dumps(snapshot)
    (signed.site / f"metadata/{version}.snapshot.json").write_bytes(data)
    meta = MetaFile.from_data(version, data, ["sha256"])
    timestamp = Metadata(Timestamp(version, None, NOW + 7 * DAY, meta))
    timestamp.sign(signer)
    (signed.site / "metadata/timestamp.json").write_bytes(metadata.dumps(timestamp))


@pytest.mark.parametrize(
    ("version", "kept", "expected"),
    [
        (2**31, True, (2, 2, 2)),  # from the last good tree
        (2**31, False, (1, 1, 1)),  # nothing but the address is left, and it says nothing that helps
        (2**20, False, (2, 2**20 + 1, 2**20 + 1)),  # not so far that one could not go on
    ],
)
def test_recovery_from_a_stolen_key(
    signed: Published, tmp_path: Path, version: int, kept: bool, expected: tuple[int, int, int]
) -> None:
    folder = remembering(tmp_path)
    good = tmp_path / "good"
    shutil.copytree(signed.site, good)
    pushed(signed, version)
    updated(signed.site, signed.root, folder, NOW)  # a reader is taken in
    stolen = tmp_path / "live"
    signed.site.rename(stolen)
    good.rename(signed.site)
    if not kept:
        shutil.rmtree(signed.site / "metadata")
    rotate(signed.keys, now=NOW)
    done = signed.sign(NOW, earlier=stolen)
    assert versions(done) == expected
    assert bool(done.warnings) is (version == 2**31)
    assert updated(signed.site, signed.root, folder, NOW) == head(signed.site)
    (tmp_path / "new").mkdir()
    assert updated(signed.site, signed.root, tmp_path / "new", NOW) == head(signed.site)
    assert signed.sign(NOW, earlier=stolen).due == {}


def test_a_stolen_key_that_is_still_trusted_is_told(signed: Published) -> None:
    pushed(signed, 2**31)
    with pytest.raises(SignatureError, match="somebody else signs with the online key: replace it"):
        signed.sign(NOW)


def test_a_key_that_the_trust_does_not_name_signs_nothing(signed: Published) -> None:
    before = tree(signed.site)
    (signed.keys / "online.pem").write_bytes(CryptoSigner.generate_ed25519().private_bytes)
    with pytest.raises(SignatureError, match=r"online\.pem holds the key [0-9a-f]{12}, which may not sign; expected"):
        signed.sign(NOW + 2 * DAY)
    stranger = CryptoSigner.generate_ed25519()
    with pytest.raises(SignatureError, match="does not sign timestamp as the trust wants it"):
        publication.sign(signed.site, signed.trust, stranger, now=NOW + 2 * DAY)
    assert tree(signed.site) == before


def test_readers_refuse_what_the_paragraph_above_is_for(signed: Published, tmp_path: Path) -> None:
    """The client of these tests does see attacks: else they would prove nothing."""
    folder = remembering(tmp_path)
    old = tmp_path / "old"
    shutil.copytree(signed.site, old)
    signed.sign(NOW + 2 * DAY)
    updated(signed.site, signed.root, folder, NOW + 2 * DAY)
    with pytest.raises(BadVersionNumberError):
        updated(old, signed.root, folder, NOW + 2 * DAY)
    (tmp_path / "new").mkdir()
    with pytest.raises(ExpiredMetadataError):
        updated(old, signed.root, tmp_path / "new", NOW + 8 * DAY)
    (tmp_path / "other").mkdir()
    path = old / "metadata/timestamp.json"
    path.write_bytes(path.read_bytes().replace(b'"version":1}', b'"version":2}'))
    with pytest.raises(UnsignedMetadataError):
        updated(old, signed.root, tmp_path / "other", NOW)
