"""vLLM: serves a repository of a hub at a revision."""

from __future__ import annotations

import re

from galleryctl.runtimes.base import Command, Runtime, Served, Skipped, Target, arguments, hub, options
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


def served(target: Target) -> Served | Skipped:
    """The options of `vllm serve`; `model` is its only word without one."""
    if (found := hub(target, RUNTIME.hubs)) is None:
        return Skipped(say("no hub", runtime=RUNTIME.title))
    kind, source = found
    told: dict[str, object] = {"model": source.repo}
    if source.revision:
        told["revision"] = source.revision
    if code := target.release.remote_code:
        told |= {"trust-remote-code": True, "code-revision": code.revision}
    named = arguments(target, RUNTIME.name)
    told |= {"runner": "pooling"} if target.type in {"embedding", "rerank"} else _parsers(target, named)
    env = {"VLLM_USE_MODELSCOPE": "True"} if kind == "modelscope" else {}
    return Served(told | named, say("pinned" if source.revision else "unpinned"), env)


def _run(target: Target) -> Command | Skipped:
    said = served(target)
    if isinstance(said, Skipped):
        return said
    env = [f"{name}={value}" for name, value in said.env.items()]
    named = dict(said.options)
    return Command((*env, "vllm", "serve", str(named.pop("model")), *options(named)), said.note)


def _parsers(target: Target, named: dict[str, object]) -> dict[str, object]:
    """Options for reasoning and tool calls, where it is known which parser reads what the model writes."""
    spec = target.release.spec
    prompt, architecture = (
        block if isinstance(block := spec.get(key), dict) else {} for key in ("prompt", "architecture")
    )
    kinds = tuple(
        str(kind).lower() for kind in (spec.get("family"), architecture.get("model_type"), target.id.rpartition("/")[2])
    )
    told: dict[str, object] = {}
    if "reasoning" in prompt and "reasoning-parser" not in named:
        parser = next((name for start, name in _REASONING_PARSERS.items() if _starts(kinds, start)), None)
        told |= {"reasoning-parser": parser} if parser else {}
    if "tool_parser" in prompt and "tool-call-parser" not in named:
        tool = _TOOL_PARSERS.get(str(prompt["tool_parser"]))
        if prompt["tool_parser"] == "qwen":
            tool = "qwen3_coder" if _starts(kinds, "qwen3-coder") else "hermes"
        told |= {"enable-auto-tool-choice": True, "tool-call-parser": tool} if tool else {}
    return told


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
