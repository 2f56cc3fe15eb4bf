"""A file at an address, read where it is asked for: for formats whose facts stand at their start or end."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from galleryctl.fetch.port import FetchError

if TYPE_CHECKING:
    from galleryctl.fetch.port import Fetcher

_BLOCK = 2**16


class Ranged(io.RawIOBase):
    """A seekable file over range requests, read in blocks of 64 KiB; `FetchError` beyond `cap` bytes altogether.

    `size` saves the request that asks for it. `fetched` counts bytes that came over the wire.
    """

    def __init__(self, fetcher: Fetcher, url: str, *, size: int | None = None, cap: int = 64 * 2**20) -> None:
        super().__init__()
        self._fetcher = fetcher
        self._url = url
        self._cap = cap
        self._at = 0
        self._blocks: dict[int, bytes] = {}
        self.fetched = 0
        self.size = _size(fetcher, url) if size is None else size

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
            raise FetchError(f"{self._url}: more than {self._cap:,} bytes of it would have to be read")
        data = self._fetcher.part(self._url, start, stop)
        self.fetched += len(data)
        if len(data) != stop - start:
            raise FetchError(f"{self._url}: is shorter than the {self.size:,} bytes it should have")
        for index in range(first, last + 1):
            self._blocks[index] = data[(index - first) * _BLOCK : (index - first + 1) * _BLOCK]


def _size(fetcher: Fetcher, url: str) -> int:
    said = fetcher.head(url).headers.get("content-length", "")
    if not said.isascii() or not said.isdigit() or len(said) > 18:  # noqa: PLR2004 - digits of a number of bytes
        raise FetchError(f"{url}: does not say how large it is")
    return int(said)
