"""Brings the wheel's data together while it is built: the top-level folders, and the site's third-party JavaScript.

The JavaScript is fetched here so that installing and running galleryctl need no Node. An editable install reads the
top-level folders where they are.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = "src/galleryctl/data/vendor"
FOLDERS = ("schemas", "site_templates", ".github")
INPUTS = ("package.json", "package-lock.json", ".npmrc")
# file in node_modules → name in the vendor folder: unminified ES modules, each with its licence
MODULES = {
    "minisearch/dist/es/index.js": "minisearch.js",
    "minisearch/LICENSE.txt": "minisearch.LICENSE.txt",
}


class VendorHook(BuildHookInterface):  # type: ignore[type-arg] # the config type is the builder's own business
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        vendor(Path(self.root))
        if self.target_name == "wheel" and version != "editable":
            build_data["force_include"] |= {str(Path(self.root, name)): f"galleryctl/data/{name}" for name in FOLDERS}


def vendor(root: Path) -> None:
    """Bring `VENDOR` in step with package-lock.json; runs npm only where they differ."""
    target = root / VENDOR
    stamp = target / "lock.sha256"
    wanted = hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest() + "\n"
    whole = all((target / name).is_file() for name in MODULES.values())
    if whole and stamp.is_file() and stamp.read_text() == wanted:
        return
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for name in INPUTS:
            shutil.copy(root / name, scratch / name)
        _npm_ci(scratch)
        target.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        for source, name in MODULES.items():
            shutil.copyfile(scratch / "node_modules" / source, target / name)
    stamp.write_text(wanted)


def _npm_ci(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        message = "npm is missing: install Node.js 20 or later; building galleryctl needs it, using galleryctl does not"
        raise RuntimeError(message)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 # fixed words
    if done.returncode != 0:
        message = f"npm ci failed, so the site's JavaScript is missing:\n{done.stderr}"
        raise RuntimeError(message)
