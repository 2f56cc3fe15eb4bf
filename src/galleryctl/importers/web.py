"""Files at addresses: one address is one model, or several together, such as the parts of a file, are.

Sizes and digests are those that the server states; `--digest` reads whole files to compute what it does not. A file at
a hub stands as a file of its repository, at the commit the hub names.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from galleryctl.fetch import FetchError
from galleryctl.hubs import RemoteFile, facts, gguf, shapes, stated
from galleryctl.importers import folders, records
from galleryctl.importers.base import FIRST, Candidate, Rejected, Remark
from galleryctl.importers.naming import publisher_of, slug

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from galleryctl.fetch import Fetcher
    from galleryctl.hubs.facts import Facts
    from galleryctl.importers.base import Options, Reference
    from galleryctl.importers.records import HubFile

NAME = "web"
TITLE = "A file at an address"
EXAMPLES = (
    "https://files.example.org/models/tiny-Q4_K_M.gguf",
    "https://huggingface.co/owner/name/resolve/main/model.safetensors",
)

_SHARD = re.compile(r"[-.]?[0-9]{5}-of-[0-9]{5}$")
_HOST = 2  # parts of an address before its host: the scheme, and nothing


class _File(NamedTuple):
    """One address, and what its server says of it."""

    url: str
    size: int | None
    sha256: str | None
    hub: HubFile | None = None
    revision: str | None = None

    @property
    def name(self) -> str:
        return unquote(urlsplit(self.url).path.rpartition("/")[2])

    @property
    def owner(self) -> str:
        return self.hub.repo if self.hub else urlsplit(self.url).hostname or ""


def claims(reference: Reference) -> bool:
    return reference.is_address and bool(folders.end(unquote(urlsplit(reference.text).path)))


def read(reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:
    """The one model of an address. Raises `FetchError`."""
    yield model("", [reference.text], reference.text, fetcher, options)


def model(title: str, urls: Sequence[str], at: str, fetcher: Fetcher, options: Options) -> Candidate | Rejected:
    """The model whose files lie at these addresses. Without a title it is called as its first file is."""
    files = [_asked(url, fetcher, options) for url in urls]
    source = title or _stem(files[0].name)
    publisher, name = options.publisher or publisher_of(files[0].owner), slug(source)
    if not publisher or not name:
        return Rejected(source, at, (Remark("IDN001", f"no id can be made of {source!r}"),))
    sources, start = _place(files)
    known = {_path(file, start): file for file in files}
    variants = folders.variants([RemoteFile(path, file.size, file.sha256) for path, file in known.items()])
    if not variants:
        return Rejected(source, at, (Remark("FIL004", "none of its files are weights"),))
    said = _facts(files, fetcher)
    kind = options.type or folders.type_of(said) or _type(variants)
    if kind is None:
        return Rejected(source, at, (Remark("SCH002", "nothing tells its type", "name the type: --type llm"),))
    remarks: list[Remark] = []
    spec = folders.described(said, kind, remarks)
    if missing := [file.name for file in files if file.sha256 is None]:
        fix = "`--digest` computes it, and so does `galleryctl release`"
        remarks.append(Remark("FIL001", f"no digest is stated of {', '.join(missing[:3])}", fix))
    release = {"spec": spec, "variants": [_placed(variant, sources, start, known) for variant in variants]}
    return Candidate(
        source=source,
        at=at,
        type=kind,
        id=f"{publisher}/{name}",
        model={"title": source},
        releases={FIRST: {key: value for key, value in release.items() if value}},
        remarks=tuple(remarks),
    )


def _stem(name: str) -> str:
    """`tiny-Q4_K_M` for `tiny-Q4_K_M-00001-of-00002.gguf`."""
    return _SHARD.sub("", name.removesuffix(folders.end(name)) or name)


def _asked(url: str, fetcher: Fetcher, options: Options) -> _File:
    """What a server says of a file."""
    said = stated.of(fetcher, url)
    size, sha256 = said.size, said.sha256
    if options.digest and sha256 is None:
        size, sha256 = _streamed(url, fetcher)
    hub = records.hub_file(_plain(url))
    return _File(url, size, sha256, hub, (shapes.commit(hub.revision) or said.commit) if hub else None)


def _plain(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]


def _streamed(url: str, fetcher: Fetcher) -> tuple[int, str]:
    counted, size = hashlib.sha256(), 0
    with fetcher.stream(url) as chunks:
        for chunk in chunks:
            counted.update(chunk)
            size += len(chunk)
    return size, counted.hexdigest()


def _facts(files: Sequence[_File], fetcher: Fetcher) -> Facts | Remark | None:
    """What the header of the first GGUF file says, read by ranges."""
    first = next((file for file in files if file.name.lower().endswith(".gguf")), None)
    if first is None:
        return None
    try:
        return facts.of_header(gguf.header(lambda start, stop: fetcher.part(first.url, start, stop)))
    except FetchError as error:
        return Remark("VAL002", f"the header of {first.name} cannot be read: {error}", "context left out")


def _type(variants: Sequence[Mapping[str, Any]]) -> str | None:
    return "llm" if all(variant.get("format") == "gguf" for variant in variants) else None


def _place(files: Sequence[_File]) -> tuple[dict[str, Any], str]:
    """Sources of files that lie together, and the address that their paths begin with."""
    first = files[0]
    if first.hub and all(
        file.hub and file.hub[:2] == first.hub[:2] and file.revision == first.revision for file in files
    ):
        pinned = {"revision": first.revision} if first.revision else {}
        return {first.hub.kind: {"repo": first.hub.repo, **pinned}}, ""
    common = _shared([_plain(file.url).split("/")[:-1] for file in files])
    common = common if len(common) > _HOST else _plain(first.url).split("/")[:-1]
    return {"url": {"prefix": "/".join(common)}}, f"{'/'.join(common)}/"


def _shared(given: Sequence[list[str]]) -> list[str]:
    """The parts with which all begin."""
    found: list[str] = []
    for parts in zip(*given, strict=False):
        if len(set(parts)) > 1:
            break
        found.append(parts[0])
    return found


def _path(file: _File, start: str) -> str:
    """Path of a file below its source."""
    if not start and file.hub:
        return file.hub.path
    plain = _plain(file.url)
    return unquote(plain.removeprefix(start)) if plain.startswith(start) else file.name


def _placed(
    variant: Mapping[str, Any], sources: Mapping[str, Any], start: str, files: Mapping[str, _File]
) -> dict[str, Any]:
    """The variant with its sources; a file that does not lie where they say has an address of its own."""
    listed = {
        name: [
            entry if not start or files[entry["path"]].url == f"{start}{quote(entry['path'])}"
            else {**entry, "url": files[entry["path"]].url}
            for entry in group
        ]
        for name, group in variant["files"].items()
    }  # fmt: skip
    engines = {"engines": ["llama.cpp"]} if variant.get("format") == "gguf" else {}
    return {**variant, **engines, "sources": dict(sources), "files": listed}
