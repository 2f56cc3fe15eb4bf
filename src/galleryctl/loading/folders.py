"""Model folders before they are read: their place, their files by name, and what git says of them."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from galleryctl import layout
from galleryctl.spec import Provenance, is_version

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping, Sequence

    from galleryctl.git import Commit, TreeEntry
    from galleryctl.loading.rows import Known

_ODD = re.compile("[\udc80-\udcff]").search
"""Finds what stands for bytes that are not UTF-8: no document can hold them."""


@dataclass(frozen=True)
class Folder:
    """One model folder before it is read."""

    place: layout.Place
    files: Mapping[str, TreeEntry]
    provenance: Provenance | None
    published: Mapping[str, dt.datetime]

    @property
    def path(self) -> str:
        return layout.folder(self.place.type, self.place.id)


def of(paths: Mapping[str, TreeEntry], history: Mapping[str, Sequence[Commit]] | None, name: str) -> tuple[Folder, ...]:
    """Every model folder, with the provenance that the history of the registry's folder `name` gives it."""
    return tuple(_dated(place, files, history, name) for place, files in _grouped(paths, None))


def beside(
    paths: Mapping[str, TreeEntry], base: Mapping[str, Known], wanted: Collection[str] | None
) -> tuple[Folder, ...]:
    """The `wanted` model folders, or all, with the provenance that they have in a base."""
    found = []
    for place, files in _grouped(paths, wanted):
        known = base.get(layout.folder(place.type, place.id))
        provenance, published = known.dated() if known else (None, {})
        found.append(Folder(place, files, provenance, published))
    return tuple(found)


def differing(base: Mapping[str, TreeEntry], merged: Mapping[str, TreeEntry]) -> set[str]:
    """Folders in which a file differs, on either side."""
    found = {path for path, entry in merged.items() if (one := base.get(path)) is not entry and _unlike(one, entry)}
    found |= base.keys() - merged.keys()
    return {path.rpartition("/")[0] for path in found}


def _unlike(one: TreeEntry | None, other: TreeEntry) -> bool:
    return one is None or (one.mode, one.blob) != (other.mode, other.blob)


def _grouped(
    paths: Mapping[str, TreeEntry], wanted: Collection[str] | None
) -> list[tuple[layout.Place, dict[str, TreeEntry]]]:
    grouped: dict[str, dict[str, TreeEntry]] = defaultdict(dict)
    for path, entry in paths.items():
        folder, _, file = path.rpartition("/")
        if wanted is None or folder in wanted:
            grouped[folder][file] = entry
    return [
        (place, files)
        for folder, files in sorted(grouped.items())
        if (place := layout.model_in(folder)) and not _ODD(folder)  # paths are judged apart: nothing is silent
    ]


def _dated(
    place: layout.Place,
    files: Mapping[str, TreeEntry],
    history: Mapping[str, Sequence[Commit]] | None,
    name: str,
) -> Folder:
    if history is None:
        return Folder(place, files, None, {})
    prefix = f"{name}/{layout.folder(place.type, place.id)}"
    commits = {file: history.get(f"{prefix}/{file}", ()) for file in files}
    definition = next((commits[file] for file in ("model.yaml", "model.json") if commits.get(file)), ())
    if not definition:
        return Folder(place, files, None, {})
    newest = max((found[0] for found in commits.values() if found), key=lambda commit: commit.when)
    added = definition[-1]
    published = {
        version: found[-1].when
        for file, found in commits.items()
        if found and is_version(version := file.rpartition(".")[0]) and file.endswith((".yaml", ".json"))
    }
    provenance = Provenance(added=added.when, by=added.author, updated=newest.when, commit=newest.id)
    return Folder(place, files, provenance, published)
