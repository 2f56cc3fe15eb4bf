"""Commands that keep a gallery: settings of its repository, what is due, what goes upstream."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from galleryctl.cli import forging, options

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from galleryctl.reviewing.doctor import Sign
    from galleryctl.reviewing.proposing import Proposed

_MARKS = {"well": "✓", "ill": "✗", "unknown": "?"}
_COLOURS = {"well": "green", "ill": "red", "unknown": "yellow"}


@click.command("doctor")
@options.registry
@forging.repo
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--keep-alive", is_flag=True, help="Switch on the scheduled workflows that the forge has disabled.")
@options.now
def doctor_command(registry: Path, repo: str | None, form: str, *, keep_alive: bool, now: dt.datetime) -> int:
    """Look at the settings of the repository on the forge, and say what to click.

    A verdict means something only where nobody can go round it: what has to be set is checked one by one. Some settings
    are seen by admins alone. Exit code 1 means that something has to be changed.

    \b
    Example:
      galleryctl doctor
      galleryctl doctor --repo acme/gallery --format json
    """  # noqa: D301
    from galleryctl import policy, report  # noqa: PLC0415 - on use
    from galleryctl.reviewing import doctor  # noqa: PLC0415 - on use

    forge = forging.forge(registry, repo)
    if keep_alive:
        enabled = forge.enable_workflows()
        click.echo("\n".join(f"switched on: {name}" for name in enabled) or "all workflows are on", err=True)
        return 0
    loaded, known = options.load(registry, now=now, revision=None, jobs=1), forging.settings(registry)
    public = loaded.governance.policy.repository == "public"
    address = (known.repository or f"https://github.com/{forge.repository}").rstrip("/")
    admins = policy.Rights(loaded.world).who("govern", policy.Target())
    page = f"{address}/blob/{known.branch}/{registry.resolve().name}/roles.yaml"
    quorum = doctor.quorum(len(admins), loaded.governance.roles.rules.admin_quorum, page)
    signed = bool(loaded.governance.trust)
    signs = (*doctor.examine(forge.settings(), address, public=public, signed=signed), quorum)
    if form == "json":
        click.echo(report.dumped([_json(sign) for sign in signs]), nl=False)
    else:
        for sign in signs:
            _told(sign)
    count = sum(sign.state == "ill" for sign in signs)
    unseen = sum(sign.state == "unknown" for sign in signs)
    hidden = f", {unseen} could not be seen" if unseen else ""
    click.echo(f"{len(signs)} looked at, {count} to change{hidden}", err=True)
    return int(count > 0)


def _json(sign: Sign) -> dict[str, Any]:
    fields = {"state": sign.state, "about": sign.about, "found": sign.found, "click": sign.click, "where": sign.where}
    return {name: value for name, value in fields.items() if value}


def _told(sign: Sign) -> None:
    mark = _MARKS[sign.state]
    if sys.stdout.isatty():
        mark = click.style(mark, fg=_COLOURS[sign.state])
    click.echo(f"{mark} {sign.about}: {sign.found}")
    if sign.click:
        click.echo(f"    {sign.click}\n    {sign.where}")


@click.command("alarm")
@click.argument("workflow")
@options.registry
@forging.repo
@click.option("--outcome", required=True, metavar="RESULT", help="How it ended: success, failure, cancelled, skipped.")
@click.option("--run", required=True, metavar="URL", help="Where its log is.")
@options.now
def alarm_command(workflow: str, registry: Path, repo: str | None, outcome: str, run: str, *, now: dt.datetime) -> int:
    """Say in one issue that a workflow has failed and the last good gallery stays; close it when it goes on.

    \b
    Example:
      galleryctl alarm publish --outcome failure --run https://github.com/acme/gallery/actions/runs/1
    """  # noqa: D301
    from galleryctl.reviewing import alarming  # noqa: PLC0415 - on use

    forge = forging.forge(registry, repo)
    click.echo(alarming.tell(forge, workflow, outcome, run, now=now), err=True)
    return 0


@click.command("expire")
@options.registry
@forging.repo
@options.now
@options.jobs
def review_expire_command(registry: Path, repo: str | None, now: dt.datetime, jobs: int) -> int:
    """Propose to discontinue what has expired, all in one pull request; tell owners what expires within thirty days.

    Twice is once: a pull request that is open is brought up to date, and closed when nothing is due any more.

    \b
    Example:
      galleryctl review expire
    """  # noqa: D301
    from galleryctl.reviewing import expiring  # noqa: PLC0415 - on use

    loaded = options.load(registry, now=now, revision=None, jobs=jobs)
    forge = forging.forge(registry, repo)
    done = expiring.expire(forge, registry.resolve(), loaded, base=forging.settings(registry).branch, now=now)
    _proposed(done.proposed, f"{len(done.due)} expired")
    if done.issue is not None:
        click.echo(f"issue {done.issue}: {len(done.soon)} expire within thirty days", err=True)
    return 0


@click.command("upstream")
@options.registry
@options.now
@options.jobs
def review_upstream_command(registry: Path, now: dt.datetime, jobs: int) -> int:
    """Send the exports of public models to the repositories that `upstream` names: one pull request for each.

    The token has to be one that may fork and propose there.

    \b
    Example:
      galleryctl review upstream
    """  # noqa: D301
    from galleryctl import building  # noqa: PLC0415 - on use
    from galleryctl.reviewing import upstream  # noqa: PLC0415 - on use

    folder = registry.resolve()
    loaded = options.load(registry, now=now, revision=None, jobs=jobs)
    view = building.view(loaded, building.Wanted(folder, folder, now=now))
    settings = loaded.governance.settings
    name = settings.title if isinstance(settings.title, str) else next(iter(settings.title.values()))
    done = upstream.push(view, forging.named, title=f"Update models from {name}", about=f"{name}, {settings.url}")
    for each in done:
        _proposed(each.proposed, f"{each.repository}, {len(each.models)} changed")
        for left in each.left:
            click.echo(f"  left out {left.id}: {left.reason}", err=True)
    if not done:
        click.echo("no public model names an upstream repository", err=True)
    return 0


def _proposed(proposed: Proposed, what: str) -> None:
    if proposed.pull is not None:
        click.echo(proposed.pull.url)
    click.echo(f"{what}: {'nothing to propose' if proposed.what == 'nothing' else proposed.what}", err=True)
