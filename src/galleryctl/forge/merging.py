"""How a pull request enters a branch of GitHub: at once, by the queue, or by itself when its checks are through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from galleryctl.forge import reading
from galleryctl.forge.port import ForgeError

if TYPE_CHECKING:
    from galleryctl.forge.api import Api

Json: TypeAlias = Any
_METHODS = ("squash", "merge", "rebase")
_ALLOWED = {"squash": "allow_squash_merge", "merge": "allow_merge_commit", "rebase": "allow_rebase_merge"}
_ENQUEUE = """mutation($input: EnqueuePullRequestInput!) {
  enqueuePullRequest(input: $input) { mergeQueueEntry { id position } }
}"""
_AUTOMATIC = """mutation($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { pullRequest { number } }
}"""


def merge(api: Api, at: str, data: Json, commit: str) -> None:
    """Merge the pull request `data`, if its head is `commit`. The repository lies at the path `at`."""
    pull = reading.pull(data)
    if pull.state != "open":
        raise ForgeError(f"pull request {pull.number} is closed", conflict=True)
    if pull.head != commit:
        text = f"pull request {pull.number} has another head than the one that was judged: judge {pull.head[:12]}"
        raise ForgeError(text, conflict=True)
    given = {"pullRequestId": reading.words(data, "node_id"), "expectedHeadOid": commit}
    if _queued(api, at, pull.base):
        _enqueue(api, given)
        return
    about = api.get(at)
    method = next((each for each in _METHODS if about.get(_ALLOWED[each]) is not False), "merge")
    try:
        answer = api.send("PUT", f"{at}/pulls/{pull.number}/merge", {"sha": commit, "merge_method": method})
    except ForgeError as error:
        said = str(error).lower()
        if error.conflict and "merge queue" in said:  # one that no ruleset names: an older protection of the branch
            _enqueue(api, given)
        elif error.conflict and "required" in said and about.get("allow_auto_merge") is True:
            api.ask(_AUTOMATIC, {"input": given | {"mergeMethod": method.upper()}})
        else:
            raise
        return
    if not isinstance(answer, dict) or answer.get("merged") is not True:
        raise ForgeError(f"the forge does not say that pull request {pull.number} is merged: look at it there")


def _enqueue(api: Api, given: dict[str, str]) -> None:
    try:
        api.ask(_ENQUEUE, {"input": given})
    except ForgeError as error:
        if "already" not in str(error):  # asked for twice is asked for
            raise


def _queued(api: Api, at: str, branch: str) -> bool:
    rules = api.every(f"{at}/rules/branches/{branch}")
    return any(rule.get("type") == "merge_queue" for rule in rules)
