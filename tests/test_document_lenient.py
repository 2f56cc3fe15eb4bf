"""YAML that others wrote: what is read all the same, what is told, and what never unfolds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.document import TooMuchError, lenient

INDEX = Path(__file__).parents[2] / "shared" / "data" / "localai" / "index.yaml"


def codes(text: str) -> list[tuple[str, int]]:
    return [(fault.code, fault.line) for fault in lenient(text).faults]


@pytest.mark.parametrize(
    "text",
    [
        "- &a\n  name: one\n  tags: [x]\n- !!merge <<: *a\n  name: two\n",
        "- {<<: [{a: 1, c: 1}, {a: 2, b: 3}], b: 4}\n",
        "base: &b {a: 1}\nother: {<<: *b, <<: {a: 2}}\n",
        "- yes\n- 2026-01-02\n- 1_000\n- 12:30\n- 0x1f\n- 1.5\n- ~\n- .inf\n- 'no'\n- !!str 5\n- !!int '7'\n",
        "text: |\n  one\n\n  two\nfolded: >-\n  a\n  b\n",
        "[]", "{}", "", "just text", '{"a": [1, 2.5, true, null]}', "- a\r\n- b\r\n", "%YAML 1.1\n---\n- a\n",
    ],
)  # fmt: skip
def test_values_are_those_of_the_safe_loader(text: str) -> None:
    found = lenient(text)
    assert found.data == yaml.safe_load(text)
    assert not [fault for fault in found.faults if fault.code != "YML002"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc<-:# ", max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_whatever_a_dumper_writes_is_read_back(value: object) -> None:
    text = yaml.safe_dump(value)
    assert lenient(text).data == yaml.load(text, Loader=yaml.CSafeLoader) == value


def test_lines_are_those_of_the_file() -> None:
    text = "---\n- &a\n  name: one\n  files:\n    - uri: x\n- !!merge <<: *a\n  name: two\n"
    found = lenient(text)
    pointers = [(0,), (0, "name"), (0, "files", 0, "uri"), (1, "name"), (1, "files"), (1, "nothing"), (7,)]
    assert [found.line(pointer) for pointer in pointers] == [2, 3, 5, 7, 4, 6, 1]


def test_odd_spellings_are_read_and_told() -> None:
    text = "- a: \"it\\'s \\'so\\'\"\n- b: 1\n\tc: 2\n- {d: 1, d: 2}\n- !own x\n- {3: e}\n- *nobody\n- end\x07\n"
    found = lenient(text)
    said = [{"a": "it's 'so'"}, {"b": 1, "c": 2}, {"d": 2}, "x", {3: "e"}, None, "end\ufffd"]
    assert found.data == said
    lines = [("YML012", 1), ("YML005", 3), ("YML002", 4), ("YML004", 5), ("YML012", 6), ("YML003", 7), ("TXT002", 8)]
    assert codes(text) == lines


def test_a_broken_item_hides_no_other() -> None:
    text = "- a: 1\n- &b\n  c: [\n- d: 2\n- e: f: g\n- h: 3\n i\n- j: 'open\n- k: 4\n"
    found = lenient(text)
    assert found.data == [{"a": 1}, None, {"d": 2}, None, {"h": 3}, None, {"k": 4}]
    assert {code for code, _ in codes(text)} == {"YML001"}


def test_an_anchor_before_a_broken_item_still_counts() -> None:
    found = lenient("- &a {x: 1}\n- [\n- <<: *a\n  y: 2\n")
    assert found.data == [{"x": 1}, None, {"x": 1, "y": 2}]


def test_a_second_document_is_told_and_left_out() -> None:
    assert lenient("- a\n---\n- b\n").data == ["a"]
    assert codes("- a\n---\n- b\n") == [("YML005", 2)]


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (BOMB, "YML003"),
        ("- &a " + "x" * 1_000_000 + "\n" + "- *a\n" * 1000, "YML003"),
        ("- &a [*a]", "YML003"),
        ("[" * 100_000, "YML011"),
        ("- " * 100_000, "YML011"),
        ("a: [", "YML001"),
        ("{a: b", "YML001"),
    ],
    ids=["laughs", "long text", "itself", "brackets", "dashes", "list", "map"],
)
def test_what_never_ends_is_refused(text: str, code: str) -> None:
    start = time.process_time()
    with pytest.raises(TooMuchError) as caught:
        lenient(text)
    assert caught.value.fault.code == code
    assert time.process_time() - start < 2


@pytest.mark.parametrize("entry", ["- a: [\n", '- "\\\'"\n', "- a: 1\n b\n", "- a:\n\tb: 1\n"])
def test_many_mistakes_are_read_in_bounded_time(entry: str) -> None:
    start = time.process_time()
    assert lenient("- ok: 1\n" + entry * 5000).data[0] == {"ok": 1}
    assert time.process_time() - start < 3


def test_a_long_text_is_read() -> None:
    assert len(lenient("- x: " + "y" * 10_000_000).data[0]["x"]) == 10_000_000


@given(st.text("-a:b[]{}&*!<|>'\"\\#\n\t ,1", max_size=60))
def test_nothing_raises_anything_else(text: str) -> None:
    try:
        found = lenient(text)
    except TooMuchError:
        return
    if isinstance(found.data, list):
        assert all(found.line((index,)) > 0 for index in range(len(found.data)))
    try:
        expected = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, TypeError):
        return
    if not found.faults:
        assert found.data == expected


@pytest.mark.skipif(not INDEX.exists(), reason="needs the catalogues in ../shared/data")
def test_the_index_of_localai_is_read_quickly() -> None:
    text = INDEX.read_text(encoding="utf-8")
    start = time.process_time()
    found = lenient(text)
    middle = time.process_time()
    expected = yaml.load(text, Loader=yaml.CSafeLoader)
    peer = time.process_time() - middle
    # Half of what libyaml takes; while coverage is measured about six times as long, and a busy machine slows both.
    assert middle - start < 20 * peer
    assert found.faults == ()
    assert found.data == expected
