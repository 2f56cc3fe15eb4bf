"""Base and merged tree, loaded by the same function: their changes, and the problems of the way from one to the other.

* The merged tree counts, never the head: a head that is merely behind undoes nothing.
* Governance is that of base. Where the other side has another one, it is also read as it would be after the merge, and
  errors that are new then count as well.
* A problem that base has too, in a file that nobody touched, is a note: it is not the author's to mend here.
* Nothing is parsed of a proposal of more files than anybody reviews.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from galleryctl import changes, checks, git, loading, parallel
from galleryctl.checks.rule import Comparison, Finding, Ledger
from galleryctl.errors import GitError
from galleryctl.gallery import Gallery
from galleryctl.loading import governance
from galleryctl.loading.store import Store
from galleryctl.problems import Problem, Severity
from galleryctl.spec import Policy, Roles, Settings, Taxonomy

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from galleryctl.changes import Change, Side
    from galleryctl.git import Tree
    from galleryctl.loading import Loaded

_READ = 5_000
"""Files of one proposal that are read in any case; more where the policy of base allows a tenth of them."""


class ConflictError(GitError):
    """Base and head changed the same files: its author has to merge them."""

    exit_code: ClassVar[int] = 1

    def __init__(self, paths: Iterable[str], base: str, steps: str = "") -> None:
        """With the `steps` that help, where they are others than to merge and push."""
        self.paths = tuple(paths)
        listed = "".join(f"\n  {_shown(path)}" for path in self.paths)
        remote, _, branch = base.partition("/")
        fetch = f"  git fetch {remote} {branch}\n" if branch and remote != "refs" else ""
        super().__init__(
            f"{base} changed the same files:{listed}\n{steps}"
            if steps
            else f"{base} changed the same files:{listed}\n"
            f"update your branch:\n{fetch}  git merge {base}\n"
            "then mend what is between the marks `<<<<<<<` and `>>>>>>>`, and:\n"
            "  git add --all\n  git commit --signoff --no-edit\n  git push"
        )


@dataclass(frozen=True)
class Compared:
    """Two revisions of a registry, and what is between them."""

    base: Loaded
    merged: Loaded
    comparison: Comparison
    problems: tuple[Problem, ...]
    """Of the merged tree, and of the way to it; sorted."""
    tree: Tree
    """The merged tree."""

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.comparison.changes


@git.steady()
@parallel.uncollected()
def compare(  # noqa: PLR0913 - which trees, and how to read them
    root: Path,
    name: str,
    *,
    base: str,
    merged: str | None = None,
    head: str | None = None,
    now: dt.datetime,
    ledger: Ledger | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Compared:
    """Compare a base with what a proposal would make of it.

    The proposal is a `head` that is merged here, or a revision that was `merged` before, or the files on disk. Raises
    `ConflictError` where a merge has to be made by hand, `GitError` for an unknown revision or a git that cannot merge,
    `UsageError` where the proposal has no registry.
    """
    if head is not None:
        found = git.merged(root, base, head)
        if found.commit is None:
            raise ConflictError(found.conflicts, base)
        merged = found.commit
    before = git.at(root, base, kept=Store(git.private(root)))
    after = git.at(root, merged, like=before) if merged else _proposed(root, name, before, base)
    governed = _has_registry(before, name)
    touched = git.touched(before, after)
    if governed:
        old = loading.load_base(root, name, before, now=now, revision=base, jobs=jobs, progress=progress)
        most = max(_READ, 10 * old.world.context.policy.limits.files)
        if len(touched) > most:
            return _unread(old, after, touched, name=name, now=now, ledger=ledger or Ledger())
        new = loading.load(root, name, now=now, revision=merged, jobs=jobs, progress=progress, tree=after, base=old)
    else:
        new = loading.load(root, name, now=now, revision=merged, jobs=jobs, progress=progress, tree=after)
        old = _nothing(new, name)
    made = of(old, new, before, after, name=name, now=now, ledger=ledger or Ledger())
    if not new.foreign:
        return made
    own = loading.load(root, name, now=now, revision=merged, jobs=jobs, progress=progress, tree=after)
    return replace(made, problems=tuple(sorted({*made.problems, *_added(own, made)})))


def of(
    old: Loaded,
    new: Loaded,
    before: Tree,
    after: Tree,
    *,
    name: str,
    now: dt.datetime,
    ledger: Ledger,
    alone: bool = False,
) -> Compared:
    """Compare what was loaded; `new` was judged by the governance of `old`. With `alone` no file beside it counts."""
    touched = git.touched(before, after)
    if alone:
        touched = frozenset(path for path in touched if path.startswith(f"{name}/"))
    comparison = Comparison(
        base=old.world,
        merged=new.world,
        changes=changes.between(_side(old, old, name), _side(new, old, name), touched=touched, name=name),
        touched=touched,
        name=name,
        ledger=ledger,
        now=now,
    )
    policy = old.world.context.policy
    found = checks.place(checks.compared_findings(comparison), after, name, new.governance.documents, policy)
    problems = {*_baseline(new.problems, old.problems, touched), *found}
    return Compared(old, new, comparison, tuple(sorted(problems)), after)


def _proposed(root: Path, name: str, before: Tree, base: str) -> Tree:
    fork = git.merge_base(root, base, "HEAD") if git.head(root) else None
    if fork is None:
        raise GitError(f"what is checked out has nothing in common with {base}: start a branch from it, git switch -c")
    found = git.proposed(root, before, fork, name)
    if found.conflicts:
        raise ConflictError(found.conflicts, base)
    return found


def _has_registry(tree: Tree, name: str) -> bool:
    paths = tree.entries()
    return f"{name}/gallery.yaml" in paths or f"{name}/gallery.json" in paths


def _nothing(new: Loaded, name: str) -> Loaded:
    """The registry before the first pull request, which is judged by itself: nobody else governs it yet."""
    empty = governance.Governance(Settings(title=name), Roles(), Policy(), Taxonomy())
    world = replace(new.world, gallery=Gallery(()), consumers={}, tombstones={}, documents={}, paths={})
    return replace(new, gallery=Gallery(()), governance=empty, problems=(), folders=0, world=world, known={})


def _unread(
    old: Loaded, after: Tree, touched: frozenset[str], *, name: str, now: dt.datetime, ledger: Ledger
) -> Compared:
    """What can be said of so many files without reading one: that they are too many, and where they may not lie.

    Nobody sets that aside: rules that protect others were not asked.
    """
    paths = {path.removeprefix(f"{name}/"): entry for path, entry in after.entries(name).items()}
    policy = old.world.context.policy
    inside = (path.removeprefix(f"{name}/") for path in touched if path.startswith(f"{name}/"))
    first = _shown(min(inside, default="gallery.yaml"))
    message = f"{len(touched):,} files differ and {policy.limits.files} are allowed; none of them was read"
    fix = "split it into several pull requests"
    several = Finding(first, (), message, fix, position=(1, 1))
    unread = Finding(first, (), "too many files to read: what they break is not known", fix, position=(1, 1))
    found = [*checks.path_findings(paths, old.world.context), ("PRQ001", several), ("YML011", unread)]
    problems = {
        replace(problem, severity=Severity.ERROR) if problem.code == "PRQ001" else problem
        for problem in checks.place(found, after, name, {}, policy)
    }
    problems = set(_baseline(problems, old.problems, touched))
    comparison = Comparison(old.world, replace(old.world, paths=paths), (), touched, name, ledger, now)
    return Compared(old, old, comparison, tuple(sorted(problems)), after)


def _added(own: Loaded, made: Compared) -> Iterator[Problem]:
    """Errors that the proposal's own governance brings about."""
    known = {_same(problem) for problem in (*made.problems, *made.base.problems)}
    for problem in own.problems:
        if problem.severity is Severity.ERROR and _same(problem) not in known:
            yield replace(problem, message=f"{problem.message} (by the rules of this pull request)")


def _side(loaded: Loaded, base: Loaded, name: str) -> Side:
    """What the files of a revision say, its own governance included: what is proposed is compared as well.

    Of a file that cannot be read nobody knows what is proposed: it is told as a file, not as if all in it were gone.
    """
    wrong = {problem.path for problem in loaded.governance.problems if problem.severity is Severity.ERROR}

    def own(file: str) -> governance.Governance:
        broken = not wrong.isdisjoint({f"{name}/{file}.yaml", f"{name}/{file}.json"})
        return base.governance if broken else loaded.governance

    return replace(
        loaded.world.side,
        settings=own("gallery").settings,
        roles=own("roles").roles,
        policy=own("policy").policy,
        taxonomy=own("taxonomy").taxonomy,
        types=loaded.types,
    )


def _baseline(found: Iterable[Problem], before: Iterable[Problem], touched: frozenset[str]) -> Iterator[Problem]:
    known = {_same(problem) for problem in before}
    for problem in found:
        # What is said of the pull request itself (PRQ) is never base's.
        old = problem.path not in touched and not problem.code.startswith("PRQ") and _same(problem) in known
        yield replace(problem, severity=Severity.NOTE) if old and problem.severity is not Severity.NOTE else problem


def _same(problem: Problem) -> tuple[str, str, str]:
    return problem.path, problem.code, problem.message


def _shown(path: str) -> str:
    """A path as text: bytes that are not UTF-8, and what would move a terminal's cursor, are spelt out."""
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
