"""RFC 8785: one value, one spelling. The vectors are those of the RFC."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from galleryctl import canonical

EAST = dt.timezone(dt.timedelta(hours=8))
ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"\\'), min_size=1)


def test_the_vector_of_the_rfc() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical.dumps(value) == expected.encode()


def test_keys_sort_by_code_units() -> None:
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    assert list(json.loads(canonical.dumps(value)).values()) == [2, 4, 6, 7, 1, 5, 3]


def test_numbers_that_json_readers_round_are_refused() -> None:
    with pytest.raises(ValueError, match="2"):
        canonical.dumps(2**53 + 1)
    with pytest.raises(ValueError, match=r"(?i)nan"):
        canonical.dumps(float("nan"))


@given(
    st.dictionaries(
        ASCII, st.integers(-(2**53) + 1, 2**53 - 1) | st.text() | st.floats(allow_nan=False, allow_infinity=False)
    )
)
def test_joining_canonical_parts_gives_the_canonical_whole(value: dict[str, object]) -> None:
    assert canonical.join((key, canonical.dumps(item)) for key, item in value.items()) == canonical.dumps(value)


@given(st.dictionaries(st.text(), st.integers(0, 9) | st.text(), max_size=6))
def test_extending_gives_the_canonical_whole(value: dict[str, object]) -> None:
    fields = {key: member for key, member in value.items() if key != "releases"}
    assert canonical.extend(fields, "releases", b'{"1.0.0":{}}') == canonical.dumps(
        {**fields, "releases": {"1.0.0": {}}}
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
)  # fmt: skip


@given(VALUES)
def test_every_value_is_written_as_the_reference_library_writes_it(value: object) -> None:
    assert canonical.dumps(value) == rfc8785.dumps(value)  # type: ignore[arg-type]  # any JSON value


def test_a_moment_has_one_spelling_wherever_it_was() -> None:
    assert canonical.moment(dt.datetime(2025, 5, 1, 8, tzinfo=dt.UTC)) == "2025-05-01T08:00:00Z"
    assert canonical.moment(dt.datetime(2025, 5, 1, 16, tzinfo=EAST)) == "2025-05-01T08:00:00Z"
