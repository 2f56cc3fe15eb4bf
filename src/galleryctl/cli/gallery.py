"""Options by which commands name a published gallery, and the client that they become."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from galleryctl.cli import options

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from typing import Any

    from galleryctl.client import Gallery

    Command = TypeVar("Command", bound=Callable[..., Any])


def address(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """An address or a folder; what looks like a host, and is no folder here, is neither."""
    if re.fullmatch(r"(localhost|[\w-]+(\.[\w-]+)+)(:[0-9]+)?(/.*)?", value) and not Path(value).exists():
        raise click.BadParameter(f"{value} is no folder here; did you mean https://{value}?", ctx, param)
    return value


_OPTIONS = (
    click.option(
        "--gallery", "-g", "url", required=True, callback=address, envvar="GALLERYCTL_GALLERY", show_envvar=True,
        metavar="URL", help="Address of the published gallery, or its folder.",
    ),
    click.option(
        "--root", type=click.Path(path_type=Path, dir_okay=False), envvar="GALLERYCTL_ROOT", show_envvar=True,
        metavar="FILE", help="Root of trust: N.root.json, as its people gave it to you.",
    ),
    click.option(
        "--cache", type=click.Path(path_type=Path, file_okay=False), envvar="GALLERYCTL_CACHE", show_envvar=True,
        metavar="DIR", help="Folder of what is at hand; the user's cache folder unless given.",
    ),
    click.option(
        "--grace", callback=options.span, metavar="TIME",
        help="Go on with an expired index for so long, such as 30d; not at all unless given.",
    ),
    click.option("--unsigned", is_flag=True, help="Read a gallery that nobody signs: nobody vouches for it."),
    options.allow_private,
)  # fmt: skip


def gallery(command: Command) -> Command:
    """Add `--gallery`, `--root`, `--cache`, `--grace`, `--unsigned` and `--allow-private` to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def opened(
    url: str,
    root: Path | None,
    cache: Path | None,
    grace: dt.timedelta | None,
    *,
    unsigned: bool,
    allow_private: bool,
) -> Gallery:
    """The client that these options name."""
    from galleryctl.client import Gallery  # noqa: PLC0415 - on use

    if unsigned and root is not None:
        _unused(root)
    return Gallery(
        url,
        root=None if unsigned else root,
        cache=cache,
        policy=grace or "strict",
        unsigned=unsigned,
        allow_private=allow_private,
    )


def _unused(root: Path) -> None:
    """A root of the environment does not stand against the flag; one that was just named does."""
    ctx = click.get_current_context(silent=True)
    source = ctx.get_parameter_source("root") if ctx else None
    if source is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("--root or --unsigned, not both: which one counts?")
    click.echo(f"note: {root} of GALLERYCTL_ROOT is not used: --unsigned reads without anybody vouching", err=True)
