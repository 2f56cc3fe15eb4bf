"""Fixtures of the forges, for all tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from forges.server import Server


@pytest.fixture
def forge_server(tmp_path: Path) -> Iterator[Server]:
    """A stand-in for GitHub with the repository `acme/gallery`; one complaint of GitHub's description fails the test.

    `forge_server.forge(BOB)` is the adapter as Bob, `.push` plays a push, `.path` is the bare repository,
    `.clone(folder)` a clone, `.url` with `BOB.token` the environment of a command. With `.state.remote = True` git
    speaks HTTP with it, too, and has to log in.
    """
    from forges.description import needed  # noqa: PLC0415 - tests that need no forge should not wait for it
    from forges.server import Server  # noqa: PLC0415
    from forges.state import State  # noqa: PLC0415

    needed()
    server = Server(State(tmp_path / "forge"))
    with server.running():
        yield server
    if server.complaints:
        pytest.fail("GitHub's description does not allow:\n" + "\n".join(server.complaints))
