"""Entries of catalogues with their places, and values of any shape as what a definition can hold.

Catalogues come from strangers: what has another shape than it should counts as absent, and what no file may hold, such
as control characters or numbers that other readers round, never gets into a definition.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from galleryctl import canonical
from galleryctl.errors import UsageError
from galleryctl.hubs import shapes
from galleryctl.hubs.shapes import HIDDEN
from galleryctl.importers.base import Remark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.importers.base import Reference

LONGEST_SUMMARY = 200
_LONGEST_LINE = 300
_DIGITS = 20
_SIZE = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?\s?([KMBT])", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\n\r]*")
_HUB_FILE = re.compile(r"/([A-Za-z0-9._-]+/[A-Za-z0-9._-]+)/(?:resolve|blob|raw)/([^/]+)/(.+)")
_REPOSITORY = re.compile(r"/([A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*)(?:/tree/([^/]+))?/?")
_HUBS = {"huggingface.co": "huggingface", "hf.co": "huggingface", "modelscope.cn": "modelscope"}
_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--")


class Record(NamedTuple):
    """One entry and its place."""

    at: str
    value: Any


class HubFile(NamedTuple):
    """A file of a hub as its address says it."""

    kind: str
    repo: str
    revision: str
    path: str


@dataclass
class Reading:
    """What is read of one entry, and what was wrong with it."""

    value: Mapping[str, Any]
    remarks: list[Remark] = field(default_factory=list)

    def remark(self, code: str, message: str, fix: str = "") -> None:
        self.remarks.append(Remark(code, message, fix))

    def text(self, key: str) -> str | None:
        """Text without characters that nobody sees; none where there is none."""
        found = self.value.get(key)
        if isinstance(found, dt.date):  # TOML has dates of its own
            found = found.isoformat()
        return self.cleaned(key, found) if isinstance(found, str) else None

    def line(self, key: str) -> str | None:
        """The same on one line."""
        found = " ".join((self.text(key) or "").split())
        if len(found) > _LONGEST_LINE:
            self.remark("SCH003", f"`{key}` has {len(found)} characters", f"cut to {_LONGEST_LINE}")
        return found[:_LONGEST_LINE].rstrip() or None

    def moment(self, key: str) -> str | None:
        """A moment, or the start of a day, in UTC as far as the source says nothing else; a month alone is none."""
        text = self.line(key)
        if text is None:
            return None
        try:
            found = dt.datetime.fromisoformat(text)
            found = found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)
        except (ValueError, OverflowError):
            self.remark("SCH003", f"`{key}` is no full date: {text[:40]}", "left out")
            return None
        return canonical.moment(found.replace(microsecond=0))

    def cleaned(self, name: str, text: str) -> str | None:
        plain = clean(text)
        if any(unicodedata.category(letter) in {"Cc", "Cf", "Co", "Cs"} and letter not in "\t\n\r" for letter in text):
            self.remark("TXT002", f"`{name}` has characters that nobody sees", "they were left out")
        return plain or None

    def left_out(self, known: frozenset[str], unsaid: frozenset[str] = frozenset()) -> None:
        """Remarks on keys that nothing knows, and on those no field of a definition can hold (`unsaid`)."""
        names = [str(key) for key, value in self.value.items() if value not in (None, "", [], {}) or value is False]
        if odd := ", ".join(sorted(clean(name)[:60] for name in names if name not in known | unsaid)[:20]):
            self.remark("SCH001", f"unknown: {odd}", "left out; add it by hand where a field fits")
        if mute := ", ".join(sorted(name for name in names if name in unsaid)):
            self.remark("SCH001", f"no field of a definition holds {mute}", "left out")


def loads(name: str, data: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """JSON of a stranger. Raises `UsageError`."""
    text = _decoded(name, data)
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: cannot be read as JSON: {error}") from error


def array(name: str, data: bytes) -> Iterator[Record]:
    """The items of a JSON array with their lines. Raises `UsageError` where it is none, or at what cannot be read."""
    text = _decoded(name, data)
    index = _skip(text, 0)
    if text[index : index + 1] != "[":
        raise UsageError(f"{name}: is no JSON array")
    index, line, counted = _skip(text, index + 1), 1, 0
    while text[index : index + 1] != "]":
        line, counted = line + text.count("\n", counted, index), index
        try:
            value, index = _DECODER.raw_decode(text, index)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{name}:{line}: cannot be read as JSON: {error}") from error
        yield Record(f"{name}:{line}", value)
        index = _skip(text, index)
        if text[index : index + 1] == ",":
            index = _skip(text, index + 1)
        elif text[index : index + 1] != "]":
            raise UsageError(f"{name}:{line}: a comma or the end of the list is missing after this entry")


def content(reference: Reference) -> str:
    """The start of a file or of what lies at an address, without the space before it; empty for a folder."""
    if reference.path is not None and not reference.path.is_file():
        return ""
    return reference.start.lstrip("\ufeff \t\r\n") if reference.path or reference.is_address else ""


def named(reference: Reference) -> str:
    """What a person calls the source: the last part of its path."""
    path = urlsplit(reference.text).path if reference.is_address else reference.text
    return clean(path.rstrip("/").rpartition("/")[2]) or reference.text


def clean(text: str) -> str:
    """Text in Unicode form NFC without invisible characters, spaces at its ends and carriage returns."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    shown = (each for each in text if each == "\n" or unicodedata.category(each) not in HIDDEN)
    return unicodedata.normalize("NFC", "".join(shown)).strip()


def described(reading: Reading, title: str, text: str | None) -> dict[str, str]:
    """A text as `summary` where it can be one, else as `description`."""
    if not text:
        return {}
    line = "\n" not in text and len(text) <= LONGEST_SUMMARY
    if line and _TAG.search(text) is None and text.rstrip(".").casefold() != title.rstrip(".").casefold():
        return {"summary": text}
    if _TAG.search(text):
        reading.remark("TXT005", "the description is HTML", "it was kept as it is: write it as Markdown")
    return {"description": text}


def address(value: object) -> str | None:
    """An address for people or machines; none for what is no plain one."""
    if not isinstance(value, str) or not value.isprintable() or any(letter in value for letter in ' <>"`{}|\\^'):
        return None
    try:
        parts = urlsplit(value)
        plain = not {".", ".."} & set(unquote(parts.path).split("/"))
        return value if plain and parts.scheme in {"https", "http"} and _HOST.fullmatch(parts.netloc) else None
    except ValueError:
        return None


def hub_file(value: str | None) -> HubFile | None:
    """A file's address at a hub taken apart."""
    kind, path = _at_hub(value)
    found = _HUB_FILE.fullmatch(path) if kind else None
    if found is None:
        return None
    inside = unquote(found[3])
    return HubFile(kind, found[1], unquote(found[2]), inside) if safe(inside) else None


def repository(value: str | None) -> tuple[str, str, str | None] | None:
    """A repository's address at a hub taken apart: kind, `owner/name`, and the revision where it names one."""
    kind, path = _at_hub(value)
    found = _REPOSITORY.fullmatch(path.removeprefix("/models") if kind == "modelscope" else path) if kind else None
    if found is None or found[1].partition("/")[0] in {"datasets", "spaces", "collections", "papers", "blog", "docs"}:
        return None
    return kind, found[1], found[2]


def _at_hub(value: str | None) -> tuple[str, str]:
    if value is None:
        return "", ""
    parts = urlsplit(value)
    return _HUBS.get(parts.netloc.removeprefix("www."), ""), parts.path


def safe(path: str) -> bool:
    """Whether a path stays inside its folder and has no odd letters."""
    return path.isprintable() and shapes.path(path) is not None


def parameters(text: str | None) -> str | None:
    """`8B` for `8.0B` and `8 b`: a size as definitions have it; none for what is no size."""
    found = _SIZE.fullmatch(text or "")
    if found is None:
        return None
    rest = (found[2] or "").rstrip("0")
    return f"{found[1]}{f'.{rest}' if rest else ''}{found[3].upper()}"


def whole(value: object) -> int | None:
    """A count, also one that stands as text; none for what is no whole number other readers can hold."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS:
        value = int(value)
    return shapes.whole(value)


def _decoded(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: is not UTF-8: {error}") from error


def _skip(text: str, index: int) -> int:
    found = _SPACE.match(text, index)
    return found.end() if found else index


def _int(text: str) -> int | None:
    return int(text) if len(text) <= _DIGITS else None


def _float(text: str) -> float | None:
    found = float(text)
    return found if math.isfinite(found) else None


_DECODER = json.JSONDecoder(
    parse_int=_int,  # a number nobody can hold counts as absent
    parse_float=_float,
    parse_constant=lambda _: None,
)
