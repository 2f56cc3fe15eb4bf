"""LocalAI: installs entries of a gallery's index, one for each quantization of each variant."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

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

    from galleryctl.spec.release import File, Release

_EXPORT = "runtimes/localai/index.yaml"
_FROM_REPOSITORY = frozenset(
    {"transformers", "vllm", "diffusers", "sentencetransformers", "rerankers", "mlx", "mlx-vlm", "exllama2"}
)
_FROM_FILES = frozenset(
    {"llama.cpp", "whisper", "stablediffusion-ggml", "piper", "bark-cpp", "silero-vad", "insightface", "rfdetr"}
)
_GGUF_TYPES = frozenset({"llm", "embedding", "rerank"})
BACKENDS = {"llama.cpp": "llama-cpp"}
"""Engines whose backend has another name."""
USECASES = {
    "chat": "chat", "vision": "vision", "generate": "completion", "embed": "embeddings", "text2audio": "tts",
    "audio2text": "transcript", "text2image": "image", "text2video": "video", "rerank": "rerank",
    "detection": "detection", "face_recognition": "face_recognition", "speaker_recognition": "speaker_recognition",
    "vad": "vad", "token_classify": "token_classify", "tokenize": "tokenize", "sound_generation": "sound_generation",
    "audio_transform": "audio_transform", "diarization": "diarization", "score": "score",
    "realtime_audio": "realtime_audio",
}  # fmt: skip
"""Abilities of both by LocalAI's word: each has one of its own, so that imports can be given back."""
ALSO = {"image2image": "image", "image2video": "video"}
"""Abilities for which LocalAI has only a wider word."""
SAMPLING = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "presence_penalty", "max_tokens")
"""Settings of `defaults.generate`, which LocalAI calls the same."""
ROLES = {"projector": "mmproj", "draft": "draft_model"}
"""Roles of files by the setting that names such a file."""
_HUGGINGFACE = "https://huggingface.co/{repo}/resolve/{revision}/{path}"
_MODELSCOPE = "https://modelscope.cn/models/{repo}/resolve/{revision}/{path}"


def backend(target: Target) -> str | None:
    """What LocalAI calls the engine: the first that is stated, and for gguf of language models llama.cpp.

    None where a block of the overlay states all there is, and names none.
    """
    variant = target.variant
    if variant.engines:
        return BACKENDS.get(variant.engines[0], variant.engines[0])
    if complete(target.release):
        return None
    return "llama-cpp" if variant.format == "gguf" and target.type in _GGUF_TYPES else None


def complete(release: Release) -> bool:
    """Whether a block of the overlay, even an empty one, states all settings that no neutral field says."""
    return RUNTIME.name in release.runtimes


def installed(target: Target, file: File) -> str:
    """Path of a file below LocalAI's folder of models."""
    if file.install_as is not None:
        return file.install_as
    parts = (backend(target), "models", target.id, target.variant.name, file.path)
    return "/".join(part for part in parts if part)


@lru_cache(256)
def _quoted(text: str, safe: str = "/!$&'()*+,;=:@~") -> str:
    """Each path is asked for a few times in a row."""
    return quote(text, safe=safe)


def address(target: Target, file: File) -> str | None:
    """Where LocalAI gets a file; none where it can reach none of the sources."""
    sources = target.variant.sources
    if file.url is not None or sources is None:
        return file.url
    path = _quoted(file.path)
    if found := hub(target, ("huggingface",)):
        if found[1].revision is None:
            return f"huggingface://{found[1].repo}/{path}"
        return _HUGGINGFACE.format(repo=found[1].repo, revision=_quoted(found[1].revision, ""), path=path)
    if found := hub(target, ("modelscope",)):
        return _MODELSCOPE.format(repo=found[1].repo, revision=found[1].revision or "master", path=path)
    if sources.url and sources.url.prefix.startswith(("https://", "http://")):
        return f"{sources.url.prefix.rstrip('/')}/{path}"
    return None


def refuses(target: Target) -> Skipped | None:
    """Why the index holds no entry for a target; none where it does.

    An entry installs files whose digests it knows. A digest that is stated to be empty is given back as it is: LocalAI
    then takes the file unchecked, and FIL001 has told of it. One that is merely unknown is a reason to wait for
    `galleryctl release`, which records files and digests.
    """
    variant = target.variant
    found = files(target)
    stated = (
        variant.entrypoint is not None
        or "preset" in target.release.spec
        or "base" in overlay(target.release, RUNTIME.name, variant)
    )
    if not (stated or (found and complete(target.release))) and (reason := _no_backend(target)):
        return reason
    if not found and not stated:
        return Skipped(say("no files"))
    if any(file.sha256 is None for file in found):
        return Skipped(say("no digest"))
    for file in found:
        if address(target, file) is None:
            return Skipped(say("no hub", runtime=RUNTIME.title))
        if not is_inside(installed(target, file)):
            return Skipped(say("no path", path=installed(target, file)))
    return None


def _no_backend(target: Target) -> Skipped | None:
    engine = next(iter(target.variant.engines), None)
    if engine is None:
        return None if backend(target) else Skipped(say("no engine"))
    if engine in _FROM_FILES:
        return None
    return Skipped(say("no entrypoint" if engine in _FROM_REPOSITORY else "no backend", engine=engine))


@lru_cache(256)
def is_inside(path: str) -> bool:
    """Whether a path stays below the folder it is meant for."""
    odd = "\\" in path or path.startswith("/") or re.match(r"[A-Za-z]:", path) or re.search(r"[\x00-\x1f\x7f]", path)
    return not odd and not {"", ".", ".."} & set(path.split("/"))


def entries(identifier: str, type_: str, version: str, release: Release) -> Iterator[tuple[str, Target]]:
    """Names of the index and what they install; the first is the head, which carries the model's own name."""
    name = exported_name(RUNTIME.name, identifier, release)
    head = True
    for target in targets(identifier, type_, version, release):
        if refuses(target) is None:
            yield name if head else _further(name, target), target
            head = False


def _further(name: str, target: Target) -> str:
    return f"{name}-{target.variant.name}-{target.quantization}".lower()


def _run(target: Target) -> Command | Skipped:
    refused = refuses(target)
    if refused is None:
        name, head = next(entries(target.id, target.type, target.version, target.release))
        if (head.variant.name, head.quantization) != (target.variant.name, target.quantization):
            name = _further(name, target)
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
