"""How models are related: where a model comes from, what was made of it, who uses it, what replaces it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from galleryctl import layout
from galleryctl.site import rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from galleryctl.gallery import Outline
    from galleryctl.site.frame import Frame

_DRAWN = 6
_STEP, _HEIGHT, _LETTER = 62, 46, 7.6
_LEFT, _MIDDLE, _RIGHT, _WIDTH = 10, 290, 560, 240


class Relative(NamedTuple):
    """A model another one is related to; without `href` the gallery does not hold it."""

    id: str
    href: str
    title: str
    note: str


class Box(NamedTuple):
    """One box of the drawing."""

    x: int
    y: int
    width: int
    id: str
    note: str
    href: str
    me: bool


class Lineage(NamedTuple):
    bases: tuple[Relative, ...]
    derived: tuple[Relative, ...]
    more: int
    replaces: tuple[Relative, ...]
    successor: Relative | None
    boxes: tuple[Box, ...]
    lines: str
    height: int
    summary: str


class Use(NamedTuple):
    """A service that uses the model."""

    title: str
    link: str
    version: str
    status: str


def relatives(frame: Frame, outline: Outline) -> tuple[str, ...]:
    """Ids of all models whose change shows on the page of this one."""
    gallery = frame.view.gallery
    found = [*outline.base_models, *gallery.derived.get(outline.id, ()), *gallery.replaced.get(outline.id, ())]
    return tuple(dict.fromkeys([*found, *([outline.successor] if outline.successor else [])]))


def lineage(frame: Frame, outline: Outline, root: str) -> Lineage | None:
    """The family of a model; none where it has none. Derived and replaced models count only while lists show them."""
    gallery, shown = frame.view.gallery, frame.view.shown.by_id
    bases = tuple(relative(frame, base, root) for base in outline.base_models)
    derived = tuple(relative(frame, id_, root) for id_ in gallery.derived.get(outline.id, ()) if id_ in shown)
    replaces = tuple(relative(frame, id_, root) for id_ in gallery.replaced.get(outline.id, ()))
    successor = relative(frame, outline.successor, root) if outline.successor else None
    if not (bases or derived or replaces or successor):
        return None
    left, right = bases[:_DRAWN], derived[:_DRAWN]
    rows_ = max(len(left), len(right), 1)
    boxes = [*_column(left, _LEFT, rows_), *_column(right, _RIGHT, rows_)] if left or right else []
    middle = (rows_ * _STEP - (_STEP - _HEIGHT)) // 2
    me = Box(_MIDDLE, middle - _HEIGHT // 2 + 4, 220, _short(outline.id, 220), "this model", "", me=True)
    return Lineage(
        bases=bases,
        derived=derived[:24],
        more=max(0, len(derived) - 24),
        replaces=replaces,
        successor=successor,
        boxes=(*boxes, me) if boxes else (),
        lines="".join(_lines(boxes, me)),
        height=rows_ * _STEP - (_STEP - _HEIGHT) + 8,
        summary=_summary(len(bases), len(derived)),
    )


def relative(frame: Frame, identifier: str, root: str) -> Relative:
    """A model by its id, or an earlier one."""
    known = frame.view.gallery.find(identifier)
    if known is None:
        stone = frame.view.tombstones.get(identifier)
        if stone is not None and stone.whole:
            return Relative(identifier, f"{root}{layout.address(layout.model_page(identifier))}", identifier, "removed")
        return Relative(identifier, "", identifier, "not in this gallery")
    outline = known.outline
    note = rows.sizes(outline.parameters) if outline.status == "active" else outline.status
    href = f"{root}{layout.address(layout.model_page(outline.id))}"
    return Relative(outline.id, href, frame.text(outline.title), note or frame.types[outline.type])


def uses(frame: Frame, outline: Outline) -> list[Use]:
    """The services that pin a model, with the release they pin and what became of it."""
    found = []
    aliases = frame.view.gallery.aliases
    for service in frame.view.used_by.get(outline.id, ()):
        consumer = frame.view.consumers[service]
        for pin in consumer.pins:
            if aliases.get(pin.model, pin.model) == outline.id:
                status = outline.releases.get(pin.version or "", "active")
                found.append(
                    Use(
                        frame.text(consumer.title),
                        consumer.link or "",
                        pin.version or "",
                        "" if status == "active" else status,
                    )
                )
    return found


def _column(relations: Sequence[Relative], x: int, height: int) -> Iterator[Box]:
    start = (height - len(relations)) * _STEP // 2 + 4
    for index, item in enumerate(relations):
        yield Box(x, start + index * _STEP, _WIDTH, _short(item.id, _WIDTH), item.note, item.href, me=False)


def _lines(boxes: Sequence[Box], me: Box) -> Iterator[str]:
    for box in boxes:
        one, other = (box, me) if box.x < me.x else (me, box)
        x, y = one.x + one.width, one.y + _HEIGHT // 2
        end, target = other.x, other.y + _HEIGHT // 2
        half = (end - x) // 2
        yield f"M{x} {y}c{half} 0 {end - x - half} {target - y} {end - x} {target - y}"


def _short(identifier: str, width: int) -> str:
    room = int((width - 24) / _LETTER)
    return identifier if len(identifier) <= room else f"{identifier[: room - 1]}…"


def _summary(bases: int, derived: int) -> str:
    parts = [f"{bases} base model{'s' * (bases != 1)}"] if bases else []
    parts += [f"{derived} listed descendant{'s' * (derived != 1)}"] if derived else []
    return ", ".join(parts)
