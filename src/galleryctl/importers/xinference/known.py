"""Keys that Xinference knows, by model type: of a family, of a spec, of a source block."""

from __future__ import annotations

from galleryctl.exports.xinference.families import BY_SPECS, DRAFT, FIELDS, GGUF, HUB, LORA
from galleryctl.runtimes.xinference import RUNTIME

_ALL = {"version", "model_name", "updated_at", "featured", "virtualenv", "cache_config", "model_description"}
_MORE: dict[str, set[str]] = {
    "llm": {"model_specs", "model_family"},
    "embedding": {"model_specs", "model_ability"},
    "rerank": {"model_specs", "model_ability"},
    "image": {"model_specs", "model_src", "controlnet", *GGUF},
    "audio": {
        *("model_src", "engine", "model_format", "language", "model_lang", "cache_name", "quantization"),
        "model_file_name",
    },
    "video": {
        *("model_src", "engine", "model_format", "cache_name", "text_encoder_model_id", "text_encoder_model_revision"),
        *LORA,
    },
}
FAMILY = {type_: frozenset({*_ALL, *FIELDS[type_], *_MORE[type_]}) for type_ in RUNTIME.formats}
_SPEC = {"model_format", "model_src"}
SPEC = {
    type_: frozenset(
        _SPEC
        | (
            {"model_size_in_billions", "activated_size_in_billions", "model_metadata"}
            if type_ == "llm"
            else {"virtualenv", "model_file_name_template", "multimodal_projector"}
            if type_ == "image"
            else set()
        )
    )
    for type_ in RUNTIME.formats
}
_MEDIA = {"model_id", "model_revision", "quantizations", *GGUF, *LORA}
_MEDIA |= {"text_encoder_model_id", "text_encoder_model_revision", "vae_model_id", "vae_model_revision"}
_BY_SPECS = {"quantizations", *HUB, *DRAFT, "multimodal_projector", "model_metadata", "model_metadata_by_quantization"}
SOURCE = {type_: frozenset(_BY_SPECS if type_ in BY_SPECS else _MEDIA) for type_ in RUNTIME.formats}
