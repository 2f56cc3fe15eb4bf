"""What a person sees on a terminal: tables and pages, as wide as the terminal, plain where output is no terminal.

On a narrow terminal whole columns go, the least needed first; an id, a version or a code is never cut. Piped output has
no colours and no end to its lines, so a program finds everything in it.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.cells import cell_len
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from galleryctl.problems import Severity
from galleryctl.spec import localised, version_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from galleryctl.checks.rule import Rule
    from galleryctl.gallery import Entry, Outline
    from galleryctl.spec import ModelDocument, Settings, Variant

_STYLES = {Severity.ERROR: "red", Severity.WARN: "yellow", Severity.NOTE: "cyan"}
_STATES = {"active": "green", "deprecated": "yellow", "discontinued": "red", "quarantined": "red"}
_ENDLESS = 10_000
_LICENCE = 22  # characters of a licence in a list; LicenseRef-… may be longer
_GAP = "  "  # between columns
_PROSE = 30  # characters below which a summary says nothing
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_ARRIVALS = {"new": "green", "imported": "green", "exists": "dim", "rejected": "red"}
_TITLE = 12  # characters below which a title says nothing
_INNER = {
    "builds",
    "digests",
    "installs",
    "facets",
    "sha256",
    "length",
}  # of use to the index, not to a reader of lists


def _console() -> Console:
    """Standard output, as it is now; tests and pipes replace it."""
    if sys.stdout.isatty():
        return Console(file=sys.stdout, highlight=False)
    return Console(file=sys.stdout, width=_ENDLESS, highlight=False, color_system=None)


def _print(console: Console, *parts: RenderableType) -> None:
    if console.is_terminal:
        console.print(Group(*parts))
        return
    with console.capture() as capture:
        console.print(Group(*parts))
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def rules(found: Iterable[Rule]) -> None:
    """All rules, one a line."""
    console = _console()
    table = _table("code", "severity", "what it catches")
    for rule in sorted(found, key=lambda rule: rule.code):
        severity = Text(rule.severity.value + ("!" if rule.fixed else ""), style=_STYLES[rule.severity])
        table.add_row(rule.code, severity, _prose(rule.title) + (Text("  --fix", "dim") if rule.fixable else Text()))
    _print(console, table)
    sys.stderr.write("error! is fixed: policy cannot change it; --fix: check --fix mends it\n")


def page(rule: Rule) -> None:
    """One rule's page."""
    console = _console()
    head = Text.assemble((rule.code, "bold"), "  ", (rule.severity.value, _STYLES[rule.severity]))
    if rule.fixed:
        head.append("  policy cannot change it", "dim")
    if rule.fixable:
        head.append("  check --fix mends it", "dim")
    _print(console, head, Text(), *(_page(rule.page) if console.is_terminal else [Text(rule.page)]))


def _page(page: str) -> Iterator[Text]:
    """A rule's Markdown, which is paragraphs and fenced examples, for a terminal."""
    paragraph: list[str] = []
    fenced, first = False, True
    for line in [*page.rstrip().splitlines(), ""]:
        if line.startswith("```") or (not line and not fenced):
            if paragraph:
                text = _prose(" ".join(paragraph))
                text.stylize("bold" if first else "")
                yield text
                first = False
            paragraph = []
            fenced = fenced != line.startswith("```")
            if not line:
                yield Text()
        elif fenced:
            yield Text(f"    {line}", "cyan")
        elif line.startswith(("* ", "- ")) and paragraph:
            yield _prose(" ".join(paragraph))
            paragraph = [line]
        else:
            paragraph.append(line.strip())


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
        _json([entry.outline.model_dump(mode="json", exclude_none=True, exclude=_INNER) for entry in entries])
        return
    console, language = _console(), settings.default_language
    rows = [
        {
            "id": Text(entry.id),
            "type": Text(entry.outline.type),
            "release": Text(entry.outline.latest or "–"),
            "status": _state(entry.outline),
            "added": Text(entry.outline.added.date().isoformat() if entry.outline.added else "–"),
            "licence": Text(entry.outline.license or "–"),
            "summary": Text(localised(entry.outline.summary or entry.outline.title, language, language)),
        }
        for entry in entries
    ]
    if rows:
        _print(console, _fitted(rows, console.width, ("licence", "added", "type", "release")))
    sys.stderr.write(f"{len(entries)} model{'' if len(entries) == 1 else 's'}\n")


def own(entries: Sequence[tuple[Entry, Sequence[str]]], form: str) -> None:
    """Somebody's models, each with why it is theirs."""
    if form == "json":
        told = (entry.outline.model_dump(mode="json", exclude_none=True, exclude=_INNER) for entry, _ in entries)
        _json([outline | {"why": list(why)} for outline, (_, why) in zip(told, entries, strict=True)])
        return
    console = _console()
    rows = [
        {
            "id": Text(entry.id),
            "status": _state(entry.outline),
            "visibility": Text(entry.outline.visibility),
            "expires": Text(entry.outline.expires.isoformat() if entry.outline.expires else "–"),
            "release": Text(entry.outline.latest or "–"),
            "why": Text("; ".join(why)),
        }
        for entry, why in entries
    ]
    if rows:
        _print(console, _fitted(rows, console.width, ("release", "visibility", "expires")))
    sys.stderr.write(f"{len(entries)} model{'' if len(entries) == 1 else 's'}\n")


class Arrival(NamedTuple):
    """One line of an import. `size` is in bytes, 0 where it is not known."""

    status: str
    id: str
    type: str = ""
    title: str = ""
    size: int = 0
    formats: str = ""
    reason: str = ""


def arrivals(rows: Sequence[Arrival]) -> None:
    """What an import would do or did. Where a table has no room, each has its facts and its reason on lines below."""
    console = _console()
    if rows:
        _print(console, _wide(rows, console.width) or _narrow(rows))


def _wide(rows: Sequence[Arrival], width: int) -> Table | None:
    """A row for each; titles are cut, then go, reasons wrap. None where there is no room for what is left."""
    cells = {
        "status": [row.status for row in rows],
        "id": [row.id for row in rows],
        "type": [row.type for row in rows],
        "size": [_known(row.size) for row in rows],
        "formats": [row.formats for row in rows],
        "title": [row.title for row in rows],
        "reason": [row.reason for row in rows],
    }
    needed = {name: max(len(name), *map(cell_len, given)) for name, given in cells.items() if any(given)}
    left = width - sum(need + len(_GAP) for name, need in needed.items() if name not in {"title", "reason"})
    reason = min(needed.get("reason", 0), max(_PROSE, left - needed.get("title", 0) - len(_GAP)))
    title = min(needed.get("title", 0), left - reason - (len(_GAP) if reason else 0))
    if left < reason or (not reason and title < _PROSE and title < needed.get("title", 0)):
        return None
    if title < _TITLE and title < needed.get("title", 0):
        del needed["title"]
        reason = min(needed.get("reason", 0), left)
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, len(_GAP), 0, 0))
    for name, need in needed.items():
        most = {"title": title, "reason": reason}.get(name, need)
        table.add_column(
            name,
            no_wrap=name != "reason",
            overflow="fold" if name == "reason" else "ellipsis",
            min_width=min(most, need),
            max_width=most,
            justify="right" if name == "size" else "left",
        )
    for index, row in enumerate(rows):
        first, *others = (Text(cells[name][index]) for name in needed)
        table.add_row(Text(first.plain, _ARRIVALS.get(row.status, "")), *others, style=_tone(row.status))
    return table


def _narrow(rows: Sequence[Arrival]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, len(_GAP), 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        facts = " · ".join(part for part in (row.type, _known(row.size), row.formats, row.title) if part)
        parts = [Text(row.id, "bold" if row.status != "exists" else ""), Text(facts, "dim"), Text(row.reason, "yellow")]
        what = Text("\n").join(part for part in parts if part)
        table.add_row(Text(row.status, _ARRIVALS.get(row.status, "")), what, style=_tone(row.status))
    return table


def _known(count: int) -> str:
    return size(count) if count else ""


def _tone(status: str) -> str:
    return "dim" if status == "exists" else ""


def pick(rows: Sequence[Arrival]) -> list[int]:
    """Ask on the terminal which of these to take: their places. Only new ones can be ticked; the others say why.

    Ctrl-C raises `KeyboardInterrupt`.
    """
    import questionary  # noqa: PLC0415 - only a picker needs it

    width = max(len(row.id) for row in rows)
    choices = [
        questionary.Choice(
            f"{row.id:<{width}}  "
            + " · ".join(part for part in (row.type, _known(row.size), row.formats, row.title) if part),
            value=index,
            disabled=None if row.status == "new" else row.reason or row.status,
        )
        for index, row in enumerate(rows)
    ]
    chosen: list[int] = questionary.checkbox(
        "Which models?",
        choices,
        instruction="(space ticks, ctrl-a ticks all, typing searches, enter imports)",
        use_search_filter=True,
        use_jk_keys=False,
    ).unsafe_ask()
    return chosen


def choose(question: str, names: Sequence[str]) -> str:
    """Ask on the terminal for one of these names; typing searches. Ctrl-C raises `KeyboardInterrupt`."""
    import questionary  # noqa: PLC0415 - only a picker needs it

    chosen: str = questionary.select(
        question, list(names), instruction="(typing searches, enter chooses)", use_search_filter=True, use_jk_keys=False
    ).unsafe_ask()
    return chosen


def _fitted(rows: Sequence[dict[str, Text]], width: int, spare: Sequence[str]) -> Table:
    """A table as wide as the terminal. The last column is cut to what is left, or goes; then others go, as named."""
    *columns, last = rows[0]
    needed = {name: max(len(name), *(row[name].cell_len for row in rows)) for name in columns}
    if width != _ENDLESS and "licence" in needed:
        needed["licence"] = min(needed["licence"], _LICENCE)
    left = width - sum(needed.values()) - len(_GAP) * len(columns)
    if left >= _PROSE:
        columns.append(last)
        needed[last] = left
    for name in spare:
        if sum(needed[column] for column in columns) + len(_GAP) * (len(columns) - 1) <= width:
            break
        columns.remove(name)
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, len(_GAP), 0, 0))
    for name in columns:
        fixed = None if name == last else needed[name]
        table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=fixed, max_width=needed[name])
    for row in rows:
        table.add_row(*(row[name] for name in columns))
    return table


def model(entry: Entry, form: str, settings: Settings) -> None:
    """One model: facts, then releases, then the variants of the current release."""
    if form == "json":
        _json(json.loads(entry.wire))
        return
    console, language = _console(), settings.default_language
    document, outline = entry.document(), entry.outline
    title = Text.assemble((localised(document.title, language, language), "bold"), "  ", (entry.id, "dim"), "  ")
    parts: list[RenderableType] = [title.append_text(_state(outline))]
    if document.summary:
        parts.append(Text(localised(document.summary, language, language)))
    if document.reason:
        parts.append(Text(f"Reason: {document.reason}", style=_STATES[document.status]))
    parts += [Text(), _facts(document, outline)]
    if document.releases:
        parts += [Text(), Text("Releases", style="bold"), Padding(_releases(document, outline), (0, 0, 0, 2))]
    variants = document.releases[outline.latest].variants if outline.latest else ()
    if variants:
        head = Text(f"Variants of {outline.latest}", style="bold")
        parts += [Text(), head, Padding(_variants(variants, console.width), (0, 0, 0, 2))]
    _print(console, *parts)


def size(count: int) -> str:
    """Bytes as people write them, in powers of ten: `5.03 GB`."""
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - three digits
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {_UNITS[unit]}"


def _facts(document: ModelDocument, outline: Outline) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    commit = f", {outline.commit[:12]}" if outline.commit else ""
    rows = [
        ("type", document.type),
        ("licence", document.license or "–"),
        ("tags", ", ".join(document.tags)),
        ("categories", ", ".join(document.categories)),
        *((key.replace("_", " "), _value(value)) for key, value in outline.facts.items()),
        ("visibility", "" if document.visibility == "public" else document.visibility),
        ("added", f"{outline.added:%Y-%m-%d %H:%M} UTC by {outline.by}" if outline.added else ""),
        ("updated", f"{outline.updated:%Y-%m-%d %H:%M} UTC{commit}" if outline.updated else ""),
        ("made from", ", ".join(document.base_models)),
        ("formerly", ", ".join(document.aliases)),
        ("successor", document.successor or ""),
        ("expires", document.expires.isoformat() if document.expires else ""),
        *((kind, value if isinstance(value, str) else "\n".join(value)) for kind, value in document.links.items()),
    ]
    for key, text in rows:
        if text:
            table.add_row(key, Text(text))
    return table


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _releases(document: ModelDocument, outline: Outline) -> Table:
    table = _table("version", "status", "released", "notes")
    for version in sorted(document.releases, key=version_key, reverse=True):
        release = document.releases[version]
        when = release.released or release.published
        state, notes = outline.releases[version], " — ".join(text for text in (release.notes, release.reason) if text)
        table.add_row(version, Text(state, _STATES[state]), when.date().isoformat() if when else "–", Text(notes))
    return table


def _variants(variants: Iterable[Variant], width: int) -> Table:
    wide = width >= 110  # noqa: PLR2004 - columns of the terminal
    table = _table(*(("variant", "format", "quantizations", "source", "size") if wide else ("variant", "what it is")))
    for variant in variants:
        files = [file for group in variant.files.values() for file in group]
        hubs = variant.sources.hubs() if variant.sources else {}
        known = sum(file.size or 0 for file in files)
        quantizations = ", ".join(variant.quantizations)
        source = "\n".join(f"{kind}:{hub.repo}" for kind, hub in hubs.items())
        total = f"{size(known)} in {len(files)} file{'' if len(files) == 1 else 's'}" if known else ""
        if wide:
            table.add_row(variant.name, variant.format or "–", quantizations or "–", Text(source or "–"), total or "–")
        else:
            lines = [part for part in (quantizations, source, total) if part]
            table.add_row(variant.name, Text("\n".join(lines) or "–"))
    return table


def _state(outline: Outline) -> Text:
    state = Text(outline.status, style=_STATES[outline.status])
    return state if outline.listed else state.append(", withdrawn", style="yellow")


def _prose(text: str) -> Text:
    """A line of Markdown whose code is set apart by colour, not by backticks."""
    parts = Text()
    for index, part in enumerate(text.split("`")):
        parts.append(part, "cyan" if index % 2 else "")
    return parts


_WHOLE = frozenset({"code", "severity", "version", "status", "released", "variant", "format", "size"})


def _table(*columns: str) -> Table:
    """A table without lines: codes, versions and the like are never cut, texts wrap."""
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in _WHOLE)
    return table


def _json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
