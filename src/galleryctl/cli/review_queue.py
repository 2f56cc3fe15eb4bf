"""`review queue`: what waits, for whom and since when."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from galleryctl.cli import forging, options
from galleryctl.cli.review_sweep import clone, judges

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from galleryctl.forge import Mark
    from galleryctl.reviewing.fetching import Clone
    from galleryctl.spec.review import Login, Queue

ROLES = ("author", "owner", "reviewer", "steward", "clearance", "admin", "clock", "us")


@click.command("queue")
@options.registry
@forging.repo
@click.option("--role", type=click.Choice(ROLES), help="Only what waits for this role.")
@click.option("--me", is_flag=True, help="Only what waits for you.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write it to a file, for build --review.")  # fmt: skip
@judges
@options.now
def review_queue_command(
    registry: Path, repo: str | None, role: str | None, form: str, out: Path | None, judge: str | None, *,
    me: bool, now: dt.datetime,
) -> int:  # fmt: skip
    """List open pull requests: what waits on reviewers first, the longest wait on top.

    It shows what the last sweep found and judges nothing. As a file it is what `build --review` makes a page of.

    \b
    Example:
      galleryctl review queue --me
      galleryctl review queue --role steward
      galleryctl review queue --format json --out review.json
    """  # noqa: D301
    from galleryctl import output, report  # noqa: PLC0415 - on use
    from galleryctl.reviewing import listing, queue  # noqa: PLC0415 - on use

    place = clone(registry, repo, now=now)
    whole = _queue(place, judge, counted=form == "json" or out is not None)
    person = _me(place) if me else ""
    chosen = queue.chosen(whole, role=role or "", person=person)
    if form == "json" or out is not None:
        text = report.dumped(chosen.model_dump(mode="json", exclude_none=True))
    else:
        width, colour = screen()
        text = listing.queue(chosen, width=width, colour=colour)
    if out is None:
        click.echo(text, nl=False)
    elif output.replace(out, text):
        click.echo(f"{out}: {len(chosen.pulls)} pull request{'' if len(chosen.pulls) == 1 else 's'}", err=True)
    return 0


def _queue(place: Clone, judge: str | None, *, counted: bool) -> Queue:
    """What is open. First answers are counted where they are wanted: that is many calls."""
    from galleryctl.reviewing import fetching, queue, sweep  # noqa: PLC0415 - on use

    forge, waits, rows = place.forge, [], []
    account: Login | None = None
    for pull in forge.pulls(base=place.branch):
        account = account or _judge(forge.marks(pull.head, sweep.CONTEXT), judge)
        notes = forge.notes(pull.number)
        own = queue.ours(notes, account) if account else []
        rows.append(queue.listed(pull, own[-1] if own else None))
        if counted:
            waits.append(queue.wait(pull, forge.reviews(pull.number), forge.remarks(pull.number)))
    if counted:
        waits += sweep.closed(forge, place.branch, now=place.now)
    answers = queue.answers(sweep.recent(waits, now=place.now))
    return queue.queue(rows, now=place.now, target=int(fetching.TARGET.total_seconds()), answers=answers)


def _judge(marks: Sequence[Mark], judge: str | None) -> Login | None:
    """Whose comments tell: the account that is named, else who wrote the last verdict. Only shown, never believed."""
    from galleryctl.reviewing.merging import Account  # noqa: PLC0415 - on use

    wrote = [mark.by for mark in marks if mark.by is not None and (judge is None or Account(judge).wrote(mark))]
    return wrote[-1] if wrote else None


def _me(place: Clone) -> str:
    """The name in `roles.yaml` of whoever asks."""
    from galleryctl.reviewing import fetching  # noqa: PLC0415 - on use

    me = place.forge.me()
    for name, person in fetching.at(place.registry, "HEAD").roles.people.items():
        if person.github.id == me.id:
            return name
    raise click.UsageError(f"roles.yaml does not know {me.login}, account {me.id}: nothing can wait for you")


def screen() -> tuple[int, bool]:
    """Columns of standard output, and whether it shows colours."""
    from shutil import get_terminal_size  # noqa: PLC0415 - on use

    from galleryctl.reviewing.telling import ENDLESS  # noqa: PLC0415 - on use

    return (get_terminal_size().columns, True) if sys.stdout.isatty() else (ENDLESS, False)
