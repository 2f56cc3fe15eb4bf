"""Facts about files: what is missing, what is wrong, and what would be written where it must not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import judged
from galleryctl.problems import Severity
from judged import TINY, release

if TYPE_CHECKING:
    from collections.abc import Mapping

DIGEST = "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea"


def shipped(*files: Mapping[str, object]) -> dict[str, str | None]:
    return release({"format": "pytorch", "quantizations": ["none"], "files": {"none": files}})


@pytest.mark.parametrize(
    ("digest", "severity", "meant"),
    [
        (DIGEST, None, ""),
        (None, Severity.WARN, ""),
        (DIGEST.upper(), Severity.ERROR, DIGEST),
        (f"sha256:{DIGEST}", Severity.ERROR, DIGEST),
        (f"SHA256:{DIGEST.upper()}", Severity.ERROR, DIGEST),
        ("", Severity.ERROR, ""),
        (DIGEST[:-1], Severity.ERROR, ""),
        ("g" * 64, Severity.ERROR, ""),
    ],
)
def test_digests(digest: str | None, severity: Severity | None, meant: str) -> None:
    files = shipped({"path": "a.safetensors", "size": 1} | ({} if digest is None else {"sha256": digest}))
    found = judged.problems(files, "FIL001")
    assert [problem.severity for problem in found] == ([severity] if severity else [])
    if meant:
        text = files[f"{TINY}/1.0.0.json"]
        assert text is not None
        assert f'"sha256": "{meant}"' in judged.mended({f"{TINY}/1.0.0.json": text}, found)
    else:
        assert all(not problem.edits for problem in found)


@pytest.mark.parametrize(("size", "severity"), [(1, None), (None, Severity.WARN), (0, Severity.ERROR)])
def test_sizes(size: int | None, severity: Severity | None) -> None:
    file: dict[str, object] = {"path": "a.safetensors", "sha256": DIGEST}
    found = judged.problems(shipped(file if size is None else {**file, "size": size}), "FIL004")
    assert [problem.severity for problem in found] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("a/b.c/d-00001-of-00002.safetensors", True),
        ("..a/b..", False),
        ("...", False),
        ("a/..b/c", True),
        ("/a", False),
        ("~/a", True),
        ("a/../b", False),
        ("./a", False),
        ("a\\b", False),
        ("c:a", False),
        ("aux", False),
        ("a/NUL.txt", False),
        ("com1.gguf", False),
        ("console.gguf", True),
        ("a/", False),
        ("a//b", False),
        ("a ", False),
        ("a\tb", False),
        ("a|b", False),
        ("模型.gguf", True),
    ],
)
def test_paths(path: str, safe: bool) -> None:
    assert (judged.problems(shipped({"path": path}), "FIL005") == []) is safe
    assert (judged.problems(shipped({"path": "a", "as": path}), "FIL005") == []) is safe


def test_no_policy_lets_an_unsafe_path_through() -> None:
    policy = {"policy.yaml": "version: 1\nseverities: {FIL: 'off'}\n"}
    (problem,) = judged.problems({**shipped({"path": "../a"}), **policy}, "FIL005")
    assert problem.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a-00001-of-00002", "a-00002-of-00002"], []),
        (["split-a", "split-b"], []),
        (["a-1-of-2", "a-2-of-2", "b-1-of-1"], []),
        (["a-1-of-3"], ["of 3 shards 2, 3 are missing"]),
        (["a-1-of-2", "a-2-of-2", "a-2-of-2"], ["3 shards are listed, of 2"]),
        (["a-1-of-2", "a-2-of-3"], ["shards of 2 and 3 parts are mixed"]),
        (["a-1-of-9"], ["of 9 shards 2, 3, 4, 5, 6, … are missing"]),
    ],
)
def test_shards(names: list[str], said: list[str]) -> None:
    assert judged.messages(shipped(*({"path": f"{name}.gguf"} for name in names)), "FIL008") == said


def test_a_file_may_serve_several_quantizations() -> None:
    shared = {"path": "tokenizer.json", "size": 1, "sha256": DIGEST}
    variant = {"quantizations": ["a", "b"], "files": {"a": [shared], "b": [shared]}}
    assert judged.problems(release(variant), "FIL010") == []


def test_small_files_may_be_alike_and_weights_may_not() -> None:
    alike = [{"path": path, "sha256": DIGEST} for path in ("one/merges.txt", "two/merges.txt")]
    weights = [{"path": path, "sha256": DIGEST} for path in ("one/a.safetensors", "two/a.safetensors")]
    assert judged.messages(shipped(*alike), "FIL010") == []
    assert judged.messages(shipped(*weights), "FIL010") == ["two/a.safetensors has the digest of one/a.safetensors"]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({"path": "x/a.gguf", "url": "https://acme.example/a.gguf?download=true"}, False),
        ({"path": "a b.gguf", "url": "https://acme.example/a%20b.gguf"}, False),
        ({"path": "a.gguf", "url": "https://acme.example/A.gguf"}, True),
        ({"path": "a.gguf", "url": "https://acme.example/"}, False),
    ],
)
def test_names_in_addresses(file: dict[str, object], said: bool) -> None:
    assert (judged.problems(shipped(file), "FIL009") != []) is said


def test_names_that_the_source_gives() -> None:
    source = {"repo": "acme/tiny", "file": "q/t-{quantization}.gguf"}
    files = {"Q8_0": [{"path": "q/t-Q8_0.gguf"}], "Q4_0": [{"path": "q/t-q4_0.gguf"}]}
    variant = {"format": "gguf", "quantizations": ["Q8_0", "Q4_0"], "sources": {"huggingface": source}, "files": files}
    (problem,) = judged.problems(release(variant), "FIL009")
    assert problem.fix == "write q/t-Q4_0.gguf, or correct `file`"
