"""llama.cpp: presets for `llama-server --models-preset`, and the arguments of every target in one document.

The grammar of presets is that of tools/server/README.md and common/preset.cpp of ggml-org/llama.cpp: a section for each
model, `key = value` with long options without dashes. One option that the server does not know, and it does not start:
overlays may say those that belong to a model. A value ends at `;` or `#`: neither can be quoted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from galleryctl.exports import lists
from galleryctl.exports.base import Left, Made
from galleryctl.runtimes import Skipped, exported_name, overlay, targets
from galleryctl.runtimes.base import options, told
from galleryctl.runtimes.llama_cpp import OPTIONS, RUNTIME, served
from galleryctl.runtimes.sentences import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from galleryctl.exports.base import Item
    from galleryctl.gallery import Outline
    from galleryctl.runtimes.base import Served
    from galleryctl.spec import Settings

NAME = RUNTIME.name
_PRESETS, _LIST = "models.ini", "models.json"
_VALUE = re.compile(r"[^;#\r\n\0]+").fullmatch
_SECTION = re.compile(r"[^\]\r\n\0]+").fullmatch
# No `version` at the top, though it may stand there: what stands before the first section becomes a model of its own.
_START = b"; Presets for: llama-server --models-preset models.ini\n"


def one(item: Item) -> Made:
    """A section and the arguments of each target."""
    if item.type not in RUNTIME.formats:
        return lists.nothing(RUNTIME, item)
    stated = "name" in overlay(item.release, NAME)
    base = exported_name(NAME, item.id, item.release) if stated else item.id
    left: list[Left] = []
    rows: list[dict[str, Any]] = []
    presets: list[str] = []
    for target in targets(item.id, item.type, item.version, item.release):
        said = told(target, RUNTIME, served)
        name = f"{base}:{target.variant.name}-{target.quantization}"
        if not isinstance(said, Skipped):
            rows.append(lists.row(target, name, options(said.options), said.env))
        preset = said if isinstance(said, Skipped) else _preset(name, said)
        if isinstance(preset, Skipped):
            left.append(Left(target.variant.name, target.quantization, preset.reason))
        else:
            presets.append(preset)
    parts = [(path, found) for path, found in ((_PRESETS, presets), (_LIST, rows)) if found]
    return Made(tuple(parts), (), lists.joined(item.release, left))


def _preset(name: str, said: Served) -> str | Skipped:
    if said.env:
        return Skipped(say("no environment", runtime=RUNTIME.title))
    if not _SECTION(name):
        return Skipped(say("no preset", text=name))
    lines = [f"[{name}]"]
    for key, value in said.options.items():
        if key not in OPTIONS:
            return Skipped(say("no option", runtime=RUNTIME.title, option=key))
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if not isinstance(value, str | int | float) or not _VALUE(text) or text != text.strip():
            return Skipped(say("no preset", text=key))
        lines.append(f"{key} = {text}")
    return "\n".join(lines)


def shared(settings: Settings) -> Sequence[str]:  # noqa: ARG001 - the port's signature
    return (_PRESETS, _LIST)


def whole(path: str, parts: Iterable[tuple[Outline, Any]], settings: Settings) -> Iterator[bytes]:  # noqa: ARG001 - the port's signature
    if path == _LIST:
        yield from lists.document(NAME, parts)
        return
    yield _START
    for _, presets in parts:
        for preset in presets:
            yield f"\n{preset}\n".encode()
