"""What changed, on a terminal: grouped by what it is about, a mark and a line for each, wrapped under themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from galleryctl.terminal import _console, _print

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

Mark = Literal["+", "-", "~", "!"]
_STYLES: dict[str, str] = {"+": "green", "-": "red", "~": "cyan", "!": "yellow"}


class Section(NamedTuple):
    """Lines about one thing. A mark says whether it came (`+`), went (`-`), is another (`~`), or is a risk (`!`)."""

    heading: str
    note: str
    lines: Sequence[tuple[Mark, str]]


def sections(found: Iterable[Section]) -> None:
    """Print sections with a blank line between them."""
    parts: list[RenderableType] = []
    for section in found:
        if parts:
            parts.append(Text())
        parts.append(
            Text.assemble((section.heading, "bold"), *([("  " + section.note, "dim")] if section.note else []))
        )
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for mark, line in section.lines:
            table.add_row(Text(mark, _STYLES[mark]), Text(line))
        parts.append(Padding(table, (0, 0, 0, 2)))
    if parts:
        _print(_console(), *parts)
