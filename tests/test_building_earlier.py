"""Where a build starts from: the gallery that was published last, and the base of a preview."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from servers import files, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result

TINY = "models/llm/acme/tiny/model.yaml"


def serial(out: Path) -> int:
    found: int = json.loads((out / "v1/catalog.json").read_bytes())["serial"]
    return found


def published(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.json")}


def changed(registry: Path, commit: Callable[..., str], title: str) -> None:
    text = re.sub("title: .*", f"title: {title}", (registry / TINY).read_text())
    commit(registry, {TINY: text}, message=title)


def test_the_serial_goes_on_from_what_was_published(
    registry: Callable[..., Path], commit: Callable[..., str], run: Callable[..., Result], tmp_path: Path
) -> None:
    root, first, second, third = registry(), *(tmp_path / name for name in ("first", "second", "third"))
    assert run("build", "-r", root, "-o", first).exit_code == 0
    changed(root, commit, "Second")
    assert run("build", "-r", root, "-o", second, "--earlier", first).exit_code == 0
    assert serial(second) == 2
    changed(root, commit, "Third")
    with serving(files(published(second))) as server:
        done = run("build", "-r", root, "-o", third, "--earlier", server.url, "--allow-private")
    assert done.exit_code == 0, done.stderr
    assert serial(third) == 3


def test_what_did_not_change_keeps_its_head(
    registry: Callable[..., Path], run: Callable[..., Result], tmp_path: Path
) -> None:
    root, first, second = registry(), tmp_path / "first", tmp_path / "second"
    run("build", "-r", root, "-o", first)
    run("build", "-r", root, "-o", second, "--earlier", first)
    assert (second / "v1/catalog.json").read_bytes() == (first / "v1/catalog.json").read_bytes()


def test_a_gallery_that_never_was_is_the_beginning(
    registry: Callable[..., Path], run: Callable[..., Result], tmp_path: Path
) -> None:
    with serving(files({"index.html": b"soon"})) as server:
        done = run("build", "-r", registry(), "-o", tmp_path / "site", "--earlier", server.url, "--allow-private")
    assert done.exit_code == 0, done.stderr
    assert serial(tmp_path / "site") == 1


def test_a_host_that_is_away_stops_the_build(
    registry: Callable[..., Path], run: Callable[..., Result], tmp_path: Path
) -> None:
    with serving(files({})) as server:
        gone = server.url
    done = run("build", "-r", registry(), "-o", tmp_path / "site", "--earlier", gone, "--allow-private")
    assert done.exit_code == 3
    assert gone in done.stderr
    assert not (tmp_path / "site").exists()


def test_what_is_no_head_stops_the_build(
    registry: Callable[..., Path], run: Callable[..., Result], tmp_path: Path
) -> None:
    with serving(files({"v1/catalog.json": b'{"serial": "one"}'})) as server:
        done = run("build", "-r", registry(), "-o", tmp_path / "site", "--earlier", server.url, "--allow-private")
    assert done.exit_code == 3
    assert "no head of a gallery" in done.stderr
    none = run("build", "-r", tmp_path / "repository/registry", "-o", tmp_path / "site", "--earlier", tmp_path / "none")
    assert none.exit_code == 3
    assert "is no folder" in none.stderr


def test_a_preview_takes_templates_and_settings_from_base(
    registry: Callable[..., Path], commit: Callable[..., str], run: Callable[..., Result], tmp_path: Path
) -> None:
    root = registry()
    base = commit(root, {}, message="base")
    hostile = root.parent / "site_templates" / "templates"
    hostile.mkdir(parents=True)
    (hostile / "404.html").write_text("owned")
    settings = (root / "gallery.yaml").read_text().replace("Test gallery", "Owned gallery")
    text = (root / TINY).read_text().replace("title: Tiny", "title: Changed")
    head = commit(root, {"gallery.yaml": settings, TINY: text}, message="head")
    done = run("build", "-r", root, "-o", tmp_path / "preview", "--base", base, "--head", head)
    assert done.exit_code == 0, done.stderr
    home = (tmp_path / "preview/index.html").read_text()
    assert "Changed" in home
    assert "Owned gallery" not in home
    assert "owned" not in (tmp_path / "preview/404.html").read_text()
