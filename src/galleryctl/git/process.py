"""The one way git is run: without what was inherited, with one language, and with errors that say what to do.

Objects count as they are: what `refs/replace` and grafts would put in their place is not looked at. No secret stands
among the words of a command, and an address in an error loses its login.
"""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from galleryctl.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

_KEPT = re.compile(r"GIT_(CONFIG|EXEC_PATH|CEILING_DIRECTORIES|SSH|ASKPASS)")
_LOGIN = re.compile(r"(?<=://)[^/@\s']+@")
# A monitor named in the settings would be started by nearly every command, and hooks are programs as well.
_PROGRAMS = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
COMMAND = ("git", "--literal-pathspecs", "--no-optional-locks", *_PROGRAMS)
_ID = re.compile("[0-9a-f]{40,64}").fullmatch
_ASKED = ("--show-prefix", "--show-object-format", "--is-inside-work-tree", "--is-shallow-repository")


class Place(NamedTuple):
    folder: Path  # the nearest existing folder
    prefix: str  # from the top of the repository to what was asked for: "" or "registry/"
    top: Path | None  # none in a bare repository
    directory: Path
    shallow: bool
    algorithm: str


def existing(root: Path) -> Path:
    return next((folder for folder in (root, *root.absolute().parents) if folder.is_dir()), root)


class _Known(NamedTuple):
    places: dict[Path, Place]
    commits: dict[tuple[Path, str], str]


_known: ContextVar[_Known | None] = ContextVar("known", default=None)


@contextmanager
def steady() -> Iterator[None]:
    """Ask git once where a folder lies and what a full id names: for one piece of work, in which neither changes."""
    if _known.get() is not None:
        yield
        return
    token = _known.set(_Known({}, {}))
    try:
        yield
    finally:
        _known.reset(token)


def place_of(root: Path) -> Place | None:
    """Where `root` lies in its repository; none outside of one, and where there is no git."""
    known = _known.get()
    if known is None:
        return _place_of(root)
    place = known.places.get(root) or _place_of(root)
    if place is not None:
        known.places[root] = place
    return place


def _place_of(root: Path) -> Place | None:
    folder = existing(root)
    try:
        process = start(folder, "rev-parse", *_ASKED, "--absolute-git-dir")
    except FileNotFoundError:  # no git
        return None
    output, complaint = process.communicate()
    if process.returncode:
        if b"not a git repository" in complaint:
            return None
        raise _error(process, complaint)
    prefix, algorithm, inside, shallow, directory = os.fsdecode(output).rstrip("\n").split("\n", 4)
    _refuse_planted(folder.resolve(), Path(directory))
    top = (folder.resolve() / ("../" * prefix.count("/"))).resolve() if inside == "true" else None
    prefix += "".join(f"{part}/" for part in root.absolute().relative_to(folder.absolute()).parts)
    return Place(folder, prefix, top, Path(directory), shallow == "true", algorithm)


def _refuse_planted(folder: Path, directory: Path) -> None:
    """Files of a repository that look like a bare one, with settings that git would obey."""
    if not folder.is_relative_to(directory) or ".git" in directory.parts:
        return
    process = start(directory.parent, "rev-parse", "--is-inside-work-tree")
    if process.communicate()[0] == b"true\n":
        raise GitError(f"{directory} lies in a repository and looks like one itself: remove its HEAD, objects and refs")


def required(root: Path) -> Place:
    if place := place_of(root):
        return place
    raise GitError(f"{root} is not in a git repository, or git is missing: install git, run `git init` and commit")


def resolve(folder: Path, revision: str) -> str | None:
    process = start(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    output, _ = process.communicate()
    return output.decode().strip() or None


def commit(place: Place, revision: str) -> str:
    known = _known.get()
    key = (place.directory, revision)
    if known is not None and key in known.commits:
        return known.commits[key]
    found = None if revision.startswith("-") else resolve(place.folder, revision)
    if found is None or not _ID(found):  # `a..b` names two
        raise GitError(f"git knows no commit {revision!r}: fetch it first, `git fetch origin` gets the branches")
    if known is not None and found == revision:  # a name may come to stand for another commit
        known.commits[key] = found
    return found


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or _KEPT.match(name)}
    fixed = {
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }
    return {**kept, **fixed, "LC_ALL": "C"}  # messages are compared, so they have one language


def start(
    folder: Path, *words: str, fed: bool = False, more: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start git in a folder. What is `fed` is written to its input by `finish`; `more` is for its environment."""
    command = [*COMMAND, "-C", str(folder), *words]
    given = subprocess.PIPE if fed else subprocess.DEVNULL
    surroundings = {**environment(), **(more or {})}
    return subprocess.Popen(command, env=surroundings, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes], data: bytes | None = None, fine: Container[int] = (0,)) -> bytes:
    """Its output. Raises GitError for an exit that is not `fine`."""
    output, complaint = process.communicate(data)
    if process.returncode not in fine:
        raise _error(process, complaint)
    return output


def _error(process: subprocess.Popen[bytes], complaint: bytes) -> GitError:
    text = complaint.decode(errors="replace").strip()
    if found := re.search(r"dubious ownership in repository at '(.+)'", text):
        return GitError(
            f"the repository at {found[1]} belongs to another user, so git does not read it: "
            f"if you trust it, run `git config --global --add safe.directory {found[1]}`"
        )
    assert isinstance(process.args, list)  # noqa: S101 - start made it
    return GitError(nameless(f"`{' '.join(process.args)}` failed: {text or f'exit {process.returncode}'}"))


def nameless(text: str) -> str:
    """A text whose addresses lost the logins in them."""
    return _LOGIN.sub("", text)


def names(output: bytes) -> list[str]:
    names = os.fsdecode(output).split("\0")
    names.pop()
    return names
