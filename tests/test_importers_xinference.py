"""Xinference's catalogues: what comes in is a definition, what goes out is what came in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import made
from families import (
    AUDIO,
    CHAT,
    COMMIT,
    EMBEDDING,
    IMAGE,
    NOBODY,
    RERANK,
    SAMPLES,
    TEMPLATE,
    TWIN,
    imported,
    overlay,
    read,
    released,
    round_trips,
)
from galleryctl.errors import UsageError
from galleryctl.exports.xinference import shape
from galleryctl.importers import Candidate, Options, Reference, Rejected, claim, xinference
from proving import shared

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("type_", SAMPLES)
def test_a_family_of_each_type_comes_back(type_: str) -> None:
    candidates = imported(SAMPLES[type_])
    assert {each.type for each in candidates} == {type_}
    round_trips(SAMPLES[type_], candidates)
    assert [remark for each in candidates for remark in each.remarks] == []


def leaves(value: object) -> int:
    if isinstance(value, dict):
        return sum(map(leaves, value.values())) or 1
    return (sum(map(leaves, value)) or 1) if isinstance(value, list) else 1


def test_the_catalogues_of_2025_come_back() -> None:
    own = whole = count = 0
    for path in sorted(shared("data", "xinference").glob("*.json")):
        entries = json.loads(path.read_text())
        candidates = imported(path.read_bytes(), path.name)
        round_trips(entries, candidates)
        count += len(entries)
        for candidate in candidates:
            block = overlay(candidate)
            native = leaves(block["virtualenv"]) if "virtualenv" in block else 0
            whole += leaves(candidate.model) + leaves(released(candidate)) - native
            own += sum(leaves(value) for key, value in block.items() if key != "virtualenv")
    assert count == 281
    assert own / whole <= 0.013


def test_neutral_fields_carry_the_family() -> None:
    (found,) = imported([CHAT])
    assert (found.id, found.type, found.at, found.source) == ("acme/tiny-chat", "llm", "catalogue.json:2", "Tiny-Chat")
    assert found.model == {
        "title": "Tiny-Chat",
        "featured": False,
        "summary": "A small model for tests.",
    }
    release = released(found)
    assert release["released"] == "2025-12-22T06:35:00Z"
    assert release["spec"]["prompt"]["template"] == {"file": "1.0.0.jinja"}
    assert found.texts == {"1.0.0.jinja": TEMPLATE.encode()}
    assert [variant.get("key") for variant in release["variants"]] == [None, None, "1.8b-gguf-f16"]
    assert release["variants"][0] == {
        "format": "pytorch",
        "parameters": "1.8B",
        "quantizations": ["none"],
        "sources": {
            "huggingface": {"repo": "Acme/tiny", "revision": COMMIT},
            "modelscope": {"repo": "acme/tiny"},
        },
    }
    assert overlay(found) == {"name": "Tiny-Chat", "virtualenv": {"packages": ["transformers>=4.57"]}}


def test_codes_of_languages_are_neutral_and_prose_is_kept() -> None:
    (found,) = imported([EMBEDDING])
    assert released(found)["spec"]["languages"] == ["en"]
    assert overlay(found) == {"language": ["en", "89 languages supported"]}


def test_the_second_of_two_audio_families_is_a_model_of_its_own() -> None:
    first, second = imported([AUDIO, TWIN])
    assert (first.id, second.id) == ("acme/tiny-whisper", "acme/tiny-whisper-mlx")
    assert overlay(first) == {}
    assert overlay(second) == {"name": "tiny-whisper", "cache_name": "tiny-whisper-mlx"}
    assert released(second)["variants"][0]["engines"] == ["mlx"]


def test_a_quantization_list_of_one_hub_stands_there() -> None:
    entry = json.loads(json.dumps(CHAT))
    entry["model_specs"][0]["model_src"]["modelscope"]["quantizations"] = ["none", "Int8"]
    (found,) = imported([entry])
    first = released(found)["variants"][0]
    assert first["quantizations"] == ["none"]
    assert first["sources"]["modelscope"]["quantizations"] == ["none", "Int8"]
    assert "quantizations" not in first["sources"]["huggingface"]
    round_trips([entry], [found])


def changed(entry: dict[str, Any], **values: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return entry | values


@pytest.mark.parametrize(
    ("entry", "kept", "code"),
    [
        (changed(CHAT, prompt_style={"a": "Q"}), {"extra": {"prompt_style": {"a": "Q"}}}, "SCH001"),
        (changed(CHAT, stop=[""]), {"extra": {"stop": [""]}}, "SCH003"),
        (changed(CHAT, tool_parser="mistral"), {"extra": {"tool_parser": "mistral"}}, "SCH003"),
        (changed(AUDIO, language="Klingon"), {"language": "Klingon"}, None),
        (changed(AUDIO, engine="mlx", model_format="mlx"), {"engine": "mlx"}, None),
        (changed(IMAGE, model_name="tiny-image", default_model_config={"a.b": [None, 1]}),
         {"nulls": ["default_model_config.a\\.b.0"], "cache_config": IMAGE["cache_config"]}, None),
    ],
)  # fmt: skip
def test_what_no_field_can_hold_is_kept(entry: dict[str, Any], kept: dict[str, Any], code: str | None) -> None:
    (found,) = imported([entry])
    assert {key: value for key, value in overlay(found).items() if key not in {"name", "virtualenv"}} == kept
    assert [remark.code for remark in found.remarks] == ([code] if code else [])
    round_trips([entry], [found])


def test_a_size_of_another_spelling_is_kept() -> None:
    entry = json.loads(json.dumps(CHAT))
    entry["model_specs"][0]["model_size_in_billions"] = "14"
    (found,) = imported([entry])
    assert released(found)["variants"][0]["parameters"] == "14B"
    assert overlay(found)["per_variant"] == {"14b-pytorch": {"model_size_in_billions": "14"}}
    assert [remark.code for remark in found.remarks] == ["YML008"]
    round_trips([entry], [found])


def test_a_typo_is_named() -> None:
    (found,) = imported([changed(EMBEDDING, max_token=1)])
    assert [(remark.code, "max_tokens" in remark.fix) for remark in found.remarks] == [("SCH001", True)]


def test_a_misplaced_key_is_named() -> None:
    entry = json.loads(json.dumps(EMBEDDING))
    entry["model_specs"][0]["quantizations"] = ["none"]
    (found,) = imported([entry])
    assert [remark.code for remark in found.remarks] == ["SCH004"]
    round_trips([entry], [found])


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (7, "SCH003"),
        ({"model_specs": [], "max_tokens": 1}, "SCH002"),
        (changed(CHAT, model_name=["x"]), "SCH002"),
        (changed(CHAT, version=1), "SCH003"),
        (changed(CHAT, version=True), "SCH003"),
        ({key: value for key, value in CHAT.items() if key != "version"}, "SCH003"),
        (changed(CHAT, model_name="模型"), "IDN001"),
        (changed(EMBEDDING, model_specs=[]), "IDN001"),
        ({"version": 2, "model_name": "x", "model_src": {}}, "SCH002"),
    ],
)
def test_a_bad_entry_hides_no_good_one(entry: object, code: str) -> None:
    first, second = read([entry, RERANK])
    assert isinstance(first, Rejected)
    assert [remark.code for remark in first.remarks] == [code]
    assert first.at == "catalogue.json:2"
    assert isinstance(second, Candidate)


def test_what_cannot_be_read_hides_nothing_before_it() -> None:
    first, second = read(json.dumps([RERANK]).encode()[:-1] + b", {broken}]")
    assert isinstance(first, Candidate)
    assert isinstance(second, Rejected)
    assert [remark.code for remark in second.remarks] == ["YML001"]
    with pytest.raises(UsageError, match="JSON"):
        read(b"[nothing]")


def test_half_a_character_is_refused() -> None:
    first, second = read(json.dumps([changed(CHAT, model_description="\ud800"), RERANK]).encode())
    assert isinstance(first, Rejected)
    assert isinstance(second, Candidate)


def test_the_publisher_can_be_said() -> None:
    (found,) = imported([changed(EMBEDDING, model_specs=[])], publisher="Acme Labs")
    assert found.id == "acme-labs/tiny-embed"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("image.json", "image"),
        ("llm_family.json", "llm"),
        ("embedding/model_spec.json", "embedding"),
        ("rerank/models/x.json", "rerank"),
    ],
)
def test_the_type_is_told_by_the_name_of_the_file(name: str, expected: str) -> None:
    entry = {"version": 2, "model_name": "x", "model_src": {"huggingface": {"model_id": "a/x"}}}
    assert [each.type for each in imported([entry], name)] == [expected]
    assert [each.type for each in imported([entry], name, type="audio")] == ["audio"]


def test_the_type_is_told_by_an_address() -> None:
    entry = {"version": 2, "model_name": "x", "model_src": {"huggingface": {"model_id": "a/x"}}}
    asked = Reference("https://models.example/download?model_type=video", lambda: json.dumps([entry]).encode())
    assert [each.type for each in xinference.read(asked, NOBODY, Options()) if isinstance(each, Candidate)] == ["video"]


def test_the_registration_form_is_read() -> None:
    form = {
        **{key: value for key, value in CHAT.items() if key not in {"model_specs", "featured", "updated_at"}},
        "model_family": "qwen3",
        "model_specs": [
            {
                "model_format": "ggufv2",
                "model_size_in_billions": 4,
                "quantization": "Q8_0",
                "model_id": "acme/tiny-GGUF",
                "model_hub": "modelscope",
                "model_uri": None,
                "model_file_name_template": "tiny-Q8_0.gguf",
            }
        ],
    }
    (found,) = imported(form)
    assert released(found)["variants"] == [
        {
            "format": "gguf",
            "parameters": "4B",
            "quantizations": ["Q8_0"],
            "sources": {"modelscope": {"repo": "acme/tiny-GGUF", "file": "tiny-Q8_0.gguf"}},
        }
    ]
    assert overlay(found)["register_family"] == "qwen3"
    assert "extra" not in overlay(found)


@pytest.mark.parametrize(
    ("type_", "own", "variant"),
    [
        ("image", {"model_family": "stable_diffusion", "model_ability": ["text2image"]}, {}),
        ("audio", {"model_family": "whisper", "multilingual": True, "model_ability": ["audio2text"]}, {}),
        (
            "embedding",
            {"dimensions": 8, "max_tokens": 9, "language": ["en"]},
            {"format": "pytorch", "quantizations": ["none"]},
        ),
    ],
)
def test_the_registration_form_of_other_types_is_read(type_: str, own: dict[str, Any], variant: dict[str, Any]) -> None:
    form = {"model_name": "own", "model_id": "acme/own", "model_revision": COMMIT, "model_uri": None, **own}
    (found,) = imported(form | {"model_hub": "modelscope"})
    sources = {"modelscope": {"repo": "acme/own", "revision": COMMIT}}
    assert (found.type, released(found)["variants"]) == (type_, [{**variant, "sources": sources}])
    assert overlay(found) == {}


def test_a_folder_of_catalogues_is_read(tmp_path: Path) -> None:
    for type_, entries in SAMPLES.items():
        folder = tmp_path / type_ / "models"
        folder.mkdir(parents=True)
        (folder / f"{entries[0]['model_name']}.json").write_text(json.dumps(entries))
    (tmp_path / "llm" / "models" / "broken.json").write_text('[{"model_name": "x", "model_specs": [}]')
    asked = Reference(str(tmp_path), bytes, tmp_path)
    assert claim(asked) is xinference
    found = list(xinference.read(asked, NOBODY, Options()))
    assert {each.type for each in found if isinstance(each, Candidate)} == set(SAMPLES)
    assert [(each.at, each.remarks[0].code) for each in found if isinstance(each, Rejected)] == [
        ("llm/models/broken.json", "YML001")
    ]


@pytest.mark.parametrize(
    "data",
    [b"[]", b"{}", b"", b"[1]", b'[{"model_name": "x"}]', b'{"models": [{"name": "x"}]}', b"- model_name: x", b"\xff"],
)
def test_other_files_are_not_claimed(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.json"
    path.write_bytes(data)
    assert not xinference.claims(Reference(str(path), path.read_bytes, path))


@pytest.mark.parametrize("type_", SAMPLES)
def test_a_catalogue_is_claimed_by_this_one_alone(type_: str, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(SAMPLES[type_]))
    assert claim(Reference(str(path), path.read_bytes, path)) is xinference


def test_the_samples_are_right() -> None:
    assert {type_: [shape.faults(type_, entry) for entry in found] for type_, found in SAMPLES.items()} == {
        type_: [[] for _ in found] for type_, found in SAMPLES.items()
    }
    assert set(SAMPLES) <= set(made.TYPES)


def test_builds_of_one_name_become_models_told_apart_by_what_differs() -> None:
    eight, four, other = (
        TWIN | {"quantization": "8bit"},
        TWIN | {"quantization": "4bit", "cache_name": "tiny-whisper-4bit"},
        AUDIO,
    )
    candidates = imported([eight, four, other, eight])
    assert [each.id for each in candidates] == [
        "acme/tiny-whisper",
        "acme/tiny-whisper-mlx",
        "acme/tiny-whisper-pytorch",
        "acme/tiny-whisper",
    ]
    round_trips([eight, four, other, eight], candidates)


def test_several_languages_of_an_audio_model_are_neutral() -> None:
    entry = {key: value for key, value in AUDIO.items() if key != "language"} | {"model_lang": ["en", "de"]}
    (found,) = imported([entry])
    assert released(found)["spec"]["languages"] == ["en", "de"]
    assert overlay(found) == {}
    round_trips([entry], [found])
