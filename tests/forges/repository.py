"""Issues, forks, and what a repository is set to."""

from __future__ import annotations

from forges import objects  # noqa: F401 - lists its handlers
from forges.calls import Call, Failure, Json, Reply, route
from forges.routes import _edit, _own
from forges.shapes import moment
from forges.state import Thread


@route("get", "…/issues")
def issues(call: Call) -> Reply:
    _ = call.repository
    state, creator = call.query.get("state", "open"), call.query.get("creator")
    found = [
        thread
        for thread in call.state.threads.values()
        if state in {"all", thread.state} and (not creator or (thread.by and thread.by.login == creator))
    ]
    found.sort(key=lambda each: each.at, reverse=call.query.get("direction", "desc") == "desc")
    return Reply(200, call.paged(found, call.shapes.issue))


@route("post", "…/issues")
def issue(call: Call) -> Reply:
    _ = call.repository
    at = call.state.now()
    thread = Thread(call.state.number(), call.account, str(call.body["title"]), call.body.get("body") or "", at, at)
    call.state.threads[thread.number] = thread
    return Reply(201, call.shapes.issue(thread))


@route("get", "…/issues/{issue_number}")
def one_issue(call: Call) -> Reply:
    return Reply(200, call.shapes.issue(call.thread("issue_number")))


@route("patch", "…/issues/{issue_number}")
def change_issue(call: Call) -> Reply:
    thread = call.thread("issue_number")
    _own(call, thread.by)
    _edit(call, thread)
    return Reply(200, call.shapes.issue(thread))


@route("post", "…/forks")
def fork(call: Call) -> Reply:
    stored = call.repository
    name = f"{call.account.login}/{stored.name.partition('/')[2]}"
    if call.account.bot:
        raise Failure(403, "Resource not accessible by integration")
    made = call.state.repositories.get(name) or call.state.add(name, stored.name)
    return Reply(202, call.shapes.repository(made, call.account))


@route("get", "…/rules/branches/{branch}")
def rules(call: Call) -> Reply:
    stored = call.repository
    source = {"ruleset_source_type": "Repository", "ruleset_source": stored.name, "ruleset_id": 1}
    found: list[Json] = [each | source for each in call.state.options.rules]
    if stored.merge_queue and not stored.classic:
        parameters = {
            "check_response_timeout_minutes": 60, "grouping_strategy": "ALLGREEN", "max_entries_to_build": 5,
            "max_entries_to_merge": 5, "merge_method": "SQUASH", "min_entries_to_merge": 1,
            "min_entries_to_merge_wait_minutes": 5,
        }  # fmt: skip
        found.append({"type": "merge_queue", "parameters": parameters} | source)
    call.paged(found, lambda each: each)
    return Reply(200, found)


@route("get", "…/actions/permissions/workflow")
def workflow(call: Call) -> Reply:
    call.need("admin")
    options = call.state.options
    answer = {"default_workflow_permissions": options.workflow_token}
    return Reply(200, answer | {"can_approve_pull_request_reviews": options.workflows_approve})


@route("get", "…/actions/permissions/fork-pr-contributor-approval")
def approval(call: Call) -> Reply:
    call.need("admin")
    return Reply(200, {"approval_policy": call.state.options.first_timers})


@route("get", "…/environments")
def environments(call: Call) -> Reply:
    _ = call.repository

    def shape(name: str) -> Json:
        branches = call.state.options.environments[name]
        policy = None if branches is None else {"protected_branches": False, "custom_branch_policies": True}
        at = moment(call.state.clock)
        return {"name": name, "created_at": at, "updated_at": at, "deployment_branch_policy": policy}

    names = list(call.state.options.environments)
    return Reply(200, {"total_count": len(names), "environments": call.paged(names, shape)})


@route("get", "…/environments/{environment_name}/deployment-branch-policies")
def policies(call: Call) -> Reply:
    _ = call.repository
    branches = call.state.options.environments.get(call.given["environment_name"]) or ()
    found = [{"id": index, "node_id": "G", "name": name} for index, name in enumerate(branches, 1)]
    return Reply(200, {"total_count": len(found), "branch_policies": found})


@route("get", "…/collaborators")
def collaborators(call: Call) -> Reply:
    call.need("write")
    wanted = {"push": {"write", "admin"}, "admin": {"admin"}}.get(call.query.get("permission", ""))
    found = [
        each
        for each in call.state.accounts.values()
        if each.permission != "none" and not each.bot and (wanted is None or each.permission in wanted)
    ]

    def shape(index: int) -> Json:
        right = found[index].permission
        rights = {"admin": right == "admin", "push": found[index].pushes, "pull": True}
        return call.shapes.user(found[index]) | {"role_name": right, "permissions": rights}

    return Reply(200, call.paged(range(len(found)), shape))


@route("get", "…/pages")
def pages(call: Call) -> Reply:
    _ = call.need("write")
    if call.state.options.pages is None:
        raise Failure(404, "Not Found")
    return Reply(200, {"status": "built", "build_type": call.state.options.pages, "public": True})


@route("get", "…/actions/workflows")
def workflows(call: Call) -> Reply:
    _ = call.repository
    found = [call.shapes.workflow(*each) for each in enumerate(call.state.workflows.items(), 1)]
    return Reply(200, {"total_count": len(found), "workflows": found})


@route("put", "…/actions/workflows/{workflow_id}/enable")
def enable_workflow(call: Call) -> Reply:
    call.need("write")
    name = list(call.state.workflows)[int(call.path.split("/")[-2]) - 1]
    call.state.workflows[name] = "active"
    return Reply(204)
