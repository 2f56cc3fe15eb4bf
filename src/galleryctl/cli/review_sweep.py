"""Commands that write on the forge for all to see: verdicts, and merges that they allow."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from galleryctl.cli import forging, options

if TYPE_CHECKING:
    import datetime as dt

    from galleryctl.forge import Forge, PullRequest
    from galleryctl.reviewing.comment import Links
    from galleryctl.reviewing.fetching import Clone
    from galleryctl.reviewing.sweep import Swept

_SUMMARY = 900 * 1024  # bytes
judges = click.option(
    "--judge", metavar="LOGIN|ID", help="Account whose verdicts count; that of the token unless given."
)


def clone(registry: Path, repo: str | None, *, now: dt.datetime, ledgers: tuple[str, ...] = (), jobs: int = 0) -> Clone:
    """The registry and its forge, by the options of a command."""
    from galleryctl.reviewing.fetching import Clone  # noqa: PLC0415 - on use

    return Clone(
        registry=registry.resolve(),
        forge=forging.forge(registry, repo),
        branch=forging.settings(registry).branch,
        now=now,
        token=forging.token(),
        ledger=options.published(ledgers, registry, "HEAD"),
        jobs=options.processes(jobs),
    )


@click.command("sweep")
@click.argument("numbers", nargs=-1, type=click.IntRange(1), metavar="[NUMBER]...")
@options.registry
@forging.repo
@click.option("--head", callback=options.named, metavar="COMMIT", help="Only pull requests with this head.")
@click.option("--preview", metavar="URL", help="Address of a preview to link, of one pull request.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the queue, for build --review.")  # fmt: skip
@options.ledger
@options.now
@options.jobs
def review_sweep_command(  # noqa: PLR0913 - one parameter for each option
    numbers: tuple[int, ...], registry: Path, repo: str | None, head: str | None, preview: str | None,
    out: Path | None, ledgers: tuple[str, ...], *, now: dt.datetime, jobs: int,
) -> int:  # fmt: skip
    """Judge open pull requests, and show each its verdict: status, labels, one comment, requests for review.

    NUMBERs limit it to these. It fetches heads as git objects and checks nothing out. Run again, it writes only what
    differs. What fails on our side is said in the pull request, and exit code 3 tells of it.

    \b
    Example:
      galleryctl review sweep
      galleryctl review sweep 12 --ledger site
      galleryctl review sweep --out review.json
    """  # noqa: D301
    from galleryctl import report  # noqa: PLC0415 - on use
    from galleryctl.reviewing import fetching, sweep  # noqa: PLC0415 - on use

    if out is not None and (numbers or head):
        raise click.UsageError("--out writes the queue of all pull requests: leave NUMBER and --head away")
    place = clone(registry, repo, now=now, ledgers=ledgers, jobs=jobs)
    onto = fetching.base(place)
    pulls = _pulls(place.forge, place.branch, numbers, head)
    if head is not None and not pulls:
        return _group(place, head)
    fetching.heads(place, [pull for pull in pulls if pull.base == place.branch])
    desk = fetching.desk(place, onto, place.forge.me(), preview=preview or "")
    done = sweep.sweep(desk, pulls)
    for pull in sorted(done.pulls, key=lambda each: each.number):
        click.echo(report.visible(f"#{pull.number} turn {pull.turn}, lane {pull.lane}: {pull.why}"))
    for number, reason in sorted(done.failed.items()):
        click.echo(report.visible(f"#{number} failed on our side: {reason}"), err=True)
    _summarise(done, desk.links, now)
    if out is not None:
        _write(place, done, out)
    counted = f"{len(done.pulls)} pull request{'' if len(done.pulls) == 1 else 's'} judged"
    click.echo(counted + (f", {len(done.failed)} failed" if done.failed else ""), err=True)
    return 3 if done.failed else 0


def _summarise(done: Swept, links: Links, now: dt.datetime) -> None:
    """Inside a workflow: every verdict whole, where comments are cut. GitHub drops summaries of over a megabyte."""
    from galleryctl.reviewing import comment  # noqa: PLC0415 - on use

    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    left = _SUMMARY
    with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
        for number, report in enumerate(done.reports):
            text = f"## #{report.number}\n\n{comment.whole(report, links, at=now)}\n"
            left -= len(text.encode("utf-8", "backslashreplace"))
            if left < 0:
                file.write(f"and {len(done.reports) - number} more: `galleryctl review show NUMBER` has each\n")
                return
            file.write(text)


def _group(place: Clone, head: str) -> int:
    """A commit that is no head may be one of the merge queue."""
    from galleryctl import report  # noqa: PLC0415 - on use
    from galleryctl.reviewing import grouping  # noqa: PLC0415 - on use

    group = grouping.find(place, head)
    if group is None:
        click.echo(report.visible(f"no open pull request has the head {head}"), err=True)
        return 0
    state, said = grouping.judge(place, group, place.forge.me())
    click.echo(report.visible(f"merge queue, {state}: {said}"))
    return 0


def _write(place: Clone, done: Swept, out: Path) -> None:
    """The queue; of what could not be judged it says what was known."""
    from galleryctl import output, report  # noqa: PLC0415 - on use
    from galleryctl.reviewing import fetching, queue, sweep  # noqa: PLC0415 - on use

    missing = []
    for number in done.failed:
        own = queue.ours(place.forge.notes(number), place.forge.me())
        missing.append(queue.listed(place.forge.pull(number), own[-1] if own else None))
    pulls = [pull for pull in done.pulls if pull.number not in done.failed]
    waits = sweep.recent([*done.waits, *sweep.closed(place.forge, place.branch, now=place.now)], now=place.now)
    target = int(fetching.TARGET.total_seconds())
    whole = queue.queue([*pulls, *missing], now=place.now, target=target, answers=queue.answers(waits))
    output.replace(out, report.dumped(whole.model_dump(mode="json", exclude_none=True)))


def _pulls(forge: Forge, branch: str, numbers: tuple[int, ...], head: str | None) -> list[PullRequest]:
    """What is meant, with all others into the default branch that share a head: they share the status."""
    if head is not None:
        return list(forge.by_head(head))
    if not numbers:
        return list(forge.pulls(base=branch))
    chosen = [forge.pull(number) for number in numbers]
    for pull in chosen:
        if pull.state != "open":
            raise click.UsageError(f"pull request {pull.number} is {pull.state}: there is nothing to judge")
    found = {pull.number: pull for pull in chosen}
    for pull in chosen:
        found |= {each.number: each for each in forge.by_head(pull.head) if each.base == branch}
    return list(found.values())


@click.command("merge")
@click.argument("number", required=False, type=click.IntRange(1))
@options.registry
@forging.repo
@click.option("--ready", is_flag=True, help="All that may be merged by itself, oldest first.")
@judges
@options.ledger
@options.now
@options.jobs
def review_merge_command(
    number: int | None, registry: Path, repo: str | None, judge: str | None, ledgers: tuple[str, ...], *,
    ready: bool, now: dt.datetime, jobs: int,
) -> int:  # fmt: skip
    """Merge what its verdict allows, and only the commit that was judged.

    What counts is the last status of the head, written by our own account. Where the base has moved since, the pull
    request is judged again first. Lane governance is merged one by one, never with --ready.

    \b
    Example:
      galleryctl review merge 12
      galleryctl review merge --ready --judge "galleryctl[bot]"
    """  # noqa: D301
    from galleryctl import report  # noqa: PLC0415 - on use
    from galleryctl.reviewing import merging  # noqa: PLC0415 - on use

    if (number is None) != ready:
        raise click.UsageError("which pull request? Give its NUMBER, or --ready for all that may be merged")
    place = clone(registry, repo, now=now, ledgers=ledgers, jobs=jobs)
    account = merging.Account(judge or str(place.forge.me().id))
    outcomes = [merging.one(place, account, number)] if number else list(merging.ready(place, account))
    for each in outcomes:
        word = "" if each.merged else "not merged: "
        click.echo(report.visible(f"#{each.number} {word}{each.said}"), err=not each.merged)
    if not outcomes:
        sys.stderr.write("nothing is ready to be merged\n")
    if any(each.failed for each in outcomes):
        return 3
    return int(number is not None and not outcomes[0].merged)
