"""A copy of a signed gallery in a folder that any host can serve, or that is carried to where there is no network.

* Everything is verified while it is copied: the metadata by the keys, the head by them, all else by its digest. What
  nothing vouches for (the schemas, for people) is copied where it is there; the pages are not.
* At any moment the folder is the whole old or the whole new gallery: first come files that are named by their content,
  then metadata with its version in its name, then stable names, last `timestamp.json`, which leads to all of it and is
  written once the rest is on the disk. A run that was killed is finished by the next one.
* Only files that a journal in the folder knows are ever removed: those that neither this state nor the last one needs.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pydantic import ValidationError

from galleryctl import canonical, layout, output, parallel, resources
from galleryctl.client import heads, syncing, trust
from galleryctl.client.asking import Counted, Reader, base, plain
from galleryctl.client.errors import DamagedError, SchemaError, VerificationError
from galleryctl.errors import OutputError
from galleryctl.fetch import Limits, MissingError
from galleryctl.output import disk
from galleryctl.spec.base import first_fault
from galleryctl.spec.published import Directory, Discovery

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from galleryctl.fetch import Fetcher
    from galleryctl.spec.published import Catalog

JOURNAL = ".galleryctl-mirror.json"

Document = TypeVar("Document", Directory, Discovery)

_LOOSE = 2**20
"""Bytes of a schema, or of the document that leads to the index."""


class Signed(NamedTuple):
    """What was verified of a gallery: all of its metadata by path, and the head that it names."""

    metadata: Mapping[str, bytes]
    catalog: bytes
    expires: dt.datetime
    """When the first of the roles expires."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a run did. A file with two names is counted twice."""

    serial: int
    epoch: int
    expires: dt.datetime
    """Until when clients take this copy for fresh: mirror again before."""
    models: int
    written: int
    kept: int
    pruned: int
    missing: tuple[str, ...] = ()
    """Files that nothing vouches for, and that the gallery does not have."""
    bytes: int = 0
    """Bytes that came over the wire, or out of the folder that was copied."""
    requests: int = 0


class Piece(NamedTuple):
    """One file that something signed names: its immutable path, and the stable one, where it has one."""

    path: str
    sha256: str
    length: int
    stable: str = ""


def mirror(
    url: str | Path,
    root: bytes,
    out: Path,
    *,
    fetcher: Fetcher,
    now: dt.datetime,
    types: Collection[str] = (),
    limits: Limits | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Copied:
    """Bring a folder in step with the gallery at an address, or in a folder, starting from a root that is trusted.

    `types` leaves out the documents of models of other types. FetchError, VerificationError, SchemaError: what there is
    cannot be had, or is not what was signed; OutputError: the folder cannot be written, or holds what no mirror wrote.
    In all of these cases it serves what it served before.
    """
    address, counted = base(url), Counted()
    through = None if address.startswith("file:") else fetcher

    def reader() -> Reader:
        return Reader(address, through, limits or Limits(), counted)

    out = out.absolute()
    with disk.workshop(out) as work:
        try:
            known = _Known.read(out)
            signed = verify(reader, root, out, now=now)
            copied = _Copying(signed, reader, out, work, known, progress).run(types)
        except OSError as error:
            raise OutputError(f"cannot write {out}: {error.strerror}: {error.filename}") from error
    return replace(copied, bytes=counted.bytes, requests=counted.requests)


def verify(reader: Callable[[], Reader], root: bytes, out: Path, *, now: dt.datetime) -> Signed:
    """The head of a gallery and all that vouches for it, not older than what a folder has of it already."""
    seen, roots = _seen(out)
    trusted = trust.Trust(root, roots, seen, reader(), now).head(layout.METADATA, "")
    known = dict(trusted.roots)
    if not set(range(1, min(known))) <= roots.keys():
        known |= _earlier(reader, trusted.roots, now)
    shared = roots.keys() & known.keys()
    if bool(roots) > bool(shared) or any(roots[version] != known[version] for version in shared):
        raise OutputError(f"{out} mirrors a gallery with another root: choose another folder")
    known |= roots
    metadata = {layout.metadata("root", version): data for version, data in known.items()}
    metadata |= {_path(role, data): data for role, data in trusted.metadata.items()}
    data = reader().document(layout.addressed(layout.CATALOG, trusted.sha256), trusted.sha256, trusted.length)
    catalog, before = heads.read(data), None
    with suppress(OSError, VerificationError, SchemaError):
        before = heads.read((out / layout.CATALOG).read_bytes())
    floor = heads.Floor(before.epoch, before.serial) if before and trusted.vouched else None
    heads.follows(catalog, floor, before, now)
    return Signed(metadata, data, trusted.expires)


def _seen(out: Path) -> tuple[dict[str, bytes], dict[int, bytes]]:
    """The metadata by role, and the roots, that a folder holds. What is broken there counts as not there."""
    found: dict[str, bytes] = {}
    with suppress(OSError, ValueError, KeyError, TypeError):
        found["timestamp"] = (out / layout.TIMESTAMP).read_bytes()
        found["snapshot"] = (out / layout.metadata("snapshot", _version(found["timestamp"], "snapshot"))).read_bytes()
        for role in ("targets", "catalog"):
            found[role] = (out / layout.metadata(role, _version(found["snapshot"], role))).read_bytes()
    roots = {}
    for path in (out / layout.METADATA).glob("[1-9]*.root.json"):
        with suppress(ValueError):
            data = path.read_bytes()
            roots[int(path.name.partition(".")[0])] = data if json.loads(data) else b""
    return found, roots


def _earlier(reader: Callable[[], Reader], roots: Mapping[int, bytes], now: dt.datetime) -> dict[int, bytes]:
    """Roots before the one that is trusted, for who trusts an earlier one: those that lead to it."""
    try:
        first = reader().get(layout.metadata("root", 1), _LOOSE).body or b""
    except MissingError:
        return {}
    found = trust.Trust(first, {}, {}, reader(), now).head(layout.METADATA, "").roots
    if any(found.get(version) != data for version, data in roots.items()):
        raise VerificationError(
            "root: the first root of this host does not lead to the one that is trusted", step="root"
        )
    return dict(found)


def _version(data: bytes, role: str) -> int:
    return int(json.loads(data)["signed"]["meta"][f"{role}.json"]["version"])


def _path(role: str, data: bytes) -> str:
    return layout.TIMESTAMP if role == "timestamp" else layout.metadata(role, json.loads(data)["signed"]["version"])


class _Known(NamedTuple):
    """What the journal of a folder knows: files of its state, of the state before, and of a run that has not ended."""

    now: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()
    coming: frozenset[str] = frozenset()

    @classmethod
    def read(cls, out: Path) -> _Known:
        """OutputError: the folder holds what no run of this wrote."""
        path = out / JOURNAL
        try:
            told = json.loads(path.read_bytes())
            if told["mirror"] != 1:
                raise OutputError(f"{path} is of a later galleryctl: upgrade it")
            found = [_paths(told[name]) for name in cls._fields]
            return cls(*found)
        except FileNotFoundError:
            if out.is_dir() and any(out.iterdir()):
                raise OutputError(f"{out} holds what no mirror wrote: choose an empty folder") from None
            return cls()
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise OutputError(f"{path} cannot be read: remove {out}, and mirror anew") from error

    def text(self) -> str:
        told = {name: sorted(paths) for name, paths in self._asdict().items()}
        return json.dumps({"mirror": 1, **told}, indent=0, sort_keys=True) + "\n"


def _paths(told: Iterable[object]) -> frozenset[str]:
    found = frozenset(map(str, told))
    if not all(map(plain, found)):
        raise ValueError("a path leads out of the folder")
    return found


@dataclass
class _Copying:
    """One call of `mirror`, step by step."""

    signed: Signed
    reader: Callable[[], Reader]
    out: Path
    work: Path
    known: _Known
    progress: Callable[[int, int], None] | None
    wanted: set[str] = field(default_factory=set)
    written: int = 0

    def run(self, types: Collection[str]) -> Copied:
        catalog = heads.read(self.signed.catalog)
        head = _piece(layout.CATALOG, canonical.digest(self.signed.catalog), len(self.signed.catalog))
        self._note([head.path])
        self._put(head.path, self.signed.catalog)
        pieces = [head, *self._documents(catalog, types)]
        loose, missing = self._loose(catalog)
        versioned = {path: data for path, data in self.signed.metadata.items() if path != layout.TIMESTAMP}
        stable = {piece.stable: piece.path for piece in pieces if piece.stable}
        self._note([*versioned, *stable, *loose, layout.TIMESTAMP])
        if self.written:
            os.sync()  # once: file by file it would take minutes for thousands
        for path, data in sorted(versioned.items()):
            self._put(path, data, sync=True)
        for path, source in sorted(stable.items()):
            self._link(source, path)
        for path, data in sorted(loose.items()):
            self._put(path, data, sync=True)
        self._put(layout.TIMESTAMP, self.signed.metadata[layout.TIMESTAMP], sync=True)
        models = sum(path.startswith("v1/models/") for path in stable)
        kept = len(self.wanted) - self.written
        pruned = self._prune()
        return Copied(
            catalog.serial, catalog.epoch, self.signed.expires, models, self.written, kept, pruned, tuple(missing)
        )

    def _documents(self, catalog: Catalog, types: Collection[str]) -> list[Piece]:
        """Bring here what the head names, and what the directory and the list of native files name."""
        left_out = {f"types/{kind}" for kind in catalog.types if types and kind not in types}
        named = {name: ref for name, ref in catalog.documents.items() if name not in left_out}
        if catalog.generations:
            named["generations"] = catalog.generations
        first = [_piece(layout.document(name), ref.sha256, ref.length) for name, ref in named.items()]
        for name, ref in named.items():
            first += [Piece(layout.delta_document(name, each.sha256), each.sha256, each.length) for each in ref.deltas]
        self._fetch(first)
        stable = {piece.stable: piece for piece in first}
        directory = _parsed(Directory, self._read(stable[layout.DIRECTORY].path), layout.DIRECTORY)
        second = [
            _piece(layout.model_document(identifier), entry.sha256, entry.length)
            for identifier, entry in directory.models.items()
            if not types or entry.type in types
        ]
        if catalog.runtimes:
            natives = syncing.natives(self._read(stable[layout.NATIVES].path))
            second += [
                _piece(layout.native(runtime, path), file.sha256, file.length)
                for runtime, files in natives.items()
                for path, file in files.items()
            ]
        self._fetch(second)
        return [*first, *second]

    def _fetch(self, pieces: list[Piece]) -> None:
        if wrong := next((piece.path for piece in pieces if not plain(piece.path)), None):
            raise DamagedError(f"{ascii(wrong)[:200]}: is no path of a gallery")
        self._note([piece.path for piece in pieces])
        missing = [piece for piece in pieces if not self._has(piece)]
        self.wanted |= {piece.path for piece in pieces}
        for number, (piece, data) in enumerate(parallel.together(self._bring, missing)):
            self._put(piece.path, data)
            if self.progress:
                self.progress(number + 1, len(missing))

    def _bring(self, piece: Piece) -> tuple[Piece, bytes]:
        return piece, self.reader().document(piece.path, piece.sha256, piece.length)

    def _has(self, piece: Piece) -> bool:
        """Whether the folder holds it whole: a disk may lose what it was given."""
        if disk.size(f"{self.out}/{piece.path}") != piece.length:
            return False
        return canonical.digest(self._read(piece.path)) == piece.sha256

    def _loose(self, catalog: Catalog) -> tuple[dict[str, bytes], list[str]]:
        """The document that leads to the index, and the schemas; and which of the latter are not there."""
        index = [path.name for path in (resources.root("schemas") / "index").glob("*.schema.json")]
        names = sorted([*index, *(f"types/{kind}.schema.json" for kind in catalog.types)])
        found, missing = {layout.DISCOVERY: self._leading()}, []
        for path in (f"v1/schemas/{name}" for name in names):
            try:
                found[path] = self._object(path)
            except MissingError:
                missing.append(path)
        return found, missing

    def _leading(self) -> bytes:
        """Where it leads is where the copy has it."""
        data = self._object(layout.DISCOVERY)
        told = _parsed(Discovery, data, layout.DISCOVERY)
        if (told.catalog, told.metadata, told.targets) != (layout.CATALOG, layout.METADATA, ""):
            raise SchemaError(
                f"{layout.DISCOVERY}: the gallery lies in another way than this version of galleryctl copies"
            )
        return data

    def _object(self, path: str) -> bytes:
        data = self.reader().get(path, _LOOSE).body or b""
        try:
            if isinstance(json.loads(data), dict):
                return data
        except (ValueError, RecursionError):
            pass
        raise DamagedError(f"{path}: is no JSON object")

    def _read(self, path: str) -> bytes:
        return (self.out / path).read_bytes()

    def _put(self, path: str, data: bytes, *, sync: bool = False) -> None:
        self.wanted.add(path)
        if disk.size(f"{self.out}/{path}") != len(data) or self._read(path) != data:
            disk.create(str(self.work / "file"), data, sync=sync)
            self._move(path)

    def _link(self, source: str, path: str) -> None:
        """A second name for a file; a copy where links do not work."""
        self.wanted.add(path)
        if disk.size(f"{self.out}/{path}") is None or self._read(path) != self._read(source):
            disk.link(f"{self.out}/{source}", str(self.work / "file"))
            self._move(path)

    def _move(self, path: str) -> None:
        target = self.out / path
        if target.is_symlink() or target.is_dir():
            raise OutputError(f"{target} is in the way, and galleryctl did not make it: move it away")
        target.parent.mkdir(parents=True, exist_ok=True)
        (self.work / "file").replace(target)
        self.written += 1

    def _note(self, paths: Iterable[str]) -> None:
        """Know of files before they are there, so that a run that is killed leaves none that nobody knows."""
        coming = self.known.coming | (frozenset(paths) - self.known.now - self.known.before)
        if coming != self.known.coming:
            self._save(self.known._replace(coming=coming))

    def _save(self, known: _Known) -> None:
        self.known = known
        self.out.mkdir(parents=True, exist_ok=True)
        output.replace(self.out / JOURNAL, known.text())

    def _prune(self) -> int:
        """Remove what neither this state needs nor the one before, which somebody may be reading still."""
        wanted = frozenset(self.wanted)
        same = wanted == self.known.now
        before = self.known.before if same else self.known.now
        gone = sorted(frozenset().union(*self.known) - wanted - before)
        for path in gone:
            with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                (self.out / path).unlink()
            for folder in list((self.out / path).relative_to(self.out).parents)[:-1]:
                with suppress(OSError):  # it holds something still
                    (self.out / folder).rmdir()
        after = _Known(wanted, before)
        if after != self.known:
            self._save(after)
        return len(gone)


def _piece(path: str, sha256: str, length: int) -> Piece:
    """A file with a stable name, by its digest."""
    return Piece(layout.addressed(path, sha256), sha256, length, path)


def _parsed(kind: type[Document], data: bytes, path: str) -> Document:
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        raise SchemaError(f"{path}: {first_fault(error)}; a later galleryctl may know it") from error
