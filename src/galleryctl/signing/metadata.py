"""TUF metadata as a gallery has it: roles, lifetimes, and the one way it is read and written.

Files are compact JSON of printable ASCII with sorted keys, so that the same values are the same bytes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.exceptions import FormatError
from securesystemslib.formats import encode_canonical
from tuf.api.metadata import Metadata, Root, Signed, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError
from tuf.api.serialization.json import JSONSerializer

from galleryctl import layout
from galleryctl.signing.errors import SignatureError

if TYPE_CHECKING:
    from securesystemslib.signer import Key

T = TypeVar("T", Root, Timestamp, Snapshot, Targets)

ROOT, TARGETS, CATALOG, SNAPSHOT, TIMESTAMP = "root", "targets", "catalog", "snapshot", "timestamp"
OFFLINE = (ROOT, TARGETS)
ONLINE = (CATALOG, SNAPSHOT, TIMESTAMP)

LIFETIME = {
    ROOT: dt.timedelta(days=365),
    TARGETS: dt.timedelta(days=365),
    CATALOG: dt.timedelta(days=30),
    SNAPSHOT: dt.timedelta(days=14),
    TIMESTAMP: dt.timedelta(days=7),
}
RENEWED = {CATALOG: dt.timedelta(days=15), SNAPSHOT: dt.timedelta(days=7), TIMESTAMP: dt.timedelta(days=6)}
"""An online role is signed again when less than this remains. Half of the life of catalog and snapshot: whoever holds a
timestamp, which lives seven days, never waits for one of the two to expire first."""
ASTRAY = dt.timedelta(days=1)
"""What two clocks may differ by."""
TOLD = dt.timedelta(days=60)
"""Root and targets are asked for when less than this remains: people have to meet."""
MOST = {ROOT: 512_000, TIMESTAMP: 16_384, SNAPSHOT: 2_000_000, TARGETS: 5_000_000, CATALOG: 5_000_000}
"""Bytes that clients read of each."""


def path(role: str, version: int) -> str:
    """Where a role lies in the site; the timestamp has no version in its name."""
    return layout.TIMESTAMP if role == TIMESTAMP else layout.metadata(role, version)


def parse(kind: type[T], data: bytes, what: str) -> Metadata[T]:
    """Metadata of one kind, its signatures not looked at; `what` names it in an error."""
    try:
        found = Metadata[T].from_bytes(data)
    except (DeserializationError, RecursionError) as error:
        raise SignatureError(f"{what} is no TUF metadata: {error.__cause__ or error}") from error
    if not isinstance(found.signed, kind):
        raise SignatureError(f"{what} is of type {found.signed.type}, expected {kind.type}")
    return found


def dumps(metadata: Metadata[Any]) -> bytes:
    """The bytes of a file."""
    return JSONSerializer(compact=True).serialize(metadata)


def moment(now: dt.datetime) -> dt.datetime:
    """A time as metadata has it: whole seconds, UTC."""
    return now.astimezone(dt.UTC).replace(microsecond=0)


def expires(role: str, now: dt.datetime) -> dt.datetime:
    return moment(now) + LIFETIME[role]


def signed_at(role: str, signed: Signed) -> dt.datetime:
    """When a role was signed."""
    return signed.expires - LIFETIME[role]


def same(one: Key, other: Key) -> bool:
    """Whether two keys are the same, whatever their ids, and however they are spelled."""
    return _bytes(one) == _bytes(other)


def is_named(key: Key) -> bool:
    """Whether the id of a key is its digest, as TUF has it: then nobody can put another key behind it."""
    spelled = {"keytype": key.keytype, "scheme": key.scheme, "keyval": key.keyval}
    try:
        return hashlib.sha256(str(encode_canonical(spelled)).encode()).hexdigest() == key.keyid
    except FormatError:
        return False


def _bytes(key: Key) -> bytes:
    public = str(key.keyval.get("public"))
    with suppress(ValueError, UnsupportedAlgorithm):
        if key.keytype == "ed25519":
            return bytes.fromhex(public)
        found = load_pem_public_key(public.encode())
        return found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return public.encode(errors="replace")
