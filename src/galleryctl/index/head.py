"""The head: serial, epoch, every document by digest and length, and the deltas to it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from galleryctl import canonical, layout
from galleryctl.index import deltas, generations
from galleryctl.spec.published import Catalog, DeltaRef, DocumentRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.audience import View
    from galleryctl.index.documents import Part
    from galleryctl.index.published import Past


@dataclass(frozen=True)
class Head:
    """The head of one publication, and what it needs beside the documents."""

    catalog: Catalog
    data: bytes
    made: Mapping[str, bytes] = field(default_factory=dict)
    """Deltas and the list of generations, by path."""
    carried: Mapping[str, int] = field(default_factory=dict)
    """Files that were published before, bytes by path: also some that this publication makes itself."""


def dump(value: Catalog) -> bytes:
    return canonical.dumps(value.model_dump(mode="json", exclude_none=True))


def of(view: View, parts: Mapping[str, Part], files: Mapping[str, int], past: Past | None) -> Head:
    """The head of these documents (`directory`, `types/<type>`, …). `files` are all immutable files but deltas.

    Where nothing changed and everything that was published is still there, it is the last one, byte for byte.
    """
    if past is None:
        catalog = _catalog(view, parts, {}, serial=1, epoch=view.settings.epoch)
        return Head(catalog, dump(catalog))
    published = _published(past)
    whole = len(past.held(published)) == len(published)  # asked for together, from wherever they lie
    if whole and _same(view, parts, past.head) and (starts := _starts(past)) is not None:
        return Head(past.head, past.head_bytes, {}, published | starts)
    return _next(view, parts, files, past)


def _same(view: View, parts: Mapping[str, Part], head: Catalog) -> bool:
    """Whether a new head would say what the last one does."""
    before = {name: ref.sha256 for name, ref in head.documents.items()}
    same = before == {name: part.sha256 for name, part in parts.items()}
    return same and view.settings.mirrors == head.mirrors and view.settings.epoch <= head.epoch


def _published(past: Past) -> dict[str, int]:
    """What the last head needs beside its documents: deltas, and what earlier heads left."""
    head = past.head
    files: dict[str, int] = {}
    if (ref := head.generations) is not None:
        files[layout.addressed(layout.GENERATIONS, ref.sha256)] = ref.length
        for each in generations.listed(past):
            files |= {generations.head_path(each): each.length} | each.files
    for name, document in head.documents.items():
        files |= {layout.delta_document(name, delta.sha256): delta.length for delta in document.deltas}
    return files


def _starts(past: Past) -> dict[str, int] | None:
    """The documents that the deltas of the last head start from; none where one is gone."""
    found: dict[str, int] = {}
    for name, ref in past.head.documents.items():
        for start in generations.offered(past, name) if ref.deltas else ():
            path = generations.address(name, start.sha256)
            data = None if path in found else past.read(path)
            if path not in found and data is None:
                return None
            found |= {path: len(data)} if data is not None else {}
    return found


@dataclass
class _Offer:
    """The deltas to one document, and what has to lie in the tree for them."""

    refs: list[DeltaRef] = field(default_factory=list)
    made: dict[str, bytes] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)


def _next(view: View, parts: Mapping[str, Part], files: Mapping[str, int], past: Past) -> Head:
    """The head of a publication that changed something."""
    reset = view.settings.epoch > past.head.epoch
    serial, epoch = (1, view.settings.epoch) if reset else (past.head.serial + 1, past.head.epoch)
    history = generations.history(past)
    since: dict[str, int] = {}
    offers: dict[str, _Offer] = {}
    for name, part in parts.items():
        before = None if reset else past.head.documents.get(name)
        if before is not None and before.sha256 == part.sha256:
            since[name], offers[name] = before.since, _again(past, name, before)
        else:
            since[name] = serial
            offers[name] = _offer(past, name, part, history.refs(name, epoch), serial, view.now)
    made = {path: data for offer in offers.values() for path, data in offer.made.items()}
    kept = {path: length for offer in offers.values() for path, length in offer.kept.items()}
    starts = {path: length for offer in offers.values() for path, length in offer.starts.items()}
    present = files.keys() | made.keys() | kept.keys()
    dropped = {path: length for path, length in generations.needed(past).items() if path not in present}
    heads = generations.kept(history, dropped, past, view.now)
    listing = generations.document(heads)
    ref = DocumentRef(since=serial, sha256=canonical.digest(listing), length=len(listing))
    made[layout.addressed(layout.GENERATIONS, ref.sha256)] = listing
    refs = {name: (since[name], tuple(offers[name].refs)) for name in parts}
    catalog = _catalog(view, parts, refs, serial=serial, epoch=epoch, listing=ref)
    return Head(catalog, dump(catalog), made, {**heads.files, **starts, **kept})


def _again(past: Past, name: str, ref: DocumentRef) -> _Offer:
    """The deltas to a document that did not change: those that there were, as far as they are still there."""
    offer = _Offer()
    for delta in ref.deltas:
        path = layout.delta_document(name, delta.sha256)
        data = past.read(path)
        start = deltas.start(data) if data else None
        origin = generations.address(name, start.sha256) if start else ""
        older = past.read(origin) if start else None
        if older is not None:
            offer.refs.append(delta)
            offer.kept[path] = delta.length
            offer.starts[origin] = len(older)
    return offer


def _offer(
    past: Past, name: str, part: Part, heads: list[tuple[Catalog, DocumentRef]], serial: int, now: dt.datetime
) -> _Offer:
    """Deltas to a new document; none to what has no models, or starts anew with an epoch."""
    offer = _Offer()
    if not part.frame or not heads:
        return offer
    patcher = deltas.Patcher(part, serial, name.removeprefix("types/"))
    for start in deltas.starts(heads, generations.offered(past, name), now):
        path = generations.address(name, start.sha256)
        older = past.read(path)
        if older is None or (made := patcher.made(start, older)) is None:
            continue
        offer.refs.append(made.ref)
        offer.made[made.path] = made.data
        offer.starts[path] = len(older)
    return offer


def _catalog(
    view: View,
    parts: Mapping[str, Part],
    refs: Mapping[str, tuple[int, tuple[DeltaRef, ...]]],
    *,
    serial: int,
    epoch: int,
    listing: DocumentRef | None = None,
) -> Catalog:
    named: dict[str, DocumentRef] = {}
    for name, part in parts.items():
        since, offered = refs.get(name, (serial, ()))
        named[name] = DocumentRef(since=since, sha256=part.sha256, length=part.length, count=part.count, deltas=offered)
    return Catalog(
        serial=serial,
        epoch=epoch,
        audience=view.audience,
        commit=view.commit,
        built=view.now.astimezone(dt.UTC).replace(microsecond=0),
        types={name.removeprefix("types/"): ref for name, ref in named.items() if name.startswith("types/")},
        directory=named["directory"],
        revoked=named["revoked"],
        runtimes=named.get("runtimes"),
        generations=listing,
        mirrors=view.settings.mirrors,
    )
