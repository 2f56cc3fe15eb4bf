"""What a comparison does to those who read the gallery: what each runtime's export and each consumer would see.

Exporters run over the changed models alone, once as base has them and once as the merged tree has them. Which runtimes
there are is governance: it counts as it stands in base.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from galleryctl import changes, exports
from galleryctl.audience import View
from galleryctl.changes import Kind
from galleryctl.gallery import Gallery, expire
from galleryctl.spec import localised

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from galleryctl.changes import Change
    from galleryctl.checks.rule import Comparison, World
    from galleryctl.exports import Exports
    from galleryctl.gallery import Entry, Outline
    from galleryctl.runtimes import Native
    from galleryctl.spec import Status
    from galleryctl.spec.governance import Pin

Outcome = Literal["added", "removed", "changed", "left out"]
Fate = Literal["removed", "quarantined", "discontinued", "deprecated", "reinstated", "changed", "moved"]

_UNFELT = ("notes", "reason", "checked", "released")
"""Fields of a release that no service notices."""


@dataclass(frozen=True, slots=True, order=True)
class Reach:
    """What the export for one runtime would see of one model."""

    runtime: str
    model: str
    outcome: Outcome
    files: tuple[str, ...] = ()
    """Published paths that come, go or differ: files of the model alone, then those it has an entry in."""
    left: tuple[str, ...] = ()
    """What is left out afterwards, with the reason: `8b-gguf Q4_K_M: …`, or the reason alone for the whole model."""


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """A service whose pin is concerned."""

    service: str
    model: str
    version: str
    """Version that it pins; empty where it takes the newest."""
    fate: Fate
    before: str = ""
    """What it gets in base: a version, for a pin of the newest, else the status."""
    after: str = ""
    """The same in the merged tree; empty where it gets nothing."""
    title: str = ""
    """Name of the service."""
    owners: tuple[str, ...] = ()
    """Its people and groups of `roles.yaml`."""


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes of all files of all releases of one model that come and go, by digest, or by path where there is none."""

    model: str
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Effects:
    """What a comparison does to runtimes and consumers; sorted, empty where nobody would notice."""

    runtimes: tuple[str, ...]
    """Runtimes that were asked."""
    reaches: tuple[Reach, ...]
    hits: tuple[Hit, ...]
    weights: tuple[Weight, ...]

    @property
    def added(self) -> int:
        """Bytes that come."""
        return sum(weight.added for weight in self.weights)

    @property
    def removed(self) -> int:
        """Bytes that go."""
        return sum(weight.removed for weight in self.weights)


def of(comparison: Comparison, *, jobs: int = 1) -> Effects:
    """The effects of a comparison, for somebody who may see all of it."""
    concerned = set(changes.of_models(comparison.changes)) | set(_former(comparison.changes))
    old, new = (_view(world, comparison, concerned) for world in (comparison.base, comparison.merged))
    names = exports.enabled(old)
    with exports.prepared(old, names, jobs=jobs) as before, exports.prepared(new, names, jobs=jobs) as after:
        reaches = [reach for model in sorted(concerned) for reach in _reaches(model, before, after)]
    weights = [
        _weight(model, old.gallery.by_id.get(model), new.gallery.by_id.get(model)) for model in sorted(concerned)
    ]
    return Effects(
        names,
        tuple(sorted(reaches)),
        tuple(sorted(_hits(comparison, concerned))),
        tuple(weight for weight in weights if weight.added or weight.removed),
    )


def _former(found: Iterable[Change]) -> Iterator[str]:
    """Ids under which renamed models were known."""
    return (str(change.before) for change in found if change.kind is Kind.MODEL_RENAMED)


def _view(world: World, comparison: Comparison, concerned: Collection[str]) -> View:
    context = comparison.base.context
    entries = [entry for model in concerned if (entry := world.gallery.by_id.get(model))]
    return View(
        gallery=Gallery.of(entries).at(comparison.now.date()),
        settings=context.settings,
        taxonomy=world.context.taxonomy,
        types=context.types,
        publishers=world.context.publishers,
        consumers=world.consumers,
        tombstones=world.tombstones,
        now=comparison.now,
    )


def _reaches(model: str, before: Exports, after: Exports) -> Iterator[Reach]:
    old = {native.runtime: native for native in before.native(model)}
    new = {native.runtime: native for native in after.native(model)}
    for runtime in before.runtimes:
        one, other = old.get(runtime), new.get(runtime)
        had, has = _contents(model, one, before), _contents(model, other, after)
        left = tuple(_left(other)) if other else ()
        if had == has and (had or (one is not None and tuple(_left(one)) == left)):
            continue
        if not had and not has:
            if left:
                yield Reach(runtime, model, "left out", (), left)
            continue
        outcome: Outcome = "changed" if had and has else "added" if has else "removed"
        paths = [path for path in dict.fromkeys([*had, *has]) if had.get(path) != has.get(path)]
        yield Reach(runtime, model, outcome, tuple(paths), left)


def _contents(model: str, native: Native | None, made: Exports) -> Mapping[str, bytes | None]:
    """What a model gives to each file of a runtime, by published path."""
    if native is None:
        return {}
    return {path: made.store.data(path, made.keys[model]) for path in (*native.files, *native.shared)}


def _left(native: Native) -> Iterator[str]:
    for variant, quantization, reason in native.left:
        what = " ".join(part for part in (variant, quantization) if part)
        said = localised(reason, "en", "en")
        yield f"{what}: {said}" if what else said


def _weight(model: str, before: Entry | None, after: Entry | None) -> Weight:
    old, new = _files(before), _files(after)
    return Weight(
        model,
        added=sum(size for key, size in new.items() if key not in old),
        removed=sum(size for key, size in old.items() if key not in new),
    )


def _files(entry: Entry | None) -> dict[str, int]:
    if entry is None:
        return {}
    releases = entry.document().releases
    return {
        file.sha256 or f"{version} {variant.name} {file.path}": file.size or 0
        for version, release in releases.items()
        for variant in release.variants
        for group in variant.files.values()
        for file in group
    }


def _hits(comparison: Comparison, concerned: Collection[str]) -> Iterator[Hit]:
    """Pins of base are judged: a pin that goes together with its release was somebody's all the same."""
    today = comparison.now.date()
    old, new = comparison.base.gallery, comparison.merged.gallery
    for service, consumer in comparison.base.consumers.items():
        for pin in consumer.pins:
            before, after = old.find(pin.model), new.find(pin.model)
            if before is None or before.id not in concerned:
                continue
            outline = expire(after, today).outline if after else None
            felt = _felt(comparison.changes, (after or before).id)
            hit = _fate(pin, expire(before, today).outline, outline, felt)
            if hit is not None:
                title = localised(consumer.title, "en", comparison.base.context.settings.default_language)
                yield Hit(service, pin.model, pin.version or "", *hit, title, consumer.owners)


def _fate(pin: Pin, old: Outline, new: Outline | None, felt: Collection[str]) -> tuple[Fate, str, str] | None:
    """What becomes of a pin, and what it gets before and after; none where the service notices nothing."""
    version = pin.version
    if new is None:
        return "removed", version or old.latest or "", ""
    if version is None:
        return _newest(old, new, felt)
    was, now = old.releases.get(version), new.releases.get(version)
    if was is None:  # the pin led nowhere before
        return None
    if now is None:
        return "removed", was, ""
    if was != now:
        return _named(now), was, now
    return ("changed", was, now) if version in felt else None


def _newest(old: Outline, new: Outline, felt: Collection[str]) -> tuple[Fate, str, str] | None:
    was, now = old.latest, new.latest
    if was is None:
        return ("reinstated", "", now) if now else None
    if now is None:
        return (_named(new.releases[was]) if was in new.releases else "removed"), was, ""
    if was != now:
        return "moved", was, now
    return ("changed", was, now) if now in felt else None


def _named(status: Status) -> Fate:
    return "reinstated" if status == "active" else status


def _felt(found: Iterable[Change], model: str) -> frozenset[str]:
    """Releases of a model that a service would find changed."""
    return frozenset(
        change.version
        for change in found
        if change.subject == model and change.kind is Kind.RELEASE_CHANGED and change.pointer[0] not in _UNFELT
    )
