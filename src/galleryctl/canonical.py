"""Canonical JSON (RFC 8785), the form of every published document.

Hashes are over these bytes, so one value has one spelling.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import rfc8785

Json = Any  # what `json.loads` gives; published data holds no null


def dumps(value: Json) -> bytes:
    """The canonical UTF-8 bytes of a value; integers beyond 2**53 and non-finite numbers raise `ValueError`."""
    return rfc8785.dumps(value)


def join(members: Iterable[tuple[str, bytes]]) -> bytes:
    """The canonical object whose values are canonical already; keys are ASCII, so code-unit order is `str` order."""
    return b"{" + b",".join(b'"%s":%s' % (key.encode(), value) for key, value in sorted(members)) + b"}"


def digest(data: bytes) -> str:
    """SHA-256 as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()
