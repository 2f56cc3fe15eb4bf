"""Sets of bytes, held against sets of numbers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.client.spans import Span, Spans, cut

ENDS = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda ends: (min(ends), max(ends)))


@given(st.lists(ENDS), st.integers(0, 70))
def test_spans_are_sets_of_bytes(found: list[tuple[int, int]], size: int) -> None:
    spans, there = Spans(found), {byte for start, stop in found for byte in range(start, stop)}
    assert {byte for start, stop in spans for byte in range(start, stop)} == there
    assert spans.bytes == len(there)
    assert spans.frontier == next(byte for byte in range(99) if byte not in there)
    missing = list(spans.missing(size))
    assert [byte for start, stop in missing for byte in range(start, stop)] == sorted(set(range(size)) - there)
    ordered = list(spans)
    assert all(one.stop < other.start for one, other in pairwise(ordered))


@given(st.lists(ENDS), st.integers(1, 9))
def test_pieces_end_where_multiples_do(found: list[tuple[int, int]], piece: int) -> None:
    pieces = list(cut(map(Span._make, found), piece))
    assert [byte for start, stop in pieces for byte in range(start, stop)] == [
        byte for start, stop in found for byte in range(start, stop)
    ]
    assert all(start // piece == (stop - 1) // piece for start, stop in pieces)


@pytest.mark.parametrize("ends", [(-1, 3), (3, 2)])
def test_what_is_no_span(ends: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no span"):
        Spans([ends])
