"""Whose a file is: where anybody may write, what is remembered may be what another user wants us to remember."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def is_planted(path: Path) -> bool:
    """Whether another user, who is not root, put this into a folder where anybody may write. Links are not followed."""
    if not hasattr(os, "geteuid"):
        return False
    try:
        owner, folder = path.lstat().st_uid, path.parent.stat().st_mode
    except OSError:
        return False
    return owner not in {os.geteuid(), 0} and bool(folder & stat.S_IWOTH)
