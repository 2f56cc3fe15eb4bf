"""Rows of lists: what a model shows of itself at a glance, as plain values for the templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from galleryctl import layout
from galleryctl.site import covers, fit, wording
from galleryctl.spec.base import parameter_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from galleryctl.gallery import Entry, Outline
    from galleryctl.schemas import Fact, TypeSchema
    from galleryctl.site.frame import Frame

_WORDS = 4


class Badge(NamedTuple):
    kind: str
    icon: str
    label: str


class Row(NamedTuple):
    id: str
    href: str
    title: str
    publisher: str
    summary: str
    type: str
    kind: str
    cover: str
    ink: int
    badges: tuple[Badge, ...]
    facts: tuple[str, ...]
    licence: str
    added: str
    added_day: str
    ruler: fit.Ruler | None


def rows(frame: Frame, entries: Iterable[Entry]) -> list[Row]:
    return [row(frame, entry.outline) for entry in entries]


def row(frame: Frame, outline: Outline) -> Row:
    return Row(
        id=outline.id,
        href=layout.address(layout.model_page(outline.id)),
        title=frame.text(outline.title),
        publisher=frame.publisher(outline.publisher),
        summary=frame.text(outline.summary),
        type=outline.type,
        kind=frame.types[outline.type],
        cover=covers.holes(outline.id, frame.positions[outline.type]),
        ink=covers.ink(outline.publisher),
        badges=badges(frame, outline),
        facts=_facts(frame, outline),
        licence=outline.license or "",
        added=wording.iso(outline.added),
        added_day=wording.day(outline.added),
        ruler=fit.ruler(outline.sizes),
    )


def badges(frame: Frame, outline: Outline) -> tuple[Badge, ...]:
    found = []
    if frame.new(outline):
        found.append(Badge("new", "", "New"))
    if outline.status == "deprecated":
        found.append(Badge("warn", "archive", "Deprecated"))
    if frame.expiring(outline):
        found.append(Badge("warn", "clock", f"Expires {wording.day(outline.expires)}"))
    if outline.gated:
        found.append(Badge("line", "lock", "Gated"))
    licence = frame.view.taxonomy.licenses.get(outline.license or "")
    if licence and licence.commercial == "forbidden":
        found.append(Badge("line", "", "Non-commercial"))
    if outline.edition == "enterprise":
        found.append(Badge("line", "", "Enterprise"))
    if outline.visibility != "public":
        found.append(Badge("line", "lock", outline.visibility.capitalize()))
    return tuple(found)


def sizes(parameters: Sequence[str]) -> str:
    """`0.6B – 235B`."""
    ordered = sorted(parameters, key=parameter_count)
    if not ordered:
        return ""
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} – {ordered[-1]}"


def label(frame: Frame, schema: TypeSchema, name: str, value: str) -> str:
    """How the site writes one value of a field of `spec`."""
    for facet in schema.facets:
        if facet.name == name and value in facet.labels:
            return frame.text(facet.labels[value])
    return value


def _facts(frame: Frame, outline: Outline) -> tuple[str, ...]:
    schema = frame.view.types[outline.type]
    found = [sizes(outline.parameters)]
    found += [_fact(frame, schema, fact, outline.facts.get(fact.name)) for fact in schema.rows]
    return tuple(fact for fact in found if fact)


def _fact(frame: Frame, schema: TypeSchema, fact: Fact, value: object) -> str:
    title = frame.text(fact.title).lower()
    if isinstance(value, list | tuple):
        if len(value) > _WORDS:
            return f"{len(value)} {title}"
        labels = [label(frame, schema, fact.name, item) for item in value]
        return "" if labels == [frame.text(schema.title)] else " · ".join(labels)
    if isinstance(value, bool):
        return title if value else ""
    if isinstance(value, int):
        return f"{wording.tokens(value) if fact.unit == 'tokens' else wording.count(value)} {title}"
    return label(frame, schema, fact.name, value) if isinstance(value, str) else ""
