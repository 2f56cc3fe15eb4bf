"""Ollama: pulls a GGUF file from a hub under the hub's own name, or a model of its own library."""

from __future__ import annotations

import re

from galleryctl.runtimes.base import PLAIN, Command, Runtime, Skipped, Target, hub, weight_path
from galleryctl.runtimes.sentences import say

_HOSTS = {"huggingface": "hf.co", "modelscope": "modelscope.cn"}
_LIBRARY = "registry.ollama.ai/"
_WORDS = (
    "num_ctx num_batch num_gpu main_gpu use_mmap num_thread num_keep seed num_predict top_k top_p min_p typical_p "
    "repeat_last_n temperature repeat_penalty presence_penalty frequency_penalty stop draft_num_predict"
)
PARAMETERS = frozenset(_WORDS.split())
"""Parameters of a Modelfile: one that it does not know, and Ollama does not make the model."""
_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]*"


def reference(target: Target) -> str | Skipped:
    """The name under which Ollama pulls a target from its library or hub."""
    if own := _own(target):
        return own
    if (found := hub(target, RUNTIME.hubs)) is None:
        return Skipped(say("no hub", runtime=RUNTIME.title))
    kind, source = found
    if (source.parts or {}).get(target.quantization):
        return Skipped(say("parts", runtime=RUNTIME.title))
    path = weight_path(target, source)
    tag = target.quantization
    if path is not None and tag.lower() not in path.lower():
        tag = path.rpartition("/")[2]
    return f"{_HOSTS[kind]}/{source.repo}" + (f":{tag}" if tag != PLAIN else "")


def _own(target: Target) -> str | None:
    """Name and tag in Ollama's library; it pulls no other way, so the digest beside them says nothing to it."""
    image = target.variant.sources.oci.image if target.variant.sources and target.variant.sources.oci else ""
    if not image.startswith(_LIBRARY):
        return None
    name = image.removeprefix(_LIBRARY).removeprefix("library/").partition("@")[0]
    return name if name[:1].isalnum() else None  # no option of its command


def _run(target: Target) -> Command | Skipped:
    name = reference(target)
    if isinstance(name, Skipped):
        return name
    return Command(("ollama", "run" if target.type == "llm" else "pull", name), say("source checks"))


RUNTIME = Runtime(
    name="ollama",
    title="Ollama",
    home="https://docs.ollama.com/",
    formats=dict.fromkeys(("llm", "embedding"), frozenset({"gguf"})),
    hubs=tuple(_HOSTS),
    names=re.compile(rf"{_PART}(?:/{_PART})*(?::{_PART})?"),
    alphabet="letters, digits, `.`, `_` and `-`, with `/` and `:` between parts",
    run=_run,
)
