"""Commits made from bytes: neither the work tree nor the index of anybody is looked at or changed."""

from __future__ import annotations

import re
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from galleryctl.errors import GitError
from galleryctl.git import process as run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TRAILER = re.compile(r"[A-Za-z][A-Za-z-]*: \S.*")
_SETTINGS = ("-c", "i18n.commitEncoding=UTF-8", "-c", "commit.gpgSign=false")


class Signature(NamedTuple):
    """Whom a commit is from."""

    name: str
    email: str


def commit(
    root: Path,
    branch: str,
    files: Mapping[str, bytes | None],
    *,
    message: str,
    base: str,
    sign_off: bool = False,
    author: Signature | None = None,
) -> str:
    """Put a commit on top of `base` and let `branch` name it; its id.

    `files` are paths relative to `root`, `None` deletes. Author and committer are `author`, else whom git's settings
    name. The branch is made where there is none; it moves only from where it was when this began. Raises GitError where
    nothing differs from `base`, where the branch is checked out, and where it moved meanwhile.
    """
    place = run.required(root)
    parent = run.commit(place, base)
    ref = _ref(place, branch)
    before = run.resolve(place.folder, ref)
    who = _environment(author)
    tree = _tree(place, parent, files)
    if tree == _id(place, f"{parent}^{{tree}}"):
        raise GitError(f"nothing differs from {base}: there is nothing to commit")
    text = _signed(message, _identity(place, who)) if sign_off else message
    words = ("commit-tree", tree, "-p", parent, "-F", "-")
    made = run.finish(run.start(place.folder, *_SETTINGS, *words, fed=True, more=who), _ended(text)).decode().strip()
    words = ("update-ref", "-m", "galleryctl: commit", ref, made, before or "0" * len(made))
    run.finish(run.start(place.folder, *_SETTINGS, *words, more=who))
    return made


def _ref(place: run.Place, branch: str) -> str:
    ref = f"refs/heads/{branch}"
    process = run.start(place.folder, "check-ref-format", ref)
    run.finish(process, fine=(0, 1))
    if process.returncode or branch.startswith("-"):
        raise GitError(f"{branch!r} is no name of a branch: use letters, digits, `-` and `/`")
    listed = run.finish(run.start(place.folder, "worktree", "list", "--porcelain", "-z"))
    if place.top is not None and f"branch {ref}" in run.names(listed):
        raise GitError(f"the branch {branch} is checked out: leave it with `git switch -`, or name another")
    return ref


def _tree(place: run.Place, parent: str, files: Mapping[str, bytes | None]) -> str:
    """The tree of a commit with some files changed, by an index of its own."""
    blobs = _blobs(place, [data for data in files.values() if data is not None])
    nothing = "0" * len(parent)
    lines = []
    for path, data in files.items():
        _refuse(path)
        entry = f"0 {nothing}" if data is None else f"100644 {blobs[data]}"
        lines.append(f"{entry}\t{place.prefix}{path}\0")
    with tempfile.TemporaryDirectory(prefix="galleryctl-") as folder:
        own = {"GIT_INDEX_FILE": f"{folder}/index"}
        run.finish(run.start(place.folder, "read-tree", parent, more=own))
        words = ("update-index", "--add", "--replace", "-z", "--index-info")
        data = "".join(lines).encode("utf-8", "surrogateescape")
        run.finish(run.start(place.folder, *words, fed=True, more=own), data)
        return run.finish(run.start(place.folder, "write-tree", more=own)).decode().strip()


def _refuse(path: str) -> None:
    parts = path.split("/")
    if path.startswith("/") or "" in parts or {".", "..", ".git"} & {part.lower() for part in parts}:
        raise GitError(f"{path!r} is no path of a file in a repository")


def _blobs(place: run.Place, contents: list[bytes]) -> dict[bytes, str]:
    """Bytes → id of the object that holds them, all by one process."""
    wanted = list(dict.fromkeys(contents))
    parts = []
    for number, data in enumerate(wanted, 1):
        parts += [b"blob\nmark :%d\ndata %d\n" % (number, len(data)), data, b"\nget-mark :%d\n" % number]
    if not parts:
        return {}
    process = run.start(place.folder, "fast-import", "--quiet", "--done", fed=True)
    said = run.finish(process, b"".join([*parts, b"done\n"])).decode().split()
    return dict(zip(wanted, said, strict=True))


def _environment(author: Signature | None) -> dict[str, str]:
    if author is None:
        return {}
    values = {"NAME": author.name, "EMAIL": author.email}
    return {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in values.items()}


def _identity(place: run.Place, who: Mapping[str, str]) -> str:
    said = run.finish(run.start(place.folder, "var", "GIT_COMMITTER_IDENT", more=who)).decode(errors="replace")
    return said[: said.rindex(">") + 1]  # "Ada <ada@acme.example> 1767323045 +0000"


def _signed(message: str, identity: str) -> str:
    text, line = message.rstrip(), f"Signed-off-by: {identity}"
    last = text.rpartition("\n\n")
    trailers = last[2].splitlines() if last[0] else []
    if line in trailers:
        return text
    blank = "\n" if trailers and all(map(_TRAILER.fullmatch, trailers)) else "\n\n"
    return f"{text}{blank}{line}"


def _ended(text: str) -> bytes:
    return text.rstrip("\n").encode() + b"\n"


def _id(place: run.Place, name: str) -> str:
    return run.finish(run.start(place.folder, "rev-parse", "--verify", "--end-of-options", name)).decode().strip()
