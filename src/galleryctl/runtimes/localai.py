"""LocalAI: installs entries of a gallery's index, one for each quantization of each variant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from galleryctl.runtimes.base import (
    Command,
    Runtime,
    Skipped,
    Target,
    exported_name,
    files,
    hub,
    overlay,
    targets,
    weight_path,
)
from galleryctl.runtimes.sentences import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.spec.release import Release

_EXPORT = "runtimes/localai/index.yaml"
_FROM_REPOSITORY = frozenset(
    {"transformers", "vllm", "diffusers", "sentencetransformers", "rerankers", "mlx", "mlx-vlm", "exllama2"}
)
_FROM_FILES = frozenset(
    {"llama.cpp", "whisper", "stablediffusion-ggml", "piper", "bark-cpp", "silero-vad", "insightface", "rfdetr"}
)


def refuses(target: Target) -> Skipped | None:
    """Why the index holds no entry for a target; none where it does."""
    variant = target.variant
    engine = variant.engines[0] if variant.engines else None
    stated = (
        variant.entrypoint is not None
        or "preset" in target.release.spec
        or "base" in overlay(target.release, RUNTIME.name, variant)
    )
    if not stated and engine is None:
        return Skipped(say("no engine"))
    if not stated and engine not in _FROM_FILES:
        return Skipped(say("no entrypoint" if engine in _FROM_REPOSITORY else "no backend", engine=str(engine)))
    found = files(target)
    if not found and not stated:
        return Skipped(say("no files"))
    if not all(file.sha256 for file in found):
        return Skipped(say("no digest"))
    return None


def entries(identifier: str, type_: str, version: str, release: Release) -> Iterator[tuple[str, Target]]:
    """Names of the index and what they install; the first is the head, which carries the model's own name."""
    name = exported_name(RUNTIME.name, identifier, release)
    head = True
    for target in targets(identifier, type_, version, release):
        if refuses(target) is None:
            yield name if head else f"{name}-{target.variant.name}-{target.quantization}".lower(), target
            head = False


def _run(target: Target) -> Command | Skipped:
    refused = refuses(target)
    if refused is None:
        found = entries(target.id, target.type, target.version, target.release)
        chosen = (target.variant.name, target.quantization)
        name = next(name for name, entry in found if (entry.variant.name, entry.quantization) == chosen)
        return Command(("local-ai", "run", name), say("galleries"), _EXPORT)
    source = hub(target, RUNTIME.hubs)
    path = weight_path(target, source[1]) if source and target.variant.format == "gguf" else None
    if source is None or path is None:
        return refused
    return Command(("local-ai", "run", f"huggingface://{source[1].repo}/{path}"), say("unchecked"))


RUNTIME = Runtime(
    name="localai",
    title="LocalAI",
    home="https://localai.io/",
    formats=dict.fromkeys(("llm", "embedding", "rerank", "image", "audio", "video", "vision"), frozenset()),
    hubs=("huggingface",),
    names=re.compile(r"[A-Za-z0-9._:-]+"),
    alphabet="letters, digits, `.`, `_`, `:` and `-`",
    run=_run,
    export=_EXPORT,
)
