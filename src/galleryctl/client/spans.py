"""Which bytes of a file are there: disjoint spans in order, each from its first byte to the one after its last."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Span(NamedTuple):
    start: int
    stop: int


class Spans:
    """A set of bytes. Not safe for threads by itself."""

    def __init__(self, found: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        for start, stop in found:
            self.add(start, stop)

    def __iter__(self) -> Iterator[Span]:
        return map(Span, self._starts, self._stops)

    def add(self, start: int, stop: int) -> None:
        if not 0 <= start <= stop:
            raise ValueError(f"no span: {start} to {stop}")
        if start == stop:
            return
        first, last = bisect_left(self._stops, start), bisect_right(self._starts, stop)
        if first < last:  # it touches others, which it joins
            start, stop = min(start, self._starts[first]), max(stop, self._stops[last - 1])
        self._starts[first:last], self._stops[first:last] = [start], [stop]

    @property
    def frontier(self) -> int:
        """The first byte that is not there."""
        return self._stops[0] if self._starts and self._starts[0] == 0 else 0

    @property
    def bytes(self) -> int:
        return sum(self._stops) - sum(self._starts)

    def missing(self, size: int) -> Iterator[Span]:
        """What a file of this size lacks, in order."""
        at = 0
        for start, stop in self:
            if start >= size:
                break
            if at < start:
                yield Span(at, start)
            at = stop
        if at < size:
            yield Span(at, size)


def cut(spans: Iterable[Span], piece: int) -> Iterator[Span]:
    """Spans in pieces that end where multiples of `piece` do."""
    for start, stop in spans:
        at = start
        while at < stop:
            end = min(stop, (at // piece + 1) * piece)
            yield Span(at, end)
            at = end
