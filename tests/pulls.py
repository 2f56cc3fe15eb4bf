"""Files to pull from servers on this machine, and servers that misbehave while they give them."""

from __future__ import annotations

import hashlib
import random
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from galleryctl.client.connections import Patience
from galleryctl.client.pulling import Bounds, pull
from galleryctl.client.sources import Address, Wanted
from galleryctl.fetch import Http
from servers import Answer, Asked, ranged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from galleryctl.client.results import Pulled

PIECE = 2**16
DATA = random.Random(5).randbytes(10 * PIECE + 123)  # noqa: S311 - the same in every run
OTHER = random.Random(6).randbytes(len(DATA))  # noqa: S311
QUICK = Patience(step=5.0, pause=0.01, ramp=0.0)


def http() -> Http:
    return Http(allow_private=True, sleep=lambda _: None)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wanted(*urls: str, data: bytes = DATA, name: str = "model.gguf", **changes: Any) -> Wanted:  # noqa: ANN401
    found = Wanted(name, name, len(data), sha256(data), tuple(Address(url, "address") for url in urls))
    return replace(found, **changes)


def bounds(**changes: Any) -> Bounds:  # noqa: ANN401
    return replace(Bounds(piece=PIECE, patience=QUICK), **changes)


def pulled(into: Path, *files: Wanted, **given: Any) -> Pulled:  # noqa: ANN401
    options: dict[str, Any] = {"fetcher": http(), "bounds": bounds()}
    return pull(files, into, **(options | given))


def strays(into: Path) -> list[str]:
    """Every file below a folder but the journal of what was verified: names that anybody could take for whole."""
    names = [path.relative_to(into).as_posix() for path in into.rglob("*") if path.is_file()]
    return sorted(name for name in names if name.rpartition("/")[2] not in {"verified.json", "lock"})


def first(asked: Asked) -> int:
    """The first byte that was asked for."""
    return int(asked.headers.get("range", "bytes=0-")[6:].partition("-")[0])


def plain(data: bytes = DATA) -> Callable[[Asked], Answer]:
    """A server that sends no parts."""
    return lambda _: Answer(200, data)


def parts(data: bytes = DATA, etag: str = '"one"') -> Callable[[Asked], Answer]:
    """A server that sends parts, of the state they were asked of."""

    def answer(asked: Asked) -> Answer:
        if asked.headers.get("if-range", etag) != etag:
            return Answer(200, data, {"ETag": etag})
        return ranged(asked, data, {"ETag": etag})

    return answer


def dying(data: bytes = DATA, after: int = PIECE // 2, times: int = 10**9) -> Callable[[Asked], Answer]:
    """A server whose first answers end in the middle."""
    left, lock = [times], threading.Lock()

    def answer(asked: Asked) -> Answer:
        whole = ranged(asked, data)
        with lock:
            left[0] -= 1
            if left[0] < 0 or not isinstance(whole.body, bytes):
                return whole
        body = whole.body

        def some() -> Iterator[bytes]:
            yield body[:after]

        return Answer(whole.status, some, {**whole.headers, "Content-Length": str(len(body))})

    return answer
