"""IMM: what was published stays as it was, and what was removed stays told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl import layout
from galleryctl.checks import facts, undoing
from galleryctl.checks.identity import data_file
from galleryctl.checks.pairs import Pair, pairs, touched
from galleryctl.checks.rule import Comparison, Finding, Rule, rule
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.checks.facts import Fact
    from galleryctl.spec import Release, Tombstone

_MOST = 5
"""Differences of one release that are told one by one."""


def changed_release(comparison: Comparison) -> Iterator[Finding]:
    """A published release was changed.

    Users pinned this version and rely on what they tried. In a published release only `notes`, `status` and `reason`
    may change, and facts that were missing may be filled in; everything else is a new release.

    Bad:

    ```yaml
    # 1.0.0.yaml, published with context_length: 4096
    spec: {context_length: 8192}
    ```

    Good:

    ```yaml
    # 1.0.1.yaml, and 1.0.0.yaml stays as it was published
    spec: {context_length: 8192}
    ```
    """
    for pair, version, before, after in _published(comparison):
        found = facts.differences(before, after)
        for index, (pointer, old, new) in enumerate(found[:_MOST]):
            more = f"; {len(found) - _MOST} more differences" if index == _MOST - 1 and len(found) > _MOST else ""
            was = f"was {facts.shown(old)} in {pair.base_release_file(version)} of base"
            message = (
                f"{pair.id}@{version} is published, and `{facts.dotted(pointer)}` {was}, is {facts.shown(new)}{more}"
            )
            path = _template(pair, version) if pointer[:3] == ("spec", "prompt", "template") else ""
            place = (path, ()) if path else (pair.release_file(version), pointer)
            yield Finding(*place, message, _anew(pair))


def _published(comparison: Comparison) -> Iterator[tuple[Pair, str, Release, Release]]:
    """Releases that base and the merged tree have, and that differ."""
    for pair in pairs(comparison):
        if pair.old and pair.new:
            for version in pair.common:
                before, after = pair.old.releases[version], pair.new.releases[version]
                if before != after:
                    yield pair, version, before, after


def _template(pair: Pair, version: str) -> str:
    """The template that was changed in place of the release; empty where the release names another."""
    release = pair.release_file(version)
    names = [name for name in pair.touched if name.endswith(".jinja")]
    own = [name for name in names if name.startswith(f"{version}.")] or names
    return f"{pair.target}/{own[0]}" if own and release.rpartition("/")[2] not in pair.touched else ""


def _anew(pair: Pair) -> str:
    entry = pair.after or pair.before
    return f"put it back; a change is a new release: `galleryctl release {entry.id if entry else pair.id} --bump patch`"


def changed_fact(comparison: Comparison) -> Iterator[Finding]:
    """A published revision, size or digest was changed.

    These facts say which bytes a version stands for: other bytes are another release. Other bytes at the same revision
    are an alarm, because a commit cannot change: the source was tampered with, or one of the two digests is wrong. A
    fact that was missing may be filled in.

    Bad:

    ```yaml
    # 1.0.0.yaml, published with sha256: 3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea
    {path: model.safetensors, sha256: 0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f}
    ```

    Good:

    ```yaml
    # 1.0.1.yaml, and 1.0.0.yaml stays as it was published
    {path: model.safetensors, sha256: 0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f}
    ```
    """
    for pair, version, before, after in _published(comparison):
        for key, old, new in facts.changed_facts(before, after):
            yield _fact(pair, version, old, new, facts.steady_source(key, before, after))


def _fact(pair: Pair, version: str, old: Fact, new: Fact, revision: str) -> Finding:
    was = f"was {facts.shown(old.value)} in {pair.base_release_file(version)} of base"
    message = f"{old.what} of {pair.id}@{version} {was}, is {facts.shown(new.value)}"
    fix = _anew(pair)
    if revision and new.value is not None:
        message = f"ALARM: {message}, at the same revision {revision}"
        fix = "do not merge; put it back, and ask the publisher what happened to these bytes"
    return Finding(pair.release_file(version), new.pointer, message, fix)


def vanished(comparison: Comparison) -> Iterator[Finding]:
    """A published model or release is gone, without a tombstone.

    Those who pinned it find nothing and learn no reason, and the number or name could be taken by somebody else. A
    tombstone under `removed/` says what was there, why it went and what to use instead. A renamed model keeps its old
    id among its `aliases`, with the same releases.

    Bad:

    ```yaml
    # models/llm/acme/tiny/1.0.0.yaml is gone, and there is no removed/acme/tiny.yaml
    ```

    Good:

    ```yaml
    # models/llm/acme/tiny/1.0.0.yaml is gone, and removed/acme/tiny.yaml says
    releases: [1.0.0]
    ```
    """
    for pair in pairs(comparison):
        if pair.gone:
            yield from _gone_model(pair)
        elif pair.before and pair.after is None:
            path = next(path for ending in (".yaml", ".json") if (path := f"{pair.root}/model{ending}") in _paths(pair))
            yield _unreadable(path, pair.id)
        else:
            yield from _gone_releases(pair)
            yield from _unreadable_releases(pair)


def _paths(pair: Pair) -> Mapping[str, object]:
    return pair.comparison.merged.paths


def _unreadable_releases(pair: Pair) -> Iterator[Finding]:
    """Those whose file is there: whatever rule says so may be set aside, and then they would be gone all the same."""
    if pair.before and pair.after:
        for version in pair.before.outline.releases.keys() - pair.after.outline.releases.keys():
            if (path := pair.release_file(version)) in _paths(pair):
                yield _unreadable(path, f"{pair.id}@{version}")


def _unreadable(path: str, what: str) -> Finding:
    message = f"{what} was published, and its file cannot be read any more"
    return Finding(path, (), message, "mend what else is found in this file")


def _gone_model(pair: Pair) -> Iterator[Finding]:
    tombstone = _tombstone(pair)
    if (tombstone and tombstone.whole) or not undoing.against(pair):
        return
    path = f"removed/{pair.id}.yaml"
    versions = ", ".join(pair.before.outline.releases) if pair.before else ""
    why = f"{path} says `whole: false`" if tombstone else f"there is no {path}"
    message = f"{pair.id} ({versions or 'no release'}) was published, is gone, and {why}"
    yield Finding(pair.model_file, (), message, f"put it back, or remove it: `galleryctl remove {pair.id}`")


def _gone_releases(pair: Pair) -> Iterator[Finding]:
    tombstone = _tombstone(pair)
    for version in pair.dropped:
        if (tombstone and (tombstone.whole or version in tombstone.releases)) or not undoing.against(pair, version):
            continue
        path = pair.base_release_file(version)
        why = f"no removed/{pair.id}.yaml names it"
        if pair.renamed:
            why = f"{pair.target}, which takes the id over, does not have it"
        message = f"{pair.id}@{version} was published, is gone, and {why}"
        fix = f"put it back, or remove it: `galleryctl remove {pair.id}@{version}`"
        yield Finding(path, (), message, fix)


def _tombstone(pair: Pair) -> Tombstone | None:
    """The tombstone that the merged tree has for a model of base."""
    return pair.comparison.merged.tombstones.get(pair.id)


def disturbed(comparison: Comparison) -> Iterator[Finding]:
    """A tombstone was changed or deleted.

    It keeps a name and its numbers from being taken again, and tells those who pinned them what happened. The only
    change it knows is that more is removed: further releases, or the rest of the model.

    Bad:

    ```yaml
    # removed/acme/tiny.yaml, which said releases: [1.0.0, 1.1.0]
    releases: [1.1.0]
    ```

    Good:

    ```yaml
    # removed/acme/tiny.yaml, which said releases: [1.0.0, 1.1.0]
    releases: [1.0.0, 1.1.0, 1.2.0]
    ```
    """
    base, merged = comparison.base, comparison.merged
    ids = {place.id for path in touched(comparison) if (place := layout.place(path)) and place.kind == "tombstone"}
    for name in sorted(ids):
        was, path = data_file(base, f"removed/{name}"), data_file(merged, f"removed/{name}")
        old, new = base.tombstones.get(name), merged.tombstones.get(name)
        if not was:
            continue
        if not path:
            message = f"the tombstone of {name} is gone: {was} of base"
            yield Finding(was, (), message, f"restore {was}")
        elif old and new and old != new and not _extended(old, new):
            field = next(each for each in type(old).model_fields if getattr(old, each) != getattr(new, each))
            before, after = (facts.shown(each.model_dump(mode="json")[field]) for each in (old, new))
            message = f"`{field}` in the tombstone of {name} was {before} in {was} of base, is {after}"
            yield Finding(path, (field,), message, f"restore {path}; more removals go by `galleryctl remove {name}`")


def _extended(old: Tombstone, new: Tombstone) -> bool:
    """Whether more was removed, and nothing forgotten. Of a whole model only missing numbers can be added."""
    if old.type != new.type or not set(old.releases) <= set(new.releases):
        return False
    if old.whole:
        return old.model_copy(update={"releases": new.releases}) == new and len(new.releases) > len(old.releases)
    return new.whole or len(new.releases) > len(old.releases)


RULES: tuple[Rule, ...] = (
    rule("IMM001", Severity.ERROR, compared=changed_release, fixed=True),
    rule("IMM002", Severity.ERROR, compared=changed_fact, fixed=True),
    rule("IMM003", Severity.ERROR, compared=vanished, fixed=True),
    rule("IMM004", Severity.ERROR, compared=disturbed, fixed=True),
)
