"""Prefixes of an object store as models; the store is a real server on this machine."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from galleryctl.fetch import Http
from galleryctl.importers import Candidate, Options, Rejected, objects, reference
from galleryctl.spec import Release
from registries import problems
from stores import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from stores import Client

CONFIG = json.dumps(
    {
        "architectures": ["TinyForCausalLM"],
        "model_type": "tiny",
        "max_position_embeddings": 4096,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "hidden_size": 64,
    }
)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def put(s3: Client) -> Iterator[Callable[[Mapping[str, str]], None]]:
    def call(files: Mapping[str, str], **more: str) -> None:
        for key, text in files.items():
            s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode(), **more)

    yield call
    for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        s3.delete_object(Bucket=BUCKET, Key=each["Key"])


def found(prefix: str, options: Options = Options()) -> list[Candidate | Rejected]:  # noqa: B008 - it is frozen
    fetcher = Http(allow_private=True)
    return list(objects.read(reference(f"s3://{BUCKET}/{prefix}", fetcher), fetcher, options))


def test_the_layout_of_a_platform_becomes_a_model_that_check_accepts(
    put: Callable[..., None], registry: Callable[..., Path], run: Callable[..., Any]
) -> None:
    files = {"model.safetensors": "weights", "config.json": CONFIG, "model_service.py": "class Service: ..."}
    put({f"models/tiny/{name}": text for name, text in files.items()}, ChecksumAlgorithm="SHA256")
    [result] = found("models/tiny")
    assert isinstance(result, Candidate)
    assert (result.type, result.id, result.model) == ("llm", f"{BUCKET}/tiny", {"title": "tiny"})
    release = dict(result.releases["1.0.0"])
    assert str(release.pop("released")).endswith("Z")
    prefix = f"s3://{BUCKET}/models/tiny"
    listed = [
        {"path": "model.safetensors", "size": 7, "sha256": sha("weights")},
        {"path": "config.json", "size": len(CONFIG), "sha256": sha(CONFIG), "role": "config"},
        {"path": "model_service.py", "size": 18, "sha256": sha("class Service: ..."), "role": "code"},
    ]
    assert release == {
        "spec": {
            "architecture": {
                "classes": ["TinyForCausalLM"],
                "model_type": "tiny",
                "layers": 2,
                "kv_heads": 4,
                "head_size": 16,
            },
            "context_length": 4096,
        },
        "variants": [
            {
                "format": "pytorch",
                "quantizations": ["none"],
                "files": {"none": listed},
                "sources": {"object": {"prefix": prefix}},
            }
        ],
        "origin": {"kind": "storage", "platform": "s3", "ref": prefix},
        "runtimes": {"tencent-ti": {}},
    }
    assert result.remarks == ()
    lacking = {"ABL006", "DOC001", "LIC001", "TXT007"}  # abilities, a card, a licence and a summary
    assert {code for code, severity in problems(registry(), run, result) if severity == "error"} <= lacking


def test_digests_that_the_store_has_not_are_computed_when_asked_for(put: Callable[..., None]) -> None:
    put({"m/tiny/model.onnx": "weights", "m/tiny/notes.txt": "x"})
    [result] = found("m/tiny", Options(type="vision"))
    assert isinstance(result, Candidate)
    [variant] = result.releases["1.0.0"]["variants"]
    assert variant["files"]["none"][0] == {"path": "model.onnx", "size": 7}
    assert [remark.code for remark in result.remarks] == ["FIL001"]
    [result] = found("m/tiny", Options(type="vision", digest=True))
    assert isinstance(result, Candidate)
    [variant] = result.releases["1.0.0"]["variants"]
    assert variant["files"]["none"][0] == {"path": "model.onnx", "size": 7, "sha256": sha("weights")}
    assert result.remarks == ()


def test_half_a_layout_is_none_and_said(put: Callable[..., None]) -> None:
    put({"m/tiny/model.pt": "w", "m/tiny/model_service.py": "x"})
    [result] = found("m/tiny", Options(type="vision"))
    assert isinstance(result, Candidate)
    assert "runtimes" not in result.releases["1.0.0"]
    assert "FIL011" in [remark.code for remark in result.remarks]


def test_a_prefix_of_models_gives_one_each(put: Callable[..., None]) -> None:
    put(
        {
            "all/one/model.safetensors": "1",
            "all/one/config.json": CONFIG,
            "all/two/model-Q4_K_M.gguf": "2",
            "all/two/model-Q8_0.gguf": "3",
            "all/readme.txt": "x",
        }
    )
    results = found("all", Options(type="llm", publisher="acme"))
    assert [result.id for result in results if isinstance(result, Candidate)] == ["acme/one", "acme/two"]
    assert isinstance(results[1], Candidate)
    [variant] = results[1].releases["1.0.0"]["variants"]
    assert sorted(variant["quantizations"]) == ["Q4_K_M", "Q8_0"]
    assert {name: [file["path"] for file in files] for name, files in variant["files"].items()} == {
        "Q4_K_M": ["model-Q4_K_M.gguf"],
        "Q8_0": ["model-Q8_0.gguf"],
    }
    for result in results:
        assert isinstance(result, Candidate)
        Release.model_validate_json(json.dumps(result.releases["1.0.0"]), strict=True, extra="forbid")


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a.bin", "config.json"], {"": 2}),
        (["a/x.bin", "b/y.gguf", "b/z.txt"], {"a/": 1, "b/": 2}),
        (["model.bin", "onnx/model.onnx"], {"": 2}),
        (["model.bin", "sub/config.json", "sub/model.bin"], {"": 1, "sub/": 2}),
        (["model_index.json", "unet/config.json", "unet/w.safetensors"], {"": 3}),
        (["config.json", "onnx/model.onnx"], {"": 2}),
        (["MLmodel", "data/model.pth", "data/pickle_module_info.txt"], {"": 3}),
        (["readme.txt", "a/b/c/w.pt"], {"a/b/c/": 1}),
        (["readme.txt"], {}),
        (["config.json"], {}),
        (["training_args.bin", "optimizer.pt"], {}),
    ],
)
def test_which_folders_are_models(paths: list[str], expected: dict[str, int]) -> None:
    assert {folder: len(kept) for folder, kept in objects.models(paths).items()} == expected


def test_what_cannot_be_a_model_is_rejected_with_a_reason(put: Callable[..., None]) -> None:
    put({"none/readme.txt": "x", "none/a\\b.bin": "w", "untold/model.pt": "w", "名/model.pt": "w"})
    for prefix, codes in (("none", ["FIL005", "FIL004"]), ("untold", ["SCH002"]), ("名", ["IDN001"])):
        [result] = found(prefix)
        assert isinstance(result, Rejected)
        assert [remark.code for remark in result.remarks] == codes


def test_a_configuration_that_is_none_is_said(put: Callable[..., None]) -> None:
    put({"m/a/model.safetensors": "w", "m/a/config.json": "{", "m/b/model.safetensors": "w", "m/b/config.json": "[7]"})
    for result in found("m", Options(type="llm")):
        assert isinstance(result, Candidate)
        assert result.releases["1.0.0"].get("spec") is None
        assert [remark.code for remark in result.remarks] == ["VAL002", "FIL001"][result.source == "b" :]
