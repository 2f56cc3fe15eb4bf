"""Documents of a gallery as values. Pure.

* All were verified before: these bytes are what a publisher signed. He may still be wrong, or newer than we.
* Any minor of the schema that is known is read, and what it adds is ignored; another major is refused.
* What a head demands of its readers counts in full, the minor too.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from galleryctl.client.errors import DamagedError, SchemaError
from galleryctl.spec.base import first_fault, is_name
from galleryctl.spec.published import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = Any  # what `json.loads` gives
Model = TypeVar("Model", bound=BaseModel)

_VERSION = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})").fullmatch
_KNOWN = tuple(map(int, SCHEMA.split(".")))
_SHA256 = re.compile(r"[0-9a-f]{64}").fullmatch


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


def readable(document: Mapping[str, Json], what: str) -> None:
    """Raise `SchemaError` unless this client knows the major of a document's schema."""
    said = document.get("schema")
    if _version(said, what, "schema")[0] != _KNOWN[0]:
        raise _later(f"{what}: has the schema {said}", f"{_KNOWN[0]}.x")


def admitted(head: Mapping[str, Json], what: str) -> None:
    """Raise `SchemaError` where a head is for readers that know a later schema than this client does."""
    said = head.get("reader", SCHEMA)
    if _version(said, what, "reader") > _KNOWN:
        raise _later(f"{what}: is for readers that know the schema {said}", SCHEMA)


def _version(said: Json, what: str, member: str) -> tuple[int, ...]:
    found = _VERSION(said) if isinstance(said, str) else None
    if found is None:
        raise SchemaError(f"{what}: says {member} {ascii(said)[:40]} where a version such as {SCHEMA} was expected")
    return tuple(map(int, found.groups()))


def _later(said: str, known: str) -> SchemaError:
    return SchemaError(
        f"{said}, and this client knows {known}: update galleryctl; the last good state stays in use until then"
    )


def model(kind: type[Model], raw: Json, what: str, *, step: str = "document") -> Model:
    """A document, or a part of one, as a value. Raises `DamagedError` where it is none."""
    try:
        return kind.model_validate(raw)
    except (ValidationError, RecursionError) as error:
        raise DamagedError(f"{what}: cannot be read: {first_fault(error)}", step=step) from error


def identifier(text: object) -> bool:
    """Whether this can be an id."""
    return isinstance(text, str) and text.count("/") == 1 and all(map(is_name, text.split("/")))


def name(text: object) -> bool:
    """Whether this can be the name of a model type or of a runtime."""
    return isinstance(text, str) and is_name(text)


def digest(text: object) -> bool:
    """Whether this can be a SHA-256."""
    return isinstance(text, str) and bool(_SHA256(text))
