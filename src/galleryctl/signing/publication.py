"""Signing a finished tree: what is due is decided first, then written in an order that no reader can fall through.

* Nothing is due: nothing is written, and a second run never writes.
* Targets, catalog and snapshot have their version in their names and come first; then the document where readers start,
  and new roots; `timestamp.json` comes last, and is the moment at which the new state appears. A run that is stopped
  leaves the state before it, and one that fails takes back what it wrote. Where a new root replaces the online key,
  readers between these two last writes can verify neither state, and stay with what they have.
* An older state than the one that was published is not signed, nor another one with the same serial.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp

from galleryctl import canonical, layout, output
from galleryctl.errors import GalleryError, OutputError
from galleryctl.index import generations
from galleryctl.output import disk
from galleryctl.signing import metadata, state, tree
from galleryctl.signing.errors import SignatureError
from galleryctl.signing.metadata import CATALOG, MOST, ONLINE, RENEWED, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, TOLD
from galleryctl.signing.places import Folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from securesystemslib.signer import Signer

    from galleryctl.signing.places import Place
    from galleryctl.signing.state import State
    from galleryctl.signing.tree import Head
    from galleryctl.signing.trust import Trust

FARTHEST = 2**30
"""No publisher gets here by signing: a version beyond it was pushed there by a thief."""


@dataclass(frozen=True)
class Signed:
    """What signing did."""

    head: Head = field(repr=False)
    versions: Mapping[str, int]
    expires: Mapping[str, dt.datetime]
    due: Mapping[str, str]
    """Roles that were signed, and why."""
    files: int
    """Documents that were checked."""
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Before:
    """What is gone on from: the last usable state, and the highest version of each role so far."""

    state: State | None
    place: Place | None
    versions: Mapping[str, int]
    warnings: tuple[str, ...]
    forked: bool = False
    """Whether two runs signed the same version of a role: readers that saw one would never look at the other."""


def sign(site: Path, trust: Trust, signer: Signer, *, now: dt.datetime, earlier: Place | None = None) -> Signed:
    """Check the tree in `site` and sign what is due. `earlier` is the gallery as it was published last.

    Raises `SignatureError`, and then nothing was changed: the tree is not whole, the keys do not fit the trust, or the
    tree is older than what was published.
    """
    place, now = Folder(site), metadata.moment(now)
    place.refuse_links(layout.METADATA)
    _refuse_expired(trust, now)
    with disk.workshop(site):
        head = tree.head(place)
        for leftover in (site / layout.METADATA).glob(".*.tmp"):  # of a run that was killed
            leftover.unlink()
        count = tree.check(place, head.catalog)
        before = _before(place, earlier, trust, head)
        plan = _Plan(trust, signer, now, before)
        plan.catalog(head)
        plan.snapshot()
        plan.timestamp()
        files = trust.targets_files | _older(place, before, now) | plan.files
        last = {layout.TIMESTAMP: files.pop(layout.TIMESTAMP)}
        files |= {layout.DISCOVERY: _discovery(place)} | trust.root_files | last
        written = _write(site, files)
        removed = _prune(site, plan, now) if plan.due else ()
    return Signed(
        head=head,
        versions=plan.versions | {ROOT: trust.root.version},
        expires=plan.expires | {ROOT: trust.root.expires, TARGETS: trust.delegator.expires},
        due=plan.due,
        files=count,
        written=written,
        removed=removed,
        warnings=(*before.warnings, *_soon(trust, now)),
    )


def _refuse_expired(trust: Trust, now: dt.datetime) -> None:
    for role, signed in ((ROOT, trust.root), (TARGETS, trust.delegator)):
        if signed.is_expired(now):
            raise SignatureError(
                f"{role} {signed.version} expired on {signed.expires:%Y-%m-%d %H:%M} UTC, and clients refuse what is "
                f"signed below it; its holders have to sign the next one"
            )


def _soon(trust: Trust, now: dt.datetime) -> Iterator[str]:
    for role, signed in ((ROOT, trust.root), (TARGETS, trust.delegator)):
        if signed.expires - now < TOLD:
            days = (signed.expires - now).days
            yield f"{role} {signed.version} expires in {days} days: its holders have to sign the next one"


def _before(place: Folder, earlier: Place | None, trust: Trust, head: Head) -> _Before:
    """Refuse what is older than what was published, and say where to go on."""
    found: list[tuple[Place, State]] = []
    warnings: list[str] = []
    try:
        if own := state.read(place, trust):
            found.append((place, own))
    except SignatureError as error:
        warnings.append(f"the metadata in the folder is not gone on from: {error}")
    if earlier is not None:
        _refuse_roots(earlier, trust)
        try:
            published = state.read(earlier, trust)
        except SignatureError as error:
            raise SignatureError(
                f"{error}; after a theft go on from a copy of the last good tree, with --earlier DIR"
            ) from error
        if published:
            found.append((earlier, published))
        else:
            state.refuse_hidden(earlier)
    usable = []
    for where, each in found:
        _refuse_rollback(where, each, trust, head, own=where is place)
        if max(each.versions[role] for role in ONLINE) < FARTHEST:
            usable.append((where, each))
        elif each.root == trust.root.version:
            raise SignatureError(
                f"{where.where} has versions beyond {FARTHEST}: somebody else signs with the online key: replace it"
            )
        else:
            warnings.append(f"the versions of {where.where} were pushed ahead with a key that is no longer trusted")
    if not usable:
        return _Before(None, None, _numbers(place), tuple(warnings))
    last, base = max(usable, key=lambda each: each[1].versions[TIMESTAMP])
    versions = {role: max(each.versions[role] for _, each in usable) for role in ONLINE}
    return _Before(base, last, versions, tuple(warnings), _forked([each for _, each in usable]))


def _forked(states: Sequence[State]) -> bool:
    return any(
        one.versions[role] == other.versions[role] and one.files[role] != other.files[role]
        for one, other in combinations(states, 2)
        for role in ONLINE
    )


def _numbers(place: Folder) -> dict[str, int]:
    """The highest versions that names in the folder have: a name is not used for other bytes, caches hold them."""
    found = dict.fromkeys(ONLINE, 0)
    for role, version in place.metadata():
        if role in ONLINE and version < FARTHEST:
            found[role] = max(found[role], version)
    return found


def _refuse_roots(earlier: Place, trust: Trust) -> None:
    if count := state.ahead(earlier, trust):
        raise SignatureError(
            f"{earlier.where} has root {trust.root.version + count}, the trust ends at {trust.root.version}: this is "
            "an older state of the repository; sign from the newest one"
        )


def _refuse_rollback(where: Place, published: State, trust: Trust, head: Head, *, own: bool) -> None:
    if published.versions[TARGETS] > trust.delegator.version:
        raise SignatureError(
            f"{where.where} has targets {published.versions[TARGETS]}, the trust has {trust.delegator.version}: this "
            "is an older state of the repository; sign from the newest one"
        )
    last = state.head(where, published)
    if last is None:
        if own:  # a build without generations removed it; what is published is asked for itself
            return
        raise state.headless(where)
    if last.catalog.audience != head.catalog.audience:
        raise SignatureError(
            f"{where.where} is for {last.catalog.audience}, this tree for {head.catalog.audience}: each audience has "
            "an address and keys of its own"
        )
    what = f"serial {head.catalog.serial} of epoch {head.catalog.epoch}"
    if head.order < last.order:
        raise SignatureError(
            f"{what} is older than what {where.where} has, serial {last.catalog.serial} of epoch {last.catalog.epoch}; "
            "build again with --earlier, or set a higher epoch in gallery.yaml for an intended reset"
        )
    if head.order == last.order and head.sha256 != last.sha256:
        raise SignatureError(
            f"{what} is another one in {where.where}: {last.sha256[:12]} there, {head.sha256[:12]} here; build again "
            "with --earlier, so that it gets the next serial"
        )


class _Plan:
    """The online roles, one after the other: kept as they are, or made anew. No file is touched."""

    def __init__(self, trust: Trust, signer: Signer, now: dt.datetime, before: _Before) -> None:
        self._trust = trust
        self._signer = signer
        self._now = now
        self._before = before
        self.files: dict[str, bytes] = {}
        self.due: dict[str, str] = {}
        self.versions: dict[str, int] = {TARGETS: trust.delegator.version}
        self.expires: dict[str, dt.datetime] = {}

    def catalog(self, head: Head) -> None:
        target = TargetFile(len(head.data), {"sha256": head.sha256}, layout.CATALOG)
        base = self._before.state
        changed = "the head is new" if base and base.sha256 != head.sha256 else ""
        self._role(
            CATALOG, changed, lambda version, until: Metadata(Targets(version, None, until, {layout.CATALOG: target}))
        )

    def snapshot(self) -> None:
        newest = self._trust.delegator.version
        meta = {
            f"{TARGETS}.json": MetaFile.from_data(newest, self._trust.targets[newest], ["sha256"]),
            f"{CATALOG}.json": self._meta(CATALOG),
        }
        base = self._before.state
        changed = "what it names is new" if base and base.snapshot.meta != meta else ""
        self._role(SNAPSHOT, changed, lambda version, until: Metadata(Snapshot(version, None, until, meta)))

    def timestamp(self) -> None:
        meta, changed = self._meta(SNAPSHOT), "what it names is new" if SNAPSHOT in self.due else ""
        self._role(TIMESTAMP, changed, lambda version, until: Metadata(Timestamp(version, None, until, meta)))

    def _meta(self, role: str) -> MetaFile:
        version = self.versions[role]
        return MetaFile.from_data(version, self.files[metadata.path(role, version)], ["sha256"])

    def _role(self, role: str, changed: str, make: Callable[[int, dt.datetime], Metadata[Any]]) -> None:
        base = self._before.state
        reason = (changed or self._aged(role)) if base else "nothing was signed before"
        if base is None or reason:
            self.due[role] = reason
            self.versions[role] = self._before.versions[role] + 1
            self.expires[role] = metadata.expires(role, self._now)
            data = self._signed(role, make(self.versions[role], self.expires[role]))
        else:
            self.versions[role], self.expires[role] = base.versions[role], base.expires[role]
            data = base.files[role]
        self.files[metadata.path(role, self.versions[role])] = data

    def _aged(self, role: str) -> str:
        base = self._before.state
        if base is None:
            return ""
        if self._before.forked:
            return "another run signed the same version"
        if not self._verified(role, Metadata.from_bytes(base.files[role])):
            return "its key was replaced"
        left = base.expires[role] - self._now
        if left > metadata.LIFETIME[role] + metadata.ASTRAY:
            return "it was signed by a clock that ran ahead"
        return f"{max(left, dt.timedelta()).days} days remained" if left < RENEWED[role] else ""

    def _signed(self, role: str, unsigned: Metadata[Any]) -> bytes:
        try:
            unsigned.sign(self._signer)
        except UnsignedMetadataError as error:
            raise SignatureError(f"{role} could not be signed: {error.__cause__}") from error
        if not self._verified(role, unsigned):
            raise SignatureError(f"the online key does not sign {role} as the trust wants it; which key is it?")
        return metadata.dumps(unsigned)

    def _verified(self, role: str, found: Metadata[Any]) -> bool:
        delegator = self._trust.delegator if role == CATALOG else self._trust.root
        return delegator.get_verification_result(role, found.signed_bytes, found.signatures).verified


def _older(place: Folder, before: _Before, now: dt.datetime) -> dict[str, bytes]:
    """Metadata of earlier states, which readers may still be led to, that the folder does not have itself."""
    found: dict[str, bytes] = {}
    if before.state is None or before.place is None or before.place is place:
        return found
    for role in (CATALOG, SNAPSHOT):
        newest = before.state.versions[role]
        for version in range(newest, 0, -1):
            path = layout.metadata(role, version)
            if place.read(path, MOST[role]) is not None:
                continue
            data = before.place.read(path, MOST[role])
            if data is None or not _kept(role, data, version, newest, now):
                break
            found[path] = data
    return found


def _kept(role: str, data: bytes, version: int, newest: int, now: dt.datetime) -> bool:
    """Whether metadata of an earlier state stays: as long as the documents it leads to."""
    if version > newest - generations.HEADS:
        return True
    what = f"{version}.{role}.json"
    signed = metadata.parse(Targets, data, what) if role == CATALOG else metadata.parse(Snapshot, data, what)
    return now - metadata.signed_at(role, signed.signed) < dt.timedelta(days=generations.DAYS)


def _prune(site: Path, plan: _Plan, now: dt.datetime) -> tuple[str, ...]:
    """Remove metadata that nobody is led to any more, and what is beyond the present: nobody ever was led there."""
    gone = []
    place = Folder(site)
    for role, version in place.metadata():
        if role not in {CATALOG, SNAPSHOT}:
            continue
        path, newest = layout.metadata(role, version), plan.versions[role]
        with suppress(SignatureError):  # what is no metadata goes too
            if version <= newest and _kept(role, place.read(path, MOST[role]) or b"", version, newest, now):
                continue
        (site / path).unlink(missing_ok=True)
        gone.append(path)
    return tuple(gone)


def _discovery(place: Folder) -> bytes:
    data = place.read(layout.DISCOVERY, tree.MOST_HEAD)
    if data is None:
        raise SignatureError(f"{layout.DISCOVERY} is missing in {place.where}; build it again")
    return canonical.dumps(tree.discovery(data) | {"signed": True, "metadata": layout.METADATA})


def _write(site: Path, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Write what differs, in this order; take it back where that fails before the last file, which counts."""
    before: dict[Path, bytes | None] = {}
    written = []
    with disk.uninterrupted():
        try:
            for name, data in files.items():
                path = site / name
                before[path] = path.read_bytes() if path.is_file() else None
                if output.replace(path, data):
                    written.append(name)
        except (GalleryError, OSError):
            for path, old in before.items():
                with suppress(OutputError, OSError):
                    if old is None:
                        path.unlink(missing_ok=True)
                    else:
                        output.replace(path, old)
            raise
    return tuple(written)
