"""How long is waited between two synchronisations."""

from __future__ import annotations

import pytest

from galleryctl.client.watching import pause


@pytest.mark.parametrize(
    ("interval", "failures", "seconds"),
    [
        (900, 0, 900),
        (900, 1, 1800),
        (900, 2, 3600),
        (900, 3, 3600),
        (900, 10**6, 3600),
        (1, 0, 1),
        (1, 11, 2048),
        (86400, 0, 86400),
        (86400, 5, 86400),
    ],
)
def test_a_host_that_fails_is_asked_less_and_less_often(interval: float, failures: int, seconds: float) -> None:
    assert pause(interval, failures, 0.5) == seconds


def test_many_that_began_together_drift_apart() -> None:
    found = [pause(100, 0, chance) for chance in (0.0, 0.25, 1.0)]
    assert found == pytest.approx([90, 95, 110])
