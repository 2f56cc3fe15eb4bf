"""The command line at its boundary: what it takes, what it prints where, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click
import jsonschema
import pytest

import galleryctl
from conftest import MINIMAL, git, write
from galleryctl import loading
from galleryctl.cli import program
from terminals import Terminal
from test_report import SARIF

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result

    Make = Callable[..., Path]
    Commit = Callable[..., str]
    Run = Callable[..., Result]

TINY = "models/llm/acme/tiny"
BROKEN = {f"{TINY}/model.yaml": "title: Tiny\nsummary: A small one.\nlicense: apache-2.0\ntags: [chats, nonsense]\n"}
WARNED = {f"{TINY}/model.yaml": f"{MINIMAL[f'{TINY}/model.yaml']}".replace("[chat]", "[chat, chat]")}
COMMANDS = [
    "build", "check", "edit", "explain", "init", "list", "new", "readme", "release", "schema", "serve", "show",
]  # fmt: skip
HEAVY = {
    "pydantic",
    "yaml",
    "jsonschema",
    "jinja2",
    "rich",
    "watchfiles",
    "sqlite3",
    "http.server",
    "subprocess",
    "json",
}


# -- help


def test_every_command_is_there() -> None:
    context = click.Context(program)
    assert set(COMMANDS) <= set(program.list_commands(context))


def test_commands_stand_under_what_they_are_for(run: Run) -> None:
    shown = run("--help").stdout
    titles = re.findall(r"^(\w.*):$", shown, re.MULTILINE)
    assert titles[-2:] == ["Publish", "Use a gallery"]
    publishing, using = shown.partition("Publish:")[2].split("Use a gallery:")
    assert re.findall(r"^  ([a-z]+) ", publishing, re.MULTILINE)[:1] == ["build"]
    assert re.findall(r"^  ([a-z]+) ", using, re.MULTILINE) == ["sync", "resolve", "pull", "outdated", "mirror"]
    names = re.findall(r"^  ([a-z]+) ", shown.partition("Write models:")[2], re.MULTILINE)
    assert names == list(program.list_commands(click.Context(program)))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert re.search(rf"^  Example:\n(    galleryctl {command}.*\n)+", result.stdout, re.MULTILINE)
    assert run(command, "-h") == result


@pytest.mark.parametrize("command", ["", *COMMANDS])
@pytest.mark.parametrize("width", [80, 120])
def test_help_fits_the_terminal(command: str, width: int) -> None:
    group = click.Context(program, info_name="galleryctl", terminal_width=width)
    context = group
    if command:
        found = program.get_command(group, command)
        assert found is not None
        context = click.Context(found, parent=group, info_name=command, terminal_width=width)
    text = context.command.get_help(context)
    examples = re.findall(r"^    galleryctl .*$", text, re.MULTILINE)
    assert examples
    assert [line for line in text.splitlines() if len(line) > width and line not in examples] == []
    assert [line for line in examples if len(line) > 100] == []
    assert "\b" not in text


def test_the_examples_of_help_are_commands_that_parse() -> None:
    group = click.Context(program, info_name="galleryctl")
    for command in COMMANDS:
        found = program.get_command(group, command)
        assert found is not None
        text = found.get_help(click.Context(found, parent=group, info_name=command))
        for words in re.findall(r"^    galleryctl (.*)$", text, re.MULTILINE):
            import shlex  # noqa: PLC0415 - here only

            name, *rest = shlex.split(words)
            assert name == command
            found.make_context(name, rest, parent=group)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom galleryctl.cli import main\n"
        "assert main(['--help']) == 0\nprint('\\n'.join(['MODULES', *sys.modules]))"
    )
    # Coverage would start in the process too, and brings modules of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    loaded = set(done.stdout.partition("MODULES\n")[2].split())
    assert "click" in loaded
    assert loaded & HEAVY == set()
    ours = {name for name in loaded if name.startswith("galleryctl")}
    assert ours == {"galleryctl", "galleryctl.cli", "galleryctl.cli.lazy"}


def test_a_verdict_imports_only_what_every_model_needs() -> None:
    code = (
        "import sys\nimport galleryctl.cli.judging, galleryctl.reviewing.judging, galleryctl.reviewing.telling\n"
        "print('\\n'.join(sys.modules))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    loaded = set(done.stdout.split())
    assert "galleryctl.checks.templates" in loaded
    for heavy in ("jinja2", "jsonschema", "langcodes", "packaging", "huggingface_hub", "github", "asyncio"):
        assert heavy not in loaded


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"galleryctl, version {galleryctl.__version__}\n", "")


# -- exit codes


def test_0_for_a_registry_without_problems(run: Run, registry: Make) -> None:
    result = run("check", "--registry", registry())
    assert (result.exit_code, result.stdout) == (0, "")
    assert re.fullmatch(r"1 model checked in \d+\.\d s: no problems\n", result.stderr)


def test_0_for_warnings_alone(run: Run, registry: Make) -> None:
    result = run("check", "--registry", registry(WARNED))
    assert result.exit_code == 0
    assert "TAX002 warn:" in result.stdout


def test_1_for_errors(run: Run, registry: Make) -> None:
    result = run("check", "--registry", registry(BROKEN))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line for line in lines if not re.fullmatch(r"registry/\S+:\d+:\d+: [A-Z]{3}\d{3} .*|  fix: .+", line)] == []
    assert f"registry/{TINY}/model.yaml:4:15: TAX001" in result.stdout
    assert re.search(r"1 model checked in .*: 3 errors", result.stderr)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Usage"),
        (("chekc",), "There is no command 'chekc'. Did you mean check?"),
        (("check", "--fromat", "json"), "--format"),
        (("check", "--format", "xml"), "'xml'"),
        (("check", "--fix", "--head", "HEAD"), "use one of them"),
        (("check", "--head", ""), "it is empty; name a branch"),
        (("check", "--now", "tomorrow"), "'tomorrow' is no time; write 2026-11-21"),
        (("check", "--jobs", "-1"), "-1"),
        (("explain", "TAX01"), "there is no rule TAX01; near it: TAX001"),
        (("show", "acme/tiny2"), "there is no model acme/tiny2; near it: acme/tiny"),
        (("list", "--type", "lmm"), "there is no type lmm"),
        (("new", "lmm", "acme/new"), "did you mean llm"),
        (("release", "acme/tiny", "2.0.0", "--bump", "major"), "use one of them"),
        (("edit", "acme/tiny"), "Missing argument"),
        (("edit", "acme/tiny", "listed=no"), "galleryctl withdraw acme/tiny --reason"),
        (("init",), "is a registry already"),
        (("check", "elsewhere"), "outside the registry"),
    ],
)
def test_2_for_wrong_usage(run: Run, registry: Make, words: tuple[str, ...], said: str) -> None:
    folder = registry()
    result = run(*words, cwd=folder.parent)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert git(folder, "status", "--porcelain") == ""


@pytest.mark.parametrize("command", ["check", "list", "build", "serve"])
def test_2_without_a_registry_says_how_to_start_one(run: Run, tmp_path: Path, command: str) -> None:
    result = run(command, cwd=tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "galleryctl: registry is no registry: it has no gallery.yaml; start one with: galleryctl init registry\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_3_for_what_could_not_be_done(run: Run, registry: Make) -> None:
    result = run("check", "--registry", registry(), "--head", "nowhere")
    assert (result.exit_code, result.stdout) == (3, "")
    assert re.fullmatch(r"galleryctl: .*nowhere.*\n", result.stderr)


def test_4_for_a_bug(run: Run, registry: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(loading, "load", fail)
    result = run("check", "--registry", registry())
    assert (result.exit_code, result.stdout) == (4, "")
    assert "Traceback (most recent call last)" in result.stderr
    assert "RuntimeError: planted" in result.stderr
    assert "This is a bug in galleryctl. Please report it" in result.stderr
    assert f"galleryctl {galleryctl.__version__}, Python 3." in result.stderr


def test_130_for_an_interrupt(registry: Make) -> None:
    folder = registry()
    terminal = Terminal("new", "llm", "acme/more", cwd=folder.parent)
    assert "Version [1.0.0]:" in terminal.until("[1.0.0]:")
    while (
        terminal.process.poll() is None and "interrupted" not in terminal.text
    ):  # the interpreter may sleep over one that comes as it begins to wait
        terminal.process.send_signal(signal.SIGINT)
        terminal.until("left", seconds=1)
    assert terminal.ended() == 130
    assert "interrupted; nothing half-written is left" in terminal.text
    assert "Traceback" not in terminal.text
    assert git(folder, "status", "--porcelain") == ""


def test_a_reader_that_leaves_is_no_error(registry: Make) -> None:
    folder = registry()
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "galleryctl", "list", "--format", "json"]
    done = subprocess.run(command, cwd=folder.parent, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


# -- check


def test_json_stands_alone_on_standard_output(run: Run, registry: Make) -> None:
    result = run("check", "--registry", registry(BROKEN), "--format", "json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [list(item) for item in found] == [["code", "severity", "path", "line", "column", "message", "fix"]] * len(
        found
    )
    assert {item["code"] for item in found} == {"TAX001", "LIC002"}
    assert {item["path"] for item in found} == {f"registry/{TINY}/model.yaml"}
    assert "3 errors" in result.stderr
    assert json.loads(run("check", "--registry", registry(name="other"), "--format", "json").stdout) == []


def test_sarif_and_annotations_name_files_from_the_top_of_the_repository(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "data/registry", {**MINIMAL, **BROKEN})
    git(tmp_path, "init", "-q")
    path = f"data/registry/{TINY}/model.yaml"
    sarif: dict[str, Any] = json.loads(run("check", "-r", tmp_path / "data/registry", "--format", "sarif").stdout)
    jsonschema.validate(sarif, SARIF)
    places = [result["locations"][0]["physicalLocation"] for result in sarif["runs"][0]["results"]]
    assert {place["artifactLocation"]["uri"] for place in places} == {path}
    lines = run("check", "-r", tmp_path / "data/registry", "--format", "github").stdout.splitlines()
    assert len(lines) == len(places)
    assert all(line.startswith(f"::error file={path},line=") for line in lines)
    text = run("check", "-r", tmp_path / "data/registry").stdout
    assert text.startswith(f"registry/{TINY}/model.yaml:")


def test_paths_limit_the_report_and_the_exit_code(run: Run, registry: Make) -> None:
    folder = registry(BROKEN)
    assert run("check", "registry/gallery.yaml", cwd=folder.parent)[:2] == (0, "")
    assert run("check", f"registry/{TINY}", cwd=folder.parent).exit_code == 1
    assert run("check", f"{TINY}/model.yaml", "--registry", ".", cwd=folder).exit_code == 1


def test_a_revision_is_read_without_a_checkout(run: Run, registry: Make, commit: Commit) -> None:
    folder = registry()
    commit(folder, BROKEN)
    assert run("check", "-r", folder).exit_code == 1
    assert run("check", "-r", folder, "--head", "HEAD~1")[:2] == (0, "")
    write(folder, {f"{TINY}/model.yaml": MINIMAL[f"{TINY}/model.yaml"]})
    assert run("check", "-r", folder).exit_code == 0
    assert run("check", "-r", folder, "--head", "HEAD").exit_code == 1


def test_fix_mends_and_says_what(run: Run, registry: Make) -> None:
    folder = registry(BROKEN)
    result = run("check", "-r", folder, "--fix")
    assert result.exit_code == 1
    assert f"mended registry/{TINY}/model.yaml\n" in result.stderr
    assert "nonsense" in result.stdout
    assert "chats" not in result.stdout
    assert (folder / TINY / "model.yaml").read_text().endswith("license: Apache-2.0\ntags: [chat, nonsense]\n")
    again = run("check", "-r", folder, "--fix")
    assert "mended" not in again.stderr
    assert again.stdout == result.stdout


def test_fix_of_a_path_leaves_the_others(run: Run, registry: Make) -> None:
    two = "models/llm/acme/two"
    folder = registry({**BROKEN, f"{two}/model.yaml": BROKEN[f"{TINY}/model.yaml"]})
    run("check", "--fix", f"registry/{two}", cwd=folder.parent)
    assert git(folder, "status", "--porcelain") == f" M registry/{two}/model.yaml"


def test_colours_only_on_a_terminal(registry: Make) -> None:
    folder = registry(BROKEN)
    terminal = Terminal("check", cwd=folder.parent)
    assert terminal.ended() == 1
    assert "\x1b[31mTAX001\x1b[0m" in terminal.text
    done = subprocess.run(
        [sys.executable, "-m", "galleryctl", "check"], cwd=folder.parent, capture_output=True, text=True, check=False
    )
    assert "\x1b" not in done.stdout + done.stderr


def test_names_of_strangers_have_no_power_over_the_terminal(run: Run, registry: Make, tmp_path: Path) -> None:
    """An error repeats what stands in a catalogue."""
    folder = registry()
    source = {"huggingface": {"model_id": "a/b", "quantizations": ["none"]}}
    entry = {"version": 2, "dimensions": 1, "max_tokens": 1, "language": ["en"]}
    entry["model_specs"] = [{"model_format": "pytorch", "model_src": source}]
    names = ("One\x1b]0;owned\x07", "Two\x9b31m")
    (tmp_path / "embedding.json").write_text(json.dumps([entry | {"model_name": name} for name in names]))
    done = run("import", tmp_path / "embedding.json", "--as-version-of", "acme/tiny", "-r", folder)
    assert done.exit_code == 2
    assert r"One\x1b]0;owned\x07, Two\x9b31m" in done.stderr
