"""What servers say of a file in the headers of their answers."""

from __future__ import annotations

import base64
import hashlib

import pytest

from galleryctl.fetch import Http, MissingError
from galleryctl.hubs import stated
from galleryctl.hubs.stated import Stated
from servers import Answer, Asked, serving

RAW = hashlib.sha256(b"12345").digest()
COMMIT = "ab" * 20


def said(first: dict[str, str], status: int = 200, last: dict[str, str] | None = None) -> Stated:
    """What an address says whose answer has these headers, and leads to `/there`, which has those of `last`."""

    def answer(asked: Asked) -> Answer:
        if asked.path == "/file":
            return Answer(status, b"12345" if status == 200 else b"", first)
        return Answer(200, b"12345", last or {})

    with serving(answer) as served:
        found = stated.of(Http(allow_private=True), f"{served.url}/file")
        return found._replace(moved=found.moved.removeprefix(served.url))


def test_an_address_without_a_word_says_its_size() -> None:
    assert said({}) == Stated(size=5)


def test_a_hub_tells_of_the_file_where_it_redirects() -> None:
    headers = {"Location": "/there", "X-Linked-Size": "77", "X-Linked-Etag": f'"{"a" * 64}"', "X-Repo-Commit": COMMIT}
    assert said(headers, 302) == Stated(77, "a" * 64, COMMIT)


def test_what_has_moved_for_good_is_told() -> None:
    assert said({"Location": "/there"}, 308) == Stated(5, moved="/there")
    assert said({"Location": "/there"}, 307) == Stated(5)


@pytest.mark.parametrize("name", ["Repr-Digest", "Content-Digest"])
def test_a_digest_as_in_rfc_9530(name: str) -> None:
    assert said({name: f"md5=:xx:, sha-256=:{base64.b64encode(RAW).decode()}:"}).sha256 == RAW.hex()
    assert said({"Location": "/there"}, 302, {name: f"sha-256=:{base64.b64encode(RAW).decode()}:"}).sha256 == RAW.hex()


@pytest.mark.parametrize("digest", ["sha-256=:AAAA:", "sha-256=:A:", f"sha-512=:{base64.b64encode(RAW).decode()}:", ""])
def test_what_is_no_digest(digest: str) -> None:
    assert said({"Repr-Digest": digest, "ETag": f'"{RAW.hex()}"', "X-Linked-Etag": '"abc-3"'}).sha256 is None


@pytest.mark.parametrize("size", ["9" * 5000, "-1", "1e9", "٥"])
def test_what_is_no_size(size: str) -> None:
    headers = {"Location": "/there", "X-Linked-Size": size.encode().decode("latin-1")}
    assert said(headers, 302).size is None


def test_an_encoded_body_says_no_size() -> None:
    assert said({"Content-Encoding": "gzip"}).size is None


def test_nothing_is_said_of_what_is_not_there() -> None:
    with pytest.raises(MissingError):
        said({}, 404)
