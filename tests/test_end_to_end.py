"""Lists in a real browser: the bundled registry, built, served over HTTP, searched, filtered, ordered and paged.

Every test fails on a console message, an error, a failed request, or a request to another host.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

import pytest

from browsing import NEWEST, found, having, ids, needed, records, status, url
from galleryctl.memory import Build
from galleryctl.site import fit

if TYPE_CHECKING:
    from pathlib import Path

    from browsing import Visitor

pytestmark = needed

# searching


def test_searching_as_one_types_finds_and_forgives(visit: Visitor) -> None:
    page = visit()
    built = ids(page)
    page.keyboard.press("/")
    page.keyboard.type("whispr")
    status(page, r"^\d of \d+ models")
    assert ids(page)
    assert all("whisper" in identifier for identifier in ids(page))
    url(page, "q=whispr$")
    page.wait_for_selector(f".vh[role=status]:text-is('{page.inner_text('#status')}')", state="attached")
    page.keyboard.press("Escape")
    found_again = "ids => [...document.querySelectorAll('.row')].map(row => row.dataset.id).join() === ids.join()"
    page.wait_for_function(found_again, arg=built)
    url(page, r"/$")


@pytest.mark.parametrize(
    ("query", "pattern"),
    [("对话", "对话"), ("8b", r"(?i)(?<![\d.])8b"), ("1.7B", r"(?i)(?<![\d.])1\.7b"), ("qwen3", r"(?i)qwen.?3")],
)
def test_words_of_every_kind_are_found(visit: Visitor, site: Path, query: str, pattern: str) -> None:
    def said(record: dict[str, Any]) -> str:
        return " ".join(str(record.get(name, "")) for name in ("title", "id", "publisher", "words", "summary"))

    having = [record["id"] for record in records(site).values() if re.search(pattern, said(record))]
    page = visit(f"?q={query}")
    status(page, rf"^(\d+|1–{NEWEST}) of .*( in all|models)$(?<!^1–{NEWEST} of {len(records(site))} models)")
    total = re.search(r"^(\d+) of \d+ models|of (\d+) matching", page.inner_text("#status"))
    assert total is not None
    assert int(total[1] or total[2]) == len(having) > 0
    assert set(ids(page)) <= set(having)


def test_one_search_goes_over_all_types_and_within_a_type_over_one(visit: Visitor) -> None:
    page = visit("?q=qwen")
    status(page, r"matching|^\d+ of \d+ models")
    assert len(set(page.eval_on_selector_all(".row", "rows => rows.map(row => row.dataset.type)"))) > 1
    page.click(".tabs a[data-type=embedding]")  # the question goes along
    url(page, r"types/embedding/\?q=qwen$")
    status(page, r"^\d+ of \d+ models")
    assert set(page.eval_on_selector_all(".row", "rows => rows.map(row => row.dataset.type)")) == {"embedding"}


def test_what_is_called_so_comes_first_however_it_is_written(visit: Visitor) -> None:
    page = visit("?q=llama3")
    status(page, r"^\d+ of \d+ models")
    assert ids(page)[0] == "meta-llama/llama-3"


def test_a_search_without_results_says_so_and_can_be_cleared(visit: Visitor) -> None:
    page = visit("?q=zzzzzzzzzz")
    page.wait_for_selector("#none:not([hidden])")
    status(page, "^0 of ")
    page.click("#clear")
    page.wait_for_selector("#none", state="hidden")
    status(page, f"^1–{NEWEST} of")
    assert len(ids(page)) == NEWEST


# filters, orders and pages


def test_filters_narrow_count_and_stand_in_the_address(visit: Visitor, site: Path) -> None:
    page = visit()
    built = ids(page)
    page.check("input[name=abilities][value=chat]")
    found(page, having(site, abilities="chat"))
    page.check("input[name=licence][value=allowed]")
    both = having(site, abilities="chat", licence="allowed")
    found(page, both)
    url(page, r"\?abilities=chat&licence=allowed$")
    assert page.inner_text("label:has(input[name=abilities][value=chat]) .count") == str(len(both))
    # values of a licence add to each other, so the count of another one is what it would bring
    gated = page.inner_text("label:has(input[name=licence][value=gated]) .count")
    assert gated == str(len(having(site, abilities="chat", licence="gated")))
    page.check("input[name=licence][value=gated]")
    chat, either = having(site, abilities="chat"), set(both) | set(having(site, licence="gated"))
    found(page, [identifier for identifier in chat if identifier in either])
    page.go_back()
    found(page, both)
    assert not page.is_checked("input[name=licence][value=gated]")
    page.click(".active .chip >> nth=0")
    found(page, having(site, licence="allowed"))
    assert page.evaluate("document.activeElement.dataset.off") == "0"  # the next chip, not the top of the page
    page.click(".active .chip:text('Clear all')")
    found_built = "ids => [...document.querySelectorAll('.row')].map(row => row.dataset.id).join() === ids.join()"
    page.wait_for_function(found_built, arg=built)
    url(page, r"/$")
    page.go_back()
    status(page, f"^1–{NEWEST} of .* matching")


def test_abilities_narrow_each_other(visit: Visitor, site: Path) -> None:
    page = visit("?abilities=chat&abilities=vision")
    chat, vision = having(site, abilities="chat"), having(site, abilities="vision")
    found(page, [identifier for identifier in chat if identifier in vision])


def test_a_value_too_rare_for_a_box_filters_too(visit: Visitor, site: Path) -> None:
    page = visit()
    boxes = page.eval_on_selector_all("input[name=publisher]", "boxes => boxes.map(box => box.value)")
    rare = next(
        record["id"].partition("/")[0]
        for record in records(site).values()
        if record["id"].partition("/")[0] not in boxes
    )
    page.goto(f"{visit.address}?publisher={rare}&utm_source=elsewhere")
    found(page, having(site, publisher=rare))
    page.click(f".active .chip:has-text('{rare}')")
    url(page, r"/$")


def test_orders(visit: Visitor, site: Path) -> None:
    known = records(site)

    def least(record: dict[str, Any]) -> float:
        return min((fit.need(Build(*build), 8192) for build in record.get("builds", ())), default=float("inf"))

    def context(record: dict[str, Any]) -> int:
        return -int(record.get("rows", {}).get("context_length", 0))

    page = visit()
    for order, key in (("mem", least), ("ctx", context)):
        page.select_option("#sort", order)
        found(page, [record["id"] for record in sorted(known.values(), key=key)])
        url(page, f"sort={order}$")
    page.select_option("#sort", "name")
    url(page, "sort=name$")
    status(page, f"^1–{NEWEST} of")
    page.wait_for_function("() => document.querySelector('.row h3').textContent.toLowerCase().startsWith('a')")
    titles = [title[0].casefold() for title in page.locator(".row h3").all_inner_texts()]
    assert titles == sorted(titles)


def test_an_address_can_be_shared_and_a_page_beyond_the_end_is_the_last(visit: Visitor, site: Path) -> None:
    page = visit("?q=embedding&licence=allowed&sort=name")
    status(page, r"^\d+ of \d+ models")
    assert page.locator(".chip.on").count() == 1
    assert (page.input_value("#q"), page.input_value("#sort")) == ("embedding", "name")
    chat = having(site, abilities="chat")
    page.goto(f"{visit.address}?abilities=chat&page=99")
    last = -(-len(chat) // NEWEST)
    url(page, f"page={last}$")
    status(page, f"^{(last - 1) * NEWEST + 1}–{len(chat)} of")
    page.click(".pager >> text=Previous")
    status(page, f"^{(last - 2) * NEWEST + 1}–")
    assert ids(page) == chat[(last - 2) * NEWEST : (last - 1) * NEWEST]
    assert page.evaluate("document.activeElement === document.querySelector('.row h3 a')")


def test_a_model_is_opened_with_the_keyboard(visit: Visitor) -> None:
    page = visit()
    page.keyboard.press("/")
    page.keyboard.type("whisper large")
    status(page, r"^\d+ of \d+ models")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    second = ids(page)[1]
    page.keyboard.press("Enter")
    url(page, f"models/{second}/$")
    page.go_back()
    status(page, r"^\d+ of \d+ models")
    assert page.input_value("#q") == "whisper large"
    page.focus("#q")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement === document.querySelector('.row h3 a')")


@pytest.mark.parametrize("missing", ["**/v1/search/llm*", "**/assets/search.js"])
def test_without_search_data_or_worker_the_list_stays(visit: Visitor, missing: str) -> None:
    page = visit(missing=missing)
    built = ids(page)
    page.check("input[name=abilities][value=chat]")
    status(page, "cannot search here|could not be loaded")
    assert ids(page) == built
    page.uncheck("input[name=abilities][value=chat]")
    status(page, f"^1–{NEWEST} of")
    said, visit.complaints = visit.complaints, []
    assert [complaint for complaint in said if "404" not in complaint and "assets/search.js" not in complaint] == []


# what scripts draw is what was built


def test_rows_drawn_by_script_are_the_built_ones(visit: Visitor, site: Path) -> None:
    page = visit("models/?sort=name")
    status(page, "^1–48 of")
    drawn: dict[str, str] = {}
    read = """() => [...document.querySelectorAll('.row')].map(row => {
      for (const link of row.querySelectorAll('a')) link.setAttribute('href', link.href);
      row.removeAttribute('data-n');
      return [row.dataset.id, row.outerHTML.replace(/>\\s+</g, '><').replace(/>\\s+|\\s+</g, sign => sign.trim())];
    })"""
    total, before = len(records(site)), ""
    while True:
        page.wait_for_function("first => document.querySelector('.row')?.dataset.id !== first", arg=before)
        before = ids(page)[0]
        drawn |= dict(page.evaluate(read))
        if len(drawn) == total:
            break
        page.click(".pager >> text=Next")
    built: dict[str, str] = {}
    for number in range(1, -(-total // 48) + 1):
        page = visit("models/" if number == 1 else f"models/page/{number}/")
        built |= dict(page.evaluate(read))
    assert list(built) == list(records(site))
    for identifier, row in built.items():
        assert drawn[identifier] == row


def test_memory_is_computed_and_drawn_as_in_the_pages(visit: Visitor) -> None:
    chance = random.Random(7)  # noqa: S311 - cases, not secrets
    cases = []
    for _ in range(300):
        count, scale = chance.randint(1, 9), 2 ** chance.uniform(-4, 11)
        cases.append(
            [
                Build(
                    f"{place}B <&'\">",
                    round(scale * chance.random(), 3) or 0.5,
                    round(chance.choice([0, 512]) * chance.random(), 2),
                )
                for place in range(count)
            ]
        )
    expected = [fit.ruler(builds) for builds in cases]
    page = visit()
    drawn = page.evaluate(
        """async all => {
          const { parse, ruler } = await import(new URL('assets/fit.js', location.href));
          return all.map(data => {
            const box = document.createElement('div');
            box.innerHTML = ruler(parse(data), { gib: 24, context: 8192 });
            const path = name => box.querySelector(name)?.getAttribute('d') ?? '';
            const { className, textContent } = box.querySelector('.fit');
            return [data, ...['.bar', '.y', '.t', '.n', '.b'].map(path), className, textContent];
          });
        }""",
        [ruler.data for ruler in expected if ruler],
    )
    words = {"yes": "Fits", "tight": "Tight", "no": "Too large"}
    for ruler, got in zip(expected, drawn, strict=True):
        assert ruler is not None
        said = f"needs {ruler.memory} GiB" if ruler.state == "no" else f"{ruler.label} · {ruler.memory} GiB"
        sentence = words[ruler.state] + said
        assert got == [
            ruler.data, ruler.bar, ruler.fits, ruler.tight, ruler.large, ruler.best, f"fit {ruler.state}", sentence,
        ]  # fmt: skip
    gibs = [0.25, 2.25, 2.75, 99.95, 384.5, 385.5, 1024.0, 0.1, 3000.0]
    same = page.evaluate(
        """async gibs => {
          const { along, written } = await import(new URL('assets/fit.js', location.href));
          return gibs.map(gib => [along(gib), written(gib)]);
        }""",
        gibs,
    )
    assert same == [[fit.along(gib), fit.gib(gib)] for gib in gibs]
