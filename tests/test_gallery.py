"""Entries, outlines and the order of a gallery."""

from __future__ import annotations

import datetime as dt
import json

from galleryctl import canonical
from galleryctl.gallery import Gallery, Outline, expire
from galleryctl.spec import ModelDocument
from made import DIGEST, RELEASE, entry


def test_an_entry_is_its_published_document() -> None:
    made = entry(tags=["chat"], cards={"en": "# Tiny"})
    document = made.document()
    assert document.id == "acme/tiny"
    assert document.latest == "1.0.0"
    assert document.cards == ("en",)
    assert document.releases["1.0.0"].published is not None
    assert canonical.dumps(json.loads(made.wire)) == made.wire
    assert ModelDocument.model_validate_json(made.wire) == document
    assert made.outline.sha256 == canonical.digest(made.wire)
    assert made.outline.length == len(made.wire)


def test_a_listing_carries_the_current_release_alone() -> None:
    made = entry(releases={"1.0.0": RELEASE, "1.10.0": RELEASE, "1.9.0": RELEASE}, maintainers=["ada"])
    listing = json.loads(made.listing)
    assert list(listing["releases"]) == ["1.10.0"]
    assert "maintainers" not in listing
    assert listing["added"] == "2025-05-01T08:00:00Z"
    assert list(made.outline.releases) == ["1.10.0", "1.9.0", "1.0.0"]


def test_the_current_release_is_active_before_deprecated_and_never_discontinued() -> None:
    old = RELEASE | {"status": "discontinued", "reason": "Broken."}
    dated = RELEASE | {"status": "deprecated", "reason": "Superseded."}
    assert entry(releases={"1.0.0": RELEASE, "2.0.0": old}).outline.latest == "1.0.0"
    assert entry(releases={"1.0.0": RELEASE, "2.0.0": dated}).outline.latest == "1.0.0"
    assert entry(releases={"1.0.0": dated, "2.0.0": old}).outline.latest == "1.0.0"
    gone = entry(releases={"1.0.0": old})
    assert gone.outline.latest is None
    assert json.loads(gone.listing)["releases"] == {}


def test_the_status_of_a_model_is_the_least_its_releases_have() -> None:
    made = entry(status="deprecated", reason="Old.", releases={"1.0.0": RELEASE})
    assert made.outline.releases == {"1.0.0": "deprecated"}


def test_an_outline_tells_what_lists_need() -> None:
    outline = entry().outline
    assert outline.facets["abilities"] == ("chat",)
    assert outline.facts["context_length"] == 4096
    assert outline.digests == (DIGEST,)
    assert outline.pinned
    assert outline.bytes == 5_000_000_000
    assert outline.sizes[0].label == "8B Q4_K_M"
    assert Outline.model_validate_json(outline.model_dump_json()) == outline


def test_missing_digests_and_revisions_are_not_pinned() -> None:
    variant = RELEASE["variants"][0] | {"files": {"Q4_K_M": [{"path": "a.gguf"}]}}
    assert not entry(releases={"1.0.0": RELEASE | {"variants": [variant]}}).outline.pinned
    variant = RELEASE["variants"][0] | {"sources": {"huggingface": {"repo": "a/b"}}}
    assert not entry(releases={"1.0.0": RELEASE | {"variants": [variant]}}).outline.pinned


def test_newest_first_then_by_id_and_an_edit_moves_nothing() -> None:
    old = entry("acme/a", added="2024-01-01T00:00:00Z")
    new = entry("acme/b", added="2025-01-01T00:00:00Z")
    twin = entry("acme/c", added="2025-01-01T00:00:00Z")
    order = [item.id for item in Gallery.of([old, twin, new]).newest]
    assert order == ["acme/b", "acme/c", "acme/a"]
    edited = entry("acme/a", added="2024-01-01T00:00:00Z", updated="2026-01-01T00:00:00Z", title="Edited")
    assert [item.id for item in Gallery.of([edited, twin, new]).newest] == order


def test_without_history_the_order_is_by_id() -> None:
    assert [item.id for item in Gallery.of([entry("a/z", added=None), entry("a/b", added=None)]).newest] == [
        "a/b",
        "a/z",
    ]


def test_relations() -> None:
    base = entry("acme/base", aliases=["acme/older"])
    tuned = entry("acme/tuned", base_models=["acme/older"])
    gone = entry("acme/gone", status="deprecated", reason="Old.", successor="acme/base")
    gallery = Gallery.of([base, tuned, gone])
    assert gallery.derived == {"acme/base": ("acme/tuned",)}
    assert gallery.replaced == {"acme/base": ("acme/gone",)}
    assert gallery.aliases == {"acme/older": "acme/base"}
    assert gallery.by_id["acme/base"] is base
    assert len(gallery) == 3


def test_a_model_is_found_by_its_id_and_by_an_earlier_one() -> None:
    gallery = Gallery.of([entry(aliases=["acme/old", "acme/other"]), entry("acme/other")])
    found = [gallery.find(name) for name in ("acme/tiny", "acme/old", "acme/other", "acme/none")]
    assert [each and each.id for each in found] == ["acme/tiny", "acme/tiny", "acme/other", None]


def test_expiry_is_judged_on_the_day() -> None:
    made = entry(expires="2026-03-01")
    assert expire(made, dt.date(2026, 2, 28)) is made
    gone = expire(made, dt.date(2026, 3, 1))
    assert gone.outline.latest is None
    assert gone.outline.status == "discontinued"
    assert gone.wire == made.wire
    assert expire(gone, dt.date(2026, 4, 1)) is gone
    assert not Gallery.of([made]).at(dt.date(2026, 3, 1)).shown().entries


def test_a_quarantined_release_stays_so_when_its_model_expires() -> None:
    bad = RELEASE | {"status": "quarantined", "reason": "Malicious."}
    made = entry(expires="2026-03-01", releases={"1.0.0": RELEASE, "1.1.0": bad})
    gone = expire(made, dt.date(2026, 3, 1))
    assert gone.outline.releases == {"1.1.0": "quarantined", "1.0.0": "discontinued"}


def test_lists_show_what_is_listed_and_usable() -> None:
    shown = Gallery.of([entry("a/a"), entry("a/b", listed=False, reason="Pause."), entry("a/c", releases={})]).shown()
    assert [item.id for item in shown] == ["a/a"]
