"""Files of models in a mirror: found by their digest, verified, gone when they are revoked."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from conftest import MINIMAL
from galleryctl.client.sources import weight
from publishing import Published, publish, serve
from servers import Answer, Asked, ranged, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Result

    Run = Callable[..., Result]

REVISION = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
PLAIN, SMALL, LARGE = b"plain" * 500, b"small" * 300, b"large" * 900
FILES = {"model.safetensors": PLAIN, "tiny-Q4_K_M.gguf": SMALL, "tiny-Q8_0.gguf": LARGE}
SOURCE = f"huggingface: {{repo: acme/tiny, revision: {REVISION}}}"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def file(name: str, *, digest: bool = True) -> str:
    data = FILES[name]
    return f"[{{path: {name}, size: {len(data)}{f', sha256: {sha256(data)}' if digest else ''}}}]"


RELEASE = f"""\
notes: First release.
released: "2025-05-01T08:00:00Z"
spec: {{context_length: 4096, languages: [en], abilities: [chat]}}
variants:
  - format: pytorch
    parameters: 1K
    engines: [transformers]
    quantizations: [none]
    sources: {{{SOURCE}}}
    files: {{none: {file("model.safetensors")}}}
  - format: gguf
    parameters: 1K
    engines: [llama.cpp]
    quantizations: [Q4_K_M, Q8_0]
    sources: {{huggingface: {{repo: acme/tiny, revision: {REVISION}, file: "tiny-{{quantization}}.gguf"}}}}
    files: {{Q4_K_M: {file("tiny-Q4_K_M.gguf")}, Q8_0: {file("tiny-Q8_0.gguf")}}}
"""
TINY = "models/llm/acme/tiny"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hub on this machine; the paths that it was asked for."""
    asked: list[str] = []

    def answer(request: Asked) -> Answer:
        asked.append(request.path)
        name = request.path.rpartition("/")[2]
        there = request.path == f"/acme/tiny/resolve/{REVISION}/{name}" and name in FILES
        return ranged(request, FILES[name]) if there else Answer(404)

    with serving(answer) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        yield asked


@pytest.fixture
def gallery(registry: Callable[..., Path], tmp_path: Path) -> Published:
    return publish(registry({f"{TINY}/1.0.0.yaml": RELEASE}), tmp_path / "site", tmp_path / "keys")


def mirror(run: Run, gallery: Published, out: Path, *words: str, url: str | None = None) -> dict[str, Any]:
    done = run(
        "mirror", out, "-g", url or gallery.site, "--root", gallery.root, "--allow-private", "--format", "json", *words
    )
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["weights"]
    return found


def held(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in (out / "weights").glob("*/*")}


def named(*data: bytes) -> dict[str, bytes]:
    return {weight(sha256(each)): each for each in data}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("acme/tiny", named(PLAIN, SMALL, LARGE)),
        ("acme/tiny@1.0.0", named(PLAIN, SMALL, LARGE)),
        ("all", named(PLAIN, SMALL, LARGE)),
        ("acme/tiny:q4_k_m", named(SMALL)),
        ("acme/tiny@^1:pytorch", named(PLAIN)),
    ],
)
def test_files_lie_under_their_digests(
    run: Run, gallery: Published, hub: list[str], tmp_path: Path, reference: str, expected: dict[str, bytes]
) -> None:
    out = tmp_path / "mirror"
    told = mirror(run, gallery, out, "--weights", reference)
    assert held(out) == expected
    size = sum(map(len, expected.values()))
    assert (told["files"], told["bytes"], told["fetched"]) == (len(expected), size, size)
    hub.clear()
    again = mirror(run, gallery, out, "--weights", reference)
    assert (again["files"], again["fetched"], hub) == (len(expected), 0, [])


def test_people_are_told_what_came(run: Run, gallery: Published, hub: list[str], tmp_path: Path) -> None:
    words = ["-g", gallery.site, "--root", gallery.root, "--allow-private", "--weights", "acme/tiny"]
    done = run("mirror", tmp_path / "mirror", *words)
    size = len(PLAIN + SMALL + LARGE)
    assert f"files of models: 3 of {size:,} bytes, {size:,} fetched, 0 removed\n" in done.stdout
    assert len(hub) == 3


def test_a_mirror_of_a_mirror_needs_no_hub(
    run: Run, gallery: Published, hub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror(run, gallery, tmp_path / "one", "--weights", "acme/tiny")
    with serving(lambda _: Answer(404)) as gone, serve(tmp_path / "one") as served:
        monkeypatch.setenv("HF_ENDPOINT", gone.url)
        mirror(run, gallery, tmp_path / "two", "--weights", "acme/tiny", url=served.url)
    assert len(hub) == 3
    assert held(tmp_path / "two") == named(PLAIN, SMALL, LARGE)


def test_files_stay_until_they_are_pruned(run: Run, gallery: Published, hub: list[str], tmp_path: Path) -> None:
    out = tmp_path / "mirror"
    mirror(run, gallery, out, "--weights", "acme/tiny:q4_k_m")
    mirror(run, gallery, out, "--weights", "acme/tiny:q8_0")
    mirror(run, gallery, out)
    assert held(out) == named(SMALL, LARGE)
    (out / "weights" / "00").mkdir()
    (out / "weights" / "00" / "mine").write_text("mine")
    told = mirror(run, gallery, out, "--weights", "acme/tiny:q8_0", "--prune")
    assert told["removed"] == list(named(SMALL))
    assert held(out) == named(LARGE) | {"weights/00/mine": b"mine"}
    assert len(hub) == 2


def test_what_is_revoked_goes(
    run: Run, gallery: Published, hub: list[str], commit: Callable[..., str], tmp_path: Path
) -> None:
    out = tmp_path / "mirror"
    mirror(run, gallery, out, "--weights", "acme/tiny")
    model = MINIMAL[f"{TINY}/model.yaml"]
    registry = tmp_path / "repository" / "registry"
    commit(registry, {f"{TINY}/model.yaml": f"{model}status: quarantined\nreason: It runs code.\n"})
    publish(registry, gallery.site, gallery.keys)
    told = mirror(run, gallery, out)
    assert sorted(told["removed"]) == sorted(named(PLAIN, SMALL, LARGE))
    assert held(out) == {}
    done = run("mirror", out, "-g", gallery.site, "--root", gallery.root, "--weights", "acme/tiny")
    assert done.exit_code == 3
    assert "quarantined" in done.stderr
    assert hub


def test_a_file_that_is_not_what_was_recorded_is_not_kept(
    run: Run, gallery: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(lambda request: ranged(request, b"evil!" * 500)) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        done = run(
            "mirror", tmp_path / "mirror", "-g", gallery.site, "--root", gallery.root, "--allow-private",
            "--weights", "acme/tiny:pytorch",
        )  # fmt: skip
    assert done.exit_code == 3
    assert "model.safetensors" in done.stderr
    assert held(tmp_path / "mirror") == {}


def test_a_file_without_a_digest_is_told(
    run: Run, registry: Callable[..., Path], hub: list[str], tmp_path: Path
) -> None:
    release = RELEASE.replace(file("model.safetensors"), file("model.safetensors", digest=False))
    gallery = publish(registry({f"{TINY}/1.0.0.yaml": release}), tmp_path / "site", tmp_path / "keys")
    told = mirror(run, gallery, tmp_path / "mirror", "--weights", "acme/tiny")
    assert "acme/tiny 1.0.0: model.safetensors has no recorded digest: not mirrored" in told["warnings"]
    assert held(tmp_path / "mirror") == named(SMALL, LARGE)
    assert len(hub) == 2
