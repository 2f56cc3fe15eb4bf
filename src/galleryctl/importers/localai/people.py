"""Whose model an entry is: the owner of the first repository its links name, else of the one its files come from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from galleryctl.importers.naming import publisher_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOUSE = "localai"
"""Publisher of what names nobody."""
_REPOSITORY = re.compile(
    r"(?:https?://(?:www\.)?(?:huggingface\.co|hf\.co|modelscope\.cn/models|github\.com)/|huggingface://|hf://|github:)"
    r"([A-Za-z0-9][A-Za-z0-9._-]*)/[A-Za-z0-9]"
)
_NOBODY = frozenset(
    {"datasets", "spaces", "papers", "collections", "docs", "blog", "models", "posts", "orgs", "sponsors", "features"}
)


def publisher(value: Mapping[str, Any]) -> str:
    """A slug."""
    for address in _addresses(value):
        found = _REPOSITORY.match(address)
        if found and found[1].lower() not in _NOBODY and (owner := publisher_of(found[1])):
            return owner
    return HOUSE


def _addresses(value: Mapping[str, Any]) -> Iterator[str]:
    """Hub links first, then other links, then files."""
    urls = value.get("urls")
    links = [url for url in urls if isinstance(url, str)] if isinstance(urls, list) else []
    yield from sorted(links, key=lambda url: "huggingface.co/" not in url and "modelscope.cn/" not in url)
    files = value.get("files")
    for file in files if isinstance(files, list) else ():
        if isinstance(file, dict) and isinstance(uri := file.get("uri"), str):
            yield uri
