"""OWN, GOV and PRQ: who may do what, and the files that say so. Governance is judged as it is proposed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from galleryctl.checks import near
from galleryctl.checks.identity import data_file, publisher_file
from galleryctl.checks.rule import Finding, Pointer, Rule, World, rule
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from galleryctl.spec import Busy

ACTIONS = frozenset({
    "new", "edit", "release", "deploy", "withdraw", "deprecate", "discontinue", "reinstate", "expire", "renew", "widen",
    "quarantine", "remove", "rename", "transfer", "override", "govern",
})  # fmt: skip
"""The actions a role may cover: the names of the commands, and those that only a review knows."""
_GRAVE = frozenset({"govern", "quarantine", "remove", "rename", "transfer", "override"})
"""What admins and stewards do, and no program may."""
_SCOPE = re.compile(r"\*|type:[a-z0-9-]+|[a-z0-9][a-z0-9._-]*/(?:\*|[a-z0-9][a-z0-9._-]*)")
_WORKFLOWS = "github-actions[bot]"


def unknown_owner(world: World) -> Iterator[Finding]:
    """A maintainer is unknown, or a publisher has nobody.

    Approvals count by account. A name that `roles.yaml` does not know can approve nothing, and a publisher without
    anybody leaves its users alone with its models.

    Bad:

    ```yaml
    # publishers/acme.yaml
    title: Acme
    maintainers: [adda]
    ```

    Good:

    ```yaml
    # publishers/acme.yaml
    title: Acme
    maintainers: [ada]
    ```
    """
    roles = world.context.roles
    known = roles.people.keys() | roles.groups.keys()
    for entry in world.gallery:
        for index, name in enumerate(entry.outline.maintainers):
            if name not in known:
                yield _unknown(world.model_file(entry.outline), ("maintainers", index), name, known)
    covered = _owned(world)
    for publisher, profile in world.context.publishers.items():
        path = publisher_file(world, publisher)
        if not path:
            continue
        for index, name in enumerate(profile.maintainers):
            if name not in known:
                yield _unknown(path, ("maintainers", index), name, known)
        if not any(roles.groups.get(name, (name,)) for name in profile.maintainers) and not covered(publisher):
            fix = f"add `maintainers:`, or grant a role with `edit` for {publisher}/* in roles.yaml"
            yield Finding(path, (), f"nobody maintains publisher {publisher}", fix)


def _unknown(path: str, pointer: Pointer, name: str, known: Iterable[str]) -> Finding:
    close = near.guess(name, known)
    message = f"maintainer {name!r} is not in roles.yaml" + (f"; nearest is {close!r}" if close else "")
    fix = (f"write `{close}`, or " if close else "") + "add the person to roles.yaml in a pull request before this one"
    return Finding(path, pointer, message, fix)


def _owned(world: World) -> Any:  # noqa: ANN401 - a predicate of a publisher's name
    """Whether a grant makes somebody responsible for a publisher."""
    roles = world.context.roles
    scopes = set()
    for grant in roles.grants:
        names = (grant.to,) if isinstance(grant.to, str) else grant.to
        if "edit" in roles.roles.get(grant.role, ()) and any(roles.groups.get(name, (name,)) for name in names):
            scopes.add(grant.scope)
    return lambda publisher: "*" in scopes or f"{publisher}/*" in scopes


class _Roles:
    """`roles.yaml` as proposed: plain data, because what is wrong with it has to be told, not refused."""

    def __init__(self, path: str, data: Mapping[str, Any]) -> None:
        self.path = path
        self.people = _mapping(data.get("people"))
        self.groups = {name: _texts(value) for name, value in _mapping(data.get("groups")).items()}
        self.roles = {name: _texts(value) for name, value in _mapping(data.get("roles")).items()}
        grants = data.get("grants")
        self.grants = [_mapping(grant) for grant in grants] if isinstance(grants, list) else []
        self.quorum = _mapping(data.get("rules")).get("admin_quorum")

    def members(self, grant: Mapping[str, Any]) -> list[str]:
        """People a grant reaches."""
        return [person for name in _texts(grant.get("to")) for person in self.groups.get(name, [name])]

    def actions(self, grant: Mapping[str, Any]) -> set[str]:
        """Actions a grant gives."""
        covered = set(self.roles.get(str(grant.get("role")), []))
        return covered & set(_texts(grant["only"])) if "only" in grant else covered

    def is_bot(self, person: str) -> bool:
        return _mapping(self.people.get(person)).get("kind") == "bot"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value] if isinstance(value, list) else []


def _proposed(world: World) -> _Roles | None:
    path = data_file(world, "roles")
    found = world.documents.get(path)
    return _Roles(path, _mapping(found.data)) if found else None


def untidy_roles(world: World) -> Iterator[Finding]:
    """`roles.yaml` names something unknown, something twice, or out of order.

    The file decides who may do what, so it must be easy to read: names sorted (bots after people), each once, every
    name and action known. An account is known by its number: a login can be given up and taken by somebody else.

    Bad:

    ```yaml
    people:
      bob: {github: {login: bob}}
      ada: {github: {id: 1001, login: ada}}
    groups: {acme: [ada, adda]}
    ```

    Good:

    ```yaml
    people:
      ada: {github: {id: 1001, login: ada}}
      bob: {github: {id: 1002, login: bob}}
    groups: {acme: [ada, bob]}
    ```
    """
    if roles := _proposed(world):
        yield from _people(roles)
        yield from _groups(roles)
        yield from _role_actions(roles)
        yield from _grants(roles)


def _unsorted(path: str, at: Pointer, names: Iterable[Any], what: str) -> Iterator[Finding]:
    """The first name that stands after a greater one."""
    before: Any = None
    for key in names:
        if before is not None and key < before:
            name, other = (part[-1] if isinstance(part, tuple) else part for part in (key, before))
            yield Finding(path, (*at, name), f"{what} {name!r} stands after {other!r}", "sort them", at="key")
            return
        before = key


def _people(roles: _Roles) -> Iterator[Finding]:
    yield from _unsorted(roles.path, ("people",), ((roles.is_bot(name), name) for name in roles.people), "person")
    accounts: dict[int, str] = {}
    for name, person in roles.people.items():
        account = _mapping(_mapping(person).get("github"))
        number = account.get("id")
        if not isinstance(number, int) or isinstance(number, bool):
            message = f"person {name!r} has no numeric account id"
            yield Finding(roles.path, ("people", name), message, "write `github: {id: <number>, login: …}`", at="key")
        elif (owner := accounts.setdefault(number, name)) != name:
            message = f"account {number} of {name!r} is that of {owner!r} already (people.{owner})"
            yield Finding(roles.path, ("people", name, "github", "id"), message, "keep one of them")
        if name in roles.groups:
            message = f"{name!r} is a person and a group"
            yield Finding(roles.path, ("groups", name), message, "give the group another name", at="key")


def _groups(roles: _Roles) -> Iterator[Finding]:
    yield from _unsorted(roles.path, ("groups",), roles.groups, "group")
    for group, members in roles.groups.items():
        at: Pointer = ("groups", group)
        if members != sorted(members):
            message = f"members of group {group!r} are not sorted"
            yield Finding(roles.path, at, message, f"write `[{', '.join(sorted(set(members)))}]`")
        for index, name in enumerate(members):
            if name in members[:index]:
                yield Finding(roles.path, (*at, index), f"{name!r} is in group {group!r} twice", "remove one")
            elif name not in roles.people:
                yield _nobody(roles, (*at, index), name, roles.people)


def _nobody(roles: _Roles, at: Pointer, name: str, known: Iterable[str]) -> Finding:
    close = near.guess(name, known)
    message = f"nobody is called {name!r}" + (f"; nearest is {close!r}" if close else "")
    return Finding(roles.path, at, message, (f"write `{close}`, or " if close else "") + "add the person")


def _role_actions(roles: _Roles) -> Iterator[Finding]:
    for role, actions in roles.roles.items():
        for index, action in enumerate(actions):
            if action not in ACTIONS:
                close = near.guess(action, ACTIONS)
                message = f"unknown action {action!r}" + (f"; nearest is {close!r}" if close else "")
                fix = f"write `{close}`" if close else f"name one of {near.listing(sorted(ACTIONS), len(ACTIONS))}"
                yield Finding(roles.path, ("roles", role, index), message, fix)
            elif action in actions[:index]:
                yield Finding(roles.path, ("roles", role, index), f"action {action!r} stands twice", "remove one")


def _grants(roles: _Roles) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for index, grant in enumerate(roles.grants):
        at: Pointer = ("grants", index)
        role = str(grant.get("role"))
        if role not in roles.roles:
            known = ", ".join(roles.roles) or "none yet"
            yield Finding(roles.path, (*at, "role"), f"unknown role {role!r}", f"name one of `roles` ({known})")
        names = grant.get("to")
        for place, name in enumerate(_texts(names)):
            if name not in roles.people and name not in roles.groups:
                where = (*at, "to") if isinstance(names, str) else (*at, "to", place)
                yield _nobody(roles, where, name, [*roles.people, *roles.groups])
        for place, action in enumerate(_texts(grant.get("only"))):
            if role in roles.roles and action not in roles.roles[role]:
                message = f"role {role!r} does not cover {action!r}"
                fix = f"name some of {near.listing(roles.roles[role])}"
                yield Finding(roles.path, (*at, "only", place), message, fix)
        scope = str(grant.get("scope"))
        if not _SCOPE.fullmatch(scope):
            fix = "write `publisher/name`, `publisher/*`, `type:audio` or `*`"
            yield Finding(roles.path, (*at, "scope"), f"scope {scope!r} covers nothing", fix)
        if (first := seen.setdefault(repr(sorted(grant.items())), index)) != index:
            yield Finding(roles.path, at, f"grant stands twice (grants[{first}])", f"remove grants[{index}]")


def few_admins(world: World) -> Iterator[Finding]:
    """There are too few admins, or a program has their rights.

    Governance needs `admin_quorum` approvals, none of them the author's: with fewer than one admin more than that, one
    departure locks the gallery. A bot with such rights is as safe as the least of its tokens, and every workflow
    acts as `github-actions[bot]`.

    Bad:

    ```yaml
    grants:
      - {role: admin, to: [ada, acme-releases], scope: "*"}
    rules: {admin_quorum: 2}
    ```

    Good:

    ```yaml
    grants:
      - {role: admin, to: [ada, chen, eve], scope: "*"}
    rules: {admin_quorum: 2}
    ```
    """
    if not (roles := _proposed(world)):
        return
    for name, person in roles.people.items():
        if _mapping(_mapping(person).get("github")).get("login") == _WORKFLOWS:
            message = f"{name!r} is {_WORKFLOWS}, the name under which every workflow acts"
            yield Finding(roles.path, ("people", name), message, f"remove {name}", at="key")
    admins: set[str] = set()
    for index, grant in enumerate(roles.grants):
        grave = sorted(roles.actions(grant) & _GRAVE)
        if "govern" in grave and grant.get("scope") == "*":
            admins |= {name for name in roles.members(grant) if name in roles.people and not roles.is_bot(name)}
        for name in roles.members(grant) if grave else ():
            if roles.is_bot(name):
                message = f"bot {name!r} gets {', '.join(grave)} by role {grant.get('role')!r}"
                yield Finding(roles.path, ("grants", index, "to"), message, f"grant it to people, without {name}")
    if isinstance(roles.quorum, int) and len(admins) < roles.quorum + 1:
        message = f"{len(admins)} admins, and a quorum of {roles.quorum} needs {roles.quorum + 1}"
        yield Finding(
            roles.path, ("rules", "admin_quorum"), message, "grant the role to one person more, or lower the quorum"
        )


def wrong_severity(world: World) -> Iterator[Finding]:
    """The policy names an unknown rule, or lowers one that is fixed.

    A slip of the finger would switch nothing off and look as if it did. Rules marked as fixed protect readers and other
    publishers; no policy lowers them, so a line that tries is misleading.

    Bad:

    ```yaml
    severities: {LIC06: error, YML002: off}
    ```

    Good:

    ```yaml
    severities: {LIC006: error}
    ```
    """
    path = data_file(world, "policy")
    found = world.documents.get(path)
    chosen = _mapping(_mapping(found.data).get("severities")) if found else {}
    for code, severity in chosen.items():
        members = _catalogue().get(code)
        if members is None:
            close = near.guess(code, _catalogue())
            fix = f"write `{close}`" if close else "see `galleryctl explain` for all codes"
            yield Finding(path, ("severities", code), f"no rule or group is called {code!r}", fix, at="key")
        elif severity != "error" and (fixed := [name for name, is_fixed in members.items() if is_fixed]):
            if code in fixed:
                message, fix = f"{code} protects others and stays an error", f"remove {code}"
            else:
                others = near.listing([name for name in members if name not in fixed])
                message = f"group {code} has rules that stay errors: {', '.join(fixed)}"
                fix = f"name the codes that are meant: {others}" if others else f"remove {code}"
            yield Finding(path, ("severities", code), message, fix)


@cache
def _catalogue() -> Mapping[str, Mapping[str, bool]]:
    """Codes and groups → the rules they mean, and whether each is fixed."""
    from galleryctl.checks.catalogue import RULES  # noqa: PLC0415 - the catalogue is made of modules, of which this is one

    found: dict[str, dict[str, bool]] = {}
    for code, each in RULES.items():
        found[code] = {code: each.fixed}
        found.setdefault(code[:3], {})[code] = each.fixed
    return found


_DAYS: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def busy_window(world: World) -> Iterator[Finding]:
    """The gallery is in a window in which changes are better not merged.

    Runtimes fetch right after a publication, so policy may name hours or days in which everybody is busy. A window has
    `from` and `until`, either as times of a day in UTC, with `days` where not every day is meant, or as dates, the last
    included.

    Bad:

    ```yaml
    # on a Monday at 10:00
    busy: [{days: [mon], from: "09:00", until: "12:00", reason: Weekly rollout}]
    ```

    Good:

    ```yaml
    # on a Monday at 13:00
    busy: [{days: [mon], from: "09:00", until: "12:00", reason: Weekly rollout}]
    ```
    """
    path = data_file(world, "policy") or "policy.yaml"
    for index, window in enumerate(world.context.policy.busy):
        try:
            end = _busy_until(window, world.context.now.astimezone(dt.UTC))
        except ValueError as error:
            yield Finding(
                path, ("busy", index), f"busy window cannot be read: {error}", 'write `from: "09:00"` or a date'
            )
            continue
        if end is not None:
            reason = f": {window.reason}" if window.reason else ""
            message = f"changes are better not merged until {end}{reason}"
            yield Finding(path, ("busy", index), message, f"wait until {end} has passed, unless it is urgent")


def _busy_until(window: Busy, now: dt.datetime) -> str | None:
    """The end of a window that is open now. A window of hours may pass midnight; it belongs to the day it starts on."""
    start, end = window.start, window.until
    if ":" in start[:5]:
        first, last = dt.time.fromisoformat(start), dt.time.fromisoformat(end)
        late = first > last and now.time() < last
        begun = _DAYS[(now - dt.timedelta(days=late)).weekday()]
        within = first <= now.time() < last or (first > last and (late or now.time() >= first))
        return f"{end} UTC" if within and begun in (window.days or _DAYS) else None
    closing = _moment(end) + dt.timedelta(days=len(end) == len("2026-01-31"))  # a last day counts to its end
    return end if _moment(start) <= now < closing else None


def _moment(text: str) -> dt.datetime:
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


RULES: tuple[Rule, ...] = (
    rule("OWN007", Severity.ERROR, gallery=unknown_owner),
    rule("GOV002", Severity.ERROR, gallery=untidy_roles, fixed=True),
    rule("GOV003", Severity.ERROR, gallery=few_admins, fixed=True),
    rule("GOV006", Severity.ERROR, gallery=wrong_severity, fixed=True),
    rule("PRQ005", Severity.WARN, gallery=busy_window),
)
