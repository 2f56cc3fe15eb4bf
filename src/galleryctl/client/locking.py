"""`gallery.lock`: what each reference stood for, so that it goes on standing for it.

One JSON object, keys sorted, one trailing newline: the same pins are the same bytes, whenever they are written, and two
people who add a pin each change lines of their own.

The digest of a pin is over what never changes in a release: its published form (RFC 8785) without `notes`, `status`,
`reason` and `published`, which may change, and without revisions, sizes and digests, which may be filled in later. It
does not change when another release is added, when the model is edited, or when a fact becomes known. Known facts are
pinned one by one, for the chosen build: revisions of its sources, sizes and digests of its files.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from galleryctl import canonical, output
from galleryctl.client.errors import LockError, UnknownError
from galleryctl.client.references import parse, short
from galleryctl.errors import OutputError
from galleryctl.spec.release import HUBS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from galleryctl.client.results import Resolved

SCHEMA = "1.0"
_LARGEST = 64 * 2**20
_OPEN = frozenset({"notes", "status", "reason", "published", "checked"})
_FACTS = ("size", "sha256")
_FREE = frozenset({"spec", "runtimes"})
"""Blocks whose form is not ours: what is empty there may mean something."""
_EMPTY: tuple[object, ...] = (None, [], {})
_DIGEST = re.compile(r"[0-9a-f]{64}").fullmatch
_MOST = 4
"""Differences that are told one by one."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One file of a pin. What is not recorded is none."""

    path: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """What one reference stands for."""

    reference: str
    id: str
    version: str
    """Empty where a subscription names none: the newest."""
    type: str = ""
    variant: str = ""
    quantization: str = ""
    sha256: str = ""
    """Digest of what never changes in the release; empty where nothing was resolved, as for a subscription."""
    since: dt.date | None = None
    """Day of the pin: terms count from it."""
    revisions: Mapping[str, str] = field(default_factory=dict)
    """Commits of its sources by kind, and the image of an OCI artifact."""
    files: tuple[Locked, ...] = ()

    @property
    def what(self) -> str:
        return f"{self.id} {self.version}".strip()


@dataclass(frozen=True, slots=True)
class Lock:
    """The pins of a gallery, by reference."""

    gallery: str
    pins: Mapping[str, Pin] = field(default_factory=dict)

    def adding(self, *pins: Pin) -> Lock:
        """With these pins, in place of earlier ones for the same references. A pin that moves on keeps its day.

        LockError: a pin has the version of an earlier one, and is not the same.
        """
        known = dict(self.pins)
        for pin in pins:
            for before in known.values():
                if (before.id, before.version) == (pin.id, pin.version):
                    agree(before, pin)
            days = [each.since for each in known.values() if pin.id == each.id or pin.reference == each.reference]
            known[pin.reference] = replace(pin, since=min([day for day in (*days, pin.since) if day], default=None))
        return Lock(self.gallery, known)


def of(reference: str, resolved: Resolved, today: dt.date) -> Pin:
    """The pin of what a reference was resolved to."""
    return Pin(
        reference=reference,
        id=resolved.id,
        version=resolved.version,
        type=resolved.type,
        variant=resolved.variant,
        quantization=resolved.quantization,
        sha256=resolved.sha256,
        since=today,
        revisions=_revisions(resolved),
        files=tuple(Locked(file.path, file.size, file.sha256) for file in resolved.files),
    )


def agree(before: Pin, after: Pin) -> None:
    """LockError: two pins of one release are not the same release. Facts that were missing may have become known."""
    found = []
    if before.sha256 and after.sha256 and before.sha256 != after.sha256:
        found.append(f"its digest was {before.sha256[:12]}… and is {after.sha256[:12]}…")
    if (before.variant, before.quantization) == (after.variant, after.quantization):
        found += _changed(before, after)
    if found:
        more = f"; {len(found) - _MOST} more" if len(found) > _MOST else ""
        raise LockError(
            f"{after.what} is not what was locked: {'; '.join(found[:_MOST])}{more}. A published release never changes:"
            " do not use it, and ask who keeps the gallery; take the pin out of the lock file if they can explain it"
        )


def read(path: Path) -> Lock:
    """A lock file. LockError: there is none, it is damaged, or a later version wrote it."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise LockError(f"cannot read {path}: {error.strerror}; `galleryctl resolve --lock` writes one") from error
    try:
        return loads(data)
    except LockError as error:
        raise LockError(f"{path}: {error}") from None


def loads(data: bytes) -> Lock:
    """The same from its bytes."""
    try:
        raw = json.loads(data) if len(data) <= _LARGEST else None
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict) or not isinstance(raw.get("schema"), str):
        raise _damaged("it is no lock file")
    if raw["schema"].partition(".")[0] != SCHEMA.partition(".")[0]:
        raise LockError(f"it has schema {short(raw['schema'])}, and {SCHEMA} is known: update galleryctl")
    gallery, pins = raw.get("gallery"), raw.get("pins")
    if not isinstance(gallery, str) or not isinstance(pins, dict):
        raise _damaged("`gallery` or `pins` is missing")
    found = [_pin(reference, pin) for reference, pin in pins.items()]
    return Lock(gallery, {pin.reference: pin for pin in found})


def write(path: Path, lock: Lock) -> bool:
    """Write a lock file, atomically; false where it has these bytes already. LockError: it cannot be written."""
    try:
        return output.replace(path, dumps(lock))
    except OutputError as error:
        raise LockError(str(error)) from error


def dumps(lock: Lock) -> bytes:
    """The bytes of a lock file."""
    pins = {reference: _raw(pin) for reference, pin in lock.pins.items()}
    whole = {"schema": SCHEMA, "gallery": lock.gallery, "pins": pins}
    return json.dumps(whole, sort_keys=True, indent=2, ensure_ascii=False).encode() + b"\n"


def fingerprint(release: Mapping[str, Any]) -> str:
    """Digest of what never changes in a release, as published. What is empty counts as what is not there."""
    kept = {key: _copied(value) for key, value in release.items() if key not in _OPEN | _FREE}
    for holder in _holders(kept):
        holder.pop("revision", None)
    for variant in _blocks(kept.get("variants")):
        for group in _block(variant.get("files")).values():
            for file in _blocks(group):
                for name in _FACTS:
                    file.pop(name, None)
        image = _block(_block(variant.get("sources")).get("oci"))
        if isinstance(image.get("image"), str):
            image["image"] = image["image"].partition("@")[0]
    for download in _blocks(kept.get("downloads")):
        download.pop("sha256", None)
    told = {key: value for key, value in kept.items() if value not in _EMPTY}
    free = {key: release[key] for key in _FREE if release.get(key) not in _EMPTY}
    if "spec" in free:
        free["spec"] = _without_revisions(free["spec"])
    return canonical.digest(canonical.dumps(told | free))


def _copied(value: Any) -> Any:  # noqa: ANN401 - JSON
    """A copy that may be changed, without what is empty."""
    if isinstance(value, dict):
        return {key: found for key, each in value.items() if (found := _copied(each)) not in _EMPTY}
    return [_copied(each) for each in value] if isinstance(value, list) else value


def _holders(release: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What has a revision that may be filled in."""
    for variant in _blocks(release.get("variants")):
        sources = _block(variant.get("sources"))
        for kind in HUBS:
            hub = _block(sources.get(kind))
            yield from (hub, _block(hub.get("draft")), _block(hub.get("lora")))
        yield _block(variant.get("lora"))


def _without_revisions(spec: Any) -> Any:  # noqa: ANN401 - JSON
    """A spec block; the revisions of its adapters may be filled in."""
    adapters = _block(_block(spec).get("adapters"))
    nets = adapters.get("controlnet")
    if not isinstance(nets, list):
        return spec
    bare = [
        {key: value for key, value in net.items() if key != "revision"} if isinstance(net, dict) else net
        for net in nets
    ]
    return {**spec, "adapters": {**adapters, "controlnet": bare}}


def _block(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _blocks(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _revisions(resolved: Resolved) -> Mapping[str, str]:
    if resolved.sources is None:
        return {}
    found = {kind: hub.revision for kind, hub in resolved.sources.hubs().items() if hub.revision}
    oci = resolved.sources.oci
    return found | ({"oci": oci.image} if oci and "@" in oci.image else {})


def _changed(before: Pin, after: Pin) -> Iterator[str]:
    """What was known of a build, and is otherwise now."""
    for kind, revision in sorted(before.revisions.items()):
        now = after.revisions.get(kind)
        if now != revision:
            yield f"revision of {kind} was {revision[:12]} and is {now[:12] if now else 'gone'}"
    files = {file.path: file for file in after.files}
    for file in before.files:
        other = files.get(file.path)
        if other is None:
            yield f"{short(file.path)} is gone"
            continue
        for name in _FACTS:
            old, new = getattr(file, name), getattr(other, name)
            if old is not None and new != old:
                yield f"{name} of {short(file.path)} was {str(old)[:12]} and is {str(new)[:12] if new else 'gone'}"
    for path in sorted(files.keys() - {file.path for file in before.files} if before.files else ()):
        yield f"{short(path)} is new"


def _raw(pin: Pin) -> dict[str, Any]:
    found = {key: value for key, value in asdict(pin).items() if value and key != "reference"}
    if pin.since:
        found["since"] = pin.since.isoformat()
    if pin.files:
        found["files"] = [
            {key: value for key, value in asdict(file).items() if value is not None}
            for file in sorted(pin.files, key=lambda file: file.path)
        ]
    return found


def _pin(reference: str, raw: object) -> Pin:
    """One pin, read; what is not known here is left alone."""
    if not isinstance(raw, dict):
        raise _damaged(f"the pin {short(reference)} is no object")
    try:
        reference = str(parse(reference))
    except UnknownError as error:
        raise _damaged(str(error)) from None
    texts = {name: raw.get(name, "") for name in ("id", "version", "type", "variant", "quantization", "sha256")}
    wrong = [name for name, value in texts.items() if not isinstance(value, str)]
    wrong += [name for name in ("id", "version") if not texts[name]]
    if not wrong and texts["sha256"] and not _DIGEST(texts["sha256"]):
        wrong = ["sha256"]
    revisions = raw.get("revisions", {})
    if not isinstance(revisions, dict) or not all(isinstance(value, str) for value in revisions.values()):
        wrong.append("revisions")
    since = None
    try:
        since = dt.date.fromisoformat(raw["since"]) if "since" in raw else None
    except (TypeError, ValueError):
        wrong.append("since")
    try:
        files = tuple(_file(file) for file in raw.get("files", ()))
    except (TypeError, ValueError, KeyError):
        raise _damaged(
            f"`files` of the pin {short(reference)} must be a list of files, each with its path, size and sha256"
        ) from None
    if wrong:
        raise _damaged(f"`{wrong[0]}` of the pin {short(reference)} is missing or no value of its kind")
    return Pin(reference, **texts, since=since, revisions=dict(sorted(revisions.items())), files=files)


def _file(raw: Mapping[str, Any]) -> Locked:
    path, size, sha256 = raw["path"], raw.get("size"), raw.get("sha256")
    if not isinstance(path, str) or not (size is None or type(size) is int):
        raise ValueError(path)
    if sha256 is not None and not _DIGEST(sha256):
        raise ValueError(sha256)
    return Locked(path, size, sha256)


def _damaged(why: str) -> LockError:
    return LockError(f"damaged: {why}; restore it, or delete it and resolve again")
