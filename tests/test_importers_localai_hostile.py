"""What LocalAI's index may hold that is wrong, and what an import makes of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.errors import UsageError
from galleryctl.importers import claim, localai
from galleryctl.importers.base import FIRST, Candidate, Rejected
from indexes import OTHER, WHOLE, exported, file, imported, reference, refused


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (["a", "list"], "SCH003"),
        ("text", "SCH003"),
        (None, "SCH003"),
        ({"url": "x"}, "SCH002"),
        ({"name": 7}, "SCH002"),
        ({"name": "模型", "url": "x"}, "IDN001"),
        (WHOLE | {"files": ["x"]}, "SCH003"),
        (WHOLE | {"files": [{"uri": "https://a.b/c"}]}, "SCH002"),
        (WHOLE | {"files": [{"filename": "x"}]}, "SCH002"),
        (WHOLE | {"files": [file("https://a.b/c", "../../x")]}, "FIL005"),
        (WHOLE | {"files": [file("https://a.b/c", "/etc/passwd")]}, "FIL005"),
        (WHOLE | {"files": [file("https://a.b/c", "C:\\x")]}, "FIL005"),
        (WHOLE | {"files": [file("https://user:secret@a.b/c")]}, "SEC005"),
        (WHOLE | {"files": [file("javascript:alert(1)", "x")]}, "SRC005"),
        (WHOLE | {"files": [file("https://[broken/c")]}, "URL001"),
        (WHOLE | {"files": [file("https://a.b/c", sha256=12345)]}, "FIL001"),
        (WHOLE | {"description": "y" * 10_000_000}, "YML011"),
        (WHOLE | {"tags": "llm"}, "RUN001"),
        (WHOLE | {"overrides": "x"}, "RUN001"),
        (WHOLE | {"variants": [{"name": "x"}]}, "RUN001"),
        (WHOLE | {"size": 2**60}, "SCH003"),
        (WHOLE | {"size": float("inf")}, "SCH003"),
        (WHOLE | {3: "x"}, "YML012"),
        (WHOLE | {"a.b": None}, "SCH003"),
        ({"name": "x", "description": "installs nothing", "url": ""}, "RUN001"),
    ],
)
def test_what_cannot_come_is_rejected_by_a_rule_and_stops_nothing(entry: object, code: str) -> None:
    found = imported([entry, OTHER])
    assert [each.remarks[0].code for each in found[:1] if isinstance(each, Rejected)] == [code]
    assert isinstance(found[1], Candidate)


def test_a_deep_entry_is_rejected() -> None:
    deep: Any = "x"
    for _ in range(20):
        deep = [deep]
    assert refused([WHOLE | {"extra": deep}]) == ["YML011"]


def test_a_hundred_broken_entries_stop_nothing() -> None:
    text = "".join(f"- name: bad{index}\n  tags: [\n" for index in range(100)) + yaml.safe_dump([WHOLE])
    found = imported(text)
    assert [type(each) for each in found] == [Rejected] * 100 + [Candidate]
    assert {each.remarks[0].code for each in found[:100]} == {"YML001"}
    assert [each.at for each in found[:3]] == ["index.yaml:1", "index.yaml:3", "index.yaml:5"]


def test_characters_that_no_file_holds_cost_the_entry() -> None:
    text = "- name: a\n  url: x\n  description: one\x07two\n- name: b\n  url: y\n"
    found = imported(text.encode() + b"- name: c\n  url: \xff\n")
    assert [type(each) for each in found] == [Rejected, Candidate, Rejected]
    assert {each.remarks[0].code for each in found if isinstance(each, Rejected)} == {"TXT002"}


def test_mistakes_that_are_mended_are_told() -> None:
    text = '- name: a\n  url: x\n  description: "it\\\'s here"\n  licence: mit\n- name: b\n  url: y\n  url: z\n'
    found = imported(text)
    assert [[(remark.code, "line" in remark.message) for remark in each.remarks] for each in found] == [
        [("YML012", True), ("SCH001", True)],
        [("YML002", True)],
    ]
    assert found[0].remarks[1].message == "line 4: unknown key `licence`: did you mean `license`?"
    assert isinstance(found[0], Candidate)
    assert found[0].model["summary"] == "it's here"
    assert found[0].releases[FIRST]["runtimes"]["localai"]["extra"] == {"licence": "mit"}


@pytest.mark.parametrize(
    ("key", "code", "said"),
    [
        ("uri", "SCH001", "unknown key `uri`: did you mean `url`?"),
        ("override", "SCH001", "unknown key `override`: did you mean `overrides`?"),
        ("Base Model", "SCH001", "unknown key `Base Model`"),
        ("config_file", "SCH001", "no field of a definition holds `config_file`"),
        ("parameters", "SCH004", "LocalAI reads `parameters` only in `overrides`"),
        ("icon", "SCH003", "`icon` is of the wrong kind, or empty"),
    ],
)
def test_keys_that_no_field_says_are_told(key: str, code: str, said: str) -> None:
    (found,) = imported([{"name": "a", "url": "x"} | {key: {} if key == "config_file" else ""}])
    assert [remark[:2] for remark in found.remarks] == [(code, f"line 3: {said}")]


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n",
        "just text",
        "a0: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{n}: &a{n} [{'*a,' * 9}]\n" for n in range(3)) + "[",
        "- &a [*a]\n",
        "[" * 1000,
    ],
)
def test_what_is_no_index_at_all_is_told(text: str) -> None:
    with pytest.raises(UsageError, match=r"index\.yaml"):
        imported(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (yaml.safe_dump([WHOLE]), True),
        ("---\n# a gallery\n\n- &x\n  name: a\n  url: b\n", True),
        ("- !!merge <<: *x\n  name: a\n  overrides:\n    a: b\n", True),
        ('[{"name": "a", "overrides": {"parameters": {}}}]', True),
        ('[{"model_name": "a", "overrides": {}}]', False),
        ('[{"name": "a", "filename": "b", "filesize": "1", "ramrequired": "8", "url": "c"}]', False),
        ("https://example.org/x.gguf\n", False),
        ("- https://example.org/x.gguf\n", False),
        ("name: a\nurl: b\n", False),
        ("", False),
    ],
)
def test_an_index_is_known_by_its_content(text: str, expected: bool) -> None:
    found = reference(text, "https://example.org/index.yaml")
    assert localai.claims(found) is expected
    if expected:
        assert claim(found) is localai


PIECES = [
    "huggingface://a/b/c.gguf",
    "https://x.y/z",
    "../a",
    "chat",
    "x-Q4_K_M.gguf",
    "https://[",
    "http://u:p@h/x",
    "{a}",
]
NAMES = [
    "model",
    "filename",
    "uri",
    "sha256",
    "parameters",
    "mmproj",
    "backend",
    "known_usecases",
    "stopwords",
    "a.b",
    "",
]
KEYS = [
    "url",
    "description",
    "license",
    "icon",
    "tags",
    "urls",
    "overrides",
    "files",
    "variants",
    "size",
    "last_checked",
    "x",
]
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.text(max_size=9) | st.sampled_from(PIECES)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3) | st.integers() | st.none(), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMED = st.builds(
    dict.__or__,
    st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=6),
    st.fixed_dictionaries({"name": st.sampled_from(["a", "a:b", "A", "模型", "x/y", "a b"])}),
)


@given(st.lists(NAMED | ANYTHING, max_size=3))
def test_whatever_comes_is_given_back_or_rejected_by_a_rule(entries: list[object]) -> None:
    text = yaml.safe_dump(entries)
    found = imported(text)
    for each, entry in zip(found, yaml.safe_load(text), strict=True):
        if isinstance(each, Candidate):
            assert exported(each) == [dateless(entry)]
        else:
            assert each.remarks[0].code


def dateless(value: Any) -> Any:  # noqa: ANN401 - any YAML value
    """Dates as the text that Go's reader makes of them."""
    if isinstance(value, dict):
        return {key: dateless(member) for key, member in value.items()}
    if isinstance(value, list):
        return [dateless(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value
