"""What the commands about keys share: where the trust lies, how keys are named, what is said at the end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from galleryctl.signing.pairs import Key

trust = click.option(
    "--trust", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Folder of N.root.json and N.targets.json; `trust` in the registry unless given.",
)  # fmt: skip
keys = click.option(
    "--keys", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="A set for development, as `keys init` makes one: everything in one step.",
)  # fmt: skip


def folder(registry: Path, given: Path | None, keys: Path | None = None) -> Path:
    """The trust that a command is about."""
    return given or (keys / "trust" if keys else registry / "trust")


def named(values: Iterable[str], option: str) -> Mapping[str, Key]:
    """`NAME=PUBLIC` as public keys by name."""
    from galleryctl.signing import pairs  # noqa: PLC0415 - on use

    found = {}
    for value in values:
        name, equals, path = value.partition("=")
        if not equals or not name or not path:
            raise click.UsageError(f"{option} {value}: write NAME=PUBLIC, such as ada=ada.pub")
        if name in found:
            raise click.UsageError(f"{option} names {name} twice")
        found[name] = pairs.public(Path(path))
    return found


def on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def say(lines: Iterable[str], *, err: bool = False) -> None:
    """Lines as wide as the terminal, each wrapped under itself; whole where no person reads them."""
    import shutil  # noqa: PLC0415 - on use
    import textwrap  # noqa: PLC0415 - on use

    from galleryctl.report import visible  # noqa: PLC0415 - on use

    stream = sys.stderr if err else sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() else 10**6
    for line in map(visible, lines):  # files that others wrote are told of
        start = line[: len(line) - len(line.lstrip())]
        wrapped = textwrap.wrap(
            line.strip(), width, initial_indent=start, subsequent_indent=f"{start}  ",
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        click.echo("\n".join(wrapped), err=err)


def steps(following: Iterable[str]) -> None:
    """What to do next, on standard error."""
    if lines := [f"  {step}" for step in following]:
        say(["next:", *lines], err=True)
