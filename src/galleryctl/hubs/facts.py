"""Facts about a model that its own files state: `config.json` beside the weights, or the header of a GGUF file.

What is uncertain is not stated: how much memory the context takes is only said of plain attention, in which every
counted layer keeps keys and values of all tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from galleryctl.hubs import gguf, shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from galleryctl.hubs.base import Hub, Snapshot
    from galleryctl.hubs.gguf import Header

_CONTEXT = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", "n_ctx", "max_seq_len")
_NESTED = ("text_config", "llm_config", "language_config")
_DECODERS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
_OTHERWISE = (  # keys of networks that keep something else than keys and values of all tokens in all layers
    *("kv_lora_rank", "is_encoder_decoder", "multi_query", "new_decoder_architecture", "global_head_dim"),
    *("layers_block_type", "hybrid_override_pattern", "attn_layer_period", "ssm_cfg", "mamba_d_state", "state_size"),
    *("block_types", "linear_attn_config", "full_attention_interval", "attention_window_size", "attn_type_list"),
    *("num_kv_shared_layers", "cross_attention_layers", "block_configs", "attention_chunk_size"),
)
_PADDED = frozenset({"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "mpnet"})
"""Their positions start behind the padding token's id, so the table is longer than any text may be."""
_ELSEWHERE = ("ssm.", "attention.kv_lora_rank", "full_attention_interval", "nextn_predict_layers", "wkv.", "shortconv.")
_FILE_TYPES = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4",
}


@dataclass(frozen=True)
class Facts:
    """What a model's files say; none where they say nothing."""

    classes: tuple[str, ...] = ()
    model_type: str | None = None
    context_length: int | None = None
    """Tokens."""
    dimensions: int | None = None
    """Length of an embedding."""
    layers: int | None = None
    """Layers that keep keys and values; stated together with the next two, or not at all."""
    kv_heads: int | None = None
    head_size: int | None = None
    parameters: int | None = None
    template: str | None = None
    quantization: str | None = None
    """`Q4_K_M`, `gptq-int4`."""

    @property
    def architecture(self) -> dict[str, Any]:
        """As `spec.architecture`."""
        said = {"classes": list(self.classes), "model_type": self.model_type, "layers": self.layers}
        said |= {"kv_heads": self.kv_heads, "head_size": self.head_size}
        return {key: value for key, value in said.items() if value}


def of_config(config: Mapping[str, Any], pooling: Mapping[str, Any] | None = None) -> Facts:
    """The facts of a `config.json`, and of the pooling that sentence-transformers keeps beside it."""
    inner = next((found for key in _NESTED if (found := shapes.mapping(config.get(key)))), config)
    classes = shapes.texts(config.get("architectures"))
    layers, heads, size = _memory(config, inner, classes)
    dimensions = shapes.whole((pooling or {}).get("word_embedding_dimension")) or shapes.whole(inner.get("hidden_size"))
    return Facts(
        classes=classes,
        model_type=shapes.text(config.get("model_type")),
        context_length=_context(inner),
        dimensions=dimensions or None,
        layers=layers,
        kv_heads=heads,
        head_size=size,
        quantization=quantization(config),
    )


def quantization(config: Mapping[str, Any]) -> str | None:
    """`awq-int4`, `gptq-int8`, `fp8`: method, and bits where it has several."""
    said = shapes.mapping(config.get("quantization_config"))
    method = shapes.text(said.get("quant_method"))
    if method is None:
        bits = shapes.whole(shapes.mapping(config.get("quantization")).get("bits"))  # as MLX writes it
        return f"mlx-{bits}bit" if bits else None
    bits = shapes.whole(said.get("bits"))
    return f"{method}-int{bits}" if bits else method


def of_file(hub: Hub, found: Snapshot, path: str, *, shard: bool = False) -> Facts:
    """The facts of a GGUF file of a source, by its header. Raises `FetchError`, of which `HeaderError` is one."""
    return of_header(gguf.header(lambda start, stop: hub.part(found, path, start, stop)), shard=shard)


def template(said: object) -> str | None:
    """What `chat_template` says: the template, or of several by name the one for all that is not special."""
    if isinstance(said, list):
        named = {shapes.text(each.get("name")): each.get("template") for each in map(shapes.mapping, said)}
        said = named.get("default")
    return said if isinstance(said, str) and said.strip() else None


def of_header(header: Header, *, shard: bool = False) -> Facts:
    """The facts of a GGUF header. The tensors of a shard are not all there are."""
    values = header.values
    name = shapes.text(values.get("general.architecture")) or ""
    kind = shapes.whole(values.get("general.file_type"))
    layers, heads, size = _cache(values, name)
    return Facts(
        model_type=name or None,
        context_length=shapes.whole(values.get(f"{name}.context_length")) or None,
        dimensions=shapes.whole(values.get(f"{name}.embedding_length")) or None,
        layers=layers,
        kv_heads=heads,
        head_size=size,
        parameters=shapes.whole(values.get("general.parameter_count"))
        or (None if shard else header.parameters or None),
        template=template(values.get("tokenizer.chat_template")),
        quantization=None if kind is None else _FILE_TYPES.get(kind),
    )


def _context(inner: Mapping[str, Any]) -> int | None:
    found = next((value for key in _CONTEXT if (value := shapes.whole(inner.get(key)))), None)
    if found and inner.get("model_type") in _PADDED:
        padding = shapes.whole(inner.get("pad_token_id"))
        return found - padding - 1 if padding is not None and found > padding + 1 else None
    return found


_Memory = tuple[int | None, int | None, int | None]
_UNKNOWN: _Memory = (None, None, None)


def _memory(config: Mapping[str, Any], inner: Mapping[str, Any], classes: tuple[str, ...]) -> _Memory:
    """Layers, heads and size of heads of a network with plain attention."""
    if not any(name.endswith(_DECODERS) for name in classes):
        return _UNKNOWN
    if any(each.get(key) for each in (config, inner) for key in _OTHERWISE):
        return _UNKNOWN
    layers = shapes.whole(inner.get("num_hidden_layers"))
    if "layer_types" in inner:
        kinds = inner["layer_types"] if isinstance(inner["layer_types"], list) else []
        if not kinds or not all(kind in {"full_attention", "linear_attention"} for kind in kinds):
            return _UNKNOWN
        layers = kinds.count("full_attention")
    elif inner.get("sliding_window") and inner.get("use_sliding_window") is not False:
        return _UNKNOWN
    heads = shapes.whole(inner.get("num_attention_heads"))
    kept = shapes.whole(inner["num_key_value_heads"]) if "num_key_value_heads" in inner else heads
    size = _head(inner, heads)
    return (layers, kept, size) if layers and kept and size else _UNKNOWN


def _head(inner: Mapping[str, Any], heads: int | None) -> int | None:
    if inner.get("head_dim") is not None:
        return shapes.whole(inner["head_dim"])
    hidden = shapes.whole(inner.get("hidden_size"))
    return hidden // heads if hidden and heads and hidden % heads == 0 else None


def _cache(values: Mapping[str, Any], name: str) -> _Memory:
    said = {key.removeprefix(f"{name}."): value for key, value in values.items() if key.startswith(f"{name}.")}
    plain = said.get("attention.causal", True) is True and not said.get("attention.sliding_window")
    if not plain or any(key.startswith(_ELSEWHERE) and said[key] for key in said):
        return _UNKNOWN
    blocks = shapes.whole(said.get("block_count"))
    heads = said.get("attention.head_count")
    kept = said.get("attention.head_count_kv", heads)
    if isinstance(kept, list):  # one number for each layer, none for those without attention
        kept = [each for each in kept if each]
        blocks, kept = len(kept), kept[0] if len(set(map(repr, kept))) == 1 else None
    size = shapes.whole(said.get("attention.key_length"))
    if "attention.key_length" not in said:
        whole, each = shapes.whole(said.get("embedding_length")), shapes.whole(heads)
        size = whole // each if whole and each and whole % each == 0 else None
    elif said.get("attention.value_length", size) != size:
        return _UNKNOWN
    count = shapes.whole(kept)
    return (blocks, count, size) if blocks and count and size else _UNKNOWN
