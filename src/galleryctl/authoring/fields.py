"""What a field of a file may hold, by its JSON Schema: to read what somebody typed, and to know a wrong name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from galleryctl import document
from galleryctl.authoring.files import near
from galleryctl.errors import UsageError
from galleryctl.spec import Limits, Model, Release

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from galleryctl.document import Pointer
    from galleryctl.schemas import TypeSchema

Schema = dict[str, Any]
_LIMITS = Limits()


@dataclass(frozen=True)
class Shape:
    """Every schema that one value may obey; none at all means that nothing is known about it."""

    schemas: tuple[Schema, ...]
    root: Schema
    """Where references lead."""

    @classmethod
    def of(cls, schema: Schema) -> Shape:
        return cls(tuple(_resolved(schema, schema)), schema)

    @property
    def kinds(self) -> frozenset[str]:
        """JSON types it may be of; empty where that is unknown."""
        found: set[str] = set()
        for schema in self.schemas:
            kind = schema.get("type", [])
            found |= {kind} if isinstance(kind, str) else set(kind)
            found |= {"string"} if any(isinstance(word, str) for word in schema.get("enum", ())) else set()
        return frozenset(found)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its fields, in their order."""
        return tuple(dict.fromkeys(name for schema in self.schemas for name in schema.get("properties", ())))

    @property
    def closed(self) -> bool:
        """Whether only these names may be used."""
        objects = [schema for schema in self.schemas if schema.get("type") == "object" or "properties" in schema]
        return bool(objects) and all(
            "properties" in schema and not schema.get("additionalProperties") for schema in objects
        )

    def child(self, part: str | int) -> Shape:
        found: list[Schema] = []
        for schema in self.schemas:
            if isinstance(part, int):
                inner = schema.get("items")
            else:
                inner = schema.get("properties", {}).get(part, schema.get("additionalProperties"))
            if isinstance(inner, dict):
                found += _resolved(inner, self.root)
        return Shape(tuple(found), self.root)


def _resolved(schema: Schema, root: Schema) -> list[Schema]:
    if "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return _resolved(target, root)
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return [each for option in schema[word] for each in _resolved(option, root)]
    return [schema]


def shape(
    *, release: bool, kind: str, types: Mapping[str, TypeSchema], runtimes: Mapping[str, Mapping[str, Any]]
) -> Shape:
    """Of a `model.yaml`, or of a release of a model of this type."""
    if not release:
        return Shape.of(Model.model_json_schema())
    whole = Release.model_json_schema()
    properties = dict(whole["properties"])
    if kind in types:
        properties["spec"] = _own("spec", types[kind].schema, whole)
    overlays = {name: _own(name, schema, whole) for name, schema in runtimes.items()}
    properties["runtimes"] = {"type": "object", "properties": overlays, "additionalProperties": False}
    return Shape.of({**whole, "properties": properties})


def _own(name: str, schema: Mapping[str, Any], whole: Schema) -> Schema:
    """A schema with its own definitions, laid into another one."""
    prefix = f"{name}."
    whole.setdefault("$defs", {}).update(
        {prefix + key: _moved(value, prefix) for key, value in schema.get("$defs", {}).items()}
    )
    moved: Schema = _moved({key: value for key, value in schema.items() if key != "$defs"}, prefix)
    return moved


def _moved(value: Any, prefix: str) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        return [_moved(item, prefix) for item in value]
    if not isinstance(value, dict):
        return value
    moved = {key: _moved(member, prefix) for key, member in value.items()}
    if isinstance(moved.get("$ref"), str):
        moved["$ref"] = moved["$ref"].replace("#/$defs/", f"#/$defs/{prefix}")
    return moved


def pointer(text: str, shape_: Shape, data: Any) -> tuple[Pointer, Shape]:  # noqa: ANN401 - any JSON value
    """`links.homepage` as its parts, and what may stand there. Schema and file tell a name that has dots itself."""
    parts = text.split(".")
    found: list[str | int] = []
    while parts:
        if isinstance(data, list) and parts[0].isdigit():
            part: str | int = int(parts.pop(0))
        else:
            present = data if isinstance(data, dict) else {}
            length = next(
                (
                    size
                    for size in range(len(parts), 0, -1)
                    if (name := ".".join(parts[:size])) in shape_.names or name in present
                ),
                1,
            )
            part, parts = ".".join(parts[:length]), parts[length:]
            if shape_.closed and part not in shape_.names:
                _unknown(part, found, shape_.names)
        if part == "":
            raise UsageError(f"{text!r} is no field: write a name, such as title or links.homepage")
        found.append(part)
        shape_ = shape_.child(part)
        data = _member(data, part)
    return tuple(found), shape_


def _member(data: Any, part: str | int) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(part, int):
        return data[part] if isinstance(data, list) and part < len(data) else None
    return data.get(part) if isinstance(data, dict) else None


def _unknown(name: str, above: Sequence[str | int], names: Sequence[str]) -> None:
    where = f" in {'.'.join(map(str, above))}" if above else ""
    raise UsageError(f"there is no field {name}{where}{near(name, names) or '; there are: ' + ', '.join(names)}")


def value(text: str, shape_: Shape, field: str) -> Any:  # noqa: ANN401 - any JSON value
    """What somebody typed, read as YAML; where the field holds text, it is text whatever it looks like."""
    text = text.strip()
    kinds = shape_.kinds
    if "string" in kinds and not _meant_as_data(text, kinds):
        return text
    parsed, problems = document.parse("value.yaml", f"value: {text}\n".encode(), _LIMITS)
    if parsed is None or parsed.data.keys() != {"value"}:
        said = f": {problems[0].message}" if problems else ""
        raise UsageError(f"the value of {field} cannot be read{said}; put it in quotes, or write a list as [a, b]")
    return parsed.data["value"]


def _meant_as_data(text: str, kinds: frozenset[str]) -> bool:
    """Whether text in a field that may hold text is rather a list, a map, a number or a quoted text."""
    opening, closing = text[:1], text[-1:]
    if opening in {'"', "'"} and closing == opening and len(text) > 1:
        return True
    if (opening == "[" and "array" in kinds) or (opening == "{" and "object" in kinds):
        return True
    return not kinds.isdisjoint({"integer", "number", "boolean"})
