"""Doing the same again and again: how long to wait in between. Pure."""

from __future__ import annotations

_SPREAD = 0.1
"""Part of a pause by which it is longer or shorter, so that many who began together do not stay together."""
_LONGEST = 3600.0
"""Seconds after which a host that fails is asked again, unless the interval itself is longer."""


def pause(interval: float, failures: int, chance: float) -> float:
    """Seconds until the next attempt; `chance` is a random number from 0 to 1.

    A host that fails is asked less and less often: after each failure twice the pause, up to an hour.
    """
    longest = max(interval, _LONGEST)
    wait = min(interval * 2.0 ** min(failures, 32), longest)
    return wait * (1 - _SPREAD + 2 * _SPREAD * chance)
