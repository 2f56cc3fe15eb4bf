"""OpenAI API: the body of `GET /v1/models`, with which any client of that interface lists the gallery.

`created` is when the release came out, else when the model was added; 0 where neither is known, since clients refuse a
listing without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galleryctl import canonical
from galleryctl.exports.base import Made

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from galleryctl.exports.base import Item
    from galleryctl.gallery import Outline
    from galleryctl.spec import Settings

NAME = "openai"
_LIST = "models.json"


def one(item: Item) -> Made:
    """One line of the listing."""
    when = item.release.released or item.release.published or item.outline.added
    created = int(when.timestamp()) if when else 0
    publisher = item.id.partition("/")[0]
    return Made(((_LIST, {"id": item.id, "object": "model", "created": created, "owned_by": publisher}),))


def shared(settings: Settings) -> Sequence[str]:  # noqa: ARG001 - the port's signature
    return (_LIST,)


def whole(path: str, parts: Iterable[tuple[Outline, Any]], settings: Settings) -> Iterator[bytes]:  # noqa: ARG001 - the port's signature
    yield b'{"object":"list","data":['
    separator = b"\n"
    for _, row in parts:
        yield separator + canonical.dumps(row)
        separator = b",\n"
    yield b"\n]}\n"
