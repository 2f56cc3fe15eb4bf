"""How a pull request may be merged: each fast lane says why it does not take it, or how long it makes it wait."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from galleryctl import layout, spec
from galleryctl.changes import Kind
from galleryctl.policy.actions import Act, claims, is_text, unexplained
from galleryctl.policy.base import PassedOver
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from galleryctl.checks.rule import Comparison
    from galleryctl.policy.approvals import Approvals
    from galleryctl.policy.rights import Rights
    from galleryctl.problems import Problem
    from galleryctl.spec import Variant
    from galleryctl.spec.review import Lane

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?").fullmatch
_MANY = 3


@dataclass(frozen=True)
class Ride:
    """Who wants to merge what."""

    comparison: Comparison
    acts: Sequence[Act]
    problems: Sequence[Problem]
    """What was found, without what only the review itself finds."""
    rights: Rights
    actors: tuple[str | None, ...]
    """The author and, where it is somebody else, the last pusher: none for strangers."""
    programs: bool
    """Whether one of them is a program."""
    approvals: Approvals


@dataclass(frozen=True)
class Found:
    """The lane, and what it waits for."""

    lane: Lane
    wait: dt.timedelta
    """From the beginning of the clock; a widening counts on top of the lane."""
    passed_over: tuple[PassedOver, ...]
    """Faster lanes that take some of these changes, and why they do not take them all."""


def choose(ride: Ride) -> Found:
    """The fastest lane that takes every change; `manual` where none does, `governance` where rules change."""
    widening = any(act.action == "widen" for act in ride.acts)
    policy = ride.comparison.base.context.policy
    extra = spec.time_span(policy.clocks.widen) if widening else dt.timedelta()
    if any(act.action == "govern" for act in ride.acts):
        return Found("governance", extra, ())
    unknown = tuple(_unknown(ride))
    general = (*_warned(ride), *unknown)
    passed: list[PassedOver] = []
    for lane, fits, reasons, wait in _LANES:
        if not any(fits(act) for act in ride.acts):
            continue
        found = [*reasons(ride), *(general if lane != "urgent" else unknown)]
        if not getattr(policy.lanes, lane).open:
            found.insert(0, "policy.yaml closes it")
        if not found:
            return Found(lane, wait(ride) + extra, tuple(passed))
        passed.extend(PassedOver(lane, reason) for reason in dict.fromkeys(found))
    return Found("manual", extra, tuple(passed))


def _warned(ride: Ride) -> Iterator[str]:
    """What was found keeps out of every fast lane but `urgent`: a quarantine only takes away, and cannot wait."""
    codes = sorted({found.code for found in ride.problems if found.severity is not Severity.NOTE})
    if codes:
        yield f"{', '.join(codes[:_MANY])}{' and others' if len(codes) > _MANY else ''} found something"


def _unknown(ride: Ride) -> Iterator[str]:
    if odd := unexplained(ride.comparison):
        more = f" and {len(odd) - 1} more files" if len(odd) > 1 else ""
        yield f"{odd[0]}{more} changed, and it is not known what that does"


def _others(acts: Sequence[Act], fits: Callable[[Act], bool]) -> Iterator[str]:
    """What a pull request does besides what a lane takes."""
    other = [act for act in acts if not fits(act)]
    said = list(dict.fromkeys(_said(act) for act in other))
    if said:
        more = f" and {len(said) - _MANY} more" if len(said) > _MANY else ""
        yield f"it also changes {', '.join(said[:_MANY])}{more}"


def _said(act: Act) -> str:
    change = act.change
    what = change.field or change.kind.value.rpartition("-")[0].replace("-", " ")
    version = f"@{change.version}" if change.version else ""
    return f"{what} of {act.subject}{version}"


def _is_release(act: Act) -> bool:
    return act.change.kind is Kind.RELEASE_ADDED


def _is_new(act: Act) -> bool:
    return act.change.kind is Kind.MODEL_ADDED


def _is_text(act: Act) -> bool:
    return is_text(act.change)


def _is_urgent(act: Act) -> bool:
    """A quarantine only takes away: where its users go instead, others decide."""
    return act.action == "quarantine" and act.change.field != "successor"


def _release(ride: Ride) -> Iterator[str]:
    yield from _others(ride.acts, _is_release)
    added = [act for act in ride.acts if _is_release(act)]
    if len({act.subject for act in added}) > 1:
        yield "it is about more than one model"
        return
    for act in added:
        yield from _entitled(ride, act, "an owner of", "release")
        version = act.change.version
        if _stood(ride, act, version):
            yield f"{version} stood there before, and could not be read"
        highest = max(_ever(ride.comparison, act.subject), key=spec.version_key, default=None)
        if highest and spec.version_key(version) <= spec.version_key(highest):
            yield f"{version} is not higher than {highest}"
        entry = ride.comparison.merged.gallery.by_id.get(act.subject)
        release = entry.document().releases.get(version) if entry else None
        variants = release.variants if release else ()
        if not variants or not all(_pinned(variant) for variant in variants):
            yield f"not every source of {version} is pinned, or not every file has size and sha256"


def _entitled(ride: Ride, act: Act, who: str, action: str) -> Iterator[str]:
    acting = ride.rights.acting(action, act.target)
    if any(actor not in acting for actor in ride.actors):
        yield f"{_culprit(ride, acting)} is not {who} {act.subject}"


def _culprit(ride: Ride, entitled: frozenset[str]) -> str:
    return "the author" if ride.actors[0] not in entitled else "who pushed last"


def _ever(comparison: Comparison, identifier: str) -> set[str]:
    """Every version that was ever published of a model, as far as anybody knows."""
    entry = comparison.base.gallery.by_id.get(identifier)
    tombstones = (world.tombstones.get(identifier) for world in (comparison.base, comparison.merged))
    gone = {version for tombstone in tombstones if tombstone for version in tombstone.releases}
    return gone | set(comparison.ledger.releases.get(identifier, ())) | set(entry.outline.releases if entry else ())


def _pinned(variant: Variant) -> bool:
    """Whether nobody can give other bytes than those that were proposed."""
    files = [file for group in variant.files.values() for file in group]
    sources = variant.sources
    hubs = sources.hubs().values() if sources else ()
    image = sources.oci if sources else None
    return (
        bool(files or image)
        and all(file.sha256 and file.size is not None for file in files)
        and all(hub.revision and _COMMIT(hub.revision) and not (hub.gguf or hub.lora or hub.draft) for hub in hubs)
        and (image is None or "@sha256:" in image.image)
    )


def _text(ride: Ride) -> Iterator[str]:
    yield from _others(ride.acts, _is_text)
    if ride.programs:
        yield "a program proposes it"
    for act in ride.acts:
        if _is_text(act):
            yield from _entitled(ride, act, "an owner of", "edit")


def _new(ride: Ride) -> Iterator[str]:
    added = {act.subject for act in ride.acts if _is_new(act)}
    yield from _others(ride.acts, lambda act: act.subject in added and act.action != "rename")
    base = ride.comparison.base
    publishers = base.context.publishers.keys() | {entry.outline.publisher for entry in base.gallery}
    for act in ride.acts:
        if not _is_new(act):
            continue
        if act.target.publisher not in publishers:
            yield f"publisher {act.target.publisher} is new"
        if _stood(ride, act, "model"):
            yield f"{act.subject} stood there before, and could not be read"
        entry = ride.comparison.merged.gallery.by_id.get(act.subject)
        if entry and (upstream := entry.document().upstream):
            yield f"{act.subject} would be proposed to {upstream[0].repo}"
        if act.subject in base.tombstones or act.subject in _known(ride.comparison):
            yield f"{act.subject} was published before"
        if _new_wait(ride, act) is None:
            owning = f" nor owns {act.target.publisher}" if base.context.policy.repository == "public" else ""
            kind = f"{act.target.visibility} models of the {act.target.edition} edition"
            yield f"who proposes it neither may add {kind}{owning}" if owning else f"who proposes it may not add {kind}"


def _stood(ride: Ride, act: Act, name: str) -> bool:
    """Whether base has a file for what is added: nobody knows what it was, so nothing says that it is the same now."""
    stem = f"{layout.folder(act.change.type, act.subject)}/{name}"
    return any(f"{stem}{ending}" in ride.comparison.base.paths for ending in (".yaml", ".json"))


def _known(comparison: Comparison) -> set[str]:
    return set(comparison.ledger.releases) | set(comparison.ledger.audiences) | set(comparison.base.gallery.aliases)


def _new_wait(ride: Ride, act: Act) -> dt.timedelta | None:
    """How long a new model waits where its author needs no review; none where one is needed."""
    policy, target = ride.comparison.base.context.policy, act.target
    short = spec.time_span(policy.lanes.new.reviewer)
    private = policy.repository == "private"
    if private and target.visibility == "private" and not ride.programs and not claims(act, ride.comparison):
        return short
    if all(ride.rights.may(actor, "new", target) for actor in ride.actors if actor) and None not in ride.actors:
        return short
    owners = ride.rights.owners(target)
    if private or target.edition != "community" or any(actor not in owners for actor in ride.actors):
        return None  # an owner's word is enough for an ordinary public model, and for no other
    if ride.approvals.people & ride.rights.who("new", target):
        return dt.timedelta()
    return spec.time_span(policy.lanes.new.owner)


def _urgent(ride: Ride) -> Iterator[str]:
    yield from _others(ride.acts, _is_urgent)
    for act in ride.acts:
        stewards = ride.rights.who("quarantine", act.target)
        if _is_urgent(act) and any(actor not in stewards for actor in ride.actors):
            yield f"{_culprit(ride, stewards)} is no steward of {act.subject}"


def _new_waits(ride: Ride) -> dt.timedelta:
    waits = (_new_wait(ride, act) for act in ride.acts if _is_new(act))
    return max((wait for wait in waits if wait is not None), default=dt.timedelta())


_Line = tuple["Lane", "Callable[[Act], bool]", "Callable[[Ride], Iterator[str]]", "Callable[[Ride], dt.timedelta]"]
_LANES: tuple[_Line, ...] = (
    ("urgent", _is_urgent, _urgent, lambda ride: spec.time_span(_policy(ride).lanes.urgent.wait)),
    ("release", _is_release, _release, lambda ride: spec.time_span(_policy(ride).lanes.release.wait)),
    ("text", _is_text, _text, lambda ride: spec.time_span(_policy(ride).lanes.text.wait)),
    ("new", _is_new, _new, _new_waits),
)
"""Lane, which acts it takes, why it does not take a pull request, how long one waits that it takes."""


def _policy(ride: Ride) -> spec.Policy:
    return ride.comparison.base.context.policy
