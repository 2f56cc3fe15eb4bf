"""Repositories of ModelScope as models of the gallery."""

from __future__ import annotations

import json
from typing import Any

import pytest

from galleryctl.errors import UsageError
from galleryctl.fetch import Http
from galleryctl.importers import Candidate, Options, claim, modelscope, reference
from galleryctl.importers.base import Reference
from galleryctl.spec import Model, Release
from servers import serving
from serving_hubs import COMMIT, ModelScope, Repository, sha256

FILES = {"README.md": b"# Tiny\n[x](LICENSE)\n", "config.json": b'{"model_type": "qwen3"}', "m.safetensors": b"w"}
CARD = {"license": "Apache License 2.0", "language": ["en"], "pipeline_tag": "text-generation"}


def read(text: str) -> Candidate:
    fetcher = Http(allow_private=True, sleep=lambda _: None)
    given = reference(text, fetcher)
    (found,) = claim(given).read(given, fetcher, Options())
    assert isinstance(found, Candidate), found
    Model.model_validate_json(json.dumps(found.model), strict=True)
    Release.model_validate_json(json.dumps(found.releases["1.0.0"]), strict=True)
    return found


@pytest.mark.parametrize(
    "text",
    [
        *("modelscope:Acme/Tiny-1B", f"modelscope:Acme/Tiny-1B@{COMMIT}"),
        *("https://www.modelscope.cn/models/Acme/Tiny-1B", "https://modelscope.cn/models/Acme/Tiny-1B/files"),
    ],
)
def test_repository(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with serving(ModelScope({"Acme/Tiny-1B": Repository(FILES, CARD)})) as served:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", served.url)
        found = read(text)
    page = "https://www.modelscope.cn/models/Acme/Tiny-1B"
    assert (found.type, found.id, found.at) == ("llm", "acme/tiny-1b", "modelscope:Acme/Tiny-1B")
    assert (found.model["license"], found.model["links"]) == ("Apache-2.0", {"weights": page})
    (variant,) = found.releases["1.0.0"]["variants"]
    assert (variant["parameters"], variant["sources"]) == (
        *("1B", {"modelscope": {"repo": "Acme/Tiny-1B", "revision": COMMIT}}),
    )
    assert [file["sha256"] for file in variant["files"]["none"]] == [sha256(b"w"), sha256(FILES["config.json"])]
    assert found.texts["README.md"].decode() == f"# Tiny\n[x]({page}/file/view/{COMMIT}/LICENSE)\n"
    assert not [each.path for each in served.asked if each.path.endswith(".safetensors")]


def test_without_a_commit_every_file_has_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    repositories: dict[str, Any] = {"acme/tiny": Repository(FILES, CARD)}
    with serving(ModelScope(repositories, {})) as served:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", served.url)
        found = read("modelscope:acme/tiny")
    (variant,) = found.releases["1.0.0"]["variants"]
    assert variant["sources"]["modelscope"] == {"repo": "acme/tiny"}
    assert [remark.code for remark in found.remarks] == ["SRC002"]
    assert "/file/view/master/LICENSE" in found.texts["README.md"].decode()
    assert all("sha256" in file for file in variant["files"]["none"])


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        ("modelscope:Qwen/Qwen3-8B", True),
        ("https://modelscope.cn/models/Qwen/Qwen3-8B", True),
        ("https://modelscope.cn/models/Qwen/Qwen3-8B/resolve/master/a.gguf", False),
        ("https://modelscope.cn/datasets/a/b", False),
        ("https://modelscope.cn.evil.example/models/a/b", False),
        ("hf:Qwen/Qwen3-8B", False),
    ],
)
def test_claims(text: str, claimed: bool) -> None:
    assert modelscope.claims(Reference(text, bytes)) is claimed


@pytest.mark.parametrize("text", ["modelscope:", "modelscope:Qwen", "modelscope:../x", "modelscope:a/b/c"])
def test_references_that_name_nothing(text: str) -> None:
    with pytest.raises(UsageError, match="names no repository of ModelScope"):
        read(text)
