"""What this program needs of a forge. One adapter speaks to GitHub; tests may bring another.

Everything raises `ForgeError` (exit 3) with what to do: a login that is missing or too weak, a limit that was reached
and until when, an answer that makes no sense. No message ever holds a token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from galleryctl.errors import GalleryError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from galleryctl.spec.review import Login, Remark, Review, State


class ForgeError(GalleryError):
    """The forge cannot be asked, refused, or answered what nobody understands."""

    def __init__(
        self,
        message: str,
        *,
        missing: bool = False,
        conflict: bool = False,
        refused: bool = False,
        forbidden: bool = False,
    ) -> None:
        super().__init__(message)
        self.missing = missing
        """Whether it says that there is no such thing."""
        self.conflict = conflict
        """Whether something else changed in the meantime, or is there already."""
        self.refused = refused
        """Whether the forge understood, and does not do it for these values."""
        self.forbidden = forbidden
        """Whether the token is too weak for it."""


@dataclass(frozen=True)
class PullRequest:
    """One pull request as the forge shows it."""

    number: int
    title: str
    url: str
    """Address of its page, for people."""
    author: Login
    head: str
    """Commit of its head."""
    branch: str
    """Branch of its head."""
    repository: str
    """`owner/name` of the repository that its head lies in; empty where that was deleted."""
    base: str
    """Branch that it wants to be merged into."""
    body: str
    draft: bool
    labels: tuple[str, ...]
    opened: dt.datetime
    updated: dt.datetime
    state: Literal["open", "closed"] = "open"
    merged: bool = False


@dataclass(frozen=True)
class Note:
    """One comment that can be edited."""

    id: int
    by: Login
    at: dt.datetime
    text: str


@dataclass(frozen=True)
class Mark:
    """A status of a commit as it was written at one time."""

    state: State
    description: str
    at: dt.datetime
    by: Login | None


@dataclass(frozen=True)
class Settings:
    """What a repository's settings say, as far as the token may see them; none where it may not."""

    default_branch: str
    private: bool
    workflow_token: Literal["read", "write"] | None = None
    workflows_approve: bool | None = None
    """Whether workflows may approve pull requests."""
    first_timers: str | None = None
    """Whose workflows wait for approval, in the forge's words."""
    rules: tuple[Mapping[str, object], ...] | None = None
    """Rules that hold on the default branch, each with its `type` and `parameters`."""
    environments: Mapping[str, tuple[str, ...]] | None = None
    """Environments, and the branches that may deploy to each; empty means any."""
    writers: tuple[str, ...] | None = None
    """Logins, other than admins, who may push."""
    pages: str | None = None
    """How pages are built: `workflow`, `legacy`; empty where there are none."""
    raw: Mapping[str, object] = field(default_factory=dict)


class Forge(Protocol):
    """One repository on a forge, as one account sees it."""

    @property
    def repository(self) -> str:
        """`owner/name`."""

    def me(self) -> Login:
        """Whose token this is."""

    def pulls(self, *, state: Literal["open", "closed"] = "open", base: str | None = None) -> Iterable[PullRequest]:
        """Pull requests, oldest first; into one branch, where `base` is given. Closed ones: newest first."""

    def pull(self, number: int) -> PullRequest: ...

    def by_head(self, commit: str) -> Sequence[PullRequest]:
        """Open pull requests whose head is this commit; the forge's own lookup does not know all, so it lists them."""

    def pusher(self, pull: PullRequest) -> Login | None:
        """Who pushed the head; none where the forge does not say."""

    def reviews(self, number: int) -> Sequence[Review]:
        """All reviews, oldest first."""

    def notes(self, number: int) -> Sequence[Note]:
        """All comments, oldest first."""

    def remarks(self, number: int) -> Sequence[Remark]:
        """All comments as a verdict takes them."""

    def marks(self, commit: str, context: str) -> Sequence[Mark]:
        """Every status of this name that the commit ever had, oldest first."""

    def mark(self, commit: str, context: str, state: State, description: str, url: str = "") -> None:
        """Write a status; descriptions over 140 characters are cut."""

    def label(self, number: int, wanted: Mapping[str, str]) -> bool:
        """Make the labels that this program gives exactly these, by name with description; others stay.

        Labels of this program begin with `kind/`, `lane/`, `turn/`, `risk/`, `fail/`, or are `first-contribution`,
        `stale`, `service-problem`. Returns whether anything changed.
        """

    def comment(self, number: int, text: str) -> Note: ...

    def edit_comment(self, note: Note, text: str) -> None: ...

    def delete_comment(self, note: Note) -> None: ...

    def ask(self, number: int, logins: Sequence[str]) -> tuple[str, ...]:
        """Request reviews; returns those whom the forge refused to ask."""

    def asked(self, number: int) -> tuple[str, ...]:
        """Logins whose review is requested."""

    def review(
        self, number: int, commit: str, event: Literal["APPROVE", "REQUEST_CHANGES", "COMMENT"], text: str
    ) -> None:
        """Hand in a review of exactly this head commit."""

    def merge(self, number: int, commit: str) -> None:
        """Merge, or enter the merge queue, if the head is still this commit; else `ForgeError` with `conflict`."""

    def open(
        self, *, title: str, body: str, branch: str, base: str, repository: str = "", draft: bool = False
    ) -> PullRequest:
        """Open a pull request from a branch of `repository` (of this one unless given)."""

    def update(
        self,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        state: Literal["open", "closed"] | None = None,
    ) -> PullRequest: ...

    def of_branch(self, branch: str, repository: str = "") -> PullRequest | None:
        """The open pull request of a branch."""

    def fork(self) -> str:
        """`owner/name` of the account's own fork; made where there is none."""

    def can_push(self) -> bool: ...

    def clone_url(self, repository: str = "") -> str:
        """Address for git, without credentials."""

    def commit_files(
        self, branch: str, base: str, message: str, files: Mapping[str, bytes | None], *, repository: str = ""
    ) -> str:
        """One commit on a branch that starts at `base` (a branch or commit), by the API; none deletes. Returns its id.

        A branch that is there already is set to it: what this program proposes, it proposes whole.
        """

    def read(self, path: str, ref: str) -> bytes | None:
        """A file of the repository; none where there is none."""

    def contributed(self, login: Login) -> bool:
        """Whether an earlier pull request of this account was merged."""

    def issue(self, title: str, body: str, marker: str) -> int:
        """Open, or edit, the one open issue whose body holds the marker; returns its number."""

    def close_issue(self, marker: str) -> int | None:
        """Close the open issue of ours whose body holds the marker; its number, none where there is none."""

    def enable_workflows(self) -> tuple[str, ...]:
        """Put off the day on which the forge disables scheduled workflows; names of those it had disabled already."""

    def settings(self) -> Settings: ...
