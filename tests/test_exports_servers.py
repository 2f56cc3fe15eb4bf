"""What vLLM, llama.cpp and Ollama get: every file is read back as its runtime reads it."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
import yaml

import exported
from exported import COMMIT
from galleryctl.runtimes import Command, command, targets
from galleryctl.runtimes.llama_cpp import OPTIONS
from made import DIGEST, entry
from native import modelfile, presets

SPEC: dict[str, Any] = {
    "context_length": 40960, "languages": ["en"], "abilities": ["chat"], "family": "qwen3",
    "prompt": {"stop": ["<|im_end|>", "\n\n", 'say "no"', "<｜end▁of▁sentence｜>"],
        "reasoning": {"start": "<think>", "end": "</think>"},
        "tool_parser": "qwen"},
    "defaults": {"generate": {"temperature": 0.6, "top_k": 20, "max_tokens": 512, "min_p": 0}},
}  # fmt: skip
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
CHAT: dict[str, Any] = {"spec": SPEC, "variants": [PLAIN, GGUF]}


def chat(*variants: dict[str, Any], spec: dict[str, Any] | None = None, **overlays: Any) -> dict[str, Any]:  # noqa: ANN401 - overlays
    runtimes = {"llama.cpp" if name == "llama" else name: overlay for name, overlay in overlays.items()}
    return {"1.0.0": {"spec": spec or SPEC, "variants": list(variants) or [PLAIN, GGUF], "runtimes": runtimes}}


def words(runtime: str, releases: dict[str, Any], number: int) -> list[str]:
    """The command of the page for one target."""
    release = entry(releases=releases).document().releases["1.0.0"]
    found = list(targets("acme/tiny", "llm", "1.0.0", release))
    said = command(runtime, found[number])
    assert isinstance(said, Command)
    return shlex.split(said.line)


def test_vllm_reads_what_the_command_of_the_page_says() -> None:
    release = chat(vllm={"arguments": {"max-num-seqs": 64, "enforce-eager": True, "max-model-len": 32768}})
    found = exported.files("vllm", entry(releases=release))
    assert set(found) == {"acme/tiny.yaml", "models.json"}
    said = yaml.safe_load(found["acme/tiny.yaml"])
    assert said == {
        "model": "acme/tiny", "served-model-name": "tiny", "revision": COMMIT, "reasoning-parser": "qwen3",
        "enable-auto-tool-choice": True, "tool-call-parser": "hermes", "max-num-seqs": 64, "enforce-eager": True,
        "max-model-len": 32768,
    }  # fmt: skip
    told = words("vllm", release, 0)
    spelled = [["--" + key] + ([] if value is True else [str(value)]) for key, value in said.items()]
    assert told[:3] == ["vllm", "serve", "acme/tiny"]
    assert told[3:] == [word for pair in spelled[2:] for word in pair]
    (row,) = json.loads(found["models.json"])["models"]["acme/tiny"]
    assert row["arguments"] == ["serve", "acme/tiny", "--served-model-name", "tiny", *told[3:]]


def test_vllm_of_another_hub_says_its_environment() -> None:
    variant = {**PLAIN, "sources": {"modelscope": {"repo": "acme/tiny"}}}
    found = exported.files("vllm", entry(releases=chat(variant)))
    assert found["acme/tiny.yaml"].startswith(b"# with VLLM_USE_MODELSCOPE=True in the environment\n")
    assert json.loads(found["models.json"])["models"]["acme/tiny"][0]["env"] == {"VLLM_USE_MODELSCOPE": "True"}


def test_vllm_serves_vectors_in_its_pooling_runner() -> None:
    release = {"1.0.0": {"spec": {"dimensions": 8}, "variants": [PLAIN]}}
    found = exported.files("vllm", entry("acme/vec", "embedding", releases=release))
    assert yaml.safe_load(found["acme/vec.yaml"])["runner"] == "pooling"


@pytest.mark.parametrize("runtime", ["vllm", "llama.cpp", "ollama"])
def test_what_cannot_be_loaded_is_left_out_and_says_why(runtime: str) -> None:
    picture = entry("acme/pic", "image", releases={"1.0.0": {"spec": {"family": "f"}, "variants": [PLAIN]}})
    assert exported.left(runtime, picture)["acme/pic"][0][:2] == ("", "")
    assert "image" in exported.left(runtime, picture)["acme/pic"][0][2]
    files = exported.files(runtime, picture)
    assert not any("pic" in path for path in files)
    assert not any(b"acme/pic" in data for data in files.values())


def test_a_variant_that_is_left_out_whole_is_told_once() -> None:
    assert exported.left("vllm", entry(releases=chat()))["acme/tiny"] == [
        ("8b-gguf", "", "vLLM does not load gguf.")
    ]  # both quantizations at once


def test_llama_cpp_reads_its_presets() -> None:
    release = chat(llama={"arguments": {"n-gpu-layers": 99, "tensor-split": "3,1", "mlock": True}})
    found = exported.files("llama.cpp", entry(releases=release))
    read = presets(found["models.ini"].decode())
    assert list(read) == ["acme/tiny:8b-gguf-Q4_K_M", "acme/tiny:8b-gguf-Q8_0"]
    assert read["acme/tiny:8b-gguf-Q8_0"] == {
        "hf-repo": "acme/tiny-gguf:Q8_0", "ctx-size": "8192", "jinja": "true", "n-gpu-layers": "99",
        "tensor-split": "3,1", "mlock": "true",
    }  # fmt: skip
    assert {key for section in read.values() for key in section} <= OPTIONS
    rows = json.loads(found["models.json"])["models"]["acme/tiny"]
    long = {"-hf": "--hf-repo", "-c": "--ctx-size"}
    assert rows[1]["arguments"] == [long.get(word, word) for word in words("llama.cpp", release, 2)[1:]]


def test_options_are_whole_words() -> None:
    assert [each for each in OPTIONS if each.strip("-") != each] == []
    assert {"image-max-tokens", "yarn-ext-factor", "tensor-split"} <= OPTIONS
    assert OPTIONS.isdisjoint({"tokens", "factor", "split"})


@pytest.mark.parametrize(
    ("overlay", "reason"),
    [
        ({"arguments": {"api-key-file": "/etc/passwd"}}, "api-key-file is no option of a model at llama.cpp."),
        ({"arguments": {"n-gpu-layer": 9}}, "n-gpu-layer is no option of a model at llama.cpp."),
        ({"arguments": {"chat-template": "a;b"}}, "chat-template cannot be written in the format of the file."),
        ({"arguments": {"chat-template": "a\n[x]\nmodel = y"}}, "chat-template cannot be written"),
        ({"arguments": {"temp": [1]}}, "temp cannot be written in the format of the file."),
        ({"name": "a]b"}, "a]b:8b-gguf-Q4_K_M cannot be written in the format of the file."),
    ],
)
def test_one_preset_spoils_no_other(overlay: dict[str, Any], reason: str) -> None:
    bad = entry("acme/bad", releases=chat(GGUF, llama=overlay))
    read = presets(exported.files("llama.cpp", bad, entry("acme/good", releases=chat(GGUF)))["models.ini"].decode())
    assert sorted(read) == ["acme/good:8b-gguf-Q4_K_M", "acme/good:8b-gguf-Q8_0"]
    assert any(reason in each[2] for each in exported.left("llama.cpp", bad)["acme/bad"])


def test_a_preset_cannot_name_another_hub() -> None:
    variant = {**GGUF, "sources": {"modelscope": {"repo": "acme/g", "file": "t-{quantization}.gguf"}}}
    found = exported.files("llama.cpp", entry(releases=chat(variant)))
    assert set(presets(found["models.ini"].decode())) == set()
    assert json.loads(found["models.json"])["models"]["acme/tiny"][0]["env"]


def test_ollama_reads_its_modelfile() -> None:
    template = "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}{{ .Prompt }}"
    overlay = {"template": template, "system": "You help.", "parameters": {"num_gpu": 9}}
    found = exported.files("ollama", entry(releases=chat(ollama=overlay)))
    assert modelfile(found["acme/tiny/Modelfile"].decode()) == [
        ("from", "hf.co/acme/tiny-gguf:Q4_K_M"),
        ("parameter num_ctx", "8192"),
        ("parameter num_predict", "512"),
        ("parameter min_p", "0"),
        ("parameter temperature", "0.6"),
        ("parameter top_k", "20"),
        *(("parameter stop", stop) for stop in SPEC["prompt"]["stop"]),
        ("parameter num_gpu", "9"),
        ("template", template),
        ("system", "You help."),
        ("license", "MIT"),
    ]
    rows = json.loads(found["models.json"])["models"]["acme/tiny"]
    assert [row["arguments"] for row in rows] == [
        ["pull", "hf.co/acme/tiny-gguf:Q4_K_M"],
        ["pull", "hf.co/acme/tiny-gguf:Q8_0"],
    ]


def test_the_neutral_template_never_gets_into_a_modelfile() -> None:
    spec = {**SPEC, "prompt": {"template": "{% for m in messages %}{{ m.content }}{% endfor %}"}}
    found = exported.files("ollama", entry(releases=chat(GGUF, spec=spec)))
    assert not {name for name, _ in modelfile(found["acme/tiny/Modelfile"].decode())} & {"template"}


@pytest.mark.parametrize(
    "overlay",
    [
        {"template": 'a """ b'},
        {"system": '"""\nFROM evil'},
        {"parameters": {"bad": 1}},
        {"parameters": {"stop": ['"""']}},
    ],
)
def test_what_a_modelfile_cannot_say_is_left_out(overlay: dict[str, Any]) -> None:
    found = exported.files("ollama", entry(releases=chat(GGUF, ollama=overlay)))
    assert "acme/tiny/Modelfile" not in found
    assert exported.left("ollama", entry(releases=chat(GGUF, ollama=overlay)))["acme/tiny"]


@pytest.mark.parametrize("text", ["[a]\nx=1\n[a]\n", "no pair", "[a\n", "-x = 1", "[a]\nx = 1\nx = 2"])
def test_the_reader_of_presets_is_strict(text: str) -> None:
    with pytest.raises(ValueError, match="line"):
        presets(text)


@pytest.mark.parametrize(
    "text",
    [
        "PARAMETER top_k 1",
        "FROM",
        "FORM x\n",
        'FROM x\nSYSTEM """a',
        "FROM x\nPARAMETER odd 1",
        "FROM x\nPARAMETER top_k a",
    ],
)
def test_the_reader_of_modelfiles_is_strict(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        modelfile(text)


@pytest.mark.parametrize("odd", ["x\nFROM evil", "x\rFROM evil", 'x"""\nPARAMETER stop a', "x y"])
def test_no_name_becomes_a_line_of_a_modelfile(odd: str) -> None:
    """Quantizations and images are lines by their type; a repository is any text to it."""
    image = f"registry.ollama.ai/library/x:1{odd.splitlines()[0]} @sha256:{DIGEST}"
    for sources in ({"huggingface": {"repo": f"acme/{odd}", "file": "x.gguf"}}, {"oci": {"image": image}}):
        variant = GGUF | {"sources": sources}
        assert "acme/tiny/Modelfile" not in exported.files("ollama", entry(releases=chat(variant)))
