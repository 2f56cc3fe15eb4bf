"""What a runtime must refuse, even if it has it already.

* A release is revoked while it, or its model, is in quarantine.
* What was revoked and is gone stays revoked, with its files: only what is there can be reinstated.
* A release keeps the time that it was revoked at first; those of one model with one time and one reason share a row.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import canonical
from galleryctl.spec.base import version_key
from galleryctl.spec.published import Revocation, Revoked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from galleryctl.audience import View
    from galleryctl.gallery import Entry
    from galleryctl.spec import Tombstone


class _Group(NamedTuple):
    """What the revocations of one row have in common."""

    id: str
    since: dt.datetime | None
    reason: str | None
    advisory: str | None


@dataclass
class _Row:
    releases: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


Rows = dict[_Group, _Row]


def revocations(view: View, earlier: Iterable[Revocation] = ()) -> tuple[Revocation, ...]:
    """All of them, by id and time; `earlier` are those that were published last."""
    rows: Rows = defaultdict(_Row)
    known: dict[tuple[str, str], Revocation] = {}
    for row in earlier:
        entry = view.gallery.find(row.id)
        there = entry.outline.releases if entry else {}
        known |= {(entry.id if entry else row.id, version): row for version in row.releases}
        _gone(rows, row, {version for version in row.releases if version not in there}, entry)
    for entry in view.gallery:
        if "quarantined" in entry.outline.releases.values():
            _present(rows, entry, known)
    for identifier, stone in view.tombstones.items():
        if stone.status == "quarantined":
            entry = view.gallery.by_id.get(identifier)
            there = entry.outline.releases if entry else {}
            _removed(rows, identifier, stone, {*there, *(version for name, version in known if name == identifier)})
    return tuple(_sorted(rows))


def document(rows: tuple[Revocation, ...]) -> bytes:
    """`/v1/revoked.json`."""
    return canonical.dumps(
        Revoked(revoked=rows).model_dump(mode="json", exclude_none=True) | {"revoked": [_dump(row) for row in rows]}
    )


def _dump(row: Revocation) -> dict[str, object]:
    found: dict[str, object] = row.model_dump(mode="json", exclude_none=True)
    return found | ({"since": canonical.moment(row.since)} if row.since else {})


def _present(rows: Rows, entry: Entry, known: Mapping[tuple[str, str], Revocation]) -> None:
    """Releases that are in quarantine."""
    releases = entry.document().releases
    for version, status in entry.outline.releases.items():
        if status == "quarantined":
            before = known.get((entry.id, version))
            since = before.since if before else entry.outline.updated
            reason = releases[version].reason or entry.outline.reason
            row = rows[_Group(entry.id, since, reason, before.advisory if before else None)]
            row.releases.add(version)
            row.files |= _files(entry, version)


def _gone(rows: Rows, before: Revocation, versions: set[str], entry: Entry | None) -> None:
    """Releases that were revoked and are there no more, with all files of their row but those in use again."""
    if not versions:
        return
    files = set(before.files)
    for version, status in entry.outline.releases.items() if entry else ():
        if version in before.releases and status != "quarantined" and entry:
            files -= _files(entry, version)
    row = rows[_Group(before.id, before.since, before.reason, before.advisory)]
    row.releases |= versions
    row.files |= files


def _removed(rows: Rows, identifier: str, stone: Tombstone, told: set[str]) -> None:
    """Releases that were removed from quarantine, where nobody knows what was published about them.

    A row without releases means all of the model.
    """
    versions = set(stone.releases) - told
    if versions or not (told or stone.releases):
        since = dt.datetime.combine(stone.since, dt.time(), dt.UTC)
        rows[_Group(identifier, since, stone.reason, None)].releases |= versions


def _files(entry: Entry, version: str) -> set[str]:
    release = entry.document().releases[version]
    groups = (group for variant in release.variants for group in variant.files.values())
    return {file.sha256 for group in groups for file in group if file.sha256}


def _sorted(rows: Rows) -> Iterator[Revocation]:
    def order(group: _Group) -> tuple[str, str, str, str]:
        since = canonical.moment(group.since) if group.since else ""
        return group.id, since, group.reason or "", group.advisory or ""

    for group in sorted(rows, key=order):
        row = rows[group]
        yield Revocation(
            id=group.id,
            releases=tuple(sorted(row.releases, key=version_key)),
            files=tuple(sorted(row.files)),
            since=group.since,
            reason=group.reason,
            advisory=group.advisory,
        )
