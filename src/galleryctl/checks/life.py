"""VER, VIS, LIF and TRM: versions, audiences, states and terms, as far as one revision of the registry tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from galleryctl.checks import near
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, World, rule
from galleryctl.problems import Severity
from galleryctl.spec.base import VERSION_PATTERN
from galleryctl.visibility import Audiences

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from galleryctl.gallery import Outline

_DATA = re.compile(r"(?P<stem>[^/]+)\.(?P<suffix>ya?ml|json)")
_RELEASE = re.compile(VERSION_PATTERN)
_NUMBERS = re.compile(r"v?(\d+)(?:[._-](\d+))?(?:[._-](\d+))?", re.IGNORECASE)


def misnamed_releases(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Data files of a model folder that are neither `model` nor `x.y.z`, with the name that was probably meant.

    The second part is empty where nothing can be told from the name.
    """
    for name in names:
        if (match := _DATA.fullmatch(name)) and match["stem"] != "model" and not _RELEASE.fullmatch(match["stem"]):
            stem, suffix = match["stem"], "json" if match["suffix"] == "json" else "yaml"
            numbers = _NUMBERS.match(stem)
            meant = ".".join(str(int(part or 0)) for part in numbers.groups()) if numbers else ""
            if near.distance(stem.lower(), "model", 1) <= 1:
                meant = "model"
            yield name, f"{meant}.{suffix}" if meant else ""


def misnamed(path: str, siblings: Container[str]) -> Iterator[Finding]:
    """A release is not named x.y.z.

    The file name is the version: three numbers, so that everybody sorts them alike. `v1.0`, `01.2.0`, ranges and
    `latest` mean different things to different readers, and a pin to `latest` is no pin.

    Bad:

    ```yaml
    # v1.0.yaml
    notes: First release.
    ```

    Good:

    ```yaml
    # 1.0.0.yaml
    notes: First release.
    ```
    """
    folder, _, name = path.rpartition("/")
    for _, meant in misnamed_releases([name]):
        fix = f"rename it to {meant}" if meant else "rename it to its version, as 1.0.0.yaml"
        if meant and f"{folder}/{meant}" in siblings:
            fix = f"{meant} is there already: delete {name}, or give it its own version"
        yield Finding(path, (), f"{name} is no version of the form x.y.z", fix, position=(1, 1))


def secret_in_public(subject: Subject) -> Iterator[Finding]:
    """A definition that is not public lies in a public repository.

    Everybody can read a public repository and all its history, whatever a field says. Definitions for a smaller
    audience belong into a private registry of their own.

    Bad:

    ```yaml
    # policy.yaml says repository: public
    visibility: restricted
    allowed: [partners]
    ```

    Good:

    ```yaml
    visibility: public
    ```
    """
    visibility = subject.definition.model.visibility
    if visibility != "public" and subject.context.policy.repository == "public":
        message = f"{subject.place.id} is {visibility}, and policy.yaml says that strangers can read this repository"
        fix = "move it to a private registry, and revoke what is secret about it: the history keeps it"
        yield Finding(subject.model_file, ("visibility",), message, fix)


def narrower_reference(world: World) -> Iterator[Finding]:
    """A definition names one that fewer people may see.

    Its successor, base model or alias would tell everybody the name of a model that is kept from them.

    Bad:

    ```yaml
    visibility: public
    successor: acme/secret             # visibility: restricted
    ```

    Good:

    ```yaml
    visibility: public
    ```
    """
    gallery = world.gallery
    hidden = {entry.id: entry.outline for entry in gallery if entry.outline.visibility != "public"}
    if not hidden:
        return
    audiences = Audiences(world.context.roles, world.context.settings.organisation)
    seen = {identifier: audiences.of(outline) for identifier, outline in hidden.items()}
    for entry in gallery:
        outline = entry.outline
        for pointer, name in _references(outline):
            target = hidden.get(name) or hidden.get(gallery.aliases.get(name, ""))
            if target and target.id != outline.id and not audiences.includes(seen[target.id], audiences.of(outline)):
                message = f"{outline.id} ({outline.visibility}) names {name}, which is {target.visibility}"
                level = outline.visibility if outline.visibility != "restricted" else "restricted --allow NAME"
                fix = f"drop {name}, or widen the other first: `galleryctl visibility {target.id} {level}`"
                yield Finding(world.model_file(outline), pointer, message, fix)


def _references(outline: Outline) -> Iterator[tuple[Pointer, str]]:
    if outline.successor:
        yield ("successor",), outline.successor
    yield from ((("base_models", index), name) for index, name in enumerate(outline.base_models))
    yield from ((("aliases", index), name) for index, name in enumerate(outline.aliases))


def unfit_allowed(subject: Subject) -> Iterator[Finding]:
    """The list of those allowed does not fit the visibility.

    A restricted model without `allowed` is seen by nobody, `allowed` on a public one restricts nothing, and a name that
    `roles.yaml` does not know lets nobody in.

    Bad:

    ```yaml
    visibility: restricted
    allowed: [partnres]
    ```

    Good:

    ```yaml
    visibility: restricted
    allowed: [partners]
    ```
    """
    model, roles = subject.definition.model, subject.context.roles
    if model.visibility == "restricted" and not model.allowed:
        fix = f"`galleryctl visibility {subject.place.id} restricted --allow NAME`, a group or person of roles.yaml"
        yield Finding(subject.model_file, ("visibility",), f"{subject.place.id} is restricted to nobody", fix)
    if model.visibility == "public" and model.allowed:
        fix = "remove `allowed`, or write `visibility: restricted` before the first publication"
        yield Finding(
            subject.model_file, ("allowed",), "`allowed` restricts nothing: the model is public", fix, at="key"
        )
    for index, name in enumerate(model.allowed):
        if name not in roles.groups and name not in roles.people:
            known = ", ".join(sorted(roles.groups)) or "none yet"
            message = f"{name!r} in `allowed` is neither a group nor a person of roles.yaml"
            yield Finding(subject.model_file, ("allowed", index), message, f"name a group ({known}) or a person")


def hidden_enterprise(subject: Subject) -> Iterator[Finding]:
    """An enterprise edition is not public.

    `enterprise` is a grade of a public model, with a permission of its own; it is no way to hide one.

    Bad:

    ```yaml
    visibility: organisation
    terms: {edition: enterprise}
    ```

    Good:

    ```yaml
    visibility: public
    terms: {edition: enterprise}
    ```
    """
    model = subject.definition.model
    if model.terms and model.terms.edition == "enterprise" and model.visibility != "public":
        message = f"edition enterprise, and visibility {model.visibility}"
        fix = "write `visibility: public` first, or drop `terms.edition`"
        yield Finding(subject.model_file, ("terms", "edition"), message, fix)


def no_reason(subject: Subject) -> Iterator[Finding]:
    """A model or release was taken back without saying why.

    Users see the reason beside the warning: it tells them whether they may wait or have to act today.

    Bad:

    ```yaml
    status: discontinued
    ```

    Good:

    ```yaml
    status: discontinued
    reason: The licence of its training data was withdrawn.
    ```
    """
    model = subject.definition.model
    if not (model.reason or "").strip():
        if model.status != "active":
            yield Finding(
                subject.model_file, ("status",), f"{subject.place.id} is {model.status} without a reason", _WHY
            )
        elif not model.listed:
            yield Finding(subject.model_file, ("listed",), f"{subject.place.id} is withdrawn without a reason", _WHY)
    for version, release in subject.definition.releases.items():
        if release.status != "active" and not (release.reason or "").strip():
            message = f"{subject.place.id}@{version} is {release.status} without a reason"
            yield Finding(subject.release_file(version), ("status",), message, _WHY)


_WHY = "add `reason:` with one sentence for its users"
_SAYS_NONE = re.compile(
    r"\bno (?:direct )?(?:successor|replacement|alternative)\b|(?:没有|无|沒有|無)(?:后继|後繼|替代|后续)",
    re.IGNORECASE,
)


def no_successor(subject: Subject) -> Iterator[Finding]:
    """A deprecated or discontinued model names no successor.

    People who use it have to find the next one by themselves, and tools cannot offer it. Where there is none, say
    so: "no successor".

    Bad:

    ```yaml
    status: deprecated
    reason: Old.
    ```

    Good:

    ```yaml
    status: deprecated
    reason: Tiny 2 answers better at the same size.
    successor: acme/tiny-2
    ```
    """
    model = subject.definition.model
    if (
        model.status in {"deprecated", "discontinued"}
        and not model.successor
        and not _SAYS_NONE.search(model.reason or "")
    ):
        message = f"{subject.place.id} is {model.status}, and no successor is named"
        fix = f"`galleryctl edit {subject.place.id} successor=ID`, or say in `reason` that there is no successor"
        yield Finding(subject.model_file, ("status",), message, fix)


def renewable_without_end(subject: Subject) -> Iterator[Finding]:
    """`renewable` says whether something may be extended that has no end.

    It belongs to `expires`, one date for everybody, or to `terms.free_days`, which run for each user.

    Bad:

    ```yaml
    renewable: true
    ```

    Good:

    ```yaml
    expires: 2027-01-31
    renewable: true
    ```
    """
    model = subject.definition.model
    limited = model.expires is not None or (model.terms is not None and model.terms.free_days is not None)
    if model.renewable is not None and not limited:
        message = "`renewable` without `expires` or `terms.free_days`"
        yield Finding(subject.model_file, ("renewable",), message, "set one of them, or remove `renewable`", at="key")


_MONTH, _WEEK = 30, 7


def soon_expired(subject: Subject) -> Iterator[Finding]:
    """A model expires within thirty days.

    From that day on it counts as discontinued. A scheduled check tells the owners thirty and seven days ahead, while
    they can still renew it or name a successor.

    Bad:

    ```yaml
    # on 2026-01-20
    expires: 2026-01-31
    ```

    Good:

    ```yaml
    # on 2026-01-20
    expires: 2027-01-31
    ```
    """
    expires = subject.definition.model.expires
    if expires is None:
        return
    days = (expires - subject.context.now.date()).days
    if 0 < days <= _MONTH:
        when = "tomorrow" if days == 1 else f"in {days} days"
        message = f"{subject.place.id} expires {when}, on {expires}" + (": within a week" if days <= _WEEK else "")
        fix = (
            f"`galleryctl renew {subject.place.id} --until DATE`, or name a successor"
            if subject.definition.model.renewable
            else "name a successor, or tell its users: it is not renewable"
        )
        yield Finding(subject.model_file, ("expires",), message, fix)


RULES: tuple[Rule, ...] = (
    rule(
        "VER001", Severity.ERROR, page=misnamed.__doc__, fixed=True
    ),  # found by `paths`, where no definition is needed
    rule("VIS003", Severity.ERROR, entry=secret_in_public, fixed=True),
    rule("VIS004", Severity.ERROR, gallery=narrower_reference, fixed=True),
    rule("VIS005", Severity.ERROR, entry=unfit_allowed),
    rule("VIS007", Severity.ERROR, entry=hidden_enterprise),
    rule("LIF002", Severity.ERROR, entry=no_reason),
    rule("LIF009", Severity.WARN, entry=no_successor),
    rule("TRM003", Severity.ERROR, entry=renewable_without_end),
    rule("TRM004", Severity.NOTE, entry=soon_expired),
)
