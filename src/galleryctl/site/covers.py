"""Covers: a punched card drawn from the id alone, so the same id has the same card everywhere.

48 × 48, 7 columns × 6 rows of holes. Row 0 tells the type; the other rows are 35 bits of two hashes of the id. The
publisher gives the colour, one of eight inks.
"""

from __future__ import annotations

from functools import lru_cache

COLUMNS, ROWS = 7, 6
_HOLES = tuple(
    tuple(f"M{round(6.6 + 5.3 * column, 1):g} {round(6 + 6.3 * row, 1):g}h3v4.4h-3z" for column in range(COLUMNS))
    for row in range(ROWS)
)


def fnv1a(text: str) -> int:
    """FNV-1a, 32 bits, over UTF-8."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def holes(identifier: str, position: int) -> str:
    """The path of the holes of an id, whose type is at a position (from 0) in the order of the site."""
    bits = (fnv1a(identifier) << 32 | fnv1a(identifier[::-1])) & ((1 << COLUMNS * (ROWS - 1)) - 1)
    punched = [_HOLES[1 + bit // COLUMNS][bit % COLUMNS] for bit in range(COLUMNS * (ROWS - 1)) if bits >> bit & 1]
    return _HOLES[0][1 + position % (COLUMNS - 1)] + "".join(punched)


@lru_cache(maxsize=4096)
def ink(publisher: str) -> int:
    """Which of the eight inks a publisher has."""
    return (fnv1a(publisher) >> 15) % 8
