"""A family's values as neutral fields, as far as these can hold them; anything else is left to the overlay."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from galleryctl import canonical
from galleryctl.exports.xinference.families import (
    BY_SPECS,
    BY_VARIANT,
    CONTROLNET,
    DESCRIBED,
    DRAFT,
    FIELDS,
    GGUF,
    HUB,
    LORA,
)
from galleryctl.importers.naming import slug
from galleryctl.importers.records import LONGEST_SUMMARY
from galleryctl.runtimes import xinference as facts
from galleryctl.spec.release import HUBS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from galleryctl.canonical import Json

_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--|&[a-z]+;")
_CODE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_MOST = 2**53 - 1
_LATEST = 253402300799  # the last second of the year 9999
_NAMES = facts.RUNTIME.names.fullmatch
_VIRTUALENV = {
    "packages": "texts",
    "inherit_pip_config": "flag",
    "index_url": "text",
    "extra_index_url": "either",
    "index_strategy": "text",
    "find_links": "either",
    "trusted_host": "either",
    "no_build_isolation": "flag",
}


@dataclass
class Neutral:
    """What the fields of a definition say of a family."""

    model: dict[str, Any] = field(default_factory=dict)
    release: dict[str, Any] = field(default_factory=dict)
    overlay: dict[str, Any] = field(default_factory=dict)
    updated: int | None = None

    @property
    def spec(self) -> dict[str, Any]:
        found: dict[str, Any] = self.release.get("spec", {})
        return found

    @staticmethod
    def sayable(name: str) -> bool:
        """Whether the overlay can hold a name."""
        return _NAMES(name) is not None


def text(value: Json) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _any(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def texts(value: Json) -> list[str] | None:
    return value if isinstance(value, list) and all(text(each) for each in value) else None


def whole(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST else None


def ids(value: Json) -> list[int] | None:
    fine = isinstance(value, list) and all(each == 0 or whole(each) for each in value)
    return value if fine and not any(isinstance(each, bool | float) for each in value) else None


def flag(value: Json) -> bool | None:
    return value if isinstance(value, bool) else None


def block(value: Json) -> dict[str, Json] | None:
    return value if isinstance(value, dict) else None


def words(type_: str) -> Callable[[Json], list[str] | None]:
    """Abilities of a type, each once and all known to Xinference."""
    return lambda value: (
        value if texts(value) and len(set(value)) == len(value) and set(value) <= facts.ABILITIES[type_] else None
    )


_KINDS: Mapping[str, Callable[[Json], Any]] = {
    "context_length": whole,
    "max_tokens": whole,
    "dimensions": whole,
    "architectures": texts,
    "model_type": text,
    "chat_template": _any,
    "stop": texts,
    "stop_token_ids": ids,
    "reasoning_start_tag": text,
    "reasoning_end_tag": text,
    "tool_parser": lambda value: value if facts.reads_tools(value) else None,
    "model_family": text,
    "multilingual": flag,
    "default_model_config": block,
    "default_generate_config": block,
    "default_transcription_config": block,
}


def neutral(type_: str, entry: Mapping[str, Json]) -> Neutral:
    """What can be said without an overlay, and the overlay's own keys. `entry` has no nulls."""
    made = Neutral()
    if isinstance(featured := entry.get("featured"), bool):
        made.model["featured"] = featured
    if type_ in DESCRIBED and (described := text(entry.get("model_description"))):
        made.model["summary" if _is_summary(described, entry.get("model_name")) else "description"] = described
    when = entry.get("updated_at")
    if isinstance(when, int) and not isinstance(when, bool) and 0 <= when <= _LATEST:
        made.updated = when
        made.release["released"] = canonical.moment(dt.datetime.fromtimestamp(when, dt.UTC))
    made.release["spec"] = _spec(type_, entry)
    made.overlay |= _languages(type_, entry, made.spec)
    made.release["variants"] = _variants(type_, entry, made)
    for key, each in (("virtualenv", _virtualenv), ("cache_config", block), ("cache_name", text)):
        if key in entry and (value := each(entry[key])) is not None:
            made.overlay[key] = value
    if not made.spec:
        del made.release["spec"]
    if not made.release["variants"]:
        del made.release["variants"]
    return made


def _is_summary(found: str, title: Json) -> bool:
    if len(found) > LONGEST_SUMMARY or "\n" in found or _TAG.search(found):
        return False
    return found.strip().rstrip(".").casefold() != str(title).strip().rstrip(".").casefold()


def _spec(type_: str, entry: Mapping[str, Json]) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    for key, path in FIELDS[type_].items():
        if key not in entry or path == ("languages",):
            continue
        if key == "type":
            value: Any = next((ours for ours, theirs in facts.METHODS.items() if theirs == entry[key]), None)
        elif key == "model_ability":
            value = words(type_)(entry[key])
        else:
            value = _KINDS[key](entry[key])
        if value is None:
            continue
        inner = spec
        for step in path[:-1]:
            inner = inner.setdefault(step, {})
        inner[path[-1]] = value
    if type_ == "image" and (found := _controlnet(entry.get("controlnet"))) is not None:
        spec["adapters"] = {"controlnet": found}
    return spec


def _controlnet(value: Json) -> list[dict[str, str]] | None:
    if not isinstance(value, list):
        return None
    made = [_taken(each, CONTROLNET, dict.fromkeys(CONTROLNET, text)) for each in value if isinstance(each, dict)]
    return made if len(made) == len(value) and all({"name", "repo"} <= set(each) for each in made) else None


def _languages(type_: str, entry: Mapping[str, Json], spec: dict[str, Any]) -> dict[str, Any]:
    """Languages by their codes; what else stands there is kept as it is."""
    if type_ == "audio":
        found = text(entry.get("language"))
        code = next((ours for ours, theirs in facts.AUDIO_LANGUAGES.items() if theirs == found), None)
        if code:
            spec["languages"] = [code]
        elif found is None and (spoken := texts(entry.get("model_lang"))) and not facts.spelt(spoken):
            spec["languages"] = spoken
        return {"language": found} if found and not code else {}
    if type_ == "llm":
        if (spoken := texts(entry.get("model_lang"))) is not None:
            spec["languages"] = spoken
        return {}
    spoken = texts(entry.get("language")) if type_ in BY_SPECS else None
    if spoken is None:
        return {}
    codes = [each for each in spoken if _CODE.fullmatch(each)]
    if codes or not spoken:
        spec["languages"] = codes
    return {"language": spoken} if codes != spoken else {}


def _virtualenv(value: Json) -> dict[str, Any] | None:
    """The keys that are as they should be; an extra holds the others."""
    if not isinstance(value, dict):
        return None
    checks: dict[str, Callable[[Json], Any]] = {
        "texts": texts,
        "text": text,
        "flag": flag,
        "either": lambda each: texts(each) if isinstance(each, list) else text(each),
    }
    kept = {key: value[key] for key, kind in _VIRTUALENV.items() if checks[kind](value.get(key)) is not None}
    return kept or (value if not value else None)


def _variants(type_: str, entry: Mapping[str, Json], made: Neutral) -> list[dict[str, Any]]:
    specs = entry.get("model_specs")
    if type_ in BY_SPECS or (type_ == "image" and "model_src" not in entry):
        if not isinstance(specs, list) or not all(isinstance(spec, dict) for spec in specs):
            return []
        variants = [_variant(type_, spec) for spec in specs]
        _name(variants)
        return variants
    variant = _variant(type_, entry) if type_ in BY_VARIANT else _built(type_, entry)
    if type_ in BY_VARIANT and (engine := text(entry.get("engine"))):
        known = facts.AUDIO_ENGINES if type_ == "audio" else facts.VIDEO_ENGINES
        ours = next((ours for ours, theirs in known.items() if theirs.casefold() == engine.casefold()), None)
        if ours:
            variant["engines"] = [ours]
        if ours is None or known[ours] != engine:
            made.overlay["engine"] = engine
    gguf, lora = _gguf(entry), _lora(entry)
    variant |= ({"gguf": gguf} if gguf else {}) | ({"lora": lora} if lora else {})
    return [variant] if variant else []


def _variant(type_: str, spec: Mapping[str, Json]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if found := text(spec.get("model_format")):
        back = {theirs: ours for ours, theirs in facts.FORMATS.items()}
        made["format"] = back.get(found, found)
    for key, name in (("model_size_in_billions", "parameters"), ("activated_size_in_billions", "active")):
        if type_ == "llm" and (size := facts.parameters(spec.get(key))):
            made[name] = size
    return made | _built(type_, spec)


def _built(type_: str, holder: Mapping[str, Json]) -> dict[str, Any]:
    """Quantizations and sources."""
    blocks = holder.get("model_src")
    found = blocks if isinstance(blocks, dict) else {}
    hubs = {kind: found[kind] for kind in HUBS if isinstance(found.get(kind), dict)}
    made: dict[str, Any] = {}
    shared: list[str] | None = None
    if type_ in BY_SPECS:
        shared = next((offered for each in hubs.values() if (offered := texts(each.get("quantizations")))), None)
        made |= {"quantizations": shared} if shared else {}
    sources: dict[str, Any] = {}
    for kind, each in hubs.items():
        if (hub := _hub(type_, each, holder)) is not None:
            offered = texts(each.get("quantizations"))
            if offered is not None and offered != shared:
                hub["quantizations"] = offered
            sources[kind] = hub
    return made | ({"sources": sources} if sources else {})


def _hub(type_: str, source: Mapping[str, Json], holder: Mapping[str, Json]) -> dict[str, Any] | None:
    made = _taken(
        source,
        HUB,
        {
            "model_id": text,
            "model_revision": text,
            "model_file_name_template": _any,
            "model_file_name_split_template": _any,
            "quantization_parts": _parts,
            "multimodal_projectors": texts,
        },
    )
    if "repo" not in made:
        return None
    draft = _taken(source, DRAFT, {**dict.fromkeys(DRAFT, text), "draft_quantizations": texts})
    gguf = _gguf(source)
    lora = _lora({**{key: holder[key] for key in LORA if type_ == "video" and key in holder}, **source})
    made |= {"draft": draft} if "repo" in draft else {}
    return made | ({"gguf": gguf} if gguf else {}) | ({"lora": lora} if lora else {})


def _parts(value: Json) -> dict[str, list[str]] | None:
    return value if isinstance(value, dict) and all(texts(each) is not None for each in value.values()) else None


def _gguf(source: Mapping[str, Json]) -> dict[str, Any] | None:
    made = _taken(source, GGUF, {**dict.fromkeys(GGUF, text), "gguf_quantizations": texts})
    return made if "repo" in made else None


def _lora(source: Mapping[str, Json]) -> dict[str, Any] | None:
    kinds = {**dict.fromkeys(LORA, text), "lightning_versions": texts, "lightning_version_configs": block}
    made = _taken(source, LORA, kinds)
    return made if "repo" in made else None


def _taken(
    source: Mapping[str, Json], names: Mapping[str, str], kinds: Mapping[str, Callable[[Json], Any]]
) -> dict[str, Any]:
    """The values that are of their kinds, by our names."""
    found = {names[key]: kinds[key](source[key]) for key in names if key in source}
    return {name: value for name, value in found.items() if value is not None}


def _name(variants: list[dict[str, Any]]) -> None:
    """Give a key to each variant whose default name is taken: by quantization, repository, or a number."""
    told: set[str] = set()
    for variant in variants:
        parts = [variant[key].lower() for key in ("parameters", "format") if key in variant]
        default = "-".join(parts) or "default"
        if default not in told and slug(default) == default:
            told.add(default)
            continue
        first = (variant.get("quantizations") or [""])[0]
        repo = next((hub["repo"] for hub in variant.get("sources", {}).values()), "").rpartition("/")[2]
        tries = [slug(f"{default}-{first}"), slug(f"{default}-{repo}")]
        starts = (default, "variant")  # where the first is so long that nothing fits behind it
        tries += [slug(f"{start}-{number}") for start in starts for number in range(2, len(variants) + 2)]
        key = next(each for each in tries if each and each not in told and each != slug(default))
        variant["key"] = key
        told.add(key)
