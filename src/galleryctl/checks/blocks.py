"""Blocks whose schema is data: `spec` by model type, overlays by runtime. The only module that runs JSON Schema.

Nearly every block is right, so a plain function compiled from the schema says so first; the library is asked only where
that function does not accept, and finds what is wrong.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from galleryctl.checks import near
from galleryctl.checks.kinds import Kind, article, called, wrong
from galleryctl.checks.rule import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

    from galleryctl.checks.rule import Pointer
    from galleryctl.document import Document

_KINDS: dict[str, Kind] = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "array": "list",
    "object": "map",
}  # fmt: skip
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "array": (list,),
    "object": (dict,),
}  # fmt: skip
_KNOWN = {
    "type", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "items", "minItems", "maxItems",
    "uniqueItems", "properties", "required", "additionalProperties",
}  # fmt: skip
_WORDS = {"title", "description", "examples", "default", "$schema", "$id", "$comment", "deprecated"}
_KEPT: dict[int, tuple[Any, Callable[[Any], bool]]] = {}


def accepts(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    """A function that is true only for values the schema allows; it may refuse a value that the schema allows."""
    keys = {key for key in schema if key not in _WORDS and not key.startswith("x-")}
    if not keys <= _KNOWN:
        return lambda _: False
    checks: list[Callable[[Any], bool]] = []
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        allowed = frozenset(kind for name in names for kind in _TYPES.get(name, ()))
        checks.append(lambda value: type(value) in allowed)
    if "enum" in schema:
        words = [word for word in schema["enum"] if isinstance(word, str)]
        checks.append(lambda value: isinstance(value, str) and value in words)
    checks += _bounds(schema)
    if keys & {"items", "minItems", "maxItems", "uniqueItems"}:
        checks.append(_items(schema))
    if keys & {"properties", "required", "additionalProperties"}:
        checks.append(_members(schema))
    if len(checks) == 1:
        return checks[0]
    return lambda value: all(check(value) for check in checks)


def _bounds(schema: Mapping[str, Any]) -> Iterator[Callable[[Any], bool]]:
    low, high = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
    if "minimum" in schema or "maximum" in schema:
        yield lambda value: not isinstance(value, int | float) or low <= value <= high
    short, long = schema.get("minLength", 0), schema.get("maxLength", float("inf"))
    if "minLength" in schema or "maxLength" in schema:
        yield lambda value: not isinstance(value, str) or short <= len(value) <= long
    if "pattern" in schema:
        search = re.compile(schema["pattern"]).search
        yield lambda value: not isinstance(value, str) or search(value) is not None


def _items(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    each = accepts(schema["items"]) if isinstance(schema.get("items"), dict) else None
    few, many = schema.get("minItems", 0), schema.get("maxItems", float("inf"))
    unique = schema.get("uniqueItems", False)

    def check(value: Any) -> bool:  # noqa: ANN401 - any JSON value
        if not isinstance(value, list):
            return True
        if not few <= len(value) <= many or (each and not all(each(item) for item in value)):
            return False
        return not unique or (all(isinstance(item, str) for item in value) and len(set(value)) == len(value))

    return check


def _members(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    known = {name: accepts(inner) for name, inner in schema.get("properties", {}).items()}
    required = frozenset(schema.get("required", ()))
    more = schema.get("additionalProperties", True)
    other: Callable[[Any], bool] = accepts(more) if isinstance(more, dict) else (lambda _: bool(more))

    def check(value: Any) -> bool:  # noqa: ANN401 - any JSON value
        if not isinstance(value, dict):
            return True
        return required <= value.keys() and all(known.get(key, other)(member) for key, member in value.items())

    return check


def _compiled(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    kept = _KEPT.get(id(schema))
    if kept is None or kept[0] is not schema:
        if len(_KEPT) > 256:  # noqa: PLR2004 - a long-running server reads the schemas again and again
            _KEPT.clear()
        kept = _KEPT[id(schema)] = (schema, accepts(schema))
    return kept[1]


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - on use: nearly every block is right

    return Draft202012Validator(dict(schema))


def findings(document: Document, base: Pointer, schema: Mapping[str, Any], code: str) -> Iterator[tuple[str, Finding]]:
    """What does not fit in the block at `base`, with the code of its rule: `code` where no other says it better."""
    block: Any = document.data
    for part in base:
        block = block[part]
    if _compiled(schema)(block):
        return
    errors = _validator(schema).iter_errors(block)
    for error in sorted(errors, key=lambda error: [str(part) for part in error.absolute_path]):
        pointer = (*base, *error.absolute_path)
        if not (code == "SCH005" and error.validator == "enum" and pointer[:2] == ("spec", "abilities")):  # ABL005
            yield from _told(document, pointer, error, code)


def elsewhere(
    document: Document, base: Pointer, schema: Mapping[str, Any], scene: str | None
) -> Iterator[tuple[str, Finding]]:
    """Keys that the schema allows only for models of one scene (`x-scene`), where this is another (SCH006)."""
    block: Any = document.data
    for part in base:
        block = block[part]
    for name, inner in schema.get("properties", {}).items():
        if not isinstance(block, dict) or name not in block:
            continue
        wanted = inner.get("x-scene")
        if wanted and wanted != scene:
            message = f"`{name}` is only for models of the scene `{wanted}`"
            fix = f"delete it, or say `origin: {{scene: {wanted}, …}}`"
            yield "SCH006", Finding(document.path, (*base, name), message, fix, at="key")
        else:
            yield from elsewhere(document, (*base, name), inner, scene)


def _told(document: Document, pointer: Pointer, error: ValidationError, code: str) -> Iterator[tuple[str, Finding]]:
    value: Any = error.instance
    schema = cast("Mapping[str, Any]", error.schema)
    path = document.path
    match error.validator:
        case "additionalProperties":
            known = schema.get("properties", {})
            for name in [name for name in value if name not in known]:
                yield code, _unknown(document, (*pointer, name), [each for each in known if each not in value])
        case "required":
            name = re.match(r"'(.*)' is a required", error.message)
            field = name[1] if name else ""
            purpose = schema.get("properties", {}).get(field, {}).get("description", "").partition(".")[0]
            fix = f"add `{field}: …`" + (f" ({purpose[:1].lower()}{purpose[1:]})" if purpose else "")
            yield code, Finding(path, pointer, f"{called(pointer)} has no `{field}`", fix)
        case "type":
            yield _kind(document, pointer, value, error, code)
        case _:
            message, fix = _limit(pointer, value, error)
            yield code, Finding(path, pointer, message, fix)


def _unknown(document: Document, pointer: Pointer, known: list[str]) -> Finding:
    name = str(pointer[-1])
    sure = near.sure(name, known)
    meant = sure or near.guess(name, known)
    fix = f"write `{meant}`" if meant else f"delete it; known here: {near.listing(known)}" if known else "delete it"
    inside = called(pointer[:-1])
    return Finding(document.path, pointer, f"unknown field `{name}` in {inside}", fix, at="key")


def _kind(
    document: Document,
    pointer: Pointer,
    value: Any,  # noqa: ANN401 - any JSON value
    error: ValidationError,
    code: str,
) -> tuple[str, Finding]:
    limit: Any = error.validator_value
    names: list[str] = limit if isinstance(limit, list) else [limit]
    found = wrong(document, pointer, value, _KINDS[names[0]])
    message, fix = found.message, found.fix
    if len(names) > 1 and found.code is None:
        message = f"{called(pointer)} must be {' or '.join(article(_KINDS[name]) for name in names)}"
    return found.code or code, Finding(document.path, pointer, message, fix, found.edits)


def _limit(pointer: Pointer, value: Any, error: ValidationError) -> tuple[str, str]:  # noqa: ANN401, PLR0911 - any JSON value; one line for each keyword
    name, limit = called(pointer), cast("Any", error.validator_value)
    schema = cast("Mapping[str, Any]", error.schema)
    match error.validator:
        case "enum":
            words = [word for word in limit if isinstance(word, str)]
            meant = near.guess(str(value), words)
            return f"`{value}` is no value of {name}", f"write `{meant}`" if meant else f"use {near.listing(words)}"
        case "minimum":
            return f"{value} is too small for {name}", f"at least {limit}"
        case "maximum":
            return f"{value} is too large for {name}", f"at most {limit}"
        case "minLength" | "minItems":
            return f"{name} is empty", "remove it, or fill it in"
        case "uniqueItems":
            twice = next((item for index, item in enumerate(value) if item in value[:index]), "")
            return f"`{twice}` stands twice in {name}", "keep one"
        case "pattern":
            examples = [str(each) for each in schema.get("examples", ())]
            return (
                f"`{str(value)[:60]}` cannot be {name}",
                f"write it as {near.listing(examples)}" if examples else "correct it",
            )
        case _:
            return f"{name} does not fit the schema", "see the schema's description of it"
