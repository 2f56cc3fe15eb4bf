"""IDN: names that can be told apart, belong to somebody, and never come back."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from galleryctl.checks import likeness
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, World, rule
from galleryctl.problems import Severity
from galleryctl.spec.base import ID_PATTERN, LONGEST_NAME, folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from galleryctl.gallery import Outline

_NAME = re.compile(ID_PATTERN)


def _by_age(outlines: Iterable[Outline]) -> list[Outline]:
    """The oldest first, what is not committed last; without dates by id."""
    return sorted(outlines, key=lambda outline: (outline.added.timestamp() if outline.added else math.inf, outline.id))


def data_file(world: World, stem: str) -> str:
    """`publishers/acme` as the path of its YAML or JSON file; empty where there is neither."""
    return next((path for path in (f"{stem}.yaml", f"{stem}.json") if path in world.paths), "")


def publisher_file(world: World, publisher: str) -> str:
    return data_file(world, f"publishers/{publisher}")


def _related(one: Outline, other: Outline) -> bool:
    """Whether one of two models names the other."""
    return any(
        there.id in (*here.base_models, *here.aliases, here.successor) for here, there in ((one, other), (other, one))
    )


def _wrong(name: str) -> str:
    """What is wrong with a name; empty where nothing is."""
    if len(name) > LONGEST_NAME:
        return f"has {len(name)} characters, more than {LONGEST_NAME}"
    if not _NAME.fullmatch(name):
        return "is not made of a-z, 0-9 and . _ -, beginning with a letter or digit"
    if ".." in name or name.endswith("."):
        return "has a dot at its end or two in a row"
    return ""


def _proposal(name: str) -> str:
    slug = re.sub(r"[^a-z0-9._-]+", "-", name.lower())
    return re.sub(r"\.{2,}", ".", slug)[:LONGEST_NAME].strip("-_.") or "name"


def malformed_name(subject: Subject) -> Iterator[Finding]:
    """A publisher or model has a name that does not work everywhere.

    The id becomes a path, an address and a key in every client: capitals collide on some file systems, a colon or a
    slash breaks addresses, `..` leaves the folder. Allowed are a-z, 0-9 and `. _ -`, at most 96 characters.

    Bad:

    ```yaml
    # models/llm/Qwen/Qwen3:8B/model.yaml
    title: Qwen3
    ```

    Good:

    ```yaml
    # models/llm/qwen/qwen3/model.yaml
    title: Qwen3
    ```
    """
    place = subject.place
    for kind, name in (("publisher", place.publisher), ("name", place.name)):
        if wrong := _wrong(name):
            target = f"models/{place.type}/{_proposal(place.publisher)}/{_proposal(place.name)}"
            yield Finding(subject.model_file, (), f"{kind} {name!r} {wrong}", f"rename the folder to {target}")


def _malformed_publisher(world: World) -> Iterator[Finding]:
    for path in world.paths:
        if path.startswith("publishers/") and path.endswith((".yaml", ".json")):
            name = path[len("publishers/") : -len(".yaml")]
            if wrong := _wrong(name):
                yield Finding(
                    path, (), f"publisher {name!r} {wrong}", f"rename the file to {_proposal(name)}{path[-5:]}"
                )


def same_id(world: World) -> Iterator[Finding]:
    """Two models have one id, or ids that differ only by case or by `-` and `_`.

    Runtimes resolve an id without its type, and many systems ignore case: one of the two models would be dropped
    silently, and nobody could say which.

    Bad:

    ```yaml
    # models/llm/acme/tiny/model.yaml and models/vision/acme/tiny/model.yaml
    title: Tiny
    ```

    Good:

    ```yaml
    # models/llm/acme/tiny/model.yaml and models/vision/acme/tiny-vision/model.yaml
    title: Tiny
    ```
    """
    groups: dict[str, list[Outline]] = defaultdict(list)
    for entry in world.gallery:
        groups[folded(entry.id)].append(entry.outline)
    for group in groups.values():
        first, *later = _by_age(group) if len(group) > 1 else group
        for outline in later:
            what = "is taken" if outline.id == first.id else f"differs from {first.id} only by case or by - and _"
            message = f"id {outline.id} {what}: {world.model_file(first)}"
            yield Finding(
                world.model_file(outline), (), message, f"rename the folder models/{outline.type}/{outline.id}"
            )


def taken_id(world: World) -> Iterator[Finding]:
    """An id, alias or publisher was removed before, or is reserved.

    Old pins still name what was removed: whoever took the name could ship other weights to everybody who trusts it.
    Reserved names, with their reasons, are in `policy.yaml`.

    Bad:

    ```yaml
    # removed/acme/tiny.yaml exists, and models/llm/acme/tiny/model.yaml is new
    title: Tiny
    ```

    Good:

    ```yaml
    # models/llm/acme/tiny-2/model.yaml
    title: Tiny
    ```
    """
    reserved = {folded(item.name): item for item in world.context.policy.reserved}
    gone = {folded(name) for name, tombstone in world.tombstones.items() if tombstone.whole}
    seen: set[str] = set()
    for entry in world.gallery:
        outline = entry.outline
        for index, name in enumerate((outline.id, *outline.aliases)):
            own = folded(name)
            pointer: Pointer = ("aliases", index - 1) if index else ()
            if own in gone:
                message = (
                    f"{name} was removed and cannot come back ({data_file(world, f'removed/{name}') or 'removed/'})"
                )
                yield Finding(world.model_file(outline), pointer, message, "choose another name")
            if item := reserved.get(own):
                message = f"{name} is reserved: {item.reason}"
                yield Finding(world.model_file(outline), pointer, message, "choose another name")
        if outline.publisher not in seen and (item := reserved.get(folded(outline.publisher))):
            place = publisher_file(world, outline.publisher) or world.model_file(outline)
            message = f"publisher {outline.publisher} is reserved: {item.reason}"
            yield Finding(place, (), message, "choose another publisher")
        seen.add(outline.publisher)


def look_alike(world: World) -> Iterator[Finding]:
    """A name is easily taken for somebody else's.

    `qwem/qwen3` beside `qwen/qwen3`, `0penai` beside `openai`: a download of the wrong one is one slip away. Digits
    count fully, so `qwen2` and `qwen3` are told apart. Names are compared with those of other publishers; a publisher
    whose file records a proof of the name is not reported.

    Bad:

    ```yaml
    # publishers/qwem.yaml, while publishers/qwen.yaml exists
    title: Qwem
    ```

    Good:

    ```yaml
    title: Qwem
    proof: {kind: domain, value: qwem.example, date: 2026-01-31}
    ```
    """
    proven = {name for name, publisher in world.context.publishers.items() if publisher.proof}
    yield from _alike_publishers(world, proven)
    yield from _alike_models(world, proven)


def _alike_publishers(world: World, proven: set[str]) -> Iterator[Finding]:
    models: dict[str, list[Outline]] = {name: [] for name in world.context.publishers}
    for entry in world.gallery:
        models.setdefault(entry.outline.publisher, []).append(entry.outline)
    for one, other in likeness.alike(models):
        ranked = _by_age([*models[one], *models[other]])
        first, second = (other, one) if ranked and ranked[0].publisher == other else (one, other)
        path = publisher_file(world, second) or (world.model_file(models[second][0]) if models[second] else "")
        if path and second not in proven:
            message = (
                f"publisher {second} is easily taken for {first} ({publisher_file(world, first) or 'publishers/'})"
            )
            yield Finding(path, (), message, "choose another name, or record a `proof` that it is the owner's own")


def _alike_models(world: World, proven: set[str]) -> Iterator[Finding]:
    named: dict[str, list[Outline]] = defaultdict(list)
    for entry in world.gallery:
        named[entry.outline.name].append(entry.outline)
    for one, other in likeness.alike_by_word(named):
        first, *later = _by_age([*named[one], *named[other]])
        for outline in later:
            stranger = outline.publisher != first.publisher and outline.publisher not in proven
            if stranger and outline.name != first.name and not _related(outline, first):
                message = f"{outline.id} is easily taken for {first.id} ({world.model_file(first)})"
                fix = "choose another name, or name the other in `base_models`"
                yield Finding(world.model_file(outline), (), message, fix)


def taken_alias(world: World) -> Iterator[Finding]:
    """An alias is an id or an alias already.

    Ids and aliases are one set of names: a pin has to lead to exactly one model.

    Bad:

    ```yaml
    # models/llm/acme/tiny-2/model.yaml, while models/llm/acme/tiny exists
    aliases: [acme/tiny]
    ```

    Good:

    ```yaml
    base_models: [acme/tiny]
    ```
    """
    owners: dict[str, Outline] = {}
    for entry in world.gallery:
        outline = entry.outline
        for index, alias in enumerate(outline.aliases):
            if alias == outline.id:
                reason = "is the id of this model itself"
            elif other := world.gallery.by_id.get(alias):
                reason = f"is the id of another model ({world.model_file(other.outline)})"
            elif (owner := owners.setdefault(alias, outline)) is not outline:
                reason = f"is an alias of {owner.id} already ({world.model_file(owner)})"
            elif alias in outline.aliases[:index]:
                reason = "stands twice"
            else:
                continue
            yield Finding(world.model_file(outline), ("aliases", index), f"alias {alias} {reason}", f"remove {alias}")


def same_bytes(world: World) -> Iterator[Finding]:
    """Two models that name no relation have the same files.

    Whoever has both downloads everything twice, and a fault is mended in one of them only. If one is the other's
    earlier name it is an alias; if it was made from the other, the other is a base model.

    Bad:

    ```yaml
    # models/audio/acme/whisper-1, with the digests of models/audio/acme/whisper-base
    title: Whisper 1
    ```

    Good:

    ```yaml
    # models/audio/acme/whisper-base
    title: Whisper base
    aliases: [acme/whisper-1]
    ```
    """
    same: dict[tuple[str, ...], list[Outline]] = defaultdict(list)
    for entry in world.gallery:
        if entry.outline.digests:
            same[entry.outline.digests].append(entry.outline)
    for group in same.values():
        if len(group) > 1:
            first, *later = _by_age(group)
            for outline in later:
                if not _related(outline, first):
                    message = f"{outline.id} has the same files as {first.id} ({world.model_file(first)})"
                    fix = f"name {first.id} in `base_models`, or keep one model with the other id in `aliases`"
                    yield Finding(world.model_file(outline), (), message, fix)


def no_publisher(world: World) -> Iterator[Finding]:
    """A publisher has no file.

    The file says who stands behind the name and who may change its models; without it nobody can be asked.

    Bad:

    ```yaml
    # models/llm/acme/tiny/model.yaml, and no publishers/acme.yaml
    title: Tiny
    ```

    Good:

    ```yaml
    # publishers/acme.yaml
    title: Acme
    links: {homepage: https://acme.example}
    ```
    """
    seen: set[str] = set()
    for entry in world.gallery:
        publisher = entry.outline.publisher
        if publisher not in seen and not publisher_file(world, publisher):
            message = f"publisher {publisher} has no publishers/{publisher}.yaml"
            fix = f"write publishers/{publisher}.yaml with `title:`; `galleryctl new` does it for a new publisher"
            yield Finding(world.model_file(entry.outline), (), message, fix)
        seen.add(publisher)


def same_title(world: World) -> Iterator[Finding]:
    """Two models of one publisher have one title.

    Lists, search and mails show the title: nobody can tell the two apart.

    Bad:

    ```yaml
    # models/llm/acme/tiny/model.yaml and models/llm/acme/tiny-chat/model.yaml
    title: Tiny
    ```

    Good:

    ```yaml
    # models/llm/acme/tiny-chat/model.yaml
    title: Tiny Chat
    ```
    """
    owners: dict[tuple[str, str], list[Outline]] = defaultdict(list)
    for entry in world.gallery:
        title = entry.outline.title
        for text in {title} if isinstance(title, str) else set(title.values()):
            owners[entry.outline.publisher, text.casefold()].append(entry.outline)
    for (publisher, _), group in owners.items():
        if len(group) > 1:
            first, *later = _by_age(group)
            for outline in later:
                title = outline.title if isinstance(outline.title, str) else next(iter(outline.title.values()))
                message = (
                    f"{publisher} has a model with the title {title!r} already: {first.id} ({world.model_file(first)})"
                )
                yield Finding(world.model_file(outline), ("title",), message, "say in the title what differs")


RULES: tuple[Rule, ...] = (
    rule("IDN001", Severity.ERROR, entry=malformed_name, gallery=_malformed_publisher, fixed=True),
    rule("IDN002", Severity.ERROR, gallery=same_id, fixed=True),
    rule("IDN003", Severity.ERROR, gallery=taken_id, fixed=True),
    rule("IDN004", Severity.WARN, gallery=look_alike),
    rule("IDN005", Severity.ERROR, gallery=taken_alias, fixed=True),
    rule("IDN007", Severity.WARN, gallery=same_bytes),
    rule("IDN008", Severity.ERROR, gallery=no_publisher),
    rule("IDN009", Severity.WARN, gallery=same_title),
)
