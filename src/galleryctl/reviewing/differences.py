"""A list of changes, and what they do, as `diff` shows them: sections for a terminal, JSON, Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galleryctl import changes
from galleryctl.changes import Kind, wording
from galleryctl.changes.values import shown
from galleryctl.document import parse
from galleryctl.reviewing.markdown import code, prose
from galleryctl.terminal import size
from galleryctl.terminal.differences import Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from galleryctl.changes import Change
    from galleryctl.git import Tree
    from galleryctl.reviewing.effects import Effects, Hit, Reach
    from galleryctl.spec import Limits
    from galleryctl.terminal.differences import Mark

_CAME = frozenset({Kind.MODEL_ADDED, Kind.RELEASE_ADDED, Kind.PUBLISHER_ADDED})
_WENT = frozenset({Kind.MODEL_REMOVED, Kind.RELEASE_REMOVED, Kind.PUBLISHER_REMOVED, Kind.VISIBILITY_NARROWED})
_RISKS = frozenset(
    {
        Kind.GOVERNANCE_CHANGED,
        Kind.LICENCE_CHANGED,
        Kind.OWNERS_CHANGED,
        Kind.RELEASE_CHANGED,
        Kind.SOURCE_CHANGED,
        Kind.TOMBSTONE_CHANGED,
        Kind.TOMBSTONE_REMOVED,
        Kind.VISIBILITY_WIDENED,
    }
)
_STATES = frozenset({Kind.STATUS_CHANGED, Kind.RELEASE_STATUS_CHANGED})
_HARMLESS = frozenset({"notes", "reason", "metrics", "checked"})
_OUTCOMES: dict[str, Mark] = {"added": "+", "removed": "-", "changed": "~", "left out": "!"}
_FATES: dict[str, Mark] = {"moved": "~", "reinstated": "+", "deprecated": "!", "changed": "!"}
_FILES = 4
"""Files of an export that are named."""
_LEFT = 2
"""Variants that an export leaves out that are named."""


def mark(change: Change) -> Mark:
    """What a reader should make of a change at a glance."""
    if change.kind in _CAME or (change.kind not in _RISKS and change.before is None and change.after is not None):
        return "+"
    if change.kind in _WENT:
        return "-"
    if change.kind in _STATES:
        return "+" if change.after == "active" else "!"
    if change.kind is Kind.RELEASE_CHANGED and change.pointer[:1] and change.pointer[0] in _HARMLESS:
        return "~"
    return "!" if change.kind in _RISKS else "~"


def sections(found: Sequence[Change], effects: Effects | None = None) -> Iterator[Section]:
    """Changes by what they are about, then what they do."""
    for heading, group in wording.grouped(found):
        lines = dict.fromkeys((mark(change), wording.of(change)) for change in group)
        yield Section(heading, _note(group), tuple(lines))
    if effects is not None:
        yield from _effects(effects)


def _note(group: Sequence[Change]) -> str:
    """Type of the model, and what is not usual about it."""
    first = next((change for change in group if change.visibility), group[0])
    parts = (
        first.type,
        first.visibility if first.visibility != "public" else "",
        first.edition if first.edition != "community" else "",
    )
    return " · ".join(part for part in parts if part)


def _effects(effects: Effects) -> Iterator[Section]:
    runtimes = [(_OUTCOMES[reach.outcome], f"{reach.runtime}: {said(reach)}") for reach in effects.reaches]
    services = [(_FATES.get(hit.fate, "-"), f"{shown(hit.service)}: {fate(hit)}") for hit in effects.hits]
    yield Section("Runtimes", "", tuple(runtimes) or (("~", "no export differs"),))
    yield Section("Services", "", tuple(services) or (("~", "no pin is concerned"),))
    if effects.added or effects.removed:
        lines: list[tuple[Mark, str]] = [("+", size(effects.added))] if effects.added else []
        lines += [("-", size(effects.removed))] if effects.removed else []
        yield Section("Files", "", tuple(lines))


def said(reach: Reach) -> str:
    """What one runtime would see of one model."""
    files = [path.split("/", 2)[-1] for path in reach.files]
    named = ", ".join(files[:_FILES]) + (f" and {len(files) - _FILES} more" if len(files) > _FILES else "")
    rest = len(reach.left) - _LEFT
    told = "; ".join(each.rstrip(".") for each in reach.left[:_LEFT]) + (f"; and {rest} more" if rest > 0 else "")
    left = f"; left out {told}" if told and reach.outcome != "left out" else ""
    reasons = told if reach.outcome == "left out" else ""
    line = f"{reach.model} {reach.outcome}" + (f": {reasons or named}" if reasons or named else "")
    return shown(line + left)


def fate(hit: Hit) -> str:
    """What becomes of one pin."""
    pin = f"{hit.model} {hit.version or '(newest)'}"
    if hit.fate == "moved":
        return shown(f"{pin} {hit.before} → {hit.after}")
    return shown(f"{pin} {hit.fate}")


def summary(found: Sequence[Change]) -> str:
    """`3 changes in 2 models`."""
    if not found:
        return "no changes"
    models, count = len({*changes.of_models(found)}), len(found)
    where = f" in {models:,} model{'s' * (models != 1)}" if models else ""
    return f"{count:,} change{'s' * (count != 1)}{where}"


def markdown(found: Sequence[Change], effects: Effects | None = None) -> str:
    """A list for a comment or a page: nothing that comes from definitions is markup."""
    if not found:
        return "No changes.\n"
    titled = [(code(section.heading), section) for section in sections(found)]
    titled += [(section.heading, section) for section in _effects(effects)] if effects else []
    blocks = []
    for title, section in titled:
        note = f" {prose(section.note)}" if section.note else ""
        lines = "".join(f"\n- {prose(line)}" for _, line in section.lines)
        blocks.append(f"**{title}**{note}\n{lines}\n")
    return "\n".join(blocks)


def as_json(found: Iterable[Change], tree: Tree, name: str, limits: Limits) -> list[dict[str, Any]]:
    """The machine form. `line` is that of the merged tree, and absent for what is gone."""
    known: dict[str, Any] = {}
    rows = []
    for change in found:
        row = changes.as_json(change)
        if change.pointer and (line := _line(change, tree, name, limits, known)):
            row["line"] = line
        rows.append(row)
    return rows


def _line(change: Change, tree: Tree, name: str, limits: Limits, known: dict[str, Any]) -> int:
    governs = change.kind in {Kind.GOVERNANCE_CHANGED, Kind.FILE_CHANGED}
    path = change.path if governs else f"{name}/{change.path}"
    if path not in known:
        known[path] = None
        if path.endswith((".yaml", ".json")) and path in tree.entries(path):
            try:
                known[path] = parse(path, tree.read(path), limits)[0]
            except ValueError:  # a link or too large: the rules about paths tell it
                known[path] = None
    document = known[path]
    return document.locate(change.pointer).line if document is not None else 0
