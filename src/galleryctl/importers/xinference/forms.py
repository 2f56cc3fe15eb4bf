"""The registration form of one model, turned into that of the catalogues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galleryctl.spec.release import HUBS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.canonical import Json

_SPEC = ("model_format", "model_size_in_billions", "activated_size_in_billions")
_NOT_SOURCE = {*_SPEC, "quantization", "model_hub", "model_uri"}
_SOURCE = ("model_id", "model_revision", "gguf_model_id", "gguf_quantizations", "gguf_model_file_name_template")


def unregistered(type_: str, value: Mapping[str, Json]) -> tuple[dict[str, Json], str | None]:
    """An entry as catalogues hold it, and the family under which it was registered.

    One that is in this form already stays as it is.
    """
    specs = value.get("model_specs")
    flat = isinstance(specs, list) and bool(specs) and all(_flat(spec) for spec in specs)
    alone = "model_specs" not in value and "model_src" not in value and isinstance(value.get("model_id"), str)
    if not flat and not alone:
        return dict(value), None
    made = {"version": 2, **{key: member for key, member in value.items() if member is not None}}
    if isinstance(specs, list) and flat:
        made["model_specs"] = [_nested(spec) for spec in specs]
        family = made.pop("model_family", None) if type_ == "llm" else None
        return made, family if isinstance(family, str) and family.strip() else None
    hub = made.pop("model_hub", "huggingface")
    made.pop("model_uri", None)
    source = {key: made.pop(key) for key in _SOURCE if key in made}
    if type_ in {"llm", "embedding", "rerank"}:
        source["quantizations"] = ["none"]
        made["model_specs"] = [{"model_format": "pytorch", "model_src": {hub: source}}]
    else:
        made["model_src"] = {hub if hub in HUBS else "huggingface": source}
    return made, None


def _flat(spec: Json) -> bool:
    return isinstance(spec, dict) and "model_src" not in spec and isinstance(spec.get("model_id"), str)


def _nested(spec: Mapping[str, Json]) -> dict[str, Any]:
    """A flat spec, of one quantization at one hub."""
    hub = spec.get("model_hub", "huggingface")
    quantization = spec.get("quantization")
    source = {key: value for key, value in spec.items() if key not in _NOT_SOURCE and value is not None}
    source["quantizations"] = [quantization] if isinstance(quantization, str) and quantization else ["none"]
    shared = {key: spec[key] for key in _SPEC if spec.get(key) is not None}
    return shared | {"model_src": {hub if isinstance(hub, str) else "huggingface": source}}
