"""Documents as rows, so that a small change stays small, and what merge patches make of them. Pure.

* Everything here was verified before: these bytes are what a publisher signed. He may still be wrong, or newer than we.
* A patch is never believed: what it makes is joined and hashed by whoever applied it, and must be what the head names.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from galleryctl import canonical, patches
from galleryctl.client.errors import DamagedError, SchemaError
from galleryctl.spec.base import ID_PATTERN, LONGEST_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Json = Any  # what `json.loads` gives

MAJOR = 1
"""The schema this client reads; any minor of it."""
_MAJOR = re.compile(r"([0-9]{1,6})\.[0-9]{1,6}").fullmatch
_ID = re.compile(rf"{ID_PATTERN}/{ID_PATTERN}").fullmatch
_NAME = re.compile(ID_PATTERN).fullmatch
_SHA256 = re.compile(r"[0-9a-f]{64}").fullmatch


class Parts(NamedTuple):
    """A document whose member `models` is kept apart: the other members, and every model by id, each canonical."""

    frame: bytes
    rows: Mapping[str, bytes]


def parsed(data: bytes, what: str) -> dict[str, Json]:
    """The object of a document. Raises `DamagedError` where it is none, however it was made so."""
    try:
        found = json.loads(data.decode("utf-8"), parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{what}: is no JSON: {str(error)[:200]}") from error
    if not isinstance(found, dict):
        raise DamagedError(f"{what}: is no JSON object")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def readable(document: Mapping[str, Json], what: str, member: str = "schema") -> None:
    """Raise `SchemaError` unless this client knows the major of a document's schema."""
    said = document.get(member)
    major = _MAJOR(said) if isinstance(said, str) else None
    if major is None:
        raise SchemaError(f"{what}: says {member} {ascii(said)[:40]} where a version such as {MAJOR}.0 was expected")
    if int(major[1]) != MAJOR:
        raise SchemaError(
            f"{what}: has the {member} {said}, and this client knows {MAJOR}.x: update galleryctl; "
            "the last good state stays in use until then"
        )


def identifier(text: object) -> bool:
    """Whether this can be an id; a name of 96 characters is the longest."""
    return isinstance(text, str) and bool(_ID(text)) and max(map(len, text.split("/"))) <= LONGEST_NAME


def name(text: object) -> bool:
    """Whether this can be the name of a model type or of a runtime."""
    return isinstance(text, str) and bool(_NAME(text)) and len(text) <= LONGEST_NAME


def digest(text: object) -> bool:
    return isinstance(text, str) and bool(_SHA256(text))


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
