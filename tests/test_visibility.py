"""The laws of the order of audiences, and what it says of real definitions."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl.gallery import Outline
from galleryctl.spec import Roles
from galleryctl.visibility import Audience, Audiences, Step

if TYPE_CHECKING:
    from galleryctl.spec import Visibility

PEOPLE = ("ada", "bob", "chen", "dora")
GROUPS = {"acme": ("ada", "bob"), "partners": ("chen", "dora"), "staff": ("ada", "bob", "chen")}
LATTICES = {
    name: Audiences(Roles(groups=GROUPS), name or None) for name in ("staff", "", "gone")
}  # an organisation, none, and one that roles.yaml does not know

audiences = st.one_of(
    st.sampled_from([Audience("private"), Audience("organisation"), Audience("public")]),
    st.builds(Audience, st.just("restricted"), st.frozensets(st.sampled_from(PEOPLE))),
)
lattices = st.sampled_from(sorted(LATTICES)).map(LATTICES.__getitem__)
ALL = [Audience("private"), Audience("organisation"), Audience("public")] + [
    Audience("restricted", frozenset(name for name, chosen in zip(PEOPLE, bits, strict=True) if chosen))
    for bits in product((False, True), repeat=len(PEOPLE))
]


def called(audience: Audience) -> str:
    """The same name in every process: a set has no order of its own."""
    return "-".join([audience.visibility, *sorted(audience.people)])


def members(audience: Audience) -> frozenset[str]:
    """Whom an audience means in a world of five people, where only `zoe` is outside of everything."""
    if audience.visibility == "public":
        return frozenset({*PEOPLE, "zoe"})
    return frozenset(GROUPS["staff"]) if audience.visibility == "organisation" else audience.people


@given(lattices, audiences)
def test_everybody_who_sees_it_sees_it(lattice: Audiences, one: Audience) -> None:
    assert lattice.includes(one, one)
    assert lattice.step(one, one) is Step.SAME


@given(lattices, audiences, audiences, audiences)
def test_inclusion_is_transitive(lattice: Audiences, one: Audience, two: Audience, three: Audience) -> None:
    if lattice.includes(three, two) and lattice.includes(two, one):
        assert lattice.includes(three, one)


@given(lattices, audiences, audiences)
def test_inclusion_both_ways_is_equality(lattice: Audiences, one: Audience, two: Audience) -> None:
    if lattice.includes(one, two) and lattice.includes(two, one):
        assert one == two


@given(lattices, audiences, audiences, audiences)
def test_a_join_is_the_least_upper_bound(lattice: Audiences, one: Audience, two: Audience, bound: Audience) -> None:
    joined = lattice.join(one, two)
    assert lattice.includes(joined, one)
    assert lattice.includes(joined, two)
    if lattice.includes(bound, one) and lattice.includes(bound, two):
        assert lattice.includes(bound, joined)


@given(lattices, audiences, audiences, audiences)
def test_joins_commute_and_associate(lattice: Audiences, one: Audience, two: Audience, three: Audience) -> None:
    assert lattice.join(one, two) == lattice.join(two, one)
    assert lattice.join(lattice.join(one, two), three) == lattice.join(one, lattice.join(two, three))
    assert lattice.join(one, one) == one


@pytest.mark.parametrize("after", ALL, ids=called)
@pytest.mark.parametrize("before", ALL, ids=called)
def test_a_step_that_shuts_somebody_out_is_a_narrowing(before: Audience, after: Audience) -> None:
    for lattice in LATTICES.values():
        step = lattice.step(before, after)
        if members(before) - members(after):
            assert step is Step.NARROWER
        assert (step is Step.NARROWER) is not lattice.includes(after, before)
    if LATTICES["staff"].step(before, after) is Step.WIDER:
        assert members(before) <= members(after)


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        (("private",), ("restricted", "acme"), Step.WIDER),
        (("private",), ("public",), Step.WIDER),
        (("restricted", "acme"), ("restricted", "ada", "bob"), Step.SAME),
        (("restricted", "acme"), ("restricted", "acme", "partners"), Step.WIDER),
        (("restricted", "acme"), ("restricted", "partners"), Step.NARROWER),
        (("restricted", "acme"), ("organisation",), Step.WIDER),
        (("restricted", "partners"), ("organisation",), Step.NARROWER),  # dora is no member
        (("restricted", "partners"), ("public",), Step.WIDER),
        (("organisation",), ("restricted", "staff"), Step.NARROWER),  # later members would be shut out
        (("organisation",), ("public",), Step.WIDER),
        (("public",), ("organisation",), Step.NARROWER),
        (("restricted", "acme"), ("private",), Step.NARROWER),
    ],
)
def test_definitions_are_compared_by_the_people_they_let_in(
    before: tuple[Visibility, ...], after: tuple[Visibility, ...], step: Step
) -> None:
    lattice = LATTICES["staff"]
    one, two = (
        lattice.of(Outline(id="acme/tiny", type="llm", title="Tiny", visibility=words[0], allowed=words[1:]))
        for words in (before, after)
    )
    assert lattice.step(one, two) is step


def test_without_an_organisation_nobody_is_known_to_be_in_it() -> None:
    for name in ("", "gone"):
        lattice = LATTICES[name]
        step = lattice.step(Audience("restricted", frozenset({"ada"})), Audience("organisation"))
        assert step is Step.NARROWER, name


def test_the_tree_of_a_group_is_read_by_its_people() -> None:
    lattice = LATTICES["staff"]
    assert lattice.named("public") == Audience("public")
    assert lattice.named("partners") == Audience("restricted", frozenset({"chen", "dora"}))
    assert lattice.named("ada") == Audience("restricted", frozenset({"ada"}))
