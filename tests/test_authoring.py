"""Mending, starting and scaffolding, on real registries in real repositories."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL, git, write
from galleryctl import authoring, loading
from galleryctl.authoring import Answers
from galleryctl.errors import UsageError
from galleryctl.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from galleryctl.problems import Problem

    Make = Callable[..., Path]
    Commit = Callable[..., str]

NOW = dt.datetime(2026, 11, 21, 15, 30, tzinfo=dt.UTC)
TINY = "models/llm/acme/tiny"


def problems(registry: Path) -> tuple[Problem, ...]:
    return loading.load(registry.parent, registry.name, now=NOW).problems


def errors(registry: Path) -> list[str]:
    return [problem.code for problem in problems(registry) if problem.severity is Severity.ERROR]


def mended(registry: Path) -> set[str]:
    """Mend until nothing changes, as the command does."""
    changed: set[str] = set()
    while found := authoring.mend(registry, problems(registry)):
        assert len(changed) < 20
        changed |= set(found)
    return changed


def read(registry: Path, path: str) -> str:
    return (registry / path).read_bytes().decode()


# -- within


def test_within_keeps_the_problems_of_a_folder(registry: Make) -> None:
    folder = registry({f"{TINY}/README.md": None, "models/llm/acme/tiny2/model.yaml": "title: Two\n"})
    found = problems(folder)
    assert {problem.path for problem in found} > {"registry/models/llm/acme/tiny2/model.yaml"}
    assert authoring.within(found, (), folder) == found
    assert authoring.within(found, (folder,), folder) == found
    assert authoring.within(found, (folder.parent,), folder) == found
    two = authoring.within(found, (folder / "models/llm/acme/tiny2",), folder)
    assert two
    assert all(problem.path.startswith("registry/models/llm/acme/tiny2") for problem in two)
    assert set(two) < set(found)


def test_within_a_file_without_problems_finds_none(registry: Make) -> None:
    folder = registry({f"{TINY}/README.md": None})
    assert authoring.within(problems(folder), (folder / "gallery.yaml",), folder) == ()


def test_within_knows_the_paths_of_a_revision(registry: Make, commit: Commit) -> None:
    folder = registry()
    commit(folder, {f"{TINY}/README.md": None})
    card = folder / TINY / "README.md"
    assert authoring.within((), (card,), folder, revision="HEAD~1") == ()
    with pytest.raises(UsageError, match=r"README\.md is no file of the registry"):
        authoring.within((), (card,), folder)


def test_within_refuses_what_lies_outside(registry: Make, tmp_path: Path) -> None:
    folder = registry()
    with pytest.raises(UsageError, match="lies outside the registry"):
        authoring.within((), (tmp_path / "elsewhere",), folder)
    with pytest.raises(UsageError, match="no file of the registry"):
        authoring.within((), (folder / "models/llm/acme/none",), folder)


def test_within_names_the_folder_of_an_id(registry: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = registry()
    monkeypatch.chdir(folder)
    from pathlib import Path as Here  # noqa: PLC0415 - a relative path, as typed

    with pytest.raises(UsageError, match="did you mean registry/models/llm/acme/tiny"):
        authoring.within((), (Here("acme/tiny"),), folder)


# -- mend


def test_mend_changes_only_the_characters_it_must(registry: Make) -> None:
    before = "# kept  comment\ntitle:   Tiny\nsummary: Small.\nlicense: apache-2.0\ntags: [chats]  # why\n"
    folder = registry({f"{TINY}/model.yaml": before})
    assert mended(folder) == {f"registry/{TINY}/model.yaml"}
    after = read(folder, f"{TINY}/model.yaml")
    assert after == before.replace("apache-2.0", "Apache-2.0").replace("[chats]", "[chat]")
    assert mended(folder) == set()


def test_mend_repairs_bytes_that_hide_other_problems(registry: Make) -> None:
    crlf = MINIMAL[f"{TINY}/model.yaml"] or ""
    folder = registry({f"{TINY}/model.yaml": "\ufeff" + crlf.replace("\n", "\r\n").replace("[chat]", "[chats]")})
    assert "YML005" in errors(folder)
    mended(folder)
    assert read(folder, f"{TINY}/model.yaml") == crlf


def test_mend_writes_nothing_without_edits(registry: Make) -> None:
    folder = registry({f"{TINY}/model.yaml": "title: Tiny\n"})
    found = [problem for problem in problems(folder) if not problem.edits]
    assert found
    assert authoring.mend(folder, found) == ()


def test_mend_leaves_a_committed_release_that_is_valid(registry: Make, commit: Commit) -> None:
    release = (MINIMAL[f"{TINY}/1.0.0.yaml"] or "").replace("languages: [en]", "languages: [en, iw]")
    folder = registry()
    write(folder, {f"{TINY}/1.1.0.yaml": release})
    warned = [problem for problem in problems(folder) if problem.code == "LNG002"]
    assert [problem.path for problem in warned] == [f"registry/{TINY}/1.1.0.yaml"]
    commit(folder, {})
    assert authoring.mend(folder, warned) == ()
    git(folder, "rm", "-q", "--cached", f"{TINY}/1.1.0.yaml")
    git(folder, "commit", "-q", "-m", "not yet")
    assert authoring.mend(folder, warned) == (f"registry/{TINY}/1.1.0.yaml",)


# -- init


def test_init_makes_a_registry_without_problems(tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    assert authoring.init(folder, title="Models: ours") == (
        "gallery.yaml",
        "roles.yaml",
        "policy.yaml",
        "taxonomy.yaml",
    )
    loaded = loading.load(tmp_path, "registry", now=NOW)
    assert loaded.problems == ()
    assert loaded.governance.settings.title == "Models: ours"
    assert {"chat", "text-to-image"} <= loaded.governance.taxonomy.dimensions["task"].values.keys()
    assert "pytorch" in loaded.governance.taxonomy.frameworks.values
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "start")
    assert loading.load(tmp_path, "registry", now=NOW).problems == ()


@pytest.mark.parametrize("present", ["gallery.yaml", "policy.yaml", "gallery.json"])
def test_init_overwrites_nothing(tmp_path: Path, present: str) -> None:
    (tmp_path / present).write_text("mine")
    with pytest.raises(UsageError, match=present):
        authoring.init(tmp_path, title="Models")
    assert [path.name for path in tmp_path.iterdir()] == [present]


def test_init_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "registry").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        authoring.init(tmp_path / "registry", title="Models")


# -- new

COMPLETE = Answers(
    framework="pytorch",
    gpus=1,
    vram="8GiB",
    memory="16GiB",
    repo="acme/other",
    format="gguf",
    parameters="8B",
    quantizations=("Q4_K_M", "Q8_0"),
    summary="A model: it answers.",
    license="MIT",
)


def test_new_writes_what_was_said(registry: Make) -> None:
    folder = registry()
    paths = authoring.new(authoring.claim(folder, "llm", "acme/tiny-chat", now=NOW), COMPLETE)
    model = "models/llm/acme/tiny-chat"
    assert paths == tuple(f"registry/{model}/{name}" for name in ("model.yaml", "1.0.0.yaml", "README.md"))
    loaded = loading.load(folder.parent, folder.name, now=NOW)
    document = loaded.gallery.by_id["acme/tiny-chat"].document()
    assert (document.title, document.summary, document.license) == ("Tiny Chat", "A model: it answers.", "MIT")
    release = document.releases["1.0.0"]
    assert release.requirements is not None
    assert (release.requirements.gpus, release.requirements.vram, release.requirements.memory) == (1, "8GiB", "16GiB")
    assert release.environment is not None
    assert release.environment.framework == "pytorch"
    (variant,) = release.variants
    assert (variant.format, variant.parameters, variant.quantizations) == ("gguf", "8B", ("Q4_K_M", "Q8_0"))
    assert variant.sources is not None
    assert variant.sources.hubs()["huggingface"].repo == "acme/other"


def test_new_leaves_only_what_the_author_must_fill_in(registry: Make) -> None:
    folder = registry()
    authoring.new(authoring.claim(folder, "embedding", "globex/vectors", now=NOW), Answers())
    assert (folder / "publishers/globex.yaml").read_text().startswith("title: Globex\n")
    found = [problem for problem in problems(folder) if problem.severity is Severity.ERROR]
    assert {problem.code for problem in found} <= {
        "LIC001",
        "TXT006",
        "TXT007",
        "SCH002",
        "OWN007",
        "SCH005",
        "SRC002",
        "ENV004",
    }
    assert {"LIC001", "TXT006"} <= {problem.code for problem in found}
    assert all(problem.fix for problem in found)
    card = folder / "models/embedding/globex/vectors/README.md"
    assert [line for line in card.read_text().splitlines() if line.startswith("## ")] == [
        "## Background",
        "## Introduction",
        "## Usage",
        "## Constraints",
    ]


def test_new_in_a_private_registry_is_private_and_needs_no_description(registry: Make) -> None:
    folder = registry({"policy.yaml": "version: 1\nrepository: private\n"})
    authoring.new(authoring.claim(folder, "llm", "acme/inner", now=NOW), Answers(license="MIT"))
    assert "visibility: private\n" in read(folder, "models/llm/acme/inner/model.yaml")
    mine = [problem.code for problem in problems(folder) if problem.path.endswith("inner/model.yaml")]
    assert "TXT007" not in mine
    assert "SCH002" not in mine
    public = registry(name="public")
    authoring.new(authoring.claim(public, "llm", "acme/inner", now=NOW), Answers(license="MIT"))
    assert "TXT007" in [problem.code for problem in problems(public) if problem.path.endswith("inner/model.yaml")]


def test_new_scaffolds_every_type(registry: Make) -> None:
    folder = registry()
    for kind in loading.load(folder.parent, folder.name, now=NOW).types:
        authoring.new(authoring.claim(folder, kind, f"acme/a-{kind}", now=NOW), COMPLETE)
    codes = {problem.code for problem in problems(folder) if "/a-" in problem.path}
    assert not {code for code in codes if code.startswith(("YML", "PTH", "IDN"))}


@pytest.mark.parametrize(
    ("kind", "identifier", "said"),
    [
        ("lmm", "acme/new", "there is no type lmm; did you mean llm"),
        ("llm", "acme/tiny", "there is acme/tiny already; add a release: galleryctl release acme/tiny"),
        ("image", "acme/tiny", "there is acme/tiny already"),
        ("llm", "acme/ti_ny-2", "there is acme/ti-ny_2 already"),
        ("llm", "acme/old", "there is acme/old, an alias of acme/ti-ny_2 already"),
        ("llm", "official/best", "official is reserved: No."),
        ("llm", "acme/banned", "acme/banned is reserved: Never."),
        ("llm", "acme/gone", "acme/gone was removed on 2025-01-02 and never comes back: Wrong weights."),
        ("llm", "Acme/Big Model", "such as acme/big-model"),
        ("llm", "tiny", "is no id"),
        ("llm", "acme/..", "is no id"),
        ("llm", "acme/" + "a" * 97, "is no id"),
    ],
)
def test_new_refuses_what_is_taken_or_wrong(registry: Make, kind: str, identifier: str, said: str) -> None:
    folder = registry(
        {
            "policy.yaml": "reserved: [{name: official, reason: No.}, {name: acme/banned, reason: Never.}]\n",
            "removed/acme/gone.yaml": "type: llm\nreason: Wrong weights.\nsince: 2025-01-02\nreleases: [1.0.0]\n",
            "models/llm/acme/ti-ny_2/model.yaml": "title: Two\nlicense: MIT\nsummary: Another.\naliases: [acme/old]\n",
            "models/llm/acme/ti-ny_2/1.0.0.yaml": MINIMAL[f"{TINY}/1.0.0.yaml"],
        }
    )
    before = git(folder, "status", "--porcelain")
    with pytest.raises(UsageError) as refused:
        authoring.claim(folder, kind, identifier, now=NOW)
    assert said in str(refused.value)
    assert git(folder, "status", "--porcelain") == before


def test_new_checks_its_answers(registry: Make) -> None:
    folder = registry()
    claim = authoring.claim(folder, "llm", "acme/more", now=NOW)
    with pytest.raises(UsageError, match="no hub huggingfac; did you mean huggingface"):
        authoring.new(claim, Answers(repo="huggingfac:acme/more"))
    with pytest.raises(UsageError, match="no repository"):
        authoring.new(claim, Answers(repo="more"))
    with pytest.raises(UsageError, match="no version"):
        authoring.new(claim, Answers(version="1.0"))
    assert not (folder / "models/llm/acme/more").exists()
    assert "modelscope: {repo: acme/more}" in read(
        folder, authoring.new(claim, Answers(repo="modelscope:acme/more"))[1].removeprefix("registry/")
    )
