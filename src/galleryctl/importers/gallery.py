"""Another gallery of this kind: definitions carry over whole, with all their releases.

Read is what its discovery document leads to; every document is held against the digest and length that the document
above it states. When it was added there, who owns it there and who may see it there does not carry over.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from galleryctl import canonical, layout
from galleryctl.errors import UsageError
from galleryctl.fetch import FetchError, MissingError
from galleryctl.importers.base import Candidate, Rejected, Remark
from galleryctl.parallel import together
from galleryctl.spec import Model, Release

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.fetch import Fetcher
    from galleryctl.importers.base import Options, Reference

NAME = "gallery"
TITLE = "Another gallery"
EXAMPLES = (
    "gallery:https://models.example.org/",
    "gallery:https://models.example.org/#acme/*",
    "https://models.example.org/.well-known/gallery.json",
)

_PREFIX = "gallery:"
_SCHEMA = re.compile(r"1(\.[0-9]+)?")
_ID = re.compile(r"[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*")
_WILD = re.compile(r"[*?\[]")
_OF_THERE = ("maintainers", "allowed", "upstream")
"""Fields that name people and repositories of the other gallery: taken over, they would give rights to strangers."""
_KEPT = frozenset(Model.model_fields) - frozenset(_OF_THERE)
_RELEASE = frozenset(Release.model_fields)


class _Listed(NamedTuple):
    """A model by its document's digest and length."""

    id: str
    type: str
    sha256: str
    length: int


def claims(reference: Reference) -> bool:
    text = reference.text.partition("#")[0]
    return text.startswith(_PREFIX) or (reference.is_address and urlsplit(text).path.endswith(f"/{layout.DISCOVERY}"))


def read(reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:
    """Listed models, or those that the part behind `#` names: ids or globs, separated by commas."""
    base, wanted = _base(reference.text)
    there = _There(fetcher, base)
    found = there.chosen(wanted)
    if not found:
        raise UsageError(f"{base} has no model {', '.join(wanted) or 'at all'}")
    yield from together(lambda listed: _entry(there, listed, options), found)


def _base(text: str) -> tuple[str, tuple[str, ...]]:
    """The gallery's root, and what is wanted of it."""
    address, _, fragment = text.removeprefix(_PREFIX).partition("#")
    parts = urlsplit(address)
    if parts.scheme not in {"https", "http"} or not parts.netloc:
        raise UsageError(f"{text} names no address: write {EXAMPLES[0]}")
    root = parts._replace(path=parts.path.removesuffix(layout.DISCOVERY), query="", fragment="").geturl()
    return f"{root.rstrip('/')}/", tuple(name.strip() for name in fragment.split(",") if name.strip())


class _There:
    """The other gallery's documents."""

    def __init__(self, fetcher: Fetcher, base: str) -> None:
        self._fetcher = fetcher
        self.base = base
        discovery = self._head(layout.DISCOVERY)
        self._catalog = self._head(_text(discovery, "catalog", layout.CATALOG))
        self._directory: Mapping[str, Any] | None = None

    def chosen(self, wanted: tuple[str, ...]) -> list[_Listed]:
        """By id. Without names the listed ones; a glob means listed ones too, an id or alias also one that is not."""
        aliases = _map(self.directory.get("aliases"))
        globs = [name for name in wanted if _WILD.search(name)]
        names = {_text(aliases, name, name) for name in wanted if name not in globs}
        if not wanted or globs:
            names |= {name for name in self._ids() if not wanted or any(fnmatchcase(name, glob) for glob in globs)}
        models = _map(self.directory.get("models"))
        return [_listed(name, models[name]) for name in sorted(names) if name in models]

    @property
    def directory(self) -> Mapping[str, Any]:
        if self._directory is None:
            self._directory = self._named(layout.DIRECTORY, _map(self._catalog.get("directory")))
        return self._directory

    def document(self, listed: _Listed) -> Mapping[str, Any]:
        path = layout.model_document(listed.id)
        return self._named(path, {"sha256": listed.sha256, "length": listed.length})

    def _ids(self) -> Iterator[str]:
        for name, row in _map(self._catalog.get("types")).items():
            yield from _map(self._named(layout.type_document(name), _map(row)).get("models"))

    def _head(self, path: str) -> Mapping[str, Any]:
        url = urljoin(self.base, path)
        if not url.startswith(self.base):
            raise FetchError(f"{self.base} leads out of itself, to {url}")
        return _parsed(url, self._fetcher.get(url).body)

    def _named(self, path: str, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A document whose digest and length another one states."""
        url = f"{self.base}{path}"
        data = self._fetcher.get(url).body
        if len(data) != row.get("length") or canonical.digest(data) != row.get("sha256"):
            raise _ChangedError(f"{url} is not what the documents above it name: read it again, or ask its publisher")
        return _parsed(url, data)


class _ChangedError(FetchError):
    """A document has other bytes than were announced."""


def _entry(there: _There, listed: _Listed, options: Options) -> Candidate | Rejected:
    at = f"{there.base}{layout.model_document(listed.id)}"
    try:
        if not _ID.fullmatch(listed.id):
            return Rejected(listed.id, at, (Remark("IDN001", f"{listed.id!r} is no id"),))
        document = there.document(listed)
    except _ChangedError as error:
        return Rejected(listed.id, at, (Remark("FIL002", str(error), "import again after its next publication"),))
    except MissingError as error:
        return Rejected(listed.id, at, (Remark("SRC003", str(error), "tell its publisher"),))
    if (document.get("id"), document.get("type")) != (listed.id, listed.type):
        message = f"{at} is the document of {document.get('id')}, of type {document.get('type')}"
        return Rejected(listed.id, at, (Remark("IDN001", message, "tell its publisher"),))
    return _candidate(document, listed, at, options)


def _candidate(document: Mapping[str, Any], listed: _Listed, at: str, options: Options) -> Candidate:
    model = {key: value for key, value in document.items() if key in _KEPT}
    for key, default in (("status", "active"), ("listed", True)):  # a document always states both
        if model.get(key) == default:
            del model[key]
    releases = {
        version: {key: value for key, value in release.items() if key in _RELEASE}
        for version, release in _map(document.get("releases")).items()
        if isinstance(release, dict)
    }
    remarks = tuple(
        Remark("OWN007", f"`{key}` names what is of the other gallery: left out", "name your own where it is needed")
        for key in _OF_THERE
        if document.get(key)
    )
    publisher, name = layout.split(listed.id)
    return Candidate(
        source=listed.id,
        at=at,
        type=listed.type,
        id=f"{options.publisher or publisher}/{name}",
        model=model,
        releases=releases,
        remarks=remarks,
    )


def _listed(name: str, row: Any) -> _Listed:  # noqa: ANN401 - any JSON value
    found = _map(row)
    length = found.get("length")
    return _Listed(name, _text(found, "type"), _text(found, "sha256"), length if isinstance(length, int) else -1)


def _parsed(url: str, data: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FetchError(f"{url} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise FetchError(f"{url} is no document of a gallery")
    schema = found.get("schema", "1.0")
    if not isinstance(schema, str) or not _SCHEMA.fullmatch(schema) or found.get("gallery", 1) != 1:
        raise FetchError(f"{url} is of a newer form than this program reads: bring galleryctl up to date")
    return found


def _map(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return value if isinstance(value, dict) else {}


def _text(value: Mapping[str, Any], key: str, default: str = "") -> str:
    found = value.get(key, default)
    return found if isinstance(found, str) else default
