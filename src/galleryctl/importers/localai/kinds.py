"""Which type of model an entry is: from its settings, its use cases, its backend, its base file, in this order."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from galleryctl import schemas
from galleryctl.git import Unwritten
from galleryctl.runtimes.localai import USECASES

if TYPE_CHECKING:
    from collections.abc import Mapping

_BY_USECASE = {
    "chat": "llm", "completion": "llm", "vision": "llm", "embeddings": "embedding", "rerank": "rerank",
    "tts": "audio", "transcript": "audio", "vad": "audio", "sound_generation": "audio", "audio_transform": "audio",
    "diarization": "audio", "speaker_recognition": "audio", "realtime_audio": "audio", "image": "image",
    "video": "video", "detection": "vision", "face_recognition": "vision", "token_classify": "embedding",
}  # fmt: skip
_BY_BACKEND = {
    **dict.fromkeys(
        ("whisper", "faster-whisper", "whisperx", "piper", "bark", "bark-cpp", "coqui", "kokoro", "kokoros",
         "silero-vad", "parler-tts", "chatterbox", "vibevoice", "moonshine", "voxcpm", "qwen-tts", "nemo",
         "transformers-musicgen", "openvoice", "outetts", "fish-speech", "pocket-tts", "ace-step", "vall-e-x"),
        "audio",
    ),
    **dict.fromkeys(("stablediffusion", "stablediffusion-ggml", "diffusers", "tinydream"), "image"),
    **dict.fromkeys(("rfdetr", "insightface", "sam3-cpp"), "vision"),
    "rerankers": "rerank", "sentencetransformers": "embedding",
}  # fmt: skip
_BY_PRESET = {
    "piper": "audio", "whisper-base": "audio", "parler-tts": "audio", "bark": "audio", "bark-cpp": "audio",
    "kokoro": "audio", "chatterbox": "audio", "moonshine": "audio", "vibevoice": "audio", "openvino-whisper": "audio",
    "flux": "image", "flux-ggml": "image", "sd-ggml": "image", "stablediffusion3": "image", "dreamshaper": "image",
    "animagine-xl": "image", "qwen-image": "image", "z-image-ggml": "image", "wan-ggml": "video",
    "rerankers": "rerank", "sentencetransformers": "embedding", "bert-embeddings": "embedding",
}  # fmt: skip
_ABILITIES = {usecase: ability for ability, usecase in USECASES.items()}


def type_of(settings: Mapping[str, Any], preset: str | None, base: Mapping[str, Any]) -> str | None:
    """A type of this gallery; none where nothing tells."""
    return _told(settings) or (_BY_PRESET.get(preset) if preset else None) or _told(base)


def _told(settings: Mapping[str, Any]) -> str | None:
    if settings.get("embeddings") is True:
        return "embedding"
    if settings.get("reranking") is True:
        return "rerank"
    usecases = settings.get("known_usecases")
    for usecase in usecases if isinstance(usecases, list) else ():
        if isinstance(usecase, str) and usecase in _BY_USECASE:
            return _BY_USECASE[usecase]
    backend = settings.get("backend")
    return _BY_BACKEND.get(backend) if isinstance(backend, str) else None


def abilities(type_: str, usecases: object) -> list[str] | None:
    """Use cases as abilities of a type; none where one of them is none."""
    if not isinstance(usecases, list) or not usecases:
        return None
    found = [_ABILITIES.get(usecase, "") if isinstance(usecase, str) else "" for usecase in usecases]
    known = _known(type_, "abilities").get("items", {}).get("enum", [])
    return found if set(found) <= set(known) and len(set(found)) == len(found) else None


def says(type_: str, *names: str) -> bool:
    """Whether the `spec` of a type has a field."""
    return bool(_known(type_, *names))


def _known(type_: str, *names: str) -> Mapping[str, Any]:
    """The schema of a field of `spec`; empty where there is none. Below a field without properties all is allowed."""
    schema: Mapping[str, Any] = _types()[type_].schema if type_ in _types() else {}
    for name in names:
        members = schema.get("properties")
        if members is None:
            break
        schema = members.get(name, {})
    return schema


@cache
def _types() -> Mapping[str, schemas.TypeSchema]:
    """The types that galleryctl brings."""
    return schemas.types(Unwritten({}))
