"""VER and SRC008: a new release beside those that were published before it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from galleryctl.checks import near, placed
from galleryctl.checks.identity import data_file
from galleryctl.checks.pairs import Pair, ordered, pairs
from galleryctl.checks.rule import Comparison, Finding, Rule, rule
from galleryctl.problems import Severity
from galleryctl.spec import version_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from galleryctl.checks.rule import Pointer
    from galleryctl.spec import Release, Variant


def used_version(comparison: Comparison) -> Iterator[Finding]:
    """A version was published before.

    Whoever pinned it would get other files under the same number. That holds for what was discontinued and for what was
    removed, too: a number is used once.

    Bad:

    ```yaml
    # models/llm/acme/tiny/1.1.0.yaml, and removed/acme/tiny.yaml says
    releases: [1.1.0]
    ```

    Good:

    ```yaml
    # models/llm/acme/tiny/1.1.1.yaml, and removed/acme/tiny.yaml says
    releases: [1.1.0]
    ```
    """
    for pair in pairs(comparison):
        tombstone = comparison.merged.tombstones.get(pair.id)
        if tombstone and tombstone.whole:
            continue  # IDN003 tells it: the whole id is taken
        for version in pair.added:
            if version in pair.ever:
                message = f"{pair.id}@{version} was published before: {_witness(pair, version)}"
                yield Finding(pair.release_file(version), (), message, _next(pair))


def _witness(pair: Pair, version: str) -> str:
    """Who says that a version was published."""
    for world, where in ((pair.comparison.merged, ""), (pair.comparison.base, " in base")):
        tombstone = world.tombstones.get(pair.id)
        if tombstone and version in tombstone.releases:
            return f"{data_file(world, f'removed/{pair.id}')}{where} names it among the removed"
    return "an earlier publication had it"


def _next(pair: Pair) -> str:
    entry = pair.after or pair.before
    return f"take a number that is free: `galleryctl release {entry.id if entry else pair.id} --bump patch`"


def lower_version(comparison: Comparison) -> Iterator[Finding]:
    """A new version is not above every one that was published.

    "Newest" means the highest number. A release below it reaches nobody who asks for the newest, and looks older than
    it is. Galleries that keep several lines alive allow it with `backports: true` in `policy.yaml`.

    Bad:

    ```yaml
    # 1.0.1.yaml is new, and 1.1.0.yaml was published
    notes: Mends the stop token.
    ```

    Good:

    ```yaml
    # 1.1.1.yaml is new, and 1.1.0.yaml was published
    notes: Mends the stop token.
    ```
    """
    if comparison.base.context.policy.backports:
        return
    for pair in pairs(comparison):
        if not pair.ever:
            continue
        highest = max(pair.ever, key=version_key)
        for version in pair.added:
            if version not in pair.ever and version_key(version) < version_key(highest):
                where = f" ({path})" if (path := pair.base_release_file(highest)) in comparison.base.paths else ""
                message = f"{pair.id}@{version} is below {highest}, the highest ever published{where}"
                yield Finding(pair.release_file(version), (), message, f"rename it to {_choice(highest)}")


def _raised(version: str) -> tuple[str, str, str]:
    major, minor, patch = version_key(version)
    return f"{major}.{minor}.{patch + 1}", f"{major}.{minor + 1}.0", f"{major + 1}.0.0"


def _choice(version: str) -> str:
    return near.listing(_raised(version))


def skipped_version(comparison: Comparison) -> Iterator[Finding]:
    """A new version leaves numbers out.

    Readers look for the release between, and take the gap for something that was withdrawn. Often it is a slip of the
    finger that can never be taken back: all later numbers have to be above it.

    Bad:

    ```yaml
    # 1.10.0.yaml is new, and 1.0.0.yaml is the one before
    notes: Longer context.
    ```

    Good:

    ```yaml
    # 1.1.0.yaml is new, and 1.0.0.yaml is the one before
    notes: Longer context.
    ```
    """
    for pair in pairs(comparison):
        if not pair.ever:
            continue  # a model may bring a history from elsewhere
        known = ordered(pair.ever | set(pair.added))
        for version in pair.added:
            lower = [each for each in known if version_key(each) < version_key(version)]
            if version not in pair.ever and lower and version not in _raised(lower[-1]):
                message = f"{pair.id}@{version} leaves out numbers after {lower[-1]}"
                yield Finding(pair.release_file(version), (), message, f"rename it to {_choice(lower[-1])}")


def narrower_patch(comparison: Comparison) -> Iterator[Finding]:
    """A patch release drops a variant, a quantization or an ability.

    Patches are taken without a look: who runs the quantization that is gone finds out when nothing loads any more. What
    takes something away is a minor release at least.

    Bad:

    ```yaml
    # 1.0.1.yaml, and 1.0.0.yaml has quantizations: [Q4_K_M, Q8_0]
    quantizations: [Q4_K_M]
    ```

    Good:

    ```yaml
    # 1.1.0.yaml, and 1.0.0.yaml has quantizations: [Q4_K_M, Q8_0]
    quantizations: [Q4_K_M]
    ```
    """
    for pair in pairs(comparison):
        for version in pair.added:
            previous = pair.previous(version)
            if previous is None or version_key(previous)[:2] != version_key(version)[:2]:
                continue
            before, after = pair.release(previous), pair.release(version)
            if before and after:
                for pointer, what in _lost(before, after):
                    message = f"{pair.id}@{version} drops {what}, which {previous} has"
                    fix = f"add it, or rename the release to {near.listing(_raised(previous)[1:])}"
                    yield Finding(pair.release_file(version), pointer, message, fix)


def _lost(before: Release, after: Release) -> Iterator[tuple[Pointer, str]]:
    here = _offered(after)
    places = {variant.name: index for index, variant in reversed([*enumerate(after.variants)])}
    for name, quantizations in _offered(before).items():
        if name not in here:
            yield ("variants",), f"the variant {name}"
        for each in quantizations if name in here else ():
            if each not in here[name]:
                yield ("variants", places[name], "quantizations"), f"the quantization {each} of {name}"
    abilities = placed.texts(after.spec, "abilities")
    for ability in placed.texts(before.spec, "abilities"):
        if ability not in abilities:
            yield ("spec", "abilities"), f"the ability {ability}"


def _offered(release: Release) -> Mapping[str, tuple[str, ...]]:
    """Quantizations by variant."""
    found: dict[str, tuple[str, ...]] = {}
    for variant in release.variants:
        found[variant.name] = (*found.get(variant.name, ()), *variant.quantizations)
    return found


def no_notes(comparison: Comparison) -> Iterator[Finding]:
    """A second or later release does not say what is new.

    Users ask why a model changed before they take it, and so does whoever reviews the release.

    Bad:

    ```yaml
    # 1.1.0.yaml
    spec: {context_length: 8192}
    ```

    Good:

    ```yaml
    # 1.1.0.yaml
    notes: Twice the context.
    spec: {context_length: 8192}
    ```
    """
    for pair in pairs(comparison):
        for version in pair.added:
            release = pair.new.releases[version] if pair.new else None
            earlier = pair.previous(version) or max(pair.ever - {version}, key=version_key, default=None)
            if release and earlier and not (release.notes or "").strip():
                message = f"{pair.id}@{version} comes after {earlier}, and does not say what is new"
                yield Finding(pair.release_file(version), (), message, "add `notes:` with one sentence")


_SHARED = {"huggingface.co", "modelscope.cn", "www.modelscope.cn", "github.com", "raw.githubusercontent.com", "ghcr.io"}
"""Hosts of many owners: there the first part of the path says whose it is."""
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")


def other_origin(comparison: Comparison) -> Iterator[Finding]:
    """A release takes its files from another owner or host than the one before it.

    That is what a takeover looks like: the next version of a trusted model, from a repository of somebody else. A move
    happens, and then an owner of the model confirms it by approving.

    Bad:

    ```yaml
    # 1.1.0.yaml, and 1.0.0.yaml has huggingface: {repo: acme/tiny}
    huggingface: {repo: acrne/tiny}
    ```

    Good:

    ```yaml
    # 1.1.0.yaml, and 1.0.0.yaml has huggingface: {repo: acme/tiny}
    huggingface: {repo: acme/tiny}
    ```
    """
    for pair in pairs(comparison):
        for version in pair.added:
            previous = pair.previous(version)
            before, after = (pair.release(previous) if previous else None), pair.release(version)
            if before is None or after is None:
                continue
            known, told = {origin for origin, _ in _origins(before)}, set[str]()
            for origin, pointer in _origins(after):
                if known and origin not in known and origin not in told:
                    told.add(origin)
                    theirs = ", ".join(sorted(known))
                    message = f"{pair.id}@{version} takes files from {origin}, while {previous} has {theirs}"
                    fix = f"correct the source, or have an owner of {pair.id} confirm it"
                    yield Finding(pair.release_file(version), pointer, message, fix)


def _origins(release: Release) -> Iterator[tuple[str, Pointer]]:
    """Who owns what a release is loaded from: `huggingface acme`, `files.acme.example`."""
    for index, variant in enumerate(release.variants):
        yield from _of_variant(variant, ("variants", index))
    for index, download in enumerate(release.downloads):
        yield from _of_address(download.url, ("downloads", index, "url"))
    if release.environment and release.environment.image:
        yield _of_image(release.environment.image), ("environment", "image")


def _of_variant(variant: Variant, at: Pointer) -> Iterator[tuple[str, Pointer]]:
    sources = variant.sources
    for kind, hub in sources.hubs().items() if sources else ():
        for name, each in (("", hub), ("draft", hub.draft), ("lora", hub.lora), ("gguf", hub.gguf)):
            if each:
                yield f"{kind} {_owner(each.repo)}", (*at, "sources", kind, *((name,) if name else ()), "repo")
    for name, more in (("gguf", variant.gguf), ("lora", variant.lora)):
        if more:
            yield f"{name} {_owner(more.repo)}", (*at, name, "repo")
    if sources and sources.oci:
        yield _of_image(sources.oci.image), (*at, "sources", "oci", "image")
    for pointer, address in _addresses(variant):
        yield from _of_address(address, (*at, *pointer))


def _addresses(variant: Variant) -> Iterator[tuple[Pointer, str]]:
    sources = variant.sources
    for kind, prefix in (("object", sources.object), ("url", sources.url)) if sources else ():
        if prefix:
            yield ("sources", kind, "prefix"), prefix.prefix
    for quantization, group in variant.files.items():
        for index, file in enumerate(group):
            if file.url:
                yield ("files", quantization, index, "url"), file.url


def _owner(repository: str) -> str:
    return _PLACEHOLDER.sub("", repository).partition("/")[0].lower()


def _of_image(image: str) -> str:
    name = image.partition("@")[0]
    return name.rpartition("/")[0].lower() or name.partition(":")[0].lower()


def _of_address(address: str, pointer: Pointer) -> Iterable[tuple[str, Pointer]]:
    try:
        parts = urlsplit(address)
    except ValueError:  # brackets that are no address: URL001 tells it
        return
    host = (parts.hostname or "").lower()
    if host:
        owner = parts.path.lstrip("/").partition("/")[0].lower() if host in _SHARED else ""
        yield (f"{host}/{owner}" if owner else host), pointer


RULES: tuple[Rule, ...] = (
    rule("VER002", Severity.ERROR, compared=used_version, fixed=True),
    rule("VER003", Severity.ERROR, compared=lower_version),
    rule("VER004", Severity.WARN, compared=skipped_version),
    rule("VER005", Severity.WARN, compared=narrower_patch),
    rule("VER006", Severity.WARN, compared=no_notes),
    rule("SRC008", Severity.WARN, compared=other_origin),
)
