"""A forge in memory: `Hub().forge(ADA)` is the port as Ada sees it; `Hub.push` and `Hub.seed` play the other people."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from forges.accounts import ADA, EVERYBODY, REPOSITORY, Account
from galleryctl.forge import ForgeError, Mark, Note, PullRequest, Settings, owned
from galleryctl.spec.review import Remark, Review

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from galleryctl.spec.review import Login, State

START = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
Files = dict[str, bytes]


def _states() -> dict[str, Literal["approved", "changes_requested", "commented"]]:
    return {"APPROVE": "approved", "REQUEST_CHANGES": "changes_requested", "COMMENT": "commented"}


@dataclass
class Hub:
    """What the forge knows. Time passes by a second with each thing that is written; set `clock` to jump."""

    accounts: Sequence[Account] = EVERYBODY
    repository: str = REPOSITORY
    protected: bool = False
    """Whether the default branch has a merge queue."""
    clock: dt.datetime = START
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    notes: dict[int, list[Note]] = field(default_factory=dict)
    reviews: dict[int, list[Review]] = field(default_factory=dict)
    marks: dict[tuple[str, str], list[Mark]] = field(default_factory=dict)
    asked: dict[int, list[str]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    """Labels of the repository, by name with description."""
    queue: list[int] = field(default_factory=list)
    settings: Settings = field(default_factory=lambda: Settings("main", private=False))
    branches: dict[tuple[str, str], str] = field(default_factory=dict)
    """Commit of each branch, by repository and name."""
    trees: dict[str, Files] = field(default_factory=dict)
    """Files of each commit."""
    issues: dict[int, tuple[str, str]] = field(default_factory=dict)
    workflows: dict[str, str] = field(default_factory=dict)
    """State of each workflow, by name."""
    pushers: dict[str, Login] = field(default_factory=dict)
    """Who pushed each commit, where it is known."""
    failing: ForgeError | None = None
    """Raised by every call, while it is set."""
    calls: list[str] = field(default_factory=list)
    """Names of the calls that wrote something."""
    last: int = 0

    def __post_init__(self) -> None:
        if (self.repository, "main") not in self.branches:
            self.push("main", {"README.md": b"# Gallery\n"})

    def forge(self, account: Account) -> Memory:
        return Memory(self, account)

    def now(self) -> dt.datetime:
        self.clock += dt.timedelta(seconds=1)
        return self.clock

    def push(
        self,
        branch: str,
        files: Mapping[str, bytes | None],
        *,
        repository: str = "",
        by: Account = ADA,
        commit: str = "",
        base: str = "",
    ) -> str:
        """A commit on a branch, which is made from `base` or `main` where it is new; its id may be given."""
        place = (repository or self.repository, branch)
        start = self.branches.get(place) or self.branches.get((self.repository, base or "main"), "")
        tree = {**self.trees.get(start, {}), **{name: data for name, data in files.items() if data is not None}}
        tree = {name: data for name, data in tree.items() if files.get(name, b"") is not None}
        moment = self.now()
        new = commit or hashlib.sha1(f"{start}{sorted(tree.items())}{moment}".encode()).hexdigest()  # noqa: S324 - as git does
        self.trees[new] = tree
        self.pushers[new] = by.known
        self.move(branch, new, repository=repository)
        return new

    def move(self, branch: str, commit: str, *, repository: str = "") -> None:
        """A branch points to a commit, and the heads of its open pull requests follow."""
        place = (repository or self.repository, branch)
        self.branches[place] = commit
        for number, pull in self.pulls.items():
            if pull.state == "open" and (pull.repository, pull.branch) == place:
                self.pulls[number] = replace(pull, head=commit, updated=self.now())

    def demand_queue(self) -> None:
        """From now on nothing is merged but by the queue."""
        self.protected = True

    def crowd(self, count: int, by: Account) -> None:
        """Many pull requests, each of a branch of its own."""
        for number in range(count):
            self.seed(by, f"{number:040x}", branch=f"crowd-{number}", repository=self.repository)

    def seed(self, author: Account, head: str, **given: object) -> PullRequest:
        """An open pull request that nobody had to push: any commit will do. `given` replaces fields."""
        self.last += 1
        moment = self.now()
        pull = PullRequest(
            number=self.last,
            title=f"Change {self.last}",
            url=f"https://forge.example/{self.repository}/pull/{self.last}",
            author=author.known,
            head=head,
            branch=f"change-{self.last}",
            repository=f"{author.login}/gallery",
            base="main",
            body="",
            draft=False,
            labels=(),
            opened=moment,
            updated=moment,
        )
        self.pulls[pull.number] = replace(pull, **given)  # type: ignore[arg-type]  # fields by name
        return self.pulls[pull.number]


class Memory:
    """One account's view of a hub."""

    def __init__(self, hub: Hub, account: Account) -> None:
        self._hub = hub
        self._account = account

    @property
    def repository(self) -> str:
        return self._hub.repository

    @property
    def _state(self) -> Hub:
        if self._hub.failing:
            raise self._hub.failing
        return self._hub

    def _writing(self, name: str, *, pushing: bool = True) -> Hub:
        hub = self._state
        if pushing and not self._account.pushes:
            raise ForgeError(f"{name}: the token may not do that", forbidden=True)
        hub.calls.append(name)
        return hub

    def me(self) -> Login:
        _ = self._state
        return self._account.known

    def pulls(self, *, state: Literal["open", "closed"] = "open", base: str | None = None) -> Iterator[PullRequest]:
        found = [each for each in self._state.pulls.values() if each.state == state and base in {None, each.base}]
        return iter(found if state == "open" else sorted(found, key=lambda each: each.updated, reverse=True))

    def pull(self, number: int) -> PullRequest:
        try:
            return self._state.pulls[number]
        except KeyError:
            raise ForgeError(f"there is no pull request {number}", missing=True) from None

    def by_head(self, commit: str) -> list[PullRequest]:
        return [each for each in self.pulls() if each.head == commit]

    def pusher(self, pull: PullRequest) -> Login | None:
        return self._state.pushers.get(pull.head)

    def reviews(self, number: int) -> list[Review]:
        return list(self._state.reviews.get(self.pull(number).number, []))

    def notes(self, number: int) -> list[Note]:
        return list(self._state.notes.get(self.pull(number).number, []))

    def remarks(self, number: int) -> list[Remark]:
        return [Remark(by=each.by, at=each.at, text=each.text) for each in self.notes(number)]

    def marks(self, commit: str, context: str) -> list[Mark]:
        return list(self._state.marks.get((commit, context), []))

    def mark(self, commit: str, context: str, state: State, description: str, url: str = "") -> None:  # noqa: ARG002 - the port
        hub = self._writing("mark")
        mark = Mark(state, description[:140], hub.now(), self._account.known)
        hub.marks.setdefault((commit, context), []).append(mark)

    def label(self, number: int, wanted: Mapping[str, str]) -> bool:
        pull = self.pull(number)
        others = [name for name in pull.labels if not owned(name)]
        if set(pull.labels) == {*others, *wanted} and all(
            self._state.labels.get(name) == wanted[name] for name in wanted
        ):
            return False
        hub = self._writing("label")
        hub.labels |= wanted
        hub.pulls[number] = replace(pull, labels=tuple(sorted({*others, *wanted})), updated=hub.now())
        return True

    def comment(self, number: int, text: str) -> Note:
        pull = self.pull(number)
        hub = self._writing("comment", pushing=False)
        every = [note.id for notes in hub.notes.values() for note in notes]
        note = Note(max(every, default=7000) + 1, self._account.known, hub.now(), text)
        hub.notes.setdefault(pull.number, []).append(note)
        return note

    def _note(self, note: Note) -> tuple[list[Note], int]:
        for notes in self._hub.notes.values():
            for index, each in enumerate(notes):
                if each.id == note.id:
                    if not self._account.pushes and each.by.id != self._account.id:
                        raise ForgeError("the token may not change this comment", forbidden=True)
                    return notes, index
        raise ForgeError(f"there is no comment {note.id}", missing=True)

    def edit_comment(self, note: Note, text: str) -> None:
        self._writing("edit_comment", pushing=False)
        notes, index = self._note(note)
        notes[index] = replace(notes[index], text=text)

    def delete_comment(self, note: Note) -> None:
        self._writing("delete_comment", pushing=False)
        notes, index = self._note(note)
        del notes[index]

    def ask(self, number: int, logins: Sequence[str]) -> tuple[str, ...]:
        pull = self.pull(number)
        hub = self._writing("ask")
        within = {each.login for each in hub.accounts if each.permission != "none"} - {pull.author.login}
        asked = hub.asked.setdefault(number, [])
        asked += [login for login in logins if login in within and login not in asked]
        return tuple(login for login in logins if login not in within)

    def asked(self, number: int) -> tuple[str, ...]:
        return tuple(self._state.asked.get(self.pull(number).number, ()))

    def review(
        self, number: int, commit: str, event: Literal["APPROVE", "REQUEST_CHANGES", "COMMENT"], text: str
    ) -> None:
        pull = self.pull(number)
        hub = self._writing("review", pushing=False)
        if pull.author.id == self._account.id and event != "COMMENT":
            raise ForgeError("nobody may approve or refuse their own pull request", refused=True)
        state = _states()[event]
        review = Review(by=self._account.known, state=state, commit=commit, at=hub.now(), text=text)
        hub.reviews.setdefault(number, []).append(review)
        hub.asked[number] = [login for login in hub.asked.get(number, []) if login != self._account.login]

    def merge(self, number: int, commit: str) -> None:
        pull = self.pull(number)
        hub = self._writing("merge")
        if pull.state != "open" or pull.head != commit:
            raise ForgeError(f"pull request {number} cannot be merged as it was seen", conflict=True)
        if hub.protected:
            hub.queue = [*hub.queue, *([number] if number not in hub.queue else [])]
            return
        hub.pulls[number] = replace(pull, state="closed", merged=True, updated=hub.now())
        hub.branches[self.repository, pull.base] = commit

    def open(
        self, *, title: str, body: str, branch: str, base: str, repository: str = "", draft: bool = False
    ) -> PullRequest:
        hub = self._writing("open", pushing=False)
        place = (repository or self.repository, branch)
        if self.of_branch(branch, repository):
            raise ForgeError(f"there is a pull request of {branch} already", conflict=True)
        if place not in hub.branches:
            raise ForgeError(f"there is no branch {branch}", refused=True)
        given = {"title": title, "body": body, "branch": branch, "base": base, "repository": place[0], "draft": draft}
        return hub.seed(self._account, hub.branches[place], **given)

    def update(
        self,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        state: Literal["open", "closed"] | None = None,
    ) -> PullRequest:
        pull = self.pull(number)
        hub = self._writing("update", pushing=pull.author.id != self._account.id)
        title, body = pull.title if title is None else title, pull.body if body is None else body
        hub.pulls[number] = replace(pull, title=title, body=body, state=state or pull.state, updated=hub.now())
        return hub.pulls[number]

    def of_branch(self, branch: str, repository: str = "") -> PullRequest | None:
        place = (repository or self.repository, branch)
        return next((each for each in self.pulls() if (each.repository, each.branch) == place), None)

    def fork(self) -> str:
        hub = self._writing("fork", pushing=False)
        name = f"{self._account.login}/{self.repository.partition('/')[2]}"
        hub.branches.setdefault((name, "main"), hub.branches[self.repository, "main"])
        return name

    def can_push(self) -> bool:
        _ = self._state
        return self._account.pushes

    def clone_url(self, repository: str = "") -> str:
        return f"https://forge.example/{repository or self.repository}.git"

    def commit_files(
        self, branch: str, base: str, message: str, files: Mapping[str, bytes | None], *, repository: str = ""
    ) -> str:
        place = repository or self.repository
        hub = self._writing("commit_files", pushing=place.partition("/")[0] != self._account.login)
        start = hub.branches.get((place, base)) or hub.branches.get((self.repository, base)) or base
        if start not in hub.trees:
            raise ForgeError(f"there is no {base}", missing=True)
        tree = {**hub.trees[start], **{name: data for name, data in files.items() if data is not None}}
        tree = {name: data for name, data in tree.items() if files.get(name, b"") is not None}
        new = hashlib.sha1(f"{start}{sorted(tree.items())}{message}{hub.now()}".encode()).hexdigest()  # noqa: S324 - as git does
        hub.trees[new] = tree
        hub.pushers[new] = self._account.known
        hub.move(branch, new, repository=place)
        return new

    def read(self, path: str, ref: str) -> bytes | None:
        hub = self._state
        return hub.trees.get(hub.branches.get((self.repository, ref), ref), {}).get(path)

    def contributed(self, login: Login) -> bool:
        return any(each.merged and each.author.id == login.id for each in self._state.pulls.values())

    def issue(self, title: str, body: str, marker: str) -> int:
        hub = self._writing("issue", pushing=False)
        body = body if marker in body else f"{body}\n{marker}"
        number = next((number for number, (_, text) in hub.issues.items() if marker in text), 0)
        if not number:
            hub.last += 1
            number = hub.last
        hub.issues[number] = (title, body)
        return number

    def close_issue(self, marker: str) -> int | None:
        number = next((number for number, (_, text) in self._state.issues.items() if marker in text), None)
        if number is not None:
            del self._writing("close_issue", pushing=False).issues[number]
        return number

    def enable_workflows(self) -> tuple[str, ...]:
        hub = self._writing("enable_workflows")
        found = tuple(name for name, state in hub.workflows.items() if state == "disabled_inactivity")
        hub.workflows |= dict.fromkeys(found, "active")
        return found

    def settings(self) -> Settings:
        return self._state.settings
