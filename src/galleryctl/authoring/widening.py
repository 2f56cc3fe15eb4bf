"""`visibility` and `tag`: who sees a model, which only ever grows, and the words it is found by."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from galleryctl import loading
from galleryctl.authoring import audiences
from galleryctl.authoring.files import near
from galleryctl.authoring.life import made
from galleryctl.authoring.plan import Plan, of_model
from galleryctl.document import DELETE
from galleryctl.errors import UsageError
from galleryctl.spec import Taxonomy, Visibility

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

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
    allowed: list[str] = []
    if level == "restricted":
        loaded = loading.load(found.files.root, found.files.name, now=now, tree=found.files.tree)
        _refuse_unknown(allow, loaded.governance.roles)
        allowed = [*present, *(name for name in dict.fromkeys(allow) if name not in present)]
        if not allowed:
            raise UsageError(
                "a restricted model is seen by those it allows (VIS005): add --allow with names of roles.yaml"
            )
    audiences.refuse_narrower(found.files, found.id, level, allowed, now)
    implied = level == "public" and "visibility" not in data
    wanted = {"visibility": DELETE if implied else level, "allowed": allowed or DELETE}
    who = audiences.shown(level, allowed)
    told = [f"From the merge on it is seen by {who}."]
    if level == "public":
        told.append("Anybody can download and keep it then: this cannot be taken back.")
    else:
        told.append("It cannot be shown to fewer again: an audience only grows.")
    return made(found, wanted, f"Show {found.text} to {who}", now, extra=tuple(told))


def _refuse_unknown(names: Sequence[str], roles: Roles) -> None:
    known = [*roles.groups, *roles.people]
    for name in names:
        if name not in known:
            raise UsageError(f"{name} is neither a group nor a person of roles.yaml (VIS005){near(name, known)}")


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
