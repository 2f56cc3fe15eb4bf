"""Headings are found in both of Markdown's forms, and in two languages."""

from __future__ import annotations

import pytest

from galleryctl.checks import headings

PARTS = ["background", "introduction", "usage", "constraints"]

FOUND = [
    ("# Background\n", "background"),
    ("   ###### About this model\n", "background"),
    ("##\tIntroduction\n", "introduction"),
    ("Usage\n=====\n", "usage"),
    ("text\n\nHow to run it\n  ---  \nmore\n", "usage"),
    ("## 限制\n", "constraints"),
    ("Text first.\n# Out-of-scope use", "constraints"),
]


@pytest.mark.parametrize(("text", "part"), FOUND)
def test_a_heading_names_its_part(text: str, part: str) -> None:
    assert part not in headings.lacking(text)


MISSED = ["", "Usage\n", "    # Usage\n", "####### Usage\n", "#Usage\n", "Usage\n\n---\n", "# Misused\n", "a # Usage\n"]


@pytest.mark.parametrize("text", MISSED)
def test_what_only_looks_like_a_heading_names_nothing(text: str) -> None:
    assert headings.lacking(text) == PARTS


def test_both_forms_count_in_one_card() -> None:
    assert headings.lacking("# Background\n\nUsage\n---\n\n## Risks\n") == ["introduction"]
