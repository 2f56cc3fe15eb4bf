"""The options by which commands name a published gallery."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from galleryctl.cli import options
from galleryctl.cli.gallery import gallery, opened
from galleryctl.client import VerificationError
from worlds import World

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = ("GALLERYCTL_GALLERY", "GALLERYCTL_ROOT", "GALLERYCTL_CACHE")


def asked(*words: str, **environment: str) -> Any:  # noqa: ANN401 - what the command was given
    given: dict[str, Any] = {}

    @click.command()
    @gallery
    def command(**values: object) -> None:
        given.update(values)

    runner = CliRunner(env={**dict.fromkeys(ENVIRONMENT), **environment})
    done = runner.invoke(command, words)
    return given if done.exit_code == 0 else done.output


def test_words() -> None:
    given = asked("-g", "https://x.example", "--root", "r.json", "--cache", "c", "--grace", "30d", "--allow-private")
    assert (given["url"], given["root"].name, given["cache"].name) == ("https://x.example", "r.json", "c")
    assert (given["grace"], given["unsigned"], given["allow_private"]) == (dt.timedelta(days=30), False, True)


def test_environment() -> None:
    given = asked(GALLERYCTL_GALLERY="https://x.example", GALLERYCTL_ROOT="r.json", GALLERYCTL_CACHE="c")
    assert (given["url"], str(given["root"]), str(given["cache"])) == ("https://x.example", "r.json", "c")


def test_no_gallery() -> None:
    assert "Missing option '--gallery' / '-g' (env var: 'GALLERYCTL_GALLERY')" in asked()


@pytest.mark.parametrize("text", ["models.example.org", "127.0.0.1:8000", "localhost/gallery"])
def test_a_host_without_a_scheme(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"{text} is no folder here; did you mean https://{text}?" in asked("-g", text)
    (tmp_path / text).mkdir(parents=True)
    assert asked("-g", text)["url"] == text


@pytest.mark.parametrize("text", ["copy", "./copy", "/srv/copy.d", "https://models.example.org"])
def test_a_folder_that_is_away_is_one(text: str) -> None:
    assert asked("-g", text)["url"] == text


@pytest.mark.parametrize("text", ["30", "d", "-3d", "30 days", "", "9999999d"])
def test_graces_that_are_none(text: str) -> None:
    assert "is no time; write 30d, 72h or 15m" in asked("-g", "x", "--grace", text)


def test_opened(tmp_path: Path) -> None:
    world = World().publish()
    site = tmp_path / "site"
    for name, data in world.files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(data)
    root = site / "metadata/1.root.json"
    reader = opened(str(site), root, tmp_path / "cache", None, unsigned=True, allow_private=False)
    assert reader.sync().serial == 1  # the flag wins against a root of the environment
    with pytest.raises(VerificationError, match="none was given"):
        opened(str(site), None, tmp_path / "cache", None, unsigned=False, allow_private=False)


def test_a_root_beside_unsigned(tmp_path: Path) -> None:
    @click.command()
    @gallery
    def command(**values: Any) -> None:  # noqa: ANN401 - of the options
        opened(**values)

    words = ["-g", "https://x.example", "--cache", str(tmp_path), "--unsigned"]
    named = CliRunner(env=dict.fromkeys(ENVIRONMENT)).invoke(command, [*words, "--root", "1.root.json"])
    assert (named.exit_code, "--root or --unsigned, not both" in named.output) == (2, True)
    done = CliRunner(env={"GALLERYCTL_ROOT": "1.root.json"}).invoke(command, words)
    assert (done.exit_code, done.stderr.count("note: 1.root.json of GALLERYCTL_ROOT is not used")) == (0, 1)
    assert CliRunner(env=dict.fromkeys(ENVIRONMENT)).invoke(command, words).output == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 seconds"), (1, "1 second"), (119, "119 seconds"), (120, "2 minutes"), (7199, "119 minutes"),
        (7200, "2 hours"), (172_799, "47 hours"), (7 * 86_400 - 1, "6 days"), (7 * 86_400, "7 days"),
    ],
)  # fmt: skip
def test_how_long_something_lasts_is_never_said_to_be_longer(seconds: float, words: str) -> None:
    assert options.lasting(seconds) == words
