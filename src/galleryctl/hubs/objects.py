"""Object stores that speak S3: what lies under a prefix, with sizes, and digests where the store keeps them.

The library connects by itself, with the endpoint, region and credentials of the usual environment and profile files.
Its endpoint is asked about before anything is sent, but not where that name leads at the moment of the connection.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from galleryctl.errors import UsageError
from galleryctl.fetch import DeniedError, FetchError, MissingError
from galleryctl.hubs import shapes
from galleryctl.hubs.base import RemoteFile, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Permitting(Protocol):
        """Knows which addresses may be asked, as a `Fetcher` does."""

        def permit(self, url: str) -> None: ...


_INSTALL = "reading object stores needs s3fs: pip install 'galleryctl[s3]'"
_PREFIX = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<key>.*))?")
_OF_PARTS = re.compile(r'-[0-9]+"?$')
"""End of the ETag of an upload in parts: then a SHA-256 is one over theirs, whether the store says so or not."""
_MOST = 10_000
_PAGE = 1_000
_STEP = 2**24
_DIGEST = 32  # bytes of a SHA-256


class Objects:
    """A `Hub` of object stores; a repository is a prefix, `s3://bucket/prefix`."""

    kind = "object"

    def __init__(self, fetcher: Permitting) -> None:
        self._fetcher = fetcher

    def snapshot(self, repo: str, revision: str | None = None) -> Snapshot:
        """What lies under a prefix, or the one object of that name. Prefixes have no revisions.

        Of the store's checksums only a SHA-256 of the whole object counts: an ETag is no digest, nor is the sum over
        the parts of an upload.
        """
        if revision is not None:
            raise UsageError(f"{repo}: an object store has no revisions")
        bucket, key = split(repo)
        folder = f"{key}/" if key else ""
        found = self._listed(bucket, folder)
        if not found and key:
            found = [each for each in self._listed(bucket, key) if each["Key"] == key]
            folder = key.rpartition("/")[0] + "/" if "/" in key else ""
        if not found:
            raise MissingError(f"{repo}: there is nothing under this prefix")
        files, odd = [], []
        for each in found:
            path = shapes.path(each["Key"].removeprefix(folder))
            if path is None:
                odd.append(each["Key"])
                continue
            files.append(RemoteFile(path, shapes.whole(each.get("Size")), self._checksum(bucket, each["Key"])))
        moments = [moment for each in found if (moment := shapes.moment(each.get("LastModified")))]
        return Snapshot(
            kind=self.kind,
            repo=f"s3://{bucket}/{folder}".rstrip("/"),
            files=tuple(sorted(files)),
            modified=max(moments, default=None),
            raw={"refused": tuple(odd)},
        )

    def read(self, found: Snapshot, path: str, *, limit: int = 2**20) -> bytes:
        file = found.file(path)
        if file is None or (file.size or 0) > limit:
            raise FetchError(f"{found.repo}/{path}: is not there, or has more than {limit:,} bytes")
        return self.part(found, path, 0, limit)

    def part(self, found: Snapshot, path: str, start: int, stop: int) -> bytes:
        file = found.file(path)
        stop = stop if file is None or file.size is None else min(stop, file.size)
        if start >= stop:
            return b""
        with _told(f"{found.repo}/{path}"):
            data: bytes = self._store.cat_file(self.address(found, path), start=start, end=stop)
        return data

    def digest(self, found: Snapshot, path: str) -> str:
        """The SHA-256 of an object, which is read once from start to end and kept nowhere."""
        counted = hashlib.sha256()
        with (
            _told(f"{found.repo}/{path}"),
            self._store.open(self.address(found, path), "rb", block_size=_STEP, cache_type="readahead") as file,
        ):
            while data := file.read(_STEP):
                counted.update(data)
        return counted.hexdigest()

    def facts(self, address: str) -> tuple[int, str]:
        """Size and ETag of one object, `s3://bucket/key`."""
        bucket, key = split(address)
        with _told(address):
            said = self._store.call_s3("head_object", Bucket=bucket, Key=key)
        size = shapes.whole(said.get("ContentLength"))
        if size is None:
            raise FetchError(f"{address}: the store does not say how large it is")
        return size, str(said.get("ETag") or "")

    def piece(self, address: str, start: int, stop: int) -> bytes:
        """Bytes `start` to `stop` (not included) of one object."""
        with _told(address):
            data: bytes = self._store.cat_file(address, start=start, end=stop)
        return data

    def address(self, found: Snapshot, path: str) -> str:
        return f"{found.repo}/{path}"

    @cached_property
    def _store(self) -> Any:  # noqa: ANN401 - the library has no types
        """The store of the environment, once its endpoint was allowed."""
        try:
            import s3fs  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise UsageError(_INSTALL) from error
        with _told("the object store"):
            store = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
            store.connect()
            endpoint = str(store.s3.meta.endpoint_url)
        self._fetcher.permit(endpoint)
        return store

    def _listed(self, bucket: str, prefix: str) -> list[dict[str, Any]]:
        """Objects whose keys start with a prefix, without the empty ones that stand for folders."""
        found: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            with _told(f"s3://{bucket}/{prefix}"):
                answer = self._store.call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, MaxKeys=_PAGE, **more)
            found += [each for each in answer.get("Contents") or () if not each["Key"].endswith("/")]
            if len(found) > _MOST:
                raise FetchError(f"s3://{bucket}/{prefix}: more than {_MOST:,} objects; name a longer prefix")
            if not answer.get("IsTruncated") or not answer.get("NextContinuationToken"):
                return found
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def _checksum(self, bucket: str, key: str) -> str | None:
        with _told(f"s3://{bucket}/{key}"):
            said = self._store.call_s3("head_object", Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        parts = said.get("ChecksumType") == "COMPOSITE" or _OF_PARTS.search(str(said.get("ETag")))
        return None if parts else checksum(said.get("ChecksumSHA256"))


def hub(fetcher: Permitting) -> Objects:
    return Objects(fetcher)


def split(text: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/prefix`. Raises `UsageError`."""
    found = _PREFIX.fullmatch(text)
    key = (found["key"] or "").strip("/") if found else ""
    if found is None or not key.isprintable() or ".." in found["bucket"] or {".", ".."} & set(key.split("/")):
        raise UsageError(f"{text[:200]!r} is no prefix of an object store; write s3://bucket/prefix")
    return found["bucket"], key


def checksum(value: object) -> str | None:
    """A checksum of the store as 64 hex digits; none for `…-3`, which is the sum over three parts."""
    if not isinstance(value, str):
        return None
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data.hex() if len(data) == _DIGEST else None


@contextmanager
def _told(what: str) -> Iterator[None]:
    """The library's errors in our words."""
    try:
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(_INSTALL) from error
    try:
        yield
    except FileNotFoundError as error:
        raise MissingError(f"{what}: there is no such bucket or object") from error
    except PermissionError as error:
        raise DeniedError(f"{what}: these credentials may not read it: {error}") from error
    except (OSError, BotoCoreError, ValueError) as error:
        raise FetchError(f"{what}: the store could not be read: {error}") from error
