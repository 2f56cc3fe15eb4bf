"""A page is rendered again where what it shows changed, and only there."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from galleryctl import site
from galleryctl.spec import Consumer, Taxonomy, Tombstone
from made import NOW, entry, view
from test_site import LOOK, SETTINGS, gallery, render, shown

if TYPE_CHECKING:
    from galleryctl.audience import View
    from galleryctl.gallery import Entry


def fingerprints(*entries: Entry) -> dict[str, str]:
    return {output.path: output.depends_on for output in site.outputs(shown(*entries), LOOK)}


def replaced(identifier: str, *instead: Entry) -> View:
    return shown(*(item for item in gallery() if item.id != identifier), *instead)


LATER = {
    "a summary": lambda: replaced("acme/tiny", entry("acme/tiny", summary="Another.")),
    "a card": lambda: replaced("acme/tiny", entry("acme/tiny", cards={"en": "Another."})),
    "a title of a base": lambda: replaced("acme/tiny", entry("acme/tiny", title="Another")),
    "a deprecation": lambda: replaced(
        "acme/tuned", entry("acme/tuned", status="deprecated", base_models=["acme/tiny"])
    ),
    "a withdrawal": lambda: replaced("acme/tuned", entry("acme/tuned", listed=False, base_models=["acme/tiny"])),
    "the last one listed": lambda: shown(*(item for item in gallery() if not item.outline.listed)),
    "a removal": lambda: replaced("acme/tiny"),
    "an addition": lambda: shown(*gallery(), entry("acme/unknown", added="2026-01-01T00:00:00Z")),
    "a new publisher": lambda: shown(*gallery(), entry("third/one", "audio")),
    "a new alias": lambda: shown(*gallery(), entry("acme/known", aliases=["acme/unknown"])),
    "a service": lambda: view(
        *gallery(),
        settings=SETTINGS,
        consumers={"x": Consumer.model_validate({"title": "X", "pins": [{"model": "acme/tuned"}]})},
    ),
    "a tombstone": lambda: view(
        *gallery(),
        settings=SETTINGS,
        tombstones={
            "acme/unknown": Tombstone.model_validate_json('{"type": "llm", "reason": "r", "since": "2025-01-01"}')
        },
    ),
    "a word": lambda: view(
        *gallery(), settings=SETTINGS, taxonomy=Taxonomy.model_validate({"licenses": {"MIT": {"label": "MIT!"}}})
    ),
    "a setting": lambda: shown(*gallery(), settings=SETTINGS.model_copy(update={"url": "https://other.example"})),
    "a month": lambda: view(*gallery(), settings=SETTINGS, now=NOW + dt.timedelta(days=29)),
    "a year ago": lambda: view(*gallery(), settings=SETTINGS, now=NOW - dt.timedelta(days=240)),
}


@pytest.mark.parametrize("change", LATER)
def test_no_page_stays_stale(change: str) -> None:
    before, after = shown(*gallery()), LATER[change]()
    old, new = render(before), render(after)
    marks = [{output.path: output.depends_on for output in site.outputs(seen, LOOK)} for seen in (before, after)]
    changed = {path for path in old.keys() & new.keys() if old[path] != new[path]}
    assert changed
    assert {path for path in changed if marks[0][path] == marks[1][path]} == set()


def test_a_changed_model_renders_only_its_own_pages() -> None:
    before = gallery()
    after = [
        entry("acme/tuned", base_models=["acme/tiny"], summary="Another.") if item.id == "acme/tuned" else item
        for item in before
    ]
    old, new = fingerprints(*before), fingerprints(*after)
    assert old.keys() == new.keys()
    changed = {path for path, value in new.items() if old[path] != value}
    assert {path for path in changed if path.startswith("models/") and path != "models/index.html"} == {
        "models/acme/tuned/index.html",
        "models/acme/tiny/index.html",  # its lineage shows it
    }
    assert {"index.html", "types/llm/index.html", "publishers/acme/index.html", "feed.atom"} <= changed
    assert not any(
        path.startswith(("types/embedding", "publishers/other", "assets/", "rules", "feeds/types/emb"))
        for path in changed
    )


def test_a_new_publisher_leaves_other_model_pages_alone() -> None:
    old, new = fingerprints(*gallery()), fingerprints(*gallery(), entry("third/new", "audio"))
    same = {path for path in old if path.startswith("models/acme/")}
    assert {path: old[path] for path in same} == {path: new[path] for path in same}


def test_a_changed_card_renders_its_page() -> None:
    one, other = entry(cards={"en": "a"}), entry(cards={"en": "b"})
    path = "models/acme/tiny/index.html"
    assert fingerprints(one)[path] != fingerprints(other)[path]
