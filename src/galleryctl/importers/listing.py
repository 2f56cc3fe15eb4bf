"""A list: a text with one reference a line, `#` before a comment.

Each line is one model, whatever reads it. Lines below a heading, `name:`, up to a blank line or the next heading, are
addresses of the files of one model; so are the numbered parts of one file. A list from elsewhere leads to addresses
and hubs only, never to files, stores and training runs that only this machine can reach.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import importers
from galleryctl.errors import UsageError
from galleryctl.fetch import FetchError, MissingError, RefusedError
from galleryctl.importers import records, web
from galleryctl.importers.base import Candidate, Rejected, Remark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.fetch import Fetcher
    from galleryctl.importers.base import Options, Reference

NAME = "list"
TITLE = "List of addresses"
EXAMPLES: tuple[str, ...] = ()

_REFERENCE = re.compile(r"[a-z][a-z0-9+.-]*:\S+")
_HEADING = re.compile(r"([^:/#\s][^:/]{0,200}):")
_COMMENT = re.compile(r"(?:^|\s)#\s.*|^#.*")
_PART = re.compile(r"(.*?[-.]?)[0-9]{5}(-of-[0-9]{5}\.\w+)(?:[?#].*)?")
_START = 2**16  # bytes of what is looked at
_NEAR = ("s3:", "mlflow:", "file:")


class _Group(NamedTuple):
    """Lines that are one model."""

    line: int
    title: str
    references: tuple[str, ...]


def claims(reference: Reference) -> bool:
    lines = [text for text in map(_bare, records.content(reference).splitlines()) if text]
    if len(lines) > 1 and len(reference.data) > _START:
        del lines[-1]  # half a line
    if not any(map(_REFERENCE.fullmatch, lines)):
        return False
    return all(_REFERENCE.fullmatch(line) or _HEADING.fullmatch(line) for line in lines)


def read(reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:
    """The models of all lines. One that cannot be read stops no other."""
    name = records.named(reference)
    for group in _groups(reference.data.decode("utf-8-sig", "replace")):
        at = f"{name}:{group.line}"
        try:
            yield from _entries(group, at, fetcher, options, near=reference.path is not None)
        except RefusedError as error:
            yield _rejected(group, at, "SRC003", str(error))
        except (FetchError, UsageError) as error:
            code = "SRC003" if isinstance(error, MissingError | UsageError) else "SRC010"
            yield _rejected(group, at, code, str(error))


def _rejected(group: _Group, at: str, code: str, message: str) -> Rejected:
    return Rejected(group.title or group.references[0], at, (Remark(code, message),))


def _entries(
    group: _Group, at: str, fetcher: Fetcher, options: Options, *, near: bool
) -> Iterator[Candidate | Rejected]:
    first = group.references[0]
    if group.title or len(group.references) > 1:
        odd = [text for text in group.references if not text.startswith(("https://", "http://"))]
        if odd:
            yield _rejected(group, at, "SRC003", f"{odd[0]} is no address of a file")
            return
        yield web.model(group.title, group.references, at, fetcher, options)
        return
    if first.startswith(_NEAR) and not near:
        yield _rejected(group, at, "SRC003", f"{first} may not stand in a list from elsewhere")
        return
    reference = importers.reference(first, fetcher)
    if reference.path is not None and not near:  # `claims` saw the start of the list only
        yield _rejected(group, at, "SRC003", f"{first} may not stand in a list from elsewhere")
        return
    importer = importers.claim(reference)
    if importer.NAME == NAME:
        yield _rejected(group, at, "SRC003", f"{first} is a list itself")
        return
    for entry in importer.read(reference, fetcher, options):
        yield replace(entry, at=at)


def _groups(text: str) -> Iterator[_Group]:
    title, start = "", 0
    below: list[str] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = _bare(raw)
        if not line and raw.strip():  # a comment ends nothing
            continue
        heading = _HEADING.fullmatch(line)
        joins = not heading and line and below and (title or (_part(line) and _part(line) == _part(below[-1])))
        if below and not joins:
            yield _Group(start, title, tuple(below))
            below = []
        if heading or not line:
            title = heading[1].strip() if heading else ""
        else:
            start = start if below else number
            below.append(line)
    if below:
        yield _Group(start, title, tuple(below))


def _part(line: str) -> tuple[str, str] | None:
    """What the numbered parts of one file have in common."""
    found = _PART.fullmatch(line)
    return (found[1], found[2]) if found else None


def _bare(line: str) -> str:
    """A line without its comment; what follows a `#` inside an address belongs to it."""
    return _COMMENT.sub("", line).strip()
