"""Reading a folder of trust: what makes a chain, and what each fault is told as."""

from __future__ import annotations

import datetime as dt
import stat
from typing import TYPE_CHECKING, Any

import pytest
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import DelegatedRole, Metadata, Root, Targets

from galleryctl.errors import UsageError
from galleryctl.signing import developing, metadata
from galleryctl.signing.errors import SignatureError
from galleryctl.signing.trust import Trust
from made import NOW
from publishing import first_root, first_targets, holder, rotate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

HOLDERS = [CryptoSigner.generate_ed25519() for _ in range(3)]
ONLINE = CryptoSigner.generate_ed25519()
RSA = CryptoSigner.generate_rsa().public_key
PUBLIC = [each.public_key for each in HOLDERS]


def root(
    version: int = 1,
    signers: Sequence[CryptoSigner] = HOLDERS[:2],
    change: Callable[[Root], Any] = lambda _: None,
) -> bytes:
    made = first_root(list(PUBLIC), ONLINE.public_key, NOW, version=version)
    change(made.signed)
    for each in signers:
        made.sign(each, append=True)
    return metadata.dumps(made)


def targets(
    version: int = 1, signer: CryptoSigner = HOLDERS[0], change: Callable[[Targets], Any] = lambda _: None
) -> bytes:
    made = first_targets(ONLINE.public_key, NOW, version=version)
    change(made.signed)
    made.sign(signer)
    return metadata.dumps(made)


def read(roots: dict[int, bytes], delegations: dict[int, bytes] | None = None) -> Trust:
    return Trust.of(roots, {1: targets()} if delegations is None else delegations, "trust")


def test_a_set_of_keys_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    trust = developing.create(folder, NOW)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.pem")}
    assert modes == dict.fromkeys(["online.pem", "root-1.pem", "root-2.pem", "root-3.pem"], 0o600)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----") for path in folder.glob("*.pem"))
    assert (trust.root.roles["root"].threshold, len(trust.root.roles["root"].keyids)) == (2, 3)
    assert [key.keyid for key in trust.online] == trust.root.roles["timestamp"].keyids
    assert trust.root.expires == trust.delegator.expires == NOW + dt.timedelta(days=365)
    with pytest.raises(UsageError, match="is not empty: name a new folder; keys are never written over"):
        developing.create(folder, NOW)


def test_a_chain_of_three_roots(tmp_path: Path) -> None:
    developing.create(tmp_path / "keys", NOW)
    rotate(tmp_path / "keys", now=NOW)
    rotate(tmp_path / "keys", now=NOW)
    trust = Trust.read(tmp_path / "keys/trust")
    assert [each.version for each in trust.chain] == [1, 2, 3]
    assert trust.delegator.version == 3
    assert trust.root_files.keys() == {f"metadata/{number}.root.json" for number in (1, 2, 3)}
    assert trust.targets_files.keys() == {f"metadata/{number}.targets.json" for number in (1, 2, 3)}
    assert holder(tmp_path / "keys", 1).public_key.keyid in trust.root.keys


def test_a_holder_may_be_replaced_by_old_and_new() -> None:
    newcomer = CryptoSigner.generate_ed25519()

    def instead(signed: Root) -> None:
        signed.revoke_key(PUBLIC[0].keyid, "root")
        signed.add_key(newcomer.public_key, "root")

    fine = {1: root(), 2: root(2, [HOLDERS[1], HOLDERS[2]], instead)}
    assert read(fine).root.version == 2
    with pytest.raises(SignatureError, match=r"2\.root\.json has 1 of the 2 signatures that root 1 wants; 1 of its"):
        read({1: root(), 2: root(2, [HOLDERS[1], newcomer], instead)})
    with pytest.raises(SignatureError, match=r"2\.root\.json has 1 of the 2 signatures that itself wants"):
        read({1: root(), 2: root(2, [HOLDERS[0], HOLDERS[1]], instead)})


def twice(signed: Root) -> None:
    """The key of one holder under a second id."""
    key = PUBLIC[0]
    other = SSlibKey("a" * 64, key.keytype, key.scheme, dict(key.keyval))
    signed.revoke_key(PUBLIC[1].keyid, "root")
    signed.add_key(other, "root")


def test_one_key_is_never_two_holders() -> None:
    signer = HOLDERS[0]
    made = first_root(list(PUBLIC), ONLINE.public_key, NOW)
    twice(made.signed)
    made.sign(signer)
    alias = SSlibKey("a" * 64, PUBLIC[0].keytype, PUBLIC[0].scheme, dict(PUBLIC[0].keyval))
    made.sign(CryptoSigner(signer._private_key, alias), append=True)  # noqa: SLF001 - the same key again
    assert made.signed.get_verification_result(
        "root", made.signed_bytes, made.signatures
    ).verified  # two ids suffice it
    with pytest.raises(SignatureError, match="names one key twice, as "):
        read({1: metadata.dumps(made)})


def test_one_signature_given_twice_is_no_threshold() -> None:
    made = Metadata[Root].from_bytes(root(signers=HOLDERS[:1]))
    data = made.to_dict()
    data["signatures"] *= 2
    import json  # noqa: PLC0415 - only here

    with pytest.raises(SignatureError, match="is no TUF metadata: Multiple signatures found"):
        read({1: json.dumps(data).encode()})


@pytest.mark.parametrize(
    ("roots", "delegations", "reason"),
    [
        ({}, None, "1.root.json is missing; clients need every root since the first"),
        ({2: root(2)}, None, "1.root.json is missing"),
        ({1: root(), 3: root(3)}, None, "2.root.json is missing"),
        ({1: root(2)}, None, "1.root.json has version 2; restore the file"),
        ({1: root()}, {}, "there is no N.targets.json"),
        ({1: b"{}"}, None, "1.root.json is no TUF metadata"),
        ({1: b"[" * 200_000}, None, "1.root.json is no TUF metadata"),
        ({1: targets()}, None, "1.root.json is of type targets, expected root"),
        ({1: root(signers=HOLDERS[:1])}, None, "has 1 of the 2 signatures that itself wants; 1 of its holders still"),
        ({1: root(signers=[HOLDERS[0], ONLINE])}, None, "has 1 of the 2 signatures"),
        ({1: root(change=lambda it: setattr(it, "consistent_snapshot", False))}, None, "consistent_snapshot is false"),
        ({1: root(change=lambda it: setattr(it.roles["snapshot"], "threshold", 2))}, None, "snapshot wants 2 signat"),
        (
            {1: root(change=lambda it: it.add_key(RSA, "timestamp"))},
            None,
            "for rsassa-pss-sha256; readers know Ed2",
        ),
        ({1: root()}, {1: targets(2)}, "1.targets.json has version 2"),
        ({1: root()}, {1: root()}, "1.targets.json is of type root, expected targets"),
        ({1: root()}, {1: targets(signer=ONLINE)}, "1.targets.json has 0 of the 1 signatures that root 1 wants"),
        ({1: root()}, {1: targets(change=lambda it: setattr(it, "delegations", None))}, "names nothing; expected no"),
    ],
)
def test_what_is_no_trust(roots: dict[int, bytes], delegations: dict[int, bytes] | None, reason: str) -> None:
    with pytest.raises(SignatureError) as caught:
        read(roots, delegations)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("paths", "reason"), [(["v1/*"], "hands on v1/*; expected"), (["v1/catalog.json", "v1/x"], "hands on v1/catalog")]
)
def test_targets_hand_on_the_head_and_nothing_else(paths: list[str], reason: str) -> None:
    def change(signed: Targets) -> None:
        assert signed.delegations is not None
        assert signed.delegations.roles is not None
        signed.delegations.roles["catalog"].paths = paths

    with pytest.raises(SignatureError) as caught:
        read({1: root()}, {1: targets(change=change)})
    assert reason in str(caught.value)


def test_targets_have_one_role(tmp_path: Path) -> None:
    def change(signed: Targets) -> None:
        assert signed.delegations is not None
        assert signed.delegations.roles is not None
        role = DelegatedRole("more", [ONLINE.public_key.keyid], 1, terminating=True, paths=["v1/x.json"])
        signed.delegations.roles["more"] = role

    with pytest.raises(SignatureError, match="names catalog, more; expected no target, and one delegation"):
        read({1: root()}, {1: targets(change=change)})
    with pytest.raises(SignatureError, match=r"no trust in .*: No such file or directory; `galleryctl keys init`"):
        Trust.read(tmp_path / "nothing")
    (tmp_path / "1.root.json").write_bytes(b" " * 600_000)
    with pytest.raises(SignatureError, match="is larger than 512000 bytes: clients do not read it"):
        Trust.read(tmp_path)
