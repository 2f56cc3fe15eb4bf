"""Overlays on exported data: maps are joined key by key, anything else is replaced; and nulls by their paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from galleryctl.canonical import Json


def lay(base: Mapping[str, Json], patch: Mapping[str, Json]) -> dict[str, Json]:
    """The base with a patch laid over it."""
    made = dict(base)
    for key, value in patch.items():
        below = made.get(key)
        made[key] = lay(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return made


def residue(wanted: Mapping[str, Json], base: Mapping[str, Json]) -> dict[str, Json]:
    """The smallest patch that brings all of `wanted` into `base`; what only `base` has stays there."""
    patch: dict[str, Json] = {}
    for key, value in wanted.items():
        below = base.get(key)
        if key in base and isinstance(value, dict) and isinstance(below, dict):
            if inner := residue(value, below):
                patch[key] = inner
        elif key not in base or not same(value, below):
            patch[key] = value
    return patch


def same(one: Json, other: Json) -> bool:
    """Whether two values are one: 1, 1.0 and true are three."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def without_nulls(value: Json, path: str = "") -> tuple[Json, list[str]]:
    """A value without its nulls, and their dotted paths.

    Indexes count in the value as it was; a backslash stands before a dot that is part of a key.
    """
    found: list[str] = []
    if isinstance(value, dict | list):
        kept: list[tuple[Any, Json]] = []
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            step = str(key).replace("\\", "\\\\").replace(".", "\\.")
            here = f"{path}.{step}" if path else step
            if member is None:
                found.append(here)
                continue
            inner, more = without_nulls(member, here)
            kept.append((key, inner))
            found += more
        value = dict(kept) if isinstance(value, dict) else [member for _, member in kept]
    return value, found


def with_nulls(value: Json, paths: Iterable[str]) -> Json:
    """The inverse of `without_nulls`. A path into what is not there makes it."""
    made = _copied(value)
    for path in paths:
        _put(made, _steps(path))
    return made


def _steps(path: str) -> list[str]:
    steps, escaped = [""], False
    for letter in path:
        if escaped or letter not in {"\\", "."}:
            steps[-1] += letter
            escaped = False
        elif letter == ".":
            steps.append("")
        else:
            escaped = True
    return steps


def _put(value: Json, steps: list[str]) -> None:
    for step in steps[:-1]:
        if isinstance(value, list):
            if not step.isdecimal() or int(step) >= len(value):
                return
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.setdefault(step, {})
        else:
            return
    if isinstance(value, dict):
        value[steps[-1]] = None
    elif isinstance(value, list) and steps[-1].isdecimal():
        value.insert(int(steps[-1]), None)


def _copied(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _copied(member) for key, member in value.items()}
    return [_copied(member) for member in value] if isinstance(value, list) else value
