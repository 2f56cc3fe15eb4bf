"""The registration form: one model as `xinference register` takes it, with a flat spec for each quantization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galleryctl.exports.xinference.families import BY_SPECS
from galleryctl.runtimes.base import fill
from galleryctl.runtimes.shipped import XINFERENCE, XINFERENCE_TOOLS, XINFERENCE_VISION
from galleryctl.spec.release import HUBS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.canonical import Json

TYPES = frozenset({"llm", "embedding", "rerank", "image", "audio"})
"""Types that can be registered; for video Xinference accepts it and does nothing."""
_CATALOGUE = frozenset({"featured", "updated_at", "model_type", "model_specs", "model_src"})
_LISTS = frozenset({"multimodal_projectors", "draft_quantizations"})
"""What the loader leaves as it is where it fills in the quantization."""


def is_shipped(type_: str, name: str) -> bool:
    """Whether a name is taken by a model that Xinference brings along: registration refuses it."""
    return name in XINFERENCE.get(type_, ())


def form(type_: str, family: Mapping[str, Json], name_of_family: str | None) -> dict[str, Json]:
    """The registration of a family of the catalogue. `name_of_family` is what an llm is said to be a kind of."""
    made = {key: value for key, value in family.items() if key not in _CATALOGUE}
    if type_ == "llm":
        made["model_family"] = name_of_family or family["model_name"]
    if type_ in BY_SPECS:
        made["model_specs"] = [flat for spec in family["model_specs"] for flat in _flat(spec)]
    else:
        source = family.get("model_src") or family["model_specs"][0]["model_src"]
        kind = next(hub for hub in HUBS if hub in source)
        made |= source[kind] | {"model_hub": kind}
    return made


def _flat(spec: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    """A spec of the catalogue as one for each quantization, each at the first hub that offers it."""
    told = set()
    shared = {key: value for key, value in spec.items() if key != "model_src"}
    for kind in HUBS:
        block = spec["model_src"].get(kind)
        for quantization in block["quantizations"] if block else ():
            if quantization in told:
                continue
            told.add(quantization)
            own = {key: _filled(key, value, quantization) for key, value in block.items() if key != "quantizations"}
            hub = {"model_hub": kind, "model_uri": None, "model_revision": None}
            yield {**shared, "quantization": quantization, **hub, **own}


def _filled(key: str, value: Json, quantization: str) -> Any:  # noqa: ANN401 - any JSON value
    if key == "model_file_name_split_template":
        return value.replace("{quantization}", quantization)  # the part is filled in when it is downloaded
    return fill(value, quantization, "{part}") if isinstance(value, str) and key not in _LISTS else value


def objection(family: Mapping[str, Json]) -> tuple[str, str] | None:
    """The ability for which an llm must be of a family that Xinference knows, and that family, where it is not."""
    abilities, name = family.get("model_ability") or (), str(family.get("model_family"))
    if "tools" in abilities and name not in XINFERENCE_TOOLS:
        return "tools", name
    if "vision" in abilities and name not in XINFERENCE_VISION:
        return "vision", name
    return None
