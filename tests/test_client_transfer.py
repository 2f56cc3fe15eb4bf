"""One file from several addresses: what breaks, lies or changes is left for the next one, and what comes is right."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from galleryctl.client.connections import Patience
from galleryctl.client.errors import PullError
from galleryctl.client.places import WORK
from galleryctl.client.sources import Address
from pulls import DATA, OTHER, PIECE, bounds, dying, first, parts, plain, pulled, strays, wanted
from servers import Answer, Asked, ranged, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Server = Callable[[Asked], Answer]

LESS = bounds(patience=Patience(step=5, pause=0.01, tries=2))


def short(_: Asked) -> Answer:
    return Answer(200, DATA[:-1])


def lengthened(asked: Asked) -> Answer:
    return ranged(asked, DATA + b"more")


def boundless(_: Asked) -> Answer:
    return Answer(200, lambda: iter([DATA, b"more"]))


def shifted(asked: Asked) -> Answer:
    found = ranged(asked, DATA)
    return Answer(found.status, found.body, {**found.headers, "Content-Range": f"bytes 7-70/{len(DATA)}"})


def babbling(asked: Asked) -> Answer:
    found = ranged(asked, DATA)
    assert isinstance(found.body, bytes)
    return Answer(found.status, lambda: iter([found.body, found.body]), found.headers)  # type: ignore[list-item]


def packed(_: Asked) -> Answer:
    return Answer(206, DATA, {"Content-Encoding": "gzip"})


BAD: dict[str, Server] = {
    "missing": lambda _: Answer(404),
    "wants a login": lambda _: Answer(401),
    "broken": lambda _: Answer(500),
    "dies at once": lambda _: Answer(200, list[bytes]().__iter__, {"Content-Length": str(len(DATA))}),
    "dies again and again": dying(after=100),
    "other bytes, in parts": parts(OTHER),
    "other bytes, whole": plain(OTHER),
    "short": short,
    "long": lengthened,
    "long without saying so": boundless,
    "other parts than asked for": shifted,
    "more than the part": babbling,
    "compressed parts": packed,
    "leads in circles": lambda asked: Answer(302, b"", {"Location": asked.path}),
    "leads to another scheme": lambda _: Answer(302, b"", {"Location": "file:///etc/passwd"}),
}


@pytest.mark.parametrize("bad", BAD)
def test_the_next_source_makes_up_for_a_bad_one(bad: str, tmp_path: Path) -> None:
    with serving(BAD[bad]) as one, serving(parts()) as two:
        found = pulled(tmp_path, wanted(one.url, two.url), bounds=LESS)
    assert (tmp_path / "model.gguf").read_bytes() == DATA
    assert strays(tmp_path) == ["model.gguf"]
    assert one.url in found.warnings[0]
    assert "model.gguf" in found.warnings[0]


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_source_alone_gives_nothing(bad: str, tmp_path: Path) -> None:
    with serving(BAD[bad]) as only, pytest.raises(PullError, match=only.url):
        pulled(tmp_path, wanted(only.url), bounds=LESS)
    assert [name for name in strays(tmp_path) if not name.startswith(WORK)] == []


def test_what_a_dying_source_gave_is_kept(tmp_path: Path) -> None:
    def dies(asked: Asked) -> Answer:
        return ranged(asked, DATA) if first(asked) < 3 * PIECE else Answer(500)

    with serving(dies) as one, serving(parts()) as two:
        found = pulled(tmp_path, wanted(one.url, two.url), bounds=bounds(ranges=1))
    assert found.fetched < 1.2 * len(DATA)
    assert (tmp_path / "model.gguf").read_bytes() == DATA


@pytest.mark.parametrize("ranges", [1, 4])
def test_a_source_that_dies_now_and_then_is_asked_for_the_rest(ranges: int, tmp_path: Path) -> None:
    with serving(dying(after=PIECE - 5, times=30)) as served:
        found = pulled(tmp_path, wanted(served.url), bounds=bounds(ranges=ranges, piece=4 * PIECE))
    assert found.fetched == len(DATA)
    assert (tmp_path / "model.gguf").read_bytes() == DATA


def test_one_without_parts_begins_again_but_not_for_ever(tmp_path: Path) -> None:
    answers = [PIECE, 2 * PIECE, len(DATA)]

    def serve(_: Asked) -> Answer:
        length = answers.pop(0) if answers else 10
        return Answer(200, lambda: iter([DATA[:length]]), {"Content-Length": str(len(DATA))})

    with serving(serve) as served:
        pulled(tmp_path / "a", wanted(served.url))
        assert (tmp_path / "a" / "model.gguf").read_bytes() == DATA
        with pytest.raises(PullError, match="times in a row"):
            pulled(tmp_path / "b", wanted(served.url))


def test_half_from_a_liar_is_found_out(tmp_path: Path) -> None:
    """Wrong bytes from the first, which then breaks; the rest from the second: nobody can tell who lied."""

    def lies(asked: Asked) -> Answer:
        return ranged(asked, OTHER) if first(asked) < 3 * PIECE else Answer(500)

    with serving(lies) as one, serving(parts()) as two:
        found = pulled(tmp_path, wanted(one.url, two.url), bounds=bounds(ranges=1))
    assert (tmp_path / "model.gguf").read_bytes() == DATA
    assert any("several sources" in each for each in found.warnings)


def test_facts_that_contradict_each_other(tmp_path: Path) -> None:
    with serving(parts()) as served, pytest.raises(PullError, match="recorded as empty"):
        pulled(tmp_path, wanted(served.url, size=0))


def test_a_closed_door_says_which_token_opens_it(tmp_path: Path) -> None:
    with serving(lambda _: Answer(403)) as served:
        hub = wanted(addresses=(Address(served.url, "huggingface"),))
        with pytest.raises(PullError, match="HF_TOKEN takes a token"):
            pulled(tmp_path, hub)


def test_what_the_operator_named_leads_nowhere_else(tmp_path: Path) -> None:
    with serving(parts()) as inner:
        moved = Answer(302, b"", {"Location": f"{inner.url}/secret"})
        with serving(lambda _: moved) as mirror:
            own = wanted(addresses=(Address(mirror.url, "mirror", own=True),))
            with pytest.raises(PullError, match="redirected to another host"):
                pulled(tmp_path, own)
        assert inner.asked == []


def test_two_liars_and_a_true_one(tmp_path: Path) -> None:
    with serving(parts(OTHER)) as one, serving(plain(OTHER)) as two, serving(parts()) as third:
        found = pulled(tmp_path, wanted(one.url, two.url, third.url))
    assert (tmp_path / "model.gguf").read_bytes() == DATA
    assert len(found.warnings) == 2


class TestChanges:
    def changing(self, new: bytes, *, after: int) -> Server:
        """A server whose file becomes another one after so many answers."""
        count, lock = [0], threading.Lock()

        def answer(asked: Asked) -> Answer:
            with lock:
                count[0] += 1
                late = count[0] > after
            return parts(new, '"new"')(asked) if late else parts(OTHER, '"old"')(asked)

        return answer

    def test_the_file_as_it_is_now_is_taken_if_it_is_right(self, tmp_path: Path) -> None:
        with serving(self.changing(DATA, after=4)) as served:
            pulled(tmp_path, wanted(served.url), bounds=bounds(ranges=1))
        assert (tmp_path / "model.gguf").read_bytes() == DATA

    def test_two_states_never_become_one_file(self, tmp_path: Path) -> None:
        with serving(self.changing(DATA, after=1)) as served:
            bare = wanted(served.url, sha256=None)
            pulled(tmp_path, bare, bounds=bounds(ranges=1), allow_unverified=True)
        assert (tmp_path / "model.gguf").read_bytes() in {DATA, OTHER}

    def test_a_source_whose_tags_mean_nothing(self, tmp_path: Path) -> None:
        count = iter(range(10**6))
        with serving(lambda asked: ranged(asked, DATA, {"ETag": f'"{next(count)}"'})) as served:
            pulled(tmp_path / "a", wanted(served.url))
            assert (tmp_path / "a" / "model.gguf").read_bytes() == DATA
            bare = wanted(served.url, sha256=None)
            with pytest.raises(PullError, match="was changed there"):
                pulled(tmp_path / "b", bare, allow_unverified=True)


def test_a_redirect_to_where_the_bytes_lie(tmp_path: Path) -> None:
    with serving(parts()) as cdn:
        moved = Answer(302, b"", {"Location": f"{cdn.url}/signed?secret=1"})
        with serving(lambda _: moved) as hub:
            found = pulled(tmp_path, wanted(hub.url))
    assert found.fetched == len(DATA)
    assert all("range" in asked.headers for asked in cdn.asked)


def test_without_parts_a_second_source_goes_on(tmp_path: Path) -> None:
    """What was fetched before is not thrown away as long as somebody sends parts."""

    def breaks(asked: Asked) -> Answer:
        return ranged(asked, DATA) if first(asked) < 5 * PIECE else Answer(404)

    with serving(breaks) as one, serving(plain()) as two, serving(parts()) as third:
        found = pulled(tmp_path, wanted(one.url, two.url, third.url), bounds=bounds(ranges=1))
    assert (tmp_path / "model.gguf").read_bytes() == DATA
    assert found.fetched <= len(DATA) + PIECE
