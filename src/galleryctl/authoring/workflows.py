"""`init --ci github`: workflows, issue forms and the template of pull requests, as this project uses them itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galleryctl import __version__, output, resources
from galleryctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OURS = ("workflows/test.yml",)
"""What tests this program, and is no registry's business."""
_ACTION = "actions/galleryctl/action.yml"
_PINNED = ".github/galleryctl.txt"
_INSTALL = "    - name: Install galleryctl\n"
"""The last step of the action: here from the checkout, elsewhere as pinned."""
_PINNED_INSTALL = f"""\
      shell: bash
      run: python -m pip install --quiet -r "$GITHUB_WORKSPACE/{_PINNED}"
"""
_PIN = f"""\
# The galleryctl that judges and builds this registry: who changes it changes the rules, so it is governance. With the
# hashes of all that is installed (`pip-compile --generate-hashes`) nobody can swap it.
galleryctl[cli]=={__version__}
"""


def ci(root: Path, *, folder: str = "registry") -> tuple[str, ...]:
    """Write the files for GitHub into the repository at `root`; their paths. What is there already is not touched.

    `folder` is the registry's. Raises `UsageError` where a file is there and differs.
    """
    wanted = files(folder)
    differs = [path for path, text in wanted.items() if (root / path).exists() and (root / path).read_text() != text]
    if differs:
        shown = ", ".join(differs[:3]) + (f" and {len(differs) - 3} more" if len(differs) > 3 else "")  # noqa: PLR2004
        raise UsageError(
            f"{shown} already there, and not as it would be written; move it away first, nothing was written"
        )
    for path, text in wanted.items():
        output.replace(root / path, text)
    return tuple(wanted)


def files(folder: str) -> Mapping[str, str]:
    """Every file, by its path in the repository."""
    source = resources.root(".github")
    found = {}
    for path in sorted(each for each in source.rglob("*") if each.is_file()):
        name = path.relative_to(source).as_posix()
        if name not in _OURS:
            found[f".github/{name}"] = _fitted(name, path.read_text(encoding="utf-8"), folder)
    return {**found, _PINNED: _PIN}


def _fitted(name: str, text: str, folder: str) -> str:
    if name == _ACTION:
        return text.partition(_INSTALL)[0] + _INSTALL + _PINNED_INSTALL
    if name.startswith("workflows/"):
        text = text.replace('paths: [.github/**, "*.lock"]', "paths: [.github/**]")
        if folder != "registry":
            return text.replace("permissions: {}\n", f"permissions: {{}}\n\nenv:\n  GALLERYCTL_REGISTRY: {folder}\n", 1)
    return text
