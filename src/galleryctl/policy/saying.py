"""The one sentence of a verdict: whose turn it is, and what for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.problems import Severity

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from galleryctl.policy.base import Need
    from galleryctl.problems import Problem
    from galleryctl.spec.review import Lane, Pull, Turn

_MANY = 3


def sentence(
    turn: Turn,
    found: Sequence[Problem],
    needs: Sequence[Need],
    pull: Pull,
    conflicts: Sequence[str],
    blocking: Sequence[str],
    earliest: dt.datetime | None,
    lane: Lane,
) -> str:
    """What has to happen next, without a name for who has to do it where the turn says so."""
    if turn == "author":
        return _author(found, pull, conflicts, blocking)
    if turn == "clock" and earliest is not None:
        return f"Nothing is missing: lane {lane} lets it in after {moment(earliest)}."
    if turn == "us":
        return f"Nothing is missing: lane {lane} lets it in."
    if (first := stuck(needs)) is not None:
        what = f"{first.action} of {first.subject}"
        if first.role == "admin":
            return f"There are too few admins to approve {what}: {first.count} have to, beside the author."
        return f"There are not enough people who may approve {what}: an admin has to give somebody the right."
    said = [_asked(group) for group in alike(need for need in needs if need.missing and len(need.of) >= need.count)]
    return f"Waiting for {listed(said)}."


def stuck(needs: Iterable[Need]) -> Need | None:
    """The first of what is missing, where there are too few people for all of that; else none."""
    missing = [need for need in needs if need.missing]
    return missing[0] if missing and all(len(need.of) < need.count for need in missing) else None


def alike(needs: Iterable[Need]) -> list[list[Need]]:
    """Needs that differ in their subject alone, together; in the order of the first of each."""
    found: dict[tuple[object, ...], list[Need]] = {}
    for need in needs:
        found.setdefault((need.role, need.action, need.of, need.given, need.count), []).append(need)
    return list(found.values())


def _author(found: Sequence[Problem], pull: Pull, conflicts: Sequence[str], blocking: Sequence[str]) -> str:
    errors = [each for each in found if each.severity is Severity.ERROR]
    if errors:
        return f"{len(errors)} thing{'' if len(errors) == 1 else 's'} to fix: {codes(errors)}."
    if conflicts:
        return f"The branch conflicts with its base in {listed(conflicts)}: update it."
    if blocking:
        return f"{listed(blocking)} asked for changes: answer them, then ask for another review."
    if pull.draft:
        return "It is a draft: mark it as ready when it is."
    return "It changes nothing."


def _asked(group: Sequence[Need]) -> str:
    """`ada or bob to approve edit of acme/tiny`."""
    need, subjects = group[0], listed([each.subject for each in group])
    left = [name for name in need.of if name not in need.given]
    if need.role == "maintainer":
        return f"{need.of[0]} to agree to maintain {subjects}"
    who = listed(left, "or") if need.missing == 1 else f"{need.missing} of {listed(left)}"
    return f"{who} to approve {need.action} of {subjects}"


def codes(found: Iterable[Problem]) -> str:
    return listed(sorted({each.code for each in found}))


def listed(items: Sequence[str], last: str = "and", many: int = _MANY) -> str:
    """`a, b and c`; of many the first, and how many there are."""
    shown = list(items[:many])
    if len(items) > many:
        shown.append(f"{len(items) - many} more")
    return f" {last} ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def moment(when: dt.datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
