"""Files that something names and nothing ships, and files that two models install at one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import judged
from galleryctl.checks.rule import Context, World
from galleryctl.checks.shipped import shared_install
from galleryctl.gallery import Gallery
from galleryctl.git import TreeEntry
from galleryctl.spec import Policy, Roles, Settings, Taxonomy
from judged import TINY, release
from made import NOW, TYPES, entry

if TYPE_CHECKING:
    from galleryctl.gallery import Entry

A, B = "a" * 64, "b" * 64


def installed(identifier: str, path: str, digest: str | None) -> Entry:
    file = {"path": "mmproj.gguf", "as": path} | ({"sha256": digest} if digest else {})
    return entry(identifier, releases={"1.0.0": {"variants": [{"files": {"default": [file]}}]}})


def world(*entries: Entry) -> World:
    context = Context(Settings(title="T"), Roles(), Policy(), Taxonomy(), TYPES, runtimes={}, publishers={}, now=NOW)
    paths = {f"models/llm/{each.id}/1.0.0.yaml": TreeEntry("100644", 1, "0" * 40) for each in entries}
    return World(Gallery.of(entries), context, {}, {}, {}, paths)


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (("mmproj.gguf", A), ("mmproj.gguf", B), True),
        (("mmproj.gguf", A), ("MMPROJ.gguf", B), True),
        (("mmproj.gguf", A), ("mmproj.gguf", A), False),
        (("mmproj.gguf", A), ("mmproj.gguf", None), False),
        (("a/mmproj.gguf", A), ("b/mmproj.gguf", B), False),
    ],
)
def test_one_place_holds_one_file(one: tuple[str, str | None], other: tuple[str, str | None], clash: bool) -> None:
    found = list(shared_install(world(installed("acme/a", *one), installed("acme/b", *other))))
    assert [finding.path for finding in found] == (["models/llm/acme/b/1.0.0.yaml"] if clash else [])
    assert all(finding.pointer == ("variants", 0, "files", "default", 0, "as") for finding in found)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("mmproj-f16.gguf", False),
        ("x/y/mmproj-f16.gguf", False),
        ("mmproj-f32.gguf", True),
        ("https://acme.example/mmproj.gguf", False),
        ("huggingface://acme/x/mmproj.gguf", False),
    ],
)
def test_a_projector_in_an_overlay_is_shipped(value: str, said: bool) -> None:
    variant = {"key": "a", "files": {"default": [{"path": "t.gguf"}, {"path": "mmproj-f16.gguf"}]}}
    overrides = {"overrides": {"mmproj": value}}
    for overlay in ({"localai": overrides}, {"localai": {"per_variant": {"a": overrides}}}):
        assert (judged.problems(release(variant, runtimes=overlay), "FIL007") != []) is said


@pytest.mark.parametrize(
    ("entrypoint", "said"),
    [("t.gguf", False), ("x.gguf", True), ("buffalo_l", False), ("", False), ("acme/repo", False)],
)
def test_an_entrypoint_is_shipped_where_it_is_a_file(entrypoint: str, said: bool) -> None:
    variant = {"entrypoint": entrypoint, "files": {"default": [{"path": "t.gguf"}]}}
    assert (judged.problems(release(variant), "FIL007") != []) is said


def test_nothing_is_said_of_an_entrypoint_while_no_files_are_known() -> None:
    assert judged.problems(release({"entrypoint": "x.gguf"}), "FIL007") == []


def test_a_template_lies_beside_its_release() -> None:
    files = release({"key": "a"}, spec={"prompt": {"template": {"file": "1.0.0.jinja"}}})
    assert judged.messages(files, "FIL007") == ["the template 1.0.0.jinja is not in the model's folder"]
    assert judged.messages({**files, f"{TINY}/1.0.0.jinja": "x"}, "FIL007") == []


def test_a_runtime_may_require_files_by_name() -> None:
    layout = [{"path": "src/model_service.py", "as": "model_service.py"}]
    (problem,) = judged.problems(
        release({"format": "pytorch", "files": {"default": layout}}, runtimes={"tencent-ti": {}}), "FIL011"
    )
    assert problem.fix == "add config.json to `files`"
    assert judged.problems(release({"files": {"default": layout}}), "FIL011") == []
