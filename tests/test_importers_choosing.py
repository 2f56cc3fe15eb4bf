"""Which rows a name or a glob means."""

from __future__ import annotations

import pytest

from galleryctl.errors import UsageError
from galleryctl.importers import Candidate
from galleryctl.importers.choosing import chosen
from galleryctl.importers.planning import Row, Status


def row(source: str, identifier: str, status: Status = "new", reason: str = "") -> Row:
    made = Candidate(source, "l:1", "llm", identifier, {}, {"1.0.0": {}})
    return Row(source, "l:1", status, made, (), reason)


ROWS = (
    row("Qwen3-8B", "qwen/qwen3-8b"),
    row("Qwen3-4B", "qwen/qwen3-4b"),
    row("Llama, the third", "meta/llama"),
    row("Tiny", "acme/tiny", "exists", "same id: acme/tiny is there"),
    Row("Broken", "l:9", "rejected", None, (), "no name"),
    row("Twin", "acme/twin", "exists", "the same stands at l:1"),
    row("Twin", "acme/twin-2"),
)


def sources(*wanted: str) -> list[str]:
    return [each.source for each in chosen(ROWS, wanted)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["Qwen3-8B"], ["Qwen3-8B"]),
        (["qwen3-8b"], ["Qwen3-8B"]),
        (["qwen/qwen3-8b"], ["Qwen3-8B"]),
        (["qwen3-4b, qwen3-8b"], ["Qwen3-8B", "Qwen3-4B"]),
        (["qwen3-4b", "QWEN3-8B"], ["Qwen3-8B", "Qwen3-4B"]),
        (["qwen/*"], ["Qwen3-8B", "Qwen3-4B"]),
        (["*-8?"], ["Qwen3-8B"]),
        (["Llama, the third"], ["Llama, the third"]),
        (["t*"], ["Tiny", "Twin", "Twin"]),
        (["twin"], ["Twin"]),
        (["broke*"], ["Broken"]),
    ],
)
def test_names_and_globs(wanted: list[str], expected: list[str]) -> None:
    assert sources(*wanted) == expected


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("tiny", r"tiny is in the gallery already: same id: acme/tiny is there; nothing was written"),
        ("qwen3-8b,acme/tiny", r"acme/tiny is in the gallery already"),
        ("Broken", r"Broken cannot be imported: no name"),
        ("Qwen3-80B", r"nothing in the source is called Qwen3-80B; did you mean Qwen3-8B"),
        ("zzz*", r"called zzz\*; see what there is with --plan"),
    ],
)
def test_what_cannot_be_chosen_is_wrong_usage(wanted: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        sources(wanted)
