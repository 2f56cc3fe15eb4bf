"""LocalAI's index as models of this gallery, and back without loss."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.exports.localai import misfits
from galleryctl.importers import localai
from galleryctl.importers.base import FIRST, Candidate, Options, Reference, Rejected
from indexes import DIGEST, MASTER, WHOLE, Web, exported, file, imported, one, refused

INDEX = Path(__file__).parents[2] / "shared" / "data" / "localai" / "index.yaml"


def test_what_an_entry_says_stands_in_neutral_fields() -> None:
    found = one(WHOLE)
    assert (found.source, found.at, found.type, found.id) == (
        "Tiny-8B:vision", "index.yaml:1", "llm", "acme/tiny-8b-vision",
    )  # fmt: skip
    assert found.remarks == ()
    assert found.model == {
        "title": "Tiny-8B:vision",
        "description": "A small model.\nWith two lines.\n",
        "license": "Apache-2.0",
        "tags": ["llm", "gguf"],
        "links": {
            "weights": "https://huggingface.co/Acme/Tiny-8B",
            "repository": "https://github.com/acme/tiny",
            "other": "https://example.org/more",
            "icon": "https://example.org/icon.png",
        },
    }
    assert found.releases[FIRST] == {
        "spec": {
            "preset": "chatml",
            "context_length": 8192,
            "abilities": ["chat", "vision"],
            "prompt": {"stop": ["<|im_end|>"]},
            "defaults": {"generate": {"temperature": 0.6}},
        },
        "variants": [
            {
                "format": "gguf",
                "parameters": "8B",
                "engines": ["llama.cpp"],
                "quantizations": ["Q4_K_M"],
                "sources": {
                    "huggingface": {
                        "repo": "acme/Tiny-8B-GGUF",
                        "file": "tiny-8b-{quantization}.gguf",
                        "projectors": ["mmproj-f16.gguf"],
                    }
                },
                "files": {
                    "Q4_K_M": [
                        {"path": "mmproj-f16.gguf", "sha256": DIGEST, "as": "mmproj-f16.gguf", "role": "projector"},
                        {"path": "tiny-8b-Q4_K_M.gguf", "sha256": DIGEST, "as": "tiny-8b-Q4_K_M.gguf"},
                    ]
                },
            }
        ],
        "runtimes": {
            "localai": {
                "name": "Tiny-8B:vision",
                "overrides": {"parameters": {"typical_p": 1}, "template": {"use_tokenizer_template": True}},
            }
        },
    }


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in WHOLE.items() if key not in keys}


@pytest.mark.parametrize(
    "entry",
    [
        WHOLE,
        *(without(key) for key in WHOLE if key not in {"name", "files"}),
        WHOLE | {"description": "One line."},
        WHOLE | {"description": "x" * 300},
        WHOLE | {"description": "<b>fast</b>"},
        WHOLE | {"description": ""},
        WHOLE | {"license": "MIT"},
        WHOLE | {"license": "other"},
        WHOLE | {"license": "LicenseRef-Own"},
        WHOLE | {"url": MASTER.format("virtual")},
        WHOLE | {"url": "https://example.org/base.yaml"},
        WHOLE | {"url": ""},
        WHOLE | {"tags": []},
        WHOLE | {"tags": None},
        WHOLE | {"tags": ["a", None, 7]},
        WHOLE | {"urls": ["https://example.org", "https://huggingface.co/acme/tiny"]},
        WHOLE | {"files": None},
        WHOLE | {"overrides": None},
        WHOLE | {"overrides": {}},
        WHOLE | {"overrides": {"parameters": {}}},
        WHOLE | {"overrides": {"parameters": {"model": None, "top_p": 2, "top_k": 1.5}}},
        WHOLE | {"overrides": {"parameters": {"model": "mmproj-f16.gguf"}, "mmproj": "mmproj-f16.gguf"}},
        WHOLE | {"overrides": {"mmproj": "elsewhere.gguf", "context_size": "8k", "stopwords": [1], "backend": ""}},
        WHOLE | {"overrides": {"known_usecases": ["chat", "unheard_of"], "backend": "llama.cpp"}},
        WHOLE | {"overrides": {"known_usecases": ["chat", "chat"], "embeddings": True, "context_size": 512}},
        WHOLE | {"overrides": {"backend": "whisper", "context_size": 512, "parameters": {"temperature": 0.1}}},
        WHOLE | {"variants": [{"model": "tiny-q8"}], "size": "14.5GB", "last_checked": "2026-08-22"},
        WHOLE | {"variants": [], "size": 7, "last_checked": "yesterday"},
        WHOLE | {"variants": None, "uri": "github:x/y", "License": "MIT", "config_file": {"a": [1, 2.5, False]}},
        WHOLE | {"files": [file("https://huggingface.co/a/b/resolve/main/x.Q8_0.gguf", "y.gguf")]},
        WHOLE | {"files": [file(f"https://huggingface.co/a/b/resolve/{'1' * 40}/dir/x%20y.gguf", "dir/y.gguf")]},
        WHOLE | {"files": [file("https://huggingface.co/a/b/resolve/main/x.gguf?download=true")]},
        WHOLE | {"files": [file("https://example.org/voice.tar.gz"), file("huggingface://a/b/c.onnx")]},
        WHOLE | {"files": [file("huggingface://a/b/x.gguf"), file("huggingface://c/d/x.gguf", "z.gguf")]},
        WHOLE | {"files": [file("huggingface://a/b@main/x.gguf"), file("oci://h/a:b", "o"), file("ollama://q", "p")]},
        WHOLE | {"files": [file(f"huggingface://a/b/x-0000{index}-of-00002.gguf") for index in (1, 2)]},
        WHOLE | {"files": [file("huggingface://a/b/x.gguf", sha256="")]},
        WHOLE | {"files": [{"filename": "x", "uri": "https://example.org/x"}]},
        {"name": "bare", "url": MASTER.format("rerankers")},
        {"name": "by-name", "overrides": {"parameters": {"model": "owner/repo"}, "backend": "vllm"}},
    ],
)  # fmt: skip
def test_every_shape_comes_back(entry: dict[str, Any]) -> None:
    assert exported(one(entry)) == [entry]


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp", "Cn", "Co")), max_size=40
)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e6, 1e6) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc_", min_size=1), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
PATHS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}(\.Q[48]_(0|K_M))?\.(gguf|bin|onnx)", fullmatch=True)
URIS = st.builds(
    str.__add__,
    st.sampled_from(
        [
            "huggingface://acme/tiny/",
            "https://huggingface.co/acme/tiny/resolve/main/",
            "https://example.org/a/",
            "oci://h/",
        ]
    ),
    PATHS,
)
FILES = st.fixed_dictionaries({"filename": PATHS, "sha256": st.just(DIGEST), "uri": URIS})
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "backend": st.sampled_from(["llama-cpp", "whisper", "odd one", "llama.cpp"]),
        "context_size": VALUES,
        "known_usecases": st.lists(st.sampled_from(["chat", "tts", "embeddings", "odd"]), max_size=3),
        "stopwords": VALUES,
        "mmproj": PATHS,
        "embeddings": st.booleans(),
        "parameters": st.dictionaries(st.sampled_from(["model", "temperature", "top_k", "other"]), VALUES | PATHS),
    },
)
ENTRIES = st.fixed_dictionaries(
    {"name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,20}", fullmatch=True), "url": st.just(MASTER.format("x"))},
    optional={
        "description": VALUES | WORDS, "license": WORDS | st.sampled_from(["mit", "MIT", "llama3.1"]), "icon": VALUES,
        "tags": st.lists(WORDS, max_size=3), "urls": st.lists(WORDS | URIS, max_size=3), "overrides": SETTINGS | VALUES,
        "files": st.lists(FILES, max_size=3),
        "size": VALUES, "variants": VALUES, "extra": VALUES,
    },
)  # fmt: skip


@given(ENTRIES)
def test_what_is_drawn_comes_back(entry: dict[str, Any]) -> None:
    if list(misfits(entry)):
        assert refused([entry]) == ["RUN001"]
    else:
        assert exported(one(entry)) == [entry]


def test_anchors_and_merge_keys_are_written_out() -> None:
    text = f"- &a\n  name: one\n  license: mit\n  url: {MASTER.format('x')}\n- !!merge <<: *a\n  name: two\n"
    text += "  license: gemma\n"
    found = imported(text)
    assert [exported(each)[0]["license"] for each in found if isinstance(each, Candidate)] == ["mit", "gemma"]
    assert [each.at for each in found] == ["index.yaml:1", "index.yaml:5"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"overrides": {"embeddings": True, "known_usecases": ["tts"]}}, "embedding"),
        ({"overrides": {"reranking": True}}, "rerank"),
        ({"overrides": {"known_usecases": ["face_recognition"], "backend": "whisper"}}, "vision"),
        ({"overrides": {"backend": "whisper"}, "url": MASTER.format("flux")}, "audio"),
        ({"url": MASTER.format("flux")}, "image"),
        ({}, "llm"),
    ],
)
def test_the_type_is_what_settings_say(entry: dict[str, Any], expected: str) -> None:
    assert one({"name": "x", "url": MASTER.format("chatml")} | entry).type == expected


def test_a_type_that_nothing_tells_is_what_was_asked_for() -> None:
    entry = {"name": "x", "url": MASTER.format("unheard-of")}
    assert one(entry, Options(type="video")).type == "video"
    assert one(entry | {"overrides": {"embeddings": True}}, Options(type="video")).type == "embedding"


BASE = b"name: tts\nconfig_file: |\n  backend: kokoro\n  context_size: 77\n"


def test_a_base_file_tells_the_type_and_nothing_else(tmp_path: Path) -> None:
    entry = {"name": "x", "url": MASTER.format("voice")}
    web = Web({"https://raw.githubusercontent.com/mudler/LocalAI/master/gallery/voice.yaml": BASE})
    (found,) = imported([entry, entry], web=web, text="https://example.org/index.yaml")[:1]
    assert isinstance(found, Candidate)
    assert (found.type, exported(found), len(web.asked)) == ("audio", [entry], 1)
    (tmp_path / "voice.yaml").write_bytes(BASE)
    data = yaml.safe_dump([entry]).encode()
    beside = Reference("index.yaml", lambda: data, tmp_path / "index.yaml")
    (local,) = localai.read(beside, Web(), Options())  # type: ignore[arg-type]
    assert isinstance(local, Candidate)
    assert local.type == "audio"


def test_nothing_is_fetched_for_a_file_on_this_machine() -> None:
    web = Web()
    imported([WHOLE | {"url": "https://example.org/base.yaml"}], web=web)
    assert web.asked == []


@pytest.mark.parametrize("base", [b"- a\n- [", b"&a [*a]", b"\xff\xfe", b"config_file: '[[[['", b"config_file: 3"])
def test_a_base_file_of_any_shape_is_no_fault_of_the_entry(base: bytes) -> None:
    entry = {"name": "x", "url": "https://example.org/b.yaml"}
    web = Web({"https://example.org/b.yaml": base})
    (found,) = imported([entry], web=web, text="https://example.org/index.yaml")
    assert isinstance(found, Candidate)
    assert (found.type, web.asked) == ("llm", ["https://example.org/b.yaml"])


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"urls": ["https://example.org", "https://huggingface.co/Qwen/Qwen3"]}, "qwen"),
        ({"urls": ["https://github.com/Rhasspy/piper"]}, "rhasspy"),
        ({"urls": ["https://huggingface.co/datasets/a/b"], "files": [file("huggingface://Acme/x/y.gguf")]}, "acme"),
        ({}, "localai"),
    ],
)
def test_the_publisher_owns_the_first_repository(entry: dict[str, Any], expected: str) -> None:
    found = one({"name": "x", "url": MASTER.format("chatml")} | entry)
    assert found.id == f"{expected}/x"
    assert one({"name": "x", "url": MASTER.format("chatml")} | entry, Options(publisher="own")).id == "own/x"


def test_names_with_one_slug_get_numbers_in_the_order_of_the_source() -> None:
    entries = [{"name": name, "url": MASTER.format("chatml")} for name in ("a:b", "a-b", "A b", "a_b", "a:b")]
    found = imported(entries)
    assert [each.id for each in found if isinstance(each, Candidate)] == [
        "localai/a-b", "localai/a-b-2", "localai/a-b-3", "localai/a_b-4", "localai/a-b",
    ]  # fmt: skip
    assert [exported(each)[0]["name"] for each in found if isinstance(each, Candidate)] == [
        entry["name"] for entry in entries
    ]


def test_entries_of_one_name_come_only_if_they_are_equal() -> None:
    entry = {"name": "x", "url": MASTER.format("chatml")}
    same = imported([entry, entry])
    assert all(isinstance(each, Candidate) for each in same)
    other = imported([entry, entry | {"name": "y"}, entry | {"license": "mit"}, entry | {"name": "X"}])
    assert [[remark.code for remark in each.remarks] for each in other] == [["IDN002"], [], ["IDN002"], ["IDN002"]]
    assert "index.yaml:5" in other[0].remarks[0].message


@pytest.mark.skipif(not INDEX.exists(), reason="needs the catalogues in ../shared/data")
def test_the_index_of_localai_comes_back() -> None:
    raw = INDEX.read_bytes()
    before: dict[str, list[dict[str, Any]]] = {}
    for entry in yaml.load(raw, Loader=yaml.CSafeLoader):
        before.setdefault(entry.get("name", ""), []).append(entry)
    start = time.process_time()
    found = list(localai.read(Reference(str(INDEX), lambda: raw, INDEX), Web(), Options()))  # type: ignore[arg-type]
    assert time.process_time() - start < 1.5
    assert len(found) == 1037
    clashing = {name for name, same in before.items() if any(entry != same[0] for entry in same)} | {""}
    rejected = {each.source for each in found if isinstance(each, Rejected)}
    assert rejected == clashing
    candidates = [each for each in found if isinstance(each, Candidate)]
    assert len(candidates) == 1028
    for each in candidates:
        assert exported(each) == [before[each.source][0]]
    written = [part for each in candidates for part in (each.model, *each.releases.values())]
    overlays = [block["localai"] for part in written if (block := part.get("runtimes"))]
    special = sum(leaves(value) for block in overlays for key, value in block.items() if key != "overrides")
    native = sum(leaves(block["overrides"]) for block in overlays if "overrides" in block)
    assert special / (sum(map(leaves, written)) - native) <= 0.004


def leaves(value: object) -> int:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 1 if members is None else sum(map(leaves, members)) or 1
