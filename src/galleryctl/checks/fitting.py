"""Data → the types of `spec`, closed to unknown fields; what does not fit becomes problems in words for people."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, get_origin

from pydantic import ValidationError
from pydantic_core import to_json

from galleryctl.checks import fields, near
from galleryctl.checks.kinds import Kind, Wrong, article, called, kind_of, wrong
from galleryctl.checks.rule import Finding
from galleryctl.document import DELETE, assign
from galleryctl.problems import Edit
from galleryctl.spec import Consumer, Frozen, Model, Publisher, Release, Tombstone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from galleryctl.checks.rule import Pointer
    from galleryctl.document import Document

T = TypeVar("T", bound=Frozen)


class Misfit(NamedTuple):
    """A finding with the code of its rule. `sure` knows what was meant, so it counts more than what the reader said."""

    code: str
    finding: Finding
    sure: bool = False


class Fitted(NamedTuple):
    """`value` leaves out unknown fields, which `misfits` tell; none where anything else does not fit."""

    value: Any
    misfits: list[Misfit]


_REPEATED: dict[type[Frozen], dict[str, str]] = {
    Model: {"id": "path", "type": "folder", "name": "folder", "publisher": "folder", "version": "release's file name"},
    Release: {"id": "path", "type": "folder", "name": "folder", "publisher": "folder", "version": "file name"},
    Publisher: {"id": "file name", "name": "file name", "publisher": "file name"},
    Consumer: {"id": "file name", "name": "file name"},
    Tombstone: {"id": "path", "name": "file name", "publisher": "folder"},
}
_KINDS: dict[str, Kind] = {
    "string_type": "text", "int_type": "whole number", "int_parsing": "whole number", "int_from_float": "whole number",
    "float_type": "number", "bool_type": "true or false", "tuple_type": "list", "list_type": "list", "dict_type": "map",
    "model_type": "map", "model_attributes_type": "map",
}  # fmt: skip
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kKmMgGtT])(?:i?[bB])?")
_PARAMETERS = re.compile(r"([0-9]+(?:[._][0-9]+)?)\s*([kKmMbBtT])?")


def fit(document: Document, form: type[T], spec_fields: Iterable[str] = ()) -> Fitted:
    """Read a document as a type. `spec_fields` are the names that belong under `spec`."""
    text = to_json(document.data)
    try:
        value: Any = form.model_validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        misfits = _misfits(document, form, error, frozenset(spec_fields))
        try:
            value = form.model_validate_json(text, strict=True, extra="ignore")
        except ValidationError:
            value = None
    else:
        misfits = []
    misfits += _times(document, form)
    return Fitted(value, misfits)


def _times(document: Document, form: type[Frozen]) -> list[Misfit]:
    """Unquoted dates where text is meant (YML009). Blocks that have a schema of their own are not judged here."""
    found = []
    for pointer in document.dates:
        if pointer[0] in {"spec", "runtimes"} or fields.is_date(form, pointer) or not fields.meant(form, pointer):
            continue
        scalar = document.scalar(pointer)
        if scalar:
            quoted = f'"{scalar.raw}"'
            message = f"{scalar.raw} is a date for some readers, where text is meant"
            edit = Edit(scalar.start, scalar.end, quoted)
            found.append(
                Misfit("YML009", Finding(document.path, pointer, message, f"write {quoted}", (edit,)), sure=True)
            )
    return found


def _misfits(
    document: Document, form: type[Frozen], error: ValidationError, spec_fields: frozenset[str]
) -> list[Misfit]:
    found: dict[tuple[Pointer, str], Misfit] = {}
    others: list[Pointer] = []
    for detail in error.errors(include_url=False):
        kind = detail["type"]
        pointer, meant = _pointer(document, detail["loc"], kind)
        if not meant:
            others.append(pointer)
        elif kind == "extra_forbidden":
            found[pointer, kind] = _unknown(document, form, pointer, spec_fields)
        elif kind != "missing":
            found.setdefault((pointer, ""), _value(document, pointer, kind, detail.get("ctx", {})))
        elif not document.has(pointer):  # else it stands there without a value, which the reader told
            found[pointer, kind] = _missing(document, form, pointer)
    for pointer in others:
        if not any(known[: len(pointer)] == pointer for known, _ in found):
            found[pointer, ""] = _none_of(document, form, pointer)
    return list(found.values())


def _pointer(document: Document, loc: tuple[str | int, ...], kind: str) -> tuple[Pointer, bool]:
    """Where an error stands in the data, and false where it is about a branch of a union that was not meant."""
    data: Any = document.data
    pointer: list[str | int] = []
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(data, dict) and part in data and part != "[key]":
            data = data[str(part)]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif last and kind == "missing":
            pass
        elif not _meant(str(part), data):
            return tuple(pointer), False
        else:
            continue
        pointer.append(part)
    return tuple(pointer), True


def _none_of(document: Document, form: type[Frozen], pointer: Pointer) -> Misfit:
    """A value that is none of the kinds a field may have."""
    names: dict[object, Kind] = {str: "text", tuple: "list", dict: "map"}
    kinds = [names[origin] for each in fields.meant(form, pointer) if (origin := get_origin(each) or each) in names]
    wanted = " or ".join(article(kind) for kind in kinds)
    message = f"{called(pointer)} must be {wanted}, not {kind_of(at(document, pointer))}"
    return Misfit("SCH003", Finding(document.path, pointer, message, f"write {wanted}"))


def at(document: Document, pointer: Pointer) -> Any:  # noqa: ANN401 - any JSON value
    """The value at a pointer."""
    value: Any = document.data
    for part in pointer:
        value = value[part]
    return value


def _meant(label: str, data: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a branch of a union is the one the data looks like."""
    if label.startswith(("dict", "function-wrap[dict")):
        return isinstance(data, dict)
    if label.startswith(("tuple", "list")):
        return isinstance(data, list)
    return not (label == "str" and isinstance(data, dict | list))


def _missing(document: Document, form: type[Frozen], pointer: Pointer) -> Misfit:
    name = str(pointer[-1])
    message = f"`{name}` is missing"
    purpose = fields.described(form, pointer).partition(".")[0].partition(";")[0]
    fix = f"add `{name}: …`" + (f" ({purpose[:1].lower()}{purpose[1:]})" if purpose else "")
    return Misfit("SCH002", Finding(document.path, pointer[:-1], message, fix))


def _unknown(document: Document, form: type[Frozen], pointer: Pointer, spec_fields: frozenset[str]) -> Misfit:
    name, path = str(pointer[-1]), document.path
    if len(pointer) == 1 and name in _REPEATED.get(form, {}):
        where = _REPEATED[form][name]
        message = f"`{name}` repeats what the {where} says"
        return Misfit(
            "SCH007", Finding(path, pointer, message, "delete it", assign(document, pointer, DELETE), at="key")
        )
    known = fields.siblings(form, pointer)
    if form is Release and len(pointer) == 4 and pointer[2] == "sources":  # noqa: PLR2004 - variants, index, sources, kind
        fix = f"use one of {near.listing(known)}"
        return Misfit("SRC005", Finding(path, pointer, f"`{name}` is no kind of source", fix, at="key"))
    missing = [each for each in known if not document.has((*pointer[:-1], each))]
    sure = near.sure(name, missing)
    if sure is None and (homes := _homes(form, pointer, name, spec_fields)):
        message = f"`{name}` does not belong here"
        return Misfit("SCH004", Finding(path, pointer, message, f"move it to {' or '.join(homes[:3])}", at="key"))
    edits: tuple[Edit, ...] = ()
    if sure and not document.is_json:
        edits = (Edit(*document.span(pointer, "key"), sure),)
    elif sure:
        edits = (Edit(*document.span(pointer, "key"), json.dumps(sure)),)
    meant = sure or near.guess(name, missing)
    fix = f"write `{meant}`" if meant else f"delete it; known here: {near.listing(known)}" if known else "delete it"
    return Misfit("SCH001", Finding(path, pointer, f"unknown field `{name}`", fix, edits, at="key"))


def _homes(form: type[Frozen], pointer: Pointer, name: str, spec_fields: frozenset[str]) -> list[str]:
    if form not in {Model, Release}:
        return []
    here = "model.yaml" if form is Model else "the release"
    places = [f"`{place}`" if " " not in place else place for place in fields.homes().get(name, ())]
    if name in spec_fields:
        places.insert(0, "`spec` of the release" if form is Model else "`spec`")
    return [place for place in places if place.strip("`") != here or len(pointer) > 1]


def _value(document: Document, pointer: Pointer, kind: str, context: Mapping[str, Any]) -> Misfit:
    value = at(document, pointer)
    found = _wrong(document, pointer, value, kind, context)
    sure = found.code is not None or kind == "string_pattern_mismatch"
    finding = Finding(document.path, pointer, found.message, found.fix, found.edits)
    return Misfit(found.code or "SCH003", finding, sure=sure)


def _wrong(  # noqa: C901, PLR0911 - one line for each kind of error
    document: Document,
    pointer: Pointer,
    value: Any,  # noqa: ANN401 - any JSON value
    kind: str,
    context: Mapping[str, Any],
) -> Wrong:
    if kind in _KINDS:
        return wrong(document, pointer, value, _KINDS[kind])
    if isinstance(value, bool | int | float) and kind not in _RANGES and not kind.startswith(("date", "timezone")):
        return wrong(document, pointer, value, "text")
    if isinstance(value, dict | list):
        return wrong(document, pointer, value, "text")
    name = called(pointer)
    if kind in {"literal_error", "enum"}:
        return _choice(value, name, str(context.get("expected", "")))
    if kind == "string_pattern_mismatch":
        return _pattern(value, name, str(context.get("pattern", "")))
    if kind in _RANGES:
        word, key = _RANGES[kind]
        return Wrong(
            None, f"{value} is too {'small' if word == 'at least' else 'large'} for {name}", f"{word} {context[key]}"
        )
    if kind == "string_too_long":
        return Wrong(None, f"{name} is longer than {context['max_length']} characters", "choose a shorter one")
    if kind.startswith("date_from_datetime") or (kind.startswith("date_") and re.search(r"\d[T ]\d", str(value))):
        return _clock(document, pointer, str(value))
    if kind.startswith("date_"):
        return Wrong(None, f"`{value}` is no date", "write YYYY-MM-DD")
    if kind.startswith(("datetime", "timezone")):
        return Wrong(None, f"`{value}` is no time with a time zone", 'write it in UTC, such as "2025-05-01T08:00:00Z"')
    return Wrong(None, f"{name} has a value that cannot be meant here", "see the field's description in the schema")


_RANGES: dict[str, tuple[Literal["at least", "at most"], str]] = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
}


def _clock(document: Document, pointer: Pointer, value: str) -> Wrong:
    scalar = document.scalar(pointer)
    day = value[:10]
    edits = (Edit(scalar.start, scalar.end, day),) if scalar and re.fullmatch(r"\d{4}-\d\d-\d\d", day) else ()
    return Wrong("YML009", f"`{value}` has a time of day, where a date is meant", f"write {day}", edits)


def _choice(value: str, name: str, expected: str) -> Wrong:
    words = re.findall(r"'([^']*)'", expected) or expected.split(" or ")
    meant = near.guess(value, words)
    fix = f"write `{meant}`" if meant else f"use {near.listing(words)}"
    return Wrong(None, f"`{value[:60]}` is no value of {name}", fix)


_FORMS = (  # what only the pattern of this form has, what it is called, and how it is written
    ("[smhd]", "duration", "write a number and s, m, h or d, such as 72h"),
    ("2[0-3]", "time of a day and no date", 'write `"09:00"` or `"2026-12-24"`'),
    ("http", "address", "write https://host/path"),
    ("[1-9]", "version", "write three numbers, such as 1.0.0"),
)


def _pattern(value: str, name: str, pattern: str) -> Wrong:
    short = value[:60]
    if "KiB" in pattern:
        match = _SIZE.fullmatch(value)
        fix = (
            f"write {match[1]}{match[2].upper()}iB"
            if match
            else "write a number and KiB, MiB, GiB or TiB, such as 8GiB"
        )
        return Wrong(None, f"`{short}` is no size", fix)
    if "KMBT" in pattern:
        match = _PARAMETERS.fullmatch(value)
        number = match[1].replace("_", ".") if match else ""
        fix = f"write {number}{(match[2] or 'B').upper()}" if match else "write a number and K, M, B or T, such as 1.8B"
        return Wrong(None, f"`{short}` is no number of parameters", fix)
    for mark, form, fix in _FORMS:
        if mark in pattern:
            return Wrong(None, f"`{short}` is no {form}", fix)
    if "/" in pattern:
        fix = f"write {value.lower()}" if re.fullmatch(pattern, value.lower()) else "write publisher/name in lower case"
        return Wrong(None, f"`{short}` is no id of a model", fix)
    if "x00" in pattern:
        said, fix = f"{name} has a line break or a control character", "write it on one line"
    else:
        said, fix = f"`{short}` is no name for {name}", "use lower-case letters, digits, `.`, `_` and `-`"
    return Wrong(None, said, fix)
