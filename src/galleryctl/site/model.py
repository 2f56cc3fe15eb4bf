"""The page of one model: everything a reader decides by, from its document and its relations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl import canonical, layout
from galleryctl.site import builds, cards, covers, fit, links, maintaining, reviews, rows, wording
from galleryctl.spec.base import version_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.gallery import Entry, Outline
    from galleryctl.output import Output
    from galleryctl.site.frame import Frame
    from galleryctl.spec.published import ModelDocument, PublishedRelease
    from galleryctl.spec.release import Release

_FACTS = 8
_NAMES = 7
_UNITS = {"percent": "%"}
_COMMERCIAL = {
    "allowed": "commercial use allowed",
    "terms": "under its own terms",
    "forbidden": "no commercial use",
}
_STATUS = {
    "active": rows.Badge("ok", "ok", "Active"),
    "deprecated": rows.Badge("warn", "archive", "Deprecated"),
    "discontinued": rows.Badge("bad", "stop", "Discontinued"),
    "quarantined": rows.Badge("bad", "shield", "Quarantined"),
}
_WITHDRAWN = rows.Badge("info", "eye-off", "Withdrawn")


class Banner(NamedTuple):
    """What a reader must know first: cause, consequence, next step."""

    kind: str
    icon: str
    title: str
    text: str
    successor: links.Relative | None = None


class Fact(NamedTuple):
    title: str
    value: str
    small: str = ""
    href: str = ""


class Card(NamedTuple):
    language: str
    title: str
    html: str
    edit: str


class Version(NamedTuple):
    """One release in the history of a model."""

    version: str
    status: str
    badge: rows.Badge | None
    when: str
    day: str
    notes: str
    reason: str
    delta: tuple[str, ...]
    latest: bool


class Metric(NamedTuple):
    name: str
    value: str
    source: str
    date: str


def output(frame: Frame, entry: Entry) -> Output:
    """The page of an entry. It depends on the entry, on the rows of its relatives and on the services that use it."""
    outline, view = entry.outline, frame.view
    related = []
    for identifier in links.relatives(frame, outline):
        other = view.gallery.find(identifier)
        related.append(
            f"{identifier}{other.outline.listed}{frame.row_keys[other.id]}" if other else _gone(frame, identifier)
        )
    related.append(str(outline.publisher in view.by_publisher))
    related.append(reviews.key(frame, outline.id))
    related += frame.told.get(outline.id, ())
    used = [view.consumers[service].model_dump_json() for service in view.used_by.get(outline.id, ())]
    texts = [f"{language}{canonical.digest(text.encode())}" for language, text in sorted(entry.cards.items())]
    depends_on = frame.fingerprint("model", frame.row_keys[outline.id], outline.cover, *texts, *related, *used)
    return frame.output(layout.model_page(outline.id), "model.html", depends_on, lambda: values(frame, entry))


def _gone(frame: Frame, identifier: str) -> str:
    return f"{identifier}{identifier in frame.view.tombstones}"


def values(frame: Frame, entry: Entry) -> dict[str, Any]:
    """What the template shows."""
    outline, document = entry.outline, entry.document()
    release = document.releases.get(outline.latest or "")
    # a model of which nothing is current still has files that pins load
    shown = release or document.releases[max(document.releases, key=version_key)] if document.releases else None
    profile = frame.view.publishers.get(outline.publisher)
    root = "../../../"
    folder = layout.folder(outline.type, outline.id)
    settings = frame.view.settings
    return {
        "nav": "models",
        "title": f"{frame.text(outline.title)} ({outline.id})",
        "description": frame.text(outline.summary)
        or f"{outline.id}: sizes, licence, memory, files with digests, releases.",
        "noindex": not outline.listed or outline.latest is None,
        "id": outline.id,
        "name": outline.name,
        "heading": frame.text(outline.title),
        "lead": frame.text(outline.summary),
        "type": outline.type,
        "kind": frame.types[outline.type],
        "publisher": outline.publisher,
        "publisher_title": frame.publisher(outline.publisher),
        "listed_publisher": outline.publisher in frame.view.by_publisher,
        "verified": bool(profile and profile.proof),
        "picture": outline.cover[:8],
        "cover": covers.holes(outline.id, frame.positions[outline.type]),
        "ink": covers.ink(outline.publisher),
        "badges": _badges(frame, outline),
        "banners": list(_banners(frame, outline, root)),
        "facts": list(_facts(frame, outline, document, shown))[:_FACTS],
        "tags": _tags(frame, outline),
        "cards": list(_cards(frame, entry, folder)),
        "runs": builds.runs(frame, outline, release) if release else None,
        "memory": builds.memory(outline),
        "files": builds.files(outline, shown) if shown else [],
        "version": outline.latest or (max(document.releases, key=version_key) if document.releases else ""),
        "bytes": wording.size(outline.bytes) if outline.bytes else "",
        "downloads": list(_downloads(shown)),
        "spec": list(_spec(frame, outline, shown)),
        "releases": list(_releases(outline, document)),
        "lineage": links.lineage(frame, outline, root),
        "metrics": list(_metrics(shown)),
        "uses": links.uses(frame, outline),
        "needs": list(_needs(frame, shown)),
        "terms": list(_terms(frame, outline, document)),
        "provenance": document.provenance,
        "added": wording.day(outline.added),
        "updated": wording.day(outline.updated),
        "updated_iso": wording.iso(outline.updated),
        "commit_href": wording.commit(settings, outline.commit) if outline.commit else "",
        "links": list(_links(document)),
        "document": layout.model_document(outline.id),
        "sha256": outline.sha256,
        **_upkeep(frame, outline, folder),
    }


def _upkeep(frame: Frame, outline: Outline, folder: str) -> dict[str, Any]:
    """What is open about a model, what can be done to it, and where its files are."""
    settings = frame.view.settings
    return {
        "review": reviews.about(frame, outline),
        "told": frame.told.get(outline.id, ()),
        "tasks": maintaining.tasks(settings, outline),
        "history": wording.forge(settings, "commits", folder),
        "edit": wording.forge(settings, "edit", f"{folder}/model.yaml"),
        "tree": wording.forge(settings, "tree", folder),
    }


def _badges(frame: Frame, outline: Outline) -> list[rows.Badge]:
    first = [_STATUS[outline.status]] if outline.listed or outline.status != "active" else [_WITHDRAWN]
    return [
        *first,
        *(badge for badge in rows.badges(frame, outline) if badge.label not in {"Deprecated", "Non-commercial"}),
    ]


def _banners(frame: Frame, outline: Outline, root: str) -> Iterator[Banner]:
    why = f"Reason: {outline.reason}" if outline.reason else ""
    successor = links.relative(frame, outline.successor, root) if outline.successor else None
    expired = outline.expires is not None and outline.expires <= frame.view.now.date()
    if outline.status == "quarantined":
        text = "Runtimes that sync the index refuse it, also copies they already have."
        yield Banner("bad", "shield", "Quarantined. Do not load this model.", _join(text, why), successor)
    elif outline.status == "discontinued":
        title = f"Expired on {wording.day(outline.expires)}." if expired else "Discontinued."
        yield Banner(
            "bad", "stop", title, _join("No new use. Exact pins still resolve, with a warning.", why), successor
        )
    elif outline.status == "deprecated":
        text = "It still loads, with a warning. Choose another model for new work."
        yield Banner("warn", "archive", "Deprecated by its owner.", _join(text, why), successor)
    elif successor:
        yield Banner("info", "info", "There is a successor.", _join("This model goes on working.", why), successor)
    if outline.status in {"active", "deprecated"} and frame.expiring(outline):
        text = "From that day on it counts as discontinued; exact pins still resolve."
        yield Banner("warn", "clock", f"Expires on {wording.day(outline.expires)}.", text)
    if not outline.listed:
        text = "Lists and searches leave it out. This page stays at its address, and pins resolve."
        yield Banner(
            "info", "eye-off", "Withdrawn from the lists.", _join(text, why if outline.status == "active" else "")
        )
    if outline.latest is None and outline.status == "active":
        yield Banner(
            "info", "info", "No release is current.", "Every release so far was retired; exact pins still resolve."
        )


def _join(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _facts(frame: Frame, outline: Outline, document: ModelDocument, release: Release | None) -> Iterator[Fact]:
    licence = frame.view.taxonomy.licenses.get(outline.license or "")
    if outline.license:
        address = document.license_url or (licence.url if licence else None) or ""
        small = _COMMERCIAL[licence.commercial] if licence else ""
        yield Fact("Licence", frame.text(licence.label) if licence else outline.license, small, wording.safe(address))
    if outline.parameters:
        count = len(outline.parameters)
        yield Fact(
            "Sizes" if count > 1 else "Size",
            rows.sizes(outline.parameters),
            f"{count} sizes" if count > 1 else "parameters",
        )
    schema = frame.view.types[outline.type]
    for fact in schema.rows:
        value = outline.facts.get(fact.name)
        title = frame.text(fact.title)
        if isinstance(value, list | tuple) and value:
            names = [rows.label(frame, schema, fact.name, item) for item in value]
            yield Fact(
                title,
                ", ".join(names[:3]),
                ", ".join(names[3:_NAMES]) + (f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""),
            )
        elif isinstance(value, int) and not isinstance(value, bool):
            yield Fact(title, wording.count(value), fact.unit)
    if outline.latest:
        released = release.released if release else None
        yield Fact("Release", outline.latest, wording.day(released))
    if outline.sizes:
        least = min(outline.sizes, key=lambda build: fit.need(build, fit.CONTEXT))
        small = f"{least.label} at 8K" if least.cache else least.label
        yield Fact("Memory, from", f"{fit.gib(fit.need(least, fit.CONTEXT))} GiB", small)


def _tags(frame: Frame, outline: Outline) -> list[tuple[str, str, str]]:
    """Facet, value and label of each tag and category."""
    words = frame.view.taxonomy
    found = [
        (name, tag, frame.text(dimension.values[tag].label))
        for name, dimension in words.dimensions.items()
        for tag in outline.tags
        if tag in dimension.values
    ]
    known = words.categories.values
    return found + [
        ("category", value, frame.text(known[value].label)) for value in outline.categories if value in known
    ]


def _cards(frame: Frame, entry: Entry, folder: str) -> Iterator[Card]:
    """The card in the language of the page first."""
    default = frame.view.settings.default_language
    first = [language for language in (frame.language, default) if language in entry.cards]
    for language in dict.fromkeys([*first, *sorted(entry.cards)]):
        name = "README.md" if language == default else f"README.{language}.md"
        edit = wording.forge(frame.view.settings, "edit", f"{folder}/{name}")
        yield Card(language, name, cards.render(entry.cards[language], f"card-{language}-"), edit)


def _spec(frame: Frame, outline: Outline, release: Release | None) -> Iterator[tuple[str, str, bool]]:
    """Title and value of every field of the `spec` block, and whether the value is data rather than words."""
    schema = frame.view.types[outline.type]
    properties: Mapping[str, Any] = schema.schema.get("properties", {})
    for name, value in (release.spec if release else {}).items():
        field = properties.get(name, {})
        title = frame.text(field.get("x-title") or field.get("title") or name)
        if isinstance(value, bool):
            yield title, "yes" if value else "no", False
        elif isinstance(value, int):
            yield title, wording.count(value), False
        elif isinstance(value, str | float):
            yield title, rows.label(frame, schema, name, str(value)), False
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            yield title, ", ".join(rows.label(frame, schema, name, str(item)) for item in value), False
        else:
            yield title, json.dumps(value, ensure_ascii=False, indent=2), True


def _downloads(release: Release | None) -> Iterator[tuple[str, str, str, str]]:
    """Label, address, digest and prerequisite of everything beside the weights."""
    for each in release.downloads if release else ():
        yield each.label, wording.safe(each.url), each.sha256 or "", each.requires or ""


def _releases(outline: Outline, document: ModelDocument) -> Iterator[Version]:
    for version, status in outline.releases.items():
        release = document.releases[version]
        when = release.published or release.released
        yield Version(
            version=version,
            status=status,
            badge=_STATUS[status] if status != "active" else None,
            when=wording.iso(when),
            day=wording.day(when),
            notes=release.notes or "",
            reason=release.reason or "",
            delta=tuple(_contents(release)),
            latest=version == outline.latest,
        )


def _contents(release: PublishedRelease) -> Iterator[str]:
    variants = len(release.variants)
    yield f"{variants} variant{'s' * (variants != 1)}"
    files = sum(len(group) for variant in release.variants for group in variant.files.values())
    if files:
        yield f"{files} file{'s' * (files != 1)}"
    if release.released and release.published and release.released.date() != release.published.date():
        yield f"released by its publisher on {wording.day(release.released)}"
    if release.checked:
        yield f"checked at the source on {wording.day(release.checked)}"


def _metrics(release: Release | None) -> Iterator[Metric]:
    for metric in release.metrics if release else ():
        if metric.name and metric.value is not None:
            unit = _UNITS.get(metric.unit or "", metric.unit)
            value = f"{metric.value:g}{f' {unit}' if unit else ''}"
            yield Metric(metric.name, value, wording.safe(metric.source or ""), wording.day(metric.date))


def _needs(frame: Frame, release: Release | None) -> Iterator[tuple[str, str]]:
    if release is None:
        return
    if release.requirements:
        needs = release.requirements
        vram, memory = (size and f"{size[:-3]} {size[-3:]}" for size in (needs.vram, needs.memory))
        found = (("GPUs", needs.gpus), ("GPU memory", vram), ("Memory", memory))
        yield from ((title, str(value)) for title, value in found if value is not None)
    environment = release.environment
    if environment and environment.framework:
        known = frame.view.taxonomy.frameworks.values.get(environment.framework)
        yield "Framework", frame.text(known.label) if known else environment.framework
    if environment and environment.image:
        yield "Image", environment.image
    if release.remote_code:
        yield "Remote code", f"reviewed at {release.remote_code.revision[:7]} by {release.remote_code.reviewed_by}"


def _terms(frame: Frame, outline: Outline, document: ModelDocument) -> Iterator[tuple[str, str]]:
    terms = document.terms
    if outline.visibility != "public":
        yield "Visible to", ", ".join(outline.allowed) or outline.visibility
    if terms:
        yield "Price", terms.price
        yield "Edition", terms.edition
        if terms.free_days:
            yield "Duration", f"{terms.free_days} days from the day of the pin"
        if terms.effective_from:
            yield "In force from", wording.day(terms.effective_from)
    if outline.expires:
        yield "Expires", wording.day(outline.expires) + (", may be renewed" if document.renewable else "")
    if outline.regions:
        known = frame.view.taxonomy.regions.values
        yield "Regions", ", ".join(frame.text(known[name].label) if name in known else name for name in outline.regions)


def _links(document: ModelDocument) -> Iterator[tuple[str, str]]:
    for kind, found in document.links.items():
        for address in (found,) if isinstance(found, str) else found:
            if safe := wording.safe(address):
                yield wording.link(kind), safe
