"""Kubeflow: the data of a YAML source of its model catalogue, and the source itself.

The shape is that of docs/catalog-yaml-reference.md of kubeflow/model-registry: moments are texts in milliseconds, whole
numbers among custom properties texts too, and a property with an empty text is a tag. Its reader refuses unknown keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from galleryctl import document
from galleryctl.exports.base import Made
from galleryctl.runtimes.licences import back
from galleryctl.spec import localised

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from galleryctl.exports.base import Item
    from galleryctl.gallery import Outline
    from galleryctl.spec import Settings, Variant

NAME = "kubeflow"
_SOURCES, _CATALOGUE = "sources.yaml", "catalog.yaml"
_TASKS = {
    "chat": "text-generation",
    "generate": "text-generation",
    "tools": "tool-calling",
    "vision": "image-to-text",
    "embed": "text-embedding",
    "rerank": "text-ranking",
    "audio2text": "automatic-speech-recognition",
    "text2audio": "text-to-speech",
    "text2image": "text-to-image",
    "image2image": "image-to-image",
    "text2video": "text-to-video",
    "image2video": "image-to-video",
    "detection": "object-detection",
}
_BY_TYPE = {"embedding": "text-embedding", "rerank": "text-ranking"}
_GENERATIVE = frozenset({"llm", "image", "audio", "video"})
_STORES = ("https://", "http://", "s3://", "gs://", "oci://", "az://")
"""Schemes that its reader takes for artifacts; `hf://` is none of them."""
_HUBS = {"huggingface": "https://huggingface.co/", "modelscope": "https://modelscope.cn/models/"}


def one(item: Item) -> Made:
    """A model with its artifacts and figures. Its description is chosen by the language of the gallery, in `whole`."""
    model, release = item.model, item.release
    found: dict[str, Any] = {"provider": item.id.partition("/")[0]}
    found |= {"language": languages} if (languages := _texts(release.spec.get("languages"))) else {}
    found |= {"license": back(model.license)} if model.license else {}
    found |= {"licenseLink": model.license_url} if model.license_url else {}
    if release.environment and release.environment.framework:
        found["libraryName"] = release.environment.framework
    found |= {"tasks": tasks} if (tasks := _tasks(item)) else {}
    found["externalId"] = item.id
    when = _moments(release.released or release.published or item.outline.added, item.outline.updated)
    artifacts = [artifact | when for variant in release.variants for artifact in _artifacts(variant)]
    artifacts += [_metric(name, value, unit) | when for name, value, unit in _figures(item)]
    text = "".join((document.dump(found | when), *_written(_properties(item), artifacts)))
    said = model.description or model.summary
    return Made(((_CATALOGUE, {"description": said, "text": text}),))


def _written(properties: Mapping[str, Any], artifacts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Properties and artifacts, one line each and one for each field: most of the file, so without a look at widths."""
    yield "customProperties:\n"
    for name, value in properties.items():
        yield f"  {document.inline(name)}: {document.inline(value)}\n"
    yield "artifacts:\n" if artifacts else ""
    for artifact in artifacts:
        start = "  - "
        for key, value in artifact.items():
            yield f"{start}{key}: {document.inline(value)}\n"
            start = "    "


def _tasks(item: Item) -> list[str]:
    abilities = _texts(item.release.spec.get("abilities"))
    names = [_TASKS[ability] for ability in abilities if ability in _TASKS]
    return list(dict.fromkeys([*names, *([_BY_TYPE[item.type]] if item.type in _BY_TYPE else [])]))


def _properties(item: Item) -> dict[str, Any]:
    """Tags, and what the neutral fields say beyond the catalogue's own."""
    found: dict[str, Any] = {tag: _text("") for tag in item.model.tags}
    found |= {"version": _text(item.version)}
    found |= {"model_type": _text("generative")} if item.type in _GENERATIVE else {}
    sizes = dict.fromkeys(variant.parameters for variant in item.release.variants if variant.parameters)
    found |= {"size": _text(", ".join(sizes))} if sizes else {}
    for name in ("context_length", "dimensions"):
        number = item.release.spec.get(name)
        if isinstance(number, int) and not isinstance(number, bool):
            found[name] = {"metadataType": "MetadataIntValue", "int_value": str(number)}
    return found


def _artifacts(variant: Variant) -> Iterator[dict[str, Any]]:
    """Each place from which a variant comes, by address."""
    said = {"variant": variant.name, "format": variant.format, "quantizations": ", ".join(variant.quantizations)}
    properties = {key: _text(value) for key, value in said.items() if value}
    sources = variant.sources
    for kind, hub in (sources.hubs() if sources else {}).items():
        pinned = {"revision": _text(hub.revision)} if hub.revision else {}
        if kind in _HUBS and "{" not in hub.repo:
            yield {"uri": f"{_HUBS[kind]}{hub.repo}", "customProperties": properties | pinned}
    if sources and sources.oci:
        yield {"uri": f"oci://{sources.oci.image}", "customProperties": properties}
    for place in (sources.object, sources.url) if sources else ():
        if place and place.prefix.startswith(_STORES):
            yield {"uri": place.prefix, "customProperties": properties}


def _figures(item: Item) -> Iterator[tuple[str, float, str | None]]:
    yield from (
        (each.name, each.value, each.unit) for each in item.release.metrics if each.name and each.value is not None
    )


def _metric(name: str, value: float, unit: str | None) -> dict[str, Any]:
    properties = {
        "benchmark": _text(name),
        "score": {"metadataType": "MetadataDoubleValue", "double_value": float(value)},
    }
    properties |= {"score_metric": _text(unit)} if unit else {}
    return {"artifactType": "metrics-artifact", "metricsType": "accuracy-metrics", "customProperties": properties}


def _moments(created: dt.datetime | None, updated: dt.datetime | None) -> dict[str, str]:
    named = {"createTimeSinceEpoch": created, "lastUpdateTimeSinceEpoch": updated or created}
    return {key: str(int(when.timestamp() * 1000)) for key, when in named.items() if when}


def _text(value: str) -> dict[str, str]:
    return {"metadataType": "MetadataStringValue", "string_value": value}


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def shared(settings: Settings) -> Sequence[str]:  # noqa: ARG001 - the port's signature
    return (_SOURCES, _CATALOGUE)


def whole(path: str, parts: Iterable[tuple[Outline, Any]], settings: Settings) -> Iterator[bytes]:
    title = localised(settings.title, settings.default_language, settings.default_language)
    if path == _SOURCES:
        yield document.dump({"model_catalogs": [_source(title)]}).encode()
        return
    yield document.dump({"source": title}).encode()
    empty = True
    for outline, part in parts:
        yield (b"models:\n" if empty else b"") + _model(outline.id, part, settings).encode()
        empty = False
    if empty:
        yield b"models: []\n"


def _source(title: str) -> Mapping[str, Any]:
    name = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_") or "gallery"
    properties = {"yamlCatalogPath": _CATALOGUE}
    return {"name": title, "id": name, "type": "yaml", "enabled": True, "properties": properties}


def _model(identifier: str, part: Mapping[str, Any], settings: Settings) -> str:
    said = localised(part["description"], settings.default_language, settings.default_language)
    head = document.dump({"name": identifier} | ({"description": said} if said else {}))
    lines = (head + part["text"]).rstrip("\n").split("\n")
    return "".join(f"  {'- ' if not number else '  '}{line}\n" if line else "\n" for number, line in enumerate(lines))
