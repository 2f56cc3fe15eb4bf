"""A quick way to the data of files in the house form, which nearly all files have.

It reads line by line: block maps and lists indented by two, scalars and flow collections on one line. Whatever is not
certain to mean the same to libyaml is declined, and `parsing` reads it the long way; nodes are composed when a place is
asked for.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from galleryctl.document import scalars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.document.model import Pointer
    from galleryctl.spec import Limits

_LINE = re.compile(
    r"^(?:( *)(- )?(?:([A-Za-z0-9_][A-Za-z0-9_.+/-]{0,100}):(?: (\S.*))?|([^\s#].*))| *(?:#.*)?)$", re.MULTILINE
)
_ASCII = bytes(range(0x20, 0x7F)) + b"\n"
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._(<~^$;\\+")
_SUSPECT = scalars.SUSPECT
_SURE = _LETTERS - _SUSPECT
_EXACT = 16
"""Digits that always make a number below 2**53."""
_KNOWN: dict[str, Any] = {}
"""Short scalars and what they say: the same formats, sizes and words stand in every file."""
_SHORT, _MANY = 20, 20_000
_ODD = re.compile(r": | #|:$")
_PIECE = re.compile(
    r'"[^"\\]*"|-?[\w./(+<](?:(?:[^\[\]{},:#"?]|:(?=[\w/]))*(?:[^\s\[\]{},:#"?]|:(?=[\w/])))?|[\[\]{}]|, |: '
)


class _Declined(Exception):  # noqa: N818 - not an error: the long way is taken
    pass


def read(raw: bytes, text: str, limits: Limits) -> tuple[dict[str, Any], tuple[Pointer, ...]] | None:
    """Data and dates of a file in the house form, without any problem; none where it may have another form."""
    if raw.translate(None, _ASCII) and (
        text.isascii() or scalars.FORBIDDEN.search(text) or "\t" in text or "\r" in text
    ):
        return None
    if not text.endswith("\n") or text.endswith("\n\n") or " \n" in text:
        return None
    brackets = text.count("[") + text.count("{")
    lines = _LINE.findall(text)
    if len(lines) != text.count("\n") + 1 or 2 * len(lines) + brackets + text.count(",") > limits.nodes:
        return None
    try:
        return _Reader(limits.depth).read(lines)
    except _Declined:
        return None


class _Reader:
    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._dates: list[tuple[int, str | int]] = []

    def read(  # noqa: C901, PLR0912 - one loop over all lines: calls would take longer than what they did
        self, lines: list[tuple[str, str, str, str, str]]
    ) -> tuple[dict[str, Any], tuple[Pointer, ...]]:
        root: dict[str, Any] = {}
        stack: list[tuple[int, Any]] = [(0, root)]
        indent = 0
        here: Any = root  # the innermost block, which begins in this column
        scalar = _KNOWN.get
        opened = ""  # the name whose value the next line begins
        for blank, dash, key, member, item in lines:
            if not key and not item:  # nothing, or a comment
                continue
            column = len(blank)
            if opened:
                if column != indent + 2:
                    raise _Declined
                below: Any = [] if dash else {}
                here[opened] = below
                indent, here, opened = column, below, ""
                stack.append((indent, here))
                if len(stack) > self._depth:
                    raise _Declined
            elif column != indent:
                while column < indent:
                    stack.pop()
                    indent, here = stack[-1]
                if column != indent:
                    raise _Declined
            if dash:
                if type(here) is not list:
                    raise _Declined
                if item:
                    here.append(self._value(item, here, len(here), len(stack)))
                    continue
                below = {}
                here.append(below)
                indent, here = column + 2, below
                stack.append((indent, here))
                if len(stack) > self._depth:
                    raise _Declined
            elif item or type(here) is list:
                raise _Declined
            if key in here or (key[0] in _SUSPECT and scalars.is_suspect(key)):
                raise _Declined
            if not member:
                opened = key
            elif (known := scalar(member)) is not None:
                here[key] = known
            elif member[0] in _SURE and ": " not in member and " #" not in member and member[-1] != ":":
                here[key] = member
            else:
                here[key] = self._value(member, here, key, len(stack))
        if opened or not root:
            raise _Declined
        return root, tuple(_pointers(root, set(self._dates), ())) if self._dates else ()

    def _value(self, text: str, parent: Any, name: str | int, depth: int) -> Any:  # noqa: ANN401 - any JSON value
        first = text[0]
        if first in "123456789" and len(text) < _EXACT and text.isdecimal() and text.isascii():
            return int(text)
        if first in _LETTERS or first > "\x7f" or (first == "-" and text[1:2] not in {"", " "}):
            if _ODD.search(text):
                raise _Declined
            reading = scalars.Reading(text) if scalars.is_text(text) else scalars.read(text)
            if reading.code == "YML009":
                self._dates.append((id(parent), name))
            elif reading.code:
                raise _Declined
            elif len(text) <= _SHORT and len(_KNOWN) < _MANY:
                _KNOWN[text] = reading.value
            return reading.value
        if first == '"':
            if len(text) > 1 and text.find('"', 1) == len(text) - 1 and "\\" not in text:
                return text[1:-1]
        elif first in "[{" and depth + text.count("[") + text.count("{") <= self._depth:
            words, written = _flow(text)
            return words[:] if words is not None else _decode(written)
        raise _Declined


@lru_cache(4096)
def _flow(text: str) -> tuple[list[Any] | None, str]:
    """A list or map on one line as JSON; where it is a list of texts, the list as well."""
    pieces = _PIECE.findall(text)
    if "".join(pieces) != text:
        raise _Declined
    written = "".join(map(_json, pieces))
    try:
        value = _decode(written)
    except ValueError:
        raise _Declined from None
    flat = type(value) is list and all(type(item) is str for item in value)
    return (value if flat else None), written


def _json(piece: str) -> str:
    if piece in {"[", "]", "{", "}", ", ", ": "}:
        return piece
    if piece[0] == '"':
        return piece
    if piece == "<<":
        raise _Declined
    if scalars.is_text(piece):
        return json.dumps(piece)
    reading = scalars.read(piece)
    if reading.code:
        raise _Declined
    return json.dumps(reading.value)


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise _Declined
    return found


_decode = json.JSONDecoder(object_pairs_hook=_unique).decode


def _pointers(value: Any, wanted: set[tuple[int, str | int]], pointer: Pointer) -> Iterator[Pointer]:  # noqa: ANN401
    """Where the members stand that are known by the identity of what they stand in, in the order of the file."""
    if isinstance(value, dict | list):
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            if (id(value), name) in wanted:
                yield (*pointer, name)
            yield from _pointers(member, wanted, (*pointer, name))
