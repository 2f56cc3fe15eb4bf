"""The header of a GGUF file, read by ranges: what it says of the model, without its tensors.

Written by strangers, so each count and length is held against a limit before anything is read or kept for it.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl.fetch import FetchError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Part = Callable[[int, int], bytes]

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MOST_KEYS = 2**14
_MOST_TENSORS = 2**17
_MOST_ITEMS = 2**21  # of a list, such as the words of a tokenizer
_KEPT_ITEMS = 2**10  # lists that are facts are short: one number for each layer
_LONGEST_KEY = 2**16
_LONGEST_TEXT = 2**22
_KEPT_TEXT = 2**20
_DIMENSIONS = 4
_MOST_BYTES = 2**26
_STEP = 2**20
_FORMS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_TEXT, _LIST = 8, 9


class HeaderError(FetchError):
    """No GGUF header that can be read."""


class Header(NamedTuple):
    """What a file says of itself. Long lists, such as a tokenizer's words, are left out."""

    values: Mapping[str, Any]
    parameters: int
    """Numbers in all tensors."""


def header(part: Part) -> Header:
    """The header of a file of which `part(start, stop)` reads bytes. Raises `HeaderError`, or what `part` raises."""
    source = _Source(part)
    if source.take(4) != _MAGIC:
        raise HeaderError("is no GGUF file")
    version = source.number("<I")
    if version not in _VERSIONS:
        raise HeaderError(f"is a GGUF file of a version that is not read: {version}")
    tensors = source.count("tensors", _MOST_TENSORS)
    keys = source.count("keys", _MOST_KEYS)
    values: dict[str, Any] = {}
    for _ in range(keys):
        key = source.text(_LONGEST_KEY, _LONGEST_KEY)
        value = _value(source, int(source.number("<I")))
        if key and value is not None:
            values.setdefault(key, value)
    return Header(values, sum(_tensor(source) for _ in range(tensors)))


class _Source:
    """Bytes in order, fetched in steps."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._data = b""
        self._start = 0  # of the data in the file
        self._at = 0

    def take(self, size: int) -> bytes:
        if self._at + size > self._start + len(self._data):
            self._fetch(size)
        offset = self._at - self._start
        found = self._data[offset : offset + size]
        if len(found) < size:
            raise HeaderError("ends within its header")
        self._at += size
        return found

    def skip(self, size: int) -> None:
        self._at += size
        if self._at > _MOST_BYTES:
            raise HeaderError(f"has a header of more than {_MOST_BYTES >> 20} MiB")

    def number(self, form: str) -> Any:  # noqa: ANN401 - any of the formats' numbers
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def count(self, what: str, most: int) -> int:
        found = int(self.number("<Q"))
        if found > most:
            raise HeaderError(f"says it has {found:,} {what}, more than the {most:,} that are read")
        return found

    def text(self, longest: int, kept: int) -> str | None:
        """A text; none where it is longer than what is kept."""
        length = self.count("letters in a text", longest)
        if length > kept:
            self.skip(length)
            return None
        return self.take(length).decode("utf-8", "replace")

    def _fetch(self, size: int) -> None:
        stop = self._at + max(size, _STEP)
        if self._at + size > _MOST_BYTES:
            raise HeaderError(f"has a header of more than {_MOST_BYTES >> 20} MiB")
        held = self._start + len(self._data)
        keep = self._data[self._at - self._start :] if self._at < held else b""
        begin = max(self._at, held) if keep else self._at
        self._data = keep + self._part(begin, stop)
        self._start = self._at


def _value(source: _Source, kind: int) -> Any:  # noqa: ANN401 - any of the formats' values
    if kind == _TEXT:
        return source.text(_LONGEST_TEXT, _KEPT_TEXT)
    if kind == _LIST:
        return _list(source)
    if kind not in _FORMS:
        raise HeaderError(f"has a value of the unknown kind {kind}")
    return source.number(_FORMS[kind])


def _list(source: _Source) -> list[Any] | None:
    kind = int(source.number("<I"))
    count = source.count("items in a list", _MOST_ITEMS)
    if kind == _TEXT:
        found = [source.text(_LONGEST_TEXT, _KEPT_TEXT if count <= _KEPT_ITEMS else 0) for _ in range(count)]
        return found if count <= _KEPT_ITEMS else None
    if kind not in _FORMS:  # lists of lists are allowed by the format, and used by nobody
        raise HeaderError(f"has a list of the kind {kind}, which is not read")
    if count > _KEPT_ITEMS:
        source.skip(count * struct.calcsize(_FORMS[kind]))
        return None
    return [source.number(_FORMS[kind]) for _ in range(count)]


def _tensor(source: _Source) -> int:
    """How many numbers the next tensor has."""
    source.text(_LONGEST_KEY, 0)
    dimensions = int(source.number("<I"))
    if dimensions > _DIMENSIONS:
        raise HeaderError(f"has a tensor of {dimensions} dimensions")
    found = 1
    for _ in range(dimensions):
        found *= int(source.number("<Q"))
    source.take(12)  # its kind and its place
    if found > 2**50:
        raise HeaderError(f"has a tensor of {found:,} numbers")
    return found
