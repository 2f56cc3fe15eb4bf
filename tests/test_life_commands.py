"""The life of a model by commands: one field and its reason change, comments stay, and it is said what it means."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from conftest import MINIMAL, git
from terminals import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Files, Result

    Make = Callable[..., Path]
    Run = Callable[..., Result]

TINY = "models/llm/acme/tiny"
NOW = "2026-01-02"
MODEL = """\
# who and what
title: Tiny          # short
summary: A small chat model for tests.
license: Apache-2.0
tags: [chat]         # by which it is found
links: {repository: https://huggingface.co/acme/tiny}   # where

# the end
expires: 2027-06-30  # as agreed
renewable: true
"""
FIRST = MINIMAL[f"{TINY}/1.0.0.yaml"] or ""
SECOND = FIRST.replace("First release.", "Better.  # by far").replace("0a1b2c", "1a1b2c").replace("3f79", "3f78")


def other(name: str, more: str = "") -> Files:
    folder = f"models/llm/acme/{name}"
    return {
        f"{folder}/model.yaml": f"title: {name.title()}\nsummary: Another chat model for tests.\nlicense: MIT\n"
        f"tags: [reasoning]\nlinks: {{repository: https://huggingface.co/acme/{name}}}\n{more}",
        f"{folder}/README.md": MINIMAL[f"{TINY}/README.md"],
        f"{folder}/1.0.0.yaml": FIRST.replace("acme/tiny", f"acme/{name}").replace("3f79bb7b", f"{len(name):08x}"),
    }


HELPDESK = "title: Helpdesk\nowners: [bob]\npins: [{model: acme/tiny, version: 1.0.0}]\n"
WHOLE: Files = {
    f"{TINY}/model.yaml": MODEL,
    f"{TINY}/1.1.0.yaml": SECOND,
    **other("bigger"),
    "gallery.yaml": (MINIMAL["gallery.yaml"] or "") + "runtimes: [vllm, ollama]\n",
}


@pytest.fixture
def folder(registry: Make) -> Path:
    return registry(WHOLE)


def model(folder: Path) -> str:
    """`model.yaml` as it is now."""
    return (folder / TINY / "model.yaml").read_text()


@pytest.fixture
def do(run: Run, folder: Path) -> Callable[..., Result]:
    """A command on the registry that must succeed."""

    def call(*words: str) -> Result:
        done = run(*words, "--registry", folder, "--now", NOW)
        assert done.exit_code == 0, done.stderr
        return done

    return call


def checked(run: Run, folder: Path) -> set[str]:
    """Codes that the check finds; errors end in an exclamation mark."""
    done = run("check", "--registry", folder, "--now", NOW, "--format", "json")
    return {each["code"] + ("!" if each["severity"] == "error" else "") for each in json.loads(done.stdout)}


# -- one file, one field


@pytest.mark.parametrize(
    ("words", "path", "lines", "codes"),
    [
        (
            ("withdraw", "acme/tiny", "--reason", "Under review."),
            "model",
            "listed: false\nreason: Under review.\n",
            set(),
        ),
        (
            ("deprecate", "acme/tiny", "--reason", "Old.", "--successor", "acme/bigger"),
            "model",
            "successor: acme/bigger\nstatus: deprecated\nreason: Old.\n",
            set(),
        ),
        (("deprecate", "acme/tiny", "--reason", "Old."), "model", "status: deprecated\nreason: Old.\n", {"LIF009"}),
        (("deprecate", "acme/tiny@1.0.0", "--reason", "Old."), "1.0.0", "status: deprecated\nreason: Old.\n", set()),
        (
            ("discontinue", "acme/tiny@1.1.0", "--reason", "Bad."),
            "1.1.0",
            "status: discontinued\nreason: Bad.\n",
            set(),
        ),
        (
            ("discontinue", "acme/tiny", "--reason", "No successor: over.", "--yes"),
            "model",
            'status: discontinued\nreason: "No successor: over."\n',
            set(),
        ),
        (("quarantine", "acme/tiny", "--reason", "Evil."), "model", "status: quarantined\nreason: Evil.\n", set()),
        (
            ("quarantine", "acme/tiny@1.0.0", "--reason", "Evil."),
            "1.0.0",
            "status: quarantined\nreason: Evil.\n",
            set(),
        ),
    ],
)
def test_a_step_adds_its_lines_and_the_way_back_takes_them(
    do: Run, run: Run, folder: Path, words: tuple[str, ...], path: str, lines: str, codes: set[str]
) -> None:
    file = folder / TINY / f"{path}.yaml"
    before = file.read_text()
    done = do(*words)
    assert f"registry/{TINY}/{path}.yaml" in done.stdout
    after = file.read_text()
    assert sorted(set(after.splitlines()) - set(before.splitlines())) == sorted(lines.splitlines())
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []
    assert git(folder.parent, "status", "--short").splitlines() == [f" M registry/{TINY}/{path}.yaml"]
    assert checked(run, folder) == codes
    do("deploy" if words[0] == "withdraw" else "reinstate", words[1])
    assert file.read_text() == before


def test_steps_may_follow_each_other(do: Run, folder: Path) -> None:
    do("deprecate", "acme/tiny", "--reason", "Old.", "--successor", "acme/bigger")
    do("discontinue", "acme/tiny", "--reason", "Over.", "--yes")
    text = model(folder)
    assert "successor: acme/bigger\n" in text
    assert "status: discontinued\nreason: Over.\n" in text
    do("quarantine", "acme/tiny", "--reason", "Evil.")
    done = do("reinstate", "acme/tiny")
    assert "Lifting a quarantine takes the approval of stewards." in done.stderr
    assert model(folder) == MODEL


def test_a_withdrawn_model_that_is_reinstated_keeps_its_reason(do: Run, run: Run, folder: Path) -> None:
    do("withdraw", "acme/tiny", "--reason", "Under review.")
    do("deprecate", "acme/tiny", "--reason", "Old.", "--successor", "acme/bigger")
    do("reinstate", "acme/tiny")
    assert "listed: false\nreason: Old.\n" in model(folder)
    assert checked(run, folder) == set()
    do("deploy", "acme/tiny")
    assert model(folder) == MODEL


def test_a_deprecated_model_that_is_deployed_keeps_its_reason(do: Run, folder: Path) -> None:
    do("deprecate", "acme/tiny", "--reason", "Old.", "--successor", "acme/bigger")
    do("withdraw", "acme/tiny", "--reason", "Old, and wrong.")
    do("deploy", "acme/tiny")
    assert "status: deprecated\nreason: Old, and wrong.\n" in model(folder)


def test_json_stays_json(run: Run, registry: Make) -> None:
    text = '{\n  "title": "Tiny",\n  "summary": "A small one.",\n  "license": "MIT"\n}\n'
    folder = registry({f"{TINY}/model.yaml": None, f"{TINY}/model.json": text})
    assert run("withdraw", "acme/tiny", "--reason", 'A "quote".', "--registry", folder).exit_code == 0
    after = (folder / TINY / "model.json").read_text()
    assert json.loads(after) == {**json.loads(text), "listed": False, "reason": 'A "quote".'}
    assert run("deploy", "acme/tiny", "--registry", folder).exit_code == 0
    assert (folder / TINY / "model.json").read_text() == text


def test_what_is_so_already_changes_nothing(do: Run, folder: Path) -> None:
    for words in (("deploy", "acme/tiny"), ("reinstate", "acme/tiny@1.0.0"), ("tag", "acme/tiny", "+chat")):
        assert "says so already; nothing was changed" in do(*words).stderr
    do("visibility", "acme/tiny", "public")
    assert git(folder.parent, "status", "--short") == ""


# -- what it means


def test_a_withdrawal_says_what_disappears(do: Run) -> None:
    said = do("withdraw", "acme/tiny", "--reason", "Under review.").stderr
    assert "leaves lists, search, the sitemap, feeds and v1/types/llm.json, and the exports for vllm and ollama" in said
    assert "Its page models/acme/tiny/ and v1/models/acme/tiny.json stay at their addresses" in said
    assert "The newest release stays 1.1.0." in said
    assert "Pins of acme/tiny@1.1.0 and 1.0.0 resolve, without a warning." in said
    assert "No service in consumers/ pins acme/tiny, and no other model names it." in said
    assert "galleryctl check --base origin/main" in said
    assert "galleryctl submit" in said
    assert "comes into lists" in do("deploy", "acme/tiny").stderr


def test_the_newest_release_that_ends_gives_way_to_the_next(do: Run) -> None:
    said = do("discontinue", "acme/tiny@1.1.0", "--reason", "Bad.").stderr
    assert "The newest release: 1.1.0 → 1.0.0." in said
    assert "Pins of acme/tiny@1.1.0 go on resolving, with a warning that says: discontinued, and why." in said
    assert "It stays in lists" in said


def test_a_quarantine_says_that_copies_stop(do: Run) -> None:
    said = do("quarantine", "acme/tiny", "--reason", "Evil.").stderr
    assert "are refused, and runtimes that sync stop copies they have: v1/revoked.json names them." in said
    assert "The newest release: 1.1.0 → none." in said


def test_those_who_use_it_are_named_and_so_is_what_checks_will_say(run: Run, registry: Make) -> None:
    folder = registry({**WHOLE, **other("heir", "base_models: [acme/tiny]\n"), "consumers/helpdesk.yaml": HELPDESK})
    done = run("discontinue", "acme/tiny", "--reason", "No successor.", "--yes", "--registry", folder, "--now", NOW)
    assert done.exit_code == 0
    assert "acme/heir was made from it (registry/models/llm/acme/heir/model.yaml)." in done.stderr
    assert "Service helpdesk pins acme/tiny@1.0.0 (registry/consumers/helpdesk.yaml; owners: bob)." in done.stderr
    assert "What checks will say of it:" in done.stderr
    assert "REF005 warn: acme/tiny@1.0.0 is discontinued" in done.stderr


def test_a_release_is_never_better_off_than_its_model(do: Run) -> None:
    do("discontinue", "acme/tiny", "--reason", "No successor.", "--yes")
    said = do("deprecate", "acme/tiny@1.0.0", "--reason", "Old.").stderr
    assert "acme/tiny@1.0.0 counts as discontinued, because its model is discontinued." in said
    assert "As before it is not in lists" in said
    assert ": it is discontinued." in said


def test_of_many_who_use_it_the_first_are_named(run: Run, registry: Make) -> None:
    many = {f"consumers/service-{number}.yaml": HELPDESK for number in range(30)}
    done = run("withdraw", "acme/tiny", "--reason", "x", "--registry", registry({**WHOLE, **many}), "--now", NOW)
    assert done.stderr.count("pins acme/tiny@1.0.0") == 20
    assert "And 10 more: galleryctl dependents acme/tiny" in done.stderr


def test_the_branch_of_the_settings_is_named(run: Run, registry: Make) -> None:
    folder = registry({"gallery.yaml": "title: Test gallery\nbranch: trunk\n"})
    done = run("tag", "acme/tiny", "+reasoning", "--registry", folder)
    assert f"galleryctl check --base origin/trunk --registry {folder}" in done.stderr


# -- what is refused


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("withdraw", "acme/tiny"),
            "a reason is missing (LIF002): users see it, and act by it; add one sentence: galle",
        ),
        (("quarantine", "acme/tiny", "--reason", "  "), "a reason is missing (LIF002)"),
        (("withdraw", "acme/tiny@1.0.0", "--reason", "x"), "withdraw is about a whole model"),
        (("deploy", "acme/tyni"), "there is no model acme/tyni; did you mean acme/tiny"),
        (("deprecate", "acme/tiny@2.0.0", "--reason", "x"), "acme/tiny has no release 2.0.0; it has 1.1.0, 1.0.0"),
        (("deprecate", "acme/tiny@", "--reason", "x"), "names no version"),
        (("deprecate", "acme/tiny", "--reason", "x", "--successor", "acme/tiny"), "cannot be its own successor"),
        (("deprecate", "acme/tiny", "--reason", "x", "--successor", "acme/biger"), "did you mean acme/bigger"),
        (("deprecate", "acme/tiny@1.0.0", "--reason", "x", "--successor", "acme/bigger"), "a release has no successor"),
        (("discontinue", "acme/bigger@1.0.0", "--reason", "x"), "no active or deprecated release left (LIF003)"),
        (("discontinue", "acme/tiny", "--reason", "x"), "there is no terminal: add --yes"),
        (("expire", "acme/tiny", "--on", "2026-01-02"), "2026-01-02 is today, and users need time; to end it now"),
        (("expire", "acme/tiny", "--on", "2025-12-31"), "is past"),
        (("expire", "acme/tiny", "--on", "soon"), "'soon' is no day; write it like 2027-01-31"),
        (("expire", "acme/tiny", "--on", "2027-01-31"), "is sooner (TRM002)"),
        (("expire", "acme/tiny", "--on", "2028-01-31"), "is later: galleryctl renew acme/tiny --until 2028-01-31"),
        (("expire", "acme/bigger", "--on", "2099-01-31"), "policy.yaml allows 1830 days, so 2031-01-06 at the latest"),
        (("renew", "acme/tiny", "--until", "2027-06-30"), "2027-06-30 is no renewal: acme/tiny expires on 2027-06-30"),
        (("renew", "acme/bigger", "--until", "2027-06-30"), "acme/bigger does not expire"),
        (("visibility", "acme/tiny", "organisation"), "cannot be un-published (VIS001)"),
        (("visibility", "acme/tiny", "restricted", "--allow", "acme"), "galleryctl withdraw acme/tiny"),
        (("visibility", "acme/tiny", "publc"), "there is no visibility publc; did you mean public"),
        (("visibility", "acme/tiny", "public", "--allow", "ada"), "public needs no names"),
        (("edit", "acme/tiny", "visibility=private"), "cannot be un-published (VIS001)"),
        (("tag", "acme/tiny", "+resoning"), "'resoning' is no tag of taxonomy.yaml (TAX001)"),
        (("tag", "acme/tiny", "+resoning"), "did you mean reasoning?"),
        (("tag", "acme/tiny", "-reasoning"), "acme/tiny does not have the tag reasoning; it has chat"),
        (("tag", "acme/tiny", "reasoning"), "write +reasoning or -TAG"),
        (("tag", "acme/tiny", "+chat", "-chats"), "chat: added and taken at once"),
    ],
)
def test_what_is_refused_changes_nothing(run: Run, folder: Path, words: tuple[str, ...], said: str) -> None:
    now = () if words[0] == "edit" else ("--now", NOW)
    done = run(*words, "--registry", folder, *now)
    assert done.exit_code == 2
    assert said in done.stderr
    assert git(folder.parent, "status", "--short") == ""


@pytest.mark.parametrize(("before", "command"), [("discontinued", "deprecate"), ("quarantined", "deprecate")])
def test_a_step_that_does_not_exist_names_the_one_that_comes_first(
    run: Run, registry: Make, before: str, command: str
) -> None:
    folder = registry({f"{TINY}/model.yaml": f"{MODEL}status: {before}\nreason: No successor.\n"})
    done = run(command, "acme/tiny", "--reason", "x", "--registry", folder)
    assert done.exit_code == 2
    assert f"acme/tiny is {before}, and cannot become deprecated (LIF001)" in done.stderr
    assert "first: galleryctl reinstate acme/tiny" in done.stderr


def test_a_model_that_is_active_and_withdrawn_is_deployed_not_reinstated(run: Run, registry: Make) -> None:
    folder = registry({f"{TINY}/model.yaml": f"{MODEL}listed: false\nreason: Later.\n"})
    done = run("reinstate", "acme/tiny", "--registry", folder)
    assert (done.exit_code, "galleryctl deploy acme/tiny" in done.stderr) == (2, True)


def test_an_edit_that_is_not_committed_and_a_step_are_two_pull_requests(run: Run, folder: Path) -> None:
    assert run("edit", "acme/tiny", "summary=A better chat model.", "--registry", folder).exit_code == 0
    edited = model(folder)
    done = run("withdraw", "acme/tiny", "--reason", "Later.", "--registry", folder, "--now", NOW)
    assert done.exit_code == 1
    assert "LIF004" in done.stderr
    assert "nothing was changed" in done.stderr
    assert model(folder) == edited


BADLY = "models/llm/acme/badly/model.yaml"


def test_a_model_with_errors_cannot_be_judged(run: Run, registry: Make) -> None:
    folder = registry(
        {f"{TINY}/1.0.0.yaml": "variants: 3\n", f"{TINY}/1.1.0.yaml": SECOND, **other("badly"), BADLY: "license: MIT\n"}
    )
    for words in (("withdraw", "acme/badly"), ("deprecate", "acme/tiny@1.0.0")):
        done = run(*words, "--reason", "x", "--registry", folder)
        assert done.exit_code == 2
        assert f"{words[1]} has errors" in done.stderr


def test_what_strangers_wrote_moves_no_cursor(run: Run, registry: Make) -> None:
    folder = registry({f"{TINY}/model.yaml": MODEL + 'listed: false\nreason: "a\\e[2Jb"\n'})
    done = run("withdraw", "acme/tiny", "--reason", "Later.", "--registry", folder)
    assert (done.exit_code, "\x1b" in done.stdout) == (0, False)
    assert r"a\x1b[2Jb → Later." in done.stdout


# -- expiry


def test_a_date_is_set_brought_forward_with_a_reason_and_put_off(do: Run, run: Run, folder: Path) -> None:
    done = do("expire", "acme/tiny", "--on", "2027-01-31", "--reason", "The licence of its data ends.")
    assert "From 2027-01-31 instead of 2027-06-30 on it counts as discontinued, without a commit" in done.stderr
    assert "expires: 2027-01-31  # as agreed\n" in model(folder).replace('"', "")
    assert "reason: The licence of its data ends.\n" in model(folder)
    assert checked(run, folder) == set()
    do("renew", "acme/tiny", "--until", "2027-06-30")
    assert model(folder).replace('"', "") == MODEL
    assert checked(run, folder) == set()


def test_what_is_not_renewable_stays_so(run: Run, registry: Make) -> None:
    folder = registry({f"{TINY}/model.yaml": MODEL.replace("renewable: true\n", "")})
    done = run("renew", "acme/tiny", "--until", "2028-01-31", "--registry", folder)
    assert done.exit_code == 2
    assert "acme/tiny is not renewable" in done.stderr


def test_a_model_that_has_expired_can_be_renewed(run: Run, folder: Path) -> None:
    words = ("renew", "acme/tiny", "--registry", folder, "--now", "2027-08-01", "--until")
    assert "name a day later than today, 2027-08-01" in run(*words, "2027-07-31").stderr
    done = run(*words, "2028-01-31")
    assert done.exit_code == 0
    assert "comes into lists" in done.stderr
    assert "The newest release: none → 1.1.0." in done.stderr


# -- questions


def test_a_terminal_is_asked_before_a_model_is_discontinued(folder: Path) -> None:
    words = ("discontinue", "acme/tiny", "--reason", "No successor.", "--now", NOW)
    terminal = Terminal(*words, cwd=folder.parent)
    shown = terminal.until("[y/N]:")
    assert "A small chat model for tests." in shown
    assert "What this means:" in shown
    terminal.say("n\n")
    assert terminal.ended() == 1
    assert "nothing was changed" in terminal.text
    assert model(folder) == MODEL
    terminal = Terminal(*words, cwd=folder.parent)
    terminal.until("[y/N]:")
    terminal.say("y\n")
    assert terminal.ended() == 0
    assert "status: discontinued\n" in model(folder)


@pytest.mark.parametrize("command", ["discontinue", "remove"])
def test_what_somebody_changes_while_it_asks_is_not_lost(folder: Path, command: str) -> None:
    terminal = Terminal(command, "acme/tiny", "--reason", "x", "--now", NOW, cwd=folder.parent)
    terminal.until("[y/N]:")
    (folder / TINY / "model.yaml").write_text(f"{MODEL}# mine\n")
    terminal.say("y\n")
    assert terminal.ended() == 3
    assert "was changed in the meantime" in " ".join(terminal.text.split())
    assert model(folder) == f"{MODEL}# mine\n"


def test_ctrl_c_at_the_question_changes_nothing(folder: Path) -> None:
    terminal = Terminal("remove", "acme/tiny", "--reason", "x", "--now", NOW, cwd=folder.parent)
    terminal.until("[y/N]:")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.ended() == 130
    assert git(folder.parent, "status", "--short") == ""


@pytest.mark.parametrize("columns", [40, 120])
def test_lines_are_as_wide_as_the_terminal(folder: Path, columns: int) -> None:
    words = ("withdraw", "acme/tiny", "--reason", "Later.", "--now", NOW)
    terminal = Terminal(*words, cwd=folder.parent, columns=columns)
    assert terminal.ended() == 0
    said = terminal.text.replace("\r", "").partition("What this means:")[2].partition("Next:")[0]
    assert max(map(len, said.splitlines())) < columns
    assert "  * It leaves lists, search, the" in said
