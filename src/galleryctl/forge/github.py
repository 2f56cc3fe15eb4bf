"""GitHub as a forge. Each method is as few calls as its answer allows, and can be done again after a failure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import quote

from galleryctl.forge import merging, proposing, reading, settings
from galleryctl.forge.api import ADDRESS, Api
from galleryctl.forge.labels import colour, owned
from galleryctl.forge.port import ForgeError, Mark, Note, PullRequest, Settings
from galleryctl.spec.review import Login, Remark, Review

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from galleryctl.spec.review import State

Json: TypeAlias = Any
_DESCRIPTION = 140
_LABEL_DESCRIPTION = 100
_COMMENT = 65_536


class GitHub:
    """One repository, `owner/name`, as the owner of a token sees it."""

    def __init__(
        self,
        repository: str,
        token: str,
        *,
        address: str = ADDRESS,
        timeout: int = 20,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = Api(token, address, timeout=timeout, sleep=sleep)
        self._sleep = sleep
        self._repository = repository
        self._at = _place(repository)
        self._me: Login | None = None
        self._labels: dict[str, tuple[str, str]] | None = None  # by name in lower case: name and description

    @property
    def repository(self) -> str:
        return self._repository

    def me(self) -> Login:
        if self._me is None:
            self._me = self._viewer()
        return self._me

    def _viewer(self) -> Login:
        try:
            return reading.login(self._api.get("/user"))
        except ForgeError as error:
            if not error.forbidden:
                raise
            try:  # apps have no user: what acts for one can be asked in another way only
                viewer = reading.inside(self._api.ask("query { viewer { login databaseId } }", {}), "viewer")
            except ForgeError:
                raise error from None
            name = reading.words(viewer, "login")
            return Login(id=reading.number(viewer, "databaseId"), login=name, bot=name.endswith("[bot]"))

    def pulls(self, *, state: Literal["open", "closed"] = "open", base: str | None = None) -> Iterator[PullRequest]:
        order = {"sort": "created", "direction": "asc"} if state == "open" else {"sort": "updated", "direction": "desc"}
        into = {"base": base} if base else {}
        seen = set()
        for data in self._api.every(f"{self._at}/pulls", state=state, **order, **into):
            pull = reading.pull(data)
            if pull.number not in seen:  # what is opened or closed meanwhile moves pages
                seen.add(pull.number)
                yield pull

    def pull(self, number: int) -> PullRequest:
        return reading.pull(self._api.get(self._pull(number)))

    def by_head(self, commit: str) -> list[PullRequest]:
        return [pull for pull in self.pulls() if pull.head == commit]

    def pusher(self, pull: PullRequest) -> Login | None:
        if not pull.repository:
            return None
        try:
            pushes = self._api.page(f"{_place(pull.repository)}/activity", ref=f"refs/heads/{pull.branch}")
        except ForgeError as error:
            if error.missing or error.forbidden or error.refused:  # a fork that is not shown, a forge without a record
                return None
            raise
        for push in pushes:
            if push.get("after") == pull.head:
                return reading.login(push["actor"]) if push.get("actor") else None
        return None

    def reviews(self, number: int) -> list[Review]:
        found = [reading.review(data) for data in self._api.every(f"{self._pull(number)}/reviews")]
        return sorted((each for each in found if each), key=lambda each: each.at)

    def notes(self, number: int) -> list[Note]:
        return [reading.note(data) for data in self._api.every(f"{self._issue(number)}/comments")]

    def remarks(self, number: int) -> list[Remark]:
        return [Remark(by=each.by, at=each.at, text=each.text) for each in self.notes(number)]

    def marks(self, commit: str, context: str) -> list[Mark]:
        every = self._api.every(f"{self._at}/commits/{quote(commit, safe='')}/statuses")
        found = [reading.mark(data) for data in every if data.get("context") == context]
        return found[::-1]

    def mark(self, commit: str, context: str, state: State, description: str, url: str = "") -> None:
        body = {"state": state, "context": context, "description": reading.line(description, _DESCRIPTION)}
        target = {"target_url": url} if url else {}
        self._api.send("POST", f"{self._at}/statuses/{quote(commit, safe='')}", body | target, again=True)

    def label(self, number: int, wanted: Mapping[str, str]) -> bool:
        at = f"{self._issue(number)}/labels"
        present = {name.lower(): name for name, _ in map(reading.label, self._api.every(at))}
        missing = [name for name in wanted if name.lower() not in present]
        surplus = [name for name in present.values() if owned(name) and name not in wanted]
        changed = self._describe(wanted) if wanted else False
        if missing:
            self._api.send("POST", at, {"labels": missing}, again=True)
        for name in surplus:
            try:
                self._api.send("DELETE", f"{at}/{quote(name, safe='')}")
            except ForgeError as error:
                if not error.missing:  # somebody else was faster
                    raise
        return changed or bool(missing or surplus)

    def _describe(self, wanted: Mapping[str, str]) -> bool:
        """Make the labels of the repository that are missing, or say something else than they should."""
        if self._labels is None:
            every = map(reading.label, self._api.every(f"{self._at}/labels"))
            self._labels = {name.lower(): (name, text) for name, text in every}
        changed = False
        for name, text in wanted.items():
            short = reading.line(text, _LABEL_DESCRIPTION)
            known = self._labels.get(name.lower())
            if known and known[1] == short:
                continue
            if known:
                path = f"{self._at}/labels/{quote(known[0], safe='')}"
                self._api.send("PATCH", path, {"description": short, "color": colour(name)})
            else:
                self._make_label({"name": name, "description": short, "color": colour(name)})
            self._labels[name.lower()] = (name, short)
            changed = True
        return changed

    def _make_label(self, body: Json) -> None:
        try:
            self._api.send("POST", f"{self._at}/labels", body, again=True)
        except ForgeError as error:
            if not error.conflict:  # another run made it meanwhile
                raise

    def comment(self, number: int, text: str) -> Note:
        _judge_length(text)
        return reading.note(self._api.send("POST", f"{self._issue(number)}/comments", {"body": text}))

    def edit_comment(self, note: Note, text: str) -> None:
        _judge_length(text)
        self._api.send("PATCH", f"{self._at}/issues/comments/{note.id}", {"body": text})

    def delete_comment(self, note: Note) -> None:
        self._api.send("DELETE", f"{self._at}/issues/comments/{note.id}")

    def ask(self, number: int, logins: Sequence[str]) -> tuple[str, ...]:
        if not logins:
            return ()
        try:
            self._api.send("POST", f"{self._pull(number)}/requested_reviewers", {"reviewers": list(logins)}, again=True)
        except ForgeError as error:
            if not error.refused:
                raise
            if len(logins) == 1:
                return tuple(logins)
            return tuple(login for login in logins if self.ask(number, [login]))  # one of them spoils it for all
        return ()

    def asked(self, number: int) -> tuple[str, ...]:
        users = self._api.get(f"{self._pull(number)}/requested_reviewers").get("users")
        if not isinstance(users, list):
            raise ForgeError("the forge's answer makes no sense: users is missing; try again later")
        return tuple(reading.login(data).login for data in users)

    def review(
        self, number: int, commit: str, event: Literal["APPROVE", "REQUEST_CHANGES", "COMMENT"], text: str
    ) -> None:
        body = {"commit_id": commit, "event": event, "body": text}
        self._api.send("POST", f"{self._pull(number)}/reviews", body)

    def merge(self, number: int, commit: str) -> None:
        merging.merge(self._api, self._at, self._api.get(self._pull(number)), commit)

    def open(
        self, *, title: str, body: str, branch: str, base: str, repository: str = "", draft: bool = False
    ) -> PullRequest:
        owner = (repository or self._repository).partition("/")[0]
        given = {"title": title, "body": body, "head": f"{owner}:{branch}", "base": base, "draft": draft}
        return reading.pull(self._api.send("POST", f"{self._at}/pulls", given))

    def update(
        self,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        state: Literal["open", "closed"] | None = None,
    ) -> PullRequest:
        given = {"title": title, "body": body, "state": state}
        changes = {name: value for name, value in given.items() if value is not None}
        return reading.pull(self._api.send("PATCH", self._pull(number), changes))

    def of_branch(self, branch: str, repository: str = "") -> PullRequest | None:
        name = repository or self._repository
        head = f"{name.partition('/')[0]}:{branch}"
        found = map(reading.pull, self._api.every(f"{self._at}/pulls", state="open", head=head))
        return next((each for each in found if each.branch == branch and _same(each.repository, name)), None)

    def fork(self) -> str:
        return proposing.fork(self._api, self._at, self._sleep)

    def can_push(self) -> bool:
        rights = self._api.get(self._at).get("permissions")
        return isinstance(rights, dict) and rights.get("push") is True

    def clone_url(self, repository: str = "") -> str:
        return proposing.clone_url(self._api, _place(repository or self._repository))

    def commit_files(
        self, branch: str, base: str, message: str, files: Mapping[str, bytes | None], *, repository: str = ""
    ) -> str:
        target = _place(repository or self._repository)
        return proposing.commit_files(self._api, (self._at, target), (branch, base), message, files)

    def read(self, path: str, ref: str) -> bytes | None:
        return proposing.read(self._api, self._at, path, ref)

    def contributed(self, login: Login) -> bool:
        if not login.id:
            return False
        try:
            for data in self._api.every(f"{self._at}/issues", creator=login.login, state="closed"):
                merged = (data.get("pull_request") or {}).get("merged_at")
                if merged and reading.login(data.get("user")).id == login.id:
                    return True
        except ForgeError as error:
            if not error.refused:  # it knows nobody of this name any more
                raise
        return False

    def issue(self, title: str, body: str, marker: str) -> int:
        body = body if marker in body else f"{body}\n\n{marker}"
        given = {"title": title, "body": body}
        known = self._marked(marker)
        if known is None:
            return reading.number(self._api.send("POST", f"{self._at}/issues", given), "number")
        number = reading.number(known, "number")
        if reading.optional(known, "body") != body or known.get("title") != title:
            self._api.send("PATCH", self._issue(number), given)
        return number

    def close_issue(self, marker: str) -> int | None:
        known = self._marked(marker)
        if known is None:
            return None
        number = reading.number(known, "number")
        self._api.send("PATCH", self._issue(number), {"state": "closed"})
        return number

    def _marked(self, marker: str) -> dict[str, Json] | None:
        """The open issue of ours that holds a marker: anybody may write one."""
        me = self.me()
        for data in self._api.every(f"{self._at}/issues", state="open"):
            mine = reading.login(data.get("user")).id == me.id
            if mine and "pull_request" not in data and marker in reading.optional(data, "body"):
                return data
        return None

    def enable_workflows(self) -> tuple[str, ...]:
        disabled = []
        for data in self._api.every(f"{self._at}/actions/workflows", "workflows"):
            state = reading.words(data, "state")
            if state not in {"active", "disabled_inactivity"}:  # what somebody switched off stays off
                continue
            self._api.send("PUT", f"{self._at}/actions/workflows/{reading.number(data, 'id')}/enable", again=True)
            if state != "active":
                disabled.append(reading.words(data, "name"))
        return tuple(disabled)

    def settings(self) -> Settings:
        return settings.settings(self._api, self._at)

    def _pull(self, number: int) -> str:
        return f"{self._at}/pulls/{number}"

    def _issue(self, number: int) -> str:
        return f"{self._at}/issues/{number}"


def _place(repository: str) -> str:
    owner, slash, name = repository.partition("/")
    if not (owner and slash and name) or "/" in name or {owner, name} & {".", ".."}:
        raise ForgeError(f"{repository!r} is no repository: write owner/name")
    return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _judge_length(text: str) -> None:
    if len(text) > _COMMENT:
        raise ForgeError(f"a comment has at most {_COMMENT:,} characters, this one has {len(text):,}")
