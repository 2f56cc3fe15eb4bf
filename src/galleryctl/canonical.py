"""Canonical JSON (RFC 8785), the form of every published document.

Hashes are over these bytes, so one value has one spelling.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any

import rfc8785

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json = Any  # what `json.loads` gives; published data holds no null


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False).encode
MOST = 2**53 - 1
"""The highest integer that every reader counts to."""


def dumps(value: Json) -> bytes:
    """The canonical UTF-8 bytes of a value; integers beyond 2**53 and non-finite numbers raise `ValueError`."""
    # The standard library writes the same bytes ten times as fast, but for some numbers with a fraction and the order
    # of keys beyond ASCII: those are left to the library that is made for it.
    return _encode(value).encode() if _plain(value) else rfc8785.dumps(value)


def _plain(value: Json) -> bool:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is dict:
        return all(map(_ascii, value)) and all(map(_plain, value.values()))
    if kind is list or kind is tuple:
        return all(map(_plain, value))
    if kind is float:
        # In this range both write the shortest digits that read back as the value, and neither writes an exponent.
        return bool(value % 1 != 0 and 1e-4 <= abs(value) < 1e15)  # noqa: PLR2004 - the range
    return kind is int and -MOST <= value <= MOST


def _ascii(key: object) -> bool:
    return type(key) is str and key.isascii()


def join(members: Iterable[tuple[str, bytes]]) -> bytes:
    """The canonical object whose values are canonical already; keys are ASCII, so code-unit order is `str` order."""
    return b"{" + b",".join(b'"%s":%s' % (key.encode(), value) for key, value in sorted(members)) + b"}"


def extend(fields: Mapping[str, Json], name: str, value: bytes) -> bytes:
    """The canonical object of fields and of one member more, whose value is canonical already."""
    before = dumps({key: member for key, member in fields.items() if key < name})[1:-1]
    after = dumps({key: member for key, member in fields.items() if key > name})[1:-1]
    return b"{" + b",".join(part for part in (before, b'"%s":%s' % (name.encode(), value), after) if part) + b"}"


def moment(when: dt.datetime) -> str:
    """A moment as every document and definition has it: `2025-05-01T08:00:00Z`."""
    return when.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def digest(data: bytes) -> str:
    """SHA-256 as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()
