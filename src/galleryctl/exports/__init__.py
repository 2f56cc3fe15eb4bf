"""Native exports: the files under `/runtimes/<runtime>/`, each in the shape that its runtime reads.

* Exported is what lists show: listed, active or deprecated, not expired; of a model the newest release.
* A model is decoded once for all runtimes; what came of it is kept (`store`) until it changes.
* What an exporter leaves out it says why. Nothing that a runtime would refuse is published (`RefusedError`, RUN006).
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib import import_module
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from pydantic_core import from_json, to_json

from galleryctl import canonical, layout, parallel, resources
from galleryctl.errors import GalleryError, OutputError, UsageError
from galleryctl.exports.base import Item, Left
from galleryctl.exports.store import NAME, Kept, Store
from galleryctl.output import Output
from galleryctl.runtimes import Native
from galleryctl.runtimes.sentences import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from galleryctl.audience import View
    from galleryctl.exports.base import Exporter, Made
    from galleryctl.gallery import Entry

__all__ = ["EXPORTERS", "Exports", "RefusedError", "enabled", "exporter", "prepared"]

EXPORTERS: Mapping[str, str] = {
    "kserve": "kserve",
    "kubeflow": "kubeflow",
    "litellm": "litellm",
    "llama.cpp": "llama_cpp",
    "localai": "localai",
    "ollama": "ollama",
    "openai": "openai",
    "vllm": "vllm",
    "xinference": "xinference",
}
"""Modules by the name of the runtime; each is imported when it is asked for."""

_SAFE = re.compile(r"[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*(/[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*)*").fullmatch
_JUDGED = 4 * 2**20
"""Bytes of a file that is read again before it is published: what larger ones hold was judged when it was made."""
Names = tuple[tuple[str, ...], tuple[str, ...]]


class RefusedError(GalleryError):
    """A file that its runtime would refuse: a mistake of the exporter. `faults` says what is wrong with it."""

    def __init__(self, path: str, faults: Sequence[str]) -> None:
        super().__init__(path, tuple(faults))
        self.path = path
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return f"{self.path}: {'; '.join(self.faults)}"


class Shared(NamedTuple):
    """A file that models share: its published path, its digest and bytes, and how it is rendered."""

    path: str
    sha256: str
    length: int
    render: Callable[[], bytes]


class Report(NamedTuple):
    """What became of one model at one runtime."""

    id: str
    exported: bool
    left: tuple[Left, ...]


def exporter(name: str) -> Exporter:
    """The module of a runtime; `UsageError` where there is none."""
    if name not in EXPORTERS:
        from difflib import get_close_matches  # noqa: PLC0415 - on use

        near = get_close_matches(name, EXPORTERS, n=1, cutoff=0.4)
        meant = f", did you mean {near[0]}?" if near else "."
        raise UsageError(f"there is no export for {name!r}{meant} Known are {', '.join(sorted(EXPORTERS))}")
    return cast("Exporter", import_module(f"galleryctl.exports.{EXPORTERS[name]}"))


def enabled(view: View) -> tuple[str, ...]:
    """The runtimes of a gallery for which there is an exporter."""
    return tuple(name for name in dict.fromkeys(view.settings.runtimes) if name in EXPORTERS)


@contextmanager
def prepared(
    view: View,
    names: Sequence[str],
    *,
    folder: Path | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Exports]:
    """What the shown models give to these runtimes. `folder` keeps it for the next run; none keeps it for this one."""
    with TemporaryDirectory(prefix="galleryctl-") as temporary:
        store = Store((Path(temporary) if folder is None else folder) / NAME)
        yield _prepare(view, names, store, Path(temporary), jobs, progress)


def _prepare(
    view: View,
    names: Sequence[str],
    store: Store,
    staging: Path,
    jobs: int,
    progress: Callable[[int, int], None] | None,
) -> Exports:
    shown = view.shown if names else ()
    entries = sorted(shown, key=lambda entry: (not entry.outline.featured, entry.id))
    basis = canonical.digest("\0".join((resources.program(), *names)).encode())
    keys = [_key(basis, entry) for entry in entries]
    known = store.names(keys)
    missing = [index for index, key in enumerate(keys) if key not in known]

    def work(start: int, stop: int) -> list[Kept]:
        return [_make(entries[index], names) for index in missing[start:stop]]

    done = 0
    with parallel.uncollected(), store.keeping() as keep:
        for rows in parallel.map_chunks(work, len(missing), jobs):
            fresh = dict(zip((keys[index] for index in missing[done : done + len(rows)]), rows, strict=True))
            keep(fresh)
            known |= {key: row.names for key, row in fresh.items()}
            done += len(rows)
            if progress:
                progress(done, len(missing))
    if missing:
        store.forget(keys)
    ids = {entry.id: key for entry, key in zip(entries, keys, strict=True)}
    return Exports(view, tuple(names), store, ids, known, staging)


def _key(basis: str, entry: Entry) -> str:
    return canonical.digest(f"{basis}{entry.outline.sha256}{entry.outline.cover}".encode())


def _make(entry: Entry, names: Sequence[str]) -> Kept:
    """Everything that one model gives, for the store."""
    document = entry.document()
    version = entry.outline.latest or ""
    item = Item(entry.outline, document, version, document.releases[version])
    own: list[str] = []
    shared: list[str] = []
    left: dict[str, list[Left]] = {}
    data: dict[str, bytes] = {}
    for name in names:
        made = exporter(name).one(item)
        for file in made.files:
            path = layout.native(name, file.path)
            if not _SAFE(file.path):  # names come from overlays
                made = _without(made, file.path)
            elif path not in data:
                data[path] = file.data
                own.append(path)
        parts: dict[str, list[Any]] = {}
        for path, part in made.parts:
            parts.setdefault(layout.native(name, path), []).append(part)
        shared += parts
        data |= {path: to_json(found) for path, found in parts.items()}
        if made.left:
            left[name] = list(made.left)
    return Kept((tuple(own), tuple(shared)), to_json(left), data)


def _as_noted(path: str, sha256: str, render: Callable[[], bytes]) -> bytes:
    """The bytes whose digest is published already; the head is not true of any others."""
    data = render()
    if canonical.digest(data) != sha256:
        raise OutputError(f"{path} came out otherwise than before: remove what is kept in .git/galleryctl, build again")
    return data


def _without(made: Made, path: str) -> Made:
    from dataclasses import replace  # noqa: PLC0415 - rare

    return replace(made, left=(*made.left, Left("", "", say("no path", path=path))))


@lru_cache(256)
def _by_runtime(paths: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """Models of one kind have parts in the same files."""
    found: dict[str, tuple[str, ...]] = {}
    for path in paths:
        name = layout.runtime_of(path)
        found[name] = (*found.get(name, ()), path)
    return found


@dataclass(frozen=True)
class Exports:
    """What the shown models give to some runtimes: paths are at hand, contents are read back where they are needed."""

    view: View
    runtimes: tuple[str, ...]
    store: Store
    keys: Mapping[str, str]
    """Key of each shown model, featured first, then by id."""
    names: Mapping[str, Names]
    """By key, the published paths of a model's own files and of those it has a part in."""
    staging: Path
    """A folder for files that were rendered before they are written."""
    _memo: dict[str, Kept] = field(default_factory=dict, repr=False)

    def outputs(self) -> Iterator[Output]:
        """Every file of the runtimes, with its published path."""
        yield from self.own_files()
        for path, fingerprint, render in self._wholes():
            yield Output(path, fingerprint, render)

    def own_files(self) -> Iterator[Output]:
        """The files of single models."""
        taken: set[str] = set()
        for identifier, key in self.keys.items():
            for path in self.names[key][0]:
                if path.casefold() not in taken:  # of two with one name, the first; RUN003 tells it
                    taken.add(path.casefold())
                    yield Output(path, f"{key}{path}", partial(self._file, identifier, path))

    def shared_files(self, jobs: int = 1) -> tuple[Shared, ...]:
        """The files that models share, by digest: one whose parts changed is rendered here, and not again."""
        wholes = list(self._wholes())
        known = self.store.digests(fingerprint for _, fingerprint, _ in wholes)
        changed = [each for each in wholes if each[1] not in known]

        def work(start: int, stop: int) -> list[tuple[str, int]]:
            return [self._staged(fingerprint, render()) for _, fingerprint, render in changed[start:stop]]

        fresh: dict[str, tuple[str, int]] = {}
        for rows in parallel.map_chunks(work, len(changed), jobs, 1):
            fresh[changed[len(fresh)][1]] = rows[0]
        self.store.note(fresh)
        found = []
        for path, fingerprint, render in wholes:
            sha256, length = fresh.get(fingerprint) or known[fingerprint]
            staged = (self.staging / fingerprint).read_bytes
            again = staged if fingerprint in fresh else partial(_as_noted, path, sha256, render)
            found.append(Shared(path, sha256, length, again))
        return tuple(found)

    def _wholes(self) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
        """Path and fingerprint of each file that models share, and how it is rendered."""
        parts: dict[str, list[str]] = {}
        for identifier, key in self.keys.items():
            for path in self.names[key][1]:
                parts.setdefault(path, []).append(identifier)
        words = self.view.settings.model_dump_json()
        for path in dict.fromkeys([*self.shared(), *parts]):
            members = tuple(parts.get(path, ()))
            depends = "".join(self.keys[identifier] for identifier in members)
            fingerprint = canonical.digest(f"{resources.program()}{words}{path}{depends}".encode())
            yield path, fingerprint, partial(self._whole, layout.runtime_of(path), path, members)

    def _staged(self, fingerprint: str, data: bytes) -> tuple[str, int]:
        (self.staging / fingerprint).write_bytes(data)
        return canonical.digest(data), len(data)

    def shared(self) -> tuple[str, ...]:
        """Published paths of the files that models share, also where they are empty."""
        settings = self.view.settings
        return tuple(layout.native(name, path) for name in self.runtimes for path in exporter(name).shared(settings))

    def native(self, identifier: str) -> tuple[Native, ...]:
        """What each runtime gets of a model; nothing of one that is not shown."""
        key = self.keys.get(identifier)
        if key is None:
            return ()
        kept = self.store.left(key)
        left = from_json(self._made(identifier).left if kept is None else kept)
        own, shared = (_by_runtime(paths) for paths in self.names[key])
        return tuple(
            Native(
                name,
                own.get(name, ()),
                shared.get(name, ()),
                tuple((variant, quantization, reason) for variant, quantization, reason in left.get(name, ())),
            )
            for name in self.runtimes
        )

    def reports(self) -> Iterator[Report]:
        """What became of every shown model at the runtimes, in the order of the files."""
        for identifier in self.keys:
            for native in self.native(identifier):
                exported = bool(native.files or native.shared)
                yield Report(identifier, exported, tuple(Left(*each) for each in native.left))

    def _file(self, identifier: str, path: str) -> bytes:
        return self._judged(path, self._data(identifier, path))

    def _whole(self, name: str, path: str, members: Sequence[str]) -> bytes:
        outlines = self.view.gallery.by_id
        parts = (
            (outlines[identifier].outline, part)
            for identifier in members
            for part in from_json(self._data(identifier, path))
        )
        data = BytesIO()  # no list of the chunks beside the whole: an index may be large
        data.writelines(exporter(name).whole(layout.inside(path), parts, self.view.settings))
        return self._judged(path, data.getvalue())

    def _data(self, identifier: str, path: str) -> bytes:
        found = self.store.data(path, self.keys[identifier])
        return self._made(identifier).data[path] if found is None else found

    def _made(self, identifier: str) -> Kept:
        """A model that the store lost: several files ask for the same one in turn."""
        if identifier not in self._memo:
            self._memo.clear()
            self._memo[identifier] = _make(self.view.gallery.by_id[identifier], self.runtimes)
        return self._memo[identifier]

    def _judged(self, path: str, data: bytes) -> bytes:
        judge = getattr(exporter(layout.runtime_of(path)), "faults", None)
        if judge is not None and len(data) <= _JUDGED and (faults := judge(layout.inside(path), data)):
            raise RefusedError(path, faults)
        return data
