"""The commands `resolve` and `outdated` over http, from a signed gallery that goes on changing."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from conftest import git, write
from made import RELEASE as PLAIN
from made import entry, view
from publications import publish as published
from publishing import publish, serve
from terminals import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Result
    from servers import Served

    Run = Callable[..., Result]

MEDIUM = "models/llm/acme/medium"
MODEL = """\
title: Medium
summary: A chat model of some size.
license: Apache-2.0
tags: [chat]
links: {repository: https://huggingface.co/acme/medium}
"""
PARTS = "weights 6.3 GiB, cache 0.56 GiB, working space 0.79 GiB"
RELEASE = """\
notes: A release.
released: "2025-05-01T08:00:00Z"
STATUSspec:
  context_length: 40960
  languages: [en]
  abilities: [chat]
  architecture: {layers: 36, kv_heads: 8, head_size: 128}
variants:
  - format: gguf
    parameters: 8B
    engines: [llama.cpp]
    quantizations: [Q4_K_M, Q6_K, Q8_0]
    sources:
      huggingface: {repo: acme/medium-gguf, revision: REVISION, file: "m-{quantization}.gguf"}
    files:
      Q4_K_M: [{path: m-Q4_K_M.gguf, size: 5046586572, sha256: FIRST}]
      Q6_K: [{path: m-Q6_K.gguf, size: 6764573491, sha256: SECOND}]
      Q8_0: [{path: m-Q8_0.gguf, size: 8697308774, sha256: THIRD}]
"""


def release(seed: str, status: str = "") -> str:
    """A release whose files have digests of their own."""
    text = RELEASE.replace("STATUS", status).replace("REVISION", f"{seed}1" * 20)
    for index, name in enumerate(("FIRST", "SECOND", "THIRD")):
        text = text.replace(name, f"{seed}{index}" * 32)
    return text


class Place(NamedTuple):
    """A published gallery, and a machine that reads it."""

    run: Run
    folder: Path
    served: Served

    @property
    def options(self) -> tuple[str, ...]:
        root = self.folder / "keys/trust/1.root.json"
        return ("--gallery", self.served.url, "--root", str(root), "--cache", str(self.folder / "cache"))

    def call(self, *words: str | Path) -> Result:
        return self.run(*words, *self.options)

    def json(self, *words: str | Path, code: int = 0) -> Any:  # noqa: ANN401 - JSON
        done = self.call(*words, "--format", "json")
        assert done.exit_code == code, done.stderr
        return json.loads(done.stdout)

    def change(self, **files: str | None) -> None:
        """Change files of `acme/medium`, by name without ending, and publish."""
        write(self.registry, {f"{MEDIUM}/{name.replace('_', '.')}.yaml": text for name, text in files.items()})
        git(self.folder / "repository", "add", "--all", ".")
        git(self.folder / "repository", "commit", "-q", "-m", "change")
        publish(self.registry, self.folder / "site", self.folder / "keys")

    @property
    def registry(self) -> Path:
        return self.folder / "repository/registry"

    @property
    def lock(self) -> Path:
        return self.folder / "gallery.lock"

    def paths(self) -> list[str]:
        """What was asked for since the last call, without digests."""
        found = [each.path for each in self.served.asked]
        self.served.asked.clear()
        return found


@pytest.fixture
def place(run: Run, registry: Callable[..., Path], tmp_path: Path) -> Iterator[Place]:
    card = {f"{MEDIUM}/README.md": "# Medium\n\nA chat model of some size.\n"}
    folder = registry({f"{MEDIUM}/model.yaml": MODEL, f"{MEDIUM}/1.0.0.yaml": release("a"), **card})
    publish(folder, tmp_path / "site", tmp_path / "keys")
    with serve(tmp_path / "site") as served:
        yield Place(run, tmp_path, served)


def test_the_choice_is_shown_with_its_reasons(place: Place) -> None:
    done = place.call("resolve", "acme/medium", "--memory", "8GiB", "--runtime", "llama.cpp")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == [
        "acme/medium 1.0.0  8b-gguf Q6_K",
        "  llm · gguf · 6.76 GB in 1 file",
        "  1.0.0 is the newest active release.",
        f"  8b-gguf Q6_K needs 7.7 GiB of 8.0 GiB at 4,096 tokens of context: {PARTS}.",
        "  It is the largest of the 2 builds that fit.",
        "",
        "  not chosen      because",
        "  8b-gguf Q4_K_M  fits with 6.0 GiB; the weights of 8b-gguf Q6_K are larger",
        "  8b-gguf Q8_0    needs 9.5 GiB of 8.0 GiB: weights 8.1 GiB, cache 0.56 GiB, working space 0.84 GiB",
    ]


def test_one_model_needs_no_list_of_all(place: Place) -> None:
    assert place.call("resolve", "acme/medium").exit_code == 0
    asked = place.paths()
    assert [path for path in asked if path.startswith("/v1/types/")] == []
    assert len([path for path in asked if path.startswith("/v1/models/acme/medium/")]) == 1


def test_a_type_at_hand_is_refreshed_and_no_other(place: Place) -> None:
    """S2-02: who reads one type asks for no other type's document, neither at first nor later."""
    assert place.call("sync", "--type", "llm").exit_code == 0
    assert {path.split("/")[3] for path in place.paths() if path.startswith("/v1/types/")} == {"llm"}
    place.change(**{"1_1_0": release("b")})
    assert place.json("resolve", "acme/medium")[0]["version"] == "1.1.0"
    asked = place.paths()
    assert {path.split("/")[3] for path in asked if path.startswith(("/v1/types/", "/v1/delta/"))} == {"llm"}
    assert [path for path in asked if path.startswith(("/v1/models/", "/v1/directory"))] == []


def test_a_machine_form_is_json_alone(place: Place) -> None:
    (found,) = place.json("resolve", "acme/medium@1.0.0:q4_k_m", "--memory", "24 gib")
    assert found["reference"] == "acme/medium@1.0.0:q4_k_m"
    assert (found["variant"], found["quantization"], found["pinned"]) == ("8b-gguf", "Q4_K_M", True)
    assert found["files"] == [{"path": "m-Q4_K_M.gguf", "size": 5046586572, "sha256": "a0" * 32}]
    assert found["sources"]["huggingface"]["repo"] == "acme/medium-gguf"
    assert found["needed"] > found["bytes"]
    assert [each["reason"] for each in found["rejected"]] == ["the reference asks for `q4_k_m`"] * 2


def test_several_references_are_resolved_or_none_is_locked(place: Place) -> None:
    done = place.call("resolve", "acme/medium", "acme/tinny", "--lock", place.lock)
    assert done.exit_code == 3
    assert "the gallery has no model `acme/tinny`; did you mean acme/tiny?" in done.stderr
    assert not place.lock.exists()
    done = place.call("resolve", "acme/medium", "acme/tiny", "--lock", place.lock)
    assert done.stdout.splitlines()[0] == "acme/medium 1.0.0  8b-gguf Q4_K_M"
    assert set(json.loads(place.lock.read_text())["pins"]) == {"acme/medium", "acme/tiny"}


def test_what_does_not_fit_is_a_table_and_a_message(place: Place) -> None:
    done = place.call("resolve", "acme/medium", "--memory", "1GiB")
    assert done.exit_code == 3
    assert len(done.stdout.splitlines()) == 4
    assert "nothing of acme/medium 1.0.0 fits: the smallest, 8b-gguf Q4_K_M, needs 6.0 GiB of 1.0 GiB" in done.stderr
    assert place.call("resolve", "acme/medium", "--memory", "1GiB", "--format", "json").stdout == ""


def test_a_lock_outlives_what_comes_after_it(place: Place) -> None:
    """S5-28, S2-34: pins go on resolving when newer ones come, and when theirs is discontinued."""
    assert place.call("resolve", "acme/medium@^1:q4_k_m", "--lock", place.lock).stderr == f"wrote {place.lock}\n"
    before = place.lock.read_bytes()
    assert place.call("resolve", "--lock", place.lock).stderr == ""
    assert place.lock.read_bytes() == before
    gone = release("a", "status: discontinued\nreason: Wrong stop tokens.\n")
    place.change(**{"1_0_0": gone, "1_1_0": release("b")})
    (found,) = place.json("resolve", "--lock", place.lock, "--frozen")
    assert (found["version"], found["files"][0]["sha256"]) == ("1.0.0", "a0" * 32)
    assert found["warnings"] == [
        "acme/medium 1.0.0 is discontinued: Wrong stop tokens. It resolves because it is pinned."
    ]
    assert place.lock.read_bytes() == before
    (row,) = place.json("outdated", "--lock", place.lock)
    assert (row["status"], row["newest"], row["changed"], row["urgent"]) == ("discontinued", "1.1.0", True, False)
    assert "1.1.0 is newer, with other files (1 changed)" in row["says"]
    assert place.call("resolve", "--lock", place.lock).exit_code == 0
    assert place.json("outdated", "--lock", place.lock)[0]["status"] == "current"


def test_what_is_quarantined_is_refused_at_once_and_says_what_to_do(place: Place) -> None:
    assert place.call("resolve", "acme/medium@1.0.0:q4_k_m", "--lock", place.lock).exit_code == 0
    bad = release("a", "status: quarantined\nreason: Malicious pickle.\n")
    place.change(**{"1_0_0": bad, "1_0_1": release("b")})
    for words in (["acme/medium@1.0.0"], ["--lock", place.lock, "--frozen"], ["--lock", place.lock]):
        done = place.call("resolve", *words)
        assert done.exit_code == 3
        assert "acme/medium 1.0.0 is quarantined" in done.stderr
        assert "must not be used: Malicious pickle" in done.stderr
    done = place.call("outdated", "--lock", place.lock)
    assert done.exit_code == 1
    assert done.stderr == "1 pin: 0 current, 1 must not be used any more\n"
    assert place.json("outdated", "--lock", place.lock, code=1)[0]["status"] == "quarantined"
    assert place.json("resolve", "acme/medium")[0]["version"] == "1.0.1"


def test_an_index_that_cannot_be_refreshed_is_used_and_told(place: Place) -> None:
    assert place.call("resolve", "acme/medium", "--lock", place.lock).exit_code == 0
    place.paths()
    assert place.call("resolve", "acme/medium", "--offline").exit_code == 0
    assert place.call("outdated", "--lock", place.lock, "--offline").exit_code == 0
    assert place.paths() == []
    (place.folder / "site").rename(place.folder / "elsewhere")
    done = place.call("resolve", "acme/medium", "--format", "json")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.startswith("warning: ")
    assert json.loads(done.stdout)[0]["version"] == "1.0.0"


def test_what_came_and_is_older_is_refused_and_the_way_on_is_named(place: Place) -> None:
    shutil.copytree(place.folder / "site", place.folder / "old")
    place.change(**{"1.0.1": release("b")})
    assert place.call("resolve", "acme/medium", "--lock", place.lock).exit_code == 0
    shutil.rmtree(place.folder / "site")
    (place.folder / "old").rename(place.folder / "site")
    for words in (("resolve", "acme/medium"), ("outdated", "--lock", place.lock)):
        done = place.call(*words)
        assert done.exit_code == 3
        assert re.search(
            r"older state.*; the last good index \(.*, serial 2\) stays: --offline answers by", done.stderr
        )
        assert place.call(*words, "--offline").exit_code == 0


def test_a_subscription_is_a_pin(place: Place) -> None:
    """S5-30: what a service pins in its consumer file."""
    consumer = place.folder / "chat.yaml"
    consumer.write_text('title: Chat\npins:\n  - {model: acme/medium, version: "1.0.0", variant: 8b-gguf}\n')
    place.change(**{"1_1_0": release("b")})
    (row,) = place.json("outdated", "--consumer", consumer)
    assert (row["reference"], row["status"], row["latest"]) == ("acme/medium@1.0.0:8b-gguf", "newer", "1.1.0")
    assert row["changed"] is True
    consumer.write_text("title: [\n")
    done = place.call("outdated", "--consumer", consumer)
    assert done.exit_code == 2
    assert "is no consumer file" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["resolve"], "name a model as publisher/name, or a lock file with --lock"),
        (["resolve", "acme/medium", "--frozen"], "--frozen takes what a lock file holds: name it with --lock"),
        (["resolve", "acme/medium", "--memory", "lots"], "'lots' is no amount of memory; write 24GiB"),
        (["resolve", "acme/medium", "--context", "0"], "0 is not in the range x>=1"),
    ],
)
def test_wrong_usage_is_told(place: Place, words: list[str], said: str) -> None:
    done = place.call(*words)
    assert done.exit_code == 2
    assert said in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["outdated", "--lock", "nothing.lock"], "cannot read nothing.lock: No such file or directory"),
        (["resolve", "--lock", "nothing.lock"], "cannot read nothing.lock: No such file or directory"),
        (["resolve", "medium"], "`medium` names no publisher; did you mean acme/medium?"),
        (
            ["resolve", "acme/medium", "--runtime", "lama.cpp"],
            "no runtime `lama.cpp` is known here; did you mean llama",
        ),
        (["resolve", "acme/medium:q4"], "has no build `q4`; did you mean"),
    ],
)
def test_what_cannot_be_done_says_why(place: Place, words: list[str], said: str) -> None:
    place.call("resolve", "acme/medium")
    done = place.call(*words)
    assert done.exit_code == 3
    assert said in done.stderr


def test_words_of_strangers_are_no_control_characters(run: Run, tmp_path: Path) -> None:
    reason = "Wrong \x1b[31mstop\x07 tokens."
    found = entry("acme/tiny", releases={"1.0.0": PLAIN | {"status": "deprecated", "reason": reason}})
    write(tmp_path / "site", {path: data.decode() for path, data in published(view(found)).items()})
    options = ["--gallery", str(tmp_path / "site"), "--unsigned", "--cache", str(tmp_path / "cache")]
    done = run("resolve", "acme/tiny", *options, "--lock", tmp_path / "gallery.lock")
    assert done.exit_code == 0, done.stderr
    assert "is deprecated: Wrong \\x1b[31mstop\\x07 tokens." in done.stdout
    again = run("outdated", *options, "--lock", tmp_path / "gallery.lock")
    assert "Wrong \\x1b[31mstop\\x07 tokens" in again.stdout
    assert "\x1b" not in done.stdout + again.stdout


@pytest.mark.parametrize("columns", [60, 120])
def test_it_fits_a_terminal(place: Place, columns: int) -> None:
    place.change(**{"1_0_0": release("a", "status: deprecated\nreason: Wrong stop tokens.\n")})
    for words in (["resolve", "acme/medium", "--memory", "8GiB"], ["resolve", "acme/medium:q4_k_m"]):
        assert fits([*words, "--lock", str(place.lock)], place, columns)
    assert any("acme/medium:q4_k_m" in line for line in fits(["outdated"], place, columns))


def fits(words: list[str], place: Place, columns: int) -> list[str]:
    """What is shown on a terminal; no line is longer than that."""
    terminal = Terminal(*words, *place.options, cwd=place.folder, columns=columns)
    assert terminal.ended() == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal.text).replace("\r", "")
    shown = [line.rstrip() for line in plain.split("\n") if not line.startswith("wrote ")]
    assert max(map(len, shown)) <= columns
    return shown
