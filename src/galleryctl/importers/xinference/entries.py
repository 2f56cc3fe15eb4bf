"""One family as a candidate: neutral fields, and the overlay for what they cannot give back.

Nothing gets lost because the family is made again of the candidate, by the exporter, and compared: what differs is
kept as it was, in `per_variant` or `extra`, and remarked on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from galleryctl.checks import near
from galleryctl.exports.xinference.families import BY_SPECS, BY_VARIANT, families
from galleryctl.exports.xinference.laying import lay, residue, same, without_nulls
from galleryctl.importers.base import FIRST, Candidate, Rejected, Remark
from galleryctl.importers.naming import publisher_of, slug
from galleryctl.importers.xinference.known import FAMILY, SOURCE, SPEC
from galleryctl.importers.xinference.neutral import Neutral, neutral
from galleryctl.spec import Model, Release
from galleryctl.spec.release import HUBS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.canonical import Json

_SHORT = 200
"""Characters of a template that may stand in the release itself."""
TEMPLATE = f"{FIRST}.jinja"


@dataclass
class Source:
    """What is known of the source while its entries are read."""

    publisher: str | None = None
    """Publisher to use instead of the repositories' owners."""
    twins: dict[tuple[str, str], dict[tuple[str, ...], str]] = field(default_factory=dict)
    """Names of the audio and video families read so far, by type and name, then by what tells them apart."""


def candidate(
    type_: str, name: str, at: str, entry: Mapping[str, Json], source: Source, family: str | None = None
) -> Candidate | Rejected:
    """The model that a family becomes. `family` is that under which it was registered."""
    whole, nulls = without_nulls(entry)
    publisher = slug(source.publisher) if source.publisher else _owner(whole)
    own = slug(_unique(type_, name, whole, source))
    if not publisher or not own:
        what = "name" if publisher else "owner of a repository"
        fix = "rename it upstream" if publisher else "say `--publisher`"
        return Rejected(name, at, (Remark("IDN001", f"no {what} of which an id can be made", fix),))
    identifier = f"{publisher}/{own}"
    found = neutral(type_, whole)
    overlay: dict[str, Any] = {"name": name} if own != name and found.sayable(name) else {}
    overlay |= found.overlay | ({"register_family": family} if family and family != name else {})
    found.model = {"title": name, **found.model}
    try:
        patched = _kept(identifier, type_, whole, found, overlay)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return Rejected(name, at, (Remark("SCH003", f"`{place}`: {first['msg']}", "correct it upstream"),))
    if nulls:
        overlay["nulls"] = nulls
    texts = _template(found)
    release = dict(found.release)
    if overlay:
        release["runtimes"] = {"xinference": overlay}
    remarks = (*_unknown(type_, patched), *_strange(type_, whole, patched))
    return Candidate(name, at, type_, identifier, found.model, {FIRST: release}, texts, remarks)


def _owner(entry: Mapping[str, Json]) -> str:
    """The publisher: the owner of the first repository."""
    for block in _blocks(entry):
        for kind in HUBS:
            hub = block.get(kind)
            repo = hub.get("model_id") if isinstance(hub, dict) else None
            if isinstance(repo, str) and "/" in repo.strip("/") and (owner := publisher_of(repo)):
                return owner
    return ""


def _blocks(entry: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    """The source blocks of a family."""
    specs = entry.get("model_specs")
    for holder in [entry, *(specs if isinstance(specs, list) else [])]:
        block = holder.get("model_src") if isinstance(holder, dict) else None
        if isinstance(block, dict):
            yield block


def _unique(type_: str, name: str, entry: Mapping[str, Json], source: Source) -> str:
    """The name, with the format where another family of this name is for another engine, format or quantization."""
    if type_ not in BY_VARIANT:
        return name
    format_, engine, quantization = (str(entry.get(key, "")) for key in ("model_format", "engine", "quantization"))
    told = source.twins.setdefault((type_, name), {})
    key = (format_, engine, quantization)
    if key not in told:
        tails: tuple[list[str], ...] = (
            [],
            [format_],
            [format_, engine],
            [format_, quantization],
            [format_, engine, quantization],
        )
        tries = (slug("-".join([name, *filter(None, tail)])) for tail in tails)
        told[key] = next((each for each in tries if each not in told.values()), name)
    return told[key]


def _kept(
    identifier: str, type_: str, entry: Mapping[str, Json], found: Neutral, overlay: dict[str, Any]
) -> dict[str, Any]:
    """Put into the overlay what the exporter would not give back. Returns all of it, as a patch of the family."""
    release = {**found.release, **({"runtimes": {"xinference": overlay}} if overlay else {})}
    typed = Release.model_validate(release)
    model = Model.model_validate(found.model)
    made = families(identifier, type_, model, typed, typed.variants, found.updated)
    patch = residue(entry, made[0] if made else {})
    specs, rest = patch.get("model_specs"), {key: value for key, value in patch.items() if key != "model_specs"}
    ours = made[0].get("model_specs") if made else None
    theirs = entry.get("model_specs")
    if specs is not None and isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        by_variant = {
            variant.name: one
            for variant, wanted, made_ in zip(typed.variants, theirs, ours, strict=True)
            if (one := residue(wanted, made_))
        }
        if all(
            same(lay(made_, by_variant.get(variant.name, {})), wanted)
            for variant, wanted, made_ in zip(typed.variants, theirs, ours, strict=True)
        ):
            overlay["per_variant"] = by_variant
        else:
            rest["model_specs"] = theirs
    elif specs is not None:
        rest["model_specs"] = theirs
    if rest:
        overlay["extra"] = rest
    return patch if specs is None else {**rest, "per_variant": overlay.get("per_variant", {})}


def _template(found: Neutral) -> dict[str, bytes]:
    """A long template as a file of its own, named in the release."""
    prompt = found.spec.get("prompt", {})
    text = prompt.get("template")
    if not isinstance(text, str) or ("\n" not in text and len(text) <= _SHORT):
        return {}
    prompt["template"] = {"file": TEMPLATE}
    return {TEMPLATE: text.encode()}


def _unknown(type_: str, patch: Mapping[str, Any]) -> Iterator[Remark]:
    """Keys that Xinference does not know."""
    yield from _named(patch, FAMILY[type_], "", skip={"per_variant"})
    for key, own in patch.get("per_variant", {}).items():
        yield from _named(own, SPEC[type_], f" in variant {key}", skip=set())
        blocks = own.get("model_src")
        for kind, block in blocks.items() if isinstance(blocks, dict) else ():
            if kind not in HUBS:
                yield Remark("SCH001", f"unknown hub `{kind}` in variant {key}", f"known: {', '.join(HUBS)}")
            elif isinstance(block, dict):
                yield from _named(block, SOURCE[type_], f" in variant {key} at {kind}", skip=set())


def _named(values: Mapping[str, Any], known: frozenset[str], where: str, skip: set[str]) -> Iterator[Remark]:
    for key in values:
        if key not in known and key not in skip:
            meant = near.guess(key, known)
            fix = f"`{meant}` may be meant; it was kept" if meant else "it was kept in `runtimes.xinference`"
            code = "SCH004" if key == "quantizations" and not where.count(" at ") else "SCH001"
            yield Remark(code, f"unknown key `{key}`{where}", fix)


def _strange(type_: str, entry: Mapping[str, Json], patch: Mapping[str, Any]) -> Iterator[Remark]:
    """Known keys whose values no neutral field can hold."""
    told = [key for key in patch if key in FAMILY[type_] and key not in {"per_variant", "model_specs"}]
    odd = sorted(key for key in told if key in _NEUTRAL)
    if odd:
        message = f"{near.listing(f'{key}' for key in odd)} cannot be said neutrally: the value is unusual"
        yield Remark("SCH003", message, "it was kept in `runtimes.xinference.extra`; correct it where it is wrong")
    sizes = [
        key
        for key, own in patch.get("per_variant", {}).items()
        if {"model_size_in_billions", "activated_size_in_billions"} & set(own)
    ]
    if sizes and type_ in BY_SPECS:
        message = f"the size of {near.listing(sizes)} is not written as Xinference does"
        yield Remark("YML008", message, 'write a whole number, or a text such as "1_8"')
    if "model_specs" in patch and "per_variant" not in entry:
        yield Remark("SCH003", "`model_specs` is no list of specs", "correct it upstream; it was kept")


_NEUTRAL = frozenset(
    {
        "context_length", "model_lang", "model_ability", "architectures", "model_type", "chat_template", "stop",
        "stop_token_ids", "tool_parser", "dimensions", "max_tokens", "language", "type", "multilingual", "engine",
        "model_format", "updated_at", "featured", "model_description", "model_name", "model_src", "virtualenv",
    }
)  # fmt: skip
