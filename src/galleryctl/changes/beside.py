"""Changes of what lies beside the models: publishers, consumers, tombstones, vocabulary and governance."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from galleryctl.changes.base import Change, Kind
from galleryctl.changes.leaves import leaves
from galleryctl.changes.subject import dotted, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from galleryctl.changes.base import Pointer, Side
    from galleryctl.spec import Frozen
    from galleryctl.spec.governance import Pin

T = TypeVar("T", bound="Frozen")

_LICENCES = "licenses"


def of_all(base: Side, merged: Side, name: str) -> Iterator[Change]:
    """Every change beside the models; `name` is the registry's folder."""
    yield from _of_publishers(base, merged)
    yield from _of_consumers(base, merged)
    yield from _of_tombstones(base, merged)
    yield from _of_taxonomy(base, merged, name)
    pairs: tuple[tuple[str, Frozen, Frozen], ...] = (
        ("gallery", base.settings, merged.settings),
        ("roles", base.roles, merged.roles),
        ("policy", base.policy, merged.policy),
    )
    for file, before, after in pairs:
        if before != after:
            path = f"{name}/{_written(base, merged, f'{file}.yaml')}"
            yield from _leaves(Change(path, Kind.GOVERNANCE_CHANGED, path=path), before, after)


def _of_publishers(base: Side, merged: Side) -> Iterator[Change]:
    for name, before, after in _differing(base.publishers, merged.publishers):
        path = _written(base, merged, f"publishers/{name}.yaml")
        if before is not None and after is not None:
            yield from _leaves(Change(name, Kind.PUBLISHER_CHANGED, path=path), before, after)
        elif after is not None or path not in merged.paths:
            kind = Kind.PUBLISHER_REMOVED if after is None else Kind.PUBLISHER_ADDED
            yield Change(name, kind, before=_dump(before), after=_dump(after), path=path)


def _of_consumers(base: Side, merged: Side) -> Iterator[Change]:
    for name, before, after in _differing(base.consumers, merged.consumers):
        path = _written(base, merged, f"consumers/{name}.yaml")
        change = Change(name, Kind.CONSUMER_CHANGED, path=path)
        if before is not None and after is not None:
            yield from (each for each in _leaves(change, before, after) if each.pointer[0] != "pins")
            yield from _of_pins(change, before.pins, after.pins)
        elif after is not None or path not in merged.paths:
            yield _with(change, (), _dump(before), _dump(after))


def _of_pins(change: Change, before: Sequence[Pin], after: Sequence[Pin]) -> Iterator[Change]:
    """A pin is one value: what it says of a model belongs together."""
    gone = {index: pin for index, pin in enumerate(before) if pin not in after}
    for index, pin in enumerate(after):
        if pin in before:
            continue
        alike = [at for at, old in gone.items() if old.model == pin.model]
        same = next((at for at in alike if gone[at].variant == pin.variant), alike[0] if alike else None)
        old = gone.pop(same) if same is not None else None
        yield _with(change, ("pins", index), _dump(old), _dump(pin))
    for index, pin in gone.items():
        yield _with(change, ("pins", index), _dump(pin), None)


def _of_tombstones(base: Side, merged: Side) -> Iterator[Change]:
    for name, before, after in _differing(base.tombstones, merged.tombstones):
        path = _written(base, merged, f"removed/{name}.yaml")
        if before is not None and after is not None:
            change = Change(name, Kind.TOMBSTONE_CHANGED, path=path, type=after.type)
            yield from _leaves(change, before, after)
        elif after is not None:
            yield Change(name, Kind.TOMBSTONE_ADDED, after=_dump(after), path=path, type=after.type)
        elif before is not None and path not in merged.paths:
            yield Change(name, Kind.TOMBSTONE_REMOVED, before=_dump(before), path=path, type=before.type)


def _of_taxonomy(base: Side, merged: Side, name: str) -> Iterator[Change]:
    if base.taxonomy == merged.taxonomy:
        return
    file = _written(base, merged, "taxonomy.yaml")
    subject = f"{name}/{file}"
    for change in _leaves(Change(subject, Kind.TAXONOMY_CHANGED, path=file), base.taxonomy, merged.taxonomy):
        if change.pointer[0] == _LICENCES:
            yield _with(change, change.pointer, change.before, change.after, Kind.GOVERNANCE_CHANGED, subject)
        else:
            yield change


def _differing(old: Mapping[str, T], new: Mapping[str, T]) -> Iterator[tuple[str, T | None, T | None]]:
    for name in dict.fromkeys(chain(old, new)):
        before, after = old.get(name), new.get(name)
        if before is not after and before != after:
            yield name, before, after


def _leaves(change: Change, before: Frozen, after: Frozen) -> Iterator[Change]:
    for pointer, old, new in leaves(_dump(before), _dump(after)):
        yield _with(change, pointer, old, new)


def _with(
    change: Change,
    pointer: Pointer,
    before: Any,  # noqa: ANN401 - any JSON value
    after: Any,  # noqa: ANN401 - any JSON value
    kind: Kind | None = None,
    path: str | None = None,
) -> Change:
    return Change(
        change.subject,
        kind or change.kind,
        field=dotted(pointer),
        before=before,
        after=after,
        path=change.path if path is None else path,
        pointer=pointer,
        type=change.type,
    )


def _dump(value: Frozen | None) -> dict[str, Any] | None:
    return None if value is None else value.model_dump(mode="json", exclude_none=True)


def _written(base: Side, merged: Side, path: str) -> str:
    """A file as it stands in the merged tree, or in base where it is gone."""
    found = written(merged.paths, path)
    return found if found in merged.paths else written(base.paths, path)
