"""Entries of JSON catalogues, values of any shape, and the odder entries of LM Studio and models.dev."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from galleryctl.errors import UsageError
from galleryctl.importers import Candidate, Options, Reference, Rejected, claim, lmstudio, modelsdev, records, reference
from galleryctl.importers.records import Reading, Record
from test_importers import fetcher
from test_importers_catalogues import G4, LM, MD, NOBODY, codes, one, told

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("data", "name"), [([LM], "lmstudio"), ([G4], "gpt4all"), ({"acme/t": MD}, "modelsdev")])
def test_an_address_is_told_by_what_lies_there(data: object, name: str) -> None:
    address = "https://acme.example/some/list.json?raw=1"
    source = fetcher({address: b"\xef\xbb\xbf\n" + json.dumps(data).encode()})
    found = reference(address, source)
    assert name == claim(found).NAME
    (made,) = claim(found).read(found, source, Options())
    assert made.at.startswith("list.json:")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\xff", "not UTF-8"),
        (b"{}", "no JSON array"),
        (b"[1 2]", "comma"),
        (b"[" * 200_000, "JSON"),
        (b'["a\\"', "JSON"),
    ],
)
def test_what_is_no_array(data: bytes, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        list(records.array("a.json", data))


def test_numbers_that_nobody_can_hold_are_absent() -> None:
    text = b"[1e999, NaN, -Infinity, " + b"9" * 5000 + b", 12, 1.5]"
    assert [each.value for each in records.array("a.json", text)] == [None, None, None, None, 12, 1.5]


@pytest.mark.parametrize(
    ("value", "number"),
    [("12", 12), (12.0, 12), (2**53, None), ("-1", None), ("\u0661", None), (True, None), (None, None), ("1.5", None)],
)
def test_whole_numbers(value: object, number: int | None) -> None:
    assert records.whole(value) == number


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "https://",
        "https://[::1",
        "https://a.example/../../x",
        "https://a.example/%2e%2e/x",
        "https://a.example/a b",
        "file:///etc/passwd",
        "https://user@a.example/",
        7,
    ],
)
def test_what_is_no_address(text: object) -> None:
    assert records.address(text) is None


def test_repositories_of_hubs() -> None:
    assert records.repository("https://huggingface.co/a/b/tree/main") == ("huggingface", "a/b", "main")
    assert records.repository("https://www.modelscope.cn/models/a/b") == ("modelscope", "a/b", None)
    assert records.repository("https://huggingface.co/datasets/a") is None
    assert records.hub_file("https://a.example/a/b/resolve/main/c") is None
    assert records.hub_file(None) is None


def test_characters_that_nobody_sees_are_left_out_and_told() -> None:
    reading = Reading({"name": " Ti\u200bny\u202e\r\nmodel\x00 "})
    assert reading.line("name") == "Tiny model"
    assert [remark.code for remark in reading.remarks] == ["TXT002"]


def test_a_descriptor_alone_and_a_catalogue_without_names(tmp_path: Path) -> None:
    file = tmp_path / "tiny.json"
    file.write_text(json.dumps(LM))
    (made,) = lmstudio.read(told(file, file.read_bytes()), NOBODY, Options(publisher="mills"))
    assert (made.at, one(made)[2].id) == ("tiny.json:1", "mills/tiny-chat-1b")
    for change, code in (({"name": None}, "SCH002"), ({"name": "模型"}, "IDN001"), ({"files": {}}, "FIL004")):
        bad = lmstudio.translate("1", {**LM, **change}, Options())
        assert isinstance(bad, Rejected)
        assert bad.remarks[-1].code == code


def test_files_of_two_repositories_are_two_variants() -> None:
    first, second = LM["files"]["all"]
    other = second | {"url": "https://acme.example/files/tiny.Q8_0.gguf"}
    again = {**first, "quantization": "Q5_0"}
    _, release, made = one(lmstudio.translate("1", {**LM, "files": {"all": [first, other, again, "x"]}}, Options()))
    assert [variant.key for variant in release.variants] == ["mills-tiny-chat-gguf-gguf", "gguf"]
    assert release.variants[1].files["Q8_0"][0].url == "https://acme.example/files/tiny.Q8_0.gguf"
    assert {"FIL010", "SRC002"} <= codes(made)
    paths = [f"{name}.gguf" for name in ("a", "b")]
    files = {quantization: [{"path": path}] for quantization, path in zip(("Q4_0", "Q8_0"), paths, strict=True)}
    assert lmstudio.pattern(files) is None
    assert lmstudio.pattern({"Q4_0": [{"path": "a"}, {"path": "b"}]}) is None


def test_weights_of_models_dev() -> None:
    hub = "https://huggingface.co/Acme"
    weights: list[Any] = [
        {"url": f"{hub}/Tiny/tree/{'a' * 40}", "format": "safetensors", "quantization": "bf16"},
        {"url": f"{hub}/Tiny-FP8", "quantization": "FP8"},
        {"url": f"{hub}/Tiny-GGUF", "format": "GGUF", "quantization": "q4_k_m"},
        {"url": "https://acme.example/tiny.zip", "format": "GGUF"},
        {"label": "nowhere"},
    ]
    model, release, made = one(
        modelsdev.translate(Record("x", {**MD, "weights": weights, "license": "MIT"}), Options())
    )
    assert model.license == "MIT"
    first, second, third, fourth = release.variants
    assert (first.format, first.quantizations, second.format) == ("safetensors", ("bf16",), "fp8")
    assert first.sources
    assert first.sources.huggingface
    assert first.sources.huggingface.revision == "a" * 40
    assert (third.quantizations, third.key, fourth.key) == (("Q4_K_M",), "tiny-gguf-3", "weights-4")
    assert "URL001" in codes(made)
    _, _, odd = one(modelsdev.translate(Record("x", {**MD, "license": "https://x.example"}), Options()))
    assert "LIC002" in codes(odd)


def test_a_file_of_models_dev_and_what_is_none(tmp_path: Path) -> None:
    file = tmp_path / "tiny.toml"
    file.write_text("name = 'Tiny'\nopen_weights = true\n")
    (made,) = modelsdev.read(told(file, file.read_bytes()), NOBODY, Options(publisher="acme", type="embedding"))
    assert isinstance(made, Candidate)
    assert (made.id, made.type, made.at) == ("acme/tiny", "embedding", "tiny.toml")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "pyproject.toml").write_text("[project]\n")
    assert not modelsdev.claims(Reference("other", bytes, tmp_path / "other"))
    with pytest.raises(UsageError, match="no object of models"):
        list(modelsdev.read(told(tmp_path / "x.json", b'{"models": 3}'), NOBODY, Options()))
    found = list(modelsdev.read(told(tmp_path / "x.json", b'{"a": 3, "b": {"open_weights": true}}'), NOBODY, Options()))
    assert [codes(each) for each in found] == [{"SCH003"}, {"SCH002"}]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8.0B", "8B"),
        ("1.50 b", "1.5B"),
        ("335M", "335M"),
        ("8", None),
        ("B", None),
        ("8BB", None),
        ("", None),
        (None, None),
    ],
)
def test_a_size_is_said_as_definitions_have_it(text: str | None, size: str | None) -> None:
    assert records.parameters(text) == size
