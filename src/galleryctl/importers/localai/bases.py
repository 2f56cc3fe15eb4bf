"""Base files that entries name by `url:`. What they say helps to tell the type of a model; it is never taken over.

They are read beside an index on this machine, and fetched only for an index that was fetched. A base file that cannot
be had is no fault of the entry.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from galleryctl.document import TooMuchError, lenient
from galleryctl.fetch import FetchError, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.fetch import Fetcher
    from galleryctl.importers.base import Reference

_PRESET = re.compile(r"github:mudler/LocalAI/gallery/([A-Za-z0-9][A-Za-z0-9._+-]*)\.yaml@master")
_GITHUB = re.compile(r"github:([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+)/([A-Za-z0-9._/+-]+?)(?:@([A-Za-z0-9._/-]+))?")
_LIMITS = Limits(bytes=256 * 1024, seconds=20.0, attempts=1)
_MOST = 100


def preset_of(url: str) -> str | None:
    """The well-known set of settings that an address stands for; none where it is another base file."""
    found = _PRESET.fullmatch(url)
    return found[1] if found else None


class Bases:
    """Settings of base files, each read once."""

    def __init__(self, reference: Reference, fetcher: Fetcher) -> None:
        self._reference = reference
        self._fetcher = fetcher
        self._asked = 0
        self.settings = cache(self._settings)

    def _settings(self, url: str) -> Mapping[str, Any]:
        """Model settings of a base file; empty where it cannot be had."""
        raw = self._beside(url) if self._reference.path else self._fetched(url)
        try:
            base = lenient(raw.decode("utf-8-sig", "replace")).data if raw else None
            inner = base.get("config_file") if isinstance(base, dict) else None
            found = lenient(inner).data if isinstance(inner, str) else inner
        except TooMuchError:
            return {}
        return found if isinstance(found, dict) else {}

    def _beside(self, url: str) -> bytes | None:
        preset, path = preset_of(url), self._reference.path
        if preset is None or path is None:
            return None
        try:
            file = path.parent / f"{preset}.yaml"
            return file.read_bytes() if file.is_file() and file.stat().st_size <= _LIMITS.bytes else None
        except OSError:
            return None

    def _fetched(self, url: str) -> bytes | None:
        if not self._reference.is_address or self._asked >= _MOST:
            return None
        if found := _GITHUB.fullmatch(url):
            owner, repo, path, revision = found.groups()
            url = f"https://raw.githubusercontent.com/{owner}/{repo}/{revision or 'main'}/{path}"
        elif not url.startswith(("https://", "http://")):
            return None
        self._asked += 1
        try:
            return self._fetcher.get(url, limits=_LIMITS).body
        except FetchError:
            return None
