"""What the page about a gallery says of its signatures: from the public keys in the registry, as plain JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galleryctl.checks import trusted
from galleryctl.spec.trust import Root, Signed, Targets, left

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from galleryctl.spec.trust import Key

EARLY = 60
"""Days before root or targets expire from which the page says so."""
_SHORT = 12


def about(trust: Mapping[str, bytes], now: dt.datetime) -> dict[str, Any] | None:
    """The newest root and targets; none where the gallery is not signed."""
    newest: dict[str, tuple[int, Signed[Root] | Signed[Targets]]] = {}
    for path, raw in trust.items():
        place = trusted.named(path)
        if place is not None and not place.draft and place.version > newest.get(place.role, (0, None))[0]:
            newest[place.role] = place.version, trusted.read(place.role, raw)
    root, targets = (newest[role][1].signed if role in newest else None for role in ("root", "targets"))
    if not isinstance(root, Root) or not isinstance(targets, Targets):
        return None
    parts = [(name, signed.version, signed.expires.date(), left(signed.expires, now)) for name, signed in (
        ("Root", root), ("Targets", targets)
    )]  # fmt: skip
    catalog = targets.catalog
    return {
        "parts": [(name, version, until.isoformat()) for name, version, until, _ in parts],
        "due": [(name, until.isoformat(), days < 0) for name, _, until, days in parts if days < EARLY],
        "threshold": root.roles.root.threshold,
        "holders": _keys(root.roles.root.keyids, root.keys),
        "online": _keys(catalog.keyids if catalog else (), targets.delegations.keys),
    }


def _keys(ids: Iterable[str], keys: Mapping[str, Key]) -> list[tuple[str, str]]:
    """Holder and short id."""
    return [(keys[each].holder, each[:_SHORT]) for each in ids if each in keys]
