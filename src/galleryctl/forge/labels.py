"""Which labels are this program's: those it sets and removes; no other label is touched."""

from __future__ import annotations

_FAMILIES = ("kind/", "lane/", "turn/", "risk/", "fail/")
_SINGLE = frozenset({"first-contribution", "stale", "service-problem"})
_COLOURS = {"kind": "1d76db", "lane": "5319e7", "turn": "fbca04", "risk": "d93f0b", "fail": "b60205"}
_OTHER = "6e7781"


def owned(name: str) -> bool:
    return name in _SINGLE or name.startswith(_FAMILIES)


def colour(name: str) -> str:
    """Six hexadecimal digits: one colour for each family."""
    return _COLOURS.get(name.partition("/")[0], _OTHER)
