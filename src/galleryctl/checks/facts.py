"""What of a release is a fact, read from its source by a command; and where two releases differ.

A fact is what pins bytes: a revision, a size, a digest. One that was not known may be filled in; one that was
published stays.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from galleryctl.checks.rule import Pointer
    from galleryctl.spec import Release, Variant

Key = tuple[str, ...]
_OPEN = {"notes", "status", "reason", "published"}
"""What may change in a published release, and the time that its document adds."""
_LONGEST = 64


class Fact(NamedTuple):
    value: str | int | None
    pointer: Pointer
    what: str
    """In words: `sha256 of tiny.gguf`."""


def facts(release: Release) -> Mapping[Key, Fact]:
    """Facts by what they are about, which survives another order: variant, repository, quantization, path."""
    found: dict[Key, Fact] = {}
    seen: Counter[str] = Counter()
    for index, variant in enumerate(release.variants):
        seen[variant.name] += 1
        own = (variant.name, str(seen[variant.name]))
        for key, fact in _of_variant(variant, ("variants", index)):
            found[*own, *key] = fact
    for index, download in enumerate(release.downloads):
        pointer: Pointer = ("downloads", index, "sha256")
        found["downloads", download.url, "sha256"] = Fact(download.sha256, pointer, f"sha256 of {download.url}")
    for index, adapter in enumerate(_adapters(release)):
        pointer = ("spec", "adapters", "controlnet", index, "revision")
        found["adapters", str(adapter.get("repo")), "revision"] = Fact(
            adapter.get("revision"), pointer, f"revision of {adapter.get('repo')}"
        )
    return found


def _of_variant(variant: Variant, at: Pointer) -> Iterator[tuple[Key, Fact]]:
    for pointer, repo, revision in _revisions(variant):
        place = (*at, *pointer, "revision")
        yield ("revision", *map(str, pointer), repo), Fact(revision, place, f"revision of {repo}")
    oci = variant.sources.oci if variant.sources else None
    if oci:
        name, _, digest = oci.image.partition("@")
        yield ("image", name), Fact(digest or None, (*at, "sources", "oci", "image"), f"digest of {name}")
    for quantization, group in variant.files.items():
        for index, file in enumerate(group):
            place = (*at, "files", quantization, index)
            for name, value in (("size", file.size), ("sha256", file.sha256)):
                yield ("file", quantization, file.path, name), Fact(value, (*place, name), f"{name} of {file.path}")


def _revisions(variant: Variant) -> Iterator[tuple[Pointer, str, str | None]]:
    for kind, hub in variant.sources.hubs().items() if variant.sources else ():
        yield ("sources", kind), hub.repo, hub.revision
        for name, more in (("draft", hub.draft), ("lora", hub.lora)):
            if more:
                yield ("sources", kind, name), more.repo, more.revision
    if variant.lora:
        yield ("lora",), variant.lora.repo, variant.lora.revision


def _adapters(release: Release) -> Sequence[Mapping[str, Any]]:
    adapters = release.spec.get("adapters")
    found = adapters.get("controlnet") if isinstance(adapters, dict) else None
    return [each if isinstance(each, dict) else {} for each in found] if isinstance(found, list) else ()


class Difference(NamedTuple):
    pointer: Pointer
    """In the later release, or in the earlier one for what is gone."""
    before: Any
    """None stands for no value."""
    after: Any


def changed_facts(before: Release, after: Release) -> Iterator[tuple[Key, Fact, Fact]]:
    """Facts that were known and are others now, or are missing where what they are about is still there."""
    old, new = facts(before), facts(after)
    for key, fact in old.items():
        if fact.value is not None and key in new and new[key].value != fact.value:
            yield key, fact, new[key]


def filled(before: Release, after: Release) -> bool:
    """Whether a fact became known that was not."""
    old, new = facts(before), facts(after)
    return any(fact.value is None and key in new and new[key].value is not None for key, fact in old.items())


def steady_source(key: Key, before: Release, after: Release) -> str:
    """The revision that a fact of a file had and has, from which no other bytes can come; empty for no such one."""
    if key[2:3] != ("file",):
        return ""
    old, new = facts(before), facts(after)
    pinned = {each: old[each].value for each in old if each[:2] == key[:2] and each[2] in {"revision", "image"}}
    same = all(value and each in new and new[each].value == value for each, value in pinned.items())
    return str(next(iter(pinned.values()), "")) if same else ""


def differences(before: Release, after: Release) -> list[Difference]:
    """Where two releases differ in what is neither a fact nor open to change. Absent means the same as the default.

    The day on which facts were read may change along with facts that became known.
    """
    old, new = _rest(before), _rest(after)
    if filled(before, after):
        old.pop("checked", None)
        new.pop("checked", None)
    return list(_unequal(old, new, ()))


def _rest(release: Release) -> dict[str, Any]:
    whole: dict[str, Any] = release.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_OPEN)
    for fact in facts(release).values():
        _forget(whole, fact)
    return whole


def _forget(whole: dict[str, Any], fact: Fact) -> None:
    *way, last = fact.pointer
    block: Any = whole
    for part in way:
        block = block[part]
    if last == "image":
        block[last] = block[last].partition("@")[0]
    elif isinstance(block, dict):
        block.pop(last, None)


def _unequal(before: Any, after: Any, at: Pointer) -> Iterator[Difference]:  # noqa: ANN401 - JSON
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _unequal(before.get(key), after.get(key), (*at, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _unequal(one, other, (*at, index))
    else:
        yield Difference(at, before, after)


def dotted(pointer: Pointer) -> str:
    """`variants[0].format`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in pointer).removeprefix(".")


def shown(value: Any) -> str:  # noqa: ANN401 - JSON
    """A value for a message; long ones by their beginning or their length."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    if len(text) <= _LONGEST:
        return text
    if isinstance(value, list | dict):
        return f"{len(value)} values"
    return f"{text[: _LONGEST - 1]}…"
