"""Folders of files as variants."""

from __future__ import annotations

import pytest

from galleryctl.hubs import RemoteFile
from galleryctl.hubs.facts import Facts
from galleryctl.importers import Remark, folders

SHA = "a" * 64


def made(*paths: str, config: dict[str, object] | None = None) -> list[tuple[str | None, dict[str, list[str]]]]:
    found = folders.variants([RemoteFile(path, 1, SHA) for path in paths], config)
    return [
        (each.get("format"), {name: [file["path"] for file in files] for name, files in each["files"].items()})
        for each in found
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/Model.GGUF", ".gguf"),
        ("m.safetensors", ".safetensors"),
        ("m.pkl", ".pkl"),
        ("optimizer.pt", ""),
        ("x.txt", ""),
    ],
)
def test_which_files_hold_weights(path: str, expected: str) -> None:
    assert folders.end(path) == expected


def test_every_file_stands_in_the_variant_it_belongs_to() -> None:
    assert made("config.json", "m.bin", "m.safetensors") == [
        ("pytorch", {"none": ["m.bin", "m.safetensors", "config.json"]})
    ]
    assert made("model.pkl", "notes.md") == [(None, {"none": ["model.pkl", "notes.md"]})]
    assert made("m-Q4_K_M.gguf", "m-Q8_0.gguf", "README.md") == [
        ("gguf", {"Q4_K_M": ["m-Q4_K_M.gguf", "README.md"], "Q8_0": ["m-Q8_0.gguf", "README.md"]})
    ]
    assert made("m-Q8_0.gguf", "m.onnx") == [("gguf", {"Q8_0": ["m-Q8_0.gguf"]}), ("onnx", {"none": ["m.onnx"]})]
    assert made("README.md") == []


def test_the_configuration_says_how_weights_are_quantized() -> None:
    awq: dict[str, object] = {"quantization_config": {"quant_method": "awq", "bits": 4}}
    assert made("m.safetensors", config=awq) == [("awq", {"Int4": ["m.safetensors"]})]
    assert made("m.onnx", config=awq) == [("onnx", {"none": ["m.onnx"]})]
    assert made("m.safetensors", config={"quantization_config": "odd"})[0][0] == "pytorch"


def test_facts_go_where_the_type_has_a_field() -> None:
    facts = Facts(classes=("TinyForCausalLM",), context_length=4096, dimensions=64)
    remarks: list[Remark] = []
    classes = {"architecture": {"classes": ["TinyForCausalLM"]}}
    assert folders.described(facts, "llm", remarks) == {**classes, "context_length": 4096}
    assert folders.described(facts, "embedding", remarks) == {**classes, "context_length": 4096, "dimensions": 64}
    assert folders.described(facts, "vision", remarks) == classes
    assert folders.described(None, "llm", remarks) == {}
    assert remarks == []
    assert folders.described(Remark("VAL002", "x"), "llm", remarks) == {}
    assert [remark.code for remark in remarks] == ["VAL002"]


def test_a_type_is_told_only_where_the_classes_fit_one() -> None:
    assert folders.type_of(Facts(classes=("TinyForCausalLM",))) == "llm"
    assert folders.type_of(Facts(classes=("WhisperForConditionalGeneration",))) == "audio"
    assert folders.type_of(Facts(classes=("BertModel",))) is None
    assert folders.type_of(None) is None
