"""What is wrong in real catalogues is found on import: by rule, with its place and its fix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Result

    Run = Callable[..., Result]
    Make = Callable[..., Path]

DATA = Path(__file__).parents[2] / "shared" / "data"
ONE, TWO = "a1" * 32, "b2" * 32
INDEX = f"""\
- name: floating
  license: house-rules
  urls: [https://huggingface.co/acme/floating]
  description: <p>A model.</p>
  overrides: {{parameters: {{model: floating-Q4_K_M.gguf}}}}
  files:
    - filename: floating-Q4_K_M.gguf
      sha256: abc
      uri: https://huggingface.co/acme/floating/resolve/main/floating-Q4_K_M.gguf
- name: typo
  urls: [https://huggingface.co/acme/typo]
  override: {{context_size: 4096}}
  overrides: {{parameters: {{model: shared-Q4_K_M.gguf}}}}
  files:
    - {{filename: shared-Q4_K_M.gguf, sha256: {ONE}, uri: "huggingface://acme/typo/shared-Q4_K_M.gguf"}}
- name: clash
  urls: [https://huggingface.co/acme/clash]
  overrides: {{parameters: {{model: shared-Q4_K_M.gguf}}}}
  files:
    - {{filename: shared-Q4_K_M.gguf, sha256: {TWO}, uri: "huggingface://acme/clash/shared-Q4_K_M.gguf"}}
- name: absent
  urls: [https://huggingface.co/acme/absent]
  overrides: {{parameters: {{model: other-Q4_K_M.gguf}}}}
  files:
    - {{filename: absent-Q4_K_M.gguf, sha256: {ONE[1:]}c, uri: "huggingface://acme/absent/absent-Q4_K_M.gguf"}}
- name: twin
  urls: [https://huggingface.co/acme/twin]
  overrides: {{parameters: {{model: twin-Q4_K_M.gguf}}}}
  files:
    - {{filename: twin-Q4_K_M.gguf, sha256: {ONE[1:]}c, uri: "huggingface://acme/twin/twin-Q4_K_M.gguf"}}
"""
FAMILY: dict[str, Any] = {
    "version": 2, "model_name": "wrong", "context_length": 4096, "model_lang": ["en", "ph"], "updated_at": 1766473037,
    "model_ability": ["chat"], "chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}",
    "model_description": "A model.", "promt_style": "x",
    "model_specs": [{"model_format": "ggufv2", "model_size_in_billions": 8, "model_src": {"huggingface": {
        "model_id": "acme/wrong", "model_revision": "main", "quantizations": ["Q4_0", "Q8_0"],
        "quantization_parts": {"F16": ["1", "2"]}, "model_file_name_template": "wrong.gguf",
        "model_file_name_split_template": "wrong-{quantization}-{part}.gguf"}}}],
}  # fmt: skip
FOUND = (  # what is wrong, in which source, by which rules
    ("a digest that is none", "index.yaml", {"FIL001"}),
    ("a floating revision", "index.yaml", {"SRC002"}),
    ("a licence that is not SPDX", "index.yaml", {"LIC002", "LIC003"}),
    ("a field that is a typo of another", "index.yaml", {"SCH001"}),
    ("two models writing different bytes to one path", "index.yaml", {"FIL006"}),
    ("a config that names a file the entry does not ship", "index.yaml", {"FIL007"}),
    ("an HTML description", "index.yaml", {"TXT005"}),
    ("duplicates under two names", "index.yaml", {"IDN007"}),
    ("a branch for a commit", "llm.json", {"SRC002"}),
    ("a template without its placeholder", "llm.json", {"QNT003"}),
    ("a quantization nobody can choose", "llm.json", {"QNT001"}),
    ("a language that is a country", "llm.json", {"LNG001"}),
    ("a field that nobody knows", "llm.json", {"SCH001"}),
)


@pytest.mark.parametrize(("what", "source", "codes"), FOUND, ids=[what for what, _, _ in FOUND])
def test_a_mistake_is_found(what: str, source: str, codes: set[str], registry: Make, run: Run, tmp_path: Path) -> None:
    path = tmp_path / source
    path.write_text(INDEX if source == "index.yaml" else json.dumps([FAMILY]))
    done = run("import", path, "--all", "--registry", registry(), "--format", "json")
    problems = [problem for row in json.loads(done.stdout) for problem in row["problems"]]
    found = [problem for problem in problems if problem["code"] in codes]
    assert found, f"{what}: {sorted({problem['code'] for problem in problems})}"
    assert all(problem["path"] and problem["line"] >= 1 and problem["fix"] for problem in found)


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the recorded catalogues in ../shared/data")
@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("xinference/llm.json", {"SRC001", "SRC002", "QNT001", "QNT004", "LNG001", "LNG002", "SCH001", "ABL001"}),
        ("localai/index.yaml", {"FIL006", "FIL007", "IDN002", "IDN007", "LIC003", "SCH001", "SCH002", "TXT005"}),
        ("gpt4all/models3.json", {"FIL001", "IDN002", "TXT005"}),
    ],
)
def test_real_catalogues_have_them(source: str, codes: set[str], run: Run, tmp_path: Path) -> None:
    registry = tmp_path / "registry"
    assert run("init", registry).exit_code == 0
    done = run("import", DATA / source, "--plan", "--registry", registry, "--format", "json")
    problems = [problem for row in json.loads(done.stdout) for problem in row["problems"]]
    assert codes <= {problem["code"] for problem in problems}
    assert [problem for problem in problems if not problem["path"] or problem["line"] < 1 or not problem["fix"]] == []
