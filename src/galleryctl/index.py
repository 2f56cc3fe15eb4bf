"""The documents under `/v1/`: what runtimes fetch. Pure: a view and the earlier catalog in, outputs out.

* Documents are canonical JSON, joined from the canonical parts that the entries keep.
* Every document lies under its stable name and under its digest; the head names all others by digest and length.
* `serial` grows by one when a document changed; if none did, the earlier head is kept byte for byte.
* Deltas start from earlier documents, which this build does not read yet: `deltas` is empty.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from galleryctl import canonical, layout
from galleryctl.output import Output
from galleryctl.spec.base import version_key
from galleryctl.spec.published import SCHEMA, Catalog, Discovery

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from galleryctl.audience import View
    from galleryctl.gallery import Entry, Outline
    from galleryctl.spec import Frozen, Tombstone


@dataclass(frozen=True)
class Part:
    """One document that the head names: its stable path, its bytes by digest and length, how many models it has."""

    path: str
    sha256: str
    length: int
    count: int | None
    data: bytes


def outputs(view: View, *, schemas: Mapping[str, bytes], earlier: Catalog | None = None) -> Iterator[Output]:
    """Every file of the index. `schemas` are the published schemas by name; `earlier` is the last head, if any."""
    for entry in view.gallery:
        yield from _addressed(layout.model_document(entry.id), entry.outline.sha256, entry.wire)
    parts = {name: _types(name, entries) for name, entries in view.by_type.items()}
    directory, revoked = _directory(view), _revoked(view)
    for part in (*parts.values(), directory, revoked):
        yield from _addressed(part.path, part.sha256, part.data)
    head = canonical.dumps(_dump(_catalog(view, parts, directory, revoked, earlier)))
    yield from _addressed(layout.CATALOG, canonical.digest(head), head)
    yield _document(
        layout.DISCOVERY, canonical.dumps(_dump(Discovery(title=view.settings.title, audience=view.audience)))
    )
    for name, data in schemas.items():
        yield _document(f"v1/schemas/{name}", data)


def catalog(data: bytes) -> Catalog:
    """An earlier head, read back; raises `ValueError` where it is none."""
    return Catalog.model_validate_json(data)


def _dump(value: Frozen) -> dict[str, Any]:
    return value.model_dump(mode="json", exclude_none=True)


def _document(path: str, data: bytes) -> Output:
    return Output(path, canonical.digest(data), partial(bytes, data))


def _addressed(path: str, sha256: str, data: bytes) -> Iterator[Output]:
    immutable = layout.addressed(path, sha256)
    yield Output(immutable, sha256, partial(bytes, data))
    yield Output(path, sha256, partial(bytes, data), links=immutable)


def _part(path: str, data: bytes, count: int | None = None) -> Part:
    return Part(path, canonical.digest(data), len(data), count, data)


def _types(name: str, entries: tuple[Entry, ...]) -> Part:
    models = canonical.join((entry.id, entry.listing) for entry in entries)
    data = canonical.join([("models", models), ("schema", canonical.dumps(SCHEMA)), ("type", canonical.dumps(name))])
    return _part(layout.type_document(name), data, len(entries))


def _directory(view: View) -> Part:
    stones = view.tombstones
    models = canonical.join((entry.id, _listed(entry.outline, stones.get(entry.id))) for entry in view.gallery)
    removed = {
        identifier: {"since": stone.since.isoformat(), "reason": stone.reason}
        | ({"successor": stone.successor} if stone.successor else {})
        | ({"releases": sorted(set(stone.releases), key=version_key)} if stone.releases else {})
        for identifier, stone in stones.items()
        if stone.whole
    }
    data = canonical.join(
        [
            ("aliases", canonical.dumps(dict(view.gallery.aliases))),
            ("models", models),
            ("removed", canonical.dumps(removed)),
            ("schema", canonical.dumps(SCHEMA)),
        ]
    )
    return _part(layout.DIRECTORY, data)


def _listed(outline: Outline, stone: Tombstone | None) -> bytes:
    versions: Iterable[str] = reversed(outline.releases)
    if stone is not None:  # of some releases: they stay taken
        versions = sorted({*outline.releases, *stone.releases}, key=version_key)
    shown = b"" if outline.visibility == "public" else b',"visibility":"%s"' % outline.visibility.encode()
    return b'{"length":%d,"releases":[%s],"sha256":"%s","type":%s%s}' % (
        outline.length,
        ",".join(f'"{version}"' for version in versions).encode(),
        outline.sha256.encode(),
        canonical.dumps(outline.type),
        shown,
    )


def _revoked(view: View) -> Part:
    rows: list[dict[str, Any]] = []
    for entry in view.gallery:
        gone = [version for version, status in entry.outline.releases.items() if status == "quarantined"]
        if gone:
            releases = entry.document().releases
            files = {
                file.sha256
                for version in gone
                for variant in releases[version].variants
                for group in variant.files.values()
                for file in group
                if file.sha256
            }
            reason = next((releases[v].reason for v in gone if releases[v].reason), entry.outline.reason)
            since = entry.outline.updated
            rows.append(
                {"id": entry.id, "releases": sorted(gone), "files": sorted(files)}
                | ({"reason": reason} if reason else {})
                | ({"since": canonical.moment(since)} if since else {})
            )
    return _part(layout.REVOKED, canonical.dumps({"schema": SCHEMA, "revoked": rows}))


def _catalog(view: View, parts: Mapping[str, Part], directory: Part, revoked: Part, earlier: Catalog | None) -> Catalog:
    new = {**{f"types/{name}": part for name, part in parts.items()}, "directory": directory, "revoked": revoked}
    old = {}
    if earlier:
        named = {f"types/{name}": ref for name, ref in earlier.types.items()}
        old = {**named, "directory": earlier.directory, "revoked": earlier.revoked}
    same = {name for name, part in new.items() if name in old and old[name].sha256 == part.sha256}
    if earlier is not None and same == new.keys() == old.keys():
        return earlier
    serial = earlier.serial + 1 if earlier else 1
    refs = {
        name: {"since": old[name].since if name in same else serial, "sha256": part.sha256, "length": part.length}
        | ({"count": part.count} if part.count is not None else {})
        for name, part in new.items()
    }
    return Catalog.model_validate(
        {
            "serial": serial,
            "epoch": earlier.epoch if earlier else 1,
            "audience": view.audience,
            "commit": view.commit,
            "built": view.now.astimezone(dt.UTC).replace(microsecond=0),
            "types": {name: refs[f"types/{name}"] for name in parts},
            "directory": refs["directory"],
            "revoked": refs["revoked"],
        }
    )
