"""VAL: numbers and dates that cannot be, or do not fit each other."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from galleryctl import memory
from galleryctl.checks import placed
from galleryctl.checks.identity import data_file
from galleryctl.checks.rule import Finding, Pointer, Rule, Subject, World, rule
from galleryctl.problems import Severity
from galleryctl.spec import parameter_count, size_in_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galleryctl.checks.placed import PlacedRelease, PlacedVariant
    from galleryctl.gallery import Outline
    from galleryctl.spec.release import Requirements, Variant

_CONTEXT = 100_000_000
_FAR = 10
_FEW = 3
"""Members a family needs before its numbers say what is usual."""


def implausible_number(subject: Subject) -> Iterator[Finding]:
    """A number or date cannot be.

    A figure that is wrong by a factor is copied on into filters, estimates and comparisons, and nobody notices. Looked
    for are dates in the future, shares over 100 %, more active parameters than there are, and a context ten times that
    of the model's family in this gallery.

    Bad:

    ```yaml
    metrics: [{name: MMLU-Pro, value: 567, unit: "%", date: 2062-05-01, source: https://acme.example/report}]
    ```

    Good:

    ```yaml
    metrics: [{name: MMLU-Pro, value: 56.7, unit: "%", date: 2026-05-01, source: https://acme.example/report}]
    ```
    """
    now = subject.context.now
    tomorrow = now + dt.timedelta(days=1)
    for each in placed.releases(subject):
        release = each.release
        dates: list[tuple[Pointer, dt.date | None]] = [(("checked",), release.checked)]
        dates += [(("metrics", index, "date"), metric.date) for index, metric in enumerate(release.metrics)]
        if release.released and release.released > tomorrow:
            dates.append((("released",), release.released.date()))
        for pointer, date in dates:
            if date and date >= tomorrow.date():
                yield Finding(each.path, pointer, f"{date} lies in the future", "correct the date")
        for index, metric in enumerate(release.metrics):
            if metric.unit in {"%", "percent"} and metric.value is not None and not 0 <= metric.value <= 100:  # noqa: PLR2004 - percent
                message = f"{metric.value:g} % cannot be a share"
                yield Finding(each.path, ("metrics", index, "value"), message, "correct the figure, or its unit")
        context = release.spec.get("context_length")
        if isinstance(context, int) and context > _CONTEXT:
            message = f"no model has a context of {context:,} tokens"
            yield Finding(each.path, ("spec", "context_length"), message, "write it in tokens")
    for path, pointer, variant, _ in placed.variants(subject):
        if variant.active and variant.parameters and _count(variant.active) > _count(variant.parameters):
            message = f"{variant.active} active of {variant.parameters} parameters"
            yield Finding(path, (*pointer, "active"), message, "`active` is the smaller of the two")


def _count(parameters: str) -> int:
    return parameter_count(parameters)


def unusual_context(world: World) -> Iterator[Finding]:
    """The context is ten times that of its family."""
    families: dict[tuple[str, str], list[tuple[int, Outline]]] = defaultdict(list)
    for entry in world.gallery:
        outline = entry.outline
        context, family = outline.facts.get("context_length"), outline.facts.get("family")
        if isinstance(context, int) and isinstance(family, str) and outline.latest:
            families[outline.type, family].append((context, outline))
    for (_, family), found in sorted(families.items()):
        if len(found) > _FEW:
            usual = median(context for context, _ in found)
            for context, outline in found:
                if context > _FAR * usual:
                    path = data_file(world, f"models/{outline.type}/{outline.id}/{outline.latest}")
                    message = f"a context of {context:,} tokens, where {family} models have {usual:,.0f}"
                    yield Finding(path, ("spec", "context_length"), message, "correct it, or say why in `notes`")


_LEAST, _MOST = 0.4, 3.0
"""How far files may be from parameters × bits: names of sizes are rounded, and some layers keep more bits."""


def unfitting_size(subject: Subject) -> Iterator[Finding]:
    """The size of the files does not fit the number of parameters and bits.

    Either the weights are others than the name says, or files are missing from the list. The tolerance is wide: less
    than two fifths, or more than three times what follows from parameters and bits.

    Bad:

    ```yaml
    parameters: 8B
    files: {Q4_K_M: [{path: tiny-Q4_K_M.gguf, size: 396705472}]}     # that of 0.6B
    ```

    Good:

    ```yaml
    parameters: 0.6B
    files: {Q4_K_M: [{path: tiny-Q4_K_M.gguf, size: 396705472}]}
    ```
    """
    for path, pointer, variant, _ in placed.variants(subject):
        for quantization, group in variant.files.items() if variant.parameters else ():
            files = placed.weights(group)
            sizes = [file.size for file in files if file.size]
            bits = memory.bits("none" if quantization == "default" else quantization, variant.format)
            if not sizes or len(sizes) != len(files) or bits is None or variant.parameters is None:
                continue
            expected = parameter_count(variant.parameters) * bits / 8
            total = sum(sizes)
            if not _LEAST <= total / expected <= _MOST:
                message = (
                    f"{_gib(total)} of files, but {variant.parameters} parameters of {bits:g} bits are {_gib(expected)}"
                )
                fix = "check the source, the size and `parameters`"
                yield Finding(path, (*pointer, "files", quantization), message, fix, at="key")


def _gib(size: float) -> str:
    return f"{size / memory.GIB:.1f} GiB" if size >= memory.GIB else f"{size / 2**20:.0f} MiB"


def half_metric(subject: Subject) -> Iterator[Finding]:
    """A metric lacks its name, value, date or source.

    A figure that nobody can look up cannot be compared, and one without a date is old without anybody knowing.

    Bad:

    ```yaml
    metrics: [{name: MMLU-Pro, value: 56.7}]
    ```

    Good:

    ```yaml
    metrics: [{name: MMLU-Pro, value: 56.7, date: 2025-05-01, source: https://acme.example/report}]
    ```
    """
    for each in placed.releases(subject):
        for index, metric in enumerate(each.release.metrics):
            fields = {"name": metric.name, "value": metric.value, "date": metric.date, "source": metric.source}
            if missing := [name for name, value in fields.items() if value is None or value == ""]:
                listed = " and ".join(f"`{name}`" for name in missing)
                message = f"the metric {metric.name or index + 1} has no {listed}"
                yield Finding(each.path, ("metrics", index), message, f"add {listed}")


_UNSURE = 0.5
"""Of an estimate without files: plain weights may have half as many bits as their format usually has."""


class _Wanted(NamedTuple):
    path: str
    pointer: Pointer
    requirements: Requirements
    variants: tuple[Variant, ...]


def _wanted(each: PlacedRelease, variants: list[PlacedVariant]) -> Iterator[_Wanted]:
    release = each.release
    if release.requirements:
        shared = tuple(variant for variant in release.variants if not variant.requirements)
        yield _Wanted(each.path, ("requirements",), release.requirements, shared)
    for path, pointer, variant, _ in variants:
        if variant.requirements:
            yield _Wanted(path, (*pointer, "requirements"), variant.requirements, (variant,))


def short_requirements(subject: Subject) -> Iterator[Finding]:
    """The stated requirements are below the size of the smallest variant, or no context is stated to estimate by.

    People buy and reserve machines by these numbers. Weights alone take more than is asked for here, and how much the
    context takes cannot be told without its length.

    Bad:

    ```yaml
    requirements: {vram: 2GiB}
    variants: [{format: gguf, parameters: 8B, quantizations: [Q4_K_M]}]
    ```

    Good:

    ```yaml
    requirements: {vram: 8GiB}
    variants: [{format: gguf, parameters: 8B, quantizations: [Q4_K_M]}]
    ```
    """
    variants = defaultdict(list)
    for variant in placed.variants(subject):
        variants[variant.path].append(variant)
    for each in placed.releases(subject):
        for path, pointer, wanted, chosen in _wanted(each, variants[each.path]):
            field = "vram" if wanted.vram else "memory"
            size = wanted.vram or wanted.memory
            if size and memory.exceed(chosen, size_in_bytes(size)) and (builds := memory.builds(chosen, None)):
                least = min(builds, key=lambda build: build.weights)
                sure = 1.0 if any(variant.files for variant in chosen) else _UNSURE
                if size_in_bytes(size) < least.weights * sure * memory.GIB:
                    message = f"{field} of {size} is less than the weights of {least.label}, {least.weights:.1f} GiB"
                    fix = f"write at least {least.weights * 1.03 + 0.6:.0f}GiB, or what was measured"
                    yield Finding(path, (*pointer, field), message, fix)
        if (
            subject.place.type == "llm"
            and "context_length" not in each.release.spec
            and each.release.variants
            and not subject.documents[each.name].has(("spec", "context_length"))
        ):
            message = "without `context_length` nobody can tell how much memory the model takes"
            yield Finding(each.path, ("spec",), message, "add `context_length`, in tokens")


RULES: tuple[Rule, ...] = (
    rule("VAL001", Severity.WARN, entry=implausible_number, gallery=unusual_context),
    rule("VAL005", Severity.WARN, entry=unfitting_size),
    rule("VAL006", Severity.ERROR, entry=half_metric),
    rule("VAL007", Severity.WARN, entry=short_requirements),
)
