"""The trust of a gallery: `N.root.json`, every one since the first, and `N.targets.json`, in one folder.

What holds of a trust that was read: each root is signed by the threshold of the root before it and of itself; the last
targets are signed for the last root, and hand on exactly `v1/catalog.json` to the role `catalog`; no key counts twice.
Expiry is not judged here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tuf.api.metadata import Metadata, Root, Targets

from galleryctl import layout
from galleryctl.signing import metadata
from galleryctl.signing.errors import SignatureError
from galleryctl.signing.metadata import CATALOG, MOST, ONLINE, ROOT, TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from securesystemslib.signer import Key
    from tuf.api.metadata import Role

SCHEMES = {"ed25519": "Ed25519", "ecdsa-sha2-nistp256": "P-256"}
"""What every reader can verify."""
_NAME = re.compile(r"([1-9][0-9]{0,8})\.(root|targets)\.json")

Files = dict[str, dict[int, bytes]]
"""By role, and by version."""


@dataclass(frozen=True)
class Trust:
    """Whom a gallery trusts."""

    roots: tuple[bytes, ...]
    """Files of the roots, from version 1."""
    targets: Mapping[int, bytes]
    """Files of the targets by version."""
    chain: tuple[Root, ...] = field(repr=False)
    """The roots."""
    delegator: Targets = field(repr=False)
    """The last targets."""

    @classmethod
    def read(cls, folder: Path) -> Trust:
        """Read and verify a folder; raises `SignatureError`, whose text says what was found and what to do."""
        try:
            found = files(folder)
        except OSError as error:
            raise SignatureError(
                f"no trust in {folder}: {error.strerror}; `galleryctl keys init` makes one for development"
            ) from error
        return cls.of(found[ROOT], found[TARGETS], str(folder))

    @classmethod
    def of(cls, roots: Mapping[int, bytes], targets: Mapping[int, bytes], where: str) -> Trust:
        """Verify files by version; `where` names them in errors."""
        last = max(roots, default=0)
        for version in range(1, max(last, 1) + 1):
            if version not in roots:
                raise SignatureError(
                    f"{where}: {version}.root.json is missing; clients need every root since the first: keep them all"
                )
        if not targets:
            raise SignatureError(f"{where}: there is no N.targets.json; the holders of the root sign one")
        chain = _chain([roots[version] for version in range(1, last + 1)], where)
        newest = max(targets)
        for version, data in targets.items():
            _version(metadata.parse(Targets, data, f"{where}: {version}.targets.json"), version, where, TARGETS)
        found = metadata.parse(Targets, targets[newest], f"{where}: {newest}.targets.json")
        _signed(chain[-1], TARGETS, found, f"{where}: {newest}.targets.json", f"root {last}")
        _delegates(found.signed, f"{where}: {newest}.targets.json")
        ordered = tuple(roots[version] for version in range(1, last + 1))
        return cls(ordered, dict(sorted(targets.items())), tuple(chain), found.signed)

    @property
    def root(self) -> Root:
        """The last root."""
        return self.chain[-1]

    @property
    def root_files(self) -> dict[str, bytes]:
        """The roots by their paths in a site."""
        return {layout.metadata(ROOT, version): data for version, data in enumerate(self.roots, 1)}

    @property
    def targets_files(self) -> dict[str, bytes]:
        """The targets by their paths in a site."""
        return {layout.metadata(TARGETS, version): data for version, data in self.targets.items()}

    def keys(self, role: str) -> tuple[Key, ...]:
        """The keys of an online role."""
        delegator = self.delegator if role == CATALOG else self.root
        return tuple(delegator.get_key(each) for each in delegator.get_delegated_role(role).keyids)

    @property
    def online(self) -> tuple[Key, ...]:
        """The keys that may sign all of catalog, snapshot and timestamp."""
        others = [self.keys(role) for role in ONLINE[1:]]
        return tuple(
            key
            for key in self.keys(ONLINE[0])
            if all(any(metadata.same(key, each) and key.keyid == each.keyid for each in keys) for keys in others)
        )


def files(folder: Path) -> Files:
    """`N.root.json` and `N.targets.json` of a folder as they are. `SignatureError`: one is too large for clients."""
    found: Files = {ROOT: {}, TARGETS: {}}
    for path in sorted(folder.iterdir()):
        if match := _NAME.fullmatch(path.name):
            most = MOST[match[2]]
            with path.open("rb") as file:
                data = file.read(most + 1)
            if len(data) > most:
                raise SignatureError(f"{path} is larger than {most} bytes: clients do not read it")
            found[match[2]][int(match[1])] = data
    return found


def _chain(files: list[bytes], where: str) -> list[Root]:
    chain: list[Root] = []
    for number, data in enumerate(files, 1):
        what = f"{where}: {number}.root.json"
        found = metadata.parse(Root, data, what)
        _version(found, number, where, ROOT)
        _distinct(found.signed.keys.values(), what)
        if chain:
            _signed(chain[-1], ROOT, found, what, f"root {number - 1}")
        _signed(found.signed, ROOT, found, what, "itself")
        _online(found.signed.roles, ONLINE[1:], what)
        if not found.signed.consistent_snapshot:
            raise SignatureError(f"{what}: consistent_snapshot is false, and a gallery needs true")
        chain.append(found.signed)
    return chain


def _version(found: Metadata[Root] | Metadata[Targets], version: int, where: str, role: str) -> None:
    if found.signed.version != version:
        raise SignatureError(
            f"{where}: {version}.{role}.json has version {found.signed.version}; restore the file from its commit"
        )


def _signed(by: Root, role: str, found: Metadata[Root] | Metadata[Targets], what: str, whom: str) -> None:
    result = by.get_verification_result(role, found.signed_bytes, found.signatures)
    if not result.verified:
        raise SignatureError(
            f"{what} has {len(result.signed)} of the {result.threshold} signatures that {whom} wants; "
            f"{result.missing} of its holders still have to sign"
        )


def _distinct(keys: Iterable[Key], what: str) -> None:
    """No key under two ids, for one holder would count as two; and only keys that every reader knows."""
    seen: list[Key] = []
    for key in keys:
        if key.scheme not in SCHEMES:
            raise SignatureError(f"{what} names a key for {key.scheme}; readers know {' and '.join(SCHEMES.values())}")
        for other in seen:
            if metadata.same(key, other):
                raise SignatureError(f"{what} names one key twice, as {other.keyid[:12]} and {key.keyid[:12]}")
        seen.append(key)


def _online(roles: Mapping[str, Role], names: Iterable[str], what: str) -> None:
    for name in names:
        if roles[name].threshold != 1:
            raise SignatureError(
                f"{what}: {name} wants {roles[name].threshold} signatures, and one online key signs it"
            )


def _delegates(found: Targets, what: str) -> None:
    delegations = found.delegations
    roles = (delegations.roles or {}) if delegations else {}
    expected = f"expected no target, and one delegation: {CATALOG} for {layout.CATALOG}"
    if delegations is None or found.targets or delegations.succinct_roles or list(roles) != [CATALOG]:
        names = ", ".join([*found.targets, *roles]) or "nothing"
        raise SignatureError(f"{what} names {names}; {expected}")
    role = roles[CATALOG]
    if role.paths != [layout.CATALOG]:
        raise SignatureError(f"{what} hands on {', '.join(role.paths or ()) or 'hashes of paths'}; {expected}")
    _distinct(delegations.keys.values(), what)
    _online(roles, [CATALOG], what)
