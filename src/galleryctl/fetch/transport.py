"""Requests under limits: what comes back is decoded within a size, and no address is asked that may not be.

Libraries that speak httpx2 are given a client of this transport, so they are bound by the same rules as our own code.
"""

from __future__ import annotations

import ssl
import time
import weakref
import zlib
from typing import TYPE_CHECKING

import httpcore2
import httpx2

from galleryctl.fetch.addresses import target
from galleryctl.fetch.connecting import DEADLINE, Guarded, resolve
from galleryctl.fetch.port import BrokenError, FetchError, LargeError, Limits, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from galleryctl.fetch.connecting import Resolver

_CHUNK = 2**16
_HEAD = 120.0  # seconds for the head of an answer, however long its body may take
_GZIP = 31  # zlib's word for a gzip header and the largest window


class Transport(httpx2.BaseTransport):
    """One pool of guarded connections. `private` also allows http and targets inside this network."""

    def __init__(self, *, private: bool, resolver: Resolver = resolve, context: ssl.SSLContext | None = None) -> None:
        self._private = private
        self._pool = httpcore2.ConnectionPool(
            ssl_context=context or httpx2.create_ssl_context(),
            max_connections=64,  # several pulls at the same time: one that finds none free would fail
            keepalive_expiry=10.0,
            network_backend=Guarded(private=private, resolver=resolver),
        )
        weakref.finalize(self, self._pool.close)  # nobody has to close what many share

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = str(request.url)
        target(url, private=self._private)
        limits = request.extensions.get("limits") or Limits()
        deadline = request.extensions.get("deadline") or time.monotonic() + limits.seconds
        asked = [(name, value) for name, value in request.headers.raw if name.lower() != b"accept-encoding"]
        sent = httpcore2.Request(
            request.method,
            httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=[*asked, (b"accept-encoding", _encoding(request))],
            content=request.stream if isinstance(request.stream, httpx2.SyncByteStream) else None,
            extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), limits.step)},
        )
        with _Until(min(deadline, time.monotonic() + _HEAD), url):
            answer = self._pool.handle_request(sent)
        found = httpx2.Headers(answer.headers)
        encoding = found.get("content-encoding", "identity").strip().lower()
        if "content-encoding" in found:  # the body is handed out decoded
            del found["content-encoding"]
            found.pop("content-length", None)
        bare = request.method == "HEAD"  # no body follows, whatever the headers say of one
        stream = _Body(answer, "identity" if bare else encoding, limits, deadline, url)
        extensions = {**answer.extensions, "encoding": encoding, "counted": lambda: stream.wire}
        return httpx2.Response(answer.status, headers=found, stream=stream, extensions=extensions)

    def close(self) -> None:
        self._pool.close()


def _encoding(request: httpx2.Request) -> bytes:
    plain = "range" in request.headers or request.headers.get("accept-encoding") == "identity"
    return b"identity" if plain or request.method == "HEAD" else b"gzip"


class _Until:
    """Everything inside ends at a deadline; what the library raises becomes ours, with the address."""

    def __init__(self, deadline: float, url: str) -> None:
        self._deadline = deadline
        self._url = url

    def __enter__(self) -> None:
        self._token = DEADLINE.set(self._deadline)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        DEADLINE.reset(self._token)
        shown = self._url.partition("?")[0]  # what follows may be a signature
        if isinstance(error, httpcore2.TimeoutException):
            late = time.monotonic() >= self._deadline
            said = "took longer than it may" if late else "does not answer in time"
            raise (FetchError if late else BrokenError)(f"{shown}: {said}") from error
        if isinstance(error, httpcore2.NetworkError | httpcore2.ProtocolError | ssl.SSLError | OSError):
            if isinstance(error.__cause__, ssl.SSLCertVerificationError) or "CERTIFICATE" in str(error):
                raise FetchError(f"{shown}: its certificate is not trusted: {error}") from error
            raise BrokenError(f"{shown}: cannot be read: {str(error) or type(error).__name__}") from error
        if isinstance(error, httpcore2.UnsupportedProtocol):
            raise RefusedError(f"{shown}: {error}") from error


class _Body(httpx2.SyncByteStream):
    """A body, decoded, counted, and ended at its limits."""

    def __init__(self, answer: httpcore2.Response, encoding: str, limits: Limits, deadline: float, url: str) -> None:
        self._answer = answer
        self._encoding = encoding
        self._limits = limits
        self._deadline = deadline
        self._url = url
        self.wire = 0
        """Bytes that came, before they were decoded."""

    def __iter__(self) -> Iterator[bytes]:
        if self._encoding not in {"identity", "gzip", "x-gzip", ""}:
            raise FetchError(f"{self._shown}: comes as {self._encoding[:40]!r}, which nobody asked for")
        counted = 0
        for chunk in self._decoded(self._raw()):
            counted += len(chunk)
            if counted > self._limits.bytes:
                raise LargeError(f"{self._shown}: is larger than {self._limits.bytes:,} bytes, more than is read")
            yield chunk

    def close(self) -> None:
        self._answer.close()

    @property
    def _shown(self) -> str:
        return self._url.partition("?")[0]

    def _raw(self) -> Iterator[bytes]:
        stream = self._answer.stream
        chunks = iter(stream)  # type: ignore[arg-type]  # a pool that is not asynchronous gives a plain stream
        while True:
            with _Until(self._deadline, self._url):
                chunk = next(chunks, None)
            if chunk is None:
                return
            if time.monotonic() > self._deadline:
                raise FetchError(f"{self._shown}: took longer than {self._limits.seconds:g} seconds")
            self.wire += len(chunk)
            if self.wire > self._limits.bytes * 1.01 + _CHUNK:  # compressed, it may be nothing at all, without end
                raise LargeError(f"{self._shown}: is larger than {self._limits.bytes:,} bytes, more than is read")
            yield chunk

    def _decoded(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        if self._encoding in {"identity", ""}:
            yield from chunks
            return
        decoder = zlib.decompressobj(_GZIP)
        for chunk in chunks:
            rest, full = chunk, False
            while rest or full:
                if decoder.eof:  # several gzip files in a row are one
                    decoder = zlib.decompressobj(_GZIP)
                try:
                    data = decoder.decompress(rest, _CHUNK)
                except zlib.error as error:
                    raise FetchError(f"{self._shown}: cannot be decoded: {error}") from error
                yield data
                rest = decoder.unused_data or decoder.unconsumed_tail
                full = len(data) == _CHUNK and not decoder.eof
        if not decoder.eof:
            raise BrokenError(f"{self._shown}: ends in the middle")
