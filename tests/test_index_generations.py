"""What earlier heads name is kept, as long as the contract says and no longer."""

from __future__ import annotations

import datetime as dt
import json
from functools import lru_cache
from typing import TYPE_CHECKING

import pytest

from galleryctl import canonical, index, layout
from galleryctl.errors import OutputError
from galleryctl.index.published import named
from galleryctl.spec import Settings
from galleryctl.spec.published import Generations
from made import NOW, entry, view
from publications import head, publish
from test_index_deltas import follow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from galleryctl.audience import View
    from galleryctl.gallery import Entry
    from galleryctl.spec.published import Catalog

Tree = dict[str, bytes]
MODELS = 40


@lru_cache(100_000)
def model(number: int, edition: int) -> Entry:
    kind = "llm" if number % 4 else "audio"
    return entry(f"acme/m{number}", kind, title=f"Title {edition}", releases={} if kind == "audio" else None)


def gallery(editions: Mapping[int, int], now: dt.datetime, **settings: object) -> View:
    made = [model(number, editions.get(number, 0)) for number in range(MODELS)]
    return view(*made, now=now, settings=Settings.model_validate({"title": "Test gallery", **settings}))


def history(count: int, hours: float = 24) -> Iterator[tuple[dt.datetime, Tree]]:
    """A publication every so often, three models changed in each."""
    editions: dict[int, int] = {}
    tree: Tree | None = None
    for number in range(count):
        now = NOW + dt.timedelta(hours=hours * number)
        for each in (number, number * 7 + 1, number * 3 + 2):
            editions[each % MODELS] = number + 1
        tree = publish(gallery(editions, now), tree)
        yield now, tree


@pytest.fixture(scope="module")
def daily() -> list[tuple[dt.datetime, Tree]]:
    return list(history(80))


def generations(tree: Tree) -> Generations:
    return Generations.model_validate_json(tree[layout.GENERATIONS])


def names(tree: Tree, data: bytes) -> set[str]:
    """Every file that a head leads to, where all its documents are in a tree."""
    catalog = index.catalog(data)
    found = {layout.addressed(layout.type_document(name), ref.sha256) for name, ref in catalog.types.items()}
    directory = layout.addressed(layout.DIRECTORY, catalog.directory.sha256)
    found |= {directory, layout.addressed(layout.REVOKED, catalog.revoked.sha256)}
    if catalog.generations:
        found.add(layout.addressed(layout.GENERATIONS, catalog.generations.sha256))
    for kind, ref in (*catalog.types.items(), ("directory", catalog.directory)):
        found |= {layout.delta_document(kind, delta.sha256) for delta in ref.deltas}
    for identifier, row in json.loads(tree[directory])["models"].items():
        found.add(layout.addressed(layout.model_document(identifier), row["sha256"]))
    return found


def refs(catalog: Catalog) -> list[tuple[str, str, str, tuple[int, ...]]]:
    """Kind, stable path, digest, and starts of deltas of each document that has some."""
    kinds = [(name, layout.type_document(name), ref) for name, ref in catalog.types.items()]
    kinds.append(("directory", layout.DIRECTORY, catalog.directory))
    return [(kind, path, ref.sha256, tuple(delta.from_serial for delta in ref.deltas)) for kind, path, ref in kinds]


def test_every_offered_delta_starts_from_a_document_that_is_there(daily: list[tuple[dt.datetime, Tree]]) -> None:
    count = 0
    for _, tree in daily:
        catalog = head(tree)
        for kind, ref in (*catalog.types.items(), ("directory", catalog.directory)):
            path = layout.DIRECTORY if kind == "directory" else layout.type_document(kind)
            for delta in ref.deltas:
                data = tree[layout.delta_document(kind, delta.sha256)]
                older = tree[layout.addressed(path, json.loads(data)["from"]["sha256"])]
                assert follow(older, data) == tree[path]
                assert json.loads(data)["from"]["serial"] == delta.from_serial
                assert 2 * delta.length <= ref.length
                count += 1
    assert count > 1000


def test_deltas_reach_back_ten_documents_and_thirty_days(daily: list[tuple[dt.datetime, Tree]]) -> None:
    catalog = head(daily[-1][1])
    assert catalog.serial == 80
    wanted = {*range(70, 80), 80 - 16, 80 - 30}
    llm, directory = ({delta.from_serial for delta in ref.deltas} for ref in (catalog.types["llm"], catalog.directory))
    assert set(range(75, 80)) <= llm <= wanted  # those from further back are longer than half the document
    assert set(range(70, 80)) <= directory <= wanted


def test_all_that_the_last_thirty_heads_name_is_there(daily: list[tuple[dt.datetime, Tree]]) -> None:
    for number in (5, 29, 30, 31, 79):
        tree = daily[number][1]
        for _, older in daily[max(0, number - 29) : number + 1]:
            data = older[layout.CATALOG]
            assert tree[f"v1/{canonical.digest(data)}.catalog.json"] == data
            assert names(older, data) <= tree.keys()


def test_nothing_is_kept_that_nobody_needs(daily: list[tuple[dt.datetime, Tree]]) -> None:
    tree = daily[-1][1]
    whole = set().union(*(names(older, older[layout.CATALOG]) for _, older in daily[-30:]))
    whole |= {f"v1/{canonical.digest(older[layout.CATALOG])}.catalog.json" for _, older in daily[-33:]}
    starts = {path for _, older in daily[-33:] for path in older if path.startswith(("v1/types/", "v1/directory/"))}
    assert {path for path in tree if named(path)} <= whole | starts
    assert len(generations(tree).generations) == 31
    sizes = [sum(map(len, tree.values())) for _, tree in daily]
    assert sizes[79] < 1.15 * sizes[45]


def test_the_list_of_generations_says_what_to_carry(daily: list[tuple[dt.datetime, Tree]]) -> None:
    for number in (1, 40, 79):
        tree = daily[number][1]
        rows = generations(tree).generations
        assert [row.serial for row in rows] == sorted((row.serial for row in rows), reverse=True)
        assert rows[0].serial == head(tree).serial - 1
        present = names(tree, tree[layout.CATALOG])
        for row in rows:
            data = tree[f"v1/{row.sha256}.catalog.json"]
            assert (len(data), index.catalog(data).serial, index.catalog(data).built) == (
                row.length,
                row.serial,
                row.built,
            )
            for path, length in row.files.items():
                assert len(tree[path]) == length
        carried = {path for row in rows for path in row.files}
        starts = {path for path in tree if path.startswith(("v1/types/", "v1/directory/"))}
        heads = {f"v1/{row.sha256}.catalog.json" for row in rows}
        own = f"v1/{canonical.digest(tree[layout.CATALOG])}.catalog.json"
        assert {path for path in tree if named(path)} <= present | carried | heads | {own} | starts


def test_seven_days_count_where_they_hold_more_than_thirty_heads() -> None:
    trees = list(history(45, hours=6))
    tree = trees[-1][1]
    for _, older in trees[-29:]:
        assert names(older, older[layout.CATALOG]) <= tree.keys()
    busy = list(history(60, hours=3))
    tree = busy[-1][1]
    for now, older in busy[:-1]:
        if now > busy[-1][0] - dt.timedelta(days=7):
            assert names(older, older[layout.CATALOG]) <= tree.keys()
    assert len([now for now, _ in busy if now > busy[-1][0] - dt.timedelta(days=7)]) > 40
    assert not names(busy[0][1], busy[0][1][layout.CATALOG]) <= tree.keys()


def test_one_head_a_day_is_kept_for_a_month() -> None:
    trees = list(history(80, hours=12))
    rows = generations(trees[-1][1]).generations
    days = {row.built.date() for row in rows}
    assert {trees[-1][0].date() - dt.timedelta(days=ago) for ago in range(1, 32)} <= days
    for ago in (16, 30):
        moment = trees[-1][0] - dt.timedelta(days=ago)
        assert any(moment - dt.timedelta(days=1) < row.built <= moment for row in rows)
    assert {30, 31} & {(trees[-1][0] - row.built).days for row in rows}
    offered = {delta.from_serial for delta in head(trees[-1][1]).directory.deltas}
    assert offered >= set(range(70, 80))


def test_two_builds_are_equal_and_nothing_new_changes_nothing(daily: list[tuple[dt.datetime, Tree]]) -> None:
    assert [tree for _, tree in history(12)] == [tree for _, tree in daily[:12]]
    now, tree = daily[11]
    editions: dict[int, int] = {}
    for number in range(12):
        for each in (number, number * 7 + 1, number * 3 + 2):
            editions[each % MODELS] = number + 1
    assert publish(gallery(editions, now + dt.timedelta(days=60)), tree) == tree


def test_a_higher_epoch_starts_anew_and_keeps_what_was() -> None:
    trees = [tree for _, tree in history(5)]
    shown = gallery({}, NOW + dt.timedelta(days=6), epoch=2)
    tree = publish(shown, trees[-1])
    catalog = head(tree)
    assert (catalog.epoch, catalog.serial) == (2, 1)
    assert all(starts == () for *_, starts in refs(catalog))
    assert all(ref.since == 1 for ref in (*catalog.types.values(), catalog.directory, catalog.revoked))
    assert [(row.epoch, row.serial) for row in generations(tree).generations] == [
        (1, 5),
        (1, 4),
        (1, 3),
        (1, 2),
        (1, 1),
    ]
    for older in trees:
        assert names(older, older[layout.CATALOG]) <= tree.keys()
    after = publish(gallery({1: 99}, NOW + dt.timedelta(days=7), epoch=2), tree)
    assert (head(after).epoch, head(after).serial) == (2, 2)
    assert {start for *_, starts in refs(head(after)) for start in starts} == {1}
    assert (
        publish(gallery({1: 99}, NOW + dt.timedelta(days=8), epoch=1), after)[layout.CATALOG] == after[layout.CATALOG]
    )
    lower = head(publish(gallery({1: 100}, NOW + dt.timedelta(days=8), epoch=1), after))
    assert (lower.epoch, lower.serial) == (2, 3)


def test_new_mirrors_are_a_change() -> None:
    first = publish(gallery({}, NOW))
    mirrors = ("https://mirror.example/gallery",)
    second = publish(gallery({}, NOW, mirrors=mirrors), first)
    assert (head(second).serial, head(second).mirrors) == (2, mirrors)
    assert head(second).directory.since == 1


def test_what_is_gone_is_left_out(daily: list[tuple[dt.datetime, Tree]]) -> None:
    tree = dict(daily[20][1])
    rows = generations(tree).generations
    lost, damaged, headless = (next(iter(row.files)) for row in (rows[3], rows[5], rows[7]))
    del tree[lost]
    tree[damaged] = b"other"
    del tree[f"v1/{rows[7].sha256}.catalog.json"]
    after = publish(gallery({1: 1000}, daily[21][0]), tree)
    kept = {path for row in generations(after).generations for path in row.files}
    assert not {lost, damaged} & (kept | after.keys())
    assert rows[7].serial not in {row.serial for row in generations(after).generations}
    assert headless in kept
    assert set(rows[9].files) <= after.keys()


def test_a_lost_file_makes_a_new_head_where_nothing_else_changed() -> None:
    trees = [tree for _, tree in history(6)]
    editions: dict[int, int] = {}
    for number in range(6):
        for each in (number, number * 7 + 1, number * 3 + 2):
            editions[each % MODELS] = number + 1
    tree = dict(trees[-1])
    delta = next(
        path for path in tree if path.startswith("v1/delta/llm/") and path in names(tree, tree[layout.CATALOG])
    )
    del tree[delta]
    after = publish(gallery(editions, NOW + dt.timedelta(days=9)), tree)
    assert head(after).serial == 7
    assert len(head(after).types["llm"].deltas) == len(head(tree).types["llm"].deltas) - 1
    assert names(after, after[layout.CATALOG]) <= after.keys()


@pytest.mark.parametrize(
    "path",
    ["../etc/passwd", "/etc/passwd", "index.html", "v1/catalog.json", f"v1/types/../{'0' * 64}.json",
     f"v1/models/{'0' * 64}.json", f"v1/models/.git/x/{'0' * 64}.json", f"metadata/{'0' * 64}.json",
     f"runtimes/{'0' * 64}.json", f"v1/types/llm/{'0' * 63}.json", f"v1/types/llm/{'0' * 64}.json\n"],
)  # fmt: skip
def test_a_published_list_cannot_name_other_files(path: str) -> None:
    assert named(path) is None


@pytest.mark.parametrize(
    "path",
    [layout.addressed(stable, "a" * 64) for stable in (
        layout.CATALOG, layout.DIRECTORY, layout.REVOKED, layout.NATIVES, layout.GENERATIONS,
        layout.type_document("llm"), layout.model_document("acme/tiny.v-2_1"), layout.native("localai", "index.yaml"),
        layout.native("llama.cpp", "a/b.models.ini"),
    )] + [layout.delta_document("directory", "a" * 64)],
)  # fmt: skip
def test_immutable_names_have_their_digest(path: str) -> None:
    assert named(path) == "a" * 64


def test_a_head_that_leads_nowhere_stops_the_build() -> None:
    tree = publish(gallery({}, NOW))
    catalog = json.loads(tree[layout.CATALOG])
    forged = canonical.dumps({"models": {"acme/m1": {"sha256": 5}}})
    catalog["directory"] |= {"sha256": canonical.digest(forged), "length": len(forged)}
    tree[layout.CATALOG] = canonical.dumps(catalog)
    tree[layout.addressed(layout.DIRECTORY, canonical.digest(forged))] = forged
    with pytest.raises(OutputError, match="published last cannot be read"):
        publish(gallery({}, NOW), tree)
