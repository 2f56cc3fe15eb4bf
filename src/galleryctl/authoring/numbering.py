"""The number of the next release: above every one ever used, those of removed releases included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from galleryctl.errors import UsageError
from galleryctl.spec import is_version, version_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from galleryctl.authoring.files import Files
    from galleryctl.layout import Place

Part = Literal["patch", "minor", "major"]
PARTS: tuple[Part, ...] = get_args(Part)


def number(files: Files, place: Place, *, version: str | None = None, bump: Part = "patch") -> str:
    """`version` where it is free and above all, else the highest ever used, raised; `UsageError` where it is not."""
    used = [*files.releases(place), *_gone(files, place)]
    if not used:
        return version or "1.0.0"
    chosen = version or raised(max(used, key=version_key), bump)
    _refuse(place.id, chosen, used)
    return chosen


def raised(version: str, part: Part) -> str:
    """The next number: 1.4.2 raised by minor is 1.5.0."""
    major, minor, patch = version_key(version)
    if part == "major":
        return f"{major + 1}.0.0"
    return f"{major}.{minor + 1}.0" if part == "minor" else f"{major}.{minor}.{patch + 1}"


def _refuse(identifier: str, version: str, used: Iterable[str]) -> None:
    if not is_version(version):
        raise UsageError(f"{version!r} is no version: write three numbers, such as 1.1.0")
    highest = max(used, key=version_key)
    if version_key(version) <= version_key(highest):
        why = "was used before" if version in used else f"is not above {highest}, the highest ever used"
        raise UsageError(
            f"{identifier} {version} {why}; the next are {', '.join(raised(highest, part) for part in PARTS)}"
        )


def _gone(files: Files, place: Place) -> tuple[str, ...]:
    """Versions that were removed and never come back."""
    for ending in ("yaml", "json"):
        path = f"removed/{place.id}.{ending}"
        if path in files.entries:
            gone = files.document(path).data.get("releases", [])
            return tuple(version for version in gone if isinstance(version, str) and is_version(version))
    return ()
