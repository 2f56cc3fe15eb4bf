"""Edits that touch nothing else, and files in the house form."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galleryctl import document
from galleryctl.document import DELETE, Pointer
from galleryctl.problems import Edit
from test_document import TEXT, WIDE, at, parse, pointers, problems

EDITS = [
    (("title",), "Small", "title: Small  # a name"),
    (("title",), "yes", 'title: "yes"  # a name'),
    (("title",), {"en": "Small", "zh": "小"}, "title: {en: Small, zh: 小}  # a name"),
    (("links", "homepage"), "https://c.example", "links: {homepage: https://c.example, "),
    (("links", "docs"), "https://d.example", "'https://b.example', docs: https://d.example}"),
    (("variants", 0, "format"), "mlx", "  - format: mlx\n    files:"),
    (("variants", 0, "engines"), ["llama.cpp"], "[{path: a.gguf}]\n    engines: [llama.cpp]\n\nnotes"),
    (("variants", 1), {"format": "mlx"}, "[{path: a.gguf}]\n  - {format: mlx}\n\nnotes"),
    (("variants", 0, "files", "Q4_K_M", 0, "size"), 7, "[{path: a.gguf, size: 7}]"),
    (("notes",), "Three.", "\nnotes: Three.\n\n# Footer"),
    (("notes",), "A\nB\n", "notes: |\n  A\n  B\n\n# Footer"),
    (("status",), "deprecated", "  Two.\nstatus: deprecated\n\n# Footer"),
    (("terms", "price"), "paid", "  Two.\nterms: {price: paid}\n\n# Footer"),
    (("tags",), ["a", "b"], "\ntags: [a, b]\n"),
]


@pytest.mark.parametrize(("pointer", "value", "expected"), EDITS)
def test_an_assignment_changes_its_own_lines_alone(pointer: Pointer, value: object, expected: str) -> None:
    found = parse(TEXT)
    text = document.splice(found, document.assign(found, pointer, value))
    assert expected in text
    assert {"# Header", "# a name", "# The small one", "# Footer"} <= {
        line[line.index("#") :] for line in text.splitlines() if "#" in line
    }
    after = parse(text)
    assert after.node(pointer) is not None
    assert at(after.data, pointer) == value


DELETIONS = [
    (("title",), "# Header\nlinks:"),
    (("links", "homepage"), "links: {\"paper\": 'https://b.example'}"),
    (("links", "paper"), "links: {homepage: https://a.example}"),
    (("links",), "# a name\n\nvariants:"),
    (("variants", 0, "format"), "  - files:\n"),
    (("variants", 0, "files"), "  - format: gguf\n\nnotes"),
    (("variants", 0), "variants: []  # The small one\n"),
    (("variants", 0, "files", "Q4_K_M"), "    files: {}\n"),
    (("notes",), "[{path: a.gguf}]\n\n\n# Footer"),
]


@pytest.mark.parametrize(("pointer", "expected"), DELETIONS)
def test_a_deletion_leaves_the_others_as_they_are(pointer: Pointer, expected: str) -> None:
    found = parse(TEXT)
    text = document.splice(found, document.assign(found, pointer, DELETE))
    assert expected in text
    wanted = copy.deepcopy(found.data)
    del at(wanted, pointer[:-1])[pointer[-1]]
    assert parse(text).data == wanted


@pytest.mark.parametrize("text", ["a: 1\n? b\n: 2\n", "? a\n: 1\n? b\n: 2\n", "--- a: 1\nb: 2\n", "- ? a\n"])
def test_a_deletion_of_odd_forms_leaves_the_others(text: str) -> None:
    found, _ = document.parse("a.yaml", text.encode(), WIDE)
    if found is None:
        return
    for name in found.data:
        text = document.splice(found, document.assign(found, (name,), DELETE))
        after, told = document.parse("a.yaml", text.encode(), WIDE)
        assert after is None or after.data == {key: value for key, value in found.data.items() if key != name}, told


def test_a_new_field_stands_where_the_order_puts_it() -> None:
    found = parse("title: Tiny\nlicense: MIT\ntags: [chat]\n")
    order = ("title", "summary", "license", "status", "tags")
    assert document.splice(found, document.assign(found, ("summary",), "Small.", order=order)).startswith(
        "title: Tiny\nsummary: Small.\nlicense"
    )
    first = parse("license: MIT  # theirs\n")
    assert (
        document.splice(first, document.assign(first, ("title",), "T", order=order))
        == "title: T\nlicense: MIT  # theirs\n"
    )


def test_nothing_to_delete_is_no_edit_and_no_way_is_an_error() -> None:
    found = parse(TEXT)
    assert document.assign(found, ("missing", "deeper"), DELETE) == ()
    with pytest.raises(KeyError):
        document.assign(found, ("title", "deeper"), 1)
    with pytest.raises(KeyError):
        document.assign(found, ("variants", 5), 1)


def test_of_edits_that_overlap_the_shortest_wins() -> None:
    edits = [Edit(0, 6, "XXXXXX"), Edit(1, 2, "b"), Edit(6, 6, "!"), Edit(1, 2, "b")]
    assert document.apply("aBcdef", edits) == "abcdef!"


# -- writing


def test_the_house_form() -> None:
    data = {
        "notes": "Two\nlines.\n",
        "title": {"en": "Tiny", "zh": "小"},
        "tags": ["chat", "no"],
        "spec": {"context_length": 4096, "prompt": {"stop": ["<|im_end|>", "a: b"]}},
        "metrics": [{"name": "MMLU", "value": 1e-7, "date": "2025-05-01"}],
        "variants": [{"format": "gguf", "files": {"Q8_0": [{"path": "a" * 40, "size": 1, "sha256": "0a" * 32}]}}],
    }
    assert (
        document.dump(data, order=("title", "tags"))
        == f"""\
title: {{en: Tiny, zh: 小}}
tags: [chat, "no"]
notes: |
  Two
  lines.
spec:
  context_length: 4096
  prompt: {{stop: [<|im_end|>, "a: b"]}}
metrics:
  - {{name: MMLU, value: 1.0e-07, date: "2025-05-01"}}
variants:
  - format: gguf
    files:
      Q8_0:
        - path: {"a" * 40}
          size: 1
          sha256: {"0a" * 32}
"""
    )


ODD_TEXTS = st.sampled_from(
    [*"'\"~?:=-", "yes", "1.10", "a: b", "- x", "a\nb\n", "  x\ny\n", "12:30", "#a", "a #b", "", "@x", "*a", "&a", "!t",
     "%d", "---", "<<", "a:", "[a]", "a,b", "? a", "a?b", "\ta", "a \nb\n", "1e3", "a\n\n", "a\r\nb", "\ufeff", "\x85"]
)  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | ODD_TEXTS
SCALARS = (
    TEXTS | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
)
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
FILES = st.dictionaries(TEXTS, DATA, max_size=5)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(FILES)
def test_what_is_written_reads_back_the_same(data: dict[str, Any]) -> None:
    text = document.dump(data)
    found = parse(text)
    assert found.data == data
    assert list(found.data) == list(data)
    assert problems(text, limits=WIDE) == []
    assert yaml.safe_load(text) == data, "readers of YAML 1.1 too"


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(FILES, DATA, st.booleans(), st.data())
def test_an_edit_changes_what_it_says_and_nothing_else(
    data: dict[str, Any], value: object, is_json: bool, draw: st.DataObject
) -> None:
    text = json.dumps(data, indent=2) if is_json else document.dump(data)
    found = parse(text, "a.json" if is_json else "a.yaml")
    inside = draw.draw(
        st.sampled_from([(), *(each for each in pointers(data) if isinstance(at(data, each), dict | list))])
    )
    parent = at(data, inside)
    new = (*inside, len(parent) if isinstance(parent, list) else draw.draw(TEXTS))
    pointer = draw.draw(st.sampled_from([*pointers(data), new]))
    wanted = copy.deepcopy(data)
    holder = at(wanted, pointer[:-1])
    if pointer != new and draw.draw(st.booleans()):
        edits = document.assign(found, pointer, DELETE)
        del holder[pointer[-1]]
    else:
        edits = document.assign(found, pointer, value)
        if isinstance(holder, list) and pointer[-1] == len(holder):
            holder.append(value)
        else:
            holder[pointer[-1]] = value
    assert parse(document.splice(found, edits), found.path).data == wanted
