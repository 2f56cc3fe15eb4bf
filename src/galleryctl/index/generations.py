"""Earlier heads and the files that only they name: kept for readers, mirrors and caches that are behind.

* Whole: the last thirty heads, this one included, and every head that was current within the last seven days.
* Of the head that was current at the end of each of the last 31 days: the documents that deltas start from.
* Of a head, the files that the head after it does not name; what all kept heads need is the union of these.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl import canonical, layout
from galleryctl.errors import OutputError
from galleryctl.index import deltas
from galleryctl.index.published import named
from galleryctl.spec.published import Catalog, Generation, Generations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from galleryctl.index.published import Past
    from galleryctl.spec.published import DocumentRef

HEADS = 30
DAYS = 7
DAILY = 31
LISTED = 2000
"""More earlier heads than publishing every five minutes leaves there, nobody but an attacker lists: each is fetched."""

Files = dict[str, int]


class Earlier(NamedTuple):
    """One earlier head that can be read."""

    generation: Generation
    head: Catalog


@dataclass(frozen=True)
class History:
    """Every earlier head that is there, newest first; the first is the one published last."""

    heads: tuple[Earlier, ...]

    @property
    def files(self) -> Mapping[str, int]:
        """What must be carried over."""
        found = {head_path(each.generation): each.generation.length for each in self.heads}
        for each in self.heads:
            found |= each.generation.files
        return found

    def refs(self, name: str, epoch: int) -> list[tuple[Catalog, DocumentRef]]:
        """What the heads of an epoch say of a document: `directory`, or a type as `types/<type>`."""
        found = [(each.head, each.head.documents.get(name)) for each in self.heads if each.head.epoch == epoch]
        return [(head, ref) for head, ref in found if ref is not None]


def head_path(generation: Generation) -> str:
    return layout.addressed(layout.CATALOG, generation.sha256)


def address(name: str, sha256: str) -> str:
    """Where a document of a head lies."""
    return layout.addressed(layout.document(name), sha256)


def needed(past: Past) -> Files:
    """Every file with a digest in its name that the head published last leads to."""
    found: Files = {}
    for name, ref in past.head.documents.items():
        found[address(name, ref.sha256)] = ref.length
        found |= {layout.delta_document(name, delta.sha256): delta.length for delta in ref.deltas}
    if (listing := past.head.generations) is not None:
        found[layout.addressed(layout.GENERATIONS, listing.sha256)] = listing.length
    for identifier, row in _member(past, "directory", "models").items():
        found[layout.addressed(layout.model_document(identifier), row["sha256"])] = row["length"]
    for runtime, files in _member(past, "runtimes", "runtimes").items():
        for path, row in files.items():
            found[layout.addressed(layout.native(runtime, path), row["sha256"])] = row["length"]
    return {path: length for path, length in found.items() if named(path)}


def _member(past: Past, name: str, member: str) -> Mapping[str, Any]:
    ref = past.head.documents.get(name)
    data = past.read(address(name, ref.sha256)) if ref else None
    found: Mapping[str, Any] = json.loads(data)[member] if data else {}
    return found


def listed(past: Past) -> tuple[Generation, ...]:
    """The generations that the head published last names; none of them where their document is gone."""
    ref = past.head.generations
    data = past.read(layout.addressed(layout.GENERATIONS, ref.sha256)) if ref else None
    found = Generations.model_validate_json(data).generations if data else ()
    if len(found) > LISTED:
        raise OutputError(
            f"what was published last lists {len(found)} earlier heads, and a build keeps at most {LISTED}: whoever "
            "made that is none of ours; go on from a copy of the last good tree, with --earlier DIR"
        )
    return found


def history(past: Past) -> History:
    """What can be read of what was published; the head published last has no files yet (`dropped`)."""
    last = past.head
    first = Generation(
        serial=last.serial,
        epoch=last.epoch,
        built=last.built,
        sha256=canonical.digest(past.head_bytes),
        length=len(past.head_bytes),
    )
    found = [Earlier(first, last)]
    for each in listed(past):
        data = past.read(head_path(each))
        files = {path: length for path, length in each.files.items() if named(path)}
        if data is None:  # what it left behind is of use to the ones before it
            following = found[-1]
            merged = following.generation.model_copy(update={"files": following.generation.files | files})
            found[-1] = following._replace(generation=merged)
            continue
        found.append(Earlier(each.model_copy(update={"files": files}), Catalog.model_validate_json(data)))
    return History(tuple(found))


def kept(heads: History, dropped: Files, past: Past, now: dt.datetime) -> History:
    """What is left of the history at a new publication; `dropped` is what the new head does not name any more."""
    rows = heads.heads
    rows = (_with(rows[0], rows[0].generation.files | dropped), *rows[1:])
    whole = _whole(rows, now)
    numbers = sorted({*range(whole), *_daily(rows, now)})
    chosen: list[Earlier] = []
    for number in numbers:
        row = rows[number]
        if number >= whole:
            later = _starts(chosen[-1].head)
            row = _with(row, {path: length for path, length in _starts(row.head).items() if path not in later})
        chosen.append(row)
    asked: Files = {}
    for row in chosen:
        asked |= row.generation.files
    held = past.held(asked)
    return History(
        tuple(_with(row, {path: n for path, n in row.generation.files.items() if path in held}) for row in chosen)
    )


def _with(row: Earlier, files: Mapping[str, int]) -> Earlier:
    return row._replace(generation=row.generation.model_copy(update={"files": dict(sorted(files.items()))}))


def _whole(rows: Sequence[Earlier], now: dt.datetime) -> int:
    """How many of the newest are kept with all that they name."""
    count = min(HEADS - 1, len(rows))
    ends = (now, *(row.head.built for row in rows))  # a head is current until the next one is built
    for number in range(len(rows)):
        if ends[number] > now - dt.timedelta(days=DAYS):
            count = max(count, number + 1)
    return count


def _daily(rows: Sequence[Earlier], now: dt.datetime) -> Iterator[int]:
    today = now.astimezone(dt.UTC).date()
    for ago in range(DAILY + 1):
        day = today - dt.timedelta(days=ago)
        yield from [number for number, row in enumerate(rows) if row.head.built.astimezone(dt.UTC).date() <= day][:1]


def _starts(head: Catalog) -> Files:
    return {
        address(name, ref.sha256): ref.length
        for name, ref in head.documents.items()
        if name not in {"revoked", "runtimes"}
    }


def offered(past: Past, name: str) -> tuple[deltas.Start, ...]:
    """What the deltas of a document start from that the head published last names."""
    ref = past.head.documents.get(name)
    found = [past.read(layout.delta_document(name, each.sha256)) for each in ref.deltas] if ref else []
    return tuple(start for data in found if data and (start := deltas.start(data)) is not None)


def document(heads: History) -> bytes:
    """`/v1/generations.json`."""
    rows = tuple(each.generation for each in heads.heads)
    return canonical.dumps(Generations(generations=rows).model_dump(mode="json", exclude_none=True, by_alias=True))
