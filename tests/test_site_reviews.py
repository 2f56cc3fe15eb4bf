"""The queue of reviews on the site, what can be done to a model, and the lists of who keeps the gallery."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from browsing import Visitor, built_with, needed, serving
from galleryctl.audience import project
from galleryctl.gallery import Gallery
from galleryctl.policy import Verdict
from galleryctl.reviewing.labels import labels
from galleryctl.site import maintaining, reviews
from galleryctl.spec import Roles, Settings, Taxonomy
from galleryctl.spec.review import KINDS, RISKS, Queue
from made import NOW, TYPES, entry, view
from test_site import HOSTILE, SETTINGS, model, render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser

    from conftest import Result

PULL: dict[str, Any] = {
    "number": 803,
    "title": "Correct the licence",
    "url": "https://forge.example/acme/models/pull/803",
    "author": "contributor",
    "first": True,
    "models": ["acme/tiny", "acme/unborn"],
    "kinds": ["text"],
    "risks": ["licence"],
    "turn": "reviewer",
    "waiting_on": ["bob", "chen", "dora", "eve"],
    "why": "A reviewer has to approve the licence.",
    "since": "2026-01-01T00:00:00Z",
    "spent": {"author": 3600, "reviewer": 93_600},
    "checks": "ok",
    "files": 2,
}


def queue(*pulls: dict[str, Any], **fields: Any) -> Queue:  # noqa: ANN401 - fields of the document
    told = {"at": "2026-01-02T02:00:00Z", "target": 72 * 3600, "pulls": [PULL | pull for pull in pulls], **fields}
    return Queue.model_validate_json(json.dumps(told))


def pages(told: Queue | None, **options: Any) -> dict[str, str]:  # noqa: ANN401 - fields of the view
    return render(replace(view(entry("acme/tiny"), entry("acme/other"), settings=SETTINGS), queue=told, **options))


def text(page: str) -> str:
    """The words of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_the_queue_says_whose_turn_it_is_and_since_when() -> None:
    found = pages(queue({}, first_answer={"median": 32_400, "p95": 219_600}))
    page = found["review/index.html"]
    words = text(page)
    for part in ("1 d 2 h", "Correct the licence", "#803", "Reviewer", "bob, chen, dora and 1 more",
        "first contribution", "licence", "9 h", "2 d 13 h", "as of 2 Jan 2026, 02:00 UTC", "author 1 h, others 1 d 2 h",
        "2 files",
    ):  # fmt: skip
        assert part in words, part
    assert 'href="../models/acme/tiny/"' in page
    assert "models/acme/unborn" not in page, "a page that the gallery does not have"
    assert Queue.model_validate_json(found["review/queue.json"]) == queue(
        {}, first_answer={"median": 32_400, "p95": 219_600}
    )


def test_every_label_leads_to_what_it_means() -> None:
    page = pages(None)["review/index.html"]
    verdict = Verdict("error", "manual", "us", (), "", (), (), (), None, tuple(KINDS), tuple(RISKS))
    found = labels(verdict, "https://models.example", first=True) | labels(
        replace(verdict, turn="author"), "https://models.example", stale=True
    )
    assert len(found) > 14
    for name, said in found.items():
        target = said.rpartition("/review/#")[2]
        assert f'id="{target}"' in page, name


def test_a_model_shows_what_is_open_about_it() -> None:
    found = pages(queue({}))
    assert "Correct the licence" in model(found, "tiny")
    assert "No open pull request changes this model." in text(model(found, "other"))
    assert "Correct the licence" in found["publishers/acme/index.html"]


def test_absent_data_is_said_and_not_faked() -> None:
    found = pages(None)
    assert "Nothing is known about open reviews." in text(found["review/index.html"])
    assert "built without the queue of reviews" in text(model(found, "tiny"))
    assert "review/queue.json" not in found
    assert "Nothing is open." in text(pages(queue())["review/index.html"])


def test_what_is_late_is_marked_and_the_authors_time_is_not() -> None:
    late = {"since": "2025-12-20T00:00:00Z"}
    assert 'class="late"' in pages(queue(late))["review/index.html"]
    assert 'class="late"' not in pages(queue(late | {"turn": "author"}))["review/index.html"]
    assert 'class="late"' not in pages(queue({}))["review/index.html"]


def test_a_hostile_title_stays_text() -> None:
    hidden = "Fine\u202e\u200b\n\x1b[31m " + HOSTILE
    page = pages(queue({"title": hidden, "author": HOSTILE, "why": HOSTILE, "url": "javascript:alert(1)"}))
    for path in ("review/index.html", "models/acme/tiny/index.html"):
        assert "<script>alert" not in page[path]
        assert "<img" not in page[path]
        assert "javascript:" not in page[path]
        assert not {"\u202e", "\u200b", "\x1b"} & set(page[path])


def test_a_title_is_cut() -> None:
    assert len(reviews.plain("x" * 1000)) == 160


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 min"), (59, "0 min"), (480, "8 min"), (3600, "1 h"), (86_400, "1 d"), (97_200, "1 d 3 h"), (-5, "0 min")],
)
def test_durations(seconds: int, shown: str) -> None:
    assert reviews.duration(seconds) == shown


def test_a_page_changes_only_with_what_it_shows() -> None:
    def prints(told: Queue | None) -> dict[str, str]:
        from galleryctl import site  # noqa: PLC0415 - here only
        from test_site import LOOK  # noqa: PLC0415 - here only

        seen = replace(view(entry("acme/tiny"), entry("other/one"), settings=SETTINGS), queue=told)
        return {output.path: output.depends_on for output in site.outputs(seen, LOOK)}

    one, other = prints(queue({})), prints(queue({"title": "Another"}))
    changed = {path for path in one if one[path] != other[path]}
    assert changed == {
        "review/index.html", "review/queue.json", "models/acme/tiny/index.html", "publishers/acme/index.html"
    }  # fmt: skip


def test_the_queue_of_a_private_repository_names_nothing_that_is_kept() -> None:
    seen = Gallery.of([entry("acme/tiny"), entry("acme/secret", visibility="restricted", allowed=["partners"])])
    told = queue(
        {"models": ["acme/tiny"]},
        {"number": 2, "title": "secret", "models": ["acme/tiny", "acme/secret"]},
        {"number": 3, "title": "unborn secret", "models": ["acme/unborn"]},
        {"number": 4, "title": "secret roles", "models": []},
    )

    def numbers(*, strangers: bool) -> list[int]:
        found = project(
            seen, settings=Settings(title="T"), roles=Roles(), taxonomy=Taxonomy(), types=TYPES, publishers={},
            consumers={}, tombstones={}, now=NOW, queue=told, strangers=strangers,
        ).queue  # fmt: skip
        assert found is not None
        return [pull.number for pull in found.pulls]

    assert numbers(strangers=True) == [803, 2, 3, 4]
    assert numbers(strangers=False) == [803]


def test_lists_of_who_keeps_the_gallery_show_the_withdrawn() -> None:
    entries = entry("acme/tiny"), entry("acme/away", listed=False, reason="Too old.")
    public = render(view(*entries, settings=SETTINGS))
    admin = render(replace(view(*entries, settings=SETTINGS), include=frozenset({"unlisted"})))
    assert "acme/away" not in public["index.html"]
    assert "acme/away" in admin["index.html"]
    assert "For who keeps the gallery" not in public["index.html"]
    assert "For who keeps the gallery" in admin["index.html"]
    assert 'content="noindex"' in admin["index.html"]


def test_the_index_does_not_know_who_keeps_the_gallery(
    registry: Callable[..., Path], run: Callable[..., Result], tmp_path: Path
) -> None:
    root = registry()
    path = root / "models/llm/acme/tiny/model.yaml"
    path.write_text(path.read_text() + "listed: false\nreason: Too old.\n")
    now = ("--now", "2026-01-02")
    assert run("build", "-r", root, "-o", tmp_path / "a", *now).exit_code == 0
    assert run("build", "-r", root, "-o", tmp_path / "b", "--include", "unlisted", *now).exit_code == 0
    for name in ("v1/types/llm.json", "v1/catalog.json", "v1/directory.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert "Tiny" in (tmp_path / "b/index.html").read_text()
    assert "Tiny" not in (tmp_path / "a/index.html").read_text()


def test_a_number_that_no_reader_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="number"):
        queue({"number": 10**30})
    with pytest.raises(ValueError, match="spent"):
        queue({"spent": {"author": 10**30}})


def test_a_file_that_is_no_queue_is_refused(
    registry: Callable[..., Path], run: Callable[..., Result], tmp_path: Path
) -> None:
    file = tmp_path / "review.json"
    file.write_text('{"at": "yesterday", "pulls": []}')
    done = run("build", "-r", registry(), "-o", tmp_path / "site", "--review", file)
    assert done.exit_code == 2
    assert "at: " in done.stderr
    assert "review queue" in done.stderr
    assert not (tmp_path / "site").exists()


def tasks(**fields: Any) -> dict[str, maintaining.Task]:  # noqa: ANN401 - fields of `model.yaml`
    return {task.title: task for task in maintaining.tasks(SETTINGS, entry("acme/tiny", **fields).outline)}


def test_every_task_names_its_command_and_opens_the_right_file() -> None:
    found = tasks()
    assert list(found) == ["New release", "Edit", "Withdraw", "Deprecate", "Discontinue", "Expire"]
    edit = "https://forge.example/acme/models/edit/main/registry/models/llm/acme/tiny/model.yaml"
    assert {task.href for title, task in found.items() if title != "New release"} == {edit}
    new = found["New release"].href
    assert new.startswith(
        "https://forge.example/acme/models/new/main/registry/models/llm/acme/tiny?filename=1.1.0.yaml&"
    )
    assert all("acme/tiny" in task.command for task in found.values())


def test_tasks_follow_the_state_of_a_model() -> None:
    gone = tasks(status="discontinued", reason="Old.", listed=False, expires="2027-01-01")
    assert list(gone) == ["New release", "Edit", "Deploy", "Reinstate", "Renew"]
    assert maintaining.tasks(Settings(title="T"), entry().outline)[0].href == ""


@needed
def test_the_queue_in_a_browser(browser: Browser, registry: Callable[..., Path], tmp_path: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - as the browser

    told = queue({}, {"number": 4, "turn": "author", "title": "Mine " * 30, "checks": "problems", "codes": ["LIC001"]},
        {"number": 5, "turn": "clock", "lane": "release", "earliest": "2026-01-02T02:08:00Z"},
        {"number": 6, "since": "2025-12-20T00:00:00Z"})  # fmt: skip
    site = built_with(registry(), tmp_path / "site", queue=told)
    with serving(site) as address:
        visitor = Visitor(browser, address)
        page = visitor("review/", width=360, reduced_motion="reduce")
        assert page.locator(".queue tbody tr:visible").count() == 4
        page.click("text=/^Author 1/")
        assert page.locator(".queue tbody tr:visible").count() == 1
        assert page.url.endswith("?turn=author")
        assert visitor("review/?turn=clock").locator(".queue tbody tr:visible").count() == 1
        assert visitor("review/", script=False).locator(".queue tbody tr:visible").count() == 4
        page.click("text=/^Everybody/")
        page.evaluate(Axe().axe_script)
        check = (
            "async () => (await axe.run({resultTypes: ['violations']})).violations.map(v => [v.id, v.nodes[0].html])"
        )
        for width in (360, 768, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
            assert page.evaluate(check) == []
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(check) == []
        visitor.close()
        assert visitor.complaints == []
