"""Commands for the life of a model: listed or not, in use or not, until when, for whom, and its end.

Each makes a plan (`authoring`), says what it means, and carries it out: `_carry_out` is the one place for that.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from galleryctl.cli import meaning, options, submitting

if TYPE_CHECKING:
    import datetime as dt

    from galleryctl.authoring import Plan

_model = click.argument("id_", metavar="ID", shell_complete=options.identifiers)
_release = click.argument("id_", metavar="ID[@VERSION]", shell_complete=options.identifiers)
_reason = click.option("--reason", metavar="TEXT", help="Why, in one sentence: users see it.")
_successor = click.option("--successor", metavar="ID", help="The model to use instead.")
_yes = click.option("--yes", "-y", is_flag=True, help="Ask nothing.")


def _day(ctx: click.Context, param: click.Parameter, value: str) -> dt.date:
    import datetime as dt  # noqa: PLC0415 - on use

    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no day; write it like 2027-01-31", ctx, param) from None


@click.command("deploy")
@_model
@options.registry
@submitting.submit
@options.now
def deploy_command(id_: str, registry: Path, now: dt.datetime) -> int:
    """Show a withdrawn model in lists and searches again.

    \b
    Example:
      galleryctl deploy acme/tiny
    """  # noqa: D301
    from galleryctl import authoring  # noqa: PLC0415 - on use

    return _carry_out(authoring.deploy(registry, id_, now=now), registry, now=now)


@click.command("withdraw")
@_model
@options.registry
@_reason
@submitting.submit
@options.now
def withdraw_command(id_: str, registry: Path, reason: str | None, now: dt.datetime) -> int:
    """Take a model out of lists and searches. Neither the model nor its definition goes, and pins go on resolving.

    \b
    Example:
      galleryctl withdraw acme/tiny --reason "Its card is being rewritten."
    """  # noqa: D301
    from galleryctl import authoring  # noqa: PLC0415 - on use

    return _carry_out(authoring.withdraw(registry, id_, reason=reason, now=now), registry, now=now)


@click.command("deprecate")
@_release
@options.registry
@_reason
@_successor
@submitting.submit
@options.now
def deprecate_command(id_: str, registry: Path, reason: str | None, successor: str | None, now: dt.datetime) -> int:
    """Ask the users of a model, or of one release, to move on. Lists go on showing it, marked.

    \b
    Example:
      galleryctl deprecate acme/tiny --reason "Tiny 2 answers better." --successor acme/tiny-2
      galleryctl deprecate acme/tiny@1.0.0 --reason "1.0.1 mends the tokenizer."
    """  # noqa: D301
    from galleryctl import authoring  # noqa: PLC0415 - on use

    return _carry_out(
        authoring.deprecate(registry, id_, reason=reason, successor=successor, now=now), registry, now=now
    )


@click.command("discontinue")
@_release
@options.registry
@_reason
@_successor
@_yes
@submitting.submit
@options.now
def discontinue_command(
    id_: str, registry: Path, reason: str | None, successor: str | None, *, yes: bool, now: dt.datetime
) -> int:
    """End a model, or one release: lists and the newest leave it out, exact pins go on resolving with a warning.

    For a whole model it shows the model and who depends on it, then asks. One release in use has to remain; to end the
    last, end the model. `galleryctl reinstate` takes it back.

    \b
    Example:
      galleryctl discontinue acme/tiny --reason "Nobody maintains it." --successor acme/tiny-2
      galleryctl discontinue acme/tiny@1.0.0 --reason "It answers in the wrong language."
    """  # noqa: D301
    from galleryctl import authoring, terminal  # noqa: PLC0415 - on use

    plan = authoring.discontinue(registry, id_, reason=reason, successor=successor, now=now)
    if not plan.changes or plan.refused or "@" in id_:
        return _carry_out(plan, registry, now=now)
    if plan.entry is not None and not yes:
        _asks()
        terminal.model(plan.entry, "text", _settings(registry, now))
        click.echo()
    return _carry_out(plan, registry, question="" if yes else f"Discontinue {id_}?", now=now)


@click.command("reinstate")
@_release
@options.registry
@submitting.submit
@options.now
def reinstate_command(id_: str, registry: Path, now: dt.datetime) -> int:
    """Put a deprecated, discontinued or quarantined model, or one release, into use again; its reason goes.

    \b
    Example:
      galleryctl reinstate acme/tiny
      galleryctl reinstate acme/tiny@1.0.0
    """  # noqa: D301
    from galleryctl import authoring  # noqa: PLC0415 - on use

    return _carry_out(authoring.reinstate(registry, id_, now=now), registry, now=now)


@click.command("quarantine")
@_release
@options.registry
@_reason
@submitting.submit
@options.now
def quarantine_command(id_: str, registry: Path, reason: str | None, now: dt.datetime) -> int:
    """Stop a model, or one release, at once: nobody resolves it, and runtimes that sync stop copies they have.

    \b
    Example:
      galleryctl quarantine acme/tiny@1.0.0 --reason "Its weights run code when they are loaded."
    """  # noqa: D301
    from galleryctl import authoring  # noqa: PLC0415 - on use

    return _carry_out(authoring.quarantine(registry, id_, reason=reason, now=now), registry, now=now)


@click.command("expire")
@_model
@options.registry
@click.option("--on", required=True, metavar="DATE", callback=_day, help="From this day on it counts as discontinued.")
@click.option("--reason", metavar="TEXT", help="Why; needed where the date is brought forward.")
@submitting.submit
@options.now
def expire_command(id_: str, registry: Path, on: dt.date, reason: str | None, now: dt.datetime) -> int:
    """Set the day from which a model counts as discontinued. No file changes on that day.

    \b
    Example:
      galleryctl expire acme/tiny --on 2027-01-31
      galleryctl expire acme/tiny --on 2026-12-31 --reason "The licence of its data ends."
    """  # noqa: D301
    from galleryctl import authoring  # noqa: PLC0415 - on use

    return _carry_out(authoring.expire(registry, id_, on=on, reason=reason, now=now), registry, now=now)


@click.command("renew")
@_model
@options.registry
@click.option("--until", required=True, metavar="DATE", callback=_day, help="The new day; later than the present one.")
@submitting.submit
@options.now
def renew_command(id_: str, registry: Path, until: dt.date, now: dt.datetime) -> int:
    """Put off the day on which a model expires, where it is `renewable`.

    \b
    Example:
      galleryctl renew acme/tiny --until 2028-01-31
    """  # noqa: D301
    from galleryctl import authoring  # noqa: PLC0415 - on use

    return _carry_out(authoring.renew(registry, id_, until=until, now=now), registry, now=now)


@click.command("remove")
@_release
@options.registry
@_reason
@click.option("--note", default="", metavar="TEXT", help="More for the reviewers; it is not published.")
@_successor
@_yes
@submitting.submit
@options.now
def remove_command(
    id_: str, registry: Path, reason: str | None, note: str, successor: str | None, *, yes: bool, now: dt.datetime
) -> int:
    """Take away a model with all its releases, or one release, for good. A tombstone keeps the id and the versions.

    It shows who depends on it and every release that goes, then asks. Usually `galleryctl discontinue` is meant: it
    ends a model and keeps pins working.

    \b
    Example:
      galleryctl remove acme/tiny --reason "The rights holder withdrew the licence." --successor acme/tiny-2
      galleryctl remove acme/tiny@1.0.0 --reason "It was published by mistake."
    """  # noqa: D301
    from galleryctl import authoring  # noqa: PLC0415 - on use

    plan = authoring.remove(registry, id_, reason=reason, note=note, successor=successor, now=now)
    if not yes:
        _asks()
    return _carry_out(plan, registry, question="" if yes else f"Remove {id_} for good?", now=now)


@click.command("visibility")
@_model
@click.argument("level", metavar="LEVEL")
@options.registry
@click.option("--allow", multiple=True, metavar="NAME", help="Group or person who sees it too, for restricted.")
@submitting.submit
@options.now
def visibility_command(id_: str, level: str, registry: Path, allow: tuple[str, ...], now: dt.datetime) -> int:
    """Show a model to more people: private, restricted, organisation or public. An audience only grows.

    \b
    Example:
      galleryctl visibility acme/tiny organisation
      galleryctl visibility acme/tiny restricted --allow partners
    """  # noqa: D301
    from galleryctl import authoring  # noqa: PLC0415 - on use

    return _carry_out(authoring.visibility(registry, id_, level, allow=allow, now=now), registry, now=now)


class _Signed(click.Command):
    """A command whose words may begin with a minus: `-chat` is a tag, not the options -c and -h."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        tags = [word for word in args if len(word) > 2 and word[0] in "+-" and word[1] != "-"]  # noqa: PLR2004
        return super().parse_args(ctx, [*(word for word in args if word not in tags), "--", *tags])


@click.command("tag", cls=_Signed)
@_model
@click.argument("tags", nargs=-1, required=True, metavar="+TAG -TAG…")
@options.registry
@submitting.submit
@options.now
def tag_command(id_: str, tags: tuple[str, ...], registry: Path, now: dt.datetime) -> int:
    """Add tags to a model and take tags from it; they are words of taxonomy.yaml, or other spellings of these.

    \b
    Example:
      galleryctl tag acme/tiny +chat -vision
    """  # noqa: D301
    from galleryctl import authoring  # noqa: PLC0415 - on use

    return _carry_out(authoring.tag(registry, id_, tags, now=now), registry, now=now)


@click.command("dependents")
@_release
@options.registry
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.head
@options.now
@options.jobs
def dependents_command(id_: str, registry: Path, form: str, head: str | None, now: dt.datetime, jobs: int) -> int:
    """Who depends on a model, or on one release: services that pin it, models that name it, upstreams that get it.

    The owners of the services are asked before what they pin is removed. ID may be an alias, or an id that was removed.

    \b
    Example:
      galleryctl dependents acme/tiny
      galleryctl dependents acme/tiny@1.0.0 --format json
    """  # noqa: D301
    import json  # noqa: PLC0415 - on use

    from galleryctl import authoring  # noqa: PLC0415 - on use
    from galleryctl.authoring import depending  # noqa: PLC0415 - on use

    loaded = options.load(registry, now=now, revision=head, jobs=jobs)
    name, _, version = id_.partition("@")
    depending.require(loaded.world, name, version)
    found = authoring.dependents(loaded.world, name, version, name=registry.resolve().name)
    if form == "json":
        rows = [{key: value for key, value in each._asdict().items() if value} for each in found]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    for each in found:
        meaning.wrapped(f"{depending.sentence(each, name)}.", "", "  ", err=False)
    count = len(found)
    click.echo(f"{count or 'nobody'} depend{'s' if count < 2 else ''} on {id_}", err=True)  # noqa: PLR2004 - one, or more
    return 0


def _asks() -> None:
    """Raise `UsageError` where nobody can be asked."""
    if not sys.stdin.isatty():
        raise click.UsageError("this asks before it changes anything, and there is no terminal: add --yes")


def _settings(registry: Path, now: dt.datetime) -> Any:  # noqa: ANN401 - the settings of the registry
    return options.load(registry, now=now, revision=None, jobs=1).governance.settings


def _carry_out(plan: Plan, registry: Path, *, now: dt.datetime, question: str = "") -> int:
    """Say what a plan changes and means, ask where there is a question, do it, and hand it in where that is wanted."""
    from galleryctl import checks, report  # noqa: PLC0415 - on use

    if plan.refused:
        click.echo(report.problems(plan.refused, "text", checks.RULES, colour=sys.stderr.isatty()), err=True, nl=False)
        click.echo("nothing was changed: it would break the file", err=True)
        return 1
    if not plan.texts and not plan.gone:
        click.echo("the registry says so already; nothing was changed", err=True)
        return 0
    if question:
        _meaning(plan)
        if not click.confirm(f"\n{click.style(question, bold=True)}", default=False, err=True):
            click.echo("nothing was changed", err=True)
            return 1
    changed = plan.carry_out()
    for path in changed.paths:
        click.echo(path)
    meaning.fields(() if plan.gone else plan.changes)
    if not question:
        _meaning(plan)
    handed = submitting.hand_in(registry, changed.paths, changed.title, changed.body, now)
    if handed is None:
        _next(registry, plan)
    return handed or 0


def _meaning(plan: Plan) -> None:
    from galleryctl import checks, report  # noqa: PLC0415 - on use
    from galleryctl.problems import Severity  # noqa: PLC0415 - on use

    meaning.listed("\nWhat this means:", plan.told)
    if plan.caused:
        fails = any(problem.severity is Severity.ERROR for problem in plan.caused)
        what = "Checks fail until this is mended in the same pull request:" if fails else "What checks will say of it:"
        click.echo(f"\n{what}", err=True)
        click.echo(report.problems(plan.caused, "text", checks.RULES, colour=sys.stderr.isatty()), err=True, nl=False)


def _next(registry: Path, plan: Plan) -> None:
    """What to do now."""
    where = "" if registry == Path("registry") else f" --registry {registry}"
    click.echo("\nNext:", err=True)
    commands = {
        f"galleryctl check --base origin/{plan.branch}{where}": "what a review would find",
        f"galleryctl submit{where}": "open the pull request",
    }
    for command, purpose in commands.items():
        click.echo(f"  {command:<{max(map(len, commands))}}   {purpose}", err=True)
