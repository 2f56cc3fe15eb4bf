"""What the commands do: list, show and explain, init, new, release and edit, schema and build."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL, git
from galleryctl.exports import EXPORTERS
from terminals import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result

    Make = Callable[..., Path]
    Commit = Callable[..., str]
    Run = Callable[..., Result]

TINY = "models/llm/acme/tiny"
BROKEN = {f"{TINY}/model.yaml": "title: Tiny\nsummary: A small one.\nlicense: apache-2.0\ntags: [chats, nonsense]\n"}


# -- list, show, explain


def test_list_and_show_as_json(run: Run, registry: Make) -> None:
    folder = registry()
    (listed,) = json.loads(run("list", "-r", folder, "--format", "json").stdout)
    assert (listed["id"], listed["type"], listed["latest"], listed["status"]) == ("acme/tiny", "llm", "1.0.0", "active")
    shown = json.loads(run("show", "acme/tiny", "-r", folder, "--format", "json").stdout)
    assert shown["releases"]["1.0.0"]["spec"]["context_length"] == 4096


def test_list_shows_what_is_listed_unless_all_is_asked_for(run: Run, registry: Make) -> None:
    folder = registry(
        {
            f"{TINY}/model.yaml": f"{MINIMAL[f'{TINY}/model.yaml']}listed: false\nreason: Not ready.\n",
            "models/llm/acme/old/model.yaml": f"{MINIMAL[f'{TINY}/model.yaml']}expires: 2026-12-01\n",
            "models/llm/acme/old/1.0.0.yaml": MINIMAL[f"{TINY}/1.0.0.yaml"],
        }
    )

    def ids(*words: str) -> list[str]:
        return [item["id"] for item in json.loads(run("list", "-r", folder, "--format", "json", *words).stdout)]

    assert ids("--now", "2026-11-30") == ["acme/old"]
    assert ids("--now", "2026-12-01") == []
    assert ids("--now", "2026-12-01", "--all", "--sort", "id") == ["acme/old", "acme/tiny"]
    assert ids("--all", "--type", "image") == []
    assert ids("--all", "--publisher", "acme") == ids("--all")
    assert ids("--all", "--publisher", "globex") == []


def test_list_is_newest_first_and_an_edit_moves_nothing(run: Run, registry: Make, commit: Commit) -> None:
    folder = registry()
    for day, name in enumerate(("beta", "alpha", "gamma"), start=3):
        files = {f"models/llm/acme/{name}/{path.rpartition('/')[2]}": MINIMAL[path] for path in MINIMAL if TINY in path}
        commit(folder, files, date=f"2026-01-0{day}T00:00:00Z")

    def ids() -> list[str]:
        return [
            item["id"].partition("/")[2] for item in json.loads(run("list", "-r", folder, "--format", "json").stdout)
        ]

    assert ids() == ["gamma", "alpha", "beta", "tiny"]
    assert run("edit", "acme/tiny", "summary=Changed.", "-r", folder).exit_code == 0
    commit(folder, {}, date="2026-02-01T00:00:00Z")
    assert ids() == ["gamma", "alpha", "beta", "tiny"]
    updated = json.loads(run("list", "-r", folder, "--format", "json", "--sort", "updated").stdout)
    assert updated[0]["id"] == "acme/tiny"


def test_explain(run: Run) -> None:
    page = run("explain", "tax001")
    assert page.exit_code == 0
    assert page.stdout.startswith("TAX001  error")
    table = run("explain").stdout
    assert re.search(r"^TAX001  error ", table, re.MULTILINE)


# -- init, new, release, edit


def test_a_new_registry_is_built_at_once(run: Run, tmp_path: Path) -> None:
    result = run("init", cwd=tmp_path)
    assert result.exit_code == 0
    assert result.stdout.split() == [f"registry/{name}.yaml" for name in ("gallery", "roles", "policy", "taxonomy")]
    assert run("check", cwd=tmp_path)[:2] == (0, "")
    assert run("build", "--out", "site", cwd=tmp_path).exit_code == 0
    assert (tmp_path / "site/index.html").is_file()
    assert json.loads((tmp_path / "site/v1/directory.json").read_text())["models"] == {}


def test_a_registry_anywhere(run: Run, tmp_path: Path) -> None:
    assert run("init", tmp_path / "data/models", "--title", "Ours").exit_code == 0
    done = run("new", "llm", "acme/tiny", "--registry", tmp_path / "data/models", "--license", "MIT")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == "models/models/llm/acme/tiny/model.yaml"
    assert f"--registry {tmp_path}/data/models" in done.stderr
    assert (tmp_path / "data/models/models/llm/acme/tiny/model.yaml").is_file()


ANSWERS = ["", "pytorch", "2", "8GB", "8GiB", "16GiB", "acme/tiny", "gguf", "8B", "Q4_K_M, Q8_0", "It: answers."]
QUESTIONS = [
    "Version", "Framework", "GPUs", "GPU memory", "GPU memory", "Memory", "Weights from", "Format", "Parameters",
    "Quantizations", "Description",
]  # fmt: skip


def test_new_asks_in_the_order_of_the_form(registry: Make, run: Run) -> None:
    folder = registry()
    terminal = Terminal("new", "llm", "acme/more", "--license", "MIT", cwd=folder.parent)
    asked = []
    for answer in ANSWERS:
        words = terminal.until(":").splitlines()[-1]
        asked.append(re.split(r" [(\[]|:", words)[0])
        terminal.say(f"{answer}\n")
    assert terminal.ended() == 0
    assert asked == QUESTIONS
    assert "write it such as 8GiB" in terminal.text
    document = json.loads(run("show", "acme/more", "-r", folder, "--format", "json").stdout)
    assert (document["summary"], document["license"]) == ("It: answers.", "MIT")
    release = document["releases"]["1.0.0"]
    assert release["requirements"] == {"gpus": 2, "memory": "16GiB", "vram": "8GiB"}
    assert release["environment"] == {"framework": "pytorch"}
    assert release["variants"] == [
        {
            "format": "gguf",
            "parameters": "8B",
            "quantizations": ["Q4_K_M", "Q8_0"],
            "sources": {"huggingface": {"repo": "acme/tiny"}},
        }
    ]


def test_new_asks_nothing_that_was_given_and_nothing_with_yes(registry: Make) -> None:
    folder = registry()
    given = [
        *("--version", "2.0.0", "--framework", "pytorch", "--gpus", "1", "--vram", "8GiB", "--memory", "16GiB"),
        *("--repo", "a/b", "--format", "gguf"),
    ]
    terminal = Terminal("new", "llm", "acme/more", *given, "--parameters", "8B", "-q", "Q8_0", cwd=folder.parent)
    assert "Description" in terminal.until(":")
    terminal.say("\n")
    assert terminal.ended() == 0
    assert "Version" not in terminal.text
    assert (folder / "models/llm/acme/more/2.0.0.yaml").is_file()
    terminal = Terminal("new", "llm", "acme/most", "--yes", cwd=folder.parent)
    assert terminal.ended() == 0
    assert "Version" not in terminal.text


@pytest.mark.parametrize(
    ("option", "value"), [("--vram", "8GB"), ("--memory", "much"), ("--parameters", "8 B"), ("--gpus", "-1")]
)
def test_new_refuses_values_of_another_form(run: Run, registry: Make, option: str, value: str) -> None:
    folder = registry()
    result = run("new", "llm", "acme/more", "-r", folder, option, value)
    assert result.exit_code == 2
    assert option in result.stderr
    assert git(folder, "status", "--porcelain") == ""


def test_release_and_edit(run: Run, registry: Make) -> None:
    folder = registry()
    made = run("release", "acme/tiny", "--bump", "minor", "--offline", "-r", folder, "--now", "2026-11-21")
    assert (made.exit_code, made.stdout) == (0, f"registry/{TINY}/1.1.0.yaml\n")
    assert "galleryctl edit acme/tiny@1.1.0 notes=" in made.stderr
    changed = run("edit", "acme/tiny@1.1.0", "notes=Second.", "spec.context_length=8192", "-r", folder)
    lines = f"registry/{TINY}/1.1.0.yaml\n  notes: nothing → Second.\n  spec.context_length: 4096 → 8192\n"
    assert (changed.exit_code, changed.stdout) == (0, lines)
    assert "The newest release: 1.0.0 → 1.1.0." in changed.stderr
    assert run("check", "-r", folder).exit_code == 0
    same = run("edit", "acme/tiny@1.1.0", "notes=Second.", "-r", folder)
    assert same == (0, "", f"registry/{TINY}/1.1.0.yaml says so already; nothing was written\n")


def test_an_edit_that_breaks_the_file_is_1(run: Run, registry: Make) -> None:
    folder = registry()
    result = run("edit", "acme/tiny", "tags+=chatt", "-r", folder)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "TAX001" in result.stderr
    assert "nothing" not in result.stdout
    assert git(folder, "status", "--porcelain") == ""


# -- schema, build


def test_schema(run: Run, tmp_path: Path) -> None:
    assert run("schema", "--check", "--out", tmp_path).exit_code == 1
    assert "model.schema.json" in run("schema", "--out", tmp_path).stderr
    assert run("schema", "--check", "--out", tmp_path)[:2] == (0, "")
    assert run("schema", "--out", tmp_path).stderr == "schemas are current\n"


def test_a_registry_with_errors_is_not_built_and_the_last_stays(run: Run, registry: Make, commit: Commit) -> None:
    folder = registry()
    site = folder.parent / "site"
    assert run("build", "-r", folder, "-o", site).exit_code == 0
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    commit(folder, BROKEN)
    result = run("build", "-r", folder, "-o", site)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "TAX001" in result.stderr
    assert result.stderr.endswith(f"not built: 1 model checked: 3 errors; {site} is as it was\n")
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before
    assert run("build", "-r", folder, "-o", site, "--head", "HEAD~1").exit_code == 0


def test_a_folder_of_somebody_else_is_not_written(run: Run, registry: Make, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/precious.txt").write_text("mine")
    result = run("build", "-r", registry(), "-o", tmp_path / "mine")
    assert result.exit_code == 3
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["precious.txt"]


def test_the_help_of_export_names_every_runtime(run: Run) -> None:
    told = " ".join(run("export", "--help").stdout.split())
    listed = re.search(r"RUNTIME is (.*?)\. ", told)
    assert listed
    assert set(re.split(r", | or ", listed[1])) == set(EXPORTERS)


def test_an_export_that_leaves_something_out_says_where_the_reasons_are(run: Run, registry: Make) -> None:
    folder = registry()
    words = ("export", "llama.cpp", "-r", folder, "-o", folder.parent / "out")
    assert "1 left out in part or whole (--format json says why); " in run(*words).stderr
    assert "says why" not in run(*words, "--format", "json").stderr
