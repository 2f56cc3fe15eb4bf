"""Reading what a gallery publishes, from one address: the one that was named, or a mirror.

* No answer is larger than what was said before of it, and none takes longer than the limits allow, however it drips.
* No redirect leads to another host: who serves a gallery answers for it himself.
* A path comes from a kind, a name and a digest that were checked, never from a document as it stands.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from galleryctl import canonical, layout
from galleryctl.client.errors import DamagedError
from galleryctl.fetch import DeniedError, FetchError, LargeError, MethodError, MissingError

if TYPE_CHECKING:
    from galleryctl.fetch import Fetcher, Limits

_SAFE = re.compile(r"[A-Za-z0-9._-]+").fullmatch
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"').fullmatch
"""What can be sent back: with anything else no later request would be one, and nobody would be asked any more."""
LARGEST = layout.LARGEST
_WHOLE = 8
"""Answers that may use their time up, one after the other, before a whole synchronisation ends."""


class Found(NamedTuple):
    """One answer. Without a body where it is what the caller has already."""

    body: bytes | None
    etag: str = ""


@dataclass
class Counted:
    """What came over the wire."""

    requests: int = 0
    bytes: int = 0


def plain(path: str) -> bool:
    """Whether a path leads nowhere but down, and is spelled so that every server reads it alike."""
    return all(_SAFE(part) and part.strip(".") for part in path.split("/"))


def base(url: str | Path) -> str:
    """The address of a gallery as text that ends with `/`; a folder becomes a `file:` address."""
    text = str(url)
    if isinstance(url, Path) or ("://" not in text and not text.startswith("file:")):
        text = Path(text).absolute().as_uri()
    return text.partition("?")[0].partition("#")[0].rstrip("/") + "/"


class Reader:
    """Reads paths below one address, http or file. Every method raises `FetchError` where nothing can be had."""

    def __init__(self, address: str, fetcher: Fetcher | None, limits: Limits, counted: Counted) -> None:
        self.address = address
        self._fetcher = fetcher
        self._limits = replace(limits, same_host=True)
        self._counted = counted
        self._ends = time.monotonic() + _WHOLE * limits.seconds

    def get(self, path: str, most: int, etag: str = "") -> Found:
        """At most `most` bytes; with the `etag` of an earlier answer, perhaps only that nothing changed.

        Raises `DamagedError` where there are more.
        """
        limits = self._within(path, most)
        self._counted.requests += 1
        try:
            if self._fetcher is None:
                return Found(self._file(path, limits.bytes))
            headers = {"if-none-match": etag} if _ETAG(etag) else None
            answer = self._fetcher.get(self.address + path, headers=headers, limits=limits)
        except LargeError as error:
            raise DamagedError(f"{error}; more than was signed, or than any has") from error
        self._counted.bytes += answer.wire or len(answer.body)
        if answer.status == 304 and etag:  # noqa: PLR2004 - not modified
            return Found(None, etag)
        if answer.status != 200:  # noqa: PLR2004 - a whole answer
            raise FetchError(f"{self.address}{path}: the server answers {answer.status}, which nobody asked for")
        found = answer.headers.get("etag", "")
        return Found(answer.body, found if _ETAG(found) else "")

    def document(self, path: str, sha256: str, length: int) -> bytes:
        """Bytes that have this digest and length. Raises `DamagedError` where they have not."""
        if not 0 <= length <= LARGEST:
            raise DamagedError(f"{self.address}{path}: should have {length:,} bytes, and none may have {LARGEST:,}")
        found = self.get(path, length).body or b""
        if len(found) != length:
            raise DamagedError(f"{self.address}{path}: has {len(found):,} bytes instead of {length:,}")
        if (actual := canonical.digest(found)) != sha256:
            raise DamagedError(f"{self.address}{path}: has the digest {actual} instead of {sha256}")
        return found

    def exists(self, path: str) -> bool:
        """Whether there is something, without reading it: what says no may be a page of any size."""
        limits = self._within(path, 0)
        self._counted.requests += 1
        if self._fetcher is None:
            return self._place(path).is_file()
        try:
            answer = self._fetcher.head(self.address + path, follow=False, limits=limits)
        except MethodError:
            return self._begins(self._fetcher, path)
        except (MissingError, DeniedError):  # what object stores say of what is missing, where nobody may list
            return False
        if answer.status != 200:  # noqa: PLR2004 - see below
            raise FetchError(f"{self.address}{path}: the server answers {answer.status}, neither yes nor no")
        return True

    def _begins(self, fetcher: Fetcher, path: str) -> bool:
        """The same by a GET that is left at its first byte, for hosts that answer nothing else."""
        self._counted.requests += 1
        try:
            fetcher.get(self.address + path, limits=self._within(path, 0))
        except LargeError:
            return True
        except (MissingError, DeniedError):
            return False
        return True

    def _within(self, path: str, most: int) -> Limits:
        if not plain(path):
            raise DamagedError(f"{ascii(path)[:200]}: is no path of a gallery")
        left = self._ends - time.monotonic()
        if left <= 0:
            raise FetchError(f"{self.address}{path}: the time for one synchronisation is over")
        return replace(self._limits, bytes=most, seconds=min(left, self._limits.seconds))

    def _file(self, path: str, most: int) -> bytes:
        place = self._place(path)
        try:
            with place.open("rb") as file:
                data = file.read(most + 1)
        except (FileNotFoundError, NotADirectoryError):
            raise MissingError(f"{place}: there is nothing") from None
        except OSError as error:
            raise FetchError(f"{place}: cannot be read: {error.strerror}") from error
        if len(data) > most:
            raise LargeError(f"{place}: is larger than {most:,} bytes")
        self._counted.bytes += len(data)
        return data

    def _place(self, path: str) -> Path:
        from urllib.request import url2pathname  # noqa: PLC0415 - on use: hosts are the rule

        return Path(url2pathname(urlsplit(self.address).path)) / path


def shown(url: str) -> str:
    """An address without what could be a login."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
