"""Where files may be put: names of strangers that stay inside one folder, on every system, and never share a place.

A folder may hold links of its owner's making; none is followed below the folder that was named, since a definition
could have been written with knowledge of it.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from typing import TYPE_CHECKING

from galleryctl.client.errors import PullError
from galleryctl.client.owners import is_planted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WORK = ".galleryctl-pull"
"""Folder of what is not whole yet, inside the target folder."""

_LONGEST = 240  # bytes of one part of a path: file systems take 255
_DEEPEST = 2048
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\..*)?", re.IGNORECASE)
_ODD = re.compile(r"[<>:\"|?*\\]")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})


def places(names: Sequence[str], into: Path) -> dict[str, Path]:
    """The place of each name below a folder. Raises `PullError` for what leads out of it, or meets another one."""
    taken: dict[str, str] = {}
    for name in names:
        if wrong := unsafe(name):
            raise PullError(f"the definition would write {name[:200]!r}, which {wrong}; nothing was fetched")
        folded = _folded(name)
        if (other := taken.get(folded)) is not None:
            how = "twice" if other == name else f"and {other!r}, which is the same name on some systems"
            raise PullError(f"the definition would write {name!r} {how}; nothing was fetched")
        taken[folded] = name
    for folded, name in taken.items():
        above = folded.split("/")
        for depth in range(1, len(above)):
            if (other := taken.get("/".join(above[:depth]))) is not None:
                raise PullError(f"the definition would write {other!r} as a file and as the folder of {name!r}")
    found = {name: into.joinpath(*name.split("/")) for name in names}
    for place in found.values():
        refuse_links(place, into)
    return found


def unsafe(name: str) -> str:
    """Why a name is none that stays inside its folder on every system; empty where it is one."""
    if not name or len(name.encode("utf-8", "replace")) > _DEEPEST:
        return "is empty, or too long"
    if any(unicodedata.category(letter) in _HIDDEN for letter in name):
        return "has characters that nobody sees"
    if name.startswith(("/", "~", "\\")) or re.match(r"[A-Za-z]:", name):
        return "is no path relative to a folder"
    if _ODD.search(name):
        return "has a character that no file name can hold everywhere"
    if _folded(name).split("/")[0] == WORK:
        return "lies where unfinished files are kept"
    return next(filter(None, map(_wrong, name.split("/"))), "")


def _wrong(part: str) -> str:
    """What is wrong with one part of a path; empty for nothing."""
    if part in {"", ".", ".."}:
        return f"has {part!r} as a part"
    if _RESERVED.fullmatch(part):
        return f"has the part {part!r}, a name that Windows reserves"
    if part != part.strip(" ") or part.endswith("."):
        return f"has the part {part!r}, with a dot or space at its end"
    return "has a part that is too long" if len(part.encode()) > _LONGEST else ""


def refuse_links(place: Path, into: Path) -> None:
    """Raise `PullError` where a link stands between a folder and a place in it, or something that is no file."""
    at = into
    parts = place.relative_to(into).parts
    for index, part in enumerate(parts):
        at /= part
        try:
            mode = os.lstat(at).st_mode
        except FileNotFoundError:
            return
        except OSError as error:
            raise PullError(f"{at}: cannot be looked at: {error.strerror}") from error
        last = index == len(parts) - 1
        if stat.S_ISLNK(mode):
            raise PullError(f"{at} is a link; remove it, or pull into another folder. Nothing was fetched")
        if not (stat.S_ISREG(mode) if last else stat.S_ISDIR(mode)):
            raise PullError(f"{at} is in the way: it is no {'file' if last else 'folder'}")


def workplace(into: Path) -> Path:
    """The folder of what is not whole yet, made where it is missing. Raises `PullError`."""
    work = into / WORK
    try:
        into.mkdir(parents=True, exist_ok=True)
        work.mkdir(mode=0o700, exist_ok=True)
        mode = os.lstat(work).st_mode
    except OSError as error:
        raise PullError(f"cannot write into {into}: {error.strerror}") from error
    if is_planted(work):
        raise PullError(f"{work}: another user made it, and anybody may write into {into}: pull into another folder")
    if not stat.S_ISDIR(mode):
        raise PullError(f"{work} is in the way: it is no folder; remove it")
    return work


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
