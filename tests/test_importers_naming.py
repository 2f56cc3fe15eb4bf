"""Ids from upstream names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.importers.naming import publisher_of, slug
from galleryctl.spec.base import ID_PATTERN, LONGEST_NAME


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Qwen3-8B", "qwen3-8b"),
        ("deepseek-r1-distill-qwen-1.5b", "deepseek-r1-distill-qwen-1.5b"),
        ("bge-small-en-v1.5", "bge-small-en-v1.5"),
        ("LLaMA 2 (70B)", "llama-2-70b"),
        ("a_b", "a_b"),
        ("c4ai-command-r+", "c4ai-command-r-plus"),
        ("Größe Łódź", "grosse-lodz"),
        ("Ｑｗｅｎ３", "qwen3"),
        ("../../etc/passwd", "etc-passwd"),
        ("a..b", "a.b"),
        ("a. .b", "a.b"),
        ("trailing.", "trailing"),
        ("CON", "con-model"),
        ("nul.gguf", "nul-model.gguf"),
        ("com1", "com1-model"),
        ("中文", ""),
        ("中文-7B", "7b"),
        ("", ""),
        ("...", ""),
        ("model\x00\n name", "model-name"),
        ("qwen3:8b@main", "qwen3-8b-at-main"),
    ],
)
def test_slug(text: str, expected: str) -> None:
    assert slug(text) == expected


@given(st.text())
def test_a_slug_is_a_name_of_an_id(text: str) -> None:
    name = slug(text)
    assert len(name) <= LONGEST_NAME
    assert name == "" or re.fullmatch(ID_PATTERN, name)
    assert ".." not in name
    assert not name.endswith(".")
    assert slug(name) == name


def test_long_names_stay_within_bounds() -> None:
    assert len(slug("x" * 1_000_000)) == LONGEST_NAME
    assert slug("a" * 95 + ".b") == "a" * 95


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Qwen/Qwen3-8B", "qwen"), ("Qwen", "qwen"), ("/Qwen/", "qwen"), ("THUDM_x/y/z", "thudm_x"), ("", "")],
)
def test_publisher_of(text: str, expected: str) -> None:
    assert publisher_of(text) == expected
