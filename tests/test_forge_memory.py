"""The forge in memory plays the people, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from forges.accounts import ADA, MALLORY
from forges.memory import Hub
from galleryctl.forge import ForgeError

if TYPE_CHECKING:
    from galleryctl.forge import Forge


def test_seeded_pull_requests_need_no_push() -> None:
    hub = Hub()
    pull = hub.seed(MALLORY, "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", title="Add acme/foo", labels=("help",))
    forge: Forge = hub.forge(ADA)
    assert forge.by_head(pull.head) == [pull]
    assert forge.label(pull.number, {"turn/owner": "An owner has to act"})
    assert set(forge.pull(pull.number).labels) == {"help", "turn/owner"}


def test_failing_fails_every_call_until_it_is_over() -> None:
    hub = Hub()
    hub.failing = ForgeError("down")
    with pytest.raises(ForgeError, match="down"):
        hub.forge(ADA).me()
    hub.failing = None
    assert hub.forge(ADA).me().id == ADA.id
