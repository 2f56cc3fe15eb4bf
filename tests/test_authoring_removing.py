"""Removal: everything that goes and the tombstone that stays, all of it or nothing, whatever stops it."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL, git, write
from galleryctl.authoring import arriving
from test_authoring_arriving import arrivals, contents, killed
from test_life_commands import HELPDESK, NOW, TINY, WHOLE, other

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Files, Result

    Make = Callable[..., Path]
    Run = Callable[..., Result]
    Commit = Callable[..., str]

STONE = "removed/acme/tiny.yaml"
WITH_TEMPLATE: Files = {**WHOLE, f"{TINY}/1.1.0.jinja": "{{ x }}\n", f"{TINY}/1.1.0.vllm.jinja": "{{ y }}\n"}


def remove(run: Run, folder: Path, *words: str) -> Result:
    return run("remove", *words, "--yes", "--registry", folder, "--now", NOW)


def errors(run: Run, folder: Path) -> list[str]:
    done = run("check", "--registry", folder, "--now", NOW, "--format", "json")
    return [each["code"] for each in json.loads(done.stdout) if each["severity"] == "error"]


# -- a model


def test_a_model_goes_with_all_its_releases_and_its_tombstone_names_them(run: Run, registry: Make) -> None:
    folder = registry({**WITH_TEMPLATE, f"{TINY}/1.2.0.yaml": WHOLE[f"{TINY}/1.1.0.yaml"]})
    done = remove(run, folder, "acme/tiny", "--reason", "The licence was withdrawn.", "--successor", "acme/bigger")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == [f"registry/{TINY}", f"registry/{STONE}"]
    assert not (folder / TINY).exists()
    assert (folder / STONE).read_text().replace('"', "") == (
        "type: llm\nreason: The licence was withdrawn.\nsince: 2026-01-02\nreleases: [1.0.0, 1.1.0, 1.2.0]\n"
        "successor: acme/bigger\nstatus: active\n"
    )
    assert "3 releases go: 1.2.0, 1.1.0, 1.0.0." in done.stderr
    assert "This cannot be undone: the id acme/tiny never comes back" in done.stderr
    assert "galleryctl discontinue acme/tiny. That is usually meant." in done.stderr
    assert errors(run, folder) == []
    assert not (folder.parent / ".registry.galleryctl-work").exists()


def test_the_id_never_comes_back(run: Run, registry: Make) -> None:
    folder = registry(WHOLE)
    remove(run, folder, "acme/tiny", "--reason", "Rights.")
    write(folder, {path: text for path, text in {**MINIMAL, **WHOLE}.items() if path.startswith(TINY)})
    assert errors(run, folder) == ["IDN003"]
    done = run("new", "llm", "acme/tiny", "--yes", "--registry", folder)
    assert done.exit_code == 2


def test_who_refers_is_named_with_whose_consent_is_needed(run: Run, registry: Make) -> None:
    folder = registry({**WHOLE, **other("heir", "base_models: [acme/tiny]\n"), "consumers/helpdesk.yaml": HELPDESK})
    done = remove(run, folder, "acme/tiny", "--reason", "Rights.")
    assert done.exit_code == 0
    assert "needs the consent of the owners of acme/heir (acme), helpdesk (bob) (LIF006)" in done.stderr
    assert "Checks fail until this is mended in the same pull request:" in done.stderr
    assert errors(run, folder) == ["REF004", "REF001"]


def test_an_earlier_tombstone_is_kept_and_grows(run: Run, registry: Make) -> None:
    stone = "# why\ntype: llm\nreason: Broken.  # said\nsince: 2025-06-01\nreleases: [0.9.0]\nwhole: false\n"
    folder = registry({**WHOLE, STONE: stone})
    assert remove(run, folder, "acme/tiny@1.0.0", "--reason", "Wrong.").exit_code == 0
    assert (folder / STONE).read_text().replace('"', "") == stone.replace(
        "Broken.  #", "Broken. 1.0.0: Wrong.  #"
    ).replace("2025-06-01", "2026-01-02").replace("[0.9.0]", "[0.9.0, 1.0.0]")
    assert remove(run, folder, "acme/tiny", "--reason", "Rights.").exit_code == 0
    text = (folder / STONE).read_text()
    assert "whole" not in text
    assert "releases: [0.9.0, 1.0.0, 1.1.0]\n" in text
    assert text.startswith("# why\n")
    assert errors(run, folder) == []


def test_a_note_is_for_the_reviewers_and_not_published(run: Run, registry: Make) -> None:
    folder = registry(WHOLE)
    assert remove(run, folder, "acme/tiny", "--reason", "Rights.", "--note", "Letter of the lawyers.").exit_code == 0
    assert "lawyers" not in (folder / STONE).read_text()


# -- a release


def test_a_release_goes_with_its_templates(run: Run, registry: Make) -> None:
    folder = registry(WITH_TEMPLATE)
    done = remove(run, folder, "acme/tiny@1.1.0", "--reason", "A slip.")
    assert done.exit_code == 0, done.stderr
    assert sorted(git(folder.parent, "status", "--short", "-uall").splitlines()) == [
        " D registry/models/llm/acme/tiny/1.1.0.jinja",
        " D registry/models/llm/acme/tiny/1.1.0.vllm.jinja",
        " D registry/models/llm/acme/tiny/1.1.0.yaml",
        f"?? registry/{STONE}",
    ]
    assert "whole: false\n" in (folder / STONE).read_text()
    assert "The newest release: 1.1.0 → 1.0.0." in done.stderr
    assert "Pins of acme/tiny@1.1.0 are refused from then on" in done.stderr
    assert errors(run, folder) == []
    assert run("release", "acme/tiny", "1.1.0", "--offline", "--registry", folder).exit_code == 2


def test_the_last_release_in_use_is_not_removed_alone(run: Run, registry: Make) -> None:
    folder = registry()
    done = remove(run, folder, "acme/tiny@1.0.0", "--reason", "x")
    assert done.exit_code == 2
    assert "no active or deprecated release left (LIF003): remove the model instead" in done.stderr


def test_what_was_never_committed_leaves_no_tombstone(run: Run, registry: Make) -> None:
    folder = registry(WHOLE)
    write(folder, {f"{TINY}/1.2.0.yaml": WHOLE[f"{TINY}/1.1.0.yaml"], **other("draft")})
    done = remove(run, folder, "acme/tiny@1.2.0", "--reason", "A draft.")
    assert "it was never published: no tombstone is written" in done.stderr
    assert remove(run, folder, "acme/draft", "--reason", "A draft.").exit_code == 0
    assert git(folder.parent, "status", "--short") == ""


def test_what_no_commit_has_is_named(run: Run, registry: Make) -> None:
    folder = registry(WHOLE)
    write(folder, {f"{TINY}/README.md": "# Tiny\n\nMore.\n"})
    done = remove(run, folder, "acme/tiny", "--reason", "Rights.")
    assert f"What no commit has is lost: registry/{TINY}/README.md." in done.stderr


def test_files_that_git_ignores_are_not_deleted(run: Run, registry: Make) -> None:
    folder = registry(WHOLE)
    write(folder.parent, {".gitignore": "*.gguf\n"})
    write(folder, {f"{TINY}/weights.gguf": "mine\n"})
    done = remove(run, folder, "acme/tiny", "--reason", "Rights.")
    assert done.exit_code == 2
    assert f"registry/{TINY}/weights.gguf is no part of the registry: move it away first" in done.stderr
    assert (folder / TINY / "model.yaml").exists()


def test_outside_git_everything_counts_as_published(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "registry", {**MINIMAL, **WHOLE})
    assert remove(run, tmp_path / "registry", "acme/tiny", "--reason", "Rights.").exit_code == 0
    assert "releases: [1.0.0, 1.1.0]\n" in (tmp_path / "registry" / STONE).read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("acme/tiny",), "a reason is missing (LIF002)"),
        (("acme/tiny@9.0.0", "--reason", "x"), "acme/tiny has no release 9.0.0"),
        (("acme/tyni", "--reason", "x"), "did you mean acme/tiny"),
        (("acme/tiny", "--reason", "x", "--successor", "acme/tiny"), "cannot be its own successor"),
        (("acme/tiny", "--reason", "x", "--successor", "acme/none"), "there is no model acme/none"),
    ],
)
def test_what_is_refused_changes_nothing(run: Run, registry: Make, words: tuple[str, ...], said: str) -> None:
    folder = registry(WHOLE)
    done = remove(run, folder, *words)
    assert (done.exit_code, said in done.stderr) == (2, True)
    assert git(folder.parent, "status", "--short") == ""


def test_without_a_terminal_it_wants_yes(run: Run, registry: Make) -> None:
    folder = registry(WHOLE)
    done = run("remove", "acme/tiny", "--reason", "x", "--registry", folder)
    assert (done.exit_code, "add --yes" in done.stderr) == (2, True)
    assert git(folder.parent, "status", "--short") == ""


# -- whatever stops it

STOPPED = """
import datetime as dt, os, signal, sys
from pathlib import Path
from galleryctl import authoring
real, left = Path.{of}, [{after}]
plan = authoring.remove(Path(sys.argv[1]), {what!r}, reason="Rights.", now=dt.datetime(2026, 1, 2, tzinfo=dt.UTC))
def counted(*words, **options):
    if not left[0]:
        os.kill(os.getpid(), signal.{signal})
    left[0] -= 1
    return real(*words, **options)
Path.{of} = counted
plan.carry_out()
"""
POINTS = [*[("rename", after) for after in range(4)], ("unlink", 0)]


def stopped(folder: Path, what: str, *, of: str, after: int, by: str = "SIGKILL") -> int:
    code = STOPPED.format(of=of, after=after, signal=by, what=what)
    return subprocess.run([sys.executable, "-c", code, str(folder)], check=False, capture_output=True).returncode


@pytest.mark.parametrize(("of", "after"), POINTS)
def test_what_a_killed_removal_left_is_undone_by_the_next_run(run: Run, registry: Make, of: str, after: int) -> None:
    stone = "type: llm\nreason: Broken.\nsince: 2025-06-01\nreleases: [0.9.0]\nwhole: false\n"
    folder = registry({**WITH_TEMPLATE, STONE: stone})
    before = contents(folder.parent)
    assert stopped(folder, "acme/tiny@1.1.0", of=of, after=after) == -signal.SIGKILL
    arriving.undo(folder)
    assert contents(folder.parent) == before
    assert remove(run, folder, "acme/tiny@1.1.0", "--reason", "Rights.").exit_code == 0
    assert errors(run, folder) == []


@pytest.mark.parametrize(("of", "after"), [("rename", 0), ("rename", 1), ("unlink", 0)])
def test_a_whole_model_comes_back_too(run: Run, registry: Make, of: str, after: int) -> None:
    folder = registry(WITH_TEMPLATE)
    before = contents(folder.parent)
    assert stopped(folder, "acme/tiny", of=of, after=after) == -signal.SIGKILL
    assert remove(run, folder, "acme/bigger", "--reason", "Another.").exit_code == 0, "the next run undoes it first"
    after_ = contents(folder.parent)
    assert {path for path in before if path not in after_} == {
        path for path in before if path.startswith("registry/models/llm/acme/bigger/")
    }
    assert {path for path in after_ if path not in before} == {"registry/removed/acme/bigger.yaml"}


def test_something_was_moved_when_the_removal_was_killed(registry: Make) -> None:
    """Else the tests above would show nothing."""
    folder = registry(WHOLE)
    stopped(folder, "acme/tiny", of="rename", after=1)
    assert not (folder / TINY).exists()
    assert not (folder / STONE).exists()


def test_an_interrupt_waits_until_it_is_done(registry: Make) -> None:
    folder = registry(WHOLE)
    assert stopped(folder, "acme/tiny", of="rename", after=1, by="SIGINT") != 0
    assert not (folder / TINY).exists()
    assert (folder / STONE).exists()
    assert not (folder.parent / ".registry.galleryctl-work").exists()


def test_a_failure_in_the_middle_is_undone(run: Run, registry: Make) -> None:
    folder = registry(WHOLE)
    (folder / "removed").write_text("in the way\n")
    before = contents(folder.parent)
    done = remove(run, folder, "acme/tiny", "--reason", "Rights.")
    assert done.exit_code == 3
    assert "nothing was changed" in done.stderr
    assert contents(folder.parent) == before


def test_what_a_killed_import_left_is_undone_by_a_removal(run: Run, registry: Make) -> None:
    folder = registry(WHOLE)
    assert killed(folder, of="Path.rename", after=3) == -signal.SIGKILL
    assert remove(run, folder, "acme/tiny", "--reason", "Rights.").exit_code == 0
    assert not (folder / "models/llm/globex").exists()


def test_an_import_undoes_what_a_killed_removal_left(registry: Make) -> None:
    folder = registry(WHOLE)
    stopped(folder, "acme/tiny", of="rename", after=1)
    arriving.arrive(folder, arrivals(1), {})
    assert (folder / TINY / "1.1.0.yaml").exists()


def test_a_tombstone_that_was_committed_after_the_kill_stays(registry: Make) -> None:
    folder = registry(WHOLE)
    stopped(folder, "acme/tiny", of="unlink", after=0)
    git(folder.parent, "add", "registry/removed")
    git(folder.parent, "commit", "-qm", "removed")
    arriving.undo(folder)
    assert (folder / STONE).exists()


# -- a repository of strangers


@pytest.mark.parametrize("target", ["../outside.txt", "roles.yaml", "models/llm/out/tiny", "removed/../roles.yaml"])
def test_a_journal_that_came_with_a_repository_moves_nothing(registry: Make, target: str) -> None:
    folder = registry()
    outside = folder.parent.parent / "outside"
    outside.mkdir()
    (folder / "models/llm/out").symlink_to(outside)
    work = folder.parent / ".registry.galleryctl-work"
    (work / "taken").mkdir(parents=True)
    (work / "taken/0").write_text("planted\n")
    digest = hashlib.sha256((folder / "roles.yaml").read_bytes()).hexdigest()
    (work / "journal.json").write_text(json.dumps({"taken": [target], "written": {"roles.yaml": digest}}))
    before = {path: data for path, data in contents(folder.parent.parent).items() if "galleryctl-work" not in path}
    arriving.undo(folder)
    assert contents(folder.parent.parent) == before


@pytest.mark.parametrize(
    "journal", [{"taken": 1, "written": {}}, {"taken": [1], "written": {}}, {"taken": [], "written": []}]
)
def test_a_journal_that_is_none_stops_nothing(registry: Make, journal: object) -> None:
    folder = registry()
    work = folder.parent / ".registry.galleryctl-work"
    work.mkdir()
    (work / "journal.json").write_text(json.dumps(journal))
    arriving.undo(folder)
    assert not work.exists()


def test_a_folder_that_is_a_link_is_not_followed(run: Run, registry: Make) -> None:
    folder = registry(WHOLE)
    elsewhere = folder.parent.parent / "elsewhere"
    elsewhere.mkdir()
    (folder / "removed").symlink_to(elsewhere)
    done = remove(run, folder, "acme/tiny", "--reason", "Rights.")
    assert (done.exit_code, "is a symbolic link: nothing was changed" in done.stderr) == (3, True)
    assert list(elsewhere.iterdir()) == []
    assert (folder / TINY / "model.yaml").exists()
