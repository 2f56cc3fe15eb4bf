"""What a shelf has of one model, and how each of its releases stands. Pure, but for what the shelf fetches.

* Documents are read open: of a model only what resolving needs, of its releases only those that are looked at. So
  what a later schema adds, or says otherwise elsewhere, is in nobody's way.
* A model or release whose `requires` names something that is not known here cannot be used here, and is told.
* `expires` is judged by the day of the shelf, whatever the gallery said when it was built.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import ValidationError

from galleryctl.client.errors import SchemaError, UnknownError
from galleryctl.client.references import nearest, short
from galleryctl.spec.base import first_fault, is_version, version_key
from galleryctl.spec.model import Model
from galleryctl.spec.published import SCHEMA
from galleryctl.spec.release import Release

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from galleryctl.client.shelf import Shelf
    from galleryctl.spec.published import Revocation

Standing = Literal["active", "deprecated", "discontinued", "quarantined"]

REQUIRES: frozenset[str] = frozenset()
"""What `requires` may name, so far."""
_ORDER: tuple[Standing, ...] = ("active", "deprecated", "discontinued", "quarantined")
_READ = ("title", "status", "reason", "listed", "expires", "successor", "terms", "regions")
"""What resolving needs to know of a model."""
_RENAMES = 8
_COMMON = (".json", ".txt", ".jinja", ".model", ".tiktoken", ".md")


@dataclass(frozen=True, slots=True)
class Found:
    """A model, as its listing or its document has it."""

    id: str
    type: str
    model: Model
    releases: Mapping[str, Mapping[str, Any]]
    """Releases by version, as published."""
    whole: bool
    """Whether these are all, or only the current one."""

    def expired(self, today: dt.date) -> bool:
        """Whether its last day is over."""
        return self.model.expires is not None and self.model.expires <= today

    def standing(self, version: str, today: dt.date) -> Standing:
        """How a release stands on a day: the strictest of what it says, its model says, and the calendar."""
        own = self.releases[version].get("status", "active")
        if own not in _ORDER:
            raise _unreadable(f"{self.id} {version}", f"it has the status {short(str(own))}")
        late: Standing = "discontinued" if self.expired(today) else "active"
        return max(cast("Standing", own), self.model.status, late, key=_ORDER.index)

    def reason(self, version: str) -> str | None:
        """Why a release stands as it does: its own reason, else its model's."""
        own = self.releases[version].get("reason") if version in self.releases else None
        return own if isinstance(own, str) else self.model.reason

    def release(self, version: str) -> Release:
        """A release, read; SchemaError where this version cannot."""
        raw = self.releases[version]
        _understood(f"{self.id} {version}", raw)
        try:
            return Release.model_validate(raw)
        except ValidationError as error:
            raise _unreadable(f"{self.id} {version}", first_fault(error)) from None

    @property
    def newest_first(self) -> Sequence[str]:
        return sorted(self.releases, key=version_key, reverse=True)


def find(shelf: Shelf, identifier: str) -> Found | None:
    """What the shelf has of a present id, with the current release at least; none where there is no such model."""
    listed = shelf.listing(identifier)
    if listed is not None:
        type_, data = listed
        return _found(identifier, type_, _read(data, identifier), whole=False)
    return _whole(shelf, identifier)


def whole(shelf: Shelf, found: Found) -> Found:
    """The same with all its releases. What may have to be fetched is asked for only now."""
    if found.whole:
        return found
    every = _whole(shelf, found.id)
    return every or replace(found, whole=True)


def present(shelf: Shelf, identifier: str) -> str:
    """The id that a model has now."""
    for _ in range(_RENAMES):
        later = shelf.alias(identifier)
        if later is None:
            break
        identifier = later
    return identifier


def unknown(shelf: Shelf, identifier: str) -> UnknownError:
    """That there is no such model, and which there are."""
    near = nearest(identifier, shelf.ids())
    meant = f"did you mean {' or '.join(near)}?" if near else "`galleryctl sync` fetches what is new"
    return UnknownError(f"the gallery has no model {short(identifier)}; {meant}")


def revoked(shelf: Shelf, identifier: str, version: str) -> Revocation | None:
    """What revokes a release. A revocation that names neither releases nor files means all of the model."""
    for each in shelf.revocations(identifier):
        if version in each.releases or not (each.releases or each.files):
            return each
    return None


def telling(path: str) -> bool:
    """Whether a revoked digest counts for this file wherever it lies.

    A vocabulary or a configuration is the same in all models of a family, and nothing runs it: with one of them in
    quarantine, the others would all be refused. The release itself is refused all the same.
    """
    return not path.lower().endswith(_COMMON)


def lacks(raw: Any) -> Sequence[str]:  # noqa: ANN401 - whatever json can say
    """What something requires that is not known here."""
    named = raw.get("requires", ()) if isinstance(raw, dict) else ()
    names = [named] if isinstance(named, str) else named
    return sorted({str(name) for name in names} - REQUIRES) if isinstance(names, list | tuple | dict) else ["a form"]


def _whole(shelf: Shelf, identifier: str) -> Found | None:
    data = shelf.document(identifier)
    if data is None:
        return None
    raw = _read(data, identifier)
    schema = str(raw.get("schema", SCHEMA))
    if schema.partition(".")[0] != SCHEMA.partition(".")[0]:
        raise _unreadable(identifier, f"its document has schema {short(schema)}, and {SCHEMA} is known")
    return _found(identifier, str(raw.get("type", "")), raw, whole=True)


def _found(identifier: str, type_: str, raw: Mapping[str, Any], *, whole: bool) -> Found:
    _understood(identifier, raw)
    try:
        model = Model.model_validate({"title": identifier} | {key: raw[key] for key in _READ if key in raw})
    except ValidationError as error:
        raise _unreadable(identifier, first_fault(error)) from None
    releases = raw.get("releases", {})
    known = releases.items() if isinstance(releases, dict) else ()
    kept = {version: release for version, release in known if is_version(version) and isinstance(release, dict)}
    return Found(identifier, type_, model, kept, whole)


def _read(data: bytes, identifier: str) -> Mapping[str, Any]:
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        raise _unreadable(identifier, "it is no JSON object")
    return raw


def _understood(what: str, raw: Mapping[str, Any]) -> None:
    if lacking := lacks(raw):
        raise _unreadable(what, f"it requires {', '.join(map(short, lacking))}, which is not known here")


def _unreadable(what: str, why: str) -> SchemaError:
    return SchemaError(f"{what} cannot be read by this version: {why}; update galleryctl")
