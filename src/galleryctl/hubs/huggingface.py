"""Hugging Face through huggingface_hub: `HF_ENDPOINT` and `HF_TOKEN` are honoured, its connections are ours.

Sizes and SHA-256 digests come from the hub's own records. A small file outside its large-file store has no digest
there, only an id of git.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx2

from galleryctl.fetch import DeniedError, FetchError, Http, Limits, MissingError
from galleryctl.hubs import shapes
from galleryctl.hubs.base import RemoteFile, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from galleryctl.fetch import Fetcher

PUBLIC = "https://huggingface.co"
_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_UNSAFE = frozenset({"unsafe", "suspicious"})
_MOST = 5000  # repositories of one owner or collection


def hub(fetcher: Fetcher) -> HuggingFace:
    return HuggingFace(fetcher)


class HuggingFace:
    kind = "huggingface"

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._endpoint = (os.environ.get("HF_ENDPOINT") or PUBLIC).rstrip("/")

    def snapshot(self, repo: str, revision: str | None = None) -> Snapshot:
        if not _REPO.fullmatch(repo):
            raise MissingError(f"{repo}: is no repository of Hugging Face; one is called owner/name")
        with self._asking(repo, revision) as api:
            info = api.model_info(repo, revision=revision, files_metadata=True, securityStatus=True)
        with _shaped(repo):
            return _snapshot(repo, info)

    def read(self, found: Snapshot, path: str, *, limit: int = 2**20) -> bytes:
        return self._fetcher.get(self.address(found, path), headers=self._headers(), limits=Limits(bytes=limit)).body

    def part(self, found: Snapshot, path: str, start: int, stop: int) -> bytes:
        return self._fetcher.part(self.address(found, path), start, stop, headers=self._headers())

    def address(self, found: Snapshot, path: str) -> str:
        revision = quote(found.revision or "main", safe="")
        return f"{self._endpoint}/{found.repo}/resolve/{revision}/{quote(path)}"

    def repositories(self, owner: str) -> Iterator[str]:
        """What a user or organisation has, `owner/name` each."""
        if not _OWNER.fullmatch(owner):
            raise MissingError(f"{owner}: is no user or organisation of Hugging Face")
        with self._asking(owner) as api:
            named = [shapes.text(info.id) for info in islice(api.list_models(author=owner), _MOST)]
        if not named:
            raise MissingError(f"{owner}: Hugging Face knows no models of such a user or organisation")
        yield from (name for name in named if name and _REPO.fullmatch(name))

    def collection(self, slug: str) -> Iterator[str]:
        """The models of a collection, `owner/name` each, in its order."""
        with self._asking(slug) as api:
            items = api.get_collection(quote(slug)).items
        named = [shapes.text(item.item_id) for item in items[:_MOST] if item.item_type == "model"]
        yield from (name for name in named if name and _REPO.fullmatch(name))

    def _headers(self) -> dict[str, str]:
        token = _library().get_token()
        return {"authorization": f"Bearer {token}"} if token else {}

    @contextmanager
    def _asking(self, what: str, revision: str | None = None) -> Iterator[Any]:
        """The library's client over our connections; its errors become ours."""
        library = _library()
        if not isinstance(self._fetcher, Http):
            raise FetchError(f"{what}: Hugging Face is only read over http")
        self._fetcher.permit(self._endpoint)
        library.set_client_factory(self._fetcher.client)  # of the whole process, so set anew each time
        with _shaped(what), _translated(library, what, revision):
            yield library.HfApi(endpoint=self._endpoint, library_name="galleryctl")


@contextmanager
def _translated(library: ModuleType, what: str, revision: str | None) -> Iterator[None]:
    errors = library.errors
    try:
        yield
    except errors.GatedRepoError as error:
        raise DeniedError(
            f"{what}: asks for an agreement; accept it at {PUBLIC}/{what} and set HF_TOKEN to a token of that account"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise MissingError(f"{what}: has no revision {revision}") from error
    except errors.DisabledRepoError as error:
        raise DeniedError(f"{what}: Hugging Face has switched it off") from error
    except errors.RepositoryNotFoundError as error:
        text = f"{what}: Hugging Face knows no such repository, or it is private; for a private one set HF_TOKEN"
        raise MissingError(text) from error
    except errors.OfflineModeIsEnabled as error:
        raise FetchError(f"{what}: HF_HUB_OFFLINE is set; unset it to ask Hugging Face") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        kind = MissingError if status in {404, 410} else DeniedError if status in {401, 403} else FetchError
        raise kind(f"{what}: Hugging Face answers {status}") from error
    except errors.HFValidationError as error:
        raise MissingError(f"{what}: is no name at Hugging Face: {error}") from error


@contextmanager
def _shaped(what: str) -> Iterator[None]:
    try:
        yield
    except FetchError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, httpx2.HTTPError) as error:
        raise FetchError(f"{what}: Hugging Face answers in a form that is not known: {error!r:.200}") from error


@cache
def _library() -> ModuleType:
    """Imported on use, since it takes long, and told to keep to itself before."""
    for name in ("HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_PROGRESS_BARS"):
        os.environ.setdefault(name, "1")
    import huggingface_hub  # noqa: PLC0415 - reads its settings when it is imported
    import huggingface_hub.errors  # noqa: PLC0415 - belongs to it

    return huggingface_hub


def _snapshot(repo: str, info: Any) -> Snapshot:  # noqa: ANN401 - a library's type, filled by a stranger
    card = shapes.mapping(info.card_data.to_dict() if info.card_data is not None else {})
    commit = shapes.commit(info.sha)
    if commit is None:
        raise FetchError(f"{repo}: Hugging Face names no commit")
    files = (_file(sibling) for sibling in info.siblings or ())
    flagged = shapes.mapping(info.security_repo_status).get("filesWithIssues")
    return Snapshot(
        kind="huggingface",
        repo=shapes.text(info.id) or repo,
        revision=commit,
        files=tuple(sorted({file.path: file for file in files if file}.values())),
        license=_license(card, info.tags),
        license_url=_license_url(repo, commit, card.get("license_link")),
        languages=shapes.texts(card.get("language")),
        tags=shapes.texts(card.get("tags")),
        task=shapes.text(info.pipeline_tag) or shapes.text(card.get("pipeline_tag")),
        library=shapes.text(info.library_name) or shapes.text(card.get("library_name")),
        base_models=tuple(name for name in shapes.texts(card.get("base_model")) if _REPO.fullmatch(name)),
        gated=None if info.gated is None else bool(info.gated),
        unsafe=tuple(
            path
            for each in (flagged if isinstance(flagged, list) else ())
            if shapes.mapping(each).get("level") in _UNSAFE and (path := shapes.path(each.get("path")))
        ),
        created=shapes.moment(info.created_at),
        modified=shapes.moment(info.last_modified),
        raw=_raw(card, info),
    )


def _raw(card: Mapping[str, Any], info: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as above
    safetensors = info.safetensors
    return {
        "card": card,
        "tags": shapes.texts(info.tags),
        "config": shapes.mapping(info.config),
        "gguf": shapes.mapping(info.gguf),
        "parameters": shapes.whole(safetensors.total) if safetensors is not None else None,
        "private": info.private is True,
    }


def _file(sibling: Any) -> RemoteFile | None:  # noqa: ANN401 - as above
    path = shapes.path(sibling.rfilename)
    if path is None:
        return None
    lfs = sibling.lfs
    size = shapes.whole(sibling.size if lfs is None else lfs.size)
    return RemoteFile(path, size, shapes.digest(lfs.sha256) if lfs is not None else None)


def _license(card: Mapping[str, Any], tags: object) -> str | None:
    found = shapes.texts(card.get("license"))
    said = [tag.removeprefix("license:") for tag in shapes.texts(tags) if tag.startswith("license:")]
    name = found[0] if found else said[0] if said else None
    return shapes.text(card.get("license_name")) or name if name == "other" else name


def _license_url(repo: str, commit: str, link: object) -> str | None:
    said = shapes.text(link)
    if said is None or said.startswith("https://"):
        return said
    inside = shapes.path(said.removeprefix("./"))
    return f"{PUBLIC}/{repo}/blob/{commit}/{quote(inside)}" if inside and ":" not in inside else None
