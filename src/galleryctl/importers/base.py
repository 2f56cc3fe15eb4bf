"""What importers have in common: a reference goes in, candidates for the gallery and rejected entries come out.

An importer reads and translates; it never looks at the registry and writes nothing. It keeps what the source says and
invents nothing; what it does not understand it keeps in `runtimes.<runtime>.extra` and remarks on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from galleryctl.fetch import Fetcher

FIRST = "1.0.0"
"""Version of the release that an import writes."""


class Remark(NamedTuple):
    """Something wrong with an entry, by the code of a rule."""

    code: str
    message: str
    fix: str = ""


@dataclass(frozen=True)
class Candidate:
    """A model that could be written. `model` and `releases` are the data of its files, without nulls."""

    source: str
    """What the source calls it."""
    at: str
    """Its place in the source, for people: `llm.json:120`."""
    type: str
    id: str
    """`publisher/name`, both slugs."""
    model: Mapping[str, Any]
    releases: Mapping[str, Mapping[str, Any]]
    """By version."""
    texts: Mapping[str, bytes] = field(default_factory=dict)
    """Further files of the folder by name: README.md, 1.0.0.jinja, cover.webp."""
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class Rejected:
    """An entry of which no model can be made; at least one remark says why."""

    source: str
    at: str
    remarks: tuple[Remark, ...]


@dataclass(frozen=True)
class Options:
    """What was asked beside the reference."""

    publisher: str | None = None
    """Publisher to use instead of the source's."""
    digest: bool = False
    """Whether missing digests are computed by reading whole files."""
    type: str | None = None
    """Model type, where the source cannot tell."""


@dataclass(frozen=True)
class Reference:
    """What somebody typed, and the bytes behind it where it is a file, or an address nobody claims by its look."""

    text: str
    opened: Callable[[], bytes] = field(repr=False)
    """Reads the file or address, once."""
    path: Path | None = None
    """The file or folder on this machine."""

    @cached_property
    def data(self) -> bytes:
        return self.opened()

    @cached_property
    def start(self) -> str:
        """The first 64 KiB as text."""
        return self.data[: 2**16].decode("utf-8", "replace")

    @property
    def is_address(self) -> bool:
        return self.text.startswith(("https://", "http://"))


class Importer(Protocol):
    """One kind of source. Modules satisfy it; `importers.SOURCES` lists them."""

    NAME: str
    TITLE: str
    """For people: `Hugging Face repository, user, organisation or collection`."""
    EXAMPLES: tuple[str, ...]
    """References it claims by their look; empty for what is told by its content."""

    def claims(self, reference: Reference) -> bool:
        """Whether it reads this. Judged by the text first; a catalogue looks into `reference.start` or its data."""

    def read(self, reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:
        """Entries in the order of the source. Raises `FetchError`, or `UsageError` where nothing can be read at all."""
