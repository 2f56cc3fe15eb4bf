"""A verdict as text for a terminal: whose turn first, then what changes, what to fix, who approves, which lane."""

from __future__ import annotations

import unicodedata
from itertools import groupby
from typing import TYPE_CHECKING

from galleryctl import report
from galleryctl.changes import wording
from galleryctl.policy.saying import alike, listed, moment
from galleryctl.problems import Severity
from galleryctl.reviewing.sentences import span

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

    from galleryctl.policy import Need, Right, Verdict
    from galleryctl.problems import Problem

ENDLESS = 10_000
"""Columns of what is no terminal: lines stay whole."""
_BOLD, _DIM, _GREEN, _YELLOW, _RED, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m"
_COLOURS = {"success": _GREEN, "pending": _YELLOW, "failure": _RED, "error": _RED}
_LEVELS = {Severity.ERROR: _RED, Severity.WARN: _YELLOW, Severity.NOTE: _DIM}
_ASKED = frozenset({"OWN001", "OWN003", "OWN006", "GOV005", "LIF006"})
"""What is missing, which the list of approvals says."""
_TURNS = {"owner": "an owner", "reviewer": "a reviewer", "clearance": "clearance", "steward": "a steward"}
_MODELS, _NAMES, _PROBLEMS = 20, 6, 50


class Page:
    """Lines that fit a width, with or without colours."""

    def __init__(self, width: int, *, colour: bool) -> None:
        self.width = max(width, 24)
        self.colour = colour
        self.lines: list[str] = []

    def add(self, text: str, *, indent: str = "", style: str = "", hang: str | None = None) -> None:
        """A paragraph, wrapped between words; a word is never cut. `hang` stands before its later lines."""
        start = indent
        for line in _wrapped(report.visible(text), self.width - len(indent)):
            self.lines.append(start + self.styled(line, style))
            start = indent if hang is None else hang

    def heading(self, text: str) -> None:
        self.lines.append("")
        self.lines.append(self.styled(text, _BOLD))

    def styled(self, text: str, style: str) -> str:
        return f"{style}{text}{_RESET}" if style and self.colour else text

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


def cells(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for part in text.split(" "):
        longer = f"{line} {part}" if line else part
        if line and cells(longer) > width:
            yield line
            line = part
        else:
            line = longer
    yield line


def verdict(
    found: Verdict, *, author: str, now: dt.datetime, touched: Iterable[str], width: int = ENDLESS, colour: bool = False
) -> str:
    """The whole report. `touched` are the files whose notes are worth a line."""
    page = Page(width, colour=colour)
    page.add(_headline(found, author, now), style=_BOLD + _COLOURS[found.state])
    page.add(found.why)
    _changes(page, found)
    _problems(page, found, frozenset(touched))
    _approvals(page, found)
    _lane(page, found, now)
    for each in found.overrides:
        page.add(f"{each.code} set aside by {each.by}: {each.reason}", indent="  ")
    return str(page)


def _headline(found: Verdict, author: str, now: dt.datetime) -> str:
    if found.turn == "author":
        return f"Not ready: your turn, {author}"
    if found.turn == "clock" and found.earliest:
        return f"Ready in {span((found.earliest - now).total_seconds())}"
    if found.turn == "us":
        return "Ready to merge"
    who = _TURNS.get(found.turn, "an admin")
    return f"Waiting for {who}: {listed(found.waiting_on, 'or', _NAMES)}" if found.waiting_on else f"Waiting for {who}"


def _changes(page: Page, found: Verdict) -> None:
    groups = [(heading, wording.summary(group)) for heading, group in wording.grouped(found.changes)]
    if not groups:
        return
    page.heading("Changes")
    for heading, said in groups[:_MODELS]:
        page.add(f"{heading}: {said}", indent="  ", hang="    ")
    if len(groups) > _MODELS:
        page.add(f"and {len(groups) - _MODELS} more", indent="  ", style=_DIM)


def _problems(page: Page, found: Verdict, touched: frozenset[str]) -> None:
    shown = [each for each in found.problems if _worth(each, touched)]
    if shown:
        page.heading(f"Found: {report.counted(shown)}")
    for each in sorted(shown, key=lambda each: (each.severity.rank, each))[:_PROBLEMS]:
        level = "" if each.severity is Severity.ERROR else f"{each.severity.value}: "
        page.add(f"{each.path}:{each.line}:{each.column}", indent="  ", style=_DIM)
        page.add(f"{each.code} {level}{each.message}", indent="    ", style=_LEVELS[each.severity])
        if each.fix:
            page.add(f"fix: {each.fix}", indent="    ", hang="      ")
    if len(shown) > _PROBLEMS:
        page.add(f"and {len(shown) - _PROBLEMS} more: --format json has all", indent="  ", style=_DIM)


def _worth(found: Problem, touched: frozenset[str]) -> bool:
    if found.severity is not Severity.NOTE:
        return True
    return found.code not in _ASKED and (found.path in touched or found.code in {"OWN002", "GOV007"})


def _approvals(page: Page, found: Verdict) -> None:
    if not found.approvals:
        return
    page.heading("Approvals")
    for group in sorted(alike(found.approvals), key=lambda group: not group[0].missing):
        need = group[0]
        what = f"{need.action} of {listed([each.subject for each in group])}"
        mark, style = ("·", _YELLOW) if need.missing else ("✓", _GREEN)
        page.add(f"{mark} {what}: {_who(need)}", indent="  ", hang="    ", style=style)


def _who(need: Need) -> str:
    if not need.missing:
        return f"{listed(need.given, many=_NAMES)} ({need.role})"
    left = [name for name in need.of if name not in need.given]
    if need.role == "maintainer":
        return f"{listed(left)} has to agree"
    have = f", {listed(need.given, many=_NAMES)} has" if need.given else ""
    if len(left) < need.missing:
        return f"{need.count} of {need.role}, and there are not so many{have}"
    word = "or" if need.missing == 1 else "and"
    return f"{need.missing} of {listed(left, word, _NAMES)} ({need.role}){have}"


def _lane(page: Page, found: Verdict, now: dt.datetime) -> None:
    page.heading(f"Lane {found.lane}")
    for each in found.passed_over:
        page.add(f"not {each.lane}: {each.reason}", indent="  ", hang="    ")
    if found.lane == "manual" and not found.passed_over:
        page.add("no fast lane takes such changes", indent="  ")
    if found.earliest:
        left = f", in {span((found.earliest - now).total_seconds())}" if found.earliest > now else ""
        page.add(f"earliest merge {moment(found.earliest)}{left}", indent="  ")
    said = [*found.kinds, *(f"risk: {risk}" for risk in found.risks)]
    if said:
        page.add(" · ".join(said), indent="  ", style=_DIM)


def owners(groups: Sequence[tuple[str, Sequence[Right]]], *, width: int = ENDLESS, colour: bool = False) -> str:
    """Who may do what: actions with their people, and why they may; those that the same people may, together."""
    page = Page(width, colour=colour)
    same: dict[Sequence[Right], list[str]] = {}
    for action, rights in groups:
        same.setdefault(tuple(rights), []).append(action)
    for index, (rights, actions) in enumerate(same.items()):
        if index:
            page.lines.append("")
        page.add(", ".join(actions), style=_BOLD)
        if not rights:
            page.add("nobody", indent="  ", style=_YELLOW)
        for person, group in groupby(rights, key=lambda right: right.person):
            why = list(dict.fromkeys(right.why for right in group))
            page.add(f"{person}: {'; '.join(why)}", indent="  ", hang="    ")
    return str(page)
