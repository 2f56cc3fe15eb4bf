"""Search data: what rows show and facets filter by, newest first, in each language."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from galleryctl import canonical, schemas, search
from galleryctl.spec import Settings, Taxonomy
from made import NoFiles, entry, view

if TYPE_CHECKING:
    from galleryctl.audience import View

TAXONOMY = Taxonomy.model_validate(
    {
        "dimensions": {
            "task": {"title": "Task", "values": {"coding": {"label": {"en": "Coding", "zh": "编程"}}}},
            "trait": {"title": "Trait", "values": {"small": {"label": "Small"}}},
        },
        "licenses": {"MIT": {"label": "MIT License", "commercial": "allowed"}},
    }
)


def documents(shown: View) -> dict[str, Any]:
    return {output.path: json.loads(output.render()) for output in search.outputs(shown)}


def test_one_document_for_each_type_and_language() -> None:
    found = documents(view(entry()))
    assert {"v1/search/llm.en.json", "v1/search/llm.zh.json", "v1/search/audio.en.json"} <= found.keys()


def test_documents_obey_their_schema_and_are_canonical() -> None:
    validator = Draft202012Validator(json.loads(schemas.public(NoFiles())["search.schema.json"]))
    for output in search.outputs(view(entry(tags=["coding"]), taxonomy=TAXONOMY)):
        data = output.render()
        assert [error.message for error in validator.iter_errors(json.loads(data))] == []
        assert canonical.dumps(json.loads(data)) == data


def test_a_record_is_what_a_row_shows() -> None:
    made = entry(title={"en": "Tiny", "zh": "小"}, tags=["coding", "small"], categories=["assistant"])
    found = documents(view(made, taxonomy=TAXONOMY))
    (row,) = found["v1/search/llm.zh.json"]["models"]
    assert row["title"] == "小"
    assert row["facets"]["task"] == ["coding"]
    assert row["facets"]["trait"] == ["small"]
    assert row["facets"]["licence"] == ["allowed"]
    assert row["facets"]["abilities"] == ["chat"]
    assert row["facets"]["category"] == ["assistant"]
    assert "编程" in row["words"]
    assert row["rows"]["context_length"] == 4096
    assert row["builds"][0][0] == "8B Q4_K_M"
    assert "status" not in row


def test_newest_first_and_only_what_lists_show() -> None:
    old = entry("acme/old", added="2024-01-01T00:00:00Z")
    hidden = entry("acme/hidden", listed=False, reason="Pause.")
    models = documents(view(old, entry(), hidden))["v1/search/llm.en.json"]["models"]
    assert [row["id"] for row in models] == ["acme/tiny", "acme/old"]


def test_only_the_type_that_changed_is_made_again() -> None:
    ear = entry("acme/ear", "audio", releases={"1.0.0": {"spec": {"multilingual": True}}})
    before = {output.path: output.depends_on for output in search.outputs(view(entry(), ear))}
    after = {output.path: output.depends_on for output in search.outputs(view(entry(title="Other"), ear))}
    assert {path for path in before if before[path] != after[path]} == {
        "v1/search/llm.en.json",
        "v1/search/llm.zh.json",
    }


def test_runtimes_are_those_enabled_that_load_a_format() -> None:
    settings = Settings(title="Test", runtimes=("llama.cpp", "vllm", "unheard-of"))
    (row,) = documents(view(entry(), settings=settings))["v1/search/llm.en.json"]["models"]
    assert row["facets"]["runtime"] == ["llama.cpp"]
    assert not search.loads("llama.cpp", entry("acme/ear", "audio", releases={}).outline)


def test_a_language_that_is_named_twice_has_one_document() -> None:
    settings = Settings(title="Test", languages=("zh-CN", "en", "zh-cn"))
    paths = [output.path for output in search.outputs(view(entry(), settings=settings))]
    assert [path for path in paths if "/llm." in path] == ["v1/search/llm.zh-cn.json", "v1/search/llm.en.json"]
