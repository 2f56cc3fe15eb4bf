"""A change of the registry before it is made: what it writes and takes, what that means, what speaks against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl import document, git, loading, parallel
from galleryctl.authoring import arriving, taking
from galleryctl.authoring.editing import Change
from galleryctl.authoring.files import Files, Overlay
from galleryctl.checks.rule import Ledger
from galleryctl.errors import OutputError, UsageError
from galleryctl.loading import comparing
from galleryctl.problems import Problem, Severity
from galleryctl.spec import Limits, Model, Release

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from galleryctl.authoring.depending import Dependent
    from galleryctl.gallery import Entry
    from galleryctl.git import Tree
    from galleryctl.layout import Place
    from galleryctl.loading import Loaded

_CONSENT = frozenset({"LIF006", "LIF008"})
"""What approvals of the pull request answer: no reason not to propose it."""


class Changed(NamedTuple):
    """What was done: all that a pull request for it needs."""

    paths: tuple[str, ...]
    """Files and folders that were written or are gone, relative to the folder above the registry."""
    title: str
    """One line: `Withdraw acme/tiny: broken weights`."""
    body: str
    """Markdown: the reason, and what it means."""


@dataclass(frozen=True)
class Plan:
    """Nothing is done before `carry_out`. Without `texts` and `gone` the registry says so already."""

    files: Files
    title: str
    changes: tuple[Change, ...]
    """Fields, with before and after."""
    told: tuple[str, ...]
    """What it means for users and runtimes: sentences."""
    texts: Mapping[str, str]
    """What is written, by path relative to the registry."""
    gone: tuple[str, ...] = ()
    """Files and folders that go, relative to the registry."""
    refused: tuple[Problem, ...] = ()
    """Errors that it would bring into its own files: then it is not carried out."""
    caused: tuple[Problem, ...] = ()
    """What a check will say of other files, and which approvals it will ask for."""
    entry: Entry | None = None
    """The model as it is."""
    dependents: tuple[Dependent, ...] = ()
    note: str = ""
    """More for the reviewers; not published."""
    branch: str = "main"
    """Where the pull request goes."""

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(f"{self.files.name}/{path}" for path in (*self.gone, *self.texts))

    def carry_out(self) -> Changed:
        """Write and take away, all or nothing."""
        if self.refused:
            raise UsageError(f"{self.refused[0].code} {self.refused[0].message}")
        self._refuse_stale()
        if self.gone:
            taking.take(self.files.registry, self.gone, self.texts, arriving.mend)
        else:
            self.files.write(self.texts)
        lines = [*([self.note, ""] if self.note else []), *(f"* {line}" for line in self.told)]
        return Changed(self.paths, self.title, "\n".join(lines) + "\n")

    def _refuse_stale(self) -> None:
        """Raise `OutputError` where somebody changed these files since the plan was made."""
        now = Files(self.files.registry).entries
        for path in {**self.files.entries, **now}:
            ours = path in self.texts or any(path == each or path.startswith(f"{each}/") for each in self.gone)
            if ours and now.get(path) != self.files.entries.get(path):
                raise OutputError(
                    f"{self.files.name}/{path} was changed in the meantime: nothing was done; run it again"
                )


class Judged(NamedTuple):
    """A registry as it is and as it would be."""

    before: Loaded
    after: Loaded
    new: tuple[Problem, ...]
    """What a check would say that it does not say now; notes left out."""


def judged(files: Files, changed: Mapping[str, str | None], now: dt.datetime) -> Judged:
    """Check the registry as it is and as these texts would make it, against the checked-out commit where there is one.

    None stands for a file that would be gone.
    """
    over = {f"{files.name}/{path}": None if text is None else text.encode() for path, text in changed.items()}
    overlay = Overlay(files.tree, over)
    base = git.at(files.root, "HEAD") if files.committed else None
    jobs = parallel.default_jobs()
    old = loading.load(files.root, files.name, now=now, revision="HEAD", tree=base, jobs=jobs) if base else None
    if old is not None and files.entries == files.committed:  # as it nearly always is
        before, known = old, old.problems
    else:
        before, known = _checked(files, files.tree, old, base, now)
    after, found = _checked(files, overlay, old, base, now)
    said = {(problem.path, problem.code, problem.message) for problem in known}
    new = (problem for problem in found if (problem.path, problem.code, problem.message) not in said)
    return Judged(before, after, tuple(problem for problem in new if problem.severity is not Severity.NOTE))


def _checked(
    files: Files, tree: Tree, old: Loaded | None, base: Tree | None, now: dt.datetime
) -> tuple[Loaded, tuple[Problem, ...]]:
    jobs = parallel.default_jobs()
    loaded = loading.load(files.root, files.name, now=now, tree=tree, base=old, jobs=jobs)
    if old is None or base is None:
        return loaded, loaded.problems
    made = comparing.of(old, loaded, base, tree, name=files.name, now=now, ledger=Ledger(), alone=True)
    return loaded, made.problems


def split(new: Sequence[Problem], own: Sequence[str]) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Errors in these files, which forbid it; and what will be said elsewhere."""
    refused = [
        problem
        for problem in new
        if problem.path in own and problem.severity is Severity.ERROR and problem.code not in _CONSENT
    ]
    return tuple(refused), tuple(problem for problem in new if problem not in refused)


def whole(loaded: Loaded, place: Place, version: str = "") -> Entry:
    """The model; `UsageError` where it, or this release of it, cannot be read."""
    entry = loaded.gallery.by_id.get(place.id)
    if entry is None or (version and version not in entry.outline.releases):
        what = f"{place.id}@{version}" if version else place.id
        raise UsageError(f"{what} has errors, so nobody can say what this would mean; galleryctl check names them")
    return entry


class Target(NamedTuple):
    """A model, or one release of it, and the file that says what it is."""

    files: Files
    place: Place
    version: str
    """Empty for the model."""
    path: str
    """Relative to the registry."""

    @property
    def id(self) -> str:
        return self.place.id

    @property
    def text(self) -> str:
        """`acme/tiny`, or `acme/tiny@1.0.0`."""
        return f"{self.id}@{self.version}" if self.version else self.id


def target(registry: Path, identifier: str) -> Target:
    """What `ID` or `ID@VERSION` names; `UsageError` where it is not there."""
    files = Files(registry.resolve())
    name, _, version = identifier.partition("@")
    place = files.find(name)
    if not version:
        if "@" in identifier:
            raise UsageError(f"{identifier} names no version: write {name}@1.0.0, or {name} for the whole model")
        return Target(files, place, "", files.model_file(place))
    releases = files.releases(place)
    if version not in releases:
        raise UsageError(f"{name} has no release {version}; it has {', '.join(releases) or 'none'}")
    return Target(files, place, version, releases[version])


def of_model(registry: Path, identifier: str, verb: str) -> Target:
    """As `target`, where only a whole model can be meant."""
    found = target(registry, identifier)
    if found.version:
        raise UsageError(f"{verb} is about a whole model: galleryctl {verb} {found.id}")
    return found


def because(reason: str | None, command: str) -> str:
    """The reason; `UsageError` where there is none."""
    text = " ".join((reason or "").split())
    if not text:
        raise UsageError(
            f'a reason is missing (LIF002): users see it, and act by it; add one sentence: {command} --reason "…"'
        )
    return text


def assigned(files: Files, path: str, wanted: Mapping[str, Any]) -> tuple[str, tuple[Change, ...]]:
    """The text of a definition with these fields set or deleted, comments and order kept; and what differs then."""
    parsed = files.document(path)
    before = parsed.data
    order = tuple((Model if path.rpartition("/")[2].startswith("model.") else Release).model_fields)
    for field, value in wanted.items():
        text = document.splice(parsed, document.assign(parsed, (field,), value, order=order))
        again, problems = document.parse(path, text.encode(), Limits())
        if again is None:
            raise UsageError(f"{field} cannot be set so: {problems[0].message}")
        parsed = again
    after = parsed.data
    changes = [
        Change(field, before.get(field), after.get(field)) for field in wanted if before.get(field) != after.get(field)
    ]
    return parsed.text if changes else files.document(path).text, tuple(changes)
