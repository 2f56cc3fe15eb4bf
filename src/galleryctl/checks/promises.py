"""IDN006, LIC004, LIC005 and TAX005: ids, licences and words that others rely on."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from galleryctl.checks import licences, near, undoing
from galleryctl.checks.identity import data_file
from galleryctl.checks.pairs import Pair, data_path, pairs
from galleryctl.checks.rule import Comparison, Finding, Rule, rule
from galleryctl.problems import Severity
from galleryctl.spec import Taxonomy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from galleryctl.checks.rule import Pointer, World
    from galleryctl.gallery import Entry


def lost_id(comparison: Comparison) -> Iterator[Finding]:
    """A model got another id or type, and the old one leads nowhere.

    Runtimes and services pin ids. A model that is renamed keeps its earlier ids among its `aliases`, so that old pins
    go on resolving. The type cannot change: clients look for a model in the document of its type.

    Bad:

    ```yaml
    # models/llm/acme/tiny-chat, which was models/llm/acme/tiny
    title: Tiny Chat
    ```

    Good:

    ```yaml
    # models/llm/acme/tiny-chat, which was models/llm/acme/tiny
    title: Tiny Chat
    aliases: [acme/tiny]
    ```
    """
    found = pairs(comparison)
    for pair in found:
        if not (pair.before and pair.after):
            continue
        if pair.before.outline.type != pair.after.outline.type:
            message = f"{pair.id} moved from {pair.root} to {pair.target}: its type cannot change"
            fix = f"move it back to {pair.root}, or publish it under an id of its own"
            yield Finding(pair.model_file, (), message, fix)
        yield from _dropped_aliases(pair)
    yield from _renamed_silently(found)


def _dropped_aliases(pair: Pair) -> Iterator[Finding]:
    merged = pair.comparison.merged
    for alias in pair.before.outline.aliases if pair.before else ():
        if merged.gallery.find(alias) is None and alias not in merged.tombstones:
            message = f"{pair.id} was also known as {alias} ({pair.base_file} of base), and no model is any more"
            yield Finding(pair.model_file, ("aliases",), message, f"keep {alias} in `aliases`")


def _renamed_silently(found: tuple[Pair, ...]) -> Iterator[Finding]:
    """Models that went while another came with the very same release file, or the same digests."""
    came: dict[object, Pair] = {}
    for pair in found:
        if pair.before is None and pair.after:
            for mark in _marks(pair.after, pair.comparison.merged):
                came.setdefault(mark, pair)
    for pair in found if came else ():
        if pair.before is None or not pair.gone or pair.id in pair.comparison.merged.tombstones:
            continue
        heir = next((came[mark] for mark in _marks(pair.before, pair.comparison.base) if mark in came), None)
        if heir and undoing.against(pair):
            message = f"{heir.id} has the files of {pair.id} ({pair.base_file} of base), which is gone"
            yield Finding(heir.model_file, ("aliases",), message, f"add `aliases: [{pair.id}]`")


def _marks(entry: Entry, world: World) -> Iterator[object]:
    """By what a model is known again: its release files byte for byte, and the digests of its weights."""
    outline = entry.outline
    for version in outline.releases:
        path = data_path(world, f"models/{outline.type}/{outline.id}/{version}")
        if path in world.paths:
            yield world.paths[path].blob
    if outline.digests:
        yield outline.digests


def foreign_licence(comparison: Comparison) -> Iterator[Finding]:
    """The licence is not one that the gallery accepts.

    `taxonomy.yaml` lists the licences that were looked at; the list counts as it stands in base, so nobody adds a
    licence and uses it in one step. Of a choice (`MIT OR …`) one accepted licence is enough.

    Bad:

    ```yaml
    # taxonomy.yaml lists Apache-2.0 and MIT
    license: CC-BY-NC-4.0
    ```

    Good:

    ```yaml
    # taxonomy.yaml lists Apache-2.0 and MIT
    license: Apache-2.0
    ```
    """
    listed = comparison.base.context.taxonomy.licenses
    for pair in pairs(comparison) if listed else ():
        for path, pointer, expression in _new_licences(pair):
            if lacking := licences.unlisted(expression, listed):
                where = data_file(comparison.base, "taxonomy") or "taxonomy.yaml"
                message = f"license {', '.join(lacking)} of {pair.id} is not in the list of {where} in base"
                fix = f"use {near.listing(listed)}, or ask for it in a pull request that changes {where} alone"
                yield Finding(path, pointer, message, fix)


def _new_licences(pair: Pair) -> Iterator[tuple[str, Pointer, str]]:
    """Licences that the pull request brings."""
    if pair.new is None:
        return
    if pair.new.license and (pair.old is None or pair.old.license != pair.new.license or pair.added):
        yield pair.model_file, ("license",), pair.new.license
    for version in pair.added:
        for index, variant in enumerate(pair.new.releases[version].variants):
            if variant.license:
                yield pair.release_file(version), ("variants", index, "license"), variant.license


def other_licence(comparison: Comparison) -> Iterator[Finding]:
    """The licence of a published model changed.

    Those who use the model took it under other terms, and a licence that was given cannot be taken back. If it was
    wrong, say in the pull request who says so; if it is another from now on, that begins with a new release.

    Bad:

    ```yaml
    # base has license: Apache-2.0, and 1.0.0 is published
    license: CC-BY-NC-4.0
    ```

    Good:

    ```yaml
    # base has license: Apache-2.0, and 1.0.0 is published
    license: Apache-2.0
    ```
    """
    for pair in pairs(comparison):
        if not (pair.before and pair.after and pair.before.outline.releases):
            continue
        before, after = pair.before.outline.license, pair.after.outline.license
        if before != after:
            was = f"was {before or 'missing'} in {pair.base_file} of base"
            message = f"the licence of {pair.id}, which has releases, {was}, is {after or 'missing'}"
            fix = "give the reason in the pull request, with the place where its author says so"
            yield Finding(pair.model_file, ("license",), message, fix)


_DEEP = {"frameworks": ("environment", "framework"), "scenes": ("origin", "scene")}
"""Vocabularies whose values stand in releases → where."""


def removed_word(comparison: Comparison) -> Iterator[Finding]:
    """A value of the vocabulary was removed while models use it.

    Filters and addresses with that value lead nowhere, and every model that has it becomes an error at once. As an
    alias of another value it is replaced wherever it stands.

    Bad:

    ```yaml
    # taxonomy.yaml, while models have tags: [embeddings]
    embedding: {label: Embedding}
    ```

    Good:

    ```yaml
    # taxonomy.yaml, while models have tags: [embeddings]
    embedding: {label: Embedding, aliases: [embeddings]}
    ```
    """
    base, merged = comparison.base, comparison.merged
    if base.context.taxonomy == merged.context.taxonomy or _unreadable(merged):
        return
    path = data_file(merged, "taxonomy") or data_file(base, "taxonomy")
    kept = _values(merged.context.taxonomy)
    for kind, places in _values(base.context.taxonomy).items():
        removed = {value: at for value, at in places.items() if value not in kept[kind]}
        for value, users in _users(merged, kind, removed).items():
            names = ", ".join(users[:3]) + (", …" if len(users) > 3 else "")  # noqa: PLR2004
            many = "1 model uses" if len(users) == 1 else f"{len(users)} models use"
            message = f"`{value}` is gone from {'.'.join(map(str, removed[value]))}, and {many} it: {names}"
            fix = f"put it back, or make it an alias of another value: `aliases: [{value}]`"
            yield Finding(path, removed[value], message, fix, at="key")


def _values(taxonomy: Taxonomy) -> Mapping[str, Mapping[str, Pointer]]:
    """Values and aliases by what uses them, with the place of the vocabulary they belong to."""
    tags: dict[str, Pointer] = {}
    for name, dimension in taxonomy.dimensions.items():
        for value, spelled in dimension.values.items():
            tags |= dict.fromkeys((value, *spelled.aliases), ("dimensions", name, "values"))
    found: dict[str, dict[str, Pointer]] = {"tags": tags}
    for kind in ("categories", "regions", "frameworks", "scenes"):
        own = getattr(taxonomy, kind).values
        found[kind] = {each: (kind, "values") for value, spelled in own.items() for each in (value, *spelled.aliases)}
    return found


def _users(world: World, kind: str, removed: Collection[str]) -> Mapping[str, list[str]]:
    """Models by the removed value that they use."""
    found: dict[str, list[str]] = defaultdict(list)
    if not removed:
        return found
    for entry in world.gallery:
        for value in _used(entry, kind, removed):
            found[value].append(entry.id)
    return {value: found[value] for value in sorted(found)}


def _used(entry: Entry, kind: str, removed: Collection[str]) -> set[str]:
    if kind in _DEEP:
        block, field = _DEEP[kind]
        if not any(f'"{value}"'.encode() in entry.wire for value in removed):
            return set()  # reading a document back takes its time
        blocks = [getattr(release, block) for release in entry.document().releases.values()]
        return {value for each in blocks if each and (value := getattr(each, field)) in removed}
    return {value for value in getattr(entry.outline, kind) if value in removed}


def _unreadable(world: World) -> bool:
    """Whether the vocabulary counts as empty only because its file cannot be read: another rule tells that."""
    path = data_file(world, "taxonomy")
    if not path or world.context.taxonomy.model_copy(update={"licenses": {}}) != Taxonomy():
        return False
    parsed = world.documents.get(path)
    return parsed is None or any(key != "licenses" and value for key, value in parsed.data.items())


RULES: tuple[Rule, ...] = (
    rule("IDN006", Severity.ERROR, compared=lost_id),
    rule("LIC004", Severity.ERROR, compared=foreign_licence),
    rule("LIC005", Severity.WARN, compared=other_licence),
    rule("TAX005", Severity.ERROR, compared=removed_word),
)
