"""Reading addresses over http, with limits, retries, and redirects that are judged again, each of them.

Proxies that the environment names are not used: behind a proxy it is the proxy that connects, and nobody here could
tell where to. Where no direct way leads out, mirror what is needed and import from there.
"""

from __future__ import annotations

import email.utils
import os
import random
import re
import socket
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx2

from galleryctl import __version__
from galleryctl.fetch.addresses import target
from galleryctl.fetch.connecting import resolve
from galleryctl.fetch.port import (
    BrokenError,
    DeniedError,
    FetchError,
    Limits,
    MethodError,
    MissingError,
    Opened,
    RefusedError,
    Response,
)
from galleryctl.fetch.transport import Transport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping
    from typing import Protocol, TypeVar

    from galleryctl.fetch.connecting import Resolver

    T = TypeVar("T")

    class _Loop(Protocol):
        def __call__(self, asked: _Asked, once: Callable[[], T]) -> T: ...


_AGENT = f"galleryctl/{__version__}"
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_BEYOND = 416
_MOVED = frozenset({301, 302, 303, 307, 308})
_EVERYWHERE = frozenset({"accept", "accept-encoding", "range", "if-range", "if-none-match", "if-modified-since"})
"""Headers that may follow a redirect to another host; what else was given could be a secret."""
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_PAUSE = 0.5  # seconds before the second attempt; doubled each time
_LONGEST_PAUSE = 30.0
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


class _LaterError(Exception):
    """The server asks to come again."""

    def __init__(self, error: FetchError, pause: float | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.pause = pause


class _Asked(NamedTuple):
    method: str
    url: str
    headers: Mapping[str, str]
    limits: Limits
    deadline: float


class Http:
    """Reads https addresses of public machines; with `allow_private` also http, and machines inside this network."""

    def __init__(
        self,
        allow_private: bool = False,  # noqa: FBT001, FBT002 - `Http(allow_private=True)` at every call
        *,
        resolver: Resolver = resolve,
        context: ssl.SSLContext | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._private = allow_private
        self._sleep = sleep
        self._transport = Transport(private=allow_private, resolver=resolver, context=context)
        self._client = self.client(follow=False)

    def client(self, *, follow: bool = True) -> httpx2.Client:
        """A client for libraries that speak httpx2: no address but through the same check, however they redirect."""
        headers = {"user-agent": _AGENT}
        transport = _Retrying(self._transport, self._retrying) if follow else self._transport
        return httpx2.Client(transport=transport, trust_env=False, headers=headers, follow_redirects=follow)

    def permit(self, url: str) -> None:
        target(url, private=self._private)

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None) -> Response:
        return self._whole("GET", url, headers, limits or Limits())

    def head(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        follow: bool = True,
        limits: Limits | None = None,
    ) -> Response:
        limits = limits or Limits()
        return self._whole("HEAD", url, headers, limits if follow else replace(limits, redirects=-1))

    def part(self, url: str, start: int, stop: int, *, headers: Mapping[str, str] | None = None) -> bytes:
        if not 0 <= start < stop:
            raise ValueError(f"no range: {start} to {stop}")
        limits = Limits(bytes=stop - start)
        try:
            found = self._whole("GET", url, {**(headers or {}), "range": f"bytes={start}-{stop - 1}"}, limits)
        except _BeyondError:
            return b""
        if found.status != httpx2.codes.PARTIAL_CONTENT:
            if start == 0:  # the whole of it, and no larger than what was asked for
                return found.body
            raise FetchError(f"{_shown(url)}: the server does not send parts of files")
        said = _RANGE.fullmatch(found.headers.get("content-range", "").strip())
        if said is None or int(said[1]) != start or int(said[2]) - start + 1 != len(found.body):
            raise FetchError(f"{_shown(url)}: the server sent another part than it was asked for")
        ends = said[3] != "*" and int(said[2]) + 1 == int(said[3])
        if len(found.body) < stop - start and not ends:
            raise FetchError(f"{_shown(url)}: the server sent less than it was asked for")
        return found.body

    @contextmanager
    def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None
    ) -> Iterator[Iterator[bytes]]:
        with self.opened(url, headers=headers, limits=limits) as answer:
            yield answer.chunks

    @contextmanager
    def opened(
        self, url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None
    ) -> Iterator[Opened]:
        limits = limits or Limits(bytes=2**45, seconds=24 * 3600.0)
        asked = _Asked("GET", url, headers or {}, limits, time.monotonic() + limits.seconds)
        answer = self._retrying(asked, lambda: self._followed(asked))
        try:
            found = {name.lower(): value for name, value in answer.headers.items()}
            encoded = answer.extensions["encoding"] not in {"", "identity"}
            chunks = answer.iter_raw()
            yield Opened(str(answer.url), answer.status_code, found, chunks, encoded, lambda: _cut(answer))
        finally:
            answer.close()

    def _whole(self, method: str, url: str, headers: Mapping[str, str] | None, limits: Limits) -> Response:
        asked = _Asked(method, url, headers or {}, limits, time.monotonic() + limits.seconds)

        def once() -> Response:
            answer = self._followed(asked)
            try:
                body = b"".join(answer.iter_raw())
            finally:
                answer.close()
            found = {name.lower(): value for name, value in answer.headers.items()}
            counted = answer.extensions.get("counted")
            return Response(str(answer.url), answer.status_code, found, body, counted() if counted else len(body))

        return self._retrying(asked, once)

    def _followed(self, asked: _Asked) -> httpx2.Response:
        """The answer at the end of all redirects, its body not read yet."""
        url, headers, left = asked.url, dict(asked.headers), asked.limits.redirects
        while True:
            answer = self._sent(asked, url, headers)
            following = left >= 0 and answer.status_code in _MOVED and "location" in answer.headers
            if not following:
                _judge(answer, url)
                return answer
            answer.close()
            if left == 0:
                raise FetchError(f"{_shown(asked.url)}: is redirected more than {asked.limits.redirects} times")
            before, url, left = url, _joined(url, answer.headers["location"]), left - 1
            if urlsplit(before).scheme == "https" and urlsplit(url).scheme != "https":
                raise RefusedError(f"{_shown(asked.url)}: is redirected to {_shown(url)}, which is not https")
            if _origin(before) != _origin(url):
                if asked.limits.same_host:
                    raise RefusedError(f"{_shown(asked.url)}: is redirected to another host, {_shown(url)}")
                headers = {name: value for name, value in headers.items() if name.lower() in _EVERYWHERE}

    def _sent(self, asked: _Asked, url: str, headers: Mapping[str, str]) -> httpx2.Response:
        self.permit(url)
        try:
            request = self._client.build_request(asked.method, url, headers=headers)
        except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
            raise RefusedError(f"{_shown(url)}: is no address: {error}") from error
        request.extensions.update(limits=asked.limits, deadline=asked.deadline)
        return self._client.send(request, stream=True)

    def _retrying(self, asked: _Asked, once: Callable[[], T]) -> T:
        pause = _PAUSE
        for attempt in range(1, asked.limits.attempts + 1):
            try:
                return once()
            except BrokenError as error:
                failed, wait = FetchError(f"{error}{_proxied()}"), pause
            except _LaterError as later:
                failed, wait = later.error, pause if later.pause is None else later.pause
            late = time.monotonic() + wait > asked.deadline or wait > _LONGEST_PAUSE
            if attempt == asked.limits.attempts or late:
                raise failed
            self._sleep(wait * random.uniform(1.0, 1.5))  # noqa: S311 - only spreads the attempts of many
            pause *= 2
        raise FetchError(f"{_shown(asked.url)}: no attempt is left")


def _cut(answer: httpx2.Response) -> None:
    stream = answer.extensions.get("network_stream")
    connection = stream.get_extra_info("socket") if stream is not None else None
    if connection is not None:
        with suppress(OSError):  # over already
            socket.socket.shutdown(connection, socket.SHUT_RDWR)  # TLS has nothing to say any more


class _Retrying(httpx2.BaseTransport):
    """What a library asks, asked again where that may help; it judges other answers by itself."""

    def __init__(self, inner: Transport, retrying: _Loop) -> None:
        self._inner = inner
        self._retrying = retrying

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        limits = Limits()
        asked = _Asked(request.method, str(request.url), {}, limits, time.monotonic() + limits.seconds)
        request.extensions = {**request.extensions, "deadline": asked.deadline}

        def once() -> httpx2.Response:
            answer = self._inner.handle_request(request)
            if answer.status_code in _AGAIN:
                _judge(answer, asked.url)
            return answer

        return self._retrying(asked, once) if request.method in {"GET", "HEAD"} else self._inner.handle_request(request)


class _BeyondError(FetchError):
    """A range that starts behind the end."""


def _judge(answer: httpx2.Response, url: str) -> None:
    status = answer.status_code
    if status < httpx2.codes.BAD_REQUEST:
        return
    said = answer.headers.get("x-error-message", "")
    answer.close()
    why = f": {ascii(said)[1:-1][:200]}" if said else ""
    text = f"{_shown(url)}: the server answers {status}{why}"
    if status in _AGAIN:
        raise _LaterError(FetchError(f"{text}; try again later"), _asked_pause(answer.headers.get("retry-after")))
    if status in {404, 410}:
        raise MissingError(f"{text}: there is nothing, or it is not for us")
    if status in {401, 403}:
        denied = DeniedError(f"{text}: it wants a login, or an agreement accepted")
        denied.challenge = answer.headers.get("www-authenticate", "")
        raise denied
    if status in {405, 501}:
        raise MethodError(text)
    if status == _BEYOND:
        raise _BeyondError(text)
    raise FetchError(text)


def _asked_pause(text: str | None) -> float | None:
    if text is None:
        return None
    if re.fullmatch(r"[0-9]{1,6}", text.strip()):
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _joined(url: str, location: str) -> str:
    try:
        found = urljoin(url, location)
        _origin(found)  # the port is looked at only here
    except ValueError as error:
        raise RefusedError(f"{_shown(url)}: is redirected to what is no address") from error
    return found


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port


def _shown(url: str) -> str:
    """An address for people; what follows the question mark may be a signature."""
    return ascii(url.partition("?")[0])[1:-1][:300]


def _proxied() -> str:
    if not any(os.environ.get(name) for name in _PROXIES):
        return ""
    return "; proxies of the environment are not used, since behind one nobody can tell where a connection leads"
