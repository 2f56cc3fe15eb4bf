"""Xinference: launches models that it knows by name, from the native export."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from galleryctl.runtimes.base import Command, Runtime, Skipped, Target, exported_name, hub, weights
from galleryctl.runtimes.sentences import say
from galleryctl.spec.base import parameter_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.spec.release import Variant

_EXPORT = "runtimes/xinference/{type}.json"
_ENGINES = {
    "gguf": ("llama.cpp",),
    "mlx": ("MLX",),
    "pytorch": ("Transformers", "vLLM", "SGLang", "LMDEPLOY"),
    "awq": ("vLLM", "SGLang", "Transformers", "LMDEPLOY"),
    "gptq": ("vLLM", "SGLang", "Transformers"),
    "fp8": ("vLLM", "SGLang"),
    "fp4": ("vLLM", "Transformers"),
    "bnb": ("Transformers", "vLLM"),
}
_BY_NAME = {format_: {engine.lower(): engine for engine in engines} for format_, engines in _ENGINES.items()}
FORMATS: Mapping[str, str] = {"gguf": "ggufv2"}
"""Formats that Xinference calls otherwise."""
AUDIO_ENGINES: Mapping[str, str] = {
    "transformers": "transformers",
    "mlx": "MLX",
    "pytorch": "PyTorch",
    "diffusers": "diffusers",
}
VIDEO_ENGINES: Mapping[str, str] = {"diffusers": "diffusers", "mlx": "MLX", "vllm": "vLLM", "sglang": "SGLang"}
"""Engines by our name, as Xinference spells them."""
AUDIO_LANGUAGES: Mapping[str, str] = {"en": "EN", "zh": "ZH", "fr": "FR", "es": "ES", "ja": "JP", "ko": "KR"}
ABILITIES: Mapping[str, frozenset[str]] = {
    "llm": frozenset({"embed", "generate", "chat", "tools", "vision", "audio", "omni", "reasoning", "hybrid"}),
    "image": frozenset({"text2image", "image2image", "inpainting", "ocr", "docanalyze"}),
    "audio": frozenset(
        {
            "text2audio",
            "text2audio_zero_shot",
            "text2audio_voice_cloning",
            "text2audio_voice_design",
            "text2audio_emotion_control",
            "text2music",
            "audio2text",
            "speaker_embedding",
        }
    ),
    "video": frozenset({"text2video", "image2video", "firstlastframe2video"}),
}
"""Abilities that Xinference knows; one unknown word refuses the family."""
_PARSERS = re.compile(r"qwen|gemma|glm4|glm5|llama3|kimi-k3|minicpm5|(?:minimax|deepseek)[A-Za-z0-9._-]*")
METHODS: Mapping[str, str] = {
    "cross-encoder": "normal",
    "llm": "LLM-based",
    "llm-layerwise": "LLM-based layerwise",
}
"""How a rerank model judges, as Xinference calls it."""
_NEEDS = {
    "llm": ("abilities", "languages"),
    "embedding": ("context_length", "languages", "dimensions"),
    "rerank": ("languages",),
    "image": ("family",),
    "audio": ("family", "multilingual"),
    "video": ("family",),
}
_SIZED = frozenset({"llm", "embedding", "rerank"})
_SIZE = re.compile(r"([0-9]{1,9})(?:_([0-9]{1,9}))?")


@lru_cache(4096)
def billions(parameters: str) -> int | str:
    """A size as Xinference writes it: `8B` as 8, `1.8B` as `1_8`."""
    number = parameter_count(parameters) / 10**9
    return int(number) if number == int(number) else f"{number:.9f}".rstrip("0").replace(".", "_")


def reads_tools(parser: object) -> bool:
    """Whether Xinference has a tool parser of this name; of any other it only warns, and calls no tools."""
    return isinstance(parser, str) and _PARSERS.fullmatch(parser) is not None


def spelt(languages: object) -> str | None:
    """The one language of an audio model in Xinference's spelling; none where there are several, or it has none."""
    return AUDIO_LANGUAGES.get(str(languages[0])) if isinstance(languages, list) and len(languages) == 1 else None


def parameters(size: object) -> str | None:
    """A size that Xinference writes, as a number of parameters: 8 as `8B`, `1_8` as `1.8B`; none for anything else."""
    found = _SIZE.fullmatch(str(size)) if isinstance(size, int | str) and not isinstance(size, bool) else None
    if found is None:
        return None
    return f"{found[1]}.{found[2]}B" if found[2] else f"{found[1]}B"


def lacks(target: Target) -> Iterator[str]:
    """Fields without which Xinference refuses a model, as pointers into the release."""
    variant = target.variant
    yield from (f"spec.{field}" for field in _NEEDS.get(target.type, ()) if field not in target.release.spec)
    if target.type == "llm" and variant.parameters is None:
        yield "parameters"
    found = variant.sources.hubs() if variant.sources else {}
    if target.type == "image" and found and "huggingface" not in found:
        yield "sources.huggingface"
    for kind, source in found.items():
        if variant.format == "gguf" and target.type in _SIZED and source.file is None and not weights(target):
            yield f"sources.{kind}.file"
        if target.type in {"image", "video"} and not source.revision:
            yield f"sources.{kind}.revision"


def takes(target: Target) -> bool:
    """Whether there is a command for a target of a type and format that it loads."""
    return hub(target, RUNTIME.hubs) is not None and not any(lacks(target))


def _run(target: Target) -> Command | Skipped:
    if (found := hub(target, RUNTIME.hubs)) is None:
        return Skipped(say("no hub", runtime=RUNTIME.title))
    if lacking := ", ".join(lacks(target)):
        return Skipped(say("lacks", runtime=RUNTIME.title, fields=lacking))
    words = ["xinference", "launch", "--model-name", exported_name(RUNTIME.name, target.id, target.release)]
    if target.type != "llm":
        words += ["--model-type", target.type]
    words += _choice(target)
    if found[0] != "huggingface":
        words += ["--download_hub", found[0]]
    export = _EXPORT.format(type=target.type)
    return Command(tuple(words), say("export", export=export), export)


def _choice(target: Target) -> list[str]:
    """The options that pick one target of a family."""
    variant, quantization = target.variant, target.quantization
    if target.type == "llm" and variant.parameters and variant.format:
        format_, size = FORMATS.get(variant.format, variant.format), str(billions(variant.parameters))
        engine = ("--model-engine", _engine(variant.format, variant))
        return [*engine, "--model-format", format_, "--size-in-billions", size, "--quantization", quantization]
    if target.type in {"embedding", "rerank"} and variant.format == "gguf":
        return ["--model-engine", "llama.cpp", "--model-format", "ggufv2", "--quantization", quantization]
    return []


def _engine(format_: str, variant: Variant) -> str:
    """The variant's first engine that Xinference has for the format, else the usual one of the format."""
    offered = _BY_NAME[format_]
    return next((offered[engine] for engine in variant.engines if engine in offered), _ENGINES[format_][0])


RUNTIME = Runtime(
    name="xinference",
    title="Xinference",
    home="https://inference.readthedocs.io/",
    formats={
        "llm": frozenset(_ENGINES),
        "embedding": frozenset({"pytorch", "gguf"}),
        "rerank": frozenset({"pytorch", "gguf"}),
        "image": frozenset(),
        "audio": frozenset(),
        "video": frozenset(),
    },
    hubs=("huggingface", "modelscope", "openmind_hub", "csghub"),
    names=re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*"),
    alphabet="letters, digits, `.`, `_` and `-`, a letter or digit first",
    run=_run,
    export=_EXPORT,
)
