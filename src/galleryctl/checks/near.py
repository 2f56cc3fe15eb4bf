"""Which known word was meant: distances between spellings."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def distance(one: str, other: str, most: int = 2) -> int:
    """Letters to add, drop, change or swap with a neighbour; `most` + 1 for anything farther."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return min(row[-1], most + 1)


def sure(word: str, known: Iterable[str]) -> str | None:
    """The one known word at distance 1; none where there is none, or more than one."""
    found = [each for each in known if distance(word.casefold(), each.casefold(), 1) <= 1]
    return found[0] if len(found) == 1 else None


def guess(word: str, known: Iterable[str]) -> str | None:
    """The nearest known word, where one is near enough to be worth naming."""
    pool = list(known)
    found = get_close_matches(word, pool, n=1, cutoff=0.7) or get_close_matches(word.lower(), pool, n=1, cutoff=0.7)
    return found[0] if found else None


def listing(known: Iterable[str], most: int = 12) -> str:
    """Words for a message: `a, b or c`."""
    words = [f"`{word}`" for word in known]
    if len(words) > most:
        return f"{', '.join(words[:most])}, …"
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)
