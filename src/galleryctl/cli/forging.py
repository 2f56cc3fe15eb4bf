"""Which repository of the forge a command means, and the token it speaks with."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from galleryctl.forge import Forge
    from galleryctl.spec import Settings

TOKENS = ("GALLERYCTL_TOKEN", "GITHUB_TOKEN", "GH_TOKEN")
"""Variables that a token may stand in, the first that is set counts."""
_PLACE = re.compile(r"(?:[^/@]+@)?[^/:@]+(?::\d+(?=/))?[/:](?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?")


def _owned(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[\w.-]+/[\w.-]+", value):
        raise click.BadParameter(f"{value!r} is no repository; write it as owner/name", ctx, param)
    return value


repo = click.option(
    "--repo", callback=_owned, metavar="OWNER/NAME", help="Repository of the forge; that of gallery.yaml unless given."
)


def settings(registry: Path) -> Settings:
    """`gallery.yaml` as it is on the disk."""
    from galleryctl import git  # noqa: PLC0415 - on use
    from galleryctl.loading import governance  # noqa: PLC0415 - on use

    folder = registry.resolve()
    tree = git.working(folder.parent)
    paths = {path.removeprefix(f"{folder.name}/"): entry for path, entry in tree.entries(folder.name).items()}
    return governance.read(tree, folder.name, {path: paths[path] for path in paths if "/" not in path}).settings


def token() -> str | None:
    return next((os.environ[name] for name in TOKENS if os.environ.get(name)), None)


def name(registry: Path, given: str | None) -> str:
    """`owner/name` of the repository: as given, else as the workflow, the settings or git's `origin` say."""
    from galleryctl import git  # noqa: PLC0415 - on use

    if given or (given := os.environ.get("GITHUB_REPOSITORY")):
        return given
    for address in (settings(registry).repository, git.remote(registry.resolve().parent)):
        bare = re.sub(r"^[a-z+]+://", "", address or "")
        if match := _PLACE.fullmatch(bare):
            return match["name"]
    raise click.UsageError(
        "which repository is meant? Give --repo OWNER/NAME, or name it as `repository:` in gallery.yaml"
    )


def forge(registry: Path, given: str | None) -> Forge:
    """The repository on the forge, as the owner of the token sees it."""
    return named(name(registry, given))


def named(repository: str) -> Forge:
    from galleryctl.forge.api import ADDRESS  # noqa: PLC0415 - on use
    from galleryctl.forge.github import GitHub  # noqa: PLC0415 - on use

    secret = token()
    if secret is None:
        raise click.UsageError(
            "the forge wants to know who you are: make a token (contents and pull requests, read and write) and put it "
            f"into the variable {TOKENS[0]}"
        )
    return GitHub(repository, secret, address=os.environ.get("GITHUB_API_URL") or ADDRESS)
