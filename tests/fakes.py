"""The ports in memory."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from galleryctl.git import LIMIT, TreeEntry

if TYPE_CHECKING:
    from collections.abc import Mapping


class MemoryTree:
    """`MemoryTree({path: bytes})` as a `git.Tree`; `modes` makes of a path something else than a plain file."""

    root = None

    def __init__(self, files: Mapping[str, bytes | str], modes: Mapping[str, str] | None = None) -> None:
        texts = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}
        self._files = dict(sorted(texts.items()))
        self._modes = modes or {}

    def entries(self, under: str = "") -> Mapping[str, TreeEntry]:
        inside = under.rstrip("/") + "/"
        return {
            path: TreeEntry(self._modes.get(path, "100644"), len(data), _blob(data))
            for path, data in self._files.items()
            if not under or path == under or path.startswith(inside)
        }

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        if path not in self._files:
            raise FileNotFoundError(path)
        if not self._modes.get(path, "100644").startswith("100"):
            raise ValueError(f"{path} is not a regular file")
        if len(self._files[path]) > limit:
            raise ValueError(f"{path} has more than {limit} bytes")
        return self._files[path]


def _blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
