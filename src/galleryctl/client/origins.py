"""Reading a file from an offset on, wherever it lies: at an address of the web, in an object store, on this machine."""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from galleryctl.errors import UsageError
from galleryctl.fetch.port import BrokenError, FetchError, Limits, MissingError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from galleryctl.client.sources import Address
    from galleryctl.fetch.port import Streamer
    from galleryctl.hubs.objects import Objects

_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_LENGTH = re.compile(r"[0-9]{1,18}")
_STRONG = re.compile(r'"[\x21\x23-\x7e]{1,200}"')
_PARTIAL = 206
_BLOCK = 2**20
_OBJECT = 2**23  # bytes of one request to an object store


class ChangedError(FetchError):
    """The file is another one than when it was fetched before."""


class Body(NamedTuple):
    """Bytes of a file, from `start` on."""

    start: int
    size: int | None
    """Of the whole file, where the source says it."""
    validator: str
    """What changes when the file does; empty where the source has no such thing."""
    parts: bool
    """Whether the source sends parts of files."""
    chunks: Iterator[bytes]
    cut: Callable[[], None]
    """Ends it from another thread."""


class Origin(Protocol):
    def read(self, start: int, stop: int | None, validator: str, limits: Limits) -> AbstractContextManager[Body]:
        """Bytes `start` to `stop` (not included). A source that sends no parts answers with all, from byte 0.

        Raises `FetchError`: `BrokenError` where another attempt may help, `ChangedError` where the validator is another
        one now.
        """


class Web:
    """An address that is asked over http."""

    def __init__(self, fetcher: Streamer, address: Address) -> None:
        self._fetcher = fetcher
        self._address = address

    @contextmanager
    def read(self, start: int, stop: int | None, validator: str, limits: Limits) -> Iterator[Body]:
        headers = {**self._address.headers, "accept-encoding": "identity"}
        if start or stop is not None:  # without one, an empty file would be an error
            headers["range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
            if start and validator:
                headers["if-range"] = validator
        with self._fetcher.opened(self._address.url, headers=headers, limits=limits) as answer:
            found = _validator(answer.headers.get("etag", ""))
            if validator and found and found != validator:
                raise ChangedError(f"{self._address.label}: the file was changed there while it was fetched")
            if answer.status != _PARTIAL:
                length = answer.headers.get("content-length", "")
                size = int(length) if _LENGTH.fullmatch(length) and not answer.encoded else None
                yield Body(0, size, found, False, answer.chunks, answer.cut)  # noqa: FBT003 - a field
                return
            said = _RANGE.fullmatch(answer.headers.get("content-range", "").strip())
            if answer.encoded or said is None or int(said[1]) != start or "range" not in headers:
                raise FetchError(f"{self._address.label}: sent another part than it was asked for")
            size = None if said[3] == "*" else int(said[3])
            yield Body(start, size, found, True, answer.chunks, answer.cut)  # noqa: FBT003


class Local:
    """A file of this machine."""

    def __init__(self, address: Address) -> None:
        self._address = address

    @contextmanager
    def read(self, start: int, stop: int | None, validator: str, limits: Limits) -> Iterator[Body]:  # noqa: ARG002
        path = local(self._address.url)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            kind = MissingError if error.errno in {errno.ENOENT, errno.ENOTDIR} else FetchError
            raise kind(f"{self._address.label}: {error.strerror}") from error
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise FetchError(f"{self._address.label}: is no file")
            found = f"{status.st_size}-{status.st_mtime_ns}"
            if validator and validator != found:
                raise ChangedError(f"{self._address.label}: the file was changed while it was read")
            end = status.st_size if stop is None else min(stop, status.st_size)
            yield Body(start, status.st_size, found, True, self._chunks(descriptor, start, end), _nothing)  # noqa: FBT003
        finally:
            os.close(descriptor)

    def _chunks(self, descriptor: int, at: int, end: int) -> Iterator[bytes]:
        while at < end:
            try:
                data = os.pread(descriptor, min(_BLOCK, end - at), at)
            except OSError as error:
                raise FetchError(f"{self._address.label}: {error.strerror}") from error
            if not data:
                return
            at += len(data)
            yield data


class Stored:
    """An object of a store that speaks S3; its credentials are those of the environment."""

    def __init__(self, fetcher: Streamer, address: Address) -> None:
        self._fetcher = fetcher
        self._address = address

    @contextmanager
    def read(self, start: int, stop: int | None, validator: str, limits: Limits) -> Iterator[Body]:  # noqa: ARG002
        try:
            size, found = self._objects.facts(self._address.url)
        except UsageError as error:  # no such address, or the library is missing: another source may do
            raise FetchError(f"{self._address.label}: {error}") from error
        if validator and found and found != validator:
            raise ChangedError(f"{self._address.label}: the object was changed there while it was fetched")
        end = size if stop is None else min(stop, size)
        yield Body(start, size, found, True, self._chunks(start, end), _nothing)  # noqa: FBT003

    @cached_property
    def _objects(self) -> Objects:
        from galleryctl.hubs.objects import Objects  # noqa: PLC0415 - an extra

        return Objects(self._fetcher)

    def _chunks(self, at: int, end: int) -> Iterator[bytes]:
        while at < end:
            data = self._objects.piece(self._address.url, at, min(at + _OBJECT, end))
            if not data:
                raise BrokenError(f"{self._address.label}: ends in the middle")
            at += len(data)
            yield data


def origin(address: Address, fetcher: Streamer) -> Origin:
    """How an address is read."""
    scheme = urlsplit(address.url).scheme
    return Local(address) if scheme == "file" else Stored(fetcher, address) if scheme == "s3" else Web(fetcher, address)


def local(url: str) -> str:
    """The path of a `file:` address. Raises `RefusedError`."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not path.startswith("/") or "\0" in path:
        raise RefusedError(f"{url[:200]!r} is no file of this machine; write file:///path")
    return path


def _validator(etag: str) -> str:
    """An ETag that stands for the very bytes; a weak one does not."""
    return etag.strip() if _STRONG.fullmatch(etag.strip()) else ""


def _nothing() -> None:
    """Nobody waits for long."""
