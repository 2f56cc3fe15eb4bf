"""Paths of the registry and of the published tree."""

from __future__ import annotations

import pytest

from galleryctl import layout
from galleryctl.layout import Place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("gallery.yaml", Place("settings")),
        ("gallery.json", Place("settings")),
        ("roles.yaml", Place("roles")),
        ("policy.yaml", Place("policy")),
        ("taxonomy.yaml", Place("taxonomy")),
        ("publishers/acme.yaml", Place("publisher", publisher="acme")),
        ("consumers/bot.yaml", Place("consumer", name="bot")),
        ("removed/acme/old.yaml", Place("tombstone", publisher="acme", name="old")),
        ("models/llm/acme/a.b/model.yaml", Place("model", "llm", "acme", "a.b")),
        ("models/llm/acme/a/1.10.0.json", Place("release", "llm", "acme", "a", "1.10.0")),
        ("models/llm/acme/a/README.md", Place("card", "llm", "acme", "a")),
        ("models/llm/acme/a/README.zh-Hant.md", Place("card", "llm", "acme", "a", "", "zh-Hant")),
        ("models/llm/acme/a/cover.webp", Place("cover", "llm", "acme", "a")),
        ("models/llm/acme/a/1.0.0.jinja", Place("template", "llm", "acme", "a", "1.0.0")),
    ],
)
def test_every_place_of_the_layout(path: str, place: Place) -> None:
    assert layout.place(path) == place


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "Gallery.yaml",
        "models/llm/acme/model.yaml",
        "models/llm/acme/a/model.yml",
        "models/llm/acme/a/01.0.0.yaml",
        "models/llm/acme/a/v1.0.0.yaml",
        "models/llm/acme/a/b/model.yaml",
        "models/llm/acme/a/Model.yaml",
    ],
)
def test_what_is_outside_the_layout(path: str) -> None:
    assert layout.place(path) is None


def test_folders_of_models() -> None:
    assert layout.model_in("models/llm/acme/tiny") == Place("model", type="llm", publisher="acme", name="tiny")
    assert [layout.model_in(path) for path in ("models/llm/acme", "models/llm/acme/tiny/old", "removed/a/b/c")] == [
        None
    ] * 3


def test_published_paths() -> None:
    assert layout.addressed("v1/types/llm.json", "ab") == "v1/types/llm/ab.json"
    assert layout.addressed(layout.CATALOG, "ab") == "v1/ab.catalog.json"
    assert layout.model_document("a/b") == "v1/models/a/b.json"
    assert layout.search_document("llm", "zh") == "v1/search/llm.zh.json"
    assert layout.address(layout.model_page("a/b")) == "models/a/b/"
    assert layout.type_page("llm") == "types/llm/index.html"
    assert layout.publisher_page("a") == "publishers/a/index.html"
    assert layout.feed() == "feed.atom"
    assert layout.feed("types", "llm") == "feeds/types/llm.atom"
    assert layout.split("a/b") == ("a", "b")
    assert Place("model", "llm", "a", "b").id == "a/b"
