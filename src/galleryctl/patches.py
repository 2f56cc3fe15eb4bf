"""Merge patches (RFC 7396): the differences of two documents, and what they make of the older one. Pure.

An object says what changes below it, `null` takes a member away, and everything else replaces what stood there. So a
patch can neither hold `null` as data nor change a part of a list; published documents hold no `null`.
"""

from __future__ import annotations

from typing import Any

Json = Any  # what `json.loads` gives


def between(old: Json, new: Json) -> Json:
    """The patch that makes `new` of `old`, neither of which holds `null`; an empty object where they are the same."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    patch = dict.fromkeys(old.keys() - new.keys())
    for key, value in new.items():
        if key not in old:
            patch[key] = value
        elif not _same(old[key], value):
            patch[key] = between(old[key], value)
    return patch


def _same(one: Json, other: Json) -> bool:
    """Equal as JSON: to Python, `True` is 1."""
    if one != other or isinstance(one, bool) is not isinstance(other, bool):
        return False
    if isinstance(one, dict):
        return all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return all(map(_same, one, other))
    return True


def apply(document: Json, patch: Json) -> Json:
    """What a patch makes of a document; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    made = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = apply(made.get(key), value)
    return made
