"""What a verdict says. Values only: who judges and how stands beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import datetime as dt

    from galleryctl.changes import Change
    from galleryctl.problems import Problem
    from galleryctl.spec.review import Lane, State, Turn

Role = Literal["owner", "reviewer", "steward", "clearance", "admin", "consumer", "maintainer"]
"""Why somebody is asked: by a role, as the owner of a service that pins the model, or as a maintainer to be."""


@dataclass(frozen=True, slots=True)
class Need:
    """Approvals that a pull request needs, and those it has."""

    role: Role
    action: str
    """The action that has to be approved, in the words of `roles.yaml`: `edit`, `widen`, `remove`, …; `maintain` where
    somebody has to agree to become a maintainer."""
    subject: str
    """Id of the model, name of the publisher, or path."""
    of: tuple[str, ...]
    """People who may give it, by their name in `roles.yaml`, sorted. Empty: nobody can."""
    count: int = 1
    """How many of them have to."""
    given: tuple[str, ...] = ()
    """Those who have, with approvals that count."""

    @property
    def missing(self) -> int:
        """How many are still to come."""
        return max(0, self.count - len(self.given))


@dataclass(frozen=True, slots=True)
class Override:
    """A rule that somebody with the right to set aside did set aside."""

    code: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A faster lane that takes some of the changes, and one reason why it does not take the pull request."""

    lane: Lane
    reason: str
    """A sentence without its full stop."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What policy says about the changes of one pull request, for one head, at one time."""

    state: State
    lane: Lane
    turn: Turn
    waiting_on: tuple[str, ...]
    """People of `roles.yaml` whose turn it is, sorted; empty where it is the author's, a clock's or ours."""
    why: str
    """One sentence: whose turn it is, and what for. It stays the same while nothing happens."""
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    """Everything found, sorted; errors that were set aside are warnings here."""
    approvals: tuple[Need, ...]
    """All that are needed, also those that are there."""
    earliest: dt.datetime | None
    """When it may be merged at the earliest, once nothing else is missing; none where no clock runs."""
    kinds: tuple[str, ...]
    """new, release, text, lifecycle, publisher, governance: what it does, sorted."""
    risks: tuple[str, ...]
    """visibility, licence, source-host, owners, removal: what deserves a second look, sorted."""
    overrides: tuple[Override, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    """Faster lanes, and why it is in none of them."""
