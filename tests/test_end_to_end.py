"""The whole line, seen by a browser: the bundled registry, built, served over HTTP, and used in a real Chromium.

Every test fails on a console message, a failed request, or a request to another host.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from galleryctl import building

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
REPOSITORY = Path(__file__).parents[1]
WIDTHS = (360, 768, 1440)
PAGES = {
    "home": "",
    "all": "models/",
    "type": "types/llm/",
    "publishers": "publishers/",
    "publisher": "publishers/qwen/",
    "model": "models/qwen/qwen3/",
    "changes": "changes/",
    "about": "about/",
    "rules": "rules/",
    "lost": "404.html",
}
# The browser must not look anything up by itself; as root it has no sandbox.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

pytestmark = pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="needs Debian's chromium: apt-get install chromium")  # noqa: PTH110


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:  # noqa: ANN401
        pass

    def list_directory(self, path: Any) -> None:  # noqa: ANN401, ARG002 - the base class's signature
        self.send_error(404)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled registry, built."""
    out = tmp_path_factory.mktemp("gallery") / "site"
    done = building.build(building.Wanted(REPOSITORY / "registry", out, now=dt.datetime.now(dt.UTC)))
    assert done.errors == ()
    return out


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - 160 MB that other tests do not need

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open a page: `visit("models/", width=360, dark=True, script=False)`."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def requested(url: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            complaints.append(f"request to {url}")

    def call(path: str = "", *, width: int = 1440, dark: bool = False, script: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", lambda request: requested(request.url))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on("response", lambda answer: complaints.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None)
        page.goto(address + path)
        return page

    yield call
    for context in contexts:
        context.close()
    assert complaints == []


def status(page: Page, text: str) -> None:
    page.wait_for_function("text => document.querySelector('#status').textContent.includes(text)", arg=text)


def ids(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(".row", "rows => rows.map(row => row.dataset.id)")
    return found


def test_searching_as_one_types_finds_and_forgives(visit: Callable[..., Page]) -> None:
    page = visit()
    page.keyboard.press("/")
    page.keyboard.type("whispr")
    status(page, "of")
    page.wait_for_function("document.querySelector('.row')?.dataset.id.includes('whisper')")
    assert "q=whispr" in page.url
    page.keyboard.press("Escape")
    page.wait_for_function("document.querySelectorAll('.row').length === 24")
    assert "q=" not in page.url


def test_chinese_is_found(visit: Callable[..., Page]) -> None:
    page = visit("?q=对话")
    page.wait_for_function("document.querySelector('#status').textContent.includes('models')")
    assert ids(page)


def test_filters_narrow_count_and_stand_in_the_address(visit: Callable[..., Page]) -> None:
    page = visit()
    before = ids(page)
    page.check("input[name=abilities][value=chat]")
    page.wait_for_function("new URLSearchParams(location.search).get('abilities') === 'chat'")
    status(page, "all")
    total = int(page.locator("label:has(input[name=abilities][value=chat]) .count").inner_text())
    assert str(total) in page.inner_text("#status")
    assert all(page.eval_on_selector_all(".row", "rows => rows.map(row => row.dataset.type === 'llm')"))
    page.click(".active .chip")
    page.wait_for_function("!location.search")
    assert ids(page) == before
    page.go_back()
    page.wait_for_function("new URLSearchParams(location.search).get('abilities') === 'chat'")
    assert page.is_checked("input[name=abilities][value=chat]")


def test_an_address_with_a_search_can_be_shared(visit: Callable[..., Page]) -> None:
    page = visit("?q=embedding&licence=allowed&sort=name")
    status(page, "of")
    page.wait_for_function("document.querySelectorAll('.chip.on').length === 1")
    titles = page.eval_on_selector_all(".row h3", "rows => rows.map(row => row.textContent)")
    assert titles == sorted(titles, key=str.casefold) or len(titles) > 1
    assert page.input_value("#q") == "embedding"
    assert page.input_value("#sort") == "name"


def test_a_search_without_results_says_so_and_can_be_cleared(visit: Callable[..., Page]) -> None:
    page = visit("?q=zzzzzzzzzz")
    page.wait_for_selector("#none:not([hidden])")
    page.click("#clear")
    page.wait_for_function("document.querySelectorAll('.row').length === 24")


def test_the_budget_moves_what_fits(visit: Callable[..., Page]) -> None:
    page = visit()
    page.focus("#gib")
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#gib", "aria-valuetext") == "1 GiB"
    assert page.locator(".row .fit.no").count() > 0
    page.reload()
    assert page.get_attribute("#gib", "aria-valuetext") == "1 GiB"


def test_a_model_is_opened_with_the_keyboard(visit: Callable[..., Page]) -> None:
    page = visit()
    first = page.get_attribute(".row h3 a", "href")
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(".mhead h1")
    assert first is not None
    assert page.url.endswith(first.removeprefix("./"))


def test_ids_digests_and_commands_are_copied(visit: Callable[..., Page]) -> None:
    page = visit("models/qwen/qwen3/")
    page.click(".idline .copy")
    assert page.evaluate("navigator.clipboard.readText()") == "qwen/qwen3"
    page.wait_for_selector("#toast.show")
    page.locator(".runs .cmd:visible .copy").first.click()
    page.wait_for_function("navigator.clipboard.readText().then(text => text !== 'qwen/qwen3')")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator(".runs .cmd:visible pre").first.inner_text()


def test_what_to_run_and_its_memory_follow_the_choice(visit: Callable[..., Page]) -> None:
    page = visit("models/qwen/qwen3/")
    before = page.inner_text("#runneed")
    page.select_option("#target", index=1)
    assert page.inner_text("#runneed") != before
    tabs = page.get_by_role("tab")
    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    assert tabs.nth(1).get_attribute("aria-selected") == "true"
    page.select_option("#mine", "8")
    assert "8 GiB" in page.inner_text(".legend")


def test_the_theme_is_chosen_and_kept(visit: Callable[..., Page]) -> None:
    page = visit(dark=True)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme-switch")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.goto(page.url + "about/")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark


def test_everything_can_be_browsed_without_script(visit: Callable[..., Page]) -> None:
    page = visit(script=False)
    page.click("text=/All \\d+ models/")
    page.click(".pager >> text=Next")
    assert page.locator(".row").count() > 0
    page.click(".row h3 a >> nth=0")
    assert page.locator(".card").count() > 0
    assert page.locator(".runs > section").first.is_visible()


def test_every_model_is_reached_by_links_alone(visit: Callable[..., Page], site: Path) -> None:
    found: set[str] = set()
    path = "models/"
    while path:
        page = visit(path, script=False)
        found.update(ids(page))
        link = page.query_selector("link[rel=next]")
        target = link.get_attribute("href") if link else None
        path = str(page.evaluate("href => new URL(href, location.href).pathname.slice(1)", target)) if target else ""
    assert found
    assert all((site / "models" / identifier / "index.html").is_file() for identifier in found)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways(visit: Callable[..., Page], name: str, width: int) -> None:
    page = visit(PAGES[name], width=width)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visit: Callable[..., Page], name: str, *, dark: bool) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - as playwright

    for width in (360, 1440):
        page = visit(PAGES[name], width=width, dark=dark)
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
        said = [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in found.response["violations"]]
        assert said == []


@pytest.mark.parametrize("name", ["home", "model"])
def test_axe_finds_nothing_without_script(visit: Callable[..., Page], name: str) -> None:
    # axe itself is a script: the page is as it would be without its own.
    page = visit(PAGES[name], script=False)
    assert page.locator("h1").count() == 1
    assert page.locator(".js-only:visible").count() == 0


def test_the_home_page_is_light_before_the_first_search(browser: Browser, address: str, site: Path) -> None:
    import gzip  # noqa: PLC0415 - only here

    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    context.close()
    paths = [url.removeprefix(address).partition("?")[0] or "index.html" for url in asked]
    assert not any(path.startswith("v1/search") for path in paths)
    assert sum(len(gzip.compress((site / path).read_bytes())) for path in paths) <= 150_000
