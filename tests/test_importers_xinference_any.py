"""Any family of Xinference, and any nonsense: nothing raises, and what is right comes back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from families import TEMPLATE, given_back, read
from galleryctl.exports.xinference import shape
from galleryctl.exports.xinference.laying import lay, residue, same, with_nulls, without_nulls
from galleryctl.importers import Rejected

TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=20).filter(
    str.strip
)
VISIBLE = st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Co", "Cn"])
WORDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,12}", fullmatch=True)
NUMBERS = st.integers(1, 2**40)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
REPOS = st.builds(lambda name: f"acme/{name}", WORDS)
SIZES = st.integers(1, 999) | st.from_regex(r"[0-9]{1,3}(_[0-9]{1,2})?", fullmatch=True)


def some(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


HUB = some(
    {"model_id": REPOS, "quantizations": st.lists(WORDS, min_size=1, max_size=3), "model_file_name_template": WORDS},
    {
        "model_revision": WORDS,
        "model_file_name_split_template": WORDS,
        "quantization_parts": st.dictionaries(WORDS, st.lists(WORDS, min_size=1, max_size=2), max_size=2),
        "multimodal_projectors": st.lists(WORDS, max_size=2),
        "draft_model_id": REPOS,
        "draft_quantizations": st.lists(WORDS, max_size=2),
    },
)
MEDIA_HUB = some(
    {"model_id": REPOS, "model_revision": WORDS},
    {"gguf_model_id": REPOS, "gguf_quantizations": st.lists(WORDS, min_size=1, max_size=2)},
)


def sourced(hub: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return some({"huggingface": hub}, {"modelscope": hub, "csghub": hub})


def specs(type_: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    formats = ["pytorch", "ggufv2", "mlx"] if type_ == "llm" else ["pytorch", "ggufv2"]
    required: dict[str, Any] = {"model_format": st.sampled_from(formats), "model_src": sourced(HUB)}
    required |= {"model_size_in_billions": SIZES} if type_ == "llm" else {}
    return st.lists(
        some(required, {"activated_size_in_billions": SIZES} if type_ == "llm" else {}), min_size=1, max_size=4
    )


ALL = {"version": st.just(2), "model_name": WORDS, "updated_at": st.integers(0, 2**32)}
MORE = {"featured": st.booleans(), "virtualenv": st.fixed_dictionaries({"packages": st.lists(TEXTS, max_size=2)})}
CONFIG = st.dictionaries(WORDS, JSONS, max_size=3)
FAMILIES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "llm": some(
        {
            **ALL,
            "model_lang": st.lists(TEXTS, min_size=1, max_size=2),
            "model_ability": st.lists(st.sampled_from(["chat", "tools", "vision"]), min_size=1, max_size=3),
            "model_specs": specs("llm"),
        },
        {
            **MORE,
            "context_length": NUMBERS,
            "model_description": st.text(VISIBLE, max_size=250),
            "chat_template": st.sampled_from(["", "x", "{{ messages }}\r\n", TEMPLATE, " \n"]),
            "stop": st.lists(st.text("ab|<>", max_size=4), max_size=2),
            "stop_token_ids": st.lists(st.integers(0, 10), max_size=2),
            "reasoning_start_tag": TEXTS,
            "tool_parser": st.sampled_from(["qwen", "other"]),
            "prompt_style": JSONS.filter(lambda value: value is not None),
        },
    ),
    "embedding": some(
        {
            **ALL,
            "dimensions": NUMBERS,
            "max_tokens": NUMBERS,
            "language": st.lists(TEXTS, min_size=1, max_size=2),
            "model_specs": specs("embedding"),
        },
        MORE,
    ),
    "rerank": some(
        {**ALL, "language": st.lists(TEXTS, min_size=1, max_size=2), "model_specs": specs("rerank")},
        {**MORE, "max_tokens": NUMBERS, "type": st.sampled_from(["normal", "LLM-based", "unknown"])},
    ),
    "image": some(
        {
            **ALL,
            "model_family": TEXTS,
            "model_ability": st.lists(st.sampled_from(["text2image", "docanalyze"]), min_size=1, max_size=2),
            "model_src": sourced(MEDIA_HUB),
        },
        {
            **MORE,
            "default_model_config": CONFIG,
            "default_generate_config": CONFIG,
            "controlnet": st.lists(st.dictionaries(WORDS, TEXTS, max_size=2), max_size=2),
        },
    ),
    "audio": some(
        {
            **ALL,
            "model_family": TEXTS,
            "model_ability": st.just(["audio2text"]),
            "multilingual": st.booleans(),
            "model_src": sourced(MEDIA_HUB),
        },
        {
            **MORE,
            "language": st.sampled_from(["EN", "JP", "Klingon"]),
            "engine": st.sampled_from(["MLX", "mlx", "PyTorch", "own"]),
            "model_format": st.sampled_from(["mlx", "pytorch"]),
            "default_transcription_config": CONFIG,
            "cache_name": WORDS,
        },
    ),
    "video": some(
        {
            **ALL,
            "model_family": TEXTS,
            "model_ability": st.just(["text2video"]),
            "model_src": sourced(MEDIA_HUB),
        },
        {**MORE, "default_model_config": CONFIG, "default_generate_config": CONFIG},
    ),
}  # fmt: skip


@pytest.mark.parametrize("type_", FAMILIES)
@settings(max_examples=30)
@given(data=st.data())
def test_any_family_comes_back(type_: str, data: st.DataObject) -> None:
    entry = data.draw(FAMILIES[type_])
    found = read([entry], f"{type_}.json")[0]
    if isinstance(found, Rejected):  # a name of which no id can be made
        assert [remark.code for remark in found.remarks] == ["IDN001"]
        return
    assert given_back(found) == ([] if shape.faults(type_, entry) else [entry])


@settings(max_examples=30)
@given(st.lists(st.dictionaries(WORDS | st.sampled_from(["model_name", "model_specs", "model_src", "version"]), JSONS)))
def test_nothing_raises(entries: list[dict[str, Any]]) -> None:
    for type_ in FAMILIES:
        whole = [{"version": 2, "model_name": "x", **entry} for entry in entries]
        assert len(read(whole, f"{type_}.json", publisher="acme")) == len(entries)


@given(JSONS)
def test_nulls_come_back(value: object) -> None:
    bare, paths = without_nulls({"top": value})
    assert with_nulls(bare, paths) == {"top": value}


@given(st.dictionaries(WORDS, JSONS, max_size=4), st.dictionaries(WORDS, JSONS, max_size=4))
def test_a_residue_brings_all_of_a_value(wanted: dict[str, Any], base: dict[str, Any]) -> None:
    laid = lay(base, residue(wanted, base))
    assert residue(wanted, laid) == {}
    assert all(key in laid for key in wanted)
    assert same(lay({}, residue(wanted, {})), wanted)


@pytest.mark.parametrize("format_", ["A" * 96, "\u00e9" * 200])
def test_a_format_that_is_longer_than_a_key_stops_nothing(format_: str) -> None:
    source = {"huggingface": {"model_id": "a/b", "quantizations": ["none"]}}
    specs = [{"model_format": format_, "model_size_in_billions": 1, "model_src": source}] * 3
    entry = {"version": 2, "model_name": "x", "context_length": 1, "model_lang": ["en"], "model_ability": ["chat"]}
    assert len(read([entry | {"model_specs": specs}], "llm.json")) == 1
