"""What the last commit of a model changed, in words: its folder before and after, read from git's objects.

* Told once for each commit and kept in the git directory; it can be deleted at any time.
* A step that changed who may see the model says nothing: what it was before was not everybody's to know.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from galleryctl import canonical, changes, checks, git, layout
from galleryctl.changes import Side, wording
from galleryctl.errors import GitError
from galleryctl.gallery import Entry, Gallery
from galleryctl.loading.rows import _inlined, basis

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from galleryctl.changes import Change
    from galleryctl.checks.rule import Context
    from galleryctl.gallery import Outline
    from galleryctl.git import TreeEntry

Lines = tuple[str, ...]
_NAME = "past-1.sqlite"
_MOST = 6
"""Lines that are told of one commit."""
_SPARE = 8  # times as many rows as one run uses: other audiences and revisions are built in turn
_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)  # what was changed does not depend on the day


def told(root: Path, name: str, entries: Sequence[Entry], context: Context) -> dict[str, Lines]:
    """Lines by id for those of these models that a commit changed after it brought them."""
    steady = replace(context, now=_ANY_DAY, publishers={})
    start = basis(steady, name)
    keys = {
        entry.id: canonical.digest(f"{start}\0{entry.outline.type}\0{entry.id}\0{entry.outline.commit}".encode())
        for entry in entries
        if entry.outline.commit and entry.outline.updated != entry.outline.added
    }
    store = _Store(git.private(root))
    known = store.get(keys.values())
    fresh = {
        keys[entry.id]: _lines(root, name, entry.outline, steady)
        for entry in entries
        if entry.id in keys and keys[entry.id] not in known
    }
    if fresh:
        store.put(fresh, keys.values())
    found = {model: (known | fresh)[key] for model, key in keys.items()}
    return {model: lines for model, lines in found.items() if lines}


def _lines(root: Path, name: str, outline: Outline, context: Context) -> Lines:
    try:
        before, after = (_side(root, name, outline, f"{outline.commit}{step}", context) for step in ("^", ""))
    except GitError:  # the first commit has none before it, and a commit may be gone
        return ()
    if before is None or after is None or _apart(before, after):
        return ()
    lines = list(dict.fromkeys(wording.of(change) for change in _of(before, after)))
    if len(lines) > _MOST:
        lines[_MOST - 1 :] = [f"and {len(lines) - _MOST + 1} more"]
    return tuple(lines)


def _of(before: Side, after: Side) -> list[Change]:
    return wording.ordered(changes.between(before, after))


def _apart(before: Side, after: Side) -> bool:
    """Whether others see the model now, or that cannot be ruled out."""
    (one,), (other,) = ([entry.outline for entry in side.gallery] for side in (before, after))
    owned = one.visibility == "private" and set(one.maintainers) != set(other.maintainers)
    return owned or (one.visibility, set(one.allowed)) != (other.visibility, set(other.allowed))


def _side(root: Path, name: str, outline: Outline, revision: str, context: Context) -> Side | None:
    """The registry with this model alone; none where it cannot be read any more."""
    folder = layout.folder(outline.type, outline.id)
    tree = git.at(root / name / folder, revision)
    files = {path: entry for path, entry in tree.entries().items() if "/" not in path and entry.regular}
    texts: dict[str, bytes] = {}
    for path in files:
        with suppress(ValueError):  # too large: it is as if it were not there
            texts[f"{folder}/{path}"] = tree.read(path)
    kept = {path: entry for path, entry in files.items() if f"{folder}/{path}" in texts}
    entry = _entry(git.Unwritten(texts), folder, kept, context)
    if entry is None:
        return None
    return Side(
        gallery=Gallery.of([entry]),
        settings=context.settings,
        roles=context.roles,
        policy=context.policy,
        taxonomy=context.taxonomy,
        types=context.types,
        publishers={},
        consumers={},
        tombstones={},
        paths={f"{folder}/{path}": entry for path, entry in kept.items()},
    )


def _entry(tree: git.Tree, folder: str, files: Mapping[str, TreeEntry], context: Context) -> Entry | None:
    place = layout.model_in(folder)
    if place is None:
        return None
    reading = checks.definition(tree, "", place, files, context)
    if reading.subject is None:
        return None
    definition = _inlined(reading.subject.definition, reading.subject.texts)
    cover = files["cover.webp"].blob if "cover.webp" in files else ""
    return Entry.of(place.id, place.type, definition, cards=reading.cards, cover=cover)


class _Store:
    """Lines by key; nothing where there is no place for it."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / _NAME if folder else None

    def get(self, keys: Iterable[str]) -> dict[str, Lines]:
        if self._path is None or not self._path.exists():
            return {}
        wanted = set(keys)
        try:
            with closing(sqlite3.connect(self._path)) as base:
                found = base.execute("SELECT key, lines FROM past")
                return {key: tuple(json.loads(lines)) for key, lines in found if key in wanted}
        except (sqlite3.Error, ValueError, TypeError):
            self._discard()
            return {}

    def put(self, fresh: Mapping[str, Lines], used: Iterable[str]) -> None:
        if self._path is None:
            return
        wanted = set(used)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path)) as base, base:
                base.execute("CREATE TABLE IF NOT EXISTS past (key TEXT PRIMARY KEY, lines BLOB)")
                rows = ((key, json.dumps(lines)) for key, lines in fresh.items())
                base.executemany("INSERT OR REPLACE INTO past VALUES (?, ?)", rows)
                known = [key for (key,) in base.execute("SELECT key FROM past")]
                if len(known) > _SPARE * max(len(wanted), 1):
                    base.executemany("DELETE FROM past WHERE key = ?", ((key,) for key in known if key not in wanted))
        except (sqlite3.Error, OSError):
            self._discard()

    def _discard(self) -> None:
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
