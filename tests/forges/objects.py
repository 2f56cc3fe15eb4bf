"""Refs, trees, blobs, commits and files of a repository: all of it real git."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from forges.bare import ZERO, Bare, Refused
from forges.calls import Call, Failure, Json, Reply, invalid, route

if TYPE_CHECKING:
    from forges.state import Stored


def _ref(call: Call, stored: Stored, name: str, commit: str) -> Json:
    at = f"{call.shapes.base}/repos/{stored.name}/git"
    return {
        "ref": f"refs/{name}",
        "node_id": f"REF_{name}",
        "url": f"{at}/refs/{name}",
        "object": {"type": "commit", "sha": commit, "url": f"{at}/commits/{commit}"},
    }


@route("get", "…/git/ref/{ref}")
def ref(call: Call) -> Reply:
    stored = call.repository
    found = stored.bare.commit(f"refs/{call.given['ref']}")
    if found is None:
        raise Failure(404, "Not Found")
    return Reply(200, _ref(call, stored, call.given["ref"], found))


@route("post", "…/git/refs")
def make_ref(call: Call) -> Reply:
    stored, name, commit = call.need("write"), call.body["ref"], call.body["sha"]
    if not name.startswith("refs/") or name.count("/") < 2:
        raise Failure(422, "Reference name must start with 'refs/' and have at least two slashes")
    if stored.bare.commit(name):
        raise Failure(422, "Reference already exists")
    if stored.bare.commit(commit) != commit:
        raise Failure(422, "Object does not exist")
    stored.bare.move(name, commit, ZERO)
    _pushed(call, stored, name, commit)
    return Reply(201, _ref(call, stored, name.removeprefix("refs/"), commit))


def _pushed(call: Call, stored: Stored, name: str, commit: str) -> None:
    branch = name.removeprefix("refs/").removeprefix("heads/")
    call.state.pushed.append((stored.name, branch, commit, call.account.login))


@route("patch", "…/git/refs/{ref}")
def move_ref(call: Call) -> Reply:
    stored, name, new = call.need("write"), call.given["ref"], call.body["sha"]
    old = stored.bare.commit(f"refs/{name}")
    if old is None:
        raise Failure(422, "Reference does not exist")
    if stored.bare.commit(new) != new:
        raise Failure(422, "Object does not exist")
    if not call.body.get("force") and not stored.bare.follows(new, old):
        raise Failure(422, "Update is not a fast forward")
    stored.bare.move(f"refs/{name}", new, old)
    _pushed(call, stored, name, new)
    return Reply(200, _ref(call, stored, name, new))


@route("get", "…/branches/{branch}")
def branch(call: Call) -> Reply:
    stored, name = call.repository, call.given["branch"]
    commit = stored.bare.branches().get(name)
    if commit is None:
        raise Failure(404, "Branch not found")
    shape = _commit(stored.bare, commit)
    listed = {
        "sha": commit,
        "author": None,
        "committer": None,
        "commit": {"message": shape["message"], "tree": shape["tree"]},
    }
    user = call.shapes.user(call.account)
    return Reply(200, {"name": name, "commit": listed | {"author": user, "committer": user}, "protected": False})


@route("post", "…/git/blobs")
def blob(call: Call) -> Reply:
    stored, text = call.need("write"), call.body["content"]
    data = _decoded(text) if call.body.get("encoding") == "base64" else text.encode()
    name = stored.bare.blob(data)
    return Reply(201, {"sha": name, "url": f"{call.shapes.base}/repos/{stored.name}/git/blobs/{name}"})


@route("get", "…/git/blobs/{file_sha}")
def one_blob(call: Call) -> Reply:
    stored, name = call.repository, call.given["file_sha"]
    try:
        data = stored.bare.git("cat-file", "blob", name)
    except Refused:
        raise Failure(404, "Not Found") from None
    url = f"{call.shapes.base}/repos/{stored.name}/git/blobs/{name}"
    content = base64.encodebytes(data).decode()
    return Reply(200, {"sha": name, "url": url, "size": len(data), "content": content, "encoding": "base64"})


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        raise Failure(422, "content is not valid Base64") from None


@route("post", "…/git/trees")
def make_tree(call: Call) -> Reply:
    stored = call.need("write")
    changes: dict[str, tuple[str, str] | None] = {}
    for entry in call.body["tree"]:
        path = entry["path"]
        if path.startswith("/") or ".." in path.split("/") or ".git" in path.split("/"):
            raise Failure(422, "tree.path contains a malformed path component")
        if "content" in entry:
            changes[path] = (entry["mode"], stored.bare.blob(entry["content"].encode()))
        else:
            changes[path] = (entry["mode"], entry["sha"]) if entry["sha"] else None
    try:
        made = stored.bare.tree(call.body.get("base_tree"), changes)
    except Refused as no:
        raise Failure(422, "tree.sha is not a valid tree") from no
    return Reply(201, _tree(call, stored, made))


def _tree(call: Call, stored: Stored, name: str) -> Json:
    listed = [
        {"path": path, "mode": mode, "type": kind, "sha": sha} for mode, kind, sha, path in stored.bare.listed(name, "")
    ]
    url = f"{call.shapes.base}/repos/{stored.name}/git/trees/{name}"
    return {"sha": name, "url": url, "truncated": False, "tree": listed}


@route("get", "…/git/trees/{tree_sha}")
def tree(call: Call) -> Reply:
    stored = call.repository
    try:
        name = stored.bare.say("rev-parse", "--verify", f"{call.given['tree_sha']}^{{tree}}")
    except Refused:
        raise Failure(404, "Not Found") from None
    return Reply(200, _tree(call, stored, name))


def _commit(bare: Bare, commit: str) -> Json:
    lines = bare.say("show", "-s", "--format=%T%n%P%n%an%n%ae%n%aI%n%cn%n%ce%n%cI%n%B", commit).split("\n", 8)
    people = [{"name": lines[at], "email": lines[at + 1], "date": lines[at + 2]} for at in (2, 5)]
    return {
        "sha": commit,
        "message": lines[8] if len(lines) > 8 else "",
        "tree": {"sha": lines[0], "url": f"trees/{lines[0]}"},
        "parents": [{"sha": each} for each in lines[1].split()],
        "author": people[0],
        "committer": people[1],
    }


def _shown(call: Call, stored: Stored, commit: str) -> Json:
    at = f"{call.shapes.base}/repos/{stored.name}/git"
    shape = _commit(stored.bare, commit)
    shape["tree"]["url"] = f"{at}/trees/{shape['tree']['sha']}"
    parents = [each | {"url": f"{at}/commits/{each['sha']}", "html_url": at} for each in shape["parents"]]
    return shape | {"parents": parents, "url": f"{at}/commits/{commit}", "html_url": f"{at}/commits/{commit}"}


@route("get", "…/git/commits/{commit_sha}")
def commit(call: Call) -> Reply:
    stored, name = call.repository, call.given["commit_sha"]
    if stored.bare.commit(name) != name:
        raise Failure(404, "Not Found")
    return Reply(200, _shown(call, stored, name))


@route("post", "…/git/commits")
def make_commit(call: Call) -> Reply:
    stored = call.need("write")
    try:
        made = stored.bare.committed(
            call.body["tree"], call.body.get("parents", []), call.body["message"], call.body.get("author")
        )
    except Refused as no:
        raise Failure(422, "Tree SHA does not exist") from no
    return Reply(201, _shown(call, stored, made))


@route("get", "…/contents/{path}")
def contents(call: Call) -> Reply:
    stored, path = call.repository, call.given["path"]
    at = stored.bare.commit(call.query.get("ref", "main"))
    if at is None:
        raise Failure(404, f"No commit found for the ref {call.query.get('ref')}")
    if found := stored.bare.read(at, path):
        shape = call.shapes.file(path, *found)
        large = len(found[1]) > 1024**2  # larger files are not sent here
        return Reply(200, shape | ({"content": "", "encoding": "none"} if large else {}))
    listed = stored.bare.listed(at, path)
    if not listed:
        raise Failure(404, "Not Found")
    kinds = {"blob": "file", "tree": "dir"}
    return Reply(
        200,
        [
            {"type": kinds[kind], "path": name, "name": name.rpartition("/")[2], "sha": sha}
            for _, kind, sha, name in listed
        ],
    )


@route("put", "…/contents/{path}")
def write(call: Call) -> Reply:
    stored, path = call.need("write"), call.given["path"]
    name = call.body.get("branch", "main")
    old = stored.bare.commit(f"refs/heads/{name}")
    if old is None:
        raise Failure(404, f"Branch {name} not found")
    found = stored.bare.read(old, path)
    if found and "sha" not in call.body:
        raise Failure(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if found and call.body["sha"] != found[0]:
        raise Failure(409, f"{path} does not match {call.body['sha']}")
    if "sha" in call.body and not found:
        raise invalid("Content", "sha", "invalid")
    data = _decoded(call.body["content"])
    made = stored.bare.files(name, {path: data}, call.body["message"])
    _pushed(call, stored, name, made)
    shape = call.shapes.file(path, stored.bare.blob(data), data)
    return Reply(200 if found else 201, {"content": shape, "commit": _shown(call, stored, made)})


@route("get", "…/activity")
def activity(call: Call) -> Reply:
    stored, wanted = call.repository, call.query.get("ref", "").removeprefix("refs/heads/")
    found = [each for each in call.state.pushed if each[0] == stored.name and wanted in {"", each[1]}]

    def shape(push: tuple[str, str, str, str]) -> Json:
        return {
            "id": 1,
            "node_id": "PSH_1",
            "before": ZERO,
            "after": push[2],
            "ref": f"refs/heads/{push[1]}",
            "activity_type": "push",
            "actor": call.shapes.user(call.state.accounts[push[3]]),
        }

    return Reply(200, [shape(each) for each in reversed(found)][: int(call.query.get("per_page", "30"))])
