"""Filling in the facts of a release from its sources: revisions, sizes, digests, whether they ask for an agreement.

Nothing is guessed: what a source does not say stays absent, with a warning. A digest that changed under the same
revision is an alarm, never an update.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from galleryctl import document
from galleryctl.authoring.listing import listed
from galleryctl.document import DELETE
from galleryctl.errors import GalleryError, UsageError
from galleryctl.fetch import FetchError
from galleryctl.hubs import loaded, shapes
from galleryctl.problems import Position, Problem
from galleryctl.spec import Hub, Limits, Release

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from galleryctl.document import Document, Pointer
    from galleryctl.hubs import Hub as Asked
    from galleryctl.hubs import RemoteFile, Snapshot
    from galleryctl.spec import Variant
    from galleryctl.spec.release import Draft, Lora

PINNED = ("huggingface", "modelscope")
"""Sources that say which commit, sizes and digests they have."""
_SMALL = 16 * 2**20
"""Bytes of a file that is read to know its digest."""
_ORDER = {
    (): tuple(Release.model_fields),
    ("hub",): ("repo", "revision", "file", "parts_file", "parts", "projectors", "draft", "gated"),
    ("variant",): ("key", "format", "parameters", "active", "engines", "quantizations", "sources", "files"),
}


@dataclass
class Pins:
    """What sources say of one release: values by the place where they belong, warnings, alarms."""

    values: dict[Pointer, Any] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    alarms: list[Problem] = field(default_factory=list)
    asked: int = 0


def pin(source: Document, hub: Callable[[str], Asked], *, shown: str, now: dt.datetime) -> Pins:
    """Ask the sources of a release. `shown` is its path for people; raises `GalleryError` where one gives no answer."""
    pins = Pins()
    release = _typed(source)
    for index, variant in enumerate(release.variants):
        _Variant(source, ("variants", index), variant, hub, pins, shown).pin()
    if pins.asked:
        pins.values["checked",] = now.date().isoformat()
    return pins


def applied(parsed: Document, pins: Pins) -> str:
    """The release's text with its facts; comments and order stay."""
    for pointer, value in pins.values.items():
        order = _ORDER.get(() if len(pointer) == 1 else ("variant",) if pointer[-1] == "files" else ("hub",), ())
        edits = document.assign(parsed, pointer, value, order=order)
        again, _ = document.parse(parsed.path, document.splice(parsed, edits).encode(), Limits())
        if again is None:
            raise AssertionError("unreachable: an assignment keeps a document readable")
        parsed = again
    return parsed.text


def _typed(source: Document) -> Release:
    try:
        return Release.model_validate_json(json.dumps(source.data))
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise UsageError(f"{source.path}: {where} cannot be read; see: galleryctl check") from None


class _Variant:
    def __init__(
        self,
        source: Document,
        pointer: Pointer,
        variant: Variant,
        hub: Callable[[str], Asked],
        pins: Pins,
        shown: str,
    ) -> None:
        self._source = source
        self._pointer = pointer
        self._variant = variant
        self._hub = hub
        self._pins = pins
        self._shown = shown
        self._snapshots: dict[tuple[str, str, str | None], Snapshot] = {}
        self._still = not (variant.sources and (variant.sources.oci or variant.sources.object))
        """Whether every source stays at the revision that the release has."""

    def pin(self) -> None:
        sources = self._variant.sources
        hubs = sources.hubs() if sources else {}
        for kind in hubs.keys() - set(PINNED):
            self._warn(f"{kind} is not asked; its revision and digests stay as they are")
        now: dict[str, tuple[Hub, Snapshot]] = {}
        for kind in PINNED:
            if kind in hubs and (found := self._revision(kind, hubs[kind])) is not None:
                now[kind] = hubs[kind], found
        if sources and sources.oci:
            now["oci"] = self._image(sources.oci.image)
        if sources and sources.object:
            prefix = sources.object.prefix
            now["object"] = Hub(repo=prefix), self._ask("object", prefix, None)
        if now and not self._pins.alarms:
            self._files(now)

    def _image(self, image: str) -> tuple[Hub, Snapshot]:
        """An artifact by the digest that its tag has now; one without a tag stays what it is."""
        name, _, digest = image.partition("@")
        tagged = ":" in name.rpartition("/")[2]
        found = self._ask("oci", name, None if tagged or not digest else digest)
        if found.revision and found.revision != digest:
            self._pins.values[*self._pointer, "sources", "oci", "image"] = f"{name}@{found.revision}"
        return Hub(repo=name), found

    def _warn(self, text: str) -> None:
        self._pins.warnings[f"{self._variant.name}: {text}"] = None

    def _ask(self, kind: str, repo: str, revision: str | None) -> Snapshot:
        if (kind, repo, revision) not in self._snapshots:
            self._pins.asked += 1
            try:
                self._snapshots[kind, repo, revision] = self._hub(kind).snapshot(repo, revision)
            except FetchError as error:
                raise GalleryError(
                    f"{error}; nothing was written. The same command with --offline copies the release as it is"
                ) from error
        return self._snapshots[kind, repo, revision]

    def _revision(self, kind: str, hub: Hub) -> Snapshot | None:
        """The source as the release shall have it; its commit, flag, and those of what is added, are kept as values."""
        place = (*self._pointer, "sources", kind)
        if "{" in hub.repo:
            self._warn(f"{hub.repo} stands for several repositories, which no revision pins")
            return None
        fixed = shapes.commit(hub.revision) is not None
        found = self._ask(kind, hub.repo, None if fixed else hub.revision)
        if fixed and found.revision is None:  # its files may be of any commit: the pinned one is what is released
            found = self._ask(kind, hub.repo, hub.revision)
        if fixed:
            self._compare(kind, hub, found)
        self._still = self._still and fixed and found.revision in {None, hub.revision}
        self._put((*place, "revision"), hub.revision, found.revision, f"{hub.repo} has no commits")
        if found.gated is not None and found.gated is not bool(hub.gated):
            self._pins.values[*place, "gated"] = True if found.gated else DELETE
        for name, more, where in self._added(hub, place):
            if more.repo and "{" not in more.repo:
                branch = None if shapes.commit(more.revision) else more.revision or None
                commit = self._ask(kind, more.repo, branch).revision
                self._put((*where, "revision"), more.revision, commit, f"{name}: {more.repo} has no commits")
        return found

    def _added(self, hub: Hub, place: Pointer) -> Iterator[tuple[str, Draft | Lora, Pointer]]:
        if hub.draft:
            yield "draft", hub.draft, (*place, "draft")
        if hub.lora:
            yield "lora", hub.lora, (*place, "lora")
        elif self._variant.lora and place[-1] == PINNED[0]:  # beside the sources: one commit for all of them
            yield "lora", self._variant.lora, (*self._pointer, "lora")

    def _put(self, pointer: Pointer, before: str | None, after: str | None, why_not: str) -> None:
        if after is None:
            self._warn(why_not)
        elif after != before:
            self._pins.values[pointer] = after

    def _compare(self, kind: str, hub: Hub, head: Snapshot) -> None:
        """What the pinned commit has today, beside what the release says that it had."""
        try:
            same = head.revision in {None, hub.revision}
            then = head if same else self._hub(kind).snapshot(hub.repo, hub.revision)
        except FetchError as error:
            self._warn(f"the pinned revision of {hub.repo} could not be compared: {error}")
            return
        for quantization, group in self._variant.files.items():
            for index, file in enumerate(group):
                known = None if file.url else then.file(file.path)
                stated = shapes.digest(file.sha256)
                if known is None or stated is None:
                    continue
                digest = known.sha256 or self._digest(then, known)
                other = digest is None and file.size is not None and known.size not in {None, file.size}
                if other or digest not in {None, stated}:
                    place = (*self._pointer, "files", quantization, index, "sha256")
                    has = f"{known.size:,} bytes" if other else f"the digest {digest}"
                    here = f"{file.size:,}" if other else stated
                    message = (
                        f"{file.path} has {has} at {kind}:{hub.repo}, here {here}; "
                        f"the revision {hub.revision} is the same"
                    )
                    self._alarm(
                        "FIL002", place, message, "find out which bytes were reviewed before releasing anything"
                    )

    def _alarm(self, code: str, pointer: Pointer, message: str, fix: str) -> None:
        place = self._source.locate(pointer) if pointer else Position()
        self._pins.alarms.append(Problem(self._shown, place.line, place.column, code, message, fix))

    def _files(self, hubs: Mapping[str, tuple[Hub, Snapshot]]) -> None:
        (first, (hub, found)), *others = hubs.items()
        for quantization in self._variant.quantizations or tuple(self._variant.files) or ("default",):
            facts = self._facts(quantization, hub, found)
            for kind, (other, again) in others:
                offered = other.quantizations or self._variant.quantizations
                if not offered or quantization in offered:
                    facts = self._agreed(quantization, facts, (first, kind), self._facts(quantization, other, again))
            if facts:
                self._group(quantization, facts)
            else:
                self._warn(f"{found.repo} has no files for {quantization}, or does not list them; nothing is changed")

    def _facts(self, quantization: str, hub: Hub, found: Snapshot) -> dict[str, dict[str, Any]]:
        """Path → role, size and digest of what the source has."""
        facts = {}
        for each in listed(self._variant, hub, quantization, found):
            if each.known is None:
                self._warn(f"{found.repo} has no file {each.path}")
                continue
            digest = each.known.sha256 or self._digest(found, each.known)
            known = {"path": each.path, "role": each.role, "size": each.known.size, "sha256": digest}
            facts[each.path] = {name: value for name, value in known.items() if value is not None}
            if digest is None:
                self._warn(f"{found.kind} states no digest of {each.path}")
        return facts

    def _digest(self, found: Snapshot, file: RemoteFile) -> str | None:
        """Small files beside the weights are read: hubs state digests of large ones only."""
        if file.size is None or file.size > _SMALL:
            return None
        try:
            data = self._hub(found.kind).read(found, file.path, limit=_SMALL)
        except FetchError:
            return None
        return hashlib.sha256(data).hexdigest() if len(data) == file.size else None

    def _agreed(
        self,
        quantization: str,
        facts: dict[str, dict[str, Any]],
        kinds: tuple[str, str],
        others: Mapping[str, Mapping[str, Any]],
    ) -> dict[str, dict[str, Any]]:
        """Facts that hold for both sources; what one lacks the other may know. Weights that differ are an alarm."""
        agreed = dict(facts)
        for path, one in facts.items():
            two = others.get(path)
            if two is None:
                continue
            ours, theirs = one.get("sha256"), two.get("sha256")
            if ours and theirs and ours != theirs:
                if loaded.holds_weights(path):
                    message = f"{path} has the digest {ours} at {kinds[0]} and {theirs} at {kinds[1]}"
                    fix = "make two variants of them, each with a key"
                    self._alarm("SRC009", (*self._pointer, "sources"), f"{quantization}: {message}", fix)
                else:
                    self._warn(f"{path} differs between {kinds[0]} and {kinds[1]}, so it is not listed")
                    del agreed[path]
            else:
                agreed[path] = {**two, **one}
        return agreed

    def _group(self, quantization: str, facts: Mapping[str, dict[str, Any]]) -> None:
        """Where the same files are listed, only what changed of them; else the whole list, with what people added."""
        place = (*self._pointer, "files", quantization)
        stated = self._variant.files.get(quantization, ())
        kept = {file.path: file.model_dump(exclude_unset=True) for file in stated}
        if self._still:  # what the source no longer says of the same commit is true all the same
            facts = {path: {**_said(kept.get(path, {})), **fact} for path, fact in facts.items()}
        own = [file for file in stated if file.url]
        if [file.path for file in stated if not file.url] == list(facts):
            positions = {file.path: index for index, file in enumerate(stated)}
            for path, fact in facts.items():
                for name in ("size", "sha256"):
                    if fact.get(name) != kept[path].get(name):
                        self._pins.values[*place, positions[path], name] = fact.get(name, DELETE)
            return
        added = {path: {name: kept[path][name] for name in ("as",) if name in kept.get(path, {})} for path in facts}
        group = [_in_order({**fact, **added[path]}) for path, fact in facts.items()]
        group += [_in_order(kept[file.path]) for file in own]
        if not self._variant.files:  # the first list of this variant: its map is made with it
            self._pins.values.setdefault((*self._pointer, "files"), {})[quantization] = group
        else:
            self._pins.values[place] = group


def _said(file: Mapping[str, Any]) -> dict[str, Any]:
    return {name: file[name] for name in ("size", "sha256") if file.get(name) is not None}


def _in_order(fact: Mapping[str, Any]) -> dict[str, Any]:
    names: Sequence[str] = ("path", "as", "url", "role", "size", "sha256")
    return {name: fact[name] for name in names if fact.get(name) is not None}
