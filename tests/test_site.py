"""The pages: whole, safe, linked, and rendered again only where something they show changed."""

from __future__ import annotations

import gzip
import json
import re
from html.parser import HTMLParser
from itertools import chain
from posixpath import join, normpath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest

from galleryctl import index, search, site
from galleryctl.errors import GalleryError
from galleryctl.spec import Consumer, Settings, Taxonomy, Tombstone
from made import RELEASE, NoFiles, entry, view

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.audience import View
    from galleryctl.gallery import Entry

SETTINGS = Settings(
    title="Test gallery",
    url="https://models.example/gallery",
    repository="https://forge.example/acme/models",
    languages=("en", "zh"),
    runtimes=("xinference", "vllm", "llama.cpp", "ollama", "localai"),
)
CARD = "# Tiny\n\nSee [usage](#usage).\n\n## Usage\n\nLoad it.\n\n#### Deep\n\n| a |\n|---|\n| 1 |\n"
ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{ 7 * 7 }}"


class Tree:
    """A tree of the files of a registry's own look."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = {f"site_templates/{name}": text for name, text in files.items()}

    def entries(self, under: str) -> Mapping[str, object]:
        return {path: None for path in self.files if path.startswith(under)}

    def read(self, path: str) -> bytes:
        return self.files[path].encode()


class Page(HTMLParser):
    """What tests look at in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.levels: list[int] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        self.links += [value for name in ("href", "src", "action") if (value := found.get(name)) is not None]
        self.ids += [value] if (value := found.get("id")) else []
        self.levels += [int(tag[1])] if re.fullmatch(r"h[1-6]", tag) else []


LOOK = site.Look.of(NoFiles())


def gallery() -> list[Entry]:
    """Models in every state, with relations."""
    retired = {"1.0.0": {**RELEASE, "status": "deprecated", "reason": "Wrong stop tokens."}, "1.1.0": RELEASE}
    parts = [
        {"path": f"model-{number}.safetensors", "size": 9_000_000_000, "sha256": f"{number}" * 64} for number in (1, 2)
    ]
    split = {**RELEASE["variants"][0], "format": "pytorch", "quantizations": ["none"], "files": {"none": parts}}
    return [
        entry(
            "acme/tiny", cards={"en": CARD, "zh": "# 小\n\n## 用法\n\n好。\n"}, releases=retired, aliases=["acme/small"]
        ),
        entry(
            "acme/tuned",
            base_models=["acme/tiny", "acme/unknown"],
            releases={"1.0.0": {**RELEASE, "variants": [split]}},
        ),
        entry("acme/old", status="deprecated", reason="Superseded.", successor="acme/tiny"),
        entry("acme/gone", status="discontinued", reason="The licence changed."),
        entry("acme/bad", status="quarantined", reason="Malicious pickle."),
        entry("acme/hidden", listed=False, reason="Not ready."),
        entry("acme/ending", expires="2026-02-01", renewable=True, terms={"edition": "enterprise", "free_days": 30}),
        entry("acme/expired", expires="2025-12-31"),
        entry(
            "other/vectors",
            "embedding",
            releases={"1.0.0": {**RELEASE, "spec": {"dimensions": 768, "languages": ["en"]}}},
        ),
        entry("other/empty", releases={}, added=None),
    ]


def shown(*entries: Entry, settings: Settings = SETTINGS) -> View:
    consumer = Consumer.model_validate({"title": "Desk", "pins": [{"model": "acme/tiny", "version": "1.0.0"}]})
    stone = Tombstone.model_validate_json(
        '{"type": "llm", "reason": "Rights.", "since": "2025-03-01", "successor": "acme/tiny"}'
    )
    return view(*entries, settings=settings, consumers={"desk": consumer}, tombstones={"acme/removed": stone})


def render(view: View, look: site.Look = LOOK) -> dict[str, str]:
    """Every page, feed and asset by path."""
    return {output.path: output.render().decode() for output in site.outputs(view, look)}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return render(shown(*gallery()))


def html(pages: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((path, text) for path, text in pages.items() if path.endswith(".html"))


def model(pages: Mapping[str, str], name: str) -> str:
    return pages[f"models/acme/{name}/index.html"]


def test_every_address_of_the_design_is_there(pages: Mapping[str, str]) -> None:
    wanted = {
        "index.html", "models/index.html", "types/llm/index.html", "models/acme/tiny/index.html",
        "publishers/index.html", "publishers/acme/index.html", "changes/index.html", "about/index.html",
        "rules/index.html", "404.html", "sitemap.xml", "robots.txt", "feed.atom", "feeds/types/llm.atom",
        "feeds/publishers/acme.atom", "assets/style.css", "assets/icon.svg", "assets/vendor/minisearch.js",
        "assets/vendor/minisearch.LICENSE.txt", "models/acme/removed/index.html", "models/acme/small/index.html",
    }  # fmt: skip
    assert wanted - pages.keys() == set()


def test_every_link_and_fragment_leads_somewhere(pages: Mapping[str, str]) -> None:
    seen = shown(*gallery())
    others = {output.path for output in chain(index.outputs(seen, schemas={}), search.outputs(seen))}
    parsed = {path: Page(text) for path, text in html(pages)}
    broken = []
    for path, page in parsed.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            base = (
                parts.path.removeprefix("/gallery/")
                if path == "404.html"
                else join(path.rpartition("/")[0], parts.path)
            )
            target = normpath(unquote(base or ".")) if parts.path else path
            if parts.path.endswith("/"):
                target = normpath(join(target, "index.html"))
            found = target in pages or target in others
            fragment = not parts.fragment or target not in parsed or unquote(parts.fragment) in parsed[target].ids
            if not (found and fragment):
                broken.append((path, link))
    assert broken == []


def test_pages_are_well_formed_outlines(pages: Mapping[str, str]) -> None:
    for path, text in html(pages):
        page = Page(text)
        assert page.levels.count(1) == 1, path
        assert all(below <= above + 1 for above, below in zip(page.levels, page.levels[1:], strict=False)), (
            path,
            page.levels,
        )
        assert len(page.ids) == len(set(page.ids)), path
        assert text.count("<main") == 1, path


def test_nothing_inline_runs_or_styles(pages: Mapping[str, str]) -> None:
    for path, text in html(pages):
        assert "default-src 'none'; style-src 'self'; script-src 'self'" in text, path
        for tag, attributes in Page(text).tags:
            assert tag != "style", path
            assert not {name for name in attributes if name == "style" or name.startswith("on")}, (
                path,
                tag,
                attributes,
            )
            if tag == "script":
                assert "src" in attributes or attributes["type"] == "application/json", path


def test_only_assets_of_its_own_are_loaded(pages: Mapping[str, str]) -> None:
    loading = {"script": "src", "link": "href", "img": "src", "iframe": "src", "use": "href", "form": "action"}
    for path, text in html(pages):
        for tag, attributes in Page(text).tags:
            address = attributes.get(loading.get(tag, "")) or ""
            if tag == "link" and attributes.get("rel") not in {"stylesheet", "icon"}:
                continue
            assert not urlsplit(address).scheme, (path, tag, address)


def test_what_strangers_write_is_text() -> None:
    hostile = entry(
        "acme/tiny", title=HOSTILE, summary=HOSTILE, license=HOSTILE, status="deprecated", reason=HOSTILE,
        links={"homepage": "javascript:alert(1)", "paper": f"https://e.example/{HOSTILE}"},
        cards={"en": HOSTILE},
        releases={"1.0.0": {**RELEASE, "notes": HOSTILE, "metrics": [{"name": HOSTILE, "value": 1, "source": "data:x"}],
            "spec": {"context_length": 4096, "family": HOSTILE, "prompt": {"stop": [HOSTILE, "</script>"]}},
            "variants": [{**RELEASE["variants"][0], "engines": [HOSTILE],
                "files": {"Q4_K_M": [{"path": HOSTILE, "size": 1}]}}]}},
    )  # fmt: skip
    pages = render(shown(hostile))
    for path, text in html(pages):
        assert "<img" not in text, path
        assert "javascript:" not in text, path
        assert "data:x" not in text, path
        assert text.count("<script") == sum(1 for tag, _ in Page(text).tags if tag == "script"), path
        assert [tag for tag, attributes in Page(text).tags if "onerror" in attributes] == [], path
    for path in ("feed.atom", "sitemap.xml"):
        ET.fromstring(pages[path])  # noqa: S314 - made here
    for path in ("index.html", "models/acme/tiny/index.html"):
        for block in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', pages[path], re.DOTALL):
            json.loads(block)


def test_rendering_is_deterministic() -> None:
    assert render(shown(*gallery())) == render(shown(*reversed(gallery())))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("old", ["Deprecated by its owner.", "Reason: Superseded.", "acme/tiny</a> instead"]),
        ("gone", ["Discontinued.", "Reason: The licence changed."]),
        ("bad", ["Quarantined. Do not load this model.", "Reason: Malicious pickle."]),
        ("hidden", ["Withdrawn from the lists.", "Reason: Not ready."]),
        ("ending", ["Expires on 1 Feb 2026.", "30 days from the day of the pin", "may be renewed", "Enterprise"]),
        ("expired", ["Expired on 31 Dec 2025."]),
    ],
)
def test_banners_say_what_happened(pages: Mapping[str, str], name: str, words: list[str]) -> None:
    text = model(pages, name)
    assert [word for word in words if word not in text] == []
    assert 'class="note' not in model(pages, "tuned")


def test_what_is_not_shown_has_a_page_and_nothing_else(pages: Mapping[str, str]) -> None:
    for name in ("gone", "bad", "hidden", "expired"):
        assert '<meta name="robots" content="noindex">' in model(pages, name)
        others = {
            path for path, text in pages.items() if f"acme/{name}" in text and path != f"models/acme/{name}/index.html"
        }
        assert others == set(), name


def test_a_removed_model_says_when_and_why(pages: Mapping[str, str]) -> None:
    text = model(pages, "removed")
    assert "Removed on 1 Mar 2025." in text
    assert "Rights." in text
    assert "models/acme/tiny/" in text
    assert "models/acme/tiny/" in model(pages, "small")


def test_model_page_has_what_a_reader_decides_by(pages: Mapping[str, str]) -> None:
    text = model(pages, "tiny")
    for word in (
        "MIT", "8B", "4,096", "t-Q4_K_M.gguf", "5 GB", "3f79bb7b43…6dea", "ollama run", "Deprecated",
        "Wrong stop tokens.", "acme/tuned", "Desk", "1 May 2025", "Ada", 'id="card-zh"', 'lang="zh"',
        "/edit/main/registry/models/llm/acme/tiny/model.yaml",
        "/commits/main/registry/models/llm/acme/tiny", "v1/models/acme/tiny.json",
    ):  # fmt: skip
        assert word in text, word
    assert "one per file" in model(pages, "tuned")
    assert "This card is not translated yet." not in text


def test_a_card_in_another_language_says_so() -> None:
    pages = render(shown(entry(cards={"zh": "# 小\n\n好。"})))
    assert "This card is not translated yet." in model(pages, "tiny")


def test_feeds_are_atom(pages: Mapping[str, str]) -> None:
    for path in (path for path in pages if path.endswith(".atom")):
        feed = ET.fromstring(pages[path])  # noqa: S314 - made here
        assert feed.tag == f"{ATOM}feed"
        assert feed.findtext(f"{ATOM}id") == f"https://models.example/gallery/{path}"
        ids = [item.findtext(f"{ATOM}id") or "" for item in feed.iter(f"{ATOM}entry")]
        assert len(ids) == len(set(ids)), path
        for when in (node.text or "" for node in feed.iter(f"{ATOM}updated")):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", when), path
    assert "https://models.example/gallery/models/acme/tiny/#added" in pages["feed.atom"]


def test_a_later_release_is_an_event() -> None:
    later = {"1.0.0": RELEASE, "1.1.0": {**RELEASE, "notes": "Faster."}}
    item = entry(releases=later, updated="2025-06-01T08:00:00Z")
    wire = item.wire.replace(
        b'"1.1.0":{"notes":"Faster.","published":"2025-05-01', b'"1.1.0":{"notes":"Faster.","published":"2025-06-01'
    )
    assert wire != item.wire
    pages = render(shown(type(item)(item.outline, wire, item.listing, item.cards)))
    assert "/models/acme/tiny/#1.1.0</id>" in pages["feed.atom"]
    assert "Faster." in pages["changes/index.html"]
    assert pages["changes/index.html"].index("1 Jun 2025") < pages["changes/index.html"].index("1 May 2025")


def test_sitemap_lists_what_lists_show(pages: Mapping[str, str]) -> None:
    found = re.findall(r"<loc>(.*?)</loc>", pages["sitemap.xml"])
    assert "https://models.example/gallery/models/acme/tiny/" in found
    assert all(address.startswith("https://models.example/gallery/") for address in found)
    assert all(f"{address.removeprefix('https://models.example/gallery/')}index.html" in pages for address in found)
    assert "Sitemap: https://models.example/gallery/sitemap.xml" in pages["robots.txt"]


def test_lists_are_paged_newest_first() -> None:
    many = [
        entry(f"acme/m{number:03}", added=f"2025-01-01T{number // 60:02}:{number % 60:02}:00Z") for number in range(100)
    ]
    pages = render(shown(*many))
    assert [path for path in pages if path.startswith("types/llm/page/")] == [
        "types/llm/page/2/index.html",
        "types/llm/page/3/index.html",
    ]
    rows = re.findall(r'class="row" data-id="(.*?)"', pages["types/llm/index.html"])
    assert rows[0] == "acme/m099"
    assert len(rows) == 48
    last = pages["types/llm/page/3/index.html"]
    assert re.findall(r'class="row" data-id="(.*?)"', last) == [f"acme/m{number:03}" for number in (3, 2, 1, 0)]
    assert 'href="../../../../types/llm/page/2/"' in last
    assert "97–100" in last
    assert len(re.findall(r'class="row"', pages["index.html"])) == 24
    assert len(gzip.compress(pages["index.html"].encode())) < 150_000


def test_a_publisher_may_be_called_page() -> None:
    many = [entry(f"page/{number}") for number in range(1, 60)]
    pages = render(shown(*many))
    assert "models/page/2/index.html" in pages
    assert 'href="../models/-/2/"' in pages["models/index.html"]
    assert 'class="row"' in pages["models/-/2/index.html"]


def test_facets_count_values(pages: Mapping[str, str]) -> None:
    home = pages["index.html"]
    assert re.search(r'name="publisher" value="acme".*?class="count">4<', home)
    assert re.search(r'name="publisher" value="other".*?class="count">1<', home)
    assert 'name="publisher" value="acme"' not in pages["types/embedding/index.html"]


def test_tags_are_shown_by_their_labels() -> None:
    words = Taxonomy.model_validate(
        {"dimensions": {"task": {"title": "Task", "values": {"chat": {"label": {"en": "Chatting"}}}}}}
    )
    pages = {
        output.path: output.render().decode()
        for output in site.outputs(view(entry(tags=["chat"]), taxonomy=words), LOOK)
    }
    assert '<a class="chip" href="../../../?task=chat">Chatting</a>' in model(pages, "tiny")
    assert "Chatting" in pages["index.html"]


def test_the_page_for_lost_readers_has_absolute_links(pages: Mapping[str, str]) -> None:
    assert 'href="/gallery/assets/style.css' in pages["404.html"]
    assert 'data-root="/gallery/"' in pages["404.html"]


def test_an_empty_gallery_has_pages_too() -> None:
    pages = render(view(settings=SETTINGS))
    assert "No models yet" in pages["index.html"]
    ET.fromstring(pages["feed.atom"])  # noqa: S314 - made here


def test_the_registry_lays_its_own_files_over_the_look() -> None:
    own = site.Look.of(Tree({"style.css": "body{}", "templates/moved.html": "{{ title }}: own", "js/extra.js": "1"}))
    assert own.assets["style.css"] == b"body{}"
    assert own.assets["extra.js"] == b"1"
    assert own.digest != LOOK.digest
    pages = render(shown(*gallery()), own)
    assert pages["models/acme/small/index.html"] == "acme/small is now acme/tiny: own"


def test_a_broken_template_is_named() -> None:
    with pytest.raises(GalleryError, match=r"site_templates/templates/model\.html"):
        site.Look.of(Tree({"templates/model.html": "{% if %}"}))


def test_only_a_served_gallery_reloads() -> None:
    assert "live.js" not in LOOK.assets
    live = render(shown(*gallery()), site.Look.of(NoFiles(), live=True))
    assert "assets/live.js" in live["index.html"]
    assert 'data-root="/"' in live["404.html"]
