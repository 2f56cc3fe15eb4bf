"""The online key: where it is, and that it is the one the trust names.

A key is never printed, and never part of an error: of one that cannot be read only the place is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.exceptions import Error, KeyMismatchError, UnsupportedLibraryError, UnverifiedSignatureError
from securesystemslib.signer import CryptoSigner, Signer, SSlibKey

from galleryctl.signing import metadata
from galleryctl.signing.errors import SignatureError

if TYPE_CHECKING:
    from pathlib import Path

    from securesystemslib.signer import Key

    from galleryctl.signing.trust import Trust

__all__ = ["SCHEMES", "VARIABLE", "Signer", "from_folder", "from_pem", "from_uri"]

VARIABLE = "GALLERYCTL_ONLINE_KEY"
SCHEMES = ("awskms", "azurekms", "file2", "gcpkms", "hv")
_TRIAL = b"galleryctl: is this the key that the trust names?"


def from_folder(folder: Path, trust: Trust) -> Signer:
    """The key in `online.pem` of a folder of keys."""
    path = folder / "online.pem"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SignatureError(f"no online key: cannot read {path}: {error.strerror}") from error
    return from_pem(data, trust, str(path))


def from_pem(data: bytes, trust: Trust, where: str) -> Signer:
    """A private key as PEM; `where` names it in errors."""
    advice = "expected a private key as PEM (PKCS8, not encrypted), Ed25519 or P-256"
    try:
        private = load_pem_private_key(data, None)
        public = SSlibKey.from_crypto(private.public_key())
        key = _named(public, trust, where)
        return CryptoSigner(private, key)
    except (ValueError, TypeError, UnsupportedAlgorithm, Error):
        raise SignatureError(f"{where} holds no key that can be used; {advice}") from None


def from_uri(uri: str, trust: Trust) -> Signer:
    """The key at an address of securesystemslib: `awskms:…`, `gcpkms:…`, `azurekms:…`, `hv:…`, `file2:PATH`."""
    scheme = uri.partition(":")[0]
    if scheme not in SCHEMES or ":" not in uri:
        raise SignatureError(f"no online key {uri!r}: expected one of {', '.join(f'{each}:' for each in SCHEMES)}")
    reason = ""
    for key in _online(trust):
        try:
            signer = Signer.from_priv_key_uri(uri, key)
            key.verify_signature(signer.sign(_TRIAL), _TRIAL)
        except UnverifiedSignatureError:
            reason = "it signs with another key"
        except Exception as error:  # noqa: BLE001 - every service raises what its library has; none of it holds the key
            reason = _reason(error, uri, key)
        else:
            return signer
    raise SignatureError(f"{uri} cannot sign for this gallery: {reason}; {_expected(trust)}")


def _reason(error: Exception, uri: str, key: Key) -> str:
    scheme = uri.partition(":")[0]
    if isinstance(error, UnsupportedLibraryError):
        return f"pip install 'securesystemslib[{'vault' if scheme == 'hv' else scheme}]'"
    if isinstance(error, OSError) and scheme == "file2":
        return "there is no such file, or it cannot be read"
    if isinstance(error, KeyMismatchError):
        return "it is another key"
    if isinstance(error, KeyError):  # the table of what a service can do
        return f"the service has no keys of the kind {key.keytype}"
    if isinstance(error, ValueError):
        return "this is no address of a key, or a key of another kind"
    return str(error).removesuffix(".") or type(error).__name__


def _named(public: SSlibKey, trust: Trust, where: str) -> SSlibKey:
    for key in _online(trust):
        if metadata.same(key, public) and isinstance(key, SSlibKey):
            return key
    raise SignatureError(f"{where} holds the key {public.keyid[:12]}, which may not sign; {_expected(trust)}")


def _online(trust: Trust) -> tuple[Key, ...]:
    if not trust.online:
        raise SignatureError("the trust names no key for all of catalog, snapshot and timestamp; sign a new root")
    return trust.online


def _expected(trust: Trust) -> str:
    keys = ", ".join(f"{key.keyid[:12]} ({key.keytype})" for key in trust.online)
    return f"expected {keys}, named by root {trust.root.version}"
