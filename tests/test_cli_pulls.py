"""`--head pull/N`: the head of a pull request, fetched as objects and never checked out."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from conftest import MINIMAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
