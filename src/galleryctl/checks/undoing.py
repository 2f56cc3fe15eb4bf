"""What was published a moment ago may be taken back without a trace, while nothing refers to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.checks.identity import data_file
from galleryctl.spec import time_span

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from galleryctl.checks.pairs import Pair


def against(pair: Pair, version: str = "") -> str:
    """Why a model of base, or one release of it, cannot be taken back; empty where it can."""
    comparison = pair.comparison
    window = comparison.base.context.policy.clocks.undo
    states = pair.before.outline.releases if pair.before else {}
    if "quarantined" in ([states.get(version)] if version else states.values()):
        return "it is quarantined, and those who have it must go on being told"
    when = _published(pair, version)
    if when is None:
        return "when it was published is not known"
    if not when <= comparison.now <= when + time_span(window):
        return f"it was published on {when.date()}, and only within {window} may that be undone"
    place = next(_references(pair, version), "")
    return f"{place} refers to it" if place else ""


def _published(pair: Pair, version: str) -> dt.datetime | None:
    if version:
        return pair.old.releases[version].published if pair.old and version in pair.old.releases else None
    return pair.before.outline.added if pair.before else None


def _references(pair: Pair, version: str) -> Iterator[str]:
    """Files that name a model, or this release of it. A pin counts even if the same pull request drops it."""
    merged = pair.comparison.merged
    names = {pair.id, *(pair.before.outline.aliases if pair.before else ())}
    for world in (pair.comparison.base, merged):
        for service, consumer in world.consumers.items():
            if any(pin.model in names and version in {"", pin.version} for pin in consumer.pins):
                yield data_file(world, f"consumers/{service}")
    if version:
        return
    gallery = merged.gallery
    for name in (*gallery.derived.get(pair.id, ()), *gallery.replaced.get(pair.id, ())):
        yield merged.model_file(gallery.by_id[name].outline)
    for name, tombstone in merged.tombstones.items():
        if tombstone.successor == pair.id:
            yield data_file(merged, f"removed/{name}")
