"""`edit` and `release` say what users, runtimes and services will see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conftest import MINIMAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result

    Make = Callable[..., Path]
    Run = Callable[..., Result]

SETTINGS = f"{MINIMAL['gallery.yaml']}runtimes: [vllm, xinference]\n"
PINS = {"gallery.yaml": SETTINGS, "consumers/chat.yaml": "title: Chat\nowners: []\npins: [{model: acme/tiny}]\n"}


def test_a_release_moves_those_who_follow_the_newest(registry: Make, run: Run) -> None:
    made = registry(PINS)
    done = run("release", "acme/tiny", "--offline", "--notes", "More.", cwd=made.parent)
    assert done.exit_code == 0, done.stderr
    assert "The newest release: 1.0.0 → 1.0.1." in done.stderr
    assert "Service chat: acme/tiny (newest) 1.0.0 → 1.0.1." in done.stderr
    assert "xinference: acme/tiny " in done.stderr


def test_notes_are_felt_by_nobody(registry: Make, run: Run) -> None:
    made = registry(PINS)
    done = run("edit", "acme/tiny@1.0.0", "notes=Other.", cwd=made.parent)
    assert done.exit_code == 0, done.stderr
    assert "No export for a runtime differs." in done.stderr
    assert "No service that pins it notices." in done.stderr


def test_lists_are_told_by_what_comes_and_goes(registry: Make, run: Run) -> None:
    made = registry()
    done = run("edit", "acme/tiny", 'aliases=["acme/b","acme/c","acme/d","acme/e"]', cwd=made.parent)
    assert done.exit_code == 0, done.stderr
    done = run("edit", "acme/tiny", "aliases+=acme/f", "aliases-=acme/b", cwd=made.parent)
    assert done.stdout.endswith("  aliases: +acme/f, -acme/b\n"), done.stdout


def test_without_git_the_edit_alone_is_said(registry: Make, run: Run, tmp_path: Path) -> None:
    made = registry().rename(tmp_path / "elsewhere")
    done = run("edit", "acme/tiny", "featured=true", "--registry", made, cwd=tmp_path)
    assert (done.exit_code, done.stdout.splitlines()[1:], done.stderr) == (0, ["  featured: nothing → true"], "")
