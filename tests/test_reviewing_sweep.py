"""What a sweep writes: once, all of it, and nothing the second time. The forge is in memory, verdicts are by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from forges.accounts import ADA, BOB, EVE, MALLORY, ROBOT
from forges.memory import Hub
from galleryctl.errors import GalleryError
from galleryctl.forge import ForgeError
from galleryctl.reviewing import queue
from galleryctl.reviewing.comment import MARKER
from galleryctl.reviewing.sweep import CONTEXT, Desk, Judged, sweep
from galleryctl.spec import Roles
from galleryctl.spec.review import Remark, Review
from verdicts import BASE, DIGEST, LINKS, Judgement, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from galleryctl.forge import Note, PullRequest
    from galleryctl.policy import Verdict
    from galleryctl.reviewing.sweep import Swept
    from galleryctl.spec.review import Pull, State

HEAD, OTHER = "a" * 40, "b" * 40
ROLES = Roles.model_validate(
    {
        "people": {
            "ada": {"github": {"id": 1001, "login": "ada"}},
            "bob": {"github": {"id": 1002, "login": "bob"}},
            "eve": {"github": {"id": 1003, "login": "eve"}},
            "zoe": {"github": {"id": 1777, "login": "zoe"}},
        }
    }
)
READY = verdict(state="success", lane="release", turn="us", waiting_on=(), approvals=(), why="Nothing is missing.")
FAILING = verdict(state="failure", turn="author", waiting_on=(), problems=(DIGEST,), why="1 thing to fix: IMM002.")


@dataclass
class Bench:
    """A forge with a desk, and the verdicts that will be given."""

    hub: Hub = field(default_factory=Hub)
    verdicts: dict[int, Verdict | Exception] = field(default_factory=dict)
    seen: dict[int, Pull] = field(default_factory=dict)
    """What each verdict was asked about."""
    meanwhile: Callable[[], object] = lambda: None
    """What happens while something is judged."""

    def judge(self, pull: PullRequest, recorded: Pull) -> Judged:
        self.seen[pull.number] = recorded
        self.meanwhile()
        found = self.verdicts.get(pull.number, verdict())
        if isinstance(found, Exception):
            raise found
        return Judgement(found)

    def sweep(self, *, now: dt.datetime | None = None) -> Swept:
        forge = self.hub.forge(ROBOT)
        desk = Desk(
            forge=forge,
            account=ROBOT.known,
            judge=self.judge,
            links=LINKS,
            roles=ROLES,
            now=now or self.hub.clock,
            stale=dt.timedelta(days=30),
            target=dt.timedelta(hours=72),
        )
        return sweep(desk, forge.pulls())

    def writes(self, **given: dt.datetime) -> list[str]:
        """What one more sweep writes."""
        before = len(self.hub.calls)
        self.sweep(**given)
        return self.hub.calls[before:]

    def comments(self, number: int) -> list[Note]:
        return [note for note in self.hub.notes.get(number, []) if MARKER in note.text]

    def said(self, number: int) -> str:
        (note,) = self.comments(number)
        return note.text

    def states(self, head: str = HEAD) -> list[str]:
        return [mark.state for mark in self.hub.marks.get((head, CONTEXT), [])]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_everything_is_written_once(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD)
    assert bench.writes() == ["mark", "mark", "label", "comment", "ask"]
    assert bench.hub.pulls[1].labels == ("first-contribution", "kind/text", "lane/manual", "risk/licence", "turn/owner")
    assert bench.said(1).startswith("### Waiting for an owner: ada or bob (1 approval missing) ")
    assert (
        bench.hub.marks[HEAD, CONTEXT][1].description == "turn owner, lane manual: An owner of acme/bar has to approve."
    )
    assert sorted(bench.hub.asked[1]) == ["ada", "bob"]
    assert bench.writes() == []
    assert bench.writes(now=bench.hub.clock + dt.timedelta(days=29)) == []


def test_a_new_verdict_changes_the_comment_in_place(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD)
    bench.sweep()
    first = bench.comments(1)[0].id
    bench.verdicts[1] = FAILING
    assert bench.writes() == ["mark", "label", "edit_comment"]
    assert [note.id for note in bench.comments(1)] == [first]
    assert bench.said(1).startswith("### Not ready: your turn, mallory (1 thing to fix) ")
    assert {"turn/author", "fail/IMM002"} < set(bench.hub.pulls[1].labels)
    assert "turn/owner" not in bench.hub.pulls[1].labels


def test_a_comment_that_a_stranger_forged_is_not_ours(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD)
    forged = bench.hub.forge(MALLORY).comment(1, f"### Ready: all that is needed is there\n\n{MARKER}")
    bench.sweep()
    assert forged in bench.hub.notes[1]
    assert [note.by.login for note in bench.comments(1)] == ["mallory", "galleryctl[bot]"]
    assert bench.seen[1].remarks == (Remark(by=MALLORY.known, at=forged.at, text=forged.text),)


def test_older_duplicates_go(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD)
    bench.sweep()
    for _ in range(2):
        bench.hub.forge(ROBOT).comment(1, bench.comments(1)[0].text)
    newest = bench.comments(1)[-1].id
    assert bench.writes() == ["delete_comment", "delete_comment"]
    assert [note.id for note in bench.comments(1)] == [newest]


def test_two_sweeps_at_once_leave_one_comment(bench: Bench) -> None:
    """The other run posts its comment just before ours does."""
    bench.hub.seed(MALLORY, HEAD)
    forge = bench.hub.forge(ROBOT)
    posted: list[str] = []

    class Racing(type(forge)):  # type: ignore[misc]  # the class of a value
        def comment(self, number: int, text: str) -> Note:
            if not posted:
                posted.append(text)
                forge.comment(number, text)
            note: Note = super().comment(number, text)
            return note

    racing = Racing(bench.hub, ROBOT)
    desk = Desk(racing, ROBOT.known, bench.judge, LINKS, ROLES, bench.hub.clock, dt.timedelta(30), dt.timedelta(3))
    sweep(desk, racing.pulls())
    assert posted
    assert len(bench.comments(1)) == 1
    assert bench.writes() == []


def test_our_own_comments_stop_no_clock(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD)
    bench.verdicts[1] = verdict(waiting_on=("zoe",))  # the forge does not let us ask her, so she is mentioned
    bench.sweep()
    said = bench.hub.forge(EVE).comment(1, "Wait.")
    bench.sweep()
    assert [each.text for each in bench.seen[1].remarks] == [said.text]


def test_clocks_start_with_our_own_first_status(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD)
    bench.hub.forge(BOB).mark(HEAD, CONTEXT, "pending", "forged: long ago")
    for _ in range(2):
        bench.sweep()
        mine = bench.hub.marks[HEAD, CONTEXT][1]
        assert (mine.by, mine.description) == (ROBOT.known, "turn us, lane manual: it is being judged")
        assert bench.seen[1].since == mine.at


@pytest.mark.parametrize("state", ["success", "pending"])
def test_a_status_of_somebody_else_is_written_over(bench: Bench, state: State) -> None:
    bench.hub.seed(MALLORY, HEAD)
    bench.sweep()
    bench.hub.forge(BOB).mark(HEAD, CONTEXT, state, bench.hub.marks[HEAD, CONTEXT][-1].description)
    assert bench.writes() == ["mark"]
    assert bench.hub.marks[HEAD, CONTEXT][-1].by == ROBOT.known
    assert bench.states() == ["pending", "pending", state, "pending"]


def test_what_another_run_posted_while_we_judged_is_edited(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD)
    other = bench.hub.forge(ROBOT)
    bench.meanwhile = lambda: other.comment(1, f"### Waiting\n\n{MARKER}\n")
    assert bench.writes() == ["mark", "comment", "mark", "label", "edit_comment", "ask"]
    assert bench.said(1).startswith("### Waiting for an owner: ")


def test_one_head_in_two_pull_requests_gets_the_worst(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD)
    bench.hub.seed(EVE, HEAD)
    bench.verdicts |= {1: READY, 2: FAILING}
    bench.sweep()
    assert bench.states() == ["pending", "failure"]
    bench.verdicts[2] = READY
    bench.sweep()
    assert bench.states() == ["pending", "failure", "success"]
    assert (
        bench.hub.marks[HEAD, CONTEXT][-1].description == f"ready, lane release, base {BASE[:12]}: Nothing is missing."
    )


def test_only_the_default_branch_is_judged(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD, base="lax", branch="fix")
    bench.verdicts[1] = READY
    assert bench.writes() == ["comment"]
    assert bench.states() == []
    assert bench.seen == {}
    assert "and only `main` is published" in bench.said(1)
    assert "git rebase --onto origin/main origin/lax fix\n" in bench.said(1)
    assert bench.writes() == []


def test_a_failure_on_our_side_is_said_and_holds_nobody_up(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD)
    bench.hub.seed(EVE, OTHER)
    bench.verdicts[1] = GalleryError("git knows no commit")
    done = bench.sweep()
    assert done.failed == {1: "git knows no commit"}
    assert (bench.states(HEAD)[-1], bench.states(OTHER)[-1]) == ("error", "pending")
    assert bench.hub.pulls[1].labels == ("service-problem", "turn/us")
    assert "git knows" not in bench.hub.marks[HEAD, CONTEXT][-1].description
    del bench.verdicts[1]
    assert bench.sweep().failed == {}
    assert bench.states(HEAD) == ["pending", "error", "pending"]
    assert "service-problem" not in bench.hub.pulls[1].labels


def test_a_bug_holds_nobody_up(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD)
    bench.hub.seed(EVE, OTHER)
    bench.verdicts[1] = KeyError("x")
    assert list(bench.sweep().failed) == [1]
    assert bench.states(OTHER) == ["pending", "pending"]


def test_success_is_taken_back_when_we_cannot_judge(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD)
    bench.verdicts[1] = READY
    bench.sweep()
    bench.verdicts[1] = GalleryError("no")
    bench.sweep()
    assert bench.states() == ["pending", "success", "error"]


@pytest.mark.parametrize("writes", range(5))
def test_a_forge_that_fails_in_the_middle_is_completed_later(bench: Bench, writes: int) -> None:
    """After each number of writes the forge goes down; the next run writes what is missing, and nothing twice."""
    bench.hub.seed(MALLORY, HEAD)

    class Failing(type(bench.hub.forge(ROBOT))):  # type: ignore[misc]  # the class of a value
        def _writing(self, name: str, *, pushing: bool = True) -> Hub:
            if len(bench.hub.calls) >= writes:
                raise ForgeError("the forge does not answer")
            hub: Hub = super()._writing(name, pushing=pushing)
            return hub

    failing = Failing(bench.hub, ROBOT)
    desk = Desk(failing, ROBOT.known, bench.judge, LINKS, ROLES, bench.hub.clock, dt.timedelta(30), dt.timedelta(3))
    assert list(sweep(desk, failing.pulls()).failed) == [1]
    assert bench.sweep().failed == {}
    assert bench.hub.calls == ["mark", "mark", "label", "comment", "ask"]
    assert bench.writes() == []


def test_a_forge_that_is_down_stops_the_sweep(bench: Bench) -> None:
    for number in range(9):
        bench.hub.seed(MALLORY, f"{number}" * 40)
    forge = bench.hub.forge(ROBOT)
    pulls = list(forge.pulls())
    bench.hub.failing = ForgeError("503")
    desk = Desk(forge, ROBOT.known, bench.judge, LINKS, ROLES, bench.hub.clock, dt.timedelta(30), dt.timedelta(3))
    with pytest.raises(ForgeError, match="does not answer"):
        sweep(desk, pulls)
    assert bench.hub.calls == []


def test_two_are_asked_by_turns_and_never_again(bench: Bench) -> None:
    for number in (1, 2, 3):
        bench.hub.seed(MALLORY, f"{number}" * 40)
        bench.verdicts[number] = verdict(turn="reviewer", waiting_on=("ada", "bob", "eve"))
    bench.sweep()
    assert [sorted(bench.hub.asked[number]) for number in (1, 2, 3)] == [["bob", "eve"], ["ada", "eve"], ["ada", "bob"]]
    bench.hub.forge(BOB).review(1, "1" * 40, "COMMENT", "A question.")
    bench.sweep()
    assert sorted(bench.hub.asked[1]) == ["ada", "eve"]
    assert bench.writes() == []


def test_whom_the_forge_does_not_let_us_ask_is_mentioned_once(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD)
    bench.verdicts[1] = verdict(waiting_on=("zoe",))
    assert bench.writes() == ["mark", "mark", "label", "comment", "ask", "comment"]
    assert [note.text.partition("\n")[0] for note in bench.hub.notes[1]][1] == "@zoe: it is your turn to look at this."
    assert bench.writes() == []
    bench.verdicts[1] = FAILING
    bench.sweep()
    bench.verdicts[1] = verdict(waiting_on=("zoe",))
    assert "comment" not in bench.writes()


def test_nobody_is_asked_about_their_own_or_a_draft(bench: Bench) -> None:
    bench.hub.seed(ADA, HEAD)
    bench.hub.seed(MALLORY, OTHER, draft=True)
    bench.sweep()
    assert bench.hub.asked == {1: ["bob"]}


def test_stale_only_in_the_turn_of_the_author(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD)
    bench.hub.seed(EVE, OTHER)
    bench.verdicts[1] = FAILING
    bench.sweep()
    month = bench.hub.clock + dt.timedelta(days=31)
    assert bench.writes(now=month) == ["label"]
    assert "stale" in bench.hub.pulls[1].labels
    assert "stale" not in bench.hub.pulls[2].labels
    bench.verdicts[1] = verdict()
    bench.sweep(now=month)
    assert "stale" not in bench.hub.pulls[1].labels


def test_labels_of_others_stay_and_claims_go(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD, labels=("question", "lane/urgent", "turn/clock"))
    bench.sweep()
    assert {"question", "lane/manual", "turn/owner"} < set(bench.hub.pulls[1].labels)
    assert {"lane/urgent", "turn/clock"}.isdisjoint(bench.hub.pulls[1].labels)


def test_turns_are_counted_by_what_the_forge_recorded(bench: Bench) -> None:
    opened = bench.hub.seed(MALLORY, HEAD).opened
    bench.sweep()
    bench.hub.clock = opened + dt.timedelta(hours=5)
    bench.hub.forge(BOB).review(1, HEAD, "REQUEST_CHANGES", "No.")
    bench.verdicts[1] = FAILING
    later = opened + dt.timedelta(hours=9)
    (queued,) = bench.sweep(now=later).pulls
    reviewed = bench.hub.reviews[1][0].at
    assert queued.since == reviewed
    assert queued.spent == {"owner": int((reviewed - opened).total_seconds())}
    (shown,) = queue.queue([queued], now=later, target=1, answers=queue.answers([])).pulls
    assert shown.spent["author"] == int((later - reviewed).total_seconds())


def test_the_input_of_a_verdict_is_what_the_forge_recorded(bench: Bench) -> None:
    pull = bench.hub.seed(MALLORY, HEAD, draft=True)
    bench.hub.forge(BOB).review(1, HEAD, "APPROVE", "Good.")
    bench.sweep()
    found = bench.seen[1]
    assert (found.author, found.opened, found.draft) == (MALLORY.known, pull.opened, True)
    assert found.reviews == (
        Review(by=BOB.known, state="approved", commit=HEAD, at=bench.hub.reviews[1][0].at, text="Good."),
    )


def test_a_closed_pull_request_in_between_is_no_reason_to_stop(bench: Bench) -> None:
    bench.hub.seed(MALLORY, HEAD)
    bench.hub.pulls[1] = replace(bench.hub.pulls[1], state="closed")
    assert bench.writes() == []
