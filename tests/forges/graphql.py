"""What cannot be asked but by GraphQL. ASSUMED: the description does not cover it; tried by hand on GitHub only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from forges.accounts import Account
    from forges.state import State, Thread

Json: TypeAlias = Any


def _no(kind: str, message: str) -> Json:
    return {"data": None, "errors": [{"type": kind, "message": message, "locations": [], "path": []}]}


def answered(state: State, account: Account, body: Json) -> Json:  # noqa: PLR0911 - a refusal each
    query, given = body["query"], body.get("variables", {}).get("input", {})
    if re.search(r"\bviewer\b", query):
        return {"data": {"viewer": {"login": account.login, "databaseId": account.id}}}
    number = str(given.get("pullRequestId", "")).removeprefix("PR_")
    thread = state.threads.get(int(number)) if number.isdigit() else None
    if thread is None or thread.pull is None:
        return _no("NOT_FOUND", f"Could not resolve to a node with the global id of '{given.get('pullRequestId')}'")
    if not account.pushes:
        return _no("FORBIDDEN", f"{account.login} does not have the correct permissions to execute it")
    if given.get("expectedHeadOid", thread.pull.head) != thread.pull.head:
        return _no("UNPROCESSABLE", "Head branch was modified. Review and try the merge again.")
    if "enqueuePullRequest" in query:
        return _enqueued(state, thread)
    if "enablePullRequestAutoMerge" in query:
        return _automatic(state, thread)
    return _no("NOT_FOUND", "the stand-in cannot do that")


def _enqueued(state: State, thread: Thread) -> Json:
    if not state.main.merge_queue:
        return _no("UNPROCESSABLE", "Merge queue is not enabled for this branch")
    if thread.state == "closed":
        return _no("UNPROCESSABLE", "Pull request is closed")
    if thread.number in state.queue:
        return _no("UNPROCESSABLE", "Pull request is already in the queue")
    state.queue.append(thread.number)
    entry = {"id": f"MQE_{thread.number}", "position": len(state.queue)}
    return {"data": {"enqueuePullRequest": {"mergeQueueEntry": entry}}}


def _automatic(state: State, thread: Thread) -> Json:
    if not state.main.auto_merge:
        return _no("UNPROCESSABLE", "Pull request Auto merge is not allowed for this repository")
    assert thread.pull, "a pull request"
    thread.pull.automatic = True
    return {"data": {"enablePullRequestAutoMerge": {"pullRequest": {"number": thread.number}}}}
