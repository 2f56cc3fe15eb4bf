"""The online key, wherever it is kept: it signs, it is the one the trust names, and nobody gets to see it."""

# ruff: noqa: F811 - fixtures are imported, and parameters have their names

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import AWSSigner, CryptoSigner, Key

from galleryctl.signing import metadata, online, publication
from galleryctl.signing.errors import SignatureError
from made import NOW
from publishing import Published, _signed, first_targets, holder, renumber, rotate, signed  # noqa: F401 - fixtures
from test_signing import DAY, head, remembering, updated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def again(signed: Published, signer: online.Signer) -> publication.Signed:
    """Publish a new head with this key."""
    renumber(signed.site, serial=2)
    return publication.sign(signed.site, signed.trust, signer, now=NOW)


@pytest.fixture
def p256(signed: Published) -> CryptoSigner:
    """The online key is on P-256 now, as key management services have it."""
    signer = CryptoSigner.generate_ecdsa()
    (signed.keys / "online.pem").write_bytes(signer.private_bytes)
    rotate(signed.keys, now=NOW, public=signer.public_key)
    return signer


def test_a_key_on_p256_signs(signed: Published, p256: CryptoSigner, tmp_path: Path) -> None:
    again(signed, online.from_folder(signed.keys, signed.trust))
    assert b"-----BEGIN PUBLIC KEY-----" in signed.trust.roots[-1]
    assert p256.public_key.scheme == "ecdsa-sha2-nistp256"
    assert updated(signed.site, signed.root, remembering(tmp_path), NOW) == head(signed.site)


def test_a_key_in_a_file_elsewhere(signed: Published, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.pem"
    (signed.keys / "online.pem").rename(path)
    again(signed, online.from_uri(f"file2:{path}", signed.trust))
    assert updated(signed.site, signed.root, remembering(tmp_path), NOW) == head(signed.site)
    with pytest.raises(SignatureError, match=r"no online key: cannot read .*online\.pem: No such file"):
        online.from_folder(signed.keys, signed.trust)


class Kms(NamedTuple):
    client: Any
    key: str
    uri: str
    public: Key
    left: list[int]
    """Empty, or how many signatures it still gives."""


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kms]:
    """A server of a key management service on this machine, with a key that never leaves it."""
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415 - comes with moto
    from moto.kms import utils  # noqa: PLC0415 - heavy
    from moto.kms.exceptions import ValidationException  # noqa: PLC0415
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    left: list[int] = []

    def sign(key: utils.ECDSAPrivateKey, message: bytes, _: str) -> bytes:
        """What the service does with a digest; moto 5 hashes it once more, as it says of itself."""
        if left:
            left[0] -= 1
            if left[0] < 0:
                raise ValidationException("the key is disabled")
        return key.private_key.sign(message, ECDSA(Prehashed(SHA256())))

    monkeypatch.setattr(utils.ECDSAPrivateKey, "sign", sign)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = boto3.client("kms")
    key = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    uri, public = AWSSigner.import_(key)
    yield Kms(client, key, uri, public, left)
    client.close()
    server.stop()


def test_a_key_management_service_signs(signed: Published, kms: Kms, tmp_path: Path) -> None:
    folder = remembering(tmp_path)
    updated(signed.site, signed.root, folder, NOW)
    rotate(signed.keys, now=NOW, public=kms.public)
    done = again(signed, online.from_uri(kms.uri, signed.trust))
    assert done.versions["timestamp"] == 2
    assert updated(signed.site, signed.root, folder, NOW) == head(signed.site)


def test_another_key_of_the_service_is_noticed_before_anything_is_signed(signed: Published, kms: Kms) -> None:
    with pytest.raises(
        SignatureError, match=r"service has no keys of the kind ed25519; expected [0-9a-f]{12} \(ed25519\)"
    ):
        online.from_uri(kms.uri, signed.trust)
    rotate(signed.keys, now=NOW, public=kms.public)
    other = kms.client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    with pytest.raises(SignatureError, match="it signs with another key; expected"):
        online.from_uri(f"awskms:{other}", signed.trust)
    with pytest.raises(SignatureError, match=r"cannot sign for this gallery: .*NotFound"):
        online.from_uri("awskms:alias/nothing", signed.trust)


def test_a_service_that_fails_in_the_middle_changes_nothing(signed: Published, kms: Kms) -> None:
    rotate(signed.keys, now=NOW, public=kms.public)
    signer = online.from_uri(kms.uri, signed.trust)
    before = {path: path.read_bytes() for path in signed.site.rglob("*") if path.is_file()}
    kms.left.append(2)
    with pytest.raises(SignatureError, match=r"timestamp could not be signed: .*the key is disabled"):
        publication.sign(signed.site, signed.trust, signer, now=NOW + 20 * DAY)
    assert {path: path.read_bytes() for path in signed.site.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("gnupg:abc", "expected one of awskms:, azurekms:, file2:, gcpkms:, hv:"),
        ("online.pem", "expected one of"),
        ("", "expected one of"),
        (
            "file2:/nothing/there.pem",
            "cannot sign for this gallery: there is no such file, or it cannot be read; exp",
        ),
        ("file2:/dev/null", "cannot sign for this gallery: this is no address of a key, or a key of another kind; exp"),
        ("gcpkms:projects/x", "cannot sign for this gallery: pip install 'securesystemslib[gcpkms]'; expected"),
        ("azurekms://vault/x", "cannot sign for this gallery: pip install 'securesystemslib[azurekms]'; expected"),
        ("hv:key", "cannot sign for this gallery: this is no address of a key, or a key of another kind; expected"),
    ],
)
def test_addresses_that_lead_to_no_key(signed: Published, uri: str, reason: str) -> None:
    with pytest.raises(SignatureError) as caught:
        online.from_uri(uri, signed.trust)
    assert reason in str(caught.value)


def encrypted() -> bytes:
    key = load_pem_private_key(CryptoSigner.generate_ed25519().private_bytes, None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))


def rsa() -> bytes:
    key = generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x"))


PEM = re.compile(r"[A-Za-z0-9+/]{16,}")


@pytest.mark.parametrize("spoil", [b"", b"no key", b"\xff\xfe", b"cut", encrypted(), rsa()])
def test_what_is_no_key_is_not_repeated(signed: Published, spoil: bytes) -> None:
    whole = (signed.keys / "online.pem").read_bytes()
    data = whole[: len(whole) // 2] if spoil == b"cut" else spoil
    (signed.keys / "online.pem").write_bytes(data)
    with pytest.raises(SignatureError) as caught:
        online.from_folder(signed.keys, signed.trust)
    assert "holds no key that can be used; expected a private key as PEM" in str(caught.value)
    assert caught.value.__cause__ is None
    assert not any(piece.encode() in data for piece in PEM.findall(str(caught.value).replace(str(signed.keys), "")))


SHOWING = """
import os, sys, traceback
from galleryctl.cli import main
import galleryctl.signing.publication as publication
def fail(*_, **__):
    raise RuntimeError("a bug")
if sys.argv[1] == "bug":
    publication.tree.check = fail
code = main(sys.argv[2:])
print("GALLERYCTL_ONLINE_KEY" in os.environ)
sys.exit(code)
"""


@pytest.mark.parametrize(("mode", "code"), [("fine", 0), ("wrong", 3), ("cut", 3), ("bug", 4)])
def test_a_key_in_the_environment_is_never_printed(signed: Published, mode: str, code: int) -> None:
    pem = (signed.keys / "online.pem").read_text()
    if mode == "wrong":
        pem = CryptoSigner.generate_ed25519().private_bytes.decode()
    given = pem[:90] if mode == "cut" else pem
    command = [sys.executable, "-X", "dev", "-c", SHOWING, mode, "sign", str(signed.site)]
    command += ["--trust", str(signed.keys / "trust"), "--now", "2026-01-09"]
    done = subprocess.run(
        command, env={**os.environ, online.VARIABLE: given}, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert done.stdout.endswith("False\n")  # processes that are started later do not inherit it
    for piece in PEM.findall(pem):
        assert piece not in done.stdout + done.stderr


def test_a_key_for_some_roles_only_is_not_enough(signed: Published) -> None:
    other = CryptoSigner.generate_ed25519()
    targets = signed.keys / "trust/2.targets.json"
    made = first_targets(other.public_key, NOW, version=2)
    made.sign(holder(signed.keys, 1))
    targets.write_bytes(metadata.dumps(made))
    assert signed.trust.online == ()
    with pytest.raises(SignatureError, match="names no key for all of catalog, snapshot and timestamp"):
        online.from_folder(signed.keys, signed.trust)
