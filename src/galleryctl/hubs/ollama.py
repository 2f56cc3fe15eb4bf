"""The library of Ollama: a registry of its own, read like any other, with names that need no registry."""

from __future__ import annotations

import re

from galleryctl.errors import UsageError
from galleryctl.hubs.oci import OLLAMA, Image

SITE = "https://ollama.com/"
_NAME = re.compile(
    r"(?:(?P<owner>[A-Za-z0-9][A-Za-z0-9._-]*)/)?(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
)


def image(name: str) -> Image:
    """`llama3.1:8b` or `owner/model` as the image it stands for. Raises `UsageError`."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise UsageError(f"{name[:200]} is no model of Ollama; write name, name:tag or owner/name:tag")
    return Image(OLLAMA, f"{found['owner'] or 'library'}/{found['name']}", found["tag"])


def name_of(text: str) -> str | None:
    """The name by which Ollama pulls an image of its registry, without the digest; none for another registry."""
    where, _, path = text.partition("@")[0].partition("/")
    return path.removeprefix("library/") if where == OLLAMA and path else None
