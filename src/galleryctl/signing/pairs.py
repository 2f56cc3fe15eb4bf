"""Pairs of keys of people: the private half in a file for its holder alone, the public half as PEM, as all tools have.

Two kinds, which every reader of a gallery knows: Ed25519, and ECDSA on P-256, as hardware tokens have it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, CryptoSigner, Key, Signer, SSlibKey

from galleryctl.errors import UsageError
from galleryctl.signing import metadata
from galleryctl.signing.errors import SignatureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["KINDS", "Key", "create", "from_file", "generate", "make", "pem", "public", "signer"]

KINDS = ("ed25519", "ecdsa")
_MOST = 16_384
"""Bytes of a file that could be a key."""


def make(private: Path, kind: str = KINDS[0]) -> tuple[Path, Key]:
    """Write a new private key (mode 0600) and beside it its public half; path of that half, and the key.

    Raises `UsageError` where one of the two is there.
    """
    public = private.with_suffix(".pub")
    for path in (private, public):
        if path.exists() or path == private.parent:
            raise UsageError(f"{path} is there already, and a key is never written over: choose another name")
    if public == private:
        raise UsageError(f"{private} is a name for a public half: name the private key, such as {private.stem}.pem")
    signer = generate(kind)
    private.parent.mkdir(parents=True, exist_ok=True)
    create(private, signer.private_bytes)
    try:
        create(public, pem(signer), 0o644)
    except BaseException:
        private.unlink()
        raise
    return public, signer.public_key


def generate(kind: str = KINDS[0]) -> CryptoSigner:
    """A new key, in memory alone."""
    return CryptoSigner.generate_ed25519() if kind == KINDS[0] else CryptoSigner.generate_ecdsa()


def pem(signer: CryptoSigner) -> bytes:
    """The public half of a key in a file."""
    private = load_pem_private_key(signer.private_bytes, None)
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def create(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file that must not be there yet, whole or not at all."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except BaseException:
        path.unlink()
        raise


def public(path: Path) -> Key:
    """The public key of a PEM file. Raises `UsageError` for a private one, and for kinds that readers do not know."""
    data = _read(path)
    if b"PRIVATE KEY" in data:
        raise UsageError(f"{path} is a private key, which stays with its holder: name the public half")
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(
            f"{path} is no public key in PEM; `galleryctl keys make` writes one beside the private"
        ) from error
    if not isinstance(key, Ed25519PublicKey) and not (
        isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    ):
        raise UsageError(f"{path} is of a kind that readers do not know: take Ed25519, or ECDSA on P-256")
    return SSlibKey.from_crypto(key)


def signer(where: str, keys: Iterable[Key], *, named: Key | None = None, password: Callable[[str], str]) -> Signer:
    """What signs: a file with a private key, or an URI of a hardware token or key service.

    `keys` are those that count; one among them is signed as, whatever its id. An URI does not say which, so `named`
    does. `password` is given a question, and asks for the password of a file or the PIN of a token.
    """
    scheme = where.partition(":")[0]
    if scheme in SIGNER_FOR_URI_SCHEME and not Path(where).exists():
        if named is None:
            raise UsageError(f"{where} does not say whose key it is: name the holder with --as")
        try:
            return Signer.from_priv_key_uri(where, named, password)
        except Exception as error:  # each service has errors of its own
            raise SignatureError(f"{where} gives no signer: {error}") from error
    private = _private(Path(where), password)
    made = CryptoSigner(private)
    same = next((key for key in keys if metadata.same(key, made.public_key)), None)
    return CryptoSigner(private, same) if isinstance(same, SSlibKey) else made


def from_file(path: Path, *, password: Callable[[str], str]) -> CryptoSigner:
    """The private key of a PEM file."""
    return CryptoSigner(_private(path, password))


def _private(path: Path, password: Callable[[str], str]) -> Ed25519PrivateKey | EllipticCurvePrivateKey:
    data = _read(path)
    secret = (
        password(f"Password of {path}").encode() if b"ENCRYPTED PRIVATE KEY" in data or b"DEK-Info" in data else None
    )
    try:
        key = load_pem_private_key(data, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        wrong = "cannot be read with that password" if secret is not None else "is no private key in PEM"
        raise UsageError(f"{path} {wrong}") from error
    if isinstance(key, Ed25519PrivateKey):
        return key
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key
    raise UsageError(f"{path} is of a kind that readers do not know: take Ed25519, or ECDSA on P-256")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    if len(data) > _MOST:
        raise UsageError(f"{path} is too large for a key")
    return data
