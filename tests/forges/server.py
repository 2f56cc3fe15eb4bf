"""The stand-in itself: HTTP on a free port of this machine, every request and answer judged by GitHub's description."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import forges.repository
import forges.routes  # noqa: F401 - they list their handlers
from forges.accounts import ADA, REPOSITORY, Account
from forges.calls import HANDLERS, Call, Failure, Json, Reply
from forges.description import description
from forges.graphql import answered
from forges.shapes import Shapes
from forges.smart import Request, asks_git, served
from galleryctl.forge.github import GitHub

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from forges.state import State
    from galleryctl.forge import Forge


class Asked(NamedTuple):
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


class Fault(NamedTuple):
    """An answer on demand. `{token}` in its body or headers becomes the token of the request; 0 hangs up."""

    status: int
    message: str = ""
    headers: Mapping[str, str] = {}
    raw: bytes | None = None
    """Body instead of a message."""
    pause: float = 0.0
    """Seconds before anything is said."""


class Server:
    """`state` is what it remembers, `asked` what was asked, `complaints` what broke GitHub's description."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.asked: list[Asked] = []
        self.complaints: list[str] = []
        self.faults: deque[Fault] = deque()
        self._http = _Http(self)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self.shapes = Shapes(state, self.url)

    @property
    def repository(self) -> str:
        return REPOSITORY

    @property
    def path(self) -> Path:
        """The bare repository."""
        return self.state.main.bare.path

    def forge(self, account: Account, *, timeout: int = 20) -> Forge:
        """The adapter as this account uses it."""
        return GitHub(self.repository, account.token, address=self.url, timeout=timeout, sleep=lambda _: None)

    def push(self, branch: str, files: Mapping[str, bytes | None], *, repository: str = "", by: Account = ADA) -> str:
        """Somebody pushes a commit with these files; a new branch starts at `main`. Returns its id."""
        return self.state.push(branch, files, repository=repository or REPOSITORY, by=by)

    def demand_queue(self) -> None:
        """From now on nothing is merged but by the queue."""
        self.state.main.merge_queue = True

    def crowd(self, count: int, by: Account) -> None:
        """Many pull requests, each of a branch of its own."""
        for number in range(count):
            self.state.main.bare.git("branch", f"crowd-{number}", "main")
            self.state.propose(by, f"crowd-{number}")

    def clone(self, folder: Path, name: str = REPOSITORY) -> Path:
        """A clone with a work tree."""
        source = self.state.repositories[name].bare.path
        subprocess.run(["git", "clone", "-q", str(source), str(folder)], check=True)
        return folder

    def fail(self, *faults: Fault) -> None:
        """The next answers are these, whatever is asked."""
        self.faults.extend(faults)

    @contextmanager
    def running(self) -> Iterator[Server]:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    def answer(self, asked: Asked) -> tuple[int, Json, dict[str, str]]:
        parts = urlsplit(asked.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        body = json.loads(asked.body) if asked.body else None
        account = self.state.account(asked.headers.get("authorization", "").rpartition(" ")[2])
        if account is None:
            return 401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}, {}
        with self.state.lock:
            self.state.follow()
            if parts.path == "/graphql":
                return 200, answered(self.state, account, body), {}
            operation = description().operation(asked.method, parts.path)
            if operation is None:
                self.complaints.append(f"{asked.method} {asked.path}: GitHub has no such call")
                return 404, {"message": "Not Found"}, {}
            call = Call(self.state, self.shapes, operation, parts.path, account, query, body)
            if wrong := description().of_request(operation, query, body):
                self.complaints += [f"{asked.method} {asked.path}: {each}" for each in wrong]
                return 422, {"message": "Invalid request.", "errors": wrong}, {}
            reply, answer = self._reply(call)
            wrong = description().of_answer(operation, reply.status, answer)
            self.complaints += [f"{asked.method} {asked.path}: {each}" for each in wrong]
            return reply.status, answer, call.headers

    def _reply(self, call: Call) -> tuple[Reply, Json]:
        handler = HANDLERS.get((call.operation.method, call.operation.path))
        if handler is None:
            self.complaints.append(f"{call.operation.method} {call.path}: the stand-in cannot do that")
            return Reply(404), {"message": "Not Found"}
        try:
            reply = handler(call)
        except Failure as failure:
            return Reply(failure.status), failure.body
        if reply.real is None:
            return reply, None
        return reply, description().answer(call.operation, reply.status, reply.real, self.url)


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stand_in: Server) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stand_in = stand_in


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: the second would wait for the first's echo

    def handle_any(self) -> None:
        stand_in = self.server.stand_in
        headers = {name.lower(): value for name, value in self.headers.items()}
        raw = self._body(headers)
        asked = Asked(self.command, self.path, headers, raw.decode(errors="replace"))
        stand_in.asked.append(asked)
        try:
            if asks_git(self.path):
                response = served(stand_in.state, Request(self.command, self.path, headers, raw))
                self._send(response.status, response.body, response.headers)
            elif stand_in.faults:
                self._fail(stand_in.faults.popleft(), headers.get("authorization", "").rpartition(" ")[2])
            else:
                status, body, more = stand_in.answer(asked)
                self._send(status, b"" if body is None else json.dumps(body).encode(), more)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception as error:  # noqa: BLE001 - what is wrong in the stand-in must fail the test that found it
            stand_in.complaints.append(f"{asked.method} {unquote(asked.path)}: {error!r}")
            self._send(500, b'{"message": "the stand-in failed"}', {})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the names the library calls

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(headers.get("content-length") or 0))
        found = b""
        while size := int(self.rfile.readline(), 16):  # how git sends what is large
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _fail(self, fault: Fault, token: str) -> None:
        time.sleep(fault.pause)
        if fault.status == 0:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = fault.raw
        if body is None:
            body = json.dumps({"message": fault.message.replace("{token}", token)}).encode()
        headers = {name: value.replace("{token}", token) for name, value in fault.headers.items()}
        self._send(fault.status, body.replace(b"{token}", token.encode()), headers)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        if body and "Content-Type" not in headers:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return
