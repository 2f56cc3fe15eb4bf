"""What a forge's JSON says, as values. Texts are strangers': they lose what hides or steers, and have a length."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from galleryctl.forge.port import ForgeError, Mark, Note, PullRequest
from galleryctl.spec.review import Login, Review

if TYPE_CHECKING:
    from galleryctl.spec.review import State

Json: TypeAlias = Any
GHOST = Login(id=0, login="ghost")
"""Who was deleted."""
_LONG = 65_536
_SHORT = 300
_STEERING = {"Cc", "Cf", "Cn", "Cs", "Co", "Zl", "Zp"}
_JOINERS = {"\u200c", "\u200d"}  # scripts and emoji need them
_STATES: dict[str, Literal["approved", "changes_requested", "commented", "dismissed"]] = {
    "APPROVED": "approved",
    "CHANGES_REQUESTED": "changes_requested",
    "COMMENTED": "commented",
    "DISMISSED": "dismissed",
}
_MARKS: dict[str, State] = {"success": "success", "pending": "pending", "failure": "failure", "error": "error"}


def _nonsense(name: str) -> ForgeError:
    return ForgeError(f"the forge's answer makes no sense: {name} is missing or of another type; try again later")


def _shown(letter: str) -> bool:
    return letter in _JOINERS or unicodedata.category(letter) not in _STEERING


def line(text: str, limit: int = _SHORT) -> str:
    """One line, without anything that is not seen."""
    text = text[: 4 * limit]
    return " ".join("".join(letter if _shown(letter) else " " for letter in text).split())[:limit]


def prose(text: str) -> str:
    """Some lines; their ends are line feeds."""
    text = text[:_LONG].replace("\r\n", "\n").replace("\r", "\n")
    return "".join(letter for letter in text if letter in "\n\t" or _shown(letter))


def inside(data: Json, name: str) -> dict[str, Json]:
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, dict):
        raise _nonsense(name)
    return found


def words(data: Json, name: str) -> str:
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, str):
        raise _nonsense(name)
    return found


def optional(data: Json, name: str) -> str:
    """Empty where the forge says null or nothing."""
    return "" if isinstance(data, dict) and data.get(name) is None else words(data, name)


def number(data: Json, name: str) -> int:
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise _nonsense(name)
    return found


def commit(data: Json, name: str) -> str:
    found = words(data, name)
    if not 40 <= len(found) <= 64 or found.strip("0123456789abcdef"):  # noqa: PLR2004 - SHA-1 to SHA-256
        raise _nonsense(name)
    return found


def when(data: Json, name: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(words(data, name))
    except ValueError:
        raise _nonsense(name) from None
    return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)


def login(data: Json) -> Login:
    """An account; `GHOST` for null."""
    if data is None:
        return GHOST
    return Login(id=number(data, "id"), login=line(words(data, "login"), 100), bot=data.get("type") == "Bot")


def pull(data: Json) -> PullRequest:
    head = inside(data, "head")
    state: Literal["open", "closed"] = "open" if words(data, "state") == "open" else "closed"
    labels = data.get("labels")
    return PullRequest(
        number=number(data, "number"),
        title=line(words(data, "title")),
        url=line(words(data, "html_url"), 2000),
        author=login(data.get("user")),
        head=commit(head, "sha"),
        branch=words(head, "ref"),
        repository=words(head["repo"], "full_name") if head.get("repo") else "",
        base=words(inside(data, "base"), "ref"),
        body=prose(optional(data, "body")),
        draft=data.get("draft") is True,
        labels=tuple(sorted(label(each)[0] for each in (labels if isinstance(labels, list) else []))),
        opened=when(data, "created_at"),
        updated=when(data, "updated_at"),
        state=state,
        merged=data.get("merged_at") is not None,
    )


def label(data: Json) -> tuple[str, str]:
    """Name and description."""
    return line(words(data, "name"), 100), line(optional(data, "description"))


def review(data: Json) -> Review | None:
    """None for one that was begun and not handed in."""
    state = _STATES.get(words(data, "state").upper())
    if state is None:
        return None
    return Review(
        by=login(data.get("user")),
        state=state,
        commit=optional(data, "commit_id"),
        at=when(data, "submitted_at"),
        text=prose(optional(data, "body")),
    )


def note(data: Json) -> Note:
    text = prose(optional(data, "body"))
    return Note(number(data, "id"), login(data.get("user")), when(data, "created_at"), text)


def mark(data: Json) -> Mark:
    state = _MARKS.get(words(data, "state"))
    if state is None:
        raise _nonsense("state")
    by = login(data["creator"]) if data.get("creator") else None
    return Mark(state, line(optional(data, "description")), when(data, "created_at"), by)
