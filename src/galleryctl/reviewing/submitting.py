"""`submit`: what somebody changed, as a pull request. Branch, commit with sign-off, push, open; again updates it.

Only files of the registry go. Whoever may not push to the repository pushes to a fork of theirs.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import authoring, git
from galleryctl.changes import Kind, wording
from galleryctl.errors import UsageError
from galleryctl.loading import comparing
from galleryctl.problems import Severity
from galleryctl.reviewing import markdown

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    from galleryctl.changes import Change
    from galleryctl.forge import Forge, PullRequest
    from galleryctl.loading.comparing import Compared
    from galleryctl.problems import Problem

BASE = "refs/galleryctl/base"
"""The forge's default branch, as it was when something was submitted last."""
_PREFIX = "gallery/"
_MOST = 30
_BEGIN, _END = "<!-- what changes -->", "<!-- end of what changes -->"
_LONGEST, _SLUG = 72, 50


@dataclass(frozen=True)
class Wanted:
    """What to submit, and how."""

    registry: Path
    """Absolute."""
    now: dt.datetime
    paths: tuple[str, ...] = ()
    """Files and folders relative to the registry's parent; empty means all of the registry."""
    title: str = ""
    why: str = ""
    """For the reviewers, in Markdown."""
    branch: str = ""
    """Branch to make, or to go on with."""
    draft: bool = False
    """Whether to open it although it has errors, to ask for help."""
    agreed: bool = False
    """Whether its author accepted the agreements."""
    replace: bool = False
    """Whether the branch may lose what it has there: its history was written anew here."""
    jobs: int = 1

    @property
    def root(self) -> Path:
        return self.registry.parent


class Looked(NamedTuple):
    """What would be submitted."""

    compared: Compared
    branch: str
    """Default branch of the forge."""
    title: str

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.compared.problems if problem.severity is Severity.ERROR)


class Submitted(NamedTuple):
    """What became of it."""

    pull: PullRequest
    created: bool
    branch: str
    repository: str
    """Where the branch lies: a fork, or the repository itself."""


def look(forge: Forge, wanted: Wanted, *, base: str, token: str | None = None) -> Looked:
    """Fetch the default branch, and compare with it what is on the disk. Raises `UsageError` where nothing differs."""
    git.fetch(wanted.root, forge.clone_url(), [f"+refs/heads/{base}:{BASE}"], token)
    head = git.snapshot(wanted.root, wanted.paths or (wanted.registry.name,))
    name, at = wanted.registry.name, wanted.now
    try:
        found = comparing.compare(wanted.root, name, base=BASE, head=head, now=at, jobs=wanted.jobs)
    except comparing.ConflictError as conflict:
        raise comparing.ConflictError(conflict.paths, base, _together(wanted)) from None
    if not found.changes:
        raise UsageError(f"nothing differs from {base}: change something first, with galleryctl new, edit or release")
    return Looked(found, base, wanted.title or title(found.changes))


def _together(wanted: Wanted) -> str:
    """How to bring what is on the disk together with the default branch, as commands."""
    mend = "Mend what is between the marks `<<<<<<<` and `>>>>>>>` where git left any, and hand it in again:\n"
    if _merged_already(wanted.root):
        branch = _free(wanted.root, f"{_PREFIX}next")
        return (
            "all commits of your branch are in it already: take what you changed since to a new branch\n"
            f"  git switch --merge --create {branch} {BASE}\n{mend}  galleryctl submit"
        )
    return (
        "bring both together; the first two lines where you have not committed yet\n"
        f'  git add {wanted.registry.name}\n  git commit --signoff --message "What I changed"\n  git merge {BASE}\n'
        f"{mend}  git add --all\n  git commit --signoff --no-edit\n  galleryctl submit"
    )


def _merged_already(root: Path) -> bool:
    """Whether the branch brings nothing that the default branch has not got, as after a merge that squashed it."""
    commit = git.merged(root, BASE, "HEAD").commit
    return commit is not None and not git.touched(git.at(root, BASE), git.at(root, commit))


def agreements(
    forge: Forge, wanted: Wanted, *, base: str, token: str | None = None
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Write the agreements that policy asks for into the models that are new or get a release.

    What policy asks for, by name with version, and the models that it was written into.
    """
    looked = look(forge, wanted, base=base, token=token)
    asked = dict(looked.compared.base.world.context.policy.agreements)
    fresh = {Kind.MODEL_ADDED, Kind.RELEASE_ADDED}
    models = dict.fromkeys(change.subject for change in looked.compared.changes if change.kind in fresh)
    for model in models if asked else ():
        values = [f"agreements.{name}={number}" for name, number in sorted(asked.items())]
        made = authoring.edit(wanted.registry, model, values, now=wanted.now)
        if made.problems:
            raise UsageError(f"{made.path}: {made.problems[0].message}; mend it first")
    return asked, tuple(models) if asked else ()


def submit(forge: Forge, wanted: Wanted, looked: Looked, *, token: str | None = None) -> Submitted:
    """Commit, push, and open or update the pull request. Nothing is pushed where the commit fails."""
    root, name = wanted.root, wanted.registry.name
    branch = _branch(wanted, looked)
    git.record(root, wanted.paths or (name,), f"{looked.title}\n\n{wanted.why}".strip() + "\n", sign_off=True)
    repository, address = _target(forge)
    lease = None
    if wanted.replace:
        lease = git.advertised(root, address, [f"refs/heads/{branch}"], token).get(f"refs/heads/{branch}", "")
    git.push(root, address, branch, token, force_with_lease=lease)
    known = forge.of_branch(branch, repository)
    text = body(looked, wanted)
    if known is None:
        made = forge.open(
            title=looked.title, body=text, branch=branch, base=looked.branch, repository=repository, draft=wanted.draft
        )
        return Submitted(made, created=True, branch=branch, repository=repository)
    heading = wanted.title or (looked.title if _mark(known.title) in known.body else None)
    again = forge.update(known.number, title=heading, body=_renewed(known.body, text))
    return Submitted(again, created=False, branch=branch, repository=repository)


def _branch(wanted: Wanted, looked: Looked) -> str:
    """The branch that is checked out, unless that is the default one; else a new one."""
    present = git.branch(wanted.root)
    if present and present != looked.branch and wanted.branch in {"", present}:
        return present
    name = wanted.branch or _PREFIX + _slug(looked.title)
    free = name if wanted.branch else _free(wanted.root, name)
    git.switch(wanted.root, free)
    return free


def _slug(text: str) -> str:
    """What git takes as the name of a branch: dots stand inside of words only, and no lock's ending."""
    words = re.findall(r"[a-z0-9]+(?:\.[a-z0-9]+)*", text.lower())
    return "-".join(words)[:_SLUG].rstrip("-.").removesuffix(".lock") or "change"


def _free(root: Path, name: str) -> str:
    """The name, or the next of `name-2`, `name-3`, … that no branch has."""
    taken = git.branches(root)
    return next(each for each in (name, *(f"{name}-{number}" for number in range(2, 1000))) if each not in taken)


def _target(forge: Forge) -> tuple[str, str]:
    """Repository and address to push to."""
    if forge.can_push():
        return forge.repository, forge.clone_url()
    fork = forge.fork()
    return fork, forge.clone_url(fork)


def title(changes: Sequence[Change]) -> str:
    """One line that says what a list of changes does."""
    kinds = {change.kind for change in changes}
    subjects = list(dict.fromkeys(change.subject for change in changes if change.type))
    if len(subjects) != 1:
        new = [change.subject for change in changes if change.kind is Kind.MODEL_ADDED]
        if new and set(new) == set(subjects):
            return f"Add {len(new)} models" if len(new) > 1 else f"Add {new[0]}"
        return f"Change {len(subjects)} models" if subjects else _cut(f"Change {wording.heading_of(changes[0])}")
    model = subjects[0]
    for kind, verb in ((Kind.MODEL_ADDED, "Add"), (Kind.MODEL_REMOVED, "Remove"), (Kind.MODEL_RENAMED, "Rename")):
        if kind in kinds:
            return f"{verb} {model}"
    releases = [change.version for change in changes if change.kind is Kind.RELEASE_ADDED]
    if releases:
        return f"Release {model} {', '.join(releases)}"
    mine = [change for change in changes if change.subject == model]
    telling = [change for change in mine if change.field != "reason"]  # it goes with something, and is long
    return _cut(f"{model}: {wording.summary(telling or mine)}")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"


def body(looked: Looked, wanted: Wanted) -> str:
    """The text of the pull request, as the template has it, filled in."""
    warnings = [problem for problem in looked.compared.problems if problem.severity is Severity.WARN]
    found = _counted(looked.errors, "error"), _counted(warnings, "warning")
    state = " and ".join(part for part in found if part) or "nothing"
    ticks = (
        (not looked.errors, f"`galleryctl check --base origin/{looked.branch}` finds {state}"),
        (wanted.agreed, "I may publish this, and the licence says so"),
        (True, "Commits are signed off"),
    )
    lines = [
        "## What changes", "", *_what(looked), "",
        "## Why", "", wanted.why.strip() or "_The changes say it._", "",
        "## Before you ask for a review", "",
        *(f"- [{'x' if done else ' '}] {text}" for done, text in ticks),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _what(looked: Looked) -> list[str]:
    groups = [(heading, wording.summary(found)) for heading, found in wording.grouped(looked.compared.changes)]
    shown = [f"- {markdown.code(heading)} {markdown.prose(said, 300)}" for heading, said in groups[:_MOST]]
    rest = len(groups) - _MOST
    return [_BEGIN, *shown, *([f"- and {rest} more"] if rest > 0 else []), _mark(title(looked.compared.changes)), _END]


def _mark(name: str) -> str:
    """Tells whether a title is still the one that was made here: then it follows the changes."""
    return f"<!-- title {hashlib.sha256(name.encode()).hexdigest()[:16]} -->"


def _counted(found: Sequence[Problem], what: str) -> str:
    return f"{len(found)} {what}{'s' * (len(found) != 1)}" if found else ""


def _renewed(old: str, new: str) -> str:
    """The text that somebody may have written on, with the changes as they are now."""
    pattern = re.compile(re.escape(_BEGIN) + ".*?" + re.escape(_END), re.DOTALL)
    fresh = pattern.search(new)
    if fresh is None or not pattern.search(old):
        return new
    return pattern.sub(lambda _: fresh[0], old, count=1)
