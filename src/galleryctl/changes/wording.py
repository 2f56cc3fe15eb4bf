"""Changes in plain English, one line each: `licence MIT → Apache-2.0`, `release 1.2.0 added`.

What comes from definitions stands on one line, is cut, and hides nothing. It is text: whoever makes HTML or Markdown of
it has to escape it.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from galleryctl.changes.base import Kind
from galleryctl.changes.values import LONGEST, short, shown, step, told, value, verb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from galleryctl.changes.base import Change

_PLAIN = frozenset({"none", "default"})
"""Quantizations that are none."""
_LAST = (Kind.FIELD_CHANGED, Kind.CARD_CHANGED, Kind.COVER_CHANGED)  # words weigh less than what happens to a model
_ORDER = {kind: index + len(Kind) * (kind in _LAST) for index, kind in enumerate(Kind)}
_LABELS = {
    "aliases": "earlier ids",
    "base_models": "made from",
    "license": "licence",
    "license_url": "address of the licence",
    "expires": "expiry",
    "free_days": "free days",
    "effective_from": "day from which terms hold",
    "as": "installed path",
}
_UNTOLD = {"sha256", "notes", "description", "template", "chat_template"}
"""Fields whose values say nothing to a reader of one line."""


def of(change: Change) -> str:
    """One change, without its subject."""
    return _SAID.get(change.kind, _field)(change)


def summary(found: Iterable[Change]) -> str:
    """Changes of one subject on one line: what matters most first, each said once."""
    return " · ".join(dict.fromkeys(of(change) for change in ordered(found)))


def ordered(found: Iterable[Change]) -> list[Change]:
    """Changes of one subject as people read them: what it is, who may see it, its releases, then the rest."""
    return sorted(found, key=lambda change: (_ORDER[change.kind], change))


def grouped(found: Iterable[Change]) -> Iterator[tuple[str, list[Change]]]:
    """Sorted changes by what they are about, each group with its heading: an id, `publisher acme`, `service chat`."""
    for heading, group in groupby(found, key=heading_of):
        yield heading, ordered(group)


def heading_of(change: Change) -> str:
    """What a change is about, in words."""
    subject = shown(change.subject)
    kind = change.kind.value
    if kind.startswith("publisher-"):
        return f"publisher {subject}"
    return f"service {subject}" if change.kind is Kind.CONSUMER_CHANGED else subject


def _model(change: Change) -> str:
    facts = change.after or change.before or {}
    versions = facts.get("releases", [])
    parts = ["new" if change.kind is Kind.MODEL_ADDED else "removed"]
    if versions:
        parts.append(f"release{'s' * (len(versions) != 1)} {value(versions)}")
    if change.kind is Kind.MODEL_ADDED:
        parts += [value(facts["license"])] if facts.get("license") else ["no licence"]
        parts.append(f"visibility {facts.get('visibility', change.visibility)}")
    return " · ".join(parts)


def _file(change: Change) -> str:
    language = change.field.removeprefix("README").removesuffix(".md").strip(".")
    card = f"card ({shown(language, LONGEST)})" if language else "card"
    what = "cover" if change.kind is Kind.COVER_CHANGED else card
    return f"{what} {verb(change.before, change.after)}"


def _audience(change: Change) -> str:
    if change.field == "visibility":
        return f"visibility {step(change.before, change.after)}"
    how = "more" if change.kind is Kind.VISIBILITY_WIDENED else "fewer"
    return f"visible to {how} people: {step(change.before, change.after)}"


def _status(change: Change) -> str:
    what = f"release {change.version} " if change.version else ""
    before, after = value(change.before or "active"), value(change.after or "active")
    if after == "active":
        return f"{what}reinstated (was {before})"
    return f"{what}{after}" + (f" (was {before})" if before != "active" else "")


def _expiry(change: Change) -> str:
    if change.after is None:
        return f"does not expire any more (was {value(change.before)})"
    return f"expires {value(change.after)}" + (f" (was {value(change.before)})" if change.before else "")


def _consumer(change: Change) -> str:
    if not change.field:
        facts = change.after or change.before or {}
        pins = [_pin(pin) for pin in facts.get("pins", [])]
        return f"{verb(change.before, change.after)}, pins {value(pins)}"
    if change.pointer[0] != "pins":
        return _field(change)
    if change.before is None or change.after is None:
        return f"pin of {_pin(change.after or change.before)} {verb(change.before, change.after)}"
    return f"pin of {_pin(change.before)} → {_pin(change.after)}"


def _pin(pin: Any) -> str:  # noqa: ANN401 - a JSON object
    parts = (pin.get("model", ""), pin.get("version", "(newest)"), pin.get("variant", ""))
    return shown(" ".join(part for part in parts if part), LONGEST * 2)


def _tombstone(facts: Any) -> str:  # noqa: ANN401 - a JSON object
    gone = "" if facts.get("whole", True) else f" of releases {value(facts.get('releases', []))}"
    successor = f", successor {value(facts['successor'])}" if facts.get("successor") else ""
    return f"tombstone{gone} added: {shown(str(facts.get('reason', '')), LONGEST)}{successor}"


def _field(change: Change) -> str:
    """`context_length of 1.0.0 4096 → 8192`; `digest of 2.0.0 Q4_K_M changed`."""
    what = _what(change)
    before, after = change.before, change.after
    if before is None or after is None:
        one = after if before is None else before
        said = f": {value(one)}" if short(one) and not _untold(change) else ""
        return f"{what} {verb(before, after)}{said}"
    if isinstance(before, list) and isinstance(after, list) and sorted(map(str, before)) == sorted(map(str, after)):
        return f"order of {what} changed"
    if _untold(change) or not told(before, after):
        return f"{what} changed"
    return f"{what} {step(change.before, change.after)}"


def _untold(change: Change) -> bool:
    return bool(change.pointer) and str(change.pointer[-1]) in _UNTOLD


def _what(change: Change) -> str:
    """The field in words, with the release and the part of it that it belongs to."""
    pointer = [str(part) for part in change.pointer] or [change.field]
    if not change.version:
        where = {"links": "link", "title": "title", "summary": "summary", "description": "description"}.get(pointer[0])
        if len(pointer) == 2 and where:  # noqa: PLR2004 - a field and a key of it
            return (
                f"{where} {shown(pointer[1], LONGEST)}"
                if where == "link"
                else f"{where} ({shown(pointer[1], LONGEST)})"
            )
        if change.kind in {Kind.GOVERNANCE_CHANGED, Kind.TAXONOMY_CHANGED}:
            return shown(change.field, 2 * LONGEST)
        plain = pointer[-1] if pointer[0] in {"terms", "readme"} else ".".join(pointer)
        return _label(plain)
    if change.field == "sources":
        return f"source of {change.version}"
    if change.field == "variants" and change.kind is Kind.LICENCE_CHANGED:
        return f"licence of {change.version}"
    return _of_release(change, pointer)


def _of_release(change: Change, pointer: Sequence[str]) -> str:
    version = change.version
    if pointer[0] == "variants" and len(pointer) > 1:
        part = change.before if change.after is None else change.after
        if len(pointer) == 2:  # noqa: PLR2004 - the variant itself
            facts = part if isinstance(part, dict) else {}
            name = facts.get("key") or "-".join(
                str(facts[key]).lower() for key in ("parameters", "format") if key in facts
            )
            return shown(f"variant {name or pointer[1]} of {version}", 2 * LONGEST)
        if pointer[2] == "files" and len(pointer) > 3:  # noqa: PLR2004 - a quantization and what is in it
            return _of_file(version, pointer, part)
        if pointer[2] == "sources" and len(pointer) > 3:  # noqa: PLR2004 - a kind of source
            return shown(f"{_label('.'.join(pointer[4:]) or 'source')} of {version} {pointer[3]}", 2 * LONGEST)
        return shown(f"{_label('.'.join(pointer[2:]))} of {version}", 2 * LONGEST)
    plain = pointer[1:] if pointer[0] == "spec" and len(pointer) > 1 else pointer
    return shown(f"{_label('.'.join(plain))} of {version}", 2 * LONGEST)


def _of_file(version: str, pointer: Sequence[str], part: Any) -> str:  # noqa: ANN401 - any JSON value
    where = version if pointer[3] in _PLAIN else f"{version} {pointer[3]}"
    if len(pointer) == 4:  # noqa: PLR2004 - all files of a quantization
        return shown(f"files of {where}", 2 * LONGEST)
    if len(pointer) == 5:  # noqa: PLR2004 - one file
        path = part.get("path", "") if isinstance(part, dict) else ""
        return shown(f"file {path} of {where}", 2 * LONGEST)
    return shown(f"{_label('.'.join(pointer[5:]))} of {where}", 2 * LONGEST)


def _label(field: str) -> str:
    return shown(_LABELS.get(field) or field.replace("_", " "), LONGEST)


def _governing(change: Change) -> str:
    return _field(change) if change.field else verb(change.before, change.after)


_SAID: Mapping[Kind, Callable[[Change], str]] = {
    Kind.MODEL_ADDED: _model,
    Kind.MODEL_REMOVED: _model,
    Kind.MODEL_RENAMED: lambda change: f"renamed from {value(change.before)}",
    Kind.MODEL_MOVED: lambda change: f"type {step(change.before, change.after)}",
    Kind.OWNERS_CHANGED: lambda change: f"owners {step(change.before, change.after)}",
    Kind.VISIBILITY_WIDENED: _audience,
    Kind.VISIBILITY_NARROWED: _audience,
    Kind.STATUS_CHANGED: _status,
    Kind.LISTING_CHANGED: lambda change: "listed again" if change.after else "withdrawn from lists",
    Kind.EXPIRY_CHANGED: _expiry,
    Kind.CARD_CHANGED: _file,
    Kind.COVER_CHANGED: _file,
    Kind.RELEASE_ADDED: lambda change: f"release {change.version} added",
    Kind.RELEASE_REMOVED: lambda change: f"release {change.version} removed",
    Kind.RELEASE_STATUS_CHANGED: _status,
    Kind.PUBLISHER_ADDED: lambda _: "publisher added",
    Kind.PUBLISHER_REMOVED: lambda _: "publisher removed",
    Kind.CONSUMER_CHANGED: _consumer,
    Kind.TOMBSTONE_ADDED: lambda change: _tombstone(change.after),
    Kind.TOMBSTONE_REMOVED: lambda _: "tombstone removed",
    Kind.GOVERNANCE_CHANGED: _governing,
    Kind.FILE_CHANGED: _governing,
}
"""What is no field of something that was there and still is."""
