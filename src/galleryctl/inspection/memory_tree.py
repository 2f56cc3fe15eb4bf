"""A folder that is not on disk yet, as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.git import LIMIT, TreeEntry

if TYPE_CHECKING:
    from collections.abc import Mapping


class OneFolder:
    """The files of one model, by path."""

    root = None

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def entries(self, under: str = "") -> Mapping[str, TreeEntry]:
        return {path: TreeEntry("100644", len(data), "") for path, data in sorted(self._files.items()) if under in path}

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        if len(self._files[path]) > limit:
            raise ValueError(f"{path} has more than {limit} bytes")
        return self._files[path]
