"""Files of models in a mirror: each under its digest, below `weights/`, where every client finds it without being told.

What a run names is added; what the gallery revoked goes with the run that learns of it. Nothing else is removed unless
somebody asks for that: it was costly to fetch.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from galleryctl import layout
from galleryctl.client import pulling, sources, syncing
from galleryctl.client.errors import NoFitError, RefusedError
from galleryctl.client.references import parse
from galleryctl.errors import OutputError
from galleryctl.runtimes import targets

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from galleryctl.client import Gallery, Resolved
    from galleryctl.client.pulling import Progress
    from galleryctl.client.sources import Wanted
    from galleryctl.fetch.port import Streamer

EVERY = "all"
"""Stands for every listed model."""

_NAME = re.compile(r"weights/([0-9a-f]{2})/(\1[0-9a-f]{62})")


@dataclass(frozen=True, slots=True)
class Named:
    """What references stand for."""

    files: tuple[Wanted, ...]
    """Each digest once, under its name in a mirror."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weights:
    """What became of the files of a mirror."""

    files: int
    bytes: int
    """Of all files that were named."""
    fetched: int
    """Bytes that came over the wire."""
    removed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def named(
    gallery: Gallery, references: Iterable[str], *, own: Iterable[str] = (), allow_private: bool = False
) -> Named:
    """The files of every build of each release; of one build, where a reference names one.

    `own` are addresses that may have them too, as a mirror has. UnknownError, RefusedError: it may not be used;
    PullError: a definition names what leads elsewhere than it should.
    """
    files: dict[str, Wanted] = {}
    warnings: list[str] = []
    whole = [each.id for each in gallery.models()] if EVERY in (references := list(references)) else []
    for reference in dict.fromkeys([*(each for each in references if each != EVERY), *whole]):
        for build in _builds(gallery, reference, warnings, lenient=reference in whole):
            if not build.files:
                warnings.append(f"{build.id} {build.version}: records no files, so there is nothing to mirror")
                continue
            for file in sources.wanted(build, own=own, allow_private=allow_private):
                if file.sha256 is None:
                    warnings.append(f"{build.id} {build.version}: {file.path} has no recorded digest: not mirrored")
                else:
                    files.setdefault(file.sha256, replace(file, name=sources.weight(file.sha256)))
    return Named(tuple(files.values()), tuple(dict.fromkeys(warnings)))


def _builds(gallery: Gallery, reference: str, warnings: list[str], *, lenient: bool) -> Iterator[Resolved]:
    try:
        first = gallery.resolve(reference)
    except (RefusedError, NoFitError) as error:
        if not lenient:
            raise
        warnings.append(f"{error}: not mirrored")
        return
    warnings += first.warnings
    if parse(reference).build or first.release is None or not first.variant:
        yield first
        return
    for target in targets(first.id, first.type, first.version, first.release):
        try:
            yield gallery.resolve(f"{first.id}@{first.version}:{target.variant.name}-{target.quantization}")
        except (RefusedError, NoFitError) as error:
            warnings.append(f"{error}: not mirrored")


def bring(
    out: Path,
    wanted: Named,
    *,
    fetcher: Streamer,
    own: Streamer,
    prune: bool = False,
    progress: Callable[[Progress], None] | None = None,
    told: Callable[[str], None] | None = None,
) -> Weights:
    """Bring files into a mirror, and take out what its gallery revoked; with `prune` also what is not named.

    PullError: a file cannot be had whole, and the next run goes on from there; OutputError: one cannot be removed.
    """
    revoked = syncing.revocations((out / layout.REVOKED).read_bytes()).revoked
    bad = {digest for each in revoked for digest in each.files}
    files = [each for each in wanted.files if each.sha256 not in bad]
    keep = {each.name for each in files}
    if not files:
        return Weights(0, 0, 0, tuple(_remove(out, bad, keep, prune=prune)), wanted.warnings)
    pulled = pulling.pull(files, out, fetcher=fetcher, own=own, progress=progress, told=told)
    size = sum((out / name).stat().st_size for name in keep)
    removed = tuple(_remove(out, bad, keep, prune=prune))
    return Weights(len(files), size, pulled.fetched, removed, wanted.warnings)


def _remove(out: Path, bad: Collection[str], keep: Collection[str], *, prune: bool) -> Iterator[str]:
    for path in sorted((out / "weights").glob("*/*")):
        name = path.relative_to(out).as_posix()
        match = _NAME.fullmatch(name)
        if match and (match[2] in bad or (prune and name not in keep)):
            try:
                path.unlink()
            except OSError as error:
                raise OutputError(f"cannot remove {path}: {error.strerror}") from error
            with suppress(OSError):  # it holds others
                path.parent.rmdir()
            yield name
