"""`sync` and `mirror` as people and services run them: real signed galleries, over real http."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from galleryctl import layout
from galleryctl.client import homes
from publishing import Published, publish, serve
from servers import Answer, Asked, Served, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from conftest import Result

    Run = Callable[..., Result]

LLM = "model/v2/builtin/llm/llm_models.json"
MODEL = "models/llm/acme/tiny/model.yaml"
SECOND = {
    "models/llm/acme/tiny/1.1.0.yaml": """\
notes: Second release.
spec: {context_length: 8192, languages: [en], abilities: [chat]}
variants:
  - format: pytorch
    parameters: 2B
    engines: [transformers, vllm]
    quantizations: [none]
    sources:
      huggingface: {repo: acme/tiny, revision: 1a1b2c3d4e5f60718293a4b5c6d7e8f901234567}
    files:
      none:
        - path: model.safetensors
          size: 4000000000
          sha256: 4f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea
  - format: gguf
    parameters: 2B
    engines: [llama.cpp]
    quantizations: [Q4_K_M]
    sources:
      huggingface:
        repo: acme/tiny-gguf
        revision: 2a1b2c3d4e5f60718293a4b5c6d7e8f901234567
        file: "tiny-{quantization}.gguf"
    files:
      Q4_K_M:
        - path: tiny-Q4_K_M.gguf
          size: 1000000000
          sha256: 5f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea
"""
}
SETTINGS = {
    "gallery.yaml": """\
title: Test gallery
url: https://gallery.example
runtimes: [xinference, localai, llama.cpp, litellm, vllm]
""",
}


class World:
    """A registry, the gallery published from it, and who reads it."""

    def __init__(self, registry: Path, commit: Callable[..., str], folder: Path) -> None:
        self.registry, self.folder, self._commit = registry, folder, commit
        self.published = self._publish()

    def _publish(self, **wanted: object) -> Published:
        return publish(self.registry, self.folder / "site", self.folder / "keys", **wanted)  # type: ignore[arg-type]

    def change(self, files: Mapping[str, str | None]) -> None:
        self._commit(self.registry, files)
        self.published = self._publish()

    def words(self, url: str, *more: str | Path) -> list[str | Path]:
        return ["sync", "-g", url, "--root", self.published.root, "--cache", self.folder / "cache", *more]


@pytest.fixture
def world(registry: Callable[..., Path], commit: Callable[..., str], tmp_path: Path) -> World:
    return World(registry(SETTINGS), commit, tmp_path)


def found(done: Result) -> dict[str, Any]:
    assert done.exit_code in {0, 1}, done.stderr
    data: dict[str, Any] = json.loads(done.stdout)
    return data


# -- the index


def test_sync_says_what_it_did(run: Run, world: World) -> None:
    with serve(world.published.site) as served:
        first = run(*world.words(served.url))
        second = run(*world.words(served.url))
    assert (first.exit_code, first.stderr) == (0, "")
    lines = first.stdout.splitlines()
    assert lines[0] == f"{served.url}/: serial 1"
    types, rest = lines[1:3], lines[3:]
    assert types == ["  types    audio, embedding, image, llm, rerank, video,", "           vision"]
    assert re.fullmatch(r"  built    \d{4}-\d\d-\d\d \d\d:\d\d UTC, checked \d+ seconds? ago", rest[0])
    assert re.fullmatch(r"  expires  \d{4}-\d\d-\d\d \d\d:\d\d UTC", rest[1])
    assert re.fullmatch(r"  fetched  [1-9][0-9,]+ bytes in \d+ requests", rest[2])
    assert second.stdout.splitlines()[0] == f"{served.url}/: serial 1, nothing new"


def test_sync_tells_machines_too(run: Run, world: World) -> None:
    with serve(world.published.site) as served:
        told = found(run(*world.words(served.url, "--format", "json", "--type", "llm")))
    assert (told["serial"], told["types"], told["changed"], told["stale"]) == (1, ["llm"], True, "")
    assert told["bytes"] > 1000
    assert told["age"] < 60
    assert dt.datetime.fromisoformat(told["expires"]) > dt.datetime.now(dt.UTC)
    assert "home" not in told


# -- homes


@pytest.mark.parametrize(
    ("runtime", "path", "holds"),
    [
        ("xinference", LLM, '"model_name":"tiny"'),
        ("localai", "gallery/index.yaml", "tiny-Q4_K_M.gguf"),
        ("llama.cpp", "models.ini", "hf-repo"),
        ("litellm", "config.yaml", "acme/tiny"),
    ],
)
def test_the_files_of_a_runtime_are_those_that_were_published(
    run: Run, world: World, runtime: str, path: str, holds: str
) -> None:
    world.change(SECOND)
    home = world.folder / "home"
    with serve(world.published.site) as served:
        done = run(*world.words(served.url, "--runtime", runtime, "--home", home))
        assert done.exit_code == 0, done.stderr
        listed = json.loads((world.published.site / layout.NATIVES).read_text())["runtimes"][runtime]
        source = next(name for name in listed if homes.places(runtime, {name: b""}) == {path: b""})
        wanted = (world.published.site / "runtimes" / runtime / source).read_bytes()
        assert (home / path).read_bytes() == wanted
        assert holds in wanted.decode()
        assert f"  written  {path}" in done.stdout.splitlines()
        before = {each: each.stat().st_mtime_ns for each in home.rglob("*") if each.is_file()}
        again = run(*world.words(served.url, "--runtime", runtime, "--home", home))
    assert ": 0 files written" in again.stdout
    assert {each: each.stat().st_mtime_ns for each in home.rglob("*") if each.is_file()} == before


def test_a_quarantined_model_goes_with_the_sync_that_brings_it(run: Run, world: World) -> None:
    home = world.folder / "home"
    with serve(world.published.site) as served:
        words = world.words(served.url, "--runtime", "xinference", "--home", home, "--format", "json")
        assert found(run(*words))["home"]["written"] == [LLM]
        assert "tiny" in (home / LLM).read_text()
        text = (world.registry / MODEL).read_text()
        world.change({MODEL: f"{text}status: quarantined\nreason: It runs code.\n"})
        told = found(run(*words))
    assert told["home"]["emptied"] == [LLM]
    assert json.loads((home / LLM).read_text()) == []


def test_a_runtime_that_left_the_gallery_holds_nothing_stale(run: Run, world: World) -> None:
    home = world.folder / "home"
    with serve(world.published.site) as served:
        words = world.words(served.url, "--runtime", "xinference", "--home", home, "--format", "json")
        run(*words)
        world.change({"gallery.yaml": "title: Test gallery\nurl: https://gallery.example\nruntimes: [litellm]\n"})
        done = run(*words)
    assert done.exit_code == 3
    told = json.loads(done.stdout)
    assert told["home"]["emptied"] == [LLM]
    assert "publishes no files for xinference" in " ".join(told["warnings"])
    assert json.loads((home / LLM).read_text()) == []


def test_a_file_of_somebody_else_stays_and_is_told(run: Run, world: World) -> None:
    home = world.folder / "home"
    (home / LLM).parent.mkdir(parents=True)
    (home / LLM).write_text("[7]")
    with serve(world.published.site) as served:
        words = world.words(served.url, "--runtime", "xinference", "--home", home)
        done = run(*words)
        assert done.exit_code == 1
        assert f"  kept     {LLM}: not as galleryctl wrote it; --force replaces it" in done.stdout
        assert (home / LLM).read_text() == "[7]"
        assert run(*words, "--force").exit_code == 0
    assert "tiny" in (home / LLM).read_text()


def test_the_home_comes_from_the_runtime(run: Run, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(world.published.site) as served:
        assert run(*world.words(served.url, "--runtime", "xinference")).exit_code == 0
        assert (Path.home() / ".xinference" / LLM).is_file()
        monkeypatch.setenv("XINFERENCE_HOME", str(world.folder / "other"))
        assert run(*world.words(served.url, "--runtime", "xinference")).exit_code == 0
        assert (world.folder / "other" / LLM).is_file()
        done = run(*world.words(served.url, "--runtime", "localai"))
        assert done.exit_code == 2
        assert "give --home DIR, or set LOCALAI_MODELS_PATH" in done.stderr
        done = run(*world.words(served.url, "--home", world.folder))
        assert done.exit_code == 2
        assert "add --runtime" in done.stderr


# -- when it does not work


def test_without_anything_good_the_exit_code_says_so(run: Run, world: World) -> None:
    with serving(lambda _: Answer(503)) as served:
        done = run(*world.words(served.url))
    assert done.exit_code == 3
    assert "nothing is at hand" in done.stderr


def test_a_host_that_fails_leaves_the_last_good_state_and_files(run: Run, world: World) -> None:
    home = world.folder / "home"
    with failing(world.published.site) as (served, broken):
        words = world.words(served.url, "--runtime", "xinference", "--home", home)
        run(*words)
        before = {each: each.read_bytes() for each in home.rglob("*") if each.is_file()}
        (home / LLM).unlink()
        broken.append(404)
        done = run(*words)
        assert done.exit_code == 0
        assert re.search(r"^stale: .*the index of .* \(serial 1\) is served", done.stdout, re.MULTILINE)
        assert not (home / LLM).exists(), "nothing is written without the gallery"
        assert f"{home}: nothing written while the list is stale" in done.stdout
        broken.clear()
        run(*words)
    assert {each: each.read_bytes() for each in home.rglob("*") if each.is_file()} == before


def test_what_was_verified_reaches_the_files_though_the_host_fails_then(run: Run, world: World) -> None:
    """A run that died between the cache and the files: the next one ends what it began, revocations above all."""
    home = world.folder / "home"
    with failing(world.published.site) as (served, broken):
        words = world.words(served.url, "--runtime", "xinference", "--home", home)
        run(*words)
        text = (world.registry / MODEL).read_text()
        world.change({MODEL: f"{text}status: quarantined\nreason: It runs code.\n"})
        assert run(*world.words(served.url)).exit_code == 0, "the cache knows, the home does not"
        assert "tiny" in (home / LLM).read_text()
        broken.append(404)
        done = run(*words)
    assert "stale: " in done.stdout
    assert f"  emptied  {LLM}" in done.stdout
    assert json.loads((home / LLM).read_text()) == []


def test_what_was_not_signed_is_refused_and_files_stay(run: Run, world: World) -> None:
    home = world.folder / "home"
    with serve(world.published.site) as served:
        words = world.words(served.url, "--runtime", "xinference", "--home", home)
        run(*words)
        before = (home / LLM).read_bytes()
        world.change(SECOND)
        newest = json.loads((world.published.site / layout.NATIVES).read_text())["runtimes"]["xinference"]["llm.json"]
        path = world.published.site / layout.addressed("runtimes/xinference/llm.json", newest["sha256"])
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data.replace(b"tiny", b"evil"))
        done = run(*words)
    assert done.exit_code == 3
    assert "has the digest" in done.stderr
    assert (home / LLM).read_bytes() == before


@contextmanager
def failing(site: Path) -> Iterator[tuple[Served, list[int]]]:
    """The site, or what stands in the list as the status of every answer."""
    broken: list[int] = []

    def answer(asked: Asked) -> Answer:
        path = site / asked.path.partition("?")[0].lstrip("/")
        if broken:
            return Answer(broken[0])
        return Answer(200, path.read_bytes()) if path.is_file() else Answer(404)

    with serving(answer) as served:
        yield served, broken


# -- watching


@contextmanager
def watching(words: list[str | Path]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "galleryctl", *map(str, words), "--watch", "1s"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def line(process: subprocess.Popen[str], text: str) -> str:
    """The next line of the log that has a text; those before it are no others."""
    assert process.stderr is not None
    said = process.stderr.readline()
    assert text in said, said
    return said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_watching_tells_changes_and_ends_cleanly(world: World, number: signal.Signals) -> None:
    home = world.folder / "home"
    with failing(world.published.site) as (served, broken):
        broken.append(404)
        with watching(world.words(served.url, "--runtime", "xinference", "--home", home)) as process:
            line(process, "failed: ")
            broken.clear()
            said = line(process, "serial 1: ")
            assert re.match(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d  serial 1: [0-9,]+ bytes; wrote {LLM}$", said)
            world.change(SECOND)
            line(process, "serial 2: ")
            broken.append(404)
            line(process, "stale: ")
            time.sleep(2.5)
            broken.clear()
            line(process, "serial 2: up to date")
            process.send_signal(number)
            line(process, "  ended")
            assert process.wait(10) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""
    assert "1.1.0" not in (home / LLM).read_text()
    assert not list(world.folder.rglob("*.tmp"))


def test_watching_speaks_to_machines_line_by_line(world: World) -> None:
    with (
        serve(world.published.site) as served,
        watching(world.words(served.url, "--format", "json")) as process,
    ):
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["serial"] == 1
        world.change(SECOND)
        told = json.loads(process.stdout.readline())
        assert (told["serial"], told["changed"]) == (2, True)


def test_watching_tells_machines_what_failed(world: World) -> None:
    with serving(lambda _: Answer(404)) as served, watching(world.words(served.url, "--format", "json")) as process:
        assert process.stdout is not None
        assert "nothing is at hand" in json.loads(process.stdout.readline())["error"]


def test_a_cache_that_is_behind_does_not_take_a_home_back(run: Run, world: World) -> None:
    home = world.folder / "home"
    old = world.folder / "old"
    shutil.copytree(world.published.site, old)
    with failing(world.published.site) as (served, _):
        words = world.words(served.url, "--runtime", "xinference", "--home", home)
        world.change(SECOND)
        run(*words)
        before = (home / LLM).read_bytes()
        shutil.rmtree(world.folder / "cache")
        shutil.rmtree(world.published.site)
        shutil.copytree(old, world.published.site)
        done = run(*words)
    assert done.exit_code == 0
    assert f"{home}: nothing written: it holds serial 2 of epoch 1 already; --force replaces it" in done.stdout
    assert (home / LLM).read_bytes() == before


@pytest.mark.parametrize("text", ["0s", "soon", "-1m", ""])
def test_an_interval_is_a_time(run: Run, world: World, text: str) -> None:
    assert run(*world.words("https://models.example.org", "--watch", text)).exit_code == 2


# -- mirrors


def test_a_mirror_serves_as_the_gallery_does(run: Run, world: World) -> None:
    out = world.folder / "mirror"
    with serve(world.published.site) as served:
        done = run("mirror", out, "-g", served.url, "--root", world.published.root)
    assert (done.exit_code, done.stderr) == (0, "")
    assert re.match(rf"{re.escape(str(out))}: serial 1, 1 models, [0-9,]+ bytes fetched\n", done.stdout)
    for url in (str(out), out.as_uri()):
        assert run(*world.words(url)).stdout.startswith(f"{out.as_uri()}/: serial 1")
    with serve(out) as served:
        assert found(run(*world.words(served.url, "--format", "json")))["serial"] == 1
    told = json.loads(
        run("mirror", out, "-g", world.published.site, "--root", world.published.root, "--format", "json").stdout
    )
    assert (told["written"], told["pruned"], told["serial"]) == (0, 0, 1)


def test_a_mirror_wants_a_root(run: Run, world: World) -> None:
    done = run("mirror", world.folder / "mirror", "-g", world.published.site)
    assert done.exit_code == 2
    assert "--root" in done.stderr
