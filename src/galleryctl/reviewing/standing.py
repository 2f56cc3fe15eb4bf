"""How a pull request stands, as the forge shows it to its author: what the verdict wrote last, and who answered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from galleryctl.reviewing.comment import MARKER
from galleryctl.reviewing.markdown import plain
from galleryctl.reviewing.sweep import CONTEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from galleryctl.forge import Forge, PullRequest

_FACTS = re.compile(r"\A(?:turn|ready,) [^:]*: ")
"""What a status says for programs, before its sentence: turn and lane have lines of their own."""
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_COLOURS = {"success": "\x1b[32m", "pending": "\x1b[33m", "failure": "\x1b[31m", "error": "\x1b[31m"}


class Standing(NamedTuple):
    """One pull request. Labels are shown, never believed: what counts is the verdict when it is judged again."""

    number: int
    title: str
    url: str
    state: str
    """success, pending, failure or error; empty before the first verdict."""
    said: str
    """What the verdict says, in a sentence."""
    turn: str
    lane: str
    rules: tuple[str, ...]
    """Codes of rules that fail."""
    approved: tuple[str, ...]
    """Logins of those who approved the head."""
    refused: tuple[str, ...]
    comment: str
    """Address of the comment that says what to do."""


def mine(forge: Forge) -> list[Standing]:
    """The open pull requests of whoever asks, oldest first."""
    me = forge.me()
    return [_standing(forge, pull) for pull in forge.pulls() if pull.author.id == me.id]


def one(forge: Forge, number: int) -> list[Standing]:
    return [_standing(forge, forge.pull(number))]


def _standing(forge: Forge, pull: PullRequest) -> Standing:
    marks = forge.marks(pull.head, CONTEXT)
    reviews = {review.by.id: review for review in forge.reviews(pull.number) if review.state != "commented"}
    ours = {mark.by.id for mark in marks if mark.by is not None}
    notes = [note for note in forge.notes(pull.number) if MARKER in note.text and note.by.id in ours]
    return Standing(
        number=pull.number,
        title=plain(pull.title, 120),
        url=pull.url,
        state=("merged" if pull.merged else "closed") if pull.state == "closed" else (marks[-1].state if marks else ""),
        said=plain(marks[-1].description, 200) if marks else "",
        turn=_label(pull.labels, "turn/"),
        lane=_label(pull.labels, "lane/"),
        rules=tuple(sorted(label.removeprefix("fail/") for label in pull.labels if label.startswith("fail/"))),
        approved=tuple(
            review.by.login for review in reviews.values() if review.state == "approved" and review.commit == pull.head
        ),
        refused=tuple(review.by.login for review in reviews.values() if review.state == "changes_requested"),
        comment=f"{pull.url}#issuecomment-{notes[-1].id}" if notes else "",
    )


def _label(labels: Sequence[str], prefix: str) -> str:
    return next((plain(label.removeprefix(prefix), 40) for label in labels if label.startswith(prefix)), "")


def text(standing: Standing, *, colour: bool = False) -> str:
    """A few lines for a terminal."""
    bold, dim, reset = (_BOLD, _DIM, _RESET) if colour else ("", "", "")
    tint = _COLOURS.get(standing.state, "") if colour else ""
    lines = [f"{bold}#{standing.number} {standing.title}{reset}"]
    state = standing.state or "not judged yet"
    said = _FACTS.sub("", standing.said)
    lines.append(f"  {tint}{state}{reset}{': ' + said if said else ''}")
    facts = {
        "turn": standing.turn,
        "lane": standing.lane,
        "to mend": ", ".join(standing.rules),
        "approved by": ", ".join(standing.approved),
        "changes wanted by": ", ".join(standing.refused),
    }
    lines += [f"  {dim}{name}:{reset} {value}" for name, value in facts.items() if value]
    lines.append(f"  {standing.comment or standing.url}")
    return "\n".join(lines) + "\n"
