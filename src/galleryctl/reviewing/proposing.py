"""One pull request of our own: opened once, brought up to date, closed when there is nothing left to propose.

What it proposes it proposes whole, so a second run with nothing new writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.forge import Forge, PullRequest


class Proposed(NamedTuple):
    """What became of it. Without a pull request there was nothing to propose."""

    pull: PullRequest | None
    what: str
    """opened, updated, unchanged, closed, or nothing."""


def propose(
    forge: Forge,
    files: Mapping[str, bytes],
    *,
    branch: str,
    base: str,
    title: str,
    body: str,
) -> Proposed:
    """Keep the pull request of `branch` proposing exactly these files, by path from the top of the repository.

    Whoever may not push works in a fork.
    """
    repository = forge.repository if forge.can_push() else (forge.fork() if files else _fork(forge))
    known = forge.of_branch(branch, repository)
    if not files:
        if known is None:
            return Proposed(None, "nothing")
        return Proposed(forge.update(known.number, state="closed"), "closed")
    if known is not None and all(_read(forge, known, path) == data for path, data in files.items()):
        if (known.title, known.body.strip()) == (title, body.strip()):
            return Proposed(known, "unchanged")
        return Proposed(forge.update(known.number, title=title, body=body), "updated")
    forge.commit_files(branch, base, f"{title}\n", dict(files), repository=repository)
    if known is None:
        made = forge.open(title=title, body=body, branch=branch, base=base, repository=repository)
        return Proposed(made, "opened")
    return Proposed(forge.update(known.number, title=title, body=body), "updated")


def _fork(forge: Forge) -> str:
    """Where a fork would be: none is made to find out that nothing has to be proposed."""
    return f"{forge.me().login}/{forge.repository.partition('/')[2]}"


def _read(forge: Forge, pull: PullRequest, path: str) -> bytes | None:
    return forge.read(path, pull.head)
