"""Values as a reader of one line sees them: cut, and hiding nothing.

Control characters and those that turn the writing around are written out: definitions come from strangers.
"""

from __future__ import annotations

import unicodedata
from typing import Any

LONGEST = 48
"""Characters of a value that is shown; of longer texts it is said that they changed."""
_MOST = 6
"""Items of a list that are shown."""
_MATCHED = 200
"""Items of two lists that are held against each other, each against each."""
_HEX = 12
"""Digits of a digest or commit that are shown."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # letters that show nothing


def shown(text: str, limit: int = 0) -> str:
    """A text on one line, cut at `limit`, in which everything can be seen."""
    text = " ".join(text.split())
    if limit and len(text) > limit:
        text = text[: limit - 1].rstrip() + "…"
    return "".join(_written_out(letter) if _hides(letter) else letter for letter in text)


def value(given: Any) -> str:  # noqa: ANN401 - any JSON value
    """A JSON value on one line; what is nothing is `none`."""
    if isinstance(given, list | dict):
        return _several(given)
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, int):
        return f"{given:,}" if abs(given) > 9999 else str(given)  # noqa: PLR2004 - a year has no comma
    text = "none" if given is None or given == "" else str(given)
    if len(text) in {40, 64} and all(letter in "0123456789abcdef" for letter in text):
        return text[:_HEX]
    return shown(text, LONGEST)


def step(before: object, after: object) -> str:
    """`MIT → Apache-2.0`; of long lists only what comes and goes, `+retrieval, -agents`."""
    return _moved(before, after) or f"{value(before)} → {value(after)}"


def verb(before: object, after: object) -> str:
    if before is None and after is not None:
        return "added"
    return "removed" if after is None and before is not None else "changed"


def short(given: object) -> bool:
    """Whether a value can be shown whole."""
    said = value(given)
    return len(said) <= 2 * LONGEST and "…" not in said and not isinstance(given, dict)


def told(before: object, after: object) -> bool:
    """Whether `step` hides nothing."""
    return bool(_moved(before, after)) or all(
        short(given) and not (isinstance(given, list) and len(given) > _MOST) for given in (before, after)
    )


def _moved(before: object, after: object) -> str:
    if not (isinstance(before, list) and isinstance(after, list) and _MOST < len(before) + len(after) <= _MATCHED):
        return ""
    marked = [(mark, item) for mark, these, those in (("+", after, before), ("-", before, after))
              for item in these if item not in those]  # fmt: skip
    if len(marked) > _MOST or not all(short(item) for _, item in marked):
        return ""
    return ", ".join(f"{mark}{value(item)}" for mark, item in marked)


def _several(given: list[Any] | dict[str, Any]) -> str:
    if isinstance(given, dict):
        items = [f"{shown(str(key), LONGEST)} {value(item)}" for key, item in given.items()]
    else:
        items = [value(item) for item in given]
    rest = f" and {len(items) - _MOST} more" if len(items) > _MOST else ""
    return ", ".join(items[:_MOST]) + rest or "none"


def _hides(letter: str) -> bool:
    if letter.isascii():
        return letter < " " or letter == "\x7f"
    return letter in _FILLERS or unicodedata.category(letter) in _HIDDEN


def _written_out(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
