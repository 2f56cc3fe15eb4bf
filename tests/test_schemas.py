from __future__ import annotations

import copy
import datetime as dt
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError

from galleryctl import schemas
from galleryctl.errors import GalleryError, OutputError
from galleryctl.spec import Consumer, Model, Policy, Publisher, Release, Roles, Settings, Taxonomy, Tombstone
from galleryctl.spec.published import TypeDocument

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.spec import Frozen

SCHEMAS = Path(__file__).parents[1] / "schemas"
SHARED = Path(__file__).parents[2] / "shared"
WRITTEN = sorted(path for kind in ("types", "runtimes") for path in (SCHEMAS / kind).glob("*.json"))
EVERY = sorted(SCHEMAS.rglob("*.json"))
HEX = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"

VALID: dict[str, tuple[type[Frozen], dict[str, Any]]] = {
    "model": (
        Model,
        {
            "title": {"en": "Tiny", "zh": "小模型"},
            "summary": "A small chat model.",
            "license": "Apache-2.0",
            "tags": ["chat"],
            "links": {"homepage": "https://acme.example", "weights": ["https://a.example", "https://b.example"]},
            "base_models": ["acme/base"],
            "visibility": "restricted",
            "status": "deprecated",
            "reason": "Old.",
            "expires": "2027-01-01",
            "renewable": True,
            "terms": {"price": "free", "free_days": 30},
            "upstream": [{"repo": "acme/catalogue", "path": "llm.json", "runtime": "xinference"}],
        },
    ),
    "release": (
        Release,
        {
            "notes": "First release.",
            "released": "2025-05-01T08:00:00Z",
            "checked": "2025-06-01",
            "spec": {"context_length": 4096},
            "requirements": {"gpus": 1, "vram": "8GiB"},
            "metrics": [{"name": "MMLU", "value": 56.7, "date": "2025-05-01", "source": "https://acme.example"}],
            "variants": [
                {
                    "key": "1b-gguf",
                    "format": "gguf",
                    "parameters": "1.8B",
                    "quantizations": ["Q4_K_M"],
                    "sources": {"huggingface": {"repo": "acme/tiny", "revision": HEX, "parts": {"Q4_K_M": ["1", "2"]}}},
                    "files": {"Q4_K_M": [{"path": "tiny.gguf", "size": 5, "sha256": "00" * 32, "as": "a/tiny.gguf"}]},
                    "memory": {"layers": 2, "kv_heads": 1, "head_size": 64},
                }
            ],
            "runtimes": {"xinference": {"name": "Tiny"}},
        },
    ),
    "gallery": (Settings, {"title": "Models", "languages": ["en", "zh"], "runtimes": ["xinference"]}),
    "roles": (
        Roles,
        {
            "version": 1,
            "people": {"ada": {"github": {"id": 1, "login": "ada"}, "kind": "person"}},
            "groups": {"acme": ["ada"]},
            "roles": {"owner": ["edit"]},
            "grants": [{"role": "owner", "to": ["acme"], "scope": "acme/*"}],
            "rules": {"admin_quorum": 2},
        },
    ),
    "policy": (
        Policy,
        {
            "version": 1,
            "severities": {"TAX": "warn"},
            "limits": {"files": 10, "cover_ratio": [0.5, 2]},
            "reserved": [{"name": "acme", "reason": "taken"}],
            "lanes": {"release": {"open": False}, "urgent": {"confirm": "12h"}},
            "clocks": {"undo": "1h"},
            "busy": [{"days": ["mon"], "from": "09:00", "until": "12:00"}],
            "declined": [{"name": "acme/tiny", "reason": "no licence", "until": "2026-12-31"}],
            "agreements": {"publishing": 2},
        },
    ),
    "taxonomy": (
        Taxonomy,
        {
            "dimensions": {"task": {"title": "Task", "values": {"chat": {"label": "Chat", "aliases": ["chats"]}}}},
            "licenses": {"MIT": {"label": "MIT License", "commercial": "allowed"}},
        },
    ),
    "publisher": (
        Publisher,
        {
            "title": "Acme",
            "maintainers": ["ada"],
            "proof": {"kind": "domain", "value": "acme.example", "date": "2025-05-01"},
        },
    ),
    "consumer": (
        Consumer,
        {"title": "Search", "pins": [{"model": "acme/tiny", "version": "1.0.0", "since": "2025-05-01"}]},
    ),
    "tombstone": (
        Tombstone,
        {"type": "llm", "reason": "Leaked.", "since": "2025-05-01", "releases": ["1.0.0"], "successor": "acme/next"},
    ),
}

FORMATS = FormatChecker(formats=["date"])


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or dt.datetime.fromisoformat(value).tzinfo is not None


class Disk:
    """A tree as `schemas` sees one."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def entries(self, under: str) -> dict[str, int]:
        return {path: len(text) for path, text in self.files.items() if path.startswith(f"{under}/")}

    def read(self, path: str) -> bytes:
        return self.files[path].encode()


def _schema(path: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(path.read_bytes())
    return schema


def _properties(node: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - JSON
    if isinstance(node, list):
        for item in node:
            yield from _properties(item, where)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "properties":
                for name, schema in value.items():
                    yield f"{where}/{name}", schema
                    yield from _properties(schema, f"{where}/{name}")
            elif key not in ("examples", "default"):
                yield from _properties(value, where)


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401 - JSON
    yield path
    members: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in members:
        yield from _places(item, (*path, key))


def _mutate(value: dict[str, Any], path: tuple[str | int, ...], how: str, fresh: Any) -> Any:  # noqa: ANN401 - JSON
    changed: Any = copy.deepcopy(value)
    if not path:
        return {**changed, "extra": fresh} if how == "add" else fresh if how == "replace" else {}
    parent = changed
    for step in path[:-1]:
        parent = parent[step]
    if how == "drop":
        del parent[path[-1]]
    elif how == "replace" or not isinstance(parent[path[-1]], dict):
        parent[path[-1]] = fresh
    else:
        parent[path[-1]]["extra"] = fresh
    return changed


def _accepts(kind: type[Frozen], text: str) -> bool:
    try:
        kind.model_validate_json(text, strict=True, extra="forbid")
    except ValidationError:
        return False
    return True


# no integral floats: JSON Schema calls 1.0 an integer, and YAML authors who write it are told to write 1
WORDS = ("", "x", "1.0.0", "2025-05-01", "2025-05-01T08:00:00Z", "public", "acme/tiny", "8GiB")
PLAIN = (None, True, False, 0, -1, 7, 0.5, *WORDS)
FRESH: st.SearchStrategy[Any] = st.sampled_from(
    [*PLAIN, [], ["x"], [1], {}, {"en": "x"}, {"en": 1}, {"title": "x"}, [{}], [None]]
)


@pytest.mark.parametrize("name", VALID)
def test_types_and_generated_schemas_agree(name: str) -> None:
    kind, valid = VALID[name]
    validator = Draft202012Validator(_schema(SCHEMAS / f"{name}.schema.json"), format_checker=FORMATS)
    assert _accepts(kind, json.dumps(valid))
    assert validator.is_valid(valid)

    @settings(max_examples=300)
    @given(st.sampled_from(list(_places(valid))), st.sampled_from(["drop", "replace", "add"]), FRESH)
    def agree(path: tuple[str | int, ...], how: str, fresh: object) -> None:
        assume(path != ("version",) or fresh is not True)  # pydantic, like Python, takes true for the constant 1
        changed = _mutate(valid, path, how, fresh)
        assert _accepts(kind, json.dumps(changed)) == validator.is_valid(changed), changed

    agree()


def test_committed_schemas_are_those_generated() -> None:
    assert schemas.check(SCHEMAS) == ()


@pytest.mark.parametrize("path", EVERY, ids=lambda path: str(path.relative_to(SCHEMAS)))
def test_every_schema_is_valid_and_named_after_its_place(path: Path) -> None:
    schema = _schema(path)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == schemas.DIALECT
    assert schema["$id"] == f"{schemas.BASE}{path.relative_to(SCHEMAS).as_posix()}"
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_property_of_a_written_schema_explains_itself(path: Path) -> None:
    schema = _schema(path)
    assert schema["additionalProperties"] is False
    for where, found in _properties(schema):
        missing = {"title", "description", "examples"} - found.keys()
        assert not missing, f"{where} lacks {missing}"


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_examples_of_a_written_schema_are_valid(path: Path) -> None:
    schema = _schema(path)
    for where, found in (("", schema), *_properties(schema)):
        for example in found["examples"]:
            errors = [error.message for error in Draft202012Validator(found).iter_errors(example)]
            assert not errors, f"{where}: {example}: {errors}"


@pytest.mark.parametrize("path", [path for path in EVERY if path.parent == SCHEMAS], ids=lambda path: path.name)
def test_every_field_of_an_author_is_described(path: Path) -> None:
    assert [where for where, found in _properties(_schema(path)) if not found.keys() & {"description", "$ref"}] == []


def test_authors_schemas_are_closed_at_every_depth() -> None:
    release = Draft202012Validator(_schema(SCHEMAS / "release.schema.json"))
    assert release.is_valid({"variants": [{"sources": {"huggingface": {"repo": "acme/tiny"}}}]})
    assert not release.is_valid({"variants": [{"sources": {"huggingface": {"repo": "acme/tiny", "revison": HEX}}}]})
    assert not release.is_valid({"variant": []})


def test_readers_schemas_survive_new_fields_and_new_words() -> None:
    schema = _schema(SCHEMAS / "index" / "type.schema.json")
    listing = {"title": "Tiny", "status": "archived", "visibility": "members", "colour": "red"}
    document = {"schema": "1.7", "type": "llm", "models": {"acme/tiny": listing}, "future": 1}
    assert Draft202012Validator(schema).is_valid(document)
    assert not Draft202012Validator(schema).is_valid({**document, "models": {"acme/tiny": {"title": 1}}})
    assert '"enum"' not in "".join(text for path, text in schemas.generated().items() if path.startswith("index/"))


def test_readers_schemas_show_known_words_as_examples() -> None:
    definitions = _schema(SCHEMAS / "index" / "type.schema.json")["$defs"]
    words = definitions["Listing"]["properties"]["status"]["examples"]
    assert words == ["active", "deprecated", "discontinued", "quarantined"]


def test_readers_schemas_accept_what_the_types_write() -> None:
    listing = {"title": "Tiny", "releases": {"1.0.0": VALID["release"][1]}}
    document = TypeDocument.model_validate({"type": "llm", "models": {"acme/tiny": listing}})
    wire = json.loads(document.model_dump_json(exclude_none=True))
    assert Draft202012Validator(_schema(SCHEMAS / "index" / "type.schema.json")).is_valid(wire)


def test_check_names_the_schema_that_differs_and_the_one_that_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    assert set(schemas.write(folder)) == set(schemas.generated())
    assert schemas.write(folder) == ()
    edited = folder / "model.schema.json"
    edited.write_text(edited.read_text().replace("Apache", "apache") + "\n")
    (folder / "index" / "catalog.schema.json").unlink()
    found = {problem.path: problem for problem in schemas.check(folder)}
    assert set(found) == {"schemas/model.schema.json", "schemas/index/catalog.schema.json"}
    assert {(problem.code, problem.fix) for problem in found.values()} == {("PTH008", "galleryctl schema")}
    assert "missing" in found["schemas/index/catalog.schema.json"].message
    assert set(schemas.write(folder)) == {"model.schema.json", "index/catalog.schema.json"}
    assert schemas.check(folder) == ()
    assert [path.name for path in folder.rglob(".*")] == []


def test_write_says_why_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "schemas").write_text("a file")
    with pytest.raises(OutputError, match=r"cannot write .*schemas"):
        schemas.write(tmp_path / "schemas")


def test_types_come_in_the_order_of_the_site() -> None:
    found = schemas.types(Disk({}))
    assert list(found)[:7] == ["llm", "embedding", "rerank", "image", "audio", "video", "vision"]
    assert found["llm"].title == {"en": "LLM", "zh": "大语言模型"}
    assert [fact.name for fact in found["llm"].rows] == ["abilities", "languages", "context_length"]
    assert found["llm"].rows[2] == schemas.Fact("context_length", {"en": "Context", "zh": "上下文长度"}, "tokens")


def test_every_word_of_a_facet_has_a_label() -> None:
    for schema in schemas.types(Disk({})).values():
        for facet in schema.facets:
            found = schema.schema["properties"][facet.name]
            words = found.get("enum", found.get("items", {}).get("enum", []))
            assert set(words) <= facet.labels.keys(), f"{schema.name}: {facet.name}"
            assert all(isinstance(label, dict) and {"en", "zh"} <= label.keys() for label in facet.labels.values())


def test_ranges_of_a_facet_leave_no_gap() -> None:
    for schema in schemas.types(Disk({})).values():
        for facet in schema.facets:
            bounds = [(span.low, span.high) for span in facet.ranges]
            assert all(before[1] == after[0] for before, after in itertools.pairwise(bounds)), schema.name
            assert not bounds or (bounds[0][0], bounds[-1][1]) == (0, None)


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        ({"context_length": 8192}, {"context_length": ("0-8193",)}),
        ({"context_length": 8193}, {"context_length": ("8193-32769",)}),
        ({"context_length": 10_000_000}, {"context_length": ("262145-",)}),
        ({"abilities": ["chat", "tools"], "languages": []}, {"abilities": ("chat", "tools")}),
        ({"context_length": "40k", "abilities": [1], "family": "qwen3"}, {}),
    ],
)
def test_facets_read_a_spec(spec: dict[str, object], values: dict[str, tuple[str, ...]]) -> None:
    found = schemas.types(Disk({}))["llm"].values(spec)
    assert {name: value for name, value in found.items() if name in values or not values} == values


def test_facets_read_words_and_truth() -> None:
    found = schemas.types(Disk({}))
    assert found["rerank"].values({"method": "llm"}) == {"method": ("llm",)}
    assert found["audio"].values({"multilingual": False})["multilingual"] == ("false",)


def test_a_registry_brings_its_own_types_and_runtimes() -> None:
    robot = {
        "title": "Robot",
        "properties": {"axes": {"title": "Axes", "type": "integer", "x-facet": {}, "x-row": True}},
    }
    tree = Disk({"schemas/types/robot.schema.json": json.dumps(robot), "schemas/runtimes/ros.schema.json": "{}"})
    types = schemas.types(tree)
    assert list(types) == [*schemas.types(Disk({})), "robot"]
    assert types["robot"].title == "Robot"
    assert types["robot"].rows == (schemas.Fact("axes", "Axes"),)
    assert types["robot"].values({"axes": 6}) == {"axes": ("6",)}
    assert schemas.runtimes(tree) == {**schemas.runtimes(Disk({})), "ros": {}}


def test_runtimes_come_with_galleryctl() -> None:
    found = schemas.runtimes(Disk({}))
    assert set(found) == {"xinference", "localai", "vllm", "llama.cpp", "ollama", "kserve", "tencent-ti"}
    assert found["tencent-ti"]["x-required-files"] == ["model_service.py", "config.json"]
    assert all({"per_variant", "extra", "nulls"} <= schema["properties"].keys() for schema in found.values())


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "a schema is an object"),
        (b'{"title": "R", "properties": {"axes": {"x-row": true}}}', "malformed"),
        (b'{"title": "R", "properties": {"axes": {"title": "A", "x-facet": {"ranges": [[1]]}}}}', "malformed"),
    ],
)
def test_a_broken_type_schema_is_refused_by_name(raw: bytes, words: str) -> None:
    with pytest.raises(GalleryError, match=f"schemas/types/robot.schema.json: .*{words}"):
        schemas.TypeSchema.parse("robot", raw)


def test_the_spec_of_real_models_fits() -> None:
    """Abilities of every family of a real catalogue are words of its type."""
    catalogue = SHARED / "data" / "xinference"
    if not catalogue.is_dir():
        pytest.skip("recorded catalogues are not beside the checkout")
    for name, schema in schemas.types(Disk({})).items():
        if not (catalogue / f"{name}.json").is_file():
            continue
        words = set(schema.schema["properties"]["abilities"]["items"]["enum"])
        used = {
            word
            for family in json.loads((catalogue / f"{name}.json").read_bytes())
            for word in family.get("model_ability", ())
        }
        assert used <= words, name


def test_published_schemas_are_those_of_the_documents_and_of_the_types() -> None:
    found = schemas.public(Disk({"schemas/types/robot.schema.json": '{"title": "Robot"}'}))
    assert found["types/robot.schema.json"] == b'{"title": "Robot"}'
    assert {"catalog.schema.json", "model.schema.json", "types/llm.schema.json"} <= found.keys()
