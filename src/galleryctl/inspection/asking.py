"""Asking sources, each question once in a run; what never changes is kept for the next one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from galleryctl.checks.observed import ASKED, Silence, key
from galleryctl.errors import GalleryError
from galleryctl.fetch import DeniedError, MissingError, RefusedError
from galleryctl.inspection.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from galleryctl.fetch import Fetcher
    from galleryctl.hubs import Hub, Snapshot

T = TypeVar("T")
_TRIES = 3


@dataclass(frozen=True)
class Asks:
    """The ways to ask, and what was asked already. Threads share it."""

    fetcher: Fetcher
    hub: Callable[[str], Hub]
    """The hub of a kind of source."""
    kept: Kept = field(default_factory=Kept)
    """What was found in files of commits, in earlier runs."""
    _answers: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)
    _locks: dict[tuple[str, str], Lock] = field(default_factory=lambda: defaultdict(Lock), repr=False)
    _hosts: dict[str, tuple[int, int]] = field(default_factory=lambda: defaultdict(lambda: (0, 0)), repr=False)
    """Questions that were put to a host, and answers that it gave."""
    _guard: Lock = field(default_factory=Lock, repr=False)

    def once(self, what: str, name: str, ask: Callable[[], T]) -> T:
        """The answer to a question, asked by whoever comes first."""
        with self._guard:
            lock = self._locks[what, name]
        with lock:
            if (what, name) not in self._answers:
                self._answers[what, name] = ask()
            answer: T = self._answers[what, name]
            return answer

    def reach(self, host: str, ask: Callable[[], T]) -> T | Silence:
        """An answer, or why there is none; a host that never said anything is given up, or a run would take hours."""
        tries, answers = self._hosts[host]
        if tries >= _TRIES and not answers:
            return Silence("silent", f"{host} gave no answer to {tries} other questions")
        found = answered(ask)
        silent = isinstance(found, Silence) and found.kind == "silent"
        with self._guard:
            tries, answers = self._hosts[host]
            self._hosts[host] = (tries + 1, answers + (not silent))
        return found

    def _found(self, kind: str, repo: str, revision: str | None) -> Snapshot | Silence:
        return self.reach(kind, lambda: self.hub(kind).snapshot(repo, revision))

    def source(self, kind: str, repo: str, revision: str | None) -> Snapshot | Silence:
        """A source at a revision; that of its newest commit answers for it, where it is the same."""
        if kind not in ASKED:  # what has no history is asked for what is meant, and nothing else
            return self.once("source", key(kind, repo, revision), lambda: self._found(kind, repo, revision))
        head = self.once("source", key(kind, repo), lambda: self._found(kind, repo, None))
        if revision is None or (not isinstance(head, Silence) and head.revision == revision):
            return head
        return self.once("source", key(kind, repo, revision), lambda: self._found(kind, repo, revision))


def answered(ask: Callable[[], T]) -> T | Silence:
    """An answer, or why there is none."""
    try:
        return ask()
    except MissingError as error:
        return _silence("missing", error)
    except DeniedError as error:
        return _silence("denied", error)
    except RefusedError as error:
        return _silence("refused", error)
    except GalleryError as error:
        return _silence("silent", error)


def _silence(kind: Literal["missing", "denied", "refused", "silent"], error: GalleryError) -> Silence:
    return Silence(kind, " ".join(str(error).split()))
