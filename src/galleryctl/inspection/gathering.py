"""What the sources of one model say: asked for here, judged by rules."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, cast

from galleryctl.checks import observed
from galleryctl.checks.observed import Address, Card, Observed, Scan, Silence
from galleryctl.checks.online import PINNED, addresses
from galleryctl.checks.scanned import images
from galleryctl.errors import GalleryError
from galleryctl.fetch import Limits, Ranged
from galleryctl.hubs import stated
from galleryctl.inspection import configs, pickles, scanner
from galleryctl.inspection.asking import answered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from galleryctl.checks.observed import Config, Repository
    from galleryctl.checks.rule import Subject
    from galleryctl.hubs import Snapshot
    from galleryctl.inspection.asking import Asks
    from galleryctl.spec import Scanner

_PICKLES = 64
"""Pickles of one repository that are looked at."""
_HASHES = ("x-xet-hash", "x-linked-etag", "etag")
_COUNTED = {None, "pytorch", "fp8"}
"""Formats that store each parameter as one number; others pack several into one."""
_SCANNED = Limits(bytes=4 * 2**30, seconds=1800)


def gather(subject: Subject, asks: Asks, *, dangers_only: bool = False) -> Observed:
    """Ask every source of a model. With `dangers_only` nothing else is asked for, and no scanner runs."""
    sources: dict[str, Snapshot | Silence] = {}
    known: dict[str, Config] = {}
    scans: dict[str, Scan] = {}
    stored: dict[str, tuple[str, ...]] = {}
    for each in observed.repositories(subject):
        found = asks.source(each.kind, each.repo, each.revision)
        sources[each.key] = found
        if not dangers_only and each.kind in observed.ASKED:
            sources[observed.key(each.kind, each.repo)] = asks.source(each.kind, each.repo, None)
        if isinstance(found, Silence) or (found.gated and not found.files):
            continue
        if each.main:
            known |= dict(_configs(each, found, asks))
            stored |= dict(_stored(each, found, asks))
        for path in _pickled(each, found):
            name = f"{each.key}:{path}"
            scans[name] = asks.once("pickle", name, lambda e=each, f=found, p=path: _pickle(e, f, p, asks))  # type: ignore[misc]
    for address in _addresses_of_pickles(subject):
        scans[address] = asks.once("pickle", address, lambda a=address: _pickle_at(a, asks))  # type: ignore[misc]
    scanners = {} if dangers_only else {each.looks_at: each for each in subject.context.policy.scanners}
    return Observed(
        sources=sources,
        addresses={} if dangers_only else dict(_addresses(subject, asks)),
        configs=known,
        stored=stored,
        card=None if dangers_only else _card(subject, asks),
        pickles=scans,
        images=dict(_images(subject, scanners.get("images"), asks)),
        outside=dict(_outside(subject, sources, scanners.get("files"), asks)),
    )


def _addresses(subject: Subject, asks: Asks) -> Iterator[tuple[str, Address | Silence]]:
    for address in dict.fromkeys(address for address, *_ in addresses(subject)):
        yield address, asks.once("address", address, lambda a=address: _reached(a, asks))  # type: ignore[misc]


def _reached(url: str, asks: Asks) -> Address | Silence:
    return asks.reach(url.split("/", 3)[2] if "://" in url else url, lambda: _address(url, asks))


def _address(url: str, asks: Asks) -> Address:
    said = stated.of(asks.fetcher, url)
    return Address(said.size, said.sha256, said.moved)


def _stored(each: Repository, found: Snapshot, asks: Asks) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Other hashes of files whose digest is not that of the source: mostly one of them was copied."""
    for file in (file for group in each.variant.files.values() for file in group if not file.url):
        known = found.file(file.path)
        same = known is None or file.sha256 is None or known.sha256 in {None, file.sha256}
        if same or known is None or each.kind not in observed.ASKED:
            continue
        url = asks.hub(each.kind).address(found, file.path)
        answer = asks.once("stored", url, lambda u=url: answered(lambda: asks.fetcher.head(u, follow=False)))  # type: ignore[misc]
        if not isinstance(answer, Silence):
            hashes = (answer.headers.get(name, "").strip('"') for name in _HASHES)
            yield f"{each.key}:{file.path}", tuple(each for each in hashes if each and each != known.sha256)


def _configs(each: Repository, found: Snapshot, asks: Asks) -> Iterator[tuple[str, Config]]:
    """One for the repository, or one for the first GGUF file of the variant: the others differ in their numbers."""
    hub = asks.hub(each.kind)
    groups = {quantization: group for quantization, group in each.variant.files.items() if group}
    for quantization, group in list(groups.items())[:1]:
        path = next((file.path for file in group if file.path.endswith(".gguf") and not file.role), None)
        if path and found.file(path):
            config = asks.once("gguf", f"{each.key}:{path}", lambda p=path: configs.of_gguf(hub, found, p))  # type: ignore[misc]
            if config is not None:
                yield f"{each.key}:{quantization}", config
    config = asks.once("config", each.key, lambda: configs.of_repository(hub, found))
    if config is not None and each.variant.format not in _COUNTED:
        config = config._replace(parameters=None)
    if config is not None:
        yield f"{each.key}:default", config


def _pickled(each: Repository, found: Snapshot) -> list[str]:
    """The files that a runtime would load and that may hold pickles."""
    stated = [file.path for group in each.variant.files.values() for file in group if not file.url]
    present = [file.path for file in found.files]
    if not each.main or not stated:
        safe = any(path.endswith((".safetensors", ".gguf", ".onnx")) for path in present)
        stated = [] if safe else present
    there = set(present)
    return [path for path in stated if path.lower().endswith(observed.PICKLES) and path in there][:_PICKLES]


def _pickle(each: Repository, found: Snapshot, path: str, asks: Asks) -> Scan:
    """What a file of a commit does is the same for ever, so it is kept."""
    hub, file = asks.hub(each.kind), found.file(path)
    if file is None or file.size is None:
        return Scan(trouble="the source does not state its size")
    name = hub.address(found, path) if found.revision and PINNED.fullmatch(found.revision) else ""
    if name and (known := asks.kept.get(name)):
        return known
    scan = _ranged(lambda start, stop: hub.part(found, path, start, stop), file.size, path)
    if name and not scan.trouble:
        asks.kept.put(name, scan)
    return scan


def _ranged(part: Callable[[int, int], bytes], size: int, name: str) -> Scan:
    return pickles.scan(cast("IO[bytes]", Ranged(part, size, name=name)), size)


def _addresses_of_pickles(subject: Subject) -> list[str]:
    found = [url for url, *_, is_file in addresses(subject) if is_file]
    return [url for url in dict.fromkeys(found) if url.partition("?")[0].lower().endswith(observed.PICKLES)][:_PICKLES]


def _pickle_at(url: str, asks: Asks) -> Scan:
    answer = answered(lambda: _address(url, asks))
    if isinstance(answer, Silence) or answer.size is None:
        return Scan(trouble=answer.text if isinstance(answer, Silence) else "its address does not state its size")
    return _ranged(lambda start, stop: asks.fetcher.part(url, start, stop), answer.size, url)


def _card(subject: Subject, asks: Asks) -> Card | None:
    """The card of the source now, beside the one that was taken over: compared as text, front matter included."""
    stated = subject.definition.model.readme
    where = observed.origin(stated.source) if stated and stated.revision else None
    if stated is None or where is None:
        return None
    kind, repo = where
    now, then = asks.source(kind, repo, None), asks.source(kind, repo, stated.revision)
    if isinstance(now, Silence) or isinstance(then, Silence) or now.revision == then.revision:
        return None
    hub = asks.hub(kind)
    with suppress(GalleryError):
        changed = hub.read(now, "README.md") != hub.read(then, "README.md")
        return Card(now.revision, changed)
    return None


def _images(subject: Subject, program: Scanner | None, asks: Asks) -> Iterator[tuple[str, Scan]]:
    for image, *_ in images(subject) if program else ():
        if "@sha256:" in image and program:
            yield image, asks.once("image", image, lambda i=image: scanner.run(program, i))  # type: ignore[misc]


def _outside(
    subject: Subject, sources: dict[str, Snapshot | Silence], program: Scanner | None, asks: Asks
) -> Iterator[tuple[str, Scan]]:
    """Files are fetched for the scanner, and removed behind it."""
    if program is None:
        return
    wanted = {url: url for url, *_, is_file in addresses(subject) if is_file}
    for each in observed.repositories(subject):
        found = sources.get(each.key)
        if each.main and each.kind in observed.ASKED and found is not None and not isinstance(found, Silence):
            listed = {file.path for group in each.variant.files.values() for file in group if not file.url}
            hub = asks.hub(each.kind)
            wanted |= {hub.address(found, path): path for path in listed if found.file(path)}
    for url in wanted:
        yield url, asks.once("outside", url, lambda u=url: _fetched(u, program, asks))  # type: ignore[misc]


def _fetched(url: str, program: Scanner, asks: Asks) -> Scan:
    name = re.sub(r"[^A-Za-z0-9._-]", "_", url.partition("?")[0].rpartition("/")[2]).lstrip("-.") or "file"
    with TemporaryDirectory(prefix="galleryctl-file-") as folder:
        path = Path(folder) / name
        try:
            with asks.fetcher.stream(url, limits=_SCANNED) as chunks, path.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
        except GalleryError as error:
            return Scan(trouble=str(error))
        return scanner.run(program, str(path))
