"""Documents as rows, so that a small change stays small, and what merge patches make of them. Pure.

* A patch is never believed: what it makes is joined and hashed by whoever applied it, and must be what the head names.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import canonical, patches
from galleryctl.client.documents import identifier, parsed, readable
from galleryctl.client.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from galleryctl.client.documents import Json


class Parts(NamedTuple):
    """A document whose member `models` is kept apart: the other members, and every model by id, each canonical."""

    frame: bytes
    rows: Mapping[str, bytes]


def split(data: bytes, what: str) -> Parts:
    """A document in rows; ids that are none are left out. Raises `DamagedError` and `SchemaError`."""
    document = parsed(data, what)
    readable(document, what)
    models = document.pop("models", {})
    if not isinstance(models, dict):
        raise DamagedError(f"{what}: its models are no object")
    try:
        rows = {each: canonical.dumps(model) for each, model in models.items() if identifier(each)}
        return Parts(canonical.dumps(document), rows)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{what}: cannot be written again: {error}") from error


def joined(parts: Parts) -> bytes:
    """The whole document again. Raises `ValueError` where the frame is no object."""
    frame = json.loads(parts.frame)
    return canonical.extend(frame, "models", canonical.join(parts.rows.items()))


def changed(frame: bytes, row: Callable[[str], bytes | None], patch: Mapping[str, Json]) -> Parts:
    """What a merge patch makes of a document: its new frame, and only the rows that change; an empty one is gone.

    Raises `ValueError`, or `RecursionError`, where the patch cannot be applied.
    """
    if not isinstance(patch, dict):
        raise ValueError("a patch that is no object")  # noqa: TRY004 - as below
    rest = {key: value for key, value in patch.items() if key != "models"}
    models = patch.get("models", {})
    if not isinstance(models, dict):
        raise ValueError("a patch that takes all models away")  # noqa: TRY004 - a document of strangers, no mistake of ours
    rows = {}
    for each, change in models.items():
        if not identifier(each):
            raise ValueError("a patch of what is no id")
        if change is None:
            rows[each] = b""
            continue
        older = row(each) if isinstance(change, dict) else None
        rows[each] = canonical.dumps(patches.apply(json.loads(older) if older else None, change))
    return Parts(canonical.dumps(patches.apply(json.loads(frame), rest)) if rest else frame, rows)
