"""A set of keys for development: one folder holds what three people and a key service would, so a ceremony is one step.

`root-1.pem` … are the holders, by the names of their files; `online.pem` signs what is published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl import output
from galleryctl.errors import UsageError
from galleryctl.signing import ceremony, draft, metadata, pairs, rotating
from galleryctl.signing.trust import Trust

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from securesystemslib.signer import CryptoSigner, Key

    from galleryctl.signing.rotating import Proposal

ONLINE = "online.pem"
TRUST = "trust"
HOLDERS = 3
THRESHOLD = 2
_NEXT = "online.next.pem"


def create(keys: Path, now: dt.datetime) -> Trust:
    """Make a set: `online.pem`, `root-1.pem` … `root-3.pem`, `trust/1.root.json`, `trust/1.targets.json`.

    The folder is 0700, the keys are 0600, and git ignores all of it. UsageError: there is something in the folder.
    """
    if keys.exists() and any(keys.iterdir()):
        raise UsageError(f"{keys} is not empty: name a new folder; keys are never written over")
    keys.mkdir(parents=True, exist_ok=True)
    keys.chmod(0o700)
    output.replace(keys / ".gitignore", "*\n")
    for name in (ONLINE, *(f"root-{number}.pem" for number in range(1, HOLDERS + 1))):
        pairs.create(keys / name, pairs.generate().private_bytes)
    first = rotating.begin(holders(keys), THRESHOLD, [_signer(keys / ONLINE).public_key], now)
    _hold(keys, first)
    return Trust.read(keys / TRUST)


def read(keys: Path) -> Trust:
    """The trust of the set, with what was interrupted ended: a ceremony, a new online key that is trusted already."""
    folder = keys / TRUST
    if draft.read(folder).moved:
        draft.finish(folder)
    trust = Trust.read(folder)
    fresh = keys / _NEXT
    if fresh.exists() and any(metadata.same(_signer(fresh).public_key, key) for key in trust.online):
        fresh.replace(keys / ONLINE)
    return trust


def holders(keys: Path) -> Mapping[str, Key]:
    """The holders by the names of their files."""
    return {path.stem: _signer(path).public_key for path in _people(keys)}


def identified(keys: Path, who: str) -> str:
    """A name as `rotating` finds it: the id of the key in the file of that name, where there is one."""
    known = {**holders(keys), "online": _signer(keys / ONLINE).public_key}
    return known[who].keyid if who in known else who


def holder(keys: Path, name: str) -> Key:
    """A new holder: makes `NAME.pem`, or takes the one that is there."""
    path = keys / f"{name}.pem"
    if path.name in {ONLINE, _NEXT} or path.parent != keys:
        raise UsageError(f"{name} is no name for a holder")
    if not path.exists():
        pairs.create(path, pairs.generate().private_bytes)
    return _signer(path).public_key


def successor(keys: Path) -> str:
    """A name that no holder has: `root-4` after `root-3`."""
    number = 1
    while (keys / f"root-{number}.pem").exists():
        number += 1
    return f"root-{number}"


def online(keys: Path) -> Key:
    """A new online key beside the present one, which `complete` puts in its place."""
    path = keys / _NEXT
    if not path.exists():
        pairs.create(path, pairs.generate().private_bytes)
    return _signer(path).public_key


def complete(keys: Path, change: Callable[[Trust], Proposal]) -> tuple[Trust, tuple[str, ...]]:
    """Propose, sign with every key that is there, and put into place; the trust, and what is new in it."""
    made = _hold(keys, change(read(keys)))
    trust = read(keys)
    _retire(keys, trust)
    return trust, made


def _hold(keys: Path, proposal: Proposal) -> tuple[str, ...]:
    """Let a proposal hold, by the way that people take: as many sign as have to; what is new."""
    folder = keys / TRUST
    state, _ = rotating.propose(folder, proposal)
    made = tuple(f"{each.signed.type} {each.signed.version}" for each in state.proposed)
    if not state:
        return made
    for signer in (_signer(path) for path in _people(keys)):
        asked = {key.keyid for ask in draft.read(folder).asks() if ask.missing for key in ask.unsigned}
        if signer.public_key.keyid in asked:
            ceremony.sign(draft.read(folder), signer)
    draft.finish(folder)
    return made


def _retire(keys: Path, trust: Trust) -> None:
    """Who was a holder and is none any more keeps no key; files that never were one are left alone."""
    former = {key for root in trust.chain[:-1] for key in root.keys} - trust.root.keys.keys()
    for path in _people(keys):
        if _signer(path).public_key.keyid in former:
            path.unlink()


def _people(keys: Path) -> Iterable[Path]:
    return sorted(path for path in keys.glob("*.pem") if path.name not in {ONLINE, _NEXT})


def _signer(path: Path) -> CryptoSigner:
    return pairs.from_file(path, password=_none)


def _none(question: str) -> str:  # noqa: ARG001 - as whoever asks
    raise UsageError("a set for development has no passwords")
