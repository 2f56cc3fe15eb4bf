"""LocalAI's index as models of this gallery, and back without loss."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.authoring import house
from galleryctl.document import listing, parse
from galleryctl.errors import UsageError
from galleryctl.exports.localai import entries_of, faults, misfits
from galleryctl.fetch import FetchError, Response
from galleryctl.importers import claim, localai
from galleryctl.importers.base import FIRST, Candidate, Options, Reference, Rejected
from galleryctl.spec import Limits, Model, Release

if TYPE_CHECKING:
    from collections.abc import Mapping

INDEX = Path(__file__).parents[2] / "shared" / "data" / "localai" / "index.yaml"
ASKED = Options()
DIGEST = "0123456789abcdef" * 4
MASTER = "github:mudler/LocalAI/gallery/{}.yaml@master"


class Web:
    """Serves some addresses, and counts what was asked."""

    def __init__(self, pages: Mapping[str, bytes] | None = None) -> None:
        self.pages, self.asked = pages or {}, list[str]()

    def get(self, url: str, **_: object) -> Response:
        self.asked.append(url)
        if url not in self.pages:
            raise FetchError(f"{url}: nothing there")
        return Response(url, 200, {}, self.pages[url])


def reference(data: bytes | str, text: str = "index.yaml") -> Reference:
    raw = data.encode() if isinstance(data, str) else data
    return Reference(text, lambda: raw, None if "://" in text else Path("/nowhere") / text)


def imported(
    entries: object, options: Options = ASKED, web: Web | None = None, text: str = "index.yaml"
) -> list[Candidate | Rejected]:
    data = entries if isinstance(entries, str | bytes) else yaml.safe_dump(entries, sort_keys=False)
    return list(localai.read(reference(data, text), web or Web(), options))  # type: ignore[arg-type]


def one(entry: Mapping[str, Any], options: Options = ASKED) -> Candidate:
    (found,) = imported([entry], options)
    assert isinstance(found, Candidate), found
    return found


def refused(entries: object) -> list[str]:
    return [found.remarks[0].code for found in imported(entries) if isinstance(found, Rejected)]


def exported(candidate: Candidate) -> list[dict[str, Any]]:
    """What comes out after the definition was written to files and read again."""
    files = {"model.yaml": house.model(candidate.model), "1.0.0.yaml": house.release(candidate.releases[FIRST])}
    read = {}
    for name, raw in files.items():
        document, problems = parse(name, raw, Limits())
        assert document, problems
        read[name] = document.data
    model, release = Model.model_validate(read["model.yaml"]), Release.model_validate(read["1.0.0.yaml"])
    entries, left = entries_of(candidate.id, candidate.type, model, FIRST, release)
    assert left == []
    text = listing(entries)
    assert faults("index.yaml", text.encode()) == []
    found: list[dict[str, Any]] = yaml.safe_load(text)
    return found


def file(uri: str, filename: str | None = None, **more: object) -> dict[str, Any]:
    return {"filename": filename or uri.rpartition("/")[2], "sha256": DIGEST, "uri": uri} | more


WHOLE: dict[str, Any] = {
    "name": "Tiny-8B:vision",
    "url": MASTER.format("chatml"),
    "description": "A small model.\nWith two lines.\n",
    "license": "apache-2.0",
    "icon": "https://example.org/icon.png",
    "tags": ["llm", "gguf"],
    "urls": ["https://huggingface.co/Acme/Tiny-8B", "https://github.com/acme/tiny", "https://example.org/more"],
    "overrides": {
        "backend": "llama-cpp",
        "context_size": 8192,
        "known_usecases": ["chat", "vision"],
        "stopwords": ["<|im_end|>"],
        "mmproj": "mmproj-f16.gguf",
        "parameters": {"model": "tiny-8b-Q4_K_M.gguf", "temperature": 0.6, "typical_p": 1},
        "template": {"use_tokenizer_template": True},
    },
    "files": [
        file("huggingface://acme/Tiny-8B-GGUF/mmproj-f16.gguf"),
        file("huggingface://acme/Tiny-8B-GGUF/tiny-8b-Q4_K_M.gguf"),
    ],
}


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
                "sources": {"huggingface": {"repo": "acme/Tiny-8B-GGUF", "file": "tiny-8b-{quantization}.gguf"}},
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


OTHER = WHOLE | {"name": "other"}


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


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (["a", "list"], "SCH003"),
        ("text", "SCH003"),
        (None, "SCH003"),
        ({"url": "x"}, "SCH002"),
        ({"name": 7}, "SCH002"),
        ({"name": "模型", "url": "x"}, "IDN001"),
        (WHOLE | {"files": ["x"]}, "SCH003"),
        (WHOLE | {"files": [{"uri": "https://a.b/c"}]}, "SCH002"),
        (WHOLE | {"files": [{"filename": "x"}]}, "SCH002"),
        (WHOLE | {"files": [file("https://a.b/c", "../../x")]}, "FIL005"),
        (WHOLE | {"files": [file("https://a.b/c", "/etc/passwd")]}, "FIL005"),
        (WHOLE | {"files": [file("https://a.b/c", "C:\\x")]}, "FIL005"),
        (WHOLE | {"files": [file("https://user:secret@a.b/c")]}, "SEC005"),
        (WHOLE | {"files": [file("javascript:alert(1)", "x")]}, "SRC005"),
        (WHOLE | {"files": [file("https://[broken/c")]}, "URL001"),
        (WHOLE | {"files": [file("https://a.b/c", sha256=12345)]}, "FIL001"),
        (WHOLE | {"description": "y" * 10_000_000}, "YML011"),
        (WHOLE | {"tags": "llm"}, "RUN001"),
        (WHOLE | {"overrides": "x"}, "RUN001"),
        (WHOLE | {"variants": [{"name": "x"}]}, "RUN001"),
        (WHOLE | {"size": 2**60}, "SCH003"),
        (WHOLE | {"size": float("inf")}, "SCH003"),
        (WHOLE | {3: "x"}, "YML012"),
        (WHOLE | {"a.b": None}, "SCH003"),
        ({"name": "x", "description": "installs nothing", "url": ""}, "RUN001"),
    ],
)
def test_what_cannot_come_is_rejected_by_a_rule_and_stops_nothing(entry: object, code: str) -> None:
    found = imported([entry, OTHER])
    assert [each.remarks[0].code for each in found[:1] if isinstance(each, Rejected)] == [code]
    assert isinstance(found[1], Candidate)


def test_a_deep_entry_is_rejected() -> None:
    deep: Any = "x"
    for _ in range(20):
        deep = [deep]
    assert refused([WHOLE | {"extra": deep}]) == ["YML011"]


def test_a_hundred_broken_entries_stop_nothing() -> None:
    text = "".join(f"- name: bad{index}\n  tags: [\n" for index in range(100)) + yaml.safe_dump([WHOLE])
    found = imported(text)
    assert [type(each) for each in found] == [Rejected] * 100 + [Candidate]
    assert {each.remarks[0].code for each in found[:100]} == {"YML001"}
    assert [each.at for each in found[:3]] == ["index.yaml:1", "index.yaml:3", "index.yaml:5"]


def test_characters_that_no_file_holds_cost_the_entry() -> None:
    text = "- name: a\n  url: x\n  description: one\x07two\n- name: b\n  url: y\n"
    found = imported(text.encode() + b"- name: c\n  url: \xff\n")
    assert [type(each) for each in found] == [Rejected, Candidate, Rejected]
    assert {each.remarks[0].code for each in found if isinstance(each, Rejected)} == {"TXT002"}


def test_mistakes_that_are_mended_are_told() -> None:
    text = '- name: a\n  url: x\n  description: "it\\\'s here"\n  licence: mit\n- name: b\n  url: y\n  url: z\n'
    found = imported(text)
    assert [[(remark.code, "line" in remark.message) for remark in each.remarks] for each in found] == [
        [("YML012", True), ("SCH001", False)],
        [("YML002", True)],
    ]
    assert "did you mean `license`?" in found[0].remarks[1].message
    assert isinstance(found[0], Candidate)
    assert found[0].model["summary"] == "it's here"
    assert found[0].releases[FIRST]["runtimes"]["localai"]["extra"] == {"licence": "mit"}


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n",
        "just text",
        "a0: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{n}: &a{n} [{'*a,' * 9}]\n" for n in range(3)) + "[",
        "- &a [*a]\n",
        "[" * 1000,
    ],
)
def test_what_is_no_index_at_all_is_told(text: str) -> None:
    with pytest.raises(UsageError, match=r"index\.yaml"):
        imported(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (yaml.safe_dump([WHOLE]), True),
        ("---\n# a gallery\n\n- &x\n  name: a\n  url: b\n", True),
        ("- !!merge <<: *x\n  name: a\n  overrides:\n    a: b\n", True),
        ('[{"name": "a", "overrides": {"parameters": {}}}]', True),
        ('[{"model_name": "a", "overrides": {}}]', False),
        ('[{"name": "a", "filename": "b", "filesize": "1", "ramrequired": "8", "url": "c"}]', False),
        ("https://example.org/x.gguf\n", False),
        ("- https://example.org/x.gguf\n", False),
        ("name: a\nurl: b\n", False),
        ("", False),
    ],
)
def test_an_index_is_known_by_its_content(text: str, expected: bool) -> None:
    found = reference(text, "https://example.org/index.yaml")
    assert localai.claims(found) is expected
    if expected:
        assert claim(found) is localai


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
