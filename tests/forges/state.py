"""What the stand-in remembers: repositories are git's, the rest is here. Nothing in this module speaks HTTP."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from forges.accounts import ADA, EVERYBODY, REPOSITORY, Account
from forges.bare import Bare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

START = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


@dataclass
class Stored:
    """A repository, or a fork of it."""

    id: int
    name: str
    bare: Bare
    parent: str = ""
    private: bool = False
    merge_queue: bool = False
    classic: bool = False
    """Whether the queue is demanded by an older protection, which no ruleset shows."""
    auto_merge: bool = False
    required: tuple[str, ...] = ()
    """Statuses without which nothing is merged."""

    @property
    def owner(self) -> str:
        return self.name.partition("/")[0]


@dataclass
class Said:
    """A comment."""

    id: int
    by: Account | None
    body: str
    at: dt.datetime
    updated: dt.datetime


@dataclass
class Judged:
    """A review."""

    id: int
    by: Account | None
    state: str
    body: str
    commit: str
    at: dt.datetime


@dataclass
class Marked:
    """A status of a commit."""

    id: int
    by: Account | None
    context: str
    state: str
    description: str
    url: str
    at: dt.datetime


@dataclass
class Tag:
    """A label of the repository."""

    id: int
    name: str
    color: str
    description: str


@dataclass
class Thread:
    """An issue, or the half of a pull request that is one."""

    number: int
    by: Account | None
    title: str
    body: str
    at: dt.datetime
    updated: dt.datetime
    state: Literal["open", "closed"] = "open"
    closed: dt.datetime | None = None
    labels: list[str] = field(default_factory=list)
    comments: list[Said] = field(default_factory=list)
    pull: Proposed | None = None


@dataclass
class Proposed:
    """What only a pull request has."""

    repository: str
    branch: str
    base: str
    head: str
    draft: bool = False
    merged: dt.datetime | None = None
    merge_commit: str = ""
    reviews: list[Judged] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    automatic: bool = False
    """Whether it merges by itself when it may."""
    pushers: list[tuple[str, Account]] = field(default_factory=list)


@dataclass
class Options:
    """What `doctor` looks at."""

    workflow_token: str = "read"  # noqa: S105 - no token
    workflows_approve: bool = False
    first_timers: str = "first_time_contributors"
    rules: list[dict[str, Any]] = field(default_factory=list)
    environments: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    """Branches by environment: none where every branch may deploy."""
    pages: str | None = "workflow"


class State:
    """Everything the forge knows. `now()` moves on by a second; `clock` may be set."""

    def __init__(self, folder: Path, accounts: Sequence[Account] = EVERYBODY) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        self.accounts = {account.login: account for account in accounts}
        self.clock = START
        self.repositories: dict[str, Stored] = {}
        self.threads: dict[int, Thread] = {}
        self.tags: dict[str, Tag] = {}
        self.marks: dict[str, list[Marked]] = {}
        self.queue: list[int] = []
        self.options = Options()
        self.remote = False
        """Whether addresses for git are those of the server, and not folders."""
        self.workflows: dict[str, str] = {}
        self.pushed: list[tuple[str, str, str, str]] = []
        """Repository, branch, commit and login of each push by the API, over HTTP, or played."""
        self._last, self._identity = 0, 7000
        self.add(REPOSITORY)

    def add(self, name: str, parent: str = "") -> Stored:
        path = self.folder / f"{name}.git"
        path.parent.mkdir(parents=True, exist_ok=True)
        bare = Bare.made(path, self.repositories[parent].bare.path if parent else None)
        if not parent:
            bare.files("main", {"README.md": b"# Gallery\n"}, "Start")
        self.repositories[name] = Stored(9000 + len(self.repositories), name, bare, parent)
        return self.repositories[name]

    @property
    def main(self) -> Stored:
        return self.repositories[REPOSITORY]

    def now(self) -> dt.datetime:
        self.clock += dt.timedelta(seconds=1)
        return self.clock

    def number(self) -> int:
        self._last += 1
        return self._last

    def identity(self) -> int:
        """An id for a comment, a review, a status or a label."""
        self._identity += 1
        return self._identity

    def account(self, token: str) -> Account | None:
        return next((each for each in self.accounts.values() if token and each.token == token), None)

    def may(self, account: Account, name: str, wanted: Literal["read", "write", "admin"]) -> bool:
        stored = self.repositories[name]
        if account.login == stored.owner and stored.parent:
            return True
        allowed = {"read": {"read", "write", "admin"}, "write": {"write", "admin"}, "admin": {"admin"}}[wanted]
        return account.permission in allowed or (wanted == "read" and not stored.private)

    def push(
        self,
        branch: str,
        files: Mapping[str, bytes | None],
        *,
        repository: str = REPOSITORY,
        by: Account = ADA,
        base: str = "main",
    ) -> str:
        """Somebody pushes a commit with these files; the branch is made from `base` where it is new."""
        with self.lock:
            new = self.repositories[repository].bare.files(branch, files, base=base)
            self.pushed.append((repository, branch, new, by.login))
            self.follow()
            return new

    def follow(self) -> None:
        """Heads of open pull requests follow their branches, as they do after a push: `refs/pull/N/head` too."""
        with self.lock:
            tips = {name: each.bare.branches() for name, each in self.repositories.items()}
            for number, thread in self.threads.items():
                if thread.state == "closed" or not (pull := thread.pull) or pull.repository not in tips:
                    continue
                tip = tips[pull.repository].get(pull.branch)
                if tip and tip != pull.head:
                    self.main.bare.take(self.repositories[pull.repository].bare, tip, f"refs/pull/{number}/head")
                    pull.head, thread.updated = tip, self.now()

    def propose(
        self,
        by: Account,
        branch: str,
        *,
        title: str = "Change",
        body: str = "",
        base: str = "main",
        repository: str = REPOSITORY,
        draft: bool = False,
    ) -> Thread:
        """A pull request of a branch that is there."""
        with self.lock:
            stored = self.repositories[repository]
            head = stored.bare.commit(f"refs/heads/{branch}")
            assert head, f"{repository} has no branch {branch}"
            number, at = self.number(), self.now()
            self.main.bare.take(stored.bare, head, f"refs/pull/{number}/head")
            pull = Proposed(repository, branch, base, head, draft)
            self.threads[number] = Thread(number, by, title, body, at, at, pull=pull)
            return self.threads[number]

    def merge(self, thread: Thread) -> str | None:
        """Squash a pull request into its base by real git; none where there is a conflict. Returns the commit."""
        pull = thread.pull
        assert pull, f"{thread.number} is no pull request"
        bare = self.main.bare
        base = bare.commit(f"refs/heads/{pull.base}")
        assert base, f"there is no branch {pull.base}"
        tree = bare.merged(base, pull.head)
        if tree is None:
            return None
        commit = bare.committed(tree, [base], f"{thread.title} (#{thread.number})")
        bare.move(f"refs/heads/{pull.base}", commit, base)
        pull.merged = thread.closed = thread.updated = self.now()
        pull.merge_commit, thread.state = commit, "closed"
        return commit

    def dequeue(self) -> list[int]:
        """The merge queue runs: what is in it is merged in order. Returns what was."""
        with self.lock:
            done = [number for number in self.queue if self.merge(self.threads[number])]
            self.queue.clear()
            return done
