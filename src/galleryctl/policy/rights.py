"""Who may do what, where: grants, groups and maintainers as they stand in base.

Owners of a model are those of `owner` grants, the maintainers of its publisher and its own. A grant may be narrowed to
actions, visibilities, types and editions. Programs may act, and never approve; what every workflow acts as may nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from galleryctl.checks.rule import World
    from galleryctl.spec import Grant
    from galleryctl.spec.review import Login

OWNER = "owner"
WORKFLOWS = "github-actions[bot]"
_OWNERS_DO = ("edit", "release", "deploy", "withdraw", "deprecate", "discontinue", "reinstate", "expire", "renew")
_OF_PUBLIC_MODELS = ("new", "edit", "release", "remove", "expire", "renew")
"""Who holds one of these for public models may act on private ones."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an action acts on: a model, a publisher where there is no name, or the whole gallery."""

    publisher: str = ""
    name: str = ""
    type: str = ""
    visibility: str = ""
    edition: str = ""
    maintainers: tuple[str, ...] = ()
    """Of `model.yaml` in base."""

    def __str__(self) -> str:
        return f"{self.publisher}/{self.name}" if self.name else self.publisher


class Right(NamedTuple):
    """That somebody may do something, and why."""

    person: str
    role: str
    """The role of the grant; `owner` for maintainers."""
    why: str
    """`maintains publisher acme`, `role reviewer for *, in group legal`."""


class Rights:
    """The rights that one revision gives."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._roles = world.context.roles
        self._of_owners = frozenset(self._roles.roles.get(OWNER, _OWNERS_DO))
        self._people = {person.github.id: name for name, person in self._roles.people.items()}

    def person(self, login: Login) -> str | None:
        """The person that an account is, by its number; none for strangers, and for what all workflows act as.

        Deleted accounts share the number 0, whatever `roles.yaml` says of it.
        """
        return None if login.login.lower() == WORKFLOWS or not login.id else self._people.get(login.id)

    def is_bot(self, person: str) -> bool:
        known = self._roles.people.get(person)
        return known is None or known.kind == "bot" or known.github.login.lower() == WORKFLOWS

    def people(self, names: Iterable[str]) -> frozenset[str]:
        """Groups as their members; who is no key of `people` is left out."""
        members = (person for name in names for person in self._roles.groups.get(name, (name,)))
        return frozenset(person for person in members if person in self._roles.people)

    def target(self, identifier: str, *, type_: str = "", visibility: str = "", edition: str = "") -> Target:
        """A model as an action meets it. Facts that are not given, and its maintainers, are those of base."""
        publisher, _, name = identifier.partition("/")
        entry = self._world.gallery.by_id.get(identifier)
        if entry is None:
            return Target(publisher, name, type_, visibility or "public", edition or "community")
        known = entry.outline
        return Target(
            publisher,
            name,
            type_ or known.type,
            visibility or known.visibility,
            edition or known.edition,
            known.maintainers,
        )

    def of(self, action: str, target: Target) -> tuple[Right, ...]:
        """Everybody who may do something there, programs as well, each with every reason; sorted."""
        granted, owning = self._granted(action, target), self._owning(action, target)
        return tuple(sorted({*granted, *owning, *self._private(action, target)}))

    def who(self, action: str, target: Target) -> frozenset[str]:
        """People who may do something there, and so approve it."""
        return self._persons(right.person for right in self.of(action, target))

    def may(self, person: str | None, action: str, target: Target) -> bool:
        """Whether somebody, a program as well, may do something there."""
        return any(right.person == person for right in self.of(action, target))

    def acting(self, action: str, target: Target) -> frozenset[str]:
        """Owners as far as the action goes, programs as well; of a private model also holders of public rights."""
        owning = (right for right in self.of(action, target) if right.role == OWNER)
        return frozenset(right.person for right in (*owning, *self._private(action, target)))

    def owners(self, target: Target) -> frozenset[str]:
        """People who own it as a whole, not for some actions alone."""
        grants = (grant for grant in self._roles.grants if grant.role == OWNER and grant.only is None)
        granted = (person for grant in grants if _covers(grant, target) for person in self.people(_names(grant)))
        return self._persons((*granted, *(right.person for right in self._maintaining(target))))

    def has_role(self, person: str, targets: Iterable[Target]) -> bool:
        """Whether somebody has any right at one of these."""
        actions = {action for covered in self._roles.roles.values() for action in covered} | self._of_owners
        return any(self.may(person, action, target) for target in targets for action in actions)

    def _persons(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(name for name in names if not self.is_bot(name))

    def _granted(self, action: str, target: Target) -> Iterator[Right]:
        for grant in self._roles.grants:
            covered = self._roles.roles.get(grant.role, ())
            if action not in covered or (grant.only is not None and action not in grant.only):
                continue
            if _covers(grant, target):
                for person, group in self._reached(_names(grant)):
                    yield Right(person, grant.role, f"role {grant.role} for {grant.scope}{_limits(grant)}{group}")

    def _owning(self, action: str, target: Target) -> Iterator[Right]:
        if action in self._of_owners:
            yield from self._maintaining(target)

    def _maintaining(self, target: Target) -> Iterator[Right]:
        publisher = self._world.context.publishers.get(target.publisher)
        for person, group in self._reached(publisher.maintainers if publisher else ()):
            yield Right(person, OWNER, f"maintains publisher {target.publisher}{group}")
        for person, group in self._reached(target.maintainers):
            yield Right(person, OWNER, f"maintains {target}{group}")

    def _private(self, action: str, target: Target) -> Iterator[Right]:
        if target.visibility == "private" and target.name and (action in self._of_owners or action == "remove"):
            public = replace(target, visibility="public")
            for each in _OF_PUBLIC_MODELS:
                for right in self._granted(each, public):
                    yield right._replace(why=f"{right.why}, which covers private models")

    def _reached(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        for name in names:
            group = f", in group {name}" if name in self._roles.groups else ""
            for person in sorted(self.people([name])):
                yield person, group


def _names(grant: Grant) -> tuple[str, ...]:
    return (grant.to,) if isinstance(grant.to, str) else grant.to


def _covers(grant: Grant, target: Target) -> bool:
    limits = ((grant.visibility, target.visibility), (grant.types, target.type), (grant.edition, target.edition))
    if any(limit is not None and value not in limit for limit, value in limits):
        return False
    if grant.scope == "*":
        return True
    if grant.scope.startswith("type:"):
        return bool(target.type) and grant.scope == f"type:{target.type}"
    publisher, _, name = grant.scope.partition("/")
    return bool(publisher) and publisher == target.publisher and name in {"*", target.name or None}


def _limits(grant: Grant) -> str:
    parts = [f"{word} {', '.join(values)}" for word, values in _limited(grant) if values is not None]
    return f" ({'; '.join(parts)} only)" if parts else ""


def _limited(grant: Grant) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    yield "actions", grant.only
    yield "visibility", grant.visibility
    yield "types", grant.types
    yield "edition", grant.edition
