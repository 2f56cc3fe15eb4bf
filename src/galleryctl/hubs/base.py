"""What a source says of a model at one moment: a commit, its files with sizes and digests, and what its card declares.

Importers make definitions from it, `release` pins with it, `check --online` compares with it, `readme` reads its card.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping


class RemoteFile(NamedTuple):
    """One file of a source. What the source does not state is none; nothing is guessed."""

    path: str
    size: int | None = None
    """Bytes."""
    sha256: str | None = None
    """64 lower-case hex digits."""


@dataclass(frozen=True)
class Snapshot:
    """A source at one moment."""

    kind: str
    """Kind of source, as in `sources` of a variant: huggingface, modelscope, object, oci, url."""
    repo: str
    """`owner/name`, or the address of the prefix or image."""
    revision: str | None = None
    """The commit or digest that was read, never a branch; none where the source has no commits."""
    files: tuple[RemoteFile, ...] = ()
    """By path."""
    license: str | None = None
    """As the source spells it."""
    license_url: str | None = None
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    task: str | None = None
    """What the source calls the task: `text-generation`."""
    library: str | None = None
    base_models: tuple[str, ...] = ()
    """Repositories it was made from."""
    gated: bool | None = None
    unsafe: tuple[str, ...] = ()
    """Files that the source itself flags as unsafe."""
    created: dt.datetime | None = None
    modified: dt.datetime | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The source's own words, for what only one kind of source knows."""

    def file(self, path: str) -> RemoteFile | None:
        return next((file for file in self.files if file.path == path), None)


class Hub(Protocol):
    """One kind of source. Methods raise `FetchError`: `MissingError` and `DeniedError` where the source says so."""

    kind: str

    def snapshot(self, repo: str, revision: str | None = None) -> Snapshot:
        """The source as it is, or at a revision; a branch is resolved to its commit."""

    def read(self, found: Snapshot, path: str, *, limit: int = 2**20) -> bytes:
        """A small file at the snapshot's revision; `FetchError` where it is larger than `limit` bytes."""

    def part(self, found: Snapshot, path: str, start: int, stop: int) -> bytes:
        """Bytes of a file, without fetching the rest of it."""

    def address(self, found: Snapshot, path: str) -> str:
        """Where people and runtimes fetch a file, at that revision."""
