"""Base and heads of pull requests as git objects, and the desk that judges them. Nothing is checked out."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from galleryctl import git, spec
from galleryctl.errors import GitError
from galleryctl.loading import governance
from galleryctl.reviewing import judging
from galleryctl.reviewing.comment import Links
from galleryctl.reviewing.sweep import Desk

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from galleryctl.checks.rule import Ledger
    from galleryctl.forge import Forge, PullRequest
    from galleryctl.reviewing.judging import Judged
    from galleryctl.spec import Policy, Roles, Settings
    from galleryctl.spec.review import Login, Pull

TARGET = dt.timedelta(hours=72)
"""Within which an author may expect a first answer."""


@dataclass(frozen=True)
class Clone:
    """A registry in a clone, and the forge that its pull requests are on."""

    registry: Path
    """Absolute."""
    forge: Forge
    branch: str
    """The default branch."""
    now: dt.datetime
    token: str | None = None
    ledger: Ledger | None = None
    jobs: int = 1

    @property
    def root(self) -> Path:
        return self.registry.parent


@dataclass(frozen=True)
class Base:
    """The head of the default branch, and what it says about people, policy and the gallery."""

    commit: str
    settings: Settings
    roles: Roles
    policy: Policy


def base(clone: Clone) -> Base:
    """Fetch the default branch as the forge has it now. Raises `GitError` where there is none."""
    address, ref = clone.forge.clone_url(), f"refs/heads/{clone.branch}"
    found = git.advertised(clone.root, address, [ref], clone.token)
    if ref not in found:
        raise GitError(f"{clone.forge.repository} has no branch {clone.branch}: name the right one in gallery.yaml")
    git.fetch(clone.root, address, [ref], clone.token)
    return at(clone.registry, found[ref])


def at(folder: Path, revision: str) -> Base:
    """The same of a revision that is here; `folder` is that of the registry."""
    root, name = folder.parent, folder.name
    commit = git.resolve(root, revision)
    tree = git.at(root, commit)
    paths = {path.removeprefix(f"{name}/"): entry for path, entry in tree.entries(name).items()}
    wanted = {path: entry for path, entry in paths.items() if path.startswith(("gallery.", "roles.", "policy."))}
    found = governance.read(tree, name, wanted)
    return Base(commit, found.settings, found.roles, found.policy)


def heads(clone: Clone, pulls: Iterable[PullRequest]) -> None:
    """Fetch heads, all by one call. One that cannot be had is found missing when it is judged."""
    refs = [f"refs/pull/{pull.number}/head" for pull in pulls]
    if not refs:
        return
    address = clone.forge.clone_url()
    try:
        git.fetch(clone.root, address, refs, clone.token)
    except GitError:
        if len(refs) == 1:
            raise
        for ref in refs:  # one that is missing fails them all
            with suppress(GitError):
                git.fetch(clone.root, address, [ref], clone.token)


def judge(clone: Clone, onto: Base, pull: PullRequest, recorded: Pull) -> Judged:
    """Judge a pull request at the head that the forge named."""
    return judging.judge(
        clone.root,
        clone.registry.name,
        base=onto.commit,
        head=pull.head,
        pull=recorded,
        now=clone.now,
        ledger=clone.ledger,
        jobs=clone.jobs,
    )


def links(clone: Clone, onto: Base) -> Links:
    top = git.toplevel(clone.root)
    prefix = clone.root.resolve().relative_to(top.resolve()).as_posix() if top else ""
    repository = onto.settings.repository or f"https://github.com/{clone.forge.repository}"
    return Links(repository.rstrip("/"), onto.settings.url, clone.branch, "" if prefix == "." else prefix)


def desk(clone: Clone, onto: Base, account: Login, *, preview: str = "") -> Desk:
    return Desk(
        forge=clone.forge,
        account=account,
        judge=lambda pull, recorded: judge(clone, onto, pull, recorded),
        links=links(clone, onto),
        roles=onto.roles,
        now=clone.now,
        stale=spec.time_span(onto.policy.clocks.stale),
        target=TARGET,
        preview=preview,
    )
