"""What only a review can find (the rules of `checks.reviewed`): approvals that are missing or do not count.

What is missing is no mistake of anybody: it is a note beside the approvals that are asked for, and keeps the verdict
pending. Only a sign-off that policy asks for is the author's to add.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from galleryctl.checks.identity import data_file
from galleryctl.checks.rule import Finding
from galleryctl.policy.needs import Case, highest, shrunk
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from galleryctl.policy.actions import Act
    from galleryctl.policy.approvals import Approvals, Request
    from galleryctl.policy.base import Need

PENDING = frozenset({"OWN001", "OWN002", "OWN003", "OWN006", "GOV005", "GOV007", "LIF006"})
"""What a review waits for, or does not count: whatever severity a policy gives it, it fails nothing."""
_MANY = 3


class Signed(Protocol):
    """A commit of a pull request, as far as sign-offs go."""

    @property
    def id(self) -> str: ...
    @property
    def merge(self) -> bool: ...
    @property
    def signed_off(self) -> bool: ...


def findings(
    acts: Sequence[Act],
    needs: Sequence[Need],
    approvals: Approvals,
    refused: Sequence[Request],
    commits: Sequence[Signed],
    case: Case,
) -> Iterator[tuple[str, Finding]]:
    """Findings with their codes, paths relative to the registry."""
    yield from _missing(acts, needs, case)
    top = _path(acts[0], case) if acts else _governed(case)
    for login, reason in approvals.refused:
        message = f"the approval of {login} does not count: {login} {reason}"
        fix = "approve again" if reason.startswith("approved ") else "somebody else approves"
        yield "OWN002", Finding(top, (), message, fix, severity=Severity.NOTE)
    for request in refused:
        message = f"{request.code} is not set aside: {request.refused}"
        fix = "ask somebody who may, in an approving review: galleryctl owners --action override"
        yield "GOV007", Finding(top, (), message, fix, severity=Severity.NOTE)
    yield from _unsigned(commits, case)
    yield from _narrowed(case)
    for act in acts:
        if act.action == "discontinue" and highest(act.change, case.comparison):
            message = f"{act.change.version} is the highest active release of {act.subject}"
            fix = "one approval more is asked for, since whoever takes the newest release gets an older one"
            yield "LIF008", Finding(act.change.path, act.change.pointer, message, fix)


def _missing(acts: Sequence[Act], needs: Sequence[Need], case: Case) -> Iterator[tuple[str, Finding]]:
    removed = {act.subject for act in acts if act.action == "remove"}
    for need in needs:
        if not need.missing:
            continue
        place = next((act for act in acts if act.subject == need.subject), acts[0] if acts else None)
        path = _path(place, case) if place else _governed(case)
        pointer = place.change.pointer if place and place.action != "govern" else ()
        code, message = _told(need, removed)
        where = f"{need.subject} " if "/" in need.subject else ""
        fix = f"galleryctl owners {where}--action {need.action}"
        if need.role == "maintainer":
            fix = f"{need.of[0]} comments on the pull request, or approves it"
        elif code == "LIF006":
            fix = f"ask {' or '.join(need.of)} to approve, or discontinue it: then pins go on resolving"
        yield code, Finding(path, pointer, message, fix, severity=Severity.NOTE)


def _told(need: Need, removed: set[str]) -> tuple[str, str]:
    have = f", and has {len(need.given)}" if need.given else ""
    many = f"{need.count} approvals" if need.count > 1 else "an approval"
    if need.role == "maintainer":
        return "OWN003", f"{need.of[0]} has not agreed to maintain {need.subject}"
    if need.role == "consumer" and need.action == "remove":
        return "LIF006", f"service {need.subject} uses what is removed, and nobody of it agreed"
    if need.role == "owner" and need.action == "remove" and need.subject not in removed:
        return "LIF006", f"{need.subject} refers to what is removed, and none of its owners agreed"
    if need.role == "admin":
        return "GOV005", f"a change of governance needs {many} of admins{have}"
    if need.role == "owner":
        return "OWN001", f"{need.action} of {need.subject} needs {many} of its owners{have}"
    nobody = "" if need.of else ", and nobody else may give it"
    who = "somebody with clearance" if need.role == "clearance" else f"a {need.role}"
    return "OWN006", f"{need.action} of {need.subject} needs {many} of {who}{have}{nobody}"


def _path(act: Act, case: Case) -> str:
    """The file an act is seen in, relative to the registry; of what lies outside, the roles that guard it."""
    path, name = act.change.path, case.comparison.name
    if act.change.type or not act.change.path:
        return path or _governed(case)
    inside = path.removeprefix(f"{name}/")
    return inside if inside in case.comparison.merged.paths else _governed(case)


def _governed(case: Case) -> str:
    return data_file(case.comparison.merged, "roles") or "gallery.yaml"


def _unsigned(commits: Sequence[Signed], case: Case) -> Iterator[tuple[str, Finding]]:
    if not case.comparison.base.context.policy.sign_off:
        return
    unsigned = [commit.id[:7] for commit in commits if not commit.merge and not commit.signed_off]
    if unsigned:
        shown = ", ".join(unsigned[:_MANY]) + (f" and {len(unsigned) - _MANY} more" if len(unsigned) > _MANY else "")
        message = f"commits without a `Signed-off-by` line of their author: {shown}"
        path = data_file(case.comparison.merged, "policy") or "gallery.yaml"
        fix = f"git rebase --signoff HEAD~{len(commits)}, then push again with --force-with-lease"
        yield "PRQ003", Finding(path, ("sign_off",), message, fix)


def _narrowed(case: Case) -> Iterator[tuple[str, Finding]]:
    found = shrunk(case.comparison)
    if found:
        models = list(dict.fromkeys(change.subject for change in found))
        shown = ", ".join(models[:_MANY]) + (f" and {len(models) - _MANY} more" if len(models) > _MANY else "")
        gone = sorted({person for change in found for person in _left(change.before, change.after)})
        who = f"{', '.join(gone[:_MANY])}" if gone else "somebody"
        message = f"{who} would not see {shown} any more, because a group is smaller"
        fix = "a steward approves it, or the models get a wider audience first"
        yield "VIS006", Finding(found[0].path, found[0].pointer, message, fix)


def _left(before: object, after: object) -> set[str]:
    old, new = (set(map(str, value)) if isinstance(value, list | tuple) else set() for value in (before, after))
    return old - new
