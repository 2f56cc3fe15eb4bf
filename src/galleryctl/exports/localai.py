"""LocalAI: `index.yaml`, one entry for each quantization of each variant.

A YAML list in block style without anchors, written so that Go's and Python's readers take it alike. The first entry of
a model is its head: it has the model's name and names the others. Names are never changed to make them unique: of two
that are equal without case the first is written, and RUN003 has told of it.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl import layout
from galleryctl.document import TooMuchError, lenient, listed, listing
from galleryctl.exports import lists
from galleryctl.exports.base import Left, Made
from galleryctl.runtimes.base import Skipped, exported_name, of_variant, overlay
from galleryctl.runtimes.licences import back
from galleryctl.runtimes.localai import (
    ALSO,
    ROLES,
    RUNTIME,
    SAMPLING,
    USECASES,
    backend,
    complete,
    installs,
)
from galleryctl.runtimes.sentences import say
from galleryctl.spec import Variant, localised

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from galleryctl.exports.base import Item
    from galleryctl.gallery import Outline
    from galleryctl.runtimes import Target
    from galleryctl.runtimes.localai import Placed
    from galleryctl.spec import Model, Release, Settings

NAME = RUNTIME.name
INDEX = "index.yaml"
PRESET = "github:mudler/LocalAI/gallery/{}.yaml@master"
"""Address of a base file that is a preset; `virtual` sets nothing."""
_VIRTUAL = "virtual"
LINKS = ("weights", "homepage", "repository", "paper", "documentation", "blog", "demo")
"""Kinds of links in the order in which they become `urls`; others follow by name."""
_MIB = 2**20
Mark = tuple[int, str, object]
"""Indent, key, and the text or identity of a value."""


def one(item: Item) -> Made:
    """The entries of a model, as text."""
    entries, left = entries_of(item.id, item.type, item.model, item.version, item.release)
    cover = layout.cover(item.id) if item.outline.cover and "icon" not in item.model.links else ""
    known: dict[Mark, str] = {}
    parts = [{"name": entry["name"], "text": as_listed(entry, known), "cover": cover} for entry in entries]
    return Made(tuple((INDEX, part) for part in parts), (), lists.joined(item.release, left))


def as_listed(entry: Mapping[str, Any], known: dict[Mark, str]) -> str:
    """`listing([entry])`. What entries share is one object in all of them: it is written once, while all are there."""
    lines: list[str] = []
    for key, value in entry.items():
        if key == "overrides" and value and isinstance(value, dict):
            lines.append("  overrides:\n")
            lines += [_member(inner, each, 4, known) for inner, each in value.items()]
        else:
            lines.append(_member(key, value, 2, known))
    return f"- {''.join(lines)[2:]}"


def _member(key: str, value: object, indent: int, known: dict[Mark, str]) -> str:
    mark = (indent, key, value if type(value) is str else id(value))
    text = known.get(mark)
    if text is None:
        text = known[mark] = listed(key, value, indent)
    return text


def entries_of(
    identifier: str, type_: str, model: Model, version: str, release: Release
) -> tuple[list[dict[str, Any]], list[Left]]:
    """The entries of a model, the head first, and what has none."""
    name = exported_name(NAME, identifier, release)
    alike = _alike(model, release)
    taken: set[str] = set()
    entries: list[dict[str, Any]] = []
    left: list[Left] = []
    bare = () if release.variants else (Variant(),)  # its base file alone may install something
    for variant in release.variants or bare:
        for target in of_variant(identifier, type_, version, release, variant):
            own = f"{name}-{variant.name}-{target.quantization}".lower() if entries else name
            placed = installs(target)
            made = placed if isinstance(placed, Skipped) else _made(own, alike, target, placed, taken)
            if isinstance(made, Skipped):
                left.append(Left(variant.name, target.quantization, made.reason))
            else:
                entries.append(made)
                taken.add(made["name"].casefold())
    if bare:
        left = [Left("", "", each.reason) for each in left]
    if entries:
        _head(entries, overlay(release, NAME))
    return entries, left


def _made(
    name: str, alike: _Alike, target: Target, placed: Sequence[Placed], taken: Collection[str]
) -> dict[str, Any] | Skipped:
    """One entry, unless LocalAI would refuse it, and with it the whole index."""
    strange = (taken or not complete(target.release)) and not RUNTIME.names.fullmatch(name)
    if strange or name.casefold() in taken:
        return Skipped(say("no preset", text=name))
    entry = _entry(name, alike, target, placed)
    # Types hold all but what an overlay states.
    wrong = next(misfits(entry), None) if overlay(target.release, NAME) else None
    return Skipped(say("no preset", text=wrong)) if wrong else entry


class _Alike(NamedTuple):
    """What the entries of a model say alike."""

    description: str
    license: str | None
    icon: str | None
    tags: list[str]
    urls: list[str]
    checked: str | None
    usecases: list[str]
    stop: list[str]


def _alike(model: Model, release: Release) -> _Alike:
    return _Alike(
        description=localised(model.description, "en", "en") or localised(model.summary, "en", "en"),
        license=model.license,
        icon=next(iter(_listed(model.links.get("icon"))), None),
        tags=list(model.tags),
        urls=_urls(model),
        checked=release.checked.isoformat() if release.checked else None,
        usecases=list(dict.fromkeys(_usecases(_texts(release.spec.get("abilities"))))),
        stop=list(_texts(_inside(release.spec, "prompt").get("stop"))),
    )


def _entry(name: str, alike: _Alike, target: Target, placed: Sequence[Placed]) -> dict[str, Any]:
    """What one entry says: absent stays absent."""
    block = overlay(target.release, NAME, target.variant)
    found = {
        "name": name,
        "url": _base(target, block),
        "description": alike.description,
        "license": block.get("license") or _spelt(target.variant.license or alike.license),
        "icon": alike.icon,
        "tags": alike.tags,
        "urls": alike.urls,
        "last_checked": alike.checked,
        "size": _size(placed),
        "overrides": _overrides(alike, target, placed),
        "files": [{"filename": each.path, "sha256": each.file.sha256 or "", "uri": each.address} for each in placed],
    }
    stated = "overrides" in overlay(target.release, NAME)
    entry = {key: value for key, value in found.items() if value or (key == "overrides" and stated)}
    extra, nulls = block.get("extra"), _texts(block.get("nulls"))
    entry |= deepcopy(extra) if isinstance(extra, dict) else {}
    if nulls:
        entry = deepcopy(entry)  # the other entries have the same lists
    for path in nulls:
        _nullify(entry, path.split("."))
    return entry


def _head(entries: Sequence[dict[str, Any]], block: Mapping[str, Any]) -> None:
    """The first entry names the others, and has what was said of the whole model."""
    named = block.get("variants")
    stated = [item for item in named if isinstance(item, dict)] if isinstance(named, list) else None
    others = [{"model": entry["name"]} for entry in entries[1:]]
    if stated is not None or others:
        named_before = [{"model": item["model"]} for item in stated or () if isinstance(item.get("model"), str)]
        entries[0]["variants"] = [*named_before, *others]
    if isinstance(size := block.get("size"), str):
        entries[0]["size"] = size


def _spelt(licence: str | None) -> str | None:
    return back(licence) if licence else None


def _base(target: Target, block: Mapping[str, Any]) -> str | None:
    base = block.get("base")
    if isinstance(base, str):
        return base or None
    preset = target.release.spec.get("preset")
    return PRESET.format(preset if isinstance(preset, str) else _VIRTUAL)


def _listed(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value or ()


def link_order(kind: str) -> tuple[int, str]:
    """Orders kinds of links: published documents sort them by name, so their order in the file is no help."""
    return (LINKS.index(kind), "") if kind in LINKS else (len(LINKS), kind)


def _urls(model: Model) -> list[str]:
    """All addresses but the icon; of one that has several kinds the first."""
    kinds = sorted((kind for kind in model.links if kind != "icon"), key=link_order)
    found: list[str] = []
    for kind in kinds:
        found += [url for url in _listed(model.links[kind]) if url not in found]
    return found


def _size(placed: Sequence[Placed]) -> str | None:
    sizes = [each.file.size for each in placed]
    if not sizes or None in sizes:
        return None
    return f"{sum(size or 0 for size in sizes) / _MIB:.1f}MiB"


# -- settings


def _overrides(alike: _Alike, target: Target, placed: Sequence[Placed]) -> dict[str, Any]:
    """Settings of the overlay, with those that follow from neutral fields beneath."""
    block = overlay(target.release, NAME)
    special = overlay(target.release, NAME, target.variant)
    found = _derived(alike, target, placed)
    for layer in (block, special):
        if isinstance(stated := layer.get("overrides"), dict):
            _lay(found, stated)
    return found


def _derived(alike: _Alike, target: Target, placed: Sequence[Placed]) -> dict[str, Any]:
    spec: Mapping[str, Any] = target.release.spec
    found: dict[str, Any] = {} if complete(target.release) else _usual(target)
    if name := backend(target):
        found["backend"] = name
    if context := spec.get("context_length"):
        found["context_size"] = context
    if alike.usecases:
        found["known_usecases"] = alike.usecases
    if alike.stop:
        found["stopwords"] = alike.stop
    parameters: dict[str, Any] = {}
    if (model := _model(target, placed)) is not None:
        parameters["model"] = model
    generate = _inside(spec, "defaults", "generate")
    parameters |= {key: generate[key] for key in SAMPLING if generate.get(key) is not None}
    if parameters:
        found["parameters"] = parameters
    for each in reversed(placed):
        if each.file.role in ROLES:
            found[ROLES[each.file.role]] = each.path
    return found


def _usual(target: Target) -> dict[str, Any]:
    """What a model without a block of its own needs for its type."""
    if target.type == "embedding":
        return {"embeddings": True}
    if target.type == "rerank":
        return {"reranking": True}
    if (
        target.type == "llm"
        and target.variant.format == "gguf"
        and "chat" in _texts(target.release.spec.get("abilities"))
    ):
        return {"options": ["use_jinja:true"], "template": {"use_tokenizer_template": True}}
    return {}


def _usecases(abilities: Iterable[str]) -> Iterator[str]:
    for ability in abilities:
        if word := USECASES.get(ability) or ALSO.get(ability):
            yield word


def _model(target: Target, placed: Sequence[Placed]) -> str | None:
    """What the backend is told to load."""
    stated = target.variant.entrypoint
    if stated is not None:
        own = () if complete(target.release) else placed
        return next((each.path for each in own if each.file.path == stated), stated) or None
    weights = [each for each in placed if each.file.role in {None, "model"}] or placed
    return weights[0].path if weights else None


def _lay(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        present = below.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            _lay(present, value)
        else:
            below[key] = deepcopy(value)


def _inside(value: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        found = value.get(key)
        value = found if isinstance(found, dict) else {}
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()


def _nullify(value: Any, path: Sequence[str]) -> None:  # noqa: ANN401 - any JSON value
    """Puts null where the overlay says that upstream has it; in a list it is inserted."""
    for index, key in enumerate(path):
        last = index == len(path) - 1
        if isinstance(value, dict):
            value[key] = None if last else value.get(key, {})
            value = value[key]
        elif isinstance(value, list) and key.isascii() and key.isdigit() and int(key) <= len(value):
            if last:
                value.insert(int(key), None)
            elif int(key) == len(value):
                return
            value = value[int(key)]
        else:
            return


# -- the index


def shared(settings: Settings) -> Sequence[str]:  # noqa: ARG001 - the port's signature
    return (INDEX,)


def whole(path: str, parts: Iterable[tuple[Outline, Any]], settings: Settings) -> Iterator[bytes]:  # noqa: ARG001 - the port's signature
    """The index; of entries with one name the first."""
    names: set[str] = set()
    for _, part in parts:
        name = part["name"].casefold()
        if name in names:
            continue
        names.add(name)
        text: str = part["text"]
        if part["cover"]:
            icon = listing([{"icon": f"{settings.url.rstrip('/')}/{part['cover']}"}])
            text = f"{text}  {icon[2:]}"
        yield text.encode()
    if not names:
        yield b"[]\n"


def faults(path: str, data: bytes) -> list[str]:  # noqa: ARG001 - the port's signature
    """What LocalAI would refuse or misread in an index.

    That two models install different bytes at one path is FIL006, which checks say: upstream's own index has it.
    """
    try:
        text = data.decode()
        found = lenient(text, len(text))
    except (UnicodeDecodeError, TooMuchError) as error:
        return [f"no YAML: {error}"]
    told = [f"line {fault.line}: {fault.message}" for fault in found.faults]
    if found.anchored:
        told.append("it has anchors")
    if not isinstance(found.data, list):
        return [*told, "it is no list"]
    names: set[str] = set()
    for index, entry in enumerate(found.data):
        where = f"line {found.line((index,))}"
        told += [f"{where}: {message}" for message in misfits(entry)]
        if isinstance(entry, dict) and isinstance(name := entry.get("name"), str):
            if name.casefold() in names:
                told.append(f"{where}: the name {name} stands twice")
            names.add(name.casefold())
    return told


_WORD = (str, int, float)
"""What Go's reader takes for text."""
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("url", "description", "license", "icon", "size", "last_checked", "backend"), _WORD),
    **dict.fromkeys(("tags", "urls", "files", "variants"), list),
    **dict.fromkeys(("overrides", "config_file"), dict),
}


def misfits(entry: object) -> Iterator[str]:
    """Why LocalAI would refuse an entry, and with it the whole index, or should never be given it."""
    if not isinstance(entry, dict):
        yield "an entry that is no map"
        return
    if not isinstance(entry.get("name"), str) or not entry["name"]:
        yield "an entry without a name"
    for key, kind in _KINDS.items():
        if entry.get(key) is not None and not isinstance(entry[key], kind):
            yield f"{key} is of the wrong kind"
    yield from _odd_members(entry)
    yield from _leaving(_inside(entry, "overrides"))


def _leaving(overrides: Mapping[str, Any]) -> Iterator[str]:
    """Files of the settings that lie outside the folder of models: LocalAI downloads to and loads from there."""
    named = [_inside(overrides, "parameters").get("model"), overrides.get("mmproj"), overrides.get("draft_model")]
    downloads = overrides.get("download_files")
    members = downloads if isinstance(downloads, list) else []
    named += [member.get("filename") for member in members if isinstance(member, dict)]
    for path in named:
        if isinstance(path, str) and ".." in path.replace("\\", "/").split("/"):
            yield f"{path} leads out of the folder of models"


def _odd_members(entry: Mapping[str, Any]) -> Iterator[str]:
    for key in ("tags", "urls"):
        if not all(map(_is_word, entry[key] if isinstance(entry.get(key), list) else ())):
            yield f"{key} holds something that is no text"
    for key, wanted in (("files", ("filename", "uri")), ("variants", ("model",))):
        for member in entry[key] if isinstance(entry.get(key), list) else ():
            if not isinstance(member, dict) or not all(isinstance(member.get(name), str) for name in wanted):
                yield f"{key} holds something without {' and '.join(wanted)}"
            elif not all(map(_is_word, member.values())):
                yield f"{key} holds something that is no text"


def _is_word(value: object) -> bool:
    return value is None or isinstance(value, _WORD)
