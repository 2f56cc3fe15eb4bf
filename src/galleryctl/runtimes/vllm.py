"""vLLM: serves a repository of a hub at a revision."""

from __future__ import annotations

import re

from galleryctl.runtimes.base import Command, Runtime, Skipped, Target, arguments, hub, options
from galleryctl.runtimes.sentences import say

_TOOL_PARSERS = {"llama3": "llama3_json", "deepseek-v3": "deepseek_v3", "deepseek_v3": "deepseek_v3"}
_REASONING_PARSERS = {
    "qwen3": "qwen3",
    "glm4_moe": "glm45",
    "glm-4.5": "glm45",
    "deepseek-r1": "deepseek_r1",
    "deepseek_r1": "deepseek_r1",
}
"""By the start of a family, of a model type of the hub, or of a name."""


def _run(target: Target) -> Command | Skipped:
    if (found := hub(target, RUNTIME.hubs)) is None:
        return Skipped(say("no hub", runtime=RUNTIME.title))
    kind, source = found
    words = ["VLLM_USE_MODELSCOPE=True"] if kind == "modelscope" else []
    words += ["vllm", "serve", source.repo]
    if source.revision:
        words += ["--revision", source.revision]
    if code := target.release.remote_code:
        words += ["--trust-remote-code", "--code-revision", code.revision]
    named = arguments(target, RUNTIME.name)
    words += ["--runner", "pooling"] if target.type in {"embedding", "rerank"} else _parsers(target, named)
    return Command((*words, *options(named)), say("pinned" if source.revision else "unpinned"))


def _parsers(target: Target, named: dict[str, object]) -> list[str]:
    """Options for reasoning and tool calls, where it is known which parser reads what the model writes."""
    spec = target.release.spec
    prompt, architecture = (
        block if isinstance(block := spec.get(key), dict) else {} for key in ("prompt", "architecture")
    )
    kinds = tuple(
        str(kind).lower() for kind in (spec.get("family"), architecture.get("model_type"), target.id.rpartition("/")[2])
    )
    words: list[str] = []
    if "reasoning" in prompt and "reasoning-parser" not in named:
        parser = next((name for start, name in _REASONING_PARSERS.items() if _starts(kinds, start)), None)
        words += ["--reasoning-parser", parser] if parser else []
    if "tool_parser" in prompt and "tool-call-parser" not in named:
        tool = _TOOL_PARSERS.get(str(prompt["tool_parser"]))
        if prompt["tool_parser"] == "qwen":
            tool = "qwen3_coder" if _starts(kinds, "qwen3-coder") else "hermes"
        words += ["--enable-auto-tool-choice", "--tool-call-parser", tool] if tool else []
    return words


def _starts(kinds: tuple[str, ...], start: str) -> bool:
    return any(kind.startswith(start) for kind in kinds)


_FORMATS = frozenset({"pytorch", "safetensors", "awq", "gptq", "fp8", "fp4", "bnb"})

RUNTIME = Runtime(
    name="vllm",
    title="vLLM",
    home="https://docs.vllm.ai/",
    formats=dict.fromkeys(("llm", "embedding", "rerank"), _FORMATS),
    hubs=("huggingface", "modelscope"),
    names=re.compile(r"\S+"),
    alphabet="anything but spaces",
    run=_run,
)
