"""Keys of people: where they lie, who may read them, which kinds there are."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from galleryctl.errors import UsageError
from galleryctl.signing import pairs
from galleryctl.signing.errors import SignatureError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result

    Run = Callable[..., Result]


@pytest.mark.parametrize("kind", pairs.KINDS)
def test_a_pair_is_one_private_and_one_public_file(tmp_path: Path, kind: str) -> None:
    public, key = pairs.make(tmp_path / "ada.pem", kind)
    assert public == tmp_path / "ada.pub"
    assert stat.S_IMODE((tmp_path / "ada.pem").stat().st_mode) == 0o600
    assert b"PRIVATE" not in public.read_bytes()
    assert pairs.public(public).keyid == key.keyid
    signer = pairs.signer(str(tmp_path / "ada.pem"), [], password=str)
    key.verify_signature(signer.sign(b"data"), b"data")
    assert key.scheme == {"ed25519": "ed25519", "ecdsa": "ecdsa-sha2-nistp256"}[kind]


def test_nothing_is_written_over(tmp_path: Path, run: Run) -> None:
    assert run("keys", "make", "--out", tmp_path / "ada.pem").exit_code == 0
    before = (tmp_path / "ada.pem").read_bytes()
    done = run("keys", "make", "--out", tmp_path / "ada.pem")
    assert (done.exit_code, "never written over" in done.stderr) == (2, True)
    (tmp_path / "bob.pub").write_text("mine")
    assert run("keys", "make", "--out", tmp_path / "bob.pem").exit_code == 2
    assert run("keys", "make", "--out", tmp_path / "eve.pub").exit_code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ada.pem", "ada.pub", "bob.pub"]
    assert (tmp_path / "ada.pem").read_bytes() == before


def test_a_private_half_is_not_taken_for_a_public_one(tmp_path: Path) -> None:
    pairs.make(tmp_path / "ada.pem")
    with pytest.raises(UsageError, match="stays with its holder"):
        pairs.public(tmp_path / "ada.pem")
    with pytest.raises(UsageError, match="no private key"):
        pairs.signer(str(tmp_path / "ada.pub"), [], password=str)


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)],
    ids=["p-384", "rsa"],
)
def test_kinds_that_readers_do_not_know_are_refused(
    tmp_path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
) -> None:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "odd.pem").write_bytes(private)
    (tmp_path / "odd.pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(UsageError, match="readers do not know"):
        pairs.public(tmp_path / "odd.pub")
    with pytest.raises(UsageError, match="readers do not know"):
        pairs.signer(str(tmp_path / "odd.pem"), [], password=str)


@pytest.mark.parametrize(
    "text", ["", "no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "x" * 20_000]
)
def test_what_is_no_key_is_told_without_its_content(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.pub").write_text(text)
    for read in (pairs.public, lambda path: pairs.signer(str(path), [], password=str)):
        with pytest.raises(UsageError) as caught:
            read(tmp_path / "odd.pub")
        assert "odd.pub" in str(caught.value)
        assert "AAAA" not in str(caught.value)
    with pytest.raises(UsageError, match="No such file"):
        pairs.public(tmp_path / "none.pub")


def test_a_key_with_a_password_asks_for_it(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"wool"))
    (tmp_path / "ada.pem").write_bytes(sealed)
    assert pairs.signer(str(tmp_path / "ada.pem"), [], password=lambda _: "wool").sign(b"data").signature
    with pytest.raises(UsageError, match="cannot be read with that password") as caught:
        pairs.signer(str(tmp_path / "ada.pem"), [], password=lambda _: "silk")
    assert "silk" not in str(caught.value)


def test_an_uri_needs_to_know_whose_it_is(tmp_path: Path) -> None:
    public, _ = pairs.make(tmp_path / "ada.pem")
    key, uri = pairs.public(public), f"file2:{tmp_path / 'ada.pem'}"
    with pytest.raises(UsageError, match="name the holder with --as"):
        pairs.signer(uri, [key], password=str)
    assert pairs.signer(uri, [key], named=key, password=str).public_key.keyid == key.keyid
    with pytest.raises(SignatureError, match="hsm: gives no signer"):
        pairs.signer("hsm:", [key], named=key, password=str)  # its library is nobody's who has no token
    other, _ = pairs.make(tmp_path / "bob.pem")
    with pytest.raises(SignatureError, match="gives no signer"):
        pairs.signer(uri, [key], named=pairs.public(other), password=str)
