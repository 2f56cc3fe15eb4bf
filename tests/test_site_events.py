"""What happened: one list, told by a page, by feeds and by `/changes.json`."""

from __future__ import annotations

import datetime as dt
import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from conftest import MINIMAL
from galleryctl import site
from galleryctl.building import Wanted, build
from galleryctl.site import events
from galleryctl.spec import Tombstone
from made import RELEASE, entry, view
from test_site import LOOK, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from galleryctl.gallery import Entry

    Make = Callable[..., Path]
    Commit = Callable[..., str]

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
LATER = "2026-03-01T00:00:00Z"
TINY = "models/llm/acme/tiny"
MODEL, FIRST = f"{MINIMAL[f'{TINY}/model.yaml']}", f"{MINIMAL[f'{TINY}/1.0.0.yaml']}"
ATOM = "{http://www.w3.org/2005/Atom}"
REMOVED = {
    "when": "2025-03-01T00:00:00Z",
    "kind": "removed",
    "id": "acme/removed",
    "type": "llm",
    "title": "acme/removed",
    "what": ["Rights."],
    "address": "models/acme/removed/",
}
"""The tombstone that `shown` has."""
FEEDS = ("feed.atom", "feeds/types/llm.atom", "feeds/publishers/acme.atom")


def rendered(*entries: Entry, told: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, str]:
    return {output.path: output.render().decode() for output in site.outputs(shown(*entries), LOOK, told=told)}


def changes(pages: Mapping[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(pages["changes.json"])["changes"]
    return found


def terms(text: str) -> list[str]:
    """Kinds of a feed's entries."""
    feed = ET.fromstring(text)  # noqa: S314 - made here
    return [node.get("term", "") for node in feed.iter(f"{ATOM}category")]


def built(folder: Path, out: Path) -> dict[str, str]:
    assert build(Wanted(folder, out, NOW)).errors == ()
    names = ("changes.json", "changes/index.html", "v1/schemas/changes.schema.json", *FEEDS)
    return {name: (out / name).read_text() for name in names if (out / name).exists()}


def test_everything_that_happened_is_there_newest_first() -> None:
    later = {"1.0.0": RELEASE, "1.1.0": {**RELEASE, "notes": "Faster."}}
    item = entry(releases=later, updated="2025-07-01T08:00:00Z", title={"en": "Tiny", "zh": "小"})
    old = b'"1.1.0":{"notes":"Faster.","published":"2025-05-01'
    assert old in item.wire
    item = type(item)(item.outline, item.wire.replace(old, old[:-5] + b"06-01"), item.listing, item.cards)
    pages = rendered(item, entry("acme/other", added=None), told={"acme/tiny": ("licence MIT → Apache-2.0",)})
    common = {"id": "acme/tiny", "type": "llm", "title": {"en": "Tiny", "zh": "小"}, "address": "models/acme/tiny/"}
    assert json.loads(pages["changes.json"])["schema"] == "1.0"
    assert changes(pages) == [
        {**common, "kind": "changed", "when": "2025-07-01T08:00:00Z", "what": ["licence MIT → Apache-2.0"]},
        {**common, "kind": "released", "when": "2025-06-01T08:00:00Z", "version": "1.1.0", "what": ["Faster."]},
        {**common, "kind": "added", "when": "2025-05-01T08:00:00Z", "version": "1.1.0", "what": []},
        REMOVED,
    ]
    for name in FEEDS:
        assert terms(pages[name]) == ["changed", "released", "added", "removed"], name


def test_only_the_newest_are_kept() -> None:
    many = [
        entry(f"acme/m{number}", added=f"2025-05-01T00:{number // 60:02}:{number % 60:02}Z") for number in range(210)
    ]
    found = [event["id"] for event in changes(rendered(*many))]
    assert found == [f"acme/m{number}" for number in range(209, 9, -1)]


@pytest.mark.parametrize(
    ("files", "kind", "version", "what"),
    [
        ({f"{TINY}/model.yaml": MODEL + "status: deprecated\nreason: Old.\n"}, "deprecated", None, "deprecated"),
        ({f"{TINY}/model.yaml": MODEL + "status: discontinued\nreason: Old.\n"}, "discontinued", None, "discontinued"),
        (
            {f"{TINY}/1.0.0.yaml": "status: quarantined\nreason: Bad.\n" + FIRST},
            "quarantined",
            "1.0.0",
            "release 1.0.0 quarantined",
        ),
    ],
)
def test_what_becomes_of_a_model_is_told_by_all(
    registry: Make, commit: Commit, tmp_path: Path, files: dict[str, str], kind: str, version: str | None, what: str
) -> None:
    """Also once no list shows the model any more: that it came, and what became of it."""
    folder = registry()
    assert [event["kind"] for event in changes(built(folder, tmp_path / "out"))] == ["added"]
    commit(folder, files, date=LATER)
    pages = built(folder, tmp_path / "out")
    newest, *others = changes(pages)
    assert (newest["kind"], newest.get("version"), newest["when"]) == (kind, version, LATER)
    assert what in newest["what"]
    assert [event["kind"] for event in others] == ["added"]
    assert f">{kind.capitalize()}</span>" in pages["changes/index.html"]
    for name in FEEDS if kind == "deprecated" else FEEDS[:2]:  # a publisher that lists nothing has no feed
        assert terms(pages[name]) == [kind, *(event["kind"] for event in others)], name
    commit(folder, {f"{TINY}/model.yaml": MODEL, f"{TINY}/1.0.0.yaml": FIRST}, date="2026-04-01T00:00:00Z")
    assert [event["kind"] for event in changes(built(folder, tmp_path / "out"))] == ["reinstated", "added"]


def test_the_document_has_a_schema_and_the_page_names_it(registry: Make, tmp_path: Path) -> None:
    pages = built(registry(), tmp_path / "out")
    jsonschema.validate(json.loads(pages["changes.json"]), json.loads(pages["v1/schemas/changes.schema.json"]))
    assert (
        '<link rel="alternate" type="application/json" title="Changes" href="../changes.json">'
        in (pages["changes/index.html"])
    )


def test_what_an_audience_does_not_see_is_not_told() -> None:
    """The public events of everything are the events of the public part."""
    public = [entry("acme/a"), entry("beta/b", status="discontinued", reason="Old.", updated=LATER)]
    secret = [
        entry("acme/s", visibility="organisation", updated="2026-01-01T00:00:00Z"),
        entry("hidden/r", visibility="restricted", allowed=["lab"], status="discontinued", reason="Old."),
        entry("acme/unlisted", listed=False, reason="Pause.", updated=LATER),
    ]
    told = {each.id: ("discontinued",) for each in (public[1], *secret)}

    def published(*entries: Entry) -> dict[str, bytes]:
        outputs = site.outputs(view(*entries), LOOK, told=told)
        names = ("changes.json", "changes/index.html", *FEEDS)
        return {output.path: output.render() for output in outputs if output.path in names}

    found = published(*public, *secret)
    assert found == published(*public)
    assert [event["id"] for event in json.loads(found["changes.json"])["changes"]] == ["beta/b", "acme/a", "beta/b"]


def test_words_of_which_nothing_becomes_are_no_event_of_life() -> None:
    pages = rendered(entry(updated=LATER), told={"acme/tiny": ("title “quarantined” → “Tiny”", "card changed")})
    assert [event["kind"] for event in changes(pages)] == ["changed", "added", "removed"]
    assert events._OF_LIFE.fullmatch("release 1.0.0-rc.1 quarantined (was active)")  # noqa: SLF001 - its own test


def test_a_model_that_was_removed_is_told_with_day_and_reason(registry: Make, commit: Commit, tmp_path: Path) -> None:
    folder = registry()
    commit(folder, {"models/llm/acme/second/model.yaml": MODEL, "models/llm/acme/second/1.0.0.yaml": FIRST}, date=LATER)
    stone = "type: llm\nreason: The licence ended.\nsince: 2026-04-01\nreleases: [1.0.0]\n"
    gone = {"models/llm/acme/second/model.yaml": None, "models/llm/acme/second/1.0.0.yaml": None}
    commit(folder, {**gone, "removed/acme/second.yaml": stone}, date="2026-04-01T10:00:00Z")
    pages = built(folder, tmp_path / "out")
    newest, first = changes(pages)
    assert (newest["kind"], newest["id"], newest["type"]) == ("removed", "acme/second", "llm")
    assert (newest["when"], newest["what"]) == ("2026-04-01T00:00:00Z", ["The licence ended."])
    assert (first["kind"], first["id"]) == ("added", "acme/tiny")
    assert (tmp_path / "out" / newest["address"] / "index.html").is_file()
    assert ">Removed</span>" in pages["changes/index.html"]
    assert "The licence ended." in pages["changes/index.html"]
    for name in FEEDS:
        assert terms(pages[name]) == ["removed", "added"], name


def test_releases_that_were_removed_are_no_model_that_was() -> None:
    stone = Tombstone.model_validate_json('{"type": "llm", "reason": "R.", "since": "2025-06-01", "whole": false}')
    pages = site.outputs(view(entry(), tombstones={"acme/tiny": stone}), LOOK)
    document = next(output for output in pages if output.path == "changes.json")
    assert [each["kind"] for each in json.loads(document.render())["changes"]] == ["added"]


def test_a_model_that_has_an_earlier_id_was_renamed_not_added(registry: Make, commit: Commit, tmp_path: Path) -> None:
    folder = registry()
    moved = "models/llm/acme/small"
    commit(
        folder,
        {
            f"{TINY}/model.yaml": None,
            f"{TINY}/1.0.0.yaml": None,
            f"{TINY}/README.md": None,
            f"{moved}/README.md": f"{MINIMAL[f'{TINY}/README.md']}",
            f"{moved}/model.yaml": f"{MODEL}aliases: [acme/tiny]\n",
            f"{moved}/1.0.0.yaml": FIRST,
        },
        date=LATER,
    )
    pages = built(folder, tmp_path / "out")
    (only,) = changes(pages)
    assert (only["kind"], only["id"], only["when"]) == ("renamed", "acme/small", LATER)
    assert only["what"] == ["acme/tiny → acme/small"]
    assert "acme/tiny → acme/small" in pages["changes/index.html"]
    for name in FEEDS:
        assert terms(pages[name]) == ["renamed"], name
