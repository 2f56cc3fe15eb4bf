"""Changes of audiences, groups, publishers, services, tombstones, vocabulary, governance and other files."""

from __future__ import annotations

from typing import Any

import pytest

from compared import between, side
from galleryctl import changes
from galleryctl.changes import places
from galleryctl.changes.leaves import Leaf, leaves
from made import entry

ROLES: dict[str, Any] = {
    "people": {name: {"github": {"id": number, "login": name}} for number, name in enumerate(("ada", "bob", "eve"))},
    "groups": {"partners": ["ada"], "more": ["ada", "bob"], "staff": ["ada", "eve"]},
}
SETTINGS: dict[str, Any] = {"organisation": "staff"}


def grouped(**groups: list[str]) -> dict[str, Any]:
    return {**ROLES, "groups": {**ROLES["groups"], **groups}}


@pytest.mark.parametrize(
    ("before", "after", "row"),
    [
        ({"visibility": "private"}, {}, ("visibility-widened", "visibility", "private", "public")),
        ({}, {"visibility": "private"}, ("visibility-narrowed", "visibility", "public", "private")),
        (
            {"visibility": "organisation"},
            {"visibility": "public"},
            ("visibility-widened", "visibility", "organisation", "public"),
        ),
        (
            {"visibility": "restricted", "allowed": ["partners"]},
            {"visibility": "restricted", "allowed": ["more"]},
            ("visibility-widened", "allowed", ["partners"], ["more"]),
        ),
        (
            {"visibility": "restricted", "allowed": ["more"]},
            {"visibility": "restricted", "allowed": ["staff"]},
            ("visibility-narrowed", "allowed", ["more"], ["staff"]),
        ),
        (
            {"visibility": "restricted", "allowed": ["more"]},
            {"visibility": "restricted", "allowed": ["bob", "ada"]},
            ("field-changed", "allowed", ["more"], ["bob", "ada"]),
        ),
    ],
)
def test_audiences(before: dict[str, Any], after: dict[str, Any], row: tuple[Any, ...]) -> None:
    one, other = (side(entry(**each), roles=ROLES, settings=SETTINGS) for each in (before, after))
    kind, *rest = row
    assert between(one, other) == [("acme/tiny", kind, "", *rest)]


def test_widening_to_the_organisation_says_both_and_counts_the_wider() -> None:
    before = side(entry(visibility="restricted", allowed=["partners"]), roles=ROLES, settings=SETTINGS)
    after = side(entry(visibility="organisation"), roles=ROLES, settings=SETTINGS)
    found = changes.between(before, after)
    assert [(each.kind.value, each.field) for each in found] == [
        ("field-changed", "allowed"),
        ("visibility-widened", "visibility"),
    ]
    assert {each.visibility for each in found} == {"organisation"}


def test_a_group_that_shrinks_or_grows_shows_every_model_concerned() -> None:
    models = [
        entry("acme/a", visibility="restricted", allowed=["more"]),
        entry("acme/b", visibility="restricted", allowed=["partners"]),
        entry("acme/c"),
    ]
    small = side(*models, roles=ROLES)
    large = side(*models, roles=grouped(more=["ada", "bob", "eve"]))
    assert between(small, large) == [
        ("acme/a", "visibility-widened", "", "audience", ["ada", "bob"], ["ada", "bob", "eve"]),
        ("registry/roles.yaml", "governance-changed", "", "groups.more", ["ada", "bob"], ["ada", "bob", "eve"]),
    ]
    assert [row[:2] for row in between(large, small)] == [
        ("acme/a", "visibility-narrowed"),
        ("registry/roles.yaml", "governance-changed"),
    ]
    assert changes.between(small, large)[0].path == "roles.yaml"


def test_a_group_in_another_order_concerns_nobody() -> None:
    models = [entry("acme/a", visibility="restricted", allowed=["more"])]
    rows = between(side(*models, roles=ROLES), side(*models, roles=grouped(more=["bob", "ada"])))
    assert [row[1] for row in rows] == ["governance-changed"]


def test_members_of_the_organisation_leave() -> None:
    model = entry(visibility="organisation")
    before = side(model, roles=ROLES, settings=SETTINGS)
    after = side(model, roles=grouped(staff=["ada"]), settings=SETTINGS)
    assert between(before, after)[0] == (
        "acme/tiny",
        "visibility-narrowed",
        "",
        "audience",
        ["ada", "eve"],
        ["ada"],
    )
    nobody = side(model, roles=ROLES)
    assert between(before, nobody)[0][:4] == ("acme/tiny", "visibility-narrowed", "", "audience")


def test_publishers_come_change_and_go() -> None:
    acme = {"acme": {"title": "Acme"}}
    assert between(side(), side(publishers=acme))[0][:2] == ("acme", "publisher-added")
    assert between(side(publishers=acme), side())[0][:2] == ("acme", "publisher-removed")
    proved = {"acme": {"title": "Acme", "proof": {"kind": "domain", "value": "acme.example"}}}
    assert between(side(publishers=acme), side(publishers=proved)) == [
        ("acme", "publisher-changed", "", "proof.kind", None, "domain"),
        ("acme", "publisher-changed", "", "proof.value", None, "acme.example"),
    ]


def test_pins_of_a_service_are_values() -> None:
    def service(*pins: dict[str, str]) -> dict[str, Any]:
        return {"chat": {"title": "Chat", "pins": list(pins)}}

    tiny, small = {"model": "acme/tiny", "version": "1.0.0"}, {"model": "acme/small"}
    before = side(consumers=service(tiny, small))
    assert between(before, side(consumers=service(small, tiny))) == []
    assert between(before, side(consumers=service(small, tiny | {"version": "1.1.0"}))) == [
        ("chat", "consumer-changed", "", "pins.1", tiny, tiny | {"version": "1.1.0"})
    ]
    assert between(before, side(consumers=service(tiny))) == [("chat", "consumer-changed", "", "pins.1", small, None)]
    assert between(side(), before)[0][:5] == ("chat", "consumer-changed", "", "", None)
    assert between(before, side())[0][5] is None


def test_tombstones() -> None:
    stone = {"acme/tiny": {"type": "llm", "reason": "rights", "since": "2026-01-01", "releases": ["1.0.0"]}}
    (change,) = changes.between(side(), side(tombstones=stone))
    assert (change.kind.value, change.subject, change.type) == ("tombstone-added", "acme/tiny", "llm")
    assert change.path == "removed/acme/tiny.yaml"
    assert [row[1] for row in between(side(tombstones=stone), side())] == ["tombstone-removed"]
    more = {"acme/tiny": stone["acme/tiny"] | {"releases": ["1.0.0", "1.1.0"]}}
    assert between(side(tombstones=stone), side(tombstones=more)) == [
        ("acme/tiny", "tombstone-changed", "", "releases", ["1.0.0"], ["1.0.0", "1.1.0"])
    ]


def test_licences_of_the_taxonomy_are_governance_its_words_are_not() -> None:
    before = {"licenses": {"MIT": {"label": "MIT"}}, "categories": {"title": "Category"}}
    after = {"licenses": {"MIT": {"label": "MIT", "commercial": "allowed"}}, "categories": {"title": "Kind"}}
    found = changes.between(side(taxonomy=before), side(taxonomy=after))
    assert [(each.kind.value, each.field, each.path) for each in found] == [
        ("governance-changed", "licenses.MIT.commercial", "registry/taxonomy.yaml"),
        ("taxonomy-changed", "categories.title", "taxonomy.yaml"),
    ]


def test_governance_is_told_field_by_field_and_never_silent() -> None:
    rows = between(side(), side(policy={"limits": {"models": 3}}))
    assert rows == [("registry/policy.yaml", "governance-changed", "", "limits.models", 20, 3)]
    reworded = side(files={"policy.yaml": b"# a comment"})
    (row,) = between(side(), reworded)
    assert row[:4] == ("registry/policy.yaml", "governance-changed", "", "")
    grant = {"role": "admin", "to": ["ada"], "scope": "*"}
    other = grant | {"to": ["ada", "bob"]}
    rows = between(side(roles={"grants": [grant]}), side(roles={"grants": [other]}))
    assert rows == [("registry/roles.yaml", "governance-changed", "", "grants.0.to", ["ada"], ["ada", "bob"])]


def test_files_outside_the_registry() -> None:
    touched = ("schemas/types/llm.schema.json", "../.github/workflows/check.yml", "docs/guide.md", "../README.md")
    assert [row[:2] for row in between(side(), side(), *touched)] == [
        ("../.github/workflows/check.yml", "governance-changed"),
        ("../README.md", "file-changed"),
        ("docs/guide.md", "file-changed"),
        ("schemas/types/llm.schema.json", "governance-changed"),
    ]


def test_what_cannot_be_read_is_a_file_and_nothing_gone() -> None:
    """A definition that does not parse any more is in no gallery, and its folder is still there."""
    broken = side(
        files={
            "models/llm/acme/tiny/model.yaml": b"title: [",
            "publishers/acme.yaml": b"{",
            "consumers/chat.yaml": b"{",
            "removed/acme/old.yaml": b"{",
        }
    )
    whole = side(
        entry(),
        publishers={"acme": {"title": "Acme"}},
        consumers={"chat": {"title": "Chat"}},
        tombstones={"acme/old": {"type": "llm", "reason": "rights", "since": "2026-01-01"}},
    )
    assert {row[1] for row in between(whole, broken)} == {"file-changed"}
    assert [row[0] for row in between(whole, broken)] == [
        "registry/consumers/chat.yaml",
        "registry/models/llm/acme/tiny/model.yaml",
        "registry/publishers/acme.yaml",
        "registry/removed/acme/old.yaml",
    ]


def test_files_without_a_place_in_the_registry() -> None:
    rows = between(side(), side(files={"models/llm/acme/tiny/run.py": b"print()", "notes.txt": b"x"}))
    assert [row[:2] for row in rows] == [
        ("registry/models/llm/acme/tiny/run.py", "file-changed"),
        ("registry/notes.txt", "file-changed"),
    ]


@pytest.mark.parametrize(
    ("path", "governs"),
    [
        ("registry/roles.yaml", True),
        ("registry/gallery.json", True),
        ("registry/policy.yaml", True),
        ("registry/taxonomy.yaml", False),
        ("registry/src/x.py", False),
        ("registry/models/llm/acme/tiny/model.yaml", False),
        ("roles.yaml", False),
        ("src/galleryctl/cli.py", True),
        ("../src/x.py", True),
        ("../../.github/workflows/a.yml", True),
        ("site_templates/base.html", True),
        ("requirements.lock", True),
        ("package-lock.json", True),
        ("package.json", True),
        (".npmrc", True),
        ("hatch_build.py", True),
        ("Makefile", True),
        (".ci/run.sh", True),
        ("docs/src/x.md", False),
        ("README.md", False),
    ],
)
def test_which_files_govern(path: str, governs: bool) -> None:
    assert places.governs(path, "registry") is governs


def test_numbers_that_no_document_may_hold_are_compared_all_the_same() -> None:
    """What a stranger proposes as governance is compared before anybody says that it is nonsense."""
    rows = between(side(), side(policy={"limits": {"files": 10**40}}))
    assert rows[0][5] == 10**40
    items: list[dict[str, object]] = [{"a": 10**30}, {"a": 1}]
    assert list(leaves(items, [*items, {"b": 10**30}])) == [Leaf((2,), None, {"b": 10**30})]


def test_long_lists_are_matched_in_time() -> None:
    grants = [{"role": "owner", "to": f"p{number}", "scope": f"a{number}/*"} for number in range(3000)]
    rows = between(side(roles={"grants": grants}), side(roles={"grants": grants[1:]}))
    assert [row[3] for row in rows] == ["grants.0"]
