"""Changes of one model: what it is called, what it says, who sees it, whose it is, its card and its cover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from galleryctl import layout
from galleryctl.changes import resolving
from galleryctl.changes.base import Kind
from galleryctl.changes.leaves import leaves
from galleryctl.changes.releases import of_releases
from galleryctl.changes.subject import Subject, written
from galleryctl.visibility import Audience, Audiences, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from galleryctl.changes.base import Change, Side
    from galleryctl.gallery import Entry, Outline

_KINDS = {
    "license": Kind.LICENCE_CHANGED,
    "license_url": Kind.LICENCE_CHANGED,
    "status": Kind.STATUS_CHANGED,
    "listed": Kind.LISTING_CHANGED,
    "expires": Kind.EXPIRY_CHANGED,
}
_APART = {"maintainers", "visibility", "allowed"}
"""Fields that are compared by what they mean: owners and audience."""
_STEPS = {Step.WIDER: Kind.VISIBILITY_WIDENED, Step.NARROWER: Kind.VISIBILITY_NARROWED}


def whole(kind: Kind, entry: Entry, base: Side, merged: Side) -> Change:
    """A model that came or went, with its outline."""
    came = kind is Kind.MODEL_ADDED
    subject = Subject(base, merged, None if came else entry, entry if came else None)
    found = _outline(entry.outline, merged if came else base)
    return subject.change(kind, after=found) if came else subject.change(kind, before=found)


def of_model(subject: Subject, files: Iterable[str]) -> Iterator[Change]:
    """Changes of a model that both sides have; `files` are those of its folders that differ, by name."""
    before, after = subject.before, subject.after
    assert before is not None  # noqa: S101 - both sides have it
    assert after is not None  # noqa: S101
    if before.id != after.id:
        yield subject.change(Kind.MODEL_RENAMED, field="id", before=before.id, after=after.id)
    if before.outline.type != after.outline.type:
        yield subject.change(Kind.MODEL_MOVED, field="type", before=before.outline.type, after=after.outline.type)
    yield from _of_audience(subject, before.outline, after.outline)
    yield from _of_owners(subject, before.outline, after.outline)
    yield from _of_files(subject, before.outline, after.outline, files)
    if before.outline.sha256 != after.outline.sha256:
        old, new = from_json(before.wire), from_json(after.wire)
        yield from _of_fields(subject, old, new)
        yield from of_releases(subject, old, new)


def owners(outline: Outline, side: Side) -> tuple[str, ...]:
    """Who owns a model: its own maintainers, else those of its publisher."""
    publisher = side.publishers.get(outline.publisher)
    return outline.maintainers or (publisher.maintainers if publisher else ())


def _outline(outline: Outline, side: Side) -> dict[str, Any]:
    found = {
        "title": outline.title,
        "license": outline.license,
        "visibility": outline.visibility,
        "edition": outline.edition,
        "maintainers": list(owners(outline, side)),
        "releases": list(outline.releases),
    }
    return {name: value for name, value in found.items() if value is not None}


def _of_fields(subject: Subject, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    one, other = resolving.model(old), resolving.model(new)
    renamed = subject.before is not None and subject.before.id != subject.entry.id
    if renamed and subject.before is not None:
        other["aliases"] = [alias for alias in other["aliases"] if alias != subject.before.id]
    for pointer, before, after in leaves(one, other):
        name = str(pointer[0])
        if name not in _APART:
            kind = _KINDS.get(name, Kind.FIELD_CHANGED)
            yield subject.change(kind, pointer=pointer, before=before, after=after)


def _of_audience(subject: Subject, old: Outline, new: Outline) -> Iterator[Change]:
    base, merged = subject.base, subject.merged
    order = Audiences(base.roles, base.settings.organisation)
    one, other = order.of(old), Audiences(merged.roles, merged.settings.organisation).of(new)
    if old.visibility == new.visibility == "organisation":
        one, other = _members(base), _members(merged)
    step = order.step(one, other)
    if old.visibility != new.visibility:
        values: dict[str, Any] = {"pointer": ("visibility",), "before": old.visibility, "after": new.visibility}
        yield subject.change(_STEPS[step], **values)
    if set(old.allowed) != set(new.allowed):
        kind = Kind.FIELD_CHANGED if old.visibility != new.visibility else _STEPS.get(step, Kind.FIELD_CHANGED)
        yield subject.change(kind, pointer=("allowed",), before=list(old.allowed), after=list(new.allowed))
    elif old.visibility == new.visibility and step is not Step.SAME:
        yield subject.change(
            _STEPS[step],
            field="audience",
            path=written(merged.paths, "roles.yaml"),
            pointer=("groups",),
            before=sorted(one.people),
            after=sorted(other.people),
        )


def _members(side: Side) -> Audience:
    """The organisation by its people: they may be others on the other side."""
    return Audience("restricted", frozenset(side.roles.groups.get(side.settings.organisation or "", ())))


def _of_owners(subject: Subject, old: Outline, new: Outline) -> Iterator[Change]:
    before, after = owners(old, subject.base), owners(new, subject.merged)
    if set(before) != set(after):
        own = old.maintainers != new.maintainers or old.publisher != new.publisher
        path = None if own else written(subject.merged.paths, f"publishers/{new.publisher}.yaml")
        yield subject.change(
            Kind.OWNERS_CHANGED, path=path, pointer=("maintainers",), before=list(before), after=list(after)
        )


def _of_files(subject: Subject, old: Outline, new: Outline, files: Iterable[str]) -> Iterator[Change]:
    for name in sorted(set(files)):
        kind = Kind.COVER_CHANGED if name == "cover.webp" else Kind.CARD_CHANGED
        one = subject.base.paths.get(f"{layout.folder(old.type, old.id)}/{name}")
        other = subject.merged.paths.get(f"{layout.folder(new.type, new.id)}/{name}")
        before, after = one.blob if one else None, other.blob if other else None
        if before != after:
            yield subject.change(kind, file=name, field=name, before=before, after=after)
