"""Every document that the head names, directly or by another document, has the digest and length it is named by.

Nothing is parsed before its digest is right, no more is read than its length, and no code of a registry is run.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from galleryctl import canonical, layout, parallel
from galleryctl.signing.errors import SignatureError
from galleryctl.spec.base import first_fault
from galleryctl.spec.published import SCHEMA, Catalog, Directory, DocumentRef, Generations, Natives, Published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from galleryctl.signing.places import Place

D = TypeVar("D", bound=Published)

MOST_HEAD = 4 * 2**20
"""Bytes of a head. With every type at fifteen deltas it has twelve thousand."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Head:
    """The head of an index: its bytes and what they say."""

    data: bytes
    catalog: Catalog

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def order(self) -> tuple[int, int]:
        """What grows with every publication."""
        return self.catalog.epoch, self.catalog.serial


@dataclass(frozen=True, slots=True)
class Named:
    """A file by its immutable path, digest and length."""

    path: str
    sha256: str
    length: int


def head(place: Place) -> Head:
    """The head that lies under its stable name, and the same bytes under its digest."""
    data = place.read(layout.CATALOG, MOST_HEAD)
    if data is None:
        raise SignatureError(f"{place.where} is no gallery: it has no {layout.CATALOG}; `galleryctl build` makes one")
    digest = hashlib.sha256(data).hexdigest()
    fetch(place, Named(layout.addressed(layout.CATALOG, digest), digest, len(data)))
    return Head(data, parse(Catalog, data, layout.CATALOG))


def unsigned(place: Place) -> Head | None:
    """The head under its stable name, as it is; none where there is no gallery."""
    data = place.read(layout.CATALOG, MOST_HEAD)
    return None if data is None else Head(data, parse(Catalog, data, layout.CATALOG))


def check(place: Place, catalog: Catalog, *, progress: Callable[[int, int], None] | None = None) -> int:
    """Read all that a head names; how many files that is. `SignatureError` tells the first one that is not right."""
    _refuse_beyond(catalog)
    found = list(everything(place, catalog))
    for each in found:
        _refuse_large(each)
    several = parallel.together if place.remote else map
    for count, _ in enumerate(several(lambda named: len(fetch(place, named)), found), 1):
        if progress:
            progress(count, len(found))
    return len(found)


def _refuse_beyond(catalog: Catalog) -> None:
    """What no reader counts to would be signed for good: nothing higher could follow it."""
    for name, number in (("epoch", catalog.epoch), ("serial", catalog.serial)):
        if not 0 <= number <= canonical.MOST:
            raise SignatureError(
                f"{layout.CATALOG} has the {name} {number}, and readers count to {canonical.MOST}: set `epoch` in "
                "gallery.yaml, and build again with --earlier and a copy of the last good tree"
            )


def _refuse_large(named: Named) -> None:
    if named.length > layout.LARGEST:
        raise SignatureError(
            f"{named.path} has {named.length:,} bytes, and readers take {layout.LARGEST:,} of a document at most: list "
            "fewer models in it, or shorten what they say, and build again"
        )


def everything(place: Place, catalog: Catalog) -> Iterator[Named]:
    """All that a head names, itself left out. Documents that name others are read, and verified first."""
    for name, ref in catalog.documents.items():
        yield _stable(layout.document(name), ref)
        for delta in ref.deltas:
            yield Named(layout.delta_document(name, delta.sha256), delta.sha256, delta.length)
    yield from _models(place, _stable(layout.DIRECTORY, catalog.directory))
    if catalog.runtimes is not None:
        yield from _natives(place, _stable(layout.NATIVES, catalog.runtimes))
    if catalog.generations is not None:
        yield from _carried(place, _stable(layout.GENERATIONS, catalog.generations))


def _stable(path: str, ref: DocumentRef) -> Named:
    return Named(layout.addressed(path, ref.sha256), ref.sha256, ref.length)


def _models(place: Place, named: Named) -> Iterator[Named]:
    for identifier, entry in parse(Directory, fetch(place, named), named.path).models.items():
        path = layout.addressed(layout.model_document(identifier), entry.sha256)
        yield Named(path, entry.sha256, entry.length)


def _natives(place: Place, named: Named) -> Iterator[Named]:
    for runtime, files in parse(Natives, fetch(place, named), named.path).runtimes.items():
        for path, file in files.items():
            yield Named(layout.addressed(layout.native(runtime, path), file.sha256), file.sha256, file.length)


def _carried(place: Place, named: Named) -> Iterator[Named]:
    yield named
    for each in parse(Generations, fetch(place, named), named.path).generations:
        yield Named(layout.addressed(layout.CATALOG, each.sha256), each.sha256, each.length)
        for path, length in each.files.items():
            digests = _DIGEST.findall(path)
            if not digests:
                raise SignatureError(f"{layout.GENERATIONS} keeps {path}, which is not named by a digest")
            yield Named(path, digests[-1], length)


def fetch(place: Place, named: Named) -> bytes:
    """A file, whole and verified."""
    if not _DIGEST.fullmatch(named.sha256):
        raise SignatureError(f"{named.path} is named by {named.sha256!r}, which is no SHA-256")
    data = place.read(named.path, named.length)
    if data is None:
        raise SignatureError(f"{named.path} is missing in {place.where}; build it again")
    if len(data) != named.length:
        raise SignatureError(f"{named.path} has {len(data)} bytes, expected {named.length}; build it again")
    found = hashlib.sha256(data).hexdigest()
    if found != named.sha256:
        raise SignatureError(f"{named.path} has the digest {found}, expected {named.sha256}; build it again")
    return data


def parse(kind: type[D], data: bytes, what: str) -> D:
    """A document of a schema that this version knows."""
    try:
        found = kind.model_validate_json(data)
    except ValidationError as error:
        raise SignatureError(f"{what} cannot be read: {first_fault(error)}") from error
    major = found.schema_version.partition(".")[0]
    if major != SCHEMA.partition(".")[0]:
        raise SignatureError(f"{what} has schema {found.schema_version}, known is {SCHEMA}; use a newer galleryctl")
    return found


def discovery(data: bytes) -> dict[str, Any]:
    """The document where readers start, as data: what this version does not know stays in it."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SignatureError(f"{layout.DISCOVERY} is no JSON object; build it again")
    return found
