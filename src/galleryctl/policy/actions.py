"""Every change as one action on one target. What is unknown is an edit, and no lane but `manual` takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from galleryctl import layout
from galleryctl.changes import Change, Kind
from galleryctl.policy.rights import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from galleryctl.checks.rule import Comparison
    from galleryctl.policy.rights import Rights

CONSENT = "maintain"
"""What a new maintainer agrees to. No action of `roles.yaml`: nobody else can do it."""
LIFT = "lift"
"""The end of a quarantine; it counts as `reinstate`, with approvals of its own."""
TEXT_FIELDS = frozenset({"summary", "tags", "links"})

_ACTIONS = {
    Kind.MODEL_ADDED: "new",
    Kind.MODEL_REMOVED: "remove",
    Kind.MODEL_RENAMED: "rename",
    Kind.MODEL_MOVED: "rename",
    Kind.VISIBILITY_WIDENED: "widen",
    Kind.RELEASE_ADDED: "release",
    Kind.RELEASE_REMOVED: "remove",
    Kind.PUBLISHER_ADDED: "new",
    Kind.PUBLISHER_REMOVED: "remove",
    Kind.TOMBSTONE_ADDED: "remove",
    Kind.TOMBSTONE_CHANGED: "remove",
    Kind.TOMBSTONE_REMOVED: "remove",
    Kind.GOVERNANCE_CHANGED: "govern",
}
"""Every kind that is no edit, and whose values do not matter."""
_STATES = {"deprecated": "deprecate", "discontinued": "discontinue", "quarantined": "quarantine", "active": "reinstate"}
_OF_PUBLISHERS = frozenset({Kind.PUBLISHER_ADDED, Kind.PUBLISHER_CHANGED, Kind.PUBLISHER_REMOVED})
_OF_STATES = frozenset({Kind.STATUS_CHANGED, Kind.RELEASE_STATUS_CHANGED, Kind.LISTING_CHANGED})
_OF_TOMBSTONES = frozenset({Kind.TOMBSTONE_ADDED, Kind.TOMBSTONE_CHANGED, Kind.TOMBSTONE_REMOVED})
_WITH_RELEASE = frozenset({Kind.SOURCE_CHANGED, Kind.LICENCE_CHANGED})
_COMPANIONS = frozenset({"reason", "successor"})
"""Fields that say why a status or the listing is another: part of that act."""


def word(action: str) -> str:
    """The action of `roles.yaml` that an act counts as."""
    return {LIFT: "reinstate"}.get(action, action)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a pull request does."""

    action: str
    """In the words of `roles.yaml`, or `lift`."""
    subject: str
    """Id of the model, name of the publisher or consumer, or path."""
    target: Target
    change: Change


def acts(comparison: Comparison, rights: Rights) -> tuple[Act, ...]:
    """What changes do, in their order. What follows for models from a group or a publisher is no act of its own."""
    changes = comparison.changes
    states = {(change.subject, change.version): change for change in changes if change.kind in _OF_STATES}
    added = {(change.subject, change.version) for change in changes if change.kind is Kind.RELEASE_ADDED}
    renamed = {change.subject: str(change.before) for change in changes if change.kind is Kind.MODEL_RENAMED}
    found = []
    for change in changes:
        if of_group(change) or _of_publisher(change):
            continue
        cause = states.get((change.subject, change.version)) if change.field in _COMPANIONS else None
        released = change.kind in _WITH_RELEASE and (change.subject, change.version) in added
        action = "release" if released else _action(cause or change, comparison, rights)
        found.append(Act(action, change.subject, _target(change, comparison, rights, renamed), change))
    return tuple(found)


def of_group(change: Change) -> bool:
    """Whether an audience changed because a group of `roles.yaml` did."""
    return change.kind in {Kind.VISIBILITY_WIDENED, Kind.VISIBILITY_NARROWED} and change.field == "audience"


def _action(change: Change, comparison: Comparison, rights: Rights) -> str:
    match change.kind:
        case Kind.STATUS_CHANGED | Kind.RELEASE_STATUS_CHANGED:
            found = LIFT if change.before == "quarantined" else _STATES.get(str(change.after or "active"), "edit")
        case Kind.LISTING_CHANGED:
            found = "withdraw" if change.after is False else "deploy"
        case Kind.EXPIRY_CHANGED:
            found = "expire" if _earlier(change.before, change.after) else "renew"
        case Kind.OWNERS_CHANGED:
            found = _handed(_names(change.before), _names(change.after), rights)
        case Kind.PUBLISHER_CHANGED if change.field.partition(".")[0] == "maintainers":
            old, new = (world.context.publishers.get(change.subject) for world in (comparison.base, comparison.merged))
            found = _handed(old.maintainers if old else (), new.maintainers if new else (), rights)
        case Kind.FIELD_CHANGED if enterprise(change):
            found = "new"  # registered again, as another grade: that has a permission of its own
        case kind:
            found = _ACTIONS.get(kind, "edit")
    return found


def _of_publisher(change: Change) -> bool:
    """Whether a model has other owners because its publisher does."""
    return change.kind is Kind.OWNERS_CHANGED and change.path.startswith("publishers/")


def _handed(before: Iterable[str], after: Iterable[str], rights: Rights) -> str:
    """Other owners: an edit as long as one of them stays."""
    old, new = rights.people(before), rights.people(after)
    return "transfer" if old and not old & new else "edit"


def enterprise(change: Change) -> bool:
    """Whether a model becomes one of the enterprise edition."""
    if change.field == "terms":
        return isinstance(change.after, dict) and change.after.get("edition") == "enterprise"
    return change.field == "terms.edition" and change.after == "enterprise"


def _earlier(before: Any, after: Any) -> bool:  # noqa: ANN401 - dates as JSON has them
    """Whether a model ends sooner than it did."""
    return after is not None and (before is None or str(after) < str(before))


def _names(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - a list as JSON has it
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _target(change: Change, comparison: Comparison, rights: Rights, renamed: Mapping[str, str]) -> Target:
    if change.kind in _OF_PUBLISHERS:
        return Target(publisher=change.subject)
    if change.kind in _OF_TOMBSTONES:
        tombstone = comparison.merged.tombstones.get(change.subject) or comparison.base.tombstones.get(change.subject)
        return rights.target(change.subject, type_=tombstone.type if tombstone else "")
    if not change.type:
        return Target()
    identifier = change.subject
    if identifier not in comparison.base.gallery.by_id:
        identifier = renamed.get(identifier, identifier)
    return rights.target(identifier, type_=change.type, visibility=change.visibility, edition=change.edition)


def claims(act: Act, comparison: Comparison) -> bool:
    """Whether a model takes further ids for itself: that concerns others, whoever may see the model."""
    entry = comparison.merged.gallery.by_id.get(act.subject)
    return bool(entry and entry.outline.aliases)


def _folders(change: Change) -> tuple[tuple[str, str], ...]:
    """Model folders that come, go or move with a change, as type and id."""
    here, before = (change.type, change.subject), str(change.before)
    return {
        Kind.MODEL_ADDED: (here,),
        Kind.MODEL_REMOVED: (here,),
        Kind.MODEL_RENAMED: (here, (change.type, before)),
        Kind.MODEL_MOVED: (here, (before, change.subject)),
    }.get(change.kind, ())


def unexplained(comparison: Comparison) -> list[str]:
    """Files that differ although no change says so: in a comment, say. Relative to the registry; sorted."""
    name, changes = comparison.name, comparison.changes
    whole = tuple(f"{layout.folder(type_, subject)}/" for each in changes for type_, subject in _folders(each))
    parts = tuple(
        f"{layout.folder(each.type, each.subject)}/{each.version}."
        for each in changes
        if each.kind in {Kind.RELEASE_ADDED, Kind.RELEASE_REMOVED}
    )
    said = {change.path for change in changes} | {change.path.removeprefix(f"{name}/") for change in changes}
    inner = (path.removeprefix(f"{name}/") for path in sorted(comparison.touched))
    return [path for path in inner if path not in said and not path.startswith((*whole, *parts))]


def is_text(change: Change) -> bool:
    """Whether only what people read of a model is another."""
    if change.kind in {Kind.CARD_CHANGED, Kind.COVER_CHANGED}:
        return True
    return change.kind is Kind.FIELD_CHANGED and change.field.partition(".")[0] in TEXT_FIELDS


_KINDS = {
    Kind.MODEL_ADDED: "new",
    Kind.RELEASE_ADDED: "release",
    Kind.GOVERNANCE_CHANGED: "governance",
    Kind.OWNERS_CHANGED: "publisher",
    **dict.fromkeys(_OF_PUBLISHERS, "publisher"),
    **dict.fromkeys((*_OF_STATES, *_OF_TOMBSTONES, Kind.EXPIRY_CHANGED), "lifecycle"),
    **dict.fromkeys((Kind.MODEL_REMOVED, Kind.RELEASE_REMOVED, Kind.MODEL_RENAMED, Kind.MODEL_MOVED), "lifecycle"),
}
_RISKS = {
    Kind.VISIBILITY_WIDENED: "visibility",
    Kind.VISIBILITY_NARROWED: "visibility",
    Kind.LICENCE_CHANGED: "licence",
    Kind.SOURCE_CHANGED: "source-host",
    Kind.OWNERS_CHANGED: "owners",
    **dict.fromkeys((Kind.MODEL_REMOVED, Kind.RELEASE_REMOVED, Kind.PUBLISHER_REMOVED, *_OF_TOMBSTONES), "removal"),
}


def kinds(changes: Iterable[Change]) -> tuple[str, ...]:
    """What changes do, in the words of the labels; sorted."""
    found = {_KINDS.get(change.kind) or ("text" if is_text(change) else None) for change in changes}
    return tuple(sorted(kind for kind in found if kind))


def risks(changes: Iterable[Change], *, private_repository: bool) -> tuple[str, ...]:
    """What of them deserves a second look; sorted."""
    found = {_RISKS.get(change.kind) for change in changes}
    for change in changes:
        if change.kind is Kind.PUBLISHER_CHANGED and change.field.partition(".")[0] == "maintainers":
            found.add("owners")
        if change.kind is Kind.MODEL_ADDED and private_repository and change.visibility != "private":
            found.add("visibility")
    return tuple(sorted(risk for risk in found if risk))
