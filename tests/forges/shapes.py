"""What the stand-in remembers, as GitHub says it: real values only, the rest of an answer is the description's."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, TypeAlias

from forges.accounts import Account

if TYPE_CHECKING:
    import datetime as dt

    from forges.state import Judged, Marked, Said, State, Stored, Tag, Thread

Json: TypeAlias = Any  # answers are data


def moment(at: dt.datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


GHOST = Account(10_137, "ghost")
"""Who GitHub says in place of a deleted account."""


class Shapes:
    """Shapes of one server; `base` begins every address."""

    def __init__(self, state: State, base: str) -> None:
        self.state = state
        self.base = base

    def user(self, account: Account | None) -> Json:
        """None is a deleted account."""
        account = account or GHOST
        return {
            "login": account.login,
            "id": account.id,
            "node_id": f"U_{account.id}",
            "type": "Bot" if account.bot else "User",
            "site_admin": False,
            "url": f"{self.base}/users/{account.login}",
            "html_url": f"{self.base}/{account.login}",
        }

    def _owner(self, login: str) -> Json:
        """Whoever is no account is an organization."""
        account = self.state.accounts.get(login)
        return self.user(account) if account else self.user(Account(1, login)) | {"type": "Organization"}

    def repository(self, stored: Stored, viewer: Account | None = None) -> Json:
        name = stored.name.partition("/")[2]
        shape = {
            "id": stored.id,
            "node_id": f"R_{stored.id}",
            "name": name,
            "full_name": stored.name,
            "private": stored.private,
            "fork": bool(stored.parent),
            "owner": self._owner(stored.owner),
            "url": f"{self.base}/repos/{stored.name}",
            "html_url": f"{self.base}/{stored.name}",
            "clone_url": f"{self.base}/{stored.name}.git" if self.state.remote else str(stored.bare.path),
            "default_branch": "main",
            "allow_auto_merge": stored.auto_merge,
            "allow_squash_merge": True,
            "allow_merge_commit": True,
            "allow_rebase_merge": True,
            "has_pages": self.state.options.pages is not None,
            "visibility": "private" if stored.private else "public",
        }
        if viewer:
            rights = {"admin": "admin", "push": "write", "pull": "read"}
            shape["permissions"] = {
                word: self.state.may(viewer, stored.name, right)  # type: ignore[arg-type]  # words of the table
                for word, right in rights.items()
            }
        if stored.parent:
            shape["parent"] = self.repository(self.state.repositories[stored.parent])
        return shape

    def tag(self, tag: Tag) -> Json:
        return {
            "id": tag.id,
            "node_id": f"LA_{tag.id}",
            "name": tag.name,
            "color": tag.color,
            "description": tag.description,
            "default": False,
            "url": f"{self.base}/repos/{self.state.main.name}/labels/{tag.name}",
        }

    def tags(self, thread: Thread) -> Json:
        return [self.tag(self.state.tags[name.lower()]) for name in thread.labels]

    def said(self, said: Said, number: int) -> Json:
        return {
            "id": said.id,
            "node_id": f"IC_{said.id}",
            "user": self.user(said.by),
            "body": said.body,
            "created_at": moment(said.at),
            "updated_at": moment(said.updated),
            "url": f"{self.base}/repos/{self.state.main.name}/issues/comments/{said.id}",
            "issue_url": f"{self.base}/repos/{self.state.main.name}/issues/{number}",
            "html_url": f"{self.base}/{self.state.main.name}/issues/{number}#issuecomment-{said.id}",
        }

    def judged(self, review: Judged, number: int) -> Json:
        page = f"{self.base}/{self.state.main.name}/pull/{number}"
        return {
            "id": review.id,
            "node_id": f"PRR_{review.id}",
            "user": self.user(review.by) if review.by else None,
            "body": review.body,
            "state": review.state,
            "commit_id": review.commit,
            "submitted_at": moment(review.at),
            "html_url": f"{page}#pullrequestreview-{review.id}",
            "pull_request_url": f"{self.base}/repos/{self.state.main.name}/pulls/{number}",
        }

    def marked(self, mark: Marked) -> Json:
        return {
            "id": mark.id,
            "node_id": f"SC_{mark.id}",
            "context": mark.context,
            "state": mark.state,
            "description": mark.description,
            "target_url": mark.url or None,
            "creator": self.user(mark.by) if mark.by else None,
            "created_at": moment(mark.at),
            "updated_at": moment(mark.at),
        }

    def _thread(self, thread: Thread) -> Json:
        return {
            "number": thread.number,
            "title": thread.title,
            "body": thread.body,
            "state": thread.state,
            "user": self.user(thread.by),
            "labels": self.tags(thread),
            "created_at": moment(thread.at),
            "updated_at": moment(thread.updated),
            "closed_at": moment(thread.closed),
        }

    def workflow(self, number: int, named: tuple[str, str]) -> Json:
        name, state = named
        at, path = moment(self.state.clock), f".github/workflows/{name}.yml"
        place = f"{self.base}/repos/{self.state.main.name}/actions/workflows/{number}"
        shape = {"id": number, "node_id": f"W_{number}", "name": name, "path": path, "state": state}
        return shape | {"created_at": at, "updated_at": at, "url": place, "html_url": place, "badge_url": place}

    def issue(self, thread: Thread) -> Json:
        kind = "pull" if thread.pull else "issues"
        shape = self._thread(thread) | {
            "id": 30_000 + thread.number,
            "node_id": f"I_{thread.number}",
            "comments": len(thread.comments),
            "locked": False,
            "url": f"{self.base}/repos/{self.state.main.name}/issues/{thread.number}",
            "html_url": f"{self.base}/{self.state.main.name}/{kind}/{thread.number}",
        }
        if thread.pull:
            shape["pull_request"] = {
                "url": f"{self.base}/repos/{self.state.main.name}/pulls/{thread.number}",
                "merged_at": moment(thread.pull.merged),
            }
        return shape

    def _part(self, name: str, branch: str, commit: str) -> Json:
        stored = self.state.repositories.get(name)
        owner = name.partition("/")[0]
        return {
            "label": f"{owner}:{branch}",
            "ref": branch,
            "sha": commit,
            "repo": self.repository(stored) if stored else None,
            "user": self._owner(owner),
        }

    def pull(self, thread: Thread, *, whole: bool = True) -> Json:
        """With `whole` false, as lists have it."""
        pull = thread.pull
        assert pull, f"{thread.number} is no pull request"
        bare, name = self.state.main.bare, self.state.main.name
        base = bare.branches().get(pull.base, "") if whole else ""
        shape = self._thread(thread) | {
            "id": 20_000 + thread.number,
            "node_id": f"PR_{thread.number}",
            "url": f"{self.base}/repos/{name}/pulls/{thread.number}",
            "html_url": f"{self.base}/{name}/pull/{thread.number}",
            "issue_url": f"{self.base}/repos/{name}/issues/{thread.number}",
            "comments_url": f"{self.base}/repos/{name}/issues/{thread.number}/comments",
            "statuses_url": f"{self.base}/repos/{name}/statuses/{pull.head}",
            "draft": pull.draft,
            "locked": False,
            "merged_at": moment(pull.merged),
            "merge_commit_sha": pull.merge_commit or None,
            "author_association": "NONE",
            "requested_reviewers": [self.user(self.state.accounts[login]) for login in pull.asked],
            "head": self._part(pull.repository, pull.branch, pull.head),
            "base": self._part(name, pull.base, base),
        }
        if not whole:
            return shape
        files = bare.say("diff", "--name-only", f"{base}...{pull.head}").splitlines() if base else []
        return shape | {"merged": pull.merged is not None, "changed_files": len(files), "mergeable": None}

    def file(self, path: str, blob: str, data: bytes) -> Json:
        return {
            "type": "file",
            "encoding": "base64",
            "content": base64.encodebytes(data).decode(),
            "name": path.rpartition("/")[2],
            "path": path,
            "sha": blob,
            "size": len(data),
            "url": f"{self.base}/repos/{self.state.main.name}/contents/{path}",
        }
