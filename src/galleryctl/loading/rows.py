"""What was made of each model folder: read back from the store where it is known, else parsed and kept."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic_core import to_json

from galleryctl import canonical, checks, parallel, resources
from galleryctl.gallery import Entry, Outline, make
from galleryctl.loading.store import Row
from galleryctl.problems import Problem
from galleryctl.spec import Provenance
from galleryctl.spec.base import ID_PATTERN

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from galleryctl.checks.rule import Context
    from galleryctl.git import Tree
    from galleryctl.loading.folders import Folder
    from galleryctl.loading.store import Snapshot, Store
    from galleryctl.spec import Definition

_published = re.compile(f"{ID_PATTERN}/{ID_PATTERN}").fullmatch
"""An id that nobody can be given names no entry; that it is none is told by a rule."""
_OUTLINES = TypeAdapter(list[Outline])
_PROBLEMS = TypeAdapter(list[Problem])


@dataclass(frozen=True, slots=True)
class Known:
    """One model folder as it was read. Without an entry it has a problem that says why."""

    key: str
    entry: Entry | None
    problems: tuple[Problem, ...]

    def dated(self) -> tuple[Provenance | None, Mapping[str, dt.datetime]]:
        """Who brought the model and when, and when its releases were added."""
        if self.entry is None or self.entry.outline.added is None:
            return None, {}
        outline = self.entry.outline
        facts = {"added": outline.added, "by": outline.by, "updated": outline.updated, "commit": outline.commit}
        releases = self.entry.document().releases
        published = {version: release.published for version, release in releases.items() if release.published}
        return Provenance.model_validate(facts), published


class Reader:
    """Reads folders of one tree by one governance."""

    def __init__(
        self,
        tree: Tree,
        name: str,
        context: Context,
        store: Store,
        jobs: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._tree, self._name, self._store = tree, name, store
        # Rules of one entry may not depend on other files: their result is kept.
        self._context = replace(context, publishers={})
        self._jobs, self._progress = jobs, progress
        self.basis = basis(context, name)

    def read(self, folders: Sequence[Folder], kept: Iterable[Known] = ()) -> tuple[dict[str, Known], int]:
        """Every folder by its path, and how many had to be parsed. The store goes on to know what is `kept`."""
        keys = [_key(self.basis, folder) for folder in folders]
        used = [each.key for each in kept]
        rows, parsed = self._rows(folders, keys, used)
        try:
            known = _known(keys, rows)
        except ValueError:  # somebody else wrote into the store: what it held is made again
            self._store.discard()
            rows, parsed = self._rows(folders, keys, used)
            known = _known(keys, rows)
        return {folder.path: each for folder, each in zip(folders, known, strict=True)}, parsed

    def recall(self, keys: Mapping[str, str]) -> dict[str, Known] | None:
        """Folders by path as they were read before, by their keys; none where one is not known any more."""
        found = self._store.get(keys.values())
        if len(found) < len(set(keys.values())):
            return None
        try:
            known = _known(list(keys.values()), [found[key] for key in keys.values()])
        except ValueError:
            return None
        return dict(zip(keys, known, strict=True))

    def _rows(self, folders: Sequence[Folder], keys: Sequence[str], used: Sequence[str]) -> tuple[list[Row], int]:
        known = self._store.get(keys)
        missing = [index for index, key in enumerate(keys) if key not in known]

        def work(start: int, stop: int) -> list[Row]:
            return [self._read(folders[index]) for index in missing[start:stop]]

        fresh: dict[str, Row] = {}
        done = 0
        for chunk in parallel.map_chunks(work, len(missing), self._jobs):
            for row in chunk:
                fresh[keys[missing[done]]] = row
                done += 1
            if self._progress:
                self._progress(done, len(missing))
        if fresh:
            self._store.put(fresh, (*used, *(key for key in keys if key in known)))
        known |= fresh
        return [known[key] for key in keys], len(missing)

    def _read(self, folder: Folder) -> Row:
        reading = checks.definition(self._tree, self._name, folder.place, folder.files, self._context)
        problems = list(reading.problems)
        made = None
        if reading.subject is not None:
            problems += checks.entry_rules(reading.subject, self._name)
        if reading.subject is not None and _published(folder.place.id):
            schema = self._context.types[folder.place.type]
            made = make(
                folder.place.id,
                folder.place.type,
                _inlined(reading.subject.definition, reading.subject.texts),
                provenance=folder.provenance,
                published=folder.published,
                cards=reading.cards,
                cover=folder.files["cover.webp"].blob if "cover.webp" in folder.files else "",
                facets=schema.values,
            )
        said = told(problems)
        if made is None:
            return Row(b"", b"", b"", b"{}", said)
        return Row(to_json(made.outline), made.wire, made.listing, to_json(reading.cards), said)


def basis(context: Context, name: str) -> str:
    """Digest of what the reading of every folder depends on: the program, the governance, and the day."""
    parts = [resources.program(), name, context.now.date().isoformat()]
    parts += [part.model_dump_json() for part in (context.settings, context.roles, context.policy, context.taxonomy)]
    parts += [repr(context.types), json.dumps(context.runtimes, sort_keys=True, default=dict)]
    return canonical.digest("\0".join(parts).encode())


def snapshot_key(basis: str, commit: str) -> str:
    return canonical.digest(f"{basis}\0{commit}".encode())


def told(problems: Iterable[Problem]) -> bytes:
    found = list(problems)
    return _PROBLEMS.dump_json(found) if found else b"[]"


def problems_in(snapshot: Snapshot) -> tuple[Problem, ...]:
    return tuple(_PROBLEMS.validate_json(snapshot.problems))


def _key(basis: str, folder: Folder) -> str:
    files = "\0".join(f"{name} {entry.mode} {entry.blob}" for name, entry in sorted(folder.files.items()))
    times = sorted((version, when.isoformat()) for version, when in folder.published.items())
    provenance = folder.provenance
    facts = (
        (provenance.added.isoformat(), provenance.by, provenance.updated.isoformat(), provenance.commit)
        if provenance
        else None
    )
    return canonical.digest(f"{basis}\0{folder.path}\0{files}\0{facts}\0{times}".encode("utf-8", "surrogateescape"))


def _inlined(definition: Definition, texts: Mapping[str, str]) -> Definition:
    """The definition with the texts of its templates in place of the names of their files: readers have no folder."""
    if not any(name.endswith(".jinja") for name in texts):
        return definition
    releases = dict(definition.releases)
    for version, release in releases.items():
        prompt = release.spec.get("prompt")
        template = prompt.get("template") if isinstance(prompt, dict) else None
        text = texts.get(str(template.get("file"))) if isinstance(template, dict) else None
        if isinstance(prompt, dict) and text is not None:
            spec = {**release.spec, "prompt": {**prompt, "template": text}}
            releases[version] = release.model_copy(update={"spec": spec})
    return definition.model_copy(update={"releases": releases})


def _known(keys: Sequence[str], rows: Sequence[Row]) -> list[Known]:
    whole = [row for row in rows if row.outline]
    outlines = iter(_OUTLINES.validate_json(b"[" + b",".join(row.outline for row in whole) + b"]"))
    cards: Iterator[dict[str, Any]] = iter(json.loads(b"[" + b",".join(row.cards for row in whole) + b"]"))
    found = []
    for key, row in zip(keys, rows, strict=True):
        entry = Entry(next(outlines), row.wire, row.listing, next(cards)) if row.outline else None
        problems = () if row.problems == b"[]" else tuple(_PROBLEMS.validate_json(row.problems))
        found.append(Known(key, entry, problems))
    return found
