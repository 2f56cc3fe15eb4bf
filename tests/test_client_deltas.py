"""Documents in rows, and what patches make of them: always the bytes that were published, or nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from galleryctl import patches
from galleryctl.client import deltas

NAMES = st.sampled_from(["a/a", "a/b", "b/a", "b/b-2", "c.d/e_f"])
LEAVES = st.one_of(st.text(max_size=4), st.integers(-(2**53) + 1, 2**53 - 1), st.booleans(), st.floats(-1e9, 1e9))
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)
MODELS = st.dictionaries(NAMES, st.dictionaries(st.text(max_size=3), VALUES, max_size=3))
FRAMES = st.dictionaries(st.sampled_from(["aliases", "note", "zeal"]), VALUES, max_size=2)


def document(models: dict[str, Any], frame: dict[str, Any]) -> bytes:
    return rfc8785.dumps({"schema": "1.0", "models": models, **frame})


@given(MODELS, FRAMES)
def test_split_and_joined_is_the_same(models: dict[str, Any], frame: dict[str, Any]) -> None:
    data = document(models, frame)
    assert deltas.joined(deltas.split(data, "it")) == data


@given(MODELS, FRAMES, MODELS, FRAMES)
def test_a_delta_makes_the_newer_document(
    old: dict[str, Any], frame: dict[str, Any], new: dict[str, Any], framed: dict[str, Any]
) -> None:
    before, after = document(old, frame), document(new, framed)
    parts = deltas.split(before, "it")
    patch = patches.between(json.loads(before), json.loads(after))
    made = deltas.changed(parts.frame, parts.rows.get, patch)
    rows = {name: row for name, row in {**parts.rows, **made.rows}.items() if row}
    assert deltas.joined(deltas.Parts(made.frame, rows)) == after
    assert set(made.rows) == set(patch.get("models", {}))  # nothing else is touched


@pytest.mark.parametrize("patch", [[], {"models": []}, {"models": {"../x": {}}}, {"models": {"a": {}}}])
def test_patches_of_nothing(patch: Any) -> None:  # noqa: ANN401 - JSON
    with pytest.raises(ValueError, match="a patch"):
        deltas.changed(b"{}", lambda _: None, patch)
