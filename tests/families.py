"""Families of Xinference, one or two of each type, and the way through the importer, files and exporter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galleryctl import document
from galleryctl.exports.base import Item
from galleryctl.exports.xinference import one
from galleryctl.gallery import Entry
from galleryctl.importers import Candidate, Options, Reference, Rejected, xinference
from galleryctl.spec import Definition, Limits, Model, Release

if TYPE_CHECKING:
    from collections.abc import Iterable

NOBODY: Any = None  # a catalogue is a file: nothing is fetched
COMMIT = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
TEMPLATE = "{% for message in messages %}\n<|im_start|>{{ message.role }}\n{{ message.content }}\n{% endfor %}\n"
CHAT: dict[str, Any] = {
    "version": 2,
    "model_name": "Tiny-Chat",
    "context_length": 4096,
    "model_lang": ["en", "zh"],
    "model_ability": ["chat", "tools"],
    "model_description": "A small model for tests.",
    "architectures": ["TinyForCausalLM"],
    "chat_template": TEMPLATE,
    "stop": ["<|im_end|>"],
    "stop_token_ids": [2],
    "tool_parser": "qwen",
    "virtualenv": {"packages": ["transformers>=4.57"]},
    "featured": False,
    "updated_at": 1766385300,
    "model_specs": [
        {
            "model_format": "pytorch",
            "model_size_in_billions": "1_8",
            "model_src": {
                "huggingface": {"model_id": "Acme/tiny", "model_revision": COMMIT, "quantizations": ["none"]},
                "modelscope": {"model_id": "acme/tiny", "quantizations": ["none"]},
            },
        },
        {
            "model_format": "ggufv2",
            "model_size_in_billions": "1_8",
            "activated_size_in_billions": 1,
            "model_src": {
                "huggingface": {
                    "model_id": "Acme/tiny-GGUF",
                    "quantizations": ["Q4_K_M", "Q8_0"],
                    "model_file_name_template": "tiny-{quantization}.gguf",
                    "model_file_name_split_template": "tiny-{quantization}-{part}.gguf",
                    "quantization_parts": {"Q8_0": ["1-of-2", "2-of-2"]},
                }
            },
        },
        {
            "model_format": "ggufv2",
            "model_size_in_billions": "1_8",
            "model_src": {
                "modelscope": {
                    "model_id": "acme/tiny-{quantization}",
                    "quantizations": ["F16"],
                    "model_file_name_template": "tiny-f16.gguf",
                }
            },
        },
    ],
}
EMBEDDING: dict[str, Any] = {
    "version": 2,
    "model_name": "tiny-embed",
    "dimensions": 384,
    "max_tokens": 512,
    "language": ["en", "89 languages supported"],
    "updated_at": 1766385301,
    "model_specs": [
        {"model_format": "pytorch", "model_src": {"huggingface": {"model_id": "acme/te", "quantizations": ["none"]}}}
    ],
}
RERANK: dict[str, Any] = EMBEDDING | {"model_name": "tiny-rerank", "type": "LLM-based layerwise", "language": ["en"]}
del RERANK["dimensions"]
IMAGE: dict[str, Any] = {
    "version": 2,
    "model_name": "Tiny-Image",
    "model_family": "stable_diffusion",
    "model_ability": ["text2image"],
    "default_model_config": {"torch_dtype": "bfloat16", "dir": None},
    "default_generate_config": {},
    "cache_config": {"ignore_patterns": ["x.safetensors"]},
    "controlnet": [
        {"model_name": "canny", "model_family": "controlnet", "model_id": "acme/canny", "model_revision": COMMIT}
    ],
    "gguf_model_id": "acme/tiny-image-gguf",
    "gguf_quantizations": ["Q4_0"],
    "gguf_model_file_name_template": "tiny-{quantization}.gguf",
    "updated_at": 1766385302,
    "model_src": {
        "huggingface": {
            "model_id": "acme/tiny-image",
            "model_revision": COMMIT,
            "lightning_model_id": "acme/lightning",
            "lightning_versions": ["4steps"],
            "lightning_model_file_name_template": "l-{lightning_version}.safetensors",
        }
    },
}
AUDIO: dict[str, Any] = {
    "version": 2,
    "model_name": "tiny-whisper",
    "model_family": "whisper",
    "model_ability": ["audio2text"],
    "multilingual": False,
    "language": "EN",
    "engine": "transformers",
    "model_format": "pytorch",
    "updated_at": 1766385303,
    "model_src": {"huggingface": {"model_id": "acme/tiny-whisper"}},
}
TWIN: dict[str, Any] = AUDIO | {"engine": "MLX", "model_format": "mlx", "cache_name": "tiny-whisper-mlx"}
VIDEO: dict[str, Any] = {
    "version": 2,
    "model_name": "tiny-video",
    "model_family": "Wan",
    "model_ability": ["text2video"],
    "default_generate_config": {"max_area": [1, 2]},
    "updated_at": 1766385304,
    "lightning_versions": ["fast"],
    "lightning_model_file_name_template": "{lightning_version}.safetensors",
    "lightning_version_configs": {"fast": {"steps": 4}},
    "model_src": {
        "huggingface": {
            "model_id": "acme/tiny-video",
            "model_revision": COMMIT,
            "lightning_model_id": "acme/fast",
            "lightning_model_revision": COMMIT,
        }
    },
}
SAMPLES = {
    "llm": [CHAT],
    "embedding": [EMBEDDING],
    "rerank": [RERANK],
    "image": [IMAGE],
    "audio": [AUDIO, TWIN],
    "video": [VIDEO],
}


def reference(data: object, name: str = "catalogue.json") -> Reference:
    raw = data if isinstance(data, bytes) else json.dumps(data, indent=2).encode()
    return Reference(name, lambda: raw, Path("/nowhere") / name)


def read(data: object, name: str = "catalogue.json", **options: Any) -> list[Candidate | Rejected]:  # noqa: ANN401 - options
    return list(xinference.read(reference(data, name), NOBODY, Options(**options)))


def imported(data: object, name: str = "catalogue.json", **options: Any) -> list[Candidate]:  # noqa: ANN401 - options
    found = read(data, name, **options)
    assert [each for each in found if isinstance(each, Rejected)] == []
    return [each for each in found if isinstance(each, Candidate)]


def released(candidate: Candidate) -> dict[str, Any]:
    return dict(candidate.releases["1.0.0"])


def overlay(candidate: Candidate) -> dict[str, Any]:
    found: dict[str, Any] = released(candidate).get("runtimes", {}).get("xinference", {})
    return found


def written(candidate: Candidate) -> Definition:
    """The definition as its files have it: written, and read by the strict types."""
    texts = {"model": document.dump(candidate.model), "release": document.dump(candidate.releases["1.0.0"])}
    data: dict[str, Any] = {}
    for name, text in texts.items():
        found, problems = document.parse(f"{name}.yaml", text.encode(), Limits())
        assert found is not None
        assert problems == []
        data[name] = found.data
    template = data["release"].get("spec", {}).get("prompt", {}).get("template")
    if isinstance(template, dict):
        data["release"]["spec"]["prompt"]["template"] = candidate.texts[template["file"]].decode()
    model = Model.model_validate_json(json.dumps(data["model"]), strict=True, extra="forbid")
    release = Release.model_validate_json(json.dumps(data["release"]), strict=True, extra="forbid")
    return Definition(model=model, releases={"1.0.0": release})


def given_back(candidate: Candidate) -> list[dict[str, Any]]:
    """The families that its export has, through the published document."""
    entry = Entry.of(candidate.id, candidate.type, written(candidate))
    document_ = entry.document()
    found = one(Item(entry.outline, document_, "1.0.0", document_.releases["1.0.0"]))
    return [family for _, family in found.parts]


def round_trips(entries: Iterable[dict[str, Any]], candidates: Iterable[Candidate]) -> None:
    for entry, candidate in zip(entries, candidates, strict=True):
        assert given_back(candidate) == [entry]
