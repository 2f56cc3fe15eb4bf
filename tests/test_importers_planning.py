"""What is new, what exists and why, and what cannot come."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

import pytest

from conftest import MINIMAL
from galleryctl.importers import Candidate, Rejected, Remark, trial
from galleryctl.importers.planning import Known, Row, facts, plan
from galleryctl.problems import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Path]

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
TINY = "models/llm/acme/tiny"
DIGEST = "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea"
OTHER = "0" * 64


def candidate(
    identifier: str = "globex/new", *, repo: str | None = None, sha256: str | None = None, **given: Any  # noqa: ANN401
) -> Candidate:  # fmt: skip
    """A candidate of one variant; `model` and `release` are more of its data, other names are its fields."""
    variant: dict[str, Any] = {"format": "gguf"}
    if repo:
        variant["sources"] = {"huggingface": {"repo": repo}}
    if sha256:
        variant["files"] = {"Q4": [{"path": "a.gguf", "size": 5, "sha256": sha256}]}
    fields: dict[str, Any] = {
        "source": identifier.partition("/")[2],
        "at": "list.json:7",
        "type": "llm",
        "id": identifier,
        "model": {"title": "New"} | given.pop("model", {}),
        "releases": {"1.0.0": {"variants": [variant]} | given.pop("release", {})},
    }
    return Candidate(**(fields | given))


def known(folder: Path) -> Known:
    return trial.known(folder, now=NOW, jobs=1)


def planned(folder: Path, *found: Candidate | Rejected) -> tuple[Row, ...]:
    return plan(known(folder), found)


def codes(row: Row) -> list[str]:
    return [remark.code for remark in row.remarks]


def test_what_is_new(registry: Make) -> None:
    (row,) = planned(registry(), candidate(repo="globex/new", sha256=OTHER))
    assert (row.status, row.id, row.reason, row.existing) == ("new", "globex/new", "", None)


@pytest.mark.parametrize("identifier", ["acme/tiny", "acme/little"])
def test_the_same_id_exists(registry: Make, identifier: str) -> None:
    folder = registry({f"{TINY}/model.yaml": f"{MINIMAL[f'{TINY}/model.yaml']}aliases: [acme/little]\n"})
    (row,) = planned(folder, candidate(identifier))
    assert (row.status, row.existing) == ("exists", "acme/tiny")
    assert row.reason.startswith("same id: ")


def test_ids_count_without_dashes_and_underscores_and_across_types(registry: Make) -> None:
    folder = registry(
        {f"models/llm/acme/a-b/{name}": MINIMAL[f"{TINY}/{name}"] for name in ("model.yaml", "1.0.0.yaml")}
    )
    dashed, typed = planned(folder, candidate("acme/a_b"), candidate("acme/tiny", type="image"))
    assert dashed.existing == "acme/a-b"
    assert typed.reason == "same id: acme/tiny is there, of type llm"


def test_a_folder_that_cannot_be_read_exists_too(registry: Make) -> None:
    folder = registry({f"{TINY}/model.yaml": "title: [\n"})
    (row,) = planned(folder, candidate("acme/tiny"))
    assert row.status == "exists"


def test_the_former_name_of_a_candidate_counts(registry: Make) -> None:
    (row,) = planned(registry(), candidate(model={"aliases": ["acme/tiny"]}))
    assert row.existing == "acme/tiny"


def test_the_same_hub_repository_exists(registry: Make) -> None:
    folder = registry()
    same, other, typed = planned(
        folder,
        candidate("globex/one", repo="Acme/Tiny"),
        candidate("globex/two", repo="acme/tiny-2"),
        candidate("globex/three", repo="acme/tiny", type="embedding"),
    )
    assert (same.status, same.existing) == ("exists", "acme/tiny")
    assert same.reason == "same hub repository: acme/tiny has huggingface:Acme/Tiny"
    assert (other.status, typed.status) == ("new", "new")


def test_all_repositories_must_be_there(registry: Make) -> None:
    variants = [{"sources": {"huggingface": {"repo": repo}}} for repo in ("acme/tiny", "acme/tiny-gguf")]
    draft = {"sources": {"huggingface": {"repo": "acme/more", "draft": {"repo": "acme/tiny"}}}}
    partly, addon = planned(
        registry(),
        candidate("globex/one", release={"variants": variants}),
        candidate("globex/two", release={"variants": [draft]}),
    )
    assert (partly.status, addon.status) == ("new", "new")


def test_the_same_digests_exist(registry: Make) -> None:
    unknown = {"Q4": [{"path": "a", "sha256": DIGEST}, {"path": "b"}]}
    beside = {"Q4": [{"path": "a", "sha256": DIGEST}, {"path": "b", "role": "config"}]}
    same, partly, unsure, weights = planned(
        registry(),
        candidate("globex/one", sha256=DIGEST, type="image"),
        candidate("globex/two", release={"variants": [{"files": {"x": [{"sha256": DIGEST}, {"sha256": OTHER}]}}]}),
        candidate("globex/three", release={"variants": [{"files": unknown}]}),
        candidate("globex/four", release={"variants": [{"files": beside}]}),
    )
    assert (same.status, same.existing) == ("exists", "acme/tiny")
    assert same.reason == "same file digest: acme/tiny has the same bytes"
    assert (partly.status, unsure.status, weights.status) == ("new", "new", "exists")


def test_what_was_removed_and_what_is_reserved_cannot_come(registry: Make) -> None:
    folder = registry(
        {
            "removed/globex/old.yaml": "type: llm\nreason: It leaked data.\nsince: 2026-01-01\nreleases: [1.0.0]\n",
            "removed/acme/tiny.yaml": "type: llm\nreason: X.\nsince: 2026-01-01\nreleases: [0.9.0]\nwhole: false\n",
            "policy.yaml": "version: 1\nreserved:\n  - {name: official, reason: Nobody is.}\n",
        }
    )
    removed, reserved, partly = planned(
        folder, candidate("globex/old"), candidate("official/x"), candidate("acme/tiny")
    )
    assert (removed.status, codes(removed)) == ("rejected", ["IDN003"])
    assert removed.reason == "globex/old was removed on 2026-01-01 and never comes back: It leaked data."
    assert (reserved.status, reserved.reason) == ("rejected", "official is reserved: Nobody is.")
    assert partly.status == "exists"


def test_an_equal_entry_exists_and_different_ones_name_each_other(registry: Make) -> None:
    first, second = candidate("globex/a", at="l:1"), candidate("globex/a", at="l:5")
    other, typed = candidate("globex/b", at="l:6"), candidate("globex/b", at="l:9", type="image")
    third = candidate("globex/c_d", at="l:10", model={"title": "C"}, source="C")
    fourth = candidate("globex/c-d", at="l:11", model={"title": "D"}, source="D")
    rows = planned(registry(), first, second, other, typed, third, fourth)
    assert [row.status for row in rows] == ["new", "exists", *["rejected"] * 4]
    assert rows[1].reason == "the same stands at l:1"
    assert [codes(row) for row in rows[2:]] == [["IDN002"]] * 4
    assert rows[2].reason == "globex/b stands under another type (image) at l:9 too"
    assert rows[3].reason == "globex/b stands under another type (llm) at l:6 too"
    assert rows[4].reason == "globex/c_d stands with other values at l:11 (D) too"


def test_the_second_of_equal_entries_exists_whatever_the_registry_says(registry: Make) -> None:
    rows = planned(registry(), candidate("acme/tiny"), candidate("acme/tiny"))
    assert [row.status for row in rows] == ["exists", "exists"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"identifier": "../etc"}, "IDN001"),
        ({"identifier": "a/b/c"}, "IDN001"),
        ({"identifier": "a/..b"}, "IDN001"),
        ({"identifier": "a/" + "b" * 97}, "IDN001"),
        ({"identifier": "a/b."}, "IDN001"),
        ({"type": "nonsense"}, "PTH002"),
        ({"texts": {"../../x": b""}}, "PTH002"),
        ({"texts": {"run.py": b""}}, "PTH002"),
        ({"releases": {}}, "PTH007"),
        ({"releases": {"latest": {}}}, "PTH007"),
        ({"model": {"x": float("nan")}}, "YML014"),
        ({"model": {"x": None}}, "YML014"),
        ({"model": {"x": {1: 2}}}, "YML014"),
        ({"model": {"x": "\ud800"}}, "YML014"),
        ({"model": {"x": dt.date(2026, 1, 1)}}, "YML014"),
    ],
)
def test_what_no_folder_could_hold_is_rejected(registry: Make, given: dict[str, Any], code: str) -> None:
    (row,) = planned(registry(), candidate(**given))
    assert (row.status, codes(row)) == ("rejected", [code])


def test_deep_values_are_rejected(registry: Make) -> None:
    value: Any = 1
    for _ in range(500):
        value = [value]
    (row,) = planned(registry(), candidate(model={"x": value}))
    assert codes(row) == ["YML014"]


def test_what_an_importer_rejected_stays_rejected(registry: Make) -> None:
    (row,) = planned(registry(), Rejected("x", "l.json:3", (Remark("SCH002", "no name"), Remark("SCH001", "odd"))))
    assert (row.status, row.id, row.reason) == ("rejected", None, "no name")
    assert row.problems == (
        Problem("l.json", 3, 1, "SCH002", "no name", "", Severity.ERROR),
        Problem("l.json", 3, 1, "SCH001", "odd", "", Severity.ERROR),
    )


def test_remarks_block_nothing(registry: Make) -> None:
    (row,) = planned(registry(), candidate(remarks=(Remark("SCH001", "unknown: x"),), at="somewhere"))
    assert row.status == "new"
    assert row.problems == (Problem("somewhere", 1, 1, "SCH001", "unknown: x", "", Severity.WARN),)


def test_facts_are_those_of_the_newest_release() -> None:
    files = {"a": [{"size": 5}, {"size": 7}, {"path": "x"}], "b": [{"size": 1}]}
    made = candidate(
        model={"title": {"en": "Name", "zh": "名"}},
        releases={
            "1.9.0": {"variants": [{"format": "old"}]},
            "1.10.0": {"variants": [{"format": "gguf", "files": files}, {"format": "mlx"}, {"format": "gguf"}]},
        },
    )
    assert facts(made) == ("Name", 13, ("gguf", "mlx"))
    assert facts(candidate(release={"variants": "odd"})) == ("New", 0, ())


def test_a_thousand_candidates_and_two_thousand_models_are_quick(registry: Make) -> None:
    release = MINIMAL[f"{TINY}/1.0.0.yaml"] or ""
    files = {
        f"models/llm/acme/m{index}/{name}": text
        for index in range(300)
        for name, text in (("model.yaml", "title: M\n"), ("1.0.0.yaml", release.replace("acme/tiny", f"acme/m{index}")))
    }
    there = known(registry(files))
    found = [candidate(f"globex/m{index}", repo=f"acme/m{index}", sha256=OTHER) for index in range(1000)]
    start = time.process_time()
    rows = plan(there, found)
    assert time.process_time() - start < 2
    assert sum(row.status == "exists" for row in rows) == 300


def test_base_models_that_are_not_there_are_left_out(registry: Make) -> None:
    """What `check` would refuse is not written, and it is said what it was."""
    bases = ["acme/tiny", "globex/base", "other/none"]
    made = candidate("globex/tuned", model={"base_models": bases})
    tuned, base = planned(registry(), made, candidate("globex/base", model={"base_models": ["other/none"]}))
    assert tuned.candidate is not None
    assert base.candidate is not None
    assert tuned.candidate.model["base_models"] == ["acme/tiny", "globex/base"]
    assert [remark.message for remark in tuned.remarks] == [
        "it was made from other/none, which the gallery does not have"
    ]
    assert "base_models" not in base.candidate.model
    assert codes(base) == ["REF001"]
