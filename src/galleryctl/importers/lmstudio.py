"""LM Studio's catalogue: descriptors of GGUF files with sizes and digests, one model each."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from galleryctl.hubs import shapes
from galleryctl.importers import records
from galleryctl.importers.base import FIRST, Candidate, Rejected, Remark
from galleryctl.importers.naming import publisher_of, slug
from galleryctl.importers.records import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.fetch import Fetcher
    from galleryctl.importers.base import Options, Reference

NAME = "lmstudio"
TITLE = "LM Studio catalogue"
EXAMPLES: tuple[str, ...] = ()

_MARK = re.compile(r'"_descriptorVersion"\s*:')
_ABILITIES = {"chat": ["chat"], "instruct": ["chat"], "code_completion": ["generate"]}
_FORMAT = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_LINKS = {"canonicalUrl": "homepage", "paperUrl": "paper", "downloadUrl": "weights"}
_KNOWN = frozenset(
    {"_descriptorVersion", "datePublished", "name", "description", "numParameters", "resources", "trainedFor", "arch"}
) | {"author", "files"}
_OF_FILE = frozenset({"name", "url", "sizeBytes", "quantization", "format", "sha256checksum"}) | {
    *("publisher", "respository", "repositoryUrl")
}


def claims(reference: Reference) -> bool:
    start = records.content(reference)
    return start.startswith(("[", "{")) and _MARK.search(start) is not None


def read(reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:  # noqa: ARG001
    """Entries of the catalogue, or the one descriptor of a file. Raises `UsageError` where it cannot be read."""
    name = records.named(reference)
    if records.content(reference).startswith("{"):
        yield translate(f"{name}:1", records.loads(name, reference.data), options)
        return
    for record in records.array(name, reference.data):
        yield translate(record.at, record.value, options)


def translate(at: str, value: object, options: Options) -> Candidate | Rejected:
    """One descriptor as a model."""
    if not isinstance(value, dict):
        return Rejected("", at, (Remark("SCH003", "an entry must be an object"),))
    reading = Reading(value)
    title = reading.line("name")
    if title is None:
        return Rejected("", at, (Remark("SCH002", "the entry has no name"),))
    links = _links(reading)
    files = _files(reading)
    publisher = options.publisher or _publisher(links, files)
    name = slug(title)
    if not publisher or not name:
        what = "a name" if not name else "a publisher"
        fix = "name it with --publisher" if name else ""
        return Rejected(title, at, (Remark("IDN001", f"no id can be made: there is no {what} in Latin letters", fix),))
    if not files:
        return Rejected(title, at, (*reading.remarks, Remark("FIL004", "no file of the entry can be used")))
    model = {"title": title, **records.described(reading, title, reading.text("description")), "links": links}
    reading.left_out(_KNOWN)
    return Candidate(
        source=title,
        at=at,
        type=options.type or "llm",
        id=f"{publisher}/{name}",
        model={key: each for key, each in model.items() if each},
        releases={FIRST: _release(reading, files)},
        remarks=tuple(dict.fromkeys(reading.remarks)),
    )


def _release(reading: Reading, files: list[dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    if family := reading.line("arch"):
        spec["family"] = family
    trained = reading.value.get("trainedFor")
    if isinstance(trained, str) and trained in _ABILITIES:
        spec["abilities"] = _ABILITIES[trained]
    grouped: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for file in files:
        grouped[file["format"], file["kind"], file["repo"]].append(file)
    variants = [_variant(reading, group) for group in grouped.values()]
    if len({variant["key"] for variant in variants}) == 1:
        del variants[0]["key"]
    release = {"released": reading.moment("datePublished"), "spec": spec, "variants": variants}
    return {key: each for key, each in release.items() if each}


def _variant(reading: Reading, group: list[dict[str, Any]]) -> dict[str, Any]:
    first = group[0]
    size = reading.value.get("numParameters")
    parameters = records.parameters(size) if isinstance(size, str) else None
    by_quantization: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in group:
        by_quantization[file["quantization"]].append(file["file"])
    variant: dict[str, Any] = {"key": slug("-".join(part for part in (first["repo"], first["format"]) if part))}
    variant |= {"format": first["format"]} | ({"parameters": parameters} if parameters else {})
    variant["quantizations"] = list(by_quantization)
    if first["kind"]:
        source = {"repo": first["repo"], "revision": first["revision"], "file": pattern(by_quantization)}
        variant["sources"] = {first["kind"]: {key: each for key, each in source.items() if each}}
    variant["files"] = dict(by_quantization)
    return variant


def pattern(files: Mapping[str, list[dict[str, Any]]]) -> str | None:
    """The one file, or the name with `{quantization}` that all of them have; none where there is no such name."""
    names = {quantization: group[0]["path"] for quantization, group in files.items() if len(group) == 1}
    if len(names) != len(files):
        return None
    if len(names) == 1:
        (name,) = names.values()
        return name if "{" not in name else None
    found = {name.replace(quantization, "{quantization}") for quantization, name in names.items()}
    return found.pop() if len(found) == 1 and all("{" not in name for name in names.values()) else None


def _files(reading: Reading) -> list[dict[str, Any]]:
    """The files that can be used, with the hub and repository they come from."""
    block = reading.value.get("files")
    listed = block.get("all") if isinstance(block, dict) else None
    found: list[dict[str, Any]] = []
    for item in listed if isinstance(listed, list) else ():
        file = _file(reading, item) if isinstance(item, dict) else None
        if file is None:
            reading.remark("FIL004", "a file without a usable address was left out")
        elif file["file"]["path"] in {each["file"]["path"] for each in found}:
            reading.remark("FIL010", f"`{file['file']['path']}` stands twice", "the first one was taken")
        else:
            found.append(file)
    names = {each["file"]["path"].rpartition("/")[2] for each in found}
    for level, name in _highlighted(block):
        if name not in names:
            reading.remark("FIL007", f"`files.highlighted.{level}` names a file that the entry does not ship")
    return found


def _highlighted(block: object) -> Iterator[tuple[str, str]]:
    marked = block.get("highlighted") if isinstance(block, dict) else None
    for level, item in marked.items() if isinstance(marked, dict) else ():
        name = item.get("name") if isinstance(item, dict) else None
        if isinstance(name, str):
            yield records.clean(level)[:40], records.clean(name)


def _file(reading: Reading, item: dict[str, Any]) -> dict[str, Any] | None:
    inner = Reading(item, reading.remarks)
    url = records.address(item.get("url"))
    place = records.hub_file(url)
    if url is None:
        return None
    path = place.path if place else records.clean(url.partition("?")[0].rpartition("/")[2])
    if not records.safe(path):
        return None
    name = path.rpartition("/")[2]
    if (said := inner.line("name")) and said != name:
        inner.remark("FIL009", f"the file is called `{said}`, its address ends in `{name}`", "the address was taken")
    kind = inner.line("format") or name.rpartition(".")[2]
    file = {"path": path, "size": records.whole(item.get("sizeBytes")), "sha256": _digest(inner, name, item)}
    file |= {} if place else {"url": url}
    revision = shapes.commit(place.revision) if place else None
    if place and revision is None:
        inner.remark("SRC002", f"`{place.repo}` follows `{place.revision}`", "`galleryctl release` pins it")
    if "/blob/" in url:
        inner.remark("URL002", f"the address of `{name}` is a page about the file", "the file was taken")
    inner.left_out(_OF_FILE)
    return {
        "format": kind.lower() if _FORMAT.fullmatch(kind.lower()) else "gguf",
        "quantization": _quantization(inner, name),
        "kind": place.kind if place else "",
        "repo": place.repo if place else "",
        "revision": revision,
        "file": {key: each for key, each in file.items() if each is not None},
    }


def _digest(reading: Reading, name: str, item: dict[str, Any]) -> str | None:
    found = shapes.digest(item.get("sha256checksum"))
    if found is None:
        reading.remark("FIL001", f"the digest of `{name}` is missing or malformed", "`galleryctl release` fills it in")
    return found


def _quantization(reading: Reading, name: str) -> str:
    """Quantization as GGUF files spell it: in capitals."""
    said = (reading.line("quantization") or "").upper()
    if not re.fullmatch(r"[A-Z0-9][A-Z0-9_.-]{0,31}", said):
        return "default"
    written = re.search(r"(?i)(?:^|[.-])((?:IQ|Q|BF|F)[0-9][A-Z0-9_]*)\.gguf$", name)
    if written and written[1].upper() != said:
        message = f"the quantization is said to be {said}, but the file `{name}` is {written[1].upper()}"
        reading.remark("QNT002", message, f"{said} was kept: look at the file and correct one of them")
    return said


def _links(reading: Reading) -> dict[str, Any]:
    block = reading.value.get("resources")
    links: dict[str, Any] = {}
    for key, each in block.items() if isinstance(block, dict) else ():
        url = records.address(each)
        if url is None and each:
            reading.remark("URL001", f"`resources.{records.clean(key)[:40]}` is no address", "left out")
        elif url and key in _LINKS:
            links[_LINKS[key]] = url
    return links


def _publisher(links: Mapping[str, str], files: list[dict[str, Any]]) -> str:
    """The owner of the original repository, else of the one the files come from."""
    home = records.repository(links.get("homepage"))
    owner = home[1] if home else next((file["repo"] for file in files if file["repo"]), "")
    return publisher_of(owner)
