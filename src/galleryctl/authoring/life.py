"""The life of a model or release: listed or not, active, deprecated, discontinued, quarantined, expired.

Each command changes one file: one field and its reason. What is no legal transition is refused before anything is
written.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from galleryctl import loading
from galleryctl.authoring import depending, telling
from galleryctl.authoring.files import near
from galleryctl.authoring.plan import Plan, assigned, because, judged, of_model, split, target, whole
from galleryctl.checks.lives import STEPS
from galleryctl.document import DELETE
from galleryctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from galleryctl.authoring.files import Files
    from galleryctl.authoring.plan import Judged, Target
    from galleryctl.gallery import Entry
    from galleryctl.spec import Status

_IN_USE = frozenset({"active", "deprecated"})


def deploy(registry: Path, identifier: str, *, now: dt.datetime) -> Plan:
    """Let lists and searches show a model again that was withdrawn."""
    found = of_model(registry, identifier, "deploy")
    data = found.files.document(found.path).data
    if data.get("listed", True):
        return _as_it_is(found, now)
    keeps = data.get("status", "active") != "active"  # the reason is that of the status
    wanted = {"listed": DELETE} | ({} if keeps else {"reason": DELETE})
    return made(found, wanted, f"Deploy {found.text}", now)


def withdraw(registry: Path, identifier: str, *, reason: str | None, now: dt.datetime) -> Plan:
    """Take a model out of lists and searches; neither the model nor its definition goes."""
    found = of_model(registry, identifier, "withdraw")
    why = because(reason, f"galleryctl withdraw {found.id}")
    return made(found, {"listed": False, "reason": why}, f"Withdraw {found.text}: {why}", now)


def deprecate(
    registry: Path, identifier: str, *, reason: str | None, successor: str | None = None, now: dt.datetime
) -> Plan:
    """Tell users to move on; lists go on showing it, marked."""
    return _stated(registry, identifier, "deprecate", "deprecated", reason, successor, now)


def discontinue(
    registry: Path, identifier: str, *, reason: str | None, successor: str | None = None, now: dt.datetime
) -> Plan:
    """End it: lists and the newest leave it out, exact pins go on resolving. One release has to remain in use."""
    return _stated(registry, identifier, "discontinue", "discontinued", reason, successor, now)


def quarantine(registry: Path, identifier: str, *, reason: str | None, now: dt.datetime) -> Plan:
    """Stop it: nobody resolves it any more, and runtimes that sync stop copies they have."""
    return _stated(registry, identifier, "quarantine", "quarantined", reason, None, now)


def reinstate(registry: Path, identifier: str, *, now: dt.datetime) -> Plan:
    """Take back a deprecation, a discontinuation or a quarantine, with its reason and successor."""
    found = target(registry, identifier)
    data = found.files.document(found.path).data
    if data.get("status", "active") == "active":
        if not found.version and data.get("listed") is False:
            raise UsageError(f"{found.id} is active, and withdrawn: galleryctl deploy {found.id}")
        return _as_it_is(found, now)
    wanted: dict[str, Any] = {"status": DELETE}
    if data.get("listed", True):  # else it is withdrawn still, and that needs a reason
        wanted["reason"] = DELETE
    if "successor" in data:
        wanted["successor"] = DELETE
    lifted = data.get("status") == "quarantined"
    extra = ("Lifting a quarantine takes the approval of stewards.",) if lifted else ()
    return made(found, wanted, f"Reinstate {found.text}", now, extra=extra)


def _stated(
    registry: Path,
    identifier: str,
    verb: str,
    status: Status,
    reason: str | None,
    successor: str | None,
    now: dt.datetime,
) -> Plan:
    found = target(registry, identifier)
    why = because(reason, f"galleryctl {verb} {found.text}")
    before = found.files.document(found.path).data.get("status", "active")
    if before != status and status not in STEPS.get(before, ()):  # the same again gives another reason
        raise UsageError(
            f"{found.text} is {before}, and cannot become {status} (LIF001); first: galleryctl reinstate {found.text}"
        )
    wanted: dict[str, Any] = {"status": status, "reason": why}
    if successor is not None:
        wanted["successor"] = _successor(found, successor)
    if status == "discontinued" and found.version and not left_in_use(found, now):
        raise UsageError(
            f"{found.id} would have no active or deprecated release left (LIF003): "
            f'discontinue the model instead, galleryctl discontinue {found.id} --reason "…"'
        )
    return made(found, wanted, f"{verb.title()} {found.text}: {why}", now)


def _successor(found: Target, successor: str) -> str:
    if found.version:
        raise UsageError("a release has no successor: say in --reason which release to use instead")
    known_model(found.files, found.id, successor)
    return successor


def known_model(files: Files, identifier: str, successor: str) -> None:
    """Raise `UsageError` where a successor is no other model of the registry."""
    if successor == identifier:
        raise UsageError(f"{successor} cannot be its own successor (REF002)")
    if successor not in files.models:
        raise UsageError(f"there is no model {successor} (REF001){near(successor, files.models)}")


def left_in_use(found: Target, now: dt.datetime) -> bool:
    """Whether another release of the model stays active or deprecated, or this one was neither."""
    loaded = loading.load(found.files.root, found.files.name, now=now, tree=found.files.tree)
    releases = whole(loaded, found.place).document().releases
    others = (release.status for version, release in releases.items() if version != found.version)
    own = releases[found.version].status if found.version in releases else "active"
    return own not in _IN_USE or not _IN_USE.isdisjoint(others)


def expire(registry: Path, identifier: str, *, on: dt.date, reason: str | None = None, now: dt.datetime) -> Plan:
    """Set the day from which a model counts as discontinued; bringing it forward takes a reason."""
    found = of_model(registry, identifier, "expire")
    before, today = _day(found), now.date()
    if on <= today:
        raise UsageError(
            f"{on} is {'today' if on == today else 'past'}, and users need time; to end it now: "
            f'galleryctl discontinue {found.id} --reason "…"'
        )
    if before is not None and on > before:
        raise UsageError(f"{found.id} expires on {before}, and {on} is later: galleryctl renew {found.id} --until {on}")
    wanted: dict[str, Any] = {"expires": on.isoformat()}
    if before is not None and on < before and not (reason or "").strip():
        raise UsageError(
            f"{found.id} expires on {before}, and {on} is sooner (TRM002): users rely on the date, so add a reason: "
            f'galleryctl expire {found.id} --on {on} --reason "…"'
        )
    if reason and reason.strip():
        wanted["reason"] = because(reason, "galleryctl expire")
    _refuse_far(found, on, now)
    return made(found, wanted, f"Expire {found.text} on {on}", now, extra=_ending(on, before))


def renew(registry: Path, identifier: str, *, until: dt.date, now: dt.datetime) -> Plan:
    """Put off the day on which a model expires, where `renewable` allows it."""
    found = of_model(registry, identifier, "renew")
    data, before = found.files.document(found.path).data, _day(found)
    if before is None:
        raise UsageError(f"{found.id} does not expire: there is nothing to renew")
    if data.get("renewable") is not True:
        raise UsageError(
            f"{found.id} is not renewable: that was said to its users; its owners may write `renewable: true` first, "
            f"galleryctl edit {found.id} renewable=true"
        )
    if until <= before or until <= now.date():
        later = f"later than {before}" if before >= now.date() else f"later than today, {now.date()}"
        raise UsageError(f"{until} is no renewal: {found.id} expires on {before}; name a day {later}")
    _refuse_far(found, until, now)
    wanted: dict[str, Any] = {"expires": until.isoformat()}
    if data.get("status", "active") == "active" and data.get("listed", True) and "reason" in data:
        wanted["reason"] = DELETE  # it was that of the earlier end
    return made(found, wanted, f"Renew {found.text} until {until}", now, extra=_ending(until, before))


def _day(found: Target) -> dt.date | None:
    value = found.files.document(found.path).data.get("expires")
    if value is None:
        return None
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        raise UsageError(f"`expires` of {found.id} is no day: {value!r}; mend it first") from None


def _refuse_far(found: Target, day: dt.date, now: dt.datetime) -> None:
    loaded = loading.load(found.files.root, found.files.name, now=now, tree=found.files.tree)
    limit = loaded.governance.policy.limits.expires_days
    if (day - now.date()).days > limit:
        last = now.date() + dt.timedelta(days=limit)
        raise UsageError(f"{day} is too far ahead: policy.yaml allows {limit} days, so {last} at the latest (TRM001)")


def _ending(on: dt.date, before: dt.date | None) -> tuple[str, ...]:
    was = f" instead of {before}" if before else ""
    day = (
        f"From {on}{was} on it counts as discontinued, without a commit: it leaves lists, and pins resolve with "
        "a warning."
    )
    return day, "Until then users see the date, and owners are told 30 and 7 days before."


def _as_it_is(found: Target, now: dt.datetime) -> Plan:
    return made(found, {}, found.text, now)


def made(
    found: Target,
    wanted: Mapping[str, Any],
    title: str,
    now: dt.datetime,
    *,
    extra: tuple[str, ...] = (),
    words: bool = False,
) -> Plan:
    """The plan to set or delete these fields, with what that means; `words` are no matter of who may use it."""
    text, changes = assigned(found.files, found.path, wanted)
    if not changes:
        return Plan(found.files, title, (), (), {})
    seen = judged(found.files, {found.path: text}, now)
    refused, caused = split(seen.new, [f"{found.files.name}/{found.path}"])
    entry = whole(seen.before, found.place, found.version)
    needed = depending.dependents(seen.before.world, found.id, found.version, name=found.files.name)
    told = extra if refused or words else (*extra, *_told(found, seen, entry, needed, now))
    return Plan(
        found.files,
        title,
        changes,
        told,
        {found.path: text},
        refused=refused,
        caused=caused,
        entry=entry,
        dependents=needed,
        branch=seen.before.governance.settings.branch,
    )


def _told(
    found: Target, seen: Judged, entry: Entry, needed: tuple[depending.Dependent, ...], now: dt.datetime
) -> tuple[str, ...]:
    today = now.date()
    before = seen.before.gallery.at(today).by_id[entry.id].outline
    after = seen.after.gallery.at(today).by_id[entry.id].outline
    told = [*telling.lists(before, after, seen.after.governance.settings), *telling.latest(before, after)]
    told += telling.pins(before, after, [found.version] if found.version else list(after.releases))
    told += telling.used(needed, before, found.version)
    own = found.version and after.releases.get(found.version)
    if own and own != seen.after.gallery.by_id[entry.id].document().releases[found.version].status:
        told.append(f"{found.text} counts as {own}, because its model is {after.status}.")
    return tuple(told)
