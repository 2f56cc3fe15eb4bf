"""What a forge recorded about a pull request, and what is published about the queue of reviews."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from galleryctl.spec.base import Count, Frozen, ModelId

Number = Annotated[int, Field(ge=0, le=2**53)]
"""What every reader of JSON reads alike."""
Turn = Literal["author", "owner", "reviewer", "steward", "clearance", "admin", "clock", "us"]
"""Who has to act next; `us` is this program or the forge."""
Lane = Literal["release", "text", "new", "urgent", "manual", "governance"]
"""How a pull request may be merged: the strictest lane of its changes."""
State = Literal["success", "pending", "failure", "error"]
"""The status of a head commit, in the forge's words."""


KINDS: dict[str, str] = {
    "new": "Adds a model",
    "release": "Adds a release",
    "text": "Changes texts of models",
    "lifecycle": "Changes what is listed, or its status",
    "publisher": "Changes a publisher",
    "governance": "Changes rules, people or the program",
}
LANES: dict[Lane, str] = {
    "release": "Automatic: a release of an existing model",
    "text": "Automatic: texts of existing models",
    "new": "Automatic after a wait: new models",
    "urgent": "At once: a quarantine",
    "manual": "Needs approvals",
    "governance": "Needs the admins, never automatic",
}
TURNS: dict[Turn, str] = {
    "author": "Waits for its author",
    "owner": "Waits for an owner of the model",
    "reviewer": "Waits for a reviewer",
    "steward": "Waits for a steward",
    "clearance": "Waits for clearance of a wider audience",
    "admin": "Waits for an admin",
    "clock": "Waits for a time to pass",
    "us": "Waits for us; its author need do nothing",
}
RISKS: dict[str, str] = {
    "visibility": "More people would see a model",
    "licence": "A licence changes",
    "source-host": "Files come from somewhere new",
    "owners": "Somebody else may act for a model",
    "removal": "Something goes for good",
}
OTHERS: dict[str, str] = {
    "first-contribution": "The author's first pull request here",
    "stale": "Its author has not come back to it for a long time",
    "service-problem": "Something failed on our side; we try again",
}
"""Labels of no family. What each word means, for labels on the forge and for the legend of the queue's page."""


class Login(Frozen):
    """An account of the forge. The number counts; a login can be given up and taken by somebody else."""

    id: Count
    """Numeric id."""
    login: str
    """Login, for display."""
    bot: bool = False
    """Whether the forge says that a program acts under it."""


class Review(Frozen):
    """One review, as the forge recorded it."""

    by: Login
    """Its author."""
    state: Literal["approved", "changes_requested", "commented", "dismissed"]
    """Its outcome."""
    commit: str
    """The head commit that was reviewed."""
    at: AwareDatetime
    """When it was handed in, in UTC."""
    text: str = ""
    """What it says."""


class Remark(Frozen):
    """One comment on a pull request."""

    by: Login
    """Its author."""
    at: AwareDatetime
    """When it was written, in UTC."""
    text: str = ""
    """What it says."""


class Pull(Frozen):
    """What the forge recorded about a pull request: with the git objects, the only input of a verdict."""

    author: Login
    """Who opened it."""
    pusher: Login | None = None
    """Who pushed its head last, where the forge says so."""
    reviews: tuple[Review, ...] = ()
    """All reviews, oldest first."""
    remarks: tuple[Remark, ...] = ()
    """All comments, oldest first."""
    since: AwareDatetime | None = None
    """When the status of this head was first written: clocks start then. Absent means now."""
    opened: AwareDatetime | None = None
    """When it was opened, in UTC."""
    draft: bool = False
    """Whether its author says that it is not ready."""


class QueuedPull(Frozen):
    """One open pull request of the queue."""

    number: Number
    """Its number on the forge."""
    title: str
    """Its title."""
    url: str
    """Its address."""
    author: str
    """Login of its author."""
    first: bool = False
    """Whether it is the author's first contribution."""
    models: tuple[ModelId, ...] = ()
    """Models it changes."""
    kinds: tuple[str, ...] = ()
    """What it does: new, release, text, lifecycle, publisher, governance."""
    risks: tuple[str, ...] = ()
    """Visibility, licence, source-host, owners, removal."""
    lane: Lane = "manual"
    """How it may be merged."""
    turn: Turn = "us"
    """Who has to act next."""
    waiting_on: tuple[str, ...] = ()
    """People of `roles.yaml`, by name."""
    why: str = ""
    """One sentence: what has to happen next."""
    since: AwareDatetime | None = None
    """Since when it is their turn, in UTC."""
    spent: dict[str, Number] = {}
    """Seconds spent in each turn so far."""
    earliest: AwareDatetime | None = None
    """Earliest time of the merge, where a clock runs or ran."""
    checks: Literal["ok", "problems", "unknown"] = "unknown"
    """Whether the definitions are free of errors."""
    codes: tuple[str, ...] = ()
    """Rules that fail."""
    files: Number = 0
    """Files it changes."""
    head: str = ""
    """Commit that was judged."""
    opened: AwareDatetime | None = None
    """When it was opened, in UTC."""
    upstream: bool = False
    """Whether it was opened in another repository, by `upstream`."""


class Answers(Frozen):
    """How long authors waited for the first answer of a person, in seconds, over thirty days."""

    median: Number | None = None
    """Half of them waited no longer."""
    p95: Number | None = None
    """19 of 20 waited no longer."""


class Queue(Frozen):
    """`review.json` and `/review/queue.json`: the open pull requests at one time."""

    schema_version: Annotated[str, Field(alias="schema")] = "1.0"
    """Version of this document."""
    at: AwareDatetime
    """When it was written, in UTC."""
    target: Number = 72 * 3600
    """Seconds within which an author may expect a first answer."""
    first_answer: Answers = Answers()
    """How long they waited."""
    pulls: tuple[QueuedPull, ...] = ()
    """Open pull requests, oldest turn of the reviewers first."""
