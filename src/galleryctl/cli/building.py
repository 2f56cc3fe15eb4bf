"""Commands that write a gallery."""

from __future__ import annotations

import datetime as dt
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from galleryctl.cli import options

if TYPE_CHECKING:
    from collections.abc import Callable

    from galleryctl.building import Done
    from galleryctl.fetch import Fetcher
    from galleryctl.index import Published
    from galleryctl.spec.review import Queue


@click.command("build")
@options.registry
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default="site",
    show_default=True,
    help="Output folder.",
)
@options.head
@click.option("--base", metavar="REV", help="Preview: merge --head into REV, with the settings and templates of REV.")
@click.option("--earlier", metavar="DIR|URL", help="The gallery as published last; `site` is the url of gallery.yaml.")
@options.allow_private
@click.option(
    "--review",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Open pull requests, as `review queue --format json` has them.",
)
@click.option(
    "--include",
    multiple=True,
    type=click.Choice(["unlisted"]),
    help="For who keeps the gallery: lists show withdrawn models too.",
)
@click.option(
    "--audience", default="public", show_default=True, help="Whom the gallery is for: public, a group, a person."
)
@options.now
@options.jobs
def build_command(  # noqa: PLR0913 - one parameter for each option
    registry: Path, out: Path, head: str | None, base: str | None, earlier: str | None, review: Path | None,
    include: tuple[str, ...], *, audience: str, now: dt.datetime, jobs: int, allow_private: bool,
) -> int:  # fmt: skip
    """Build the gallery and its index. Only what changed is rendered; a registry with errors is not built.

    Where the output folder is a new one, --earlier names the gallery that was published last: serial, deltas and what
    readers may still ask for go on from there, verified where the registry has a `trust`. A host that does not answer
    stops the build; one that never had a gallery is the beginning.

    \b
    Example:
      galleryctl build --out site
      galleryctl build --head origin/main --out site
      galleryctl build --earlier https://models.example.org --out site
      galleryctl build --base origin/main --head HEAD --out preview
      galleryctl build --review review.json --include unlisted --out admin
    """  # noqa: D301
    from time import perf_counter  # noqa: PLC0415 - on use

    from galleryctl import building  # noqa: PLC0415 - on use

    start = perf_counter()
    wanted = building.Wanted(
        registry.resolve(), out, audience=audience, now=now, revision=head, jobs=options.processes(jobs), base=base,
        earlier=earlier, queue=_queue(review), include=frozenset(include),
    )  # fmt: skip
    fetcher = options.fetcher(allow_private=allow_private) if earlier else None
    reader = _reader(wanted.registry, fetcher)
    with options.progress("Reading models") as reading, options.progress("Writing files") as writing:
        done = building.build(wanted, fetcher=fetcher, reader=reader, reading=reading, writing=writing)
    text = _outcome(done, perf_counter() - start, f"{out}: ", f"{out} is as it was")
    click.echo(text + _unsigned(done), err=True)
    return 1 if done.written is None else 0


def _reader(registry: Path, fetcher: Fetcher | None) -> Callable[[str], Published | None] | None:
    """Holds what was published last to the keys of the registry; none where it names none."""
    trust = registry / "trust"
    if fetcher is None or not any(trust.glob("*.root.json")):
        return None
    from galleryctl import signing  # noqa: PLC0415 - on use

    return partial(signing.published, trust=trust, fetcher=fetcher)


def _unsigned(done: Done) -> str:
    """What is missing to a gallery that was built: its signature, or one of the new head."""
    from galleryctl import layout  # noqa: PLC0415 - on use

    if done.written is None or (done.signed and layout.CATALOG not in done.written.new):
        return ""
    return "; sign it again: galleryctl sign" if done.signed else "; unsigned: galleryctl sign"


def _queue(file: Path | None) -> Queue | None:
    from pydantic import ValidationError  # noqa: PLC0415 - on use

    from galleryctl.spec.base import first_fault  # noqa: PLC0415 - on use
    from galleryctl.spec.review import Queue  # noqa: PLC0415 - on use

    if file is None:
        return None
    try:
        return Queue.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise click.BadParameter(f"there is no {file}; `galleryctl review queue --format json` writes one") from None
    except ValidationError as error:
        raise click.BadParameter(
            f"{file} is no queue: {first_fault(error)}; `galleryctl review queue --format json` writes one"
        ) from error


def _outcome(done: Done, seconds: float, start: str, otherwise: str) -> str:
    """What came of a build, for a person: `start` begins the line of success, `otherwise` ends that of failure."""
    from galleryctl import checks, report  # noqa: PLC0415 - on use

    if done.written is not None:
        return f"{start}{report.written(done.written)} in {seconds:.1f} s"
    errors = report.problems(done.errors, "text", checks.RULES, colour=sys.stderr.isatty())
    return f"{errors}not built: {report.summary(done.errors, done.models)}; {otherwise}"


@click.command("serve")
@options.registry
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), help="Output folder; default is a temporary one."
)
@click.option(
    "--port", "-p", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one."
)
@options.jobs
def serve_command(registry: Path, out: Path | None, port: int, jobs: int) -> int:
    """Build, serve on this machine only, and rebuild and reload the page on every change.

    \b
    Example:
      galleryctl serve
    """  # noqa: D301
    from galleryctl import serve  # noqa: PLC0415 - on use

    def describe(done: Done, seconds: float) -> str:
        return _outcome(done, seconds, f"{dt.datetime.now().astimezone():%H:%M:%S}  ", "the last good gallery stays up")

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended like Ctrl-C: the temporary folder goes
    try:
        return serve.run(
            registry.resolve(),
            out,
            port=port,
            jobs=options.processes(jobs),
            say=lambda text: click.echo(text, err=True),
            describe=describe,
        )
    finally:
        signal.signal(signal.SIGTERM, before)


@click.command("schema")
@click.option("--check", is_flag=True, help="Only say which files differ; exit code 1 if any does.")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default="schemas",
    show_default=True,
    help="Folder of the schemas.",
)
def schema_command(out: Path, *, check: bool) -> int:
    """Write the JSON Schemas that are generated from the types, or check that they are current.

    \b
    Example:
      galleryctl schema
      galleryctl schema --check
    """  # noqa: D301
    from galleryctl import checks, report, schemas  # noqa: PLC0415 - on use

    if check:
        found = schemas.check(out)
        click.echo(report.problems(found, "text", checks.RULES), nl=False)
        return int(bool(found))
    changed = schemas.write(out)
    click.echo("\n".join(changed) if changed else "schemas are current", err=True)
    return 0
