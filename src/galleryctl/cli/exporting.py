"""The command that writes the native export of one runtime."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from galleryctl.cli import options

if TYPE_CHECKING:
    import datetime as dt


@click.command("export")
@click.argument("runtime")
@options.registry
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), help="Output folder; default is export/RUNTIME."
)
@options.head
@click.option(
    "--audience", default="public", show_default=True, help="Whom the export is for: public, a group, a person."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json tells every model, and what was left out of it.",
)
@options.now
@options.jobs
def export_command(
    runtime: str,
    registry: Path,
    out: Path | None,
    head: str | None,
    audience: str,
    form: str,
    now: dt.datetime,
    jobs: int,
) -> int:
    """Write what one runtime reads of the models, as `build` does below /runtimes/.

    RUNTIME is xinference, localai, vllm, llama.cpp, ollama, litellm, kserve, kubeflow or openai.

    Every model that can be read is exported; where the registry has errors, the exit code is 1.

    \b
    Example:
      galleryctl export xinference --out export
      galleryctl export localai --out export --format json
    """  # noqa: D301
    from galleryctl import building, checks, report  # noqa: PLC0415 - on use

    folder = out or Path("export") / runtime
    wanted = building.Wanted(
        registry.resolve(), folder, audience=audience, now=now, revision=head, jobs=options.processes(jobs)
    )
    with options.progress("Reading models") as reading, options.progress("Exporting models") as exporting:
        done = building.export(wanted, runtime, reading=reading, exporting=exporting)
    if form == "json":
        click.echo(report.exported(done), nl=False)
    refused = [problem for problem in done.errors if problem.code == "RUN006"]
    click.echo(report.problems(refused, "text", checks.RULES, colour=sys.stderr.isatty()), nl=False, err=True)
    if done.errors:
        count = len(done.errors)
        said = f"the registry has {count} error{'s' * (count != 1)}; galleryctl check --registry {registry} tells them"
        click.echo("not exported: report the errors above" if refused else said, err=True)
    if done.written is not None:
        models, left = len(done.exported), len({each for each, _ in done.left})
        said = f"{models:,} model{'s' * (models != 1)} exported, {left:,} left out in part or whole"
        said += " (--format json says why)" if left and form == "text" else ""
        click.echo(f"{folder}: {said}; {report.written(done.written)}", err=True)
    return 1 if done.errors else 0
