"""Which names are easily taken for one another: by letters that look alike, or by one slip of the finger.

Digits count fully: `qwen2` and `qwen3` are different names. Nothing compares all pairs: names meet in buckets.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHORTEST = 4
"""Below that, one letter is a name of its own."""
_WORD = re.compile(rf"[a-z]{{{_SHORTEST},}}")
_LETTERS = str.maketrans({"0": "o", "1": "l", "5": "s", "_": "-"})

Pair = tuple[str, str]


def _outline(name: str) -> str:
    """How a name looks at a glance."""
    return name.translate(_LETTERS).replace("rn", "m").replace("vv", "w")


def _look_alikes(names: Iterable[str]) -> Iterator[Pair]:
    seen: dict[str, str] = {}
    for name in names:
        if (first := seen.setdefault(_outline(name), name)) != name:
            yield first, name


def _slips(words: Iterable[str]) -> Iterator[Pair]:
    """Pairs that one letter more, less, other or swapped makes equal: they share a form with one letter left out.

    Only letters are left out: `lab-1` and `lab-2` need not meet, for digits count fully.
    """
    shorter: dict[str, list[str]] = defaultdict(list)
    for word in words:
        shorter[word].append(word)
        for form in {word[:index] + word[index + 1 :] for index, letter in enumerate(word) if not letter.isdigit()}:
            shorter[form].append(word)
    for group in shorter.values():
        if len(group) > 1:
            for position, one in enumerate(group):
                yield from ((one, other) for other in group[position + 1 :] if _one_slip(one, other))


def _one_slip(one: str, other: str) -> bool:
    """Distance 1, counting a swap of neighbours as one, and no digit involved."""
    if one > other:
        one, other = other, one
    start = next((index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    if start is None:
        changed = other[len(one) :] or one[len(other) :]
        return len(changed) == 1 and not changed.isdigit()
    a, b = one[start:], other[start:]
    if a[1:] == b[1:]:
        changed = a[0] + b[0]
    elif a[1:] == b:
        changed = a[0]
    elif a == b[1:]:
        changed = b[0]
    elif a[2:] == b[2:] and a[:2] == b[1::-1]:
        changed = a[:2]
    else:
        return False
    return not any(letter.isdigit() for letter in changed)


def alike(names: Iterable[str]) -> list[Pair]:
    """Pairs of whole names that are easily confused, each once, in sorted order."""
    every = sorted(set(names))
    found = set(_look_alikes(every))
    found |= {(min(pair), max(pair)) for pair in _slips(name for name in every if len(name) >= _SHORTEST)}
    return sorted(found)


def alike_by_word(names: Iterable[str]) -> list[Pair]:
    """Pairs of names that differ in one word which is easily confused; shorter parts (`vl`, `3n`) tell models apart."""
    every = set(names)
    words: dict[str, list[str]] = defaultdict(list)
    for name in every:
        for word in _WORD.findall(name):
            words[word].append(name)
    found = set(_look_alikes(sorted(every)))
    for one, other in set(_slips(sorted(words))):
        for name in words[one]:
            if (changed := name.replace(one, other)) in every:
                found.add((min(name, changed), max(name, changed)))
    return sorted(found)
