"""The index that LocalAI reads: entries, names, settings, and what is left out."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import exported
import indexes
import sources
from exported import COMMIT
from galleryctl import authoring, loading
from galleryctl.authoring import house
from galleryctl.exports import localai
from galleryctl.exports.base import Item
from galleryctl.exports.localai import entries_of, faults
from galleryctl.importers import xinference
from galleryctl.importers.base import FIRST, Candidate, Options, Reference
from galleryctl.runtimes import Command, command, targets
from galleryctl.runtimes.localai import entries
from galleryctl.spec import Model, Release, Settings
from made import DIGEST, entry
from sources import MemoryHub

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from galleryctl.gallery import Entry

NOW = dt.datetime(2026, 11, 21, 15, 30, tzinfo=dt.UTC)
HUB = f"https://huggingface.co/acme/tiny-gguf/resolve/{COMMIT}"
SPEC: dict[str, Any] = {
    "context_length": 40960, "languages": ["en"], "abilities": ["chat", "tools", "vision"],
    "prompt": {"stop": ["<|im_end|>"]},
    "defaults": {"generate": {"temperature": 0.6, "top_k": 20}},
}  # fmt: skip
PLAIN: dict[str, Any] = {
    "format": "pytorch", "parameters": "8B", "engines": ["transformers", "vllm"], "quantizations": ["none"],
    "sources": {"huggingface": {"repo": "acme/tiny", "revision": COMMIT}},
}  # fmt: skip
MIB = 2**20
GGUF: dict[str, Any] = {
    "format": "gguf", "parameters": "8B", "engines": ["llama.cpp"], "quantizations": ["Q4_K_M", "Q8_0"],
    "sources": {"huggingface": {"repo": "acme/tiny-gguf", "revision": COMMIT, "file": "t-{quantization}.gguf"}},
    "files": {
        "Q4_K_M": [
            {"path": "t-Q4_K_M.gguf", "size": 100 * MIB, "sha256": DIGEST},
            {"path": "mmproj.gguf", "size": MIB // 2, "sha256": DIGEST, "role": "projector"},
        ],
        "Q8_0": [{"path": "t-Q8_0.gguf", "sha256": DIGEST}],
    },
}  # fmt: skip


def releases(*variants: dict[str, Any], spec: dict[str, Any] | None = None, **block: object) -> dict[str, Any]:
    release: dict[str, Any] = {"spec": SPEC if spec is None else spec, "variants": list(variants)}
    return {"1.0.0": release | ({"runtimes": {"localai": block}} if block else {})}


def index(*entries: Entry) -> list[dict[str, Any]]:
    """The index as Python reads it; LocalAI would take it."""
    text = exported.files("localai", *entries)["index.yaml"]
    assert faults("index.yaml", text) == []
    found: list[dict[str, Any]] = yaml.safe_load(text)
    return found


def left(variant: dict[str, Any], type_: str = "llm", spec: dict[str, Any] | None = None) -> list[str]:
    document = entry("acme/tiny", type_, releases=releases(variant, spec=spec)).document()
    _, found = entries_of("acme/tiny", type_, document, "1.0.0", document.releases["1.0.0"])
    return [each.reason["en"] for each in found if isinstance(each.reason, dict)]


def test_a_model_is_a_head_and_its_other_forms() -> None:
    links = {
        "weights": "https://huggingface.co/acme/tiny",
        "documentation": "https://acme.example",
        "icon": "https://i",
    }
    links |= {"homepage": "https://huggingface.co/acme/tiny"}
    found = index(entry(releases=releases(PLAIN, GGUF), tags=["chat", "support"], license="Apache-2.0", links=links))
    folder = "llama-cpp/models/acme/tiny/8b-gguf"
    assert found[0] == {
        "name": "tiny",
        "url": "github:mudler/LocalAI/gallery/virtual.yaml@master",
        "description": "A model.",
        "license": "apache-2.0",
        "icon": "https://i",
        "tags": ["chat", "support"],
        "urls": ["https://huggingface.co/acme/tiny", "https://acme.example"],
        "size": "100.5MiB",
        "overrides": {
            "options": ["use_jinja:true"],
            "template": {"use_tokenizer_template": True},
            "backend": "llama-cpp",
            "context_size": 40960,
            "known_usecases": ["chat", "vision"],
            "stopwords": ["<|im_end|>"],
            "parameters": {"model": f"{folder}/t-Q4_K_M.gguf", "temperature": 0.6, "top_k": 20},
            "mmproj": f"{folder}/mmproj.gguf",
        },
        "files": [
            {"filename": f"{folder}/t-Q4_K_M.gguf", "sha256": DIGEST, "uri": f"{HUB}/t-Q4_K_M.gguf"},
            {"filename": f"{folder}/mmproj.gguf", "sha256": DIGEST, "uri": f"{HUB}/mmproj.gguf"},
        ],
        "variants": [{"model": "tiny-8b-gguf-q8_0"}],
    }
    assert [each["name"] for each in found] == ["tiny", "tiny-8b-gguf-q8_0"]
    assert not {"variants", "size"} & set(found[1])
    assert found[1]["files"][0]["uri"] == f"{HUB}/t-Q8_0.gguf"


@pytest.mark.parametrize(
    ("variant", "type_", "reason"),
    [
        (PLAIN, "llm", "transformers loads a repository, and no entrypoint is stated."),
        (GGUF | {"engines": ["sglang"]}, "llm", "LocalAI has no backend for sglang."),
        ({"format": "onnx", "files": GGUF["files"]}, "llm", "No engine is stated, so LocalAI has no backend for it."),
        (GGUF | {"files": {}}, "llm", "LocalAI installs files, and none are recorded."),
        (
            GGUF | {"files": {"default": [{"path": "a.gguf"}]}},
            "llm",
            "A file has no digest, so LocalAI could not check it.",
        ),
        (
            GGUF | {"sources": {"object": {"prefix": "s3://bucket/tiny"}}},
            "llm",
            "LocalAI loads from none of the sources of this variant.",
        ),
        (
            GGUF | {"files": {"default": [{"path": "../a.gguf", "sha256": DIGEST}]}},
            "llm",
            "llama-cpp/models/acme/tiny/8b-gguf/../a.gguf is no path that may be published.",
        ),
    ],
)
def test_what_is_left_out_says_why(variant: dict[str, Any], type_: str, reason: str) -> None:
    assert set(left(variant, type_)) == {reason}


@pytest.mark.parametrize(
    ("source", "uri"),
    [
        (
            {"huggingface": {"repo": "a/b", "revision": COMMIT}},
            f"https://huggingface.co/a/b/resolve/{COMMIT}/d/x%20y.gguf",
        ),
        ({"huggingface": {"repo": "a/b"}}, "huggingface://a/b/d/x%20y.gguf"),
        ({"modelscope": {"repo": "a/b"}}, "https://modelscope.cn/models/a/b/resolve/master/d/x%20y.gguf"),
        ({"url": {"prefix": "https://acme.example/w/"}}, "https://acme.example/w/d/x%20y.gguf"),
    ],
)
def test_where_a_file_comes_from(source: dict[str, Any], uri: str) -> None:
    variant = {"format": "gguf", "sources": source, "files": {"default": [{"path": "d/x y.gguf", "sha256": DIGEST}]}}
    (found,) = index(entry(releases=releases(variant)))
    assert found["files"] == [{"filename": "llama-cpp/models/acme/tiny/gguf/d/x y.gguf", "sha256": DIGEST, "uri": uri}]


@pytest.mark.parametrize(
    ("type_", "spec", "variant", "expected"),
    [
        ("embedding", {"dimensions": 8}, {}, {"embeddings": True, "backend": "llama-cpp"}),
        ("rerank", {}, {}, {"reranking": True, "backend": "llama-cpp"}),
        ("audio", {"abilities": ["audio2text"]}, {"engines": ["whisper"]},
            {"backend": "whisper", "known_usecases": ["transcript"]}),
        ("image", {"abilities": ["image2image", "text2image"]}, {"engines": ["stablediffusion-ggml"]},
            {"backend": "stablediffusion-ggml", "known_usecases": ["image"]}),
    ],
)  # fmt: skip
def test_settings_that_follow_from_the_type(
    type_: str, spec: dict[str, Any], variant: dict[str, Any], expected: dict[str, Any]
) -> None:
    build = {
        "format": "gguf",
        "entrypoint": "x.gguf",
        "files": {"default": [{"path": "x.gguf", "sha256": DIGEST, "as": "y"}]},
    }
    build["sources"] = GGUF["sources"]
    (found,) = index(entry("acme/tiny", type_, releases=releases(build | variant, spec=spec)))
    assert found["overrides"] == expected | {"parameters": {"model": "y"}}


def test_a_block_states_all_that_no_neutral_field_says() -> None:
    overrides = {"template": {"chat": "{{.Input}}"}, "parameters": {"temperature": 0.1, "seed": 7}}
    block: dict[str, Any] = {
        "name": "Own", "base": "", "overrides": overrides, "license": "MIT", "size": "1GB",
        "variants": [{"model": "old"}], "extra": {"gallery": {"name": "x"}}, "nulls": ["icon", "overrides.f16"],
        "per_variant": {"8b-gguf": {"overrides": {"template": {"completion": "c"}}}},
    }  # fmt: skip
    (head, other) = index(entry(releases=releases(GGUF, **block)))
    assert head["overrides"]["template"] == {"chat": "{{.Input}}", "completion": "c"}
    assert {key: head["overrides"]["parameters"][key] for key in ("temperature", "seed")} == {
        "temperature": 0.1,
        "seed": 7,
    }
    assert "options" not in head["overrides"]
    assert "url" not in head
    assert (head["name"], head["license"], head["size"], other["name"]) == ("Own", "MIT", "1GB", "own-8b-gguf-q8_0")
    assert head["variants"] == [{"model": "old"}, {"model": "own-8b-gguf-q8_0"}]
    assert (head["icon"], head["overrides"]["f16"], head["gallery"]) == (None, None, {"name": "x"})


@pytest.mark.parametrize(
    "block",
    [
        {"extra": {"tags": "text"}},
        {"extra": {"name": ["x"]}},
        {"extra": {"files": [1]}},
        {"nulls": ["name"]},
    ],
)
def test_what_would_empty_the_gallery_is_left_out(block: dict[str, Any]) -> None:
    assert (
        index(entry(releases=releases(GGUF, **block)), entry("acme/other", releases=releases(GGUF)))[0]["name"]
        == "other"
    )


@pytest.mark.parametrize(
    "block", [{"nulls": ["a.b.c", "tags.99", "files.0.x.y", ""]}, {"variants": 3, "overrides": 4, "per_variant": []}]
)
def test_an_overlay_of_any_shape_is_survived(block: dict[str, Any]) -> None:
    index(entry(releases=releases(GGUF, **block)))


def test_of_two_models_with_one_name_the_first_is_written() -> None:
    found = index(
        entry("acme/tiny", releases=releases(GGUF)), entry("globex/Tiny".lower(), releases=releases(GGUF, name="TINY"))
    )
    assert [each["name"] for each in found] == ["tiny", "tiny-8b-gguf-q8_0"]


def test_a_cover_is_the_icon_under_the_published_address() -> None:
    document = (found := entry(releases=releases(GGUF))).document()
    made = localai.one(Item(found.outline, document, "1.0.0", document.releases["1.0.0"]))
    parts = [(None, part | {"cover": "models/acme/tiny/cover.webp"}) for _, part in made.parts]
    settings = Settings(title="T", url="https://models.acme.example/")
    text = b"".join(localai.whole("index.yaml", parts, settings))  # type: ignore[arg-type]
    assert {each["icon"] for each in yaml.safe_load(text)} == {
        "https://models.acme.example/models/acme/tiny/cover.webp"
    }


def test_an_empty_gallery_is_an_empty_list() -> None:
    assert exported.files("localai")["index.yaml"] == b"[]\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("models: []\n", "it is no list"),
        ("- a\n", "line 1: an entry that is no map"),
        ("- url: x\n", "line 1: an entry without a name"),
        ("- name: a\n- name: A\n", "line 2: the name A stands twice"),
        ("- name: a\n  url: b\n  url: c\n", "line 3: `url` stands twice"),
        ("- &x\n  name: a\n", "it has anchors"),
        ("- name: a\n  tags: b\n", "line 1: tags is of the wrong kind"),
        ("- name: a\n  tags: [{}]\n", "line 1: tags holds something that is no text"),
        ("- name: a\n  files: [{filename: b}]\n", "line 1: files holds something without filename and uri"),
        ("- name: a\n  files: [{filename: b, uri: c, sha256: []}]\n", "line 1: files holds something that is no text"),
        ("- name: a\n  config_file: text\n", "line 1: config_file is of the wrong kind"),
        ("- [\n", "line 2: not YAML"),
        ("a: [\n", "no YAML: line 2"),
    ],
)
def test_what_localai_would_refuse_is_found(text: str, fault: str) -> None:
    assert any(found.startswith(fault) for found in faults("index.yaml", text.encode())), faults(
        "index.yaml", text.encode()
    )


def test_bytes_that_are_no_text_are_found() -> None:
    assert faults("index.yaml", b"\xff")[0].startswith("no YAML")


# -- from other runtimes

FAMILY: dict[str, Any] = {
    "version": 2, "model_name": "tiny", "context_length": 4096, "model_lang": ["en"], "model_ability": ["chat"],
    "model_description": "A small model.", "chat_template": "{{ messages }}", "updated_at": 1_700_000_000,
    "model_specs": [
        {
            "model_format": "ggufv2", "model_size_in_billions": 8,
            "model_src": {"huggingface": {
                "model_id": "acme/tiny-gguf", "quantizations": ["Q4_K_M", "Q8_0"],
                "model_file_name_template": "tiny-{quantization}.gguf"}},
        },
    ],
}  # fmt: skip


def test_a_model_of_xinference_is_complete_once_its_release_is_pinned(registry: Callable[..., Path]) -> None:
    """Its catalogues have no digests: LocalAI could check nothing, so the entry waits for `galleryctl release`."""
    raw = json.dumps([FAMILY]).encode()
    (candidate,) = xinference.read(Reference("llm.json", lambda: raw), None, Options())  # type: ignore[arg-type]
    assert isinstance(candidate, Candidate)
    folder = f"models/llm/{candidate.id}"
    texts = {f"{folder}/model.yaml": house.model(candidate.model)}
    texts |= {f"{folder}/{FIRST}.yaml": house.release(candidate.releases[FIRST])}
    texts |= {f"{folder}/{name}": data for name, data in candidate.texts.items()}
    place = registry({name: data.decode() for name, data in texts.items()})
    model = Model.model_validate(candidate.model)
    before, reasons = entries_of(candidate.id, "llm", model, FIRST, Release.model_validate(candidate.releases[FIRST]))
    assert before == []
    assert {each.reason["en"] for each in reasons if isinstance(each.reason, dict)} == {
        "LocalAI installs files, and none are recorded."
    }
    hub = MemoryHub()
    commit = hub.add("acme/tiny-gguf", {"tiny-Q4_K_M.gguf": b"four", "tiny-Q8_0.gguf": b"eight"})
    made = authoring.release(place, candidate.id, now=NOW, notes="Pinned.", hub=sources.of(hub))
    loaded = loading.load(place.parent, place.name, now=NOW)
    document = loaded.gallery.by_id[candidate.id].document()
    release = document.releases[made.version]
    after, reasons = entries_of(candidate.id, "llm", document, made.version, release)
    assert reasons == []
    assert [each["files"] for each in after] == [
        [{
            "filename": f"llama-cpp/models/{candidate.id}/8b-gguf/tiny-{quantization}.gguf",
            "sha256": sources.sha256(data),
            "uri": f"https://huggingface.co/acme/tiny-gguf/resolve/{commit}/tiny-{quantization}.gguf",
        }]
        for quantization, data in (("Q4_K_M", b"four"), ("Q8_0", b"eight"))
    ]  # fmt: skip
    assert after[0]["overrides"]["backend"] == "llama-cpp"
    for runtime in ("localai", "llama.cpp", "ollama"):
        for target in targets(candidate.id, "llm", made.version, release):
            assert isinstance(command(runtime, target), Command)


def test_a_model_of_localai_comes_to_xinference_once_somebody_says_what_localai_does_not() -> None:
    """Its index has no languages; sizes and quantizations are those that its file names say."""
    candidate = indexes.one(indexes.WHOLE)
    release = json.loads(json.dumps(candidate.releases[FIRST]))
    model = {key: value for key, value in candidate.model.items() if key != "title"}

    def family() -> list[Any]:
        item = entry(candidate.id, releases={FIRST: release}, **model)
        found: list[Any] = json.loads(exported.files("xinference", item).get("llm.json", b"[]"))
        return found

    assert family() == []
    release["spec"]["languages"] = ["en"]
    (found,) = family()
    assert (found["model_ability"], found["context_length"]) == (["chat", "vision"], 8192)
    assert found["model_specs"] == [
        {
            "model_format": "ggufv2",
            "model_size_in_billions": 8,
            "model_src": {
                "huggingface": {
                    "model_id": "acme/Tiny-8B-GGUF",
                    "quantizations": ["Q4_K_M"],
                    "model_file_name_template": "tiny-8b-{quantization}.gguf",
                    "multimodal_projectors": ["mmproj-f16.gguf"],
                }
            },
        }
    ]


@pytest.mark.parametrize(
    "overrides",
    [
        {"parameters": {"model": "../../etc/x.gguf"}},
        {"mmproj": "a/../../x.gguf"},
        {"download_files": [{"filename": "..\\x", "uri": "https://acme.example/x"}]},
    ],
)
def test_settings_that_lead_out_of_the_folder_of_models_are_not_given(overrides: dict[str, Any]) -> None:
    release = {"spec": SPEC, "variants": [GGUF], "runtimes": {"localai": {"overrides": overrides}}}
    assert index(entry(releases={"1.0.0": release})) == []


def test_the_page_and_the_index_have_the_same_names() -> None:
    item = entry(releases=releases(PLAIN, GGUF))
    shown = entries(item.id, "llm", "1.0.0", item.document().releases["1.0.0"])
    assert [name for name, _ in shown] == [each["name"] for each in index(item)]
