"""What happened in the gallery, newest first: models added, releases published, definitions changed.

Events come from outlines, so that a page of changes reads the documents of the newest models only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from galleryctl import layout
from galleryctl.site import wording

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from galleryctl.gallery import Entry
    from galleryctl.site.frame import Frame

Kind = Literal["added", "released", "changed"]


class Event(NamedTuple):
    when: dt.datetime
    kind: Kind
    id: str
    href: str
    title: str
    summary: str
    version: str
    notes: str
    by: str


def latest(entries: Iterable[Entry], limit: int) -> tuple[Entry, ...]:
    """The entries that changed last; those without history never did."""
    dated = [entry for entry in entries if entry.outline.updated]
    dated.sort(key=lambda entry: (-(entry.outline.updated.timestamp() if entry.outline.updated else 0), entry.id))
    return tuple(dated[:limit])


def events(frame: Frame, entries: Sequence[Entry], limit: int, kinds: frozenset[Kind]) -> list[Event]:
    """The newest events of these entries. An entry has one for each release it got after it was added."""
    found: list[Event] = []
    for entry in entries:
        found += [event for event in _events(frame, entry) if event.kind in kinds]
    found.sort(key=lambda event: (-event.when.timestamp(), event.id, event.version))
    return found[:limit]


def _events(frame: Frame, entry: Entry) -> list[Event]:
    outline = entry.outline
    if outline.added is None or outline.updated is None:
        return []
    href = layout.address(layout.model_page(outline.id))
    title, summary = frame.text(outline.title), frame.text(outline.summary)
    first = outline.latest or ""
    found = [Event(outline.added, "added", outline.id, href, title, summary, first, "", outline.by or "")]
    releases = entry.document().releases
    later = {
        version: release.published
        for version, release in releases.items()
        if release.published and release.published > outline.added
    }
    for version, when in later.items():
        notes = releases[version].notes or ""
        found.append(Event(when, "released", outline.id, href, title, notes, version, notes, ""))
    if outline.updated not in {outline.added, *later.values()}:
        what = " · ".join(frame.told.get(outline.id, ()))
        found.append(Event(outline.updated, "changed", outline.id, href, title, what, "", "", ""))
    return found


def days(found: Iterable[Event]) -> list[tuple[str, str, list[Event]]]:
    """Events by day: the day for machines, for people, and what happened."""
    grouped: dict[str, tuple[str, str, list[Event]]] = {}
    for event in found:
        date = event.when.date()
        grouped.setdefault(date.isoformat(), (date.isoformat(), wording.day(date), []))[2].append(event)
    return list(grouped.values())
