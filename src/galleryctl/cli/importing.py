"""`import`: what a source has, what of it is chosen, and the files it becomes."""

from __future__ import annotations

import itertools
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from galleryctl.cli import options, submitting

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from galleryctl.authoring import Part
    from galleryctl.fetch import Fetcher
    from galleryctl.importers import Candidate, Options, Rejected
    from galleryctl.importers.planning import Known, Row
    from galleryctl.importers.trial import Trial
    from galleryctl.problems import Problem
    from galleryctl.terminal import Arrival

    Form = Literal["text", "json"]

_MOST = 20  # problems that are shown one by one


@click.command("import")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE…")
@options.registry
@click.option("--plan", is_flag=True, help="Only show what could be imported, and what exists already.")
@click.option(
    "--select", "select", multiple=True, metavar="GLOB", help="Import these: names or ids; repeat, or use commas."
)
@click.option("--all", "every", is_flag=True, help="Import all that is new.")
@click.option("--publisher", metavar="NAME", help="Publisher to use instead of the source's.")
@click.option("--type", "type_", metavar="TYPE", help="Model type, where the source cannot tell.")
@click.option("--digest", is_flag=True, help="Compute digests that are not stated, by reading whole files.")
@click.option("--scan", is_flag=True, help="Look at what the files would do; dangerous ones are rejected.")
@options.allow_private
@click.option(
    "--as-version-of", metavar="ID", shell_complete=options.identifiers,
    help="Add one model of the source as a release of this one.",
)  # fmt: skip
@click.option(
    "--bump", type=click.Choice(["patch", "minor", "major"]), help="Number that --as-version-of raises; patch."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.now
@options.jobs
def import_command(
    sources: tuple[str, ...], registry: Path, form: Form, now: dt.datetime, jobs: int, **given: Any  # noqa: ANN401
) -> int:  # fmt: skip
    """List the models of SOURCE, choose, and write a folder for each. On a terminal it asks which.

    SOURCE is a file, an address, or a reference with a prefix: a catalogue of a runtime, a repository of a hub, an
    object store, a training run, another gallery, a list of addresses. Models that exist (same id, same hub repository,
    same digests) are not written again. Either all that was chosen is written, or nothing. Exit code 1 means that
    entries were rejected.

    \b
    Example:
      galleryctl import llm.json --plan
      galleryctl import llm.json --select "qwen*,llama*"
      galleryctl import huggingface:Qwen/Qwen3-8B --all
      galleryctl import 'gallery:https://models.example.org/#acme/*' --plan --format json
      galleryctl import addresses.txt --type llm --publisher acme --digest --all
      galleryctl import huggingface:Qwen/Qwen3-8B-FP8 --as-version-of qwen/qwen3-8b --bump minor
    """  # noqa: D301
    asked = _Asked(registry, tuple(sources), form, now, options.processes(jobs), **given)
    _refuse(asked)
    known, rows = _planned(asked)
    if asked.as_version_of:
        return _as_version(asked, rows, asked.as_version_of, bump=asked.bump or "patch")
    trial = _tried(asked, known, _chosen(asked, rows))
    if not asked.plan:
        from galleryctl.authoring import arriving  # noqa: PLC0415 - on use

        arriving.arrive(registry, trial.arrivals, trial.beside, jobs=asked.jobs)
    _report(asked, trial)
    return int(any(row.status == "rejected" for row in trial.rows))


class _Asked(NamedTuple):
    """What was typed."""

    registry: Path
    sources: tuple[str, ...]
    form: Form
    now: dt.datetime
    jobs: int
    plan: bool = False
    select: tuple[str, ...] = ()
    every: bool = False
    publisher: str | None = None
    type_: str | None = None
    digest: bool = False
    scan: bool = False
    allow_private: bool = False
    as_version_of: str | None = None
    bump: Part | None = None
    version: str | None = None


def add_release(
    registry: Path, identifier: str, source: str, *, now: dt.datetime, version: str | None = None, bump: Part = "patch",
    allow_private: bool = False,
) -> int:  # fmt: skip
    """`release ID --from SOURCE`: the one model of a source as the next release of this one."""
    asked = _Asked(
        registry, (source,), "text", now, 1, allow_private=allow_private, as_version_of=identifier, version=version
    )
    return _as_version(asked, _planned(asked)[1], identifier, bump=bump)


def _refuse(asked: _Asked) -> None:
    """What cannot be meant is told before anything is fetched."""
    ways = [name for name, given in (("--plan", asked.plan), ("--all", asked.every)) if given]
    ways += ["--as-version-of"] if asked.as_version_of else []
    if len(ways) > 1:
        raise click.UsageError(f"{' and '.join(ways)} are different things: use one of them")
    if asked.every and asked.select:
        raise click.UsageError("--all and --select are different things: use one of them")
    if asked.bump and not asked.as_version_of:
        raise click.UsageError("--bump says how --as-version-of numbers the release; an import begins with 1.0.0")
    if not ways and not asked.select and not (_asks() and asked.form == "text"):
        raise click.UsageError("say what to import: --all, or --select NAME; see what there is with --plan")


def _asks() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _planned(asked: _Asked) -> tuple[Known, tuple[Row, ...]]:
    """Read the sources and compare them with the registry; what an earlier import left half-done is undone first."""
    from galleryctl import importers  # noqa: PLC0415 - on use
    from galleryctl.authoring import arriving  # noqa: PLC0415 - on use
    from galleryctl.importers import planning, trial  # noqa: PLC0415 - on use

    registry, fetcher = asked.registry, options.fetcher(allow_private=asked.allow_private)
    arriving.undo(registry)
    with options.progress("Reading models") as report:
        known = trial.known(registry, now=asked.now, jobs=asked.jobs, progress=report)
    if asked.type_ and asked.type_ not in known.loaded.types:
        raise click.UsageError(f"there is no type {asked.type_}; there are: {', '.join(known.loaded.types)}")
    wanted = importers.Options(publisher=_publisher(asked.publisher), digest=asked.digest, type=asked.type_)
    found = [entry for source in asked.sources for entry in _entries(source, fetcher, wanted)]
    return known, planning.plan(known, found)


def _publisher(name: str | None) -> str | None:
    from galleryctl.importers.naming import slug  # noqa: PLC0415 - on use

    if name is not None and slug(name) != name:
        meant = f", such as {slug(name)}" if slug(name) else ""
        raise click.UsageError(f"{name!r} is no publisher: write lower-case letters, digits and . _ -{meant}")
    return name


def _entries(source: str, fetcher: Fetcher, wanted: Options) -> Iterator[Candidate | Rejected]:
    from galleryctl import importers  # noqa: PLC0415 - on use

    reference = importers.reference(source, fetcher)
    with _counter(source) as count:
        for entry in importers.claim(reference).read(reference, fetcher, wanted):
            count()
            yield entry


@contextmanager
def _counter(source: str) -> Iterator[Callable[[], None]]:
    """Counts entries on standard error, where that is a terminal and it takes longer than a second."""
    from time import monotonic  # noqa: PLC0415 - on use

    start, shown, number = monotonic(), [0.0], itertools.count(1)

    def count() -> None:
        done, moment = next(number), monotonic()
        if sys.stderr.isatty() and moment - start > 1 and moment - shown[0] > 0.1:  # noqa: PLR2004 - as `progress`
            shown[0] = moment
            click.echo(f"\rReading {source}: {done:,} entries\x1b[K", err=True, nl=False)

    try:
        yield count
    finally:
        if shown[0]:
            click.echo("\r\x1b[K", err=True, nl=False)


def _chosen(asked: _Asked, rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows that are reported; of them the new ones are written."""
    from galleryctl import terminal  # noqa: PLC0415 - on use
    from galleryctl.importers.choosing import chosen  # noqa: PLC0415 - on use

    if asked.select:
        return chosen(rows, asked.select)
    if asked.plan or asked.every or not any(row.status == "new" for row in rows):
        return tuple(rows)
    picked = terminal.pick([_line(row, row.status) for row in rows])
    return tuple(rows[index] for index in picked)


def _tried(asked: _Asked, known: Known, rows: Sequence[Row]) -> Trial:
    """The files of the new rows, checked and, where that was asked for, scanned."""
    from galleryctl.importers import trial  # noqa: PLC0415 - on use

    with options.progress("Checking models") as report:
        made = trial.tried(asked.registry, known, rows, now=asked.now, jobs=asked.jobs, progress=report)
    if not asked.scan:
        return made
    from galleryctl.inspection import Asks  # noqa: PLC0415 - on use

    fetcher = options.fetcher(allow_private=asked.allow_private)
    asks = Asks(fetcher, options.hub(fetcher))
    with options.progress("Looking at files") as report:
        return trial.scanned(asked.registry, made, asks, now=asked.now, progress=report)


def _as_version(asked: _Asked, rows: Sequence[Row], identifier: str, *, bump: Part) -> int:
    """Write the newest release of the one candidate as the next release of a model that exists."""
    from galleryctl import report  # noqa: PLC0415 - on use
    from galleryctl.importers import trial  # noqa: PLC0415 - on use

    row = _single(asked, rows)
    if row.candidate is None:
        raise AssertionError("unreachable: a single row has a candidate")
    made, found = trial.added(
        asked.registry, identifier, row.candidate, now=asked.now, version=asked.version, bump=bump
    )
    problems = (*row.problems, *found)
    if asked.form == "json":
        shown = {"source": row.source, "at": row.at, "status": "imported", "id": made.id, "version": made.version}
        _dump([shown | {"path": made.paths[0], "problems": [report.as_json(problem) for problem in problems]}])
        return 0
    for path in made.paths:
        click.echo(path)
    _problems(problems, f"galleryctl check {made.paths[0]}")
    click.echo(f"{made.id} {made.version}, from {report.visible(row.source)}", err=True)
    return submitting.hand_in(asked.registry, made.paths, "", "", asked.now) or 0


def _single(asked: _Asked, rows: Sequence[Row]) -> Row:
    """The one candidate that is meant. That it exists is no hindrance: it is to be a release of what exists."""
    from dataclasses import replace  # noqa: PLC0415 - on use

    from galleryctl.importers.choosing import chosen  # noqa: PLC0415 - on use

    able = [replace(row, status="new") if row.status == "exists" else row for row in rows]
    meant = chosen(able, asked.select) if asked.select else able
    found = [row for row in meant if row.status == "new"]
    if len(found) == 1:
        return found[0]
    if not found:
        reasons = "; ".join(f"{row.source}: {row.reason}" for row in meant[:3]) or "it is empty"
        raise click.UsageError(f"the source has no model that could be a release: {reasons}")
    names = ", ".join(row.source for row in found[:5]) + (", …" if len(found) > 5 else "")  # noqa: PLR2004
    way = f"galleryctl import {asked.sources[0]} --as-version-of {asked.as_version_of} --select NAME"
    raise click.UsageError(f"the source has {len(found)} models, and one can be a release: {way}, of {names}")


# -- what is told


def _report(asked: _Asked, made: Trial) -> None:
    """All rows and their problems: as JSON alone, or as a table and a summary for people."""
    from galleryctl import report, terminal  # noqa: PLC0415 - on use

    if asked.form == "json":
        _dump([_as_json(asked, row, made) for row in made.rows])
        return
    terminal.arrivals([_line(row, _status(asked, row)) for row in made.rows])
    found = [problem for row in made.rows if row.status == "new" for problem in (*row.problems, *_of(row, made))]
    if not asked.plan:
        _problems(found + list(made.elsewhere), "galleryctl check")
    elif found:
        click.echo(f"{report.most(found, 0)}; --format json names every place", err=True)
    click.echo(_summary(asked, made, found), err=True)


def _status(asked: _Asked, row: Row) -> str:
    return "imported" if row.status == "new" and not asked.plan else row.status


def _of(row: Row, made: Trial) -> tuple[Problem, ...]:
    return made.problems.get(row.candidate.id, ()) if row.candidate and row.status == "new" else ()


def _as_json(asked: _Asked, row: Row, made: Trial) -> dict[str, Any]:
    from galleryctl import layout, report  # noqa: PLC0415 - on use

    status, path, kind = _status(asked, row), None, row.candidate.type if row.candidate else None
    if kind and row.id and status != "rejected":
        entry = made.loaded.gallery.by_id.get(row.id)
        kind = entry.outline.type if entry else kind
        path = f"{asked.registry.resolve().name}/{layout.folder(kind, row.id)}"
    return {
        "source": row.source,
        "at": row.at,
        "status": status,
        "id": row.id,
        "type": kind,
        "path": path,
        "reason": row.reason or None,
        "problems": [report.as_json(problem) for problem in (*row.problems, *_of(row, made))],
    }


def _dump(rows: list[dict[str, Any]]) -> None:
    from galleryctl import report  # noqa: PLC0415 - on use

    click.echo(report.dumped(rows), nl=False)


def _line(row: Row, status: str) -> Arrival:
    """A row for the eye."""
    from galleryctl.importers.planning import facts  # noqa: PLC0415 - on use
    from galleryctl.report import visible  # noqa: PLC0415 - on use
    from galleryctl.terminal import Arrival  # noqa: PLC0415 - on use

    if row.candidate is None:
        return Arrival(status, visible(row.source or row.at), reason=visible(f"{row.reason} ({row.at})"))
    title, size, formats = facts(row.candidate)
    return Arrival(
        status, row.candidate.id, row.candidate.type, visible(title), size, ", ".join(formats), visible(row.reason)
    )


def _problems(found: Sequence[Problem], command: str) -> None:
    """Each of a few problems, else how many each rule found, and the command that names each."""
    from galleryctl import checks, report  # noqa: PLC0415 - on use

    if many := report.most(found, _MOST):
        click.echo(f"{many}; {command} names every place", err=True)
    elif found:
        shown = report.problems(sorted(found), "text", checks.RULES, colour=sys.stderr.isatty())
        click.echo(shown, err=True, nl=False)


def _summary(asked: _Asked, made: Trial, found: Sequence[Problem]) -> str:
    from collections import Counter  # noqa: PLC0415 - on use

    from galleryctl import report  # noqa: PLC0415 - on use

    counts = Counter(_status(asked, row) for row in made.rows)
    words = ", ".join(f"{counts[word]:,} {word}" for word in ("new", "imported", "exists", "rejected") if counts[word])
    if not found and counts["rejected"] == len(made.rows) > 0:
        return words
    return f"{words or 'nothing chosen'}; {report.counted(found)}"
