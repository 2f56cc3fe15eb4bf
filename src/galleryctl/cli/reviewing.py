"""The group `review`: what is done with pull requests. Each command stands in a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import click

from galleryctl.cli.lazy import Lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMANDS = {
    "verdict": ("judging", "Judge a pull request: what it needs, and whose turn it is."),
    "queue": ("review_queue", "List open pull requests: what waits for whom, and since when."),
    "show": ("review_deciding", "Show a pull request as its reviewers have to know it."),
    "approve": ("review_deciding", "Approve the commit that is shown."),
    "reject": ("review_deciding", "Ask for changes, with a reason."),
    "sweep": ("review_sweep", "Judge open pull requests, and show each its verdict."),
    "merge": ("review_sweep", "Merge what its verdict allows."),
    "expire": ("keeping", "Propose to discontinue what has expired."),
    "upstream": ("keeping", "Send exports to the repositories that models name."),
}


class _Review(Lazy):
    sections: ClassVar[Mapping[str, Mapping[str, tuple[str, str]]]] = {"Commands": _COMMANDS}
    prefix = "review_"


@click.command("review", cls=_Review)
def review_command() -> None:
    """Review pull requests: judge, show, decide.

    \b
    Example:
      galleryctl review verdict --base origin/main --head HEAD --actor ada
    """  # noqa: D301
