"""Sources that fail at random, in every way they know: what has its name is right, and what has none is resumed."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

import pytest

from galleryctl.client.connections import Patience
from galleryctl.client.errors import PullError
from galleryctl.client.places import WORK
from pulls import DATA, OTHER, PIECE, bounds, parts, pulled, strays, wanted
from servers import Answer, Asked, ranged, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SMALL = DATA[: 4 * PIECE + 77]
WRONG = OTHER[: len(SMALL)]
HASTE = bounds(patience=Patience(step=0.3, window=0.5, tries=3, pause=0.001, ramp=0.0))


def cut(found: Answer, chance: random.Random) -> Answer:
    """An answer that ends in the middle."""
    body = found.body
    assert isinstance(body, bytes)
    length = chance.randrange(len(body) + 1)

    def some() -> Iterator[bytes]:
        yield body[:length]

    return Answer(found.status, some, {**found.headers, "Content-Length": str(len(body))})


def failing(seed: int, *, lies: bool) -> Callable[[Asked], Answer]:
    """A server that answers well two times of three; with `lies`, it sometimes sends other bytes too."""
    chance, lock = random.Random(seed), threading.Lock()  # noqa: S311 - the same in every run

    def answer(asked: Asked) -> Answer:
        good = ranged(asked, SMALL, {"ETag": '"1"'})
        with lock:
            fault, own = chance.randrange(24), random.Random(chance.random())  # noqa: S311
        faults: dict[int, Callable[[], Answer]] = {
            0: lambda: Answer(500),
            1: lambda: Answer(503, b"", {"Retry-After": "0"}),
            2: lambda: cut(good, own),
            3: lambda: cut(good, own),
            4: lambda: Answer(200, SMALL),
            5: lambda: ranged(asked, SMALL, {"ETag": '"2"'}),
            6: lambda: ranged(asked, WRONG) if lies else good,
            7: lambda: Answer(206, SMALL[:10], {"Content-Range": "bytes 5-14/99"}),
        }
        if fault == 8:
            time.sleep(own.uniform(0, 0.4))
        return faults.get(fault, lambda: good)()

    return answer


@pytest.mark.parametrize("seed", range(60))
def test_what_has_its_name_is_right(seed: int, tmp_path: Path) -> None:
    with (
        serving(failing(seed, lies=True)) as one,
        serving(failing(seed + 1000, lies=False)) as two,
        serving(parts(SMALL)) as sound,
    ):
        file = wanted(one.url, two.url, data=SMALL)
        for _ in range(3):
            try:
                pulled(tmp_path, file, bounds=HASTE)
            except PullError:
                assert not (tmp_path / "model.gguf").exists()
                assert all(name.startswith(WORK) for name in strays(tmp_path))
            else:
                break
        pulled(tmp_path, wanted(one.url, two.url, sound.url, data=SMALL), bounds=HASTE)
    assert (tmp_path / "model.gguf").read_bytes() == SMALL
    assert strays(tmp_path) == ["model.gguf"]


@pytest.mark.parametrize("seed", range(20))
def test_without_a_digest_it_is_of_one_state_at_least(seed: int, tmp_path: Path) -> None:
    """A server that changes the file and says so: never half of each."""
    count, lock = random.Random(seed).randrange(1, 12), threading.Lock()  # noqa: S311
    left = [count]

    def changing(asked: Asked) -> Answer:
        with lock:
            left[0] -= 1
            late = left[0] < 0
        return parts(WRONG, '"b"')(asked) if late else parts(SMALL, '"a"')(asked)

    with serving(changing) as served:
        bare = wanted(served.url, data=SMALL, sha256=None)
        pulled(tmp_path, bare, bounds=HASTE, allow_unverified=True)
    assert (tmp_path / "model.gguf").read_bytes() in {SMALL, WRONG}
