"""Hubs on this machine: the calls that their clients make, answered in the shapes that they send."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from servers import Answer, ranged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servers import Asked

COMMIT = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
STORED = (".safetensors", ".gguf", ".bin")  # kept in the store of large files


@dataclass
class Repository:
    """One repository at one commit."""

    files: Mapping[str, bytes]
    card: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)
    """Laid over the answer."""
    commit: str = COMMIT
    error: tuple[int, str] | None = None
    """Status and `X-Error-Code` of every answer."""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class HuggingFace:
    """Answers as huggingface.co does: `serving(HuggingFace({…}))`."""

    repositories: Mapping[str, Repository]
    collections: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Answer:
        parts = urlsplit(asked.path)
        path = unquote(parts.path)
        if path == "/api/models":
            author = parse_qs(parts.query).get("author", [""])[0]
            return _json([{"id": name} for name in self.repositories if name.startswith(f"{author}/")])
        if path.startswith("/api/collections/"):
            found = self.collections.get(path.removeprefix("/api/collections/"))
            return _json(found) if found else Answer(404)
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            return self._info(found[1], found[2])
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._file(asked, found[1], found[2], found[3])
        return Answer(404)

    def _found(self, name: str, revision: str | None) -> Repository | Answer:
        repository = self.repositories.get(name)
        if repository is None:
            return Answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        if repository.error:
            return Answer(repository.error[0], b"{}", {"X-Error-Code": repository.error[1]})
        if revision not in {None, "main", repository.commit}:
            return Answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        return repository

    def _info(self, name: str, revision: str | None) -> Answer:
        found = self._found(name, revision)
        if isinstance(found, Answer):
            return found
        card = dict(found.card)
        answer = {
            "id": name,
            "sha": found.commit,
            "lastModified": "2025-05-02T03:04:05.000Z",
            "createdAt": "2025-05-01T00:00:00.000Z",
            "private": False,
            "gated": False,
            "downloads": 12,
            "likes": 3,
            "tags": [
                *card.get("tags", []),
                *([f"license:{card['license']}"] if "license" in card else []),
                "region:us",
            ],
            "pipeline_tag": card.get("pipeline_tag"),
            "library_name": card.get("library_name"),
            "cardData": card,
            "siblings": [_sibling(path, data) for path, data in found.files.items()],
        }
        return _json({**answer, **found.info})

    def _file(self, asked: Asked, name: str, revision: str, path: str) -> Answer:
        found = self._found(name, revision)
        if isinstance(found, Answer):
            return found
        if path not in found.files:
            return Answer(404, b"", {"X-Error-Code": "EntryNotFound"})
        data = found.files[path]
        return ranged(asked, data, {"ETag": f'"{sha256(data)}"', "X-Repo-Commit": found.commit})


def _sibling(path: str, data: bytes) -> dict[str, Any]:
    said = {"rfilename": path, "size": len(data), "blobId": hashlib.sha1(data).hexdigest()}  # noqa: S324 - as git does
    if not path.endswith(STORED):
        return said
    return {**said, "lfs": {"sha256": sha256(data), "size": len(data), "pointerSize": 134}}


def _json(value: object) -> Answer:
    return Answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


@dataclass
class ModelScope:
    """Answers as www.modelscope.cn does."""

    repositories: Mapping[str, Repository]
    latest: Mapping[str, Any] = field(default_factory=lambda: {"Id": COMMIT, "ShortId": COMMIT[:8]})
    """The commit as a listing names it."""

    def __call__(self, asked: Asked) -> Answer:
        parts = urlsplit(asked.path)
        path, query = unquote(parts.path), parse_qs(parts.query)
        revision = query.get("Revision", ["master"])[0]
        if found := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)(/repo/files)?", path):
            repository = self.repositories.get(found[1])
            if repository is None or revision not in {"master", repository.commit}:
                return _json({"Code": 10010205001, "Message": "not found", "Success": False, "Data": None})
            return _json(_said(self._listing(repository) if found[2] else _about(found[1], repository)))
        if found := re.fullmatch(r"/models/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            repository = self.repositories.get(found[1])
            data = repository.files.get(found[3]) if repository else None
            return Answer(404) if data is None else ranged(asked, data)
        return Answer(404)

    def _listing(self, repository: Repository) -> dict[str, Any]:
        entries = [
            {
                "CommitMessage": "change",
                "CommittedDate": 1_726_842_501 + index,
                "IsLFS": path.endswith(STORED),
                "Name": path.rpartition("/")[2],
                "Path": path,
                "Revision": repository.commit,
                "Sha256": sha256(data),
                "Size": len(data),
                "Type": "blob",
            }
            for index, (path, data) in enumerate(repository.files.items())
        ]
        folder = {"Name": "folder", "Path": "folder", "Size": 0, "Sha256": "", "Type": "tree"}
        return {"Files": [*entries, folder], "LatestCommitter": dict(self.latest)}


def _about(name: str, repository: Repository) -> dict[str, Any]:
    owner, _, last = name.partition("/")
    card = repository.card
    answer = {
        "Path": owner,
        "Name": last,
        "License": card.get("license"),
        "Language": card.get("language"),
        "Libraries": [card["library_name"]] if "library_name" in card else None,
        "Tasks": [{"Name": card["pipeline_tag"]}] if "pipeline_tag" in card else [],
        "Tags": card.get("tags"),
        "BaseModel": card.get("base_model", []),
        "CreatedTime": 1_746_057_600,
        "LastUpdatedTime": 1_746_155_045,
        "Revision": "master",
    }
    return {**answer, **repository.info}


def _said(data: object) -> dict[str, Any]:
    return {"Code": 200, "Message": "success", "Success": True, "Data": data}
