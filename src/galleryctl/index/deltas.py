"""Merge patches (RFC 7396) between two published documents, with the digests of both.

Most models of a large document stay as they were: they are told by their bytes, and only those that differ are read.
A patch that went wrong costs a reader nothing but the full document.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import canonical, layout, patches
from galleryctl.spec.published import SCHEMA, DeltaRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from galleryctl.index.documents import Part
    from galleryctl.spec.published import Catalog, DocumentRef

LAST = 10
"""So many documents before the present one have a delta."""
DAYS = (1, 2, 4, 8, 16, 30)
"""And those that were current so many days ago."""
_BEGINNING = re.compile(rb'\{"from":\{"serial":([0-9]{1,16}),"sha256":"([0-9a-f]{64})"\},')
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]')
_PLAIN = re.compile(rb'"(?:[^"\\]|\\.)*"|[^,}\]]+')


class Start(NamedTuple):
    """A document that a delta starts from."""

    serial: int
    sha256: str


class Made(NamedTuple):
    """A delta: where it lies, its bytes, how the head names it."""

    path: str
    data: bytes
    ref: DeltaRef


def start(delta: bytes) -> Start | None:
    """What a delta starts from; its name vouches for the bytes."""
    found = _BEGINNING.match(delta)
    return Start(int(found[1]), found[2].decode()) if found and int(found[1]) <= canonical.MOST else None


def starts(
    heads: Sequence[tuple[Catalog, DocumentRef]], offered: Iterable[Start], now: dt.datetime
) -> tuple[Start, ...]:
    """The documents that deltas start from, newest first.

    `heads` are earlier heads, newest first, with what they say of one document; `offered` is what its deltas started
    from so far: a document that changes seldom has predecessors older than any head that is kept.
    """
    known = {each.serial: each for each in offered}
    known |= {ref.since: Start(ref.since, ref.sha256) for _, ref in reversed(heads)}
    wanted = sorted(known, reverse=True)[:LAST]
    for days in DAYS:
        moment = now - dt.timedelta(days=days)
        wanted += next(([ref.since] for head, ref in heads if head.built <= moment), [])
    return tuple(known[serial] for serial in sorted(set(wanted), reverse=True))


class Patcher:
    """Deltas to one new document, from one older document after the other. Values that repeat are compared once."""

    def __init__(self, part: Part, serial: int, kind: str) -> None:
        self._part = part
        self._serial = serial
        self._kind = kind
        self._known: dict[tuple[str, bytes], bytes] = {}

    def made(self, origin: Start, older: bytes) -> Made | None:
        """None where the full document is hardly longer, the same, or the older one is not ours to read."""
        if origin.sha256 == self._part.sha256:
            return None
        try:
            patch = self._patch(older)
        except ValueError:
            return None
        ends = [(name, _end(*end)) for name, end in (("from", origin), ("to", (self._serial, self._part.sha256)))]
        kind = [] if self._part.path == layout.DIRECTORY else [("type", canonical.dumps(self._kind))]
        data = canonical.join([*ends, ("patch", patch), ("schema", canonical.dumps(SCHEMA)), *kind])
        if 2 * len(data) > self._part.length:
            return None
        sha256 = canonical.digest(data)
        ref = DeltaRef.model_validate({"from": origin.serial, "sha256": sha256, "length": len(data)})
        return Made(layout.delta_document(self._kind, sha256), data, ref)

    def _patch(self, older: bytes) -> bytes:
        before = split(older, self._part.models)
        models = {
            identifier: self._member(identifier, value)
            for identifier, value in before.models.items()
            if self._part.models.get(identifier) != value
        }
        for identifier in self._part.models.keys() - before.models.keys() - before.same:
            models[identifier] = self._part.models[identifier]
        old, new = (
            {name: json.loads(value) for name, value in each.items()} for each in (before.frame, self._part.frame)
        )
        members = {name: canonical.dumps(value) for name, value in patches.between(old, new).items()}
        if models:
            members["models"] = canonical.join(models.items())
        return canonical.join(members.items())

    def _member(self, identifier: str, value: bytes) -> bytes:
        present = self._part.models.get(identifier)
        if present is None:
            return b"null"
        if (identifier, value) not in self._known:
            patch = patches.between(json.loads(value), json.loads(present))
            self._known[identifier, value] = canonical.dumps(patch)
        return self._known[identifier, value]


def _end(serial: int, sha256: str) -> bytes:
    return canonical.dumps({"serial": serial, "sha256": sha256})


class Split(NamedTuple):
    """A document by its parts: the ids whose value is a known one, values of all others, members beside `models`."""

    same: frozenset[str]
    models: Mapping[str, bytes]
    frame: Mapping[str, bytes]


def split(document: bytes, known: Mapping[str, bytes]) -> Split:
    """Take a canonical document apart, where `known` has values that are likely; `ValueError` where it is none."""
    same: set[str] = set()
    models: dict[str, bytes] = {}
    frame: dict[str, bytes] = {}
    place = 0
    while (member := _key(document, place)) is not None:
        name, place = member
        if name != "models":
            stop = _value(document, place)
            frame[name] = document[place:stop]
            place = stop
            continue
        if document[place : place + 1] != b"{":
            raise ValueError("models is no object")
        if document[place : place + 2] == b"{}":
            place += 1
        while (inner := _key(document, place)) is not None:
            identifier, place = inner
            likely = known.get(identifier)
            if likely is not None and document.startswith(likely, place):
                same.add(identifier)
                place += len(likely)
                continue
            stop = _value(document, place)
            models[identifier] = document[place:stop]
            place = stop
        place += 1
    if place != len(document) - 1:
        raise ValueError("no canonical object")
    return Split(frozenset(same), models, frame)


def _key(document: bytes, place: int) -> tuple[str, int] | None:
    """The next key of an object and where its value begins; none at the end. `place` is at the `{` or `,` before it."""
    before = document[place : place + 2]
    if before[:1] == b"}":
        return None
    stop = document.find(b'":', place + 2)
    if before not in {b'{"', b',"'} or stop < 0:
        raise ValueError("no canonical object")
    return document[place + 2 : stop].decode(), stop + 2


def _value(document: bytes, place: int) -> int:
    """Where a value ends."""
    if document[place : place + 1] not in {b"{", b"["}:
        found = _PLAIN.match(document, place)
        if found is None:
            raise ValueError("no canonical value")
        return found.end()
    depth = 0
    for token in _TOKEN.finditer(document, place):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(token[0], 0)
        if depth == 0:
            return token.end()
    raise ValueError("no canonical value")
