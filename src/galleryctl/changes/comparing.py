"""The comparison itself. Pure: the same two sides give the same changes.

A model whose published bytes, cards, cover, owners and groups are the same is not looked into.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from galleryctl import layout
from galleryctl.changes import beside, models, places
from galleryctl.changes.base import Change, Kind, Side
from galleryctl.changes.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from galleryctl.gallery import Entry, Outline
    from galleryctl.layout import Place

_PICTURED = {"card", "cover"}


def between(
    base: Side, merged: Side, *, touched: Collection[str] | None = None, name: str = "registry"
) -> tuple[Change, ...]:
    """Every change from `base` to `merged`, sorted.

    `touched` are the paths that differ, from the top of the tree; without them, files of the registry alone are
    compared. `name` is the registry's folder.
    """
    paths = sorted(_differing(base, merged, name) if touched is None else touched)
    found = [*_of_models(base, merged, paths, name), *beside.of_all(base, merged, name)]
    told = {change.path for change in found if change.kind is Kind.GOVERNANCE_CHANGED}
    found += _of_files(base, merged, paths, name, told)
    return tuple(sorted(found))


def _differing(base: Side, merged: Side, name: str) -> Iterator[str]:
    if base.paths is merged.paths:
        return
    for path, entry in merged.paths.items():
        old = base.paths.get(path)
        if old != entry and (old is None or (old.mode, old.blob) != (entry.mode, entry.blob)):
            yield f"{name}/{path}"
    yield from (f"{name}/{path}" for path in base.paths if path not in merged.paths)


def _of_models(base: Side, merged: Side, paths: Iterable[str], name: str) -> Iterator[Change]:
    old, new = base.gallery.by_id, merged.gallery.by_id
    added = [new[model] for model in sorted(new.keys() - old.keys())]
    gone = sorted(old.keys() - new.keys())
    removed = {model: old[model] for model in gone if not _stands(old[model].outline, merged)}
    renamed = _renamed(removed, added)
    pictures = _pictures(paths, name)
    for entry in added:
        before = renamed.get(entry.id)
        if before is None:
            yield models.whole(Kind.MODEL_ADDED, entry, base, merged)
        else:
            del removed[before.id]
            files = {*pictures[before.outline.type, before.id], *pictures[entry.outline.type, entry.id]}
            yield from models.of_model(Subject(base, merged, before, entry), files)
    for entry in removed.values():
        yield models.whole(Kind.MODEL_REMOVED, entry, base, merged)
    concerned = _concerned(base, merged)
    pictured = {model for _, model in pictures}
    for model, entry in new.items():
        before = old.get(model)
        if before is None or (before is entry and concerned is None and model not in pictured):
            continue
        one, other = before.outline, entry.outline
        if one.sha256 != other.sha256 or model in pictured or (concerned and concerned(other)):
            files = {*pictures.get((one.type, model), ()), *pictures.get((other.type, model), ())}
            yield from models.of_model(Subject(base, merged, before, entry), files)


def _stands(outline: Outline, side: Side) -> bool:
    """Whether the definition is there: a model that cannot be read is not gone."""
    folder = layout.folder(outline.type, outline.id)
    return f"{folder}/model.yaml" in side.paths or f"{folder}/model.json" in side.paths


def _renamed(removed: Mapping[str, Entry], added: Iterable[Entry]) -> dict[str, Entry]:
    """New id → the model that had it before. An id has one heir, the first of those that claim it."""
    found: dict[str, Entry] = {}
    heirs: set[str] = set()
    for entry in added:
        claimed = next((alias for alias in entry.outline.aliases if alias in removed and alias not in heirs), None)
        if claimed is not None:
            heirs.add(claimed)
            found[entry.id] = removed[claimed]
    return found


def _pictures(paths: Iterable[str], name: str) -> Mapping[tuple[str, str], list[str]]:
    """Cards and covers that differ, by type and id of their model."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in paths:
        place = places.content(path, name)
        if place and place.kind in _PICTURED:
            found[place.type, place.id].append(path.rpartition("/")[2])
    return found


def _concerned(base: Side, merged: Side) -> Callable[[Outline], bool] | None:
    """Whether a publisher or a group of a model differs; none where none does."""
    names = base.publishers.keys() | merged.publishers.keys()
    publishers = {name for name in names if _maintainers(base, name) != _maintainers(merged, name)}
    old, new = base.roles.groups, merged.roles.groups
    groups = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    organised = _members(base) != _members(merged)
    if not publishers and not groups and not organised:
        return None

    def concerned(outline: Outline) -> bool:
        if outline.publisher in publishers or (organised and outline.visibility == "organisation"):
            return True
        return outline.visibility == "restricted" and not groups.isdisjoint(outline.allowed)

    return concerned


def _maintainers(side: Side, name: str) -> tuple[str, ...]:
    publisher = side.publishers.get(name)
    return publisher.maintainers if publisher else ()


def _members(side: Side) -> tuple[str, ...]:
    return side.roles.groups.get(side.settings.organisation or "", ())


def _of_files(base: Side, merged: Side, paths: Iterable[str], name: str, told: Collection[str]) -> Iterator[Change]:
    """Files that govern and are not compared field by field, files that are neither, and content nobody can read."""
    for path in paths:
        if places.governs(path, name):
            kind = Kind.GOVERNANCE_CHANGED
        else:
            place = places.content(path, name)
            if place is not None and _readable(place, base, merged, places.inside(path, name) or ""):
                continue
            kind = Kind.FILE_CHANGED
        if path not in told:
            within = places.inside(path, name) or ""
            old, new = base.paths.get(within), merged.paths.get(within)
            yield Change(path, kind, before=old.blob if old else None, after=new.blob if new else None, path=path)


def _readable(place: Place, base: Side, merged: Side, path: str) -> bool:
    """Whether what a file says is in the gallery of its side: the merged one, or base where it is gone."""
    side = merged if path in merged.paths else base
    match place.kind:
        case "taxonomy":
            return True
        case "publisher":
            return place.publisher in side.publishers
        case "consumer":
            return place.name in side.consumers
        case "tombstone":
            return place.id in side.tombstones
        case _:
            entry = side.gallery.by_id.get(place.id)
            return entry is not None and entry.outline.type == place.type
