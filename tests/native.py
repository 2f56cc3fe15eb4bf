"""Strict readers of the files that runtimes read, written from their documentation.

* Presets: tools/server/README.md ("Model presets") and the grammar in common/preset.cpp of ggml-org/llama.cpp.
* Modelfiles: docs/modelfile.mdx and parser/parser.go of ollama/ollama.
"""

from __future__ import annotations

import re

_HEADER = re.compile(r"\[([^\]]+)\][ \t]*(?:[;#].*)?").fullmatch
_PAIR = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*(.*)").fullmatch
_COMMENT = re.compile(r"[ \t]*(?:[;#].*)?").fullmatch

PARAMETERS = {
    "num_ctx": int, "repeat_last_n": int, "repeat_penalty": float, "temperature": float, "seed": int, "stop": str,
    "num_predict": int, "draft_num_predict": int, "top_k": int, "top_p": float, "min_p": float, "num_batch": int,
    "num_gpu": int,
}  # fmt: skip
_COMMANDS = {
    "from", "license", "template", "system", "adapter", "draft", "renderer", "parser", "parameter", "message",
    "requires",
}  # fmt: skip


def presets(text: str) -> dict[str, dict[str, str]]:
    """Sections of a preset file; `ValueError` where the grammar does not hold, or a section stands twice."""
    found: dict[str, dict[str, str]] = {"default": {}}
    section = "default"
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if _COMMENT(line):
            continue
        if match := _HEADER(line):
            section = match[1]
            if section in found:
                raise ValueError(f"line {number}: {section} stands twice")
            found[section] = {}
        elif match := _PAIR(line):
            value = re.split(r"[ \t]*[;#]", match[2])[0].rstrip(" \t")  # a value ends where a comment may begin
            if match[1] in found[section]:
                raise ValueError(f"line {number}: {match[1]} stands twice")
            found[section][match[1]] = value
        else:
            raise ValueError(f"line {number}: neither a section nor a pair: {line!r}")
    return {name: values for name, values in found.items() if name != "default" or values}


def modelfile(text: str) -> list[tuple[str, str]]:
    """Instructions and their arguments; parameters as `parameter NAME`. `ValueError` as Ollama would refuse it."""
    found: list[tuple[str, str]] = []
    rest = text
    while rest := rest.lstrip(" \t\r\n"):
        if rest[0] == "#":
            rest = rest.partition("\n")[2]
            continue
        word = re.match(r"[A-Za-z]+(?=[ \t])", rest)
        if not word or word[0].lower() not in _COMMANDS:
            raise ValueError(f"no instruction: {rest[:40]!r}")
        name, rest = word[0].lower(), rest[word.end() :].lstrip(" \t")
        if name == "parameter":
            key = re.match(r"[A-Za-z0-9_]+(?=[ \t])", rest)
            if not key or key[0] not in PARAMETERS:
                raise ValueError(f"no parameter: {rest[:40]!r}")
            name, rest = f"parameter {key[0]}", rest[key.end() :].lstrip(" \t")
        value, rest = _value(rest)
        if name.startswith("parameter "):
            PARAMETERS[name.partition(" ")[2]](value)
        found.append((name, value))
    if not any(name == "from" for name, _ in found):
        raise ValueError("no FROM line")
    return found


def _value(rest: str) -> tuple[str, str]:
    """A value ends at the first line end at which its quotes are closed; quotes are those around all of it."""
    end = -1
    while True:
        end = rest.find("\n", end + 1)
        line = rest if end < 0 else rest[:end]
        value = _unquoted(line.strip())
        if value is not None:
            return "".join(char for char in value if char.isprintable() or char in "\n\t"), rest[len(line) :]
        if end < 0:
            raise ValueError(f"quotes are not closed: {rest[:40]!r}")


def _unquoted(text: str) -> str | None:
    if text.startswith('"""'):
        return text[3:-3] if len(text) >= 6 and text.endswith('"""') else None
    if text.startswith('"'):
        return text[1:-1] if len(text) >= 2 and text.endswith('"') else None
    return text
