"""`--head pull/N`: the head of a pull request, fetched as objects and never checked out."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from conftest import MINIMAL
from forges.accounts import ADA
from galleryctl.cli import forging, options

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from conftest import Result
    from forges.server import Server


def test_a_pull_request_is_named_by_its_number(
    forge_server: Server, run: Callable[..., Result], tmp_path: Path
) -> None:
    forge_server.push("main", {f"registry/{path}": text.encode() for path, text in MINIMAL.items() if text})
    clone = forge_server.clone(tmp_path / "clone")
    bad = str(MINIMAL["models/llm/acme/tiny/model.yaml"]).replace("license: Apache-2.0", "license: apache two")
    head = forge_server.push("change", {"registry/models/llm/acme/tiny/model.yaml": bad.encode()})
    subprocess.run(["git", "-C", forge_server.path, "update-ref", "refs/pull/7/head", head], check=True)
    subprocess.run(["git", "-C", forge_server.path, "update-ref", "-d", "refs/heads/change"], check=True)
    done = run("check", "--base", "origin/main", "--head", "pull/7", cwd=clone)
    assert done.exit_code == 1
    assert "LIC002" in done.stdout
    assert not (clone / ".git/FETCH_HEAD").exists()
    missing = run("check", "--head", "pull/8", cwd=clone)
    assert missing.exit_code == 2
    assert "origin has no pull/8" in missing.stderr


def test_what_asks_strangers_has_no_token_of_the_forge(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in forging.TOKENS:
        monkeypatch.setenv(name, "ghp_secret")
    options.nobody()
    assert forging.token() is None


def test_a_repository_that_wants_a_login_is_given_the_token(
    forge_server: Server, run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"registry/{path}": text.encode() for path, text in MINIMAL.items() if text}
    head = forge_server.push("main", files)
    clone = forge_server.clone(tmp_path / "clone")
    subprocess.run(["git", "-C", forge_server.path, "update-ref", "refs/pull/7/head", head], check=True)
    forge_server.state.remote = forge_server.state.main.private = True
    address = forge_server.forge(ADA).clone_url()
    assert address.startswith("http://")
    subprocess.run(["git", "-C", clone, "remote", "set-url", "origin", address], check=True)
    assert run("check", "--head", "pull/7", cwd=clone).exit_code == 3
    monkeypatch.setenv("GALLERYCTL_TOKEN", ADA.token)
    done = run("check", "--head", "pull/7", cwd=clone)
    assert done.exit_code == 0, done.stderr
    assert ADA.token not in done.stdout + done.stderr
