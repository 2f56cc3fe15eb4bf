"""The next root and targets, from those that hold: other keys, a later expiry. Pure, and unsigned.

Whatever changes, the newest targets must hold under the newest root; where they would not, new ones are proposed too.
Clients follow by themselves: they walk from root to root, and forget timestamp and snapshot when those keys change.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from securesystemslib.signer import SSlibKey
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Role, Root, Targets

from galleryctl import layout
from galleryctl.errors import UsageError
from galleryctl.signing import draft, metadata
from galleryctl.signing.errors import SignatureError
from galleryctl.signing.metadata import CATALOG, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from galleryctl.spec.trust import HOLDER, HOLDER_PATTERN

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from securesystemslib.signer import Key

    from galleryctl.signing.draft import Draft
    from galleryctl.signing.trust import Trust

_PREFIX = 6  # characters of an id that tell keys apart
_PEOPLE = (ROOT, TARGETS)
_PROGRAMS = (SNAPSHOT, TIMESTAMP)


@dataclass(frozen=True)
class Proposal:
    """What should hold next; nothing of it where nothing would change."""

    root: Root | None = None
    targets: Targets | None = None


def named(key: Key, holder: str) -> Key:
    """The key with the name of who holds it, which stands in the root. Its id stays."""
    if not re.fullmatch(HOLDER_PATTERN, holder):
        raise UsageError(f"{holder!r} is no name for a holder: take letters, digits, dots and hyphens")
    return SSlibKey(key.keyid, key.keytype, key.scheme, dict(key.keyval), {HOLDER: holder})


def begin(holders: Mapping[str, Key], threshold: int, online: Sequence[Key], now: dt.datetime) -> Proposal:
    """The first root and targets: the holders for both, the online keys for the rest."""
    if not holders or not online:
        raise UsageError("a root needs holders and an online key")
    people = [named(key, holder) for holder, key in holders.items()]
    keys = {key.keyid: key for key in (*people, *online)}
    if len(keys) < len(people) + len(online):
        raise UsageError("one key is named twice: it must not count twice, and no holder's key is online")
    ids, programs = [key.keyid for key in people], [key.keyid for key in online]
    roles = {
        ROOT: Role([*ids], threshold),  # lists of their own: who changes one role does not change the other
        TARGETS: Role([*ids], 1),
        **{role: Role([*programs], 1) for role in _PROGRAMS},
    }
    root = Root(1, None, metadata.expires(ROOT, now), keys, roles, consistent_snapshot=True)
    draft.sound_root(root, "the new root")
    return Proposal(root, _delegating(Targets(1), online, now))


def renewed(trust: Trust, now: dt.datetime, roles: Iterable[str] = _PEOPLE) -> Proposal:
    """The same keys, a later expiry."""
    wanted = set(roles)
    root = _next_root(trust, now) if ROOT in wanted else None
    return Proposal(root, _next_targets(trust, now) if TARGETS in wanted else None)


def with_holders(
    trust: Trust,
    role: str,
    now: dt.datetime,
    *,
    added: Mapping[str, Key],
    removed: Iterable[str] = (),
    replaced: Mapping[str, Key] | None = None,
    threshold: int | None = None,
) -> Proposal:
    """Other people for `root` or `targets`; where both have the same people, root changes both."""
    root = _next_root(trust, now)
    shared = set(root.roles[ROOT].keyids) == set(root.roles[TARGETS].keyids)
    roles = _PEOPLE if role == ROOT and shared else (role,)
    for who in removed:
        for key in _found(root, roles, who):
            _drop(root, key, roles)
    for holder, key in (replaced or {}).items():
        old = _found(root, roles, holder)
        if any(metadata.same(key, each) for each in old):
            continue
        for each in old:
            _drop(root, each, roles)
        _add(root, named(key, holder), roles)
    for holder, key in added.items():
        _add(root, named(key, holder), roles)
    if threshold is not None:
        root.roles[role].threshold = threshold
    draft.sound_root(root, f"root {root.version}")
    return _following(trust, root, now)


def with_online(trust: Trust, keys: Sequence[Key], now: dt.datetime) -> Proposal:
    """These keys, and no others, for catalog, snapshot and timestamp."""
    if not keys:
        raise UsageError("without an online key nothing can be published: name its successor")
    if {key.keyid for key in keys} == {key.keyid for key in trust.online}:
        return Proposal()
    root = _next_root(trust, now)
    for role in _PROGRAMS:
        root.roles[role].keyids = []
    _tidy(root)
    for key in keys:
        if any(metadata.same(key, each) for each in root.keys.values()):
            raise UsageError(f"{draft.short(key)} is the key of a holder: the online key is one of its own")
        root.keys[key.keyid] = key
        for role in _PROGRAMS:
            root.roles[role].keyids.append(key.keyid)
    draft.sound_root(root, f"root {root.version}")
    found = _following(trust, root, now)
    return Proposal(found.root, _delegating(found.targets or _next_targets(trust, now), keys, now))


def without(trust: Trust, who: str, now: dt.datetime) -> Proposal:
    """A key that counts no more, whatever role it has."""
    keys = _found(trust.root, (*_PEOPLE, *_PROGRAMS), who)
    ids = {key.keyid for key in keys}
    if online := [key for key in trust.online if key.keyid in ids]:
        left = [key for key in trust.online if key.keyid not in ids]
        if not left:
            raise UsageError(
                f"{draft.short(online[0])} is the only online key: name its successor with "
                "`galleryctl keys recover --online PUBLIC`"
            )
        return with_online(trust, left, now)
    root = _next_root(trust, now)
    for key in keys:
        _drop(root, key, _PEOPLE)
    for role in _PEOPLE:
        asked = root.roles[role]
        if len(asked.keyids) < asked.threshold:
            raise UsageError(
                f"{role} would have {len(asked.keyids)} keys and needs {asked.threshold}: replace the key, with "
                f"`galleryctl keys rotate {role} --key NAME=PUBLIC`"
            )
    return _following(trust, root, now)


def propose(folder: Path, proposal: Proposal) -> tuple[Draft, bool]:
    """Write a proposal as the draft; what is there then, and whether it is new.

    The same once more keeps the signatures that are there. Another one is refused while a draft is being signed.
    """
    before = draft.read(folder)
    if before.moved:
        raise SignatureError(f"{folder}: a ceremony was interrupted as it ended: run `galleryctl keys ceremony finish`")
    wanted: list[Metadata[Root] | Metadata[Targets]] = []
    if proposal.root is not None:
        wanted.append(Metadata(proposal.root))
    if proposal.targets is not None:
        wanted.append(Metadata(proposal.targets))
    present = {each.signed.type: each for each in before.proposed}
    for each in wanted:
        known = present.pop(each.signed.type, None)
        if known is not None and _content(known.signed) != _content(each.signed):
            present[each.signed.type] = known
            break
    if present:
        names = " and ".join(f"{each.signed.type} {each.signed.version}" for each in present.values())
        raise SignatureError(
            f"{folder}: {names} is proposed already, and is another: end that ceremony, or give it up with "
            "`galleryctl keys ceremony discard`"
        )
    kinds = {each.signed.type for each in before.proposed}
    fresh = [each for each in wanted if each.signed.type not in kinds]
    draft.write(folder, fresh)
    return draft.read(folder), bool(fresh)


def found(trust: Trust, roles: Sequence[str], who: str) -> list[Key]:
    """Keys of these roles by the name of their holder, or the beginning of their id."""
    return _found(trust.root, roles, who)


def _content(signed: Root | Targets) -> dict[str, object]:
    """Metadata without the moment it was proposed at."""
    return {name: value for name, value in signed.to_dict().items() if name != "expires"}


def _next_root(trust: Trust, now: dt.datetime) -> Root:
    root = Root.from_dict(copy.deepcopy(trust.root.to_dict()))
    root.version += 1
    root.expires = metadata.expires(ROOT, now)
    return root


def _next_targets(trust: Trust, now: dt.datetime) -> Targets:
    targets = Targets.from_dict(copy.deepcopy(trust.delegator.to_dict()))
    targets.version = max(trust.targets) + 1
    targets.expires = metadata.expires(TARGETS, now)
    return targets


def _delegating(targets: Targets, online: Sequence[Key], now: dt.datetime) -> Targets:
    ids = [key.keyid for key in online]
    role = DelegatedRole(CATALOG, ids, 1, terminating=True, paths=[layout.CATALOG])
    targets.delegations = Delegations({key.keyid: key for key in online}, {CATALOG: role})
    targets.expires = metadata.expires(TARGETS, now)
    return targets


def _following(trust: Trust, root: Root, now: dt.datetime) -> Proposal:
    """The root, and new targets where those that hold would not be signed under it any more."""
    if _content(root) | {"version": 0} == _content(trust.root) | {"version": 0}:
        return Proposal()
    newest = metadata.parse(Targets, trust.targets[max(trust.targets)], "targets")
    result = root.get_verification_result(TARGETS, newest.signed_bytes, newest.signatures)
    return Proposal(root, None if result.verified else _next_targets(trust, now))


def _found(root: Root, roles: Iterable[str], who: str) -> list[Key]:
    keys = {key: root.keys[key] for role in roles for key in root.roles[role].keyids}
    matched = [key for key in keys.values() if key.unrecognized_fields.get(HOLDER) == who]
    if not matched and len(who) >= _PREFIX:
        matched = [key for key in keys.values() if key.keyid.startswith(who)]
    if not matched:
        known = ", ".join(sorted(draft.short(key) for key in keys.values()))
        raise UsageError(f"nobody here is called {who}: there are {known}")
    return matched


def _drop(root: Root, key: Key, roles: Iterable[str]) -> None:
    for role in roles:
        if key.keyid in root.roles[role].keyids:
            root.roles[role].keyids.remove(key.keyid)
    _tidy(root)


def _tidy(root: Root) -> None:
    used = {key for role in root.roles.values() for key in role.keyids}
    for key in set(root.keys) - used:
        del root.keys[key]


def _add(root: Root, key: Key, roles: Sequence[str]) -> None:
    """A holder more. One who holds another role already keeps one key with one id."""
    for known in root.keys.values():
        if metadata.same(known, key):
            here = known.keyid in root.roles[roles[0]].keyids
            if here and known.unrecognized_fields.get(HOLDER) == key.unrecognized_fields.get(HOLDER):
                return
            if here or known.keyid in root.roles[SNAPSHOT].keyids:
                raise UsageError(f"{draft.short(known)} has this key already: it must not count twice")
            key = known
            break
    root.keys[key.keyid] = key
    for role in roles:
        root.roles[role].keyids.append(key.keyid)
