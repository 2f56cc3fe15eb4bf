"""`pull` as people run it: from a signed gallery over real http; hub and mirror are servers of this machine."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from galleryctl.cli.pulling import line
from galleryctl.client import Gallery, PullError
from galleryctl.client.pulling import Progress
from galleryctl.client.sources import weight
from publishing import Published, publish, serve
from pulls import DATA, OTHER, sha256
from servers import Answer, Asked, Served, ranged, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Result

    Run = Callable[..., Result]

COMMIT = "1a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
CONFIG = b'{"model_type": "tiny"}'
RELEASE = f"""\
spec: {{context_length: 8192, languages: [en], abilities: [chat]}}
variants:
  - format: gguf
    parameters: 2B
    engines: [llama.cpp]
    quantizations: [Q4_K_M]
    sources:
      huggingface: {{repo: acme/tiny, revision: {COMMIT}}}
    files:
      Q4_K_M:
        - {{path: gguf/tiny-Q4_K_M.gguf, size: {len(DATA)}, sha256: {sha256(DATA)}}}
        - {{path: config.json, size: {len(CONFIG)}, sha256: {sha256(CONFIG)}, role: config}}
  - format: pytorch
    parameters: 2B
    engines: [transformers]
    quantizations: [none]
    sources:
      huggingface: {{repo: acme/tiny, revision: {COMMIT}}}
    files:
      none:
        - {{path: model.safetensors, size: {len(OTHER)}}}
"""
REFERENCE = "acme/tiny@1.0.0:gguf"


@pytest.fixture
def published(registry: Callable[..., Path], tmp_path: Path) -> Published:
    return publish(registry({"models/llm/acme/tiny/1.0.0.yaml": RELEASE}), tmp_path / "site", tmp_path / "keys")


def hub(asked: Asked) -> Answer:
    files = {"gguf/tiny-Q4_K_M.gguf": DATA, "config.json": CONFIG, "model.safetensors": OTHER}
    name = asked.path.removeprefix(f"/acme/tiny/resolve/{COMMIT}/")
    return ranged(asked, files[name]) if name in files else Answer(404)


@pytest.fixture
def huggingface(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    with serving(hub) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        yield served


@pytest.fixture
def words(published: Published, tmp_path: Path) -> Iterator[list[str | Path]]:
    with serve(published.site) as served:
        yield [
            "pull", "-g", served.url, "--root", published.root, "--cache", tmp_path / "cache", "--allow-private",
            "--into", tmp_path / "into",
        ]  # fmt: skip


def test_the_files_of_a_build_come(run: Run, words: list[str | Path], huggingface: Served, tmp_path: Path) -> None:
    done = run(*words, REFERENCE)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"2 files in {tmp_path / 'into'}: 656 kB fetched\n"
    assert (tmp_path / "into/gguf/tiny-Q4_K_M.gguf").read_bytes() == DATA
    assert (tmp_path / "into/config.json").read_bytes() == CONFIG
    assert f"into {tmp_path / 'into'}" in done.stderr.splitlines()
    assert "  gguf/tiny-Q4_K_M.gguf: 655 kB from Hugging Face, then mirror" in done.stderr.splitlines()
    assert {asked.headers["authorization"] for asked in huggingface.asked} == {"Bearer hf_secret"}
    again = run(*words, REFERENCE)
    assert again.stdout == f"2 files in {tmp_path / 'into'}: 0 B fetched, 656 kB were here\n"
    assert "  config.json: here already" in again.stderr.splitlines()


@pytest.mark.usefixtures("huggingface")
@pytest.mark.parametrize("width", [40, 60, 120])
def test_what_is_announced_fits(
    width: int, run: Run, words: list[str | Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    said = [line for line in run(*words, REFERENCE, "--dry-run").stderr.splitlines() if str(tmp_path) not in line]
    assert max(map(len, said)) <= width
    assert ("    from Hugging Face, then mirror" in said) == (width < 62)


def test_machines_are_told_too(run: Run, words: list[str | Path], huggingface: Served, tmp_path: Path) -> None:
    planned = json.loads(run(*words, REFERENCE, "--dry-run", "--format", "json").stdout)
    assert planned["missing"] == len(DATA) + len(CONFIG)
    assert planned["files"]["config.json"]["sources"][0] == {
        "kind": "huggingface",
        "url": f"{huggingface.url}/acme/tiny/resolve/{COMMIT}/config.json",
    }
    assert not (tmp_path / "into").exists()
    assert huggingface.asked == []
    done = run(*words, REFERENCE, "--format", "json")
    told = json.loads(done.stdout)
    assert done.stderr == ""
    assert told["files"]["config.json"] == str(tmp_path / "into/config.json")
    assert (told["id"], told["version"], told["quantization"]) == ("acme/tiny", "1.0.0", "Q4_K_M")
    assert (told["fetched"], told["reused"]) == (len(DATA) + len(CONFIG), 0)


def test_a_dry_run_fetches_nothing(run: Run, words: list[str | Path], huggingface: Served, tmp_path: Path) -> None:
    done = run(*words, REFERENCE, "--dry-run")
    assert done.stdout == "would fetch 2 files, 656 kB; nothing was fetched\n"
    assert huggingface.asked == []
    assert not (tmp_path / "into").exists()


def test_a_mirror_may_come_first_and_may_be_a_folder(
    run: Run, words: list[str | Path], huggingface: Served, tmp_path: Path
) -> None:
    for data in (DATA, CONFIG):
        place = tmp_path / "usb" / weight(sha256(data))
        place.parent.mkdir(parents=True)
        place.write_bytes(data)
    private = [word for word in words if word != "--allow-private"]
    done = run(*private, REFERENCE, "--mirror", tmp_path / "usb", "--from", "mirror")
    assert done.exit_code == 0, done.stderr
    assert huggingface.asked == []
    assert (tmp_path / "into/gguf/tiny-Q4_K_M.gguf").read_bytes() == DATA


def test_the_gallery_itself_may_have_them(
    run: Run, words: list[str | Path], published: Published, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for data in (DATA, CONFIG):
        place = published.site / weight(sha256(data))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    with serving(lambda _: Answer(404)) as empty:
        monkeypatch.setenv("HF_ENDPOINT", empty.url)
        done = run(*words, REFERENCE)
    assert done.exit_code == 0, done.stderr
    assert "warning: config.json: " in done.stderr
    assert "going on with mirror" in done.stderr
    assert (tmp_path / "into/config.json").read_bytes() == CONFIG


def test_what_nobody_pinned_is_refused(run: Run, words: list[str | Path], huggingface: Served, tmp_path: Path) -> None:
    done = run(*words, "acme/tiny@1.0.0:pytorch")
    assert done.exit_code == 3
    assert "galleryctl release" in done.stderr
    assert huggingface.asked == []
    done = run(*words, "acme/tiny@1.0.0:pytorch", "--allow-unverified")
    assert done.exit_code == 0, done.stderr
    assert "warning: model.safetensors: no digest is recorded, so nobody can verify it" in done.stderr
    assert (tmp_path / "into/model.safetensors").read_bytes() == OTHER


def test_a_quota(run: Run, words: list[str | Path], huggingface: Served) -> None:
    done = run(*words, REFERENCE, "--quota", "100KiB")
    assert done.exit_code == 3
    assert "more than the quota of 102,400" in done.stderr
    assert huggingface.asked == []


def test_inside_this_network_only_where_that_is_allowed(run: Run, words: list[str | Path], huggingface: Served) -> None:
    done = run(*(word for word in words if word != "--allow-private"), REFERENCE)
    assert done.exit_code == 3
    assert huggingface.asked == []


def test_kinds_of_source_are_checked(run: Run, words: list[str | Path]) -> None:
    done = run(*words, REFERENCE, "--from", "hugging")
    assert done.exit_code == 2
    assert "'hugging' is no kind of source" in done.stderr


@pytest.mark.usefixtures("huggingface")
def test_a_folder_of_its_own_unless_one_is_named(
    run: Run, words: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*words[:-2], REFERENCE)
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "acme/tiny/1.0.0/2b-gguf-q4_k_m/config.json").read_bytes() == CONFIG


@pytest.mark.usefixtures("huggingface")
def test_a_lock_decides(run: Run, words: list[str | Path], tmp_path: Path) -> None:
    lock = tmp_path / "gallery.lock"
    first = ["resolve", *words[1:-3], "acme/tiny:gguf", "--lock", lock]
    assert run(*first, "--allow-private").exit_code == 0
    done = run(*words, "acme/tiny:gguf", "--lock", lock)
    assert done.exit_code == 0, done.stderr
    missing = run(*words, "acme/other", "--lock", lock)
    assert missing.exit_code == 3


@pytest.mark.usefixtures("huggingface")
def test_the_library_does_the_same(published: Published, tmp_path: Path) -> None:
    with serve(published.site) as served:
        gallery = Gallery(served.url, root=published.root, cache=tmp_path / "cache", allow_private=True)
        gallery.sync(["llm"])
        found = gallery.pull(gallery.resolve(REFERENCE), tmp_path / "into")
        assert found.files["config.json"].read_bytes() == CONFIG
        assert gallery.pull(REFERENCE, tmp_path / "into").fetched == 0
        with pytest.raises(PullError, match="release"):
            gallery.pull("acme/tiny:pytorch", tmp_path / "into")


def test_what_is_drawn_fits() -> None:
    now = Progress(1, 12, 1_200_000_000, 5_030_000_000, 1_000_000_000, "model.gguf")
    assert line(now, 12.5, 120) == (
        "━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 1.2 GB of 5.03 GB, 1 of 12 files, 80 MB/s, 48 s left"
    )  # fmt: skip
    assert line(now, 12.5, 60) == "1.2 GB of 5.03 GB, 1 of 12 files, 80 MB/s, 48 s left"
    assert all(len(line(now, 12.5, width)) < width for width in (20, 40, 60, 80, 200))
    assert line(now._replace(of=1, total=None), 12.5, 80) == "1.2 GB, 80 MB/s"
    assert line(now._replace(total=10**13), 12.5, 60).endswith("34 h 43 min left")


def slow(asked: Asked) -> Answer:
    """The hub, over a thin line."""
    found = hub(asked)
    body = found.body
    assert isinstance(body, bytes)

    def drip() -> Iterator[bytes]:
        for start in range(0, len(body), 2**16):
            time.sleep(0.2)
            yield body[start : start + 2**16]

    return Answer(found.status, drip, {**found.headers, "Content-Length": str(len(body))})


def test_a_terminal_sees_how_far_it_is(words: list[str | Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(slow) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        leader, follower = pty.openpty()
        command = [sys.executable, "-m", "galleryctl", *map(str, words), REFERENCE]
        done = subprocess.run(command, stderr=follower, stdout=subprocess.PIPE, check=True, timeout=60)
        os.close(follower)
        seen = os.read(leader, 2**16).decode()
        os.close(leader)
    assert b"2 files in" in done.stdout
    assert " of 656 kB, " in seen
    assert "/s, " in seen


def test_an_interrupt_is_no_accident(words: list[str | Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serving(slow) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        command = [sys.executable, "-m", "galleryctl", *map(str, words), REFERENCE]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            end = time.monotonic() + 30
            while len(served.asked) < 2 and time.monotonic() < end:
                time.sleep(0.02)
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            said, told = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "")
    assert told.splitlines()[-1] == "interrupted; nothing half-written is left"
    assert not (tmp_path / "into/gguf").exists()
