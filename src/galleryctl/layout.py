"""Where things live: pure functions from names to paths, shared by publisher and client.

`registry` paths are relative to the registry's folder, published paths to the root of the site. All use `/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from galleryctl.spec.base import VERSION_PATTERN

Kind = Literal[
    "settings",
    "roles",
    "policy",
    "taxonomy",
    "publisher",
    "consumer",
    "tombstone",
    "trust",
    "model",
    "release",
    "card",
    "cover",
    "template",
]

_DATA = r"\.(?:yaml|json)"
_NAME = r"[^/]+"
_FOLDER = rf"models/(?P<type>{_NAME})/(?P<publisher>{_NAME})/(?P<name>{_NAME})"
_SPELLED: tuple[tuple[Kind, str], ...] = (
    ("release", rf"{_FOLDER}/(?P<version>{VERSION_PATTERN}){_DATA}"),
    ("model", rf"{_FOLDER}/model{_DATA}"),
    ("card", rf"{_FOLDER}/README(?:\.(?P<language>[A-Za-z0-9-]+))?\.md"),
    ("cover", rf"{_FOLDER}/cover\.webp"),
    ("template", rf"{_FOLDER}/(?P<version>{VERSION_PATTERN})(?:\.[a-z0-9-]+)?\.jinja"),
    ("publisher", rf"publishers/(?P<publisher>{_NAME}){_DATA}"),
    ("consumer", rf"consumers/(?P<name>{_NAME}){_DATA}"),
    ("tombstone", rf"removed/(?P<publisher>{_NAME})/(?P<name>{_NAME}){_DATA}"),
    ("trust", r"trust/(?:draft/)?[1-9][0-9]{0,8}\.(?P<name>root|targets)\.json"),
    ("settings", rf"gallery{_DATA}"),
    ("roles", rf"roles{_DATA}"),
    ("policy", rf"policy{_DATA}"),
    ("taxonomy", rf"taxonomy{_DATA}"),
)
_OF_MODELS = tuple((kind, re.compile(pattern)) for kind, pattern in _SPELLED if pattern.startswith("models/"))
_OTHERS = tuple((kind, re.compile(pattern)) for kind, pattern in _SPELLED if not pattern.startswith("models/"))


@dataclass(frozen=True, slots=True)
class Place:
    """What a registry path means."""

    kind: Kind
    type: str = ""
    publisher: str = ""
    name: str = ""
    version: str = ""
    language: str = ""

    @property
    def id(self) -> str:
        return f"{self.publisher}/{self.name}"


def place(path: str) -> Place | None:
    """What a path relative to the registry means; none where it is outside the layout."""
    for kind, pattern in _OF_MODELS if path.startswith("models/") else _OTHERS:
        if match := pattern.fullmatch(path):
            return Place(kind, **match.groupdict(""))
    return None


def model_in(folder: str) -> Place | None:
    """The model that a folder of the registry is for; none where it is for something else."""
    match folder.split("/"):
        case ["models", kind, publisher, name]:
            return Place("model", type=kind, publisher=publisher, name=name)
        case _:
            return None


def split(identifier: str) -> tuple[str, str]:
    """`publisher/name` as its two parts."""
    publisher, _, name = identifier.partition("/")
    return publisher, name


def folder(kind: str, identifier: str) -> str:
    """Folder of a model in the registry."""
    return f"models/{kind}/{identifier}"


DISCOVERY = ".well-known/gallery.json"
CATALOG = "v1/catalog.json"
DIRECTORY = "v1/directory.json"
REVOKED = "v1/revoked.json"
NATIVES = "v1/runtimes.json"
GENERATIONS = "v1/generations.json"
METADATA = "metadata/"
TIMESTAMP = "metadata/timestamp.json"
CHANGES = "changes.json"
LARGEST = 64_000_000
"""Bytes of one document: a signature does not make it affordable for the program that reads it."""


def model_document(identifier: str) -> str:
    return f"v1/models/{identifier}.json"


def document(name: str) -> str:
    """A document that the head names: `directory`, `types/<type>`, and so on."""
    return f"v1/{name}.json"


def type_document(kind: str) -> str:
    return f"v1/types/{kind}.json"


def delta_document(name: str, sha256: str) -> str:
    """A patch between two documents of one name: `directory`, or `types/<type>`."""
    return f"v1/delta/{name.removeprefix('types/')}/{sha256}.json"


def metadata(role: str, version: int) -> str:
    """TUF metadata of a role; that of the timestamp has no version in its name."""
    return f"{METADATA}{version}.{role}.json"


def search_document(kind: str, language: str) -> str:
    return f"v1/search/{kind}.{language}.json"


def addressed(path: str, sha256: str) -> str:
    """The immutable name of a file: `v1/types/llm.json` as `v1/types/llm/<sha256>.json`."""
    if path == CATALOG:
        return f"v1/{sha256}.catalog.json"
    stem, _, suffix = path.rpartition(".")
    return f"{stem}/{sha256}.{suffix}"


def native(runtime: str, path: str) -> str:
    """A file of a native export, published."""
    return f"runtimes/{runtime}/{path}"


def runtime_of(path: str) -> str:
    """The runtime whose native export a published file belongs to."""
    return path.split("/", 2)[1]


def inside(path: str) -> str:
    """A file of a native export relative to the runtime's folder."""
    return path.split("/", 2)[2]


def model_page(identifier: str) -> str:
    return f"models/{identifier}/index.html"


def cover(identifier: str) -> str:
    return f"models/{identifier}/cover.webp"


def type_page(kind: str) -> str:
    return f"types/{kind}/index.html"


def publisher_page(publisher: str) -> str:
    return f"publishers/{publisher}/index.html"


def feed(kind: Literal["", "types", "publishers"] = "", name: str = "") -> str:
    return f"feeds/{kind}/{name}.atom" if kind else "feed.atom"


def address(path: str) -> str:
    """The address of a published file relative to the root: a page by its folder."""
    return path.removesuffix("index.html")
