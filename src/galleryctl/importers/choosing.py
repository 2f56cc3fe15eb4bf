"""Which rows of a plan were asked for, by id or by the name the source gives them."""

from __future__ import annotations

import re
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from galleryctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from galleryctl.importers.planning import Row

_WILD = re.compile(r"[*?\[]")


def chosen(rows: Sequence[Row], wanted: Sequence[str]) -> tuple[Row, ...]:
    """The rows that these names and globs mean, in their order. A list of them is separated by commas.

    A name without wildcards must be that of a new model: `UsageError` says why it is not. A glob passes over what
    exists or was rejected, and takes it along in what is reported.
    """
    found: set[int] = set()
    for text in wanted:
        whole = _named(rows, text.strip())
        for name in [text.strip()] if whole else _names(text):
            found.update(_one(rows, name))
    return tuple(row for index, row in enumerate(rows) if index in found)


def _names(text: str) -> Iterator[str]:
    return (name for part in text.split(",") if (name := part.strip()))


def _one(rows: Sequence[Row], name: str) -> list[int]:
    if exact := _named(rows, name):
        new = [index for index in exact if rows[index].status == "new"]
        if not new:
            row = rows[exact[0]]
            what = "is in the gallery already" if row.status == "exists" else "cannot be imported"
            raise UsageError(f"{name} {what}: {row.reason}; nothing was written")
        return new
    glob = _folded(name)
    matching = [index for index, row in enumerate(rows) if any(fnmatchcase(each, glob) for each in _keys(row, glob))]
    if not matching:
        keys = [each for row in rows for each in (row.source, row.id) if each]
        near = get_close_matches(name, keys, n=3) if not _WILD.search(name) else []
        meant = f"; did you mean {' or '.join(near)}?" if near else "; see what there is with --plan"
        raise UsageError(f"nothing in the source is called {name}{meant}")
    return matching


def _named(rows: Sequence[Row], name: str) -> list[int]:
    return [index for index, row in enumerate(rows) if _folded(name) in _keys(row, name)]


def _keys(row: Row, name: str) -> set[str]:
    """What a row is called; its id only for a name that has a publisher, so that `g*` is not all of `globex`."""
    keys = {_folded(row.source)}
    if row.candidate:
        keys.add(row.candidate.id if "/" in name else row.candidate.id.partition("/")[2])
    return keys


def _folded(text: str) -> str:
    return text.casefold()
