"""What a forge recorded, from a file: for verdicts without a forge, in tests of a policy, and on one's own machine.

The file is JSON: a list of reviews, or an object with `reviews`, `remarks`, `pusher`, `since`, `opened` and `draft`. An
account is its number, or an object as the forge has it; a login is looked up among those of base, for convenience.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from galleryctl import canonical
from galleryctl.errors import UsageError
from galleryctl.spec.review import Login, Pull

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from galleryctl.spec import Roles

_UNKNOWN = 10**15
"""Strangers who are known by login alone get numbers beyond those of any forge, each login its own."""
_PLAIN = ("remarks", "since", "opened", "draft")


def account(word: str, roles: Roles) -> Login:
    """A number, or a login; the latter is no proof of anything, since logins are given up and taken."""
    if word.isdecimal():
        logins = (person.github.login for person in roles.people.values() if person.github.id == int(word))
        login = next(logins, word)
        return Login(id=int(word), login=login, bot=_program(login))
    for person in roles.people.values():
        if person.github.login.lower() == word.lower():
            return Login(id=person.github.id, login=word, bot=_program(word))
    return Login(id=_UNKNOWN + zlib.crc32(word.lower().encode()), login=word, bot=_program(word))


def _program(login: str) -> bool:
    return login.endswith("[bot]")


def pull(
    text: str, author: Login, roles: Roles, *, now: dt.datetime, resolve: Callable[[str], str], place: str = "approvals"
) -> Pull:
    """What the file says about a pull request of `author`. A commit may be any revision; `at` is now unless given.

    Raises `UsageError` where it says something else.
    """
    try:
        told = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{place} is no JSON: {error}") from None
    facts = {"reviews": told} if isinstance(told, list) else told
    if not isinstance(facts, dict) or (unknown := facts.keys() - {"author", "pusher", "reviews", *_PLAIN}):
        named = f", not {', '.join(sorted(unknown))}" if isinstance(facts, dict) else ""
        raise UsageError(f"{place} is a list of reviews, or an object with {', '.join(('reviews', *_PLAIN))}{named}")
    moment = canonical.moment(now)
    try:
        reviews = [_said(each, roles, {"state": "approved", "at": moment}) for each in facts.get("reviews", ())]
        for review in reviews:
            review["commit"] = resolve(str(review["commit"]))
        value = {name: facts[name] for name in _PLAIN if name in facts}
        value |= {"author": author.model_dump(), "reviews": reviews}
        value["remarks"] = [_said(each, roles, {"at": moment}) for each in facts.get("remarks", ())]
        if facts.get("pusher") is not None:
            value["pusher"] = _login(facts["pusher"], roles)
        return Pull.model_validate_json(json.dumps(value), strict=True, extra="forbid")
    except KeyError as error:
        raise UsageError(f"{place}: {error} is missing; every review names by whom it is, and its commit") from None
    except (TypeError, ValueError) as error:
        raise UsageError(f"{place}: {_first(error)}") from None


def _said(value: Any, roles: Roles, usual: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    if not isinstance(value, dict):
        raise TypeError(f"a review is an object with by, state and commit, not {value!r}")
    return {**usual, **value, "by": _login(value["by"], roles)}


def _login(value: Any, roles: Roles) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return dict(value) if isinstance(value, dict) else account(str(value), roles).model_dump()


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        told = error.errors()[0]
        return f"{'.'.join(map(str, told['loc']))}: {told['msg']}"
    return str(error)
