"""LIF: the life of a model and of its releases, one step at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from galleryctl import layout
from galleryctl.checks import undoing
from galleryctl.checks.facts import shown
from galleryctl.checks.identity import data_file
from galleryctl.checks.pairs import Pair, ordered, pairs, touched
from galleryctl.checks.rule import Comparison, Finding, Rule, rule
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.spec.base import Status

State = Literal["active", "deprecated", "discontinued", "quarantined", "removed"]
STEPS: Mapping[State, frozenset[State]] = {
    "active": frozenset({"deprecated", "discontinued", "quarantined", "removed"}),
    "deprecated": frozenset({"active", "discontinued", "quarantined", "removed"}),
    "discontinued": frozenset({"active", "quarantined", "removed"}),
    "quarantined": frozenset({"active", "discontinued", "removed"}),
    "removed": frozenset(),
}
"""State of a model or release → the states it may have next."""
_LIVE = {"active", "deprecated"}


def illegal_step(comparison: Comparison) -> Iterator[Finding]:
    """A status changes in a way that does not exist.

    Active, deprecated and discontinued follow in this order, or directly; `reinstate` leads back to active. Everything
    can be quarantined, and leaves quarantine to active or discontinued. What was removed stays removed. Each step is
    told to users: who skips one hides that something was ever taken back.

    Bad:

    ```yaml
    # base has status: discontinued
    status: deprecated
    ```

    Good:

    ```yaml
    # base has status: discontinued
    status: active
    ```
    """
    for pair in pairs(comparison):
        yield from _back_from_removal(pair)
        if pair.old is None or pair.new is None:
            continue
        if pair.new.status != pair.old.status and pair.new.status not in STEPS[pair.old.status]:
            yield _step(pair.id, pair.base_file, pair.model_file, pair.old.status, pair.new.status)
        for version in pair.common:
            before, after = pair.old.releases[version].status, pair.new.releases[version].status
            if before != after and after not in STEPS[before]:
                what, was = f"{pair.id}@{version}", pair.base_release_file(version)
                yield _step(what, was, pair.release_file(version), before, after)


def _step(what: str, was: str, path: str, before: Status, after: Status) -> Finding:
    message = f"{what} is {before} ({was} of base) and cannot become {after}"
    return Finding(path, ("status",), message, f"first, in a pull request of its own: `galleryctl reinstate {what}`")


def _back_from_removal(pair: Pair) -> Iterator[Finding]:
    """A model that was removed. Where its tombstone is still there, IDN003 tells it."""
    base, merged = pair.comparison.base, pair.comparison.merged
    old, new = base.tombstones.get(pair.id), merged.tombstones.get(pair.id)
    if pair.before is None and pair.after and old and old.whole and not (new and new.whole):
        path = data_file(base, f"removed/{pair.id}")
        message = f"{pair.id} was removed on {old.since} ({path} of base) and cannot come back"
        yield Finding(pair.model_file, (), message, f"restore {path}, and choose another name")


def none_left(comparison: Comparison) -> Iterator[Finding]:
    """A model would be left without a release to use.

    Nobody can load it, and still it would be shown as if everything were in order. If nothing is to follow, the model
    itself is discontinued, with its reason and its successor. A quarantine never waits for this.

    Bad:

    ```yaml
    # 1.0.0.yaml, the only release
    status: discontinued
    reason: It answers nonsense.
    ```

    Good:

    ```yaml
    # model.yaml
    status: discontinued
    reason: It answers nonsense. There is no successor.
    ```
    """
    for pair in pairs(comparison):
        if pair.before is None or pair.after is None or pair.after.outline.status not in _LIVE:
            continue
        before, after = pair.before.outline.releases, pair.after.outline.releases
        lost = [version for version, state in before.items() if state in _LIVE]
        if not lost or not _LIVE.isdisjoint(after.values()):
            continue
        if any(after.get(version) == "quarantined" for version in lost):
            continue
        version = lost[0]  # the newest
        path = pair.release_file(version) if version in after else pair.model_file
        became = after.get(version, "gone")
        message = (
            f"{pair.id}@{version} is {became}, and {pair.id} is {pair.after.outline.status} with no release to use"
        )
        fix = f"discontinue the model instead: `galleryctl discontinue {pair.id}`, or release another version first"
        yield Finding(path, ("status",), message, fix)


_ALONGSIDE = {"listed", "status", "reason", "successor", "expires", "renewable"}
"""Fields of a model that are part of its life."""
_BESIDE = {"schema_version", "id", "type", "latest", "provenance", "cards", "releases"}


def edit_and_step(comparison: Comparison) -> Iterator[Finding]:
    """A model is edited, and listed or taken back, in one pull request.

    An edit must not change whether a model is online, and a withdrawal must not change what it is: each has its own
    approvals, and each can be undone alone. A new release is no edit; reason, successor and notes belong to the step.

    Bad:

    ```yaml
    # base has summary: A small chat model. and listed: true
    summary: The best small chat model.
    listed: false
    reason: Under review.
    ```

    Good:

    ```yaml
    # base has summary: A small chat model. and listed: true
    summary: A small chat model.
    listed: false
    reason: Under review.
    ```
    """
    for pair in pairs(comparison):
        edits, steps = _edits(pair), _steps(pair)
        if edits and steps:
            what = ", ".join(f"`{each}`" for each in edits[:3]) + (", …" if len(edits) > 3 else "")  # noqa: PLR2004
            message = f"{pair.id}: {what} changed, and so did {steps[0]}"
            fix = "make two pull requests, one for the edit and one for the step"
            if "." in edits[0]:
                yield Finding(f"{pair.target}/{edits[0]}", (), message, fix)
            else:
                yield Finding(pair.model_file, (edits[0],), message, fix)


def _edits(pair: Pair) -> list[str]:
    """Fields of the model, and files, that an edit changed."""
    if pair.old is None or pair.new is None:
        return []
    before, after = (
        each.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_ALONGSIDE | _BESIDE)
        for each in (pair.old, pair.new)
    )
    fields = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return [*fields, *(name for name in pair.touched if name.endswith((".md", ".webp")))]


def _steps(pair: Pair) -> list[str]:
    """What changed about the life of a model, in words, with the file where it did."""
    if pair.old is None or pair.new is None:
        return []
    found = []
    for name in ("listed", "status"):
        before, after = getattr(pair.old, name), getattr(pair.new, name)
        if before != after:
            found.append(f"`{name}` ({pair.model_file}), from {shown(before)} to {shown(after)}")
    for version in pair.common:
        one, other = pair.old.releases[version].status, pair.new.releases[version].status
        if one != other:
            found.append(f"the status of {version} ({pair.release_file(version)}), from {one} to {other}")
    return found


def deleting_withdrawal(comparison: Comparison) -> Iterator[Finding]:
    """A withdrawal deletes files.

    A model that is withdrawn is not listed, and nothing else: its page stays at its address and pins go on resolving.
    Who pinned it must not lose it. Removal is another step, with a tombstone.

    Bad:

    ```yaml
    # model.yaml, and 1.0.0.yaml is gone
    listed: false
    reason: Under review.
    ```

    Good:

    ```yaml
    # model.yaml, and 1.0.0.yaml is as it was
    listed: false
    reason: Under review.
    ```
    """
    base, merged = comparison.base.paths, comparison.merged.paths
    for pair in pairs(comparison):
        if not (pair.old and pair.new and pair.old.listed and not pair.new.listed):
            continue
        for name in pair.touched:
            if f"{pair.root}/{name}" in base and not _still_there(f"{pair.target}/{name}", merged):
                message = f"{pair.id} is withdrawn ({pair.model_file}), and {pair.root}/{name} is gone with it"
                fix = f"put it back; `galleryctl withdraw {pair.id}` changes `listed` and nothing else"
                yield Finding(f"{pair.root}/{name}", (), message, fix)


def _still_there(path: str, paths: Mapping[str, object]) -> bool:
    stem, dot, ending = path.rpartition(".")
    other = {"yaml": "json", "json": "yaml"}.get(ending, ending)
    return path in paths or f"{stem}{dot}{other}" in paths


def short_tombstone(comparison: Comparison) -> Iterator[Finding]:
    """A tombstone does not name every release that was published.

    A number that it leaves out could be given to other files one day, and those who pinned it find no reason.

    Bad:

    ```yaml
    # removed/acme/tiny.yaml, and 1.0.0 and 1.1.0 were published
    releases: [1.1.0]
    ```

    Good:

    ```yaml
    # removed/acme/tiny.yaml, and 1.0.0 and 1.1.0 were published
    releases: [1.0.0, 1.1.0]
    ```
    """
    base, merged = comparison.base, comparison.merged
    ids = {place.id for path in touched(comparison) if (place := layout.place(path)) and place.kind == "tombstone"}
    for name in sorted(ids):
        tombstone, entry = merged.tombstones.get(name), base.gallery.by_id.get(name)
        if tombstone is None or not tombstone.whole:
            continue
        published = {*(entry.outline.releases if entry else ()), *comparison.ledger.releases.get(name, ())}
        published |= set(base.tombstones[name].releases) if name in base.tombstones else set()
        if missing := ordered(published - set(tombstone.releases)):
            where = f" ({base.model_file(entry.outline).rpartition('/')[0]} of base)" if entry else ""
            message = f"{name} was published as {', '.join(missing)} too{where}, and its tombstone does not say so"
            fix = f"write `releases: [{', '.join(ordered(published | set(tombstone.releases)))}]`"
            yield Finding(data_file(merged, f"removed/{name}"), ("releases",), message, fix)


def too_late(comparison: Comparison) -> Iterator[Finding]:
    """Something published was deleted, and it is too late to undo its publication.

    Within 72 hours of the first publication (`clocks.undo` in `policy.yaml`), while nothing refers to it, a slip may
    simply be taken back. After that others rely on it: it is removed, with a tombstone that tells why.

    Bad:

    ```yaml
    # models/llm/acme/tiny is gone, a year after it was published
    ```

    Good:

    ```yaml
    # models/llm/acme/tiny is gone, a year after it was published, and removed/acme/tiny.yaml says
    type: llm
    reason: The rights holder withdrew the licence.
    since: 2026-01-02
    releases: [1.0.0]
    ```
    """
    for pair in pairs(comparison):
        tombstone = comparison.merged.tombstones.get(pair.id)
        if tombstone and tombstone.whole:
            continue
        if pair.gone:
            if why := undoing.against(pair):
                yield Finding(pair.model_file, (), f"{pair.id} was deleted: {why}", _removal(pair.id))
            continue
        for version in pair.dropped:
            named = tombstone and version in tombstone.releases
            if not named and (why := undoing.against(pair, version)):
                what = f"{pair.id}@{version}"
                yield Finding(pair.base_release_file(version), (), f"{what} was deleted: {why}", _removal(what))


def _removal(what: str) -> str:
    return f"put it back, or remove it with a tombstone: `galleryctl remove {what}`"


RULES: tuple[Rule, ...] = (
    rule("LIF001", Severity.ERROR, compared=illegal_step, fixed=True),
    rule("LIF003", Severity.ERROR, compared=none_left),
    rule("LIF004", Severity.ERROR, compared=edit_and_step),
    rule("LIF005", Severity.ERROR, compared=deleting_withdrawal, fixed=True),
    rule("LIF007", Severity.ERROR, compared=short_tombstone, fixed=True),
    rule("LIF010", Severity.ERROR, compared=too_late),
)
