"""Serving: real requests to a real server, real changes of files, a real Ctrl-C."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL, write
from galleryctl import serve
from galleryctl.errors import GalleryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from galleryctl.building import Done

    Make = Callable[..., Path]

MODEL = "models/llm/acme/tiny/model.yaml"
PAGE = "/models/acme/tiny/"
SECONDS = 20.0


def described(done: Done, seconds: float) -> str:
    assert seconds >= 0
    return "; ".join(f"{problem.path}: {problem.code}" for problem in done.errors) or f"built {done.models}"


class Serving:
    """A running server: where it listens, and what it has said."""

    def __init__(self, registry: Path, out: Path) -> None:
        self.registry, self.out = registry, out
        self.said: list[str] = []
        self.stop = threading.Event()
        self.code: int | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self.port = int(self.wait_for(r"Serving on http://127\.0\.0\.1:(\d+)"))

    def _run(self) -> None:
        self.code = serve.run(
            self.registry, self.out, port=0, jobs=1, say=self.said.append, describe=described, stop=self.stop
        )

    def wait_for(self, pattern: str) -> str:
        """The first group of the first line that was said so, soon."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for line in list(self.said):
                if match := re.search(pattern, line, re.DOTALL):
                    return match[1] if match.groups() else match[0]
            time.sleep(0.02)
        raise AssertionError(f"nobody said {pattern!r}: {self.said}")

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, http.client.HTTPMessage, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    @contextmanager
    def events(self) -> Iterator[Callable[[], str]]:
        """A function that gives the next event that is no comment."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        connection.request("GET", serve.LIVE)
        answer = connection.getresponse()
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.readline() == b"retry: 1000\n"

        def following() -> str:
            while not (line := answer.readline().decode()).startswith("data:"):
                assert line, "the stream ended"
            return line.strip()

        try:
            yield following
        finally:
            connection.close()


@pytest.fixture
def serving(registry: Make, tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    started: list[Serving] = []

    def start(files: dict[str, str] | None = None) -> Serving:
        started.append(Serving(registry(files), tmp_path / "site"))
        return started[-1]

    yield start
    for each in started:
        each.stop.set()
        each.thread.join(SECONDS)
        assert each.code == 0


def test_pages_are_served_and_know_of_reloads(serving: Callable[..., Serving]) -> None:
    server = serving()
    status, headers, body = server.get("/")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    script = re.search(r'src="\.(/assets/live\.js[^"]*)"', body)
    assert script is not None
    assert f"new EventSource('{serve.LIVE}')" in server.get(script[1])[2]
    status, headers, body = server.get(PAGE)
    assert (status, "A small chat model for tests." in body, "live.js" in body) == (200, True, True)
    assert server.get(PAGE.rstrip("/"))[0] == 301
    assert server.get("/v1/catalog.json")[1]["Content-Type"] == "application/json"
    assert server.get("/feed.atom")[1]["Content-Type"] == "application/atom+xml"
    assert server.get("/.well-known/gallery.json")[0] == 200


def test_a_change_is_built_and_told(serving: Callable[..., Serving]) -> None:
    server = serving()
    with server.events() as following:
        text = f"{MINIMAL[MODEL]}".replace("A small chat model for tests.", "Quite another sentence.")
        write(server.registry, {MODEL: text})
        assert following() == "data: reload"
        assert "Quite another sentence." in server.get(PAGE)[2]
        write(server.registry, {MODEL: text.replace("Quite", "Yet")})
        assert following() == "data: reload"
        assert "Yet another sentence." in server.get(PAGE)[2]


def test_a_broken_definition_leaves_the_last_good_page_up(serving: Callable[..., Serving]) -> None:
    server = serving()
    with server.events() as following:
        write(server.registry, {MODEL: "title: Tiny\nsummary: Broken.\nlicense: [\n"})
        server.wait_for(r"registry/models/llm/acme/tiny/model\.yaml: YML001")
        assert "A small chat model for tests." in server.get(PAGE)[2]
        write(server.registry, {MODEL: f"{MINIMAL[MODEL]}".replace("A small chat model for tests.", "Mended.")})
        assert following() == "data: reload"
        assert "Mended." in server.get(PAGE)[2]


def test_a_registry_that_begins_broken_is_served_once_it_is_mended(serving: Callable[..., Serving]) -> None:
    server = serving({MODEL: "title: [\n"})
    status, _, body = server.get("/")
    assert (status, "Not built yet" in body, serve.LIVE in body) == (404, True, True)
    with server.events() as following:
        write(server.registry, {MODEL: f"{MINIMAL[MODEL]}"})
        assert following() == "data: reload"
    assert "A small chat model for tests." in server.get(PAGE)[2]


def test_what_is_not_there_is_404_with_its_page(serving: Callable[..., Serving]) -> None:
    server = serving()
    status, headers, body = server.get("/models/acme/none/")
    assert (status, headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert body == (server.out / "404.html").read_text()
    assert server.get("/nothing", method="HEAD")[0] == 404


def test_no_listing_and_nothing_hidden(serving: Callable[..., Serving]) -> None:
    server = serving()
    page = (server.out / "404.html").read_text()
    manifest = "galleryctl-manifest.json"
    for path in ("/v1/", "/v1", "/assets/", f"/.{manifest}", f"/%2e{manifest}", "/.well-known/"):
        status, headers, body = server.get(path)
        if status == 301:
            status, headers, body = server.get(headers["Location"])
        assert (path, status, body == page) == (path, 404, True)


def test_no_path_leads_out(serving: Callable[..., Serving]) -> None:
    server = serving()
    (server.out.parent / "secret.txt").write_text("do not tell")
    for path in (
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "//../secret.txt",
        "/models/..\\../secret.txt",
    ):
        status, _, body = server.get(path)
        assert (path, status, "do not tell" in body) == (path, 404, False)


def test_only_this_machine_is_answered(serving: Callable[..., Serving]) -> None:
    server = serving()
    others = [info[4][0] for info in socket.getaddrinfo("127.0.0.2", server.port, family=socket.AF_INET)]
    with socket.socket() as elsewhere:
        elsewhere.settimeout(SECONDS)
        assert elsewhere.connect_ex((str(others[0]), server.port)) != 0


def test_a_port_that_is_taken_is_said(registry: Make, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(GalleryError, match=rf"port {port} cannot be used .*--port 0") as failed:
            serve.run(registry(), tmp_path / "site", port=port, jobs=1, say=print, describe=described)
    assert failed.value.exit_code == 3
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(("out", "ending"), [(None, signal.SIGINT), (None, signal.SIGTERM), ("site", signal.SIGINT)])
def test_ctrl_c_ends_it_soon_and_cleanly(
    registry: Make, tmp_path: Path, out: str | None, ending: signal.Signals
) -> None:
    folder, temporary = registry(), tmp_path / "temporary"
    temporary.mkdir()
    words = ["serve", "--registry", str(folder), "--port", "0", *(["--out", str(tmp_path / out)] if out else [])]
    process = subprocess.Popen(
        [sys.executable, "-m", "galleryctl", *words],
        env={**os.environ, "TMPDIR": str(temporary)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    lines: list[str] = []
    while not any(line.startswith("Ctrl-C") for line in lines):
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    assert any(re.fullmatch(r"Serving on http://127\.0\.0\.1:\d+\n", line) for line in lines)
    start = time.monotonic()
    process.send_signal(ending)
    stdout, stderr = process.communicate(timeout=SECONDS)
    assert process.returncode in {0, 130}
    assert time.monotonic() - start < 5
    assert (stdout, "Traceback" in stderr) == ("", False)
    assert list(temporary.iterdir()) == []
    assert out is None or (tmp_path / out / "index.html").is_file()
