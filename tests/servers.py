"""Servers on this machine that answer as hubs do: for whatever reads what is elsewhere."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping


class Asked(NamedTuple):
    """One request. Names of headers are in lower case; `path` has its question mark and what follows."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


class Answer(NamedTuple):
    """What a server says. With a function as body, it writes to the connection by itself, chunk by chunk."""

    status: int = 200
    body: bytes | Callable[[], Iterator[bytes]] = b""
    headers: Mapping[str, str] = {}


class Served(NamedTuple):
    url: str
    asked: list[Asked]
    """Every request so far."""


def _handler(application: Callable[[Asked], Answer], asked: list[Asked]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two writes: the second would wait for the first's echo

        def handle_one(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Asked(self.command, self.path, headers, self.rfile.read(length))
            asked.append(request)
            try:
                self._send(application(request))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = handle_one  # noqa: N815 - the names the standard library calls

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            given = {name.lower() for name in answer.headers}
            if callable(answer.body):
                self.close_connection = True
                self.send_header("Connection", "close")
                self.end_headers()
                for chunk in answer.body():
                    self.wfile.write(chunk)
                    self.wfile.flush()
                return
            if "content-length" not in given:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            return

    return Handler


@contextmanager
def serving(application: Callable[[Asked], Answer], context: ssl.SSLContext | None = None) -> Iterator[Served]:
    """A server on a free port of this machine, for as long as the block runs; HTTP/1.1, a thread each connection."""
    asked: list[Asked] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(application, asked))
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Served(f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ranged(asked: Asked, data: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    """A file, or the part of it that was asked for."""
    said = asked.headers.get("range", "")
    headers = {"Accept-Ranges": "bytes", **(headers or {})}
    if not said.startswith("bytes="):
        return Answer(200, data, headers)
    first, _, last = said.removeprefix("bytes=").partition("-")
    start = int(first) if first else max(0, len(data) - int(last))
    stop = min(len(data), int(last) + 1 if first and last else len(data))
    if start >= len(data):
        return Answer(416, b"", {**headers, "Content-Range": f"bytes */{len(data)}"})
    return Answer(206, data[start:stop], {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"})


def files(contents: Mapping[str, bytes]) -> Callable[[Asked], Answer]:
    """An application that hands out files by path, parts of them too."""

    def answer(asked: Asked) -> Answer:
        data = contents.get(asked.path.partition("?")[0].lstrip("/"))
        return Answer(404) if data is None else ranged(asked, data)

    return answer
