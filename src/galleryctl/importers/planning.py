"""What an import would do: which candidates are new, which are there already and why, and which cannot come.

A candidate exists where the registry has its id, also as an alias; where all hub repositories of its variants belong to
one model of its type; or where all its digests belong to one model. Ids count as `check` counts them: neither case nor
`-` and `_` tell two apart. Everything here is pure.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from galleryctl import layout
from galleryctl.importers.base import Candidate, Rejected, Remark
from galleryctl.problems import Problem, Severity
from galleryctl.spec.base import folded, is_name, is_version, version_key
from galleryctl.spec.release import HUBS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from galleryctl.gallery import Entry
    from galleryctl.loading import Loaded

Status = Literal["new", "exists", "rejected"]
Repo = tuple[str, str]
"""Kind of hub, and repository in lower case."""

_REPO = re.compile(rb'"repo":"([^"]+)"')
_DEEPEST = 60
_DIGITS = 10
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Row:
    """One entry of a source, and what is to become of it."""

    source: str
    at: str
    status: Status
    candidate: Candidate | None
    """None where it was rejected before it was one."""
    remarks: tuple[Remark, ...] = ()
    reason: str = ""
    """Why it is not new, in words."""
    existing: str | None = None
    """The model it is, where it exists in the registry."""

    @property
    def id(self) -> str | None:
        return self.existing or (self.candidate.id if self.candidate else None)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The remarks, with the entry's place in its source. They block nothing but a rejected entry."""
        path, _, line = self.at.rpartition(":")
        place = (path, int(line)) if path and line.isdecimal() and len(line) < _DIGITS else (self.at, 1)
        severity = Severity.ERROR if self.status == "rejected" else Severity.WARN
        return tuple(Problem(*place, 1, code, message, fix, severity) for code, message, fix in self.remarks)


@dataclass(frozen=True)
class Known:
    """What a registry has, as far as candidates may clash with it."""

    loaded: Loaded
    folders: Mapping[str, str]
    """Id → type of every model folder, also of those that cannot be read."""

    @cached_property
    def ids(self) -> Mapping[str, tuple[str, str]]:
        """Folded id → the id it stands for, and how: empty, or as an alias."""
        found = {
            folded(alias): (identifier, f"{alias} is an alias of {identifier}")
            for alias, identifier in self.loaded.gallery.aliases.items()
        }
        return found | {folded(identifier): (identifier, "") for identifier in self.folders}

    @cached_property
    def gone(self) -> Mapping[str, str]:
        """Folded id → why it never comes back."""
        stones = self.loaded.governance.tombstones
        return {
            folded(identifier): f"{identifier} was removed on {stone.since} and never comes back: {stone.reason}"
            for identifier, stone in stones.items()
            if stone.whole
        }

    @cached_property
    def reserved(self) -> Mapping[str, str]:
        """Folded publisher or id → why nobody may take it."""
        return {
            folded(item.name): f"{item.name} is reserved: {item.reason}"
            for item in self.loaded.governance.policy.reserved
        }

    @cached_property
    def digests(self) -> Mapping[str, frozenset[str]]:
        """SHA-256 of a file → the models that have it."""
        found: dict[str, set[str]] = defaultdict(set)
        for entry in self.loaded.gallery:
            for digest in entry.outline.digests:
                found[digest].add(entry.id)
        return {digest: frozenset(ids) for digest, ids in found.items()}

    def repos(self, wanted: frozenset[str]) -> Mapping[tuple[str, Repo], frozenset[str]]:
        """Type and repository → the models that have it, for these repositories."""
        found: dict[tuple[str, Repo], set[str]] = defaultdict(set)
        for entry in self.loaded.gallery:
            named = {name.decode().casefold() for name in _REPO.findall(entry.wire)}
            if not named.isdisjoint(wanted):  # reading a whole definition back takes long
                for repo in _of_entry(entry):
                    found[entry.outline.type, repo].add(entry.id)
        return {key: frozenset(ids) for key, ids in found.items()}


def plan(known: Known, found: Iterable[Candidate | Rejected]) -> tuple[Row, ...]:
    """One row for each entry, in the order of the source."""
    rows = [_first(known, each) for each in found]
    rows = _once(rows)
    wanted = frozenset(repo for row in rows if row.status == "new" for _, repo in _repos(row.candidate))
    repos = known.repos(wanted) if wanted else {}
    rows = [_known(row, known, repos) if row.status == "new" else row for row in rows]
    present = {*known.ids, *(folded(row.candidate.id) for row in rows if row.status == "new" and row.candidate)}
    return tuple(_lineage(row, present) for row in rows)


def _lineage(row: Row, present: set[str]) -> Row:
    """The row without base models that the gallery would not have: `check` refuses references that end nowhere."""
    candidate = row.candidate
    named = candidate.model.get("base_models") if candidate else None
    if candidate is None or not isinstance(named, list | tuple):
        return row
    kept = [name for name in named if folded(str(name)) in present]
    if row.status != "new" or len(kept) == len(named):
        return row
    absent = ", ".join(str(name) for name in named if name not in kept)
    remark = Remark("REF001", f"it was made from {absent}, which the gallery does not have", "import that first")
    model = {key: value for key, value in candidate.model.items() if key != "base_models"}
    model |= {"base_models": kept} if kept else {}
    return replace(row, candidate=replace(candidate, model=model), remarks=(*row.remarks, remark))


def facts(candidate: Candidate) -> tuple[str, int, tuple[str, ...]]:
    """What a person chooses by: title, bytes of the files whose size is known, formats. Of the newest release."""
    release = candidate.releases[max(candidate.releases, key=version_key)]
    title = candidate.model.get("title")
    title = next(iter(title.values()), "") if isinstance(title, dict) else title
    variants = list(_maps(release.get("variants")))
    groups = [
        group for variant in variants if isinstance(found := variant.get("files"), dict) for group in found.values()
    ]
    sizes = [size for group in groups for file in _maps(group) if isinstance(size := file.get("size"), int)]
    formats = dict.fromkeys(name for variant in variants if isinstance(name := variant.get("format"), str))
    return str(title or ""), sum(sizes), tuple(formats)


def _rejected(candidate: Candidate, code: str, message: str, fix: str = "") -> Row:
    remarks = (Remark(code, message, fix), *candidate.remarks)
    return Row(candidate.source, candidate.at, "rejected", candidate, remarks, message)


def _first(known: Known, found: Candidate | Rejected) -> Row:
    """What can be said of an entry by itself."""
    if isinstance(found, Rejected):
        reason = found.remarks[0].message if found.remarks else "no reason is given"
        return Row(found.source, found.at, "rejected", None, found.remarks, reason)
    if wrong := _malformed(known, found):
        return _rejected(found, *wrong)
    own = folded(found.id)
    if gone := known.gone.get(own):
        return _rejected(found, "IDN003", gone, "choose another name")
    for name in (own, own.partition("/")[0]):
        if reserved := known.reserved.get(name):
            return _rejected(found, "IDN003", reserved, "choose another name, or import with --publisher")
    return Row(found.source, found.at, "new", found, found.remarks)


def _malformed(known: Known, candidate: Candidate) -> Remark | None:
    """What no file of a registry could hold."""
    parts = candidate.id.split("/")
    if len(parts) != 2 or not all(map(is_name, parts)):  # noqa: PLR2004 - publisher and name
        message = f"{candidate.source!r} gives no id: {candidate.id!r}"
        return Remark("IDN001", message, "import it under another publisher, or rename it upstream")
    if candidate.type not in known.loaded.types:
        types = ", ".join(known.loaded.types)
        return Remark("PTH002", f"there is no type {candidate.type}", f"say which it is: --type, one of {types}")
    if not candidate.releases or not all(map(is_version, candidate.releases)):
        return Remark("PTH007", "it has no release that could be loaded")
    folder = layout.folder(candidate.type, candidate.id)
    for name in candidate.texts:
        if layout.place(f"{folder}/{name}") is None:
            return Remark("PTH002", f"a model folder has no file {name!r}")
    for data in (candidate.model, *candidate.releases.values()):
        for message in _unwritable(data, 0):
            return Remark("YML014", message, "mend it at the source")
    return None


def _unwritable(value: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 - whatever an importer took over
    if depth > _DEEPEST:
        yield "it is nested too deeply"
    elif isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            yield "a map has keys that are no text"
        for member in value.values():
            yield from _unwritable(member, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _unwritable(item, depth + 1)
    elif wrong := _odd(value):
        yield wrong


def _odd(value: Any) -> str:  # noqa: ANN401 - whatever an importer took over
    """What is wrong with a scalar; empty where nothing is."""
    if isinstance(value, str):
        return "a text has half a character" if not value.isascii() and _HALF.search(value) else ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"{value} is no number that JSON has"
    if isinstance(value, int):
        return ""
    return f"a value is {'null' if value is None else type(value).__name__}, which no file holds"


def _once(rows: Sequence[Row]) -> list[Row]:
    """An id that comes twice: the second of equal entries exists, of different ones none can come."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row.status == "new" and row.candidate:
            groups[folded(row.candidate.id)].append(index)
    result = list(rows)
    for group in groups.values():
        first = rows[group[0]]
        if all(_same(rows[index].candidate, first.candidate) for index in group):
            for index in group[1:]:
                row = rows[index]
                reason = f"the same stands at {first.at}"
                result[index] = Row(row.source, row.at, "exists", row.candidate, row.remarks, reason)
            continue
        for index in group:
            result[index] = _torn(rows, index, group)
    return result


def _torn(rows: Sequence[Row], index: int, group: Sequence[int]) -> Row:
    candidate = rows[index].candidate
    if candidate is None:
        raise AssertionError("unreachable: only candidates have an id")
    others = [rows[other] for other in group if other != index]
    where = ", ".join(
        other.at if other.source == candidate.source else f"{other.at} ({other.source})" for other in others
    )
    types = {other.candidate.type for other in others if other.candidate} - {candidate.type}
    what = f"under another type ({', '.join(sorted(types))})" if types else "with other values"
    message = f"{candidate.id} stands {what} at {where} too"
    return _rejected(candidate, "IDN002", message, "rename one of them at the source, or remove it there")


def _same(one: Candidate | None, other: Candidate | None) -> bool:
    def value(candidate: Candidate | None) -> object:
        return candidate and (candidate.type, candidate.id, candidate.model, candidate.releases, candidate.texts)

    return value(one) == value(other)


def _known(row: Row, known: Known, repos: Mapping[tuple[str, Repo], frozenset[str]]) -> Row:
    """The row as it is when the registry has its model already."""
    candidate = row.candidate
    if candidate is None:
        return row
    existing, reason = _where(candidate, known, repos)
    if existing is None:
        return row
    return Row(row.source, row.at, "exists", candidate, row.remarks, reason, existing)


def _where(
    candidate: Candidate, known: Known, repos: Mapping[tuple[str, Repo], frozenset[str]]
) -> tuple[str | None, str]:
    aliases = candidate.model.get("aliases")
    for name in (candidate.id, *(aliases if isinstance(aliases, list | tuple) else ())):
        if there := known.ids.get(folded(str(name))):
            identifier, alias = there
            kind = known.folders.get(identifier, candidate.type)
            other = "" if kind == candidate.type else f", of type {kind}"
            return identifier, f"same id: {alias or f'{identifier} is there'}{other}"
    variants = [{(kind, repo) for kind, repo in each} for each in _by_variant(candidate) if each]
    owners = [
        frozenset().union(*(repos.get((candidate.type, repo), frozenset()) for repo in each)) for each in variants
    ]
    if owners and (common := frozenset.intersection(*owners)):
        identifier = min(common)
        shown = ", ".join(sorted({f"{kind}:{repo}" for each in repositories(candidate) for kind, repo in each}))
        return identifier, f"same hub repository: {identifier} has {shown}"
    digests = _digests(candidate)
    if digests and (same := frozenset.intersection(*(known.digests.get(each, frozenset()) for each in digests))):
        identifier = min(same)
        return identifier, f"same file digest{'s' if len(digests) > 1 else ''}: {identifier} has the same bytes"
    return None, ""


def _by_variant(candidate: Candidate) -> Iterator[tuple[Repo, ...]]:
    return (tuple((kind, repo.casefold()) for kind, repo in each) for each in repositories(candidate))


def repositories(candidate: Candidate) -> Iterator[tuple[Repo, ...]]:
    """The hub repositories of each variant. Add-ons and drafts are not what the model is."""
    for release in candidate.releases.values():
        for variant in _maps(release.get("variants")):
            sources = variant.get("sources")
            if isinstance(sources, dict):
                pairs = ((kind, sources[kind]) for kind in HUBS if isinstance(sources.get(kind), dict))
                yield tuple((kind, hub["repo"]) for kind, hub in pairs if isinstance(hub.get("repo"), str))


def _repos(candidate: Candidate | None) -> Iterator[Repo]:
    for each in _by_variant(candidate) if candidate else ():
        yield from each


def _of_entry(entry: Entry) -> Iterator[Repo]:
    for release in entry.document().releases.values():
        for variant in release.variants:
            for kind, hub in variant.sources.hubs().items() if variant.sources else ():
                yield kind, hub.repo.casefold()


def _digests(candidate: Candidate) -> frozenset[str]:
    """Digests of all weights; none where one is not known: what is shared may be a part of both."""
    found = set()
    for release in candidate.releases.values():
        for variant in _maps(release.get("variants")):
            files = variant.get("files")
            for group in files.values() if isinstance(files, dict) else ():
                for file in _maps(group):
                    digest = file.get("sha256")
                    if isinstance(digest, str):
                        found.add(digest)
                    elif file.get("role", "model") == "model":
                        return frozenset()
    return frozenset(found)


def _maps(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - whatever an importer took over
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list | tuple) else iter(())
