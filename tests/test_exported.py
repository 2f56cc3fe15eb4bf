"""What becomes of a model at the runtimes the gallery exports to."""

from __future__ import annotations

from typing import Any

import pytest

import judged
from judged import TINY, model, other, release

GALLERY = "title: T\nurl: https://g.example\nrepository: https://github.com/acme/gallery\n"
VARIANT = {
    "format": "gguf",
    "parameters": "1B",
    "engines": ["llama.cpp"],
    "quantizations": ["Q8_0"],
    "sources": {"huggingface": {"repo": "acme/tiny", "file": "t-{quantization}.gguf"}},
}


def runtimes(*names: str) -> dict[str, str | None]:
    return {"gallery.yaml": f"{GALLERY}runtimes: [{', '.join(names)}]\n"}


def test_an_overlay_asks_for_what_its_runtime_needs() -> None:
    files = {**runtimes("xinference"), **release(VARIANT, runtimes={"xinference": {}})}
    assert judged.problems(files, "RUN001") == []
    less = {key: value for key, value in VARIANT.items() if key != "parameters"}
    cases: tuple[tuple[dict[str, Any], int], ...] = (({"xinference": {}}, 1), ({}, 0))
    for overlay, said in cases:
        found = judged.problems({**runtimes("xinference"), **release(less, runtimes=overlay)}, "RUN001")
        assert [problem.fix for problem in found] == ["add `parameters`, or remove the overlay"] * said


def test_an_overlay_of_a_type_that_the_runtime_does_not_load() -> None:
    files = {**runtimes("ollama"), **other("acme/voice", kind="audio")}
    path = "models/audio/acme/voice/1.0.0.yaml"
    files[path] = "spec: {abilities: [vad]}\nruntimes: {ollama: {}}\n"
    assert judged.messages(files, "RUN001") == ["Ollama loads no audio models, so it never reads this"]


def test_what_is_said_of_a_variant_needs_that_variant() -> None:
    block: dict[str, Any] = {"localai": {"per_variant": {"1b-gguf": {}, "2b-gguf": {}}}}
    assert judged.messages(release(VARIANT, runtimes=block), "RUN001") == ["there is no variant 2b-gguf"]


@pytest.mark.parametrize(
    ("enabled", "variant", "said"),
    [
        (("llama.cpp",), VARIANT, False),
        (("vllm",), VARIANT, True),
        (("vllm", "ollama"), VARIANT, False),
        ((), VARIANT, False),
        (("tencent-ti",), VARIANT, False),
        (("ollama",), {**VARIANT, "format": "mlx"}, True),
        (("ollama",), {**VARIANT, "quantizations": ["Q8_0", "Q4_0"]}, False),
    ],
)
def test_variants_that_nothing_runs(enabled: tuple[str, ...], variant: dict[str, Any], said: bool) -> None:
    files = {**runtimes(*enabled), **release(variant)}
    assert (judged.problems(files, "RUN002") != []) is said


@pytest.mark.parametrize("fields", [{"status": "discontinued", "reason": "old"}, {"runtimes": {"tencent-ti": {}}}])
def test_variants_that_need_no_known_runtime(fields: dict[str, Any]) -> None:
    files = {**runtimes("vllm", "tencent-ti"), **release(VARIANT, **fields)}
    assert judged.problems(files, "RUN002") == []


@pytest.mark.parametrize(
    ("enabled", "kind", "overlay", "said"),
    [
        ("xinference", "llm", "", 1),
        ("localai", "llm", "", 1),
        ("vllm", "llm", "", 0),
        ("xinference", "rerank", "", 0),
        ("localai", "rerank", "", 1),
        ("xinference", "llm", "runtimes: {xinference: {name: globex-tiny}}\n", 0),
        ("localai", "llm", "runtimes: {xinference: {name: globex-tiny}}\n", 1),
    ],
)
def test_names_of_two_models(enabled: str, kind: str, overlay: str, said: int) -> None:
    files = {**runtimes(enabled), **other("globex/tiny", kind=kind)}
    path = f"models/{kind}/globex/tiny/1.0.0.yaml"
    files[path] = f"{files[path]}{overlay}"
    assert len(judged.problems(files, "RUN003")) == said


def test_models_without_a_build_have_no_name_at_a_runtime() -> None:
    for name in ("xinference", "localai"):
        files = {**runtimes(name), **other("globex/tiny")}
        files["models/llm/globex/tiny/1.0.0.yaml"] = "notes: Planned.\nvariants: []\n"
        assert judged.problems(files, "RUN003") == []


def test_a_withdrawn_model_has_no_name_at_a_runtime() -> None:
    files = {**runtimes("xinference"), **other("globex/tiny", "listed: false\nreason: pause")}
    assert judged.problems(files, "RUN003") == []


def test_sounds_of_one_name_are_told_apart_by_their_engine() -> None:
    for second, said in (("mlx", 0), ("transformers", 1)):
        files = {**runtimes("xinference")}
        for publisher, engine in (("acme", "transformers"), ("globex", second)):
            files |= other(f"{publisher}/voice", kind="audio")
            files[f"models/audio/{publisher}/voice/1.0.0.yaml"] = f"variants: [{{engines: [{engine}]}}]\n"
        assert len(judged.problems(files, "RUN003")) == said


@pytest.mark.parametrize(
    ("identifier", "kind", "said"),
    [
        ("acme/qwen3", "llm", True),
        ("acme/qwen3", "rerank", False),
        ("acme/bge-m3", "embedding", True),
        ("acme/q", "llm", False),
    ],
)
def test_names_that_xinference_brings_along(identifier: str, kind: str, said: bool) -> None:
    files = {**runtimes("xinference"), **other(identifier, kind=kind)}
    assert (judged.problems(files, "RUN004") != []) is said
    assert judged.problems({**files, **runtimes("vllm")}, "RUN004") == []


def test_a_stated_name_is_the_one_that_counts() -> None:
    for name, said in (("Qwen3-Instruct", 1), ("mine", 0)):
        overlay = {"xinference": {"name": name}}
        found = judged.problems({**runtimes("xinference"), **release(VARIANT, runtimes=overlay)}, "RUN004")
        assert len(found) == said


@pytest.mark.parametrize(
    ("runtime", "name", "fits"),
    [
        ("ollama", "acme/tiny:1b", True),
        ("ollama", "tiny 1b", False),
        ("ollama", "-tiny", False),
        ("vllm", "Acme/Tiny", True),
        ("vllm", "a b", False),
        ("llama.cpp", "a\tb", False),
    ],
)
def test_names_that_runtimes_take(runtime: str, name: str, fits: bool) -> None:
    files = {**runtimes(runtime), **release(VARIANT, runtimes={runtime: {"name": name}})}
    assert (judged.problems(files, "RUN005") == []) is fits


def test_a_discontinued_model_is_exported_nowhere() -> None:
    files = {**runtimes("vllm"), **release(VARIANT), **model("reason: old", status="discontinued")}
    assert f"{TINY}/model.yaml" in files
    assert judged.problems(files, "RUN002") == []
