"""One registry at one revision, read and checked: tree → documents → definitions → entries → gallery, and problems.

A folder whose files, schemas, settings and provenance are unchanged is not parsed again (`store`); the rest is parsed
in parallel processes. One bad folder never hides another.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic_core import to_json

from galleryctl import canonical, checks, git, layout, parallel, resources, schemas
from galleryctl.checks.rule import Context, World
from galleryctl.errors import UsageError
from galleryctl.gallery import Entry, Gallery, Outline, make
from galleryctl.loading import governance
from galleryctl.loading.store import Row, Store
from galleryctl.problems import Problem
from galleryctl.spec import Provenance, is_version

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from galleryctl.git import Commit, Tree, TreeEntry
    from galleryctl.loading.governance import Governance
    from galleryctl.schemas import TypeSchema
    from galleryctl.spec import Definition


_ODD = re.compile("[\\udc80-\\udcff]").search
"""Finds what stands for bytes that are not UTF-8: no document can hold them."""
_OUTLINES = TypeAdapter(list[Outline])
_PROBLEMS = TypeAdapter(list[Problem])


@dataclass(frozen=True)
class Folder:
    """One model folder before it is read: its place, its files by name, and what git says of it."""

    place: layout.Place
    files: Mapping[str, TreeEntry]
    provenance: Provenance | None
    published: Mapping[str, dt.datetime]

    @property
    def path(self) -> str:
        return layout.folder(self.place.type, self.place.id)


@dataclass(frozen=True)
class Loaded:
    """A registry in memory. Problems are sorted, and no entry with an error is missing without one."""

    gallery: Gallery
    governance: Governance
    types: Mapping[str, TypeSchema]
    problems: tuple[Problem, ...]
    folders: int
    parsed: int
    """Folders that had to be parsed; the others were known."""
    world: World
    """What rules about the whole gallery saw of it. Its context is the governance it was judged by."""


def load(
    root: Path,
    name: str = "registry",
    *,
    now: dt.datetime,
    revision: str | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
    tree: Tree | None = None,
    base: Loaded | None = None,
) -> Loaded:
    """Read and check `root/name` as it is on disk, or at a git revision without a checkout.

    `tree` saves opening it again. With a `base`, settings, roles, policy, licences, schemas and overlays count as they
    stand there, whatever this tree says. Raises `UsageError` where there is no registry, and `GitError` for an unknown
    revision or a shallow clone.
    """
    if (root / name / ".git").exists():
        raise UsageError(f"{name} is the whole repository: put the registry into a folder of it, as {name}/registry")
    if tree is None:
        tree = git.at(root, revision) if revision else git.working(root)
    with parallel.uncollected():
        return _load(tree, root, name, now, revision, jobs, progress, base)


def _load(
    tree: Tree,
    root: Path,
    name: str,
    now: dt.datetime,
    revision: str | None,
    jobs: int,
    progress: Callable[[int, int], None] | None,
    base: Loaded | None,
) -> Loaded:
    paths = {path.removeprefix(f"{name}/"): entry for path, entry in tree.entries(name).items()}
    beside = governance.read(tree, name, paths)
    types = schemas.types(tree)
    context = Context(
        settings=beside.settings,
        roles=beside.roles,
        policy=beside.policy,
        taxonomy=beside.taxonomy,
        types=types,
        runtimes=schemas.runtimes(tree),
        publishers=beside.publishers,
        now=now,
    )
    if base is not None:
        context = _governed(context, base.world.context)
    folders = _folders(paths, git.history(root, name, revision or "HEAD"), name)
    store = Store(git.private(root))
    rows, parsed = _rows(tree, name, folders, context, jobs, progress, store)
    try:
        gallery, found = _gallery(rows)
    except ValueError:  # somebody else wrote into the store: what it held is made again
        store.discard()
        rows, parsed = _rows(tree, name, folders, context, jobs, progress, store)
        gallery, found = _gallery(rows)
    found += beside.problems
    findings = [*checks.path_findings(paths, context)]
    world = World(gallery, context, beside.consumers, beside.tombstones, beside.documents, paths)
    findings += checks.gallery_findings(world)
    found += checks.place(findings, tree, name, beside.documents, context.policy)
    return Loaded(gallery, beside, types, tuple(sorted(set(found))), len(folders), parsed, world)


def _governed(context: Context, base: Context) -> Context:
    """Who may do what, and what counts as right, as base says; words and publishers as they are proposed."""
    return replace(
        context,
        settings=base.settings,
        roles=base.roles,
        policy=base.policy,
        taxonomy=context.taxonomy.model_copy(update={"licenses": base.taxonomy.licenses}),
        types=base.types,
        runtimes=base.runtimes,
    )


def _folders(
    paths: Mapping[str, TreeEntry], history: Mapping[str, Sequence[Commit]] | None, name: str
) -> tuple[Folder, ...]:
    grouped: dict[str, dict[str, TreeEntry]] = defaultdict(dict)
    for path, entry in paths.items():
        folder, _, file = path.rpartition("/")
        grouped[folder][file] = entry
    return tuple(
        _folder(place, files, history, name)
        for folder, files in sorted(grouped.items())
        if (place := layout.model_in(folder)) and not _ODD(folder)  # paths are judged apart: nothing is silent
    )


def _folder(
    place: layout.Place,
    files: Mapping[str, TreeEntry],
    history: Mapping[str, Sequence[Commit]] | None,
    name: str,
) -> Folder:
    if history is None:
        return Folder(place, files, None, {})
    prefix = f"{name}/{layout.folder(place.type, place.id)}"
    commits = {file: history.get(f"{prefix}/{file}", ()) for file in files}
    definition = next((commits[file] for file in ("model.yaml", "model.json") if commits.get(file)), ())
    if not definition:
        return Folder(place, files, None, {})
    newest = max((found[0] for found in commits.values() if found), key=lambda commit: commit.when)
    added = definition[-1]
    published = {
        version: found[-1].when
        for file, found in commits.items()
        if found and is_version(version := file.rpartition(".")[0]) and file.endswith((".yaml", ".json"))
    }
    provenance = Provenance(added=added.when, by=added.author, updated=newest.when, commit=newest.id)
    return Folder(place, files, provenance, published)


def _rows(
    tree: Tree,
    name: str,
    folders: Sequence[Folder],
    context: Context,
    jobs: int,
    progress: Callable[[int, int], None] | None,
    store: Store,
) -> tuple[list[Row], int]:
    inner = replace(context, publishers={})  # rules of one entry may not depend on other files: their result is kept
    basis = _basis(inner, name)
    keys = [_key(basis, folder) for folder in folders]
    known = store.get(keys)
    missing = [index for index, key in enumerate(keys) if key not in known]

    def work(start: int, stop: int) -> list[Row]:
        return [_read(tree, name, folders[index], inner) for index in missing[start:stop]]

    fresh: dict[str, Row] = {}
    done = 0
    for chunk in parallel.map_chunks(work, len(missing), jobs):
        for row in chunk:
            fresh[keys[missing[done]]] = row
            done += 1
        if progress:
            progress(done, len(missing))
    if fresh:
        store.put(fresh, (key for key in keys if key in known))
    known |= fresh
    return [known[key] for key in keys], len(missing)


def _basis(context: Context, name: str) -> str:
    parts = [resources.program(), name, context.now.date().isoformat()]
    parts += [part.model_dump_json() for part in (context.settings, context.roles, context.policy, context.taxonomy)]
    parts += [repr(context.types), json.dumps(context.runtimes, sort_keys=True, default=dict)]
    return canonical.digest("\0".join(parts).encode())


def _key(basis: str, folder: Folder) -> str:
    files = "\0".join(f"{name} {entry.mode} {entry.blob}" for name, entry in sorted(folder.files.items()))
    times = sorted((version, when.isoformat()) for version, when in folder.published.items())
    return canonical.digest(
        f"{basis}\0{folder.path}\0{files}\0{folder.provenance!r}\0{times}".encode("utf-8", "surrogateescape")
    )


def _read(tree: Tree, name: str, folder: Folder, context: Context) -> Row:
    reading = checks.definition(tree, name, folder.place, folder.files, context)
    problems = list(reading.problems)
    made = None
    if reading.subject is not None:
        problems += checks.entry_rules(reading.subject, name)
        schema = context.types[folder.place.type]
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
    told = _PROBLEMS.dump_json(problems) if problems else b"[]"
    if made is None:
        return Row(b"", b"", b"", b"{}", told)
    return Row(to_json(made.outline), made.wire, made.listing, to_json(reading.cards), told)


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


def _gallery(rows: Iterable[Row]) -> tuple[Gallery, list[Problem]]:
    kept = list(rows)
    whole = [row for row in kept if row.outline]
    outlines = _OUTLINES.validate_json(b"[" + b",".join(row.outline for row in whole) + b"]")
    cards: list[dict[str, Any]] = json.loads(b"[" + b",".join(row.cards for row in whole) + b"]")
    entries = (
        Entry(outline, row.wire, row.listing, card) for outline, row, card in zip(outlines, whole, cards, strict=True)
    )
    problems = [problem for row in kept if row.problems != b"[]" for problem in _PROBLEMS.validate_json(row.problems)]
    return Gallery.of(entries), problems
