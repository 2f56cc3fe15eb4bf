"""What is wrong, where, and what to do about it: values, never exceptions.

A problem prints as `path:line:column: CODE message` and a second line `fix: …`; machine forms carry the same fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """`error` fails a check, `warn` is shown and leaves the automatic lanes, `note` informs."""

    ERROR = "error"
    WARN = "warn"
    NOTE = "note"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {Severity.ERROR: 0, Severity.WARN: 1, Severity.NOTE: 2}


class Position(NamedTuple):
    """A place in a text file: line and column count from 1, in characters."""

    line: int = 1
    column: int = 1


class Edit(NamedTuple):
    """Replace the characters `start` to `end` of a file's text by `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding. Sorts by path, place and code, which is the order of every report.

    `edits` mends it where exactly one answer is right (`check --fix`); offsets count characters of the file's text.
    """

    path: str
    line: int
    column: int
    code: str
    message: str
    fix: str = ""
    severity: Severity = Severity.ERROR
    edits: tuple[Edit, ...] = ()
