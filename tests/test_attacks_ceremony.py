"""Drafts by strangers, in a pull request: what a holder is shown is what his signature vouches for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import test_signing_ceremony as ceremonies
from galleryctl.signing import metadata, pairs
from test_signing_ceremony import files, holding

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from test_signing_ceremony import Run

desk = ceremonies.desk


def _keys(signed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = signed["keys"] if "keys" in signed else signed["delegations"]["keys"]
    return found


def _bend(desk: Path, change: Callable[[dict[str, Any]], None]) -> None:
    for path in (desk / "registry/trust/draft").iterdir():
        data = json.loads(path.read_bytes())
        change(data["signed"])
        path.write_text(json.dumps(data))


@pytest.mark.parametrize("whose", ["", "chen"])
def test_another_key_behind_a_known_id(run: Run, desk: Path, tmp_path: Path, whose: str) -> None:
    holding(run, desk)
    _, stranger = pairs.make(tmp_path / "mallory.pem", "ed25519")
    assert run("keys", "renew", cwd=desk).exit_code == 0

    def swap(signed: dict[str, Any]) -> None:
        for key in _keys(signed).values():
            if key.get("x-galleryctl-holder", "") == whose:
                key |= {"keytype": stranger.keytype, "scheme": stranger.scheme, "keyval": dict(stranger.keyval)}

    _bend(desk, swap)
    before = files(desk)
    done = run("keys", "ceremony", "sign", "--yes", "--key", "../ada.pem", cwd=desk)
    assert done.exit_code != 0
    assert "is another key; do not sign" in done.stderr
    assert files(desk) == before


def test_a_stranger_s_key_under_the_id_that_a_new_holder_told(run: Run, desk: Path, tmp_path: Path) -> None:
    holding(run, desk)
    _, stranger = pairs.make(tmp_path / "mallory.pem", "ed25519")
    assert run("keys", "rotate", "root", "--add", "dora=../dora.pub", cwd=desk).exit_code == 0

    def swap(signed: dict[str, Any]) -> None:
        for key in _keys(signed).values():
            if key.get("x-galleryctl-holder") == "dora":
                key |= {"keytype": stranger.keytype, "scheme": stranger.scheme, "keyval": dict(stranger.keyval)}

    _bend(desk, swap)
    done = run("keys", "ceremony", "sign", "--yes", "--key", "../ada.pem", cwd=desk)
    assert done.exit_code != 0
    assert "is another key" in done.stderr


@pytest.mark.parametrize("name", ["ada", "bob"])
def test_one_key_in_two_spellings_is_one(tmp_path: Path, name: str) -> None:
    _, key = pairs.make(tmp_path / f"{name}.pem", "ecdsa" if name == "bob" else "ed25519")
    public = key.keyval["public"]
    again = public.upper() if name == "ada" else public.strip() + "\n\n"
    twin = type(key)("ab" * 32, key.keytype, key.scheme, {"public": again})
    assert twin.keyval != key.keyval
    assert metadata.same(key, twin)
    assert not metadata.same(key, pairs.make(tmp_path / "other.pem", "ed25519")[1])
