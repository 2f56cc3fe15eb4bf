"""A model before and after: what the rules about the way from base to the merged tree look at.

Only models with a file that differs are here, so a pull request costs what it touches. A rename is one pair: the old
id stands among the aliases of a model, and its folder is gone; nothing is guessed from likeness.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from galleryctl import layout
from galleryctl.spec import version_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from galleryctl.checks.rule import Comparison, World
    from galleryctl.gallery import Entry
    from galleryctl.spec import ModelDocument, Release

_DATA = (".yaml", ".json")


@dataclass(frozen=True)
class Pair:
    """One model in base and in the merged tree. `before` is none for a new one, `after` for one that cannot be read."""

    id: str
    """In base; of a new model in the merged tree."""
    before: Entry | None
    after: Entry | None
    comparison: Comparison
    touched: tuple[str, ...]
    """Names of the files that differ, in the folder of either side; sorted."""

    @cached_property
    def old(self) -> ModelDocument | None:
        return self.before.document() if self.before else None

    @cached_property
    def new(self) -> ModelDocument | None:
        return self.after.document() if self.after else None

    @cached_property
    def gone(self) -> bool:
        """Whether base has it, and the merged tree has neither the model nor one that took its id over."""
        return self.before is not None and self.after is None and not _has(self.comparison.merged, f"{self.root}/model")

    @property
    def renamed(self) -> bool:
        return self.before is not None and self.after is not None and self.before.id != self.after.id

    @property
    def root(self) -> str:
        """The folder in base; of a new model in the merged tree."""
        return _folder(self.before or self.after)

    @property
    def target(self) -> str:
        """The folder in the merged tree; that of base where it is gone."""
        return _folder(self.after or self.before)

    @property
    def model_file(self) -> str:
        """Path of the model's file in the merged tree; in base where it is gone."""
        entry, world = (self.after, self.comparison.merged) if self.after else (self.before, self.comparison.base)
        return data_path(world, f"{_folder(entry)}/model")

    @property
    def base_file(self) -> str:
        return data_path(self.comparison.base, f"{_folder(self.before or self.after)}/model")

    def release_file(self, version: str) -> str:
        """Path of a release in the merged tree."""
        return data_path(self.comparison.merged, f"{self.target}/{version}")

    def base_release_file(self, version: str) -> str:
        """Path of a release in base."""
        return data_path(self.comparison.base, f"{self.root}/{version}")

    @property
    def common(self) -> tuple[str, ...]:
        """Versions that both sides have, sorted."""
        if not (self.before and self.after):
            return ()
        return ordered(self.before.outline.releases.keys() & self.after.outline.releases.keys())

    @property
    def added(self) -> tuple[str, ...]:
        """Versions that only the merged tree has, sorted. One that could not be read in base is not new."""
        there = set(self.before.outline.releases) if self.before else set()
        base = self.comparison.base
        found = self.after.outline.releases if self.after else ()
        return ordered(each for each in found if each not in there and not _has(base, f"{self.root}/{each}"))

    @property
    def dropped(self) -> tuple[str, ...]:
        """Versions whose file only base has, sorted. One that cannot be read any more is not gone."""
        known = self.after.outline.releases if self.after else {}
        merged = self.comparison.merged
        found = self.before.outline.releases if self.before else ()
        return ordered(each for each in found if each not in known and not _has(merged, f"{self.target}/{each}"))

    @cached_property
    def ever(self) -> frozenset[str]:
        """Every version that was published under its id or an earlier one: by base, the ledger and tombstones."""
        base, merged = self.comparison.base, self.comparison.merged
        ids = {self.id}
        for entry in (self.before, self.after):
            ids |= {entry.id, *entry.outline.aliases} if entry else set()
        found = set(self.before.outline.releases) if self.before else set()
        for name in ids:
            found |= self.comparison.ledger.releases.get(name, frozenset())
            for world in (base, merged):
                found |= set(world.tombstones[name].releases) if name in world.tombstones else set()
        return frozenset(found)

    def release(self, version: str) -> Release | None:
        """A release as it is in the merged tree, else as it was in base."""
        for side in (self.new, self.old):
            if side and version in side.releases:
                return side.releases[version]
        return None

    def previous(self, version: str) -> str | None:
        """The highest release below a version."""
        known = {each for side in (self.after, self.before) if side for each in side.outline.releases}
        lower = [each for each in known if version_key(each) < version_key(version)]
        return max(lower, key=version_key) if lower else None


def ordered(versions: Iterable[str]) -> tuple[str, ...]:
    """Versions from the lowest to the highest."""
    return tuple(sorted(versions, key=version_key))


def data_path(world: World, stem: str) -> str:
    """A definition file by its path without the ending: as JSON where it is there so, else as YAML."""
    return f"{stem}.json" if f"{stem}.json" in world.paths else f"{stem}.yaml"


def _has(world: World, stem: str) -> bool:
    return any(f"{stem}{ending}" in world.paths for ending in _DATA)


def _folder(entry: Entry | None) -> str:
    if entry is None:
        raise AssertionError("unreachable: a pair has one side at least")
    return layout.folder(entry.outline.type, entry.id)


def touched(comparison: Comparison) -> Iterator[str]:
    """Paths of the registry that differ, relative to it; sorted."""
    prefix = f"{comparison.name}/" if comparison.name else ""
    return (path.removeprefix(prefix) for path in sorted(comparison.touched) if path.startswith(prefix))


def pairs(comparison: Comparison) -> tuple[Pair, ...]:
    """Every model that the pull request touches, sorted by id; found once for all rules."""
    known: dict[str, Any] = comparison.__dict__
    if "pairs" not in known:
        known["pairs"] = tuple(_pairs(comparison))
    found: tuple[Pair, ...] = known["pairs"]
    return found


def _pairs(comparison: Comparison) -> Iterator[Pair]:
    base, merged = comparison.base.gallery.by_id, comparison.merged.gallery.by_id
    names = _touched_names(comparison)
    heirs = {name: heir for name in names if name in base and name not in merged and (heir := _heir(comparison, name))}
    taken = {heir.id for heir in heirs.values()}
    for name in sorted(names):
        before, after = base.get(name), merged.get(name)
        if heir := heirs.get(name):
            yield Pair(name, before, heir, comparison, tuple(sorted({*names[name], *names.get(heir.id, ())})))
        elif before or (after and name not in taken):
            yield Pair(name, before, after, comparison, tuple(sorted(names[name])))


def _touched_names(comparison: Comparison) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in touched(comparison):
        folder, _, name = path.rpartition("/")
        if place := layout.model_in(folder):
            found.setdefault(place.id, set()).add(name)
    return found


def _heir(comparison: Comparison, name: str) -> Entry | None:
    """The model that took an id over: it names the old one among its aliases, and the old folder is gone."""
    old, merged = comparison.base.gallery.by_id[name], comparison.merged
    heir = merged.gallery.by_id.get(merged.gallery.aliases.get(name, ""))
    return heir if heir and not _has(merged, f"{_folder(old)}/model") else None
