"""What runtimes and services would see of a comparison."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from conftest import MINIMAL
from galleryctl.loading import comparing
from galleryctl.reviewing import effects
from galleryctl.reviewing.effects import Effects, Hit, Reach, Weight

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Path]
    Commit = Callable[..., str]

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
TINY = "models/llm/acme/tiny"
MODEL = f"{MINIMAL[f'{TINY}/model.yaml']}"
RELEASE = f"{MINIMAL[f'{TINY}/1.0.0.yaml']}"
SETTINGS = f"{MINIMAL['gallery.yaml']}runtimes: [xinference, llama.cpp]\n"


def pins(*lines: str) -> dict[str, str]:
    listed = "".join(f"  - {{model: acme/tiny{line}}}\n" for line in lines)
    return {"consumers/chat.yaml": f"title: Chat\nowners: [ada]\npins:\n{listed}"}


@pytest.fixture
def of(registry: Make, commit: Commit) -> Callable[..., Effects]:
    """The effects of changing some files."""

    def call(changed: dict[str, Any], before: dict[str, Any] | None = None) -> Effects:
        folder = registry({"gallery.yaml": SETTINGS, **(before or {})})
        commit(folder, changed)
        compared = comparing.compare(folder.parent, folder.name, base="HEAD~1", merged="HEAD", now=NOW)
        return effects.of(compared.comparison)

    return call


def test_a_new_model_is_added_where_it_fits_and_left_out_elsewhere(of: Callable[..., Effects]) -> None:
    found = of({"models/llm/acme/other/model.yaml": MODEL, "models/llm/acme/other/1.0.0.yaml": RELEASE})
    left, added = found.reaches
    assert (left.runtime, left.model, left.outcome) == ("llama.cpp", "acme/other", "left out")
    assert "pytorch" in left.left[0]
    assert added == Reach(
        "xinference",
        "acme/other",
        "added",
        ("runtimes/xinference/register/llm/other.json", "runtimes/xinference/llm.json"),
        (),
    )
    assert found.weights == (Weight("acme/other", 2_000_000_000, 0),)
    assert (found.added, found.removed) == (2_000_000_000, 0)


def test_a_changed_entry_and_one_that_goes(of: Callable[..., Effects]) -> None:
    found = of({f"{TINY}/model.yaml": f"{MODEL}listed: false\n"})
    assert [(reach.runtime, reach.outcome) for reach in found.reaches] == [("xinference", "removed")]
    assert found.weights == ()


def test_what_no_runtime_reads_has_no_effect(of: Callable[..., Effects]) -> None:
    found = of({f"{TINY}/model.yaml": f"{MODEL}maintainers: [bob]\n"})
    assert found == Effects(("xinference", "llama.cpp"), (), (), ())


def test_bytes_are_counted_by_digest(of: Callable[..., Effects]) -> None:
    moved = RELEASE.replace("model.safetensors", "weights.safetensors")
    assert of({f"{TINY}/1.1.0.yaml": moved}).added == 0


@pytest.mark.parametrize(
    ("pin", "changed", "hit"),
    [
        ("", {f"{TINY}/1.1.0.yaml": RELEASE}, ("", "moved", "1.0.0", "1.1.0")),
        (", version: 1.0.0", {f"{TINY}/1.1.0.yaml": RELEASE}, None),
        (
            ", version: 1.0.0",
            {f"{TINY}/1.0.0.yaml": f"{RELEASE}status: quarantined\nreason: Bad.\n"},
            ("1.0.0", "quarantined", "active", "quarantined"),
        ),
        (
            "",
            {f"{TINY}/1.0.0.yaml": f"{RELEASE}status: discontinued\nreason: Old.\n"},
            ("", "discontinued", "1.0.0", ""),
        ),
        (
            ", version: 1.0.0",
            {f"{TINY}/model.yaml": f"{MODEL}status: deprecated\nreason: Old.\n"},
            ("1.0.0", "deprecated", "active", "deprecated"),
        ),
        (
            ", version: 1.0.0",
            {f"{TINY}/1.0.0.yaml": None, f"{TINY}/1.1.0.yaml": RELEASE},
            ("1.0.0", "removed", "active", ""),
        ),
        (
            "",
            dict.fromkeys((f"{TINY}/1.0.0.yaml", f"{TINY}/model.yaml", f"{TINY}/README.md")),
            ("", "removed", "1.0.0", ""),
        ),
        (
            ", version: 1.0.0",
            {f"{TINY}/1.0.0.yaml": RELEASE.replace("4096", "8192")},
            ("1.0.0", "changed", "active", "active"),
        ),
        ("", {f"{TINY}/1.0.0.yaml": RELEASE.replace("First", "Very first")}, None),
        ("", {f"{TINY}/model.yaml": f"{MODEL}expires: 2026-01-01\n"}, ("", "discontinued", "1.0.0", "")),
    ],
)
def test_pins(
    of: Callable[..., Effects], pin: str, changed: dict[str, Any], hit: tuple[str, Any, str, str] | None
) -> None:
    found = of(changed, pins(pin)).hits
    assert found == ((Hit("chat", "acme/tiny", *hit, "Chat", ("ada",)),) if hit else ())


def test_a_release_that_comes_back(of: Callable[..., Effects]) -> None:
    ended = f"{RELEASE}status: discontinued\nreason: Old.\n"
    found = of({f"{TINY}/1.0.0.yaml": RELEASE}, {f"{TINY}/1.0.0.yaml": ended, **pins("", ", version: 1.0.0")})
    assert [(hit.version, hit.fate, hit.before, hit.after) for hit in found.hits] == [
        ("", "reinstated", "", "1.0.0"),
        ("1.0.0", "reinstated", "discontinued", "active"),
    ]


def test_a_pin_that_is_mended_in_the_same_change_is_told_all_the_same(of: Callable[..., Effects]) -> None:
    changed = {f"{TINY}/1.0.0.yaml": None, f"{TINY}/1.1.0.yaml": RELEASE, **pins(", version: 1.1.0")}
    assert [hit.fate for hit in of(changed, pins(", version: 1.0.0")).hits] == ["removed"]


def test_a_renamed_model_keeps_its_pins(of: Callable[..., Effects]) -> None:
    new = "models/llm/acme/small"
    changed = {
        **dict.fromkeys((f"{TINY}/1.0.0.yaml", f"{TINY}/model.yaml", f"{TINY}/README.md")),
        f"{new}/model.yaml": f"{MODEL}aliases: [acme/tiny]\n",
        f"{new}/1.0.0.yaml": RELEASE,
    }
    found = of(changed, pins(", version: 1.0.0"))
    assert found.hits == ()
    assert {(reach.model, reach.outcome) for reach in found.reaches if reach.runtime == "xinference"} == {
        ("acme/tiny", "removed"),
        ("acme/small", "added"),
    }
