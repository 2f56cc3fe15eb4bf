"""Tables and pages at several widths, on a terminal and in a pipe."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL
from galleryctl import loading, terminal
from terminals import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result
    from galleryctl.gallery import Entry

    Make = Callable[..., Path]
    Run = Callable[..., Result]

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
TINY = "models/llm/acme/tiny"
LONG = "models/llm/acme/a-model-with-quite-a-long-name-of-its-own"
MODEL = f"{MINIMAL[f'{TINY}/model.yaml']}"
RELEASE = f"{MINIMAL[f'{TINY}/1.0.0.yaml']}"
TWO = {
    f"{LONG}/model.yaml": MODEL.replace("Apache-2.0", "LicenseRef-a-licence-with-a-long-name")
    + "license_url: https://acme.example/licence\nstatus: deprecated\nreason: There is a better one.\n",
    f"{LONG}/1.0.0.yaml": RELEASE.replace("[none]", "[Q4_K_M, Q5_K_M, Q6_K, Q8_0]").replace("none:", "Q4_K_M:"),
}


@pytest.fixture
def folder(registry: Make) -> Path:
    return registry(TWO)


def seen(text: str) -> list[str]:
    """The lines of a terminal, without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r", "").splitlines()


def shown(folder: Path, columns: int, *words: str) -> list[str]:
    screen = Terminal(*words, cwd=folder.parent, columns=columns)
    assert screen.ended() == 0, screen.text
    return seen(screen.text)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (60, ["id", "status"]),
        (80, ["id", "type", "release", "status"]),
        (90, ["id", "type", "release", "status", "added"]),
        (120, ["id", "type", "release", "status", "added", "licence"]),
        (160, ["id", "type", "release", "status", "added", "licence", "summary"]),
    ],
)
def test_a_list_fits_and_never_cuts_an_id(folder: Path, columns: int, names: list[str]) -> None:
    lines = shown(folder, columns, "list", "--all")
    assert lines[0].split() == names
    assert max(map(len, lines)) <= columns
    assert [line.split()[0] for line in lines[1:3]] == [f"acme/{LONG.rpartition('/')[2]}", "acme/tiny"]
    assert "deprecated" in lines[1]
    assert lines[3] == "2 models"


def test_a_list_in_a_pipe_is_whole_and_plain(folder: Path, run: Run) -> None:
    result = run("list", "-r", folder)
    assert result.stderr == "2 models\n"
    head, first, _ = result.stdout.splitlines()
    assert head.split() == ["id", "type", "release", "status", "added", "licence", "summary"]
    assert "LicenseRef-a-licence-with-a-long-name" in first
    assert first.endswith("A small chat model for tests.")
    assert "\x1b" not in result.stdout


def test_an_empty_list_says_so(run: Run, registry: Make) -> None:
    assert run("list", "--type", "image", "-r", registry()) == (0, "", "0 models\n")


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_a_model_fits(folder: Path, columns: int) -> None:
    lines = shown(folder, columns, "show", f"acme/{LONG.rpartition('/')[2]}")
    text = " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= columns
    assert text.startswith("Tiny acme/a-model-with-quite-a-long-name-of-its-own deprecated")
    for word in (
        "Reason: There is a better one.",
        "1.0.0",
        "2025-05-01",
        "Q4_K_M, Q5_K_M, Q6_K, Q8_0",
        "huggingface:acme/tiny",
    ):
        assert word in text
    assert "2 GB in 1 file" in text
    assert "context length 4,096" in text


def test_a_model_in_a_pipe_has_no_blanks_at_the_ends_of_lines(folder: Path, run: Run) -> None:
    text = run("show", "acme/tiny", "-r", folder).stdout
    assert [line for line in text.splitlines() if line != line.rstrip()] == []
    assert "https://huggingface.co/acme/tiny" in text


@pytest.mark.parametrize("columns", [60, 120])
def test_a_rule_fits(folder: Path, columns: int, run: Run) -> None:
    lines = shown(folder, columns, "explain", "TAX001")
    assert max(map(len, lines)) <= columns
    assert lines[0] == "TAX001  error  check --fix mends it"
    assert "    tags: [embedding]" in [line.rstrip() for line in lines]
    assert not any("```" in line for line in lines)
    assert "```yaml" in run("explain", "TAX001").stdout


@pytest.mark.parametrize("columns", [60, 120])
def test_the_table_of_rules_fits(folder: Path, columns: int) -> None:
    lines = shown(folder, columns, "explain")
    assert max(map(len, lines[:-1])) <= columns
    assert any(line.startswith("TAX001  error") for line in lines)
    assert "error! is fixed" in lines[-1]


def entries(folder: Path) -> tuple[Entry, ...]:
    return loading.load(folder.parent, folder.name, now=NOW).gallery.newest


def test_order(folder: Path) -> None:
    found = entries(folder)
    small, tiny = sorted(found, key=lambda entry: entry.id)
    assert terminal.ordered(found, "added") == list(found)
    assert terminal.ordered([tiny, small], "id") == [small, tiny]
    assert small.outline.builds
    assert terminal.ordered([tiny, small], "size")[0] == min(
        (tiny, small), key=lambda entry: min(weights for _, weights, _ in entry.outline.builds)
    )


def test_json_of_a_list_says_what_is_public(folder: Path, run: Run) -> None:
    listed = json.loads(run("list", "-r", folder, "--format", "json", "--all").stdout)
    assert {"id", "type", "title", "license", "status", "listed", "latest", "added"} <= listed[0].keys()
    assert not {"builds", "digests", "installs"} & listed[0].keys()


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (999_600, "1 MB"), (5_027_783_488, "5.03 GB"), (2 * 10**15, "2 PB")],
)
def test_sizes(count: int, text: str) -> None:
    assert terminal.size(count) == text
