"""Laws of the comparison, over generated galleries: nothing from a thing to itself, order, and the way back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from compared import side, told
from galleryctl import changes
from galleryctl.changes import Kind, wording
from galleryctl.changes.leaves import Leaf, leaves, plain
from made import entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from galleryctl.changes import Change, Side
    from galleryctl.gallery import Entry

_BACK = {
    Kind.MODEL_ADDED: Kind.MODEL_REMOVED,
    Kind.RELEASE_ADDED: Kind.RELEASE_REMOVED,
    Kind.PUBLISHER_ADDED: Kind.PUBLISHER_REMOVED,
    Kind.TOMBSTONE_ADDED: Kind.TOMBSTONE_REMOVED,
    Kind.VISIBILITY_WIDENED: Kind.VISIBILITY_NARROWED,
}
BACK = _BACK | {after: before for before, after in _BACK.items()}

names = st.sampled_from(["acme/a", "acme/b", "zeta/a"])
people = st.lists(st.sampled_from(["ada", "bob"]), unique=True, max_size=2)
variants = st.fixed_dictionaries(
    {"format": st.sampled_from(["gguf", "mlx"]), "parameters": st.sampled_from(["1B", "8B"])},
    optional={
        "engines": st.lists(st.sampled_from(["vllm", "sglang"]), unique=True),
        "license": st.sampled_from(["MIT", "GPL-3.0"]),
        "sources": st.sampled_from([{"huggingface": {"repo": f"{owner}/x"}} for owner in ("acme", "evil")]),
        "files": st.dictionaries(
            st.sampled_from(["Q4", "Q8"]),
            st.lists(
                st.fixed_dictionaries({"path": st.sampled_from(["a", "b", "c"])}, optional={"size": st.integers(0, 2)}),
                max_size=3,
                unique_by=lambda file: file["path"],
            ),
            max_size=2,
        ),
    },
)
releases = st.dictionaries(
    st.sampled_from(["1.0.0", "1.1.0", "2.0.0"]),
    st.fixed_dictionaries(
        {},
        optional={
            "notes": st.sampled_from(["", "New."]),
            "status": st.sampled_from(["active", "discontinued"]),
            "spec": st.dictionaries(st.sampled_from(["context_length", "x.y"]), st.integers(0, 2), max_size=2),
            "variants": st.lists(variants, max_size=3),
            "regions": st.sampled_from([["eu"], ["us"]]),
        },
    ),
    max_size=2,
)
fields: st.SearchStrategy[Mapping[str, Any]] = st.fixed_dictionaries(
    {"releases": releases},
    optional={
        "license": st.sampled_from(["MIT", "GPL-3.0"]),
        "regions": st.sampled_from([[], ["eu"]]),
        "visibility": st.sampled_from(["public", "organisation", "private"]),
        "status": st.sampled_from(["active", "deprecated"]),
        "maintainers": people,
        "tags": people,
        "terms": st.fixed_dictionaries({}, optional={"edition": st.sampled_from(["community", "enterprise"])}),
        "cards": st.dictionaries(st.sampled_from(["en", "zh"]), st.sampled_from(["# A", "# B"])),
    },
)
galleries = st.dictionaries(names, fields, max_size=2)
sides = st.tuples(galleries, st.dictionaries(st.sampled_from(["acme", "zeta"]), people, max_size=2), st.integers(1, 2))
"""Models by id, maintainers by publisher, and a figure of the policy: what a side is made of is short to print."""
Drawn = tuple[dict[str, Any], dict[str, Any], int]


def made(drawn: Drawn) -> Side:
    entries, publishers, figure = drawn
    return side(
        *(entry(name, **given) for name, given in entries.items()),
        publishers={name: {"title": "X", "maintainers": found} for name, found in publishers.items()},
        policy={"limits": {"models": figure}},
    )


@given(sides)
def test_nothing_is_between_a_revision_and_itself(drawn: Drawn) -> None:
    assert changes.between(made(drawn), made(drawn)) == ()


@given(sides, sides)
def test_changes_are_sorted_and_the_same_each_time(base: Drawn, merged: Drawn) -> None:
    one, other = made(base), made(merged)
    found = changes.between(one, other)
    assert list(found) == sorted(found)
    assert told(found) == told(changes.between(one, other))
    assert len(set(found)) == len(found), "two changes of one thing"


@given(galleries)
def test_the_order_of_the_parts_does_not_matter(drawn: dict[str, Any]) -> None:
    base = side(entry("acme/a"), entry("acme/b"))
    entries = [entry(name, **given) for name, given in drawn.items()]
    assert told(changes.between(base, side(*entries))) == told(changes.between(base, side(*reversed(entries))))


@given(sides, sides)
def test_the_way_back_mirrors_the_way(base: Drawn, merged: Drawn) -> None:
    one, other = made(base), made(merged)
    there, back = changes.between(one, other), changes.between(other, one)
    assert sorted(_rows(there)) == sorted(_rows(back, back=True))


def _rows(found: Sequence[Change], *, back: bool = False) -> Iterator[str]:
    """What a new release has that the one before it has not is told one way only: of two releases one is the newer."""
    come = {(each.subject, each.version) for each in found if each.kind is Kind.RELEASE_ADDED}
    beside = {Kind.SOURCE_CHANGED, Kind.LICENCE_CHANGED}
    return (
        _row(each, back=back)
        for each in found
        if not (each.kind in beside and each.version and (each.subject, each.version) in come)
    )


def _row(change: Change, *, back: bool = False) -> str:
    """A change without places in lists: each side counts them for itself."""
    kind = BACK.get(change.kind, change.kind) if back else change.kind
    values = (change.after, change.before) if back else (change.before, change.after)
    return repr((change.subject, kind, change.version, re.sub(r"\.[0-9]+(?=\.|$)", ".*", change.field), values))


@given(sides, sides)
def test_entries_that_differ_are_named(base: Drawn, merged: Drawn) -> None:
    """What is published of a model differs in more than its times: some change says so, on one line."""
    one, other = made(base), made(merged)
    named = set(changes.of_models(changes.between(one, other)))
    old, new = one.gallery.by_id, other.gallery.by_id
    assert {
        model for model in old.keys() | new.keys() if _published(old.get(model)) != _published(new.get(model))
    } <= named
    for change in changes.between(one, other):
        line = wording.of(change)
        assert line
        assert "\n" not in line


def _published(entry: Entry | None) -> dict[str, Any]:
    """What a reader sees with defaults filled in: `terms: {}` is as good as none."""
    if entry is None:
        return {}
    said = entry.document().model_dump(mode="json", exclude_defaults=True, exclude={"added", "updated", "commit", "by"})
    return {field: value for field, value in said.items() if value}


json = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["path", "name", "x"]), inner),
    max_leaves=8,
)


@given(json)
def test_a_value_has_no_leaf_that_differs_from_itself(value: object) -> None:
    assert list(leaves(value, value)) == []


@given(json, json)
def test_values_that_differ_have_leaves_that_say_so(one: object, other: object) -> None:
    found = list(leaves(one, other))
    assert found or _bare(one) == _bare(other)
    assert all(leaf.before != leaf.after for leaf in found)
    back = [Leaf(leaf.pointer, leaf.after, leaf.before) for leaf in leaves(other, one)]
    assert len(back) == len(found)


def _bare(value: object) -> object:
    """Without what stands for nothing: no value, and objects that hold none."""
    if isinstance(value, dict):
        found = {key: _bare(item) for key, item in value.items()}
        return {key: item for key, item in found.items() if item is not None} or None
    return [_bare(plain(item)) for item in value] if isinstance(value, list) else value
