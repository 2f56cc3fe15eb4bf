"""What was published last, as a build reads it: the head, and files named by their digest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from galleryctl import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.spec.published import Catalog

_PART = r"[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*"
_NAMED = re.compile(
    r"(?:"
    r"v1/(?P<head>[0-9a-f]{64})\.catalog\.json"
    rf"|v1/(?:(?:types|delta)/{_PART}|directory|revoked|runtimes|generations|models/{_PART}/{_PART})/[0-9a-f]{{64}}\.json"
    rf"|runtimes/{_PART}(?:/{_PART})+/[0-9a-f]{{64}}\.(?:json|ya?ml|ini|toml|txt|conf)"  # nothing that a browser runs
    r")"
)
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Published(Protocol):
    """The gallery as it was published last, from wherever it can be read."""

    @property
    def head(self) -> Catalog:
        """Its head."""

    @property
    def head_bytes(self) -> bytes:
        """The head as it was published, to the byte."""

    def read(self, path: str) -> bytes | None:
        """A file with a digest in its name, checked against it; none where it is gone or has other bytes."""


class Past(Published, Protocol):
    """The same, asked about many files at once."""

    def held(self, files: Mapping[str, int]) -> Mapping[str, int]:
        """Those of the files, bytes by path, that can be read."""


def named(path: str) -> str | None:
    """The digest in the immutable name of a file of the index; none for any other path.

    What a published document names becomes a file of the next build, so nothing else may pass.
    """
    if _NAMED.fullmatch(path) is None:
        return None
    return _DIGEST.findall(path.rpartition("/")[2])[-1]  # type: ignore[no-any-return]


def checked(path: str, data: bytes | None) -> bytes | None:
    """The bytes, where they are those that the name promises."""
    return data if data is not None and canonical.digest(data) == named(path) else None
