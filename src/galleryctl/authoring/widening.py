"""`visibility` and `tag`: who sees a model, which only ever grows, and the words it is found by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from galleryctl import git, loading
from galleryctl.authoring.files import near
from galleryctl.authoring.life import made
from galleryctl.authoring.plan import Plan, of_model
from galleryctl.document import DELETE
from galleryctl.errors import UsageError
from galleryctl.spec import Taxonomy, Visibility
from galleryctl.visibility import Audiences, Step

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    from galleryctl.authoring.plan import Target
    from galleryctl.loading import Loaded
    from galleryctl.spec import Roles

LEVELS: tuple[Visibility, ...] = get_args(Visibility)


def visibility(registry: Path, identifier: str, level: str, *, allow: Sequence[str] = (), now: dt.datetime) -> Plan:
    """Show a model to more people. `allow` adds groups or people to those who see a restricted one."""
    found = of_model(registry, identifier, "visibility")
    if level not in LEVELS:
        raise UsageError(f"there is no visibility {level}{near(level, LEVELS)}; there are: {', '.join(LEVELS)}")
    if allow and level != "restricted":
        raise UsageError(f"--allow names who sees a restricted model; {level} needs no names")
    data = found.files.document(found.path).data
    present = [name for name in data.get("allowed") or [] if isinstance(name, str)]
    wanted: dict[str, Any] = {"visibility": DELETE if level == "public" and "visibility" not in data else level}
    wanted["allowed"] = DELETE
    loaded = loading.load(found.files.root, found.files.name, now=now, tree=found.files.tree)
    if level == "restricted":
        _refuse_unknown(allow, loaded.governance.roles)
        wanted["allowed"] = [*present, *(name for name in dict.fromkeys(allow) if name not in present)]
        if not wanted["allowed"]:
            raise UsageError(
                "a restricted model is seen by those it allows (VIS005): add --allow with names of roles.yaml"
            )
    _refuse_narrower(found, level, wanted["allowed"], now)
    told = [_who(level, wanted["allowed"])]
    if level == "public":
        told.append("It will be part of what anybody can download and keep: this cannot be taken back.")
    else:
        told.append("It cannot be shown to fewer again: an audience only grows.")
    return made(found, wanted, f"Show {found.text} to {_audience(level, wanted['allowed'])}", now, extra=tuple(told))


def _who(level: str, allowed: Any) -> str:  # noqa: ANN401 - names, or none
    return f"From the merge on it is seen by {_audience(level, allowed)}."


def _audience(level: str, allowed: Any) -> str:  # noqa: ANN401 - names, or none
    match level:
        case "restricted":
            return ", ".join(allowed)
        case "organisation":
            return "the organisation"
        case "public":
            return "everybody"
        case _:
            return "nobody but its maintainers"


def _refuse_unknown(names: Sequence[str], roles: Roles) -> None:
    known = [*roles.groups, *roles.people]
    for name in names:
        if name not in known:
            raise UsageError(f"{name} is neither a group nor a person of roles.yaml (VIS005){near(name, known)}")


def _refuse_narrower(found: Target, level: str, allowed: Any, now: dt.datetime) -> None:  # noqa: ANN401
    """Raise `UsageError` where the committed definition is seen by somebody who would not see it any more."""
    base = _committed(found, now)
    entry = base.gallery.by_id.get(found.id) if base else None
    if base is None or entry is None:
        return
    names = allowed if isinstance(allowed, list) else []
    if narrows(base, found.id, level, names):
        was = _audience(entry.outline.visibility, entry.outline.allowed)
        raise UsageError(narrowing(found.id, was))


def narrowing(identifier: str, was: str) -> str:
    """Why an audience does not shrink, and what to do instead."""
    return (
        f"{identifier} was published to {was}, and what was published cannot be un-published (VIS001): take it out of "
        f"lists with galleryctl withdraw {identifier}, end it with galleryctl discontinue {identifier}, "
        f"or take it away with galleryctl remove {identifier}"
    )


def narrows(base: Loaded, identifier: str, level: str, allowed: Sequence[str]) -> bool:
    """Whether somebody who sees a model in a revision would not see it any more."""
    entry = base.gallery.by_id.get(identifier)
    if entry is None:
        return False
    context = base.world.context
    order = Audiences(context.roles, context.settings.organisation)
    wanted = entry.outline.model_copy(update={"visibility": level, "allowed": tuple(allowed)})
    return order.step(order.of(entry.outline), order.of(wanted)) is Step.NARROWER


def _committed(found: Target, now: dt.datetime) -> Loaded | None:
    files = found.files
    if not files.committed:
        return None
    return loading.load(files.root, files.name, now=now, revision="HEAD", tree=git.at(files.root, "HEAD"))


# -- tags


def tag(registry: Path, identifier: str, words: Sequence[str], *, now: dt.datetime) -> Plan:
    """Add (`+chat`) and take (`-vision`) tags; another spelling of a tag becomes the tag."""
    found = of_model(registry, identifier, "tag")
    loaded = loading.load(found.files.root, found.files.name, now=now, tree=found.files.tree)
    taxonomy = loaded.governance.taxonomy
    present = [word for word in found.files.document(found.path).data.get("tags") or [] if isinstance(word, str)]
    tags, added, taken = list(present), [], []
    for text in words:
        sign, word = text[:1], text[1:]
        if sign not in {"+", "-"} or not word:
            raise UsageError(f"{text!r} neither adds nor takes a tag: write +{text.strip('+-') or 'chat'} or -TAG")
        if sign == "+":
            value = _known(word, taxonomy)
            tags += [] if value in tags else [value]
            added.append(value)
        else:
            value = word if word in tags else _meant(word, taxonomy) or word
            if value not in present:
                has = f"; it has {', '.join(present)}" if present else "; it has none"
                raise UsageError(f"{found.id} does not have the tag {word}{has}")
            tags = [each for each in tags if each != value]
            taken.append(value)
    both = sorted(set(added) & set(taken))
    if both:
        raise UsageError(f"{', '.join(both)}: added and taken at once")
    wanted = {"tags": tags or DELETE} if tags != present else {}
    new, old = [each for each in tags if each not in present], [each for each in present if each not in tags]
    told = [f"Filters show it under {', '.join(new)}."] if new else []
    told += [f"Filters no longer show it under {', '.join(old)}."] if old else []
    title = f"Tag {found.text}: {' '.join([*(f'+{each}' for each in new), *(f'-{each}' for each in old)])}"
    return made(found, wanted, title, now, extra=tuple(told), words=True)


def _known(word: str, taxonomy: Taxonomy) -> str:
    if value := _meant(word, taxonomy):
        return value
    values = [value for dimension in taxonomy.dimensions.values() for value in dimension.values]
    raise UsageError(
        f"{word!r} is no tag of taxonomy.yaml (TAX001), where a new one is asked for in a pull request of its own"
        f"{near(word, values) or '; there are: ' + ', '.join(values)}"
    )


def _meant(word: str, taxonomy: Taxonomy) -> str:
    """The value that a word is, or is another spelling of; empty where there is none."""
    folded = word.casefold()
    for dimension in taxonomy.dimensions.values():
        if word in dimension.values:
            return word
    for dimension in taxonomy.dimensions.values():
        for value, entry in dimension.values.items():
            if folded in {value.casefold(), *(alias.casefold() for alias in entry.aliases)}:
                return value
    return ""
