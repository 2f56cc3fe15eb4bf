"""A base and what would be merged into it: from disk, from a head, and with another governance."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import MINIMAL, Result, git, write
from galleryctl.changes import of_models
from galleryctl.errors import GitError
from galleryctl.loading import comparing
from galleryctl.loading.comparing import Compared, ConflictError
from galleryctl.problems import Severity
from test_loading import TINY, twin

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
Make = Callable[..., Path]
Save = Callable[..., str]
Run = Callable[..., Result]
BAD = MINIMAL[f"{TINY}/model.yaml"].replace("tags: [chat]", "tags: [nonsense]")  # type: ignore[union-attr]


def compare(registry: Path, *, head: str | None = None, merged: str | None = None, base: str = "main") -> Compared:
    root, name = registry.parent, registry.name
    return comparing.compare(root, name, base=base, head=head, merged=merged, now=NOW)


def topic(registry: Path, start: str = "main", name: str = "topic") -> None:
    git(registry.parent, "switch", "-q", "-c", name, start)


def errors(found: Compared) -> set[tuple[str, str]]:
    return {(problem.path, problem.code) for problem in found.problems if problem.severity is Severity.ERROR}


def codes(found: Compared, path: str) -> dict[str, Severity]:
    return {problem.code: problem.severity for problem in found.problems if problem.path == f"registry/{path}"}


@pytest.fixture
def behind(registry: Make, commit: Save) -> Path:
    """A registry whose `topic` adds a model, and whose `main` went on: another model is there, and one is gone."""
    root = registry({**MINIMAL, **twin("old")})
    topic(root)
    commit(root, twin("mine"))
    git(root.parent, "switch", "-q", "main")
    commit(root, {**twin("theirs"), **dict.fromkeys(twin("old"))})
    git(root.parent, "switch", "-q", "topic")
    return root


@pytest.mark.parametrize("how", ["disk", "uncommitted", "head", "merged"])
def test_a_proposal_that_is_behind_undoes_nothing(behind: Path, how: str) -> None:
    if how == "uncommitted":
        git(behind.parent, "reset", "-q", "main@{1}")
    if how == "merged":
        git(behind.parent, "merge", "-q", "--no-edit", "main")
    if how in {"head", "merged"}:
        git(behind.parent, "switch", "-q", "--detach", "main")
    found = compare(behind, head="topic" if how == "head" else None, merged="topic" if how == "merged" else None)
    assert of_models(found.changes) == ("acme/mine",)
    assert set(found.merged.gallery.by_id) == {"acme/tiny", "acme/theirs", "acme/mine"}
    assert found.comparison.touched == {f"registry/{path}" for path in twin("mine")}


def test_disk_and_head_give_the_same(behind: Path) -> None:
    disk, head = compare(behind), compare(behind, head="topic")
    assert disk.changes == head.changes
    assert disk.problems == head.problems
    assert disk.merged.gallery == head.merged.gallery


def test_only_what_differs_is_read(registry: Make, commit: Save) -> None:
    root = registry({**MINIMAL, **twin("other"), **twin("third")})
    topic(root)
    commit(root, {f"{TINY}/README.md": (MINIMAL[f"{TINY}/README.md"] or "") + "\nMore.\n"})
    first = compare(root, head="topic")
    assert (first.base.parsed, first.merged.parsed) == (3, 1)
    again = compare(root, head="topic")
    assert (again.base.parsed, again.merged.parsed) == (0, 0)
    assert again.problems == first.problems
    assert again.changes == first.changes
    assert again.base.gallery == first.base.gallery
    assert again.base.problems == first.base.problems
    for identifier in ("acme/other", "acme/third"):
        assert again.merged.gallery.by_id[identifier] is again.base.gallery.by_id[identifier]


def test_what_is_proposed_keeps_the_provenance_of_base(registry: Make, commit: Save) -> None:
    root = registry()
    topic(root)
    commit(root, {f"{TINY}/README.md": "# Tiny\n", **twin("other")}, author="mallory", date="2020-01-01T00:00:00Z")
    found = compare(root, head="topic")
    before, after = (each.gallery.by_id["acme/tiny"].outline for each in (found.base, found.merged))
    assert (after.added, after.by, after.updated) == (before.added, before.by, before.updated)
    assert found.merged.gallery.by_id["acme/other"].outline.added is None


def test_what_base_has_wrong_too_is_a_note_unless_the_file_is_touched(registry: Make, commit: Save) -> None:
    root = registry({**MINIMAL, f"{TINY}/model.yaml": BAD})
    assert any(problem.severity is Severity.ERROR for problem in compare(root, merged="main").base.problems)
    topic(root)
    commit(root, twin("other"))
    found = compare(root, head="topic")
    assert set(codes(found, f"{TINY}/model.yaml").values()) == {Severity.NOTE}
    assert errors(found) == set()
    commit(root, {f"{TINY}/model.yaml": BAD.replace("A small", "A very small")})
    found = compare(root, head="topic")
    assert Severity.ERROR in codes(found, f"{TINY}/model.yaml").values()


def test_two_proposals_that_are_bad_together(registry: Make, commit: Save) -> None:
    root = registry()
    model = f"{TINY}/model.yaml"
    alias = (twin("one")["models/llm/acme/one/model.yaml"] or "") + "aliases: [acme/two]\n"
    topic(root, name="one")
    commit(root, {**twin("one"), model.replace("tiny", "one"): alias})
    topic(root, name="two")
    commit(root, twin("two"))
    assert errors(compare(root, head="one")) == set()
    assert errors(compare(root, head="two")) == set()
    git(root.parent, "switch", "-q", "main")
    git(root.parent, "merge", "-q", "--no-ff", "-m", "merge", "one")
    assert ("registry/models/llm/acme/one/model.yaml", "IDN005") in errors(compare(root, head="two"))


def test_a_conflict_names_the_paths_and_the_commands(registry: Make, commit: Save, run: Run) -> None:
    root = registry()
    card = f"{TINY}/README.md"
    topic(root)
    commit(root, {card: "# Mine\n"})
    git(root.parent, "switch", "-q", "main")
    commit(root, {card: "# Theirs\n"})
    with pytest.raises(ConflictError) as caught:
        compare(root, head="topic")
    assert caught.value.paths == (f"registry/{card}",)
    git(root.parent, "switch", "-q", "topic")
    with pytest.raises(ConflictError) as caught:
        compare(root)
    assert caught.value.paths == (f"registry/{card}",)
    git(root.parent, "update-ref", "refs/remotes/origin/main", "main")
    for words in (["--base", "origin/main"], ["--base", "origin/main", "--head", "topic"]):
        result = run("check", "-r", root, *words)
        assert result.exit_code == 1
        assert f"registry/{card}" in result.stderr
        assert "git fetch origin main\n  git merge origin/main" in result.stderr
    (root / card).write_text("# Theirs\n")  # as base has it: nothing is left to merge
    assert compare(root).comparison.touched == frozenset()


def test_governance_is_that_of_base(registry: Make, commit: Save) -> None:
    root = registry()
    topic(root)
    policy = "version: 1\nseverities: {TAX: off, OWN: off, GOV: off}\n"
    commit(root, {f"{TINY}/model.yaml": BAD, "policy.yaml": policy})
    found = compare(root, head="topic")
    assert (f"registry/{TINY}/model.yaml", "TAX001") in errors(found)
    assert found.merged.world.context.policy == found.base.governance.policy
    assert found.merged.foreign
    assert any(change.kind == "governance-changed" for change in found.changes)


def test_governance_that_breaks_the_registry_is_found_before_the_merge(registry: Make, commit: Save) -> None:
    root = registry()
    topic(root)
    commit(root.parent, {"schemas/types/llm.schema.json": retyped("boolean")})
    found = compare(root, head="topic")
    (problem,) = (each for each in found.problems if each.path == f"registry/{TINY}/1.0.0.yaml")
    assert (problem.code, problem.severity) == ("SCH005", Severity.ERROR)
    assert "by the rules of this pull request" in problem.message


def retyped(kind: str) -> str:
    """The schema of language models with another type for their context."""
    schema = json.loads((Path(__file__).parents[1] / "schemas/types/llm.schema.json").read_text())
    schema["properties"]["context_length"] = {"type": kind}
    return json.dumps(schema)


def test_a_schema_that_would_hide_an_error_hides_none(registry: Make, commit: Save) -> None:
    root = registry()
    release = f"{TINY}/1.0.0.yaml"
    wrong = (MINIMAL[release] or "").replace("context_length: 4096", "context_length: many")
    topic(root)
    commit(root.parent, {f"registry/{release}": wrong, "schemas/types/llm.schema.json": retyped("string")})
    found = compare(root, head="topic")
    assert (f"registry/{release}", "SCH005") in errors(found)
    assert "schemas/types/llm.schema.json" in found.comparison.touched


def test_a_self_made_owner_is_none(registry: Make, commit: Save) -> None:
    root = registry()
    roles = (MINIMAL["roles.yaml"] or "").replace("acme: [ada, bob]", "acme: [ada, bob, eve]")
    topic(root)
    commit(root, {"roles.yaml": roles, **twin("other")})
    found = compare(root, head="topic")
    assert found.merged.world.context.roles.groups["acme"] == ("ada", "bob")


def test_the_first_pull_request_governs_itself(registry: Make, commit: Save) -> None:
    root = registry()
    git(root.parent, "switch", "-q", "--orphan", "start")
    write(root.parent, {"README.md": "A gallery.\n"})
    git(root.parent, "add", "-A")
    git(root.parent, "commit", "-qm", "start")
    git(root.parent, "switch", "-q", "-c", "first")
    write(root, {path: text for path, text in MINIMAL.items() if text})
    disk = compare(root, base="start")
    commit(root, {})
    head = compare(root, base="start", head="first")
    for found in (disk, head):
        assert of_models(found.changes) == ("acme/tiny",)
        assert found.base.gallery.entries == ()
        assert (f"registry/{TINY}/model.yaml", "LIC001") not in errors(found)


def test_files_outside_of_the_registrys_folder(registry: Make, commit: Save) -> None:
    inner = registry().parent
    git(inner, "switch", "-q", "-c", "nested")
    (inner / "deep").mkdir()
    git(inner, "mv", "registry", "deep/registry")
    root = inner / "deep/registry"
    commit(root, {})
    git(inner, "switch", "-q", "-c", "topic")
    write(inner, {"Makefile": "all:\n", "deep/tool.py": "1\n"})
    assert compare(root, base="nested").comparison.touched == frozenset(), "git was not told of them: a build, a draft"
    git(inner, "add", "-A")
    assert compare(root, base="nested").comparison.touched == {"../Makefile", "tool.py"}
    git(inner, "commit", "-qm", "tools")
    assert compare(root, base="nested").comparison.touched == {"../Makefile", "tool.py"}
    assert compare(root, base="nested", head="topic").comparison.touched == {"../Makefile", "tool.py"}


def test_a_bare_repository(behind: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(behind.parent), "bare.git")
    found = comparing.compare(tmp_path / "bare.git", "registry", base="main", head="topic", now=NOW)
    assert of_models(found.changes) == ("acme/mine",)
    assert git(tmp_path / "bare.git", "for-each-ref", "--format=%(refname)") == "refs/heads/main\nrefs/heads/topic"


def test_unknown_revisions_and_strangers(registry: Make) -> None:
    root = registry()
    with pytest.raises(GitError, match="nowhere"):
        compare(root, base="nowhere")
    git(root.parent, "switch", "-q", "--orphan", "stranger")
    write(root, {path: text for path, text in MINIMAL.items() if text})
    with pytest.raises(GitError, match="nothing in common"):
        compare(root)


# -- the command


def test_check_with_a_base(behind: Path, run: Run, commit: Save) -> None:
    git(behind.parent, "update-ref", "refs/remotes/origin/main", "main")
    result = run("check", "-r", behind, "--base", "origin/main", "--now", NOW.isoformat())
    assert (result.exit_code, "3 models checked" in result.stderr) == (0, True), result.stdout
    commit(behind, {f"{TINY}/model.yaml": BAD})
    result = run("check", "-r", behind, "--base", "origin/main", "--head", "topic", "--format", "json")
    assert result.exit_code == 1
    assert "TAX001" in {problem["code"] for problem in json.loads(result.stdout)}


def test_check_mends_what_a_base_finds(behind: Path, run: Run) -> None:
    path = behind / TINY / "model.yaml"
    path.write_text((MINIMAL[f"{TINY}/model.yaml"] or "").replace("tags: [chat]", "tags: [chats]"))
    result = run("check", "-r", behind, "--base", "main", "--fix")
    assert result.exit_code == 0, result.stdout
    assert "tags: [chat]\n" in path.read_text()
    assert "mended" in result.stderr


def test_paths_limit_what_a_base_finds(behind: Path, run: Run, commit: Save) -> None:
    commit(behind, {f"{TINY}/model.yaml": BAD})
    words = ("check", "-r", behind, "--base", "main")
    assert run(*words, behind / TINY).exit_code == 1
    assert run(*words, behind / "models/llm/acme/mine").exit_code == 0
    assert run(*words, behind / "models/llm/acme/theirs").exit_code == 0  # only base has it
    assert run(*words, behind / "models/llm/acme/none").exit_code == 2


@pytest.mark.parametrize("words", [["--base", ""], ["--ledger", "none"], ["--base", "main", "--head", "main", "--fix"]])
def test_words_that_do_not_go_together(registry: Make, run: Run, words: list[str]) -> None:
    assert run("check", "-r", registry(), *words).exit_code == 2
