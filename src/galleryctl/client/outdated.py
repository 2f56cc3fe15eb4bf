"""How the pins of a lock file stand: what is newer, what is over, and what must go. Pure over a shelf.

A pin has one main status, the gravest of those that hold:

* `revoked`, `quarantined`, `removed`: it must not be used any more, so something must be done;
* `expired`, `discontinued`, `deprecated`, `withdrawn`: it goes on resolving, and somebody should look for another;
* `renamed`, `update` (newer in the range), `newer` (only outside the range): it is fine, and could be written anew;
* `unreadable`: a later version of this program is needed to tell;
* `current`.

Files that were uploaded again are another release, so a pin stays with what it had; `changed` says what the newer
release has otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from galleryctl.client import finding, picking
from galleryctl.client.errors import OfflineError, RefusedError, ResolveError, SchemaError
from galleryctl.client.locking import Pin
from galleryctl.client.picking import Picked, because, instead
from galleryctl.client.references import Range, parse
from galleryctl.runtimes import base, targets
from galleryctl.spec.base import version_key

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from galleryctl.client.finding import Found
    from galleryctl.client.locking import Lock
    from galleryctl.client.shelf import Shelf
    from galleryctl.spec.governance import Consumer
    from galleryctl.spec.release import File

Status = Literal[
    "revoked", "quarantined", "removed", "unreadable", "expired", "discontinued", "deprecated", "withdrawn", "update",
    "newer", "renamed", "current",
]  # fmt: skip
ORDER: tuple[Status, ...] = (
    "revoked", "quarantined", "removed", "unreadable", "expired", "discontinued", "deprecated", "withdrawn", "update",
    "newer", "renamed", "current",
)  # fmt: skip
"""The gravest first."""
URGENT = frozenset({"revoked", "quarantined", "removed"})
"""What must not be used any more."""


@dataclass(frozen=True, slots=True)
class Outdated:
    """How one pin stands."""

    reference: str
    id: str
    """Present id."""
    version: str
    """The pinned release; empty where the pin names none."""
    status: Status
    """The gravest of what holds."""
    statuses: tuple[Status, ...]
    """All that holds, the gravest first."""
    says: str
    """One sentence."""
    newest: str | None = None
    """The newest release that the reference allows and that may be used; for an exact pin, its own."""
    latest: str | None = None
    """The newest release of all that may be used."""
    changed: bool | None = None
    """Whether the newest of them has other files for this build; none where there is none, or it cannot be told."""
    reason: str | None = None
    since: dt.date | None = None
    advisory: str | None = None
    successor: str | None = None

    @property
    def urgent(self) -> bool:
        """Whether it must not be used any more."""
        return self.status in URGENT


@dataclass(slots=True)
class _Gathered:
    """What is found of one pin, step by step."""

    pin: Pin
    id: str
    holds: list[tuple[Status, str]]
    newest: str | None = None
    latest: str | None = None
    changed: bool | None = None
    reason: str | None = None
    since: dt.date | None = None
    advisory: str | None = None
    successor: str | None = None

    def done(self) -> Outdated:
        holds = sorted(self.holds, key=lambda each: ORDER.index(each[0])) or [("current", "it is the newest release")]
        says = "; ".join(dict.fromkeys(said for _, said in holds if said))
        return Outdated(
            reference=self.pin.reference, id=self.id, version=self.pin.version, status=holds[0][0],
            statuses=tuple(dict.fromkeys(status for status, _ in holds)), says=says, newest=self.newest,
            latest=self.latest, changed=self.changed, reason=self.reason, since=self.since, advisory=self.advisory,
            successor=self.successor,
        )  # fmt: skip


def outdated(shelf: Shelf, lock: Lock) -> tuple[Outdated, ...]:
    """How each pin stands, by reference. OfflineError: what tells it cannot be fetched now."""
    return tuple(_standing(shelf, pin) for _, pin in sorted(lock.pins.items()))


def subscriptions(consumer: Consumer) -> Iterable[Pin]:
    """The pins of a consumer file: releases and builds without digests."""
    for pin in consumer.pins:
        reference = pin.model + (f"@{pin.version}" if pin.version else "") + (f":{pin.variant}" if pin.variant else "")
        yield Pin(reference, pin.model, pin.version or "", variant=pin.variant or "", since=pin.since)


def _standing(shelf: Shelf, pin: Pin) -> Outdated:
    gathered = _Gathered(pin, pin.id, [])
    try:
        found, renamed = picking.model(shelf, pin.id)
        if renamed or pin.id != found.id or parse(pin.reference).id != found.id:
            gathered.holds.append(("renamed", f"it is called {found.id} now"))
        gathered.id = found.id
        _judge(shelf, gathered, found)
    except ResolveError as error:
        _refused(gathered, error, "removed")
    except SchemaError as error:
        gathered.holds.append(("unreadable", f"{error}"))
    except OfflineError:
        _known(shelf, gathered)
        if not gathered.holds:
            raise
    return gathered.done()


def _judge(shelf: Shelf, gathered: _Gathered, found: Found) -> None:
    pin = gathered.pin
    if pin.version and pin.version not in found.releases:
        found = finding.whole(shelf, found)
    model = found.model
    gathered.successor, gathered.reason = model.successor, model.reason
    present = _present(shelf, gathered, found) if pin.version else None
    gathered.newest = _newest(shelf, found, parse(pin.reference).versions)
    gathered.latest = _newest(shelf, found, Range())
    if pin.version:
        _newer(shelf, gathered, found, present)
    else:
        _unpinned(shelf, gathered, found)
    if not model.listed:
        gathered.holds.append(("withdrawn", f"{found.id} is withdrawn from lists{because(model.reason)}"))


def _newest(shelf: Shelf, found: Found, wanted: Range) -> str | None:
    try:
        return picking.newest(shelf, found, wanted).version
    except (ResolveError, SchemaError):
        return None


def _unpinned(shelf: Shelf, gathered: _Gathered, found: Found) -> None:
    """How a model stands of which the newest release is meant."""
    try:
        picked = picking.newest(shelf, found, Range())
    except RefusedError as error:
        every = finding.whole(shelf, found)
        left = [each for each in every.releases if finding.revoked(shelf, found.id, each) is None]
        gone = all(every.standing(each, shelf.today) == "quarantined" for each in left)
        over: Status = "expired" if found.expired(shelf.today) else "discontinued"
        _refused(gathered, error, "quarantined" if gone else over)
    else:
        _over(shelf, gathered, picked)


def _present(shelf: Shelf, gathered: _Gathered, found: Found) -> Picked | None:
    """How the pinned release itself stands."""
    version = gathered.pin.version
    quarantined = version in found.releases and found.standing(version, shelf.today) == "quarantined"
    _known(shelf, gathered)
    if gathered.holds and gathered.holds[-1][0] == "revoked":
        if quarantined:
            gathered.holds[-1] = ("quarantined", gathered.holds[-1][1].replace(" is revoked", " is quarantined", 1))
        return None
    try:
        picked = picking.pick(shelf, found, Range(version, (), version))
    except ResolveError as error:
        _refused(gathered, error, "quarantined" if quarantined else "removed")
        return None
    _over(shelf, gathered, picked)
    return picked


def _over(shelf: Shelf, gathered: _Gathered, picked: Picked) -> None:
    """Whether a release that may be used is on its way out."""
    found, version = picked.found, picked.version
    gathered.reason = found.reason(version)
    more = f"{because(gathered.reason)}{instead(found.model.successor)}"
    end = picking.ends(picked, gathered.pin.since) if gathered.pin.since else None
    if found.expired(shelf.today):
        gathered.since = found.model.expires
        gathered.holds.append(("expired", f"{found.id} expired on {found.model.expires}{more}"))
    elif end is not None and end <= shelf.today:
        gathered.since = end
        gathered.holds.append(("expired", f"the days for which {found.id} may be used ended on {end}{more}"))
    elif picked.standing != "active":
        status: Status = "discontinued" if picked.standing == "discontinued" else "deprecated"
        gathered.holds.append((status, f"{found.id} {version} is {status}{more}"))


def _known(shelf: Shelf, gathered: _Gathered) -> None:
    """What the revocations say, which are at hand without any other document."""
    pin, identifier = gathered.pin, gathered.id
    digests = sorted({file.sha256 for file in pin.files if file.sha256 and finding.telling(file.path)})
    found = finding.revoked(shelf, identifier, pin.version) if pin.version else None
    by_file = found is None
    if found is None and digests:
        found = next(iter(shelf.revoking(digests)), None)
    if found is None:
        return
    gathered.reason, gathered.advisory = found.reason, found.advisory
    gathered.since = found.since.date() if found.since else None
    what = f"a file of {identifier} {pin.version} is revoked" if by_file else f"{identifier} {pin.version} is revoked"
    day = f" since {gathered.since}" if gathered.since else ""
    more = f"; see {found.advisory}" if found.advisory else ""
    gathered.holds.append(("revoked", f"{what}{day}{because(found.reason)}{more}{instead(gathered.successor)}"))


def _refused(gathered: _Gathered, error: ResolveError, status: Status) -> None:
    if isinstance(error, RefusedError):
        gathered.reason, gathered.since = error.reason, error.since
        gathered.advisory, gathered.successor = error.advisory, error.successor
    gathered.holds.append((status, str(error)))


def _newer(shelf: Shelf, gathered: _Gathered, found: Found, present: Picked | None) -> None:
    """What has come since, and whether it has other files."""
    pin, later = gathered.pin, [each for each in (gathered.newest, gathered.latest) if each]
    newer = [each for each in later if version_key(each) > version_key(pin.version)]
    if not newer:
        return
    version = newer[0]
    within = version == gathered.newest
    files = ""
    if present is not None:
        picked = picking.pick(shelf, found, Range(version, (), version))
        gathered.changed, files = _compared(_files(present, pin), _files(picked, pin))
    where = "" if within else ", outside the range"
    gathered.holds.append(("update" if within else "newer", f"{version} is newer{where}{files}"))


def _files(picked: Picked, pin: Pin) -> tuple[File, ...] | None:
    """Files of the pinned build in a release; without quantization, those of all builds of its variant."""
    every = targets(picked.found.id, picked.found.type, picked.version, picked.release)
    found = [
        file
        for target in every
        if target.variant.name == pin.variant or not pin.variant
        if target.quantization == pin.quantization or not pin.quantization
        for file in base.files(target)
    ]
    return tuple(dict.fromkeys(found)) or None


def _compared(before: tuple[File, ...] | None, after: tuple[File, ...] | None) -> tuple[bool | None, str]:
    """Whether files changed, and the same for the end of a sentence."""
    if before is None:
        return None, ""
    if after is None:
        return None, ", and does not have this build"
    old, new = {file.path: file for file in before}, {file.path: file for file in after}
    if any(file.sha256 is None for file in (*before, *after)):
        sizes = [(old[path].size, new[path].size) for path in old.keys() & new.keys()]
        other = any(one is not None and two is not None and one != two for one, two in sizes)
        return (True, ", with other files") if other else (None, ", and whether its files changed cannot be told")
    changed = sum(old[path].sha256 != new[path].sha256 for path in old.keys() & new.keys())
    counts = [(changed, "changed"), (len(new.keys() - old.keys()), "new"), (len(old.keys() - new.keys()), "gone")]
    told = ", ".join(f"{count} {word}" for count, word in counts if count)
    return (True, f", with other files ({told})") if told else (False, ", with the same files")
