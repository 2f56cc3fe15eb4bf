"""Commands of contributors that speak to the forge: hand in, and look how it stands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galleryctl.cli import forging, options

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from galleryctl.forge import Forge
    from galleryctl.reviewing.submitting import Looked, Wanted


@click.command("submit")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@options.registry
@forging.repo
@click.option("--title", metavar="TEXT", help="Title of the pull request; said by the changes unless given.")
@click.option("--why", metavar="TEXT", default="", help="For the reviewers, in Markdown.")
@click.option("--branch", metavar="NAME", default="", help="Branch to make or to go on with.")
@click.option("--accept", is_flag=True, help="Accept the agreements that policy.yaml asks for.")
@click.option("--draft", is_flag=True, help="Open it although it has errors, to ask for help.")
@click.option("--replace", is_flag=True, help="Replace the branch there: its history was written anew here.")
@click.option("--dry-run", is_flag=True, help="Only say what would be handed in.")
@options.now
@options.jobs
def submit_command(  # noqa: PLR0913 - one parameter for each option
    paths: tuple[Path, ...], registry: Path, repo: str | None, *, title: str | None, why: str, branch: str,
    accept: bool, draft: bool, replace: bool, dry_run: bool, now: dt.datetime, jobs: int,
) -> int:  # fmt: skip
    """Hand in what you changed: branch, commit with sign-off, push, pull request. Again, and the open one is updated.

    What differs from the default branch is checked first; errors stop it. PATHS limit what is committed. Without the
    right to push it goes through a fork of yours. The token comes from the variable GALLERYCTL_TOKEN, GITHUB_TOKEN or
    GH_TOKEN.

    \b
    Example:
      galleryctl submit
      galleryctl submit registry/models/llm/acme/tiny --why "Asked for in #12."
      galleryctl submit --dry-run
    """  # noqa: D301
    from galleryctl.reviewing import submitting  # noqa: PLC0415 - on use

    folder = registry.resolve()
    wanted = submitting.Wanted(
        folder, now, _relative(paths, folder), title or "", why, branch, draft=draft, agreed=accept, replace=replace,
        jobs=options.processes(jobs),
    )  # fmt: skip
    return handed_in(forging.forge(registry, repo), wanted, registry, dry_run=dry_run)


def handed_in(forge: Forge, wanted: Wanted, registry: Path, *, dry_run: bool = False) -> int:
    """Look, say what was found, and hand it in."""
    from galleryctl.reviewing import submitting  # noqa: PLC0415 - on use

    base, secret = forging.settings(registry).branch, forging.token()
    if wanted.agreed and not dry_run:  # it writes them into files
        _accept(wanted, base, forge, secret)
    looked = submitting.look(forge, wanted, base=base, token=secret)
    _say(looked)
    if looked.errors and not wanted.draft:
        click.echo("not handed in: mend the errors first, or ask for help with --draft", err=True)
        return 1
    if dry_run:
        click.echo("nothing was handed in: that was --dry-run", err=True)
        return 0
    done = submitting.submit(forge, wanted, looked, token=secret)
    click.echo(done.pull.url)
    said = "opened" if done.created else "updated"
    click.echo(f"{said} pull request {done.pull.number} from {done.repository}, branch {done.branch}", err=True)
    for page in _pages(looked, registry):
        click.echo(f"after the merge: {page}", err=True)
    click.echo("\nNext:\n  galleryctl status   whose turn it is, and what is missing", err=True)
    return 0


def _relative(paths: Sequence[Path], folder: Path) -> tuple[str, ...]:
    found = []
    for path in paths:
        whole = path.resolve()
        if not whole.is_relative_to(folder):
            raise click.UsageError(f"{path} is not in the registry {folder.name}: only its files are handed in")
        found.append(whole.relative_to(folder.parent).as_posix())
    return tuple(found)


def _accept(wanted: Wanted, base: str, forge: Forge, secret: str | None) -> None:
    """Write the agreements that policy asks for into the models that are new or have a new release."""
    from galleryctl.reviewing import submitting  # noqa: PLC0415 - on use

    asked, models = submitting.agreements(forge, wanted, base=base, token=secret)
    if not asked:
        click.echo("policy.yaml asks for no agreement", err=True)
        return
    names = " and ".join(f"the {name} agreement, version {number}" for name, number in sorted(asked.items()))
    click.echo(f"you accept {names}, for {', '.join(models) or 'nothing new'}", err=True)


def _say(looked: Looked) -> None:
    """What would be handed in, and what was found."""
    from galleryctl import checks, report  # noqa: PLC0415 - on use
    from galleryctl.changes import wording  # noqa: PLC0415 - on use
    from galleryctl.problems import Severity  # noqa: PLC0415 - on use

    click.echo(click.style(looked.title, bold=True), err=True)
    groups = list(wording.grouped(looked.compared.changes))
    for heading, found in groups[:20]:
        click.echo(f"  {heading}: {wording.summary(found)}", err=True)
    if groups[20:]:
        click.echo(f"  and {len(groups) - 20} more", err=True)
    problems = [problem for problem in looked.compared.problems if problem.severity is not Severity.NOTE]
    if problems:
        click.echo(report.problems(problems, "text", checks.RULES, colour=sys.stderr.isatty()), err=True, nl=False)


def _pages(looked: Looked, registry: Path) -> list[str]:
    """Where what is handed in will be seen."""
    from galleryctl import layout  # noqa: PLC0415 - on use

    site = forging.settings(registry).url.rstrip("/")
    kinds = dict.fromkeys(change.type for change in looked.compared.changes if change.type)
    return [f"{site}/{layout.address(layout.type_page(kind))}" for kind in kinds][:3]


_ASKED = "galleryctl.submit"


def _ready(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001, FBT001 - click's signature
    """Find out that the forge cannot be spoken to before anything is changed."""
    if value and not ctx.resilient_parsing:
        ctx.meta[_ASKED] = forging.forge(ctx.params.get("registry") or Path("registry"), None)


submit = click.option(
    "--submit", is_flag=True, expose_value=False, callback=_ready, help="Hand it in at once, as a pull request."
)


def hand_in(registry: Path, paths: Sequence[str], title: str, why: str, now: dt.datetime) -> int | None:
    """Hand in what a command changed, where `--submit` asks for it: an exit code, none where it does not.

    `paths` begin with the registry's folder.
    """
    there = click.get_current_context().meta.get(_ASKED)
    if there is None:
        return None
    from galleryctl.reviewing.submitting import Wanted  # noqa: PLC0415 - on use

    wanted = Wanted(registry.resolve(), now, tuple(paths), title, why)
    return handed_in(there, wanted, registry)


@click.command("status")
@click.argument("number", required=False, type=click.IntRange(1), metavar="[NUMBER]")
@options.registry
@forging.repo
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def status_command(number: int | None, registry: Path, repo: str | None, form: str) -> int:
    """How your open pull requests stand, or one by its number: whose turn it is, and what is missing.

    \b
    Example:
      galleryctl status
      galleryctl status 812 --format json
    """  # noqa: D301
    from galleryctl import report  # noqa: PLC0415 - on use
    from galleryctl.reviewing import standing  # noqa: PLC0415 - on use

    forge = forging.forge(registry, repo)
    found = standing.one(forge, number) if number else standing.mine(forge)
    if form == "json":
        click.echo(report.dumped([_json(each) for each in found]), nl=False)
        return 0
    for each in found:
        click.echo(standing.text(each, colour=sys.stdout.isatty()), nl=False)
    if not found:
        click.echo("you have no open pull request here; galleryctl submit opens one", err=True)
    return 0


def _json(each: Any) -> dict[str, Any]:  # noqa: ANN401 - a `Standing`
    return {key: value for key, value in each._asdict().items() if value not in (None, (), "")}
