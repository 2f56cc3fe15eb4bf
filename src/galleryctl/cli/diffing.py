"""The command that tells what is between two revisions."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from galleryctl.cli import options

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path


@click.command("diff")
@click.argument("base", callback=options.named)
@click.argument("head", required=False, callback=options.named)
@options.registry
@click.option("--direct", is_flag=True, help="Compare HEAD itself, not what merging it into BASE would make.")
@click.option("--effects", "effective", is_flag=True, help="Also tell what runtimes and services would see.")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@options.now
@options.jobs
def diff_command(
    base: str, head: str | None, registry: Path, *, direct: bool, effective: bool, form: str, now: dt.datetime,
    jobs: int,
) -> int:  # fmt: skip
    """Tell what changes from BASE to HEAD, in words: definitions are compared, not their texts.

    Without HEAD the files on disk are compared. HEAD is merged into BASE first, as git would do it and without a
    checkout, so that a branch that is behind undoes nothing; --direct compares two revisions as they are.

    With --effects exports of the changed models are made from both sides, and pins of services are followed.

    \b
    Example:
      galleryctl diff origin/main
      galleryctl diff origin/main my-branch --effects
      galleryctl diff v1.0 v1.1 --direct --format markdown
    """  # noqa: D301
    from galleryctl import report  # noqa: PLC0415 - on use
    from galleryctl.loading import comparing  # noqa: PLC0415 - on use
    from galleryctl.reviewing import differences  # noqa: PLC0415 - on use

    if direct and head is None:
        raise click.UsageError("--direct compares two revisions: name HEAD too")
    folder = registry.resolve()
    with options.progress("Reading models") as progress:
        compared = comparing.compare(
            folder.parent, folder.name, base=base, head=None if direct else head, merged=head if direct else None,
            now=now, jobs=options.processes(jobs), progress=progress,
        )  # fmt: skip
    effects = None
    if effective:
        from galleryctl.reviewing import effects as reviewing_effects  # noqa: PLC0415 - on use

        effects = reviewing_effects.of(compared.comparison, jobs=options.processes(jobs))
    found = compared.changes
    if form == "json":
        limits = compared.comparison.base.context.policy.limits
        rows = differences.as_json(found, compared.tree, folder.name, limits)
        click.echo(report.dumped({"changes": rows, "effects": asdict(effects)} if effects else rows), nl=False)
    elif form == "markdown":
        click.echo(differences.markdown(found, effects), nl=False)
    else:
        from galleryctl.terminal.differences import sections  # noqa: PLC0415 - on use

        sections(differences.sections(found, effects) if found else ())
        click.echo(differences.summary(found), err=bool(found))
    return 0
