"""The runtime's side from end to end: people change a registry, it is published, and a machine stays in step with it.

Every step is a command, every byte goes over http: the gallery on one server, the files of the models on another.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from publishing import serve
from servers import files, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from conftest import Result
    from servers import Served

    Run = Callable[..., Result]

TINY = "models/llm/acme/tiny"
OLD, NEW = b"the first bytes" * 400, b"other bytes, uploaded again" * 300


class Machine(NamedTuple):
    """A gallery that is published, and a machine that follows it."""

    run: Run
    registry: Path
    folder: Path
    gallery: Served
    hub: Served

    def publish(self) -> None:
        """Build over what is published, and sign."""
        site = self.folder / "site"
        assert self.run("build", "--registry", self.registry, "--out", site).exit_code == 0
        done = self.run("sign", site, "--keys", self.folder / "keys")
        assert done.exit_code == 0, done.stderr

    def change(self, commit: Callable[..., str], contents: Mapping[str, str | None]) -> None:
        commit(self.registry, contents, date="2026-02-03T04:05:06Z")
        self.publish()

    def call(self, *words: str | Path) -> Result:
        """A command of the runtime's side."""
        common = ["--gallery", self.gallery.url, "--root", self.folder / "keys/trust/1.root.json"]
        return self.run(*words, *common, "--cache", self.folder / "cache", "--allow-private")

    def json(self, *words: str | Path) -> Any:  # noqa: ANN401 - JSON
        done = self.call(*words, "--format", "json")
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)

    def resolved(self, *words: str | Path) -> dict[str, Any]:
        (found,) = self.json("resolve", *words)
        return dict(found)

    @property
    def asked(self) -> list[str]:
        """Paths that the gallery was asked for since the last look."""
        found = [asked.path for asked in self.gallery.asked]
        self.gallery.asked.clear()
        return found


def revision(data: bytes) -> str:
    """The commit of the hub's repository that has these bytes."""
    return hashlib.sha1(data).hexdigest()  # noqa: S324 - as git does


def release(data: bytes, notes: str = "A release.", **more: str) -> str:
    """A release of one GGUF file of a hub."""
    said = "".join(f"{key}: {value}\n" for key, value in more.items())
    return f"""\
notes: {notes}
released: "2025-05-01T08:00:00Z"
{said}spec:
  context_length: 4096
  languages: [en]
  abilities: [chat]
variants:
  - format: gguf
    parameters: 1B
    engines: [llama.cpp]
    quantizations: [Q4_K_M]
    sources:
      huggingface: {{repo: acme/tiny, revision: {revision(data)}, file: tiny.gguf}}
    files:
      Q4_K_M:
        - {{path: tiny.gguf, size: {len(data)}, sha256: {hashlib.sha256(data).hexdigest()}}}
"""


@pytest.fixture
def machine(
    registry: Callable[..., Path], tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machine]:
    settings = "title: Test gallery\nurl: https://gallery.example\nruntimes: [llama.cpp, xinference]\n"
    home = registry({f"{TINY}/1.0.0.yaml": release(OLD), "gallery.yaml": settings})
    contents = {f"acme/tiny/resolve/{revision(data)}/tiny.gguf": data for data in (OLD, NEW)}
    assert run("keys", "init", "--out", tmp_path / "keys").exit_code == 0
    (tmp_path / "site").mkdir()
    with serve(tmp_path / "site") as gallery, serving(files(contents)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        found = Machine(run, home, tmp_path, gallery, hub)
        found.publish()
        yield found


def test_one_type_is_asked_for_and_nothing_else(machine: Machine) -> None:
    synced = machine.json("sync", "--type", "llm")
    assert synced["types"] == ["llm"]
    assert [path for path in machine.asked if "/types/" in path and "/types/llm/" not in path] == []
    assert machine.json("sync")["changed"] is False
    assert [path.rpartition("/")[2] for path in machine.asked] == ["2.root.json", "timestamp.json"]


def test_files_that_were_uploaded_again_take_effect_with_a_new_release(
    machine: Machine, commit: Callable[..., str]
) -> None:
    machine.call("sync", "--type", "llm")
    lock, models = machine.folder / "gallery.lock", machine.folder / "models"
    assert machine.resolved("acme/tiny", "--lock", lock)["version"] == "1.0.0"
    assert machine.call("pull", "acme/tiny", "--lock", lock, "--into", models).exit_code == 0
    assert [path.read_bytes() for path in models.rglob("tiny.gguf")] == [OLD]

    machine.change(commit, {f"{TINY}/1.1.0.yaml": release(NEW)})
    machine.call("sync")
    (pin,) = machine.json("outdated", "--lock", lock)
    assert (pin["status"], pin["newest"], pin["changed"]) == ("update", "1.1.0", True)

    assert machine.call("pull", "acme/tiny", "--lock", lock, "--into", models).exit_code == 0
    assert [path.read_bytes() for path in models.rglob("tiny.gguf")] == [OLD]
    assert machine.resolved("acme/tiny")["version"] == "1.1.0"


def test_a_pin_outlives_its_release_until_it_is_quarantined(machine: Machine, commit: Callable[..., str]) -> None:
    lock = machine.folder / "gallery.lock"
    machine.call("resolve", "acme/tiny@1.0.0", "--lock", lock)
    machine.change(
        commit,
        {
            f"{TINY}/1.0.0.yaml": release(OLD, status="discontinued", reason="Wrong stop tokens."),
            f"{TINY}/1.1.0.yaml": release(NEW),
        },
    )
    machine.call("sync")
    pinned = machine.resolved("acme/tiny@1.0.0")
    assert pinned["version"] == "1.0.0"
    assert any("Wrong stop tokens." in warning for warning in pinned["warnings"])
    assert machine.resolved("acme/tiny")["version"] == "1.1.0"

    machine.change(commit, {f"{TINY}/1.0.0.yaml": release(OLD, status="quarantined", reason="Leaks its prompts.")})
    revoked = json.loads((machine.folder / "site/v1/revoked.json").read_bytes())["revoked"]
    assert [(row["id"], row["releases"]) for row in revoked] == [("acme/tiny", ["1.0.0"])]
    machine.call("sync")
    for words in (["resolve", "acme/tiny@1.0.0"], ["pull", "acme/tiny@1.0.0", "--lock", lock, "--into", "models"]):
        refused = machine.call(*words)
        assert refused.exit_code == 3
        assert "Leaks its prompts" in refused.stderr
    done = machine.call("outdated", "--lock", lock, "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)[0]["status"]) == (1, "quarantined")


def test_what_a_runtime_reads_follows_the_gallery(machine: Machine, commit: Callable[..., str]) -> None:
    home = machine.folder / "home"
    machine.call("sync", "--runtime", "llama.cpp", "--home", home)
    presets = home / "models.ini"
    assert "acme/tiny" in presets.read_text()
    before = presets.stat()
    machine.call("sync", "--runtime", "llama.cpp", "--home", home)
    assert presets.stat().st_ino == before.st_ino
    machine.change(
        commit,
        {f"{TINY}/1.0.0.yaml": release(OLD, status="quarantined", reason="Leaks its prompts.")},
    )
    machine.call("sync", "--runtime", "llama.cpp", "--home", home)
    assert "acme/tiny" not in presets.read_text()


def test_the_next_build_goes_on_from_what_verifies(machine: Machine, commit: Callable[..., str]) -> None:
    shutil.copytree(machine.folder / "keys/trust", machine.registry / "trust")
    commit(machine.registry, {f"{TINY}/1.1.0.yaml": release(NEW)})
    out = machine.folder / "next"
    words = ("build", "--registry", machine.registry, "--out", out, "--earlier", machine.gallery.url, "--allow-private")
    assert machine.run(*words).exit_code == 0
    head = json.loads((out / "v1/catalog.json").read_bytes())
    assert head["serial"] == 2
    (before,) = json.loads((out / "v1/generations.json").read_bytes())["generations"]
    assert (out / f"v1/{before['sha256']}.catalog.json").is_file()

    shutil.rmtree(out)
    forged = machine.folder / "site/metadata/1.catalog.json"
    forged.write_bytes(forged.read_bytes().replace(b'"version":1', b'"version":2'))
    refused = machine.run(*words)
    assert refused.exit_code == 3
    assert not out.exists()


def test_a_host_that_went_away_leaves_the_last_good_list(machine: Machine) -> None:
    machine.call("sync")
    for path in (machine.folder / "site").rglob("*.json"):
        path.unlink()
    away = machine.call("sync")
    assert away.exit_code in {0, 3}
    assert machine.resolved("acme/tiny", "--offline")["version"] == "1.0.0"
