"""Two revisions in, a sorted list of typed changes out. Compared are parsed definitions, never texts.

One concept, six uses: the comment of a review, its labels, the policy, the page of changes, the feeds, and the report
of what runtimes and consumers would see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galleryctl.changes.base import Change, Kind, Side
from galleryctl.changes.comparing import between

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Change", "Kind", "Side", "as_json", "between", "of_models"]


def of_models(changes: Iterable[Change]) -> tuple[str, ...]:
    """Ids of the models that changes are about, each once, in order."""
    return tuple(dict.fromkeys(change.subject for change in changes if change.type))


def as_json(change: Change) -> dict[str, Any]:
    """The fields of the machine form, which is part of the contract; those that hold nothing are left out."""
    fields = ("subject", "kind", "version", "field", "before", "after", "path", "type", "visibility", "edition")
    found = {name: getattr(change, name) for name in fields} | {"kind": change.kind.value}
    return {name: value for name, value in found.items() if value is not None and value != ""}
