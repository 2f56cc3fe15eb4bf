"""`check --online` with a base: only the sources of what a pull request changes are asked, by the scanners of base."""

from __future__ import annotations

from typing import TYPE_CHECKING

from test_online import TINY, check, hub, release

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result
    from sources import MemoryHub

__all__ = ["hub"]  # a fixture of this module too


def test_what_is_not_changed_is_not_asked_about(
    run: Callable[..., Result], registry: Callable[..., Path], commit: Callable[..., str], hub: MemoryHub
) -> None:
    folder = registry(release())
    base = commit(folder, {}, message="base")
    other = {path.replace("/tiny/", "/other/"): text for path, text in release().items()}
    other[f"{TINY.replace('/tiny', '/other')}/README.md"] = (folder / TINY / "README.md").read_text()
    head = commit(folder, other, message="another model")
    hub.asked.clear()
    check(run, folder, "--base", base, "--head", head)
    assert hub.asked, "the new model's sources were asked"
    hub.asked.clear()
    check(run, folder, "--base", base, "--head", base)
    assert hub.asked == []


def test_scanners_of_a_pull_request_do_not_run(
    run: Callable[..., Result],
    registry: Callable[..., Path],
    commit: Callable[..., str],
    hub: MemoryHub,
    tmp_path: Path,
) -> None:
    folder = registry(release())
    base = commit(folder, {}, message="base")
    canary = tmp_path / "canary"
    policy = f"version: 1\nscanners:\n  - {{for: files, command: [touch, {canary}]}}\n"
    model = (folder / TINY / "model.yaml").read_text().replace("title: Tiny", "title: Changed")
    head = commit(folder, {"policy.yaml": policy, f"{TINY}/model.yaml": model}, message="a scanner of mine")
    found = check(run, folder, "--base", base, "--head", head)
    assert "GOV001" in found
    assert hub.asked
    assert not canary.exists()
