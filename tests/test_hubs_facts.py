"""Facts of `config.json`: what is plain is said, what is not is left out."""

from __future__ import annotations

from typing import Any

import pytest

from galleryctl.hubs import facts
from galleryctl.hubs.facts import Facts, of_config
from galleryctl.hubs.gguf import Header

QWEN: dict[str, Any] = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "max_position_embeddings": 40960,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "hidden_size": 4096,
    "sliding_window": None,
    "use_sliding_window": False,
}
FACTS = Facts(("Qwen3ForCausalLM",), "qwen3", 40960, 4096, 36, 8, 128)


def memory(config: dict[str, Any]) -> tuple[int | None, ...]:
    found = of_config(config)
    return found.layers, found.kv_heads, found.head_size


def test_plain() -> None:
    assert of_config(QWEN) == FACTS
    assert FACTS.architecture == {
        "classes": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "layers": 36,
        "kv_heads": 8,
        "head_size": 128,
    }


def test_nested() -> None:
    classes = ["Qwen2_5_VLForConditionalGeneration"]
    outer = {"architectures": classes, "model_type": "qwen2_5_vl", "text_config": QWEN, "vision_config": {"depth": 3}}
    found = of_config(outer)
    assert (found.classes, found.model_type, found.context_length) == (tuple(classes), "qwen2_5_vl", 40960)
    assert (found.layers, found.kv_heads, found.head_size) == (36, 8, 128)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"head_dim": None}, (36, 8, 128)),
        ({"num_attention_heads": 30, "head_dim": None}, (None, None, None)),
        ({"layer_types": ["full_attention"] * 36}, (36, 8, 128)),
        ({"layer_types": ["linear_attention", "full_attention"] * 18}, (18, 8, 128)),
        ({"layer_types": ["sliding_attention", "full_attention"] * 18}, (None, None, None)),
        ({"layer_types": "full_attention"}, (None, None, None)),
        ({"sliding_window": 4096, "use_sliding_window": True}, (None, None, None)),
        ({"sliding_window": 4096, "use_sliding_window": False}, (36, 8, 128)),
        ({"kv_lora_rank": 512}, (None, None, None)),
        ({"is_encoder_decoder": True}, (None, None, None)),
        ({"architectures": ["BertModel"]}, (None, None, None)),
        ({"architectures": None}, (None, None, None)),
        ({"num_key_value_heads": [1, 2]}, (None, None, None)),
        ({"num_key_value_heads": 2**70}, (None, None, None)),
        ({"num_hidden_layers": True}, (None, None, None)),
        ({"num_hidden_layers": -3}, (None, None, None)),
    ],
)
def test_memory(change: dict[str, Any], expected: tuple[int | None, ...]) -> None:
    assert memory({**QWEN, **change}) == expected


def test_heads_of_older_models() -> None:
    older = {key: value for key, value in QWEN.items() if key != "num_key_value_heads"}
    assert memory(older) == (36, 32, 128)
    assert memory({**older, "multi_query": True}) == (None, None, None)


def test_positions_behind_the_padding() -> None:
    config = {"model_type": "xlm-roberta", "max_position_embeddings": 8194, "pad_token_id": 1, "hidden_size": 1024}
    assert of_config(config).context_length == 8192
    assert of_config({**config, "pad_token_id": None}).context_length is None


def test_pooling_says_the_dimensions() -> None:
    assert of_config({"hidden_size": 768}, {"word_embedding_dimension": 512}).dimensions == 512
    assert of_config({"hidden_size": 768}, {"word_embedding_dimension": "512"}).dimensions == 768


@pytest.mark.parametrize("odd", [{}, {"architectures": 3, "model_type": [], "text_config": [1], "hidden_size": {}}])
def test_nothing_of_nothing(odd: dict[str, Any]) -> None:
    assert of_config(odd) == Facts()


def test_a_shard_counts_none_but_what_it_says_of_the_whole() -> None:
    assert facts.of_header(Header({}, 7)).parameters == 7
    assert facts.of_header(Header({}, 7), shard=True).parameters is None
    assert facts.of_header(Header({"general.parameter_count": 70}, 7), shard=True).parameters == 70


@pytest.mark.parametrize(
    ("said", "template"),
    [
        ("{{ x }}", "{{ x }}"),
        ([{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}], "d"),
        ([{"name": "tool_use", "template": "t"}, 7], None),
        (" \n", None),
        ({"default": "d"}, None),
    ],
)
def test_of_several_templates_the_default_counts(said: object, template: str | None) -> None:
    assert facts.template(said) == template
