"""LocalAI's gallery index: one YAML list with anchors, merge keys and base files by `url:`.

Each entry becomes one model with one variant. What the entry says comes back out of an export unchanged, and that is
tried with every entry: what no field can say is kept in `runtimes.localai.extra`, or the entry is rejected.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

from galleryctl.document import TooMuchError, lenient
from galleryctl.errors import UsageError
from galleryctl.importers import records
from galleryctl.importers.base import Rejected, Remark
from galleryctl.importers.localai.bases import Bases
from galleryctl.importers.localai.entry import Entry, translated
from galleryctl.importers.localai.people import publisher
from galleryctl.importers.naming import slug
from galleryctl.spec.base import LONGEST_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from galleryctl.document import Fault, Foreign
    from galleryctl.fetch import Fetcher
    from galleryctl.importers.base import Candidate, Options, Reference

NAME = "localai"
TITLE = "LocalAI gallery index"
EXAMPLES: tuple[str, ...] = ()

_ITEM = re.compile(r"(?:^(?:---.*|%.*|\s*#.*)?\r?\n)*^-[ \t]", re.MULTILINE)
_NAME = re.compile(r"^(?:-[ \t]+|[ \t]+)(?:&\S+[ \t]+)?[\"']?name[\"']?[ \t]*:", re.MULTILINE)
_OWN = re.compile(r"^(?:-[ \t]+|[ \t]+)[\"']?(?:overrides|urls|files|url)[\"']?[ \t]*:", re.MULTILINE)
_JSON = re.compile(r'\[\s*\{.*"(?:overrides|config_file)"\s*:\s*\{|\[\s*\{.*"uri"\s*:\s*"', re.DOTALL)
_FOREIGN = ('"model_name"', '"sizeBytes"', '"ramrequired"', '"_descriptorVersion"')


def claims(reference: Reference) -> bool:
    start = records.content(reference)
    if start.startswith("["):
        return _JSON.match(start) is not None and not any(key in start for key in _FOREIGN)
    return bool(_ITEM.match(start) and _NAME.search(start) and _OWN.search(start))


def read(reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:
    """Entries of the index, in its order. Raises `UsageError` where it is no list at all."""
    name = records.named(reference)
    try:
        found = lenient(reference.data.decode("utf-8-sig", "surrogateescape"))
    except TooMuchError as error:
        raise UsageError(f"{name}:{error.fault.line}: cannot be read: {error.fault.message}") from error
    if not isinstance(found.data, list):
        raise UsageError(f"{name}: is no list of entries; LocalAI reads nothing else")
    entries = _entries(name, found)
    bases = Bases(reference, fetcher)
    clashes = _clashes(entries)
    ids = _Ids()
    for entry in entries:
        if remarks := entry.wrong or clashes.get(entry.index):
            yield Rejected(entry.name, entry.at, remarks)
            continue
        own = slug(entry.name)
        if not own:
            remark = Remark("IDN001", f"no id follows from the name {entry.name[:60]!r}", "name it in Latin letters")
            yield Rejected(entry.name, entry.at, (remark,))
            continue
        identifier = ids.give(options.publisher or publisher(entry.value), own, entry.name)
        yield translated(entry, identifier, bases, options)


def _entries(name: str, found: Foreign) -> list[Entry]:
    lines = [found.line((index,)) for index in range(len(found.data))]
    faults: dict[int, list[Fault]] = defaultdict(list)
    for fault in found.faults:
        faults[max(bisect_right(lines, fault.line) - 1, 0)].append(fault)
    return [
        Entry.of(index, f"{name}:{line}", value, faults[index], found.places.get(id(value), {}))
        for index, (line, value) in enumerate(zip(lines, found.data, strict=True))
    ]


def _clashes(entries: Sequence[Entry]) -> dict[int, tuple[Remark, ...]]:
    """Entries of one name that say different things: nobody knows which is meant. Equal ones are no harm."""
    named: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.name and not entry.wrong:
            named[entry.name.casefold()].append(entry)
    found: dict[int, tuple[Remark, ...]] = {}
    for same in named.values():
        if any(entry.value != same[0].value for entry in same[1:]):
            for entry in same:
                others = ", ".join(other.at for other in same if other is not entry)
                message = f"the name {entry.name} stands for something else at {others}"
                found[entry.index] = (Remark("IDN002", message, "rename one of them, or delete it"),)
    return found


class _Ids:
    """Ids by upstream name: of two names with one slug the first in the source has it, the next gets a number."""

    def __init__(self) -> None:
        self._taken: dict[str, str] = {}

    def give(self, owner: str, own: str, name: str) -> str:
        tried, number = own, 1
        while self._taken.setdefault(f"{owner}/{tried}".replace("_", "-"), name) != name:
            number += 1
            end = f"-{number}"
            tried = own[: LONGEST_NAME - len(end)] + end
        return f"{owner}/{tried}"
