"""`review sweep`, `merge`, `queue`, `show`, `approve` and `reject`: real git, and a forge that answers over HTTP."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL
from forges.accounts import ADA, BOB, EVE, MALLORY, ROBOT
from galleryctl.reviewing.comment import MARKER
from galleryctl.spec.review import Queue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result
    from forges.accounts import Account
    from forges.server import Server
    from galleryctl.forge import Note, PullRequest

MODEL = "registry/models/llm/acme/tiny/model.yaml"
RELEASE = "registry/models/llm/acme/tiny/1.0.0.yaml"
SUMMARY = "summary: A small chat model for tests."


@dataclass
class Gallery:
    """A clone of a forge with a registry, and its command line."""

    server: Server
    clone: Path
    run: Callable[..., Result]
    patch: pytest.MonkeyPatch

    def __call__(self, *words: str, by: Account = ROBOT, stdin: str = "") -> Result:
        self.patch.setenv("GITHUB_API_URL", self.server.url)
        self.patch.setenv("GALLERYCTL_TOKEN", by.token)
        when = () if "--now" in words else ("--now", "2026-01-02T03:06:00Z")  # soon after all that is recorded
        done = self.run("review", *words, *when, cwd=self.clone, stdin=stdin)
        assert by.token not in done.stdout + done.stderr
        return done

    def propose(
        self, branch: str, old: str = SUMMARY, new: str = "summary: Another.", *, by: Account = BOB, path: str = MODEL
    ) -> PullRequest:
        text = MINIMAL[path.removeprefix("registry/")]
        assert text is not None
        assert old in text
        self.server.push(branch, {path: text.replace(old, new).encode()}, by=by)
        return self.server.forge(by).open(title=f"Change {branch}", body="", branch=branch, base="main")

    def writes(self, *words: str) -> list[str]:
        """Requests of a sweep that change something."""
        before = len(self.server.asked)
        done = self("sweep", *words)
        assert done.exit_code == 0, done.stderr
        return [
            f"{each.method} {each.path}"
            for each in self.server.asked[before:]
            if each.method != "GET" and each.path != "/graphql"
        ]

    def comments(self, number: int) -> list[Note]:
        return [note for note in self.server.forge(ADA).notes(number) if MARKER in note.text]

    def states(self, head: str) -> list[str]:
        marks = self.server.forge(ADA).marks(head, "galleryctl/verdict")
        return [mark.state for mark in marks if "it is being judged" not in mark.description]


@pytest.fixture
def gallery(
    forge_server: Server, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Gallery:
    files = {f"registry/{path}": text.encode() for path, text in MINIMAL.items() if text is not None}
    forge_server.push("main", files)
    return Gallery(forge_server, forge_server.clone(tmp_path / "clone"), run, monkeypatch)


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


# -- sweep


def test_a_sweep_shows_each_its_verdict_and_again_writes_nothing(gallery: Gallery) -> None:
    good = gallery.propose("good")
    bad = gallery.propose("bad", "tags: [chat]", "tags: [chatt]")
    assert gallery.writes() != []
    ada = gallery.server.forge(ADA)
    assert {"turn/clock", "lane/text", "kind/text"} <= set(ada.pull(good.number).labels)
    assert {"turn/author", "fail/TAX001"} <= set(ada.pull(bad.number).labels)
    assert (gallery.states(good.head), gallery.states(bad.head)) == (["pending"], ["failure"])
    (note,) = gallery.comments(bad.number)
    assert note.by.login == ROBOT.login
    assert note.text.startswith("### Not ready: your turn, bob (1 thing to fix) ")
    assert f"[`{MODEL}:4:8`](https://github.com/acme/gallery/blob/{bad.head}/{MODEL}#L4)" in note.text
    assert "(https://gallery.example/rules/#TAX001)" in note.text
    assert gallery.writes() == []


def test_nothing_is_checked_out_and_no_branch_is_made(gallery: Gallery) -> None:
    gallery.propose("good")
    before = git(gallery.clone, "for-each-ref"), git(gallery.clone, "rev-parse", "HEAD")
    gallery("sweep")
    assert (git(gallery.clone, "for-each-ref"), git(gallery.clone, "rev-parse", "HEAD")) == before
    assert git(gallery.clone, "status", "--porcelain") == ""


def test_only_those_that_are_named(gallery: Gallery) -> None:
    one, other = gallery.propose("one"), gallery.propose("other", "tags: [chat]", "tags: [reasoning]")
    assert gallery("sweep", str(one.number)).exit_code == 0
    assert (gallery.states(one.head), gallery.states(other.head)) == (["pending"], [])
    assert gallery("sweep", "--head", other.head).exit_code == 0
    assert gallery.states(other.head) == ["pending"]


def test_a_workflow_gets_it_whole(gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery.propose("good")
    gallery.propose("bad", "tags: [chat]", "tags: [chatt]")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert gallery("sweep").exit_code == 0
    text = (tmp_path / "summary.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## #1", "## #2"]
    assert "[**`TAX001`**]" in text
    assert MARKER not in text
    monkeypatch.setattr("galleryctl.cli.review_sweep._SUMMARY", 100)
    gallery("sweep")
    assert (tmp_path / "summary.md").read_text() == f"{text}and 2 more: `galleryctl review show NUMBER` has each\n"


def test_a_push_is_judged_again(gallery: Gallery) -> None:
    pull = gallery.propose("bad", "tags: [chat]", "tags: [chatt]")
    gallery("sweep")
    text = MINIMAL[MODEL.removeprefix("registry/")]
    assert text is not None
    head = gallery.server.push("bad", {MODEL: text.replace(SUMMARY, "summary: Mended.").encode()}, by=BOB)
    gallery("sweep")
    assert (gallery.states(pull.head), gallery.states(head)) == (["failure"], ["pending"])
    (note,) = gallery.comments(pull.number)
    assert note.text.startswith("### Waiting for the clock, until ")
    assert not [name for name in gallery.server.forge(ADA).pull(pull.number).labels if name.startswith("fail/")]


def test_a_branch_in_conflict_is_the_authors_turn(gallery: Gallery) -> None:
    pull = gallery.propose("mine")
    text = MINIMAL[MODEL.removeprefix("registry/")]
    assert text is not None
    gallery.server.push("main", {MODEL: text.replace(SUMMARY, "summary: Theirs.").encode()})
    gallery("sweep")
    (note,) = gallery.comments(pull.number)
    assert note.text.startswith("### Not ready: your turn, bob (1 thing to fix) ")
    assert f"* `{MODEL}`\n" in note.text
    assert "git switch mine\ngit pull --no-rebase https://github.com/acme/gallery main\n" in note.text


def test_the_queue_is_written_for_the_site(gallery: Gallery, tmp_path: Path) -> None:
    gallery.propose("good")
    gallery.propose("bad", "tags: [chat]", "tags: [chatt]")
    out = tmp_path / "review.json"
    assert gallery("sweep", "--out", str(out)).exit_code == 0
    queue = Queue.model_validate_json(out.read_bytes(), strict=True)
    assert [(pull.number, pull.turn, pull.checks, pull.codes) for pull in queue.pulls] == [
        (1, "clock", "ok", ()), (2, "author", "problems", ("TAX001",)),
    ]  # fmt: skip
    assert queue.pulls[0].models == ("acme/tiny",)
    assert gallery("sweep", "1", "--out", str(out)).exit_code == 2


def test_a_head_that_cannot_be_had_is_our_fault_and_exit_3(gallery: Gallery) -> None:
    lost, good = gallery.propose("lost"), gallery.propose("good", "tags: [chat]", "tags: [reasoning]")
    git(gallery.server.path, "update-ref", "-d", f"refs/pull/{lost.number}/head")
    done = gallery("sweep")
    assert done.exit_code == 3
    assert f"#{lost.number} failed on our side: " in done.stderr
    assert (gallery.states(lost.head), gallery.states(good.head)) == (["error"], ["pending"])
    assert set(gallery.server.forge(ADA).pull(lost.number).labels) == {"service-problem", "turn/us"}
    git(gallery.server.path, "update-ref", f"refs/pull/{lost.number}/head", lost.head)
    assert gallery("sweep").exit_code == 0
    assert gallery.states(lost.head) == ["error", "pending"]


# -- merge


def later(gallery: Gallery, *words: str) -> Result:
    """As if a day had passed since the verdicts."""
    return gallery(*words, "--now", "2026-02-01")


def test_what_the_verdict_allows_is_merged(gallery: Gallery) -> None:
    pull = gallery.propose("good")
    gallery("sweep")
    refused = gallery("merge", str(pull.number))
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "#1 not merged: its verdict is pending: turn clock, lane text: " in refused.stderr
    later(gallery, "sweep")
    assert gallery.states(pull.head) == ["pending", "success"]
    done = later(gallery, "merge", "--ready")
    assert (done.exit_code, done.stdout) == (0, f"#1 merged {pull.head[:7]}, lane text\n")
    assert gallery.server.forge(ADA).pull(pull.number).merged


def test_a_forged_status_opens_nothing(gallery: Gallery) -> None:
    pull = gallery.propose("good")
    gallery("sweep")
    base = git(gallery.server.path, "rev-parse", "main")
    said = f"ready, lane text, base {base[:12]}: Nothing is missing."
    gallery.server.forge(BOB).mark(pull.head, "galleryctl/verdict", "success", said)
    done = gallery("merge", str(pull.number))
    assert done.exit_code == 1
    assert "so it does not count" in done.stderr
    assert gallery("merge", "--ready").stderr == "nothing is ready to be merged\n"
    assert gallery("merge", str(pull.number), "--judge", "bob", by=ADA).exit_code == 0, "Ada says whose verdicts count"


def test_a_base_that_moved_is_judged_again(gallery: Gallery) -> None:
    pull = gallery.propose("one")
    gallery("sweep")
    later(gallery, "sweep")
    assert gallery.states(pull.head)[-1] == "success"
    text = MINIMAL[MODEL.removeprefix("registry/")]
    assert text is not None
    gallery.server.push("main", {MODEL: text.replace(SUMMARY, "summary: Meanwhile.").encode()})
    done = later(gallery, "merge", "--ready")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "#1 not merged: the base has moved, and its verdict is now pending: " in done.stderr
    gallery.server.push("main", {MODEL: text.encode(), "README.md": b"# Moved\n"})
    assert later(gallery, "merge", str(pull.number)).exit_code == 0
    assert gallery.server.forge(ADA).pull(pull.number).merged


def test_merge_wants_a_number_or_ready(gallery: Gallery) -> None:
    assert gallery("merge").exit_code == 2
    assert gallery("merge", "1", "--ready").exit_code == 2


# -- queue


def test_the_queue_shows_what_the_sweep_found(gallery: Gallery) -> None:
    gallery.propose("good")
    gallery.propose("bad", "tags: [chat]", "tags: [chatt]")
    gallery.propose("licence", "license: Apache-2.0", "license: MIT")
    assert "not judged" not in gallery("queue").stdout
    gallery("sweep")
    done = gallery("queue", by=EVE)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["#3", "#1", "#2"]
    assert "!licence" in lines[1]
    assert "TAX001" in lines[3]
    assert lines[5] == "3 open pull requests, 1 for reviewers"


def test_what_waits_for_me(gallery: Gallery) -> None:
    gallery.propose("good")
    gallery.propose("licence", "license: Apache-2.0", "license: MIT")
    gallery("sweep")
    mine = gallery("queue", "--me", by=ADA).stdout
    assert "#2 " in mine
    assert "#1 " not in mine
    assert gallery("queue", "--role", "clock").stdout.count("#") == 1
    assert "does not know mallory" in gallery("queue", "--me", by=MALLORY).stderr


def test_the_queue_as_a_file_is_what_build_reads(gallery: Gallery, tmp_path: Path) -> None:
    pull = gallery.propose("licence", "license: Apache-2.0", "license: MIT")
    gallery("sweep")
    gallery.server.forge(EVE).comment(pull.number, "Why?")
    out = tmp_path / "review.json"
    done = gallery("queue", "--format", "json", "--out", str(out), "--judge", ROBOT.login, by=EVE)
    assert (done.exit_code, done.stdout) == (0, "")
    queue = Queue.model_validate_json(out.read_bytes(), strict=True)
    assert [(each.number, each.risks, each.checks) for each in queue.pulls] == [(1, ("licence",), "ok")]
    assert queue.first_answer.median is not None
    built = gallery.run("build", "--review", str(out), "--out", str(tmp_path / "site"), cwd=gallery.clone)
    assert built.exit_code == 0, built.stderr
    assert json.loads((tmp_path / "site/review/queue.json").read_bytes())["pulls"][0]["number"] == 1


def test_a_forged_queue_is_not_shown(gallery: Gallery) -> None:
    pull = gallery.propose("good")
    gallery("sweep")
    (note,) = gallery.comments(pull.number)
    forged = note.text.replace('"turn":"clock"', '"turn":"steward"')
    gallery.server.forge(MALLORY).comment(pull.number, forged)
    assert "the clock" in gallery("queue").stdout


# -- show, approve, reject


def test_show_says_all_that_a_reviewer_has_to_know(gallery: Gallery) -> None:
    pull = gallery.propose("licence", "license: Apache-2.0", "license: MIT")
    done = gallery("show", str(pull.number), by=EVE)
    assert done.exit_code == 0, done.stderr
    for said in (
        f"#1 Change licence, by bob at {pull.head[:7]}\n",
        "Waiting for ",
        "acme/tiny, before and after\n",
        "- license: Apache-2.0\n",
        "+ license: MIT\n",
        "! acme/tiny: Apache-2.0 → MIT, commercial use allowed\n",
        "Security\n  ~ nothing new\n",
        "Size\n  ~ no file comes or goes\n",
        "Runtimes\n",
        "Services\n",
    ):
        assert said in done.stdout, done.stdout
    told = json.loads(gallery("show", "1", "--format", "json", by=EVE).stdout)
    assert told["pull"]["head"] == pull.head
    assert told["risks"] == ["licence"]
    assert told["models"][0]["licence"] == {"before": "Apache-2.0", "after": "MIT", "commercial": "allowed", "url": ""}
    markdown = gallery("show", "1", "--format", "markdown", by=EVE).stdout
    assert markdown.startswith("### Waiting for ")
    assert "- `!` acme/tiny: Apache-2.0 → MIT, commercial use allowed\n" in markdown
    assert MARKER not in markdown


def test_show_needs_no_forge(gallery: Gallery) -> None:
    path = gallery.clone / MODEL
    path.write_text(path.read_text().replace("license: Apache-2.0", "license: MIT"))
    git(gallery.clone, "commit", "-qam", "change")
    asked = len(gallery.server.asked)
    done = gallery("show", "--base", "origin/main", "--head", "HEAD", "--actor", "bob")
    assert done.exit_code == 0, done.stderr
    assert "+ license: MIT\n" in done.stdout
    assert len(gallery.server.asked) == asked
    assert gallery("show").exit_code == 2
    assert gallery("show", "1", "--base", "origin/main").exit_code == 2


def test_a_release_shows_its_security_and_size(gallery: Gallery) -> None:
    text = MINIMAL[RELEASE.removeprefix("registry/")]
    assert text is not None
    other = text.replace("model.safetensors", "model.bin").replace("3f79", "aaaa").replace("2000000000", "3000000000")
    gallery.server.push("new", {RELEASE.replace("1.0.0", "1.1.0"): other.encode()}, by=BOB)
    gallery.server.forge(BOB).open(title="Release", body="", branch="new", base="main")
    done = gallery("show", "1")
    assert "! acme/tiny 1.1.0: loading these files may run code: model.bin\n" in done.stdout
    assert "! SEC001 registry/models/llm/acme/tiny/1.1.0.yaml:" in done.stdout
    assert "+ acme/tiny: 3 GB come\n" in done.stdout


def test_approve_says_whether_it_counts_and_names_the_head(gallery: Gallery) -> None:
    pull = gallery.propose("licence", "license: Apache-2.0", "license: MIT")
    done = gallery("approve", "1", by=ADA)
    assert done.exit_code == 0, done.stderr
    assert "It counts as approval of " in done.stderr
    assert "(owner)" in done.stderr
    (review,) = gallery.server.forge(ADA).reviews(1)
    assert (review.by.login, review.state, review.commit) == ("ada", "approved", pull.head)
    other = gallery("approve", "1", by=MALLORY)
    assert "It does not count" in other.stderr
    assert "You approved this commit already" in gallery("approve", "1", by=ADA).stderr


def test_an_override_has_a_reason_and_a_rule(gallery: Gallery) -> None:
    gallery.propose("bad", "tags: [chat]", "tags: [chatt]")
    assert gallery("approve", "1", "--override", "TAX001", by=ADA).exit_code == 2
    assert gallery("approve", "1", "--override", "nonsense", "--reason", "Because.", by=ADA).exit_code == 2
    done = gallery("approve", "1", "--override", "tax001", "--reason", "It comes with the next change.", by=ADA)
    assert done.exit_code == 0, done.stderr
    assert "as override of TAX001" in done.stderr
    assert gallery.server.forge(ADA).reviews(1)[0].text == "override TAX001: It comes with the next change."
    gallery("sweep")
    assert "* `TAX001` by ada: It comes with the next change.\n" in gallery.comments(1)[0].text


def test_reject_wants_a_reason_and_stops_it(gallery: Gallery) -> None:
    pull = gallery.propose("good")
    assert gallery("reject", "1", by=ADA).exit_code == 2
    assert gallery("reject", "1", "--reason", " ", by=ADA).exit_code == 2
    done = gallery("reject", "1", "--reason", "Say more.", by=ADA)
    assert done.exit_code == 0, done.stderr
    assert "It stops the pull request" in done.stderr
    assert [each.state for each in gallery.server.forge(ADA).reviews(1)] == ["changes_requested"]
    gallery("sweep")
    assert gallery.comments(1)[0].text.startswith("### Not ready: your turn, bob <sub>")
    assert "It stops nothing" in gallery("reject", "1", "--reason", "No!", by=MALLORY).stderr
    assert gallery.states(pull.head) == ["pending"]


def test_only_what_was_looked_at_is_decided(gallery: Gallery) -> None:
    pull = gallery.propose("good")
    done = gallery("approve", "1", "--head", "0" * 40, by=ADA)
    assert (done.exit_code, gallery.server.forge(ADA).reviews(1)) == (2, [])
    assert f"its newest commit is {pull.head[:7]}" in done.stderr
    assert gallery("approve", "1", "--head", pull.head[:10], by=ADA).exit_code == 0
    assert gallery("approve", "1", by=BOB).exit_code == 2, "his own"


# -- merge queue


def queued(gallery: Gallery, pull: PullRequest, files: dict[str, bytes] | None = None) -> str:
    """The commit that GitHub's queue makes of a pull request, on its branch."""
    bare = gallery.server.state.main.bare
    base = bare.commit("refs/heads/main")
    assert base is not None
    tree = bare.merged(base, pull.head)
    if files:
        tree = bare.tree(tree, {path: ("100644", bare.blob(data)) for path, data in files.items()})
    assert tree is not None
    commit = bare.committed(tree, [base], "Merge")
    bare.move(f"refs/heads/gh-readonly-queue/main/pr-{pull.number}-{base}", commit, "0" * 40)
    return commit


def test_the_commit_of_a_merge_queue_is_judged(gallery: Gallery) -> None:
    pull = gallery.propose("good")
    gallery("sweep")
    commit = queued(gallery, pull)
    done = gallery("sweep", "--head", commit)
    assert done.stdout.startswith("merge queue, failure: #1: Nothing is missing: lane text lets it in after "), done
    done = later(gallery, "sweep", "--head", commit)
    assert (done.exit_code, gallery.states(commit)) == (0, ["failure", "success"])


def test_a_queue_that_holds_something_else_is_refused(gallery: Gallery) -> None:
    pull = gallery.propose("good")
    gallery("sweep")
    commit = queued(gallery, pull, {"registry/policy.yaml": b"version: 1\nseverities: {}\n"})
    assert "something else than was judged" in later(gallery, "sweep", "--head", commit).stdout
    assert gallery.states(commit) == ["failure"]


@pytest.mark.parametrize("name", ["mine", "pr-1-{base}"])
def test_a_commit_that_nobody_proposes_gets_no_status(gallery: Gallery, name: str) -> None:
    """The second pretends to be of the queue, on a base of its own with its own roles."""
    gallery.propose("good")
    base = gallery.server.push("own", {"registry/roles.yaml": b"version: 1\n"}, by=BOB)
    head = gallery.server.push(f"gh-readonly-queue/main/{name.format(base=base)}", {"a.txt": b"a"}, by=BOB)
    done = gallery("sweep", "--head", head)
    assert (done.exit_code, gallery.states(head)) == (0, [])
    assert done.stderr == f"no open pull request has the head {head}\n"
