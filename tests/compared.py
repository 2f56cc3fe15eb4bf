"""Sides of a comparison made in memory, with the paths that their parts would lie at."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from galleryctl import changes
from galleryctl.changes import Change, Side
from galleryctl.gallery import Gallery
from galleryctl.git import TreeEntry
from galleryctl.spec import Consumer, Frozen, Policy, Publisher, Roles, Settings, Taxonomy, Tombstone
from made import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from galleryctl.gallery import Entry


def blob(data: bytes) -> TreeEntry:
    return TreeEntry("100644", len(data), hashlib.sha1(data, usedforsecurity=False).hexdigest())


def side(
    *entries: Entry,
    settings: Mapping[str, Any] | None = None,
    roles: Mapping[str, Any] | None = None,
    policy: Mapping[str, Any] | None = None,
    taxonomy: Mapping[str, Any] | None = None,
    publishers: Mapping[str, Mapping[str, Any]] | None = None,
    consumers: Mapping[str, Mapping[str, Any]] | None = None,
    tombstones: Mapping[str, Mapping[str, Any]] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> Side:
    """One revision; `files` are further files of the registry by path."""
    people = {name: Publisher.model_validate(each) for name, each in (publishers or {}).items()}
    services = {name: Consumer.model_validate(each) for name, each in (consumers or {}).items()}
    stones = {name: Tombstone.model_validate(each) for name, each in (tombstones or {}).items()}
    beside: Mapping[str, Mapping[str, Frozen]] = {"publishers": people, "consumers": services, "removed": stones}
    paths = {
        f"{folder}/{name}.yaml": blob(each.model_dump_json().encode())
        for folder, found in beside.items()
        for name, each in found.items()
    }
    for entry in entries:
        paths |= {f"models/{entry.outline.type}/{entry.id}/{name}": blob(data) for name, data in _files(entry)}
    governance = {"gallery": settings, "roles": roles, "policy": policy, "taxonomy": taxonomy}
    paths |= {f"{name}.yaml": blob(repr(each).encode()) for name, each in governance.items()}
    paths |= {path: blob(data) for path, data in (files or {}).items()}
    return Side(
        gallery=Gallery.of(entries),
        settings=Settings.model_validate({"title": "Test"} | dict(settings or {})),
        roles=Roles.model_validate(roles or {}),
        policy=Policy.model_validate(policy or {}),
        taxonomy=Taxonomy.model_validate(taxonomy or {}),
        types=TYPES,
        paths=dict(sorted(paths.items())),
        publishers=people,
        consumers=services,
        tombstones=stones,
    )


def _files(entry: Entry) -> Iterable[tuple[str, bytes]]:
    yield "model.yaml", entry.wire
    yield from ((f"{version}.yaml", entry.wire) for version in entry.outline.releases)
    for language, text in entry.cards.items():
        yield f"README{f'.{language}' if language != 'en' else ''}.md", text.encode()
    if entry.outline.cover:
        yield "cover.webp", entry.outline.cover.encode()


def told(found: Iterable[Change]) -> list[tuple[Any, ...]]:
    """Changes as short rows: subject, kind, version, field, before, after."""
    return [(each.subject, each.kind.value, each.version, each.field, each.before, each.after) for each in found]


def between(base: Side, merged: Side, *touched: str) -> list[tuple[Any, ...]]:
    """What is between them, as rows; `touched` are paths outside the registry."""
    found = changes.between(base, merged)
    if touched:
        differing = {f"registry/{path}" for path in merged.paths.keys() | base.paths.keys()}
        same = {f"registry/{path}" for path in merged.paths if merged.paths[path] == base.paths.get(path)}
        found = changes.between(base, merged, touched=(differing - same) | set(touched))
    return told(found)
