"""One synchronisation from one address: verify, fetch what is missing, store all of it or nothing.

The order is that of trust: metadata, head, what a runtime must refuse, then what was asked for. Everything is verified
before it is taken apart. A document that was here before comes as a delta where one is offered and makes the very bytes
that the head names; whatever goes wrong with it, the whole document is fetched.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import canonical, layout
from galleryctl.client import deltas, documents, heads
from galleryctl.client.asking import plain
from galleryctl.client.cache import Change, Document, Facts, MovedError, Newest
from galleryctl.client.errors import DamagedError, SchemaError, VerificationError
from galleryctl.client.finding import lacks
from galleryctl.fetch import FetchError, MissingError
from galleryctl.spec.published import Natives, Revoked

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from galleryctl.client.asking import Reader
    from galleryctl.client.cache import Base, Cache
    from galleryctl.client.trust import Trusted
    from galleryctl.spec.published import Catalog, DocumentRef, NativeFile

_MOST = 16 * 2**20
"""Bytes of a head that nobody signed, and so nobody said the length of."""
_SMALL = 2**16
ALL = "all"
"""Every type, those to come too."""
NATIVE = "native/"
"""Kind of the files of a runtime: `native/xinference`."""


class Wanted(NamedTuple):
    """What a synchronisation is asked for. Without types: those at hand, and all of them at first."""

    types: frozenset[str] | None = None
    native: str | None = None
    every: bool = False
    """Every type from now on, also where only some are at hand."""


def wanted(types: Iterable[str] | None, native: str | None) -> Wanted:
    """What `Gallery.sync` is asked for. A text is one type, and `all` is every type."""
    if types is None:
        return Wanted(None, native)
    named = frozenset([types] if isinstance(types, str) else types)
    return Wanted(named - {ALL}, native, every=ALL in named)


class Outcome(NamedTuple):
    """What is stored now."""

    catalog: Catalog
    facts: Facts
    changed: bool
    warnings: tuple[str, ...]
    lacking: tuple[str, ...] = ()
    """Those warnings that say that there is nothing of what was asked for."""


class Syncing:
    """One attempt. `keep` saves what was verified where the rest could not be had."""

    def __init__(self, cache: Cache, reader: Reader, root: bytes | None, now: dt.datetime) -> None:
        self._cache = cache
        self._reader = reader
        self._root = root
        self._now = now
        self._roots: dict[int, bytes] = {}
        self._newest: Newest | None = None
        self._warnings: list[str] = []
        self._lacking: list[str] = []

    def run(self, wanted: Wanted) -> Outcome:
        """Raises `FetchError`, `ClientError` and its kinds, and `MovedError` where another was faster."""
        newest = self._cache.newest()  # before anything is asked: others may store while we do
        base = self._cache.base()
        before = heads.read(base.catalog) if base.catalog is not None else None
        facts = base.facts or Facts(0.0, prefix=self._discovered())
        data, facts, trusted = self._moved(base, facts)
        if wanted.every or (base.catalog is None and wanted.types is None):
            facts = replace(facts, every=True)
        if wanted.native:
            facts = replace(facts, natives=tuple(sorted({*facts.natives, wanted.native})))
        catalog = heads.read(data)
        floors = [heads.Floor(each.epoch, each.serial) for each in (before, newest) if each is not None]
        floor = max(floors, default=None) if trusted is None or trusted.vouched else None
        heads.follows(catalog, floor, before, self._now)
        held = self._cache.documents()
        revoked = self._revoked(catalog, held)
        self._newest = Newest(catalog.epoch, catalog.serial, revoked.frame)
        if wanted.every or (facts.every and wanted.types is None):
            wanted = wanted._replace(types=(wanted.types or frozenset()) | catalog.types.keys())
        change = self._change(base, catalog, held, revoked, wanted, facts.natives)
        change = replace(
            change,
            catalog=data,
            facts=facts,
            newest=self._newest,
            roots=trusted.roots if trusted else {},
            metadata=trusted.metadata if trusted else {},
            renewed=change.renewed or data != base.catalog,
        )
        if not self._cache.store(change, base.number):
            raise MovedError
        lacking = tuple(self._lacking)
        return Outcome(catalog, facts, change.renewed, (*lacking, *self._warnings), lacking)

    def keep(self) -> None:
        """Remember newer roots and revocations: they are verified, whatever became of the rest."""
        self._cache.keep(self._roots, self._newest)

    def _discovered(self) -> str:
        """Where the metadata are. This carries no trust: what it says leads to what is verified, or nowhere."""
        try:
            said = documents.parsed(self._reader.get(layout.DISCOVERY, _SMALL).body or b"", "discovery")
        except (MissingError, DamagedError):
            return layout.METADATA
        if self._root is not None and said.get("signed") is False and not self._signed():
            raise VerificationError(
                f"{self._reader.address}: is not signed, and a root was given: ask the people who run it to sign it; "
                "unsigned=True (--unsigned) reads it without anybody vouching for it",
                step="timestamp",
            )
        prefix = said.get("metadata")
        text = prefix.strip("/") if isinstance(prefix, str) else ""
        return f"{text}/" if text and plain(text) else layout.METADATA

    def _signed(self) -> bool:
        return self._reader.exists(layout.TIMESTAMP)

    def _moved(self, base: Base, facts: Facts) -> tuple[bytes, Facts, Trusted | None]:
        """The head; where its metadata are gone, from where the gallery says now that they are."""
        try:
            return self._head(base, facts)
        except MissingError:
            prefix = facts.prefix if base.facts is None else self._discovered()
            if prefix == facts.prefix:
                raise
            return self._head(base, replace(facts, prefix=prefix))

    def _head(self, base: Base, facts: Facts) -> tuple[bytes, Facts, Trusted | None]:
        etag = facts.etag if facts.etag_from == self._reader.address else ""
        checked = replace(facts, checked=self._now.timestamp(), etag_from=self._reader.address)
        if self._root is None:
            found = self._reader.get(layout.CATALOG, _MOST, etag if base.catalog is not None else "")
            data = found.body if found.body is not None else base.catalog or b""
            return data, replace(checked, expires=None, etag=found.etag), None
        from galleryctl.client.trust import Trust  # noqa: PLC0415 - the library takes a while, and reading needs none

        trust = Trust(self._root, self._cache.roots(), self._cache.metadata(), self._reader, self._now)
        try:
            trusted = trust.head(facts.prefix, etag)
        finally:
            self._roots = trust.roots
        if base.catalog is not None and canonical.digest(base.catalog) == trusted.sha256:
            data = base.catalog
        else:
            path = layout.addressed(layout.CATALOG, trusted.sha256)
            data = _step("catalog", self._reader, path, trusted.sha256, trusted.length)
        return data, replace(checked, expires=trusted.expires.timestamp(), etag=trusted.etag), trusted

    def _revoked(self, catalog: Catalog, held: Mapping[str, Document]) -> Document:
        ref, before = catalog.revoked, held.get("revoked")
        if before is not None and before.sha256 == ref.sha256 and canonical.digest(before.frame) == ref.sha256:
            return before
        data = self._reader.document(layout.addressed(layout.REVOKED, ref.sha256), ref.sha256, ref.length)
        revocations(data)
        return Document(ref.since, ref.sha256, ref.length, frame=data)

    def _change(
        self,
        base: Base,
        catalog: Catalog,
        held: Mapping[str, Document],
        revoked: Document,
        wanted: Wanted,
        runtimes: Iterable[str],
    ) -> Change:
        at_hand = {name.removeprefix("types/") for name in held if name.startswith("types/")}
        asked = wanted.types or frozenset()
        named = catalog.documents
        self._lacking += [_unknown(name, catalog.types) for name in sorted(asked - catalog.types.keys())]
        names = {f"types/{name}" for name in asked | at_hand} & named.keys()
        if "directory" in held:
            names.add("directory")
        new = {
            name: self._document(name, named[name], held.get(name), base)
            for name in sorted(names)
            if name not in held or held[name].sha256 != named[name].sha256
        }
        self._warnings += [said for document in new.values() for said in _lacking(document)]
        if revoked.whole:
            new["revoked"] = revoked
        files, listed = self._natives(catalog, held, wanted.native, runtimes)
        if listed is not None:
            new["runtimes"] = listed
        gone = tuple(name for name in held if name not in named)
        changed = bool(new or files or gone)
        return Change(b"", Facts(0.0), Newest(0, 0, b""), documents=new, gone=gone, files=files, renewed=changed)

    def _document(self, name: str, ref: DocumentRef, held: Document | None, base: Base) -> Document:
        if held is not None and (found := self._by_delta(name, ref, held, base)) is not None:
            return found
        path = layout.addressed(layout.document(name), ref.sha256)
        return whole(name, ref, self._reader.document(path, ref.sha256, ref.length))

    def _by_delta(self, name: str, ref: DocumentRef, held: Document, base: Base) -> Document | None:
        offered = next((each for each in ref.deltas if each.from_serial == held.since), None)
        if offered is None or not held.exact:
            return None
        path = layout.delta_document(name, offered.sha256)
        with suppress(FetchError, DamagedError, SchemaError, ValueError, RecursionError, KeyError, TypeError):
            delta = documents.parsed(self._reader.document(path, offered.sha256, offered.length), path)
            documents.readable(delta, path)
            if delta["from"]["sha256"] != held.sha256 or delta["to"]["sha256"] != ref.sha256:
                return None
            rows = self._cache.rows(name, base.number)
            made = deltas.changed(held.frame, rows.get, delta["patch"])
            documents.readable(json.loads(made.frame), name)
            rows.update(made.rows)
            data = deltas.joined(deltas.Parts(made.frame, {each: row for each, row in rows.items() if row}))
            if canonical.digest(data) == ref.sha256:
                return Document(ref.since, ref.sha256, ref.length, frame=made.frame, rows=made.rows, whole=False)
        return None

    def _natives(
        self, catalog: Catalog, held: Mapping[str, Document], asked: str | None, runtimes: Iterable[str]
    ) -> tuple[dict[str, dict[str, tuple[str, bytes]]], Document | None]:
        """The files of runtimes that changed, and their list where that did."""
        kinds = {f"{NATIVE}{each}" for each in runtimes}
        if not kinds or catalog.runtimes is None:
            if asked:
                self._lacking.append(_unpublished(asked, ()))
            return self._differing({kind: {} for kind in kinds}), None
        ref, before = catalog.runtimes, held.get("runtimes")
        listed = None
        if before is None or before.sha256 != ref.sha256:
            data = self._reader.document(layout.addressed(layout.NATIVES, ref.sha256), ref.sha256, ref.length)
            listed = Document(ref.since, ref.sha256, ref.length, frame=data)
        found = natives((listed or before or Document(0, "", 0)).frame)
        changed: dict[str, dict[str, tuple[str, bytes]]] = {}
        for kind in sorted(kinds):
            runtime = kind.removeprefix(NATIVE)
            if asked == runtime and runtime not in found:
                self._lacking.append(_unpublished(runtime, found))
            if listed is not None or runtime == asked:
                changed[kind] = {path: self._native(runtime, path, ref) for path, ref in found.get(runtime, {}).items()}
        return self._differing(changed), listed

    def _native(self, runtime: str, path: str, ref: NativeFile) -> tuple[str, bytes]:
        data = self._cache.file(f"{NATIVE}{runtime}", path, ref.sha256)
        if data is None:
            where = layout.addressed(layout.native(runtime, path), ref.sha256)
            data = self._reader.document(where, ref.sha256, ref.length)
        return ref.sha256, data

    def _differing(self, found: dict[str, dict[str, tuple[str, bytes]]]) -> dict[str, dict[str, tuple[str, bytes]]]:
        return {
            kind: files
            for kind, files in found.items()
            if {name: sha256 for name, (sha256, _) in files.items()} != self._cache.digests(kind)
        }


def _lacking(document: Document) -> Iterator[str]:
    """Models among those that came which need what this client does not know."""
    for identifier, row in document.rows.items():
        if b'"requires"' in row and (needs := lacks(json.loads(row))):
            said = ascii(", ".join(needs))[1:-1][:80]
            yield f"{identifier} needs {said}, which this client does not know: skipped; update galleryctl"


def _unknown(name: str, types: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - on use

    known = sorted(types)
    near = get_close_matches(name.casefold(), known, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    return f"the gallery has no models of the type {ascii(name)[1:-1]}; its types: {', '.join(known) or 'none'}{meant}"


def _unpublished(runtime: str, published: Iterable[str]) -> str:
    known = ", ".join(sorted(published))
    others = f"; it does for: {known}" if known else ""
    said = (
        f"the gallery publishes no files for {ascii(runtime)[1:-1]}, which `runtimes` of its gallery.yaml do not name"
    )
    return f"{said}{others}"


def whole(name: str, ref: DocumentRef, data: bytes) -> Document:
    """A verified document in rows."""
    parts = deltas.split(data, name)
    exact = deltas.joined(parts) == data
    return Document(ref.since, ref.sha256, ref.length, exact=exact, frame=parts.frame, rows=parts.rows)


def revocations(data: bytes) -> Revoked:
    """Verified revocations. Raises `DamagedError` and `SchemaError`: what is not understood cannot be honoured."""
    raw = documents.parsed(data, "revoked")
    documents.readable(raw, "revoked")
    return documents.model(Revoked, raw, "revoked")


def natives(data: bytes) -> dict[str, dict[str, NativeFile]]:
    """The files of each runtime by their paths, which lead nowhere but down."""
    raw = documents.parsed(data, "runtimes")
    documents.readable(raw, "runtimes")
    found = documents.model(Natives, raw, "runtimes").runtimes
    for runtime, files in found.items():
        for path, ref in files.items():
            if not (documents.name(runtime) and plain(path) and documents.digest(ref.sha256) and ref.length >= 0):
                raise DamagedError(f"runtimes: names {ascii(path)[:80]} of {ascii(runtime)[:40]}, which leads nowhere")
    return found


def _step(step: str, reader: Reader, path: str, sha256: str, length: int) -> bytes:
    try:
        return reader.document(path, sha256, length)
    except DamagedError as error:
        raise DamagedError(str(error), step=step) from error
