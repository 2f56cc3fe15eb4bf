"""LocalAI: installs entries of a gallery's index, one for each quantization of each variant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
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
_HUGGINGFACE = "https://huggingface.co/{repo}/resolve/{revision}/"
_MODELSCOPE = "https://modelscope.cn/models/{repo}/resolve/{revision}/"
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*").fullmatch
"""Paths that go nowhere else and need no escapes: nearly all."""


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


class Placed(NamedTuple):
    """A file that an entry installs: its path below LocalAI's folder of models, and where LocalAI gets it."""

    file: File
    path: str
    address: str


def _quoted(path: str) -> str:
    return path if _PLAIN(path) else quote(path, safe="/!$&'()*+,;=:@~")


def _folder(target: Target) -> str:
    """Address below which files without one of their own lie; empty where LocalAI reaches none of the sources."""
    sources = target.variant.sources
    if sources is None:
        return ""
    if found := hub(target, ("huggingface",)):
        if found[1].revision is None:
            return f"huggingface://{found[1].repo}/"
        return _HUGGINGFACE.format(repo=found[1].repo, revision=quote(found[1].revision, safe=""))
    if found := hub(target, ("modelscope",)):
        return _MODELSCOPE.format(repo=found[1].repo, revision=found[1].revision or "master")
    if sources.url and sources.url.prefix.startswith(("https://", "http://")):
        return f"{sources.url.prefix.rstrip('/')}/"
    return ""


def installs(target: Target) -> tuple[Placed, ...] | Skipped:
    """What the entry for a target installs, or why the index holds none.

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
    return _placed(target, found) if found else ()


def _placed(target: Target, found: tuple[File, ...]) -> tuple[Placed, ...] | Skipped:
    folder = _folder(target)
    start = "/".join(part for part in (backend(target), "models", target.id, target.variant.name) if part)
    placed: list[Placed] = []
    for file in found:
        address = f"{folder}{_quoted(file.path)}" if file.url is None and folder else file.url
        if address is None:
            return Skipped(say("no hub", runtime=RUNTIME.title))
        path = f"{start}/{file.path}" if file.install_as is None else file.install_as
        if not is_inside(path):
            return Skipped(say("no path", path=path))
        placed.append(Placed(file, path, address))
    return tuple(placed)


def _no_backend(target: Target) -> Skipped | None:
    engine = next(iter(target.variant.engines), None)
    if engine is None:
        return None if backend(target) else Skipped(say("no engine"))
    if engine in _FROM_FILES:
        return None
    return Skipped(say("no entrypoint" if engine in _FROM_REPOSITORY else "no backend", engine=engine))


def is_inside(path: str) -> bool:
    """Whether a path stays below the folder it is meant for."""
    if _PLAIN(path):
        return True
    odd = "\\" in path or path.startswith("/") or re.match(r"[A-Za-z]:", path) or re.search(r"[\x00-\x1f\x7f]", path)
    return not odd and not {"", ".", ".."} & set(path.split("/"))


def entries(identifier: str, type_: str, version: str, release: Release) -> Iterator[tuple[str, Target]]:
    """Names of the index and what they install; the first is the head, which carries the model's own name."""
    name = exported_name(RUNTIME.name, identifier, release)
    head = True
    for target in targets(identifier, type_, version, release):
        if not isinstance(installs(target), Skipped):
            yield name if head else _further(name, target), target
            head = False


def _further(name: str, target: Target) -> str:
    return f"{name}-{target.variant.name}-{target.quantization}".lower()


def _run(target: Target) -> Command | Skipped:
    refused = installs(target)
    if not isinstance(refused, Skipped):
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
