"""What happened in the gallery, newest first: models added, releases published, definitions changed.

Events come from outlines, so that a page of changes reads the documents of the newest models only.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from galleryctl import layout
from galleryctl.site import wording

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from galleryctl.audience import View
    from galleryctl.gallery import Entry
    from galleryctl.site.frame import Frame

Kind = Literal["added", "released", "changed", "deprecated", "discontinued", "quarantined", "reinstated"]
_LIFE: Mapping[str, Kind] = {
    "deprecated": "deprecated",
    "discontinued": "discontinued",
    "quarantined": "quarantined",
    "reinstated": "reinstated",
}
_OF_LIFE = re.compile(rf"(?:release (\S+) )?({'|'.join(_LIFE)})(?: \(was \w+\))?")
"""What is told of a change of status (`changes.wording`)."""


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
    told: tuple[str, ...] = ()
    """Lines of what changed."""


def telling(view: View) -> tuple[Entry, ...]:
    """The entries whose events are told: what lists show, and what has left them by its status alone."""
    shown = view.shown.by_id
    return tuple(entry for entry in view.gallery if entry.outline.listed or entry.id in shown)


def latest(entries: Iterable[Entry], limit: int) -> tuple[Entry, ...]:
    """The entries that changed last; those without history never did."""
    dated = [entry for entry in entries if entry.outline.updated]
    dated.sort(key=lambda entry: (-(entry.outline.updated.timestamp() if entry.outline.updated else 0), entry.id))
    return tuple(dated[:limit])


def key(frame: Frame, entries: Iterable[Entry]) -> str:
    """What the events of these entries depend on."""
    shown = frame.view.shown.by_id
    return repr([(each.id, each.outline.sha256, each.id in shown, frame.told.get(each.id, ())) for each in entries])


def events(frame: Frame, entries: Sequence[Entry], limit: int) -> list[Event]:
    """The newest events of these entries. An entry has one for each release it got after it was added."""
    found = [event for entry in entries for event in _events(frame, entry)]
    found.sort(key=lambda event: (-event.when.timestamp(), event.id, event.version))
    return found[:limit]


def _events(frame: Frame, entry: Entry) -> list[Event]:
    outline = entry.outline
    if outline.added is None or outline.updated is None:
        return []
    href = layout.address(layout.model_page(outline.id))
    title, summary = frame.text(outline.title), frame.text(outline.summary)
    told = frame.told.get(outline.id, ())
    life = next(filter(None, map(_OF_LIFE.fullmatch, told)), None)
    what = " · ".join(told)
    found = []
    if life:
        of = life[1] or ""
        found.append(Event(outline.updated, _LIFE[life[2]], outline.id, href, title, what, of, "", "", told))
    if outline.id not in frame.view.shown.by_id:
        return found  # that it is gone is all that is told of it
    first = outline.latest or ""
    found.append(Event(outline.added, "added", outline.id, href, title, summary, first, "", outline.by or ""))
    releases = entry.document().releases
    later = {
        version: release.published
        for version, release in releases.items()
        if release.published and release.published > outline.added
    }
    for version, when in later.items():
        notes = releases[version].notes or ""
        found.append(Event(when, "released", outline.id, href, title, notes, version, notes, ""))
    if not life and outline.updated not in {outline.added, *later.values()}:
        found.append(Event(outline.updated, "changed", outline.id, href, title, what, "", "", "", told))
    return found


def days(found: Iterable[Event]) -> list[tuple[str, str, list[Event]]]:
    """Events by day: the day for machines, for people, and what happened."""
    grouped: dict[str, tuple[str, str, list[Event]]] = {}
    for event in found:
        date = event.when.date()
        grouped.setdefault(date.isoformat(), (date.isoformat(), wording.day(date), []))[2].append(event)
    return list(grouped.values())
