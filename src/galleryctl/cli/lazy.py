"""A group of commands whose names and one-line helps are known beforehand, so that `--help` imports no command."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class Lazy(click.Group):
    """Commands by name: the module of `galleryctl.cli` and one line. `edit` is `edit_command` there."""

    sections: ClassVar[Mapping[str, Mapping[str, tuple[str, str]]]] = {}
    """Commands under the titles of the help."""
    prefix: ClassVar[str] = ""
    """What stands before the names of the functions of this group."""

    @property
    def commands_by_name(self) -> Mapping[str, tuple[str, str]]:
        return {name: row for rows in self.sections.values() for name, row in rows.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands_by_name)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in self.commands_by_name:
            return None
        from importlib import import_module  # noqa: PLC0415 - on use

        module = import_module(f"galleryctl.cli.{self.commands_by_name[cmd_name][0]}")
        command: click.Command = getattr(module, f"{self.prefix}{cmd_name.replace('-', '_')}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands_by_name and not args[0].startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 - on use

            near = get_close_matches(args[0], self.commands_by_name, n=1)
            meant = f" Did you mean {near[0]}?" if near else f" See: {ctx.command_path} --help"
            raise click.UsageError(f"There is no command {args[0]!r}.{meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        width = max(map(len, self.commands_by_name))
        for title, rows in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, (_, text) in rows.items()])
