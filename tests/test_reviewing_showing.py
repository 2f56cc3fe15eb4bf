"""What a reviewer is shown of a pull request: what it brings, and not what was there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conftest import MINIMAL, git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result

TINY = "models/llm/acme/tiny"
MODEL, RELEASE = (f"{MINIMAL[f'{TINY}/{name}']}" for name in ("model.yaml", "1.0.0.yaml"))
UNPINNED = RELEASE.replace(", revision: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", "")


def test_dangers_that_base_has_in_other_files_are_left_out(
    registry: Callable[..., Path], commit: Callable[..., str], run: Callable[..., Result]
) -> None:
    made = registry({f"{TINY}/1.0.0.yaml": UNPINNED})
    git(made.parent, "switch", "-q", "-c", "next")
    commit(made, {f"{TINY}/model.yaml": MODEL.replace("Apache-2.0", "MIT")})
    asked = ("review", "show", "--base", "main", "--head", "next")
    problems = json.loads(run(*asked, "--format", "json", cwd=made.parent).stdout)["problems"]
    assert "SRC002" in {each["code"] for each in problems}
    assert "Security\n  ~ nothing new\n" in run(*asked, cwd=made.parent).stdout
    commit(made, {f"{TINY}/1.1.0.yaml": UNPINNED.replace("First", "Second")})
    assert f"! SRC002 registry/{TINY}/1.1.0.yaml:" in run(*asked, cwd=made.parent).stdout
