"""Choosing problems by file, and mending those with exactly one right answer."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from galleryctl import document, git, layout, output
from galleryctl.authoring.files import Files
from galleryctl.errors import UsageError
from galleryctl.problems import Edit, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from galleryctl.git import Tree


def within(
    problems: Sequence[Problem],
    paths: Sequence[Path],
    registry: Path,
    *,
    revision: str | None = None,
    tree: Tree | None = None,
) -> tuple[Problem, ...]:
    """The problems of these files and folders; all where none is named. A path that is not there is wrong usage.

    `tree` is what was read, where it was opened already.
    """
    if not paths:
        return tuple(problems)
    registry = registry.resolve()
    if tree is None:
        tree = git.at(registry.parent, revision) if revision else git.working(registry.parent)
    wanted = [_relative(path, registry) for path in paths]
    for path, given in zip(wanted, paths, strict=True):
        if path and not tree.entries(path) and not any(_inside(problem.path, path) for problem in problems):
            raise UsageError(f"{given} is no file of the registry{_instead(str(given), registry)}")
    return tuple(problem for problem in problems if any(_inside(problem.path, path) for path in wanted))


def touched(paths: Sequence[Path], registry: Path) -> Callable[[str], bool]:
    """Whether a folder, as problems name it, lies in one of these paths, or one of these in it."""
    wanted = [_relative(path, registry.resolve()) for path in paths]
    return lambda folder: any(_inside(folder, path) or _inside(path, folder) for path in wanted)


def _relative(path: Path, registry: Path) -> str:
    """A path as problems name it: relative to the folder above the registry, empty for that folder."""
    whole = path.parent.resolve() / path.name if path.name not in {"", ".."} else path.resolve()
    if registry.is_relative_to(whole):
        return registry.name
    if not whole.is_relative_to(registry):
        raise UsageError(f"{path} lies outside the registry {registry.name}{_instead(str(path), registry)}")
    return whole.relative_to(registry.parent).as_posix()


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _instead(given: str, registry: Path) -> str:
    """Where an id was given for a path, the path."""
    for place in Files(registry).models.get(given, ()):
        return f"; did you mean {registry.name}/{layout.folder(place.type, place.id)}?"
    return ""


def mend(registry: Path, problems: Iterable[Problem]) -> tuple[str, ...]:
    """Make the edits of every problem that has some; the files that changed. Load and call again until none changes.

    Of edits that overlap, the first stays. A release that is committed may be published: there only what makes it
    invalid is mended, and what changes no value.
    """
    files = Files(registry.resolve())
    edits: dict[str, list[Edit]] = defaultdict(list)
    for problem in problems:
        if problem.edits and _may(files, problem):
            edits[problem.path] += problem.edits
    changed = []
    for path, wanted in sorted(edits.items()):
        old = files.tree.read(path).decode()
        if output.replace(files.root / path, document.apply(old, wanted)):
            changed.append(path)
    return tuple(changed)


def _may(files: Files, problem: Problem) -> bool:
    path = problem.path.removeprefix(f"{files.name}/")
    place = layout.place(path)
    if place is None or place.kind != "release" or path not in files.committed:
        return True
    return problem.severity is Severity.ERROR or problem.code.startswith("YML")
