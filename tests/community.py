"""People who keep one gallery on a forge: each with an account, a clone and the command line; a robot that judges.

Times are those of the forge: every command is told what its clock says, and commits that the forge makes bear it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conftest import MINIMAL, git
from forges.accounts import ADA, EVERYBODY, ROBOT, Account
from galleryctl.reviewing.comment import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from conftest import Files, Result
    from forges.server import Server
    from forges.state import Thread

CAROL = Account(1888, "carol")
"""A contributor without any right: a fork is all she has."""
TINY = "registry/models/llm/acme/tiny"
CONTEXT = "galleryctl/verdict"
ROLES = """\
version: 1
people:
  ada: {github: {id: 1001, login: ada}}
  bob: {github: {id: 1002, login: bob}}
  eve: {github: {id: 1003, login: eve}}
groups:
  acme: [ada, bob]
roles:
  owner: [edit, release, deploy, withdraw, deprecate, discontinue, reinstate, expire, renew]
  reviewer: [new, edit, release]
  clearance: [widen]
  steward: [quarantine, reinstate, remove, rename, transfer, override]
  admin: [govern]
grants:
  - {role: owner, to: acme, scope: acme/*}
  - {role: reviewer, to: eve, scope: "*"}
  - {role: clearance, to: eve, scope: "*"}
  - {role: steward, to: eve, scope: "*"}
  - {role: admin, to: [ada, bob, eve], scope: "*"}
rules:
  admin_quorum: 2
"""
"""ada and bob own acme; eve reviews, clears and keeps order."""
_TIMELESS = {"status", "show", "explain"}


@dataclass
class Community:
    server: Server
    run: Callable[..., Result]
    patch: pytest.MonkeyPatch
    folder: Path
    tokens: set[str] = field(default_factory=set)
    """Everything that no output may hold."""
    published: list[Path] = field(default_factory=list)
    """One folder for each time the gallery was published, the newest last."""

    def __post_init__(self) -> None:
        self.server.state.accounts[CAROL.login] = CAROL
        self.tokens = {each.token for each in (*EVERYBODY, CAROL)}
        self.patch.setenv("GITHUB_API_URL", self.server.url)

    def start(self, files: Files | None = None) -> Community:
        """The gallery as it begins."""
        every = {**MINIMAL, "roles.yaml": ROLES, **(files or {})}
        self.dated()
        self.server.push("main", {f"registry/{path}": text.encode() for path, text in every.items() if text})
        return self

    # -- time

    @property
    def now(self) -> dt.datetime:
        return self.server.state.clock

    def later(self, **span: float) -> None:
        """The forge's clock goes on: `later(hours=3)`."""
        self.server.state.clock += dt.timedelta(**span)

    def dated(self) -> None:
        """Commits that the forge makes from here on bear its time."""
        for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
            self.patch.setenv(name, self.now.isoformat())

    # -- people

    def clone(self, who: Account = ROBOT) -> Path:
        """Their clone of the repository, made when it is first wanted."""
        folder = self.folder / "clones" / who.login
        if not folder.exists():
            folder.parent.mkdir(exist_ok=True)
            self.server.clone(folder)
            git(folder, "config", "user.name", who.login.title())
            git(folder, "config", "user.email", f"{who.login}@people.example")
        return folder

    def current(self, who: Account) -> Path:
        """Their clone, on the default branch as it is now."""
        folder = self.clone(who)
        git(folder, "switch", "-q", "main")
        git(folder, "pull", "-q", "--ff-only")
        return folder

    def do(self, who: Account, *words: str, stdin: str = "", code: int | None = 0) -> Result:
        """A command as somebody runs it in their clone; with `code` None it may end as it likes."""
        self.later(seconds=1)
        self.dated()
        self.patch.setenv("GALLERYCTL_TOKEN", who.token)
        timed = () if words[0] in _TIMELESS or "--now" in words else ("--now", self.now.isoformat())
        done = self.run(*words, *timed, cwd=self.clone(who), stdin=stdin)
        said = done.stdout + done.stderr
        assert not [token for token in self.tokens if token in said]
        assert "Traceback" not in said, said
        assert code is None or done.exit_code == code, said
        return done

    def submits(self, who: Account, *words: str) -> Thread:
        """Hand in what somebody changed: the pull request."""
        return self._named(self.do(who, "submit", *words))

    def _named(self, done: Result) -> Thread:
        """The pull request whose address a command printed last."""
        return self.server.state.threads[int(done.stdout.strip().rpartition("/pull/")[2])]

    def proposes(self, who: Account, *command: str) -> Thread:
        """One command on the newest default branch, and what it changed as a pull request of its own."""
        self.current(who)
        return self._named(self.do(who, *command, "--submit"))

    def lands(self, who: Account, *command: str, approved: tuple[Account, ...] = (), **wait: float) -> Thread:
        """A change from a command to the default branch: proposed, judged, approved, waited for, merged."""
        thread = self.proposes(who, *command)
        self.sweep()
        for each in approved:
            self.do(each, "review", "approve", str(thread.number), "--yes")
        self.later(**wait)
        self.sweep()
        self.merge(thread)
        return thread

    # -- the robot

    def sweep(self, *words: str, code: int | None = 0) -> Result:
        ledger = ("--ledger", str(self.published[-1])) if self.published else ()
        return self.do(ROBOT, "review", "sweep", *words, *ledger, code=code)

    def merge(self, thread: Thread, code: int = 0) -> Result:
        done = self.do(ADA, "review", "merge", str(thread.number), "--judge", ROBOT.login, code=code)
        assert thread.pull
        assert bool(thread.pull.merged) == (code == 0), done.stdout + done.stderr
        return done

    def publish(self, code: int = 0) -> Site:
        """What `publish` does after each merge: a new folder goes on from what was published last."""
        place = self.clone()
        git(place, "fetch", "-q", "origin")
        queue, out = self.folder / "review.json", self.folder / f"site-{len(self.published) + 1}"
        self.do(ROBOT, "review", "queue", "--format", "json", "--out", str(queue))
        earlier = ("--earlier", str(self.published[-1])) if self.published else ()
        self.do(ROBOT, "build", "--head", "origin/main", *earlier, "--review", str(queue), "--out", str(out), code=code)
        if code == 0:
            self.published.append(out)
        return Site(self.published[-1])

    # -- what the forge shows

    def state(self, thread: Thread) -> str:
        """The last status of the head."""
        assert thread.pull
        marks = [mark for mark in self.server.state.marks.get(thread.pull.head, []) if mark.context == CONTEXT]
        return marks[-1].state if marks else ""

    def said(self, thread: Thread) -> str:
        """The one comment of the robot."""
        (found,) = [each for each in thread.comments if each.by == ROBOT and MARKER in each.body]
        return found.body


class Site:
    """A gallery as it was published."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def json(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        return json.loads((self.folder / path).read_bytes())

    def text(self, path: str) -> str:
        return (self.folder / path).read_text()

    @property
    def serial(self) -> int:
        found: int = self.json("v1/catalog.json")["serial"]
        return found

    def listed(self, kind: str = "llm") -> dict[str, list[str]]:
        """Models of the type document, with the releases that it carries."""
        models = self.json(f"v1/types/{kind}.json")["models"]
        return {identifier: sorted(model["releases"]) for identifier, model in models.items()}

    def shown(self, identifier: str, kind: str = "llm") -> set[str]:
        """Where a visitor or a reader comes across a model who does not ask for it by its id."""
        places = {
            "home": "index.html",
            "list": f"types/{kind}/index.html",
            "search": f"v1/search/{kind}.en.json",
            "sitemap": "sitemap.xml",
        }
        found = {name for name, path in places.items() if identifier in self.text(path)}
        return found | ({"type document"} if identifier in self.listed(kind) else set())

    def pinned(self, identifier: str) -> Any:  # noqa: ANN401 - a document
        """The document that a pin resolves to, by the digest that the directory names; none where it names none."""
        known = self.json("v1/directory.json")["models"].get(identifier)
        if known is None:
            return None
        path = self.folder / f"v1/models/{identifier}/{known['sha256']}.json"
        data = path.read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (known["sha256"], known["length"])
        return json.loads(data)

    def banners(self, identifier: str) -> str:
        """What the page of a model says above all."""
        found = re.findall(r'<div class="note .*?</svg><div>(.*?)</div>', self.text(f"models/{identifier}/index.html"))
        return " ".join(re.sub("<[^>]+>", " ", " ".join(found)).split())
