"""A file elsewhere, read where it is asked for: for formats whose facts stand at their start or end."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from galleryctl.fetch.port import FetchError

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 2**16


class Ranged(io.RawIOBase):
    """A seekable file over `part(start, stop)`, read in blocks of 64 KiB; `FetchError` beyond `cap` bytes altogether.

    `name` is what the file is called in errors. `fetched` counts bytes that came over the wire.
    """

    def __init__(self, part: Callable[[int, int], bytes], size: int, *, name: str, cap: int = 64 * 2**20) -> None:
        super().__init__()
        self._part = part
        self._name = name
        self._cap = cap
        self._at = 0
        self._blocks: dict[int, bytes] = {}
        self.fetched = 0
        self.size = size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError(f"no place in a file: {start + offset}")
        self._at = start + offset
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        stop = self.size if size is None or size < 0 else min(self.size, self._at + size)
        if stop <= self._at:
            return b""
        first, last = self._at // _BLOCK, (stop - 1) // _BLOCK
        self._load(first, last)
        data = b"".join(self._blocks[index] for index in range(first, last + 1))
        found = data[self._at - first * _BLOCK : stop - first * _BLOCK]
        self._at += len(found)
        return found

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # any writable buffer
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def _load(self, first: int, last: int) -> None:
        while first <= last and first in self._blocks:
            first += 1
        while first <= last and last in self._blocks:
            last -= 1
        if first > last:
            return
        start, stop = first * _BLOCK, min(self.size, (last + 1) * _BLOCK)
        if self.fetched + stop - start > self._cap:
            raise FetchError(f"{self._name}: more than {self._cap:,} bytes of it would have to be read")
        data = self._part(start, stop)
        self.fetched += len(data)
        if len(data) != stop - start:
            raise FetchError(f"{self._name}: is shorter than the {self.size:,} bytes it should have")
        for index in range(first, last + 1):
            self._blocks[index] = data[(index - first) * _BLOCK : (index - first + 1) * _BLOCK]
