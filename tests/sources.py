"""A hub in memory, whose repositories have commits; and pickles that are scanned, never loaded."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import posix
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from galleryctl.fetch import FetchError, MissingError
from galleryctl.hubs import RemoteFile, Snapshot
from servers import Answer, ranged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from servers import Asked


def commit(number: int) -> str:
    return hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class MemoryHub:
    """`repos[repo]` lists the commits of a repository, oldest first: files by path, and what else a snapshot says."""

    kind: str = "huggingface"
    repos: dict[str, list[tuple[Mapping[str, bytes], Mapping[str, Any]]]] = field(default_factory=dict)
    commits: bool = True
    site: str = "https://hub.example"
    broken: bool = False
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def add(self, repo: str, files: Mapping[str, bytes], **facts: object) -> str:
        """One more commit of a repository; its id."""
        self.repos.setdefault(repo, []).append((files, facts))
        return commit(len(self.repos[repo]))

    def snapshot(self, repo: str, revision: str | None = None) -> Snapshot:
        self.asked.append((repo, revision))
        if self.broken:
            raise FetchError(f"{self.site} did not answer within 120 s")
        history = self.repos.get(repo, [])
        branch = revision in {None, "main", "master"}
        numbers = [number for number in range(1, len(history) + 1) if branch or commit(number) == revision]
        if not numbers:
            raise MissingError(f"{self.site}/{repo} has no {revision or 'files'}")
        files, facts = history[numbers[-1] - 1]
        found = Snapshot(
            kind=self.kind,
            repo=repo,
            revision=commit(numbers[-1]) if self.commits else None,
            files=tuple(RemoteFile(path, len(data), sha256(data)) for path, data in sorted(files.items())),
        )
        return replace(found, **facts)

    def read(self, found: Snapshot, path: str, *, limit: int = 2**20) -> bytes:
        for number, (files, _) in enumerate(self.repos[found.repo], start=1):
            if found.revision in {None, commit(number)} and path in files:
                if len(files[path]) > limit:
                    raise FetchError(f"{path} is larger than {limit} bytes")
                return files[path]
        raise MissingError(f"{found.repo} has no {path}")

    def part(self, found: Snapshot, path: str, start: int, stop: int) -> bytes:
        return self.read(found, path, limit=2**40)[start:stop]

    def address(self, found: Snapshot, path: str) -> str:
        return f"{self.site}/{found.repo}/resolve/{found.revision or 'master'}/{path}"


def of(*hubs: MemoryHub) -> Callable[[str], MemoryHub]:
    known = {hub.kind: hub for hub in hubs}
    return lambda kind: known[kind]


def huggingface(hub: MemoryHub) -> Callable[[Asked], Answer]:
    """An application that answers for a hub in memory as Hugging Face does: its API, and its files with digests."""

    def answer(asked: Asked) -> Answer:
        path = unquote(asked.path.partition("?")[0]).strip("/")
        if hub.broken:
            return Answer(503, b"{}")
        if path.startswith("api/models/"):
            repo, _, revision = path.removeprefix("api/models/").partition("/revision/")
            return _information(hub, repo, revision or None)
        repo, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        try:
            found = hub.snapshot(repo, revision)
            return ranged(asked, hub.read(found, name, limit=2**40), {"ETag": f'"{_blob(name)}"'})
        except MissingError:
            return Answer(404)

    return answer


def _blob(name: str) -> str:
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


def _information(hub: MemoryHub, repo: str, revision: str | None) -> Answer:
    try:
        found = hub.snapshot(repo, revision)
    except MissingError:
        code = "RevisionNotFound" if repo in hub.repos else "RepoNotFound"
        return Answer(404, b"{}", {"X-Error-Code": code, "Content-Type": "application/json"})
    large = {file.path for file in found.files if file.path.endswith((".safetensors", ".bin", ".gguf", ".pt"))}
    siblings = [
        {"rfilename": file.path, "size": file.size, "blobId": _blob(file.path)}
        | ({"lfs": {"sha256": file.sha256, "size": file.size, "pointerSize": 100}} if file.path in large else {})
        for file in found.files
    ]
    flagged = [{"path": path, "level": "unsafe"} for path in found.unsafe]
    data = {
        "id": repo, "modelId": repo, "sha": found.revision, "siblings": siblings, "private": False, "tags": [],
        "gated": "auto" if found.gated else False, "cardData": {"license": found.license} if found.license else {},
        "securityRepoStatus": {"scansDone": True, "filesWithIssues": flagged}, "downloads": 1, "likes": 1,
        "pipeline_tag": found.task,
    }  # fmt: skip
    return Answer(200, json.dumps(data).encode(), {"Content-Type": "application/json"})


class _Runs:
    """What it does when it is loaded: nothing more than the command `true`."""

    def __reduce__(self) -> tuple[Callable[..., int], tuple[str]]:
        return posix.system, ("true",)


def dangerous() -> bytes:
    return pickle.dumps({"weights": _Runs()})


def harmless() -> bytes:
    return pickle.dumps({"weights": [1.0, 2.0], "name": "tiny"})


def archive(data: bytes, *, weights: int = 1000) -> bytes:
    """A file as `torch.save` writes it."""
    opened = io.BytesIO()
    with zipfile.ZipFile(opened, "w") as file:
        file.writestr("archive/data.pkl", data)
        file.writestr("archive/version", "3\n")
        file.writestr("archive/data/0", bytes(weights))
    return opened.getvalue()
