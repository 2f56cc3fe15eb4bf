"""The locks, and the wheel as somebody without Node, checkout and network gets it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

import galleryctl
from galleryctl import schemas

ROOT = Path(__file__).parents[1]


def test_the_python_lock_names_hashes_and_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    blocks = [block for block in lock.replace("\\\n", "").splitlines() if block and not block.lstrip().startswith("#")]
    assert len(blocks) > 20
    assert [block for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []


def test_the_python_lock_has_every_dependency() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    assert [name for name in (re.split(r">=|\[", text)[0] for text in wanted) if f"\n{name}==" not in f"\n{lock}"] == []


def test_the_javascript_lock_names_hashes_and_no_host() -> None:
    text = (ROOT / "package-lock.json").read_text()
    assert "resolved" not in text
    assert "http" not in text
    packages = {name: data for name, data in json.loads(text)["packages"].items() if name}
    assert packages.keys() == {"node_modules/minisearch"}
    assert all(data["integrity"].startswith("sha512-") for data in packages.values())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that has the wheel, sees the locked dependencies and finds git, but not Node."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    real = shutil.which("git")
    assert real is not None
    (folder / "bin" / "git").symlink_to(real)
    return folder / "bin"


def call(tools: Path, *words: str, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PATH"] = str(tools)
    done = subprocess.run(
        [str(tools / words[0]), *words[1:]], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_carries_its_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"galleryctl/py.typed", "galleryctl/data/vendor/minisearch.js"} <= names
    assert "galleryctl/data/vendor/minisearch.LICENSE.txt" in names
    for folder in ("schemas", "site_templates"):
        ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert {f"galleryctl/data/{name}" for name in ours} <= names
    assert {name.partition("/")[0] for name in names} == {
        "galleryctl",
        f"galleryctl-{galleryctl.__version__}.dist-info",
    }


def test_the_wheel_uses_its_own_data(installed: Path, tmp_path: Path) -> None:
    code = "from galleryctl import resources as r; print(r.root('schemas'), r.root('site_templates'), r.root('vendor'))"
    folders = call(installed, "python", "-c", code, cwd=tmp_path).split()
    assert len(folders) == 3
    assert all(Path(folder).is_relative_to(installed.parent) for folder in folders)


def test_the_command_runs(installed: Path, tmp_path: Path) -> None:
    assert "Usage: galleryctl" in call(installed, "galleryctl", "--help", cwd=tmp_path)
    assert galleryctl.__version__ in call(installed, "galleryctl", "--version", cwd=tmp_path)
    assert "Usage: galleryctl" in call(installed, "python", "-m", "galleryctl", "--help", cwd=tmp_path)


def test_a_new_registry_builds_without_node(installed: Path, tmp_path: Path) -> None:
    assert shutil.which("node", path=str(installed)) is None
    call(installed, "galleryctl", "init", cwd=tmp_path)
    call(installed, "git", "init", "-q", cwd=tmp_path)
    call(installed, "git", "add", ".", cwd=tmp_path)
    call(installed, "git", "commit", "-q", "-m", "start", cwd=tmp_path)
    call(installed, "galleryctl", "build", "--out", "site", cwd=tmp_path)
    assert (tmp_path / "site" / "index.html").is_file()
    assert json.loads((tmp_path / "site" / "v1" / "catalog.json").read_text())["serial"] >= 0


def test_editors_know_the_schema_of_every_file() -> None:
    settings = json.loads((ROOT / ".vscode" / "settings.json").read_text())
    files = {f"schemas/{name}" for name in schemas.generated() if "/" not in name}
    assert settings["yaml.schemas"].keys() == files
    assert {item["url"].removeprefix("./") for item in settings["json.schemas"]} == files
