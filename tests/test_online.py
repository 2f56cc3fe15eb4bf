"""`check --online`, `release` and `readme` against a server that answers as Hugging Face does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import gguf as reference
import pytest

import sources
from conftest import MINIMAL, git
from galleryctl.hubs import cards
from servers import serving
from sources import MemoryHub, commit, sha256
from terminals import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from conftest import Result

    Make = Callable[..., Path]
    Run = Callable[..., Result]

TINY = "models/llm/acme/tiny"
PIN = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
WEIGHTS = b"weights" * 100
CARD = b"""\
---
license: apache-2.0
---
# Tiny

See [the guide](docs/guide.md) and ![a picture](figures/one.png).
<script>alert(1)</script>
"""
FILES = {
    "model.safetensors": WEIGHTS,
    "config.json": json.dumps({"architectures": ["TinyForCausalLM"], "max_position_embeddings": 4096}).encode(),
    "README.md": CARD,
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryHub]:
    made = MemoryHub()
    with serving(sources.huggingface(made)) as served:
        made.site = served.url
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        yield made


def release(*, weights: bytes = WEIGHTS, replaced: Mapping[str, str] | None = None) -> dict[str, str]:
    text = MINIMAL[f"{TINY}/1.0.0.yaml"]
    assert text is not None
    text = text.replace(PIN, commit(1)).replace("    parameters: 1B\n", "").replace("2000000000", str(len(weights)))
    text = text.replace("3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea", sha256(weights))
    for old, new in (replaced or {}).items():
        text = text.replace(old, new)
    model = MINIMAL[f"{TINY}/model.yaml"]
    assert model is not None
    model = model.replace("links: {repository: https://huggingface.co/acme/tiny}\n", "")
    return {f"{TINY}/1.0.0.yaml": text, f"{TINY}/model.yaml": model}


def check(run: Run, folder: Path, *more: str | Path) -> dict[str, list[str]]:
    done = run("check", "-r", folder, "--online", "--allow-private", "--format", "json", *more)
    assert done.exit_code in {0, 1}, done.stderr
    found: dict[str, list[str]] = {}
    for problem in json.loads(done.stdout):
        found.setdefault(problem["code"], []).append(f"{problem['severity']}: {problem['message']}")
    assert done.exit_code == any(text.startswith("error") for texts in found.values() for text in texts)
    return found


# -- check --online


def test_a_sound_model_gives_no_problems(run: Run, registry: Make, hub: MemoryHub) -> None:
    hub.add("acme/tiny", FILES)
    assert check(run, registry(release())) == {}
    assert [revision for _, revision in hub.asked[:1]] == [None]


def test_check_alone_asks_nobody(run: Run, registry: Make, hub: MemoryHub) -> None:
    assert run("check", "-r", registry(release())).exit_code == 0
    assert hub.asked == []


def test_what_is_not_there(run: Run, registry: Make, hub: MemoryHub) -> None:
    folder = registry(release())
    assert check(run, folder) == {"SRC003": [f"error: acme/tiny at {commit(1)} is not at huggingface"]}
    hub.add("acme/tiny", FILES)
    git(folder, "checkout", "-q", ".")
    path = folder / TINY / "1.0.0.yaml"
    path.write_text(path.read_text().replace(commit(1), commit(7)))
    assert check(run, folder)["SRC003"] == [f"error: the revision {commit(7)} of acme/tiny is not at huggingface"]


def test_no_answer_is_a_note(run: Run, registry: Make, hub: MemoryHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("galleryctl.fetch.http._PAUSE", 0.01)
    hub.broken = True
    found = check(run, registry({**release(), "policy.yaml": "version: 1\nseverities: {SRC: error}\n"}))
    assert list(found) == ["SRC010"]
    assert found["SRC010"][0].startswith("note: acme/tiny: ")


def test_facts_that_differ(run: Run, registry: Make, hub: MemoryHub) -> None:
    config = {"architectures": ["OtherModel"], "max_position_embeddings": 2048}
    hub.add("acme/tiny", {**FILES, "config.json": json.dumps(config).encode()}, license="mit", gated=True)
    hub.add("acme/tiny", FILES)
    found = check(run, registry(release(weights=b"reviewed weights")))
    assert set(found) == {"FIL002", "SRC004", "SRC007", "LIC006", "VAL002"}
    assert "the revision is the same" in found["FIL002"][0]
    assert found["VAL002"] == ["warn: context_length is 2048 in config.json of acme/tiny, here 4096"]


def test_only_the_models_that_are_named_are_asked_about(run: Run, registry: Make, hub: MemoryHub) -> None:
    folder = registry(release())
    assert check(run, folder, folder / "publishers") == {}
    assert hub.asked == []
    assert "SRC003" in check(run, folder, folder / TINY / "model.yaml", folder / TINY)


def test_without_allow_private_nobody_in_this_network_is_asked(run: Run, registry: Make, hub: MemoryHub) -> None:
    done = run("check", "-r", registry(release()), "--online")
    assert done.exit_code == 0
    assert "SRC010 note" in done.stdout
    assert hub.asked == []


def test_an_address_without_an_answer_is_named_once(run: Run, registry: Make, hub: MemoryHub) -> None:
    hub.add("acme/tiny", FILES)
    address = f"{hub.site}/acme/tiny"
    model = (MINIMAL[f"{TINY}/model.yaml"] or "").replace("https://huggingface.co/acme/tiny", address)
    folder = registry(release() | {f"{TINY}/model.yaml": model})
    done = run("check", "-r", folder, "--online")
    (line,) = (line for line in done.stdout.splitlines() if "no answer from" in line)
    assert line.count(address) == 1


def test_many_models_at_once(run: Run, registry: Make, hub: MemoryHub) -> None:
    files = dict(release())
    for number in range(30):
        name = f"tiny-{number}"
        hub.add(f"acme/{name}", {**FILES, "model.safetensors": name.encode()})
        text = release(weights=name.encode())[f"{TINY}/1.0.0.yaml"].replace("acme/tiny", f"acme/{name}")
        folder = f"models/llm/acme/{name}"
        card = MINIMAL[f"{TINY}/README.md"]
        assert card is not None
        files |= {f"{folder}/1.0.0.yaml": text, f"{folder}/README.md": card}
        files[f"{folder}/model.yaml"] = f"title: {name}\nsummary: One of many.\nlicense: MIT\n"
    found = check(run, registry(files))
    assert found["SRC003"] == [f"error: acme/tiny at {commit(1)} is not at huggingface"]
    assert set(found) == {"SRC003"}
    assert len(hub.asked) > 60


def gguf(tmp_path: Path) -> bytes:
    writer = reference.GGUFWriter(tmp_path / "tiny.gguf", "tiny")
    writer.add_context_length(2048)
    writer.add_chat_template("{% for m in messages %}[{{ m.content }}]{% endfor %}")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return (tmp_path / "tiny.gguf").read_bytes()


def test_the_header_of_a_gguf_file_is_read(run: Run, registry: Make, hub: MemoryHub, tmp_path: Path) -> None:
    data = gguf(tmp_path)
    hub.add("acme/tiny", {"tiny.gguf": data})
    template = '  prompt: {template: "{% for m in messages %}({{ m.content }}){% endfor %}"}\nvariants:'
    swapped = {"model.safetensors": "tiny.gguf", "pytorch": "gguf", "none": "Q8_0", "variants:": template}
    found = check(run, registry(release(weights=data, replaced=swapped)))
    assert found["VAL002"] == ["warn: context_length is 2048 in tiny.gguf of acme/tiny, here 4096"]
    assert found["TPL007"] == ["warn: the template differs from that in tiny.gguf of acme/tiny"]


# -- the scan

PICKLED = {"model.safetensors": "pytorch_model.bin"}


@pytest.mark.parametrize("archive", [False, True])
def test_a_dangerous_pickle_blocks(run: Run, registry: Make, hub: MemoryHub, archive: bool) -> None:
    data = sources.archive(sources.dangerous()) if archive else sources.dangerous()
    hub.add("acme/tiny", {"pytorch_model.bin": data, "config.json": b"{}"})
    found = check(run, registry(release(weights=data, replaced=PICKLED)))
    assert found["SEC006"] == ["error: loading pytorch_model.bin of acme/tiny runs posix.system"]


def test_a_pickle_of_a_commit_is_scanned_once(run: Run, registry: Make, hub: MemoryHub) -> None:
    data = sources.dangerous()
    hub.add("acme/tiny", {"pytorch_model.bin": data, "config.json": b"{}"})
    folder = registry(release(weights=data, replaced=PICKLED))
    first, asked = check(run, folder), len(hub.asked)
    assert "SEC006" in check(run, folder)
    assert len(hub.asked) - asked < asked
    kept = folder.parent / ".git/galleryctl/sources-1.sqlite"
    kept.write_bytes(b"damaged")
    assert check(run, folder) == first


def test_a_harmless_pickle_passes(run: Run, registry: Make, hub: MemoryHub) -> None:
    data = sources.archive(sources.harmless(), weights=2_000_000)
    hub.add("acme/tiny", {"pytorch_model.bin": data, "config.json": b"{}"})
    assert set(check(run, registry(release(weights=data, replaced=PICKLED)))) == {"SEC001"}


def test_code_and_templates_of_the_source(run: Run, registry: Make, hub: MemoryHub) -> None:
    config = {"auto_map": {"AutoModel": "modeling_tiny.TinyModel"}}
    hostile = {"chat_template": "{{ ''.__class__.__mro__ }}"}
    files = {"config.json": json.dumps(config).encode(), "tokenizer_config.json": json.dumps(hostile).encode()}
    hub.add("acme/tiny", {**FILES, **files}, unsafe=("model.safetensors",))
    found = check(run, registry(release()))
    assert set(found) == {"SEC002", "SEC003", "TPL003"}
    assert found["SEC002"] == ["error: `auto_map` of acme/tiny runs modeling_tiny.py, and no review is declared"]
    reviewed = f"remote_code: {{revision: {commit(9)}, reviewed_by: ada}}\nvariants:"
    found = check(run, registry(release(replaced={"variants:": reviewed}), name="reviewed"))
    assert found["SEC002"][0].startswith("warn: modeling_tiny.py of acme/tiny was reviewed at")


def test_scanners_of_the_policy_look_at_images_and_files(run: Run, registry: Make, hub: MemoryHub) -> None:
    hub.add("acme/tiny", FILES)
    script = "import sys, os; t = sys.argv[1]; print('looked at', os.path.basename(t)); sys.exit(1)"
    policy = "version: 1\nscanners:\n" + "".join(
        f"  - {{for: {kind}, command: {json.dumps([sys.executable, '-c', script])}}}\n" for kind in ("images", "files")
    )
    image = f"registry.acme.example/serve@sha256:{sha256(b'image')}"
    given = release(replaced={"variants:": f"environment: {{image: {image}}}\nvariants:"})
    found = check(run, registry({**given, "policy.yaml": policy}))
    assert found["SEC004"] == [f"error: the scan of {image} found: looked at serve@sha256:{sha256(b'image')}"]
    assert found["SEC006"] == ["error: a scanner says of model.safetensors: looked at model.safetensors"]
    assert "no scanner has looked" in check(run, registry(given, name="without"))["SEC004"][0]


# -- release


def test_release_pins_and_check_agrees(run: Run, registry: Make, hub: MemoryHub) -> None:
    hub.add("acme/tiny", FILES)
    hub.add("acme/tiny", {**FILES, "model.safetensors": b"more weights"})
    folder = registry(release())
    done = run("release", "acme/tiny", "-r", folder, "--allow-private", "--notes", "More.")
    assert (done.exit_code, done.stdout) == (0, f"registry/{TINY}/1.0.1.yaml\n")
    assert "pinned from its sources" in done.stderr
    text = (folder / TINY / "1.0.1.yaml").read_text()
    assert commit(2) in text
    assert sha256(b"more weights") in text
    assert set(check(run, folder)) <= {"SRC004"}


def test_release_stops_at_a_changed_digest(run: Run, registry: Make, hub: MemoryHub) -> None:
    hub.add("acme/tiny", FILES)
    folder = registry(release(weights=b"reviewed weights"))
    done = run("release", "acme/tiny", "-r", folder, "--allow-private")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "FIL002" in done.stderr
    assert sha256(b"reviewed weights") in done.stderr
    assert sha256(WEIGHTS) in done.stderr
    assert git(folder, "status", "--porcelain") == ""


def test_release_without_an_answer_is_3(
    run: Run, registry: Make, hub: MemoryHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galleryctl.fetch.http._PAUSE", 0.01)
    hub.broken = True
    folder = registry(release())
    done = run("release", "acme/tiny", "-r", folder, "--allow-private")
    assert done.exit_code == 3
    assert "--offline" in done.stderr
    assert git(folder, "status", "--porcelain") == ""
    assert run("release", "acme/tiny", "-r", folder, "--offline").exit_code == 0


def test_release_without_an_id_needs_a_terminal(run: Run, registry: Make) -> None:
    done = run("release", "-r", registry())
    assert done.exit_code == 2
    assert "name a model" in done.stderr


def test_release_from_another_source(run: Run, registry: Make, hub: MemoryHub) -> None:
    files = {**FILES, "model.safetensors": b"weights of another repository"}
    hub.add("acme/tiny-next", files, license="mit", task="text-generation")
    folder = registry(release())
    given = ("acme/tiny", "-r", folder, "--from", "huggingface:acme/tiny-next")
    done = run("release", *given, "--bump", "major", "--allow-private")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"registry/{TINY}/2.0.0.yaml"
    text = (folder / TINY / "2.0.0.yaml").read_text()
    assert sha256(b"weights of another repository") in text
    assert "acme/tiny-next" in text
    assert "--offline do not go together" in run("release", *given, "--offline").stderr


def test_what_was_imported_is_what_check_and_release_find(run: Run, registry: Make, hub: MemoryHub) -> None:
    files = {**FILES, "tokenizer.json": b"{}", "model.safetensors": b"more weights"}
    hub.add("acme/more-1b", files, license="apache-2.0", task="text-generation")
    folder = registry()
    imported = run("import", "huggingface:acme/more-1b", "--all", "--scan", "--allow-private", "-r", folder)
    assert imported.exit_code == 0, imported.stdout + imported.stderr
    where = folder / "models/llm/acme/more-1b"
    assert run("edit", "acme/more-1b", "links=", "-r", folder).exit_code == 0  # they lead to the real hub
    assert not {"FIL002", "FIL004", "LIC006", "DOC004", "SRC003", "VAL002"} & set(check(run, folder, where))
    first = (where / "1.0.0.yaml").read_text()
    given = ("acme/more-1b", "1.0.0", "-r", folder, "--allow-private")
    assert run("release", *given).exit_code == 0
    kept = [line for line in (where / "1.0.0.yaml").read_text().splitlines() if not line.startswith("checked:")]
    assert [line for line in kept if "released:" not in line] == [
        line for line in first.splitlines() if "released:" not in line
    ]


def test_an_import_that_is_dangerous_is_rejected(run: Run, registry: Make, hub: MemoryHub) -> None:
    files = {"pytorch_model.bin": sources.dangerous(), "config.json": FILES["config.json"]}
    hub.add("acme/bad-1b", files, license="mit", task="text-generation")
    folder = registry()
    done = run("import", "huggingface:acme/bad-1b", "--all", "--scan", "--allow-private", "-r", folder)
    assert done.exit_code == 1
    assert "posix.system" in done.stdout + done.stderr
    assert git(folder, "status", "--porcelain") == ""


def test_release_asks_which_model_on_a_terminal(registry: Make) -> None:
    folder = registry(release())
    terminal = Terminal("release", "--offline", cwd=folder.parent)
    for _ in range(60):
        terminal.until("acme/tiny", seconds=0.5)
        if "acme/tiny" in terminal.text:
            break
    terminal.say("tin")
    terminal.say("\r")
    assert terminal.ended() == 0
    assert (folder / TINY / "1.0.1.yaml").is_file()


@pytest.mark.parametrize(("typed", "ids"), [("ac", ["acme/tiny"]), ("x", [])])
def test_ids_complete_in_the_shell(registry: Make, typed: str, ids: list[str]) -> None:
    folder = registry()
    words = {"COMP_WORDS": f"galleryctl release {typed}", "COMP_CWORD": "2"}
    done = subprocess.run(
        [Path(sys.executable).parent / "galleryctl"], cwd=folder.parent, capture_output=True, text=True, check=False,
        env={**os.environ, **words, "_GALLERYCTL_COMPLETE": "bash_complete"},
    )  # fmt: skip
    assert [line.partition(",")[2] for line in done.stdout.splitlines() if line] == ids


# -- readme


def test_readme_takes_the_card_of_the_source(run: Run, registry: Make, hub: MemoryHub) -> None:
    hub.add("acme/tiny", FILES, license="apache-2.0")
    folder = registry({**release(), f"{TINY}/README.md": None})
    done = run("readme", "acme/tiny", "-r", folder, "--allow-private")
    assert (done.exit_code, done.stdout) == (0, f"registry/{TINY}/README.md\n")
    text = (folder / TINY / "README.md").read_text()
    assert text.startswith("# Tiny\n\nSee [the guide](")
    assert f"(https://huggingface.co/acme/tiny/blob/{commit(1)}/docs/guide.md)" in text
    assert f"{hub.site}/acme/tiny/resolve/{commit(1)}/figures/one.png" in text
    assert f"at commit `{commit(1)}`, published under apache-2.0." in text
    model = (folder / TINY / "model.yaml").read_text()
    assert f"source: https://huggingface.co/acme/tiny\n  revision: {commit(1)}\n" in model
    assert run("check", "-r", folder).exit_code == 0
    hub.add("acme/tiny", {**FILES, "README.md": b"# Tiny\n\nNewer.\n"})
    assert "DOC004" in check(run, folder)
    again = run("readme", "acme/tiny", "-r", folder, "--allow-private")  # nobody has touched it since
    assert again.exit_code == 0
    assert "Newer." in (folder / TINY / "README.md").read_text()
    assert "DOC004" not in check(run, folder)


def test_readme_never_writes_over_a_persons_card(run: Run, registry: Make, hub: MemoryHub) -> None:
    hub.add("acme/tiny", FILES)
    folder = registry(release())
    refused = run("readme", "acme/tiny", "-r", folder, "--allow-private")
    assert refused.exit_code == 2
    assert "was written by a person; to write over it, add --replace" in refused.stderr
    assert git(folder, "status", "--porcelain") == ""
    assert run("readme", "acme/tiny", "-r", folder, "--allow-private", "--replace").exit_code == 0
    path = folder / TINY / "README.md"
    path.write_text(path.read_text() + "\nMy own words.\n")
    assert run("readme", "acme/tiny", "-r", folder, "--allow-private").exit_code == 2
    assert "My own words." in path.read_text()


def test_a_card_that_an_import_took_over_is_nobodys(run: Run, registry: Make, hub: MemoryHub) -> None:
    hub.add("acme/tiny", FILES)
    hub.add("acme/tiny", {**FILES, "README.md": b"# Tiny\n\nNewer.\n"})
    taken = cards.taken(hub, hub.snapshot("acme/tiny", commit(1)), CARD.decode())
    model = f"readme: {{source: https://huggingface.co/acme/tiny, revision: {commit(1)}}}\n"
    given = release()
    given[f"{TINY}/model.yaml"] += model
    folder = registry({**given, f"{TINY}/README.md": taken})
    assert run("readme", "acme/tiny", "-r", folder, "--allow-private").exit_code == 0
    assert "Newer." in (folder / TINY / "README.md").read_text()


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (b"# T\xff\xfe", "is not UTF-8 text"),
        (b"# T\x00\x01", "has control characters"),
        (b"#" * 300_000, "has 300,000 bytes, more than the 262,144"),
        (b"---\nlicense: mit\n---\n", "is empty but for its front matter"),
    ],
)
def test_hostile_cards_are_refused(run: Run, registry: Make, hub: MemoryHub, card: bytes, said: str) -> None:
    hub.add("acme/tiny", {**FILES, "README.md": card})
    folder = registry({**release(), f"{TINY}/README.md": None})
    done = run("readme", "acme/tiny", "-r", folder, "--allow-private")
    assert done.exit_code == 3
    assert said in done.stderr
    assert git(folder, "status", "--porcelain") == ""


def test_readme_begins_one_where_the_source_has_none(run: Run, registry: Make, hub: MemoryHub) -> None:
    folder = registry({**release(), f"{TINY}/README.md": None})
    done = run("readme", "acme/tiny", "-r", folder, "--allow-private")
    assert done.exit_code == 0
    assert "acme/tiny has no card" in done.stderr
    text = (folder / TINY / "README.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Background",
        "## Introduction",
        "## Usage",
        "## Constraints",
    ]
    assert "readme" not in (folder / TINY / "model.yaml").read_text()
    hub.add("acme/tiny", FILES)  # the scaffold is nobody's
    assert run("readme", "acme/tiny", "-r", folder, "--allow-private").exit_code == 0
    assert "the guide" in (folder / TINY / "README.md").read_text()


def test_a_card_in_another_language(run: Run, registry: Make, hub: MemoryHub) -> None:
    hub.add("acme/tiny", {**FILES, "README_zh.md": "# 小模型\n".encode()})
    folder = registry(release())
    done = run("readme", "acme/tiny", "-r", folder, "--allow-private", "--language", "zh")
    assert done.exit_code == 0
    assert (folder / TINY / "README.zh.md").read_text().startswith("# 小模型\n")
    assert run("readme", "acme/tiny", "--language", "../x", "-r", folder).exit_code == 2
