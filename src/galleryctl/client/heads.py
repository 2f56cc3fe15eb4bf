"""The head of a gallery: what may follow the one that was seen last. Pure."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from galleryctl.client import documents
from galleryctl.client.asking import LARGEST
from galleryctl.client.errors import ClockError, DamagedError, RollbackError, VerificationError
from galleryctl.spec.published import Catalog, DocumentRef

_WHAT = "catalog"
_AHEAD = dt.timedelta(days=1)
"""How far a clock may be behind before it contradicts what was signed."""
_NUMBERS = 2**53
"""Below this every reader counts alike."""


class Floor(NamedTuple):
    """The newest head that was ever verified here: nothing older is taken."""

    epoch: int
    serial: int


def read(data: bytes) -> Catalog:
    """A verified head. Raises `SchemaError` where this client is too old for it, `DamagedError` where it is none."""
    raw = documents.parsed(data, _WHAT)
    documents.readable(raw, _WHAT)
    documents.admitted(raw, _WHAT)
    for name in ("revoked", "runtimes", "generations"):
        if isinstance(raw.get(name), dict):
            raw[name] = {"since": 0, **raw[name]}  # of no use to who takes them whole
    catalog = documents.model(Catalog, raw, _WHAT, step=_WHAT)
    if not (0 <= catalog.epoch < _NUMBERS and 0 <= catalog.serial < _NUMBERS):
        raise DamagedError(f"{_WHAT}: has an epoch or serial that no reader counts to", step=_WHAT)
    for name, ref in catalog.documents.items():
        _checked(name, ref)
    return catalog


def follows(catalog: Catalog, floor: Floor | None, before: Catalog | None, now: dt.datetime) -> None:
    """Raise unless a verified head may follow what was seen: `RollbackError`, `ClockError`, `VerificationError`."""
    found = Floor(catalog.epoch, catalog.serial)
    if floor is not None and found < floor:
        raise RollbackError(
            f"{_WHAT}: serial {found.serial} of epoch {found.epoch} is older than serial {floor.serial} of epoch "
            f"{floor.epoch}, which was seen before; the last good state stays in use",
            step=_WHAT,
        )
    if before is not None and catalog.audience != before.audience:
        raise VerificationError(
            f"{_WHAT}: is for the audience {catalog.audience!r}, and {before.audience!r} was expected; "
            "for another audience, give another cache",
            step=_WHAT,
        )
    punctual(catalog, now)


def punctual(catalog: Catalog, now: dt.datetime) -> None:
    """Raise `ClockError` where a head was built more than a day after now: then nothing seems to expire."""
    if catalog.built - now > _AHEAD:
        raise ClockError(
            f"{_WHAT}: was built on {catalog.built:%Y-%m-%dT%H:%M:%SZ}, and this machine's clock says "
            f"{now:%Y-%m-%dT%H:%M:%SZ}: set the clock, since with a wrong one nobody can tell what has expired",
            step=_WHAT,
        )


def _checked(name: str, ref: DocumentRef) -> None:
    kind = name.removeprefix("types/")
    deltas_whole = all(documents.digest(each.sha256) and 0 < each.length <= LARGEST for each in ref.deltas)
    if not (documents.name(kind) and documents.digest(ref.sha256) and 0 < ref.length <= LARGEST and deltas_whole):
        raise DamagedError(f"{_WHAT}: names {ascii(kind)[:80]} in a way that leads nowhere", step=_WHAT)
