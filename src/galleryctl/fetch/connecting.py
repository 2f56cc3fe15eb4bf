"""Connections that go only where they may: a name is looked up once, judged, and that very address is connected to.

Nobody can name a public machine to the check and an inner one to the connection. TLS still verifies the name.
"""

from __future__ import annotations

import socket
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING

import httpcore2

from galleryctl.fetch.addresses import numbers, refused
from galleryctl.fetch.port import RefusedError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

    Resolver = Callable[[str, int], list[str]]

_AT_ONCE = 2**20
"""Bytes of one read: the library asks for 64 KiB, which costs more than twice the time where a file is large."""

DEADLINE: ContextVar[float | None] = ContextVar("DEADLINE", default=None)
"""`time.monotonic` at which everything on a connection ends, however often a few bytes arrive."""


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, best first. Raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guarded(httpcore2.NetworkBackend):
    """Connects to public addresses only, or to all with `private`."""

    def __init__(self, *, private: bool, resolver: Resolver = resolve) -> None:
        self._private = private
        self._resolver = resolver
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        failed: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in self._permitted(host, port):
            try:
                stream = self._inner.connect_tcp(address, port, _left(timeout), local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
            else:
                return _Timed(stream)
        raise failed

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002 - the library's signature
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        raise RefusedError(f"{path}: sockets of this machine are not asked")

    def _permitted(self, host: str, port: int) -> list[str]:
        try:
            found = self._resolver(host.strip("[]"), port)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise httpcore2.ConnectError(f"{host} cannot be looked up: {why}") from error
        if self._private:
            return found
        judged = {address: refused(numbers(address)) for address in found}
        permitted = [address for address, reason in judged.items() if not reason]
        if judged and not permitted:
            address, reason = next(iter(judged.items()))
            raise RefusedError(f"{host}: stands for {address}, {reason}; --allow-private allows it")
        return permitted


class _Timed(httpcore2.NetworkStream):
    """A connection on which no single step outlasts the deadline of all."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max(max_bytes, _AT_ONCE), _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        return _Timed(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None) -> float | None:
    deadline = DEADLINE.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the time for the whole answer is over")
    return left if timeout is None else min(timeout, left)
