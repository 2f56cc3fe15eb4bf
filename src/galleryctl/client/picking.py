"""Which release of a model a pin or a range means, and what is to be known of it. Pure over a shelf.

* A pin is that release, also when it is discontinued or expired, or its model withdrawn from lists; that is told.
* A range is its newest active release, else its newest deprecated one.
* Quarantined or revoked is refused in either case, and so is what was removed.
* An earlier id leads to the present one.
* What requires something that is not known here is left out, and told.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

from galleryctl.client import finding
from galleryctl.client.errors import RefusedError, ResolveError, SchemaError, UnknownError
from galleryctl.spec.base import version_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from galleryctl.client.finding import Found
    from galleryctl.client.references import Range
    from galleryctl.client.shelf import Shelf
    from galleryctl.spec.published import Revocation
    from galleryctl.spec.release import Release

_SOON = dt.timedelta(days=30)
_SHOWN = 6


class Picked(NamedTuple):
    """One release that may be used."""

    found: Found
    version: str
    release: Release
    standing: finding.Standing
    skipped: tuple[str, ...] = ()
    """Newer ones that this version cannot read."""


def model(shelf: Shelf, identifier: str) -> tuple[Found, tuple[str, ...]]:
    """What the shelf has of an id, and that it has another name now. RefusedError: it is gone; UnknownError."""
    found = _there(shelf, identifier)
    if found is not None:
        return found, ()
    later = finding.present(shelf, identifier)
    found = _there(shelf, later) if later != identifier else None
    if found is None:
        raise finding.unknown(shelf, identifier)
    return found, (f"{identifier} is called {later} now: write that.",)


def _there(shelf: Shelf, identifier: str) -> Found | None:
    """What the shelf has of a present id. RefusedError: it was removed."""
    found = finding.find(shelf, identifier)
    if found is None and (stone := shelf.removed(identifier)) is not None:
        raise RefusedError(
            f"{identifier} was removed on {stone.since}{because(stone.reason)}{instead(stone.successor)}",
            reason=stone.reason,
            since=stone.since,
            successor=stone.successor,
        )
    return found


def pick(shelf: Shelf, found: Found, wanted: Range) -> Picked:
    """The release of a model that is meant. Errors as in `resolve`."""
    if wanted.exact is not None:
        return _pinned(shelf, found, wanted.exact)
    return newest(shelf, found, wanted)


def _pinned(shelf: Shelf, found: Found, version: str) -> Picked:
    if version not in found.releases:
        found = finding.whole(shelf, found)
    if revocation := finding.revoked(shelf, found.id, version):
        raise refused(found, version, revocation)
    if version not in found.releases:
        raise _missing(shelf, found, version)
    standing = found.standing(version, shelf.today)
    if standing == "quarantined":
        raise refused(found, version, None)
    return Picked(found, version, found.release(version), standing)


def newest(shelf: Shelf, found: Found, wanted: Range) -> Picked:
    """The newest active release of a range, else the newest deprecated one.

    A listing has the newest active release of all, or the newest deprecated one where none is active. So where that is
    in the range and may be used, no other document is needed.
    """
    picked = _best(shelf, found, wanted)
    if picked is None and not found.whole:
        found = finding.whole(shelf, found)
        picked = _best(shelf, found, wanted)
    if picked is None:
        raise _nothing(shelf, found, wanted)
    return picked


def _best(shelf: Shelf, found: Found, wanted: Range) -> Picked | None:
    skipped: list[str] = []
    usable: dict[str, list[str]] = {"active": [], "deprecated": []}
    for version in found.newest_first:
        if wanted.allows(version) and not finding.revoked(shelf, found.id, version):
            try:
                usable.setdefault(found.standing(version, shelf.today), []).append(version)
            except SchemaError as error:
                skipped.append(f"{error}; it is left out.")
    for standing in ("active", "deprecated"):
        for version in usable[standing]:
            try:
                release = found.release(version)
            except SchemaError as error:
                skipped.append(f"{error}; it is left out.")
            else:
                return Picked(found, version, release, standing, tuple(skipped))
    if skipped and found.whole and not any(usable.values()):
        raise SchemaError(skipped[0].removesuffix("; it is left out."))
    return None


def _missing(shelf: Shelf, found: Found, version: str) -> ResolveError:
    entry = shelf.entry(found.id)
    have = _listed(found.newest_first)
    if entry is not None and version in entry.releases:
        message = f"{found.id} {version} was removed, and does not come back"
        return RefusedError(f"{message}: {have}{instead(found.model.successor)}", successor=found.model.successor)
    return UnknownError(f"{found.id} has no release {version}: {have}")


def _nothing(shelf: Shelf, found: Found, wanted: Range) -> ResolveError:
    """Why no release of a range can be used."""
    within = [version for version in found.newest_first if wanted.allows(version)]
    if not within:
        of = f" in the range {wanted.text}" if wanted.text else ""
        return UnknownError(f"{found.id} has no release{of}: {_listed(found.newest_first)}")
    ended = [version for version in within if not finding.revoked(shelf, found.id, version)]
    ended = [version for version in ended if found.standing(version, shelf.today) == "discontinued"]
    if not ended:
        return refused(found, within[0], finding.revoked(shelf, found.id, within[0]))
    version, successor = ended[0], found.model.successor
    if found.expired(shelf.today):
        what, reason = f"{found.id} expired on {found.model.expires}", found.reason(version)
        since = found.model.expires
    else:
        what, reason, since = f"{found.id} {version} is discontinued", found.reason(version), None
    advice = f"{instead(successor)}; who uses it already may pin it: {found.id}@{version}"
    return RefusedError(f"{what}{because(reason)}{advice}", reason=reason, since=since, successor=successor)


def refused(found: Found, version: str, revocation: Revocation | None) -> RefusedError:
    """That a release is quarantined or revoked, with all that is known of it."""
    reason = (revocation.reason if revocation else None) or found.reason(version)
    since = revocation.since.date() if revocation and revocation.since else None
    advisory = revocation.advisory if revocation else None
    known = version in found.releases and found.releases[version].get("status", found.model.status) == "quarantined"
    word = "quarantined" if known or revocation is None or found.model.status == "quarantined" else "revoked"
    day = f" since {since}" if since else ""
    more = f"; see {advisory}" if advisory else ""
    return RefusedError(
        f"{found.id} {version} is {word}{day} and must not be used{because(reason)}"
        f"{more}{instead(found.model.successor)}",
        reason=reason, since=since, advisory=advisory, successor=found.model.successor,
    )  # fmt: skip


def standing_warnings(shelf: Shelf, picked: Picked, since: dt.date | None = None) -> tuple[str, ...]:
    """What is to be known of a release that may be used, on this day; terms count from the day of a pin."""
    return (*_standing(picked, shelf.today), *_terms(picked, shelf.today, since))


def _standing(picked: Picked, today: dt.date) -> Iterator[str]:
    found, version = picked.found, picked.version
    model = found.model
    what, reason = f"{found.id} {version}", because(found.reason(version))
    if found.expired(today):
        yield f"{found.id} expired on {model.expires} and counts as discontinued{reason}{instead(model.successor)}."
    elif picked.standing == "discontinued":
        yield f"{what} is discontinued{reason}{instead(model.successor)}. It resolves because it is pinned."
    elif picked.standing == "deprecated":
        yield f"{what} is deprecated{reason}{instead(model.successor)}."
    if not model.listed:
        yield f"{found.id} is withdrawn from lists{because(model.reason)}. Who names it still gets it."
    if model.expires and today < model.expires <= today + _SOON:
        yield f"{found.id} expires on {model.expires}: from that day it resolves only where it is pinned."


def _terms(picked: Picked, today: dt.date, since: dt.date | None) -> Iterator[str]:
    found, model = picked.found, picked.found.model
    if model.terms and model.terms.edition == "enterprise":
        yield f"{found.id} is an enterprise model: its use needs a permission of its own."
    if model.terms and model.terms.price == "paid":
        yield f"The use of {found.id} is paid for."
    if model.terms and model.terms.free_days:
        end = ends(picked, since) if since else None
        until = f": until {end}" if end else ""
        if end is None or end > today:
            yield f"{found.id} may be used for {model.terms.free_days} days from the day of the pin{until}."
        else:
            yield f"The {model.terms.free_days} days for which {found.id} may be used ended on {end}."
    regions = picked.release.regions if picked.release.regions is not None else model.regions
    if regions:
        yield f"{found.id} may be used in {', '.join(regions)} only."


def ends(picked: Picked, since: dt.date) -> dt.date | None:
    """The day on which the terms end for a pin; none where they do not. Tightened terms hold for later pins."""
    terms = picked.found.model.terms
    if terms is None or terms.free_days is None or (terms.effective_from and since < terms.effective_from):
        return None
    return since + dt.timedelta(days=terms.free_days)


def _listed(versions: Sequence[str]) -> str:
    shown = sorted(versions, key=version_key, reverse=True)[:_SHOWN]
    more = f" and {len(versions) - _SHOWN} more" if len(versions) > _SHOWN else ""
    return f"there are {', '.join(shown)}{more}" if len(shown) > 1 else f"there is {shown[0] if shown else 'none'}"


def because(reason: str | None) -> str:
    """A reason for the end of a sentence: `: Wrong stop tokens`; nothing where there is none."""
    said = " ".join((reason or "").split()).rstrip(".")
    return f": {said}" if said else ""


def instead(successor: str | None) -> str:
    """What to use in its place, for the end of a sentence; nothing where that is not said."""
    return f"; use {successor} instead" if successor else ""
