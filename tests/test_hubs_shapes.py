"""Values of strangers: what has another shape than it should counts as not said."""

from __future__ import annotations

import datetime as dt

import pytest

from galleryctl.hubs import shapes


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Tiny", "Tiny"),
        (" Ti\u200bny\u202e\x00 ", "Tiny"),
        ("e\u0301", "\u00e9"),
        ("\u200b ", None),
        ("x" * 1001, None),
        (7, None),
        (None, None),
    ],
)
def test_a_text_is_one_line_that_people_see(value: object, said: str | None) -> None:
    assert shapes.text(value) == said


def test_a_text_alone_is_a_list_of_one_and_each_counts_once() -> None:
    assert shapes.texts("en") == ("en",)
    assert shapes.texts(["en", 7, "zh", "en", ""]) == ("en", "zh")
    assert shapes.texts({"en": 1}) == ()


def test_a_map_has_names_of_text() -> None:
    assert shapes.mapping({"a": 1}) == {"a": 1}
    assert shapes.mapping({1: "a"}) == {}
    assert shapes.mapping([("a", 1)]) == {}


@pytest.mark.parametrize(
    ("value", "count"),
    [(0, 0), (7.0, 7), (2**53 - 1, 2**53 - 1), (2**53, None), (-1, None), (7.5, None), (True, None), ("7", None)],
)
def test_a_count_is_one_that_every_reader_holds(value: object, count: int | None) -> None:
    assert shapes.whole(value) == count


def test_digests_and_commits_are_whole() -> None:
    assert shapes.digest("AB" * 32) == "ab" * 32
    assert [shapes.digest(value) for value in ("ab" * 31, f"sha256:{'ab' * 32}", "", None, 7)] == [None] * 5
    assert shapes.commit("ab" * 20) == "ab" * 20
    assert [shapes.commit(value) for value in ("main", "ab" * 19, "AB" * 20, "", None, 7)] == [None] * 6


@pytest.mark.parametrize("path", ["a.gguf", "folder/a b.gguf", ".hidden"])
def test_paths_that_stay_inside(path: str) -> None:
    assert shapes.path(path) == path


@pytest.mark.parametrize("path", ["", "/a", "a//b", "../a", "a/./b", "a\\b", "a\n", " a", "e\u0301", 7, None])
def test_paths_that_do_not(path: object) -> None:
    assert shapes.path(path) is None


@pytest.mark.parametrize(
    "value",
    [
        "2025-05-01T08:00:00Z",
        "2025-05-01T08:00:00.9",
        "2025-05-01T16:00:00+08:00",
        1746086400,
        dt.datetime(2025, 5, 1, 8, tzinfo=dt.UTC),
    ],
)
def test_a_moment_is_one_in_utc(value: object) -> None:
    assert shapes.moment(value) == dt.datetime(2025, 5, 1, 8, tzinfo=dt.UTC)


@pytest.mark.parametrize("value", ["May", "", 10**20, True, None, [], "9999-12-31T23:59:59-23:59"])
def test_what_is_no_moment(value: object) -> None:
    assert shapes.moment(value) is None
