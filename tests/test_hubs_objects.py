"""Object stores, read from a real S3 server on this machine."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from galleryctl.errors import UsageError
from galleryctl.fetch import DeniedError, FetchError, Http, MissingError, RefusedError
from galleryctl.hubs import RemoteFile, objects
from galleryctl.hubs.objects import Objects, checksum, split
from stores import BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stores import Client


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def store(s3: Client) -> Iterator[Client]:
    yield s3
    for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        s3.delete_object(Bucket=BUCKET, Key=each["Key"])


@pytest.fixture
def hub() -> Objects:
    return Objects(Http(allow_private=True))


def test_a_prefix_becomes_files_with_sizes_and_the_digests_that_the_store_has(store: Client, hub: Objects) -> None:
    store.put_object(Bucket=BUCKET, Key="models/tiny/model.safetensors", Body=b"weights", ChecksumAlgorithm="SHA256")
    store.put_object(Bucket=BUCKET, Key="models/tiny/sub/config.json", Body=b"{}")
    store.put_object(Bucket=BUCKET, Key="models/tiny/empty/", Body=b"")
    store.put_object(Bucket=BUCKET, Key="models/tiny-other/x.bin", Body=b"x")
    found = hub.snapshot(f"s3://{BUCKET}/models/tiny/")
    assert (found.repo, found.revision, found.kind) == (f"s3://{BUCKET}/models/tiny", None, "object")
    assert found.files == (
        RemoteFile("model.safetensors", 7, sha(b"weights")),
        RemoteFile("sub/config.json", 2, None),  # its ETag is no digest
    )
    assert found.modified is not None
    assert hub.address(found, "sub/config.json") == f"s3://{BUCKET}/models/tiny/sub/config.json"
    assert hub.read(found, "sub/config.json") == b"{}"
    assert hub.part(found, "model.safetensors", 2, 5) == b"igh"
    assert hub.part(found, "model.safetensors", 5, 500) == b"ts"
    assert hub.part(found, "model.safetensors", 9, 12) == b""
    assert hub.digest(found, "sub/config.json") == sha(b"{}")
    with pytest.raises(FetchError, match="more than 4 bytes"):
        hub.read(found, "model.safetensors", limit=4)


def test_the_sum_over_parts_of_an_upload_is_no_digest(store: Client, hub: Objects) -> None:
    data = b"p" * (5 * 2**20) + b"rest"
    key = "models/parts/model.bin"
    upload = store.create_multipart_upload(Bucket=BUCKET, Key=key, ChecksumAlgorithm="SHA256")["UploadId"]
    parts = []
    for number, body in enumerate((data[: 5 * 2**20], data[5 * 2**20 :]), 1):
        done = store.upload_part(
            Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256"
        )
        parts.append({"PartNumber": number, "ETag": done["ETag"], "ChecksumSHA256": done["ChecksumSHA256"]})
    store.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
    found = hub.snapshot(f"s3://{BUCKET}/models/parts")
    assert found.files == (RemoteFile("model.bin", len(data), None),)
    assert hub.digest(found, "model.bin") == sha(data)


def test_an_object_alone_is_a_folder_of_one_file(store: Client, hub: Objects) -> None:
    store.put_object(Bucket=BUCKET, Key="a/model.gguf", Body=b"x")
    store.put_object(Bucket=BUCKET, Key="a/model.gguf.old", Body=b"x")
    found = hub.snapshot(f"s3://{BUCKET}/a/model.gguf")
    assert (found.repo, [file.path for file in found.files]) == (f"s3://{BUCKET}/a", ["model.gguf"])


def test_a_listing_of_several_pages_is_read_to_its_end(
    store: Client, hub: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_PAGE", 2)
    for number in range(5):
        store.put_object(Bucket=BUCKET, Key=f"many/{number}.txt", Body=b"x")
    assert [file.path for file in hub.snapshot(f"s3://{BUCKET}/many").files] == [f"{number}.txt" for number in range(5)]
    monkeypatch.setattr(objects, "_MOST", 4)
    with pytest.raises(FetchError, match="more than 4 objects; name a longer prefix"):
        hub.snapshot(f"s3://{BUCKET}/many")


def test_a_key_that_leads_out_is_no_file(store: Client, hub: Objects) -> None:
    store.put_object(Bucket=BUCKET, Key="odd/a.bin", Body=b"x")
    store.put_object(Bucket=BUCKET, Key="odd//b.bin", Body=b"x")
    store.put_object(Bucket=BUCKET, Key="odd/c\\d.bin", Body=b"x")
    found = hub.snapshot(f"s3://{BUCKET}/odd")
    assert [file.path for file in found.files] == ["a.bin"]
    assert sorted(found.raw["refused"]) == ["odd//b.bin", "odd/c\\d.bin"]


@pytest.mark.usefixtures("store")
def test_what_is_not_there_is_said(hub: Objects) -> None:
    with pytest.raises(MissingError, match="nothing under this prefix"):
        hub.snapshot(f"s3://{BUCKET}/missing")
    with pytest.raises(MissingError, match="no such bucket"):
        hub.snapshot("s3://no-such-bucket/x")
    with pytest.raises(UsageError, match="has no revisions"):
        hub.snapshot(f"s3://{BUCKET}/x", "1")


@pytest.mark.usefixtures("s3")
def test_an_endpoint_inside_the_network_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(RefusedError, match="--allow-private"):
        Objects(Http()).snapshot(f"s3://{BUCKET}/x")


@pytest.mark.usefixtures("s3")
def test_an_endpoint_that_does_not_answer_ends_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(FetchError, match=r"could not be read|Could not connect"):
        Objects(Http(allow_private=True)).snapshot(f"s3://{BUCKET}/x")


@pytest.mark.parametrize(
    "text",
    ["s3://", "s3://x", "s3://UPPER/x", "s3://a..b/x", "s3://bucket/../x", "s3://bucket/a/../b", "http://bucket/x"],
)
def test_what_is_no_prefix_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no prefix"):
        split(text)
    assert split("s3://bucket") == ("bucket", "")
    assert split("s3://bucket/a/b/") == ("bucket", "a/b")


def test_only_a_whole_sha256_is_a_digest() -> None:
    data = hashlib.sha256(b"x").digest()
    assert checksum(base64.b64encode(data).decode()) == data.hex()
    for odd in (None, 7, "", "x", base64.b64encode(data).decode() + "-2", base64.b64encode(b"short").decode(), "é"):
        assert checksum(odd) is None


def test_without_the_extra_the_install_line_is_said() -> None:
    code = (
        "import sys; sys.modules['s3fs'] = None; sys.modules['botocore.exceptions'] = None\n"
        "from galleryctl.fetch import Http; from galleryctl.hubs.objects import Objects\n"
        "from galleryctl.errors import UsageError\n"
        "try: Objects(Http()).snapshot('s3://bucket/x')\n"
        "except UsageError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout == "reading object stores needs s3fs: pip install 'galleryctl[s3]'\n"


@pytest.mark.usefixtures("store")
def test_a_store_that_wants_other_credentials_says_so(hub: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(hub._store, "call_s3", refused)  # noqa: SLF001 - the test's server asks nobody
    with pytest.raises(DeniedError, match="may not read it"):
        hub.snapshot(f"s3://{BUCKET}/x")
