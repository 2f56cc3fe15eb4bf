"""KServe: serves a repository or a prefix of an object store on Kubernetes, by its Hugging Face runtime.

Names are those that its webhook takes (DNS-1035 labels), short enough for what Kubernetes appends to them.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from galleryctl.runtimes.base import Runtime, Skipped, Target, hub, overlay
from galleryctl.runtimes.sentences import say

if TYPE_CHECKING:
    from galleryctl.spec import Release

_SCHEMES = {"huggingface": "hf", "modelscope": "modelscope"}
_STORES = ("s3://", "gs://", "hdfs://", "webhdfs://", "pvc://")
_LONGEST = 45
_PLACE = re.compile(r"[\w.-]+/[\w.-]+(:[\w.-]+)?", re.ASCII).fullmatch
"""What it takes apart: a branch with a slash is none."""
_ODD = re.compile(r"[^a-z0-9]+")
_FORMATS = frozenset({"pytorch", "safetensors", "awq", "gptq", "fp8", "fp4", "bnb"})

RUNTIME = Runtime(
    name="kserve",
    title="KServe",
    home="https://kserve.github.io/website/",
    formats=dict.fromkeys(("llm", "embedding", "rerank"), _FORMATS),
    hubs=tuple(_SCHEMES),
    names=re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?"),
    alphabet="lower-case letters, digits and `-`, starting with a letter",
)


def storage(target: Target) -> str | Skipped:
    """Where KServe fetches a target: `hf://owner/name:revision`, or the prefix of a store."""
    if found := hub(target, RUNTIME.hubs):
        kind, source = found
        place = source.repo + (f":{source.revision}" if source.revision else "")
        return f"{_SCHEMES[kind]}://{place}" if _PLACE(place) else Skipped(say("no place", runtime=RUNTIME.title))
    sources = target.variant.sources
    if sources and sources.object and sources.object.prefix.startswith(_STORES):
        return sources.object.prefix
    return Skipped(say("no hub", runtime=RUNTIME.title))


def label(identifier: str, release: Release, variant: str = "") -> str:
    """Name of a model's service: that of the overlay, else `<publisher>-<name>`; with a variant, what tells it apart.

    A long name is cut, and ends in a piece of its digest.
    """
    stated = overlay(release, RUNTIME.name).get("name")
    whole = "-".join(part for part in (stated if isinstance(stated, str) else identifier, variant) if part)
    plain = _ODD.sub("-", whole.lower()).strip("-") or "model"
    plain = plain if plain[0].isalpha() else f"m-{plain}"
    if len(plain) <= _LONGEST:
        return plain
    return f"{plain[: _LONGEST - 9].rstrip('-')}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
