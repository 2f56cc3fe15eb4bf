"""Values of strangers, such as answers of hubs and entries of catalogues: what has another shape counts as not said."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST = 2**53 - 1
_LONGEST = 1000
HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Categories of characters that nobody sees."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def text(value: object, longest: int = _LONGEST) -> str | None:
    """One line without characters that nobody sees; none where it is empty, too long, or no text."""
    if not isinstance(value, str) or len(value) > longest:
        return None
    shown = "".join(letter for letter in value if unicodedata.category(letter) not in HIDDEN)
    return unicodedata.normalize("NFC", shown).strip() or None


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list, each once, in its order; one text alone is a list of one."""
    items = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    return tuple(dict.fromkeys(found for item in items[:_LONGEST] if (found := text(item))))


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) and all(isinstance(key, str) for key in value) else {}


def whole(value: object) -> int | None:
    """A count that every reader can hold."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST else None


def digest(value: object) -> str | None:
    """A SHA-256 as 64 lower-case hex digits."""
    return value.lower() if isinstance(value, str) and _DIGEST.fullmatch(value.lower()) else None


def commit(value: object) -> str | None:
    """A commit by its 40 hex digits; none for a branch, a tag, or a part of the digits."""
    return value if isinstance(value, str) and _COMMIT.fullmatch(value) else None


def path(value: object) -> str | None:
    """A path that stays inside its folder and has no odd letters."""
    found = text(value)
    if found is None or found != value or "\\" in found or {"", ".", ".."} & set(found.split("/")):
        return None
    return found


def moment(value: object) -> dt.datetime | None:
    """A moment in UTC: a text, seconds since 1970, or what a library made of them."""
    try:
        if isinstance(value, str):
            value = dt.datetime.fromisoformat(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = dt.datetime.fromtimestamp(value, dt.UTC)
        if isinstance(value, dt.datetime):
            found = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
            return found.replace(microsecond=0)
    except (ValueError, OverflowError, OSError):
        pass
    return None
