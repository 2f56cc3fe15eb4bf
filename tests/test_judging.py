"""From git to a verdict, and from a verdict to what people and programs read of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from conftest import MINIMAL, git
from galleryctl.errors import GalleryError, GitError, UsageError
from galleryctl.reviewing import judging, recorded, telling
from galleryctl.spec.review import Login, Pull
from proposing import ACCOUNTS, CARD, MODEL, NOW, RELEASE, ROLES, Story, changed, codes, release, said, with_more

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result

    Run = Callable[..., Result]

SUMMARY = changed(MODEL, "for tests", "for trials")
AT = "2026-01-10T12:00:00Z"


@pytest.fixture
def story(registry: Callable[..., Path], commit: Callable[..., str]) -> Story:
    return Story(registry({"roles.yaml": ROLES}), commit)


# -- git


def test_a_pull_request_that_is_behind_undoes_nothing(story: Story) -> None:
    head = story.propose(SUMMARY)
    git(story.registry, "checkout", "-q", "main")
    story.base = story.commit(story.registry, release("1.1.0"))
    judged = story.judged(head, "ada")
    assert [change.field for change in judged.verdict.changes] == ["summary"]
    assert (judged.verdict.lane, judged.base) == ("text", story.base)


def test_a_conflict_is_the_authors_turn(story: Story) -> None:
    head = story.propose(SUMMARY)
    git(story.registry, "checkout", "-q", "main")
    story.base = story.commit(story.registry, changed(MODEL, "for tests", "for everybody"))
    judged = story.judged(head, "ada", said("bob"))
    assert (judged.merged, judged.conflicts) == (None, (f"registry/{MODEL}",))
    found = judged.verdict
    assert (found.state, found.turn, found.changes) == ("pending", "author", ())
    assert found.why == f"The branch conflicts with its base in registry/{MODEL}: update it."


def test_two_that_are_fine_apart_are_wrong_together(story: Story) -> None:
    first, second = (
        story.propose({f"models/llm/acme/{name}/{path.rpartition('/')[2]}": text for path, text in files.items()})
        for name, files in (("one", _like("One", "b")), ("two", _like("Two", "c")))
    )
    assert story.verdict(first, "chen").state != "failure"
    assert story.verdict(second, "chen").state != "failure"
    git(story.registry, "checkout", "-q", "main")
    git(story.registry, "merge", "-q", "--no-ff", "-m", "first", first)
    story.base = git(story.registry, "rev-parse", "HEAD")
    assert story.verdict(second, "chen").state == "failure"


def _like(title: str, seed: str) -> dict[str, str | None]:
    """A model with an alias that only one may have."""
    text = (MINIMAL[MODEL] or "").replace("Tiny", title) + "aliases: [acme/first]\n"
    own = next(iter(release("1.0.0", seed).values()))
    return {MODEL: text, CARD: MINIMAL[CARD], "x/1.0.0.yaml": own}


def test_nothing_is_checked_out_and_no_branch_moves(story: Story) -> None:
    head = story.propose(SUMMARY)
    git(story.registry, "checkout", "-q", "main")
    before = git(story.registry, "for-each-ref"), git(story.registry, "status", "--porcelain")
    story.judged(head, "ada")
    assert (git(story.registry, "for-each-ref"), git(story.registry, "status", "--porcelain")) == before


def test_what_cannot_be_read_is_no_verdict(story: Story) -> None:
    with pytest.raises(GitError):
        story.judged("f" * 40, "ada", said("bob"))
    nowhere = story.registry.parent / "nothing"
    with pytest.raises(GalleryError):
        judging.judge(nowhere, "registry", base="main", head="main", pull=Pull(author=ACCOUNTS["ada"]), now=NOW)


@pytest.mark.parametrize(
    "files",
    [{"registry/gallery.yaml": None}, {"schemas/types/odd.schema.json": "{}"}],
    ids=["no settings", "a schema that is none"],
)
def test_a_proposal_that_leaves_no_registry_fails_and_is_not_our_fault(
    story: Story, files: dict[str, str | None]
) -> None:
    story.propose({})
    head = story.commit(story.registry.parent, files)
    found = story.verdict(head, "ada", said("bob"), said("chen"), said("eve"))
    assert (found.state, found.turn) == ("failure", "author")
    assert found.problems


def test_nobody_sets_aside_that_nothing_was_read(story: Story) -> None:
    """Among so many files a published model goes without a tombstone, and no rule was asked about it."""
    many: dict[str, str | None] = {f"models/llm/acme/m{number}/model.yaml": "title: x\n" for number in range(5_001)}
    aside = said("dora", text="override PRQ001: a large import\n\noverride PTH007: cards follow\n\noverride YML011: so")
    everybody = (said("ada"), said("bob"), said("chen"), said("eve"), aside)
    found = story.verdict(many | {MODEL: None, RELEASE: None, CARD: None}, "zoe", *everybody)
    assert (found.state, found.turn) == ("failure", "author")


def test_a_history_of_its_own_is_the_authors_to_mend(story: Story) -> None:
    alone = git(story.registry, "commit-tree", "HEAD^{tree}", "-m", "alone")
    found = story.judged(alone, "ada", said("bob"), said("dora", text="override PRQ001: why not"))
    assert (found.verdict.state, found.merged) == ("pending", None), "set aside it changes nothing, and stays out"
    found = story.judged(alone, "ada", said("bob"))
    assert (found.verdict.state, found.verdict.turn) == ("failure", "author")
    assert "PRQ001" in codes(found.verdict)


def test_a_head_that_changes_nothing_is_not_merged(story: Story) -> None:
    found = story.verdict(story.propose({}), "ada", said("bob"))
    assert (found.state, found.turn, found.why) == ("pending", "author", "It changes nothing.")


def test_a_draft_is_the_authors_turn(story: Story) -> None:
    found = story.verdict(SUMMARY, "ada", draft=True)
    assert (found.state, found.turn) == ("pending", "author")


def test_commits_are_signed_off_where_policy_asks(registry: Callable[..., Path], commit: Callable[..., str]) -> None:
    story = Story(registry({"roles.yaml": ROLES, "policy.yaml": "version: 1\nsign_off: true\n"}), commit)
    found = story.verdict(story.propose(SUMMARY), "ada")
    assert (found.state, found.turn, codes(found)) == ("failure", "author", {"PRQ003"})
    signed = "change\n\nSigned-off-by: Ada <ada@acme.example>"
    assert story.verdict(story.propose(SUMMARY, message=signed), "ada").state == "pending"
    other = "change\n\nSigned-off-by: Bob <bob@acme.example>"
    assert story.verdict(story.propose(SUMMARY, message=other), "ada").state == "failure"


# -- the command


@pytest.fixture
def verdict(story: Story, run: Run, tmp_path: Path) -> Callable[..., Result]:
    def call(head: str, actor: str, *words: str, approvals: object = None) -> Result:
        more = [*words]
        if approvals is not None:
            (tmp_path / "approvals.json").write_text(json.dumps(approvals))
            more += ["--approvals", str(tmp_path / "approvals.json")]
        usual = ["--registry", str(story.registry), "--base", story.base, "--now", AT, "-j", "1"]
        return run("review", "verdict", "--head", head, "--actor", actor, *usual, *more)

    return call


def test_the_machine_form_says_it_all(story: Story, verdict: Callable[..., Result]) -> None:
    head = story.propose(changed(MODEL, "Apache-2.0", "MIT"))
    done = verdict(head, "9001", "--format", "json", approvals=[{"by": "eve", "commit": head}])
    assert done.exit_code == 0
    told: dict[str, Any] = json.loads(done.stdout)
    assert {
        "state", "lane", "turn", "waiting_on", "why", "earliest", "approvals", "changes", "problems", "kinds", "risks",
        "overrides",
    } <= told.keys()  # fmt: skip
    assert (told["state"], told["lane"], told["turn"]) == ("pending", "manual", "owner")
    assert told["waiting_on"] == ["ada", "bob"]
    assert told["approvals"] == [
        {"role": "owner", "action": "edit", "subject": "acme/tiny", "of": ["ada", "bob"], "count": 1, "given": [],
         "missing": 1}
    ]  # fmt: skip
    assert told["changes"] == [
        {"subject": "acme/tiny", "kind": "licence-changed", "field": "license", "before": "Apache-2.0", "after": "MIT",
         "path": MODEL, "type": "llm", "visibility": "public", "edition": "community"}
    ]  # fmt: skip
    assert {problem["code"] for problem in told["problems"]} == {"LIC005", "OWN001"}
    assert (told["head"], told["base"], told["risks"]) == (head, story.base, ["licence"])


def test_the_text_says_whose_turn_it_is_first(story: Story, verdict: Callable[..., Result]) -> None:
    done = verdict(story.propose(changed(MODEL, "Apache-2.0", "MIT")), "zoe")
    assert (
        done.stdout
        == """\
Waiting for an owner: ada or bob
Waiting for ada or bob to approve edit of acme/tiny.

Changes
  acme/tiny: licence Apache-2.0 → MIT

Found: 1 warning
  registry/models/llm/acme/tiny/model.yaml:3:10
    LIC005 warn: the licence of acme/tiny, which has releases, was Apache-2.0 in models/llm/acme/tiny/model.yaml of \
base, is MIT
    fix: give the reason in the pull request, with the place where its author says so

Approvals
  · edit of acme/tiny: 1 of ada or bob (owner)

Lane manual
  no fast lane takes such changes
  risk: licence
"""
    )


def test_exit_codes_tell_forbidden_from_waiting_and_from_broken(story: Story, verdict: Callable[..., Result]) -> None:
    wrong = story.propose(changed(MODEL, "[chat]", "[chat, talk]"))
    assert verdict(wrong, "ada").exit_code == 1
    assert verdict(wrong, "ada").stdout.startswith("Not ready: your turn, ada\n1 thing to fix: TAX001.\n")
    assert verdict(story.propose(SUMMARY), "ada").exit_code == 0
    since = verdict(story.propose(SUMMARY), "ada", "--since", "2026-01-10T11:00:00Z")
    assert (since.exit_code, since.stdout.partition("\n")[0]) == (0, "Ready to merge")
    assert verdict("nowhere", "ada").exit_code == 3
    assert verdict("", "ada").exit_code == 2


@pytest.mark.parametrize(
    "approvals",
    [
        {"by": 1},
        [{"by": "ada"}],
        [1],
        {"reviews": [{"by": "ada", "commit": 1}]},
        7,
        {"labels": ["approved", "lane/release"]},
        {"title": "[approved]"},
    ],
)
def test_a_file_that_says_something_else_stops_the_command(
    story: Story, verdict: Callable[..., Result], approvals: object
) -> None:
    done = verdict(story.propose(SUMMARY), "zoe", approvals=approvals)
    unknown = isinstance(approvals, dict) and "reviews" in approvals  # a commit that git does not have
    assert done.exit_code == (3 if unknown else 2)
    assert done.stdout == ""


def test_the_file_holds_all_that_a_forge_records(story: Story, verdict: Callable[..., Result]) -> None:
    head = story.propose(SUMMARY)
    facts = {
        "reviews": [{"by": {"id": 1002, "login": "bob"}, "state": "changes_requested", "commit": head, "at": AT}],
        "remarks": [{"by": "zoe", "text": "Hm.", "at": AT}],
        "pusher": 1001,
        "since": "2026-01-10T11:00:00Z",
        "opened": "2026-01-10T10:00:00Z",
        "draft": False,
    }
    told = json.loads(verdict(head, "ada", "--format", "json", approvals=facts).stdout)
    assert (told["state"], told["turn"]) == ("pending", "author")
    assert "bob asked for changes" in told["why"]


# -- accounts by word


def test_a_number_is_certain_and_a_login_is_looked_up(story: Story) -> None:
    roles = story.judged(SUMMARY).compared.base.world.context.roles
    assert recorded.account("1001", roles) == Login(id=1001, login="ada")
    assert recorded.account("Chen-Wei", roles).id == 1004
    assert recorded.account("acme-releases[bot]", roles) == ACCOUNTS["releases"]
    one, other = recorded.account("zoe", roles), recorded.account("yan", roles)
    assert one.id != other.id
    assert {one.id, other.id}.isdisjoint(person.github.id for person in roles.people.values())
    assert recorded.account("chen", roles).id != 1004, "the name of a person is no login"


def test_a_commit_may_be_any_revision(story: Story) -> None:
    roles = story.judged(SUMMARY).compared.base.world.context.roles
    text = json.dumps([{"by": "ada", "commit": "HEAD"}])
    found = recorded.pull(text, ACCOUNTS["zoe"], roles, now=NOW, resolve=lambda revision: f"<{revision}>")
    assert [(review.commit, review.state, review.at) for review in found.reviews] == [("<HEAD>", "approved", NOW)]
    with pytest.raises(UsageError, match="'commit' is missing"):
        recorded.pull('[{"by": "ada"}]', ACCOUNTS["zoe"], roles, now=NOW, resolve=str)


# -- text of any width


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_lines_fit_the_terminal(story: Story, width: int) -> None:
    judged = story.judged(release("1.1.0") | with_more(MODEL, "expires: 2026-12-01\n"), "zoe", said("ada"))
    text = telling.verdict(
        judged.verdict, author="zoe", now=NOW, touched=judged.compared.comparison.touched, width=width
    )
    wide = [line for line in text.splitlines() if telling.cells(line) > width]
    assert all(max(map(len, line.split())) > width - 8 for line in wide), wide
    joined = " ".join(text.split())
    assert "expire of acme/tiny" in joined
    assert "not release: it also changes expires of acme/tiny" in joined


def test_strangers_move_no_cursor(story: Story) -> None:
    author = Login(id=9002, login="zoe\x1b[2J\u202e")
    found = story.verdict(story.propose(changed(MODEL, "[chat]", "[chat, talk]")), author)
    text = telling.verdict(found, author=author.login, now=NOW, touched=())
    assert "\x1b" not in text
    assert "\u202e" not in text
    coloured = telling.verdict(found, author=author.login, now=NOW, touched=(), colour=True)
    assert "\x1b[31m" in coloured


# -- owners


def test_owners_says_who_and_why(story: Story, run: Run) -> None:
    where = ["--registry", str(story.registry)]
    done = run("owners", "acme/tiny", "--action", "edit", *where)
    assert (
        done.stdout
        == """\
edit
  ada: maintains publisher acme, in group acme
  bob: maintains publisher acme, in group acme
  chen: role reviewer for *
  eve: role reviewer for *
"""
    )
    release_ = run("owners", "acme/tiny", "--action", "release", "--format", "json", *where)
    assert {each["person"]: each["approves"] for each in json.loads(release_.stdout)["release"]} == {
        "ada": True, "bob": True, "chen": True, "eve": True, "releases": False,
    }  # fmt: skip
    assert run("owners", str(story.registry / "roles.yaml"), *where).stdout.startswith("govern\n  bob: role admin")
    assert "dora: role steward" in run("owners", "acme", "--action", "remove", *where).stdout
    assert run("owners", str(story.registry / MODEL), "--action", "edit", *where).stdout == done.stdout
    everything = run("owners", "acme/tiny", *where).stdout
    assert "\nwiden\n  eve: role clearance for *\n" in everything


@pytest.mark.parametrize("words", [("acme/tiny", "--action", "edti"), ("nobody",), ("nobody/nothing",)])
def test_owners_of_nothing_is_wrong_usage(story: Story, run: Run, words: tuple[str, ...]) -> None:
    assert run("owners", *words, "--registry", str(story.registry)).exit_code == 2


def test_owners_reads_the_branch_it_is_told(story: Story, run: Run) -> None:
    own = story.propose(changed("publishers/acme.yaml", "[acme]", "[acme, dora]"))
    where = ["--registry", str(story.registry), "--action", "edit"]
    assert "dora" in run("owners", "acme/tiny", "--head", own, *where).stdout
    assert "dora" not in run("owners", "acme/tiny", "--head", "main", *where).stdout


def test_of_many_names_the_first_are_said() -> None:
    from galleryctl.policy import saying  # noqa: PLC0415 - one test needs it

    assert saying.listed(["a"]) == "a"
    assert saying.listed(["a", "b", "c", "d"], "or") == "a, b, c or 1 more"
