"""Hugging Face: a repository, all of a user or organisation, or a collection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from galleryctl.errors import UsageError
from galleryctl.hubs.huggingface import HuggingFace
from galleryctl.importers import repositories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.fetch import Fetcher
    from galleryctl.importers.base import Candidate, Options, Reference, Rejected

NAME = "huggingface"
TITLE = "Hugging Face repository, user, organisation or collection"
EXAMPLES: tuple[str, ...] = (
    "huggingface:Qwen/Qwen3-8B",
    "hf:Qwen/Qwen3-8B@<commit>",
    "hf:Qwen",
    "hf:collections/Qwen/qwen3-67dd247413f0e2e4f653967f",
    "https://huggingface.co/Qwen/Qwen3-8B",
)

_PREFIX = re.compile(r"(?:hf|huggingface):(?!//)(.*)", re.DOTALL)
_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_COLLECTION = re.compile(rf"collections/({_NAME}/{_NAME})")
_REPOSITORY = re.compile(rf"({_NAME}/{_NAME})(?:@([^\s@]{{1,200}})|/(?:tree|commit)/([^\s]{{1,200}}))?")
_OWNER = re.compile(_NAME)
_NOT_MODELS = frozenset({"datasets", "spaces", "papers", "blog", "docs", "models", "collections", "api", "settings"})


class _Place(NamedTuple):
    """What a reference names; one of the three."""

    repo: str = ""
    owner: str = ""
    collection: str = ""
    revision: str | None = None


def claims(reference: Reference) -> bool:
    if reference.path is not None:
        return False
    if _PREFIX.fullmatch(reference.text):
        return True
    if not reference.is_address:
        return False
    parts = urlsplit(reference.text)
    inside = parts.path.strip("/").split("/")
    at_file = len(inside) > 2 and inside[2] in {"resolve", "blob", "raw"}  # noqa: PLR2004 - owner, name, then the view
    return parts.hostname in _HOSTS and not at_file


def read(reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:
    """Models of a repository, an owner or a collection. Raises `FetchError`, or `UsageError` for what is none."""
    place = _place(reference)
    hub = HuggingFace(fetcher)
    if place.repo:
        yield repositories.one(hub, place.repo, place.revision, options)
        return
    repos = hub.repositories(place.owner) if place.owner else hub.collection(place.collection)
    yield from repositories.several(hub, repos, options)


def _place(reference: Reference) -> _Place:
    found = _PREFIX.fullmatch(reference.text)
    text = found[1] if found else unquote(urlsplit(reference.text).path)
    text = text.strip("/")
    if collection := _COLLECTION.fullmatch(text):
        return _Place(collection=collection[1])
    repository = _REPOSITORY.fullmatch(text)
    if repository and repository[1].partition("/")[0] not in _NOT_MODELS:
        return _Place(repo=repository[1], revision=repository[2] or repository[3])
    if _OWNER.fullmatch(text) and text not in _NOT_MODELS:
        return _Place(owner=text)
    raise UsageError(f"{reference.text} names no model of Hugging Face; say it like {', '.join(EXAMPLES)}")
