"""The seal and the fixtures that every other test rests on."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL, git

if TYPE_CHECKING:
    from collections.abc import Callable


def test_no_network_but_loopback() -> None:
    with pytest.raises(RuntimeError, match="only this machine"):
        socket.create_connection(("gallery.example", 443))
    with socket.socket() as outside, pytest.raises(RuntimeError, match="only this machine"):
        outside.connect(("192.0.2.1", 443))
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_no_home_and_no_git_configuration_of_others(tmp_path: Path) -> None:
    assert list(Path.home().iterdir()) == []
    assert git(tmp_path, "config", "--list", "--name-only").split("\n")[0] == "user.name"
    assert [name for name in os.environ if name.startswith(("GITHUB_", "XDG_"))] == []


def test_a_registry_is_a_real_repository(registry: Callable[..., Path], commit: Callable[..., str]) -> None:
    folder = registry({"gallery.yaml": "title: Mine\n", "publishers/acme.yaml": None})
    assert git(folder, "log", "--format=%s %an %at %ct") == "start Ada 1767323045 1767323045"
    tracked = git(folder, "ls-files").split("\n")
    assert set(tracked) == MINIMAL.keys() - {"publishers/acme.yaml"}
    assert (folder / "gallery.yaml").read_text() == "title: Mine\n"
    head = commit(folder, {"README.md": "new\n", "policy.yaml": None}, author="bob")
    assert git(folder, "show", "--format=%H %an", "--name-status", head).split("\n") == [
        f"{head} Bob", "", "A\tregistry/README.md", "D\tregistry/policy.yaml",
    ]  # fmt: skip
