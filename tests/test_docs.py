"""The documents say what is true: commands exist and run, codes and links lead somewhere, recipes work."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import click
import pytest

from conftest import git
from galleryctl import checks
from galleryctl.cli import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Result

    Run = Callable[..., Result]

ROOT = Path(__file__).parent.parent
README, CONTRIBUTING = ROOT / "README.md", ROOT / "CONTRIBUTING.md"
DOCUMENTS = [README, CONTRIBUTING, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = click.Context(program).command
VENDOR = "src/galleryctl/data/vendor"
CODE = re.compile(r"\b[A-Z]{3}\d{3}\b")


class Block(NamedTuple):
    """One fenced block, and the heading above it."""

    heading: str
    language: str
    text: str


def blocks(path: Path) -> list[Block]:
    found, heading = [], ""
    for match in re.finditer(r"^## ([^\n]+)$|^```(\w+)\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL):
        heading = match[1] or heading
        if match[2]:
            found.append(Block(heading, match[2], match[3]))
    return found


def scripts(path: Path, heading: str) -> list[str]:
    found = [block.text for block in blocks(path) if block.heading == heading and block.language == "sh"]
    assert found, f"{path.name} has no commands under {heading!r}"
    return found


def lines(text: str) -> Iterator[list[str]]:
    """Every `galleryctl` command of a text as words, those within sentences too. Words in capitals are left out."""
    text = text.replace("\\\n", " ")
    for match in re.finditer(r"^(?:  fix: )?(galleryctl .+)$|`(galleryctl [^`\n]+)`", text, re.MULTILINE):
        words = shlex.split(match[1] or match[2])[1:]
        if not words[0].isupper():
            yield words


# -- commands


@pytest.mark.parametrize("name", program.list_commands(click.Context(program)))
def test_every_command_has_help_with_an_example(run: Run, name: str) -> None:
    done = run(name, "--help")
    assert done.exit_code == 0
    assert re.search(rf"^  Example:\n    galleryctl {name}\b", done.stdout, re.MULTILINE)


def unknown(text: str) -> Iterator[list[str]]:
    """Commands that do not exist, or not with these options."""
    for words in lines(text):
        command, rest = program.get_command(click.Context(program), words[0]), words[1:]
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            command, rest = command.get_command(click.Context(command), rest[0]), rest[1:]
        params = command.params if command else []
        known = {option for param in params for option in (*param.opts, *param.secondary_opts)} | {"--help"}
        used = {word.partition("=")[0] for word in words[1:] if re.match(r"--?[a-z]", word)}
        if command is None or not used <= known:
            yield words


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_of_a_document_exists_with_its_options(path: Path) -> None:
    assert list(unknown(path.read_text())) == []


def test_every_command_that_a_rule_names_exists() -> None:
    pages = [rule.page for rule in checks.RULES.values()]
    fixes = [path.read_text() for path in (ROOT / "tests/samples").glob("*/bad/expected.txt")]
    assert [words for text in (*pages, *fixes) for words in unknown(text)] == []
    assert list(unknown("  fix: galleryctl frobnicate acme/tiny")) == [["frobnicate", "acme/tiny"]]


def test_every_make_target_exists_and_is_described() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == targets
    table = " ".join(line.split("|")[1] for line in CONTRIBUTING.read_text().splitlines() if line.startswith("| `make"))
    assert set(re.findall(r"`make (\w+)`", table)) == targets
    for path in DOCUMENTS:
        code = "\n".join([*re.findall(r"`([^`\n]+)`", path.read_text()), *(block.text for block in blocks(path))])
        assert set(re.findall(r"^make (\w+)", code, re.MULTILINE)) <= targets, path.name


def test_the_first_screen_of_the_readme_has_the_two_commands() -> None:
    first = README.read_text().split("\n## ")[0]
    assert blocks(README)[0].text == "make serve\nmake test\n"
    assert len(first.splitlines()) < 25


# -- what documents name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_rule_a_document_names_exists(path: Path) -> None:
    text = path.read_text()
    made = set(re.findall(r'rule\("([A-Z]{3}\d{3})"', text))  # by a recipe
    assert not made & checks.RULES.keys(), "the example of the recipe is a rule now: choose another number"
    named = {code for line in text.splitlines() if "not yet" not in line for code in CODE.findall(line)}
    assert named - made <= checks.RULES.keys()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_a_document_leads_to_a_file(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        if not target.startswith("https://"):
            assert (path.parent / target.partition("#")[0]).exists(), target


def test_no_document_names_a_place_of_this_machine() -> None:
    names = git(ROOT, "ls-files", "*.md", "*.toml", "*.yaml", "*.yml", "*.html", "Makefile", ".ci").splitlines()
    assert "Makefile" in names
    for name in names:
        if not (ROOT / name).exists() or name.startswith("tests/samples/"):
            continue
        found = re.search(r"\.\./shared|(?<![\w.])/(?:work|tmp|root|home)/", (ROOT / name).read_text())
        assert found is None, (name, found)


@pytest.mark.parametrize("code", checks.RULES)
def test_explain_prints_the_page_of_every_rule(run: Run, code: str) -> None:
    rule = checks.RULES[code]
    done = run("explain", code)
    assert done.exit_code == 0
    assert done.stdout.startswith(f"{code}  {rule.severity}")
    words = " ".join(done.stdout.split())
    assert rule.title in words
    assert "Bad:" in words
    assert "Good:" in words


# -- the tour


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV"))}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **more}


def shell(folder: Path, script: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-euo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=environment(**more), capture_output=True, text=True, check=False)


@contextmanager
def serving(folder: Path, command: str) -> Iterator[str]:
    """Its address, while it serves; ended as Ctrl-C would end it."""
    words = [*shlex.split(command), "--port", "0"]
    process = subprocess.Popen(words, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if match := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield match[0]
                break
        else:
            pytest.fail("it ended without an address")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0


def fetch(address: str) -> str:
    parts = urlsplit(address)
    with closing(HTTPConnection(parts.netloc, timeout=30)) as connection:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        assert answer.status == 200, address
        return answer.read().decode()


def test_the_tour_of_the_readme(tmp_path: Path) -> None:
    _, tour, mending = scripts(README, "A gallery of your own")
    commands = tour.splitlines()
    assert [command.split()[1] for command in commands] == ["init", "new", "check", "build", "serve"]
    *first, serve = commands
    codes = [shell(tmp_path, command).returncode for command in first]
    assert codes == [0, 0, 1, 1], "what only the author can say is missing, and nothing is built"
    assert not (tmp_path / "site").exists()
    assert shell(tmp_path, mending).returncode == 0
    assert [shell(tmp_path, command).returncode for command in first[2:]] == [0, 0]
    (signing,) = scripts(README, "Signed")
    signed = shell(tmp_path, signing)
    assert signed.returncode == 0, signed.stderr
    with serving(tmp_path, serve) as address:
        assert "A small chat model." in fetch(f"{address}/models/acme/tiny/")
        _, curl = scripts(README, "For runtimes")
        for line in curl.splitlines():
            assert json.loads(fetch(line.split()[-1].replace("http://127.0.0.1:8000", address)))
    published(tmp_path / "site")


def published(site: Path) -> None:
    """The table of the published tree, row by row."""
    table = README.read_text().split("## What is published")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    names = {"<publisher>": "acme", "<name>": "tiny", "<type>": "llm", "…": ""}
    found = [name for row in rows for name in re.findall(r"`/([^`]*)`", row)]
    assert len(found) > 12
    for name in found:
        if "<runtime>" in name:  # the gallery of the tour names none
            assert not (site / "runtimes").exists()
            continue
        if name in {"v1/delta/…", "v1/generations.json"}:  # from the second publication on
            assert not (site / name.removesuffix("…")).exists()
            continue
        for word, value in names.items():
            name = name.replace(word, value)  # noqa: PLW2901 - one name after the other
        assert (site / name).is_file() or any((site / name).iterdir()), name
        if name.endswith("/") and not name.startswith(("v1/", "feeds/", "metadata/")):
            assert (site / name / "index.html").is_file()
    rules = (site / "rules/index.html").read_text()
    assert [code for code in checks.RULES if f'id="{code}"' not in rules] == []


# -- recipes


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this repository, as its working tree stands, with one commit."""
    target = tmp_path_factory.mktemp("repository")
    names = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    vendor = [str(path.relative_to(ROOT)) for path in (ROOT / VENDOR).iterdir()]
    for name in [*names, *vendor]:
        if name and (ROOT / name).is_file() and not name.startswith("benchmarks/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    git(target, "init", "-q")
    git(target, "add", "--all")
    git(target, "commit", "-q", "-m", "start")
    return target


@pytest.fixture
def clone(original: Path, tmp_path: Path) -> Path:
    """A fresh clone, with the JavaScript that its first build would fetch."""
    target = tmp_path / "clone"
    git(original, "clone", "-q", str(original), str(target))
    shutil.copytree(original / VENDOR, target / VENDOR)
    return target


def follow(clone: Path, heading: str) -> list[str]:
    """Run the commands below a heading of CONTRIBUTING; what each block printed."""
    printed = []
    for script in scripts(CONTRIBUTING, heading):
        done = shell(clone, script, PYTHONPATH=str(clone / "src"))
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        printed.append(done.stdout)
    return printed


def test_the_recipe_for_a_model(clone: Path) -> None:
    follow(clone, "Add a model")
    folder = "registry/models/llm/acme/tiny"
    names = {path.name for path in (clone / folder).iterdir()}
    assert names == {"model.yaml", "README.md", "1.0.0.yaml", "1.1.0.yaml"}
    assert git(clone, "log", "-1", "--format=%s") == "registry: add acme/tiny"
    assert git(clone, "status", "--short") == f"?? {folder}/1.1.0.yaml"
    page = (clone / "site/models/acme/tiny/index.html").read_text()
    assert "Made by Acme in an afternoon" in page
    assert '<abbr title="' in page


def test_the_recipe_for_a_rule(clone: Path) -> None:
    printed = follow(clone, "Add a rule")
    assert "model.yaml:2:10: TXT090 the summary shouts\n  fix: end it with a full stop\n" in printed[-1]
    assert "4 passed" in printed[-1]
    assert "A summary shouts." in printed[-1]
    assert "An exclamation mark sells" in printed[-1]


def test_the_recipe_for_a_type(clone: Path) -> None:
    printed = follow(clone, "Add a model type")
    assert "Every hour" in printed[-1]
    assert (clone / "site/models/acme/oracle/index.html").is_file()
    before = set(git(ROOT, "ls-files", "src", "site_templates").splitlines())
    changed = set(git(clone, "status", "--short", "-uall").replace("?? ", "").splitlines())
    assert not changed & before, "without code"
    assert {name.partition("/")[0] for name in changed} == {"schemas", "registry"}
