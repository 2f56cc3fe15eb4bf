"""The JSON Schemas: those generated from the types, and those of model types and runtimes, which are data.

`model.schema.json` and its neighbours are closed, for authors; `index/*.schema.json` are open, for readers. Both are
committed and checked for drift. `types/*.schema.json` and `runtimes/*.schema.json` are hand-written, only read here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from galleryctl import output, resources
from galleryctl.errors import GalleryError
from galleryctl.problems import Problem
from galleryctl.spec import governance, published, told
from galleryctl.spec.base import Frozen
from galleryctl.spec.model import Model
from galleryctl.spec.release import Release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from galleryctl.canonical import Json
    from galleryctl.spec.base import Text

Schema = dict[str, Any]  # a JSON Schema as `json.loads` gives it

DIALECT = "https://json-schema.org/draft/2020-12/schema"
BASE = "https://galleryctl.dev/schemas/"
FOLDER = "schemas"
SUFFIX = ".schema.json"

_AUTHORS: dict[str, type[Frozen]] = {
    "model": Model,
    "release": Release,
    "gallery": governance.Settings,
    "roles": governance.Roles,
    "policy": governance.Policy,
    "taxonomy": governance.Taxonomy,
    "publisher": governance.Publisher,
    "consumer": governance.Consumer,
    "tombstone": governance.Tombstone,
}
_READERS: dict[str, type[Frozen]] = {
    "index/discovery": published.Discovery,
    "index/catalog": published.Catalog,
    "index/directory": published.Directory,
    "index/type": published.TypeDocument,
    "index/model": published.ModelDocument,
    "index/revoked": published.Revoked,
    "index/delta": published.Delta,
    "index/runtimes": published.Natives,
    "index/generations": published.Generations,
    "index/search": published.SearchDocument,
    "index/changes": published.Changes,
}


def generated() -> dict[str, str]:
    """Path below `schemas/` → text of every schema that follows from the types."""
    closed = {name: _generate(name, kind, _close) for name, kind in _AUTHORS.items()}
    opened = {name: _generate(name, kind, _open) for name, kind in _READERS.items()}
    return {f"{name}{SUFFIX}": text for name, text in (closed | opened).items()}


def check(folder: Path) -> tuple[Problem, ...]:
    """PTH008 for each generated schema that is missing in a folder or differs."""
    return tuple(
        Problem(f"{folder.name}/{path}", 1, 1, "PTH008", message, fix="galleryctl schema")
        for path, text in generated().items()
        if (message := _drift(folder / path, text))
    )


def write(folder: Path) -> tuple[str, ...]:
    """Bring a folder in step; the paths below it that changed. `OutputError` where it cannot be written."""
    changed = {path: text for path, text in generated().items() if _drift(folder / path, text)}
    for path, text in changed.items():
        output.replace(folder / path, text)
    return tuple(changed)


class Range(NamedTuple):
    """Half-open: from `low` up to, but without, `high`; none is no bound."""

    low: int
    high: int | None

    @property
    def value(self) -> str:
        """The facet value: `8193-32769`, or `262145-` without a bound."""
        return f"{self.low}-{'' if self.high is None else self.high}"

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.low <= number and (self.high is None or number < self.high)


@dataclass(frozen=True)
class Facet:
    """One filter of the site: a property of `spec`. Labels, by value, are in the order in which the site shows them."""

    name: str
    title: Text
    labels: Mapping[str, Text]
    ranges: tuple[Range, ...] = ()

    def values(self, spec: Mapping[str, Any]) -> tuple[str, ...]:
        """The values of one `spec` block; none where it says nothing, or something of the wrong kind."""
        found = spec.get(self.name)
        if isinstance(found, bool):
            return ("true" if found else "false",)
        if isinstance(found, int):
            return tuple(span.value for span in self.ranges if found in span) if self.ranges else (str(found),)
        words = [found] if isinstance(found, str) else found if isinstance(found, list | tuple) else ()
        return () if self.ranges else tuple(word for word in words if isinstance(word, str))


@dataclass(frozen=True)
class Fact:
    """A property of `spec` that rows of lists and the facts of a page show."""

    name: str
    title: Text
    unit: str = ""


@dataclass(frozen=True)
class TypeSchema:
    """One model type: what its `spec` block may say, and what the site makes of it."""

    name: str
    title: Text
    order: int
    schema: Schema
    facets: tuple[Facet, ...] = ()
    rows: tuple[Fact, ...] = ()

    @classmethod
    def parse(cls, name: str, raw: bytes) -> TypeSchema:
        """Read `types/<name>.schema.json`; `GalleryError` where it is none."""
        schema = _parse(f"types/{name}", raw)
        properties: dict[str, Schema] = schema.get("properties", {})
        try:
            return cls(
                name=name,
                title=schema.get("x-title") or schema["title"],
                order=schema.get("x-order", 1_000),
                schema=schema,
                facets=tuple(_facet(key, value) for key, value in properties.items() if "x-facet" in value),
                rows=tuple(_fact(key, value) for key, value in properties.items() if value.get("x-row") is True),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            message = f"{FOLDER}/types/{name}{SUFFIX}: an annotation (x-title, x-facet, x-row) is malformed: {error!r}"
            raise GalleryError(message) from error

    def values(self, spec: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        """Facet values of one `spec` block by facet, without facets that have none."""
        found = ((facet.name, facet.values(spec)) for facet in self.facets)
        return {name: values for name, values in found if values}


class Tree(Protocol):
    """What is needed of a tree of files: a working folder, or a git revision."""

    def entries(self, under: str) -> Mapping[str, object]:
        """Paths below a folder, from the root of the tree; empty where there is no such folder."""

    def read(self, path: str) -> bytes: ...


def types(tree: Tree) -> dict[str, TypeSchema]:
    """Model types by name, in the order of the site: those of galleryctl, and over them those of the tree."""
    found = [TypeSchema.parse(name, raw) for name, raw in _data(tree, "types").items()]
    return {schema.name: schema for schema in sorted(found, key=lambda schema: (schema.order, schema.name))}


def runtimes(tree: Tree) -> dict[str, Schema]:
    """Overlay schemas by runtime: those of galleryctl, and over them those of the tree."""
    return {name: _parse(f"runtimes/{name}", raw) for name, raw in _data(tree, "runtimes").items()}


def public(tree: Tree) -> dict[str, bytes]:
    """What lies under `/v1/schemas/`, by file name: the schemas of the documents, and of the types' `spec` blocks."""
    documents = {path.name: path.read_bytes() for path in (resources.root(FOLDER) / "index").glob(f"*{SUFFIX}")}
    specs = {f"types/{name}{SUFFIX}": raw for name, raw in _data(tree, "types").items()}
    return dict(sorted((documents | specs).items()))


def _data(tree: Tree, kind: str) -> dict[str, bytes]:
    """Those of galleryctl, and over them, file by file, those of the tree."""
    ours = {path.name: path.read_bytes() for path in (resources.root(FOLDER) / kind).glob(f"*{SUFFIX}")}
    folder = f"{FOLDER}/{kind}/"
    own = {path.removeprefix(folder): tree.read(path) for path in tree.entries(folder[:-1]) if path.endswith(SUFFIX)}
    return {name.removesuffix(SUFFIX): raw for name, raw in sorted((ours | own).items())}


def _parse(name: str, raw: bytes) -> Schema:
    try:
        schema = json.loads(raw)
    except ValueError as error:
        raise GalleryError(f"{FOLDER}/{name}{SUFFIX}: not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise GalleryError(f"{FOLDER}/{name}{SUFFIX}: a schema is an object")
    return schema


def _facet(name: str, annotated: Schema) -> Facet:
    facet = annotated["x-facet"]
    spans = [(Range(low, high), label) for low, high, label in facet.get("ranges", ())]
    labels = {span.value: label for span, label in spans} | facet.get("labels", {})
    return Facet(name, facet.get("title") or annotated["title"], labels, tuple(span for span, _ in spans))


def _fact(name: str, annotated: Schema) -> Fact:
    return Fact(name, annotated.get("x-title") or annotated["title"], annotated.get("x-unit", ""))


def _generate(name: str, kind: type[Frozen], change: Callable[[Schema], Schema]) -> str:
    head = {"$schema": DIALECT, "$id": f"{BASE}{name}{SUFFIX}"}
    schema = kind.model_json_schema()
    types = {each.__name__: each for each in _below(Frozen)}
    parts = schema.get("$defs", {})
    for title, part in (parts | {kind.__name__: schema}).items():
        if title in types:
            _describe(part, types[title], parts)
    return json.dumps(head | _each(schema, change), indent=2, ensure_ascii=False) + "\n"


def _below(kind: type[Frozen]) -> Iterator[type[Frozen]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def _describe(schema: Schema, kind: type[Frozen], parts: Mapping[str, Schema]) -> None:
    """Add what is told of each field."""
    texts = told.fields(kind)
    for name, field in kind.model_fields.items():
        found = schema.get("properties", {}).get(field.alias or name)
        if found is None or name not in texts:
            continue
        named = parts.get(found.get("$ref", "").rpartition("/")[2], {})
        if named.get("description") != texts[name]:  # once is enough
            described = dict(sorted({"description": texts[name], **found}.items()))
            found.clear()
            found.update(described)


_BY_NAME = frozenset({"$defs", "properties", "patternProperties"})
_NESTED = frozenset({"items", "prefixItems", "anyOf", "oneOf", "additionalProperties"})


def _each(node: Json, change: Callable[[Schema], Schema]) -> Json:
    """Change every schema inside a schema, and leave its data (defaults, examples, property names) alone."""
    if isinstance(node, list):
        return [_each(item, change) for item in node]
    if not isinstance(node, dict):
        return node
    changed: Schema = {}
    for key, value in node.items():
        if key in _BY_NAME:
            changed[key] = {name: _each(item, change) for name, item in value.items()}
        else:
            changed[key] = _each(value, change) if key in _NESTED else value
    return change(changed)


def _close(schema: Schema) -> Schema:
    return {**schema, "additionalProperties": False} if "properties" in schema else schema


def _open(schema: Schema) -> Schema:
    """Words become examples, so that a reader which validates survives a new word; version numbers stay constants."""
    words = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if not words or not all(isinstance(word, str) for word in words):
        return schema
    return {key: value for key, value in schema.items() if key not in ("enum", "const")} | {"examples": words}


def _drift(path: Path, text: str) -> str:
    """What is wrong with a generated file; empty where nothing is."""
    try:
        found = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return "generated schema is missing"
    return "" if found == text.encode() else "generated schema was edited by hand or is out of date"
