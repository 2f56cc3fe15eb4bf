"""What somebody may see. Everything that is published is computed from this view, so nothing else can leak.

A static host cannot authorise anybody: each audience gets an output tree of its own, behind a host of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from galleryctl import canonical

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from galleryctl.gallery import Entry, Gallery, Outline
    from galleryctl.schemas import TypeSchema
    from galleryctl.spec import Consumer, Publisher, Roles, Settings, Taxonomy, Tombstone
    from galleryctl.spec.review import Queue

PUBLIC = "public"


@dataclass(frozen=True)
class View:
    """A gallery as one audience sees it on one day, with the words it is shown in."""

    gallery: Gallery
    """Every model this audience may see, also the unlisted and discontinued."""
    settings: Settings
    taxonomy: Taxonomy
    types: Mapping[str, TypeSchema]
    """Schemas of the model types, in the order of the site."""
    publishers: Mapping[str, Publisher]
    consumers: Mapping[str, Consumer]
    tombstones: Mapping[str, Tombstone]
    """By id."""
    now: dt.datetime
    audience: str = PUBLIC
    queue: Queue | None = None
    """Open pull requests at one time; none where nobody told."""
    include: frozenset[str] = frozenset()
    """What lists show beside the listed: `unlisted`, what was withdrawn. For who keeps the gallery, no runtime."""
    trust: Mapping[str, bytes] = field(default_factory=dict)
    """The public keys that the index is signed with: files of `trust/`, the same for every audience."""

    @cached_property
    def facets(self) -> dict[str, dict[str, list[str]]]:
        """Values by facet of each model, as far as they were asked for (`search.facets`)."""
        return {}

    @cached_property
    def shown(self) -> Gallery:
        """What lists, searches, feeds and type documents show."""
        if "unlisted" in self.include:
            return self.gallery.select(lambda outline: outline.latest is not None)
        return self.gallery.shown()

    @cached_property
    def by_type(self) -> Mapping[str, tuple[Entry, ...]]:
        """Shown models of each type, newest first; every type of the registry is there."""
        found: dict[str, list[Entry]] = {name: [] for name in self.types}
        for entry in self.shown.newest:
            found.setdefault(entry.outline.type, []).append(entry)
        return {name: tuple(entries) for name, entries in found.items()}

    @cached_property
    def by_publisher(self) -> Mapping[str, tuple[Entry, ...]]:
        """Shown models of each publisher, newest first."""
        found: dict[str, list[Entry]] = {}
        for entry in self.shown.newest:
            found.setdefault(entry.outline.publisher, []).append(entry)
        return {name: tuple(entries) for name, entries in sorted(found.items())}

    @cached_property
    def used_by(self) -> Mapping[str, tuple[str, ...]]:
        """Model id → the services that pin it."""
        found: dict[str, list[str]] = {}
        for service, consumer in self.consumers.items():
            for pin in consumer.pins:
                found.setdefault(self.gallery.aliases.get(pin.model, pin.model), []).append(service)
        return {model: tuple(sorted(set(services))) for model, services in found.items()}

    @cached_property
    def commit(self) -> str | None:
        """The newest commit that changed something this audience sees; none outside git."""
        dated = [(entry.outline.updated, entry.outline.commit) for entry in self.gallery if entry.outline.updated]
        return max(dated, key=lambda item: (item[0], item[1] or ""))[1] if dated else None

    @cached_property
    def words(self) -> str:
        """Digest of the settings and vocabularies that search data is written with."""
        parts = (self.settings.model_dump_json(), self.taxonomy.model_dump_json())
        return canonical.digest("\0".join([*parts, *(repr(schema) for schema in self.types.values())]).encode())


def may_see(outline: Outline, audience: str, roles: Roles, organisation: str | None) -> bool:
    """Whether an audience sees a model. Audiences are `public`, the name of a group, or of a person."""
    if outline.visibility == "public":
        return True
    if audience == PUBLIC:
        return False
    groups = {name for name, members in roles.groups.items() if audience in members} | {audience}
    if outline.visibility == "organisation":
        return organisation in groups
    if outline.visibility == "restricted":
        return not groups.isdisjoint(outline.allowed)
    return not groups.isdisjoint(outline.maintainers)


def project(  # noqa: PLR0913 - one for each part of a view
    gallery: Gallery,
    *,
    settings: Settings,
    roles: Roles,
    taxonomy: Taxonomy,
    types: Mapping[str, TypeSchema],
    publishers: Mapping[str, Publisher],
    consumers: Mapping[str, Consumer],
    tombstones: Mapping[str, Tombstone],
    now: dt.datetime,
    audience: str = PUBLIC,
    queue: Queue | None = None,
    strangers: bool = True,
    trust: Mapping[str, bytes] | None = None,
) -> View:
    """The view of one audience at one time. Publishers and consumers shrink to what it can see of them.

    Vocabulary and tombstones are the same for every audience, so neither may name what is kept from one. The queue of a
    repository that strangers cannot read (`strangers` is false) shrinks to pull requests about models that it sees.
    """
    seen = gallery.select(lambda outline: may_see(outline, audience, roles, settings.organisation)).at(now.date())
    known = set(seen.by_id) | set(seen.aliases)
    owners = {identifier.partition("/")[0] for identifier in seen.by_id}
    return View(
        gallery=seen,
        settings=settings,
        taxonomy=taxonomy,
        types=types,
        publishers={name: publisher for name, publisher in sorted(publishers.items()) if name in owners},
        consumers={
            service: consumer.model_copy(update={"pins": tuple(pin for pin in consumer.pins if pin.model in known)})
            for service, consumer in consumers.items()
            if any(pin.model in known for pin in consumer.pins)
        },
        tombstones=tombstones,
        now=now,
        audience=audience,
        queue=queue if strangers or queue is None else _seen(queue, frozenset(seen.by_id)),
        trust=trust or {},
    )


def _seen(queue: Queue, models: frozenset[str]) -> Queue:
    """A title may name what is kept from an audience, so what is about anything else is left out."""
    kept = tuple(pull for pull in queue.pulls if pull.models and models.issuperset(pull.models))
    return queue.model_copy(update={"pulls": kept})
