"""What other repositories have, fetched as objects, and branches given to them; a token goes by the environment."""

from __future__ import annotations

import base64
import os
import re
from typing import TYPE_CHECKING

from galleryctl.errors import GitError
from galleryctl.git import process as run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_QUIET = ("-c", "gc.auto=0", "-c", "maintenance.auto=false")
_FETCH = ("--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance", "--quiet")
_PUSH = ("--no-verify", "--no-follow-tags", "--recurse-submodules=no", "--porcelain", "--quiet")


def fetch(root: Path, remote: str, refspecs: Iterable[str], token: str | None = None) -> None:
    """Get the objects of these refs or ids. A branch moves only where a refspec names one on its right side.

    `remote` is a name or an address. No tags, no submodules, no hooks, no FETCH_HEAD.
    """
    place = run.required(root)
    _refuse_options(remote, *(wanted := tuple(refspecs)))
    words = (*_QUIET, "fetch", *_FETCH, "--end-of-options", remote, *wanted)
    run.finish(run.start(place.folder, *words, more=_login(place, remote, token)))


def advertised(root: Path, remote: str, patterns: Iterable[str] = (), token: str | None = None) -> Mapping[str, str]:
    """Ref → commit id, as the other repository says now; all refs, or those that match."""
    place = run.required(root)
    _refuse_options(remote)
    words = (*_QUIET, "ls-remote", "--quiet", "--", remote, *patterns)
    said = run.finish(run.start(place.folder, *words, more=_login(place, remote, token))).decode(errors="replace")
    pairs = (line.split("\t", 1) for line in said.splitlines() if "\t" in line)
    return {name: identifier for identifier, name in pairs}


def push(
    root: Path, remote: str, branch: str, token: str | None = None, *, force_with_lease: str | None = None
) -> None:
    """Give a local branch to another repository, under the same name.

    `force_with_lease` is the id that the branch has there (empty: none), and lets it be replaced as long as it has.
    Raises GitError where the branch there has commits that this one has not, or moved meanwhile.
    """
    place = run.required(root)
    _refuse_options(remote)
    ref = f"refs/heads/{branch}"
    lease = () if force_with_lease is None else (f"--force-with-lease={ref}:{force_with_lease}",)
    words = (*_QUIET, "push", *_PUSH, *lease, "--", remote, f"{ref}:{ref}")
    process = run.start(place.folder, *words, more=_login(place, remote, token))
    said = run.finish(process, fine=range(2)).decode(errors="replace")
    if process.returncode:
        raise GitError(_refusal(said, branch, remote))


def _refusal(said: str, branch: str, remote: str) -> str:
    reason = next((line.split("\t")[-1] for line in said.splitlines() if line.startswith("!")), "no answer")
    remedy = "look at its rules for branches"
    if re.search(r"stale info|non-fast-forward|fetch first", reason):
        remedy = f"it has commits that are not here; get them with: git fetch {run.nameless(remote)} {branch}"
    return f"{run.nameless(remote)} did not take the branch {branch}, {reason}: {remedy}"


def _refuse_options(*words: str) -> None:
    for word in words:
        if word.startswith("-"):
            raise GitError(f"{word!r} is no name of a remote and no refspec")


def _login(place: run.Place, remote: str, token: str | None) -> Mapping[str, str]:
    """Settings for this one process: they replace a login that the repository keeps, and follow no redirection."""
    if not token:
        return {}
    known = run.start(place.folder, "remote", "get-url", "--", remote)
    address = known.communicate()[0].decode().strip() or remote
    if not address.startswith("https://") and not re.match(r"http://(127\.0\.0\.1|localhost)[:/]", address):
        return {}
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    given = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    settings = (
        (f"http.{address}.extraHeader", ""),
        (f"http.{address}.extraHeader", f"Authorization: Basic {secret}"),
        ("http.followRedirects", "false"),
        ("credential.helper", ""),
    )
    found = {"GIT_CONFIG_COUNT": str(given + len(settings))}
    for number, (name, value) in enumerate(settings, given):
        found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return found
