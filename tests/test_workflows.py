"""The workflows: whole, pinned, without rights they do not need, and every command in them is one that there is."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from galleryctl.authoring import workflows

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Result

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
OURS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
UNTRUSTED = {"check", "review-ping", "lint-ci", "test"}
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40}|\$/\.github/actions/galleryctl")


def parsed(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def triggers(workflow: dict[Any, Any]) -> dict[str, Any]:
    found = workflow[True]  # YAML 1.1 takes `on` for true
    return found if isinstance(found, dict) else {found: None}


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_zizmor_has_nothing_to_say() -> None:
    command = [str(BIN / "zizmor"), "--offline", "--persona=pedantic", "--no-progress", ".github"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "No findings to report" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", ".github/workflows/*.yml"),
        ("vendor.github-actions", ".github/actions/*/action.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/[!c]*.yml"),
        ("vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("vendor.dependabot", ".github/dependabot.yml"),
    ],
)
def test_files_are_of_the_form_that_github_reads(schema: str, files: str) -> None:
    found = [str(path) for path in ROOT.glob(files)]
    assert found
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", schema, *found]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_a_workflow_has_no_rights_it_does_not_need(path: Path) -> None:
    workflow, text = parsed(path), path.read_text()
    assert workflow["permissions"] == {}
    assert all(PINNED.fullmatch(step["uses"]) for step in steps(workflow) if "uses" in step)
    assert all("${{" not in step.get("run", "") for step in steps(workflow)), "an expression inside a script"
    assert all(job["timeout-minutes"] <= 60 for job in workflow["jobs"].values())
    assert all(
        step["with"]["persist-credentials"] is False
        for step in steps(workflow)
        if step.get("uses", "").startswith("actions/checkout@")
    )
    if path.stem in UNTRUSTED:
        assert "secrets." not in text
        assert "environment:" not in text
        rights = [job.get("permissions", {}) for job in workflow["jobs"].values()]
        assert all(set(right.values()) <= {"read"} for right in rights)
    else:
        assert not {"pull_request", "pull_request_target", "pull_request_review"} & set(triggers(workflow))
        assert "head_ref" not in text


def test_what_gates_or_publishes_shares_no_file_with_a_schedule() -> None:
    for name in ("check", "verdict", "publish", "merge"):
        assert "schedule" not in triggers(parsed(ROOT / f".github/workflows/{name}.yml"))


def test_no_privileged_workflow_reads_an_artifact() -> None:
    assert not [path.name for path in OURS if "download-artifact" in path.read_text() or "cache:" in path.read_text()]


@pytest.mark.parametrize(
    "line",
    sorted({step["run"] for path in OURS for step in steps(parsed(path)) if "galleryctl " in step.get("run", "")}),
)
def test_every_command_is_one_that_there_is(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from galleryctl.cli import program  # noqa: PLC0415 - here only

    monkeypatch.chdir(tmp_path)
    (tmp_path / "review.json").touch()  # what the step before writes
    name, *words = shlex.split(line)
    assert name == "galleryctl"
    command: Any = program
    context = None
    while hasattr(command, "get_command"):
        context = command.make_context(name, list(words), parent=context, ignore_unknown_options=True)
        command = command.get_command(context, words[0])
        assert command is not None, line
        name, *words = words
    command.make_context(name, words, parent=context)


def test_a_registry_gets_them_all_but_what_tests_this_program(run: Callable[..., Result], tmp_path: Path) -> None:
    done = run("init", "--ci", "github", cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    names = {path.name for path in (tmp_path / ".github" / "workflows").iterdir()}
    assert names == {path.name for path in OURS} - {"test.yml"}
    assert (tmp_path / "registry" / "gallery.yaml").exists()
    action = (tmp_path / ".github/actions/galleryctl/action.yml").read_text()
    assert "requirements.lock" not in action
    assert ".github/galleryctl.txt" in action
    assert (tmp_path / ".github/galleryctl.txt").read_text().splitlines()[-1].startswith("galleryctl[cli]==")
    command = [str(BIN / "zizmor"), "--offline", "--persona=pedantic", "--no-progress", "."]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_what_is_there_stays(run: Callable[..., Result], tmp_path: Path) -> None:
    mine = tmp_path / ".github" / "workflows" / "check.yml"
    mine.parent.mkdir(parents=True)
    mine.write_text("name: mine\n")
    done = run("init", "--ci", "github", cwd=tmp_path)
    assert done.exit_code == 2
    assert ".github/workflows/check.yml" in done.stderr
    assert mine.read_text() == "name: mine\n"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]


def test_again_changes_nothing_and_another_folder_is_named() -> None:
    assert workflows.files("registry").keys() == workflows.files("models").keys()
    other = workflows.files("models")[".github/workflows/check.yml"]
    assert yaml.safe_load(other)["env"] == {"GALLERYCTL_REGISTRY": "models"}
