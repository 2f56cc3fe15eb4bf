"""ModelScope by its REST interface; `MODELSCOPE_ENDPOINT`, `MODELSCOPE_DOMAIN`, `MODELSCOPE_API_TOKEN` are honoured.

It states the SHA-256 of every file. Its answers name the commit of a branch in most cases, not in all.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from galleryctl.fetch import FetchError, Limits, MissingError
from galleryctl.hubs import shapes
from galleryctl.hubs.base import RemoteFile, Snapshot

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from galleryctl.fetch import Fetcher

PUBLIC = "https://www.modelscope.cn"
_BRANCH = "master"
_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_SHORT = re.compile(r"[0-9a-f]{7,40}")


def hub(fetcher: Fetcher) -> ModelScope:
    return ModelScope(fetcher)


class ModelScope:
    kind = "modelscope"

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        domain = os.environ.get("MODELSCOPE_DOMAIN")
        endpoint = os.environ.get("MODELSCOPE_ENDPOINT") or (f"https://{domain}" if domain else PUBLIC)
        self._endpoint = endpoint.rstrip("/")

    def snapshot(self, repo: str, revision: str | None = None) -> Snapshot:
        if not _REPO.fullmatch(repo):
            raise MissingError(f"{repo}: is no repository of ModelScope; one is called owner/name")
        asked = quote(revision or _BRANCH, safe="")
        info = self._data(repo, f"?Revision={asked}")
        listing = self._data(repo, f"/repo/files?Revision={asked}&Recursive=true")
        listed = listing.get("Files")
        entries = [shapes.mapping(each) for each in (listed if isinstance(listed, list) else [])]
        files = (_file(entry) for entry in entries if entry.get("Type") != "tree")
        return Snapshot(
            kind=self.kind,
            repo=repo,
            revision=_commit(revision, shapes.mapping(listing.get("LatestCommitter")), entries),
            files=tuple(sorted({file.path: file for file in files if file}.values())),
            license=shapes.text(info.get("License")),
            languages=shapes.texts(info.get("Language")),
            tags=shapes.texts(info.get("Tags")),
            task=_task(info.get("Tasks")),
            library=next(iter(shapes.texts(info.get("Libraries"))), None),
            base_models=tuple(name for name in shapes.texts(info.get("BaseModel")) if _REPO.fullmatch(name)),
            created=_moment(info.get("CreatedTime")),
            modified=_moment(info.get("LastUpdatedTime")),
            raw={"parameters": _parameters(info), "tags": shapes.texts(info.get("Tags"))},
        )

    def read(self, found: Snapshot, path: str, *, limit: int = 2**20) -> bytes:
        limits = Limits(bytes=limit)
        return self._fetcher.get(self.address(found, path), headers=_headers(), limits=limits).body

    def part(self, found: Snapshot, path: str, start: int, stop: int) -> bytes:
        return self._fetcher.part(self.address(found, path), start, stop, headers=_headers())

    def address(self, found: Snapshot, path: str) -> str:
        revision = quote(found.revision or _BRANCH, safe="")
        return f"{self._endpoint}/models/{found.repo}/resolve/{revision}/{quote(path)}"

    def _data(self, repo: str, rest: str) -> Mapping[str, Any]:
        url = f"{self._endpoint}/api/v1/models/{repo}{rest}"
        body = self._fetcher.get(url, headers=_headers()).body
        try:
            answer = shapes.mapping(json.loads(body))
        except (ValueError, RecursionError) as error:
            raise FetchError(f"{repo}: ModelScope answers in a form that is not known") from error
        if answer.get("Success") is False:
            raise MissingError(f"{repo}: ModelScope says: {shapes.text(answer.get('Message')) or 'no'}")
        return shapes.mapping(answer.get("Data"))


def _headers() -> dict[str, str]:
    token = os.environ.get("MODELSCOPE_API_TOKEN")
    return {"cookie": f"m_session_id={token}"} if token else {}


def _commit(revision: str | None, latest: Mapping[str, Any], entries: list[Mapping[str, Any]]) -> str | None:
    """The commit that was read; where its id is not stated, that of the newest change, if the short id agrees."""
    for said in (revision, latest.get("Id")):
        if found := shapes.commit(said):
            return found
    changes = [
        (shapes.whole(entry.get("CommittedDate")) or 0, change)
        for entry in entries
        if (change := shapes.commit(entry.get("Revision")))
    ]
    newest = max(changes, default=(0, ""))[1]
    short = latest.get("ShortId")
    agrees = isinstance(short, str) and _SHORT.fullmatch(short) and newest.startswith(short)
    return newest if agrees else None


def _file(entry: Mapping[str, Any]) -> RemoteFile | None:
    path = shapes.path(entry.get("Path"))
    if path is None:
        return None
    return RemoteFile(path, shapes.whole(entry.get("Size")), shapes.digest(entry.get("Sha256")))


def _task(tasks: object) -> str | None:
    for task in tasks if isinstance(tasks, list) else ():
        if found := shapes.text(shapes.mapping(task).get("Name")):
            return found
    return None


def _moment(seconds: object) -> dt.datetime | None:
    return shapes.moment(seconds) if shapes.whole(seconds) else None


def _parameters(info: Mapping[str, Any]) -> int | None:
    tensors = shapes.mapping(shapes.mapping(info.get("ModelInfos")).get("safetensor"))
    return shapes.whole(tensors.get("model_size"))
