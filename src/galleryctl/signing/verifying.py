"""Verifying a published gallery from its root alone, as a client does, and then every document that it names.

The metadata is judged by the client of python-tuf, which shares nothing with what signed it but the reading of bytes.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tuf.api.exceptions import DownloadError, DownloadHTTPError, ExpiredMetadataError, RepositoryError
from tuf.api.metadata import Metadata, Root, Signed, Snapshot, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater

from galleryctl import canonical, layout, output
from galleryctl.signing import tree
from galleryctl.signing.errors import SignatureError
from galleryctl.signing.metadata import ASTRAY, CATALOG, MOST, OFFLINE, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from galleryctl.spec.published import Catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from galleryctl.signing.places import Place
    from galleryctl.signing.tree import Head

_BASE = "gallery://"
_MISSING = 404
_STATE = "head.json"
ROLES = (TIMESTAMP, SNAPSHOT, CATALOG, TARGETS, ROOT)


@dataclass(frozen=True, slots=True)
class Role:
    """One role of the metadata."""

    version: int
    expires: dt.datetime
    keys: tuple[str, ...]
    """Ids of the keys that signed it."""


@dataclass(frozen=True)
class Verified:
    """A gallery that verifies."""

    where: str
    head: Head = field(repr=False)
    roles: Mapping[str, Role]
    files: int
    """Documents that were checked."""
    warnings: tuple[str, ...] = ()


def verify(
    place: Place,
    root: bytes,
    *,
    now: dt.datetime,
    online_for: dt.timedelta = dt.timedelta(),
    offline_for: dt.timedelta = dt.timedelta(),
    state: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verified:
    """Verify all of a gallery from a root that is trusted; `SignatureError` says what does not verify.

    A role that expires within `online_for` or `offline_for` fails too. `state` is a folder of what was verified before:
    nothing older is accepted, and it is brought up to date in the end.
    """
    now = now.astimezone(dt.UTC)
    _refuse_unsigned(place)
    with tempfile.TemporaryDirectory() as temporary:
        folder = state or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        data = _head(place, root, folder, Path(temporary) / "head", now)
        roles = {role: _role(folder, role) for role in ROLES}
    head = tree.Head(data, tree.parse(Catalog, data, layout.CATALOG))
    _refuse_ahead(place, head, now)
    _refuse_short(roles, now, online_for, offline_for)
    _refuse_gaps(place, roles[ROOT].version)
    if state:
        _refuse_older(state, head)
    files = tree.check(place, head.catalog, progress=progress)
    if state:
        by = (state / "timestamp.json").read_text("utf-8")
        known = {"order": list(head.order), "sha256": head.sha256, "timestamp": by}
        output.replace(state / _STATE, canonical.dumps(known))
    return Verified(place.where, head, roles, files, tuple(_lagging(place, head)))


class _Fetcher(FetcherInterface):
    """Reads a place for the client of python-tuf."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def _fetch(self, url: str) -> Iterator[bytes]:
        data = self._place.read(url.removeprefix(_BASE), MOST[TARGETS])
        if data is None:
            raise DownloadHTTPError(f"{url.removeprefix(_BASE)} is missing", _MISSING)
        return iter([data])


def _head(place: Place, root: bytes, folder: Path, target: Path, now: dt.datetime) -> bytes:
    """The head, by the metadata of a place; that stays in `folder`."""
    with _told(place, folder, now):
        client = Updater(
            str(folder), f"{_BASE}{layout.METADATA}", target_base_url=_BASE, fetcher=_Fetcher(place), bootstrap=root
        )
        client._trusted_set.reference_time = now  # noqa: SLF001 - it has no parameter for the clock
        client.refresh()
        found = client.get_targetinfo(layout.CATALOG)
        if found is None:
            raise SignatureError(f"{place.where}: the role {CATALOG} signs no {layout.CATALOG}")
        client.download_target(found, str(target))
    return target.read_bytes()


@contextmanager
def _told(place: Place, folder: Path, now: dt.datetime) -> Iterator[None]:
    """Errors of the client in words: what was found, what was expected, what to do."""
    try:
        yield
    except ExpiredMetadataError as error:
        role = next(role for role in ROLES if role in str(error))  # it says no more than that
        raise SignatureError(f"{place.where}: {_expired(place, folder, role, now)}") from error
    except DownloadHTTPError as error:
        raise SignatureError(f"{place.where}: {error}, and the metadata leads there; publish the tree again") from error
    except DownloadError as error:
        raise SignatureError(f"{place.where} cannot be read: {error.__cause__ or error}") from error
    except RepositoryError as error:
        raise SignatureError(
            f"{place.where} does not verify: {error}; its keys are not those of the root, or it was changed"
        ) from error


def _expired(place: Place, folder: Path, role: str, now: dt.datetime) -> str:
    """Which role expired. The client does not keep one that did, so it is looked up; its signature was right."""
    try:
        signed = _lookup(place, folder, role)
    except (RepositoryError, KeyError):  # published anew in this moment
        return f"{role} expired; verify again"
    advice = "its holders have to sign the next one" if role in OFFLINE else "sign the tree again"
    return (
        f"{role} {signed.version} expired on {signed.expires:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M}; "
        f"{advice}, or set the clock right"
    )


def _lookup(place: Place, folder: Path, role: str) -> Signed:
    if role == ROOT:
        return Metadata[Root].from_bytes((folder / "root.json").read_bytes()).signed
    timestamp = Metadata[Timestamp].from_bytes(place.read(layout.TIMESTAMP, MOST[TIMESTAMP]) or b"").signed
    if role == TIMESTAMP:
        return timestamp
    path = layout.metadata(SNAPSHOT, timestamp.snapshot_meta.version)
    snapshot = Metadata[Snapshot].from_bytes(place.read(path, MOST[SNAPSHOT]) or b"").signed
    if role == SNAPSHOT:
        return snapshot
    path = layout.metadata(role, snapshot.meta[f"{role}.json"].version)
    return Metadata[Targets].from_bytes(place.read(path, MOST[role]) or b"").signed


def _role(folder: Path, role: str) -> Role:
    found = Metadata.from_bytes((folder / f"{role}.json").read_bytes())
    return Role(found.signed.version, found.signed.expires, tuple(found.signatures))


def _refuse_unsigned(place: Place) -> None:
    if place.read(layout.TIMESTAMP, MOST[TIMESTAMP]) is not None:
        return
    data = place.read(layout.DISCOVERY, tree.MOST_HEAD)
    if data is None and place.read(layout.CATALOG, tree.MOST_HEAD) is None:
        raise SignatureError(f"{place.where} is no gallery: it has neither {layout.DISCOVERY} nor {layout.CATALOG}")
    if data is not None and tree.discovery(data).get("signed"):
        raise SignatureError(f"{place.where} says that it is signed, and has no {layout.TIMESTAMP}; publish it again")
    raise SignatureError(f"{place.where} is not signed: nobody vouches for what it says; `galleryctl sign` signs it")


def _refuse_ahead(place: Place, head: Head, now: dt.datetime) -> None:
    if (built := head.catalog.built) > now + ASTRAY:
        raise SignatureError(
            f"{place.where} was built on {built:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M}; "
            "set the clock right, since with a wrong one nobody can tell what has expired"
        )


def _refuse_short(roles: Mapping[str, Role], now: dt.datetime, online: dt.timedelta, offline: dt.timedelta) -> None:
    for role, each in roles.items():
        wanted = offline if role in OFFLINE else online
        if each.expires <= now + wanted:
            raise SignatureError(
                f"{role} {each.version} expires on {each.expires:%Y-%m-%d %H:%M} UTC, expected later than "
                f"{now + wanted:%Y-%m-%d %H:%M}: "
                + ("its holders have to sign the next one" if role in OFFLINE else "signing again is overdue")
            )


def _refuse_gaps(place: Place, last: int) -> None:
    for version in range(1, last + 1):
        path = layout.metadata(ROOT, version)
        if place.read(path, MOST[ROOT]) is None:
            raise SignatureError(
                f"{path} is missing in {place.where}: clients that start before it are cut off; sign with every root"
            )


def _refuse_older(folder: Path, head: Head) -> None:
    if not (folder / _STATE).exists():
        return
    known = json.loads((folder / _STATE).read_bytes())
    if not _vouched(folder, known.get("timestamp")):
        return
    epoch, serial = known["order"]
    if head.order < (epoch, serial) or (head.order == (epoch, serial) and head.sha256 != known["sha256"]):
        raise SignatureError(
            f"serial {head.catalog.serial} of epoch {head.catalog.epoch} came after serial {serial} of epoch {epoch}: "
            "clients that saw the later one refuse it; build again with --earlier, or, where a thief signed it, "
            "replace the online key: clients forget what it signed"
        )


def _vouched(folder: Path, timestamp: str | None) -> bool:
    """Whether the present root vouches for what was verified last: a thief's numbers go with the key he had."""
    if timestamp is None:
        return True
    stored = Metadata[Timestamp].from_bytes(timestamp.encode())
    root = Metadata[Root].from_bytes((folder / "root.json").read_bytes()).signed
    return root.get_verification_result(TIMESTAMP, stored.signed_bytes, stored.signatures).verified


def _lagging(place: Place, head: Head) -> Iterator[str]:
    """Names that nothing signs, and that differ: a cache may do that for minutes."""
    if place.read(layout.CATALOG, tree.MOST_HEAD) != head.data:
        yield f"{layout.CATALOG} is not the head that was signed: readers that verify nothing see another one"
    data = place.read(layout.DISCOVERY, tree.MOST_HEAD)
    said = tree.discovery(data) if data else {}
    if not said.get("signed") or said.get("metadata") != layout.METADATA:
        yield f"{layout.DISCOVERY} does not say that the gallery is signed"
    if said.get("audience", head.catalog.audience) != head.catalog.audience:
        yield f"{layout.DISCOVERY} is for {said['audience']}, and the head for {head.catalog.audience}"
