"""A value of the wrong kind: which rule it breaks and what to write instead, in words for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from galleryctl.document import inline
from galleryctl.problems import Edit

if TYPE_CHECKING:
    from galleryctl.checks.rule import Pointer
    from galleryctl.document import Document, Scalar

Kind = Literal["text", "whole number", "number", "true or false", "list", "map"]
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_GROUPED = re.compile(r"[1-9][0-9]*(?:_[0-9]+)+")
_EXPONENT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?[eE][-+]?[0-9]{1,2}")
_YES = {"yes", "on", "y"}
_NO = {"no", "off", "n"}
_ARTICLE = {"text": "text", "list": "a list", "map": "a map of fields", "true or false": "`true` or `false`"}


class Wrong(NamedTuple):
    """What is wrong with one value; `code` is none where the caller's own rule is the right one."""

    code: str | None
    message: str
    fix: str
    edits: tuple[Edit, ...] = ()


def called(pointer: Pointer) -> str:
    """The name of a value for a message: the last field name of its pointer."""
    names = [part for part in pointer if isinstance(part, str)]
    name = f"`{names[-1]}`" if names else "the file"
    return f"an item of {name}" if pointer and isinstance(pointer[-1], int) else name


def kind_of(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """What a value is, for a message."""
    if isinstance(value, bool):
        return f"`{'true' if value else 'false'}`"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "nothing" if value is None else "a map"


def article(kind: str) -> str:
    return _ARTICLE.get(kind, f"a {kind}")


def wrong(document: Document, pointer: Pointer, value: Any, kind: Kind) -> Wrong:  # noqa: ANN401 - any JSON value
    """A value that should be of another kind."""
    scalar = document.scalar(pointer)
    if scalar is not None and not document.is_json:
        found = _unquoted(scalar, value) if kind == "text" else _not_text(scalar, value, kind)
        if found:
            return found
    elif (
        scalar is not None
        and kind in {"number", "whole number"}
        and isinstance(value, str)
        and scalar.style == "double"
        and _NUMBER.fullmatch(value)
    ):
        return Wrong("YML008", f"{called(pointer)} is a number in quotes", f"write {value}", (_edit(scalar, value),))
    message = f"{called(pointer)} must be {article(kind)}, not {kind_of(value)}"
    if kind == "map" and pointer[-1:] == ("files",):
        message = f"{called(pointer)} must be a map of quantizations to lists of files, not {kind_of(value)}"
        return Wrong(None, message, "write the files below their quantization, or below `default` where there is none")
    if isinstance(value, str | float) and kind in {"number", "whole number"}:
        message = f"`{str(value)[:60]}` is no {kind}"
    if kind == "list" and isinstance(value, str) and value.startswith("-"):
        return Wrong(None, message, "put a space after the `-` of each item")
    if kind == "list" and isinstance(value, str | int | float) and not isinstance(value, bool):
        return Wrong(None, message, f"write {inline([value])}")
    return Wrong(None, message, _advice(value, kind))


def _advice(value: Any, kind: Kind) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, str) and (match := re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([kKmM])", value)):
        thousands = 1024 if match[2] in "kK" else 1024 * 1024
        return f"write the number in full, such as {int(float(match[1]) * thousands)}"
    if isinstance(value, float) and kind == "whole number":
        return f"write a whole number, such as {round(value)}"
    return f"write {article(kind)}"


def _edit(scalar: Scalar, text: str) -> Edit:
    return Edit(scalar.start, scalar.end, text)


def _unquoted(scalar: Scalar, value: Any) -> Wrong | None:  # noqa: ANN401 - any JSON value
    """`1.10` or `true` where text is meant: what was written, in quotes."""
    if scalar.style != "plain" or not isinstance(value, bool | int | float):
        return None
    quoted = f'"{scalar.raw}"'
    code = "YML006" if isinstance(value, bool) else "YML007"
    kinds = "true or false" if isinstance(value, bool) else "a number"
    message = f"`{scalar.raw}` is {kinds} without quotes, where text is meant"
    return Wrong(code, message, f"write {quoted}", (_edit(scalar, quoted),))


def _not_text(scalar: Scalar, value: Any, kind: Kind) -> Wrong | None:  # noqa: ANN401 - any JSON value
    if not isinstance(value, str):
        return None
    if kind == "true or false":
        return _switch(scalar, value)
    if kind not in {"number", "whole number"}:
        return None
    if scalar.style in {"single", "double"} and _NUMBER.fullmatch(value):
        message = f"{scalar.raw} is text, where a number is meant"
        return Wrong("YML008", message, f"write {value}", (_edit(scalar, value),))
    if scalar.style == "plain" and (number := _plainly(value)):
        message = f"`{value}` is a number for some readers, text for others"
        return Wrong("YML007", message, f"write {number}", (_edit(scalar, number),))
    return None


def _switch(scalar: Scalar, value: str) -> Wrong | None:
    word = value.lower()
    if scalar.style != "plain" or word not in _YES | _NO:
        return None
    meant = "true" if word in _YES else "false"
    message = f"`{value}` is text for some readers, where `{meant}` is meant"
    return Wrong("YML006", message, f"write {meant}", (_edit(scalar, meant),))


def _plainly(text: str) -> str | None:
    """A number as every reader understands it."""
    if _GROUPED.fullmatch(text):
        return text.replace("_", "")
    if _EXPONENT.fullmatch(text):
        value = float(text)
        return str(int(value)) if value == int(value) and abs(value) < 2**53 else f"{value:f}".rstrip("0")
    return None
