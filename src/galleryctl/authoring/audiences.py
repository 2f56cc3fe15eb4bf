"""Who saw a model as it is committed: an audience only grows, whichever command changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl import git, loading
from galleryctl.errors import UsageError
from galleryctl.visibility import Audiences, Step

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from galleryctl.authoring.files import Files


def refuse_narrower(files: Files, identifier: str, level: str, allowed: Sequence[str], now: dt.datetime) -> None:
    """Raise `UsageError` where somebody who sees the committed model would not see it any more."""
    if not files.committed:
        return
    base = loading.load(files.root, files.name, now=now, revision="HEAD", tree=git.at(files.root, "HEAD"))
    entry = base.gallery.by_id.get(identifier)
    if entry is None:
        return
    context, outline = base.world.context, entry.outline
    order = Audiences(context.roles, context.settings.organisation)
    wanted = outline.model_copy(update={"visibility": level, "allowed": tuple(allowed)})
    if order.step(order.of(outline), order.of(wanted)) is Step.NARROWER:
        raise UsageError(
            f"{identifier} was published to {shown(outline.visibility, outline.allowed)}, and what was published "
            f"cannot be un-published (VIS001): take it out of lists with galleryctl withdraw {identifier}, "
            f"end it with galleryctl discontinue {identifier}, or take it away with galleryctl remove {identifier}"
        )


def shown(level: str, allowed: Sequence[str]) -> str:
    """An audience in words."""
    match level:
        case "restricted":
            return ", ".join(allowed)
        case "organisation":
            return "the organisation"
        case "public":
            return "everybody"
        case _:
            return "nobody but its maintainers"
