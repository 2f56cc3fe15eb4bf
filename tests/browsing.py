"""A built gallery in a real Chromium, which complains about every message, failure and request to another host."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page, Request

REPOSITORY = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or ""
needed = pytest.mark.skipif(not CHROMIUM, reason="needs Debian's chromium: apt-get install chromium")
NEWEST = 24
"""Rows of the home page."""
# The browser must not look anything up by itself; as root it has no sandbox.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:  # noqa: ANN401 - as the base class's
        pass

    def list_directory(self, path: Any) -> None:  # noqa: ANN401, ARG002 - the base class's signature
        self.send_error(404)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a folder's files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


class Visitor:
    """Opens pages of a site, each in a profile of its own, and keeps what a reader should never be the cause of."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.complaints: list[str] = []
        self.contexts: list[BrowserContext] = []

    def __call__(
        self,
        path: str = "",
        *,
        width: int = 1440,
        script: bool = True,
        before: str = "",
        missing: str = "",
        **options: Any,  # noqa: ANN401 - of the browser's context
    ) -> Page:
        """A page that answers; `before` is a script to run first, `missing` a pattern of files that are not found."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=script, **options
        )
        self.contexts.append(context)
        if before:
            context.add_init_script(before)
        if missing:
            context.route(missing, lambda route: route.fulfill(status=404))
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("request", self._requested)
        page.on("requestfailed", self._failed)
        page.goto(self.address + path)
        if script:
            page.wait_for_selector("html[data-ready]", state="attached")
        return page

    def _requested(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"request to {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # that one means that the reader went on before the answer came
            self.complaints.append(f"failed: {request.url}")

    def close(self) -> None:
        for context in self.contexts:
            context.close()


def records(site: Path) -> dict[str, dict[str, Any]]:
    """Every record of the English search documents, newest first, by id."""
    found = []
    for path in (site / "v1/search").glob("*.en.json"):
        document = json.loads(path.read_bytes())
        found += [{**record, "type": document["type"]} for record in document["models"]]
    found.sort(key=lambda record: record["id"])
    found.sort(key=lambda record: record.get("added", ""), reverse=True)
    return {record["id"]: record for record in found}


def ids(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(".row", "rows => rows.map(row => row.dataset.id)")
    return found


def having(site: Path, **wanted: str) -> list[str]:
    """Ids of the models with these values of facets, newest first."""
    chosen = wanted.items()
    return [key for key, record in records(site).items() if all(v in record["facets"].get(k, ()) for k, v in chosen)]


def status(page: Page, pattern: str) -> None:
    """Wait until the list says so."""
    from playwright.sync_api import expect  # noqa: PLC0415 - as the browser

    expect(page.locator("#status")).to_have_text(re.compile(pattern))
    expect(page.locator(".rows:not([aria-busy])")).to_have_count(1)


def found(page: Page, expected: list[str]) -> None:
    """The list has come to exactly these models, in this order."""
    page.wait_for_function(
        "ids => [...document.querySelectorAll('.row')].map(row => row.dataset.id).join() === ids.join()",
        arg=expected[:NEWEST],
        timeout=10_000,
    )
    count = f"^1–{NEWEST} of {len(expected)} " if len(expected) > NEWEST else f"^{len(expected)} of "
    status(page, count)


def url(page: Page, pattern: str) -> None:
    page.wait_for_url(re.compile(pattern))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled registry, built."""
    return built(REPOSITORY / "registry", tmp_path_factory.mktemp("gallery") / "site")


def built(registry: Path, out: Path) -> Path:
    """The site of a registry without errors."""
    return built_with(registry, out)


def built_with(registry: Path, out: Path, **wanted: Any) -> Path:  # noqa: ANN401 - fields of what is wanted
    """The same with more to show."""
    from galleryctl import building  # noqa: PLC0415 - tests that need no site should not wait for it

    done = building.build(building.Wanted(registry, out, now=dt.datetime.now(dt.UTC), **wanted))
    assert done.errors == ()
    return out


@pytest.fixture(scope="session")
def served(site: Path) -> Iterator[str]:
    with serving(site) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - 160 MB that other tests do not need

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, served: str) -> Iterator[Visitor]:
    """Open a page: `visit("models/", width=360, color_scheme="dark", script=False)`."""
    visitor = Visitor(browser, served)
    yield visitor
    visitor.close()
    assert visitor.complaints == []
