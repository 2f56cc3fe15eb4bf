"""Publications of an index in memory, one after the other, each going on from the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl import index, layout, schemas
from made import NoFiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.audience import View
    from galleryctl.spec.published import Catalog

PUBLISHED = schemas.public(NoFiles())


class Kept:
    """A published tree in memory, as a build reads it."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.head_bytes = files[layout.CATALOG]
        self.head = index.catalog(self.head_bytes)

    def read(self, path: str) -> bytes | None:
        return index.checked(path, self.files.get(path))

    def held(self, files: Mapping[str, int]) -> Mapping[str, int]:
        return {path: length for path, length in files.items() if len(self.read(path) or b"") == length}


def publish(shown: View, before: Mapping[str, bytes] | None = None, **options: object) -> dict[str, bytes]:
    """The index of a view; `before` is the tree that was published last."""
    earlier = None if before is None else Kept(before)
    found = index.outputs(shown, schemas={}, earlier=earlier, **options)  # type: ignore[arg-type]
    return {output.path: output.render() for output in found}


def head(files: Mapping[str, bytes]) -> Catalog:
    return index.catalog(files[layout.CATALOG])
