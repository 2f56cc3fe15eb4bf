"""Data of the site's search: one document per type and language, newest first, fetched on first use.

A record is what a row of a list shows, what facets filter by and what a person may search for, and nothing else:
compressed, 150 to 250 bytes in the bundled registry.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from galleryctl import canonical, layout, resources
from galleryctl.output import Output
from galleryctl.runtimes import RUNTIMES
from galleryctl.spec.base import localised
from galleryctl.spec.published import SCHEMA

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from galleryctl.audience import View
    from galleryctl.gallery import Entry, Outline


def outputs(view: View) -> Iterator[Output]:
    """One document for each type that has models, in each language."""
    for name, entries in view.by_type.items():
        names = {entry.outline.publisher for entry in entries}
        profiles = [view.publishers[name].model_dump_json() for name in sorted(names) if name in view.publishers]
        seen = canonical.digest("".join([*(entry.outline.sha256 for entry in entries), *profiles]).encode())
        for language in {each.casefold(): each for each in view.settings.languages}.values():
            depends_on = canonical.digest(f"{seen}{view.words}{language}{resources.program()}".encode())
            path = layout.search_document(name, language)
            yield Output(path, depends_on, partial(document, view, name, entries, language))


def document(view: View, name: str, entries: tuple[Entry, ...], language: str) -> bytes:
    """The canonical bytes of one search document."""
    models = [record(view, entry, language) for entry in entries]
    return canonical.dumps({"schema": SCHEMA, "type": name, "language": language, "models": models})


def record(view: View, entry: Entry, language: str) -> dict[str, Any]:
    """One model as its row shows it; empty fields are left out."""
    outline, default = entry.outline, view.settings.default_language
    publisher = view.publishers.get(outline.publisher)
    row = {
        "id": outline.id,
        "title": localised(outline.title, language, default),
        "summary": localised(outline.summary, language, default),
        "publisher": localised(publisher.title, language, default) if publisher else outline.publisher,
        "words": _words(view, outline),
        "facets": facets(view, outline),
        "added": _moment(outline.added),
        "updated": _moment(outline.updated),
        "expires": outline.expires.isoformat() if outline.expires else "",
        "edition": "" if outline.edition == "community" else outline.edition,
        "visibility": "" if outline.visibility == "public" else outline.visibility,
        "status": "" if outline.status == "active" else outline.status,
        "builds": [[label, _short(weights), _short(cache)] for label, weights, cache in outline.builds],
        "license": outline.license or "",
        "latest": outline.latest or "",
        "parameters": list(outline.parameters),
        "rows": {fact.name: value for fact in view.types[outline.type].rows if (value := outline.facts.get(fact.name))},
    }
    return {key: value for key, value in row.items() if value}


def _moment(when: dt.datetime | None) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when else ""


def facets(view: View, outline: Outline) -> dict[str, list[str]]:
    """Values by facet: of the taxonomy, of the type's schema, and of the fields every model has."""
    if outline.id not in view.facets:
        view.facets[outline.id] = _facets(view, outline)
    return view.facets[outline.id]


def _facets(view: View, outline: Outline) -> dict[str, list[str]]:
    found: Mapping[str, tuple[str, ...]] = {
        **{name: _within(dimension.values, outline.tags) for name, dimension in view.taxonomy.dimensions.items()},
        "category": outline.categories,
        "region": outline.regions,
        "licence": licence(view, outline),
        "runtime": tuple(name for name in view.settings.runtimes if loads(name, outline)),
        "format": outline.formats,
        "publisher": (outline.publisher,),
        **outline.facets,
    }
    return {name: list(values) for name, values in found.items() if values}


def licence(view: View, outline: Outline) -> tuple[str, ...]:
    """Whether it may be used commercially, as the taxonomy says; and whether the source asks first."""
    known = view.taxonomy.licenses.get(outline.license or "")
    return ((known.commercial,) if known else ()) + (("gated",) if outline.gated else ())


def loads(runtime: str, outline: Outline) -> bool:
    """Whether a runtime loads a format of the current release."""
    known = RUNTIMES.get(runtime)
    return known is not None and known.takes(outline.type, outline.formats)


def _short(number: float) -> float:
    """A whole number without its fraction, as canonical JSON writes it."""
    return int(number) if number == int(number) else number


def _within(values: Mapping[str, object], tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(tag for tag in tags if tag in values)


def _words(view: View, outline: Outline) -> str:
    """What a person may type that stands in no other field: tags with their labels, abilities, languages, sizes."""
    labels = [
        label
        for dimension in view.taxonomy.dimensions.values()
        for tag in outline.tags
        if (value := dimension.values.get(tag))
        for label in (value.label.values() if isinstance(value.label, dict) else (value.label,))
    ]
    facts = [item for value in outline.facts.values() if isinstance(value, tuple) for item in value]
    words = [
        *outline.tags,
        *outline.categories,
        *labels,
        *facts,
        *outline.parameters,
        *outline.formats,
        *outline.aliases,
    ]
    return " ".join(dict.fromkeys(words))
