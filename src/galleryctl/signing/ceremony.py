"""How people sign what is proposed: what a file says, in words, and a signature by whoever may make one.

Nobody signs what a pull request says of a file: the words here are computed from the file that is signed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Root

from galleryctl.errors import UsageError
from galleryctl.signing import draft
from galleryctl.signing.errors import SignatureError
from galleryctl.signing.metadata import CATALOG, ROOT, SNAPSHOT, TARGETS, TIMESTAMP

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from securesystemslib.signer import Key, Signer
    from tuf.api.metadata import Role, Targets

    from galleryctl.signing.draft import Draft

_ROLES = (ROOT, TARGETS, SNAPSHOT, TIMESTAMP)


def sign(state: Draft, signer: Signer) -> tuple[str, ...]:
    """Add the signer's signature to every file that it counts for; which ones. None where it is there already.

    Raises `UsageError` where its key counts for nothing that is proposed.
    """
    key, made = signer.public_key, []
    due = [each for each in state.proposed if key.keyid in state.signers(each)]
    if not due:
        known = sorted({draft.short(each) for proposed in state.proposed for each in state.signers(proposed).values()})
        raise UsageError(f"key {draft.short(key)} signs nothing here; these do: {', '.join(known) or 'none'}")
    for each in due:
        if draft.has_signed(each, key):
            continue
        try:
            each.sign(signer, append=True)
        except UnsignedMetadataError as error:  # of a token, a service
            raise SignatureError(f"{draft.short(key)} gave no signature: {error}") from error
        if not draft.has_signed(each, key):
            raise SignatureError(f"{draft.short(key)} gave a signature that is not its own")
        draft.write(state.folder, [each])
        made.append(f"{each.signed.type} {each.signed.version}")
    return tuple(made)


def told(state: Draft, now: dt.datetime) -> Iterator[str]:
    """What the files of a draft say, line by line: what holds from then on, and what differs from now."""
    for each in state.proposed:
        signed = each.signed
        days = (signed.expires - now).days
        yield f"{signed.type} {signed.version}, valid until {signed.expires:%Y-%m-%d} ({days} days)"
        yield f"  SHA-256 of what is signed: {hashlib.sha256(each.signed_bytes).hexdigest()}"
        if isinstance(signed, Root):
            yield from _root(signed, state.trust.root if state.trust else None)
        else:
            yield from _targets(signed, state.trust.delegator if state.trust else None)


def asked(state: Draft) -> Iterator[str]:
    """Who has signed, and who may still, line by line."""
    for ask in state.asks():
        there = f"{len(ask.signed)} of {ask.threshold} signatures of {ask.of}"
        by = f": {_names(ask.signed)}" if ask.signed else ""
        may = f"; still needs {ask.missing} of {_names(ask.unsigned)}" if ask.missing else ""
        yield f"{ask.what}: {there}{by}{may}"


def _root(root: Root, before: Root | None) -> Iterator[str]:
    for role in _ROLES:
        yield f"  {role}: {_rule(root.roles[role], root.keys)}"
    if before is None:
        yield "  the first root: whoever sets up a client begins with this file"
        return
    for role in _ROLES:
        old, new = before.roles[role], root.roles[role]
        if old.threshold != new.threshold:
            yield f"  ! {role} needs {new.threshold} signatures instead of {old.threshold}"
        yield from _keys(role, old.keyids, before.keys, new.keyids, root.keys)


def _targets(targets: Targets, before: Targets | None) -> Iterator[str]:
    role, keys = _delegation(targets)
    if role is None:
        return
    yield f"  {CATALOG} may sign {', '.join(role.paths or ())}: {_rule(role, keys)}"
    if before is not None:
        old, known = _delegation(before)
        yield from _keys(CATALOG, old.keyids if old else [], known, role.keyids, keys)


def _delegation(targets: Targets):  # type: ignore[no-untyped-def]  # noqa: ANN202 - the library's own types
    found = targets.delegations
    return ((found.roles or {}).get(CATALOG), found.keys) if found else (None, {})


def _keys(
    role: str, before: Iterable[str], known: Mapping[str, Key], after: Iterable[str], keys: Mapping[str, Key]
) -> Iterator[str]:
    before, after = list(before), list(after)
    yield from (f"  - {role}: {draft.short(known[each])} counts no more" for each in before if each not in after)
    yield from (f"  + {role}: {draft.short(keys[each])} counts from now on" for each in after if each not in before)


def _rule(role: Role, keys: Mapping[str, Key]) -> str:
    return f"{role.threshold} of {_names(keys[each] for each in role.keyids)}"


def _names(keys: Iterable[Key]) -> str:
    return ", ".join(draft.short(key) for key in keys)
