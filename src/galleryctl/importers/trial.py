"""The files that chosen candidates would become, judged by the ordinary check before anything is written."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from galleryctl import inspection, loading, parallel
from galleryctl.authoring import arriving, house
from galleryctl.authoring.arriving import Arrival
from galleryctl.authoring.files import Files, Overlay
from galleryctl.importers.base import Remark
from galleryctl.importers.naming import publisher_of
from galleryctl.importers.planning import Known, repositories
from galleryctl.parallel import together
from galleryctl.problems import Severity
from galleryctl.spec import version_key

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from galleryctl.authoring.arriving import Added
    from galleryctl.authoring.numbering import Part
    from galleryctl.importers.base import Candidate
    from galleryctl.importers.planning import Row
    from galleryctl.inspection import Asks
    from galleryctl.loading import Loaded
    from galleryctl.problems import Problem

    Progress = Callable[[int, int], None] | None

_OWNER = re.compile(r"https://(?:huggingface\.co|www\.modelscope\.cn/models|modelscope\.cn/models)/([\w.-]+)/")


@dataclass(frozen=True)
class Trial:
    """What `check` would say."""

    rows: tuple[Row, ...]
    """The chosen rows; those whose files cannot be read are rejected now."""
    arrivals: tuple[Arrival, ...]
    """The models to be written."""
    beside: Mapping[str, bytes]
    """New files beside the models, by path relative to the registry: profiles of publishers."""
    problems: Mapping[str, tuple[Problem, ...]]
    """What the check finds, by model."""
    elsewhere: tuple[Problem, ...]
    """What it would find in other files than these, and does not find now."""
    loaded: Loaded
    """The registry with these models in it."""


def known(registry: Path, *, now: dt.datetime, jobs: int, progress: Progress = None) -> Known:
    """The registry as candidates meet it."""
    files = Files(registry.resolve())
    loaded = loading.load(files.root, files.name, now=now, jobs=jobs, progress=progress, tree=files.tree)
    return Known(loaded, {identifier: places[0].type for identifier, places in files.models.items()})


def tried(
    registry: Path, before: Known, chosen: Sequence[Row], *, now: dt.datetime, jobs: int, progress: Progress = None
) -> Trial:
    """Make the files of the new ones of these rows, and check the registry with them in it."""
    files = Files(registry.resolve())
    candidates = [row.candidate for row in chosen if row.candidate and row.status == "new"]
    private = before.loaded.governance.policy.repository == "private"
    arrivals = _arrivals(candidates, jobs, private=private)
    beside = _profiles(candidates, before)
    texts = {f"{files.name}/{path}": data for path, data in beside.items()}
    for arrival in arrivals:
        texts |= {f"{files.name}/{arrival.folder}/{name}": data for name, data in arrival.files.items()}
    tree = Overlay(files.tree, texts)
    after = loading.load(files.root, files.name, now=now, jobs=jobs, progress=progress, tree=tree)
    owners = {f"{files.name}/{arrival.folder}": arrival.id for arrival in arrivals}
    owners |= _first_of(f"{files.name}/", arrivals, beside)
    problems, elsewhere = _sorted(after.problems, owners, frozenset(before.loaded.problems))
    read = {entry.id: len(entry.outline.releases) for entry in after.gallery}
    rows = tuple(_judged(row, read, problems) for row in chosen)
    kept = {row.candidate.id for row in rows if row.candidate and row.status == "new"}
    return Trial(
        rows,
        tuple(arrival for arrival in arrivals if arrival.id in kept),
        {path: data for path, data in beside.items() if _wanted(path, kept)},
        problems,
        elsewhere,
        after,
    )


def scanned(registry: Path, trial: Trial, asks: Asks, *, now: dt.datetime, progress: Progress = None) -> Trial:
    """The same after a look at what the files would do: what is dangerous is rejected, and not written."""
    registry = registry.resolve()

    def scan(arrival: Arrival) -> tuple[Problem, ...]:
        found = inspection.scan(arrival.type, arrival.id, arrival.files, asks, loaded=trial.loaded, now=now)
        return tuple(replace(problem, path=f"{registry.name}/{problem.path}") for problem in found)

    problems = dict(trial.problems)
    dangers: dict[str, list[Remark]] = {}
    for done, (arrival, found) in enumerate(zip(trial.arrivals, together(scan, trial.arrivals), strict=True), start=1):
        problems[arrival.id] = (*problems.get(arrival.id, ()), *found)
        errors = [Remark(each.code, each.message, each.fix) for each in found if each.severity is Severity.ERROR]
        if errors:
            dangers[arrival.id] = errors
        if progress:
            progress(done, len(trial.arrivals))
    rows = tuple(_dangerous(row, dangers) for row in trial.rows)
    arrivals = tuple(arrival for arrival in trial.arrivals if arrival.id not in dangers)
    kept = {arrival.id for arrival in arrivals}
    beside = {path: data for path, data in trial.beside.items() if _wanted(path, kept)}
    return replace(trial, rows=rows, arrivals=arrivals, beside=beside, problems=problems)


def _dangerous(row: Row, dangers: Mapping[str, Sequence[Remark]]) -> Row:
    found = dangers.get(row.candidate.id) if row.candidate and row.status == "new" else None
    if not found:
        return row
    return replace(row, status="rejected", reason=found[0].message, remarks=(*found, *row.remarks))


def added(
    registry: Path, identifier: str, candidate: Candidate, *, now: dt.datetime, version: str | None, bump: Part
) -> tuple[Added, tuple[Problem, ...]]:
    """Write the newest release of a candidate as the next one of a model that exists; what the check says of it."""
    registry = registry.resolve()
    newest = max(candidate.releases, key=version_key)
    beside = {name: data for name, data in candidate.texts.items() if name.startswith(f"{newest}.")}
    release = candidate.releases[newest]
    made = arriving.add_release(registry, identifier, candidate.type, release, beside, version=version, bump=bump)
    loaded = loading.load(registry.parent, registry.name, now=now)
    return made, tuple(problem for problem in loaded.problems if problem.path in made.paths)


def _arrivals(candidates: Sequence[Candidate], jobs: int, *, private: bool) -> list[Arrival]:
    def work(start: int, stop: int) -> list[Arrival]:
        return [_arrival(candidate, private=private) for candidate in candidates[start:stop]]

    return [arrival for chunk in parallel.map_chunks(work, len(candidates), jobs) for arrival in chunk]


def _arrival(candidate: Candidate, *, private: bool) -> Arrival:
    """The folder of a candidate. Where strangers cannot read the registry no model is public, as `new` has it."""
    seen = {"visibility": "private"} if private and candidate.model.get("visibility", "public") == "public" else {}
    files = {"model.yaml": house.model({**candidate.model, **seen})}
    files |= {f"{version}.yaml": house.release(release) for version, release in candidate.releases.items()}
    return Arrival(candidate.type, candidate.id, files | dict(candidate.texts))


def _profiles(candidates: Iterable[Candidate], before: Known) -> dict[str, bytes]:
    """Profiles of publishers that have none: unclaimed, under the name their owner has upstream."""
    present = before.loaded.governance.publishers
    titles: dict[str, str] = {}
    for candidate in candidates:
        publisher = candidate.id.partition("/")[0]
        if publisher not in present and titles.get(publisher, publisher) == publisher:
            titles[publisher] = _owner(candidate, publisher)
    return {f"publishers/{name}.yaml": house.publisher(title) for name, title in sorted(titles.items())}


def _owner(candidate: Candidate, publisher: str) -> str:
    """The owner as upstream writes it, where the candidate's sources or links tell; else the publisher."""
    for owner in _owners(candidate):
        if publisher_of(owner) == publisher:
            return owner
    return publisher


def _owners(candidate: Candidate) -> Iterator[str]:
    for variant in repositories(candidate):
        yield from (repo.partition("/")[0] for _, repo in variant)
    links = candidate.model.get("links")
    for link in links.values() if isinstance(links, dict) else ():
        for address in link if isinstance(link, list | tuple) else [link]:
            yield from _OWNER.findall(f"{address}/")


def _first_of(prefix: str, arrivals: Sequence[Arrival], beside: Mapping[str, bytes]) -> dict[str, str]:
    """Path of each new profile → the first model that brings it."""
    found: dict[str, str] = {}
    for arrival in arrivals:
        path = f"publishers/{arrival.id.partition('/')[0]}.yaml"
        if path in beside:
            found.setdefault(prefix + path, arrival.id)
    return found


def _sorted(
    problems: Iterable[Problem], owners: Mapping[str, str], before: frozenset[Problem]
) -> tuple[dict[str, tuple[Problem, ...]], tuple[Problem, ...]]:
    """Problems by model, and those elsewhere that were not there before."""
    found: dict[str, list[Problem]] = defaultdict(list)
    elsewhere = []
    for problem in problems:
        owner = owners.get(problem.path.rpartition("/")[0]) or owners.get(problem.path)
        if owner:
            found[owner].append(problem)
        elif problem not in before:
            elsewhere.append(problem)
    return {identifier: tuple(each) for identifier, each in found.items()}, tuple(elsewhere)


def _judged(row: Row, read: Mapping[str, int], problems: Mapping[str, Sequence[Problem]]) -> Row:
    """The row, rejected where not all of its files can be read as what they should hold."""
    candidate = row.candidate
    if row.status != "new" or candidate is None or read.get(candidate.id) == len(candidate.releases):
        return row
    errors = [problem for problem in problems.get(candidate.id, ()) if problem.severity is Severity.ERROR]
    remarks = [Remark(problem.code, f"{_name(problem)}: {problem.message}", problem.fix) for problem in errors]
    remarks = remarks or [Remark("SCH003", "its files hold no model that can be read")]
    return replace(row, status="rejected", reason=remarks[0].message, remarks=(*remarks, *row.remarks))


def _name(problem: Problem) -> str:
    return f"{problem.path.rpartition('/')[2]}:{problem.line}"


def _wanted(path: str, kept: Iterable[str]) -> bool:
    publisher = path.removeprefix("publishers/").removesuffix(".yaml")
    return any(identifier.startswith(f"{publisher}/") for identifier in kept)
