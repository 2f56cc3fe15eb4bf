"""Repositories of Hugging Face as models of the gallery, from the reference to what `check` says of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np
import pytest
import yaml

from galleryctl.errors import UsageError
from galleryctl.fetch import Http, MissingError
from galleryctl.importers import Candidate, Options, Rejected, claim, reference
from galleryctl.importers.base import Reference
from galleryctl.spec import Model, Release
from servers import Answer, serving
from serving_hubs import COMMIT, HuggingFace, Repository, sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers import Served

CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "max_position_embeddings": 40960,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
}
TEMPLATE = "{% for message in messages %}{{ message.content }}<|im_end|>{% endfor %}"
CARD = b"""---
license: apache-2.0
---
# Qwen3

## Background

![picture](a.png), see [the licence](LICENSE).

## Introduction

It chats.

## Usage

Load it.

## Constraints

It may err.
"""
QWEN = Repository(
    {
        ".gitattributes": b"*.safetensors filter=lfs",
        "LICENSE": b"Apache",
        "README.md": CARD,
        "config.json": json.dumps(CONFIG).encode(),
        "generation_config.json": b'{"eos_token_id": [151645]}',
        "model.safetensors": b"w" * 5000,
        "tokenizer_config.json": json.dumps(
            {"chat_template": TEMPLATE, "added_tokens_decoder": {"151645": {"content": "<|im_end|>"}}}
        ).encode(),
    },
    {
        "license": "apache-2.0",
        "language": ["en", "zh"],
        "tags": ["chat", "transformers", "arxiv:2505.09388"],
        "pipeline_tag": "text-generation",
        "library_name": "transformers",
        "base_model": "Qwen/Qwen3-8B-Base",
    },
)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, Repository]], Served]]:
    running = []

    def start(repositories: dict[str, Repository]) -> Served:
        context = serving(HuggingFace(repositories))
        found = context.__enter__()
        running.append(context)
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        return found

    yield start
    for context in running:
        context.__exit__(None, None, None)


def read(text: str, **options: Any) -> list[Candidate | Rejected]:  # noqa: ANN401 - any option
    fetcher = Http(allow_private=True, sleep=lambda _: None)
    given = reference(text, fetcher)
    return list(claim(given).read(given, fetcher, Options(**options)))


def one(text: str, **options: Any) -> Candidate:  # noqa: ANN401 - any option
    (found,) = read(text, **options)
    assert isinstance(found, Candidate), found
    Model.model_validate_json(json.dumps(found.model), strict=True)
    Release.model_validate_json(json.dumps(found.releases["1.0.0"]), strict=True)
    return found


def test_repository(hub: Callable[..., Served]) -> None:
    hub({"Qwen/Qwen3-8B": QWEN})
    found = one("huggingface:Qwen/Qwen3-8B")
    assert (found.source, found.at, found.type, found.id) == (
        *("Qwen/Qwen3-8B", "huggingface:Qwen/Qwen3-8B", "llm", "qwen/qwen3-8b"),
    )
    assert found.model == {
        "title": "Qwen3-8B",
        "license": "Apache-2.0",
        "tags": ["chat"],
        "links": {"weights": "https://huggingface.co/Qwen/Qwen3-8B", "paper": "https://arxiv.org/abs/2505.09388"},
        "base_models": ["qwen/qwen3-8b-base"],
        "readme": {"source": "https://huggingface.co/Qwen/Qwen3-8B", "revision": COMMIT},
    }
    release = found.releases["1.0.0"]
    assert release["released"] == "2025-05-02T03:04:05Z"
    assert release["spec"] == {
        "abilities": ["chat"],
        "languages": ["en", "zh"],
        "context_length": 40960,
        "architecture": {
            "classes": ["Qwen3ForCausalLM"],
            "model_type": "qwen3",
            "layers": 36,
            "kv_heads": 8,
            "head_size": 128,
        },
        "prompt": {"template": {"file": "1.0.0.jinja"}, "stop": ["<|im_end|>"], "stop_token_ids": [151645]},
    }
    (variant,) = release["variants"]
    assert (variant["format"], variant["parameters"], variant["engines"]) == ("pytorch", "8B", ["transformers"])
    assert variant["sources"] == {"huggingface": {"repo": "Qwen/Qwen3-8B", "revision": COMMIT}}
    listed = variant["files"]["none"]
    assert [file["path"] for file in listed][:2] == ["model.safetensors", "config.json"]
    assert {file["path"]: file["sha256"] for file in listed} == {
        name: sha256(data) for name, data in QWEN.files.items() if name.endswith((".json", ".safetensors"))
    }
    assert found.texts["1.0.0.jinja"].decode() == TEMPLATE
    card = found.texts["README.md"].decode()
    assert card.startswith("# Qwen3\n")
    assert f"[the licence](https://huggingface.co/Qwen/Qwen3-8B/blob/{COMMIT}/LICENSE)" in card
    assert f"/Qwen/Qwen3-8B/resolve/{COMMIT}/a.png)" in card
    assert found.remarks == ()


def test_weights_are_never_fetched(hub: Callable[..., Served]) -> None:
    there = hub({"Qwen/Qwen3-8B": QWEN})
    one("hf:Qwen/Qwen3-8B")
    assert not [each.path for each in there.asked if each.path.endswith((".safetensors", "LICENSE", ".gitattributes"))]


def test_check_finds_only_what_the_source_lacks(
    hub: Callable[..., Served], registry: Callable[..., Path], run: Callable[..., Any]
) -> None:
    hub({"Qwen/Qwen3-8B": QWEN})
    folder = registry()
    made = run("import", "hf:Qwen/Qwen3-8B", "--all", "--allow-private", "--registry", folder)
    assert made.exit_code == 0, made.stderr
    release = yaml.safe_load((folder / "models/llm/qwen/qwen3-8b/1.0.0.yaml").read_text())
    assert release["variants"][0]["sources"]["huggingface"]["revision"] == COMMIT
    said = json.loads(run("check", "--registry", folder, "--format", "json").stdout)
    found = {(each["code"], each["severity"]) for each in said if "qwen" in each["path"]}
    assert {code for code, severity in found if severity == "error"} == {"TXT007"}, found  # hubs have no summaries


@pytest.fixture
def header(tmp_path: Path) -> bytes:
    path = tmp_path / "a.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(4096)
    writer.add_block_count(22)
    writer.add_head_count(32)
    writer.add_head_count_kv(4)
    writer.add_embedding_length(2048)
    writer.add_chat_template("{{ messages }}")
    writer.add_tensor("t", np.zeros((1000, 1100), dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def test_gguf(hub: Callable[..., Served], header: bytes) -> None:
    files = {"tiny.Q8_0.gguf": header, "tiny.Q4_K_M.gguf": header + b"1", "mmproj-f16.gguf": b"GGUF"}
    there = hub({"acme/tiny-GGUF": Repository(files, {"license": "mit", "pipeline_tag": "image-text-to-text"})})
    found = one("hf:acme/tiny-GGUF")
    release = found.releases["1.0.0"]
    assert (found.type, release["spec"]["abilities"]) == ("llm", ["chat", "vision"])
    assert (release["spec"]["context_length"], release["spec"]["architecture"]) == (
        4096,
        {"model_type": "llama", "layers": 22, "kv_heads": 4, "head_size": 64},
    )
    (variant,) = release["variants"]
    assert variant["parameters"] == "1.1M"
    assert variant["engines"] == ["llama.cpp"]
    assert variant["quantizations"] == ["Q4_K_M", "Q8_0"]
    assert variant["sources"]["huggingface"] == {
        "repo": "acme/tiny-GGUF",
        "revision": COMMIT,
        "file": "tiny.{quantization}.gguf",
        "projectors": ["mmproj-f16.gguf"],
    }
    assert found.texts["1.0.0.jinja"] == b"{{ messages }}"
    assert all("range" in each.headers for each in there.asked if each.path.endswith(".gguf"))


def test_both_forms(hub: Callable[..., Served], header: bytes) -> None:
    files = {"model.safetensors": b"w", "tiny-7b-Q8_0.gguf": header}
    hub({"acme/tiny-7b": Repository(files, {"pipeline_tag": "text-generation", "library_name": "transformers"})})
    found = one("hf:acme/tiny-7b").releases["1.0.0"]["variants"]
    assert [(each["format"], each["parameters"]) for each in found] == [("pytorch", "7B"), ("gguf", "7B")]


def test_broken_header_is_remarked_on(hub: Callable[..., Served]) -> None:
    hub(
        {
            "acme/tiny": Repository(
                {"t.Q8_0.gguf": b"GGUF\x03\0\0\0" + b"\xff" * 99}, {"pipeline_tag": "text-generation"}
            )
        }
    )
    found = one("hf:acme/tiny")
    assert [remark.code for remark in found.remarks] == ["FIL004"]
    assert found.releases["1.0.0"]["spec"] == {"abilities": ["generate"]}


def test_embeddings(hub: Callable[..., Served]) -> None:
    config = {"model_type": "xlm-roberta", "max_position_embeddings": 8194, "pad_token_id": 1, "hidden_size": 1024}
    files = {
        "config.json": json.dumps(config).encode(),
        "modules.json": b'[{"path": "pool", "type": "sentence_transformers.models.Pooling"}]',
        "pool/config.json": b'{"word_embedding_dimension": 512}',
        "pytorch_model.bin": b"p",
    }
    card = {"license": "mit", "pipeline_tag": "sentence-similarity", "tags": ["sentence-transformers"]}
    hub({"BAAI/bge-m3": Repository(files, card)})
    found = one("hf:BAAI/bge-m3")
    spec = found.releases["1.0.0"]["spec"]
    assert (found.type, spec["dimensions"], spec["context_length"], spec["abilities"]) == (
        *("embedding", 512, 8192, ["embed"]),
    )
    assert found.releases["1.0.0"]["variants"][0]["engines"] == ["sentence_transformers"]
    assert "tags" not in found.model


@pytest.mark.parametrize(
    ("task", "kind", "abilities"),
    [
        ("text-generation", "llm", ["generate"]),
        ("text-ranking", "rerank", ["rerank"]),
        ("text-to-image", "image", ["text2image"]),
        ("automatic-speech-recognition", "audio", ["audio2text"]),
        ("text-to-speech", "audio", ["text2audio"]),
        ("text-to-video", "video", ["text2video"]),
        ("object-detection", "vision", ["detection"]),
    ],
)
def test_types(hub: Callable[..., Served], task: str, kind: str, abilities: list[str]) -> None:
    hub({"acme/x": Repository({"model.safetensors": b"w"}, {"pipeline_tag": task})})
    found = one("hf:acme/x")
    assert (found.type, found.releases["1.0.0"]["spec"]["abilities"]) == (kind, abilities)


def test_unknown_tasks_need_a_type(hub: Callable[..., Served]) -> None:
    hub({"acme/x": Repository({"model.safetensors": b"w"}, {"pipeline_tag": "tabular-regression"})})
    (found,) = read("hf:acme/x")
    assert isinstance(found, Rejected)
    assert [(remark.code, remark.fix) for remark in found.remarks] == [("SCH002", "name the type: --type llm")]
    assert one("hf:acme/x", type="vision").type == "vision"
    assert one("hf:acme/x", type="llm").releases["1.0.0"]["spec"]["abilities"] == ["generate"]


def test_pipelines_name_their_class(hub: Callable[..., Served]) -> None:
    files = {"model_index.json": b'{"_class_name": "FluxPipeline"}', "unet/model.safetensors": b"w"}
    hub({"acme/x": Repository(files, {"pipeline_tag": "text-to-image", "library_name": "diffusers"})})
    release = one("hf:acme/x").releases["1.0.0"]
    assert release["spec"] == {"abilities": ["text2image"], "architecture": {"classes": ["FluxPipeline"]}}
    assert release["variants"][0]["engines"] == ["diffusers"]


@pytest.mark.parametrize(
    ("card", "config", "kind"),
    [
        ({}, CONFIG, "llm"),
        ({"tags": ["sentence-transformers"]}, {}, "embedding"),
        ({"pipeline_tag": "text-classification", "tags": ["reranker"]}, {}, "rerank"),
    ],
)
def test_types_that_the_task_does_not_say(
    hub: Callable[..., Served], card: dict[str, Any], config: dict[str, Any], kind: str
) -> None:
    hub({"acme/x": Repository({"model.safetensors": b"w", "config.json": json.dumps(config).encode()}, card)})
    assert one("hf:acme/x").type == kind


def test_languages_that_are_none(hub: Callable[..., Served]) -> None:
    card = {"pipeline_tag": "text-generation", "language": ["en", "multilingual", "zh-Hans"]}
    hub({"acme/x": Repository({"model.safetensors": b"w"}, card)})
    found = one("hf:acme/x")
    assert found.releases["1.0.0"]["spec"]["languages"] == ["en", "zh-Hans"]
    assert [(remark.code, remark.message) for remark in found.remarks] == [
        ("LNG001", "no language codes: multilingual")
    ]


def test_templates_by_name(hub: Callable[..., Served]) -> None:
    several = [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}, 7]
    files = {"model.safetensors": b"w", "tokenizer_config.json": json.dumps({"chat_template": several}).encode()}
    hub({"acme/x": Repository(files, {"pipeline_tag": "text-generation"})})
    assert one("hf:acme/x").texts["1.0.0.jinja"] == b"D"
    hub({"acme/x": Repository({**files, "chat_template.jinja": b"J"}, {"pipeline_tag": "text-generation"})})
    assert one("hf:acme/x").texts["1.0.0.jinja"] == b"J"


def test_digests_on_request(hub: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file outside the store of large files is read through only where that was asked for."""
    monkeypatch.setattr("galleryctl.importers.repositories._SMALL", 100)
    data = b"v" * 1000
    hub({"acme/x": Repository({"model.safetensors": b"w", "vocab.txt": data}, {"pipeline_tag": "text-generation"})})
    plain, whole = one("hf:acme/x"), one("hf:acme/x", digest=True)
    listed = [found.releases["1.0.0"]["variants"][0]["files"]["none"][1] for found in (plain, whole)]
    assert "sha256" not in listed[0]
    assert [remark.code for remark in plain.remarks] == ["FIL001"]
    assert listed[1]["sha256"] == sha256(data)
    assert whole.remarks == ()


def test_a_licence_of_its_own(hub: Callable[..., Served]) -> None:
    card = {"license": "llama3.1", "pipeline_tag": "text-generation"}
    hub({"acme/x": Repository({"model.safetensors": b"w", "LICENSE": b"x"}, card)})
    model = one("hf:acme/x").model
    assert model["license"] == "LicenseRef-llama3.1"
    assert model["license_url"] == f"https://huggingface.co/acme/x/blob/{COMMIT}/LICENSE"


def test_gated_and_flagged(hub: Callable[..., Served]) -> None:
    status = {"filesWithIssues": [{"path": "bad.bin", "level": "unsafe"}]}
    info = {"gated": "auto", "securityRepoStatus": status}
    hub({"acme/x": Repository({"model.safetensors": b"w"}, {"pipeline_tag": "text-generation"}, info)})
    found = one("hf:acme/x")
    assert found.releases["1.0.0"]["variants"][0]["sources"]["huggingface"]["gated"] is True
    assert [remark.code for remark in found.remarks] == ["SEC003"]


def test_lineage(hub: Callable[..., Served]) -> None:
    card = {"pipeline_tag": "text-generation", "base_model": ["Qwen/Qwen3-8B-Base", "模型/模型"]}
    hub({"acme/x": Repository({"model.safetensors": b"w"}, card)})
    assert one("hf:acme/x").model["base_models"] == ["qwen/qwen3-8b-base"]


def test_owner_with_a_bad_repository(hub: Callable[..., Served]) -> None:
    good = Repository({"model.safetensors": b"w"}, {"pipeline_tag": "text-generation"})
    gated = Repository({}, error=(403, "GatedRepo"))
    hub({"acme/a": good, "acme/b": gated, "acme/c": Repository({"README.md": b"x"}), "acme/d": good})
    found = read("hf:acme")
    assert [(each.source, type(each).__name__) for each in found] == [
        ("acme/a", "Candidate"),
        ("acme/b", "Rejected"),
        ("acme/c", "Rejected"),
        ("acme/d", "Candidate"),
    ]
    assert [each.remarks[0].code for each in found if isinstance(each, Rejected)] == ["SRC003", "FIL004"]


def test_missing_repository_stops(hub: Callable[..., Served]) -> None:
    hub({})
    with pytest.raises(MissingError, match="no such repository"):
        read("hf:acme/none")


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        ("hf:Qwen/Qwen3-8B", True),
        ("huggingface:Qwen/Qwen3-8B@main", True),
        ("hf:Qwen", True),
        ("hf:collections/Qwen/qwen3-67dd", True),
        ("https://huggingface.co/Qwen/Qwen3-8B", True),
        ("https://huggingface.co/Qwen/Qwen3-8B/tree/main", True),
        ("https://hf.co/Qwen", True),
        ("https://huggingface.co/collections/Qwen/qwen3-67dd", True),
        ("https://huggingface.co/Qwen/Qwen3-8B/resolve/main/a.gguf", False),
        ("https://huggingface.co.evil.example/Qwen/Qwen3-8B", False),
        ("https://www.modelscope.cn/models/Qwen/Qwen3-8B", False),
        ("modelscope:Qwen/Qwen3-8B", False),
        ("hf://Qwen/Qwen3-8B", False),
    ],
)
def test_claims(text: str, claimed: bool) -> None:
    from galleryctl.importers import huggingface  # noqa: PLC0415 - the module under test, beside its port

    assert huggingface.claims(Reference(text, bytes)) is claimed


@pytest.mark.parametrize(
    "text",
    [
        *("hf:", "hf:a/b/c", "hf:datasets/x", "https://huggingface.co/", "https://huggingface.co/datasets/a/b"),
        *("hf:../x", "hf:a b/c", "https://huggingface.co/docs", "hf:spaces/a"),
    ],
)
def test_references_that_name_nothing(text: str) -> None:
    with pytest.raises(UsageError, match="names no model of Hugging Face"):
        read(text)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "modules.json", "generation_config.json"])
@pytest.mark.parametrize("data", [b"", b"[1, {}]", b"\xff\xfe", b"[" * 50_000, b'{"eos_token_id": {}, "path": 7}'])
def test_odd_files(hub: Callable[..., Served], name: str, data: bytes) -> None:
    hub({"acme/x": Repository({"model.safetensors": b"w", name: data}, {"pipeline_tag": "text-generation"})})
    assert one("hf:acme/x").type == "llm"


def test_hub_that_changes_its_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The listing names files that are not there any more when they are asked for."""
    good = HuggingFace({"acme/x": Repository({"model.safetensors": b"w", "config.json": b"{}"}, {})})
    with serving(lambda asked: good(asked) if asked.path.startswith("/api/") else Answer(404)) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        with pytest.raises(MissingError):
            read("hf:acme/x", type="llm")
