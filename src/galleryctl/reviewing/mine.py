"""Which models are somebody's: those they own, by the roles of the registry, and those they brought."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from galleryctl.errors import UsageError
from galleryctl.policy.rights import OWNER, Rights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.checks.rule import World
    from galleryctl.gallery import Entry, Outline
    from galleryctl.spec import Roles

_NOREPLY = re.compile(r"(?P<id>\d+)\+[^@]+@users\.noreply\.github\.com", re.IGNORECASE)
_ACTIONS = ("edit", "release", "expire", "withdraw")
"""Any of these makes an owner, also where a grant is for some actions only."""


class Somebody(NamedTuple):
    """Who is asked for."""

    name: str
    """Key of `people` in `roles.yaml`; empty for who is not there."""
    author: str
    """Name in commits; empty where nobody knows."""
    how: str
    """How that is known: a sentence."""


class Mine(NamedTuple):
    """A model and why it is somebody's."""

    entry: Entry
    why: tuple[str, ...]


def somebody(roles: Roles, given: str, name: str, email: str) -> Somebody:
    """Who is meant: `given` is a name of `roles.yaml`, a login or an account's number; else git's name and address are.

    `UsageError` where nobody is called so, or nothing is known at all.
    """
    logins = {person.github.login.casefold(): key for key, person in roles.people.items()}
    numbers = {str(person.github.id): key for key, person in roles.people.items()}
    if given:
        key = given if given in roles.people else logins.get(given.casefold()) or numbers.get(given)
        if key is None:
            raise UsageError(
                f"{given} is neither a name, nor a login, nor an account's number in roles.yaml; there are: "
                f"{', '.join(sorted(roles.people)) or 'none yet'}"
            )
        return Somebody(key, _same(key, name, email), f"You asked for {key} of roles.yaml.")
    if not name and not email:
        raise UsageError(
            "git does not know your name, so nobody knows who you are: add --as NAME, a name of roles.yaml"
        )
    if (match := _NOREPLY.fullmatch(email)) and (key := numbers.get(match["id"])):
        return Somebody(key, name, f"You are {key} of roles.yaml: git's user.email has the number of that account.")
    for word, where in ((name, "user.name"), (email.partition("@")[0], "user.email")):
        key = next((key for key in roles.people if key.casefold() == word.casefold()), logins.get(word.casefold()))
        if key:
            said = f"You are {key} of roles.yaml: git's {where} is {name if where == 'user.name' else email}."
            return Somebody(key, name, f"{said} If not, add --as NAME.")
    who = f"{name} <{email}>"
    return Somebody("", name, f"Git calls you {who}, whom roles.yaml does not know: only models you brought are shown.")


def _same(key: str, name: str, email: str) -> str:
    """Git's name where git is told to be the same person."""
    return name if key.casefold() in {name.casefold(), email.partition("@")[0].casefold()} else key


def models(world: World, who: Somebody) -> Iterator[Mine]:
    """Their models, newest first, each with every reason."""
    rights = Rights(world)
    for entry in world.gallery.newest:
        why = [*_owned(rights, entry.outline, who.name)] if who.name else []
        by = entry.outline.by or ""
        if by and by.casefold() in {who.author.casefold(), who.name.casefold()}:
            why.append("added it")
        if why:
            yield Mine(entry, tuple(dict.fromkeys(why)))


def _owned(rights: Rights, outline: Outline, name: str) -> Iterator[str]:
    target = rights.target(outline.id)
    for action in _ACTIONS:
        yield from (right.why for right in rights.of(action, target) if right.person == name and right.role == OWNER)
