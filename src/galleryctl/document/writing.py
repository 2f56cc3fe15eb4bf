"""Data → YAML in the house form: block maps, short lists and maps on one line, quotes only where a reader needs them.

What is written means the same to readers of YAML 1.1 and 1.2, and parses back to the same data.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from galleryctl.document.scalars import is_suspect, read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH = 100
_PLAIN = re.compile(r"[^\W\d_][^\n\r\t]*|[\d./_(<=+~^$;\\][^\n\r\t]*|-[^\s-][^\n\r\t]*")
_BREAKS = re.compile(r": |:$| #|^\s|\s$|^(?:---|\.\.\.)")
_FLOW = re.compile(r"[,?\[\]{}]|:(?=[,\[\]{}])")
_ESCAPED = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
# Words, paths, addresses, digests and sizes: nothing in them means anything to YAML, and no reader has a use of its own
# for a word of this length that begins with a letter, nor for a number with such letters (`scalars`).
_SURE = re.compile(
    r"[A-Za-z][\w./@%+&=-]{5,}(?::[\w./@%+&=-]+)*|[0-9e][0-9a-f]*[acdf][0-9a-f]*|[0-9][0-9.]*[KMGT]iB", re.ASCII
).fullmatch
_LITERAL = re.compile(r"(?!\s)[^\t\r]*\n", re.DOTALL)


def quote(text: str) -> str:
    """Text in double quotes."""
    return _ESCAPED.sub(lambda match: f"\\U{ord(match[0]):08x}", json.dumps(text, ensure_ascii=False))


def as_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A value as JSON on one line, with escapes only for what a file may not hold."""
    return _ESCAPED.sub(lambda match: json.dumps(match[0])[1:-1], json.dumps(value, ensure_ascii=False))


def scalar(value: Any, *, flow: bool = False) -> str:  # noqa: ANN401 - any JSON scalar
    """A scalar on one line."""
    if isinstance(value, str):  # most are
        return _in_flow(value) if flow else _in_block(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _float(value) if isinstance(value, float) else str(value)


@lru_cache(maxsize=8192)
def _in_block(text: str) -> str:
    """Keys and common values stand in every file."""
    return text if _SURE(text) or _plain(text, flow=False) else quote(text)


@lru_cache(maxsize=8192)
def _in_flow(text: str) -> str:
    return text if _SURE(text) or _plain(text, flow=True) else quote(text)


def _float(value: float) -> str:
    mantissa, sign, exponent = repr(value).partition("e")
    if not sign:
        return mantissa
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent if exponent[0] in '+-' else '+' + exponent}"


def _plain(text: str, *, flow: bool) -> bool:
    if not text or _PLAIN.fullmatch(text) is None or _BREAKS.search(text) or _ESCAPED.search(text):
        return False
    if flow and _FLOW.search(text):
        return False
    return not is_suspect(text) and read(text).value == text


def inline(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A value on one line, in flow style."""
    if type(value) is str:
        return _in_flow(value)
    if isinstance(value, dict):
        return "{" + ", ".join([f"{scalar(key, flow=True)}: {inline(member)}" for key, member in value.items()]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([inline(item) for item in value]) + "]"
    return scalar(value, flow=True)


def dump(data: Mapping[str, Any], order: Sequence[str] = ()) -> str:
    """A whole file. Fields named in `order` come first, in that order."""
    if not data:
        return "{}\n"
    ranks = {name: rank for rank, name in enumerate(order)}
    ordered = {key: data[key] for key in sorted(data, key=lambda key: ranks.get(key, len(ranks)))}
    return "\n".join(block(ordered, 0)) + "\n"


def block(value: Mapping[str, Any] | Sequence[Any], indent: int) -> list[str]:
    """A map or list that is not empty, in block style: its lines, indented."""
    lines: list[str] = []
    if isinstance(value, dict):
        for key, member in value.items():
            lines += member_lines(scalar(key), member, indent)
        return lines
    pad = " " * indent
    for item in value:
        if (isinstance(item, dict | list) and not item) or not isinstance(item, dict | list):
            lines += _text_lines(f"{pad}- ", item, indent)
        elif _fits(item, indent + 2, nested=True):
            lines.append(f"{pad}- {inline(item)}")
        else:
            below = block(item, indent + 2)
            lines += [f"{pad}- {below[0][indent + 2 :]}", *below[1:]]
    return lines


def listing(items: Sequence[Any]) -> str:
    """Items of a list for other readers: block style throughout, nothing twice, no anchors. Empty for no items."""
    lines: list[str] = []
    _items(items, "", lines)
    return "\n".join([*lines, ""])


def listed(key: str, value: Any, indent: int) -> str:  # noqa: ANN401 - any JSON value
    """The lines of one member of an item of a `listing`."""
    pad = " " * indent
    if type(value) is str and _SURE(value):
        return f"{pad}{_in_block(key)}: {value}\n"
    lines: list[str] = []
    _members({key: value}, pad, pad, lines)
    return "\n".join([*lines, ""])


def _members(value: Mapping[str, Any], first: str, pad: str, lines: list[str]) -> None:
    """Appends the lines of a map in block style. `first` stands before the first line, `pad` before the others."""
    for key, member in value.items():
        start = f"{first}{_in_block(key)}:"
        first = pad
        if type(member) is str and _SURE(member):  # most are, and few stand twice
            lines.append(f"{start} {member}")
        elif isinstance(member, dict) and member:
            lines.append(start)
            _members(member, f"{pad}  ", f"{pad}  ", lines)
        elif isinstance(member, list) and member:
            lines.append(start)
            _items(member, f"{pad}  ", lines)
        else:
            lines += _text_lines(f"{start} ", member, len(pad))


def _items(items: Sequence[Any], pad: str, lines: list[str]) -> None:
    """Appends the lines of a list in block style."""
    for item in items:
        if isinstance(item, dict) and item:
            _members(item, f"{pad}- ", f"{pad}  ", lines)
        elif isinstance(item, list) and item:
            first = len(lines)
            _items(item, f"{pad}  ", lines)
            lines[first] = f"{pad}- {lines[first][len(pad) + 2 :]}"
        else:
            lines += _text_lines(f"{pad}- ", item, len(pad))


def member_lines(key: str, value: Any, indent: int) -> list[str]:  # noqa: ANN401 - any JSON value
    """`key: value` in block style. `key` is written already."""
    start = f"{' ' * indent}{key}:"
    if not isinstance(value, dict | list) or not value:
        return _text_lines(f"{start} ", value, indent)
    if _fits(value, len(start) + 1, nested=indent > 0):
        return [f"{start} {inline(value)}"]
    return [start, *block(value, indent + 2)]


def _text_lines(start: str, value: Any, indent: int) -> list[str]:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict | list):
        return [f"{start}{inline(value)}"]
    if isinstance(value, str) and "\n" in value and _literal(value):
        keep = "" if not value.endswith("\n\n") else "+"
        pad = " " * (indent + 2)
        body = value.removesuffix("\n").split("\n")
        return [f"{start}|{keep}", *(f"{pad}{line}" if line else "" for line in body)]
    return [f"{start}{scalar(value)}"]


def _literal(text: str) -> bool:
    """Whether text can stand as a literal block, so that it reads back as it is."""
    return (
        _LITERAL.fullmatch(text) is not None
        and _ESCAPED.search(text) is None
        and not any(line != line.rstrip() for line in text.split("\n"))
        and not text.endswith("\n\n")
    )


def _fits(value: Any, used: int, *, nested: bool) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a map or list is simple and short enough for one line."""
    members = list(value.values()) if isinstance(value, dict) else value
    simple = not any(isinstance(member, dict | list) and member for member in members)
    if isinstance(value, list):
        simple = simple and not any(isinstance(member, str) and "\n" in member for member in members)
    elif nested and not simple:
        simple = all(not isinstance(member, dict | list) or _flat(member) for member in members)
    return (
        simple
        and not any(isinstance(member, str) and "\n" in member for member in members)
        and used + len(inline(value)) <= WIDTH
    )


def _flat(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    members = value.values() if isinstance(value, dict) else value
    return not any(isinstance(member, dict | list) for member in members)
