"""`submit` and `status`: real git on both sides, and a forge that answers over HTTP."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL
from forges.accounts import ADA, MALLORY, ROBOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result
    from forges.accounts import Account
    from forges.server import Server

MODEL = "models/llm/acme/tiny/model.yaml"


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def cloned(forge_server: Server, tmp_path: Path) -> Path:
    """A clone of the forge's repository, which holds a registry."""
    files = {f"registry/{path}": text.encode() for path, text in MINIMAL.items() if text is not None}
    settings = files["registry/gallery.yaml"].replace(
        b"https://github.com/acme/gallery", b"https://forge.example/acme/gallery"
    )
    forge_server.push("main", files | {"registry/gallery.yaml": settings})
    return forge_server.clone(tmp_path / "clone")


@pytest.fixture
def submit(
    forge_server: Server, cloned: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    monkeypatch.setenv("GITHUB_API_URL", forge_server.url)

    def call(*words: str, by: Account = ADA) -> Result:
        monkeypatch.setenv("GALLERYCTL_TOKEN", by.token)
        done = run(*words, cwd=cloned)
        assert by.token not in done.stdout + done.stderr
        return done

    return call


def edited(cloned: Path, what: str = "summary: A small chat model for tests.", by: str = "summary: Another.") -> None:
    path = cloned / "registry" / MODEL
    path.write_text(path.read_text().replace(what, by))


def test_what_differs_becomes_a_pull_request(submit: Callable[..., Result], cloned: Path, forge_server: Server) -> None:
    edited(cloned)
    (cloned / "notes.txt").write_text("mine\n")
    done = submit("submit", "--why", "It was wrong.")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith(forge_server.url) or "/pull/1" in done.stdout
    (pull,) = forge_server.forge(ADA).pulls()
    assert pull.title.startswith("acme/tiny: summary ")
    assert pull.base == "main"
    assert pull.repository == "acme/gallery"
    assert "It was wrong." in pull.body
    assert "`acme/tiny`" in pull.body
    assert "- [x] `galleryctl check --base origin/main` finds nothing" in pull.body
    assert git(cloned, "rev-parse", "HEAD") == pull.head
    assert git(cloned, "branch", "--show-current") == pull.branch
    assert "Signed-off-by: Ada <ada@acme.example>" in git(cloned, "log", "-1", "--format=%B")
    assert git(cloned, "diff", "--name-only", "origin/main..HEAD").split() == [f"registry/{MODEL}"]
    assert git(cloned, "status", "--porcelain") == "?? notes.txt", "what is not of the registry is left alone"
    assert "types/llm/" in done.stderr


def test_again_updates_the_open_one(submit: Callable[..., Result], cloned: Path, forge_server: Server) -> None:
    edited(cloned)
    submit("submit")
    (before,) = forge_server.forge(ADA).pulls()
    forge_server.forge(ADA).update(before.number, body=before.body + "\nA word of mine.\n")
    edited(cloned, "tags: [chat]", "tags: [chat, reasoning]")
    done = submit("submit")
    assert done.exit_code == 0, done.stderr
    (pull,) = forge_server.forge(ADA).pulls()
    assert pull.number == before.number
    assert pull.head != before.head
    assert git(cloned, "rev-parse", f"{pull.head}^") == before.head
    assert "tags" in pull.body
    assert "A word of mine." in pull.body
    again = submit("submit")
    assert again.exit_code == 0, again.stderr
    assert next(iter(forge_server.forge(ADA).pulls())).head == pull.head


def test_a_title_follows_the_changes_unless_somebody_wrote_it(
    submit: Callable[..., Result], cloned: Path, forge_server: Server
) -> None:
    edited(cloned)
    submit("submit")
    edited(cloned, "summary: Another.", "summary: A third.")
    submit("submit")
    (pull,) = forge_server.forge(ADA).pulls()
    assert pull.title.endswith("A third.")
    submit("submit", "--title", "Mine")
    edited(cloned, "summary: A third.", "summary: A fourth.")
    submit("submit")
    (pull,) = forge_server.forge(ADA).pulls()
    assert (pull.title, "A fourth." in pull.body) == ("Mine", True)


def told(said: str) -> list[str]:
    """Commands that a message names."""
    return [line.strip() for line in said.splitlines() if line.startswith("  git ")]


def test_after_the_merge_the_same_file_is_changed_again(
    submit: Callable[..., Result], cloned: Path, forge_server: Server
) -> None:
    edited(cloned)
    submit("submit", by=MALLORY)
    forge_server.state.merge(forge_server.state.threads[1])
    edited(cloned, "summary: Another.", "summary: A third.")
    done = submit("submit", by=MALLORY)
    assert (done.exit_code, "main changed the same files" in done.stderr) == (1, True)
    assert "in it already" in done.stderr
    (command,) = told(done.stderr)
    git(cloned, *command.split()[1:])
    done = submit("submit", by=MALLORY)
    assert done.exit_code == 0, done.stderr
    (pull,) = forge_server.forge(ADA).pulls()
    assert "Another. → A third." in pull.title


def test_others_changed_the_same_file(submit: Callable[..., Result], cloned: Path, forge_server: Server) -> None:
    model = cloned / "registry" / MODEL
    edited(cloned)
    submit("submit")
    edited(cloned, "summary: Another.", "summary: A third.")
    theirs = model.read_bytes().replace(b"A third.", b"Theirs.")
    forge_server.push("main", {f"registry/{MODEL}": theirs})
    done = submit("submit")
    assert (done.exit_code, "main changed the same files" in done.stderr) == (1, True)
    *before, add, commit = told(done.stderr)
    subprocess.run(["bash", "-c", "\n".join(before)], cwd=cloned, check=False, capture_output=True)
    assert "<<<<<<<" in model.read_text()
    model.write_bytes(theirs.replace(b"Theirs.", b"Ours."))
    subprocess.run(["bash", "-c", f"{add}\n{commit}"], cwd=cloned, check=True, capture_output=True)
    done = submit("submit")
    assert done.exit_code == 0, done.stderr


def test_others_changed_a_file_that_is_not_committed_here(
    submit: Callable[..., Result], cloned: Path, forge_server: Server
) -> None:
    model = cloned / "registry" / MODEL
    theirs = model.read_bytes().replace(b"A small chat model for tests.", b"Theirs.")
    forge_server.push("main", {f"registry/{MODEL}": theirs})
    edited(cloned)
    (command,) = told(submit("submit").stderr)
    subprocess.run(["bash", "-c", command], cwd=cloned, check=False, capture_output=True)
    assert "<<<<<<<" in model.read_text()
    model.write_bytes(theirs.replace(b"Theirs.", b"Ours."))
    done = submit("submit")
    assert done.exit_code == 0, done.stderr


def test_who_may_not_push_goes_through_a_fork(
    submit: Callable[..., Result], cloned: Path, forge_server: Server
) -> None:
    edited(cloned)
    done = submit("submit", by=MALLORY)
    assert done.exit_code == 0, done.stderr
    (pull,) = forge_server.forge(ADA).pulls()
    assert pull.repository == "mallory/gallery"
    assert pull.author.login == "mallory"
    assert not [
        name for name in git(forge_server.path, "for-each-ref", "refs/heads/").split("\n") if "gallery/" in name
    ]
    edited(cloned, "summary: Another.", "summary: A third.")
    assert submit("submit", by=MALLORY).exit_code == 0
    (again,) = forge_server.forge(ADA).pulls()
    assert again.number == pull.number
    assert again.head != pull.head


def test_errors_stop_it_unless_it_is_a_draft(submit: Callable[..., Result], cloned: Path, forge_server: Server) -> None:
    edited(cloned, "license: Apache-2.0", "license: apache two")
    done = submit("submit")
    assert done.exit_code == 1
    assert "LIC002" in done.stderr
    assert list(forge_server.forge(ADA).pulls()) == []
    assert git(cloned, "branch", "--show-current") == "main", "nothing was committed"
    assert submit("submit", "--draft").exit_code == 0
    (pull,) = forge_server.forge(ADA).pulls()
    assert pull.draft
    assert "- [ ] `galleryctl check" in pull.body


@pytest.mark.parametrize(
    "title", [f"acme/tiny: {'x' * 39}. More.", "See ... here", "Ends in .lock", "Cut it.lock", "改"]
)
def test_a_branch_has_a_name_that_git_takes(
    submit: Callable[..., Result], cloned: Path, forge_server: Server, title: str
) -> None:
    """Titles repeat what people write: full stops, and where they are cut is chance."""
    edited(cloned)
    done = submit("submit", "--title", title)
    assert done.exit_code == 0, done.stderr
    (pull,) = forge_server.forge(ADA).pulls()
    assert pull.branch.startswith("gallery/")


def test_a_title_says_what_is_done_before_why(submit: Callable[..., Result], forge_server: Server) -> None:
    submit("withdraw", "acme/tiny", "--reason", "A long story that does not fit into a line of anything at all.")
    submit("submit")
    (pull,) = forge_server.forge(ADA).pulls()
    assert pull.title == "acme/tiny: withdrawn from lists"


def test_nothing_to_hand_in_is_said(submit: Callable[..., Result]) -> None:
    done = submit("submit")
    assert done.exit_code == 2
    assert "nothing differs from main" in done.stderr


def test_a_dry_run_changes_nothing(submit: Callable[..., Result], cloned: Path, forge_server: Server) -> None:
    edited(cloned)
    done = submit("submit", "--dry-run")
    assert done.exit_code == 0
    assert "acme/tiny: summary" in done.stderr
    assert git(cloned, "branch", "--show-current") == "main"
    assert list(forge_server.forge(ADA).pulls()) == []


def test_paths_limit_what_is_committed(submit: Callable[..., Result], cloned: Path, forge_server: Server) -> None:
    edited(cloned)
    path = cloned / "registry/models/llm/acme/tiny/README.md"
    path.write_text(path.read_text() + "\nMore.\n")
    assert submit("submit", f"registry/{MODEL}").exit_code == 0
    (pull,) = forge_server.forge(ADA).pulls()
    assert git(cloned, "diff", "--name-only", f"origin/main..{pull.head}") == f"registry/{MODEL}"
    assert submit("submit", "notes.txt").exit_code == 2


def test_a_branch_of_ones_own_is_gone_on_with(
    submit: Callable[..., Result], cloned: Path, forge_server: Server
) -> None:
    git(cloned, "switch", "--quiet", "--create", "mine")
    edited(cloned)
    assert submit("submit", "--title", "My title").exit_code == 0
    (pull,) = forge_server.forge(ADA).pulls()
    assert (pull.branch, pull.title) == ("mine", "My title")


def test_somebody_elses_commits_on_the_branch_are_not_lost(
    submit: Callable[..., Result], cloned: Path, forge_server: Server
) -> None:
    edited(cloned)
    submit("submit")
    (pull,) = forge_server.forge(ADA).pulls()
    theirs = forge_server.push(pull.branch, {"registry/models/llm/acme/tiny/README.md": b"# Tiny\n"})
    edited(cloned, "summary: Another.", "summary: A third.")
    done = submit("submit")
    assert done.exit_code == 3
    assert "git fetch" in done.stderr
    assert git(forge_server.path, "rev-parse", pull.branch) == theirs
    git(cloned, "commit", "--quiet", "--amend", "--message", "anew")
    assert submit("submit").exit_code == 3
    assert submit("submit", "--replace").exit_code == 0
    assert git(forge_server.path, "rev-parse", pull.branch) == git(cloned, "rev-parse", "HEAD")


def test_agreements_are_accepted_by_name(submit: Callable[..., Result], cloned: Path, forge_server: Server) -> None:
    policy = b"version: 1\nagreements: {publishing: 2, service: 1}\n"
    forge_server.push("main", {"registry/policy.yaml": policy})
    git(cloned, "pull", "--quiet")
    submit("release", "acme/tiny", "--bump", "minor", "--notes", "More.", "--offline")
    assert submit("submit").exit_code == 1
    done = submit("submit", "--accept")
    assert "the publishing agreement, version 2 and the service agreement, version 1, for acme/tiny" in done.stderr
    assert done.exit_code == 0, done.stderr
    text = (cloned / "registry" / MODEL).read_text()
    assert re.search(r"publishing: 2", text)
    (pull,) = forge_server.forge(ADA).pulls()
    assert "- [x] I may publish this" in pull.body


def test_without_a_token_it_is_said_which_is_wanted(cloned: Path, run: Callable[..., Result]) -> None:
    edited(cloned)
    done = run("submit", cwd=cloned)
    assert done.exit_code == 2
    assert "GALLERYCTL_TOKEN" in done.stderr


def test_status_shows_what_the_verdict_said(submit: Callable[..., Result], cloned: Path, forge_server: Server) -> None:
    edited(cloned)
    submit("submit")
    assert "not judged yet" in submit("status").stdout
    (pull,) = forge_server.forge(ADA).pulls()
    robot = forge_server.forge(ROBOT)
    robot.mark(pull.head, "galleryctl/verdict", "pending", "one approval of bob is missing")
    robot.label(pull.number, {"turn/owner": "d", "lane/manual": "d", "fail/LIC005": "d"})
    robot.comment(pull.number, "<!-- galleryctl:1 -->\n### Waiting for an owner")
    shown = submit("status").stdout
    for part in (pull.title[:20], "pending: one approval of bob is missing", "turn: owner", "LIC005", "#issuecomment-"):
        assert part in shown
    assert '"turn": "owner"' in submit("status", str(pull.number), "--format", "json").stdout
    assert "no open pull request" in submit("status", by=MALLORY).stderr


def test_a_step_of_life_is_handed_in_at_once(submit: Callable[..., Result], cloned: Path, forge_server: Server) -> None:
    (cloned / "review.json").write_text("[]")  # what a build leaves beside the registry is nobody's proposal
    done = submit("withdraw", "acme/tiny", "--reason", "Its card is being rewritten.", "--submit")
    assert done.exit_code == 0, done.stderr
    (pull,) = forge_server.forge(ADA).pulls()
    assert pull.title == "Withdraw acme/tiny: Its card is being rewritten."
    assert "It leaves lists" in pull.body
    git(cloned, "switch", "--quiet", "main")
    assert submit("edit", "acme/tiny", "tags+=reasoning", "--submit").exit_code == 0
    git(cloned, "switch", "--quiet", "main")
    assert submit("release", "acme/tiny", "--bump", "minor", "--notes", "More.", "--offline", "--submit").exit_code == 0
    titles = [each.title for each in forge_server.forge(ADA).pulls()]
    assert titles[2] == "Release acme/tiny 1.1.0"
    assert len(titles) == 3


def test_a_removal_is_handed_in_with_its_tombstone(
    submit: Callable[..., Result], cloned: Path, forge_server: Server
) -> None:
    done = submit("remove", "acme/tiny", "--reason", "mistake", "--yes", "--submit", "--now", "2027-01-01")
    assert done.exit_code == 0, done.stderr
    assert not (cloned / "registry/models/llm/acme/tiny").exists()
    assert (cloned / "registry/removed/acme/tiny.yaml").exists()
    (pull,) = forge_server.forge(ADA).pulls()
    changed = git(cloned, "diff", "--name-status", f"origin/main..{pull.head}")
    assert "A\tregistry/removed/acme/tiny.yaml" in changed
    assert "D\tregistry/models/llm/acme/tiny/1.0.0.yaml" in changed


def test_nothing_is_changed_where_nothing_can_be_handed_in(cloned: Path, run: Callable[..., Result]) -> None:
    done = run("withdraw", "acme/tiny", "--reason", "Old.", "--submit", cwd=cloned)
    assert done.exit_code == 2
    assert "GALLERYCTL_TOKEN" in done.stderr
    assert git(cloned, "status", "--porcelain") == ""
