"""Answers whose bodies are read as they come: parts of files, ended from outside, and through redirects."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from galleryctl.fetch import BrokenError, FetchError, Http, Limits, transport
from servers import Answer, files, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = bytes(range(256)) * 1000


def http() -> Http:
    return Http(allow_private=True, sleep=lambda _: None)


def test_opened_tells_what_a_part_is() -> None:
    with serving(files({"a": DATA})) as served:
        with http().opened(f"{served.url}/a", headers={"range": "bytes=10-19"}) as answer:
            assert (answer.status, b"".join(answer.chunks), answer.encoded) == (206, DATA[10:20], False)
            assert answer.headers["content-range"] == f"bytes 10-19/{len(DATA)}"
        assert served.asked[0].headers["accept-encoding"] == "identity"


def test_opened_tells_that_a_server_compresses_all_the_same() -> None:
    packed = Answer(200, gzip.compress(DATA), {"Content-Encoding": "gzip"})
    with serving(lambda _: packed) as served:
        with http().opened(f"{served.url}/a", headers={"accept-encoding": "identity"}) as answer:
            assert answer.encoded
            assert b"".join(answer.chunks) == DATA
        assert served.asked[0].headers["accept-encoding"] == "identity"


def test_conditions_of_a_part_follow_to_another_host_and_secrets_do_not() -> None:
    given = {"range": "bytes=1-", "if-range": '"1"', "authorization": "Bearer secret", "cookie": "secret"}
    with serving(files({"a": DATA})) as there:
        moved = Answer(302, b"", {"Location": f"{there.url}/a"})
        with serving(lambda _: moved) as here, http().opened(f"{here.url}/a", headers=given) as answer:
            assert (answer.url, b"".join(answer.chunks)) == (f"{there.url}/a", DATA[1:])
        assert here.asked[0].headers["authorization"] == "Bearer secret"
        assert there.asked[0].headers["if-range"] == '"1"'
        assert {"authorization", "cookie"}.isdisjoint(there.asked[0].headers)


def test_an_answer_is_cut_from_another_thread() -> None:
    def slow() -> Iterator[bytes]:
        yield DATA
        time.sleep(30)

    with serving(lambda _: Answer(200, slow, {"Content-Length": "999999999"})) as served:
        start = time.monotonic()
        with http().opened(f"{served.url}/a") as answer:
            threading.Timer(0.2, answer.cut).start()
            with pytest.raises(BrokenError):
                list(answer.chunks)
        assert time.monotonic() - start < 10


def test_a_step_is_as_long_as_it_may_be() -> None:
    def silent() -> Iterator[bytes]:
        yield b"x"
        time.sleep(5)

    limits = Limits(step=0.2, attempts=1)
    with (
        serving(lambda _: Answer(200, silent)) as served,
        http().opened(f"{served.url}/a", limits=limits) as answer,
        pytest.raises(BrokenError, match="does not answer in time"),
    ):
        list(answer.chunks)


def test_the_head_of_an_answer_takes_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_HEAD", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection = server.accept()[0]
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                for _ in range(100):
                    connection.sendall(b"x")
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        start = time.monotonic()
        with (
            pytest.raises(FetchError, match=r"took longer than it may|does not answer in time"),
            http().opened(f"http://127.0.0.1:{server.getsockname()[1]}/", limits=Limits(seconds=999, attempts=1)),
        ):
            pass
        assert time.monotonic() - start < 4
