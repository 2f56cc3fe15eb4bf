"""The locks, and the wheel as somebody without Node, checkout and network gets it."""

from __future__ import annotations

import email
import importlib.metadata
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
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

import galleryctl
from conftest import MINIMAL
from galleryctl import schemas
from galleryctl.client.sources import weight
from publishing import publish, serve
from test_client_weights import FILES, RELEASE, TINY, sha256

if TYPE_CHECKING:
    from collections.abc import Callable

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
    extras = project["project"]["optional-dependencies"]
    wanted = [
        *project["project"]["dependencies"],
        *extras["client"],
        *extras["cli"],
        *project["dependency-groups"]["dev"],
    ]
    assert len(wanted) > 30
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


LIGHT = {"httpcore2", "httpx2", "pydantic", "rfc8785", "securesystemslib", "tuf"}
"""What the client imports by itself."""


def test_only_the_tool_needs_what_the_tool_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        told = email.message_from_bytes(archive.read(name))
    wanted = [Requirement(text) for text in told.get_all("Requires-Dist", [])]
    base = {each.name for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})}
    client = {each.name for each in wanted if each.marker is None or each.marker.evaluate({"extra": "client"})}
    assert base == client == LIGHT
    assert {"client", "cli"} <= set(told.get_all("Provides-Extra", []))
    tool = {each.name for each in wanted if each.marker and each.marker.evaluate({"extra": "cli"})}
    assert {"click", "jinja2", "pygithub", "pyyaml"} <= tool
    assert not tool & LIGHT


@pytest.fixture(scope="module")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has what `galleryctl[client]` installs at the locked versions, nothing else."""
    folder = tmp_path_factory.mktemp("light")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in closure(LIGHT):
        found = importlib.metadata.distribution(name)
        for part in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
            if not (site / part).exists():
                (site / part).symlink_to(str(found.locate_file(part)))
    return python


def closure(names: set[str]) -> set[str]:
    """The distributions that are installed with these: what they require, and what that requires."""
    seen: set[tuple[str, str]] = set()
    queue = [(name, extra) for name in names for extra in ("", *(["crypto"] if name == "securesystemslib" else []))]
    while queue:
        name, extra = queue.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for text in importlib.metadata.distribution(name).requires or ():
            each = Requirement(text)
            if each.marker is None or each.marker.evaluate({"extra": extra}):
                queue += [(each.name, wanted) for wanted in ("", *each.extras)]
    return {name for name, _ in seen}


def python(light: Path, *words: str) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    return subprocess.run([str(light), *words], env=bare, capture_output=True, text=True, check=False)


def test_the_client_is_whole_with_its_extra_alone(light: Path) -> None:
    modules = sorted(
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "src/galleryctl/client").rglob("*.py")
    )
    assert len(modules) >= 3
    done = python(light, "-c", f"import importlib\nfor name in {modules}: importlib.import_module(name)\nimport click")
    assert done.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'click'", done.stderr


USE = """
import sys
from pathlib import Path
from galleryctl.client import Gallery, homes, locking
url, root, work = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
gallery = Gallery(url, root=root, cache=work / "cache")
synced = gallery.sync(natives="xinference")
assert [model.id for model in gallery.models()] == ["acme/tiny"]
build = gallery.resolve("acme/tiny:pytorch")
gallery.pull(build, work / "models", mirrors=[url])
state = homes.State(url, synced.epoch, synced.serial)
laid = homes.lay(work / "home", "xinference", gallery.native("xinference"), state)
found = sorted(name for name in sys.modules if name.partition(".")[0] in sys.argv[4].split())
print(synced.serial, laid.written, found)
"""


def test_the_client_works_with_its_extra_alone(
    light: Path, registry: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://127.0.0.1:9")  # no hub is asked: the files come from the gallery
    files = {"gallery.yaml": f"{MINIMAL['gallery.yaml']}runtimes: [xinference]\n", f"{TINY}/1.0.0.yaml": RELEASE}
    published = publish(registry(files), tmp_path / "site", tmp_path / "keys")
    for data in FILES.values():
        path = published.site / weight(sha256(data))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    with serve(published.site) as served:
        heavy = "click git jinja2 github yaml jsonschema markdown_it huggingface_hub rich requests"
        done = python(light, "-c", USE, served.url, str(published.root), str(tmp_path), heavy)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1 ('model/v2/builtin/llm/llm_models.json',) []\n"
    assert (tmp_path / "models/model.safetensors").read_bytes() == FILES["model.safetensors"]


@pytest.mark.parametrize("words", [("-m", "galleryctl", "--help"), ("-m", "galleryctl"), ()])
def test_without_the_command_line_one_line_says_what_to_install(light: Path, words: tuple[str, ...]) -> None:
    script = str(light.with_name("galleryctl"))
    done = python(light, *words) if words else python(light, script, "sync")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr == "galleryctl: the command line is not installed: pip install 'galleryctl[cli]'\n"


def test_a_part_of_the_command_line_that_is_missing_is_named(tmp_path: Path) -> None:
    code = "import sys; sys.modules['yaml'] = None\nfrom galleryctl.cli import main; sys.exit(main(['check']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "galleryctl: yaml is not installed: pip install 'galleryctl[cli]'\n")


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
