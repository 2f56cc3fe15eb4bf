"""What a repository of GitHub is set to, as far as the token may see it: each part that is refused is absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.parse import quote

from galleryctl.forge import reading
from galleryctl.forge.port import ForgeError, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from galleryctl.forge.api import Api

Json: TypeAlias = Any
T = TypeVar("T")


def settings(api: Api, at: str) -> Settings:
    about = api.get(at)
    branch = reading.words(about, "default_branch")
    workflow = _seen(lambda: api.get(f"{at}/actions/permissions/workflow")) or {}
    approval = _seen(lambda: api.get(f"{at}/actions/permissions/fork-pr-contributor-approval")) or {}
    approves = workflow.get("can_approve_pull_request_reviews")
    token, who = workflow.get("default_workflow_permissions"), approval.get("approval_policy")
    return Settings(
        default_branch=branch,
        private=about.get("private") is True,
        workflow_token=token if token in {"read", "write"} else None,
        workflows_approve=approves if isinstance(approves, bool) else None,
        first_timers=reading.line(who) if isinstance(who, str) else None,
        rules=_seen(lambda: tuple(api.every(f"{at}/rules/branches/{quote(branch)}"))),
        environments=_seen(lambda: _environments(api, at)),
        writers=_seen(lambda: _writers(api, at)),
        pages=_pages(api, at, about),
        raw={name: about[name] for name in ("visibility", "allow_auto_merge", "allow_forking") if name in about},
    )


def _seen(look: Callable[[], T]) -> T | None:
    try:
        return look()
    except ForgeError as error:
        if error.missing or error.forbidden:
            return None
        raise


def _environments(api: Api, at: str) -> dict[str, tuple[str, ...]]:
    found = {}
    for data in api.every(f"{at}/environments", "environments"):
        name, policy = reading.words(data, "name"), data.get("deployment_branch_policy")
        branches: tuple[str, ...] = ()
        if isinstance(policy, dict) and policy.get("custom_branch_policies"):
            path = f"{at}/environments/{quote(name, safe='')}/deployment-branch-policies"
            branches = tuple(reading.words(each, "name") for each in api.every(path, "branch_policies"))
        elif policy:
            branches = ("(protected branches)",)
        found[name] = branches
    return found


def _writers(api: Api, at: str) -> tuple[str, ...]:
    found = []
    for data in api.every(f"{at}/collaborators", permission="push"):
        rights = data.get("permissions")
        if not (isinstance(rights, dict) and rights.get("admin")):
            found.append(reading.login(data).login)
    return tuple(sorted(found))


def _pages(api: Api, at: str, about: Json) -> str | None:
    if about.get("has_pages") is False:
        return ""
    found = _seen(lambda: api.get(f"{at}/pages"))
    return None if found is None else str(found.get("build_type") or "legacy")
