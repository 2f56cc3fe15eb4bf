"""Pull requests, reviews, comments, labels and statuses, as GitHub handles them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forges.calls import Call, Failure, Json, Reply, invalid, route
from forges.state import Judged, Marked, Said, Tag, Thread

if TYPE_CHECKING:
    from forges.accounts import Account

LONGEST = 65_536
ISSUE = "…/issues/{issue_number}"
PULL = "…/pulls/{pull_number}"


@route("get", "/user")
def user(call: Call) -> Reply:
    if call.account.bot:
        raise Failure(403, "Resource not accessible by integration")
    shape = call.shapes.user(call.account)
    return Reply(200, shape | {"user_view_type": "private", "two_factor_authentication": True})


@route("get", "/users/{username}")
def user_of(call: Call) -> Reply:
    found = call.state.accounts.get(call.given["username"])
    if found is None:
        raise Failure(404, "Not Found")
    return Reply(200, call.shapes.user(found) | {"user_view_type": "public"})


@route("get", "…")
def repository(call: Call) -> Reply:
    return Reply(200, call.shapes.repository(call.repository, call.account))


@route("get", "…/pulls")
def pulls(call: Call) -> Reply:
    _ = call.repository
    state, base, head = call.query.get("state", "open"), call.query.get("base"), call.query.get("head", "")
    found = []
    for thread in call.state.threads.values():
        if not (pull := thread.pull) or state not in {"all", thread.state} or base not in {None, pull.base}:
            continue
        if ":" in head and head != f"{pull.repository.partition('/')[0]}:{pull.branch}":
            continue  # without an owner GitHub ignores it
        found.append(thread)
    by_time = call.query.get("sort") == "updated"
    found.sort(key=lambda each: (each.updated if by_time else each.at, each.number))
    if call.query.get("direction", "asc" if call.query.get("sort") else "desc") == "desc":
        found.reverse()
    return Reply(200, call.paged(found, lambda each: call.shapes.pull(each, whole=False)))


@route("post", "…/pulls")
def propose(call: Call) -> Reply:
    stored = call.repository
    owner, _, branch = call.body["head"].rpartition(":")
    owner = owner or stored.owner
    source = next((each for each in call.state.repositories.values() if each.owner == owner), None)
    head = source.bare.commit(f"refs/heads/{branch}") if source else None
    base = stored.bare.commit(f"refs/heads/{call.body['base']}")
    if source is None or head is None:
        raise invalid("PullRequest", "head", "invalid")
    if base is None:
        raise invalid("PullRequest", "base", "invalid")
    for thread in call.state.threads.values():
        pull = thread.pull
        if (
            pull
            and thread.state == "open"
            and (pull.repository, pull.branch, pull.base)
            == (
                source.name,
                branch,
                call.body["base"],
            )
        ):
            text = f"A pull request already exists for {owner}:{branch}."
            raise invalid("PullRequest", "", "custom", text)
    if head == base:
        text = f"No commits between {call.body['base']} and {branch}"
        raise invalid("PullRequest", "", "custom", text)
    if not call.state.may(call.account, source.name, "write"):
        raise Failure(403, "Resource not accessible by personal access token")
    thread = call.state.propose(
        call.account,
        branch,
        title=call.body.get("title", ""),
        body=call.body.get("body") or "",
        base=call.body["base"],
        repository=source.name,
        draft=call.body.get("draft", False),
    )
    return Reply(201, call.shapes.pull(thread))


@route("get", PULL)
def pull(call: Call) -> Reply:
    return Reply(200, call.shapes.pull(call.proposed))


def _own(call: Call, by: Account | None) -> None:
    if by is None or by.id != call.account.id:
        call.need("write")


@route("patch", PULL)
def change(call: Call) -> Reply:
    thread = call.proposed
    _own(call, thread.by)
    _edit(call, thread)
    return Reply(200, call.shapes.pull(thread))


def _edit(call: Call, thread: Thread) -> None:
    thread.title = call.body.get("title", thread.title)
    thread.body = call.body.get("body", thread.body) or ""
    if (state := call.body.get("state", thread.state)) != thread.state:
        if thread.pull and thread.pull.merged:
            raise invalid("PullRequest", "state", "invalid")
        thread.state, thread.closed = state, call.state.now() if state == "closed" else None
    thread.updated = call.state.now()


@route("get", f"{PULL}/files")
def files(call: Call) -> Reply:
    pull, bare = call.proposed.pull, call.state.main.bare
    assert pull, "proposed"
    lines = bare.say("diff", "--name-status", "--no-renames", f"{pull.base}...{pull.head}").splitlines()
    words = {"A": "added", "M": "modified", "D": "removed"}
    found = [(words.get(line[0], "changed"), line.partition("\t")[2]) for line in lines]
    return Reply(200, call.paged(found, lambda each: {"status": each[0], "filename": each[1], "sha": pull.head}))


@route("get", f"{PULL}/reviews")
def reviews(call: Call) -> Reply:
    thread = call.proposed
    assert thread.pull, "proposed"
    return Reply(200, call.paged(thread.pull.reviews, lambda each: call.shapes.judged(each, thread.number)))


@route("post", f"{PULL}/reviews")
def review(call: Call) -> Reply:
    thread = call.proposed
    assert thread.pull, "proposed"
    states = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
    event, commit = call.body.get("event", ""), call.body.get("commit_id", thread.pull.head)
    if event not in states:
        raise Failure(422, "Unprocessable Entity", errors=["Event is missing"])
    if event != "COMMENT" and thread.by and thread.by.id == call.account.id:
        word = "approve" if event == "APPROVE" else "request changes on"
        raise Failure(422, "Unprocessable Entity", errors=[f"Review Can not {word} your own pull request"])
    if event != "APPROVE" and not call.body.get("body"):
        raise Failure(422, "Unprocessable Entity", errors=["Body is missing"])
    if call.state.main.bare.commit(commit) is None:
        raise Failure(422, "Unprocessable Entity", errors=["The commit_id is not part of the pull request"])
    made = Judged(
        call.state.identity(), call.account, states[event], call.body.get("body", ""), commit, call.state.now()
    )
    thread.pull.reviews.append(made)
    thread.updated = made.at
    if call.account.login in thread.pull.asked:
        thread.pull.asked.remove(call.account.login)
    return Reply(200, call.shapes.judged(made, thread.number))


@route("get", f"{PULL}/requested_reviewers")
def asked(call: Call) -> Reply:
    thread = call.proposed
    assert thread.pull, "proposed"
    users = [call.shapes.user(call.state.accounts[login]) for login in thread.pull.asked]
    return Reply(200, {"users": users, "teams": []})


@route("post", f"{PULL}/requested_reviewers")
def ask(call: Call) -> Reply:
    call.need("write")
    thread = call.proposed
    assert thread.pull, "proposed"
    for login in call.body.get("reviewers", []):
        who = call.state.accounts.get(login)
        if who is None or who.permission == "none":
            raise Failure(422, "Reviews may only be requested from collaborators.")
        if thread.by and who.id == thread.by.id:
            raise Failure(422, "Review cannot be requested from pull request author.")
    thread.pull.asked += [login for login in call.body.get("reviewers", []) if login not in thread.pull.asked]
    thread.updated = call.state.now()
    return Reply(201, call.shapes.pull(thread, whole=False))


@route("put", f"{PULL}/merge")
def merge(call: Call) -> Reply:
    stored, thread = call.need("write"), call.proposed
    pull = thread.pull
    assert pull, "proposed"
    if thread.state == "closed" or pull.draft:
        raise Failure(405, "Pull Request is not mergeable")
    if call.body and call.body.get("sha", pull.head) != pull.head:
        raise Failure(409, "Head branch was modified. Review and try the merge again.")
    if stored.merge_queue:
        raise Failure(405, "Repository rule violations found\n\nChanges must be made through the merge queue")
    missing = [each for each in stored.required if not _passed(call, pull.head, each)]
    if missing:
        raise Failure(405, f'Required status check "{missing[0]}" is expected.')
    commit = call.state.merge(thread)
    if commit is None:
        raise Failure(405, "Pull Request is not mergeable")
    return Reply(200, {"sha": commit, "merged": True, "message": "Pull Request successfully merged"})


def _passed(call: Call, commit: str, context: str) -> bool:
    marks = [each for each in call.state.marks.get(commit, []) if each.context == context]
    return bool(marks) and marks[-1].state == "success"


@route("get", f"{ISSUE}/comments")
def comments(call: Call) -> Reply:
    thread = call.thread("issue_number")
    return Reply(200, call.paged(thread.comments, lambda each: call.shapes.said(each, thread.number)))


def _text(call: Call) -> str:
    body: str = call.body["body"]
    if not body.strip():
        raise invalid("IssueComment", "body", "missing_field")
    if len(body) > LONGEST:
        text = f"body is too long (maximum is {LONGEST} characters)"
        raise invalid("IssueComment", "body", "custom", text)
    return body


@route("post", f"{ISSUE}/comments")
def comment(call: Call) -> Reply:
    thread, at = call.thread("issue_number"), call.state.now()
    said = Said(call.state.identity(), call.account, _text(call), at, at)
    thread.comments.append(said)
    thread.updated = at
    return Reply(201, call.shapes.said(said, thread.number))


def _said(call: Call) -> tuple[Thread, Said]:
    for thread in call.state.threads.values():
        for said in thread.comments:
            if str(said.id) == call.given["comment_id"]:
                _own(call, said.by)
                return thread, said
    raise Failure(404, "Not Found")


@route("patch", "…/issues/comments/{comment_id}")
def edit(call: Call) -> Reply:
    thread, said = _said(call)
    said.body, said.updated = _text(call), call.state.now()
    return Reply(200, call.shapes.said(said, thread.number))


@route("delete", "…/issues/comments/{comment_id}")
def delete(call: Call) -> Reply:
    thread, said = _said(call)
    thread.comments.remove(said)
    return Reply(204)


@route("get", "…/labels")
def labels(call: Call) -> Reply:
    _ = call.repository
    return Reply(200, call.paged(list(call.state.tags.values()), call.shapes.tag))


@route("post", "…/labels")
def label(call: Call) -> Reply:
    call.need("write")
    name = call.body["name"]
    if name.lower() in call.state.tags:
        raise invalid("Label", "name", "already_exists")
    if len(name) > 50:
        raise invalid("Label", "name", "custom", "name is too long (maximum is 50 characters)")
    return Reply(201, call.shapes.tag(_tag(call, name, call.body)))


def _tag(call: Call, name: str, body: Json) -> Tag:
    description = body.get("description") or ""
    if len(description) > 100:
        raise invalid("Label", "description", "custom", "description is too long (maximum is 100 characters)")
    tag = Tag(call.state.identity(), name, body.get("color", "ededed"), description)
    call.state.tags[name.lower()] = tag
    return tag


@route("patch", "…/labels/{name}")
def relabel(call: Call) -> Reply:
    call.need("write")
    tag = call.state.tags.get(call.given["name"].lower())
    if tag is None:
        raise Failure(404, "Not Found")
    tag.color = call.body.get("color", tag.color)
    tag.description = call.body.get("description", tag.description)
    return Reply(200, call.shapes.tag(tag))


@route("get", f"{ISSUE}/labels")
def labelled(call: Call) -> Reply:
    thread = call.thread("issue_number")
    return Reply(200, call.paged(call.shapes.tags(thread), lambda each: each))


@route("post", f"{ISSUE}/labels")
def add(call: Call) -> Reply:
    call.need("write")
    thread = call.thread("issue_number")
    names = call.body if isinstance(call.body, list) else call.body["labels"]
    for name in names:
        tag = call.state.tags.get(name.lower()) or _tag(call, name, {})
        if tag.name not in thread.labels:
            thread.labels.append(tag.name)
    thread.updated = call.state.now()
    return Reply(200, call.shapes.tags(thread))


@route("delete", f"{ISSUE}/labels/{{name}}")
def remove(call: Call) -> Reply:
    call.need("write")
    thread = call.thread("issue_number")
    found = next((each for each in thread.labels if each.lower() == call.given["name"].lower()), None)
    if found is None:
        raise Failure(404, "Label does not exist")
    thread.labels.remove(found)
    thread.updated = call.state.now()
    return Reply(200, call.shapes.tags(thread))


@route("post", "…/statuses/{sha}")
def mark(call: Call) -> Reply:
    stored = call.need("write")
    sha = call.given["sha"]
    if stored.bare.commit(sha) != sha:
        raise Failure(422, f"No commit found for SHA: {sha}")
    description = call.body.get("description") or ""
    if len(description) > 140:
        raise invalid("Status", "description", "custom", "description is too long (maximum is 140 characters)")
    context = call.body.get("context", "default")
    url = call.body.get("target_url") or ""
    made = Marked(call.state.identity(), call.account, context, call.body["state"], description, url, call.state.now())
    call.state.marks.setdefault(sha, []).append(made)
    return Reply(201, call.shapes.marked(made))


@route("get", "…/commits/{ref}/statuses")
def marks(call: Call) -> Reply:
    commit = call.repository.bare.commit(call.given["ref"]) or ""
    newest = call.state.marks.get(commit, [])[::-1]
    return Reply(200, call.paged(newest, call.shapes.marked))
