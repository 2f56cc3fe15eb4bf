"""What is gathered of addresses, and rules about it that no sample holds."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

import observations
import sources
from conftest import MINIMAL
from galleryctl import checks, git, inspection, loading
from galleryctl.checks import observed, online
from galleryctl.fetch import Http
from galleryctl.inspection import Asks
from galleryctl.inspection.gathering import gather
from servers import Answer, serving
from sources import MemoryHub, commit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from galleryctl.checks.rule import Subject
    from galleryctl.problems import Problem
    from servers import Asked

    Make = Callable[..., Path]

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
TINY = "models/llm/acme/tiny"
PIN = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
DIGEST = "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea"
SOURCE = f"huggingface:acme/tiny@{PIN}"


def subject(folder: Path) -> Subject:
    loaded = loading.load(folder.parent, folder.name, now=NOW)
    (found,) = inspection.subjects(git.working(folder.parent), folder.name, loaded, now=NOW)
    return found


def release(**replaced: str) -> dict[str, str]:
    text = MINIMAL[f"{TINY}/1.0.0.yaml"]
    assert text is not None
    for old, new in replaced.items():
        text = text.replace(old, new)
    return {f"{TINY}/1.0.0.yaml": text}


def problems(folder: Path, data: dict[str, Any], code: str) -> list[Problem]:
    found = checks.online_rules(subject(folder), observations.made(data), "registry")
    return [problem for problem in found if problem.code == code]


# -- rules


@pytest.mark.parametrize(
    ("size", "digest", "fix"),
    [
        (2_000_000_000, DIGEST, None),
        (1_999_999_999, DIGEST, "write 1999999999"),
        (1_999_999_999, None, "galleryctl release acme/tiny --bump patch"),
        (1_999_999_999, "0" * 64, None),  # another file: its digest tells
    ],
)
def test_sizes_that_differ(registry: Make, size: int, digest: str | None, fix: str | None) -> None:
    data = {"sources": {SOURCE: {"files": [["model.safetensors", size, digest]]}}}
    assert [problem.fix for problem in problems(registry(), data, "FIL004")] == ([fix] if fix else [])


def test_a_source_that_wants_a_login(registry: Make) -> None:
    data: dict[str, Any] = {"sources": {SOURCE: ["denied", "401"]}}
    (found,) = problems(registry(), data, "SRC003")
    assert found.fix == "correct the name, or add `gated: true`"
    declared = registry(release(**{f"revision: {PIN}": f"revision: {PIN}, gated: true"}), name="declared")
    assert problems(declared, data, "SRC003") == []


def test_releases_that_nobody_may_use_are_not_asked_about(registry: Make) -> None:
    gone = registry(release(**{"notes:": "status: discontinued\nreason: Broken.\nnotes:"}))
    assert list(observed.repositories(subject(gone))) == []
    assert list(observed.repositories(subject(registry(name="usable")))) != []


def test_a_licence_that_is_the_same_in_other_words(registry: Make) -> None:
    for said, count in (("apache-2.0", 0), ("other", 0), ("llama3.1", 0), ("mit", 1)):
        data = {"sources": {SOURCE: {"license": said}}}
        assert len(problems(registry(name=said), data, "LIC006")) == count, said


EVERYWHERE = """\
spec: {context_length: 4096, languages: [en], abilities: [chat]}
downloads: [{label: SDK, url: "https://files.acme.example/sdk.zip"}]
variants:
  - key: image
    format: gguf
    sources: {oci: {image: "registry.acme.example/tiny:stable@sha256:DIGEST"}}
    files: {default: [{path: tiny.gguf}]}
  - key: store
    format: onnx
    sources: {object: {prefix: "s3://models/tiny"}}
    files: {default: [{path: tiny.onnx}]}
  - key: web
    format: onnx
    sources: {url: {prefix: "https://files.acme.example/tiny/"}}
    files: {default: [{path: a/tiny.onnx}, {path: b.onnx, url: "https://other.acme.example/b.onnx"}]}
  - key: hub
    format: gguf
    lora: {repo: acme/lora, revision: main}
    sources:
      huggingface: {repo: acme/tiny, draft: {repo: acme/draft}, gguf: {repo: acme/gguf}}
      modelscope: {repo: "acme/tiny-{quantization}"}
""".replace("DIGEST", DIGEST)


def test_every_place_that_a_definition_names_is_known(registry: Make) -> None:
    model = str(MINIMAL[f"{TINY}/model.yaml"]).partition("links:")[0]
    model += (
        "license_url: https://acme.example/licence\nlinks: {paper: [https://acme.example/1, https://acme.example/2]}\n"
    )
    found = subject(registry({f"{TINY}/1.0.0.yaml": EVERYWHERE, f"{TINY}/model.yaml": model}))
    assert [(each.kind, each.repo, each.main, each.place[-1]) for each in observed.repositories(found)] == [
        ("huggingface", "acme/tiny", True, "repo"),
        ("huggingface", "acme/draft", False, "repo"),
        ("huggingface", "acme/lora", False, "repo"),
        ("huggingface", "acme/gguf", False, "repo"),
        ("modelscope", "acme/lora", False, "repo"),
        ("oci", "registry.acme.example/tiny:stable", True, "image"),
        ("object", "s3://models/tiny", True, "prefix"),
    ]
    assert [(address, is_file) for address, *_, is_file in online.addresses(found)] == [
        ("https://acme.example/1", False),
        ("https://acme.example/2", False),
        ("https://acme.example/licence", False),
        ("https://other.acme.example/b.onnx", True),
        ("https://files.acme.example/tiny/a/tiny.onnx", True),
        ("https://files.acme.example/sdk.zip", True),
    ]


def test_artifacts_and_stores_are_asked(registry: Make) -> None:
    folder = registry({f"{TINY}/1.0.0.yaml": EVERYWHERE, f"{TINY}/model.yaml": "title: Tiny\n"})
    oci, store = MemoryHub("oci", broken=True), MemoryHub("object", commits=False)
    store.add("s3://models/tiny", {"Tiny.onnx": b"1"})
    asks = Asks(Http(), sources.of(oci, store, MemoryHub(), MemoryHub("modelscope")))
    found = gather(subject(folder), asks, dangers_only=True)
    told = {problem.code: problem for problem in checks.online_rules(subject(folder), found, "registry")}
    assert told["URL003"].fix == "write `Tiny.onnx`"
    assert told["SRC010"].message.startswith("registry.acme.example/tiny:stable: ")
    assert oci.asked == [("registry.acme.example/tiny:stable", f"sha256:{DIGEST}")]
    found = observations.made({"sources": {"object:s3://models/tiny": ["denied", "403"]}})
    (note,) = checks.online_rules(subject(folder), found, "registry")
    assert (note.code, note.severity) == ("SRC010", "note")


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("huggingface:acme/tiny", ("huggingface", "acme/tiny")),
        ("https://huggingface.co/acme/tiny/blob/main/README.md", ("huggingface", "acme/tiny")),
        ("https://www.modelscope.cn/models/acme/tiny", ("modelscope", "acme/tiny")),
        ("acme/tiny", ("huggingface", "acme/tiny")),
        ("https://acme.example/README.md", None),
    ],
)
def test_where_a_card_came_from(source: str, meant: tuple[str, str] | None) -> None:
    assert observed.origin(source) == meant


# -- addresses


def site(asked: Asked) -> Answer:
    answers = {
        "/here": Answer(200, b"12345"),
        "/linked": Answer(302, b"", {"Location": "/here", "X-Linked-Etag": f'"{"a" * 64}"', "X-Linked-Size": "77"}),
        "/for-good": Answer(301, b"", {"Location": "http://localhost:1/elsewhere"}),
        "/renamed": Answer(308, b"", {"Location": "/here"}),
        "/login": Answer(401),
    }
    return answers.get(asked.path, Answer(404))


def test_what_addresses_say(registry: Make) -> None:
    with serving(site) as served:
        names = ("here", "linked", "renamed", "login", "nowhere")
        links = ", ".join(f"{name}: {served.url}/{name}" for name in names)
        model = MINIMAL[f"{TINY}/model.yaml"]
        assert model is not None
        text = model.replace("{repository: https://huggingface.co/acme/tiny}", f"{{{links}}}")
        folder = registry({f"{TINY}/model.yaml": text})
        hub = MemoryHub()
        found = gather(subject(folder), Asks(Http(allow_private=True), sources.of(hub))).addresses
        assert found[f"{served.url}/here"] == observed.Address(size=5)
        assert found[f"{served.url}/linked"] == observed.Address(size=77, sha256="a" * 64)
        assert found[f"{served.url}/renamed"] == observed.Address(size=5, moved=f"{served.url}/here")
        kinds = [found[f"{served.url}/{name}"] for name in ("login", "nowhere")]
        assert [kind.kind for kind in kinds if isinstance(kind, observed.Silence)] == ["denied", "missing"]
        heads = {asked.method for asked in served.asked}
        assert heads == {"HEAD"}


def test_pickles_at_addresses_are_scanned(registry: Make) -> None:
    data = sources.archive(sources.dangerous())
    with serving(lambda asked: Answer(200, data) if asked.path.endswith("model.bin") else Answer(404)) as served:
        url = f"url: {served.url}/model.bin\n          size"
        text = str(MINIMAL[f"{TINY}/model.yaml"]).partition("links:")[0]
        changed = release(**{"size": url, "model.safetensors": "model.bin"})
        folder = registry({**changed, f"{TINY}/model.yaml": text})
        found = gather(subject(folder), Asks(Http(allow_private=True), sources.of(MemoryHub())))
        assert found.pickles[f"{served.url}/model.bin"].findings == ("posix.system",)
        told = checks.online_rules(subject(folder), found, "registry")
        assert [problem.message for problem in told if problem.code == "SEC006"] == [
            f"loading {served.url}/model.bin runs posix.system"
        ]


# -- asking


def test_a_question_is_asked_once(registry: Make) -> None:
    folder = registry({**release(), "models/llm/acme/more/model.yaml": MINIMAL[f"{TINY}/model.yaml"]})
    hub = MemoryHub()
    asks = Asks(Http(allow_private=True), sources.of(hub))
    for _ in range(2):
        gather(subject_of(folder, "tiny"), asks, dangers_only=True)
    assert hub.asked == [("acme/tiny", None), ("acme/tiny", PIN)]


def subject_of(folder: Path, name: str) -> Subject:
    loaded = loading.load(folder.parent, folder.name, now=NOW)
    tree = git.working(folder.parent)
    found = inspection.subjects(tree, folder.name, loaded, now=NOW, wanted=lambda path: path.endswith(f"/{name}"))
    return next(iter(found))


def test_a_host_that_never_answers_is_given_up() -> None:
    hub = MemoryHub(broken=True)
    asks = Asks(Http(), sources.of(hub))
    found = [asks.source("huggingface", f"acme/{number}", None) for number in range(10)]
    assert {each.kind for each in found if isinstance(each, observed.Silence)} == {"silent"}
    assert len(hub.asked) == 3
    hub.broken = False
    hub.add("acme/tiny", {})
    asks = Asks(Http(), sources.of(hub))
    asks.source("huggingface", "acme/tiny", None)
    hub.broken = True
    for number in range(10):
        asks.source("huggingface", f"acme/{number}", None)
    assert len(hub.asked) == 14


# -- what is not in the registry yet


def test_scan_of_a_model_that_is_only_thought_of(registry: Make) -> None:
    folder = registry({"policy.yaml": "version: 1\nscanners: [{for: images, command: [no-such-program]}]\n"})
    hub = MemoryHub()
    hub.add("acme/new", {"pytorch_model.bin": sources.dangerous()})
    files = {name: data.encode() for name in ("model.yaml", "1.0.0.yaml") if (data := MINIMAL[f"{TINY}/{name}"])}
    text = files["1.0.0.yaml"].decode().replace("acme/tiny", "acme/new").replace(PIN, commit(1))
    text = text.replace("model.safetensors", "pytorch_model.bin")
    image = f"environment: {{image: host/name@sha256:{DIGEST}}}\nvariants:"
    files["1.0.0.yaml"] = text.replace("variants:", image).encode()
    loaded = loading.load(folder.parent, folder.name, now=NOW)
    with serving(sources.huggingface(hub)) as served:
        hub.site = served.url
        asks = Asks(Http(allow_private=True), sources.of(hub))
        found = inspection.scan("llm", "acme/new", files, asks, loaded=loaded, now=NOW)
    (problem,) = found
    assert (problem.code, problem.path) == ("SEC006", "models/llm/acme/new/1.0.0.yaml")
    assert "posix.system" in problem.message
