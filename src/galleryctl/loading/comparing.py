"""Base and merged tree, loaded by the same function: their changes, and the problems of the way from one to the other.

A problem that base has too, in a file that nobody touched, is a note: it is not the author's to mend here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from galleryctl import changes, checks, git, loading
from galleryctl.checks.rule import Comparison, Ledger
from galleryctl.problems import Problem, Severity

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from galleryctl.changes import Change, Side
    from galleryctl.git import Tree
    from galleryctl.loading import Loaded


@dataclass(frozen=True)
class Compared:
    """Two revisions of a registry, and what is between them."""

    base: Loaded
    merged: Loaded
    comparison: Comparison
    problems: tuple[Problem, ...]
    """Of the merged tree, and of the way to it; sorted."""

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.comparison.changes


def compare(
    root: Path,
    name: str,
    *,
    base: str,
    merged: str | None,
    now: dt.datetime,
    ledger: Ledger | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Compared:
    """Compare two revisions, or a revision with the files on disk where `merged` is none.

    Changes run from `base` to `merged`: a head that is merely behind has to be merged first. Raises `GitError` for an
    unknown revision, `UsageError` where a revision has no registry.
    """
    before, after = git.at(root, base), git.at(root, merged) if merged else git.working(root)
    old = loading.load(root, name, now=now, revision=base, jobs=jobs, progress=progress, tree=before)
    new = loading.load(root, name, now=now, revision=merged, jobs=jobs, progress=progress, tree=after, base=old)
    return of(old, new, before, after, name=name, now=now, ledger=ledger or Ledger())


def of(old: Loaded, new: Loaded, before: Tree, after: Tree, *, name: str, now: dt.datetime, ledger: Ledger) -> Compared:
    """Compare what was loaded; `new` was judged by the governance of `old`."""
    touched = frozenset(_touched(before, after))
    comparison = Comparison(
        base=old.world,
        merged=new.world,
        changes=changes.between(_side(old), _side(new), touched=touched, name=name),
        touched=touched,
        name=name,
        ledger=ledger,
        now=now,
    )
    policy = old.world.context.policy
    found = checks.place(checks.compared_findings(comparison), after, name, new.governance.documents, policy)
    problems = {*_baseline(new.problems, old.problems, touched), *found}
    return Compared(old, new, comparison, tuple(sorted(problems)))


def _side(loaded: Loaded) -> Side:
    """What the files of a revision say, its own governance included: what is proposed is compared as well."""
    own = loaded.governance
    return replace(
        loaded.world.side,
        settings=own.settings,
        roles=own.roles,
        policy=own.policy,
        taxonomy=own.taxonomy,
        types=loaded.types,
    )


def _touched(before: Tree, after: Tree) -> Iterator[str]:
    old, new = before.entries(), after.entries()
    for path in chain(new, (path for path in old if path not in new)):
        one, other = old.get(path), new.get(path)
        if one is None or other is None or (one.mode, one.blob) != (other.mode, other.blob):
            yield path


def _baseline(found: Iterable[Problem], before: Iterable[Problem], touched: frozenset[str]) -> Iterator[Problem]:
    known = {(problem.path, problem.code, problem.message) for problem in before}
    for problem in found:
        old = problem.path not in touched and (problem.path, problem.code, problem.message) in known
        yield replace(problem, severity=Severity.NOTE) if old and problem.severity is not Severity.NOTE else problem
