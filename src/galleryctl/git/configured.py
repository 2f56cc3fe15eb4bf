"""What somebody told git about themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl.git import process as run

if TYPE_CHECKING:
    from pathlib import Path


def author(root: Path) -> tuple[str, str]:
    """Name and address that commits of this folder would carry; each empty where git was not told."""
    place = run.place_of(root)
    if place is None:
        return "", ""
    name, email = (_value(place, key) for key in ("user.name", "user.email"))
    return name, email


def _value(place: run.Place, key: str) -> str:
    output, _ = run.start(place.folder, "config", "--get", key).communicate()
    return output.decode(errors="replace").strip()
