"""What a proposal needs of GitHub besides a pull request: a fork, an address for git, files and commits."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote, urlsplit

from galleryctl.forge import reading
from galleryctl.forge.port import ForgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from galleryctl.forge.api import Api

Json: TypeAlias = Any
_TRIES = 10
_SECONDS = 2.0
_ID = re.compile("[0-9a-f]{40,64}").fullmatch


def fork(api: Api, at: str, sleep: Callable[[float], None]) -> str:
    """The account's fork; GitHub makes it in the background, so this waits until it is there."""
    name = reading.words(api.send("POST", f"{at}/forks", {"default_branch_only": True}, again=True), "full_name")
    branch = reading.words(api.get(f"/repos/{name}"), "default_branch")
    for _ in range(_TRIES):
        try:
            api.get(f"/repos/{name}/git/ref/heads/{quote(branch)}")
        except ForgeError as error:
            if not (error.missing or error.conflict):  # empty so far
                raise
            sleep(_SECONDS)
        else:
            return name
    raise ForgeError(f"the fork {name} is not there yet: try again in a minute")


def clone_url(api: Api, at: str) -> str:
    """An address that holds no login, and that git takes for an address only."""
    found = reading.words(api.get(at), "clone_url")
    parts = urlsplit(found)
    local = api.local and (found.startswith("/") or re.match(r"http://(127\.0\.0\.1|localhost)[:/][!-~]*$", found))
    if not local and (parts.scheme != "https" or not parts.netloc or not found.isprintable()):
        raise ForgeError("the forge names an address for git that is not https")
    return found if local else parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def read(api: Api, at: str, path: str, ref: str) -> bytes | None:
    try:
        found = api.look(f"{at}/contents/{quote(path)}", ref=ref)
    except ForgeError as error:
        if error.missing:
            return None
        raise
    if not isinstance(found, dict) or found.get("type") != "file":
        return None
    if found.get("encoding") == "none":  # too large to be sent along
        found = api.get(f"{at}/git/blobs/{reading.commit(found, 'sha')}")
    try:
        return base64.b64decode(reading.words(found, "content"))
    except binascii.Error:
        raise ForgeError(f"{path}: the forge sent what is no file; try again later") from None


def commit_files(
    api: Api, places: tuple[str, str], names: tuple[str, str], message: str, files: Mapping[str, bytes | None]
) -> str:
    """One commit; `places` are the paths of the repository and of the one to write to, `names` branch and base."""
    (at, target), (branch, base) = places, names
    start = base if _ID(base) else _tip(api, at, base)
    if start is None:
        raise ForgeError(f"the forge has no branch {base}", missing=True)
    old = reading.commit(reading.inside(api.get(f"{target}/git/commits/{start}"), "tree"), "sha")
    entries = [entry for path, data in files.items() if (entry := _entry(api, (at, target), start, path, data))]
    tree = old
    if entries:
        body = {"base_tree": old, "tree": entries}
        tree = reading.commit(api.send("POST", f"{target}/git/trees", body, again=True), "sha")
    before = _tip(api, target, branch)
    if before and _is(api.get(f"{target}/git/commits/{before}"), start, tree, message):
        return before
    body = {"message": message, "tree": tree, "parents": [start]}
    new = reading.commit(api.send("POST", f"{target}/git/commits", body, again=True), "sha")
    if before:
        api.send("PATCH", f"{target}/git/refs/heads/{quote(branch)}", {"sha": new, "force": True})
    else:
        api.send("POST", f"{target}/git/refs", {"ref": f"refs/heads/{branch}", "sha": new})
    return new


def _is(data: Json, start: str, tree: str, message: str) -> bool:
    """Whether a commit is the one that would be made: what stands already is not pushed again."""
    parents = [each.get("sha") for each in data.get("parents", [])]
    same = reading.words(data, "message").rstrip() == message.rstrip()
    return parents == [start] and reading.inside(data, "tree").get("sha") == tree and same


def _tip(api: Api, at: str, branch: str) -> str | None:
    try:
        return reading.commit(reading.inside(api.get(f"{at}/git/ref/heads/{quote(branch)}"), "object"), "sha")
    except ForgeError as error:
        if error.missing:
            return None
        raise


def _entry(api: Api, places: tuple[str, str], start: str, path: str, data: bytes | None) -> dict[str, Json] | None:
    plain = {"path": path, "mode": "100644", "type": "blob"}
    if data is None:  # the forge refuses to delete what is not there
        return {**plain, "sha": None} if read(api, places[0], path, start) is not None else None
    try:
        return {**plain, "content": data.decode()}
    except UnicodeDecodeError:
        body = {"content": base64.b64encode(data).decode(), "encoding": "base64"}
        return {**plain, "sha": reading.commit(api.send("POST", f"{places[1]}/git/blobs", body, again=True), "sha")}
