"""A set of keys for development: three root keys, one online key, and the trust that names them, in one folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Role, Root, Targets

from galleryctl import layout, output
from galleryctl.errors import UsageError
from galleryctl.signing import metadata
from galleryctl.signing.metadata import CATALOG, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from galleryctl.signing.trust import Trust

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from securesystemslib.signer import Key

ONLINE = "online.pem"
TRUST = "trust"
HOLDERS = 3
THRESHOLD = 2


def create(folder: Path, now: dt.datetime) -> Trust:
    """Make a folder of keys: `online.pem`, `root-1.pem` … `root-3.pem`, `trust/1.root.json`, `trust/1.targets.json`.

    The folder is 0700, the keys are 0600. UsageError: there is something in the folder.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: name a new folder; keys are never written over")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    holders = [CryptoSigner.generate_ed25519() for _ in range(HOLDERS)]
    online = CryptoSigner.generate_ed25519()
    for name, signer in [(ONLINE, online), *((f"root-{number}.pem", each) for number, each in enumerate(holders, 1))]:
        _private(folder / name, signer.private_bytes)
    first = root([each.public_key for each in holders], online.public_key, now)
    for signer in holders[:THRESHOLD]:
        first.sign(signer, append=True)
    delegation = targets(online.public_key, now)
    delegation.sign(holders[0])
    for role, data in ((ROOT, metadata.dumps(first)), (TARGETS, metadata.dumps(delegation))):
        output.replace(folder / TRUST / layout.metadata(role, 1).removeprefix(layout.METADATA), data)
    return Trust.read(folder / TRUST)


def root(holders: list[Key], online: Key, now: dt.datetime, *, version: int = 1) -> Metadata[Root]:
    """A root, not signed: two of the holders, one of them for targets, the online key for snapshot and timestamp."""
    keys = {key.keyid: key for key in (*holders, online)}
    ids = [key.keyid for key in holders]
    roles = {
        ROOT: Role([*ids], THRESHOLD),
        TARGETS: Role([*ids], 1),
        SNAPSHOT: Role([online.keyid], 1),
        TIMESTAMP: Role([online.keyid], 1),
    }
    return Metadata(Root(version, None, metadata.expires(ROOT, now), keys, roles, consistent_snapshot=True))


def targets(online: Key, now: dt.datetime, *, version: int = 1) -> Metadata[Targets]:
    """Targets, not signed: nothing but the delegation of the head to the online key."""
    role = DelegatedRole(CATALOG, [online.keyid], 1, terminating=True, paths=[layout.CATALOG])
    delegations = Delegations({online.keyid: online}, {CATALOG: role})
    return Metadata(Targets(version, None, metadata.expires(TARGETS, now), {}, delegations))


def _private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
