"""All entries, sorted and grouped, immutable in memory.

An entry keeps its published bytes and an outline of them: what lists, facets and rules across entries need. The whole
definition is read back from the bytes when a page or an export asks for it, so ten thousand models fit into memory.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import AwareDatetime

from galleryctl import canonical
from galleryctl.memory import Build, builds, recorded
from galleryctl.spec.base import Frozen, Status, Text, Visibility, version_key
from galleryctl.spec.published import SCHEMA, ModelDocument, current, statuses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from galleryctl.spec.model import Model
    from galleryctl.spec.published import Definition, Provenance
    from galleryctl.spec.release import Release


class Outline(Frozen):
    """What lists, facets and rules across entries need to know of one model."""

    id: str
    type: str
    title: Text
    summary: Text | None = None
    license: str | None = None
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    status: Status = "active"
    reason: str | None = None
    listed: bool = True
    visibility: Visibility = "public"
    allowed: tuple[str, ...] = ()
    featured: bool = False
    expires: dt.date | None = None
    successor: str | None = None
    base_models: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    maintainers: tuple[str, ...] = ()
    price: str = "free"
    edition: str = "community"
    added: AwareDatetime | None = None
    updated: AwareDatetime | None = None
    by: str | None = None
    commit: str | None = None
    latest: str | None = None
    released: AwareDatetime | None = None
    releases: dict[str, Status] = {}
    """Effective status by version, newest first."""
    parameters: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    hubs: tuple[str, ...] = ()
    gated: bool = False
    bytes: int = 0
    """Bytes of all files of the current release whose size is known."""
    pinned: bool = False
    """Whether every file of the current release has a digest, and every hub a revision."""
    facts: dict[str, str | int | bool | tuple[str, ...]] = {}
    """Plain values of the current release's `spec` block: text, number, or list of text."""
    facets: dict[str, tuple[str, ...]] = {}
    """Values by facet of the model type's schema."""
    builds: tuple[tuple[str, float, float], ...] = ()
    """Builds for the memory axis: label, weights in GiB, cache in KiB for each token."""
    digests: tuple[str, ...] = ()
    """Digests of all files of all releases, sorted."""
    installs: tuple[tuple[str, str], ...] = ()
    """Installed path and digest of each file that names its installed path."""
    names: dict[str, str] = {}
    """Names that overlays of the current release give the model, by runtime."""
    cards: tuple[str, ...] = ()
    cover: str = ""
    """Blob id of the picture that its author gave; empty where there is none."""
    sha256: str = ""
    """Digest of the published document."""
    length: int = 0
    """Bytes of the published document."""

    @property
    def sizes(self) -> tuple[Build, ...]:
        """The builds, by name."""
        return tuple(Build(*build) for build in self.builds)

    @property
    def publisher(self) -> str:
        return self.id.partition("/")[0]

    @property
    def name(self) -> str:
        return self.id.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is published about one model: id, definition and provenance.

    `wire` is its document, `listing` its value in the type's document; both are canonical JSON.
    """

    outline: Outline
    wire: bytes
    listing: bytes
    cards: Mapping[str, str]

    @property
    def id(self) -> str:
        return self.outline.id

    def document(self) -> ModelDocument:
        """The whole definition, read back from its published bytes."""
        return ModelDocument.model_validate_json(self.wire)

    @classmethod
    def of(
        cls,
        identifier: str,
        type_: str,
        definition: Definition,
        *,
        provenance: Provenance | None = None,
        published: Mapping[str, dt.datetime] | None = None,
        cards: Mapping[str, str] | None = None,
        cover: str = "",
        facets: Callable[[Mapping[str, Any]], Mapping[str, tuple[str, ...]]] | None = None,
    ) -> Entry:
        """Join id, definition and provenance.

        `published` says when each version was added; `facets` reads a spec block.
        """
        made = make(
            identifier,
            type_,
            definition,
            provenance=provenance,
            published=published,
            cards=cards,
            cover=cover,
            facets=facets,
        )
        # All values are those of types that were validated: validating them again costs more than the rest together.
        return cls(Outline.model_construct(**made.outline), made.wire, made.listing, dict(cards or {}))


class Made(NamedTuple):
    """What an entry is made of, with the fields of its outline as they are."""

    outline: Mapping[str, Any]
    wire: bytes
    listing: bytes


def make(
    identifier: str,
    type_: str,
    definition: Definition,
    *,
    provenance: Provenance | None = None,
    published: Mapping[str, dt.datetime] | None = None,
    cards: Mapping[str, str] | None = None,
    cover: str = "",
    facets: Callable[[Mapping[str, Any]], Mapping[str, tuple[str, ...]]] | None = None,
) -> Made:
    """`Entry.of`, for who writes the outline down at once."""
    model, releases = definition.model, definition.releases
    latest = current(model, releases)
    facts = _dump(model) | {"status": model.status, "listed": model.listed} | ({"latest": latest} if latest else {})
    times = _dump(provenance) if provenance else {}
    whole = facts | {"schema": SCHEMA, "id": identifier, "type": type_}
    whole |= ({"provenance": times} if times else {}) | ({"cards": sorted(cards)} if cards else {})
    line = {key: value for key, value in facts.items() if key not in _NOT_LISTED}
    line |= {key: times[key] for key in ("added", "updated") if key in times}
    when = {version: {"published": canonical.moment(moment)} for version, moment in (published or {}).items()}
    dated = {version: canonical.dumps(_dump(release) | when.get(version, {})) for version, release in releases.items()}
    wire = canonical.extend(whole, "releases", canonical.join(dated.items()))
    outline = _outline(identifier, type_, model, releases, latest)
    spec = releases[latest].spec if latest else {}
    outline |= {"facets": dict(facets(spec)) if facets else {}, "cards": tuple(sorted(cards or {})), "cover": cover}
    outline |= {"sha256": canonical.digest(wire), "length": len(wire)}
    if provenance:
        outline |= {key: getattr(provenance, key) for key in ("added", "updated", "by", "commit")}
    current_release = canonical.join([(latest, dated[latest])] if latest else [])
    return Made(outline, wire, canonical.extend(line, "releases", current_release))


# Governance of the registry: of no use to a runtime, and long.
_NOT_LISTED = {"description", "maintainers", "allowed", "listed", "agreements", "upstream", "readme"}


def _dump(value: Frozen) -> dict[str, Any]:
    return value.model_dump(mode="json", exclude_unset=True, exclude_none=True)


def _unique(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _outline(
    identifier: str, type_: str, model: Model, releases: Mapping[str, Release], latest: str | None
) -> dict[str, Any]:
    states = statuses(model, dict(releases))
    release = releases[latest] if latest else None
    variants = release.variants if release else ()
    files = [file for variant in variants for group in variant.files.values() for file in group]
    hubs = [hub for variant in variants if variant.sources for hub in variant.sources.hubs().values()]
    spec = release.spec if release else {}
    every = [
        file
        for each in releases.values()
        for variant in each.variants
        for group in variant.files.values()
        for file in group
        if file.sha256
    ]
    return {
        "id": identifier,
        "type": type_,
        "title": model.title,
        "summary": model.summary,
        "license": model.license,
        "tags": model.tags,
        "categories": model.categories,
        "regions": (release.regions if release and release.regions is not None else model.regions),
        "status": model.status,
        "reason": model.reason,
        "listed": model.listed,
        "visibility": model.visibility,
        "allowed": model.allowed,
        "featured": bool(model.featured),
        "expires": model.expires,
        "successor": model.successor,
        "base_models": model.base_models,
        "aliases": model.aliases,
        "maintainers": model.maintainers,
        "price": model.terms.price if model.terms else "free",
        "edition": model.terms.edition if model.terms else "community",
        "latest": latest,
        "released": release.released if release else None,
        "releases": {version: states[version] for version in sorted(states, key=version_key, reverse=True)},
        "parameters": _unique(variant.parameters for variant in variants),
        "formats": _unique(variant.format for variant in variants),
        "engines": _unique(engine for variant in variants for engine in variant.engines),
        "hubs": _unique(kind for variant in variants if variant.sources for kind in variant.sources.hubs()),
        "gated": any(hub.gated for hub in hubs),
        "bytes": sum(file.size or 0 for file in files),
        "pinned": bool(files) and all(file.sha256 for file in files) and all(hub.revision for hub in hubs),
        "facts": _facts(spec),
        "builds": builds(variants, recorded(spec)),
        "digests": tuple(sorted({file.sha256 for file in every if file.sha256})),
        "names": {
            runtime: name
            for runtime, overlay in (release.runtimes if release else {}).items()
            if isinstance(name := overlay.get("name"), str)
        },
        "installs": tuple(sorted((file.install_as, file.sha256 or "") for file in every if file.install_as)),
    }


def _facts(spec: Mapping[str, Any]) -> dict[str, str | int | bool | tuple[str, ...]]:
    found: dict[str, str | int | bool | tuple[str, ...]] = {}
    for key, value in spec.items():
        if isinstance(value, str | int | bool):
            found[key] = value
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            found[key] = tuple(value)
    return found


@dataclass(frozen=True)
class Gallery:
    """Entries sorted by id. Grouping is done once and kept."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Gallery:
        return cls(tuple(sorted(entries, key=lambda entry: entry.id)))

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def by_id(self) -> Mapping[str, Entry]:
        return {entry.id: entry for entry in self.entries}

    @cached_property
    def aliases(self) -> Mapping[str, str]:
        """Earlier id → present id."""
        return {alias: entry.id for entry in self.entries for alias in entry.outline.aliases}

    def find(self, identifier: str) -> Entry | None:
        """The model of an id, else the one that had it before."""
        return self.by_id.get(identifier) or self.by_id.get(self.aliases.get(identifier, ""))

    @cached_property
    def newest(self) -> tuple[Entry, ...]:
        """Newest `added` first, then by id: an edit never moves a model. What is not committed yet is newest of all."""
        return tuple(sorted(self.entries, key=_newest_first))

    @cached_property
    def derived(self) -> Mapping[str, tuple[str, ...]]:
        """Id → ids of the models made from it."""
        found: dict[str, list[str]] = defaultdict(list)
        for entry in self.entries:
            for base in entry.outline.base_models:
                found[self.aliases.get(base, base)].append(entry.id)
        return {base: tuple(ids) for base, ids in found.items()}

    @cached_property
    def replaced(self) -> Mapping[str, tuple[str, ...]]:
        """Id → ids of the models that name it as their successor."""
        found: dict[str, list[str]] = defaultdict(list)
        for entry in self.entries:
            if entry.outline.successor:
                found[entry.outline.successor].append(entry.id)
        return {successor: tuple(ids) for successor, ids in found.items()}

    def select(self, keep: Callable[[Outline], bool]) -> Gallery:
        return Gallery(tuple(entry for entry in self.entries if keep(entry.outline)))

    def at(self, today: dt.date) -> Gallery:
        """The gallery on a day: what has expired counts as discontinued."""
        return Gallery(tuple(expire(entry, today) for entry in self.entries))

    def shown(self) -> Gallery:
        """What lists, searches and type documents show: listed, and active or deprecated."""
        return self.select(lambda outline: outline.listed and outline.latest is not None)


def expire(entry: Entry, today: dt.date) -> Entry:
    """An entry as it counts on a day."""
    outline = entry.outline
    if outline.expires is None or outline.expires > today or outline.latest is None:
        return entry
    gone = {version: "discontinued" if state != "quarantined" else state for version, state in outline.releases.items()}
    return replace(
        entry,
        outline=outline.model_copy(update={"status": "discontinued", "latest": None, "releases": gone}),
    )


def _newest_first(entry: Entry) -> tuple[float, str]:
    added = entry.outline.added
    return (-added.timestamp() if added else -math.inf, entry.id)
