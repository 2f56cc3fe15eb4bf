"""ModelScope by its REST interface, from a server on this machine."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from galleryctl import hubs
from galleryctl.fetch import FetchError, Http, MissingError
from galleryctl.hubs import Hub, RemoteFile
from servers import Answer, serving
from serving_hubs import COMMIT, ModelScope, Repository, sha256

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers import Asked

TINY = Repository(
    {"README.md": b"# Tiny", "folder/model.safetensors": b"weights", "../evil": b"x"},
    {"license": "Apache License 2.0", "language": ["en"], "tags": ["chat"], "pipeline_tag": "text-generation"},
    {"Libraries": ["transformers", "pytorch"], "ModelInfos": {"safetensor": {"model_size": 8_000_000_000}}},
)


def hub(monkeypatch: pytest.MonkeyPatch, url: str) -> Hub:
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", url)
    return hubs.of("modelscope", Http(allow_private=True, sleep=lambda _: None))


def test_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(ModelScope({"acme/tiny": TINY})) as served:
        source = hub(monkeypatch, served.url)
        found = source.snapshot("acme/tiny")
        assert source.read(found, "README.md") == b"# Tiny"
        assert source.part(found, "folder/model.safetensors", 0, 3) == b"wei"
    assert (found.kind, found.repo, found.revision) == ("modelscope", "acme/tiny", COMMIT)
    assert found.files == (
        RemoteFile("README.md", 6, sha256(b"# Tiny")),
        RemoteFile("folder/model.safetensors", 7, sha256(b"weights")),
    )
    assert (found.license, found.languages, found.tags) == ("Apache License 2.0", ("en",), ("chat",))
    assert (found.task, found.library) == ("text-generation", "transformers")
    assert found.raw["parameters"] == 8_000_000_000
    assert found.modified == dt.datetime(2025, 5, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert served.asked[-2].path == f"/models/acme/tiny/resolve/{COMMIT}/README.md"


@pytest.mark.parametrize(
    ("latest", "expected"),
    [
        ({"Id": "f" * 40}, "f" * 40),
        ({"Id": "", "ShortId": COMMIT[:8]}, COMMIT),
        ({"Id": "", "ShortId": "ffffffff"}, None),
        ({"Id": ""}, None),
        ({"Id": 7, "ShortId": 7}, None),
    ],
)
def test_commits(monkeypatch: pytest.MonkeyPatch, latest: dict[str, Any], expected: str | None) -> None:
    with serving(ModelScope({"acme/tiny": TINY}, latest)) as served:
        assert hub(monkeypatch, served.url).snapshot("acme/tiny").revision == expected
        assert hub(monkeypatch, served.url).snapshot("acme/tiny", COMMIT).revision == COMMIT


def test_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(ModelScope({"acme/tiny": TINY})) as served:
        source = hub(monkeypatch, served.url)
        with pytest.raises(MissingError, match="not found"):
            source.snapshot("acme/none")
        with pytest.raises(MissingError):
            source.snapshot("acme/tiny", "v9")
        with pytest.raises(MissingError, match="owner/name"):
            source.snapshot("../x")


@pytest.mark.parametrize("data", [b"null", b"[1]", b'{"Files": 3}', b'{"Files": [3, {"Path": 7}], "Tasks": [7]}'])
def test_odd_answers(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    answer: Callable[[Asked], Answer] = lambda _: Answer(200, b'{"Success": true, "Data": %s}' % data)  # noqa: E731
    with serving(answer) as served:
        found = hub(monkeypatch, served.url).snapshot("acme/tiny")
    assert (found.files, found.task, found.revision) == ((), None, None)


def test_no_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: Answer(200, b"<html>")) as served, pytest.raises(FetchError, match="not known"):
        hub(monkeypatch, served.url).snapshot("acme/tiny")


def test_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELSCOPE_ENDPOINT", raising=False)
    source = hubs.of("modelscope", Http())
    found = hubs.Snapshot("modelscope", "acme/tiny")
    assert source.address(found, "a") == "https://www.modelscope.cn/models/acme/tiny/resolve/master/a"
    monkeypatch.setenv("MODELSCOPE_DOMAIN", "www.modelscope.ai")
    assert hubs.of("modelscope", Http()).address(found, "a").startswith("https://www.modelscope.ai/models/")
