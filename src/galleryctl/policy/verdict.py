"""The verdict: changes → actions → approvals → lane and clock → state, turn and one sentence.

* Pure: base says who may what; the merged tree says what would be; the forge's records say who spoke; one time is now.
* Adding an approval never makes a verdict stricter, and taking a right away never makes it laxer.
* Whatever is not understood is in lane `manual`, and whatever nobody may approve stays pending.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from galleryctl import layout, spec
from galleryctl.checks import RULES, problem, severity_of
from galleryctl.policy import actions, approvals, lanes, needs
from galleryctl.policy.base import Need, Override, PassedOver, Role, Verdict
from galleryctl.policy.findings import PENDING, Signed, findings
from galleryctl.policy.needs import Case
from galleryctl.policy.rights import Rights, Target
from galleryctl.policy.saying import sentence
from galleryctl.problems import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from galleryctl.checks.rule import Comparison, Finding
    from galleryctl.policy.actions import Act
    from galleryctl.policy.approvals import Approvals, Request
    from galleryctl.policy.lanes import Found
    from galleryctl.spec.review import Lane, Pull, State, Turn

_TURNS: tuple[tuple[Turn, tuple[Role, ...]], ...] = (
    ("owner", ("maintainer", "owner", "consumer")),
    ("reviewer", ("reviewer",)),
    ("clearance", ("clearance",)),
    ("steward", ("steward",)),
    ("admin", ("admin",)),
)


@dataclass(frozen=True)
class _Lane:
    """The lane after objections, and its clock."""

    lane: Lane
    earliest: dt.datetime | None
    passed_over: tuple[PassedOver, ...]
    needs: tuple[Need, ...]


def judge(
    comparison: Comparison,
    problems: Iterable[Problem],
    pull: Pull,
    *,
    head: str,
    commits: Sequence[Signed] = (),
    now: dt.datetime | None = None,
    conflicts: Sequence[str] = (),
    place: Callable[[Iterable[tuple[str, Finding]]], Iterable[Problem]] | None = None,
) -> Verdict:
    """What policy says about a pull request at one head and one time.

    `problems` are those of the checks; `place` turns what the review finds into problems, and knows the files. Where
    there are `conflicts`, base and head have no merged tree, so `comparison` compares base with itself.
    """
    rights = Rights(comparison.base)
    rules = comparison.base.context.roles.rules
    given = approvals.counted(pull, head, rights, author_may=rules.author_may_approve)
    acts = actions.acts(comparison, rights)
    case = _case(comparison, pull, rights, given, now or comparison.now)
    found, overrides, refused = _overridden(sorted(problems), given, rights, comparison)
    ride = lanes.Ride(comparison, acts, found, rights, _actors(pull, rights), _programs(pull, rights), given)
    chosen = _clocked(lanes.choose(ride), case, acts, given, pull)
    more = list((place or _placed(comparison))(findings(acts, chosen.needs, given, refused, commits, case)))
    every = tuple(sorted({*found, *map(_pending, more)}))
    blocking = tuple(sorted(name for name in given.blocking if _concerned(name, acts, chosen.needs, rights)))
    state, turn, waiting = _turn(every, chosen, pull, conflicts, blocking, case)
    return Verdict(
        state=state,
        lane=chosen.lane,
        turn=turn,
        waiting_on=waiting,
        why=sentence(turn, every, chosen.needs, pull, conflicts, blocking, chosen.earliest, chosen.lane),
        changes=comparison.changes,
        problems=every,
        approvals=chosen.needs,
        earliest=chosen.earliest,
        kinds=actions.kinds(comparison.changes),
        risks=actions.risks(
            comparison.changes, private_repository=comparison.base.context.policy.repository == "private"
        ),
        overrides=overrides,
        passed_over=chosen.passed_over,
    )


def _case(comparison: Comparison, pull: Pull, rights: Rights, given: Approvals, now: dt.datetime) -> Case:
    author = rights.person(pull.author)
    alone = pull.pusher is None or pull.pusher.id == pull.author.id
    pusher = rights.person(pull.pusher) if pull.pusher else None
    rules = comparison.base.context.roles.rules
    may = rules.author_may_approve and not alone
    excluded = {pusher} | (set() if may else {author})
    return Case(
        comparison=comparison,
        rights=rights,
        author=author,
        excluded=frozenset(name for name in excluded if name),
        alone=alone,
        late=pull.opened is not None and now - pull.opened >= spec.time_span(rules.owner_silent_after),
        spoken=given.speaking,
        now=now,
    )


def _actors(pull: Pull, rights: Rights) -> tuple[str | None, ...]:
    """Whose rights a fast lane looks at: what another pushed is not the author's word."""
    logins = (pull.author, *((pull.pusher,) if pull.pusher and pull.pusher.id != pull.author.id else ()))
    return tuple(rights.person(login) for login in logins)


def _programs(pull: Pull, rights: Rights) -> bool:
    logins = (pull.author, *((pull.pusher,) if pull.pusher else ()))
    people = (rights.person(login) for login in logins)
    return any(login.bot for login in logins) or any(person and rights.is_bot(person) for person in people)


def _clocked(found: Found, case: Case, acts: Sequence[Act], given: Approvals, pull: Pull) -> _Lane:
    """The clock starts when the forge recorded this head. Whoever speaks up while it runs asks for a review."""
    start = max(filter(None, (pull.since or case.now, pull.opened)))
    end = start + found.wait
    passed, lane = found.passed_over, found.lane
    if lane not in {"manual", "governance"}:
        stopped = approvals.objections(pull, start, end)
        if stopped:
            passed = (*passed, PassedOver(lane, f"{', '.join(stopped)} said something while the clock ran"))
            lane, end = "manual", start + _widening(case, acts)
    wanted = needs.needed(acts, case, given, manual=lane in {"manual", "governance"})
    runs = end > start  # the forge's clock may be ahead of ours, and what waits for nothing waits for neither
    return _Lane(lane, end if runs else None, passed, wanted)


def _widening(case: Case, acts: Sequence[Act]) -> dt.timedelta:
    widens = any(act.action == "widen" for act in acts)
    return spec.time_span(case.comparison.base.context.policy.clocks.widen) if widens else dt.timedelta()


def _turn(
    found: Sequence[Problem],
    chosen: _Lane,
    pull: Pull,
    conflicts: Sequence[str],
    blocking: Sequence[str],
    case: Case,
) -> tuple[State, Turn, tuple[str, ...]]:
    if any(each.severity is Severity.ERROR for each in found):
        return "failure", "author", ()
    if conflicts or pull.draft or blocking or not case.comparison.touched | set(case.comparison.changes):
        return "pending", "author", ()
    missing = [need for need in chosen.needs if need.missing]
    stuck = [need for need in missing if len(need.of) < need.count]
    if stuck and len(stuck) == len(missing):
        return "pending", "admin", tuple(sorted(case.rights.who("govern", Target()) - {case.author} - _given(missing)))
    for turn, roles in _TURNS:
        asked = [need for need in missing if need.role in roles and need not in stuck]
        if asked:
            return "pending", turn, tuple(sorted({name for need in asked for name in need.of} - _given(asked)))
    if chosen.earliest and case.now < chosen.earliest:
        return "pending", "clock", ()
    return "success", "us", ()


def _given(asked: Sequence[Need]) -> set[str]:
    """Who gave all that is asked of them."""
    everywhere = [set(need.given) for need in asked]
    return set.intersection(*everywhere) if everywhere else set()


def _concerned(person: str, acts: Sequence[Act], wanted: Sequence[Need], rights: Rights) -> bool:
    """Whether somebody has a say in this: a request for changes by anybody else stops nothing."""
    if any(person in need.of for need in wanted):
        return True
    return rights.has_role(person, dict.fromkeys((*(act.target for act in acts), Target())))


def _overridden(
    found: Sequence[Problem], given: Approvals, rights: Rights, comparison: Comparison
) -> tuple[list[Problem], tuple[Override, ...], tuple[Request, ...]]:
    """Errors that a holder of `override` set aside are warnings; requests that do not count say why."""
    used: dict[tuple[str, str], Override] = {}
    refused: list[Request] = []
    left = list(found)
    for request in given.requests:
        reason = _refusal(request, found)
        if not reason:
            for index, each in enumerate(left):
                if each.code == request.code and each.severity is Severity.ERROR:
                    if rights.may(request.person, "override", _at(each, rights, comparison)):
                        left[index] = replace(each, severity=Severity.WARN)
                        used[request.code, request.person or ""] = Override(
                            request.code, request.person or "", request.reason
                        )
                    else:
                        reason = f"{request.login} may not set rules aside there"
            if (request.code, request.person or "") in used:
                reason = ""
        if reason:
            refused.append(replace(request, refused=reason))
    return left, tuple(used.values()), tuple(refused)


def _refusal(request: Request, found: Sequence[Problem]) -> str:
    rule = RULES.get(request.code)
    if request.refused:
        return f"{request.login} {request.refused}"
    if rule is None:
        return f"there is no rule {request.code}"
    if rule.fixed:
        return f"{request.code} protects others, so nobody sets it aside"
    if not any(each.code == request.code and each.severity is Severity.ERROR for each in found):
        return "it is no error here"
    return ""


def _at(found: Problem, rights: Rights, comparison: Comparison) -> Target:
    """The model, the publisher or the gallery that a problem is about."""
    place = layout.place(found.path.removeprefix(f"{comparison.name}/"))
    if place is None or not place.publisher:
        return Target()
    if not place.name:
        return Target(place.publisher)
    entry = comparison.merged.gallery.by_id.get(place.id)
    visibility = entry.outline.visibility if entry else ""
    return rights.target(place.id, type_=place.type, visibility=visibility)


def _pending(found: Problem) -> Problem:
    return replace(found, severity=Severity.NOTE) if found.code in PENDING else found


def _placed(comparison: Comparison) -> Callable[[Iterable[tuple[str, Finding]]], Iterator[Problem]]:
    """Places in the files that are in memory; of others the beginning."""

    def place(found: Iterable[tuple[str, Finding]]) -> Iterator[Problem]:
        policy, documents = comparison.base.context.policy, comparison.merged.documents
        for code, finding in found:
            severity = severity_of(code, policy, finding.severity)
            if severity is not None:
                yield problem(code, finding, comparison.name, documents.get(finding.path), severity)

    return place
