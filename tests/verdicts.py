"""Verdicts and pull requests made by hand, for tests of what is made of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from galleryctl.changes import Change, Kind
from galleryctl.policy import Need, Verdict
from galleryctl.problems import Problem
from galleryctl.reviewing.comment import Links

NOW = dt.datetime(2026, 11, 21, 15, 2, tzinfo=dt.UTC)
LINKS = Links("https://github.com/acme/gallery", "https://gallery.example", "main")
BASE = "ba5e" * 10
HEAD = "4f2a9c1" + "0" * 33
ADDED = Change("acme/foo-7b", Kind.MODEL_ADDED, type="llm", path="models/llm/acme/foo-7b/model.yaml")
LICENCE = Change(
    "acme/bar", Kind.LICENCE_CHANGED, field="license", before="MIT", after="CC-BY-NC-4.0", type="llm",
    path="models/llm/acme/bar/model.yaml",
)  # fmt: skip
DIGEST = Problem(
    "registry/models/llm/acme/bar/2.0.0.yaml", 41, 17, "IMM002", "A release cannot get other bytes.",
    "run `galleryctl release acme/bar --bump patch`",
)  # fmt: skip
OWNERS = Need("owner", "edit", "acme/bar", ("ada", "bob"))


def verdict(**given: Any) -> Verdict:  # noqa: ANN401 - fields of a verdict
    """Waits for an owner of acme/bar, unless told otherwise."""
    usual: dict[str, Any] = {
        "state": "pending",
        "lane": "manual",
        "turn": "owner",
        "waiting_on": ("ada", "bob"),
        "why": "An owner of acme/bar has to approve.",
        "changes": (LICENCE,),
        "problems": (),
        "approvals": (OWNERS,),
        "earliest": None,
        "kinds": ("text",),
        "risks": ("licence",),
    }
    return Verdict(**(usual | given))


@dataclass(frozen=True)
class Judgement:
    """What `judge` gives, as far as the sweep looks."""

    verdict: Verdict
    base: str = BASE
    conflicts: tuple[str, ...] = field(default=())
    files: int = 4
