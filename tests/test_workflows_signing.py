"""The jobs of `publish` and `refresh`, run step by step: what each hands on, and what a client sees."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from conftest import git
from galleryctl.authoring import workflows
from galleryctl.signing.trust import Trust
from publishing import serve
from tufclient import Yesterday

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from conftest import Files, Result

    Run = Callable[..., Result]
    Commit = Callable[[Path, Files], str]

MODEL = "models/llm/acme/tiny/model.yaml"
SHIM = """#!/bin/sh
# The forge is elsewhere, and the host of this test is on this machine.
case "$1" in
  alarm) shift; echo "$@" >> "$OFFICE/alarms" ;;
  review) test -e "$OFFICE/queue" && printf '{"at": "2026-01-02T00:00:00Z", "pulls": []}' > review.json ;;
  build) shift; exec "$PYTHON" -m galleryctl build --allow-private "$@" ;;
  *) exec "$PYTHON" -m galleryctl "$@" ;;
esac
"""


class Runner:
    """Runs the jobs of a workflow, each in a fresh clone, and hands over artifacts and outputs."""

    def __init__(self, root: Path, live: Path, office: Path) -> None:
        self.root, self.live, self.office = root, live, office
        self.secrets: dict[str, str] = {}
        (office / "bin").mkdir(parents=True)
        (office / "bin/galleryctl").write_text(SHIM)
        (office / "bin/galleryctl").chmod(0o755)
        (office / "queue").touch()
        self.printed = ""

    @property
    def alarms(self) -> list[str]:
        """What was told: the workflow and how it ended."""
        lines = (self.office / "alarms").read_text().splitlines()
        (self.office / "alarms").unlink()
        return [" ".join((line.split()[0], line.split()[2])) for line in lines]

    def run(self, name: str) -> dict[str, str]:
        """How each job of a workflow ended."""
        artifacts = self.office / "artifacts"
        shutil.rmtree(artifacts, ignore_errors=True)
        artifacts.mkdir()
        needs: dict[str, Any] = {}
        for job, told in yaml.safe_load(workflows.files("registry")[f".github/workflows/{name}.yml"])["jobs"].items():
            wanted = [told["needs"]] if isinstance(told.get("needs"), str) else told.get("needs", [])
            known = {each: needs[each] for each in wanted}
            condition = told.get("if")
            if condition is None:
                go = all(each["result"] == "success" for each in known.values())
            else:
                go = bool(self.value(condition, {"needs": known}))
                go = go and ("cancelled()" in condition or all(each["result"] == "success" for each in known.values()))
            needs[job] = self.job(told, known, artifacts) if go else {"result": "skipped", "outputs": {}}
        return {job: found["result"] for job, found in needs.items()}

    def job(self, told: Mapping[str, Any], needs: Mapping[str, Any], artifacts: Path) -> dict[str, Any]:
        clone, steps, result = self.office / "clone", dict[str, Any](), "success"
        shutil.rmtree(clone, ignore_errors=True)
        for step in told["steps"]:
            context = {"steps": steps, "needs": needs}
            if result != "success" or ("if" in step and not self.value(step["if"], context)):
                outcome, outputs = "skipped", dict[str, str]()
            else:
                outcome, outputs = self.step(step, context, clone, artifacts)
            if "id" in step:
                steps[step["id"]] = {"outcome": outcome, "outputs": outputs}
            if outcome == "failure" and not step.get("continue-on-error"):
                result = "failure"
        outputs = {name: self.value(text, {"steps": steps}) for name, text in told.get("outputs", {}).items()}
        return {"result": result, "outputs": outputs}

    def step(
        self, step: Mapping[str, Any], context: Mapping[str, Any], clone: Path, artifacts: Path
    ) -> tuple[str, dict[str, str]]:
        action = step.get("uses", "").partition("@")[0].rpartition("/")[2]
        match action:
            case "checkout":
                git(self.root, "clone", "-q", str(self.root), str(clone))
            case "upload-artifact":
                shutil.copy(clone / step["with"]["path"], artifacts / step["with"]["name"])
            case "download-artifact":
                name = step["with"]["name"]
                shutil.copy(artifacts / name, clone / f"{name}.tar")
            case "upload-pages-artifact":
                shutil.rmtree(self.office / "pages", ignore_errors=True)
                shutil.copytree(clone / step["with"]["path"], self.office / "pages")
            case "deploy-pages":
                shutil.rmtree(self.live, ignore_errors=True)
                shutil.copytree(self.office / "pages", self.live)
            case "":
                return self.script(step, context, clone)
            case _:
                pass
        return "success", {}

    def script(self, step: Mapping[str, Any], context: Mapping[str, Any], clone: Path) -> tuple[str, dict[str, str]]:
        output = self.office / "output"
        output.write_text("")
        given = {name: str(self.value(str(text), context) or "") for name, text in step.get("env", {}).items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV"))}
        path = f"{self.office / 'bin'}{os.pathsep}{os.environ['PATH']}"
        ours = {"PATH": path, "OFFICE": str(self.office), "PYTHON": sys.executable, "GITHUB_OUTPUT": str(output)}
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]], cwd=clone, env={**kept, **given, **ours}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        self.printed += f"$ {step['run']}\n{done.stdout}{done.stderr}"
        for secret in self.secrets.values():
            assert not secret or secret not in done.stdout + done.stderr
        outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        return ("failure" if done.returncode else "success"), outputs

    def value(self, text: str, context: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of an expression
        """An expression, as far as these workflows use them; other text is itself."""
        text = text.strip()
        inner = text.removeprefix("${{").removesuffix("}}") if text.startswith("${{") else text
        if text == inner and not re.search(r"==|!=", text):
            return text
        if "github." in inner:
            return "https://forge.example"

        def looked_up(match: re.Match[str]) -> str:
            kind, *rest = match[0].split(".")
            found: Any = {"secrets": self.secrets, "vars": {}, **context}[kind]
            for name in rest:
                found = found.get(name, {})
            return repr(found if isinstance(found, str) else "")

        inner = re.sub(r"\b(?:steps|needs|secrets|vars)(?:\.\w+)+", looked_up, inner.replace("!cancelled()", "True"))
        inner = re.sub(r"!(?!=)", " not ", inner).replace("&&", " and ").replace("||", " or ")
        return eval(" ".join(inner.split()), {"__builtins__": {}, "true": True})  # noqa: S307 - our own file


@pytest.fixture
def runner(registry: Callable[..., Path], tmp_path: Path) -> Iterator[Runner]:
    folder = registry()
    live = tmp_path / "live"
    with serve(live) as served:
        lines = [line for line in (folder / "gallery.yaml").read_text().splitlines() if not line.startswith("url:")]
        (folder / "gallery.yaml").write_text("\n".join([*lines, f"url: {served.url}", ""]))
        git(folder.parent, "commit", "-q", "-a", "-m", "url")
        found = Runner(folder.parent, live, tmp_path / "office")
        found.secrets["url"] = ""
        yield found


def with_keys(runner: Runner, run: Run, commit: Commit, tmp_path: Path) -> Path:
    keys = tmp_path / "keys"
    if not keys.exists():
        assert run("keys", "init", "--out", keys).exit_code == 0
    runner.secrets["GALLERYCTL_ONLINE_KEY"] = (keys / "online.pem").read_text()
    commit(runner.root / "registry", {f"trust/{path.name}": path.read_text() for path in (keys / "trust").iterdir()})
    return keys


def head(runner: Runner) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((runner.live / "v1/catalog.json").read_bytes())
    return found


WHOLE = dict.fromkeys(("build", "sign", "deploy", "verify", "alarm"), "success")


@pytest.mark.parametrize("name", ["publish", "refresh"])
def test_a_gallery_without_keys_goes_on_unsigned(runner: Runner, name: str) -> None:
    assert runner.run(name) == WHOLE | {"sign": "skipped", "verify": "skipped"}, runner.printed
    assert not (runner.live / "metadata").exists()
    assert runner.alarms[0] == f"{name} success"


def test_a_gallery_begins_to_be_signed_and_its_keys_change(
    runner: Runner, run: Run, commit: Commit, tmp_path: Path
) -> None:
    runner.run("publish")
    keys = with_keys(runner, run, commit, tmp_path)
    assert runner.run("publish") == WHOLE, runner.printed
    assert runner.alarms == ["publish success"] * 2
    url = next(line for line in (runner.root / "registry/gallery.yaml").read_text().splitlines() if "url:" in line)
    root = (keys / "trust/1.root.json").read_bytes()
    client = Yesterday(tmp_path / "client", url.split()[1], root)
    assert json.loads(client.head()) == head(runner)
    assert run("keys", "rotate", "online", "--keys", keys).exit_code == 0
    with_keys(runner, run, commit, tmp_path)
    commit(runner.root / "registry", {MODEL: changed(runner, "Told better.")})
    before = head(runner)
    assert runner.run("publish") == WHOLE, runner.printed
    assert head(runner)["serial"] == before["serial"] + 1
    assert json.loads(client.head()) == head(runner)
    assert len(Trust.read(keys / "trust").roots) == 2


def changed(runner: Runner, summary: str) -> str:
    text = (runner.root / "registry" / MODEL).read_text()
    return re.sub(r"(?m)^summary: .*$", f"summary: {summary}", text)


def test_without_its_key_nothing_is_published_and_somebody_is_told(
    runner: Runner, run: Run, commit: Commit, tmp_path: Path
) -> None:
    with_keys(runner, run, commit, tmp_path)
    assert runner.run("publish") == WHOLE
    assert runner.alarms == ["publish success"]
    held = {path: path.read_bytes() for path in runner.live.rglob("*") if path.is_file()}
    commit(runner.root / "registry", {MODEL: changed(runner, "Told better.")})
    for key in ("", (tmp_path / "keys/root-1.pem").read_text()):
        runner.secrets["GALLERYCTL_ONLINE_KEY"] = key
        found = runner.run("publish")
        assert found == WHOLE | {"sign": "failure", "deploy": "skipped", "verify": "skipped"}, runner.printed
        assert runner.alarms == ["publish skipped"]
    assert {path: path.read_bytes() for path in runner.live.rglob("*") if path.is_file()} == held


@pytest.mark.skipif(not shutil.which("jq"), reason="needs jq, which runners of the forge have: apt-get install jq")
@pytest.mark.parametrize("fault", ["definition", "forge"])
def test_while_nothing_builds_what_is_published_is_signed(
    runner: Runner, run: Run, commit: Commit, tmp_path: Path, fault: str
) -> None:
    with_keys(runner, run, commit, tmp_path)
    runner.run("publish")
    before = head(runner)
    if fault == "definition":
        commit(runner.root / "registry", {MODEL: "title: [\n"})
    else:
        (runner.office / "queue").unlink()
    assert runner.run("refresh") == WHOLE, runner.printed
    assert head(runner) == before
    assert runner.alarms == ["publish success", "refresh failure", "keys success"]


def test_nothing_is_published_where_nothing_builds_and_nothing_is_signed(runner: Runner, commit: Commit) -> None:
    runner.run("refresh")
    commit(runner.root / "registry", {MODEL: "title: [\n"})
    held = (runner.live / "v1/catalog.json").read_bytes()
    found = runner.run("refresh")
    assert (found["build"], found["deploy"]) == ("failure", "skipped")
    assert (runner.live / "v1/catalog.json").read_bytes() == held
    assert runner.alarms == ["refresh success", "keys success", "refresh skipped", "keys success"]


def test_keys_that_end_soon_are_told_while_all_else_goes_on(
    runner: Runner, run: Run, commit: Commit, tmp_path: Path
) -> None:
    import datetime as dt  # noqa: PLC0415 - here only

    then = dt.datetime.now(dt.UTC) - dt.timedelta(days=320)
    assert run("keys", "init", "--out", tmp_path / "keys", "--now", then.isoformat()).exit_code == 0
    with_keys(runner, run, commit, tmp_path)
    assert runner.run("refresh") == WHOLE, runner.printed
    assert runner.alarms == ["refresh success", "keys failure"]
