"""The other pages: what is removed or renamed, changes, about, rules, 404; and the assets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from galleryctl import canonical
from galleryctl.output import Output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.site.frame import Frame


def outputs(frame: Frame) -> Iterator[Output]:
    yield from _assets(frame)


def _assets(frame: Frame) -> Iterator[Output]:
    for name, data in frame.look.assets.items():
        yield Output(f"assets/{name}", canonical.digest(data), partial(bytes, data))
