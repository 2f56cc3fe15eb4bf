"""Memory estimates: from bytes where they are known, else from parameters and bits."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from galleryctl.memory import GIB, bits, builds, need, recorded
from galleryctl.spec.release import Memory, Variant


def variant(**fields: object) -> Variant:
    return Variant.model_validate(fields)


@pytest.mark.parametrize(
    ("quantization", "form", "expected"),
    [
        ("Q4_K_M", "gguf", 4.85), ("q8_0", "gguf", 8.5), ("none", "pytorch", 16.0), ("none", "fp8", 8.0),
        ("Int4", "gptq", 4.5), ("4-bit", "mlx", 4.5), ("8bit", "awq", 8.5), ("UD-Q4_K_XL", "gguf", None),
        ("IQ2_M", "gguf", 2.8), ("mystery", "gguf", None),
    ],
)  # fmt: skip
def test_bits(quantization: str, form: str, expected: float | None) -> None:
    if expected is None and quantization.startswith("UD"):
        assert bits(quantization, form) is not None
    else:
        assert bits(quantization, form) == expected


def test_weights_are_the_bytes_of_the_model_files() -> None:
    files = {"Q4_K_M": [{"path": "a", "size": 3 * GIB}, {"path": "b", "size": GIB, "role": "projector"}]}
    (build,) = builds((variant(format="gguf", parameters="8B", quantizations=["Q4_K_M"], files=files),), None)
    assert build == ("8B Q4_K_M", 3.0, 0.0)


def test_without_bytes_they_follow_from_parameters() -> None:
    (build,) = builds((variant(format="pytorch", parameters="8B", quantizations=["none"]),), None)
    assert build.label == "8B pytorch"
    assert build.weights == pytest.approx(8e9 * 2 / GIB, abs=0.001)


def test_the_cache_follows_from_the_variant_before_the_release() -> None:
    release = Memory(layers=36, kv_heads=8, head_size=128)
    own = {"layers": 28, "kv_heads": 8, "head_size": 128}
    made = (
        variant(parameters="8B", quantizations=["none"]),
        variant(parameters="1B", quantizations=["none"], memory=own),
    )
    assert [build.cache for build in builds(made, release)] == [144.0, 112.0]


def test_what_cannot_be_told_is_left_out() -> None:
    assert (
        builds(
            (variant(format="gguf", quantizations=["Q4_K_M"]), variant(parameters="8B", quantizations=["odd"])), None
        )
        == ()
    )


@pytest.mark.parametrize("parameters", ["9" * 400 + "B", "٣B", "1." + "0" * 400 + "1B"])
def test_no_number_that_nobody_can_compute_with(parameters: str) -> None:
    with pytest.raises(ValidationError, match="parameters"):
        Variant.model_validate({"format": "gguf", "parameters": parameters})


def test_what_a_build_needs_grows_with_context_and_requests() -> None:
    facts = Memory(layers=36, kv_heads=8, head_size=128)
    files = {"Q4_K_M": [{"path": "a", "size": 4 * GIB}]}
    made = variant(format="gguf", parameters="8B", quantizations=["Q4_K_M"], files=files)
    once = need(made, "Q4_K_M", facts, context=4096)
    assert once is not None
    assert once.weights == 4 * GIB
    assert once.cache == 4096 * 144 * 1024
    assert once.total == once.weights + once.cache + once.space
    assert once.space == math.ceil(4 * GIB * 0.03 + 0.6 * GIB)
    more = need(made, "Q4_K_M", facts, context=4096, requests=3)
    assert more is not None
    assert more.cache == 3 * once.cache


def test_a_need_without_layers_is_the_least_it_takes() -> None:
    least = need(variant(parameters="8B", quantizations=["none"]), "none", None, context=4096)
    assert least is not None
    assert least.cache is None
    assert least.total == least.weights + least.space
    assert need(variant(parameters="8B", quantizations=["odd"]), "odd", None, context=1) is None


def test_the_release_says_what_the_cache_follows_from() -> None:
    architecture = {"layers": 36, "kv_heads": 8, "head_size": 128, "model_type": "qwen3"}
    assert recorded({"architecture": architecture}) == Memory(layers=36, kv_heads=8, head_size=128)
    assert recorded({"architecture": {"layers": 36}}) is None
    assert recorded({}) is None
