"""Model artifacts in registries (CNCF ModelPack): the configuration describes the model, each layer is a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from galleryctl.hubs.base import RemoteFile
from galleryctl.hubs.oci import MODEL, Image, Oci
from galleryctl.importers import folders, records
from galleryctl.importers.base import FIRST, Candidate, Rejected, Remark
from galleryctl.importers.licences import spdx
from galleryctl.importers.naming import publisher_of, slug
from galleryctl.importers.records import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from galleryctl.fetch import Fetcher
    from galleryctl.hubs.base import Snapshot
    from galleryctl.hubs.facts import Facts
    from galleryctl.hubs.oci import Layer
    from galleryctl.importers.base import Options, Reference

NAME = "oci"
TITLE = "OCI model artifact (CNCF ModelPack)"
EXAMPLES: tuple[str, ...] = ("oci://ghcr.io/acme/tiny:1.0",)

_PREFIX = "oci://"
_CONFIG = re.compile(r"application/vnd\.(?:cncf|cnai)\.model\.config\.v1\+json")
_KIND = re.compile(r"application/vnd\.(?:cncf|cnai)\.model\.([a-z.]+?)\.v1\.")
_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_QUANTIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_FORMATS = {"safetensors": "pytorch", "tf": "tensorflow", "torch": "pytorch"}
_METHODS = frozenset({"awq", "gptq", "fp8", "fp4", "bnb"})
_ROLES = {"weight.config": "config", "doc": "other", "code": "other", "dataset": "other"}
_LINKS = {"docURL": "documentation", "sourceURL": "repository"}
_DESCRIPTOR = frozenset({"title", "name", "description", "licenses", "family", "createdAt", "vendor", "version"}) | {
    *("docURL", "sourceURL", "datasetsURL", "authors", "revision")
}
_SETTINGS = frozenset({"architecture", "format", "paramSize", "precision", "quantization", "capabilities"})
_CAN = frozenset({"inputTypes", "outputTypes", "reasoning", "toolUsage", "reward", "languages", "knowledgeCutoff"})
_GIVES = {"embedding": "embedding", "text": "llm", "image": "image", "audio": "audio", "video": "video"}
"""What a model gives, and the type that makes it; the first that fits counts."""


def claims(reference: Reference) -> bool:
    return reference.text.startswith(_PREFIX)


def read(reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:
    """The model of one artifact. Raises `UsageError` for what is no reference, `FetchError` where it cannot be read."""
    image = Image.parse(reference.text.removeprefix(_PREFIX))
    hub = Oci(fetcher)
    found = hub.snapshot(str(image))
    yield translate(found, options, folders.facts_of(hub, found))


def translate(found: Snapshot, options: Options, facts: Facts | Remark | None = None) -> Candidate | Rejected:
    """An artifact as a model; `facts` is what its own files say."""
    at = f"{found.repo}@{found.revision}"
    if not _CONFIG.fullmatch(found.raw["media"]) and found.raw["type"] != MODEL:
        what = found.raw["media"] or "no configuration"
        return Rejected(found.repo, at, (Remark("SRC005", f"this is no model artifact: its configuration is {what}"),))
    config = found.raw["config"]
    reading, settings = Reading(_block(config, "descriptor")), Reading(_block(config, "config"))
    can = Reading(_block(settings.value, "capabilities"))
    image = Image.parse(found.repo)
    title = reading.line("title") or reading.line("name") or image.name.rpartition("/")[2]
    type_ = options.type or _type(can)
    name = slug(title) or slug(image.name.rpartition("/")[2])
    model = _model(reading, title)
    publisher = options.publisher or _publisher(model, image)
    if missing := _missing(type_, name, publisher):
        return Rejected(title, at, (missing,))
    variant = _variant(found, settings, reading.remarks)
    if variant is None:
        return Rejected(title, at, (*reading.remarks, Remark("FIL004", "the artifact has no layer that holds weights")))
    release: dict[str, Any] = {
        "released": reading.moment("createdAt"),
        "spec": {**folders.described(facts, type_ or "", reading.remarks), **_spec(reading, can, type_ or "")},
        "variants": [{**variant, "sources": {"oci": {"image": f"{image.registry}/{image.name}@{found.revision}"}}}],
    }
    for each, known in ((reading, _DESCRIPTOR), (settings, _SETTINGS), (can, _CAN)):
        each.left_out(known)
    return Candidate(
        source=title,
        at=at,
        type=type_ or "",
        id=f"{publisher}/{name}",
        model=model,
        releases={FIRST: {key: value for key, value in release.items() if value}},
        remarks=tuple(dict.fromkeys([*reading.remarks, *settings.remarks, *can.remarks])),
    )


def _missing(type_: str | None, name: str, publisher: str) -> Remark | None:
    if type_ is None:
        return Remark("SCH002", "the artifact does not say what its model gives", "say its type with --type")
    if not name:
        return Remark("IDN001", "no id can be made: the name has no Latin letters")
    if not publisher:
        return Remark("IDN001", "no publisher can be made of the registry's path", "name one with --publisher")
    return None


def _block(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _words(reading: Reading, key: str) -> list[str]:
    value = reading.value.get(key)
    found = [each for each in value if isinstance(each, str) and each] if isinstance(value, list) else []
    return list(dict.fromkeys(records.clean(each)[:80] for each in found))


def _type(can: Reading) -> str | None:
    takes, gives = _words(can, "inputTypes"), _words(can, "outputTypes")
    if "audio" in takes and gives == ["text"] and "text" not in takes:
        return "audio"
    return next((type_ for word, type_ in _GIVES.items() if word in gives), None)


def _publisher(model: Mapping[str, Any], image: Image) -> str:
    """The owner of the hub repository it was made from, else the first part of its path in the registry."""
    for link in model.get("links", {}).values():
        found = records.repository(link) if isinstance(link, str) else None
        if found is not None:
            return publisher_of(found[1])
    return publisher_of(image.name) if "/" in image.name else slug(image.registry.partition(":")[0])


def _model(reading: Reading, title: str) -> dict[str, Any]:
    model: dict[str, Any] = {"title": title, **records.described(reading, title, reading.text("description"))}
    found = [expression for text in _words(reading, "licenses") if (expression := spdx(text))]
    if found:
        model["license"] = " AND ".join(f"({each})" if " " in each and len(found) > 1 else each for each in found)
    if len(found) > 1:
        reading.remark("LIC002", "the artifact lists several licences", "all of them were taken to hold; correct it")
    links: dict[str, Any] = {}
    for key, kind in _LINKS.items():
        if address := records.address(reading.value.get(key)):
            links[kind] = address
    if sets := [address for text in _words(reading, "datasetsURL") if (address := records.address(text))]:
        links["datasets"] = sets if len(sets) > 1 else sets[0]
    return {**model, "links": links} if links else model


def _spec(reading: Reading, can: Reading, type_: str) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    if family := reading.line("family"):
        spec["family"] = family
    takes, gives = _words(can, "inputTypes"), _words(can, "outputTypes")
    abilities: list[str] = []
    if type_ == "llm":
        abilities += ["reasoning"] * (can.value.get("reasoning") is True)
        abilities += ["tools"] * (can.value.get("toolUsage") is True)
        abilities += ["vision"] * ("image" in takes) + ["audio"] * ("audio" in takes)
    elif type_ == "image":
        abilities += ["text2image"] * ("text" in takes) + ["image2image"] * ("image" in takes)
    elif type_ == "audio":
        abilities += ["text2audio"] * ("audio" in gives) + ["audio2text"] * ("audio" in takes and "text" in gives)
    elif type_ == "video":
        abilities += ["text2video"] * ("text" in takes) + ["image2video"] * ("image" in takes)
    if abilities:
        spec["abilities"] = abilities
    if type_ in {"llm", "embedding", "rerank", "audio"} and (languages := _words(can, "languages")):
        spec["languages"] = languages
    return spec


def _variant(found: Snapshot, settings: Reading, remarks: list[Remark]) -> dict[str, Any] | None:
    """The one variant of an artifact: its weights and what lies beside them."""
    files = _files(found.raw["layers"], remarks)
    if not any(role is None for _, role in files):
        return None
    variant: dict[str, Any] = {}
    said = (settings.line("format") or "").lower()
    known = {folders.end(file.path) for file, role in files if role is None}
    if said:
        variant["format"] = _FORMATS.get(said, said) if _WORD.fullmatch(said) else None
    elif known == {".gguf"}:
        variant["format"] = "gguf"
    if size := records.parameters(settings.line("paramSize")):
        variant["parameters"] = size
    stated = settings.line("quantization") or ""
    if stated.lower() in _METHODS and variant.get("format") in {None, "pytorch"}:
        variant["format"] = stated.lower()
    quantization = stated if _QUANTIZATION.fullmatch(stated) else folders.PLAIN
    if variant.get("format") == "gguf" and not stated:
        spelt = [
            each for made in folders.variants(file for file, role in files if role is None) for each in made["files"]
        ]
        quantization = spelt[0] if len(spelt) == 1 else folders.DEFAULT
    variant["quantizations"] = [quantization]
    variant["files"] = {quantization: [folders.entry(file, role) for file, role in files]}
    return {key: value for key, value in variant.items() if value}


def _files(layers: Sequence[Layer], remarks: list[Remark]) -> list[tuple[RemoteFile, str | None]]:
    """Files with their roles, weights first."""
    found: list[tuple[RemoteFile, str | None]] = []
    for layer in layers:
        kind = _KIND.match(layer.media)
        if layer.path is None:
            code, what = ("FIL005", "leads out of its folder") if layer.named else ("FIL004", "names no file")
            remarks.append(Remark(code, f"layer sha256:{layer.sha256[:12]}… {what}", "left out"))
            continue
        if not layer.whole:
            text = f"{layer.path} is inside an archive, whose digest is not the file's"
            remarks.append(Remark("FIL001", text, "left without digest; the manifest's digest pins it all the same"))
        file = RemoteFile(layer.path, *((layer.size, layer.sha256) if layer.whole else (layer.length, None)))
        found.append((file, _ROLES.get(kind[1], None if kind[1] == "weight" else "other") if kind else "other"))
    return sorted(found, key=lambda each: (each[1] is not None, each[0].path))
