"""What is between two revisions: each kind of change, told from the resolved definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from compared import between, side
from galleryctl import changes
from galleryctl.changes import Kind
from galleryctl.gallery import Entry
from made import DIGEST, RELEASE, entry

if TYPE_CHECKING:
    from collections.abc import Mapping

GGUF: Mapping[str, Any] = RELEASE["variants"][0]
OTHER: Mapping[str, Any] = {
    "format": "pytorch",
    "parameters": "8B",
    "engines": ["vllm"],
    "quantizations": ["none"],
    "sources": {"huggingface": {"repo": "acme/tiny", "revision": "1" * 40}},
    "files": {"none": [{"path": "a.safetensors", "size": 1, "sha256": "a" * 64}, {"path": "b.safetensors", "size": 2}]},
}


def release(**changed: object) -> dict[str, Any]:
    return {**RELEASE, **changed}


def variant(of: Mapping[str, Any] = GGUF, **changed: object) -> dict[str, Any]:
    return {**of, **changed}


def one(**changed: object) -> Entry:
    """The model with one release of which something differs."""
    return entry(releases={"1.0.0": release(**changed)})


def fields(before: Entry, after: Entry) -> list[tuple[Any, ...]]:
    """Kind, version, field, before, after."""
    return [row[1:] for row in between(side(before), side(after))]


def test_nothing_is_between_a_revision_and_itself() -> None:
    whole = side(entry(cards={"en": "# Tiny"}), entry("acme/other", "audio"), publishers={"acme": {"title": "Acme"}})
    assert changes.between(whole, whole) == ()
    again = side(entry(cards={"en": "# Tiny"}), entry("acme/other", "audio"), publishers={"acme": {"title": "Acme"}})
    assert changes.between(whole, again) == ()


def test_who_wrote_it_when_is_no_change() -> None:
    assert fields(entry(), entry(updated="2026-01-01T00:00:00Z")) == []


def test_added_and_removed_models_tell_their_outline() -> None:
    outline = {
        "title": "Tiny",
        "license": "MIT",
        "visibility": "public",
        "edition": "community",
        "maintainers": ["acme"],
        "releases": ["1.0.0"],
    }
    publishers = {"acme": {"title": "Acme", "maintainers": ["acme"]}}
    without, with_ = side(publishers=publishers), side(entry(), publishers=publishers)
    assert between(without, with_) == [("acme/tiny", "model-added", "", "", None, outline)]
    assert between(with_, without) == [("acme/tiny", "model-removed", "", "", outline, None)]
    (change,) = changes.between(without, with_)
    assert (change.path, change.type, change.visibility) == ("models/llm/acme/tiny/model.yaml", "llm", "public")


def test_rename_needs_the_alias_and_the_old_folder_gone() -> None:
    heir = entry("acme/small", title="Tiny", aliases=["acme/tiny"])
    assert between(side(entry()), side(heir)) == [("acme/small", "model-renamed", "", "id", "acme/tiny", "acme/small")]
    stranger = entry("acme/small", title="Tiny")
    kinds = [row[1] for row in between(side(entry()), side(stranger))]
    assert kinds == ["model-added", "model-removed"]
    assert [row[1] for row in between(side(entry()), side(entry(), heir))] == ["model-added"]


def test_rename_hides_nothing_that_changes_with_it() -> None:
    heir = entry(
        "acme/small",
        title="Tiny",
        aliases=["acme/older", "acme/tiny"],
        license="Apache-2.0",
        releases={"1.0.0": release(variants=[variant(files={"Q4_K_M": [{"path": "x", "sha256": "b" * 64}]})])},
        cards={"en": "# Other"},
    )
    found = between(side(entry(cards={"en": "# Tiny"})), side(heir))
    assert {row[1] for row in found} == {
        "model-renamed",
        "licence-changed",
        "release-changed",
        "card-changed",
        "field-changed",
    }
    assert ("acme/small", "field-changed", "", "aliases", [], ["acme/older"]) in found


def test_an_id_has_one_heir() -> None:
    heirs = [entry(name, title="Tiny", aliases=["acme/tiny"]) for name in ("acme/b", "acme/a")]
    assert [row[:2] for row in between(side(entry()), side(*heirs))] == [
        ("acme/a", "model-renamed"),
        ("acme/b", "model-added"),
    ]


def test_another_type_is_a_move() -> None:
    rows = fields(entry(), entry(type_="audio"))
    assert rows == [("model-moved", "", "type", "llm", "audio")]


@pytest.mark.parametrize(
    ("before", "after", "row"),
    [
        ({"title": "A"}, {"title": "B"}, ("field-changed", "", "title", "A", "B")),
        ({}, {"license": "GPL-3.0"}, ("licence-changed", "", "license", "MIT", "GPL-3.0")),
        ({}, {"status": "deprecated"}, ("status-changed", "", "status", "active", "deprecated")),
        ({}, {"listed": False}, ("listing-changed", "", "listed", True, False)),
        ({}, {"expires": "2027-01-01"}, ("expiry-changed", "", "expires", None, "2027-01-01")),
        ({}, {"tags": ["chat", "code"]}, ("field-changed", "", "tags", [], ["chat", "code"])),
        ({}, {"links": {"paper": "https://a.b"}}, ("field-changed", "", "links.paper", None, "https://a.b")),
        ({}, {"terms": {"edition": "enterprise"}}, ("field-changed", "", "terms.edition", "community", "enterprise")),
        (
            {"summary": {"en": "A", "zh": "B"}},
            {"summary": {"en": "A", "zh": "C"}},
            ("field-changed", "", "summary.zh", "B", "C"),
        ),
        ({}, {"maintainers": ["bob"]}, ("owners-changed", "", "maintainers", [], ["bob"])),
    ],
)
def test_fields_of_a_model(before: dict[str, Any], after: dict[str, Any], row: tuple[Any, ...]) -> None:
    assert fields(entry(**before), entry(**after)) == [row]
    kind, version, field, old, new = row
    assert fields(entry(**after), entry(**before)) == [(kind, version, field, new, old)]


@pytest.mark.parametrize(
    "written",
    [
        {"status": "active"},
        {"listed": True},
        {"terms": {"price": "free"}},
        {"featured": False},
        {"renewable": False},
        {"visibility": "public"},
        {"tags": []},
    ],
)
def test_a_default_that_is_written_down_is_no_change(written: dict[str, Any]) -> None:
    assert fields(entry(), entry(**written)) == []


def test_what_is_inherited_and_then_written_down_is_no_change() -> None:
    assert fields(one(), one(variants=[variant(license="MIT")])) == []
    large = {"vram": "8GiB"}
    before = one(requirements=large)
    assert fields(before, one(requirements=large, variants=[variant(requirements=large)])) == []
    publishers = {"acme": {"title": "Acme", "maintainers": ["ada"]}}
    assert between(side(entry(), publishers=publishers), side(entry(maintainers=["ada"]), publishers=publishers)) == []
    everywhere = entry(regions=["eu"]), entry(regions=["eu"], releases={"1.0.0": release(regions=["eu"])})
    assert fields(*everywhere) == []


def test_what_a_release_inherits_changes_with_its_model_alone() -> None:
    assert fields(entry(), entry(license="Apache-2.0")) == [("licence-changed", "", "license", "MIT", "Apache-2.0")]
    assert fields(entry(), entry(regions=["eu"])) == [("field-changed", "", "regions", [], ["eu"])]


def test_own_licence_of_a_variant_is_both_a_field_and_a_licence() -> None:
    assert fields(one(), one(variants=[variant(license="GPL-3.0")])) == [
        ("licence-changed", "1.0.0", "variants", ["MIT"], ["GPL-3.0"]),
        ("release-changed", "1.0.0", "variants.0.license", "MIT", "GPL-3.0"),
    ]


def test_a_release_is_compared_down_to_the_leaf() -> None:
    files = {"Q4_K_M": [{"path": "t-Q4_K_M.gguf", "size": 5_000_000_000, "sha256": "b" * 64}]}
    before, after = one(), one(spec={**RELEASE["spec"], "context_length": 8192}, variants=[variant(files=files)])
    assert fields(before, after) == [
        ("release-changed", "1.0.0", "spec.context_length", 4096, 8192),
        ("release-changed", "1.0.0", "variants.0.files.Q4_K_M.0.sha256", DIGEST, "b" * 64),
    ]
    (_, change) = changes.between(side(before), side(after))
    assert change.pointer == ("variants", 0, "files", "Q4_K_M", 0, "sha256")
    assert change.path == "models/llm/acme/tiny/1.0.0.yaml"


def test_another_order_is_one_change() -> None:
    before, after = one(variants=[GGUF, OTHER]), one(variants=[OTHER, GGUF])
    assert fields(before, after) == [
        ("release-changed", "1.0.0", "variants", ["8b-gguf", "8b-pytorch"], ["8b-pytorch", "8b-gguf"])
    ]
    files = {"none": [*reversed(OTHER["files"]["none"])]}
    assert fields(one(variants=[OTHER]), one(variants=[variant(OTHER, files=files)])) == [
        (
            "release-changed",
            "1.0.0",
            "variants.0.files.none",
            ["a.safetensors", "b.safetensors"],
            ["b.safetensors", "a.safetensors"],
        )
    ]


def test_an_item_put_before_others_is_one_change() -> None:
    rows = fields(one(variants=[GGUF]), one(variants=[OTHER, GGUF]))
    assert [row[:3] for row in rows] == [("release-changed", "1.0.0", "variants.0")]
    assert rows[0][3] is None
    assert rows[0][4]["sources"]["huggingface"]["repo"] == "acme/tiny"


def test_engines_of_a_variant_change_in_place() -> None:
    assert fields(one(variants=[GGUF, OTHER]), one(variants=[GGUF, variant(OTHER, engines=["sglang"])])) == [
        ("release-changed", "1.0.0", "variants.1.engines", ["vllm"], ["sglang"])
    ]


def test_status_of_a_release_is_its_own() -> None:
    assert fields(one(), one(status="discontinued", reason="Broken.")) == [
        ("release-changed", "1.0.0", "reason", None, "Broken."),
        ("release-status-changed", "1.0.0", "status", "active", "discontinued"),
    ]
    assert [row[0] for row in fields(entry(), entry(status="quarantined"))] == ["status-changed"]


def test_added_and_removed_releases() -> None:
    two = entry(releases={"1.0.0": RELEASE, "1.1.0": release(notes="More.")})
    outline = {"status": "active", "variants": ["8b-gguf"], "bytes": 5_000_000_000, "notes": "More."}
    assert fields(entry(), two) == [("release-added", "1.1.0", "", None, outline)]
    assert fields(two, entry()) == [("release-removed", "1.1.0", "", outline, None)]


def test_a_new_release_from_elsewhere_or_under_another_licence_says_so() -> None:
    moved = variant(sources={"huggingface": {"repo": "evil/tiny-gguf"}}, license="GPL-3.0")
    two = entry(releases={"1.0.0": RELEASE, "1.1.0": release(variants=[moved])})
    assert fields(entry(), two)[:2] == [
        ("licence-changed", "1.1.0", "variants", ["MIT"], ["GPL-3.0"]),
        ("release-added", "1.1.0", "", None, fields(entry(), two)[1][4]),
    ]
    assert fields(entry(), two)[2] == (
        "source-changed",
        "1.1.0",
        "sources",
        ["huggingface/acme"],
        ["huggingface/evil"],
    )


def test_a_new_release_is_measured_by_the_one_before_it() -> None:
    old = release(variants=[variant(sources={"huggingface": {"repo": "old/tiny"}})])
    known = {"1.0.0": old, "2.0.0": RELEASE}
    found = [row[0] for row in fields(entry(releases=known), entry(releases=known | {"1.1.0": old}))]
    assert found == ["release-added"]
    found = [row[0] for row in fields(entry(releases=known), entry(releases=known | {"2.1.0": old}))]
    assert found == ["release-added", "source-changed"]


@pytest.mark.parametrize(
    ("changed", "origin"),
    [
        ({"sources": {"modelscope": {"repo": "acme/tiny"}}}, ["modelscope/acme"]),
        ({"sources": {"oci": {"image": "ghcr.io/evil/tiny@sha256:" + "a" * 64}}}, ["ghcr.io/evil"]),
        ({"sources": {"oci": {"image": "evil/tiny@sha256:" + "a" * 64}}}, ["docker.io/evil"]),
        ({"sources": {"url": {"prefix": "https://files.example/a/"}}}, ["files.example"]),
        ({"sources": {"url": {"prefix": "https://Files.example:8443/b/"}}}, ["files.example:8443"]),
        ({"sources": {"url": {"prefix": "https://github.com/evil/r/"}}}, ["github.com/evil"]),
        ({"sources": {"object": {"prefix": "s3://bucket/a/"}}}, ["s3/bucket"]),
        ({"sources": {"url": {"prefix": "https://[::1/"}}}, ["https://[::1/"]),
        (
            {"lora": {"repo": "evil/lora"}},
            ["huggingface/acme", "huggingface/evil"],
        ),
        (
            {"files": {"Q4_K_M": [{"path": "x", "url": "https://cdn.example/x"}]}},
            ["cdn.example", "huggingface/acme"],
        ),
    ],
)
def test_hosts_and_owners(changed: dict[str, Any], origin: list[str]) -> None:
    rows = fields(one(), one(variants=[variant(**changed)]))
    assert [row for row in rows if row[0] == "source-changed"] == [
        ("source-changed", "1.0.0", "sources", ["huggingface/acme"], origin)
    ]


def test_addresses_in_what_only_one_runtime_reads_are_sources_too() -> None:
    rows = fields(one(), one(runtimes={"localai": {"files": [{"uri": "huggingface://evil/repo/x.gguf"}]}}))
    assert (
        "source-changed",
        "1.0.0",
        "sources",
        ["huggingface/acme"],
        ["huggingface/acme", "huggingface/evil"],
    ) in rows


def test_cards_and_covers_by_blob() -> None:
    before = side(entry(cards={"en": "# A", "zh": "# B"}))
    after = side(entry(cards={"en": "# C"}), files={"models/llm/acme/tiny/cover.webp": b"RIFF"})
    found = changes.between(before, after)
    assert [(each.kind, each.field) for each in found] == [
        (Kind.CARD_CHANGED, "README.md"),
        (Kind.CARD_CHANGED, "README.zh.md"),
        (Kind.COVER_CHANGED, "cover.webp"),
    ]
    path = "models/llm/acme/tiny/README.md"
    assert (found[0].before, found[0].after) == (before.paths[path].blob, after.paths[path].blob)
    assert found[1].after is None
    assert found[2].before is None


def test_owners_of_a_publisher_change_for_every_model_without_own_ones() -> None:
    models = [entry(), entry("acme/own", maintainers=["eve"]), entry("zeta/else")]
    before = side(*models, publishers={"acme": {"title": "Acme", "maintainers": ["ada"]}})
    after = side(*models, publishers={"acme": {"title": "Acme", "maintainers": ["ada", "bob"]}})
    assert between(before, after) == [
        ("acme", "publisher-changed", "", "maintainers", ["ada"], ["ada", "bob"]),
        ("acme/tiny", "owners-changed", "", "maintainers", ["ada"], ["ada", "bob"]),
    ]
    assert changes.between(before, after)[1].path == "publishers/acme.yaml"


def test_unchanged_models_are_not_looked_into() -> None:
    many = [entry(f"acme/m{number}", title="M", cards={"en": "# M"}) for number in range(50)]
    copies = [Entry(each.outline, b"not JSON: nobody may read it", each.listing, each.cards) for each in many]
    last = entry("acme/m49", title="N", cards={"en": "# M"})
    base, merged = side(*copies[:49], many[49]), side(*copies[:49], last)
    assert [row[:4] for row in between(base, merged)] == [("acme/m49", "field-changed", "", "title")]
