"""What a person sees on a terminal: tables and pages, as wide as the terminal, plain where output is no terminal."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from galleryctl.problems import Severity
from galleryctl.spec import localised, version_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from galleryctl.checks.rule import Rule
    from galleryctl.gallery import Entry, Outline
    from galleryctl.spec import ModelDocument, Settings, Variant

_STYLES = {Severity.ERROR: "red", Severity.WARN: "yellow", Severity.NOTE: "cyan"}
_STATES = {"active": "green", "deprecated": "yellow", "discontinued": "red", "quarantined": "red"}
_PIPE_WIDTH = 160
_UNITS = ("B", "kB", "MB", "GB", "TB")


def console() -> Console:
    """Standard output; piped output is plain and wide, so that nothing is cut that a program may want."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(file=sys.stdout, width=_PIPE_WIDTH, highlight=False, color_system=None)


def rules(found: Iterable[Rule]) -> None:
    """All rules, one a line."""
    table = _table("code", "severity", "what it catches", "fix")
    for rule in sorted(found, key=lambda rule: rule.code):
        severity = Text(rule.severity.value + ("!" if rule.fixed else ""), style=_STYLES[rule.severity])
        table.add_row(rule.code, severity, rule.title, "--fix" if rule.fixable else "")
    console().print(table)


def page(rule: Rule) -> None:
    """One rule's page."""
    head = Text.assemble((rule.code, "bold"), "  ", (rule.severity.value, _STYLES[rule.severity]))
    if rule.fixed:
        head.append("  fixed: policy cannot change it")
    if rule.fixable:
        head.append("  check --fix mends it")
    out = console()
    out.print(head)
    out.print(Markdown(rule.page) if out.is_terminal else Text(rule.page))


def ordered(entries: Sequence[Entry], by: str) -> list[Entry]:
    """Entries, given newest first, in another order."""
    if by == "id":
        return sorted(entries, key=lambda entry: entry.id)
    if by == "updated":
        return sorted(entries, key=lambda entry: -(entry.outline.updated.timestamp() if entry.outline.updated else 0))
    if by == "size":
        return sorted(entries, key=lambda entry: min((weights for _, weights, _ in entry.outline.builds), default=1e9))
    return list(entries)


def models(entries: Sequence[Entry], form: str, settings: Settings) -> None:
    """A list of models."""
    if form == "json":
        _json([json.loads(entry.outline.model_dump_json(exclude_defaults=True)) for entry in entries])
        return
    table = _table("id", "type", "release", "status", "added", "licence", "summary")
    for entry in entries:
        outline = entry.outline
        summary = localised(outline.summary or outline.title, settings.default_language, settings.default_language)
        table.add_row(
            outline.id, outline.type, outline.latest or "–", _state(outline),
            outline.added.date().isoformat() if outline.added else "–", outline.license or "–", summary,
        )  # fmt: skip
    console().print(table)
    sys.stderr.write(f"{len(entries)} model{'' if len(entries) == 1 else 's'}\n")


def model(entry: Entry, form: str, settings: Settings) -> None:
    """One model: facts, then releases, then the variants of the current release."""
    if form == "json":
        _json(json.loads(entry.wire))
        return
    document, outline, language = entry.document(), entry.outline, settings.default_language
    title = Text.assemble((localised(document.title, language, language), "bold"), "  ", (entry.id, "dim"), "  ")
    parts: list[Any] = [
        title.append_text(_state(outline)),
        Text(localised(document.summary, language, language)),
        Text(),
    ]
    parts.append(_facts(document, outline))
    if document.reason:
        parts.append(Text(f"reason: {document.reason}", style=_STATES[document.status]))
    parts += [Text(), Text("Releases", style="bold"), Padding(_releases(document, outline), (0, 0, 0, 2))]
    if outline.latest:
        parts += [
            Text(),
            Text(f"Variants of {outline.latest}", style="bold"),
            Padding(_variants(document.releases[outline.latest].variants), (0, 0, 0, 2)),
        ]
    console().print(Group(*parts))


def size(count: int) -> str:
    """Bytes as people write them, in powers of ten: `5.03 GB`."""
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - three digits
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {_UNITS[unit]}"


def _facts(document: ModelDocument, outline: Outline) -> Table:
    table = Table.grid(padding=(0, 2))
    rows = [
        ("type", document.type),
        ("licence", document.license or "–"),
        ("tags", ", ".join(document.tags)),
        *((key.replace("_", " "), _value(value)) for key, value in outline.facts.items()),
        ("added", f"{outline.added:%Y-%m-%d %H:%M} UTC by {outline.by}" if outline.added else ""),
        (
            "updated",
            f"{outline.updated:%Y-%m-%d %H:%M} UTC in {(outline.commit or '')[:12]}" if outline.updated else "",
        ),
        ("base models", ", ".join(document.base_models)),
        ("successor", document.successor or ""),
        ("expires", document.expires.isoformat() if document.expires else ""),
    ]
    for key, value in rows:
        if value:
            table.add_row(Text(key, style="dim"), value)
    return table


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _releases(document: ModelDocument, outline: Outline) -> Table:
    table = _table("version", "status", "released", "notes")
    for version in sorted(document.releases, key=version_key, reverse=True):
        release = document.releases[version]
        when = release.released or release.published
        state = outline.releases[version]
        table.add_row(
            version, Text(state, style=_STATES[state]), when.date().isoformat() if when else "–", release.notes or ""
        )
    return table


def _variants(variants: Iterable[Variant]) -> Table:
    table = _table("variant", "format", "quantizations", "source", "files", "size")
    for variant in variants:
        files = [file for group in variant.files.values() for file in group]
        hubs = variant.sources.hubs() if variant.sources else {}
        source = next((f"{kind}:{hub.repo}" for kind, hub in hubs.items()), "–")
        known = sum(file.size or 0 for file in files)
        table.add_row(
            variant.name, variant.format or "–", ", ".join(variant.quantizations) or "–", source,
            str(len(files)) if files else "–", size(known) if known else "–",
        )  # fmt: skip
    return table


def _state(outline: Outline) -> Text:
    state = Text(outline.status, style=_STATES[outline.status])
    return state if outline.listed else state.append(", withdrawn", style="yellow")


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="ellipsis", no_wrap=column not in {"summary", "notes", "what it catches"})
    return table


def _json(value: Any) -> None:  # noqa: ANN401
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
