"""Where a published tree lies: a folder, or an address. One method reads a file of it, up to a length."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from galleryctl import layout
from galleryctl.fetch import Limits, MissingError
from galleryctl.fetch.port import LargeError
from galleryctl.signing.errors import SignatureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.fetch import Fetcher

_VERSIONED = re.compile(r"([1-9][0-9]{0,15})\.([a-z]+)\.json")


class Place(Protocol):
    """A published tree. Paths use `/`; one that leads out of the tree, or over a link, is refused."""

    where: str
    remote: bool
    """Whether reading waits for somebody else."""

    def read(self, path: str, most: int) -> bytes | None:
        """A file; none where there is no such. `SignatureError`: it has more than `most` bytes, or is no plain file."""


class Folder:
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.where, self.remote = str(folder), False
        self._folder = folder
        self._known: set[str] = {""}  # folders that are no links

    def read(self, path: str, most: int) -> bytes | None:
        _refuse_climbing(path)
        try:
            self._enter(path.rpartition("/")[0])
            descriptor = os.open(self._folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if (self._folder / path).is_symlink():
                raise _link(path) from None
            raise SignatureError(f"cannot read {self._folder / path}: {error.strerror}") from error
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SignatureError(f"{path} is no file; build again into an empty folder")
            if status.st_size > most:
                raise _long(path, status.st_size, most)
            return file.read(most + 1)

    def metadata(self) -> Iterator[tuple[str, int]]:
        """Roles and versions that have a file."""
        for path in sorted((self._folder / layout.METADATA).glob("*.json")):
            if match := _VERSIONED.fullmatch(path.name):
                yield match[2], int(match[1])

    def refuse_links(self, folder: str) -> None:
        """Raise `SignatureError` where a folder or a file of it is a link: what is written would land elsewhere."""
        found = self._folder / folder
        for path in (found, *found.glob("*")):
            if path.is_symlink():
                raise _link(path.relative_to(self._folder).as_posix())

    def _enter(self, folder: str) -> None:
        if folder in self._known:
            return
        self._enter(folder.rpartition("/")[0])
        mode = (self._folder / folder).lstat().st_mode
        if stat.S_ISLNK(mode):
            raise _link(folder)
        if not stat.S_ISDIR(mode):
            raise NotADirectoryError(folder)
        self._known.add(folder)


class Site:
    """An address."""

    def __init__(self, url: str, fetcher: Fetcher) -> None:
        self.where, self.remote = url.rstrip("/"), True
        self._fetcher = fetcher

    def read(self, path: str, most: int) -> bytes | None:
        _refuse_climbing(path)
        try:
            body = self._fetcher.get(f"{self.where}/{path}", limits=Limits(bytes=most, same_host=True)).body
        except MissingError:
            return None
        except LargeError:
            raise SignatureError(
                f"{path} has more than {most} bytes, which is all that is expected; publish it again"
            ) from None
        return body


def place(where: str, fetcher: Fetcher) -> Place:
    """The tree at a folder or an address; `SignatureError` where there is no such folder."""
    if "://" in where:
        return Site(where, fetcher)
    if not Path(where).is_dir():
        raise SignatureError(f"{where} is no folder: name the root of a gallery, or its address")
    return Folder(Path(where))


def _refuse_climbing(path: str) -> None:
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts) or "\\" in path or not path.isprintable():
        raise SignatureError(f"{path!r} leads out of the tree, and is not read; build again with this program")


def _link(path: str) -> SignatureError:
    return SignatureError(f"{path} is a symbolic link, and none is followed; build again into an empty folder")


def _long(path: str, found: int, most: int) -> SignatureError:
    return SignatureError(f"{path} has {found} bytes, expected {most} at most")
