"""Files at addresses, and lists of them, from a server on this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any

import pytest

from galleryctl import importers
from galleryctl.errors import UsageError
from galleryctl.fetch import Http, MissingError
from galleryctl.importers import Candidate, Options, Rejected
from servers import Answer, Asked, Served, ranged, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Result

    Make = Callable[..., Path]
    Run = Callable[..., Result]


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def header() -> bytes:
    """A GGUF header without tensors: a llama with room for 8,192 tokens."""
    keys = text("general.architecture") + struct.pack("<I", 8) + text("llama")
    keys += text("llama.context_length") + struct.pack("<II", 4, 8192)
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + keys


GGUF = header() + b"\0" * 5000
PLAIN = b"weights" * 100
FILES = {
    "models/tiny-Q4_K_M.gguf": GGUF,
    "models/big-00001-of-00002.gguf": GGUF,
    "models/big-00002-of-00002.gguf": PLAIN,
    "models/sub/model.safetensors": PLAIN,
    "models/config.json": b"{}",
    "odd/a b.gguf": GGUF,
}


def answer(asked: Asked) -> Answer:
    path = asked.path.partition("?")[0].lstrip("/").replace("%20", " ")
    data = FILES.get(path)
    if path == "moved.gguf":
        return Answer(302, b"", {"Location": "/models/tiny-Q4_K_M.gguf", "X-Linked-ETag": f'"{"a" * 64}"'})
    if data is None:
        return Answer(404)
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    headers = {"Repr-Digest": f"md5=:xx:, sha-256=:{digest}:"} if path.startswith("models/tiny") else {}
    return ranged(asked, data, headers)


@pytest.fixture
def there() -> Iterator[Served]:
    with serving(answer) as served:
        yield served


def read(source: str, **options: Any) -> list[Candidate | Rejected]:  # noqa: ANN401 - fields of the options
    fetcher = Http(allow_private=True)
    reference = importers.reference(source, fetcher)
    return list(importers.claim(reference).read(reference, fetcher, Options(**options)))


def one(source: str, **options: Any) -> Candidate:  # noqa: ANN401 - as above
    (found,) = read(source, **options)
    assert isinstance(found, Candidate), found
    return found


def test_a_file_is_a_model(there: Served) -> None:
    found = one(f"{there.url}/models/tiny-Q4_K_M.gguf", publisher="acme")
    assert (found.id, found.type, found.source) == ("acme/tiny-q4_k_m", "llm", "tiny-Q4_K_M")
    assert found.model == {"title": "tiny-Q4_K_M"}
    assert found.remarks == ()
    assert found.releases["1.0.0"] == {
        "spec": {"architecture": {"model_type": "llama"}, "context_length": 8192},
        "variants": [
            {
                "format": "gguf",
                "quantizations": ["Q4_K_M"],
                "engines": ["llama.cpp"],
                "sources": {"url": {"prefix": f"{there.url}/models"}},
                "files": {
                    "Q4_K_M": [
                        {"path": "tiny-Q4_K_M.gguf", "size": len(GGUF), "sha256": hashlib.sha256(GGUF).hexdigest()}
                    ]
                },
            }
        ],
    }
    assert sum(asked.method == "GET" and "range" not in asked.headers for asked in there.asked) == 0


def test_the_publisher_is_the_host(there: Served) -> None:
    assert one(f"{there.url}/models/tiny-Q4_K_M.gguf").id == "127.0.0.1/tiny-q4_k_m"


def test_a_digest_is_only_stated_where_the_server_states_it_or_it_was_asked_for(there: Served) -> None:
    url = f"{there.url}/models/sub/model.safetensors"
    stated = one(url, type="llm")
    (file,) = stated.releases["1.0.0"]["variants"][0]["files"]["none"]
    assert file == {"path": "model.safetensors", "size": len(PLAIN)}
    assert [remark.code for remark in stated.remarks] == ["FIL001"]
    computed = one(url, type="llm", digest=True)
    (file,) = computed.releases["1.0.0"]["variants"][0]["files"]["none"]
    assert file["sha256"] == hashlib.sha256(PLAIN).hexdigest()
    assert computed.remarks == ()
    (moved,) = one(f"{there.url}/moved.gguf").releases["1.0.0"]["variants"]
    assert moved["files"]["default"] == [{"path": "moved.gguf", "size": len(GGUF), "sha256": "a" * 64}]


def test_an_address_that_a_path_cannot_say_stands_with_its_file(there: Served) -> None:
    (variant,) = one(f"{there.url}/odd/a%20b.gguf?download=true").releases["1.0.0"]["variants"]
    assert variant["files"]["default"] == [
        {"path": "a b.gguf", "size": len(GGUF), "url": f"{there.url}/odd/a%20b.gguf?download=true"}
    ]


def test_what_nothing_tells_is_rejected(there: Served) -> None:
    (found,) = read(f"{there.url}/models/sub/model.safetensors")
    assert isinstance(found, Rejected)
    assert found.remarks[0].fix == "name the type: --type llm"


def test_a_missing_file_stops(there: Served) -> None:
    with pytest.raises(MissingError):
        read(f"{there.url}/missing.gguf")


LIST = """\
# Models of the house.
{0}/models/tiny-Q4_K_M.gguf   # one line, one model
{0}/models/big-00001-of-00002.gguf
{0}/models/big-00002-of-00002.gguf

Together:
{0}/models/config.json
# with its weights
{0}/models/sub/model.safetensors
{0}/odd/a%20b.gguf

{0}/missing.gguf
xyz:unknown
huggingface:a/b/c/d
{0}/list.txt
"""


def test_a_list(there: Served, tmp_path: Path) -> None:
    (tmp_path / "models.txt").write_text(LIST.format(there.url))
    FILES["list.txt"] = f"{there.url}/models/tiny-Q4_K_M.gguf\n".encode()
    found = read(str(tmp_path / "models.txt"), publisher="acme", type="llm")
    assert [each.at for each in found] == [f"models.txt:{line}" for line in (2, 3, 7, 12, 13, 14, 15)]
    tiny, big, together, *rejected = found
    assert isinstance(tiny, Candidate)
    assert isinstance(big, Candidate)
    assert isinstance(together, Candidate)
    assert (tiny.id, big.id, together.id) == ("acme/tiny-q4_k_m", "acme/big", "acme/together")
    (variant,) = big.releases["1.0.0"]["variants"]
    assert [file["path"] for file in variant["files"]["default"]] == [
        "big-00001-of-00002.gguf",
        "big-00002-of-00002.gguf",
    ]
    paths = {
        file["path"]
        for variant in together.releases["1.0.0"]["variants"]
        for group in variant["files"].values()
        for file in group
    }
    assert paths == {"models/config.json", "models/sub/model.safetensors", "odd/a b.gguf"}
    assert together.releases["1.0.0"]["variants"][0]["sources"] == {"url": {"prefix": there.url}}
    assert all(isinstance(each, Rejected) and each.remarks[0].code == "SRC003" for each in rejected)
    assert "is a list itself" in rejected[-1].remarks[0].message


def test_a_list_from_elsewhere_does_not_lead_into_this_machine(there: Served, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text("[]")
    FILES["far"] = f"s3://bucket/prefix\nmlflow:run\nfile:{secret}\n".encode()
    found = read(f"{there.url}/far")
    assert [each.remarks[0].message.partition(" may not")[0] for each in found] == [
        "s3://bucket/prefix",
        "mlflow:run",
        f"file:{secret}",
    ]
    FILES["paths"] = f"{there.url}/models/tiny-Q4_K_M.gguf\n{secret}\n".encode()
    with pytest.raises(UsageError, match="nothing is known that reads"):
        read(f"{there.url}/paths")


def test_the_whole_way(there: Served, run: Run, registry: Make) -> None:
    folder = registry()
    words = ("--allow-private", "-r", folder, "--format", "json", "--publisher", "acme")
    done = run("import", f"{there.url}/models/tiny-Q4_K_M.gguf", "--all", *words)
    assert done.exit_code == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["status"], row["path"]) == ("imported", "registry/models/llm/acme/tiny-q4_k_m")
    codes = {problem["code"] for problem in row["problems"] if problem["severity"] == "error"}
    assert codes <= {"LIC001", "DOC001", "TXT007", "TXT003", "SEC001", "SRC005", "URL001"}, row["problems"]
    refused = run("import", f"{there.url}/models/tiny-Q4_K_M.gguf", "--all", "-r", folder)
    assert refused.exit_code == 3
    assert "--allow-private" in refused.stderr


def test_a_long_list_from_elsewhere_does_not_either(there: Served, tmp_path: Path) -> None:
    """Only the start of a list is looked at to know that it is one."""
    (tmp_path / "secret.json").write_text('[{"model_name": "secret", "version": 2}]')
    FILES["long"] = f"s3://bucket/prefix\n{'#' * 2**17}\n\n{tmp_path}/secret.json\n".encode()
    found = read(f"{there.url}/long")
    assert [(type(each), each.remarks[0].message.partition(" may not")[0]) for each in found] == [
        (Rejected, "s3://bucket/prefix"),
        (Rejected, f"{tmp_path}/secret.json"),
    ]
