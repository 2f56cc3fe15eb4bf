"""Who sees a model, as sets of people: private ⊂ restricted(people) ⊂ organisation(members) ⊂ public.

There is one order, for what may refer to what, for what a change is called and for what may be merged: published is
published, so an audience only grows. Two audiences that cannot be proved comparable count as a narrowing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from galleryctl.gallery import Outline
    from galleryctl.spec import Roles, Visibility

PUBLIC = "public"


class Step(StrEnum):
    """What becomes of an audience from one revision to another."""

    SAME = "same"
    WIDER = "wider"
    NARROWER = "narrower"
    """Somebody who saw the model does not see it any more, or that cannot be ruled out."""


@dataclass(frozen=True, slots=True)
class Audience:
    """A visibility; for a restricted one with the people it lets in."""

    visibility: Visibility
    people: frozenset[str] = frozenset()


class Audiences:
    """The order of audiences. Groups are those of one revision: of base, where two are compared."""

    def __init__(self, roles: Roles, organisation: str | None) -> None:
        self._groups = roles.groups
        self._members = frozenset(roles.groups.get(organisation, ())) if organisation else None

    def of(self, outline: Outline) -> Audience:
        """Who sees a model."""
        if outline.visibility != "restricted":
            return Audience(outline.visibility)
        return Audience("restricted", self._people(outline.allowed))

    def named(self, name: str) -> Audience:
        """Who reads the tree that is published for an audience: `public`, or the name of a group or person."""
        return Audience("public") if name == PUBLIC else Audience("restricted", self._people([name]))

    def _people(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(person for name in names for person in self._groups.get(name, (name,)))

    def includes(self, larger: Audience, smaller: Audience) -> bool:
        """Whether all who belong to the one belong to the other; what cannot be compared does not include."""
        if larger.visibility == "public" or smaller.visibility == "private" or larger == smaller:
            return True
        if smaller.visibility != "restricted":
            return False
        if larger.visibility == "restricted":
            return smaller.people <= larger.people
        return larger.visibility == "organisation" and self._members is not None and smaller.people <= self._members

    def join(self, one: Audience, other: Audience) -> Audience:
        """The least audience that includes both."""
        if self.includes(one, other):
            return one
        if self.includes(other, one):
            return other
        if one.visibility == other.visibility == "restricted":
            return Audience("restricted", one.people | other.people)
        return Audience("public")

    def step(self, before: Audience, after: Audience) -> Step:
        """What it is to go from one to the other."""
        if not self.includes(after, before):
            return Step.NARROWER
        return Step.SAME if self.includes(before, after) else Step.WIDER
