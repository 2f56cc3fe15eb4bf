"""A ceremony as people have it: each in a clone of their own, each with a key that nobody else sees."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

import pytest
from securesystemslib.signer import CryptoSigner, Signature

from conftest import git
from galleryctl.signing import ceremony, draft, metadata, pairs
from galleryctl.signing.errors import SignatureError
from galleryctl.signing.trust import Trust
from terminals import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result

    Run = Callable[..., Result]

PEOPLE = ("ada", "bob", "chen")
HOLDERS = [word for name in PEOPLE for word in ("--holder", f"{name}=../{name}.pub")]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A repository, and beside it the keys of everybody."""
    for name in (*PEOPLE, "dora", "online", "online-2"):
        pairs.make(tmp_path / f"{name}.pem", "ecdsa" if name in {"bob", "online"} else "ed25519")
    (tmp_path / "gallery" / "registry").mkdir(parents=True)
    git(tmp_path / "gallery", "init", "-q", "-b", "main")
    return tmp_path / "gallery"


def start(run: Run, desk: Path, *more: str) -> Result:
    return run("keys", "ceremony", "start", *HOLDERS, "--online", "../online.pub", *more, cwd=desk)


def sign(run: Run, desk: Path, *names: str) -> list[Result]:
    return [run("keys", "ceremony", "sign", "--key", f"../{name}.pem", "--yes", cwd=desk) for name in names]


def holding(run: Run, desk: Path) -> Trust:
    """The first root, by two of three."""
    assert start(run, desk).exit_code == 0
    assert [done.exit_code for done in sign(run, desk, "ada", "bob")] == [0, 0]
    assert run("keys", "ceremony", "finish", cwd=desk).exit_code == 0
    return Trust.read(desk / "registry/trust")


def files(desk: Path) -> dict[str, bytes]:
    return {str(path.relative_to(desk)): path.read_bytes() for path in (desk / "registry").rglob("*") if path.is_file()}


def answer(terminal: Terminal, question: str, said: str) -> None:
    end = time.monotonic() + 30
    while question not in terminal.text and time.monotonic() < end:
        terminal.until(question, seconds=0.1)
    terminal.until(seconds=0.3)  # the prompt is drawn before it listens
    terminal.say(said)


def test_two_of_three_in_clones_of_their_own(run: Run, desk: Path, tmp_path: Path) -> None:
    started = start(run, desk)
    assert started.exit_code == 0, started.stderr
    assert "root 1: 0 of 2 signatures of the holders of root 1; still needs 2 of ada (" in started.stdout
    assert "commit the draft and hand it on" in started.stderr
    assert "keys ceremony finish" not in started.stderr  # two have to sign before
    git(desk, "add", "--all")
    git(desk, "commit", "-q", "-m", "draft")
    at = desk
    for name in ("chen", "bob"):
        clone = tmp_path / f"clone-{name}"
        git(tmp_path, "clone", "-q", str(at), str(clone))
        (done,) = sign(run, clone, name)
        assert done.exit_code == 0, done.stderr
        assert "root 1 and targets 1 signed" in done.stderr
        git(clone, "commit", "-q", "-a", "-m", f"sign: {name}")
        at = clone
    assert "finish" in run("keys", "ceremony", cwd=at).stderr
    assert run("keys", "ceremony", "finish", cwd=at).exit_code == 0
    trust = Trust.read(at / "registry/trust")
    assert [key.unrecognized_fields for key in trust.keys("timestamp")] == [{}]
    names = {key.unrecognized_fields["x-galleryctl-holder"] for key in trust.keys("root")}
    assert names == set(PEOPLE)
    assert sorted(files(at)) == ["registry/trust/1.root.json", "registry/trust/1.targets.json"]
    assert all(b"PRIVATE" not in data and data.isascii() for data in files(at).values())


def test_what_is_signed_is_said_by_the_files(run: Run, desk: Path) -> None:
    trust = holding(run, desk)
    proposed = run("keys", "rotate", "online", "--key", "../online-2.pub", cwd=desk)
    old, new = trust.online[0].keyid[:12], pairs.public(desk / "../online-2.pub").keyid[:12]
    for line in (
        f"  - timestamp: {old} counts no more",
        f"  + timestamp: {new} counts from now on",
        f"  + catalog: {new} counts from now on",
    ):
        assert line in proposed.stdout.splitlines()
    assert "root 2: 0 of 2 signatures of the holders of root 1" in proposed.stdout
    path = desk / "registry/trust/draft/2.root.json"
    data = json.loads(path.read_bytes())
    data["signed"]["roles"]["root"]["threshold"] = 1  # somebody slips it in
    path.write_text(json.dumps(data))
    (shown,) = sign(run, desk, "ada")
    assert "  ! root needs 1 signatures instead of 2" in shown.stdout.splitlines()
    assert shown.stdout.count("SHA-256 of what is signed: ") == 2


def test_each_step_twice_is_one_step(run: Run, desk: Path) -> None:
    start(run, desk)
    sign(run, desk, "ada")
    held = files(desk)
    assert "proposed already" in start(run, desk).stderr
    assert "has signed already" in sign(run, desk, "ada")[0].stderr
    assert files(desk) == held
    sign(run, desk, "bob")
    run("keys", "ceremony", "finish", cwd=desk)
    held = files(desk)
    again = run("keys", "ceremony", "finish", cwd=desk)
    assert (again.exit_code, "nothing is proposed; root 1 holds" in again.stderr) == (0, True)
    for words in (("rotate", "online", "--key", "../online.pub"), ("rotate", "root", "--key", "ada=../ada.pub")):
        assert "it is so already" in run("keys", *words, cwd=desk).stderr
    assert files(desk) == held


def test_looking_writes_nothing(run: Run, desk: Path) -> None:
    for words in (("ceremony",), ("status",), ("ceremony", "finish"), ("ceremony", "sign", "--key", "../ada.pem")):
        run("keys", *words, cwd=desk)
        assert files(desk) == {}
    start(run, desk)
    held = files(desk)
    for words in (("ceremony",), ("status",), ("ceremony", "finish")):
        run("keys", *words, cwd=desk)
        assert files(desk) == held


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ceremony", "start", "--holder", "ada", "--online", "../online.pub"), "write NAME=PUBLIC"),
        (("ceremony", "start"), "name the holders"),
        (("ceremony", "start", "--holder", "ada=../ada.pem", "--online", "../online.pub"), "stays with its holder"),
        (("ceremony", "start", "--holder", "a b=../ada.pub", "--online", "../online.pub"), "no name for a holder"),
        (("ceremony", "start", "--holder", "ada=../ada.pub", "--online", "../ada.pub"), "must not count twice"),
        (
            ("ceremony", "start", "--holder", "a=../ada.pub", "--holder", "b=../ada.pub", "--online", "../online.pub"),
            "must not count twice",
        ),
        (("ceremony", "start", *HOLDERS, "--threshold", "4", "--online", "../online.pub"), "needs 4 signatures"),
        (("rotate", "online", "--key", "../online.pub"), "there is no trust yet"),
        (("renew",), "there is no trust yet"),
        (("ceremony", "finish"), "nothing is proposed"),
    ],
)
def test_a_beginning_that_cannot_be(run: Run, desk: Path, words: tuple[str, ...], message: str) -> None:
    done = run("keys", *words, cwd=desk)
    assert done.exit_code in {2, 3}
    assert message in " ".join(done.stderr.split())
    assert files(desk) == {}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("rotate", "root"), "what should change"),
        (("rotate", "root", "--remove", "zoe"), "nobody here is called zoe"),
        (("rotate", "root", "--add", "dora=../ada.pub"), "must not count twice"),
        (("rotate", "root", "--add", "dora=../online.pub"), "must not count twice"),
        (("rotate", "root", "--remove", "ada", "--remove", "bob"), "needs 2 signatures and has 1 keys"),
        (("rotate", "online"), "keys make --out online.pem"),
        (("rotate", "online", "--key", "../ada.pub"), "is the key of a holder"),
        (("rotate", "online", "--threshold", "2"), "there is no --threshold"),
        (("rotate", "online", "--key", "../online-2.pub", "--add", "../dora.pub"), "nothing to add"),
        (("ceremony", "start", *HOLDERS, "--online", "../online.pub"), "has a root already"),
        (("ceremony", "sign", "--key", "../ada.pem", "--yes"), "nothing is proposed"),
    ],
)
def test_a_change_that_cannot_be(run: Run, desk: Path, words: tuple[str, ...], message: str) -> None:
    holding(run, desk)
    held = files(desk)
    done = run("keys", *words, cwd=desk)
    assert done.exit_code in {2, 3}
    assert message in " ".join(done.stderr.split())
    assert files(desk) == held


def test_the_only_online_key_goes_with_a_successor(run: Run, desk: Path) -> None:
    trust = holding(run, desk)
    done = run("keys", "revoke", trust.online[0].keyid[:12], cwd=desk)
    assert (done.exit_code, "keys recover --online PUBLIC" in done.stderr) == (2, True)
    assert run("keys", "rotate", "online", "--add", "../online-2.pub", cwd=desk).exit_code == 0
    sign(run, desk, "ada", "bob")
    run("keys", "ceremony", "finish", cwd=desk)
    assert len(Trust.read(desk / "registry/trust").online) == 2
    assert run("keys", "revoke", trust.online[0].keyid[:12], cwd=desk).exit_code == 0
    sign(run, desk, "chen", "bob")
    run("keys", "ceremony", "finish", cwd=desk)
    (left,) = Trust.read(desk / "registry/trust").online
    assert left.keyid == pairs.public(desk / "../online-2.pub").keyid


def test_with_two_left_the_third_is_replaced_and_not_revoked(run: Run, desk: Path) -> None:
    holding(run, desk)
    assert run("keys", "revoke", "chen", cwd=desk).exit_code == 0
    sign(run, desk, "ada", "bob")
    run("keys", "ceremony", "finish", cwd=desk)
    status = run("keys", "status", cwd=desk)
    assert (status.exit_code, "all 2 holders of root have to sign" in status.stdout) == (1, True)
    done = run("keys", "revoke", "bob", cwd=desk)
    assert (done.exit_code, "keys rotate root --key NAME=PUBLIC" in done.stderr) == (2, True)


def test_targets_that_would_not_hold_are_signed_anew(run: Run, desk: Path) -> None:
    """The only holder who signed them leaves: under the new root they would have no signature."""
    start(run, desk)
    sign(run, desk, "ada", "bob")
    run("keys", "ceremony", "finish", cwd=desk)
    data = json.loads((desk / "registry/trust/1.targets.json").read_bytes())
    data["signatures"] = data["signatures"][:1]
    (desk / "registry/trust/1.targets.json").write_text(json.dumps(data))
    done = run("keys", "rotate", "root", "--remove", "ada", "--add", "dora=../dora.pub", cwd=desk)
    assert "targets 2: 0 of 1 signatures" in done.stdout
    kept = run("keys", "ceremony", "discard", cwd=desk)
    assert "2.root.json, 2.targets.json given up" in kept.stderr
    done = run("keys", "rotate", "root", "--remove", "chen", "--add", "dora=../dora.pub", cwd=desk)
    assert "targets" not in done.stdout.replace("  targets", "").replace("+ targets", "").replace("- targets", "")


def test_one_ceremony_at_a_time(run: Run, desk: Path) -> None:
    holding(run, desk)
    run("keys", "renew", cwd=desk)
    sign(run, desk, "ada")
    held = files(desk)
    done = run("keys", "rotate", "online", "--key", "../online-2.pub", cwd=desk)
    assert (done.exit_code, "proposed already, and is another" in done.stderr) == (3, True)
    assert files(desk) == held
    assert run("keys", "ceremony", "discard", cwd=desk).exit_code == 0
    assert "nothing was proposed" in run("keys", "ceremony", "discard", cwd=desk).stderr
    assert run("keys", "rotate", "online", "--key", "../online-2.pub", cwd=desk).exit_code == 0


def test_a_broken_draft_is_refused_and_can_be_given_up(run: Run, desk: Path) -> None:
    holding(run, desk)
    run("keys", "renew", cwd=desk)
    path = desk / "registry/trust/draft/2.root.json"
    for text in ("{", '{"signed": {}, "signatures": []}', path.read_text().replace('"version":2', '"version":3')):
        path.write_text(text)
        for words in (("ceremony",), ("ceremony", "sign", "--key", "../ada.pem", "--yes"), ("ceremony", "finish")):
            done = run("keys", *words, cwd=desk)
            assert done.exit_code == 3, (words, done.stderr)
            assert "2.root.json" in done.stderr
    assert run("keys", "status", cwd=desk).exit_code == 1
    assert run("keys", "ceremony", "discard", cwd=desk).exit_code == 0
    assert run("keys", "status", cwd=desk).exit_code == 0


def test_two_who_sign_at_once_are_told_what_to_do(run: Run, desk: Path, tmp_path: Path) -> None:
    start(run, desk)
    git(desk, "add", "registry")
    git(desk, "commit", "-q", "-m", "propose")
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(desk), str(other))
    for place, holder in ((desk, "ada"), (other, "bob")):
        sign(run, place, holder)
        git(place, "commit", "-q", "-a", "-m", holder)
    with pytest.raises(AssertionError, match=r"(?i)could not apply"):
        git(other, "pull", "-q", "--rebase")
    told = run("keys", "ceremony", cwd=other)
    assert told.exit_code == 3
    assert "git left 1.root.json in a conflict, because two signed at once" in told.stderr
    git(other, "checkout", "-q", "--ours", "registry/trust/draft")
    git(other, "add", "registry/trust")
    sign(run, other, "bob")
    assert run("keys", "ceremony", "finish", cwd=other).exit_code == 0


def test_a_signature_that_is_not_right_does_not_count(run: Run, desk: Path) -> None:
    start(run, desk)
    sign(run, desk, "ada")
    state = draft.read(desk / "registry/trust")
    assert state.root is not None
    made = next(iter(state.root.signatures.values()))
    bob = pairs.public(desk / "../bob.pub")
    state.root.signatures[bob.keyid] = type(made)(bob.keyid, made.signature)
    draft.write(state.folder, [state.root])
    with pytest.raises(SignatureError, match="root 1 has 1 of 2"):
        draft.finish(state.folder)
    assert "has signed already" not in sign(run, desk, "bob")[0].stderr
    assert draft.finish(state.folder).root.version == 1


def test_status_counts_no_days_below_none(run: Run, desk: Path) -> None:
    holding(run, desk)
    told = run("keys", "status", "--now", "2099-01-01", cwd=desk)
    assert told.exit_code == 1
    assert ", expired; 2 of ada" in told.stdout
    assert "-" not in told.stdout.splitlines()[0].partition("until ")[2][10:]


def test_status_for_machines(run: Run, desk: Path) -> None:
    none = json.loads(run("keys", "status", "--format", "json", cwd=desk).stdout)
    assert (none["signed"], none["due"], len(none["next"])) == (False, [], 1)
    trust = holding(run, desk)
    found = json.loads(run("keys", "status", "--format", "json", cwd=desk).stdout)
    assert [role["role"] for role in found["roles"]] == ["root", "targets", "catalog", "snapshot", "timestamp"]
    root, _, catalog, *_ = found["roles"]
    assert (root["threshold"], root["version"], root["days"]) == (2, 1, 364)
    assert root["expires"] == trust.root.expires.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert [key["holder"] for key in root["keys"]] == list(PEOPLE)
    assert catalog == {"role": "catalog", "threshold": 1, "keys": [{"id": trust.online[0].keyid, "type": "ecdsa"}]}
    assert (found["due"], found["next"], found["ceremony"]) == ([], [], [])
    later = (trust.root.expires - metadata.TOLD).isoformat()
    due = run("keys", "status", "--within", "61d", "--format", "json", "--now", later, cwd=desk)
    assert due.exit_code == 1
    assert len(json.loads(due.stdout)["due"]) == 2
    assert run("keys", "status", "--within", "59d", "--now", later, cwd=desk).exit_code == 0
    assert run("keys", "status", "--within", "soon", cwd=desk).exit_code == 2
    shutil.copy(desk / "registry/trust/1.root.json", desk / "registry/trust/2.root.json")
    broken = run("keys", "status", cwd=desk)
    assert (broken.exit_code, "due: " in broken.stdout) == (1, True)


def test_a_key_of_a_service_is_named(run: Run, desk: Path) -> None:
    start(run, desk)
    words = ("keys", "ceremony", "sign", "--yes", "--key", f"file2:{desk.parent / 'bob.pem'}")
    assert "--as" in run(*words, cwd=desk).stderr
    assert "nobody" in run(*words, "--as", "zoe", cwd=desk).stderr
    done = run(*words, "--as", "bob", cwd=desk)
    assert (done.exit_code, "bob (" in done.stderr) == (0, True)
    assert run(*words[:4], "--key", f"file2:{desk.parent / 'bob.pem'}", "--as", "ada", cwd=desk).exit_code == 3


class Token(CryptoSigner):
    """A token that its holder took out, or that holds another key than it says."""

    lies = False

    def sign(self, payload: bytes) -> Signature:
        if not self.lies:
            raise OSError("no token in the reader")
        return super().sign(payload + b" and more")


def test_a_token_that_does_not_sign_changes_nothing(run: Run, desk: Path) -> None:
    start(run, desk)
    held, token = files(desk), Token(pairs.from_file(desk.parent / "ada.pem", password=str)._private_key)  # noqa: SLF001
    with pytest.raises(SignatureError, match=r"gave no signature: .*no token in the reader"):
        ceremony.sign(draft.read(desk / "registry/trust"), token)
    token.lies = True
    with pytest.raises(SignatureError, match="a signature that is not its own"):
        ceremony.sign(draft.read(desk / "registry/trust"), token)
    assert files(desk) == held


def test_nothing_is_signed_unread(run: Run, desk: Path) -> None:
    start(run, desk)
    held = files(desk)
    done = run("keys", "ceremony", "sign", "--key", "../ada.pem", cwd=desk)
    assert (done.exit_code, "say so with --yes" in done.stderr) == (2, True)
    terminal = Terminal("keys", "ceremony", "sign", "--key", "../ada.pem", cwd=desk, columns=60)
    answer(terminal, "y/N", "n\r")
    assert terminal.ended() == 1
    assert files(desk) == held
    terminal = Terminal("keys", "ceremony", "sign", "--key", "../ada.pem", cwd=desk, columns=120)
    answer(terminal, "y/N", "y\r")
    assert terminal.ended() == 0, terminal.text
    assert files(desk) != held


def test_a_draft_of_somebody_else_draws_nothing_on_the_terminal(run: Run, desk: Path) -> None:
    start(run, desk)
    path = desk / "registry/trust/draft/1.root.json"
    data = json.loads(path.read_bytes())
    key = next(each for each in data["signed"]["keys"].values() if each.get("x-galleryctl-holder") == "chen")
    key["x-galleryctl-holder"] = "bob\x1b[2K\u202e"
    path.write_text(json.dumps(data))
    for words in (("ceremony",), ("status",), ("ceremony", "sign", "--yes", "--key", "../ada.pem")):
        done = run("keys", *words, cwd=desk)
        assert done.exit_code == 0
        assert not {"\x1b", "\u202e"} & set(done.stdout + done.stderr)


@pytest.mark.parametrize("columns", [60, 120])
def test_lines_fit_the_terminal(run: Run, desk: Path, columns: int) -> None:
    holding(run, desk)
    run("keys", "rotate", "online", "--key", "../online-2.pub", cwd=desk)
    for words in (("status", "--within", "900d"), ("ceremony",)):
        terminal = Terminal("keys", *words, cwd=desk, columns=columns)
        terminal.ended()
        lines = terminal.text.replace("\r", "").splitlines()
        assert "next:" in lines
        assert any("chen" in line for line in lines)
        assert [line for line in lines if len(line) > columns and "SHA-256" not in line and len(line.split()) > 1] == []


def test_a_terminal_is_asked_for_what_is_not_given(desk: Path) -> None:
    terminal = Terminal("keys", "ceremony", "start", cwd=desk)
    for number, name in enumerate(PEOPLE, 1):
        answer(terminal, f"Holder {number} of the root", f"{name}=../{name}.pub\r")
    answer(terminal, "Holder 4 of the root", "\r")
    answer(terminal, "How many of them sign a root?", "\r")
    answer(terminal, "Public half of the online key", "\x15../online.pub\r")
    assert terminal.ended() == 0, terminal.text
    state = draft.read(desk / "registry/trust")
    assert state.root is not None
    assert state.root.signed.roles["root"].threshold == 2
    assert len(state.root.signed.roles["root"].keyids) == 3


def test_a_proposal_that_was_half_written_is_whole_the_next_time(run: Run, desk: Path) -> None:
    holding(run, desk)
    run("keys", "renew", cwd=desk)
    sign(run, desk, "ada")
    (desk / "registry/trust/draft/2.targets.json").unlink()
    assert run("keys", "renew", cwd=desk).exit_code == 0
    state = draft.read(desk / "registry/trust")
    assert [(ask.what, len(ask.signed)) for ask in state.asks()] == [("root 2", 1), ("root 2", 1), ("targets 2", 0)]
