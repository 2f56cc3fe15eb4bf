"""What has expired, and what soon will. Expiry is computed, so nothing breaks before somebody merges this.

Models that have expired are proposed to be discontinued, all in one pull request; what expires within thirty days
stands in one issue that names the owners.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from galleryctl import authoring, git
from galleryctl.reviewing import markdown
from galleryctl.reviewing.proposing import Proposed, propose

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from galleryctl.forge import Forge
    from galleryctl.gallery import Outline
    from galleryctl.loading import Loaded
    from galleryctl.spec import Roles

BRANCH = "gallery/expired"
MARKER = "<!-- galleryctl:expiring -->"
_AHEAD, _SOON = 30, 7


class Expired(NamedTuple):
    """What was done."""

    proposed: Proposed
    due: tuple[str, ...]
    """Models that have expired."""
    soon: tuple[tuple[str, int], ...]
    """Models that will, with the days that are left."""
    issue: int | None


def due(loaded: Loaded, today: dt.date) -> tuple[Outline, ...]:
    """Models in use whose day has come, by id."""
    found = (entry.outline for entry in loaded.gallery)
    return tuple(
        outline
        for outline in found
        if outline.expires is not None and outline.expires <= today and outline.status in {"active", "deprecated"}
    )


def soon(loaded: Loaded, today: dt.date) -> tuple[tuple[Outline, int], ...]:
    """Models in use that expire within thirty days, the nearest first, with the days that are left."""
    found = [
        (entry.outline, (entry.outline.expires - today).days)
        for entry in loaded.gallery
        if entry.outline.expires is not None and entry.outline.status in {"active", "deprecated"}
    ]
    return tuple(sorted((pair for pair in found if 0 < pair[1] <= _AHEAD), key=lambda pair: (pair[1], pair[0].id)))


def expire(forge: Forge, registry: Path, loaded: Loaded, *, base: str, now: dt.datetime) -> Expired:
    """Bring the one pull request and the one issue up to date with what has become due by `now`."""
    today = now.date()
    gone, near = due(loaded, today), soon(loaded, today)
    files: dict[str, bytes] = {}
    for outline in gone:
        plan = authoring.discontinue(registry, outline.id, reason=f"Expired on {outline.expires}.", now=now)
        files |= {f"{_above(registry)}{registry.name}/{path}": text.encode() for path, text in plan.texts.items()}
    title = f"Discontinue {gone[0].id}, which expired" if len(gone) == 1 else f"Discontinue {len(gone)} expired models"
    proposed = propose(forge, files, branch=BRANCH, base=base, title=title, body="\n".join(_body(gone)))
    issue = None
    if near:
        text = "\n".join(_notice(near, loaded.governance.roles, loaded))
        issue = forge.issue("Models that expire soon", text, MARKER)
    return Expired(
        proposed, tuple(outline.id for outline in gone), tuple((each.id, days) for each, days in near), issue
    )


def _above(registry: Path) -> str:
    """The way from the top of the repository to the folder of the registry."""
    top = git.toplevel(registry.parent)
    inside = registry.parent.resolve().relative_to(top.resolve()).as_posix() if top else "."
    return "" if inside == "." else f"{inside}/"


def _body(gone: Sequence[Outline]) -> Iterator[str]:
    yield "These models have expired. Galleries and runtimes count them as discontinued already; this writes it down."
    yield ""
    for outline in gone:
        yield f"- {markdown.code(outline.id)} expired on {outline.expires}"
    yield ""
    yield "To keep one of them, `galleryctl renew ID --until DATE` in a pull request of its own."


def _notice(near: Sequence[tuple[Outline, int]], roles: Roles, loaded: Loaded) -> Iterator[str]:
    yield "From its day on a model counts as discontinued: lists leave it out, exact pins still resolve with a warning."
    yield ""
    for outline, days in near:
        names = outline.maintainers or _profile(loaded, outline.publisher)
        logins = [roles.people[name].github.login for name in _people(names, roles) if name in roles.people]
        whom = ", ".join(f"@{login}" for login in logins) or "nobody is named as its owner"
        when = "tomorrow" if days == 1 else f"in {days} days"
        urgent = "**" if days <= _SOON else ""
        yield f"- {markdown.code(outline.id)} expires {urgent}{when}{urgent}, on {outline.expires}: {whom}"
    yield ""
    yield "`galleryctl renew ID --until DATE`, or name a successor with `galleryctl deprecate ID --successor ID`."


def _profile(loaded: Loaded, publisher: str) -> tuple[str, ...]:
    profile = loaded.governance.publishers.get(publisher)
    return profile.maintainers if profile else ()


def _people(names: Sequence[str], roles: Roles) -> list[str]:
    return list(dict.fromkeys(person for name in names for person in roles.groups.get(name, (name,))))
