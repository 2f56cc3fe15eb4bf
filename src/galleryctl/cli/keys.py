"""Commands for keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from galleryctl.cli import options
from galleryctl.cli.lazy import Lazy

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

_COMMANDS = {"init": ("keys", "Make a set of keys for development.")}


class _Keys(Lazy):
    commands_by_name: ClassVar[Mapping[str, tuple[str, str]]] = _COMMANDS
    prefix = "keys_"


@click.command("keys", cls=_Keys)
def keys_command() -> None:
    """Make keys, and the trust that names them.

    \b
    Example:
      galleryctl keys init --out keys
    """  # noqa: D301 - \b is click's mark for a paragraph that stays as it is


@click.command("init")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), default="keys", show_default=True,
    help="A new folder.",
)  # fmt: skip
@options.now
def keys_init_command(out: Path, now: dt.datetime) -> int:
    """Make three root keys, one online key, and the trust that names them: for development.

    \b
    Example:
      galleryctl keys init --out keys
    """  # noqa: D301
    from galleryctl.signing import keyset  # noqa: PLC0415 - on use

    keyset.create(out, now)
    click.echo(f"{out}: trust, online key, {keyset.HOLDERS} root keys; keep them out of git", err=True)
    return 0
