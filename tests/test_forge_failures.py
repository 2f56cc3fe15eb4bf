"""What happens when the forge says no, is slow, is broken, or lies: a sentence with what to do, and never the token."""

from __future__ import annotations

import calendar
import io
import json
import logging
import re
import time
import traceback
from typing import TYPE_CHECKING

import pytest

from forges.accounts import ADA, BOB, EVE, ROBOT
from forges.server import Fault
from galleryctl.forge import ForgeError
from galleryctl.forge.api import Api
from galleryctl.forge.github import GitHub
from servers import Answer, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from forges.server import Server
    from servers import Asked

SECRET = ADA.token


def _waiting(server: Server, waits: list[float], timeout: int = 20) -> GitHub:
    return GitHub(server.repository, SECRET, address=server.url, timeout=timeout, sleep=waits.append)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault(401, "Bad credentials"), "does not know the token"),
        (Fault(403, "Resource not accessible by integration"), "may not do that"),
        (Fault(404, "Not Found"), "no such thing"),
        (Fault(409, "Git Repository is empty."), "cannot do that now"),
        (Fault(422, "Validation Failed"), "refused"),
        (Fault(418, "I'm a teapot"), "answered 418"),
        (Fault(307, "Moved Permanently", {"Location": "/elsewhere"}), "renamed"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Fault) else "",
)
def test_each_refusal_says_why_and_what_to_do(forge_server: Server, fault: Fault, text: str) -> None:
    waits: list[float] = []
    forge_server.fail(fault)
    with pytest.raises(ForgeError, match=text) as raised:
        _waiting(forge_server, waits).pull(1)
    assert raised.value.exit_code == 3
    assert "GET /repos/acme/gallery/pulls/1" in str(raised.value)
    assert re.escape(fault.message) in re.escape(str(raised.value)) or fault.status == 307
    assert (waits, len(forge_server.asked)) == ([], 1)


def test_a_weak_token_is_told_what_it_lacks(forge_server: Server) -> None:
    forge_server.fail(Fault(403, "Resource not accessible", {"X-Accepted-GitHub-Permissions": "statuses=write"}))
    with pytest.raises(ForgeError, match="statuses=write") as raised:
        forge_server.forge(EVE).mark("0" * 40, "galleryctl/verdict", "success", "")
    assert raised.value.forbidden


def test_a_wrong_token_is_a_sentence(forge_server: Server) -> None:
    with pytest.raises(ForgeError, match="does not know the token"):
        GitHub("acme/gallery", "ghp_wrong", address=forge_server.url).pull(1)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_broken_forge_is_asked_again(forge_server: Server, status: int) -> None:
    waits: list[float] = []
    forge_server.fail(Fault(status), Fault(status, raw=b"<html>oops</html>"))
    assert list(_waiting(forge_server, waits).pulls()) == []
    assert waits == [1.0, 2.0]


def test_patience_ends(forge_server: Server) -> None:
    waits: list[float] = []
    forge_server.fail(*[Fault(503)] * 4)
    with pytest.raises(ForgeError, match=r"broken \(503\); try again later"):
        list(_waiting(forge_server, waits).pulls())
    assert len(waits) == 3


def test_a_hangup_is_asked_again(forge_server: Server) -> None:
    waits: list[float] = []
    forge_server.fail(Fault(0))
    assert list(_waiting(forge_server, waits).pulls()) == []
    assert waits == [1.0]


def test_a_slow_forge_is_given_up(forge_server: Server) -> None:
    waits: list[float] = []
    forge_server.fail(*[Fault(200, pause=1.5)] * 4)
    start = time.monotonic()
    with pytest.raises(ForgeError, match="does not answer"):
        _waiting(forge_server, waits, timeout=1).pull(1)
    assert 3.5 < time.monotonic() - start < 15
    assert len(waits) == 3


def test_a_comment_is_not_posted_twice(forge_server: Server) -> None:
    """A server that breaks may have done it: what cannot be done twice is not tried again."""
    forge_server.push("change", {"new.txt": b"new"})
    ada = forge_server.forge(ADA)
    pull = ada.open(title="Change", body="", branch="change", base="main")
    for fault in (Fault(502), Fault(0)):
        forge_server.fail(fault)
        with pytest.raises(ForgeError, match="try again"):
            ada.comment(pull.number, "Hello")
        assert not forge_server.faults
    assert ada.notes(pull.number) == []
    forge_server.fail(Fault(502))
    ada.mark(pull.head, "galleryctl/verdict", "success", "Fine")  # the newest counts: twice is once
    assert len(ada.marks(pull.head, "galleryctl/verdict")) == 1


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        (Fault(429, "Too many requests", {"Retry-After": "7"}), 7.0),
        (Fault(403, "You have exceeded a secondary rate limit", {"Retry-After": "3"}), 3.0),
        (Fault(403, "You have exceeded a secondary rate limit. Please wait."), 60.0),
    ],
    ids=["429", "403", "no time given"],
)
def test_limits_are_waited_for(forge_server: Server, fault: Fault, wait: float) -> None:
    waits: list[float] = []
    forge_server.push("change", {"new.txt": b"new"})
    ada = _waiting(forge_server, waits)
    number = ada.open(title="Change", body="", branch="change", base="main").number
    forge_server.fail(fault)
    assert ada.comment(number, "Hello").text == "Hello"  # a limit means that nothing was done
    assert waits == [wait]


def test_the_limit_of_an_hour_names_its_end(forge_server: Server) -> None:
    reset = int(time.time()) + 1800
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    forge_server.fail(Fault(403, "API rate limit exceeded for user ID 1001.", headers))
    waits: list[float] = []
    with pytest.raises(ForgeError, match="rate limit is reached until") as raised:
        _waiting(forge_server, waits).pull(1)
    said = re.search(r"until (\S+ \S+) UTC", str(raised.value))
    assert said is not None
    end = time.strptime(said[1], "%Y-%m-%d %H:%M:%S")
    assert 0 <= calendar.timegm(end) - reset <= 3
    assert waits == []


def test_a_limit_that_is_nearly_over_is_waited_for(forge_server: Server) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 5)}
    forge_server.fail(Fault(403, "API rate limit exceeded", headers))
    waits: list[float] = []
    assert list(_waiting(forge_server, waits).pulls()) == []
    assert 4 <= waits[0] <= 7


def test_nobody_waits_as_long_as_a_server_likes(forge_server: Server) -> None:
    waits: list[float] = []
    forge_server.fail(Fault(429, "Slow down", {"Retry-After": "86400"}))
    with pytest.raises(ForgeError, match="rate limit"):
        _waiting(forge_server, waits).pull(1)
    assert waits == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"{}",
        b'{"number": true}',
        b"\xff\xfe",
        b"<!doctype html>",
        b'{"message": "fine"}',
        b"[" * 100_000,
    ],
    ids=lambda raw: raw[:12].decode(errors="replace"),
)
def test_nonsense_is_an_error_and_no_traceback(forge_server: Server, raw: bytes) -> None:
    calls: list[Callable[[GitHub], object]] = [
        lambda forge: forge.pull(1),
        lambda forge: forge.me(),
        lambda forge: list(forge.pulls()),
        lambda forge: forge.marks("0" * 40, "galleryctl/verdict"),
        lambda forge: forge.can_push(),
        lambda forge: forge.asked(1),
        lambda forge: forge.settings(),
        lambda forge: forge.clone_url(),
        lambda forge: forge.commit_files("a", "main", "b", {"c": b"d"}),
        lambda forge: forge.merge(1, "0" * 40),
        lambda forge: forge.read("a", "main"),
        lambda forge: forge.contributed(ADA.known),
    ]
    said: list[str] = []
    for call in calls:
        forge_server.faults.clear()
        forge_server.fail(*[Fault(200, raw=raw)] * 8)
        forge = _waiting(forge_server, [])
        try:
            call(forge)
        except ForgeError as error:
            said.append(str(error))
    forge_server.faults.clear()
    assert len(said) >= 6
    assert [each for each in said if not re.search("sense|something|JSON|branch", each)] == []


def test_the_rest_of_a_list_is_asked_of_the_same_server_only() -> None:
    with serving(lambda _: Answer(200, b"[]")) as other:
        answer = Answer(200, b"[]", {"Link": f'<{other.url}/steal?page=2>; rel="next"'})
        with serving(lambda _: answer) as served, pytest.raises(ForgeError, match="another server"):
            list(GitHub("acme/gallery", SECRET, address=served.url).pulls())
        assert other.asked == []


def test_a_list_without_end_ends() -> None:
    def endless(asked: Asked) -> Answer:
        return Answer(200, b"[]", {"Link": f'<http://{asked.headers["host"]}/repos?page=2>; rel="next"'})

    with serving(endless) as served, pytest.raises(ForgeError, match="does not end"):
        list(GitHub("acme/gallery", SECRET, address=served.url).pulls())


@pytest.mark.parametrize(
    "address",
    ["http://gallery.example/api", "ftp://gallery.example", "gallery.example", "https://", "https://a:b@c.example",
     "https://c.example/?x", "https://c.example:port"],
)  # fmt: skip
def test_the_token_goes_to_no_other_kind_of_address(address: str) -> None:
    with pytest.raises(ForgeError, match="GITHUB_API_URL") as raised:
        Api(SECRET, address)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("token", ["", f"{SECRET}\n", f" {SECRET}", "two words", f"{SECRET}\r\nX-Evil: 1", "gräte"])
def test_what_is_no_token_is_not_sent(token: str) -> None:
    with pytest.raises(ForgeError, match="copy it again") as raised:
        Api(token)
    assert token.strip() not in str(raised.value) or not token


@pytest.mark.parametrize("name", ["acme", "acme/", "/gallery", "a/b/c", "../..", "acme/..", ""])
def test_what_is_no_repository_is_not_asked(name: str) -> None:
    with pytest.raises(ForgeError, match="owner/name"):
        GitHub(name, SECRET)


def test_names_of_repositories_cannot_lead_elsewhere(forge_server: Server) -> None:
    with pytest.raises(ForgeError):
        GitHub("acme/gallery?x=1#y", SECRET, address=forge_server.url).can_push()
    assert forge_server.asked[-1].path == "/repos/acme/gallery%3Fx%3D1%23y"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(401, "Bad credentials: {token}"),
        Fault(403, "token {token} is weak", {"X-Accepted-GitHub-Permissions": "{token}"}),
        Fault(404, "Authorization: token {token}"),
        Fault(422, "{token}"),
        Fault(500, "{token}"),
        Fault(429, "{token}", {"Retry-After": "86400"}),
        Fault(307, "{token}", {"Location": "http://127.0.0.1/{token}"}),
        Fault(301, "{token}", {"Location": "http://{token}.example/{token}"}),
        Fault(200, raw=b'{"title": "{token}"'),
        Fault(200, raw=b'{"number": "{token}"}'),
    ],
    ids=lambda fault: str(fault.status),
)
def test_the_token_is_never_shown(forge_server: Server, fault: Fault, capsys: pytest.CaptureFixture[str]) -> None:
    """A server may repeat it anywhere; errors, their causes, and logs at their loudest do not."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    loggers = [logging.getLogger(), logging.getLogger("github")]
    before = [each.level for each in loggers]
    loggers[0].addHandler(handler)
    for each in loggers:
        each.setLevel(logging.DEBUG)
    try:
        forge_server.fail(*[fault] * 8)
        forge = _waiting(forge_server, [])
        with pytest.raises(ForgeError) as raised:
            forge.pull(1)
        forge_server.fail(Fault(200, raw=b"[]", headers={"X-Echo": "{token}"}))
        forge_server.faults.rotate(1)
        list(forge.pulls())
    finally:
        loggers[0].removeHandler(handler)
        for each, level in zip(loggers, before, strict=True):
            each.setLevel(level)
    error: BaseException | None = raised.value
    assert "".join(traceback.format_exception(raised.value)).count(SECRET) == 0
    while error is not None:
        assert SECRET not in str(error)
        error = error.__cause__
    assert "X-Echo".lower() in stream.getvalue()  # the client wrote down the whole answer
    assert SECRET not in stream.getvalue() + capsys.readouterr().err
    assert SECRET not in repr(forge) + repr(vars(forge))


def test_the_token_is_taken_out_of_answers(forge_server: Server) -> None:
    forge_server.push("change", {"new.txt": b"new"})
    ada = forge_server.forge(ADA)
    number = ada.open(title=f"My token is {SECRET}", body=f"See {SECRET}", branch="change", base="main").number
    ada.comment(number, f"{SECRET}!")
    shown = json.dumps([ada.pull(number).title, ada.pull(number).body, ada.notes(number)[0].text])
    assert SECRET not in shown
    assert shown.count("[token]") == 3


def test_who_an_app_is_can_be_asked_only_in_another_way(forge_server: Server) -> None:
    assert forge_server.forge(ROBOT).me().id == ROBOT.id
    assert [each.path for each in forge_server.asked] == ["/user", "/graphql"]
    forge_server.fail(Fault(403, "Resource not accessible by integration"), Fault(200, raw=b'{"errors": []}'))
    with pytest.raises(ForgeError, match="not accessible"):
        forge_server.forge(BOB).me()
