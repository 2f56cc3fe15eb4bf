"""REF: what models, tombstones and consumers point to is there, and is no dead end."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from galleryctl.audience import PUBLIC, may_see
from galleryctl.checks import near
from galleryctl.checks.identity import data_file
from galleryctl.checks.rule import Finding, Pointer, Rule, World, rule
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from galleryctl.gallery import Outline
    from galleryctl.spec import Consumer
    from galleryctl.spec.governance import Pin


def _found(world: World, name: str) -> Outline | None:
    """The model an id or an earlier id leads to."""
    gallery = world.gallery
    entry = gallery.by_id.get(name) or gallery.by_id.get(gallery.aliases.get(name, ""))
    return entry.outline if entry else None


def _namer(world: World) -> Callable[[str], str]:
    """The nearest id to one that leads nowhere; ids are grouped only when the first is asked for."""
    neighbours: dict[str, list[str]] = defaultdict(list)

    def nearest(name: str) -> str:
        if not neighbours:
            for entry in world.gallery:
                neighbours[entry.outline.publisher].append(entry.outline.name)
                neighbours[f"/{entry.outline.name}"].append(entry.id)
        publisher, _, model = name.partition("/")
        if same := neighbours.get(f"/{model}"):
            return same[0]
        close = near.guess(model, neighbours.get(publisher, ()))
        return f"{publisher}/{close}" if close else ""

    return nearest


def _gone(world: World, name: str) -> str:
    """What became of an id that leads nowhere, as the end of a message."""
    tombstone = world.tombstones.get(name)
    if tombstone is None or not tombstone.whole:
        return "does not exist"
    return f"was removed on {tombstone.since} ({data_file(world, f'removed/{name}') or 'removed/'})"


def missing_target(world: World) -> Iterator[Finding]:
    """A successor or base model does not exist.

    A reader who follows the reference ends nowhere, and a lineage with a gap cannot be checked for licences.

    Bad:

    ```yaml
    successor: acme/tinny-2
    ```

    Good:

    ```yaml
    successor: acme/tiny-2
    ```
    """
    nearest = _namer(world)
    for path, pointer, name in _all_references(world):
        if _found(world, name) is None:
            if tombstone := world.tombstones.get(name):
                fix = (f"write `{tombstone.successor}`, or " if tombstone.successor else "") + "remove it"
            else:
                fix = (f"write `{close}`, or " if (close := nearest(name)) else "") + f"add {name}, or remove it"
            yield Finding(path, pointer, f"{pointer[0]}: {name} {_gone(world, name)}", fix)


def _all_references(world: World) -> Iterator[tuple[str, Pointer, str]]:
    for entry in world.gallery:
        outline = entry.outline
        if outline.successor:
            yield world.model_file(outline), ("successor",), outline.successor
        for index, name in enumerate(outline.base_models):
            yield world.model_file(outline), ("base_models", index), name
    for name, tombstone in world.tombstones.items():
        if tombstone.successor and (path := data_file(world, f"removed/{name}")):
            yield path, ("successor",), tombstone.successor


def circular(world: World) -> Iterator[Finding]:
    """Successors or base models lead in a circle.

    A model cannot be made from itself, and who follows the successors of a deprecated model would walk for ever.

    Bad:

    ```yaml
    # models/llm/acme/tiny/model.yaml, and acme/tiny-2 names acme/tiny as its successor
    successor: acme/tiny-2
    ```

    Good:

    ```yaml
    # models/llm/acme/tiny/model.yaml, and acme/tiny-2 names no successor
    successor: acme/tiny-2
    ```
    """
    successors: dict[str, list[str]] = {}
    bases: dict[str, list[str]] = {}
    for entry in world.gallery:
        outline = entry.outline
        if outline.successor:
            successors[entry.id] = [_present(world, outline.successor)]
        if outline.base_models:
            bases[entry.id] = [_present(world, name) for name in outline.base_models]
    for field, links in (("successor", successors), ("base_models", bases)):
        for cycle in _cycles(links):
            outline = world.gallery.by_id[cycle[0]].outline
            way = " → ".join([*cycle, cycle[0]])
            message = f"{field} names the model itself" if len(cycle) == 1 else f"{field} leads in a circle: {way}"
            others = ", ".join(world.model_file(world.gallery.by_id[name].outline) for name in cycle[1:])
            fix = f"remove it here or in {others}" if others else "remove it"
            index = links[cycle[0]].index(cycle[1 % len(cycle)])
            yield Finding(world.model_file(outline), (field,) if field == "successor" else (field, index), message, fix)


def _present(world: World, name: str) -> str:
    outline = _found(world, name)
    return outline.id if outline else name


def _cycles(links: dict[str, list[str]]) -> Iterator[tuple[str, ...]]:
    """Each circle once, from its first id; a circle that shares its way with another may wait for that to be mended."""
    done: set[str] = set()
    for start, targets in links.items():
        if start in done:
            continue
        trail = [start]
        on_trail = {start: 0}
        ways = [iter(targets)]
        while ways:
            step = next(ways[-1], None)
            if step is None:
                ways.pop()
                left = trail.pop()
                del on_trail[left]
                done.add(left)
            elif step in on_trail:
                cycle = trail[on_trail[step] :]
                first = cycle.index(min(cycle))
                yield tuple(cycle[first:] + cycle[:first])
            elif step in links and step not in done:
                on_trail[step] = len(trail)
                trail.append(step)
                ways.append(iter(links[step]))


def _dead_end(world: World, outline: Outline) -> str:
    """Why nobody should be sent to a model; empty where nothing speaks against it."""
    if outline.expires is not None and outline.expires <= world.context.now.date():
        return f"expired on {outline.expires}"
    if outline.status in {"discontinued", "quarantined"}:
        return f"is {outline.status}"
    if outline.latest is None:
        return "has no release that is still in use"
    return "" if outline.listed else "is withdrawn"


def dead_end(world: World) -> Iterator[Finding]:
    """A successor is withdrawn, discontinued or expired itself.

    Readers are sent from one dead end to the next. Base models are facts of the past and may be anything.

    Bad:

    ```yaml
    successor: acme/tiny-2             # status: discontinued, successor: acme/tiny-3
    ```

    Good:

    ```yaml
    successor: acme/tiny-3
    ```
    """
    for path, pointer, name in _all_references(world):
        if pointer[0] == "successor" and (target := _found(world, name)) and (why := _dead_end(world, target)):
            following = _living(world, target)
            fix = f"write `successor: {following}`" if following else "name another successor, or none"
            yield Finding(path, pointer, f"successor {name} {why} ({world.model_file(target)})", fix)


def _living(world: World, outline: Outline) -> str:
    """The first model along the successors that is no dead end."""
    seen = {outline.id}
    while outline.successor and (target := _found(world, outline.successor)) and target.id not in seen:
        if not _dead_end(world, target):
            return target.id
        seen.add(target.id)
        outline = target
    return ""


def _pins(world: World) -> Iterator[tuple[str, int, Consumer, Pin]]:
    for service, consumer in world.consumers.items():
        if path := data_file(world, f"consumers/{service}"):
            for index, pin in enumerate(consumer.pins):
                yield path, index, consumer, pin


def missing_pin(world: World) -> Iterator[Finding]:
    """A service pins a release that is not there, or that it may not see.

    The file guards models in use against removal and is shown as "used by"; a pin that leads nowhere guards nothing.

    Bad:

    ```yaml
    # consumers/helpdesk.yaml
    pins: [{model: acme/tiny, version: 9.9.9}]
    ```

    Good:

    ```yaml
    # consumers/helpdesk.yaml
    pins: [{model: acme/tiny, version: 1.0.0}]
    ```
    """
    nearest = _namer(world)
    for path, index, consumer, pin in _pins(world):
        target = _found(world, pin.model)
        at: Pointer = ("pins", index)
        if target is None:
            close = nearest(pin.model)
            fix = (f"write `{close}`, or " if close else "") + "remove the pin"
            yield Finding(path, (*at, "model"), f"{pin.model} {_gone(world, pin.model)}", fix)
        elif not _sees(world, consumer, target):
            message = f"{pin.model} is {target.visibility}, and none of the service's owners may see it"
            fix = "add an owner who may, or pin another model"
            yield Finding(path, (*at, "model"), message, fix)
        elif pin.version is not None and pin.version not in target.releases:
            message = f"{pin.model} has no release {pin.version} ({world.model_file(target)})"
            fix = f"pin one of {near.listing(target.releases)}"
            yield Finding(path, (*at, "version"), message, fix)


def _sees(world: World, consumer: Consumer, outline: Outline) -> bool:
    context = world.context
    names: Iterable[str] = (PUBLIC, *consumer.owners)
    return any(may_see(outline, name, context.roles, context.settings.organisation) for name in names)


def stale_pin(world: World) -> Iterator[Finding]:
    """A service pins a release that should not be used any more.

    It is quarantined, discontinued or expired. This never blocks: a quarantine must not wait for those who use the
    model, but they have to be told.

    Bad:

    ```yaml
    # consumers/helpdesk.yaml, and 1.0.0 is quarantined
    pins: [{model: acme/tiny, version: 1.0.0}]
    ```

    Good:

    ```yaml
    # consumers/helpdesk.yaml
    pins: [{model: acme/tiny, version: 1.0.1}]
    ```
    """
    today = world.context.now.date()
    for path, index, _, pin in _pins(world):
        target = _found(world, pin.model)
        if target is None or (pin.version is not None and pin.version not in target.releases):
            continue
        state = target.releases[pin.version] if pin.version else target.status
        if target.expires is not None and target.expires <= today and state != "quarantined":
            state_text = f"expired on {target.expires}"
        elif state in {"quarantined", "discontinued"}:
            state_text = f"is {state}"
        elif pin.version is None and target.latest is None:
            state_text = "has no release that is still in use"
        else:
            continue
        what = f"{pin.model}@{pin.version}" if pin.version else pin.model
        pointer: Pointer = ("pins", index, "version" if pin.version else "model")
        yield Finding(path, pointer, f"{what} {state_text} ({world.model_file(target)})", _moved(world, target))


def _moved(world: World, target: Outline) -> str:
    if target.latest and not _dead_end(world, target):
        return f"pin {target.latest}"
    following = _living(world, target)
    return f"move to {following}" if following else "move to another model"


RULES: tuple[Rule, ...] = (
    rule("REF001", Severity.ERROR, gallery=missing_target),
    rule("REF002", Severity.ERROR, gallery=circular),
    rule("REF003", Severity.WARN, gallery=dead_end),
    rule("REF004", Severity.ERROR, gallery=missing_pin),
    rule("REF005", Severity.WARN, gallery=stale_pin),
)
