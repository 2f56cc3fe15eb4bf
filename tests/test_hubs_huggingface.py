"""Hugging Face as its own library sees it, over guarded connections to a server on this machine."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from galleryctl import hubs
from galleryctl.errors import UsageError
from galleryctl.fetch import DeniedError, FetchError, Http, MissingError, RefusedError
from galleryctl.hubs import RemoteFile
from galleryctl.hubs.huggingface import HuggingFace
from servers import Answer, serving
from serving_hubs import COMMIT, Repository, sha256
from serving_hubs import HuggingFace as Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers import Asked, Served

WEIGHTS = b"weights" * 1000
TINY = Repository(
    {"README.md": b"# Tiny", "model.safetensors": WEIGHTS, "../../evil": b"x", "a\\b": b"x", "z\u202e.bin": b"x"},
    {
        "license": "apache-2.0",
        "language": ["en", "zh"],
        "tags": ["chat"],
        "pipeline_tag": "text-generation",
        "library_name": "transformers",
        "base_model": ["acme/base", "no repository at all"],
    },
    {
        "gated": "manual",
        "safetensors": {"parameters": {"BF16": 1000}, "total": 1000},
        "securityRepoStatus": {
            "scansDone": True,
            "filesWithIssues": [{"path": "bad.bin", "level": "unsafe"}, {"path": "fine.bin", "level": "safe"}, 7],
        },
    },
)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Served]]:
    """`served(application)`: a server that `HF_ENDPOINT` names."""
    running = []

    def start(application: Callable[[Asked], Answer]) -> Served:
        context = serving(application)
        found = context.__enter__()
        running.append(context)
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        return found

    yield start
    for context in running:
        context.__exit__(None, None, None)


def hub() -> HuggingFace:
    found = hubs.of("huggingface", Http(allow_private=True, sleep=lambda _: None))
    assert isinstance(found, HuggingFace)
    return found


def test_snapshot(served: Callable[..., Served]) -> None:
    there = served(Server({"acme/tiny": TINY}))
    found = hub().snapshot("acme/tiny")
    assert (found.kind, found.repo, found.revision) == ("huggingface", "acme/tiny", COMMIT)
    assert found.files == (
        RemoteFile("README.md", 6, None),
        RemoteFile("model.safetensors", len(WEIGHTS), sha256(WEIGHTS)),
    )
    assert (found.license, found.languages, found.tags) == ("apache-2.0", ("en", "zh"), ("chat",))
    assert (found.task, found.library, found.base_models) == ("text-generation", "transformers", ("acme/base",))
    assert (found.gated, found.unsafe, found.raw["parameters"]) == (True, ("bad.bin",), 1000)
    assert found.created == dt.datetime(2025, 5, 1, tzinfo=dt.UTC)
    assert found.modified == dt.datetime(2025, 5, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert [each.path for each in there.asked] == ["/api/models/acme/tiny?securityStatus=true&blobs=true"]


def test_revisions(served: Callable[..., Served]) -> None:
    served(Server({"acme/tiny": TINY}))
    assert hub().snapshot("acme/tiny", "main").revision == COMMIT
    assert hub().snapshot("acme/tiny", COMMIT).revision == COMMIT
    with pytest.raises(MissingError, match="has no revision dev"):
        hub().snapshot("acme/tiny", "dev")


def test_files(served: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    there = served(Server({"acme/tiny": TINY}))
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    source = hub()
    found = source.snapshot("acme/tiny")
    assert source.address(found, "a b.md") == f"{there.url}/acme/tiny/resolve/{COMMIT}/a%20b.md"
    assert source.read(found, "README.md") == b"# Tiny"
    assert source.part(found, "model.safetensors", 7, 14) == b"weights"
    with pytest.raises(FetchError, match="larger than 10 bytes"):
        source.read(found, "model.safetensors", limit=10)
    with pytest.raises(MissingError):
        source.read(found, "absent")
    assert {each.headers["authorization"] for each in there.asked} == {"Bearer hf_secret"}


def test_owners_and_collections(served: Callable[..., Served]) -> None:
    items = [{"_id": "1", "id": "acme/tiny", "type": "model", "position": 0}]
    items += [{"_id": "2", "id": "acme/data", "type": "dataset", "position": 1}]
    collection = {
        "slug": "acme/best-1",
        "title": "Best",
        "owner": {"name": "acme"},
        "items": items,
        "lastUpdated": "2025-05-02T03:04:05.000Z",
        "position": 0,
        "private": False,
        "theme": "blue",
        "upvotes": 0,
    }
    served(Server({"acme/tiny": TINY, "acme/big": TINY, "other/x": TINY}, {"acme/best-1": collection}))
    assert list(hub().repositories("acme")) == ["acme/tiny", "acme/big"]
    assert list(hub().collection("acme/best-1")) == ["acme/tiny"]
    with pytest.raises(MissingError, match="knows no models"):
        list(hub().repositories("nobody"))
    with pytest.raises(MissingError):
        list(hub().collection("acme/none"))


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ((403, "GatedRepo"), DeniedError, "accept it at https://huggingface.co/acme/tiny and set HF_TOKEN"),
        ((404, "RepoNotFound"), MissingError, "knows no such repository"),
        ((403, "DisabledRepo"), DeniedError, "Hugging Face"),
        ((401, "RepoNotFound"), MissingError, "private"),
        ((401, ""), DeniedError, "401"),
        ((403, ""), DeniedError, "403"),
        ((418, ""), FetchError, "418"),
        ((503, ""), FetchError, "503"),
    ],
)
def test_errors(served: Callable[..., Served], error: tuple[int, str], kind: type[FetchError], message: str) -> None:
    served(Server({"acme/tiny": Repository({}, error=error)}))
    with pytest.raises(kind, match=message):
        hub().snapshot("acme/tiny")


@pytest.mark.parametrize(
    "change",
    [
        *({"sha": None}, {"sha": "main"}, {"sha": 7}, {"sha": "0" * 39}, {"siblings": 7}, {"siblings": [7]}),
        *({"siblings": [{"rfilename": "a", "lfs": 3}]}, {"siblings": [{}]}),
        *({"cardData": [1]}, {"createdAt": "yesterday"}, {"safetensors": 3}, {"id": None, "sha": 7}),
    ],
)
def test_odd_answers(served: Callable[..., Served], change: dict[str, Any]) -> None:
    served(Server({"acme/tiny": Repository({}, info=change)}))
    with pytest.raises(FetchError):
        hub().snapshot("acme/tiny")


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"[" * 100_000, b'"text"', b"null"])
def test_answers_that_are_no_models(served: Callable[..., Served], body: bytes) -> None:
    served(lambda _: Answer(200, body))
    with pytest.raises(FetchError):
        hub().snapshot("acme/tiny")


def test_odd_words(served: Callable[..., Served]) -> None:
    card = {"license": ["mit", 7], "language": {"en": 1}, "tags": ["a\u202eb", "", None, "c"], "base_model": 3}
    served(Server({"acme/tiny": Repository({}, card, {"tags": None, "gated": None, "pipeline_tag": ["x"]})}))
    found = hub().snapshot("acme/tiny")
    assert (found.license, found.languages, found.tags) == ("mit", (), ("ab", "c"))
    assert (found.base_models, found.gated, found.task) == ((), None, None)


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ({"license": "other", "license_name": "acme-1", "license_link": "LICENSE.md"}, "acme-1"),
        ({"license": "other"}, "other"),
        ({"license": "mit", "license_name": "ignored"}, "mit"),
    ],
)
def test_licences(served: Callable[..., Served], card: dict[str, str], expected: str) -> None:
    served(Server({"acme/tiny": Repository({}, card)}))
    found = hub().snapshot("acme/tiny")
    assert found.license == expected
    address = f"https://huggingface.co/acme/tiny/blob/{COMMIT}/LICENSE.md"
    assert found.license_url == (address if "license_link" in card else None)


@pytest.mark.parametrize("name", ["acme", "../../api/x", "acme/tiny/x", "acme/ti ny", "acme/", "/x", "a?b/c"])
def test_names(served: Callable[..., Served], name: str) -> None:
    there = served(Server({}))
    with pytest.raises(MissingError):
        hub().snapshot(name)
    assert there.asked == []


def test_the_library_keeps_to_the_guard(served: Callable[..., Served]) -> None:
    """The hub itself cannot send the library to an inner address, nor to one that is not https."""
    served(lambda _: Answer(302, headers={"Location": "http://a:b@169.254.169.254/latest"}))
    with pytest.raises(FetchError):
        hub().snapshot("acme/tiny")
    with pytest.raises(RefusedError):
        HuggingFace(Http()).snapshot("acme/tiny")


def test_public_connections_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    with pytest.raises(RefusedError, match="stands for"):
        HuggingFace(Http(resolver=lambda *_: ["10.0.0.1"])).snapshot("acme/tiny")


def test_kinds() -> None:
    with pytest.raises(UsageError, match="nothing here reads sources of kind 'ftp'"):
        hubs.of("ftp", Http())
