"""Whatever changes of keys follow each other: the trust holds together, and only keys that it names count."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING

import pytest

from galleryctl.errors import UsageError
from galleryctl.signing import developing, draft, pairs, rotating
from galleryctl.signing.errors import SignatureError
from galleryctl.signing.metadata import ONLINE
from galleryctl.signing.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from galleryctl.signing.rotating import Proposal

START = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
STEPS = 12


def change(chance: random.Random, keys: Path, now: dt.datetime) -> Callable[[Trust], Proposal]:
    """Something that people might propose, possible or not."""
    people = sorted(developing.holders(keys))
    match chance.randrange(7):
        case 0:
            return lambda trust: rotating.renewed(
                trust, now, chance.choice([["root"], ["targets"], ["root", "targets"]])
            )
        case 1:
            return lambda trust: rotating.with_online(trust, [developing.online(keys)], now)
        case 2 | 3:
            role, name = chance.choice(["root", "targets"]), f"person-{chance.randrange(1000)}"
            gone = [developing.identified(keys, who) for who in chance.sample(people, chance.randrange(2))]
            return lambda trust: rotating.with_holders(
                trust, role, now, added={name: developing.holder(keys, name)}, removed=gone
            )
        case 4:
            return lambda trust: rotating.with_holders(trust, "root", now, added={}, threshold=chance.randint(1, 4))
        case 5:
            who = developing.identified(keys, chance.choice(people))
            return lambda trust: rotating.without(trust, who, now)
        case _:
            return lambda trust: rotating.with_online(trust, [*trust.online, pairs.generate().public_key], now)


@pytest.mark.parametrize("seed", range(3))
def test_any_way_through_leaves_a_trust_that_holds(tmp_path: Path, seed: int) -> None:
    chance, keys, now = random.Random(seed), tmp_path / "keys", START  # noqa: S311 - no secret
    developing.create(keys, now)
    done = 0
    for _ in range(STEPS):
        now += dt.timedelta(days=1)
        before = Trust.read(keys / "trust")
        try:
            after, made = developing.complete(keys, change(chance, keys, now))
        except (UsageError, SignatureError):
            draft.discard(keys / "trust")  # a person would say it once more, or otherwise
            assert Trust.read(keys / "trust") == before
            continue
        done += bool(made)
        assert after == Trust.read(keys / "trust"), "old and new root are satisfied, and targets hold"
        assert after.roots[: len(before.roots)] == before.roots
        assert (len(after.roots), max(after.targets)) >= (len(before.roots), max(before.targets))
        assert not (keys / "trust/draft").exists()
        people = {key.keyid for role in ("root", "targets") for key in after.keys(role)}
        programs = {key.keyid for role in ONLINE for key in after.keys(role)}
        assert people.isdisjoint(programs)
        assert after.online, "something can be published"
        assert after.root.keys.keys() == people | programs - {key.keyid for key in after.keys("catalog")} | {
            key.keyid for key in after.online
        }
    assert done > STEPS // 3
