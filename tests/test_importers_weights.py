"""Which files of a repository are a model, in which format, and how large it says it is."""

from __future__ import annotations

from typing import Any

import pytest

from galleryctl.hubs import RemoteFile
from galleryctl.hubs.loaded import role
from galleryctl.importers.weights import Kind, Sizes, gguf, kind, named, whole

PLAIN = Kind("pytorch", "none")


def remote(*paths: str) -> tuple[RemoteFile, ...]:
    return tuple(RemoteFile(path, 1, "0" * 64) for path in paths)


def paths(variant: dict[str, Any] | None) -> dict[str, list[str]]:
    assert variant is not None
    return {key: [file["path"] for file in files] for key, files in variant["files"].items()}


class TestGguf:
    def test_one_file_for_each_quantization(self) -> None:
        (found,) = gguf(remote("tiny.BF16.gguf", "tiny.Q4_K_M.gguf", "tiny.UD-IQ1_S.gguf", "imatrix.gguf", "x.json"))
        assert found["quantizations"] == ["Q4_K_M", "BF16", "UD-IQ1_S"]
        assert found["source"] == {"file": "tiny.{quantization}.gguf"}
        assert paths(found)["UD-IQ1_S"] == ["tiny.UD-IQ1_S.gguf"]
        assert "key" not in found

    def test_spelling_is_kept(self) -> None:
        (found,) = gguf(remote("tiny-q4_k_m.gguf", "tiny-fp16.gguf", "tiny-mxfp4.gguf"))
        assert found["quantizations"] == ["q4_k_m", "fp16", "mxfp4"]

    def test_shards(self) -> None:
        shards = [f"BF16/tiny-BF16-0000{index}-of-00003.gguf" for index in (2, 1, 3)]
        (found,) = gguf(remote("tiny-Q8_0.gguf", *shards))
        assert found["source"] == {
            "file": "tiny-{quantization}.gguf",
            "parts_file": "{quantization}/tiny-{quantization}-{part}.gguf",
            "parts": {"BF16": ["00001-of-00003", "00002-of-00003", "00003-of-00003"]},
        }
        assert paths(found)["BF16"] == sorted(shards)

    def test_only_shards(self) -> None:
        (found,) = gguf(remote("tiny-Q8_0-00001-of-00002.gguf", "tiny-Q8_0-00002-of-00002.gguf"))
        assert found["source"]["file"] == "tiny-{quantization}.gguf"
        assert found["source"]["parts_file"] == "tiny-{quantization}-{part}.gguf"

    def test_projectors(self) -> None:
        (found,) = gguf(remote("tiny-Q8_0.gguf", "tiny-F16.gguf", "mmproj-tiny-F16.gguf"))
        assert found["source"]["projectors"] == ["mmproj-tiny-F16.gguf"]
        assert found["files"]["Q8_0"][1] == {
            "path": "mmproj-tiny-F16.gguf",
            "size": 1,
            "sha256": "0" * 64,
            "role": "projector",
        }

    def test_quantization_of_a_folder(self) -> None:
        (found,) = gguf(remote("Q8_0/model.gguf", "F16/model.gguf"))
        assert (found["quantizations"], found["source"]) == (["Q8_0", "F16"], {"file": "{quantization}/model.gguf"})

    def test_none(self) -> None:
        (found,) = gguf(remote("all-minilm.gguf"))
        assert (found["quantizations"], found["source"]) == (["default"], {"file": "all-minilm.gguf"})

    def test_several_models(self) -> None:
        found = gguf(remote("big-Q8_0.gguf", "big-F16.gguf", "Draft 0.5b-Q8_0.gguf"))
        assert [each["key"] for each in found] == ["big", "draft-0.5b"]

    def test_braces_make_no_template(self) -> None:
        (found,) = gguf(remote("ti{n}y-Q8_0.gguf"))
        assert "file" not in found.get("source", {})
        assert paths(found) == {"Q8_0": ["ti{n}y-Q8_0.gguf"]}


class TestWhole:
    def test_safetensors_rather_than_pickles(self) -> None:
        found = whole(
            remote(
                *("config.json", "model.safetensors", "pytorch_model.bin", "tf_model.h5", "README.md", "a.png"),
                *("tokenizer.json", "onnx/model.onnx", "original/x.pth", ".gitattributes", "training_args.bin"),
                *("merges.txt", "modeling_x.py", "chat_template.jinja", "openvino/model.bin"),
            ),
            PLAIN,
        )
        assert paths(found)["none"] == [
            *("model.safetensors", "chat_template.jinja", "config.json", "merges.txt", "modeling_x.py"),
            "tokenizer.json",
        ]

    def test_pickles_where_there_is_nothing_else(self) -> None:
        assert paths(whole(remote("pytorch_model.bin", "config.json"), PLAIN))["none"][0] == "pytorch_model.bin"

    def test_onnx(self) -> None:
        found = whole(remote("model.onnx", "model.onnx_data", "config.json"), PLAIN)
        assert found is not None
        assert found["format"] == "onnx"

    def test_onnx_in_several_precisions(self) -> None:
        found = whole(
            remote(
                "onnx/model.onnx", "onnx/model_fp16.onnx", "onnx/model_q4.onnx", "onnx/model_q4.onnx_data", "a.json"
            ),
            PLAIN,
        )
        assert paths(found) == {
            "none": ["onnx/model.onnx", "a.json"],
            "fp16": ["onnx/model_fp16.onnx", "a.json"],
            "q4": ["onnx/model_q4.onnx", "onnx/model_q4.onnx_data", "a.json"],
        }

    def test_the_same_weights_under_another_name(self) -> None:
        found = whole(remote("consolidated.safetensors", "model-00001-of-00001.safetensors", "params.json"), PLAIN)
        assert paths(found)["none"] == ["model-00001-of-00001.safetensors", "params.json"]
        assert paths(whole(remote("consolidated.safetensors"), PLAIN))["none"] == ["consolidated.safetensors"]

    def test_what_only_another_program_reads(self) -> None:
        assert whole(remote("ggml-base.bin", "openvino/model.bin", "config.json"), PLAIN) is None

    def test_pipelines(self) -> None:
        found = whole(
            remote(
                *("model_index.json", "xl_base.safetensors", "unet/config.json", "vae/model.bin"),
                *("unet/model.safetensors", "unet/model.fp16.safetensors", "unet/model.bin"),
                *("vae/model.fp16.safetensors", "vae/model.safetensors"),
            ),
            PLAIN,
        )
        assert paths(found)["none"] == [
            *("unet/model.safetensors", "vae/model.safetensors", "model_index.json", "unet/config.json")
        ]

    def test_nothing(self) -> None:
        assert whole(remote("README.md", "config.json", "a.gguf"), PLAIN) is None


@pytest.mark.parametrize(
    ("config", "tags", "expected"),
    [
        ({}, (), PLAIN),
        ({"quantization_config": {"quant_method": "awq", "bits": 4}}, (), Kind("awq", "Int4")),
        ({"quantization_config": {"quant_method": "gptq", "bits": 8}}, (), Kind("gptq", "Int8")),
        ({"quantization_config": {"quant_method": "fp8"}}, (), Kind("fp8", "fp8")),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, (), Kind("bnb", "4-bit")),
        ({"quantization_config": {"quant_method": "mxfp4"}}, (), Kind("fp4", "mxfp4")),
        (
            {"quantization_config": {"quant_method": "compressed-tensors", "format": "float-quantized"}},
            (),
            Kind("fp8", "fp8"),
        ),
        (
            {"quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized"}},
            (),
            Kind("pytorch", "compressed-tensors"),
        ),
        ({"quantization": {"bits": 4, "group_size": 64}}, ("mlx",), Kind("mlx", "4bit")),
        ({}, ("mlx",), Kind("mlx", "none")),
        ({"quantization_config": ["awq"]}, (), PLAIN),
        ({"quantization_config": {"quant_method": 7, "bits": "x"}}, (), PLAIN),
    ],
)
def test_kind(config: dict[str, Any], tags: tuple[str, ...], expected: Kind) -> None:
    assert kind(config, tags) == expected


@pytest.mark.parametrize(
    ("repo", "count", "expected"),
    [
        ("Qwen/Qwen3-8B", 8_190_735_360, Sizes("8B")),
        ("Qwen/Qwen3-8B", None, Sizes("8B")),
        ("Qwen/Qwen3-30B-A3B", 30_500_000_000, Sizes("30B", "3B")),
        ("mistralai/Mixtral-8x7B-v0.1", 46_702_792_704, Sizes("46.7B")),
        ("acme/tiny-1.1b", 4_000, Sizes("4K")),
        ("acme/tiny-7B-13B", None, Sizes()),
        ("BAAI/bge-m3", 567_754_752, Sizes("568M")),
        ("acme/x", 999_999_999, Sizes("1B")),
        ("acme/x", None, Sizes()),
        ("acme/x", 12, Sizes()),
        ("acme/x", 2**52, Sizes("4504T")),
    ],
)
def test_sizes(repo: str, count: int | None, expected: Sizes) -> None:
    assert named(repo, count) == expected


def test_roles() -> None:
    names = ("tokenizer.json", "vocab.txt", "config.json", "a.jinja", "modeling_x.py", "1_Pooling/config.json")
    assert [role(name) for name in names] == ["tokenizer", "tokenizer", "config", "template", "code", "config"]
