"""A repository of ModelScope."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from galleryctl.errors import UsageError
from galleryctl.hubs.modelscope import ModelScope
from galleryctl.importers import repositories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.fetch import Fetcher
    from galleryctl.importers.base import Candidate, Options, Reference, Rejected

NAME = "modelscope"
TITLE = "ModelScope repository"
EXAMPLES: tuple[str, ...] = (
    "modelscope:Qwen/Qwen3-8B",
    "modelscope:Qwen/Qwen3-8B@<commit>",
    "https://www.modelscope.cn/models/Qwen/Qwen3-8B",
)

_PREFIX = re.compile(r"modelscope:(?!//)(.*)", re.DOTALL)
_HOSTS = frozenset({"modelscope.cn", "www.modelscope.cn"})
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_REPOSITORY = re.compile(rf"({_NAME}/{_NAME})(?:@([^\s@]{{1,200}})|/(?:files|summary|tree/([^\s]{{1,200}})))?")


def claims(reference: Reference) -> bool:
    if reference.path is not None:
        return False
    if _PREFIX.fullmatch(reference.text):
        return True
    if not reference.is_address:
        return False
    parts = urlsplit(reference.text)
    return parts.hostname in _HOSTS and "/resolve/" not in parts.path and parts.path.startswith("/models/")


def read(reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:
    """The repository as a model. Raises `FetchError`, or `UsageError` for what names none."""
    found = _PREFIX.fullmatch(reference.text)
    text = found[1] if found else unquote(urlsplit(reference.text).path).removeprefix("/models/")
    place = _REPOSITORY.fullmatch(text.strip("/"))
    if place is None:
        raise UsageError(f"{reference.text} names no repository of ModelScope; say it like {', '.join(EXAMPLES)}")
    yield repositories.one(ModelScope(fetcher), place[1], place[2] or place[3], options)
