"""`import` on a terminal: picking models, and a plan that fits."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from terminals import Terminal
from test_importing import THREE, catalogue, family, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Path]


def keys(terminal: Terminal, *pressed: str) -> None:
    for key in pressed:
        time.sleep(0.2)
        terminal.say(key)


DOWN, SPACE, ENTER, INTERRUPT = "\x1b[B", " ", "\r", "\x03"


def opened(folder: Path, source: Path) -> Terminal:
    terminal = Terminal("import", source, cwd=folder.parent, columns=100)
    end = time.monotonic() + 30
    while "Which models?" not in terminal.text and time.monotonic() < end:
        terminal.until("imports)", seconds=0.3)
    return terminal


def test_models_are_picked_on_a_terminal(registry: Make, tmp_path: Path) -> None:
    folder = registry({f"models/embedding/globex/alpha/{name}": text for name, text in (
        ("model.yaml", "title: Alpha\n"), ("1.0.0.yaml", "spec: {dimensions: 384, max_tokens: 512}\n"))})  # fmt: skip
    terminal = opened(folder, catalogue(tmp_path, *THREE))
    assert "ctrl-a ticks all" in terminal.text
    keys(terminal, DOWN, SPACE, ENTER)
    assert terminal.ended() == 0, terminal.text
    assert "same id: globex/alpha is there" in terminal.text
    assert [path.name for path in folder.glob("models/embedding/initech/*")] == ["gamma"]
    assert not (folder / "models/embedding/globex/beta").exists()


def test_all_are_ticked_with_the_key_that_the_picker_names(registry: Make, tmp_path: Path) -> None:
    folder = registry()
    terminal = opened(folder, catalogue(tmp_path, *THREE))
    keys(terminal, "\x01", ENTER)
    assert terminal.ended() == 0, terminal.text
    assert len(list(folder.glob("models/embedding/*/*"))) == 3


def test_an_interrupted_picker_writes_nothing(registry: Make, tmp_path: Path) -> None:
    folder = registry()
    terminal = opened(folder, catalogue(tmp_path, *THREE))
    keys(terminal, SPACE, INTERRUPT)
    assert terminal.ended() == 130
    assert unchanged(folder)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_plan_fits_the_terminal(registry: Make, tmp_path: Path, columns: int) -> None:
    folder = registry()
    bad = {"version": 2, "model_name": "Delta of a rather long name", "model_specs": "none of the usual ones"}
    source = catalogue(tmp_path, *THREE, family("tiny", "acme/tiny"), bad)
    terminal = Terminal("import", source, "--plan", cwd=folder.parent, columns=columns)
    assert terminal.ended() == 1
    lines = re.sub(r"\x1b\[[0-9;]*m", "", terminal.text).replace("\r", "").splitlines()
    shown = lines[: next(index for index, line in enumerate(lines) if re.match(r"\d+ new|most: ", line))]
    assert max(map(len, shown)) <= columns
    for word in ("globex/alpha", "initech/gamma", "exists", "rejected"):
        assert any(word in line for line in shown), shown
    assert "same id: acme/tiny is there" in re.sub(r"\s+", " ", " ".join(shown))
