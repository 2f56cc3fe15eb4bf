"""The files of a registry on disk, as an author sees and changes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from galleryctl import document, git, layout, loading, output
from galleryctl.errors import UsageError
from galleryctl.git import LIMIT, TreeEntry
from galleryctl.loading import governance
from galleryctl.problems import Problem, Severity
from galleryctl.spec import Limits, version_key

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from galleryctl.document import Document
    from galleryctl.git import Tree
    from galleryctl.layout import Place


@dataclass(frozen=True)
class Files:
    """A registry's folder. Paths are relative to it."""

    registry: Path
    """Absolute."""

    @property
    def root(self) -> Path:
        return self.registry.parent

    @property
    def name(self) -> str:
        return self.registry.name

    @cached_property
    def tree(self) -> Tree:
        return git.working(self.root)

    @cached_property
    def entries(self) -> Mapping[str, TreeEntry]:
        found = {path.removeprefix(f"{self.name}/"): entry for path, entry in self.tree.entries(self.name).items()}
        governance.require(found, self.name)
        return found

    @cached_property
    def models(self) -> Mapping[str, tuple[Place, ...]]:
        """Id → the folders that claim it: one, unless the registry is broken."""
        found: dict[str, dict[str, Place]] = {}
        for folder in {path.rpartition("/")[0]: None for path in self.entries}:
            if place := layout.model_in(folder):
                found.setdefault(place.id, {})[place.type] = place
        return {identifier: tuple(places.values()) for identifier, places in found.items()}

    def find(self, identifier: str) -> Place:
        """The one folder of a model; `UsageError` names the nearest ids."""
        places = self.models.get(identifier, ())
        if len(places) > 1:
            kinds = " and ".join(place.type for place in places)
            raise UsageError(
                f"{identifier} is there under {kinds}; an id belongs to one type: rename or remove one folder"
            )
        if not places:
            raise UsageError(f"there is no model {identifier}{near(identifier, self.models)}")
        return places[0]

    def releases(self, place: Place) -> dict[str, str]:
        """Version → path of each release of a model, newest first."""
        folder = layout.folder(place.type, place.id)
        found = {
            known.version: path
            for path in self.entries
            if path.startswith(f"{folder}/") and (known := layout.place(path)) and known.kind == "release"
        }
        return {version: found[version] for version in sorted(found, key=version_key, reverse=True)}

    def model_file(self, place: Place) -> str:
        """Path of `model.yaml` or `model.json`."""
        folder = layout.folder(place.type, place.id)
        paths = [path for name in ("model.yaml", "model.json") if (path := f"{folder}/{name}") in self.entries]
        if not paths:
            raise UsageError(f"{folder} has no model.yaml; write one, or start again with: galleryctl new")
        return paths[0]

    def document(self, path: str) -> Document:
        """One parsed file; `UsageError` with what is wrong where it cannot be read."""
        parsed, problems = document.parse(path, self.tree.read(f"{self.name}/{path}"), Limits())
        if parsed is None:
            first = next((problem for problem in problems if problem.severity is Severity.ERROR), problems[0])
            raise UsageError(
                f"{self.name}/{path}:{first.line}:{first.column}: {first.code} {first.message}; mend it first"
            )
        return parsed

    @cached_property
    def committed(self) -> Mapping[str, TreeEntry]:
        """What the checked-out commit has; nothing outside git."""
        if git.head(self.root) is None:
            return {}
        found = git.at(self.root, "HEAD").entries(self.name)
        return {path.removeprefix(f"{self.name}/"): entry for path, entry in found.items()}

    def broken_by(self, changed: Mapping[str, str], now: dt.datetime) -> tuple[Problem, ...]:
        """Errors that these texts would bring into their files, found by checking the registry as it would be."""
        paths = {f"{self.name}/{path}": text.encode() for path, text in changed.items()}
        after = self._errors(Overlay(self.tree, paths), paths, now)
        if not after:
            return ()
        before = {(problem.path, problem.code, problem.message) for problem in self._errors(self.tree, paths, now)}
        return tuple(problem for problem in after if (problem.path, problem.code, problem.message) not in before)

    def _errors(self, tree: Tree, paths: Iterable[str], now: dt.datetime) -> list[Problem]:
        wanted = set(paths)
        found = loading.load(self.root, self.name, now=now, tree=tree).problems
        return [problem for problem in found if problem.severity is Severity.ERROR and problem.path in wanted]

    def write(self, texts: Mapping[str, str]) -> None:
        for path, text in texts.items():
            output.replace(self.registry / path, text)


class Overlay:
    """A tree with some files as they would be; none stands for a file that would be gone."""

    root = None

    def __init__(self, tree: Tree, changed: Mapping[str, bytes | None]) -> None:
        self._tree = tree
        self._changed = changed

    def entries(self, under: str = "") -> Mapping[str, TreeEntry]:
        found = dict(self._tree.entries(under))
        for path, data in self._changed.items():
            if data is None:
                found.pop(path, None)
            elif not under or path == under or path.startswith(f"{under}/"):
                blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
                found[path] = TreeEntry("100644", len(data), blob)
        return dict(sorted(found.items()))

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        if path not in self._changed:
            return self._tree.read(path, limit)
        data = self._changed[path]
        if data is None:
            raise FileNotFoundError(path)
        return data


def near(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` for a message, empty where nothing is near."""
    found = get_close_matches(word, list(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(found)}?" if found else ""
