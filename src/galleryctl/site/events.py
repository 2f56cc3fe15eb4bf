"""What happened in the gallery, newest first: models that came, changed and went, releases that were published.

Events come from outlines and tombstones, so that a page of changes reads the documents of the newest models only. A
removal has a day and no time.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from galleryctl import layout
from galleryctl.site import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from galleryctl.audience import View
    from galleryctl.gallery import Entry
    from galleryctl.site.frame import Frame
    from galleryctl.spec import Tombstone

Kind = Literal[
    "added", "renamed", "released", "changed", "deprecated", "discontinued", "quarantined", "reinstated", "removed"
]
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


class Telling(NamedTuple):
    """What events are told of."""

    entries: tuple[Entry, ...]
    gone: tuple[tuple[str, Tombstone], ...]
    """Models that were removed, by id."""

    def about(self, of: Callable[[str, str], bool]) -> Telling:
        """Only those models: `of` is given id and type."""
        return Telling(
            tuple(entry for entry in self.entries if of(entry.id, entry.outline.type)),
            tuple((name, stone) for name, stone in self.gone if of(name, stone.type)),
        )


def telling(view: View) -> Telling:
    """What lists show, what has left them by its status alone, and what has a page that says that it was removed."""
    shown, known = view.shown.by_id, view.gallery.by_id
    return Telling(
        tuple(entry for entry in view.gallery if entry.outline.listed or entry.id in shown),
        tuple((name, stone) for name, stone in view.tombstones.items() if stone.whole and name not in known),
    )


def latest(found: Telling, limit: int) -> Telling:
    """The models that changed last; those without history never did."""
    dated = [entry for entry in found.entries if entry.outline.updated]
    dated.sort(key=lambda entry: (-(entry.outline.updated.timestamp() if entry.outline.updated else 0), entry.id))
    gone = sorted(found.gone, key=lambda each: (-each[1].since.toordinal(), each[0]))
    return Telling(tuple(dated[:limit]), tuple(gone[:limit]))


def key(frame: Frame, found: Telling) -> str:
    """What the events of these models depend on."""
    shown, told = frame.view.shown.by_id, frame.told
    gone = [(name, stone.since, stone.reason) for name, stone in found.gone]
    there = [
        (each.id, each.outline.sha256, each.id in shown, _former(frame, each), told.get(each.id, ()))
        for each in found.entries
    ]
    return repr((there, gone))


def events(frame: Frame, found: Telling, limit: int) -> list[Event]:
    """The newest events of these models. A model has one for each release it got after it was added."""
    told = [event for entry in found.entries for event in _events(frame, entry)]
    told += [_removed(name, stone) for name, stone in found.gone]
    told.sort(key=lambda event: (-event.when.timestamp(), event.id, event.version))
    return told[:limit]


def _removed(identifier: str, stone: Tombstone) -> Event:
    when = dt.datetime.combine(stone.since, dt.time(), dt.UTC)
    href = layout.address(layout.model_page(identifier))
    return Event(when, "removed", identifier, href, identifier, stone.reason, "", "", "", (stone.reason,))


def _former(frame: Frame, entry: Entry) -> tuple[str, ...]:
    """Ids that the model had before, which lead to it now."""
    view = frame.view
    return tuple(
        name for name in entry.outline.aliases if name not in view.gallery.by_id and name not in view.tombstones
    )


def _events(frame: Frame, entry: Entry) -> list[Event]:
    outline = entry.outline
    if outline.added is None or outline.updated is None:
        return []
    href = layout.address(layout.model_page(outline.id))
    title = frame.text(outline.title)
    told = frame.told.get(outline.id, ())
    life = next(filter(None, map(_OF_LIFE.fullmatch, told)), None)
    what = " · ".join(told)
    found = [_came(frame, entry, outline.added, href, title)]
    if life:
        of = life[1] or ""
        found.append(Event(outline.updated, _LIFE[life[2]], outline.id, href, title, what, of, "", "", told))
    if outline.id not in frame.view.shown.by_id:
        return found if life else []  # that it came and what became of it is all that is told of it
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


def _came(frame: Frame, entry: Entry, when: dt.datetime, href: str, title: str) -> Event:
    """How a model came to its id: its history begins there, also where it had another one before."""
    outline = entry.outline
    if former := _former(frame, entry):
        step = f"{', '.join(former)} → {outline.id}"
        return Event(when, "renamed", outline.id, href, title, step, "", "", outline.by or "", (step,))
    summary = frame.text(outline.summary)
    return Event(when, "added", outline.id, href, title, summary, outline.latest or "", "", outline.by or "")


def days(found: Iterable[Event]) -> list[tuple[str, str, list[Event]]]:
    """Events by day: the day for machines, for people, and what happened."""
    grouped: dict[str, tuple[str, str, list[Event]]] = {}
    for event in found:
        date = event.when.date()
        grouped.setdefault(date.isoformat(), (date.isoformat(), wording.day(date), []))[2].append(event)
    return list(grouped.values())
