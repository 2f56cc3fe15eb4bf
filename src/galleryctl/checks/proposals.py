"""OWN, GOV and PRQ: what one pull request may hold together, and what was said about it before."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from galleryctl.changes import Change, Kind, places
from galleryctl.checks.identity import data_file, publisher_file
from galleryctl.checks.pairs import pairs
from galleryctl.checks.rule import Comparison, Finding, Rule, rule
from galleryctl.problems import Severity
from galleryctl.spec import Roles
from galleryctl.spec.base import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from galleryctl.checks.rule import Pointer
    from galleryctl.spec import Declined, Grant

_PUBLISHERS = {Kind.PUBLISHER_ADDED, Kind.PUBLISHER_CHANGED, Kind.PUBLISHER_REMOVED}
_BESIDE = {*_PUBLISHERS, Kind.OWNERS_CHANGED, Kind.GOVERNANCE_CHANGED, Kind.FILE_CHANGED}
"""Changes that are no content, or judged apart from it."""


# -- what a pull request holds


class _Touched(NamedTuple):
    """Paths that differ, from the top of the tree; sorted."""

    content: tuple[str, ...]
    governance: tuple[str, ...]
    others: tuple[str, ...]


def _touched(comparison: Comparison) -> _Touched:
    """A rename is a deletion and an addition, so both of its ends are here."""
    if not comparison.base.paths:  # a registry begins with all of it at once
        return _Touched((), (), ())
    content, governance, others = [], [], []
    name = comparison.name
    told = {change.path for change in comparison.changes if change.kind is Kind.GOVERNANCE_CHANGED}
    words = {f"{name}/{change.path}" for change in comparison.changes if change.kind is Kind.TAXONOMY_CHANGED}
    for path in sorted(comparison.touched):
        if places.governs(path, name) or path in told:  # of the taxonomy, its licences
            governance.append(path)
            if path in words:
                content.append(path)
        elif places.content(path, name):
            content.append(path)
        else:
            others.append(path)
    return _Touched(tuple(content), tuple(governance), tuple(others))


def _at(comparison: Comparison, paths: Iterable[str]) -> str:
    """The first path inside the registry, relative to it: only there can a finding stand."""
    inside = (places.inside(path, comparison.name) for path in paths)
    return next((path for path in inside if path), "")


def _several(paths: tuple[str, ...]) -> str:
    rest = len(paths) - 1
    return paths[0] + (f" and {rest} more" if rest else "")


def governance_with_content(comparison: Comparison) -> Iterator[Finding]:
    """Governance and content are changed in one pull request.

    Who may do what is read from base, so a right that a pull request grants cannot be used in it. Beside a new model,
    however, a line in `roles.yaml` is easily approved unseen, and it holds from the merge on. Settings, roles, policy,
    licences, public keys, schemas, templates, workflows and the program change apart, with a quorum of admins.

    Bad:

    ```text
    registry/roles.yaml
    registry/models/llm/acme/tiny/model.yaml
    ```

    Good:

    ```text
    registry/models/llm/acme/tiny/model.yaml
    ```
    """
    touched = _touched(comparison)
    if touched.governance and touched.content:
        message = f"governance ({_several(touched.governance)}) together with content ({_several(touched.content)})"
        fix = "two pull requests: governance in one, content in the other"
        yield Finding(_at(comparison, (*touched.governance, *touched.content)), (), message, fix, position=(1, 1))


def content_with_others(comparison: Comparison) -> Iterator[Finding]:
    """Content is mixed with files that are none.

    Content is judged by what it means, and parts of it are merged without a person. A file that has no meaning here
    would pass along unread. Trees are compared by path: of a file that is moved, both ends count.

    Bad:

    ```text
    docs/guide.md
    registry/models/llm/acme/tiny/model.yaml
    ```

    Good:

    ```text
    registry/models/llm/acme/tiny/model.yaml
    ```
    """
    touched = _touched(comparison)
    if touched.content and touched.others:
        message = f"content ({_several(touched.content)}) together with other files ({_several(touched.others)})"
        fix = f"two pull requests: take {_several(touched.others)} out of this one"
        yield Finding(_at(comparison, touched.content), (), message, fix, position=(1, 1))


def too_much(comparison: Comparison) -> Iterator[Finding]:
    """A pull request changes more than anybody can read.

    Attention is the rarest thing in a review: after twenty models nobody looks any more, and one bad model hides well
    among a hundred. `limits.models` and `limits.files` of the policy say how much one pull request may hold.

    Bad:

    ```text
    21 models in one pull request
    ```

    Good:

    ```text
    20 models in one pull request, and one in the next
    ```
    """
    limits = comparison.base.context.policy.limits
    content = _touched(comparison).content
    models = {place.id for path in content if (place := places.content(path, comparison.name)) and place.type}
    for count, most, what in ((len(models), limits.models, "models"), (len(content), limits.files, "files")):
        if count > most:
            message = f"{count} {what} in one pull request, and policy.yaml allows {most} (limits.{what})"
            fix = f"split it into {math.ceil(count / max(most, 1))} pull requests"
            yield Finding(_at(comparison, content), (), message, fix, position=(1, 1))


# -- owners


def owners_with_content(comparison: Comparison) -> Iterator[Finding]:
    """Maintainers or a publisher change together with content.

    "Make me an owner", and in the same breath a release that only an owner may bring: who reads the second does not see
    the first. Maintainers of a model, and the file of a publisher, change in a pull request of their own, with the
    consent of all who are added. A publisher that is new may come with its first models.

    Bad:

    ```yaml
    # model.yaml; 1.1.0.yaml is new in the same pull request
    maintainers: [acme, eve]
    ```

    Good:

    ```yaml
    # model.yaml; nothing else differs
    maintainers: [acme, eve]
    ```
    """
    content = [change for change in comparison.changes if change.kind not in _BESIDE]
    if not content:
        return
    for path, pointer, what in _owners(comparison):
        files = tuple(dict.fromkeys(change.path for change in content if change.path))
        message = f"{what} together with content ({_several(files)})"
        yield Finding(path, pointer, message, "two pull requests: the owners in one, all else in the other")


def _owners(comparison: Comparison) -> Iterator[tuple[str, Pointer, str]]:
    """Where owners change: file, place, and what it is."""
    for pair in pairs(comparison):
        if pair.before and pair.after and set(pair.before.outline.maintainers) != set(pair.after.outline.maintainers):
            yield pair.model_file, ("maintainers",), f"maintainers of {pair.after.id} change"
    for change in comparison.changes:
        if change.kind in _PUBLISHERS and not (change.kind is Kind.PUBLISHER_ADDED and _fresh(comparison, change)):
            yield change.path, change.pointer, f"publisher {change.subject} changes"
            return  # one is enough: the fix is the same for all


def _fresh(comparison: Comparison, change: Change) -> bool:
    """Whether a publisher that is new makes nobody an owner of something that was there."""
    base = comparison.base
    known = (*base.gallery.by_id, *base.gallery.aliases, *base.tombstones)
    return not any(name.startswith(f"{change.subject}/") for name in known)


def unclaimed(comparison: Comparison) -> Iterator[Finding]:
    """A new publisher does not prove its name.

    Anybody can write the name of a company. Without a proof the publisher counts as unclaimed: it is shown as such,
    reviewers keep it, and whoever proves the name later takes it over.

    Bad:

    ```yaml
    # publishers/acme.yaml
    title: Acme
    ```

    Good:

    ```yaml
    # publishers/acme.yaml
    title: Acme
    proof: {kind: domain, value: acme.example, date: 2026-11-20}
    ```
    """
    for change in comparison.changes:
        if change.kind is not Kind.PUBLISHER_ADDED:
            continue
        profile = comparison.merged.context.publishers.get(change.subject)
        if profile is not None and profile.proof is None:
            message = f"publisher {change.subject} is new, and nothing proves its name: it stays unclaimed"
            fix = "add `proof:` with an organisation of the forge, one of a hub, or a domain; or leave it unclaimed"
            yield Finding(change.path, (), message, fix)


# -- grants


class _Held(NamedTuple):
    """One action that one person may do, within what; empty sets mean no limit."""

    person: str
    action: str
    scope: str
    visibility: frozenset[str]
    types: frozenset[str]
    edition: frozenset[str]

    def within(self, other: _Held) -> bool:
        """Whether everything this covers is covered by the other."""
        limits = ((self.visibility, other.visibility), (self.types, other.types), (self.edition, other.edition))
        return _scope_within(self.scope, other.scope) and all(
            not wide or (bool(narrow) and narrow <= wide) for narrow, wide in limits
        )


def _scope_within(narrow: str, wide: str) -> bool:
    return wide in {"*", narrow} or (wide.endswith("/*") and narrow.startswith(wide.removesuffix("*")))


def _held(roles: Roles) -> Iterator[tuple[int, _Held]]:
    """What every grant gives to whom, with its place."""
    for index, grant in enumerate(roles.grants):
        limits = (frozenset(values or ()) for values in (grant.visibility, grant.types, grant.edition))
        covered = tuple(limits)
        for person in _reached(roles, grant):
            for action in _covered(roles, grant):
                yield index, _Held(person, action, grant.scope, *covered)


def _reached(roles: Roles, grant: Grant) -> tuple[str, ...]:
    names = (grant.to,) if isinstance(grant.to, str) else grant.to
    return tuple(dict.fromkeys(person for name in names for person in roles.groups.get(name, (name,))))


def _covered(roles: Roles, grant: Grant) -> tuple[str, ...]:
    actions = roles.roles.get(grant.role, ())
    return actions if grant.only is None else tuple(action for action in actions if action in grant.only)


def wider_grant(comparison: Comparison) -> Iterator[Finding]:
    """A grant is wider than what any admin may grant.

    Whoever governs a part of the gallery hands out rights there, and nowhere else: an admin of `acme/*` cannot make
    somebody an admin of everything. New rights are compared person by person and action by action, so a longer group, a
    role that covers more and a wider scope are all found. Which admins approved it is judged by the verdict.

    Bad:

    ```yaml
    # base has one admin, for acme/*
    grants:
      - {role: owner, to: eve, scope: "*"}
    ```

    Good:

    ```yaml
    # base has one admin, for acme/*
    grants:
      - {role: owner, to: eve, scope: "acme/*"}
    ```
    """
    path = data_file(comparison.merged, "roles")
    proposed = _proposed(comparison, path)
    base = comparison.base.context.roles
    if proposed is None or proposed == base:
        return
    before = [held for _, held in _held(base)]
    admins = [held for held in before if held.action == "govern"]
    known: dict[tuple[str, str], list[_Held]] = {}
    for held in before:
        known.setdefault((held.person, held.action), []).append(held)

    @cache
    def granted(held: _Held) -> bool:
        return any(held.within(admin) for admin in admins)

    told = set()
    for index, held in _held(proposed):
        had = any(held.within(old) for old in known.get((held.person, held.action), ()))
        if index in told or had or granted(held._replace(person="", action="")) or not admins:
            continue
        told.add(index)
        wide = ", ".join(sorted({admin.scope for admin in admins}))
        gets = f"{held.action!r} by role {proposed.grants[index].role!r} for {held.scope}"
        message = f"{held.person} would get {gets}, and admins of base govern only {wide}"
        fix = "narrow its scope, visibility, types or edition to what an admin of base governs"
        yield Finding(path, ("grants", index), message, fix)


def _proposed(comparison: Comparison, path: str) -> Roles | None:
    """`roles.yaml` as it is proposed; none where it does not differ, or cannot be read, which others tell."""
    if f"{comparison.name}/{path}" not in comparison.touched or path not in comparison.merged.documents:
        return None
    try:
        return Roles.model_validate(comparison.merged.documents[path].data)
    except ValidationError:
        return None


# -- what was said before


def declined_before(comparison: Comparison) -> Iterator[Finding]:
    """It was proposed before, and declined.

    Reviewers said why, and the reason stands in the policy with a link. Whoever proposes it again does not have to find
    that out at the end of another review: the reason may be gone by now, and then the pull request says so.

    Bad:

    ```yaml
    # policy.yaml has declined: [{name: acme/tiny-2, reason: its licence forbids redistribution}]
    # and models/llm/acme/tiny-2/model.yaml is new
    ```

    Good:

    ```yaml
    # policy.yaml has declined: [{name: acme/tiny-2, reason: …, until: 2026-06-30}], and that day has passed
    # and models/llm/acme/tiny-2/model.yaml is new
    ```
    """
    today = comparison.now.date()
    policy = comparison.base.context.policy
    standing = {folded(each.name): each for each in policy.declined if each.until is None or each.until >= today}
    if not standing:
        return
    told: set[str] = set()
    for name, path in _new(comparison):
        if (found := standing.get(folded(name))) and name not in told:
            told.add(name)
            yield _declined(name, path, found)


def _new(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Ids and publishers that base does not have, with the file that brings them."""
    base = comparison.base
    for pair in pairs(comparison):
        if pair.after is None or pair.after.id in base.gallery.by_id:
            continue
        yield pair.after.id, pair.model_file
        publisher = pair.after.outline.publisher
        if not publisher_file(base, publisher):
            yield publisher, publisher_file(comparison.merged, publisher) or pair.model_file
    for change in comparison.changes:
        if change.kind is Kind.PUBLISHER_ADDED:
            yield change.subject, change.path


def _declined(name: str, path: str, found: Declined) -> Finding:
    where = f" ({found.link})" if found.link else ""
    message = f"{name} was proposed before and declined, says policy.yaml: {found.reason.rstrip('.')}{where}"
    return Finding(path, (), message, "say in the pull request why that no longer holds, or propose another")


RULES: tuple[Rule, ...] = (
    rule("OWN004", Severity.WARN, compared=unclaimed),
    rule("OWN005", Severity.ERROR, compared=owners_with_content, fixed=True),
    rule("GOV001", Severity.ERROR, compared=governance_with_content, fixed=True),
    rule("GOV004", Severity.ERROR, compared=wider_grant, fixed=True),
    rule("PRQ001", Severity.ERROR, compared=too_much),
    rule("PRQ002", Severity.ERROR, compared=content_with_others, fixed=True),
    rule("PRQ004", Severity.WARN, compared=declined_before),
)
