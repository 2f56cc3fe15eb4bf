"""Prefixes of object stores: each folder of weights is a model, with what lies beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galleryctl import canonical
from galleryctl.hubs.objects import Objects, split
from galleryctl.importers import folders, records
from galleryctl.importers.base import FIRST, Candidate, Rejected, Remark
from galleryctl.importers.naming import slug

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.fetch import Fetcher
    from galleryctl.hubs.base import RemoteFile, Snapshot
    from galleryctl.hubs.facts import Facts
    from galleryctl.importers.base import Options, Reference

NAME = "objects"
TITLE = "Object-store prefix"
EXAMPLES: tuple[str, ...] = ("s3://bucket/models/tiny",)

_PREFIX = "s3://"
_LAYOUT = ("model_service.py", "config.json")
"""Files by which the Tencent TI platform starts a model."""
_WHOLE = frozenset({"model_index.json", "modules.json", "MLmodel"})
"""Files of a folder whose folders are parts of one model."""
_OWN = frozenset({"config.json", "model_service.py", "MLmodel"})
"""Files that make a folder of weights a model of its own, also inside another."""


def claims(reference: Reference) -> bool:
    return reference.text.startswith(_PREFIX)


def read(reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:
    """Models under a prefix, by their folders. Raises `UsageError` or `FetchError` where nothing can be read."""
    hub = Objects(fetcher)
    found = hub.snapshot(reference.text)
    places = models([file.path for file in found.files])
    refused = tuple(
        Remark("FIL005", f"the key {records.clean(key)[:80]!r} is no path of a file", "left out")
        for key in found.raw["refused"]
    )
    if not places:
        yield Rejected(found.repo, found.repo, (*refused, Remark("FIL004", "no object here holds weights")))
    for folder, paths in places.items():
        files = [file for file in found.files if file.path in paths]
        if options.digest:
            files = folders.digested(files, lambda path: hub.digest(found, path))
        config: Mapping[str, Any] = {}
        if f"{folder}config.json" in paths:
            config, _ = folders.config(hub, found, f"{folder}config.json")
        facts = folders.facts_of(hub, found, folder, paths)
        yield translate(found, folder, files, config, facts, options, refused)


def models(paths: list[str]) -> dict[str, frozenset[str]]:
    """Folders that are models, as `` or `a/b/`, with the files of each.

    A folder with weights is one, together with its folders; a folder inside it is a model of its own where it has
    weights and a configuration too, unless the outer one says that it is made of parts.
    """
    found: dict[str, set[str]] = {}
    _models("", paths, found, inside=None)
    return {folder: frozenset(kept) for folder, kept in sorted(found.items())}


def _models(folder: str, paths: list[str], found: dict[str, set[str]], *, inside: str | None) -> None:
    here = [path for path in paths if "/" not in path.removeprefix(folder)]
    names = {path.rpartition("/")[2] for path in here}
    weighs = any(folders.end(path) for path in here)
    if names & _WHOLE or (inside is None and names & set(_LAYOUT) and any(folders.end(path) for path in paths)):
        weighs, inside = True, None
    own = folder if weighs and (inside is None or names & _OWN) else inside
    if own is not None:
        found.setdefault(own, set()).update(here if not names & _WHOLE else paths)
    if names & _WHOLE:
        return
    deeper: dict[str, list[str]] = {}
    for path in paths:
        head, slash, _ = path.removeprefix(folder).partition("/")
        if slash:
            deeper.setdefault(f"{folder}{head}/", []).append(path)
    for child, inner in deeper.items():
        _models(child, inner, found, inside=own)


def translate(
    found: Snapshot,
    folder: str,
    files: list[RemoteFile],
    config: Mapping[str, Any],
    facts: Facts | Remark | None,
    options: Options,
    refused: tuple[Remark, ...] = (),
) -> Candidate | Rejected:
    """A folder as a model; paths of its files are relative to it."""
    prefix = f"{found.repo}/{folder}".rstrip("/")
    bucket, key = split(prefix)
    title = records.clean(key.rpartition("/")[2]) or bucket
    remarks = list(refused)
    type_ = options.type or folders.type_of(facts)
    publisher = options.publisher or slug(bucket)
    if not slug(title) or not publisher:
        return Rejected(title, prefix, (Remark("IDN001", "no id can be made: the name has no Latin letters"),))
    if type_ is None:
        text = "nothing here says what type of model it is"
        return Rejected(title, prefix, (*remarks, Remark("SCH002", text, "say its type with --type")))
    inner = [file._replace(path=file.path.removeprefix(folder)) for file in files]
    spec = folders.described(facts, type_, remarks)
    source = {"sources": {"object": {"prefix": prefix}}}
    release: dict[str, Any] = {
        "released": canonical.moment(found.modified) if found.modified else None,
        "spec": spec,
        "variants": [{**variant, **source} for variant in folders.variants(inner, config)],
        "origin": {"kind": "storage", "platform": "s3", "ref": prefix},
    }
    release = {key: value for key, value in release.items() if value}
    release |= _layout({file.path for file in inner}, remarks)
    if lacking := [file.path for file in inner if file.sha256 is None]:
        text = f"the store keeps no SHA-256 of {len(lacking)} of {len(inner)} files"
        remarks.append(Remark("FIL001", text, "compute it with --digest"))
    return Candidate(
        source=title,
        at=prefix,
        type=type_,
        id=f"{publisher}/{slug(title)}",
        model={"title": title},
        releases={FIRST: release},
        remarks=tuple(remarks),
    )


def _layout(paths: set[str], remarks: list[Remark]) -> dict[str, Any]:
    """The overlay of the platform whose layout this is; half a layout is none."""
    there = [name for name in _LAYOUT if name in paths]
    if len(there) == len(_LAYOUT):
        return {"runtimes": {"tencent-ti": {}}}
    if _LAYOUT[0] in there:
        remarks.append(Remark("FIL011", "model_service.py needs config.json beside it", "imported as plain weights"))
    return {}
