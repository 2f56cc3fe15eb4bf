"""Which names are easily taken for one another."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.checks import likeness


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("qwen", "qwem", True),
        ("qwen", "qwne", True),
        ("qwen", "qwenn", True),
        ("mistral", "mistrl", True),
        ("openai", "0penai", True),
        ("modem", "modern", True),
        ("acme-ai", "acme_ai", True),
        ("qwen2", "qwen3", False),
        ("qwen", "qwen2", False),
        ("lab-1", "lab-12", False),
        ("baai", "bai", False),
        ("mistral", "mistralai", False),
        ("qwen", "qwen", False),
    ],
)
def test_publishers(one: str, other: str, same: bool) -> None:
    assert bool(likeness.alike([one, other])) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("falcon2-7b", "falcom2-7b", True),
        ("llama-3.1-8b", "1lama-3.1-8b", True),
        ("wan2.1-i2v", "wan2.1-t2v", False),
        ("gemma-3", "gemma-3n", False),
        ("falcon2", "falcon3", False),
        ("falcon-2.7b", "falcon-27b", False),
        ("falcon2-7b", "falcom3-7b", False),
    ],
)
def test_models(one: str, other: str, same: bool) -> None:
    assert bool(likeness.alike_by_word([one, other])) is same


@given(st.lists(st.text("abmnrol01-", min_size=1, max_size=8), max_size=8))
def test_buckets_find_what_comparing_all_pairs_finds(names: list[str]) -> None:
    every = sorted(set(names))
    pairs = {
        (one, other)
        for index, one in enumerate(every)
        for other in every[index + 1 :]
        if min(len(one), len(other)) >= 4 and likeness._one_slip(one, other)  # noqa: SLF001 - the definition of a slip
    }
    assert pairs <= set(likeness.alike(names))


def test_ten_thousand_names_are_no_ten_thousand_squared() -> None:
    names = [f"{'abcdefghij'[index % 10]}-model-{index}b-chat" for index in range(10_000)]
    start = time.perf_counter()
    likeness.alike_by_word(names)
    assert time.perf_counter() - start < 2
