"""The port through which everything that is not on this machine is read, and what may be asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from galleryctl.errors import GalleryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager


class FetchError(GalleryError):
    """An address could not be read. The text names it, says why, and what to do."""


class RefusedError(FetchError):
    """An address that may not be asked: another scheme, credentials in it, or a target inside this network."""


class LargeError(FetchError):
    """More bytes than are read."""


class MissingError(FetchError):
    """There is nothing at an address, or it is not for us (404, 410)."""


class MethodError(FetchError):
    """The server does not answer this method; another one may do (405, 501)."""


class DeniedError(FetchError):
    """The source wants a login, or an agreement that nobody accepted (401, 403)."""

    challenge: str = ""
    """How to log in: the header `WWW-Authenticate` of the answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may cost."""

    bytes: int = 64 * 2**20
    seconds: float = 120.0
    """For the whole answer, its retries included."""
    redirects: int = 5
    attempts: int = 4
    same_host: bool = False
    """Whether a redirect to another host, scheme or port is refused."""
    step: float = 30.0
    """Seconds for one step: connecting, or waiting for the next bytes."""


class Response(NamedTuple):
    """A whole answer. `url` is where it came from at last; names of headers are in lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    wire: int = 0
    """Bytes of the body as they came, before they were decoded."""


class BrokenError(FetchError):
    """The connection failed, or broke off: another attempt may help."""


class Opened(NamedTuple):
    """An answer whose body is still to come. `url` is where it comes from at last; headers are in lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    """The body, decoded. Raises `FetchError`; `BrokenError` where another attempt may help."""
    encoded: bool
    """Whether the server compressed it: then offsets are not those of the file."""
    cut: Callable[[], None]
    """Ends the connection from another thread, so that nobody waits for its next bytes."""


class Streamer(Protocol):
    """Reads addresses too large to hold, from where the reader says."""

    def opened(
        self, url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None
    ) -> AbstractContextManager[Opened]:
        """The answer to a GET. With a header `range` or `accept-encoding: identity` nothing is to be compressed."""

    def permit(self, url: str) -> None:
        """Raise `RefusedError` unless an address may be asked."""


class Fetcher(Protocol):
    """Reads addresses. Every method raises `FetchError` or one of its kinds; none returns an answer of 400 or more."""

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None) -> Response:
        """The whole of an address."""

    def head(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        follow: bool = True,
        limits: Limits | None = None,
    ) -> Response:
        """What an address says of itself. Without `follow`, an answer of 300 to 399 is returned as it is."""

    def part(self, url: str, start: int, stop: int, *, headers: Mapping[str, str] | None = None) -> bytes:
        """Bytes `start` to `stop` (not included) of an address, by a range request; fewer where it ends."""

    def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None
    ) -> AbstractContextManager[Iterator[bytes]]:
        """An address in chunks, for what is too large to hold; it is not resumed where the connection breaks."""

    def permit(self, url: str) -> None:
        """Raise `RefusedError` unless an address may be asked: for libraries that connect by themselves."""
