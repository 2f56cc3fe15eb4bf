"""Laws of verdicts: an approval more never makes one stricter, a right less never makes one laxer."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import MINIMAL, git, write
from galleryctl import policy
from galleryctl.loading import comparing
from galleryctl.policy.approvals import matched
from galleryctl.spec.review import Pull, Remark, Review
from proposing import ACCOUNTS, CARD, MODEL, NOW, PUSHED, RELEASE, ROLES, changed, release, with_more

if TYPE_CHECKING:
    from conftest import Files
    from galleryctl.checks.rule import Comparison
    from galleryctl.loading.comparing import Compared
    from galleryctl.policy import Verdict
    from galleryctl.spec import Roles

HEAD = "4f2a9c1" + "0" * 33
OLD = "09d1e77" + "0" * 33
CASES: dict[str, Files] = {
    "text": changed(MODEL, "for tests", "for trials"),
    "licence": changed(MODEL, "Apache-2.0", "MIT"),
    "release": release("1.1.0"),
    "removal": {MODEL: None, RELEASE: None, CARD: None, "removed/acme/tiny.yaml": (
        'type: llm\nreason: Rights.\nsince: "2026-01-10"\nreleases: [1.0.0]\n'
    )},
    "quarantine": with_more(MODEL, "status: quarantined\nreason: It phones home.\n"),
    "governance": {"policy.yaml": "version: 1\nclocks: {undo: 24h}\n"},
    "maintainers": changed("publishers/acme.yaml", "[acme]", "[acme, dora]"),
    "tag": changed(MODEL, "[chat]", "[chat, talk]"),
    "service": {"consumers/chat.yaml": "title: Chat\nowners: [dora]\npins: [{model: acme/tiny, version: 1.0.0}]\n"},
}  # fmt: skip
PEOPLE = st.sampled_from(sorted(ACCOUNTS))
TIMES = st.integers(0, 600).map(lambda minutes: PUSHED + dt.timedelta(minutes=minutes))
REVIEWS = st.builds(
    Review,
    by=PEOPLE.map(ACCOUNTS.__getitem__),
    state=st.sampled_from(["approved", "changes_requested", "commented", "dismissed"]),
    commit=st.sampled_from([HEAD, OLD]),
    at=TIMES,
    text=st.sampled_from(["", "[noblock]", "override TAX001: agreed", "override OWN001: agreed"]),
)
APPROVAL = REVIEWS.map(lambda review: review.model_copy(update={"state": "approved"}))
PULLS = st.builds(
    Pull,
    author=PEOPLE.map(ACCOUNTS.__getitem__),
    pusher=st.none() | PEOPLE.map(ACCOUNTS.__getitem__),
    reviews=st.lists(REVIEWS, max_size=4).map(tuple),
    remarks=st.lists(
        st.builds(Remark, by=PEOPLE.map(ACCOUNTS.__getitem__), at=TIMES, text=st.sampled_from(["Hm.", "[noblock]"])),
        max_size=2,
    ).map(tuple),
    since=st.just(PUSHED),
    opened=st.none() | st.just(PUSHED) | st.just(PUSHED - dt.timedelta(days=400)),
)
NAMES = st.sampled_from(sorted(CASES))
LATER = st.sampled_from([NOW, NOW + dt.timedelta(minutes=15), NOW + dt.timedelta(days=9)])
relaxed = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, _sealed: None) -> dict[str, Compared]:
    """Every case once, in one repository; what people say and may is varied over them."""
    root = tmp_path_factory.mktemp("laws")
    git(root, "init", "-q")
    write(root / "registry", {**MINIMAL, "roles.yaml": ROLES})
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "start")
    base = git(root, "rev-parse", "HEAD")
    found = {}
    for name, files in CASES.items():
        git(root, "checkout", "-q", base)
        write(root / "registry", files)
        git(root, "add", "--all", ".")
        git(root, "commit", "-q", "-m", name)
        head = git(root, "rev-parse", "HEAD")
        found[name] = comparing.compare(root, "registry", base=base, merged=head, now=NOW)
    return found


def judged(found: Compared, pull: Pull, now: dt.datetime, comparison: Comparison | None = None) -> Verdict:
    return policy.judge(comparison or found.comparison, found.problems, pull, head=HEAD, now=now)


RANK = {"success": 0, "pending": 1, "failure": 2}
WAY = {"us": 0, "clock": 1}


def strictness(found: Verdict) -> tuple[int, int]:
    """How far from a merge: its state, and whether somebody has to act before it."""
    return RANK[found.state], WAY.get(found.turn, 2)


@relaxed
@given(name=NAMES, pull=PULLS, more=APPROVAL, now=LATER, place=st.integers(0, 4))
def test_an_approval_more_never_makes_it_stricter(
    compared: dict[str, Compared], name: str, pull: Pull, more: Review, now: dt.datetime, place: int
) -> None:
    before = judged(compared[name], pull, now)
    reviews = (*pull.reviews[:place], more, *pull.reviews[place:])
    after = judged(compared[name], pull.model_copy(update={"reviews": reviews}), now)
    assert strictness(after) <= strictness(before)
    lacking = {(need.role, need.action, need.subject): need.missing for need in before.approvals}
    if before.lane == after.lane:
        assert all(need.missing <= lacking[need.role, need.action, need.subject] for need in after.approvals)


def narrowed(roles: Roles, index: int) -> Roles:
    """Without one grant."""
    return roles.model_copy(update={"grants": tuple(grant for at, grant in enumerate(roles.grants) if at != index)})


@relaxed
@given(name=NAMES, pull=PULLS, now=LATER, index=st.integers(0, 4))
def test_a_right_less_never_makes_it_laxer(
    compared: dict[str, Compared], name: str, pull: Pull, now: dt.datetime, index: int
) -> None:
    found = compared[name]
    comparison, context = found.comparison, found.comparison.base.context
    fewer = replace(comparison.base, context=replace(context, roles=narrowed(context.roles, index)))
    blocked = {review.by.id for review in pull.reviews if review.state == "changes_requested"}
    if blocked:
        return  # whoever has no right any more stops nothing any more
    before, after = judged(found, pull, now), judged(found, pull, now, replace(comparison, base=fewer))
    assert strictness(after) >= strictness(before)


@relaxed
@given(name=NAMES, pull=PULLS, now=LATER, gone=st.sampled_from(["ada", "bob"]))
def test_an_owner_less_never_makes_it_laxer_while_there_is_another(
    compared: dict[str, Compared], name: str, pull: Pull, now: dt.datetime, gone: str
) -> None:
    found = compared[name]
    comparison, context = found.comparison, found.comparison.base.context
    groups = {group: tuple(name for name in members if name != gone) for group, members in context.roles.groups.items()}
    roles = context.roles.model_copy(update={"groups": groups})
    fewer = replace(comparison.base, context=replace(context, roles=roles))
    if any(review.state == "changes_requested" for review in pull.reviews):
        return
    before, after = judged(found, pull, now), judged(found, pull, now, replace(comparison, base=fewer))
    assert strictness(after) >= strictness(before)


@relaxed
@given(name=NAMES, pull=PULLS, now=LATER)
def test_nothing_gets_in_by_the_author_alone_but_by_a_lane(
    compared: dict[str, Compared], name: str, pull: Pull, now: dt.datetime
) -> None:
    alone = pull.model_copy(
        update={"reviews": tuple(review for review in pull.reviews if review.by.id == pull.author.id)}
    )
    found = judged(compared[name], alone, now)
    if found.state == "success" and found.lane in {"manual", "governance"}:
        needs = {(need.role, need.action, need.given) for need in found.approvals}
        assert name == "removal", "an owner may take back alone what was just published"
        assert all(role == "owner" for role, _, _ in needs)


@given(
    slots=st.lists(st.frozensets(st.sampled_from("abcde"), max_size=4), max_size=4),
    people=st.frozensets(st.sampled_from("abcde")),
)
def test_nobody_fills_two_places_and_no_place_stays_empty_that_could_be_filled(
    slots: list[frozenset[str]], people: frozenset[str]
) -> None:
    found = matched(slots, people)
    assert len(set(found.values())) == len(found)
    assert all(person in slots[slot] & people for slot, person in found.items())
    assert len(found) == most(slots, people)


def most(slots: list[frozenset[str]], people: frozenset[str]) -> int:
    if not slots:
        return 0
    first, rest = slots[0], slots[1:]
    return max([most(rest, people), *(1 + most(rest, people - {person}) for person in first & people)])
