"""What is drawn from figures: covers from ids, rulers from sizes."""

from __future__ import annotations

import pytest

from galleryctl.memory import Build
from galleryctl.site import covers, fit


def test_covers_are_drawn_from_the_id() -> None:
    assert covers.ink("deepreinforce") == 3
    first = "M11.9 6h3v4.4h-3zM6.6 12.3h3v4.4h-3zM17.2 12.3h3v4.4h-3zM22.5 12.3h3v4.4h-3zM27.8 12.3h3v4.4h-3z"
    assert covers.holes("deepreinforce/ornith-1.0", 0).startswith(first)
    assert covers.holes("a/b", 1) != covers.holes("a/c", 1)


@pytest.mark.parametrize(
    ("builds", "state", "label"),
    [
        ([Build("4B", 4.0, 0), Build("8B", 8.0, 0), Build("70B", 70.0, 0)], "yes", "8B"),
        ([Build("23B", 22.0, 0), Build("70B", 70.0, 0)], "tight", "23B"),
        ([Build("70B", 70.0, 0), Build("60B", 60.0, 0)], "no", "60B"),
        ([Build("16B", 16.0, 1024.0)], "no", "16B"),  # the cache of 8K is 8 GiB
    ],
)
def test_the_ruler_chooses_the_largest_that_fits(builds: list[Build], state: str, label: str) -> None:
    ruler = fit.ruler(builds)
    assert ruler is not None
    assert (ruler.state, ruler.label) == (state, label)


def test_the_axis() -> None:
    assert [fit.along(gib) for gib in (0.1, 0.5, 1, 24, 1024, 9999)] == [0, 0, 91, 508, 1000, 1000]
    assert fit.ruler([]) is None
