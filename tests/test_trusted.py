"""GOV008 and GOV009 beyond their samples, and what a change of the keys is in a review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from galleryctl.changes import places
from galleryctl.checks import trusted
from judged import messages, problems
from proposing import ROLES, Story

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE = Path(__file__).parent / "samples" / "GOV008" / "good" / "registry" / "trust"
TRUST: dict[str, str | bytes | None] = {
    f"trust/{path.relative_to(SAMPLE)}": path.read_text() for path in sorted(SAMPLE.rglob("*.json"))
}


def test_trust_has_a_place_and_governs() -> None:
    assert len(TRUST) == 5
    assert messages(TRUST, "PTH002") == []
    for path in TRUST:
        assert places.governs(f"registry/{path}", "registry")
        assert places.content(f"registry/{path}", "registry") is None
    assert not places.governs("registry/trust/online.pem", "registry")
    assert [problem.path for problem in problems({"trust/online.pem": "x"}, "PTH002")] == ["registry/trust/online.pem"]


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
        '{"keyval": {"private" : "5e5e"}}',
        '{"kty": "OKP", "d": "AAAA"}',
    ],
)
def test_a_private_key_is_found_whatever_it_is_wrapped_in(text: str) -> None:
    found = messages({**TRUST, "trust/2.targets.json": text}, "GOV008")
    assert "a private key: only public halves belong here" in found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "it is nested too deep"),
        ("null", "it is no metadata of targets: the document: Input should be"),
        ('{"signatures": [], "signed": {"_type": "root"}}', "signed._type: Input should be 'targets'"),
        ("\udcff".encode("utf-8", "surrogateescape"), "it is no JSON"),
    ],
)
def test_what_is_no_metadata_is_told_in_a_sentence(text: str | bytes, message: str) -> None:
    raw = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ValueError, match=r"^it is") as caught:
        trusted.read("targets", raw)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_too_large_is_told_once_and_not_read() -> None:
    large = json.dumps({"signed": "x" * 70_000})
    assert len(messages({**TRUST, "trust/2.targets.json": large}, "PTH005")) == 1
    assert messages({**TRUST, "trust/2.targets.json": large}, "GOV008") == []


def test_targets_need_a_root() -> None:
    found = messages({"trust/1.targets.json": TRUST["trust/1.targets.json"]}, "GOV008")
    assert found == ["targets without a root: no client can trust them"]


def test_a_name_is_read() -> None:
    assert trusted.named("trust/draft/12.targets.json") == ("targets", 12, True)
    assert trusted.named("trust/1.snapshot.json") is None


def test_new_keys_wait_for_admins_and_read_their_rules_from_base(
    registry: Callable[..., Path], commit: Callable[..., str]
) -> None:
    story = Story(registry({"roles.yaml": ROLES}), commit)
    files = {path: text for path, text in TRUST.items() if isinstance(text, str) and "draft" not in path}
    found = story.verdict(files, "ada")
    assert (found.lane, found.state, found.turn) == ("governance", "pending", "admin")
    assert not [problem for problem in found.problems if "trust" in problem.path and problem.code != "GOV005"]
    mixed = story.verdict({**files, "models/llm/acme/tiny/README.md": "# Tiny\n\nMore.\n"}, "ada")
    assert mixed.state == "failure"
