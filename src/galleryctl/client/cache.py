"""What a client remembers of one gallery: an SQLite file in which every synchronisation is one transaction.

* What was stored is there whole or not at all, whatever is killed and whenever: `synchronous=FULL`.
* Any number of threads and processes share it. Each state has a number; who stores says which one he started from,
  and is sent back where another was faster.
* A file that is damaged is discarded, and fetched again. What must survive that stands beside it, in a small file of
  its own: the roots, by which trust goes on, and the newest revocations with their serial, below which nothing falls.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
import weakref
import zlib
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from galleryctl import canonical
from galleryctl.client import journals
from galleryctl.client.errors import ClientError
from galleryctl.client.owners import is_planted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    T = TypeVar("T")

_FORM = 1
"""Number of the tables below; a file with another one is discarded."""
_PATIENCE = 30.0  # seconds to wait for who is writing
_KEPT = 2**28  # bytes of the small file beside it, which holds revocations too
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)
_UNREADABLE = "Could not decode to UTF-8"  # Python's own words, without a code, and with the bytes behind them
_TABLES = (
    "CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER, catalog BLOB, sum INTEGER, facts)",
    "CREATE TABLE roots (version INTEGER PRIMARY KEY, data BLOB)",
    "CREATE TABLE metadata (role TEXT PRIMARY KEY, data BLOB)",
    "CREATE TABLE documents (name TEXT PRIMARY KEY, facts TEXT, frame BLOB, sum INTEGER)",
    "CREATE TABLE rows (document TEXT, id TEXT, data BLOB, sum INTEGER, PRIMARY KEY (document, id))",
    "CREATE TABLE files (kind TEXT, name TEXT, sha256 TEXT, data BLOB, PRIMARY KEY (kind, name))",
    "CREATE TABLE newest (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER, serial INTEGER, revoked BLOB)",
)


class MovedError(Exception):
    """Somebody else stored a newer state in the meantime."""


class _BrokenError(Exception):
    """The file does not hold what was put into it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is remembered of a head beside its bytes. Times are seconds since 1970."""

    checked: float
    expires: float | None = None
    prefix: str = "metadata/"
    etag: str = ""
    etag_from: str = ""
    every: bool = False
    """Whether all types are wanted, those to come too."""
    natives: tuple[str, ...] = ()
    """Runtimes whose files are wanted."""


class Base(NamedTuple):
    """The state that something starts from. Without a catalog nothing was synchronised yet."""

    number: int
    catalog: bytes | None
    facts: Facts | None


@dataclass(frozen=True, slots=True)
class Document:
    """One document at hand: its digest, and its members but for those that are rows."""

    since: int
    sha256: str
    length: int
    exact: bool = True
    """Whether the rows make the published bytes again, as a delta needs."""
    frame: bytes = b""
    rows: Mapping[str, bytes] = field(default_factory=dict)
    """Rows to store: all of them if `whole`, else those that changed, empty where one goes."""
    whole: bool = True


class Newest(NamedTuple):
    """The newest verified revocations: they count even where the head that named them could not be had whole."""

    epoch: int
    serial: int
    revoked: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """Everything that one synchronisation stores, or nothing of it."""

    catalog: bytes
    facts: Facts
    newest: Newest
    roots: Mapping[int, bytes] = field(default_factory=dict)
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    documents: Mapping[str, Document] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    """Documents that the head does not name any more."""
    files: Mapping[str, Mapping[str, tuple[str, bytes]]] = field(default_factory=dict)
    """By kind, and by name: digest and bytes. A kind is stored whole; an empty one goes."""
    renewed: bool = False
    """Whether anything but the facts changes."""


class Cache:
    """One file for one gallery and one root. Raises `ClientError` where the disk does not allow it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = path.with_suffix(".kept.json")
        self._lock = threading.RLock()
        self._open: sqlite3.Connection | None = None
        self._opened: tuple[int, int, int] = (0, 0, 0)
        self._told: list[str] = []

    def told(self) -> tuple[str, ...]:
        """What happened to the file since somebody asked: sentences for people."""
        with self._lock:
            told, self._told = tuple(self._told), []
            return told

    def base(self) -> Base:
        return self._run(_base)

    def roots(self) -> dict[int, bytes]:
        return self._run(lambda file: {each: _text(data) for each, data in file.execute("SELECT * FROM roots")})

    def metadata(self) -> dict[str, bytes]:
        return self._run(lambda file: dict(file.execute("SELECT role, data FROM metadata")))

    def newest(self) -> Newest | None:
        return self._run(_newest)

    def documents(self) -> dict[str, Document]:
        """Every document at hand, without its rows."""

        def read(file: sqlite3.Connection) -> dict[str, Document]:
            found = file.execute("SELECT name, facts, frame, sum FROM documents")
            return {
                name: Document(**json.loads(facts), frame=_whole(frame, total), whole=False)
                for name, facts, frame, total in found
            }

        return self._run(read)

    def rows(self, document: str, number: int) -> dict[str, bytes]:
        """All rows of a document, by id. Raises `MovedError`."""
        said = "SELECT id, data, sum FROM rows WHERE document = ?"
        return self._run(
            lambda file: {id_: _whole(data, total) for id_, data, total in file.execute(said, [document])}, number
        )

    def ids(self, document: str, number: int) -> list[str]:
        said = "SELECT id FROM rows WHERE document = ?"
        return self._run(lambda file: [each for (each,) in file.execute(said, [document])], number)

    def row(self, document: str, identifier: str, number: int) -> bytes | None:
        """One row. Raises `MovedError`."""

        def read(file: sqlite3.Connection) -> bytes | None:
            said = "SELECT data, sum FROM rows WHERE document = ? AND id = ?"
            found = file.execute(said, [document, identifier]).fetchone()
            return None if found is None else _whole(*found)

        return self._run(read, number)

    def files(self, kind: str, number: int) -> dict[str, bytes]:
        """All files of a kind by name. Raises `MovedError`."""

        def read(file: sqlite3.Connection) -> dict[str, bytes]:
            found = file.execute("SELECT name, sha256, data FROM files WHERE kind = ?", [kind]).fetchall()
            if any(canonical.digest(data) != sha256 for _, sha256, data in found):
                raise _BrokenError("a file does not have its digest")
            return {name: data for name, _, data in found}

        return self._run(read, number)

    def digests(self, kind: str) -> dict[str, str]:
        said = "SELECT name, sha256 FROM files WHERE kind = ?"
        return self._run(lambda file: dict(file.execute(said, [kind])))

    def file(self, kind: str, name: str, sha256: str) -> bytes | None:
        """One file, if it is at hand with this digest."""
        said = "SELECT data FROM files WHERE kind = ? AND name = ? AND sha256 = ?"
        found = self._run(lambda file: file.execute(said, [kind, name, sha256]).fetchone())
        return found[0] if found is not None and canonical.digest(found[0]) == sha256 else None

    def store(self, change: Change, number: int) -> bool:
        """Store a new state; false where the present one is not the one that it started from."""

        def write(file: sqlite3.Connection) -> bool:
            if _base(file).number != number:
                return False
            _stored(file, change, number)
            return True

        done = self._run(write, writing=True)
        if done:
            self._beside()
        return done

    def keep(self, roots: Mapping[int, bytes], newest: Newest | None) -> None:
        """Remember what was verified though the whole could not be had."""
        known, before = self.roots(), self.newest()
        newer = newest is not None and (before is None or newest[:2] > before[:2])
        if newer or roots.keys() - known.keys():
            self._run(lambda file: _kept(file, roots, newest if newer else None), writing=True)
            self._beside()

    def add(self, kind: str, name: str, data: bytes) -> None:
        """Remember one verified file of the present state; a failure costs only that it is fetched again."""
        row = [kind, name, canonical.digest(data), data]
        self._run(lambda file: file.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", row), writing=True)

    def add_document(self, name: str, document: Document, number: int) -> None:
        """Remember one verified document more of the present state. Raises `MovedError`."""
        self._run(lambda file: _document(file, name, document), number, writing=True)

    def _run(self, work: Callable[[sqlite3.Connection], T], number: int | None = None, *, writing: bool = False) -> T:
        with self._lock:
            for again in (True, False):
                try:
                    return self._once(work, number, writing=writing)
                except (sqlite3.Error, _BrokenError, ValueError, TypeError, KeyError) as error:
                    why = "a text is no UTF-8" if str(error).startswith(_UNREADABLE) else str(error)
                    broken = not isinstance(error, sqlite3.Error) or _code(error) in _BROKEN or "no such" in why
                    if not (again and (broken or why != str(error))):
                        raise ClientError(f"{self._path}: the cache cannot be used: {why}") from error
                    self._discard(why)
            raise AssertionError("unreachable: the second attempt returns or raises")

    def _once(self, work: Callable[[sqlite3.Connection], T], number: int | None, *, writing: bool) -> T:
        with _transaction(self._connected(), writing=writing) as file:
            if number is not None and _base(file).number != number:
                raise MovedError
            return work(file)

    def _connected(self) -> sqlite3.Connection:
        if self._open is not None and self._opened == self._seen():
            return self._open
        if self._open is not None and self._opened[0] == os.getpid():  # what a parent opened is not ours to close
            self._open.close()
        self._open = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ClientError(f"{self._path.parent}: cannot be written: {error.strerror}") from error
        self._refuse_planted()
        file = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        weakref.finalize(self, _closed, file, os.getpid())
        self._open = file
        file.execute("PRAGMA synchronous = FULL")
        form = file.execute("PRAGMA user_version").fetchone()[0]
        self._refuse_planted()  # between the two it may have been made
        if form not in {0, _FORM}:
            raise _BrokenError(f"it has the form {form}, and this client writes {_FORM}")
        if form == 0:
            self._create(file)
        self._opened = self._seen()
        return file

    def _refuse_planted(self) -> None:
        for path in (self._path, self._path.with_name(f"{self._path.name}-journal"), self._kept):
            if is_planted(path):
                raise ClientError(
                    f"{path}: another user made it, in a folder where anybody may write: choose another folder for the "
                    "cache (cache=…, --cache)"
                )

    def _create(self, file: sqlite3.Connection) -> None:
        with _transaction(file, writing=True):
            if file.execute("PRAGMA user_version").fetchone()[0]:
                return  # another process was faster
            for table in _TABLES:
                file.execute(table)
            file.execute("INSERT INTO state VALUES (1, ?, NULL, NULL, NULL)", [secrets.randbits(48)])
            roots, newest = self._beside_read()
            _kept(file, roots, newest)
            file.execute(f"PRAGMA user_version = {_FORM}")

    def _seen(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (os.getpid(), -1, -1)
        return (os.getpid(), found.st_dev, found.st_ino)

    def _discard(self, why: str) -> None:
        if self._open is not None:
            with suppress(sqlite3.Error):
                self._open.close()
        self._open = None
        try:  # the journal first: it would be played back into the file that comes next
            self._path.with_name(f"{self._path.name}-journal").unlink(missing_ok=True)
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise ClientError(f"{self._path}: is damaged and cannot be removed: {error.strerror}") from error
        roots, newest = self._beside_read()
        kept = "the roots and revocations known so far were kept" if newest else "trust starts at the root given again"
        if newest and not roots:
            kept = "the revocations known so far were kept"
        self._told.append(f"the cache was damaged ({why}) and is fetched again; {kept}")

    def _beside(self) -> None:
        """Write what survives beside the file, if it changed."""
        roots, newest = self.roots(), self.newest()
        if newest is None and not roots:
            return
        said = {"roots": {str(each): data.decode() for each, data in sorted(roots.items())}}
        if newest is not None:
            said |= {"epoch": newest.epoch, "serial": newest.serial, "revoked": newest.revoked.decode()}  # type: ignore[dict-item]
        data = json.dumps({**said, "sha256": canonical.digest(json.dumps(said).encode())}).encode()
        try:
            with suppress(OSError):
                if journals.read(self._kept, len(data) + 1) == data:
                    return
            work = self._kept.with_name(f".{self._kept.name}.{os.getpid()}.{threading.get_ident()}")
            with work.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            work.replace(self._kept)
        except OSError as error:
            self._told.append(f"{self._kept}: cannot be written: {error.strerror}; a damaged cache would lose more")

    def _beside_read(self) -> tuple[dict[int, bytes], Newest | None]:
        try:
            said = json.loads(journals.read(self._kept, _KEPT))
            if said.pop("sha256") != canonical.digest(json.dumps(said).encode()):
                return {}, None
            roots = {int(each): text.encode() for each, text in said["roots"].items()}
            newest = Newest(said["epoch"], said["serial"], said["revoked"].encode()) if "revoked" in said else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}, None
        return roots, newest


@contextmanager
def _transaction(file: sqlite3.Connection, *, writing: bool) -> Iterator[sqlite3.Connection]:
    file.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
    try:
        yield file
        file.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            file.execute("ROLLBACK")
        raise


def _closed(file: sqlite3.Connection, owner: int) -> None:
    if os.getpid() == owner:
        file.close()


def _code(error: sqlite3.Error) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _text(data: bytes) -> bytes:
    str(data, "utf-8")  # what has no sum is at least text, as it has to be to be kept beside
    return data


def _whole(data: bytes, total: int) -> bytes:
    if zlib.crc32(data) != total:
        raise _BrokenError("a row does not have its sum")
    return data


def _base(file: sqlite3.Connection) -> Base:
    found = file.execute("SELECT number, catalog, sum, facts FROM state").fetchone()
    if found is None:
        raise _BrokenError("it has no state")
    number, catalog, total, facts = found
    if catalog is None:
        return Base(number, None, None)
    known = json.loads(facts)
    return Base(number, _whole(catalog, total), Facts(**{**known, "natives": tuple(known["natives"])}))


def _newest(file: sqlite3.Connection) -> Newest | None:
    found = file.execute("SELECT epoch, serial, revoked FROM newest").fetchone()
    return None if found is None else Newest(found[0], found[1], _text(found[2]))


def _kept(file: sqlite3.Connection, roots: Mapping[int, bytes], newest: Newest | None) -> None:
    file.executemany("INSERT OR REPLACE INTO roots VALUES (?, ?)", roots.items())
    if newest is not None:
        file.execute("INSERT OR REPLACE INTO newest VALUES (1, ?, ?, ?)", newest)


def _stored(file: sqlite3.Connection, change: Change, number: int) -> None:
    _kept(file, change.roots, change.newest)
    file.execute("DELETE FROM metadata")
    file.executemany("INSERT INTO metadata VALUES (?, ?)", change.metadata.items())
    for name in change.gone:
        file.execute("DELETE FROM rows WHERE document = ?", [name])
        file.execute("DELETE FROM documents WHERE name = ?", [name])
    for name, document in change.documents.items():
        _document(file, name, document)
    for kind, files in change.files.items():
        file.execute("DELETE FROM files WHERE kind = ?", [kind])
        rows = ((kind, name, sha256, data) for name, (sha256, data) in files.items())
        file.executemany("INSERT INTO files VALUES (?, ?, ?, ?)", rows)
    new = [number + change.renewed, change.catalog, zlib.crc32(change.catalog), json.dumps(asdict(change.facts))]
    file.execute("UPDATE state SET number = ?, catalog = ?, sum = ?, facts = ?", new)


def _document(file: sqlite3.Connection, name: str, document: Document) -> None:
    if document.whole:
        file.execute("DELETE FROM rows WHERE document = ?", [name])
    dropped = [(name, each) for each, data in document.rows.items() if not data]
    file.executemany("DELETE FROM rows WHERE document = ? AND id = ?", dropped)
    file.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)", _summed(name, document.rows.items()))
    facts = {each: getattr(document, each) for each in ("since", "sha256", "length", "exact")}
    row = [name, json.dumps(facts), document.frame, zlib.crc32(document.frame)]
    file.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", row)


def _summed(name: str, rows: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, str, bytes, int]]:
    return ((name, each, data, zlib.crc32(data)) for each, data in rows if data)
