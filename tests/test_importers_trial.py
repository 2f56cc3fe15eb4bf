"""Files that candidates would become: profiles, problems by model, what cannot be read, what is dangerous."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from conftest import git
from galleryctl.authoring import arriving
from galleryctl.importers import Candidate, trial
from galleryctl.importers.planning import plan
from servers import files, serving
from sources import dangerous, harmless

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result
    from galleryctl.importers.trial import Trial

    Make = Callable[..., Path]
    Run = Callable[..., Result]

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
TINY = "models/llm/acme/tiny"
SPEC = {"context_length": 4096, "languages": ["en"], "abilities": ["chat"]}


def candidate(identifier: str, **given: Any) -> Candidate:  # noqa: ANN401 - fields of a candidate
    name = identifier.partition("/")[2]
    model = {"title": name, "links": {"weights": f"https://huggingface.co/{identifier.title()}"}} | given.pop(
        "model", {}
    )
    release = {"spec": SPEC, "variants": [{"format": "pytorch"}]} | given.pop("release", {})
    return Candidate(name, "list.txt:1", "llm", identifier, model, {"1.0.0": release}, **given)


def tried(folder: Path, *found: Candidate, jobs: int = 1) -> Trial:
    known = trial.known(folder, now=NOW, jobs=jobs)
    return trial.tried(folder, known, plan(known, found), now=NOW, jobs=jobs)


def test_profiles_of_new_publishers_have_their_owners_names(registry: Make) -> None:
    sources = {"sources": {"huggingface": {"repo": "INITECH/two"}}}
    made = tried(
        registry(),
        candidate("acme/one"),
        candidate("globex/one"),
        candidate("initech/one", model={"links": {}}),
        candidate("initech/two", model={"links": {}}, release={"variants": [sources]}),
        candidate("umbrella/one", model={"links": {"homepage": ["https://umbrella.example"]}}),
    )
    assert made.beside == {
        "publishers/globex.yaml": b"title: Globex\n",
        "publishers/initech.yaml": b"title: INITECH\n",
        "publishers/umbrella.yaml": b"title: umbrella\n",
    }


def test_a_private_registry_takes_private_models(registry: Make) -> None:
    folder = registry({"policy.yaml": "version: 1\nrepository: private\n"})
    made = tried(folder, candidate("acme/one"), candidate("acme/two", model={"visibility": "organisation"}))
    one, two = (arrival.files["model.yaml"].decode() for arrival in made.arrivals)
    assert "visibility: private\n" in one
    assert "visibility: organisation\n" in two


def test_problems_are_those_of_the_check(registry: Make) -> None:
    folder = registry()
    made = tried(folder, candidate("acme/odd", model={"tags": ["nonsense"]}), candidate("acme/new"))
    assert "TAX001" in {problem.code for problem in made.problems["acme/odd"]}
    assert "TAX001" not in {problem.code for problem in made.problems["acme/new"]}
    assert git(folder.parent, "status", "--porcelain") == ""
    arriving.arrive(folder, made.arrivals, made.beside)
    checked = {problem for found in made.problems.values() for problem in found}
    assert checked == {
        problem for problem in trial.known(folder, now=NOW, jobs=1).loaded.problems if "acme/tiny" not in problem.path
    }


def test_many_jobs_give_what_one_gives(registry: Make) -> None:
    folder = registry()
    found = [candidate(f"acme/m{index}") for index in range(150)]
    one, two = tried(folder, *found), tried(folder, *found, jobs=2)
    assert one.arrivals == two.arrivals
    assert one.problems == two.problems


def test_of_two_alike_the_new_one_is_told(registry: Make) -> None:
    """What is not committed came last, whatever its id."""
    made = tried(registry(), candidate("acme/a", model={"title": "Tiny"}))
    assert "IDN009" in {problem.code for problem in made.problems["acme/a"]}
    assert made.elsewhere == ()


@pytest.mark.parametrize(
    "given",
    [
        {"model": {"title": 7}},
        {"model": {"title": ""}, "release": {"variants": "none"}},
        {"release": {"spec": "odd"}},
        {"release": {"released": "soon"}},
        {"model": {"links": ["x"]}},
    ],
)
def test_what_cannot_be_read_is_rejected_and_stops_nothing(registry: Make, given: dict[str, Any]) -> None:
    folder = registry()
    made = tried(folder, candidate("acme/bad", **given), candidate("acme/good"))
    bad, good = made.rows
    assert (bad.status, good.status) == ("rejected", "new")
    assert bad.remarks[0].code.startswith(("SCH", "YML"))
    assert [arrival.id for arrival in made.arrivals] == ["acme/good"]


def test_the_profile_of_a_rejected_model_is_not_written(registry: Make) -> None:
    made = tried(registry(), candidate("globex/bad", release={"variants": "none"}), candidate("initech/good"))
    assert list(made.beside) == ["publishers/initech.yaml"]


def test_hostile_values_never_stop_an_import(registry: Make) -> None:
    odd = [
        "\x00\x07",
        "a\u2028b",
        "x" * 100_000,
        "- - -",
        "!!python/object",
        "&a *a",
        "{{ 7*7 }}",
        "<script>",
        "=cmd",
        " ",
    ]
    found = [candidate(f"acme/m{index}", model={"title": value, "tags": [value]}) for index, value in enumerate(odd)]
    folder = registry()
    made = tried(folder, *found)
    assert len(made.rows) == len(odd)
    arriving.arrive(folder, made.arrivals, made.beside)
    loaded = trial.known(folder, now=NOW, jobs=1).loaded
    titles = {entry.id: entry.outline.title for entry in loaded.gallery}
    for index, value in enumerate(odd):
        if made.rows[index].status == "new":
            assert titles[f"acme/m{index}"] == value


def test_a_scan_rejects_what_is_dangerous(run: Run, registry: Make, tmp_path: Path) -> None:
    folder = registry()
    with serving(files({"bad.pt": dangerous(), "good.pt": harmless()})) as there:
        listed = tmp_path / "models.txt"
        listed.write_text(f"{there.url}/bad.pt\n{there.url}/good.pt\n")
        words = ("--all", "--type", "llm", "--publisher", "acme", "--allow-private", "--format", "json", "-r", folder)
        done = run("import", listed, "--scan", *words)
        assert done.exit_code == 1, done.stderr
        bad, good = json.loads(done.stdout)
        assert (bad["status"], good["status"]) == ("rejected", "imported")
        assert any(problem["code"].startswith("SEC") for problem in bad["problems"])
        assert sorted(path.name for path in folder.glob("models/llm/acme/*")) == ["good", "tiny"]
        unseen = run("import", listed, *words)
        assert [row["status"] for row in json.loads(unseen.stdout)] == ["imported", "exists"]
