"""The workflows: whole, pinned, without rights they do not need, and every command in them is one that there is."""

from __future__ import annotations

import os
import re
import shlex
import shutil
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


def test_a_workflow_reads_no_artifact_but_that_of_an_earlier_job_of_its_own_run() -> None:
    assert not [path.name for path in OURS if "cache:" in path.read_text()]
    read = []
    for path in OURS:
        jobs = parsed(path)["jobs"]
        for name, job in jobs.items():
            for step in job["steps"]:
                if "download-artifact@" not in step.get("uses", ""):
                    continue
                assert step["with"].keys() == {"name"}, "neither another run nor another repository"
                before = earlier(jobs, name)
                given = [each["with"]["name"] for job in before for each in job["steps"] if is_upload(each)]
                assert step["with"]["name"] in given, (path.name, name)
                read.append(path.stem)
    assert sorted(set(read)) == ["publish", "refresh"]


def is_upload(step: dict[str, Any]) -> bool:
    return "actions/upload-artifact@" in step.get("uses", "")


def earlier(jobs: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The jobs that a job waits for, and those that they wait for."""
    needs = jobs[name].get("needs", [])
    needs = [needs] if isinstance(needs, str) else needs
    return [*(jobs[each] for each in needs), *(job for each in needs for job in earlier(jobs, each))]


@pytest.mark.parametrize("name", ["publish", "refresh"])
def test_the_online_key_is_where_no_generator_runs(name: str) -> None:
    text, jobs = (
        (ROOT / f".github/workflows/{name}.yml").read_text(),
        parsed(ROOT / f".github/workflows/{name}.yml")["jobs"],
    )
    assert list(jobs) == ["build", "sign", "deploy", "verify", "alarm"]
    assert [each for each, job in jobs.items() if "secrets." in str(job)] == ["sign"]
    assert text.count("secrets.GALLERYCTL_ONLINE_KEY") == 1
    assert jobs["sign"]["environment"] == "signing"
    assert jobs["sign"]["permissions"] == {"contents": "read"}
    commands = [
        step["run"].split()[1] for step in jobs["sign"]["steps"] if step.get("run", "").startswith("galleryctl")
    ]
    assert commands == ["verify", "sign"]
    (key,) = (step for step in jobs["sign"]["steps"] if "secrets." in str(step))
    assert key["run"] == "galleryctl sign site --refuse-rollback-from site"
    assert [each for each, job in jobs.items() if "galleryctl build" in str(job)] == ["build"]
    assert "id-token" in str(jobs["deploy"]["permissions"])
    assert [step["run"] for step in jobs["verify"]["steps"] if step.get("run", "").startswith("galleryctl")] == [
        "galleryctl verify --online-for 2d --offline-for 30d",
        "galleryctl verify --online-for 2d --offline-for 30d --state canary",
    ]


@pytest.mark.parametrize("name", ["publish", "refresh"])
@pytest.mark.parametrize("folder", ["registry", "models"])
@pytest.mark.parametrize("trusted", [True, False])
def test_a_gallery_without_keys_is_published_unsigned(tmp_path: Path, name: str, folder: str, trusted: bool) -> None:
    workflow = yaml.safe_load(workflows.files(folder)[f".github/workflows/{name}.yml"])
    (step,) = (step for step in workflow["jobs"]["build"]["steps"] if step.get("id") == "trust")
    (tmp_path / folder / "trust").mkdir(parents=True)
    if trusted:
        (tmp_path / folder / "trust" / "1.root.json").touch()
    environment = {**os.environ, **workflow.get("env", {}), "GITHUB_OUTPUT": str(tmp_path / "output")}
    subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "output").read_text() == f"signed={str(trusted).lower()}\n"


def test_a_failed_build_does_not_stop_signing() -> None:
    steps = parsed(ROOT / ".github/workflows/refresh.yml")["jobs"]["build"]["steps"]
    first = next(index for index, step in enumerate(steps) if step.get("id") == "queue")
    build = next(index for index, step in enumerate(steps) if step.get("id") == "build")
    assert all(step["continue-on-error"] for step in steps[first : build + 1])
    rest = [step for step in steps[build + 1 :] if "if" in step and "steps.build.outcome != 'success'" in step["if"]]
    assert [step["run"].split()[1] for step in rest if step["run"].startswith("galleryctl")] == ["verify", "build"]
    (take,) = (step["run"] for step in rest if step["run"].startswith("jq "))
    program = shlex.split(take)[2]
    if shutil.which("jq"):
        data = '{"commit": "4f2a", "built": "2026-11-20T15:00:00Z", "gallery": "https://a.example"}'
        done = subprocess.run(["jq", "-r", program], input=data, capture_output=True, text=True, check=True)
        assert done.stdout == "gallery=https://a.example\ncommit=4f2a\nbuilt=2026-11-20T15:00:00Z\n"
    else:
        assert program == '"gallery=" + .gallery, "commit=" + .commit, "built=" + .built'


@pytest.mark.parametrize(
    "line",
    sorted({step["run"] for path in OURS for step in steps(parsed(path)) if "galleryctl " in step.get("run", "")}),
)
def test_every_command_is_one_that_there_is(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from galleryctl.cli import program  # noqa: PLC0415 - here only

    monkeypatch.chdir(tmp_path)
    (tmp_path / "review.json").touch()  # what the step before writes
    (tmp_path / "site").mkdir()
    name, *words = shlex.split(line.partition(" > ")[0].replace("$BUILT", "2026-11-20T15:00:00Z"))
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
