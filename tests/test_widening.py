"""Audiences only grow, by base and by what was published before."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crossed
from conftest import MINIMAL, write
from galleryctl import loading
from galleryctl.checks.rule import Ledger
from galleryctl.loading import comparing
from judged import NOW, OUTSIDE, TINY, model, other

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from conftest import Result
    from galleryctl.problems import Problem

PEOPLE = ("ada", "bob", "eve")
HOUSE = {
    "gallery.yaml": f"{MINIMAL['gallery.yaml']}organisation: staff\n",
    "policy.yaml": "version: 1\nrepository: private\n",
    "roles.yaml": (MINIMAL["roles.yaml"] or "").replace(
        "  acme: [ada, bob]\n", "  acme: [ada, bob]\n  partners: [ada, eve]\n  staff: [ada, bob]\n"
    ),
}
MINIMAL_TINY = {path: text for path, text in MINIMAL.items() if path.startswith(TINY)}
GONE = dict.fromkeys((f"{TINY}/model.yaml", f"{TINY}/1.0.0.yaml", f"{TINY}/README.md"))
STONE = "type: llm\nreason: mistake\nsince: 2026-01-01\nreleases: [1.0.0]\n"


def problems(
    base: crossed.Files, merged: crossed.Files, audiences: Mapping[str, set[str]] | None = None
) -> list[Problem]:
    """What the two rules say; `audiences` is the ledger."""
    moment = dt.datetime.fromisoformat(NOW)
    before = crossed.tree({**MINIMAL, **HOUSE, **base})
    after = crossed.tree({**MINIMAL, **HOUSE, **base, **merged})
    old = loading.load(OUTSIDE, now=moment, tree=before)
    new = loading.load(OUTSIDE, now=moment, tree=after, base=old)
    ledger = Ledger({}, {name: frozenset(names) for name, names in (audiences or {}).items()})
    found = comparing.of(old, new, before, after, name="registry", now=moment, ledger=ledger).problems
    return [problem for problem in found if problem.code in {"VIS001", "VIS002"}]


def codes(base: crossed.Files, merged: crossed.Files, audiences: Mapping[str, set[str]] | None = None) -> list[str]:
    return [problem.code for problem in problems(base, merged, audiences)]


visibilities = st.one_of(
    st.sampled_from([("public", ()), ("organisation", ()), ("private", ())]),
    st.lists(st.sampled_from([*PEOPLE, "acme", "partners"]), min_size=1, max_size=3, unique=True).map(
        lambda names: ("restricted", tuple(names))
    ),
)


def written(visibility: tuple[str, tuple[str, ...]]) -> dict[str, str]:
    allowed = f"allowed: [{', '.join(visibility[1])}]\n" if visibility[1] else ""
    return model(f"visibility: {visibility[0]}\n{allowed}")


@settings(max_examples=40)  # each loads two registries
@given(visibilities, visibilities)
def test_every_narrowing_fails_and_everything_else_passes(
    before: tuple[str, tuple[str, ...]], after: tuple[str, tuple[str, ...]]
) -> None:
    groups = {"acme": {"ada", "bob"}, "partners": {"ada", "eve"}, "staff": {"ada", "bob"}}

    def people(visibility: tuple[str, tuple[str, ...]]) -> set[str]:
        """Whom an audience means; `later` joins the organisation one day, and strangers see what is public."""
        expanded = {person for name in visibility[1] for person in groups.get(name, {name})}
        everybody = {*PEOPLE, "later", "stranger"}
        return {
            "public": everybody,
            "organisation": {*groups["staff"], "later"},
            "restricted": expanded,
            "private": set(),
        }[visibility[0]]

    expected = ["VIS001"] if people(before) - people(after) else []
    assert codes(written(before), written(after)) == expected


@settings(max_examples=40)
@given(visibilities, st.sets(st.sampled_from(["public", "acme", "partners", "staff", *PEOPLE])))
def test_the_ledger_is_a_bound_of_its_own(after: tuple[str, tuple[str, ...]], seen: set[str]) -> None:
    """A model that base does not have (any more) reaches all to whom it was published."""
    groups = {"acme": {"ada", "bob"}, "partners": {"ada", "eve"}, "staff": {"ada", "bob"}}
    was = {person for name in seen for person in groups.get(name, {name})}
    now = {person for name in after[1] for person in groups.get(name, {name})}
    shown = {"public": {*PEOPLE, "public"}, "organisation": groups["staff"], "restricted": now, "private": set[str]()}
    expected = ["VIS002"] if was - shown[after[0]] else []
    assert codes(GONE, {**MINIMAL_TINY, **written(after)}, {"acme/tiny": seen} if seen else None) == expected


def test_both_places_and_what_to_do_instead_are_named() -> None:
    (problem,) = problems({}, model("visibility: restricted\nallowed: [acme]"))
    assert (problem.path, problem.line) == (f"registry/{TINY}/model.yaml", 6)
    assert problem.message == f"acme/tiny is restricted to acme, and public in base ({TINY}/model.yaml)"
    for command in ("withdraw", "discontinue", "remove"):
        assert f"`galleryctl {command} acme/tiny`" in problem.fix


def test_a_shorter_list_is_shown_where_it_stands() -> None:
    before, after = (model(f"visibility: restricted\nallowed: {names}") for names in ("[acme, eve]", "[acme]"))
    (problem,) = problems(before, after)
    assert (problem.line, problem.message) == (
        7,
        f"acme/tiny is restricted to acme, and restricted to acme, eve in base ({TINY}/model.yaml)",
    )


def test_a_group_counts_as_it_stands_in_base() -> None:
    """Who makes a group longer and the list shorter in one pull request has shown nothing."""
    before = model("visibility: restricted\nallowed: [acme, eve]")
    longer = HOUSE["roles.yaml"].replace("  acme: [ada, bob]\n", "  acme: [ada, bob, eve]\n")
    assert codes(before, {**model("visibility: restricted\nallowed: [acme]"), "roles.yaml": longer}) == ["VIS001"]


def test_a_rename_does_not_hide_a_narrowing() -> None:
    renamed = other("acme/small", "aliases: [acme/tiny]\nvisibility: organisation")
    (problem,) = problems({}, {**GONE, **renamed})
    assert problem.code == "VIS001"
    assert problem.message == f"acme/small is for the organisation, and public in base ({TINY}/model.yaml)"


def test_another_type_does_not_hide_a_narrowing() -> None:
    moved = {path.replace("/llm/", "/embedding/"): text for path, text in model("visibility: organisation").items()}
    assert codes({}, {**GONE, **moved}) == ["VIS001"]


def test_deleting_and_adding_narrower_is_two_steps_and_still_found() -> None:
    back = {**MINIMAL_TINY, **model("visibility: organisation")}
    assert codes(GONE, back) == []
    (problem,) = problems(GONE, back, {"acme/tiny": {"public"}})
    assert problem.message == "acme/tiny is for the organisation, and was published to everybody"
    assert codes(GONE, {**MINIMAL_TINY, **model("visibility: public")}, {"acme/tiny": {"public"}}) == []


def test_a_tombstone_tells_that_an_id_was_published() -> None:
    back = {**MINIMAL_TINY, **model("visibility: organisation"), "removed/acme/tiny.yaml": None}
    (problem,) = problems({**GONE, "removed/acme/tiny.yaml": STONE}, back)
    assert problem.message == (
        "acme/tiny is for the organisation, and was published before, says removed/acme/tiny.yaml in base"
    )


def test_an_alias_that_was_public_makes_nothing_narrower() -> None:
    later = other("acme/small", "aliases: [acme/mini]\nvisibility: organisation")
    (problem,) = problems({}, later, {"acme/mini": {"public", "staff"}})
    assert problem.message == "acme/small is for the organisation, and acme/mini was published to everybody, staff"
    assert problem.fix.endswith("or drop that alias")


def test_what_base_narrowed_already_is_not_told_to_whoever_edits_it_next() -> None:
    """A group shrank, by decision of a steward: the ledger still knows its former members."""
    base = model("visibility: restricted\nallowed: [acme]")
    edited = model("visibility: restricted\nallowed: [acme]\nregions: []")
    assert codes(base, edited, {"acme/tiny": {"partners"}}) == []


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_a_definition_that_cannot_be_read_is_told_by_others(ending: str) -> None:
    broken = {f"{TINY}/model.yaml": None, f"{TINY}/model.{ending}": "visibility: [\n"}
    assert codes({}, broken, {"acme/tiny": {"public"}}) == []


def test_two_pull_requests_against_a_published_site(
    registry: Callable[..., Path], commit: Callable[..., str], run: Callable[..., Result], tmp_path: Path
) -> None:
    """Published, deleted in one pull request, added for fewer people in the next: real git, a real site."""
    root, site = registry(HOUSE), tmp_path / "site"
    built = run("build", "--registry", root, "--out", site, "--now", NOW)
    assert built.exit_code == 0, built.stderr
    commit(root, GONE)
    write(root, {**MINIMAL_TINY, **model("visibility: organisation")})
    words = ("check", "--registry", root, "--base", "HEAD", "--now", NOW)
    assert "VIS002" not in run(*words).stdout
    judged_ = run(*words, "--ledger", site)
    assert judged_.exit_code == 1
    line = "registry/models/llm/acme/tiny/model.yaml:6:13: VIS002 acme/tiny is for the organisation, and was published"
    assert line in judged_.stdout
    assert run(*words, "--ledger", tmp_path / "nowhere").exit_code == 3
