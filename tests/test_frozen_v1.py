"""The published documents of `/v1/` are never broken: what readers were promised is there, and means the same.

`golden/v1.json` is the promise. Fields may be added beside it; a line of it is never changed while there is a `/v1/`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SCHEMAS = {path.name.partition(".")[0]: path for path in (HERE.parent / "schemas/index").glob("*.schema.json")}
PROMISED: dict[str, dict[str, dict[str, Any]]] = json.loads((HERE / "golden/v1.json").read_bytes())
_WORDS = frozenset({"description", "title", "default", "examples"})


def bare(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """A schema without words for people."""
    if isinstance(schema, list):
        return [bare(each) for each in schema]
    if isinstance(schema, dict):
        return {name: bare(value) for name, value in schema.items() if name not in _WORDS}
    return schema


def shape(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The objects of a document, itself as `.`: what each field is, and which are always there."""
    found = {}
    for name, each in {".": schema, **schema.get("$defs", {})}.items():
        fields = {field: bare(value) for field, value in each.get("properties", {}).items()}
        found[name] = {"fields": fields, "required": sorted(each.get("required", ()))}
    return found


@pytest.mark.parametrize("document", sorted(PROMISED))
def test_what_was_promised_still_holds(document: str) -> None:
    present = shape(json.loads(SCHEMAS[document].read_bytes()))
    for name, promise in PROMISED[document].items():
        assert set(promise["required"]) <= set(present[name]["required"]), name
        for field, was in promise["fields"].items():
            assert present[name]["fields"].get(field) == was, f"{name}.{field}"


@pytest.mark.parametrize("document", sorted(SCHEMAS))
def test_readers_are_open_to_what_comes_later(document: str) -> None:
    text = SCHEMAS[document].read_text(encoding="utf-8")
    assert '"enum"' not in text
    assert '"additionalProperties": false' not in text


def test_a_broken_promise_is_noticed() -> None:
    schema = json.loads(SCHEMAS["catalog"].read_bytes())
    before = shape(schema)["."]
    del schema["properties"]["serial"]
    schema["required"].remove("epoch") if "epoch" in schema["required"] else schema["required"].clear()
    after = shape(schema)["."]
    assert before["fields"].keys() - after["fields"].keys() == {"serial"}
    assert set(before["required"]) - set(after["required"])
