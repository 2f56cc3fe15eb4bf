"""Artifacts of registries as models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from galleryctl.errors import UsageError
from galleryctl.fetch import Http
from galleryctl.importers import Candidate, Options, Rejected, oci, reference
from galleryctl.spec import Model, Release
from registries import MANIFEST, Registry, digest, problems, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WEIGHT = "application/vnd.cncf.model.weight.v1.raw"
BESIDE = "application/vnd.cncf.model.weight.config.v1.raw"
DOC = "application/vnd.cncf.model.doc.v1.raw"
CONFIG = {
    "descriptor": {
        "createdAt": "2025-01-02T03:04:05Z",
        "authors": ["Ada"],
        "family": "tiny",
        "name": "tiny-1b",
        "title": "Tiny 1B",
        "docURL": "https://acme.example/docs",
        "sourceURL": "https://huggingface.co/acme-labs/tiny",
        "datasetsURL": ["https://acme.example/one", "https://acme.example/two"],
        "version": "1.0",
        "vendor": "Acme",
        "licenses": ["Apache-2.0"],
        "description": "A small model for tests.",
    },
    "modelfs": {"type": "layers", "diffIds": []},
    "config": {
        "architecture": "transformer",
        "format": "safetensors",
        "paramSize": "1.0b",
        "precision": "bf16",
        "capabilities": {
            "inputTypes": ["text", "image"],
            "outputTypes": ["text"],
            "toolUsage": True,
            "reasoning": False,
            "languages": ["en", "zh"],
        },
    },
}
HF = {
    "architectures": ["TinyForCausalLM"],
    "model_type": "tiny",
    "max_position_embeddings": 4096,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "hidden_size": 64,
}


@pytest.fixture
def store() -> Iterator[Registry]:
    with serving() as found:
        yield found


def pushed(store: Registry, config: object = CONFIG, *layers: dict[str, Any]) -> str:
    known = layers or (
        store.blob(b"weights", WEIGHT, "model-00001-of-00001.safetensors"),
        store.blob(json.dumps(HF).encode(), BESIDE, "config.json"),
        store.blob(b"# Tiny", DOC, "README.md"),
    )
    return store.push("acme/tiny", "1.0", store.model(config, *known))


def found(store: Registry, options: Options = Options()) -> Candidate | Rejected:  # noqa: B008 - it is frozen
    fetcher = Http(allow_private=True)
    [result] = oci.read(reference(f"oci://{store.host}/acme/tiny:1.0", fetcher), fetcher, options)
    return result


def test_a_model_pack_becomes_a_model_that_check_accepts(
    store: Registry, registry: Callable[..., Path], run: Callable[..., Any]
) -> None:
    pinned = pushed(store)
    result = found(store)
    assert isinstance(result, Candidate)
    assert (result.type, result.id, result.source) == ("llm", "acme-labs/tiny-1b", "Tiny 1B")
    assert result.model == {
        "title": "Tiny 1B",
        "summary": "A small model for tests.",
        "license": "Apache-2.0",
        "links": {
            "documentation": "https://acme.example/docs",
            "repository": "https://huggingface.co/acme-labs/tiny",
            "datasets": ["https://acme.example/one", "https://acme.example/two"],
        },
    }
    weights = {"path": "model-00001-of-00001.safetensors", "size": 7, "sha256": digest(b"weights")[7:]}
    readme = {"path": "README.md", "size": 6, "sha256": digest(b"# Tiny")[7:], "role": "other"}
    text = json.dumps(HF).encode()
    config = {"path": "config.json", "size": len(text), "sha256": digest(text)[7:], "role": "config"}
    assert result.releases["1.0.0"] == {
        "released": "2025-01-02T03:04:05Z",
        "spec": {
            "architecture": {
                "classes": ["TinyForCausalLM"],
                "model_type": "tiny",
                "layers": 2,
                "kv_heads": 4,
                "head_size": 16,
            },
            "context_length": 4096,
            "family": "tiny",
            "abilities": ["tools", "vision"],
            "languages": ["en", "zh"],
        },
        "variants": [
            {
                "format": "pytorch",
                "parameters": "1B",
                "quantizations": ["none"],
                "files": {"none": [weights, readme, config]},
                "sources": {"oci": {"image": f"{store.host}/acme/tiny@{pinned}"}},
            }
        ],
    }
    assert problems(registry(), run, result) == [("ABL003", "warn"), ("DOC001", "error"), ("VAL005", "warn")]


def test_an_embedding_model_and_a_picture_model_are_told_by_what_they_give(store: Registry) -> None:
    for gives, type_ in (("embedding", "embedding"), ("image", "image"), ("video", "video"), ("audio", "audio")):
        can = {"inputTypes": ["text"], "outputTypes": [gives]}
        pushed(store, {"descriptor": {}, "config": {"capabilities": can}}, store.blob(b"w", WEIGHT, "m.safetensors"))
        result = found(store)
        assert isinstance(result, Candidate)
        assert (result.type, result.id) == (type_, "acme/tiny")


def test_without_capabilities_the_type_has_to_be_said(store: Registry) -> None:
    pushed(store, {"descriptor": {"name": "x"}})
    result = found(store)
    assert isinstance(result, Rejected)
    assert (result.remarks[0].code, result.remarks[0].fix) == ("SCH002", "say its type with --type")
    result = found(store, Options(type="rerank", publisher="bob"))
    assert isinstance(result, Candidate)
    assert (result.type, result.id) == ("rerank", "bob/x")


def test_gguf_quantizations_come_from_the_settings_or_else_from_the_name(store: Registry) -> None:
    layer = store.blob(b"w", WEIGHT, "tiny-Q4_K_M.gguf")
    for settings, expected in (({}, "Q4_K_M"), ({"quantization": "Q8_0"}, "Q8_0")):
        pushed(store, {"config": {"format": "gguf", **settings}}, layer)
        result = found(store, Options(type="llm"))
        assert isinstance(result, Candidate)
        [variant] = result.releases["1.0.0"]["variants"]
        assert (variant["format"], variant["quantizations"], [*variant["files"]]) == ("gguf", [expected], [expected])
        assert [remark.code for remark in result.remarks] == ["VAL002"]  # one byte is no GGUF file


def test_a_container_image_is_no_model(store: Registry) -> None:
    config = store.blob(b"{}", "application/vnd.oci.image.config.v1+json")
    store.push("acme/tiny", "1.0", {"mediaType": MANIFEST, "config": config, "layers": []})
    result = found(store)
    assert isinstance(result, Rejected)
    assert result.remarks[0].code == "SRC005"


def test_layers_that_lead_out_are_left_out_and_said(store: Registry) -> None:
    layers = [store.blob(b"w", WEIGHT, "m.safetensors"), store.blob(b"x", WEIGHT, "../../etc/passwd")]
    pushed(store, CONFIG, *layers, store.blob(b"y", WEIGHT))
    result = found(store)
    assert isinstance(result, Candidate)
    [variant] = result.releases["1.0.0"]["variants"]
    assert [file["path"] for file in variant["files"]["none"]] == ["m.safetensors"]
    assert [remark.code for remark in result.remarks if remark.code != "SCH001"] == ["FIL005", "FIL004"]
    pushed(store, CONFIG, layers[1])
    rejected = found(store)
    assert isinstance(rejected, Rejected)
    assert [remark.code for remark in rejected.remarks] == ["FIL005", "FIL004"]


def test_an_archive_has_no_digest_of_its_file(store: Registry) -> None:
    pushed(store, CONFIG, store.blob(b"tar", WEIGHT.replace("raw", "tar"), "m.safetensors"))
    result = found(store)
    assert isinstance(result, Candidate)
    assert result.releases["1.0.0"]["variants"][0]["files"]["none"] == [{"path": "m.safetensors"}]
    assert "FIL001" in [remark.code for remark in result.remarks]


ODD: tuple[object, ...] = (
    None,
    [],
    "x",
    7,
    {"title": None, "licenses": "MIT", "docURL": "javascript:x", "createdAt": 7},
    {"title": ["x"], "licenses": [None, 7, "\x00"], "createdAt": "9999-99-99", "datasetsURL": {}},
    {"title": "\x1b[31mred\u202e", "description": "<script>x</script>", "family": {}, "surprise": 1},
    {"title": "名", "name": "x" * 5000, "licenses": ["Apache-2.0", "MIT"]},
)


@pytest.mark.parametrize("descriptor", ODD)
@pytest.mark.parametrize(
    "settings", [None, [], {"paramSize": 8, "format": None, "capabilities": []}, {"format": "a b"}]
)
def test_odd_configurations_still_give_readable_files(store: Registry, descriptor: object, settings: object) -> None:
    pushed(store, {"descriptor": descriptor, "config": settings}, store.blob(b"w", WEIGHT, "m.safetensors"))
    result = found(store, Options(type="llm"))
    assert isinstance(result, Candidate)
    Model.model_validate_json(json.dumps(result.model), strict=True, extra="forbid")
    Release.model_validate_json(json.dumps(result.releases["1.0.0"]), strict=True, extra="forbid")
    assert result.id.startswith("acme/")


@pytest.mark.parametrize("text", ["oci://", "oci://tiny", "oci://h.io/../x"])
def test_what_is_no_reference_is_a_usage_error(text: str) -> None:
    fetcher = Http()
    with pytest.raises(UsageError, match="is no image"):
        list(oci.read(reference(text, fetcher), fetcher, Options()))


def test_two_licences_hold_both(store: Registry) -> None:
    pushed(store, {"descriptor": {"licenses": ["mit", "Apache-2.0 OR MIT"]}, "config": {}})
    result = found(store, Options(type="llm"))
    assert isinstance(result, Candidate)
    assert result.model["license"] == "MIT AND (Apache-2.0 OR MIT)"
    assert "LIC002" in [remark.code for remark in result.remarks]
