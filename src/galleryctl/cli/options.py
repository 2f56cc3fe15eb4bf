"""Options that several commands share, and the values they become."""

from __future__ import annotations

import datetime as dt
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from galleryctl.checks.rule import Ledger
    from galleryctl.fetch import Fetcher
    from galleryctl.git import Tree
    from galleryctl.hubs import Hub
    from galleryctl.loading import Loaded


def moment(ctx: click.Context, param: click.Parameter, value: str | None) -> dt.datetime:
    """A time in ISO 8601 as an aware UTC `datetime`; a bare day is its midnight."""
    if value is None:
        return dt.datetime.now(dt.UTC)
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is no time; write 2026-11-21 or 2026-11-21T15:00:00Z", ctx, param
        ) from None
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def span(ctx: click.Context, param: click.Parameter, value: str | None) -> dt.timedelta | None:
    """`30d`, `72h`, `15m` as a time; none where it was not given."""
    if value is None:
        return None
    import re  # noqa: PLC0415 - on use

    if not re.fullmatch(r"[0-9]{1,5}[smhd]", value):
        raise click.BadParameter(f"{value!r} is no time; write 30d, 72h or 15m", ctx, param)
    from galleryctl.spec.base import time_span  # noqa: PLC0415 - on use

    return time_span(value)


def lasting(seconds: float) -> str:
    """A time in words, no more exact than anybody needs, and never longer than it is."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}s"
    whole = max(0, int(seconds))
    return f"{whole} second{'s' * (whole != 1)}"


def named(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value == "":  # an unset variable of a workflow would check the wrong files
        raise click.BadParameter("it is empty; name a branch, a tag or a commit", ctx, param)
    return value


def proposed(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A revision; `pull/12` is the head of a pull request, fetched from `origin` as objects alone."""
    import re  # noqa: PLC0415 - on use

    name = named(ctx, param, value)
    if name is None or not re.fullmatch(r"pull/[1-9][0-9]{0,8}", name):
        return name
    from galleryctl import git  # noqa: PLC0415 - on use
    from galleryctl.cli import forging  # noqa: PLC0415 - on use

    secret = forging.token()  # a private repository tells nobody else
    root, ref = (ctx.params.get("registry") or Path("registry")).resolve().parent, f"refs/{name}/head"
    found = git.advertised(root, "origin", [ref], secret).get(ref)
    if found is None:
        raise click.BadParameter(f"origin has no {name}", ctx, param)
    git.fetch(root, "origin", [ref], secret)
    return found


registry = click.option(
    "--registry", "-r", type=click.Path(path_type=Path, file_okay=False), default="registry", show_default=True,
    envvar="GALLERYCTL_REGISTRY", is_eager=True, help="Folder of the registry.",
)  # fmt: skip
jobs = click.option(
    "--jobs", "-j", type=click.IntRange(min=0), default=0, metavar="N", help="Processes; one per core unless given."
)
head = click.option(
    "--head", callback=proposed, metavar="REV|pull/N", help="Read this git revision, without checking it out."
)
now = click.option("--now", callback=moment, metavar="TIME", help="Judge as of this time; now unless given.")

ledger = click.option(
    "--ledger", "ledgers", multiple=True, metavar="DIR|URL",
    help="What was published so far and stays taken: folder or address of a published gallery, once for each audience; "
    "`site` for the address of gallery.yaml, `none` where nothing was published yet.",
)  # fmt: skip
allow_private = click.option(
    "--allow-private", is_flag=True, help="Also ask machines inside this network, and over http."
)


def identifiers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - click's signature
    """Ids of the registry that begin so, for the shell."""
    from galleryctl.authoring.files import Files  # noqa: PLC0415 - on use
    from galleryctl.errors import GalleryError  # noqa: PLC0415 - on use

    folder = ctx.params.get("registry") or Path("registry")
    try:
        return sorted(each for each in Files(folder.resolve()).models if each.startswith(incomplete))
    except (GalleryError, OSError):
        return []


def identifier(registry: Path) -> str:
    """The id that somebody chooses on a terminal; elsewhere it has to be given."""
    from galleryctl import terminal  # noqa: PLC0415 - on use
    from galleryctl.authoring.files import Files  # noqa: PLC0415 - on use

    known = sorted(Files(registry.resolve()).models)
    if not known or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("ID is missing: name a model as publisher/name")
    return terminal.choose("Which model?", known)


def fetcher(*, allow_private: bool) -> Fetcher:
    from galleryctl.fetch import Http  # noqa: PLC0415 - on use

    return Http(allow_private=allow_private)


def hub(through: Fetcher) -> Callable[[str], Hub]:
    """The hub of each kind of source."""
    from functools import cache  # noqa: PLC0415 - on use

    from galleryctl import hubs  # noqa: PLC0415 - on use

    return cache(lambda kind: hubs.of(kind, through))


def nobody() -> None:
    """Forget every login: what strangers define is asked for, and scanned, with the rights of strangers."""
    from galleryctl.cli import forging  # noqa: PLC0415 - on use

    secrets = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "MODELSCOPE_API_TOKEN", *forging.TOKENS)
    stores = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")
    for name in (*secrets, *stores):
        os.environ.pop(name, None)
    os.environ |= {"HF_TOKEN_PATH": os.devnull, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
    os.environ |= {"AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}


def published(ledgers: tuple[str, ...], registry: Path, base: str) -> Ledger | None:
    """What was published so far, by the option `ledger`; none where it was not given.

    Who names an address may also name one inside this network. `site` is that of the settings at `base`.
    """
    from galleryctl import git  # noqa: PLC0415 - on use
    from galleryctl.loading import governance  # noqa: PLC0415 - on use
    from galleryctl.loading import ledger as book  # noqa: PLC0415 - on use

    if not ledgers:
        return None
    site = ""
    if book.SITE in ledgers:
        folder = registry.resolve()
        tree, name = git.at(folder.parent, base), folder.name
        paths = {path.removeprefix(f"{name}/"): entry for path, entry in tree.entries(name).items()}
        settings = {path: entry for path, entry in paths.items() if path.startswith("gallery.")}
        site = governance.published(governance.read(tree, name, settings).settings)
    return book.read(ledgers, lambda: fetcher(allow_private=True), site=site)


def processes(count: int) -> int:
    from galleryctl import parallel  # noqa: PLC0415 - on use

    return count or parallel.default_jobs()


def load(registry: Path, *, now: dt.datetime, revision: str | None, jobs: int, tree: Tree | None = None) -> Loaded:
    """The registry, with progress on a terminal when it takes longer than a second. `tree` saves opening it again."""
    from galleryctl import loading  # noqa: PLC0415 - on use

    folder = registry.resolve()
    with progress("Reading models") as report:
        return loading.load(
            folder.parent, folder.name, now=now, revision=revision, jobs=processes(jobs), progress=report, tree=tree
        )


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """A function `(done, of)` that draws on standard error; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from time import monotonic  # noqa: PLC0415 - on use

    start, shown = monotonic(), [0.0]

    def report(done: int, of: int) -> None:
        moment = monotonic()
        if moment - start > 1 and moment - shown[0] > 0.1:  # noqa: PLR2004 - a second before anything is drawn
            shown[0] = moment
            filled = round(24 * done / of) if of else 24
            click.echo(f"\r{label} {'━' * filled}{'╌' * (24 - filled)} {done:,} of {of:,}\x1b[K", err=True, nl=False)

    try:
        yield report
    finally:
        if shown[0]:
            click.echo("\r\x1b[K", err=True, nl=False)
