"""What an unquoted YAML scalar means, and whether every reader agrees about it.

PyYAML and libyaml read YAML 1.1, go-yaml a mixture, others 1.2. `true`, `false`, `null` and plain decimal numbers are
the same for all; everything else is text, and text that some reader takes for something else is reported.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+][0-9]+)?)?")
_FOR_SOME_A_NUMBER = re.compile(
    r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+"
    r"|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"
    r"|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
_TIME = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?")
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_NULL = {"", "~", "null", "Null", "NULL"}
_FOR_SOME_A_SWITCH = {
    form for word in ("yes", "no", "on", "off", "y", "n") for form in (word, word.title(), word.upper())
}
SUSPECT = frozenset("0123456789+-.~=tTfFyYnNoO")
"""How a scalar begins that may be no text."""
FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Characters that no file may hold."""
_EXACT = 2**53 - 1


class Reading(NamedTuple):
    """The value, and the code of the rule about it; YML009 counts only where no date is meant."""

    value: str | int | float | bool | None
    code: str = ""


_EMPTY = Reading(None, "YML010")
_HEX = re.compile(r"(?!0b)[0-9e]*[a-df][0-9a-f]*")


def is_text(text: str) -> bool:
    """Whether every reader takes an unquoted scalar for text; quick, and true for nearly all of them."""
    # Most that begin like a number are digests: no number has these letters.
    if not text:
        return False
    # No word that some reader takes for something else is as long as `false`, but numbers and dates.
    sure = text[0] not in SUSPECT or (len(text) > 5 and text[0].isalpha())  # noqa: PLR2004 - its length
    return sure or _HEX.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:  # noqa: PLR0911 - one line for each kind
    """Reads an unquoted scalar."""
    if text and text[0] not in SUSPECT:
        return Reading(text)
    if text in _TRUE:
        return Reading(value=True)
    if text in _FALSE:
        return Reading(value=False)
    if text in _NULL:
        return _EMPTY
    if text in _FOR_SOME_A_SWITCH:
        return Reading(text, "YML006")
    if text == "=":  # a value of its own kind in YAML 1.1, which PyYAML cannot construct
        return Reading(text, "YML012")
    if _NUMBER.fullmatch(text):
        return _number(text)
    if _FOR_SOME_A_NUMBER.fullmatch(text):
        return Reading(text, "YML007")
    if _TIME.fullmatch(text):
        return Reading(text, "YML009")
    return Reading(text)


def _number(text: str) -> Reading:
    if "." not in text:
        if len(text) > 20 or abs(int(text)) > _EXACT:  # noqa: PLR2004 - longer than 2**64; int() of a long text is slow
            return Reading(text, "YML007")
        return Reading(int(text))
    value = float(text)
    return Reading(value) if abs(value) != float("inf") else Reading(text, "YML007")


def literal(text: str) -> Reading:
    """Reads a number or word of JSON."""
    if text in {"true", "false"}:
        return Reading(text == "true")
    if text == "null":
        return _EMPTY
    if text.lstrip("-").isdigit():
        if len(text) > 20 or abs(int(text)) > _EXACT:  # noqa: PLR2004 - as above
            return Reading(text, "YML014")
        return Reading(int(text))
    value = float(text)
    return Reading(value) if abs(value) != float("inf") else Reading(text, "YML014")


@lru_cache(maxsize=4096)
def is_suspect(text: str) -> bool:
    """Whether some reader takes this unquoted text for something else than text."""
    return not text or (text[0] in SUSPECT and not (read(text).value == text and not read(text).code)) or text == "<<"
