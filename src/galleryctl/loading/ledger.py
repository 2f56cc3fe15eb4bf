"""What was published so far, read from the published trees: base can be edited, what readers have fetched cannot.

* Each audience has a tree of its own; the ledger is what all of them say together.
* The directory is read by the digest that the head of its tree names, so a half-published tree is no ledger.
* What was asked for and cannot be read stops the command: without it, nobody can tell what is taken.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from galleryctl import canonical, layout
from galleryctl.checks.rule import Ledger
from galleryctl.errors import GalleryError
from galleryctl.fetch import Limits, MissingError
from galleryctl.spec.published import Catalog, Directory, Discovery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from galleryctl.fetch import Fetcher
    from galleryctl.spec import Frozen

    T = TypeVar("T", bound=Frozen)

NONE, SITE = "none", "site"
"""Words for a gallery that was never published, and for the address that its settings name."""
_HEAD = 1 * 2**20
_DIRECTORY = 64 * 2**20
"""Bytes at most; ten thousand models take two million."""


class LedgerError(GalleryError):
    """A published tree cannot be read. The text names it, and says what to do."""


def read(places: Iterable[str], fetcher: Callable[[], Fetcher], *, site: str = "") -> Ledger:
    """The ledger of published trees: folders, addresses of sites, `site` for the one given; `none` adds nothing.

    Raises `LedgerError`, and `FetchError` where an address does not answer.
    """
    releases: dict[str, set[str]] = defaultdict(set)
    audiences: dict[str, set[str]] = defaultdict(set)
    for place in places:
        if place == NONE:
            continue
        audience, directory = _tree(site if place == SITE else place, fetcher)
        for identifier, versions, seen in _told(directory):
            releases[identifier].update(versions)
            if seen:
                audiences[identifier].add(audience)
        for alias, identifier in directory.aliases.items():
            audiences[alias] |= audiences[identifier]
    return Ledger(
        {identifier: frozenset(versions) for identifier, versions in releases.items()},
        {identifier: frozenset(names) for identifier, names in audiences.items() if names},
    )


def _told(directory: Directory) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """Every id with its versions, and whether it was published: a private model lies only in its owners' tree."""
    for identifier, row in directory.models.items():
        yield identifier, row.releases, row.visibility != "private"
    for identifier, gone in directory.removed.items():
        yield identifier, gone.releases, True


def _tree(place: str, fetcher: Callable[[], Fetcher]) -> tuple[str, Directory]:
    """Audience and directory of one published tree."""
    get = _from_site(place, fetcher()) if urlsplit(place).scheme in {"http", "https"} else _from_folder(place)
    discovery = _typed(place, layout.DISCOVERY, get(layout.DISCOVERY, _HEAD), Discovery)
    if discovery.gallery != 1:
        raise LedgerError(f"{place} is of a newer form than this program reads: bring galleryctl up to date")
    catalog = _typed(place, layout.CATALOG, get(layout.CATALOG, _HEAD), Catalog)
    if catalog.audience != discovery.audience:
        raise LedgerError(
            f"{place} is for {discovery.audience}, and its head for {catalog.audience}: publish it again, whole"
        )
    path = layout.addressed(layout.DIRECTORY, catalog.directory.sha256)
    data = get(path, _DIRECTORY)
    if canonical.digest(data) != catalog.directory.sha256:
        raise LedgerError(f"{place}: {path} is not what the head of the index names: publish it again, whole")
    return discovery.audience, _typed(place, path, data, Directory)


def _from_site(address: str, fetcher: Fetcher) -> Callable[[str, int], bytes]:
    root = address.removesuffix(layout.DISCOVERY).rstrip("/")

    def get(path: str, most: int) -> bytes:
        try:
            return fetcher.get(f"{root}/{path}", limits=Limits(bytes=most)).body
        except MissingError as error:
            raise LedgerError(_missing(address, path)) from error

    return get


def _from_folder(name: str) -> Callable[[str, int], bytes]:
    folder = Path(name)

    def get(path: str, most: int) -> bytes:
        try:
            with (folder / path).open("rb") as file:
                data = file.read(most + 1)
        except FileNotFoundError as error:
            raise LedgerError(_missing(name, path)) from error
        except OSError as error:
            raise LedgerError(f"{folder / path} cannot be read: {error.strerror or error}") from error
        if len(data) > most:
            raise LedgerError(f"{folder / path} has more than {most} bytes, so it is no part of an index")
        return data

    return get


def _missing(place: str, path: str) -> str:
    if path == layout.DISCOVERY:
        return (
            f"{place} has no {path}, so nothing tells what was published: name the root of the site, or write "
            f"`--ledger {NONE}` where nothing ever was"
        )
    return f"{place} has no {path}: its publication is not whole, publish it again"


def _typed(place: str, path: str, data: bytes, form: type[T]) -> T:
    try:
        found = form.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "its beginning"
        raise LedgerError(f"{place}: {path} is no document of a gallery: {first['msg']} at {where}") from error
    if getattr(found, "schema_version", "1.0").partition(".")[0] != "1":
        raise LedgerError(f"{place} is of a newer form than this program reads: bring galleryctl up to date")
    return found
