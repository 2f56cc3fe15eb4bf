"""What exporters have in common: the current release of a model goes in, what one runtime reads of it comes out.

An exporter says everything about one model at once (`one`), without looking at other models; `whole` joins what all
models gave into the files of the runtime. Both are pure. What the runtime would refuse is skipped, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from galleryctl.gallery import Outline
    from galleryctl.spec import Settings
    from galleryctl.spec.base import Text
    from galleryctl.spec.published import ModelDocument, PublishedRelease


class Item(NamedTuple):
    """A model as an exporter sees it, with its current release."""

    outline: Outline
    model: ModelDocument
    version: str
    release: PublishedRelease

    @property
    def id(self) -> str:
        return self.outline.id

    @property
    def type(self) -> str:
        return self.outline.type


class File(NamedTuple):
    """A file below `/runtimes/<runtime>/`."""

    path: str
    data: bytes


class Left(NamedTuple):
    """A target that was left out. Empty names mean the whole variant, or the whole model."""

    variant: str
    quantization: str
    reason: Text


@dataclass(frozen=True, slots=True)
class Made:
    """What one model gives to one runtime."""

    parts: tuple[tuple[str, Any], ...] = ()
    """Entries for the files that models share: which file, and plain JSON data for it."""
    files: tuple[File, ...] = ()
    """Files of this model alone."""
    left: tuple[Left, ...] = ()


class Exporter(Protocol):
    """One runtime. Modules satisfy it; `exports.EXPORTERS` lists them by the name of the runtime.

    A module may offer `faults(path: str, data: bytes) -> list[str]` too: what the runtime would refuse in a file as it
    was rendered. A fault stops the publication (RUN006), so it costs no more than reading the file once.
    """

    NAME: str

    def one(self, item: Item) -> Made:
        """What a model gives. Raises nothing for any definition that the types accept."""

    def shared(self, settings: Settings) -> Sequence[str]:
        """Files that models share, relative to the runtime's folder; they are written also where they are empty."""

    def whole(self, path: str, parts: Iterable[tuple[Outline, Any]], settings: Settings) -> Iterator[bytes]:
        """A shared file from its parts, in chunks. Parts come featured first, then by id, and can be read once.

        They are read back from what was kept, so definitions are not at hand: a part says all that the file holds.
        """
