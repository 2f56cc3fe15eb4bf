"""llama.cpp: its server loads a GGUF file from a hub or an address."""

from __future__ import annotations

import re

from galleryctl.runtimes.base import (
    PLAIN,
    Command,
    Runtime,
    Skipped,
    Target,
    arguments,
    hub,
    options,
    weight_path,
    weights,
)
from galleryctl.runtimes.sentences import say

_MODES = {"embedding": "--embedding", "rerank": "--reranking", "llm": "--jinja"}
_CONTEXT = 8192
"""Its own default is all that the model was trained for, which may not fit."""


def _run(target: Target) -> Command | Skipped:
    if (found := hub(target, RUNTIME.hubs)) is None:
        return _from_address(target)
    kind, source = found
    path = weight_path(target, source)
    words = ["MODEL_ENDPOINT=https://www.modelscope.cn/"] if kind == "modelscope" else []
    words.append("llama-server")
    if path is None or target.quantization.lower() in path.lower():
        words += ["-hf", source.repo if target.quantization == PLAIN else f"{source.repo}:{target.quantization}"]
    else:
        words += ["--hf-repo", source.repo, "--hf-file", path]
    return Command((*words, *_settings(target)), say("newest", runtime=RUNTIME.title))


def _from_address(target: Target) -> Command | Skipped:
    sources, found = target.variant.sources, weights(target)
    prefix = sources.url.prefix.rstrip("/") if sources and sources.url else None
    if prefix and not found:
        return Skipped(say("no file"))
    address = next((file.url or (f"{prefix}/{file.path}" if prefix else None) for file in found), None)
    if address is None:
        return Skipped(say("no hub", runtime=RUNTIME.title))
    words = ("llama-server", "--model-url", address, *_settings(target))
    return Command(words, say("address", runtime=RUNTIME.title))


def _settings(target: Target) -> list[str]:
    named = arguments(target, RUNTIME.name)
    context = target.release.spec.get("context_length")
    size = ["-c", str(min(context, _CONTEXT))] if isinstance(context, int) and "ctx-size" not in named else []
    return [*size, _MODES[target.type], *options(named)]


RUNTIME = Runtime(
    name="llama.cpp",
    title="llama.cpp",
    home="https://github.com/ggml-org/llama.cpp",
    formats=dict.fromkeys(_MODES, frozenset({"gguf"})),
    hubs=("huggingface", "modelscope"),
    names=re.compile(r"\S+"),
    alphabet="anything but spaces",
    run=_run,
)
