"""Verified documents as values: read, or refused with a reason on one line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.client import DamagedError, SchemaError, documents
from galleryctl.spec.published import DirectoryEntry, Revoked


@given(st.binary(max_size=40))
def test_any_bytes_are_an_object_or_damaged(data: bytes) -> None:
    try:
        assert isinstance(documents.parsed(data, "it"), dict)
    except DamagedError as error:
        assert str(error).startswith("it: ")  # noqa: PT017 - either is right


@pytest.mark.parametrize(
    ("text", "known"),
    [("a/b", True), ("a", False), ("a/b/c", False), ("../b", False), ("a/..", False), ("A/b", False), ("a/b\n", False),
     ("a/b..c", False), ("a/b.", False),
     ("a/" + "b" * 96, True), ("a/" + "b" * 97, False), (7, False), (None, False)],
)  # fmt: skip
def test_identifiers(text: object, known: bool) -> None:
    assert documents.identifier(text) is known


def test_any_minor_of_the_schema_is_read() -> None:
    for said in ("1.0", "1.9", "1.100"):
        documents.readable({"schema": said}, "it")
    with pytest.raises(SchemaError, match=r"^it: has the schema 2\.0, and this client knows 1\.x: update galleryctl"):
        documents.readable({"schema": "2.0"}, "it")
    with pytest.raises(SchemaError, match="says schema None where a version such as"):
        documents.readable({}, "it")


def test_a_head_for_later_readers_is_refused() -> None:
    for head in ({}, {"reader": "1.0"}, {"reader": "0.9"}):
        documents.admitted(head, "it")
    for later in ("1.1", "2.0", "1.10"):
        said = rf"^it: is for readers that know the schema {later}, and this client knows 1\.0: update galleryctl"
        with pytest.raises(SchemaError, match=said):
            documents.admitted({"reader": later}, "it")
    with pytest.raises(SchemaError, match="says reader 7 where a version such as"):
        documents.admitted({"reader": 7}, "it")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"revoked": [{}]}, "it: cannot be read: revoked.0.id: Field required"),
        ([], "it: cannot be read: the document: "),
        ({"revoked": [{"id": "a/b", "releases": [], "since": "\x1b[2J"}]}, "it: cannot be read: revoked.0.since: "),
    ],
)
def test_what_cannot_be_read_is_told_on_one_line(raw: Any, says: str) -> None:  # noqa: ANN401 - JSON
    with pytest.raises(DamagedError) as raised:
        documents.model(Revoked, raw, "it", step="catalog")
    assert str(raised.value).startswith(says)
    assert str(raised.value).isprintable()
    assert raised.value.step == "catalog"


def test_a_value() -> None:
    raw = {"type": "llm", "sha256": "0" * 64, "length": 3, "later": {"of": 1}}
    assert documents.model(DirectoryEntry, raw, "it").length == 3
