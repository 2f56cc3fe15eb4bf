"""Sizes, counts and versions as texts, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.spec.base import (
    folded,
    is_name,
    is_version,
    localised,
    newest,
    parameter_count,
    parameters_text,
    size_in_bytes,
)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (8_190_735_360, "8.2B"),
        (7_000_000_000, "7B"),
        (134_515_008, "135M"),
        (999_600_000, "1B"),
        (999_499, "999K"),
        (1_000, "1K"),
        (10**12, "1T"),
        (999, None),
        (0, None),
        (10**16, None),
    ],
)
def test_a_number_of_parameters_is_said_as_people_do(count: int, text: str | None) -> None:
    assert parameters_text(count) == text


@given(st.integers(10**3, 10**16 - 1))
def test_what_is_said_is_near_the_number(count: int) -> None:
    text = parameters_text(count)
    assert text is not None
    assert abs(parameter_count(text) - count) <= count * 0.05


def test_sizes_in_bytes() -> None:
    assert size_in_bytes("8GiB") == 8 * 2**30
    assert size_in_bytes("1.5KiB") == 1536


def test_a_text_in_a_language_is_never_none() -> None:
    texts = {"en": "Tiny", "zh": "小"}
    assert [localised(texts, language, "en") for language in ("zh", "fr")] == ["小", "Tiny"]
    assert (localised({"zh": "小"}, "fr", "en"), localised("Tiny", "zh", "en"), localised(None, "zh", "en")) == (
        "小",
        "Tiny",
        "",
    )


def test_versions_are_three_numbers_and_the_newest_active_one_counts() -> None:
    assert [is_version(text) for text in ("1.10.0", "01.0.0", "1.0", "1.0.0-rc1")] == [True, False, False, False]
    assert newest({"1.9.0": "active", "1.10.0": "active", "2.0.0": "deprecated"}) == "1.10.0"
    assert newest({"1.0.0": "quarantined"}) is None


def test_names_that_may_be_taken_and_those_that_are_the_same() -> None:
    assert all(map(is_name, ("acme", "qwen2.5-7b", "a_b", "0", "a" * 96)))
    assert not any(map(is_name, ("", "Acme", "-a", "a..b", "a.", "a/b", "a b", "a" * 97)))
    assert folded("Acme/Tiny_1") == folded("acme/tiny-1") != folded("acme/tiny.1")
