"""What is proposed and not signed by enough yet: `draft/N.root.json`, `draft/N.targets.json` inside the trust folder.

A draft lies in git like all else, so holders sign it one after the other, each on a machine of their own.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from securesystemslib.exceptions import UnverifiedSignatureError
from tuf.api.metadata import Metadata, Root, Targets

from galleryctl import layout, output
from galleryctl.signing import metadata
from galleryctl.signing.errors import SignatureError
from galleryctl.signing.metadata import CATALOG, ONLINE, ROOT, TARGETS
from galleryctl.signing.trust import Files, Trust, files
from galleryctl.spec.trust import HOLDER, HOLDER_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from securesystemslib.signer import Key
    from tuf.api.metadata import VerificationResult

FOLDER = "draft"


@dataclass(frozen=True)
class Ask:
    """Signatures that one file needs of one group of holders."""

    what: str
    """`root 2`, `targets 3`."""
    of: str
    """Whose: those of the root before it, of itself, or of targets."""
    threshold: int
    signed: tuple[Key, ...]
    """Keys whose signature is there and right."""
    unsigned: tuple[Key, ...]

    @property
    def missing(self) -> int:
        return max(0, self.threshold - len(self.signed))


@dataclass(frozen=True)
class Draft:
    """A trust folder: what holds, and what is proposed. Without a proposal both metadata are none."""

    folder: Path
    trust: Trust | None
    """None before the first ceremony."""
    root: Metadata[Root] | None = None
    targets: Metadata[Targets] | None = None
    moved: bool = field(default=False)
    """Whether files of the draft lie in the trust already: a `finish` was interrupted."""

    def __bool__(self) -> bool:
        return self.root is not None or self.targets is not None

    @property
    def judge(self) -> Root:
        """The root by whose keys targets are judged once all is in place."""
        if self.root is not None:
            return self.root.signed
        if self.trust is None:
            raise SignatureError(f"{self.folder}: targets without a root; begin with `galleryctl keys ceremony start`")
        return self.trust.root

    @property
    def proposed(self) -> tuple[Metadata[Root] | Metadata[Targets], ...]:
        return tuple(each for each in (self.root, self.targets) if each is not None)

    def asks(self) -> tuple[Ask, ...]:
        """What still has to be signed, and what is."""
        found = []
        if self.root is not None:
            what = f"root {self.root.signed.version}"
            if self.trust is not None:
                before = self.trust.root
                found.append(_ask(what, f"the holders of root {before.version}", before, ROOT, self.root))
            found.append(
                _ask(what, f"the holders of root {self.root.signed.version}", self.root.signed, ROOT, self.root)
            )
        if self.targets is not None:
            what = f"targets {self.targets.signed.version}"
            found.append(_ask(what, "the holders of targets", self.judge, TARGETS, self.targets))
        return tuple(found)

    def signers(self, proposed: Metadata[Root] | Metadata[Targets]) -> dict[str, Key]:
        """Every key whose signature counts for one of the files, by id."""
        if isinstance(proposed.signed, Root):
            roots = [proposed.signed, *([self.trust.root] if self.trust else [])]
            return {key: root.keys[key] for root in reversed(roots) for key in root.roles[ROOT].keyids}
        judge = self.judge
        return {key: judge.keys[key] for key in judge.roles[TARGETS].keyids}


def read(folder: Path) -> Draft:
    """Read a trust folder and its draft. Raises `SignatureError` for a trust that does not hold together.

    What a `finish` moved before it was interrupted counts as it will once the rest is moved too.
    """
    held, proposed = _files(folder), _files(folder / FOLDER)
    both = {role: {**held[role], **proposed[role]} for role in held}
    for role, versions in proposed.items():
        for version, data in versions.items():
            if data.startswith(b"<<<<<<< "):
                raise SignatureError(
                    f"{folder / FOLDER}: git left {name(role, version)} in a conflict, because two signed at once: "
                    f"take the files of one of them (git checkout --ours {folder / FOLDER}), "
                    "and let the other sign again"
                )
            if held[role].get(version, data) != data:
                raise SignatureError(
                    f"{folder}: {role} {version} is there already, and the draft is another: give it up, with "
                    "`galleryctl keys ceremony discard`"
                )
    fresh = {role: {v: data for v, data in proposed[role].items() if v not in held[role]} for role in held}
    moved = is_moved(folder)
    trust = None
    if held[ROOT] or held[TARGETS]:
        try:
            trust = Trust.of(held[ROOT], held[TARGETS], str(folder))
        except SignatureError:
            if not moved:
                raise
            trust, fresh = Trust.of(both[ROOT], both[TARGETS], str(folder)), {ROOT: {}, TARGETS: {}}
    where = str(folder / FOLDER)
    root = _last(fresh[ROOT], Root, ROOT, where)
    targets = _last(fresh[TARGETS], Targets, TARGETS, where)
    found = Draft(folder, trust, root, targets, moved)
    _sound(found)
    return found


def write(folder: Path, proposed: Iterable[Metadata[Root] | Metadata[Targets]]) -> None:
    """Put files of a draft into place, each as a whole."""
    for each in proposed:
        output.replace(folder / FOLDER / name(each.signed.type, each.signed.version), metadata.dumps(each))


def is_moved(folder: Path) -> bool:
    """Whether part of the draft lies in the trust already."""
    held, proposed = _files(folder), _files(folder / FOLDER)
    return any(held[role].get(version) == data for role in held for version, data in proposed[role].items())


def discard(folder: Path) -> tuple[str, ...]:
    """Take the draft away; the names of its files."""
    found = _files(folder / FOLDER)
    names = tuple(name(role, version) for role, versions in found.items() for version in versions)
    for each in names:
        (folder / FOLDER / each).unlink(missing_ok=True)
    with suppress(OSError):  # not there, or something else lies in it
        (folder / FOLDER).rmdir()
    return names


def finish(folder: Path) -> Trust:
    """Move a draft into the trust, once all of it is signed; raises `SignatureError` that says what is missing.

    Whatever moment it is stopped at, the next `finish` ends it: the draft goes last.
    """
    held, proposed = _files(folder), _files(folder / FOLDER)
    for each in read(folder).asks():
        if each.missing:
            raise SignatureError(f"{each.what} has {len(each.signed)} of {each.threshold} signatures of {each.of}")
    both = {role: {**held[role], **proposed[role]} for role in held}
    trust = Trust.of(both[ROOT], both[TARGETS], str(folder))
    for role in (ROOT, TARGETS):
        for version, data in proposed[role].items():
            output.replace(folder / name(role, version), data)
    discard(folder)
    return trust


def name(role: str, version: int) -> str:
    """The file of a role's version."""
    return layout.metadata(role, version).removeprefix(layout.METADATA)


def short(key: Key) -> str:
    """A key as people speak of it: whose it is, and the beginning of its id."""
    holder = holder_of(key)
    return f"{holder} ({key.keyid[:12]})" if holder else key.keyid[:12]


def holder_of(key: Key) -> str:
    """Who holds a key, as the root says; empty where it does not, or says something that is no name."""
    found = key.unrecognized_fields.get(HOLDER)
    return found if isinstance(found, str) and re.fullmatch(HOLDER_PATTERN, found) else ""


def _files(folder: Path) -> Files:
    return files(folder) if folder.is_dir() else {ROOT: {}, TARGETS: {}}


def _last(files: Mapping[int, bytes], kind: type, role: str, where: str) -> Metadata | None:  # type: ignore[type-arg]
    if len(files) > 1:
        raise SignatureError(f"{where} proposes {role} {' and '.join(map(str, files))}: one at a time; discard it")
    for version, data in files.items():
        found = metadata.parse(kind, data, f"{where}: {name(role, version)}")
        if found.signed.version != version:
            raise SignatureError(f"{where}: {name(role, version)} has version {found.signed.version}; discard it")
        return found
    return None


def _ask(what: str, of: str, by: Root, role: str, proposed: Metadata[Root] | Metadata[Targets]) -> Ask:
    result: VerificationResult = by.get_verification_result(role, proposed.signed_bytes, proposed.signatures)
    return Ask(what, of, result.threshold, tuple(result.signed.values()), tuple(result.unsigned.values()))


def has_signed(proposed: Metadata[Root] | Metadata[Targets], key: Key) -> bool:
    """Whether a right signature of the key is there."""
    made = proposed.signatures.get(key.keyid)
    if made is None:
        return False
    try:
        key.verify_signature(made, proposed.signed_bytes)
    except UnverifiedSignatureError:
        return False
    return True


def _sound(draft: Draft) -> None:
    """What is proposed must be something that `sign` and clients could work with: nobody signs anything else."""
    where = str(draft.folder / FOLDER)
    if draft.root is not None:
        expected = draft.trust.root.version + 1 if draft.trust else 1
        if draft.root.signed.version != expected:
            raise SignatureError(f"{where}: root {draft.root.signed.version} does not follow: the next is {expected}")
        sound_root(draft.root.signed, f"{where}: root {expected}")
        _named(draft.root.signed.keys, draft.trust.root.keys if draft.trust else {}, f"{where}: root {expected}")
    if draft.targets is not None:
        newest = max(draft.trust.targets) if draft.trust else 0
        if draft.targets.signed.version <= newest:
            raise SignatureError(f"{where}: targets {draft.targets.signed.version} do not follow targets {newest}")
        what = f"{where}: targets {draft.targets.signed.version}"
        _sound_targets(draft.targets.signed, what)
        before = draft.trust.delegator.delegations if draft.trust else None
        after = draft.targets.signed.delegations
        _named(after.keys if after else {}, before.keys if before else {}, what)


def _named(keys: Mapping[str, Key], before: Mapping[str, Key], what: str) -> None:
    """Raise where an id hides another key than the one that people know by it: they compare ids, and sign keys."""
    for key in keys.values():
        if not (metadata.is_named(key) or (key.keyid in before and metadata.same(key, before[key.keyid]))):
            raise SignatureError(
                f"{what}: behind the id {ascii(key.keyid)[1:13]} is another key; do not sign, discard it"
            )


def sound_root(root: Root, what: str) -> None:
    """Raise where a role has fewer keys than it needs, or one key stands there twice."""
    keys = list(root.keys.values())
    for index, key in enumerate(keys):
        if other := next((each for each in keys[:index] if metadata.same(each, key)), None):
            raise SignatureError(f"{what}: {short(other)} and {short(key)} are one key: it must not count twice")
    for role, asked in root.roles.items():
        if asked.threshold > len(asked.keyids):
            raise SignatureError(f"{what}: {role} needs {asked.threshold} signatures and has {len(asked.keyids)} keys")
        if missing := [each for each in asked.keyids if each not in root.keys]:
            raise SignatureError(f"{what}: {role} names key {missing[0][:12]}, which is not there")
        if role in ONLINE and asked.threshold != 1:
            raise SignatureError(f"{what}: {role} needs {asked.threshold} signatures, and one online key makes them")
    if not root.consistent_snapshot:
        raise SignatureError(f"{what}: consistent_snapshot is false, and a gallery needs true")


def _sound_targets(targets: Targets, what: str) -> None:
    delegations = targets.delegations
    roles = (delegations.roles or {}) if delegations else {}
    if targets.targets or list(roles) != [CATALOG] or roles[CATALOG].paths != [layout.CATALOG]:
        raise SignatureError(f"{what}: expected one delegation, {CATALOG} for {layout.CATALOG}, and nothing else")
