"""Files in the house form are read by their lines, and mean just what the long way says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galleryctl import document
from galleryctl.document import house
from galleryctl.spec import Limits

if TYPE_CHECKING:
    from galleryctl.document import Pointer

HERE = Path(__file__).parent
LIMITS = Limits(nodes=100_000)


def quick(text: str, limits: Limits = LIMITS) -> tuple[dict[str, Any], tuple[Pointer, ...]] | None:
    return house.read(text.encode(), text, limits)


def long(text: str) -> tuple[object, object, list[str]]:
    """What libyaml's nodes say: a byte-order mark is no house form, and changes nothing else."""
    found, problems = document.parse("a.yaml", ("\ufeff" + text).encode(), LIMITS)
    said = [problem.code for problem in problems if problem.message[:17] != "a byte-order mark"]
    return (found.data, found.dates, said) if found else (None, (), said)


def agree(text: str) -> bool:
    """Whether the quick way accepts the text; fails where it then says anything else than the long way."""
    found = quick(text)
    if found is None:
        return False
    data, dates, said = long(text)
    assert repr(found[0]) == repr(data)  # tells 1 from 1.0 and True, and one order of fields from another
    assert found[1] == dates
    assert said == []
    return True


@pytest.mark.parametrize(
    "path", sorted((HERE.parent / "registry").rglob("model.yaml"))[::7], ids=lambda path: path.parent.name
)
def test_the_definitions_of_this_registry_are_in_the_house_form(path: Path) -> None:
    assert all(agree(file.read_text()) for file in path.parent.glob("*.yaml"))


def test_every_sample_means_the_same_both_ways() -> None:
    texts = [path.read_bytes() for path in (HERE / "samples").rglob("*.yaml") if path.is_file()]
    read = [agree(text.decode()) for text in texts if not text.startswith(b"\xef\xbb\xbf") and _utf8(text)]
    assert sum(read) > len(read) / 2


def _utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


TAKEN = [
    "a: b\n", "a: b c\n", "a: 1\nb: true\nc: -2.5\n", "a:\n  b: c\n", "a:\n  - b\n  - c: 1\n    d: 2\n  - [x, z]\n",
    "a: [b, 1, {c: d}]\n", "a: {}\nb: []\n", "# note\na: b\n\n  # note\nc: d\n", 'a: "b: # c"\n', 'a: [""]\n',
    "a: http://b.example/c\n", "a: {b: https://c.example/d}\n", "a: 模型 一\n", "a: {模型: 一}\n", "a: -b\n",
    "a: 2025-05-01\nb: [c]\nd:\n  - 2025-05-02\n", "a: 8GiB\n", "1.0.0: a\n", "a: <|end|>\nb: [<|end|>]\n",
    "a: b's\nc: [d's]\n",
]  # fmt: skip


@pytest.mark.parametrize("text", TAKEN)
def test_the_house_form_is_read_by_its_lines(text: str) -> None:
    assert agree(text)


DECLINED = [
    "", "\n", "# a\n", "a\n", "- a\n", "a: b", "a: b\n\n", "a: b \n", "a:\tb\n", "a: b\r\n", "a:\n", "a: b\na: c\n",
    "a:\n    b: c\n", "a:\n- b\n", "a:\n  b: c\n d: e\n", "a: b\n  c\n", "a: b\n  c: d\n", "a:\n  - b\n  c: d\n",
    "a:\n  b: c\n  - d\n", "a: b: c\n", "a: b:\n", "a: b # c\n", "a: # c\n  b: d\n", "a: 'b'\n", 'a: "b\\n"\n',
    'a: "b" c\n', 'a: "b\n', "a: |\n  b\n", "a: &b c\n", "a: *b\n", "a: !b c\n", "a: ~\n", "a: null\n", "a: no\n",
    "a: 010\n", "a: 1e3\n", "no: a\n", "1: a\n", "a: =\n", "<<: {a: b}\n", "a: {<<: b}\n", "a: {b: c, b: d}\n",
    "a: [b,c]\n", "a: [b c , d]\n", "a: [b, ]\n", "a: [b\n", "a: [b]]\n", "a: [b, no]\n", "a: {b:c}\n", "a: {b}\n",
    "a: [b: c]\n", "a: {1: b}\n", "a: [b?]\n", "a: [- b]\n", "a: - b\n", "a:\n  - - b\n", "a:\n  -\n", "a: @b\n",
    "--- a\n", "%YAML 1.1\n", "a: b\n---\nc: d\n", "a: \x07\n", "a: \u200b\ufeff\n", "a: b\x85c: d\n", "? a\n: b\n",
    "a: [2025-05-01]\n", "a:  b\n c: d\n", "a: {b: c} d\n", "a: []\n  - b\n",
]  # fmt: skip


@pytest.mark.parametrize("text", DECLINED)
def test_everything_else_is_left_to_the_long_way(text: str) -> None:
    assert quick(text) is None


def test_the_limits_are_those_of_the_long_way() -> None:
    assert quick("a:\n  b:\n    c: {d: [e]}\n", Limits(depth=5)) is not None
    assert quick("a:\n  b:\n    c: {d: [e]}\n", Limits(depth=4)) is None
    assert quick("a:\n  b:\n    c:\n      d: e\n", Limits(depth=3)) is None
    assert quick("a:\n  b:\n    c:\n      d: e\nf: g\n", Limits(depth=3)) is None
    assert quick("a:\n  - b:\n      - c: d\nf: g\n", Limits(depth=4)) is None
    assert quick("a:\n  - b\n  - c\n", Limits(nodes=3)) is None
    assert document.parse("a.yaml", b"a:\n  - b\n  - c\n", Limits(nodes=2))[1][0].code == "YML011"


WORDS = st.one_of(
    st.sampled_from(
        ["a", "b c", "no", "1", "1.5", "2025-05-01", "~", "x:y", "x: y", "x #y", "#", "-", "- a", "<<", "", "a'b", '"',
         "模", "k?", "[", "}", ",", "0x1", "=", "e:", "http://a.b/c", "\u00a0", "...", "---", "a,b", "&a", "*a", "!a",
         "|", ">", "%", "@"]
    ),
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=8),
)  # fmt: skip
JSON = st.recursive(
    WORDS | st.integers(-99, 99) | st.booleans() | st.floats(-1e6, 1e6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(WORDS, JSON, min_size=1, max_size=4))
def test_what_is_dumped_means_the_same_both_ways(data: dict[str, Any]) -> None:
    agree(document.dump(data))


@settings(max_examples=600, deadline=None)
@given(
    st.dictionaries(WORDS, JSON, min_size=1, max_size=4),
    st.lists(
        st.tuples(
            st.integers(0, 400), st.integers(0, 3), WORDS | st.sampled_from(["\n", "  ", " ", ": ", "\n  ", "\n- "])
        )
    ),
)
def test_what_is_written_otherwise_means_the_same_both_ways(
    data: dict[str, Any], changes: list[tuple[int, int, str]]
) -> None:
    text = document.dump(data)
    for place, gone, word in changes:
        at = place % len(text) if text else 0
        text = text[:at] + word + text[at + gone :]
    agree(text if text.endswith("\n") else text + "\n")


PARTS = st.sampled_from(
    [
        "a",
        "b",
        "c: ",
        "d:",
        "- ",
        "  ",
        "\n",
        "[",
        "]",
        "{",
        "}",
        ", ",
        ": ",
        '"',
        "'",
        "#",
        " ",
        "1",
        "x y",
        "-",
        ".",
        "?",
        ":",
        "/",
    ]
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(PARTS, max_size=24).map("".join))
def test_any_text_means_the_same_both_ways(text: str) -> None:
    agree(f"{text}\n")
    agree(f"a: {text}\n")
    agree(f"a: [{text}]\n")
    agree(f"a: {{b: {text}}}\n")
