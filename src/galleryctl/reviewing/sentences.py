"""What verdicts say in words, as Markdown: roles, approvals, lanes, waiting times."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from galleryctl.policy.saying import moment
from galleryctl.problems import Severity
from galleryctl.reviewing.markdown import code, prose

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from galleryctl.policy import Need, Verdict

ROLES = {
    "owner": "an owner",
    "reviewer": "a reviewer",
    "steward": "a steward",
    "clearance": "clearance",
    "admin": "an admin",
    "consumer": "the owner of a service that uses it",
    "maintainer": "the maintainer to be",
}
_NUMBERS = ("no", "one", "two", "three", "four", "five")
_RISKS = {
    "visibility": "more people would see it",
    "licence": "a licence changes",
    "source-host": "files come from somewhere new",
    "owners": "somebody else may act for it",
    "removal": "something goes for good",
}
_REASONS = 3
_MINUTE = 60


def need(wanted: Need, most: int) -> str:
    """One line about approvals: those that are there, and those that are missing."""
    what = f"{code(wanted.action, 60)} of {code(wanted.subject, 120)}"
    given = f"✓ {', '.join(prose(name, 60) for name in wanted.given[:most])}" if wanted.given else ""
    if not wanted.missing:
        return f"{given}: {what}"
    count = _NUMBERS[wanted.missing] if wanted.missing < len(_NUMBERS) else str(wanted.missing)
    others = [name for name in wanted.of if name not in wanted.given]
    names = ", ".join(prose(name, 60) for name in others[:most])
    if len(others) > most:
        names += f" or {len(others) - most} more"
    who = f"{ROLES[wanted.role]}: {names}" if names else f"{ROLES[wanted.role]}, and there is nobody who may"
    more = " more" if wanted.given else ""
    return f"{given + '; ' if given else ''}{count}{more} of {who} · {what}"


def by_hand(verdict: Verdict, width: int) -> str:
    """Why it is not merged by itself: what keeps it out of the fastest lane that comes into question."""
    first = verdict.passed_over[0].lane if verdict.passed_over else ""
    reasons = [prose(each.reason, width) for each in verdict.passed_over if each.lane == first]
    if reasons:
        return f"{code(first)} does not take it, since {'; '.join(reasons[:_REASONS])}"
    risks = [_RISKS.get(risk, risk) for risk in verdict.risks]
    severities = {problem.severity for problem in verdict.problems}
    if Severity.ERROR in severities:
        risks.append("there is something to fix")
    elif Severity.WARN in severities:
        risks.append("there are warnings")
    return "; ".join(risks) or "it changes more than an automatic lane takes"


def waiting(until: dt.datetime, now: dt.datetime) -> str:
    """`in 8 minutes, at 2026-11-21 15:12 UTC`."""
    left = (until - now).total_seconds()
    return f"in {span(left)}, at {moment(until)}" if left > 0 else f"since {moment(until)}"


def span(seconds: float) -> str:
    """`8 minutes`, `5 hours`, `3 days`: the largest unit of which there are two, rounded up."""
    return _span(math.ceil(seconds / _MINUTE), math.ceil)


def age(seconds: float) -> str:
    """The same of what has passed, rounded down."""
    return _span(int(seconds // _MINUTE), math.floor)


def _span(minutes: int, rounded: Callable[[float], int]) -> str:
    for unit, name in ((24 * 60, "day"), (60, "hour")):
        if minutes >= 2 * unit:
            return f"{rounded(minutes / unit)} {name}s"
    return "a minute" if minutes <= 1 else f"{minutes} minutes"
