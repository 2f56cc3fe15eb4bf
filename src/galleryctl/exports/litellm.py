"""LiteLLM: the proxy's list of models, one entry for each engine of the gallery that serves a model.

The shape is that of https://docs.litellm.ai/docs/proxy/configs. A model's own id is the name of its first engine, in
the order of `runtimes` in `gallery.yaml`; the others are `<id>@<engine>`, since LiteLLM spreads requests over entries
of one name, and engines hold different builds. Addresses are variables of the environment, and so is Xinference's key:
LiteLLM refuses to ask it without one, also where the server wants none.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from galleryctl import document
from galleryctl.exports import lists
from galleryctl.exports.base import Left, Made
from galleryctl.runtimes import targets
from galleryctl.runtimes.litellm import ENGINES, MODES, NAME, TITLE, served
from galleryctl.runtimes.sentences import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from galleryctl.exports.base import Item
    from galleryctl.gallery import Outline
    from galleryctl.spec import Settings

__all__ = ["NAME", "one", "shared", "whole"]

_CONFIG = "config.yaml"
_SAYS = {
    "tools": "supports_function_calling",
    "vision": "supports_vision",
    "reasoning": "supports_reasoning",
    "audio": "supports_audio_input",
}


def one(item: Item) -> Made:
    """One entry for each engine, with the first target that it serves."""
    if item.type not in MODES:
        return Made(left=(Left("", "", say("type", runtime=TITLE, type=item.type)),))
    info = _info(item)
    found: dict[str, str] = {}
    left: list[Left] = []
    for target in targets(item.id, item.type, item.version, item.release):
        ways = {engine: way for engine in ENGINES if engine not in found and (way := served(engine, target))}
        if not ways and not any(served(engine, target) for engine in found):
            left.append(Left(target.variant.name, target.quantization, say("no server", runtime=TITLE)))
        for engine, way in ways.items():
            key = {"api_key": f"os.environ/{way.key}"} if way.key else {}
            params = {"model": way.model, "api_base": f"os.environ/{way.address}", **key}
            told = {"litellm_params": params, "model_info": {"id": f"{item.id}@{engine}", **info}}
            found[engine] = "".join(f"    {key}: {document.inline(each)}\n" for key, each in told.items())
    parts = tuple((_CONFIG, [engine, text]) for engine, text in found.items())
    return Made(parts, (), lists.joined(item.release, left))


def _info(item: Item) -> Mapping[str, Any]:
    """What clients of the proxy may know of a model; nothing that the definition does not say."""
    spec = item.release.spec
    said = spec.get("abilities")
    abilities = said if isinstance(said, list) else []
    info: dict[str, Any] = {"mode": MODES[item.type]}
    if item.type == "llm" and "generate" in abilities and "chat" not in abilities:
        info["mode"] = "completion"
    for field, key in (("context_length", "max_input_tokens"), ("dimensions", "output_vector_size")):
        if isinstance(number := spec.get(field), int) and not isinstance(number, bool):
            info[key] = number
    return info | {key: True for ability, key in _SAYS.items() if ability in abilities}


def shared(settings: Settings) -> Sequence[str]:  # noqa: ARG001 - the port's signature
    return (_CONFIG,)


def whole(path: str, parts: Iterable[tuple[Outline, Any]], settings: Settings) -> Iterator[bytes]:  # noqa: ARG001 - the port's signature
    """Only engines that the gallery exports to are asked; all that are known, where it names none of them."""
    engines = [engine for engine in settings.runtimes if engine in ENGINES] or list(ENGINES)
    empty = True
    for identifier, group in groupby(parts, key=lambda part: part[0].id):
        texts = {engine: text for _, (engine, text) in group}
        for number, engine in enumerate(engine for engine in engines if engine in texts):
            name = f"{identifier}@{engine}" if number else identifier
            head = "model_list:\n" if empty else ""
            yield f"{head}  - model_name: {document.inline(name)}\n{texts[engine]}".encode()
            empty = False
    if empty:
        yield b"model_list: []\n"
