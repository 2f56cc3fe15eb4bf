"""Which build was chosen and why, and how pins stand: short on a terminal, whole in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from galleryctl.terminal import _ENDLESS, _console, _print

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

_WIDE = 100
"""Columns from which each pin has one line of a table."""
_MANY = 10
"""Rejected builds that are shown unless all are wanted."""
_TONES = {
    "revoked": "red", "quarantined": "red", "removed": "red", "unreadable": "red", "expired": "yellow",
    "discontinued": "yellow", "deprecated": "yellow", "withdrawn": "yellow", "update": "cyan", "newer": "cyan",
    "renamed": "cyan", "current": "green",
}  # fmt: skip


class Chosen(NamedTuple):
    """One resolved reference."""

    what: str
    build: str
    facts: Sequence[str]
    why: Sequence[str]
    warnings: Sequence[str]
    rejected: Sequence[tuple[str, str]]
    """Builds that were not chosen, each with the reason."""


class Standing(NamedTuple):
    """One pin."""

    reference: str
    version: str
    newest: str
    status: str
    says: str


def chosen(found: Sequence[Chosen]) -> None:
    """Print choices with a blank line between them."""
    parts: list[RenderableType] = []
    for each in found:
        if parts:
            parts.append(Text())
        parts.append(Text.assemble((each.what, "bold"), "  ", (each.build, "green")))
        if each.facts:
            parts.append(_below(Text(" · ".join(each.facts), "dim")))
        parts += [_marked("", "", line) for line in each.why]
        parts += [_marked("!", "yellow", line) for line in each.warnings]
        if each.rejected:
            parts += [Text(), rejected_table(each.rejected)]
    if parts:
        _print(_console(), *parts)


def rejected(rows: Sequence[tuple[str, str]]) -> None:
    """Print builds that do not suit, each with the reason."""
    if rows:
        _print(_console(), rejected_table(rows))


def shortened(rows: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """What a person reads: the nearest ones, and how many more there are."""
    if len(rows) <= _MANY:
        return rows
    return [*rows[: _MANY - 2], (f"{len(rows) - _MANY + 2} more", "galleryctl resolve --all says why, build by build")]


def rejected_table(rows: Sequence[tuple[str, str]]) -> RenderableType:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("not chosen", no_wrap=True)
    table.add_column("because", overflow="fold")
    for name, reason in rows:
        table.add_row(Text(name), Text(reason, "dim"))
    return _below(table)


def standings(rows: Sequence[Standing]) -> None:
    """Print how pins stand, the gravest first as they are given."""
    console = _console()
    if not rows:
        return
    wide = console.width >= _WIDE or console.width == _ENDLESS
    _print(console, _table(rows) if wide else _stacked(rows))


def _table(rows: Sequence[Standing]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("status", "pin", "is", "newest"):
        table.add_column(name, no_wrap=True)
    table.add_column("", overflow="fold")
    for row in rows:
        tone = _TONES.get(row.status, "")
        table.add_row(Text(row.status, tone), Text(row.reference), Text(row.version), Text(row.newest), _said(row))
    return table


def _stacked(rows: Sequence[Standing]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        newer = f" → {row.newest}" if row.newest not in {"", row.version} else ""
        lines = [Text.assemble((row.reference, "bold"), f"  {row.version}{newer}")]
        lines += [_said(row)] if row.says else []
        table.add_row(Text(row.status, _TONES.get(row.status, "")), Text("\n").join(lines))
    return table


def _said(row: Standing) -> Text:
    return Text("" if row.status == "current" else row.says, "dim")


def _marked(mark: str, tone: str, line: str) -> RenderableType:
    table = Table.grid(padding=(0, 1, 0, 0))
    if mark:
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(*([Text(mark, tone)] if mark else []), Text(line))
    return _below(table)


def _below(part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, 2))
