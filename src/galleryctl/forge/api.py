"""The door to GitHub's API: PyGithub sends, this module decides what an answer means. Nothing else imports PyGithub.

The client's transport is used, and not its objects: those ask again, one by one, for every field that a list leaves
out. What goes through here keeps three promises:

* The token goes to one address, over TLS or to this machine, and never comes back: not in an error, not in a log, not
  in an answer that repeats it.
* What may help is tried again, with patience that ends: no server answer keeps a command for more than a minute.
* Whatever else goes wrong is a `ForgeError` that says what to do.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import time
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote, urlsplit

import requests
from github import Auth, Github, GithubException

from galleryctl.forge.port import ForgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Json: TypeAlias = Any  # what a server said; `reading` makes values of it
ADDRESS = "https://api.github.com"
_ATTEMPTS = 4
_PATIENCE = 60.0
"""Seconds that one call waits in all."""
_FIRST_PAUSE = 1.0
_PAGE = 100
_PAGES = 1000
_LOUD = ("github.Requester", "github.GithubRetry", "urllib3.connectionpool", "urllib3.util.retry")
_FORGED = re.compile(r"[^\x21-\x7e]")
_BROKEN = {500, 502, 503, 504}
_HIDDEN = "[token]"


class _LaterError(Exception):
    """Try again, if there is time: `pause` is what the server asked for."""

    def __init__(self, error: ForgeError, pause: float | None = None, *, unheard: bool = False) -> None:
        super().__init__()
        self.error = error
        self.pause = pause
        self.unheard = unheard
        """Whether the server certainly did nothing."""


class _Hiding(logging.Filter):
    """The log of a client holds requests and answers; tokens are taken out of them."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        for token in self.tokens:
            text = text.replace(token, _HIDDEN).replace(quote(token, safe=""), _HIDDEN)
        record.msg, record.args = text, ()
        return True


_HIDING = _Hiding()


class Api:
    """Calls below one address. `sleep` waits."""

    def __init__(
        self, token: str, address: str = ADDRESS, *, timeout: int = 20, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        _judge_token(token)
        self._token = token
        self._address = _judged_address(address)
        self._sleep = sleep
        client = Github(
            base_url=self._address,
            auth=Auth.Token(token),
            timeout=timeout,
            retry=None,
            seconds_between_requests=0,
            seconds_between_writes=0,
            user_agent="galleryctl",
        )
        self._requester = client.requester
        _HIDING.tokens.add(token)
        for name in _LOUD:
            logging.getLogger(name).addFilter(_HIDING)

    @property
    def local(self) -> bool:
        """Whether the forge is on this machine."""
        return urlsplit(self._address).scheme == "http"

    def look(self, path: str, **query: str) -> Json:
        """Whatever there is."""
        return self._patiently("GET", path, query, None)[0]

    def get(self, path: str, **query: str) -> dict[str, Json]:
        """One object."""
        answer = self.look(path, **query)
        if not isinstance(answer, dict):
            raise ForgeError(f"{path}: the forge answered something that is no object; try again later")
        return answer

    def page(self, path: str, **query: str) -> list[dict[str, Json]]:
        """The first items of a list."""
        return self._items(path, self.look(path, **query))

    def _items(self, path: str, answer: Json) -> list[dict[str, Json]]:
        if not isinstance(answer, list) or not all(isinstance(each, dict) for each in answer):
            raise ForgeError(f"{path}: the forge answered something that is no list of objects; try again later")
        return answer

    def every(self, path: str, key: str = "", **query: str) -> Iterator[dict[str, Json]]:
        """All items of a list, page by page; `key` names it where the answer is an object."""
        query = {**query, "per_page": str(_PAGE)}
        for _ in range(_PAGES):
            answer, headers = self._patiently("GET", path, query, None)
            yield from self._items(path, answer.get(key) if key and isinstance(answer, dict) else answer)
            found = re.search(r'<([^<>]*)>;\s*rel="next"', headers.get("link", ""))
            if found is None:
                return
            path, query = self._within(found[1]), {}
        raise ForgeError(f"{path}: the list of the forge does not end")

    def send(self, method: str, path: str, body: Json = None, *, again: bool = False) -> Json:
        """Change something. `again` where doing it twice is like doing it once, though the method does not say so."""
        return self._patiently(method, path, {}, body, again=again)[0]

    def ask(self, query: str, variables: Mapping[str, Json]) -> Json:
        """GraphQL, for what nothing else offers: the `data` of the answer."""
        path = self._requester.graphql_url
        answer, _ = self._patiently("POST", path, {}, {"query": query, "variables": dict(variables)})
        errors = answer.get("errors") if isinstance(answer, dict) else None
        if errors:
            first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
            said, kind = str(first.get("message", "")), first.get("type")
            text = f"the forge refused: {self._clean(said)}"
            raise ForgeError(text, missing=kind == "NOT_FOUND", conflict=kind == "UNPROCESSABLE")
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict):
            raise ForgeError("the forge answered something else than it was asked; try again later")
        return data

    def _within(self, url: str) -> str:
        """The path of an address that the server gave; it must be one of its own."""
        if not url.startswith(f"{self._address}/"):
            raise ForgeError("the forge leads to another server for the rest of a list; nothing is asked there")
        return url.removeprefix(self._address)

    def _patiently(
        self, method: str, path: str, query: Mapping[str, str], body: Json, *, again: bool = False
    ) -> tuple[Json, Mapping[str, str]]:
        pause, left = _FIRST_PAUSE, _PATIENCE
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._once(method, path, query, body)
            except _LaterError as later:
                wait = pause if later.pause is None else later.pause
                harmless = method != "POST" or again or later.unheard
                if attempt == _ATTEMPTS or wait > left or not harmless:
                    raise later.error from None
            self._sleep(wait)
            left, pause = left - wait, pause * 2
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _once(self, method: str, path: str, query: Mapping[str, str], body: Json) -> tuple[Json, Mapping[str, str]]:
        where = self._clean(f"{method} {urlsplit(path).path}")
        try:
            status, headers, text = self._requester.requestJson(method, path, dict(query), {}, body)
            answer = self._clean(json.loads(text)) if text else None
        except requests.Timeout:
            raise _LaterError(ForgeError(f"{where}: the forge does not answer; try again later")) from None
        except requests.RequestException as error:
            text = f"{where}: the forge cannot be reached ({type(error).__name__}); look at the network, then try again"
            raise _LaterError(ForgeError(text), unheard=isinstance(error, requests.ConnectTimeout)) from None
        except ValueError:  # no JSON, or none in a known encoding
            raise _LaterError(ForgeError(f"{where}: the forge answered what is no JSON; try again later")) from None
        except (GithubException, RuntimeError, AssertionError) as error:  # its client asserts what it expects
            kind = type(error).__name__
            raise ForgeError(f"{where}: the forge's answer makes no sense ({kind}); is the address right?") from None
        headers = {name.lower(): self._clean(str(value)) for name, value in headers.items()}
        if not 200 <= status < 300:  # noqa: PLR2004 - the answers that say yes
            self._refuse(where, status, headers, answer)
        return answer, headers

    def _refuse(self, where: str, status: int, headers: Mapping[str, str], answer: Json) -> None:
        said = _message(answer)
        limited = status == 429 or (status == 403 and _limited(headers, said))  # noqa: PLR2004 - as GitHub documents
        if limited:
            pause = _asked_pause(headers)
            until = dt.datetime.fromtimestamp(time.time() + pause, dt.UTC)
            text = f"{where}: the forge's rate limit is reached until {until:%Y-%m-%d %H:%M:%S} UTC; try again then"
            raise _LaterError(ForgeError(text), pause, unheard=True)
        if status in _BROKEN:
            raise _LaterError(ForgeError(f"{where}: the forge is broken ({status}); try again later"), _told(headers))
        raise _error(where, status, headers, said)

    def _clean(self, value: Json) -> Json:
        """The same without the token, wherever it was repeated."""
        if isinstance(value, str):
            return value.replace(self._token, _HIDDEN).replace(quote(self._token, safe=""), _HIDDEN)
        if isinstance(value, list):
            return [self._clean(each) for each in value]
        if isinstance(value, dict):
            return {str(self._clean(name)): self._clean(each) for name, each in value.items()}
        return value


def _judge_token(token: str) -> None:
    if not token or _FORGED.search(token):  # a line break would end the header, and an error would show it all
        raise ForgeError("the token of the forge holds what no token holds: copy it again, without spaces and lines")


def _judged_address(address: str) -> str:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or parts.username or parts.query or parts.fragment or parts.scheme not in {"http", "https"}:
        raise ForgeError(f"the address of the forge's API must be like {ADDRESS}: set GITHUB_API_URL")
    if parts.scheme == "http" and host not in {"127.0.0.1", "localhost", "::1"}:
        raise ForgeError(f"the API of the forge at {host} is not https, so no token is sent there: set GITHUB_API_URL")
    return address.rstrip("/")


def _message(answer: Json) -> str:
    """What the server says about a failure, in one line."""
    if not isinstance(answer, dict):
        return ""
    found = [str(answer.get("message") or "")]
    errors = answer.get("errors")
    for each in errors if isinstance(errors, list) else [errors] if errors else []:
        if isinstance(each, dict):
            words = (each.get("message"), " ".join(str(each.get(name, "")) for name in ("resource", "field", "code")))
            found.append(str(next(word for word in words if word)))
        else:
            found.append(str(each))
    return " · ".join(ascii(" ".join(text.split()))[1:-1][:300] for text in found if text)[:600]


def _limited(headers: Mapping[str, str], said: str) -> bool:
    return "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0" or "rate limit" in said.lower()


def _told(headers: Mapping[str, str]) -> float | None:
    told = headers.get("retry-after", "").strip()
    return float(told) if re.fullmatch("[0-9]{1,6}", told) else None


def _asked_pause(headers: Mapping[str, str]) -> float:
    """Seconds to wait for, as GitHub documents: what it says, else until the limit is new, else a minute."""
    if (told := _told(headers)) is not None:
        return told
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and re.fullmatch("[0-9]{1,12}", reset):
        return max(1.0, int(reset) - time.time() + 1)
    return 60.0


def _error(where: str, status: int, headers: Mapping[str, str], said: str) -> ForgeError:
    why = f": {said}" if said else ""
    match status:
        case 401:
            text = "the forge does not know the token; make a new one, and set GITHUB_TOKEN"
            error = ForgeError(f"{where}{why}: {text}", forbidden=True)
        case 403:
            needs = headers.get("x-accepted-github-permissions") or headers.get("x-accepted-oauth-scopes", "")
            wanted = f" ({ascii(needs)[1:-1][:100]})" if needs else ""
            text = f"the token may not do that; give it the permission{wanted}, or ask who has it"
            error = ForgeError(f"{where}{why}: {text}", forbidden=True)
        case 404 | 410:
            text = "there is no such thing, or the token may not see it; look at --repo and the token"
            error = ForgeError(f"{where}{why}: {text}", missing=True)
        case 405 | 409:
            error = ForgeError(
                f"{where}: the forge cannot do that now{why}; look at the page, then try again", conflict=True
            )
        case 422:
            exists = "already_exists" in said or "already exists" in said
            error = ForgeError(f"{where}: the forge refused{why}", conflict=exists, refused=not exists)
        case moved if 300 <= moved < 400:  # noqa: PLR2004 - as the standard numbers them
            text = f"it is somewhere else now ({status}); was the repository renamed? name it by --repo"
            error = ForgeError(f"{where}: {text}")
        case _:
            error = ForgeError(f"{where}: the forge answered {status}{why}; try again later")
    return error
