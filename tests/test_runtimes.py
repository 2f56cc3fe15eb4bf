"""Commands for people: what each runtime is told, and why it is left out."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from galleryctl.runtimes import RUNTIMES, Command, Skipped, Target, command, targets
from galleryctl.runtimes.localai import entries
from galleryctl.runtimes.xinference import billions
from galleryctl.spec import Release

REVISION = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
CHAT: dict[str, Any] = {"context_length": 40960, "languages": ["en"], "abilities": ["chat"]}
GGUF: dict[str, Any] = {
    "format": "gguf",
    "parameters": "8B",
    "quantizations": ["Q4_K_M", "Q8_0"],
    "sources": {
        "huggingface": {"repo": "Qwen/Qwen3-8B-GGUF", "revision": REVISION, "file": "Qwen3-8B-{quantization}.gguf"}
    },
}
TENSORS: dict[str, Any] = {
    "format": "pytorch",
    "parameters": "1.8B",
    "quantizations": ["none"],
    "sources": {"huggingface": {"repo": "Qwen/Qwen3-1.8B", "revision": REVISION}},
}


def target(variant: dict[str, Any], spec: dict[str, Any] | None = None, type_: str = "llm", **more: object) -> Target:
    release = Release.model_validate({"spec": CHAT if spec is None else spec, "variants": [variant], **more})
    return next(targets("qwen/qwen3", type_, "1.0.0", release))


def line(runtime: str, wanted: Target) -> str:
    found = command(runtime, wanted)
    assert isinstance(found, Command), found
    return found.line


def reason(runtime: str, wanted: Target) -> str:
    found = command(runtime, wanted)
    assert isinstance(found, Skipped), found
    assert isinstance(found.reason, dict)
    assert set(found.reason) == {"en", "zh"}
    return found.reason["en"]


def read_by_shell(text: str) -> list[str]:
    done = subprocess.run(
        ["sh", "-c", f'set -- {text}; printf "%s\\n" "$@"'], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def without(variant: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in variant.items() if key not in keys}


def on(kind: str, **source: object) -> dict[str, Any]:
    return {**GGUF, "sources": {kind: source}}


@pytest.mark.parametrize(
    ("runtime", "wanted", "expected"),
    [
        (
            "xinference",
            target(GGUF),
            (
                "xinference launch --model-name qwen3 --model-engine llama.cpp --model-format ggufv2 "
                "--size-in-billions 8 --quantization Q4_K_M"
            ),
        ),
        (
            "xinference",
            target({**TENSORS, "engines": ["vllm"]}, runtimes={"xinference": {"name": "Qwen3 Odd"}}),
            (
                "xinference launch --model-name 'Qwen3 Odd' --model-engine vLLM --model-format pytorch "
                "--size-in-billions 1_8 --quantization none"
            ),
        ),
        (
            "xinference",
            target({"sources": TENSORS["sources"]}, {"family": "stable_diffusion"}, "image"),
            "xinference launch --model-name qwen3 --model-type image",
        ),
        (
            "xinference",
            target(on("modelscope", repo="a/b", file="b.gguf"), {"languages": ["en"]}, "rerank"),
            (
                "xinference launch --model-name qwen3 --model-type rerank --model-engine llama.cpp "
                "--model-format ggufv2 --quantization Q4_K_M --download_hub modelscope"
            ),
        ),
        ("llama.cpp", target(GGUF), "llama-server -hf Qwen/Qwen3-8B-GGUF:Q4_K_M -c 8192 --jinja"),
        (
            "llama.cpp",
            target(on("modelscope", repo="a/b", file="weights.gguf"), {"context_length": 512}, "embedding"),
            (
                "MODEL_ENDPOINT=https://www.modelscope.cn/ llama-server --hf-repo a/b --hf-file weights.gguf "
                "-c 512 --embedding"
            ),
        ),
        (
            "llama.cpp",
            target(
                {**on("url", prefix="https://acme.example/x/"), "files": {"Q4_K_M": [{"path": "a b.gguf"}]}},
                {},
                runtimes={"llama.cpp": {"arguments": {"n-gpu-layers": 99, "mlock": True, "mmap": False}}},
            ),
            "llama-server --model-url 'https://acme.example/x/a b.gguf' --jinja --n-gpu-layers 99 --mlock",
        ),
        ("vllm", target(TENSORS), f"vllm serve Qwen/Qwen3-1.8B --revision {REVISION}"),
        (
            "vllm",
            target(TENSORS, {}, "embedding"),
            f"vllm serve Qwen/Qwen3-1.8B --revision {REVISION} --runner pooling",
        ),
        (
            "vllm",
            target(
                {
                    **TENSORS,
                    "format": "awq",
                    "quantizations": ["Int4"],
                    "sources": {"modelscope": {"repo": "a/b-{quantization}"}},
                },
                {"prompt": {"tool_parser": "qwen", "reasoning": {}}, "architecture": {"model_type": "qwen3_moe"}},
                remote_code={"revision": REVISION, "reviewed_by": "ada"},
                runtimes={"vllm": {"arguments": {"max-num-seqs": 64}}},
            ),
            (
                f"VLLM_USE_MODELSCOPE=True vllm serve a/b-Int4 --trust-remote-code --code-revision {REVISION} "
                "--reasoning-parser qwen3 --enable-auto-tool-choice --tool-call-parser hermes --max-num-seqs 64"
            ),
        ),
        ("ollama", target(GGUF), "ollama run hf.co/Qwen/Qwen3-8B-GGUF:Q4_K_M"),
        (
            "ollama",
            target(on("modelscope", repo="a/b", file="weights.gguf"), {}, "embedding"),
            "ollama pull modelscope.cn/a/b:weights.gguf",
        ),
        ("localai", target(GGUF), "local-ai run huggingface://Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf"),
        ("localai", target({"entrypoint": "buffalo_l"}, {}, "vision"), "local-ai run qwen3"),
    ],
)
def test_commands(runtime: str, wanted: Target, expected: str) -> None:
    assert line(runtime, wanted) == expected


@pytest.mark.parametrize(
    ("runtime", "wanted", "expected"),
    [
        ("vllm", target(GGUF), "vLLM does not load gguf."),
        ("ollama", target(GGUF, {}, "rerank"), "Ollama loads no rerank models."),
        ("llama.cpp", target(without(GGUF, "format")), "llama.cpp must know the format, which is not recorded."),
        ("xinference", target(without(GGUF, "sources")), "Xinference loads from none of the sources of this variant."),
        (
            "xinference",
            target({**without(on("modelscope", repo="a/b"), "parameters")}, {}),
            (
                "Xinference needs what is not recorded: spec.abilities, spec.languages, parameters, "
                "sources.modelscope.file."
            ),
        ),
        ("vllm", target(without(TENSORS, "sources")), "vLLM loads from none of the sources of this variant."),
        ("llama.cpp", target(on("url", prefix="https://acme.example")), "The name of the file is not recorded."),
        (
            "llama.cpp",
            target(on("oci", image="a/b@sha256:0")),
            "llama.cpp loads from none of the sources of this variant.",
        ),
        (
            "ollama",
            target(on("huggingface", repo="a/b", parts_file="x-{part}.gguf", parts={"Q4_K_M": ["1", "2"]})),
            "Ollama cannot load weights in several parts from a hub.",
        ),
        ("localai", target(TENSORS), "No engine is stated, so LocalAI has no backend for it."),
        ("localai", target({**TENSORS, "engines": ["sglang"]}), "LocalAI has no backend for sglang."),
        ("localai", target({**TENSORS, "engines": ["vllm"]}), "vllm loads a repository, and no entrypoint is stated."),
        ("localai", target({"engines": ["piper"]}, {}, "audio"), "LocalAI installs files, and none are recorded."),
        (
            "localai",
            target({"engines": ["piper"], "files": {"default": [{"path": "x.onnx"}]}}, {}, "audio"),
            "A file has no digest, so LocalAI could not check it.",
        ),
    ],
)
def test_reasons(runtime: str, wanted: Target, expected: str) -> None:
    assert reason(runtime, wanted) == expected


def test_entries_of_localai_have_names_that_later_variants_do_not_change() -> None:
    files = {name: [{"path": f"{name}.gguf", "sha256": "a" * 64}] for name in ("Q4_K_M", "Q8_0")}
    variant = {**GGUF, "engines": ["llama.cpp"], "files": files}
    release = Release.model_validate({"variants": [TENSORS, variant]})
    assert [name for name, _ in entries("acme/tiny", "llm", "1.0.0", release)] == ["tiny", "tiny-8b-gguf-q8_0"]
    last = list(targets("acme/tiny", "llm", "1.0.0", release))[-1]
    found = command("localai", last)
    assert isinstance(found, Command)
    assert (found.line, found.export) == ("local-ai run tiny-8b-gguf-q8_0", "runtimes/localai/index.yaml")


def test_a_hub_offers_only_its_own_quantizations() -> None:
    sources = {"huggingface": {"repo": "a/hf", "quantizations": ["Q8_0"]}, "modelscope": {"repo": "a/ms"}}
    assert line("ollama", target({**GGUF, "sources": sources})) == "ollama run modelscope.cn/a/ms:Q4_K_M"


def test_what_is_said_of_one_variant_is_laid_over_what_is_said_of_all() -> None:
    block = {"arguments": {"seed": 1}, "per_variant": {"1.8b-pytorch": {"arguments": {"seed": 2}}}}
    assert line("vllm", target(TENSORS, runtimes={"vllm": block})).endswith(" --seed 2")


@pytest.mark.parametrize(
    ("parameters", "expected"), [("8B", 8), ("1.8B", "1_8"), ("335M", "0_335"), ("1T", 1000), ("0.5B", "0_5")]
)
def test_sizes_of_xinference(parameters: str, expected: int | str) -> None:
    assert billions(parameters) == expected


def test_long_commands_go_on_in_lines_that_a_shell_reads_alike() -> None:
    found = command("xinference", target(GGUF))
    assert isinstance(found, Command)
    assert found.text == (
        "xinference launch --model-name qwen3 --model-engine llama.cpp \\\n"
        "  --model-format ggufv2 --size-in-billions 8 --quantization Q4_K_M"
    )
    assert tuple(read_by_shell(found.text)) == found.words


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_hostile_name_stays_one_word(name: str) -> None:
    evil = "a/$(touch x);`y`"
    wanted = target(
        {**(TENSORS if name == "vllm" else GGUF), "sources": {"huggingface": {"repo": evil, "file": "f.gguf"}}}
    )
    found = command(name, wanted._replace(id="acme/$(touch x)"))
    assert isinstance(found, Command)
    assert read_by_shell(found.text) == read_by_shell(found.line) == list(found.words)
