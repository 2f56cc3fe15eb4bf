"""One registry at one revision, read and checked: tree → documents → definitions → entries → gallery, and problems.

A folder whose files, schemas, settings and provenance are unchanged is not parsed again (`store`); the rest is parsed
in parallel processes. One bad folder never hides another. What is judged against a base takes every folder that is the
same there as it was read there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from galleryctl import checks, git, parallel, schemas
from galleryctl.checks.rule import Context, World
from galleryctl.errors import UsageError
from galleryctl.gallery import Gallery
from galleryctl.loading import folders, governance, rows
from galleryctl.loading.store import Snapshot, Store

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from galleryctl.git import Commit, Tree, TreeEntry
    from galleryctl.loading.governance import Governance
    from galleryctl.loading.rows import Known
    from galleryctl.problems import Problem
    from galleryctl.schemas import TypeSchema


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
    known: Mapping[str, Known] = field(repr=False)
    """Every model folder as it was read, by path relative to the registry."""
    basis: str
    """Digest of everything but its files that the reading of a folder depends on."""
    foreign: bool
    """Whether it was judged by another governance than its own."""


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
    stand there, whatever this tree says, and models have the provenance that they have there: what is proposed is not
    committed yet. Raises `UsageError` where there is no registry, and `GitError` for an unknown revision or a shallow
    clone.
    """
    if (root / name / ".git").exists():
        raise UsageError(f"{name} is the whole repository: put the registry into a folder of it, as {name}/registry")
    if tree is None:
        tree = git.at(root, revision) if revision else git.working(root)
    with parallel.uncollected():
        return _Load(root, name, tree, now, jobs, progress).load(revision, base)


def load_base(
    root: Path,
    name: str,
    tree: Tree,
    *,
    now: dt.datetime,
    revision: str,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Loaded:
    """The same for a revision that others are compared with, and therefore read many times.

    What was found when it was read before is not looked for again; it lacks what rules say about the moment (PRQ).
    """
    with parallel.uncollected():
        return _Load(root, name, tree, now, jobs, progress).load_base(revision)


class _Load:
    """One reading of one tree."""

    def __init__(
        self,
        root: Path,
        name: str,
        tree: Tree,
        now: dt.datetime,
        jobs: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.root, self.name, self.tree = root, name, tree
        skip = len(name) + 1
        self.paths: Mapping[str, TreeEntry] = {path[skip:]: entry for path, entry in tree.entries(name).items()}
        self.beside = governance.read(tree, name, self.paths)
        self.types = schemas.types(tree)
        self.store = Store(git.private(root))
        self.own = Context(
            settings=self.beside.settings,
            roles=self.beside.roles,
            policy=self.beside.policy,
            taxonomy=self.beside.taxonomy,
            types=self.types,
            runtimes=schemas.runtimes(tree),
            publishers=self.beside.publishers,
            now=now,
        )
        self._jobs, self._progress = jobs, progress

    def load(self, revision: str | None, base: Loaded | None) -> Loaded:
        context = self.own if base is None else _governed(self.own, base.world.context)
        reader = self._reader(context)
        if base is None:
            every = folders.of(self.paths, self._history(revision or "HEAD"), self.name)
            known, parsed = reader.read(every)
        else:
            known, parsed = self._beside_base(reader, base)
        foreign = base is not None and reader.basis != rows.basis(self.own, self.name)
        return self._loaded(known, parsed, context, reader.basis, foreign=foreign)

    def load_base(self, revision: str) -> Loaded:
        reader = self._reader(self.own)
        key = rows.snapshot_key(reader.basis, git.resolve(self.root, revision))
        snapshot = self.store.snapshot(key)
        known = reader.recall(snapshot.keys) if snapshot else None
        if snapshot is not None and known is not None:
            return self._loaded(known, 0, self.own, reader.basis, found=rows.problems_in(snapshot))
        loaded = self.load(revision, None)
        lasting = [problem for problem in loaded.problems if not problem.code.startswith("PRQ")]
        keys = {path: each.key for path, each in loaded.known.items()}
        self.store.keep(key, Snapshot(keys, rows.told(lasting)))
        return loaded

    def _history(self, revision: str) -> Mapping[str, Sequence[Commit]] | None:
        folder = str(self.root.resolve() / self.name)  # a repository may have several
        earlier = self.store.past(folder)
        found = git.history(self.root, self.name, revision, earlier)
        if found is not None and (earlier is None or found is not earlier.commits):
            self.store.remember(folder, git.Past(git.resolve(self.root, revision), found))
        return found

    def _reader(self, context: Context) -> rows.Reader:
        return rows.Reader(self.tree, self.name, context, self.store, self._jobs, self._progress)

    def _beside_base(self, reader: rows.Reader, base: Loaded) -> tuple[dict[str, Known], int]:
        """Only folders that differ are read, unless what all are judged by differs."""
        kept: dict[str, Known] = {}
        changed: set[str] | None = None
        if reader.basis == base.basis:
            changed = folders.differing(base.world.paths, self.paths)
            kept = {path: each for path, each in base.known.items() if path not in changed}
        fresh, parsed = reader.read(folders.beside(self.paths, base.known, changed), base.known.values())
        return dict(sorted((kept | fresh).items())), parsed

    def _loaded(
        self,
        known: Mapping[str, Known],
        parsed: int,
        context: Context,
        basis: str,
        *,
        foreign: bool = False,
        found: tuple[Problem, ...] | None = None,
    ) -> Loaded:
        gallery = Gallery.of(each.entry for each in known.values() if each.entry is not None)
        beside = self.beside
        world = World(gallery, context, beside.consumers, beside.tombstones, beside.documents, self.paths, beside.trust)
        if found is None:
            findings = [*checks.path_findings(self.paths, context), *checks.gallery_findings(world)]
            problems = {problem for each in known.values() for problem in each.problems}
            problems.update(beside.problems)
            problems.update(checks.place(findings, self.tree, self.name, beside.documents, context.policy))
            found = tuple(sorted(problems))
        return Loaded(gallery, beside, self.types, found, len(known), parsed, world, known, basis, foreign)


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
