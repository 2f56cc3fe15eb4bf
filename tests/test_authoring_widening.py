"""Audiences that only grow, and the words a model is found by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from test_life_commands import MODEL, NOW, TINY, WHOLE, checked, model, other

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Files, Result

    Make = Callable[..., Path]
    Run = Callable[..., Result]

RESTRICTED = MODEL.replace("# where\n", "# where\nvisibility: restricted  # for now\nallowed: [ada]\n")
PRIVATE: Files = {
    **WHOLE,
    "policy.yaml": "version: 1\nrepository: private\n",
    "gallery.yaml": "title: Test gallery\norganisation: acme\n",
}


def test_an_audience_grows(run: Run, registry: Make) -> None:
    folder = registry({**PRIVATE, f"{TINY}/model.yaml": RESTRICTED})
    words = ("--registry", folder, "--now", NOW)
    done = run("visibility", "acme/tiny", "restricted", "--allow", "bob", *words)
    assert done.exit_code == 0, done.stderr
    assert model(folder) == RESTRICTED.replace("[ada]", "[ada, bob]")
    assert "It cannot be shown to fewer again" in done.stderr
    assert run("visibility", "acme/tiny", "organisation", *words).exit_code == 0
    assert model(folder) == RESTRICTED.replace("restricted", "organisation").replace("allowed: [ada]\n", "")
    done = run("visibility", "acme/tiny", "public", *words)
    assert "From the merge on it is seen by everybody." in done.stderr
    assert checked(run, folder) == set()
    assert "visibility: public  # for now\n" in model(folder)


@pytest.mark.parametrize(
    "assignment", ["allowed-=ada", "allowed=bob", "visibility=private", "visibility=restricted allowed=eve"]
)
def test_an_edit_does_not_narrow(run: Run, registry: Make, assignment: str) -> None:
    folder = registry({**PRIVATE, f"{TINY}/model.yaml": RESTRICTED})
    done = run("edit", "acme/tiny", *assignment.split(), "--registry", folder)
    assert done.exit_code == 2
    assert "acme/tiny was published to ada, and what was published cannot be un-published" in done.stderr


def test_an_edit_may_widen(run: Run, registry: Make) -> None:
    folder = registry({**PRIVATE, f"{TINY}/model.yaml": RESTRICTED})
    assert run("edit", "acme/tiny", "allowed+=bob", "--registry", folder).exit_code == 0
    assert run("edit", "acme/tiny", "visibility=public", "allowed=", "--registry", folder).exit_code == 0


def test_people_who_are_unknown_are_not_let_in(run: Run, registry: Make) -> None:
    folder = registry({**PRIVATE, f"{TINY}/model.yaml": RESTRICTED})
    done = run("visibility", "acme/tiny", "restricted", "--allow", "bop", "--registry", folder)
    assert (done.exit_code, "did you mean bob?" in done.stderr) == (2, True)


def test_a_model_that_is_not_committed_may_become_anything(run: Run, registry: Make) -> None:
    folder = registry(PRIVATE)
    for path, text in other("fresh").items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text or "")
    done = run("visibility", "acme/fresh", "private", "--registry", folder)
    assert done.exit_code == 0, done.stderr


# -- tags


def test_tags_are_added_and_taken_and_spelt_as_the_taxonomy_does(run: Run, registry: Make) -> None:
    folder = registry(WHOLE)
    done = run("tag", "acme/tiny", "+reasoning", "-chats", "--registry", folder)
    assert "Filters show it under reasoning." in done.stderr
    assert "Filters no longer show it under chat." in done.stderr
    assert model(folder) == MODEL.replace("[chat]", "[reasoning]")
    assert run("tag", "acme/tiny", "-reasoning", "--registry", folder).exit_code == 0
    assert model(folder) == MODEL.replace("tags: [chat]         # by which it is found\n", "")
    assert run("tag", "acme/tiny", "+CHATS", "--registry", folder).exit_code == 0
    assert "tags: [chat]\n" in model(folder)


def test_a_tag_that_begins_like_an_option_is_a_tag(run: Run, registry: Make) -> None:
    folder = registry(WHOLE)
    run("tag", "acme/tiny", "+reasoning", "--registry", folder)
    assert run("tag", "acme/tiny", "-reasoning", "-r", folder).exit_code == 0
    assert model(folder) == MODEL
