"""What a place had signed last: verified by the keys of the trust, whatever its age.

A role that an earlier root vouched for is verified too: after a key was replaced, versions go on where they were.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from galleryctl import layout
from galleryctl.signing import metadata, tree
from galleryctl.signing.errors import SignatureError
from galleryctl.signing.metadata import CATALOG, MOST, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from galleryctl.spec.published import Catalog

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from galleryctl.signing.places import Place
    from galleryctl.signing.tree import Head
    from galleryctl.signing.trust import Trust


@dataclass(frozen=True)
class State:
    """The signed state of one place."""

    files: Mapping[str, bytes]
    """Files by role: catalog, snapshot, timestamp."""
    versions: Mapping[str, int]
    """Versions of targets, catalog, snapshot, timestamp."""
    expires: Mapping[str, dt.datetime]
    """Until when the online roles are fresh."""
    snapshot: Snapshot
    sha256: str
    """Digest of the head."""
    length: int
    """Bytes of the head."""
    root: int
    """Version of the root whose keys signed it."""


def read(place: Place, trust: Trust) -> State | None:
    """The state of a place; none where it has none. `SignatureError`: what it has is not signed by this trust."""
    data = place.read(layout.TIMESTAMP, MOST[TIMESTAMP])
    if data is None:
        return None
    timestamp = metadata.parse(Timestamp, data, layout.TIMESTAMP)
    root = _by(trust, TIMESTAMP, timestamp, layout.TIMESTAMP)
    files = {TIMESTAMP: data}
    path, files[SNAPSHOT] = _named(place, SNAPSHOT, timestamp.signed.snapshot_meta, layout.TIMESTAMP)
    snapshot = metadata.parse(Snapshot, files[SNAPSHOT], path)
    _by(trust, SNAPSHOT, snapshot, path)
    delegator = _targets(place, trust, snapshot.signed, path)
    path, files[CATALOG] = _named(place, CATALOG, snapshot.signed.meta.get(f"{CATALOG}.json"), path)
    catalog = metadata.parse(Targets, files[CATALOG], path)
    if not delegator.get_verification_result(CATALOG, catalog.signed_bytes, catalog.signatures).verified:
        raise SignatureError(f"{path} is not signed by the key that targets {delegator.version} name for it")
    target = catalog.signed.targets.get(layout.CATALOG)
    if target is None or "sha256" not in target.hashes:
        raise SignatureError(f"{path} names no {layout.CATALOG} with its SHA-256")
    signed = {CATALOG: catalog.signed, SNAPSHOT: snapshot.signed, TIMESTAMP: timestamp.signed}
    return State(
        files=files,
        versions={role: each.version for role, each in signed.items()} | {TARGETS: delegator.version},
        expires={role: each.expires for role, each in signed.items()},
        snapshot=snapshot.signed,
        sha256=target.hashes["sha256"],
        length=target.length,
        root=root.version,
    )


def head(place: Place, state: State) -> Head | None:
    """The head that a state names, verified; none where the place does not have it any more."""
    path = layout.addressed(layout.CATALOG, state.sha256)
    data = place.read(path, state.length)
    if data is None:
        return None
    if len(data) != state.length or hashlib.sha256(data).hexdigest() != state.sha256:
        raise SignatureError(f"{path} in {place.where} is not the head that was signed")
    return tree.Head(data, tree.parse(Catalog, data, path))


def headless(place: Place) -> SignatureError:
    return SignatureError(
        f"{place.where} lacks the head that it signed, so its serial cannot be told; publish the last good tree again, "
        "or go on from a copy of it with --earlier DIR"
    )


def refuse_hidden(place: Place) -> None:
    """A host that has a signed gallery, and does not show what signs it, is no beginning."""
    data = place.read(layout.DISCOVERY, tree.MOST_HEAD)
    if data is not None and tree.discovery(data).get("signed"):
        raise SignatureError(
            f"{place.where} says that it is signed, and has no {layout.TIMESTAMP}: publish the last good tree again, "
            "or go on from a copy of it with --earlier DIR"
        )


def ahead(place: Place, trust: Trust) -> int:
    """How many roots a place has beyond the trust, each signed as clients want it."""
    last, count = trust.root, 0
    while (data := place.read(layout.metadata(ROOT, last.version + 1), MOST[ROOT])) is not None:
        try:
            found = metadata.parse(Root, data, "root")
        except SignatureError:
            break
        proof = found.signed_bytes, found.signatures
        follows = found.signed.version == last.version + 1
        if not follows or not found.signed.get_root_verification_result(last, *proof).verified:
            break
        last, count = found.signed, count + 1
    return count


def _named(place: Place, role: str, meta: MetaFile | None, by: str) -> tuple[str, bytes]:
    """The file of a role as another one names it, and its path."""
    if meta is None:
        raise SignatureError(f"{by} in {place.where} names no {role}")
    path = layout.metadata(role, meta.version)
    data = place.read(path, MOST[role])
    if data is None:
        raise SignatureError(f"{path} is missing in {place.where}, and {by} leads there")
    try:
        meta.verify_length_and_hashes(data)
    except LengthOrHashMismatchError as error:
        raise SignatureError(f"{path} in {place.where} is not the one that {by} names: {error}") from error
    return path, data


def _by(trust: Trust, role: str, found: Metadata[Timestamp] | Metadata[Snapshot], what: str) -> Root:
    """The newest root whose keys signed."""
    for root in reversed(trust.chain):
        if root.get_verification_result(role, found.signed_bytes, found.signatures).verified:
            return root
    raise SignatureError(
        f"{what} is signed by {', '.join(each[:12] for each in found.signatures) or 'nobody'}, and no root up to "
        f"{trust.root.version} ever named that key for {role}; is this another gallery's trust?"
    )


def _targets(place: Place, trust: Trust, snapshot: Snapshot, by: str) -> Targets:
    """The targets that a snapshot names: those of the trust, or later ones."""
    meta = snapshot.meta.get(f"{TARGETS}.json")
    known = trust.targets.get(meta.version) if meta else None
    path, data = _named(place, TARGETS, meta, by) if known is None else (f"targets {meta and meta.version}", known)
    found = metadata.parse(Targets, data, path)
    proof = found.signed_bytes, found.signatures
    if not any(root.get_verification_result(TARGETS, *proof).verified for root in trust.chain):
        raise SignatureError(f"{path} is not signed by a holder that a root names for {TARGETS}")
    return found.signed
