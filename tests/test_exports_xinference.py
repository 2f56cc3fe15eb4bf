"""The Xinference export: catalogues and registrations, and the reasons for what is left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

import exported
import made
from families import AUDIO, CHAT, COMMIT, EMBEDDING, IMAGE, SAMPLES, VIDEO, imported
from galleryctl.exports import xinference
from galleryctl.exports.xinference import shape
from proving import shared

GGUF = "https://huggingface.co/acme/tiny-GGUF/resolve/main"
SPEC: dict[str, Any] = {"context_length": 4096, "languages": ["en"], "abilities": ["chat"]}
DIGEST = "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea"


def release(*variants: dict[str, Any], spec: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - fields
    return {"released": "2025-05-01T08:00:00Z", "spec": SPEC if spec is None else spec, "variants": variants, **more}


def tensors(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a variant
    hub = {"huggingface": {"repo": "acme/tiny", "revision": COMMIT}}
    return {"format": "pytorch", "parameters": "1.8B", "quantizations": ["none"], "sources": hub, **more}


def entry(one: dict[str, Any], type_: str = "llm", identifier: str = "acme/tiny", **model: Any) -> Any:  # noqa: ANN401 - fields
    return made.entry(identifier, type_, releases={"1.0.0": one}, **model)


def families(one: dict[str, Any], type_: str = "llm", **model: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - fields
    found: list[dict[str, Any]] = json.loads(exported.files("xinference", entry(one, type_, **model))[f"{type_}.json"])
    return found


def reasons(one: dict[str, Any], type_: str = "llm") -> list[str]:
    found = exported.left("xinference", entry(one, type_))
    return [reason for each in found.values() for *_, reason in each]


WORKED_BUILD: dict[str, Any] = {
    "format": "gguf",
    "parameters": "0.6B",
    "engines": ["llama.cpp"],
    "quantizations": ["Q4_K_M", "Q8_0"],
    "sources": {
        "huggingface": {
            "repo": "acme/qwen3-support-gguf",
            "revision": "2" * 40,
            "file": "qwen3-support-{quantization}.gguf",
        }
    },
}
WORKED_PROMPT: dict[str, Any] = {
    "template": "{{ messages }}",
    "stop": ["<|im_end|>"],
    "stop_token_ids": [151643],
    "reasoning": {"start": "<think>", "end": "</think>"},
    "tool_parser": "qwen",
}
WORKED_SPEC: dict[str, Any] = {
    **SPEC,
    "family": "qwen3",
    "abilities": ["chat", "tools"],
    "architecture": {"classes": ["Qwen3ForCausalLM"], "model_type": "qwen3"},
    "prompt": WORKED_PROMPT,
}
WORKED = release(
    WORKED_BUILD,
    spec=WORKED_SPEC,
    released="2026-11-20T09:00:00Z",
    runtimes={"xinference": {"virtualenv": {"packages": ["#vllm_dependencies#"]}}},
)
WORKED_SOURCE = {
    "model_id": "acme/qwen3-support-gguf",
    "quantizations": ["Q4_K_M", "Q8_0"],
    "model_revision": "2" * 40,
    "model_file_name_template": "qwen3-support-{quantization}.gguf",
}
WORKED_FAMILY: dict[str, Any] = {
    "version": 2,
    "model_name": "qwen3-support",
    "context_length": 4096,
    "model_lang": ["en"],
    "model_ability": ["chat", "tools"],
    "model_description": "Small.",
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "chat_template": "{{ messages }}",
    "stop": ["<|im_end|>"],
    "stop_token_ids": [151643],
    "reasoning_start_tag": "<think>",
    "reasoning_end_tag": "</think>",
    "tool_parser": "qwen",
    "virtualenv": {"packages": ["#vllm_dependencies#"]},
    "featured": True,
    "updated_at": 1795165200,
    "model_specs": [
        {"model_format": "ggufv2", "model_size_in_billions": "0_6", "model_src": {"huggingface": WORKED_SOURCE}}
    ],
}


def test_the_worked_example() -> None:
    files = exported.files(
        "xinference",
        entry(WORKED, identifier="acme/qwen3-support", summary={"zh": "小", "en": "Small."}, featured=True),
    )
    assert json.loads(files["llm.json"]) == [WORKED_FAMILY]
    form = json.loads(files["register/llm/qwen3-support.json"])
    assert form["model_family"] == "qwen3"
    assert set(WORKED_FAMILY) - set(form) == {"featured", "updated_at", "model_type"}
    assert form["model_specs"][1] == {
        "model_format": "ggufv2",
        "model_size_in_billions": "0_6",
        "quantization": "Q8_0",
        "model_id": "acme/qwen3-support-gguf",
        "model_hub": "huggingface",
        "model_uri": None,
        "model_revision": "2" * 40,
        "model_file_name_template": "qwen3-support-Q8_0.gguf",
    }


def test_every_type_has_a_file_and_others_have_none() -> None:
    files = exported.files("xinference", entry(release(tensors(), spec={"abilities": ["detection"]}), "vision"))
    assert {path: json.loads(data) for path, data in files.items()} == {f"{type_}.json": [] for type_ in SAMPLES}
    assert reasons(release(tensors(), spec={}), "vision") == ["Xinference loads no vision models."]


def test_featured_models_come_first() -> None:
    told: dict[str, Any] = {"a": {}, "b": {"featured": False}, "c": {"featured": True}}
    entries = [made.entry(f"acme/{name}", releases={"1.0.0": release(tensors())}, **told[name]) for name in told]
    found = json.loads(exported.files("xinference", *entries)["llm.json"])
    assert [(each["model_name"], each.get("featured")) for each in found] == [("c", True), ("a", None), ("b", False)]


@pytest.mark.parametrize(
    ("released", "added", "updated", "expected"),
    [
        ("2025-05-01T08:00:00Z", "2026-01-01T00:00:00Z", None, 1746086400),
        ("2025-05-01T08:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", 1769904000),
        (None, "2026-01-01T00:00:00Z", None, 1767225600),
        ("1960-01-01T00:00:00Z", None, None, 0),
        (None, None, None, 0),
    ],
)
def test_the_time_is_a_whole_number(
    released: str | None, added: str | None, updated: str | None, expected: int
) -> None:
    one = release(tensors())
    del one["released"]
    one |= {"released": released} if released else {}
    (family,) = families(one, added=added, updated=updated)
    assert family["updated_at"] == expected


@pytest.mark.parametrize(
    ("one", "type_", "expected"),
    [
        (release(tensors(), spec={}), "llm", "Xinference needs what is not recorded: spec.abilities, spec.languages."),
        (release(tensors(format="onnx")), "llm", "Xinference does not load onnx."),
        (release(tensors(sources={"url": {"prefix": "https://acme.example/"}})), "llm",
         "Xinference loads from none of the sources of this variant."),
        (release(), "llm", "The release has no build, so there is nothing for Xinference to load."),
        (release(tensors(), spec={"family": "x"}), "video",
         "Xinference would refuse it: `model_format` has the unknown word 'pytorch'."),
        (release({"sources": {"modelscope": {"repo": "a/b", "revision": "c"}}}, spec={"family": "x"}), "image",
         "Xinference needs what is not recorded: sources.huggingface."),
        (release({"sources": {"huggingface": {"repo": "a/b"}}}, spec={"family": "x"}), "image",
         "Xinference needs what is not recorded: sources.huggingface.revision."),
        (release(tensors(), spec=SPEC | {"prompt": {"template": "{% if %}"}}), "llm",
         "Xinference would refuse it: `chat_template` does not compile"),
        (release(tensors(sources={"huggingface": {"repo": "acme/tiny-{size}"}})), "llm",
         "Xinference would refuse it: `model_id` has the placeholder {size}, which nobody fills in (huggingface)."),
        (release(tensors(), spec=SPEC | {"abilities": ["tools"]}), "llm",
         "In the catalogue of Xinference, but without a registration file: with tools"),
    ],
)  # fmt: skip
def test_the_reason_is_told(one: dict[str, Any], type_: str, expected: str) -> None:
    found = reasons(one, type_)
    assert [reason.startswith(expected) for reason in found] == [True]


def test_a_template_that_does_not_compile_stays_alone_at_home() -> None:
    broken = entry(release(tensors(), spec=SPEC | {"prompt": {"template": "{% if %}"}}), identifier="acme/broken")
    files = exported.files("xinference", broken, entry(release(tensors())))
    assert [family["model_name"] for family in json.loads(files["llm.json"])] == ["tiny"]
    assert "register/llm/broken.json" not in files


def test_words_of_other_runtimes_are_dropped() -> None:
    spec = {**SPEC, "abilities": ["chat", "score"], "prompt": {"tool_parser": "mistral"}}
    (family,) = families(release(tensors(), spec=spec))
    assert family["model_ability"] == ["chat"]
    assert "tool_parser" not in family


def test_each_build_of_an_audio_model_is_a_family() -> None:
    hub = {"huggingface": {"repo": "acme/tiny", "revision": COMMIT}}
    variants = (
        {"format": "pytorch", "engines": ["transformers"], "sources": hub},
        {"format": "mlx", "engines": ["mlx"], "sources": hub},
        {"key": "again", "format": "mlx", "engines": ["mlx"], "sources": hub},
    )
    one = release(*variants, spec={"family": "whisper", "multilingual": False, "languages": ["ja"]})
    first, second = families(one, "audio")
    assert (first["engine"], first["model_format"], first.get("cache_name")) == ("transformers", "pytorch", None)
    assert (second["engine"], second["model_format"], second["cache_name"]) == ("MLX", "mlx", "tiny-mlx")
    assert first["language"] == "JP"
    assert ["called tiny" in reason for reason in reasons(one, "audio")] == [True]


def test_an_image_model_is_registered_from_its_first_hub() -> None:
    (found,) = imported([IMAGE])
    one = dict(found.releases["1.0.0"])
    files = exported.files("xinference", entry(one, "image"))
    form = json.loads(files["register/image/Tiny-Image.json"])
    assert (form["model_hub"], form["model_id"], form["model_revision"]) == ("huggingface", "acme/tiny-image", COMMIT)
    assert "model_src" not in form


def test_what_xinference_brings_along_cannot_be_registered() -> None:
    files = exported.files("xinference", entry(release(tensors()), identifier="qwen/qwen3"))
    assert [each["model_name"] for each in json.loads(files["llm.json"])] == ["qwen3"]
    assert [path for path in files if path.startswith("register/")] == []


@pytest.mark.parametrize(("family", "taken"), [("qwen3", True), ("tiny", False)])
def test_tools_are_registered_only_under_a_known_family(family: str, taken: bool) -> None:
    overlay = {"xinference": {"register_family": family}}
    one = release(tensors(), spec=SPEC | {"abilities": ["chat", "tools"]}, runtimes=overlay)
    assert ("register/llm/tiny.json" in exported.files("xinference", entry(one))) is taken


def file(path: str, **more: str) -> dict[str, Any]:
    return {"path": path, "sha256": DIGEST, **more}


@pytest.mark.parametrize(
    ("sources", "files", "expected"),
    [
        ({"huggingface": {"repo": "acme/tiny-GGUF"}},
         {"Q4_K_M": [file("tiny-Q4_K_M.gguf")], "Q8_0": [file("tiny-Q8_0.gguf")]},
         [(["Q4_K_M", "Q8_0"], "tiny-{quantization}.gguf", None)]),
        ({"huggingface": {"repo": "acme/tiny-GGUF", "revision": COMMIT}},
         {"Q4_K_M": [file("tiny.q4.gguf")], "Q8_0": [file("tiny.gguf")]},
         [(["Q4_K_M"], "tiny.q4.gguf", COMMIT), (["Q8_0"], "tiny.gguf", COMMIT)]),
        (None,
         {name: [file(f"{name}.gguf", url=f"{GGUF}/a/tiny-{name}.gguf")] for name in ("Q4_K_M", "Q8_0")},
         [(["Q4_K_M", "Q8_0"], "a/tiny-{quantization}.gguf", None)]),
    ],
)  # fmt: skip
def test_names_of_files_are_taken_from_what_is_known(
    sources: dict[str, Any] | None, files: dict[str, Any], expected: list[Any]
) -> None:
    variant = {"format": "gguf", "parameters": "8B", "quantizations": list(files), "files": files}
    (family,) = families(release(variant | ({"sources": sources} if sources else {})))
    blocks = [spec["model_src"]["huggingface"] for spec in family["model_specs"]]
    told = [(each["quantizations"], each["model_file_name_template"], each.get("model_revision")) for each in blocks]
    assert told == expected
    assert {each["model_id"] for each in blocks} == {"acme/tiny-GGUF"}


def test_files_elsewhere_have_no_place_in_xinference() -> None:
    variant = {
        "format": "gguf",
        "parameters": "8B",
        "quantizations": ["Q4_K_M"],
        "files": {"Q4_K_M": [file("x.gguf", url="https://acme.example/x.gguf")]},
    }
    assert reasons(release(variant)) == ["Xinference loads from none of the sources of this variant."]


def test_a_model_of_localai_is_complete_once_its_languages_are_known() -> None:
    from galleryctl.importers import Candidate, Options, Reference, localai  # noqa: PLC0415 - this test alone

    path = shared("data", "localai", "index.yaml")
    nobody: Any = None
    found = localai.read(Reference(str(path), path.read_bytes, path), nobody, Options())
    taken = 0
    for each in found:
        one = dict(each.releases["1.0.0"]) if isinstance(each, Candidate) and each.type == "llm" else {}
        if [variant.get("format") for variant in one.get("variants", [])] != ["gguf"]:
            continue
        if "parameters" not in one["variants"][0] or "huggingface" not in one["variants"][0].get("sources", {}):
            continue
        assert reasons(one)[0].startswith("Xinference needs what is not recorded: spec.")
        (family,) = families(one | {"spec": {**SPEC, **one.get("spec", {})}})
        (spec,) = family["model_specs"]
        assert spec["model_format"] == "ggufv2"
        assert spec["model_src"]["huggingface"]["model_file_name_template"].endswith(".gguf")
        taken += 1
        if taken == 25:  # each makes a gallery of its own
            return
    pytest.fail(f"only {taken} models")


def faulty(sample: dict[str, Any], *path: str | int, **change: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """A copy with some keys changed somewhere in it."""
    copy: Any = json.loads(json.dumps(sample))
    inner = copy
    for step in path:
        inner = inner[step]
    inner.update(change)
    found: dict[str, Any] = copy
    return found


@pytest.mark.parametrize(
    ("type_", "family"),
    [
        ("llm", 7),
        ("llm", faulty(CHAT, version=1)),
        ("llm", faulty(CHAT, model_name="a/b")),
        ("llm", faulty(CHAT, model_name="a b")),
        ("llm", faulty(CHAT, updated_at=None)),
        ("llm", faulty(CHAT, updated_at="1766385300")),
        ("llm", faulty(CHAT, updated_at=True)),
        ("llm", faulty(CHAT, context_length="40k")),
        ("llm", faulty(CHAT, model_ability=["chatt"])),
        ("llm", faulty(CHAT, model_ability=[])),
        ("llm", faulty(CHAT, model_lang=[])),
        ("llm", faulty(CHAT, stop_token_ids=["1"])),
        ("llm", faulty(CHAT, model_specs=[])),
        ("llm", faulty(CHAT, model_specs=[7])),
        ("llm", faulty(CHAT, chat_template="{% for %}")),
        ("llm", faulty(CHAT, virtualenv={})),
        ("llm", faulty(CHAT, virtualenv={"packages": [], "index": "x"})),
        ("llm", faulty(CHAT, "model_specs", 0, model_format="fp2")),
        ("llm", faulty(CHAT, "model_specs", 0, model_size_in_billions=1.8)),
        ("llm", faulty(CHAT, "model_specs", 0, model_size_in_billions="1.8")),
        ("llm", faulty(CHAT, "model_specs", 0, activated_size_in_billions="x")),
        ("llm", faulty(CHAT, "model_specs", 0, model_src={})),
        ("llm", faulty(CHAT, "model_specs", 0, model_src={"hub": {}})),
        ("llm", faulty(CHAT, "model_specs", 0, "model_src", "huggingface", quantizations=[])),
        ("llm", faulty(CHAT, "model_specs", 0, "model_src", "huggingface", quantizations=None)),
        ("llm", faulty(CHAT, "model_specs", 0, "model_src", "huggingface", model_id="")),
        ("llm", faulty(CHAT, "model_specs", 1, "model_src", "huggingface", model_file_name_template=None)),
        ("llm", faulty(CHAT, "model_specs", 2, "model_src", "modelscope", model_file_name_template="")),
        ("llm", faulty(CHAT, "model_specs", 1, "model_src", "huggingface", model_file_name_template="{x}")),
        ("llm", faulty(CHAT, "model_specs", 1, "model_src", "huggingface", model_file_name_template="a{")),
        ("embedding", faulty(EMBEDDING, dimensions=None)),
        ("embedding", faulty(EMBEDDING, max_tokens=0)),
        ("embedding", faulty(EMBEDDING, "model_specs", 0, model_format="mlx")),
        ("rerank", faulty(EMBEDDING, type="other")),
        ("image", faulty(IMAGE, "model_src", "huggingface", model_revision=None)),
        ("image", faulty(IMAGE, model_src={"modelscope": IMAGE["model_src"]["huggingface"]})),
        ("image", faulty(IMAGE, model_family=None)),
        ("audio", faulty(AUDIO, multilingual="no")),
        ("audio", faulty(AUDIO, language=["EN"])),
        ("audio", faulty(AUDIO, model_format="onnx")),
        ("video", faulty(VIDEO, "model_src", "huggingface", model_revision=None)),
    ],
)  # fmt: skip
def test_what_xinference_would_refuse_is_a_fault(type_: str, family: object) -> None:
    assert shape.faults(type_, family)
    assert xinference.faults(f"{type_}.json", json.dumps([family]).encode())


@pytest.mark.parametrize("type_", SAMPLES)
def test_what_it_takes_is_none(type_: str) -> None:
    assert xinference.faults(f"{type_}.json", json.dumps(SAMPLES[type_]).encode()) == []


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("llm.json", b"["),
        ("llm.json", b'{"models": []}'),
        ("vision.json", b"[]"),
        ("llm.json", json.dumps([CHAT, CHAT]).encode()),
        ("register/llm/x.json", b"[]"),
        ("register/video/tiny-video.json", json.dumps(VIDEO).encode()),
        ("register/llm/Tiny-Chat.json", json.dumps(CHAT).encode()),
        ("register/llm/x.json", b'{"model_name": "y", "model_family": "z"}'),
    ],
)
def test_a_file_of_the_wrong_shape_is_a_fault(path: str, data: bytes) -> None:
    assert xinference.faults(path, data)


def test_the_export_of_the_samples_has_no_faults() -> None:
    entries = [
        made.entry(each.id, each.type, releases={"1.0.0": each.releases["1.0.0"]})
        for found in SAMPLES.values()
        for each in imported(found)
    ]
    files = exported.files("xinference", *entries)
    assert [fault for path, data in files.items() for fault in xinference.faults(path, data)] == []
    assert sum(path.startswith("register/") for path in files) == 4
