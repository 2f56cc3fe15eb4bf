"""Changes in words: each kind on one line, hiding nothing."""

from __future__ import annotations

from typing import Any

import pytest

from compared import side
from galleryctl import changes
from galleryctl.changes import Change, Kind, wording
from galleryctl.changes.values import shown, value
from made import RELEASE, entry

VARIANT: dict[str, Any] = RELEASE["variants"][0]


def lines(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What is said of one model that differs."""
    return [wording.of(each) for each in changes.between(side(entry(**before)), side(entry(**after)))]


def release(**changed: object) -> dict[str, Any]:
    return {"releases": {"1.0.0": {**RELEASE, **changed}}}


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ({}, {"license": "CC-BY-NC-4.0"}, "licence MIT → CC-BY-NC-4.0"),
        ({"license_url": "https://a.b"}, {}, "address of the licence removed: https://a.b"),
        ({"visibility": "restricted"}, {}, "visibility restricted → public"),
        ({"maintainers": ["ada"]}, {"maintainers": ["ada", "bob"]}, "owners ada → ada, bob"),
        ({}, {"status": "deprecated"}, "deprecated"),
        ({"status": "quarantined"}, {}, "reinstated (was quarantined)"),
        ({"status": "deprecated"}, {"status": "discontinued"}, "discontinued (was deprecated)"),
        ({}, {"listed": False}, "withdrawn from lists"),
        ({"listed": False}, {}, "listed again"),
        ({}, {"expires": "2027-01-01"}, "expires 2027-01-01"),
        ({"expires": "2027-01-01"}, {"expires": "2026-12-01"}, "expires 2026-12-01 (was 2027-01-01)"),
        ({"expires": "2027-01-01"}, {}, "does not expire any more (was 2027-01-01)"),
        ({}, {"tags": ["chat"]}, "tags none → chat"),
        ({"tags": [*"abcd"]}, {"tags": [*"bcde"]}, "tags +e, -a"),
        ({"tags": [*"abcdefgh"]}, {"tags": [*"badcfehg"]}, "order of tags changed"),
        ({"tags": [*"abcdefgh"]}, {"tags": [*"ijklmnop"]}, "tags changed"),
        ({"tags": ["a", "b"]}, {"tags": ["b", "a"]}, "order of tags changed"),
        ({}, {"featured": True}, "featured no → yes"),
        ({}, {"links": {"paper": "https://a.b"}}, "link paper added: https://a.b"),
        ({"summary": {"en": "A", "zh": "B"}}, {"summary": {"en": "A", "zh": "C"}}, "summary (zh) B → C"),
        ({"summary": "x" * 200}, {"summary": "y" * 200}, "summary changed"),
        ({}, {"description": "Long."}, "description added"),
        ({}, {"terms": {"price": "paid"}}, "price free → paid"),
        ({}, release(notes="Other."), "notes of 1.0.0 changed"),
        ({}, release(status="discontinued"), "release 1.0.0 discontinued"),
        (release(status="quarantined"), {}, "release 1.0.0 reinstated (was quarantined)"),
        ({}, release(spec={**RELEASE["spec"], "context_length": 131072}), "context length of 1.0.0 4096 → 131,072"),
        ({}, {"releases": {"1.0.0": RELEASE, "1.2.0": RELEASE}}, "release 1.2.0 added"),
        ({"releases": {"1.0.0": RELEASE, "1.2.0": RELEASE}}, {}, "release 1.2.0 removed"),
        ({}, release(variants=[]), "variant 8b-gguf of 1.0.0 removed"),
        ({}, {"cards": {"en": "# A"}}, "card added"),
        ({"cards": {"zh": "# A"}}, {"cards": {"zh": "# B"}}, "card (zh) changed"),
    ],
)
def test_one_line_for_each(before: dict[str, Any], after: dict[str, Any], line: str) -> None:
    assert line in lines(before, after)


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"files": {"Q4_K_M": [{**VARIANT["files"]["Q4_K_M"][0], "sha256": "b" * 64}]}},
            "sha256 of 1.0.0 Q4_K_M changed",
        ),
        (
            {"files": {"Q4_K_M": [*VARIANT["files"]["Q4_K_M"], {"path": "more.gguf"}]}},
            "file more.gguf of 1.0.0 Q4_K_M added",
        ),
        ({"files": {**VARIANT["files"], "Q8_0": []}}, "files of 1.0.0 Q8_0 added: none"),
        (
            {"sources": {"huggingface": {**VARIANT["sources"]["huggingface"], "revision": "1" * 40}}},
            "revision of 1.0.0 huggingface 000000000000 → 111111111111",
        ),
        ({"sources": {}}, "source of 1.0.0 huggingface/acme → none"),
        ({"license": "GPL-3.0"}, "licence of 1.0.0 MIT → GPL-3.0"),
        ({"engines": ["vllm"]}, "engines of 1.0.0 none → vllm"),
    ],
)
def test_parts_of_a_release(changed: dict[str, Any], line: str) -> None:
    assert line in lines({}, release(variants=[VARIANT | changed]))


def test_a_new_model_is_summed_up() -> None:
    found = changes.between(side(), side(entry(releases={"1.0.0": RELEASE, "1.1.0": RELEASE})))
    assert wording.summary(found) == "new · releases 1.1.0, 1.0.0 · MIT · visibility public"
    back = changes.between(side(entry(license=None)), side())
    assert wording.summary(back) == "removed · release 1.0.0"


def test_what_matters_most_stands_first_and_once() -> None:
    after = entry(license="GPL-3.0", title="Other", cards={"en": "# A"}, releases={"1.0.0": RELEASE, "2.0.0": RELEASE})
    found = changes.between(side(entry()), side(after))
    assert wording.summary([*found, *found]) == (
        "licence MIT → GPL-3.0 · release 2.0.0 added · title Tiny → Other · card added"
    )


def test_groups_have_headings() -> None:
    pins = {"chat": {"title": "Chat", "pins": [{"model": "acme/tiny", "version": "1.0.0"}, {"model": "acme/b"}]}}
    merged = side(entry(), publishers={"acme": {"title": "Acme"}}, consumers=pins)
    told = [(heading, wording.summary(group)) for heading, group in wording.grouped(changes.between(side(), merged))]
    assert told == [
        ("publisher acme", "publisher added"),
        ("acme/tiny", "new · release 1.0.0 · MIT · visibility public"),
        ("service chat", "added, pins acme/tiny 1.0.0, acme/b (newest)"),
    ]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (Change("a/b", Kind.MODEL_RENAMED, field="id", before="a/c", after="a/b"), "renamed from a/c"),
        (Change("a/b", Kind.MODEL_MOVED, field="type", before="llm", after="audio"), "type llm → audio"),
        (
            Change("a/b", Kind.VISIBILITY_NARROWED, field="audience", before=["ada", "bob"], after=["ada"]),
            "visible to fewer people: ada, bob → ada",
        ),
        (
            Change("a/b", Kind.TOMBSTONE_ADDED, after={"reason": "rights", "whole": True, "successor": "a/d"}),
            "tombstone added: rights, successor a/d",
        ),
        (
            Change("a/b", Kind.TOMBSTONE_ADDED, after={"reason": "broken", "whole": False, "releases": ["1.0.0"]}),
            "tombstone of releases 1.0.0 added: broken",
        ),
        (Change("docs/a.md", Kind.FILE_CHANGED), "changed"),
        (Change("registry/roles.yaml", Kind.GOVERNANCE_CHANGED, before="1" * 40), "removed"),
        (
            Change("registry/roles.yaml", Kind.GOVERNANCE_CHANGED, field="groups.a", before=["x"], after=["x", "y"]),
            "groups.a x → x, y",
        ),
        (
            Change(
                "chat",
                Kind.CONSUMER_CHANGED,
                field="pins.0",
                pointer=("pins", 0),
                before={"model": "a/b", "version": "1.0.0"},
                after={"model": "a/b", "version": "1.1.0"},
            ),
            "pin of a/b 1.0.0 → a/b 1.1.0",
        ),
        (
            Change("chat", Kind.CONSUMER_CHANGED, field="pins.0", pointer=("pins", 0), before={"model": "a/b"}),
            "pin of a/b (newest) removed",
        ),
    ],
)
def test_rare_kinds(change: Change, line: str) -> None:
    assert wording.of(change) == line


def test_every_kind_has_words() -> None:
    for kind in Kind:
        line = wording.of(Change("a/b", kind, "1.0.0", "title", {"title": "x"}, {"title": "y"}, pointer=("title",)))
        assert line
        assert kind.value not in line


@pytest.mark.parametrize(
    "hostile",
    ["a\nb", "a\x1b[31mb", "a\u202eb", "a\u200bb", "a\u2028b", "a\x00b", "a\udc80b", "a\u3164b", "a\x85b"],
)
def test_nothing_hides_or_leaves_its_line(hostile: str) -> None:
    found = changes.between(side(entry()), side(entry(title=hostile.replace("\udc80", "\u2066"), tags=[hostile[:1]])))
    for line in (*map(wording.of, found), shown(hostile), value([hostile]), value({hostile: 1})):
        assert line.isprintable()


def test_long_lists_and_texts_are_cut() -> None:
    assert value(["x"] * 9) == "x, x, x, x, x, x and 3 more"
    assert len(value("x" * 1000)) < 60
    assert value("0" * 64) == "0" * 12
    assert shown("a  b\t c") == "a b c"
