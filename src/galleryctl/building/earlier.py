"""What was published last, from a folder, an address, or a reader that verifies; and a place for what was downloaded.

* The output folder's own build counts too: of it and the one that was named, the newer head is the one to go on from.
* A file with a digest in its name is the same wherever it lies, so the nearest one that can be read is taken.
* What came from an address is kept below `.git/galleryctl`, and only as long as a build asks for it.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from galleryctl import canonical, index, layout, parallel
from galleryctl.errors import OutputError, UsageError
from galleryctl.fetch import Limits, MissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.fetch import Fetcher
    from galleryctl.index import Published
    from galleryctl.spec.published import Catalog

_FOLDER = "published"
_SMALL = 2**22
"""Files of fewer bytes are asked for together."""
_LONGEST = 2**29
"""Bytes of a file that no document gives the length of."""
_PATIENCE = 1800.0
"""Seconds for all that is read of an address: each file alone may drip as long as it likes."""
_AHEAD = dt.timedelta(days=1)
_DELTAS = 64
"""To one document; a build makes a quarter of that."""


class Folder:
    """A gallery in a folder."""

    def __init__(self, folder: Path, data: bytes) -> None:
        self.folder = folder
        self.head_bytes = data
        self.head = index.catalog(data)

    def read(self, path: str) -> bytes | None:
        try:
            return index.checked(path, (self.folder / path).read_bytes())
        except OSError:
            return None


class Address:
    """A gallery at an address, as it is: nothing proves whose it is."""

    def __init__(self, url: str, fetcher: Fetcher, data: bytes) -> None:
        self._url = url.rstrip("/")
        self._fetcher = fetcher
        self._end = 0.0
        self.head_bytes = data
        self.head = index.catalog(data)

    def read(self, path: str) -> bytes | None:
        self._end = self._end or time.monotonic() + _PATIENCE
        left = self._end - time.monotonic()
        if left <= 0:
            raise OutputError(
                f"{self._url} takes longer than {_PATIENCE / 60:.0f} minutes to tell what was published: go on from a "
                "copy of it, with --earlier DIR"
            )
        limits = Limits(bytes=_LONGEST, seconds=left)
        try:
            return index.checked(path, self._fetcher.get(f"{self._url}/{path}", limits=limits).body)
        except MissingError:
            return None


class Shelf:
    """What was published last, with the files that lie nearer: in the output folder, or downloaded before."""

    def __init__(self, last: Published, own: Path | None, other: Published | None, cache: Path) -> None:
        self._last = last
        self._own = own
        self._other = other
        self._cache = cache
        self._used: set[str] = set()
        self._far: dict[str, int] = {}  # files that were read from elsewhere already, with their bytes

    @property
    def head(self) -> Catalog:
        return self._last.head

    @property
    def head_bytes(self) -> bytes:
        return self._last.head_bytes

    def read(self, path: str) -> bytes | None:
        if index.named(path) is None:
            return None
        own = self._own and _read(self._own / path)
        found = index.checked(path, own or None)
        return found if found is not None or self._other is None else self._fetched(self._other, path)

    def held(self, files: Mapping[str, int]) -> Mapping[str, int]:
        """Of the output folder the length is enough, as it is for whoever writes it; what is elsewhere is read."""
        near = {path for path, length in files.items() if self._lies(path, length)}
        far = [path for path in files if path not in near and path not in self._far and index.named(path)]
        small = [path for path in far if files[path] < _SMALL]
        self._far |= zip(small, parallel.together(self._bytes, small), strict=True)
        self._far |= {path: self._bytes(path) for path in far if files[path] >= _SMALL}  # one at a time in memory
        return {path: n for path, n in files.items() if path in near or self._far.get(path) == n}

    def _bytes(self, path: str) -> int:
        return len(self.read(path) or b"")

    def forget(self) -> None:
        """Drop what was downloaded and this build did not ask for; one that asks nobody leaves it alone."""
        if self._other is None or isinstance(self._other, Folder):
            return
        with suppress(OSError):
            for path in self._cache.iterdir():
                if path.name not in self._used:
                    path.unlink()

    def _lies(self, path: str, length: int) -> bool:
        if self._own is None or index.named(path) is None:
            return False
        try:
            return os.stat(f"{self._own}/{path}").st_size == length  # noqa: PTH116 - a text: there are many
        except OSError:
            return False

    def _fetched(self, source: Published, path: str) -> bytes | None:
        if isinstance(source, Folder):
            return source.read(path)
        sha256 = index.named(path) or ""
        self._used.add(sha256)
        kept = self._cache / sha256
        found = index.checked(path, _read(kept))
        if found is None and (found := index.checked(path, source.read(path))) is not None:
            with suppress(OSError):  # a full disk costs another download
                _put(kept, found)
        return found


@contextmanager
def opened(own: Folder | None, other: Published | None, private: Path | None) -> Iterator[Shelf | None]:
    """Where to go on from: the newer of the output folder's own build and what was published; none at the beginning.

    Downloads lie below `private`; where there is none, they last for this run.
    """
    heads = [each for each in (own, other) if each is not None]
    if not heads:
        yield None
        return
    last = max(heads, key=lambda each: (each.head.epoch, each.head.serial))
    folder = own.folder if own else None
    if private is not None:  # audiences are built in turn: each has files of its own
        shelf = Shelf(last, folder, other, private / _FOLDER / canonical.digest(last.head.audience.encode())[:16])
        yield shelf
        shelf.forget()
        return
    temporary = Path(tempfile.mkdtemp(prefix="galleryctl-"))
    try:
        yield Shelf(last, folder, other, temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def published(where: str, fetcher: Fetcher | None) -> Published | None:
    """The gallery in a folder or at an address; none where it never was.

    Raises `OutputError` for a folder that does not exist, `FetchError` where an address does not answer: a serial must
    not start anew because a host was away.
    """
    if "://" not in where:
        if not Path(where).is_dir():
            raise OutputError(f"{where} is no folder: name the one the gallery was built into last, or its address")
        return built(Path(where))
    if fetcher is None:
        raise UsageError(f"{where} cannot be asked from here")
    try:
        return Address(where, fetcher, fetcher.get(f"{where.rstrip('/')}/{layout.CATALOG}").body)
    except MissingError:
        return None
    except ValueError as error:
        raise OutputError(f"{where}/{layout.CATALOG} is no head of a gallery: {error}") from error


def built(out: Path) -> Folder | None:
    """The gallery in an output folder."""
    try:
        return Folder(out, (out / layout.CATALOG).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{out / layout.CATALOG} cannot be read ({error}); remove the folder to start anew"
        ) from error


def refuse_other(audience: str, *found: Published | None) -> None:
    """What one audience saw must not reach another: raise `OutputError` for the gallery of another one."""
    for each in found:
        if each is not None and each.head.audience != audience:
            raise OutputError(
                f"what was published there is for {each.head.audience!r} and this build is for {audience!r}: "
                "each audience has a folder and an address of its own"
            )


def refuse_odd(now: dt.datetime, *found: Published | None) -> None:
    """What nobody can go on from must not become ours: raise `OutputError` for numbers and times out of reach."""
    for head in (each.head for each in found if each is not None):
        numbers = [head.epoch, head.serial + 1, *(ref.since for ref in head.documents.values())]
        if max(numbers) > canonical.MOST or min(numbers) < 0:
            why = f"has serial {head.serial} of epoch {head.epoch}, and readers count to {canonical.MOST}"
        elif head.built > now + _AHEAD:
            why = f"was built on {head.built:%Y-%m-%d %H:%M} UTC, and it is {now.astimezone(dt.UTC):%Y-%m-%d %H:%M}"
        elif max(len(ref.deltas) for ref in head.documents.values()) > _DELTAS:
            why = f"names more than {_DELTAS} deltas to a document"
        else:
            continue
        raise OutputError(
            f"what was published last {why}: somebody else published it, or a clock is wrong; set the clock, or go on "
            "from a copy of the last good tree, with --earlier DIR and a new output folder"
        )


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)
