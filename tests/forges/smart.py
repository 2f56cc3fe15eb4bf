"""Git over HTTP, by git's own server program: whoever pushes has to say who they are, and is remembered."""

from __future__ import annotations

import base64
import binascii
import os
import re
import subprocess
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from forges.accounts import Account
    from forges.state import State

_PLACE = re.compile(r"/([^/]+/[^/]+)\.git/(info/refs|git-upload-pack|git-receive-pack)")


class Request(NamedTuple):
    """One request of git. Names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Response(NamedTuple):
    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


def asks_git(path: str) -> bool:
    return _PLACE.fullmatch(urlsplit(path).path) is not None


def served(state: State, request: Request) -> Response:
    parts = urlsplit(request.path)
    found = _PLACE.fullmatch(unquote(parts.path))
    stored = state.repositories.get(found[1]) if found else None
    account = _account(state, request.headers.get("authorization", ""))
    pushes = "git-receive-pack" in request.path
    if stored is None:
        return Response(404)
    if account is None and (pushes or stored.private or "authorization" in request.headers):
        return Response(401, {"WWW-Authenticate": 'Basic realm="GitHub"'})
    if account and not state.may(account, stored.name, "write" if pushes else "read"):
        return Response(403 if pushes else 404)
    with state.lock:
        before = stored.bare.branches()
        response = _run(state, request, parts.query, account)
        if pushes and account:
            after = stored.bare.branches()
            moved = [(branch, tip) for branch, tip in after.items() if before.get(branch) != tip]
            state.pushed += [(stored.name, branch, tip, account.login) for branch, tip in moved]
            state.follow()
        return response


def _account(state: State, login: str) -> Account | None:
    """Who a password belongs to: any name will do, as on GitHub."""
    try:
        word = base64.b64decode(login.removeprefix("Basic ")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return state.account(word.partition(":")[2])


def _run(state: State, request: Request, query: str, account: Account | None) -> Response:
    told = {
        "GIT_PROJECT_ROOT": str(state.folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": unquote(urlsplit(request.path).path),
        "QUERY_STRING": query,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "CONTENT_LENGTH": str(len(request.body)),
    }
    who = {"REMOTE_USER": account.login} if account else {}
    done = subprocess.run(
        ["git", "http-backend"], input=request.body, env={**os.environ, **told, **who}, capture_output=True, check=True
    )
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    return Response(int(headers.pop("Status", "200").split(" ")[0]), headers, body)
