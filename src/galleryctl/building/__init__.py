"""One build: registry → gallery → outputs → files. Nothing is written while the registry has errors.

The inputs of a build have a stamp: the blob ids of everything it reads, the program and its data, the audience and the
day. Where the output folder was written from the same stamp and is whole, there is nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from galleryctl import (
    audience,
    canonical,
    exports,
    git,
    index,
    layout,
    loading,
    output,
    resources,
    schemas,
    search,
    site,
)
from galleryctl.building import earlier
from galleryctl.errors import GitError, OutputError
from galleryctl.loading import governance, past
from galleryctl.output import Output
from galleryctl.problems import Problem, Severity
from galleryctl.spec.published import Discovery

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from galleryctl.audience import View
    from galleryctl.exports import Exports, RefusedError
    from galleryctl.exports.base import Left
    from galleryctl.fetch import Fetcher
    from galleryctl.git import Tree
    from galleryctl.index import Published
    from galleryctl.loading import Loaded
    from galleryctl.output import Written
    from galleryctl.spec.review import Queue

INPUTS = ("schemas", "site_templates")
"""Folders beside a registry, whose files go over those of the package."""


@dataclass(frozen=True)
class Wanted:
    """What to build, from where, for whom, as of when."""

    registry: Path
    out: Path
    now: dt.datetime
    audience: str = audience.PUBLIC
    revision: str | None = None
    jobs: int = 1
    live: bool = False
    """Whether pages reload themselves when the gallery is built again (`serve`)."""
    base: str | None = None
    """A revision that settings, schemas and templates are taken from, and that `revision` is merged into: a preview."""
    earlier: str | None = None
    """Folder or address of the gallery as it was published last, or `site` for that of the settings; the serial goes on
    from there. The output folder's own counts too."""
    queue: Queue | None = None
    """Open pull requests, for the page of reviews."""
    include: frozenset[str] = frozenset()
    """What the lists of the site show beside the listed: `unlisted`. The index stays what it is."""


@dataclass(frozen=True)
class Done:
    """What came of it. `written` is none where errors stopped the build."""

    written: Written | None
    problems: tuple[Problem, ...]
    models: int
    signed: bool = False
    """Whether the folder holds metadata; if the head changed, they are those of an earlier one."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)


@dataclass(frozen=True)
class Exported(Done):
    """What came of the export for one runtime."""

    runtime: str = ""
    exported: tuple[str, ...] = ()
    """Ids of the models that it holds."""
    left: tuple[tuple[str, Left], ...] = ()
    """What was left out, by id."""


def build(
    wanted: Wanted,
    *,
    fetcher: Fetcher | None = None,
    reader: Callable[[str], Published | None] | None = None,
    reading: Callable[[int, int], None] | None = None,
    writing: Callable[[int, int], None] | None = None,
) -> Done:
    """Build into `wanted.out`; raises `OutputError` where that folder is not ours, `GitError` for a conflict with base.

    `fetcher` reads the gallery that was published last, where that is an address; `reader` opens it in another way, one
    that verifies it.
    """
    opened = reader or partial(earlier.published, fetcher=fetcher)
    _refuse_inside(wanted.out.resolve(), wanted.registry)
    root, name = wanted.registry.parent, wanted.registry.name
    if wanted.base:
        wanted = replace(wanted, revision=_merged(root, wanted.base, wanted.revision or "HEAD"))
    tree = git.at(root, wanted.revision) if wanted.revision else git.working(root)
    trusted = git.at(root, wanted.base) if wanted.base else tree
    signing = _signing(wanted.out)
    stamp = _stamp(wanted, tree, name, signing)
    published = opened(wanted.earlier) if wanted.earlier and wanted.earlier != "site" else None
    if (kept := output.unchanged(wanted.out, stamp)) is not None and _is_last(wanted, published):
        return Done(kept, (), 0, signing is not None)
    base = loading.load(root, name, now=wanted.now, revision=wanted.base, jobs=wanted.jobs) if wanted.base else None
    loaded = loading.load(
        root, name, now=wanted.now, revision=wanted.revision, jobs=wanted.jobs, progress=reading, tree=tree, base=base
    )
    done = Done(None, loaded.problems, loaded.folders, signing is not None)
    if done.errors:
        return done
    if wanted.earlier == "site":
        published = opened(governance.published(loaded.world.context.settings))
    own, private = earlier.built(wanted.out), git.private(root)
    earlier.refuse_other(wanted.audience, own, published)
    earlier.refuse_odd(wanted.now, own, published)
    shown = view(loaded, wanted)
    browsed = replace(shown, include=wanted.include)
    told = past.told(root, name, site.latest(browsed), loaded.world.context)
    with (
        earlier.opened(own, published, private) as last,
        exports.prepared(shown, exports.enabled(shown), folder=private, jobs=wanted.jobs) as made,
    ):
        try:
            natives = tuple(index.Native(*each) for each in made.shared_files(wanted.jobs))
            outputs = chain(
                index.outputs(shown, schemas=schemas.public(trusted), earlier=last, natives=natives, discovery=signing),
                search.outputs(browsed),
                site.outputs(browsed, site.Look.of(trusted, live=wanted.live), made, told),
                made.own_files(),
                _covers(shown, tree, name),
            )
            written = output.write(wanted.out, outputs, jobs=wanted.jobs, progress=writing, stamp=stamp)
        except exports.RefusedError as refused:
            return replace(done, problems=(*done.problems, *_faults(refused)))
    return replace(done, written=written)


def _is_last(wanted: Wanted, published: Published | None) -> bool:
    """Whether the folder holds what was published last, as far as that is known before the settings are."""
    if published is None:
        return wanted.earlier != "site"
    own = earlier.built(wanted.out)
    return own is not None and own.head_bytes == published.head_bytes


def _signing(out: Path) -> Discovery | None:
    """What the folder's discovery document says, where the folder holds metadata; none where nothing is signed."""
    if not (out / layout.TIMESTAMP).is_file():
        return None
    try:
        return Discovery.model_validate_json((out / layout.DISCOVERY).read_bytes())
    except (OSError, ValueError):
        return None


def export(
    wanted: Wanted,
    runtime: str,
    *,
    reading: Callable[[int, int], None] | None = None,
    exporting: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write what one runtime reads into `wanted.out`, of all models that can be read.

    Raises `UsageError` for a runtime that has no exporter, `OutputError` where the folder is not ours.
    """
    exports.exporter(runtime)
    _refuse_inside(wanted.out.resolve(), wanted.registry)
    loaded = loading.load(
        wanted.registry.parent,
        wanted.registry.name,
        now=wanted.now,
        revision=wanted.revision,
        jobs=wanted.jobs,
        progress=reading,
    )
    done = Exported(None, loaded.problems, loaded.folders, runtime=runtime)
    with exports.prepared(view(loaded, wanted), (runtime,), jobs=wanted.jobs, progress=exporting) as made:
        try:
            written = output.write(wanted.out, _inside(made), jobs=wanted.jobs)
        except exports.RefusedError as refused:
            return replace(done, problems=(*done.problems, *_faults(refused)))
        reports = list(made.reports())
    return replace(
        done,
        written=written,
        exported=tuple(report.id for report in reports if report.exported),
        left=tuple((report.id, left) for report in reports for left in report.left),
    )


def _inside(made: Exports) -> Iterator[Output]:
    """The files of one runtime, relative to its folder."""
    for each in made.outputs():
        yield replace(each, path=layout.inside(each.path))


def _faults(refused: RefusedError) -> Iterator[Problem]:
    """RUN006: nothing is published while a runtime would refuse it."""
    for fault in refused.faults:
        fix = "nothing in the registry is wrong: report it, with the definitions of the models that the file names"
        yield Problem(refused.path, 1, 1, "RUN006", fault, fix)


def _refuse_inside(out: Path, registry: Path) -> None:
    if out.is_relative_to(registry) or ".git" in out.parts:
        raise OutputError(f"{out} lies among files that are no output: choose a folder beside {registry.name}")


def view(loaded: Loaded, wanted: Wanted) -> View:
    """What the wanted audience sees of a registry."""
    beside, context = loaded.governance, loaded.world.context  # the context is that of a base, where there is one
    return audience.project(
        loaded.gallery,
        settings=context.settings,
        roles=context.roles,
        taxonomy=context.taxonomy,
        types=context.types,
        publishers=beside.publishers,
        consumers=beside.consumers,
        tombstones=beside.tombstones,
        now=wanted.now,
        audience=wanted.audience,
        queue=wanted.queue,
        strangers=context.policy.repository == "public",
        trust=beside.trust,
    )


def _covers(shown: View, tree: Tree, name: str) -> Iterator[Output]:
    """The pictures that authors gave their models."""
    for entry in shown.gallery:
        if entry.outline.cover:
            source = f"{name}/{layout.folder(entry.outline.type, entry.id)}/cover.webp"
            yield Output(layout.cover(entry.id), entry.outline.cover, partial(tree.read, source))


def _stamp(wanted: Wanted, tree: Tree, name: str, signing: Discovery | None) -> str:
    paths = chain(tree.entries(name).items(), *(tree.entries(folder).items() for folder in INPUTS))
    files = "\0".join(f"{path} {entry.mode} {entry.blob}" for path, entry in paths)
    root = wanted.registry.parent
    commit = git.resolve(root, wanted.revision) if wanted.revision else git.head(root)
    ours = [resources.folder_digest(resources.root(folder)) for folder in (*INPUTS, "vendor")]
    facts = [resources.program(), wanted.audience, str(wanted.live), wanted.now.date().isoformat(), commit or ""]
    facts += [wanted.base or "", wanted.earlier or "", *sorted(wanted.include)]
    facts += [wanted.queue.model_dump_json() if wanted.queue else "", signing.model_dump_json() if signing else ""]
    return canonical.digest("\0".join([*ours, *facts, files]).encode("utf-8", "surrogateescape"))


def _merged(root: Path, base: str, head: str) -> str:
    merged = git.merged(root, base, head)
    if merged.commit is None:
        raise GitError(f"{', '.join(merged.conflicts)} changed in {base} too: merge it into your branch first")
    return merged.commit
