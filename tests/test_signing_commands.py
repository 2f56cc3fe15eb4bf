"""What newcomers do with `keys init` and `sign`: nothing private gets out, and nothing published is forgotten."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from conftest import git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result

    Run = Callable[..., Result]


def test_a_set_of_keys_comes_near_no_repository_and_no_host(
    registry: Callable[..., Path], run: Run, tmp_path: Path
) -> None:
    folder, site = registry(), tmp_path / "site"
    assert run("keys", "init", "--out", folder / "keys").exit_code == 0
    assert (folder / "keys/.gitignore").read_text() == "*\n"
    git(folder.parent, "add", "-A")
    assert git(folder.parent, "status", "--porcelain") == ""
    assert run("build", "-r", folder, "--out", site).exit_code == 0
    assert run("sign", site, "--keys", folder / "keys", "-r", folder).exit_code == 0
    assert not [path for path in site.rglob("*") if path.name == ".gitignore" or path.suffix == ".pem"]


@pytest.mark.parametrize(
    ("url", "words", "warned"),
    [
        ("https://models.example.org", (), True),
        ("https://models.example.org", ("--earlier", "none"), False),
        ("http://127.0.0.1:8000", (), False),
        ("http://localhost:8000", (), False),
    ],
)
def test_who_signs_without_what_is_published_is_warned(
    registry: Callable[..., Path], run: Run, tmp_path: Path, url: str, words: tuple[str, ...], warned: bool
) -> None:
    folder, keys, site = registry(), tmp_path / "keys", tmp_path / "site"
    lines = [line for line in (folder / "gallery.yaml").read_text().splitlines() if not line.startswith("url:")]
    (folder / "gallery.yaml").write_text("\n".join([*lines, f"url: {url}\n"]))
    assert run("keys", "init", "--out", keys).exit_code == 0
    shutil.copytree(keys / "trust", folder / "trust")
    assert run("build", "-r", folder, "--out", site).exit_code == 0
    sign = ("sign", site, "--online", f"file2:{keys / 'online.pem'}", "-r", folder, *words)
    first, again = run(*sign), run(*sign)
    assert (first.exit_code, again.exit_code) == (0, 0), first.stderr
    said = "warning: the gallery may be published already, at https://models.example.org: `--earlier site` goes on"
    assert (said in first.stderr) is warned
    assert "may be published" not in again.stderr
