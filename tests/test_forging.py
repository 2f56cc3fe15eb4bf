"""Which repository a command speaks of, with which token, and to which address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from conftest import git
from forges.accounts import ADA, BOB, EVE
from galleryctl.cli import forging
from galleryctl.forge import ForgeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from forges.server import Server

WITHOUT = {"gallery.yaml": "title: Test gallery\nurl: https://gallery.example\n"}


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*forging.TOKENS, "GITHUB_REPOSITORY", "GITHUB_API_URL"):
        monkeypatch.delenv(name, raising=False)


def test_the_repository_is_as_given_then_the_workflow_the_settings_and_the_remote(
    registry: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    named = registry()
    git(named, "remote", "add", "origin", "git@git.example:remote/gallery.git")
    assert forging.name(named, None) == "acme/gallery"
    unnamed = registry(WITHOUT, name="unnamed")
    git(unnamed, "remote", "add", "origin", "git@git.example:remote/gallery.git")
    assert forging.name(unnamed, None) == "remote/gallery"
    monkeypatch.setenv("GITHUB_REPOSITORY", "workflow/gallery")
    assert forging.name(named, None) == "workflow/gallery"
    assert forging.name(named, "given/gallery") == "given/gallery"


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/acme/gallery",
        "https://github.com/acme/gallery.git",
        "https://github.com/acme/gallery/",
        "git@github.com:acme/gallery.git",
        "ssh://git@github.com/acme/gallery.git",
        "ssh://git@github.com:22/acme/gallery.git",
        "https://x-access-token:ghs_secret@github.com/acme/gallery.git",
    ],
)
def test_remotes_are_written_in_many_ways(registry: Callable[..., Path], address: str) -> None:
    folder = registry(WITHOUT)
    git(folder, "remote", "add", "origin", address)
    assert forging.name(folder, None) == "acme/gallery"


@pytest.mark.parametrize("address", ["", "/srv/git/gallery.git", "https://u:ghs_secret@git.example/too/deep/for/this"])
def test_a_repository_that_nobody_names_is_asked_for(registry: Callable[..., Path], address: str) -> None:
    folder = registry(WITHOUT)
    if address:
        git(folder, "remote", "add", "origin", address)
    with pytest.raises(click.UsageError, match="--repo OWNER/NAME") as raised:
        forging.name(folder, None)
    assert "secret" not in raised.value.format_message()


def test_the_first_token_that_is_set_counts(
    forge_server: Server, registry: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = registry()
    monkeypatch.setenv("GITHUB_API_URL", forge_server.url)
    with pytest.raises(click.UsageError, match="GALLERYCTL_TOKEN"):
        forging.forge(folder, None)
    for name, account in (("GH_TOKEN", EVE), ("GITHUB_TOKEN", BOB), ("GALLERYCTL_TOKEN", ADA)):
        monkeypatch.setenv(name, account.token)
        assert forging.forge(folder, None).me().id == account.id
    monkeypatch.setenv("GALLERYCTL_TOKEN", "")  # an unset secret of a workflow
    assert forging.forge(folder, None).me().id == BOB.id


def test_a_token_goes_to_no_address_in_the_clear(
    registry: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://forge.example")
    monkeypatch.setenv("GH_TOKEN", ADA.token)
    with pytest.raises(ForgeError, match="not https") as raised:
        forging.forge(registry(), None)
    assert ADA.token not in str(raised.value)
