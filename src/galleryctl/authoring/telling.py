"""What a change of a model means for its users and for runtimes, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl import layout
from galleryctl.authoring import depending

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from galleryctl.authoring.depending import Dependent
    from galleryctl.gallery import Outline
    from galleryctl.spec import Settings, Status

_MOST = 20  # dependents that are named; the rest is counted


def lists(before: Outline, after: Outline | None, settings: Settings) -> Iterator[str]:
    """Which lists, documents and exports it leaves or enters."""
    where = f"lists, search, the sitemap, feeds and {layout.type_document(before.type)}"
    if settings.runtimes:
        where += f", and the exports for {_joined(settings.runtimes)}"
    page = layout.address(layout.model_page(before.id))
    was, shown = _shown(before), after is not None and _shown(after)
    if was and not shown:
        yield f"It leaves {where}."
    elif shown and not was:
        yield f"It comes into {where}."
    elif shown:
        marked = "" if after is None or after.status == "active" else f", marked as {after.status}"
        yield f"It stays in {where}{marked}."
    else:
        yield f"As before it is not in {where}" + (f": it {_why(after)}." if after else ".")
    if after is None:
        yield f"Its page {page} says that it was removed, why, and what to use instead."
    elif not shown:
        yield f"Its page {page} and {layout.model_document(before.id)} stay at their addresses, and say why."


def _why(outline: Outline) -> str:
    if not outline.listed:
        return "is withdrawn"
    return f"is {outline.status}" if outline.status != "active" else "has no release in use"


def _shown(outline: Outline) -> bool:
    return outline.listed and outline.latest is not None


def latest(before: Outline, after: Outline | None) -> Iterator[str]:
    """What becomes of those who take the newest release."""
    old, new = before.latest, after.latest if after else None
    if old == new and old is not None:
        yield f"The newest release stays {old}."
    elif new is None and old is not None:
        yield f"The newest release: {old} → none. Who asks for the newest gets nothing any more."
    elif old is None and new is not None:
        yield f"The newest release: none → {new}. Who asks for the newest gets it with the next sync."
    elif old != new:
        yield f"The newest release: {old} → {new}. Who follows the newest gets it with the next sync."


def pins(before: Outline, after: Outline | None, versions: Collection[str]) -> Iterator[str]:
    """What becomes of exact pins of these releases, by what becomes of them."""
    groups: dict[Status | None, list[str]] = {}
    for version in versions:
        groups.setdefault(after.releases.get(version) if after else None, []).append(version)
    for status, found in groups.items():
        which = f"Pins of {before.id}@{_joined(found)}"
        if status == "active":
            yield f"{which} resolve, without a warning."
        elif status is None:
            yield f"{which} are refused from then on, with the reason; who lost a copy cannot get it again."
        elif status == "quarantined":
            yield f"{which} are refused, and runtimes that sync stop copies they have: {layout.REVOKED} names them."
        else:
            yield f"{which} go on resolving, with a warning that says: {status}, and why."


def used(dependents: Collection[Dependent], before: Outline, version: str = "") -> Iterator[str]:
    """Who depends on it."""
    if not dependents:
        what = f"{before.id}@{version}" if version else before.id
        yield f"No service in consumers/ pins {what}" + ("." if version else ", and no other model names it.")
    for dependent in list(dependents)[:_MOST]:
        yield f"{depending.sentence(dependent, before.id)}."
    if len(dependents) > _MOST:
        yield f"And {len(dependents) - _MOST} more: galleryctl dependents {before.id}"


def _joined(words: Collection[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
