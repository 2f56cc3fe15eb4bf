"""Where the package's own data lies: beside the module in an installed wheel, else in the checkout."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def root(name: str) -> Path:
    """The folder `schemas`, `site_templates`, `.github` or `vendor`; `FileNotFoundError` where it was not installed."""
    for folder in (_PACKAGE / "data" / name, _PACKAGE.parents[1] / name):
        if folder.is_dir():
            return folder
    message = f"galleryctl is not installed whole: its folder {name} is missing; install it again"
    raise FileNotFoundError(message)


@cache
def program() -> str:
    """Digest of the package's own code: what a renderer made depends on it."""
    sums = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        sums.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return sums.hexdigest()


def folder_digest(folder: Path) -> str:
    """Digest of every file below a folder."""
    sums = hashlib.sha256()
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        sums.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return sums.hexdigest()
