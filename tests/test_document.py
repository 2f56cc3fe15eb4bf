"""Documents: what every reader understands alike, where it stands, and edits that touch nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from galleryctl import document
from galleryctl.document import DELETE
from galleryctl.problems import Position, Problem
from galleryctl.spec import Limits

if TYPE_CHECKING:
    from galleryctl.document import Document, Pointer

LIMITS = Limits()
WIDE = Limits(depth=50, nodes=100_000)


def parse(text: str | bytes, name: str = "a.yaml") -> Document:
    found, problems = document.parse(name, text.encode() if isinstance(text, str) else text, WIDE)
    assert found is not None, problems
    return found


def problems(text: str | bytes, name: str = "a.yaml", limits: Limits = LIMITS) -> list[Problem]:
    return document.parse(name, text.encode() if isinstance(text, str) else text, limits)[1]


def codes(text: str | bytes, name: str = "a.yaml") -> list[str]:
    return [problem.code for problem in problems(text, name)]


# -- values

VALUES = [
    ("a: true", True), ("a: False", False), ("a: 1", 1), ("a: -3", -3), ("a: 1.5", 1.5), ("a: 1.0e-5", 1e-5),
    ("a: text", "text"), ("a: 8GiB", "8GiB"), ("a: 1.0.0", "1.0.0"), ("a: 2025-05-01", "2025-05-01"),
    ('a: "no"', "no"), ("a: 'it''s'", "it's"), ("a: |\n  b\n  c\n", "b\nc\n"), ("a: >\n  b\n  c\n", "b c\n"),
    ("a: [x, 1]", ["x", 1]), ("a: {b: 1}", {"b": 1}), ("a: .5x", ".5x"), ("a: 模型", "模型"), ("a: -x", "-x"),
    ("a: []", []), ("a: {}", {}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_values_are_read_alike_by_every_reader(text: str, value: object) -> None:
    found = parse(text + "\n" if not text.endswith("\n") else text)
    assert found.data == {"a": value}
    assert type(found.data["a"]) is type(value)


ODD = [
    ("no", "YML006"), ("Yes", "YML006"), ("y", "YML006"), ("OFF", "YML006"),
    ("1e3", "YML007"), ("0123", "YML007"), ("1_8", "YML007"), ("12:30", "YML007"), ("0x1F", "YML007"),
    ("0o17", "YML007"), (".5", "YML007"), ("+1", "YML007"), ("1.", "YML007"), (".inf", "YML007"), ("-.INF", "YML007"),
    (".nan", "YML007"), ("0b11", "YML007"), ("9007199254740992", "YML007"), ("9" * 40, "YML007"),
    ("1.0e+999", "YML007"),
    ("~", "YML010"), ("null", "YML010"), ("", "YML010"),
]  # fmt: skip


@pytest.mark.parametrize(("scalar", "code"), ODD)
def test_scalars_about_which_readers_differ_are_told(scalar: str, code: str) -> None:
    assert codes(f"a: {scalar}\nb: c\n".replace(": \n", ":\n")) == [code]
    assert codes(f'a: "{scalar}"\n') == []


@pytest.mark.parametrize(("scalar", "code"), [pair for pair in ODD if pair[1] in {"YML006", "YML007"}])
def test_a_quoted_scalar_is_the_text_as_written(scalar: str, code: str) -> None:
    text = f"a: {scalar}  # note\n"
    (problem,) = problems(text)
    assert problem.code == code
    mended = document.apply(text, problem.edits)
    assert mended == f'a: "{scalar}"  # note\n'
    assert yaml.safe_load(mended) == {"a": scalar}


@pytest.mark.parametrize("key", ["no", "1.10", "12:30", "2024-01-01", "true", "4"])
def test_names_are_text(key: str) -> None:
    (problem,) = problems(f"{key}: x\n")
    assert parse(document.apply(f"{key}: x\n", problem.edits)).data == {key: "x"}


def test_dates_are_kept_for_those_who_know_what_is_meant() -> None:
    found = parse("a: {b: [x, 2024-05-13]}\nc: 2025-05-01T08:00:00Z\nd: '2025-05-01'\n")
    assert found.dates == (("a", "b", 1), ("c",))
    assert codes("a: 2024-05-13\n") == []


# -- what a file may not hold


def test_problems_say_where_and_what_to_do() -> None:
    (problem,) = problems("title: Tiny\nlicense: MIT\ntitle: Small\n")
    assert (problem.line, problem.column, problem.code) == (3, 1, "YML002")
    assert problem.message == "`title` stands twice in one map: first on line 1"


REFUSED = [
    ("a: [1, 2", "YML001"), ("a: b: c\n", "YML001"), ('a: "x\n', "YML001"), ("a: @x\n", "YML001"), ("", "YML001"),
    ("# only a comment\n", "YML001"), ('a: "\\d"\n', "YML001"), ("a: 1\n  b: 2\n", "YML001"), (": b\n", "YML001"),
    ("a: 1\na: 2\n", "YML002"), ("a: &x 1\n", "YML003"), ("a: [*x]\n", "YML003"), ("a: {<<: {b: 1}}\n", "YML003"),
    ("a: !!str 1\n", "YML004"), ("a: !x {b: c}\n", "YML004"), ("a: 1\n---\nb: 2\n", "YML005"),
    ("%YAML 1.2\n---\na: 1\n", "YML005"), ("a: =\n", "YML012"), ("a: [b?c]\n", "YML012"),
    ("a: {b: https://c.example/?d}\n", "YML012"),
    ("a:\n\tb: 1\n", "YML005"), ("a: 1\r\n", "YML005"), ("\ufeffa: x\n", "YML005"), (b"a: \xff\n", "YML005"),
    (b"\xff\xfea\x00", "YML005"), ('a: "\\\'"\n', "YML012"), ("[a]: b\n", "YML012"), ("{a: b}: c\n", "YML012"),
    ("a: \x00b\n", "TXT002"), ("a: b\x85\n", "TXT002"), ("a: b\u2028c\n", "TXT002"), ("a: \x1b[31m\n", "TXT002"),
    ("- a\n", "SCH003"), ("text\n", "SCH003"), ("a: x \n", "YML013"), ("a: x", "YML013"), ("a: x\n\n", "YML013"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_what_readers_disagree_about_is_refused(text: str | bytes, code: str) -> None:
    assert codes(text) == [code]


JSON_REFUSED = [
    ('{"a": 1,}', "YML014"), ('{"a": [1,]}', "YML014"), ('{"a": NaN}', "YML014"), ('{"a": -Infinity}', "YML014"),
    ('{// x\n"a": 1}', "YML014"), ('{"a": 1} // x', "YML014"), ('{"a": 9007199254740992}', "YML014"),
    ('{"a": 1e999}', "YML014"), ('{"a": "\\ud800"}', "YML014"), ('{"a": 1', "YML001"), ("{'a': 1}", "YML001"),
    ('{"a" 1}', "YML001"), ('{"a": 1} x', "YML001"), ('{"a": 01}', "YML001"), ('{"a": "x\ny"}', "YML001"),
    ('{"a": tru}', "YML001"), ("", "YML001"), ('{"a": 1, "a": 2}', "YML002"), ('{"a": null}', "YML010"),
    ("[1]", "SCH003"), ('\ufeff{"a": 1}', "YML005"), ('{"a": "\\d"}', "YML001"), ("{a: 1}", "YML001"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), JSON_REFUSED)
def test_json_obeys_the_same_rules(text: str, code: str) -> None:
    assert codes(text + "\n", "a.json") == [code]


def test_json_is_read_as_json() -> None:
    text = '{"a": "\\ud83d\\ude00 \\u00e9", "b": [1, -2.5, 1e3, true, false], "no": {"x": {}}, "c": "2024-01-01"}\n'
    found = parse(text, "a.json")
    assert found.data == json.loads(text)
    assert found.dates == ()
    assert found.locate(("b", 1)) == Position(1, text.index("-2.5") + 1)


def test_fixes_of_bytes_give_a_file_that_says_the_same() -> None:
    text = "\ufefftitle: Tiny\r\nlinks:\r\n  homepage: https://acme.example\r\n"
    found, told = document.parse("a.yaml", text.encode(), LIMITS)
    assert found is not None
    assert found.text == text
    mended = document.apply(text, [edit for problem in told for edit in problem.edits])
    assert parse(mended).data == found.data
    assert problems(mended) == []
    assert found.locate(("links", "homepage")) == Position(3, 13)
    start, end = found.span(("links", "homepage"))
    assert text[start:end] == "https://acme.example"


def test_trailing_blanks_inside_a_text_stay() -> None:
    assert codes("a: |\n  b  \n  c\n") == []
    assert codes("a: |+\n  b\n\n") == []
    assert codes('a: "b  \n  c"\n') == []


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [" + ",".join(["b"] * 9) + "]\n" + "".join(f"k{i}: &y{i} [*x,*x,*x]\n" for i in range(9)),
        "a: " + "[" * 200_000,
        "a: " + "{a: " * 100_000,
        "- " * 300_000,
        "? " * 300_000,
        "a: [" + "x, " * 300_000 + "x]\n",
        "a: " + "x" * 2_000_000,
        "".join(f"{' ' * i}a:\n" for i in range(1_000)),
        '{"a": ' + "[" * 100_000,
    ],
    ids=lambda text: text[:12],
)
def test_bombs_are_refused_quickly(text: str) -> None:
    for name in ("a.yaml", "a.json"):
        found, told = document.parse(name, text.encode(), LIMITS)
        assert found is None
        assert told
        assert {problem.code for problem in told} <= {"YML001", "YML003", "YML011", "SCH003"}


def test_at_most_fifty_of_a_kind_are_told_and_then_how_many_more() -> None:
    told = problems("".join(f"k{i}: no\n" for i in range(70)))
    assert len(told) == 51
    assert told[-1].message == "20 more of this kind in this file"


def test_limits_are_those_of_policy() -> None:
    assert [problem.code for problem in problems("a: {b: {c: 1}}\n", limits=Limits(depth=2))] == ["YML011"]
    assert problems("a: {b: {c: 1}}\n", limits=Limits(depth=3)) == []
    assert [problem.code for problem in problems("a: [1, 2, 3]\n", limits=Limits(nodes=3))] == ["YML011"]
    assert problems("a: [1, 2, 3]\n", limits=Limits(nodes=4)) == []


SOUP = st.text(st.sampled_from("ab:-?[]{},'\"\\\n \t#&*!|>%@`0.1~<=\r\x00\u2028模"), max_size=40)


@settings(max_examples=600)
@given(st.binary(max_size=60) | SOUP.map(str.encode), st.sampled_from(["a.yaml", "a.json"]))
def test_any_bytes_give_a_document_or_a_problem(raw: bytes, name: str) -> None:
    found, told = document.parse(name, raw, LIMITS)
    assert found is not None or told
    if found is None:
        return
    assert document.splice(found, ()) == found.text == raw.decode()
    for pointer in pointers(found.data):
        start, end = found.span(pointer)
        assert 0 <= start <= end <= len(found.text)
        assert found.locate(pointer).line <= raw.count(b"\n") + raw.count(b"\r") + 1
        found.locate(pointer, "key")
        document.assign(found, pointer, "new")
        document.assign(found, pointer, DELETE)


# -- places

TEXT = """\
# Header
title: Tiny  # a name
links: {homepage: https://a.example, "paper": 'https://b.example'}

variants:
  # The small one
  - format: gguf
    files:
      Q4_K_M: [{path: a.gguf}]

notes: |
  One.

  Two.

# Footer
"""


def test_places_of_values_and_names() -> None:
    found = parse(TEXT)
    assert found.locate(("title",)) == Position(2, 8)
    assert found.locate(("title",), "key") == Position(2, 1)
    assert found.locate(("variants", 0, "format"), "key") == Position(7, 5)
    assert found.locate(("variants", 0)) == Position(7, 5)
    assert found.locate(()) == Position(2, 1)
    assert found.locate(("variants", 0, "missing", "deeper")) == Position(7, 5)
    assert found.locate(("links", "missing")) == Position(3, 1), "of what is missing, the name of what is above it"


def test_spans_hold_the_value_alone() -> None:
    found = parse(TEXT)
    texts = {pointer: TEXT[slice(*found.span(pointer))] for pointer in pointers(found.data)}
    assert texts["title",] == "Tiny"
    assert texts["links", "paper"] == "'https://b.example'"
    assert texts["variants", 0, "files"] == "Q4_K_M: [{path: a.gguf}]"
    assert texts["variants",].endswith("a.gguf}]")
    assert texts["notes",] == "|\n  One.\n\n  Two."
    assert TEXT[slice(*found.span(("links", "paper"), "key"))] == '"paper"'
    with pytest.raises(KeyError):
        found.span(("missing",))


def test_scalars_as_written() -> None:
    found = parse(TEXT)
    styles = {
        pointer: scalar.style for pointer in pointers(found.data) if (scalar := found.scalar(pointer)) is not None
    }
    assert styles["title",] == "plain"
    assert styles["links", "paper"] == "single"
    assert styles["notes",] == "literal"
    assert found.scalar(("links",)) is None
    assert found.scalar(("missing",)) is None


def pointers(value: Any, base: Pointer = ()) -> list[Pointer]:  # noqa: ANN401 - any JSON value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, member in members for found in ((*base, key), *pointers(member, (*base, key)))]


def at(value: Any, pointer: Pointer) -> Any:  # noqa: ANN401 - any JSON value
    for part in pointer:
        value = value[part]
    return value
