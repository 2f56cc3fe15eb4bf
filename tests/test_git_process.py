"""What git is asked, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conftest import git, write
from galleryctl.errors import GitError
from galleryctl.git import process, resolve, steady

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import Popen


def test_in_steady_work_a_place_and_a_full_id_are_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    write(tmp_path, {"a": "1"})
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    first = resolve(tmp_path, "main")
    asked: list[str] = []
    start = process.start

    def counted(folder: Path, *words: str, fed: bool = False) -> Popen[bytes]:
        asked.append(words[0])
        return start(folder, *words, fed=fed)

    monkeypatch.setattr(process, "start", counted)
    with steady():
        assert resolve(tmp_path, first) == resolve(tmp_path, first) == first
        assert len(asked) == 2
        # A branch may go on meanwhile.
        assert resolve(tmp_path, "main") == first
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", "two")
        assert resolve(tmp_path, "main") != first
        with pytest.raises(GitError):
            resolve(tmp_path, "0" * 40)
    asked.clear()
    resolve(tmp_path, first)
    assert len(asked) == 2
