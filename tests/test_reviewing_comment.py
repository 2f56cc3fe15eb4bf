"""The one comment: whose turn it is first, everything else in a fixed order, and nothing of strangers but text."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from galleryctl.changes import Change, Kind
from galleryctl.policy import Need, Override, PassedOver, Verdict
from galleryctl.problems import Problem, Severity
from galleryctl.reviewing.comment import LIMIT, MARKER, Report, astray, comment, unchanged
from test_reviewing_markdown import HOSTILE, OWN, rendered
from verdicts import ADDED, DIGEST, HEAD, LICENCE, LINKS, NOW, OWNERS, verdict

TAG = Problem("registry/models/llm/acme/bar/model.yaml", 3, 1, "TAX001", "`chatt` is no tag.", severity=Severity.WARN)


def report(found: Verdict | None = None, **given: Any) -> Report:  # noqa: ANN401 - fields of a report
    usual: dict[str, Any] = {"number": 12, "author": "mallory", "head": HEAD, "branch": "add-foo"}
    return Report(found or verdict(), **(usual | given))


def text(found: Verdict | None = None, **given: Any) -> str:  # noqa: ANN401 - fields of a report
    return comment(report(found, **given), LINKS, at=NOW)


def failing(**given: Any) -> Verdict:  # noqa: ANN401 - fields of a verdict
    usual = {"state": "failure", "turn": "author", "waiting_on": (), "why": "A release was changed."}
    return verdict(**({**usual, "problems": (DIGEST, TAG), "changes": (LICENCE, ADDED)} | given))


def test_the_whole_of_one() -> None:
    found = failing(overrides=(Override("LIC006", "chen", "It was agreed."),))
    assert (
        text(found, preview="https://github.com/acme/gallery/actions/runs/7")
        == f"""\
### Not ready: your turn, mallory (1 thing to fix) <sub>checked `4f2a9c1` at 2026-11-21 15:02 UTC</sub>

A release was changed.

| what | changes |
|---|---|
| `acme/bar` | {_row(text(found), "acme/bar")} |
| `acme/foo-7b` | {_row(text(found), "acme/foo-7b")} |

**Fix**

1. [`registry/models/llm/acme/bar/2.0.0.yaml:41:17`](https://github.com/acme/gallery/blob/{HEAD}/registry/models/llm/\
acme/bar/2.0.0.yaml#L41) [**`IMM002`**](https://gallery.example/rules/#IMM002) A release cannot get other bytes.<br>\
**→** run `galleryctl release acme/bar --bump patch`

<details><summary>1 warning: allowed, but a person has to look</summary>

* `registry/models/llm/acme/bar/model.yaml:3:1` [**`TAX001`**](https://gallery.example/rules/#TAX001) `chatt` is no tag.

</details>

**Approvals**

* one of an owner: ada, bob · `edit` of `acme/bar`

**Lane** by approval, no clock: a licence changes; there is something to fix

**Next** Push to your branch; it is judged again by itself. The same check on your machine: \
`galleryctl check --base origin/main`.

**Set aside**

* `LIC006` by chen: It was agreed.

**See** [preview (download)](https://github.com/acme/gallery/actions/runs/7) · \
[queue](https://gallery.example/review/) · all of it: `galleryctl review show 12`

{MARKER}
"""
    )


def _row(whole: str, subject: str) -> str:
    """The cell of one model: its sentences are tested where they are made."""
    line = next(line for line in whole.splitlines() if line.startswith(f"| `{subject}` |"))
    assert line.endswith(" |")
    return line.removeprefix(f"| `{subject}` | ").removesuffix(" |")


@pytest.mark.parametrize(
    ("found", "given", "first"),
    [
        (verdict(), {}, "### Waiting for an owner: ada or bob (1 approval missing)"),
        (verdict(turn="reviewer", waiting_on=("bob", "chen", "dora")), {}, "### Waiting for a reviewer: bob, chen or"),
        (verdict(turn="clearance", waiting_on=("eve",)), {}, "### Waiting for clearance: eve"),
        (failing(), {}, "### Not ready: your turn, mallory (1 thing to fix)"),
        (failing(problems=(DIGEST, replace(DIGEST, line=43))), {}, "### Not ready: your turn, mallory (2 things"),
        (failing(problems=()), {}, "### Not ready: your turn, mallory"),
        (failing(problems=()), {"conflicts": ("a", "b")}, "### Not ready: your turn, mallory (1 thing to fix)"),
        (verdict(turn="clock", earliest=NOW), {}, "### Waiting for the clock, until 2026-11-21 15:02 UTC"),
        (verdict(state="error", turn="us"), {}, "### Our turn: something on our side failed, you need do nothing"),
        (verdict(state="success", turn="clock"), {}, "### Ready: all that is needed is there"),
    ],
)  # fmt: skip
def test_the_first_line_says_whose_turn_it_is(found: Verdict, given: dict[str, Any], first: str) -> None:
    line = text(found, **given).partition("\n")[0]
    assert line.startswith(first)
    assert line.endswith("<sub>checked `4f2a9c1` at 2026-11-21 15:02 UTC</sub>")


def test_an_automatic_lane_says_when() -> None:
    found = verdict(turn="clock", lane="release", risks=(), approvals=(), earliest=NOW + dt.timedelta(minutes=8))
    whole = text(found)
    assert "**Lane** automatic: `release`, in 8 minutes, at 2026-11-21 15:10 UTC\n" in whole
    assert (
        "Then it is merged by itself. A comment by somebody else stops the clock, unless it says `[noblock]`." in whole
    )


def test_a_lane_that_is_not_automatic_says_why() -> None:
    passed = (PassedOver("release", "the licence changed, @ada"), PassedOver("text", "no"))
    assert (
        "**Lane** by approval, no clock: `release` does not take it, since the licence changed, @&#8203;ada\n"
        in text(verdict(passed_over=passed))
    )
    ready = text(verdict(state="success", turn="us", lane="governance"))
    assert "**Lane** not automatic: `governance` never is\n" in ready
    assert "**Next** An admin merges it by hand.\n" in ready


def test_approvals_say_who_and_what() -> None:
    removal = Need("steward", "remove", "acme/bar", ("chen", "dora", "eve"), 2, ("dora",))
    nobody = Need("consumer", "remove", "acme/bar", ())
    whole = text(verdict(approvals=(replace(OWNERS, given=("bob",)), removal, nobody)))
    assert "* ✓ bob: `edit` of `acme/bar`\n" in whole
    assert "* ✓ dora; one more of a steward: chen, eve · `remove` of `acme/bar`\n" in whole
    assert "and there is nobody who may · `remove` of `acme/bar`\n" in whole
    assert "**Next** They approve" in whole


def test_too_few_people_are_told_apart_from_a_wait() -> None:
    alone = Need("reviewer", "withdraw", "acme/bar", ())
    assert "**Next** An admin grants somebody `withdraw` in `roles.yaml`" in text(verdict(approvals=(alone,)))
    govern = Need("admin", "govern", "registry/roles.yaml", ("bob",), 2, ("bob",))
    whole = text(verdict(turn="admin", lane="governance", approvals=(govern,)))
    assert "**Next** By the rules nobody can let it in" in whole
    assert "review approve" not in whole


def test_reviewers_have_a_date_for_the_first_answer() -> None:
    assert "Expect the first answer by 2026-11-24." in text(answer=NOW + dt.timedelta(hours=72))
    assert "Expect" not in text()
    ours = text(verdict(state="error", turn="us", changes=()), answer=NOW + dt.timedelta(hours=72))
    assert "We try again by ourselves, at least every half hour. Expect the first answer by 2026-11-24." in ours


def test_a_conflict_comes_with_its_commands() -> None:
    whole = text(failing(problems=()), conflicts=("registry/models/llm/acme/bar/model.yaml",))
    assert "* `registry/models/llm/acme/bar/model.yaml`\n" in whole
    assert "\ngit switch add-foo\ngit pull --no-rebase https://github.com/acme/gallery main\n" in whole


@pytest.mark.parametrize(
    ("branch", "word"),
    [
        ("fix", "fix"),
        ("x;reboot", "'x;reboot'"),
        ("a$(id)b", "'a$(id)b'"),
        ("a\u202eb", "YOUR-BRANCH"),
        ("--x", "YOUR-BRANCH"),
        ("<!-- a", "YOUR-BRANCH"),
    ],
)
def test_commands_to_copy_are_safe(branch: str, word: str) -> None:
    assert f"\ngit switch {word}\n" in text(failing(problems=()), conflicts=("a",), branch=branch)
    assert f"git push --force-with-lease origin {word}\n" in astray("develop", LINKS, number=3, branch=branch)


def test_another_base_comes_with_its_commands() -> None:
    whole = astray("develop", LINKS, number=3, branch="fix")
    assert whole.startswith("### Your turn: this asks to be merged into `develop`, and only `main` is published\n")
    assert "git rebase --onto origin/main origin/develop fix\n" in whole
    assert whole.endswith(f"{MARKER}\n")


def test_only_the_time_does_not_count_as_a_change() -> None:
    clock = verdict(turn="clock", lane="release", earliest=NOW + dt.timedelta(hours=5))
    before = comment(report(clock), LINKS, at=NOW, memory="<!-- x -->")
    assert comment(report(clock), LINKS, at=NOW + dt.timedelta(minutes=30), memory="<!-- x -->") != before
    assert unchanged(before, report(clock), LINKS, memory="<!-- x -->")
    assert unchanged(before.replace("\n", "\r\n").rstrip(), report(clock), LINKS, memory="<!-- x -->")
    assert not unchanged(before, report(clock), LINKS, memory="<!-- y -->")
    assert not unchanged(before, report(replace(clock, lane="text")), LINKS, memory="<!-- x -->")
    assert not unchanged("### Ready\n", report(clock), LINKS)


def test_twenty_models_then_counts() -> None:
    many = tuple(Change(f"acme/m{number:02}", Kind.MODEL_ADDED, type="llm") for number in range(23))
    whole = text(verdict(changes=many))
    assert (whole.count("\n| `acme/m"), "and 3 more models (3 × model added)\n" in whole) == (20, True)


def test_many_problems_are_counted() -> None:
    whole = text(failing(problems=tuple(replace(DIGEST, line=number) for number in range(60))))
    assert "\n50. " in whole
    assert "\nand 10 more: 10 × `IMM002`\n" in whole


texts = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=5)), max_size=6).map("".join)
PLAIN = (Kind.FIELD_CHANGED, Kind.LICENCE_CHANGED, Kind.OWNERS_CHANGED, Kind.GOVERNANCE_CHANGED, Kind.STATUS_CHANGED)
made = st.builds(
    verdict,
    turn=st.sampled_from(["author", "owner", "us", "clock"]),
    why=texts,
    waiting_on=st.lists(texts, max_size=3).map(tuple),
    changes=st.lists(
        st.builds(
            Change, texts, st.sampled_from(PLAIN), field=texts, before=texts, after=texts,
            type=st.sampled_from(["", "llm"]),
        ),
        max_size=4,
    ).map(tuple),
    problems=st.lists(
        st.builds(
            Problem, texts, st.integers(1, 9), st.integers(1, 9), st.just("IMM002"), texts, texts,
            st.sampled_from(Severity),
        ),
        max_size=4,
    ).map(tuple),
    approvals=st.lists(
        st.builds(Need, st.just("owner"), texts, texts, st.lists(texts, max_size=3).map(tuple)), max_size=3
    ).map(tuple),
    overrides=st.lists(st.builds(Override, st.just("LIC006"), texts, texts), max_size=3).map(tuple),
)  # fmt: skip


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow], phases=set(Phase) - {Phase.explain})
@given(made, texts, st.lists(texts, max_size=3), texts)
def test_whatever_strangers_write(found: Verdict, author: str, conflicts: list[str], branch: str) -> None:
    whole = text(found, author=author, conflicts=tuple(conflicts), branch=branch)
    assert len(whole) <= LIMIT
    assert whole.count(MARKER) == 1
    assert whole.endswith(f"\n{MARKER}\n")
    assert text(found, author=author, conflicts=tuple(conflicts), branch=branch) == whole
    seen = rendered(whole.removesuffix(f"{MARKER}\n"))
    assert seen.elements <= OWN | {
        "h3", "sub", "strong", "ol", "ul", "li", "a", "br", "details", "summary", "pre",
    }  # fmt: skip
    assert seen.comments == []
    assert "@" not in seen.text.replace("@\u200b", "")
    assert "\u202e" not in whole
    assert (whole.count("<details>"), whole.count("\n</details>\n")) in {(0, 0), (1, 1)}


def test_the_worst_fits() -> None:
    """Texts of which every character becomes many, as many of each as there may be."""
    bad = "$" * 3_000
    changes = tuple(
        Change(f"{number}{bad}", Kind.FIELD_CHANGED, field=bad, after=bad, type="llm") for number in range(99)
    )
    problems = tuple(Problem(bad, number, 1, "IMM002", bad, bad) for number in range(99))
    approvals = tuple(Need("owner", bad, bad, tuple(f"{bad}{number}" for number in range(50))) for _ in range(50))
    overrides = tuple(Override(bad, bad, bad) for _ in range(99))
    found = failing(changes=changes, problems=problems, approvals=approvals, overrides=overrides, why=bad)
    found = replace(found, waiting_on=tuple(f"{bad}{number}" for number in range(50)))
    assert len(text(found, author=bad, conflicts=(), branch=bad)) <= LIMIT
    assert len(text(found, author=bad, conflicts=(bad,) * 99, branch=bad)) <= LIMIT
    assert len(text(replace(found, turn="owner"), branch=bad)) <= LIMIT
