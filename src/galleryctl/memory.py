"""How much memory a build of a model needs: an estimate from recorded facts.

weights × 1.03 + cache per token × context × requests + 0.6 GiB of working space. Weights are the bytes of the files
where they are known, else parameters × bits of the quantization; the cache holds keys and values at 16 bit.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from galleryctl.spec.base import parameter_count
from galleryctl.spec.release import Memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from galleryctl.spec.release import Variant

GIB = 2**30

_BITS = {
    "none": 16.0, "f32": 32.0, "fp32": 32.0, "f16": 16.0, "fp16": 16.0, "bf16": 16.0, "fp8": 8.0, "int8": 8.0,
    "8bit": 8.0, "8-bit": 8.0, "6bit": 6.5, "6-bit": 6.5, "5bit": 5.5, "4bit": 4.5, "4-bit": 4.5, "int4": 4.5,
    "fp4": 4.5, "nf4": 4.5, "3bit": 3.5, "3-bit": 3.5, "q2_k": 3.0, "q3_k_s": 3.5, "q3_k_m": 3.9, "q3_k_l": 4.3,
    "q4_0": 4.6, "q4_1": 5.0, "q4_k_s": 4.6, "q4_k_m": 4.85, "q5_0": 5.5, "q5_1": 6.0, "q5_k_s": 5.5, "q5_k_m": 5.7,
    "q6_k": 6.6, "q8_0": 8.5, "mxfp4": 4.25, "iq1_s": 1.8, "iq1_m": 2.0, "iq2_xxs": 2.3, "iq2_xs": 2.5, "iq2_s": 2.6,
    "iq2_m": 2.8, "iq3_xxs": 3.2, "iq3_xs": 3.4, "iq3_s": 3.5, "iq3_m": 3.7, "iq4_xs": 4.3, "iq4_nl": 4.6,
}  # fmt: skip
_FORMAT_BITS = {"awq": 4.5, "gptq": 4.5, "fp8": 8.0, "fp4": 4.5, "bnb": 4.5}


class Build(NamedTuple):
    """One choice a user has: a quantization of a variant, with the GiB of its weights and the KiB each token costs."""

    label: str
    weights: float
    cache: float


class Need(NamedTuple):
    """Bytes that one build takes on a machine."""

    weights: int
    cache: int | None
    """Keys and values; none where layers and heads are not recorded."""
    space: int
    """To work in."""

    @property
    def total(self) -> int:
        """All of it; without the cache where that is not known, so it takes at least this."""
        return self.weights + (self.cache or 0) + self.space


@lru_cache(4096)
def bits(quantization: str, format_: str | None) -> float | None:
    """Bits of a weight, where the name says it."""
    name = quantization.lower()
    if format_ in {"awq", "gptq"} and (found := re.search(r"int(\d)|(\d)-?bit", name)):
        return float(found[1] or found[2]) + 0.5
    if name == "none" and format_ in _FORMAT_BITS:
        return _FORMAT_BITS[format_]
    name = re.sub(r"^(ud-|i1-)", "", name).removesuffix("_xl")
    return _BITS.get(name, _BITS.get(name + "_m"))


def builds(variants: tuple[Variant, ...], memory: Memory | None) -> tuple[Build, ...]:
    """Every build whose weights can be told, in the order of the file."""
    found = []
    for variant in variants:
        facts = variant.memory or memory
        cache = _token(facts) / 1024 if facts else 0.0
        for quantization in variant.quantizations or ("none",):
            weights = _weights(variant, quantization)
            if weights:
                name = variant.format if quantization == "none" else quantization
                label = " ".join([part for part in (variant.parameters, name) if part])
                found.append(Build(label, round(weights / GIB, 3), round(cache, 2)))
    return tuple(found)


def need(variant: Variant, quantization: str, memory: Memory | None, *, context: int, requests: int = 1) -> Need | None:
    """What a build takes when it serves some requests at once, each with so many tokens of context.

    `memory` is what the release says, where the variant says nothing. None where its weights cannot be told.
    """
    weights = _weights(variant, quantization)
    if not weights:
        return None
    facts = variant.memory or memory
    cache = _token(facts) * context * requests if facts else None
    return Need(round(weights), cache, math.ceil(weights * 0.03 + 0.6 * GIB))


def recorded(spec: Mapping[str, Any]) -> Memory | None:
    """What the spec block of a release says that the size of the cache follows from."""
    architecture = spec.get("architecture")
    if isinstance(architecture, dict) and {"layers", "kv_heads", "head_size"} <= architecture.keys():
        return Memory.model_validate({key: architecture[key] for key in ("layers", "kv_heads", "head_size")})
    return None


def exceed(variants: Iterable[Variant], size: int) -> bool:
    """Whether the weights of every build whose weights can be told take more bytes than this, or nearly."""
    found = [_weights(variant, each) for variant in variants for each in variant.quantizations or ("none",)]
    return all(not weights or weights > size - GIB / 100 for weights in found)


def _token(facts: Memory) -> int:
    """Bytes of keys and values that one token takes."""
    return 2 * facts.layers * facts.kv_heads * facts.head_size * 2


def _weights(variant: Variant, quantization: str) -> float | None:
    files = variant.files.get(quantization) or variant.files.get("default") or ()
    sizes = [file.size for file in files if file.role is None or file.role == "model"]
    if sizes and all(sizes):
        return float(sum(size or 0 for size in sizes))
    size = bits(quantization, variant.format)
    if variant.parameters is None or size is None:
        return None
    return parameter_count(variant.parameters) * size / 8
