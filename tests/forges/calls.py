"""One call of the API: who asks, what, and how an answer is given. Handlers are listed here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar
from urllib.parse import urlencode

if TYPE_CHECKING:
    from forges.accounts import Account
    from forges.description import Operation
    from forges.shapes import Shapes
    from forges.state import State, Stored, Thread

Json: TypeAlias = Any
Right = Literal["read", "write", "admin"]
T = TypeVar("T")


class Failure(Exception):  # noqa: N818 - an answer, no mistake of a test
    """An answer that says no. `errors` are GitHub's details of a 422."""

    def __init__(self, status: int, message: str, *, errors: Sequence[Json] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Json] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
        if errors:
            self.body["errors"] = list(errors)


def invalid(resource: str, field_: str, code: str, message: str = "") -> Failure:
    """422 as GitHub words it."""
    detail = {"resource": resource, "field": field_, "code": code, **({"message": message} if message else {})}
    return Failure(422, "Validation Failed", errors=[detail])


@dataclass
class Call:
    state: State
    shapes: Shapes
    operation: Operation
    path: str
    account: Account
    query: Mapping[str, str]
    body: Json
    headers: dict[str, str] = field(default_factory=dict)
    """Of the answer."""

    @property
    def given(self) -> Mapping[str, str]:
        return self.operation.given

    @property
    def repository(self) -> Stored:
        name = f"{self.given['owner']}/{self.given['repo']}"
        found = next((each for each in self.state.repositories.values() if each.name.lower() == name.lower()), None)
        if found is None or not self.state.may(self.account, found.name, "read"):
            raise Failure(404, "Not Found")
        return found

    def need(self, right: Right) -> Stored:
        """The repository, if the account has this right in it."""
        stored = self.repository
        if not self.state.may(self.account, stored.name, right):
            raise Failure(403, "Resource not accessible by personal access token")
        return stored

    def thread(self, name: str) -> Thread:
        found = self.state.threads.get(int(self.given[name]))
        if found is None or self.repository.name != self.state.main.name:
            raise Failure(404, "Not Found")
        return found

    @property
    def proposed(self) -> Thread:
        thread = self.thread("pull_number")
        if thread.pull is None:
            raise Failure(404, "Not Found")
        return thread

    def paged(self, items: Sequence[T], shape: Callable[[T], Json]) -> list[Json]:
        """One page of a list; what leads to the others goes into the headers."""
        size = min(100, max(1, int(self.query.get("per_page", "30"))))
        page, pages = max(1, int(self.query.get("page", "1"))), max(1, math.ceil(len(items) / size))
        places = {"prev": page - 1, "next": page + 1, "first": 1, "last": pages}
        shown = {"prev": page > 1, "first": page > 1, "next": page < pages, "last": page < pages}
        links = [
            f'<{self.shapes.base}{self.path}?{urlencode({**self.query, "page": number})}>; rel="{name}"'
            for name, number in places.items()
            if shown[name]
        ]
        if links:
            self.headers["Link"] = ", ".join(links)
        return [shape(each) for each in items[(page - 1) * size : page * size]]


class Reply(NamedTuple):
    status: int
    real: Json = None


Handler = Callable[[Call], Reply]
HANDLERS: dict[tuple[str, str], Handler] = {}
REPO = "/repos/{owner}/{repo}"


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """List a handler under what the description calls its address; `…` stands for a repository's."""

    def listed(handler: Handler) -> Handler:
        HANDLERS[method, path.replace("…", REPO)] = handler
        return handler

    return listed
