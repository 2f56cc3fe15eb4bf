"""Repositories and revisions: what pins, what does not, and what is only not known."""

from __future__ import annotations

import pytest

import judged
from galleryctl.problems import Severity
from judged import TINY, model, other, release

COMMIT = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
DIGEST = "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea"


def hub(kind: str = "huggingface", **fields: object) -> dict[str, object]:
    return {"sources": {kind: {"repo": "acme/tiny", **fields}}}


@pytest.mark.parametrize(
    ("variant", "severity"),
    [
        (hub(revision=COMMIT), None),
        (hub(), Severity.WARN),
        (hub("modelscope"), Severity.WARN),
        (hub(revision="main"), Severity.ERROR),
        (hub(revision=COMMIT.upper()), Severity.ERROR),
        (hub(revision=""), Severity.ERROR),
        (hub("modelscope", revision="master"), Severity.ERROR),
        ({**hub("modelscope", revision="master"), "files": {"none": [{"path": "a", "sha256": DIGEST}]}}, None),
        ({**hub("modelscope"), "files": {"none": [{"path": "a", "sha256": DIGEST}]}}, None),
        ({**hub("modelscope"), "files": {"none": [{"path": "a", "sha256": DIGEST}, {"path": "b"}]}}, Severity.WARN),
        ({**hub(revision="main"), "files": {"none": [{"path": "a", "sha256": DIGEST}]}}, Severity.ERROR),
        (hub(revision=COMMIT, draft={"repo": "acme/draft"}), Severity.WARN),
        (hub(revision=COMMIT, gguf={"repo": "acme/tiny-gguf"}), None),
        ({"lora": {"repo": "acme/lora", "revision": "v1"}}, Severity.ERROR),
        ({"sources": {"oci": {"image": f"ghcr.io/acme/tiny@sha256:{DIGEST}"}}}, None),
        ({"sources": {"oci": {"image": "ghcr.io/acme/tiny:1"}}}, Severity.ERROR),
    ],
)
def test_a_revision_that_is_missing_is_milder_than_one_that_floats(
    variant: dict[str, object], severity: Severity | None
) -> None:
    found = judged.problems(release(variant), "SRC002")
    assert [problem.severity for problem in found] == ([severity] if severity else [])


def test_policy_decides_about_missing_revisions_too() -> None:
    policy = {"policy.yaml": "version: 1\nseverities: {SRC002: error}\n"}
    (problem,) = judged.problems({**release(hub()), **policy}, "SRC002")
    assert problem.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("repo", "fix"),
    [
        ("acme/tiny", None),
        ("acme/tiny-{quantization}", None),
        ("01-ai/Yi_1.5", None),
        ("acme//tiny", "write `acme/tiny`"),
        ("https://huggingface.co/acme/tiny", "write `acme/tiny`"),
        ("huggingface.co/acme/tiny/", "write `acme/tiny`"),
        ("a/b/c", "write `a/c` or whichever two of these parts are its owner and name"),
        ("acme/ti ny", "write owner/name, as the hub shows it"),
        ("acme/tiny..x", "write owner/name, as the hub shows it"),
        ("", "write owner/name, as the hub shows it"),
    ],
)
def test_repositories(repo: str, fix: str | None) -> None:
    found = judged.problems(release({"sources": {"huggingface": {"repo": repo, "revision": COMMIT}}}), "SRC001")
    assert [problem.fix for problem in found] == ([fix] if fix else [])


def test_repositories_of_adapters_are_read_too() -> None:
    spec = {"adapters": {"controlnet": [{"name": "canny", "repo": "nobody"}, {"name": "depth", "repo": "a/b"}]}}
    text = release({"key": "a"}, spec=spec)[f"{TINY}/1.0.0.json"]
    files = {**other("acme/paint", kind="image"), "models/image/acme/paint/1.0.0.yaml": None}
    files["models/image/acme/paint/1.0.0.json"] = text
    assert [problem.line for problem in judged.problems(files, "SRC001")] == [14]
    assert [problem.severity for problem in judged.problems(files, "SRC002")] == [Severity.WARN, Severity.WARN]


@pytest.mark.parametrize(
    ("repo", "links", "named"),
    [
        ("mradermacher/Qwen3-30B-A3B-i1-GGUF", "{}", False),
        ("mradermacher/Qwen3-30B-A3B-i1-GGUF", "{homepage: https://qwen.ai/qwen3}", True),
        ("mradermacher/Tiny-8B-i1-GGUF", "{}", True),
        ("someone/TinyChat-7B", "{}", True),
        ("someone/7B-GGUF", "{}", True),
    ],
)
def test_a_repository_that_nothing_names(repo: str, links: str, named: bool) -> None:
    files = {**release({"sources": {"huggingface": {"repo": repo}}}), **model(links=links)}
    assert (judged.problems(files, "SRC006") == []) is named


def test_any_host_will_do_where_policy_lists_none() -> None:
    variant = {"sources": {"url": {"prefix": "https://files.acme.example/tiny"}}}
    assert judged.problems(release(variant), "SRC005") == []
