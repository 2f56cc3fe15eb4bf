"""Models of Ollama's library, read from a registry here that has them in the same form."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import pytest

from galleryctl.errors import UsageError
from galleryctl.fetch import FetchError, Http, MissingError
from galleryctl.importers import Candidate, Options, Rejected, claim, ollama, reference
from galleryctl.runtimes.base import Command, targets
from galleryctl.runtimes.ollama import RUNTIME
from galleryctl.spec import Model, Release
from registries import MANIFEST, OLLAMA, Registry, digest, problems, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DOCKER = "application/vnd.docker.container.image.v1+json"
TEMPLATE = (
    "{{- if .Messages }}{{- if .Tools }}tools{{ end }}{{ range .Messages }}<|{{ .Role }}|>{{ .Content }}{{ end }}"
    "{{- if .IsThinkSet }}<think>\n\n</think>{{ end }}{{ end }}"
)
PARAMS = {
    "temperature": 0.6,
    "top_p": 0.95,
    "top_k": 20,
    "repeat_penalty": 1,
    "stop": ["<|im_start|>", "<|im_end|>"],
    "num_ctx": 8192,
    "num_predict": 512,
}
CONFIG = {
    "model_format": "gguf",
    "model_family": "qwen3",
    "model_families": ["qwen3"],
    "model_type": "8.0B",
    "file_type": "Q4_K_M",
    "architecture": "amd64",
    "os": "linux",
    "rootfs": {"type": "layers", "diff_ids": []},
}


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def gguf(**values: int | str) -> bytes:
    """The header of a GGUF file without tensors."""
    parts = [b"GGUF", struct.pack("<IQQ", 3, 0, len(values))]
    for key, value in values.items():
        name = text(key.replace("__", "."))
        parts += [name, struct.pack("<IQ", 10, value) if isinstance(value, int) else struct.pack("<I", 8) + text(value)]
    return b"".join(parts)


WEIGHTS = gguf(
    general__architecture="qwen3",
    qwen3__context_length=40960,
    qwen3__block_count=36,
    qwen3__embedding_length=4096,
    qwen3__attention__head_count=32,
    qwen3__attention__head_count_kv=8,
    qwen3__attention__key_length=128,
    qwen3__attention__value_length=128,
)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    with serving() as found:
        found.login = False
        monkeypatch.setenv("OLLAMA_REGISTRY", found.address)
        yield found


def pushed(
    store: Registry,
    *,
    config: object = CONFIG,
    name: str = "library/qwen3",
    tag: str = "8b",
    **more: str | bytes | None,
) -> str:
    parts: dict[str, str | bytes | None] = {
        "model": WEIGHTS,
        "template": TEMPLATE,
        "params": json.dumps(PARAMS),
        "system": "You are Qwen.",
        "license": "   Apache License\n     Version 2.0, January 2004\n",
    }
    parts |= more
    layers = [
        store.blob(data if isinstance(data, bytes) else data.encode(), f"{OLLAMA}.{kind}")
        for kind, data in parts.items()
        if data is not None
    ]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": store.blob(json.dumps(config).encode(), DOCKER),
        "layers": layers,
    }
    return store.push(name, tag, manifest)


def found(name: str = "ollama:qwen3:8b", options: Options = Options()) -> Candidate | Rejected:  # noqa: B008 - it is frozen
    fetcher = Http(allow_private=True)
    [result] = ollama.read(reference(name, fetcher), fetcher, options)
    return result


def test_a_library_model_becomes_a_model_that_check_accepts(
    store: Registry, registry: Callable[..., Path], run: Callable[..., Any]
) -> None:
    pinned = pushed(store)
    result = found()
    assert isinstance(result, Candidate)
    assert (result.type, result.id, result.source) == ("llm", "ollama/qwen3-8b", "qwen3:8b")
    assert result.model == {
        "title": "qwen3:8b",
        "license": "Apache-2.0",
        "links": {"homepage": "https://ollama.com/library/qwen3"},
    }
    release = result.releases["1.0.0"]
    assert release["spec"] == {
        "architecture": {"model_type": "qwen3", "layers": 36, "kv_heads": 8, "head_size": 128},
        "context_length": 40960,
        "abilities": ["chat", "tools", "reasoning"],
        "prompt": {
            "reasoning": {"start": "<think>", "end": "</think>"},
            "stop": ["<|im_start|>", "<|im_end|>"],
        },
        "defaults": {
            "generate": {"repeat_penalty": 1, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "max_tokens": 512}
        },
    }
    assert release["variants"] == [
        {
            "format": "gguf",
            "parameters": "8B",
            "quantizations": ["Q4_K_M"],
            "sources": {"oci": {"image": f"registry.ollama.ai/library/qwen3:8b@{pinned}"}},
            "files": {
                "Q4_K_M": [
                    {"path": "model.gguf", "size": len(WEIGHTS), "sha256": digest(WEIGHTS).removeprefix("sha256:")}
                ]
            },
        }
    ]
    assert release["runtimes"]["ollama"] == {
        "name": "qwen3:8b",
        "template": TEMPLATE,
        "system": "You are Qwen.",
        "parameters": {"num_ctx": 8192},
    }
    assert result.remarks == ()
    lacking = [("ABL003", "warn"), ("DOC001", "error"), ("TXT007", "error"), ("VAL005", "warn")]
    assert problems(registry(), run, result) == lacking


@pytest.mark.parametrize(
    ("name", "pushed_as", "tag", "id_", "title"),
    [
        ("ollama:qwen3", "library/qwen3", "latest", "ollama/qwen3", "qwen3"),
        ("ollama:ada/Own:q8", "ada/Own", "q8", "ada/own-q8", "ada/Own:q8"),
        ("https://ollama.com/library/qwen3:8b", "library/qwen3", "8b", "ollama/qwen3-8b", "qwen3:8b"),
        ("https://ollama.com/ada/own", "ada/own", "latest", "ada/own", "ada/own"),
    ],
)
def test_names_are_read_as_ollama_reads_them(
    store: Registry, name: str, pushed_as: str, tag: str, id_: str, title: str
) -> None:
    pushed(store, name=pushed_as, tag=tag)
    assert claim(reference(name, Http())).NAME == ollama.NAME
    result = found(name)
    assert isinstance(result, Candidate)
    assert (result.id, result.model["title"]) == (id_, title)
    assert result.model["links"]["homepage"] == f"https://ollama.com/{pushed_as}"
    assert result.releases["1.0.0"]["runtimes"]["ollama"].get("name") == (None if title == "qwen3" else title)


def test_what_ollama_itself_says_of_a_template() -> None:
    assert ollama.abilities("", sees=False) == ["generate"]
    assert ollama.abilities("{{- .Prompt -}}\n", sees=False) == ["generate"]
    assert ollama.abilities("<s>{{ .Prompt }}", sees=True) == ["chat", "vision"]
    assert ollama.abilities("{{ range $.Tools }}x{{ end }}", sees=False) == ["chat", "tools"]


def test_an_embedding_model_has_the_length_of_its_vectors(store: Registry) -> None:
    weights = gguf(general__architecture="nomic-bert") + b""
    header = {
        "nomic-bert.embedding_length": 768,
        "nomic-bert.context_length": 2048,
        "general.architecture": "nomic-bert",
    }
    weights = gguf(**header)  # type: ignore[arg-type]  # a map of both kinds
    config = {**CONFIG, "model_family": "nomic-bert", "model_type": "137M", "file_type": "F16"}
    pushed(store, config=config, model=weights, template="{{ .Prompt }}", system=None, params='{"num_ctx": 2048}')
    result = found()
    assert isinstance(result, Candidate)
    assert result.type == "embedding"
    release = result.releases["1.0.0"]
    assert release["spec"] == {
        "architecture": {"model_type": "nomic-bert"},
        "context_length": 2048,
        "dimensions": 768,
    }
    assert (release["variants"][0]["parameters"], release["variants"][0]["quantizations"]) == ("137M", ["F16"])
    assert release["runtimes"]["ollama"]["parameters"] == {"num_ctx": 2048}


def test_a_projector_makes_a_model_see(store: Registry) -> None:
    pushed(store, projector=b"sees")
    result = found()
    assert isinstance(result, Candidate)
    release = result.releases["1.0.0"]
    assert "vision" in release["spec"]["abilities"]
    files = release["variants"][0]["files"]["Q4_K_M"]
    assert [(file["path"], file.get("role")) for file in files] == [
        ("model.gguf", None),
        ("projector.gguf", "projector"),
    ]


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("MIT License\n\nCopyright (c) 2025 DeepSeek", "MIT"),
        ("Gemma Terms of Use", None),
        ("\n\n", None),
        (b"\xff\xfe", None),
    ],
)
def test_a_licence_is_named_only_where_its_text_is_known(
    store: Registry, licence: str | bytes, expected: str | None
) -> None:
    pushed(store, license=licence)
    result = found()
    assert isinstance(result, Candidate)
    assert result.model.get("license") == expected
    named = [remark.code for remark in result.remarks]
    assert named == ([] if expected or isinstance(licence, bytes) else ["LIC001"])


def test_a_model_of_tensors_or_of_another_host_is_rejected(store: Registry) -> None:
    pushed(store, model=None)
    result = found()
    assert isinstance(result, Rejected)
    assert result.remarks[0] == (
        "FIL004",
        "it has no weights here: models that run at another host cannot be imported",
        "",
    )
    pushed(store, model=None, tensor=b"x")
    result = found()
    assert isinstance(result, Rejected)
    assert "single tensors" in result.remarks[0].message


@pytest.mark.parametrize(
    "params",
    [
        "",
        "[]",
        "null",
        '{"temperature": null, "stop": 7, "top_p": 9}',
        '{"temperature": -1, "top_k": 1e400, "stop": [null, {}], "num_ctx": {}, "x": [[]]}',
        '{"temperature": "hot", "top_k": NaN, "num_predict": -1}',
    ],
)
@pytest.mark.parametrize(
    "config",
    [{}, {"model_type": 8, "file_type": None, "model_format": []}, {**CONFIG, "model_family": "x\n" * 50, "odd": 1}],
)
def test_odd_answers_still_give_readable_files(store: Registry, params: str, config: object) -> None:
    pushed(store, config=config, params=params, model=b"no gguf")
    result = found()
    assert isinstance(result, Candidate)
    Model.model_validate_json(json.dumps(result.model), strict=True, extra="forbid")
    text = json.dumps(result.releases["1.0.0"], allow_nan=False)
    Release.model_validate_json(text, strict=True, extra="forbid")
    generate = result.releases["1.0.0"]["spec"].get("defaults", {}).get("generate", {})
    assert generate == {}


def test_what_is_not_there_is_said(store: Registry) -> None:
    with pytest.raises(MissingError):
        found("ollama:missing")
    for odd in ("ollama:", "ollama:a/b/c", "ollama:../x", "ollama:a b"):
        with pytest.raises(UsageError, match="is no model of Ollama"):
            found(odd)
    store.push("library/odd", "latest", {"layers": None})
    with pytest.raises(FetchError, match="no list of layers"):
        found("ollama:odd")


def test_ollama_runs_what_was_imported_from_it(store: Registry) -> None:
    for name, command in (("qwen3:8b", "ollama run qwen3:8b"), ("ada/own", "ollama run ada/own")):
        owner, _, rest = name.rpartition("/")
        base, _, tag = rest.partition(":")
        pushed(store, name=f"{owner or 'library'}/{base}", tag=tag or "latest")
        result = found(f"ollama:{name}")
        assert isinstance(result, Candidate)
        release = Release.model_validate_json(json.dumps(result.releases["1.0.0"]))
        [target] = targets(result.id, result.type, "1.0.0", release)
        assert RUNTIME.run is not None
        made = RUNTIME.run(target)
        assert isinstance(made, Command)
        assert made.line == command
