"""Xinference: a catalogue file for each model type, and a registration file for each model.

`updated_at` is the time of `released`, else of the publication here; where the model was changed after it was added,
the time of its last change, if that is later: only a greater number takes effect at a runtime. What is not committed
yet and says no time has 0, for without a number the server would not start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from galleryctl.exports.base import File, Left, Made
from galleryctl.exports.xinference import registration, shape
from galleryctl.exports.xinference.deriving import complete
from galleryctl.exports.xinference.families import BY_VARIANT, families
from galleryctl.runtimes import unfit
from galleryctl.runtimes import xinference as facts
from galleryctl.runtimes.base import Target, of_variant, overlay
from galleryctl.runtimes.sentences import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from galleryctl.exports.base import Item
    from galleryctl.gallery import Outline
    from galleryctl.spec import Settings
    from galleryctl.spec.base import Text
    from galleryctl.spec.release import Variant

NAME = facts.RUNTIME.name
_TITLE = facts.RUNTIME.title


def one(item: Item) -> Made:
    """The families of a model, and its registration file."""
    if item.type not in facts.RUNTIME.formats:
        return Made(left=(Left("", "", say("type", runtime=_TITLE, type=item.type)),))
    usable, left = _usable(item)
    if not usable:
        if not left:
            left.append(Left("", "", say("no variant", runtime=_TITLE)))
        return Made(left=tuple(left))
    kept: list[dict[str, Any]] = []
    for family in families(item.id, item.type, item.model, item.release, usable, _updated(item)):
        if found := shape.faults(item.type, family):
            where = usable[len(kept)].name if item.type in BY_VARIANT and len(usable) > 1 else ""
            left.append(Left(where, "", say("refused", runtime=_TITLE, faults="; ".join(found))))
        elif any(shape.key_of(item.type, each) == shape.key_of(item.type, family) for each in kept):
            left.append(Left("", "", say("one name", runtime=_TITLE, name=family["model_name"])))
        else:
            kept.append(family)
    files, why = _registered(item, kept)
    left += [Left("", "", reason) for reason in why]
    return Made(tuple((f"{item.type}.json", family) for family in kept), tuple(files), tuple(left))


def _updated(item: Item) -> int:
    """Seconds since 1970."""
    when = item.release.released or item.release.published
    if provenance := item.model.provenance:
        when = when or provenance.added
        if provenance.updated > provenance.added:
            when = max(when, provenance.updated)
    return max(int(when.timestamp()), 0) if when else 0


def _usable(item: Item) -> tuple[list[Variant], list[Left]]:
    """The variants that Xinference can load, and why not the others."""
    usable: list[Variant] = []
    left: list[Left] = []
    for variant in item.release.variants:
        reason = None
        for made in complete(variant):
            target = next(of_variant(item.id, item.type, item.version, item.release, made))
            reason = _reason(target)
            if reason is None:
                usable.append(made)
            else:
                left.append(Left(variant.name, "" if made is variant else target.quantization, reason))
    return usable, left


def _reason(target: Target) -> Text | None:
    """Why a target cannot be loaded."""
    if skipped := unfit(facts.RUNTIME, target):
        return skipped.reason
    if not target.variant.sources or not target.variant.sources.hubs():
        return say("no hub", runtime=_TITLE)
    if {"extra", "per_variant"} & set(overlay(target.release, NAME)):
        return None  # what is missing may stand there: the family will show it
    named = "language" in overlay(target.release, NAME)
    fields = [field for field in facts.lacks(target) if not (named and field == "spec.languages")]
    return say("lacks", runtime=_TITLE, fields=", ".join(fields)) if fields else None


def _registered(item: Item, kept: list[dict[str, Any]]) -> tuple[list[File], list[Text]]:
    """The registration file of a model, or why there is none."""
    if not kept or item.type not in registration.TYPES or registration.is_shipped(item.type, kept[0]["model_name"]):
        return [], []
    block = overlay(item.release, NAME)
    family = block.get("register_family", item.release.spec.get("family"))
    made = registration.form(item.type, kept[0], family if isinstance(family, str) else None)
    if item.type == "llm" and (found := registration.objection(made)):
        return [], [say("unregistered", runtime=_TITLE, ability=found[0], family=found[1])]
    return [File(f"register/{item.type}/{made['model_name']}.json", to_json(made, indent=2) + b"\n")], []


def shared(settings: Settings) -> tuple[str, ...]:  # noqa: ARG001 - the port's signature
    """A file for each type that Xinference has."""
    return tuple(f"{type_}.json" for type_ in facts.RUNTIME.formats)


def whole(path: str, parts: Iterable[tuple[Outline, Any]], settings: Settings) -> Iterator[bytes]:  # noqa: ARG001 - the port's signature
    """A list with one family on each line. Of two of one name, which RUN003 reports, the first stays."""
    type_ = path.removesuffix(".json")
    told: set[tuple[str, ...]] = set()
    start = b"[\n"
    for _, family in parts:
        if (key := shape.key_of(type_, family)) not in told:
            told.add(key)
            yield start + to_json(family)
            start = b",\n"
    yield b"\n]\n" if told else b"[]\n"


def faults(path: str, data: bytes) -> list[str]:
    """What Xinference would refuse in a file as it was written."""
    try:
        value = from_json(data)
    except ValueError as error:
        return [f"not JSON: {error}"]
    if path.startswith("register/"):
        return _form_faults(path, value)
    type_ = path.removesuffix(".json")
    if type_ not in facts.RUNTIME.formats:
        return ["Xinference reads no file of this name"]
    if not isinstance(value, list):
        return ["not a list of families"]
    found = [f"{_called(family)}: {fault}" for family in value for fault in shape.faults(type_, family)]
    keys = [shape.key_of(type_, family) for family in value if isinstance(family, dict)]
    twice = [key for index, key in enumerate(keys) if key in keys[:index]] if len(set(keys)) < len(keys) else []
    return found + [f"{key[0]} stands twice" for key in twice]


def _form_faults(path: str, value: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    type_ = path.split("/")[1]
    if type_ not in registration.TYPES or not isinstance(value, dict):
        return ["not the registration of one model"]
    found = [f"`{key}` is only for catalogues" for key in ("featured", "updated_at", "model_src") if key in value]
    if path != f"register/{type_}/{value.get('model_name')}.json":
        found.append("the file is not called like the model")
    if type_ == "llm" and not isinstance(value.get("model_family"), str):
        found.append("`model_family` is missing")
    if "model_specs" in value and any("model_src" in spec for spec in value["model_specs"]):
        found.append("a spec is not flat")
    return found


def _called(family: Any) -> str:  # noqa: ANN401 - any JSON value
    return str(family.get("model_name", "a family")) if isinstance(family, dict) else "a family"
