"""GGUF headers: what the reference writer writes is read by ranges, and what lies is refused."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

import gguf as reference
import numpy as np
import pytest

from galleryctl.fetch import FetchError
from galleryctl.hubs import facts
from galleryctl.hubs.gguf import HeaderError, header

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Part = Callable[[int, int], bytes]


def reader(data: bytes, asked: list[tuple[int, int]] | None = None) -> Part:
    def part(start: int, stop: int) -> bytes:
        if asked is not None:
            asked.append((start, stop))
        return data[start:stop]

    return part


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., bytes]:
    """A file of the reference writer: `written(architecture, words, fill)`."""

    def write(
        fill: Callable[[reference.GGUFWriter], object] = lambda _: None, architecture: str = "qwen3", words: int = 10
    ) -> bytes:
        path = tmp_path / "model.gguf"
        writer = reference.GGUFWriter(path, architecture)
        writer.add_context_length(40960)
        writer.add_block_count(36)
        writer.add_embedding_length(4096)
        writer.add_head_count(32)
        writer.add_file_type(reference.LlamaFileType.MOSTLY_Q4_K_M)
        writer.add_tokenizer_model("gpt2")
        writer.add_token_list([f"word{index}" for index in range(words)])
        writer.add_token_types([1] * words)
        fill(writer)
        writer.add_chat_template("{{ messages }}")
        writer.add_tensor("output.weight", np.zeros((100, 30), dtype=np.float32))
        writer.add_tensor("norm.weight", np.zeros(7, dtype=np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path.read_bytes()

    return write


def test_facts(written: Callable[..., bytes]) -> None:
    def fill(writer: reference.GGUFWriter) -> None:
        writer.add_head_count_kv(8)
        writer.add_key_length(128)
        writer.add_value_length(128)

    assert facts.of_header(header(reader(written(fill)))) == facts.Facts(
        model_type="qwen3",
        context_length=40960,
        dimensions=4096,
        layers=36,
        kv_heads=8,
        head_size=128,
        parameters=3007,
        template="{{ messages }}",
        quantization="Q4_K_M",
    )


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        (lambda writer: None, (36, 32, 128)),  # noqa: ARG005 - as many as heads, of equal parts
        (lambda writer: writer.add_head_count_kv(4), (36, 4, 128)),
        (lambda writer: writer.add_head_count_kv([0, 0, 8, 0, 0, 8]), (2, 8, 128)),
        (lambda writer: writer.add_head_count_kv([4, 8, 8]), (None, None, None)),
        (lambda writer: writer.add_sliding_window(4096), (None, None, None)),
        (lambda writer: writer.add_causal_attention(False), (None, None, None)),
        (lambda writer: writer.add_kv_lora_rank(512), (None, None, None)),
        (lambda writer: writer.add_ssm_state_size(16), (None, None, None)),
        (lambda writer: (writer.add_key_length(192), writer.add_value_length(128)), (None, None, None)),
    ],
)
def test_memory_is_said_of_plain_attention_only(
    written: Callable[..., bytes], fill: object, expected: tuple[int | None, ...]
) -> None:
    found = facts.of_header(header(reader(written(fill))))
    assert (found.layers, found.kv_heads, found.head_size) == expected


def test_only_the_header_is_read(written: Callable[..., bytes]) -> None:
    whole = written(words=150_000)
    asked: list[tuple[int, int]] = []
    padded = whole + bytes(100 * 2**20)
    start = time.monotonic()
    assert header(reader(padded, asked)).values["tokenizer.chat_template"] == "{{ messages }}"
    assert time.monotonic() - start < 5
    assert sum(stop - start for start, stop in asked) < len(whole) + 2**21
    assert "tokenizer.ggml.tokens" not in header(reader(padded)).values


def test_every_cut_is_noticed(written: Callable[..., bytes]) -> None:
    whole = written()
    end = whole.rindex(b"norm.weight") + len(b"norm.weight") + 4 + 8 + 12
    assert header(reader(whole[:end])).parameters == 3007
    for length in range(end):
        with pytest.raises(HeaderError):
            header(reader(whole[:length]))


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


START = b"GGUF" + struct.pack("<I", 3)
HUGE = struct.pack("<Q", 2**60)
ONE = struct.pack("<QQ", 0, 1) + text("a")  # no tensor, one key


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GGML" + bytes(100),
        b"GGUF" + struct.pack(">I", 3) + bytes(100),
        b"GGUF" + struct.pack("<I", 1) + bytes(100),
        START + HUGE + struct.pack("<Q", 0),
        START + struct.pack("<Q", 0) + HUGE,
        START + struct.pack("<QQ", 0, 1) + HUGE,
        START + ONE + struct.pack("<I", 8) + HUGE,
        START + ONE + struct.pack("<I", 9) + struct.pack("<I", 4) + HUGE,
        START + ONE + struct.pack("<I", 9) + struct.pack("<I", 8) + HUGE,
        START + ONE + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 1000,
        START + ONE + struct.pack("<I", 99),
        START + struct.pack("<QQ", 1, 0) + text("t") + struct.pack("<I", 2**31),
        START + struct.pack("<QQ", 1, 0) + text("t") + struct.pack("<I4Q", 4, *([2**62] * 4)) + bytes(12),
        START + struct.pack("<QQ", 2**17, 2**14),
    ],
)
def test_lies(data: bytes) -> None:
    start = time.monotonic()
    with pytest.raises(HeaderError):
        header(reader(data + bytes(2**16 if data.endswith(HUGE) else 0)))
    assert time.monotonic() - start < 1


def test_header_without_end() -> None:
    """One large text after the other, each of them allowed."""
    start = START + struct.pack("<QQ", 0, 2**14)
    unit = text("k") + struct.pack("<IQ", 8, 2**20) + bytes(2**20)
    fetched = 0

    def part(begin: int, end: int) -> bytes:
        nonlocal fetched
        fetched += end - begin
        if begin == 0:
            return (start + unit * 3)[:end]
        shift = (begin - len(start)) % len(unit)
        return (unit * ((end - begin) // len(unit) + 2))[shift : shift + end - begin]

    with pytest.raises(FetchError, match="more than 64 MiB"):
        header(part)
    assert fetched < 70 * 2**20


def test_odd_values_are_no_facts() -> None:
    keys = [("general.architecture", 4, struct.pack("<I", 7)), ("general.file_type", 8, text("x"))]
    keys += [("tokenizer.chat_template", 8, struct.pack("<Q", 2) + b"\xff\xfe")]
    body = b"".join(text(key) + struct.pack("<I", kind) + value for key, kind, value in keys)
    found = facts.of_header(header(reader(START + struct.pack("<QQ", 0, 3) + body)))
    assert found == facts.Facts(template="\ufffd\ufffd")
