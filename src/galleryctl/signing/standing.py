"""How the keys stand: who signs what, until when, and what has to be done next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from galleryctl.signing import draft, metadata
from galleryctl.signing.metadata import CATALOG, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from galleryctl.spec.trust import left

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    from securesystemslib.signer import Key

    from galleryctl.signing.draft import Draft
    from galleryctl.signing.trust import Trust

_START = "galleryctl keys ceremony start"
_FINISH = "galleryctl keys ceremony finish"
_SIGN = "galleryctl keys ceremony sign --key KEY"


@dataclass(frozen=True)
class Part:
    """One role."""

    role: str
    keys: tuple[Key, ...]
    threshold: int
    version: int | None = None
    """None for what the online key signs: that is published, not kept here."""
    expires: dt.datetime | None = None
    days: int | None = None
    """Whole days until then; negative once it is over."""

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        keys = [{"id": key.keyid, "type": key.keytype, "holder": draft.holder_of(key)} for key in self.keys]
        found = {
            "role": self.role,
            "keys": [{name: value for name, value in key.items() if value} for key in keys],
            "threshold": self.threshold,
            "version": self.version,
            "expires": self.expires.strftime("%Y-%m-%dT%H:%M:%SZ") if self.expires else None,
            "days": self.days,
        }
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True)
class Standing:
    """All roles, what is wrong or due, and what to do next."""

    signed: bool
    """Whether there is a trust at all."""
    parts: tuple[Part, ...] = ()
    due: tuple[str, ...] = ()
    """Sentences; empty where nobody has to do anything."""
    next: tuple[str, ...] = ()
    """What to do, in order: commands and sentences."""
    proposed: tuple[str, ...] = ()
    """What a ceremony is about, and who has signed."""

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "signed": self.signed,
            "roles": [part.told() for part in self.parts],
            "ceremony": list(self.proposed),
            "due": list(self.due),
            "next": list(self.next),
        }


def standing(folder: Path, now: dt.datetime, within: dt.timedelta = metadata.TOLD) -> Standing:
    """How the trust in a folder stands. Raises `SignatureError` where it does not hold together."""
    state = draft.read(folder)
    proposed = tuple(f"{ask.what}: {len(ask.signed)} of {ask.threshold} signatures of {ask.of}" for ask in state.asks())
    if state.trust is None:
        return Standing(signed=False, next=following(state), proposed=proposed)
    parts = tuple(_parts(state.trust, now))
    due = tuple(_due(parts, state, within))
    steps = following(state)
    if not steps and any(part.days is not None and part.days < within.days for part in parts):
        roles = " ".join(part.role for part in parts if part.days is not None and part.days < within.days)
        steps = (f"galleryctl keys renew {roles}", _SIGN, _FINISH)
    return Standing(signed=True, parts=parts, due=due, next=steps, proposed=proposed)


def following(state: Draft) -> tuple[str, ...]:
    """What comes next in a ceremony; nothing where none is under way and none is needed."""
    if state.moved:
        return (_FINISH,)
    if not state:
        return () if state.trust else (f"{_START} --holder NAME=PUBLIC … --online PUBLIC",)
    return (_SIGN,) if any(ask.missing for ask in state.asks()) else (_FINISH,)


def _parts(trust: Trust, now: dt.datetime) -> Iterator[Part]:
    root, targets = trust.root, trust.delegator
    for role, version, expires in ((ROOT, root.version, root.expires), (TARGETS, max(trust.targets), targets.expires)):
        asked = root.roles[role]
        keys = tuple(root.keys[each] for each in asked.keyids)
        yield Part(role, keys, asked.threshold, version, expires, left(expires, now))
    for role in (CATALOG, SNAPSHOT, TIMESTAMP):
        yield Part(role, trust.keys(role), 1)


def _due(parts: tuple[Part, ...], state: Draft, within: dt.timedelta) -> Iterator[str]:
    for part in parts:
        if part.days is None or part.expires is None:
            continue
        if part.days < 0:
            yield f"{part.role}: expired on {part.expires:%Y-%m-%d}, clients take nothing new"
        elif part.days < within.days:
            yield f"{part.role}: expires on {part.expires:%Y-%m-%d}, in {part.days} days"
    if state.moved:
        yield "a ceremony was interrupted as it ended"
    trust = state.trust
    if trust is not None and not trust.online:
        yield f"no key may sign all of {CATALOG}, {SNAPSHOT} and {TIMESTAMP}: nothing can be published"
    if parts and len(parts[0].keys) == parts[0].threshold > 1:
        yield f"all {parts[0].threshold} holders of root have to sign: with one key lost it can never change again"
