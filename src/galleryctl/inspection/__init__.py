"""What sources say and what their files would do, gathered for the rules that need it: `check --online`.

It reads with the rights of nobody: no credentials, no private addresses, limits on everything. It reports and never
rewrites. A danger is an error, so the check fails, the pull request cannot be merged, and its machine forms (JSON,
GitHub, SARIF) carry the finding to whoever reads them: that is how it reaches the owners.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from galleryctl import checks, git, layout
from galleryctl.inspection.asking import Asks
from galleryctl.inspection.gathering import gather
from galleryctl.inspection.kept import Kept
from galleryctl.parallel import together
from galleryctl.problems import Severity

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping

    from galleryctl.checks.rule import Subject
    from galleryctl.git import Tree
    from galleryctl.loading import Loaded
    from galleryctl.problems import Problem

__all__ = ["Asks", "Kept", "online", "scan", "subjects"]
_DANGERS = {"SEC002", "SEC003", "SEC006", "TPL003"}


def online(
    name: str,
    loaded: Loaded,
    tree: Tree,
    asks: Asks,
    *,
    now: dt.datetime,
    wanted: Callable[[str], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Problem, ...]:
    """What the rules about sources find in the models whose folders are `wanted`, or in all.

    `tree` is what was loaded. Scanners and limits are those of the governance that it was judged by.
    """
    found = list(subjects(tree, name, loaded, now=now, wanted=wanted))
    problems: set[Problem] = set()
    for done, some in enumerate(together(lambda subject: _judged(subject, asks, name), found), start=1):
        problems |= set(some)
        if progress:
            progress(done, len(found))
    return tuple(sorted(problems))


def _judged(subject: Subject, asks: Asks, name: str) -> list[Problem]:
    return checks.online_rules(subject, gather(subject, asks), name)


def subjects(
    tree: Tree, name: str, loaded: Loaded, *, now: dt.datetime, wanted: Callable[[str], bool] | None = None
) -> Iterator[Subject]:
    """Model folders, read and typed as the rules want them; one that is broken is left out: its errors are told."""
    context = replace(loaded.world.context, now=now)
    folders: dict[str, dict[str, git.TreeEntry]] = {}
    for path, entry in tree.entries(f"{name}/models" if name else "models").items():
        folder, _, file = path.removeprefix(f"{name}/").rpartition("/")
        folders.setdefault(folder, {})[file] = entry
    for folder, files in sorted(folders.items()):
        place = layout.model_in(folder)
        if place is None or (wanted is not None and not wanted(f"{name}/{folder}" if name else folder)):
            continue
        if subject := checks.definition(tree, name, place, files, context).subject:
            yield subject


def scan(
    kind: str, identifier: str, files: Mapping[str, bytes], asks: Asks, *, loaded: Loaded, now: dt.datetime
) -> tuple[Problem, ...]:
    """Dangers of a model that is not in the registry yet: `files` are those of its folder by name.

    Pickles, remote code, templates, flags of the hub. Scanners of the policy are not run: `check --online` does that.
    Paths of the problems are relative to the registry.
    """
    folder = layout.folder(kind, identifier)
    tree = git.Unwritten({f"{folder}/{name}": data for name, data in files.items()})
    place = layout.model_in(folder)
    if place is None:
        raise AssertionError(f"unreachable: {folder} is no folder of a model")
    context = replace(loaded.world.context, now=now)
    entries = {path.rpartition("/")[2]: entry for path, entry in tree.entries().items()}
    subject = checks.definition(tree, "", place, entries, context).subject
    if subject is None:
        return ()
    found = checks.online_rules(subject, gather(subject, asks, dangers_only=True), "")
    return tuple(problem for problem in found if problem.code in _DANGERS and problem.severity is not Severity.NOTE)
