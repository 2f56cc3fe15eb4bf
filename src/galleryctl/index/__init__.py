"""The documents under `/v1/`: what runtimes fetch. Pure: a view and what was published last in, outputs out.

* Documents are canonical JSON, joined from the canonical parts that the entries keep (`documents`).
* Every document lies under its stable name and under its digest; the head names all others by digest and length.
* `serial` grows by one when a document changed; if none did, the last head is kept byte for byte (`head`).
* Deltas lead from earlier documents to the present ones (`deltas`); a reader that ignores them is still right.
* What earlier heads name stays for a while (`generations`), read from wherever it was published.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from galleryctl import canonical, layout
from galleryctl.errors import OutputError
from galleryctl.index import documents, head, revoked
from galleryctl.index.published import Past, Published, checked, named
from galleryctl.output import Output
from galleryctl.spec.published import Catalog, Discovery, NativeFile, Natives
from galleryctl.spec.published import Revoked as RevokedDocument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from galleryctl.audience import View
    from galleryctl.index.documents import Part
    from galleryctl.spec import Frozen
    from galleryctl.spec.published import Revocation

__all__ = ["Native", "Past", "Published", "catalog", "checked", "named", "outputs"]


@dataclass(frozen=True)
class Native:
    """A file that a runtime reads and that many models share: its published path, and its bytes on demand."""

    path: str
    sha256: str
    length: int
    render: Callable[[], bytes]


def outputs(
    view: View,
    *,
    schemas: Mapping[str, bytes],
    earlier: Past | None = None,
    natives: Sequence[Native] = (),
    discovery: Discovery | None = None,
) -> Iterator[Output]:
    """Every file of the index, and the shared native files.

    `schemas` are the published schemas by name, `earlier` is what was published last, and `discovery` is what the
    folder's own document says where it holds metadata. Raises `OutputError` where `earlier` cannot be understood.
    """
    parts = _parts(view, natives, earlier)
    models = {
        layout.addressed(layout.model_document(entry.id), entry.outline.sha256): entry.outline.length
        for entry in view.gallery
    }
    files = models | {part.address: part.length for part in parts.values()}
    files |= {layout.addressed(native.path, native.sha256): native.length for native in natives}
    try:
        made = head.of(view, parts, files, earlier)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(f"what was published last cannot be read: {type(error).__name__}: {error}") from error
    for entry in view.gallery:
        yield from _addressed(layout.model_document(entry.id), entry.outline.sha256, partial(bytes, entry.wire))
    for part in parts.values():
        yield from _addressed(part.path, part.sha256, partial(bytes, part.data))
    for native in natives:
        yield from _addressed(native.path, native.sha256, native.render)
    sha256 = canonical.digest(made.data)
    yield from _addressed(layout.CATALOG, sha256, partial(bytes, made.data))
    yield from _kept(made, files.keys() | {layout.addressed(layout.CATALOG, sha256)}, earlier)
    yield _document(layout.DISCOVERY, canonical.dumps(_dump(_discovery(view, discovery))))
    for name, data in schemas.items():
        yield _document(f"v1/schemas/{name}", data)


def catalog(data: bytes) -> Catalog:
    """An earlier head, read back; raises `ValueError` where it is none."""
    return Catalog.model_validate_json(data)


def _parts(view: View, natives: Sequence[Native], earlier: Past | None) -> dict[str, Part]:
    parts = {f"types/{name}": documents.types(name, entries) for name, entries in view.by_type.items()}
    parts["directory"] = documents.directory(view)
    rows = revoked.revocations(view, _revocations(earlier))
    parts["revoked"] = documents.part(layout.REVOKED, revoked.document(rows))
    if natives:
        found: dict[str, dict[str, NativeFile]] = {}
        for native in natives:
            row = NativeFile(sha256=native.sha256, length=native.length)
            found.setdefault(layout.runtime_of(native.path), {})[layout.inside(native.path)] = row
        parts["runtimes"] = documents.part(layout.NATIVES, canonical.dumps(_dump(Natives(runtimes=found))))
    return parts


def _revocations(earlier: Past | None) -> tuple[Revocation, ...]:
    if earlier is None:
        return ()
    data = earlier.read(layout.addressed(layout.REVOKED, earlier.head.revoked.sha256))
    if data is None:
        raise OutputError("the revocations that were published last are gone: no build may forget them")
    try:
        return RevokedDocument.model_validate_json(data).revoked
    except ValueError as error:
        raise OutputError(f"the revocations that were published last cannot be read: {error}") from error


def _kept(made: head.Head, present: frozenset[str] | set[str], earlier: Past | None) -> Iterator[Output]:
    """Deltas, the list of generations, and what was published before and is still needed."""
    for path, data in made.made.items():
        yield _document(path, data, named(path))
        if path == _listing(made.catalog):
            yield Output(layout.GENERATIONS, named(path) or "", partial(bytes, data), links=path)
    for path in made.carried:
        if path not in present and path not in made.made and earlier is not None:
            yield Output(path, named(path) or "", partial(_read, earlier, path))
            if path == _listing(made.catalog):
                yield Output(layout.GENERATIONS, named(path) or "", partial(_read, earlier, path), links=path)


def _listing(catalog: Catalog) -> str:
    return layout.addressed(layout.GENERATIONS, catalog.generations.sha256) if catalog.generations else ""


def _read(earlier: Past, path: str) -> bytes:
    data = checked(path, earlier.head_bytes) or earlier.read(path)
    if data is None:
        raise OutputError(f"{path} was there when the build began, and is gone or damaged: build again")
    return data


def _discovery(view: View, said: Discovery | None) -> Discovery:
    found = Discovery(title=view.settings.title, audience=view.audience)
    return found.model_copy(update={"signed": said.signed, "metadata": said.metadata}) if said else found


def _dump(value: Frozen) -> dict[str, Any]:
    return value.model_dump(mode="json", exclude_none=True)


def _document(path: str, data: bytes, sha256: str | None = None) -> Output:
    return Output(path, sha256 or canonical.digest(data), partial(bytes, data))


def _addressed(path: str, sha256: str, render: Callable[[], bytes]) -> Iterator[Output]:
    immutable = layout.addressed(path, sha256)
    yield Output(immutable, sha256, render)
    yield Output(path, sha256, render, links=immutable)
