"""The manifest of an output folder: what its files depend on, and which files are ours."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from galleryctl.errors import OutputError
from galleryctl.output.disk import WORK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST = ".galleryctl-manifest.json"

_FORMAT = 1


class Row(NamedTuple):
    fingerprint: str  # empty while the file may be of either build
    sha256: str
    length: int


def read(out: Path) -> dict[str, Row] | None:
    """The manifest of the folder; none where there is nothing in it, or no folder."""
    try:
        data = json.loads((out / MANIFEST).read_bytes())
        rows = {path: Row(*row) for path, row in data["files"].items()}
        if outside := next(filter(_outside, rows), None):
            raise ValueError(outside)  # noqa: TRY301 - as any other damage
    except FileNotFoundError:
        if not out.exists() or all(path.name == WORK for path in out.iterdir()):
            return None
        raise OutputError(
            f"{out} holds files that galleryctl did not write: choose a folder that is empty or does not exist"
        ) from None
    except NotADirectoryError:
        raise OutputError(f"{out} is a file: choose a folder that is empty or does not exist") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OSError) as error:
        raise OutputError(f"{out / MANIFEST} is damaged: delete {out} and build again") from error
    if data["format"] != _FORMAT:
        raise OutputError(f"{out} was written by another version of galleryctl: delete it and build again")
    return rows


def _outside(path: str) -> bool:
    """What a manifest lists is removed one day; whoever wrote it must not reach other files."""
    return path[:1] in {"", "/"} or "\0" in path or (".." in path and ".." in path.split("/"))


def stamp(out: Path) -> str:
    """The stamp of the last whole run; it stands at the start of the manifest."""
    try:
        with (out / MANIFEST).open("rb") as file:
            found = re.match(rb'{"format":\d+,"stamp":"([^"]*)"', file.read(200))
    except OSError:
        return ""
    return found[1].decode() if found else ""


def dumps(rows: Mapping[str, Row], stamp: str = "") -> bytes:
    data = {"format": _FORMAT, "stamp": stamp, "files": dict(sorted(rows.items()))}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape") + b"\n"
