"""How a person gives the native files of a gallery to each runtime: one line of a shell for each kind of file."""

# ruff: noqa: RUF001 - Chinese sentences have Chinese punctuation

from __future__ import annotations

import json
import re
import shlex
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.spec.base import Text

_PARTS = {"type": r"(?P<type>[^/]+)", "name": r"(?P<name>[^/]+)", "id": r"(?P<id>[^/]+/[^/]+)"}


class Use(NamedTuple):
    """One kind of file: where it lies below `/runtimes/<runtime>/`, what it is, and the line that uses it.

    `line`, empty for files that programs read, may name `{address}`, `{file}` (its last part), `{type}`, `{name}`,
    `{kind}` (the type as Xinference spells it) and `{galleries}` (a setting of LocalAI); all are quoted.
    """

    path: str
    what: Text
    line: str


class Facts(NamedTuple):
    title: str
    home: str
    uses: tuple[Use, ...]
    """What serves one model best comes first."""


NATIVES: Mapping[str, Facts] = {
    "xinference": Facts(
        "Xinference",
        "https://inference.readthedocs.io/",
        (
            Use(
                "register/{type}/{name}.json",
                {"en": "this model, for registration", "zh": "此模型的注册文件"},
                "curl -O {address} && xinference register --model-type {kind} --file {file} --persist",
            ),
            Use(
                "{type}.json",
                {"en": "all models of the type, as its own list has them", "zh": "该类型的全部模型，与其内置清单同形"},
                'curl --create-dirs -o "${{XINFERENCE_HOME:-$HOME/.xinference}}"'
                "/model/v2/builtin/{type}/{type}_models.json {address}",
            ),
        ),
    ),
    "localai": Facts(
        "LocalAI",
        "https://localai.io/",
        (
            Use(
                "index.yaml",
                {"en": "the gallery's index", "zh": "模型库索引"},
                "GALLERIES={galleries} local-ai run",
            ),
        ),
    ),
    "llama.cpp": Facts(
        "llama.cpp",
        "https://github.com/ggml-org/llama.cpp",
        (
            Use(
                "models.ini",
                {"en": "presets of all models", "zh": "全部模型的预设"},
                "curl -O {address} && llama-server --models-preset {file}",
            ),
            Use(
                "models.json",
                {"en": "arguments of every build, for scripts", "zh": "每个构建的参数，供脚本使用"},
                "",
            ),
        ),
    ),
    "vllm": Facts(
        "vLLM",
        "https://docs.vllm.ai/",
        (
            Use(
                "{id}.yaml",
                {"en": "this model's configuration, for its first build", "zh": "此模型的配置，用于其第一个构建"},
                "curl -O {address} && vllm serve --config {file}",
            ),
            Use(
                "models.json",
                {"en": "arguments of every build, for scripts", "zh": "每个构建的参数，供脚本使用"},
                "",
            ),
        ),
    ),
    "ollama": Facts(
        "Ollama",
        "https://docs.ollama.com/",
        (
            Use(
                "{id}/Modelfile",
                {"en": "this model's Modelfile, for its first build", "zh": "此模型的 Modelfile，用于其第一个构建"},
                "curl -O {address} && ollama create {name} -f {file}",
            ),
            Use(
                "models.json",
                {"en": "what every build is pulled by, for scripts", "zh": "每个构建的拉取名称，供脚本使用"},
                "",
            ),
        ),
    ),
    "litellm": Facts(
        "LiteLLM",
        "https://docs.litellm.ai/",
        (
            Use(
                "config.yaml",
                {"en": "the proxy's list of models", "zh": "代理的模型清单"},
                "curl -O {address} && litellm --config {file}",
            ),
        ),
    ),
    "kserve": Facts(
        "KServe",
        "https://kserve.github.io/website/",
        (
            Use(
                "{id}.yaml",
                {"en": "this model's InferenceService", "zh": "此模型的 InferenceService"},
                "kubectl apply -f {address}",
            ),
        ),
    ),
    "kubeflow": Facts(
        "Kubeflow",
        "https://www.kubeflow.org/docs/components/model-registry/",
        (
            Use(
                "catalog.yaml",
                {"en": "models for its model catalogue", "zh": "供其模型目录使用的模型"},
                "curl -O {address}",
            ),
            Use(
                "sources.yaml",
                {"en": "the source that names them", "zh": "引用这些模型的来源"},
                "curl -O {address}",
            ),
        ),
    ),
    "openai": Facts(
        "OpenAI API",
        "https://platform.openai.com/docs/api-reference/models",
        (
            Use(
                "models.json",
                {"en": "the listing of /v1/models", "zh": "/v1/models 的清单"},
                "curl {address}",
            ),
        ),
    ),
}
"""By the name of the runtime, in the order in which the site shows them."""


@lru_cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("".join(_PARTS.get(part, re.escape(part)) for part in re.split(r"[{}]", path)))


def use(runtime: str, path: str) -> Use | None:
    """The kind of a file, by its path below the runtime's folder."""
    facts = NATIVES.get(runtime)
    return next((each for each in facts.uses if _pattern(each.path).fullmatch(path)), None) if facts else None


def line(runtime: str, path: str, address: str, gallery: str) -> str:
    """The line for one file at an address; empty where its kind is not known. `gallery` names the source of it."""
    found = use(runtime, path)
    if found is None or not found.line:
        return ""
    match = _pattern(found.path).fullmatch(path)
    parts = match.groupdict() if match else {}
    type_, name = parts.get("type", ""), parts.get("name") or parts.get("id", "").rpartition("/")[2]
    words = {
        "address": address,
        "file": path.rpartition("/")[2],
        "type": type_,
        "name": name,
        "kind": "LLM" if type_ == "llm" else type_,
        "galleries": _galleries(address, gallery) if "{galleries}" in found.line else "",
    }
    return found.line.format(**{key: shlex.quote(value) if value else value for key, value in words.items()})


def _galleries(address: str, gallery: str) -> str:
    source = re.sub("[^a-z0-9]+", "-", gallery.lower()).strip("-") or "gallery"
    return json.dumps([{"name": source, "url": address}])
