"""The text below each field of a type."""

from __future__ import annotations

from galleryctl.spec import Policy, told
from galleryctl.spec.base import Frozen


class Above(Frozen):
    one: int = 1
    """The first."""
    two: int = 2
    three: int = 3
    """
    The third,
    of three.
    """


class Below(Above):
    two: int = 2
    """The second."""
    three: int = 3
    """Another."""


def test_is_that_of_the_source_and_inherited() -> None:
    assert told.fields(Above) == {"one": "The first.", "three": "The third,\nof three."}
    assert told.fields(Below) == {"one": "The first.", "two": "The second.", "three": "Another."}


def test_types_of_files_have_them() -> None:
    assert told.fields(Policy)["limits"] == "How large things may be."
