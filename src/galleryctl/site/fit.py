"""The memory ruler: one logarithmic axis from 0.5 GiB to 1 TiB, shared by every row, and what fits a machine.

Without script a page shows the answer for one machine, 24 GiB at 8K of context. The script computes the same for the
reader's own: it reads `data-v` and must keep to `need`, `state` and `along`.
"""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from galleryctl.memory import Build

GIB, CONTEXT = 24.0, 8192
"""The machine of a page without script."""
ROOM = 0.9
"""More than this part of the memory is tight."""

State = Literal["yes", "tight", "no"]


def need(build: Build, context: int) -> float:
    """GiB of GPU memory at a length of context: weights, cache at 16 bit, and 0.6 GiB to work in."""
    return build.weights * 1.03 + build.cache * context / 1_048_576 + 0.6


def state(memory: float, gib: float = GIB) -> State:
    return "yes" if memory <= gib * ROOM else "tight" if memory <= gib else "no"


def along(gib: float) -> int:
    """Place on the axis, in thousandths."""
    return round(min(1.0, max(0.0, (log2(gib) + 1) / 11)) * 1000)


def gib(memory: float) -> str:
    """`19.0`, or `384` from a hundred on."""
    return f"{memory:.0f}" if memory >= 100 else f"{memory:.1f}"  # noqa: PLR2004 - three digits


class Ruler(NamedTuple):
    """A row's ruler: the builds as data, the marks as paths in a box 1000 wide, and the sentence under it."""

    data: str
    bar: str
    fits: str
    tight: str
    large: str
    best: str
    state: State
    label: str
    memory: str


def ruler(builds: Sequence[Build]) -> Ruler | None:
    """The ruler of a model on the machine of a page without script; none where no size is known."""
    if not builds:
        return None
    found = [need(build, CONTEXT) for build in builds]
    states = [state(memory) for memory in found]
    best = choose(found, states)
    ticks: dict[State, dict[int, None]] = {"yes": {}, "tight": {}, "no": {}}
    for memory, kind in zip(found, states, strict=True):
        ticks[kind][along(memory)] = None
    low, high = along(min(found)), along(max(found))
    marks = {kind: "".join(f"M{place} 0v11" for place in sorted(places)) for kind, places in ticks.items()}
    return Ruler(
        data=";".join(f"{build.label}|{build.weights:g}|{build.cache:g}" for build in builds),
        bar=f"M{low} 5.5H{high}" if high > low else "",
        fits=marks["yes"],
        tight=marks["tight"],
        large=marks["no"],
        best=f"M{along(found[best])} 5.5h.01",
        state=states[best],
        label=builds[best].label,
        memory=gib(found[best]),
    )


def choose(found: Sequence[float], states: Sequence[State]) -> int:
    """The largest build that fits with room to spare, else the largest that fits at all, else the smallest."""
    for kind in ("yes", "tight"):
        fitting = [index for index, value in enumerate(states) if value == kind]
        if fitting:
            return max(fitting, key=lambda index: (found[index], -index))
    return min(range(len(found)), key=lambda index: found[index])
