"""TRM: dates and terms that users and authors agreed on, and how they may change."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from galleryctl.checks.pairs import pairs
from galleryctl.checks.rule import Comparison, Finding, Rule, rule
from galleryctl.problems import Severity
from galleryctl.spec.model import Agreements, Terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.checks.pairs import Pair
    from galleryctl.checks.rule import Pointer
    from galleryctl.spec import ModelDocument


def impossible_expiry(comparison: Comparison) -> Iterator[Finding]:
    """A model would expire before it begins, or lies beyond what policy allows.

    A date in the past publishes something that counts as discontinued at once, mostly a slip of the year. One too far
    ahead is no promise that somebody can keep: `limits.expires_days` of the policy says how far.

    Bad:

    ```yaml
    # a new model, on 2026-11-20
    expires: 2025-12-31
    ```

    Good:

    ```yaml
    # a new model, on 2026-11-20
    expires: 2027-12-31
    ```
    """
    today = _today(comparison)
    most = comparison.base.context.policy.limits.expires_days
    for pair in pairs(comparison):
        if pair.after is None or (ends := pair.after.outline.expires) is None:
            continue
        was = pair.before.outline.expires if pair.before else None
        if pair.before is None and ends <= today:
            message = f"{pair.after.id} is new, and would expire on {ends}, which is no day to come"
            yield Finding(pair.model_file, ("expires",), message, "write a date in the future, or none")
        elif ends != was and (ends - today).days > most:
            last = today + dt.timedelta(days=most)
            message = f"{pair.after.id} would expire on {ends}: more than {most} days ahead (policy.yaml: expires_days)"
            yield Finding(pair.model_file, ("expires",), message, f"write {last} or an earlier date")


def hastened_expiry(comparison: Comparison) -> Iterator[Finding]:
    """A model ends earlier than it said, without a reason.

    Users planned with the date. They see the reason beside the new one: it tells them whether to hurry.

    Bad:

    ```yaml
    # base has expires: 2027-12-31
    expires: 2027-01-31
    ```

    Good:

    ```yaml
    # base has expires: 2027-12-31
    expires: 2027-01-31
    reason: Its source closes at the end of January.
    ```
    """
    for pair in pairs(comparison):
        if pair.before is None or pair.after is None or (ends := pair.after.outline.expires) is None:
            continue
        was = pair.before.outline.expires
        if was is not None and ends < was and not (pair.after.outline.reason or "").strip():
            message = f"{pair.after.id} expires on {ends}, and on {was} in base ({pair.base_file}), without a reason"
            command = f'galleryctl expire {pair.after.id} --on {ends} --reason "…"'
            fix = f"add `reason:` with one sentence for its users, as `{command}` does"
            yield Finding(pair.model_file, ("expires",), message, fix)


def tightened_terms(comparison: Comparison) -> Iterator[Finding]:
    """Terms became stricter, and no day says from when.

    Whoever pinned a model did so under the terms of that day, and keeps them. Stricter ones hold for pins made from
    `terms.effective_from` on, which is a day to come: not even yesterday's users are surprised.

    Bad:

    ```yaml
    # base has terms: {price: free}
    terms: {price: paid}
    ```

    Good:

    ```yaml
    # base has terms: {price: free}
    terms: {price: paid, effective_from: 2027-01-01}
    ```
    """
    today = _today(comparison)
    for pair in pairs(comparison):
        if pair.old is None or pair.new is None or pair.old.visibility == "private":
            continue
        tighter = list(_tighter(pair.old, pair.new))
        start = pair.new.terms.effective_from if pair.new.terms else None
        if not tighter or (start is not None and start >= today):
            continue
        changes = ", ".join(change for _, change in tighter)
        missing = f"`effective_from` is {start}, which is over" if start else "no `effective_from`"
        message = f"terms of {pair.new.id} became stricter than in base ({pair.base_file}): {changes}; {missing}"
        fix = "add `terms.effective_from:` with a day to come; pins made before it keep the old terms"
        yield Finding(pair.model_file, ("terms", "effective_from") if start else tighter[0][0], message, fix)


def _tighter(old: ModelDocument, new: ModelDocument) -> Iterator[tuple[Pointer, str]]:
    """What became stricter, and how."""
    before, after = old.terms or Terms(), new.terms or Terms()
    if before.price == "free" and after.price == "paid":
        yield ("terms", "price"), "free is paid now"
    if after.free_days is not None and (before.free_days is None or after.free_days < before.free_days):
        was = f"{before.free_days} days" if before.free_days is not None else "no limit"
        yield ("terms", "free_days"), f"{was} became {after.free_days} days"
    limited = after.free_days is not None or new.expires is not None
    if old.renewable and not new.renewable and limited:
        yield ("renewable",), "it can no longer be renewed"
    start, begun = before.effective_from, after.effective_from
    if start is not None and (begun is None or begun < start) and (limited or after.price == "paid"):
        yield ("terms",), f"they hold {f'from {begun}' if begun else 'for everybody'}, and not from {start}"


def outdated_agreement(comparison: Comparison) -> Iterator[Finding]:
    """An agreement was not accepted, or an older version of it.

    Who publishes a model or a release agrees to the terms of the gallery as they are on that day. `policy.yaml` names
    the current versions, `model.yaml` those that its author accepted; models that do not change stay as they are.

    Bad:

    ```yaml
    # policy.yaml says agreements: {publishing: 2}, and 1.1.0.yaml is new
    agreements: {publishing: 1}
    ```

    Good:

    ```yaml
    # policy.yaml says agreements: {publishing: 2}, and 1.1.0.yaml is new
    agreements: {publishing: 2}
    ```
    """
    wanted = comparison.base.context.policy.agreements
    current = {name: version for name in Agreements.model_fields if (version := getattr(wanted, name))}
    for pair in pairs(comparison) if current else ():
        if pair.new is None or not (pair.before is None or pair.added):
            continue
        for name, version in current.items():
            accepted = getattr(pair.new.agreements, name) if pair.new.agreements else None
            if accepted is None or accepted < version:
                yield _unaccepted(pair, pair.new, name, version, accepted)


def _unaccepted(pair: Pair, new: ModelDocument, name: str, version: int, accepted: int | None) -> Finding:
    what = f"{new.id}@{pair.added[-1]}" if pair.before else new.id
    said = f"version {accepted} of the {name} agreement is accepted" if accepted else f"no {name} agreement is accepted"
    message = f"{what} is new, and {said}; policy.yaml asks for version {version}"
    pointer: Pointer = ("agreements", name) if accepted is not None else ("agreements",) if new.agreements else ()
    fix = f"read it, and write `agreements: {{{name}: {version}}}`, as `galleryctl submit --accept` does"
    return Finding(pair.model_file, pointer, message, fix)


def _today(comparison: Comparison) -> dt.date:
    return comparison.now.astimezone(dt.UTC).date()


RULES: tuple[Rule, ...] = (
    rule("TRM001", Severity.ERROR, compared=impossible_expiry),
    rule("TRM002", Severity.ERROR, compared=hastened_expiry),
    rule("TRM005", Severity.ERROR, compared=tightened_terms),
    rule("TRM006", Severity.ERROR, compared=outdated_agreement),
)
