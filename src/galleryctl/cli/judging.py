"""Commands that say what policy says: the verdict on a pull request, and who may do what."""

from __future__ import annotations

import click


@click.command("verdict")
@click.option("--base", required=True, metavar="REV", help="Revision that it would be merged into.")
@click.option("--head", required=True, metavar="REV", help="Its newest commit.")
@click.option("--actor", required=True, metavar="LOGIN|ID", help="Who opened it.")
def review_verdict_command(base: str, head: str, actor: str) -> int:
    """Judge a pull request: what it needs, and whose turn it is.

    \b
    Example:
      galleryctl review verdict --base origin/main --head HEAD --actor ada
    """  # noqa: D301
    raise click.UsageError(f"cannot judge {base}..{head} by {actor} yet")
