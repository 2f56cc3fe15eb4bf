"""What becomes of chat templates on the conversations that users have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from galleryctl.checks.templates import judge

CATALOGUE = Path(__file__).parents[2] / "shared" / "data" / "xinference" / "llm.json"
REFUSES_SYSTEM = "{{ messages[0].content }}{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
CALLS = "{% for m in messages %}{{ m.content }}{% for c in m.tool_calls or [] %}{{ ARGUMENTS }}{% endfor %}{% endfor %}"
PLAIN = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"


@pytest.mark.parametrize(
    ("text", "tools", "code", "line"),
    [
        (PLAIN, True, "", 1),
        ("{% for m in messages %}\n{{ m.content }}", False, "TPL001", 2),
        ("{{ messages[0].content }}\n{% include 'x' %}", False, "TPL003", 2),
        ("{% set n = 'clas' %}\n{{ messages[0].content }}{{ messages['__' ~ n ~ 's__'].x }}", False, "TPL003", 2),
        ("{{ if .System }}x{{ end }}", False, "TPL004", 1),
        ("x\n{{ .Prompt }}", False, "TPL004", 2),
        ("{{- range .Messages }}{{ end }}", False, "TPL004", 1),
        ("Hello", False, "TPL002", 1),
        ("\n\n{{ messages[1].content }}{{ messages[1].content.x.y }}", False, "TPL002", 3),
        ("{% for i in range(99999999) %}{{ messages[0].content }}{% endfor %}", False, "TPL002", 1),
        ("{{ raise_exception('no') }}", False, "TPL002", 1),
        (REFUSES_SYSTEM, False, "", 1),
        (PLAIN + "\n{% if tools %}{{ raise_exception('no') }}{% endif %}", False, "", 1),
        (PLAIN + "\n{% if tools %}{{ raise_exception('no') }}{% endif %}", True, "TPL002", 4),
        (PLAIN + "\n{% if tools %}{{ tools.x.y }}{% endif %}", False, "", 1),
        (PLAIN + "\n{% if tools %}{{ tools.x.y }}{% endif %}", True, "TPL002", 4),
        (CALLS.replace("ARGUMENTS", "c.function.arguments.city"), True, "", 1),
        (CALLS.replace("ARGUMENTS", "c.function.arguments + ''"), True, "", 1),
    ],
)
def test_verdicts(text: str, tools: bool, code: str, line: int) -> None:
    verdict = judge(text, tools=tools)
    assert (verdict.code, verdict.line if code else 1) == (code, line), verdict


def test_templates_that_are_in_use_render() -> None:
    if not CATALOGUE.exists():
        pytest.skip(f"needs the catalogue of another project, which is not at {CATALOGUE}")
    families = json.loads(CATALOGUE.read_text())
    texts = {
        (each["chat_template"], "tools" in each["model_ability"]) for each in families if each.get("chat_template")
    }
    assert len(texts) > 50
    assert [verdict for text, tools in sorted(texts) if (verdict := judge(text, tools=tools)).code] == []
