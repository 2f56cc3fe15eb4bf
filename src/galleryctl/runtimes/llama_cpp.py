"""llama.cpp: its server loads a GGUF file from a hub or an address."""

from __future__ import annotations

import re

from galleryctl.runtimes.base import (
    PLAIN,
    Command,
    Runtime,
    Served,
    Skipped,
    Target,
    arguments,
    hub,
    options,
    weight_path,
    weights,
)
from galleryctl.runtimes.sentences import say

_MODES = {"embedding": "embedding", "rerank": "reranking", "llm": "jinja"}
_CONTEXT = 8192
"""Its own default is all that the model was trained for, which may not fit."""
_WORDS = """
    hf-repo hf-file model-url mmproj-url mmproj-auto no-mmproj mmproj-offload image-min-tokens image-max-tokens
    hf-repo-draft ctx-size n-predict batch-size ubatch-size keep swa-full flash-attn perf escape parallel
    threads threads-batch cont-batching kv-unified cache-ram cache-prompt cache-reuse context-shift
    ctx-checkpoints warmup rope-scaling rope-scale rope-freq-base rope-freq-scale yarn-orig-ctx yarn-ext-factor
    yarn-attn-factor yarn-beta-slow yarn-beta-fast kv-offload no-kv-offload repack cache-type-k cache-type-v
    mmap no-mmap mlock device override-tensor cpu-moe n-cpu-moe n-gpu-layers split-mode tensor-split main-gpu
    fit fit-target fit-ctx override-kv op-offload samplers seed sampling-seq ignore-eos temp top-k top-p min-p
    top-n-sigma xtc-probability xtc-threshold typical repeat-last-n repeat-penalty presence-penalty
    frequency-penalty dry-multiplier dry-base dry-allowed-length dry-penalty-last-n dynatemp-range dynatemp-exp
    mirostat mirostat-lr mirostat-ent logit-bias spm-infill pooling embedding embeddings reranking jinja
    no-jinja chat-template chat-template-kwargs reasoning-format reasoning-budget prefill-assistant alias
    draft-max draft-min draft-p-min
"""
OPTIONS = frozenset(_WORDS.split())
"""Options that belong to a model. One that the server does not know in its presets, and it does not start; the others
name files of the machine, or are the whole server's."""
_SHORT = {"hf-repo": "-hf", "ctx-size": "-c"}


def served(target: Target) -> Served | Skipped:
    """The options of `llama-server`."""
    if (found := hub(target, RUNTIME.hubs)) is None:
        return _from_address(target)
    kind, source = found
    path = weight_path(target, source)
    told: dict[str, object] = {"hf-repo": source.repo}
    if path is not None and target.quantization.lower() not in path.lower():
        told["hf-file"] = path
    elif target.quantization != PLAIN:
        told["hf-repo"] = f"{source.repo}:{target.quantization}"
    env = {"MODEL_ENDPOINT": "https://www.modelscope.cn/"} if kind == "modelscope" else {}
    return Served(told | _settings(target), say("newest", runtime=RUNTIME.title), env)


def _from_address(target: Target) -> Served | Skipped:
    sources, found = target.variant.sources, weights(target)
    prefix = sources.url.prefix.rstrip("/") if sources and sources.url else None
    if prefix and not found:
        return Skipped(say("no file"))
    address = next((file.url or (f"{prefix}/{file.path}" if prefix else None) for file in found), None)
    if address is None:
        return Skipped(say("no hub", runtime=RUNTIME.title))
    return Served({"model-url": address} | _settings(target), say("address", runtime=RUNTIME.title))


def _settings(target: Target) -> dict[str, object]:
    named = arguments(target, RUNTIME.name)
    context = target.release.spec.get("context_length")
    size = {"ctx-size": min(context, _CONTEXT)} if isinstance(context, int) and "ctx-size" not in named else {}
    return {**size, _MODES[target.type]: True, **named}


def _run(target: Target) -> Command | Skipped:
    said = served(target)
    if isinstance(said, Skipped):
        return said
    env = [f"{name}={value}" for name, value in said.env.items()]
    short = {key: word for key, word in _SHORT.items() if key != "hf-repo" or "hf-file" not in said.options}
    return Command((*env, "llama-server", *options(said.options, short)), said.note)


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
