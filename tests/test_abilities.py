"""What a model is said to be able to do, and what that needs."""

from __future__ import annotations

from typing import Any

import pytest

import judged
from judged import TINY, other, release

HUB = {"key": "a", "format": "pytorch", "sources": {"huggingface": {"repo": "acme/tiny"}}}
URL = {"key": "a", "format": "pytorch", "sources": {"url": {"prefix": "https://acme.example/tiny"}}}
JINJA = {"prompt": {"template": {"file": "1.0.0.jinja"}}}


@pytest.mark.parametrize(
    ("spec", "variant", "template", "said"),
    [
        ({}, HUB, None, False),
        ({}, URL, None, True),
        ({"abilities": ["generate"]}, URL, None, False),
        ({"preset": "chatml"}, URL, None, False),
        ({}, {**URL, "format": "gguf"}, None, False),
        ({}, {**URL, "files": {"default": [{"path": "x/tokenizer_config.json"}]}}, None, False),
        ({}, {**URL, "files": {"default": [{"path": "t.jinja", "role": "template"}]}}, None, False),
        ({"prompt": {"template": "{{ messages }}"}}, URL, None, False),
        ({"prompt": {"template": " \n"}}, HUB, None, True),
        (JINJA, HUB, "x", False),
        (JINJA, HUB, "\n", True),
        ({"prompt": {"stop": "not a list"}}, URL, None, False),
    ],
)
def test_templates(spec: dict[str, Any], variant: dict[str, Any], template: str | None, said: bool) -> None:
    files = {**release(variant, spec=spec), **({f"{TINY}/1.0.0.jinja": template} if template else {})}
    assert (judged.problems(files, "ABL001") != []) is said


@pytest.mark.parametrize(
    ("code", "ability", "prompt"),
    [
        ("ABL002", "reasoning", {"reasoning": {"start": "<a>", "end": "</a>"}}),
        ("ABL003", "tools", {"tool_parser": "qwen"}),
    ],
)
def test_an_ability_and_what_it_needs_go_together(code: str, ability: str, prompt: dict[str, Any]) -> None:
    both = ["chat", ability]
    assert judged.problems(release(HUB, spec={"abilities": both, "prompt": prompt}), code) == []
    assert judged.problems(release(HUB), code) == []
    assert len(judged.problems(release(HUB, spec={"abilities": both}), code)) == 1
    assert len(judged.problems(release(HUB, spec={"prompt": prompt}), code)) == 1
    assert judged.problems(release(HUB, spec={"abilities": both, "prompt": {**prompt, "stop": 1}}), code) == []


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ({"projectors": ["mmproj-f16.gguf"]}, False),
        ({}, True),
    ],
)
def test_projectors_of_sources(variant: dict[str, Any], said: bool) -> None:
    source = {"huggingface": {"repo": "a/b", "file": "x.gguf", **variant}}
    files = release({"format": "gguf", "sources": source}, spec={"abilities": ["vision"]})
    assert (judged.problems(files, "ABL004") != []) is said


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({"path": "eye.gguf", "role": "projector"}, False),
        ({"path": "MMPROJ-F16.gguf"}, False),
        ({"path": "x.gguf"}, True),
    ],
)
def test_projectors_among_files(file: dict[str, Any], said: bool) -> None:
    files = release({"format": "gguf", "files": {"default": [file]}}, spec={"abilities": ["vision"]})
    assert (judged.problems(files, "ABL004") != []) is said


def test_a_projector_may_stand_in_the_overlay() -> None:
    overlay = {"localai": {"overrides": {"mmproj": "https://acme.example/x"}}}
    files = release({"format": "gguf"}, spec={"abilities": ["vision"]}, runtimes=overlay)
    assert judged.problems(files, "ABL004") == []


@pytest.mark.parametrize(
    ("ability", "fix"),
    [
        ("text2image", "remove it, or move the model to models/image/, where it is one"),
        ("reasonning", "write `reasoning`"),
        ("zzz", "use `chat`, `generate`, `tools`, `reasoning`, `hybrid`, `vision`, `audio` or `omni`"),
    ],
)
def test_abilities_of_other_types(ability: str, fix: str) -> None:
    (problem,) = judged.problems(release(HUB, spec={"abilities": ["chat", ability]}), "ABL005")
    assert problem.fix == fix
    assert judged.problems(release(HUB, spec={"abilities": ["chat", ability]}), "SCH005") == []


@pytest.mark.parametrize(("kind", "said"), [("llm", True), ("embedding", False), ("rerank", False), ("audio", True)])
def test_types_that_say_the_ability_themselves(kind: str, said: bool) -> None:
    files = {**other("acme/plain", kind=kind), f"models/{kind}/acme/plain/1.0.0.yaml": "spec: {family: plain}\n"}
    assert (judged.problems(files, "ABL006") != []) is said
