"""Definitions as families: the records of Xinference's catalogues, in the form that its own files have.

Nothing is judged here; what Xinference would refuse comes out as it is, so that an importer can compare.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galleryctl.exports.xinference.laying import lay, with_nulls
from galleryctl.runtimes import xinference as facts
from galleryctl.runtimes.base import PLAIN, exported_name, overlay
from galleryctl.spec import localised

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from galleryctl.spec import Model
    from galleryctl.spec.base import Frozen
    from galleryctl.spec.release import Hub, Release, Variant

Record = dict[str, Any]

BY_SPECS = frozenset({"llm", "embedding", "rerank"})
"""Types whose families hold a list of specs; the others have one source block."""
BY_VARIANT = frozenset({"audio", "video"})
"""Types of which each variant is a family of its own."""

_LLM = {
    "context_length": ("context_length",),
    "model_lang": ("languages",),
    "model_ability": ("abilities",),
    "architectures": ("architecture", "classes"),
    "model_type": ("architecture", "model_type"),
    "chat_template": ("prompt", "template"),
    "stop": ("prompt", "stop"),
    "stop_token_ids": ("prompt", "stop_token_ids"),
    "reasoning_start_tag": ("prompt", "reasoning", "start"),
    "reasoning_end_tag": ("prompt", "reasoning", "end"),
    "tool_parser": ("prompt", "tool_parser"),
}
_MEDIA = {
    "model_family": ("family",),
    "model_ability": ("abilities",),
    "default_model_config": ("defaults", "load"),
}
FIELDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "llm": _LLM,
    "embedding": {
        "dimensions": ("dimensions",),
        "max_tokens": ("context_length",),
        "language": ("languages",),
    },
    "rerank": {"type": ("method",), "max_tokens": ("context_length",), "language": ("languages",)},
    "image": {**_MEDIA, "default_generate_config": ("defaults", "generate")},
    "audio": {
        **_MEDIA,
        "multilingual": ("multilingual",),
        "default_transcription_config": ("defaults", "transcribe"),
    },
    "video": {**_MEDIA, "default_generate_config": ("defaults", "generate")},
}
"""Fields of a family by type, and where they stand in `spec`."""
DESCRIBED = frozenset({"llm", "image", "audio"})
"""Types whose families have a description."""
CONTROLNET: Mapping[str, str] = {
    "model_name": "name",
    "model_family": "family",
    "model_id": "repo",
    "model_revision": "revision",
}
HUB: Mapping[str, str] = {
    "model_id": "repo",
    "model_revision": "revision",
    "model_file_name_template": "file",
    "model_file_name_split_template": "parts_file",
    "quantization_parts": "parts",
    "multimodal_projectors": "projectors",
}
DRAFT: Mapping[str, str] = {
    "draft_model_id": "repo",
    "draft_model_revision": "revision",
    "draft_model_file_name_template": "file",
    "draft_quantizations": "quantizations",
}
GGUF: Mapping[str, str] = {
    "gguf_model_id": "repo",
    "gguf_quantizations": "quantizations",
    "gguf_model_file_name_template": "file",
}
LORA: Mapping[str, str] = {
    "lightning_model_id": "repo",
    "lightning_model_revision": "revision",
    "lightning_versions": "versions",
    "lightning_model_file_name_template": "file",
    "lightning_version_configs": "configs",
}
"""Keys of a source block, and the fields of ours that say the same."""
_OF_FAMILY = ("lightning_versions", "lightning_model_file_name_template", "lightning_version_configs")
"""What a video family says of its add-on for all hubs at once."""


def families(
    identifier: str, type_: str, model: Model, release: Release, variants: Sequence[Variant], updated: int | None
) -> list[Record]:
    """The families of a release with some of its variants: several for audio and video, else one.

    `updated` is in seconds since 1970; none leaves the field out.
    """
    block = overlay(release, facts.RUNTIME.name)
    base: Record = {"version": 2, "model_name": exported_name(facts.RUNTIME.name, identifier, release)}
    base |= _facts(type_, model, release.spec)
    base |= {key: block[key] for key in ("virtualenv", "cache_config", "cache_name") if key in block}
    if type_ in {"embedding", "rerank"} and "language" in block:
        base["language"] = block["language"]
    if model.featured is not None:
        base["featured"] = model.featured
    if updated is not None:
        base["updated_at"] = updated
    if type_ in BY_VARIANT:
        made = [_of_variant(base, type_, release, variant, index) for index, variant in enumerate(variants)]
    else:
        made = [_whole(base, type_, release, variants)]
    extra, nulls = block.get("extra"), block.get("nulls")
    if isinstance(extra, dict):
        made = [lay(each, extra) for each in made]
    if isinstance(nulls, list):
        made = [with_nulls(each, [path for path in nulls if isinstance(path, str)]) for each in made]
    return made


def _facts(type_: str, model: Model, spec: Mapping[str, Any]) -> Record:
    """What the neutral fields say of the family."""
    found: Record = {}
    for key, path in FIELDS[type_].items():
        value: Any = spec
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if key == "type":
            value = facts.METHODS.get(value) if isinstance(value, str) else None
        if key == "model_ability" and isinstance(value, list):
            value = [word for word in value if word in facts.ABILITIES[type_]]  # the others are for other runtimes
        if key == "chat_template" and not isinstance(value, str):
            continue  # the file it should stand in is not there
        if key == "tool_parser" and not facts.reads_tools(value):
            continue  # the name of another runtime
        if value is not None:
            found[key] = value
    if type_ in DESCRIBED and (text := localised(model.summary or model.description, "en", "en")):
        found["model_description"] = text
    controlnet = spec.get("adapters", {}).get("controlnet") if isinstance(spec.get("adapters"), dict) else None
    if type_ == "image" and isinstance(controlnet, list):
        found["controlnet"] = [_renamed(each, CONTROLNET) for each in controlnet if isinstance(each, dict)]
    return found


def _renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> Record:
    return {key: values[name] for key, name in names.items() if values.get(name) is not None}


def _whole(base: Record, type_: str, release: Release, variants: Sequence[Variant]) -> Record:
    """The one family of all variants."""
    if type_ == "image" and len(variants) == 1 and variants[0].format is None:
        only = variants[0]
        own = _own(release, only)
        return lay({**base, **sources(type_, only), **_for_all(only)}, own)
    specs = [lay(_spec(type_, variant), _own(release, variant)) for variant in variants]
    return {**base, **(_for_all(variants[0]) if variants else {}), "model_specs": specs}


def _own(release: Release, variant: Variant) -> Mapping[str, Any]:
    """What the overlay says of one variant."""
    block = release.runtimes.get(facts.RUNTIME.name, {}).get("per_variant")
    own = block.get(variant.name) if isinstance(block, dict) else None
    return own if isinstance(own, dict) else {}


def _spec(type_: str, variant: Variant) -> Record:
    made: Record = {}
    if variant.format is not None:
        made["model_format"] = facts.FORMATS.get(variant.format, variant.format)
    if type_ == "llm" and variant.parameters is not None:
        made["model_size_in_billions"] = facts.billions(variant.parameters)
    if type_ == "llm" and variant.active is not None:
        made["activated_size_in_billions"] = facts.billions(variant.active)
    return made | sources(type_, variant)


def _of_variant(base: Record, type_: str, release: Release, variant: Variant, index: int) -> Record:
    """The family of one variant."""
    block = overlay(release, facts.RUNTIME.name)
    made = {**base, **sources(type_, variant), **_for_all(variant)}
    known = facts.AUDIO_ENGINES if type_ == "audio" else facts.VIDEO_ENGINES
    engine = next((known[name] for name in variant.engines if name in known), None)
    engine = block["engine"] if isinstance(block.get("engine"), str) else engine
    if engine is not None:
        made["engine"] = engine
    format_ = variant.format or (engine if type_ == "video" and engine == "diffusers" else None)
    if format_ is not None:
        made["model_format"] = facts.FORMATS.get(format_, format_)
    if index and "cache_name" not in made and format_:
        made["cache_name"] = f"{made['model_name']}-{made['model_format']}"
    if type_ == "audio":
        spoken = release.spec.get("languages")
        text = block["language"] if isinstance(block.get("language"), str) else facts.spelt(spoken)
        made |= {"language": text} if text else {"model_lang": spoken} if spoken else {}
    if type_ == "video":
        hubs = [hub for hub in (variant.sources.hubs() if variant.sources else {}).values() if hub.lora]
        lora = _renamed(_stated(hubs[0].lora), LORA) if hubs and hubs[0].lora else {}
        made |= {key: lora[key] for key in _OF_FAMILY if key in lora}
    return lay(made, _own(release, variant))


def sources(type_: str, variant: Variant) -> Record:
    """`model_src` of a variant."""
    hubs = variant.sources.hubs() if variant.sources else {}
    return {"model_src": {kind: _source(type_, variant, hub) for kind, hub in hubs.items()}}


def _source(type_: str, variant: Variant, hub: Hub) -> Record:
    made = _renamed(_stated(hub), HUB)
    if type_ in BY_SPECS:
        offered = variant.quantizations or (PLAIN,) if hub.quantizations is None else hub.quantizations
        made["quantizations"] = list(offered)
    elif hub.quantizations is not None:
        made["quantizations"] = list(hub.quantizations)
    if hub.draft:
        made |= _renamed(_stated(hub.draft), DRAFT)
    if hub.gguf:
        made |= _renamed(_stated(hub.gguf), GGUF)
    if hub.lora:
        lora = _renamed(_stated(hub.lora), LORA)
        made |= {key: value for key, value in lora.items() if type_ != "video" or key not in _OF_FAMILY}
    return made


def _for_all(variant: Variant) -> Record:
    """Add-ons that hold for every hub."""
    made: Record = {}
    if variant.gguf:
        made |= _renamed(_stated(variant.gguf), GGUF)
    if variant.lora:
        made |= _renamed(_stated(variant.lora), LORA)
    return made


def _stated(value: Frozen | None) -> dict[str, Any]:
    """The fields that were given, as JSON has them."""
    return value.model_dump(mode="json", exclude_unset=True, exclude_none=True) if value else {}
