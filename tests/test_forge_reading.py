"""JSON of a forge, as values: what is no answer is an error, and texts of strangers are harmless."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.forge import ForgeError, reading
from galleryctl.forge.labels import colour, owned

if TYPE_CHECKING:
    from collections.abc import Callable

COMMIT = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
USER = {"id": 1001, "login": "ada", "type": "User"}
PULL: dict[str, Any] = {
    "number": 7, "title": "Add", "html_url": "https://forge.example/7", "user": USER, "state": "open", "body": None,
    "head": {"sha": COMMIT, "ref": "change", "repo": {"full_name": "acme/gallery"}}, "base": {"ref": "main"},
    "labels": [{"name": "kind/new", "description": None}], "created_at": "2026-01-02T03:04:05Z",
    "updated_at": "2026-01-02T05:04:05+02:00", "draft": True, "merged_at": None,
}  # fmt: skip


def test_a_pull_request() -> None:
    found = reading.pull(PULL)
    assert (found.number, found.head, found.repository, found.labels) == (7, COMMIT, "acme/gallery", ("kind/new",))
    assert (found.draft, found.merged, found.body) == (True, False, "")
    assert found.opened == dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC) == found.updated


@pytest.mark.parametrize(
    "change",
    [
        {"number": "7"}, {"number": True}, {"number": -7}, {"number": None}, {"title": None}, {"title": ["Add"]},
        {"user": {"id": "1001", "login": "ada"}}, {"user": {"id": 1001}}, {"user": "ada"}, {"head": None},
        {"head": {"sha": "main", "ref": "x", "repo": None}}, {"head": {"sha": COMMIT.upper(), "ref": "x"}},
        {"head": {"sha": f"{COMMIT}\n", "ref": "x"}}, {"head": {"sha": COMMIT, "ref": 1}},
        {"head": {"sha": COMMIT, "ref": "x", "repo": {"name": "gallery"}}}, {"base": {}}, {"state": None},
        {"created_at": "yesterday"}, {"updated_at": None}, {"labels": [{"name": 1}]}, {"labels": ["kind/new"]},
        {"body": 1},
    ],
    ids=str,
)  # fmt: skip
def test_what_makes_no_sense_is_told(change: dict[str, Any]) -> None:
    with pytest.raises(ForgeError, match="makes no sense"):
        reading.pull({**PULL, **change})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(PULL)), inner, max_size=6),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "read", [reading.pull, reading.review, reading.note, reading.mark, reading.label, reading.login]
)
@given(answer=JSON)
def test_any_json_is_read_or_refused(read: Callable[[Any], object], answer: Any) -> None:  # noqa: ANN401 - any JSON
    try:
        read(answer)
    except ForgeError as error:
        assert len(str(error)) < 200  # noqa: PT017 - most of it is refused, some is not


@given(st.text())
def test_lines_are_one_line_of_what_is_seen(text: str) -> None:
    found = reading.line(text)
    assert len(found) <= 300
    assert found == found.strip()
    assert not {letter for letter in found if not letter.isprintable()} - {"\u200c", "\u200d"}
    assert reading.line(found) == found


@given(st.text())
def test_prose_keeps_lines_and_nothing_that_steers(text: str) -> None:
    found = reading.prose(text)
    assert "\r" not in found
    assert not set(found) & {"\x1b", "\x00", "\u202e", "\u2066", "\ufeff", "\u2028"}
    assert reading.prose(found) == found


def test_labels_of_this_program() -> None:
    assert all(map(owned, ["kind/new", "lane/manual", "turn/us", "risk/licence", "fail/IMM002", "stale"]))
    assert not any(map(owned, ["kind", "help wanted", "turning", "staled", "Kind/new", "x/kind/new"]))
    assert len({colour(name) for name in ("kind/a", "lane/a", "turn/a", "risk/a", "fail/a", "stale")}) == 6
