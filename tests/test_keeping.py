"""Commands that keep a gallery, over HTTP: `doctor`, `alarm`, `review expire`, `review upstream`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from forges.accounts import ADA, EVE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Result
    from forges.accounts import Account
    from forges.server import Server

MODEL = "models/llm/acme/tiny/model.yaml"


@pytest.fixture
def keep(
    forge_server: Server, registry: Callable[..., Path], run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """A command beside the registry; `more` is what its one model says besides."""
    monkeypatch.setenv("GITHUB_API_URL", forge_server.url)
    folder = registry()
    text = (folder / MODEL).read_text()

    def call(*words: str, by: Account = ADA, more: str = "") -> Result:
        monkeypatch.setenv("GALLERYCTL_TOKEN", by.token)
        (folder / MODEL).write_text(text + more)
        done = run(*words, cwd=folder.parent)
        assert by.token not in done.stdout + done.stderr
        return done

    return call


def test_doctor_says_what_to_click(keep: Callable[..., Result]) -> None:
    done = keep("doctor")
    assert done.exit_code == 1
    assert "✗ the gate: a merge needs no galleryctl/verdict" in done.stdout
    assert "https://github.com/acme/gallery/settings/rules" in done.stdout
    assert re.search("admins: [0-9]+ people may change the rules", done.stdout), done.stdout
    assert "to change" in done.stderr


def test_doctor_for_machines_and_for_those_who_may_see_little(keep: Callable[..., Result]) -> None:
    states = {each["about"]: each["state"] for each in json.loads(keep("doctor", "--format", "json", by=EVE).stdout)}
    assert states["who may write"] == "unknown"
    assert states["privacy"] == "well"


def test_keep_alive_switches_workflows_on(keep: Callable[..., Result], forge_server: Server) -> None:
    forge_server.state.workflows |= {"sweep": "disabled_inactivity"}
    assert "switched on: sweep" in keep("doctor", "--keep-alive").stderr
    assert "all workflows are on" in keep("doctor", "--keep-alive").stderr


def issues(server: Server) -> list[tuple[str, str]]:
    return [(thread.title, thread.state) for thread in server.state.threads.values() if thread.pull is None]


def test_an_alarm_is_one_issue_that_closes_itself(keep: Callable[..., Result], forge_server: Server) -> None:
    words = ("alarm", "publish", "--run", "https://github.com/acme/gallery/actions/runs/1", "--outcome")
    assert "publish goes on" in keep(*words, "success").stderr
    assert issues(forge_server) == []
    for _ in range(2):
        assert "publish fails" in keep(*words, "failure").stderr
    assert issues(forge_server) == [("The workflow publish fails", "open")]
    assert keep(*words, "cancelled").exit_code == 0
    assert "closed issue" in keep(*words, "success").stderr
    assert issues(forge_server) == [("The workflow publish fails", "closed")]


def test_an_alarm_about_keys_names_the_command_that_says_more(
    keep: Callable[..., Result], forge_server: Server
) -> None:
    words = ("alarm", "keys", "--run", "https://github.com/acme/gallery/actions/runs/1", "--outcome")
    assert "keys need somebody" in keep(*words, "failure").stderr
    (issue,) = (thread for thread in forge_server.state.threads.values() if thread.pull is None)
    assert issue.title == "The keys of the gallery need their holders"
    assert "`galleryctl keys status`" in issue.body
    assert "closed issue" in keep(*words, "success").stderr


def test_what_has_expired_is_proposed(keep: Callable[..., Result], forge_server: Server) -> None:
    expired = "expires: 2026-02-01\nrenewable: true\n"
    done = keep("review", "expire", "--now", "2026-03-01", more=expired)
    assert done.exit_code == 0, done.stderr
    (pull,) = forge_server.forge(ADA).pulls()
    assert pull.title == "Discontinue acme/tiny, which expired"
    assert "1 expired: opened" in done.stderr
    assert "unchanged" in keep("review", "expire", "--now", "2026-03-01", more=expired).stderr
    assert "closed" in keep("review", "expire", "--now", "2026-03-01").stderr


def test_upstream_is_not_given_what_would_replace_the_entries_of_others(
    keep: Callable[..., Result], forge_server: Server
) -> None:
    forge_server.push("main", {"gallery/index.yaml": b"# theirs\n- name: other\n  urls: [a]\n"})
    assert "no public model names" in keep("review", "upstream").stderr
    target = "upstream: [{repo: acme/gallery, path: gallery/index.yaml, runtime: vllm}]\n"
    left = keep("review", "upstream", more=target)
    assert left.exit_code == 0, left.stderr
    assert "left out acme/tiny" in left.stderr
    assert list(forge_server.forge(ADA).pulls()) == []
