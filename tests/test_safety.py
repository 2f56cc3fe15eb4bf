"""Code that runs when a model is loaded, and secrets."""

from __future__ import annotations

import string
from typing import Any

import pytest

import judged
from judged import TINY, model, release

COMMIT = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
LETTERS = string.ascii_letters + string.digits  # secrets are put together here, so that no scanner takes them for real


def variant(*paths: str, **fields: object) -> dict[str, Any]:
    return {"key": paths[0].replace("/", "-").lower(), "files": {"none": [{"path": path} for path in paths]}, **fields}


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        ([variant("pytorch_model.bin")], True),
        ([variant("a.pt", "config.json")], True),
        ([variant("a.CKPT")], True),
        ([variant("pytorch_model.bin", "model.safetensors")], False),
        ([variant("pytorch_model.bin"), variant("model.gguf")], False),
        ([variant("ggml-base.bin")], False),
        ([variant("openvino_model.bin", "openvino_model.xml")], False),
        ([variant("weights.bin", format="ggml")], False),
        ([variant("archive.zip")], False),
    ],
)
def test_pickles(variants: list[dict[str, Any]], said: bool) -> None:
    assert (judged.problems(release(*variants), "SEC001") != []) is said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, False),
        ({"spec": {"defaults": {"load": {"trust_remote_code": True}}}}, True),
        ({"spec": {"defaults": {"load": {"trust_remote_code": False}}}}, False),
        ({"runtimes": {"vllm": {"arguments": {"trust-remote-code": True}}}}, True),
        ({"runtimes": {"vllm": {"arguments": {"trust-remote-code": False}}}}, False),
        ({"runtimes": {"vllm": {"per_variant": {"x": {"arguments": {"trust_remote_code": True}}}}}}, True),
        ({"runtimes": {"kserve": {"arguments": {"trust_remote_code": True}}}}, True),
    ],
)
def test_remote_code(fields: dict[str, Any], said: bool) -> None:
    reviewed = {"remote_code": {"revision": COMMIT, "reviewed_by": "ada"}}
    assert (judged.problems(release(variant("a.safetensors"), **fields), "SEC002") != []) is said
    assert judged.problems(release(variant("a.safetensors"), **fields, **reviewed), "SEC002") == []


@pytest.mark.parametrize(
    ("path", "said"),
    [("modeling_x.py", True), ("a/tokenization_x.py", True), ("model_service.py", False), ("x.py", False)],
)
def test_code_among_the_files(path: str, said: bool) -> None:
    assert (judged.problems(release(variant(path)), "SEC002") != []) is said


def test_a_review_names_a_commit() -> None:
    fields = {"remote_code": {"revision": "main", "reviewed_by": "ada"}}
    (problem,) = judged.problems(release(variant("a"), **fields), "SEC002")
    assert problem.message == "the reviewed revision 'main' is no commit"


@pytest.mark.parametrize(
    "secret",
    [
        "hf_" + LETTERS[:34],
        "ghp_" + LETTERS[:36],
        "github_pat_" + LETTERS[:60],
        "glpat-" + LETTERS[:20],
        "AKIA" + string.ascii_uppercase[:16],
        "AIza" + LETTERS[:35],
        "LTAI" + LETTERS[:20],
        "AKID" + LETTERS[:32],
        "sk-proj-" + LETTERS[:40],
        "xoxb-" + LETTERS[:20],
        "npm_" + LETTERS[:36],
        "pypi-" + LETTERS[:60],
        "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    ],
)
@pytest.mark.parametrize("place", ["README.md", "README.zh.md", "1.0.0.jinja", "model.yaml"])
def test_secrets_anywhere(secret: str, place: str) -> None:
    text = f"x\n  {secret}\n"
    files: dict[str, str | None] = {f"{TINY}/{place}": text}
    if place == "model.yaml":
        files = {**model(description=f"|\n  {secret}")}
    (problem,) = judged.problems(files, "SEC005")
    assert secret not in problem.message
    assert problem.path.endswith(place)
    assert place == "model.yaml" or (problem.line, problem.column) == (2, 3)


@pytest.mark.parametrize(
    "text",
    [
        "hf_" + "x" * 34,
        "HF_TOKEN=hf_your_token_here",
        "ghp_" + "0" * 36,
        "AKIAIOSFODNN7EXAMPLE",
        "a risk-free desk-bound task-oriented-multilingual-model",
        "sk-...",
        "-----BEGIN PUBLIC KEY-----",
    ],
)
def test_placeholders_are_no_secrets(text: str) -> None:
    assert judged.problems({f"{TINY}/README.md": text}, "SEC005") == []


def test_a_secret_in_a_release_that_policy_would_overlook() -> None:
    policy = {"policy.yaml": "version: 1\nseverities: {SEC005: 'off'}\n"}
    files = release(variant("a"), notes="hf_" + LETTERS[:34])
    assert len(judged.problems({**files, **policy}, "SEC005")) == 1


@pytest.mark.parametrize(
    ("runtime", "arguments"),
    [
        ("kserve", {"model_id": "evil/x"}),
        ("llama.cpp", {"model-url": "https://evil.example/x.gguf"}),
        ("vllm", {"model": "evil/x"}),
    ],
)
def test_an_overlay_takes_no_other_weights_than_those_reviewed(runtime: str, arguments: dict[str, Any]) -> None:
    sources = {"sources": {"huggingface": {"repo": "acme/tiny", "revision": COMMIT}}}
    for overlay in ({"arguments": arguments}, {"per_variant": {"x": {"arguments": arguments}}}):
        changed = release(variant("a.safetensors", **sources), runtimes={runtime: overlay})
        assert judged.problems(changed, "SCH009") != []
