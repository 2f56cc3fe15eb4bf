"""LM Studio, GPT4All and models.dev: catalogues by other projects, told by their content."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import MemoryTree
from galleryctl import document, loading
from galleryctl.errors import UsageError
from galleryctl.importers import Candidate, Options, Reference, Rejected, claim, gpt4all, lmstudio, modelsdev
from galleryctl.importers.records import Record
from galleryctl.spec import Limits, Model, Release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SHARED = Path(__file__).parents[2] / "shared" / "data"
SOURCES = {
    lmstudio: SHARED / "lmstudio" / "catalog.json",
    gpt4all: SHARED / "gpt4all" / "models3.json",
    modelsdev: SHARED / "models.dev",
}
DIGEST = "ab" * 32
NOBODY: Any = None  # none of these fetches anything
LM: dict[str, Any] = {
    "_descriptorVersion": "0.0.1",
    "datePublished": "2024-02-21T16:54:57.000Z",
    "name": "Tiny Chat 1B",
    "description": "A small model.",
    "author": {"name": "Acme", "url": "https://acme.example", "blurb": ""},
    "numParameters": "1B",
    "resources": {
        "canonicalUrl": "https://huggingface.co/Acme/tiny-chat",
        "downloadUrl": "https://huggingface.co/mills/tiny-chat-GGUF",
    },
    "trainedFor": "chat",
    "arch": "llama",
    "files": {
        "highlighted": {"economical": {"name": "tiny.Q4_K_M.gguf"}},
        "all": [
            {
                "name": f"tiny.{quantization}.gguf",
                "url": f"https://huggingface.co/mills/tiny-chat-GGUF/resolve/main/tiny.{quantization}.gguf",
                "sizeBytes": 400_000_000,
                "quantization": quantization.lower(),
                "format": "gguf",
                "sha256checksum": DIGEST.upper(),
            }
            for quantization in ("Q4_K_M", "Q8_0")
        ],
    },
}
G4: dict[str, Any] = {
    "order": "a",
    "md5sum": "a" * 32,
    "name": "Tiny",
    "filename": "tiny.q4_0.gguf",
    "filesize": "4100000000",
    "ramrequired": "8",
    "parameters": "1.5 billion",
    "quant": "q4_0",
    "type": "LLaMA",
    "description": '<strong>Good</strong><br><ul><li>Fast<li>License: <a href="https://mit.example/">MIT</a></ul>',
    "url": "https://huggingface.co/Acme/Tiny-GGUF/resolve/main/tiny.q4_0.gguf",
    "chatTemplate": "{{ messages[0].content }}",
}
MD: dict[str, Any] = {
    "id": "acme-lab/tiny-1.5",
    "name": "Tiny 1.5",
    "family": "tiny",
    "release_date": "2025-04-28",
    "attachment": True,
    "reasoning": True,
    "tool_call": True,
    "open_weights": True,
    "limit": {"context": 131072, "output": 8192},
    "modalities": {"input": ["text", "image"], "output": ["text"]},
    "weights": [{"label": "Hugging Face", "url": "https://huggingface.co/Acme/Tiny-1.5"}],
    "benchmarks": [
        {"name": "Bench", "version": "2", "harness": "Arm", "score": 50.5, "metric": "score", "date": "2025-05-08"}
        | {"source": "https://bench.example/"}
    ],
}


def told(path: Path, data: bytes) -> Reference:
    return Reference(str(path), lambda: data, path)


def opened(path: Path) -> Reference:
    if not path.exists():
        pytest.skip(f"needs {path.relative_to(SHARED.parents[1])}: catalogues that are not part of this repository")
    return told(path, path.read_bytes() if path.is_file() else b"")


def strict(found: Candidate) -> tuple[Model, Release]:
    model = Model.model_validate_json(json.dumps(found.model), strict=True, extra="forbid")
    return model, Release.model_validate_json(json.dumps(found.releases["1.0.0"]), strict=True, extra="forbid")


def one(made: Candidate | Rejected | None) -> tuple[Model, Release, Candidate]:
    assert isinstance(made, Candidate), made
    return *strict(made), made


def codes(made: Candidate | Rejected) -> set[str]:
    return {remark.code for remark in made.remarks}


def checked(found: Iterable[Candidate]) -> set[str]:
    """The rules that complain about a registry of these models, without those about what only people write."""
    files: dict[str, bytes | str] = {"registry/gallery.yaml": "title: Test\n", "registry/roles.yaml": "version: 1\n"}
    for each in found:
        folder = f"registry/models/{each.type}/{each.id}"
        files[f"{folder}/model.yaml"] = document.dump(each.model)
        files |= {f"{folder}/{version}.yaml": document.dump(release) for version, release in each.releases.items()}
        files |= {f"{folder}/{name}": text for name, text in each.texts.items()}
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    problems = loading.load(Path("nowhere"), now=now, tree=MemoryTree(files)).problems
    return {problem.code for problem in problems if problem.severity.name == "ERROR"} - {"DOC001", "IDN008", "TAX001"}


def test_lm_studio() -> None:
    model, release, made = one(lmstudio.translate("c.json:2", LM, Options()))
    assert (made.id, made.type, made.at) == ("acme/tiny-chat-1b", "llm", "c.json:2")
    assert model.summary == "A small model."
    assert model.links["weights"] == "https://huggingface.co/mills/tiny-chat-GGUF"
    assert release.released == dt.datetime(2024, 2, 21, 16, 54, 57, tzinfo=dt.UTC)
    assert release.spec == {"family": "llama", "abilities": ["chat"]}
    (variant,) = release.variants
    assert (variant.name, variant.quantizations) == ("1b-gguf", ("Q4_K_M", "Q8_0"))
    assert variant.sources
    assert variant.sources.huggingface
    assert variant.sources.huggingface.file == "tiny.{quantization}.gguf"
    assert variant.sources.huggingface.revision is None
    assert variant.files["Q8_0"][0].sha256 == DIGEST
    assert codes(made) == {"SRC002"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "tiny.Q5_K_M.gguf"}, "FIL009"),
        ({"quantization": "Q4_K_S"}, "QNT002"),
        ({"sha256checksum": "abc"}, "FIL001"),
        ({"url": "https://huggingface.co/mills/t/blob/main/tiny.Q4_K_M.gguf"}, "URL002"),
        ({"url": "https://huggingface.co/mills/t/resolve/main/../../../etc/passwd"}, "FIL004"),
        ({"colour": "red"}, "SCH001"),
    ],
)
def test_mistakes_in_files_of_lm_studio(change: dict[str, Any], code: str) -> None:
    files = LM["files"]
    changed = {**files, "all": [files["all"][0] | change, files["all"][1]]}
    made = lmstudio.translate("c.json:2", {**LM, "files": changed}, Options())
    assert isinstance(made, Candidate)
    strict(made)
    assert code in codes(made)


def test_a_pinned_file_keeps_its_commit() -> None:
    file = LM["files"]["all"][0] | {"url": f"https://huggingface.co/m/t/resolve/{'a' * 40}/x.gguf", "name": "x.gguf"}
    _, release, made = one(lmstudio.translate("1", {**LM, "files": {"all": [file]}}, Options()))
    assert release.variants[0].sources
    assert release.variants[0].sources.huggingface
    assert release.variants[0].sources.huggingface.revision == "a" * 40
    assert codes(made) == set()


def test_gpt4all() -> None:
    model, release, made = one(gpt4all.translate("models3.json:2", G4, Options()))
    assert made.id == "acme/tiny"
    assert model.description == "**Good**\n\n- Fast\n- License: [MIT](https://mit.example/)"
    assert (model.license, model.summary) == ("MIT", None)
    (variant,) = release.variants
    assert (variant.parameters, variant.quantizations) == ("1.5B", ("Q4_0",))
    assert variant.files["Q4_0"][0].size == 4_100_000_000
    assert variant.files["Q4_0"][0].sha256 is None
    assert release.requirements
    assert release.requirements.memory == "8GiB"
    assert release.spec["prompt"] == {"template": {"file": "1.0.0.jinja"}}
    assert made.texts == {"1.0.0.jinja": b"{{ messages[0].content }}"}
    assert codes(made) == {"FIL001", "SRC002", "TXT005"}


def test_gpt4all_that_is_no_chat_model_or_gone() -> None:
    old = {**G4, "embeddingModel": True, "removedIn": "3.0.0", "promptTemplate": "%1", "chatTemplate": ""}
    old |= {"url": "https://gpt4all.io/models/gguf/tiny.q4_0.gguf", "sha256sum": DIGEST}
    model, release, made = one(gpt4all.translate("1", old, Options()))
    assert (made.type, made.id) == ("embedding", "gpt4all/tiny")
    assert (model.status, model.reason) == ("deprecated", "GPT4All 3.0.0 and later do not offer it.")
    assert release.variants[0].sources
    assert release.variants[0].sources.url
    assert release.variants[0].sources.url.prefix == "https://gpt4all.io/models/gguf/"
    assert release.variants[0].files["Q4_0"][0].sha256 == DIGEST
    assert codes(made) == {"TXT005", "SCH001"}


def test_models_dev() -> None:
    model, release, made = one(modelsdev.translate(Record("x.toml", MD), Options()))
    assert (made.id, made.type, made.source) == ("acme/tiny-1.5", "llm", "acme-lab/tiny-1.5")
    assert model.links == {"weights": "https://huggingface.co/Acme/Tiny-1.5"}
    assert release.spec["abilities"] == ["chat", "tools", "reasoning", "vision"]
    assert release.spec["context_length"] == 131072
    (metric,) = release.metrics
    assert (metric.name, metric.value, metric.unit) == ("Bench 2 (Arm)", 50.5, None)
    assert metric.date == dt.date(2025, 5, 8)
    assert release.variants[0].format is None


def test_models_dev_leaves_out_closed_models_and_months() -> None:
    assert modelsdev.translate(Record("x", {**MD, "open_weights": False}), Options()) is None
    _, release, made = one(modelsdev.translate(Record("x", {**MD, "release_date": "2025-04"}), Options()))
    assert release.released is None
    assert codes(made) == {"SCH003", "SRC002"}


@pytest.mark.parametrize(
    ("goes_in", "comes_out", "type_", "abilities"),
    [
        (["audio"], ["text"], "audio", ["audio2text"]),
        (["text"], ["audio"], "audio", ["text2audio"]),
        (["text", "image"], ["image"], "image", ["text2image", "image2image"]),
        (["image"], ["video"], "video", ["image2video"]),
        (["text", "audio"], ["text", "audio"], "llm", ["generate", "audio", "omni"]),
    ],
)
def test_types_by_what_goes_in_and_out(goes_in: list[str], comes_out: list[str], type_: str, abilities: str) -> None:
    value = {**MD, "modalities": {"input": goes_in, "output": comes_out}, "tool_call": False, "reasoning": False}
    _, release, made = one(modelsdev.translate(Record("x", value), Options()))
    assert (made.type, release.spec["abilities"]) == (type_, abilities)


def test_a_folder_of_toml_and_its_places(tmp_path: Path) -> None:
    lab = tmp_path / "models" / "acme"
    lab.mkdir(parents=True)
    head = "name = 'A'\nopen_weights = true\nrelease_date = 2025-04-28\n"
    (lab / "a.toml").write_text(f"{head}[modalities]\ninput = ['text']\noutput = ['text']\n")
    (lab / "b.toml").write_text("name = \n")
    (lab / "c.toml").write_text("name = 'C'\nopen_weights = false\n")
    reference = told(tmp_path, b"")
    assert claim(reference).NAME == "modelsdev"
    first, second = modelsdev.read(reference, NOBODY, Options())
    assert one(first)[1].released == dt.datetime(2025, 4, 28, tzinfo=dt.UTC)
    assert (first.at, first.source) == ("models/acme/a.toml", "acme/a")
    assert isinstance(second, Rejected)
    assert (second.at, codes(second)) == ("models/acme/b.toml", {"YML001"})


def test_the_api_of_models_dev() -> None:
    data = json.dumps({"acme": {"id": "acme", "models": {"tiny": MD, "org/big": {**MD, "weights": []}}}}).encode()
    first, second = modelsdev.read(told(Path(__file__), data), NOBODY, Options())
    assert isinstance(first, Candidate)
    assert isinstance(second, Candidate)
    assert (first.id, first.at) == ("acme/tiny", "test_importers_catalogues.py: acme/tiny")
    assert second.id == "org/big"
    with pytest.raises(UsageError, match="open weights"):
        list(modelsdev.read(told(Path(__file__), b'{"a": {"open_weights": false}}'), NOBODY, Options()))


@pytest.mark.parametrize(("module", "data"), [(lmstudio, [LM]), (gpt4all, [G4]), (modelsdev, {"acme/t": MD})])
def test_each_is_told_by_its_content(module: Any, data: object, tmp_path: Path) -> None:  # noqa: ANN401 - a module
    file = tmp_path / "some.json"
    file.write_text(json.dumps(data))
    assert claim(told(file, file.read_bytes())) is module


def test_places_are_lines_and_bad_entries_stop_nobody() -> None:
    text = "[\n" + ",\n".join(json.dumps(each) for each in ("x", {}, G4, {"name": "y", "url": 3})) + "\n]"
    found = list(gpt4all.read(told(Path("m.json"), text.encode()), NOBODY, Options()))
    assert [each.at for each in found] == ["m.json:2", "m.json:3", "m.json:4", "m.json:5"]
    assert [type(each) for each in found] == [Rejected, Rejected, Candidate, Rejected]
    assert all(each.remarks[0].code for each in found)
    with pytest.raises(UsageError, match=r"m\.json:1: "):
        list(gpt4all.read(told(Path("m.json"), b'[{"a": nope}]'), NOBODY, Options()))


@pytest.mark.parametrize("module", list(SOURCES), ids=lambda module: module.NAME)
def test_the_catalogue_as_published(module: Any) -> None:  # noqa: ANN401 - a module
    reference = opened(SOURCES[module])
    assert claim(reference) is module
    found = list(module.read(reference, NOBODY, Options()))
    assert [each for each in found if isinstance(each, Rejected)] == []
    made = {each.id: each for each in found if isinstance(each, Candidate)}
    for each in made.values():
        strict(each)
    assert len(found) == {"lmstudio": 19, "gpt4all": 32, "modelsdev": 108}[module.NAME]
    assert checked(made.values()) <= MISTAKES[module.NAME]


MISTAKES = {  # what these catalogues lack or have wrong, and nothing that the importers did
    "lmstudio": {"LIC001", "TXT007"},
    "gpt4all": {"LIC001", "TXT007", "TPL001", "TPL002", "SCH005"},
    "modelsdev": {"LIC001", "TXT007", "ABL002", "VAL006"},
}

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_ANY = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
_TEXTS = st.sampled_from(["", "x" * 400, "../../x", "a\u202eb", "\x00", "https://huggingface.co/a/b", "\ud800", "日本"])


def hostile(sample: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An entry of which some values, at any depth, became anything."""

    def broken(value: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - any JSON value
        if isinstance(value, dict):
            same: st.SearchStrategy[Any] = st.fixed_dictionaries({key: broken(each) for key, each in value.items()})
        elif isinstance(value, list):
            same = st.tuples(*(broken(each) for each in value)).map(list)
        else:
            same = st.just(value)
        return st.one_of(same, same, same, _ANY, _TEXTS)

    return st.fixed_dictionaries({key: broken(value) for key, value in sample.items()})


READERS: list[tuple[Callable[[Any], Candidate | Rejected | None], dict[str, Any]]] = [
    (lambda value: lmstudio.translate("1", value, Options()), LM),
    (lambda value: gpt4all.translate("1", value, Options()), G4),
    (lambda value: modelsdev.translate(Record("1", value), Options()), MD),
]


@pytest.mark.parametrize(("read", "sample"), READERS, ids=[module.NAME for module in SOURCES])
@given(data=st.data())
def test_no_shape_breaks_a_reader(
    read: Callable[[Any], Candidate | Rejected | None], sample: dict[str, Any], data: st.DataObject
) -> None:
    made = read(data.draw(st.one_of(hostile(sample), _ANY)))
    if isinstance(made, Candidate):
        strict(made)
        json.dumps([made.model, made.releases], ensure_ascii=False, allow_nan=False).encode()
        parsed, _ = document.parse("model.yaml", document.dump(made.model).encode(), Limits())
        assert parsed
        assert parsed.data == made.model
    elif made is not None:
        assert made.remarks
        assert made.remarks[0].code
