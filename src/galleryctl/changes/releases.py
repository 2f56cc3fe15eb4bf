"""Changes of the releases of one model: added, removed, changed; whence their bytes come, and under which licences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galleryctl.changes import resolving
from galleryctl.changes.base import Kind
from galleryctl.changes.leaves import leaves
from galleryctl.spec import Variant, version_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.changes.base import Change
    from galleryctl.changes.subject import Subject

Raw = dict[str, Any]

_APART = {"published"}
"""What the history says, not the author."""


def of_releases(subject: Subject, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Changes from the published document `before` to the one `after`."""
    old, new = _of(before), _of(after)
    for version in sorted(old.keys() | new.keys(), key=version_key):
        if version not in old:
            yield _whole(subject, Kind.RELEASE_ADDED, version, after=outline(new[version]))
            yield from _beside_previous(subject, version, before, after)
        elif version not in new:
            yield _whole(subject, Kind.RELEASE_REMOVED, version, before=outline(old[version]))
        elif old[version] != new[version]:
            yield from _of_release(subject, version, before, after)


def outline(raw: Mapping[str, Any]) -> Raw:
    """What a person asks of a release first: status, variants, bytes, notes."""
    variants = [Variant.model_validate(variant) for variant in raw.get("variants", ())]
    files = [file for variant in variants for group in variant.files.values() for file in group]
    found = {
        "status": raw.get("status", "active"),
        "variants": [variant.name for variant in variants],
        "bytes": sum(file.size or 0 for file in files),
        "notes": raw.get("notes"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _of(document: Mapping[str, Any]) -> dict[str, Raw]:
    return {
        version: {name: value for name, value in release.items() if name not in _APART}
        for version, release in document.get("releases", {}).items()
    }


def _whole(subject: Subject, kind: Kind, version: str, **values: Any) -> Change:  # noqa: ANN401 - JSON values
    return subject.change(kind, version=version, file=f"{version}.yaml", **values)


def _of_release(
    subject: Subject, version: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Change]:
    old, new = before["releases"][version], after["releases"][version]
    resolved = resolving.release(old, before), resolving.release(new, after)
    file = f"{version}.yaml"
    for pointer, one, other in leaves(*resolved):
        kind = Kind.RELEASE_STATUS_CHANGED if pointer == ("status",) else Kind.RELEASE_CHANGED
        yield subject.change(kind, version=version, file=file, pointer=pointer, before=one, after=other)
    yield from _differing(subject, version, (old, before), (new, after))


def _beside_previous(
    subject: Subject, version: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Change]:
    """What a new release brings that the one before it in base does not have; nothing where base has none."""
    known = before.get("releases", {})
    older = [each for each in known if version_key(each) < version_key(version)] or list(known)
    if older:
        previous = known[max(older, key=version_key)]
        yield from _differing(subject, version, (previous, before), (after["releases"][version], after))


def _differing(
    subject: Subject,
    version: str,
    old: tuple[Mapping[str, Any], Mapping[str, Any]],
    new: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> Iterator[Change]:
    """Each side is a release and the document of its model."""
    pair: tuple[Any, Any] = (resolving.origins(old[0]), resolving.origins(new[0]))
    found = [(Kind.SOURCE_CHANGED, "sources", *pair)]
    (said, one), (says, other) = resolving.licences(*old), resolving.licences(*new)
    if said or says:
        found.append((Kind.LICENCE_CHANGED, "variants", one, other))
    for kind, field, before, after in found:
        if before != after:
            yield subject.change(
                kind,
                version=version,
                field=field,
                file=f"{version}.yaml",
                pointer=("variants",),
                before=before,
                after=after,
            )
