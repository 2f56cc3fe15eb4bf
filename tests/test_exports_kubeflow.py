"""A strict reader of Kubeflow's catalogue files, written from docs/catalog-yaml-reference.md.

Its own reader refuses what it does not know, and no package carries its schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import exported
from made import entry
from test_exports_proxies import GGUF, PLAIN, chat, embedding, voice

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
MOMENT = {"type": "string", "pattern": "^[0-9]{1,16}$"}


def closed(required: list[str], **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - schemas
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def kind(name: str, field: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    fields = {"metadataType": {"const": f"Metadata{name}Value"}, field: schema}
    return closed(["metadataType", field], **fields)


PROPERTIES = {
    "type": "object",
    "additionalProperties": {
        "oneOf": [
            kind("String", "string_value", TEXT),
            kind("Int", "int_value", {"type": "string", "pattern": "^-?[0-9]+$"}),
            kind("Double", "double_value", {"type": "number"}),
            kind("Bool", "bool_value", {"type": "boolean"}),
        ]
    },
}
TIMES = {"createTimeSinceEpoch": MOMENT, "lastUpdateTimeSinceEpoch": MOMENT}
ARTIFACT = closed(
    ["uri"],
    uri={"type": "string", "pattern": "^(oci|https?|s3|gs|az|file)://."},
    artifactType={"const": "model-artifact"},
    name=TEXT,
    description=TEXT,
    externalId=TEXT,
    customProperties=PROPERTIES,
    **TIMES,
)
FIGURES = closed(
    ["artifactType", "metricsType"],
    artifactType={"const": "metrics-artifact"},
    metricsType={"enum": ["performance-metrics", "accuracy-metrics"]},
    customProperties=PROPERTIES,
    **TIMES,
)
MODEL = closed(
    ["name"],
    name={"type": "string", "minLength": 1},
    language=TEXTS,
    tasks=TEXTS,
    customProperties=PROPERTIES,
    artifacts={"type": "array", "items": {"oneOf": [ARTIFACT, FIGURES]}},
    **dict.fromkeys(("provider", "description", "readme", "license", "licenseLink", "libraryName", "maturity"), TEXT),
    **dict.fromkeys(("logo", "externalId"), TEXT),
    **TIMES,
)
CATALOGUE = closed(["source", "models"], source=TEXT, models={"type": "array", "items": MODEL})
SOURCE = closed(
    ["name", "id", "type", "properties"],
    name=TEXT,
    id={"type": "string", "minLength": 1},
    type={"enum": ["yaml", "hf"]},
    enabled={"type": "boolean"},
    properties=closed(["yamlCatalogPath"], yamlCatalogPath=TEXT),
    labels=TEXTS,
    includedModels=TEXTS,
    excludedModels=TEXTS,
)
SOURCES = closed(["model_catalogs"], model_catalogs={"type": "array", "items": SOURCE})


def read(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """The models, of files that fit."""
    sources, catalogue = (yaml.safe_load(files[name]) for name in ("sources.yaml", "catalog.yaml"))
    jsonschema.validate(sources, SOURCES)
    jsonschema.validate(catalogue, CATALOGUE)
    assert sources["model_catalogs"][0]["properties"]["yamlCatalogPath"] in files
    models: list[dict[str, Any]] = catalogue["models"]
    names = [model["name"] for model in models]
    assert len(set(names)) == len(names)
    assert {model["externalId"] for model in models} == set(names)
    return models


def test_a_gallery_fits() -> None:
    metric = {"name": "MMLU: 5-shot", "value": 1e22, "date": "2025-01-01", "source": "https://x.example/", "unit": "%"}
    store = {"format": "safetensors", "sources": {"object": {"prefix": "s3://m/t/"}, "oci": {"image": "r.example/x"}}}
    full = chat(metrics=[metric], variants=[PLAIN, GGUF, store])
    found = read(exported.files("kubeflow", full, embedding(), voice()))
    assert [model["name"] for model in found] == ["acme/emb", "acme/say", "acme/tiny"]
    uris = [artifact.get("uri") for artifact in found[2]["artifacts"]]
    assert uris == [
        "https://huggingface.co/acme/tiny",
        "https://huggingface.co/acme/tiny-gguf",
        "oci://r.example/x",
        "s3://m/t/",
        None,
    ]


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (b"source: T\nmodels: [{name: a, colour: red}]\n", "colour"),
        (b"source: T\nmodels: [{name: a, artifacts: [{uri: 'hf://a/b'}]}]\n", "hf://a/b"),
        (b"source: T\nmodels: [{name: a, createTimeSinceEpoch: 12}]\n", "12 is not of type"),
    ],
)
def test_the_reader_sees_mistakes(wrong: bytes, what: str) -> None:
    with pytest.raises(jsonschema.ValidationError, match=what):
        read({**exported.files("kubeflow", chat()), "catalog.yaml": wrong})


_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
_ODD = st.one_of(st.booleans(), st.integers(-5, 2**53 - 1), _WORDS, st.lists(_WORDS, max_size=2))


@given(
    description=_WORDS,
    tags=st.lists(_WORDS, max_size=3),
    spec=st.dictionaries(st.sampled_from(["abilities", "languages", "context_length", "dimensions"]), _ODD),
    prefix=_WORDS,
    repo=_WORDS,
    block=st.dictionaries(st.sampled_from(["name", "runtime", "service_account", "arguments"]), _ODD),
)
def test_no_definition_breaks_an_export(
    description: str, tags: list[str], spec: dict[str, Any], prefix: str, repo: str, block: dict[str, Any]
) -> None:
    sources = {"huggingface": {"repo": repo}, "url": {"prefix": prefix}, "oci": {"image": "x"}}
    release = {
        "spec": spec,
        "variants": [{"format": "pytorch", "sources": sources}],
        "runtimes": dict.fromkeys(("kserve", "vllm", "xinference", "ollama", "llama.cpp"), block),
    }
    model = entry(description=description, tags=tags, releases={"1.0.0": release})
    (found,) = read(exported.files("kubeflow", model))
    assert found.get("description", "") in {description, "A model."}
    for name, kind_of in (("litellm", "model_list"), ("openai", "data")):
        (data,) = exported.files(name, model).values()
        assert isinstance(yaml.safe_load(data)[kind_of], list)
    for data in exported.files("kserve", model).values():
        manifest = yaml.safe_load(data)
        assert all(isinstance(word, str) for word in manifest["spec"]["predictor"]["model"]["args"])
