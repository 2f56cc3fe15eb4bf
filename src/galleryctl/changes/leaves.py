"""Where two JSON values differ, down to the leaf. Items of a list are matched by what they are, not by their places."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from galleryctl.changes.base import Pointer

_IDENTITIES = (
    ("path", "url"),
    ("path",),
    ("key", "format", "parameters", "engines"),
    ("format", "parameters", "engines"),
    ("format", "parameters"),
    ("model", "variant"),
    ("model",),
    ("role", "scope", "to"),
    ("role", "scope"),
    ("repo", "runtime"),
    ("name", "source"),
    ("name",),
    ("label",),
)
"""Fields that tell one item of a list from another, the strictest first."""


class Lent(NamedTuple):
    """A value that something inherits, and does not say itself. None stands for nothing inherited."""

    value: Any


class Leaf(NamedTuple):
    """One difference. Indices of the pointer are those of `after`, and those of `before` for what is gone."""

    pointer: Pointer
    before: Any
    after: Any


def leaves(before: Any, after: Any, pointer: Pointer = ()) -> Iterator[Leaf]:  # noqa: ANN401 - any JSON values
    """Every leaf that differs. A list of scalars is one value; what both sides inherit is no difference of theirs.

    A list whose items are the same in another order is one difference, between the names of its items.
    """
    if isinstance(before, Lent) and isinstance(after, Lent):
        return
    before, after = _own(before), _own(after)
    if before == after:
        return
    if isinstance(before, dict | None) and isinstance(after, dict | None):
        old, new = before or {}, after or {}
        for key in sorted(old.keys() | new.keys()):
            yield from leaves(old.get(key), new.get(key), (*pointer, key))
    elif _items_of(before) and _items_of(after):
        yield from _items(before, after, pointer)
    elif plain(before) != plain(after):
        yield Leaf(pointer, plain(before), plain(after))


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A value as JSON: what is inherited stands in its place."""
    if isinstance(value, Lent):
        return plain(value.value)
    if isinstance(value, dict):
        found = {key: plain(item) for key, item in value.items()}
        return {key: item for key, item in found.items() if item is not None}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _own(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    return value.value if isinstance(value, Lent) else value


def _items_of(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _items(before: Sequence[Any], after: Sequence[Any], pointer: Pointer) -> Iterator[Leaf]:
    pairs = _pairs(before, after)
    for old, new in pairs:
        yield from leaves(before[old], after[new], (*pointer, new))
    olds, news = {old for old, _ in pairs}, {new for _, new in pairs}
    gone = {index: item for index, item in enumerate(before) if index not in olds}
    come = {index: item for index, item in enumerate(after) if index not in news}
    for index in sorted(gone.keys() | come.keys()):
        yield Leaf((*pointer, index), plain(gone.get(index)), plain(come.get(index)))
    if [new for _, new in pairs] != sorted(new for _, new in pairs):
        yield Leaf(
            pointer,
            [_label(before[old]) for old, _ in pairs],
            [_label(after[new]) for _, new in sorted(pairs, key=lambda pair: pair[1])],
        )


def _pairs(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int, int]]:
    """Indices of items that are the same thing: equal ones, then those alike in ever less, sorted by the first."""
    old, new = dict(enumerate(before)), dict(enumerate(after))
    pairs: list[tuple[int, int]] = []
    for fields in ((), *_IDENTITIES):
        if not old or not new:
            break
        known: dict[str, list[int]] = defaultdict(list)
        for index, item in new.items():
            if (key := _key(item, fields)) is not None:
                known[key].append(index)
        for index, item in list(old.items()):
            key = _key(item, fields)
            if key is not None and known.get(key):
                other = known[key].pop(0)
                pairs.append((index, other))
                del old[index], new[other]
    nameless = [[index for index, item in side.items() if not _named(item)] for side in (old, new)]
    return sorted([*pairs, *zip(*nameless, strict=False)])


def _key(item: Mapping[str, Any], fields: tuple[str, ...]) -> str | None:
    """What tells an item from others, by these fields or by all it holds; none where it has none of them."""
    if not fields:
        return json.dumps(plain(item), sort_keys=True)
    found = {field: plain(item[field]) for field in fields if field in item and not isinstance(item[field], Lent)}
    return json.dumps(found, sort_keys=True) if found else None


def _named(item: Mapping[str, Any]) -> bool:
    return any(field in item for fields in _IDENTITIES for field in fields)


def _label(item: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """What people call an item."""
    name = next((plain(item[field]) for field in ("key", "path", "model", "name", "label") if item.get(field)), None)
    parts = [str(item[field]).lower() for field in ("parameters", "format") if item.get(field)]
    return name or "-".join(parts) or plain(item)
