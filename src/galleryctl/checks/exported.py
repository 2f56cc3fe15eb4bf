"""RUN: what becomes of a model at the runtimes the gallery exports to."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from galleryctl.checks import placed
from galleryctl.checks.identity import data_file
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, World, rule
from galleryctl.problems import Severity
from galleryctl.runtimes import RUNTIMES, Skipped, command, exported_name, shipped, targets, unfit, xinference
from galleryctl.runtimes.base import of_variant
from galleryctl.spec import localised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.checks.placed import PlacedRelease
    from galleryctl.gallery import Entry
    from galleryctl.runtimes import Runtime, Target

_GONE = {"discontinued", "quarantined"}


def _enabled(subject: Subject) -> list[Runtime]:
    return [RUNTIMES[name] for name in subject.context.settings.runtimes if name in RUNTIMES]


def _current(subject: Subject) -> Iterator[PlacedRelease]:
    """Releases that somebody may still be given."""
    if subject.definition.model.status not in _GONE:
        yield from (each for each in placed.releases(subject) if each.release.status not in _GONE)


def _targets(subject: Subject, each: PlacedRelease) -> Iterator[Target]:
    return targets(subject.place.id, subject.place.type, each.version, each.release)


def refused_export(subject: Subject) -> Iterator[Finding]:
    """A runtime would refuse the export, or misread it.

    Who writes an overlay for a runtime means the model to run there. Xinference drops a model that lacks a field it
    needs, together with what comes after it, and what an overlay says of a variant that does not exist is lost.

    Bad:

    ```yaml
    # an llm without `abilities`
    runtimes: {xinference: {virtualenv: {packages: [transformers>=4.57]}}}
    ```

    Good:

    ```yaml
    spec: {abilities: [chat], languages: [en]}
    runtimes: {xinference: {virtualenv: {packages: [transformers>=4.57]}}}
    ```
    """
    enabled = _enabled(subject)
    for each in _current(subject):
        names = {variant.name for variant in each.release.variants}
        for name, overlay in each.release.runtimes.items():
            for key in placed.block(overlay, "per_variant"):
                if key not in names:
                    message = f"there is no variant {key}"
                    fix = f"write one of {', '.join(sorted(names)) or 'the variants'}, or remove it"
                    yield Finding(each.path, ("runtimes", name, "per_variant", key), message, fix, at="key")
        for runtime in enabled:
            if runtime.name in each.release.runtimes:
                yield from _refused(subject, each, runtime)


def _refused(subject: Subject, each: PlacedRelease, runtime: Runtime) -> Iterator[Finding]:
    pointer: Pointer = ("runtimes", runtime.name)
    if subject.place.type not in runtime.formats:
        message = f"{runtime.title} loads no {subject.place.type} models, so it never reads this"
        yield Finding(each.path, pointer, message, "remove the overlay", at="key")
    elif runtime is xinference.RUNTIME:
        found = [list(xinference.lacks(one)) for one in _targets(subject, each) if unfit(runtime, one) is None]
        if fields := list(dict.fromkeys(field for lacking in found for field in lacking)):
            listed = ", ".join(f"`{field}`" for field in fields)
            message = f"{runtime.title} refuses this model without {listed}"
            yield Finding(each.path, pointer, message, f"add {listed}, or remove the overlay", at="key")


def unusable_variant(subject: Subject) -> Iterator[Finding]:
    """No runtime of the gallery can use a variant.

    Readers choose it, and then find no command to run it. Each runtime's reason is told, as the page of the model does.

    Bad:

    ```yaml
    variants: [{format: ggml, sources: {huggingface: {repo: acme/tiny-ggml}}}]
    ```

    Good:

    ```yaml
    variants: [{format: gguf, sources: {huggingface: {repo: acme/tiny-GGUF, file: "tiny-{quantization}.gguf"}}}]
    ```
    """
    enabled = _enabled(subject)
    for each in _current(subject) if enabled else ():
        if any(name not in RUNTIMES for name in each.release.runtimes):
            continue  # a runtime whose facts are not known here reads an overlay of its own
        for index, variant in enumerate(each.release.variants):
            reasons: list[str] = []
            for target in of_variant(subject.place.id, subject.place.type, each.version, each.release, variant):
                if not (reasons := _reasons(enabled, target)):
                    break
            if reasons:
                message = f"no enabled runtime can use variant {variant.name}: {' '.join(reasons)}"
                yield Finding(each.path, ("variants", index), message, "complete it, or say in `notes` what it is for")


def _reasons(enabled: list[Runtime], target: Target) -> list[str]:
    """Why none of the runtimes can use a target; empty where one can."""
    if xinference.RUNTIME in enabled and unfit(xinference.RUNTIME, target) is None and xinference.takes(target):
        return []  # the quickest to ask, and mostly it can
    reasons = []
    for runtime in enabled:
        if runtime.run is None:
            continue
        found = command(runtime.name, target)
        if not isinstance(found, Skipped):
            return []
        reasons.append(localised(found.reason, "en", "en"))
    return list(dict.fromkeys(reasons))


def shared_name(world: World) -> Iterator[Finding]:
    """Two models have one name at a runtime.

    A runtime's list has one place for each name: the second replaces the first, or is never found. Names are compared
    without case, and for audio together with engine and format.

    Bad:

    ```yaml
    # in acme/tiny and in globex/tiny nothing is said of names
    ```

    Good:

    ```yaml
    # in globex/tiny
    runtimes: {xinference: {name: globex-tiny}}
    ```
    """
    kinds: dict[tuple[str, tuple[str, ...]], list[tuple[str, Entry]]] = defaultdict(list)
    for entry in world.gallery.shown():
        outline = entry.outline
        # What has no build that the runtime loads is in none of its files.
        if outline.formats or outline.hubs or outline.engines:
            kinds[outline.type, outline.formats].append((outline.name.casefold(), entry))
    for name in world.context.settings.runtimes:
        runtime = RUNTIMES.get(name)
        if runtime is None or runtime.export is None:
            continue
        groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for (type_, formats), entries in kinds.items():
            if runtime.takes(type_, formats):
                scope = runtime.export.format(type=type_)
                for usual, entry in entries:
                    own = entry.outline.names.get(name)
                    groups[scope, usual if own is None else own.casefold()].append(entry)
        for found in groups.values():
            if len(found) > 1:
                yield from _shared(world, runtime, sorted(found, key=lambda entry: entry.id))


def _shared(world: World, runtime: Runtime, found: list[Entry]) -> Iterator[Finding]:
    for index, entry in enumerate(found):
        earlier = next((each for each in found[:index] if not _told_apart(each, entry)), None)
        if earlier is not None:
            outline = entry.outline
            own = outline.names.get(runtime.name)
            path = data_file(world, f"models/{outline.type}/{outline.id}/{outline.latest}")
            message = f"{earlier.id} is called {own or outline.name} at {runtime.title} too"
            fix = f"write another name: runtimes: {{{runtime.name}: {{name: {outline.publisher}-{outline.name}}}}}"
            yield Finding(path, ("runtimes", runtime.name, "name") if own else (), message, fix)


def _told_apart(one: Entry, other: Entry) -> bool:
    if one.outline.type != "audio" or other.outline.type != "audio":
        return False
    return set(one.outline.engines).isdisjoint(other.outline.engines) and bool(one.outline.engines)


def shipped_name(subject: Subject) -> Iterator[Finding]:
    """A model has the name of one that the runtime brings along.

    The newer of the two takes effect, so an update of this gallery may replace the runtime's own model, which then
    loses the right to run code of its own. A gallery that means to replace them sets RUN004 to note in policy.yaml.

    Bad:

    ```yaml
    # models/llm/acme/qwen3: Xinference brings a qwen3 along
    ```

    Good:

    ```yaml
    runtimes: {xinference: {name: acme-qwen3}}
    ```
    """
    if xinference.RUNTIME.name not in subject.context.settings.runtimes or not subject.definition.model.listed:
        return
    for each in _current(subject):
        name = exported_name("xinference", subject.place.id, each.release)
        if name in shipped.XINFERENCE.get(subject.place.type, ()):
            stated = "name" in each.release.runtimes.get("xinference", {})
            pointer = ("runtimes", "xinference", "name") if stated else ()
            message = f"Xinference brings along a model called {name}"
            fix = f"write another name: runtimes: {{xinference: {{name: {subject.place.publisher}-{name}}}}}"
            yield Finding(each.path, pointer, message, fix)


def unfit_name(subject: Subject) -> Iterator[Finding]:
    """The name of a model has characters that the runtime does not take.

    Names become parts of addresses, file names and commands there: the model is listed and cannot be started.

    Bad:

    ```yaml
    runtimes: {ollama: {name: "Qwen3 (8B)"}}
    ```

    Good:

    ```yaml
    runtimes: {ollama: {name: "qwen3:8b"}}
    ```
    """
    for each in _current(subject):
        for runtime in _enabled(subject):
            name = exported_name(runtime.name, subject.place.id, each.release)
            if not runtime.names.fullmatch(name):
                pointer = ("runtimes", runtime.name, "name")
                message = f"{runtime.title} does not take the name {name!r}"
                yield Finding(each.path, pointer, message, f"write {runtime.alphabet}")


_REFUSED_FILE = """
    An exported file is not in the shape that its runtime reads.

    One such file can stop the server of everybody who refreshes: Xinference ends at an `updated_at` that is text, and
    ignores a file that is no array. So each exporter holds what it wrote against the runtime's shape, and nothing is
    published while that fails. No definition can cause it rightly: it is a bug of the exporter, to be reported with the
    definitions of the models that the file names. Until it is mended, leave the runtime out of `gallery.yaml`.

    Bad:

    ```json
    {"models": [{"model_name": "tiny", "updated_at": "2026-01-02"}]}
    ```

    Good:

    ```json
    [{"model_name": "tiny", "updated_at": 1767322800}]
    ```
"""

RULES: tuple[Rule, ...] = (
    rule("RUN001", Severity.ERROR, entry=refused_export),
    rule("RUN002", Severity.WARN, entry=unusable_variant),
    rule("RUN003", Severity.ERROR, gallery=shared_name),
    rule("RUN004", Severity.WARN, entry=shipped_name),
    rule("RUN005", Severity.ERROR, entry=unfit_name),
    rule("RUN006", Severity.ERROR, page=_REFUSED_FILE, fixed=True),
)
