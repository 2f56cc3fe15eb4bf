"""Licence ids of hubs and catalogues as SPDX expressions, and back.

One-to-one on the catalogues' usual spellings: what `back` makes of `spdx(text)` is `text` again. Where it is not,
an importer keeps the source's spelling in the overlay.
"""

from __future__ import annotations

import re

from galleryctl.checks.licences import official
from galleryctl.runtimes.licences import HUB, back

__all__ = ["back", "spdx"]

_OWN = "LicenseRef-"
_LONGEST = 80
_ODD = re.compile(r"[^A-Za-z0-9.]+")
_FROM_HUB = {spelling: expression for expression, spelling in HUB.items()}


def spdx(text: str | None) -> str | None:
    """`Apache-2.0` for `apache-2.0`, `LicenseRef-llama3.1` for `llama3.1`; none for what names no licence."""
    text = (text or "").strip()
    if not text or len(text) > _LONGEST or "\n" in text or "://" in text:
        return None
    if text.lower() in _FROM_HUB:
        return _FROM_HUB[text.lower()]
    found = official(text)
    if found is not None:
        return found or None
    name = _ODD.sub("-", text).strip("-.")
    return f"{_OWN}{name}" if name else None
