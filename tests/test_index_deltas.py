"""Deltas: what they make of an older document is the newer one, to the byte; and which ones there are."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galleryctl import canonical, layout, patches
from galleryctl.index import deltas
from galleryctl.index.documents import Part, part
from galleryctl.spec.published import Catalog, Delta, DocumentRef
from made import NOW, entry, view
from publications import head, publish

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEAVES = st.booleans() | st.integers(-5, 5) | st.floats(0.25, 2, width=16) | st.text(max_size=6)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)
_MODELS = st.dictionaries(
    st.sampled_from([f"acme/m{n}" for n in range(6)]), st.dictionaries(st.text(max_size=4), _VALUES)
)
_ALIASES = st.dictionaries(st.sampled_from(["acme/x", "acme/y"]), st.sampled_from(["acme/m1", "acme/m2"]))


def made(models: Mapping[str, Any], aliases: Mapping[str, str]) -> Part:
    """A document with these models and one more member."""
    members = {identifier: canonical.dumps(value) for identifier, value in models.items()}
    frame = {"aliases": canonical.dumps(dict(aliases)), "schema": b'"1.0"'}
    data = canonical.join([("models", canonical.join(members.items())), *frame.items()])
    return Part(layout.DIRECTORY, canonical.digest(data), len(data) + 10**9, None, data, members, frame)


def follow(older: bytes, delta: bytes) -> bytes:
    """What a reader does with a delta."""
    found = Delta.model_validate_json(delta)
    assert found.older.sha256 == canonical.digest(older), "the delta starts from another document"
    newer = canonical.dumps(patches.apply(json.loads(older), found.patch))
    assert found.newer.sha256 == canonical.digest(newer), "the delta makes another document"
    return newer


@given(_MODELS, _MODELS, _ALIASES, _ALIASES)
def test_a_delta_makes_the_newer_document_of_the_older_one(
    old: dict[str, Any], new: dict[str, Any], was: dict[str, str], now: dict[str, str]
) -> None:
    older, newer = made(old, was), made(new, now)
    found = deltas.Patcher(newer, 2, "directory").made(deltas.Start(1, older.sha256), older.data)
    if older.data == newer.data:
        assert found is None
    else:
        assert found is not None
        assert canonical.dumps(json.loads(found.data)) == found.data
        assert follow(older.data, found.data) == newer.data
        assert deltas.start(found.data) == deltas.Start(1, older.sha256)
        assert found.path == f"v1/delta/directory/{canonical.digest(found.data)}.json"


@given(_MODELS, _MODELS)
def test_one_patcher_serves_many_documents(one: dict[str, Any], other: dict[str, Any]) -> None:
    newer = made({**one, "acme/new": {"title": "New"}}, {})
    patcher = deltas.Patcher(newer, 3, "directory")
    for models in (one, other, one):
        older = made(models, {})
        found = patcher.made(deltas.Start(1, older.sha256), older.data)
        assert found is None or follow(older.data, found.data) == newer.data


@given(_MODELS, _MODELS)
def test_a_document_is_split_as_it_is_parsed(models: dict[str, Any], likely: dict[str, Any]) -> None:
    document, guess = made(models, {"acme/x": "acme/m1"}), made(likely, {})
    found = deltas.split(document.data, guess.models)
    whole = json.loads(document.data)
    values = {**{identifier: guess.models[identifier] for identifier in found.same}, **found.models}
    assert {identifier: json.loads(value) for identifier, value in values.items()} == whole.pop("models")
    assert {name: json.loads(value) for name, value in found.frame.items()} == whole


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'{"models":{"a":{}}', b'{"models":[]}', b'{"models":{"a" :{}}}',
     b'{"models":{"a":{}}}x', b'{"models":{"a":{"b":1}', b'{"x":"', b'{"models":{"a":{}},}'],
)  # fmt: skip
def test_what_is_no_document_has_no_delta(data: bytes) -> None:
    newer = made({"acme/m1": {"title": "One"}}, {})
    assert deltas.Patcher(newer, 2, "directory").made(deltas.Start(1, canonical.digest(data)), data) is None


def test_a_delta_of_more_than_half_the_document_is_dropped() -> None:
    old = {f"acme/m{number}": {"title": "Old", "summary": "x" * 100} for number in range(40)}
    whole = made({name: {**value, "title": "New"} for name, value in old.items()}, {})
    few = made({name: {**value, "title": "New" if name == "acme/m1" else "Old"} for name, value in old.items()}, {})
    older = made(old, {})
    for newer, offered in ((whole, True), (few, True)):
        real = Part(newer.path, newer.sha256, len(newer.data), None, newer.data, newer.models, newer.frame)
        found = deltas.Patcher(real, 2, "directory").made(deltas.Start(1, older.sha256), older.data)
        assert (found is not None and 2 * found.ref.length <= len(newer.data)) is offered
    other = made({name: {"title": "N", "summary": "y" * 100} for name in old}, {})
    real = Part(other.path, other.sha256, len(other.data), None, other.data, other.models, other.frame)
    assert deltas.Patcher(real, 2, "directory").made(deltas.Start(1, older.sha256), older.data) is None


def heads(*built: tuple[int, int]) -> list[tuple[Catalog, DocumentRef]]:
    """Heads by serial at which the document changed, and days ago; newest first."""
    found = []
    for since, ago in built:
        ref = DocumentRef(since=since, sha256=f"{since:064x}", length=1)
        catalog = Catalog(
            serial=since, built=NOW - dt.timedelta(days=ago), types={"llm": ref}, directory=ref, revoked=ref
        )
        found.append((catalog, ref))
    return found


def serials(found: tuple[deltas.Start, ...]) -> list[int]:
    return [start.serial for start in found]


def test_deltas_start_from_the_last_ten_and_some_days_before() -> None:
    daily = heads(*((100 - ago, ago) for ago in range(1, 61)))
    last = list(range(99, 89, -1))
    assert serials(deltas.starts(daily, (), NOW)) == [*last, 100 - 16, 100 - 30]
    hourly = heads(
        *((100 - number, 0) for number in range(1, 20)), (50, 1), (49, 2), (47, 4), (43, 8), (35, 16), (1, 40)
    )
    assert serials(deltas.starts(hourly, (), NOW)) == [*last, 50, 49, 47, 43, 35, 1]


def test_what_was_current_then_may_be_much_older() -> None:
    assert serials(deltas.starts(heads((9, 0), (8, 90)), (), NOW)) == [9, 8]


def test_a_document_that_changes_seldom_keeps_its_ten() -> None:
    known = [deltas.Start(serial, f"{serial:064x}") for serial in range(1, 13)]
    assert serials(deltas.starts(heads((400, 50)), known, NOW)) == [400, *range(12, 3, -1)]


def test_a_change_of_one_model_is_a_small_delta_to_its_type_and_to_the_directory() -> None:
    models = {name: entry(f"acme/{name}") for name in "abcdefghijklmnopqrstuvwxyz"}
    first = publish(view(*models.values()))
    second = publish(view(*(models | {"c": entry("acme/c", title="Other")}).values()), first)
    catalog = head(second)
    for kind, path, ref in (
        ("llm", "v1/types/llm.json", catalog.types["llm"]),
        ("directory", layout.DIRECTORY, catalog.directory),
    ):
        (delta,) = ref.deltas
        data = second[layout.delta_document(kind, delta.sha256)]
        assert (delta.from_serial, delta.length) == (1, len(data))
        assert follow(first[path], data) == second[path]
        assert first[path] == second[layout.addressed(path, canonical.digest(first[path]))]
        assert list(json.loads(data)["patch"]["models"]) == ["acme/c"]
    assert json.loads(second[layout.delta_document("llm", catalog.types["llm"].deltas[0].sha256)])["type"] == "llm"
    assert "type" not in json.loads(second[layout.delta_document("directory", catalog.directory.deltas[0].sha256)])
    with pytest.raises(AssertionError, match="starts from another"):
        follow(second["v1/types/llm.json"], second[layout.delta_document("llm", catalog.types["llm"].deltas[0].sha256)])


def test_a_type_that_did_not_change_keeps_its_document_and_its_deltas() -> None:
    texts = [entry(f"acme/m{number}") for number in range(20)]
    ears = [entry(f"acme/e{number}", "audio", releases={}) for number in range(20)]
    first = publish(view(*texts, *ears))
    second = publish(view(entry("acme/m0", title="Other"), *texts[1:], *ears), first)
    third = publish(
        view(
            entry("acme/m0", title="Other"), *texts[1:], entry("acme/e0", "audio", title="Ear", releases={}), *ears[1:]
        ),
        second,
    )
    assert head(second).types["llm"].deltas
    assert head(third).types["llm"] == head(second).types["llm"]
    (delta,) = head(third).types["llm"].deltas
    assert (
        follow(first["v1/types/llm.json"], third[layout.delta_document("llm", delta.sha256)])
        == third["v1/types/llm.json"]
    )
    assert layout.addressed("v1/types/llm.json", head(first).types["llm"].sha256) in third


def test_revocations_have_no_deltas() -> None:
    assert part(layout.REVOKED, b"{}").frame == {}
