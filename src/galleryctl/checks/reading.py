"""One model folder, or one file beside the models: bytes → document → typed value, and everything wrong on the way.

A file that is broken hides only itself: the other files of its folder are still checked.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from galleryctl import document as documents
from galleryctl import layout
from galleryctl.checks import blocks, catalogue, near
from galleryctl.checks.fitting import Misfit, fit
from galleryctl.checks.rule import Finding, Subject
from galleryctl.checks.structure import migrated
from galleryctl.layout import Place
from galleryctl.problems import Position, Problem, Severity
from galleryctl.spec import Definition, Frozen, Model, Release

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from galleryctl.checks.rule import Context
    from galleryctl.document import Document
    from galleryctl.git import Tree, TreeEntry
    from galleryctl.spec import Policy

T = TypeVar("T", bound=Frozen)
_LFS = b"version https://git-lfs"


@dataclass(frozen=True)
class Reading:
    """What became of one model folder. Without a `subject` there is no entry, and at least one problem."""

    subject: Subject | None
    problems: tuple[Problem, ...]
    cards: Mapping[str, str] = field(default_factory=dict)
    """Model cards by language."""

    @property
    def definition(self) -> Definition | None:
        return self.subject.definition if self.subject else None


def typed(path: str, tree: Tree, form: type[T], policy: Policy) -> tuple[T | None, Document | None, list[Problem]]:
    """Read a file beside the models as a type. `path` is that of the tree."""
    try:
        raw = tree.read(path)
    except ValueError:
        return None, None, _judged([_too_large(path)], policy)
    document, problems = documents.parse(path, raw, policy.limits)
    if document is None:
        return None, None, _judged(problems, policy)
    document, found = migrated(document, form)
    fitted = fit(document, form)
    problems = _merged(problems, document, [*found, *fitted.misfits])
    return fitted.value, document, _judged(problems, policy)


def definition(tree: Tree, name: str, place: Place, files: Mapping[str, TreeEntry], context: Context) -> Reading:
    """Read one model folder. `name` is the registry's folder in the tree, `files` the folder's files by name."""
    return _Folder(tree, name, place, files, context).read()


class _Folder:
    def __init__(self, tree: Tree, name: str, place: Place, files: Mapping[str, TreeEntry], context: Context) -> None:
        self._tree = tree
        self._place = place
        self._root = layout.folder(place.type, place.id)
        self._prefix = f"{name}/{self._root}/" if name else f"{self._root}/"
        self._files = files
        self._context = context
        self._type = context.types.get(place.type)
        self._documents: dict[str, Document] = {}
        self._texts: dict[str, str] = {}
        self._blobs: dict[str, bytes] = {}
        self._cards: dict[str, str] = {}
        self._problems: list[Problem] = []

    def read(self) -> Reading:
        model: Model | None = None
        releases: dict[str, Release] = {}
        for file in sorted(self._files):
            found = layout.place(f"{self._root}/{file}")
            if found is None or not self._files[file].regular:
                continue
            if found.kind == "model":
                model = self._fit(file, Model) or model
            elif found.kind == "release":
                release = self._fit(file, Release)
                if release is not None:
                    releases[found.version] = release
            else:
                self._beside(file, found)
        problems = tuple(_judged(self._problems, self._context.policy))
        if model is None or self._type is None:
            return Reading(None, problems, self._cards)
        subject = Subject(
            place=Place("model", type=self._place.type, publisher=self._place.publisher, name=self._place.name),
            root=self._root,
            files=self._files,
            documents=self._documents,
            texts=self._texts,
            blobs=self._blobs,
            definition=Definition(model=model, releases=releases),
            context=self._context,
        )
        return Reading(subject, problems, self._cards)

    def _bytes(self, file: str, most: int) -> bytes | None:
        path = self._prefix + file
        if self._files[file].size > most:
            return None
        try:
            return self._tree.read(path)
        except ValueError:
            return None

    def _fit(self, file: str, form: type[T]) -> T | None:
        path = self._prefix + file
        raw = self._bytes(file, documents.MOST)
        if raw is None:
            self._problems.append(_too_large(path))
            return None
        if raw.startswith(_LFS):
            self._problems.append(_pointer_file(path))
            return None
        document, problems = documents.parse(path, raw, self._context.policy.limits)
        if document is None:
            self._problems += problems
            return None
        document, misfits = migrated(document, form)
        fitted = fit(document, form, self._type.schema.get("properties", ()) if self._type else ())
        misfits += fitted.misfits
        value: T | None = fitted.value
        if form is Release:
            unfit = self._blocks(document)
            misfits += unfit
            value, document = _without(value, document, unfit)
        self._problems += _merged(problems, document, misfits)
        if value is not None:
            self._documents[file] = document
        return value

    def _blocks(self, document: Document) -> list[Misfit]:
        """`spec` and overlays against their schemas."""
        found: list[Misfit] = []
        data, path = document.data, document.path
        if self._type and isinstance(data.get("spec", {}), dict):
            if "spec" in data:
                found += (
                    Misfit(*each, sure=each[0] != "SCH005")
                    for each in blocks.findings(document, ("spec",), self._type.schema, "SCH005")
                )
            elif required := self._type.schema.get("required"):
                message = f"`spec` is missing; the type {self._type.name} needs {near.listing(required)}"
                found.append(Misfit("SCH005", Finding(path, (), message, f"add `spec: {{{required[0]}: …}}`")))
        overlays = data.get("runtimes", {})
        for runtime in overlays if isinstance(overlays, dict) else ():
            found += self._overlay(document, runtime)
        return found

    def _overlay(self, document: Document, runtime: str) -> Iterable[Misfit]:
        known, enabled = self._context.runtimes, self._context.settings.runtimes
        pointer = ("runtimes", runtime)
        if runtime not in known:
            meant = near.guess(runtime, known)
            fix = f"write `{meant}`" if meant else f"use {near.listing(known)}"
            message = f"`{runtime}` is no runtime of this gallery"
            return [Misfit("SCH006", Finding(document.path, pointer, message, fix, at="key"))]
        found = [
            Misfit(*each, sure=each[0] != "SCH005")
            for each in blocks.findings(document, pointer, known[runtime], "SCH006")
        ]
        origin = document.data.get("origin")
        scene = origin.get("scene") if isinstance(origin, dict) else None
        found += [Misfit(*each) for each in blocks.elsewhere(document, pointer, known[runtime], scene)]
        if enabled and runtime not in enabled:
            message = f"the runtime `{runtime}` is not enabled, so nobody reads this"
            fix = f"remove it, or add {runtime} to `runtimes` of gallery.yaml"
            found.append(Misfit("SCH006", Finding(document.path, pointer, message, fix, at="key")))
        return found

    def _beside(self, file: str, place: Place) -> None:
        """Cards, templates and covers."""
        limits = self._context.policy.limits
        raw = self._bytes(file, max(limits.card, limits.cover) * 4)
        if raw is None:
            return
        if raw.startswith(_LFS):
            self._problems.append(_pointer_file(self._prefix + file))
        elif place.kind == "cover":
            self._blobs[file] = raw
        else:
            self._text(file, raw, place)

    def _text(self, file: str, raw: bytes, place: Place) -> None:
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            message = f"not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}"
            self._problems.append(Problem(self._prefix + file, line, 1, "YML005", message, "save the file as UTF-8"))
            return
        self._texts[file] = text
        if place.kind == "card":
            self._cards[place.language or self._context.settings.default_language] = text


def _without(value: Any, document: Document, misfits: Iterable[Misfit]) -> tuple[Any, Document]:  # noqa: ANN401
    """A release and its data without those parts of its blocks that do not fit: other rules may trust the rest."""
    gone = {found.finding.pointer[:2] for found in misfits if len(found.finding.pointer) > 1}
    if value is None or not gone:
        return value, document
    spec = {key: member for key, member in value.spec.items() if ("spec", key) not in gone}
    runtimes = {key: member for key, member in value.runtimes.items() if ("runtimes", key) not in gone}
    data = document.data | {
        key: member for key, member in (("spec", spec), ("runtimes", runtimes)) if key in document.data
    }
    # With its nodes, for what was taken out of the data stands in the file all the same.
    document = replace(document, data=data, composed=document.root)
    return value.model_copy(update={"spec": spec, "runtimes": runtimes}), document


def _pointer_file(path: str) -> Problem:
    message = "a pointer of Git LFS: the content itself is not in the repository"
    return Problem(path, 1, 1, "PTH006", message, "commit the file itself: git lfs untrack, then add it again")


def _too_large(path: str) -> Problem:
    return Problem(path, 1, 1, "YML011", "too large to read", "split it, or move long text to README.md")


def _merged(problems: list[Problem], document: Document, misfits: Iterable[Misfit]) -> list[Problem]:
    """What the reader said and what does not fit. Of two about one place the one that knows what is meant stays."""
    places: dict[Position, Problem] = {}
    for problem in problems:
        if problem.code in {"YML006", "YML007", "YML009", "YML010", "YML014"}:
            places[Position(problem.line, problem.column)] = problem
    found = list(problems)
    for code, finding, sure in misfits:
        place = document.locate(finding.pointer, finding.at)
        earlier = places.get(place)
        if earlier and finding.at == "value" and code != "SCH002":
            if not sure:
                continue
            found.remove(earlier)
        fits = Problem(document.path, *place, code, finding.message, finding.fix, Severity.ERROR, finding.edits)
        found.append(fits)
    return found


def _judged(problems: Iterable[Problem], policy: Policy) -> list[Problem]:
    return sorted(catalogue.judged(problems, policy))
