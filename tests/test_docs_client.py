"""The guide for runtimes, run from its first to its last line against a signed gallery."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from galleryctl import client
from galleryctl.cli import program
from galleryctl.client import errors, homes
from galleryctl.client.sources import weight
from publishing import publish, serve
from test_client_weights import FILES, RELEASE, TINY, sha256
from test_docs import ROOT, Block, blocks, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GUIDE = ROOT / "docs" / "client.md"
URL = "https://models.example.org"
SETTINGS = """\
title: Test gallery
url: https://models.example.org
runtimes: [xinference, localai, llama.cpp, litellm, vllm]
"""


def of(language: str) -> list[Block]:
    return [block for block in blocks(GUIDE) if block.language == language]


@pytest.fixture
def place(registry: Callable[..., Path], tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder with the root, and the address of a gallery that keeps the files of its models too."""
    files = {"gallery.yaml": SETTINGS, f"{TINY}/1.0.0.yaml": RELEASE}
    published = publish(registry(files), tmp_path / "site", tmp_path / "keys")
    for data in FILES.values():
        path = published.site / weight(sha256(data))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "1.root.json").write_bytes(published.root.read_bytes())
    with serve(published.site) as served:
        yield folder, served.url


def fitted(text: str, folder: Path, url: str) -> str:
    return text.replace(URL, url).replace("/srv/", f"{folder}/srv/")


def surrounding(folder: Path) -> dict[str, str]:
    """Without a way to any hub: the files come from the gallery."""
    return environment(HF_ENDPOINT="https://127.0.0.1:9", GALLERYCTL_CACHE=str(folder / "cache"))


def test_every_command_of_the_guide_works(place: tuple[Path, str]) -> None:
    folder, url = place
    install, *scripts = (block.text for block in of("sh"))
    assert install.startswith("pip install")
    assert len(scripts) >= 7
    script = fitted("\n".join(scripts), folder, url)
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=folder, env=surrounding(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / "models/tiny").is_dir()
    assert sum(path.is_file() for path in (folder / "copy/weights").rglob("*")) == 3
    pins = json.loads((folder / "gallery.lock").read_text())
    assert "acme/tiny@^1" in json.dumps(pins)
    for runtime, reads in homes.RUNTIMES.items():
        home = {"xinference": "xinference", "localai": "models", "llama.cpp": "llama", "litellm": "litellm"}[runtime]
        target = folder / "srv" / home / reads.target.format(type="llm")
        assert target.is_file(), runtime
        assert reads.target.replace("{type}", "<type>") in GUIDE.read_text()
        if reads.variable:
            assert f"`{reads.variable}`" in GUIDE.read_text()


def test_every_line_of_python_works(place: tuple[Path, str]) -> None:
    folder, url = place
    code = fitted("\n".join(block.text for block in of("python")), folder, url)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=surrounding(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "acme/tiny Tiny"
    assert lines[1].startswith("1.0.0 1k-gguf Q4_K_M ")
    assert [line for line in lines if line.startswith("llm.json ")]
    assert (folder / "models/tiny/tiny-Q4_K_M.gguf").read_bytes() == FILES["tiny-Q4_K_M.gguf"]


def test_the_services_start_commands_that_there_are() -> None:
    (unit,) = of("ini")
    parser = configparser.ConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.text)
    (cron,) = of("crontab")
    schedule, line = cron.text.splitlines()[-1].split(" xinference ", 1)
    assert schedule == "*/15 * * * *"
    for words in (parser["Service"]["ExecStart"], line):
        name, *rest = shlex.split(words)[1:]
        command = program.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        command.make_context(name, [*rest, "--gallery", URL])


def test_every_error_of_the_guide_is_one_and_the_others_are_told() -> None:
    table = GUIDE.read_text().split("## When something is wrong")[1].split("## In Python")[0]
    named = set(re.findall(r"`([A-Z]\w+Error)`", table))
    public = {name for name in client.__all__ if name.endswith("Error")}
    assert public - named <= {"ResolveError"}
    assert all(issubclass(getattr(errors, name), errors.ClientError) for name in named)


def test_every_public_name_is_there_and_explained() -> None:
    for name in client.__all__:
        found = getattr(client, name)
        assert found.__doc__, name
        assert not found.__doc__.startswith(f"{name}("), name  # what a dataclass writes where nobody did
    with pytest.raises(AttributeError, match="no attribute 'Galery'"):
        client.Galery  # noqa: B018 - the attribute is what is asked for
