"""`import` from end to end: plan, choose, write, report; on a terminal, in a pipe, and when it is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from conftest import MINIMAL, git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from conftest import Result

    Make = Callable[..., Path]
    Commit = Callable[..., str]
    Run = Callable[..., Result]

TINY = "models/llm/acme/tiny"
DIGEST = "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea"
COMMIT = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"


def family(name: str, repo: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """One embedding model as Xinference has it."""
    source = {"huggingface": {"model_id": repo, "model_revision": COMMIT, "quantizations": ["none"]}}
    specs = [{"model_format": "pytorch", "model_src": source}]
    entry = {"version": 2, "model_name": name, "dimensions": 384, "max_tokens": 512, "language": ["en"]}
    return entry | {"model_specs": specs, "updated_at": 1766473037, "featured": False} | more


def catalogue(folder: Path, *families: object, name: str = "embedding.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(families, indent=1))
    return path


THREE = (family("Alpha", "Globex/Alpha"), family("Beta", "Globex/Beta"), family("Gamma", "initech/Gamma"))


def rows(result: Result) -> dict[str, dict[str, Any]]:
    return {row["source"]: row for row in json.loads(result.stdout)}


def placed(problems: Iterable[dict[str, Any]]) -> set[tuple[str, int, str]]:
    return {(problem["path"], problem["line"], problem["code"]) for problem in problems}


def unchanged(folder: Path) -> bool:
    return git(folder.parent, "status", "--porcelain", "-uall") == ""


# -- plan


def test_a_plan_shows_and_writes_nothing(run: Run, registry: Make, tmp_path: Path) -> None:
    folder = registry()
    source = catalogue(tmp_path, *THREE)
    shown = run("import", source, "--plan", "-r", folder)
    assert shown.exit_code == 0
    assert re.search(r"^new +globex/alpha +embedding +pytorch +Alpha", shown.stdout, re.MULTILINE)
    assert "; --format json names every place\n3 new; " in shown.stderr
    found = rows(run("import", source, "--plan", "-r", folder, "--format", "json"))
    assert set(found) == {"Alpha", "Beta", "Gamma"}
    alpha = found["Alpha"]
    assert (alpha["status"], alpha["id"], alpha["type"]) == ("new", "globex/alpha", "embedding")
    assert alpha["path"] == "registry/models/embedding/globex/alpha"
    assert alpha["at"].startswith("embedding.json:")
    problem = alpha["problems"][0]
    assert set(problem) == {"code", "severity", "path", "line", "column", "message", "fix"}
    assert unchanged(folder)


def test_a_plan_of_what_was_selected(run: Run, registry: Make, tmp_path: Path) -> None:
    words = ("--plan", "-r", registry(), "--format", "json")
    assert set(rows(run("import", catalogue(tmp_path, *THREE), "--select", "*a,beta", *words))) == {
        "Alpha",
        "Beta",
        "Gamma",
    }
    assert set(rows(run("import", catalogue(tmp_path, *THREE), "--select", "globex/*", *words))) == {"Alpha", "Beta"}


# -- write


def test_all_are_written_and_pass_the_check_but_for_what_the_source_lacks(
    run: Run, registry: Make, tmp_path: Path
) -> None:
    folder = registry()
    done = run("import", catalogue(tmp_path, *THREE), "--all", "-r", folder, "--format", "json")
    assert done.exit_code == 0, done.stderr
    found = rows(done)
    assert {row["status"] for row in found.values()} == {"imported"}
    new = {line[3:] for line in git(folder.parent, "status", "--porcelain", "-uall").splitlines()}
    assert new == {
        *(f"registry/models/embedding/globex/{name}" for name in _files("alpha", "beta")),
        *(f"registry/models/embedding/initech/{name}" for name in _files("gamma")),
        "registry/publishers/globex.yaml",
        "registry/publishers/initech.yaml",
    }
    assert (folder / "publishers/globex.yaml").read_text() == "title: Globex\n"
    said = {
        (problem["path"], problem["line"], problem["code"]) for row in found.values() for problem in row["problems"]
    }
    checked = json.loads(run("check", "-r", folder, "--format", "json").stdout)
    there = {(problem["path"], problem["line"], problem["code"]) for problem in checked}
    assert there <= said
    assert not any(code.startswith(("YML", "SCH", "IDN", "PTH")) for _, _, code in there)
    shown = json.loads(run("show", "globex/alpha", "-r", folder, "--format", "json").stdout)
    assert shown["releases"]["1.0.0"]["spec"]["dimensions"] == 384


def _files(*names: str) -> list[str]:
    return [f"{name}/{file}" for name in names for file in ("model.yaml", "1.0.0.yaml")]


def test_a_second_import_finds_all_there(run: Run, registry: Make, tmp_path: Path) -> None:
    folder, source = registry(), catalogue(tmp_path, *THREE)
    run("import", source, "--all", "-r", folder)
    before = git(folder.parent, "status", "--porcelain", "-uall")
    again = run("import", source, "--all", "-r", folder, "--format", "json")
    assert again.exit_code == 0
    assert {row["status"] for row in rows(again).values()} == {"exists"}
    assert rows(again)["Alpha"]["reason"] == "same id: globex/alpha is there"
    assert git(folder.parent, "status", "--porcelain", "-uall") == before


def test_some_are_selected(run: Run, registry: Make, tmp_path: Path) -> None:
    folder = registry()
    done = run("import", catalogue(tmp_path, *THREE), "--select", "alpha", "--select", "g*", "-r", folder)
    assert done.exit_code == 0
    assert sorted(path.name for path in folder.glob("models/embedding/*/*")) == ["alpha", "gamma"]
    assert "2 imported" in done.stderr


def test_another_publisher(run: Run, registry: Make, tmp_path: Path) -> None:
    folder = registry()
    done = run("import", catalogue(tmp_path, *THREE), "--all", "--publisher", "acme", "-r", folder, "--format", "json")
    assert {row["id"] for row in rows(done).values()} == {"acme/alpha", "acme/beta", "acme/gamma"}
    assert (folder / "publishers/acme.yaml").read_text() == MINIMAL["publishers/acme.yaml"]
    odd = run("import", catalogue(tmp_path, *THREE), "--all", "--publisher", "Acme Inc", "-r", folder)
    assert odd.exit_code == 2
    assert "such as acme-inc" in odd.stderr


def test_several_sources_at_once(run: Run, registry: Make, tmp_path: Path) -> None:
    one, two = (catalogue(tmp_path, each, name=f"{index}embedding.json") for index, each in enumerate(THREE[:2]))
    assert set(rows(run("import", one, two, "--all", "-r", registry(), "--format", "json"))) == {"Alpha", "Beta"}


# -- what exists cannot be imported again (by id, by repository, by digest)


def test_what_exists_by_id_repository_or_digest_cannot_be_chosen(run: Run, registry: Make, tmp_path: Path) -> None:
    folder = registry(
        {
            "models/embedding/acme/emb/model.yaml": MINIMAL[f"{TINY}/model.yaml"],
            "models/embedding/acme/emb/1.0.0.yaml": (
                "spec: {dimensions: 384, max_tokens: 512}\nvariants:\n  - format: pytorch\n"
                "    sources: {huggingface: {repo: acme/emb}}\n"
            ),
        }
    )
    families = (family("emb", "acme/unlike"), family("other", "acme/emb"), *THREE)
    source = catalogue(tmp_path, *families)
    gguf = tmp_path / "index.yaml"
    gguf.write_text(
        "- name: copied\n  url: github:mudler/LocalAI/gallery/virtual.yaml@master\n  files:\n"
        f"    - {{filename: m.gguf, sha256: {DIGEST}, uri: 'https://huggingface.co/initech/copied/resolve/main/m.gguf'}}\n"
        "  overrides: {parameters: {model: m.gguf}}\n"
    )
    plan = rows(run("import", source, gguf, "--plan", "-r", folder, "--format", "json"))
    reasons = {name: row["reason"] for name, row in plan.items() if row["status"] == "exists"}
    assert reasons == {
        "emb": "same id: acme/emb is there",
        "other": "same hub repository: acme/emb has huggingface:acme/emb",
        "copied": "same file digest: acme/tiny has the same bytes",
    }
    assert plan["other"]["id"] == "acme/emb"
    for name, place in (("emb", source), ("other", source), ("copied", gguf)):
        chosen = run("import", place, "--select", name, "-r", folder)
        assert chosen.exit_code == 2
        assert f"{name} is in the gallery already: {reasons[name]}; nothing was written" in chosen.stderr
        mixed = run("import", source, gguf, "--select", f"alpha,{name}", "-r", folder)
        assert mixed.exit_code == 2
    assert unchanged(folder)
    assert run("import", source, "--select", "*", "-r", folder).exit_code == 0
    assert sorted(path.parent.name for path in folder.glob("models/embedding/*/*/model.yaml")) == [
        "alpha", "beta", "emb", "gamma",
    ]  # fmt: skip


# -- newly imported models come first


def test_imported_models_come_first_before_and_after_the_commit(
    run: Run, registry: Make, commit: Commit, tmp_path: Path
) -> None:
    folder = registry()
    assert run("import", catalogue(tmp_path, *THREE), "--all", "-r", folder).exit_code == 0

    def ids() -> list[str]:
        return [row["id"] for row in json.loads(run("list", "-r", folder, "--format", "json").stdout)]

    expected = ["globex/alpha", "globex/beta", "initech/gamma", "acme/tiny"]
    assert ids() == expected
    commit(folder, {}, date="2026-02-01T00:00:00Z")
    assert ids() == expected
    run("edit", "acme/tiny", "summary=Another one.", "-r", folder)
    commit(folder, {}, date="2026-03-01T00:00:00Z")
    assert ids() == expected


# -- bad entries


def test_a_hundred_bad_entries_stop_no_good_one(run: Run, registry: Make, tmp_path: Path) -> None:
    folder = registry()
    odd: list[object] = [
        None,
        7,
        "text",
        [],
        {},
        {"model_name": None},
        {"model_name": ["x"]},
        {"model_name": "../../x"},
    ]
    bad = [odd[index % len(odd)] for index in range(100)]
    source = catalogue(tmp_path, THREE[0], *bad[:50], THREE[1], *bad[50:], THREE[2])
    done = run("import", source, "--all", "-r", folder, "--format", "json")
    assert done.exit_code == 1, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == 103
    assert [row["source"] for row in found if row["status"] == "imported"] == ["Alpha", "Beta", "Gamma"]
    rejected = [row for row in found if row["status"] == "rejected"]
    assert len(rejected) == 100
    assert all(row["problems"] and row["problems"][0]["code"] for row in rejected)
    lines = [row["problems"][0]["line"] for row in rejected]
    assert lines == sorted(lines)
    assert len(set(lines)) == 100
    assert len(list(folder.glob("models/embedding/*/*"))) == 3
    text = run("import", source, "--all", "-r", folder)
    assert text.exit_code == 1
    assert "3 exists, 100 rejected" in text.stderr
    alone = {"version": 2, "model_name": "Delta", "model_specs": "none of the usual ones"}
    assert run("import", catalogue(tmp_path, alone), "--plan", "-r", folder).stderr == "1 rejected\n"


def test_more_problems_than_a_screen_holds_are_counted_and_it_says_where_they_are(
    run: Run, registry: Make, tmp_path: Path
) -> None:
    many = [family(f"Alpha-{number}", f"Globex/Alpha-{number}") for number in range(12)]
    done = run("import", catalogue(tmp_path, *many), "--all", "-r", registry())
    assert done.exit_code == 0, done.stderr
    assert re.search(r"^most: .*; galleryctl check names every place$", done.stderr, re.MULTILINE)


def test_a_file_that_cannot_be_written_as_a_model_is_rejected_with_its_rule(
    run: Run, registry: Make, tmp_path: Path
) -> None:
    twice = (family("Alpha", "Globex/Alpha"), family("Alpha", "Globex/Alpha", dimensions=7))
    done = run("import", catalogue(tmp_path, *twice, THREE[1]), "--all", "-r", registry(), "--format", "json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert [row["status"] for row in found] == ["rejected", "rejected", "imported"]
    assert [row["problems"][0]["code"] for row in found[:2]] == ["IDN002", "IDN002"]
    assert found[0]["path"] is None


# -- wrong usage and failures


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what to import: --all, or --select NAME; see what there is with --plan"),
        (("--plan", "--all"), "use one of them"),
        (("--all", "--select", "x"), "use one of them"),
        (("--all", "--as-version-of", "acme/tiny"), "use one of them"),
        (("--all", "--bump", "minor"), "--as-version-of"),
        (("--all", "--type", "nonsense"), "there is no type nonsense"),
        (("--select", "Alfa"), "did you mean Alpha"),
    ],
)
def test_wrong_usage(run: Run, registry: Make, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    folder = registry()
    result = run("import", catalogue(tmp_path, *THREE), *words, "-r", folder)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""
    assert unchanged(folder)


def test_unknown_sources_and_registries_are_wrong_usage(run: Run, registry: Make, tmp_path: Path) -> None:
    assert run("import", "Qwen/Qwen3", "--plan", "-r", registry()).exit_code == 2
    assert run("import", catalogue(tmp_path, *THREE), "--plan", "-r", tmp_path / "nowhere").exit_code == 2
    assert run("import", "--plan").exit_code == 2


def test_what_cannot_be_fetched_is_3_and_writes_nothing(run: Run, registry: Make, tmp_path: Path) -> None:
    folder = registry()
    source = catalogue(tmp_path, *THREE)
    result = run("import", source, "http://127.0.0.1:9/x.gguf", "--all", "--allow-private", "-r", folder)
    assert result.exit_code == 3
    assert unchanged(folder)


# -- as a version of what exists

TOMBSTONE = "type: embedding\nreason: X.\nsince: 2026-01-01\nreleases: [1.2.0]\nwhole: false\n"
SECOND = (family("Tiny embeddings", "acme/emb-v2", dimensions=512), *THREE)


def test_a_candidate_becomes_a_release(run: Run, registry: Make, tmp_path: Path) -> None:
    folder = registry(
        {
            "removed/globex/alpha.yaml": TOMBSTONE,
        }
    )
    run("import", catalogue(tmp_path, *THREE), "--select", "alpha", "-r", folder)
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "-qm", "import")
    words = ("--as-version-of", "globex/alpha", "--bump", "minor", "-r", folder)
    made = run("import", catalogue(tmp_path, SECOND[0]), *words)
    assert made.exit_code == 0, made.stderr
    assert made.stdout == "registry/models/embedding/globex/alpha/1.3.0.yaml\n"
    assert "globex/alpha 1.3.0, from Tiny embeddings" in made.stderr
    assert git(folder.parent, "status", "--porcelain", "-uall") == f"?? {made.stdout.strip()}"
    shown = json.loads(run("show", "globex/alpha", "-r", folder, "--format", "json").stdout)
    assert (shown["latest"], shown["releases"]["1.3.0"]["spec"]["dimensions"]) == ("1.3.0", 512)
    again = run(
        "import", catalogue(tmp_path, THREE[0]), "--as-version-of", "globex/alpha", "-r", folder, "--format", "json"
    )
    (row,) = json.loads(again.stdout)
    assert (row["version"], row["path"]) == ("1.3.1", "registry/models/embedding/globex/alpha/1.3.1.yaml")


def test_only_one_of_the_same_type_becomes_a_release(run: Run, registry: Make, tmp_path: Path) -> None:
    folder = registry()
    source = catalogue(tmp_path, *SECOND)
    way = f"galleryctl import {source} --as-version-of acme/tiny --select NAME, of Tiny embeddings, Alpha"
    for words in (("import", source, "--as-version-of", "acme/tiny"), ("release", "acme/tiny", "--from", source)):
        many = run(*words, "-r", folder)
        assert many.exit_code == 2
        assert f"the source has 4 models, and one can be a release: {way}" in many.stderr
    typed = run(
        "import", catalogue(tmp_path, *SECOND), "--as-version-of", "acme/tiny", "--select", "Beta", "-r", folder
    )
    assert typed.exit_code == 2
    assert "acme/tiny is of type llm, and this is of type embedding" in typed.stderr
    none = run("import", catalogue(tmp_path, None), "--as-version-of", "acme/tiny", "-r", folder)
    assert none.exit_code == 2
    assert unchanged(folder)


def test_a_release_comes_from_a_source(run: Run, registry: Make, tmp_path: Path) -> None:
    folder = registry()
    run("import", catalogue(tmp_path, *THREE), "--select", "alpha", "-r", folder)
    source = catalogue(tmp_path, SECOND[0])
    made = run("release", "globex/alpha", "--from", source, "--bump", "major", "-r", folder)
    assert (made.exit_code, made.stdout) == (0, "registry/models/embedding/globex/alpha/2.0.0.yaml\n"), made.stderr
    named = run("release", "globex/alpha", "2.1.0", "--from", source, "-r", folder)
    assert named.stdout == "registry/models/embedding/globex/alpha/2.1.0.yaml\n"
    assert run("release", "acme/tiny", "--from", source, "-r", folder).exit_code == 2


# -- killed in the middle

SLOW = """
import sys, time
from pathlib import Path
real = Path.rename
def rename(source, target):
    done = real(source, target)
    print("moved", flush=True)
    time.sleep(60)
    return done
Path.rename = rename
from galleryctl.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_killed_import_leaves_nothing_to_the_next(run: Run, registry: Make, tmp_path: Path) -> None:
    folder, source = registry(), catalogue(tmp_path, *THREE)
    words = [sys.executable, "-c", SLOW, "import", str(source), "--all", "-r", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "moved\n"
        os.kill(process.pid, signal.SIGKILL)
    assert len(list(folder.glob("models/embedding/*/*"))) == 1
    plan = run("import", source, "--plan", "-r", folder, "--format", "json")
    assert {row["status"] for row in rows(plan).values()} == {"new"}
    assert unchanged(folder)
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".registry")] == []
    assert run("import", source, "--all", "-r", folder).exit_code == 0
    assert len(list(folder.glob("models/embedding/*/*"))) == 3
