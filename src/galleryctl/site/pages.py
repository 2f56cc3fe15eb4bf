"""The other pages: what was removed or renamed, changes, about, rules, 404; and the assets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from galleryctl import canonical, checks, layout
from galleryctl.output import Output
from galleryctl.site import cards, covers, events, native, signatures, wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from galleryctl.gallery import Entry
    from galleryctl.site.frame import Frame
    from galleryctl.spec import Tombstone

CHANGES = 50
"""Events of the page of changes."""
_NEWEST = 5


def outputs(frame: Frame) -> Iterator[Output]:
    view = frame.view
    newest = events.latest(events.telling(view), CHANGES)
    key = frame.fingerprint("changes", events.key(frame, newest))
    yield frame.output("changes/index.html", "changes.html", key, partial(_changes, frame, newest))
    about = _about(frame)
    yield frame.output("about/index.html", "about.html", frame.fingerprint("about", repr(about)), partial(dict, about))
    yield frame.output("rules/index.html", "rules.html", frame.fingerprint("rules"), _rules)
    first = view.shown.newest[:_NEWEST]
    key = frame.fingerprint("404", *(frame.row_keys[entry.id] for entry in first))
    yield Output("404.html", key, partial(_lost, frame, first))
    for identifier, stone in view.tombstones.items():
        if stone.whole and identifier not in view.gallery.by_id:
            known = str(stone.successor in view.gallery.by_id)
            key = frame.fingerprint("removed", identifier, stone.model_dump_json(), known)
            yield frame.output(
                layout.model_page(identifier), "removed.html", key, partial(_removed, frame, identifier, stone)
            )
    for alias, identifier in view.gallery.aliases.items():
        if alias not in view.gallery.by_id and alias not in view.tombstones:
            key = frame.fingerprint("moved", alias, identifier)
            yield frame.output(layout.model_page(alias), "moved.html", key, partial(_moved, alias, identifier))
    for name, data in frame.look.assets.items():
        yield Output(f"assets/{name}", canonical.digest(data), partial(bytes, data))


def _changes(frame: Frame, newest: events.Telling) -> dict[str, Any]:
    return {
        "nav": "changes",
        "title": "Changes",
        "description": "Models added, renamed or removed, releases published and definitions changed, newest first.",
        "noindex": False,
        "days": events.days(events.events(frame, newest, CHANGES)),
    }


def _numbers(frame: Frame) -> dict[str, int]:
    view = frame.view
    return {
        "models": len(view.shown),
        "releases": sum(len(entry.outline.releases) for entry in view.shown),
        "publishers": len(view.by_publisher),
        "types": sum(1 for entries in view.by_type.values() if entries),
        "pinned": sum(entry.outline.pinned for entry in view.shown),
    }


def _about(frame: Frame) -> dict[str, Any]:
    shown = [name for name, entries in frame.view.by_type.items() if entries]
    newest = frame.view.shown.newest
    return {
        "nav": "about",
        "title": "About",
        "description": "What this gallery is, how its index is used, and what it promises.",
        "noindex": False,
        "numbers": _numbers(frame),
        "example_type": shown[0] if shown else "llm",
        "example": newest[0].id if newest else "publisher/name",
        "rules": len(checks.RULES),
        "natives": list(native.listed(frame)),
        "signing": signatures.about(frame.view.trust, frame.view.now),
    }


def _rules() -> dict[str, Any]:
    found = []
    for rule in sorted(checks.RULES.values(), key=lambda rule: rule.code):
        _, _, body = rule.page.partition("\n")
        html = cards.render(body, f"{rule.code}-")
        found.append(
            {"code": rule.code, "title": cards.inline(rule.title), "severity": rule.severity.value, "html": html}
        )
    return {
        "nav": "about",
        "title": "Rules for definitions",
        "description": "Every rule that definitions are checked by: what it catches, why, and how to mend it.",
        "noindex": False,
        "found": found,
    }


def _lost(frame: Frame, newest: Sequence[Entry]) -> bytes:
    values = {
        "nav": "",
        "title": "Not found",
        "description": "There is no page at this address.",
        "noindex": True,
        "cover": covers.holes("404/not-found", 5),
        "suggestions": [
            (
                entry.id,
                layout.address(layout.model_page(entry.id)),
                covers.holes(entry.id, frame.positions[entry.outline.type]),
                covers.ink(entry.outline.publisher),
            )
            for entry in newest
        ],
    }
    return frame.page("404.html", "404.html", values, root=frame.absolute)


def _removed(frame: Frame, identifier: str, stone: Tombstone) -> dict[str, Any]:
    successor = frame.view.gallery.by_id.get(stone.successor or "")
    return {
        "nav": "models",
        "title": f"{identifier} was removed",
        "description": f"{identifier} was removed from the gallery.",
        "noindex": True,
        "id": identifier,
        "cover": covers.holes(identifier, frame.positions.get(stone.type, 0)),
        "since": wording.day(stone.since),
        "reason": stone.reason,
        "releases": stone.releases,
        "successor": stone.successor or "",
        "successor_href": layout.address(layout.model_page(successor.id)) if successor else "",
    }


def _moved(alias: str, identifier: str) -> dict[str, Any]:
    return {
        "nav": "models",
        "title": f"{alias} is now {identifier}",
        "description": f"{alias} is now called {identifier}.",
        "noindex": True,
        "alias": alias,
        "id": identifier,
        "href": layout.address(layout.model_page(identifier)),
    }
