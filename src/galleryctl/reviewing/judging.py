"""From two revisions and what the forge recorded to a verdict. Nothing of a head is checked out, nothing of it runs.

What cannot be read, merged or compared raises: a failure on our side is never a verdict, and so never a success.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from galleryctl import canonical, changes, checks, git, policy, report
from galleryctl.errors import GalleryError, GitError, UsageError
from galleryctl.loading import comparing
from galleryctl.problems import Problem

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from galleryctl.checks.rule import Finding, Ledger
    from galleryctl.git import Proposed
    from galleryctl.loading.comparing import Compared
    from galleryctl.policy import Need, Verdict
    from galleryctl.spec.review import Pull


@dataclass(frozen=True)
class Judged:
    """A verdict, and what it was reached on."""

    verdict: Verdict
    compared: Compared
    base: str
    """Commit of the default branch that it was judged on."""
    head: str
    """Commit that was judged: approvals, status and merge name it."""
    merged: str | None
    """Commit that the merge would give; none where it conflicts."""
    conflicts: tuple[str, ...]
    """Paths that both sides changed differently."""
    commits: tuple[Proposed, ...]
    """What the head brings, oldest first."""

    @property
    def files(self) -> int:
        """How many files it touches."""
        return len(self.compared.comparison.touched)


def judge(  # noqa: PLR0913 - one for each input
    root: Path,
    name: str,
    *,
    base: str,
    head: str,
    pull: Pull,
    now: dt.datetime,
    ledger: Ledger | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Judged:
    """Judge what merging `head` into `base` would do to the registry `root/name`.

    Raises `GitError` for an unknown revision, or a history that is not whole. A proposal that is more than is read, or
    that leaves no registry that can be read, fails; a base that cannot be read raises.
    """
    onto, proposed = git.resolve(root, base), git.resolve(root, head)
    compare = partial(comparing.compare, root, name, base=onto, now=now, ledger=ledger, jobs=jobs, progress=progress)
    merged = git.Merged(None, ())
    commits: tuple[Proposed, ...] = ()
    broken: tuple[Problem, ...] = ()
    try:
        merged = git.merged(root, onto, proposed)
        if merged.commit is None and not merged.conflicts:
            raise GitError(f"git merges {head} into {base} neither cleanly nor with conflicts: update git")
        commits = git.commits(root, onto, proposed)
        compared = compare(merged=merged.commit or onto)
    except GalleryError as error:
        broken = _broken(error, f"{name}/gallery.yaml")
        if not broken:
            raise
        merged = merged._replace(commit=None)
        compared = compare(merged=onto)  # base can be read, so it is the proposal that cannot
    verdict = policy.judge(
        compared.comparison,
        broken or (() if merged.conflicts else compared.problems),
        pull,
        head=proposed,
        commits=commits,
        now=now,
        conflicts=merged.conflicts,
        place=_placed(compared),
    )
    return Judged(verdict, compared, onto, proposed, merged.commit, merged.conflicts, commits)


def _broken(error: GalleryError, path: str) -> tuple[Problem, ...]:
    """What the author of a proposal has to mend; nothing where the failure is ours."""
    if isinstance(error, git.ExcessError):
        return (Problem(path, 1, 1, "PRQ001", str(error), "begin again from the default branch, with less"),)
    if type(error) in {GalleryError, UsageError}:
        return (Problem(path, 1, 1, "YML001", f"after the merge, {error}", "restore it"),)
    return ()


def _placed(compared: Compared) -> Callable[[Iterable[tuple[str, Finding]]], list[Problem]]:
    tree, name, documents = compared.tree, compared.comparison.name, compared.merged.governance.documents
    governed = compared.comparison.base.context.policy
    return lambda found: checks.place(found, tree, name, documents, governed)


def as_json(judged: Judged) -> dict[str, Any]:
    """The machine form, which is part of the contract."""
    verdict = judged.verdict
    return {
        "state": verdict.state,
        "lane": verdict.lane,
        "turn": verdict.turn,
        "waiting_on": list(verdict.waiting_on),
        "why": verdict.why,
        "earliest": canonical.moment(verdict.earliest) if verdict.earliest else None,
        "approvals": [_need(need) for need in verdict.approvals],
        "changes": [changes.as_json(change) for change in verdict.changes],
        "problems": [report.as_json(problem) for problem in verdict.problems],
        "kinds": list(verdict.kinds),
        "risks": list(verdict.risks),
        "overrides": [{"code": each.code, "by": each.by, "reason": each.reason} for each in verdict.overrides],
        "passed_over": [{"lane": each.lane, "reason": each.reason} for each in verdict.passed_over],
        "base": judged.base,
        "head": judged.head,
        "merged": judged.merged,
        "conflicts": list(judged.conflicts),
    }


def _need(need: Need) -> dict[str, Any]:
    return {
        "role": need.role,
        "action": need.action,
        "subject": need.subject,
        "of": list(need.of),
        "count": need.count,
        "given": list(need.given),
        "missing": need.missing,
    }
