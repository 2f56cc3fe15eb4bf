"""Ollama: a Modelfile for each model, for `ollama create NAME -f Modelfile`, and the name of every target.

The format is that of docs/modelfile.mdx and parser/parser.go of ollama/ollama: a value in three quotes ends at the next
three, which cannot be escaped. Its templates are Go's, so only an overlay's is written; the neutral one is Jinja.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from galleryctl.exports import lists
from galleryctl.exports.base import File, Left, Made
from galleryctl.runtimes import Skipped, exported_name, overlay, targets
from galleryctl.runtimes.base import told
from galleryctl.runtimes.ollama import PARAMETERS, RUNTIME, reference
from galleryctl.runtimes.sentences import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from galleryctl.exports.base import Item
    from galleryctl.gallery import Outline
    from galleryctl.runtimes import Target
    from galleryctl.spec import Settings

NAME = RUNTIME.name
_LIST = "models.json"
_NAMES = {"max_tokens": "num_predict"}
_CONTEXT = 8192
"""Its own default is far less than most models hold; all that they were trained for may not fit."""
_SOURCE = re.compile(r"[A-Za-z0-9][^\s\"\x00-\x1f\x7f-\x9f]*").fullmatch
"""What stays on its line: nothing quotes the name behind FROM."""
_QUOTES = '"""'


def one(item: Item) -> Made:
    """The Modelfile of the first target that can be pulled, and what all are pulled by."""
    if item.type not in RUNTIME.formats:
        return lists.nothing(RUNTIME, item)
    name = exported_name(NAME, item.id, item.release)
    left: list[Left] = []
    rows: list[dict[str, Any]] = []
    files: list[File] = []
    for target in targets(item.id, item.type, item.version, item.release):
        source = told(target, RUNTIME, reference)
        if isinstance(source, Skipped):
            left.append(Left(target.variant.name, target.quantization, source.reason))
            continue
        if not files:
            lines = _modelfile(item, target, source)
            if isinstance(lines, Skipped):
                left.append(Left(target.variant.name, target.quantization, lines.reason))
            else:
                files.append(File(f"{item.id}/Modelfile", lines.encode()))
        rows.append(lists.row(target, name, ("pull", source), {}))
    return Made(((_LIST, rows),) if rows else (), tuple(files), lists.joined(item.release, left))


def _modelfile(item: Item, target: Target, source: str) -> str | Skipped:
    if not _SOURCE(source):
        return Skipped(say("no preset", text=" ".join(source.split())[:100]))
    block = overlay(item.release, NAME, target.variant)
    lines = [f"FROM {source}"]
    for key, value in _parameters(item.release.spec, block).items():
        if key not in PARAMETERS:
            return Skipped(say("no option", runtime=RUNTIME.title, option=key))
        for each in value if isinstance(value, list) else [value]:
            text = str(each).lower() if isinstance(each, bool) else str(each)
            if not isinstance(each, str | int | float) or _QUOTES in text or not text:
                return Skipped(say("no preset", text=key))
            lines.append(f"PARAMETER {key} {_quoted(text) if isinstance(each, str) else text}")
    texts = {"TEMPLATE": block.get("template"), "SYSTEM": block.get("system"), "LICENSE": item.model.license}
    for word, said in texts.items():
        if isinstance(said, str) and said:
            if _QUOTES in said:
                return Skipped(say("no preset", text=word))
            lines.append(f"{word} {_quoted(said)}")
    return "\n".join(lines) + "\n"


def _parameters(spec: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, object]:
    """Those that neutral fields say, then the overlay's."""
    found: dict[str, object] = {}
    context = spec.get("context_length")
    if isinstance(context, int):
        found["num_ctx"] = min(context, _CONTEXT)
    defaults = spec.get("defaults")
    generate = defaults.get("generate") if isinstance(defaults, dict) else None
    for key, value in generate.items() if isinstance(generate, dict) else ():
        name = _NAMES.get(key, key)
        if name in PARAMETERS:
            found[name] = value
    prompt = spec.get("prompt")
    if isinstance(prompt, dict) and prompt.get("stop"):
        found["stop"] = prompt["stop"]
    own = block.get("parameters")
    return found | (own if isinstance(own, dict) else {})


def _quoted(text: str) -> str:
    plain = text.isascii() and text.isprintable() and text == text.strip() and '"' not in text
    return f'"{text}"' if plain else f"{_QUOTES}{text}{_QUOTES}"


def shared(settings: Settings) -> Sequence[str]:  # noqa: ARG001 - the port's signature
    return (_LIST,)


def whole(path: str, parts: Iterable[tuple[Outline, Any]], settings: Settings) -> Iterator[bytes]:  # noqa: ARG001 - the port's signature
    return lists.document(NAME, parts)
