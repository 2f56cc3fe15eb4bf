"""The comparison itself. A model whose published bytes, cards, cover and owners are the same is not looked into."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from galleryctl import layout
from galleryctl.changes.base import Change, Kind, Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.gallery import Entry, Outline


def between(base: Side, merged: Side) -> tuple[Change, ...]:
    """Every change from `base` to `merged`, sorted."""
    return tuple(sorted(_changes(base, merged)))


def _changes(base: Side, merged: Side) -> Iterator[Change]:
    old, new = base.gallery.by_id, merged.gallery.by_id
    for identifier in sorted(old.keys() | new.keys()):
        before, after = old.get(identifier), new.get(identifier)
        if before is None and after is not None:
            yield _about(Kind.MODEL_ADDED, after.outline, merged)
        elif after is None and before is not None:
            yield _about(Kind.MODEL_REMOVED, before.outline, base)
        elif before is not None and after is not None and before.outline.sha256 != after.outline.sha256:
            yield from _of_model(before, after, merged)


def _about(kind: Kind, outline: Outline, side: Side, **more: Any) -> Change:  # noqa: ANN401 - fields of a change
    folder = layout.folder(outline.type, outline.id)
    path = f"{folder}/model.json" if f"{folder}/model.json" in side.paths else f"{folder}/model.yaml"
    facts = {"path": path, "type": outline.type, "visibility": outline.visibility, "edition": outline.edition}
    return Change(outline.id, kind, **(facts | more))


def _of_model(before: Entry, after: Entry, merged: Side) -> Iterator[Change]:
    old, new = _resolved(before), _resolved(after)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield _about(
                Kind.FIELD_CHANGED,
                after.outline,
                merged,
                field=name,
                before=old.get(name),
                after=new.get(name),
                pointer=(name,),
            )


def _resolved(entry: Entry) -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads(entry.wire)
    return {name: value for name, value in found.items() if name not in {"provenance", "schema", "cards"}}
