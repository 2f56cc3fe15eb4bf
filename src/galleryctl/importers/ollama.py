"""Models of Ollama's library: a GGUF file with its Go template, parameters, system prompt and licence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from galleryctl.fetch import FetchError
from galleryctl.hubs import oci, ollama
from galleryctl.hubs.oci import decoded
from galleryctl.importers import folders, records
from galleryctl.importers.base import FIRST, Candidate, Rejected, Remark
from galleryctl.importers.naming import publisher_of, slug
from galleryctl.importers.records import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from galleryctl.fetch import Fetcher
    from galleryctl.hubs.base import Snapshot
    from galleryctl.hubs.facts import Facts
    from galleryctl.hubs.oci import Oci
    from galleryctl.importers.base import Options, Reference

NAME = "ollama"
TITLE = "Ollama library model"
EXAMPLES = ("ollama:qwen3:8b", "https://ollama.com/library/qwen3:8b")

_PREFIX = "ollama:"
_MODEL = "model.gguf"
_HOUSE = "ollama"
"""Publisher of what the library itself offers."""
_QUANTIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_EMBEDS = frozenset({"bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "gemma-embedding"})
_GENERATE = {"temperature": 0.0, "top_p": 0.0, "min_p": 0.0, "top_k": -1, "repeat_penalty": 0.0} | {
    "presence_penalty": -(2**53)
}
"""Neutral settings of the same name, with the lowest value each may have."""
_SHARES = frozenset({"top_p", "min_p"})
_TEXTS = {"template": 2**18, "system": 2**16, "params": 2**16, "license": 2**18}
_LICENCES = (
    (re.compile(r"apache license,?\s+version 2\.0"), "Apache-2.0"),
    (re.compile(r"(?:the )?mit license\b|permission is hereby granted, free of charge"), "MIT"),
)
_KNOWN = frozenset({"model_format", "model_family", "model_families", "model_type", "file_type", "rootfs"}) | {
    *("architecture", "os", "renderer", "parser", "requires", "capabilities", "context_length", "embedding_length"),
    *("base_name", "draft"),
}


def claims(reference: Reference) -> bool:
    return reference.text.startswith((_PREFIX, ollama.SITE))


def read(reference: Reference, fetcher: Fetcher, options: Options) -> Iterator[Candidate | Rejected]:
    """The one model that a name and tag stand for. Raises `UsageError` or `FetchError` where there is none."""
    text = reference.text.removeprefix(_PREFIX).removeprefix(ollama.SITE).removeprefix("library/").rstrip("/")
    image = ollama.image(text)
    hub = oci.hub(fetcher)
    found = hub.snapshot(str(image))
    yield translate(found, _texts(hub, found), options, lambda path: folders.header(hub, found, path))


def _texts(hub: Oci, found: Snapshot) -> dict[str, list[str]]:
    """The layers that are texts, by kind; what is no text is left out."""
    texts: dict[str, list[str]] = {}
    for layer in found.raw["layers"]:
        kind = "template" if layer.kind == "prompt" else layer.kind
        if kind in _TEXTS and layer.size <= _TEXTS[kind]:
            try:
                texts.setdefault(kind, []).append(hub.blob(found, layer, limit=_TEXTS[kind]).decode())
            except UnicodeDecodeError:
                continue
    return texts


def translate(
    found: Snapshot, texts: Mapping[str, list[str]], options: Options, facts: Callable[[str], Facts | Remark]
) -> Candidate | Rejected:
    """A manifest as a model; `texts` are its layers that hold text, by kind, `facts` reads the header of a file."""
    source = ollama.name_of(found.repo) or found.repo
    at = f"{found.repo}@{found.revision}"
    reading = Reading(found.raw["config"])
    owner, _, name = source.rpartition("/")
    publisher = options.publisher or publisher_of(owner or _HOUSE)
    if not slug(name) or not publisher:
        return Rejected(source, at, (Remark("IDN001", "no id can be made: the name has no Latin letters"),))
    variant = _variant(found, reading)
    if variant is None:
        return Rejected(source, at, (*reading.remarks, _without_weights(found)))
    template = next((text for text in texts.get("template", ()) if text.strip()), "")
    type_ = options.type or ("embedding" if _embeds(reading) else "llm")
    spec, overlay = _params(reading, texts.get("params", ()), type_)
    said = _spec(reading, template, type_, found)
    if variant.get("format") == "gguf":
        said |= folders.described(facts(_MODEL), type_, reading.remarks)
    spec = {
        **said,
        **spec,
        **({"prompt": prompt} if (prompt := {**said.get("prompt", {}), **spec.get("prompt", {})}) else {}),
    }
    overlay = {
        "name": source if slug(name) != source else None,
        "template": template or None,
        "system": "\n".join(texts.get("system", ())) or None,
        "parameters": overlay or None,
    }
    overlay = {key: value for key, value in overlay.items() if value is not None}
    model: dict[str, Any] = {"title": source, **_licence(reading, texts.get("license", ()))}
    model["links"] = {"homepage": f"{ollama.SITE}{'' if owner else 'library/'}{source.partition(':')[0]}"}
    reading.left_out(_KNOWN)
    release = {"spec": spec, "variants": [variant], "runtimes": {"ollama": overlay} if overlay else {}}
    return Candidate(
        source=source,
        at=at,
        type=type_,
        id=f"{publisher}/{slug(name)}",
        model=model,
        releases={FIRST: {key: value for key, value in release.items() if value}},
        remarks=tuple(dict.fromkeys(reading.remarks)),
    )


def _without_weights(found: Snapshot) -> Remark:
    if any(layer.kind == "tensor" for layer in found.raw["layers"]):
        return Remark("FIL004", "its weights are single tensors, not files: import it from the hub it was made from")
    return Remark("FIL004", "it has no weights here: models that run at another host cannot be imported")


def _embeds(reading: Reading) -> bool:
    capabilities = reading.value.get("capabilities")
    listed = isinstance(capabilities, list) and "embedding" in capabilities
    return listed or reading.value.get("model_family") in _EMBEDS


def _variant(found: Snapshot, reading: Reading) -> dict[str, Any] | None:
    roles = {layer.path: layer.kind for layer in found.raw["layers"] if layer.path}
    if "model" not in roles.values():
        return None
    said = reading.line("file_type") or ""
    quantization = said if _QUANTIZATION.fullmatch(said) and said != "unknown" else folders.DEFAULT
    variant: dict[str, Any] = {}
    if (format_ := (reading.line("model_format") or "").lower()) and _WORD.fullmatch(format_):
        variant["format"] = format_
    if size := records.parameters(reading.line("model_type")):
        variant["parameters"] = size
    listed = sorted(found.files, key=lambda file: (roles[file.path] != "model", file.path))
    files = [folders.entry(file, None if roles[file.path] == "model" else roles[file.path]) for file in listed]
    return {
        **variant,
        "quantizations": [quantization],
        # the tag stays beside the digest: Ollama itself pulls by tags only
        "sources": {"oci": {"image": f"{found.repo}@{found.revision}"}},
        "files": {quantization: files},
    }


def _spec(reading: Reading, template: str, type_: str, found: Snapshot) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    family = reading.line("model_family")
    if family and _WORD.fullmatch(family):
        spec["architecture"] = {"model_type": family}
    if type_ != "llm":
        return spec
    spec["abilities"] = abilities(template, sees=any(layer.kind == "projector" for layer in found.raw["layers"]))
    if re.search(r"\.(?:Think|IsThinkSet)\b", template) and "<think>" in template and "</think>" in template:
        spec["abilities"] += ["reasoning"]
        spec["prompt"] = {"reasoning": {"start": "<think>", "end": "</think>"}}
    return spec


def abilities(template: str, *, sees: bool) -> list[str]:
    """What Ollama itself concludes from a Go template: without turns it completes, with `.Tools` it calls tools."""
    plain = re.sub(r"[\s{}-]", "", template)
    found = ["generate" if plain in {"", ".Prompt"} else "chat"]
    found += ["tools"] * (re.search(r"\.Tools\b", template) is not None)
    return found + ["vision"] * sees


def _params(reading: Reading, layers: list[str] | tuple[()], type_: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters as neutral fields, and those that only Ollama knows."""
    stated: dict[str, Any] = {}
    for text in layers:
        try:
            stated |= decoded("the parameters", text.encode())
        except FetchError as error:
            reading.remark("SCH003", str(error), "left out")
    generate: dict[str, Any] = {}
    prompt: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for key in sorted(stated):
        value = stated[key]
        words = [text for text in value if isinstance(text, str) and text] if isinstance(value, list) else []
        if key == "stop" and words and type_ == "llm":
            prompt["stop"] = list(dict.fromkeys(words))
        elif type_ == "llm" and key in _GENERATE and _fits(key, value):
            generate[key] = value
        elif type_ == "llm" and key == "num_predict" and _number(value) and isinstance(value, int) and value > 0:
            generate["max_tokens"] = value
        elif words or isinstance(value, bool | str) or _number(value):
            rest[key] = words or value
        else:
            reading.remark("SCH003", f"the parameter `{records.clean(key)[:40]}` has an odd value", "left out")
    spec = {"defaults": {"generate": generate} if generate else {}, "prompt": prompt}
    return {key: value for key, value in spec.items() if value}, rest


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53


def _fits(key: str, value: object) -> bool:
    if not _number(value) or (key == "top_k" and not isinstance(value, int)):
        return False
    number = float(value)  # type: ignore[arg-type]  # it is a number
    return number >= _GENERATE[key] and (key not in _SHARES or number <= 1)


def _licence(reading: Reading, layers: list[str] | tuple[()]) -> dict[str, str]:
    """The licence whose text a layer is; Ollama does not say it in any other way."""
    found = []
    for text in layers:
        start = " ".join(text[:2000].lower().split())
        found += [expression for pattern, expression in _LICENCES if pattern.search(start)][:1]
    if len(found) == len(layers) == 1:
        return {"license": found[0]}
    if layers:
        line = next((line.strip() for text in layers for line in text.splitlines() if line.strip()), "")
        starts = f"«{records.clean(line)[:80]}»" if line else "with nothing"
        reading.remark("LIC001", f"its licence is a text that starts {starts}", "name it in `license`")
    return {}
