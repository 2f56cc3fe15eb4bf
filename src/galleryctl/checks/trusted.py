"""GOV: the public keys and signatures that clients begin with. Form alone: `keys status` checks signatures."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from galleryctl.checks.rule import Finding, Rule, rule
from galleryctl.problems import Severity
from galleryctl.spec.base import first_fault
from galleryctl.spec.trust import CATALOG, Root, Signed, Targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.checks.rule import Comparison, World
    from galleryctl.spec.trust import Role

DRAFT = "trust/draft/"
_NAMED = re.compile(r"trust/(?P<draft>draft/)?(?P<version>[0-9]+)\.(?P<role>root|targets)\.json")
_PRIVATE = re.compile(rb'PRIVATE KEY|"private"\s*:\s*"[^"]|"d"\s*:\s*"[^"]', re.IGNORECASE)
_MAKE = "make it with `galleryctl keys ceremony`"
Metadata = Signed[Root] | Signed[Targets]


class Named(NamedTuple):
    """What the path of a file of trust says."""

    role: str
    version: int
    draft: bool


def named(path: str) -> Named | None:
    """A path relative to the registry as what it says; none where it is no file of trust."""
    found = _NAMED.fullmatch(path)
    return Named(found["role"], int(found["version"]), bool(found["draft"])) if found else None


def read(role: str, raw: bytes) -> Metadata:
    """Metadata of `root` or `targets`. Raises `ValueError` with one sentence."""
    try:
        data = json.loads(raw)
    except ValueError:
        raise ValueError("it is no JSON") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    form: type[Signed[Root] | Signed[Targets]] = Signed[Root] if role == "root" else Signed[Targets]
    try:
        return form.model_validate(data)
    except ValidationError as error:
        raise ValueError(f"it is no metadata of {role}: {first_fault(error)}") from None


def broken_trust(world: World) -> Iterator[Finding]:
    """The files of trust are broken, or hold what nobody may see.

    `trust/` says which keys sign the index, and every client walks from the root it has to the newest, one version
    after the other. A root that is missing, or that cannot be read, stops all of them for good; so does one that is
    there twice with different contents. A private key in a repository is no secret any more.

    Bad:

    ```text
    registry/trust/1.root.json
    registry/trust/3.root.json
    ```

    Good:

    ```text
    registry/trust/1.root.json
    registry/trust/2.root.json
    registry/trust/1.targets.json
    ```
    """
    known: dict[str, Metadata] = {}
    for path, raw in world.trust.items():
        if _PRIVATE.search(raw):
            fix = "replace that key everywhere, and delete the file from the history: it is known to all who read it"
            yield _finding(path, "a private key: only public halves belong here", fix)
        place = named(path)
        if place is None:
            continue
        try:
            known[path] = found = read(place.role, raw)
        except ValueError as error:
            yield _finding(path, str(error), _MAKE)
            continue
        if found.signed.version != place.version:
            fix = f"name it {found.signed.version}.{place.role}.json"
            yield _finding(path, f"it is version {found.signed.version}, and its name says {place.version}", fix)
        yield from _roles(path, found)
    yield from _chain(world.trust)
    yield from _merged(known)


def _finding(path: str, message: str, fix: str) -> Finding:
    return Finding(path, (), message, fix, position=(1, 1))


def _roles(path: str, found: Metadata) -> Iterator[Finding]:
    for name, role, keys in _asked(found):
        missing = [keyid for keyid in role.keyids if keyid not in keys]
        if missing:
            yield _finding(path, f"{name} names key {missing[0][:12]}, which is not there", _MAKE)
        if len(set(role.keyids)) < role.threshold:
            message = (
                f"{name} needs {role.threshold} signatures and has {len(set(role.keyids))} keys: nobody can meet it"
            )
            yield _finding(path, message, _MAKE)
    if isinstance(found.signed, Targets) and found.signed.catalog is None:
        yield _finding(path, f"it delegates nothing to `{CATALOG}`: no client would find the index", _MAKE)


def _asked(found: Metadata) -> Iterator[tuple[str, Role, Mapping[str, object]]]:
    signed = found.signed
    if isinstance(signed, Root):
        for name in ("root", "targets", "snapshot", "timestamp"):
            yield name, getattr(signed.roles, name), signed.keys
    else:
        yield from ((role.name, role, signed.delegations.keys) for role in signed.delegations.roles)


def _versions(trust: Mapping[str, bytes], role: str, *, draft: bool) -> list[int]:
    places = (named(path) for path in trust)
    return sorted(place.version for place in places if place and place.role == role and place.draft is draft)


def _chain(trust: Mapping[str, bytes]) -> Iterator[Finding]:
    """Roots follow each other without a gap; a draft follows the newest."""
    roots, drafts = _versions(trust, "root", draft=False), _versions(trust, "root", draft=True)
    for index, version in enumerate(roots, 1):
        if version != index:
            message = f"{index}.root.json is missing: clients go from each root to the next"
            yield _finding(f"trust/{version}.root.json", message, "restore it from the history, as it was")
            break
    newest = roots[-1] if roots else 0
    for version in drafts:
        if version != newest + 1:
            fix = "delete it: it is merged already" if version <= newest else f"the next is {newest + 1}"
            yield _finding(f"{DRAFT}{version}.root.json", f"a draft of root {version} after root {newest}", fix)
    targets = _versions(trust, "targets", draft=False)
    for version in _versions(trust, "targets", draft=True):
        if targets and version <= targets[-1]:
            fix = f"delete it, or make it version {targets[-1] + 1}"
            yield _finding(f"{DRAFT}{version}.targets.json", f"a draft of targets {version} after {targets[-1]}", fix)
    if targets and not roots:
        yield _finding(f"trust/{targets[-1]}.targets.json", "targets without a root: no client can trust them", _MAKE)


def _merged(known: Mapping[str, Metadata]) -> Iterator[Finding]:
    """Outside `draft/` a root is signed by as many as it asks for."""
    for path, found in known.items():
        if not isinstance(found.signed, Root) or path.startswith(DRAFT):
            continue
        role = found.signed.roles.root
        signers = len(found.signers() & set(role.keyids))
        if signers < role.threshold:
            message = f"signed by {signers} of {role.threshold}: clients would refuse it"
            yield _finding(path, message, "finish the ceremony: galleryctl keys ceremony")


def changed_trust(comparison: Comparison) -> Iterator[Finding]:
    """A root that clients may hold already is another one, or gone.

    A client that was away for a year has an old root, and checks the next one with it, and so on. With a root gone, or
    changed after it was published, it stays where it is for good, and has to be set up again by hand.

    Bad:

    ```text
    registry/trust/1.root.json, changed
    ```

    Good:

    ```text
    registry/trust/1.root.json, as it was
    registry/trust/2.root.json, signed by the keys of both
    ```
    """
    base, merged = comparison.base.trust, comparison.merged.trust
    for path, raw in base.items():
        place = named(path)
        if place is None or place.draft or place.role != "root":
            continue
        if path not in merged:
            message = "a root is gone: clients that hold an older one could not go on"
            yield _finding(path, message, "restore it, as it was")
        elif merged[path] != raw:
            message = "a root that was published is another one: clients hold the one that was"
            yield _finding(path, message, "restore it; changes go into the next version")


RULES: tuple[Rule, ...] = (
    rule("GOV008", Severity.ERROR, gallery=broken_trust, fixed=True),
    rule("GOV009", Severity.ERROR, compared=changed_trust, fixed=True),
)
