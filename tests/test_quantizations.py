"""What a variant offers, and whether its names lead to files."""

from __future__ import annotations

import pytest

import judged
from galleryctl.problems import Severity
from judged import TINY, release


def gguf(names: list[str], files: dict[str, str] | None = None, **source: object) -> dict[str, object]:
    found = {name: [{"path": path}] for name, path in (files or {}).items()}
    sources = {"huggingface": {"repo": "acme/tiny", **source}}
    return {"format": "gguf", "parameters": "1B", "quantizations": names, "sources": sources, "files": found}


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        (gguf(["Q8_0"], {"Q8_0": "a.gguf"}), []),
        (gguf(["Q8_0"], {"default": "a.gguf"}), []),
        (gguf(["Q8_0"], {"Q4_0": "a.gguf"}), ["Q4_0"]),
        (gguf(["Q8_0"], {"Q4_0": "a.gguf"}, quantizations=["Q4_0"]), []),
        (gguf(["Q8_0"], parts={"Q8_0": ["1"], "F16": ["1", "2"]}, parts_file="a-{quantization}-{part}"), ["F16"]),
        ({"files": {"none": [{"path": "a"}]}}, []),
        ({"files": {"Q4_0": [{"path": "a"}]}}, ["Q4_0"]),
    ],
)
def test_what_has_files_is_listed(variant: dict[str, object], said: list[str]) -> None:
    assert [message.split()[0] for message in judged.messages(release(variant), "QNT001")] == said


def test_no_name_of_files_becomes_a_second_line() -> None:
    variant = {"format": "gguf", "quantizations": ["Q4\nFROM evil"], "sources": {"oci": {"image": "a/b\rFROM evil"}}}
    assert judged.messages(release(variant), "SCH003") == [
        "an item of `quantizations` has a line break or a control character",
        "`image` has a line break or a control character",
    ]


@pytest.mark.parametrize(
    ("variant", "severities"),
    [
        (gguf(["Q8_0"], {"Q8_0": "a.gguf"}), []),
        (gguf(["Q8_0", "Q4_0"], {"Q8_0": "a.gguf"}), [Severity.ERROR]),
        (gguf(["Q8_0", "Q4_0"]), [Severity.WARN]),
        (gguf(["Q8_0", "Q4_0"], {"default": "a.gguf"}), []),
    ],
)
def test_what_is_listed_has_files(variant: dict[str, object], severities: list[Severity]) -> None:
    assert [problem.severity for problem in judged.problems(release(variant), "QNT002")] == severities


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"file": "t-{quantization}.gguf"}, []),
        ({"file": "t.gguf"}, ["2 quantizations, but t.gguf is one file"]),
        ({"file": "t.gguf", "quantizations": ["Q8_0"]}, []),
        ({"file": "t-{quant}.gguf"}, ["`{quant}` is no placeholder here"]),
        ({"file": "t-{quantization}-{part}.gguf"}, ["`{part}` is no placeholder here"]),
        ({"parts_file": "t-{quantization}-{part}.gguf", "parts": {"Q8_0": ["1"]}}, []),
        ({"file": "{quantization}/}.gguf"}, ["'{quantization}/}.gguf' has a brace without its other half"]),
        ({"draft": {"repo": "a/b", "file": "{draft_quantization}.gguf"}}, []),
        ({"lora": {"repo": "a/b", "file": "{lightning_version}.safetensors"}}, []),
        ({"lora": {"repo": "a/b", "file": "{quantization}.safetensors"}}, ["`{quantization}` is no placeholder here"]),
        ({"gguf": {"repo": "a/b", "file": "{}.gguf"}}, ["`{}` is no placeholder here"]),
    ],
)
def test_placeholders(source: dict[str, object], said: list[str]) -> None:
    assert judged.messages(release(gguf(["Q4_0", "Q8_0"], None, **source)), "QNT003") == said


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"format": "gguf"}, {"format": "mlx"}, False),
        ({"format": "gguf"}, {"format": "gguf"}, True),
        ({"format": "gguf"}, {"format": "gguf", "key": "b"}, True),
        ({"format": "gguf"}, {"format": "gguf", "key": "b", "quantizations": ["Q4_0"]}, False),
        ({"format": "gguf", "engines": ["vllm"]}, {"format": "gguf", "key": "b", "engines": ["llama.cpp"]}, False),
        ({"format": "gguf", "active": "1B"}, {"format": "gguf", "key": "b"}, False),
        ({"key": "a", "parameters": None}, {"key": "b", "parameters": None}, False),
        ({"key": "a", "parameters": None}, {"key": "a", "parameters": None}, True),
    ],
)
def test_choices(one: dict[str, object], other: dict[str, object], said: bool) -> None:
    variants = [{"parameters": "8B", "quantizations": ["Q8_0"], **each} for each in (one, other)]
    told = [{key: value for key, value in each.items() if value is not None} for each in variants]
    assert len(judged.problems(release(*told), "QNT004")) == int(said)


@pytest.mark.parametrize(
    ("name", "path", "meant"),
    [
        ("Q4_K_M", None, None),
        ("UD-Q4_K_XL", None, None),
        ("i1-IQ3_XXS", None, None),
        ("IQ4_NL", None, None),
        ("TQ1_0", None, None),
        ("UD-TQ1_0", None, None),
        ("MXFP4_MOE", None, None),
        ("Q4_0_4_4", None, None),
        ("BF16", None, None),
        ("fp16", "t-fp16.gguf", None),
        ("q4_k_m", "t-q4_k_m.gguf", None),
        ("q4_k_m", "t-Q4_K_M.gguf", "Q4_K_M"),
        ("q4-k-m", "t-Q4_K_M.gguf", "Q4_K_M"),
        ("UD-q2_k_xl", "t-UD-Q2_K_XL.gguf", "UD-Q2_K_XL"),
        ("I1-iq1_s", "t.i1-IQ1_S.gguf", "i1-IQ1_S"),
        ("q4_k_m", "weights.gguf", None),
        ("q4_k_m", None, "Q4_K_M"),
        ("surprise", "t.gguf", None),
    ],
)
def test_spellings(name: str, path: str | None, meant: str | None) -> None:
    files = release(gguf([name], {name: path} if path else None))
    found = judged.problems(files, "QNT005")
    assert [problem.fix for problem in found] == ([f"write `{meant}`"] if meant else [])
    if meant:
        text = files[f"{TINY}/1.0.0.json"]
        assert text is not None
        assert name not in judged.mended({f"{TINY}/1.0.0.json": text}, found)


def test_a_pattern_of_the_source_spells_its_quantizations() -> None:
    assert judged.problems(release(gguf(["q4_k_m"], None, file="t-{quantization}.gguf")), "QNT005") == []


@pytest.mark.parametrize("name", ["Int4", "4bit", "8-bit", "awq", "W4A16"])
def test_quantizations_of_other_formats(name: str) -> None:
    assert len(judged.problems(release(gguf([name])), "QNT005")) == 1


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        (gguf(["Q8_0"], None, file="a.gguf"), False),
        (gguf(["Q8_0"], None, file=""), True),
        (gguf(["Q8_0"], {"Q8_0": "a.gguf"}, file=""), True),
        (gguf(["Q8_0"], {"Q8_0": "a.gguf"}), False),
        (gguf(["Q8_0"]), True),
        (gguf(["Q8_0"], None, parts_file="{part}.gguf"), False),
        ({**gguf(["4bit"]), "format": "mlx"}, False),
    ],
)
def test_a_gguf_source_names_its_file(variant: dict[str, object], said: bool) -> None:
    assert (judged.problems(release(variant), "QNT006") != []) is said
