"""What Xinference refuses, or lets through and fails on later, in a family: stricter than its own classes.

One family that its loader cannot parse hides all that stand behind it in the file, and some stop the server.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from galleryctl.checks.sandbox import mistake
from galleryctl.exports.xinference.families import BY_SPECS
from galleryctl.runtimes import xinference as facts
from galleryctl.spec.release import HUBS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from galleryctl.canonical import Json

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*").fullmatch
_SIZE = re.compile(r"[0-9]+(_[0-9]+)?").fullmatch
_BRACES = re.compile(r"\{([^{}]*)\}|[{}]")
_FORMATS = {
    "llm": frozenset({"pytorch", "gptq", "awq", "fp4", "fp8", "bnb", "ggufv2", "mlx"}),
    "embedding": frozenset({"pytorch", "ggufv2"}),
    "rerank": frozenset({"pytorch", "ggufv2"}),
    "image": frozenset({"pytorch", "mlx", "ggufv2"}),
    "audio": frozenset({"pytorch", "mlx"}),
    "video": frozenset({"diffusers", "mlx"}),
}
_METHODS = frozenset({"normal", "LLM-based", "LLM-based layerwise", "unknown"})
_VIRTUALENV = frozenset(
    {"packages", "inherit_pip_config", "index_url", "extra_index_url", "find_links", "trusted_host", "index_strategy"}
    | {"no_build_isolation"}
)
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "llm": ("model_lang", "model_ability", "model_specs"),
    "embedding": ("language", "max_tokens", "dimensions", "model_specs"),
    "rerank": ("language", "model_specs"),
    "image": ("model_family",),
    "audio": ("model_family", "multilingual", "model_src"),
    "video": ("model_family", "model_src"),
}


def _text(value: Json) -> bool:
    return isinstance(value, str) and value != ""


def _any_text(value: Json) -> bool:
    return isinstance(value, str)


def _whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _count(value: Json) -> bool:
    return _whole(value) and value > 0


def _flag(value: Json) -> bool:
    return isinstance(value, bool)


def _map(value: Json) -> bool:
    return isinstance(value, dict)


def _list(each: Callable[[Json], bool], *, empty: bool = True) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, list) and (empty or bool(value)) and all(map(each, value))


_KINDS: Mapping[str, Callable[[Json], bool]] = {
    "updated_at": _whole,
    "featured": _flag,
    "model_description": _any_text,
    "context_length": _count,
    "max_tokens": _count,
    "dimensions": _count,
    "model_lang": _list(_text, empty=False),
    "model_ability": _list(_text),
    "architectures": _list(_text),
    "model_type": _text,
    "model_family": _text,
    "chat_template": _any_text,
    "stop": _list(_any_text),
    "stop_token_ids": _list(_whole),
    "reasoning_start_tag": _any_text,
    "reasoning_end_tag": _any_text,
    "tool_parser": _text,
    "multilingual": _flag,
    "engine": _text,
    "cache_name": lambda value: isinstance(value, str) and _NAME(value) is not None,
    "cache_config": _map,
    "default_model_config": _map,
    "default_generate_config": _map,
    "default_transcription_config": _map,
    "controlnet": _list(_map),
    "gguf_quantizations": _list(_text, empty=False),
    "lightning_versions": _list(_text, empty=False),
}
_IN_SOURCE: Mapping[str, Callable[[Json], bool]] = {
    "model_id": _text,
    "model_revision": _text,
    "quantizations": _list(_text, empty=False),
    "model_file_name_template": _any_text,
    "model_file_name_split_template": _text,
    "quantization_parts": lambda value: _map(value) and all(map(_list(_text, empty=False), value.values())),
    "multimodal_projectors": _list(_text),
    "draft_model_id": _text,
    "draft_quantizations": _list(_text),
    "gguf_quantizations": _list(_text, empty=False),
    "lightning_versions": _list(_text, empty=False),
}
_PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "model_id": frozenset({"quantization"}),
    "model_revision": frozenset(),
    "model_file_name_template": frozenset({"quantization"}),
    "model_file_name_split_template": frozenset({"quantization", "part"}),
    "draft_model_id": frozenset({"quantization", "draft_quantization"}),
    "draft_model_file_name_template": frozenset({"quantization", "draft_quantization"}),
    "gguf_model_id": frozenset({"quantization"}),
    "gguf_model_file_name_template": frozenset({"quantization"}),
    "lightning_model_file_name_template": frozenset({"lightning_version"}),
}


def faults(type_: str, family: Json) -> list[str]:
    """What is wrong with a record of `<type>.json`; empty where Xinference takes it and can use it."""
    return list(dict.fromkeys(_faults(type_, family)))


def _faults(type_: str, family: Json) -> Iterator[str]:
    if not isinstance(family, dict):
        yield "a family is no map"
        return
    if family.get("version") != 2 or not _whole(family["version"]):  # noqa: PLR2004 - the only version there is
        yield "`version` is not 2"
    name = family.get("model_name")
    if not isinstance(name, str) or _NAME(name) is None:
        yield "`model_name` is no flat name"
    for key in ("updated_at", *_REQUIRED[type_]):
        if family.get(key) is None:
            yield f"`{key}` is missing"
    for key, kind in _KINDS.items():
        if family.get(key) is not None and not (key == "language" or kind(family[key])):
            yield f"`{key}` is of the wrong kind"
    yield from _words(type_, family)
    yield from _environment(family.get("virtualenv"))
    template = family.get("chat_template")
    if isinstance(template, str) and (broken := mistake(template)):
        yield f"`chat_template` does not compile: {broken}"
    yield from _sources(type_, family)


def _words(type_: str, family: Mapping[str, Json]) -> Iterator[str]:
    found = family.get("model_ability")
    known = facts.ABILITIES.get(type_)
    if known and isinstance(found, list):
        if not found:
            yield "`model_ability` is empty"
        for word in found:
            if not isinstance(word, str) or word not in known:
                yield f"`model_ability` has the unknown word {word!r}"
    spoken = family.get("language")
    if spoken is not None and not (_text if type_ == "audio" else _list(_text, empty=False))(spoken):
        yield "`language` is of the wrong kind"
    if type_ == "rerank" and family.get("type") is not None and family["type"] not in _METHODS:
        yield f"`type` has the unknown word {family['type']!r}"
    if type_ in {"audio", "video"} and (format_ := family.get("model_format")) is not None:
        yield from _format(type_, format_)


def _format(type_: str, format_: Json) -> Iterator[str]:
    if not isinstance(format_, str) or format_ not in _FORMATS[type_]:
        yield f"`model_format` has the unknown word {format_!r}"


def _environment(value: Json) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, dict) or not _list(_text)(value.get("packages")):
        yield "`virtualenv` has no list `packages`"
    elif unknown := sorted(set(value) - _VIRTUALENV):
        yield f"`virtualenv` has the unknown key `{unknown[0]}`"


def _sources(type_: str, family: Mapping[str, Json]) -> Iterator[str]:
    if type_ in BY_SPECS or "model_specs" in family:
        specs = family.get("model_specs")
        if not isinstance(specs, list) or not specs:
            yield "`model_specs` is no list of specs"
            return
        for spec in specs:
            yield from _spec(type_, spec)
    else:
        yield from _hubs(type_, family.get("model_src"), None)


def _spec(type_: str, spec: Json) -> Iterator[str]:
    if not isinstance(spec, dict):
        yield "a spec is no map"
        return
    format_ = spec.get("model_format")
    yield from _format(type_, format_)
    for key in ("model_size_in_billions", "activated_size_in_billions") if type_ == "llm" else ():
        value = spec.get(key)
        if value is None and key == "activated_size_in_billions":
            continue
        if not (_count(value) or (isinstance(value, str) and _SIZE(value))):
            yield f"`{key}` is neither a whole number nor a text like 1_8"
    yield from _hubs(type_, spec.get("model_src"), format_)


def _hubs(type_: str, found: Json, format_: Json) -> Iterator[str]:
    if not isinstance(found, dict) or not found:
        yield "`model_src` names no hub"
        return
    if type_ == "image" and "huggingface" not in found:
        yield "an image model needs a source at huggingface"
    for kind, block in found.items():
        if kind not in HUBS or not isinstance(block, dict):
            yield f"`model_src` has no hub `{kind}`"
        else:
            yield from (f"{fault} ({kind})" for fault in _block(type_, block, format_))


def _block(type_: str, block: Mapping[str, Json], format_: Json) -> Iterator[str]:
    required = ["model_id"]
    required += ["quantizations"] if type_ in BY_SPECS else []
    required += ["model_revision"] if type_ in {"image", "video"} else []
    required += ["model_file_name_template"] if format_ == "ggufv2" and type_ in BY_SPECS else []
    for key in required:
        if block.get(key) is None:
            yield f"`{key}` is missing"
    for key, kind in _IN_SOURCE.items():
        if block.get(key) is not None and not kind(block[key]):
            yield f"`{key}` is of the wrong kind"
    for key, allowed in _PLACEHOLDERS.items():
        if isinstance(text := block.get(key), str) and (strange := _strange(text, allowed)):
            yield f"`{key}` has the placeholder {strange}, which nobody fills in"
    template, split = block.get("model_file_name_template"), block.get("model_file_name_split_template")
    if template == "" and not (split and block.get("quantization_parts")):
        yield "`model_file_name_template` is empty"


def _strange(text: str, allowed: frozenset[str]) -> str:
    """A placeholder that stays as it is; empty where there is none."""
    return next((match[0] for match in _BRACES.finditer(text) if match[1] is None or match[1] not in allowed), "")


def key_of(type_: str, family: Mapping[str, Any]) -> tuple[str, ...]:
    """What tells a family from the others of its file: the name without case, for audio and video with the build."""
    name = str(family.get("model_name", "")).casefold()
    if type_ in {"audio", "video"}:
        return (name, *(str(family.get(key)) for key in ("engine", "model_format", "quantization")))
    return (name,)
