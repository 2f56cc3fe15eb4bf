"""Who depends on a model or release: services that pin it, models and tombstones that name it, upstreams it feeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from galleryctl.authoring.files import near
from galleryctl.errors import UsageError
from galleryctl.spec import version_key

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from collections.abc import Set as AbstractSet

    from galleryctl.checks.rule import World
    from galleryctl.gallery import Outline

Kind = Literal["consumer", "successor", "base_model", "alias", "removed", "upstream"]


class Dependent(NamedTuple):
    """One that would notice if the model changed or went."""

    kind: Kind
    """`consumer` pins it; `successor` and `base_model` name it so; `alias`: a model that had this id before; `removed`:
    a tombstone that leads to it; `upstream`: a repository that gets its export."""
    name: str
    """Service, id of the model, or repository."""
    path: str
    """File that says so, relative to the folder above the registry."""
    version: str = ""
    """Release that is pinned; empty where none is, or where the newest is meant."""
    owners: tuple[str, ...] = ()
    """Whom to ask: people and groups of `roles.yaml`."""
    detail: str = ""
    """The variant that is pinned, or the runtime whose export is sent."""


def dependents(world: World, identifier: str, version: str = "", *, name: str) -> tuple[Dependent, ...]:
    """Of a model, or of one release of it: then only what pins that release, or follows the newest, which it is."""
    found = _found(world, identifier)
    gallery = world.gallery
    entry = gallery.find(identifier)
    latest = entry.outline.latest if entry else None
    return tuple(
        sorted(
            each._replace(path=f"{name}/{each.path}")
            for each in found
            if not version
            or (each.kind == "consumer" and (each.version == version or (not each.version and latest == version)))
        )
    )


def require(world: World, identifier: str, version: str = "") -> None:
    """Raise `UsageError` where neither the gallery nor a tombstone knows this."""
    entry, stone = world.gallery.find(identifier), world.tombstones.get(identifier)
    if entry is None and stone is None:
        known = [*world.gallery.by_id, *world.gallery.aliases, *world.tombstones]
        raise UsageError(f"there is no model {identifier}{near(identifier, known)}")
    versions = {*(entry.outline.releases if entry else ()), *(stone.releases if stone else ())}
    if version and version not in versions:
        has = ", ".join(sorted(versions, key=version_key)) or "none"
        raise UsageError(f"{identifier} has no release {version}; it has {has}")


def _found(world: World, identifier: str) -> Iterator[Dependent]:
    gallery = world.gallery
    entry = gallery.find(identifier)
    own = entry.id if entry else identifier
    names = {own, identifier, *(entry.outline.aliases if entry else ())}
    yield from _services(world, names)
    for other in gallery:
        if other.id != own:
            yield from _named(world, other.outline, names)
    for removed, stone in world.tombstones.items():
        if stone.successor in names:
            yield Dependent("removed", removed, _beside(world, f"removed/{removed}"))
    if entry:
        for upstream in entry.document().upstream:
            yield Dependent("upstream", upstream.repo, world.model_file(entry.outline), detail=upstream.runtime)


def _services(world: World, names: Container[str]) -> Iterator[Dependent]:
    for service, consumer in world.consumers.items():
        path = _beside(world, f"consumers/{service}")
        for pin in consumer.pins:
            if pin.model in names:
                yield Dependent("consumer", service, path, pin.version or "", consumer.owners, pin.variant or "")


def _named(world: World, outline: Outline, names: AbstractSet[str]) -> Iterator[Dependent]:
    """What one model says of these ids."""
    path, profile = world.model_file(outline), world.context.publishers.get(outline.publisher)
    owners = outline.maintainers or (profile.maintainers if profile else ())
    if outline.successor in names:
        yield Dependent("successor", outline.id, path, owners=owners)
    if not names.isdisjoint(outline.base_models):
        yield Dependent("base_model", outline.id, path, owners=owners)
    if not names.isdisjoint(outline.aliases):
        yield Dependent("alias", outline.id, path, owners=owners)


def _beside(world: World, stem: str) -> str:
    return f"{stem}.json" if f"{stem}.json" in world.paths else f"{stem}.yaml"


def sentence(dependent: Dependent, identifier: str) -> str:
    """What it is, for a person."""
    kind, name, path, version, owners, detail = dependent
    match kind:
        case "consumer":
            what = f"{identifier}@{version}" if version else f"the newest release of {identifier}"
            asked = f"; owners: {', '.join(owners)}" if owners else ""
            return f"Service {name} pins {what} ({path}{asked})"
        case "successor":
            return f"{name} names it as its successor ({path})"
        case "base_model":
            return f"{name} was made from it ({path})"
        case "alias":
            return f"{name} had this id before ({path})"
        case "removed":
            return f"{name}, which was removed, leads to it ({path})"
        case "upstream":
            return f"{name} gets its export for {detail} ({path})"
