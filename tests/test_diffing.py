"""`diff`: what changes between two revisions, for people, programs and pages."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL, git
from terminals import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result

    Make = Callable[..., Path]
    Run = Callable[..., Result]
    Commit = Callable[..., str]

TINY = "models/llm/acme/tiny"
MODEL = f"{MINIMAL[f'{TINY}/model.yaml']}"
RELEASE = f"{MINIMAL[f'{TINY}/1.0.0.yaml']}"
CHANGED = {
    f"{TINY}/model.yaml": MODEL.replace("Apache-2.0", "MIT"),
    f"{TINY}/1.1.0.yaml": RELEASE.replace("First release.", "Better.").replace("4096", "8192"),
}


@pytest.fixture
def folder(registry: Make, commit: Commit) -> Path:
    """Two commits; the second one is the branch `next`."""
    made = registry()
    git(made.parent, "switch", "-q", "-c", "next")
    commit(made, CHANGED)
    return made


def test_two_revisions(folder: Path, run: Run) -> None:
    done = run("diff", "main", "next", cwd=folder.parent)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == "acme/tiny  llm\n  ! licence Apache-2.0 → MIT\n  + release 1.1.0 added\n"
    assert done.stderr == "2 changes in 1 model\n"


def test_files_on_disk(folder: Path, run: Run) -> None:
    (folder / TINY / "README.md").write_text("# Other\n")
    assert "card changed" in run("diff", "main", cwd=folder.parent).stdout
    assert run("diff", "next", cwd=folder.parent).stdout == "acme/tiny  llm\n  ~ card changed\n"


def test_no_changes(folder: Path, run: Run) -> None:
    for form, text in (("text", "no changes\n"), ("json", "[]\n"), ("markdown", "No changes.\n")):
        done = run("diff", "next", "next", "--format", form, cwd=folder.parent)
        assert (done.exit_code, done.stdout) == (0, text)


def test_a_branch_that_is_behind_undoes_nothing(folder: Path, run: Run) -> None:
    assert run("diff", "next", "main", cwd=folder.parent).stdout == "no changes\n"
    direct = run("diff", "next", "main", "--direct", cwd=folder.parent).stdout
    assert "licence MIT → Apache-2.0" in direct
    assert "release 1.1.0 removed" in direct
    assert run("diff", "next", "--direct", cwd=folder.parent).exit_code == 2


def test_json_is_the_contract(folder: Path, run: Run) -> None:
    rows = json.loads(run("diff", "main", "next", "--format", "json", cwd=folder.parent).stdout)
    assert rows[0] == {
        "subject": "acme/tiny",
        "kind": "licence-changed",
        "field": "license",
        "before": "Apache-2.0",
        "after": "MIT",
        "path": f"{TINY}/model.yaml",
        "line": 3,
        "type": "llm",
        "visibility": "public",
        "edition": "community",
    }
    assert [row["kind"] for row in rows] == ["licence-changed", "release-added"]
    assert rows[1]["after"]["bytes"] == 2_000_000_000


def test_lines_are_those_of_the_merged_file(folder: Path, run: Run, commit: Commit) -> None:
    head = {f"{TINY}/1.1.0.yaml": RELEASE.replace("4096", "8192"), "policy.yaml": "version: 1\nlimits: {models: 3}\n"}
    commit(folder, head)
    rows = json.loads(run("diff", "next~1", "next", "--direct", "--format", "json", cwd=folder.parent).stdout)
    told = {(row["subject"], row.get("field", "")): row.get("line") for row in rows}
    assert told["registry/policy.yaml", "limits.models"] == 2
    rows = json.loads(run("diff", "main", "next", "--format", "json", cwd=folder.parent).stdout)
    assert {row["kind"] for row in rows} == {"licence-changed", "release-added", "governance-changed"}


def test_what_is_gone_has_no_line(folder: Path, run: Run) -> None:
    rows = json.loads(run("diff", "next", "main", "--direct", "--format", "json", cwd=folder.parent).stdout)
    (gone,) = (row for row in rows if row["kind"] == "release-removed")
    assert "line" not in gone
    assert gone["path"] == f"{TINY}/1.1.0.yaml"


HOSTILE = (
    'title: "@acme/team ![x](https://evil.example/x.png) <img src=x> <!-- galleryctl:1 --> [a](javascript:x) \\u202e"\n'
)


def test_markdown_holds_no_markup_of_strangers(folder: Path, run: Run) -> None:
    (folder / TINY / "model.yaml").write_text(MODEL.replace("title: Tiny\n", HOSTILE.replace(" <!--", "\\n<!--")))
    text = run("diff", "next", "--format", "markdown", cwd=folder.parent).stdout
    assert text.startswith("**`acme/tiny`** llm\n")
    assert not re.search(r"@\w|!\[|<img|<!--|\]\(|\u202e", text)
    assert len(text.splitlines()) == 4, text


def test_hostile_texts_on_a_terminal(folder: Path, run: Run) -> None:
    (folder / TINY / "model.yaml").write_text(MODEL.replace("title: Tiny\n", 'title: "a\\e[2Jb\\u202ec"\n'))
    text = run("diff", "next", cwd=folder.parent).stdout
    assert "Tiny → a\\x1b[2Jb\\u202ec" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_lines_fit_a_terminal(folder: Path, columns: int) -> None:
    long = "https://acme.example/a/very/long/address/of/a/licence"
    (folder / TINY / "model.yaml").write_text(f"{MODEL}license_url: {long}\n")
    screen = Terminal("diff", "main", cwd=folder.parent, columns=columns)
    assert screen.ended() == 0, screen.text
    lines = re.sub(r"\x1b\[[0-9;]*m", "", screen.text).replace("\r", "").splitlines()
    assert max(map(len, lines)) <= columns
    assert "\x1b[32m+" in screen.text
    assert lines[0].startswith("acme/tiny  llm")


def test_effects_are_told_beside_the_changes(folder: Path, run: Run, commit: Commit) -> None:
    git(folder.parent, "switch", "-q", "main")
    pins = "title: Chat\nowners: [ada]\npins:\n  - {model: acme/tiny}\n"
    commit(folder, {"gallery.yaml": f"{MINIMAL['gallery.yaml']}runtimes: [xinference]\n", "consumers/chat.yaml": pins})
    text = run("diff", "main", "next", "--effects", cwd=folder.parent).stdout
    assert "Runtimes\n  ~ xinference: acme/tiny changed: " in text
    assert "Services\n  ~ chat: acme/tiny (newest) 1.0.0 → 1.1.0\n" in text
    shown = run("diff", "main", "next", "--effects", "--format", "markdown", cwd=folder.parent).stdout
    assert "**Services**\n\n- chat: acme/tiny (newest) 1.0.0 → 1.1.0\n" in shown
    found = json.loads(run("diff", "main", "next", "--effects", "--format", "json", cwd=folder.parent).stdout)
    assert [hit["fate"] for hit in found["effects"]["hits"]] == ["moved"]
    assert len(found["changes"]) == 2


@pytest.mark.parametrize("roles", ["groups: [", "version: 1\ngroups: 3\n"])
def test_governance_that_cannot_be_read_is_a_file_that_changed(
    registry: Make, commit: Commit, run: Run, roles: str
) -> None:
    """Nobody is said to lose sight of a model because the file of the groups is broken."""
    narrow = f"{MODEL}visibility: restricted\nallowed: [acme]\n"
    folder = registry({"policy.yaml": "version: 1\nrepository: private\n", f"{TINY}/model.yaml": narrow})
    commit(folder, {"roles.yaml": roles})
    assert run("diff", "HEAD~1", "HEAD", cwd=folder.parent).stdout == "registry/roles.yaml\n  ! changed\n"


def test_unknown_revisions_and_empty_ones(folder: Path, run: Run) -> None:
    assert run("diff", "nowhere", cwd=folder.parent).exit_code == 3
    assert run("diff", "", cwd=folder.parent).exit_code == 2
    assert run("diff", cwd=folder.parent).exit_code == 2
