"""The headings of a model card, and which of its four parts they name."""

from __future__ import annotations

import re
from functools import lru_cache

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+([^\n]+)|^(?! {4})(\S[^\n]*)\n {0,3}(?:=+|-{2,})[ \t]*$", re.MULTILINE)
_PARTS = {
    "background": ("background", "motivation", "about", "背景"),
    "introduction": (
        "introduction", "overview", "description", "summary", "details", "介绍", "简介", "概述", "概览",
        "描述",
    ),
    "usage": (
        "usage", "use", "uses", "using", "quickstart", "quick start", "getting started", "get started", "how to",
        "inference", "用法", "使用", "快速开始", "快速上手", "推理",
    ),
    "constraints": (
        "constraint", "constraints", "limitation", "limitations", "limits", "restrictions", "out-of-scope", "risks",
        "known issues", "限制", "约束", "局限", "注意事项", "风险",
    ),
}  # fmt: skip
_WORDS = {
    part: re.compile("|".join(rf"\b{word}\b" if word.isascii() else word for word in words), re.IGNORECASE)
    for part, words in _PARTS.items()
}


_UNDERLINE = re.compile(r"\n {0,3}(?:=|--)")


def lacking(text: str) -> list[str]:
    """The parts for which the text of a card, without its blocks of code, has no heading."""
    present = frozenset[str]().union(*map(_parts_of, _headings(text)))
    return [part for part in _WORDS if part not in present]


def _headings(text: str) -> list[str]:
    if _UNDERLINE.search(text):
        return [first or second for first, second in _HEADING.findall(text)]
    found = [_HEADING.match(line) for line in text.split("\n") if "#" in line]
    return [match[1] for match in found if match]


@lru_cache(4096)
def _parts_of(heading: str) -> frozenset[str]:
    return frozenset(part for part, words in _WORDS.items() if words.search(heading))
