"""Merge patches: the vectors of RFC 7396, and the law that a patch leads from one document to the other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl import patches

VECTORS: list[tuple[Any, Any, Any]] = [  # RFC 7396, appendix A
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

plain = st.booleans() | st.integers(-9, 9) | st.text(max_size=3)
documents = st.dictionaries(
    st.text("abc", max_size=2),
    st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=4),
        max_leaves=12,
    ),
    max_size=4,
)


@pytest.mark.parametrize(("document", "patch", "wanted"), VECTORS)
def test_the_vectors_of_the_rfc(document: object, patch: object, wanted: object) -> None:
    assert patches.apply(document, patch) == wanted


@given(documents, documents)
def test_a_patch_leads_from_one_document_to_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    made = patches.apply(old, patches.between(old, new))
    assert typed(made) == typed(new)


def test_true_is_not_one() -> None:
    assert patches.between({"a": [True], "b": {"c": 1}}, {"a": [1], "b": {"c": True}}) == {"a": [1], "b": {"c": True}}


@given(documents)
def test_there_is_no_difference_between_equals(document: dict[str, Any]) -> None:
    assert patches.between(document, document) == {}


def typed(value: object) -> object:
    """`True` and `1` are equal to Python, and different as JSON."""
    if isinstance(value, dict):
        return {key: typed(member) for key, member in value.items()}
    if isinstance(value, list):
        return [typed(member) for member in value]
    return (type(value).__name__, value)
