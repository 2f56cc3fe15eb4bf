"""`sync` of types and runtimes by name: those there are, those there are not, and all of them."""

# ruff: noqa: F811 - fixtures are imported, and parameters have their names

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from galleryctl.cli import syncing
from galleryctl.client import Gallery
from publishing import serve
from test_cli_syncing import World, found, world  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Result

    Run = Callable[..., Result]


def test_a_type_that_there_is_not_is_told(run: Run, world: World) -> None:
    with serve(world.published.site) as served:
        done = run(*world.words(served.url, "--type", "lmm"))
        json_ = run(*world.words(served.url, "--type", "lmm", "--type", "llm", "--format", "json"))
        none = run(*world.words(served.url, "--type", "quantum"))
    assert done.exit_code == json_.exit_code == none.exit_code == 3
    said = "the gallery has no models of the type lmm; its types: audio, embedding, image, llm, rerank, video, vision"
    assert done.stderr == f"galleryctl: {said}; did you mean llm?\n"
    assert "warning" not in done.stdout
    assert "types    none: --type all brings every one" in done.stdout
    told = json.loads(json_.stdout)
    assert (told["types"], told["warnings"]) == (["llm"], [f"{said}; did you mean llm?"])
    assert "did you mean" not in none.stderr


def test_a_type_that_is_not_at_hand_is_told_where_the_gallery_is_away(run: Run, world: World) -> None:
    with serve(world.published.site) as served:
        words = world.words(served.url, "--type", "llm")
        assert run(*words).exit_code == 0
    assert run(*words).exit_code == 0
    done = run(*words, "--type", "image")
    assert done.exit_code == 3
    assert "no models of the type image are at hand; there are those of llm" in done.stderr
    assert "stale: " in done.stdout
    runtime = run(*words, "--runtime", "xinference", "--home", world.folder / "home")
    assert runtime.exit_code == 3
    assert "no files for xinference are at hand" in runtime.stderr
    assert not (world.folder / "home").exists()


def test_all_types_from_now_on(run: Run, world: World) -> None:
    with serve(world.published.site) as served:
        assert found(run(*world.words(served.url, "--type", "llm", "--format", "json")))["types"] == ["llm"]
        told = found(run(*world.words(served.url, "--type", "all", "--format", "json")))
        assert told["types"] == ["audio", "embedding", "image", "llm", "rerank", "video", "vision"]
        assert told["warnings"] == []
        away = run(*world.words(served.url, "--type", "all"))
    assert away.exit_code == 0
    assert run(*world.words(served.url, "--type", "all")).exit_code == 0


def test_types_fold_where_a_terminal_is_narrow(world: World) -> None:
    synced = Gallery(world.published.site, root=world.published.root, cache=world.folder / "cache").sync()
    lines = syncing._types(replace(synced, types=(*synced.types, "speech")))  # noqa: SLF001 - its own test
    assert lines == ["  types    audio, embedding, image, llm, rerank, video,", "           vision, speech"]


def test_a_runtime_that_the_gallery_does_not_serve_is_told(run: Run, world: World) -> None:
    world.change({"gallery.yaml": "title: Test gallery\nurl: https://gallery.example\nruntimes: [litellm]\n"})
    with serve(world.published.site) as served:
        done = run(*world.words(served.url, "--runtime", "localai", "--home", world.folder / "home"))
    assert done.exit_code == 3
    assert "no files for localai, which `runtimes` of its gallery.yaml do not name; it does for: litellm" in done.stderr


def test_a_mirror_of_all_types_is_a_whole_one(run: Run, world: World) -> None:
    words = ("-g", world.published.site, "--root", world.published.root, "--type", "all", "--format", "json")
    done = run("mirror", world.folder / "copy", *words)
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["models"] == 1
    assert list((world.folder / "copy/v1/types/llm").iterdir())
