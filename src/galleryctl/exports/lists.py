"""What the exports of command lines have in common: one JSON document with the arguments of every target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from galleryctl.exports.base import Left, Made
from galleryctl.runtimes.sentences import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from galleryctl.exports.base import Item
    from galleryctl.gallery import Outline
    from galleryctl.runtimes import Runtime, Target
    from galleryctl.spec import Release


def nothing(runtime: Runtime, item: Item) -> Made:
    """A model of a type that the runtime does not load."""
    return Made(left=(Left("", "", say("type", runtime=runtime.title, type=item.type)),))


def row(target: Target, name: str, arguments: Sequence[str], env: Mapping[str, str]) -> dict[str, Any]:
    """One target: how the runtime calls it, and the words after the program's name."""
    found = {"name": name, "variant": target.variant.name, "quantization": target.quantization}
    return found | ({"env": dict(env)} if env else {}) | {"arguments": list(arguments)}


def joined(release: Release, left: Sequence[Left]) -> tuple[Left, ...]:
    """One line for a variant of which every quantization is left out for one reason."""
    counts = {variant.name: len(variant.quantizations) or 1 for variant in release.variants}
    found: list[Left] = []
    for each in left:
        same = [other for other in left if other.variant == each.variant and other.reason == each.reason]
        whole = len(same) == counts.get(each.variant) and len(same) > 1
        told = Left(each.variant, "", each.reason) if whole else each
        if told not in found:
            found.append(told)
    return tuple(found)


def document(runtime: str, parts: Iterable[tuple[Outline, Any]]) -> Iterator[bytes]:
    """`{"runtime": …, "models": {id: [target, …]}}`, one line for each model."""
    yield b'{"runtime":' + to_json(runtime) + b',"models":{'
    separator = b"\n"
    for outline, rows in parts:
        yield separator + to_json(outline.id) + b":" + to_json(rows)
        separator = b",\n"
    yield b"\n}}\n"
