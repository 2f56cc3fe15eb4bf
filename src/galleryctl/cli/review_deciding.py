"""Commands of whoever reviews: look at a pull request, approve it, or ask for changes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from galleryctl.cli import forging, options
from galleryctl.cli.review_queue import screen
from galleryctl.cli.review_sweep import clone, judges

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from galleryctl.forge import PullRequest
    from galleryctl.reviewing.comment import Links, Report
    from galleryctl.reviewing.deciding import Counts
    from galleryctl.reviewing.fetching import Clone
    from galleryctl.reviewing.judging import Judged
    from galleryctl.spec.review import Pull

_SHORTEST = 7  # digits of a commit that name one
_number = click.argument("number", type=click.IntRange(1))
_head = click.option(
    "--head", callback=options.named, metavar="COMMIT", help="The commit that you looked at; refuse if it is another."
)
_yes = click.option("--yes", "-y", is_flag=True, help="Ask nothing.")


class _Looked(NamedTuple):
    """Something proposed, judged as it is now; without a pull request where no forge was asked."""

    judged: Judged
    recorded: Pull
    links: Links
    pull: PullRequest | None = None


def _look(place: Clone, number: int, judge: str | None = None) -> _Looked:
    """A pull request of the forge."""
    from galleryctl.reviewing import fetching, merging, sweep  # noqa: PLC0415 - on use

    pull = place.forge.pull(number)
    if pull.base != place.branch:
        raise click.UsageError(f"#{number} goes into {pull.base}: only what goes into {place.branch} is judged")
    onto = fetching.base(place)
    fetching.heads(place, [pull])
    found = sweep.facts(place.forge, pull)
    wrote = [mark.by for mark in found.marks if mark.by and (judge is None or merging.Account(judge).wrote(mark))]
    recorded = found.recorded(wrote[-1] if wrote else place.forge.me())
    return _Looked(fetching.judge(place, onto, pull, recorded), recorded, fetching.links(place, onto), pull)


def _compare(
    registry: Path, base: str, head: str, actor: str | None, *, now: dt.datetime, ledgers: tuple[str, ...], jobs: int
) -> _Looked:
    """Two revisions that are here."""
    from galleryctl.reviewing import fetching, judging, recorded  # noqa: PLC0415 - on use
    from galleryctl.reviewing.comment import Links  # noqa: PLC0415 - on use
    from galleryctl.spec.review import Login, Pull  # noqa: PLC0415 - on use

    folder = registry.resolve()
    found = fetching.at(folder, base)
    author = recorded.account(actor, found.roles) if actor else Login(id=0, login="somebody")
    known = Pull(author=author)
    judged = judging.judge(
        folder.parent, folder.name, base=base, head=head, pull=known, now=now, jobs=options.processes(jobs),
        ledger=options.published(ledgers, registry, base),
    )  # fmt: skip
    settings = found.settings
    return _Looked(judged, known, Links(settings.repository or "", settings.url, settings.branch))


@click.command("show")
@click.argument("number", type=click.IntRange(1), required=False)
@options.registry
@forging.repo
@click.option("--base", callback=options.named, metavar="REV", help="Without a forge: what it would be merged into.")
@click.option("--head", callback=options.named, metavar="REV", help="Without a forge: its newest commit.")
@click.option("--actor", metavar="LOGIN|ID", help="Without a forge: who proposes it.")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@judges
@options.ledger
@options.now
@options.jobs
def review_show_command(  # noqa: PLR0913 - one parameter for each option
    number: int | None, registry: Path, repo: str | None, base: str | None, head: str | None, actor: str | None,
    form: str, *, judge: str | None, ledgers: tuple[str, ...], now: dt.datetime, jobs: int,
) -> int:  # fmt: skip
    """Show a pull request as its reviewers have to know it.

    Whose turn it is, what changes, what is wrong and who approves; each value before and after; licences, security and
    sizes; what each runtime's export and each service would see. Nothing of it is checked out or run.

    With --base and --head it looks at two revisions, and needs no forge.

    \b
    Example:
      galleryctl review show 12
      galleryctl review show 12 --format markdown
      galleryctl review show --base origin/main --head my-branch
    """  # noqa: D301
    from galleryctl import report  # noqa: PLC0415 - on use
    from galleryctl.reviewing import effects, showing  # noqa: PLC0415 - on use

    if (number is None) == (base is None and head is None) or (base is None) != (head is None):
        raise click.UsageError("what to show? A NUMBER, or --base REV and --head REV")
    if number is not None:
        looked = _look(clone(registry, repo, now=now, ledgers=ledgers, jobs=jobs), number, judge)
    elif base is not None and head is not None:
        looked = _compare(registry, base, head, actor, now=now, ledgers=ledgers, jobs=jobs)
    else:
        raise AssertionError("unreachable: one of both is given")
    reached = effects.of(looked.judged.compared.comparison, jobs=options.processes(jobs))
    found = showing.models(looked.judged, reached)
    if form == "json":
        about = {"pull": _about(looked.pull)} if looked.pull else {}
        click.echo(report.dumped(about | showing.as_json(looked.judged, reached, found)), nl=False)
    elif form == "markdown":
        told = showing.markdown(looked.judged, reached, found, _report(looked), looked.links, at=now)
        click.echo(told, nl=False)
    else:
        _print(looked, now)
        from galleryctl.terminal.differences import sections  # noqa: PLC0415 - on use

        click.echo()
        sections(showing.sections(looked.judged, reached, found))
    return 0


def _report(looked: _Looked) -> Report:
    from galleryctl.reviewing.comment import Report  # noqa: PLC0415 - on use

    pull = looked.pull
    return Report(
        looked.judged.verdict,
        number=pull.number if pull else 0,
        author=looked.recorded.author.login,
        head=looked.judged.head,
        branch=pull.branch if pull else "",
        conflicts=looked.judged.conflicts,
    )


def _about(pull: PullRequest) -> dict[str, object]:
    return {
        "number": pull.number,
        "title": pull.title,
        "url": pull.url,
        "author": pull.author.login,
        "head": pull.head,
        "draft": pull.draft,
    }


def _print(looked: _Looked, now: dt.datetime) -> None:
    """The verdict, below the title."""
    from galleryctl import report  # noqa: PLC0415 - on use
    from galleryctl.reviewing import telling  # noqa: PLC0415 - on use

    width, colour = screen()
    if pull := looked.pull:
        click.echo(report.visible(f"#{pull.number} {pull.title}, by {pull.author.login} at {pull.head[:7]}"))
    touched, author = looked.judged.compared.comparison.touched, looked.recorded.author.login
    verdict = telling.verdict(
        looked.judged.verdict, author=author, now=now, touched=touched, width=width, colour=colour
    )
    click.echo(verdict, nl=False)


@click.command("approve")
@_number
@options.registry
@forging.repo
@_head
@click.option("--reason", metavar="TEXT", help="What the review says; an override needs it.")
@click.option("--override", metavar="CODE", help="Set an error of this rule aside; shown to all, with its reason.")
@_yes
@judges
@options.now
@options.jobs
def review_approve_command(  # noqa: PLR0913 - one parameter for each option
    number: int, registry: Path, repo: str | None, head: str | None, reason: str | None, override: str | None,
    judge: str | None, *, yes: bool, now: dt.datetime, jobs: int,
) -> int:  # fmt: skip
    """Approve a pull request at the commit that is shown, and say beforehand whether that counts.

    Rights are those of roles.yaml in the base branch. A push makes the approval void.

    \b
    Example:
      galleryctl review approve 12
      galleryctl review approve 12 --override IDN010 --reason "They are the same team."
    """  # noqa: D301
    from galleryctl.reviewing import deciding  # noqa: PLC0415 - on use

    said = deciding.worded(reason or "", override or "")
    place = clone(registry, repo, now=now, jobs=jobs)
    looked = _look(place, number, judge)
    counts = deciding.approving(looked.judged, looked.recorded, place.forge.me(), said, now=now)
    return _decide(place, looked, counts, said, head, approve=True, yes=yes)


@click.command("reject")
@_number
@options.registry
@forging.repo
@_head
@click.option("--reason", required=True, metavar="TEXT", help="What has to change: the author reads it.")
@_yes
@judges
@options.now
@options.jobs
def review_reject_command(  # noqa: PLR0913 - one parameter for each option
    number: int, registry: Path, repo: str | None, head: str | None, reason: str, judge: str | None, *,
    yes: bool, now: dt.datetime, jobs: int,
) -> int:  # fmt: skip
    """Ask for changes, with a reason. By somebody with a say in it, that stops the pull request.

    \b
    Example:
      galleryctl review reject 12 --reason "The licence does not allow this."
    """  # noqa: D301
    from galleryctl.reviewing import deciding  # noqa: PLC0415 - on use

    if not reason.strip():
        raise click.UsageError("say what has to change: --reason is empty")
    place = clone(registry, repo, now=now, jobs=jobs)
    looked = _look(place, number, judge)
    counts = deciding.rejecting(looked.judged, looked.recorded, place.forge.me(), reason, now=now)
    return _decide(place, looked, counts, reason, head, approve=False, yes=yes)


def _decide(
    place: Clone, looked: _Looked, counts: Counts, said: str, head: str | None, *, approve: bool, yes: bool
) -> int:
    """Show what is about to be decided, ask on a terminal, and hand it in."""
    from galleryctl.reviewing import deciding  # noqa: PLC0415 - on use

    pull = looked.pull
    if pull is None:
        raise AssertionError("unreachable: it was looked at on the forge")
    if pull.state != "open":
        raise click.UsageError(f"#{pull.number} is {pull.state}: there is nothing to decide")
    if head is not None and not (len(head) >= _SHORTEST and pull.head.startswith(head.lower())):
        raise click.UsageError(f"its newest commit is {pull.head[:7]}, not {head}: look at it again")
    if pull.author.id == place.forge.me().id:
        raise click.UsageError(f"#{pull.number} is yours: the forge takes no review of one's own")
    _print(looked, place.now)
    click.echo(f"\n{counts.said}", err=True)
    verb = "Approve" if approve else "Ask for changes in"
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not yes
    if asks and not click.confirm(f"{verb} #{pull.number} at {pull.head[:7]}?", err=True):
        click.echo("nothing was decided", err=True)
        return 1
    deciding.hand_in(place.forge, pull, approve=approve, said=said)
    click.echo(f"#{pull.number} {'approved' if approve else 'sent back'} at {pull.head[:7]}", err=True)
    return 0
