"""Upstream names as ids of this gallery: the same text gives the same id, everywhere and always."""

from __future__ import annotations

import re
import unicodedata

from galleryctl.spec.base import LONGEST_NAME

_ODD = re.compile(r"[^a-z0-9._-]+")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")  # names that Windows keeps for itself
_SPELT = str.maketrans(  # letters that do not fall apart into a plain one and a mark
    {
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "\u0131": "i", "ħ": "h",
        "ŋ": "n", "+": "-plus-", "&": "-and-", "@": "-at-",
    }
)  # fmt: skip


def slug(text: str) -> str:
    """A name as part of an id: `[a-z0-9][a-z0-9._-]*`, at most 96 characters; empty where nothing of it can stay.

    What is written in another script has no slug of its own: an importer rejects the entry, or finds another name.
    """
    plain = unicodedata.normalize("NFKD", text[: LONGEST_NAME * 8]).lower()
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter)).translate(_SPELT)
    plain = _ODD.sub("-", plain)
    plain = re.sub(r"-{2,}", "-", re.sub(r"\.{2,}", ".", plain))
    plain = re.sub(r"(?<=[._-])-|-(?=[._-])", "", plain)
    plain = re.sub(r"\.{2,}", ".", plain).lstrip("._-")[:LONGEST_NAME].rstrip("._-")
    return (
        f"{plain.partition('.')[0]}-model{plain[plain.find('.') :] if '.' in plain else ''}"
        if _device(plain)
        else plain
    )


def _device(name: str) -> bool:
    return _DEVICE.fullmatch(name) is not None


def publisher_of(repo_or_owner: str) -> str:
    """The publisher of a repository or an owner: `qwen` for `Qwen/Qwen3-8B`, `Qwen` and `/Qwen`; may be empty."""
    return slug(repo_or_owner.strip("/").partition("/")[0])
