"""LiteLLM, KServe, Kubeflow and the OpenAI listing: what is written for whoever serves or lists models of others."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

import exported
from exported import COMMIT
from galleryctl.runtimes.kserve import label
from galleryctl.spec import Release
from made import DIGEST, entry

PLAIN: dict[str, Any] = {
    "format": "pytorch",
    "parameters": "8B",
    "quantizations": ["none"],
    "sources": {"huggingface": {"repo": "acme/tiny", "revision": COMMIT}},
}
GGUF: dict[str, Any] = {
    "format": "gguf",
    "parameters": "8B",
    "quantizations": ["Q4_K_M", "Q8_0"],
    "sources": {"huggingface": {"repo": "acme/tiny-gguf", "revision": COMMIT, "file": "t-{quantization}.gguf"}},
    "files": {"Q4_K_M": [{"path": "t-Q4_K_M.gguf", "size": 5, "sha256": DIGEST}]},
}
SPEC: dict[str, Any] = {"context_length": 4096, "languages": ["en"], "abilities": ["chat", "tools", "vision"]}
CHAT: dict[str, Any] = {"spec": SPEC, "released": "2025-05-01T08:00:00Z", "variants": [PLAIN, GGUF]}
EMBEDDING: dict[str, Any] = {
    "spec": {"dimensions": 1024, "context_length": 512, "languages": ["en"]},
    "variants": [PLAIN],
}
VOICE: dict[str, Any] = {
    "spec": {"abilities": ["text2audio"]},
    "variants": [{"sources": {"huggingface": {"repo": "acme/say"}}}],
}


def chat(**fields: Any) -> Any:  # noqa: ANN401 - fields of a release
    return entry(releases={"1.0.0": CHAT | fields}, tags=["chat"], license="Apache-2.0")


def embedding() -> Any:  # noqa: ANN401 - an entry
    return entry("acme/emb", "embedding", releases={"1.0.0": EMBEDDING})


def voice() -> Any:  # noqa: ANN401 - an entry
    return entry("acme/say", "audio", releases={"1.0.0": VOICE})


def litellm(*entries: Any, runtimes: tuple[str, ...] = ()) -> list[dict[str, Any]]:  # noqa: ANN401 - entries
    found: dict[str, Any] = yaml.safe_load(exported.files("litellm", *entries, runtimes=runtimes)["config.yaml"])
    assert list(found) == ["model_list"]
    models: list[dict[str, Any]] = found["model_list"]
    return models


def test_litellm_has_an_entry_for_each_engine_of_the_gallery() -> None:
    first, second = litellm(chat(), runtimes=("ollama", "vllm", "localai"))
    assert first == {
        "model_name": "acme/tiny",
        "litellm_params": {"model": "ollama_chat/tiny", "api_base": "os.environ/OLLAMA_API_BASE"},
        "model_info": {
            "id": "acme/tiny@ollama",
            "mode": "chat",
            "max_input_tokens": 4096,
            "supports_function_calling": True,
            "supports_vision": True,
        },
    }
    assert second["model_name"] == "acme/tiny@vllm"
    assert second["litellm_params"]["model"] == "hosted_vllm/tiny"


def test_litellm_asks_all_engines_where_the_gallery_names_none() -> None:
    assert [each["litellm_params"]["model"] for each in litellm(chat(), embedding())] == [
        "hosted_vllm/emb",
        "xinference/emb",
        "hosted_vllm/tiny",
        "xinference/tiny",
        "llamafile/acme/tiny:8b-gguf-Q4_K_M",
        "ollama_chat/tiny",
    ]
    assert litellm() == []


def test_litellm_uses_the_names_that_engines_know_and_invents_nothing() -> None:
    overlays = {"vllm": {"name": "Tiny"}, "llama.cpp": {"name": "small"}}
    found = litellm(chat(runtimes=overlays, spec={}), runtimes=("vllm", "llama.cpp"))
    assert [each["litellm_params"]["model"] for each in found] == [
        "hosted_vllm/Tiny",
        "llamafile/small:8b-gguf-Q4_K_M",
    ]
    assert found[0]["model_info"] == {"id": "acme/tiny@vllm", "mode": "chat"}
    (only,) = litellm(chat(spec={"abilities": ["generate"]}), runtimes=("vllm",))
    assert only["model_info"]["mode"] == "completion"


def test_litellm_says_what_no_engine_serves() -> None:
    nowhere = {"format": "onnx", "sources": {"url": {"prefix": "https://acme.example/"}}}
    found = exported.left("litellm", chat(variants=[PLAIN, nowhere]), voice())
    assert found["acme/tiny"] == [
        ("onnx", "none", "LiteLLM passes requests on to engines, and none that it is given here serves this.")
    ]
    assert found["acme/say"] == [("", "", "LiteLLM loads no audio models.")]


def kserve(*entries: Any) -> dict[str, Any]:  # noqa: ANN401 - entries
    return {path: yaml.safe_load(data) for path, data in exported.files("kserve", *entries).items()}


def test_kserve_serves_a_repository_at_its_commit() -> None:
    needs = {"gpus": 2, "memory": "16GiB", "vram": "20GiB"}
    found = kserve(chat(requirements=needs, remote_code={"revision": COMMIT, "reviewed_by": "ada"}))
    assert list(found) == ["acme/tiny.yaml"]
    amounts = {"memory": "16Gi", "nvidia.com/gpu": "2"}
    assert found["acme/tiny.yaml"] == {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": "acme-tiny",
            "annotations": {
                "galleryctl.dev/id": "acme/tiny",
                "galleryctl.dev/version": "1.0.0",
                "galleryctl.dev/variant": "8b-pytorch",
                "galleryctl.dev/license": "Apache-2.0",
            },
        },
        "spec": {
            "predictor": {
                "model": {
                    "modelFormat": {"name": "huggingface"},
                    "storageUri": f"hf://acme/tiny:{COMMIT}",
                    "args": ["--model_name=acme-tiny", "--trust_remote_code"],
                    "resources": {"requests": amounts, "limits": amounts},
                }
            }
        },
    }


def test_kserve_has_a_manifest_for_each_variant_and_says_what_it_leaves_out() -> None:
    store = {"format": "safetensors", "parameters": "1B", "sources": {"object": {"prefix": "s3://models/tiny/"}}}
    web = {"format": "awq", "parameters": "2B", "sources": {"url": {"prefix": "https://acme.example/"}}}
    model = chat(variants=[PLAIN, store, web, GGUF])
    found = kserve(model)
    assert {path: each["metadata"]["name"] for path, each in found.items()} == {
        "acme/tiny.yaml": "acme-tiny",
        "acme/tiny@1b-safetensors.yaml": "acme-tiny-1b-safetensors",
    }
    served = found["acme/tiny@1b-safetensors.yaml"]["spec"]["predictor"]["model"]
    assert served["storageUri"] == "s3://models/tiny/"
    assert "resources" not in served
    assert exported.left("kserve", model, voice()) == {
        "acme/tiny": [
            ("2b-awq", "none", "KServe loads from none of the sources of this variant."),
            ("8b-gguf", "", "KServe does not load gguf."),
        ],
        "acme/say": [("", "", "KServe loads no audio models.")],
    }


@pytest.mark.parametrize(
    "source", [{"repo": "acme/tiny", "revision": "refs/pr/1"}, {"repo": "acme"}, {"repo": "a b/c"}]
)
def test_kserve_is_told_no_place_that_it_cannot_take_apart(source: dict[str, str]) -> None:
    model = chat(variants=[{**PLAIN, "sources": {"huggingface": source}}])
    assert kserve(model) == {}
    reason = "KServe cannot be told this repository, or a revision of this name."
    assert exported.left("kserve", model) == {"acme/tiny": [("8b-pytorch", "none", reason)]}


def test_kserve_takes_what_only_it_understands() -> None:
    block = {"name": "small", "service_account": "hf", "arguments": {"max-model-len": 8192, "quiet": True}}
    (found,) = kserve(chat(runtimes={"kserve": {**block, "runtime": "multinode"}})).values()
    predictor = found["spec"]["predictor"]
    assert (found["metadata"]["name"], predictor["serviceAccountName"]) == ("small", "hf")
    assert predictor["model"]["runtime"] == "multinode"
    assert predictor["model"]["args"] == ["--model_name=small", "--max_model_len=8192", "--quiet"]


@pytest.mark.parametrize(
    ("identifier", "variant", "name"),
    [
        ("acme/tiny", "", "acme-tiny"),
        ("01.ai/yi_1.5", "8b-awq", "m-01-ai-yi-1-5-8b-awq"),
        ("acme/" + "x" * 96, "", None),
        ("acme/" + "x" * 95 + "y", "", None),
    ],
)
def test_names_of_services_are_labels(identifier: str, variant: str, name: str | None) -> None:
    found = label(identifier, Release(), variant)
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", found)
    assert len(found) <= 45
    assert name in {found, None}
    assert found != label(identifier + "z", Release(), variant)


def test_kubeflow() -> None:
    metric = {"name": "MMLU", "value": 70, "date": "2025-01-01", "source": "https://x.example/", "unit": "%"}
    model = chat(metrics=[metric], environment={"framework": "transformers"}, variants=[PLAIN])
    found = exported.files("kubeflow", model)
    assert yaml.safe_load(found["sources.yaml"]) == {
        "model_catalogs": [
            {
                "name": "Test: gallery",
                "id": "test_gallery",
                "type": "yaml",
                "enabled": True,
                "properties": {"yamlCatalogPath": "catalog.yaml"},
            }
        ]
    }
    catalogue = yaml.safe_load(found["catalog.yaml"])
    assert catalogue["source"] == "Test: gallery"
    (one,) = catalogue["models"]
    text = "MetadataStringValue"
    times = {"createTimeSinceEpoch": "1746086400000", "lastUpdateTimeSinceEpoch": "1746086400000"}
    assert one["customProperties"].pop("chat") == {"metadataType": text, "string_value": ""}
    assert one["customProperties"]["context_length"] == {"metadataType": "MetadataIntValue", "int_value": "4096"}
    artifact, figure = one.pop("artifacts")
    assert artifact["uri"] == "https://huggingface.co/acme/tiny"
    assert artifact["customProperties"]["revision"] == {"metadataType": text, "string_value": COMMIT}
    assert figure["metricsType"] == "accuracy-metrics"
    assert figure["customProperties"]["score"] == {"metadataType": "MetadataDoubleValue", "double_value": 70.0}
    del one["customProperties"]
    assert one == times | {
        "name": "acme/tiny",
        "description": "A model.",
        "provider": "acme",
        "language": ["en"],
        "license": "apache-2.0",
        "libraryName": "transformers",
        "tasks": ["text-generation", "tool-calling", "image-to-text"],
        "externalId": "acme/tiny",
    }


def test_kubeflow_keeps_long_texts_as_they_are() -> None:
    said = "# Head\n\nTwo: lines\n- one\n\n    code\n"
    model = entry(description=said)
    (one,) = yaml.safe_load(exported.files("kubeflow", model)["catalog.yaml"])["models"]
    assert one["description"] == said
    assert yaml.safe_load(exported.files("kubeflow")["catalog.yaml"])["models"] == []


def test_the_listing_of_openai() -> None:
    listing = json.loads(exported.files("openai", chat(), voice())["models.json"])
    assert listing["object"] == "list"
    assert listing["data"][1] == {"id": "acme/tiny", "object": "model", "created": 1746086400, "owned_by": "acme"}
    bare = entry(added=None)
    (only,) = json.loads(exported.files("openai", bare)["models.json"])["data"]
    assert only["created"] == 0


@pytest.mark.parametrize("name", ["litellm", "kserve", "kubeflow", "openai"])
def test_order_of_the_gallery_changes_nothing(name: str) -> None:
    models = [chat(), embedding(), voice()]
    assert exported.files(name, *models) == exported.files(name, *reversed(models))
