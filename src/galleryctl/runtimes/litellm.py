"""LiteLLM: a proxy in front of engines. It loads no weights; what it is told is where an engine serves a model.

Where the engines are is the operator's to say, in the variables that LiteLLM itself reads for each of them; without
them nothing is guessed. LocalAI is left out: LiteLLM knows it only as one more OpenAI address, and falls back to the
public one where the variable is not set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from galleryctl.runtimes import llama_cpp, ollama, vllm, xinference
from galleryctl.runtimes.base import Skipped, exported_name, overlay, told, unfit

if TYPE_CHECKING:
    from galleryctl.runtimes.base import Target

NAME = "litellm"
TITLE = "LiteLLM"
ENGINES = ("vllm", "xinference", "llama.cpp", "ollama")
"""Runtimes of this gallery behind the proxy, best first."""
MODES = {"llm": "chat", "embedding": "embedding", "rerank": "rerank", "image": "image_generation"}
_TYPES = {
    "vllm": frozenset({"llm", "embedding", "rerank"}),
    "xinference": frozenset({"llm", "embedding", "image"}),
    "llama.cpp": frozenset({"llm"}),
    "ollama": frozenset({"llm", "embedding"}),
}


class Served(NamedTuple):
    """How LiteLLM reaches a target: its word for the model, and the variables that hold address and key."""

    model: str
    address: str
    key: str | None = None
    """None where LiteLLM asks an engine without a key."""


def served(engine: str, target: Target) -> Served | None:
    """None where the engine does not serve the target under a name that this gallery's export gives it."""
    if target.type not in _TYPES[engine]:
        return None
    name = exported_name(engine, target.id, target.release)
    if engine == "vllm":
        fits = not isinstance(told(target, vllm.RUNTIME, vllm.served), Skipped)
        return Served(f"hosted_vllm/{name}", "HOSTED_VLLM_API_BASE") if fits else None
    if engine == "xinference":
        fits = unfit(xinference.RUNTIME, target) is None and xinference.takes(target)
        return Served(f"xinference/{name}", "XINFERENCE_API_BASE", "XINFERENCE_API_KEY") if fits else None
    if engine == "llama.cpp":
        fits = not isinstance(told(target, llama_cpp.RUNTIME, llama_cpp.served), Skipped)
        base = name if "name" in overlay(target.release, engine) else target.id
        preset = f"{base}:{target.variant.name}-{target.quantization}"
        return Served(f"llamafile/{preset}", "LLAMAFILE_API_BASE") if fits else None
    fits = not isinstance(told(target, ollama.RUNTIME, ollama.reference), Skipped)
    kind = "ollama_chat" if target.type == "llm" else "ollama"
    return Served(f"{kind}/{name}", "OLLAMA_API_BASE") if fits else None
