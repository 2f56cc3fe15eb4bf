"""Which files govern a registry, which are its content, and which are neither. Paths are from the top of the tree."""

from __future__ import annotations

from galleryctl import layout

_FOLDERS = ("schemas/", "site_templates/", ".github/", ".ci/", "src/")
_FILES = {".npmrc", "makefile", ".gitattributes", ".gitmodules", "codeowners"}
_PROGRAMS = (".py", ".pyc", ".pth", ".so", ".sh", ".toml", ".cfg", ".lock")
"""Endings of what an installer or Python may read beside the program; tests and documents are read by neither."""
_APART = ("tests/", "docs/", "benchmarks/")
_LISTED = ("requirements", "constraints")
_GOVERNING = {"settings", "roles", "policy", "trust"}


def inside(path: str, name: str) -> str | None:
    """A path relative to the registry's folder `name`; none where it lies elsewhere."""
    return path.removeprefix(f"{name}/") if path.startswith(f"{name}/") else None


def governs(path: str, name: str) -> bool:
    """Whether a file decides who may do what, or what the program does. A taxonomy does so by its licences alone.

    Files of the repository outside the tree begin with `../`: they are judged as if they lay at its top.
    """
    within = inside(path, name)
    if within is not None:
        place = layout.place(within)
        return place is not None and place.kind in _GOVERNING
    while path.startswith("../"):
        path = path.removeprefix("../")
    path = path.lower()  # some systems take `.GitHub` for `.github`
    file = path.rpartition("/")[2]
    return (
        f"{path}/".startswith(_FOLDERS)  # a link in the place of one of them leads to another
        or file in _FILES
        or (file.endswith(_PROGRAMS) and not path.startswith(_APART))
        or file.endswith(".lock")
        or (file.startswith("package") and file.endswith(".json"))
        or (file.startswith(_LISTED) and file.endswith(".txt"))
    )


def content(path: str, name: str) -> layout.Place | None:
    """What a path says about the gallery; none for governance, and for all that has no place in a registry."""
    within = inside(path, name)
    place = layout.place(within) if within is not None else None
    return None if place is None or place.kind in _GOVERNING else place
