"""Which approvals the acts of a pull request need, and which of them it has."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from galleryctl import layout, spec
from galleryctl.changes import Change, Kind
from galleryctl.checks import undoing
from galleryctl.checks.pairs import Pair
from galleryctl.policy.actions import CONSENT, LIFT, Act, claims, of_group, unexplained, word
from galleryctl.policy.approvals import Approvals, matched
from galleryctl.policy.base import Need, Role
from galleryctl.policy.rights import Rights, Target

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

    from galleryctl.checks.rule import Comparison
    from galleryctl.spec import Roles
    from galleryctl.spec.governance import Asked

_ORDER: tuple[Role, ...] = ("maintainer", "owner", "consumer", "reviewer", "clearance", "steward", "admin")
_BY_ROLE = {"reviewer": "new", "clearance": "widen", "admin": "govern"}
"""The action that makes somebody one of these, where a rule asks for a role."""
_STEWARDS_DO = frozenset({"quarantine", "transfer", "rename"})


@dataclass(frozen=True)
class Case:
    """What is known beside the acts."""

    comparison: Comparison
    rights: Rights
    author: str | None
    """The person who opened it; none for strangers."""
    excluded: frozenset[str]
    """People whose approval never counts here: the author and the last pusher."""
    alone: bool
    """Whether nobody but the author pushed, so that proposing counts as agreeing."""
    late: bool
    """Whether owners had so long to answer that a reviewer may act for those who did not."""
    spoken: frozenset[str]
    """People who said something about it."""
    now: dt.datetime


@dataclass(frozen=True)
class Ask:
    """Approvals that are asked for; of a group of them, each has to come from somebody else."""

    role: Role
    action: str
    subject: str
    of: frozenset[str]
    count: int = 1
    author: str = ""
    """The author, where proposing it is agreeing to it."""
    group: str = ""


def needed(acts: Sequence[Act], case: Case, approvals: Approvals, *, manual: bool) -> tuple[Need, ...]:
    """All that is needed: consents in every lane, approvals where a lane asks for a review."""
    asks = list(_consents(acts, case)) if case.comparison.base.context.roles.rules.maintainer_consent else []
    if manual:
        lifted: set[str] = set()
        for act in acts:
            if act.action != LIFT or act.subject not in lifted:
                asks.extend(_asks(act, case))
            lifted |= {act.subject} if act.action == LIFT else set()
        asks.extend(_removals(acts, case))
        asks.extend(_governance(acts, case))
        asks.extend(_shrunk(case))
        asks.extend(_unsaid(acts, case))
        if not asks and not (acts and all(_unreviewed(act, case) for act in acts)):
            asks.append(Ask("reviewer", "edit", case.comparison.name, case.rights.who("edit", Target())))
    return _filled(_distinct(asks), case, approvals)


def _asks(act: Act, case: Case) -> Iterator[Ask]:
    match act.action:
        case "new":
            yield from _new(act, case)
        case "widen":
            yield Ask("clearance", "widen", act.subject, case.rights.who("widen", act.target))
            yield from _agreed(act, case)
        case "govern" | "remove":
            pass  # asked for once, for all of them
        case "release" | "edit" if not act.target.publisher:
            yield from _elsewhere(act, case)
        case action if action == LIFT:
            roles = case.comparison.base.context.roles.rules.lift_quarantine
            yield from _by_roles(roles, act, case, asks_for="quarantine")
        case action if action in _STEWARDS_DO:
            yield Ask("steward", action, act.subject, case.rights.who(action, act.target))
            if action != "quarantine":
                yield from _agreed(act, case)
        case _:
            yield _owned(act, case)


def _new(act: Act, case: Case) -> Iterator[Ask]:
    """A registration: by its owner, with the right to it, or with a review. A private one needs none."""
    rights, target = case.rights, act.target
    if act.change.kind is Kind.PUBLISHER_ADDED:
        roles = [role for role in case.comparison.base.context.roles.rules.new_publisher if role != "proof"]
        yield from _by_roles(roles, act, case, asks_for="new")
        return
    if _unreviewed(act, case):
        return
    holders = rights.who("new", target)
    yield Ask("reviewer", "new", act.subject, holders)
    owners = rights.owners(replace(target, name=""))
    if act.change.kind is not Kind.MODEL_ADDED:  # a model that is there gets another edition
        yield from _agreed(act, case)
    elif owners and case.author not in owners | holders:
        yield Ask("owner", "new", act.subject, owners)
    private = case.comparison.base.context.policy.repository == "private"
    if private and act.change.kind is Kind.MODEL_ADDED and case.author not in holders:
        yield Ask("clearance", "widen", act.subject, rights.who("widen", target))


def _unreviewed(act: Act, case: Case) -> bool:
    """Whether it is a private model where privacy means something: that is published to nobody."""
    private = case.comparison.base.context.policy.repository == "private"
    hidden = act.change.kind is Kind.MODEL_ADDED and act.target.visibility == "private"
    return private and hidden and not claims(act, case.comparison)


def _agreed(act: Act, case: Case) -> Iterator[Ask]:
    """The owners' part in what others decide: nothing is done to a model that none of them wanted."""
    owners = case.rights.owners(act.target)
    if owners:
        author = case.author if case.alone and case.author in owners else None
        yield Ask("owner", act.action, act.subject, owners, author=author or "")


def _owned(act: Act, case: Case) -> Ask:
    """What owners decide: another of them where one proposes it; one of them where a stranger does."""
    acting = _people(case.rights.acting(act.action, act.target), case.rights)
    holders = case.rights.who(act.action, act.target)
    count = 1 + (act.action == "discontinue" and highest(act.change, case.comparison))
    if not acting:
        return Ask("reviewer", act.action, act.subject, holders, count)
    if case.author in case.rights.acting(act.action, act.target):
        role: Role = "owner" if acting - case.excluded else "reviewer"
        return Ask(role, act.action, act.subject, holders, count)
    if case.late and not acting & case.spoken:
        acting |= holders | case.rights.who("new", act.target)
    return Ask("owner", act.action, act.subject, acting, count)


def _people(names: Iterable[str], rights: Rights) -> frozenset[str]:
    return frozenset(name for name in names if not rights.is_bot(name))


def highest(change: Change, comparison: Comparison) -> bool:
    """Whether the highest active release of a model is discontinued (LIF008)."""
    if change.kind is not Kind.RELEASE_STATUS_CHANGED or change.after != "discontinued":
        return False
    entry = comparison.base.gallery.by_id.get(change.subject)
    states = entry.outline.releases if entry else {}
    active = [version for version, state in states.items() if state == "active"]
    return bool(active) and change.version == max(active, key=spec.version_key)


def _elsewhere(act: Act, case: Case) -> Iterator[Ask]:
    """Files that belong to no model: a service's pins to the service, the rest to those who edit everything."""
    if act.change.kind is Kind.CONSUMER_CHANGED:
        known = case.comparison.base.consumers.get(act.subject)
        owners = case.rights.people(known.owners) if known else frozenset()
        if owners:
            author = case.author if case.alone and case.author in owners else None
            yield Ask("consumer", "edit", act.subject, owners, author=author or "")
            return
    yield Ask("reviewer", "edit", act.subject, case.rights.who("edit", Target()))


def _unsaid(acts: Sequence[Act], case: Case) -> Iterator[Ask]:
    """Files that differ in a way that no change tells: theirs to approve whose models or gallery they are."""
    told = {act.subject for act in acts}
    for path in unexplained(case.comparison):
        folder, place = layout.model_in("/".join(path.split("/")[:4])), layout.place(path)
        if place is not None and place.kind == "publisher":
            change = Change(place.publisher, Kind.FILE_CHANGED, path=path)
            yield _owned(Act("edit", place.publisher, Target(place.publisher), change), case)
        elif folder is None:
            yield Ask("reviewer", "edit", path, case.rights.who("edit", Target()))
        elif folder.id not in told:
            change = Change(folder.id, Kind.FILE_CHANGED, path=path, type=folder.type)
            yield _owned(Act("edit", folder.id, case.rights.target(folder.id, type_=folder.type), change), case)


def _by_roles(roles: Iterable[Asked], act: Act, case: Case, *, asks_for: str, author: bool = False) -> Iterator[Ask]:
    """One ask for each role that a rule names; all of different people."""
    for role in roles:
        if role == "owner":
            of = case.rights.owners(act.target)
        elif role == "steward":
            of = case.rights.who(asks_for, act.target)
        else:
            of = case.rights.who(_BY_ROLE[role], act.target)
        action = word(act.action)
        agreed = case.author if author and case.alone and case.author in of else None
        yield Ask(role, action, act.subject, of, author=agreed or "", group=f"{action} {act.subject}")


def _removals(acts: Sequence[Act], case: Case) -> Iterator[Ask]:
    """Each model once, whatever of it goes; and those who use it (LIF006)."""
    once: dict[str, Act] = {}
    for act in acts:
        if act.action == "remove":
            once.setdefault(act.subject, act)
    for subject, act in once.items():
        parts = [other for other in acts if other.subject == subject]
        users = list(_users(subject, parts, case))
        owner = case.alone and case.author in case.rights.owners(act.target)
        if owner and not users and _undone(subject, parts, case.comparison):
            yield Ask("owner", "remove", subject, case.rights.owners(act.target), author=case.author or "")
            continue
        roles = case.comparison.base.context.roles.rules.remove
        yield from _by_roles(roles, act, case, asks_for="remove", author=len(roles) > 1)
        yield from users


def _undone(identifier: str, acts: Iterable[Act], comparison: Comparison) -> bool:
    """Whether all that goes was published so lately that its owner may take it back alone, and nothing refers to it."""
    gone = [act.change for act in acts if act.change.kind in {Kind.MODEL_REMOVED, Kind.RELEASE_REMOVED}]
    before, after = (world.gallery.by_id.get(identifier) for world in (comparison.base, comparison.merged))
    pair = Pair(identifier, before, after, comparison, ())
    return bool(gone) and not any(undoing.against(pair, change.version) for change in gone)


def _users(identifier: str, acts: Sequence[Act], case: Case) -> Iterator[Ask]:
    whole = any(act.change.kind is Kind.MODEL_REMOVED for act in acts)
    gone = {act.change.version for act in acts if act.change.kind is Kind.RELEASE_REMOVED}
    for service in users(case.comparison, identifier, None if whole else gone):
        owners = case.rights.people(case.comparison.base.consumers[service].owners)
        yield _consent("consumer", service, owners, case)
    for other in referring(case.comparison, identifier) if whole else ():
        yield _consent("owner", other, case.rights.owners(case.rights.target(other)), case)


def _consent(role: Role, subject: str, of: frozenset[str], case: Case) -> Ask:
    author = case.author if case.alone and case.author in of else None
    return Ask(role, "remove", subject, of, author=author or "")


def users(comparison: Comparison, identifier: str, versions: Iterable[str] | None) -> tuple[str, ...]:
    """Services of base that pin a model, or one of these versions of it; a pin of the newest counts for the model."""
    wanted = None if versions is None else set(versions)
    aliases = comparison.base.gallery.aliases
    return tuple(
        service
        for service, consumer in sorted(comparison.base.consumers.items())
        if any(
            aliases.get(pin.model, pin.model) == identifier and (wanted is None or pin.version in wanted)
            for pin in consumer.pins
        )
    )


def referring(comparison: Comparison, identifier: str) -> tuple[str, ...]:
    """Models that were made from a model, or name it as their successor, also after the merge; sorted."""
    gallery = comparison.merged.gallery
    found = {*gallery.derived.get(identifier, ()), *gallery.replaced.get(identifier, ())}
    return tuple(sorted(found & comparison.base.gallery.by_id.keys() - {identifier}))


def _governance(acts: Sequence[Act], case: Case) -> Iterator[Ask]:
    govern = [act for act in acts if act.action == "govern"]
    if govern:
        roles = case.comparison.base.context.roles
        count = 1 if only_people(govern, roles) else roles.rules.admin_quorum
        yield Ask("admin", "govern", govern[0].subject, case.rights.who("govern", Target()), count)


def only_people(govern: Sequence[Act], roles: Roles) -> bool:
    """Whether governance gets new people and nothing else: without a group or a grant they may do nothing yet."""
    named = {name for members in roles.groups.values() for name in members}
    named |= {name for grant in roles.grants for name in ((grant.to,) if isinstance(grant.to, str) else grant.to)}
    if not named <= roles.people.keys() | roles.groups.keys():
        return False  # somebody is named who is no person yet: becoming one would give rights
    known = tuple(f"people.{name}" for name in roles.people)
    return all(
        act.change.field.startswith("people.")
        and act.change.before is None
        and not any(act.change.field == name or act.change.field.startswith(f"{name}.") for name in known)
        for act in govern
    )


def shrunk(comparison: Comparison) -> tuple[Change, ...]:
    """Models whose audience is narrower because a group is smaller (VIS006)."""
    return tuple(
        change for change in comparison.changes if change.kind is Kind.VISIBILITY_NARROWED and of_group(change)
    )


def _shrunk(case: Case) -> Iterator[Ask]:
    for change in shrunk(case.comparison):
        target = case.rights.target(change.subject, visibility=change.visibility)
        yield Ask("steward", "override", change.subject, case.rights.who("override", target))


def _consents(acts: Sequence[Act], case: Case) -> Iterator[Ask]:
    """Whoever becomes responsible for a model or publisher agrees to that; programs are not asked."""
    for act in acts:
        for person in sorted(added_maintainers(act, case)):
            mine = person if person == case.author else ""
            yield Ask("maintainer", CONSENT, act.subject, frozenset({person}), author=mine)


def added_maintainers(act: Act, case: Case) -> frozenset[str]:
    """People who would become owners of a model or publisher by this act, and own nothing of it yet."""
    change, rights, merged = act.change, case.rights, case.comparison.merged
    if change.kind in {Kind.PUBLISHER_ADDED, Kind.PUBLISHER_CHANGED}:
        profile = merged.context.publishers.get(act.subject)
        names = profile.maintainers if profile else ()
    elif change.kind in {Kind.MODEL_ADDED, Kind.OWNERS_CHANGED}:
        entry = merged.gallery.by_id.get(act.subject)
        names = entry.outline.maintainers if entry else ()
    else:
        return frozenset()
    return _people(rights.people(names), rights) - rights.owners(act.target)


def _distinct(asks: Iterable[Ask]) -> list[Ask]:
    """Each ask once; of the same in two ways the one for more people. A rule may name a role twice, which stays."""
    best: dict[tuple[str, str, str], Ask] = {}
    grouped: dict[str, list[Ask]] = defaultdict(list)
    for ask in asks:
        if ask.group:
            grouped[ask.group].append(ask)
            continue
        key = (ask.role, ask.action, ask.subject if ask.role != "maintainer" else next(iter(ask.of)))
        known = best.get(key)
        best[key] = ask if known is None else replace(known, of=known.of & ask.of, count=max(known.count, ask.count))
    return [*best.values(), *(ask for group in grouped.values() for ask in group)]


def _filled(asks: Sequence[Ask], case: Case, approvals: Approvals) -> tuple[Need, ...]:
    groups: dict[str, list[Ask]] = defaultdict(list)
    found = []
    for ask in asks:
        if ask.group:
            groups[ask.group].append(ask)
        else:
            found.append(_need(ask, case, approvals))
    for group in groups.values():
        found.extend(_apart(group, case, approvals))
    return tuple(sorted(found, key=lambda need: (_ORDER.index(need.role), need.action, need.subject, need.of)))


def _need(ask: Ask, case: Case, approvals: Approvals) -> Need:
    if ask.author:
        return Need(ask.role, ask.action, ask.subject, tuple(sorted(ask.of)), ask.count, (ask.author,))
    said = approvals.consenting if ask.role == "maintainer" else approvals.people
    of = ask.of if ask.role == "maintainer" else ask.of - case.excluded
    return Need(ask.role, ask.action, ask.subject, tuple(sorted(of)), ask.count, tuple(sorted(of & said)))


def _apart(group: Sequence[Ask], case: Case, approvals: Approvals) -> Iterator[Need]:
    slots = [(ask.of - case.excluded) | ({ask.author} if ask.author else set()) for ask in group]
    authors = {ask.author for ask in group if ask.author}
    present = approvals.people | authors
    filled = matched(slots, present)
    roles: dict[Role, list[int]] = defaultdict(list)
    for index, ask in enumerate(group):
        roles[ask.role].append(index)
    for role, places in roles.items():
        first = group[places[0]]
        given = tuple(sorted(filled[place] for place in places if place in filled))
        yield Need(role, first.action, first.subject, tuple(sorted(slots[places[0]])), len(places), given)
