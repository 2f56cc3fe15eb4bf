"""Facts about runtimes: what each loads, how its names look, and the command by which a person runs one target.

A target is one quantization of one variant of one release. What a runtime cannot load is `Skipped`, with the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.runtimes import llama_cpp, localai, ollama, vllm, xinference
from galleryctl.runtimes.base import (
    Command,
    Native,
    Natives,
    Runtime,
    Skipped,
    Target,
    exported_name,
    overlay,
    targets,
    unfit,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "RUNTIMES",
    "Command",
    "Native",
    "Natives",
    "Runtime",
    "Skipped",
    "Target",
    "command",
    "exported_name",
    "overlay",
    "targets",
    "unfit",
]

RUNTIMES: Mapping[str, Runtime] = {
    module.RUNTIME.name: module.RUNTIME for module in (xinference, llama_cpp, vllm, ollama, localai)
}
"""Runtimes by name, in the order in which the site shows them."""


def command(runtime: str, target: Target) -> Command | Skipped:
    """How a person runs a target on a runtime of `RUNTIMES` that has commands."""
    chosen = RUNTIMES[runtime]
    if chosen.run is None:
        raise AssertionError(f"{runtime} has no commands")
    return unfit(chosen, target) or chosen.run(target)
