"""Pull requests in a real repository, and what is said about them: stories for the tests of policies."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conftest import MINIMAL, git
from galleryctl.reviewing import judging
from galleryctl.spec.review import Login, Pull, Remark, Review

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Files
    from galleryctl.checks.rule import Ledger
    from galleryctl.policy import Verdict
    from galleryctl.reviewing.judging import Judged

NOW = dt.datetime(2026, 1, 10, 12, 0, tzinfo=dt.UTC)
PUSHED = NOW - dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
MODEL = "models/llm/acme/tiny/model.yaml"
RELEASE = "models/llm/acme/tiny/1.0.0.yaml"
CARD = "models/llm/acme/tiny/README.md"
ACCOUNTS = {
    "ada": Login(id=1001, login="ada"),
    "bob": Login(id=1002, login="bob"),
    "chen": Login(id=1004, login="chen-wei"),
    "dora": Login(id=1005, login="dora"),
    "eve": Login(id=1003, login="eve"),
    "releases": Login(id=2001, login="acme-releases[bot]", bot=True),
    "zoe": Login(id=9001, login="zoe"),
}
ROLES = """\
version: 1
people:
  ada: {github: {id: 1001, login: ada}}
  bob: {github: {id: 1002, login: bob}}
  chen: {github: {id: 1004, login: chen-wei}}
  dora: {github: {id: 1005, login: dora}}
  eve: {github: {id: 1003, login: eve}}
  releases: {github: {id: 2001, login: "acme-releases[bot]"}, kind: bot}
groups:
  acme: [ada, bob]
  partners: [chen, dora]
  staff: [ada, bob, chen, dora, eve]
roles:
  owner: [edit, release, deploy, withdraw, deprecate, discontinue, reinstate, expire, renew]
  reviewer: [new, edit, release]
  clearance: [widen]
  steward: [quarantine, reinstate, remove, rename, transfer, override]
  admin: [govern]
grants:
  - {role: owner, to: releases, scope: acme/*, only: [release]}
  - {role: reviewer, to: [chen, eve], scope: "*"}
  - {role: clearance, to: eve, scope: "*"}
  - {role: steward, to: [chen, dora], scope: "*"}
  - {role: admin, to: [bob, chen, eve], scope: "*"}
rules:
  admin_quorum: 2
"""
"""ada and bob own acme; chen and eve review, chen and dora keep order, eve clears; zoe is a stranger."""


def said(who: str, state: str = "approved", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a review
    """A review; of the head unless a commit is given."""
    return {"by": ACCOUNTS[who], "state": state, "at": PUSHED, **more}


def remark(who: str, text: str = "Hm.", at: dt.datetime = PUSHED) -> Remark:
    return Remark(by=ACCOUNTS[who], at=at, text=text)


def changed(path: str, old: str, new: str) -> dict[str, str | None]:
    """One file of the minimal registry with a part replaced."""
    text = MINIMAL[path]
    assert text is not None
    assert old in text
    return {path: text.replace(old, new)}


def with_more(path: str, text: str) -> dict[str, str | None]:
    """One file of the minimal registry with lines at its end."""
    return {path: (MINIMAL[path] or "") + text}


def release(
    version: str, seed: str = "a", *, of: str = "acme/tiny", old: str = "", new: str = ""
) -> dict[str, str | None]:
    """Another release, with bytes and a revision of its own, and a part replaced."""
    text = MINIMAL[RELEASE]
    assert text is not None
    text = text.replace("sha256: 3f79", f"sha256: {seed * 4}").replace("revision: 0a1b", f"revision: {seed * 4}")
    text = text.replace("First release.", f"Release {version}.").replace('released: "2025-05-01T08:00:00Z"\n', "")
    assert old in text
    return {f"models/llm/{of}/{version}.yaml": text.replace(old, new) if old else text}


@dataclass
class Story:
    """A repository with a base, and pull requests to it."""

    registry: Path
    commit: Callable[..., str]
    base: str = ""
    count: int = field(default=0)

    def __post_init__(self) -> None:
        self.base = self.base or git(self.registry, "rev-parse", "HEAD")

    def propose(self, files: Files, message: str = "change") -> str:
        """A branch from base with one commit; returns its head."""
        self.count += 1
        git(self.registry, "checkout", "-q", "-b", f"change-{self.count}", self.base)
        return self.commit(self.registry, files, message=message)

    def judged(
        self,
        files: Files | str,
        author: str | Login = "ada",
        *reviews: dict[str, Any],
        now: dt.datetime = NOW,
        ledger: Ledger | None = None,
        **pull: Any,  # noqa: ANN401 - fields of a pull request
    ) -> Judged:
        head = files if isinstance(files, str) else self.propose(files)
        known = Pull(
            author=author if isinstance(author, Login) else ACCOUNTS[author],
            reviews=tuple(Review(**({"commit": head} | review)) for review in reviews),
            **({"since": PUSHED} | pull),
        )
        root = self.registry.parent
        return judging.judge(root, self.registry.name, base=self.base, head=head, pull=known, now=now, ledger=ledger)

    def verdict(
        self,
        files: Files | str,
        author: str | Login = "ada",
        *reviews: dict[str, Any],
        **more: Any,  # noqa: ANN401 - as of a judgement
    ) -> Verdict:
        return self.judged(files, author, *reviews, **more).verdict


def codes(found: Verdict) -> set[str]:
    return {problem.code for problem in found.problems}


def missing(found: Verdict) -> list[tuple[str, str, int]]:
    """Role, action and how many are still to come."""
    return [(need.role, need.action, need.missing) for need in found.approvals if need.missing]
